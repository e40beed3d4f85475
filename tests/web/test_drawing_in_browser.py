"""The drawing, the text, the table and the address of the page, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from browsing import Visit, reason_to_skip

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REASON = reason_to_skip()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

FRONT_DOOR = "X -> M -> Y\nX <-> Y\n"


@pytest.fixture(scope="module")
def laptop(browser: Browser, address: str) -> Iterator[Visit]:
    """One tab for all tests of a laptop's screen; each opens what it needs."""
    visit = Visit(browser.new_page(viewport={"width": 1280, "height": 720}), address)
    yield visit
    visit.leave()


def keys(visit: Visit, *presses: str) -> None:
    """Press keys in the drawing, each once what the one before did is done."""
    for key in presses:
        visit.page.keyboard.press(key)
        visit.settle()


def named(visit: Visit, name: str) -> None:
    """Type a name where the drawing asks for one."""
    visit.page.locator(".naming").fill(name)
    keys(visit, "Enter")


def read(visit: Visit) -> list[tuple[str, str, str]]:
    """The edges of the graph that the page shows."""
    return [(edge["tail"], edge["kind"], edge["head"]) for edge in visit.state("reading")["edges"]]


def drawn(visit: Visit) -> dict[str, int]:
    """How many elements of the drawing itself a selector finds."""
    counts = "(all) => Object.fromEntries(all.map((each) => [each, window.latentdo.drawing.cy.$(each).length]))"
    return visit.page.evaluate(counts, ["node", "edge", "node[?latent]", 'node[role="treatment"]', ".cut", ".hedge"])


def test_what_is_drawn_is_written_and_can_be_undone(laptop: Visit) -> None:
    laptop.open("# mine\n")
    for name, x, y in (("X", 0.2, 0.6), ("M", 0.5, 0.3), ("Y", 0.8, 0.6)):
        laptop.draw_node(name, x, y)
    laptop.draw_edge("X", "M")
    laptop.draw_edge("M", "Y", modifier="Alt")
    laptop.draw_edge("X", "Y", modifier="Shift")
    assert laptop.text == "# mine\nX\nM\nY\nX -> M\nM -| Y\nX <-> Y\n"
    laptop.choose("M", "Latent")
    assert drawn(laptop)["node[?latent]"] == 1
    keys(laptop, "Control+z", "Control+z")
    assert "latent" not in laptop.text
    assert "X <-> Y" not in laptop.text
    keys(laptop, "Control+Shift+Z", "Control+Shift+Z")
    assert laptop.text == "# mine\nX\nlatent M\nY\nX -> M\nM -| Y\nX <-> Y\n"


def click(visit: Visit, name: str) -> None:
    """Click a node in its middle."""
    x, y, _ = visit.place(name)
    visit.page.mouse.click(x, y)
    visit.settle()


def test_keys_and_buttons_go_on_from_a_click(laptop: Visit) -> None:
    laptop.page.reload()
    laptop.open(FRONT_DOOR)
    click(laptop, "M")
    keys(laptop, "u")
    assert laptop.text == "X -> M -> Y\nX <-> Y\nlatent M\n"
    laptop.choose("M", "Latent")
    laptop.choose("X", "Edge to …")
    click(laptop, "Y")
    assert laptop.text == "X -> M -> Y\nX <-> Y\nX -> Y\n"
    laptop.choose("M", "Hidden cause with …")
    keys(laptop, "Escape")
    click(laptop, "Y")
    assert len(read(laptop)) == 4, "Escape lets go of an edge that is begun"
    keys(laptop, "Delete")
    assert read(laptop) == [("X", "->", "M")]


def test_drawing_an_edge_moves_nothing_and_selects_what_was_drawn(laptop: Visit) -> None:
    laptop.press("New", inside="#bar")
    for name, x, y in (("W", 0.2, 0.3), ("R", 0.7, 0.3), ("X", 0.5, 0.8)):
        laptop.draw_node(name, x, y)
    ringed = "() => window.latentdo.drawing.cy.$(':selected').map((element) => element.id())"
    assert laptop.page.evaluate(ringed) == ["nX"]
    before = [laptop.place(name)[:2] for name in "WRX"]
    laptop.press("Draw hidden common causes", inside=".toolbar")
    laptop.draw_edge("W", "R")
    assert read(laptop) == [("W", "<->", "R")]
    assert [laptop.place(name)[:2] for name in "WRX"] == before
    assert "hidden cause" in laptop.said(".hint")
    assert len(laptop.page.evaluate(ringed)) == 1
    keys(laptop, "Delete")
    assert laptop.text.split() == ["W", "R", "X"]
    keys(laptop, "Control+z")
    assert laptop.said(".hint") == "", "what was told is not of this text"
    laptop.press("Move nodes", inside=".toolbar")


def test_nodes_stay_where_they_are_put_and_the_link_knows(laptop: Visit) -> None:
    laptop.open(FRONT_DOOR, "P(Y | do(X))")
    x, y, _ = laptop.place("M")
    laptop.page.mouse.move(x, y)
    laptop.page.mouse.down()
    laptop.page.mouse.move(x + 20, y + 90, steps=4)
    laptop.page.mouse.up()
    moved = laptop.page.evaluate("() => window.latentdo.store.state.places.get('M')")
    assert moved["kept"]
    fragment = laptop.until(
        "async () => (await window.latentdo.link()) === location.hash.slice(1) && location.hash", patience=10
    )
    laptop.page.reload()
    laptop.settle()
    assert laptop.text == FRONT_DOOR
    assert laptop.state("questions") == ["P(Y | do(X))"]
    assert laptop.page.evaluate("() => window.latentdo.store.state.places.get('M')") == moved
    laptop.page.evaluate("(broken) => { location.hash = broken; }", fragment[:-8])
    laptop.until("() => document.querySelector('#notices').innerText.includes('part of the link is missing')")
    assert laptop.text == FRONT_DOOR


def test_everything_is_drawn_with_keys_alone(laptop: Visit) -> None:
    laptop.open("")
    laptop.page.locator(".board").focus()
    for name in ("X", "Y"):
        keys(laptop, "Escape", "n")
        named(laptop, name)
    keys(laptop, "Escape", "PageDown", "e", "c", "PageDown", "Enter")
    assert read(laptop) == [("X", "->", "Y")]
    keys(laptop, "o", "F2")
    named(laptop, "blood pressure")
    assert laptop.state("questions") == ["P(`blood pressure` | do(X))"]
    keys(laptop, "Escape", "Shift+PageDown", "i")
    assert read(laptop) == [("X", "-|", "blood pressure")]
    keys(laptop, "f")
    assert read(laptop) == [("blood pressure", "-|", "X")]
    keys(laptop, "d", "PageDown", "u")
    assert laptop.text == "latent X\n`blood pressure`"
    before = laptop.place("X")
    keys(laptop, "ArrowRight", "ArrowDown")
    after = laptop.place("X")
    assert after[0] > before[0]
    assert after[1] > before[1]
    keys(laptop, "PageDown", "Delete")
    assert laptop.text == "latent X"
    keys(laptop, "?")
    assert "new node" in laptop.said("dialog")
    keys(laptop, "Escape")


def test_table_edits_the_same_text(laptop: Visit) -> None:
    laptop.open("X -> Y  # the effect\n", "P(Y | do(X))")
    table = laptop.page.locator(".table-pane")
    table.get_by_label("Name of a new node").fill("U")
    laptop.press("Add node", ".table-pane")
    table.get_by_label("U is latent").check()
    laptop.settle()
    table.get_by_label("From", exact=True).select_option("U")
    table.get_by_label("To", exact=True).select_option("X")
    laptop.press("Add edge", ".table-pane")
    assert laptop.text == "X -> Y  # the effect\nlatent U\nU -> X\n"
    table.get_by_label("Kind of the edge: X causes Y").select_option("-|")
    laptop.settle()
    table.get_by_label("Name of X").fill("Z")
    laptop.page.keyboard.press("Tab")
    assert laptop.text == "Z -| Y  # the effect\nlatent U\nU -> Z\n"
    assert laptop.state("questions") == ["P(Y | do(Z))"]
    assert table.get_by_label("Part of Z in the question").input_value() == "treatment"
    laptop.press("Delete U", ".table-pane")
    assert laptop.text == "Z -| Y  # the effect\n"


def test_text_moves_the_drawing_and_says_where_it_cannot_be_read(laptop: Visit) -> None:
    laptop.open(FRONT_DOOR, "P(Y | do(X))")
    field = laptop.page.locator("#text")
    field.fill("X -> M -> Y\nX => Y\n")
    laptop.until("() => window.latentdo.store.state.fault")
    assert laptop.said("#text-fault").startswith("line 2, column 3")
    assert laptop.page.locator(".numbers .is-wrong").inner_text() == "2"
    assert laptop.page.locator(".marks mark").text_content() == "=>"
    assert drawn(laptop)["edge"] == 3, "the drawing shows what the text last said"
    field.fill("X -> M -> Y -> Z\n")
    laptop.until("() => window.latentdo.store.state.reading.nodes.length === 4")
    laptop.settle()
    assert not laptop.page.locator("#text-fault").is_visible()
    assert drawn(laptop) == {
        "node": 4,
        "edge": 3,
        "node[?latent]": 0,
        'node[role="treatment"]': 1,
        ".cut": 0,
        ".hedge": 0,
    }


def test_graphs_of_other_programs_come_in_and_go_out(laptop: Visit, tmp_path: Path) -> None:
    laptop.open("")
    drop = "(text) => { const d = new DataTransfer(); d.items.add(new File([text], 'g.dagitty')); return d; }"
    graph = 'dag { X [exposure,pos="0,1"] Y [outcome, pos="2,1"] U [latent,pos="1.0,-.5"] X -> Y U -> X U -> Y }'
    laptop.page.dispatch_event("#graph", "drop", {"dataTransfer": laptop.page.evaluate_handle(drop, graph)})
    laptop.until("() => window.latentdo.store.state.verdicts")
    assert read(laptop) == [("X", "->", "Y"), ("U", "->", "X"), ("U", "->", "Y")]
    assert laptop.state("questions") == ["P(Y | do(X))"]
    (x, x_down, _), (y, y_down, _), (u, u_down, _) = (laptop.place(name) for name in "XYU")
    assert x_down == pytest.approx(y_down)
    assert (x + y) / 2 == pytest.approx(u, abs=1)
    assert (x_down - u_down) / (y - x) == pytest.approx(0.75, abs=0.02)
    for title, start in (("dagitty", b"dag {"), ("SVG, as drawn here", b"<svg "), ("PNG, as drawn here", b"\x89PNG")):
        laptop.page.locator("#bar summary", has_text="Export").click()
        with laptop.page.expect_download() as coming:
            laptop.page.get_by_role("menuitem", name=title).click()
        path = tmp_path / coming.value.suggested_filename
        coming.value.save_as(path)
        assert path.read_bytes().startswith(start)
    picture = ElementTree.parse(tmp_path / "graph.svg").getroot()
    words = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["▶ X", "◎ Y", "U"]


def test_scripts_in_names_are_shown_and_never_run(laptop: Visit) -> None:
    evil = "<img src=x onerror=alert(1)>"
    laptop.open(f"`{evil}` -> Y\n", f"P(Y | do(`{evil}`))")
    assert laptop.verdict == "yes"
    assert evil[:20] in laptop.said(".table-pane")
    assert laptop.page.locator("img").count() == 0


def test_phone_draws_by_touch(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = Visit(context.new_page(), address)
    phone.open("X\nY\n")
    fingers = context.new_cdp_session(phone.page)

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        places: list[Any] = [
            (start[0] + (end[0] - start[0]) * k / 4, start[1] + (end[1] - start[1]) * k / 4) for k in range(5)
        ]
        for kind, points in [
            ("touchStart", places[:1]),
            *(("touchMove", [place]) for place in places),
            ("touchEnd", []),
        ]:
            fingers.send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [{"x": round(x), "y": round(y)} for x, y in points]},
            )
        phone.settle()

    phone.press("Draw hidden common causes", inside=".toolbar")
    drag(phone.place("X")[:2], phone.place("Y")[:2])
    phone.until("() => window.latentdo.store.state.reading.edges.length === 1")
    assert read(phone) == [("X", "<->", "Y")]
    assert phone.page.evaluate("() => document.documentElement.scrollWidth") == 390
    phone.leave()


def test_colours_follow_the_system_and_the_switch(laptop: Visit) -> None:
    page = laptop.page
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != light
    laptop.press("Light colours", inside="#bar")
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light, "what was chosen is there before anything is painted"
    laptop.settle()


def test_move_of_a_node_is_a_step_that_undo_takes_back(laptop: Visit) -> None:
    laptop.open("X -> Y\n")
    before, text = laptop.place("X"), laptop.text
    laptop.page.mouse.move(*before[:2])
    laptop.page.mouse.down()
    laptop.page.mouse.move(before[0] + 60, before[1] + 90, steps=3)
    laptop.page.mouse.up()
    moved = laptop.place("X")
    assert moved[1] - before[1] > 60
    laptop.page.keyboard.press("Control+z")
    assert laptop.place("X") == pytest.approx(before, abs=2) and laptop.text == text
    laptop.page.keyboard.press("Control+Shift+z")
    assert laptop.place("X") == pytest.approx(moved, abs=2)


def test_nodes_that_are_made_by_keys_stay_in_view_and_an_edge_shows_where_it_begins(laptop: Visit) -> None:
    laptop.open("")
    keys = laptop.page.keyboard
    laptop.page.locator(".board").focus()
    names = "ABCDEFGH"
    for name in names:
        laptop.type_node(name)
    box = laptop.page.locator(".board").bounding_box()
    assert box is not None
    for x, y, half in map(laptop.place, names):
        assert box["x"] < x - half and x + half < box["x"] + box["width"]
        assert box["y"] < y - half / 2 and y + half / 2 < box["y"] + box["height"]
    keys.press("c")
    begun = "() => window.latentdo.drawing.cy.nodes('.target').map((node) => node.data('name'))"
    assert laptop.page.evaluate(begun) == ["H"]
    laptop.walk_to("A")
    assert "H causes A" in laptop.said(".hint")
    keys.press("Escape")
    assert laptop.page.evaluate(begun) == []


def test_long_names_stay_within_their_pane(browser: Browser, address: str) -> None:
    phone = Visit(browser.new_page(viewport={"width": 390, "height": 844}), address)
    first, last = "`body mass index at age 30 (kg per square metre)`", f"`{'very ' * 20}long`"
    phone.open(f"{first} -> {last}\n", f"P({last} | do({first}))", f"E[{last} | do({first}=1)]")
    assert phone.page.evaluate("() => document.documentElement.scrollWidth") == 390
    ends = phone.page.locator(".questions *").evaluate_all(
        "(all) => all.map((each) => each.getBoundingClientRect().right)"
    )
    assert max(ends) <= 390
    phone.leave()


@pytest.mark.sample
def test_two_hundred_nodes_stay_usable(laptop: Visit) -> None:
    lines = [f"V{j - step} -> V{j}" for j in range(1, 200) for step in (1, 7) if j >= step]
    laptop.open("\n".join(lines), "P(V199 | do(V0))")
    start = time.monotonic()
    laptop.page.evaluate(
        "() => window.latentdo.store.edit([{ op: 'add_edge', tail: 'V3', head: 'V150', kind: '<->' }])"
    )
    laptop.settle()
    # A tenth of a second on a machine that is at rest; nothing here may grow with the square of the nodes.
    assert time.monotonic() - start < 30
    assert drawn(laptop)["edge"] == len(lines) + 1

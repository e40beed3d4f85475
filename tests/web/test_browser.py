"""The page in a real browser: drawn with the mouse, asked, mended, and done once with the keyboard alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

import numpy as np
import pytest

import latentdo as ld
from browsing import Visit, reason_to_skip
from handmade_fits import handmade
from malformed import texts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REASON = reason_to_skip()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

FRONT_DOOR = "X -> M -> Y\nX <-> Y\n"
NAPKIN = "W -> R -> X -> Y\nW <-> X\nW <-> Y\n"

Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def tab(browser: Browser, address: str) -> Iterator[Visit]:
    """One tab for all tests; at the end nothing may have gone wrong in it."""
    visit = Visit(browser.new_context(viewport={"width": 1440, "height": 1000}).new_page(), address)
    yield visit
    visit.leave()


@pytest.fixture
def opened(tab: Visit) -> Open:
    """Opens a text with questions in the tab."""

    def open_text(text: str = "", *questions: str) -> Visit:
        # All tests share one server: the table of another would give its values to a question.
        tab.page.evaluate("() => window.latentdo.store.bridge.callServed('forget')")
        tab.open(text, *questions)
        return tab

    return open_text


def test_front_door_is_drawn_broken_and_mended_with_the_mouse(opened: Open) -> None:
    visit = opened()
    for name, x, y in (("X", 0.2, 0.6), ("M", 0.5, 0.6), ("Y", 0.8, 0.6)):
        visit.draw_node(name, x, y)
    visit.draw_edge("X", "M")
    visit.draw_edge("M", "Y")
    visit.draw_edge("X", "Y", modifier="Shift")
    assert [line for line in visit.text.splitlines() if line.strip()] != []
    visit.choose("X", "Treatment")
    visit.choose("Y", "Outcome")
    assert visit.state("questions") == ["P(Y | do(X))"]
    assert visit.verdict == "yes"
    assert "front-door" in visit.said("#answer")

    # Nobody measured M: nothing is left to go by.
    visit.choose("M", "Latent")
    assert visit.verdict == "no"
    assert "hedge" in visit.said("#answer")
    assert visit.state("lit")["hedge"]["nodes"]
    visit.press("measure M", inside="#answer")
    assert visit.verdict == "yes"
    visit.page.keyboard.press("Control+z")
    assert visit.verdict == "no"
    assert "latent M" in visit.text


def test_remedy_is_an_edit_that_undo_takes_back(opened: Open) -> None:
    visit = opened("# mine\nX -> Y  # the effect\nX <-> Y\n", "P(Y | do(X))")
    assert visit.verdict == "no"
    before = visit.text
    visit.press("rule out X <-> Y", inside="#answer")
    assert visit.verdict == "yes"
    assert visit.text.startswith("# mine\nX -> Y  # the effect\n") and "<->" not in visit.text
    visit.page.locator("#answer").click(position={"x": 5, "y": 5})
    visit.page.keyboard.press("Control+z")
    assert visit.verdict == "no"
    assert visit.text == before


def test_experiment_is_a_remedy_too(opened: Open) -> None:
    visit = opened(FRONT_DOOR + "X <-> M\n", "P(Y | do(X))")
    assert visit.verdict == "no"
    visit.press("experiment on X itself (a trial)", inside="#answer")
    assert visit.verdict == "yes"
    visit.press("Without the experiment on X", inside="#question")
    assert visit.verdict == "no"


def test_experiments_count_where_the_table_has_rows_of_them(opened: Open, tmp_path: Path) -> None:
    model, query = "latent U ~ normal\nX ~ normal(U)\nY ~ normal(X, U)\n", "E[Y | do(X=1)]"
    arms = tmp_path / "arms.csv"
    arms.write_text("X,Y,arm\n" + "".join(f"{k % 5},{k % 7},{'X' if k % 2 else ''}\n" for k in range(40)))
    visit = opened(model, query)
    visit.page.set_input_files("#data-file", arms)
    visit.page.locator("#data .histogram").nth(1).wait_for()
    visit.press("experiment on X itself (a trial)", inside="#answer")
    assert visit.verdict == "yes"
    assert "The table has no rows in which X was set." in visit.said("#experiments-lacking")
    assert "A fit of this table cannot give this answer." in visit.said("#answer-without-rows")
    visit.page.select_option("#data-do", "arm")
    visit.page.locator("#question .tag", has_text="do(X): 20 rows of the table").wait_for()
    for told in ("#experiments-lacking", "#answer-without-rows"):
        visit.page.locator(told).wait_for(state="hidden")
    visit.press("Without the experiment on X", inside="#question")
    assert visit.verdict == "yes", "the rows of the table answer it"
    assert "Cheapest: measure X, Y" in visit.unfold("measurements").inner_text()
    assert "There is no step to check" in visit.unfold("proof").inner_text()
    assert "1 of 1 effects can be answered" in visit.unfold("matrix").inner_text()

    handmade(model).save(tmp_path / "observed.ldo")
    visit.page.set_input_files("#fit-file", tmp_path / "observed.ldo")
    visit.page.locator("#ask-all").wait_for()
    visit.ask(query)
    assert visit.verdict == "yes"
    visit.page.click("#ask-all")
    visit.page.locator("#answers", has_text="The fit has no rows in which X was set.").wait_for()

    visit.press("Forget it", inside="#data")
    visit.page.locator("#data-back", has_text="arms.csv is forgotten.").wait_for()
    visit.press("Forget the fit", inside="#fit")
    assert "Nothing brings them back" in visit.said("#fit-forget")
    visit.press("Remove them", inside="#fit")
    visit.page.locator("#ask-all").wait_for(state="hidden")
    visit.settle()
    assert visit.verdict == "no"


def test_proof_is_read_step_by_step_with_its_cut_graphs(opened: Open) -> None:
    visit = opened(NAPKIN, "P(Y | do(X))")
    proof = visit.unfold("proof")
    steps = proof.locator("li.step")
    rules = steps.evaluate_all("all => all.map(step => step.dataset.rule)")
    assert "rule 2" in rules and "rule 3" in rules
    first = steps.nth(rules.index("rule 2"))
    # Rule 2 cuts the edges into R and those out of X: two edges of the drawing are struck through.
    assert first.locator(".picture-edge.is-gone title").all_text_contents() == ["W -> R, cut", "X -> Y, cut"]
    first.hover()
    assert [edge["tail"] for edge in visit.state("lit")["step"]["cut"]] == ["W", "X"]
    assert "Every step was checked" in proof.inner_text()


def test_nodes_of_a_formula_light_in_the_drawing(opened: Open) -> None:
    visit = opened(NAPKIN, "P(Y | do(X))")
    visit.page.locator("#answer .formula [data-node]", has_text="R").first.hover(force=True)
    assert visit.state("lit")["hover"] == {"nodes": ["R"]}


def test_witness_shows_two_models_with_exact_fractions(opened: Open) -> None:
    visit = opened("X -> Y\nX <-> Y\n", "P(Y | do(X))")
    witness = visit.unfold("witness")
    rows = witness.locator("table").first.locator("tbody tr").inner_text().split("\t")
    assert rows[0].startswith("P(Y=") and rows[1] != rows[2] and "/" in rows[2]
    assert "Checked in exact fractions" in witness.inner_text()


def test_matrix_asks_the_pair_that_is_clicked(opened: Open) -> None:
    visit = opened(NAPKIN, "P(Y | do(X))")
    matrix = visit.unfold("matrix")
    matrix.locator('td[data-query="P(Y | do(R))"]').click()
    visit.settle()
    assert visit.state("questions") == ["P(Y | do(R))"]
    assert "back-door" in visit.said("#answer")


def test_question_is_written_by_completion_and_by_templates(opened: Open) -> None:
    visit = opened(NAPKIN, "P(Y | do(X))")
    visit.page.fill("#question-text", "")
    visit.page.focus("#question-text")
    visit.page.keyboard.type("P(Y | do(")
    visit.page.locator("#question .candidates li code", has_text="W").first.wait_for()
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    assert visit.page.input_value("#question-text").startswith("P(Y | do(W")
    visit.page.keyboard.press("Escape")
    visit.page.select_option("#question-treatment", "X")
    visit.page.select_option("#question-outcome", "Y")
    visit.press("Effect", inside="#question")
    assert visit.state("questions") == ["E[Y | do(X=1)] - E[Y | do(X=0)]"]
    assert visit.verdict == "yes"


def test_question_is_written_once_two_different_nodes_are_chosen(opened: Open) -> None:
    visit = opened(NAPKIN)
    treatment, outcome = "#question-treatment", "#question-outcome"
    assert [visit.page.input_value(menu) for menu in (treatment, outcome)] == ["", ""]
    visit.page.select_option(treatment, "X")
    visit.page.select_option(outcome, "X")
    assert visit.page.input_value(treatment) == "", "one node is treatment and outcome"
    visit.page.select_option(outcome, "Y")
    visit.page.select_option(treatment, "X")
    assert visit.verdict == "yes"
    assert visit.state("questions") == ["P(Y | do(X))"]
    visit.ask("P(Q | do(X))")
    assert [visit.page.input_value(menu) for menu in (treatment, outcome)] == ["", ""], "nobody chose these"


def test_verdict_of_a_text_that_cannot_be_read_says_so(opened: Open) -> None:
    visit = opened(FRONT_DOOR, "P(Y | do(X))")
    visit.page.locator("#answer-unread").wait_for(state="hidden")
    visit.page.evaluate("() => window.latentdo.store.setText('X -> -> Y', 'typing')")
    visit.page.locator("#answer-unread").wait_for(state="visible")


def test_several_questions_are_a_list(opened: Open) -> None:
    visit = opened(FRONT_DOOR, "P(Y | do(X))")
    visit.press("Ask another", inside="#question")
    visit.ask("P(Z | do(X))")
    assert visit.verdict == "fault"
    assert "Z" in visit.said("#question-fault")
    visit.ask("P(M | do(X))")
    assert visit.verdict == "yes"
    assert visit.state("questions") == ["P(Y | do(X))", "P(M | do(X))"]
    visit.press("Remove the question P(M | do(X))", inside="#question")
    assert visit.state("questions") == ["P(Y | do(X))"]


def test_spoilt_texts_leave_the_page_alive(opened: Open) -> None:
    visit = opened(FRONT_DOOR, "P(Y | do(X))")
    spoilt = [text for kind in ("graph", "model", "dagitty") for text in texts(kind, 100, seed=20)]
    told = visit.page.evaluate(
        """async (texts) => {
            const { store } = window.latentdo;
            const told = [];
            for (const text of texts) {
                store.setText(text, "typing");
                while (store.state.behind) await new Promise((go) => setTimeout(go, 1));
                told.push(store.state.fault?.kind ?? "read");
            }
            return told;
        }""",
        spoilt,
    )
    assert len(told) == 300
    assert set(told) & {"bug", "unreachable"} == set()
    assert "read" in told and "syntax" in told
    visit.open(FRONT_DOOR, "P(Y | do(X))")
    assert visit.verdict == "yes"


HOSTILE = ("`<img src=x onerror=alert(1)>`", "`<script>window.ran=1</script>`", "`\\\\href{javascript:alert(1)}{x}`")


SCRIPTS = """() => {
    const runs = ({ name, value }) =>
        name.startsWith("on") || name === "srcdoc" || value.trim().toLowerCase().startsWith("javascript:");
    const found = [...document.querySelectorAll("main *")].filter(({ tagName, attributes }) =>
        tagName.toLowerCase() === "script" || [...attributes].some(runs));
    return [...found.map(({ outerHTML }) => outerHTML.slice(0, 200)), ...(window.ran === undefined ? [] : ["it ran"])];
}"""
DRAWN = """async (text) => (await window.latentdo.store.bridge.call("draw", { text, format: "svg" })).content"""


def test_script_in_names_is_shown_and_never_run(opened: Open, tmp_path: Path) -> None:
    image, script, link = HOSTILE
    text = f"{image} -> {script} -> {link}\n{image} <-> {link}\n"
    visit = opened(text, f"P({link} | do({image}))")
    assert visit.verdict == "yes"
    for name in ("proof", "forms", "measurements", "matrix", "implications"):
        visit.unfold(name)
    visit.open(text + f"{image} <-> {script}\n", f"P({link} | do({image}))")
    assert visit.verdict == "no"
    visit.unfold("witness")
    assert "<script>window.ran=1</script>" in visit.said("#answer")
    table = tmp_path / "<img src=x onerror=alert(1)>.csv"
    names = ",".join(f'"{name.strip("`")}"' for name in HOSTILE)
    table.write_text(f"{names}\n0,1,<script>window.ran=1</script>\n1,0,b\n0,0,b\n")
    visit.page.set_input_files("#data-file", table)
    visit.page.locator("#data .histogram").nth(2).wait_for()
    assert "<script>window.ran=1</s" in visit.said("#data tbody")
    assert visit.page.evaluate(SCRIPTS) == []
    drawn = list(ElementTree.fromstring(visit.page.evaluate(DRAWN, text)).iter())
    assert "<script>window.ran=1</script>" in [node.text for node in drawn if node.text]
    assert not [
        node.tag for node in drawn if node.tag.endswith("script") or any(key.startswith("on") for key in node.attrib)
    ]


def test_everything_is_done_with_the_keyboard_alone(opened: Open) -> None:
    visit = opened()
    keys = visit.page.keyboard
    visit.page.locator(".board").focus()
    for name in ("X", "M", "Y"):
        visit.type_node(name)
    for step in ("X M c", "M Y c", "X Y b"):
        tail, head, key = step.split()
        visit.walk_to(tail)
        keys.press(key)
        visit.walk_to(head)
        keys.press("Enter")
        visit.settle()
    visit.walk_to("X")
    keys.press("e")
    visit.walk_to("Y")
    keys.press("o")
    assert visit.verdict == "yes"
    for _ in range(60):
        keys.press("Tab")
        if visit.page.evaluate("() => document.activeElement?.parentElement?.dataset.fold === 'proof'"):
            break
    if not visit.page.evaluate("() => document.activeElement.parentElement.open"):
        keys.press("Enter")
    visit.page.locator("#answer li.step").first.wait_for()
    assert "Every step was checked" in visit.said("#answer")


def trial(path: Path) -> Path:
    """A table of a front door with an effect of 0.72."""
    random = np.random.default_rng(5)
    u, noise = random.normal(size=200), random.normal(size=(200, 3))
    x = u + noise[:, 0]
    m = 0.8 * x + noise[:, 1]
    y = 0.9 * m + u + noise[:, 2]
    np.savetxt(path, np.column_stack([x, m, y]), delimiter=",", header="X,M,Y", comments="")
    return path


def test_what_data_could_contradict_is_tested_with_the_table(opened: Open, tmp_path: Path) -> None:
    # X and Y are independent given M in this graph, and not in the table.
    visit = opened("X -> M -> Y\n", "P(Y | do(X))")
    visit.page.set_input_files("#data-file", trial(tmp_path / "trial.csv"))
    visit.page.locator("#data .histogram").nth(2).wait_for()
    visit.unfold("implications")
    visit.press("Test them against the table", inside="#whole")
    visit.page.locator("#claims table").wait_for(timeout=120_000)
    assert "X ⊥⊥ Y | M" in visit.said("#claims tbody") and "contradicted" in visit.said("#claims tbody")


CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(opened: Open, scheme: Literal["light", "dark"]) -> None:
    visit = opened("X -> M -> Y\nX <-> Y\nX <-> M\n", "P(Y | do(X))", "P(Q | do(X))", "P(Y | do(M))")
    for name in ("witness", "matrix", "implications"):
        visit.unfold(name)
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.wait_for_timeout(400)
    # WCAG AA: 4.5 to 1 for text, 3 to 1 where it is large.
    assert visit.page.evaluate(CONTRAST) == []


def width_of(page: Path, browser: Browser, width: int, media: Literal["screen", "print"]) -> int:
    """How wide a file of HTML is, on a screen or on paper of some pixels across."""
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.goto(page.as_uri())
    tab.emulate_media(media=media)
    found = tab.evaluate("() => document.documentElement.scrollWidth")
    tab.close()
    return found


def test_table_is_brought_trained_asked_compared_and_taken_away(opened: Open, browser: Browser, tmp_path: Path) -> None:
    effect_and_mean = ("E[Y | do(X=1)] - E[Y | do(X=0)]", "E[Y | do(X=1)]")
    visit = opened(FRONT_DOOR, *effect_and_mean)
    page = visit.page
    page.set_input_files("#data-file", trial(tmp_path / "trial.csv"))
    page.locator("#data .histogram").nth(2).wait_for()
    assert "200 rows, 3 columns" in visit.said("#data")
    visit.press("Write a family for each node", inside="#data")
    assert visit.text == FRONT_DOOR + "X ~ normal\nM ~ normal(X)\nY ~ normal(M)\n"

    page.select_option("#fit-engine", "laplace")
    page.select_option("#fit-check", "no")
    page.locator("#fit-plan", has_text="200 rows").wait_for()
    visit.press("Train", inside="#fit")
    visit.until("() => document.querySelector('#fit .pane-body').dataset.fit === 'done'", patience=180)
    page.click("#ask-all")
    page.locator("#answers .plot img").wait_for()
    effect, _ = page.locator("#answers .answer .number").all_inner_texts()
    assert 0.5 < float(effect.split()[0]) < 0.95 and "90 % interval" in effect

    page.locator("#ask summary", has_text="A curve").click()
    page.click("#curve-draw")
    page.locator("#curve input").wait_for()
    assert "do(X" in visit.said("#curve .number")
    page.locator("#ask summary", has_text="Compare").click()
    page.check("input[value='plug-in']")
    page.click("#compare-all")
    page.locator("#comparison .plot img").wait_for()
    assert "plug-in" in visit.said("#comparison tbody")

    page.locator("#ask summary", has_text="Download").click()
    asked = visit.download("csv", tmp_path).rename(tmp_path / "asked.csv")
    script = visit.download("script", tmp_path)
    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "answers.csv").read_text() == asked.read_text()

    report = visit.download("report", tmp_path)
    assert [width_of(report, browser, *each) for each in ((390, "screen"), (703, "print"))] == [390, 703]
    assert report.read_text().count("<svg ") == 3, "answers, curve and comparison"
    assert f"{effect_and_mean[1]}: {effect_and_mean[1]}" not in report.read_text()
    saved = visit.download("fit", tmp_path)
    visit.open(visit.text, *effect_and_mean, "P(Y > 1 | do(X=1))")
    study = ld.load_study(visit.download("study", tmp_path))
    assert [str(query) for _, query in study.queries] == [*effect_and_mean, "P(Y > 1 | do(X=1))"], (
        "those that stand there now"
    )
    visit.press("Forget it", inside="#data")
    page.locator("#data-back", has_text="The fit and its answers stay.").wait_for()
    assert effect in visit.said("#answers")
    visit.press("Forget the fit", inside="#fit")
    visit.press("Keep them", inside="#fit")
    visit.press("Bring it back", inside="#data")
    page.locator("#data .histogram").nth(2).wait_for()
    visit.open(f"# The same, said otherwise.\n{visit.text.replace(' ~ ', '  ~  ')}", *effect_and_mean)
    assert "as it was when trained" not in visit.said("#answers") and "This fit" not in visit.said("#fit-result")
    visit.press("New")
    assert "The graph is empty, and the table is kept." in visit.said("#data")
    assert "This fit is kept" in visit.said("#fit-result")
    visit.press("Add a node for each column", inside="#data")
    assert visit.text.split() == ["X", "M", "Y"]
    visit.open("X -> Y\n")
    assert "of the graph as it was when trained" in visit.said("#answers")
    assert "answers another question" in visit.said("#answers")
    assert "This fit is of another model" in visit.said("#fit-result")
    visit.open("A -> B\n")
    assert "brought for another graph" in visit.said("#data")
    page.set_input_files("#fit-file", saved)
    visit.until("() => window.latentdo.store.state.text.includes('M ~ normal(X)')")
    assert visit.state("questions") == [*effect_and_mean]


def trained(visit: Visit, press: str) -> None:
    """Press a button that begins a fit, and wait until it is done."""
    visit.press(press, inside="#fit")
    visit.until(fit_is("running"))
    visit.until(fit_is("done"), patience=300)


def fit_is(state: str) -> str:
    return f"() => document.querySelector('#fit .pane-body').dataset.fit === '{state}'"


def answered(visit: Visit, folder: Path) -> list[dict[str, Any]]:
    """What the fit of the page answers, with all digits."""
    visit.page.click("#ask-all")
    visit.page.locator("#answers .plot img").wait_for()
    if visit.page.locator("[data-download='json']").is_hidden():
        visit.page.locator("#ask summary", has_text="Download").click()
    return json.loads(visit.download("json", folder).read_text())["answers"]


@pytest.mark.sample
def test_fit_that_is_stopped_goes_on_to_the_answers_of_one_that_was_not(opened: Open, tmp_path: Path) -> None:
    visit = opened("latent U ~ normal\nX ~ normal(U)\nM ~ normal(X)\nY ~ normal(M, U)\n", "E[Y | do(X=1)]")
    page = visit.page
    page.set_input_files("#data-file", trial(tmp_path / "trial.csv"))
    page.locator("#data .histogram").nth(2).wait_for()
    page.select_option("#fit-engine", "nuts")
    page.select_option("#fit-check", "no")
    page.locator("#fit summary", has_text="Settings of the engine").click()
    for name, value in (("draws", 500), ("warmup", 300), ("chains", 2)):
        page.fill(f"#setting-{name}", str(value))
        page.keyboard.press("Tab")

    visit.press("Train", inside="#fit")
    # Some draws are there, so that something is kept.
    visit.until("() => /^[1-9]\\d? %/.test(document.querySelector('#fit-progress > p').textContent)", patience=120)
    visit.press("Stop", inside="#fit")
    visit.until(fit_is("stopped"))
    assert "What was done is kept" in visit.said("#fit-result")
    trained(visit, "Go on")
    assert "Going on from what was kept" in visit.said("#fit-result")
    went_on = answered(visit, tmp_path)

    trained(visit, "Train anew")
    assert "Going on from" not in visit.said("#fit-result")
    assert answered(visit, tmp_path) == went_on

"""Drawings of graphs: no edge through a node, marks where they belong, text that is drawn and never run, in every form."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foreign_sources
import latentdo as ld
from latentdo.errors import LatentdoError, MissingExtraError, QueryError, SpecError, UnknownNodeError, UnsupportedError
from latentdo.formats import read, write
from latentdo.graphs import LatentDag
from latentdo.plots import Drawing, drawing
from posteriors import posterior_of

SVG = "{http://www.w3.org/2000/svg}"


def pathway(chance: random.Random, n: int, edges: int, arcs: int) -> LatentDag:
    """A graph of `n` nodes whose edges mostly join nodes that are near each other."""
    names = [f"{chance.choice(('gene', 'AKT', 'p', 'cytokine'))}{k}" for k in range(n)]
    directed = set()
    for _ in range(edges):
        a = chance.randrange(n - 1)
        directed.add((names[a], names[min(n - 1, a + 1 + int(chance.expovariate(0.15)))]))
    pairs = {tuple(sorted(chance.sample(names, 2))) for _ in range(arcs)}
    latent = chance.sample(names, n // 6)
    return LatentDag(tuple(names), frozenset(directed), tuple((a, b, 1) for a, b in pairs), frozenset(latent))


def crossed(made: Drawing) -> list[tuple[str, str, str]]:
    """The nodes that edges run through."""
    layout, found = made.layout, list[tuple[str, str, str]]()
    names, boxes = list(layout.boxes), np.array([(box.x, box.y, box.width) for box in layout.boxes.values()])
    for link, curve in zip(made.scene.links, layout.curves, strict=True):
        points = np.array(curve.points(3.0))
        beside = np.abs(points[:, None, 0] - boxes[:, 0]) >= boxes[:, 2] / 2
        over = np.abs(points[:, None, 1] - boxes[:, 1]) >= 13
        inside = (~(beside | over)).any(axis=0)
        found += [(link.a, link.b, names[k]) for k in np.flatnonzero(inside) if names[k] not in (link.a, link.b)]
    return found


def test_no_edge_runs_through_a_node():
    chance = random.Random(5)
    for _ in range(40):
        n = chance.choice((2, 4, 7, 12, 20))
        made = drawing(pathway(chance, n, chance.randint(1, 2 * n), chance.randint(0, n // 2)))
        assert crossed(made) == []


def test_a_graph_of_150_nodes_is_drawn_and_one_of_151_is_refused():
    chance = random.Random(6)
    graph = pathway(chance, 150, 190, 8)
    made = graph.drawing()
    assert crossed(made) == []
    assert len(ET.fromstring(made.svg).findall(f".//{SVG}rect")) == 150
    more = LatentDag((*graph.nodes, "one more"), graph.directed)
    with pytest.raises(UnsupportedError, match="151 nodes, and at most 150 are drawn"):
        _ = more.drawing().svg
    assert more._repr_svg_() is None


def test_nodes_do_not_cover_each_other():
    chance = random.Random(8)
    for _ in range(20):
        boxes = list(drawing(pathway(chance, 15, 25, 3)).layout.boxes.values())
        for k, a in enumerate(boxes):
            for b in boxes[k + 1 :]:
                assert abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= 26


def test_causes_stand_to_the_left_of_their_effects():
    graph = pathway(random.Random(9), 30, 50, 0)
    boxes = drawing(graph).layout.boxes
    assert all(boxes[a].x < boxes[b].x for a, b in graph.directed)


@pytest.mark.parametrize(
    "name", [*foreign_sources.NAMES, "<script>alert(1)</script>", "]]>", "a\u202eb", "\uffff", "$x$", "é" * 60]
)
def test_any_name_is_drawn_and_none_is_run(name: str):
    made = LatentDag((name, "other"), frozenset({(name, "other")}), ((name, "other", 2),), frozenset({name})).drawing()
    root = ET.fromstring(made.svg)
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "defs", "marker", "path", "g", "rect", "text")
    }
    assert not any(key.startswith("on") for element in root.iter() for key in element.attrib)
    assert made.mermaid.startswith("flowchart LR\n")
    assert "<script" not in made.mermaid
    assert "\\begin{tikzpicture}" in made.tikz
    assert made.content(".png").startswith(b"\x89PNG")


def test_svg_says_in_words_what_it_shows():
    root = ET.fromstring(ld.graph("latent U; U -> X; X -| Y; X <-> Y")._repr_svg_() or "")
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.attrib["role"] == "img"
    assert title is not None and desc is not None
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], desc.attrib["id"]]
    assert title.text == "Graph over U, X, Y"
    assert desc.text == "U causes X; X inhibits Y; X shares a hidden cause with Y; not measured: U"


def rects(made: Drawing) -> dict[str, dict[str, str]]:
    root = ET.fromstring(made.svg)
    found = {}
    for group in root.findall(f"{SVG}g"):
        rect, text = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert rect is not None and text is not None and text.text is not None
        found[text.text] = rect.attrib
    return found


def test_a_question_marks_what_it_sets_asks_and_sees_and_what_is_adjusted_for():
    graph = ld.graph("Z -> X -> Y; Z -> Y; latent U; U -> Z; X -> M; W -> Y")
    made = graph.drawing("E[Y | do(X=1)] - E[Y | do(X=0)]")
    roles = {node.name: node.role for node in made.scene.nodes}
    assert roles == {"Z": "adjusted", "X": "treatment", "Y": "outcome", "U": "", "M": "", "W": "adjusted"}
    assert any("adjusting for {Z, W} is enough" in note for note in made.scene.notes)
    assert "stroke-dasharray" in rects(made)["U"]
    assert "stroke-dasharray" not in rects(made)["X"]
    seen = graph.drawing("E[Y | do(X=1), M=0]", adjustment=["Z"])
    roles = {node.name: node.role for node in seen.scene.nodes}
    assert (roles["M"], roles["Z"], roles["W"]) == ("given", "adjusted", "")
    assert "asked about" in made.svg and "adjusted for" in made.svg


def test_a_question_that_is_not_identified_says_so():
    assert "not identified" in ld.graph("X -> Y; X <-> Y").drawing("P(Y | do(X))").scene.notes


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda graph: graph.drawing("E[Q | do(X=1)]"), UnknownNodeError),
        (lambda graph: graph.drawing("E[Y"), LatentdoError),
        (lambda graph: graph.drawing(3), QueryError),
        (lambda graph: graph.drawing(adjustment=["Q"]), UnknownNodeError),
        (lambda graph: graph.drawing(posterior="fit.ldo"), SpecError),
        (lambda graph: graph.drawing(posterior=posterior_of("X ~ normal; Y ~ normal")), SpecError),
        (lambda graph: graph.plot(ax=3), QueryError),
    ],
)
def test_what_cannot_be_marked_is_refused(call: Any, error: type[Exception]):
    with pytest.raises(error):
        call(ld.graph("X -> Y"))


def test_weights_of_a_fit_stand_beside_its_edges():
    model = ld.model("X ~ normal; M ~ normal(-X); Y ~ normal(M, X, M:X); Z ~ normal(X, weight=2)")
    posterior = posterior_of(model, {"X -> M": -0.8})
    made = model.drawing(posterior=posterior)
    labels = {(link.a, link.b): link.label for link in made.scene.links}
    low, high = ld.ask(posterior, "E[M | do(X=1)] - E[M | do(X=0)]").interval(0.9)
    mean, _, interval = labels["X", "M"].partition(" ")
    assert float(mean) == pytest.approx(-0.8, abs=0.03)
    first, _, second = interval.strip("()").partition(" to ")
    assert (float(first), float(second)) == pytest.approx((low, high), abs=0.01)
    assert labels["X", "Z"] == "2 (fixed)"
    assert labels["M", "Y"] == labels["X", "Y"] == ""
    assert any("no single number" in note and "M -> Y" in note for note in made.scene.notes)
    assert {link.sign for link in made.scene.links if (link.a, link.b) == ("X", "M")} == {"-"}


def test_labels_do_not_lie_on_nodes():
    model = ld.model("A ~ normal; B ~ normal(A); C ~ normal(A, B); D ~ normal(A, B, C); E ~ normal(A, C, D)")
    made = model.drawing(posterior=posterior_of(model))
    for link, curve in zip(made.scene.links, made.layout.curves, strict=True):
        assert link.label
        assert not any(box.holds(curve.label, 0) for box in made.layout.boxes.values())


def test_hidden_causes_of_a_model_are_drawn_as_curves():
    made = ld.model("X ~ normal; Y ~ normal(X); X <-> Y [latents=2]").drawing()
    assert [node.name for node in made.scene.nodes] == ["X", "Y"]
    assert [(link.kind, link.count) for link in made.scene.links] == [("->", 1), ("<->", 2)]


@pytest.mark.parametrize(
    ("end", "start"),
    [
        (".svg", b"<?xml"),
        (".png", b"\x89PNG"),
        (".pdf", b"%PDF"),
        (".tikz", b"%"),
        (".tex", b"\\documentclass"),
        (".mmd", b"flowchart"),
    ],
)
def test_a_drawing_is_written_in_the_form_that_its_end_names(end: str, start: bytes, tmp_path: Path):
    path = tmp_path / f"graph{end}"
    assert ld.graph("X -> Y; X <-> Y").drawing().save(path) == path
    assert path.read_bytes().startswith(start)
    write("X -> Y; X <-> Y", tmp_path / f"other{end}")
    assert (tmp_path / f"other{end}").read_bytes().startswith(start)
    with pytest.raises(LatentdoError, match=r"A drawing ends in \.svg"):
        ld.graph("X -> Y").drawing().save(tmp_path / "graph.foo")


def test_signs_survive_into_tikz_and_mermaid():
    made = ld.graph("X -| Y; X -> Z").drawing()
    assert "-{Bar[width=6pt, sep=1.5pt]}" in made.tikz and "-{Latex}" in made.tikz
    assert "n0 --x n1" in made.mermaid and "n0 --> n2" in made.mermaid
    assert r"{$\alpha$\_1};" in ld.graph("α_1 -> Y").drawing().tikz


def test_plots_are_axes_and_go_into_given_ones():
    axes = ld.graph("X -> Y").plot("P(Y | do(X))", title="mine")
    assert axes.figure.get_suptitle() == "mine"
    from matplotlib.figure import Figure

    own = Figure().subplots()
    assert ld.model("X ~ normal; Y ~ normal(X)").plot(ax=own) is own
    assert {text.get_text() for text in own.texts} == {"X", "Y"}


def test_only_png_pdf_and_axes_need_matplotlib(monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    made = ld.graph("X -> Y").drawing()
    assert made.svg and made.tikz and made.mermaid
    with pytest.raises(MissingExtraError, match="needs matplotlib"):
        made.plot()
    with pytest.raises(MissingExtraError, match="needs matplotlib"):
        made.content(".png")


def test_a_graph_is_read_and_drawn_without_arrays():
    import subprocess
    import sys

    code = "import sys, latentdo as ld; ld.graph('digraph {A -> B}').drawing('P(B | do(A))').svg; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert read("digraph {A -> B}").graph._repr_svg_()

"""Other people's files: what each format says, what is left out of the graph and told, and what is refused with its place."""

from __future__ import annotations

import gzip
import json
import random
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foreign_sources
import latentdo as ld
from latentdo import formats
from latentdo.errors import CycleError, GraphError, LatentdoError, NotationError, UnsupportedError, UsageError
from latentdo.formats import reading
from posteriors import posterior_of

SAID = {
    "indra": "SOS1 -> KRAS -> MAP2K1 -> MAPK1; DUSP6 -| MAPK1",
    "bel": "EGFR -> AKT1 -| `apoptotic process`; AKT1 -> FOXO3",
    "causal-fusion": "X -> M -> Y; X <-> Y; alone",
    "sif": "EGF -> EGFR -> KRAS; EGFR -> PIK3CA; DUSP6 -| `ERK 1`; RAF1; lone",
    "omnipath": "EGFR -> KRAS -> AKT1 -| GSK3A; SRC -> EGFR; TP63; TP53",
    "sbml-qual": "EGFR -> KRAS; TP53 -> KRAS; MDM2 -| TP53",
    "dot": "EGF -> EGFR -> KRAS; EGFR -> `PI3K, p110`; DUSP6 -| ERK -> `c-Fos`; latent U; U -> KRAS; U -> ERK; "
    'KRAS <-> `PI3K, p110`; `quo"ted name`',
    "gml": "X -> M -| Y; latent U; U -> X; U -> Y",
    "graphml": "X -> M -| Y; latent U; U -> X; U -> Y",
    "bif": "Pollution -> Cancer; Smoker -> Cancer -> `X ray`",
    "xmlbif": "bowel -> `dog-out`; `family-out` -> `dog-out`",
    "dagitty": "latent U1, U2; U1 -> X; U1 -> Z; U2 -> Z; U2 -> Y; X -> Y; X <-> `w 1`",
    "edges": "EGF -> EGFR; DUSP6 -| ERK -> `c-Fos, human`; latent U; U -> ERK; EGF <-> ERK",
    "matrix": "X -> M -| Y",
}


def same(a: Any, b: Any) -> bool:
    return (set(a.nodes), a.directed, a.latent, a.inhibiting) == (
        set(b.nodes),
        b.directed,
        b.latent,
        b.inhibiting,
    ) and ({frozenset(arc[:2]) for arc in a.bidirected} == {frozenset(arc[:2]) for arc in b.bidirected})


@pytest.mark.parametrize("name", SAID)
def test_each_format_is_recognised_and_read_as_text_and_as_a_file(name: str, tmp_path: Path):
    text, options = foreign_sources.TEXTS[name], foreign_sources.OPTIONS.get(name, {})
    expected = ld.graph(SAID[name])
    assert formats.guess(text) == name
    assert same(formats.read(text, **options).graph, expected)
    for end in (foreign_sources.ENDS[name], ".unclaimed"):
        path = tmp_path / f"file{end}"
        path.write_text(text, encoding="utf-8")
        assert same(formats.read(path, **options).graph, expected)
        if not options:
            assert same(ld.graph(path), expected)


def check_spoilt_files(name: str, count: int, folder: Path) -> None:
    content = foreign_sources.TEXTS[name].encode()
    chance = random.Random(f"spoilt {name}")
    path = folder / f"spoilt{foreign_sources.ENDS[name]}"
    refused = 0
    for _ in range(count):
        path.write_bytes(foreign_sources.spoilt(chance, content))
        start = time.process_time()
        try:
            formats.read(path, **foreign_sources.OPTIONS.get(name, {}))
        except CycleError as problem:
            assert "->" in str(problem)
            refused += 1
        except LatentdoError as problem:
            place = r"lines? \d|row \d|column \d|\[[\d']|\bto its end|the document|nodes|edges|links|statements|names:"
            assert re.search(place, str(problem)), str(problem)
            refused += 1
        assert time.process_time() - start < 2
    assert refused > count // 5


@pytest.mark.parametrize("name", foreign_sources.TEXTS)
def test_a_spoilt_file_is_refused_with_its_place_or_read(name: str, tmp_path: Path):
    check_spoilt_files(name, 20, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", foreign_sources.TEXTS)
def test_five_hundred_spoilt_files_are_refused_with_their_places_or_read(name: str, tmp_path: Path):
    check_spoilt_files(name, 500, tmp_path)


# --- reports


def test_statements_of_indra_are_filtered_by_belief_and_evidence():
    found = formats.read(foreign_sources.INDRA, min_belief=0.75)
    assert same(found.graph, ld.graph("SOS1 -> KRAS; MAP2K1 -> MAPK1; DUSP6 -| MAPK1"))
    assert any("Activation KRAS -> MAP2K1 has belief 0.7, below 0.75" in each for each in found.report.dropped)
    found = formats.read(foreign_sources.INDRA, min_evidence=2)
    assert found.graph.directed == {("SOS1", "KRAS")}
    assert found.report.references["SOS1"]["UP"] == "Q07889"


def test_a_report_of_indra_names_what_the_graph_does_not_hold():
    report = formats.read(foreign_sources.INDRA, cycles="drop-weakest").report
    assert any("Complex: members without a direction (KRAS, RAF1)" in each for each in report.dropped)
    assert any("statements[6]: Activation of KRAS names no subj" in each for each in report.dropped)
    assert any("Autophosphorylation: an agent acts on itself" in each for each in report.dropped)
    assert report.unsigned == (("MAP2K1", "MAPK1"),)
    assert report.cycles == (("DUSP6", "MAPK1"),)
    assert report.broken == (("MAPK1", "DUSP6"),)  # belief 0.4 against 0.8
    assert not report.lossless
    assert json.loads(json.dumps(report.to_json()))["broken"] == [["MAPK1", "DUSP6"]]
    assert "signs contradict" not in str(report)


def test_signs_that_contradict_each_other_are_named_and_neither_is_kept():
    statements = [
        {"type": kind, "subj": {"name": "A"}, "obj": {"name": "B"}, "evidence": [{}]}
        for kind in ("Activation", "Inhibition")
    ]
    found = formats.read(json.dumps(statements))
    assert found.report.contradictory == (("A", "B"),)
    assert found.signs == {}
    assert not found.graph.inhibiting


def test_a_cycle_is_refused_with_its_nodes_and_the_way_out():
    with pytest.raises(CycleError) as caught:
        formats.read("digraph { A -> B -> C -> A; D -> E -> D; F -> F }")
    for said in ("A -> B -> C -> A", "D -> E -> D", "F -> F", 'cycles="drop-weakest"'):
        assert said in str(caught.value)


def test_the_weakest_edges_of_cycles_are_left_out_and_listed():
    found = formats.read("digraph { A -> B -> C -> A; D -> E -> D; F -> F; A -> D }", cycles="drop-weakest")
    assert found.report.broken == (("F", "F"), ("C", "A"), ("E", "D"))
    assert found.graph.directed == {("A", "B"), ("B", "C"), ("D", "E"), ("A", "D")}


def test_breaking_cycles_leaves_no_cycle_and_only_edges_of_cycles():
    chance = random.Random(7)
    for _ in range(100):
        names = [f"n{k}" for k in range(8)]
        edges = {(chance.choice(names), chance.choice(names)) for _ in range(18)}
        found = formats.read([edge for edge in sorted(edges) if edge[0] != edge[1]], cycles="drop-weakest")
        graph = found.graph
        for a, b in found.report.broken:
            assert a in graph.descendants([b])  # putting it back closes a cycle


def test_a_log_entry_says_what_a_graph_left_out(caplog: pytest.LogCaptureFixture):
    text = "A\tactivates\tB\nA\tin-complex-with\tC\n"
    for _ in range(3):
        ld.graph(text)
    # Once, though one text goes through many verbs.
    assert caplog.text.count("A in-complex-with C has no direction") == 1


# --- lavaan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("M ~ a*X\nY ~ b*M + c*X\ntotal := c + a*b", {"total": "E[Y | do(X=1)] - E[Y | do(X=0)]"}),
        ("M ~ a*X\nY ~ b*M\nate := a*b", {"ate": "E[Y | do(X=1)] - E[Y | do(X=0)]"}),
        ("M ~ a*X\nN ~ d*M + e*X\nY ~ b*M + c*N\nall := a*(b + d*c) + e*c", {"all": "E[Y | do(X=1)] - E[Y | do(X=0)]"}),
        ("M ~ a*X\nY ~ b*M + c*X\nindirect := a*b", {}),
        ("M ~ a*X\nY ~ b*M + c*X + d*X:M\ntotal := c + a*b", {}),
        ("M ~ a*X\nY ~ a*M\nequal := a*a", {}),
        ("Y ~ a*X + b*Z\ndifference := a - b", {}),
        ("f =~ a*x + y\nz ~ f\nq := a", {}),
    ],
)
def test_a_defined_quantity_is_a_question_where_it_sums_every_path(text: str, said: dict[str, str]):
    found = formats.read(text, "lavaan")
    assert dict(found.questions) == said
    if not said:
        assert any("is no question" in each for each in found.report.dropped)


def test_fixed_and_freed_coefficients_of_lavaan():
    found = formats.read("f =~ 1*x1 + NA*x2 + 0*x3\nf ~~ 1*f\ny ~ 0.5*f\nx1 ~~ 0*x2", "lavaan")
    assert same(found.graph, ld.graph("latent f; f -> x1; f -> x2; f -> y; x3"))
    notes = " ".join((*found.report.notes, *found.report.dropped))
    for part in (
        "f -> x1 = 1",
        "f -> y = 0.5",
        "f -> x3 is fixed to 0",
        "x1 and x2 have no covariance",
        "variance of f",
    ):
        assert part in notes


def test_measured_causes_of_lavaan_covary_as_in_sem_unless_the_text_says_not():
    found = formats.read("Y ~ X + W + V\nX ~~ W\nV ~~ 0*W", "lavaan")
    assert same(found.graph, ld.graph("X -> Y; W -> Y; V -> Y; X <-> W; X <-> V"))
    (note,) = (each for each in found.report.notes if "causes alone" in each)
    assert note.endswith("joined: X <-> V. Where two have no common cause, write X ~~ 0*V.")
    # Neither effects nor indicators nor latents are joined.
    found = formats.read("f =~ a + b\nM ~ X + f\nY ~ M + a", "lavaan")
    assert not found.graph.bidirected
    for text in ("X -> Y; W -> Y", "X -> Y; W -> Y; X <-> W", "X -> Y; W -> Y; V -> Y; X <-> W"):
        assert same(formats.read(formats.written(ld.graph(text), "lavaan")[0], "lavaan").graph, ld.graph(text))
    seen = ld.identify(formats.read("Y ~ X + W", "lavaan").graph, "E[Y | X=1]").estimand.text
    assert ld.identify(formats.read("Y ~ X + W", "lavaan").graph, "E[Y | do(X=1)]").estimand.text != seen


def test_outcomes_of_lavaan_that_may_covary_are_named():
    found = formats.read("Y1 ~ X\nY2 ~ X\nY3 ~ X\nY1 ~~ 0*Y3; Y2 ~~ Y3", "lavaan")
    assert same(found.graph, ld.graph("X -> Y1; X -> Y2; X -> Y3; Y2 <-> Y3"))
    (note,) = (each for each in found.report.notes if "outcomes" in each)
    assert "Not joined: Y1 <-> Y2. Where two have a hidden common cause, write Y1 ~~ Y2, else ~~ 0*Y2." in note


def test_what_a_verdict_may_hang_on_is_logged_and_what_was_written_has_no_doubts(caplog, tmp_path):
    (tmp_path / "g.lavaan").write_text("Y1 ~ X\nY2 ~ X", encoding="utf-8")
    ld.graph(tmp_path / "g.lavaan")
    assert "Not joined: Y1 <-> Y2" in caplog.text
    graph = ld.graph("latent F; latent G; F -> a; F -> b; G -> c; G -> d; X -> Y1; W -> Y1; X -> Y2; F -> Y3; X <-> W")
    again = formats.read(formats.written(graph, "lavaan")[0], "lavaan")
    assert same(again.graph, graph) and again.report.doubts == ()


def test_arrowheads_of_dot_that_mean_no_cause_are_refused_or_told():
    for text in ("A -> B [arrowhead=none]", "A -> B [dir=back, arrowtail=none]", "A -> B [dir=both, arrowtail=none]"):
        with pytest.raises(NotationError, match=r"A -> B has arrow.*=none, no direction"):
            formats.read(f"digraph {{ {text} }}")
    (note,) = formats.read("digraph { A -> B [arrowhead=odot]; B -> C [arrowhead=vee] }").report.notes
    assert note == "line 1: arrowhead=odot of A -> B is read as a plain arrow."
    twice = formats.read("digraph { A -> B; A -> B [arrowhead=tee]; B -> C; B -> C }")
    assert twice.report.contradictory == (("A", "B"),) and not twice.report.lossless
    assert same(twice.graph, ld.graph("A -> B -> C"))


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("group: 1\ny ~ x", UnsupportedError, "line 1: 'group: 1' begins the model of a group"),
        ("y ~ c(a, b)*x", UnsupportedError, "line 1: c\\(a, b\\) gives groups modifiers of their own"),
        ("f <~ x1 + x2", UnsupportedError, "line 1: f <~ … is a composite"),
        ('efa("b")*f1 =~ x', UnsupportedError, "line 1: efa\\(\\) leaves open"),
        ("y ~ x +", NotationError, "line 1, column 1: a variable is missing"),
        ("a ~ b\n\n 1y ~ x", NotationError, "line 3, column 1: '1y' is no name of a variable"),
        ("y ~ foo(3)*x", NotationError, "foo\\(\\) is not read as a modifier"),
    ],
)
def test_what_lavaan_says_and_a_graph_cannot_hold_is_refused_by_name(text: str, error: type[Exception], said: str):
    with pytest.raises(error, match=said):
        formats.read(text, "lavaan")


# --- networks


def test_tables_of_bif_are_read_in_the_order_of_their_parents():
    network = formats.read(foreign_sources.BIF).network
    assert network is not None
    cancer = network.by_name["Cancer"]
    assert cancer.parents == ("Pollution", "Smoker")
    assert dict(cancer.rows)["high", "True"] == (0.05, 0.95)
    assert dict(cancer.rows)["high", "False"] == (0.02, 0.98)  # the default
    # In a `table` the node's own states vary slowest.
    assert dict(network.by_name["X ray"].rows)["True",] == (0.9, 0.05, 0.05)


def test_a_network_gives_a_model_of_tables():
    model = formats.read(foreign_sources.BIF).model
    assert model is not None
    assert model.levels["X ray"] == ("positive", "negative", "<5")
    assert ld.identify(model, "P(`X ray` | do(Smoker='True'))").identified


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.03, 0.97", "0.03, 0.9", "line 8: the probabilities of Cancer given Pollution=low, Smoker=True sum to 0.93"),
        ("0.03, 0.97", "0.97", "line 8: Cancer has 2 states and 1 probabilities given Pollution=low, Smoker=True"),
        ("(low, True)", "(low, maybe)", "line 9, column 9: 'Smoker' has no state 'maybe'"),
        ("  default 0.02, 0.98;\n", "", "has no probabilities given Pollution=high, Smoker=False"),
        ("| Pollution, Smoker", "| Pollution, Smoke", "there is no variable 'Smoke'. Did you mean 'Smoker'"),
        ("[ 3 ]", "[ 2 ]", "'X ray' has 2 states by its number and 3 by name"),
        ("table 0.3, 0.7;", "table 0.3, x;", "line 7, column 37: 'x' is no number"),
    ],
)
def test_a_mistake_in_a_network_is_told_with_its_place(old: str, new: str, said: str):
    with pytest.raises(LatentdoError, match=re.escape(said)):
        formats.read(foreign_sources.BIF.replace(old, new))


def test_a_network_is_written_from_a_fit_and_from_nothing_less(tmp_path: Path):
    with pytest.raises(UnsupportedError, match="a graph has none"):
        formats.write("X -> Y", tmp_path / "g.bif")
    with pytest.raises(UnsupportedError, match="a model that was not trained has none"):
        formats.write("X ~ table(levels=[0, 1])", tmp_path / "g.bif")
    posterior = posterior_of("X ~ table(levels=[a, b]); Y ~ table(X, levels=[0, 1])")
    formats.write(posterior, tmp_path / "g.bif")
    network = formats.read(tmp_path / "g.bif").network
    assert network is not None
    assert [(v.name, v.states, v.parents) for v in network.variables] == [
        ("X", ("a", "b"), ()),
        ("Y", ("0", "1"), ("X",)),
    ]
    means = dict(posterior.parameters)["P(Y=1 | X=b)"].mean()
    assert dict(network.by_name["Y"].rows)["b",][1] == pytest.approx(means)
    with pytest.raises(UnsupportedError, match="BIF has tables alone, and X is normal"):
        formats.write(posterior_of("X ~ normal"), tmp_path / "g.bif")


# --- XML

BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<{root}>&c;</{root}>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE foo [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>
<{root}>&xxe;</{root}>"""
ELSEWHERE = """<?xml version="1.0"?>
<!DOCTYPE foo SYSTEM "http://example.org/evil.dtd">
<{root}></{root}>"""


@pytest.mark.parametrize("name", ["sbml-qual", "graphml", "xmlbif"])
@pytest.mark.parametrize("text", [BOMB, OUTSIDE, ELSEWHERE], ids=["bomb", "outside", "elsewhere"])
def test_entities_are_refused_before_they_grow(name: str, text: str):
    root = {"sbml-qual": "sbml", "graphml": "graphml", "xmlbif": "BIF"}[name]
    start = time.process_time()
    with pytest.raises(GraphError, match=r"line 2: the XML declares (an entity|a document type), which is refused"):
        formats.read(text.format(root=root))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "<a>" * 50_000, "digraph {" + "{" * 5000, "1" * 5000 + ",2"]
)
def test_what_is_nested_or_long_without_end_is_refused_at_once(text: str):
    start = time.process_time()
    for name in ("indra", "bel", "sbml-qual", "dot", "edges", "bif", "lavaan", "gml"):
        with pytest.raises(LatentdoError):
            formats.read(text, name)
    assert time.process_time() - start < 4


# --- matrices

WEIGHTS = np.array([[0, 0, 0], [0.8, 0, 0], [0, -0.5, 0]])


def test_a_matrix_needs_its_convention():
    with pytest.raises(UsageError, match="a matrix has no meaning without its convention"):
        formats.read(WEIGHTS, "matrix")
    with pytest.raises(UsageError, match=r"convention 'lingm' is not known\. Did you mean 'lingam'"):
        formats.read(WEIGHTS, convention="lingm")


def test_conventions_differ_in_what_they_say():
    names = ["X", "M", "Y"]
    assert same(formats.read(WEIGHTS, convention="lingam", names=names).graph, ld.graph("X -> M -| Y"))
    assert same(formats.read(WEIGHTS, convention="row-to-column", names=names).graph, ld.graph("M -> X; Y -| M"))
    ones = (WEIGHTS != 0).astype(int)
    assert same(formats.read(ones, convention="gcastle", names=names).graph, ld.graph("Y -> M -> X"))
    marks = np.array([[0, -1, 0], [1, 0, 1], [0, 1, 0]])
    assert same(formats.read(marks, convention="causal-learn", names=names).graph, ld.graph("X -> M; M <-> Y"))
    hidden = np.array([[0, np.nan], [np.nan, 0]])
    assert same(formats.read(hidden, convention="lingam").graph, ld.graph("X1 <-> X2"))


@pytest.mark.parametrize(
    ("matrix", "convention", "said"),
    [
        ([[0, -1], [-1, 0]], "causal-learn", "many graphs at once: X1 and X2 have ends that are left open"),
        ([[0, 2], [1, 0]], "causal-learn", "X1 and X2 have ends that are left open"),
        ([[0, 1], [1, 0]], "gcastle", "X1 and X2 have 1 both ways"),
        ([[0, 7], [1, 0]], "causal-learn", "row 2, column 1: the marks 1 and 7 mean nothing"),
        ([[0, 1, 0], [0, 0]], "lingam", "row 1: it has 3 entries, and the matrix 2 rows"),
        ([[0, "x"], [0, 0]], "lingam", "row 1, column 2: expected a number"),
        ([[0, float("nan")], [0, 0]], "lingam", "row 1, column 2: nan stands here and not in row 2, column 1"),
    ],
)
def test_a_matrix_that_is_no_one_graph_is_refused(matrix: Any, convention: str, said: str):
    with pytest.raises(GraphError, match=re.escape(said)):
        formats.read(matrix, convention=convention)


# --- the door


def test_an_option_of_another_format_is_refused():
    with pytest.raises(UsageError, match="min_belief= belongs to the formats indra, and this is dot"):
        formats.read("digraph { A -> B }", min_belief=0.5)
    with pytest.raises(UsageError, match=r"No format is called 'dott'\. Did you mean 'dot'"):
        formats.read("digraph { A -> B }", "dott")
    with pytest.raises(UsageError, match="Format 'indra' is not written"):
        formats.write("A -> B", "x.json", "indra")


def test_a_gzipped_file_is_read_and_a_damaged_or_endless_one_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "cancer.bif.gz"
    packed = gzip.compress(foreign_sources.BIF.encode())
    path.write_bytes(packed)
    assert len(ld.graph(path).nodes) == 4
    path.write_bytes(packed[:-20])
    with pytest.raises(GraphError, match="the gzipped file ends too early"):
        ld.graph(path)
    path.write_bytes(packed[:30] + b"\xff" * 30 + packed[60:])
    with pytest.raises(GraphError, match="the gzipped file is damaged"):
        ld.graph(path)
    monkeypatch.setattr(reading, "LARGEST", 10_000)
    path.write_bytes(gzip.compress(b" " * 10_000_000))
    with pytest.raises(UnsupportedError, match="more than 10,000 bytes"):
        ld.graph(path)


def test_a_message_names_the_file(tmp_path: Path):
    path = tmp_path / "mine.dot"
    path.write_text("digraph {\n A -> \n}")
    with pytest.raises(NotationError, match=r"mine\.dot: expected a node, an edge") as caught:
        ld.graph(path)
    assert caught.value.line == 3


def test_a_study_and_a_model_are_read_for_their_graphs(tmp_path: Path):
    path = tmp_path / "study.yaml"
    path.write_text("model: |\n  X ~ normal\n  Y ~ normal(+X)\nqueries:\n  ate: E[Y | do(X=1)]\n")
    found = formats.read(path)
    assert same(found.graph, ld.graph("X -> Y"))
    assert found.signs == {("X", "Y"): "+"}
    assert found.questions == (("ate", "E[Y | do(X=1)]"),)
    assert any("families, priors, data, engine are no part of a graph" in each for each in found.report.dropped)


def test_a_regression_that_might_be_a_node_without_causes_is_refused():
    with pytest.raises(LatentdoError, match="No family is called 'X'"):
        ld.graph("Y1 ~ X\nY2 ~ X")


def test_hidden_causes_between_semicolons_are_arrows_and_no_table_of_relations() -> None:
    assert formats.guess("A <-> B; B <-> C; C <-> D") == ""
    assert ld.graph("A <-> B; B <-> C").nodes == ("A", "B", "C")
    assert formats.guess("A <-> B\nB activates C") == "sif"

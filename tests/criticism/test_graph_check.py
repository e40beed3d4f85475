"""The check of a graph on rows: what it says, what would repair it, and what it refuses."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import latentdo as ld
import oracles
from latentdo.criticism import FitCheck, Word, holm
from latentdo.errors import DataError
from latentdo.types import Admg, LatentDag

CHAIN = "A -> B -> C -> Y"


def chain(n=300, edge=0.5, seed=0):
    a, b, c, y = np.random.default_rng(seed).normal(size=(4, n))
    b += 0.8 * a
    c += 0.8 * b
    return {"A": a, "B": b, "C": c, "Y": y + 0.8 * c + edge * a}


@pytest.fixture(scope="module")
def broken():
    return ld.check(CHAIN, chain(), "E[Y | do(A=1)]", "E[Y | do(C=1)]")


def test_a_right_graph_has_no_misfit():
    found = ld.check(CHAIN, chain(edge=0))
    assert isinstance(found, FitCheck)
    assert found.word is Word.NO_MISFIT == "no misfit found"
    assert [row.what for row in found.rows if row.p is None] == []
    assert len(found.rows) == 3
    assert found.repairs == ()


def test_an_edge_that_was_left_out_contradicts_the_graph(broken):
    assert broken.word == "contradicted"
    assert {row.what for row in broken.failed} == {"A ⊥⊥ Y | C", "B ⊥⊥ Y | C"}
    assert [query.word for query in broken.queries] == ["contradicted"] * 2
    assert {frozenset(pair) for pair in broken.broken_pairs} == {frozenset("AY"), frozenset("BY")}


def test_the_edges_that_would_repair_it_are_those_that_open_every_failed_separation(broken):
    graph = ld.graph(CHAIN).projection
    failed = [row.about for row in broken.failed]
    expected = set()
    for a, b in itertools.permutations(graph.nodes, 2):
        kinds = [(True, (a, b))] if a < b else []
        if b not in graph.children(a) and a not in graph.descendants([b]):
            kinds.append((False, (a, b)))
        for bidirected, edge in kinds:
            wider = (
                Admg(graph.nodes, graph.directed, {edge}) if bidirected else Admg(graph.nodes, graph.directed | {edge})
            )
            if not any(
                oracles.separated_by_paths(wider, *each.first, *each.second, set(each.given)) for each in failed
            ):
                expected.add((bidirected, frozenset(edge)))
    assert {(repair.bidirected, frozenset((repair.source, repair.target))) for repair in broken.repairs} == expected
    assert all(repair.removes == 2 for repair in broken.repairs)


def test_the_true_edge_leaves_nothing_to_fail_and_comes_first(broken):
    first = broken.repairs[0]
    assert (first.edge, first.fails_then) == ("A -> Y", 0)
    assert {repair.edge: repair.fails_then for repair in broken.repairs}["B -> Y"] > 0


def test_an_edge_that_would_make_a_question_unanswerable_says_so(broken):
    by_edge = {repair.edge: repair.verdicts for repair in broken.repairs}
    assert by_edge["C <-> Y"][1] == ("E[Y | do(C=1)]", False, "NOT identified any more")
    assert by_edge["A -> Y"][0] == ("E[Y | do(A=1)]", True, "identified, same formula")
    assert not ld.identify(f"{CHAIN}; C <-> Y", "E[Y | do(C=1)]").identified
    assert "NOT identified any more" in str(broken)
    assert "Same formula, the number may change" in str(broken)
    assert "Several of these edges may be true at once" in " ".join(str(broken).split())


def test_a_graph_that_says_nothing_of_its_columns_says_so():
    rng = np.random.default_rng(1)
    x, m, y = rng.normal(size=(3, 100))
    for graph in ("X -> M -> Y; X <-> Y", "X -> M -> Y; M <-> Y"):
        found = ld.check(graph, {"X": x, "M": m, "Y": y})
        assert found.word is Word.NOT_CHECKED
        assert not found.is_testable
        assert "Nothing in these columns could contradict this graph." in str(found)
    # An instrument says something of a treatment with levels.
    levels = ld.check("X -> M -> Y; M <-> Y", {"X": x, "M": (m > 0) * 1.0, "Y": y})
    assert levels.is_testable
    assert levels.word is Word.NO_MISFIT


def test_what_is_latent_in_the_graph_is_projected_out_and_its_column_not_read():
    rows = chain(edge=0)
    found = ld.check("latent B; A -> B -> C -> Y", rows)
    assert [row.what for row in found.rows] == ["A ⊥⊥ Y | C"]
    assert found.notes == ("columns with a latent's name, never read: B",)
    assert isinstance(ld.check(LatentDag(("A", "B")), {"A": rows["A"], "B": rows["Y"]}), FitCheck)


def test_mixed_columns_are_tested_with_names_and_levels():
    rng = np.random.default_rng(2)
    a = rng.normal(size=400)
    b = np.where(a + rng.normal(size=400) > 0, np.where(rng.random(400) < 0.5, "hi", "top"), "low")
    c = (rng.random(400) < 0.2 + 0.6 * (b == "low")) * 1
    right = ld.check("A -> B -> C", {"A": a, "B": b, "C": c})
    assert right.word is Word.NO_MISFIT
    wrong = ld.check("A -> B; C", {"A": a, "B": b, "C": c})
    assert {row.what for row in wrong.failed} == {"A ⊥⊥ C", "B ⊥⊥ C"}


def test_every_separating_set_is_tested_on_request():
    rows = {**chain(edge=0), "D": np.random.default_rng(3).normal(size=300)}
    graph = "A -> B -> C -> Y"
    one, all_sets = (ld.check(graph, rows, every=every) for every in (False, True))
    assert len(one.rows) == 3
    assert {row.what for row in all_sets.rows} == {"A ⊥⊥ C | B", "A ⊥⊥ Y | B", "A ⊥⊥ Y | C", "B ⊥⊥ Y | C"}


def test_the_order_of_columns_rows_and_nodes_makes_no_difference():
    rows = chain()
    order = np.random.default_rng(4).permutation(300)
    other = {name: 5 - 3 * rows[name][order] for name in "YCBA"}
    first, second = ld.check(CHAIN, rows), ld.check("C -> Y; B -> C; A -> B", other)
    found, expected = ({frozenset(row.nodes): row.p for row in check.rows} for check in (second, first))
    # Forests draw rows by their places: where they looked too the values differ by chance.
    for pair, p in expected.items():
        assert np.log(found[pair]) == pytest.approx(np.log(p), abs=1.0)
    assert first.word == second.word


def test_the_same_seed_gives_the_same_numbers():
    rows = chain()
    assert ld.check(CHAIN, rows, seed=3).to_json() == ld.check(CHAIN, rows, seed=3).to_json()


def test_holm_is_what_its_definition_says():
    ps = sorted(np.random.default_rng(5).random(20) ** 3)
    expected = [min(1.0, max((20 - j) * ps[j] for j in range(k + 1))) for k in range(20)]
    assert holm(ps) == pytest.approx(expected)
    assert holm([]) == []


def test_few_rows_and_many_levels_are_not_checked_and_say_why():
    few = ld.check(CHAIN, chain(20))
    assert few.word is Word.NOT_CHECKED
    assert few.is_testable
    assert {row.advice for row in few.rows} == {"fewer than 30 rows"}
    assert "fewer than 30 rows" in str(few)
    rng = np.random.default_rng(6)
    names = [f"town {k}" for k in range(40)] * 5
    many = ld.check("Town; X; Z", {"Town": names, "X": rng.normal(size=200), "Z": rng.normal(size=200)})
    reasons = {row.what: row.advice for row in many.rows if row.p is None}
    assert reasons == dict.fromkeys(("Town ⊥⊥ X", "Town ⊥⊥ Z"), "Town has 40 levels, more than 30")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ld.check(CHAIN), ld.LatentdoError, "is checked against rows, and there are none"),
        (lambda: ld.check(CHAIN, {"A": [1.0, 2.0]}), ld.LatentdoError, "no column for the node 'B'"),
        (lambda: ld.check(CHAIN, {**chain(), "B": np.ones(300)}), ld.LatentdoError, "Constant in every row: 'B' is 1"),
        (lambda: ld.check(CHAIN, {**chain(), "B": [np.nan] * 300}), ld.LatentdoError, "Missing in every row: 'B'"),
        (lambda: ld.check(CHAIN, chain(), prior=True), ld.LatentdoError, "A graph has no priors to look at"),
        (lambda: ld.check(CHAIN, chain(), level=2), ld.LatentdoError, "lies between 0 and 1, got 2"),
        (lambda: ld.check(CHAIN, chain(), every="all"), ld.LatentdoError, "every"),
        (lambda: ld.check(CHAIN, chain(), "E[Z | do(A=1)]"), ld.LatentdoError, "'Z'"),
        (
            lambda: ld.check("X ~ normal", {"X": [1.0, 2.0]}, "E[X]"),
            ld.LatentdoError,
            "Check its graph: ld.check(model.graph",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused_by_name(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


def test_it_prints_itself_in_every_form(broken):
    said = json.loads(json.dumps(broken.to_json()))
    assert list(said) == ["word", "queries", "rows", "repairs", "testable", "n_rows", "level", "notes", "tolerance"]
    assert said["rows"][0].keys() >= {"layer", "what", "word", "p", "effect", "advice"}
    assert str(broken).startswith("contradicted: 2 of 3 constraints of the graph fail on 300 rows")
    assert "<svg" in broken.html()
    assert broken._repr_html_() in broken.html()
    assert r"$A \perp\!\!\!\perp Y \mid C$" in broken.latex()
    assert list(broken.to_pandas()["word"]) == ["contradicted", "contradicted", "no misfit found"]
    assert len(broken.csv().splitlines()) == 4


def test_the_picture_has_a_line_for_each_pair_that_the_rows_do_not_keep_apart(broken):
    from matplotlib.colors import to_hex

    from latentdo.plots import COLOURS

    axes = broken.plot()
    colours = [to_hex(patch.get_edgecolor()).upper() for patch in axes.patches]
    assert colours.count(COLOURS["baseline"].upper()) == 2
    arrows = [patch for patch in axes.patches if type(patch).__name__ == "FancyArrowPatch"]
    assert len(arrows) == 3 + 2
    assert {text.get_text() for text in axes.texts} >= set("ABCY")


def test_gravest_words_come_first():
    assert Word.gravest([Word.NO_MISFIT, Word.MOVES, Word.LAW_ONLY]) is Word.MOVES
    assert Word.gravest([]) is Word.NOT_CHECKED
    assert [word for word in Word if word.is_alarm] == ["contradicted", "misfit moves the answer"]


def test_of_very_many_rows_some_are_tested_and_it_says_so(monkeypatch):
    from latentdo.criticism import graph_check

    monkeypatch.setattr(graph_check, "MOST_ROWS", 200)
    found = ld.check(CHAIN, chain(edge=0))
    assert found.notes == ("200 of 300 rows were tested, drawn at random",)
    assert found.word is Word.NO_MISFIT


def test_a_graph_of_another_library_is_checked_too():
    import networkx

    rows = chain(edge=0)
    foreign = networkx.DiGraph([("A", "B"), ("B", "C"), ("C", "Y")])
    assert [row.what for row in ld.check(foreign, rows).rows] == [row.what for row in ld.check(CHAIN, rows).rows]


def test_copies_of_rows_are_no_evidence():
    rows = chain(150, edge=0.25, seed=8)
    once, twice = ld.check(CHAIN, rows), ld.check(CHAIN, {name: np.tile(values, 3) for name, values in rows.items()})
    assert twice.notes == ("equal rows count once: 150 of 450 were tested",)
    assert [row.p for row in twice.rows] == [row.p for row in once.rows]
    # Of levels equal rows are ordinary.
    levels = {name: (values > 0) * 1.0 for name, values in rows.items()}
    assert ld.check(CHAIN, levels).notes == ()


def test_a_column_that_is_a_function_of_what_is_given_leaves_nothing_to_test():
    rows = chain(edge=0)
    found = ld.check("A -> B -> C", {"A": rows["A"], "B": rows["B"], "C": 2 * rows["B"] + 1})
    assert [row.advice for row in found.rows] == ["C is a function of B"]
    assert found.word is Word.NOT_CHECKED


def test_a_verma_constraint_that_fails_is_repaired_by_the_edge_that_was_left_out():
    u, w, x, m, y = np.random.default_rng(9).normal(size=(5, 400))
    x += w + u
    m += 0.8 * x
    y += 0.8 * m + u + 0.8 * w
    rows = {"W": w, "X": x, "M": m, "Y": y}
    # The hidden cause as a node, and as an edge.
    for graph in ("W -> X -> M -> Y; X <-> Y", "latent U; W -> X -> M -> Y; U -> X; U -> Y"):
        found = ld.check(graph, rows, "E[Y | do(X=1)]")
        assert [row.what for row in found.failed] == ["Σ_X P(Y | M, W, X) P(X | W) does not depend on W"]
        repairs = {repair.edge: repair for repair in found.repairs}
        assert (repairs["W -> Y"].fails_then, repairs["W -> Y"].verdicts[0][1]) == (0, True)
        assert not repairs["M <-> Y"].verdicts[0][1]
        assert ld.check(f"{graph}; W -> Y", rows).word is Word.NO_MISFIT


def test_an_inequality_that_fails_is_repaired_by_an_edge_past_the_treatment():
    rng = np.random.default_rng(10)
    z = (rng.random(400) < 0.5) * 1.0
    x = (rng.random(400) < 0.8) * 1.0
    y = np.where(rng.random(400) < 0.9, z, 1 - z)
    found = ld.check("Z -> X -> Y; X <-> Y", {"Z": z, "X": x, "Y": y})
    assert [row.what for row in found.failed] == ["Σ_Y max_Z P(X, Y | Z) ≤ 1"]
    assert found.failed[0].effect == pytest.approx(0.4, abs=0.1)
    assert {"Z -> Y", "Z <-> Y"} <= {repair.edge for repair in found.repairs}


@pytest.mark.parametrize("repeats", [1, 2])
def test_names_of_which_each_has_few_rows_are_not_tested(repeats):
    random = np.random.default_rng(0)
    x = random.normal(size=200)
    names = [f"s{i // repeats}" for i in range(200)]
    found = ld.check("X -> M -> Y", {"X": x, "M": names, "Y": x + random.normal(size=200)})
    (row,) = found.rows
    assert row.word == "not checked"
    assert "M has fewer than 5 rows" in row.advice


def test_a_graph_without_measured_nodes_and_a_column_next_to_constant_are_refused():
    columns = {"X": np.arange(40.0), "M": np.arange(40.0) % 7 * 1e-300, "Y": np.arange(40.0) % 11}
    with pytest.raises(DataError, match="Every node of the graph is latent"):
        ld.check("latent X, Y; X -> Y", columns)
    with pytest.raises(DataError, match="spread is too small"):
        ld.check("X -> M -> Y", columns)


def test_the_verdict_of_a_question_is_said_where_nothing_fails():
    found = str(ld.check("X -> M -> Y; X <-> Y", chain_of_three(), "E[Y | do(X=1)]", "E[Y | do(M=1)]"))
    assert "identified: Σ_M P(M | X=1) Σ_X' E[Y | M, X'] P(X')" in " ".join(found.split())
    assert "NOT identified by this graph" in str(ld.check("X -> Y; X <-> Y", chain_of_three(), "E[Y | do(X=1)]"))


def chain_of_three():
    x, m, y = np.random.default_rng(3).normal(size=(3, 100))
    return {"X": x, "M": m + x, "Y": y + m + x}


def test_a_level_with_next_to_no_rows_is_not_tested():
    rows = chain_of_three() | {"R": [1, 1] + [0] * 98}
    found = ld.check("X -> M -> Y; R", rows)
    about = [row for row in found.rows if "R" in row.nodes]
    assert about
    assert {row.word for row in about} == {"not checked"}
    assert "one level of R has 2 rows, fewer than 5" in about[0].advice


def test_weights_are_refused_with_what_copies_count():
    with pytest.raises(ld.LatentdoError, match="copies of a row count once"):
        ld.check("X -> M -> Y", chain_of_three(), weights=[1] * 100)

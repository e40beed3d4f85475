"""Every pair at once against `identify` pair by pair, and each form against the criterion that it names."""

from __future__ import annotations

import itertools
import random
import time
from typing import ClassVar

import numpy as np
import pytest

import latentdo as ld
import oracles
from latentdo.errors import QueryError, UnknownNodeError
from latentdo.graphs import Admg, project
from latentdo.identification import answerable, identify
from latentdo.query import Query


def graphs(seed: int, count: int, sizes: tuple[int, int] = (2, 7)):
    rng = random.Random(seed)
    for k in range(count):
        match k % 3:
            case 0:
                yield rng, oracles.random_napkin(rng)
            case 1:
                yield rng, oracles.random_admg(rng, sizes)
            case _:
                yield rng, oracles.random_latent_dag(rng)


def law(outcome, treatment, given=()) -> Query:
    names = [", ".join(map("`{}`".format, [x] if isinstance(x, str) else x)) for x in (outcome, treatment)]
    behind = [f"do({names[1]})", *given]
    return Query.parse(f"P({names[0]} | {', '.join(behind)})")


def test_every_pair_has_the_verdict_of_identify():
    seen = {True: 0, False: 0}
    for _, graph in graphs(1, 250):
        table = answerable(graph)
        assert sorted(table.treatments) == sorted(table.outcomes) == sorted(graph.measured)
        for x, y in itertools.product(graph.measured, repeat=2):
            found = table.verdicts[table.treatments.index(x)][table.outcomes.index(y)]
            if x == y:
                assert found is None
                continue
            assert found == identify(graph, law(y, x)).identified
            seen[found] += 1
    assert min(seen.values()) > 300


def test_joint_treatments_and_outcomes_and_evidence_have_the_verdict_of_identify():
    seen = {True: 0, False: 0}
    for rng, graph in graphs(2, 400, (4, 7)):
        names = rng.sample(graph.measured, len(graph.measured))
        given = names[: rng.choice([0, 0, 1, 2])] if len(names) > 3 else []
        free = [name for name in names if name not in given]
        groups = [tuple(rng.sample(free, min(len(free), rng.choice([1, 1, 2, 3])))) for _ in range(6)]
        for pair in answerable(graph, groups[:3], groups[3:], given=given).pairs:
            assert pair.identified == identify(graph, law(pair.outcome, pair.treatment, given)).identified
            assert pair.query == law(pair.outcome, pair.treatment, given)
            seen[pair.identified] += 1
    assert min(seen.values()) > 150


class Enumerated:
    """P(y | do(x)) and the textbook formulas, on one random discrete model."""

    def __init__(self, graph: Admg, seed: int) -> None:
        self.scm = oracles.random_scm(graph, seed)
        self.names = graph.nodes
        self.joint = self.scm.law()

    def seen(self, y: str, *given: str) -> np.ndarray:
        """P(y | given), one axis for each of `given`, then y."""
        keep = [*given, y]
        law = self.joint.sum(axis=tuple(i for i, n in enumerate(self.names) if n not in keep))
        kept = [n for n in self.names if n in keep]
        law = law.transpose([kept.index(n) for n in keep])
        return law / law.sum(axis=-1, keepdims=True)

    def set(self, x: str, y: str) -> np.ndarray:
        """P(y | do(x)), axes x and y."""
        return self.scm.answer(law(y, x).term)


def adjusts(model: Enumerated, x: str, y: str, z: tuple[str, ...]) -> bool:
    conditional = model.seen(y, x, *z)
    names = model.names
    weights = model.joint.sum(axis=tuple(i for i, n in enumerate(names) if n not in z))
    kept = [n for n in names if n in z]
    weights = weights.transpose([kept.index(n) for n in z])
    adjusted = (conditional * weights[None, ..., None]).sum(axis=tuple(range(1, 1 + len(z))))
    return bool(np.allclose(adjusted, model.set(x, y), atol=1e-9))


def test_forms_are_what_the_numbers_of_random_models_say():
    counts: dict[str, int] = {}
    for k, (_, graph) in enumerate(graphs(3, 45, (3, 5))):
        graph = project(graph)
        if len(graph.nodes) > 5:
            continue
        model = Enumerated(graph, k)
        for pair in answerable(graph).pairs:
            x, y = pair.treatment, pair.outcome
            counts[pair.form] = counts.get(pair.form, 0) + 1
            truth = model.set(x, y)
            flat = bool(np.allclose(truth, truth[:1], atol=1e-9))
            seeing = bool(np.allclose(truth, model.seen(y, x), atol=1e-9))
            rest = [n for n in graph.nodes if n not in (x, y)]
            sets = [z for n in range(len(rest) + 1) for z in itertools.combinations(rest, n)]
            adjustable = any(adjusts(model, x, y, z) for z in sets)
            match pair.form:
                case "no effect":
                    assert flat
                case "seeing is doing":
                    assert seeing
                    assert not flat
                case "back-door":
                    assert adjustable
                    assert not seeing
                    assert not flat
                case _:
                    assert not adjustable, (graph, pair)
    assert set(counts) >= {"no effect", "seeing is doing", "back-door", "not identified"}


CASES: dict[str, tuple[str, str, str, str]] = {
    "no arrow that way": ("X -> Y", "Y", "X", "no effect"),
    "plain": ("X -> Y", "X", "Y", "seeing is doing"),
    "confounded": ("Z -> X -> Y; Z -> Y", "X", "Y", "back-door"),
    "front door": ("X -> M -> Y; X <-> Y", "X", "Y", "front-door"),
    "napkin": ("W -> R -> X -> Y; W <-> X; W <-> Y", "X", "Y", "general formula"),
    "bow": ("X -> Y; X <-> Y", "X", "Y", "not identified"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_names_the_forms_of_the_textbook(case):
    graph, x, y, form = case
    table = ld.answerable(graph)
    assert table[x, y].form == table.verdict(x, y).form == form
    table.counts  # noqa: B018 - works every form out
    assert table[x, y].form == form
    assert bool(table[x, y]) == table[x, y].identified == (form != "not identified")


def test_evidence_has_forms_too():
    table = ld.answerable("X -> Z; X -> Y; U; Z <-> Y", given=["Z"])
    assert table.given == ("Z",)
    assert "Z" not in table.treatments
    assert table["U", "Y"].form == "no effect"
    assert table["X", "Y"].form == "seeing is doing"
    assert str(table["X", "Y"].query) == "P(Y | do(X), Z)"


def test_a_joint_treatment_with_an_idle_part_is_the_other_part():
    table = ld.answerable("Z -> X -> Y; Z -> Y; Q -> X; Q <-> Y", [("X", "Q"), "X"], ["Y"])
    assert table[("Q", "X"), "Y"].form == table["X", "Y"].form == "back-door"
    assert ld.answerable("A -> X -> Y; A <-> X", [("A", "X")], ["Y"])[("X", "A"), "Y"].form == "seeing is doing"


def test_functional_nodes_count_as_for_identify():
    table = ld.answerable("X -> M -> Y; X <-> Y", functional=["M"])
    assert table["X", "Y"].form == "not identified"
    assert "M is a function of X" in str(table["X", "Y"])
    seen = {"same": 0, "other": 0, "noted": 0}
    for rng, graph in graphs(7, 60, (3, 5)):
        able = [node for node in graph.measured if graph.parents(node)]
        if not able:
            continue
        functional = rng.sample(able, min(2, len(able)))
        plain, table = answerable(graph), answerable(graph, functional=functional)
        for pair in table.pairs:
            found = identify(graph, pair.query, functional=functional)
            assert pair.identified == found.identified == pair.verdict.identified
            if found.identified and found.notes:
                assert pair.form == "general formula"
                seen["noted"] += 1
            before = plain.verdict(pair.treatment, pair.outcome)
            seen["same" if before.identified == pair.identified else "other"] += 1
    assert min(seen.values()) > 0, seen


class TestTable:
    table: ClassVar = ld.answerable("W -> R -> X -> Y; W <-> X; W <-> Y; Y -> Z; Y <-> Z")

    def test_counts(self):
        assert (self.table.asked, self.table.identified) == (20, 19)
        assert self.table.counts == {
            "no effect": 10,
            "seeing is doing": 1,
            "back-door": 3,
            "front-door": 3,
            "general formula": 2,
            "not identified": 1,
        }

    def test_a_cell_has_its_formula_or_its_hedge(self):
        assert "P(X, Y | R, W)" in self.table["X", "Y"].text
        assert self.table["X", "Y"].hedge is None
        assert self.table["Y", "Z"].text is None
        larger, smaller = self.table["Y", "Z"].hedge
        assert smaller < larger
        assert str(self.table["Y", "Z"]).startswith("Not identified: P(Z | do(Y))")
        assert str(self.table["X", "Y"]).endswith("(general formula)")
        assert repr(self.table["X", "Y"]) == "<P(Y | do(X)): general formula>"
        assert "<code>" in self.table["X", "Y"]._repr_html_()

    def test_reads_as_a_matrix(self):
        assert str(self.table).splitlines()[:6] == [
            "9 of 10 effects P(outcome | do(treatment)) are identified; 10 more pairs have no effect in this graph",
            "  do  W  R  X  Y  Z",
            "  W      =  F  F  F",
            "  R   ·     B  B  B",
            "  X   ·  ·     G  G",
            "  Y   ·  ·  ·     x",
        ]
        assert repr(self.table) == f"<Answerable: {str(self.table).splitlines()[0]}>"

    def test_is_an_object_for_programs(self):
        told = self.table.to_json()
        assert (told["asked"], told["identified"]) == (20, 19)
        assert told["treatments"] == [["W"], ["R"], ["X"], ["Y"], ["Z"]]
        assert len(told["pairs"]) == 20
        assert told["pairs"][15] == {
            "treatment": ["Y"],
            "outcome": ["Z"],
            "query": "P(Z | do(Y))",
            "identifiable": False,
            "form": "not identified",
            "hedge": [sorted(part) for part in self.table["Y", "Z"].hedge],
        }

    def test_is_a_table_of_forms(self):
        pytest.importorskip("pandas")
        frame = self.table.to_pandas()
        assert frame.loc["X", "Y"] == "general formula"
        assert frame.loc["X", "X"] is None
        assert self.table.to_csv().splitlines()[:2] == [
            "do,W,R,X,Y,Z",
            "W,,seeing is doing,front-door,front-door,front-door",
        ]

    def test_is_a_coloured_table(self):
        html = self.table._repr_html_()
        assert html.count('<td class="t"') == 25
        assert 'title="P(Y | do(X)): general formula"' in html
        assert "general formula: 2" in html

    def test_is_a_picture(self):
        pytest.importorskip("matplotlib")
        axes = self.table.plot()
        assert [label.get_text() for label in axes.get_yticklabels()] == ["W", "R", "X", "Y", "Z"]
        assert axes.get_xlabel() == "outcome"


def test_long_names_give_way_to_numbers():
    names = [f"a_rather_long_name_{i}" for i in range(8)]
    text = str(ld.answerable(" -> ".join(names)))
    assert "   1 a_rather_long_name_0" in text
    assert max(map(len, text.splitlines()[1:])) <= 100
    few = str(ld.answerable(" -> ".join(names), ["a_rather_long_name_0"]))
    assert "columns: 1 a_rather_long_name_0, 2 a_rather_long_name_1" in few


def test_a_large_table_is_told_as_a_summary():
    chain = " -> ".join(f"V{i}" for i in range(40))
    text = str(ld.answerable(f"{chain}; V3 <-> V4; V3 <-> V5"))
    assert "  = seeing is doing: " in text
    assert "effects not identified, by treatment: V3 (36)" in text
    assert len(text.splitlines()) < 12


def test_names_are_checked():
    graph = "latent U; U -> X -> Y; U -> Y"
    with pytest.raises(UnknownNodeError, match="'Q' is not a node"):
        ld.answerable(graph, ["Q"])
    with pytest.raises(QueryError, match="'U' is latent and cannot be set: nobody measured it"):
        ld.answerable(graph, ["U"])
    with pytest.raises(QueryError, match="'X' is given and cannot be asked about as well"):
        ld.answerable(graph, None, ["X"], given="X")
    with pytest.raises(QueryError, match="An empty set of nodes cannot be set"):
        ld.answerable(graph, [()])
    table = ld.answerable(graph, ["X", "X"], "Y")
    assert table.treatments == ("X",)
    with pytest.raises(QueryError, match="Y is not among the treatments of this table"):
        table["Y", "X"]
    with pytest.raises(QueryError, match="A cell is named by treatment and outcome"):
        table["X"]
    with pytest.raises(QueryError, match="its cell is empty"):
        ld.answerable(graph)["X", "X"]


def test_odd_names_are_quoted():
    table = ld.answerable("`NF-kB (p65)` -> `a < b`")
    assert "`NF-kB (p65)`" in str(table)
    assert "`a &lt; b`" in table._repr_html_()
    assert table["NF-kB (p65)", "a < b"].form == "seeing is doing"


def test_a_hundred_nodes_take_about_a_second():
    rng = random.Random(5)
    names = tuple(f"V{i}" for i in range(100))
    pairs = list(itertools.combinations(names, 2))
    directed = frozenset(pair for pair in pairs if rng.random() < 0.1)
    graph = Admg(names, directed, frozenset(pair for pair in pairs if rng.random() < 0.05))
    start = time.process_time()
    table = answerable(graph)
    assert table.asked == 9_900
    assert time.process_time() - start < 5  # about 0.3 s alone
    sample = rng.sample(pairs, 60)
    assert all(table.verdict(*pair).identified == identify(graph, law(pair[1], pair[0])).identified for pair in sample)


def test_five_hundred_nodes_work():
    chain = " -> ".join(f"V{i}" for i in range(500))
    arcs = "; ".join(f"V{i} <-> V{i + 2}" for i in range(498))
    table = ld.answerable(f"{chain}; {arcs}", ["V0", "V1"], ["V499", "V2"])
    assert table["V1", "V2"].form in {"seeing is doing", "back-door", "not identified", "general formula"}

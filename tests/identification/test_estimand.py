"""The formula: equal to surgery by enumeration on every model, and readable."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pytest

import known_graphs
import oracles
from latentdo.errors import DataError, QueryError
from latentdo.graphs import Admg, parse_graph
from latentdo.identification import Identified, Prob, Product, Quotient, Sum, identify, parts
from latentdo.identification.engine.evaluate import tabulate
from latentdo.query import Query


def estimand(graph: str, query: str):
    return identify(parse_graph(graph), Query.parse(query)).unwrap()


def check(graph, query: Query, seed: int, levels: int = 2) -> Identified | None:
    """The verdict, after its formula has been compared with surgery on a random model of the graph."""
    found = identify(graph, query)
    if not found.identified:
        return None
    scm = oracles.random_scm(graph, seed, levels)
    law = found.estimand.evaluate(scm.law(), scm.graph.measured)
    term = query.term
    assert law.names == term.treatments + term.outcome_names + term.conditions
    assert law.values.shape == (levels,) * len(law.names)
    worst = np.abs(law.values - scm.answer(term)).max()
    assert worst < 1e-9, f"{graph} | {query}: {found.estimand.text} is off by {worst}"
    outcomes = tuple(range(len(term.treatments), len(term.treatments + term.outcome_names)))
    assert np.allclose(law.values.sum(axis=outcomes), 1)
    return found


@pytest.mark.parametrize("case", known_graphs.IDENTIFIED, ids=lambda case: case.name)
def test_known_formulas_equal_surgery(case):
    check(case.graph, case.query, seed=11, levels=3)


def test_equals_surgery_on_random_graphs():
    rng = random.Random(12)
    checked = conditional = 0
    for seed in range(1500):
        graph = oracles.random_admg(rng)
        seen = rng.choice([0, 0, 1, 2]) if len(graph.nodes) > 3 else 0
        query = Query.parse(oracles.random_term(rng, graph.nodes, seen))
        if check(graph, query, seed):
            checked += 1
            conditional += bool(query.term.conditions)
    assert checked > 700 and conditional > 200


def test_equals_surgery_where_a_ratio_is_needed():
    rng = random.Random(13)
    ratios = 0
    for seed in range(500):
        graph = oracles.random_napkin(rng)
        treatments = [node for node in graph.nodes if node.startswith("X")]
        others = [node for node in graph.nodes if node in "AB" or node[0] == "R"]
        seen = rng.sample(others, 1) if others and rng.random() < 0.3 else []
        behind = ", ".join(["do(" + ", ".join(treatments) + ")", *seen])
        query = Query.parse(f"P(Y | {behind})")
        found = check(graph, query, seed)
        ratios += bool(found) and any(isinstance(p, Quotient) for p in parts(found.estimand.expression))
    assert ratios > 150


def test_equals_surgery_on_latent_dags():
    rng = random.Random(14)
    for seed in range(300):
        graph = oracles.random_latent_dag(rng)
        query = Query.parse(oracles.random_term(rng, graph.measured, rng.randint(0, 1)))
        check(graph, query, seed)


def test_the_recursion_of_the_paper_gives_the_same_numbers():
    rng = random.Random(15)
    for seed in range(150):
        graph = oracles.random_napkin(rng) if seed % 2 else oracles.random_admg(rng, (3, 5))
        text = "P(Y | do(X1))" if seed % 2 else oracles.random_term(rng, graph.nodes)
        query = Query.parse(text)
        found = identify(graph, query)
        if not found.identified:
            continue
        joint = oracles.random_scm(graph, seed).law()
        term = query.term
        value = oracles.id_value(frozenset(term.outcome_names), frozenset(term.treatments), joint, graph, graph.nodes)
        law = found.estimand.evaluate(joint, graph.nodes)
        axes = [graph.nodes.index(name) for name in law.names]
        kept = [slice(None) if i in axes else 0 for i in range(joint.ndim)]
        value = np.broadcast_to(value, [2 if i in axes else value.shape[i] for i in range(joint.ndim)])[tuple(kept)]
        order = [sorted(axes).index(axis) for axis in axes]
        assert np.abs(value.transpose(order) - law.values).max() < 1e-9


def nested_napkins(rungs: int) -> Admg:
    """A ladder: each napkin can only be opened once the one before it is."""
    directed, bidirected, nodes = set(), set(), []
    for i in range(1, rungs + 1):
        w, r, x = f"W{i}", f"R{i}", f"X{i}"
        nodes += [w, r, x]
        directed |= {(w, r), (r, x), (x, "Y")}
        bidirected |= {(w, x), (w, "Y")}
        if i > 1:
            directed.add((w, f"X{i - 1}"))
    return Admg((*nodes, "Y"), frozenset(directed), frozenset(bidirected))


@pytest.mark.parametrize("rungs", [1, 2])
def test_ladders_equal_surgery(rungs):
    graph = nested_napkins(rungs)
    xs = ", ".join(f"X{i}" for i in range(1, rungs + 1))
    check(graph, Query.parse(f"P(Y | do({xs}))"), seed=16)


def test_ladders_of_fifty_rungs_stay_polynomial():
    xs = ", ".join(f"X{i}" for i in range(1, 51))
    found = identify(nested_napkins(50), Query.parse(f"P(Y | do({xs}))")).unwrap()
    assert len(list(parts(found.expression))) < 20_000
    assert len(found.text) < 2_000_000


def test_an_equal_expression_is_equal_and_hashes_alike_whoever_made_it():
    first = estimand(known_graphs.NAPKIN, "P(Y | do(X))").expression
    second = estimand(known_graphs.NAPKIN, "P(Y | do(X))").expression
    assert first is not second and first == second and hash(first) == hash(second)
    assert first != estimand(known_graphs.BACK_DOOR, "P(Y | do(X))").expression
    assert first.free == {"R", "X", "Y"}
    inner = Product((Prob(("Y",), ("X", "Z")), Prob(("Z",))))
    assert Sum(("Z",), inner) == estimand(known_graphs.BACK_DOOR, "P(Y | do(X))").expression
    assert Sum(("Z",), inner).free == {"X", "Y"}


def test_comparing_shared_parts_does_not_explode():
    def doubled(depth):
        found = Prob(("A",))
        for _ in range(depth):
            found = Product((found, found))
        return found

    assert doubled(2000) == doubled(2000)
    assert doubled(2000) != doubled(1999)
    assert doubled(2000).free == {"A"}


def test_a_variable_that_does_not_matter_is_named_and_averaged():
    found = estimand(known_graphs.NAPKIN, "P(Y | do(X))")
    assert found.free == ("R",)
    scm = oracles.random_scm(parse_graph(known_graphs.NAPKIN), seed=17)
    joint = scm.law()
    joint[:, 0] = 0  # R = 0 is never seen: the other value of R will do
    law = found.evaluate(joint / joint.sum(), scm.graph.measured)
    assert np.isfinite(law.values).all()
    assert np.allclose(law.values.sum(axis=1), 1)


def test_a_level_that_is_never_seen_is_undefined_only_where_it_is_asked():
    names = ("Z", "X", "Y")
    joint = np.random.default_rng(18).dirichlet(np.ones(12)).reshape(3, 2, 2)
    joint[2] = 0
    found = estimand(known_graphs.BACK_DOOR, "P(Y | do(X))")
    law = found.evaluate(joint / joint.sum(), names)
    assert np.allclose(law.values, found.evaluate(joint[:2] / joint.sum(), names).values)
    joint[:, 1] = 0
    law = found.evaluate(joint / joint.sum(), names)
    assert np.isnan(law.values[1]).all() and np.isfinite(law.values[0]).all()


def test_a_treatment_without_effect_keeps_its_axis():
    joint = np.full((2, 3), 1 / 6)
    law = estimand("X; Y", "P(Y | do(X))").evaluate(joint, ("X", "Y"))
    assert law.names == ("X", "Y") and law.values.shape == (2, 3)


def test_event_evidence_evaluates_to_the_law_given_each_value():
    graph = parse_graph("X -> Z; X -> Y; Z -> Y; X <-> W; W -> X")
    scm = oracles.random_scm(graph, seed=19, levels=3)
    events = identify(graph, Query.parse("P(Y | do(X=1), Z > 0)")).unwrap()
    points = Query.parse("P(Y | do(X), Z)")
    law = events.evaluate(scm.law(), scm.graph.measured)
    assert law.names == ("X", "Y", "Z")
    assert np.abs(law.values - scm.answer(points.term)).max() < 1e-9


@dataclass(frozen=True)
class Reading:
    """P(y | do(x), w=1, z > 0) with x set or drawn, w and z seen or not; every node has three levels."""

    y: str
    x: str
    w: str | None
    z: str | None
    law: np.ndarray | None

    @property
    def query(self) -> Query:
        do = f"do({self.x})" if self.law is None else f"do({self.x} ~ normal(0, 1))"
        evidence = ([f"{self.w}=1"] if self.w else []) + ([f"{self.z} > 0"] if self.z else [])
        return Query.parse(f"P({self.y} | {', '.join([do, *evidence])})")

    def of(self, table: np.ndarray, axis: dict[str, int]) -> np.ndarray:
        """The conditional law, from a table in the proportions of the law of y, w and z under do(x)."""
        if self.law is not None:
            shape = [-1 if i == axis[self.x] else 1 for i in range(table.ndim)]
            table = (table * self.law.reshape(shape)).sum(axis=axis[self.x], keepdims=True)
        if self.z:
            table = np.take(table, [1, 2], axis=axis[self.z]).sum(axis=axis[self.z], keepdims=True)
        if self.w:
            table = np.take(table, [1], axis=axis[self.w])
        return table / table.sum(axis=axis[self.y], keepdims=True)


def test_events_and_drawn_treatments_equal_enumeration():
    rng = random.Random(21)
    checked = 0
    for seed in range(600):
        graph = oracles.random_admg(rng, (4, 5))
        y, x, w, z, *_ = rng.sample(graph.nodes, len(graph.nodes))
        law = np.random.default_rng(seed).dirichlet(np.ones(3)) if rng.random() < 0.5 else None
        event = law is None or rng.random() < 0.4
        reading = Reading(y, x, w if rng.random() < 0.7 else None, z if event else None, law)
        found = identify(graph, reading.query)
        if not found.identified:
            continue
        scm = oracles.random_scm(graph, seed, levels=3)
        axis = {name: i for i, name in enumerate(graph.nodes)}
        seen = {y, x, reading.w, reading.z}
        truth = scm.law([x]).sum(axis=tuple(i for name, i in axis.items() if name not in seen), keepdims=True)
        table = tabulate(found.estimand.expression, scm.law(), axis)
        table = np.broadcast_to(table, np.broadcast_shapes(table.shape, truth.shape))
        difference = reading.of(table, axis) - reading.of(truth, axis)
        assert np.abs(difference).max() < 1e-9, f"{graph} | {reading.query}"
        checked += 1
    assert checked > 250


@pytest.mark.parametrize(
    ("joint", "names", "message"),
    [
        (np.full((2, 2), 0.25), ("X",), "2 axes, but 1 names came with it"),
        (np.full((2, 2), 0.25), ("X", "X"), "'X' names two axes of the joint"),
        (np.full((2, 2), 0.25), ("X", "Y"), "no axis for Z. The formula needs X, Y, Z"),
        (np.full((2, 2, 2), 0.25), ("X", "Y", "Z"), "sums to 2. Divide it by its sum"),
        (
            np.array([[[0.5, 0.7], [-0.2, 0.0]]]),
            ("X", "Y", "Z"),
            "holds -0.2. Probabilities are not negative",
        ),
        (np.full((2, 2, 2), np.nan), ("X", "Y", "Z"), "holds NaN"),
        ([["a"]], ("X", "Y"), "not an array of numbers"),
    ],
)
def test_a_table_that_is_no_law_is_refused(joint, names, message):
    with pytest.raises(DataError, match=message):
        estimand(known_graphs.BACK_DOOR, "P(Y | do(X))").evaluate(joint, names)


def test_further_nodes_are_summed_out():
    joint = np.random.default_rng(20).dirichlet(np.ones(16)).reshape(2, 2, 2, 2)
    found = estimand(known_graphs.BACK_DOOR, "P(Y | do(X))")
    small = found.evaluate(joint.sum(axis=1), ("Z", "X", "Y"))
    assert np.allclose(found.evaluate(joint, ("Z", "extra", "X", "Y")).values, small.values)


def test_several_terms_are_evaluated_one_by_one():
    found = estimand(known_graphs.BACK_DOOR, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    with pytest.raises(QueryError, match=r"has 2. Use it on each of `estimand.terms`"):
        found.evaluate(np.full((2, 2, 2), 0.125), ("Z", "X", "Y"))
    first, second = found.terms
    assert first.text == "Σ_Z E[Y | X=1, Z] P(Z)" and second.text == "Σ_Z E[Y | X=0, Z] P(Z)"
    law = first.evaluate(np.full((2, 2, 2), 0.125), ("Z", "X", "Y"))
    assert law.names == ("X", "Y")


@pytest.mark.slow
def test_equals_surgery_on_ten_thousand_random_graphs():
    rng = random.Random(22)
    checked = ratios = conditional = 0
    for seed in range(16_000):
        if seed % 2:
            graph = oracles.random_admg(rng, (3, 9))
            seen = rng.choice([0, 0, 1, 2]) if len(graph.nodes) > 3 else 0
            text = oracles.random_term(rng, graph.nodes, seen)
        else:
            graph, text = oracles.random_napkin(rng), "P(Y | do(X1))"
        if found := check(graph, Query.parse(text), seed):
            checked += 1
            conditional += bool(found.query.term.conditions)
            ratios += any(isinstance(p, Quotient) for p in parts(found.estimand.expression))
    assert checked > 10_000 and ratios > 3_000 and conditional > 2_000

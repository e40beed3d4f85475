"""Testable implications: pairs by brute force, the basis by closure, every statement by numbers."""

from __future__ import annotations

import itertools
import json
import random

import numpy as np
import pytest

import oracles
from latentdo.graphs import Admg, parse_graph
from latentdo.identification import testable_implications
from latentdo.identification.advice.implications import nested_pairs
from latentdo.identification.engine.evaluate import tabulate

Triple = tuple[frozenset[str], frozenset[str], frozenset[str]]


def graphs(count, seed, largest=6):
    rng = random.Random(seed)
    for number in range(count):
        graph = oracles.random_admg(rng, (3, largest)) if number % 2 else oracles.random_napkin(rng)
        if len(graph.nodes) <= largest:
            yield number, graph


def separators(graph: Admg, a: str, b: str) -> list[set[str]]:
    """Every set that separates two nodes, by enumerated paths."""
    if b in (*graph.children(a), *graph.parents(a), *graph.spouses(a)):
        return []
    rest = [node for node in graph.nodes if node not in (a, b)]
    subsets = (set(c) for size in range(len(rest) + 1) for c in itertools.combinations(rest, size))
    return [z for z in subsets if oracles.separated_by_paths(graph, a, b, z)]


def dependence(law, names, a, b, given) -> float:
    """How far P(a, b, given) P(given) is from P(a, given) P(b, given)."""

    def at(*sets):
        return oracles.margin(law, names, set().union(*sets))

    return np.abs(at(a, b, given) * at(given) - at(a, given) * at(b, given)).max()


def semigraphoid(statements: list[Triple]) -> set[Triple]:
    """All that follows by symmetry, decomposition, weak union and contraction."""
    known: set[Triple] = set()
    new: list[Triple] = []

    def put(a, b, c):
        if a and b and (a, b, c) not in known:
            known.update({(a, b, c), (b, a, c)})
            new.extend([(a, b, c), (b, a, c)])

    for statement in statements:
        put(*statement)
    while new:
        a, b, c = new.pop()
        for node in b:
            put(a, b - {node}, c)
            put(a, b - {node}, c | {node})
        for other, d, e in list(known):
            if other == a and not b & d:
                if e == c | b:
                    put(a, b | d, c)
                if c == e | d:
                    put(a, b | d, e)
    return known


def sides(statement) -> Triple:
    return frozenset(statement.first), frozenset(statement.second), frozenset(statement.given)


def test_every_pair_that_can_be_separated_is_there_with_a_minimal_set_and_holds_in_a_model():
    count = 0
    for number, graph in graphs(200, seed=1):
        found = testable_implications(graph).independences
        law = oracles.random_scm(graph, number).law()
        by_pair = {frozenset(statement.first + statement.second): statement for statement in found}
        assert len(by_pair) == len(found)
        for a, b in itertools.combinations(graph.nodes, 2):
            sets = separators(graph, a, b)
            assert (frozenset({a, b}) in by_pair) == bool(sets), f"{graph} | {a} {b}"
            if sets:
                given = set(by_pair[frozenset({a, b})].given)
                assert given in sets and not any(z < given for z in sets), f"{graph} | {a} {b} {given}"
                assert dependence(law, graph.nodes, {a}, {b}, given) < 1e-12
                count += 1
    assert count > 200


def test_the_basis_holds_and_implies_every_independence():
    count = 0
    for number, graph in graphs(160, seed=2, largest=5):
        found = testable_implications(graph)
        law = oracles.random_scm(graph, number).law()
        for first, second, given in map(sides, found.basis):
            assert dependence(law, graph.nodes, first, second, given) < 1e-12
        implied = semigraphoid([sides(statement) for statement in found.basis])
        for a, b in itertools.combinations(graph.nodes, 2):
            for z in separators(graph, a, b):
                assert (frozenset({a}), frozenset({b}), frozenset(z)) in implied, f"{graph} | {a} {b} {z}"
                count += 1
    assert count > 300


def markov_equivalent(graph: Admg) -> Admg:
    """The maximal ancestral graph with the same independences: of Verma constraints it has none."""
    directed, bidirected = set(), set()
    for a, b in itertools.combinations(graph.nodes, 2):
        if separators(graph, a, b):
            continue
        if a in graph.ancestors([b]):
            directed.add((a, b))
        elif b in graph.ancestors([a]):
            directed.add((b, a))
        else:
            bidirected.add((a, b))
    return Admg(graph.nodes, frozenset(directed), frozenset(bidirected))


def dependence_on(constraint, law, names) -> float:
    """How far the formula moves with the nodes that it should be free of."""
    value = np.broadcast_to(tabulate(constraint.expression, law, {name: i for i, name in enumerate(names)}), law.shape)
    return max(np.ptp(value, axis=names.index(name)).max() for name in constraint.free)


def test_verma_constraints_hold_do_not_follow_from_independences_and_cover_every_nested_pair():
    count = 0
    for number, graph in graphs(300, seed=3):
        found = testable_implications(graph).verma
        masks = graph.sorted_masks
        pairs = {frozenset((masks.names[i], masks.names[j])) for i, j in nested_pairs(masks)}
        covered = {frozenset((a, b)) for constraint in found for a in constraint.nodes for b in constraint.free}
        assert pairs <= covered, f"{graph} | {pairs - covered}"
        if not found:
            continue
        law = oracles.random_scm(graph, number).law()
        other = oracles.random_scm(markov_equivalent(graph), number).law()
        for constraint in found:
            assert dependence_on(constraint, law, graph.nodes) < 1e-9, f"{graph} | {constraint}"
            assert dependence_on(constraint, other, graph.nodes) > 1e-6, f"{graph} | {constraint}"
        count += len(found)
    assert count > 50


def test_an_ancestral_graph_has_no_verma_constraint():
    for _, graph in graphs(120, seed=4):
        assert not testable_implications(markov_equivalent(graph)).verma


@pytest.mark.parametrize(
    ("graph", "lines"),
    [
        ("A -> B -> C -> D; B <-> D", ["A ⊥⊥ C | B", "Σ_B P(D | A, B, C) P(B | A) does not depend on A"]),
        ("A <-> C; C <-> B", ["A ⊥⊥ B"]),  # A and B are connected given C
        ("A -> C; C <-> B", ["A ⊥⊥ B"]),
        ("X -> M -> Y; X <-> Y", ["Nothing that data could contradict."]),
        ("latent U; U -> X; U -> Y; Z -> X", ["Y ⊥⊥ Z"]),
        ("Z -> X -> Y; X <-> Y", ["Σ_Y max_Z P(X, Y | Z) ≤ 1 if X has levels"]),
    ],
)
def test_the_implications_of_small_graphs(graph, lines):
    found = testable_implications(parse_graph(graph))
    assert str(found).split("\n") == lines
    assert bool(found) == (lines[0][:7] != "Nothing")


def test_the_value_prints_as_html_and_json():
    found = testable_implications(parse_graph("`A<` -> B -> C -> D; B <-> D"))
    assert "A&lt;" in found._repr_html_() and "<li>" in found._repr_html_()
    data = json.loads(json.dumps(found.to_json()))
    assert data["independences"] == [{"first": ["A<"], "second": ["C"], "given": ["B"]}]
    assert data["basis_complete"] and data["verma"][0]["free_of"] == ["A<"]
    assert r"\sum_{B}" in data["verma"][0]["latex"]
    assert "1 independences, 1 Verma" in repr(found)


def test_a_long_basis_is_cut_and_says_so():
    names = [f"V{i}" for i in range(14)]
    tops = [f"T{i}" for i in range(14)]
    star = frozenset((name, "Z") for name in names)
    found = testable_implications(Admg((*tops, *names, "Z"), frozenset(zip(tops, names, strict=True)), star))
    assert len(found.basis) == 10_000 and not found.is_complete
    assert testable_implications(parse_graph("A -> B -> C")).is_complete


def test_a_hundred_nodes_are_no_trouble():
    rng = random.Random(0)
    names = [f"V{i}" for i in range(100)]
    directed = frozenset((names[i], names[j]) for j in range(1, 100) for i in rng.sample(range(j), min(j, 2)))
    bidirected = frozenset((names[i], names[i + 3]) for i in range(0, 90, 9))
    found = testable_implications(Admg(tuple(names), directed, bidirected))
    assert len(found.independences) > 4000 and len(found.basis) >= 90


def test_instrumental_inequalities_hold_in_models_of_their_graphs():
    count = 0
    for number, graph in graphs(400, seed=8):
        law = oracles.random_scm(graph, number).law()
        for inequality in testable_implications(graph).inequalities:
            z, x, y = (graph.nodes.index(name) for name in inequality.names)
            margin = law.sum(axis=tuple(k for k in range(law.ndim) if k not in (z, x, y)), keepdims=True)
            given = margin / margin.sum(axis=(x, y), keepdims=True)
            # max_z, then the sum over y; one number for each x.
            assert given.max(axis=z, keepdims=True).sum(axis=y).max() <= 1 + 1e-9, f"{graph} | {inequality}"
            count += 1
    assert count > 40


def test_what_an_instrument_implies_is_broken_by_an_arrow_past_the_treatment():
    (inequality,) = testable_implications(parse_graph("Z -> X -> Y; X <-> Y")).inequalities
    assert inequality.names == ("Z", "X", "Y")
    assert inequality.to_json() == {"instrument": "Z", "treatment": "X", "outcome": "Y"}
    assert inequality.latex == r"\sum_{Y} \max_{Z} P(X, Y \mid Z) \le 1"
    assert not testable_implications(parse_graph("Z -> X -> Y; X <-> Y; Z -> Y")).inequalities


def test_every_separating_set_of_a_pair_can_be_listed():
    for _, graph in graphs(60, seed=9, largest=5):
        found = {
            (frozenset(s.first + s.second), frozenset(s.given)) for s in testable_implications(graph).separations(100)
        }
        expected = {
            (frozenset({a, b}), frozenset(z))
            for a, b in itertools.combinations(graph.nodes, 2)
            for z in separators(graph, a, b)
            if not any(other < z for other in separators(graph, a, b))
        }
        assert found == expected, str(graph)

"""Instruments: every node and set by the definition, and the ratio of covariances by numbers."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

import oracles
from latentdo.graphs import Admg, parse_graph, project
from latentdo.identification import Instrument, forms_of
from latentdo.query import Query


def instruments(graph: Admg, x: str, y: str) -> list[Instrument]:
    return list(forms_of(graph, Query.parse(f"P({y} | do({x}))").term).instruments())


def cases(count, seed):
    """Graphs with a treatment that causes an outcome, and every pair (instrument, given) by the definition."""
    rng = random.Random(seed)
    for _ in range(count):
        graph = oracles.sparse_admg(rng, (3, 6))
        y = rng.choice(graph.nodes[1:])
        x = rng.choice(graph.nodes[: graph.nodes.index(y)])
        if x not in graph.ancestors([y]):
            continue
        causal = (graph.descendants([x]) & graph.ancestors([y])) - {x}
        first_edges = frozenset((a, b) for a, b in graph.directed if a == x and b in causal)
        cut = Admg(graph.nodes, graph.directed - first_edges, graph.bidirected)
        free = sorted(set(graph.nodes) - graph.descendants(causal) - {x, y})
        pairs = [
            (z, frozenset(w))
            for z in free
            for others in [[node for node in free if node != z]]
            for size in range(len(others) + 1)
            for w in itertools.combinations(others, size)
        ]
        true = {
            (z, w)
            for z, w in pairs
            if oracles.separated_by_paths(cut, z, y, set(w)) and not oracles.separated_by_paths(graph, z, x, set(w))
        }
        yield graph, cut, x, y, true


def test_the_ancestral_instruments_that_the_treatment_does_not_cause_are_found_and_only_they():
    some = 0
    for graph, cut, x, y, true in cases(700, seed=1):
        found = {(instrument.node, instrument.given) for instrument in instruments(graph, x, y)}
        assert found <= true, f"{graph} | {x} {y}"
        effects = graph.descendants([x])  # an effect moves no treatment
        assert {z for z, _ in found} == {z for z, w in true if w <= cut.ancestors([z, y])} - effects
        some += bool(found)
    assert some > 50


def test_the_ratio_of_covariances_is_the_total_effect():
    rng = np.random.default_rng(0)
    conditional = 0
    for graph, _, x, y, _ in cases(700, seed=2):
        place = {node: i for i, node in enumerate(graph.nodes)}
        for instrument in instruments(graph, x, y):
            covariance, total = oracles.linear_covariance(graph, rng)
            given = [place[node] for node in instrument.given]
            i = place[instrument.node]
            above = oracles.partial_covariance(covariance, i, place[y], given)
            below = oracles.partial_covariance(covariance, i, place[x], given)
            assert above / below == pytest.approx(total[place[y], place[x]], rel=1e-5, abs=1e-8), f"{graph} | {x} {y}"
            conditional += bool(given)
    assert conditional > 10


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ("Z -> X -> Y; X <-> Y", [("Z", "")]),
        ("Z -> X -> Y; X <-> Y; Z -> Y", []),
        ("A -> Z -> X -> Y; X <-> Y; A -> Y", [("Z", "A")]),
        ("X -> Y; X <-> Y", []),
    ],
)
def test_the_instruments_of_small_graphs(graph, expected):
    found = instruments(project(parse_graph(graph)), "X", "Y")
    assert [(instrument.node, " ".join(instrument.given)) for instrument in found] == expected

"""Front-door sets: all subsets by the definition, and the front-door formula by numbers."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

import oracles
from latentdo.graphs import Admg, parse_graph, project
from latentdo.identification.criteria.front_door import front_door_set, front_door_sets, is_front_door_set


def door_admg(rng: random.Random) -> Admg:
    """A graph with X and Y confounded and nodes between and beside them, in which front doors are not rare."""
    names = ["X", *(f"V{i}" for i in range(rng.randint(2, 4))), "Y"]
    directed = {pair for pair in itertools.combinations(names, 2) if rng.random() < 0.4} - {("X", "Y")}
    bidirected = {pair for pair in itertools.combinations(names, 2) if rng.random() < 0.08} | {("X", "Y")}
    if rng.random() < 0.4:
        names.insert(0, "C")
        directed |= {("C", node) for node in names[1:] if rng.random() < 0.3}
    return Admg(tuple(names), frozenset(directed), frozenset(bidirected))


def questions(count, seed):
    """Graphs with treatments and outcomes, and the subsets of the other nodes."""
    rng = random.Random(seed)
    for number in range(count):
        if number % 2:
            graph, x, y = door_admg(rng), {"X"}, {"Y"}
            if rng.random() < 0.2 and "C" in graph.nodes:
                x = {"X", "C"}
        else:
            graph = oracles.random_admg(rng, (3, 6))
            nodes = rng.sample(graph.nodes, len(graph.nodes))
            first = rng.choice([1, 1, 2])
            x, y = set(nodes[:first]), set(nodes[first : first + rng.choice([1, 1, 2])])
        rest = sorted(set(graph.nodes) - x - y)
        subsets = [frozenset(c) for size in range(len(rest) + 1) for c in itertools.combinations(rest, size)]
        yield number, graph, graph.sorted_masks, x, y, subsets


def test_every_set_of_the_definition_is_listed_once_and_a_minimal_one_is_found_exactly_where_there_is_one():
    real = 0
    for _, graph, masks, x, y, subsets in questions(400, seed=1):
        valid = [z for z in subsets if oracles.front_door_is_valid(graph, x, y, set(z))]
        treated, asked = masks.mask(x), masks.mask(y)
        found = [frozenset(masks.nodes(z)) for z in front_door_sets(masks, treated, asked)]
        assert len(found) == len(set(found)) and set(found) == set(valid), f"{graph} | {x} {y}"
        assert all(is_front_door_set(masks, treated, asked, masks.mask(z)) == (z in valid) for z in subsets)
        one = front_door_set(masks, treated, asked)
        assert (one is None) == (not valid)
        if one is not None:
            nodes = frozenset(masks.nodes(one))
            assert nodes in valid and not any(z < nodes for z in valid), f"{graph} | {x} {y}"
            real += bool(nodes)
    assert real > 40


def test_the_front_door_formula_gives_the_numbers_of_surgery():
    checked = 0
    for number, graph, _, x, y, subsets in questions(160, seed=2):
        valid = [z for z in subsets if z and oracles.front_door_is_valid(graph, x, y, set(z))]
        if not valid:
            continue
        scm = oracles.random_scm(graph, number)
        names, law = scm.graph.measured, scm.law()
        truth = oracles.margin(scm.law(sorted(x)), names, x | y)
        truth = truth / truth.sum(axis=tuple(names.index(node) for node in y), keepdims=True)
        treated = tuple(names.index(node) for node in x)
        p_x = oracles.margin(law, names, x)
        for z in valid:
            outcome = oracles.margin(law, names, x | y | z) / oracles.margin(law, names, x | z)
            inner = (outcome * p_x).sum(axis=treated, keepdims=True)
            through = oracles.margin(law, names, x | z) / p_x
            formula = (through * inner).sum(axis=tuple(names.index(node) for node in z), keepdims=True)
            assert np.abs(formula - truth).max() < 1e-10, f"{graph} | {x} {y} {z}"
            checked += 1
    assert checked > 40


@pytest.mark.parametrize(
    ("graph", "nodes"),
    [
        ("X -> M -> Y; X <-> Y", "M"),
        ("X -> M -> Y; X <-> Y; X -> Y", None),
        ("X -> M -> Y; X <-> Y; M <-> Y", None),
        ("X -> A -> B -> Y; X <-> Y", "B"),
        ("X -> A -> Y; X -> B -> Y; X <-> Y", "A B"),
        ("X -> M -> Y; S -> M; S -> Y; X <-> Y", "S M"),  # a node off the causal paths, without which M fails
    ],
)
def test_the_front_door_set_of_small_graphs(graph, nodes):
    masks = project(parse_graph(graph)).sorted_masks
    found = front_door_set(masks, masks.mask("X"), masks.mask("Y"))
    names = None if found is None else frozenset(masks.nodes(found))
    assert names == (nodes and frozenset(nodes.split()))

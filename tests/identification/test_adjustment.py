"""Adjustment sets: all subsets by the criterion, by numbers, and the best one by closed-form variances."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

import oracles
from latentdo.graphs import Admg, parse_graph, project
from latentdo.identification.criteria.adjustment import (
    adjustment_set,
    best_adjustment_set,
    is_adjustment_set,
    minimal_adjustment_sets,
)


def questions(count, seed, sizes=(4, 6), make=oracles.sparse_admg, several=True):
    """Graphs with treatments and outcomes, one or two of each, and the subsets of the other nodes."""
    rng = random.Random(seed)
    for _ in range(count):
        graph = make(rng, sizes)
        nodes = rng.sample(graph.nodes, len(graph.nodes))
        first = rng.choice([1, 1, 2]) if several else 1
        second = first + (rng.choice([1, 1, 2]) if several else 1)
        x, y, rest = set(nodes[:first]), set(nodes[first:second]), sorted(set(nodes[second:]))
        subsets = [set(c) for size in range(len(rest) + 1) for c in itertools.combinations(rest, size)]
        yield graph, graph.sorted_masks, x, y, subsets


def effects(count, seed, sizes=(4, 7)):
    """Graphs with one treatment that causes one outcome, the valid sets, and the minimal ones."""
    rng = random.Random(seed)
    for _ in range(count):
        graph = oracles.sparse_admg(rng, sizes)
        y = rng.choice([graph.nodes[-1], rng.choice(graph.nodes[1:])])
        x = rng.choice(graph.nodes[: graph.nodes.index(y)])
        if x not in graph.ancestors([y]):
            continue
        masks = graph.sorted_masks
        rest = [node for node in graph.nodes if node not in (x, y)]
        subsets = [frozenset(c) for size in range(len(rest) + 1) for c in itertools.combinations(rest, size)]
        valid = [z for z in subsets if is_adjustment_set(masks, masks.mask([x]), masks.mask([y]), masks.mask(z))]
        yield graph, x, y, valid


def minimal(sets):
    return {frozenset(z) for z in sets if not any(w < z for w in sets)}


@pytest.mark.parametrize("make", [oracles.sparse_admg, oracles.random_admg], ids=["sparse", "any"])
def test_the_criterion_is_that_of_enumerated_paths_and_one_minimal_set_is_found_exactly_where_there_is_one(make):
    found = 0
    for graph, masks, x, y, subsets in questions(150, seed=1, make=make):
        treated, asked = masks.mask(x), masks.mask(y)
        valid = [z for z in subsets if oracles.adjustment_is_valid(graph, x, y, z)]
        assert valid == [z for z in subsets if is_adjustment_set(masks, treated, asked, masks.mask(z))], graph
        one = adjustment_set(masks, treated, asked)
        assert (one is None) == (not valid), f"{graph} | {x} {y}"
        if one is not None:
            found += 1
            assert frozenset(masks.nodes(one)) in minimal(valid), f"{graph} | {x} {y}"
    assert found > 40


def test_treatments_outcomes_and_descendants_of_causal_nodes_are_no_covariates():
    masks = project(parse_graph("X -> M -> Y; M -> D; X <- Z -> Y")).sorted_masks
    x, y = masks.mask("X"), masks.mask("Y")
    assert masks.nodes(adjustment_set(masks, x, y)) == ("Z",)
    for wrong in ("X", "Y", "ZX", "ZY", "ZM", "ZD"):
        assert not is_adjustment_set(masks, x, y, masks.mask(wrong))
    assert adjustment_set(masks, x, y, allowed=~masks.mask("Z")) is None
    assert adjustment_set(masks, x, y, required=masks.mask("M")) is None


def test_every_minimal_set_is_listed_once_with_nodes_required_and_forbidden():
    rng = random.Random(0)
    listed = 0
    for graph, masks, x, y, subsets in questions(400, seed=2, sizes=(4, 7)):
        treated, asked = masks.mask(x), masks.mask(y)
        rest = sorted(set(graph.nodes) - x - y)
        must = set(rng.sample(rest, 1)) if rest and rng.random() < 0.4 else set()
        never = set(rng.sample(rest, 1)) if rest and rng.random() < 0.4 else set()
        valid = [
            z
            for z in subsets
            if must <= z and not z & never and is_adjustment_set(masks, treated, asked, masks.mask(z))
        ]
        found = list(minimal_adjustment_sets(masks, treated, asked, ~masks.mask(never), masks.mask(must)))
        names = {frozenset(masks.nodes(z)) for z in found}
        assert len(names) == len(found) and names == minimal(valid), f"{graph} | {x} {y} {must} {never}"
        one = adjustment_set(masks, treated, asked, ~masks.mask(never), masks.mask(must))
        assert (one is None) == (not valid) and (one is None or frozenset(masks.nodes(one)) in names)
        listed += len(found)
    assert listed > 100


def test_a_ladder_with_a_million_minimal_sets_gives_the_first_ones_at_once():
    rungs = "; ".join(f"X <- A{i} -> B{i} -> Y" for i in range(20))
    masks = project(parse_graph(f"X -> Y; {rungs}")).sorted_masks
    sets = minimal_adjustment_sets(masks, masks.mask("X"), masks.mask("Y"))
    assert [z.bit_count() for z in itertools.islice(sets, 50)] == [20] * 50


def test_adjustment_gives_the_numbers_of_surgery_exactly_where_the_criterion_holds():
    checked = {True: 0, False: 0}
    for number, (graph, masks, x, y, subsets) in enumerate(questions(60, seed=3, sizes=(3, 5))):
        scm = oracles.random_scm(graph, number)
        names, law = scm.graph.measured, scm.law()
        truth = oracles.margin(scm.law(sorted(x)), names, x | y)
        truth = truth / truth.sum(axis=tuple(names.index(node) for node in y), keepdims=True)
        for z in subsets:
            conditional = oracles.margin(law, names, x | y | z) / oracles.margin(law, names, x | z)
            formula = (conditional * oracles.margin(law, names, z)).sum(
                axis=tuple(names.index(node) for node in z), keepdims=True
            )
            valid = is_adjustment_set(masks, masks.mask(x), masks.mask(y), masks.mask(z))
            assert (np.abs(formula - truth).max() < 1e-10) == valid, f"{graph} | {x} {y} {z}"
            checked[valid] += 1
    assert min(checked.values()) > 50


def variance(covariance, graph, x, y, z):
    """The asymptotic variance of the coefficient of x in the regression of y on x and z."""
    place = {node: i for i, node in enumerate(graph.nodes)}
    given = [place[node] for node in sorted(z)]
    i, j = place[x], place[y]
    residual = oracles.partial_covariance(covariance, j, j, [*given, i])
    return residual / oracles.partial_covariance(covariance, i, i, given)


def test_no_valid_set_beats_the_optimal_one_and_no_minimal_set_the_best_minimal_one():
    rng = np.random.default_rng(0)
    kinds = {True: 0, False: 0}
    for graph, x, y, valid in effects(1500, seed=4):
        masks = graph.sorted_masks
        found = best_adjustment_set(masks, masks.mask([x]), masks.mask([y]))
        assert (found is None) == (not valid)
        if found is None or len(valid) == 1:
            continue
        nodes = frozenset(masks.nodes(found.nodes))
        rivals = valid if found.best else minimal(valid)
        assert nodes in rivals
        for _ in range(20):
            covariance, _ = oracles.linear_covariance(graph, rng)
            own = variance(covariance, graph, x, y, nodes)
            for z in rivals:
                assert own <= variance(covariance, graph, x, y, z) * (1 + 1e-7), f"{graph} | {x} {y} {nodes} {z}"
        kinds[found.best] += 1
    assert kinds[True] > 200 and kinds[False] >= 2


@pytest.mark.parametrize(
    "graph",
    [
        "V0 -> V4; V0 -> V5; V1 -> V4; V1 -> V5; V4 -> V6; V0 <-> V5; V0 <-> V6; V1 <-> V5",
        "V1 -> V4; A -> V4; A -> C; V4 -> V6; C <-> V6",
    ],
)
def test_where_no_set_is_said_to_be_best_different_models_have_different_best_sets(graph):
    admg = project(parse_graph(graph))
    masks = admg.sorted_masks
    x, y = "V4", "V6"
    assert not best_adjustment_set(masks, masks.mask([x]), masks.mask([y])).best
    rest = [node for node in admg.nodes if node not in (x, y)]
    subsets = [set(c) for size in range(len(rest) + 1) for c in itertools.combinations(rest, size)]
    valid = [z for z in subsets if oracles.adjustment_is_valid(admg, {x}, {y}, z)]
    rng = np.random.default_rng(0)
    best_everywhere = list(range(len(valid)))
    for _ in range(400):
        covariance, _ = oracles.linear_covariance(admg, rng)
        variances = [variance(covariance, admg, x, y, z) for z in valid]
        best_everywhere = [i for i in best_everywhere if variances[i] <= min(variances) * (1 + 1e-9)]
    assert not best_everywhere


@pytest.mark.parametrize(
    ("graph", "nodes", "best"),
    [
        ("X -> Y; X <- A -> Y; B -> Y; A -> B", "A B", True),  # what only the outcome hears of helps
        ("X -> M -> Y; X <- A -> M; B -> M", "A B", True),
        ("X -> Y; Y <-> C", "C", True),  # a spouse of the outcome is no confounder, yet tells of it
        ("X -> Y; X <- A -> C; C <-> Y", "", False),  # C needs A, and A tells of X
        ("X -> Y; I -> X", "", True),
    ],
)
def test_the_best_set_of_small_graphs(graph, nodes, best):
    masks = project(parse_graph(graph)).sorted_masks
    found = best_adjustment_set(masks, masks.mask("X"), masks.mask("Y"))
    assert (masks.nodes(found.nodes), found.best) == (tuple(nodes.split()), best)


def test_five_hundred_nodes_are_no_trouble():
    rng = random.Random(5)
    names = [f"V{i}" for i in range(500)]
    directed = {(names[i], names[j]) for j in range(1, 500) for i in rng.sample(range(max(0, j - 30), j), min(j, 3))}
    masks = Admg(tuple(names), frozenset(directed)).sorted_masks
    x, y = masks.mask(["V100"]), masks.mask(["V400"])
    one = adjustment_set(masks, x, y)
    assert one is not None and is_adjustment_set(masks, x, y, one)
    assert best_adjustment_set(masks, x, y).best
    assert len(list(itertools.islice(minimal_adjustment_sets(masks, x, y), 20))) == 20

"""Rewritten latent structures against the projection of the original."""

from __future__ import annotations

import itertools
import random

import pytest

import oracles
from latentdo.graphs import (
    LatentDag,
    canonical,
    exogenise,
    merge_latents,
    parse_graph,
    project,
    prune_latents,
)

REWRITES = (exogenise, merge_latents, prune_latents, canonical)


def latent_dags(seed: int, count: int) -> list[LatentDag]:
    """Random ones, some with several latents on an arc, some with many latents, some inhibiting edges."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        graph = oracles.random_latent_dag(rng)
        arcs = tuple((a, b, rng.choice([1, 1, 3])) for a, b, _ in graph.bidirected)
        latent = graph.latent if rng.random() < 0.5 else frozenset(rng.sample(graph.nodes, len(graph.nodes) - 2))
        minus = frozenset(edge for edge in graph.directed if rng.random() < 0.3)
        found.append(LatentDag(graph.nodes, graph.directed, arcs, latent, minus))
    return found


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda f: f.__name__)
def test_every_rewrite_keeps_the_projection(rewrite):
    for graph in latent_dags(1, 600):
        assert project(rewrite(graph)) == project(graph)


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda f: f.__name__)
def test_a_second_time_changes_nothing(rewrite):
    for graph in latent_dags(2, 200):
        once = rewrite(graph)
        assert rewrite(once) == once


def test_each_does_what_it_says():
    for graph in latent_dags(3, 300):
        assert not any(exogenise(graph).parents(node) for node in exogenise(graph).latent)
        assert all(len(prune_latents(graph).children(node)) > 1 for node in prune_latents(graph).latent)
        small = canonical(graph)
        families = [set(small.children(node)) for node in small.latent] + [{a, b} for a, b, _ in small.bidirected]
        assert all(len(family) > 1 for family in families)
        assert not any(a <= b for a, b in itertools.permutations(families, 2))
        assert all(k == 1 for _, _, k in small.bidirected)
        assert not any(small.parents(node) for node in small.latent)


def test_the_causes_of_a_latent_cause_its_children():
    graph = exogenise(parse_graph("latent U; X -> U; U -> Y; U -> Z; A <-> U"))
    assert graph.children("X") == graph.children("U") == ("Y", "Z")
    assert set(graph.children("U<->A.1")) == {"Y", "Z", "A"}


def test_an_edge_that_stands_for_a_path_has_no_sign():
    graph = parse_graph("latent U; X -| U; U -> Y; U -> Z; X -| Y; X -| W")
    assert exogenise(graph).inhibiting == {("X", "W")}
    assert prune_latents(parse_graph("latent U; X -| U; U -> Y; X -| Y")).inhibiting == set()


def test_of_nested_latents_the_larger_one_stays():
    graph = parse_graph("latent U, V, W; U -> X; U -> Y; V -> X; V -> Y; V -> Z; W -> Y; W -> Z; W -> Q")
    assert merge_latents(graph).latent == {"V", "W"}
    twins = parse_graph("latent U, V; U -> X; U -> Y; V -> X; V -> Y; X <-> Y")
    assert str(merge_latents(twins)) == "latent U; U -> X; U -> Y"
    assert str(merge_latents(parse_graph("X <-> Y [latents=3]"))) == "X; Y; X <-> Y"


def test_a_latent_with_one_child_is_a_step_on_the_way():
    graph = prune_latents(parse_graph("latent U, V; X -> U; U -> Y; V -> Z; A <-> U"))
    assert str(graph) == "X -> Y; Z; A; Y <-> A"


def test_five_hundred_latents_are_no_trouble():
    chain = "; ".join(f"L{i} -> L{i + 1}; L{i} -> X{i}" for i in range(250))
    graph = parse_graph(f"latent {', '.join(f'L{i}' for i in range(251))}; {chain}")
    small = canonical(graph)
    assert project(small) == project(graph)
    assert len(small.latent) == 1

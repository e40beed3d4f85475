"""The latent projection against enumerated paths and against m-separation."""

from __future__ import annotations

import itertools
import random

import oracles
from latentdo.graphs import Admg, LatentDag, m_separated, parse_graph, project


def test_known_projections():
    assert project(parse_graph("latent U; U -> X -> Y; U -> Y")) == Admg(("X", "Y"), {("X", "Y")}, {("X", "Y")})
    assert project(parse_graph("latent M; X -> M -> Y; M -> Z")) == Admg(
        ("X", "Y", "Z"), {("X", "Y"), ("X", "Z")}, {("Y", "Z")}
    )
    assert project(parse_graph("latent U; U <-> A; U -> B")) == Admg(("A", "B"), set(), {("A", "B")})
    assert project(parse_graph("latent U; U -> A; B")) == Admg(("A", "B"))


def directed_paths(graph: LatentDag, a: str) -> set[str]:
    """The measured nodes that a directed path through latents leads to from `a`."""
    found = set()
    for child in graph.children(a):
        found |= directed_paths(graph, child) if child in graph.latent else {child}
    return found


def test_edges_are_paths_through_latents():
    rng = random.Random(1)
    for _ in range(200):
        graph = oracles.random_latent_dag(rng)
        explicit = graph.explicit()
        admg = project(graph)
        assert admg == project(explicit) == project(admg)
        assert admg.nodes == graph.measured
        assert admg.directed == {(a, b) for a in graph.measured for b in directed_paths(explicit, a)}
        pairs = {
            pair
            for latent in explicit.latent
            for pair in itertools.combinations(sorted(directed_paths(explicit, latent), key=admg.nodes.index), 2)
        }
        assert admg.bidirected == pairs


def test_separations_of_measured_nodes_survive():
    rng = random.Random(2)
    for _ in range(200):
        graph = oracles.random_latent_dag(rng)
        a, b, *rest = rng.sample(graph.measured, len(graph.measured))
        given = rng.sample(rest, rng.randint(0, len(rest)))
        assert m_separated(graph, a, b, given) == m_separated(project(graph), a, b, given)
        assert m_separated(graph, a, b, given) == m_separated(graph.explicit(), a, b, given)

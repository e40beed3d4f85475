"""m-separation against its definition, path by path."""

from __future__ import annotations

import itertools
import random

import pytest

import known_graphs
import oracles
from latentdo.errors import UnknownNodeError
from latentdo.graphs import Admg, m_separated, parse_graph


@pytest.mark.parametrize(
    ("text", "a", "b", "given", "separated"),
    [
        ("A <-> C; C <-> B", "A", "B", (), True),
        ("A <-> C; C <-> B", "A", "B", "C", False),
        ("A -> C; C <-> B", "A", "B", "C", False),
        ("A -> C <- B; C -> D", "A", "B", "D", False),
        ("A -> C -> B", "A", "B", "C", True),
        (known_graphs.VERMA, "A", "C", "B", True),
        (known_graphs.VERMA, "A", "D", ("B", "C"), False),
        (known_graphs.VERMA, "A", "D", "C", False),
        ("latent U; U -> A; U -> B", "A", "B", "U", True),
        ("A; B", "A", "B", (), True),
    ],
)
def test_known_separations(text, a, b, given, separated):
    assert m_separated(parse_graph(text), a, b, given) is separated


def test_agrees_with_the_definition_on_random_graphs():
    rng = random.Random(1)
    separated = 0
    for number in range(600):
        graph = oracles.random_admg(rng, (3, 6)) if number % 2 else oracles.random_latent_dag(rng)
        a, b, *rest = rng.sample(graph.nodes, len(graph.nodes))
        given = set(rng.sample(rest, rng.randint(0, len(rest))))
        expected = oracles.separated_by_paths(graph, a, b, given)
        assert m_separated(graph, a, b, given) == m_separated(graph, b, a, given) == expected, (
            f"{graph} {a} {b} {given}"
        )
        separated += expected
    assert 100 < separated < 500


def test_sets_are_separated_when_all_their_pairs_are():
    rng = random.Random(2)
    for _ in range(200):
        graph = oracles.random_admg(rng, (4, 7))
        nodes = rng.sample(graph.nodes, len(graph.nodes))
        first, second, given = nodes[:2], nodes[2:4], nodes[4:5]
        pairs = [m_separated(graph, a, b, given) for a in first for b in second]
        assert m_separated(graph, first, second, given) == all(pairs)


def test_what_is_given_is_a_constant_and_a_node_is_not_separated_from_itself():
    graph = parse_graph("A -> B")
    assert m_separated(graph, "A", {"A", "B"}, given={"A"})
    assert not m_separated(graph, "A", "A")


def test_long_chains_take_no_recursion():
    names = tuple(f"V{i}" for i in range(3000))
    chain = Admg(names, frozenset(itertools.pairwise(names)))
    assert not m_separated(chain, "V0", "V2999") and m_separated(chain, "V0", "V2999", "V1500")


def test_an_unknown_name_is_refused():
    with pytest.raises(UnknownNodeError, match="Did you mean 'Y'"):
        m_separated(parse_graph("X -> Y"), "X", "y")

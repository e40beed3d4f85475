"""Latent DAGs and ADMGs: their verbs, their text, and what they refuse."""

from __future__ import annotations

import pickle
import random

import pytest

import oracles
from latentdo.errors import CycleError, GraphError, UnknownNodeError
from latentdo.graphs import Admg, LatentDag, mutilate, parse_graph, project


def test_nodes_keep_the_order_of_first_mention():
    graph = parse_graph("W -> R -> X -> Y; W <-> X; latent U; U -> Y; Z")
    assert graph.nodes == ("W", "R", "X", "Y", "U", "Z")
    assert graph.measured == ("W", "R", "X", "Y", "Z")
    assert graph.parents("Y") == ("X", "U") and graph.children("U") == ("Y",) and graph.spouses("W") == ("X",)
    assert graph.ancestors(["X"]) == {"W", "R", "X"} and graph.descendants("R") == {"R", "X", "Y"}


def test_topological_order_breaks_ties_by_node_order():
    assert parse_graph("B; A -> C; B -> C").topological_order() == ("B", "A", "C")
    assert Admg(("C", "B", "A"), frozenset({("A", "C")})).topological_order() == ("B", "A", "C")


def test_bidirected_edges_are_stored_by_node_order():
    graph = LatentDag(("A", "B", "C"), bidirected=(("C", "A", 2), ("B", "A")))
    assert graph.bidirected == (("A", "B", 1), ("A", "C", 2))
    assert Admg(("A", "B"), frozenset(), frozenset({("B", "A")})).bidirected == {("A", "B")}


def test_implicit_latents_are_written_out_by_name():
    graph = parse_graph("A -> B; A <-> B [latents=2]").explicit()
    assert graph.latent == {"A<->B.1", "A<->B.2"}
    assert graph.directed == {("A", "B"), *((f"A<->B.{k}", node) for k in (1, 2) for node in "AB")}
    assert not graph.bidirected


def test_surgery_cuts_what_points_into_a_node():
    graph = parse_graph("Z -> X -> Y; X <-> Y; Z -| Y")
    cut = mutilate(graph, into="X", out_of="Z")
    assert cut.directed == {("X", "Y")} and not cut.bidirected and not cut.inhibiting
    assert cut.nodes == graph.nodes
    cut = mutilate(project(graph), into=["X"])
    assert cut.directed == {("X", "Y"), ("Z", "Y")} and not cut.bidirected


def test_surgeries_on_different_nodes_commute():
    rng = random.Random(1)
    for _ in range(50):
        graph = oracles.random_admg(rng)
        a, b = rng.sample(graph.nodes, 2)
        assert mutilate(mutilate(graph, into=a), into=b) == mutilate(graph, into={a, b})
        assert mutilate(graph, into=a, out_of=b) == mutilate(mutilate(graph, out_of=b), into=a)


def test_districts_and_induced_graphs():
    graph = project(parse_graph("A -> B -> C; A <-> C; D"))
    assert graph.districts() == ({"A", "C"}, {"B"}, {"D"})
    assert graph.district("C") == {"A", "C"}
    assert str(graph.induced({"C", "A"})) == "A; C; A <-> C"


@pytest.mark.parametrize(
    "text",
    [
        "W -> R -> X -> Y; W <-> X; W <-> Y [latents=3]",
        "latent U, V; U -> A -| B; V -> A",
        "B; A; A -> B",
        "A; latent U; B; U -> B; A <-> B",
        "`a b` -> C; `latent` -> C",
        "Z",
        "A <- B; latent A",
    ],
)
def test_text_reads_back_to_an_equal_graph(text):
    graph = parse_graph(text)
    assert parse_graph(str(graph)) == graph
    assert pickle.loads(pickle.dumps(graph)) == graph


def test_text_of_random_graphs_reads_back():
    rng = random.Random(2)
    for _ in range(200):
        graph = oracles.random_latent_dag(rng)
        assert parse_graph(str(graph)) == graph
        assert project(parse_graph(str(project(graph)))) == project(graph)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: LatentDag(("A", "A")),
            GraphError,
            "'A' is listed 2 times. Every node needs a name of its own",
        ),
        (lambda: LatentDag(("",)), GraphError, "'' cannot name a node. A name is a text of one line"),
        (lambda: LatentDag(("A", "B"), {("A", "C")}), UnknownNodeError, "'C' is not a node of the graph"),
        (lambda: LatentDag(("A",), {("A", "A")}), GraphError, "A -> A is an edge from a node to itself"),
        (lambda: LatentDag(("A",), latent={"U"}), UnknownNodeError, "'U' is not a node of the graph"),
        (
            lambda: LatentDag(("A", "B"), bidirected=(("A", "B"), ("B", "A"))),
            GraphError,
            r"B <-> A is stated twice. State it once; .* `B <-> A \[latents=2\]`",
        ),
        (
            lambda: LatentDag(("A", "B"), bidirected=(("A", "B", 0),)),
            GraphError,
            "latents=0. It needs at least 1",
        ),
        (
            lambda: LatentDag(("A",), bidirected=(("A", "A"),)),
            GraphError,
            "A <-> A is an edge from a node to itself",
        ),
        (
            lambda: LatentDag(("A", "B"), inhibiting={("A", "B")}),
            GraphError,
            r"A -\| B is marked as inhibiting",
        ),
        (lambda: Admg(("A", "B"), set(), {("A", "B", 1)}), GraphError, "is not a pair of nodes"),
        (
            lambda: LatentDag(("A", "B", "C", "D"), {("A", "B"), ("B", "C"), ("C", "A"), ("C", "D")}),
            CycleError,
            "directed cycle: A -> B -> C -> A. Causal graphs must be acyclic",
        ),
    ],
)
def test_refuses_graphs_that_cannot_be(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_unknown_name_comes_with_the_nearest():
    graph = parse_graph("SOS -> Ras")
    for verb in (graph.parents, graph.ancestors, project(graph).district, graph.without_incoming):
        with pytest.raises(UnknownNodeError, match=r"'Sos' is not a node of the graph. Did you mean 'SOS'"):
            verb("Sos")


def test_the_cycle_of_a_long_graph_is_listed_in_order():
    names = tuple(f"V{i}" for i in range(2000))
    edges = {(names[i], names[i + 1]) for i in range(1999)} | {(names[1999], names[1990])}
    with pytest.raises(CycleError) as caught:
        Admg(names, frozenset(edges))
    cycle = caught.value.cycle
    assert all(edge in edges for edge in zip(cycle, (*cycle[1:], cycle[0]), strict=True)) and len(cycle) == 10


@pytest.mark.parametrize("name", ["a\rb", "a\tb", "a\x00", "a\x85", "a\ud800"])
def test_a_name_that_cannot_be_typed_is_refused(name):
    with pytest.raises(GraphError, match="without backticks and control characters"):
        LatentDag((name,))
    with pytest.raises(GraphError, match="cannot name a node"):
        Admg((name,))


@pytest.mark.parametrize("name", ["Do", "DO", "do", "latent", "LATENT", "normal", "a b", "\u2028", "🧬"])
def test_any_other_name_can_be_typed(name):
    graph = LatentDag((name, "Y"), frozenset({(name, "Y")}))
    assert parse_graph(str(graph)) == graph

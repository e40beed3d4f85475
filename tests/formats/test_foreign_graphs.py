"""Graphs from elsewhere: what is read, and what is refused by name."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from latentdo.errors import CycleError, GraphError, LatentdoError, NotationError, UnknownNodeError
from latentdo.formats import graph_from_pairs, read
from latentdo.graphs import Admg, LatentDag, parse_graph, project
from latentdo.opening import graph_from as read_graph

FRONT_DOOR = parse_graph("latent U; X -> M -> Y; U -> X; U -> Y")


def same(a: LatentDag, b: LatentDag) -> bool:
    """Whether two graphs agree but for the order of their nodes."""
    arcs = [{(frozenset(edge[:2]), edge[2]) for edge in graph.bidirected} for graph in (a, b)]
    return (set(a.nodes), a.directed, a.latent) == (set(b.nodes), b.directed, b.latent) and arcs[0] == arcs[1]


# Our notation and our values


def test_text_in_our_notation_is_read():
    assert read_graph("latent U; X -> M -> Y; U -> X; U -> Y") == FRONT_DOOR


def test_a_graph_of_ours_passes_through():
    assert read_graph(FRONT_DOOR) is FRONT_DOOR


def test_a_projection_becomes_a_graph_with_arcs():
    admg = project(FRONT_DOOR)
    assert isinstance(admg, Admg)
    graph = read_graph(admg)
    assert graph.bidirected == (("X", "Y", 1),)
    assert project(graph) == admg


# dagitty


@pytest.mark.parametrize(
    "text",
    [
        "dag { X -> M -> Y ; X <- U -> Y ; U [latent] }",
        "dag{X->M->Y;U->{X Y};U[latent]}",
        'dag "front door" {\r\n  bb="0,0,1,1"\r\n  U [latent,pos="0.2,-1e-1"]\r\n  X [exposure, pos="0,0"]'
        "\r\n  Y [outcome]\r\n  X -> M\r\n  M -> Y [beta=-0.5]\r\n  U -> { X, Y }\r\n}\r\n",
        "// drawn by hand\n# twice\ndag { /* all of it */ X -> M -> Y U [unobserved] X <- U -> Y X -> M }",
    ],
    ids=["spaced", "tight", "exported", "comments"],
)
def test_dagitty_text_is_read(text: str):
    assert same(read_graph(text), FRONT_DOOR)


def test_dagitty_names_arcs_and_groups_are_read():
    graph = read_graph('dag { "IL-6" <-> c.d <-> "IL-6"; {a b} -> {c d}; lone [adjusted] }')
    assert graph.nodes == ("IL-6", "c.d", "a", "b", "c", "d", "lone")
    assert graph.bidirected == (("IL-6", "c.d", 1),)
    assert graph.directed == {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}


def test_exposures_and_outcomes_of_dagitty_are_a_question():
    found = read('dag { X [exposure] "w 1" [exposure] Y [outcome] X -> Y "w 1" -> Y }')
    assert found.questions == (("effect", "P(Y | do(X, `w 1`))"),)
    for none in ("dag { X [exposure] X -> Y }", "dag { X [exposure,latent] Y [outcome] X -> Y }"):
        assert read(none).questions == ()


def test_a_dagitty_node_may_be_called_bb():
    assert read_graph("dag { bb -> a; bb = 5 }").nodes == ("bb", "a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dag { a -- b }", "Line 1: a -- b has no direction"),
        ("dag { a -> b\n b @-> c }", "Line 2: b @-> c has no direction"),
        ("pdag { a -> b }", "A pdag stands for many graphs at once"),
        ("mag { a -> b }", "A mag has latents and selection already summed out"),
        ("pag { a -> b }", "A pag stands for many graphs at once"),
        ("dag { a [selected] }", "'a' is marked [selected], and selection is not supported."),
        ("dag { }", "The dag { } has no node."),
        ("strict graph G { a -- b; }", "line 1: a `graph` of DOT is undirected"),
    ],
)
def test_what_a_latent_dag_cannot_hold_is_a_graph_error(text: str, said: str):
    with pytest.raises(GraphError) as caught:
        read_graph(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("dag { a -> }", (1, 12), "expected the name of a node, found '}'."),
        ("dag {\n a -> b", (2, 8), "the '{' of the graph is never closed"),
        ("dag { a -> b } c", (1, 16), "expected the end of the text after '}', found 'c'."),
        ("dag { a - b }", (1, 9), "An edge is -> <- or <->"),
        ("dag { IL-6 -> b }", (1, 9), 'stands in double quotes: "IL-6".'),
        ("dag { a [latnt] }", (1, 10), "a node has no attribute 'latnt'. Did you mean 'latent'?"),
        ("dag { a -> b [latent] }", (1, 15), "an edge has no attribute 'latent'."),
        ("dag { a [pos=] }", (1, 14), "expected a value after '='."),
        ("dag { a [latent", (1, 16), "expected an attribute or ']', found the end of the text."),
        ("dag { {a -> b} -> c }", (1, 10), "a group holds names only."),
        ("dag { {} -> c }", (1, 10), "the group is empty."),
        ('dag { "" -> c }', (1, 7), "the name between the quotes is empty."),
    ],
)
def test_a_mistake_in_dagitty_text_is_told_with_its_place(text: str, place: tuple[int, int], said: str):
    with pytest.raises(NotationError) as caught:
        read_graph(text)
    assert said in caught.value.problem
    assert (caught.value.line, caught.value.column) == place


def test_no_mutation_of_dagitty_text_breaks_the_reader():
    chance = random.Random(3)
    source = 'dag "g" { bb="0,0,1,1" U [latent,pos="0.2,-1"] X -> M -> {Y Z} ; U <-> X // end\n }'
    for _ in range(1500):
        at = chance.randrange(4, len(source) + 1)
        piece = chance.choice(["", *'{}[]"=,;-<>@/*#\n\0 ', "->", "--", "é", "\ud800"])
        text = source[:at] + piece + source[at + chance.choice([0, 1, 3]) :]
        try:
            read_graph(text)
        except LatentdoError as error:
            assert str(error)


# networkx


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiDiGraph])
@pytest.mark.parametrize(
    "mark",
    [{"latent": True}, {"hidden": 1}, {"unobserved": "yes"}, {"observed": False}, {"observed": "no"}],
    ids=str,
)
def test_networkx_graphs_are_read(kind: Any, mark: dict[str, object]):
    graph = kind([("U", "X"), ("U", "Y"), ("X", "M"), ("M", "Y")])
    graph.nodes["U"].update(mark)
    graph.nodes["X"]["observed"] = "yes"
    assert same(read_graph(graph), FRONT_DOOR)


def test_networkx_node_order_is_kept():
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(["C", "A", "B"])
    graph.add_edge("A", "B")
    assert read_graph(graph).nodes == ("C", "A", "B")


def with_attribute(**attributes: object) -> Any:
    graph: Any = nx.DiGraph([("a", "b")])
    graph.nodes["a"].update(attributes)
    return graph


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (nx.Graph([("a", "b")]), "The networkx graph is undirected"),
        (nx.DiGraph(), "The networkx graph has no node."),
        (
            nx.DiGraph([(1, 2)]),
            "The networkx node 1 is of type int, and a node's name is text. Use networkx.relabel",
        ),
        (nx.DiGraph([("a\x00", "b")]), "holds a control character"),
        (
            with_attribute(latent=True, observed=True),
            "The attributes of node 'a' disagree: latent, observed.",
        ),
        (with_attribute(observed="maybe"), "Node 'a' has observed='maybe'. Write True or False."),
        (with_attribute(latent=[1]), "Write True or False."),
        (5, "int is not read as a graph."),
        (Path("graph.txt"), "graph.txt does not exist"),
        (None, "NoneType is not read as a graph."),
    ],
)
def test_an_object_that_is_no_graph_is_refused(graph: Any, said: str):
    with pytest.raises(GraphError) as caught:
        read_graph(graph)
    assert said in str(caught.value)


def test_a_networkx_cycle_is_named():
    cyclic: Any = nx.DiGraph([("a", "b"), ("b", "a")])
    with pytest.raises(CycleError):
        read_graph(cyclic)


# Pairs


def test_pairs_give_a_graph():
    graph = graph_from_pairs(
        directed=[("W", "R"), ["R", "X"]],
        bidirected=[("X", "W"), ("W", "Z", 2)],
        latent=["R"],
        nodes=["Z", "W"],
    )
    assert graph.nodes == ("Z", "W", "R", "X")
    assert graph.bidirected == (("Z", "W", 2), ("W", "X", 1))
    assert graph.latent == {"R"}


def test_a_lone_name_counts_as_one():
    assert graph_from_pairs(nodes="UV", latent="UV").latent == {"UV"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"directed": ["WR"]},
            "`directed` is a list of pairs, found 'WR' in it. Write directed=[('X', 'Y')].",
        ),
        ({"directed": ("W", "R")}, "`directed` is a list of pairs, found 'W' in it."),
        ({"directed": "W->R"}, "`directed` is a list, got 'W->R'."),
        ({"directed": [("a", "b", "c")]}, "with 3 entries. Write one pair per edge."),
        (
            {"directed": [(1, 2)]},
            "1 in the pair (1, 2) of `directed` is of type int, and a node's name is text: '1'.",
        ),
        ({"bidirected": [("a", "b", "2")]}, "the third entry is the number of latents"),
        ({"bidirected": [("a", "b", 0)]}, "It needs at least 1"),
        ({"bidirected": [("a", "b"), ("b", "a")]}, "is stated twice"),
        ({"bidirected": {"a": "b"}}, "`bidirected` is a list, got {'a': 'b'}."),
        ({"nodes": [None]}, "None in `nodes` is of type NoneType"),
        ({"nodes": 5}, "`nodes` is a list, got 5. Write nodes=['U', 'V']."),
        ({"nodes": ["a\nb"]}, "holds a control character"),
        ({}, "The graph has no node. Give directed=[('X', 'Y')], or nodes=['X']."),
    ],
)
def test_bad_pairs_are_explained(given: Any, said: str):
    with pytest.raises(GraphError) as caught:
        graph_from_pairs(**given)
    assert said in str(caught.value)


def test_a_latent_that_is_no_node_is_refused():
    with pytest.raises(UnknownNodeError, match="'u' is not a node"):
        graph_from_pairs(directed=[("U", "X")], latent=["u"])


def test_reading_a_graph_loads_no_arrays():
    code = "import sys; from latentdo.opening import graph_from as read_graph; read_graph('dag {A -> B}')"
    code += "; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def in_a_moment(text: str) -> str:
    """What reading the text in an interpreter of its own comes to; one that never ends is stopped."""
    code = (
        "import sys; from latentdo.opening import graph_from as read_graph\n"
        "try: print(read_graph(sys.stdin.read()))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    command = [sys.executable, "-c", code]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=20, check=True).stdout.strip()


def test_a_comment_of_many_hashes_is_read_at_once():
    assert in_a_moment("#" * 500 + "\n# the graph\n" + "#" * 500 + "\nX -> Y") == "X -> Y"


@pytest.mark.parametrize(
    "text",
    [
        "# " * 20_000 + "\nX ->",
        "dag" + " " * 50_000 + "X",
        "/* " * 20_000,
        "dag {" + "/* " * 20_000,
        "graph " + "a " * 20_000,
    ],
)
def test_a_long_text_that_nearly_is_dagitty_is_refused_at_once(text: str):
    assert in_a_moment(text) == "NotationError"


def test_dagitty_text_may_start_with_a_mark_or_a_comment():
    assert read_graph("\ufeffdag { X -> Y }") == parse_graph("X -> Y")
    assert read_graph("# mine\ndag { X -> Y }") == parse_graph("X -> Y")


@pytest.mark.parametrize(
    ("text", "place"), [('dag {\n  X -> "a`b" }', (2, 10)), ('dag { "a\tb" }', (1, 9)), ('dag { "\ud800" }', (1, 8))]
)
def test_a_dagitty_name_that_cannot_be_typed_is_refused_with_its_place(text: str, place: tuple[int, int]):
    with pytest.raises(NotationError, match="cannot stand in a name") as caught:
        read_graph(text)
    assert (caught.value.line, caught.value.column) == place


def test_a_node_may_be_called_graph():
    assert read_graph("graph -> `a{b`").directed == {("graph", "a{b")}
    assert read_graph('strict digraph "mine" { a -> b }').directed == {("a", "b")}

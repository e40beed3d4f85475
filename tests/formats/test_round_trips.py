"""What is written is read back as the same graph; what a format cannot hold is said."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import foreign_sources
from latentdo import formats
from latentdo.errors import UsageError
from latentdo.formats import Network, Read, Variable
from latentdo.graphs import LatentDag, project

FULL = ("text", "edges", "dot", "gml", "graphml")
"""Formats that hold everything a graph holds."""
FEW, MANY = 30, 1000


def same(a: LatentDag, b: LatentDag) -> bool:
    """Whether two graphs agree but for the order of their nodes."""
    arcs = [{(frozenset(edge[:2]), edge[2]) for edge in graph.bidirected} for graph in (a, b)]
    return (set(a.nodes), a.directed, a.latent, a.inhibiting) == (
        set(b.nodes),
        b.directed,
        b.latent,
        b.inhibiting,
    ) and (arcs[0] == arcs[1])


def without(
    graph: LatentDag, *, latent: bool = True, arcs: bool = True, counts: bool = True, signs: bool = True
) -> LatentDag:
    """The graph without what a format has no place for."""
    return LatentDag(
        graph.nodes,
        graph.directed,
        tuple((a, b, k if counts else 1) for a, b, k in graph.bidirected) if arcs else (),
        graph.latent if latent else (),
        graph.inhibiting if signs else (),
    )


def back(graph: LatentDag, name: str) -> Read:
    content, _ = formats.written(graph, name)
    return formats.read(content if isinstance(content, str) else content.decode(), name)


def check_round_trips(name: str, count: int) -> None:
    chance = random.Random(f"round trip of {name}")
    for _ in range(count):
        names = foreign_sources.PLAIN if name == "lavaan" else foreign_sources.NAMES
        if name == "dagitty":
            names = tuple(each for each in names if '"' not in each)
        graph = foreign_sources.random_graph(chance, names=names)
        match name:
            case "dagitty" | "lavaan":
                kept = without(graph, counts=False, signs=False)
            case "sif":
                kept = without(graph, latent=False, counts=False)
            case "omnipath":
                joined = {node for edge in graph.directed for node in edge}
                kept = LatentDag(tuple(n for n in graph.nodes if n in joined), graph.directed, (), (), graph.inhibiting)
                if not joined:
                    continue
            case _:
                kept = graph
        found = back(graph, name)
        assert same(found.graph, kept), f"{graph}\n{found.graph}"


WRITTEN = [name for name, format in formats.FORMATS.items() if format.read and format.write and "bif" not in name]
WRITTEN = [name for name in WRITTEN if name != "model"]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_graph_is_read_back_as_it_was(name: str):
    check_round_trips(name, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_a_thousand_graphs_are_read_back_as_they_were(name: str):
    check_round_trips(name, MANY)


def random_network(chance: random.Random) -> Network:
    """A network of two to six variables with two to four states."""
    names = chance.sample([name for name in foreign_sources.NAMES if '"' not in name], chance.randint(2, 6))
    states = {
        name: tuple(chance.sample(("yes", "no", "<5", "5-12", "two words", "1", "a&b"), chance.randint(2, 4)))
        for name in names
    }
    variables = []
    for k, name in enumerate(names):
        parents = tuple(chance.sample(names[:k], min(k, chance.randint(0, 3))))
        network = Network("", tuple(variables))
        rows = []
        for key in formats.combinations(parents, {v.name: v.states for v in network.variables}):
            weights = [chance.random() + 0.01 for _ in states[name]]
            rows.append((key, tuple(weight / sum(weights) for weight in weights)))
        variables.append(Variable(name, states[name], parents, tuple(rows)))
    chance.shuffle(variables)
    return Network("net work", tuple(variables))


def check_networks(name: str, count: int) -> None:
    chance = random.Random(f"networks in {name}")
    for _ in range(count):
        network = random_network(chance)
        graph = LatentDag(
            tuple(v.name for v in network.variables),
            frozenset((p, v.name) for v in network.variables for p in v.parents),
        )
        content, _ = formats.written(Read(graph, formats.read("X").report, network=network), name)
        found = formats.read(content, name)
        assert found.network == network
        assert found.graph == graph
        assert found.model is not None and found.model.graph.directed == graph.directed


@pytest.mark.parametrize("name", ["bif", "xmlbif"])
def test_a_network_is_read_back_to_the_last_digit(name: str):
    check_networks(name, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bif", "xmlbif"])
def test_a_thousand_networks_are_read_back_to_the_last_digit(name: str):
    check_networks(name, MANY)


def test_what_a_format_cannot_hold_is_said(tmp_path: Path):
    graph = formats.read("latent U; U -> X; X -| Y; X <-> Y [latents=2]; lone").graph
    lost = formats.write(graph, tmp_path / "g.sif").dropped
    assert any("cannot say that a node is latent: U stands there as if measured" in each for each in lost)
    assert any("several latents stand behind one <->" in each for each in lost)
    lost = formats.write(graph, tmp_path / "g.dagitty").dropped
    assert any("has no signs: those of 1 edge are left out" in each for each in lost)
    assert formats.write(graph, tmp_path / "g.dot").dropped == ()
    lost = formats.write(graph, tmp_path / "g.tsv", "omnipath").dropped
    assert any("no hidden common causes: X <-> Y is left out" in each for each in lost)
    assert any("no nodes without edges: lone" in each for each in lost)


def test_hidden_causes_that_a_model_wrote_out_are_arcs_again(tmp_path: Path):
    model = formats.read("X ~ normal; Y ~ normal(+X); X <-> Y [latents=2]").model
    report = formats.write(model, tmp_path / "m.dot")
    found = formats.read(tmp_path / "m.dot")
    assert found.graph.bidirected == (("X", "Y", 2),)
    assert found.signs == {("X", "Y"): "+"}
    assert any("families, priors" in each for each in report.dropped)


def test_an_own_graph_becomes_one_of_networkx_and_comes_back():
    graph = formats.read("latent U; U -> X; X -| Y; X <-> Y [latents=2]; lone").graph
    made = formats.to_networkx(graph)
    assert same(formats.read(made).graph, graph)
    assert type(formats.to_networkx(formats.read("X -> Y").graph)).__name__ == "DiGraph"


@pytest.mark.parametrize("end", [".foo", ".gexf", ""])
def test_an_end_that_says_no_format_is_refused_with_those_that_do(end: str, tmp_path: Path):
    with pytest.raises(UsageError, match=r"Known ends are .*\.dot"):
        formats.write("X -> Y", tmp_path / f"g{end}")


def test_projections_survive_where_counts_do_not():
    graph = formats.read("X <-> Y [latents=3]; X -> Y").graph
    assert project(back(graph, "dagitty").graph) == project(graph)

"""`same_admg`: the verdict against the projections, the reason against the paths of the graph."""

from __future__ import annotations

import random

import pytest

import latentdo as ld
import oracles
from latentdo.graphs import Admg, LatentDag, canonical, parse_graph, project, same_admg


def without_order(admg: Admg):
    pairs = frozenset(frozenset(pair) for pair in admg.bidirected)
    return frozenset(admg.nodes), admg.directed, pairs


def test_agrees_with_the_projections_whatever_the_order_of_nodes():
    rng = random.Random(1)
    equal = 0
    for _ in range(400):
        a = oracles.random_latent_dag(rng)
        extra = tuple(pair for pair in a.directed if rng.random() < 0.1)
        b = LatentDag(tuple(rng.sample(a.nodes, len(a.nodes))), a.directed.difference(extra), a.bidirected, a.latent)
        b = canonical(b) if rng.random() < 0.5 else b
        found = same_admg(a, b)
        assert bool(found) == found.same == (without_order(project(a)) == without_order(project(b)))
        assert (found.reason == "equal") == found.same
        equal += found.same
    assert 50 < equal < 390


def test_every_difference_is_one_and_its_path_is_in_the_graph():
    rng = random.Random(2)
    seen = set()
    for _ in range(200):
        graphs = oracles.random_latent_dag(rng), oracles.random_latent_dag(rng)
        for difference in same_admg(*graphs).differences:
            seen.add(difference.kind)
            own, other = project(graphs[difference.side]), project(graphs[1 - difference.side])
            if difference.kind == "measured":
                assert difference.nodes[0] in own.nodes
                assert difference.nodes[0] not in other.nodes
            elif difference.kind == "directed":
                assert difference.nodes in own.directed - other.directed
            else:
                assert difference.nodes in own.bidirected
                assert difference.nodes not in other.bidirected
            if difference.path:
                check_path(graphs[difference.side], difference)
    assert seen == {"measured", "directed", "bidirected"}


def check_path(graph: LatentDag, difference) -> None:
    words = difference.path.split(" ")
    nodes, arrows = words[::2], words[1::2]
    assert (nodes[0], nodes[-1]) == difference.nodes
    assert set(nodes[1:-1]) <= graph.latent
    arcs = {frozenset(edge[:2]) for edge in graph.bidirected}
    for a, arrow, b in zip(nodes, arrows, nodes[1:], strict=False):
        match arrow:
            case "->":
                assert (a, b) in graph.directed
            case "<-":
                assert (b, a) in graph.directed
            case _:
                assert frozenset((a, b)) in arcs
    assert "->" not in arrows[: len(arrows) - 1 - arrows[::-1].index("<-")] if "<-" in arrows else True


def test_the_reason_names_the_latents():
    a = parse_graph("latent PI3K, U; SOS -> Ras -> PI3K; PI3K -> AKT; U -> SOS; U -> PI3K")
    b = parse_graph("SOS -> Ras; AKT; Z")
    found = same_admg(a, b)
    assert not found
    assert found.reason == (
        "Z is measured in the second graph only. Ras -> AKT is in the projection of the first graph only, by way of "
        "Ras -> PI3K -> AKT. SOS <-> AKT is in the projection of the first graph only, by way of "
        "SOS <- U -> PI3K -> AKT."
    )
    assert str(found) == f"Different projections: {found.reason}"
    assert found.to_json()["differences"][2] == {
        "kind": "bidirected",
        "nodes": ["SOS", "AKT"],
        "in": "first",
        "path": "SOS <- U -> PI3K -> AKT",
    }


def test_an_edge_that_stands_in_the_graph_needs_no_path():
    found = same_admg(parse_graph("X -> Y; X <-> Y"), parse_graph("X; Y"))
    assert [difference.path for difference in found.differences] == ["", ""]
    assert "by way of" not in found.reason
    arc = same_admg(parse_graph("latent U; U <-> A; U -> B"), parse_graph("A; B"))
    assert arc.differences[0].path == "A <-> U -> B"


def test_a_long_list_is_cut():
    a = parse_graph("A -> B -> C -> D; A -> C; A -> D; B -> D")
    reason = same_admg(a, parse_graph("A; B; C; D")).reason
    assert reason.endswith("And 2 more differences.")


def test_the_public_verb_takes_graphs_models_and_texts():
    model = ld.model("latent U1, U2 ~ normal; X ~ normal(U1, U2); Y ~ normal(X, U1, U2)")
    assert ld.same_admg(model, "X -> Y; X <-> Y")
    assert ld.same_admg("latent U; U -> X; U -> Y", project(parse_graph("X; Y; X <-> Y")))
    assert str(ld.same_admg(model, "X -> Y; X <-> Y")) == "Same projection"
    assert "<p>" in ld.same_admg("A", "B")._repr_html_()
    with pytest.raises(ld.LatentdoError):
        ld.same_admg("X -> ", "X")

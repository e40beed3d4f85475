"""Blocks: the partition of the four studies, and of random models against a search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from latentdo.inference.blocks.block import blocks_of
from latentdo.models import ModelSpec
from latentdo.models.study import load_study
from strategies import specs

STUDIES = Path(__file__).parents[2] / "examples" / "studies"


def pair(a: str, b: str, count: int = 1) -> set[str]:
    return {a, b, *(f"{a}<->{b}.{k + 1}" for k in range(count))}


@pytest.mark.parametrize(
    ("study", "joint", "alone"),
    [
        ("signaling", [{"EGF", "IGF", "SOS", "PI3K"}], {"Ras", "AKT", "Raf", "Mek", "Erk"}),
        ("multicause", [{"U1", "U2", "U3", "X1", "X2", "X3", "X4", "X5", "Y"}], {"M"}),
        ("napkin", [{"U", "V", "W", "X", "Y"}], {"R"}),
        (
            "covid",
            [
                pair("SARS_CoV2", "AngII", 2),
                pair("ADAM17", "sIL6R", 2),
                pair("EGF", "EGFR") | pair("TNF", "EGFR") | pair("EGFR", "IL6_STAT3"),
                pair("PRR", "NFkB", 2),
            ],
            {"Toci", "Gefi", "ACE2", "AGTR1", "IL6_AMP", "Cytokine"},
        ),
    ],
)
def test_the_studies_fall_into_the_known_blocks(study, joint, alone):
    found = [set(block.nodes) for block in blocks_of(load_study(STUDIES / f"{study}.yaml").model)]
    assert sorted(map(sorted, found)) == sorted([*map(sorted, joint), *([node] for node in alone)])


def test_a_block_tells_its_parts():
    joint, z, y = blocks_of(
        ModelSpec.parse("latent U ~ normal; X ~ normal(U, Z); W ~ normal(X, U); Y ~ gamma(W, Z); Z ~ normal")
    )
    assert z.nodes == ("Z",)
    assert joint.nodes == ("U", "X", "W")
    assert joint.name == "{U, X, W}"
    assert joint.latent == ("U",)
    assert joint.measured == ("X", "W")
    assert joint.inputs == ("Z",)
    assert y.inputs == ("W", "Z")
    assert (y.latent, y.measured) == ((), ("Y",))


def test_a_latent_without_children_is_a_block_of_its_own():
    found = blocks_of(ModelSpec.parse("latent U ~ normal(X); X ~ normal"))
    assert [block.nodes for block in found] == [("X",), ("U",)]


def searched(spec: ModelSpec) -> set[frozenset[str]]:
    """Components of the graph that joins factors which mention one latent, by growing sets until nothing changes."""
    mentions = {node: {node, *spec[node].parents} & spec.latent for node in spec.graph.nodes}
    groups = [{node} for node in spec.graph.nodes]
    changed = True
    while changed:
        changed = False
        for i, one in enumerate(groups):
            for other in groups[i + 1 :]:
                if any(mentions[a] & mentions[b] for a in one for b in other):
                    one |= other
                    groups.remove(other)
                    changed = True
                    break
            if changed:
                break
    return {frozenset(group) for group in groups}


@settings(max_examples=100, deadline=None)
@given(spec=specs(7, tame=True))
def test_blocks_are_the_components_of_factors_that_share_a_latent(spec):
    found = blocks_of(spec)
    assert {frozenset(block.nodes) for block in found} == searched(spec)
    assert sum(len(block.nodes) for block in found) == len(spec.graph.nodes)
    place = {node: i for i, node in enumerate(spec.graph.topological_order())}
    firsts = []
    for block in found:
        order = [place[node] for node in block.nodes]
        assert order == sorted(order), "parents before children"
        firsts.append(order[0])
        assert set(block.latent) == spec.latent & set(block.nodes)
        assert set(block.measured) | set(block.latent) == set(block.nodes)
        parents = {parent for node in block.nodes for parent in spec[node].parents}
        assert set(block.inputs) == parents - set(block.nodes)
        assert not spec.latent & set(block.inputs), "a latent never crosses a block"
    assert firsts == sorted(firsts)


@settings(max_examples=40, deadline=None)
@given(spec=specs(6, tame=True))
def test_nodes_that_share_a_latent_are_in_one_block(spec):
    at = {node: block for block in blocks_of(spec) for node in block.nodes}
    for latent in spec.latent:
        assert {at[child].name for child in spec.graph.children(latent)} <= {at[latent].name}

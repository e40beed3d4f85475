"""The factorisation that makes training cheap: groups of nodes whose posteriors are independent of each other.

Two factors are adjacent when they share a latent, or a node over whose missing cells some rows are averaged; a block is a
connected component. With priors independent across nodes the posterior of all parameters and latents is the product of the
blocks' posteriors, exactly.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from latentdo.graphs import Name
from latentdo.models import ModelSpec


@dataclass(frozen=True)
class Block:
    """Nodes that are trained together, in topological order.

    Attributes:
        nodes: The nodes whose factors the block holds, latent ones included.
        latent: Those of them that nobody measured.
        inputs: Measured parents from other blocks: constants here.
    """

    nodes: tuple[Name, ...]
    latent: tuple[Name, ...]
    inputs: tuple[Name, ...]

    @property
    def name(self) -> str:
        """The nodes in braces, as plans and progress print them."""
        return "{" + ", ".join(self.nodes) + "}"

    @property
    def measured(self) -> tuple[Name, ...]:
        """The measured nodes of the block."""
        return tuple(node for node in self.nodes if node not in self.latent)


def blocks_of(spec: ModelSpec, hidden: Collection[Name] = ()) -> tuple[Block, ...]:
    """The blocks of a model, in topological order of their first nodes.

    Args:
        hidden: Measured nodes over whose missing cells some rows are averaged.
    """
    leader = {node: node for node in spec.graph.nodes}

    def find(node: Name) -> Name:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for unseen in (*spec.latent, *hidden):
        for child in spec.graph.children(unseen):
            leader[find(child)] = find(unseen)
    order = spec.graph.topological_order()
    groups: dict[Name, list[Name]] = {}
    for node in order:
        groups.setdefault(find(node), []).append(node)
    return tuple(_block(spec, tuple(nodes)) for nodes in groups.values())


def _block(spec: ModelSpec, nodes: tuple[Name, ...]) -> Block:
    parents = dict.fromkeys(parent for node in nodes for parent in spec[node].parents)
    return Block(
        nodes,
        tuple(node for node in nodes if node in spec.latent),
        tuple(parent for parent in parents if parent not in nodes),
    )

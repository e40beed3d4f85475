"""`LatentDag`: who causes whom, with the causes that nobody measured; its latent projection, and surgery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from latentdo.errors import GraphError, UnknownNodeError

from .admg import AbstractGraph, Admg, as_names, check_acyclic, check_edges, check_names
from .bitset import Mask, Name, bits, topological
from .text import graph_text


@dataclass(frozen=True)
class LatentDag(AbstractGraph):
    """A directed acyclic graph, some of whose nodes were never measured; it may also hold `<->`.

    Attributes:
        nodes: Every node, latent ones included, in the order of first mention.
        directed: Edges (cause, effect).
        bidirected: Entries (a, b, k): k latents that cause a and b and nothing else. The constructor also
            takes pairs (then k is 1) in any order, and stores them by node order.
        latent: The nodes that were never measured.
        inhibiting: The directed edges that are drawn as `-|`.
    """

    nodes: tuple[Name, ...]
    directed: frozenset[tuple[Name, Name]] = frozenset()
    bidirected: tuple[tuple[Name, Name, int], ...] = ()
    latent: frozenset[Name] = frozenset()
    inhibiting: frozenset[tuple[Name, Name]] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "directed", frozenset((a, b) for a, b in self.directed))
        object.__setattr__(self, "latent", frozenset(self.latent))
        object.__setattr__(self, "inhibiting", frozenset((a, b) for a, b in self.inhibiting))
        check_names(self.nodes)
        for node in sorted(self.latent.difference(self.nodes)):
            raise UnknownNodeError(node, self.nodes)
        check_edges(self.nodes, self.directed)
        object.__setattr__(self, "bidirected", _canonical(self.nodes, self.bidirected))
        if extra := self.inhibiting - self.directed:
            a, b = min(extra)
            raise GraphError(f"{a} -| {b} is marked as inhibiting but is not an edge. Add it to `directed` too.")
        check_acyclic(self.masks)

    @cached_property
    def projection(self) -> Admg:
        """The latent projection; `project` returns it."""
        return latent_projection(self)

    @property
    def measured(self) -> tuple[Name, ...]:
        """The nodes that are not latent, in node order."""
        return tuple(node for node in self.nodes if node not in self.latent)

    def without_incoming(self, nodes: Iterable[Name]) -> LatentDag:
        """The graph of an intervention on `nodes`: no edge, directed or bidirected, points into them."""
        cut = set(as_names(self, nodes))
        directed = frozenset(edge for edge in self.directed if edge[1] not in cut)
        return LatentDag(
            self.nodes,
            directed,
            tuple(edge for edge in self.bidirected if edge[0] not in cut and edge[1] not in cut),
            self.latent,
            self.inhibiting & directed,
        )

    def without_outgoing(self, nodes: Iterable[Name]) -> LatentDag:
        """The graph without the directed edges out of `nodes`."""
        cut = set(as_names(self, nodes))
        directed = frozenset(edge for edge in self.directed if edge[0] not in cut)
        return LatentDag(self.nodes, directed, self.bidirected, self.latent, self.inhibiting & directed)

    def explicit(self) -> LatentDag:
        """The same graph with each `A <-> B [latents=k]` written out as latents `A<->B.1` … `A<->B.k`."""
        edges = [
            (f"{a}<->{b}.{number}", child)
            for a, b, count in self.bidirected
            for number in range(1, count + 1)
            for child in (a, b)
        ]
        added = tuple(dict.fromkeys(latent for latent, _ in edges))
        if taken := sorted(set(added).intersection(self.nodes)):
            raise GraphError(
                f"The graph has a node {taken[0]!r}, and latentdo gives this name to the cause behind "
                f"{' <-> '.join(taken[0].rpartition('.')[0].split('<->', 1))}. Rename the node."
            )
        return LatentDag(self.nodes + added, self.directed.union(edges), (), self.latent.union(added), self.inhibiting)

    def _pairs(self) -> Iterable[tuple[Name, Name]]:
        return ((a, b) for a, b, _ in self.bidirected)

    def __str__(self) -> str:
        return graph_text(self.nodes, self.directed, self.bidirected, self.latent, self.inhibiting)

    def __repr__(self) -> str:
        return f"<LatentDag: {len(self.measured)} measured, {len(self.latent)} latent: {self}>"


def _canonical(
    nodes: tuple[Name, ...], bidirected: Iterable[tuple[Name, Name] | tuple[Name, Name, int]]
) -> tuple[tuple[Name, Name, int], ...]:
    entries = [(edge[0], edge[1], edge[2] if len(edge) == 3 else 1) for edge in bidirected]
    check_edges(nodes, ((a, b) for a, b, _ in entries), arrow="<->")
    index = {node: i for i, node in enumerate(nodes)}
    counts: dict[tuple[int, int], int] = {}
    for a, b, count in entries:
        pair = (index[a], index[b]) if index[a] < index[b] else (index[b], index[a])
        if pair in counts:
            raise GraphError(
                f"{a} <-> {b} is stated twice. State it once; several latents behind one pair are "
                f"`{a} <-> {b} [latents=2]`."
            )
        if count < 1:
            raise GraphError(f"{a} <-> {b} has latents={count}. It needs at least 1, or leave the edge out.")
        counts[pair] = count
    return tuple((nodes[i], nodes[j], counts[i, j]) for i, j in sorted(counts))


def project(graph: LatentDag | Admg) -> Admg:
    """The ADMG over the measured nodes of `graph`, in its node order; an `Admg` is its own projection."""
    return graph if isinstance(graph, Admg) else graph.projection


def latent_projection(graph: LatentDag) -> Admg:
    """The ADMG over the measured nodes of `graph`.

    a -> b where a directed path from a to b runs through latent nodes only. a <-> b where such paths lead to
    a and to b from one latent node, or from the two ends of a bidirected edge.

    Source:
        Verma (1993), as in Pearl (2009), Causality, definition 2.6.1; Richardson et al. (2023), definition 2.
    """
    masks = graph.masks
    latent = masks.mask(graph.latent)
    lit: list[Mask] = [0] * len(graph.nodes)  # the measured nodes that each node reaches through latents
    for i in reversed(topological(masks.parents, masks.children)):
        lit[i] = masks.children[i] & ~latent
        for j in bits(masks.children[i] & latent):
            lit[i] |= lit[j]
    spouses: list[Mask] = [0] * len(graph.nodes)
    for i in bits(latent):
        for j in bits(lit[i]):
            spouses[j] |= lit[i]
    for i, mask in enumerate(masks.spouses):
        other = 0
        for j in bits(mask):
            other |= lit[j] if latent >> j & 1 else 1 << j
        for j in bits(lit[i]) if latent >> i & 1 else (i,):
            spouses[j] |= other
    names = graph.nodes
    return Admg(
        graph.measured,
        frozenset((names[i], names[j]) for i in bits(masks.all & ~latent) for j in bits(lit[i])),
        frozenset((names[i], names[j]) for i, mask in enumerate(spouses) for j in bits(mask) if i < j),
    )


Graph = TypeVar("Graph", LatentDag, Admg)


def mutilate(graph: Graph, *, into: Iterable[Name] = (), out_of: Iterable[Name] = ()) -> Graph:
    """The graph without the edges into `into` (bidirected ones too) and the directed edges out of `out_of`.

    Source:
        Pearl (2009), Causality, section 3.4: the graphs with bars above and below.
    """
    return graph.without_incoming(into).without_outgoing(out_of)

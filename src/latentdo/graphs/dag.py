"""`LatentDag`: who causes whom, with the causes that nobody measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from latentdo.errors import GraphError, UnknownNodeError

from .admg import Admg
from .bitset import Mask, Masks, reach, topological
from .checks import Name, as_names, check_acyclic, check_edges, check_names
from .text import graph_text


@dataclass(frozen=True)
class LatentDag:
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
    def masks(self) -> Masks:
        """The graph as integers, for the engines; `[latents=k]` counts as one bidirected edge."""
        return Masks.of(self.nodes, self.directed, ((a, b) for a, b, _ in self.bidirected))

    @cached_property
    def projection(self) -> Admg:
        """The latent projection; `project` returns it."""
        from .projection import latent_projection  # that module reads this class

        return latent_projection(self)

    @property
    def measured(self) -> tuple[Name, ...]:
        """The nodes that are not latent, in node order."""
        return tuple(node for node in self.nodes if node not in self.latent)

    def require(self, node: Name) -> None:
        """Raise `UnknownNodeError`, with the nearest name, unless `node` is in the graph."""
        if node not in self.masks.index:
            raise UnknownNodeError(node, self.nodes)

    def parents(self, node: Name) -> tuple[Name, ...]:
        """The nodes with an edge into `node`, in node order."""
        return self._near(node, self.masks.parents)

    def children(self, node: Name) -> tuple[Name, ...]:
        """The nodes that `node` has an edge into, in node order."""
        return self._near(node, self.masks.children)

    def spouses(self, node: Name) -> tuple[Name, ...]:
        """The nodes with a bidirected edge to `node`, in node order."""
        return self._near(node, self.masks.spouses)

    def ancestors(self, nodes: Iterable[Name]) -> frozenset[Name]:
        """The nodes with a directed path into `nodes`, themselves included."""
        return self._closure(nodes, self.masks.parents)

    def descendants(self, nodes: Iterable[Name]) -> frozenset[Name]:
        """The nodes that `nodes` have a directed path into, themselves included."""
        return self._closure(nodes, self.masks.children)

    def topological_order(self) -> tuple[Name, ...]:
        """Every node after its parents; ties go by node order."""
        return tuple(self.nodes[i] for i in topological(self.masks.parents, self.masks.children))

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

    def _near(self, node: Name, steps: tuple[Mask, ...]) -> tuple[Name, ...]:
        self.require(node)
        return self.masks.nodes(steps[self.masks.index[node]])

    def _closure(self, nodes: Iterable[Name], steps: tuple[Mask, ...]) -> frozenset[Name]:
        masks = self.masks
        return frozenset(masks.nodes(reach(masks.mask(as_names(self, nodes)), steps)))

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

"""`Admg`: what a latent DAG looks like over its measured nodes; and what every graph has and checks."""

from __future__ import annotations

import abc
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from latentdo.errors import CycleError, GraphError, UnknownNodeError

from .bitset import Mask, Masks, Name, components, cycle, reach, topological
from .drawn import AbstractDrawn
from .text import graph_text


class AbstractGraph(AbstractDrawn, abc.ABC):
    """What a latent DAG and an ADMG have in common: named nodes, edges, and the walks along them."""

    nodes: tuple[Name, ...]
    directed: frozenset[tuple[Name, Name]]

    @abc.abstractmethod
    def _pairs(self) -> Iterable[tuple[Name, Name]]:
        """The ends of each bidirected edge."""

    @cached_property
    def masks(self) -> Masks:
        """The graph as integers, for the engines; `[latents=k]` counts as one bidirected edge."""
        return Masks.of(self.nodes, self.directed, self._pairs())

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

    def _near(self, node: Name, steps: tuple[Mask, ...]) -> tuple[Name, ...]:
        self.require(node)
        return self.masks.nodes(steps[self.masks.index[node]])

    def _closure(self, nodes: Iterable[Name], steps: tuple[Mask, ...]) -> frozenset[Name]:
        masks = self.masks
        return frozenset(masks.nodes(reach(masks.mask(as_names(self, nodes)), steps)))


def as_names(graph: AbstractGraph, nodes: Iterable[Name]) -> tuple[Name, ...]:
    """The names as a tuple, each checked to be in the graph; a lone string counts as one name."""
    names = (nodes,) if isinstance(nodes, str) else tuple(nodes)
    for name in names:
        graph.require(name)
    return names


@dataclass(frozen=True)
class Admg(AbstractGraph):
    """An acyclic directed mixed graph: every node measured, `<->` for a common cause that was not.

    Attributes:
        nodes: The measured nodes, in the order of first mention.
        directed: Edges (cause, effect).
        bidirected: Pairs with a common latent cause; the constructor takes them in any order and stores each
            in node order.
    """

    nodes: tuple[Name, ...]
    directed: frozenset[tuple[Name, Name]] = frozenset()
    bidirected: frozenset[tuple[Name, Name]] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "directed", frozenset((a, b) for a, b in self.directed))
        check_names(self.nodes)
        check_edges(self.nodes, self.directed)
        object.__setattr__(self, "bidirected", _canonical(self.nodes, self.bidirected))
        check_acyclic(self.masks)

    @cached_property
    def sorted_masks(self) -> Masks:
        """The graph as integers whose bits are in topological order, ties by name, not by node order."""
        order = tuple(self.nodes[i] for i in topological(self.masks.parents, self.masks.children, self.nodes))
        return Masks.of(order, self.directed, self.bidirected)

    @property
    def measured(self) -> tuple[Name, ...]:
        """Every node: an ADMG has no others."""
        return self.nodes

    def district(self, node: Name) -> frozenset[Name]:
        """The nodes that bidirected paths join to `node`, itself included."""
        return self._closure((node,), self.masks.spouses)

    def districts(self) -> tuple[frozenset[Name], ...]:
        """The sets of nodes joined by bidirected paths, by first node."""
        masks = self.masks
        return tuple(frozenset(masks.nodes(part)) for part in components(masks.all, masks.spouses))

    def induced(self, nodes: Iterable[Name]) -> Admg:
        """The graph on `nodes` alone, with the edges between them."""
        chosen = set(as_names(self, nodes))
        return Admg(
            tuple(node for node in self.nodes if node in chosen),
            frozenset((a, b) for a, b in self.directed if a in chosen and b in chosen),
            frozenset((a, b) for a, b in self.bidirected if a in chosen and b in chosen),
        )

    def without_incoming(self, nodes: Iterable[Name]) -> Admg:
        """The graph of an intervention on `nodes`: no edge, directed or bidirected, points into them."""
        cut = set(as_names(self, nodes))
        return Admg(
            self.nodes,
            frozenset(edge for edge in self.directed if edge[1] not in cut),
            frozenset(edge for edge in self.bidirected if not cut.intersection(edge)),
        )

    def without_outgoing(self, nodes: Iterable[Name]) -> Admg:
        """The graph without the directed edges out of `nodes`."""
        cut = set(as_names(self, nodes))
        return Admg(self.nodes, frozenset(edge for edge in self.directed if edge[0] not in cut), self.bidirected)

    def _pairs(self) -> Iterable[tuple[Name, Name]]:
        return self.bidirected

    def __str__(self) -> str:
        index = self.masks.index
        pairs = sorted(self.bidirected, key=lambda pair: (index[pair[0]], index[pair[1]]))
        return graph_text(self.nodes, self.directed, ((a, b, 1) for a, b in pairs))

    def __repr__(self) -> str:
        return f"<Admg: {self}>"


def _canonical(nodes: tuple[Name, ...], pairs: Iterable[tuple[Name, Name]]) -> frozenset[tuple[Name, Name]]:
    pairs = tuple(pairs)
    if odd := [pair for pair in pairs if len(pair) != 2]:
        raise GraphError(f"{odd[0]} is not a pair of nodes. `Admg` takes bidirected edges as pairs (a, b).")
    check_edges(nodes, pairs, arrow="<->")
    index = {node: i for i, node in enumerate(nodes)}
    return frozenset((a, b) if index[a] < index[b] else (b, a) for a, b in pairs)


def check_names(nodes: tuple[object, ...]) -> None:
    """Raise `GraphError` unless the names are non-empty strings, each there once."""
    for node, count in Counter(nodes).items():
        if count > 1:
            raise GraphError(f"The node {node!r} is listed {count} times. Every node needs a name of its own.")
        if not isinstance(node, str) or not node or "`" in node or _has_control(node):
            raise GraphError(
                f"{node!r} cannot name a node. A name is a text of one line without backticks and control characters."
            )


def _has_control(name: str) -> bool:
    # The notation refuses these too: a name that a graph holds can be typed.
    return not name.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in name)


def check_edges(nodes: tuple[Name, ...], edges: Iterable[tuple[Name, Name]], arrow: str = "->") -> None:
    """Raise unless every edge joins two different nodes of the graph."""
    known = set(nodes)
    for a, b in edges:
        for end in (a, b):
            if end not in known:
                raise UnknownNodeError(end, nodes)
        if a == b:
            raise GraphError(f"{a} {arrow} {a} is an edge from a node to itself. Remove it.")


def check_acyclic(masks: Masks) -> None:
    """Raise `CycleError`, with one cycle, unless the directed edges have none."""
    order = topological(masks.parents, masks.children)
    if len(order) < len(masks.names):
        raise CycleError(tuple(masks.names[i] for i in cycle(masks.parents, order)))

"""What every graph checks once, when it is made, and names that callers pass to its verbs."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from latentdo.errors import CycleError, GraphError, UnknownNodeError

from .bitset import Masks, cycle, topological

Name = str


class AnyGraph(Protocol):
    """`LatentDag` or `Admg`, as far as the checks of names need to know."""

    def require(self, node: Name) -> None:
        """Raise `UnknownNodeError` unless `node` is in the graph."""
        ...


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


def as_names(graph: AnyGraph, nodes: Iterable[Name]) -> tuple[Name, ...]:
    """The names as a tuple, each checked to be in the graph; a lone string counts as one name."""
    names = (nodes,) if isinstance(nodes, str) else tuple(nodes)
    for name in names:
        graph.require(name)
    return names

"""What is drawn: nodes and edges with their marks, as plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from latentdo.graphs import Admg, LatentDag, Name

MOST_NODES = 150
"""Nodes that are drawn: more are a carpet."""
Role = Literal["", "treatment", "outcome", "given", "adjusted", "first", "second"]
Kind = Literal["->", "<->", "--"]


@dataclass(frozen=True)
class Node:
    """A node as it is drawn.

    Attributes:
        name: Its name.
        latent: Whether it is drawn dashed, as nobody measured it.
        role: What a question makes of it; `first` and `second` are the sides of a separation.
    """

    name: Name
    latent: bool = False
    role: Role = ""


@dataclass(frozen=True)
class Link:
    """An edge as it is drawn.

    Attributes:
        a: The cause, or one end.
        b: The effect, or the other end.
        kind: `->`, `<->`, or `--`: what a graph keeps apart and data do not.
        sign: `-` ends in a T, `+` in an arrow.
        count: How many latents stand behind a `<->`.
        gone: Whether a step cuts it: it is drawn in grey.
        label: What stands beside it.
    """

    a: Name
    b: Name
    kind: Kind = "->"
    sign: str = ""
    count: int = 1
    gone: bool = False
    label: str = ""


@dataclass(frozen=True)
class Scene:
    """A graph to draw.

    Attributes:
        nodes: The nodes.
        links: The edges.
        title: What it shows, in a line.
        notes: What stands below it.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    title: str = ""
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The drawing in words, for those who do not see it."""
        arrows = {"->": "causes", "<->": "shares a hidden cause with", "--": "is not independent of"}
        said = [
            f"{link.a} {'inhibits' if link.sign == '-' else arrows[link.kind]} {link.b}" for link in self.links[:40]
        ]
        more = f"; and {len(self.links) - 40} more edges" if len(self.links) > 40 else ""
        latent = [node.name for node in self.nodes if node.latent]
        return "; ".join([*said, *([f"not measured: {', '.join(latent)}"] if latent else [])]) + more


def scene_of(
    graph: LatentDag | Admg,
    *,
    roles: dict[Name, Role] | None = None,
    signs: dict[tuple[Name, Name], str] | None = None,
    labels: dict[tuple[Name, Name], str] | None = None,
    into: Collection[Name] = (),
    out_of: Collection[Name] = (),
    broken: Collection[tuple[Name, Name]] = (),
    title: str = "",
    notes: tuple[str, ...] = (),
) -> Scene:
    """What is drawn of a graph.

    Args:
        roles: What a question makes of a node.
        signs: Signs of edges beyond those that the graph draws as `-|`.
        labels: What stands beside an edge.
        into: Nodes whose incoming edges are cut.
        out_of: Nodes whose outgoing edges are cut.
        broken: Pairs that the graph keeps apart and data do not.
        title: What it shows, in a line.
        notes: What stands below it.
    """
    latent = graph.latent if isinstance(graph, LatentDag) else frozenset[Name]()
    inhibiting = graph.inhibiting if isinstance(graph, LatentDag) else frozenset[tuple[Name, Name]]()
    arcs = graph.bidirected if isinstance(graph, LatentDag) else tuple((a, b, 1) for a, b in sorted(graph.bidirected))
    known = {**dict.fromkeys(inhibiting, "-"), **(signs or {})}
    order = {node: k for k, node in enumerate(graph.nodes)}
    links = [
        Link(a, b, "->", known.get((a, b), ""), gone=b in into or a in out_of, label=(labels or {}).get((a, b), ""))
        for a, b in sorted(graph.directed, key=lambda edge: (order[edge[0]], order[edge[1]]))
    ]
    links += [Link(a, b, "<->", count=count, gone=a in into or b in into) for a, b, count in arcs]
    links += [Link(a, b, "--") for a, b in broken]
    nodes = tuple(Node(node, node in latent, (roles or {}).get(node, "")) for node in graph.nodes)
    return Scene(nodes, tuple(links), title, notes)

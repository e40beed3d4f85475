"""The canonical text of a graph, which `parse_graph` reads back to an equal value."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from .bitset import Name
from .tokens import quote

Edge = tuple[Name, Name]


def graph_text(
    nodes: tuple[Name, ...],
    directed: Collection[Edge],
    bidirected: Iterable[tuple[Name, Name, int]],
    latent: Collection[Name] = (),
    inhibiting: Collection[Edge] = (),
) -> str:
    """Statements joined by `; `: nodes first mentioned in node order, edges that follow on in chains."""
    index = {node: i for i, node in enumerate(nodes)}
    edges = sorted(directed, key=lambda edge: (index[edge[0]], index[edge[1]]))
    writer = _Writer(inhibiting)
    _mention(writer, nodes, edges, latent)
    for edge in edges:
        if edge not in writer.written:
            writer.edge(edge)
    for a, b, count in bidirected:
        writer.statement(f"{quote(a)} <-> {quote(b)}" + (f" [latents={count}]" if count > 1 else ""))
    return "; ".join(writer.parts)


def _mention(writer: _Writer, nodes: tuple[Name, ...], edges: list[Edge], latent: Collection[Name]) -> None:
    """Mention every node for the first time in node order, by an edge where one serves."""
    known = set(edges)
    cause: dict[Name, Name] = {}
    for a, b in edges:
        cause.setdefault(b, a)
    done: set[Name] = set()
    for node, after in zip(nodes, (*nodes[1:], ""), strict=True):
        if node in done:
            continue
        done.add(node)
        if node in latent:
            writer.latent(node)
        elif cause.get(node) in done:
            writer.edge((cause[node], node))
        elif (node, after) in known and after not in latent:
            writer.edge((node, after))
            done.add(after)
        else:
            writer.statement(quote(node))


@dataclass
class _Writer:
    """The statements so far, and what the last one may be continued with."""

    inhibiting: Collection[Edge]
    parts: list[str] = field(default_factory=list[str])
    written: set[Edge] = field(default_factory=set[Edge])
    end_of_chain: Name | None = None
    in_latents: bool = False

    def statement(self, text: str) -> None:
        """A statement that nothing continues."""
        self.parts.append(text)
        self.end_of_chain, self.in_latents = None, False

    def latent(self, node: Name) -> None:
        """`latent node`, or one more name in the list before."""
        if self.in_latents:
            self.parts[-1] += f", {quote(node)}"
        else:
            self.statement(f"latent {quote(node)}")
        self.in_latents = True

    def edge(self, edge: Edge) -> None:
        """An edge, as the next link of the chain before where it follows on."""
        a, b = edge
        link = f" {'-|' if edge in self.inhibiting else '->'} {quote(b)}"
        if self.end_of_chain == a:
            self.parts[-1] += link
        else:
            self.statement(quote(a) + link)
        self.written.add(edge)
        self.end_of_chain = b

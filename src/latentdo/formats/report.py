"""What a reader gives: the graph, and the report of what the source said that the graph does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from latentdo.graphs import LatentDag, Name, quote
from latentdo.sheet import AbstractShown, Note, Sheet, counted

if TYPE_CHECKING:
    from latentdo.models import ModelSpec

    from .network import Network

Edge = tuple[Name, Name]
SHOWN = 12
"""How many of one kind a printed report lists; the attributes hold all."""


@dataclass(frozen=True)
class Report(AbstractShown):
    """What became of a source on its way to a graph, or of a graph on its way to a file.

    Attributes:
        format: The format that was read or written.
        source: The file, or "text".
        nodes: How many nodes the graph has.
        edges: How many edges it has, hidden common causes included.
        dropped: What the source states and the graph does not hold, each with its place.
        unsigned: The edges without a sign, in formats that can say one.
        contradictory: The edges that one place says to activate and another to inhibit; they have no sign.
        cycles: The directed cycles of the source, a shortest one of each knot of edges.
        broken: The edges left out so that no cycle remains.
        notes: What else is worth knowing: assumptions of the source, constraints, groups.
        references: What else the source says of a node: its identifiers in databases.
        doubts: Those of the notes on which a verdict may hang: how something was read that can be meant otherwise.
    """

    format: str
    source: str
    nodes: int
    edges: int
    dropped: tuple[str, ...] = ()
    unsigned: tuple[Edge, ...] = ()
    contradictory: tuple[Edge, ...] = ()
    cycles: tuple[tuple[Name, ...], ...] = ()
    broken: tuple[Edge, ...] = ()
    notes: tuple[str, ...] = ()
    references: Mapping[Name, Mapping[str, str]] = field(default_factory=dict[Name, Mapping[str, str]])
    doubts: tuple[str, ...] = ()

    @property
    def telling(self) -> bool:
        """Whether whoever takes the graph alone has to be told of the report."""
        return bool(self.doubts) or not self.lossless

    @property
    def lossless(self) -> bool:
        """Whether nothing was left out and nothing contradicts itself."""
        return not (self.dropped or self.contradictory or self.broken)

    def sheet(self) -> Sheet:
        """One line of what was read, and a note for each kind of loss."""
        title = f"{self.format}, {self.source}: {counted(self.nodes, 'node')}, {counted(self.edges, 'edge')}"
        return Sheet(title, notes=tuple(Note(words, label=label) for label, words in self._told()))

    def _told(self) -> Iterator[tuple[str, str]]:
        for label, items in (
            ("left out", self.dropped),
            ("signs contradict", [_arrow(edge) for edge in self.contradictory]),
            ("left out to break cycles", [_arrow(edge) for edge in self.broken]),
            ("cycles", [" -> ".join(map(quote, (*cycle, cycle[0]))) for cycle in self.cycles]),
            ("without a sign", [_arrow(edge) for edge in self.unsigned]),
        ):
            if items:
                yield f"{label} ({len(items)})", _listed(items)
        for note in self.notes:
            yield "note", note

    def to_json(self) -> dict[str, object]:
        """The report as plain strings, numbers and lists."""
        return {
            "format": self.format,
            "source": self.source,
            "nodes": self.nodes,
            "edges": self.edges,
            "dropped": list(self.dropped),
            "unsigned": [list(edge) for edge in self.unsigned],
            "contradictory": [list(edge) for edge in self.contradictory],
            "cycles": [list(cycle) for cycle in self.cycles],
            "broken": [list(edge) for edge in self.broken],
            "notes": list(self.notes),
            "doubts": list(self.doubts),
            "references": {name: dict(found) for name, found in self.references.items()},
        }


def _arrow(edge: Edge) -> str:
    return f"{quote(edge[0])} -> {quote(edge[1])}"


def _listed(items: Iterable[str]) -> str:
    items = list(items)
    more = f"; and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return "; ".join(item.rstrip(".") for item in items[:SHOWN]) + more + "."


@dataclass(frozen=True)
class Read:
    """What a source says.

    Attributes:
        graph: The graph.
        report: What it does not hold, and what was odd.
        signs: `+` or `-` of the edges that have one; the graph draws the latter as `-|`.
        questions: (name, query) of the quantities that the source defines, where they are questions of ours.
        network: The probability tables of a Bayesian network.
        model: The model, of a source that says how nodes are generated.
    """

    graph: LatentDag
    report: Report
    signs: Mapping[Edge, str] = field(default_factory=dict[Edge, str])
    questions: tuple[tuple[str, str], ...] = ()
    network: Network | None = None
    model: ModelSpec | None = None

    def __str__(self) -> str:
        asked = [f"{name}: {query}" for name, query in self.questions]
        return "\n".join([str(self.graph), str(self.report), *asked])

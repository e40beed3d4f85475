"""A graph in the making: what a reader has found so far, statement by statement, and the graph that follows.

Foreign sources repeat edges, contradict themselves and have cycles; here that is settled once for all formats.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from latentdo.errors import CycleError, GraphError, UsageError, nearest
from latentdo.graphs import LatentDag, Name, quote

from .report import Edge, Read, Report

Sign = Literal["", "+", "-"]
CYCLES = ("refuse", "drop-weakest")
"""What is done about directed cycles."""
NAMED = 5
"""How many cycles a refusal names."""


@dataclass
class Link:
    """What all statements about one edge say together."""

    signs: set[str] = field(default_factory=set[str])
    belief: float | None = None
    evidence: int = 0

    @property
    def sign(self) -> str:
        """The sign that all of them give; empty where there is none, or two."""
        return next(iter(self.signs)) if len(self.signs) == 1 else ""


@dataclass
class Draft:
    """Nodes, edges and remarks so far.

    Attributes:
        format: How the report calls the format.
        source: The file, or "text".
        signed: Whether the format can say of an edge that it activates or inhibits.
    """

    format: str
    source: str = "text"
    signed: bool = False
    nodes: dict[Name, None] = field(default_factory=dict[Name, None])
    latent: set[Name] = field(default_factory=set[Name])
    links: dict[Edge, Link] = field(default_factory=dict[Edge, Link])
    arcs: dict[frozenset[Name], tuple[Name, Name, int]] = field(
        default_factory=dict[frozenset[Name], tuple[Name, Name, int]]
    )
    loops: dict[Edge, None] = field(default_factory=dict[Edge, None])
    dropped: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    doubts: list[str] = field(default_factory=list[str])
    references: dict[Name, Mapping[str, str]] = field(default_factory=dict[Name, Mapping[str, str]])

    def node(self, name: object, where: str, *, latent: bool = False) -> Name:
        """Mention a node.

        Raises:
            GraphError: It is no name that a node can have.
        """
        if not isinstance(name, str) or not name:
            raise GraphError(f"{where}: {name!r} is no name of a node. Expected a text that is not empty.")
        for char in name if not name.isprintable() or "`" in name else "":
            if char == "`" or unicodedata.category(char) in ("Cc", "Cs"):
                raise GraphError(f"{where}: {char!r} cannot stand in the name of a node. Rename {name!r}.")
        self.nodes.setdefault(name)
        if latent:
            self.latent.add(name)
        return name

    def edge(
        self, cause: Name, effect: Name, where: str, sign: str = "", *, belief: float | None = None, evidence: int = 0
    ) -> None:
        """State a directed edge once more; one from a node to itself is a cycle."""
        self.node(cause, where)
        self.node(effect, where)
        if cause == effect:
            self.loops.setdefault((cause, cause))
            return
        link = self.links.setdefault((cause, effect), Link())
        if sign:
            link.signs.add(sign)
        if belief is not None:
            link.belief = belief if link.belief is None else max(link.belief, belief)
        link.evidence += evidence

    def arc(self, a: Name, b: Name, where: str, count: int = 1) -> None:
        """State a hidden common cause; stated twice it is one."""
        self.node(a, where)
        self.node(b, where)
        if a == b:
            self.drop(where, f"{quote(a)} is joined with itself")
        else:
            self.arcs.setdefault(frozenset((a, b)), (a, b, count))

    def drop(self, where: str, what: str) -> None:
        """Remember what the graph does not hold."""
        self.dropped.append(f"{where}: {what}")

    def read(self, cycles: str = "refuse", **others: Any) -> Read:
        """The graph and its report.

        Args:
            cycles: `refuse`, or `drop-weakest`: leave out the edges with the least belief, then the least evidence, then the
                latest ones, until no cycle remains.
            others: Further attributes of the value.

        Raises:
            GraphError: There is no node.
            CycleError: There are cycles, and they are refused.
        """
        check_cycles(cycles)
        if not self.nodes:
            said = f" Left out were: {'; '.join(self.dropped[:3])}." if self.dropped else ""
            raise GraphError(f"{self.source}, to its end: this {self.format} states no node.{said}")
        found = (*((node,) for node, _ in self.loops), *shortest_cycles(tuple(self.nodes), self.links))
        broken: tuple[Edge, ...] = ()
        if found and cycles == "refuse":
            raise _refusal(found, self.source)
        if found:
            broken = (*self.loops, *self._weakest())
        kept = {edge: link for edge, link in self.links.items() if edge not in set(broken)}
        graph = LatentDag(
            tuple(self.nodes),
            frozenset(kept),
            tuple(self.arcs.values()),
            frozenset(self.latent),
            frozenset(edge for edge, link in kept.items() if link.sign == "-"),
        )
        report = Report(
            self.format,
            self.source,
            len(graph.nodes),
            len(graph.directed) + len(graph.bidirected),
            tuple(self.dropped),
            tuple(edge for edge, link in kept.items() if self.signed and not link.signs),
            tuple(edge for edge, link in kept.items() if len(link.signs) > 1),
            found,
            broken,
            (*self.notes, *self.doubts),
            dict(self.references),
            tuple(self.doubts),
        )
        return Read(graph, report, {edge: link.sign for edge, link in kept.items() if link.sign}, **others)

    def _weakest(self) -> tuple[Edge, ...]:
        """The edges that would close a cycle when the strongest are laid first: each is a weakest one of a cycle."""
        knots = _knots(tuple(self.nodes), self.links)
        inner = [edge for edge in self.links if knots[edge[0]] == knots[edge[1]]]

        def strength(edge: Edge) -> tuple[float, int]:
            link = self.links[edge]
            return -(link.belief if link.belief is not None else 0.0), -link.evidence

        after: dict[Name, list[Name]] = {}
        broken: list[Edge] = []
        for cause, effect in sorted(inner, key=strength):
            if _reaches(after, effect, cause):
                broken.append((cause, effect))
            else:
                after.setdefault(cause, []).append(effect)
        return tuple(broken)


def check_cycles(cycles: object) -> None:
    """Raise unless it is a word for what is done about cycles."""
    if cycles not in CYCLES:
        raise UsageError(f"cycles is 'refuse' or 'drop-weakest', got {cycles!r}. {nearest(str(cycles), CYCLES)}")


def _refusal(cycles: Sequence[tuple[Name, ...]], source: str) -> CycleError:
    error = CycleError(cycles[0])
    others = [" -> ".join((*cycle, cycle[0])) for cycle in cycles[1:NAMED]]
    more = f" Other cycles: {'; '.join(others)}." if others else ""
    more += f" There are {len(cycles)} knots of edges with cycles in all." if len(cycles) > NAMED else ""
    error.args = (
        f"{source}: {error.args[0]}{more} To leave the weakest edge of each cycle out, read it by "
        'latentdo.formats.read(source, cycles="drop-weakest"), or --cycles drop-weakest.',
    )
    return error


def _reaches(after: Mapping[Name, Sequence[Name]], start: Name, goal: Name) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        new = [other for other in after.get(node, ()) if other not in seen]
        seen.update(new)
        waiting += new
    return False


def _after(edges: Iterable[Edge]) -> dict[Name, list[Name]]:
    after: dict[Name, list[Name]] = {}
    for a, b in edges:
        after.setdefault(a, []).append(b)
    return after


def _knots(nodes: Sequence[Name], edges: Iterable[Edge]) -> dict[Name, int]:
    """A number per node: nodes that lie on a common cycle have the same.

    Source:
        Tarjan (1972), Depth-first search and linear graph algorithms, without recursion.
    """
    after = _after(edges)
    order: dict[Name, int] = {}
    low: dict[Name, int] = {}
    knot: dict[Name, int] = {}
    stack: list[Name] = []
    for root in nodes:
        waiting = [] if root in order else [(root, iter(after.get(root, ())))]
        while waiting:
            node, others = waiting[-1]
            if node not in order:
                order[node] = low[node] = len(order)
                stack.append(node)
            for other in others:
                if other not in order:
                    waiting.append((other, iter(after.get(other, ()))))
                    break
                if other not in knot:
                    low[node] = min(low[node], order[other])
            else:
                waiting.pop()
                if waiting:
                    low[waiting[-1][0]] = min(low[waiting[-1][0]], low[node])
                if low[node] == order[node]:
                    while True:
                        member = stack.pop()
                        knot[member] = order[node]
                        if member == node:
                            break
    return knot


def shortest_cycles(nodes: Sequence[Name], edges: Iterable[Edge]) -> tuple[tuple[Name, ...], ...]:
    """A short cycle of each knot of edges, through its first node; of every pair that acts on each other, that one."""
    edges = list(edges)
    knots = _knots(nodes, edges)
    inner = [edge for edge in edges if knots[edge[0]] == knots[edge[1]]]
    place = {edge: k for k, edge in enumerate(inner)}
    found: list[tuple[Name, ...]] = [(a, b) for (a, b), k in place.items() if k < place.get((b, a), -1)]
    named = {knots[pair[0]] for pair in found}
    after = _after(inner)
    for a, _ in inner:
        if knots[a] not in named:
            named.add(knots[a])
            found.append(_cycle_through(after, a))
    return tuple(found)


def _cycle_through(after: Mapping[Name, Sequence[Name]], start: Name) -> tuple[Name, ...]:
    """The shortest cycle through a node that lies on one."""
    before: dict[Name, Name] = {}
    waiting = [start]
    for node in waiting:
        for other in after.get(node, ()):
            if other == start:
                path = [node]
                while path[-1] != start:
                    path.append(before[path[-1]])
                return tuple(reversed(path))
            if other not in before:
                before[other] = node
                waiting.append(other)
    raise AssertionError("the node lies on no cycle")

"""Whether two latent structures look the same from the measured nodes, and if not, where they differ and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from .admg import Admg
from .bitset import Mask, Name, bits
from .dag import LatentDag, project
from .tokens import quote

SHOWN = 4
"""Differences that a reason spells out."""

Names = tuple[str, str]


@dataclass(frozen=True)
class Difference:
    """One thing that is in one projection only.

    Attributes:
        kind: `measured`, a node that the other does not measure; `directed` or `bidirected`, an edge.
        nodes: The node, or the ends of the edge.
        side: 0 if the first graph has it, 1 if the second.
        path: How the edge comes about in that graph, as text, where latents are on the way; else empty.
    """

    kind: Literal["measured", "directed", "bidirected"]
    nodes: tuple[Name, ...]
    side: Literal[0, 1]
    path: str = ""

    @property
    def edge(self) -> str:
        """The node or the edge, as it is typed."""
        return {"directed": " -> ", "bidirected": " <-> "}.get(self.kind, "").join(map(quote, self.nodes))

    def sentence(self, names: Names) -> str:
        """The difference in words, the graphs being called by their names."""
        if self.kind == "measured":
            return f"{self.edge} is measured in {names[self.side]} only."
        how = f", by way of {self.path}" if self.path else ""
        return f"{self.edge} is in the projection of {names[self.side]} only{how}."


@dataclass(frozen=True)
class SameAdmg:
    """Whether two latent structures have the same latent projection; true or false as a value.

    Attributes:
        same: The verdict.
        differences: What is in one projection only: nodes first, then edges, in node order.
        names: What the two graphs are called in the reason.
    """

    differences: tuple[Difference, ...] = ()
    names: Names = field(default=("the first graph", "the second graph"), compare=False)

    @property
    def same(self) -> bool:
        """Whether the projections are equal."""
        return not self.differences

    @property
    def reason(self) -> str:
        """`equal`, or what is in one projection only and by way of which latents."""
        if self.same:
            return "equal"
        sentences = [difference.sentence(self.names) for difference in self.differences[:SHOWN]]
        more = len(self.differences) - SHOWN
        if more > 0:
            sentences.append(f"And {more} more {'difference' if more == 1 else 'differences'}.")
        return " ".join(sentence[0].upper() + sentence[1:] if i else sentence for i, sentence in enumerate(sentences))

    def to_json(self) -> dict[str, object]:
        """The verdict as plain strings and lists."""
        return {
            "same": self.same,
            "reason": self.reason,
            "differences": [
                {"kind": d.kind, "nodes": list(d.nodes), "in": ("first", "second")[d.side], "path": d.path or None}
                for d in self.differences
            ],
        }

    def __bool__(self) -> bool:
        return self.same

    def __str__(self) -> str:
        return "Same projection" if self.same else f"Different projections: {self.reason}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>"


def same_admg(
    a: LatentDag | Admg, b: LatentDag | Admg, names: Names = ("the first graph", "the second graph")
) -> SameAdmg:
    """Whether the latent projections of two graphs are equal, node order aside, and where they are not, why.

    Args:
        names: What the graphs are called in the reason.

    Source:
        Verma (1993), as in Pearl (2009), Causality, definition 2.6.1.
    """
    first, second = project(a), project(b)
    differences: list[Difference] = []
    for side, (graph, own, other) in enumerate(((a, first, second), (b, second, first))):
        differences += _only(graph, own, other, 1 if side else 0)
    rank = {"measured": 0, "directed": 1, "bidirected": 2}
    return SameAdmg(tuple(sorted(differences, key=lambda difference: rank[difference.kind])), names)


def _only(graph: LatentDag | Admg, own: Admg, other: Admg, side: Literal[0, 1]) -> Iterator[Difference]:
    """What `own`, the projection of `graph`, has and `other` has not."""
    index = own.masks.index
    for node in own.nodes:
        if node not in other.masks.index:
            yield Difference("measured", (node,), side)
    for a, b in sorted(own.directed - other.directed, key=lambda edge: (index[edge[0]], index[edge[1]])):
        yield Difference("directed", (a, b), side, _directed_path(graph, a, b))
    pairs = own.bidirected - {pair for a, b in other.bidirected for pair in ((a, b), (b, a))}
    for a, b in sorted(pairs, key=lambda edge: (index[edge[0]], index[edge[1]])):
        yield Difference("bidirected", (a, b), side, _common_cause(graph, a, b))


def _directed_path(graph: LatentDag | Admg, a: Name, b: Name) -> str:
    """The shortest path from a to b through latents, or nothing where the edge is in the graph itself."""
    if isinstance(graph, Admg) or (a, b) in graph.directed:
        return ""
    down = _downward(graph, b)
    return _joined(_walk(graph, graph.masks.index[a], down), " -> ")


def _common_cause(graph: LatentDag | Admg, a: Name, b: Name) -> str:
    """The shortest path a <- … latent … -> b, or a <- … <-> … -> b, through latents alone."""
    if isinstance(graph, Admg):
        return ""
    masks = graph.masks
    latent = masks.mask(graph.latent)
    to_a, to_b = _downward(graph, a), _downward(graph, b)
    ways: list[tuple[int, int, int]] = []  # length, and the two ends at the top: one latent, or those of an arc
    for i in bits(latent):
        if i in to_a and i in to_b:
            ways.append((to_a[i] + to_b[i], i, i))
    ends = [{i: n for i, n in down.items() if not n or latent >> i & 1} for down in (to_a, to_b)]
    for i, steps in ends[0].items():
        ways += [(steps + ends[1][j] + 1, i, j) for j in bits(masks.spouses[i]) if j in ends[1]]
    length, i, j = min(ways)
    if length == 1 and i != j:  # the arc between the two, as it stands in the graph
        return ""
    left, right = _walk(graph, i, to_a), _walk(graph, j, to_b)
    if i == j:
        return _joined(left[::-1], " <- ") + " -> " + _joined(right[1:], " -> ")
    return _joined(left[::-1], " <- ") + " <-> " + _joined(right, " -> ")


def _downward(graph: LatentDag, target: Name) -> dict[int, int]:
    """The number of edges from each node that reaches `target` through latents alone; 0 for itself."""
    masks = graph.masks
    latent = masks.mask(graph.latent)
    distance = {masks.index[target]: 0}
    front: Mask = 1 << masks.index[target]
    steps = 0
    while front:
        steps += 1
        above: Mask = 0
        for i in bits(front):
            above |= masks.parents[i]
        new = [i for i in bits(above) if i not in distance]
        distance.update((i, steps) for i in new)
        front = sum(1 << i for i in new) & latent
    return distance


def _walk(graph: LatentDag, start: int, down: dict[int, int]) -> list[Name]:
    """The shortest way from `start` to the node that `down` counts from, through latents."""
    masks = graph.masks
    latent = masks.mask(graph.latent)
    walk = [start]
    while down[walk[-1]]:
        steps = down[walk[-1]] - 1
        inside = masks.children[walk[-1]] & (latent if steps else -1)
        walk.append(next(i for i in bits(inside) if down.get(i) == steps))
    return [masks.names[i] for i in walk]


def _joined(nodes: list[Name], arrow: str) -> str:
    return arrow.join(map(quote, nodes))

"""Sets of nodes as bits of one integer, and the walks over them that every graph algorithm needs.

Apart from the graphs because the engines of identification work on these integers alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Name = str
Mask = int


def bits(mask: Mask) -> Iterator[int]:
    """The positions of the set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def union(steps: Sequence[Mask], nodes: Mask) -> Mask:
    """All that one step leads to from `nodes`: their parents, children or spouses."""
    neighbours = 0
    while nodes:
        low = nodes & -nodes
        neighbours |= steps[low.bit_length() - 1]
        nodes ^= low
    return neighbours


def reach(start: Mask, steps: Sequence[Mask], within: Mask = -1) -> Mask:
    """The nodes that `start` reaches by `steps` without leaving `within`; `start` included."""
    reached = todo = start & within
    while todo:
        low = todo & -todo
        new = steps[low.bit_length() - 1] & within & ~reached
        reached |= new
        todo = (todo ^ low) | new
    return reached


@dataclass(frozen=True)
class Masks:
    """A graph as integers: node i has the parents `parents[i]`, and so on; `names[i]` is its name."""

    names: tuple[Name, ...]
    index: Mapping[Name, int] = field(compare=False)  # follows from the names
    parents: tuple[Mask, ...]
    children: tuple[Mask, ...]
    spouses: tuple[Mask, ...]

    @staticmethod
    def of(
        nodes: tuple[Name, ...],
        directed: Iterable[tuple[Name, Name]],
        bidirected: Iterable[tuple[Name, Name]],
    ) -> Masks:
        """The masks of a graph whose edges are pairs of names."""
        index = {node: i for i, node in enumerate(nodes)}
        parents, children, spouses = ([0] * len(nodes) for _ in range(3))
        for a, b in directed:
            i, j = index[a], index[b]
            parents[j] |= 1 << i
            children[i] |= 1 << j
        for a, b in bidirected:
            i, j = index[a], index[b]
            spouses[i] |= 1 << j
            spouses[j] |= 1 << i
        return Masks(nodes, index, tuple(parents), tuple(children), tuple(spouses))

    @property
    def all(self) -> Mask:
        """Every node."""
        return (1 << len(self.names)) - 1

    def mask(self, nodes: Iterable[Name]) -> Mask:
        """The set of these names."""
        mask = 0
        for node in nodes:
            mask |= 1 << self.index[node]
        return mask

    def nodes(self, mask: Mask) -> tuple[Name, ...]:
        """The names in this set, in node order."""
        return tuple(self.names[i] for i in bits(mask))

    def cut(self, into: Mask, out_of: Mask = 0) -> Masks:
        """Without the edges into `into` (bidirected ones too) and the directed edges out of `out_of`."""
        return Masks(
            self.names,
            self.index,
            tuple(0 if into >> i & 1 else p & ~out_of for i, p in enumerate(self.parents)),
            tuple(0 if out_of >> i & 1 else c & ~into for i, c in enumerate(self.children)),
            tuple(0 if into >> i & 1 else s & ~into for i, s in enumerate(self.spouses)),
        )


def hidden(masks: Masks, nodes: Mask) -> Masks:
    """The projection of a graph after more of its nodes went unmeasured: their bits stay, without edges.

    Source:
        Richardson et al. (2023), Nested Markov properties for ADMGs, proposition 3: nodes may be hidden in
        any order.
    """
    parents, children, spouses = list(masks.parents), list(masks.children), list(masks.spouses)
    for node in bits(nodes):
        gone = 1 << node
        above, below, beside = parents[node], children[node], spouses[node]
        for i in bits(below):
            parents[i] = parents[i] & ~gone | above
            spouses[i] = (spouses[i] | below | beside) & ~(1 << i | gone)
        for i in bits(above):
            children[i] = children[i] & ~gone | below
        for i in bits(beside):
            spouses[i] = (spouses[i] | below) & ~(1 << i | gone)
        parents[node] = children[node] = spouses[node] = 0
    return Masks(masks.names, masks.index, tuple(parents), tuple(children), tuple(spouses))


def topological(parents: Sequence[Mask], children: Sequence[Mask], names: Sequence[Name] | None = None) -> list[int]:
    """An order with parents first, ties by position or by name; shorter than the graph if there is a cycle."""
    keys = range(len(parents)) if names is None else names
    missing = [mask.bit_count() for mask in parents]
    ready = [(keys[i], i) for i, count in enumerate(missing) if not count]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        _, i = heapq.heappop(ready)
        order.append(i)
        for j in bits(children[i]):
            missing[j] -= 1
            if not missing[j]:
                heapq.heappush(ready, (keys[j], j))
    return order


def cycle(parents: Sequence[Mask], order: Sequence[int]) -> list[int]:
    """One cycle among the nodes that `order` could not place, in edge order from its first node."""
    left = (1 << len(parents)) - 1
    for i in order:
        left &= ~(1 << i)
    # Every node that is left has a parent that is left, so walking up must return somewhere.
    walk: list[int] = []
    place: dict[int, int] = {}
    node = (left & -left).bit_length() - 1
    while node not in place:
        place[node] = len(walk)
        walk.append(node)
        above = parents[node] & left
        node = (above & -above).bit_length() - 1
    loop = walk[place[node] :][::-1]
    start = loop.index(min(loop))
    return loop[start:] + loop[:start]


def components(within: Mask, steps: Sequence[Mask]) -> list[Mask]:
    """The connected components of `within` under symmetric `steps`, by lowest node."""
    parts: list[Mask] = []
    while within:
        part = reach(within & -within, steps, within)
        parts.append(part)
        within &= ~part
    return parts

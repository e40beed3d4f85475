"""Nodes in columns, causes on the left: which column, in which order, and how high.

An edge over several columns goes through a place of its own in each, so that it runs through no node.

Source:
    Sugiyama, Tagawa & Toda (1981), Methods for visual understanding of hierarchical system structures; places as in
    Gansner et al. (1993), A technique for drawing directed graphs, by pooling instead of a simplex.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence

Item = tuple[str, int]
"""A node (its name, -1), or the place of an edge in a column (any text, the number of the edge)."""
SWEEPS = 12
ROUNDS = 16
SLOT_OF_NODE, SLOT_OF_EDGE = 44.0, 15.0
"""Heights that a node and an edge that passes take in a column."""


def columns_of(
    nodes: Sequence[str], edges: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]]
) -> dict[str, int]:
    """The column of each node: the longest path to it; nearer to what it causes where that shortens edges.

    Args:
        edges: (cause, effect), without cycles.
        pairs: Nodes with a hidden common cause: they order nodes that no edge orders.
    """
    touched = {node for edge in edges for node in edge}
    order = {node: k for k, node in enumerate(nodes)}
    # A node without edges stands beside what it shares a cause with.
    loose = [(a, b) if order[a] < order[b] else (b, a) for a, b in pairs if not touched.issuperset((a, b))]
    both = _acyclic(nodes, edges, loose)
    after: dict[str, list[str]] = {node: [] for node in nodes}
    before: dict[str, list[str]] = {node: [] for node in nodes}
    for a, b in both:
        after[a].append(b)
        before[b].append(a)
    sequence = _sequence(nodes, after, before)
    column = dict.fromkeys(nodes, 0)
    for node in sequence:
        column[node] = max((column[parent] + 1 for parent in before[node]), default=0)
    for node in reversed(sequence):
        if after[node] and len(before[node]) < len(after[node]):
            column[node] = min(column[child] for child in after[node]) - 1
    return column


def _acyclic(
    nodes: Sequence[str], edges: Sequence[tuple[str, str]], extra: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The edges with those of the extra ones that close no cycle, turned round where they would."""
    after: dict[str, set[str]] = {node: set() for node in nodes}
    for a, b in edges:
        after[a].add(b)
    found = list(edges)
    for a, b in extra:
        if not _leads(after, b, a):
            after[a].add(b)
            found.append((a, b))
        elif not _leads(after, a, b):
            after[b].add(a)
            found.append((b, a))
    return found


def _leads(after: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        new = after[node] - seen
        seen |= new
        waiting += new
    return False


def _sequence(nodes: Sequence[str], after: Mapping[str, list[str]], before: Mapping[str, list[str]]) -> list[str]:
    """Every node behind its parents."""
    waiting = {node: len(before[node]) for node in nodes}
    ready = [node for node in nodes if not waiting[node]]
    for node in ready:
        for child in after[node]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    return ready


def ordered(columns: list[list[Item]], links: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    """The columns with few crossings: by the middle of the neighbours, to and fro; the best order that was seen.

    Args:
        columns: The items of each column.
        links: Pairs of items in columns next to each other, the left one first.
    """
    left: dict[Item, list[Item]] = {}
    right: dict[Item, list[Item]] = {}
    for a, b in links:
        right.setdefault(a, []).append(b)
        left.setdefault(b, []).append(a)
    best, fewest = [list(column) for column in columns], _crossings(columns, right)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        forward = sweep % 2 == 0
        near = left if forward else right
        for k in range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1):
            place = {item: i for i, item in enumerate(columns[k - 1 if forward else k + 1])}
            middles = {item: _middle([place[o] for o in near.get(item, ())], i) for i, item in enumerate(columns[k])}
            columns[k].sort(key=middles.__getitem__)
        count = _crossings(columns, right)
        if count < fewest:
            best, fewest = [list(column) for column in columns], count
    return best


def _middle(places: list[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(columns: Sequence[Sequence[Item]], right: Mapping[Item, list[Item]]) -> int:
    total = 0
    for k in range(len(columns) - 1):
        place = {item: i for i, item in enumerate(columns[k + 1])}
        seen: list[int] = []
        for item in columns[k]:
            ends = sorted(place[other] for other in right.get(item, ()))
            for end in ends:
                total += len(seen) - bisect_left(seen, end + 1)
            for end in ends:
                insort(seen, end)
    return total


def heights(columns: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> dict[Item, float]:
    """The height of each item: near the mean of its neighbours, in the order of its column, with room between."""
    near: dict[Item, list[tuple[Item, float]]] = {}
    for a, b in links:
        # Edges that pass are kept straight before nodes are moved nearer.
        weight = {0: 1.0, 1: 2.0, 2: 6.0}[(a[1] >= 0) + (b[1] >= 0)]
        near.setdefault(a, []).append((b, weight))
        near.setdefault(b, []).append((a, weight))
    y: dict[Item, float] = {}
    for column in columns:
        offsets = _offsets(column)
        middle = (offsets[-1] if offsets else 0.0) / 2
        y.update({item: offset - middle for item, offset in zip(column, offsets, strict=True)})
    for turn in range(ROUNDS):
        for column in columns if turn % 2 == 0 else list(reversed(columns)):
            wished, weights = [], []
            for item in column:
                others = near.get(item, ())
                weight = sum(w for _, w in others)
                wished.append(sum(y[other] * w for other, w in others) / weight if weight else y[item])
                weights.append(weight or 0.1)
            y.update(zip(column, _apart(wished, weights, _offsets(column)), strict=True))
    return y


def _offsets(column: Sequence[Item]) -> list[float]:
    """How far below the first item each stands where they are packed."""
    found, at, before = [], 0.0, 0.0
    for item in column:
        size = SLOT_OF_EDGE if item[1] >= 0 else SLOT_OF_NODE
        at += (before + size) / 2 if found else 0.0
        found.append(at)
        before = size
    return found


def _apart(wished: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The heights nearest to those wished, by weighted squares, that keep order and distances: pooled where they clash."""
    blocks: list[list[float]] = []  # (sum of weight x place, sum of weight, count)
    for place, weight, offset in zip(wished, weights, offsets, strict=True):
        blocks.append([(place - offset) * weight, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [own + other for own, other in zip(blocks[-1], last, strict=True)]
    places = [total / weight for total, weight, count in blocks for _ in range(int(count))]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]

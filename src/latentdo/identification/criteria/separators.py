"""Minimal sets that m-separate two sets of nodes: one by two walks, all of them with polynomial delay.

Adjustment sets, instruments and testable implications are all separators, of one graph or another.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, bits, reach


@dataclass(frozen=True)
class Walks:
    """A graph as three lists of masks, to look for separators in.

    Within the ancestors of all that is asked about, m-separation is separation in the moral graph: two nodes are
    neighbours there if a path of colliders, possibly of none, joins them.
    """

    parents: Sequence[Mask]
    children: Sequence[Mask]
    spouses: Sequence[Mask]

    @staticmethod
    def of(masks: Masks) -> Walks:
        """The walks of a whole graph."""
        return Walks(masks.parents, masks.children, masks.spouses)

    def ancestors(self, nodes: Mask) -> Mask:
        """The nodes with a directed path into `nodes`, themselves included."""
        return reach(nodes, self.parents)

    def touched(self, start: Mask, separator: Mask, within: Mask) -> Mask:
        """What `start` touches in the moral graph of the ancestral set `within` without passing `separator`.

        Nodes of the separator are touched, not passed: those in the result are its border to `start`.
        """
        parents, children, spouses = self.parents, self.children, self.spouses
        touched = passed = todo = start
        while todo:
            low = todo & -todo
            i = low.bit_length() - 1
            if low & separator:  # arrived at by an arrowhead: a collider, which leads on by arrowheads only
                up, along = parents[i] & within, spouses[i] & within
            else:
                up, along = parents[i] & within, (children[i] | spouses[i]) & within
            touched |= up | along
            new = (up & ~separator | along) & ~passed
            passed |= new
            todo = (todo ^ low) | new
        return touched

    def separates(self, first: Mask, second: Mask, separator: Mask) -> bool:
        """Whether `separator`, disjoint from both, m-separates `first` from `second`."""
        return not self.touched(first, separator, self.ancestors(first | second | separator)) & second


def minimal_separator(walks: Walks, first: Mask, second: Mask, free: Mask, required: Mask = 0) -> Mask | None:
    """The minimal separator nearest to `second`: `required` and nodes of `free`, or None if there is none.

    Minimal means that no node but the required can be left out, alone or with others.

    Source:
        van der Zander & Liśkiewicz (2020), Finding minimal d-separators in linear time, algorithm 2.
    """
    if (first | second) & required or required & ~free:
        return None
    within = walks.ancestors(first | second | required)
    free &= within
    near = walks.touched(second, free, within)
    if near & first:
        return None
    near = near & free | required
    return walks.touched(first, near, within) & near | required


def minimal_separators(walks: Walks, first: Mask, second: Mask, free: Mask, required: Mask = 0) -> Iterator[Mask]:
    """Every minimal separator once, the one nearest to `second` first; there may be exponentially many.

    Source:
        van der Zander, Liśkiewicz & Textor (2019), Separators and adjustment sets in causal graphs, section 6;
        the branching is that of Takata (2010), Space-optimal, backtracking algorithms to list the minimal
        vertex separators of a graph.
    """
    if (first | second) & required or required & ~free:
        return
    within = walks.ancestors(first | second | required)
    free &= within & ~required
    # A branch (side, outside): the side of `second` in it holds `side`, and `outside` stays out of that side.
    branches: list[tuple[Mask, Mask]] = [(0, 0)]
    while branches:
        side, outside = branches.pop()
        border = walks.touched(second | side, free & ~side | required, within)
        if border & first:
            continue
        # The minimal separator between this side and `first`; the side may grow by what it cuts off.
        separator = walks.touched(first, border & free & ~side | required, within) & border & free & ~side
        side = walks.touched(second, separator | required, within) & free & ~separator
        if side & outside:
            continue
        undecided = separator & ~outside
        if not undecided:
            yield separator | required
            continue
        node = undecided & -undecided
        branches.append((side | node, outside))
        branches.append((side, outside | node))


def smallest_separator(walks: Walks, first: Mask, second: Mask, free: Mask, required: Mask = 0) -> Mask | None:
    """A separator with as few nodes as there can be, of several the one nearest to `second`, or None if there is none.

    Source:
        Menger's theorem, by augmenting paths; of adjustment sets of that size the one nearest to the outcomes has the
        smallest variance: Smucler & Rotnitzky (2022), A note on efficient minimum cost adjustment sets in causal
        graphical models, theorem 1.
    """
    least = minimal_separator(walks, first, second, free, required)
    if least is None or (least & ~required).bit_count() < 2:
        return least
    return _Paths(walks, first, second, free, required).cut() | required


class _Paths:
    """Paths between two sets that share no free node, as many as there can be: so many nodes every separator has."""

    def __init__(self, walks: Walks, first: Mask, second: Mask, free: Mask, required: Mask) -> None:
        self.walks, self.within = walks, walks.ancestors(first | second | required)
        self.free = free & self.within & ~required
        self.held = self.free | required
        self.starts, self.ends = (walks.touched(side, self.held, self.within) & self.free for side in (second, first))
        self.near: dict[int, Mask] = {}
        # On the paths so far: the node before each, -1 for none; and the node after each.
        self.before: dict[int, int] = {}
        self.after: dict[int, int] = {}

    def cut(self) -> Mask:
        """The nodes, one on each path, beyond which nothing more can be reached from `second`."""
        while True:
            entered, left = self._reached()
            if entered is not None:
                return entered & ~left

    def _reached(self) -> tuple[Mask | None, Mask]:
        """One path more; where there is none, the nodes that can be entered from `second`, and those that can be left."""
        came: dict[tuple[int, bool], tuple[int, bool] | None] = {}
        todo: list[tuple[int, bool]] = []

        def visit(states: Iterable[tuple[int, bool]], here: tuple[int, bool] | None) -> None:
            for state in states:
                if state not in came:
                    came[state] = here
                    todo.append(state)

        visit(((i, False) for i in bits(self.starts)), None)
        for i, leaving in todo:
            if not leaving:
                back = self.before.get(i)
                visit([(i, True)] if back is None else [(back, True)] if back >= 0 else [], (i, False))
                continue
            if self.ends >> i & 1:
                self._add(came, i)
                return None, 0
            visit(((j, False) for j in bits(self._near(i))), (i, True))
            visit([(i, False)] if i in self.before else [], (i, True))
        return tuple(sum(1 << i for i, leaving in came if leaving is side) for side in (False, True))  # type: ignore[return-value]

    def _add(self, came: Mapping[tuple[int, bool], tuple[int, bool] | None], last: int) -> None:
        """Take the path that ends at `last`: what it walks backwards is given up."""
        way: list[tuple[int, bool]] = [(last, True)]
        while (here := came[way[-1]]) is not None:
            way.append(here)
        way.reverse()
        for (i, _), (j, leaving) in itertools.pairwise(way):
            if i != j and leaving:  # back along the path that led from j to i
                del self.after[j], self.before[i]
        self.before[way[0][0]] = -1
        for (i, leaving), (j, _) in itertools.pairwise(way):
            if i != j and leaving:
                self.after[i], self.before[j] = j, i
        self.after.pop(last, None)

    def _near(self, i: int) -> Mask:
        """The free nodes that a free node touches."""
        if i not in self.near:
            node = 1 << i
            self.near[i] = self.walks.touched(node, self.held & ~node, self.within) & self.free & ~node
        return self.near[i]

"""Minimal sets that m-separate two sets of nodes: one by two walks, all of them with polynomial delay.

Adjustment sets, instruments and testable implications are all separators, of one graph or another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, reach


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

"""Two levels of a hidden node that change places in some of the rows: what a level means may differ between parts of them.

Where a measured node is a cause beside the hidden one, the rows with each of its levels have tables of their own. What they have
in common with the other rows may say little of which level is which. Drawing row after row, a chain then hardly ever comes from
one such order to another; here all rows of a part change at once, with the tables integrated out.

Source:
    Celeux, Hurn & Robert (2000), Computational and inferential difficulties with mixture posterior distributions: chains that
    stay at one labelling. Liu (1994), The collapsed Gibbs sampler in Bayesian computations with applications to a gene regulation
    problem: parameters integrated out of a step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import gammaln

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name
from latentdo.models import Table

from ...likelihood.task import Task
from .tables import HiddenTables

MOST_ENTRIES = 3_000_000
"""Numbers of rows, states, tables and pairs of levels beyond which swaps are left out."""


@dataclass(frozen=True, eq=False)
class LevelSwap:
    """A pair of levels of a hidden node, which may change places in the rows with each level of a measured node.

    Attributes:
        here, there: The states with the one level and those with the other, in the same order.
        part: Which part each row is in.
        parts: Those in which a swap changes the density.
        cells: The cells that swaps change, part after part, whole rows of tables.
        first: The first of `cells` of each row of a table.
        first_row: The first of those rows of each part.
        change: What a swap adds to its cells, of how many more copies of a row are there than here, (cell, row and state here).
        taking: 1 where a swap moves a row, (part, row and state here).
    """

    here: IntArray
    there: IntArray
    part: IntArray
    parts: IntArray
    cells: IntArray
    first: IntArray
    first_row: IntArray
    change: csr_matrix
    taking: csr_matrix

    def done(
        self, tables: HiddenTables, states: FloatArray, counts: FloatArray, random: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, float]:
        """States (row, state, chain) and counts (cell, chain) after a swap in each part in turn, if it is accepted.

        Returns:
            Both; and how far a chain may be expected to move: the mean of chances times the square of rows that would be moved.
        """
        n_chains = states.shape[-1]
        level = np.log(1.0 - random.random((len(self.parts), n_chains)))
        active, begin = np.arange(n_chains), np.zeros(n_chains, dtype=np.intp)
        worth = None
        while len(active):
            ratios, moved = self._weighed(tables, states[..., active], counts[:, active])
            if worth is None:
                worth = float((np.exp(np.minimum(ratios, 0.0)) * moved**2).sum(axis=0).mean())
            later = np.arange(len(self.parts))[:, None] >= begin[active]
            taken = (level[:, active] < ratios) & (moved > 0) & later
            some = taken.any(axis=0)
            # What comes after a swap is weighed anew, and only there: elsewhere nothing has changed.
            active, which = active[some], taken.argmax(axis=0)[some]
            begin[active] = which + 1
            if len(active):
                states, counts = self._after(tables, states, counts, active, which)
            active = active[begin[active] < len(self.parts)]
        return states, counts, worth or 0.0

    def _differences(self, states: FloatArray) -> FloatArray:
        """How many more copies of a row are there than here, (row and state here, chain)."""
        return (states[:, self.there] - states[:, self.here]).reshape(-1, states.shape[-1])

    def _weighed(self, tables: HiddenTables, states: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The log of the ratio of densities of the swap in each part, and how many rows it moves, (part, chain)."""
        differences = self._differences(states)
        before = counts[self.cells] + tables.pseudo[self.cells]
        after = before + self.change @ differences
        gain = np.add.reduceat(gammaln(after) - gammaln(before), self.first)
        gain -= gammaln(np.add.reduceat(after, self.first)) - gammaln(np.add.reduceat(before, self.first))
        return np.add.reduceat(gain, self.first_row), self.taking @ np.abs(differences)

    def _after(
        self, tables: HiddenTables, states: FloatArray, counts: FloatArray, chains: IntArray, which: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """States and counts after the swap in one part in each of some chains."""
        own = states[..., chains]
        inside = (self.part[:, None] == self.parts[which])[:, None]
        here, there = own[:, self.here], own[:, self.there]
        own[:, self.here], own[:, self.there] = np.where(inside, there, here), np.where(inside, here, there)
        states, counts = states.copy(), counts.copy()
        states[..., chains] = own
        counts[:, chains] = tables.counts(own)
        return states, counts


def swap_entries(task: Task, families: Mapping[Name, Table]) -> int:
    """About how many numbers the swaps of a block hold at most."""
    n_states = int(np.prod([len(families[node].points) for node in task.unseen]))
    entries = 0
    for node in task.block.latent:
        touched = [each for each in families if each == node or node in task.spec[each].parents]
        causes = {parent for each in touched for parent in task.spec[each].parents} - {*task.unseen}
        each_swap = len(touched) * math.comb(len(families[node].points), 2) * task.cells.n_stored * n_states
        entries += len(causes) * min(each_swap, MOST_ENTRIES)
    return entries


def level_swaps(task: Task, families: Mapping[Name, Table], tables: HiddenTables) -> tuple[tuple[LevelSwap, ...], ...]:
    """For each hidden node and each measured cause of it, or beside it, the swaps of each pair of its levels."""
    spec, found = task.spec, list[tuple[LevelSwap, ...]]()
    for node in task.block.latent:
        touched = [each for each in families if each == node or node in spec[each].parents]
        causes = dict.fromkeys(parent for each in touched for parent in spec[each].parents)
        pairs = list(itertools.combinations(range(len(families[node].points)), 2))
        for cause in causes:
            if cause in task.unseen or cause not in task.names:
                continue
            levels, part = np.unique(task.cells.column(cause), return_inverse=True)
            # Where the cause is a parent, rows of a table change places and no more.
            changed = [each for each in touched if cause not in spec[each].parents or not _even(tables, each, node)]
            if len(levels) > 1 and changed and len(changed) * len(pairs) * tables.possible.size <= MOST_ENTRIES:
                found.append(tuple(_swap(tables, node, pair, part.ravel(), changed) for pair in pairs))
    return tuple(found)


def _even(tables: HiddenTables, each: Name, node: Name) -> bool:
    """Whether all rows of a table begin with the same, and for the hidden node itself all levels."""
    rows = tables.prior[tables.slices[each], 0].reshape(-1, tables.widths[each])
    return bool((rows == rows[0]).all() and (each != node or (rows == rows[0, 0]).all()))


def _swap(
    tables: HiddenTables, node: Name, pair: tuple[int, int], part: IntArray, changed: Sequence[Name]
) -> LevelSwap:
    """The swaps of a pair of levels of a node.

    Args:
        changed: The nodes whose tables these change.
    """
    own = tables.states[:, tables.hidden.index(node)]
    here, there = (np.flatnonzero(own == level) for level in pair)
    columns = np.arange(len(part) * len(here)).reshape(len(part), -1)
    parts = np.broadcast_to(part[:, None], columns.shape)
    found = []
    for each in changed:
        kept = tables.counted[each]
        for sign, states in ((1.0, here), (-1.0, there)):
            cells = tables.places[each][:, states][kept]
            found.append((parts[kept].ravel(), cells.ravel(), columns[kept].ravel(), np.full(cells.size, sign)))
    of, cells, at, signs = (np.concatenate(each) for each in zip(*found, strict=True))
    n_rows = len(tables.first)
    keys, inverse = np.unique(of * n_rows + tables.row[cells], return_inverse=True)
    row, inverse = keys % n_rows, inverse.ravel()
    widths = np.diff(tables.first, append=len(tables.row))[row]
    first = np.cumsum(widths) - widths
    entries = first[inverse] + cells - tables.first[row][inverse]
    change = csr_matrix((signs, (entries, at)), shape=(int(widths.sum()), columns.size))
    with_change, first_row = np.unique(keys // n_rows, return_index=True)
    taking = csr_matrix((np.ones(columns.size), (parts.ravel(), columns.ravel())))
    return LevelSwap(
        here=here,
        there=there,
        part=part,
        parts=with_change,
        cells=np.repeat(tables.first[row] - first, widths) + np.arange(widths.sum()),
        first=first,
        first_row=first_row,
        change=change,
        taking=csr_matrix(taking[with_change]),
    )

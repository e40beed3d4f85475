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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import gammaln

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name
from latentdo.models import Table

from ..likelihood.task import Task
from .hidden_tables import HiddenTables

MOST_SWAPS = 96
"""Swaps that are weighed together."""


@dataclass(frozen=True, eq=False)
class SwapRound:
    """Swaps of pairs of levels of one hidden node, each in the rows with one level of a measured node.

    Attributes:
        pairs: Per pair of levels the states with the one and those with the other, in the same order, (2, half the states).
        part: Which part each row is in.
        swaps: Pair and part of each swap.
        cells: The cells that swaps change, swap after swap, whole rows of tables.
        first: The first of `cells` of each row of a table.
        first_row: The first of those rows of each swap.
        change: What a swap adds to its cells, of how many more rows are in the second state than in the first, (cell, pair, row
            and half the states).
        taking: 1 where a swap moves a row, in the same order, (swap, pair, row and half the states).
    """

    pairs: IntArray
    part: IntArray
    swaps: IntArray
    cells: IntArray
    first: IntArray
    first_row: IntArray
    change: csr_matrix
    taking: csr_matrix

    def done(
        self, tables: HiddenTables, states: FloatArray, counts: FloatArray, random: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, float]:
        """States (row, state, chain) and counts (cell, chain) after every swap in turn, each accepted by its ratio of densities.

        Returns:
            Both; and how far a chain may be expected to move: the mean of chances times the square of rows that would be moved.
        """
        level = np.log(random.random((len(self.swaps), states.shape[-1])))
        active, begin = np.arange(states.shape[-1]), np.zeros(states.shape[-1], dtype=np.intp)
        worth = None
        while len(active):
            ratios, moved = self._weighed(tables, states[..., active], counts[:, active])
            if worth is None:
                worth = float((np.exp(np.minimum(ratios, 0.0)) * moved**2).sum(axis=0).mean())
            later = np.arange(len(self.swaps))[:, None] >= begin[active]
            taken = (level[:, active] < ratios) & (moved > 0) & later
            any_taken = taken.any(axis=0)
            which = taken.argmax(axis=0)[any_taken]
            # What comes after a swap is weighed anew, and only there: elsewhere nothing has changed.
            active = active[any_taken]
            begin[active] = which + 1
            states, counts = self._after(tables, states, counts, active, which)
        return states, counts, worth or 0.0

    def _differences(self, states: FloatArray) -> FloatArray:
        """How many more copies of a row are in the second state of each pair than in the first, (pair, row and state, chain)."""
        found = [states[:, there] - states[:, here] for here, there in self.pairs]
        return np.stack(found).reshape(-1, states.shape[-1])

    def _weighed(self, tables: HiddenTables, states: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The log of the ratio of densities of each swap, and how many rows it moves, (swap, chain)."""
        differences = self._differences(states)
        before = counts[self.cells] + tables.pseudo[self.cells]
        after = before + self.change @ differences
        gain = np.add.reduceat(gammaln(after) - gammaln(before), self.first)
        gain -= gammaln(np.add.reduceat(after, self.first)) - gammaln(np.add.reduceat(before, self.first))
        return np.add.reduceat(gain, self.first_row), self.taking @ np.abs(differences)

    def _after(
        self, tables: HiddenTables, states: FloatArray, counts: FloatArray, chains: IntArray, which: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """States and counts after one swap in each of some chains."""
        if not len(chains):
            return states, counts
        states, counts = states.copy(), counts.copy()
        for chain, (pair, part) in zip(chains, self.swaps[which], strict=True):
            here, there = self.pairs[pair]
            rows = np.flatnonzero(self.part == part)
            one, other = np.ix_(rows, here), np.ix_(rows, there)
            own = states[..., chain]
            own[one], own[other] = own[other], own[one]
        counts[:, chains] = tables.counts(states[..., chains])
        return states, counts


def swap_rounds(task: Task, families: Mapping[Name, Table], tables: HiddenTables) -> tuple[SwapRound, ...]:
    """For each hidden node and each measured cause of it, or beside it, the swaps of two levels within a level of that cause."""
    spec, rounds = task.spec, list[SwapRound]()
    for node in task.block.latent:
        touched = [each for each in families if each == node or node in spec[each].parents]
        causes = dict.fromkeys(parent for each in touched for parent in spec[each].parents)
        n = len(families[node].points)
        pairs = list(itertools.combinations(range(n), 2))
        for cause in causes:
            if cause in task.unseen or cause not in task.names:
                continue
            levels, part = np.unique(task.cells.column(cause), return_inverse=True)
            # Where the cause has a parent's place, rows of a table change places and no more.
            changed = [each for each in touched if cause not in spec[each].parents or not _even(tables, each, node)]
            each_time = max(1, MOST_SWAPS // len(levels))
            for at in range(0, len(pairs) if len(levels) > 1 else 0, each_time):
                found = _round(tables, node, pairs[at : at + each_time], part.ravel(), changed)
                rounds += [] if found is None else [found]
    return tuple(rounds)


def _even(tables: HiddenTables, each: Name, node: Name) -> bool:
    """Whether all rows of a table begin with the same, and for the hidden node itself all levels."""
    place = tables.places[each]
    own = np.flatnonzero((tables.row >= tables.row[place.min()]) & (tables.row <= tables.row[place.max()]))
    rows = tables.pseudo[own, 0].reshape(len(np.unique(tables.row[own])), -1)
    return bool((rows == rows[0]).all() and (each != node or (rows == rows[0, 0]).all()))


def _round(
    tables: HiddenTables, node: Name, pairs: Sequence[tuple[int, int]], part: IntArray, changed: Sequence[Name]
) -> SwapRound | None:
    """The swaps of some pairs of levels of a node; None where none changes the density.

    Args:
        changed: The nodes whose tables it changes.
    """
    own = tables.states[:, tables.hidden.index(node)]
    both = np.array([[np.flatnonzero(own == level) for level in pair] for pair in pairs])
    n_rows, half, n_parts = len(part), both.shape[-1], int(part.max()) + 1
    n_columns = len(pairs) * n_rows * half
    columns = np.arange(n_columns).reshape(len(pairs), n_rows, half)
    swap = np.arange(len(pairs))[:, None, None] * n_parts + part[None, :, None] + np.zeros_like(columns)
    taking = csr_matrix((np.ones(n_columns), (swap.ravel(), columns.ravel())), shape=(len(pairs) * n_parts, n_columns))
    found = []
    for each in changed:
        for sign, states in ((1.0, both[:, 0]), (-1.0, both[:, 1])):
            cells = tables.places[each][:, states].transpose(1, 0, 2)
            counts = np.broadcast_to(tables.counted[each][None, :, None], cells.shape)
            found.append([swap[counts], cells[counts], columns[counts], np.full(counts.sum(), sign)])
    if not found:
        return None
    swaps, cells, at, signs = (np.concatenate(parts) for parts in zip(*found, strict=True))
    n_all = int(tables.row[-1]) + 1
    keys, inverse = np.unique(swaps.astype(np.intp) * n_all + tables.row[cells], return_inverse=True)
    rows = keys % n_all
    widths = np.append(tables.first, len(tables.row))[rows + 1] - tables.first[rows]
    first = np.cumsum(widths) - widths
    entry = first[inverse.ravel()] + cells - tables.first[rows][inverse.ravel()]
    listed = np.repeat(tables.first[rows] - first, widths) + np.arange(widths.sum())
    change = csr_matrix((signs, (entry, at)), shape=(len(listed), n_columns))
    kept, first_row = np.unique(keys // n_all, return_index=True)
    return SwapRound(
        pairs=both,
        part=part,
        swaps=np.stack([kept // n_parts, kept % n_parts], axis=1),
        cells=listed,
        first=first,
        first_row=first_row,
        change=change,
        taking=csr_matrix(taking[kept]),
    )

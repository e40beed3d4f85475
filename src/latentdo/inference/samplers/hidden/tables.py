"""Tables of which some nodes are hidden, laid end to end as one column of cells: what a row is in, and what is drawn of it.

Equal rows are merged. Whatever depends on a row and a state of its hidden nodes is then one sparse matrix: the tables of all
chains are multiplied by it at once, and its transpose counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from latentdo.arrays import BoolArray, FloatArray, IntArray
from latentdo.graphs import Name
from latentdo.models import Table

from ...blocks.coordinates import row_of
from ...likelihood.task import Task

ALONE = 16
"""Equal rows up to which each is drawn alone, which is quicker than a multinomial of all."""


@dataclass(frozen=True, eq=False)
class HiddenTables:
    """What is known of a block of tables before anything is drawn.

    Attributes:
        hidden: The nodes that rows may lack, latents or gaps.
        states: The place of the level of each of them in each of their states, (state, hidden).
        places: Per node the cell that each row is in if its hidden nodes are in a state, (row, state).
        counted: Per node in which rows it counts, (row,): where it was not set.
        slices: Per node its cells, among all.
        widths: Per node the number of its levels.
        prior: The pseudo-count of each of all cells, (any cell, 1).
        live: Which of all cells are in a row of a table that some row may be in; hereafter these are the cells.
        pseudo: The pseudo-count of each cell, (cell, 1).
        first: The first cell of each row of a table.
        row: Which row of a table each cell is in.
        possible: The log of 1 where a state agrees with what was seen of a row, of 0 elsewhere, (row, state, 1).
        weights: How often each row occurs.
        into: 1 where a row in a state is in a cell, (row and state, cell).
        outof: Its transpose.
        alone: The row of each copy of those that occur a few times.
        often: The other rows.
    """

    hidden: tuple[Name, ...]
    states: IntArray
    places: Mapping[Name, IntArray]
    counted: Mapping[Name, BoolArray]
    slices: Mapping[Name, slice]
    widths: Mapping[Name, int]
    prior: FloatArray
    live: BoolArray
    pseudo: FloatArray
    first: IntArray
    row: IntArray
    possible: FloatArray
    weights: IntArray
    into: csr_matrix
    outof: csr_matrix
    alone: IntArray
    often: IntArray

    @staticmethod
    def of(task: Task, families: Mapping[Name, Table], counts: Mapping[Name, FloatArray]) -> HiddenTables:
        """The rows of a task.

        Args:
            counts: Per node the pseudo-counts, (row, level).
        """
        rows = task.cells
        sizes = [range(len(families[node].points)) for node in task.unseen]
        states = np.array(list(itertools.product(*sizes)), dtype=np.intp).reshape(-1, len(task.unseen))
        values: dict[Name, FloatArray] = {name: rows.column(name)[:, None] for name in task.names}
        possible = np.zeros((rows.n_stored, len(states)))
        for node, levels in zip(task.unseen, states.T, strict=True):
            of_state = np.asarray(families[node].points, dtype=float)[levels]
            if node not in task.block.latent:
                unseen = np.array([node in each.missing for each in rows.patterns])[rows.pattern]
                possible = np.where(unseen[:, None] | (values[node] == of_state), possible, -np.inf)
            values[node] = of_state[None]
        places: dict[Name, IntArray] = {}
        counted: dict[Name, BoolArray] = {}
        slices: dict[Name, slice] = {}
        n_cells = 0
        for node, family in families.items():
            row = row_of(family, [values[parent] for parent in task.spec[node].parents])
            place = n_cells + row * len(family.levels) + np.searchsorted(family.points, values[node])
            places[node] = np.broadcast_to(place, possible.shape)
            counted[node] = ~rows.held(node)
            slices[node] = slice(n_cells, n_cells + counts[node].size)
            n_cells += counts[node].size
        widths = np.repeat([own.shape[1] for own in counts.values()], [own.shape[0] for own in counts.values()])
        row = np.repeat(np.arange(len(widths)), widths)
        reached = np.zeros(len(widths), dtype=bool)
        for node, place in places.items():
            reached[row[place[counted[node]]]] = True
        live = reached[row]
        places = {node: (np.cumsum(live) - 1)[place] for node, place in places.items()}
        first, row = _rows(widths[reached])
        prior = np.concatenate([own.ravel() for own in counts.values()])[:, None]
        weights = rows.weights.astype(np.intp)
        into = _incidence(places, counted, len(row))
        few = weights <= ALONE
        return HiddenTables(
            hidden=tuple(task.unseen),
            states=states,
            places=places,
            counted=counted,
            slices=slices,
            widths={node: own.shape[1] for node, own in counts.items()},
            prior=prior,
            live=live,
            pseudo=prior[live],
            first=first,
            row=row,
            possible=possible[:, :, None],
            weights=weights,
            into=into,
            outof=csr_matrix(into.T),
            alone=np.repeat(np.flatnonzero(few), weights[few]),
            often=np.flatnonzero(~few),
        )

    def chances(self, logs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cumulative chances of the states of each row, unnormalised, (row, state, chain), and the log likelihood, (chain,).

        Args:
            logs: The log probabilities of the cells, (cell, chain).
        """
        joint = (self.into @ logs).reshape(*self.possible.shape[:2], -1)
        joint += self.possible
        top = joint.max(axis=1, keepdims=True)
        joint -= top
        np.exp(joint, out=joint)
        np.cumsum(joint, axis=1, out=joint)
        return joint, np.asarray(self.weights @ (top[:, 0] + np.log(joint[:, -1])), dtype=np.float64)

    def drawn_states(self, chances: FloatArray, random: np.random.Generator) -> FloatArray:
        """How many copies of each row are in each state, (row, state, chain), drawn by their chances."""
        _, n_states, n_chains = chances.shape
        # Above 0, so that a state with chance 0 is never drawn.
        at = (1.0 - random.random((len(self.alone), n_chains))) * chances[self.alone, -1]
        state = (at[:, None] > chances[self.alone, :-1]).sum(axis=1)
        place = (self.alone[:, None] * n_states + state) * n_chains + np.arange(n_chains)
        found = np.bincount(place.ravel(), minlength=chances.size).astype(float).reshape(chances.shape)
        if len(self.often):
            shares = np.diff(chances[self.often], axis=1, prepend=0.0) / chances[self.often, -1:]
            drawn = random.multinomial(self.weights[self.often, None], shares.transpose(0, 2, 1))
            found[self.often] = drawn.transpose(0, 2, 1)
        return found

    def counts(self, states: FloatArray) -> FloatArray:
        """How many rows are in each cell, (cell, chain), of those in each state, (row, state, chain)."""
        return np.asarray(self.outof @ states.reshape(-1, states.shape[-1]), dtype=float)

    def drawn_logs(self, counts: FloatArray, random: np.random.Generator) -> FloatArray:
        """The log probabilities of the cells, (cell, chain), given how many rows are in each."""
        return _drawn_logs(counts + self.pseudo, self.first, self.row, random)

    def whole(self, logs: FloatArray, random: np.random.Generator) -> FloatArray:
        """Log probabilities, (draw, cell, chain), with those of all other cells, which have their prior, among them."""
        n_draws, _, n_chains = logs.shape
        found = np.empty((n_draws, len(self.live), n_chains))
        found[:, self.live] = logs
        widths = np.concatenate(
            [
                np.full((own.stop - own.start) // self.widths[node], self.widths[node])
                for node, own in self.slices.items()
            ]
        )
        first, _ = _rows(widths)
        counts = np.repeat(self.prior[~self.live], n_draws * n_chains, axis=1)
        if len(counts):
            other = _drawn_logs(counts, *_rows(widths[~self.live[first]]), random)
            found[:, ~self.live] = other.reshape(-1, n_draws, n_chains).swapaxes(0, 1)
        return found

    def log_prior(self, whole: FloatArray) -> FloatArray:
        """Of whole tables on the scale of their coordinates, with the Jacobian, up to a constant, (…, chain)."""
        return np.asarray((self.prior * whole).sum(axis=-2), dtype=float)


def _incidence(places: Mapping[Name, IntArray], counted: Mapping[Name, BoolArray], n_cells: int) -> csr_matrix:
    shape = next(iter(places.values())).shape
    here = np.arange(shape[0] * shape[1]).reshape(shape)
    rows = np.concatenate([here[counted[node]].ravel() for node in places])
    cells = np.concatenate([place[counted[node]].ravel() for node, place in places.items()])
    return csr_matrix((np.ones(len(rows)), (rows, cells)), shape=(here.size, n_cells))


def _rows(widths: IntArray) -> tuple[IntArray, IntArray]:
    """The first cell of each row of a table, and which row each cell is in."""
    return np.cumsum(widths) - widths, np.repeat(np.arange(len(widths)), widths)


def _drawn_logs(counts: FloatArray, first: IntArray, row: IntArray, random: np.random.Generator) -> FloatArray:
    """The logs of draws from Dirichlet laws, one per row of a table: see `conjugate`."""
    logs = np.log(random.standard_gamma(counts + 1.0)) - random.standard_exponential(counts.shape) / counts
    logs -= np.maximum.reduceat(logs, first, axis=0)[row]
    logs -= np.log(np.add.reduceat(np.exp(logs), first, axis=0))[row]
    return logs

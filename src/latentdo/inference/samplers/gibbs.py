"""Blocks of tables alone, some of them hidden: the hidden levels of each row, and every table given the counts, in turn.

Both are drawn from their exact laws, whatever the pseudo-counts of the tables. Small ones have long tails on the scale of
logits, where chains that follow a gradient would stay. Between the two, levels change places in parts of the rows.

Source:
    Tanner & Wong (1987), The calculation of posterior distributions by data augmentation; Diebolt & Robert (1994), Estimation of
    finite mixture distributions through Bayesian sampling, for latent classes; van Dyk & Park (2008), Partially collapsed Gibbs
    samplers, for a step with the tables integrated out right before these are drawn.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.models import Table

from ..blocks.coordinates import pseudo_counts
from ..blocks.draws import BlockDraws
from ..blocks.engines import CHAINS, Auto, Engine
from ..blocks.method import Method
from ..likelihood.memory import claim
from ..likelihood.task import Task
from .ensemble import ChainDraws
from .hidden.moments import table_moments
from .hidden.swaps import LevelSwap, level_swaps, swap_entries
from .hidden.tables import HiddenTables
from .outcome import from_chains
from .sampling import is_comfortable, length_needed
from .sign_symmetry import symmetries_of, turned

WARM_UP, FIRST_RUN = 500, 2_500
"""Sweeps."""
LEAST_RUN = 500
"""Sweeps of the first run where each of them takes long."""
SHARE_LEFT_OUT = 0.2
"""Of the sweeps of a run that was extended, at its beginning."""
LOT, MOST_KEPT = 100, 400
"""Sweeps between two reports; draws per chain of which twice as many are kept at most, before every second is dropped."""
MOST_CELLS = 20_000_000
"""Chains times distinct rows times states of the hidden nodes up to which a sweep takes a second at most."""
MOST_SWEEPS, MOST_WORK = 10, 1_000_000
"""Sweeps, and numbers that they are made of, per transition that an engine allows other chains: about a minute by default."""
OF_A_CHANCE = 10
"""Numbers that drawing one probability is worth."""
HOPELESS = 3
"""Budgets that chains are said to need which are given up at once."""
LEAST_WORTH = 1e-3
"""Square of the rows that any swap is taken to move at least."""
BYTES_OF_SWAPS = 40.0
"""Per number that they hold, while they are made."""
_COPIES = 6
"""Of these cells in memory at once."""


def gibbs(task: Task, engine: Engine) -> BlockDraws | str:
    """Chains on a block of tables whose rows begin with small pseudo-counts, until they are certified or out of budget."""
    assert isinstance(engine, Auto)
    families = {node: family for node in task.block.nodes if isinstance(family := task.spec[node].family, Table)}
    if len(families) < len(task.block.nodes):
        return "the block is not made of tables alone"
    counts = {node: pseudo_counts(task.coordinates[node], family) for node, family in families.items()}
    if min(own.min() for own in counts.values()) >= 1.0:
        return "each level of each row begins with a count"
    n_states = int(np.prod([len(families[node].points) for node in task.unseen]))
    n_cells, n_chances = CHAINS * task.cells.n_stored * n_states, CHAINS * sum(own.size for own in counts.values())
    if n_cells > MOST_CELLS:
        return "there are too many rows or states"
    needed = 8.0 * (_COPIES + len(families) / CHAINS) * n_cells + 8.0 * (2 * MOST_KEPT + 6 * task.shape[1]) * n_chances
    needed += BYTES_OF_SWAPS * swap_entries(task, families)
    claim(task, needed, "Fit a sample of the rows, or give the hidden nodes fewer levels.")
    begun = time.perf_counter()
    chains = _Chains(task, families, counts)
    kept = task.checkpoint.part("tables")
    if (state := kept.load()) is not None:
        chains.restore(state)
    budget, length = _lengths(engine, len(families) * n_cells + OF_A_CHANCE * n_chances)
    while True:
        while chains.made < length:
            chains.advance(min(LOT, length - chains.made))
            task.tell(chains.made / length)
            kept.save(chains.state)
        result = chains.result()
        needed = length_needed(result, length)
        if is_comfortable(result) or length >= budget or needed > HOPELESS * budget:
            return replace(result, sample_seconds=time.perf_counter() - begun)
        length = min(max(needed, length + LOT), budget)


def _lengths(engine: Auto, work: int) -> tuple[int, int]:
    """Most sweeps, and sweeps of the first run with its warm-up, of so much work each."""
    budget = max(round(engine.max_steps * min(MOST_SWEEPS, MOST_WORK / work)), WARM_UP + LEAST_RUN)
    return budget, min(budget, max(WARM_UP + LEAST_RUN, min(WARM_UP + FIRST_RUN, budget // 8)))


@dataclass(eq=False)
class _Chains:
    """The tables of every chain, and what is kept of them.

    Attributes:
        counts: Per node the pseudo-counts, (row, level).
        logs: The log probabilities, (cell, chain).
        worth: How far swaps of each kind moved chains in the second half of the warm-up, and how often they were done, (2, kind).
        kept: Per kept sweep the log probabilities, (cell, chain), and the log likelihood, (chain,).
        every: Sweeps from one kept draw to the next.
        made: Sweeps so far.
    """

    task: Task
    families: Mapping[Name, Table]
    counts: Mapping[Name, FloatArray]
    logs: FloatArray = field(init=False)
    worth: FloatArray = field(init=False)
    kept: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    every: int = 1
    made: int = 0

    def __post_init__(self) -> None:
        self.worth = np.zeros((2, len(self.swaps)))
        # Around tables that are neither even nor extreme, each chain around its own.
        self.logs = self.tables.drawn_logs(np.ones((len(self.tables.row), CHAINS)), self._random(0))

    @cached_property
    def tables(self) -> HiddenTables:
        """What is known of them before anything is drawn."""
        return HiddenTables.of(self.task, self.families, self.counts)

    @cached_property
    def swaps(self) -> tuple[tuple[LevelSwap, ...], ...]:
        """Of each hidden node and each way to part the rows the swaps of pairs of its levels."""
        return level_swaps(self.task, self.families, self.tables)

    def _random(self, lot: int) -> np.random.Generator:
        """The randomness of the sweeps after so many."""
        return np.random.default_rng([self.task.seed, self.task.code, 5, lot])

    def advance(self, n_sweeps: int) -> None:
        """So many sweeps; those after the warm-up are kept."""
        random, tables = self._random(1 + self.made), self.tables
        for _ in range(n_sweeps):
            chances, log_likelihood = tables.chances(self.logs)
            if self.made >= WARM_UP and (self.made - WARM_UP) % self.every == 0:
                self.kept.append((self.logs, log_likelihood))
                if len(self.kept) >= 2 * MOST_KEPT:
                    self.kept, self.every = self.kept[::2], 2 * self.every
            states = tables.drawn_states(chances, random)
            counts = tables.counts(states)
            if self.swaps:
                counts = self._swapped(states, counts, random)
            self.logs = tables.drawn_logs(counts, random)
            self.made += 1

    def _swapped(self, states: FloatArray, counts: FloatArray, random: np.random.Generator) -> FloatArray:
        """Counts after swaps of a pair of levels: each way in turn at first, later the more often the farther it moves chains."""
        if self.made < WARM_UP:
            k = self.made % len(self.swaps)
        else:
            far = self.worth[0] / np.maximum(self.worth[1], 1.0) + LEAST_WORTH
            k = int(random.choice(len(far), p=far / far.sum()))
        swap = self.swaps[k][int(random.integers(len(self.swaps[k])))]
        _, counts, worth = swap.done(self.tables, states, counts, random)
        if WARM_UP // 2 <= self.made < WARM_UP:
            self.worth[:, k] += worth, 1.0
        return counts

    def _coordinates(self, logs: FloatArray) -> FloatArray:
        """The logits of the shares of what is left, (draw, chain, coordinate): see `constraints.table_logs`."""
        parts = []
        for node, cells in self.tables.slices.items():
            table = logs[:, cells].reshape(len(logs), -1, self.tables.widths[node], CHAINS)
            left = np.logaddexp.accumulate(table[:, :, ::-1], axis=2)[:, :, ::-1]
            parts.append((table[:, :, :-1] - left[:, :, 1:]).reshape(len(logs), -1, CHAINS))
        return np.concatenate(parts, axis=1).transpose(0, 2, 1)

    def result(self) -> BlockDraws:
        """The draws so far without those of the beginning, as many as are left of each block."""
        task = self.task
        warm_up = max(WARM_UP, round(SHARE_LEFT_OUT * self.made))
        left_out = -(-(warm_up - WARM_UP) // self.every)
        n_kept = len(self.kept) - left_out
        picked = left_out + np.linspace(0, n_kept - 1, min(task.shape[1], n_kept)).round().astype(int)
        logs = np.stack([self.kept[k][0] for k in picked])
        logs = self.tables.whole(logs, np.random.default_rng([task.seed, task.code, 6]))
        log_likelihood = np.stack([self.kept[k][1] for k in picked], axis=1)
        u = np.ascontiguousarray(self._coordinates(logs).transpose(1, 0, 2))
        u = turned(u, symmetries_of(task.layout, task.priors), to_reference=True)
        log_posterior = self.tables.log_prior(logs).T + log_likelihood
        run = ChainDraws(u, log_posterior, acceptance=1.0, n_divergent=0, n_warmup=warm_up)
        method = Method(
            "Gibbs",
            of="tables and hidden levels",
            chains=CHAINS,
            transitions=self.made - warm_up,
            warmup=warm_up,
            draws=len(picked),
        )
        made = from_chains(task, run, method, lambda _: log_likelihood.reshape(-1), table_moments)
        return replace(made, n_made=self.made - warm_up, acceptance=None)

    def state(self) -> dict[str, Any]:
        """Everything that changes, as arrays and numbers: with it `restore` goes on to the same draws, bit by bit."""
        return {
            "logs": self.logs,
            "worth": self.worth,
            "kept": np.array([logs for logs, _ in self.kept]),
            "log_likelihood": np.array([log_likelihood for _, log_likelihood in self.kept]),
            "every": self.every,
            "made": self.made,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.logs, self.worth = state["logs"], state["worth"]
        self.kept = list(zip(state["kept"], state["log_likelihood"], strict=True))
        self.every, self.made = int(state["every"]), int(state["made"])

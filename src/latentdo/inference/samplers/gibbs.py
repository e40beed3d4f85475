"""Blocks of tables alone, some of them hidden: the hidden levels of each row, and every table given the counts, in turn.

Both are drawn from their exact laws, whatever the pseudo-counts of the tables. Small ones have long tails on the scale of
logits, where chains that follow a gradient would stay.

Source:
    Tanner & Wong (1987), The calculation of posterior distributions by data augmentation; Diebolt & Robert (1994), Estimation of
    finite mixture distributions through Bayesian sampling, for latent classes.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import logsumexp

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name
from latentdo.models import Table

from ..blocks.coordinates import pseudo_counts, row_of
from ..blocks.draws import BlockDraws
from ..blocks.engines import CHAINS, Auto, Engine
from ..blocks.method import Method
from ..likelihood.memory import claim
from ..likelihood.task import Task
from .ensemble import ChainDraws
from .outcome import from_chains
from .sampling import is_comfortable, length_needed
from .sign_symmetry import symmetries_of, turned

WARM_UP, FIRST_RUN = 500, 2_500
"""Sweeps."""
CHEAPER = 10
"""Sweeps that cost about as much as a transition of other chains."""
LOT, MOST_KEPT = 100, 1_000
"""Sweeps between two reports; draws per chain above which every second is dropped."""
MOST_CELLS = 20_000_000
"""Chains times distinct rows times states of the hidden nodes up to which a sweep takes a second at most."""
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
    n_cells = CHAINS * task.cells.n_stored * n_states
    if n_cells > MOST_CELLS:
        return "there are too many rows or states"
    claim(task, _COPIES * 8.0 * n_cells, "Fit a sample of the rows, or give the hidden nodes fewer levels.")
    begun = time.perf_counter()
    chains = _Chains(task, families, counts)
    kept = task.checkpoint.part("gibbs")
    if (state := kept.load()) is not None:
        chains.restore(state)
    budget = CHEAPER * engine.max_steps
    warm_up, length = min(WARM_UP, budget // 2), min(FIRST_RUN, budget // 2)
    while True:
        while chains.made < warm_up + length:
            chains.advance(min(LOT, warm_up + length - chains.made), warm_up)
            task.tell(chains.made / (warm_up + length))
            kept.save(chains.state)
        result = chains.result(warm_up)
        longer = length_needed(result, length)
        if is_comfortable(result) or warm_up + longer > budget:
            return replace(result, sample_seconds=time.perf_counter() - begun)
        length = longer


@dataclass(eq=False)
class _Chains:
    """The tables of every chain, and what is kept of them.

    Attributes:
        counts: Per node the pseudo-counts, (row, level).
        places: Per node the cell of its table that each row is in if its hidden nodes are in a state, (row, state).
        counted: Per node that was set in some rows whether its factor counts, (row, 1).
        possible: The log of 1 where a state agrees with what was seen of a row, of 0 elsewhere, (row, state).
        tables: Per node the log probabilities, (chain, row, level).
        kept: Per kept sweep the free coordinates, (chain, coordinate), log prior and log likelihood, (chain,) each.
        every: Sweeps from one kept draw to the next.
        made: Sweeps so far.
    """

    task: Task
    families: Mapping[Name, Table]
    counts: Mapping[Name, FloatArray]
    places: dict[Name, IntArray] = field(default_factory=dict)
    counted: dict[Name, FloatArray] = field(default_factory=dict)
    possible: FloatArray = field(init=False)
    tables: dict[Name, FloatArray] = field(default_factory=dict)
    kept: list[tuple[FloatArray, FloatArray, FloatArray]] = field(default_factory=list)
    every: int = 1
    made: int = 0

    def __post_init__(self) -> None:
        task, rows = self.task, self.task.cells
        combined = list(itertools.product(*(self.families[node].points for node in task.unseen)))
        states = np.array(combined, dtype=float).reshape(len(combined), len(task.unseen))
        values: dict[Name, FloatArray] = {name: rows.column(name)[:, None] for name in task.names}
        self.possible = np.zeros((rows.n_stored, len(states)))
        for node, of_state in zip(task.unseen, states.T, strict=True):
            if node not in task.block.latent:
                unseen = np.array([node in each.missing for each in rows.patterns])[rows.pattern]
                agrees = unseen[:, None] | (values[node] == of_state)
                self.possible = np.where(agrees, self.possible, -np.inf)
            values[node] = of_state[None]
        random = self._random(0)
        for node, family in self.families.items():
            row = row_of(family, [values[parent] for parent in task.spec[node].parents])
            place = row * len(family.levels) + np.searchsorted(family.points, values[node])
            self.places[node] = np.broadcast_to(place, self.possible.shape)
            if rows.held(node).any():
                self.counted[node] = np.where(rows.held(node)[:, None], 0.0, 1.0)
            # Around tables that are neither even nor extreme, each chain around its own.
            own = self.counts[node]
            self.tables[node] = _logs(np.ones((CHAINS, *own.shape)) + own, random)

    def _random(self, lot: int) -> np.random.Generator:
        """The randomness of the sweeps after so many."""
        return np.random.default_rng([self.task.seed, self.task.code, 5, lot])

    def advance(self, n_sweeps: int, warm_up: int) -> None:
        """So many sweeps; those after the warm-up are kept."""
        weights = self.task.cells.weights.astype(int)
        random = self._random(1 + self.made)
        for _ in range(n_sweeps):
            logs = np.repeat(self.possible[None], CHAINS, axis=0)
            for node, place in self.places.items():
                logs += self.tables[node].reshape(CHAINS, -1)[:, place] * self.counted.get(node, 1.0)
            top = _log_sum(logs)
            if self.made >= warm_up and (self.made - warm_up) % self.every == 0:
                self.kept.append((self._coordinates(), self._log_prior(), top[..., 0] @ weights))
                if len(self.kept) >= 2 * MOST_KEPT:
                    self.kept, self.every = self.kept[::2], 2 * self.every
            self.made += 1
            chances = np.exp(logs - top)
            hidden = random.multinomial(weights, chances / chances.sum(axis=-1, keepdims=True))
            for node, own in self.counts.items():
                at = self.places[node] + own.size * np.arange(CHAINS)[:, None, None]
                seen = (hidden * self.counted.get(node, 1.0)).ravel()
                counts = np.bincount(at.ravel(), weights=seen, minlength=CHAINS * own.size)
                self.tables[node] = _logs(own + counts.reshape(CHAINS, *own.shape), random)

    def _coordinates(self) -> FloatArray:
        """The logits of the shares of what is left, (chain, coordinate): see `constraints.table_logs`."""
        parts = []
        for logs in self.tables.values():
            left = np.logaddexp.accumulate(logs[..., ::-1], axis=-1)[..., ::-1]
            parts.append((logs[..., :-1] - left[..., 1:]).reshape(CHAINS, -1))
        return np.concatenate(parts, axis=-1)

    def _log_prior(self) -> FloatArray:
        """On the scale of the coordinates, with the Jacobian, up to a constant, (chain,)."""
        parts = [(own * self.tables[node]).sum(axis=(-2, -1)) for node, own in self.counts.items()]
        return np.asarray(np.sum(parts, axis=0), dtype=float)

    def result(self, warm_up: int) -> BlockDraws:
        """The draws so far, as many as are left of each block."""
        task, n_kept = self.task, len(self.kept)
        picked = np.linspace(0, n_kept - 1, min(task.shape[1], n_kept)).round().astype(int)
        u, log_prior, log_likelihood = (np.stack([self.kept[k][part] for k in picked], axis=1) for part in range(3))
        u = turned(u, symmetries_of(task.layout, task.priors), to_reference=True)
        run = ChainDraws(u, log_prior + log_likelihood, acceptance=1.0, n_divergent=0, n_warmup=warm_up)
        n_made = self.made - warm_up
        method = Method(
            "Gibbs",
            of="tables and hidden levels",
            chains=CHAINS,
            transitions=n_made,
            warmup=warm_up,
            draws=len(picked),
        )
        made = from_chains(task, run, method, lambda _: log_likelihood.reshape(-1))
        return replace(made, n_made=n_made, acceptance=None)

    def state(self) -> dict[str, Any]:
        """Everything that changes, as arrays and numbers: with it `restore` goes on to the same draws, bit by bit."""
        kept = [np.array([each[part] for each in self.kept]) for part in range(3)]
        tables = {f"table.{node}": logs for node, logs in self.tables.items()}
        return {
            **tables,
            "u": kept[0],
            "log_prior": kept[1],
            "log_likelihood": kept[2],
            "every": self.every,
            "made": self.made,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.tables = {node: state[f"table.{node}"] for node in self.tables}
        self.kept = list(zip(state["u"], state["log_prior"], state["log_likelihood"], strict=True))
        self.every, self.made = int(state["every"]), int(state["made"])


def _logs(counts: FloatArray, random: np.random.Generator) -> FloatArray:
    """The logs of draws from Dirichlet laws: see `conjugate`."""
    logs = np.log(random.gamma(counts + 1.0)) + np.log(random.uniform(size=counts.shape)) / counts
    return logs - _log_sum(logs)


def _log_sum(logs: FloatArray) -> FloatArray:
    return np.asarray(logsumexp(logs, axis=-1, keepdims=True), dtype=float)

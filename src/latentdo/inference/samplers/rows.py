"""Blocks of many rows whose latents are integrated out: few weighted rows stand for all, chains run on these, all rows check.

First chains on a sample of the rows say roughly where the posterior is. A coreset of weighted rows is chosen that agrees with
all rows there; chains run on it with every row counted less, and their draws are contracted to all rows. What all rows say of
the draws is compared with what the coreset said: where they differ, another is chosen at these draws.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..blocks.coordinates import FloatArray
from ..blocks.draws import BlockDraws
from ..blocks.engines import CHAINS, Auto, Engine
from ..blocks.method import Method
from ..likelihood.coreset import candidates, coreset
from ..likelihood.lattice import lattice_form
from ..likelihood.memory import chains_bytes, claim
from ..likelihood.rows import MOST_LATENTS, RowLikelihood, extremes, n_levels
from ..likelihood.task import Task
from .ensemble import ChainDraws, Ensemble
from .marginal import FEW_ROWS, LEAST_REPEATED, MOST_STEPS, Marginal, contracted_run, contracted_words
from .outcome import from_chains
from .sampling import LESS_MEMORY, is_comfortable, run_ensemble
from .sign_symmetry import symmetries_of, turned

FEWEST_ROWS = 400
"""Rows up to which chains that move each row's latents are as quick."""
PILOT_ROWS, PILOT_WORTH = 96, 400.0
"""Rows that the pilot looks at, and how many they count for."""
PILOT_WARM_UP, PILOT_DRAWS = 240, 100
ROUNDS = 3
"""Coresets that are tried."""
FINE = 0.05
"""Error of a quadrature rule, in the log likelihood of all rows, up to which no finer one is taken."""
LARGEST_ERROR = 0.3
"""Of the log likelihood of all rows, beyond which draws are not certified: their standard deviation over draws."""
MORE_DRAWS, CLOSER = 2.5, 2.0
"""How many times as many effective draws, and how many times as near an R-hat of one, as is asked of chains of all rows."""
COMPARED = 48
"""Draws at which all rows are looked at."""


def integrated(task: Task, engine: Engine) -> BlockDraws | str:
    """Many rows, latents integrated by sums or quadrature."""
    assert isinstance(engine, Auto)
    if not task.block.latent:
        return "no node is latent"
    if task.data.n_rows <= FEWEST_ROWS:
        return f"no more than {FEWEST_ROWS:,} rows"
    if task.layout.n_noise > MOST_LATENTS:
        return f"more than {MOST_LATENTS} latents"
    if not task.names:
        return "nothing of the block is measured"
    if not isinstance(lattice_form(task, least_repeated=LEAST_REPEATED), str):
        return "its distinct rows are few"
    merged = task.cells
    rows = RowLikelihood(task, merged, np.asarray(merged.weights, dtype=float))
    draws = pilot(task, engine, rows)
    attempt = _Round(task, rows, draws, 0)
    result = attempt.train(engine)
    while not attempt.agrees and attempt.number + 1 < ROUNDS:
        attempt = _Round(task, attempt.rows, attempt.draws, attempt.number + 1)
        result = attempt.train(engine)
    return result


def pilot(task: Task, engine: Auto, rows: RowLikelihood) -> FloatArray:
    """Draws (draw, coordinate) of roughly the posterior of some hundred rows."""
    chosen = candidates(task, rows.data, rows.counts, PILOT_ROWS)
    counts = rows.counts[chosen]
    few = RowLikelihood(task, rows.data.picked(chosen), counts * min(1.0, PILOT_WORTH / counts.sum()))
    form, numbers = few.halves
    claim(task, chains_bytes(task, form, numbers, CHAINS, PILOT_DRAWS), LESS_MEMORY)
    ensemble = Ensemble.start(
        form,
        numbers,
        task.starts(CHAINS),
        0,
        (task.seed, task.code, 1),
        symmetries_of(task.layout, task.priors),
        warm_up=PILOT_WARM_UP,
        length=PILOT_DRAWS,
        single=form.dimensionless,
    )
    kept = task.checkpoint.part("pilot")
    if (state := kept.load()) is not None:
        ensemble.restore(state)
    complete = ensemble.phase == "draw" and ensemble.left == 0
    while not complete:
        complete = ensemble.advance()
        task.tell(0.3 * ensemble.share)
        kept.save(ensemble.state)
    run = ensemble.run()
    whole = turned(run.u, symmetries_of(task.layout, task.priors))
    return whole.reshape(-1, whole.shape[-1])


def n_pilots(n_free: int) -> int:
    """Draws at which a coreset agrees with all rows: a few times as many as a square in the coordinates has terms."""
    return int(np.clip(2 * (n_free + 1) * (n_free + 2), 96, 320))


def _hopeless(result: BlockDraws) -> bool:
    """Whether a longer run would not mend it: its draws could not be moved or weighted, or all rows say something else."""
    return any(one.ess == 0.0 for one in result.diagnostics)


def _stricter(result: BlockDraws) -> BlockDraws:
    """The result with what its chains lack counted several times: draws are weighted, and asked more than these moments."""
    return replace(
        result,
        diagnostics=tuple(
            replace(one, ess=one.ess / MORE_DRAWS, rhat=None if one.rhat is None else 1.0 + CLOSER * (one.rhat - 1.0))
            for one in result.diagnostics
        ),
    )


@dataclass(frozen=True, eq=False)
class _Features:
    """See `contraction.Features`: the information of all rows is about that of these numbers, one per row of a coreset."""

    core: RowLikelihood

    def __call__(self, u: FloatArray) -> FloatArray:
        return np.nan_to_num(self.core.parts(u)[1] * self._roots, nan=-1e3, neginf=-1e3)

    def slopes(self, u: FloatArray) -> FloatArray:
        """Their derivatives, (point, feature, coordinate)."""
        return np.nan_to_num(self.core.slopes(u) * self._roots[:, None])

    @property
    def _roots(self) -> FloatArray:
        return np.sqrt(self.core.counts / self.core.counts.sum())


@dataclass(frozen=True, eq=False)
class _RowMarginal(Marginal):
    """The rows of a coreset, and all rows, with which it is compared."""

    core: RowLikelihood = field(repr=False)
    rows: RowLikelihood = field(repr=False)

    def parts(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self.core.sums(u)

    def counted(self, share: float) -> _RowMarginal:
        """See `Marginal`."""
        core = replace(self.core, counts=self.core.counts * share)
        return replace(self, numbers=self.numbers.counted(share), core=core)

    def off(self, u: FloatArray) -> float:
        """Standard deviation, over some draws (draw, coordinate), of the coreset's log likelihood less that of all rows."""
        some = u[extremes(u, COMPARED)]
        off = self.rows.sums(some)[1] - self.core.sums(some)[1]
        return float(np.std(off)) if np.isfinite(off).all() else float("inf")

    def verified(self, result: BlockDraws, u: FloatArray) -> BlockDraws:
        """The result with the errors of coreset and rule at its own draws said, and not certified where they are large."""
        if not result.certified:
            return result
        flat = turned(u, symmetries_of(self.core.task.layout, self.core.task.priors)).reshape(-1, u.shape[-1])
        off, by_rule = self.off(flat), self.core.error(flat)
        note = (
            f" ({len(self.core.counts):,} weighted rows stand for {self.n_rows:,.0f}: log likelihood within {off:.1g}"
        )
        note += f"; a finer rule moves it by {by_rule:.1g})" if self.core.task.layout.n_noise else ")"
        result = replace(result, method=replace(result.method, note=note))
        if max(off, by_rule) <= LARGEST_ERROR:
            return result
        return replace(result, diagnostics=tuple(replace(one, ess=0.0) for one in result.diagnostics))


@dataclass(eq=False)
class _Round:
    """One coreset, and what is drawn by it.

    Attributes:
        number: Which round it is, from 0.
        near: Draws (draw, coordinate) that the coreset is chosen by.
        draws: Draws by it, for the next round.
        agrees: Whether the coreset stands for all rows there.
    """

    task: Task
    rows: RowLikelihood
    near: FloatArray
    number: int
    draws: FloatArray = field(init=False)
    agrees: bool = False

    def train(self, engine: Auto) -> BlockDraws:
        """Chains on a coreset, contracted to all rows where these are many."""
        task = self.task
        core = self._core()
        form, numbers = core.halves
        n = float(core.counts.sum())
        share = min(1.0, FEW_ROWS / n)
        words = f"parameters, latents integrated by {form.n_points:,} points a row"
        words = words if task.layout.n_noise else "parameters, latents summed out"
        features = _Features(replace(core, level=0))
        marginal = _RowMarginal(form, numbers, words, features, n, core, self.rows)
        few = marginal.counted(share)
        last: list[tuple[ChainDraws, BlockDraws, BlockDraws | None]] = []

        def moved(run: ChainDraws, before: BlockDraws) -> BlockDraws | None:
            """The draws of all rows; None where the coreset does not speak for them where the chains went."""
            whole = turned(run.u, symmetries_of(task.layout, task.priors))
            self.draws = whole.reshape(-1, whole.shape[-1])
            if share * marginal.off(self.draws) > LARGEST_ERROR:
                return None
            if share == 1.0:
                return marginal.verified(before, run.u)
            return contracted_run(task, marginal, run, before, share)

        def finish(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
            """What a longer run may mend is given back to be mended; what it cannot ends the run."""
            before = from_chains(task, run, method, few.likelihood)
            stricter = _stricter(before)
            after = moved(run, before) if is_comfortable(stricter) else None
            last[:] = [(run, before, after)]
            if not is_comfortable(stricter):
                return stricter
            return before if after is None or _hopeless(after) else after

        # A state of its own in every round.
        finish.__name__ = f"round-{self.number}"
        ended = run_ensemble(
            task,
            replace(engine, max_steps=min(engine.max_steps, MOST_STEPS)),
            form,
            few.numbers,
            words if share == 1.0 else contracted_words(marginal),
            dimensionless=form.dimensionless,
            worth=share * n,
            near=self.near,
            finish=finish,
        )
        ((run, before, after),) = last
        after = moved(run, before) if after is None else after
        self.agrees = after is not None and not _hopeless(after)
        result = before
        if after is not None and (self.agrees or after.khat is not None):
            result = after
        if not self.agrees:
            # These are no draws of the posterior, and must never pass for them.
            why = "" if after is None or after.khat is not None else after.diagnostics[0].name
            if result is after:
                what = "weights that cannot be relied on"
            else:
                what = f"{FEW_ROWS:,} rows' worth of data" if share < 1.0 else "rows that do not stand for all"
            failed = tuple(replace(one, ess=0.0) for one in result.diagnostics)
            result = replace(result, approximate=f"draws with {what}", why=why, diagnostics=failed)
        return replace(result, compile_seconds=ended.compile_seconds, sample_seconds=ended.sample_seconds)

    def _core(self) -> RowLikelihood:
        """A coreset and the coarsest rule that is fine enough for it at these draws."""
        task, rows = self.task, self.rows
        if len(rows.counts) <= PILOT_ROWS:
            core = rows
        else:
            n = n_pilots(self.near.shape[1])
            chosen = coreset(rows, self.near[np.linspace(0, len(self.near) - 1, n).round().astype(int)])
            core = RowLikelihood(task, chosen.data, chosen.counts, rows.level)
        while core.level + 2 < n_levels(task.layout.n_noise) and core.error(self.near) > FINE:
            finer = core.refined()
            assert finer is not None
            core = finer
        self.rows = replace(rows, level=core.level)
        return core

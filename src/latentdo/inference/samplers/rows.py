"""Blocks of many rows whose latents are integrated out: few weighted rows stand for all, chains run on these, all rows check.

First chains on a sample of the rows say roughly where the posterior is. A coreset of weighted rows is chosen that agrees with
all rows there. Chains on it count every row less at first, then all; what all rows say of their draws is compared with what the
coreset said, and where they differ another is chosen at these draws.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..blocks.coordinates import FloatArray
from ..blocks.draws import BlockDraws
from ..blocks.engines import CHAINS, Auto, Engine
from ..blocks.method import Method
from ..likelihood.attenuation import Eased
from ..likelihood.coreset import candidates, coreset
from ..likelihood.lattice import lattice_form
from ..likelihood.memory import chains_bytes, claim
from ..likelihood.rows import MOST_LATENTS, KindNumbers, RowForm, RowLikelihood, RowNumbers, extremes, n_noises
from ..likelihood.task import Task
from .cells import LEAST_REPEATED
from .ensemble import ChainDraws, Ensemble
from .importance import smoothed
from .outcome import from_chains, systematic
from .sampling import LESS_MEMORY, LONG_FIRST_RUN, longest, run_ensemble, scaled_by
from .sign_symmetry import symmetries_of, turned

FEWEST_ROWS = 400
"""Rows up to which chains that move each row's latents are as quick."""
PILOT_ROWS, PILOT_WORTH = 96, 400.0
"""Rows that the pilot looks at, and how many they count for."""
PILOT_WARM_UP, WARM_UP, WARM_DRAWS = 240, 120, 100
STEP = 8.0
"""How many times as much rows count in each stage as in the one before: from farther away chains take long to arrive."""
MOST_STEPS = 6_000
"""Transitions after which the chains of a coreset are given up."""
SINGLE_ROWS = 100_000
"""Rows up to which float32 resolves the log posterior, counted from one point: at twice as many transitions diverge, and
float64 was the quicker."""
LONGER_FIRST_RUN, LONGER_ROWS = 1_200, 10_000
"""Draws per chain of a first run where looking at all rows costs as much as transitions do, and rows beyond which it does:
effects mix more slowly there than the moments by which a block is judged."""
ROUNDS = 3
"""Coresets that are tried."""
FINE = 0.05
"""Error of a quadrature rule, in the log likelihood of all rows, up to which no finer one is taken."""
LARGEST_ERROR = 0.3
"""Of the log likelihood of all rows, beyond which draws are not certified: their standard deviation over draws."""
COMPARED, ON_THE_WAY = 24, 12
"""Draws at which all rows are looked at, at the end and in earlier stages."""
PILOT_SHARE, CHOSEN_SHARE, STAGE_SHARE = 0.07, 0.1, 0.03
"""What is done of a block after the pilot, after the first coreset was chosen, and by each stage but the last, as measured."""


def integrated(task: Task, engine: Engine) -> BlockDraws | str:
    """Many rows, latents integrated by sums or quadrature."""
    assert isinstance(engine, Auto)
    if not task.unseen:
        return "no node is latent"
    if task.data.n_rows <= FEWEST_ROWS:
        return f"no more than {FEWEST_ROWS:,} rows"
    if max(n_noises(task)) > MOST_LATENTS:
        return f"more than {MOST_LATENTS} latents"
    if not task.names:
        return "nothing of the block is measured"
    if not isinstance(lattice_form(task, least_repeated=LEAST_REPEATED), str):
        return "its distinct rows are few"
    merged = task.cells
    rows = RowLikelihood(task, merged, np.asarray(merged.weights, dtype=float))
    few = _Few(task, rows, pilot(task, rows), min(1.0, PILOT_WORTH / task.data.n_rows))
    return few.train(engine)


def pilot(task: Task, rows: RowLikelihood) -> FloatArray:
    """Draws (draw, coordinate) of roughly the posterior of some hundred rows."""
    chosen = candidates(task, rows.data, rows.counts, PILOT_ROWS)
    counts = rows.counts[chosen]
    few = RowLikelihood(task, rows.data.picked(chosen), counts * min(1.0, PILOT_WORTH / counts.sum()))
    form, numbers = few.halves
    return _drawn(task, form, numbers, None, None, "pilot", (0.0, PILOT_SHARE), warm_up=PILOT_WARM_UP)


def _drawn(
    task: Task,
    form: RowForm,
    numbers: RowNumbers | KindNumbers,
    near: FloatArray | None,
    at: FloatArray | None,
    name: str,
    ends: tuple[float, float],
    **options: Any,
) -> FloatArray:
    """Draws (draw, coordinate) of a short run, which is not judged.

    Args:
        near: Draws (draw, coordinate) of a density much like this one, from which they start; without them all over the prior.
        at: See `run_ensemble`.
        name: Of its checkpoint.
        ends: How far the block is before and after it.
    """
    claim(task, chains_bytes(task, form, numbers, CHAINS, WARM_DRAWS), LESS_MEMORY)
    symmetries = symmetries_of(task.layout, task.priors)
    eased = _eased(task, form, numbers, near)
    if near is None:
        starts, axes = eased.easier(task.starts(CHAINS)), None
    else:
        starts, axes = scaled_by(eased.easier(near), None if at is None else eased.easier(at))
    ensemble = Ensemble.start(
        eased.form,
        eased.numbers,
        starts,
        0,
        (task.seed, task.code, 1, *name.encode()),
        () if eased.bends else symmetries,
        length=WARM_DRAWS,
        single=form.dimensionless,
        axes=axes,
        **options,
    )
    kept = task.checkpoint.part(name)
    if (state := kept.load()) is not None:
        ensemble.restore(state)
    complete = ensemble.phase == "draw" and ensemble.left == 0
    while not complete:
        complete = ensemble.advance()
        task.tell(ends[0] + (ends[1] - ends[0]) * ensemble.share)
        kept.save(ensemble.state)
    u = turned(eased.usual(ensemble.run().u)[0], symmetries)
    return u.reshape(-1, u.shape[-1])


def _eased(task: Task, form: RowForm, numbers: RowNumbers | KindNumbers, near: FloatArray | None) -> Eased:
    """In coordinates that are easier to sample, where draws (draw, coordinate) of a like density are known to lie."""
    eased = Eased.of(form, numbers, *form.program(numbers), task.layout.n_free)
    return eased if near is None else eased.straight(near)


def n_pilots(n_free: int) -> int:
    """Draws at which a coreset agrees with all rows: a few times as many as a square in the coordinates has terms."""
    return int(np.clip(2 * (n_free + 1) * (n_free + 2), 96, 320))


@dataclass(eq=False)
class _Few:
    """Few rows that stand for all, and where they do.

    Attributes:
        rows: All rows.
        near: Draws (draw, coordinate) of the last chains: roughly of the posterior, and a coreset is chosen by them.
        share: What each row counted for there.
        core: The coreset.
    """

    task: Task
    rows: RowLikelihood
    near: FloatArray
    share: float
    core: RowLikelihood = field(init=False)

    def train(self, engine: Auto) -> BlockDraws:
        """Chains on a coreset, with every row counted less at first."""
        n = float(self.rows.counts.sum())
        before = worths(n)[:-1]
        self._choose()
        for stage, worth in enumerate(before):
            ends = (CHOSEN_SHARE + STAGE_SHARE * stage, CHOSEN_SHARE + STAGE_SHARE * (stage + 1))
            self.task.tell(ends[0])
            self._approach(worth, n, f"stage-{stage}", ends)
        result, off, by_rule = self._posterior(engine, 0)
        for number in range(1, ROUNDS):
            if max(off, by_rule) <= LARGEST_ERROR:
                break
            # Where a rule is too coarse chains find peaks that are not there.
            moved = self.core.moved(self.near)
            self.near = self._likely(np.minimum(moved - np.median(moved), 0.0), len(self.near))
            self._choose()
            result, off, by_rule = self._posterior(engine, number)
        note = f" ({len(self.core.counts):,} weighted rows stand for {n:,.0f}: log likelihood within {off:.1g}"
        note += f"; a finer rule moves it by {by_rule:.1g})" if self.task.layout.n_noise else ")"
        result = replace(result, method=replace(result.method, note=note))
        if max(off, by_rule) <= LARGEST_ERROR:
            return result
        # These may be no draws of the posterior, and must never pass for them.
        what = "rows that do not stand for all" if off > LARGEST_ERROR else "a rule of quadrature that is too coarse"
        failed = tuple(replace(one, ess=0.0) for one in result.diagnostics)
        return replace(result, approximate=f"draws with {what}", diagnostics=failed)

    def _approach(self, worth: float, n: float, name: str, ends: tuple[float, float]) -> None:
        """Chains with all `n` rows counted as `worth` rows, again with another coreset where it does not stand for all rows."""
        share = worth / n
        for number in range(ROUNDS):
            form, numbers = self.core.halves
            part, options = f"{name}-{number}", {"warm_up": WARM_UP, "longest": longest(worth)}
            at = self._starts(share)
            self.near = _drawn(self.task, form, numbers.counted(share), self.near, at, part, ends, **options)
            self.share = share
            if share * self._off(ON_THE_WAY) <= LARGEST_ERROR:
                # Chains may have gone where a finer rule is needed.
                self._take(self.core)
                return
            self._choose()

    def _posterior(self, engine: Auto, number: int) -> tuple[BlockDraws, float, float]:
        """Draws by the coreset, and errors: of its log likelihood beside that of all rows, and of the quadrature."""
        task, n = self.task, float(self.rows.counts.sum())
        form, numbers = self.core.halves
        at = numbers.counts @ numbers.reference
        eased = _eased(task, form, numbers, self.near)
        symmetries = symmetries_of(task.layout, task.priors)
        runs: list[ChainDraws] = []

        def finish(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
            u, log_jacobian = eased.usual(run.u)
            u = turned(u, symmetries, to_reference=True)
            runs[:] = [replace(run, u=u, log_posterior=run.log_posterior - log_jacobian + at)]
            return from_chains(task, runs[0], method, lambda u: self.core.sums(u)[1])

        words = f"parameters, latents integrated by {form.n_points:,} points a row"
        result = run_ensemble(
            task,
            replace(engine, max_steps=min(engine.max_steps, MOST_STEPS)),
            eased.form,
            eased.numbers,
            words if task.layout.n_noise else "parameters, latents summed out",
            single=form.dimensionless and n <= SINGLE_ROWS,
            near=eased.easier(self.near),
            at=eased.easier(self._starts(1.0)),
            turning=not eased.bends,
            longest=longest(n),
            first=LONG_FIRST_RUN if n <= LONGER_ROWS else LONGER_FIRST_RUN,
            finish=finish,
            part=f"rows-{number}",
        )
        whole = turned(runs[0].u, symmetries)
        self.near, self.share = whole.reshape(-1, whole.shape[-1]), 1.0
        return result, self._off(COMPARED), self.core.error(self.near)

    def _off(self, n_draws: int) -> float:
        """Standard deviation, over some draws, of the coreset's log likelihood less that of all rows."""
        some = self.near[extremes(self.near, n_draws)]
        off = self.rows.sums(some)[1] - self.core.sums(some)[1]
        return float(np.std(off)) if np.isfinite(off).all() else float("inf")

    def _starts(self, share: float) -> FloatArray:
        """Draws from which chains start where each row counts for `share`.

        Of evenly chosen ones some lie far off a ridge that got narrower: they stay there, or leave it with too much energy.
        """
        return self._likely((share - self.share) * self.core.sums(self.near)[1], CHAINS)

    def _likely(self, log_weights: FloatArray, n: int) -> FloatArray:
        """So many of the draws, (n, coordinate), each as often as its weight says."""
        return self.near[systematic(smoothed(log_weights)[0], n, self.task.random().spawn(11)[10])]

    def _choose(self) -> None:
        """A coreset that agrees with all rows at the draws."""
        task, rows = self.task, self.rows
        if len(rows.counts) <= PILOT_ROWS:
            core = rows
        else:
            n = n_pilots(self.near.shape[1])
            chosen = coreset(rows, self.near[np.linspace(0, len(self.near) - 1, n).round().astype(int)])
            core = RowLikelihood(task, chosen.data, chosen.counts, rows.level)
        self._take(core)

    def _take(self, core: RowLikelihood) -> None:
        """A coreset, by the coarsest rule that is fine enough for it at the draws; else by the best."""
        rows = self.rows
        tried: list[tuple[float, RowLikelihood]] = []
        for level in range(core.level, max(core.level + 1, core.n_levels - 1)):
            finer = replace(core, level=level)
            tried.append((finer.error(self.near), finer))
            if tried[-1][0] <= FINE:
                break
        # Points that reach farther out lie less densely: a finer rule may be the worse one here.
        core = min(reversed(tried), key=lambda one: one[0])[1]
        self.rows = replace(rows, level=core.level)
        self.core = core.seen_from(self.near.mean(axis=0))


def worths(n: float) -> list[float]:
    """What `n` rows count for in every stage, the last one included."""
    n_stages = max(1, int(np.ceil(np.log(n / PILOT_WORTH) / np.log(STEP))))
    return [float(PILOT_WORTH * (n / PILOT_WORTH) ** (stage / n_stages)) for stage in range(1, n_stages + 1)]

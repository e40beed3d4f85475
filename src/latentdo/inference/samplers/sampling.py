"""Ensemble HMC on one form of a block: run, judge, run longer from what was learned, until certified or out of budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from latentdo.models.build import NUMPY

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import ESS_LIMIT, RHAT_LIMIT
from ..blocks.draws import BlockDraws
from ..blocks.engines import CHAINS, CHUNK, Auto
from ..blocks.method import Method
from ..likelihood.density import AbstractForm, log_posterior
from ..likelihood.memory import chains_bytes, claim
from ..likelihood.task import Task
from .ensemble import AGAIN, FIRST_RUN, WARM_UP, ChainDraws, Ensemble
from .modes import Mode
from .outcome import from_chains
from .sign_symmetry import symmetries_of
from .starts import finite_starts

WARM_UP_AT_MODE = 160
LONG_FIRST_RUN = 400
"""Draws per chain of a first run whose transitions cost little: the whole fit, judged on other units, then passes too."""
MOST_TIMES = 1_000.0
JUDGED_EARLY = 120
"""Draws per chain after which a run is judged, for progress, if it takes longer than `LONG_RUN`."""
LONG_RUN = 10.0
"""Seconds."""
JUDGING = 0.04
"""Largest share of the time that judging early may take."""
BETTER = 0.9
"""Power of what is still needed that is left of it, because later runs mix better."""
SPARE_RHAT, SPARE_ESS = 0.85, 1.2
"""Shares of the limits that a run keeps to."""
AMPLE_RHAT, AMPLE_ESS = 0.5, 2.5
"""The same for a first run that ends early."""
FALL, HALVINGS = 8.0, 60
"""By how much a log density may fall over two of its axes at a mode: of a Gaussian it falls by two."""
LONGEST, SHORT_ROWS = 64, 5_000.0
"""Leapfrog steps that a transition takes at most where rows count for so many; beyond, ridges are narrower as a square root."""
SINGLE_ROWS = 4_096
"""Rows up to which float32 resolves a log posterior well enough."""

LESS_MEMORY = "Fit a sample of the rows, or train by ld.Nuts(chains=1), which needs less."


def longest(worth: float) -> int:
    """Leapfrog steps that a transition takes at most where rows count for so many."""
    return round(LONGEST * max(1.0, (worth / SHORT_ROWS) ** 0.5))


def run_lengths(engine: Auto, first: int = FIRST_RUN) -> tuple[int, int]:
    """Transitions of the warm-up and of the first run, within the budget."""
    half = engine.max_steps // 2 // CHUNK * CHUNK
    return min(WARM_UP, half), min(first, half)


def run_ensemble(
    task: Task,
    engine: Auto,
    form: AbstractForm,
    numbers: Any,
    words: str,
    *,
    single: bool = False,
    modes: tuple[Mode, ...] = (),
    near: FloatArray | None = None,
    at: FloatArray | None = None,
    turning: bool = True,
    longest: int = 64,
    first: int = FIRST_RUN,
    finish: Callable[[Task, ChainDraws, Method], BlockDraws] = from_chains,
    part: str = "",
) -> BlockDraws:
    """The block's draws from Markov chains on this form of its log posterior.

    Args:
        numbers: The numeric half of `form`.
        words: What the form leaves to the sampler, for the plan.
        single: Whether the arithmetic is float32: the form's numbers have no dimension, and it resolves the log posterior.
        modes: Around which chains start, as many around each as it has of the mass and one at least; without any they start
            all over the prior.
        near: Draws (draw, coordinate) of a density much like this one, from which they start instead.
        at: Those of them from which they start, one a chain; evenly chosen by default.
        turning: Whether the form's coordinates change sign with their latents.
        longest: Most leapfrog steps of a transition.
        first: Draws per chain of the first run, if the budget allows; fewer where these are certified with much to spare.
        finish: What is made of a run, and judged.
        part: Of the checkpoint: a block may be run on one form after another, and none may take up the state of another.
    """
    begun = time.perf_counter()
    claim(task, chains_bytes(task, form, numbers, CHAINS, engine.max_steps // 2), LESS_MEMORY)
    warm_up, first_run = run_lengths(engine, min(first, FIRST_RUN))
    first = run_lengths(engine, first)[1]
    starts, axes = _starting(task, form, numbers, modes, near, at)
    # Where the density is and how wide is known; what is left to learn is a step size and how far from a Gaussian it is.
    warm_up = warm_up if axes is None else min(warm_up, WARM_UP_AT_MODE)
    ensemble = Ensemble.start(
        form,
        numbers,
        starts,
        task.rows.n_stored if form.n_noise else 0,
        (task.seed, task.code),
        symmetries_of(task.layout, task.priors) if turning else (),
        warm_up=warm_up,
        length=first_run,
        single=single,
        axes=axes,
        n_placed=task.rows.n_stored if len(jax.devices()) > 1 else 0,
        longest=longest,
    )
    kept = task.checkpoint.part(f"ensemble-{type(form).__name__}{'-' if part else ''}{part}")
    if (state := kept.load()) is not None:
        ensemble.restore(state)
    # Another method may have been tried before, whose speed says nothing of this one.
    task.go_on(ensemble.share)
    compiling: float | None = None

    def judged() -> BlockDraws:
        method = Method(
            "ensemble HMC",
            of=words,
            chains=CHAINS,
            transitions=ensemble.length,
            warmup=ensemble.made - ensemble.length,
            draws=min(task.shape[1], ensemble.length),
        )
        return finish(task, ensemble.run(), method)

    outlook = _Outlook(ensemble, engine.max_steps, judged)
    while True:
        # A run that was killed right after its last transition is complete already.
        complete = ensemble.phase == "draw" and ensemble.left == 0
        while not complete:
            complete = ensemble.advance()
            compiling = time.perf_counter() - begun if compiling is None else compiling
            outlook.look(complete=complete)
            task.tell(outlook.share)
            kept.save(ensemble.state)
        result = judged()
        if ensemble.length < first:
            if is_comfortable(result, AMPLE_RHAT, AMPLE_ESS):
                break
            ensemble.go_on(first)
            continue
        needed = length_needed(result, ensemble.length)
        short = needed <= 2 * ensemble.length
        more = needed - ensemble.length if short else AGAIN + 2 * ensemble.length
        if is_comfortable(result) or ensemble.made + more > engine.max_steps:
            break
        if short:
            ensemble.go_on(needed)
        else:
            ensemble.extend(2 * ensemble.length)
        outlook.begin(needed)
    compiling = compiling or 0.0
    return replace(result, compile_seconds=compiling, sample_seconds=time.perf_counter() - begun - compiling)


def _shared(modes: tuple[Mode, ...]) -> list[Mode]:
    """The mode at which each chain starts: one at each, the others by mass."""
    masses = np.exp([mode.log_mass() - modes[0].log_mass() for mode in modes])
    ends = np.cumsum(masses / masses.sum()) * max(CHAINS - len(modes), 0)
    more = np.diff(ends.round().astype(int), prepend=0)
    return [mode for mode, n in zip(modes, more, strict=True) for _ in range(1 + n)][:CHAINS]


def scaled_by(near: FloatArray, at: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Where chains start (chain, coordinate), and how wide the density is there; see `run_ensemble`."""
    covariance = np.cov(near.T).reshape(2 * near.shape[1:]) + 1e-9 * np.eye(near.shape[1])
    starts = near[np.linspace(0, len(near) - 1, CHAINS).round().astype(int)] if at is None else at
    return starts, np.asarray(np.linalg.cholesky(covariance), dtype=float)


def _starting(
    task: Task,
    form: AbstractForm,
    numbers: Any,
    modes: tuple[Mode, ...],
    near: FloatArray | None,
    at: FloatArray | None,
) -> tuple[FloatArray, FloatArray | None]:
    """Where chains start (chain, coordinate), and how wide the density is there where that is known; see `run_ensemble`."""
    if near is not None:
        return scaled_by(near, at)
    if modes:
        # Around them, twice as far apart as Laplace's approximation has them.
        modes = tuple(_bounded(form, numbers, mode) for mode in modes)
        far = 2.0 * task.random().standard_normal((CHAINS, len(modes[0].point)))
        starts = np.array([mode.point + (far @ mode.axes.T)[k] for k, mode in enumerate(_shared(modes))])
        return starts, max(modes, key=Mode.log_mass).axes
    if not form.n_noise:
        # Looked at by this form where it has no noise, which may be far fewer numbers than the rows.
        points = task.starts(CHAINS)
        with np.errstate(all="ignore"):
            none = np.empty((0, 1))
            if any(np.isfinite(log_posterior(NUMPY, form, numbers, point, none)) for point in points):
                return points, None
    return finite_starts(task, CHAINS), None


def _bounded(form: AbstractForm, numbers: Any, mode: Mode) -> Mode:
    """The mode with axes that end where its density does: along a ridge that is flat there, curvature makes them endless."""
    if form.n_noise:
        return mode
    none = np.empty((0, 1))

    def height(point: FloatArray) -> float:
        with np.errstate(all="ignore"):
            return float(log_posterior(NUMPY, form, numbers, point, none))

    least = height(mode.point) - FALL
    axes = mode.axes.copy()
    for axis in axes.T:
        for _ in range(HALVINGS):
            if all(height(mode.point + side * axis) > least for side in (-2.0, 2.0)):
                break
            axis *= 0.5
    return replace(mode, axes=axes)


class _Outlook:
    """How many transitions will likely follow the present run: it says how far a block is, and changes nothing else.

    Args:
        judged: What is made of the draws so far.
    """

    def __init__(self, ensemble: Ensemble, most: int, judged: Callable[[], BlockDraws]) -> None:
        self._ensemble, self._most, self._judged = ensemble, most, judged
        self._due, self._draws = time.perf_counter() + LONG_RUN, JUDGED_EARLY
        self._more: int | None = None

    @property
    def share(self) -> float:
        """How much of all that is likely to come is done."""
        if self._more is not None:
            return self._ensemble.share_of(self._more)
        # Before any run is judged nobody knows; half as much again is usual.
        usual = (self._ensemble.warm_up + self._ensemble.length) / 2
        return self._ensemble.share_of(usual * self._ensemble.left_of_run)

    def look(self, *, complete: bool) -> None:
        """Judge a long run early, and again whenever it has twice as many draws, as long as that takes little time."""
        begun = time.perf_counter()
        if complete or self._ensemble.drawn < self._draws or begun < self._due:
            return
        self._reckon(length_needed(self._judged(), self._ensemble.drawn))
        ended = time.perf_counter()
        self._due, self._draws = ended + max(LONG_RUN, (ended - begun) / JUDGING), 2 * self._ensemble.drawn

    def begin(self, needed: int) -> None:
        """Another run begins, the last one having been judged to need so many draws per chain."""
        self._due, self._draws = time.perf_counter() + LONG_RUN, JUDGED_EARLY
        self._reckon(needed)

    def _reckon(self, needed: int) -> None:
        """Runs twice as long each time follow, each with the geometry of the one before and so mixing better."""
        length, more = self._ensemble.length, 0
        needed = round(length * (needed / length) ** BETTER) if needed > length else length
        budget = round(self._most - self._ensemble.made / max(self._ensemble.share, 0.01))
        while length < needed:
            step = needed - length if needed <= 2 * length else AGAIN + 2 * length
            if more + step > budget:
                break
            more, length = more + step, needed if needed <= 2 * length else 2 * length
        self._more = more


def is_comfortable(result: BlockDraws, rhat: float = SPARE_RHAT, ess: float = SPARE_ESS) -> bool:
    """Whether a run is certified with something to spare: the whole fit is judged once more, on other simulated units.

    Args:
        rhat, ess: Shares of the limits that it keeps to.
    """
    return result.certified and all(
        one.ess >= ess * ESS_LIMIT and (one.rhat is None or one.rhat - 1.0 <= rhat * (RHAT_LIMIT - 1.0))
        for one in result.diagnostics
    )


def length_needed(result: BlockDraws, length: int) -> int:
    """Draws per chain with which this run would be certified, if all that it lacks is length.

    The part of R-hat that is chance falls as 1 / length, ESS rises with it.
    """
    times = [1.25]
    for one in result.diagnostics:
        times += [1.1 * SPARE_ESS * ESS_LIMIT / max(one.ess, 1.0)]
        times += [] if one.rhat is None else [1.1 * (one.rhat - 1.0) / (SPARE_RHAT * (RHAT_LIMIT - 1.0))]
    most = max(times) if np.isfinite(times).all() else MOST_TIMES
    return -(-round(length * min(most, MOST_TIMES)) // CHUNK) * CHUNK

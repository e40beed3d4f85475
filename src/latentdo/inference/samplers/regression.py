"""One-equation blocks: the modes, and importance sampling from Student laws around them. Milliseconds, and independent draws.

All in NumPy: compiling would cost more than the rest. However many rows a normal node has, its sufficient statistics are
few; the likelihood of another long column is replaced by a cubic around the mode, if that is exact enough.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import logsumexp

from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import KHAT_LIMIT
from ..blocks.draws import BlockDraws
from ..blocks.engines import CHAINS, CHUNK, Auto, Engine
from ..blocks.method import Method
from ..likelihood.assembly import assemble
from ..likelihood.certify import LIKELIHOOD_ROWS
from ..likelihood.density import AbstractForm, Layout, Numbers, unpack
from ..likelihood.memory import claim
from ..likelihood.task import Task
from .conjugate import normal_posterior
from .equation import Equation, covers
from .importance import Mixture, SplitStudent, around, fit_surrogate, fitted, smoothed
from .modes import LogDensity, Mode, climb, newton, numbers_only
from .near_gaussian import NearGaussian
from .outcome import from_chains, from_independent
from .sampling import is_comfortable, length_needed
from .sign_symmetry import SignSymmetry, turned

CELLS = 250_000
"""Cells (draws x rows) that are in memory at a time."""
STRIP = 32_000
"""Rows that are computed together."""
EXACT_CELLS = 40_000_000
"""Cells in all up to which every draw is weighted by a pass over the rows."""
FEW_DRAWS = 1_000
"""Draws where every one needs a pass over many rows."""
TOLERANCE = 0.1
"""Largest error of a log weight by the cubic."""
SUBSAMPLE = 5_000
"""Rows on which modes are first looked for, where there are many more."""
MANY_COORDINATES = 64
"""Free coordinates beyond which derivatives are exact: by differences they take a density per pair of coordinates."""
CUBIC_COORDINATES = 20
"""Free coordinates up to which a cubic stands for a long column: it has 1,770 coefficients, with 64 coordinates 47,904."""
WARM_UP, FIRST_RUN = 100, 300
"""Transitions of chains around a mode."""
GOOD_KHAT = 0.5
LOT, FIRST_LOTS, MOST_LOTS = 1_000, 3, 12
FIRST_SHARE, LEAST_SHARE = 0.02, 0.1
"""Effective draws per draw below which adaptive proposals are not gone on with: of the first lot, and of the first lots."""
ROUNDS = 3
"""Proposals tried: around the modes, then refitted to the draws so far."""


@dataclass(frozen=True, eq=False)
class WeightedDraws:
    """Draws of a proposal (draw, coordinate), their log weights, and how good these are."""

    u: FloatArray
    log_weights: FloatArray
    khat: float
    effective: float

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The better trusted first, then the more effective draws."""
        trusted = self.khat < KHAT_LIMIT
        return (self.khat < GOOD_KHAT, trusted, self.effective if trusted else -self.khat)


def regression(task: Task, engine: Engine) -> BlockDraws | str:
    """A single measured node without latent parents; one with very many coordinates by chains that start at its mode.

    Source:
        Geweke (1989), Bayesian inference in econometric models using Monte Carlo integration; certified as in Vehtari,
        Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling.
    """
    if not task.is_equation:
        return "the block has latent nodes"
    if is_large(task):
        return _of_many_coordinates(task, engine)
    exact = log_density_of(task)
    modes = find_modes(task, exact, None if _normal(task) else sample_of_rows(task))
    if not modes:
        return "no mode of the posterior was found"
    density, n_draws, how = _weighing(task, exact, modes)
    weighted = importance_sample(density, modes, n_draws, task.random().spawn(2)[1], exact)
    where = "the mode" if len(modes) == 1 else f"{len(modes)} modes"
    method = Method("importance sampling", of=f"around {where}", draws=n_draws, note=how)
    return from_independent(task, weighted.u, method, log_weights=weighted.log_weights)


def _of_many_coordinates(task: Task, engine: Engine) -> BlockDraws | str:
    """By a closed form, or by chains around the only mode: with so many coordinates hardly a draw around it would count."""
    assert isinstance(engine, Auto)
    claim(task, _bytes(task), "Fit a sample of the rows, or give the node fewer parents or levels.")
    equation = equation_of(task, task.rows)
    u = normal_posterior(equation, task.n_kept, task.random())
    if not isinstance(u, str):
        method = Method("conjugate", of="normal posterior of the coefficients, by the posterior of the sd")
        return from_independent(task, u, method)
    modes = find_modes(task, equation.log_density, None)
    if len(modes) != 1:
        return "there are several modes" if modes else "no mode of the posterior was found"
    return _chains_around(task, engine, equation, modes[0])


def _chains_around(task: Task, engine: Auto, equation: Equation, mode: Mode) -> BlockDraws:
    """Chains around a mode, until they are certified or out of budget."""
    begun = time.perf_counter()
    half = engine.max_steps // 2 // CHUNK * CHUNK
    warm_up, length = min(WARM_UP, half), min(FIRST_RUN, half)
    planned = warm_up + length

    def slopes(u: FloatArray) -> tuple[FloatArray, FloatArray]:
        task.check()
        return equation.slopes(u)

    chains = NearGaussian.start(slopes, mode, CHAINS, (task.seed, task.code, 3))
    checkpoint = task.checkpoint.part("near-gaussian")
    if (state := checkpoint.load()) is not None:
        chains.restore(state)
        task.go_on((warm_up + chains.length) / planned)
    else:
        chains.warm_up(warm_up)
    sample = equation_of(task, _judged(task))
    while True:
        while chains.length < length:
            chains.advance(CHUNK)
            checkpoint.save(chains.state)
            task.tell((warm_up + chains.length) / (warm_up + length))
        method = Method(
            "ensemble HMC",
            of="parameters, from the mode",
            chains=CHAINS,
            transitions=length,
            warmup=warm_up,
            draws=min(task.shape[1], length),
        )
        result = from_chains(task, chains.run(), method, sample.log_likelihood)
        longer = length_needed(result, length)
        if is_comfortable(result) or warm_up + longer > engine.max_steps:
            return replace(result, sample_seconds=time.perf_counter() - begun)
        length = longer


def _judged(task: Task) -> Dataset:
    """The rows whose log likelihood the chains are judged by: all, or a sample where they are many."""
    rows = task.rows
    if rows.n_stored <= LIKELIHOOD_ROWS:
        return rows
    weights = rows.weights / rows.weights.sum()
    picked = rows.picked(task.random().choice(rows.n_stored, size=LIKELIHOOD_ROWS, p=weights))
    return replace(picked, weights=np.ones(LIKELIHOOD_ROWS))


def _bytes(task: Task) -> float:
    """What a node with very many coordinates needs: its matrices, its rows and its draws."""
    n, rows = task.layout.n_free, task.rows.n_stored
    return 8.0 * (12.0 * n**2 + 4.0 * rows * (len(task.names) + CHAINS) + 6.0 * task.n_kept * n)


def equation_of(task: Task, rows: Dataset, times: float = 1.0) -> Equation:
    """The log posterior of a block of one equation as matrices.

    Args:
        times: What the rows count for.
    """
    layout, numbers = assemble(task.spec, task.block, task.coordinates, rows)
    return Equation.of(layout.nodes[0], numbers._replace(weights=times * numbers.weights))


def importance_sample(
    density: LogDensity,
    modes: tuple[Mode, ...],
    n_draws: int,
    random: np.random.Generator,
    exact: LogDensity,
    sides: tuple[SignSymmetry, ...] = (),
) -> WeightedDraws:
    """Weighted draws around the modes, the best of a few proposals.

    Args:
        density: What the draws are weighted by.
        exact: What the widths of the first proposal are taken from: far from the mode it may differ from `density`.
        sides: Symmetries of both densities: a draw counts for all of its reflections, and is turned to one side.
    """
    proposal = around(modes, exact)
    best: WeightedDraws | None = None
    for _ in range(ROUNDS):
        u = turned(proposal.draw(n_draws, random), sides)
        log_weights = density(u) - on_all_sides(proposal, u, sides)
        weights, khat = smoothed(log_weights)
        drawn = WeightedDraws(u, log_weights, khat, 1.0 / float((weights**2).sum()))
        best = drawn if best is None else max(best, drawn, key=lambda draws: draws.rank)
        if khat < GOOD_KHAT and drawn.effective >= 0.25 * n_draws:
            break
        refitted = fitted(u, weights) if np.isfinite(khat) else None
        if refitted is None:
            break
        proposal = proposal.joined(refitted)
    assert best is not None
    return best


def adapted_sample(
    density: LogDensity, mode: Mode, random: np.random.Generator, least: float, sides: tuple[SignSymmetry, ...] = ()
) -> WeightedDraws | None:
    """Weighted draws around a mode, as many as make `least` effective ones, by proposals fitted to all draws so far.

    None where the density is far from what the mode says: proposals would be fitted to the part that was found alone.

    Source:
        Cornuet, Marin, Mira & Robert (2012), Adaptive multiple importance sampling: each draw is weighted by the mixture of all
        proposals.
    """
    proposals = [around((mode,), density)]
    points, densities = [], []
    for lot in range(1, MOST_LOTS + 1):
        points.append(turned(proposals[-1].draw(LOT, random), sides))
        densities.append(density(points[-1]))
        u = np.concatenate(points)
        by_proposal = np.stack([on_all_sides(part, u, sides) for part in proposals])
        log_weights = np.concatenate(densities) - logsumexp(by_proposal, axis=0)
        weights, khat = smoothed(log_weights)
        effective = 1.0 / float((weights**2).sum())
        poor = effective < (LEAST_SHARE if lot > FIRST_LOTS else FIRST_SHARE) * len(u)
        if khat < KHAT_LIMIT and effective >= least:
            # The last proposal alone, fitted to all that was found, must be good: what was not found would be seen by it.
            alone = smoothed(densities[-1] - by_proposal[-1, -LOT:])[0]
            poor |= (alone**2).sum() * LEAST_SHARE * LOT > 1.0
            if not poor:
                return WeightedDraws(u, log_weights, khat, effective)
        refitted = fitted(u, weights) if np.isfinite(khat) else None
        if poor or refitted is None:
            return None
        proposals.append(Mixture((refitted,), np.ones(1)))
    return None


def on_all_sides(proposal: Mixture | SplitStudent, u: FloatArray, sides: tuple[SignSymmetry, ...]) -> FloatArray:
    """The log density of a proposal at points and at their reflections, added up."""
    signs = np.ones((1, u.shape[1]))
    for symmetry in sides:
        other = signs.copy()
        other[:, list(symmetry.coordinates)] *= -1.0
        signs = np.concatenate([signs, other])
    return np.asarray(logsumexp(np.stack([proposal.log_density(u * sign) for sign in signs]), axis=0), dtype=float)


def _weighing(task: Task, exact: LogDensity, modes: tuple[Mode, ...]) -> tuple[LogDensity, int, str]:
    """What draws are weighted by, how many to take at what that costs, and how in words."""
    n_draws = 2 * task.n_kept
    if _normal(task) or task.rows.n_stored * n_draws <= EXACT_CELLS:
        return exact, n_draws, ""
    cubic = None
    if len(modes) == 1:
        random = task.random().spawn(3)[2]
        cubic = fit_surrogate(lambda u: exact(u) - _log_prior(task, u), modes[0], random)
    if cubic is None or cubic.error > TOLERANCE:
        return exact, FEW_DRAWS, ""
    how = f" weighted by a cubic through {cubic.n_points} log likelihoods (error {cubic.error:.1g})"
    return lambda u: cubic(u) + _log_prior(task, u), n_draws, how


def find_modes(task: Task, density: LogDensity, sampled: LogDensity | None) -> tuple[Mode, ...]:
    """The modes reached from dispersed starts, the highest first; those that weigh next to nothing are left out.

    Args:
        sampled: The density by a sample of the rows: it says roughly where to look, and the last steps are taken with all.
    """
    if is_large(task):
        modes = _by_newton(task)
    else:
        first = density if sampled is None else sampled
        modes = distinct([climb(first, start) for start in _starts(task, first)])
        if sampled is not None:
            narrower = np.sqrt(SUBSAMPLE / task.rows.n_stored)
            modes = distinct([climb(density, mode.point, mode.axes * narrower) for mode in modes])
    if not modes:
        return ()
    heaviest = max(mode.log_mass() for mode in modes)
    return tuple(mode for mode in modes if mode.log_mass() > heaviest - 12.0)


def _starts(task: Task, density: LogDensity) -> FloatArray:
    """Dispersed points to climb from: the best of them, and three taken as they come."""
    starts = task.starts(64)
    values = density(starts)
    order = [int(k) for k in np.argsort(-values) if np.isfinite(values[k])]
    return starts[list(dict.fromkeys([*order[:1], *[k for k in range(3) if k in order]]))]


def _by_newton(task: Task) -> list[Mode]:
    """The modes of an equation with very many coordinates, first by a sample of the rows where these are many."""
    rows = task.rows
    sampled = rows.n_stored > 4 * SUBSAMPLE
    if sampled:
        index = task.random().choice(np.flatnonzero(rows.weights > 0), size=SUBSAMPLE, replace=False)
        rows = rows.picked(index)
    first = equation_of(task, rows, task.rows.n_rows / rows.n_rows)
    modes = distinct([_climbed(first, start) for start in _starts(task, first.log_density)])
    if not sampled:
        return modes
    equation = equation_of(task, task.rows)
    return distinct([_climbed(equation, mode.point) for mode in modes])


def _climbed(equation: Equation, start: FloatArray) -> Mode | None:
    return newton(equation.log_density, equation.derivatives, start)


def is_large(task: Task) -> bool:
    """Whether a block of one equation has so many coordinates that differences and importance sampling do not serve."""
    if not task.is_equation or not covers(task.layout.nodes[0].family):
        return False
    long = not _normal(task) and task.rows.n_stored * 2 * task.n_kept > EXACT_CELLS
    return task.layout.n_free > (CUBIC_COORDINATES if long else MANY_COORDINATES)


def distinct(modes: list[Mode | None]) -> list[Mode]:
    """Modes that are not the same point reached twice, the highest first."""
    kept: list[Mode] = []
    for mode in sorted((mode for mode in modes if mode is not None), key=lambda mode: -mode.height):
        distances = [np.linalg.norm(np.linalg.solve(other.axes, mode.point - other.point)) for other in kept]
        if all(distance > 0.5 for distance in distances):
            kept.append(mode)
    return kept


def log_density_of(task: Task) -> LogDensity:
    """The log posterior of the block's free coordinates."""
    return _by_moments(task) if _normal(task) else by_rows(task, task.rows)


def density_of(form: AbstractForm, numbers: Any) -> LogDensity:
    """The log posterior by a form that leaves no noise."""

    def density(u: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            log_prior, rows = form.log_parts(NUMPY, numbers, u, np.empty((0, 1)))
            return numbers_only(log_prior + rows.sum(axis=-1))

    return density


def _normal(task: Task) -> bool:
    return task.layout.nodes[0].family.linear_gaussian


def _log_prior(task: Task, u: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        (at,) = unpack(NUMPY, task.layout, task.numbers, u)
        return numbers_only(np.asarray(at.log_prior))


def by_rows(task: Task, rows: Dataset, times: float = 1.0) -> LogDensity:
    """Row by row, a strip of rows and some draws at a time; the noise of latents at 0.

    Args:
        times: What the rows count for.
    """
    strips = strips_of(task, rows)
    width = min(STRIP, rows.n_stored)
    size = max(1, CELLS // width)

    def density(u: FloatArray) -> FloatArray:
        total = np.zeros(len(u))
        with np.errstate(all="ignore"):
            for begin in range(0, len(u), size):
                part = u[begin : begin + size, None, :]
                log_prior = np.zeros(len(part))
                for layout, numbers in strips:
                    noise = np.zeros((layout.n_noise, len(numbers.weights)))
                    priors, each = layout.log_parts(NUMPY, numbers, part, noise)
                    total[begin : begin + size] += times * each.sum(axis=-1)
                    log_prior = priors[:, 0]
                total[begin : begin + size] += log_prior
        return numbers_only(total)

    return density


def strips_of(task: Task, rows: Dataset) -> list[tuple[Layout, Numbers]]:
    """Both halves of the block's density, for a strip of rows at a time."""
    starts = range(0, rows.n_stored, STRIP)
    parts = [rows.picked(np.arange(begin, min(begin + STRIP, rows.n_stored))) for begin in starts]
    return [assemble(task.spec, task.block, task.coordinates, part) for part in parts]


def sample_of_rows(task: Task) -> LogDensity | None:
    """The log posterior with a sample of the rows in place of all; None where they are few."""
    rows = task.rows
    if rows.n_stored <= 4 * SUBSAMPLE:
        return None
    index = task.random().choice(np.flatnonzero(rows.weights > 0), size=SUBSAMPLE, replace=False)
    sample = rows.picked(index)
    return by_rows(task, sample, rows.n_rows / sample.n_rows)


def _by_moments(task: Task) -> LogDensity:
    """A normal node by its sufficient statistics: Σ w (y - Xb)² = residual sum of squares + (b - b̂)' X'WX (b - b̂)."""
    layout, numbers = task.layout, task.numbers
    own, weights = numbers.nodes[0], numbers.weights
    x = np.column_stack([np.ones(len(weights)), own.design.T])
    root = np.sqrt(weights)
    triangle = np.asarray(np.linalg.qr(x * root[:, None], mode="r"), dtype=float)
    best = np.linalg.lstsq(x * root[:, None], own.y * root, rcond=None)[0]
    residual = float(weights @ (own.y - x @ best) ** 2)
    n = float(weights.sum())

    def density(u: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            (at,) = unpack(NUMPY, layout, numbers, u)
            sd = at.parameters["sd"]
            moved = np.broadcast_to(at.sampled, (len(u), len(best))) - best
            squares = residual + np.sum((moved @ triangle.T) ** 2, axis=1)
            return numbers_only(at.log_prior - 0.5 * squares / sd**2 - n * np.log(sd))

    return density

"""Importance sampling along curved ridges: local Gaussians side by side, one more wherever the draws so far weigh too much.

Where the data leave directions open the posterior of a million rows is a thin curved sheet, along which no chain gets far. How
thin it is and where it turns is known from the Fisher information of the rows, which takes as many values as there are
coordinates.

Source:
    Raftery & Bao (2010), Estimating and projecting trends in HIV/AIDS generalized epidemics using incremental mixture importance
    sampling, §2.3; the new component's covariance is that of Gauss and Newton in place of the nearest draws'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import logsumexp

from latentdo.tables import IntArray

from ..blocks.coordinates import FloatArray
from .importance import SplitStudent, around, smoothed, split_student
from .modes import LONGEST, LogDensity, Mode
from .regression import WeightedDraws, on_all_sides
from .sign_symmetry import SignSymmetry, turned

Features = Callable[[FloatArray], FloatArray]
"""(point, coordinate) -> (point, feature): numbers that the law of the rows depends on, in which the Fisher information of n rows
is about n times the identity."""

FIRST_DRAWS, MORE_DRAWS = 4_000, 1_000
"""Draws of the first components together, and of each that is added."""
MOST_PARTS, MOST_WORK = 150, 120_000
"""Components at most, and components times the square of the number of coordinates."""
PATIENCE, LEAST_GAIN = 20, 1.3
"""Components after which the number of effective draws must have grown so many times, or no more are added."""
SPARE_KHAT, SPARE_EFFECTIVE = 0.3, 2_000.0
"""What the weights must reach for no more components to be added."""
RECENT, SETTLED = 15, 0.03
"""Components over which the log of the mean weight may change by so much: it grows as long as parts of the ridge are missing, of
which the weights of the draws elsewhere say nothing."""
STEP, PRIOR_STEP = 1e-5, 0.05
"""Steps of the differences, in units of the density's width at the mode."""
PINNED = 0.7
"""Share of the rows in what is known of a direction from which on a component is moved along it to its best value."""
NEWTON_STEPS = 3
SHARES = np.array([1.0, 0.5, 0.25, 0.1, 0.03])
"""Of a Newton step, the largest that leads higher is taken."""
CLOSE = 0.1
LEAST_PRECISION = 1e-3


@dataclass(frozen=True, eq=False)
class Target:
    """A posterior given independent rows.

    Attributes:
        density: Its log, at points.
        log_prior: That of the prior.
        features: Of the law of the rows.
        n_rows: Number of rows.
    """

    density: LogDensity
    log_prior: LogDensity
    features: Features
    n_rows: float


def along_ridges(
    target: Target,
    modes: tuple[Mode, ...],
    random: np.random.Generator,
    sides: tuple[SignSymmetry, ...],
    tell: Callable[[float], None],
) -> WeightedDraws | None:
    """Weighted draws of all components, each weighted by the mixture of them all; None where parts may be missing.

    Args:
        sides: Symmetries of the density: a draw counts for all of its reflections, and is turned to one side.
        tell: Told the share of components made.
    """
    first = around(modes, target.density)
    counts = np.diff(np.round(np.cumsum(first.shares) * FIRST_DRAWS), prepend=0.0).astype(int)
    drawn = _Drawn(target, random, sides, np.zeros((0, len(modes[0].point))))
    drawn.add(first.parts, counts)
    most = min(MOST_PARTS, MOST_WORK // len(modes[0].point) ** 2)
    effective: list[float] = []
    log_means: list[float] = []
    while True:
        result = drawn.weighted()
        effective.append(result.effective)
        log_means.append(float(np.asarray(logsumexp(result.log_weights))) - np.log(len(result.u)))
        settled = len(log_means) > RECENT and abs(log_means[-1] - log_means[-1 - RECENT]) < SETTLED
        tell(len(effective) / (most + 1))
        stuck = settled and len(effective) > PATIENCE and effective[-1] < LEAST_GAIN * max(effective[:-PATIENCE])
        enough = settled and result.khat < SPARE_KHAT and effective[-1] > SPARE_EFFECTIVE
        if enough or stuck or len(effective) >= most:
            return result if settled else None
        mode = scored(target, result.u[int(np.argmax(result.log_weights))], modes[0].axes, NEWTON_STEPS, PINNED)
        if mode is None:
            return None
        drawn.add((split_student(mode, target.density),), np.array([MORE_DRAWS]))


@dataclass(eq=False)
class _Drawn:
    """Components and their draws.

    Attributes:
        sides: See `along_ridges`.
        u: (draw, coordinate).
        values: The log density of the target at each.
        log_proposal: The log of the sum of all components' densities, each times its number of draws.
    """

    target: Target
    random: np.random.Generator
    sides: tuple[SignSymmetry, ...]
    u: FloatArray
    parts: list[SplitStudent] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    values: FloatArray = field(default_factory=lambda: np.zeros(0))
    log_proposal: FloatArray = field(default_factory=lambda: np.zeros(0))

    def add(self, parts: Sequence[SplitStudent], counts: IntArray) -> None:
        """Draw from more components, so many times from each."""
        new = turned(
            np.concatenate([part.draw(n, self.random) for part, n in zip(parts, counts, strict=True)]), self.sides
        )
        heights = [on_all_sides(part, self.u, self.sides) + np.log(n) for part, n in zip(parts, counts, strict=True)]
        old = _log_sum([self.log_proposal, *heights])
        self.parts, self.counts = [*self.parts, *parts], [*self.counts, *counts]
        heights = [
            on_all_sides(part, new, self.sides) + np.log(n) for part, n in zip(self.parts, self.counts, strict=True)
        ]
        self.log_proposal = np.concatenate([old, _log_sum(heights)])
        self.u, self.values = np.concatenate([self.u, new]), np.concatenate([self.values, self.target.density(new)])

    def weighted(self) -> WeightedDraws:
        """The draws so far."""
        log_weights = self.values - self.log_proposal + np.log(len(self.u))
        weights, khat = smoothed(log_weights)
        return WeightedDraws(self.u, log_weights, khat, 1.0 / float((weights**2).sum()))


def _log_sum(logs: Sequence[FloatArray]) -> FloatArray:
    return np.asarray(logsumexp(np.array(logs), axis=0), dtype=float)


def scored(target: Target, point: FloatArray, axes: FloatArray, steps: int, pinned: float = 0.0) -> Mode | None:
    """The point reached from another by Fisher's scoring, as wide as rows and prior say; None where derivatives are not finite.

    Args:
        axes: The unit of differences.
        steps: At most.
        pinned: Share of the rows in what is known of a direction below which the point is not moved along it.
    """
    wide = axes
    for _ in range(steps):
        slopes = _slopes(target.features, point, axes)
        gradient = _slopes(lambda u: target.density(u)[:, None], point, axes)[0]
        precision = np.diag(_prior_precision(target.log_prior, point, axes))
        if not (np.isfinite(slopes).all() and np.isfinite(gradient).all() and np.isfinite(precision).all()):
            return None
        told = target.n_rows * slopes.T @ slopes
        known, turn = np.linalg.eigh(told + precision)
        wide = axes @ turn / np.sqrt(known)
        told_along = np.sum(turn * (told @ turn), axis=0)
        move = np.where(told_along >= pinned * known, turn.T @ gradient / np.sqrt(known), 0.0)
        move = np.clip(move, -LONGEST, LONGEST) if pinned == 0.0 else move
        candidates = np.concatenate([point[None], point + SHARES[:, None] * (wide @ move)])
        heights = target.density(candidates)
        higher = np.flatnonzero(heights[1:] >= heights[0])
        if not len(higher):
            break
        point = candidates[1 + higher[0]]
        if np.linalg.norm(move) < CLOSE:
            break
    return Mode(point, float(target.density(point[None])[0]), wide)


def _slopes(values: Callable[[FloatArray], FloatArray], point: FloatArray, axes: FloatArray) -> FloatArray:
    """Derivatives of (point, value) along the axes at a point, (value, axis)."""
    steps = STEP * np.concatenate([np.eye(len(point)), -np.eye(len(point))])
    up, down = np.split(values(point + steps @ axes.T), 2)
    return (up - down).T / (2.0 * STEP)


def _prior_precision(log_prior: LogDensity, point: FloatArray, axes: FloatArray) -> FloatArray:
    """How sharply the prior bends along each axis, at least a little, (axis,)."""
    p = len(point)
    steps = PRIOR_STEP * np.concatenate([np.zeros((1, p)), np.eye(p), -np.eye(p)])
    values = log_prior(point + steps @ axes.T)
    bend = 2.0 * values[0] - values[1 : p + 1] - values[p + 1 :]
    return np.maximum(bend / PRIOR_STEP**2, LEAST_PRECISION)

"""Importance sampling along curved ridges: local Gaussians side by side, one more wherever the draws so far weigh too much.

Where the data leave directions open the posterior of a million rows is a thin curved sheet, along which no chain gets far. How
thin it is and where it turns is known from the Fisher information of the rows, which takes as many values as there are
coordinates.

Source:
    Raftery & Bao (2010), Estimating and projecting trends in HIV/AIDS generalized epidemics using incremental mixture importance
    sampling, §2.3; the new component's covariance is that of Gauss and Newton in place of the nearest draws'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ..blocks.coordinates import FloatArray
from .contraction import Features
from .importance import SplitStudent, around, smoothed, split_student
from .modes import LogDensity, Mode
from .regression import WeightedDraws, on_all_sides
from .sign_symmetry import SignSymmetry, turned

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
    parts = list(first.parts)
    counts: list[float] = np.diff(np.round(np.cumsum(first.shares) * FIRST_DRAWS), prepend=0.0).tolist()
    u = np.zeros((0, len(modes[0].point)))
    values, heights = np.zeros(0), np.zeros((0, 0))
    effective: list[float] = []
    log_means: list[float] = []
    most = min(MOST_PARTS, MOST_WORK // u.shape[1] ** 2)
    while True:
        fresh = parts[len(heights) :]
        drawn = [part.draw(int(n), random) for part, n in zip(fresh, counts[len(heights) :], strict=True)]
        new = turned(np.concatenate(drawn), sides)
        # (component, draw): of the old ones at the new draws, and of the new ones at all.
        old = _heights(parts[: len(heights)], new, sides)
        u, values = np.concatenate([u, new]), np.concatenate([values, target.density(new)])
        heights = np.concatenate([np.concatenate([heights, old], axis=1), _heights(fresh, u, sides)])
        log_shares = np.log(np.array(counts) / np.sum(counts))
        log_weights = values - np.asarray(logsumexp(heights + log_shares[:, None], axis=0), dtype=float)
        weights, khat = smoothed(log_weights)
        effective.append(1.0 / float((weights**2).sum()))
        log_means.append(float(np.asarray(logsumexp(log_weights))) - np.log(len(u)))
        result = WeightedDraws(u, log_weights, khat, effective[-1])
        settled = len(log_means) > RECENT and abs(log_means[-1] - log_means[-1 - RECENT]) < SETTLED
        tell(len(effective) / (most + 1))
        stuck = settled and len(effective) > PATIENCE and effective[-1] < LEAST_GAIN * max(effective[:-PATIENCE])
        if (settled and khat < SPARE_KHAT and effective[-1] > SPARE_EFFECTIVE) or stuck or len(effective) >= most:
            return result if settled else None
        part = _part_near(target, modes[0].axes, u[int(np.argmax(log_weights))])
        if part is None:
            return None
        parts.append(part)
        counts.append(float(MORE_DRAWS))


def _heights(parts: list[SplitStudent], u: FloatArray, sides: tuple[SignSymmetry, ...]) -> FloatArray:
    """The log density of each component at points and their reflections, (component, draw)."""
    return np.array([on_all_sides(part, u, sides) for part in parts]).reshape(len(parts), len(u))


def _part_near(target: Target, axes: FloatArray, point: FloatArray) -> SplitStudent | None:
    """A component on the ridge beside a point; None where derivatives are not finite.

    Args:
        axes: How wide the density is at the mode: the unit of differences.
    """
    p = len(point)
    wide = np.zeros((p, p))
    for _ in range(NEWTON_STEPS):
        slopes = _slopes(target.features, point, axes)
        gradient = _slopes(lambda u: target.density(u)[:, None], point, axes)[0]
        precision = np.diag(_prior_precision(target.log_prior, point, axes))
        if not (np.isfinite(slopes).all() and np.isfinite(gradient).all() and np.isfinite(precision).all()):
            return None
        told = target.n_rows * slopes.T @ slopes
        known, turn = np.linalg.eigh(told + precision)
        wide = axes @ turn / np.sqrt(known)
        pinned = np.sum(turn * (told @ turn), axis=0) > PINNED * known
        move = np.where(pinned, turn.T @ gradient / np.sqrt(known), 0.0)
        candidates = np.concatenate([point[None], point + SHARES[:, None] * (wide @ move)])
        heights = target.density(candidates)
        higher = np.flatnonzero(heights[1:] >= heights[0])
        if not len(higher):
            break
        point = candidates[1 + higher[0]]
        if np.linalg.norm(move) < CLOSE:
            break
    mode = Mode(point, float(target.density(point[None])[0]), wide)
    return split_student(mode, target.density)


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

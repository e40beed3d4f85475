"""How a quantile over experiments changes with their size: a line, robust to odd experiments, and its own uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BOOTSTRAPS = 400
STEPS = 36
"""Of the search for the slope: each shrinks its range to 0.618 of itself, so that 3e-8 of it is left."""
GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, eq=False)
class Law:
    """The line y = height - slope x at one quantile of y; the first entry is the estimate, the others are its bootstrap.

    Attributes:
        tau: Which quantile.
        x, y: One per experiment.
        weights: (line, experiment), of each experiment in each line.
    """

    tau: float
    heights: FloatArray
    slopes: FloatArray
    x: FloatArray
    y: FloatArray
    weights: FloatArray

    def value(self, x: float) -> FloatArray:
        """The quantile at x, per line."""
        return self.heights - self.slopes * x

    def place(self, y: float) -> FloatArray:
        """Where the quantile is y, per line; infinite where it does not fall."""
        with np.errstate(all="ignore"):
            return np.where(self.slopes > 0, (self.heights - y) / self.slopes, np.inf)

    def share_below(self, x: float, y: float) -> FloatArray:
        """The share of experiments at x that are at most y, per line: each is moved along the line from its own x."""
        moved = self.y + self.slopes[:, None] * (self.x - x)
        return (self.weights * (moved <= y)).sum(axis=1) / self.weights.sum(axis=1)


def fit_law(
    x: FloatArray, y: FloatArray, nearness: FloatArray, tau: float, random: np.random.Generator, *, n: int = BOOTSTRAPS
) -> Law:
    """The line through a quantile of experiments, and those of bootstrap samples drawn within each size.

    Args:
        x: One per experiment, one value for all of a size.
        y: One per experiment.
        nearness: The weight of each experiment: a line is only locally right.
        tau: The quantile, between 0 and 1.
        n: Bootstrap samples.

    Source:
        Koenker & Bassett (1978), Regression quantiles; the loss is convex in the slope once the height is the weighted
        quantile of what is left, so that a golden-section search over slopes finds the minimum.
    """
    counts = np.ones((1 + n, len(x)))
    for own in np.unique(x):
        chosen = np.flatnonzero(x == own)
        counts[1:, chosen] = random.multinomial(len(chosen), np.full(len(chosen), 1 / len(chosen)), size=n)
    weights = counts * nearness
    centre, span = x.mean(), np.ptp(x)
    most = 10.0 * (np.ptp(y) + 1e-12) / span
    low, high = np.full(1 + n, -most), np.full(1 + n, most)
    for _ in range(STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        worse = _loss(x - centre, y, weights, tau, left)[0] > _loss(x - centre, y, weights, tau, right)[0]
        low, high = np.where(worse, left, low), np.where(worse, high, right)
    slopes = (low + high) / 2
    heights = _loss(x - centre, y, weights, tau, slopes)[1] + slopes * centre
    return Law(tau, heights, slopes, x, y, weights)


def _loss(
    x: FloatArray, y: FloatArray, weights: FloatArray, tau: float, slopes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The check loss of each slope with the best height, and that height."""
    rest = y + slopes[:, None] * x
    order = np.argsort(rest, axis=1)
    sorted_rest = np.take_along_axis(rest, order, axis=1)
    running = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    # Rounding must not push the quantile past the last experiment.
    place = np.argmax(running >= tau * running[:, -1:] * (1 - 1e-12), axis=1)
    height = np.take_along_axis(sorted_rest, place[:, None], axis=1)
    above = rest - height
    return (weights * above * (tau - (above < 0))).sum(axis=1), height[:, 0]

"""How a quantile over experiments changes with their size: a line, robust to odd experiments, and its own uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from latentdo.arrays import FloatArray

BOOTSTRAPS = 400
STEPS, FEWER = 36, 18
"""Of the search for the slope, and of one around a slope that is known: each shrinks its range to 0.618 of itself."""
AROUND = 6.0
"""Standard errors on each side of a known slope that are searched."""
GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
SHOWN = 5.0
"""Experiments beyond a quantile from which on they show by themselves where it lies."""
MOST_SKEWED = 1.5
"""Skewness that is believed of results whose quantile follows from moments."""


@dataclass(frozen=True, eq=False)
class Law:
    """The line y = height - slope x at one quantile of y; the first entry is the estimate, the others say how sure it is.

    Attributes:
        tau: Which quantile.
        centres: Heights of the line through the medians.
        offsets: From the medians to the quantile.
        slopes: Of both.
        x: One per experiment.
        y: (line, experiment); infinite where an experiment has no result.
        weights: One per experiment.
        by_moments: Whether too few experiments lie beyond the quantile to show it, so that it is read from their moments.
    """

    tau: float
    centres: FloatArray
    offsets: FloatArray
    slopes: FloatArray
    x: FloatArray
    y: FloatArray
    weights: FloatArray
    by_moments: bool

    @property
    def heights(self) -> FloatArray:
        """Of the line at the quantile."""
        return self.centres + self.offsets

    @property
    def middle(self) -> float:
        """The x at which the line is known best."""
        seen = self.weights * np.isfinite(self.y[0])
        return float((seen * self.x).sum() / seen.sum())

    def value(self, x: float) -> FloatArray:
        """The quantile at x, per line."""
        return self.heights - self.slopes * x

    def centre(self, x: float) -> FloatArray:
        """The median at x, per line."""
        return self.centres - self.slopes * x

    def place(self, y: float) -> FloatArray:
        """Where the quantile is y, per line; infinite where it does not fall."""
        with np.errstate(all="ignore"):
            x = np.where(self.slopes > 0, (self.heights - y) / self.slopes, np.inf)
        return np.where(np.isnan(x), np.inf, x)

    def share_below(self, x: float, y: float) -> FloatArray:
        """The share of experiments at x that are at most y, per line: each is moved along the line from its own x."""
        moved = self.y + self.slopes[:, None] * (self.x - x)
        return (self.weights * (moved <= y)).sum(axis=1) / self.weights.sum()

    def with_slopes(self, slopes: FloatArray) -> Law:
        """Lines of other slopes that meet these where they are known best."""
        return replace(self, centres=self.centres + (slopes - self.slopes) * self.middle, slopes=slopes)

    def through_origin(self) -> Law:
        """Lines whose medians are 0 at x = 0, and meet these where they are known best."""
        return replace(self, centres=np.zeros_like(self.centres), slopes=self.slopes - self.centres / self.middle)


def fit_law(
    x: FloatArray, y: FloatArray, nearness: FloatArray, tau: float, random: np.random.Generator, *, n: int = BOOTSTRAPS
) -> Law:
    """The line through a quantile of experiments, and as many others as tell how sure it is.

    The slope is that of the median, which all experiments tell; the quantile is that of what is left, where at least `SHOWN`
    experiments lie beyond it, and else follows from mean, sd and skewness of what is left. The other lines are fitted to what
    is left, drawn anew with some smoothing and put on the first line: few experiments of a size say too little of their own
    spread. A scale that comes out small where it is drawn from the one that was found tells of a larger one: what is read from
    moments is turned over accordingly (a fiducial distribution, whose intervals are exact for normal results).

    Args:
        x: One per experiment, one value for all of a size.
        y: One per experiment; infinite where it has no result, which is worse than any.
        nearness: The weight of each experiment: a line is only locally right.
        tau: The quantile, between 0 and 1.
        n: How many others.

    Source:
        Koenker & Bassett (1978), Regression quantiles; the loss is convex in the slope once the height is the weighted
        quantile of what is left, so that a golden-section search over slopes finds the minimum. Silverman & Young (1987), The
        bootstrap: to smooth or not to smooth?
    """
    seen = np.isfinite(y)
    if seen.sum() < 2 or np.ptp(x[seen]) == 0:
        level = np.full(1 + n, _weighted_quantile(y[None], nearness, tau)[0])
        return Law(tau, level, np.zeros(1 + n), np.zeros(1 + n), x, np.tile(y, (1 + n, 1)), nearness, by_moments=False)
    centre, slope = _median_line(x, y[None], nearness)
    line = _on(x, centre, slope)
    share = nearness / nearness.sum()
    count = 1.0 / float((share**2).sum())
    by_moments = count * min(tau, 1 - tau) < SHOWN
    drawn = _drawn_by_moments if by_moments else _drawn_again
    lines = np.vstack([y, line + drawn(y - line, share, count, random, n)])
    if n:
        # As of a mean, which a median's is 1.25 times.
        spread = float(np.sqrt(np.average((x - np.average(x, weights=share)) ** 2, weights=share)))
        error = AROUND * float(np.nanstd(np.where(np.isfinite(lines[1:]), lines[1:] - _on(x, centre, slope), np.nan)))
        error = error / (spread * math.sqrt(count)) + 1e-9
        more_centres, more_slopes = _median_line(x, lines[1:], nearness, (slope[0] - error, slope[0] + error))
        centre, slope = np.append(centre, more_centres), np.append(slope, more_slopes)
    left = lines - centre[:, None] + slope[:, None] * x
    offsets = _offset_of_moments(left, nearness, tau) if by_moments else _weighted_quantile(left, nearness, tau)
    return Law(tau, centre, offsets, slope, x, lines, nearness, by_moments)


def _on(x: FloatArray, centres: FloatArray, slopes: FloatArray) -> FloatArray:
    """Where the first line is at each x."""
    return centres[0] - slopes[0] * x


def _drawn_again(rest: FloatArray, share: FloatArray, count: float, random: np.random.Generator, n: int) -> FloatArray:
    """What was left of experiments drawn anew, smoothed, and as much wider as two fitted numbers made it narrow."""
    seen = np.isfinite(rest)
    mean, sd, _ = (float(each[0]) for each in _moments(rest[None], share))
    quarters = [_weighted_quantile(rest[seen][None], share[seen], tau)[0] for tau in (0.25, 0.75)]
    # Silverman's rule; what smoothing adds to the variance is taken off again.
    breadth = 0.9 * min(sd, (quarters[1] - quarters[0]) / 1.34) * count**-0.2
    shrunk = sd / math.sqrt(sd**2 + breadth**2) * math.sqrt(count / max(count - 2, 1)) if sd > 0 else 1.0
    chosen = rest[random.choice(len(rest), (n, len(rest)), p=share)]
    return mean + shrunk * (chosen - mean + breadth * random.standard_normal(chosen.shape))


def _drawn_by_moments(
    rest: FloatArray, share: FloatArray, count: float, random: np.random.Generator, n: int
) -> FloatArray:
    """What may be left of experiments by the law that their moments state: few of them have too short tails themselves."""
    mean, sd, skewness = _moments(rest[None], share)
    drawn = mean + sd * _quantile_of_moments(random.standard_normal((n, len(rest))), skewness)
    return np.where(random.uniform(size=drawn.shape) < share[~np.isfinite(rest)].sum(), np.inf, drawn)


def _moments(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, sd and skewness of each row's results; two numbers were fitted before."""
    shares = np.where(np.isfinite(values), weights, 0.0)
    shares = shares / shares.sum(axis=1, keepdims=True)
    results = np.where(np.isfinite(values), values, 0.0)
    mean = (shares * results).sum(axis=1)
    away = np.where(np.isfinite(values), results - mean[:, None], 0.0)
    count = 1.0 / (shares**2).sum(axis=1)
    variance = (shares * away**2).sum(axis=1)
    with np.errstate(all="ignore"):
        skewness = np.nan_to_num((shares * away**3).sum(axis=1) / variance**1.5)
    # Small samples show too little of either.
    sd = np.sqrt(variance * count / np.maximum(count - 2, 1))
    skewness = skewness * np.sqrt(count * np.maximum(count - 1, 1)) / np.maximum(count - 2, 1)
    return mean, sd, np.clip(skewness, -MOST_SKEWED, MOST_SKEWED)


def _median_line(
    x: FloatArray, y: FloatArray, nearness: FloatArray, around: tuple[float, float] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Heights and slopes of the lines through the medians of the results that there are, per row of y.

    Args:
        around: A range that holds the slopes, where one is known.
    """
    seen = np.isfinite(y)
    weights = np.where(seen, nearness, 0.0)
    results = np.where(seen, y, 0.0)
    centre, most = x.mean(), 10.0 * (np.ptp(results) + 1e-12) / np.ptp(x)
    least, largest = around or (-most, most)
    low, high = np.full(len(y), least), np.full(len(y), largest)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = (_loss(x - centre, results, weights, slopes)[0] for slopes in (left, right))
    for _ in range(FEWER if around else STEPS):
        worse = at_left > at_right
        low, high = np.where(worse, left, low), np.where(worse, high, right)
        new = np.where(worse, low + GOLDEN * (high - low), high - GOLDEN * (high - low))
        at_new = _loss(x - centre, results, weights, new)[0]
        left, right = np.where(worse, right, new), np.where(worse, new, left)
        at_left, at_right = np.where(worse, at_right, at_new), np.where(worse, at_new, at_left)
    slopes = (low + high) / 2
    return _loss(x - centre, results, weights, slopes)[1] + slopes * centre, slopes


def _loss(x: FloatArray, y: FloatArray, weights: FloatArray, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The absolute loss of each slope with the best height, and that height."""
    rest = y + slopes[:, None] * x
    height = _weighted_quantile(rest, weights, 0.5)
    return (weights * np.abs(rest - height[:, None])).sum(axis=1), height


def _weighted_quantile(values: FloatArray, weights: FloatArray, tau: float) -> FloatArray:
    """The quantile of each row."""
    order = np.argsort(values, axis=1)
    running = np.cumsum(np.take_along_axis(np.broadcast_to(weights, values.shape), order, axis=1), axis=1)
    # Rounding must not push the quantile past the last experiment.
    place = np.argmax(running >= tau * running[:, -1:] * (1 - 1e-12), axis=1)
    return np.take_along_axis(np.take_along_axis(values, order, axis=1), place[:, None], axis=1)[:, 0]


def _offset_of_moments(left: FloatArray, nearness: FloatArray, tau: float) -> FloatArray:
    """The quantile of each row from its mean, sd and skewness; rows but the first turned over at the first."""
    mean, sd, skewness = _moments(left, nearness)
    with np.errstate(all="ignore"):
        sd[1:] = np.where(sd[1:] > 0, sd[0] ** 2 / sd[1:], 0.0)
    skewness[1:] = 2 * skewness[0] - skewness[1:]
    # Experiments without a result lie beyond all others.
    share = np.where(np.isfinite(left), nearness, 0.0).sum(axis=1) / nearness.sum()
    return mean + sd * _quantile_of_moments(special.ndtri(np.minimum(tau / share, 1.0)), skewness)


def _quantile_of_moments(z: FloatArray, skewness: FloatArray) -> FloatArray:
    """The quantile, in sds from the mean, of a nearly normal law of some skewness at which a normal one has z.

    Source:
        Cornish & Fisher (1938), Moments and cumulants in the specification of distributions, to the first order.
    """
    finite = np.where(np.isfinite(z), z, 0.0)
    # Skewed more towards the other side, the expression would fall where z grows.
    most = np.sign(finite) * np.clip(np.sign(finite) * skewness, -1.5 / np.maximum(np.abs(finite), 1), MOST_SKEWED)
    return np.where(np.isfinite(z), finite + most * (finite**2 - 1) / 6, z)

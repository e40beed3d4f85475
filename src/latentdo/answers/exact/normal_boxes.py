"""Probabilities and moments of one and two normal variables inside intervals, in logs, so that tails keep their digits.

Everything is vectorised over draws. Limits are standardised; infinite ends are allowed, and where a lower end lies above
its upper one the probability is 0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr, owens_t

from latentdo.arrays import FloatArray

FARTHEST = 1e150
NARROW = 1e-3
"""Width below which an interval's probability is that of its middle, to 1e-14 with one correction."""
LEAST_BOX = 1e-6
"""Probability from which Owen's T, exact to some 1e-16, gives a box to ten digits."""
LEAST_SLACK = 1e-12
"""Of two nearly equal variables, the sd of one given the other below which they are taken as equal."""
FAR = 12.0
"""Start of a tail from which its variance is integrated: before, the closed form keeps ten digits."""
DROP = 45.0
"""How far below its top the log of an integrand is cut off: beyond lies less than 1e-17 of the integral."""
REACH = math.sqrt(2 * DROP)
"""An integrand that falls at least like a normal density has dropped that far at this distance."""
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_LOG_ROOT = 0.5 * math.log(2 * math.pi)


class Moments(NamedTuple):
    """Mean and variance of a truncated variable, (draw,)."""

    mean: FloatArray
    variance: FloatArray


class PairMoments(NamedTuple):
    """Means, variances and covariance of two variables inside a box, (draw,)."""

    means: tuple[FloatArray, FloatArray]
    variances: tuple[FloatArray, FloatArray]
    covariance: FloatArray


def log_density(x: FloatArray) -> FloatArray:
    """The log density of a standard normal."""
    return -0.5 * x * x - _LOG_ROOT


def log_interval(low: FloatArray, high: FloatArray) -> FloatArray:
    """log P(low < X < high) of a standard normal."""
    # Most intervals have one end.
    if np.isneginf(low).all():
        return _log_tail(high)
    if np.isposinf(high).all():
        return _log_tail(-low)
    # Mirrored into the left half, where log_ndtr keeps all digits.
    mirror = low > -high
    a, b = np.where(mirror, -high, low), np.where(mirror, -low, high)
    # Farther out the square of a limit would be no number.
    a, b = (np.where(np.isfinite(end), np.clip(end, -FARTHEST, FARTHEST), end) for end in (a, b))
    with np.errstate(all="ignore"):
        top = log_ndtr(b)
        wide = top + np.log1p(-np.exp(log_ndtr(a) - top))
        width = b - a
        middle = 0.5 * (a + b)
        bend = (middle * middle - 1.0) * width * width / 24.0
        narrow = log_density(middle) + np.log(width) + np.log1p(bend)
        small = width * np.maximum(1.0, np.abs(middle)) < NARROW
        return np.where(b > a, np.where(small, narrow, wide), -np.inf)


def _log_tail(end: FloatArray) -> FloatArray:
    """log P(X < end) of a standard normal."""
    # Farther out the square of a limit would be no number.
    return np.where(end > -np.inf, log_ndtr(np.maximum(end, -FARTHEST)), -np.inf)


def truncated(low: FloatArray, high: FloatArray) -> Moments:
    """The moments of a standard normal between two limits; NaN where the interval is empty."""
    low, high = np.broadcast_arrays(low, high)
    mirror = low < -high
    a, b = np.where(mirror, -high, low), np.where(mirror, -low, high)
    with np.errstate(all="ignore"):
        # One-sided: the inverse Mills ratio. Its variance loses digits in the far tail, differences in a narrow interval.
        ratio = math.sqrt(2 / math.pi) / erfcx(a / math.sqrt(2))
        chance = ndtr(b) - ndtr(a)
        one_sided = np.isposinf(b)
        at_a = np.where(np.isneginf(a), 0.0, np.where(one_sided, ratio, np.exp(log_density(a)) / chance))
        at_b = np.where(one_sided, 0.0, np.exp(log_density(b)) / chance)
        mean = at_a - at_b
        ends = np.where(np.isneginf(a), 0.0, a * at_a) - np.where(one_sided, 0.0, b * at_b)
        variance = 1.0 + ends - mean * mean
    hard = np.where(one_sided, a > FAR, (a > 3.0) | (b - a < 0.5))
    if hard.any():
        mean, variance = mean.copy(), variance.copy()
        mean[hard], variance[hard] = _integrated(a[hard], b[hard])
    return Moments(np.where(mirror, -mean, mean), variance)


def _integrated(low: FloatArray, high: FloatArray) -> Moments:
    """The moments by Gauss-Legendre quadrature over what is not negligible, from the end that is nearer to the middle."""
    with np.errstate(all="ignore"):
        start = np.clip(0.0, low, high)
        # x²/2 - start²/2 = DROP at the ends of the window.
        room = np.sqrt(start * start + 2 * DROP)
        a, b = np.maximum(low, np.where(start > 0, start, -room)), np.minimum(high, room)
        panels = np.linspace(0.0, 1.0, 5)
        at = (panels[:-1, None] + 0.125 * (1 + _POINTS)).reshape(-1, 1)
        # As an excess over the start, so that a tail does not lose its width among the digits of its place.
        step = (a - start) + at * (b - a)
        weight = np.tile(_WEIGHTS, 4)[:, None] * np.exp(-step * (start + 0.5 * step))
        weight = weight / weight.sum(axis=0)
        excess = (weight * step).sum(axis=0)
        variance = (weight * (step - excess) ** 2).sum(axis=0)
        empty = ~(high > low)
        return Moments(np.where(empty, np.nan, start + excess), np.where(empty, np.nan, variance))


def log_box(
    low: tuple[FloatArray, FloatArray],
    high: tuple[FloatArray, FloatArray],
    correlation: FloatArray,
    slack: FloatArray,
) -> FloatArray:
    """log P(low < (X, Z) < high) of two standard normals.

    Args:
        slack: √(1 - correlation²), given apart because near ±1 it cannot be told from the correlation.

    Source:
        Owen (1956), Tables for computing bivariate normal probabilities; where the box is so improbable that differences
        would lose digits, quadrature of the conditional probability.
    """
    (a1, a2), (b1, b2) = low, high
    arrays = np.broadcast_arrays(a1, b1, a2, b2, correlation, slack)
    a1, b1, a2, b2, correlation, slack = (np.asarray(value, dtype=float) for value in arrays)
    equal = slack < LEAST_SLACK
    with np.errstate(all="ignore"):
        safe = np.where(equal, 1.0, slack)
        chance = _quadrant(b1, b2, correlation, safe)
        for x, z, sign in ((a1, b2, -1), (b1, a2, -1), (a1, a2, 1)):
            if not np.isneginf(x).all() and not np.isneginf(z).all():
                chance = chance + sign * _quadrant(x, z, correlation, safe)
        result = np.log(np.maximum(chance, 0.0))
    rare = ~equal & ~(chance > LEAST_BOX) & (b1 > a1) & (b2 > a2)
    if rare.any():
        picked = [value[rare] for value in (a1, b1, a2, b2, correlation, slack)]
        result[rare] = _Slices(*picked).log_total()
    if equal.any():
        # Of two variables that are one, the box is an interval.
        sign = np.sign(correlation)
        low_z, high_z = np.where(sign > 0, a2, -b2), np.where(sign > 0, b2, -a2)
        result = np.where(equal, log_interval(np.maximum(a1, low_z), np.minimum(b1, high_z)), result)
    return np.where((b1 > a1) & (b2 > a2), result, -np.inf)


def _quadrant(h: FloatArray, k: FloatArray, correlation: FloatArray, slack: FloatArray) -> FloatArray:
    """P(X < h, Z < k) by Owen's T, eq. 3.1 of Owen (1980), A table of normal integrals."""
    # A limit beyond 40 is no limit, and infinite ones would meet as inf - inf.
    h, k = np.clip(h, -40.0, 40.0), np.clip(k, -40.0, 40.0)
    # On an axis the slope is infinite: a step of no consequence off it keeps its sign.
    h, k = np.where(h == 0, 1e-300, h), np.where(k == 0, 1e-300, k)
    first = owens_t(h, (k / h - correlation) / slack)
    second = owens_t(k, (h / k - correlation) / slack)
    return 0.5 * (ndtr(h) + ndtr(k)) - first - second - np.where(h * k < 0, 0.5, 0.0)


def box_moments(
    low: tuple[FloatArray, FloatArray],
    high: tuple[FloatArray, FloatArray],
    correlation: FloatArray,
    slack: FloatArray,
) -> PairMoments:
    """The moments of two standard normals inside a box, by quadrature over the second and in closed form over the first."""
    (a1, a2), (b1, b2) = low, high
    arrays = [np.asarray(v, dtype=float) for v in np.broadcast_arrays(a1, b1, a2, b2, correlation, slack)]
    # Chunks bound the memory of points x draws.
    size = arrays[0].size
    parts = [_moments_of([v[k : k + 256] for v in arrays]) for k in range(0, size, 256)]
    means, variances, covariance = zip(*parts, strict=True)
    first, second = (tuple(np.concatenate(column) for column in zip(*rows, strict=True)) for rows in (means, variances))
    return PairMoments((first[0], first[1]), (second[0], second[1]), np.concatenate(covariance))


def _moments_of(arrays: list[FloatArray]) -> PairMoments:
    slices = _Slices(*arrays)
    z, weight = slices.points()
    inner = truncated(*slices.limits(z))
    first = slices.correlation * z + slices.slack * inner.mean
    means = [(weight * value).sum(axis=0) for value in (first, z)]
    apart = first - means[0], z - means[1]
    spread = (weight * (apart[0] ** 2 + slices.slack**2 * inner.variance)).sum(axis=0)
    variances = spread, (weight * apart[1] ** 2).sum(axis=0)
    return PairMoments((means[0], means[1]), variances, (weight * apart[0] * apart[1]).sum(axis=0))


class _Slices:
    """A box as slices along its second variable: φ(z) P(low < X < high | Z = z) is log-concave, so it has one top.

    Source:
        Prékopa (1973), On logarithmic concave measures and functions.
    """

    def __init__(
        self,
        a1: FloatArray,
        b1: FloatArray,
        a2: FloatArray,
        b2: FloatArray,
        correlation: FloatArray,
        slack: FloatArray,
    ) -> None:
        self.a1, self.b1, self.a2, self.b2 = a1, b1, a2, b2
        self.correlation, self.slack = correlation, np.maximum(slack, LEAST_SLACK)

    def limits(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The ends of the first variable, standardised given the second."""
        centre = self.correlation * z
        return (self.a1 - centre) / self.slack, (self.b1 - centre) / self.slack

    def log(self, z: FloatArray) -> FloatArray:
        """The log of the integrand."""
        return log_density(z) + log_interval(*self.limits(z))

    def log_total(self) -> FloatArray:
        """The log of the integral."""
        z, weight = self._quadrature()
        with np.errstate(all="ignore"):
            value = np.log(weight) + self.log(z)
            top = value.max(axis=0)
            return np.where(np.isfinite(top), top + np.log(np.exp(value - top).sum(axis=0)), -np.inf)

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Points and normalised weights, (point, draw)."""
        z, weight = self._quadrature()
        with np.errstate(all="ignore"):
            value = np.log(weight) + self.log(z)
            share = np.exp(value - value.max(axis=0))
            return z, share / share.sum(axis=0)

    def _quadrature(self) -> tuple[FloatArray, FloatArray]:
        """Gauss-Legendre points on panels that end where the integrand ends, and where the first variable's ends pass."""
        with np.errstate(all="ignore"):
            top = self._top()
            left, right = np.maximum(self.a2, top - REACH), np.minimum(self.b2, top + REACH)
            floor = self.log(top) - DROP
            left, right = self._edge(left, top, floor), self._edge(right, top, floor)
            ends = [left + share * (right - left) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
            # Z follows the first variable's end within a few of these widths; a smaller correlation has no such step.
            width = self.slack / np.maximum(np.abs(self.correlation), 0.05)
            for end in (self.a1, self.b1):
                pass_at = np.where(np.isfinite(end), end, 0.0) / np.where(self.correlation == 0, 1.0, self.correlation)
                ends += [np.clip(pass_at + k * width, left, right) for k in (-9.0, -3.0, 0.0, 3.0, 9.0)]
            edges = np.sort(np.array(ends), axis=0)
        half = 0.5 * np.diff(edges, axis=0)
        middle = edges[:-1] + half
        points = middle[:, None] + half[:, None] * _POINTS[:, None]
        weights = half[:, None] * _WEIGHTS[:, None]
        return points.reshape(-1, half.shape[1]), np.maximum(weights, 0.0).reshape(-1, half.shape[1])

    def _top(self) -> FloatArray:
        """Where the integrand is largest, by golden section."""
        nearest = np.clip(0.0, self.a1, self.b1)
        pulled = self.correlation * nearest
        # Given X in its interval, Z lies between 0 and where the nearest X pulls it, give or take one sd.
        low = np.clip(np.minimum(0.0, pulled) - 1.0, self.a2, self.b2)
        high = np.clip(np.maximum(0.0, pulled) + 1.0, self.a2, self.b2)
        golden = 0.5 * (math.sqrt(5.0) - 1.0)
        for _ in range(44):
            span = golden * (high - low)
            left, right = high - span, low + span
            higher = self.log(left) > self.log(right)
            low, high = np.where(higher, low, left), np.where(higher, right, high)
        return 0.5 * (low + high)

    def _edge(self, far: FloatArray, near: FloatArray, floor: FloatArray) -> FloatArray:
        """The point between `near` and `far` where the integrand falls to the floor; `far` where it does not."""
        outside, inside = far, near
        kept = self.log(far) >= floor
        for _ in range(24):
            middle = 0.5 * (outside + inside)
            above = self.log(middle) >= floor
            inside, outside = np.where(above, middle, inside), np.where(above, outside, middle)
        return np.where(kept, far, outside)

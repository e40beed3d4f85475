"""Quantiles from a distribution function, for all draws at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from latentdo.arrays import FloatArray

Share = Callable[[FloatArray], FloatArray]
"""The probability of a value at most as large as the limit: limits and probabilities have one shape."""

Tail = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""The probability beyond a limit, and the density at it, of the limit's shape."""

WIDENINGS = 60
STEPS = 80
NEAR = 1e-5
"""A step of Newton's method after which the root is found: the next would be about the square of it."""
EXACT = 1e-8
"""How near the root is found, as a share of the column's range."""
ROUNDING = 1e-12
FARTHEST = 1e300
"""Size beyond which a quantile has no value: nearer to the largest float, what is found is that float."""


def smallest_level(share: Share, points: Sequence[float], level: float, shape: tuple[int, ...]) -> FloatArray:
    """The first of the ascending points whose cumulative probability reaches the level."""
    found = np.full(shape, points[-1])
    open_ = np.ones(shape, dtype=bool)
    for point in points[:-1]:
        reached = open_ & (share(np.full(shape, point)) >= level - ROUNDING)
        found[reached] = point
        open_ &= ~reached
        if not open_.any():
            break
    return found


def where_tail(tail: Tail, level: float, start: FloatArray, scale: float, *, upper: bool) -> FloatArray:
    """The value at which a smooth distribution function has the level, by Newton's method on the log of the nearer tail.

    That log is nearly straight far out, so that a few steps lead to any tail; a step that leaves the interval in which the value
    must lie is replaced by one to its middle, or by a longer one where it has no other end yet.

    Args:
        start: Where to begin, one number for each function.
        scale: How far apart values are, for the size of steps and of the error allowed.
        upper: Whether the tail is that of larger values, with the probability 1 - level.

    Returns:
        NaN where the function has no such value, or none that is found: it lies too far out to compute with.
    """
    target, towards = (1.0 - level, 1.0) if upper else (level, -1.0)
    x = np.where(np.isfinite(start), start, 0.0)
    low, high = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
    reach, bad, settled = scale, np.zeros(x.shape, dtype=bool), np.zeros(x.shape, dtype=bool)
    for _ in range(STEPS):
        chance, density = tail(x)
        bad = np.isnan(chance)
        with np.errstate(all="ignore"):
            # Where the tail is too large, the value lies farther out.
            beyond = (chance > target) == upper
            low, high = np.where(beyond, np.maximum(low, x), low), np.where(beyond, high, np.minimum(high, x))
            step = towards * np.log(chance / target) * chance / density
            longer = np.where(beyond, x + reach, x - reach)
            inside = np.where(np.isfinite(low + high), 0.5 * low + 0.5 * high, longer)
            newton = x + step
            good = np.isfinite(newton) & (newton > low) & (newton < high) & (abs(step) <= 8.0 * reach)
            there = (chance == target) | (abs(step) <= NEAR * scale)
            moved = np.where(there & np.isfinite(newton), newton, np.where(good, newton, inside))
        settled = there | (high - low <= EXACT * scale) | (abs(moved - x) <= ROUNDING * abs(x))
        x, reach = np.where(bad, x, moved), 2.0 * reach
        if (settled | bad).all():
            break
    return np.where(settled & ~bad, x, np.nan)


def where_reached(
    share: Share, level: float, start: tuple[float, float], shape: tuple[int, ...], *, whole: bool
) -> FloatArray:
    """The smallest value at which the distribution function reaches the level.

    Args:
        start: Two values to look between first; looked beyond as far as it takes.
        whole: Whether values are whole numbers.

    Returns:
        NaN where the function never reaches the level, or is not a number.

    Source:
        Chandrupatla (1997), A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function.
    """
    low, high = start if start[0] < start[1] else (start[0] - 1.0, start[1] + 1.0)
    scale = high - low
    a, b = np.full(shape, low), np.full(shape, high)
    fa, fb = share(a) - level, share(b) - level
    for k in range(WIDENINGS):
        under, over = fb < 0, fa >= 0
        if not (under.any() or over.any()):
            break
        # The end that was too near becomes the other end.
        step = scale * 2.0**k
        a, b, fa, fb = (
            np.where(over, a - step, np.where(under, b, a)),
            np.where(under, b + step, np.where(over, a, b)),
            np.where(under, fb, fa),
            np.where(over, fa, fb),
        )
        fa = np.where(over, share(a) - level, fa)
        fb = np.where(under, share(b) - level, fb)
    bad = ~((fa < 0) & (fb >= 0))
    if whole:
        found = _whole(share, level, np.floor(a), np.ceil(b))
    else:
        found = _continuous(share, level, a, b, fa, fb, scale)
    return np.where(bad, np.nan, found)


def _whole(share: Share, level: float, a: FloatArray, b: FloatArray) -> FloatArray:
    while (b - a > 1).any():
        middle = np.floor(0.5 * (a + b))
        reached = share(middle) >= level - ROUNDING
        a, b = np.where(reached, a, middle), np.where(reached, middle, b)
    return b


def _continuous(
    share: Share, level: float, a: FloatArray, b: FloatArray, fa: FloatArray, fb: FloatArray, scale: float
) -> FloatArray:
    # The names are the paper's: x1 is the newest point, x2 lies on the other side of the root, x3 is the one before.
    x1, x2, f1, f2 = a, b, fa, fb
    t = np.full(a.shape, 0.5)
    best = a
    for _ in range(STEPS):
        x = x1 + t * (x2 - x1)
        f = share(x) - level
        same = np.sign(f) == np.sign(f1)
        x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
        x2, f2 = np.where(same, x2, x1), np.where(same, f2, f1)
        x1, f1 = x, f
        best = np.where(abs(f1) < abs(f2), x1, x2)
        least = EXACT * scale / np.maximum(abs(x2 - x1), np.finfo(float).tiny)
        if ((least > 0.5) | (f1 == 0)).all():
            break
        with np.errstate(all="ignore"):
            xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
            curved = f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
            smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(curved)
        least = np.minimum(least, 0.5)
        t = np.clip(np.where(smooth, curved, 0.5), least, 1 - least)
    return best

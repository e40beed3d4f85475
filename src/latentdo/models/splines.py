"""The columns of a spline beyond its straight line, as cubic polynomials between knots that go on straight outside them.

A free spline is a natural cubic one; its columns are the directions in which a penalty on curvature finds it ever more expensive
to bend, so that independent coefficients of one sd make the smoothing spline. A rising one has slopes at the knots that are
positive and straight between them: integrals of hats, whose coefficients have one sign. Both count in units in which all columns
together have a mean square of 1 over the knots.

Source:
    Wood (2017), Generalized additive models, 2nd edition, §5.3.1 (natural cubic splines by their values at the knots) and §5.4.2
    (the natural parameterisation). Ramsay (1988), Monotone regression splines in action, Statistical Science 3 (I-splines).
"""

from __future__ import annotations

import functools

import numpy as np

from latentdo.arrays import FloatArray


@functools.lru_cache(maxsize=256)
def pieces(knots: tuple[float, ...], *, rising: bool) -> FloatArray:
    """Coefficients (column, power, interval) of each column's polynomials in the distance from the knot on the left.

    The first interval lies below the first knot and counts from it, the last lies above the last.
    """
    at = np.array(knots)
    found = _of_slopes(at) if rising else _of_values(at, _smooth_values(at))
    found.setflags(write=False)
    return found


def n_columns(n_knots: int, *, rising: bool) -> int:
    """How many columns a spline with so many knots has beyond its straight line."""
    return n_knots if rising else n_knots - 2


def _second_derivatives(at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The second derivatives at the knots as a matrix on the values there, and the penalty ∫ f''² as a quadratic form in them."""
    n, h = len(at), np.diff(at)
    d, b = np.zeros((n - 2, n)), np.zeros((n - 2, n - 2))
    for i in range(n - 2):
        d[i, i : i + 3] = 1 / h[i], -1 / h[i] - 1 / h[i + 1], 1 / h[i + 1]
        b[i, i] = (h[i] + h[i + 1]) / 3
        if i < n - 3:
            b[i, i + 1] = b[i + 1, i] = h[i + 1] / 6
    inner = np.asarray(np.linalg.solve(b, d), dtype=np.float64)
    return np.vstack([np.zeros(n), inner, np.zeros(n)]), d.T @ inner


def _smooth_values(at: FloatArray) -> FloatArray:
    """The columns' values at the knots, (knot, column): orthogonal to straight lines, those that bend least first and largest."""
    penalty = _second_derivatives(at)[1]
    lines = np.column_stack([np.ones(len(at)), at])
    bent = np.linalg.qr(lines, mode="complete")[0][:, 2:]
    costs, directions = np.linalg.eigh(bent.T @ penalty @ bent)
    values = bent @ directions / np.sqrt(costs)
    # Which side is up is a matter of rounding: the last knot lies above.
    values = values * np.where(values[-1] < 0, -1.0, 1.0)
    return values / np.sqrt((values**2).sum(axis=1).mean())


def _of_values(at: FloatArray, values: FloatArray) -> FloatArray:
    """Natural cubic splines from their values at the knots (knot, column)."""
    h = np.diff(at)[:, None]
    second = _second_derivatives(at)[0] @ values
    low, high = second[:-1], second[1:]
    slopes = np.diff(values, axis=0) / h - h * (2 * low + high) / 6
    end = slopes[-1] + h[-1] * (low[-1] + high[-1]) / 2
    inner = np.stack([values[:-1], slopes, low / 2, (high - low) / (6 * h)])
    return _with_ends(inner, values[0], slopes[0], values[-1], end)


def _of_slopes(at: FloatArray) -> FloatArray:
    """Integrals of the hats at the knots, each about its mean over the knots."""
    n, h = len(at), np.diff(at)[:, None]
    slopes = np.eye(n)
    values = np.concatenate([np.zeros((1, n)), np.cumsum(h * (slopes[:-1] + slopes[1:]) / 2, axis=0)])
    values = values - values.mean(axis=0)
    size = np.sqrt((values**2).sum(axis=1).mean())
    values, slopes = values / size, slopes / size
    inner = np.stack([values[:-1], slopes[:-1], np.diff(slopes, axis=0) / (2 * h), np.zeros((n - 1, n))])
    return _with_ends(inner, values[0], slopes[0], values[-1], slopes[-1])


def _with_ends(
    inner: FloatArray, first: FloatArray, first_slope: FloatArray, last: FloatArray, last_slope: FloatArray
) -> FloatArray:
    """The polynomials (power, interval, column) with a straight line on either side, as (column, power, interval)."""
    zero = np.zeros_like(first)
    low = np.stack([first, first_slope, zero, zero])[:, None]
    high = np.stack([last, last_slope, zero, zero])[:, None]
    return np.ascontiguousarray(np.moveaxis(np.concatenate([low, inner, high], axis=1), 2, 0))

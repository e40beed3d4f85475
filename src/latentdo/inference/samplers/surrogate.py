"""A polynomial in place of a log likelihood of many rows: near the mode it is a parabola and a little more."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from ..blocks.coordinates import FloatArray
from .modes import LogDensity, Mode

DEGREE = 3
SPREAD = 1.5
"""How far the points of the fit lie from the mode, in units of the posterior's sd."""
CHECKED = 32
"""Further points at which the polynomial is compared with what it stands for."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A cubic in the coordinates in which the posterior is about one unit wide.

    Attributes:
        coefficients: One per monomial, those of `_monomials`.
        error: The largest difference from the log likelihood at points that the fit has not seen.
        n_points: Number of values of the log likelihood that it took.
    """

    mode: Mode
    coefficients: FloatArray
    error: float
    n_points: int

    def __call__(self, u: FloatArray) -> FloatArray:
        """The log likelihood, relative to that at the mode, at points (draw, coordinate)."""
        return _monomials(_whitened(self.mode, u)) @ self.coefficients


def fit_surrogate(likelihood: LogDensity, mode: Mode, random: np.random.Generator) -> Surrogate | None:
    """The cubic through values around the mode, or None where the likelihood is 0 at some of them.

    With n rows the terms that a cubic leaves out are of order 1/n, so that it is exact for every purpose where a pass over the
    rows is expensive; `error` says whether that holds.
    """
    p = len(mode.point)
    n = 2 * _monomials(np.zeros((1, p))).shape[1] + CHECKED
    x = SPREAD * random.standard_normal((n, p))
    u = mode.point + x @ mode.axes.T
    values = likelihood(np.concatenate([mode.point[None], u]))
    if not np.isfinite(values).all():
        return None
    above, design = values[1:] - values[0], _monomials(x)
    coefficients = np.linalg.lstsq(design[CHECKED:], above[CHECKED:], rcond=None)[0]
    error = float(np.abs(design[:CHECKED] @ coefficients - above[:CHECKED]).max())
    return Surrogate(mode, coefficients, error, n + 1)


def _whitened(mode: Mode, u: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(mode.axes, (u - mode.point).T).T, dtype=float)


def _monomials(x: FloatArray) -> FloatArray:
    """All products of up to three coordinates, (point, monomial)."""
    columns = [
        np.prod(x[:, list(chosen)], axis=1)
        for degree in range(1, DEGREE + 1)
        for chosen in combinations_with_replacement(range(x.shape[1]), degree)
    ]
    return np.column_stack(columns)

"""Importance sampling: what is drawn from, a polynomial in place of a long likelihood, and weights smoothed by their tail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np
from scipy.special import gammaln, logsumexp

from ..blocks.coordinates import FloatArray
from .modes import LogDensity, Mode

PROBES = np.array([1.0, 2.0, 4.0, 6.0, 8.0])
"""Distances from the mode, in units of the Laplace approximation's sd, where the width is looked at.

Far ones matter where a coordinate is pressed against its bound: on the unconstrained scale it has an exponential tail."""
LEAST_FREEDOM = 6.0
DEGREE = 3
AT_ONCE = 500
"""Points whose distances are computed together: they fit the processor's cache."""
SPREAD = 1.5
"""How far the points of the fit lie from the mode, in units of the posterior's sd."""
CHECKED = 32
"""Further points at which the polynomial is compared with what it stands for."""


def pareto_k(draws: FloatArray) -> float:
    """The larger k-hat of the two tails; below 0.5 the variance exists, above 1 not even the mean.

    Draws without spread, or too few of them for a tail, give 0.

    Source:
        Zhang & Stephens (2009), A new and efficient estimation method for the generalized Pareto distribution; tail size
        and prior weight as in Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, app. C.
    """
    n = len(draws)
    size = int(min(n // 5, np.ceil(3 * np.sqrt(n))))
    if size < 10 or np.ptp(draws) == 0:
        return 0.0
    ordered = np.sort(draws)
    upper = ordered[-size:] - ordered[-size - 1]
    lower = ordered[size] - ordered[:size][::-1]
    return max(_pareto(np.sort(tail))[0] for tail in (upper, lower))


def smoothed(log_weights: FloatArray) -> tuple[FloatArray, float]:
    """Normalised importance weights whose largest are replaced by Pareto quantiles, and k-hat of their tail.

    Args:
        log_weights: (draw,), log of target over proposal up to a constant; -inf where the target is 0.

    Returns:
        Weights that sum to 1, and k-hat: below 0.7 what they give can be trusted (infinite where no weight is finite, or
        where there are too few draws for a tail).

    Source:
        Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, §2.4 and app. C.
    """
    n = len(log_weights)
    finite = np.isfinite(log_weights)
    size = int(min(n // 5, np.ceil(3 * np.sqrt(n))))
    if finite.sum() <= size or size < 10:
        return np.full(n, 1.0 / n), float("inf")
    weights = np.where(finite, np.exp(log_weights - log_weights[finite].max()), 0.0)
    order = np.argsort(weights)
    tail, threshold = order[-size:], weights[order[-size - 1]]
    exceedances = weights[tail] - threshold
    if exceedances[-1] <= 1e-12:  # all the same: the proposal is the target
        return weights / weights.sum(), 0.0
    k, scale = _pareto(exceedances)
    share = (np.arange(size) + 0.5) / size
    with np.errstate(over="ignore"):
        quantiles = scale * (np.expm1(-k * np.log1p(-share)) / k if k else -np.log1p(-share))
    weights[tail] = np.minimum(threshold + quantiles, 1.0)
    return weights / weights.sum(), k


def _pareto(x: FloatArray) -> tuple[float, float]:
    """Shape k-hat and scale of exceedances in ascending order."""
    n = len(x)
    # Ties at the threshold (a probability that is 0 or 1 in many draws) have no tail to fit.
    if x[-1] <= 0 or x[int(n / 4 + 0.5) - 1] <= 0:
        return 0.0, float(x.mean())
    m = 30 + int(np.sqrt(n))
    b = 1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))
    b = b / (3 * x[int(n / 4 + 0.5) - 1]) + 1 / x[-1]
    k = np.log1p(-b[:, None] * x).mean(axis=1)
    likelihood = n * (np.log(-b / k) - k - 1)
    weights = 1 / np.exp(np.clip(likelihood - likelihood[:, None], -700, 700)).sum(axis=1)
    chosen = float((b * weights / weights.sum()).sum())
    shape = float(np.log1p(-chosen * x).mean())
    return (n * shape + 10 * 0.5) / (n + 10), -shape / chosen


@dataclass(frozen=True, eq=False)
class SplitStudent:
    """A multivariate t whose scale along each axis differs between the two sides, with a continuous density.

    Attributes:
        point: Its highest point, (coordinate,).
        axes: (coordinate, axis).
        below, above: (axis,): scale on the negative and on the positive side, in units of the axes.
        freedom: Degrees of freedom.

    Source:
        Geweke (1989), Bayesian inference in econometric models using Monte Carlo integration, §4: the split-t density. Here
        the sides have probabilities in proportion to their scales, which makes the density continuous.
    """

    point: FloatArray
    axes: FloatArray
    below: FloatArray
    above: FloatArray
    freedom: float

    @cached_property
    def _inverses(self) -> tuple[FloatArray, FloatArray]:
        """To coordinates along the axes in which it is as wide as one, on the positive side and, turned, on the negative."""
        inverse = np.asarray(np.linalg.inv(self.axes), dtype=float).T
        return inverse / self.above, -self.above / self.below

    @cached_property
    def _constant(self) -> float:
        p, freedom = len(self.point), self.freedom
        constant = gammaln(0.5 * (freedom + p)) - gammaln(0.5 * freedom) - 0.5 * p * np.log(freedom * np.pi)
        widths = np.sum(np.log(2.0) - np.log(self.below + self.above))
        return float(constant + widths - np.linalg.slogdet(self.axes)[1])

    def draw(self, n: int, random: np.random.Generator) -> FloatArray:
        """Independent points, (draw, coordinate)."""
        size = (n, len(self.point))
        side = np.where(random.uniform(size=size) * (self.below + self.above) < self.above, self.above, -self.below)
        radius = np.sqrt(random.chisquare(self.freedom, size=(n, 1)) / self.freedom)
        y = side * np.abs(random.standard_normal(size)) / radius
        return np.asarray(self.point + y @ self.axes.T)

    def log_density(self, u: FloatArray) -> FloatArray:
        """The log density of points (draw, coordinate)."""
        inverse, turn = self._inverses
        distance = np.empty(len(u))
        for at in range(0, len(u), AT_ONCE):
            y = (u[at : at + AT_ONCE] - self.point) @ inverse
            y = np.maximum(y, y * turn)
            distance[at : at + AT_ONCE] = np.einsum("ij,ij->i", y, y)
        p, freedom = len(self.point), self.freedom
        return self._constant - 0.5 * (freedom + p) * np.log1p(distance / freedom)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Several of them, with shares that sum to 1."""

    parts: tuple[SplitStudent, ...]
    shares: FloatArray

    def draw(self, n: int, random: np.random.Generator) -> FloatArray:
        """Points (draw, coordinate), from each part as many as its share says."""
        ends = np.round(np.cumsum(self.shares) * n).astype(int)
        counts = np.diff(ends, prepend=0)
        return np.concatenate([part.draw(int(k), random) for part, k in zip(self.parts, counts, strict=True)])

    def log_density(self, u: FloatArray) -> FloatArray:
        """The log density of points (draw, coordinate)."""
        each = np.stack([part.log_density(u) for part in self.parts])
        return np.asarray(logsumexp(each + np.log(self.shares)[:, None], axis=0), dtype=float)

    def joined(self, part: SplitStudent) -> Mixture:
        """This mixture and another part, half and half."""
        return Mixture((*self.parts, part), np.append(0.5 * self.shares, 0.5))


def around(modes: tuple[Mode, ...], log_density: LogDensity) -> Mixture:
    """A proposal around the modes, as wide on each side of each axis as the density is there."""
    masses = np.array([mode.log_mass() for mode in modes])
    # A mode that is narrow and high may be heavier than it looks: none is left with next to nothing.
    shares = np.maximum(np.exp(masses - logsumexp(masses)), 0.05)
    return Mixture(tuple(split_student(mode, log_density) for mode in modes), shares / shares.sum())


def split_student(mode: Mode, log_density: LogDensity) -> SplitStudent:
    """A component as wide on each side of each axis as the density is there."""
    p = len(mode.point)
    # With many coordinates a heavy tail in all of them at once would hold most of the draws.
    freedom = max(LEAST_FREEDOM, float(p))
    steps = np.einsum("k,pj->kpj", PROBES, np.eye(p)).reshape(-1, p)
    points = mode.point + np.concatenate([steps, -steps]) @ mode.axes.T
    fall = np.maximum(mode.height - log_density(points), 1e-8).reshape(2, len(PROBES), p)
    widths = np.clip((PROBES[:, None] / np.sqrt(2.0 * fall)).max(axis=1), 0.2, 10.0)
    return SplitStudent(mode.point, mode.axes, widths[1], widths[0], freedom)


def fitted(u: FloatArray, weights: FloatArray, freedom: float = 5.0, widen: float = 1.2) -> SplitStudent | None:
    """A t with the mean and covariance of weighted draws, somewhat widened; None where they have no full covariance.

    Source:
        Cornuet, Marin, Mira & Robert (2012), Adaptive multiple importance sampling, §2: moments of the weighted past.
    """
    mean = weights @ u
    moved = u - mean
    covariance = (moved * weights[:, None]).T @ moved
    values, turn = np.linalg.eigh(covariance)
    if not values[0] > 1e-14 * values[-1]:
        return None
    scale = np.sqrt(values * (freedom - 2.0) / freedom) * widen
    return SplitStudent(mean, turn * scale, np.ones(len(mean)), np.ones(len(mean)), freedom)


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
        whitened = np.asarray(np.linalg.solve(self.mode.axes, (u - self.mode.point).T).T, dtype=float)
        return _monomials(whitened) @ self.coefficients


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


def _monomials(x: FloatArray) -> FloatArray:
    """All products of up to three coordinates, (point, monomial)."""
    columns = [
        np.prod(x[:, list(chosen)], axis=1)
        for degree in range(1, DEGREE + 1)
        for chosen in combinations_with_replacement(range(x.shape[1]), degree)
    ]
    return np.column_stack(columns)

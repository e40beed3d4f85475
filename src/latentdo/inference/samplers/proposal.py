"""Where importance sampling draws from: Student laws around the modes, each half of each axis with a width of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import gammaln, logsumexp

from ..blocks.coordinates import FloatArray
from .modes import LogDensity, Mode

PROBES = np.array([1.0, 2.0, 4.0, 6.0, 8.0])
"""Distances from the mode, in units of the Laplace approximation's sd, where the width is looked at.

Far ones matter where a coordinate is pressed against its bound: on the unconstrained scale it has an exponential tail."""

LEAST_FREEDOM = 6.0


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
    def _inverse(self) -> FloatArray:
        return np.asarray(np.linalg.inv(self.axes), dtype=float)

    def draw(self, n: int, random: np.random.Generator) -> FloatArray:
        """Independent points, (draw, coordinate)."""
        size = (n, len(self.point))
        side = np.where(random.uniform(size=size) * (self.below + self.above) < self.above, self.above, -self.below)
        radius = np.sqrt(random.chisquare(self.freedom, size=(n, 1)) / self.freedom)
        y = side * np.abs(random.standard_normal(size)) / radius
        return np.asarray(self.point + y @ self.axes.T)

    def log_density(self, u: FloatArray) -> FloatArray:
        """The log density of points (draw, coordinate)."""
        y = (u - self.point) @ self._inverse.T
        distance = np.sum((y / np.where(y > 0, self.above, self.below)) ** 2, axis=1)
        p, freedom = len(self.point), self.freedom
        constant = gammaln(0.5 * (freedom + p)) - gammaln(0.5 * freedom) - 0.5 * p * np.log(freedom * np.pi)
        constant += np.sum(np.log(2.0) - np.log(self.below + self.above)) - np.linalg.slogdet(self.axes)[1]
        return constant - 0.5 * (freedom + p) * np.log1p(distance / freedom)


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
    # With many coordinates a heavy tail in all of them at once would hold most of the draws.
    freedom = max(LEAST_FREEDOM, float(len(modes[0].point)))
    return Mixture(tuple(_split(mode, log_density, freedom) for mode in modes), shares / shares.sum())


def _split(mode: Mode, log_density: LogDensity, freedom: float) -> SplitStudent:
    p = len(mode.point)
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

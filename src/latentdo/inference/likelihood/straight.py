"""Coordinates in which a bent ridge is straight, from draws of a density much like the one to be sampled.

Many rows pin down a curve and leave open where on it a point lies: leapfrog steps are as short as the curve is narrow, and a
chain at an end that is bent more than the rest does not move at all. Here every coordinate gives off what follows, by a spline,
from the direction in which draws spread most, then from the second. Shears keep volumes: no Jacobian.

Source:
    Parno & Marzouk (2018), Transport map accelerated Markov chain Monte Carlo, §3: triangular maps from draws.
    Hastie, Tibshirani & Friedman (2009), The elements of statistical learning, §5.2.1: terms of natural cubic splines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from latentdo.models.build import NUMPY, Arithmetic

from ..blocks.coordinates import FloatArray
from .density import AbstractForm

Array = Any

BENDS = 2
"""Directions that others may follow."""
KNOTS = 6
ENDS = 0.005
"""Share of the draws beyond the first and beyond the last knot, where a bend goes on straight: of what lies farther out they
say nothing, and a polynomial that is wrong there is a wall that chains run into."""
LEFT = 0.07
"""Share of a principal component's variance that is left at most by what follows from longer ones, for a ridge to be a bent line.
Where more is left it is wide in places, and steps that suit the rest diverge where it is narrow."""
FEWEST = 200
"""Draws from which a bend can be told."""


class Bend(NamedTuple):
    """What follows from one direction.

    Attributes:
        centre: (coordinate,).
        along: The direction, one sd long as a slope, (coordinate,).
        knots: Places along it.
        coefficients: (term of the spline, coordinate); nothing of it lies along the direction itself.
    """

    centre: Array
    along: Array
    knots: Array
    coefficients: Array

    def at(self, m: Arithmetic, x: Array) -> Array:
        """What follows at points (…, coordinate)."""
        return natural(m, self.knots, (x - self.centre) @ self.along) @ self.coefficients


class StraightNumbers(NamedTuple):
    """The numeric half."""

    inner: Any
    bends: tuple[Bend, ...]

    def counted(self, share: float) -> StraightNumbers:
        """The same with every row counted as `share` rows."""
        return self._replace(inner=self.inner.counted(share))


@dataclass(frozen=True)
class Moved(AbstractForm):
    """A form whose latents are integrated out, in other coordinates than its own."""

    inner: AbstractForm

    @property
    def n_noise(self) -> int:
        """No latent is left."""
        return 0

    @property
    def n_points(self) -> int:
        """Points per row that its latents are integrated by."""
        return getattr(self.inner, "n_points", 1)


@dataclass(frozen=True)
class Straight(Moved):
    """In coordinates that have given off what follows from others."""

    def log_parts(self, m: Arithmetic, numbers: StraightNumbers, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        return self.inner.log_parts(m, numbers.inner, bent(m, numbers.bends, u), z)


def natural(m: Arithmetic, knots: Array, at: Array) -> Array:
    """The terms of a natural cubic spline at places (…,) along a direction: (…, term)."""
    cubes = m.np.maximum(at[..., None] - knots, 0.0) ** 3
    slopes = (cubes[..., :-1] - cubes[..., -1:]) / (knots[-1] - knots[:-1])
    linear = m.np.stack([m.np.ones_like(at), at], axis=-1)
    return m.np.concatenate([linear, slopes[..., :-1] - slopes[..., -1:]], axis=-1)


def bent(m: Arithmetic, bends: tuple[Bend, ...], y: Array) -> Array:
    """The usual coordinates at points (…, coordinate) of the straight ones."""
    for bend in reversed(bends):
        y = y + bend.at(m, y)
    return y


def straightened(bends: tuple[Bend, ...], x: FloatArray) -> FloatArray:
    """The straight coordinates at points (…, coordinate) of the usual ones."""
    for bend in bends:
        x = x - bend.at(NUMPY, x)
    return x


def bends_of(draws: FloatArray) -> tuple[Bend, ...]:
    """How the ridge on which draws (draw, coordinate) lie is bent; nothing where it is not."""
    if len(draws) < FEWEST or draws.shape[1] < 2 or not np.ptp(draws, axis=0).all():
        return ()
    lengths, directions = np.linalg.eigh(np.cov(draws.T))
    directions = directions[:, ::-1]
    lengths = np.sqrt(np.maximum(lengths[::-1], 1e-12 * lengths[-1]))
    bends, left = [], draws
    for k in range(min(BENDS, draws.shape[1] - 1)):
        along, others = directions[:, k] / lengths[k], directions[:, k + 1 :]
        centre = left.mean(axis=0)
        at = (left - centre) @ along
        first, last = np.quantile(at, [ENDS, 1.0 - ENDS])
        knots = np.linspace(first, last, KNOTS)
        fitted = np.linalg.lstsq(natural(NUMPY, knots, at), (left - centre) @ others, rcond=None)[0]
        bends.append(Bend(centre, along, knots, fitted @ others.T))
        left = straightened(tuple(bends[-1:]), left)
    shares = np.var((left - left.mean(axis=0)) @ directions, axis=0) / lengths**2
    return tuple(bends) if shares.min() < LEFT else ()

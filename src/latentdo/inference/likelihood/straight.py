"""Coordinates in which a bent ridge is straight, from draws of a density much like the one to be sampled.

Many rows pin down a curve and leave open where on it a point lies: leapfrog steps are as short as the curve is narrow, and a
chain at an end that is bent more than the rest does not move at all. Here every coordinate gives off what follows, as a
polynomial, from the direction in which draws spread most, then from the second. Shears are volume preserving: no Jacobian.

Source:
    Parno & Marzouk (2018), Transport map accelerated Markov chain Monte Carlo, §3: triangular polynomial maps from draws.
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
FAR = 3.0
"""Sds from the centre from which on the polynomial bends no further: draws say nothing of what lies far beyond them."""
LEFT = 0.25
"""Share of a principal component's variance that is left at most by what follows from longer ones, for a ridge to be bent."""
FEWEST = 200
"""Draws from which a bend can be told."""


class Bend(NamedTuple):
    """What follows from one direction.

    Attributes:
        centre: (coordinate,).
        along: The direction, one sd long as a slope, (coordinate,).
        coefficients: (power, coordinate); nothing of it lies along the direction itself.
    """

    centre: Array
    along: Array
    coefficients: Array

    def at(self, m: Arithmetic, x: Array) -> Array:
        """What follows at points (…, coordinate)."""
        return powers(m, (x - self.centre) @ self.along) @ self.coefficients


class StraightNumbers(NamedTuple):
    """The numeric half."""

    inner: Any
    bends: tuple[Bend, ...]

    def counted(self, share: float) -> StraightNumbers:
        """The same with every row counted as `share` rows."""
        return self._replace(inner=self.inner.counted(share))


@dataclass(frozen=True)
class Straight(AbstractForm):
    """A form in coordinates that have given off what follows from others."""

    inner: AbstractForm

    @property
    def n_noise(self) -> int:
        """No latent is left."""
        return 0

    @property
    def n_points(self) -> int:
        """Points per row that its latents are integrated by."""
        return getattr(self.inner, "n_points", 1)

    def log_parts(self, m: Arithmetic, numbers: StraightNumbers, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        return self.inner.log_parts(m, numbers.inner, bent(m, numbers.bends, u), z)


def powers(m: Arithmetic, at: Array) -> Array:
    """1, the place along a direction, and what bends, (…, power)."""
    near = FAR * m.np.tanh(at / FAR)
    return m.np.stack([m.np.ones_like(at), at, near**2, near**3], axis=-1)


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
    if len(draws) < FEWEST or draws.shape[1] < 2:
        return ()
    lengths, directions = np.linalg.eigh(np.cov(draws.T))
    directions = directions[:, ::-1]
    lengths = np.sqrt(np.maximum(lengths[::-1], 1e-12 * lengths[-1]))
    bends, left = [], draws
    for k in range(min(BENDS, draws.shape[1] - 1)):
        along, others = directions[:, k] / lengths[k], directions[:, k + 1 :]
        centre = left.mean(axis=0)
        values = powers(NUMPY, (left - centre) @ along)
        fitted = np.linalg.lstsq(values, (left - centre) @ others, rcond=None)[0]
        bends.append(Bend(centre, along, fitted @ others.T))
        left = straightened(tuple(bends[-1:]), left)
    shares = np.var((left - left.mean(axis=0)) @ directions, axis=0) / lengths**2
    return tuple(bends) if shares.min() < LEFT else ()

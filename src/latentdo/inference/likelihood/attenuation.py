"""Coordinates of binary columns and hidden causes that are nearer to what data see than weights are.

A column with intercept a and loadings w looks like one with a / s and w / s, s² = 1 + c² |w|²: where w may be large, a and w
grow together along a ridge. Here the sampler moves a / s, and loadings drawn in towards 0: c |w| = sinh(r) along
their ray, with r = c |t|, so that s = cosh(r). What belongs to columns of other families stays as it is.

Source:
    Zeger, Liang & Albert (1988), Models for longitudinal data, §3: the attenuation by a normal variable in a logistic model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from latentdo.models.build import NUMPY, Arithmetic

from ..blocks.coordinates import FloatArray
from .density import AbstractForm
from .program import BERNOULLI, Program, ProgramNumbers, columns_of, parts_of

Array = Any

SQUARED = (16.0 * np.sqrt(3.0) / (15.0 * np.pi)) ** 2
"""c²: a logistic function is much like a normal one of this scale."""
HALF = 1
SMALL, TINY = 1e-2, 1e-30
"""r² below which sinh(r) / r is taken from its series, and what keeps its logarithm finite."""


class AttenuatedNumbers(NamedTuple):
    """The numeric half.

    Attributes:
        inner: That of the form.
        loadings: c times the loading that a unit of a coordinate is, (column, coordinate); 0 of other coordinates.
        weights: Whether a coordinate is the intercept or a weight of a column, (column, coordinate).
        shift: What is added to an intercept's coordinate to be 0 where the intercept is, (coordinate,).
        half: Whether a coordinate is bounded on one side, (coordinate,).
    """

    inner: Any
    loadings: Array
    weights: Array
    shift: Array
    half: Array

    def counted(self, share: float) -> AttenuatedNumbers:
        """The same with every row counted as `share` rows."""
        return self._replace(inner=self.inner.counted(share))


@dataclass(frozen=True)
class Attenuated(AbstractForm):
    """A form in these coordinates."""

    inner: AbstractForm

    @property
    def n_noise(self) -> int:
        """No latent is left."""
        return 0

    @property
    def n_points(self) -> int:
        """Points per row that its latents are integrated by."""
        return getattr(self.inner, "n_points", 1)

    def log_parts(self, m: Arithmetic, numbers: AttenuatedNumbers, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        at, log_jacobian = usual(m, numbers, u)
        log_prior, rows = self.inner.log_parts(m, numbers.inner, at, z)
        return log_prior + log_jacobian, rows


def attenuated(
    form: AbstractForm, numbers: Any, program: Program, own: ProgramNumbers, n_free: int
) -> tuple[Attenuated, AttenuatedNumbers]:
    """A form in coordinates that are easier to sample.

    Args:
        program, own: Both halves of the program that `form` computes with.
    """
    place, kinds = own.place[:, :n_free], own.transform[:n_free]
    # Coordinates that stand in one equation only, and there as they are.
    alone = (np.count_nonzero(place, axis=0) == 1) & (kinds <= HALF)
    parts = parts_of(program, (place * alone).T)
    loadings = np.sqrt(SQUARED) * np.abs(parts.loadings).sum(axis=(2, 3)).T
    binary = np.zeros((len(loadings), 1))
    binary[columns_of(program)[BERNOULLI]] = 1.0
    weights = ((parts.coefficients != 0).any(axis=2) & (kinds != HALF)[:, None]).T
    offsets = parts_of(program, own.place_offset).coefficients
    size = parts.coefficients.sum(axis=(1, 2))
    at = (parts.coefficients * offsets).sum(axis=(1, 2))
    shift = np.where(size == 0, 0.0, at / np.where(size == 0, 1.0, size) ** 2)
    return Attenuated(form), AttenuatedNumbers(numbers, binary * loadings, weights * 1.0, shift, kinds == HALF)


@dataclass(frozen=True, eq=False)
class Eased:
    """What chains move of a block, and what its own free coordinates are there.

    Attributes:
        form, numbers: Both halves of the form whose coordinates chains move.
        own: How the block's own coordinates follow; None where they are the same.
    """

    form: AbstractForm
    numbers: Any
    own: AttenuatedNumbers | None

    @staticmethod
    def of(form: AbstractForm, numbers: Any, inner: AbstractForm, inner_numbers: Any, n_free: int) -> Eased:
        """In easier coordinates if there are any.

        Args:
            inner, inner_numbers: What `form` computes with, a program perhaps.
        """
        if isinstance(inner, Program):
            easy = attenuated(form, numbers, inner, inner_numbers, n_free)
            if easy[1].loadings.any():
                return Eased(*easy, easy[1])
        return Eased(form, numbers, None)

    def easier(self, u: FloatArray) -> FloatArray:
        """Points (…, coordinate) of the block's own coordinates in those that chains move."""
        return u if self.own is None else easier(self.own, u)

    def usual(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The block's own coordinates at points (…, coordinate) of what chains move, and the log Jacobians, (…,)."""
        return (x, np.zeros(x.shape[:-1])) if self.own is None else usual(NUMPY, self.own, x)


def usual(m: Arithmetic, numbers: AttenuatedNumbers, x: Array) -> tuple[Array, Array]:
    """The block's own free coordinates at points (…, coordinate), and the log Jacobian."""
    positive = m.np.maximum(x, 0.0) + m.np.log1p(m.np.exp(-m.np.abs(x)))
    t = m.np.where(numbers.half, positive, x)
    squares = t**2 @ (numbers.loadings**2).T
    log_growth, log_s = _grown(m, squares)
    is_loading = m.np.sign(numbers.loadings)
    stretch = log_growth @ is_loading + log_s @ numbers.weights
    v = (t + numbers.shift) * m.np.exp(stretch) - numbers.shift
    # The first of a column's loadings grows along the ray, the others across it.
    has_any = is_loading.max(axis=1)
    log_jacobian = stretch.sum(axis=-1) + (has_any * (log_s - log_growth)).sum(axis=-1)
    low = m.np.where(numbers.half, v, 1.0)
    log_share = m.np.log(-m.np.expm1(-low))
    log_jacobian = log_jacobian + m.np.where(numbers.half, x - positive - log_share, 0.0).sum(axis=-1)
    return m.np.where(numbers.half, v + log_share, v), log_jacobian


def _grown(m: Arithmetic, squares: Array) -> tuple[Array, Array]:
    """log(sinh r / r) and log cosh r, from r²."""
    small = squares < SMALL
    near = squares * (1.0 / 6.0 - squares * (1.0 / 180.0 - squares / 2835.0))
    r = m.np.sqrt(m.np.where(small, 1.0, squares))
    log_growth = m.np.where(small, near, r + m.np.log(-m.np.expm1(-2.0 * r) / (2.0 * r)))
    # cosh² r = 1 + r² (sinh r / r)²
    return log_growth, 0.5 * m.np.logaddexp(0.0, m.np.log(m.np.maximum(squares, TINY)) + 2.0 * log_growth)


def easier(numbers: AttenuatedNumbers, u: FloatArray) -> FloatArray:
    """Points (…, coordinate) of the block's own free coordinates in these: what `usual` undoes."""
    v = np.where(numbers.half, np.logaddexp(0.0, u), u)
    squares = np.arcsinh(np.sqrt(v**2 @ (numbers.loadings**2).T)) ** 2
    log_growth, log_s = _grown(NUMPY, squares)
    stretch = log_growth @ np.sign(numbers.loadings) + log_s @ numbers.weights
    t = (v + numbers.shift) * np.exp(-stretch) - numbers.shift
    low = np.where(numbers.half, t, 1.0)
    return np.where(numbers.half, t + np.log(-np.expm1(-low)), t)

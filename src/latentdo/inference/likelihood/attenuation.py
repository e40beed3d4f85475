"""Coordinates of binary columns and hidden causes that are nearer to what data see than weights are.

A column with intercept a and loadings w looks like one with a / s and w / s, s² = 1 + c² |w|²: where w may be large, a and w
grow together along a ridge. Here the sampler moves a / s, and loadings drawn in towards 0: w = t exp(r² / 2) with r = c |t|.

Source:
    Zeger, Liang & Albert (1988), Models for longitudinal data, §3: the attenuation by a normal variable in a logistic model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import lambertw

from latentdo.models.build import Arithmetic

from ..blocks.coordinates import FloatArray
from .density import AbstractForm
from .lattice import LatticeForm, LatticeNumbers
from .program import parts_of

Array = Any

SQUARED = (16.0 * np.sqrt(3.0) / (15.0 * np.pi)) ** 2
"""c²: a logistic function is much like a normal one of this scale."""
HALF = 1


class AttenuatedNumbers(NamedTuple):
    """The numeric half.

    Attributes:
        inner: That of the lattice.
        loadings: c times the loading that a unit of a coordinate is, (column, coordinate); 0 of other coordinates.
        weights: Whether a coordinate is the intercept or a weight of a column, (column, coordinate).
        shift: What is added to an intercept's coordinate to be 0 where the intercept is, (coordinate,).
        half: Whether a coordinate is bounded on one side, (coordinate,).
    """

    inner: LatticeNumbers
    loadings: Array
    weights: Array
    shift: Array
    half: Array


@dataclass(frozen=True)
class Attenuated(AbstractForm):
    """A lattice form in these coordinates."""

    inner: LatticeForm

    @property
    def n_noise(self) -> int:
        """No latent is left."""
        return 0

    def log_parts(self, m: Arithmetic, numbers: AttenuatedNumbers, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        at, log_jacobian = usual(m, numbers, u)
        log_prior, rows = self.inner.log_parts(m, numbers.inner, at, z)
        return log_prior + log_jacobian, rows


def attenuated(form: LatticeForm, numbers: LatticeNumbers, n_free: int) -> tuple[Attenuated, AttenuatedNumbers]:
    """A lattice form in coordinates that are easier to sample."""
    place, kinds = numbers.program.place[:, :n_free], numbers.program.transform[:n_free]
    # Coordinates that stand in one equation only, and there as they are.
    alone = (np.count_nonzero(place, axis=0) == 1) & (kinds <= HALF)
    parts = parts_of(form.program, (place * alone).T)
    loadings = np.sqrt(SQUARED) * np.abs(parts.loadings).sum(axis=(2, 3)).T
    weights = ((parts.coefficients != 0).any(axis=2) & (kinds != HALF)[:, None]).T
    offsets = parts_of(form.program, numbers.program.place_offset).coefficients
    size = parts.coefficients.sum(axis=(1, 2))
    at = (parts.coefficients * offsets).sum(axis=(1, 2))
    shift = np.where(size == 0, 0.0, at / np.where(size == 0, 1.0, size) ** 2)
    return Attenuated(form), AttenuatedNumbers(numbers, loadings, weights * 1.0, shift, kinds == HALF)


def usual(m: Arithmetic, numbers: AttenuatedNumbers, x: Array) -> tuple[Array, Array]:
    """The block's own free coordinates at points (…, coordinate), and the log Jacobian."""
    positive = m.np.maximum(x, 0.0) + m.np.log1p(m.np.exp(-m.np.abs(x)))
    t = m.np.where(numbers.half, positive, x)
    squares = t**2 @ (numbers.loadings**2).T
    log_s = 0.5 * m.np.log1p(squares * m.np.exp(squares))
    is_loading = m.np.sign(numbers.loadings)
    stretch = 0.5 * squares @ is_loading + log_s @ numbers.weights
    v = (t + numbers.shift) * m.np.exp(stretch) - numbers.shift
    # The first of a column's loadings grows along the ray, the others across it.
    has_any = is_loading.max(axis=1)
    log_jacobian = stretch.sum(axis=-1) + (has_any * m.np.log1p(squares)).sum(axis=-1)
    low = m.np.where(numbers.half, v, 1.0)
    log_share = m.np.log(-m.np.expm1(-low))
    log_jacobian = log_jacobian + m.np.where(numbers.half, x - positive - log_share, 0.0).sum(axis=-1)
    return m.np.where(numbers.half, v + log_share, v), log_jacobian


def easier(numbers: AttenuatedNumbers, u: FloatArray) -> FloatArray:
    """Points (…, coordinate) of the block's own free coordinates in these: what `usual` undoes."""
    v = np.where(numbers.half, np.logaddexp(0.0, u), u)
    squares = np.real(lambertw(v**2 @ (numbers.loadings**2).T))
    log_s = 0.5 * np.log1p(squares * np.exp(squares))
    stretch = 0.5 * squares @ np.sign(numbers.loadings) + log_s @ numbers.weights
    t = (v + numbers.shift) * np.exp(-stretch) - numbers.shift
    low = np.where(numbers.half, t, 1.0)
    return np.where(numbers.half, t + np.log(-np.expm1(-low)), t)

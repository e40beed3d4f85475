"""Fitted conditional laws: means, densities, integration nodes and draws of one column given others.

Every array starts with the axes (replicate, row): a replicate is one weighting of the rows, so that a whole bootstrap
is one call. What a law is asked with is an env, the values of the columns that it is given.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, ndtri, softmax

from .features import Features
from .sample import Column, Env, FloatArray, IntArray

Predictor = Callable[[Env], FloatArray]
"""From an env to one number for every replicate and row."""

FLOOR = 1e-12
_GRID = 512
_REACH = 8.0


class AbstractLaw(abc.ABC):
    """The law of a column given others, one for each replicate."""

    @abc.abstractmethod
    def mean(self, env: Env) -> FloatArray:
        """The conditional mean."""

    @abc.abstractmethod
    def density(self, env: Env, values: FloatArray) -> FloatArray:
        """The probability of each value, of a continuous column its density."""

    @abc.abstractmethod
    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        """Values along a new last axis, and the weights with which a sum over them is an expectation.

        Args:
            count: How many values for a continuous column; of a discrete one all its levels come.
        """

    @abc.abstractmethod
    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        """One value for each uniform number, by the inverse of the distribution function."""


class AbstractDiscreteLaw(AbstractLaw):
    """The law of a column with levels: all that differs is where the probabilities come from."""

    @property
    @abc.abstractmethod
    def levels(self) -> FloatArray:
        """The values of the column."""

    @abc.abstractmethod
    def probabilities(self, env: Env) -> FloatArray:
        """The probability of each level, along a new last axis."""

    def mean(self, env: Env) -> FloatArray:
        return self.probabilities(env) @ self.levels

    def density(self, env: Env, values: FloatArray) -> FloatArray:
        law = self.probabilities(env)
        codes = np.minimum(np.searchsorted(self.levels, values), len(self.levels) - 1)
        shape = np.broadcast_shapes(law.shape[:-1], codes.shape)
        law = np.broadcast_to(law, (*shape, law.shape[-1]))
        return np.take_along_axis(law, np.broadcast_to(codes, shape)[..., None], axis=-1)[..., 0]

    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        law = self.probabilities(env)
        return self.levels.reshape((1,) * (law.ndim - 1) + (-1,)), law

    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        below = np.cumsum(self.probabilities(env), axis=-1)[..., :-1]
        return self.levels[(uniforms[..., None] > below).sum(axis=-1)]


@dataclass(frozen=True, eq=False)
class TableLaw(AbstractDiscreteLaw):
    """Relative frequencies in every combination of levels: (replicate, combination, level)."""

    column: Column
    features: Features
    table: FloatArray

    @property
    def levels(self) -> FloatArray:
        return self.column.all_levels

    def probabilities(self, env: Env) -> FloatArray:
        cells = self.features.cells(env)
        if cells.shape[0] == 1:
            return self.table[:, cells[0]]
        return self.table[np.arange(len(self.table)).reshape((-1,) + (1,) * (cells.ndim - 1)), cells]


@dataclass(frozen=True, eq=False)
class LogisticLaw(AbstractDiscreteLaw):
    """Logistic, or multinomial logistic: coefficients (replicate, level without the first, term)."""

    column: Column
    features: Features
    coefficients: FloatArray

    @property
    def levels(self) -> FloatArray:
        return self.column.all_levels

    def probabilities(self, env: Env) -> FloatArray:
        scores = [self.features.predict(env, self.coefficients[:, k]) for k in range(self.coefficients.shape[1])]
        if len(scores) == 1:
            upper = expit(scores[0])
            return np.stack([1 - upper, upper], axis=-1)
        return softmax(np.stack([np.zeros_like(scores[0]), *scores], axis=-1), axis=-1)


@dataclass(frozen=True, eq=False)
class EventLaw(AbstractDiscreteLaw):
    """Whether a column has one of some levels, 1 or 0, read off its whole law: so the levels of a law sum to one.

    Attributes:
        whole: The law of the column.
        members: Of each level whether it counts.
    """

    whole: AbstractDiscreteLaw
    members: FloatArray

    @property
    def levels(self) -> FloatArray:
        return np.array([0.0, 1.0])

    def probabilities(self, env: Env) -> FloatArray:
        chance = self.whole.probabilities(env) @ self.members
        return np.stack([1 - chance, chance], axis=-1)


@dataclass(frozen=True, eq=False)
class LinearMean:
    """A mean that is linear in features: coefficients (replicate, term) of (target - centre) / scale."""

    features: Features
    coefficients: FloatArray
    centre: float
    scale: float

    def __call__(self, env: Env) -> FloatArray:
        return self.centre + self.scale * self.features.predict(env, self.coefficients)


@dataclass(frozen=True, eq=False)
class LogLinearScale:
    """A standard deviation whose logarithm is linear in features."""

    features: Features
    coefficients: FloatArray

    def __call__(self, env: Env) -> FloatArray:
        predicted = self.features.predict(env, self.coefficients)
        # The first coefficient has the unit of the column in it: only what goes away from it is bounded.
        centre = self.coefficients[:, 0].reshape((-1,) + (1,) * (predicted.ndim - 1))
        return np.exp(centre + np.clip(predicted - centre, -30, 30))


@dataclass(frozen=True, eq=False)
class Shape:
    """The law of standardised residuals on a grid: densities and distribution function, (replicate, grid)."""

    heights: FloatArray
    below: FloatArray

    @staticmethod
    def of(residuals: FloatArray, weights: FloatArray) -> Shape:
        """A kernel estimate; the bandwidth is Silverman's, 1.06 sd n^(-1/5), at the smaller of two spreads.

        Args:
            residuals: (replicate, row), with variance one.
            weights: (replicate, row).
        """
        step = 2 * _REACH / (_GRID - 1)
        grid = np.linspace(-_REACH, _REACH, _GRID)
        heights = np.empty((len(residuals), _GRID))
        for b, (values, counts) in enumerate(zip(residuals, weights, strict=True)):
            place = np.clip((values + _REACH) / step, 0, _GRID - 1.000001)
            left = place.astype(np.intp)
            part = place - left
            mass = np.bincount(left, counts * (1 - part), _GRID) + np.bincount(left + 1, counts * part, _GRID)
            mass /= mass.sum()
            quartiles = np.interp([0.25, 0.75], np.cumsum(mass), grid)
            spread = min(1.0, max(float(np.diff(quartiles)[0]) / 1.349, 0.2))
            n_effective = counts.sum() ** 2 / (counts**2).sum()
            width = max(1.06 * spread * n_effective**-0.2, step)
            kernel = np.exp(-0.5 * ((grid - grid[_GRID // 2]) / width) ** 2)
            heights[b] = np.maximum(np.convolve(mass, kernel, mode="same"), FLOOR)
        heights /= heights.sum(axis=1, keepdims=True) * step
        below = np.cumsum(heights, axis=1) * step
        return Shape(heights, below / below[:, -1:])

    def density(self, z: FloatArray) -> FloatArray:
        """The density at z, whose first axis is the replicates."""
        step = 2 * _REACH / (_GRID - 1)
        place = np.clip((z + _REACH) / step, 0, _GRID - 1.000001)
        left: IntArray = place.astype(np.intp)
        part = place - left
        b = np.arange(len(self.heights)).reshape((-1,) + (1,) * (z.ndim - 1))
        return self.heights[b, left] * (1 - part) + self.heights[b, left + 1] * part

    def quantile(self, p: FloatArray) -> FloatArray:
        """The quantiles, with the replicates as the first axis."""
        grid = np.linspace(-_REACH, _REACH, _GRID)
        p = np.broadcast_to(p, np.broadcast_shapes(p.shape, (len(self.below),) + (1,) * (p.ndim - 1)))
        return np.stack([np.interp(levels, below, grid) for levels, below in zip(p, self.below, strict=True)])


@dataclass(frozen=True, eq=False)
class Residuals:
    """The spread of a continuous column about its mean.

    Attributes:
        scale: The standard deviation.
        shape: The law of what is left after dividing by it; None for the normal law.
    """

    scale: Predictor
    shape: Shape | None


@dataclass(frozen=True, eq=False)
class ContinuousLaw(AbstractLaw):
    """A conditional mean with residuals, which are fitted when they are first needed."""

    centre: Predictor
    fit_residuals: Callable[[], Residuals]

    @cached_property
    def residuals(self) -> Residuals:
        """The law of the residuals."""
        return self.fit_residuals()

    def mean(self, env: Env) -> FloatArray:
        return self.centre(env)

    def density(self, env: Env, values: FloatArray) -> FloatArray:
        scale = self.residuals.scale(env)
        z = (values - self.centre(env)) / scale
        if self.residuals.shape is None:
            return np.maximum(np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi), FLOOR) / scale
        return self.residuals.shape.density(z) / scale

    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        centre, scale = self.centre(env)[..., None], self.residuals.scale(env)[..., None]
        if self.residuals.shape is None:
            z, weights = np.polynomial.hermite_e.hermegauss(count)
            lead = (1,) * (centre.ndim - 1)
            return centre + scale * z.reshape(*lead, -1), (weights / weights.sum()).reshape(*lead, -1)
        middle = ((np.arange(count) + 0.5) / count).reshape((1,) * (centre.ndim - 1) + (-1,))
        return centre + scale * self.residuals.shape.quantile(middle), np.full_like(middle, 1 / count)

    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        shape = self.residuals.shape
        z = ndtri(np.clip(uniforms, 1e-9, 1 - 1e-9)) if shape is None else shape.quantile(uniforms)
        return self.centre(env) + self.residuals.scale(env) * z

"""Normal nodes with splines: the coefficients are Gaussian given the noise and the wiggles, and so are integrated out.

What is left is one sd and one wiggle a spline, which importance sampling draws; then the coefficients are drawn exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..blocks.coordinates import FloatArray
from ..blocks.draws import BlockDraws
from ..blocks.engines import Engine
from ..blocks.method import Method
from ..likelihood.task import Task
from .equation import Bounds, Equation, Moments, Priors
from .modes import climb, numbers_only
from .outcome import from_independent
from .regression import distinct, equation_of, importance_sample

MOST_WIGGLES = 12
"""Splines up to which draws around the modes are enough."""
CELLS = 2_000_000
"""Numbers of the matrices that are factorised together."""


def smooth(task: Task, engine: Engine) -> BlockDraws | str:
    """Draws of a normal node with splines, its parents all measured and its coefficients without bounds.

    Source:
        Wood (2017), Generalized additive models, 2nd edition, §6.2.1: the coefficients of a penalised regression integrated
        out.
    """
    del engine
    if task.block.latent or len(task.block.nodes) != 1:
        return "the block has latent nodes"
    (layout,) = task.layout.nodes
    if not layout.bends or not layout.family.linear_gaussian:
        return "it is no normal node with splines"
    found = Integrated.of(equation_of(task, task.rows))
    if isinstance(found, str):
        return found
    starts = task.starts(64)[:, found.outer]
    order = np.argsort(-found.log_density(starts))[:4]
    modes = tuple(distinct([climb(found.log_density, starts[k]) for k in order]))
    if not modes:
        return "no mode of the posterior was found"
    random = task.random().spawn(2)[1]
    drawn = importance_sample(found.log_density, modes, 2 * task.n_kept, random, found.log_density)
    u = found.completed(drawn.u, random)
    method = Method(
        "importance sampling",
        of="the noise and the wiggles, the coefficients integrated out",
        draws=len(u),
    )
    return from_independent(task, u, method, log_weights=drawn.log_weights)


@dataclass(frozen=True, eq=False)
class Integrated:
    """The posterior of the coordinates that are no coefficients.

    Attributes:
        outer, inner: The places of these and of the coefficients among the free coordinates.
    """

    equation: Equation
    moments: Moments
    outer: np.ndarray
    inner: np.ndarray

    @staticmethod
    def of(equation: Equation) -> Integrated | str:
        """Of an equation, or why the coefficients cannot be integrated out."""
        assert isinstance(equation.likelihood, Moments), "the node is normal"
        is_outer = np.zeros(len(equation.bounds.kind), dtype=bool)
        wiggles = equation.bends.wiggle
        is_outer[wiggles[wiggles >= 0]] = True
        is_outer[equation.place[-1] != 0] = True
        outer, inner = np.flatnonzero(is_outer), np.flatnonzero(~is_outer)
        if len(outer) > 1 + MOST_WIGGLES:
            return "it has many splines"
        if (equation.bounds.kind[inner] != "free").any() or any(equation.priors.names[k] != "normal" for k in inner):
            return "a coefficient has a bound or a prior that is not normal"
        return Integrated(equation, equation.likelihood, outer, inner)

    @cached_property
    def _fixed(self) -> tuple[FloatArray, ...]:
        """The rows' triangle on the inner coordinates and what is left of the best fit; the same of their priors."""
        equation, moments, inner = self.equation, self.moments, self.inner
        rows = moments.triangle @ equation.place[:-1][:, inner]
        left = moments.triangle @ (moments.best - equation.place_offset[:-1])
        mean, sd = equation.priors.arguments[inner, 0], equation.priors.arguments[inner, 1]
        whiten = equation.prior_map[np.ix_(inner, inner)] / sd[:, None]
        return rows, left, whiten, (mean - equation.prior_offset[inner]) / sd, 1.0 / sd

    def _outer_values(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """All coordinates with the inner ones at 1, (draw, coordinate), and the log prior of the outer ones."""
        equation, outer = self.equation, self.outer
        bounds = Bounds(equation.bounds.kind[outer], equation.bounds.anchor[outer], equation.bounds.unit[outer])
        value, _, _, log_jacobian, *_ = bounds(u)
        priors = Priors(tuple(equation.priors.names[k] for k in outer), equation.priors.arguments[outer])
        log_prior, _ = priors.slopes(value + equation.prior_offset[outer])
        whole = np.ones((len(u), len(equation.bounds.kind)))
        whole[:, outer] = value
        return whole, (log_prior + log_jacobian).sum(axis=1)

    def _systems(self, whole: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Precision and slope of the inner coordinates, the sd, and what does not depend on them, per draw."""
        rows, left, whiten, towards, own = self._fixed
        times = self.equation.bends(whole)[:, self.inner]
        sd = whole @ self.equation.place[-1] + self.equation.place_offset[-1]
        by_rows = rows * times[:, None, :] / sd[:, None, None]
        by_prior = whiten * times[:, None, :]
        bent = np.isin(self.inner, self.equation.bends.bent)
        by_prior[:, bent, bent] = own[bent]
        precision = np.swapaxes(by_rows, 1, 2) @ by_rows + np.swapaxes(by_prior, 1, 2) @ by_prior
        scaled = left / sd[:, None]
        slope = np.einsum("drk,dr->dk", by_rows, scaled) + np.einsum("drk,r->dk", by_prior, towards)
        rest = (scaled**2).sum(axis=1) + self.moments.residual / sd**2 + towards @ towards
        return precision, slope, sd, rest

    def log_density(self, u: FloatArray) -> FloatArray:
        """The log posterior at values of the outer coordinates (draw, coordinate), up to a constant."""
        total = np.empty(len(u))
        size = max(1, CELLS // max(1, len(self.inner)) ** 2)
        with np.errstate(all="ignore"):
            for begin in range(0, len(u), size):
                part = slice(begin, begin + size)
                whole, log_prior = self._outer_values(u[part])
                precision, slope, sd, rest = self._systems(whole)
                usable = np.isfinite(precision).all(axis=(1, 2)) & (sd > 0)
                factor = np.linalg.cholesky(np.where(usable[:, None, None], precision, np.eye(len(self.inner))))
                half = np.linalg.solve(factor, np.where(usable[:, None], slope, 0.0)[..., None])[..., 0]
                log_size = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
                value = 0.5 * ((half**2).sum(axis=1) - rest) - log_size - self.moments.n * np.log(sd)
                total[part] = np.where(usable, value + log_prior, -np.inf)
        return numbers_only(total)

    def completed(self, u: FloatArray, random: np.random.Generator) -> FloatArray:
        """All free coordinates, the inner ones drawn given the outer ones."""
        bounds, inner = self.equation.bounds, self.inner
        found = np.empty((len(u), len(bounds.kind)))
        found[:, self.outer] = u
        size = max(1, CELLS // max(1, len(inner)) ** 2)
        for begin in range(0, len(u), size):
            part = slice(begin, begin + size)
            precision, slope, *_ = self._systems(self._outer_values(u[part])[0])
            factor = np.linalg.cholesky(precision)
            half = np.linalg.solve(factor, slope[..., None])[..., 0] + random.standard_normal(slope.shape)
            value = np.linalg.solve(np.swapaxes(factor, 1, 2), half[..., None])[..., 0]
            found[part, inner] = (value - bounds.anchor[inner]) / bounds.unit[inner]
        return found

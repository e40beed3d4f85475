"""One equation as matrices: the log posterior of a measured node whose parents were all measured, with its exact derivatives.

Every coefficient and parameter of the node is an affine function of its constrained coordinates, so that a thousand of them are
a few products of matrices. What differs between families is the likelihood alone.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from scipy.special import expit

from latentdo.laws import LAWS
from latentdo.models import BUILT_IN, AbstractFamily, Bernoulli, Categorical, Spreading, Table
from latentdo.models.build import NUMPY, numerics
from latentdo.tables import IntArray

from ..blocks.coordinates import FloatArray
from ..likelihood.density import CoordinateLayout, NodeLayout, NodeNumbers, Numbers, coordinates_of, solved_map
from ..runtime import JAX
from .modes import numbers_only

CELLS = 250_000
"""Cells (draws x rows x predictors) that are in memory at a time."""
AT_ONCE = 16
"""Draws whose rows are differentiated at once: one of each chain."""
TINY = 1e-30
"""Step of derivatives along the imaginary axis, which lose no digits."""


class AbstractLikelihood(abc.ABC):
    """The log likelihood of the rows as a function of the coefficients and the family's parameters, laid end to end."""

    @abc.abstractmethod
    def slopes(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log likelihood and gradient at points (draw, parameter): (draw,) and (draw, parameter)."""

    def value(self, points: FloatArray) -> FloatArray:
        """Log likelihood at points (draw, parameter)."""
        return self.slopes(points)[0]

    @abc.abstractmethod
    def curvature(self, point: FloatArray) -> FloatArray:
        """The Hessian at a point, (parameter, parameter)."""


@dataclass(frozen=True, eq=False)
class Moments(AbstractLikelihood):
    """A normal node by its sufficient statistics: Σ w (y - Xb)² = residual + |R (b - best)|².

    Attributes:
        triangle: R.
        n: Number of rows.
    """

    triangle: FloatArray
    best: FloatArray
    residual: float
    n: float

    @staticmethod
    def of(x: FloatArray, y: FloatArray, weights: FloatArray) -> Moments:
        """Of the rows of a design (row, coefficient)."""
        root = np.sqrt(weights)
        triangle = np.asarray(np.linalg.qr(x * root[:, None], mode="r"), dtype=float)
        best = np.asarray(np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0], dtype=float)
        return Moments(triangle, best, float(weights @ (y - x @ best) ** 2), float(weights.sum()))

    def slopes(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `AbstractLikelihood`; the last parameter is the sd."""
        sd = points[:, -1:]
        moved = (points[:, :-1] - self.best) @ self.triangle.T
        squares = self.residual + np.sum(moved**2, axis=1, keepdims=True)
        value = -0.5 * squares / sd**2 - self.n * np.log(sd)
        return value[:, 0], np.hstack([-(moved @ self.triangle) / sd**2, squares / sd**3 - self.n / sd])

    def curvature(self, point: FloatArray) -> FloatArray:
        """See `AbstractLikelihood`."""
        sd, moved = point[-1], self.triangle @ (point[:-1] - self.best)
        across = 2.0 * (moved @ self.triangle)[:, None] / sd**3
        last = self.n / sd**2 - 3.0 * (self.residual + moved @ moved) / sd**4
        return np.block([[-(self.triangle.T @ self.triangle) / sd**2, across], [across.T, np.array([[last]])]])


@dataclass(frozen=True, eq=False)
class Logits(AbstractLikelihood):
    """A bernoulli or categorical node: a predictor for each level but the first, rows of equal parents merged.

    Attributes:
        x: (row, coefficient).
        totals: How often each row of parents was seen.
        sums: Σ x over the rows at each level but the first, (level, coefficient): all that is needed of the node's own column.
    """

    x: FloatArray
    totals: FloatArray
    sums: FloatArray

    @staticmethod
    def of(x: FloatArray, level: IntArray, weights: FloatArray, n_levels: int) -> Logits:
        """Of the rows of a design; `level` counts from 0."""
        seen = weights > 0
        x, level, weights = x[seen], level[seen], weights[seen]
        rows, place = np.unique(x, axis=0, return_inverse=True)
        sums = np.stack([weights * (level == k) @ x for k in range(1, n_levels)])
        totals = np.bincount(place.reshape(-1), weights=weights)
        return Logits(rows, np.asarray(totals, dtype=float), sums)

    def slopes(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `AbstractLikelihood`."""
        n_levels, q = self.sums.shape
        coefficients = points.reshape(-1, q)
        value = points @ self.sums.reshape(-1)
        slope = np.tile(self.sums, (len(points), 1))
        size = max(1, CELLS // len(coefficients))
        for begin in range(0, len(self.x), size):
            x, totals = self.x[begin : begin + size], self.totals[begin : begin + size]
            eta = (coefficients @ x.T).reshape(len(points), n_levels, -1)
            chances, log_total = _chances(eta)
            value -= log_total @ totals
            slope -= (chances * totals).reshape(len(coefficients), -1) @ x
        return value, slope.reshape(len(points), -1)

    def curvature(self, point: FloatArray) -> FloatArray:
        """See `AbstractLikelihood`."""
        n_levels, q = self.sums.shape
        hessian = np.zeros((n_levels, q, n_levels, q))
        size = max(1, 40 * CELLS // (n_levels * q))
        for begin in range(0, len(self.x), size):
            x, totals = self.x[begin : begin + size], self.totals[begin : begin + size]
            chances, _ = _chances(point.reshape(n_levels, q) @ x.T)
            each = np.einsum("kn,nq->nkq", chances, x).reshape(len(x), -1)
            hessian += ((each * totals[:, None]).T @ each).reshape(hessian.shape)
            for k in range(n_levels):
                hessian[k, :, k] -= (x * (totals * chances[k])[:, None]).T @ x
        return hessian.reshape(n_levels * q, -1)


def _chances(eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The chance of each level but the first, (…, level, row), and the log of the sum of which they are shares."""
    if eta.shape[-2] == 1:
        return expit(eta), np.logaddexp(0.0, eta[..., 0, :])
    top = np.maximum(eta.max(axis=-2, keepdims=True), 0.0)
    eta -= top
    np.exp(eta, out=eta)
    total = eta.sum(axis=-2, keepdims=True) + np.exp(-top)
    eta /= total
    return eta, (np.log(total) + top)[..., 0, :]


@dataclass(frozen=True, eq=False)
class Rows(AbstractLikelihood):
    """A node of any other family with one predictor, row by row: JAX differentiates by the predictor and the parameters."""

    family: AbstractFamily
    x: FloatArray
    y: FloatArray
    weights: FloatArray

    def slopes(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `AbstractLikelihood`."""
        # Always as many draws at a time, so that one compiled program serves all.
        padded = np.concatenate([points, np.repeat(points[-1:], -len(points) % AT_ONCE, axis=0)])
        value, slope = np.zeros(len(padded)), np.zeros(padded.shape)
        for begin in range(0, len(padded), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            coefficients, parameters = self._split(padded[part])
            value[part], (pull, own) = _row_slopes(
                self.family, self.y, self.weights, coefficients @ self.x.T, parameters
            )
            slope[part] = np.hstack([np.asarray(pull) @ self.x, np.asarray(own)])
        return value[: len(points)], slope[: len(points)]

    def value(self, points: FloatArray) -> FloatArray:
        """See `AbstractLikelihood`: in NumPy, with nothing to compile."""
        value, size = np.zeros(len(points)), max(1, CELLS // len(self.x))
        for begin in range(0, len(points), size):
            part = slice(begin, begin + size)
            coefficients, parameters = self._split(points[part])
            own = {name: parameters[:, [k]] for k, name in enumerate(self.family.parameters)}
            each = numerics(self.family).log_density(NUMPY, self.y, coefficients @ self.x.T, own)
            value[part] = each @ self.weights
        return value

    def _split(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients, and the family's own parameters."""
        n = points.shape[1] - len(self.family.parameters)
        return points[:, :n], points[:, n:]

    def curvature(self, point: FloatArray) -> FloatArray:
        """See `AbstractLikelihood`."""
        n = len(point) - len(self.family.parameters)
        each = np.asarray(_row_curvature(self.family, self.y, self.weights, self.x @ point[:n], point[n:]))
        across = self.x.T @ each[:, 0, 1:]
        return np.block([[(self.x * each[:, :1, 0]).T @ self.x, across], [across.T, each[:, 1:, 1:].sum(axis=0)]])


def _log_density(family: AbstractFamily, y: Any, eta: Any, parameters: Any) -> Any:
    return numerics(family).log_density(JAX, y, eta, dict(zip(family.parameters, parameters, strict=True)))


@partial(jax.jit, static_argnames=("family",))
def _row_slopes(family: AbstractFamily, y: Any, weights: Any, eta: Any, parameters: Any) -> Any:
    """The sum over the rows for each draw, and its derivatives by each predictor (draw, row) and parameter."""

    def value(eta: Any, parameters: Any) -> Any:
        return (weights * _log_density(family, y, eta, parameters)).sum()

    return jax.vmap(jax.value_and_grad(value, argnums=(0, 1)))(eta, parameters)


@partial(jax.jit, static_argnames=("family",))
def _row_curvature(family: AbstractFamily, y: Any, weights: Any, eta: Any, parameters: Any) -> Any:
    """Of each row the Hessian by its predictor and the parameters, (row, 1 + parameter, 1 + parameter)."""

    def value(point: Any, y: Any, weight: Any) -> Any:
        return weight * _log_density(family, y, point[0], point[1:])

    points = jax.numpy.concatenate(
        [eta[:, None], jax.numpy.broadcast_to(parameters, (len(eta), len(parameters)))], axis=1
    )
    return jax.vmap(jax.hessian(value))(points, y, weights)


def covers(family: AbstractFamily) -> bool:
    """Whether a node of the family has an equation: those of latentdo but tables; another's density need not have a curvature."""
    return family.name in BUILT_IN and not isinstance(family, Table | Spreading) and not family.noiseless


def likelihood_of(family: AbstractFamily, x: FloatArray, y: FloatArray, weights: FloatArray) -> AbstractLikelihood:
    """The likelihood of some rows."""
    if family.linear_gaussian:
        return Moments.of(x, y, weights)
    if isinstance(family, Bernoulli | Categorical):
        return Logits.of(x, np.searchsorted(family.points, y), weights, len(family.points))
    return Rows(family, x, y, weights)


@dataclass(frozen=True, eq=False)
class Bounds:
    """How the free coordinates are constrained: `constraints.constrained` for all at once, with its derivatives.

    Attributes:
        kind: `free`, `half` or `interval`.
        anchor, unit: Value = anchor + unit · (u, softplus(u) or sigmoid(u)).
    """

    kind: np.ndarray[Any, Any]
    anchor: FloatArray
    unit: FloatArray

    @staticmethod
    def of(layouts: list[CoordinateLayout], own: NodeNumbers, free: list[int]) -> Bounds:
        """Of the free ones among a node's coordinates."""
        low, high, scale, centre = (part[free] for part in (own.low, own.high, own.scale, own.centre))
        kind = np.array([layouts[k].transform for k in free])
        half, upper = kind == "half", np.isinf(low)
        anchor = np.where(kind == "free", centre, np.where(half & upper, high, low))
        width = np.where(kind == "interval", high - np.where(upper, 0.0, low), scale)
        return Bounds(kind, anchor, np.where(half & upper, -width, width))

    def __call__(self, u: FloatArray) -> tuple[FloatArray, ...]:
        """Values, their slopes and curvatures by `u`; the log Jacobian, its slopes and curvatures."""
        share = expit(u)
        rest, steep = 1.0 - share, share * (1.0 - share)
        soft = np.logaddexp(0.0, u)
        half, interval = self.kind == "half", self.kind == "interval"

        def chosen(free: Any, of_half: Any, of_interval: Any) -> FloatArray:
            return np.where(half, of_half, np.where(interval, of_interval, free))

        value = self.anchor + self.unit * chosen(u, soft, share)
        slope = self.unit * chosen(1.0, share, steep)
        curvature = self.unit * chosen(0.0, steep, steep * (rest - share))
        log_jacobian = np.log(np.abs(self.unit)) + chosen(0.0, u - soft, u - 2.0 * soft)
        return value, slope, curvature, log_jacobian, chosen(0.0, rest, rest - share), chosen(0.0, -steep, -2.0 * steep)


@dataclass(frozen=True, eq=False)
class Bends:
    """The coefficients by which splines bend: products of a coordinate and the wiggle of their spline.

    Attributes:
        bent: The places of such coordinates among the free ones.
        wiggle: The place of the wiggle of each, -1 where it is a number.
        fixed: That number.
    """

    bent: IntArray
    wiggle: IntArray
    fixed: FloatArray

    @staticmethod
    def of(node: NodeLayout, free: list[int], fixed: FloatArray) -> Bends:
        """Of the free ones among a node's coordinates; `fixed` has the numbers of the others."""
        place = {k: at for at, k in enumerate(free)}
        pairs = sorted(node.bent.items())
        return Bends(
            np.array([place[k] for k, _ in pairs], dtype=int),
            np.array([place.get(at, -1) for _, at in pairs], dtype=int),
            np.array([fixed[at] for _, at in pairs], dtype=float),
        )

    def _times(self, value: FloatArray) -> FloatArray:
        return np.where(self.wiggle < 0, self.fixed, value[..., self.wiggle])

    def __call__(self, value: FloatArray) -> FloatArray:
        """The coefficients at values of the coordinates."""
        found = value.copy()
        found[..., self.bent] *= self._times(value)
        return found

    def slopes(self, value: FloatArray) -> FloatArray:
        """The derivatives of the coefficients by the coordinates, (coefficient, coordinate), at one point."""
        found = np.eye(len(value))
        found[self.bent, self.bent] = self._times(value)
        free = self.wiggle >= 0
        found[self.bent[free], self.wiggle[free]] = value[self.bent[free]]
        return found

    def pulled_back(self, value: FloatArray, gradient: FloatArray) -> FloatArray:
        """Gradients by the coordinates from those by the coefficients, (…, coordinate)."""
        found = gradient.copy()
        found[..., self.bent] *= self._times(value)
        for k, at in zip(self.bent, self.wiggle, strict=True):
            if at >= 0:
                found[..., at] += gradient[..., k] * value[..., k]
        return found

    def curvature(self, gradient: FloatArray) -> FloatArray:
        """What the products add to a Hessian, from the gradient by the coefficients at that point."""
        found = np.zeros((len(gradient), len(gradient)))
        free = self.wiggle >= 0
        found[self.bent[free], self.wiggle[free]] = gradient[self.bent[free]]
        return found + found.T


@dataclass(frozen=True, eq=False)
class Priors:
    """The independent priors of the free coordinates.

    Attributes:
        names: The law of each.
        arguments: (coordinate, 3).
    """

    names: tuple[str, ...]
    arguments: FloatArray

    def slopes(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The log densities up to constants at values (…, coordinate), and their slopes."""
        value, slope = np.zeros(x.shape), np.zeros(x.shape)
        for name in dict.fromkeys(self.names):
            at = [k for k, other in enumerate(self.names) if other == name]
            form = LAWS[name]
            given = self.arguments[at].T[: len(form.parameters)]
            # Along the imaginary axis a difference has no cancellation (Squire & Trapp 1998).
            stepped = form.formulas.log_density(np, x[..., at] + 1j * TINY, *given)
            value[..., at], slope[..., at] = stepped.real, stepped.imag / TINY
        return value, slope

    def curvature(self, x: FloatArray) -> FloatArray:
        """The second derivatives at values (coordinate,): differences of exact slopes."""
        step = np.empty(len(x))
        for k, name in enumerate(self.names):
            form = LAWS[name]
            low, high = form.support
            inside = min(x[k] - low, high - x[k])
            width = self.arguments[k, len(form.parameters) - 1] if form.symmetric else min(inside, 1e6)
            step[k] = 1e-4 * width if width > 0 else 1e-6
        return (self.slopes(x + step)[1] - self.slopes(x - step)[1]) / (2.0 * step)


@dataclass(frozen=True, eq=False)
class Equation:
    """The log posterior of a node's free coordinates u, up to a constant.

    Attributes:
        place, place_offset: Coefficients and parameters, laid end to end, from constrained coordinates.
        prior_map, prior_offset: What the priors speak of, from the same.
    """

    likelihood: AbstractLikelihood
    bounds: Bounds
    priors: Priors
    place: FloatArray
    place_offset: FloatArray
    prior_map: FloatArray
    prior_offset: FloatArray
    bends: Bends

    @staticmethod
    def of(node: NodeLayout, numbers: Numbers) -> Equation:
        """Of a measured node without latent parents."""
        (own,) = numbers.nodes
        x = np.column_stack([np.ones(len(numbers.weights)), own.design.T])
        likelihood = likelihood_of(node.family, x, own.y, np.asarray(numbers.weights, dtype=float))
        layouts = list(coordinates_of(node))
        free = [k for k, layout in enumerate(layouts) if layout.transform != "fixed"]
        n, size = len(node.coefficients), len(layouts)
        solved, raw = np.eye(size), np.eye(size)
        solved[:n, :n] = solved_map(node, own)
        raw[:n, :n] = own.to_raw
        fixed = np.where([layout.transform == "fixed" for layout in layouts], own.fixed, 0.0)
        place, offset = solved[:, free], solved @ fixed
        on_raw = np.array([k < n and layouts[k].prior_on_raw for k in free], dtype=bool)
        prior_map = np.where(on_raw[:, None], (raw @ place)[free], place[free])
        shift = np.array([own.shift[k] if k >= n else 0.0 for k in free])
        prior_offset = np.where(on_raw, (raw @ offset)[free], offset[free]) - shift
        names = tuple(str(layouts[k].prior) for k in free)
        priors = Priors(names, own.arguments[free])
        # The likelihood knows nothing of how its coefficients were put together.
        place, offset = place[: size - len(node.bends)], offset[: size - len(node.bends)]
        bends = Bends.of(node, free, fixed)
        # The prior of such a coefficient speaks of it in units of its wiggle.
        prior_map[bends.bent] = 0.0
        bounds = Bounds.of(layouts, own, free)
        return Equation(likelihood, bounds, priors, place, offset, prior_map, prior_offset, bends)

    def slopes(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log posterior and gradient at points (draw, coordinate)."""
        with np.errstate(all="ignore"):
            value, slope, _, log_jacobian, jacobian_slope, _ = self.bounds(u)
            bent = self.bends(value)
            total, of_rows = self.likelihood.slopes(bent @ self.place.T + self.place_offset)
            log_priors, of_priors = self.priors.slopes(self._believed(value, bent))
            total = total + (log_priors + log_jacobian).sum(axis=-1)
            by_value = self.bends.pulled_back(value, of_rows @ self.place + of_priors @ self.prior_map)
            by_value[..., self.bends.bent] += of_priors[..., self.bends.bent]
            gradient = by_value * slope + jacobian_slope
        return numbers_only(total), gradient

    def curvature(self, u: FloatArray) -> FloatArray:
        """The Hessian at a point (coordinate,)."""
        with np.errstate(all="ignore"):
            value, slope, second, _, _, jacobian_curvature = self.bounds(u)
            bent, along = self.bends(value), self.bends.slopes(value)
            at, believed = self.place @ bent + self.place_offset, self._believed(value, bent)
            _, of_rows = self.likelihood.slopes(at[None])
            _, of_priors = self.priors.slopes(believed)
            place, prior_map = self.place @ along, self.prior_map @ along
            prior_map[self.bends.bent, self.bends.bent] = 1.0
            inner = place.T @ self.likelihood.curvature(at) @ place
            inner += (prior_map.T * self.priors.curvature(believed)) @ prior_map
            inner += self.bends.curvature(of_rows[0] @ self.place + of_priors @ self.prior_map)
            outer = (of_rows[0] @ place + of_priors @ prior_map) * second + jacobian_curvature
            return slope[:, None] * inner * slope + np.diag(outer)

    def _believed(self, value: FloatArray, bent: FloatArray) -> FloatArray:
        """What the priors speak of."""
        found = bent @ self.prior_map.T + self.prior_offset
        found[..., self.bends.bent] = value[..., self.bends.bent]
        return found

    def derivatives(self, u: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Log posterior, gradient and Hessian at a point (coordinate,)."""
        value, gradient = self.slopes(u[None])
        return float(value[0]), gradient[0], self.curvature(u)

    def log_density(self, u: FloatArray) -> FloatArray:
        """The log posterior alone, at points (draw, coordinate)."""
        with np.errstate(all="ignore"):
            value, _, _, log_jacobian, _, _ = self.bounds(u)
            bent = self.bends(value)
            log_priors, _ = self.priors.slopes(self._believed(value, bent))
            total = self.likelihood.value(bent @ self.place.T + self.place_offset)
            return numbers_only(total + (log_priors + log_jacobian).sum(axis=-1))

    def log_likelihood(self, u: FloatArray) -> FloatArray:
        """That of the rows alone, at points (draw, coordinate)."""
        with np.errstate(all="ignore"):
            return self.likelihood.value(self.bends(self.bounds(u)[0]) @ self.place.T + self.place_offset)

    def sd(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The last parameter at values of its free coordinate alone, and its log prior with the Jacobian."""
        last = slice(-1, None)
        bounds = Bounds(self.bounds.kind[last], self.bounds.anchor[last], self.bounds.unit[last])
        value, _, _, log_jacobian, _, _ = bounds(u[:, None])
        priors = Priors(self.priors.names[last], self.priors.arguments[last])
        log_prior, _ = priors.slopes(value + self.prior_offset[last])
        return value[:, 0], (log_prior + log_jacobian)[:, 0]

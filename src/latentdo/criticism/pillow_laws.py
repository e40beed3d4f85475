"""The law of a measured node given its Markov pillow, as a trained model has it: latents are integrated out.

What is measured in the node's district says something of its latents. They are placed by a filter, exactly where all is normal
and linear in them, else by quadrature around the filter's Gaussian with weights that make up for its shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from scipy.special import logsumexp

from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import UnsupportedError
from latentdo.graphs import Name, quote
from latentdo.inference import Posterior, flat, predictor
from latentdo.models import Mechanism, Spreading, Table
from latentdo.models.build import NUMPY, numerics

POINTS = {1: 21, 2: 9, 3: 6}
"""Gauss-Hermite points an axis, by the number of continuous latents."""
MOST_STATES = 64
NUMBERS_AT_ONCE = 3_000_000
"""States times points times draws times rows that are computed together."""
LEAST = 1e-300
"""Variance that is taken for 0."""
FARTHEST = 8.0
"""Normal scores are cut there."""

Env = Mapping[Name, FloatArray]
"""Values of measured nodes, (draw or 1, row)."""
OfLaw = Callable[[Any, dict[str, FloatArray]], FloatArray]
"""A function of the linear predictor and the family's parameters."""
AtValues = Callable[[FloatArray, Any, dict[str, FloatArray]], FloatArray]
"""The same, of values of the node before them."""


@dataclass(frozen=True, eq=False)
class PillowLaw:
    """P(node | pillow) at some draws of a fit.

    Attributes:
        posterior: The fit.
        node: A measured node.
        pillow: The measured nodes that it is given: what comes before it in its district, and the parents of these and of it.
        index: The draws, chains laid end to end.
    """

    posterior: Posterior
    node: Name
    pillow: tuple[Name, ...]
    index: IntArray

    @cached_property
    def family(self) -> Any:
        """The node's family."""
        return self.posterior.spec[self.node].family

    @cached_property
    def _component(self) -> tuple[Name, ...]:
        """The node, the latents that matter to it and the pillow's nodes that tell of them; in topological order.

        Raises:
            UnsupportedError: A latent that cannot be integrated here.
        """
        spec = self.posterior.spec
        given = {*self.pillow, self.node}
        needed = set[Name]()
        waiting = [parent for node in given for parent in spec.graph.parents(node)]
        while waiting:
            node = waiting.pop()
            if node in spec.latent and node not in needed:
                needed.add(node)
                waiting += spec.graph.parents(node)
        joined, waiting = {self.node}, [self.node]
        while waiting:
            node = waiting.pop()
            near = {parent for parent in spec.graph.parents(node) if parent in needed}
            if node in spec.latent:
                near |= {child for child in spec.graph.children(node) if child in needed | given}
            waiting += near - joined
            joined |= near
        component = tuple(node for node in spec.graph.topological_order() if node in joined)
        self._check(component)
        return component

    def _check(self, component: Sequence[Name]) -> None:
        spec = self.posterior.spec
        for node in component:
            if spec[node].family.noiseless:
                what = "is an exact function of its parents" if node == self.node else "has no noise"
                raise UnsupportedError(f"{quote(node)} {what}")
            missing = [p for p in spec.graph.parents(node) if p not in component and p not in self.pillow]
            if missing:
                raise UnsupportedError(f"{quote(node)} depends on {quote(missing[0])}, which is not given here")
        continuous = [n for n in component if n in spec.latent and not spec[n].family.points]
        if len(continuous) > max(POINTS) and not self._is_gaussian(component):
            raise UnsupportedError(f"it shares {len(continuous)} continuous latents with what is not normal")
        states = math.prod(len(spec[n].family.points) for n in component if n in spec.latent and spec[n].family.points)
        if states > MOST_STATES:
            raise UnsupportedError(f"its latents have {states} joint levels")

    def _is_gaussian(self, component: Sequence[Name]) -> bool:
        """Whether the latents are normal given the pillow, and the node's predictor linear in them."""
        spec, latent = self.posterior.spec, self.posterior.spec.latent
        return all(
            (spec[n].family.core.linear_gaussian or n == self.node)
            and not spec[n].family.per_level
            and latent.isdisjoint(spec[n].spread_parents)
            and not isinstance(spec[n].family, Table)
            and all(weight.is_linear_in(latent) for weight in spec[n].weights)
            for n in component
        ) or not any(n in latent for n in component)

    @cached_property
    def is_gaussian(self) -> bool:
        """Whether no latent has to be integrated by quadrature."""
        return self._is_gaussian(self._component)

    @cached_property
    def n_points(self) -> int:
        """Into how many points the law is split."""
        spec = self.posterior.spec
        latents = [node for node in self._component if node in spec.latent]
        states = math.prod(len(spec[n].family.points) for n in latents if spec[n].family.points)
        q = sum(not spec[n].family.points for n in latents)
        # A predictor that is normal is one axis, whatever the number of latents.
        if self.is_gaussian:
            return POINTS[1] if q and not self.family.core.linear_gaussian else 1
        return states * (POINTS[q] ** q if q else 1)

    @cached_property
    def has_sure_density(self) -> bool:
        """Whether the density at a value is as exact as the mean: of a narrow law it falls between the points."""
        spec = self.posterior.spec
        continuous = sum(node in spec.latent and not spec[node].family.points for node in self._component)
        return (
            not continuous
            or (continuous == 1 and bool(self.family.points))
            or (self.is_gaussian and (self.family.core.linear_gaussian or bool(self.family.points)))
        )

    def averages(self, env: Env, functions: Sequence[OfLaw]) -> list[FloatArray]:
        """The mean over the latents of some functions of the node's law, (draw, row) each."""
        parts: list[list[FloatArray]] = [[] for _ in functions]
        for weights, eta, parameters in self._mixtures(env):
            for out, function in zip(parts, functions, strict=True):
                out.append((weights * function(eta, parameters)).sum(axis=0))
        return [np.concatenate(each) for each in parts]

    def averages_at(self, env: Env, values: FloatArray, functions: Sequence[AtValues]) -> list[FloatArray]:
        """The same of functions of a value of the node too, (draw or 1, row or 1)."""
        parts: list[list[FloatArray]] = [[] for _ in functions]
        first = 0
        for weights, eta, parameters in self._mixtures(env):
            own = values[first : first + weights.shape[1]] if len(values) > 1 else values
            first += weights.shape[1]
            for out, function in zip(parts, functions, strict=True):
                out.append((weights * function(own, eta, parameters)).sum(axis=0))
        return [np.concatenate(each) for each in parts]

    def mean(self, env: Env) -> FloatArray:
        """E[node | pillow], (draw, row)."""
        family = self.family
        return self.averages(env, [lambda eta, own: family.mean(NUMPY, eta, own)])[0]

    def draw(self, env: Env, uniforms: FloatArray, picks: FloatArray) -> FloatArray:
        """A value per draw and row: uniforms of the node, and of which point of its latents."""
        out, first = [], 0
        for weights, eta, parameters in self._mixtures(env):
            part = slice(first, first + weights.shape[1])
            shape = weights.shape[1:]
            pick = np.broadcast_to(picks, (len(self.index), shape[1]))[part]
            chosen = (pick > np.cumsum(weights, axis=0)[:-1]).sum(axis=0) if len(weights) > 1 else np.zeros(shape, int)
            own = np.broadcast_to(uniforms, (len(self.index), shape[1]))[part]
            levels = np.ndim(eta) - weights.ndim
            full = np.broadcast_to(eta, (*np.shape(eta)[:levels], *weights.shape))
            index = np.broadcast_to(chosen, (*full.shape[:levels], 1, *shape))
            picked = np.take_along_axis(full, index, axis=levels)
            own_parameters = {name: np.broadcast_to(v, weights.shape) for name, v in parameters.items()}
            own_parameters = {n: np.take_along_axis(v, chosen[None], axis=0) for n, v in own_parameters.items()}
            out.append(numerics(self.family).draw(own[None], picked, own_parameters)[0])
            first += weights.shape[1]
        return np.concatenate(out)

    def _mixtures(self, env: Env) -> Iterator[tuple[FloatArray, Any, dict[str, FloatArray]]]:
        """Some draws at a time: weights (point, draw, row), predictors (…, point, draw, row), parameters."""
        n = max(np.shape(values)[-1] for values in env.values()) if env else 1
        size = self.n_points * n * max(1, self.family.n_predictors)
        at_once = max(1, NUMBERS_AT_ONCE // size)
        for first in range(0, len(self.index), at_once):
            part = slice(first, first + at_once)
            some = {k: v[part] if np.ndim(v) > 1 and len(v) > 1 else np.atleast_2d(v) for k, v in env.items()}
            yield _Placed(self, self.index[part], some, n).mixture()


class _Placed:
    """The latents of a law at some draws and rows: states by enumeration, the rest by a filter."""

    def __init__(self, law: PillowLaw, index: IntArray, env: Env, n: int) -> None:
        self.law, self.spec, self.env = law, law.posterior.spec, env
        self.shape = (len(index), n)
        self.draws = {node: self._own(node, index) for node in law._component}
        latents = [node for node in law._component if node in self.spec.latent]
        self.discrete = [node for node in latents if self.spec[node].family.points]
        self.continuous = [node for node in latents if not self.spec[node].family.points]
        combinations = list(product(*(self.spec[node].family.points for node in self.discrete)))
        states = np.array(combinations, dtype=float).reshape(len(combinations), len(self.discrete))
        self.states = {node: states[:, k].reshape(-1, 1, 1) for k, node in enumerate(self.discrete)}
        self.n_states = len(states)

    def _own(self, node: Name, index: IntArray) -> tuple[FloatArray, dict[str, FloatArray]]:
        coefficients, parameters = flat(self.law.posterior.by_node[node])
        return coefficients[index], {name: values[index][:, None] for name, values in parameters.items()}

    def mixture(self) -> tuple[FloatArray, Any, dict[str, FloatArray]]:
        law = self.law
        coefficients, parameters = self.draws[law.node]
        mechanism = self.spec[law.node]
        if not self.continuous and not self.discrete:
            eta = predictor(mechanism, coefficients, self.env)
            return np.ones((1, *self.shape)), self._one(eta), parameters
        means, covariance = self._filter()
        if law.is_gaussian:
            eta, h = self._linear(law.node, means)
            spread = _quadratic(h, covariance)
            if isinstance(law.family, Spreading):
                return self._spread(law.family, eta, spread, parameters)
            if law.family.linear_gaussian:
                sd = np.sqrt(parameters["sd"] ** 2 + spread)
                return (
                    np.ones((1, *self.shape)),
                    self._one(eta),
                    {**parameters, "sd": np.broadcast_to(sd, (1, *self.shape))},
                )
            x, w = _hermite(POINTS[1])
            x = x[:, None, None]
            weights = np.broadcast_to(w[:, None, None], (len(w), *self.shape))
            return weights, eta + np.sqrt(spread) * x, parameters
        values, logs = self._points(means, covariance)
        weights = np.exp(logs - logsumexp(logs, axis=0, keepdims=True))
        eta = predictor(mechanism, coefficients, {**self.env, **values})
        levels = np.ndim(eta) - 3
        if levels < 0 or np.shape(eta)[levels:] != weights.shape:
            lead = np.shape(eta)[: max(levels, 0)]
            eta = np.broadcast_to(eta, (*lead, *weights.shape))
        return weights, eta, parameters

    def _spread(
        self, family: Spreading, eta: FloatArray, spread: FloatArray, parameters: dict[str, FloatArray]
    ) -> tuple[FloatArray, Any, dict[str, FloatArray]]:
        """`mixture` of a node whose own spread depends on parents, with the variance of its predictor over the latents."""
        if family.inner.linear_gaussian:
            log_sd = 0.5 * np.logaddexp(2.0 * eta[1], np.log(np.maximum(spread, LEAST)))
            return np.ones((1, *self.shape)), self._one(np.stack(np.broadcast_arrays(eta[0], log_sd))), parameters
        x, w = _hermite(POINTS[1])
        weights = np.broadcast_to(w[:, None, None], (len(w), *self.shape))
        at = eta[0] + np.sqrt(spread) * x[:, None, None]
        return weights, np.stack(np.broadcast_arrays(at, eta[1])), parameters

    def _one(self, eta: FloatArray) -> FloatArray:
        """A predictor with an axis for its only point, behind the levels."""
        own = np.broadcast_to(eta, (*np.shape(eta)[:-2], *self.shape))
        return own[..., None, :, :]

    def _filter(self) -> tuple[list[FloatArray], list[list[FloatArray]]]:
        """Mean and covariance of the continuous latents given the pillow, each (state, draw, row) or broadcast to it."""
        means: list[FloatArray] = []
        covariance: list[list[FloatArray]] = []
        for node in self.law._component:
            if node == self.law.node:
                continue
            mechanism = self.spec[node]
            parameters = self.draws[node][1]
            if mechanism.family.per_level or isinstance(mechanism.family, Table):
                continue  # no parabola: the weights make up for it
            eta, h = self._linear(node, means)
            spread = _quadratic(h, covariance)
            if node in self.continuous:
                variance = mechanism.family.variance(NUMPY, eta, parameters)
                variance = np.ones_like(eta) if variance is None else np.clip(variance, 1e-8, 1e4)
                across = [_dot(row, h) for row in covariance]
                for row, own in zip(covariance, across, strict=True):
                    row.append(own)
                covariance.append([*across, spread + variance])
                means.append(eta if mechanism.spread is None else eta[0])
                continue
            if not means or not any(np.any(part != 0.0) for part in h):
                continue
            value = self.states.get(node, self.env.get(node))
            tau, push = numerics(mechanism.family).working(NUMPY, value, eta, parameters, spread)
            gain = 1.0 / (1.0 + tau * spread)
            along = [_dot(row, h) for row in covariance]
            means = [mean + own * push * gain for mean, own in zip(means, along, strict=True)]
            covariance = [
                [c - a * b * tau * gain for c, b in zip(row, along, strict=True)]
                for row, a in zip(covariance, along, strict=True)
            ]
        return means, covariance

    def _linear(self, node: Name, means: Sequence[FloatArray]) -> tuple[FloatArray, list[FloatArray]]:
        """The predictor at the latents' means, and its slope in each of them."""
        mechanism = self.spec[node]
        known = dict(zip(self.continuous, means, strict=False))
        values = {**self.env, **self.states, **known}
        coefficients = self.draws[node][0]
        eta = predictor(mechanism, coefficients, values)
        if self.n_states > 1 and np.ndim(eta) == 2:
            eta = np.broadcast_to(eta, (self.n_states, *self.shape))
        if self.n_states > 1 and np.ndim(eta) == 3 and mechanism.spread is not None:
            eta = np.broadcast_to(eta[:, None], (len(eta), self.n_states, *self.shape))
        return eta, [_slope(mechanism, coefficients, latent, values) for latent in known]

    def _points(
        self, means: list[FloatArray], covariance: list[list[FloatArray]]
    ) -> tuple[dict[Name, FloatArray], FloatArray]:
        """Values of the latents, (point, draw, row), and the logs of their weights; placed twice again."""
        if not self.continuous:
            values = {node: np.broadcast_to(own, (self.n_states, *self.shape)) for node, own in self.states.items()}
            return values, self._log_density(values)
        for _ in range(2):
            values, logs = self._placed(means, covariance)
            by_state = logs.reshape(self.n_states, -1, *self.shape)
            w = np.exp(by_state - logsumexp(by_state, axis=1, keepdims=True))
            own = [values[node].reshape(by_state.shape) for node in self.continuous]
            means = [(w * each).sum(axis=1) for each in own]
            centred = [each - mean[:, None] for each, mean in zip(own, means, strict=True)]
            covariance = [[(w * a * b).sum(axis=1) for b in centred] for a in centred]
            for k in range(len(centred)):
                covariance[k][k] = covariance[k][k] * 1.1 + 1e-12
        return self._placed(means, covariance)

    def _placed(
        self, means: list[FloatArray], covariance: list[list[FloatArray]]
    ) -> tuple[dict[Name, FloatArray], FloatArray]:
        q = len(self.continuous)
        full = (self.n_states, *self.shape)
        matrix = np.stack([np.stack([np.broadcast_to(c, full) for c in row], axis=-1) for row in covariance], axis=-2)
        root = np.linalg.cholesky(matrix + 1e-10 * np.eye(q) * np.trace(matrix, axis1=-2, axis2=-1)[..., None, None])
        x, w = _hermite(POINTS[q])
        grid = np.array(list(product(x, repeat=q)))
        log_w = np.log(np.array(list(product(w, repeat=q)))).sum(axis=1) + 0.5 * (grid**2).sum(axis=1)
        log_w = log_w + 0.5 * q * math.log(2 * math.pi)
        moved = np.einsum("sdnij,gj->isgdn", root, grid)
        size = np.log(np.abs(np.diagonal(root, axis1=-2, axis2=-1))).sum(axis=-1)
        points = (self.n_states * len(grid), *self.shape)
        values = {
            node: (np.broadcast_to(mean, full)[:, None] + moved[k]).reshape(points)
            for k, (node, mean) in enumerate(zip(self.continuous, means, strict=True))
        }
        values |= {node: np.repeat(own, len(grid), axis=0) for node, own in self.states.items()}
        logs = (size[:, None] + log_w[None, :, None, None]).reshape(points)
        return values, logs + self._log_density(values)

    def _log_density(self, values: Mapping[Name, FloatArray]) -> FloatArray:
        """The log density of latents and of what is measured beside the node."""
        everything = {**self.env, **values}
        total: Any = 0.0
        for node in self.law._component:
            if node != self.law.node:
                coefficients, parameters = self.draws[node]
                eta = predictor(self.spec[node], coefficients, everything)
                total = total + self.spec[node].family.log_density(NUMPY, everything[node], eta, parameters)
        return total


def _slope(mechanism: Mechanism, coefficients: FloatArray, latent: Name, values: Env) -> FloatArray:
    """The derivative of a predictor in a latent parent."""
    total: Any = np.zeros((1, 1))
    for k, weight in enumerate(mechanism.weights):
        for place, name in enumerate(weight.parents):
            if name == latent:
                others: Any = 1.0
                for j in range(len(weight.parents)):
                    others = others * weight.factor(j, values, NUMPY) if j != place else others
                total = total + coefficients[:, k + 1 : k + 2] * others
    return total


def _dot(row: Sequence[FloatArray], h: Sequence[FloatArray]) -> FloatArray:
    total: Any = np.zeros((1, 1))
    for a, b in zip(row, h, strict=True):
        total = total + a * b
    return total


def _quadratic(h: Sequence[FloatArray], covariance: Sequence[Sequence[FloatArray]]) -> FloatArray:
    total: Any = np.zeros((1, 1))
    for a, row in zip(h, covariance, strict=True):
        total = total + a * _dot(row, h)
    return np.maximum(total, 0.0)


def _hermite(n: int) -> tuple[FloatArray, FloatArray]:
    """Points and weights of the standard normal law."""
    x, w = np.polynomial.hermite_e.hermegauss(n)
    return x, w / w.sum()

"""From families to arithmetic: link scale, mean, log density, inverse-cdf draws and event probabilities.

Written once for NumPy and JAX: each function takes the `Arithmetic` that it computes with. Draws invert the cdf, so that
two worlds that share their uniforms share their noise.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import scipy.special

from .family import AbstractFamily, Bernoulli, Constant, Gamma, Hill, Linear, Normal

Array = Any
"""A NumPy or JAX array; the shapes of all arguments broadcast."""


@dataclass(frozen=True)
class Arithmetic:
    """The pair of modules that a computation uses: NumPy's and the matching special functions."""

    np: Any
    special: Any


NUMPY = Arithmetic(numpy, scipy.special)

LINK_CLIP = 0.01
"""Shares of `max` beyond which a hill column says nothing reliable on the logit scale."""


LOG_LARGEST = 300.0
"""Log of what the exponential of a log link stops at: far above any value that data may hold, its square still a number."""


def _safe_exp(m: Arithmetic, x: Array) -> Array:
    return m.np.exp(m.np.minimum(x, LOG_LARGEST))


class AbstractNumerics(abc.ABC):
    """The arithmetic of one family. `eta` is the linear predictor, `parameters` the family's own by name."""

    @abc.abstractmethod
    def link(self, values: Array) -> Array:
        """The column on the link scale, where the default priors are stated."""

    @abc.abstractmethod
    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """E[node | parents]."""

    @abc.abstractmethod
    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log density (log probability) of `y` given the parents."""

    @abc.abstractmethod
    def working(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """The log density near `eta` as a parabola in the predictor: precision tau, and tau times (its top - eta).

        An approximation that the sampler uses to place latents; nothing that is reported rests on it.
        """

    @abc.abstractmethod
    def draw(self, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The node's value at the quantile `uniform` of its law given the parents (NumPy)."""

    @abc.abstractmethod
    def cdf(self, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """P(node <= y | parents) (NumPy)."""


class _NormalNumerics(AbstractNumerics):
    """Normal(eta, sd)."""

    def link(self, values: Array) -> Array:
        return values

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return eta

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return _normal_log_density(m, y, eta, parameters["sd"])

    def working(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        precision = parameters["sd"] ** -2.0 + 0.0 * eta
        return precision, precision * (y - eta)

    def draw(self, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return eta + parameters["sd"] * scipy.special.ndtri(uniform)

    def cdf(self, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return scipy.special.ndtr((y - eta) / parameters["sd"])


def _normal_log_density(m: Arithmetic, y: Array, mean: Array, sd: Array) -> Array:
    return -0.5 * ((y - mean) / sd) ** 2 - m.np.log(sd) - 0.5 * numpy.log(2 * numpy.pi)


@dataclass(frozen=True)
class _HillNumerics(AbstractNumerics):
    """Normal(max · sigmoid(eta), sd)."""

    max: float

    def link(self, values: Array) -> Array:
        share = numpy.clip(values / self.max, LINK_CLIP, 1 - LINK_CLIP)
        return numpy.log(share) - numpy.log1p(-share)

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        # tanh has no overflow at either end, in NumPy or in JAX's gradient.
        return self.max * 0.5 * (1.0 + m.np.tanh(0.5 * eta))

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return _normal_log_density(m, y, self.mean(m, eta, parameters), parameters["sd"])

    def working(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        share = m.np.clip(y / self.max, 2 * LINK_CLIP, 1 - 2 * LINK_CLIP)
        precision = (self.max * share * (1 - share) / parameters["sd"]) ** 2
        return precision, precision * (m.np.log(share) - m.np.log1p(-share) - eta)

    def draw(self, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return self.mean(NUMPY, eta, parameters) + parameters["sd"] * scipy.special.ndtri(uniform)

    def cdf(self, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return scipy.special.ndtr((y - self.mean(NUMPY, eta, parameters)) / parameters["sd"])


class _BernoulliNumerics(AbstractNumerics):
    """P(1) = sigmoid(eta)."""

    def link(self, values: Array) -> Array:
        return values

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return 0.5 * (1.0 + m.np.tanh(0.5 * eta))

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return y * eta - m.np.logaddexp(0.0, eta)

    def working(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        p = self.mean(m, eta, parameters)
        return p * (1.0 - p), y - p

    def draw(self, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        # The upper quantiles are the ones: more of the uniform, more of the node, as for the other families.
        return (uniform > 1.0 - self.mean(NUMPY, eta, parameters)).astype(float)

    def cdf(self, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        zero = 1.0 - self.mean(NUMPY, eta, parameters)
        return numpy.where(y < 0, 0.0, numpy.where(y < 1, zero, 1.0))


class _GammaNumerics(AbstractNumerics):
    """Gamma with mean exp(eta) and the given shape."""

    def link(self, values: Array) -> Array:
        return numpy.log(values)

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return _safe_exp(m, eta)

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        shape, log_y = parameters["shape"], m.np.log(y)
        log_share = m.np.log(shape) + log_y - eta
        return shape * log_share - log_y - m.special.gammaln(shape) - _safe_exp(m, log_share)

    def working(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        precision = parameters["shape"] + 0.0 * eta
        return precision, precision * (m.np.log(y) - eta)

    def draw(self, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        shape = parameters["shape"]
        return scipy.special.gammaincinv(shape, uniform) / shape * _safe_exp(NUMPY, eta)

    def cdf(self, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        shape = parameters["shape"]
        positive = numpy.maximum(y, numpy.finfo(float).tiny)
        share = _safe_exp(NUMPY, numpy.log(shape) + numpy.log(positive) - eta)
        return numpy.where(y > 0, scipy.special.gammainc(shape, share), 0.0)


class _ExactNumerics(AbstractNumerics):
    """The linear predictor itself, without noise."""

    def link(self, values: Array) -> Array:
        return values

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return eta

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        # A point mass has no density: evidence on it would be an equation, not a weight.
        raise AssertionError("a noise-free node has no density")

    def working(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        raise AssertionError("a noise-free node has no density")

    def draw(self, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return eta + 0.0 * uniform

    def cdf(self, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return (eta <= y).astype(float)


def numerics(family: AbstractFamily) -> AbstractNumerics:
    """The arithmetic of a family; a `Constant` computes like `Linear` with its value as the predictor."""
    match family:
        case Normal():
            return _NormalNumerics()
        case Hill(max=maximum):
            return _HillNumerics(maximum)
        case Bernoulli():
            return _BernoulliNumerics()
        case Gamma():
            return _GammaNumerics()
        case Linear() | Constant():
            return _ExactNumerics()
        case _:
            raise AssertionError(f"no arithmetic for {family}")

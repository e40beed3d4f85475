"""`lognormal`: positive values whose logarithm is normal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..arithmetic import LOG_LARGEST, Arithmetic, Array, normal_cdf, normal_log_density, safe_exp
from ..registry import register
from .positive import AbstractPositive


@register
@dataclass(frozen=True)
class LogNormal(AbstractPositive):
    """`log node = linear predictor + Normal(0, sd)`."""

    name = "lognormal"
    equation = "log Y = intercept + Σ weight · parent + Normal(0, sd)"
    parameters = ("sd",)
    noise_on_link = True

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """exp(predictor + sd² / 2)."""
        return safe_exp(m, eta + 0.5 * parameters["sd"] ** 2)

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """mean² (exp(sd²) - 1)."""
        # One cut for the whole product, so that it is a number where its parts are.
        square = m.np.minimum(parameters["sd"] ** 2, LOG_LARGEST)
        return safe_exp(m, eta + 0.5 * square) ** 2 * m.np.expm1(square)

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Normal of the log, which is steeper by 1 / y."""
        log_y = m.np.log(y)
        return normal_log_density(m, log_y, eta, parameters["sd"]) - log_y

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """Exact: the log density is a parabola in the predictor."""
        del spread
        precision = parameters["sd"] ** -2.0 + 0.0 * eta
        return precision, precision * (m.np.log(y) - eta)

    def placed(self, m: Arithmetic, eta: Array, e: Array, parameters: Mapping[str, Array]) -> Array:
        """The exponential of predictor and noise."""
        return self.respond(m, eta, e, parameters)

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """The normal quantile."""
        return m.special.ndtri(uniform)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The exponential of predictor and noise."""
        return safe_exp(m, eta + parameters["sd"] * noise)

    def _place(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        return (m.np.log(m.np.maximum(y, m.np.finfo(float).tiny)) - eta) / parameters["sd"]

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The normal cdf of the log."""
        return m.np.where(y > 0, normal_cdf(m, self._place(m, y, eta, parameters)), 0.0)

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The other tail of the normal law, with its own digits."""
        return m.np.where(y > 0, normal_cdf(m, -self._place(m, y, eta, parameters)), 1.0)

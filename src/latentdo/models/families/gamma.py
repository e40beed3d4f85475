"""`gamma`: positive values with a log link and a shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from latentdo.errors import DataError

from ..arithmetic import Arithmetic, Array, safe_exp
from ..column import ColumnSummary
from ..registry import register
from .positive import AbstractPositive

FARTHEST = 1e50
"""The largest value over the smallest beyond which a column is no gamma law's: training would not end for minutes."""


@register
@dataclass(frozen=True)
class Gamma(AbstractPositive):
    """`node ~ Gamma(shape, mean = exp(linear predictor))`."""

    name = "gamma"
    equation = "Y ~ Gamma(shape, mean = exp(intercept + Σ weight · parent))"
    parameters = ("shape",)
    noise_parameters = ("shape",)
    cdf_compiles = False

    def check(self, column: ColumnSummary) -> None:
        """Only positive numbers are possible, and not of any size beside each other."""
        super().check(column)
        if column.maximum > FARTHEST * column.minimum:
            raise DataError(
                f"Column {column.name} is declared gamma, and runs from {column.minimum:.3g} to {column.maximum:.3g}: "
                "a gamma law cannot span so much. Give the node the family lognormal, or leave out such cells.",
                column=column.name,
            )

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The exponential of the predictor."""
        return safe_exp(m, eta)

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """mean² / shape."""
        return safe_exp(m, eta) ** 2 / parameters["shape"]

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Gamma with this mean and shape."""
        shape, log_y = parameters["shape"], m.np.log(y)
        log_share = m.np.log(shape) + log_y - eta
        return shape * log_share - log_y - m.special.gammaln(shape) - safe_exp(m, log_share)

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """Its information is the shape; the top lies at log y."""
        del spread
        precision = parameters["shape"] + 0.0 * eta
        return precision, precision * (m.np.log(y) - eta)

    def placed(self, m: Arithmetic, eta: Array, e: Array, parameters: Mapping[str, Array]) -> Array:
        """Its log is that of the mean, and noise that is nearly normal where the shape is large."""
        return safe_exp(m, eta + e / m.np.sqrt(parameters["shape"]))

    def noise_log_density(self, m: Arithmetic, e: Array, parameters: Mapping[str, Array]) -> Array:
        """Of the log of a gamma with mean one, in units of the root of the shape."""
        shape = parameters["shape"]
        t = e / m.np.sqrt(shape)
        return shape * (m.np.log(shape) + t - safe_exp(m, t)) - m.special.gammaln(shape) - 0.5 * m.np.log(shape)

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """The value over its mean, by the inverse of the incomplete gamma function."""
        return m.special.gammaincinv(parameters["shape"], uniform) / parameters["shape"]

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """Mean times noise."""
        return noise * safe_exp(m, eta)

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The incomplete gamma function."""
        shape = parameters["shape"]
        positive = m.np.maximum(y, m.np.finfo(float).tiny)
        share = safe_exp(m, m.np.log(shape) + m.np.log(positive) - eta)
        return m.np.where(y > 0, m.special.gammainc(shape, share), 0.0)

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The complementary incomplete gamma function."""
        shape = parameters["shape"]
        positive = m.np.maximum(y, m.np.finfo(float).tiny)
        share = safe_exp(m, m.np.log(shape) + m.np.log(positive) - eta)
        return m.np.where(y > 0, m.special.gammaincc(shape, share), 1.0)

"""`normal`: the linear predictor plus normal noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..arithmetic import Arithmetic, Array, normal_cdf, normal_log_density
from ..family import AbstractFamily
from ..registry import register


@register
@dataclass(frozen=True)
class Normal(AbstractFamily):
    """`node = linear predictor + Normal(0, sd)`."""

    name = "normal"
    equation = "Y = intercept + Σ weight · parent + Normal(0, sd)"
    parameters = ("sd",)
    may_be_latent = True
    split = True
    linear_gaussian = True
    heavier = "student"
    symmetric_noise = True
    takes_mean = True
    # A latent has no scale of its own: 0 and 1 unless the user says otherwise (Bollen 1989, ch. 7).
    as_latent: ClassVar[Mapping[str, float]] = {"intercept": 0.0, "sd": 1.0}

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor."""
        return eta

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the noise."""
        return parameters["sd"] ** 2 + 0.0 * eta

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Normal around the predictor."""
        return normal_log_density(m, y, eta, parameters["sd"])

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """Exact: the log density is a parabola."""
        del spread
        precision = parameters["sd"] ** -2.0 + 0.0 * eta
        return precision, precision * (y - eta)

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """The normal quantile."""
        return m.special.ndtri(uniform)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """Predictor and noise, in units of the sd."""
        return eta + parameters["sd"] * noise

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The normal cdf."""
        return normal_cdf(m, (y - eta) / parameters["sd"])

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The other tail of the normal law, with its own digits."""
        return normal_cdf(m, -(y - eta) / parameters["sd"])

"""`student`: the linear predictor plus noise with heavy tails."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..arithmetic import Arithmetic, Array
from ..family import AbstractFamily, Default
from ..prior import Prior
from ..registry import register


@register
@dataclass(frozen=True)
class Student(AbstractFamily):
    """`node = linear predictor + scale · t(df)`.

    Source:
        The default prior of the degrees of freedom: Juárez & Steel (2010), Model-based clustering of non-Gaussian panel
        data; cut at 2, below which the variance is infinite.
    """

    name = "student"
    equation = "Y = intercept + Σ weight · parent + scale · t(df)"
    parameters = ("scale", "df")
    may_be_latent = True
    split = True
    symmetric_noise = True
    noise_scale = "scale"
    takes_mean = True
    noise_parameters = ("df",)
    cdf_compiles = False
    as_latent: ClassVar[Mapping[str, float]] = {"intercept": 0.0, "scale": 1.0, "df": 4.0}
    # Without a mean there would be no effect to ask for.
    needs: ClassVar[Mapping[str, float]] = {"df": 1.0}

    def default(self, parameter: str, size: float) -> Default:
        """The scale as an sd; df gamma(2, 0.1) above 2."""
        if parameter == "df":
            return Default(Prior("gamma", (2.0, 0.1), low=2.0), start=(12.0, 8.0))
        return super().default(parameter, size)

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor."""
        return eta

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """scale² df / (df - 2)."""
        df = parameters["df"]
        # Up to two degrees of freedom the variance does not exist.
        own = m.np.where(df > 2.0, df / m.np.where(df > 2.0, df - 2.0, 1.0), math.inf)
        return parameters["scale"] ** 2 * own + 0.0 * eta

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Student's t around the predictor."""
        scale = parameters["scale"]
        return self.noise_log_density(m, (y - eta) / scale, parameters) - m.np.log(scale)

    def noise_log_density(self, m: Arithmetic, e: Array, parameters: Mapping[str, Array]) -> Array:
        """Student's t."""
        df = parameters["df"]
        constant = m.special.gammaln(0.5 * (df + 1.0)) - m.special.gammaln(0.5 * df)
        constant = constant - 0.5 * m.np.log(math.pi * df)
        return constant - 0.5 * (df + 1.0) * m.np.log1p(e**2 / df)

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """The weighted normal of the EM algorithm: values far from what the latents may explain pull less.

        Source:
            Lange, Little & Taylor (1989), Robust statistical modeling using the t distribution, §3; the squared residual is
            averaged over the latents, given this node alone.
        """
        df, scale = parameters["df"], parameters["scale"]
        precision = scale**-2.0
        for _ in range(2):
            left = 1.0 / (1.0 + precision * spread)
            precision = (df + 1.0) / (df * scale**2 + (left * (y - eta)) ** 2 + left * spread)
        return precision, precision * (y - eta)

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """Student's quantile."""
        return m.special.stdtrit(parameters["df"], uniform)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """Predictor and noise, in units of the scale."""
        return eta + parameters["scale"] * noise

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Student's cdf."""
        return self._below(m, (y - eta) / parameters["scale"], parameters["df"])

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The other tail."""
        return self._below(m, (eta - y) / parameters["scale"], parameters["df"])

    def _below(self, m: Arithmetic, t: Array, df: Array) -> Array:
        # By the incomplete beta function, which both arithmetics have.
        tail = 0.5 * m.special.betainc(0.5 * df, 0.5, df / (df + t**2))
        return m.np.where(t > 0, 1.0 - tail, tail)

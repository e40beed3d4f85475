"""`negbin`: counts that vary more than a Poisson law allows, with a log link and a shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..arithmetic import LOG_LARGEST, Arithmetic, Array, safe_exp, softplus
from ..family import Default
from ..prior import Prior
from ..registry import register
from .counts import AbstractCounts, Zeros

_SMALL = -30.0
"""Log of the mean over the shape below which log(1 + it) is it."""


@register
@dataclass(frozen=True)
class NegBin(AbstractCounts):
    """`node ~ NegBin(mean = exp(linear predictor), shape)`, whose variance is mean + mean² / shape.

    Args:
        zeros: `zi` with extra zeros, `hurdle` with zeros apart; both have a parameter of that name.
    """

    name = "negbin"
    equation = "Y ~ NegBin(mean = exp(intercept + Σ weight · parent), variance = mean + mean² / shape)"
    parameters = ("shape", "zi", "hurdle")

    zeros: Zeros = ""

    def __post_init__(self) -> None:
        self._settle()

    def default(self, parameter: str, size: float) -> Default:
        """The shape lognormal(1.5, 1.5): from 0.4 to 50 with probability 0.9; large shapes are nearly Poisson laws."""
        if parameter == "shape":
            return Default(Prior("lognormal", (1.5, 1.5)), start=(4.0, 2.0))
        return super().default(parameter, size)

    def _place(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log of the mean over the shape."""
        return m.np.minimum(eta, LOG_LARGEST) - m.np.log(parameters["shape"])

    def plain_log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Negative binomial."""
        shape, place = parameters["shape"], self._place(m, eta, parameters)
        choices = m.special.gammaln(y + shape) - m.special.gammaln(shape) - m.special.gammaln(y + 1.0)
        # One logarithm for both: log(1 + e^-x) = log(1 + e^x) - x.
        return choices - (shape + y) * softplus(m, place) + y * place

    def plain_tails(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """The incomplete beta functions."""
        shape, place = parameters["shape"], self._place(m, eta, parameters)
        below = m.special.betainc(shape, y + 1.0, m.special.expit(-place))
        return below, m.special.betainc(y + 1.0, shape, m.special.expit(place))

    def plain_variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """mean + mean² / shape."""
        mean = safe_exp(m, eta)
        return mean + mean**2 / parameters["shape"]

    def log_of_none(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log of shape · log(1 + mean / shape)."""
        place = self._place(m, eta, parameters)
        small = place < _SMALL
        rest = m.np.log(softplus(m, m.np.where(small, 0.0, place)))
        return m.np.log(parameters["shape"]) + m.np.where(small, place, rest)

    def slopes(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """By the share of the mean in mean and shape."""
        shape, place = parameters["shape"], self._place(m, eta, parameters)
        share, rest = m.special.expit(place), m.special.expit(-place)
        return y * rest - shape * share, (y + shape) * share * rest

    def panjer(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """The share, and shape times it."""
        share = m.special.expit(self._place(m, eta, parameters))
        return share, parameters["shape"] * share

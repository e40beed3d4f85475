"""`poisson`: counts with a log link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..arithmetic import Arithmetic, Array, safe_exp
from ..registry import register
from .counts import AbstractCounts, Zeros


@register
@dataclass(frozen=True)
class Poisson(AbstractCounts):
    """`node ~ Poisson(mean = exp(linear predictor))`.

    Args:
        zeros: `zi` with extra zeros, `hurdle` with zeros apart; both have a parameter of that name.
    """

    name = "poisson"
    equation = "Y ~ Poisson(mean = exp(intercept + Σ weight · parent))"
    parameters = ("zi", "hurdle")
    fixed_spread = True
    heavier = "negbin"

    zeros: Zeros = ""

    def __post_init__(self) -> None:
        self._settle()

    def plain_log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Poisson."""
        return y * eta - safe_exp(m, eta) - m.special.gammaln(y + 1.0)

    def plain_tails(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """The incomplete gamma functions."""
        mean = safe_exp(m, eta)
        return m.special.gammaincc(y + 1.0, mean), m.special.gammainc(y + 1.0, mean)

    def plain_variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The mean."""
        return safe_exp(m, eta)

    def log_of_none(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor."""
        return eta

    def slopes(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """What is left of the count, and the mean."""
        mean = safe_exp(m, eta)
        return y - mean, mean

    def panjer(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """0 and the mean."""
        return 0.0 * eta, safe_exp(m, eta)

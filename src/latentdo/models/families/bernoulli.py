"""`bernoulli`: zeros and ones with a logit link."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from latentdo.errors import DataError, SupportError
from latentdo.graphs import Name

from ..arithmetic import Arithmetic, Array, logistic
from ..column import ColumnSummary
from ..family import AbstractFamily, Default, Level, finite, register
from ..prior import Prior, plain


@register
@dataclass(frozen=True)
class Bernoulli(AbstractFamily):
    """`P(node = 1) = sigmoid(linear predictor)`."""

    name = "bernoulli"
    equation = "P(Y = 1) = 1 / (1 + exp(-(intercept + Σ weight · parent)))"
    discrete = True
    may_be_latent = True
    takes = "0 or 1"
    link_sd = 2.0
    split = True
    binary = True
    log_odds = True

    @property
    def points(self) -> tuple[float, ...]:
        """0 and 1."""
        return (0.0, 1.0)

    def check(self, column: ColumnSummary) -> None:
        """Only 0 and 1 are possible."""
        if column.minimum not in (0.0, 1.0) or column.maximum not in (0.0, 1.0) or column.n_distinct > 2:
            shown = ", ".join(plain(value) for value in column.values[:6])
            seen = f"it has {shown}" if shown else f"it runs from {plain(column.minimum)} to {plain(column.maximum)}"
            raise DataError(
                f"Column {column.name} is declared bernoulli, whose values are 0 and 1, but {seen}. "
                "Recode it to 0/1, or give the node another family.",
                column=column.name,
            )

    def check_value(self, node: Name, value: Level) -> float:
        """0 or 1."""
        number = finite(node, value, "bernoulli", "0 or 1")
        if number not in (0.0, 1.0):
            raise SupportError(node, f"{node} is bernoulli: its values are 0 and 1, not {plain(number)}.")
        return number

    def default_intercept(self, link_mean: float, t: float, *, latent: bool) -> Default:
        """Normal(0, 3); of a latent normal(0, 1.5), near enough to every share of the class being as likely."""
        sd = 1.5 if latent else 3.0
        return Default(Prior("normal", (0.0, sd)), start=(0.0, 0.2 * sd))

    def predicted(self, node: str) -> str:
        """The logit of a one."""
        return f"logit P({node} = 1)"

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The probability of a one."""
        return logistic(m, eta)

    def chances(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """1 - p and p."""
        # One minus a chance would lose the digits of a small one.
        return [m.special.expit(-eta), m.special.expit(eta)]

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """p (1 - p)."""
        return logistic(m, eta) * logistic(m, -eta)

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log probability of 0 or 1."""
        return y * eta - m.np.logaddexp(0.0, eta)

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """Information and score of the probability averaged over the spread, by the probit's closed form.

        Source:
            Spiegelhalter & Lauritzen (1990), Sequential updating of conditional probabilities on directed graphical structures,
            eq. 17: a logistic curve under a normal law is nearly one of a smaller slope.
        """
        shrink = (1.0 + (math.pi / 8.0) * spread) ** -0.5
        p = logistic(m, shrink * eta)
        return shrink * p * (1.0 - p), y - p

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor above which the node is 1: the upper quantiles are the ones, as for the other families."""
        return m.np.log1p(-uniform) - m.np.log(uniform)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """Whether the predictor is above the noise."""
        return 1.0 * (eta > noise)

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Steps at 0 and 1."""
        zero = 1.0 - logistic(m, eta)
        return m.np.where(y < 0, 0.0, m.np.where(y < 1, zero, 1.0))

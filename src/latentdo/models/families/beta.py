"""`beta`: shares strictly between 0 and 1, with a logit link."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from latentdo.errors import DataError, SupportError
from latentdo.graphs import Name, quote

from ..arithmetic import LINK_CLIP, Arithmetic, Array
from ..column import ColumnSummary
from ..family import AbstractFamily, Default, Level, finite
from ..prior import Prior, plain
from ..registry import register

_FARTHEST = 30.0
"""Predictors beyond which the mean is 0 or 1 for all that a number can tell."""
_NEXT = 2.0**-53
"""How near to 1 a number can be."""


@register
@dataclass(frozen=True)
class Beta(AbstractFamily):
    """`node ~ Beta(mean · shape, (1 - mean) · shape)` with mean = sigmoid(linear predictor).

    Source:
        Ferrari & Cribari-Neto (2004), Beta regression for modelling rates and proportions.
    """

    name = "beta"
    equation = "Y ~ Beta(mean · shape, (1 - mean) · shape), mean = 1 / (1 + exp(-(intercept + Σ weight · parent)))"
    parameters = ("shape",)
    support = (0.0, 1.0)
    takes = "numbers between 0 and 1"
    bounded_mean = True
    cdf_compiles = False

    def check(self, column: ColumnSummary) -> None:
        """Only numbers between 0 and 1 are possible, neither of them included."""
        said = f"Column {column.name} is declared beta, whose values lie between 0 and 1, but"
        low, high = column.minimum, column.maximum
        if low < 0 or high > 1:
            repair = "Divide percentages by 100" if low >= 0 and high <= 100 else "Check the column"
            seen = f"its smallest value is {plain(low)}" if low < 0 else f"its largest value is {plain(high)}"
            other = f"{quote(column.name)} ~ normal(…)"
            raise DataError(
                f"{said} {seen}. {repair}, or give the node another family, such as {other}.", column=column.name
            )
        if low == 0 or high == 1:
            at = "exactly 0 and 1" if low == 0 and high == 1 else f"exactly {plain(low if low == 0 else high)}"
            raise DataError(
                f"{said} it has shares of {at}, which no beta law gives. If these are rounded, move all rows inwards, to "
                f"(y · ({column.n} - 1) + 0.5) / {column.n} (Smithson & Verkuilen 2006); else give the node another family.",
                column=column.name,
            )

    def check_value(self, node: Name, value: Level) -> float:
        """A number between 0 and 1."""
        number = finite(node, value, "beta", self.takes)
        if not 0 < number < 1:
            raise SupportError(node, f"{node} is beta: its values lie between 0 and 1, not {plain(number)}.")
        return number

    def default(self, parameter: str, size: float) -> Default:
        """About what makes the column's sd of a mean of 1/2, give or take a factor of e²."""
        about = max(0.25 / size**2 - 1.0, 1.0)
        return Default(Prior("lognormal", (math.log(about), 2.0)), start=(about, 0.4 * about))

    def predicted(self, node: str) -> str:
        """The logit of the mean."""
        return f"logit of the mean of {node}"

    def link(self, m: Arithmetic, values: Array) -> Array:
        """The logit, clipped where it says nothing reliable."""
        share = m.np.clip(values, LINK_CLIP, 1 - LINK_CLIP)
        return m.np.log(share) - m.np.log1p(-share)

    def _shapes(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        near = m.np.clip(eta, -_FARTHEST, _FARTHEST)
        return m.special.expit(near) * parameters["shape"], m.special.expit(-near) * parameters["shape"]

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The share."""
        return m.special.expit(eta)

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """mean (1 - mean) / (1 + shape)."""
        return m.special.expit(eta) * m.special.expit(-eta) / (1.0 + parameters["shape"])

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Beta with this mean and shape."""
        a, b = self._shapes(m, eta, parameters)
        constant = m.special.gammaln(parameters["shape"]) - m.special.gammaln(a) - m.special.gammaln(b)
        return constant + (a - 1.0) * m.np.log(y) + (b - 1.0) * m.np.log1p(-y)

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """The parabola whose top is at the logit of y itself."""
        del spread
        share = m.np.clip(y, 2 * LINK_CLIP, 1 - 2 * LINK_CLIP)
        precision = (1.0 + parameters["shape"]) * share * (1 - share)
        return precision + 0.0 * eta, precision * (m.np.log(share) - m.np.log1p(-share) - eta)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The inverse of the incomplete beta function at the quantile (NumPy)."""
        a, b = self._shapes(m, eta, parameters)
        return m.np.clip(m.special.betaincinv(a, b, noise), m.np.finfo(float).tiny, 1.0 - _NEXT)

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The incomplete beta function."""
        a, b = self._shapes(m, eta, parameters)
        return m.special.betainc(a, b, m.np.clip(y, 0.0, 1.0))

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The incomplete beta function from the other end."""
        a, b = self._shapes(m, eta, parameters)
        return m.special.betainc(b, a, 1.0 - m.np.clip(y, 0.0, 1.0))

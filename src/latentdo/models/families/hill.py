"""`hill`: a logistic curve of the linear predictor between 0 and `max`, plus normal noise; not 0 where its parents are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from latentdo.errors import DataError, SpecError
from latentdo.graphs import Name

from ..arithmetic import LINK_CLIP, Arithmetic, Array, logistic, normal_cdf, normal_log_density
from ..column import ColumnSummary
from ..family import AbstractFamily
from ..prior import plain
from ..registry import register


@register
@dataclass(frozen=True)
class Hill(AbstractFamily):
    """`node = max · sigmoid(linear predictor) + Normal(0, sd)`.

    It saturates like Hill's equation, but is a logistic curve of the parents themselves, not of their logarithms: with all
    parents at 0 the mean is max / (1 + exp(-intercept)), not 0.
    """

    name = "hill"
    equation = "Y = max / (1 + exp(-(intercept + Σ weight · parent))) + Normal(0, sd)"
    parameters = ("sd",)
    may_be_latent = True
    option_keys = ("max",)
    split = True
    bounded_mean = True
    as_latent: ClassVar[Mapping[str, float]] = {"intercept": 0.0, "sd": 1.0}

    max: float = 100.0

    def check(self, column: ColumnSummary) -> None:
        """Every number is possible, but a column that lies at one end of (0, max) says nothing on the logit scale."""
        if not 0.01 * self.max < column.mean < 0.99 * self.max:
            raise DataError(
                f"Column {column.name} is declared hill with max={plain(self.max)}, but its values run from "
                f"{plain(column.minimum)} to {plain(column.maximum)}: "
                f"most lie at one end of (0, {plain(self.max)}) or outside it. "
                "Give the true maximum with max=…, or another family.",
                column=column.name,
            )

    def caution(self, node: Name, value: float) -> str | None:
        """Says so where the value is outside (0, max)."""
        if 0 < value < self.max:
            return None
        return f"{node} = {plain(value)} lies outside (0, {plain(self.max)}), the range of its mean."

    def with_option(self, key: str, value: object, node: Name) -> Hill | None:
        """`max=50`."""
        if key != "max":
            return None
        if not isinstance(value, float | int) or not 0 < value < math.inf:
            shown = plain(value) if isinstance(value, float | int) else f"{value}"
            raise SpecError(f"max of {node} must be a positive number, got {shown}.", node=node)
        return Hill(float(value))

    def as_parent(self, intercept: float, scale: float) -> tuple[float, float]:
        """The middle of (0, max), and a quarter of it."""
        return 0.5 * self.max, 0.25 * self.max

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """`max` unless it is 100."""
        return () if self.max == 100.0 else (("max", plain(self.max)),)

    def predicted(self, node: str) -> str:
        """The logit of the share of max."""
        return f"logit({node}/{plain(self.max)})"

    def link(self, m: Arithmetic, values: Array) -> Array:
        """The logit of the share of max, clipped where it says nothing reliable."""
        share = m.np.clip(values / self.max, LINK_CLIP, 1 - LINK_CLIP)
        return m.np.log(share) - m.np.log1p(-share)

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The share of max."""
        return self.max * logistic(m, eta)

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the noise."""
        return parameters["sd"] ** 2 + 0.0 * eta

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Normal around the mean."""
        return normal_log_density(m, y, self.mean(m, eta, parameters), parameters["sd"])

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """The parabola whose top is at the logit of y's own share."""
        del spread
        share = m.np.clip(y / self.max, 2 * LINK_CLIP, 1 - 2 * LINK_CLIP)
        precision = (self.max * share * (1 - share) / parameters["sd"]) ** 2
        return precision, precision * (m.np.log(share) - m.np.log1p(-share) - eta)

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """The normal quantile."""
        return m.special.ndtri(uniform)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """Mean and noise, in units of the sd."""
        return self.mean(m, eta, parameters) + parameters["sd"] * noise

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The normal cdf around the mean."""
        return normal_cdf(m, (y - self.mean(m, eta, parameters)) / parameters["sd"])

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The other tail of the normal law, with its own digits."""
        return normal_cdf(m, -(y - self.mean(m, eta, parameters)) / parameters["sd"])

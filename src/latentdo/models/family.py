"""How a node is generated once its linear predictor is known: the families as data, without arithmetic.

A family says which numbers its node can take, which parameters it has beside the coefficients, and its equation.
The densities and samplers are in `build.py`.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import ClassVar

from latentdo.errors import DataError, SupportError
from latentdo.graphs import Name

from .column import ColumnSummary
from .prior import plain


class AbstractFamily(abc.ABC):
    """How a node is generated once its linear predictor is known."""

    name: ClassVar[str]
    equation: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]] = ()
    discrete: ClassVar[bool] = False
    may_be_latent: ClassVar[bool] = False

    @abc.abstractmethod
    def check(self, column: ColumnSummary) -> None:
        """Raise `DataError` unless every value of the column is possible."""

    @abc.abstractmethod
    def check_value(self, node: Name, value: float | str) -> float:
        """The value as a number; raises `SupportError` where the node cannot take it."""

    def caution(self, node: Name, value: float) -> str | None:
        """A sentence about a value that is possible and yet odd, or None."""
        del node, value
        return None

    def __str__(self) -> str:
        return self.name


def _number(node: Name, value: float | str, family: str, expected: str) -> float:
    if isinstance(value, str):
        raise SupportError(node, f"{node} is {family} and takes {expected}, not the level {value!r}.")
    if not math.isfinite(value):
        raise SupportError(node, f"{node} is {family} and takes {expected}, not {plain(value)}.")
    return float(value)


@dataclass(frozen=True)
class Normal(AbstractFamily):
    """`node = linear predictor + Normal(0, sd)`."""

    name = "normal"
    equation = "Y = intercept + Σ weight · parent + Normal(0, sd)"
    parameters = ("sd",)
    may_be_latent = True

    def check(self, column: ColumnSummary) -> None:
        """Every finite number is possible."""
        del column

    def check_value(self, node: Name, value: float | str) -> float:
        """Any number."""
        return _number(node, value, "normal", "any number")


@dataclass(frozen=True)
class Linear(AbstractFamily):
    """`node = linear predictor`, exactly: no noise."""

    name = "linear"
    equation = "Y = intercept + Σ weight · parent, without noise"
    may_be_latent = True

    def check(self, column: ColumnSummary) -> None:
        """Every finite number is possible; whether the column fits exactly is checked by `fit`."""
        del column

    def check_value(self, node: Name, value: float | str) -> float:
        """Any number."""
        return _number(node, value, "linear", "any number")


@dataclass(frozen=True)
class Bernoulli(AbstractFamily):
    """`P(node = 1) = sigmoid(linear predictor)`."""

    name = "bernoulli"
    equation = "P(Y = 1) = 1 / (1 + exp(-(intercept + Σ weight · parent)))"
    discrete = True

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

    def check_value(self, node: Name, value: float | str) -> float:
        """0 or 1."""
        number = _number(node, value, "bernoulli", "0 or 1")
        if number not in (0.0, 1.0):
            raise SupportError(node, f"{node} is bernoulli: its values are 0 and 1, not {plain(number)}.")
        return number


@dataclass(frozen=True)
class Gamma(AbstractFamily):
    """`node ~ Gamma(shape, mean = exp(linear predictor))`."""

    name = "gamma"
    equation = "Y ~ Gamma(shape, mean = exp(intercept + Σ weight · parent))"
    parameters = ("shape",)

    def check(self, column: ColumnSummary) -> None:
        """Only positive numbers are possible."""
        if column.minimum <= 0:
            raise DataError(
                f"Column {column.name} is declared gamma, whose values are positive, but its smallest value is "
                f"{plain(column.minimum)}. Remove or shift such rows, or give the node another family.",
                column=column.name,
            )

    def check_value(self, node: Name, value: float | str) -> float:
        """A positive number."""
        number = _number(node, value, "gamma", "positive numbers")
        if number <= 0:
            raise SupportError(node, f"{node} is gamma: its values are positive numbers, not {plain(number)}.")
        return number


@dataclass(frozen=True)
class Hill(AbstractFamily):
    """`node = max · sigmoid(linear predictor) + Normal(0, sd)`."""

    name = "hill"
    equation = "Y = max / (1 + exp(-(intercept + Σ weight · parent))) + Normal(0, sd)"
    parameters = ("sd",)

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

    def check_value(self, node: Name, value: float | str) -> float:
        """Any number; a caution outside (0, max)."""
        return _number(node, value, "hill", "any number")

    def caution(self, node: Name, value: float) -> str | None:
        """Says so where the value is outside (0, max)."""
        if 0 < value < self.max:
            return None
        return f"{node} = {plain(value)} lies outside (0, {plain(self.max)}), the range of its mean."


@dataclass(frozen=True)
class Constant(AbstractFamily):
    """`node = value`, whatever its parents: what `do(node = value)` leaves behind."""

    name = "constant"
    equation = "Y = value"

    value: float

    def check(self, column: ColumnSummary) -> None:
        """No column belongs to a node that was set."""
        raise DataError(f"{column.name} was set by an intervention and has no data.", column=column.name)

    def check_value(self, node: Name, value: float | str) -> float:
        """Only the value itself."""
        number = _number(node, value, "set", plain(self.value))
        if number != self.value:
            raise SupportError(node, f"{node} was set to {plain(self.value)}, it cannot be {plain(number)}.")
        return number


FAMILIES: dict[str, type[AbstractFamily]] = {family.name: family for family in (Normal, Bernoulli, Gamma, Hill, Linear)}

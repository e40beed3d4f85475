"""`bernoulli`: zeros and ones with a logit link."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from latentdo.errors import DataError, SpecError, SupportError
from latentdo.graphs import Name, format_level, quote

from .. import levels as _levels
from ..arithmetic import Arithmetic, Array, logistic
from ..column import ColumnSummary
from ..family import AbstractFamily, Default, Level, finite
from ..prior import Prior, plain
from ..registry import register


@register
@dataclass(frozen=True)
class Bernoulli(AbstractFamily):
    """`P(node = 1) = sigmoid(linear predictor)`.

    Args:
        levels: The two values where they are others than 0 and 1: names, or numbers. The second counts as the 1.
    """

    name = "bernoulli"
    equation = "P(Y = 1) = 1 / (1 + exp(-(intercept + Σ weight · parent)))"
    discrete = True
    may_be_latent = True
    takes = "0 or 1"
    link_sd = 2.0
    split = True
    binary = True
    log_odds = True
    option_keys = ("levels",)

    levels: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        if self.levels:
            object.__setattr__(self, "has_levels", True)
            object.__setattr__(self, "binary", self.points == (0.0, 1.0))
            object.__setattr__(self, "equation", f"P(Y = second level) = {Bernoulli.equation.partition(' = 1) = ')[2]}")

    @property
    def points(self) -> tuple[float, ...]:
        """0 and 1, unless other numbers are its levels."""
        return _levels.points_of(self.levels) if self.levels else (0.0, 1.0)

    @property
    def states(self) -> tuple[Level, ...]:
        """The levels."""
        return self.levels or self.points

    @property
    def one(self) -> Level | None:
        """The second level, where they are stated."""
        return self.levels[1] if self.levels else None

    def _coded(self, y: Array) -> Array:
        """0 for the first level and 1 for the second."""
        low, high = self.points
        return y if (low, high) == (0.0, 1.0) else (y - low) / (high - low)

    def _valued(self, code: Array) -> Array:
        """The value of a code, or the mean of a chance."""
        low, high = self.points
        return code if (low, high) == (0.0, 1.0) else low + (high - low) * code

    def check(self, column: ColumnSummary) -> None:
        """Only 0 and 1, or the two levels, are possible."""
        if self.levels:
            _levels.check_levels(column, self.levels, "bernoulli")
            return
        if column.minimum not in (0.0, 1.0) or column.maximum not in (0.0, 1.0) or column.n_distinct > 2:
            shown = ", ".join(plain(value) for value in column.values[:6])
            seen = f"it has {shown}" if shown else f"it runs from {plain(column.minimum)} to {plain(column.maximum)}"
            levels = ""
            if len(column.values) == 2:
                named = f"{quote(column.name)} ~ bernoulli(…, levels=[{', '.join(map(plain, column.values))}])"
                levels = f"name its levels, {named}, of which the second counts as the 1, or "
            raise DataError(
                f"Column {column.name} is declared bernoulli, whose values are 0 and 1, but {seen}. "
                f"Recode it to 0/1, or {levels}give the node another family.",
                column=column.name,
            )

    def check_value(self, node: Name, value: Level) -> float:
        """0 or 1, or the number that stands for a level."""
        if self.levels:
            return _levels.point(node, value, self.levels, "bernoulli")
        number = finite(node, value, "bernoulli", "0 or 1")
        if number not in (0.0, 1.0):
            raise SupportError(node, f"{node} is bernoulli: its values are 0 and 1, not {plain(number)}.")
        return number

    def default_intercept(self, link_mean: float, t: float, *, latent: bool) -> Default:
        """Normal(0, 3); of a latent normal(0, 1.5), near enough to every share of the class being as likely."""
        sd = 1.5 if latent else 3.0
        return Default(Prior("normal", (0.0, sd)), start=(0.0, 0.2 * sd))

    def predicted(self, node: str) -> str:
        """The logit of a one, or of the second level."""
        return f"logit P({node} = {format_level(self.levels[1]) if self.levels else 1})"

    def with_option(self, key: str, value: object, node: Name) -> Bernoulli | None:
        """`levels=[no, yes]`."""
        if key != "levels":
            return None
        if not isinstance(value, tuple):
            raise SpecError(f"levels of {node} is a list of two: levels=[no, yes].", node=node)
        levels = _levels.settled(value, node)
        if len(levels) != 2:
            raise SpecError(
                f"{node} is bernoulli and has two levels, not {len(levels)}. Name two, or make it categorical or ordinal.",
                node=node,
            )
        return Bernoulli(levels)

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The levels, where they are not 0 and 1."""
        return (("levels", _levels.typed(self.levels)),) if self.levels else ()

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The probability of a one, or the mean of the numbers that are its levels."""
        return self._valued(logistic(m, eta))

    def chances(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """1 - p and p."""
        # One minus a chance would lose the digits of a small one.
        return [m.special.expit(-eta), m.special.expit(eta)]

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """p (1 - p), in units of the levels."""
        low, high = self.points
        return (high - low) ** 2 * logistic(m, eta) * logistic(m, -eta)

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log probability of 0 or 1."""
        return self._coded(y) * eta - m.np.logaddexp(0.0, eta)

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
        return shrink * p * (1.0 - p), self._coded(y) - p

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor above which the node is 1: the upper quantiles are the ones, as for the other families."""
        return m.np.log1p(-uniform) - m.np.log(uniform)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """Whether the predictor is above the noise."""
        return self._valued(1.0 * (eta > noise))

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Steps at its two values."""
        low, high = self.points
        zero = 1.0 - logistic(m, eta)
        return m.np.where(y < low, 0.0, m.np.where(y < high, zero, 1.0))

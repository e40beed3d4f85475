"""What families whose values are levels have in common."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import replace

from latentdo.graphs import Name

from .. import levels as _levels
from ..arithmetic import Arithmetic, Array
from ..column import ColumnSummary
from ..family import AbstractFamily, Level


class AbstractLevelled(AbstractFamily):
    """A family with levels, which gives the log probability of each; a concrete one has the field `levels`.

    Attributes:
        levels: Numbers or names; empty until a column tells.
    """

    discrete = True
    option_keys = ("levels",)
    takes = "one of its levels"
    split = True
    has_levels = True

    levels: tuple[Level, ...]

    @property
    def points(self) -> tuple[float, ...]:
        """The numbers that stand for the levels."""
        return _levels.points_of(self.levels)

    @property
    def states(self) -> tuple[Level, ...]:
        """The levels."""
        return self.levels

    def check(self, column: ColumnSummary) -> None:
        """Only levels are possible."""
        _levels.check_levels(column, self.levels, self.name)

    def check_value(self, node: Name, value: Level) -> float:
        """The number that stands for the level."""
        return _levels.point(node, value, self.levels, self.name)

    def with_option(self, key: str, value: object, node: Name) -> AbstractFamily | None:
        """`levels=[a, b, c]`."""
        return replace(self, levels=_levels.stated(value, node)) if key == "levels" else None  # type: ignore[type-var]

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The levels, once they are known."""
        return (("levels", _levels.typed(self.levels)),) if self.levels else ()

    @abc.abstractmethod
    def logs(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The log probability of each level."""

    def chances(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The probability of each level."""
        return [m.np.exp(log) for log in self.logs(m, eta, parameters)]

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The mean of the numbers that stand for the levels."""
        return _levels.expected(self.points, self.chances(m, eta, parameters))

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Of the numbers that stand for the levels."""
        return _levels.spread(self.points, self.chances(m, eta, parameters))

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log probability of the level."""
        return _levels.selected(m, self.points, y, self.logs(m, eta, parameters))

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The level at the quantile; the noise is uniform."""
        return _levels.quantile(m, self.points, noise, self.chances(m, eta, parameters))

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Steps at the levels."""
        return _levels.below(m, self.points, y, self.chances(m, eta, parameters))

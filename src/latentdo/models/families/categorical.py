"""`categorical`: one of several levels, with a linear predictor per level but the first (multinomial logit)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from latentdo.graphs import Name

from .. import levels as _levels
from ..arithmetic import Arithmetic, Array
from ..column import ColumnSummary
from ..family import AbstractFamily, Default, Level, register
from ..prior import Prior


@register
@dataclass(frozen=True)
class Categorical(AbstractFamily):
    """`log P(node = level) / P(node = first level) = a linear predictor of the level's own`.

    Args:
        levels: Numbers or names; empty until a column tells.
    """

    name = "categorical"
    equation = (
        "P(Y = k) = exp(eta_k) / Σ_j exp(eta_j), eta_k = intercept_k + Σ weight_k · parent, eta of the first level 0"
    )
    discrete = True
    may_be_latent = True
    option_keys = ("levels",)
    takes = "one of its levels"
    link_sd = 2.0
    split = True
    has_levels = True
    per_level = True
    log_odds = True

    levels: tuple[Level, ...] = ()

    @property
    def points(self) -> tuple[float, ...]:
        """The numbers that stand for the levels."""
        return _levels.points_of(self.levels)

    @property
    def states(self) -> tuple[Level, ...]:
        """The levels."""
        return self.levels

    @property
    def n_predictors(self) -> int:
        """One per level but the first."""
        return len(self.levels) - 1

    def check(self, column: ColumnSummary) -> None:
        """Only levels are possible."""
        _levels.check_levels(column, self.levels, "categorical")

    def check_value(self, node: Name, value: Level) -> float:
        """The number that stands for the level."""
        return _levels.point(node, value, self.levels, "categorical")

    def default_intercept(self, link_mean: float, t: float, *, latent: bool) -> Default:
        """Normal(0, 3) like that of bernoulli; of a latent normal(0, 1.5)."""
        sd = 1.5 if latent else 3.0
        return Default(Prior("normal", (0.0, sd)), start=(0.0, 0.2 * sd))

    def predicted(self, node: str) -> str:
        """The log odds against the first level."""
        return f"log odds of each level of {node} against the first"

    def with_option(self, key: str, value: object, node: Name) -> Categorical | None:
        """`levels=[a, b, c]`."""
        return Categorical(_levels.stated(value, node)) if key == "levels" else None

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The levels, once they are known."""
        return (("levels", _levels.typed(self.levels)),) if self.levels else ()

    def logs(self, m: Arithmetic, eta: Array) -> list[Array]:
        """The log probability of each level; `eta` has the levels but the first on its leading axis."""
        own = [0.0 * eta[0], *(eta[k] for k in range(len(self.levels) - 1))]
        top = own[0]
        for other in own[1:]:
            top = m.np.maximum(top, other)
        total = sum(m.np.exp(other - top) for other in own)
        log_total = top + m.np.log(total)
        return [other - log_total for other in own]

    def chances(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The probability of each level."""
        return [m.np.exp(log) for log in self.logs(m, eta)]

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The mean of the numbers that stand for the levels."""
        return _levels.expected(self.points, self.chances(m, eta, parameters))

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Of the numbers that stand for the levels."""
        return _levels.spread(self.points, self.chances(m, eta, parameters))

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log probability of the level."""
        return _levels.selected(m, self.points, y, self.logs(m, eta))

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The level at the quantile; the noise is uniform."""
        return _levels.quantile(m, self.points, noise, self.chances(m, eta, parameters))

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Steps at the levels."""
        return _levels.below(m, self.points, y, self.chances(m, eta, parameters))

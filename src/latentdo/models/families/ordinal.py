"""`ordinal`: ordered levels that one linear predictor moves up or down (proportional odds)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import levels as _levels
from ..arithmetic import Arithmetic, Array
from ..family import Default, Level
from ..prior import Prior
from ..registry import register
from .levelled import AbstractLevelled


@register
@dataclass(frozen=True)
class Ordinal(AbstractLevelled):
    """`P(node > level k) = sigmoid(linear predictor - threshold k)`, the first threshold 0.

    The others are 0 + gap2, 0 + gap2 + gap3, …, so that they ascend.

    Args:
        levels: In their order. Numbers, or names; numbers are empty until a column tells.

    Source:
        McCullagh (1980), Regression models for ordinal data, Journal of the Royal Statistical Society B 42.
    """

    name = "ordinal"
    equation = (
        "P(Y > level k) = 1 / (1 + exp(-(intercept + Σ weight · parent - threshold_k))), threshold_1 = 0, each next one higher "
        "by its gap"
    )
    link_sd = 2.0
    ordered = True
    log_odds = True

    levels: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        gaps = tuple(f"gap{k}" for k in range(2, len(self.levels)))
        object.__setattr__(self, "parameters", gaps)

    @property
    def enters_by_value(self) -> bool:
        """Levels that are numbers count as these; names as one indicator each."""
        return not _levels.named(self.levels)

    def default(self, parameter: str, size: float) -> Default:
        """Of a gap between thresholds student(3, 0, 2) above 0."""
        return Default(Prior("student", (3.0, 0.0, 2.0), low=0.0), start=(1.0, 0.4))

    def default_intercept(self, link_mean: float, t: float, *, latent: bool) -> Default:
        """Normal(0, 2t): the log odds of anything above the first level."""
        del link_mean, latent
        return Default(Prior("normal", (0.0, 2.0 * t)), start=(0.0, 0.4 * t))

    def predicted(self, node: str) -> str:
        """The log odds of more than the first level."""
        return f"log odds of more than the first level of {node}"

    def _thresholds(self, parameters: Mapping[str, Array]) -> list[Array]:
        """One less than there are levels, ascending."""
        found: list[Array] = [0.0]
        for name in self.parameters:
            found.append(found[-1] + parameters[name])
        return found

    def logs(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The log probability of each level: sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b))."""
        places = [threshold - eta for threshold in self._thresholds(parameters)]
        below = [-m.np.logaddexp(0.0, -place) for place in places]
        above = [-m.np.logaddexp(0.0, place) for place in places]
        gaps = [m.np.log(-m.np.expm1(-parameters[name])) for name in self.parameters]
        between = [b + a + gap for b, a, gap in zip(below[1:], above[:-1], gaps, strict=True)]
        return [below[0], *between, above[-1]]

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """Information and score between the level's two thresholds, averaged over the spread as those of `bernoulli` are."""
        shrink = (1.0 + 0.125 * m.np.pi * spread) ** -0.5
        places = [m.special.expit(shrink * (threshold - eta)) for threshold in self._thresholds(parameters)]
        precision, pull = 0.0 * eta, 0.0 * eta
        for k, point in enumerate(self.points):
            own, known = 1.0 * (y == point), 0.0
            if k:
                known = known + places[k - 1] * (1.0 - places[k - 1])
                pull = pull + own * places[k - 1]
            if k < len(places):
                known = known + places[k] * (1.0 - places[k])
                pull = pull - own * (1.0 - places[k])
            precision = precision + own * shrink * known
        return precision, pull

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """The logistic quantile: the upper ones are the upper levels."""
        return m.np.log(uniform) - m.np.log1p(-uniform)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The level between the thresholds that predictor and noise lie between."""
        value = self.points[0] + 0.0 * (eta + noise)
        steps = zip(self.points[:-1], self.points[1:], self._thresholds(parameters), strict=True)
        for before, at, threshold in steps:
            value = value + (at - before) * (eta + noise > threshold)
        return value

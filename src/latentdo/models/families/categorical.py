"""`categorical`: one of several levels, with a linear predictor per level but the first (multinomial logit)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..arithmetic import Arithmetic, Array
from ..family import Default, Level
from ..prior import Prior
from ..registry import register
from .levelled import AbstractLevelled


@register
@dataclass(frozen=True)
class Categorical(AbstractLevelled):
    """`log P(node = level) / P(node = first level) = a linear predictor of the level's own`.

    Args:
        levels: Numbers or names; empty until a column tells.
    """

    name = "categorical"
    equation = (
        "P(Y = k) = exp(eta_k) / Σ_j exp(eta_j), eta_k = intercept_k + Σ weight_k · parent, eta of the first level 0"
    )
    may_be_latent = True
    link_sd = 2.0
    per_level = True
    log_odds = True

    levels: tuple[Level, ...] = ()

    @property
    def n_predictors(self) -> int:
        """One per level but the first."""
        return len(self.levels) - 1

    def default_intercept(self, link_mean: float, t: float, *, latent: bool) -> Default:
        """Normal(0, 3) like that of bernoulli; of a latent normal(0, 1.5)."""
        sd = 1.5 if latent else 3.0
        return Default(Prior("normal", (0.0, sd)), start=(0.0, 0.2 * sd))

    def predicted(self, node: str) -> str:
        """The log odds against the first level."""
        return f"log odds of each level of {node} against the first"

    def logs(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The log probability of each level; `eta` has the levels but the first on its leading axis."""
        own = [0.0 * eta[0], *(eta[k] for k in range(len(self.levels) - 1))]
        top = own[0]
        for other in own[1:]:
            top = m.np.maximum(top, other)
        total = sum(m.np.exp(other - top) for other in own)
        log_total = top + m.np.log(total)
        return [other - log_total for other in own]

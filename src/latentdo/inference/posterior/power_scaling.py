"""How far a parameter moves when its prior is made a little stronger or weaker: whether the data, and not the prior, set it.

The draws stay; each is weighted by its prior density to a power beside 1. Only priors of parameters are scaled, which users
state, never the laws of latent nodes, which are part of the model.

Source:
    Kallioinen, Paananen, Bürkner & Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with
    power-scaling, Statistics and Computing 34:57.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentdo.arrays import FloatArray

from ..blocks.diagnostics import KHAT_LIMIT
from ..samplers.importance import smoothed

POWER = 1.01
"""The prior is raised to this power and to its inverse (§3.4 of the source)."""
SENSITIVE = 0.05
"""Distance per doubling of the power from which on a prior has a say (§3.5): as by a shift of 0.3 sds."""


@dataclass(frozen=True, eq=False)
class PowerScaled:
    """The weights of all draws under the prior to the power `POWER` and to its inverse.

    Attributes:
        weights: (power, draw), each summing to 1.
        khat: The larger Pareto k-hat of the two.
    """

    weights: FloatArray
    khat: float

    @staticmethod
    def of(log_prior: FloatArray) -> PowerScaled:
        """From the log prior density of each draw, (draw,), up to a constant."""
        parts = [smoothed((power - 1.0) * log_prior) for power in (POWER, 1.0 / POWER)]
        return PowerScaled(np.stack([weights for weights, _ in parts]), max(khat for _, khat in parts))

    @property
    def trusted(self) -> bool:
        """Whether the weights can stand for draws under the scaled prior."""
        return bool(self.khat < KHAT_LIMIT)

    def sensitivity(self, draws: FloatArray) -> float:
        """The distance that the law of a parameter moves per doubling of its prior's power, from its draws (draw,)."""
        order = np.argsort(draws, kind="stable")
        ordered = draws[order]
        moved = [distance(ordered, weights[order]) for weights in self.weights]
        return float(np.mean(moved) / np.log2(POWER))

    def shift(self, draws: FloatArray) -> float:
        """By how much the mean moves where the prior counts twice."""
        up, down = self.weights @ draws
        return float((up - down) / (2.0 * np.log2(POWER)))


def distance(ordered: FloatArray, weights: FloatArray) -> float:
    """The square root of the cumulative Jensen-Shannon divergence of weighted to unweighted draws, between 0 and 1.

    The larger one of the variable and of its negative, as it is not symmetric in these.

    Args:
        ordered: Ascending, (draw,).

    Source:
        Nguyen & Vreeken (2015), Non-parametric Jensen-Shannon divergence, §3; scaled to at most 1 as by Kallioinen et al.
    """
    steps = np.diff(ordered)
    n = len(ordered)
    even, weighted = np.arange(1, n) / n, np.cumsum(weights)[:-1]
    sides = ((even, weighted), (1.0 - even, 1.0 - weighted))
    return max(_one_sided(steps, p, np.clip(q, 0.0, 1.0)) for p, q in sides)


def _one_sided(steps: FloatArray, p: FloatArray, q: FloatArray) -> float:
    bound = float(steps @ (p + q))
    if bound <= 0.0:
        return 0.0
    middle = 0.5 * (p + q)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = [np.where(part > 0.0, part * np.log2(part / middle), 0.0) for part in (p, q)]
    # The terms that make each divergence non-negative cancel in their sum.
    return float(np.sqrt(max(steps @ (each[0] + each[1]), 0.0) / bound))

"""How many intervals hold the truth, and whether chance explains that so few do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

CHANCE = 0.00135
"""Probability below which so few intervals of just their level would hold the truth: that of three standard errors, one-sided."""
FEWEST = 10
"""Intervals below which there are no verdicts."""


@dataclass(frozen=True)
class Coverage:
    """How many intervals of a level hold the truth."""

    held: int
    n: int
    level: float

    @property
    def share(self) -> float:
        """The fraction of the intervals that hold it."""
        return self.held / self.n

    @property
    def error(self) -> float:
        """The binomial standard error that the share of intervals of just this level would have."""
        return math.sqrt(self.level * (1 - self.level) / self.n)

    @property
    def is_judged(self) -> bool:
        """Whether there are enough intervals for a verdict."""
        return self.n >= FEWEST

    @property
    def least(self) -> float:
        """The smallest share that chance explains, by the exact binomial law."""
        return int(np.argmax(bdtr(np.arange(self.n + 1), self.n, self.level) >= CHANCE)) / self.n

    @property
    def probability(self) -> float:
        """That so few intervals of just this level, or fewer, hold it, by the exact binomial law."""
        return float(bdtr(self.held, self.n, self.level))

    @property
    def falls_short(self) -> bool:
        """Whether chance does not explain that so few hold it; False where there are too few intervals to tell."""
        return self.is_judged and self.share < self.least

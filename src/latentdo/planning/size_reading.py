"""The number of samples that follows from simulated experiments: read from a line among them, or from how it must go on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats

from latentdo.arrays import FloatArray

from .simulated import FAR, Experiments, Goal
from .size_law import Law, fit_law

SURE = 0.9
"""Probability of every interval of a number of samples."""
NEAR = math.log(2.0)
"""Distance in log n at which an experiment counts half as much for the law near the answer."""
BEYOND = 1.3
"""Times the largest size that was simulated, up to which the line among the experiments is trusted."""
LARGE = 4.0
"""Sizes down to the largest divided by this tell how the width goes on beyond it."""
FINAL, UNSURE = 0.5, 0.04
"""The slope of the log width in log n once n is large, and the standard deviation that stands for not being there yet."""
TOLERATED = 0.1
"""Distance from the final slope at which simulated sizes still count as large."""
FLAT = 0.1
"""Slope of the log width in log n below which it does not shrink, if it is surely less than half of the final one."""
FEW_FAILED = 0.05
"""Share of large data sets that may have failed where the width is to go on as it must in the end."""
CLEAR = 0.9
"""Distance of the point from the value to exclude, in sides of the interval, from which on it grows like √n."""
ODD = 0.05
"""Probability below which experiments contradict the number."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What experiments say of the number of samples that reaches a goal."""

    experiments: Experiments
    goal: Goal
    seed: int

    @cached_property
    def law(self) -> Law:
        """The line among the experiments, most faithful near the answer."""
        nearness = np.ones(len(self.experiments))
        for _ in range(3):
            law = self._fitted(self.experiments, nearness, n=0)
            n = float(self.goal.size(law.place(self.goal.target)[0]))
            # Where the goal is nowhere met, the largest sizes tell best whether anything falls.
            middle = min(max(n, self.experiments.n.min()), self.experiments.n.max())
            nearness = _nearness(self.experiments.n, middle)
        return self._fitted(self.experiments, nearness)

    @cached_property
    def large(self) -> Law:
        """The line among the largest sizes."""
        largest = self.experiments.where(self.experiments.n >= self.last / LARGE)
        return self._fitted(largest, _nearness(largest.n, self.last))

    @cached_property
    def further(self) -> Law:
        """The line beyond the largest size: of the slope that the width has in the end; through 0 for what is excluded.

        Source:
            Van der Vaart (1998), Asymptotic statistics, theorem 10.1 (Bernstein and von Mises): the posterior's standard
            deviation falls like n^(-1/2).
        """
        if self.goal.width is None:
            return self.large.through_origin()
        random = np.random.default_rng([self.seed, 22])
        slopes = FINAL + UNSURE * random.standard_normal(len(self.large.slopes))
        slopes[0] = FINAL
        return self.large.with_slopes(slopes)

    def _fitted(self, experiments: Experiments, nearness: FloatArray, n: int | None = None) -> Law:
        random, more = np.random.default_rng([self.seed, 21]), {} if n is None else {"n": n}
        return fit_law(
            self.goal.place(experiments.n),
            experiments.measured(self.goal),
            nearness,
            self.goal.assurance,
            random,
            **more,
        )

    @property
    def first(self) -> float:
        """The smallest size that was simulated."""
        return float(self.experiments.n.min())

    @property
    def last(self) -> float:
        """The largest size that was simulated."""
        return float(self.experiments.n.max())

    @cached_property
    def is_enough(self) -> npt.NDArray[np.bool_]:
        """Whether the smallest size that was simulated reaches the goal already, per line."""
        return self.law.value(float(self.goal.place(self.first))) <= self.goal.target

    def at(self, n: float) -> Law:
        """The law that holds at a size."""
        return self.law if n <= BEYOND * self.last else self.further

    @cached_property
    def _near(self) -> FloatArray:
        """The number of samples by the line among the experiments, per line."""
        n = np.maximum(self.goal.size(self.law.place(self.goal.target)), self.first)
        return np.where(self.is_enough, self.first, n)

    @property
    def is_extrapolated(self) -> bool:
        """Whether no simulated size comes near the goal."""
        return bool(self._near[0] > BEYOND * self.last)

    @cached_property
    def _slope(self) -> tuple[float, float]:
        """The interval of the slope among the largest sizes."""
        low, high = np.quantile(self.large.slopes[1:], [(1 - SURE) / 2, (1 + SURE) / 2])
        return float(low), float(high)

    @property
    def _few_failed(self) -> bool:
        return bool(self.experiments.where(self.experiments.n >= self.last / LARGE).failed.mean() <= FEW_FAILED)

    @property
    def is_flat(self) -> bool:
        """Whether nothing falls where it would have to."""
        if not self.is_extrapolated or not self._few_failed:
            return False
        if self.goal.width is None:
            return self._slope[0] <= 0.0
        return float(self.large.slopes[0]) < FLAT and self._slope[1] < FINAL / 2

    @property
    def goes_on(self) -> bool:
        """Whether the largest sizes are large enough to tell how it goes on beyond them."""
        low, high = self._slope
        if not self._few_failed or not math.isfinite(float(self.further.heights[0])):
            return False
        if self.goal.width is not None:
            return low <= FINAL + TOLERATED and high >= FINAL - TOLERATED
        through = float(self.further.slopes[0])
        distance = -float(self.large.centre(float(self.goal.place(self.last)))[0])
        return distance > CLEAR and low <= 1.2 * through and high >= 0.8 * through

    @cached_property
    def _sizes(self) -> FloatArray:
        """The number of samples, per line; none where there is only a bound, or nothing."""
        if not self.is_extrapolated:
            return self._near
        if self.is_flat or not self.goes_on:
            return np.zeros(0)
        n = np.maximum(self.goal.size(self.further.place(self.goal.target)), self.last)
        return n if math.isfinite(n[0]) else np.zeros(0)

    @property
    def bound(self) -> int | None:
        """Where there is no number: one that is too small; None where no number is enough, as far as is known."""
        if len(self._sizes) or self.is_flat:
            return None
        return int(FAR if self.goes_on else self.last)

    @property
    def n(self) -> int | None:
        """The number of samples; None where there is a bound at most."""
        return math.ceil(self._sizes[0]) if len(self._sizes) else None

    @property
    def lower(self) -> int | None:
        """The lower end of the interval of n; None where it lies below the smallest size, and is not known."""
        if not len(self._sizes):
            return self.bound
        end = self._end((1 - SURE) / 2)
        return math.floor(end) if end > self.first and not self.is_enough[0] else None

    @property
    def upper(self) -> int | None:
        """The upper end of the interval of n; None where it has none."""
        end = self._end((1 + SURE) / 2) if len(self._sizes) else math.inf
        return math.ceil(end) if math.isfinite(end) else None

    def _end(self, share: float) -> float:
        # Between a number and infinity there is nothing to interpolate.
        return float(np.quantile(self._sizes[1:], share, method="inverted_cdf"))

    def contradicted(self) -> str:
        """Which sizes above n miss the goal too often for chance, and how many of their experiments reach it; empty if none do.

        Sizes are judged one by one, and then all above n together.
        """
        if self.n is None:
            return ""
        above = self.experiments.where(self.experiments.n >= self.n)
        reached = above.measured(self.goal) <= self.goal.target
        groups = [(f"{int(size):,}", above.n == size) for size in np.unique(above.n)]
        if len(groups) > 1:
            groups.append((f"{groups[0][0]} or more", np.ones(len(above), dtype=bool)))
        for sizes, chosen in groups:
            count, total = int(reached[chosen].sum()), int(chosen.sum())
            if stats.binom.cdf(count, total, self.goal.assurance) < ODD / len(groups):
                return f"{count:,} of {total:,} with {sizes} samples reach the goal"
        return ""


def _nearness(n: FloatArray, middle: float) -> FloatArray:
    """How much experiments count for a line that has to be right at one size."""
    return 1.0 / (1.0 + (np.log(n / middle) / NEAR) ** 2)

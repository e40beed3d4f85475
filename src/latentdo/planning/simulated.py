"""What planned experiments are for, and what each of those that were simulated came to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from latentdo import arguments
from latentdo.arrays import FloatArray
from latentdo.errors import QueryError

FAR = 1e12
"""Samples beyond which a number means that there is none."""


@dataclass(frozen=True)
class Goal:
    """What the interval has to be like, and in what share of experiments.

    Args:
        level: Of the interval, 0.9 for instance.
        assurance: The share of experiments in which it has to be so.
        width: The full width that it may have at most; or else
        excludes: the value that it must not contain.
    """

    level: float
    assurance: float
    width: float | None = None
    excludes: float | None = None

    @property
    def text(self) -> str:
        """The goal in words, after "interval"."""
        if self.width is not None:
            return f"at most {self.width:g} wide in {100 * self.assurance:g} % of experiments"
        return f"that excludes {self.excludes:g} in {100 * self.assurance:g} % of experiments"

    @property
    def target(self) -> float:
        """The value that the quantile of `measured` has to fall to."""
        return -1.0 if self.width is None else math.log(self.width)

    def place(self, n: Any) -> Any:
        """Where a size stands on the scale on which the law is a line: log n for a width, √n for what a contrast is in sds."""
        return np.sqrt(n) if self.width is None else np.log(n)

    def size(self, place: Any) -> Any:
        """The size that stands there; infinite beyond all reason."""
        with np.errstate(all="ignore"):
            n = np.maximum(place, 0.0) ** 2 if self.width is None else np.exp(place)
            return np.where(n < FAR, n, np.inf)


@dataclass(frozen=True, eq=False)
class Experiments:
    """What every simulated experiment came to; arrays with one entry per experiment.

    Attributes:
        n: Rows.
        width: Of its interval; infinite where the experiment could not be analysed.
        distance: From its point to the value to exclude, in lengths of that side of the interval: above 1 it is excluded.
        covered: Whether its interval holds the true answer: 1, 0, or NaN where that is not known.
        converged: Whether its answer converged.
        failed: Whether its table could not be analysed.
    """

    n: FloatArray
    width: FloatArray
    distance: FloatArray
    covered: FloatArray
    converged: npt.NDArray[np.bool_]
    failed: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.n)

    def joined(self, other: Experiments) -> Experiments:
        """These and others."""
        these, more = vars(self), vars(other)
        return Experiments(**{name: np.concatenate([these[name], more[name]]) for name in these})

    def at(self, n: float) -> Experiments:
        """Those of one size."""
        return self.where(self.n == n)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Experiments:
        """Those that are chosen."""
        return Experiments(**{name: values[chosen] for name, values in vars(self).items()})

    def measured(self, goal: Goal) -> FloatArray:
        """The number per experiment of which a quantile has to fall to the goal's target; infinite where there is none."""
        values = -self.distance if goal.width is None else np.log(np.clip(self.width, 1e-300, None))
        return np.where(self.failed, np.inf, values)


_NO_NUMBERS, _NO_MARKS = np.zeros(0), np.zeros(0, dtype=bool)
NOTHING = Experiments(_NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_MARKS, _NO_MARKS)
"""No experiments."""


def check_width(width: Any) -> float:
    """The width of an interval, as a float.

    Raises:
        QueryError: It is not a positive finite number.
    """
    return arguments.number("width= (the full width that the interval may have)", width, QueryError, above=0)

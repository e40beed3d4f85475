"""How rivals are run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from latentdo.graphs import Name

from .checks import checked_names, number, whole_number
from .learners import Models

N_FOLDS = 5
Adjust = tuple[Name, ...] | Literal["all"] | None


@dataclass(frozen=True)
class Options:
    """How rivals are run.

    Attributes:
        models: The nuisance models.
        level: The probability of the intervals.
        replicates: How many replicates a bootstrap has; 0 for none, which leaves methods without an influence function
            without interval. So do fewer than 20.
        folds: How many parts cross-fitting makes of the rows.
        numbers: Columns that are continuous whatever their values look like.
        adjust: What g-formula, ipw, aipw and tmle adjust for. None: the set of least variance; names: that set, refused
            if it is no adjustment set; "all": a row for every minimal set, after the one of least variance.
        bandwidth: Of continuous treatments, in standard deviations of their column; None: 0.53 n^(-1/5), and more where
            few rows lie near the value.
    """

    models: Models = field(default_factory=Models)
    level: float = 0.9
    replicates: int = 200
    folds: int = N_FOLDS
    numbers: tuple[Name, ...] = ()
    adjust: Adjust = None
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        """Checks all values; names become tuples, and a learner models of it alone."""
        put = object.__setattr__
        put(self, "models", self.models if isinstance(self.models, Models) else Models(self.models))
        put(self, "level", number("level", self.level, 0, 1, "Write 0.9 for 90 %."))
        put(self, "replicates", whole_number("replicates", self.replicates, 0, "200 are usual, 0 is no bootstrap."))
        put(self, "folds", whole_number("folds", self.folds, 2, f"{N_FOLDS} are usual."))
        put(self, "numbers", checked_names("numbers", self.numbers, "Write ('X',) for one."))
        if self.adjust is not None and not (isinstance(self.adjust, str) and self.adjust == "all"):
            put(
                self,
                "adjust",
                checked_names("adjust", self.adjust, 'Write ("Z",) for one, "all" for every minimal set.'),
            )
        if self.bandwidth is not None:
            repair = "It counts standard deviations of the treatment; leave it out for the usual."
            put(self, "bandwidth", number("bandwidth", self.bandwidth, 0, math.inf, repair))

"""How rivals are run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from latentdo.errors import QueryError
from latentdo.graphs import Name

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
            without interval.
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
        if not 0 < self.level < 1:
            raise QueryError(f"The level of an interval lies between 0 and 1, got {self.level}. Write 0.9 for 90 %.")
        if self.replicates < 0:
            raise QueryError(f"A bootstrap has no fewer than 0 replicates, got {self.replicates}. 200 are usual.")
        if self.folds < 2:
            raise QueryError(f"Cross-fitting needs 2 folds at least, got {self.folds}. {N_FOLDS} are usual.")
        if isinstance(self.adjust, str) and self.adjust != "all":
            raise QueryError(
                f'`adjust` takes the names of a set, such as ("Z",), or "all", got {self.adjust!r}. For that one node '
                f"write ({self.adjust!r},)."
            )
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise QueryError(
                f"A bandwidth is a positive number of standard deviations, got {self.bandwidth}. Leave it out for the usual."
            )

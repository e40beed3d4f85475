"""How rivals are run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Name

from .learners import Models

N_FOLDS = 5
MOST_REPLICATES, MOST_FOLDS = 100_000, 10_000
"""Beyond these more changes nothing, and takes days."""
Adjust = tuple[Name, ...] | Literal["all"] | None


@dataclass(frozen=True)
class Options:
    """How rivals are run.

    Attributes:
        models: The nuisance models; a learner is used for every column, None stands for the usual ones.
        level: The probability of the intervals.
        replicates: How many replicates a bootstrap has; 0 for none, which leaves methods without an influence function
            without interval. So do fewer than 20.
        folds: How many parts cross-fitting makes of the rows.
        numbers: Columns that are continuous whatever their values look like.
        adjust: What g-formula, ipw, aipw and tmle adjust for. None: the set of least variance; names: that set, refused
            if it is no adjustment set; "all": a row for every minimal set, after the one of least variance.
        ordered: Columns of names whose order means something, so that these are compared.
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
    ordered: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        """Checks all values; names become tuples, and a learner models of it alone."""
        put = object.__setattr__
        given: Any = Models() if self.models is None else self.models
        put(self, "models", given if isinstance(given, Models) else Models(given))
        put(self, "level", arguments.level(self.level, QueryError))
        repair = "200 are usual, 0 is no bootstrap."
        put(
            self,
            "replicates",
            arguments.whole("replicates", self.replicates, QueryError, least=0, cap=MOST_REPLICATES, repair=repair),
        )
        put(
            self,
            "folds",
            arguments.whole("folds", self.folds, QueryError, least=2, cap=MOST_FOLDS, repair=f"{N_FOLDS} are usual."),
        )
        put(self, "numbers", arguments.names("numbers", self.numbers, QueryError, "Write ('X',) for one."))
        if self.adjust is not None and not (isinstance(self.adjust, str) and self.adjust == "all"):
            repair = 'Write ("Z",) for one, "all" for every minimal set.'
            put(self, "adjust", arguments.names("adjust", self.adjust, QueryError, repair))
        if self.bandwidth is not None:
            repair = "It counts standard deviations of the treatment; leave it out for the usual."
            put(self, "bandwidth", arguments.number("bandwidth", self.bandwidth, QueryError, above=0, repair=repair))

"""What a method makes of one term, and the row that is read of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from latentdo.query import Summary

from .sample import FloatArray


@dataclass(frozen=True, eq=False)
class Result:
    """A method's number for one term, one per replicate.

    Attributes:
        values: (replicate,).
        influence: The uncentred influence function of the first replicate, one number per row, whose mean is the
            estimate; None where the method has none and its interval comes from the bootstrap.
        effective: The effective number of rows behind the weights; None without weights.
        trimmed: Rows whose weight was cut.
        whole: What the first replicate would be if no weight had been cut; None where that does not matter.
        notes: What has to be known to read the number: sets, bandwidths.
        cautions: What may be wrong with it.
        rate: The power of the number of rows with which its error shrinks: 1/2, with a kernel 2/5.
        size: The most numbers per replicate that were held at once; 0 for a few per row.
    """

    values: FloatArray
    influence: FloatArray | None = None
    effective: float | None = None
    trimmed: int = 0
    whole: float | None = None
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    size: int = 0
    rate: float = 0.5


@dataclass(frozen=True)
class Estimate:
    """One method's answer to a question; without `estimate` the method does not apply, and the note says why.

    Attributes:
        method: The method's name.
        estimate: The number.
        sd: Its standard error.
        lower: The lower end of the interval.
        upper: The upper end.
        level: The interval's probability.
        seconds: How long it took; fits that methods share are counted where they were made.
        applies: Whether the method answers the question.
        note: Sets, bandwidth, where the interval comes from; or why the method does not apply.
        cautions: What may be wrong with the number, one sentence each.
        effective: The effective number of rows behind the weights: (Σw)² / Σw², the least of the query's terms.
        trimmed: Rows whose weight was cut.
        sets: The sets of nodes that the method used, by what they are for.
        interval: `influence function`, `bootstrap`, or empty.
        unit: The unit of the outcome.
    """

    method: str
    estimate: float | None
    sd: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float = 0.9
    seconds: float = 0.0
    applies: bool = True
    note: str = ""
    cautions: tuple[str, ...] = ()
    effective: float | None = None
    trimmed: int = 0
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    interval: str = ""
    unit: str | None = None

    @property
    def summary(self) -> Summary:
        """The row that plots and tables read."""
        return Summary(self.method, self.estimate, self.sd, self.lower, self.upper, self.level, self.unit, self.method)

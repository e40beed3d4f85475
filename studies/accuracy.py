"""How far off answers were over many data sets, what chance does to that, and methods against each other on the same data.

Rows are those of a reproduction: one mapping per data set, size, question and method, with the estimate, its interval,
the population's answer (`truth`), that of the interventional data set which belongs to the data (`sample_truth`) and, where
it is another one, what the graph's formula gives with endless rows (`formula_truth`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from latentdo.arrays import FloatArray
from latentdo.errors import StudyError
from latentdo.planning import FEWEST, Coverage

from .records import Row

Against = Literal["population", "sample", "formula"]

OURS = "lvm"
MISSPECIFIED = "lvm misspecified"
FLOOR = "floor"
MEAN = "mean"
"""The mean of the outcome in all rows, whatever they were treated with: hard to beat where the effect is small."""
NAIVE = ("naive mean", "naive regression")
SPREAD = 5
"""Data sets below which nothing is said of how much errors spread: no quartiles, standard errors or intervals of ratios."""
BIASED = 3.0
"""Standard errors beyond which a mean error is called a bias."""
CLEAR = 2.0
"""Standard errors from which on a difference is more than chance."""
ROUNDING = 1e-9
"""Relative difference of squared errors below which they are equal."""
RESAMPLES = 2000
INTERVAL = 0.95
"""Level of the bootstrap interval of a ratio."""
_TRUTHS: Mapping[Against, str] = {"population": "truth", "sample": "sample_truth", "formula": "formula_truth"}


class Cell(NamedTuple):
    """Which rows belong together: those that differ only in the data set."""

    study: str
    query: str
    n: int
    method: str


@dataclass(frozen=True, eq=False)
class Accuracy:
    """The errors of one method over data sets; standard errors are None where there are fewer than five data sets.

    Attributes:
        errors: Estimate less truth by the number of the data set, in the outcome's units.
        n_missing: Data sets on which the method should have answered and did not.
        median_error: Bootstrap standard error over data sets of the median absolute error.
        coverage: None for a method without intervals.
        n_open: Data sets on which there is an estimate and no interval.
        width: Median width of the intervals.
        seconds: Median time of an answer without the fit that it rests on.
        fit_seconds: Median time of that fit; None for a method without one.
        unsure: How many answers had not converged; None for a method that does not say.
    """

    cell: Cell
    against: Against
    errors: Mapping[int, float]
    n_missing: int
    coverage: Coverage | None
    n_open: int
    width: float | None
    seconds: float | None
    fit_seconds: float | None
    unsure: int | None

    @cached_property
    def _values(self) -> FloatArray:
        return np.array([*self.errors.values()], dtype=float)

    @property
    def absolute(self) -> FloatArray:
        """|estimate - truth|, one per data set."""
        return np.abs(self._values)

    @property
    def n_datasets(self) -> int:
        """Data sets with an estimate."""
        return len(self.errors)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the absolute error."""
        low, median, high = np.quantile(self.absolute, (0.25, 0.5, 0.75))
        return float(low), float(median), float(high)

    @property
    def has_spread(self) -> bool:
        """Whether there are enough data sets to say how much the errors spread."""
        return self.n_datasets >= SPREAD

    @cached_property
    def median_error(self) -> float | None:
        if not self.has_spread:
            return None
        return float(np.median(self.absolute[_resampled(self.n_datasets)], axis=1).std(ddof=1))

    @property
    def rmse(self) -> float:
        """Root of the mean squared error."""
        return float(np.sqrt(np.mean(self._values**2)))

    @property
    def rmse_error(self) -> float | None:
        """Its standard error, by the delta method from that of the mean squared error."""
        if not self.has_spread:
            return None
        return 0.0 if self.rmse == 0 else _error(self._values**2) / (2 * self.rmse)

    @property
    def bias(self) -> float:
        """The mean error."""
        return float(self._values.mean())

    @property
    def bias_error(self) -> float | None:
        """Its standard error."""
        return _error(self._values) if self.has_spread else None

    @property
    def is_biased(self) -> bool | None:
        """Whether the mean error is more than three of its standard errors from 0; None from few data sets."""
        if self.bias_error is None or self.n_datasets < FEWEST:
            return None
        return abs(self.bias) > BIASED * self.bias_error


@dataclass(frozen=True)
class Match:
    """A method and a rival on the same data sets.

    Attributes:
        difference: Mean squared error of the method less that of the rival.
        error: Its standard error over data sets, paired; None where there is one data set.
    """

    study: str
    query: str
    n: int
    method: str
    rival: str
    against: Against
    n_datasets: int
    rmse: float
    rival_rmse: float
    difference: float
    error: float | None

    @property
    def distance(self) -> float | None:
        """The difference in standard errors, negative where the method is closer to the truth."""
        if self.error is None:
            return None
        if self.error == 0:
            return math.copysign(math.inf, self.difference) if self.difference else 0.0
        return self.difference / self.error

    @property
    def verdict(self) -> Literal["wins", "ties", "loses", "not known"]:
        """Whether the method is closer to the truth than the rival, by more than two standard errors; not from few data sets."""
        if self.distance is None or self.n_datasets < FEWEST:
            return "not known"
        return "wins" if self.distance < -CLEAR else "loses" if self.distance > CLEAR else "ties"


@dataclass(frozen=True)
class Ratio:
    """How many times as large the error of a method is as that of a reference on the same data sets.

    Attributes:
        low: The lower end of the 95 % bootstrap interval.
        high: The upper end.
    """

    study: str
    query: str
    n: int
    method: str
    reference: str
    against: Against
    n_datasets: int
    value: float
    low: float
    high: float


def number(row: Row, field: str) -> float | None:
    """The number in a field; None where there is none, however a file says that: absent, empty, null or NaN."""
    value = row.get(field)
    if value is None or value == "":
        return None
    result = float(value)
    return None if math.isnan(result) else result


def says(row: Row, field: str) -> bool:
    """Whether a field has a value."""
    value = row.get(field)
    return value is not None and value != "" and value == value


def is_yes(row: Row, field: str, *, otherwise: bool = True) -> bool:
    """A field that is true or false, as a value or, read back from a CSV file, as a word."""
    if not says(row, field):
        return otherwise
    value = row[field]
    return value.strip().lower() in {"true", "1"} if isinstance(value, str) else bool(value)


def cell_of(row: Row) -> Cell:
    """The cell of a row.

    Raises:
        StudyError: The row lacks the field that says so.
    """
    try:
        return Cell(str(row["study"]), str(row["query"]), int(row["n"]), str(row["method"]))
    except KeyError as missing:
        raise StudyError(
            f"A row of results has no field {missing}: {sorted(row)}. Expected the rows of a reproduction, as "
            "`python -m studies reproduce` stores them.",
            key="results",
        ) from None


def cells(rows: Iterable[Row]) -> dict[Cell, dict[int, Row]]:
    """The rows by cell and number of the data set, in the order of their first appearance.

    Raises:
        StudyError: Two rows are about the same data set, size, question and method.
    """
    by_cell: dict[Cell, dict[int, Row]] = {}
    for row in rows:
        cell = cell_of(row)
        by_dataset = by_cell.setdefault(cell, {})
        k = int(row["dataset"])
        if k in by_dataset:
            raise StudyError(
                f"Two rows are about data set {k}, n = {cell.n}, {cell.query!r} and {cell.method!r} of {cell.study}. "
                "Remove one of them: the results of two runs lie in one folder.",
                key="results",
            )
        by_dataset[k] = row
    return by_cell


def accuracies(rows: Iterable[Row], against: Against = "population") -> tuple[Accuracy, ...]:
    """The accuracy in each cell that has an estimate and a truth, in the order of the rows."""
    listed = []
    for cell, by_dataset in cells(rows).items():
        errors = _errors(by_dataset, against)
        if errors:
            listed.append(_accuracy(cell, by_dataset, errors, against))
    return tuple(listed)


def matches(rows: Iterable[Row], against: Against = "population", *, method: str = OURS) -> tuple[Match, ...]:
    """The method against every other on the data sets where both have an estimate."""
    errors = {cell: _errors(by_dataset, against) for cell, by_dataset in cells(rows).items()}
    listed = []
    for cell, theirs in errors.items():
        ours = errors.get(cell._replace(method=method), {})
        shared = sorted(ours.keys() & theirs.keys())
        if cell.method == method or not shared:
            continue
        squares, rival = (np.array([of[k] for k in shared]) ** 2 for of in (ours, theirs))
        # Equal errors differ in their last digits, which would make a difference without spread.
        gap = np.where(np.isclose(squares, rival, rtol=ROUNDING, atol=0), 0.0, squares - rival)
        listed.append(
            Match(
                cell.study,
                cell.query,
                cell.n,
                method,
                cell.method,
                against,
                len(shared),
                float(np.sqrt(squares.mean())),
                float(np.sqrt(rival.mean())),
                float(gap.mean()),
                _error(gap) if len(shared) > 1 else None,
            )
        )
    return tuple(listed)


def median_absolute(errors: FloatArray) -> FloatArray:
    """The median absolute error along the last axis."""
    return np.median(np.abs(errors), axis=-1)


def root_mean_square(errors: FloatArray) -> FloatArray:
    """The root of the mean squared error along the last axis."""
    return np.sqrt(np.mean(errors**2, axis=-1))


def ratios(
    rows: Iterable[Row],
    method: str,
    reference: str,
    against: Against = "population",
    *,
    statistic: Callable[[FloatArray], FloatArray] = median_absolute,
) -> tuple[Ratio, ...]:
    """How many times as large the errors of a method are as those of a reference, by study, question and size.

    Both are taken on the same data sets, which are drawn again together: what is hard for one is often hard for the other.

    Args:
        statistic: What sums up the errors of many data sets: `median_absolute` or `root_mean_square`.

    Source:
        Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 13.3, percentile intervals.
    """
    errors = {cell: _errors(by_dataset, against) for cell, by_dataset in cells(rows).items()}
    listed = []
    for cell, ours in errors.items():
        theirs = errors.get(cell._replace(method=reference), {})
        shared = sorted(ours.keys() & theirs.keys())
        if cell.method != method or not shared:
            continue
        above, below = (np.array([of[k] for k in shared]) for of in (ours, theirs))
        drawn = _resampled(len(shared))
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(statistic(above) / statistic(below))
            spread = statistic(above[drawn]) / statistic(below[drawn])
        low, high = np.quantile(spread, ((1 - INTERVAL) / 2, (1 + INTERVAL) / 2))
        listed.append(
            Ratio(
                cell.study, cell.query, cell.n, method, reference, against, len(shared), value, float(low), float(high)
            )
        )
    return tuple(listed)


def _errors(by_dataset: Mapping[int, Row], against: Against) -> dict[int, float]:
    """Estimate less truth by data set, where there are both."""
    field = _TRUTHS[against]
    pairs = {k: (_estimate(row), number(row, field)) for k, row in sorted(by_dataset.items())}
    return {k: estimate - truth for k, (estimate, truth) in pairs.items() if estimate is not None and truth is not None}


def _estimate(row: Row) -> float | None:
    """The estimate; None where there is none or it is infinite, which is no answer."""
    estimate = number(row, "estimate")
    return estimate if estimate is not None and math.isfinite(estimate) else None


def _accuracy(cell: Cell, by_dataset: Mapping[int, Row], errors: Mapping[int, float], against: Against) -> Accuracy:
    asked = [row for row in by_dataset.values() if is_yes(row, "applies")]
    sure = [row for row in asked if _estimate(row) is not None and says(row, "converged")]
    widths = [ends[1] - ends[0] for row in by_dataset.values() if (ends := _interval(row)) is not None]
    return Accuracy(
        cell,
        against,
        errors,
        sum(_estimate(row) is None for row in asked),
        _coverage(by_dataset.values(), _TRUTHS[against]),
        sum(_estimate(row) is not None and _interval(row) is None for row in by_dataset.values()),
        float(np.median(widths)) if widths else None,
        _median(by_dataset.values(), "seconds"),
        _median(by_dataset.values(), "fit_seconds"),
        sum(not is_yes(row, "converged") for row in sure) if sure else None,
    )


def _interval(row: Row) -> tuple[float, float] | None:
    """Both ends of the interval; None where one is missing."""
    low, high = number(row, "lower"), number(row, "upper")
    return None if low is None or high is None else (low, high)


def _coverage(rows: Iterable[Row], truth: str) -> Coverage | None:
    fields = [(_interval(row), number(row, truth), number(row, "level")) for row in rows]
    whole = [(*ends, true, level) for ends, true, level in fields
             if ends is not None and true is not None and level is not None]  # fmt: skip
    levels = {level for *_, level in whole}
    if len(levels) > 1:
        raise StudyError(
            f"The intervals of one method have the levels {sorted(levels)}. Their coverage can be judged only if all have one.",
            key="results",
        )
    if not whole:
        return None
    return Coverage(sum(low <= true <= high for low, high, true, _ in whole), len(whole), levels.pop())


def _median(rows: Iterable[Row], field: str) -> float | None:
    values = [value for row in rows if (value := number(row, field)) is not None]
    return float(np.median(values)) if values else None


def _error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values)))


@cache
def _resampled(n: int) -> npt.NDArray[np.intp]:
    """Data sets drawn again with replacement, one resample per row; always the same, so that a report repeats itself."""
    return np.random.default_rng(0).integers(0, n, (RESAMPLES, n))


def in_order(unordered: Iterable[str], first: Sequence[str]) -> tuple[str, ...]:
    """Different names, those of `first` in its order, then the others as they come."""
    names = dict.fromkeys(unordered)
    return (*(name for name in first if name in names), *(name for name in names if name not in first))

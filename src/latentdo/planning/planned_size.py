"""How many samples an experiment needs: what was simulated, what follows from it, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo import arguments
from latentdo.errors import MissingExtraError, QueryError
from latentdo.files import write_table
from latentdo.query import Query
from latentdo.sheet import Column, Note, Sheet, csv_bytes, data_frame, finite

from .coverage import Coverage
from .simulated import FAR, Experiments, Goal, check_width
from .size_reading import SURE, Reading

if TYPE_CHECKING:
    import pandas


DATASETS_BEYOND = 8
"""Data sets beyond a quantile, of all that a plan makes, that show where it lies: most are near n."""
FEW = 50
"""Samples below which Laplace's approximation makes intervals too narrow by more than some 5 %."""
SAME = 1e-3
"""Share of the narrowest median width within which the truth's answer is the value to be excluded."""
MOST_UNSETTLED = 0.05
"""Share of fits that may not have converged before it is said."""


@dataclass(frozen=True)
class SizePoint:
    """The experiments of one size.

    Attributes:
        n: Rows of each.
        n_datasets: Number of experiments.
        width: Their median width.
        low, high: The 5 and 95 % quantiles of it.
        assured: The quantile of the width at the assurance asked for.
        coverage: The share of intervals that hold the true answer; None where that is not known.
        excluding: The share of intervals that exclude the value that was to be excluded; None where none was.
        converged: The share of answers that converged.
        failed: The number of tables that could not be analysed.
    """

    n: int
    n_datasets: int
    width: float
    low: float
    high: float
    assured: float
    coverage: float | None
    excluding: float | None
    converged: float
    failed: int


_FIELDS = tuple(each.name for each in fields(SizePoint))


@dataclass(frozen=True)
class Predicted:
    """What the law says of one size.

    Attributes:
        n: Rows.
        value: The width that the assured share of experiments stays below; or the share of experiments whose interval excludes
            the value.
        lower, upper: The 90 % interval of `value`.
        extrapolated: Whether the size lies outside those that were simulated.
    """

    n: int
    value: float
    lower: float
    upper: float
    extrapolated: bool


@dataclass(frozen=True, eq=False)
class SampleSize:
    """How many samples an interval of some width needs, with its own uncertainty.

    Attributes:
        query: The question.
        goal: What the interval has to be like.
        truth: Where the rows came from, in words.
        engine: How each data set was trained on.
        experiments: What each came to.
        precision: The relative half-width of the interval of n that was aimed at.
        answer: The true answer, its mean over worlds where they differ; None where it is not known.
        notes: Cautions of the simulation itself: tables that could not be analysed, coverage that could not be judged.
        n_lost: Experiments that failed at each of three attempts where they were done; they count as missing the goal.
        laplace: Whether that engine is Laplace's approximation, which is too sure of itself with few rows.
        seed: Same seed, same numbers, wherever the experiments are done.
        seconds: Wall time.
    """

    query: Query
    goal: Goal
    truth: str
    engine: str
    experiments: Experiments
    precision: float
    seed: int
    answer: float | None = None
    notes: tuple[str, ...] = ()
    n_lost: int = 0
    laplace: bool = False
    seconds: float = field(default=0.0, compare=False)

    @property
    def level(self) -> float:
        """Of the intervals that are planned."""
        return self.goal.level

    @property
    def assurance(self) -> float:
        """The share of experiments whose interval is as wanted."""
        return self.goal.assurance

    @property
    def width(self) -> float | None:
        """The width that was asked for; None where the interval was to exclude a value."""
        return self.goal.width

    @cached_property
    def reading(self) -> Reading:
        """What follows from the experiments."""
        return Reading(self.experiments, self.goal, self.seed)

    @property
    def n(self) -> int | None:
        """The number of samples; None where no number is enough, or nothing but a bound is known, which is `lower`."""
        return self.reading.n

    @property
    def lower(self) -> int | None:
        """The lower end of the 90 % interval of n; without n, a number that is too small, if one is known.

        None where fewer samples than the smallest data sets have may be enough: n is then at most so many.
        """
        return self.reading.lower

    @property
    def upper(self) -> int | None:
        """The upper end of the 90 % interval of n; None where it has none."""
        return self.reading.upper

    @property
    def spread(self) -> float:
        """Half the interval of n, as far as it was simulated, relative to n; infinite where there is none."""
        if self.n is None or self.upper is None:
            return math.inf
        return (self.upper - (self.lower or self.simulated[0])) / (2 * self.n)

    @property
    def simulated(self) -> tuple[int, int]:
        """The smallest and the largest size that was simulated."""
        return int(self.experiments.n.min()), int(self.experiments.n.max())

    def at(self, n: int) -> Predicted:
        """What n samples give: the width, or the share of intervals that exclude the value.

        Raises:
            QueryError: n is no number of at least 2.
        """
        n = arguments.whole("A number of samples", n, QueryError, least=2)
        x, law = float(self.goal.place(float(n))), self.reading.at(n)
        values = np.exp(law.value(x)) if self.goal.width is not None else law.share_below(x, self.goal.target)
        low, high = np.quantile(values[1:], [(1 - SURE) / 2, (1 + SURE) / 2])
        first, last = self.simulated
        return Predicted(int(n), float(values[0]), float(low), float(high), not first <= n <= last)

    def for_width(self, width: float) -> SampleSize:
        """The same simulated experiments read for another width.

        Raises:
            QueryError: A width that is not positive.
        """
        goal = Goal(self.level, self.assurance, width=check_width(width))
        return replace(self, goal=goal)

    @cached_property
    def curve(self) -> tuple[SizePoint, ...]:
        """The simulated sizes, smallest first, and what their experiments came to."""
        return tuple(self._point(n) for n in np.unique(self.experiments.n))

    def _point(self, n: float) -> SizePoint:
        experiments = self.experiments.at(n)
        # Where a table could not be analysed there is no interval: infinitely wide, and no interpolation towards it.
        median, low, high, assured = np.quantile(
            experiments.width, [0.5, 0.05, 0.95, self.assurance], method="inverted_cdf"
        )
        known = experiments.covered[~np.isnan(experiments.covered)]
        return SizePoint(
            n=int(n),
            n_datasets=len(experiments),
            width=float(median),
            low=float(low),
            high=float(high),
            assured=float(assured),
            coverage=float(known.mean()) if len(known) else None,
            excluding=None if self.goal.excludes is None else float((experiments.distance > 1).mean()),
            converged=float(experiments.converged.mean()),
            failed=int(experiments.failed.sum()),
        )

    @cached_property
    def coverage(self) -> tuple[float, float] | None:
        """The share of all intervals that hold the true answer, and its standard error; None where that is not known."""
        covered = self._covered
        return None if covered is None else (covered.share, covered.error)

    @cached_property
    def _covered(self) -> Coverage | None:
        known = self.experiments.covered[~np.isnan(self.experiments.covered)]
        return Coverage(int(known.sum()), len(known), self.level) if len(known) else None

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Cautions, each a sentence."""
        return (*self._doubts_of_n(), *self._doubts_of_intervals(), *self.notes)

    def _doubts_of_n(self) -> Iterator[str]:
        first, last = self.simulated
        if self._is_hopeless:
            yield (
                f"out of reach: the truth's own answer is {self.answer:g}, the value to be excluded, so no number of samples "
                "will do. Exclude another value, or plan for a width"
            )
        if self.n is None:
            yield from [] if self._is_hopeless else [self._no_number]
            return
        if self.laplace and self.n < FEW:
            yield (
                f"ld.Laplace() gives intervals that are too narrow where a data set has fewer than {FEW} samples (13 % with 20 "
                "in two groups), so that n comes out too small. Plan with ld.Auto() (--engine auto)"
            )
        if self.n > last:
            how = " with the slope -1/2" if self.reading.is_extrapolated and self.goal.width is not None else ""
            yield (
                f"extrapolated{how}: {self.n:,} samples lie beyond the {last:,} of the largest data sets that were simulated. "
                "Plan for this goal by itself, with larger data sets (largest=, --largest) if need be"
            )
        if self.reading.is_enough[0]:
            yield f"{first:,} samples are enough, and fewer were not simulated (smallest=, --smallest)"
        elif self.lower is None:
            yield f"fewer than {first:,} samples may be enough, and were not simulated (smallest=, --smallest)"
        if self.reading.law.by_moments:
            yield (
                f"what {100 * self.assurance:g} % of experiments stay below follows from mean, sd and skewness of their results: "
                f"about {self._telling:,} data sets (datasets=, --datasets) would show it by themselves"
            )
        if contradiction := self.reading.contradicted():
            yield f"the experiments contradict the number: {contradiction}. More of them (datasets=, --datasets) settle it"
        if self.spread > 1.05 * self.precision:
            spread = "it has no upper end" if self.upper is None else f"±{100 * self.spread:.0f} %"
            more = "larger ones (largest=, --largest)"
            more = more if self.reading.is_extrapolated else "more of them (datasets=, --datasets)"
            yield (f"the interval of n is wide ({spread}) after {len(self.experiments):,} data sets; {more} narrow it")

    @property
    def _is_hopeless(self) -> bool:
        """Whether the value to be excluded is what the truth itself answers."""
        excluded, answer = self.goal.excludes, self.answer
        if excluded is None or answer is None:
            return False
        return abs(answer - excluded) <= SAME * min(point.width for point in self.curve)

    @property
    def _no_number(self) -> str:
        """Why there is none."""
        (first, last), bound = self.simulated, self.reading.bound
        if bound is None:
            what = "the width does not shrink" if self.goal.width is not None else "the share does not grow"
            slope = -float(self.reading.large.slopes[0])
            return (
                f"out of reach: from {first:,} to {last:,} samples {what} as it would have to (slope {slope:.2g}). What the data "
                "do not tell, the priors or the truth itself may keep open"
            )
        if bound > last:
            what = "the width shrinks" if self.goal.width is not None else "the share grows"
            return (
                f"out of reach: from {first:,} to {last:,} samples {what} as it should, and at that pace the goal takes more of "
                "them than anybody has"
            )
        return (
            f"only a bound: with {last:,} samples, as the largest data sets that were simulated have, the goal is not reached, "
            "and they are too small to tell how it goes on beyond them. Simulate larger ones (largest=, --largest)"
        )

    @property
    def _telling(self) -> int:
        """Data sets that would show the quantile by themselves, rounded up to two digits."""
        wanted = DATASETS_BEYOND / min(self.assurance, 1 - self.assurance)
        unit = 10 ** max(math.floor(math.log10(wanted)) - 1, 0)
        return unit * math.ceil(wanted / unit - 1e-9)

    def _doubts_of_intervals(self) -> Iterator[str]:
        covered = self._covered
        if covered is not None and covered.falls_short:
            yield (
                f"the intervals hold the true answer in {100 * covered.share:.0f} % of {covered.n:,} experiments, not in "
                f"{100 * self.level:g} %: the model's answer is off, and a narrow interval of it would not mend that"
            )
        if self._unsettled > MOST_UNSETTLED:
            share = f"{100 * self._unsettled:.0f} %"
            yield f"{share} of the fits did not converge for the question; their intervals count all the same"

    @property
    def _unsettled(self) -> float:
        done = self.experiments.converged[~self.experiments.failed]
        return 1 - float(done.mean()) if len(done) else 0.0

    @property
    def converged(self) -> bool:
        """Whether at least 95 % of the fits converged for the question, and no experiment was lost where it was done."""
        return self._unsettled <= MOST_UNSETTLED and not self.n_lost

    def to_pandas(self) -> pandas.DataFrame:
        """One row per simulated size.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return data_frame(_FIELDS, [tuple(vars(point).values()) for point in self.curve])

    def to_csv(self, path: str | Path) -> Path:
        """Write one row per simulated size as CSV (UTF-8, a header, empty cells for what is not there or not finite); the path.

        A file that stands there is replaced once the new one is whole.

        Raises:
            DataError: The file cannot be written; says why.
        """
        return write_table(path, csv_bytes(_FIELDS, [finite([*vars(point).values()]) for point in self.curve]))

    def to_json(self) -> dict[str, Any]:
        """The plan as plain numbers, strings and lists; what is not there or not finite is null."""
        plain = {
            "query": str(self.query),
            "n": self.n,
            "lower": self.lower,
            "upper": self.upper,
            "level": self.level,
            "assurance": self.assurance,
            "width": self.width,
            "excludes": self.goal.excludes,
            "truth": self.truth,
            "engine": self.engine,
            "seed": self.seed,
            "answer": self.answer,
            "coverage": None if self.coverage is None else self.coverage[0],
            "n_datasets": len(self.experiments),
            "n_lost": self.n_lost,
            "converged": self.converged,
            "seconds": self.seconds,
            "curve": [vars(point) for point in self.curve],
            "warnings": list(self.warnings),
        }
        return finite(plain)

    @property
    def headline(self) -> str:
        """The number of samples with its interval, in words."""
        if self.n is None:
            return "no number of samples is enough" if self.lower is None else f"more than {self.lower:,} samples"
        if self.lower is None:
            at_most = "at most " * bool(self.reading.is_enough[0])
            upper = "without an upper end" if self.upper is None else f"up to {self.upper:,}"
            interval = "" if at_most and self.upper == self.n else f"  ({100 * SURE:g} % interval {upper})"
            return f"{at_most}{self.n:,} samples{interval}"
        upper = "…" if self.upper is None else f"{self.upper:,}"
        return f"{self.n:,} samples  ({100 * SURE:g} % interval {self.lower:,} to {upper})"

    @property
    def sheet(self) -> Sheet:
        """The number, what it is for, a row per simulated size, and cautions."""
        heads = ["n", "data sets", "width", "5 to 95 %"]
        heads += ["excluding"] * (self.goal.excludes is not None) + ["coverage"] * (self.coverage is not None)
        return Sheet.of(
            self.headline,
            [Column(head, "number") for head in heads],
            map(self._cells, self.curve),
            lead=(
                f"for a {100 * self.level:g} % interval of {self.query} {self.goal.text}",
                f"{len(self.experiments):,} data sets from {self.truth}, trained by {self.engine}",
            ),
            notes=tuple(Note(warning, "caution") for warning in self.warnings),
        )

    def _cells(self, point: SizePoint) -> Iterator[str]:
        yield f"{point.n:,}"
        yield f"{point.n_datasets:,}"
        yield f"{point.width:.3g}"
        yield f"{point.low:.3g} to {point.high:.3g}"
        if point.excluding is not None:
            yield f"{100 * point.excluding:.0f} %"
        if self.coverage is not None:
            yield "" if point.coverage is None else f"{100 * point.coverage:.0f} %"

    def text(self, width: int | None = None) -> str:
        """The sheet as text.

        Args:
            width: Characters of a line; as wide as need be unless given.
        """
        return self.sheet.text(width)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return replace(self.sheet, picture=self._picture()).html()

    def _picture(self) -> str:
        """The plot as a data URI; empty without matplotlib."""
        from latentdo.plots import data_uri

        try:
            figure = self.plot().figure
        except MissingExtraError:
            return ""
        return data_uri(figure)

    def plot(self, ax: Any = None) -> Any:
        """Simulated experiments, the law with its band, the goal and the number of samples; returns the matplotlib axes.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from latentdo.plots import Planned, size_curve

        first, last = self.simulated
        ends = [end for end in (self.lower, self.n, self.upper) if end is not None and end < FAR]
        grid = np.unique(np.geomspace(min([first, *ends]), max([last, *ends]), 60).round().astype(int))
        lines = [self.at(int(n)) for n in grid]
        wide = self.goal.width is not None
        shares = [(point.n, point.excluding, point.n_datasets) for point in self.curve if point.excluding is not None]
        seen = ~self.experiments.failed
        planned = Planned(
            at=grid.astype(float),
            value=np.array([each.value for each in lines]),
            lower=np.array([each.lower for each in lines]),
            upper=np.array([each.upper for each in lines]),
            target=float(self.goal.width if self.goal.width is not None else self.assurance),
            n=self.n,
            interval=None
            if self.n is None or self.reading.is_enough[0]
            else (float(self.lower or first), float(self.upper or grid[-1])),
            simulated=(first, last),
            points=(self.experiments.n[seen], self.experiments.width[seen]) if wide else None,
            shares=() if wide else tuple((n, share, count) for n, share, count in shares if share is not None),
        )
        law = f"width that {100 * self.assurance:g} % of experiments stay below"
        return size_curve(
            planned,
            ax=ax,
            title=f"{self.query}: {self.headline}",
            ylabel=f"width of the {100 * self.level:g} % interval"
            if wide
            else f"share that excludes {self.goal.excludes:g}",
            law=law if wide else "share of experiments",
        )

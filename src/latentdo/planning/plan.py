"""Planning an experiment: data sets simulated at sizes that close in on the answer, each trained on and asked.

A scout finds the neighbourhood from the law width ~ n^(-1/2); a ladder around it tells the slope; then sizes near the answer are
added until it is as sure as asked for, or the data sets are spent.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from latentdo import arguments
from latentdo.answers import check_complete, check_values
from latentdo.errors import DataError, LatentdoError, NotIdentifiedError, QueryError, SpecError
from latentdo.executor import ATTEMPTS
from latentdo.identification import NotIdentified, identify
from latentdo.inference import Engine, Laplace
from latentdo.models import ModelSpec
from latentdo.query import Query

from .laboratory import Bench, Laboratory, check_workers, crew
from .planned_size import SampleSize
from .simulated import NOTHING, Experiments, Goal, check_width
from .truth import AbstractTruth

TOLD = "data sets"
"""What progress is told of."""
PULSE = 0.5
"""Seconds after which it is told again."""
SCOUTS = 6
"""Data sets per size while the neighbourhood of the answer is looked for."""
MOST_SCOUTED = 4
FIRST = 100
FARTHEST = 16.0
"""Factor by which the scout goes on at most: a law read off six data sets reaches no further."""
NEIGHBOURHOOD = 3.0
"""Factor within which the scout is near enough."""
LADDER = (0.5, 0.7, 1.0, 1.4, 2.0)
CLOSER = (0.75, 1.0, 1.33)
LEAST = 5
"""Data sets per size and round."""
CLOSE, ENOUGH = 1.5, 30
"""Within this factor of the answer there are so many data sets before it counts as sure."""
RAREST = 0.5
"""Data sets that are to be expected beyond the assured quantile, at least."""
LARGEST = 0.7
"""Share of the largest size from which on it counts as simulated."""
FEWEST = 60
"""Data sets that scouts and a ladder may take."""
STEPS = (10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82, 100)
"""Sizes of data sets, times powers of ten: the E12 series of IEC 60063."""


@dataclass(frozen=True)
class Budget:
    """How much is simulated.

    Attributes:
        datasets: Data sets at most.
        precision: The relative half-width of the interval of n at which no more are made.
        smallest, largest: Sizes of data sets.
    """

    datasets: int
    precision: float
    smallest: int
    largest: int

    def __post_init__(self) -> None:
        arguments.whole("datasets=", self.datasets, QueryError, least=FEWEST, most=100_000)
        arguments.whole("smallest=", self.smallest, QueryError, least=5, most=10**6)
        arguments.whole("largest=", self.largest, QueryError, least=5, most=10**7)
        if self.largest < 4 * self.smallest:
            raise QueryError(
                f"largest={self.largest} is less than 4 times smallest={self.smallest}: how the width falls with n is read off "
                "sizes that differ. Widen the range."
            )
        arguments.number(
            "precision= (relative to n)",
            self.precision,
            QueryError,
            above=0,
            below=1,
            repair="0.1 ends the search at ±10 % of it.",
        )


def goal_of(*, width: float | None, excludes: float | None, level: float, assurance: float | None) -> Goal:
    """The goal that a caller states: a width or a value to exclude.

    Raises:
        QueryError: Neither or both, or a number out of range.
    """
    if (width is None) == (excludes is None):
        raise QueryError(
            "State one goal: width=0.2, the full width that the interval may have, or excludes=0, a value that it must not hold."
        )
    if excludes is not None:
        excludes = arguments.number("excludes= (the value that the interval must not contain)", excludes, QueryError)
    share = assurance if assurance is not None else 0.5 if excludes is None else 0.8
    return Goal(
        arguments.level(level, QueryError, "level= (the probability of the interval)"),
        arguments.number(
            "assurance= (the share of experiments whose interval is as wanted)",
            share,
            QueryError,
            above=0,
            below=1,
            repair="Write 0.8 for 80 %.",
        ),
        None if width is None else check_width(width),
        excludes,
    )


def plan_size(
    spec: ModelSpec,
    truth: AbstractTruth,
    query: Query,
    goal: Goal,
    engine: Engine,
    budget: Budget,
    seed: int,
    tell: Callable[[str, float], None],
    *,
    executor: Executor | None = None,
    workers: int = 1,
) -> SampleSize:
    """The number of samples that reaches the goal, from simulated experiments.

    Which sizes come next follows from what all of a batch came to, and a batch is the same whoever does it: the numbers depend
    neither on the executor nor on the number of workers.

    Args:
        truth: Where rows come from.
        tell: Told the share of the data sets that are done.
        executor: Where experiments are done; None makes `workers` processes, or for one worker does them here.

    Raises:
        NotIdentifiedError: The question is not identified from the measured nodes.
        QueryError: The question is no single number or makes no sense for the model, or so few data sets say nothing of the share
            of experiments that is asked for.
        DataError: No data set could be trained on.
        StudyError: An executor that forks, or most experiments failed where they were done.
    """
    begun = time.perf_counter()
    _check_question(spec, query, engine)
    _check_assurance(goal.assurance, budget.datasets)
    check_workers(executor, workers)
    notes = []
    try:
        known = truth.answer(query, seed)
        notes += [] if known is not None else ["coverage is not judged: nothing says what the true answer is"]
    except LatentdoError as problem:
        known = None
        notes.append(f"coverage is not judged: the truth has no answer to the question ({problem})")
    empty = SampleSize(
        query, goal, truth.label, repr(engine), NOTHING, budget.precision, seed, laplace=isinstance(engine, Laplace)
    )
    with _pulse(tell) as pulse, crew(Bench(spec, truth, query, engine, goal.level), executor, workers) as do:
        lab = Laboratory(do, goal, known, seed)
        planned = plan_with(lab, budget, empty, pulse)
    tell(TOLD, 1.0)
    return replace(
        planned,
        answer=None if known is None else float(known.values.mean()),
        notes=(*notes, *_missing(planned, lab)),
        n_lost=lab.n_lost,
        seconds=time.perf_counter() - begun,
    )


def plan_with(lab: Laboratory, budget: Budget, empty: SampleSize, tell: Callable[[float], None]) -> SampleSize:
    """The plan that follows from experiments of a laboratory.

    Args:
        empty: The plan without an experiment.
        tell: Told the share of the data sets that are done.
    """
    search = _Search(lab, budget, empty, tell)
    search.run()
    return search.planned


@contextlib.contextmanager
def _pulse(tell: Callable[[str, float], None]) -> Iterator[Callable[[float], None]]:
    """A function to tell the share of data sets that are done, which is told again and again: the first may take minutes."""
    share, stopped = 1e-6, threading.Event()

    def beat() -> None:
        while not stopped.wait(PULSE):
            tell(TOLD, share)

    def pulse(now: float) -> None:
        nonlocal share
        share = max(share, now)

    tell(TOLD, share)
    beating = threading.Thread(target=beat, name="latentdo-pulse", daemon=True)
    beating.start()
    try:
        yield pulse
    finally:
        stopped.set()
        beating.join()


def _missing(planned: SampleSize, lab: Laboratory) -> Iterator[str]:
    """How many experiments gave no interval, and why."""
    made = planned.experiments
    if failed := int(made.failed.sum()) - lab.n_lost:
        yield (
            f"{failed:,} of {len(made):,} data sets could not be analysed, and count as missing the goal; the first because: "
            f"{lab.reason}"
        )
    if lab.n_lost:
        yield (
            f"{lab.n_lost:,} of {len(made):,} experiments failed at each of {ATTEMPTS} attempts, and count as missing the goal; "
            f"the first, {lab.excuse}"
        )


def _check_question(spec: ModelSpec, query: Query, engine: Engine) -> None:
    query.check(spec.graph)
    check_values(spec, query)
    check_complete(spec, query)
    if query.axes or (query.is_single and query.term.kind == "law"):
        raise QueryError(
            f"{query} has several answers, and an experiment is planned for one. Ask for one level or one point."
        )
    verdict = identify(spec.graph, query, functional=spec.functional)
    if isinstance(verdict, NotIdentified):
        advice = "No number of samples answers it. Measure another node."
        raise NotIdentifiedError(str(verdict), verdict, advice=advice, hopeless=True)
    if engine.is_point:
        raise SpecError("ld.Map() gives one draw, whose answers have no interval. Plan with ld.Auto() or ld.Laplace().")


def _check_assurance(assurance: float, datasets: int) -> None:
    """Raise `QueryError` where so many data sets say nothing of so rare an experiment."""
    rare = min(assurance, 1 - assurance)
    if datasets * rare < RAREST - 1e-9:
        raise QueryError(
            f"assurance={assurance:g} is about one experiment of {1 / rare:,.0f}, of which {datasets:,} data sets say nothing. "
            f"Give datasets={math.ceil(RAREST / rare - 1e-6)} or more, or ask for at most "
            f"{1 - RAREST / datasets:.4g}."
        )


class _Search:
    """Which sizes are simulated, and when it is enough."""

    def __init__(self, lab: Laboratory, budget: Budget, planned: SampleSize, tell: Callable[[float], None]) -> None:
        self.lab, self.budget, self.tell = lab, budget, tell
        self.planned = planned
        """What follows from the experiments so far."""

    @property
    def n_left(self) -> int:
        """Data sets that may still be made."""
        return self.budget.datasets - len(self.planned.experiments)

    def run(self) -> None:
        """Make experiments until the plan is as sure as asked for, or the data sets are spent."""
        near = self._scout()
        self._add(self._around(near, LADDER), max(LEAST, min(12, self.n_left // (2 * len(LADDER)))))
        while self.n_left >= len(CLOSER) and not self._is_done:
            planned = self.planned
            middle = planned.n if planned.n is not None else self.budget.largest / max(CLOSER)
            most = max(20, len(planned.experiments) // len(CLOSER))
            rest = self.n_left // len(CLOSER)
            self._add(self._around(middle, CLOSER), rest if rest < 2 * LEAST else max(LEAST, min(most, rest // 3)))

    @property
    def _is_done(self) -> bool:
        """Whether the number is as sure as asked for, or more data sets would not make it surer."""
        planned = self.planned
        made = planned.experiments.n
        if planned.n is None or planned.reading.is_extrapolated:
            return bool(len(made) >= FEWEST and made.max() >= LARGEST * self.budget.largest)
        if planned.lower is None and made.min() > self.budget.smallest:
            # Fewer samples may be enough, and can be simulated.
            return False
        close = np.abs(np.log(made / planned.n)) <= math.log(CLOSE)
        return bool(planned.spread <= self.budget.precision and close.sum() >= ENOUGH)

    def _scout(self) -> float:
        """A size in the neighbourhood of the answer, within the sizes that may be simulated."""
        size = float(min(max(FIRST, self.budget.smallest), self.budget.largest))
        scouted = 0
        while scouted < MOST_SCOUTED:
            rows = self._size(size)
            self._add([rows], SCOUTS)
            experiments = self.planned.experiments.at(rows)
            if experiments.failed.mean() > 0.5:
                if size >= self.budget.largest:
                    why = self.lab.reason or self.lab.excuse
                    raise DataError(
                        f"No data set of up to {self.budget.largest:,} rows from {self.planned.truth} could be analysed: {why}"
                    )
                size = self._within(4 * size)
                continue
            scouted += 1
            wanted = self._within(size * min(max(self._factor(experiments), 1 / FARTHEST), FARTHEST))
            if 1 / NEIGHBOURHOOD <= wanted / size <= NEIGHBOURHOOD:
                return wanted
            size = wanted
        return size

    def _factor(self, experiments: Experiments) -> float:
        """How many times as many rows the goal takes, as the law n^(-1/2) has it."""
        goal = self.lab.goal
        if goal.width is not None:
            width = float(np.quantile(experiments.width, goal.assurance, method="inverted_cdf"))
            # In logarithms, as widths and goals may be 1e-300.
            ratio = math.log(max(width, 1e-300)) - math.log(goal.width)
            return math.exp(min(2 * ratio, 2 * math.log(FARTHEST)))
        # Distances spread like z-values in lengths of the interval's side.
        side = float(stats.norm.ppf((1 + goal.level) / 2))
        wanted = max(1 + float(stats.norm.ppf(goal.assurance)) / side, 0.1)
        return (wanted / max(float(np.median(experiments.distance)), 1e-3)) ** 2

    def _within(self, size: float) -> float:
        return min(max(size, self.budget.smallest), self.budget.largest)

    def _around(self, middle: float, factors: Sequence[float]) -> list[int]:
        """Sizes around one, moved as a whole so that all of them may be simulated."""
        middle = max(middle, self.budget.smallest / min(factors))
        middle = min(middle, self.budget.largest / max(factors))
        return sorted({self._size(middle * factor) for factor in factors})

    def _size(self, size: float) -> int:
        """The round size nearest to one; an end of the range is simulated as it was stated."""
        if size <= self.budget.smallest * (1 + 1e-9):
            return self.budget.smallest
        if size >= self.budget.largest * (1 - 1e-9):
            return self.budget.largest
        return int(self._within(_rounded(size)))

    def _add(self, sizes: Sequence[int], repeats: int) -> None:
        before = self.planned.experiments

        def done(count: int) -> None:
            self.tell(min((len(before) + count) / self.budget.datasets, 0.99))

        more = self.lab.make([n for n in sizes for _ in range(repeats)], done)
        self.planned = replace(self.planned, experiments=before.joined(more))
        done(len(more))


def _rounded(size: float) -> int:
    """The nearest of twelve sizes per power of ten, as resistors come: sizes that meet again, and few shapes to compile."""
    power = 10.0 ** (math.floor(math.log10(size)) - 1)
    return max(2, round(min((step * power for step in STEPS), key=lambda step: abs(math.log(step / size)))))

"""The experiments of a plan: rows, a fit and an answer each, done in this process or spread over an executor.

What an experiment comes to follows from its size and seed alone, so that it does not matter where, beside which others or in
what order it is done.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from latentdo import arguments
from latentdo.answers import ask_all
from latentdo.errors import DataError, LatentdoError, QueryError, SpecError, StudyError
from latentdo.executor import ATTEMPTS, MOST_WORKERS, Outcome, executor_of, packed, require_version, spreading, version
from latentdo.inference import Engine, Fit, Posterior, blocks_of, train_all
from latentdo.models import ModelSpec
from latentdo.query import Query
from latentdo.tables import read_table

from .simulated import Experiments, Goal
from .truth import AbstractTruth, KnownAnswer, Simulator

ALIKE = 5
"""Tables of one size that are no longer the same by chance."""
_HERE = "leave out executor= and workers= (--workers), and all is done in this process"


@dataclass(frozen=True)
class Trial:
    """An experiment that is to be done.

    Attributes:
        n: Rows.
        seed: Of its rows, its training and its answer; no other trial of the plan has it.
    """

    n: int
    seed: int


@dataclass(frozen=True)
class Finding:
    """What an experiment came to.

    Attributes:
        world: The number of the world that its rows were drawn from.
        point, low, high: The answer and its interval.
        converged: Whether the answer converged.
        fault: Why there is none; empty where there is one.
        lost: Whether that is because its task failed each time.
        table: What tells its rows from others; empty where none could be read.
    """

    world: int = 0
    point: float = 0.0
    low: float = 0.0
    high: float = 0.0
    converged: bool = False
    fault: str = ""
    lost: bool = False
    table: str = ""


Done = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Bench:
    """What all experiments of a plan have in common; does them."""

    spec: ModelSpec
    truth: AbstractTruth
    query: Query
    engine: Engine
    level: float

    def __call__(self, trials: Sequence[Trial], done: Done | None = None) -> list[Finding]:
        """What they came to, in their order; their training shares the processors.

        Args:
            done: Told how many are done, as far as the shares of their blocks say.

        Raises:
            LatentdoError: Something is wrong that is no chance of one table.
        """
        begun = [self._begun(trial) for trial in trials]
        fits = [replace(fit, label=f"{place}: ") for place, (fit, _) in enumerate(begun) if fit is not None]
        trained = iter(train_all(fits, _counting(len(blocks_of(self.spec)), done)))
        return [finding if fit is None else self._answered(next(trained), fit.seed, finding) for fit, finding in begun]

    def alone(self, trial: Trial) -> Finding | LatentdoError:
        """What one came to; an error that another attempt would not change is handed back."""
        try:
            (finding,) = self([trial])
        except LatentdoError as problem:
            return problem
        return finding

    def _begun(self, trial: Trial) -> tuple[Fit | None, Finding]:
        """The fit of its rows, and the world that they came from; no fit where there is a fault."""
        sample = self.truth.draw(trial.n, trial.seed)
        spec = self.spec
        try:
            rows = read_table(sample.columns, spec.measured, spec.latent, spec.levels)
            if rows.n_rows != trial.n:
                raise SpecError(
                    f"{self.truth.label} gave {rows.n_rows} rows where {trial.n} were asked for. It takes (n, seed) and gives "
                    "n rows."
                )
            return Fit.of(spec, rows, self.engine, trial.seed), Finding(sample.world, table=rows.hash)
        except DataError as problem:
            if lack := _lack(sample.columns, spec.measured):
                name, fault = lack
                raise DataError(
                    f"The truth, {self.truth.label}, gives tables that cannot be used: for n={trial.n}, seed={trial.seed} the "
                    f"column {name!r} {fault}. The model is fitted to {', '.join(map(repr, spec.measured))}: give each, "
                    "without holes.",
                    column=name,
                ) from problem
            # A level without rows, say: such an experiment has no interval, and has missed its goal.
            return None, Finding(sample.world, fault=str(problem))

    def _answered(self, posterior: Posterior, seed: int, finding: Finding) -> Finding:
        try:
            (answer,) = ask_all(posterior, [(None, self.query)], seed, allow_unidentified=False)
        except QueryError as problem:
            return replace(finding, fault=str(problem))
        interval = answer.interval(self.level)
        assert interval is not None, "engines of one draw are refused"
        return replace(finding, point=answer.point, low=interval[0], high=interval[1], converged=answer.converged)


def _counting(n_blocks: int, done: Done | None) -> Callable[[str, float], None]:
    """What training tells of its blocks, as the number of experiments that they make."""
    shares: dict[str, float] = {}

    def count(block: str, share: float) -> None:
        # A plan that grows makes a share smaller; threads tell at once, and a sum may miss the latest.
        shares[block] = max(shares.get(block, 0.0), min(share, 1.0))
        if done is not None:
            done(int(sum(list(shares.values())) / n_blocks + 1e-9))

    return count


Crew = Callable[[Sequence[Trial], Done], list[Finding]]
"""Does trials, tells how many are done, and says what they came to, in their order."""


@contextlib.contextmanager
def crew(bench: Bench, executor: Any, workers: int) -> Iterator[Crew]:
    """Those who do the experiments: this process, an executor, or processes that end when this is closed.

    Raises:
        StudyError: An executor that forks, a number of workers that is none, or no process can be started.
        SpecError: The truth or the model cannot be sent to other processes.
    """
    check_workers(executor, workers)
    if executor is None and workers == 1:
        yield bench
        return
    work = _sendable(bench, executor)
    with spreading(executor, workers) as spread:

        def spread_out(trials: Sequence[Trial], done: Done) -> list[Finding]:
            outcomes: dict[Trial, Outcome[Trial, Any]] = {}
            with contextlib.closing(spread(work, trials)) as coming:  # type: ignore[type-var]
                for outcome in coming:
                    outcomes[outcome.task] = outcome
                    done(len(outcomes))
            return _settled(bench, [outcomes[trial] for trial in trials])

        yield spread_out


def check_workers(executor: Any, workers: Any) -> None:
    """Raise `StudyError` unless experiments can be done so."""
    if executor is not None:
        executor_of(executor)
    error = partial(StudyError, key="workers")
    arguments.whole("workers=", workers, error, most=MOST_WORKERS, repair="1 is this process alone.")


def _settled(bench: Bench, outcomes: Sequence[Outcome[Trial, Any]]) -> list[Finding]:
    """What trials came to whose tasks are done or have failed for good.

    Raises:
        LatentdoError: The error of the first that ended so, in the order of the trials.
        StudyError: Most tasks failed: not the odd machine is to blame.
    """
    for outcome in outcomes:
        if isinstance(outcome.value, LatentdoError):
            raise outcome.value
    lost = [outcome for outcome in outcomes if outcome.value is None]
    if 2 * len(lost) > len(outcomes):
        repair = (
            "A function as truth= must be one of a module that each process can import"
            if isinstance(bench.truth, Simulator)
            else "See that each process can import latentdo and has memory enough"
        )
        raise StudyError(
            f"{len(lost)} of {len(outcomes)} experiments failed at each of {ATTEMPTS} attempts; the first, {_told(lost[0])} "
            f"{repair}; or {_HERE}.",
            key="executor",
        )
    return [Finding(fault=_told(each), lost=True) if each.value is None else each.value for each in outcomes]


def _told(outcome: Outcome[Trial, Any]) -> str:
    return f"n = {outcome.task.n}, seed = {outcome.task.seed}: {outcome.error.rstrip('.')}."


def _sendable(bench: Bench, executor: Any) -> Callable[[Trial], Finding | LatentdoError]:
    """The work as a value that the executor can send to those who do it.

    Threads share it, and clusters have their own ways of sending functions. For processes of Python it is packed once, so that
    each of them opens it once; what cannot be opened there then fails like any task, and does not end the process.
    """
    if executor is not None and not isinstance(executor, ProcessPoolExecutor):
        return _Checked(bench, version())
    packed("the model", bench.spec, _HERE)
    packed(bench.truth.label, bench.truth, _HERE)
    return _Packed(packed("the plan", bench, _HERE))


@dataclass(frozen=True)
class _Packed:
    """A bench for other processes of this machine."""

    content: bytes

    def __call__(self, trial: Trial) -> Finding | LatentdoError:
        return _opened(self.content).alone(trial)


@lru_cache(maxsize=2)
def _opened(content: bytes) -> Bench:
    return pickle.loads(content)


@dataclass(frozen=True, eq=False)
class _Checked:
    """A bench for other machines: another version of latentdo may give other numbers."""

    bench: Bench
    version: str

    def __call__(self, trial: Trial) -> Finding | LatentdoError:
        try:
            require_version(self.version)
        except StudyError as problem:
            return problem
        return self.bench.alone(trial)


class Laboratory:
    """Makes the experiments of a plan and keeps count of them.

    Attributes:
        n_lost: How many of them failed at each attempt.
        reason, excuse: Why the first could not be analysed, and why the first was lost; empty where there is none.
    """

    def __init__(self, do: Crew, goal: Goal, known: KnownAnswer | None, seed: int) -> None:
        self._do, self.goal, self._known, self.seed = do, goal, known, seed
        self._n_made = 0
        self.n_lost = 0
        self.reason = self.excuse = ""

    def make(self, sizes: Sequence[int], done: Done) -> Experiments:
        """One experiment of each of these sizes.

        Raises:
            SpecError: The truth gives the same table for every seed.
        """
        trials = [Trial(n, self._own_seed()) for n in sizes]
        findings = self._do(trials, done)
        _require_chance(trials, findings)
        for finding in findings:
            if finding.lost:
                self.n_lost += 1
                self.excuse = self.excuse or finding.fault
            else:
                self.reason = self.reason or finding.fault
        return self._experiments(sizes, findings)

    def _own_seed(self) -> int:
        """A seed that follows from the plan's and the place of the experiment among all."""
        seed = int(np.random.SeedSequence([self.seed, self._n_made]).generate_state(1)[0])
        self._n_made += 1
        return seed

    def _experiments(self, sizes: Sequence[int], findings: Sequence[Finding]) -> Experiments:
        n = len(sizes)
        width, distance, covered = np.full(n, np.inf), np.zeros(n), np.full(n, np.nan)
        for k, finding in enumerate(findings):
            if finding.fault:
                continue
            width[k] = finding.high - finding.low
            if self.goal.excludes is not None:
                distance[k] = _distance(finding, self.goal.excludes)
            if self._known is not None:
                values = self._known.values
                covered[k] = finding.low <= values[finding.world % len(values)] <= finding.high
        converged = np.array([finding.converged for finding in findings])
        failed = np.array([bool(finding.fault) for finding in findings])
        return Experiments(np.asarray(sizes, dtype=float), width, distance, covered, converged, failed)


def _require_chance(trials: Sequence[Trial], findings: Sequence[Finding]) -> None:
    """Raise `SpecError` where tables of one size are all the same, whatever their seed."""
    by_size: dict[int, list[tuple[int, str]]] = {}
    for trial, finding in zip(trials, findings, strict=True):
        if finding.table:
            by_size.setdefault(trial.n, []).append((trial.seed, finding.table))
    for n, tables in by_size.items():
        if len(tables) >= ALIKE and len({table for _, table in tables}) == 1:
            seeds = ", ".join(str(seed) for seed, _ in tables[:2])
            raise SpecError(
                f"The truth gave the same table of {n:,} rows for each of {len(tables)} seeds ({seeds}, …): experiments that do "
                "not differ say nothing of chance. A function (n, seed) -> columns draws from its seed, as in "
                "numpy.random.default_rng(seed)."
            )


def _distance(finding: Finding, null: float) -> float:
    """From the point to a value, in lengths of that side of the interval: above 1 where the interval excludes it."""
    side = finding.point - finding.low if null < finding.point else finding.high - finding.point
    return min(abs(finding.point - null) / side, 1e6) if side > 0 else 1e6


def _lack(columns: Any, measured: Sequence[str]) -> tuple[str, str] | None:
    """A column that no chance leaves out or empty, and what is wrong with it; None where chance alone is to blame.

    That a column is constant, or lacks a level, may be chance in a small table; that it is not there, or has holes, is not.
    """
    for name in measured:
        try:
            values = np.asarray(columns[name])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return name, "is not there"
        empty = np.array([value is None or value != value for value in values.ravel().tolist()])
        if empty.any():
            return name, f"has {int(empty.sum()):,} missing cells of {empty.size:,}"
    return None

"""Whole studies: every data set, size, model and rival, spread over processes or a cluster, kept as they come."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latentdo import arguments
from latentdo.errors import MissingExtraError, StudyError
from latentdo.executor import ATTEMPTS, Outcome, executor_of, spreading
from latentdo.inference import Auto, Engine, Laplace, Map, Nuts, Svi, watch
from latentdo.sheet import bodies, counted, texts

from .cases import STUDIES, Study, study
from .lines import overview
from .records import COLUMNS, Entry, Records, Row, claimed, entry_of, opened, read, write_rows
from .tasks import (
    DATASETS_AT_MOST,
    LVM,
    REPLICATES_AT_MOST,
    RIVALS,
    SEED_AT_MOST,
    Task,
    definition,
    failed_rows,
    with_truth,
)
from .work import work

if TYPE_CHECKING:
    import pandas

DATASETS = 100
MODELS = (LVM, "misspecified", RIVALS)
QUICK_DATASETS = 10
QUICK_SIZES = 2
ALL = "all"
_BEGUN = 1e-6
_DTYPES = {float: "float64", bool: "boolean"}
_COLUMNS = 120
"""Of the tables that `print` shows."""

_log = logging.getLogger("latentdo")


@dataclass(frozen=True)
class Plan:
    """What is to be done of one study.

    Attributes:
        datasets: Data sets 1 to so many.
        sizes: Rows of each.
        models: `lvm`, names of variants, `rivals`.
    """

    study: Study
    datasets: int
    sizes: tuple[int, ...]
    models: tuple[str, ...]
    engine: Engine = field(default_factory=Auto)
    seed: int = 0
    replicates: int = 200
    as_published: bool = False

    def __post_init__(self) -> None:
        arguments.flag("as_published", self.as_published, partial(StudyError, key="as_published"))
        put = object.__setattr__
        # Python's own, as JSON writes them: NumPy's would not be the same task.
        put(self, "as_published", bool(self.as_published))
        put(self, "datasets", _count("datasets", self.datasets, 1, DATASETS_AT_MOST))
        put(self, "sizes", _sizes(self.sizes, self.study.rows))
        put(self, "seed", _count("seed", self.seed, 0, SEED_AT_MOST))
        put(self, "replicates", _count("replicates", self.replicates, 0, REPLICATES_AT_MOST))
        if not isinstance(self.engine, Auto | Nuts | Svi | Laplace | Map):
            raise StudyError(
                f"engine is a value such as ld.Auto() or ld.Laplace(draws=1000), got {self.engine!r}.", key="engine"
            )
        known = (LVM, *(variant.name for variant in self.study.parsed.variants), RIVALS)
        if not self.models:
            raise StudyError(f"models: expected some of {', '.join(known)}, got nothing.", key="models")
        for model in self.models:
            arguments.choice(f"model of {self.study.name}", model, known, partial(StudyError, key="models"))

    @property
    def settings(self) -> dict[str, Any]:
        """What all results in one folder have in common, as JSON."""
        return {
            "seed": self.seed,
            "engine": repr(self.engine),
            "replicates": self.replicates,
            "as_published": self.as_published,
        }

    def tasks(self) -> list[Task]:
        """Those of the same model and size in a row, so that a process compiles once for all of them."""
        return [
            Task(
                self.study.name,
                dataset,
                n,
                what,
                self.engine,
                self.seed,
                self.replicates,
                as_published=self.as_published,
            )
            for what in dict.fromkeys(self.models)
            for n in dict.fromkeys(self.sizes)
            for dataset in range(1, self.datasets + 1)
        ]


@dataclass(frozen=True, repr=False)
class Reproduction:
    """What a run gave; `print` shows the tables of the command.

    Attributes:
        rows: One per data set, size, question and method.
        plans: What was asked for, per study.
        failed: What became of no attempt, in words.
        n_done: Tasks that this run did; those that failed are not among them.
        n_kept: Tasks that an earlier run had done.
        folder: Where everything is, if it was kept.
        files: The tables that were written.
        n_more: Rows of these tables that this run did not ask for: those of earlier runs of other studies, sizes or data sets.
    """

    rows: tuple[Row, ...]
    plans: tuple[Plan, ...]
    failed: tuple[str, ...]
    n_done: int
    n_kept: int
    folder: Path | None = None
    files: tuple[Path, ...] = ()
    n_more: int = 0

    @property
    def studies(self) -> tuple[str, ...]:
        """The names of the studies."""
        return tuple(plan.study.name for plan in self.plans)

    def __repr__(self) -> str:
        asked = [
            f"{plan.study.name}: {counted(plan.datasets, 'data set')}, n = {', '.join(map(str, plan.sizes))}"
            for plan in self.plans
        ]
        failed = counted(len(self.failed), "task") + " failed" if self.failed else "nothing failed"
        return f"<Reproduction of {'; '.join(asked)}: {len(self.rows)} rows, {failed}>"

    def __str__(self) -> str:
        parts = [overview(plan.study, self.rows, as_published=plan.as_published) for plan in self.plans]
        return texts([sheet for part in parts for sheet in part], _COLUMNS)

    def _repr_html_(self) -> str:
        return bodies(sheet for plan in self.plans for sheet in overview(plan.study, self.rows))

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a table, one per data set, size, question and method, with the columns of `results.csv`.

        What is true, false or not said has the type `boolean`.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_pandas", "pandas", "interop") from None
        frame = pandas.DataFrame([[row.get(name) for name in COLUMNS] for row in self.rows], columns=list(COLUMNS))
        # A column without any value says nothing of its type.
        return frame.astype({name: _DTYPES[kind] for name, kind in COLUMNS.items() if kind in _DTYPES})


def reproduce(
    name: str,
    *,
    datasets: int | None = None,
    sizes: Sequence[int] | None = None,
    models: Sequence[str] | None = None,
    quick: bool = False,
    seed: int = 0,
    engine: Engine | None = None,
    replicates: int = 200,
    executor: Executor | None = None,
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    as_published: bool = False,
) -> Reproduction:
    """A built-in study again: its models and rivals on many data sets, beside the true answers.

    The numbers depend on the study and on these arguments, and neither on the executor nor on the number of workers. Data set
    k is `simulate(name, rows, seed=k)`, of which a size takes the first rows; a model is trained on it as by
    `ld.fit(model, rows, engine, seed=1000 * k + seed)`.

    Args:
        name: A study, or `all`.
        datasets: How many data sets: 100, or 10 with `quick`.
        sizes: Rows of each: the published sizes, or the first two of them with `quick`.
        models: Of `lvm`, the names of the study's variants, and `rivals`: `lvm`, `misspecified` and `rivals` unless given.
        quick: A look in minutes.
        seed: Added to the seeds of training and bootstraps.
        engine: How models are trained: `ld.Auto()`.
        replicates: Of the rivals' bootstraps.
        executor: Where tasks are done: any `concurrent.futures.Executor` that does not fork, or a Dask client.
        workers: Without an executor, how many processes do them; as many as there are processors; 1 for this process alone.
        folder: Where results are kept as they come. A run that was stopped goes on from there.
        progress: As for `ld.fit`.
        as_published: Do what the published code did, errors included.

    Raises:
        StudyError: No study, model or size of that kind; an executor that forks; a folder that cannot be written, or that holds
            results with another seed, engine or number of replicates, or done the other way.
    """
    names = tuple(STUDIES) if name == ALL else (study(name).name,)
    plans = [_plan(each, datasets, sizes, models, quick, seed, engine, replicates, as_published) for each in names]
    if executor is not None:
        executor_of(executor)
    count = processors() if workers is None else _count("workers", workers, 1, 10**4)
    if folder is not None and not (isinstance(folder, str | os.PathLike) and os.fspath(folder)):
        raise StudyError(f"folder is the path of a folder, such as 'results', got {folder!r}.", key="folder")
    place = None if folder is None else Path(folder)
    with watch(progress) as tell, contextlib.ExitStack() as stack:
        if place is not None:
            stack.enter_context(claimed(place))
            _require_same_settings(place, plans)
        stores = {plan.study.name: _Store.of(plan, place, stack) for plan in plans}
        waiting = [task for plan in plans for task in stores[plan.study.name].missing(plan)]
        kept = sum(len(plan.tasks()) for plan in plans) - len(waiting)
        course = _Course(plans, waiting, tell)
        failed = []
        # Each task is its own: no more processes than tasks.
        checked = _Checked(work, tuple((name, store.definition) for name, store in stores.items()))
        spread = stack.enter_context(spreading(executor, max(1, min(count, len(waiting)))))
        outcomes = spread(checked, waiting)
        with contextlib.closing(outcomes):  # type: ignore[type-var]
            for outcome in _until_the_executor_ends(outcomes, stores.values(), place):
                stores[outcome.task.study].add(outcome)
                course.done(outcome.task)
                if outcome.error:
                    failed.append(_failure(outcome))
        rows = [row for plan in plans for row in stores[plan.study.name].rows(plan)]
        files, n_more = (), 0
        if place is not None:
            stored = _stored(place, plans[0], tell=False)
            files, n_more = write_rows(place, stored), len(stored) - len(rows)
    n_done = len(waiting) - len(failed)
    return Reproduction(tuple(rows), tuple(plans), tuple(failed), n_done, kept, place, files, n_more)


def _until_the_executor_ends(
    outcomes: Iterator[Outcome[Task, tuple[Row, ...]]], stores: Collection[_Store], place: Path | None
) -> Iterator[Outcome[Task, tuple[Row, ...]]]:
    """The outcomes; where the executor takes no more tasks, an error that says what is kept."""
    try:
        yield from outcomes
    except StudyError as problem:
        if problem.key != "executor":
            raise
        done = sum(store.n_finished for store in stores)
        tasks = f"{done} finished tasks are" if done != 1 else "1 finished task is"
        kept = (
            f"{tasks} lost: give a folder, and results are kept."
            if place is None
            else f"{tasks} kept in {place}: the same call goes on from there."
        )
        raise StudyError(f"{problem} {kept}", key="executor") from None


def stored_rows(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    engine: Engine | None = None,
    replicates: int = 200,
    as_published: bool = False,
) -> list[Row]:
    """The rows that runs with these settings have kept in a folder, of all studies as they are defined now."""
    chosen = Auto() if engine is None else engine
    plan = Plan(next(iter(STUDIES.values())), 1, (2,), (LVM,), chosen, seed, replicates, as_published)
    return _stored(Path(folder), plan, tell=True)


def _stored(folder: Path, plan: Plan, *, tell: bool) -> list[Row]:
    """The rows in a folder, of all studies, that were made with the settings of a plan."""
    rows: list[Row] = []
    for name, entry in _current(folder, () if tell else STUDIES):
        dataset, n, what = (entry.task[key] for key in ("dataset", "n", "what"))
        task = Task(name, dataset, n, what, plan.engine, plan.seed, plan.replicates, plan.as_published)
        if entry.task == task.fields:
            rows += map(with_truth, entry.rows)
    return rows


def _current(folder: Path, quiet: Collection[str]) -> Iterator[tuple[str, Entry]]:
    """The entries in a folder, of all studies as they are defined now; lines that are not used are said but for `quiet` ones."""
    for name in STUDIES:
        path = folder / f"{name}.jsonl"
        if path.exists():
            now = definition(name)
            yield from ((name, entry) for entry in read(path, tell=name not in quiet) if entry.definition == now)


def _require_same_settings(folder: Path, plans: Sequence[Plan]) -> None:
    """Raise where a folder holds results of other settings: its tables and its report would be written over."""
    here = plans[0].settings
    for name, entry in _current(folder, [plan.study.name for plan in plans]):
        if different := [f"{key} is {entry.task.get(key)!r} there and {here[key]!r} here" for key in here
                         if entry.task.get(key) != here[key]]:  # fmt: skip
            other = f"{folder}-as-published" if plans[0].as_published else f"{folder}-2"
            raise StudyError(
                f"{folder} holds results of {name} with other settings: {', '.join(different)}. Its tables and report would be "
                f"written over. Give another folder, such as {other} (-o, or folder= in Python).",
                key="folder",
            )


def _plan(
    name: str,
    datasets: int | None,
    sizes: Sequence[int] | None,
    models: Sequence[str] | None,
    quick: bool,
    seed: int,
    engine: Engine | None,
    replicates: int,
    as_published: bool,
) -> Plan:
    chosen = study(name)
    arguments.flag("quick", quick, partial(StudyError, key="quick"))
    usual = chosen.sizes[:QUICK_SIZES] if quick else chosen.sizes
    variants = {variant.name for variant in chosen.parsed.variants}
    given = [model for model in MODELS if model in (LVM, RIVALS) or model in variants] if models is None else models
    return Plan(
        chosen,
        (QUICK_DATASETS if quick else DATASETS) if datasets is None else datasets,
        usual if sizes is None else _several(sizes),
        _several(given),
        Auto() if engine is None else engine,
        seed,
        replicates,
        as_published,
    )


def _several(given: Any) -> tuple[Any, ...]:
    """The values of a list; one that stands alone is a list of one."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        return (given,)
    try:
        return tuple(given)
    except TypeError:
        # An array without axes.
        return (given,)


def _sizes(given: Sequence[Any], most: int) -> tuple[int, ...]:
    if not given:
        raise StudyError(f"sizes are whole numbers from 2 to {most}, got none.", key="sizes")
    return tuple(_count("sizes", size, 2, most) for size in given)


def _count(key: str, given: Any, low: int, high: int) -> int:
    what = "Each of sizes" if key == "sizes" else key
    return arguments.whole(what, given, partial(StudyError, key=key), least=low, most=high)


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _failure(outcome: Outcome[Task, Any]) -> str:
    begun = "" if outcome.attempts == ATTEMPTS else f" (begun {'once' if outcome.attempts == 1 else 'twice'})"
    return f"{_name(outcome.task)}: {outcome.error}{begun}"


def _name(task: Task) -> str:
    return f"{task.study}, data set {task.dataset}, n = {task.n}, {task.what}"


@dataclass(frozen=True)
class _Checked:
    """Does a task where the study is what it is here: machines of a cluster may have another version of latentdo."""

    work: Callable[[Task], tuple[Row, ...]]
    definitions: tuple[tuple[str, str], ...]

    def __call__(self, task: Task) -> tuple[Row, ...]:
        here, there = _own_definition(task.study), dict(self.definitions)[task.study]
        if here != there:
            raise StudyError(
                f"{platform.node()} has another version of latentdo or of the study {task.study} ({here}) than the machine that "
                f"asks ({there}). Install the same version on both.",
                key="executor",
            )
        return self.work(task)


@cache
def _own_definition(name: str) -> str:
    return definition(name)


@dataclass(frozen=True)
class _Store:
    """The finished tasks of a study, in a file where there is a folder."""

    definition: str
    entries: dict[tuple[str, str], Entry]
    records: Records | None

    @staticmethod
    def of(plan: Plan, folder: Path | None, stack: contextlib.ExitStack) -> _Store:
        now = definition(plan.study.name)
        if folder is None:
            return _Store(now, {}, None)
        records = stack.enter_context(opened(folder / f"{plan.study.name}.jsonl"))
        if others := sum(entry.definition != now for entry in records.entries.values()):
            _log.warning(
                "%s holds %s of another version of latentdo or of the study %s. %s there and %s not used.",
                records.path,
                f"{others} results" if others > 1 else "1 result",
                plan.study.name,
                *(("They stay", "are") if others > 1 else ("It stays", "is")),
            )
        return _Store(now, records.entries, records)

    @property
    def n_finished(self) -> int:
        """Tasks with rows, of this run and of earlier ones."""
        return sum(not entry.failed for entry in self.entries.values() if entry.definition == self.definition)

    def missing(self, plan: Plan) -> list[Task]:
        """The tasks without rows; one whose attempts all failed is begun again."""
        return [task for task in plan.tasks() if (entry := self._entry(task)) is None or entry.failed]

    def _entry(self, task: Task) -> Entry | None:
        return self.entries.get(Entry(self.definition, dict(task.fields), False, 1, ()).key)

    def add(self, outcome: Outcome[Task, tuple[Row, ...]]) -> None:
        """Keep what became of a task.

        Raises:
            StudyError: What came back are no rows, or they cannot be written.
        """
        failed = outcome.value is None
        rows = failed_rows(outcome.task, outcome.error) if outcome.value is None else outcome.value
        try:
            entry = entry_of(self.definition, outcome.task.fields, rows, failed, outcome.attempts)
        except (msgspec.ValidationError, TypeError) as problem:
            raise StudyError(
                f"The executor gave no rows for {_name(outcome.task)}: {problem}. It must return what the function that is "
                "submitted to it returns.",
                key="executor",
            ) from None
        self.entries[entry.key] = entry
        if self.records is not None:
            self.records.add(entry)

    def rows(self, plan: Plan) -> Iterator[Row]:
        """The rows of a plan, in its order."""
        for task in plan.tasks():
            entry = self._entry(task)
            assert entry is not None
            yield from map(with_truth, entry.rows)


class _Course:
    """Tells how far the run is, by study, model and size."""

    def __init__(self, plans: Sequence[Plan], waiting: Sequence[Task], tell: Any) -> None:
        self._tell = tell
        self._whole = Counter(_group(task) for plan in plans for task in plan.tasks())
        self._left = Counter(map(_group, waiting))
        self._seen: set[str] = set()
        for group in self._left:
            tell(group, 0.0)
        if waiting:
            self._begin(_group(waiting[0]))

    def _begin(self, group: str) -> None:
        self._seen.add(group)
        self._tell(group, _BEGUN)
        if before := 1 - self._left[group] / self._whole[group]:
            # What an earlier run did says nothing about the speed of this one.
            self._tell(group, 0.0)
            self._tell(group, before)

    def done(self, task: Task) -> None:
        """Count a task."""
        group = _group(task)
        if group not in self._seen:
            self._begin(group)
        self._left[group] -= 1
        self._tell(group, 1 - self._left[group] / self._whole[group])


def _group(task: Task) -> str:
    return f"{task.study} n={task.n} {task.what}"

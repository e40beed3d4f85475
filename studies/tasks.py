"""One task of a reproduction: a model trained on one data set and asked, or the rivals on it, as rows of a table."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import metadata
from statistics import NormalDist
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import DataError, LatentdoError, NotIdentifiedError, StudyError
from latentdo.executor import described
from latentdo.inference import Auto, Engine
from latentdo.query import Query, Term
from latentdo.sheet import finite
from latentdo.simulators import simulate

from .accuracy import FLOOR, MEAN
from .cases import Study, study
from .records import Row

LVM = "lvm"
RIVALS = "rivals"
ALWAYS = ("naive mean", "naive regression")
LEVEL = 0.9
SEED_STEP = 1000
"""Between the seeds of data sets in training: no training shares a seed with the simulation of any of 999 data sets."""
DATASETS_AT_MOST, SEED_AT_MOST, REPLICATES_AT_MOST = 10**6, 2**31, 10**5
"""What can be asked for."""
_TRUSTED_DIGITS = 6


@dataclass(frozen=True)
class Task:
    """What is done with one data set of a study.

    Attributes:
        study: Its name.
        dataset: The number of the data set, which is its seed: 1, 2, …
        n: Its first so many rows are used.
        what: `lvm`, the name of one of the study's variants, or `rivals`.
        engine: How models are trained.
        seed: Added to the seed of training and of bootstraps.
        replicates: Of the rivals' bootstraps.
        as_published: Whether to do it as the published code did.
    """

    study: str
    dataset: int
    n: int
    what: str
    engine: Engine = field(default_factory=Auto)
    seed: int = 0
    replicates: int = 200
    as_published: bool = False

    @property
    def fit_seed(self) -> int:
        """The seed of training, of answers and of bootstraps; it depends on the task alone."""
        return self.seed + SEED_STEP * self.dataset

    @property
    def method(self) -> str:
        """What tables call the model: `lvm`, `lvm misspecified`."""
        return LVM if self.what == LVM else f"{LVM} {self.what}"

    @property
    def fields(self) -> Mapping[str, Any]:
        """What makes it this task, as JSON."""
        fields = {**asdict(self), "engine": repr(self.engine)}
        # What other rivals gave are other rows; their order makes no difference.
        return {**fields, "methods": sorted(_names(study(self.study)))} if self.what == RIVALS else fields


def definition(name: str) -> str:
    """What the study is, in a word that changes when the package's version, the study file or the simulated data do."""
    chosen = study(name)
    rows = simulate(name, 8, seed=1)
    # Another machine's last digits must not make it another study.
    shown = [f"{value:.{_TRUSTED_DIGITS}g}" for column in rows.values() for value in column.tolist()]
    content = "\n".join([chosen.graph, chosen.file, str(chosen.rows), *rows, *shown])
    return f"{metadata.version('latentdo')} {hashlib.sha256(content.encode()).hexdigest()[:16]}"


def rows_of(task: Task) -> Sequence[Row]:
    """The rows of a task, done as it should be."""
    chosen = study(task.study)
    return _rival_rows(task, chosen) if task.what == RIVALS else _model_rows(task, chosen)


def finished(task: Task, make: Callable[[Task], Sequence[Row]]) -> tuple[Row, ...]:
    """The rows that `make` makes of a task, as a file holds them, or rows that say why its data set cannot be used."""
    started = time.perf_counter()
    try:
        made = make(task)
    except DataError as problem:
        # A column that is constant in a small data set, for instance: another attempt would not change that.
        made = failed_rows(task, str(problem), time.perf_counter() - started)
    queries = dict(study(task.study).queries)
    return tuple(
        {
            "study": task.study,
            "dataset": task.dataset,
            "n": task.n,
            **row,
            "sample_truth": _sample_value(task.study, task.dataset, queries[row["query"]]),
        }
        for row in map(_storable, made)
    )


def _storable(row: Row) -> dict[str, Any]:
    """The row as a file can hold it; one whose number is none says so."""
    finite_row = {key: finite(value) for key, value in row.items()}
    if row.get("estimate") is not None and finite_row["estimate"] is None and not finite_row.get("note"):
        finite_row["note"] = f"no number: the estimate came out as {row['estimate']}"
    return finite_row


def failed_rows(task: Task, error: str, seconds: float | None = None) -> tuple[Row, ...]:
    """A row for each question and method of a task that gave no numbers."""
    methods = _names(study(task.study)) if task.what == RIVALS else (task.method,)
    return tuple(
        {
            "study": task.study,
            "dataset": task.dataset,
            "n": task.n,
            "query": label,
            "method": method,
            "level": LEVEL,
            "applies": True,
            "seconds": seconds,
            "error": " ".join(error.split()),
        }
        for label, _ in asked(study(task.study))
        for method in methods
        if label in study(task.study).main or method not in (MEAN, FLOOR)
    )


def data_of(task: Task) -> dict[str, FloatArray]:
    """The first rows of the task's data set, by column."""
    return {name: values[: task.n] for name, values in _observed(task.study, task.dataset).items()}


def truth_of(chosen: Study, label: str) -> tuple[float | None, float | None]:
    """The population's answer to a question and its standard error; None where the study does not say."""
    queries = dict(chosen.queries)
    stated = {value.query: value for value in chosen.population}
    for name in (label, str(queries[label])):
        if name in stated:
            return stated[name].value, stated[name].error
    terms = {term: stated.get(str(Query(term))) for term in queries[label].terms}
    known = {term: value for term, value in terms.items() if value is not None}
    if len(known) < len(terms):
        return None, None
    value, slopes = _combined(queries[label], {term: stated.value for term, stated in known.items()})
    return value, math.sqrt(sum((slopes[term] * stated.error) ** 2 for term, stated in known.items()))


def with_truth(row: Row) -> Row:
    """The row with the population's answer and what the graph's formula gives beside it, as the study states them now."""
    value, error = truth_of(study(row["study"]), row["query"])
    stated = {each.query: each.value for each in study(row["study"]).formula}
    return {**row, "truth": value, "truth_error": error, "formula_truth": stated.get(row["query"])}


def asked(chosen: Study) -> tuple[tuple[str, Query], ...]:
    """The questions that have one number as their answer."""
    return tuple((label, query) for label, query in chosen.queries if not query.axes)


def _model_rows(task: Task, chosen: Study) -> list[dict[str, Any]]:
    from latentdo.answers import judge_fit
    from latentdo.inference import Fit, train_all
    from latentdo.tables import read_table

    variant = chosen.parsed if task.what == LVM else chosen.parsed.variant(task.what)
    spec = variant.model
    rows = read_table(data_of(task), spec.measured, spec.latent, spec.levels)
    (posterior,) = train_all([Fit.of(spec, rows, task.engine, task.fit_seed)], lambda block, share: None)
    posterior = judge_fit(posterior, variant.queries)
    return [_answer_row(task, posterior, label, query) for label, query in asked(chosen)]


def _answer_row(task: Task, posterior: Any, label: str, query: Query) -> dict[str, Any]:
    from latentdo.answers import ask_all

    started = time.perf_counter()
    row: dict[str, Any] = {"query": label, "method": task.method, "level": LEVEL, "applies": True}
    row["fit_seconds"] = posterior.seconds
    try:
        query.check(posterior.spec.graph)
        (answer,) = ask_all(posterior, [(label, query)], task.fit_seed, allow_unidentified=False)
    except NotIdentifiedError as problem:
        return {**row, "applies": False, "note": " ".join(str(problem).split())}
    except LatentdoError as problem:
        return {**row, "error": " ".join(str(problem).split())}
    low, high = answer.interval(LEVEL) or (None, None)
    notes = [*([answer.approximate] if answer.approximate else []), *answer.warnings]
    return {
        **row,
        "estimate": answer.point,
        "sd": answer.sd,
        "lower": low,
        "upper": high,
        "note": _joined(notes),
        "seconds": time.perf_counter() - started,
        "converged": answer.converged,
        "rhat": answer.rhat,
        "ess": answer.ess,
        "mcse": answer.mcse,
    }


def _names(chosen: Study) -> tuple[str, ...]:
    """What a task of rivals has rows of."""
    from .floor import last_cause

    return (MEAN, *_methods(chosen), *([FLOOR] if last_cause(chosen) is not None else []))


def _methods(chosen: Study) -> dict[str, Any]:
    """The rivals of a study by name, in the order of tables."""
    from latentdo.estimators import all_methods

    known = {method.name: method for method in all_methods()}
    wanted = (*ALWAYS, *(name for name in chosen.parsed.compare if name not in ALWAYS))
    if missing := [name for name in wanted if name not in known]:
        raise StudyError(f"{chosen.name}: no method is called {missing[0]!r}. There are {', '.join(known)}.", "compare")
    return {name: method for name, method in known.items() if name in wanted}


def _rival_rows(task: Task, chosen: Study) -> list[dict[str, Any]]:
    from latentdo.estimators import Options, estimates

    from .floor import floor_rows, last_cause

    data, options = data_of(task), Options(level=LEVEL, replicates=task.replicates)
    methods = _methods(chosen)
    rows_made: list[dict[str, Any]] = _mean_rows(chosen, data)
    for label, query in asked(chosen):
        graph, given = chosen.model.graph, tuple(methods.values())
        try:
            rows = estimates(graph, data, query, methods=given, options=options, seed=task.fit_seed)
        except DataError:
            raise
        # One method that fails must not take the others with it.
        except Exception:  # noqa: BLE001
            rows_made += [row for method in given for row in _alone(task, chosen, label, query, method, options)]
            continue
        rows_made += [_estimate_row(label, row) for row in rows]
    if last_cause(chosen) is not None:
        rows_made += floor_rows(chosen, data, task.n)
    return rows_made


def has_mean(chosen: Study, label: str) -> bool:
    """Whether a question asks for a mean under an intervention alone, so that the mean of all rows stands beside its answers."""
    query = dict(chosen.queries)[label]
    return query.is_single and query.term.kind == "mean" and not query.term.given


def _mean_rows(chosen: Study, data: Mapping[str, FloatArray]) -> list[dict[str, Any]]:
    """The mean of the outcome in all rows as the answer to each main question that asks its mean under an intervention."""
    rows = []
    for label in chosen.main:
        if not has_mean(chosen, label):
            continue
        started = time.perf_counter()
        values = np.asarray(data[dict(chosen.queries)[label].term.outcome_names[0]], float)
        mean, error = float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
        half = NormalDist().inv_cdf((1 + LEVEL) / 2) * error
        rows.append(
            {
                "query": label,
                "method": MEAN,
                "estimate": mean,
                "sd": error,
                "lower": mean - half,
                "upper": mean + half,
                "level": LEVEL,
                "applies": True,
                "note": "the mean of all rows, whatever is set",
                "seconds": time.perf_counter() - started,
            }
        )
    return rows


def _alone(task: Task, chosen: Study, label: str, query: Query, method: Any, options: Any) -> Iterator[dict[str, Any]]:
    from latentdo.estimators import estimates

    try:
        (row,) = estimates(
            chosen.model.graph, data_of(task), query, methods=[method], options=options, seed=task.fit_seed
        )
        yield _estimate_row(label, row)
    except Exception as problem:  # noqa: BLE001
        yield {"query": label, "method": method.name, "level": LEVEL, "applies": True, "error": described(problem)}


def _estimate_row(label: str, row: Any) -> dict[str, Any]:
    return {
        "query": label,
        "method": row.method,
        "estimate": row.estimate,
        "sd": row.sd,
        "lower": row.lower,
        "upper": row.upper,
        "level": row.level,
        "applies": row.applies,
        "note": _joined([*([row.note] if row.note else []), *row.cautions]),
        "seconds": row.seconds,
    }


def _joined(notes: Sequence[str]) -> str:
    """The notes in one line, none with a full stop before a semicolon."""
    return " ".join("; ".join([*(note.rstrip(". ") for note in notes[:-1]), *notes[-1:]]).split())


@lru_cache(maxsize=512)
def _observed(name: str, dataset: int) -> Mapping[str, FloatArray]:
    """All rows of a data set."""
    return dict(simulate(name, study(name).rows, seed=dataset))


@lru_cache(maxsize=4096)
def _sample_value(name: str, dataset: int, query: Query) -> float | None:
    """The answer in the interventional data sets that belong to a data set; None where means of them do not give it."""
    values = {term: _sample_mean(name, dataset, term) for term in query.terms}
    known = {term: value for term, value in values.items() if value is not None}
    return _combined(query, known)[0] if len(known) == len(values) else None


@lru_cache(maxsize=4096)
def _sample_mean(name: str, dataset: int, term: Term) -> float | None:
    held = {setting.name: setting.value for setting in term.do}
    numbers = {node: value for node, value in held.items() if isinstance(value, int | float)}
    if term.kind != "mean" or term.given or len(numbers) < len(held):
        return None
    rows = simulate(name, study(name).rows, seed=dataset, do=numbers) if held else _observed(name, dataset)
    return float(np.mean(rows[term.outcome_names[0]]))


def _combined(query: Query, values: Mapping[Term, float]) -> tuple[float, dict[Term, float]]:
    """The value of a query at these values of its terms, and its slopes."""
    from latentdo.estimators import linearised

    value, slopes = linearised(query.expression, {term: np.asarray(mean, float) for term, mean in values.items()})
    return float(value), {term: float(slope) for term, slope in slopes.items()}

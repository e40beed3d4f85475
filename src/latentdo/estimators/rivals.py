"""Every method on one question: which apply, their numbers, their intervals."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latentdo.errors import QueryError
from latentdo.extensions import is_own, wrong
from latentdo.graphs import Admg, LatentDag, Name, project, quote
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.query import Binary, Query
from latentdo.tables import Dataset

from .adjusting import MOST_SETS, check_adjustment, needed_columns, sets_of, without_columns
from .arithmetic import (
    LEAST_REPLICATES,
    Interval,
    bootstrap_interval,
    is_positive_ratio,
    linearised,
    normal_interval,
)
from .cautions import levels_notes, overlap_cautions, support_cautions, unlike_rows
from .foreign import unweighted_notes
from .method import AbstractMethod, Estimate, Fits, No, Result, Yes, same_note, turned_over
from .methods import all_methods
from .nuisances import Nuisances
from .options import Adjust, Options
from .sample import FloatArray, IntArray, sample_of
from .task import Task, check_term, task_of
from .weighting import average, nothing_near, rate_of

FEW_EFFECTIVE = 30.0
LEAST_EFFECTIVE = 1.5
"""With fewer effective rows an estimate beyond all outcomes is no number."""
MOST_SAID = 3
"""Of so many laws the note of a row says which products they have."""
NO_SPREAD = 1e-9
"""The share of the outcome's spread below which a standard error is none, but what adding leaves behind."""
MOST_BOOTSTRAPPED = 30_000
"""With more rows, replicates are made of so many of them."""
_MOST_NUMBERS = 4_000_000
WEIGHTS = 2
"""What the seed of the rows' weights ends with: all methods see the same ones."""
UNPAIRED = 200
"""Replicates by which methods are compared where no bootstrap was asked for."""


def estimates(
    graph: LatentDag | Admg,
    data: Dataset | Mapping[Name, Any],
    query: Query,
    *,
    methods: Sequence[AbstractMethod] | None = None,
    options: Options | None = None,
    seed: int = 0,
    verdict: Identified | NotIdentified | None = None,
) -> tuple[Estimate, ...]:
    """What each method says of the query, in order; methods that do not apply have a row that says why.

    Args:
        graph: The graph; what is estimated is right only if it is.
        data: The rows, with a column for each node that a method needs.
        query: Means and probabilities of events, and arithmetic of them.
        methods: Which ones; all of them unless given.
        verdict: That of the graph on the query, if it is known already.

    Raises:
        QueryError: The query is swept, or has a term that is no mean or probability.
        SupportError: A value is no level of its column.
        DataError: A column is missing or constant.
    """
    if isinstance(query.expression, Binary) and query.expression.word == "NNT":
        turned = Query(query.expression.right, query.axes)
        asked = {"methods": methods, "options": options, "seed": seed, "verdict": verdict}
        return tuple(turned_over(row) for row in estimates(graph, data, turned, **asked))
    chosen, settings = all_methods() if methods is None else tuple(methods), options or Options()
    query.check(graph)
    if query.axes:
        raise QueryError(f"{query} has axes. Ask each of its points.")
    admg = project(graph)
    settings.models.check(admg.nodes)
    chosen = _adjusted(chosen, admg, query, settings.adjust)
    dataset = data if isinstance(data, Dataset) else Dataset.of(data)
    must, may = needed_columns(admg, [query], chosen, settings.adjust)
    if absent := [name for name in may if not dataset.has(name)]:
        # What would make answers more precise, and the table lacks, is as if nobody had measured it.
        admg, verdict = without_columns(admg, absent), None
    names = {*must, *needed_columns(admg, [query], chosen, settings.adjust)[1]}
    columns = [name for name in admg.nodes if name in names]
    numbers = (*settings.numbers, *_off_level(query, dataset))
    sample = sample_of(dataset, columns, numbers=numbers, ordered=settings.ordered)
    for term in query.terms:
        check_term(term)
    if verdict is None:
        verdict = identify(admg, query)
    if isinstance(verdict, NotIdentified):
        note = f"not identified: no method is right. {verdict.reason}"
        return tuple(Estimate.without(method, settings.level, note) for method in chosen)
    solutions = {solution.term: solution for solution in verdict.estimand.solutions}
    tasks: list[Task] = []
    for term in query.terms:
        task = task_of(admg, term, sample, solutions[term])
        assert isinstance(task, Task)
        tasks.append(replace(task, bandwidth=settings.bandwidth))
    return _Run(query, tuple(tasks), chosen, settings, seed).rows()


def _adjusted(
    methods: tuple[AbstractMethod, ...], graph: Admg, query: Query, adjust: Adjust
) -> tuple[AbstractMethod, ...]:
    """The methods, those that adjust and have no set of their own with the sets that are asked for: one row for each.

    Raises:
        QueryError: A set that is asked for is no adjustment set.
    """
    if adjust is None:
        return methods
    if adjust == "all":
        sets, more = sets_of(graph, query)
        note = f"one of the first {MOST_SETS} minimal sets; there are more" if more else ""
    else:
        check_adjustment(graph, query, adjust)
        sets, note = [frozenset(adjust)], ""
    adjusted: list[AbstractMethod] = []
    for method in methods:
        per_set = [adjusting for nodes in sets if (adjusting := method.adjusting_for(nodes, note)) is not None]
        adjusted += per_set or [method]
    return tuple(adjusted)


def _off_level(query: Query, dataset: Dataset) -> Iterator[Name]:
    """Columns of numbers that are set to what no row has: they cannot be levels."""
    named = dict(dataset.levels)
    for term in query.terms:
        for setting in term.do:
            if isinstance(setting.value, float | int) and setting.name not in named and dataset.has(setting.name):
                values = np.unique(dataset.column(setting.name))
                if setting.value not in values and len(values) > 2:
                    yield setting.name


def moves_of(by_rows: FloatArray, seed: int, replicates: int) -> FloatArray:
    """How far numbers move under the weights that the bootstrap gives the rows, (number, replicate).

    Args:
        by_rows: (number, row) what each row adds to a number's error.
        replicates: Of the bootstrap; 200 where it has none.
    """
    rng = np.random.default_rng([seed, WEIGHTS])
    count, n = replicates or UNPAIRED, by_rows.shape[1]
    parts = []
    size = max(1, _MOST_NUMBERS // n)
    for start in range(0, count, size):
        weights = rng.exponential(size=(min(size, count - start), n))
        parts.append((weights / weights.mean(axis=1, keepdims=True) - 1) @ by_rows.T)
    return np.concatenate(parts).T


@dataclass(eq=False)
class _Run:
    """All methods on one query: the point first, then the replicates of those without an influence function."""

    query: Query
    tasks: tuple[Task, ...]
    methods: tuple[AbstractMethod, ...]
    options: Options
    seed: int

    def __post_init__(self) -> None:
        self._sample = self.tasks[0].sample
        rng = np.random.default_rng([self.seed, 1])
        self._folds = rng.permutation(self._sample.n) % min(self.options.folds, self._sample.n)
        self._choices: dict[Any, Any] = {}
        self._overlaps: dict[tuple[Name, ...] | None, tuple[str, ...]] = {}
        # Beside an effect, a mean of the rows as they are is the same for every method.
        acts = any(task.term.do for task in self.tasks)
        self._seen = [acts and task.is_seen for task in self.tasks]
        self._asking = [task for task, seen in zip(self.tasks, self._seen, strict=True) if not seen]
        ranges = {task.term: (float(task.asked.min()), float(task.asked.max())) for task in self.tasks}
        self._is_log = is_positive_ratio(self.query.expression, ranges)
        lies_within = all(
            low >= 0.0 and high <= 1.0 and task.sample[task.outcome].is_discrete
            for task, (low, high) in zip(self.tasks, ranges.values(), strict=False)
        )
        self._is_probability = self.query.is_single and (self.query.term.kind == "event" or lies_within)
        self._unlike = unlike_rows(self._sample)

    def rows(self) -> tuple[Estimate, ...]:
        """One row per method, in order."""
        answers = [
            [Yes() if seen else method.applies(task) for task, seen in zip(self.tasks, self._seen, strict=True)]
            for method in self.methods
        ]
        rows: dict[int, Estimate] = {}
        points: dict[int, list[Result]] = {}
        seconds: dict[int, float] = {}
        fits = self._fits(self.tasks, self._folds, self._sample.weights[None, :])
        for i, method in enumerate(self.methods):
            if reason := self._refusal(answers[i]) or ("" if method.is_baseline else self._unlike):
                rows[i] = Estimate.without(method, self.options.level, reason)
                continue
            started = time.perf_counter()
            points[i] = self._fit(method, self.tasks, fits, answers[i])
            seconds[i] = time.perf_counter() - started
        waiting = [i for i, results in points.items() if any(result.influence is None for result in results)]
        replicates = self._bootstrap({i: points[i] for i in waiting}, answers, seconds)
        moves = self._moves(points, replicates)
        for i, results in points.items():
            row = self._row(self.methods[i], results, replicates.get(i), answers[i])
            more = () if self.methods[i].is_baseline else self._overlap(fits, row)
            cautions = tuple(dict.fromkeys((*row.cautions, *more)))
            laws = tuple(dict.fromkeys(law for result in results for law in result.laws))
            rows[i] = replace(row, seconds=seconds[i], cautions=cautions, laws=laws, moves=moves.get(i))
        return tuple(rows[i] for i in range(len(self.methods)))

    def _refusal(self, answers: Sequence[Yes | No]) -> str:
        """Why a method does not answer, and which term, where it answers others; empty where it does."""
        reasons = [answer.reason if isinstance(answer, No) else "" for answer in answers]
        note, place = next(((reason, k) for k, reason in enumerate(reasons) if reason), ("", 0))
        term = str(self.tasks[place].term)
        # A mean of the rows is nobody's form, and no other term that the method answers.
        others = {reason for reason, seen in zip(reasons, self._seen, strict=True) if not seen}
        return note if len(others) == 1 or term in note else f"of {term}: {note}"

    def _overlap(self, fits: Sequence[Fits], row: Estimate) -> tuple[str, ...]:
        """What may be wrong whatever the method, as it rests on the same rows."""
        nodes = row.sets.get("adjustment")
        if nodes not in self._overlaps:
            pairs = zip(self.tasks, fits, strict=True)
            self._overlaps[nodes] = tuple(
                words for task, each in pairs for words in overlap_cautions(task, each.plain, nodes)
            )
        return self._overlaps[nodes]

    def _fits(self, tasks: Sequence[Task], folds: IntArray, weights: FloatArray) -> list[Fits]:
        """The nuisance models of each term; terms with the same columns share them."""
        shared: dict[Any, Fits] = {}
        treatments = frozenset(name for task in tasks for name in task.treatments)
        for task in tasks:
            if task.event not in shared:
                choices = self._choices.setdefault(task.event, {})
                laws = Nuisances(task.sample, weights, self.options.models, choices, treatments)
                shared[task.event] = Fits(laws, folds)
        return [shared[task.event] for task in tasks]

    def _fit(
        self, method: AbstractMethod, tasks: Sequence[Task], fits: Sequence[Fits], answers: Sequence[Yes | No]
    ) -> list[Result]:
        results: list[Result] = []
        for task, term_fits, answer, seen in zip(tasks, fits, answers, self._seen, strict=True):
            assert isinstance(answer, Yes)
            term_fits.plain.used.clear()
            # The mean of the rows as they are: in it every method has the same best estimate.
            result = (
                Result(average(term_fits.weights, task.asked[None]), task.asked)
                if seen
                else _fitted(method, task, term_fits, answer)
            )
            notes = (*result.notes, *term_fits.plain.products()[:MOST_SAID])
            results.append(replace(result, notes=notes, laws=tuple(term_fits.plain.used)))
        return results

    def _value(self, results: Sequence[Result]) -> FloatArray:
        values = {task.term: result.values for task, result in zip(self.tasks, results, strict=True)}
        return np.atleast_1d(linearised(self.query.expression, values)[0])

    def _slopes(self, results: Sequence[Result]) -> list[float]:
        """The derivative of the query with respect to each term."""
        values = {task.term: result.values[:1] for task, result in zip(self.tasks, results, strict=True)}
        slopes = linearised(self.query.expression, values)[1]
        return [float(slopes[task.term][0]) for task in self.tasks]

    def _bootstrap(
        self, points: Mapping[int, list[Result]], answers: Sequence[list[Yes | No]], seconds: dict[int, float]
    ) -> dict[int, FloatArray]:
        """The query in every replicate: rows get exponential weights, so that none and no level is ever left out.

        Of very many rows the replicates see a part, and what they differ by is made smaller by the method's rate.

        Source:
            Rubin (1981), The Bayesian bootstrap; Praestgaard & Wellner (1993), Exchangeably weighted bootstraps; for parts
            of the rows Bickel, Götze & van Zwet (1997), Resampling fewer than n observations.
        """
        count, n = self.options.replicates, self._sample.n
        if not points or not count:
            return {}
        rng = np.random.default_rng([self.seed, WEIGHTS])
        tasks, folds, base = self.tasks, self._folds, self._sample.weights
        part = min(n, MOST_BOOTSTRAPPED)
        if part < n:
            rows = np.sort(rng.choice(n, part, replace=False))
            tasks = tuple(replace(task, sample=task.sample.part(rows)) for task in tasks)
            folds, base = folds[rows], base[rows]
        largest = max(result.size for results in points.values() for result in results) * part // n
        size = max(1, min(count, _MOST_NUMBERS // max(part, largest)))
        values: dict[int, list[FloatArray]] = {i: [] for i in points}
        for start in range(0, count, size):
            weights = rng.exponential(size=(min(size, count - start), part)) * base
            self._replicate(values, tasks, folds, weights, answers, seconds)
        replicates = {i: np.concatenate(parts) for i, parts in values.items()}
        if part == n:
            return replicates
        centres: dict[int, list[FloatArray]] = {i: [] for i in points}
        self._replicate(centres, tasks, folds, base[None], answers, seconds)
        rates = {i: min(result.rate for result in results) for i, results in points.items()}
        return {
            i: self._value(points[i])[0] + (replicates[i] - centres[i][0][0]) * (part / n) ** rates[i] for i in points
        }

    def _moves(self, points: Mapping[int, list[Result]], replicates: Mapping[int, FloatArray]) -> dict[int, FloatArray]:
        """How far each number moves under the same weights of the rows: in the bootstrap, or by its influence function.

        None of very many rows, of which a bootstrap sees a part.
        """
        n = self._sample.n
        if n > MOST_BOOTSTRAPPED:
            return {}
        found = {i: values - values.mean() for i, values in replicates.items() if np.isfinite(values).all()}
        parts = {i: self._by_rows(results) for i, results in points.items() if i not in replicates}
        linear = {i: by_rows for i, by_rows in parts.items() if by_rows is not None}
        if linear:
            moved = moves_of(np.stack(list(linear.values())), self.seed, self.options.replicates)
            found.update(zip(linear, moved, strict=True))
        return found

    def _by_rows(self, results: Sequence[Result]) -> FloatArray | None:
        """What each row adds to the error, to first order; None without influence functions."""
        total = np.zeros(self._sample.n)
        for slope, result in zip(self._slopes(results), results, strict=True):
            if result.influence is None:
                return None
            total += slope * (result.influence - result.values[0])
        return self._sample.weights * total / self._sample.n

    def _replicate(
        self,
        values: dict[int, list[FloatArray]],
        tasks: Sequence[Task],
        folds: IntArray,
        weights: FloatArray,
        answers: Sequence[list[Yes | No]],
        seconds: dict[int, float],
    ) -> None:
        """Adds the query's values under these weights, one per replicate, to what is found of each method."""
        fits = self._fits(tasks, folds, weights / weights.mean(axis=1, keepdims=True))
        for i, parts in values.items():
            started = time.perf_counter()
            parts.append(self._value(self._fit(self.methods[i], tasks, fits, answers[i])))
            seconds[i] += time.perf_counter() - started

    def _row(
        self, method: AbstractMethod, results: list[Result], replicates: FloatArray | None, answers: Sequence[Yes | No]
    ) -> Estimate:
        if any(result.rate < rate_of(()) or result.effective is not None for result in results):
            empty = [why for task in self._asking if (why := nothing_near(task)) is not None]
            if empty:
                return Estimate(method.name, None, level=self.options.level, note=f"no number: {empty[0]}")
        estimate = float(self._value(results)[0])
        interval, why_none = self._interval(estimate, results, replicates)
        effective = min((result.effective for result in results if result.effective is not None), default=None)
        if effective is not None and effective < LEAST_EFFECTIVE and abs(estimate) > self._farthest(results):
            why = "no number: the weights are worth one row of equal weight, and it leads far beyond all outcomes"
            return Estimate(method.name, None, level=self.options.level, note=why, effective=effective)
        cautions = self._cautions(estimate, results, replicates, effective)
        if interval is not None and interval.sd <= NO_SPREAD * self._scale(results):
            interval = None
            same = all(task.sample[task.outcome].is_discrete for task in self._asking)
            why = "the rows that decide all have the same outcome" if same else "next to no row has any weight"
            cautions.append(f"no interval: {why}, and it would have no width.")
        lead = self._seen.index(False)
        first = answers[lead]
        assert isinstance(first, Yes)
        notes = [
            same_note(first.same_as) if first.same_as else "",
            first.note,
            *levels_notes(self.tasks[lead]),
            *self._notes(results),
            *unweighted_notes(self.options.models),
        ]
        if not np.isfinite(estimate):
            # A table has no place for NaN.
            notes = ["no number: the weights or a divisor vanish", *notes, _interval_note(interval) or why_none]
            return Estimate(method.name, None, level=self.options.level, note=_joined(notes))
        row = Estimate(method.name, estimate, level=self.options.level)
        if interval is not None:
            row = replace(row, sd=interval.sd, lower=interval.lower, upper=interval.upper, interval=interval.how)
        return replace(
            row,
            note=_joined([*notes, _interval_note(interval) or why_none]),
            cautions=tuple(dict.fromkeys(cautions)),
            effective=effective,
            trimmed=sum(result.trimmed for result in results),
            sets=first.sets,
            same_as=first.same_as,
        )

    def _interval(
        self, estimate: float, results: Sequence[Result], replicates: FloatArray | None
    ) -> tuple[Interval | None, str]:
        """The interval, of a positive ratio on the log scale; or none, and why where that has to be said."""
        level = self.options.level
        if replicates is not None:
            usable = replicates[np.isfinite(replicates)]
            if len(usable) < LEAST_REPLICATES:
                why = f"no interval: {len(usable)} replicates, and a bootstrap needs {LEAST_REPLICATES} at least"
                return None, why
            interval = bootstrap_interval(estimate, usable, level, is_log=self._is_log)
        elif all(result.influence is not None for result in results):
            interval = normal_interval(estimate, self._standard_error(results), level, is_log=self._is_log)
        else:
            return None, ""
        if self._is_probability:
            ends = (min(max(end, 0.0), 1.0) for end in (interval.lower, interval.upper))
            interval = replace(interval, lower=next(ends), upper=next(ends))
        return interval, ""

    def _cautions(
        self, estimate: float, results: Sequence[Result], replicates: FloatArray | None, effective: float | None
    ) -> list[str]:
        cautions = [caution for task in self._asking for caution in support_cautions(task)]
        cautions += [caution for result in results for caution in result.cautions]
        if replicates is not None and (lost := int((~np.isfinite(replicates)).sum())):
            cautions.append(f"{lost} of {len(replicates)} replicates of the bootstrap have no value.")
        if self._is_probability and not 0 <= estimate <= 1:
            cautions.append("no probability: the weights are too uneven for so few rows.")
        if effective is not None and effective < FEW_EFFECTIVE:
            rows = "1 row" if round(effective) == 1 else f"{effective:.0f} rows"
            cautions.append(f"the weights are worth {rows} of equal weight: a few rows decide.")
        if trimmed := sum(result.trimmed for result in results):
            cut = "1 weight was" if trimmed == 1 else f"{trimmed} weights were"
            cautions.append(
                f"{cut} cut: rows that could hardly have what is set count less than all others{self._uncut(results)}."
            )
        return cautions

    def _notes(self, results: Sequence[Result]) -> list[str]:
        """What the terms' results say; formulas that differ in the treatments' values alone once, without values."""
        notes_of = [list(result.notes) for result in results]
        general = [
            [_without_values(note, task) for note in notes] for notes, task in zip(notes_of, self.tasks, strict=True)
        ]
        asking = [k for k, seen in enumerate(self._seen) if not seen]
        if len(asking) > 1 and all(general[k] == general[asking[0]] != notes_of[k] for k in asking):
            return general[asking[0]]
        return [note for k in asking for note in notes_of[k]]

    def _scale(self, results: Sequence[Result]) -> float:
        """How far the query moves if each outcome does by its standard deviation."""
        slopes = self._slopes(results)
        return max(abs(slope) * float(task.asked.std()) for slope, task in zip(slopes, self.tasks, strict=True))

    def _farthest(self, results: Sequence[Result]) -> float:
        """Twice what the query can be of any outcomes in the rows."""
        slopes = self._slopes(results)
        return 2.0 * sum(abs(s) * float(np.abs(task.asked).max()) for s, task in zip(slopes, self.tasks, strict=True))

    def _uncut(self, results: Sequence[Result]) -> str:
        """What the estimate would be with whole weights; empty where no method's weights alone decide."""
        whole = [np.array([result.whole]) for result in results if result.whole is not None]
        if len(whole) < len(results):
            return ""
        values = dict(zip((task.term for task in self.tasks), whole, strict=True))
        value = float(np.atleast_1d(linearised(self.query.expression, values)[0])[0])
        return f"; with all of their weight the estimate would be {value:.4g}" if np.isfinite(value) else ""

    def _standard_error(self, results: Sequence[Result]) -> float:
        """The delta method on the terms' influence functions."""
        total = np.zeros(self._sample.n)
        for slope, result in zip(self._slopes(results), results, strict=True):
            assert result.influence is not None
            total += slope * (result.influence - result.values[0])
        return float(np.sqrt((self._sample.weights * total**2).mean() / self._sample.n))


def _fitted(method: AbstractMethod, task: Task, fits: Fits, answer: Yes) -> Result:
    result, shape = method.fit(task, fits, answer.sets), (len(fits.weights),)
    if is_own(type(method)) and np.shape(result.values) != shape:
        raise wrong(type(method), "fit", "estimator", result.values, f"values of shape {shape}, one per row of weights")
    return result


def _without_values(note: str, task: Task) -> str:
    """A formula with the names of the treatments in place of what they are set to: `P(M | X)` of `P(M | X=1)`."""
    for setting in task.term.do:
        note = re.sub(rf"(?<![\w`]){re.escape(str(setting))}(?![\w.])", quote(setting.name).replace("\\", r"\\"), note)
    return note


def _interval_note(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"interval by {interval.how}{' on the log scale' if interval.is_log else ''}"


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, notes)))

"""Comparing: verdicts first, then the model's answer to each question, then what the rivals say of it from the same rows."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from latentdo.answers import Answer, ask_all, scale_of
from latentdo.arrays import FloatArray
from latentdo.criticism import influence_at_hand
from latentdo.errors import DataError, NotIdentifiedError, QueryError, SupportError
from latentdo.estimators import AbstractMethod, Estimate, Options, estimates, moves_of, same_note, with_instrument
from latentdo.graphs import Admg, LatentDag, Name, quote
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.inference import Posterior
from latentdo.models import Units
from latentdo.query import Query, Value
from latentdo.sheet import listed
from latentdo.tables import Dataset

from .comparison import Comparison
from .corrected import Correcting
from .row import ComparisonRow, Question, row_of_answer, row_of_estimate

Asked = Sequence[tuple[str | None, Query]]
Progress = Callable[[str, float], None]
BEGUN = 1e-3
"""The share that is told of what has begun."""
EQUAL = 1e-9
"""Relative difference below which two methods are taken to have computed the same."""
MOST_LEVELS = 50
"""Values of a column of numbers that a law P(Y | …) may have rows for."""


@dataclass(frozen=True)
class Rivals:
    """What a model is compared with.

    Attributes:
        methods: Which estimators.
        options: How they are run.
        seed: Of cross-fitting and bootstrap.
        corrected: Whether the model's posterior is corrected too, beside itself.
    """

    methods: tuple[AbstractMethod, ...]
    options: Options
    seed: int
    corrected: bool = True


def compare_fit(
    posterior: Posterior, data: Dataset, queries: Asked, rivals: Rivals, progress: Progress, *, allow_unidentified: bool
) -> Comparison:
    """The model beside its rivals, on the rows that it was trained on.

    Args:
        queries: (name, query).
        progress: Is told which question is being worked on, and when it is done.

    Raises:
        DataError: These are other rows.
        NotIdentifiedError: Some query is not identified; like all that is wrong with a query, before anything is computed.
        QueryError: A query that makes no sense for the model.
    """
    unsure = check_rows(posterior, data)
    progress("lvm", 0.0)
    started = time.perf_counter()
    answers = ask_all(posterior, queries, rivals.seed, allow_unidentified=allow_unidentified)
    seconds = (time.perf_counter() - started) / max(1, len(answers))
    progress("lvm", 1.0)
    questions = [Question(a.query, a.verdict, a.scale, a.name, a.at, a.source) for a in answers]
    model_rows = [
        row_of_answer(question, answer, rivals.options.level, seconds)
        for question, answer in zip(questions, answers, strict=True)
    ]
    model_rows = [replace(row, warnings=(*row.warnings, *unsure)) for row in model_rows]
    rows, said = for_rivals(data)
    if rows.n_rows == data.n_rows:
        model_rows = [
            replace(row, moves=_moves(posterior, data, answer, rivals))
            for row, answer in zip(model_rows, answers, strict=True)
        ]
    beside: list[list[ComparisonRow]] = [[] for _ in questions]
    if rivals.corrected:
        correcting = Correcting(rivals.options, rivals.seed)
        for own, question, answer in zip(beside, questions, answers, strict=True):
            reason = _why_none(posterior.spec.graph, question)[0] or ""
            own.append(correcting.row(posterior, rows, question, answer, reason))
    rival_rows = _rows(posterior.spec.graph, rows, questions, rivals, progress, beside=True)
    return Comparison(
        tuple(
            row
            for mine, own, theirs in zip(model_rows, beside, rival_rows, strict=True)
            for row in (mine, *_on_part([*own, *theirs], rows, data))
        ),
        posterior.units,
        said,
    )


def for_rivals(data: Dataset) -> tuple[Dataset, str]:
    """The rows that estimators of formulas in P(V) can use, complete and only observed; and what that leaves out, as a sentence.

    Raises:
        DataError: Fewer than two are left.
    """
    rows = data.untouched().complete()
    n_gaps = data.n_rows - data.complete(held=True).n_rows
    n_set = data.n_rows - rows.n_rows - n_gaps
    left = [f"{n_gaps:,} have missing cells"] * bool(n_gaps) + [f"in {n_set:,} some node was set"] * bool(n_set)
    if left and rows.n_rows < 2:
        raise DataError(
            f"Rivals estimate from rows that are complete and only observed, and of {data.n_rows:,} rows {rows.n_rows} are: "
            f"{' and '.join(left)}. Ask the model alone: ld.ask(posterior, query)."
        )
    return rows, f"The rivals see {rows.n_rows:,} of the {data.n_rows:,} rows: {' and '.join(left)}." if left else ""


def compare_rivals(
    graph: LatentDag | Admg,
    data: Dataset,
    queries: Asked,
    rivals: Rivals,
    progress: Progress,
    *,
    functional: Mapping[Name, tuple[Name, ...]],
    units: Units = (),
    allow_unidentified: bool,
) -> Comparison:
    """The rivals alone.

    Raises:
        NotIdentifiedError: Some query is not identified, before anything is computed.
        QueryError: A query that makes no sense for the graph, or there is none that an estimator here could answer.
    """
    without_form = [_no_form(query) for _, query in queries]
    if without_form and all(without_form):
        raise QueryError(f"There is nothing to compare: {without_form[0]} A trained model answers it.")
    rows, said = for_rivals(data)
    questions = _questions(graph, rows, queries, functional, units, allow_unidentified=allow_unidentified)
    answered = _rows(graph, rows, questions, rivals, progress, beside=False)
    return Comparison(tuple(row for each in answered for row in _on_part(each, rows, data)), units, said)


def _on_part(answered: Sequence[ComparisonRow], rows: Dataset, data: Dataset) -> list[ComparisonRow]:
    """The rivals' rows, where they saw a part of the table with a note that says so: their numbers are about units like these."""
    if rows.n_rows == data.n_rows:
        return list(answered)
    part = f"on {rows.n_rows:,} of {data.n_rows:,} rows"
    return [
        row if row.estimate is None else replace(row, note="; ".join(filter(None, [row.note, part])))
        for row in answered
    ]


def _moves(posterior: Posterior, data: Dataset, answer: Answer, rivals: Rivals) -> FloatArray | None:
    """How far the model's number moves where the rows get other weights; None where finding out would take long."""
    by_rows = None if answer.is_point or not answer.identified else influence_at_hand(posterior, data, answer.linear)
    if by_rows is None or not np.isfinite(by_rows).all():
        return None
    return moves_of(by_rows[None], rivals.seed, rivals.options.replicates)[0]


UNSURE = (
    "the fit was saved by a version that kept no digest of its rows: of the table only the number of rows and each "
    "column's mean, spread and range were compared with it."
)


def check_rows(posterior: Posterior, data: Dataset) -> tuple[str, ...]:
    """Raise unless these are the rows that the model was trained on, in whatever order; a warning where that is not sure.

    Raises:
        DataError: They are others; says what differs.
    """
    facts = posterior.facts
    if data.hash == facts.hash:
        return ()
    differs = f"{data.n_rows:,} rows, and the fit has {facts.n_rows:,}" if data.n_rows != facts.n_rows else ""
    for column in () if differs else facts.columns:
        here = data.summary(column.name)
        mine, theirs = (
            (here.mean, here.sd, here.minimum, here.maximum),
            (column.mean, column.sd, column.minimum, column.maximum),
        )
        if not np.allclose(mine, theirs, rtol=1e-9, atol=1e-9 * (1e-300 + column.sd)):
            differs = f"the column {column.name!r} has the mean {here.mean:.6g}, and in the fit {column.mean:.6g}"
            if np.isclose(here.mean, column.mean, rtol=1e-5):
                differs = f"the column {column.name!r} has other values than in the fit"
            break
    digest = facts.rows_digest if posterior.data is None else posterior.data.rows_digest
    if not differs and digest is not None and digest != data.rows_digest:
        differs = "each column has the values that it has in the fit, but other rows have them together"
    own = f"all of its tables, {listed(map(str, facts.origins))}" if len(facts.origins) > 1 else "its own table"
    if differs:
        raise DataError(
            f"{data.source}: these are not the rows that the fit was trained on: {differs}. Give {own}, or compare the "
            "rivals alone on this one, with the graph in place of the fit."
        )
    return (UNSURE,) if digest is None else ()


def _questions(
    graph: LatentDag | Admg,
    data: Dataset,
    queries: Asked,
    functional: Mapping[Name, tuple[Name, ...]],
    units: Units,
    *,
    allow_unidentified: bool,
) -> list[Question]:
    """Every single question, all of them identified unless that is allowed."""
    for _, query in queries:
        query.check(graph)
    verdicts = [identify(graph, query, functional=functional) for _, query in queries]
    for verdict in verdicts:
        if isinstance(verdict, NotIdentified) and not allow_unidentified:
            askable = sum(each.identified for each in verdicts)
            advice = "Nothing was computed. allow_unidentified=True gives such a question rows without numbers."
            raise NotIdentifiedError(str(verdict), verdict, advice=advice, askable=askable, computable=False)
    binary = {
        name for name, values in data.columns if name not in dict(data.levels) and set(np.unique(values)) == {0.0, 1.0}
    }
    questions: list[Question] = []
    for (name, query), verdict in zip(queries, verdicts, strict=True):
        axes = [axis.name for axis in query.axes]
        for values, point in query.points:
            at = tuple(zip(axes, values, strict=True))
            questions += [
                Question(single, verdict, scale_of(single, binary, units), name, at, query if axes else None)
                for single in point.by_levels(partial(_levels, data, point))
            ]
    return questions


def _levels(data: Dataset, question: Query, name: Name) -> tuple[Value, ...]:
    """The levels that a column has.

    Raises:
        QueryError: It has too many values for that.
    """
    values = dict(data.levels).get(name) or tuple(np.unique(data.column(name)).tolist())
    if len(values) > MOST_LEVELS or not all(isinstance(v, str) or v == int(v) for v in values):
        raise QueryError(
            f"{quote(name)} is continuous, so that {question} has no row per level. Ask an event: {quote(name)} > 1."
        )
    return values


def _rows(
    graph: LatentDag | Admg,
    data: Dataset,
    questions: Sequence[Question],
    rivals: Rivals,
    progress: Progress,
    *,
    beside: bool,
) -> list[list[ComparisonRow]]:
    """What each rival says of each question."""
    tracks = [f"rivals: {question.label if question.source is None else question.source}" for question in questions]
    sizes, done = Counter(tracks), Counter[str]()
    for track in sizes:
        progress(track, 0.0)
    answered = []
    for track, question in zip(tracks, questions, strict=True):
        progress(track, max(done[track] / sizes[track], BEGUN))
        answered.append(
            [row_of_estimate(question, each) for each in _estimates(graph, data, question, rivals, beside=beside)]
        )
        done[track] += 1
        progress(track, done[track] / sizes[track])
    return answered


def _estimates(
    graph: LatentDag | Admg, data: Dataset, question: Question, rivals: Rivals, *, beside: bool
) -> tuple[Estimate, ...]:
    """The rivals' numbers; of a question that they have no form for, rows that say so.

    Raises:
        SupportError: A value that no row has, and no model stands beside the rivals that could answer nevertheless.
    """
    reason, verdict = _why_none(graph, question)
    if reason is None:
        options = replace(rivals.options, numbers=(*rivals.options.numbers, *_numbers(question, data)))
        # That of a sweep or of a law speaks of all its points or levels.
        handed_on = verdict if verdict.query == question.query else None
        try:
            return _with_equals(
                estimates(
                    *(graph, data, question.query),
                    methods=rivals.methods,
                    options=options,
                    seed=rivals.seed,
                    verdict=handed_on,
                )
            )
        except SupportError as fault:
            if not beside:
                raise
            reason = str(fault)
    assuming: tuple[Estimate, ...] = ()
    if isinstance(question.verdict, NotIdentified):
        assuming = with_instrument(graph, data, question.query, level=rivals.options.level)
    return (*assuming, *(Estimate.without(method, rivals.options.level, reason) for method in rivals.methods))


def _why_none(graph: LatentDag | Admg, question: Question) -> tuple[str | None, Identified | NotIdentified]:
    """Why no estimator answers a question, None where some may; and the verdict of the graph alone."""
    verdict, reason = question.verdict, _no_form(question.query)
    if isinstance(verdict, Identified) and verdict.estimand.experiments:
        reason = "identified only with rows in which nodes were set, which these estimators do not use."
    elif isinstance(verdict, Identified) and verdict.notes:
        # Functional nodes changed the verdict or the formula, and estimators know the graph alone.
        verdict = identify(graph, question.query)
        if isinstance(verdict, NotIdentified):
            reason = (
                "identified only because some node is a function of its parents, which these estimators do not use."
            )
    elif isinstance(verdict, NotIdentified):
        reason = f"not identified: no method is right. {verdict.reason}"
    return reason, verdict


def _with_equals(rows: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """The rows, those whose estimate and interval are those of an earlier one with a note that says so.

    Where a graph is simple, methods with different names are one computation: that is no agreement of two.
    """
    rows_so_far: list[Estimate] = []
    for row in rows:
        twin = next((other for other in rows_so_far if _is_same(other, row)), None)
        # Some methods know beforehand which other they are.
        if twin is not None and not row.same_as:
            note = "; ".join(filter(None, [same_note(twin.method), row.note]))
            row = replace(row, note=note, same_as=twin.method)
        rows_so_far.append(row)
    return tuple(rows_so_far)


def _is_same(one: Estimate, other: Estimate) -> bool:
    """Whether two methods computed the same: the estimate and, to the last digits, what the bootstrap makes of it."""
    # An interval through infinity has no ends to compare.
    both = [(each.estimate, each.sd, each.lower, each.upper) for each in (one, other)]
    told = [(mine, theirs) for mine, theirs in zip(*both, strict=True) if (mine, theirs) != (None, None)]
    return len(told) > 1 and all(
        mine is not None and theirs is not None and math.isclose(mine, theirs, rel_tol=EQUAL) for mine, theirs in told
    )


_NEITHER = {"variance": "a variance", "sd": "a standard deviation", "quantile": "a quantile", "density": "a density"}


def _no_form(query: Query) -> str | None:
    """Why no estimator here answers a question that a model does; None where some may."""
    for term in query.terms:
        if term.kind in _NEITHER:
            # Not as it is written: Quantile[Y, 0.5 | …] prints as Median[Y | …].
            return f"estimators give means and probabilities, and {_NEITHER[term.kind]} is neither."
        if term.is_stochastic:
            return f"{term} draws a treatment from a law, which no estimator here does."
    return None


def _numbers(question: Question, data: Dataset) -> list[Name]:
    """Axes of a sweep some of whose points no row has: their columns are numbers at all points, or the curve would jump."""
    if question.source is None:
        return []
    named = dict(data.levels)
    return [
        axis.name
        for axis in question.source.axes
        if axis.name not in named
        and data.has(axis.name)
        and len(values := np.unique(data.column(axis.name))) > 2
        and not np.isin([v for v in axis.values if not isinstance(v, str)], values).all()
    ]

"""A graph against data without a model: every constraint tested, Holm's correction, and the edges that would repair it (L0)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from latentdo.errors import DataError
from latentdo.estimators import Column, sample_of
from latentdo.graphs import Admg, LatentDag, Name, project, quote
from latentdo.identification import (
    Identified,
    Independence,
    InstrumentalInequality,
    VermaConstraint,
    identify,
    testable_implications,
)
from latentdo.query import Query
from latentdo.sheet import listed
from latentdo.tables import Dataset, copies_note, without_copies

from .constraints.independence import Tested, covariance_test
from .constraints.inequality import inequality_test
from .constraints.verma import NotTestable, verma_test
from .fit_check import LEVEL, FitCheck
from .regimes import joined, regime_rows
from .repairs import repairs_of
from .smooth import LEAST_IN_LEVEL, MOST_LEVELS, ROWS_PER_TERM, Predictor, Residuals, Variable, few_rows
from .values import CheckedQuery, CheckRow, Layer, Word

Statement = Independence | VermaConstraint | InstrumentalInequality

LEAST_ROWS = 30
"""Rows below which nothing is tested."""
LOOKED_AT_AGAIN = 0.2
"""A p value, times the number of tests, below which other learners look too."""
MOST_LOOKED_AT_AGAIN = 60
"""Constraints that other learners look at: where more fail, those with the smallest p values."""
EXACT = 1e-8
"""The share of a column's variance below which nothing is left of it to test."""
MOST_ROWS = 20_000
"""Rows that are tested: of more so many, drawn at random."""
MOST_SEPARATORS = 20
"""Separating sets of a pair that are tested where all are wanted."""
TOO_FEW = f"fewer than {LEAST_ROWS} rows"


@dataclass(frozen=True)
class _Outcome:
    """What came of a statement: a test, or why there was none."""

    statement: Statement
    tested: Tested | None
    reason: str = ""


class _Tests:
    """All tests on one table; what two of them need is made once."""

    def __init__(self, columns: dict[Name, Column], n: int, seed: int) -> None:
        self.n, self.seed = n, seed
        self.columns = columns
        self.variables = {name: _variable(column) for name, column in columns.items()}
        self._predictors: dict[tuple[Name, ...], Predictor] = {}
        self._residuals: dict[tuple[Name, tuple[Name, ...], bool], Residuals] = {}
        self._outcomes: dict[tuple[str, bool], _Outcome] = {}

    def constrains(self, statement: Statement) -> bool:
        """Whether columns of this kind could contradict it: an instrument says nothing of a treatment that is a number."""
        return not isinstance(statement, InstrumentalInequality) or self.columns[statement.treatment].is_discrete

    def outcome(self, statement: Statement, *, closer: bool = False) -> _Outcome:
        """A statement, tested or not; each once."""
        key = str(statement), closer
        if key not in self._outcomes:
            self._outcomes[key] = self._again(statement) if closer else self._first(statement)
        return self._outcomes[key]

    def _first(self, statement: Statement) -> _Outcome:
        if self.n < LEAST_ROWS:
            return _Outcome(statement, None, TOO_FEW)
        for name in _names(statement):
            if self.variables[name].n_levels > MOST_LEVELS:
                levels = self.variables[name].n_levels
                return _Outcome(statement, None, f"{quote(name)} has {levels} levels, more than {MOST_LEVELS}")
            if self.variables[name].n_levels == 1:
                rows = f"each level of {quote(name)} has fewer than {LEAST_IN_LEVEL} rows, or all but one"
                return _Outcome(statement, None, rows)
            if reason := self._rare(name):
                return _Outcome(statement, None, reason)
        match statement:
            case Independence():
                return self._independence(statement)
            case VermaConstraint():
                found = verma_test(statement, self.variables)
            case InstrumentalInequality():
                found = inequality_test(statement, self.columns, self.seed)
        if isinstance(found, NotTestable):
            return _Outcome(statement, None, found.reason)
        return _Outcome(statement, found)

    def _rare(self, name: Name) -> str:
        """That of a column with two levels one has next to no rows; empty where that is not so."""
        codes = self.variables[name].codes
        if codes is None or self.variables[name].n_levels != 2:
            return ""
        fewest = int(np.bincount(codes, minlength=2).min())
        return few_rows(name, fewest) if fewest < LEAST_IN_LEVEL else ""

    def _independence(self, statement: Independence, *, closer: bool = False) -> _Outcome:
        given = tuple(sorted(statement.given))
        terms = sum(self.variables[name].lines.shape[1] for name in given)
        if ROWS_PER_TERM * terms > self.n:
            return _Outcome(statement, None, f"{terms} lines and levels are given, too many for {self.n} rows")
        found: list[Tested] = []
        for one in statement.first:
            for other in statement.second:
                sides = [self._left(name, given, closer=closer) for name in (one, other)]
                for name, side in zip((one, other), sides, strict=True):
                    if (side.values**2).mean() < EXACT:
                        return _Outcome(statement, None, f"{quote(name)} is a function of {listed(map(quote, given))}")
                found.append(covariance_test(sides[0], sides[1]))
        # Several pairs in one statement: Bonferroni.
        best = min(found, key=lambda each: each.p)
        return _Outcome(statement, Tested(min(1.0, best.p * len(found)), best.effect))

    def _again(self, statement: Statement) -> _Outcome:
        """With other learners too: the larger of the two p values stands."""
        outcome = self.outcome(statement)
        other: Tested | NotTestable | None = None
        match statement:
            case Independence():
                other = self._independence(statement, closer=True).tested
            case VermaConstraint():
                other = verma_test(statement, self.variables, rich=True)
            case InstrumentalInequality():
                pass
        if not isinstance(other, Tested) or outcome.tested is None or other.p <= outcome.tested.p:
            return outcome
        return replace(outcome, tested=other)

    def _left(self, name: Name, given: tuple[Name, ...], *, closer: bool) -> Residuals:
        key = (name, given, closer)
        if key not in self._residuals:
            if given not in self._predictors:
                self._predictors[given] = Predictor([self.variables[each] for each in given], self.n)
            predictor, target = self._predictors[given], self.variables[name]
            self._residuals[key] = predictor.closer(target, self.seed) if closer else predictor.residuals(target)
        return self._residuals[key]


def _variable(column: Column) -> Variable:
    return Variable.of(
        column.name, column.values, has_levels=column.is_discrete, ordered=not column.labels or len(column.labels) == 2
    )


def _names(statement: Statement) -> tuple[Name, ...]:
    match statement:
        case Independence():
            return (*statement.first, *statement.second, *statement.given)
        case VermaConstraint():
            return tuple(sorted(statement.expression.free | set(statement.nodes)))
        case InstrumentalInequality():
            return statement.names


def statements_of(graph: Admg, *, every: bool) -> Iterator[Statement]:
    """An independence for each pair, or for each set that separates one; then all that is no independence."""
    implied = testable_implications(graph)
    yield from implied.separations(MOST_SEPARATORS) if every else implied.independences
    yield from implied.verma
    yield from implied.inequalities


def graph_rows(
    graph: LatentDag | Admg, data: Dataset, *, every: bool = False, level: float = LEVEL, seed: int = 0
) -> tuple[CheckRow, ...]:
    """A row for each constraint of the graph, the smallest p value first, those that were not tested last.

    Args:
        graph: Its measured nodes are columns of the data.
        data: The rows.
        every: Whether each minimal separating set of a pair is tested, in place of one.
        level: Chance that a right graph has any row that fails.
        seed: Of forests and bootstraps.

    Raises:
        DataError: A column is missing or constant.
    """
    admg = project(graph)
    return _rows(admg, _tests(admg, data, seed), every=every, level=level)


def _tests(graph: Admg, data: Dataset, seed: int) -> _Tests:
    sample = sample_of(_units(graph, data, seed)[0], graph.nodes)
    return _Tests(dict(sample.columns), sample.n, seed)


def _units(graph: Admg, data: Dataset, seed: int) -> tuple[Dataset, tuple[str, ...]]:
    """The rows that are tested, and what is to be said of those that are not."""
    notes = []
    units, copies = without_copies(data, graph.nodes)
    if copies is not None:
        notes.append(copies_note(units.n_rows, data.n_rows))
        data = units
    if data.n_rows > MOST_ROWS:
        notes.append(f"{MOST_ROWS:,} of {data.n_rows:,} rows were tested, drawn at random")
        rows = data.expanded(graph.nodes)
        data = rows.picked(np.sort(np.random.default_rng(seed).choice(rows.n_stored, MOST_ROWS, replace=False)))
    return data, tuple(notes)


def _rows(graph: Admg, tests: _Tests, *, every: bool, level: float) -> tuple[CheckRow, ...]:
    statements = [each for each in statements_of(graph, every=every) if tests.constrains(each)]
    outcomes = [tests.outcome(statement) for statement in statements]
    tested = sorted((each for each in outcomes if each.tested), key=_p)
    limit = max(LOOKED_AT_AGAIN, 2 * level)
    suspects = [each for each in tested[:MOST_LOOKED_AT_AGAIN] if _p(each) * len(tested) < limit]
    tested[: len(suspects)] = [tests.outcome(each.statement, closer=True) for each in suspects]
    tested.sort(key=_p)
    rows = [_row(each, p, level) for each, p in zip(tested, holm(list(map(_p, tested))), strict=True)]
    return (*rows, *(_row(each, None, level) for each in outcomes if each.tested is None))


def _p(outcome: _Outcome) -> float:
    return 1.0 if outcome.tested is None else outcome.tested.p


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p values, of values in increasing order.

    Source:
        Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    steps = [min(1.0, p * (len(ps) - k)) for k, p in enumerate(ps)]
    return list(map(float, np.maximum.accumulate(steps))) if steps else []


def _row(outcome: _Outcome, adjusted: float | None, level: float) -> CheckRow:
    statement, tested = outcome.statement, outcome.tested
    match statement:
        case Independence():
            sides, latex, scale = (statement.first, statement.second), statement.latex, "correlation of residuals"
        case VermaConstraint():
            sides, latex, scale = (
                (statement.free, statement.nodes),
                statement.statement_latex,
                "sd, the formula's range",
            )
        case InstrumentalInequality():
            sides, latex, scale = ((statement.instrument,), (statement.outcome,)), statement.latex, "above 1"
    row = CheckRow(
        Layer.GRAPH,
        str(statement),
        Word.NOT_CHECKED,
        advice=outcome.reason,
        nodes=(*sides[0], *sides[1]),
        pairs=tuple(product(*sides)),
        latex=latex,
        about=statement,
    )
    if tested is None or adjusted is None:
        return row
    word = Word.CONTRADICTED if adjusted <= level else Word.NO_MISFIT
    return replace(row, word=word, p=tested.p, effect=tested.effect, adjusted=adjusted, scale=scale)


def check_graph(
    graph: LatentDag | Admg,
    data: Dataset,
    queries: Iterable[tuple[str | None, Query]] = (),
    *,
    every: bool = False,
    level: float = LEVEL,
    seed: int = 0,
) -> FitCheck:
    """Every constraint of a graph tested on data, without a model.

    Args:
        queries: Questions, with their names: each edge that would repair the graph says what it does to their verdicts.

    Raises:
        DataError: A column is missing or constant, or no node is measured.
        QueryError: A question makes no sense for the graph.
    """
    asked = tuple(queries)
    for _, query in asked:
        query.check(graph)
    admg = project(graph)
    if not admg.nodes:
        raise DataError(
            "Every node of the graph is latent: nothing can be tested. Take `latent` from what was measured."
        )
    plain = data.complete()
    tests = _tests(admg, plain, seed)
    rows = _rows(admg, tests, every=every, level=level)
    if data.regimes:
        found = list(regime_rows(admg, data, _independences(seed)))
        rows = tuple(joined(list(rows), found, level, holm))
    word = Word.gravest(row.word for row in rows)

    def left(wider: Admg) -> int:
        return sum(row.word.fails for row in _rows(wider, tests, every=every, level=level))

    constraints = [row for row in rows if row.about is not None]
    is_wrong = any(row.word is Word.CONTRADICTED for row in constraints)
    repairs = repairs_of(graph, constraints, left, asked) if is_wrong else ()
    notes = []
    if data.ignored:
        notes.append(f"columns that no node names, ignored: {listed(data.ignored, '')}")
    if data.unread:
        notes.append(f"columns with a latent's name, never read: {listed(data.unread, '')}")
    notes += _units(admg, plain, seed)[1]
    if sum(row.word.fails for row in rows) >= MOST_LOOKED_AT_AGAIN:
        notes.append(
            f"other learners looked at the {MOST_LOOKED_AT_AGAIN} constraints with the smallest p values alone"
        )
    checked = tuple(CheckedQuery(query, word, advice=(_verdict(graph, query),), name=name) for name, query in asked)
    return FitCheck(word, rows, admg, checked, data.n_rows, level, repairs, tuple(notes))


def _independences(seed: int) -> Callable[[Admg, Dataset, list[Independence]], Iterator[CheckRow]]:
    """Tests independences of a graph on a table, one row each."""

    def test(graph: Admg, data: Dataset, statements: list[Independence]) -> Iterator[CheckRow]:
        tests = _tests(graph, data, seed)
        for statement in statements:
            yield _row(tests.outcome(statement, closer=True), 1.0, 0.0)

    return test


def _verdict(graph: LatentDag | Admg, query: Query) -> str:
    """Whether the graph lets rows answer a question, and by which formula."""
    verdict = identify(graph, query)
    return f"identified: {verdict.estimand.text}" if isinstance(verdict, Identified) else "NOT identified by this graph"

"""What an instrument gives to those who assume more than the graph says: two-stage least squares and the Wald ratio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from latentdo.arrays import FloatArray
from latentdo.errors import LatentdoError
from latentdo.graphs import Admg, LatentDag, Name, project, quote
from latentdo.identification import Instrument, forms_of
from latentdo.query import Binary, Outcome, Query, Term
from latentdo.tables import Dataset

from .method import Estimate
from .task import COMPARE

WEAK = 10.0
"""The F statistic of the first stage below which intervals are too narrow."""
NEEDS = "needs more than the graph"
TWO_STAGES, WALD = "2sls", "wald"


@dataclass(frozen=True, eq=False)
class _Columns:
    """What the two stages read: columns of numbers with the rows' weights."""

    outcome: FloatArray
    treatment: FloatArray
    instrument: FloatArray
    given: tuple[FloatArray, ...]
    weights: FloatArray

    @property
    def is_binary(self) -> bool:
        """Whether instrument and treatment have two values each, and nothing is given."""
        return not self.given and all(len(np.unique(column)) == 2 for column in (self.instrument, self.treatment))


def with_instrument(
    graph: LatentDag | Admg, data: Dataset, query: Query, *, level: float = 0.9
) -> tuple[Estimate, ...]:
    """Estimates of a difference under an instrument, each with the assumption that it needs; none without an instrument.

    Source:
        Angrist, Imbens & Rubin (1996), Identification of causal effects using instrumental variables; standard errors that allow
        for unequal spread: White (1982), Instrumental variables regression with independent observations.
    """
    found = _difference(query)
    if found is None:
        return ()
    one, other = found
    step = _number(one, data) - _number(other, data)
    rows: list[Estimate] = []
    for instrument in _instruments(graph, one):
        columns = _columns(data, one, instrument)
        if columns is None or not np.isfinite(step):
            continue
        slope, se, strength = two_stages(columns)
        if not np.isfinite(slope):
            continue
        z = float(stats.norm.ppf(0.5 + level / 2))
        estimate, error = step * slope, abs(step) * se
        given = {"instrument": (instrument.node,), "given": tuple(sorted(instrument.given))}
        cautions = (
            (f"{quote(instrument.node)} is a weak instrument (F = {strength:.1f}): the interval is too narrow.",)
            if strength < WEAK
            else ()
        )
        row = Estimate(
            TWO_STAGES,
            estimate,
            error,
            estimate - z * error,
            estimate + z * error,
            level,
            note=f"{NEEDS}: effects are linear, and the same in all units; instrument {instrument}, F = {strength:.0f}",
            cautions=cautions,
            sets=given,
            interval="delta method",
        )
        rows.append(row)
        if columns.is_binary and abs(step) == np.ptp(columns.treatment):
            rows.append(_wald(row, columns, instrument))
        break
    return tuple(rows)


def instrument_columns(graph: LatentDag | Admg, queries: Iterable[Query]) -> set[Name]:
    """The nodes that estimates under an instrument read, beside treatment and outcome."""
    found: set[Name] = set()
    for query in queries:
        if (terms := _difference(query)) is not None:
            for instrument in _instruments(graph, terms[0]):
                found |= {instrument.node, *instrument.given}
                break
    return found


def _wald(row: Estimate, columns: _Columns, instrument: Instrument) -> Estimate:
    """The same number, as the effect in the units whom the instrument moves."""
    high = columns.instrument == columns.instrument.max()
    means = [np.average(columns.treatment[rows], weights=columns.weights[rows]) for rows in (high, ~high)]
    share = abs(means[0] - means[1]) / np.ptp(columns.treatment)
    note = (
        f"{NEEDS}: {quote(instrument.node)} moves the treatment in one direction alone; then it is the effect in the "
        f"{100 * share:.0f} % of units whom it moves, and not in all"
    )
    return Estimate(
        WALD,
        row.estimate,
        row.sd,
        row.lower,
        row.upper,
        row.level,
        note=note,
        cautions=row.cautions,
        sets=row.sets,
        interval=row.interval,
        same_as=TWO_STAGES,
    )


def _difference(query: Query) -> tuple[Term, Term] | None:
    """The two terms of a difference that one treatment makes to one outcome; None of any other question."""
    match query.expression:
        case Binary("-", Term() as one, Term() as other):
            pass
        case _:
            return None
    same = one.kind == other.kind and one.outcomes == other.outcomes and one.treatments == other.treatments
    single = len(one.treatments) == 1 and len(one.outcome_names) == 1 and not (one.given or other.given)
    fits = one.kind in ("mean", "event") and not (one.is_stochastic or other.is_stochastic or query.axes)
    return (one, other) if same and single and fits else None


def _number(term: Term, data: Dataset) -> float:
    """What the treatment is set to, as the column holds it; not a number where it is none."""
    (setting,) = term.do
    names = dict(data.levels).get(setting.name)
    if names is not None:
        return float(names.index(setting.value)) if len(names) == 2 and setting.value in names else np.nan
    return float(setting.value) if isinstance(setting.value, float | int) else np.nan


def _instruments(graph: LatentDag | Admg, term: Term) -> Iterator[Instrument]:
    try:
        yield from forms_of(project(graph), term).instruments()
    except LatentdoError:
        return


def _columns(data: Dataset, term: Term, instrument: Instrument) -> _Columns | None:
    """The columns, or None where the table lacks one, one has more than two names, or names are compared by size."""
    (treatment,), (outcome,) = term.treatments, term.outcome_names
    names: list[Name] = [outcome, treatment, instrument.node, *sorted(instrument.given)]
    labels = dict(data.levels)
    if any(not data.has(name) or len(labels.get(name, ())) > 2 for name in names):
        return None
    if outcome in labels and any(each.op != "=" for each in term.outcomes if term.kind == "event"):
        return None
    values: FloatArray = data.column(outcome)
    if term.kind == "event":
        values = _happened(values, term.outcomes, labels.get(outcome))
    return _Columns(
        values,
        data.column(treatment),
        data.column(instrument.node),
        tuple(data.column(name) for name in sorted(instrument.given)),
        data.weights,
    )


def _happened(values: FloatArray, outcomes: tuple[Outcome, ...], names: tuple[str, ...] | None) -> FloatArray:
    holds = np.ones(len(values), dtype=bool)
    for each in outcomes:
        value = names.index(str(each.value)) if names is not None and str(each.value) in names else each.value
        holds &= COMPARE[each.op](values, value)
    return holds.astype(float)


def two_stages(columns: _Columns) -> tuple[float, float, float]:
    """The slope of the outcome on the treatment, its standard error, and the F statistic of the first stage."""
    n = float(columns.weights.sum())
    ones = np.ones(len(columns.outcome))
    moved = np.stack([columns.treatment, *columns.given, ones], axis=1)
    moving = np.stack([columns.instrument, *columns.given, ones], axis=1)
    if n <= moved.shape[1] or np.linalg.matrix_rank(moving * np.sqrt(columns.weights)[:, None]) < moving.shape[1]:
        return np.nan, np.nan, 0.0
    weighted = (moving * columns.weights[:, None]).T
    cross = weighted @ moved
    if abs(np.linalg.det(cross / n)) < 1e-12:
        return np.nan, np.nan, 0.0
    slopes = np.linalg.solve(cross, weighted @ columns.outcome)
    left = columns.outcome - moved @ slopes
    middle = (moving * (columns.weights * left**2)[:, None]).T @ moving * n / (n - moved.shape[1])
    inverse = np.linalg.inv(cross)
    covariance = inverse @ middle @ inverse.T
    first = np.linalg.solve(weighted @ moving, weighted @ columns.treatment)
    rest = columns.treatment - moving @ first
    bread = np.linalg.inv(weighted @ moving)
    spread = bread @ ((moving * (columns.weights * rest**2)[:, None]).T @ moving) @ bread * n / (n - moving.shape[1])
    strength = float(first[0] ** 2 / spread[0, 0]) if spread[0, 0] > 0 else np.inf
    return float(slopes[0]), float(np.sqrt(covariance[0, 0])), strength

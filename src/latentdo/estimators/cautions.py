"""What may be wrong whatever the method: values that few rows have, and rows that differ in more than what is set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from latentdo.graphs import Name, quote

from .choices import FEW_ROWS_PER_TERM, ROWS_PER_TERM
from .features import Features
from .nuisances import Laws
from .sample import Sample
from .task import Task
from .weighting import LEAST_PROBABILITY, far_off, rare_caution

FIXED = 0.03
"""A number of which others leave this part of its standard deviation, or less, is all but fixed by them."""
EXACT = 1e-6
ROWS_PER_NAME = 2
"""With fewer rows for each name of a column nothing can be adjusted for it."""
FEW = 0.01
"""Rows that could not have had a value are cautioned against if they are this part of all."""
MOST_ROWS = 20_000
"""So many rows tell whether a number is fixed."""


def far_cautions(sample: Sample, places: Mapping[Name, float]) -> Iterator[str]:
    """Cautions about numbers that a node is set to or has, and that lie outside its data."""
    for name, value in places.items():
        if sample[name].is_discrete:
            continue
        low, high = np.quantile(sample[name].values, [0.01, 0.99])
        if not low <= value <= high:
            yield (
                f"{name}={value:g} lies outside the middle 98 % of its column, {low:.4g} to {high:.4g}: "
                "the answer is an extrapolation."
            )


def support_cautions(task: Task) -> list[str]:
    """Cautions about treatment values that the data hardly have."""
    cautions: list[str] = []
    for name, value in task.treatments.items():
        column = task.sample[name]
        if column.is_discrete:
            rows = int((column.values == value).sum())
            if rows < 10:
                have = "1 row has" if rows == 1 else f"{rows} rows have"
                cautions.append(f"{have} {name}={_shown(task, name, value)}: the answer rests on so few.")
    cautions += far_cautions(task.sample, task.treatments)
    if task.treatments and all(task.sample[name].is_discrete for name in task.treatments):
        treated = np.ones(task.sample.n, dtype=bool)
        for name, value in task.treatments.items():
            treated &= task.sample[name].values == value
        if treated.sum() > 1 and np.ptp(task.asked[treated]) == 0:
            places = ", ".join(f"{quote(name)}={_shown(task, name, value)}" for name, value in task.treatments.items())
            cautions.append(
                f"all rows with {places} have the same outcome: intervals that rest on them are too narrow."
            )
    n_terms = 1 + max(len(task.graph.parents(name)) for name in (task.outcome, *task.treatments))
    if n_terms * FEW_ROWS_PER_TERM > task.sample.n:
        cautions.append(
            f"a model has {n_terms} terms for {task.sample.n} rows: its errors may be as large as what it explains."
        )
    return cautions


def unlike_rows(sample: Sample) -> str:
    """That a column of names has next to one for every row, so that no two rows can be compared; empty where none has."""
    for column in sample.columns.values():
        n = len(column.levels) if column.labels and column.levels is not None else 0
        if n > 2 and ROWS_PER_NAME * n > sample.n:
            return (
                f"{quote(column.name)} has {n} names in {sample.n} rows: hardly two rows can be compared. Leave it out of the "
                "table, or put what the names stand for in its place"
            )
    return ""


def levels_notes(task: Task) -> list[str]:
    """Which columns of whole numbers are set as levels, each value by itself, and not as numbers."""
    columns = (task.sample[name] for name in task.treatments)
    return [
        f"{quote(column.name)} as {len(column.levels)} levels"
        for column in columns
        if column.levels is not None and len(column.levels) > 2 and not column.labels
    ]


def _shown(task: Task, name: Name, value: float) -> str:
    labels = task.sample[name].labels
    return labels[int(value)] if labels else f"{value:g}"


def overlap_cautions(task: Task, laws: Laws, adjustment: Sequence[Name] | None) -> tuple[str, ...]:
    """Cautions for all methods but the baselines, whether or not a method shows weights.

    A treatment has to vary given what is adjusted for. Where nothing is, and mediators carry the effect, they have to vary
    given the treatment.

    Args:
        adjustment: What the method adjusts for; None for what suits the graph.
    """
    forms = task.forms
    if forms is None or not task.has_effect or task.term.given:
        return ()
    best, fixed = forms.optimal_adjustment, task.fixability
    given = adjustment if adjustment is not None else best.nodes if best is not None else None
    if given is not None:
        return tuple(
            caution for name in task.treatments for caution in _of_treatment(task, laws, name, tuple(sorted(given)))
        )
    if fixed is None or not fixed.p_fixable:
        return ()
    pillows = dict(fixed.pillows)
    cautions = list(_of_treatment(task, laws, fixed.treatment, tuple(sorted(pillows[fixed.treatment]))))
    for name in fixed.mediators:
        if name != task.outcome and fixed.treatment in pillows[name]:
            cautions += _of_mediator(task, laws, name, fixed.treatment, tuple(sorted(pillows[name])))
    return tuple(cautions)


def left_over(sample: Sample, name: Name, given: Sequence[Name]) -> float:
    """What part of the standard deviation of a number is left after the best fit by others, squares and products included."""
    if sample.n > MOST_ROWS:
        sample = sample.part(np.linspace(0, sample.n - 1, MOST_ROWS).astype(np.intp))
    column, columns = sample[name], tuple(sample[other] for other in given)
    features = Features(columns, 2)
    if ROWS_PER_TERM * features.size > sample.n:
        features = Features(columns, 1)
    if 2 * features.size > sample.n:
        return 1.0
    matrix = features.matrix(sample.env(given), sample.n)
    target = (column.values - column.mean) / column.sd
    return float((target - matrix @ np.linalg.lstsq(matrix, target, rcond=None)[0]).std())


def _of_treatment(task: Task, laws: Laws, name: Name, given: tuple[Name, ...]) -> tuple[str, ...]:
    column, n = task.sample[name], task.sample.n
    if not given:
        return ()
    if not column.is_discrete:
        if caution := _fixed(task.sample, name, given):
            return caution
        rare = far_off(laws.law(name, given), task.sample.env(given), task.treatments[name])
        return rare_caution(rare, n, continuous=True) if rare >= FEW * n else ()
    env = task.sample.env(given)
    chance = laws.law(name, given).density(env, np.full((1, 1), task.treatments[name]))
    rare = int((np.broadcast_to(chance[0], n) < LEAST_PROBABILITY).sum())
    return rare_caution(rare, n) if rare >= FEW * n else ()


def _of_mediator(task: Task, laws: Laws, name: Name, treatment: Name, given: tuple[Name, ...]) -> tuple[str, ...]:
    column, cause, n = task.sample[name], task.sample[treatment], task.sample.n
    if not column.is_discrete:
        return _fixed(task.sample, name, given, blamed=treatment)
    if cause.levels is None:
        return ()
    env, law = task.sample.env((*given, name)), laws.law(name, given)
    least = np.min(
        [law.density({**env, treatment: np.full((1, n), level)}, env[name])[0] for level in cause.levels], axis=0
    )
    rare = int((least < LEAST_PROBABILITY).sum())
    if rare < FEW * n:
        return ()
    return (
        f"for {rare} of {n} rows {quote(name)} has, under another value of {quote(treatment)}, a probability below "
        f"{LEAST_PROBABILITY:g}: what {quote(name)} does can hardly be told from what {quote(treatment)} does.",
    )


def _fixed(sample: Sample, name: Name, given: tuple[Name, ...], blamed: Name | None = None) -> tuple[str, ...]:
    part = left_over(sample, name, given)
    if part > FIXED:
        return ()
    others = ", ".join(map(quote, given))
    how = "fixed" if part < EXACT else "all but fixed"
    other = f"{quote(blamed)} does" if blamed else f"{others} {'does' if len(given) == 1 else 'do'}"
    return (f"{quote(name)} is {how} by {others}: what {quote(name)} does cannot be told from what {other}.",)

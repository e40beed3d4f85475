"""Double machine learning for any identified effect: the formula with its influence function, cross-fitted.

Three ways lead there. Of adjustment and of p-fixable effects the influence function is that of their own estimators. A
ratio of two adjustments has one in closed form. Of any other formula over columns with levels it is computed: the slope of
the formula with respect to each entry of each conditional table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.identification import Expression, Prob, Product, Quotient, Sum, parts

from ..features import Features
from ..laws import AbstractDiscreteLaw, AbstractLaw, TableLaw
from ..method import AbstractMethod, Fits, No, Result, Yes, register
from ..nuisances import Laws
from ..sample import Column, Env, FloatArray, Sample
from ..task import Task
from ..weighting import (
    T_NODES,
    average,
    bandwidths,
    clipped,
    closeness,
    divisor,
    effective_size,
    kernel_notes,
    middle,
    middle_density,
    rate_of,
)
from .adjustment import Aipw
from .nested import AbstractNested
from .plug_in import Evaluator, is_linear
from .primal import Apipw

LEAST_CELL = 1e-3
"""Probabilities of a combination of levels below are raised to it where they divide."""
LEAST_RATIO = 0.05
"""Divisors that depend on covariates are at least this part of their mean."""
_STEP = 1e-5
MOST_ENTRIES = 20_000


@register
@dataclass(frozen=True)
class DmlId(AbstractNested):
    """One-step estimation of the formula of the verdict with its influence function, cross-fitted.

    Source:
        Jung, Tian & Bareinboim (2021), Estimating identifiable causal effects through double machine learning.
    """

    name: ClassVar[str] = "dml-id"
    place: ClassVar[int] = 140

    def applies(self, task: Task) -> Yes | No:
        answer = super().applies(task)
        if isinstance(answer, No):
            return answer
        fixed = task.fixed
        if fixed.a_fixable:
            return _as(Aipw(), task)
        if fixed.p_fixable:
            return _as(Apipw(), task)
        if ratio_of_adjustments(task) is not None:
            return Yes(note="a ratio of adjustments")
        return _enumerable(task)

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        fixed = task.fixed
        if fixed.a_fixable:
            return Aipw().fit(task, fits, sets)
        if fixed.p_fixable:
            return Apipw().fit(task, fits, sets)
        ratio = ratio_of_adjustments(task)
        if ratio is not None:
            return _fit_ratio(task, fits, ratio)
        terms = np.empty(task.sample.n)
        for part, rows in fits.crossed.folds:
            terms[rows] = one_step(task, part, rows)
        # The rows of all replicates would need as many slopes; the influence function makes them unnecessary.
        return Result(average(fits.weights[:1], terms[None]), terms)


def _as(method: AbstractMethod, task: Task) -> Yes:
    answer = method.applies(task)
    assert isinstance(answer, Yes)
    return replace(answer, same_as=method.name)


def _enumerable(task: Task) -> Yes | No:
    """Whether every column of the formula has levels, the outcome's mean set apart."""
    formula = task.solution.formula
    names = {
        name for part in parts(formula.expression) if isinstance(part, Prob) for name in (*part.outcomes, *part.given)
    }
    linear = formula.evidence is None and is_linear(formula.expression, task.outcome)
    wrong = sorted(
        name for name in names if not task.sample[name].is_discrete and not (linear and name == task.outcome)
    )
    if wrong:
        return No(
            f"its influence function is worked out for adjustments, p-fixable treatments, ratios of adjustments and columns "
            f"with levels, and here {', '.join(map(quote, wrong))} {'is' if len(wrong) == 1 else 'are'} continuous."
        )
    return Yes(note="influence function from the slopes of the formula")


@dataclass(frozen=True, eq=False)
class _MeanTable(AbstractLaw):
    """The mean of a continuous column in each combination of levels, (replicate, combination)."""

    features: Features
    table: FloatArray

    def mean(self, env: Env) -> FloatArray:
        cells = self.features.cells(env)
        assert cells.shape[0] == 1
        return self.table[:, cells[0]]

    def density(self, env: Env, values: FloatArray) -> FloatArray:
        raise AssertionError("only the mean enters")

    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        raise AssertionError("only the mean enters")

    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        raise AssertionError("only the mean enters")


_Key = tuple[Name, tuple[Name, ...]]


class _Tables:
    """Laws as tables, each of which can be replaced by many that differ in one entry."""

    def __init__(self, sample: Sample, laws: Laws) -> None:
        self._sample, self._laws = sample, laws
        self.known: dict[_Key, TableLaw | _MeanTable] = {}
        self.shifted: dict[_Key, TableLaw | _MeanTable] = {}

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        """The law as a table."""
        key = (target, tuple(sorted(set(given))))
        if key not in self.known:
            self.known[key] = self._table(key)
        return self.shifted.get(key, self.known[key])

    def _table(self, key: _Key) -> TableLaw | _MeanTable:
        target, given = key
        features = Features(tuple(self._sample[name] for name in given), "cells")
        env = all_cells(features.columns)
        law = self._laws.law(target, given)
        if isinstance(law, AbstractDiscreteLaw):
            table = np.broadcast_to(law.probabilities(env)[:1], (1, features.size - 1, len(law.levels)))
            return TableLaw(self._sample[target], features, table)
        return _MeanTable(features, np.broadcast_to(law.mean(env)[:1], (1, features.size - 1)))


def all_cells(columns: tuple[Column, ...]) -> dict[Name, FloatArray]:
    """Every combination of levels, in the order of `Features.cells`, with the axes (1, combination)."""
    levels = [column.levels for column in columns if column.levels is not None]
    grids = np.meshgrid(*levels, indexing="ij") if levels else []
    env = {column.name: grid.reshape(1, -1) for column, grid in zip(columns, grids, strict=True)}
    return env or {"": np.zeros((1, 1))}


def one_step(task: Task, laws: Laws, rows: np.ndarray) -> FloatArray:
    """The formula with these laws plus its influence function at some rows.

    Moving the law P(v | g) of one table towards the point v at g moves the formula by its slope; a row does so for each
    law with the weight 1 / P(g).

    Source:
        Jung, Tian & Bareinboim (2021), where the influence function of an estimand is composed by the same chain rule.
    """
    sample = task.sample
    tables = _Tables(sample, laws)
    weights = np.ones((1, 1))
    value = Evaluator(task, tables, weights).answer()[0][0]
    env = {name: values[:, rows] for name, values in sample.env(sample.columns).items()}
    total = np.full(len(rows), value)
    for key, law in list(tables.known.items()):
        target, given = key
        size = law.table[0].size
        # A mean has its column's unit; the formula is linear in it, so that a large step loses no digits.
        step = _STEP if isinstance(law, TableLaw) else sample[target].sd
        slopes = np.empty(size)
        batch = max(1, MOST_ENTRIES // size)
        for start in range(0, size, batch):
            entries = np.arange(start, min(start + batch, size))
            moved = np.repeat(law.table, 2 * len(entries), axis=0).reshape(2 * len(entries), -1)
            place = np.arange(len(entries))
            moved[place, entries] += step
            moved[len(entries) + place, entries] -= step
            tables.shifted = {key: replace(law, table=moved.reshape(-1, *law.table.shape[1:]))}
            moved_values = Evaluator(task, tables, np.ones((2 * len(entries), 1))).answer()[0]
            slopes[entries] = (moved_values[: len(entries)] - moved_values[len(entries) :]) / (2 * step)
        tables.shifted = {}
        cells = np.broadcast_to(law.features.cells(env)[0], len(rows))
        chance = np.maximum(_chance(laws, given, env), LEAST_CELL)
        if isinstance(law, TableLaw):
            slopes = slopes.reshape(law.table.shape[1:])
            at_row = slopes[cells, law.column.codes(env[target][0])]
            total += (at_row - (slopes * law.table[0]).sum(axis=1)[cells]) / chance
        else:
            total += slopes[cells] * (env[target][0] - law.table[0][cells]) / chance
    return total


def _chance(laws: Laws, names: tuple[Name, ...], env: Env) -> FloatArray:
    """The probability of what each row has in these columns."""
    chance: FloatArray = np.ones(1)
    for i, name in enumerate(names):
        chance = chance * laws.law(name, names[:i]).density(env, env[name])[0]
    return chance


@dataclass(frozen=True)
class RatioOfAdjustments:
    """Σ_w P(seen, Y | moved, w) P(w) / Σ_w P(seen | moved, w) P(w), the napkin's form, or its mean over more covariates.

    Attributes:
        moved: The node that the adjustment sets, whose value does not matter.
        seen: The treatment, which is conditioned on.
        covariates: What is averaged over above and below.
        outer: What the ratio is averaged over.
    """

    moved: Name
    seen: Name
    covariates: tuple[Name, ...]
    outer: tuple[Name, ...] = ()


def ratio_of_adjustments(task: Task) -> RatioOfAdjustments | None:
    """The nodes of a formula of this form, or None."""
    formula = task.solution.formula
    if formula.evidence is not None or len(task.treatments) != 1 or len(formula.free) != 1:
        return None
    expression, outer = formula.expression, frozenset[Name]()
    match expression:
        case Sum(over=over, body=Product(factors=factors)):
            ratios = [factor for factor in factors if isinstance(factor, Quotient)]
            laws = [factor for factor in factors if isinstance(factor, Prob)]
            if len(ratios) != 1 or len(laws) != len(factors) - 1 or _covered(laws, frozenset()) != set(over):
                return None
            expression, outer = ratios[0], frozenset(over)
    match expression:
        case Quotient(
            numerator=Sum(over=over, body=Product(factors=above)),
            denominator=Sum(over=over_below, body=Product(factors=below)),
        ) if set(over) == set(over_below):
            pass
        case _:
            return None
    (seen,) = task.treatments
    inner = _inner(above, {seen, task.outcome}, frozenset(over), outer)
    if inner is None or _inner(below, {seen}, frozenset(over), outer) != inner or not inner >= set(over):
        return None
    if inner - set(over) - outer != set(formula.free):
        return None
    return RatioOfAdjustments(formula.free[0], seen, tuple(sorted(over)), tuple(sorted(outer)))


def _inner(
    factors: tuple[Expression, ...], outcomes: set[Name], over: frozenset[Name], outer: frozenset[Name]
) -> frozenset[Name] | None:
    """What the only factor over these outcomes is given, where all others are the law of what is averaged over."""
    joint = [factor for factor in factors if isinstance(factor, Prob) and set(factor.outcomes) == outcomes]
    rest = [factor for factor in factors if factor not in joint]
    if len(joint) != 1 or _covered(rest, outer) != over:
        return None
    return frozenset(joint[0].given)


def _covered(factors: Iterable[Expression], outer: frozenset[Name]) -> set[Name] | None:
    """The nodes whose law the factors are, given `outer`; None where they are no such law."""
    every = list(factors)
    laws = [factor for factor in every if isinstance(factor, Prob)]
    covered = {name for law in laws for name in law.outcomes}
    if len(laws) != len(every) or len(covered) != sum(len(law.outcomes) for law in laws):
        return None
    return covered if all(set(law.given) <= covered | outer for law in laws) else None


def _fit_ratio(task: Task, fits: Fits, ratio: RatioOfAdjustments) -> Result:
    """Each adjustment with its influence function, for a law of the moved node that stays in the middle of its column."""
    sample, laws = task.sample, fits.crossed
    moved, others = ratio.moved, (*ratio.covariates, *ratio.outer)
    column, outcome = sample[moved], sample[task.outcome].values[None]
    env = sample.env(sample.columns)
    treatment = sample[ratio.seen]
    h = bandwidths(task).get(ratio.seen, 1.0)
    near = closeness(treatment, task.treatments[ratio.seen], h)
    given = (moved, *others)
    density_of_moved = divisor(column, laws.law(moved, others).density(env, env[moved]))
    values, shares, chosen = _reference(column, fits)
    weights = chosen / density_of_moved
    trimmed = 0
    if not column.is_discrete:
        weights, trimmed = clipped(weights)
    grid = {name: old[..., None] for name, old in env.items()}
    grid[moved] = values.reshape(1, 1, -1)

    outcomes = laws.law(task.outcome, (ratio.seen, *given))

    def parts_at(point: dict[Name, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """E[Y | X = x, moved, covariates], and P(X = x | moved, covariates)."""
        fixed = {**point, ratio.seen: np.full((1,) * point[moved].ndim, task.treatments[ratio.seen])}
        return outcomes.mean(fixed), laws.law(ratio.seen, given).density(point, fixed[ratio.seen])

    mean, density = parts_at(env)
    means, densities = parts_at(grid)
    # Near x but not at it, a row's outcome differs from those at x by what the regression says of the distance.
    level = outcome - outcomes.mean(env) + mean
    above, below = (means * densities * shares).sum(axis=-1), (densities * shares).sum(axis=-1)
    top = weights * (level * near - mean * density) + above
    bottom = weights * (near - density) + below
    if ratio.outer:
        # The corrected parts are averaged at each value of what the ratio is averaged over: right if either law is.
        sums, totals = (
            fits.plain.regress(part, ratio.outer, ("ratio", i))(env) for i, part in enumerate((top, bottom))
        )
        totals = np.maximum(totals, LEAST_RATIO * average(fits.weights, below)[:, None])
        terms = sums / totals + (top - sums / totals * bottom) / totals
        value, influence = average(fits.weights, terms), terms[0]
    else:
        sums, totals = average(fits.weights, top), average(fits.weights, bottom)
        value = sums / totals
        influence = value[0] + (top[0] - value[0] * bottom[0]) / totals[0]
    notes = [f"{moved} drawn from the middle of its column"] if not column.is_discrete else []
    # Rows whose covariates go with no value of the moved node in the middle are told of by the regression alone, whose
    # error is no part of the influence function.
    return Result(
        value,
        influence if column.is_discrete else None,
        effective_size(weights * (near > 0)),
        trimmed,
        notes=(*notes, *kernel_notes(task, bandwidths(task))),
        rate=rate_of(bandwidths(task)),
    )


def _reference(column: Column, fits: Fits) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values of the moved node with their weights, and the chosen law at each row: its own of levels, else a narrow normal."""
    if column.levels is not None:
        law = fits.plain.law(column.name, ())
        env = {column.name: column.values[None]}
        weights = law.nodes({"": np.zeros((1, 1))}, T_NODES)[1]
        return column.levels, weights, law.density(env, column.values[None])
    centre, spread = middle(column)
    z, weights = np.polynomial.hermite_e.hermegauss(T_NODES)
    return centre + spread * z, (weights / weights.sum()).reshape(1, 1, -1), middle_density(column)

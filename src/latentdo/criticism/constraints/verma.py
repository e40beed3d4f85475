"""Whether a formula in P(V) depends on a node that it should be free of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from scipy.stats import f as f_law

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name
from latentdo.identification import Prob, Product, Quotient, Sum, VermaConstraint, parts

from ..smooth import Predictor, Variable
from .independence import SHARE, Tested

MOST_CELLS = 512
"""Combinations of levels up to which a formula is computed from their frequencies."""
ROWS_PER_CELL = 20
"""Rows per combination that frequencies need: with half as many one right constraint in ten is rejected at 5 %."""
STEP = 1e-4
WEIGHTS = 2
"""Curves, beside the straight line, of the node that the formula should be free of."""


@dataclass(frozen=True)
class NotTestable:
    """Why there is no test."""

    reason: str


def verma_test(
    constraint: VermaConstraint, variables: Mapping[Name, Variable], *, rich: bool = False
) -> Tested | NotTestable:
    """Whether the formula moves with the nodes that it should be free of.

    Where it is an average of one conditional law over another its mean is found by regression, which needs fewer rows than
    its value for every combination of levels; any other formula of columns with levels is computed from their frequencies.

    Args:
        rich: Whether the regression has products of curves too.
    """
    names = tuple(sorted(constraint.expression.free | _mentioned(constraint)))
    levels = [variables[name].n_levels for name in names]
    n = len(variables[names[0]].values)
    form = _form(constraint)
    if isinstance(form, _Average):
        return _regression(form, variables, n, rich=rich)
    if not all(levels):
        return form
    if prod(levels) > min(MOST_CELLS, n // ROWS_PER_CELL):
        return NotTestable(f"a formula of {prod(levels):,} combinations of levels needs {ROWS_PER_CELL} rows for each")
    return _frequencies(constraint, names, variables, n)


def _mentioned(constraint: VermaConstraint) -> frozenset[Name]:
    return frozenset().union(
        *({*part.outcomes, *part.given} for part in parts(constraint.expression) if isinstance(part, Prob))
    )


# --- columns with levels


def _frequencies(
    constraint: VermaConstraint, names: Sequence[Name], variables: Mapping[Name, Variable], n: int
) -> Tested | NotTestable:
    """A Wald test of the formula's differences, with the infinitesimal jackknife's covariance."""
    shape = tuple(variables[name].n_levels for name in names)
    cells = np.ravel_multi_index(tuple(_codes(variables[name]) for name in names), shape)
    shares = np.bincount(cells, minlength=prod(shape)) / n
    free = [names.index(name) for name in constraint.free]

    def differences(table: FloatArray) -> FloatArray:
        # Of what must not move, by how much each value differs from the mean over the free nodes, as frequent as they are.
        with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 where a combination has no rows
            value = constraint.evaluate(table.reshape(shape), names)
        moving = tuple(shape[k] if k in free else 1 for k in range(len(shape)))
        value = np.broadcast_to(value, np.broadcast_shapes(value.shape, moving))
        weights = shares.reshape(shape).sum(axis=tuple(k for k in range(len(shape)) if k not in free), keepdims=True)
        return (value - (value * weights).sum(axis=tuple(free), keepdims=True)).ravel()

    found = differences(shares)
    known = np.isfinite(found)
    if not known.any():
        return NotTestable("combinations of levels that the formula needs have no rows")
    seen = np.flatnonzero(shares)
    slopes = np.zeros((len(seen), int(known.sum())))
    for k, cell in enumerate(seen):
        moved = (1 - STEP) * shares
        moved[cell] += STEP
        slopes[k] = (differences(moved)[known] - found[known]) / STEP
    slopes = np.nan_to_num(slopes)
    covariance = (slopes * shares[seen, None]).T @ slopes / n
    # As many as are free to move: differences and probabilities that sum to zero are counted once.
    size = int(np.linalg.matrix_rank(covariance, tol=1e-6 * max(np.trace(covariance), 1e-300)))
    if not size:
        return NotTestable("the formula does not vary in these rows")
    statistic = float(found[known] @ np.linalg.pinv(covariance, rcond=1e-6, hermitian=True) @ found[known])
    left = max(n - len(seen), 2)
    p = float(f_law.sf(statistic / size * left / (left + size), size, left))
    return Tested(p, float(np.abs(found[known]).max()))


def _codes(variable: Variable) -> IntArray:
    assert variable.codes is not None
    return variable.codes


# --- any columns


@dataclass(frozen=True)
class _Average:
    """Σ_summed P(outcomes | summed, around, fixed) P(summed | around), which must not depend on `free`.

    Attributes:
        outcomes: What it is the law of.
        summed: What is averaged over.
        around: What its law is given.
        fixed: What the outcomes' law is given besides: what an intervention holds.
        free: What it must not depend on.
    """

    outcomes: tuple[Name, ...]
    summed: frozenset[Name]
    around: frozenset[Name]
    fixed: frozenset[Name]
    free: frozenset[Name]


def _form(constraint: VermaConstraint) -> _Average | NotTestable:
    """The formula as an average of one law over another, if it is one."""
    nodes, free = set(constraint.nodes), frozenset(constraint.free)
    expression = constraint.expression
    if isinstance(expression, Quotient) and isinstance(expression.denominator, Prob):
        # Σ_A P(E | A, B, C) P(A, C) / P(C): the law of A given C.
        expression = expression.numerator
    if isinstance(expression, Product):
        averages = [each for each in expression.factors if not isinstance(each, Prob)]
        expression = averages[0] if len(averages) == 1 else expression
    reason = NotTestable("a ratio of averages has no test where columns are numbers")
    if not (isinstance(expression, Sum) and isinstance(expression.body, Product)):
        return reason
    laws = [each for each in expression.body.factors if isinstance(each, Prob)]
    outer = [law for law in laws if nodes.intersection(law.outcomes) and not set(law.outcomes) & set(expression.over)]
    inner = [law for law in laws if law not in outer]
    if len(laws) != len(expression.body.factors) or len(outer) != 1 or len(inner) != 1:
        return reason
    summed = frozenset(expression.over)
    around = frozenset((*inner[0].outcomes, *inner[0].given)) - summed
    fixed = frozenset(outer[0].given) - summed - around
    if not (free <= around or free <= fixed) or not summed <= set(outer[0].given):
        return reason
    return _Average(outer[0].outcomes, summed, around & frozenset(outer[0].given) | free & around, fixed, free)


def _regression(form: _Average, variables: Mapping[Name, Variable], n: int, *, rich: bool) -> Tested:
    """A moment test: what the free nodes make of the outcome, on their own and through what is averaged over.

    The outcome's mean has curves in all it is given. What is fixed by an intervention is held independent of the rest, and
    drops out; the law of what is averaged over is that of the rows. No ratio is estimated.
    """
    given = sorted(form.summed | form.around | form.fixed)
    side = form.summed | form.around if form.free <= form.around else form.fixed
    beside = sorted((side & (form.around | form.fixed)) - form.free)
    predictors = [
        Predictor([variables[name] for name in given], n, cells=False, rich=r) for r in (False, True)[: 1 + rich]
    ]
    weights, n_lines = _weights(form.free, variables)
    other = None
    if beside:
        # Within what else is given: what is left of the weights.
        other = Predictor([variables[name] for name in beside], n)
        columns = [Variable(f"weight {k}", column) for k, column in enumerate(weights.T)]
        weights = np.concatenate([other.residuals(column).values for column in columns], axis=1)
    weights = (weights - weights.mean(axis=0)) / weights.std(axis=0).clip(1e-12)
    best: Tested | None = None
    for name in form.outcomes:
        # The one that predicts better: the plain one where both predict alike.
        predictor = min(predictors, key=lambda each: float((each.residuals(variables[name]).values ** 2).sum()))
        found, df = predictor.functional(variables[name], weights, side, other)
        tested = _zero_means(found, df, float(variables[name].targets.std(axis=0).max()))
        if n_lines < weights.shape[1]:
            # Most of the level for straight lines, the rest for all.
            plain = _zero_means(found[:, : n_lines * variables[name].targets.shape[1]], df, 1.0).p
            tested = replace(tested, p=min(plain / SHARE, tested.p / (1 - SHARE)))
        tested = Tested(min(1.0, tested.p * len(form.outcomes)), tested.effect)
        best = tested if best is None or tested.p < best.p else best
    assert best is not None
    return best


def _weights(free: frozenset[Name], variables: Mapping[Name, Variable]) -> tuple[FloatArray, int]:
    """(row, weight): the free nodes' lines and levels, then their smoothest curves; and how many are lines and levels."""
    lines = [variables[name].lines for name in sorted(free)]
    curves = [variables[name].curves[:, :WEIGHTS] for name in sorted(free)]
    return np.concatenate([*lines, *curves], axis=1), sum(each.shape[1] for each in lines)


def _zero_means(found: FloatArray, df: float, scale: float) -> Tested:
    """Whether columns whose rows are influences have the means zero."""
    n, size = found.shape
    means = found.mean(axis=0)
    covariance = np.cov(found, rowvar=False).reshape(size, size) / max(n - df, 2.0)
    statistic = float(means @ np.linalg.pinv(covariance, rcond=1e-8, hermitian=True) @ means)
    left = max(n - df - size, 2.0)
    p = float(f_law.sf(statistic / size * left / (left + size - 1), size, left))
    return Tested(p, float(np.abs(means).max()) / max(scale, 1e-12))

"""The ends of a question over all laws of the response types that the rows allow, and how each end moves with the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog, lsq_linear, nnls
from scipy.sparse import csr_matrix, hstack, vstack

from latentdo.arrays import FloatArray
from latentdo.errors import DataError, LatentdoError, QueryError

from .programme import Laws, Programme, undefined

WITHIN = 1e-7
"""What the solver takes for zero."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as numbers: (above · law + top) / (below · law + bottom), (…, type) each.

    Attributes:
        above: What each type adds above the stroke.
        top: A number above it.
        below: What each type adds below; None where the question is linear.
        bottom: A number below.
    """

    above: FloatArray
    top: float
    below: FloatArray | None
    bottom: float

    @staticmethod
    def of(programme: Programme, laws: Laws, which: np.ndarray | None = None, *, upper: bool) -> Asked:
        """The question under some laws, missing outcomes as what one end needs them to be.

        Args:
            upper: Whether that end is the upper one.

        Raises:
            DataError: It needs the frequency of something that was never seen.
        """
        ratio = programme.plan.ratio
        count = programme.types_in_all if which is None else len(which)

        def total(terms: tuple, *, most: bool) -> FloatArray:
            whole: FloatArray = np.zeros(count)
            for term, factor in terms:
                value = programme.value(term, laws, which, most=most == (factor > 0))
                if which is None and np.isnan(value).any():
                    raise undefined(programme, term)
                whole = whole + factor * value
            return whole

        below = None if ratio.is_linear else total(ratio.below, most=not upper)
        return Asked(total(ratio.above, most=upper), ratio.top, below, ratio.bottom)


@dataclass(frozen=True, eq=False)
class End:
    """One end of a question, and the point where it lies.

    Attributes:
        value: The end; infinite where a denominator may be zero.
        law: The law of the types that reaches it.
        duals: What a change of each cell's probability does to it, to first order; those of the blocks' totals last.
        below: The denominator there.
    """

    value: float
    law: FloatArray
    duals: FloatArray
    below: float


class Infeasible(LatentdoError):
    """No law of the types has these probabilities."""


def end_of(programme: Programme, asked: Asked, probabilities: FloatArray, *, upper: bool) -> End:
    """The largest or the smallest value of a question.

    Raises:
        Infeasible: No law of the types has these probabilities.
        QueryError: A denominator may have either sign.

    Source:
        Charnes & Cooper (1962), Programming with linear fractional functionals.
    """
    matrix, right = _system(programme, probabilities)
    sign = -1.0 if upper else 1.0
    if asked.below is None:
        law, duals = _solved(sign * asked.above, matrix, right)
        value = float(asked.above @ law) + asked.top
        return End(value, law, sign * duals, 1.0)
    asked = _positive(programme, asked, matrix, right)
    assert asked.below is not None
    scaled = vstack(
        [
            hstack([matrix, csr_matrix(-right[:, None])]),
            csr_matrix(np.append(asked.below, asked.bottom)[None, :]),
        ]
    ).tocsr()
    found = linprog(
        sign * np.append(asked.above, asked.top),
        A_eq=scaled,
        b_eq=np.append(np.zeros(len(right)), 1.0),
        method="highs",
    )
    if found.status == 3:
        return End(-sign * np.inf, np.full(len(asked.above), np.nan), np.full(len(right), np.nan), 0.0)
    if found.status != 0:
        raise Infeasible("No law of the response types has these probabilities.")
    # A denominator that may come as near to zero as one likes has no largest value of the ratio.
    value = sign * float(found.fun)
    if found.x[-1] <= 0 or abs(value) > 1 / WITHIN:
        return End(-sign * np.inf, np.full(len(asked.above), np.nan), np.full(len(right), np.nan), 0.0)
    law = found.x[:-1] / found.x[-1]
    below = float(asked.below @ law) + asked.bottom
    _, duals = _solved(sign * (asked.above - value * asked.below), matrix, right)
    return End(value, law, sign * duals, below)


def _positive(programme: Programme, asked: Asked, matrix: csr_matrix, right: FloatArray) -> Asked:
    """The question with a denominator that is not negative, whatever the law of the types.

    Raises:
        QueryError: The denominator may have either sign, so that the ratio may be any number beyond two ends.
    """
    assert asked.below is not None
    if asked.bottom >= 0 and (asked.below >= 0).all():
        return asked
    least, most = (
        float(asked.below @ _solved(sign * asked.below, matrix, right)[0]) + asked.bottom for sign in (1.0, -1.0)
    )
    if least >= -WITHIN:
        return asked
    if most <= WITHIN:
        return Asked(-asked.above, -asked.top, -asked.below, -asked.bottom)
    raise QueryError(
        f"The denominator of {programme.plan.query} may lie on either side of 0, from {least:.3g} to {most:.3g}: the ratio goes "
        "through infinity, and has no bounds between which it lies. Ask for the denominator."
    )


def _system(programme: Programme, probabilities: FloatArray) -> tuple[csr_matrix, FloatArray]:
    constraints = programme.constraints
    matrix = csr_matrix(vstack([constraints.matrix, constraints.totals]))
    return matrix, np.append(probabilities, np.ones(programme.blocks))


def _solved(costs: FloatArray, matrix: csr_matrix, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    found = linprog(costs, A_eq=matrix, b_eq=right, method="highs")
    if found.status != 0:
        raise Infeasible("No law of the response types has these probabilities.")
    return found.x, found.eqlin.marginals


def nearest(programme: Programme, probabilities: FloatArray, errors: FloatArray) -> FloatArray:
    """The probabilities of a law of the types that are nearest to these, in standard errors."""
    matrix, right = _system(programme, probabilities)
    # The totals hold all but exactly.
    weights = np.append(1 / errors, np.full(programme.blocks, 1e3 / errors.min()))
    scaled = matrix.multiply(weights[:, None]).tocsr()
    if programme.types_in_all <= 2_000:
        law, _ = nnls(scaled.toarray(), right * weights)
    else:
        law = lsq_linear(scaled, right * weights, (0, np.inf), max_iter=200).x
    totals = programme.constraints.totals
    law = np.maximum(law, 0)
    law = law / (totals.T @ (totals @ law))
    return programme.constraints.matrix @ law


@dataclass(frozen=True, eq=False)
class Violation:
    """An inequality that every law of the types obeys: the weighted probabilities of some cells are at most one.

    Attributes:
        weights: (cell,) the weights.
        value: What the rows say that they sum to.
    """

    weights: FloatArray
    value: float


def violation(programme: Programme, probabilities: FloatArray) -> Violation:
    """The inequality that these probabilities break most, or are nearest to breaking.

    Whatever the law of the types, Σ g(cell) P(cell) ≤ the blocks' constants, if no type gives more: the largest such sum is the
    dual of a feasible law.

    Source:
        Bonet (2001), Instrumentality tests revisited: with an instrument these are Pearl's inequality and its kin.
    """
    constraints = programme.constraints
    cells, blocks = constraints.count, programme.blocks
    # Of every type the cells' weights are at most its block's constant, and the constants sum to one.
    matrix = hstack([constraints.matrix.T, -constraints.totals.T]).tocsr()
    found = linprog(
        -np.append(probabilities, np.zeros(blocks)),
        A_ub=matrix,
        b_ub=np.zeros(programme.types_in_all),
        A_eq=csr_matrix(np.append(np.zeros(cells), np.ones(blocks))[None, :]),
        b_eq=np.ones(1),
        method="highs",
    )
    if found.status != 0:
        raise DataError("What the rows contradict could not be found: the frequencies are too near to each other.")
    weights = np.where(np.abs(found.x[:cells]) < WITHIN, 0.0, found.x[:cells])
    return Violation(weights, float(weights @ probabilities))

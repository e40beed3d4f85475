"""How far the ends of bounds may be off because the rows are a sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import QueryError

from .programme import Laws, Programme, Table
from .solving import Asked, End, Infeasible, Violation, end_of, nearest, violation

DRAWS = 1_000
FEWEST_DRAWS = 200
SOLVED = 60
"""Draws of which each end is found anew, to see which formulas could be the one that counts."""
CELLS = 20_000_000
"""Numbers that all draws may hold together."""
ROUNDED = 6


@dataclass(frozen=True, eq=False)
class Reach:
    """One end as the largest, or the smallest, of several formulas, each with its error.

    Attributes:
        estimates: (formula,) what each gives on the rows.
        errors: (formula,) their standard errors.
        deviations: (draw, formula) in standard errors, the signs such that a large one makes an end too tight.
        upper: Whether it is the upper end, the smallest of them.
    """

    estimates: FloatArray
    errors: FloatArray
    deviations: FloatArray
    upper: bool

    def limit(self, probability: float) -> float:
        """What the true end lies outside of with this probability.

        Source:
            Chernozhukov, Lee & Rosen (2013), Intersection bounds: each formula is moved by as many of its own standard errors as
            the largest deviation of all of them needs.
        """
        if not len(self.estimates):
            return float("inf") if self.upper else -float("inf")
        critical = float(np.quantile(self.deviations.max(axis=1), probability))
        if self.upper:
            return float((self.estimates + critical * self.errors).min())
        return float((self.estimates - critical * self.errors).max())


@dataclass(frozen=True, eq=False)
class Drawn:
    """The laws of tables as they could have been as well.

    Attributes:
        laws: With a first axis of draws.
        probabilities: (draw, cell)
        errors: (cell,) standard errors of the cells' probabilities.
    """

    laws: Laws
    probabilities: FloatArray
    errors: FloatArray

    @staticmethod
    def of(programme: Programme, seed: int) -> Drawn:
        """As many draws as there is room for."""
        rows = programme.rows
        most = max(len(rows.codes), programme.constraints.count, _largest(programme))
        weights = rows.drawn(int(np.clip(CELLS // max(most, 1), FEWEST_DRAWS, DRAWS)), seed)
        laws = programme.laws(weights)
        probabilities = programme.constraints.probabilities(laws.free)
        probabilities = np.broadcast_to(probabilities, (len(weights), programme.constraints.count))
        errors = probabilities.std(axis=0)
        floor = 1e-3 / max(rows.n_rows or 1, 1)
        return Drawn(laws, probabilities, np.maximum(errors, floor))

    def one(self, draw: int) -> Laws:
        """The laws of one draw."""
        return Laws(
            {node: Table(table.names, table.values[draw]) for node, table in self.laws.free.items()},
            {term: tuple(Table(t.names, t.values[draw]) for t in tables) for term, tables in self.laws.parts.items()},
        )


def _largest(programme: Programme) -> int:
    laws = programme.laws(programme.rows.weights)
    return max((len(table.values) for tables in laws.parts.values() for table in tables), default=1)


def reach_of(programme: Programme, drawn: Drawn, laws: Laws, end: End, feasible: FloatArray, *, upper: bool) -> Reach:
    """One end with what it could be on other rows.

    Args:
        laws: Those of the rows.
        end: The end on the rows.
        feasible: The probabilities that it was found with.
    """
    try:
        return _reach_of(programme, drawn, laws, end, feasible, upper=upper)
    except QueryError:
        # On other rows the denominator has either sign.
        return Reach(np.zeros(0), np.zeros(0), np.zeros((1, 0)), upper)


def _reach_of(programme: Programme, drawn: Drawn, laws: Laws, end: End, feasible: FloatArray, *, upper: bool) -> Reach:
    own = programme.constraints.probabilities(laws.free)
    found = [_Formula.at(programme, laws, end, feasible, upper=upper)]
    for draw in range(min(SOLVED, len(drawn.probabilities))):
        there = drawn.one(draw)
        asked = Asked.of(programme, there, upper=upper)
        probabilities = drawn.probabilities[draw]
        try:
            solved = end_of(programme, asked, probabilities, upper=upper)
        except Infeasible:
            probabilities = nearest(programme, probabilities, drawn.errors)
            solved = end_of(programme, asked, probabilities, upper=upper)
        found.append(_Formula.at(programme, there, solved, probabilities, upper=upper))
    if not all(np.isfinite(formula.end.value) for formula in found):
        return Reach(np.zeros(0), np.zeros(0), np.zeros((1, 0)), upper)
    distinct = {formula.key: formula for formula in found}.values()
    return _reach(distinct, own, laws, drawn, programme, upper=upper)


def _reach(
    formulas: Iterable[_Formula], own: FloatArray, laws: Laws, drawn: Drawn, programme: Programme, *, upper: bool
) -> Reach:
    estimates, values = [], []
    for formula in formulas:
        estimates.append(float(formula.on(programme, own, laws)))
        values.append(np.broadcast_to(formula.on(programme, drawn.probabilities, drawn.laws), len(drawn.probabilities)))
    drawn_values = np.stack(values, axis=1)
    errors = drawn_values.std(axis=0)
    scale = np.where(errors > 1e-12, errors, 1.0)
    deviations = np.where(errors > 1e-12, (drawn_values - drawn_values.mean(axis=0)) / scale, 0.0)
    return Reach(np.array(estimates), errors, -deviations if upper else deviations, upper)


@dataclass(frozen=True, eq=False)
class _Formula:
    """One end near where it was found, as a formula that is linear in the cells and in what is asked."""

    end: End
    probabilities: FloatArray
    asked: Asked
    support: np.ndarray
    upper: bool

    @staticmethod
    def at(programme: Programme, laws: Laws, end: End, probabilities: FloatArray, *, upper: bool) -> _Formula:
        support = np.flatnonzero(end.law > 1e-9)
        return _Formula(end, probabilities, Asked.of(programme, laws, support, upper=upper), support, upper)

    @property
    def key(self) -> bytes:
        """Equal for formulas that are the same."""
        slopes = np.round(self.end.duals[: len(self.probabilities)] / self.end.below, ROUNDED) + 0.0
        # Where what is asked depends on the rows, the law of the types counts too.
        return slopes.tobytes() + np.round(self.end.law, 3).tobytes() * self.varies

    @property
    def varies(self) -> bool:
        return self.asked.above.ndim > 1 or self.asked.below is not None

    def on(self, programme: Programme, probabilities: FloatArray, laws: Laws) -> FloatArray:
        """(…,) its value for other rows."""
        end = self.end
        moved = (probabilities - self.probabilities) @ end.duals[: len(self.probabilities)]
        asked = Asked.of(programme, laws, self.support, upper=self.upper)
        law = end.law[self.support]
        moved = moved + (asked.above - self.asked.above) @ law
        if asked.below is not None and self.asked.below is not None:
            moved = moved - end.value * ((asked.below - self.asked.below) @ law)
        return end.value + moved / end.below


@dataclass(frozen=True, eq=False)
class Contradiction:
    """An inequality that the rows break, and how likely a graph that is right would break one so.

    Attributes:
        violation: The inequality that is broken most.
        p: The share of tables from a law on its edge that would break one as much.
    """

    violation: Violation
    p: float


def contradiction(programme: Programme, drawn: Drawn, probabilities: FloatArray) -> Contradiction:
    """How much the rows break what holds for every law of the types, and by how much more than chance."""
    found = [violation(programme, probabilities)]
    found += [violation(programme, drawn.probabilities[draw]) for draw in range(min(SOLVED, len(drawn.probabilities)))]
    weights = np.unique(np.round(np.stack([each.weights for each in found]), ROUNDED), axis=0)
    values = drawn.probabilities @ weights.T
    errors = np.maximum(values.std(axis=0), 1e-9)
    observed = ((weights @ probabilities - 1) / errors).max()
    exceed = (((values - values.mean(axis=0)) / errors).max(axis=1) >= observed).mean()
    return Contradiction(found[0], float(max(exceed, 1 / (len(values) + 1))))

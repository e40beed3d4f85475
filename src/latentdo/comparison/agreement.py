"""Whether methods that estimate the same number differ by more than chance, and what sets the sides apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name, quote
from latentdo.sheet import listed, number

from .row import CORRECTED, LVM, ComparisonRow, Question

LEVEL = 0.01
"""The chance that methods which are all right are said to differ."""
DF = 8.0
"""Degrees of freedom of the errors of differences: weights have long tails, and their spread is itself an estimate. Normal errors
said p < 0.003 in 11 of 600 tables of 500 rows on which all were right, these p < 0.01 in none (`bench/comparisons.py`)."""
DRAWS = 20_000
LEAST = 0.25
"""The share of the smaller standard error that the difference of two methods is taken to err by at least: to first order many are
the same, and what is left of them, their bias in few rows, no bootstrap tells."""
SEED = 7
LAWS_SHOWN = 4


@dataclass(frozen=True)
class Side:
    """Methods that agree.

    Attributes:
        methods: Their names.
        estimates: Their numbers.
        laws: The laws that they use and no other side does.
    """

    methods: tuple[str, ...]
    estimates: tuple[float, ...]
    laws: tuple[tuple[Name, tuple[Name, ...]], ...] = ()

    @property
    def estimate(self) -> float:
        """The number of the first method."""
        return self.estimates[0]

    def shown(self, spread: float) -> str:
        """The number, or from which to which they go."""
        ends = [number(end, spread) for end in (min(self.estimates), max(self.estimates))]
        return " to ".join(dict.fromkeys(ends))


@dataclass(frozen=True, eq=False)
class Difference:
    """Methods that estimate the same number and differ by more than chance.

    Attributes:
        question: What they were asked.
        p: How likely the largest difference of any two is if all are right.
        sides: The methods that agree with each other, the model's side first.
        spread: A standard error, for digits.
        between: Methods that are on none of the sides: they fit several.
        on_other_rows: Whether the model saw rows that its rivals leave out.
    """

    question: Question
    p: float
    sides: tuple[Side, ...]
    spread: float
    between: Side | None = None
    on_other_rows: bool = False

    @property
    def text(self) -> str:
        """What is said of it, with the likely reason."""
        shown = [f"{_says(side)} {side.shown(self.spread)}" for side in self.sides]
        if self.between is not None:
            shown.append(f"on no side: {listed(self.between.methods)} with {self.between.shown(self.spread)}")
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.2g}"
        return f"they differ by more than chance ({p}): {'; '.join(shown)}. {self.reason}"

    @property
    def reason(self) -> str:
        """What may be wrong: the laws that one side alone rests on, or the model's own shape."""
        first, *others = self.sides
        if set(first.methods) <= {LVM, CORRECTED}:
            if self.on_other_rows:
                return (
                    "The model stands alone, and on more rows than its rivals: if what they leave out depends on the outcome, "
                    "they are off. Else its shape or its hidden causes are the suspects, and ld.check(posterior, data, query) "
                    "looks at them."
                )
            return (
                "The model stands alone: its shape or its hidden causes are the first suspect, and ld.check(posterior, data, "
                "query) looks at them."
            )
        only = "only" if self.between is None else "of these sides only"
        parts = [f"{only} {listed(side.methods)} {_use(side)} {_laws(side)}" for side in (first, *others) if side.laws]
        if not parts:
            return "They rest on the same laws: a shape that one of them does not have, or weights that few rows carry."
        return f"Look first at what one side alone rests on: {'; '.join(parts)}. Or the graph leaves out an edge."

    def to_json(self) -> dict[str, Any]:
        """The difference as plain values."""
        return {
            "query": str(self.question.query),
            "p": self.p,
            "sides": [
                {
                    "methods": list(side.methods),
                    "estimate": side.estimate,
                    "estimates": list(side.estimates),
                    "laws": [[name, list(given)] for name, given in side.laws],
                }
                for side in self.sides
            ],
            "on_no_side": [] if self.between is None else list(self.between.methods),
            "reason": self.reason,
        }


def _says(side: Side) -> str:
    return f"{listed(side.methods)} say{'s' if len(side.methods) == 1 else ''}"


def _use(side: Side) -> str:
    return "uses" if len(side.methods) == 1 else "use"


def _laws(side: Side) -> str:
    shown = [
        f"the law of {quote(name)}" + (f" given {listed(map(quote, given))}" if given else "")
        for name, given in side.laws[:LAWS_SHOWN]
    ]
    more = len(side.laws) - len(shown)
    return listed(shown) + (f" and {more} more" if more > 0 else "")


def difference_of(rows: Sequence[ComparisonRow]) -> Difference | None:
    """What is to be said of the rows of one question; None where they agree, or too little is known.

    The largest difference of any two methods, in its own standard error, is set against what the same differences do where the
    rows get other weights: the methods see the same rows, so that much of their errors cancels.
    """
    told = [
        row
        for row in rows
        if row.estimate is not None and row.sd and not row.is_baseline and not row.same_as and row.identified
    ]
    known = [row for row in told if row.moves is not None]
    model = next((row for row in told if row.method == LVM), None)
    if len({len(row.moves) for row in known if row.moves is not None}) > 1:
        return None
    covariance = _covariance(known, model)
    ordered = ([model] if model is not None and model not in known else []) + known
    if len(ordered) < 2:
        return None
    estimates = np.array([row.estimate for row in ordered], dtype=float)
    first, second = np.triu_indices(len(ordered), 1)
    sds = np.sqrt(np.diag(covariance))
    variances = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    errors = np.sqrt(np.maximum(variances, (LEAST * np.minimum(sds[first], sds[second])) ** 2))
    z = np.abs(estimates[first] - estimates[second]) / errors
    by_chance = _largest(covariance, first, second, errors)
    p = float((by_chance >= z.max()).mean())
    if p > LEVEL:
        return None
    critical = float(np.quantile(by_chance, 1 - LEVEL))
    distances = np.zeros((len(ordered),) * 2)
    distances[first, second] = distances[second, first] = z
    sides, alone = _sides(ordered, distances, critical)
    told_apart = [
        _side(ordered, side, [place for other in sides if other is not side for place in other]) for side in sides
    ]
    between = _side(ordered, alone, ()) if alone else None
    spread = float(np.median([row.sd for row in ordered if row.sd]))
    on_other_rows = model is not None and model not in known
    return Difference(rows[0].question, max(p, 1 / DRAWS), tuple(told_apart), spread, between, on_other_rows)


def _covariance(known: Sequence[ComparisonRow], model: ComparisonRow | None) -> FloatArray:
    """Of the errors of all rows: by the same weights, of a model whose rows are not at hand as an efficient estimator's.

    Source:
        Hausman (1978), Specification tests in econometrics: where all are right, an efficient estimator is uncorrelated with
        what another differs from it by.
    """
    moves = np.stack([row.moves for row in known if row.moves is not None]) if known else np.zeros((0, 1))
    covariance = np.atleast_2d(np.cov(moves)) if len(known) else np.zeros((0, 0))
    if model is None or model in known or not model.sd:
        return covariance
    own = model.sd**2
    with_model = np.minimum(own, np.diag(covariance))
    return np.block([[np.array([[own]]), with_model[None, :]], [with_model[:, None], covariance]])


def _largest(covariance: FloatArray, first: np.ndarray, second: np.ndarray, errors: FloatArray) -> FloatArray:
    """The largest difference of any two methods that are all right, in its standard error, drawn many times."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(SEED)
    drawn = rng.normal(size=(DRAWS, len(values))) @ root.T
    drawn *= np.sqrt(DF / rng.chisquare(DF, size=(DRAWS, 1)))
    return (np.abs(drawn[:, first] - drawn[:, second]) / errors).max(axis=1)


def _sides(rows: Sequence[ComparisonRow], z: FloatArray, critical: float) -> tuple[list[list[int]], list[int]]:
    """The places of the methods on each side, in their order, and of those on none.

    The two methods that differ most open two sides, and each that differs from all sides one more. Another joins the only side
    that it does not differ from, where none is nearer: what a wide error lets fit two sides speaks for neither.
    """
    estimates = np.array([row.estimate for row in rows], dtype=float)
    sides = [[int(place)] for place in np.unravel_index(z.argmax(), z.shape)]
    by_distance = sorted((place for place in range(len(rows)) if [place] not in sides), key=lambda k: -z[k].max())
    left = []
    for place in by_distance:
        if all(z[place, side].max() > critical for side in sides):
            sides.append([place])
        else:
            left.append(place)
    heads = [side[0] for side in sides]
    alone = []
    for place in left:
        fits = [side for side in sides if z[place, side].max() <= critical]
        nearest = sides[int(np.argmin(np.abs(estimates[place] - estimates[heads])))]
        if fits == [nearest]:
            nearest.append(place)
        else:
            alone.append(place)
    return sorted(sorted(side) for side in sides), sorted(alone)


def _side(rows: Sequence[ComparisonRow], side: Sequence[int], others: Sequence[int]) -> Side:
    """A side, with the laws that none of the other sides uses."""
    own = {law for place in side for law in rows[place].laws}
    theirs = {law for place in others for law in rows[place].laws}
    estimates = tuple(rows[place].estimate or 0.0 for place in side)
    return Side(tuple(rows[place].method for place in side), estimates, tuple(sorted(own - theirs)))

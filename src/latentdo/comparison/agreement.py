"""Whether methods that estimate the same number differ by more than chance, and what sets the sides apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name, quote
from latentdo.sheet import listed, number

from .row import LVM, ComparisonRow, Question

LEVEL = 0.003
"""The chance that methods which are all right are said to differ."""
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
        estimate: The number of the first of them.
        laws: The laws that they use and no other side does.
    """

    methods: tuple[str, ...]
    estimate: float
    laws: tuple[tuple[Name, tuple[Name, ...]], ...] = ()


@dataclass(frozen=True, eq=False)
class Difference:
    """Methods that estimate the same number and differ by more than chance.

    Attributes:
        question: What they were asked.
        p: How likely the largest difference of any two is if all are right.
        sides: The methods that agree with each other, the model's side first.
        spread: A standard error, for digits.
    """

    question: Question
    p: float
    sides: tuple[Side, ...]
    spread: float

    @property
    def text(self) -> str:
        """What is said of it, with the likely reason."""
        shown = [f"{_says(side)} {number(side.estimate, self.spread)}" for side in self.sides]
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.2g}"
        return f"they differ by more than chance ({p}): {'; '.join(shown)}. {self.reason}"

    @property
    def reason(self) -> str:
        """What may be wrong: the laws that one side alone rests on, or the model's own shape."""
        first, *others = self.sides
        if first.methods == (LVM,):
            return (
                "The model stands alone: its shape or its hidden causes are the first suspect, and ld.check(posterior, data, "
                "query) looks at them."
            )
        parts = [f"only {listed(side.methods)} {_use(side)} {_laws(side)}" for side in (first, *others) if side.laws]
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
                    "laws": [[name, list(given)] for name, given in side.laws],
                }
                for side in self.sides
            ],
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
    apart = np.zeros((len(ordered),) * 2, dtype=bool)
    apart[first, second] = apart[second, first] = z > critical
    spread = float(np.median([row.sd for row in ordered if row.sd]))
    return Difference(rows[0].question, max(p, 1 / DRAWS), _sides(ordered, apart), spread)


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
    drawn = np.random.default_rng(SEED).normal(size=(DRAWS, len(values))) @ root.T
    return (np.abs(drawn[:, first] - drawn[:, second]) / errors).max(axis=1)


def _sides(rows: Sequence[ComparisonRow], apart: np.ndarray) -> tuple[Side, ...]:
    """Each method beside the first ones that it agrees with."""
    groups: list[list[int]] = []
    for place in range(len(rows)):
        home = next((group for group in groups if not apart[place, group].any()), None)
        if home is None:
            groups.append([place])
        else:
            home.append(place)
    sides = []
    for group in groups:
        own = {law for place in group for law in rows[place].laws}
        others = {law for place in range(len(rows)) if place not in group for law in rows[place].laws}
        alone = tuple(sorted(own - others))
        estimate = rows[group[0]].estimate
        assert estimate is not None
        sides.append(Side(tuple(rows[place].method for place in group), estimate, alone))
    return tuple(sides)

"""A table of levels as distinct rows with weights, and the conditional laws that formulas take from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import QueryError
from latentdo.graphs import Name, format_level, quote
from latentdo.query import Comparison, Outcome, Value

PSEUDO_ROWS = 5_000
"""Cells up to which those without a row are given half a row in the draws, so that zero is no certainty."""
PSEUDO = 0.5


@dataclass(frozen=True, eq=False)
class Levels:
    """The values that a node takes, in order.

    Attributes:
        name: The node.
        values: Its levels as they are written: numbers, or names.
        cuts: Of numbers that were cut into levels, where; level k lies between two of them.
        ordered: Whether the order of names means something, as that of numbers does.
        is_open: Whether some cells are missing and may be any of the levels: they are one level more, the last.
    """

    name: Name
    values: tuple[Value, ...]
    cuts: tuple[Outcome, ...] = ()
    ordered: bool = False
    is_open: bool = False

    @property
    def count(self) -> int:
        """How many levels there are, missing cells as one."""
        return len(self.values) + self.is_open

    @property
    def listed(self) -> str:
        """The levels in a sentence."""
        return ", ".join(map(format_level, self.values))

    @property
    def are_names(self) -> bool:
        """Whether the levels are names."""
        return any(isinstance(value, str) for value in self.values)

    def shown(self, place: int) -> str:
        """A level as a comparison: `Z=1`, or of a column that was cut the piece of the line, `Y > 1, Y <= 2`."""
        if place == len(self.values):
            return f"{quote(self.name)} missing"
        value = self.values[place]
        if not self.cuts:
            return f"{quote(self.name)}={format_level(value)}"
        holds = (int(value) >> k & 1 for k in range(len(self.cuts)))
        return ", ".join(str(cut if held else _negated(cut)) for cut, held in zip(self.cuts, holds, strict=True))

    def code(self, value: Value) -> int:
        """The place of a level.

        Raises:
            QueryError: It is none.
        """
        if value not in self.values or self.cuts:
            raise QueryError(
                f"{self.name!r} is never {format_level(value)} in the table. Its levels are {self.listed}."
            )
        return self.values.index(value)

    def filled(self, counted: FloatArray, *, most: bool) -> FloatArray:
        """What each level counts, missing cells as much as the level that counts least, or most."""
        if not self.is_open:
            return counted
        return np.append(counted, counted.max() if most else counted.min())

    def satisfied(self, outcome: Outcome) -> FloatArray:
        """Of each level that is no gap whether a comparison holds, as 0 or 1.

        Raises:
            QueryError: Names are compared by size, or the level is none.
        """
        if self.cuts:
            # Level k of a cut column is a pattern of the comparisons that hold.
            place = self.cuts.index(outcome)
            return np.array([int(value) >> place & 1 for value in self.values], dtype=float)
        outcome.check_assumed(self.values)
        if outcome.op == "=":
            assert outcome.value is not None
            return np.eye(len(self.values))[self.code(outcome.value)]
        if self.are_names and self.ordered:
            assert outcome.value is not None
            places = np.arange(len(self.values), dtype=float)
            return _holds(replace(outcome, value=self.code(outcome.value)), places).astype(float)
        numbers = self.numbers(f"{outcome} compares")
        return _holds(outcome, numbers).astype(float)

    def numbers(self, what: str) -> FloatArray:
        """The levels that are no gap as numbers.

        Raises:
            QueryError: They are names.
        """
        if self.are_names:
            raise QueryError(
                f"{what} the levels of {self.name!r} as numbers, and they are names: {self.listed}. "
                f"Ask P({quote(self.name)}={format_level(self.values[-1])} | …)."
            )
        return np.array(self.values, dtype=float)


_OPPOSITES: dict[Comparison, Comparison] = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}


def _negated(outcome: Outcome) -> Outcome:
    return Outcome(outcome.name, _OPPOSITES[outcome.op], outcome.value)


def _holds(outcome: Outcome, values: FloatArray) -> np.ndarray:
    value = float(outcome.value)  # type: ignore[arg-type]
    match outcome.op:
        case "<":
            return values < value
        case ">":
            return values > value
        case "<=":
            return values <= value
        case ">=":
            return values >= value
        case _:
            return values == value


def cut_codes(values: FloatArray, cuts: Sequence[Outcome]) -> tuple[IntArray, tuple[float, ...]]:
    """The pattern of comparisons that hold of each value, as a place in the list of patterns that occur, and that list.

    The patterns stand from the lowest values to the highest: each is a piece of the line.
    """
    pattern = np.zeros(len(values), dtype=np.intp)
    for place, outcome in enumerate(cuts):
        pattern |= _holds(outcome, values).astype(np.intp) << place
    found, first, codes = np.unique(pattern, return_index=True, return_inverse=True)
    order = np.argsort(values[first])
    return np.argsort(order)[codes], tuple(map(float, found[order]))


@dataclass(frozen=True, eq=False)
class Frequencies:
    """Distinct rows of levels with their weights: counts of a table, or the probabilities of an exact law.

    Attributes:
        levels: The levels of each column.
        codes: (row, column) the place of each level.
        weights: What each row counts; rows of weight zero are cells that were never seen.
        n_rows: The rows of the table; None of an exact law.
    """

    levels: Mapping[Name, Levels]
    codes: IntArray
    weights: FloatArray
    n_rows: int | None

    @staticmethod
    def of(levels: Mapping[Name, Levels], codes: IntArray, weights: FloatArray, n_rows: int | None) -> Frequencies:
        """Equal rows merged; of a small table with the cells that were never seen."""
        shape = [each.count for each in levels.values()]
        size = int(np.prod(shape, dtype=object))
        if n_rows is not None and size <= PSEUDO_ROWS:
            flat = np.ravel_multi_index(tuple(codes.T), shape) if shape else np.zeros(len(codes), dtype=np.intp)
            counted = np.bincount(flat, weights=weights, minlength=size).astype(float)
            codes = np.stack(np.unravel_index(np.arange(size), shape), axis=1) if shape else np.zeros((1, 0), np.intp)
        else:
            codes, place = np.unique(codes, axis=0, return_inverse=True)
            counted = np.bincount(place.ravel(), weights=weights, minlength=len(codes)).astype(float)
        return Frequencies(levels, codes, counted, n_rows)

    def column(self, name: Name) -> IntArray:
        """The places of a node's levels, a row each."""
        return self.codes[:, list(self.levels).index(name)]

    def count(self, names: Sequence[Name]) -> int:
        """How many combinations of levels some nodes have."""
        return int(np.prod([self.levels[name].count for name in names], dtype=object))

    def place(self, names: Sequence[Name], codes: Mapping[Name, IntArray | int]) -> IntArray:
        """The place of each combination of levels in a flat table whose last axis runs fastest."""
        flat = np.zeros((), dtype=np.intp)
        for name in names:
            flat = flat * self.levels[name].count + np.asarray(codes[name])
        return flat

    def drawn(self, count: int, seed: int) -> FloatArray:
        """(draw, row) weights as the table could have been as well, of mean `weights`.

        Source:
            Rubin (1981), The Bayesian bootstrap; cells without a row have half a row, as in Jeffreys' prior.
        """
        rng = np.random.default_rng(seed)
        return rng.gamma(np.where(self.weights > 0, self.weights, PSEUDO), size=(count, len(self.weights)))

    def conditional(self, node: Name, given: Sequence[Name], weights: FloatArray) -> FloatArray:
        """P(node | given) flat, `given` before the node; NaN where `given` was never seen.

        Args:
            weights: (…, row) weights in place of those of the rows.
        """
        names = (*given, node)
        place = self.place(names, {name: self.column(name) for name in names})
        size = self.count(names)
        rows = np.arange(len(self.codes))
        sums = csr_matrix((np.ones(len(rows)), (np.broadcast_to(place, rows.shape), rows)), (size, len(rows)))
        joint = (sums @ np.atleast_2d(weights).T).T.reshape(*weights.shape[:-1], -1, self.levels[node].count)
        total = joint.sum(axis=-1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            law = np.where(total > 0, joint / total, np.nan)
        return law.reshape(*weights.shape[:-1], size)

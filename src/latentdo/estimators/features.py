"""From columns to the terms of a linear predictor: coded levels, standardised numbers, and their products."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Literal

import numpy as np

from latentdo.graphs import Name, quote

from .sample import Column, Env, FloatArray, IntArray

Degree = Literal[1, 2, "cells"]
Pair = tuple[int, int]
PENALTY = 0.1
"""What the square of a coefficient costs, in rows, where there are rows enough."""
MOST_SHOWN = 3
FAR = 4.0
"""Standard deviations beyond which squares and products no longer grow: they would run away outside the data."""


@dataclass(frozen=True, eq=False)
class Features:
    """The terms of a linear predictor, the constant first.

    Attributes:
        columns: What it is a function of.
        degree: 1: each column by itself, levels coded against the first; 2: also squares and all products of two
            columns; `cells`: one term for every combination of levels.
        pairs: Of degree 2, the columns by their place whose products there are, the same twice for a square; None for all.
    """

    columns: tuple[Column, ...]
    degree: Degree = 1
    pairs: tuple[Pair, ...] | None = None

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many levels each column has; of discrete columns only."""
        return tuple(len(column.levels) for column in self.columns if column.levels is not None)

    @cached_property
    def _terms(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Each term as the elements (column, number) that it is the product of."""
        singles = [[(i, k) for k in range(_width(column))] for i, column in enumerate(self.columns)]
        terms: list[tuple[tuple[int, int], ...]] = [(), *((element,) for coded in singles for element in coded)]
        if self.degree == 2:
            for i, j in all_pairs(self.columns) if self.pairs is None else self.pairs:
                terms += [((i, 0), (i, 0))] if i == j else [(a, b) for a in singles[i] for b in singles[j]]
        return tuple(terms)

    @property
    def added(self) -> str:
        """What there is beside the columns themselves: `A·B, Z²`; empty where nothing is."""
        if self.degree != 2:
            return ""
        if self.pairs is None:
            return "all squares and products"
        names = [quote(column.name) for column in self.columns]
        products = [f"{names[i]}²" if i == j else f"{names[i]}·{names[j]}" for i, j in self.pairs]
        return ", ".join(products[:MOST_SHOWN]) + (f", … ({len(products)})" if len(products) > MOST_SHOWN else "")

    def places(self, pair: Pair) -> list[int]:
        """Where the terms of a product of two columns stand."""
        return [k for k, term in enumerate(self._terms) if len(term) == 2 and (term[0][0], term[1][0]) == pair]

    @property
    def size(self) -> int:
        """The number of terms."""
        return 1 + prod(self.shape) if self.degree == "cells" else len(self._terms)

    def penalty(self, strength: float, spared: Collection[Name] = ()) -> FloatArray:
        """What the square of each coefficient costs: nothing of the constant, more of products than of columns.

        Args:
            spared: Columns whose own terms cost no more than usual.
        """
        if self.degree == "cells":
            return np.array([1e-8] + [strength] * prod(self.shape))
        costs = [1e-8, *(strength * (1.0 if len(term) == 1 else 4.0) for term in self._terms[1:])]
        for j, term in enumerate(self._terms):
            if len(term) == 1 and self.columns[term[0][0]].name in spared:
                costs[j] = min(strength, PENALTY)
        return np.array(costs)

    def cells(self, env: Env) -> IntArray:
        """The combination of levels that each row has, as one number."""
        code: IntArray = np.zeros((1,) * _ndim(env), dtype=np.intp)
        for column in self.columns:
            code = code * len(column.all_levels) + column.codes(env[column.name])
        return code

    def matrix(self, env: Env, n: int) -> FloatArray:
        """The terms of the n rows of an env with the axes (1, row): (row, term)."""
        if self.degree == "cells":
            dummies = np.zeros((n, self.size))
            dummies[:, 0] = 1.0
            dummies[np.arange(n), 1 + np.broadcast_to(self.cells(env)[0], n)] = 1.0
            return dummies
        elements = self._elements(env)
        return np.stack([np.broadcast_to(_product(term, elements, 2)[0], n) for term in self._terms], axis=1)

    def predict(self, env: Env, coefficients: FloatArray) -> FloatArray:
        """The linear predictor.

        Args:
            coefficients: (replicate, term).

        Returns:
            With the axes that the values have in common, the first being the replicates.
        """
        ndim = _ndim(env)
        tail = (-1,) + (1,) * (ndim - 1)
        if self.degree == "cells":
            code = self.cells(env)
            per_cell = coefficients[:, 1:]
            if code.shape[0] == 1:
                picked = per_cell[:, code[0]]
            else:
                picked = per_cell[np.arange(len(per_cell)).reshape(tail), code]
            return coefficients[:, 0].reshape(tail) + picked
        elements = self._elements(env)
        total: FloatArray = np.zeros(tail[:1] and (len(coefficients),) + (1,) * (ndim - 1))
        for j, term in enumerate(self._terms):
            total = total + coefficients[:, j].reshape(tail) * _product(term, elements, ndim)
        return total

    def _elements(self, env: Env) -> list[list[FloatArray]]:
        return [_coded(column, env[column.name], clip=self.degree == 2) for column in self.columns]


def all_pairs(columns: Sequence[Column]) -> list[Pair]:
    """The squares of the continuous columns, then the products of two columns."""
    squares = [(i, i) for i, column in enumerate(columns) if not column.is_discrete]
    return [*squares, *combinations(range(len(columns)), 2)]


def _ndim(env: Env) -> int:
    return max((np.ndim(values) for values in env.values()), default=2)


def _width(column: Column) -> int:
    return 1 if column.levels is None else len(column.levels) - 1


def _coded(column: Column, values: FloatArray, *, clip: bool) -> list[FloatArray]:
    if column.levels is None:
        scaled = (values - column.mean) / column.sd
        return [np.clip(scaled, -FAR, FAR) if clip else scaled]
    code = column.codes(values)
    return [(code == k).astype(float) for k in range(1, len(column.levels))]


def _product(term: tuple[tuple[int, int], ...], elements: list[list[FloatArray]], ndim: int) -> FloatArray:
    value: FloatArray = np.ones((1,) * ndim)
    for i, k in term:
        value = value * elements[i][k]
    return value

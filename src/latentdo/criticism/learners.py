"""What a residual may still depend on: three bases of a pillow's columns, each with the row weights that a functional needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name

KINDS = ("quadratic", "spline", "tree")
LEAVES = 5
SEEN_AS_LEVELS = 6
FOLDS = 5
MOST_LEVERAGE = 0.1
"""What a row's residual is divided by at least."""
Columns = Mapping[Name, FloatArray]
"""Flat arrays of one length."""
Terms = Callable[[Columns], FloatArray]
"""From columns to (row, term)."""


@dataclass(frozen=True, eq=False)
class Weighted:
    """A learner at work: Σ weights · residual is what the smooth of the residuals adds to the functional.

    Attributes:
        kind: Which learner.
        weights: Per row.
        left: What the smooth leaves of each row's residual, over what it would leave without the row's own part (HC3).
    """

    kind: str
    weights: FloatArray
    left: FloatArray


def weighted(kind: str, columns: Columns, residuals: FloatArray, target: Columns) -> Weighted:
    """The weights B (B'B)⁻¹ L, where L is the basis averaged over the functional's points.

    The leaves of a tree are those of one half of the rows, their means those of the other.

    Args:
        columns: The pillow's columns of the rows.
        residuals: Of the rows; the tree looks at them.
        target: The pillow's columns at the functional's points.
    """
    n = len(residuals)
    if not columns:
        return Weighted(kind, np.full(n, 1.0 / n), (residuals - residuals.mean()) * n / (n - 1))
    if kind != "tree":
        terms = quadratic(columns) if kind == "quadratic" else splines(columns)
        return Weighted(kind, *_solved(terms(columns), residuals, terms(target).mean(axis=0)))
    weights, left = np.zeros(n), np.zeros(n)
    halves = _halves(n)
    for half, other in (halves, halves[::-1]):
        terms = leaves({k: v[half] for k, v in columns.items()}, residuals[half])
        matrix = terms({k: v[other] for k, v in columns.items()})
        own = _solved(matrix, residuals[other], terms(target).mean(axis=0))
        weights[other], left[other] = own[0] / 2, own[1]
    return Weighted(kind, weights, left)


def losses(kind: str, columns: Columns, residuals: FloatArray) -> FloatArray:
    """The squared error of each row's residual, predicted from the other folds."""
    n = len(residuals)
    if not columns:
        return residuals**2
    fold = np.random.default_rng(1).permutation(n) % FOLDS
    out = np.empty(n)
    for k in range(FOLDS):
        seen, left = fold != k, fold == k
        inside = {name: values[seen] for name, values in columns.items()}
        outside = {name: values[left] for name, values in columns.items()}
        if kind == "tree":
            terms = leaves(inside, residuals[seen])
        else:
            terms = quadratic(inside) if kind == "quadratic" else splines(inside)
        matrix = terms(inside)
        beta = np.linalg.solve(_gram(matrix), matrix.T @ residuals[seen])
        out[left] = (residuals[left] - terms(outside) @ beta) ** 2
    return out


def _solved(matrix: FloatArray, residuals: FloatArray, functional: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The functional's weights, and what is left of the residuals with each row's part in it made up for."""
    inverse = np.linalg.inv(_gram(matrix))
    leverage = np.einsum("ij,jk,ik->i", matrix, inverse, matrix)
    left = residuals - matrix @ (inverse @ (matrix.T @ residuals))
    return matrix @ (inverse @ functional), left / np.clip(1.0 - leverage, MOST_LEVERAGE, 1.0)


def _gram(matrix: FloatArray) -> FloatArray:
    return matrix.T @ matrix + 1e-6 * len(matrix) * np.eye(matrix.shape[1])


def _halves(n: int) -> tuple[IntArray, IntArray]:
    order = np.random.default_rng(0).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def _scales(columns: Columns) -> dict[Name, tuple[float, float]]:
    return {name: (float(v.mean()), float(v.std()) or 1.0) for name, v in columns.items()}


def _levels(columns: Columns) -> dict[Name, FloatArray]:
    """The levels of columns with few."""
    distinct = {name: np.unique(values) for name, values in columns.items()}
    return {name: own for name, own in distinct.items() if len(own) <= SEEN_AS_LEVELS}


def quadratic(columns: Columns) -> Terms:
    """A constant, lines, squares and products; of few levels an indicator each."""
    scales, levels = _scales(columns), _levels(columns)
    room = max(0, len(next(iter(columns.values()))) // 10 - 2 * len(columns))
    pairs = list(combinations(columns, 2))[:room]

    def terms(values: Columns) -> FloatArray:
        z = {name: (values[name] - m) / s for name, (m, s) in scales.items()}
        own = [np.ones(len(next(iter(values.values()))))]
        for name in columns:
            if name in levels:
                own += [1.0 * (values[name] == level) for level in levels[name][1:]]
            else:
                own += [z[name], z[name] ** 2 - 1.0]
        own += [z[a] * z[b] for a, b in pairs]
        return np.stack(own, axis=1)

    return terms


def splines(columns: Columns) -> Terms:
    """A constant, and per column a natural spline of 5 df; of few levels an indicator each; products of lines."""
    scales, levels = _scales(columns), _levels(columns)
    room = max(0, len(next(iter(columns.values()))) // 10 - 5 * len(columns))
    pairs = list(combinations(columns, 2))[:room]
    knots = {}
    for name, (m, s) in scales.items():
        places = np.unique(np.quantile((columns[name] - m) / s, [0.03, 0.22, 0.41, 0.59, 0.78, 0.97]))
        knots[name] = places if len(places) > 3 else np.array([])

    def terms(values: Columns) -> FloatArray:
        own = [np.ones(len(next(iter(values.values()))))]
        z = {name: (values[name] - m) / s for name, (m, s) in scales.items()}
        for name in columns:
            if name in levels:
                own += [1.0 * (values[name] == level) for level in levels[name][1:]]
                continue
            own.append(z[name])
            k = knots[name]
            if not len(k):
                own.append(z[name] ** 2)
                continue
            tails = [
                (np.maximum(z[name] - place, 0) ** 3 - np.maximum(z[name] - k[-1], 0) ** 3) / (k[-1] - place)
                for place in k[:-1]
            ]
            own += [tail - tails[-1] for tail in tails[:-1]]
        own += [z[a] * z[b] for a, b in pairs]
        return np.stack(own, axis=1)

    return terms


def leaves(columns: Columns, residuals: FloatArray) -> Terms:
    """A constant, lines, and the leaves of a tree grown on what lines leave of these rows.

    Source:
        Athey & Imbens (2016), Recursive partitioning for heterogeneous causal effects, for the two halves.
    """
    from sklearn.tree import DecisionTreeRegressor

    scales = _scales(columns)
    n = len(residuals)

    def lines(values: Columns) -> FloatArray:
        own = [(values[name] - m) / s for name, (m, s) in scales.items()]
        return np.stack([np.ones(len(own[0])), *own], axis=1)

    matrix = lines(columns)
    left = residuals - matrix @ np.linalg.lstsq(matrix, residuals, rcond=None)[0]
    tree = DecisionTreeRegressor(max_leaf_nodes=LEAVES, min_samples_leaf=max(8, n // 15), random_state=0)
    tree.fit(matrix[:, 1:], left)
    places = np.unique(tree.apply(matrix[:, 1:].astype(np.float32)))

    def terms(values: Columns) -> FloatArray:
        own = lines(values)
        leaf = tree.apply(own[:, 1:].astype(np.float32))
        return np.concatenate([own, *((1.0 * (leaf == place))[:, None] for place in places[1:])], axis=1)

    return terms

"""What a residual may still depend on: three bases of a pillow's columns, each with the row weights that a functional needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.linalg import eigh

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name

KINDS = ("quadratic", "spline", "tree")
LEAVES = 5
SEEN_AS_LEVELS = 6
FOLDS = 5
SPLITS = 8
"""Ways to halve the rows that a tree's corrections are averaged over."""
PENALTIES = (100.0, 10.0, 1.0, 0.1, 0.01, 0.001)
"""Of curves, per row; the first leaves nearly straight lines."""
OVERFIT = 1.4
"""What a degree of freedom counts in generalised cross-validation, which alone bends too much."""
LEAST_TRUST = 50
"""Rows from which some count less than others."""
SMALL = 0.01
"""Of the mean square: below it a square is as good as zero."""
BELIEVED = 2.0
"""A ratio of variances of which nothing is believed."""
MOST_TRUST = 2.5
"""The largest logarithm of what a row counts."""
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
        parts: Each row's part in the error: its weight times what the smooth leaves of its residual, over what it would leave
            without the row's own part (HC3).
    """

    kind: str
    weights: FloatArray
    parts: FloatArray


def weighted(
    kind: str,
    columns: Columns,
    residuals: FloatArray,
    target: Columns,
    omega: FloatArray | None = None,
    trust: FloatArray | None = None,
) -> Weighted:
    """The weights T B (B'TB)⁻¹ L, where L is the basis averaged over the functional's points and T what each row counts.

    The leaves of a tree are those of one half of the rows, their means those of the other; several halves are averaged, as one
    tree alone errs much more than many.

    Args:
        columns: The pillow's columns of the rows.
        residuals: Of the rows; the trees look at them.
        target: The pillow's columns at the functional's points.
        omega: What each point counts in the functional; one unless given.
        trust: What each row counts; one unless given.

    Source:
        Athey, Tibshirani & Wager (2019), Generalized random forests, for the average of honest trees.
    """
    n = len(residuals)
    return learner(kind, columns, residuals, np.ones(n) if trust is None else trust).at(target, omega)


@dataclass(frozen=True, eq=False)
class Piece:
    """One linear learner, fitted.

    Attributes:
        rows: The rows whose residuals it smooths.
        terms: Its terms.
        smooth: From a functional of the terms to each row's weight, (row, term).
        left: What it leaves of the residuals.
        share: What it counts among its like.
    """

    rows: IntArray
    terms: Terms
    smooth: FloatArray
    left: FloatArray
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class Learner:
    """A learner fitted to residuals: one question after another asks it at other points."""

    kind: str
    residuals: FloatArray
    pieces: tuple[Piece, ...]

    def at(self, target: Columns, omega: FloatArray | None = None) -> Weighted:
        """The weights of the functional that averages over these points."""
        n = len(self.residuals)
        if not self.pieces:
            mean = 1.0 if omega is None else float(omega.mean())
            parts = mean * (self.residuals - self.residuals.mean()) / (n - 1)
            return Weighted(self.kind, np.full(n, mean / n), parts)
        weights, parts = np.zeros(n), np.zeros(n)
        for piece in self.pieces:
            matrix = piece.terms(target)
            own = piece.smooth @ (matrix.mean(axis=0) if omega is None else omega @ matrix / len(omega))
            weights[piece.rows] += piece.share * own
            parts[piece.rows] += piece.share * own * piece.left
        return Weighted(self.kind, weights, parts)


def learner(kind: str, columns: Columns, residuals: FloatArray, trust: FloatArray) -> Learner:
    """The learner, fitted; without columns it is the mean alone."""
    n = len(residuals)
    if not columns:
        return Learner(kind, residuals, ())
    if kind != "tree":
        terms, costs = (quadratic(columns), None) if kind == "quadratic" else splines(columns)
        matrix = terms(columns)
        penalty = _penalty(matrix, residuals, trust, costs)
        return Learner(kind, residuals, (_piece(np.arange(n), terms, matrix, residuals, trust, penalty),))
    pieces = []
    for split in range(SPLITS):
        halves = _halves(n, split)
        for half, other in (halves, halves[::-1]):
            terms = leaves({k: v[half] for k, v in columns.items()}, residuals[half], trust[half])
            matrix = terms({k: v[other] for k, v in columns.items()})
            made = _piece(other, terms, matrix, residuals[other], trust[other])
            pieces.append(replace(made, share=1 / (2 * SPLITS)))
    return Learner(kind, residuals, tuple(pieces))


def losses(kind: str, columns: Columns, residuals: FloatArray, trust: FloatArray) -> FloatArray:
    """The squared error of each row's residual, predicted from the other folds, times what the row counts."""
    n = len(residuals)
    if not columns:
        return trust * residuals**2
    fold = np.random.default_rng(1).permutation(n) % FOLDS
    out = np.empty(n)
    for k in range(FOLDS):
        seen, left = fold != k, fold == k
        inside = {name: values[seen] for name, values in columns.items()}
        outside = {name: values[left] for name, values in columns.items()}
        costs = None
        if kind == "spline":
            terms, costs = splines(inside)
        elif kind == "tree":
            terms = leaves(inside, residuals[seen], trust[seen])
        else:
            terms = quadratic(inside)
        matrix, own = terms(inside), trust[seen]
        gram = _gram(matrix, own, _penalty(matrix, residuals[seen], own, costs))
        beta = np.linalg.solve(gram, matrix.T @ (own * residuals[seen]))
        out[left] = trust[left] * (residuals[left] - terms(outside) @ beta) ** 2
    return out


def trusted(columns: Columns, residuals: FloatArray) -> FloatArray:
    """What each row counts: the less, the more the residuals of rows like it vary; one on average.

    Only as far as the rows are sure that the spread changes. Errors are right with any such weights.

    Source:
        Romano & Wolf (2017), Resurrecting weighted least squares; James & Stein (1961) for the share that is believed.
    """
    n = len(residuals)
    if not columns or n < LEAST_TRUST:
        return np.ones(n)
    terms, costs = splines(columns)
    matrix = terms(columns)
    ones = np.ones(n)
    gram = _gram(matrix, ones, _penalty(matrix, residuals, ones, costs))
    left = residuals - matrix @ np.linalg.solve(gram, matrix.T @ residuals)
    square = left**2
    logs = np.log(square + SMALL * square.mean() + 1e-300)
    own = quadratic(columns)(columns)
    fitted = own @ np.linalg.lstsq(own, logs, rcond=None)[0]
    df = own.shape[1] - 1
    between, within = float(((fitted - logs.mean()) ** 2).sum()), float(((logs - fitted) ** 2).sum())
    f = between / max(df, 1) / max(within / max(n - df - 1, 1), 1e-300)
    believed = max(0.0, 1.0 - BELIEVED / max(f, 1e-300))
    found = np.exp(-np.clip(believed * (fitted - fitted.mean()), -MOST_TRUST, MOST_TRUST))
    return found / found.mean()


def _piece(
    rows: IntArray,
    terms: Terms,
    matrix: FloatArray,
    residuals: FloatArray,
    trust: FloatArray,
    penalty: FloatArray | None = None,
) -> Piece:
    """The fit; what is left of the residuals has each row's part in it made up for."""
    inverse = np.linalg.inv(_gram(matrix, trust, penalty))
    leverage = trust * np.einsum("ij,jk,ik->i", matrix, inverse, matrix)
    left = residuals - matrix @ (inverse @ (matrix.T @ (trust * residuals)))
    smooth = trust[:, None] * (matrix @ inverse)
    return Piece(rows, terms, smooth, left / np.clip(1.0 - leverage, MOST_LEVERAGE, 1.0))


def _gram(matrix: FloatArray, trust: FloatArray, penalty: FloatArray | None = None) -> FloatArray:
    ridge = np.full(matrix.shape[1], 1e-6)
    return matrix.T @ (trust[:, None] * matrix) + len(matrix) * np.diag(ridge if penalty is None else ridge + penalty)


def _penalty(
    matrix: FloatArray, residuals: FloatArray, trust: FloatArray, costs: FloatArray | None
) -> FloatArray | None:
    """The cost of each term, per row, by generalised cross-validation: of all curves alike, then of each column's own.

    A curve that one column needs is no reason to bend another: of a cause and its effect the squares hide a product.

    Args:
        costs: (column, term).

    Source:
        Golub, Heath & Wahba (1979), Generalized cross-validation as a method for choosing a good ridge parameter; Kim & Gu
        (2004), Smoothing spline Gaussian regression, for what a degree of freedom counts.
    """
    if costs is None:
        return None
    right, n = matrix.T @ (trust * residuals), len(matrix)
    plain = matrix.T @ (trust[:, None] * matrix)
    squares = float(trust @ residuals**2)

    def score(sizes: FloatArray) -> float:
        inverse = np.linalg.inv(plain + n * np.diag(sizes @ costs + 1e-6))
        beta, df = inverse @ right, float((inverse * plain).sum())
        return (squares - float(2.0 * beta @ right - beta @ plain @ beta)) / max(1.0 - OVERFIT * df / n, 0.05) ** 2

    best = min((np.full(len(costs), size) for size in PENALTIES), key=score)
    for column in range(len(costs)) if len(costs) > 1 else ():
        tried = np.tile(best, (len(PENALTIES), 1))
        tried[:, column] = PENALTIES
        best = min(tried, key=score)
    return best @ costs


def _halves(n: int, split: int) -> tuple[IntArray, IntArray]:
    order = np.random.default_rng(split).permutation(n)
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


def splines(columns: Columns) -> tuple[Terms, FloatArray]:
    """A constant, and per column a natural spline of 5 df; of few levels an indicator each; products of lines.

    Returns:
        The terms, and what each costs, (column, term): lines, levels and products nothing, curves the more the rougher.

    Source:
        Demmler & Reinsch (1975), Oscillation matrices with spline smoothing.
    """
    scales, levels = _scales(columns), _levels(columns)
    room = max(0, len(next(iter(columns.values()))) // 10 - 5 * len(columns))
    pairs = list(combinations(columns, 2))[:room]
    curves: dict[Name, Callable[[FloatArray], FloatArray]] = {}
    owners = [""]
    for name, (m, s) in scales.items():
        if name in levels:
            owners += [""] * (len(levels[name]) - 1)
            continue
        curves[name], count = _curves((columns[name] - m) / s)
        owners += ["", *[name] * count]
    owners += [""] * len(pairs)

    def terms(values: Columns) -> FloatArray:
        own = [np.ones((len(next(iter(values.values()))), 1))]
        z = {name: (values[name] - m) / s for name, (m, s) in scales.items()}
        for name in columns:
            if name in levels:
                own += [1.0 * (values[name] == level)[:, None] for level in levels[name][1:]]
            else:
                own += [z[name][:, None], curves[name](z[name])]
        own += [(z[a] * z[b])[:, None] for a, b in pairs]
        return np.concatenate(own, axis=1)

    return terms, np.array([[float(owner == name) for owner in owners] for name in curves]).reshape(-1, len(owners))


def _curves(z: FloatArray) -> tuple[Callable[[FloatArray], FloatArray], int]:
    """Curves beside the straight line of a standardised column, of variance one over the square root of their roughness."""
    knots = np.unique(np.quantile(z, [0.03, 0.22, 0.41, 0.59, 0.78, 0.97]))
    line = np.stack([np.ones_like(z), z], axis=1)
    if len(knots) < 4:
        beta = np.linalg.lstsq(line, z**2, rcond=None)[0]
        size = float((z**2 - line @ beta).std()) or 1.0
        return lambda x: ((x**2 - beta[0] - beta[1] * x) / size)[:, None], 1

    def tails(x: FloatArray, power: int) -> FloatArray:
        last = knots[-1]
        own = [
            (np.maximum(x - place, 0) ** power - np.maximum(x - last, 0) ** power) / (last - place)
            for place in knots[:-1]
        ]
        return np.stack([tail - own[-1] for tail in own[:-1]], axis=1)

    raw = tails(z, 3)
    beta = np.linalg.lstsq(line, raw, rcond=None)[0]
    left = raw - line @ beta
    bends = 6.0 * tails(np.linspace(knots[0], knots[-1], 200), 1)
    rough, directions = eigh(bends.T @ bends / len(bends), left.T @ left / len(left) + 1e-9 * np.eye(left.shape[1]))
    directions = directions * np.sqrt(rough[0] / rough)
    return lambda x: (tails(x, 3) - np.stack([np.ones_like(x), x], axis=1) @ beta) @ directions, left.shape[1]


def leaves(columns: Columns, residuals: FloatArray, trust: FloatArray) -> Terms:
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
    root = np.sqrt(trust)
    left = residuals - matrix @ np.linalg.lstsq(root[:, None] * matrix, root * residuals, rcond=None)[0]
    tree = DecisionTreeRegressor(max_leaf_nodes=LEAVES, min_samples_leaf=max(8, n // 15), random_state=0)
    tree.fit(matrix[:, 1:], left, sample_weight=trust)
    places = np.unique(tree.apply(matrix[:, 1:].astype(np.float32)))

    def terms(values: Columns) -> FloatArray:
        own = lines(values)
        leaf = tree.apply(own[:, 1:].astype(np.float32))
        return np.concatenate([own, *((1.0 * (leaf == place))[:, None] for place in places[1:])], axis=1)

    return terms

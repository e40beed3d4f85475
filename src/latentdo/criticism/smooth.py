"""The mean of some columns given others, as flexible as the rows allow, with residuals that no row has a part in itself.

Straight lines and levels cost nothing, curves and products what the rows choose. Apart from the learners of `estimators`: those
are squares and products clipped far out, chosen once for many weightings; here a wrong shape would be taken for a wrong graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from math import prod
from typing import Any

import numpy as np
from scipy.interpolate import BSpline
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.special import expit
from scipy.stats import kurtosis, rankdata
from scipy.stats import norm as normal_law

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name, quote
from latentdo.sheet import counted

HEAVY = 5.0
"""Excess kurtosis beyond which a column is tested on a scale with lighter tails: independence does not depend on the scale."""
Factor = Any
"""Of a symmetric matrix, as `scipy.linalg.cho_factor` gives it."""
LEAST_IN_LEVEL = 5
"""Rows that a level needs for a column of its own; rarer ones count together."""
MOST_LEVELS = 30
"""Levels of a column of names beyond which nothing is tested of it."""
ROWS_PER_CELL = 8
"""Rows per combination of levels from which every combination has a term."""
ROWS_PER_TERM = 4
"""Rows per term: with fewer, products are left out, and then curves."""
MOST_TERMS = 150
CURVES = (np.inf, 10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4)
"""Penalties of curves that are tried, in rows for each row; infinite for none."""
PRODUCTS = (np.inf, 1.0, 0.03, 1e-3)
"""Penalties of products that are tried."""
TREES, ROWS_PER_LEAF, LEAVES, STEPS = 50, 10, 6, 25
RICH = 3
"""Curves that have products with lines where other learners look too."""
BALANCE = 0.3
"""The penalty of the weights that balance a regression, as a part of the regression's own, or of 1 where that is more."""
OVERFIT = 1.2
"""What a degree of freedom counts in generalised cross-validation."""


@dataclass(frozen=True, eq=False)
class Variable:
    """A column as a test needs it.

    Attributes:
        name: What it is called.
        values: One number per row, on a scale without heavy tails, of standard deviation one.
        codes: The place of the level of each row, where the column has levels.
        n_levels: How many there are; 0 of a column of numbers.
        ordered: Whether the levels are numbers.
    """

    name: Name
    values: FloatArray
    codes: IntArray | None = None
    n_levels: int = 0
    ordered: bool = True

    @staticmethod
    def of(name: Name, values: FloatArray, *, has_levels: bool, ordered: bool) -> Variable:
        """The column with its kind; its rare levels count together."""
        if not has_levels:
            return Variable(name, _scaled(_tamed(values)))
        _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        rare = counts < LEAST_IN_LEVEL
        if rare.sum() and len(counts) > 2:
            order = np.cumsum(~rare) - 1
            order[rare] = int((~rare).sum())
            codes = order[codes]
            _, codes = np.unique(codes, return_inverse=True)
        return Variable(name, _scaled(values), codes, int(codes.max()) + 1, ordered)

    @cached_property
    def targets(self) -> FloatArray:
        """What is predicted of it, a column each: the number, or an indicator of every level but the most frequent."""
        if self.codes is None or (self.ordered and self.n_levels > 2):
            return self.values[:, None]
        counts = np.bincount(self.codes, minlength=self.n_levels)
        kept = np.delete(np.arange(self.n_levels), int(counts.argmax()))
        return np.equal(self.codes[:, None], kept).astype(float)

    @property
    def is_indicator(self) -> bool:
        """Whether the targets are zeros and ones."""
        return self.codes is not None and (self.n_levels == 2 or not self.ordered)

    @cached_property
    def lines(self) -> FloatArray:
        """What stands for it in a predictor: the number, or an indicator of every level but one; of standard deviation one."""
        if self.codes is None:
            return self.values[:, None]
        return np.stack([_scaled((self.codes == level).astype(float)) for level in range(1, self.n_levels)], axis=1)

    @cached_property
    def curves(self) -> FloatArray:
        """Curves of the number beside its straight line, the smoothest first and the rougher the smaller; none of levels.

        Source:
            Eilers & Marx (1996), Flexible smoothing with B-splines and penalties, in the basis of Demmler & Reinsch (1975),
            Oscillation matrices with spline smoothing.
        """
        n = len(self.values)
        if self.codes is not None:
            return np.zeros((n, 0))
        pieces = int(np.clip(n**0.4, 5, 14))
        inner = np.unique(np.quantile(self.values, np.linspace(0, 1, pieces + 1)))
        if len(inner) < 4:
            return np.zeros((n, 0))
        knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
        basis = BSpline.design_matrix(np.clip(self.values, inner[0], inner[-1]), knots, 3).toarray()
        # Differences of coefficients over the distances of their knots: straight lines cost nothing.
        places = np.array([knots[k + 1 : k + 4].mean() for k in range(basis.shape[1])])
        slopes = np.diff(np.eye(basis.shape[1]), axis=0) / np.diff(places)[:, None]
        bends = np.diff(slopes, axis=0)
        cost, directions = eigh(bends.T @ bends, basis.T @ basis / n + 1e-9 * np.eye(basis.shape[1]))
        # The first two are constants and straight lines.
        found = basis @ directions[:, 2:]
        line = np.stack([np.ones(n), self.values], axis=1)
        found -= line @ np.linalg.lstsq(line, found, rcond=None)[0]
        return found / np.maximum(found.std(axis=0), 1e-12) * np.sqrt(cost[2] / cost[2:])


def _scaled(values: FloatArray) -> FloatArray:
    centred = values - values.mean()
    return centred / (centred.std() or 1.0)


def _tamed(values: FloatArray) -> FloatArray:
    """The column itself, its logarithm, or its normal scores: the first that has no heavy tails."""
    if not kurtosis(values) > HEAVY:
        return values
    if values.min() > 0 and abs(kurtosis(logs := np.log(values))) < HEAVY:
        return logs
    return normal_law.ppf((rankdata(values) - 0.5) / len(values))


@dataclass(frozen=True, eq=False)
class Residuals:
    """What is left of the targets of a variable.

    Attributes:
        values: (row, target), each row's prediction made without that row.
        variances: What the square of each would be on average: of indicators p(1 - p), of numbers one value for all rows.
        fitted: The predictions.
        df: Degrees of freedom that the predictions took.
        is_indicator: Whether the targets are zeros and ones.
    """

    values: FloatArray
    variances: FloatArray
    fitted: FloatArray
    df: float
    is_indicator: bool = False

    @staticmethod
    def of(target: Variable, fitted: FloatArray, values: FloatArray, df: float) -> Residuals:
        """With the variances that belong to the kind of the target."""
        n = len(values)
        if target.is_indicator:
            p = np.clip(fitted, 0.5 / n, 1 - 0.5 / n)
            variances = p * (1 - p)
        else:
            variances = np.broadcast_to((values**2).mean(axis=0), values.shape)
        return Residuals(values, variances, fitted, df, target.is_indicator)


class Predictor:
    """Means given some variables: a basis that several targets share.

    Attributes:
        given: The variables.
        matrix: (row, term): a constant, lines and levels, curves, products.
        owners: The variables that each term is a function of.
    """

    def __init__(self, given: Sequence[Variable], n: int, *, cells: bool = True, rich: bool = False) -> None:
        self.given = tuple(given)
        lines = [variable.lines for variable in given]
        room = min(MOST_TERMS, n // ROWS_PER_TERM) - sum(each.shape[1] for each in lines) - 1
        products, owners = _products(given, n, room // 2, cells=cells, rich=rich)
        room -= products.shape[1]
        curves = [variable.curves for variable in given]
        n_curved = sum(each.shape[1] > 0 for each in curves)
        most = room // n_curved if n_curved else 0
        curves = [each[:, : max(0, most)] for each in curves]
        blocks = [np.ones((n, 1)), *lines, *curves, products]
        self.matrix = np.concatenate(blocks, axis=1)
        single = [
            frozenset({v.name})
            for parts in (lines, curves)
            for v, part in zip(given, parts, strict=True)
            for _ in part.T
        ]
        self.owners = [frozenset[Name](), *single, *owners]
        n_lines, n_curves = 1 + sum(each.shape[1] for each in lines), sum(each.shape[1] for each in curves)
        self._curves = slice(n_lines, n_lines + n_curves)
        self._products = slice(n_lines + n_curves, self.matrix.shape[1])
        self._gram = self.matrix.T @ self.matrix
        self.n = n

    def residuals(self, target: Variable) -> Residuals:
        """What is left of a variable's targets, penalties chosen by generalised cross-validation.

        Source:
            Golub, Heath & Wahba (1979), Generalized cross-validation as a method for choosing a good ridge parameter.
        """
        targets = target.targets
        right, squares = self.matrix.T @ targets, (targets**2).sum()
        return self._penalised(target, self._penalties(right, squares))

    def _penalties(self, right: FloatArray, squares: float) -> tuple[float, float]:
        """Of curves, and then of products."""
        penalties = (np.inf, np.inf)
        if self._curves.start < self._curves.stop:
            penalties = (self._best([(curve, np.inf) for curve in CURVES], right, squares)[0], np.inf)
        if self._products.start < self._products.stop:
            penalties = self._best([(penalties[0], product) for product in PRODUCTS], right, squares)
        return penalties

    def _penalised(self, target: Variable, penalties: tuple[float, float]) -> Residuals:
        targets = target.targets
        right = self.matrix.T @ targets
        chosen, factor, _ = self._factor(penalties)
        columns = self.matrix[:, chosen]
        fitted = columns @ cho_solve(factor, right[chosen])
        leverage = np.einsum("ij,ji->i", columns, cho_solve(factor, columns.T))
        left = (targets - fitted) / np.maximum(1 - leverage, 0.05)[:, None]
        # Each row's prediction without that row.
        return Residuals.of(target, targets - left, left, float(leverage.sum()))

    def functional(
        self, target: Variable, weights: FloatArray, side: frozenset[Name], within: Predictor | None = None
    ) -> tuple[FloatArray, float]:
        """What each row adds to the mean of weights times the part of the target's mean that one side makes.

        The weights are functions of that side and zero on average, so that what the rest of the given, independent of it,
        makes of the target counts for nothing. The mean over rows estimates the functional; it has what the penalties take
        away added back.

        Args:
            weights: (row, weight).
            side: The variables of the side.
            within: What the part is taken less its mean of, where the weights are too.

        Returns:
            (row, weight and target), and the degrees of freedom that the target's mean took.

        Source:
            Chernozhukov, Newey & Singh (2022), Automatic debiased machine learning of causal and structural effects.
        """
        targets = target.targets
        right, squares = self.matrix.T @ targets, (targets**2).sum()
        penalties = self._penalties(right, squares)
        smooth = self._penalised(target, penalties)
        own = np.array([bool(names) and names <= side for names in self.owners])
        # Penalised less than the mean, so that it finds what the penalties of the mean have left out.
        everything, balance, _ = self._factor((BALANCE * min(penalties[0], 1.0), BALANCE * min(penalties[1], 1.0)))
        moments = (self.matrix.T @ weights) * own[:, None]
        representer = self.matrix[:, everything] @ cho_solve(balance, moments[everything])
        chosen, factor, _ = self._factor(penalties)
        part = (self.matrix[:, chosen] * own[chosen]) @ cho_solve(factor, right[chosen])
        part = part - part.mean(axis=0)
        if within is not None:
            columns = [Variable("part", column) for column in part.T]
            part = np.concatenate([within.residuals(column).values for column in columns], axis=1)
        # Given the weights, what they make of the part is no chance: only what they leave of it varies.
        made = weights @ np.linalg.lstsq(weights, part, rcond=None)[0]
        found = representer[:, :, None] * smooth.values[:, None, :] + weights[:, :, None] * (part - made)[:, None, :]
        found += (weights[:, :, None] * made[:, None, :]).mean(axis=0)
        return found.reshape(self.n, -1), smooth.df

    def closer(self, target: Variable, seed: int) -> Residuals:
        """What is left of a target's mean as the better of two links, and a forest for what that misses, predict it.

        The forest predicts each row by the trees that did not see it, and counts for as much as it explains.

        Source:
            Breiman (2001), Random forests, section 3.1, for predictions out of bag.
        """
        bases = [self.residuals(target)]
        if not self.given:
            return bases[0]
        if self.matrix.shape[1] > 1 + sum(variable.lines.shape[1] for variable in self.given):
            bases.append(self._penalised(target, (np.inf, np.inf)))
        if target.is_indicator and self.matrix.shape[1] > 2:
            bases.append(self._logistic(target))
        inputs = np.concatenate([variable.lines for variable in self.given], axis=1)
        return min(
            (_with_forest(target, base, inputs, seed) for base in bases), key=lambda each: (each.values**2).sum()
        )

    def _logistic(self, target: Variable) -> Residuals:
        """What is left of indicators by penalised logistic regression of each, by Newton's method."""
        best: tuple[float, FloatArray, FloatArray, float] | None = None
        for penalties in ((np.inf, np.inf), (1.0, np.inf), (0.03, np.inf), (0.03, 0.03)):
            costs = np.full(self.matrix.shape[1], 1e-4)
            costs[self._curves], costs[self._products] = penalties
            chosen = np.flatnonzero(np.isfinite(costs))
            columns, costs = self.matrix[:, chosen], self.n * 0.1 * costs[chosen]
            fitted, left, df = zip(*(_newton(columns, each, costs) for each in target.targets.T), strict=True)
            error = float(np.square(left).sum())
            if best is None or error < best[0]:
                best = error, np.stack(fitted, axis=1), np.stack(left, axis=1), max(df)
        assert best is not None
        return Residuals.of(target, best[1], best[2], best[3])

    def _best(self, tried: Sequence[tuple[float, float]], right: FloatArray, squares: float) -> tuple[float, float]:
        scores = []
        for penalties in tried:
            chosen, factor, gram = self._factor(penalties)
            beta = cho_solve(factor, right[chosen])
            error = squares - 2 * (beta * right[chosen]).sum() + (beta * (gram @ beta)).sum()
            df = np.trace(cho_solve(factor, gram))
            scores.append(error / max(self.n - OVERFIT * df, 1.0) ** 2)
        return tried[int(np.argmin(scores))]

    def _factor(self, penalties: tuple[float, float]) -> tuple[IntArray, Factor, FloatArray]:
        """The terms that a pair of penalties leaves, the factor of their penalised gram matrix, and that without penalty."""
        costs = np.full(self.matrix.shape[1], 1e-8)
        costs[self._curves], costs[self._products] = penalties
        chosen = np.flatnonzero(np.isfinite(costs))
        gram = self._gram[np.ix_(chosen, chosen)]
        return chosen, cho_factor(gram + np.diag(self.n * costs[chosen]), check_finite=False), gram


def _with_forest(target: Variable, base: Residuals, inputs: FloatArray, seed: int) -> Residuals:
    """The residuals less what a forest of small trees makes of them, each row by the trees that did not see it."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        TREES, min_samples_leaf=ROWS_PER_LEAF, max_leaf_nodes=LEAVES, oob_score=True, random_state=seed
    )
    left = base.values
    forest.fit(inputs, left if left.shape[1] > 1 else left[:, 0])
    found = np.asarray(forest.oob_prediction_).reshape(left.shape)
    # It counts for as much as it explains.
    found *= np.clip((left * found).sum(axis=0) / np.maximum((found**2).sum(axis=0), 1e-12), 0.0, 1.0)
    return Residuals.of(target, base.fitted + found, left - found, base.df)


def _newton(columns: FloatArray, target: FloatArray, costs: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Fitted probabilities, residuals without the row's own part, and degrees of freedom."""
    beta = np.zeros(columns.shape[1])
    for _ in range(STEPS):
        mean, _, factor = _newton_point(columns, beta, costs)
        step = cho_solve(factor, columns.T @ (target - mean) - costs * beta)
        beta += step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-4:
            break
    mean, weight, factor = _newton_point(columns, beta, costs)
    leverage = weight * np.einsum("ij,ji->i", columns, cho_solve(factor, columns.T))
    left = (target - mean) / np.maximum(1 - leverage, 0.05)
    return target - left, left, float(leverage.sum())


def _newton_point(columns: FloatArray, beta: FloatArray, costs: FloatArray) -> tuple[FloatArray, FloatArray, Factor]:
    """Means, their variances, and the factor of the penalised information."""
    mean = expit(columns @ beta)
    weight = np.maximum(mean * (1 - mean), 1e-4)
    return mean, weight, cho_factor((columns * weight[:, None]).T @ columns + np.diag(costs), check_finite=False)


def _products(
    given: Sequence[Variable], n: int, most: int, *, cells: bool, rich: bool
) -> tuple[FloatArray, list[frozenset[Name]]]:
    """All combinations of levels where there are rows enough, else products of two lines, as many as there is room for.

    Args:
        rich: Whether there are products of a line with the other's smoothest curves too.
    """
    count = prod(variable.n_levels for variable in given)
    if cells and len(given) > 1 and count > 0 and count * ROWS_PER_CELL <= n:
        code = np.zeros(n, dtype=np.intp)
        for variable in given:
            assert variable.codes is not None
            code = code * variable.n_levels + variable.codes
        dummies = np.equal(code[:, None], np.unique(code)).astype(float)
        owners = [frozenset(variable.name for variable in given)] * dummies.shape[1]
        return _standardised(dummies), owners
    columns, owners = [np.zeros((n, 0))], list[frozenset[Name]]()
    sides = [(first.lines, second.lines, first, second) for first, second in combinations(given, 2)]
    if rich:
        sides += [(first.lines, second.curves[:, :RICH], first, second) for first, second in permutations(given, 2)]
    for left, right, first, second in sides:
        pairs = (left[:, :, None] * right[:, None, :]).reshape(n, -1)
        if len(owners) + pairs.shape[1] > most:
            break
        columns.append(_standardised(pairs))
        owners += [frozenset({first.name, second.name})] * pairs.shape[1]
    return np.concatenate(columns, axis=1), owners


def _standardised(columns: FloatArray) -> FloatArray:
    return (columns - columns.mean(axis=0)) / columns.std(axis=0).clip(1e-12)


def few_rows(name: Name, count: int) -> str:
    """That a level is too rare for a test."""
    return f"one level of {quote(name)} has {counted(count, 'row')}, fewer than {LEAST_IN_LEVEL}"

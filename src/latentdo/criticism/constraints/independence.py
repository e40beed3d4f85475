"""Whether two columns are independent given others: the product of what is left of each, whatever their kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_law

from latentdo.arrays import FloatArray

from ..smooth import Residuals

SHARE = 0.9
"""The part of the level that the plain products have; products of squares, and weighted ones, have the rest."""
FAR = 3.0
"""Standard deviations beyond which the square of a residual no longer grows."""


@dataclass(frozen=True)
class Tested:
    """What a test found: its p value, and how large the deviation is."""

    p: float
    effect: float


def covariance_test(first: Residuals, second: Residuals) -> Tested:
    """The generalised covariance measure: whether the residuals of two variables are uncorrelated.

    With several targets on a side it is a quadratic form. Each of two covariance matrices of the products must find it large:
    that of the rows, and that which independence implies. The first alone takes a cell that happens to be empty for a
    certainty, the second alone takes unequal spread for dependence. Where one of two single targets is a number no cell can be
    empty: there the rows' variance will do, or that of the slope of one residual along the other, which does not grow with the
    slope itself. A tenth of the level then goes to what plain products cannot see: a squared residual of one beside the
    other, and products that change with what is given.

    Source:
        Shah & Peters (2020), The hardness of conditional independence testing and the generalised covariance measure; with
        weights Scheidegger, Hörrmann & Bühlmann (2022), The weighted generalised covariance measure.
    """
    n = len(first.values)
    products = (first.values[:, :, None] * second.values[:, None, :]).reshape(n, -1)
    one, other = _moments(first), _moments(second)
    implied = np.einsum("nij,nkl->ikjl", one, other).reshape(products.shape[1], -1) / n
    if products.shape[1] > 1 or (first.is_indicator and second.is_indicator):
        p = _form_test(products, (_empirical(products), implied), first, second)
    else:
        p = _form_test(products, (np.array([[_variance(products, first, second)]]),), first, second)
        left, right = _bent(first, second)
        implied = (left.T @ left / n) * (right.T @ right / n)
        bent = _form_test(left * right, (_empirical(left * right), implied), first, second)
        p = min(p / SHARE, bent / (1 - SHARE), 1.0)
    scale = np.sqrt(np.outer((first.values**2).mean(axis=0), (second.values**2).mean(axis=0))).ravel()
    return Tested(p, float(np.abs(products.mean(axis=0) / np.maximum(scale, 1e-12)).max()))


def _empirical(products: FloatArray) -> FloatArray:
    """The covariance matrix of the rows."""
    return np.cov(products, rowvar=False).reshape(products.shape[1], products.shape[1])


def _variance(products: FloatArray, first: Residuals, second: Residuals) -> float:
    """Of one product: the rows' own, or what it is around the slope of either residual along the other (HC3), if that is less.

    Source:
        MacKinnon & White (1985), Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample
        properties.
    """
    one, other = first.values[:, 0], second.values[:, 0]

    def around(x: FloatArray, y: FloatArray) -> float:
        square = max(float(x @ x), 1e-300)
        return float(np.mean((x * (y - float(x @ y) / square * x) / (1 - x**2 / square)) ** 2))

    return min(float(products.var(ddof=1)), max(around(one, other), around(other, one)))


def _form_test(products: FloatArray, covariances: Sequence[FloatArray], first: Residuals, second: Residuals) -> float:
    """The p value of products whose means are zero under independence, by the covariance matrix that makes it largest."""
    n, size = products.shape
    means = products.mean(axis=0)
    # Two smoothers leave fewer than n free numbers behind, which the mean square of products does not know.
    inflation = n / max(n - min(first.df, second.df), 1.0)
    statistic = min(_form(means, inflation * matrix / n) for matrix in covariances)
    left = max(n - max(first.df, second.df) - size, 2.0)
    return float(f_law.sf(statistic / size * left / (left + size - 1), size, left))


def _form(means: FloatArray, covariance: FloatArray) -> float:
    return float(means @ np.linalg.pinv(covariance, rcond=1e-8, hermitian=True) @ means)


def _moments(side: Residuals) -> FloatArray:
    """(row, target, target): the variances, and between the indicators of one column the covariances."""
    n, size = side.values.shape
    if size == 1:
        return side.variances[:, :, None]
    p = np.clip(side.fitted, 0.5 / n, 1 - 0.5 / n)
    p = p / np.maximum(p.sum(axis=1, keepdims=True), 1.0)
    return np.einsum("ni,ij->nij", p, np.eye(size)) - p[:, :, None] * p[:, None, :]


def _bent(first: Residuals, second: Residuals) -> tuple[FloatArray, FloatArray]:
    """Pairs of columns, functions of the two residuals, whose products are zero on average under independence."""
    one, other = first.values[:, 0], second.values[:, 0]
    pairs = []
    for side, plain, swapped in ((first, other, False), (second, one, True)):
        if not side.is_indicator:
            square = np.minimum(side.values[:, 0] ** 2, FAR**2 * np.mean(side.values**2))
            pair = square - square.mean(), plain
            pairs.append(pair[::-1] if swapped else pair)
        level = side.fitted[:, 0] - side.fitted[:, 0].mean()
        if np.abs(level).max() > 1e-6:
            pairs.append((one * level / level.std(), other))
    left, right = zip(*pairs, strict=True)
    return np.stack(left, axis=1), np.stack(right, axis=1)

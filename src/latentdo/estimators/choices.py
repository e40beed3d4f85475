"""What the rows decide about a linear model: which terms it has, and the spread and shape of its residuals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import numpy as np

from latentdo.graphs import Name

from .features import PENALTY, Features, Pair, all_pairs
from .fitting import fit_levels, fit_linear
from .laws import LogisticLaw, LogLinearScale, Residuals, Shape
from .learners import Glm
from .sample import Column, Env, FloatArray, IntArray

ROWS_PER_CELL = 20
"""With so many rows for each combination of levels, each has a parameter of its own."""
ROWS_PER_TERM = 10
"""With so many rows for each term, a model may have that term."""
FEW_ROWS_PER_TERM = 3
"""With fewer, a model can follow its rows so closely that what it says of others is arbitrary."""
MOST_ADDED = 12
EXTENDED = 0.5
"""The part of the extended criterion that grows with the number of products to choose from."""
MOST_OFFERED = 500
"""Of more terms none is chosen by itself."""
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers, of which a model predicts the mean by least squares: (replicate or 1, row).

    What is decided about terms is decided on the first replicate.
    """

    values: FloatArray
    width: ClassVar[int] = 1

    def fit(self, matrix: FloatArray, weights: FloatArray, penalty: FloatArray) -> FloatArray:
        """The coefficients, (replicate, term)."""
        return fit_linear(matrix, self.values, weights, penalty)

    def left(self, features: Features, env: Env, coefficients: FloatArray, weights: FloatArray) -> _Left:
        """What a fit leaves."""
        n = len(weights)
        rest = self.values[0] - np.broadcast_to(features.predict(env, coefficients)[0], n)
        spread = max(float(np.average(rest**2, weights=weights)), 1e-300)
        return n * float(np.log(spread)), rest[:, None] / spread, np.full((n, 1, 1), 1 / spread)

    def losses(self, features: Features, env: Env, coefficients: FloatArray) -> FloatArray:
        """How far off each row is, (replicate, row)."""
        off: FloatArray = (self.values - features.predict(env, coefficients)) ** 2
        return off


@dataclass(frozen=True, eq=False)
class Levels:
    """A column of levels, of which a model predicts the probabilities."""

    column: Column
    codes: IntArray

    @property
    def width(self) -> int:
        """How many linear predictors a model has."""
        return len(self.column.all_levels) - 1

    def fit(self, matrix: FloatArray, weights: FloatArray, penalty: FloatArray) -> FloatArray:
        """The coefficients, (replicate, level without the first, term)."""
        return fit_levels(matrix, self.codes, self.width + 1, weights, penalty)

    def left(self, features: Features, env: Env, coefficients: FloatArray, weights: FloatArray) -> _Left:
        """What a fit leaves."""
        law = LogisticLaw(self.column, features, coefficients).probabilities(env)[0]
        law = np.broadcast_to(law, (len(self.codes), self.width + 1))
        loss = -2 * float(weights @ np.log(np.maximum(law[np.arange(len(self.codes)), self.codes], 1e-12)))
        upper = law[:, 1:]
        spread = upper[:, :, None] * (np.eye(self.width) - upper[:, None, :])
        return loss, (self.codes[:, None] == np.arange(1, self.width + 1)) - upper, spread

    def losses(self, features: Features, env: Env, coefficients: FloatArray) -> FloatArray:
        """How improbable each row is, (replicate, row)."""
        law = LogisticLaw(self.column, features, coefficients).density(env, self.column.values[None])
        off: FloatArray = -np.log(np.maximum(law, 1e-12))
        return off


Target = Numbers | Levels
_Left = tuple[float, FloatArray, FloatArray]
"""Twice the loss of a fit, the slope of its log-likelihood in each predictor of each row, (row, predictor), and the
curvature, (row, predictor, predictor)."""


def target_of(column: Column) -> Target:
    """A column as what is predicted: levels, or standardised numbers."""
    if column.levels is None:
        return Numbers(((column.values - column.mean) / column.sd)[None, :])
    return Levels(column, column.codes(column.values))


def features_of(
    target: Target, columns: tuple[Column, ...], env: Env, weights: FloatArray, glm: Glm, treated: Collection[Name] = ()
) -> Features:
    """Which terms a model has: the best by Schwarz's criterion of the columns alone, products added one by one, all products.

    Args:
        treated: Columns whose products are offered even where there are too few rows for all products.
    """
    width = target.width

    def left(features: Features) -> _Left:
        matrix, penalty = features.matrix(env, len(weights)), features.penalty(glm.least_penalty)
        return target.left(features, env, target.fit(matrix, weights[None], penalty), weights)

    plain, richer = Features(columns, 1), Features(columns, 2)
    # Uneven weights make chance look like something: the rows count as so many of equal weight.
    n = float(weights.sum() ** 2 / (weights**2).sum())
    discrete = bool(columns) and all(column.is_discrete for column in columns)
    if discrete and (Features(columns, "cells").size - 1) * ROWS_PER_CELL <= len(weights):
        return Features(columns, "cells")
    if not columns or richer.size == plain.size or not has_room(plain, n, width):
        return plain
    whole = n >= ROWS_PER_TERM * richer.size * width
    places = [i for i, column in enumerate(columns) if column.name in treated]
    offered = all_pairs(columns) if whole else []
    if not whole or richer.size * width > MOST_OFFERED:
        offered = [pair for pair in all_pairs(columns) if any(i in places for i in pair)]
    candidates = [plain]
    if offered and Features(columns, 2, tuple(offered)).size * width <= MOST_OFFERED:
        pairs = _forward(columns, offered, env, weights, width, left)
        candidates += [Features(columns, 2, pairs)] if pairs else []
    candidates += [richer] if whole else []
    share = n / len(weights)
    scores = [share * left(features)[0] + width * features.size * np.log(n) for features in candidates]
    return candidates[int(np.argmin(scores))]


def has_room(plain: Features, n: float, width: int) -> bool:
    """Whether so many rows are enough for one product beside the columns."""
    return n >= ROWS_PER_TERM * (plain.size + 1) * width


def _forward(
    columns: tuple[Column, ...],
    offered: list[Pair],
    env: Env,
    weights: FloatArray,
    width: int,
    left: Callable[[Features], _Left],
) -> tuple[Pair, ...]:
    """Products, each the one that a score test prefers to all others, as long as it is worth its terms.

    Source:
        Rao's score test: U' (I_gg - I_gs I_ss^-1 I_sg)^-1 U, of terms g beside those s that are there; for its price Chen &
        Chen (2008), Extended Bayesian information criteria for model selection with large model spaces.
    """
    n = float(weights.sum() ** 2 / (weights**2).sum())
    every = Features(columns, 2, tuple(offered))
    matrix = every.matrix(env, len(weights))
    places = {pair: every.places(pair) for pair in offered}
    taken = sorted(set(range(every.size)).difference(*places.values()))
    chosen: list[Pair] = []
    # Of many products one is sure to look good.
    extra = 2 * EXTENDED * np.log(len(offered))
    while len(chosen) < MOST_ADDED and n >= ROWS_PER_TERM * (len(taken) + 1) * width:
        _, slopes, curves = left(Features(columns, 2, tuple(chosen)))
        score = matrix.T @ (weights[:, None] * slopes)
        information = np.empty((every.size, width, every.size, width))
        for j, k in product(range(width), repeat=2):
            information[:, j, :, k] = matrix.T @ ((weights * curves[:, j, k])[:, None] * matrix)
        waiting = [pair for pair in offered if pair not in chosen]
        worths = _worths(score, information, taken, [places[pair] for pair in waiting])
        gains = [
            worth * n / len(weights) - width * len(places[pair]) * np.log(n) - extra
            for pair, worth in zip(waiting, worths, strict=True)
        ]
        if not gains or max(gains) <= 0:
            break
        chosen.append(waiting[int(np.argmax(gains))])
        taken += places[chosen[-1]]
    return tuple(chosen)


def _worths(score: FloatArray, information: FloatArray, taken: list[int], groups: Sequence[list[int]]) -> list[float]:
    """Rao's test of each group of terms beside those that are taken, from (term, predictor) and that by itself.

    The terms that are taken have a score too, of their penalty; without its share a term that repeats them would look new.
    """
    size, width = score.shape
    flat, matrix = score.ravel(), information.reshape(size * width, -1)
    within = _flat(taken, width)
    scale = np.maximum(np.diag(matrix), 1e-300)
    inner = matrix[np.ix_(within, within)] + np.diag(1e-9 * scale[within])
    known = np.linalg.solve(inner, matrix[within])
    slopes = flat - known.T @ flat[within]
    worths: list[float] = []
    for group in groups:
        places = _flat(group, width)
        rest = (
            matrix[np.ix_(places, places)]
            - matrix[np.ix_(places, within)] @ known[:, places]
            + np.diag(1e-6 * scale[places])
        )
        worths.append(float(slopes[places] @ np.linalg.solve(rest, slopes[places])))
    return worths


def _flat(terms: Sequence[int], width: int) -> list[int]:
    return [term * width + k for term in terms for k in range(width)]


def penalty_of(
    target: Target, features: Features, env: Env, weights: FloatArray, glm: Glm, spared: Collection[Name]
) -> float:
    """What the square of a coefficient costs, save of the columns that are spared: where rows are few, by ten parts of them."""
    if glm.penalty is not None or not is_wide(features, weights, target.width):
        return glm.least_penalty
    place = np.random.default_rng(len(weights)).permutation(len(weights)) % 10
    held_out = place == np.arange(10)[:, None]
    matrix = features.matrix(env, len(weights))
    losses: list[float] = []
    for strength in PENALTIES:
        coefficients = target.fit(matrix, weights * ~held_out, features.penalty(strength, spared))
        losses.append(float((weights * held_out * target.losses(features, env, coefficients)).sum()))
    return PENALTIES[int(np.argmin(losses))]


def is_wide(features: Features, weights: FloatArray, width: int) -> bool:
    """Whether a model has more terms than a third of the rows, those of its fold or not."""
    return features.degree != "cells" and FEW_ROWS_PER_TERM * features.size * width > len(weights)


def residuals_of(
    residuals: FloatArray,
    weights: FloatArray,
    features: Features,
    env: Env,
    choices: dict[Any, Any],
    target: Name,
    normal: bool,
) -> Residuals:
    """The law of the residuals: spread, constant or not, and shape, normal or not, by Schwarz's criterion."""
    totals = weights.sum(axis=1)
    sd = np.sqrt(np.maximum((weights * residuals**2).sum(axis=1) / totals, 1e-300))
    constant = LogLinearScale(Features(()), np.log(sd)[:, None])
    if normal:
        return Residuals(constant, None)
    linear = Features(features.columns, 1 if features.degree != "cells" else "cells")
    key = ("residuals", target, tuple(column.name for column in features.columns))
    n = residuals.shape[1]
    scale = constant
    if features.columns and n >= ROWS_PER_TERM * linear.size and choices.get((key, "scale"), True):
        # The mean of the logarithm of a squared standard normal is -1.27; the last line makes up for other laws.
        squared = np.log(np.maximum(residuals**2, 1e-12 * sd[:, None] ** 2)) + 1.2704
        coefficients = fit_linear(linear.matrix(env, n), squared / 2, weights, linear.penalty(PENALTY))
        z2 = (residuals / np.exp(linear.predict(env, coefficients))) ** 2
        coefficients[:, 0] += np.log((weights * z2).sum(axis=1) / totals) / 2
        varying = LogLinearScale(linear, coefficients)
        gain = (weights[0] * (np.log(sd[0]) - np.log(varying(env)[0]))).sum()
        if choices.setdefault((key, "scale"), bool(gain > 0.5 * (linear.size - 1) * np.log(n) + 2)):
            scale = varying
    z = residuals / scale(env)
    if not choices.get((key, "shape"), True):
        return Residuals(scale, None)
    shape = Shape.of(z, weights)
    gain = weights[0] @ (np.log(shape.density(z)[0]) + 0.5 * z[0] ** 2 + 0.5 * np.log(2 * np.pi))
    # A kernel estimate has about as many parameters as kernels lie side by side.
    if choices.setdefault((key, "shape"), bool(gain > 6 * np.log(n))):
        return Residuals(scale, shape)
    return Residuals(scale, None)

"""What the rows decide about a linear model: which terms it has, and the spread and shape of its residuals."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from latentdo.graphs import Name

from .features import PENALTY, Degree, Features
from .fitting import fit_linear, fit_logistic, fit_multinomial
from .laws import LogisticLaw, LogLinearScale, Residuals, Shape
from .learners import Glm
from .sample import Column, Env, FloatArray

ROWS_PER_CELL = 20
"""With so many rows for each combination of levels, each has a parameter of its own."""
ROWS_PER_TERM = 10
FEW_ROWS_PER_TERM = 3
"""With fewer, a model can follow its rows so closely that what it says of others is arbitrary."""
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


def degree_of(column: Column, columns: tuple[Column, ...], env: Env, weights: FloatArray, glm: Glm) -> Degree:
    """Which terms the model of a column has: those that Schwarz's criterion prefers."""
    if column.levels is None:
        return linear_degree(columns, env, (column.values - column.mean) / column.sd, weights, glm)
    n = len(weights)
    discrete = all(given.is_discrete for given in columns)
    if discrete and (Features(columns, "cells").size - 1) * ROWS_PER_CELL <= n:
        return "cells"
    richer = Features(columns, 2)
    width = len(column.levels) - 1
    if not columns or richer.size == Features(columns, 1).size or n < ROWS_PER_TERM * richer.size * width:
        return 1
    codes = column.codes(column.values)
    scores: list[float] = []
    for features in (Features(columns, 1), richer):
        matrix, penalty = features.matrix(env, n), features.penalty(glm.least_penalty)
        if width == 1:
            found = fit_logistic(matrix, codes[None, :].astype(float), weights[None], penalty)[:, None]
        else:
            found = fit_multinomial(matrix, codes, width + 1, weights[None], penalty)
        law = LogisticLaw(column, features, found).density(env, column.values[None])[0]
        scores.append(-2 * float(weights @ np.log(np.maximum(law, 1e-12))) + width * features.size * np.log(n))
    return 2 if scores[1] < scores[0] else 1


def linear_degree(columns: tuple[Column, ...], env: Env, target: FloatArray, weights: FloatArray, glm: Glm) -> Degree:
    """Which terms a least-squares model of numbers has."""
    n = len(weights)
    discrete = bool(columns) and all(column.is_discrete for column in columns)
    if discrete and (Features(columns, "cells").size - 1) * ROWS_PER_CELL <= n:
        return "cells"
    richer = Features(columns, 2)
    if not columns or richer.size == Features(columns, 1).size or n < ROWS_PER_TERM * richer.size:
        return 1
    scores: list[float] = []
    for features in (Features(columns, 1), richer):
        found = fit_linear(features.matrix(env, n), target[None], weights[None], features.penalty(glm.least_penalty))
        spread = np.average((target - features.predict(env, found)[0]) ** 2, weights=weights)
        scores.append(n * float(np.log(max(spread, 1e-300))) + features.size * np.log(n))
    return 2 if scores[1] < scores[0] else 1


def penalty_of(
    column: Column, features: Features, env: Env, weights: FloatArray, glm: Glm, spared: Collection[Name]
) -> float:
    """What the square of a coefficient costs in the model of a column, save of the columns that are spared."""
    width = 1 if column.levels is None else len(column.levels) - 1
    if glm.penalty is not None or not is_wide(features, weights, width):
        return glm.least_penalty
    if column.levels is None:
        return linear_penalty(features, env, (column.values - column.mean) / column.sd, weights, glm, spared)
    codes, (left_out, taken) = column.codes(column.values), _parts(weights)
    matrix = features.matrix(env, len(weights))
    losses: list[float] = []
    for strength in PENALTIES:
        penalty = features.penalty(strength, spared)
        if width == 1:
            found = fit_logistic(matrix, codes[None, :].astype(float), taken, penalty)[:, None]
        else:
            found = fit_multinomial(matrix, codes, width + 1, taken, penalty)
        law = LogisticLaw(column, features, found).density(env, column.values[None])
        losses.append(-float((left_out * np.log(np.maximum(law, 1e-12))).sum()))
    return PENALTIES[int(np.argmin(losses))]


def linear_penalty(
    features: Features, env: Env, target: FloatArray, weights: FloatArray, glm: Glm, spared: Collection[Name]
) -> float:
    """What the square of a coefficient costs in a least-squares model of numbers, save of the columns that are spared."""
    if glm.penalty is not None or not is_wide(features, weights):
        return glm.least_penalty
    left_out, taken = _parts(weights)
    matrix = features.matrix(env, len(weights))
    losses: list[float] = []
    for strength in PENALTIES:
        found = fit_linear(matrix, target[None], taken, features.penalty(strength, spared))
        losses.append(float((left_out * (target - found @ matrix.T) ** 2).sum()))
    return PENALTIES[int(np.argmin(losses))]


def is_wide(features: Features, weights: FloatArray, width: int = 1) -> bool:
    """Whether a model has more terms than a third of the rows, those of its fold or not."""
    return features.degree != "cells" and FEW_ROWS_PER_TERM * features.size * width > len(weights)


def _parts(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ten parts of the rows: the weights of each part's rows, and those of all others, (part, row)."""
    place = np.random.default_rng(len(weights)).permutation(len(weights)) % 10
    own = place == np.arange(10)[:, None]
    return weights * own, weights * ~own


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
        found = fit_linear(linear.matrix(env, n), squared / 2, weights, linear.penalty(PENALTY))
        z2 = (residuals / np.exp(linear.predict(env, found))) ** 2
        found[:, 0] += np.log((weights * z2).sum(axis=1) / totals) / 2
        varying = LogLinearScale(linear, found)
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

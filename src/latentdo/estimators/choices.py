"""What the rows decide about a linear model: which terms it has, and the spread and shape of its residuals."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentdo.graphs import Name

from .features import Degree, Features
from .fitting import fit_linear, fit_logistic, fit_multinomial
from .laws import LogisticLaw, LogLinearScale, Residuals, Shape
from .learners import Glm
from .sample import Column, Env, FloatArray

ROWS_PER_CELL = 20
"""With so many rows for each combination of levels, each has a parameter of its own."""
ROWS_PER_TERM = 10


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
        matrix, penalty = features.matrix(env, n), features.penalty(glm.penalty)
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
        found = fit_linear(features.matrix(env, n), target[None], weights[None], features.penalty(glm.penalty))
        spread = np.average((target - features.predict(env, found)[0]) ** 2, weights=weights)
        scores.append(n * float(np.log(max(spread, 1e-300))) + features.size * np.log(n))
    return 2 if scores[1] < scores[0] else 1


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
        found = fit_linear(linear.matrix(env, n), squared / 2, weights, linear.penalty(0.1))
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

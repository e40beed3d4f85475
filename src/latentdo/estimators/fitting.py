"""Penalised generalised linear models for many weightings of the same rows at once."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from .sample import FloatArray, IntArray

_MOST_NUMBERS = 2e7
_STEPS = 60
_LARGEST_STEP = 4.0


def fit_linear(features: FloatArray, target: FloatArray, weights: FloatArray, penalty: FloatArray) -> FloatArray:
    """Weighted least squares with a penalty on squares of coefficients, one fit per replicate.

    Args:
        features: (row, term).
        target: (replicate or 1, row).
        weights: (replicate, row), not negative.
        penalty: One per term.

    Returns:
        (replicate, term).
    """
    gram = _grams(features, weights) + np.diag(penalty)
    coefficients: FloatArray = np.linalg.solve(gram, ((weights * target) @ features)[..., None])[..., 0].astype(
        np.float64
    )
    return coefficients


def fit_logistic(
    features: FloatArray,
    target: FloatArray,
    weights: FloatArray,
    penalty: FloatArray,
    offset: FloatArray | float = 0.0,
) -> FloatArray:
    """Penalised logistic regression by Newton's method, one fit per replicate; targets lie between 0 and 1.

    Args:
        features: (row, term).
        target: (replicate or 1, row).
        weights: (replicate, row), not negative.
        penalty: One per term.
        offset: A known part of the linear predictor, (replicate or 1, row).

    Returns:
        (replicate, term).
    """
    coefficients = np.zeros((len(weights), features.shape[1]))
    for _ in range(_STEPS):
        mean = expit(coefficients @ features.T + offset)
        slope = (weights * (target - mean)) @ features - penalty * coefficients
        # The floor keeps the system solvable where every row is all but certain.
        gram = _grams(features, weights * np.maximum(mean * (1 - mean), 1e-9)) + np.diag(penalty)
        step = np.linalg.solve(gram, slope[..., None])[..., 0]
        largest = np.abs(step).max(axis=1, keepdims=True)
        coefficients += step * np.minimum(1.0, _LARGEST_STEP / np.maximum(largest, 1e-300))
        if largest.max() < 1e-7:
            break
    return coefficients


def fit_levels(
    features: FloatArray, codes: IntArray, n_levels: int, weights: FloatArray, penalty: FloatArray
) -> FloatArray:
    """Penalised logistic regression of a column of levels, of more than two multinomial; the first level is the baseline.

    Args:
        features: (row, term).
        codes: The place of each row's level.
        weights: (replicate, row), not negative.
        penalty: One per term.

    Returns:
        (replicate, level without the first, term).
    """
    if n_levels == 2:
        return fit_logistic(features, codes[None, :].astype(float), weights, penalty)[:, None]
    p = features.shape[1]
    truth = (codes[:, None] == np.arange(1, n_levels)).astype(float)
    coefficients = np.zeros((len(weights), n_levels - 1, p))
    costs = np.tile(penalty, n_levels - 1)
    for b, row_weights in enumerate(weights):
        # Neighbouring replicates have nearly the same answer.
        beta = coefficients[b - 1].copy() if b else coefficients[0]
        for _ in range(_STEPS):
            scores = np.exp(np.clip(features @ beta.T, -30, 30))
            law = scores / (1 + scores.sum(axis=1, keepdims=True))
            slope = ((row_weights[:, None] * (truth - law)).T @ features).ravel() - costs * beta.ravel()
            gram = np.zeros((n_levels - 1, p, n_levels - 1, p))
            for j in range(n_levels - 1):
                for k in range(j + 1):
                    share = row_weights * law[:, j] * ((j == k) - law[:, k])
                    gram[j, :, k] = gram[k, :, j] = features.T @ (share[:, None] * features)
            size = (n_levels - 1) * p
            step = np.linalg.solve(gram.reshape(size, size) + np.diag(costs + 1e-9), slope)
            beta = beta + (step * min(1.0, _LARGEST_STEP / max(np.abs(step).max(), 1e-300))).reshape(beta.shape)
            if np.abs(step).max() < 1e-7:
                break
        coefficients[b] = beta
    return coefficients


def _grams(features: FloatArray, weights: FloatArray) -> FloatArray:
    """features' diag(w) features for every row w of the weights."""
    n, p = features.shape
    if len(weights) > 2 and n * p * p <= _MOST_NUMBERS:
        upper, lower = np.triu_indices(p)
        flat = weights @ (features[:, upper] * features[:, lower])
        grams = np.empty((len(weights), p, p))
        grams[:, upper, lower] = flat
        grams[:, lower, upper] = flat
        return grams
    return np.stack([features.T @ (row_weights[:, None] * features) for row_weights in weights])

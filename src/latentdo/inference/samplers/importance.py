"""How heavy a tail is (the shape k of a generalised Pareto law fitted to it), and importance weights smoothed by it."""

from __future__ import annotations

import numpy as np

from ..blocks.coordinates import FloatArray


def pareto_k(draws: FloatArray) -> float:
    """The larger k-hat of the two tails; below 0.5 the variance exists, above 1 not even the mean.

    Draws without spread, or too few of them for a tail, give 0.

    Source:
        Zhang & Stephens (2009), A new and efficient estimation method for the generalized Pareto distribution; tail size
        and prior weight as in Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, app. C.
    """
    n = len(draws)
    size = int(min(n // 5, np.ceil(3 * np.sqrt(n))))
    if size < 10 or np.ptp(draws) == 0:
        return 0.0
    ordered = np.sort(draws)
    upper = ordered[-size:] - ordered[-size - 1]
    lower = ordered[size] - ordered[:size][::-1]
    return max(_shape(np.sort(upper)), _shape(np.sort(lower)))


def smoothed(log_weights: FloatArray) -> tuple[FloatArray, float]:
    """Normalised importance weights whose largest are replaced by Pareto quantiles, and k-hat of their tail.

    Args:
        log_weights: (draw,), log of target over proposal up to a constant; -inf where the target is 0.

    Returns:
        Weights that sum to 1, and k-hat: below 0.7 what they give can be trusted (infinite where no weight is finite, or
        where there are too few draws for a tail).

    Source:
        Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, §2.4 and app. C.
    """
    n = len(log_weights)
    finite = np.isfinite(log_weights)
    size = int(min(n // 5, np.ceil(3 * np.sqrt(n))))
    if finite.sum() <= size or size < 10:
        return np.full(n, 1.0 / n), float("inf")
    weights = np.where(finite, np.exp(log_weights - log_weights[finite].max()), 0.0)
    order = np.argsort(weights)
    tail, threshold = order[-size:], weights[order[-size - 1]]
    exceedances = weights[tail] - threshold
    if exceedances[-1] <= 1e-12:  # all the same: the proposal is the target
        return weights / weights.sum(), 0.0
    k, scale = _pareto(exceedances)
    share = (np.arange(size) + 0.5) / size
    quantiles = scale * (np.expm1(-k * np.log1p(-share)) / k if k else -np.log1p(-share))
    weights[tail] = np.minimum(threshold + quantiles, 1.0)
    return weights / weights.sum(), k


def _shape(x: FloatArray) -> float:
    """k-hat of exceedances in ascending order."""
    return _pareto(x)[0]


def _pareto(x: FloatArray) -> tuple[float, float]:
    """Shape k-hat and scale of exceedances in ascending order."""
    n = len(x)
    # Ties at the threshold (a probability that is 0 or 1 in many draws) have no tail to fit.
    if x[-1] <= 0 or x[int(n / 4 + 0.5) - 1] <= 0:
        return 0.0, float(x.mean())
    m = 30 + int(np.sqrt(n))
    b = 1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))
    b = b / (3 * x[int(n / 4 + 0.5) - 1]) + 1 / x[-1]
    k = np.log1p(-b[:, None] * x).mean(axis=1)
    likelihood = n * (np.log(-b / k) - k - 1)
    weights = 1 / np.exp(np.clip(likelihood - likelihood[:, None], -700, 700)).sum(axis=1)
    chosen = float((b * weights / weights.sum()).sum())
    shape = float(np.log1p(-chosen * x).mean())
    return (n * shape + 10 * 0.5) / (n + 10), -shape / chosen

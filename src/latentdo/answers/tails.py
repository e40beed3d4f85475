"""How heavy the tails of the draws are: the shape k of a generalised Pareto law fitted to each tail."""

from __future__ import annotations

import numpy as np

from .simulate import FloatArray


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


def _shape(x: FloatArray) -> float:
    """k-hat of exceedances in ascending order."""
    n = len(x)
    # Ties at the threshold (a probability that is 0 or 1 in many draws) have no tail to fit.
    if x[-1] <= 0 or x[int(n / 4 + 0.5) - 1] <= 0:
        return 0.0
    m = 30 + int(np.sqrt(n))
    b = 1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))
    b = b / (3 * x[int(n / 4 + 0.5) - 1]) + 1 / x[-1]
    k = np.log1p(-b[:, None] * x).mean(axis=1)
    likelihood = n * (np.log(-b / k) - k - 1)
    weights = 1 / np.exp(np.clip(likelihood - likelihood[:, None], -700, 700)).sum(axis=1)
    chosen = float((b * weights / weights.sum()).sum())
    shape = float(np.log1p(-chosen * x).mean())
    return (n * shape + 10 * 0.5) / (n + 10)

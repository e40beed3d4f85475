"""How well a fit predicts each row from the others, without training again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from latentdo.arrays import FloatArray
from latentdo.tables import Dataset

from ..samplers.importance import smoothed

if TYPE_CHECKING:
    from .posterior import Posterior


def left_out(posterior: Posterior, data: Dataset) -> tuple[FloatArray, float]:
    """The log density of each row predicted from the others, latents integrated out, and the largest Pareto k-hat.

    Source:
        Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC.
    """
    logs = posterior.log_likelihood(data.expanded(posterior.spec.measured))
    values, worst = np.empty(logs.shape[1]), 0.0
    for row, own in enumerate(logs.T):
        weights, khat = smoothed(-own)
        values[row] = logsumexp(own, b=weights)
        worst = max(worst, khat)
    return values, worst

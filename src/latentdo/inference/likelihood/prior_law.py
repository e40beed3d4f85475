"""The law of a prior as arithmetic: its density, how much of it lies below a value, and its quantiles."""

from __future__ import annotations

import numpy as np

from latentdo.laws import LAWS, cut_quantile, cut_share
from latentdo.models import Prior
from latentdo.models.build import NUMPY

from ..blocks.coordinates import FloatArray


def cumulative(prior: Prior, values: FloatArray) -> FloatArray:
    """The share of the prior below each value, its cuts counted."""
    with np.errstate(all="ignore"):
        return cut_share(NUMPY, LAWS[prior.family], prior.args, (prior.low, prior.high), values)


def quantiles(prior: Prior, shares: FloatArray) -> FloatArray:
    """The value below which each share of the prior lies, its cuts counted."""
    with np.errstate(all="ignore"):
        return cut_quantile(NUMPY, LAWS[prior.family], prior.args, (prior.low, prior.high), shares, 1.0 - shares)


def log_densities(prior: Prior, values: FloatArray) -> FloatArray:
    """The log density of the prior at values within its bounds, up to a constant."""
    with np.errstate(all="ignore"):
        log = LAWS[prior.family].formulas.log_density(np, values, *prior.args)
    return np.nan_to_num(np.asarray(log, dtype=float), neginf=-1e300)

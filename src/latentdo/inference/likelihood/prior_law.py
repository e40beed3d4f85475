"""The law of a prior as arithmetic: how much of it lies below a value, and its quantiles. NumPy and special functions only."""

from __future__ import annotations

import numpy as np
import scipy.special as special

from latentdo.models import Prior

from ..blocks.coordinates import FloatArray

_SYMMETRIC = frozenset({"normal", "student", "cauchy"})


def cumulative(prior: Prior, values: FloatArray) -> FloatArray:
    """The share of the prior below each value, its cuts counted."""
    if _mirrors(prior):
        return 1.0 - cumulative(_mirrored(prior), -values)
    below, mass = _cut(prior)
    return np.clip((_whole(prior, values) - below) / mass, 0.0, 1.0)


def quantiles(prior: Prior, shares: FloatArray) -> FloatArray:
    """The value below which each share of the prior lies, its cuts counted."""
    if _mirrors(prior):
        return -quantiles(_mirrored(prior), 1.0 - shares)
    below, mass = _cut(prior)
    return np.clip(_inverse(prior, below + shares * mass), prior.low, prior.high)


def _mirrors(prior: Prior) -> bool:
    """Whether a symmetric prior is cut to its upper side, where differences of shares near 1 would lose their digits."""
    return prior.family in _SYMMETRIC and prior.low > prior.args[-2]


def _mirrored(prior: Prior) -> Prior:
    args = (*prior.args[:-2], -prior.args[-2], prior.args[-1])
    return Prior(prior.family, args, -prior.high, -prior.low)


def _cut(prior: Prior) -> tuple[float, float]:
    """The share below the lower bound, and that between the bounds."""
    below, above = (float(_whole(prior, np.asarray(bound))) for bound in (prior.low, prior.high))
    return below, max(above - below, np.finfo(float).tiny)


def _whole(prior: Prior, x: FloatArray) -> FloatArray:
    """The share below `x` without cuts."""
    a = prior.args
    with np.errstate(all="ignore"):
        match prior.family:
            case "normal":
                return special.ndtr((x - a[0]) / a[1])
            case "student":
                return special.stdtr(a[0], (x - a[1]) / a[2])
            case "cauchy":
                return 0.5 + np.arctan((x - a[0]) / a[1]) / np.pi
            case "halfnormal":
                return special.erf(np.maximum(x, 0.0) / (a[0] * np.sqrt(2.0)))
            case "chi":
                return special.gammainc(0.5 * a[0], 0.5 * (np.maximum(x, 0.0) / a[1]) ** 2)
            case "exponential":
                return -np.expm1(-a[0] * np.maximum(x, 0.0))
            case "gamma":
                return special.gammainc(a[0], a[1] * np.maximum(x, 0.0))
            case "lognormal":
                return special.ndtr((np.log(np.maximum(x, 0.0)) - a[0]) / a[1])
            case "beta":
                return special.betainc(a[0], a[1], np.clip(x, 0.0, 1.0))
            case "uniform":
                return np.clip((x - a[0]) / (a[1] - a[0]), 0.0, 1.0)
            case family:
                raise AssertionError(f"no law for the prior {family}")


def _inverse(prior: Prior, p: FloatArray) -> FloatArray:
    """The value whose share below it without cuts is `p`."""
    a = prior.args
    with np.errstate(all="ignore"):
        match prior.family:
            case "normal":
                return a[0] + a[1] * special.ndtri(p)
            case "student":
                return a[1] + a[2] * special.stdtrit(a[0], p)
            case "cauchy":
                return a[0] + a[1] * np.tan(np.pi * (p - 0.5))
            case "halfnormal":
                return a[0] * np.sqrt(2.0) * special.erfinv(p)
            case "chi":
                return a[1] * np.sqrt(2.0 * special.gammaincinv(0.5 * a[0], p))
            case "exponential":
                return -np.log1p(-p) / a[0]
            case "gamma":
                return special.gammaincinv(a[0], p) / a[1]
            case "lognormal":
                return np.exp(a[0] + a[1] * special.ndtri(p))
            case "beta":
                return special.betaincinv(a[0], a[1], p)
            case "uniform":
                return a[0] + (a[1] - a[0]) * p
            case family:
                raise AssertionError(f"no law for the prior {family}")

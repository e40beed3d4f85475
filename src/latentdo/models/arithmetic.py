"""What the families compute with: the arithmetic of NumPy or of JAX, and the formulas that several of them share.

Apart from `build.py`, so that a family states its arithmetic and yet loads neither.
"""

from __future__ import annotations

import math

from latentdo.laws import Arithmetic, Array

__all__ = [
    "LINK_CLIP",
    "LOG_LARGEST",
    "Arithmetic",
    "Array",
    "logistic",
    "normal_cdf",
    "normal_log_density",
    "safe_exp",
    "softplus",
]

LINK_CLIP = 0.01
"""Shares of `max` beyond which a hill column says nothing reliable on the logit scale."""

LOG_LARGEST = 300.0
"""Log of what the exponential of a log link stops at: far above any value that data may hold, its square still a number."""


def safe_exp(m: Arithmetic, x: Array) -> Array:
    """The exponential, cut off before it overflows."""
    return m.np.exp(m.np.minimum(x, LOG_LARGEST))


def logistic(m: Arithmetic, x: Array) -> Array:
    """1 / (1 + exp(-x)); written with tanh, which has no overflow at either end, in NumPy or in JAX's gradient."""
    return 0.5 * (1.0 + m.np.tanh(0.5 * x))


def softplus(m: Arithmetic, x: Array) -> Array:
    """log(1 + exp(x)); in NumPy several times as fast as `logaddexp`."""
    return m.np.maximum(x, 0.0) + m.np.log1p(m.np.exp(-abs(x)))


def normal_cdf(m: Arithmetic, z: Array) -> Array:
    """The share of the standard normal law below z, with its digits far out too; compiled, several times as fast as `ndtr`."""
    return 0.5 * m.special.erfc(-math.sqrt(0.5) * z)


def normal_log_density(m: Arithmetic, y: Array, mean: Array, sd: Array) -> Array:
    """The log density of Normal(mean, sd) at y."""
    return -0.5 * ((y - mean) / sd) ** 2 - m.np.log(sd) - 0.5 * math.log(2 * math.pi)

"""The chance of no more than a value, for many values at a time.

A special function of two arguments costs as much as a hundred multiplications. Where a draw is asked for thousands of values of
one law but for place and scale, its distribution function is tabulated instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.models import AbstractFamily
from latentdo.models.build import NUMPY

NODES = 513
"""Of the table, evenly placed in the arc tangent of a value in units of its scale."""
MANY = 4_096
"""Values per law from which a table is worth its making."""
LARGEST_ERROR = 1e-7
"""Of a table: where tails are so heavy that it is off by more, none is used."""


def chances_below(family: AbstractFamily, y: FloatArray, eta: Any, parameters: dict[str, FloatArray]) -> FloatArray:
    """`family.cdf` at values (1 or draw, row), given predictors (point, draw, row); to `LARGEST_ERROR` where a table is used."""
    tabulated = family.symmetric_noise and not family.cdf_compiles and family.noise_scale in parameters
    if not tabulated or np.ndim(eta) != 3 or np.size(eta) < MANY * np.shape(eta)[1]:
        return family.cdf(NUMPY, y, eta, parameters)
    n_draws = np.shape(eta)[1]
    scale = np.broadcast_to(parameters[family.noise_scale], (n_draws, 1))
    one = {**parameters, family.noise_scale: np.ones_like(scale)}
    step = np.pi / (NODES - 1)
    # The two ends stand for infinity, where nothing changes.
    places = np.arange(1, NODES - 1)
    values = np.tan(step * places - 0.5 * np.pi)
    inner = np.broadcast_to(family.cdf(NUMPY, values, 0.0, one), (n_draws, NODES - 2))
    slopes = np.exp(family.log_density(NUMPY, values, 0.0, one)) * (1.0 + values**2) * step
    table = np.pad(inner, [(0, 0), (1, 1)], constant_values=((0, 0), (0.0, 1.0)))
    slopes = np.pad(np.broadcast_to(slopes, inner.shape), [(0, 0), (1, 1)])
    between = np.array([0.5, 1.5, 0.5 * (NODES - 1) + 0.5])
    told = np.stack([_cubic(own, slope, between) for own, slope in zip(table, slopes, strict=True)])
    if np.abs(told - family.cdf(NUMPY, np.tan(step * between - 0.5 * np.pi), 0.0, one)).max() > LARGEST_ERROR:
        return family.cdf(NUMPY, y, eta, parameters)
    away = np.broadcast_to(y, np.shape(eta)[1:])
    found = np.empty(np.shape(eta))
    # Draw by draw: what is at work at a time then stays near the processor.
    for k in range(n_draws):
        turns = np.arctan((away[k] - eta[:, k]) / scale[k])
        found[:, k] = _cubic(table[k], slopes[k], (turns + 0.5 * np.pi) / step)
    return found


def _cubic(table: FloatArray, slopes: FloatArray, place: FloatArray) -> FloatArray:
    """Hermite's cubics between nodes, where `place` counts them from 0."""
    left = np.clip(place.astype(np.int64), 0, NODES - 2)
    beyond = place - left
    here, rise = table[left], np.diff(table)[left]
    a, b = slopes[left] - rise, rise - slopes[left + 1]
    return here + beyond * (rise + (1.0 - beyond) * ((1.0 - beyond) * a + beyond * b))

"""Cells so far out that no ordinary tail reaches them."""

from __future__ import annotations

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.models.build import numerics
from latentdo.tables import Dataset

FAR = 20.0
"""Robust standard deviations from the median beyond which a value is more likely a slip than a tail."""
FAR_FOR_NORMAL = 8.0
"""The same for normal nodes, and for what their measured parents leave of them: one normal row in 10^15 lies so far."""
FEW_VALUES, FIRST_ROWS = 10, 1_000
"""Values of a column without a tail to speak of, and rows that are looked at first."""


def outliers(spec: ModelSpec, node: Name, data: Dataset, fitted: FloatArray | None) -> list[str]:
    """A caution about values that no ordinary tail reaches; least squares and its kin follow them wherever they are.

    Args:
        fitted: What the measured parents make of each row by least squares; None where there are none.
    """
    values = data.column(node)[data.weights > 0]
    # A few rows show that there are many values; all are sorted only where these do not.
    if all(len(np.unique(some)) <= FEW_VALUES for some in (values[:FIRST_ROWS], values)):
        return []
    weights = data.weights[data.weights > 0].astype(int)
    # Where a family's tail is long, it is not on the scale of its link.
    distance = _robust_distance(np.asarray(numerics(spec[node].family).link(values), dtype=float), weights)
    limit = FAR
    if spec[node].family.linear_gaussian:
        limit = FAR_FOR_NORMAL
        if fitted is not None:
            # A long tail that comes from the parents is theirs.
            residual = _robust_distance(values - fitted[data.weights > 0], weights)
            distance = np.where(distance > FAR, distance, np.minimum(distance, residual))
    far = distance > limit
    n_far = int(weights[far].sum())
    if not n_far:
        return []
    cells = "1 cell lies" if n_far == 1 else f"{n_far} cells lie"
    median = np.median(np.repeat(values, weights))
    repair = f"the family {spec[node].family.name} may not fit, and these rows may decide the answer"
    if spec[node].family.linear_gaussian:
        repair = f"the family student has longer tails ({node} ~ student(…)); to a normal node these rows may decide the answer"
    return [
        f"in {node}, {cells} more than {limit:g} robust standard deviations from the median {median:.4g} (the "
        f"farthest is {values[np.argmax(distance)]:.4g}): if that is no slip, {repair}"
    ]


def _robust_distance(values: FloatArray, weights: np.ndarray) -> FloatArray:
    """How far each value is from the median, in robust standard deviations; 0 where half the rows are equal."""
    each = 1 if (weights == 1).all() else weights
    distance = np.abs(values - np.median(np.repeat(values, each)))
    # The median absolute deviation times 1.48 is the sd of normal data.
    spread = 1.4826 * np.median(np.repeat(distance, each))
    return distance / spread if spread else np.zeros_like(distance)

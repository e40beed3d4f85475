"""Where the splines of a model have their knots: quantiles of a parent's column, or of a latent's law by its priors."""

from __future__ import annotations

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import DataError
from latentdo.graphs import Name, quote
from latentdo.models import FEWEST_KNOTS, Mechanism, ModelSpec
from latentdo.models.build import numerics
from latentdo.tables import Dataset

from .beliefs import belief_mean

OUTERMOST = 0.005
"""Share of the rows beyond the knots on either side: there a curve is a straight line, and single rows of many do not bend it."""
NARROWEST = 1e-4
"""Share of the range of the knots by which two of them are apart."""
LATENT_QUANTILES = 200


def knotted(spec: ModelSpec, data: Dataset) -> ModelSpec:
    """The model with the columns of its splines.

    Raises:
        DataError: A column with so few values that it has no curve.
    """
    knots = {}
    for parent, spline in spec.unknotted:
        if parent in spec.latent:
            shares = np.linspace(OUTERMOST, 1.0 - OUTERMOST, spline.n_knots)
            knots[parent, spline.n_knots] = tuple(latent_quantiles(spec[parent], shares).tolist())
        else:
            knots[parent, spline.n_knots] = _of_column(parent, spline.n_knots, data)
    return spec.with_knots(knots) if knots else spec


def latent_quantiles(mechanism: Mechanism, shares: FloatArray) -> FloatArray:
    """Quantiles of a latent's law, without its parents, at the means of its priors."""
    parameters = {name: np.asarray(belief_mean(belief, 1.0)) for name, belief in mechanism.parameters}
    eta = np.asarray(belief_mean(mechanism.intercept))
    return np.asarray(numerics(mechanism.family).draw(shares, eta, parameters), dtype=float)


def _of_column(parent: Name, n: int, data: Dataset) -> tuple[float, ...]:
    kept = data.weights > 0
    values, weights = data.column(parent)[kept], data.weights[kept]
    distinct = np.unique(values)
    if len(distinct) < FEWEST_KNOTS:
        raise DataError(
            f"Column {parent} has {len(distinct)} different values, and s({quote(parent)}) needs {FEWEST_KNOTS} at least. Write "
            f"{quote(parent)} in its place, or make it categorical.",
            column=parent,
        )
    shares = np.linspace(OUTERMOST, 1.0 - OUTERMOST, n)
    found = _apart(np.quantile(values, shares, weights=weights, method="inverted_cdf"))
    if len(found) < min(n, len(distinct), FEWEST_KNOTS):
        # Most rows have one value: the others say where it bends.
        found = _apart(np.quantile(distinct, np.linspace(0.0, 1.0, n), method="inverted_cdf"))
    return tuple(found.tolist())


def _apart(knots: FloatArray) -> FloatArray:
    """Ascending knots without those that all but coincide with the one before."""
    found = np.unique(knots)
    gaps = np.diff(found)
    return found[np.append(True, gaps > NARROWEST * (found[-1] - found[0]))]

"""Where chains start: dispersed points around the data's location."""

from __future__ import annotations

import math

import numpy as np

from ..blocks.coordinates import Coordinate, FloatArray, NodeCoordinates
from .constraints import unconstrained
from .density import Layout, coordinates_of


def starting_points(
    layout: Layout, coordinates: tuple[NodeCoordinates, ...], n: int, random: np.random.Generator
) -> FloatArray:
    """Dispersed unbounded points, (n, free coordinates): around the data's location, several posterior sds apart."""
    columns = []
    for node, own in zip(layout.nodes, coordinates, strict=True):
        for flat, coordinate in zip(coordinates_of(node), own.all, strict=True):
            if flat.transform != "fixed":
                columns.append(_starts(flat.transform, coordinate, n, random))
    return np.array(columns).T.reshape(n, len(columns))


def _starts(transform: str, coordinate: Coordinate, n: int, random: np.random.Generator) -> list[float]:
    centre, spread = coordinate.start
    low, high = coordinate.low, coordinate.high
    values = centre + spread * random.standard_normal(n)
    # Inside its bounds, and away from them by a share of the spread or of the interval.
    margin = 0.05 * min(spread, high - low) if spread else 0.05
    if transform == "half" and math.isfinite(low):
        values = low + np.maximum(np.abs(values - low), margin)
    elif transform == "half":
        values = high - np.maximum(np.abs(high - values), margin)
    elif transform == "interval":
        outside = (values <= low + margin) | (values >= high - margin)
        values = np.where(outside, low + (high - low) * random.uniform(0.2, 0.8, n), values)
    return [unconstrained(transform, float(value), low, high, coordinate.scale, centre) for value in values]

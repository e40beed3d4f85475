"""The scale of each node as the data show it, and the coordinates, default priors included, that follow from it."""

from __future__ import annotations

import numpy as np

from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.models.build import numerics
from latentdo.tables import Dataset

from .coordinates import LinkScale, NodeCoordinates, node_coordinates, parent_scales


def coordinates_on(spec: ModelSpec, data: Dataset) -> dict[Name, NodeCoordinates]:
    """The coordinates of every node, in node order: centres, scales and default priors are taken from the columns."""
    measured = {node: (data.summary(node).mean, data.summary(node).sd) for node in spec.measured}
    scales = parent_scales(spec, measured, _shares(spec, data))
    return {node: node_coordinates(spec, node, scales, _link_scale(spec, node, data)) for node in spec.graph.nodes}


def _shares(spec: ModelSpec, data: Dataset) -> dict[str, float]:
    """The share of rows at each level that some weight is an indicator of."""
    return {
        factor: float(np.average(weight.factor(k, dict(data.columns)), weights=data.weights))
        for _, mechanism in spec.mechanisms
        for weight in mechanism.weights
        for k, (factor, parent) in enumerate(zip(weight.factors, weight.parents, strict=True))
        if factor != parent and parent not in spec.latent
    }


def _link_scale(spec: ModelSpec, node: Name, data: Dataset) -> LinkScale:
    if node in spec.latent:
        return LinkScale(0.0, 1.0, 1.0)
    values = numerics(spec[node].family).link(data.column(node))
    mean = float(np.average(values, weights=data.weights))
    variance = float(np.average((values - mean) ** 2, weights=data.weights)) * data.n_rows / (data.n_rows - 1)
    return LinkScale(mean, float(np.sqrt(variance)), data.summary(node).sd)

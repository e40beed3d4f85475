"""From a model, its coordinates and its rows to both halves of a block's log posterior."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from latentdo.graphs import Name
from latentdo.models import ModelSpec, Table
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

from ..blocks.block import Block
from ..blocks.coordinates import Coordinate, FloatArray, NodeCoordinates, level_groups, level_index, mixing
from .density import CoordinateLayout, Curve, Layout, NodeLayout, NodeNumbers, Numbers
from .states import check_states


def assemble(
    spec: ModelSpec, block: Block, coordinates: Mapping[Name, NodeCoordinates], rows: Dataset
) -> tuple[Layout, Numbers]:
    """Both halves of a block's log posterior.

    Args:
        rows: The columns of the block's measured nodes and inputs, with the patterns of `cells.block_rows`; rows of weight 0
            are padding. A node whose cell every pattern lacks is a latent like any other.

    Raises:
        UnsupportedError: More joint states of discrete latents than can be summed over.
    """
    missing = [frozenset(each.missing) for each in rows.patterns] or [frozenset[Name]()]
    hidden, clamped = (
        frozenset[Name]().union(*missing),
        frozenset[Name]().union(*missing) - missing[0].intersection(*missing),
    )
    unseen = [node for node in block.nodes if node in block.latent or node in hidden]
    position = {latent: k for k, latent in enumerate(unseen)}
    levels = {latent: len(spec[latent].family.points) for latent in unseen}
    check_states([(latent, n) for latent, n in levels.items() if n], rows.n_stored)
    noisy = [node for node in unseen if not spec[node].family.noiseless and not levels[node]]
    layouts, numbers = [], []
    for node in block.nodes:
        own = coordinates[node]
        layouts.append(
            NodeLayout(
                family=spec[node].family,
                latent=position.get(node),
                noise=noisy.index(node) if node in noisy else None,
                terms=tuple(
                    tuple(position[name] for name in weight.parents if name in position)
                    for weight in spec[node].weights
                ),
                centred=own.centred,
                order=own.order,
                coefficients=tuple(_layout_of(coordinate) for coordinate in own.coefficients),
                parameters=tuple((name, _layout_of(coordinate)) for name, coordinate in own.parameters),
                indicators=_indicators(spec, node, position),
                groups=tuple((position[latent], terms) for latent, terms in level_groups(spec, node)),
                curves=_curves(spec, node, own, position),
                clamped=node in clamped,
                bends=own.bends,
            )
        )
        numbers.append(_node_numbers(spec, node, own, position, rows, hidden, clamped))
    latent = [_centre_of(spec, block, coordinates, name) for name in unseen]
    return Layout(tuple(layouts)), Numbers(
        tuple(numbers),
        np.asarray(rows.weights, dtype=float),
        np.array([centre for centre, _ in latent]),
        np.array([scale for _, scale in latent]),
    )


def _indicators(spec: ModelSpec, node: Name, position: Mapping[Name, int]) -> tuple[tuple[int | None, ...], ...]:
    return tuple(
        tuple(
            None if level is None else int(level_index(spec[parent].family.points, level[1]))
            for parent, level in zip(weight.parents, weight.levels or (None,) * len(weight.parents), strict=True)
            if parent in position
        )
        for weight in spec[node].weights
    )


def _curves(
    spec: ModelSpec, node: Name, own: NodeCoordinates, position: Mapping[Name, int]
) -> tuple[tuple[Curve | None, ...], ...]:
    centres = dict(own.centres)
    found = tuple(
        tuple(
            None if shape is None else (shape, *centres[factor])
            for factor, (parent, _, shape) in zip(weight.factors, weight.parts, strict=True)
            if parent in position
        )
        for weight in spec[node].weights
    )
    return found if any(curve for term in found for curve in term) else ()


def _centre_of(
    spec: ModelSpec, block: Block, coordinates: Mapping[Name, NodeCoordinates], latent: Name
) -> tuple[float, float]:
    """Centre and scale of a latent, or of its indicators, as its children have them."""
    for node in block.nodes:
        centres = dict(coordinates[node].centres)
        for weight in spec[node].weights:
            for (parent, _, shape), factor in zip(weight.parts, weight.factors, strict=True):
                if parent == latent and shape is None and factor in centres:
                    return centres[factor]
    return 0.0, 1.0


def _layout_of(coordinate: Coordinate) -> CoordinateLayout:
    if coordinate.fixed is not None:
        transform = "fixed"
    elif math.isfinite(coordinate.low) and math.isfinite(coordinate.high):
        transform = "interval"
    else:
        transform = "half" if coordinate.bounded else "free"
    prior = None if coordinate.prior is None else coordinate.prior.family
    return CoordinateLayout(transform, prior, coordinate.unit == "raw", coordinate.prior_on == "raw", coordinate.folded)


def _node_numbers(
    spec: ModelSpec,
    node: Name,
    own: NodeCoordinates,
    position: Mapping[Name, int],
    rows: Dataset,
    hidden: frozenset[Name],
    clamped: frozenset[Name],
) -> NodeNumbers:
    columns = dict(rows.columns)
    mechanism = spec[node]
    design = np.ones((len(mechanism.weights), rows.n_stored))
    if isinstance(mechanism.family, Table):
        for k, (parent, points) in enumerate(zip(mechanism.parents, mechanism.family.given, strict=True)):
            design[k] = 0.0 if parent in position else level_index(points, columns[parent])
    else:
        centres = dict(own.centres)
        for k, (weight, whole) in enumerate(zip(mechanism.weights, own.centred, strict=True)):
            for at, (parent, factor) in enumerate(zip(weight.parents, weight.factors, strict=True)):
                if parent not in position:
                    centre, scale = centres[factor]
                    design[k] *= (weight.factor(at, columns, NUMPY) - (centre if whole else 0.0)) / scale
    every = own.all
    arguments = np.ones((len(every), 3))
    for k, coordinate in enumerate(every):
        if coordinate.prior is not None:
            arguments[k, : len(coordinate.prior.args)] = coordinate.prior.args
    cut = any(node in each.held for each in rows.patterns)
    return NodeNumbers(
        y=rows.column(node) if rows.has(node) else np.empty(0),
        design=design,
        to_raw=own.to_raw,
        arguments=arguments,
        low=np.array([coordinate.low for coordinate in every]),
        high=np.array([coordinate.high for coordinate in every]),
        shift=np.array([coordinate.shift for coordinate in every]),
        fixed=np.array([0.0 if coordinate.fixed is None else coordinate.fixed for coordinate in every]),
        scale=np.array([coordinate.scale for coordinate in every]),
        centre=np.array([coordinate.start[0] for coordinate in every]),
        mixing=mixing(spec, node),
        alive=1.0 - rows.held(node) if cut else None,
        seen=1.0 - rows.missing(node) if node in clamped else None,
        offsets=_offsets(spec, node, own, position) if hidden.intersection(mechanism.parents) else None,
    )


def _offsets(spec: ModelSpec, node: Name, own: NodeCoordinates, position: Mapping[Name, int]) -> FloatArray:
    """See `NodeNumbers.offsets`; 0 and 1 of a table, which has no centres."""
    centres = dict(own.centres)
    weights = spec[node].weights
    offsets = np.tile([0.0, 1.0], (len(weights), max(len(weight.parents) for weight in weights), 1))
    for k, (weight, whole) in enumerate(zip(weights, own.centred, strict=False)):
        factors = [factor for parent, factor in zip(weight.parents, weight.factors, strict=True) if parent in position]
        for at, factor in enumerate(factors):
            centre, scale = centres[factor]
            offsets[k, at] = (centre if whole else 0.0), scale
    return offsets

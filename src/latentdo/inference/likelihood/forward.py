"""Forward simulation: nodes drawn from their mechanisms, one row of units per posterior draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from latentdo.graphs import Name
from latentdo.models import Mechanism, ModelSpec, Table
from latentdo.models.build import NUMPY, Arithmetic, Array, numerics

from ..blocks.coordinates import FloatArray, row_of
from ..blocks.draws import NodeDraws, flat

CELLS = 20_000_000
"""Draws times units times predictors of a node that are computed at once, where it has one for each level."""


def predictor(mechanism: Mechanism, coefficients: Array, values: Mapping[Name, Array], m: Arithmetic = NUMPY) -> Any:
    """The linear predictor in raw units, (…, draw, unit).

    Args:
        coefficients: (…, draw, coefficient): intercept and weights, once per level but the first of a categorical node; or the
            probabilities of a table, row by row.
        values: Each parent; any shape that broadcasts with (…, draw, unit).
        m: The arithmetic of the arrays.

    Returns:
        For a categorical node and for a table (level, …, draw, unit): a predictor per level but the first, or log
        probabilities. Of a node of which a parameter depends on parents (2, …, draw, unit).
    """
    if isinstance(mechanism.family, Table):
        return _table_predictor(mechanism, coefficients, values, m)
    products = [weight.product(values, m) for weight in mechanism.weights]
    size = 1 + len(products)
    etas = []
    for first in range(0, coefficients.shape[-1], size):
        eta = coefficients[..., first : first + 1]
        for k, product in enumerate(products):
            eta = eta + coefficients[..., first + k + 1 : first + k + 2] * product
        etas.append(eta)
    if not mechanism.family.has_several:
        return etas[0]
    # Where a parent enters one of them alone, the other has fewer axes.
    return m.np.stack(m.np.broadcast_arrays(*etas))


def _table_predictor(mechanism: Mechanism, coefficients: Array, values: Mapping[Name, Array], m: Arithmetic) -> Array:
    family = mechanism.family
    assert isinstance(family, Table)
    row = row_of(family, [values[parent] for parent in mechanism.parents], m.np)
    # Rows before draws and units: what a parent's value picks is an axis of its own.
    shape = (*coefficients.shape[:-1], family.n_rows, len(family.levels))
    table = m.np.moveaxis(coefficients.reshape(shape), -1, 0)
    row = m.np.broadcast_to(row, m.np.broadcast_shapes(m.np.shape(row), (*coefficients.shape[:-1], 1)))
    # Parents may have more leading axes than the draws: combinations of levels that are gone through.
    table = table.reshape(len(family.levels), *[1] * (row.ndim - table.ndim + 1), *table.shape[1:])
    table = m.np.broadcast_to(table, (len(family.levels), *row.shape[:-1], family.n_rows))
    picked = m.np.take_along_axis(table, m.np.broadcast_to(row, (len(family.levels), *row.shape)), axis=-1)
    with np.errstate(divide="ignore"):
        # A draw of a small Dirichlet may be 0: such a level is never seen.
        return m.np.log(picked)


def node_parameters(draws: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The family's parameters as (draw, 1), to broadcast over units."""
    return {name: values[:, None] for name, values in draws.items()}


def simulate_nodes(
    spec: ModelSpec,
    order: Sequence[Name],
    draws: Mapping[Name, NodeDraws],
    uniform: Callable[[Name], FloatArray],
    values: dict[Name, FloatArray],
) -> dict[Name, FloatArray]:
    """`values` with the nodes of `order` drawn too, each (draw, unit).

    Args:
        order: Nodes in topological order; those already in `values` are kept as they are.
        uniform: The uniforms of a node, (unit,): shared by all draws here.
        values: Where to start: inputs, evidence, nodes that were set.
    """
    for node in order:
        if node in values:
            continue
        mechanism, own = spec[node], uniform(node)
        values[node] = _by_draws(
            mechanism,
            draws[node],
            values,
            len(own),
            lambda eta, parameters, own=own, family=mechanism.family: numerics(family).draw(own, eta, parameters),
        )
    return values


def _by_draws(
    mechanism: Mechanism,
    draws: NodeDraws,
    values: Mapping[Name, FloatArray],
    n_units: int,
    compute: Callable[[Any, dict[str, FloatArray]], FloatArray],
) -> FloatArray:
    """What is computed from a node's predictors and parameters, (draw, unit); some draws at a time where predictors are many."""
    coefficients, parameters = flat(draws)
    own, n_draws = node_parameters(parameters), len(coefficients)
    size = max(1, CELLS // (n_units * mechanism.family.n_predictors))
    if size >= n_draws or not mechanism.family.has_several:
        return compute(predictor(mechanism, coefficients, values), own)
    parents = {name: values[name] for name in mechanism.parents}
    parts = []
    for begin in range(0, n_draws, size):
        part = slice(begin, begin + size)
        # Inputs may have one row for all draws.
        here = {
            name: value[part] if np.ndim(value) > 1 and len(value) > 1 else value for name, value in parents.items()
        }
        parts.append(compute(predictor(mechanism, coefficients[part], here), {k: v[part] for k, v in own.items()}))
    return np.concatenate(parts)


def even_uniforms(nodes: Sequence[Name], n: int, random: np.random.Generator) -> dict[Name, FloatArray]:
    """Uniforms of each node, (unit,), that fill the cube evenly: a scrambled Sobol sequence of n = 2^k points.

    Moments over units depend on every parameter a little, also where the law of the nodes does not: on the axes of latents that
    may be rotated, say. Independent units would leave so much of that that chains which agree would seem not to.

    Source:
        Owen (1998), Scrambling Sobol' and Niederreiter-Xing points.
    """
    # Loaded here: fits that are only read and asked never need it, and it takes as long as all the rest.
    from scipy.stats import qmc

    points = qmc.Sobol(max(1, len(nodes)), rng=random).random(n)
    return dict(zip(nodes, np.clip(points.T, 1e-6, 1 - 1e-6), strict=False))


def moments(
    values: Mapping[Name, FloatArray],
    nodes: Sequence[Name],
    n_chains: int,
    pairs: Sequence[tuple[Name, Name]] | None = None,
) -> dict[str, FloatArray]:
    """Mean and sd of each node and the covariance of each pair, per draw, as (chain, draw).

    Args:
        values: (draw, unit) or (unit,) per node.
        nodes: Which nodes; those that are constants to the draws (inputs) give covariances only.
        pairs: Which pairs of them; unless given all.
    """
    by_name: dict[str, FloatArray] = {}
    centred = {}
    for node in nodes:
        value = np.atleast_2d(values[node])
        mean = value.mean(axis=1, keepdims=True)
        centred[node] = value - mean
        if len(value) > 1:
            by_name[f"mean({node})"] = mean[:, 0]
            by_name[f"sd({node})"] = np.sqrt((centred[node] ** 2).mean(axis=1))
    for b, a in all_pairs(nodes) if pairs is None else pairs:
        if max(len(centred[a]), len(centred[b])) > 1:
            by_name[f"cov({b}, {a})"] = (centred[a] * centred[b]).mean(axis=1)
    return {name: value.reshape(n_chains, -1) for name, value in by_name.items()}


def all_pairs(nodes: Sequence[Name]) -> list[tuple[Name, Name]]:
    """Every pair of nodes, the earlier one first."""
    return [(b, a) for i, a in enumerate(nodes) for b in nodes[:i]]


def smooth_means(
    spec: ModelSpec,
    nodes: Sequence[Name],
    draws: Mapping[Name, NodeDraws],
    values: Mapping[Name, FloatArray],
    shape: tuple[int, int],
) -> dict[str, FloatArray]:
    """The means of the discrete ones among some nodes, per draw, from the laws that their parents give them.

    Drawn levels change in steps, which many rows make larger than the posterior's width.

    Args:
        values: Parents, (draw, unit) or (unit,).
        shape: (chain, draw).
    """
    means = {}
    for node in nodes:
        if spec[node].family.discrete:
            n_units = max((np.shape(values[parent])[-1] for parent in spec[node].parents), default=1)
            mean = _by_draws(
                spec[node],
                draws[node],
                values,
                n_units,
                lambda eta, parameters, family=spec[node].family: (
                    numerics(family).mean(NUMPY, eta, parameters).mean(axis=-1, keepdims=True)
                ),
            )[..., 0]
            means[f"mean({node})"] = np.broadcast_to(mean, shape[0] * shape[1]).reshape(shape)
    return means

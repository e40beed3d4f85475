"""The fitted shapes of parents: as curves with their bands, beside the rows, and how much each spline bends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name, quote
from latentdo.models import Mechanism, Student
from latentdo.tables import Dataset, IntArray

from ..blocks.draws import flat
from ..blocks.fitted import Fitted
from ..blocks.knots import latent_quantiles
from ..likelihood.forward import predictor

GRID = 120
MOST_DOTS = 1_500
MOST_DRAWS = 1_000
"""Draws of which bands are made, and from which effective degrees of freedom are told."""


@dataclass(frozen=True, eq=False)
class FittedShape:
    """What a parent adds to a node's linear predictor, less what it adds at its mean; other parents at theirs.

    Attributes:
        terms: The terms of the parent, as they are typed.
        x: Values of the parent.
        mean, low, high: Posterior mean and 90 % band there.
        dots, left: The rows: the parent's values, and what the other terms leave of the node; empty where there are none, and
            for nodes that are not on the scale of their predictor.
        of: The parameter that is shown in the predictor's place, as it is: `sd`; empty for the predictor.
    """

    node: Name
    parent: Name
    terms: tuple[str, ...]
    x: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    dots: FloatArray
    left: FloatArray
    of: str = ""


def fitted_shapes(posterior: Fitted, data: Dataset | None) -> Iterator[FittedShape]:
    """The curve of every parent that enters some predictor by a shape.

    Args:
        data: The rows; those that the fit holds unless given.
    """
    spec, rows = posterior.spec, posterior.data if data is None else data
    for node, mechanism in spec.mechanisms:
        shaped = dict.fromkeys(
            parent for weight in mechanism.weights for parent, _, shape in weight.parts if shape is not None
        )
        for parent in shaped:
            yield _curve(posterior, node, parent, None if mechanism.family.per_level else rows)
        if mechanism.spread is not None:
            spread = dict.fromkeys(parent for weight in mechanism.spread.weights for parent in weight.parents)
            yield from (_spread_curve(posterior, node, parent, rows) for parent in spread)


def _grid(posterior: Fitted, node: Name, parent: Name) -> tuple[FloatArray, float, dict[Name, float]]:
    """Values of a parent, one in their middle, and typical values of the node's others."""
    spec, mechanism = posterior.spec, posterior.spec[node]
    if parent in spec.latent:
        ends = latent_quantiles(spec[parent], np.array([0.01, 0.5, 0.99]))
        low, middle, high = ends.tolist()
    else:
        column = posterior.facts.column(parent)
        low, middle, high = column.minimum, column.mean, column.maximum
    others = {name: _typical(posterior, name) for name in mechanism.parents if name != parent}
    return np.linspace(low, high, GRID), middle, others


def _some(draws: FloatArray) -> FloatArray:
    return draws[np.linspace(0, len(draws) - 1, min(MOST_DRAWS, len(draws))).astype(int)]


def _curve(posterior: Fitted, node: Name, parent: Name, rows: Dataset | None) -> FittedShape:
    spec, mechanism = posterior.spec, posterior.spec[node]
    x, middle, others = _grid(posterior, node, parent)
    coefficients = flat(posterior.by_node[node])[0]
    one = mechanism
    if mechanism.family.has_several:
        coefficients = coefficients[:, : 1 + len(mechanism.weights)]
        one = Mechanism(Student(), mechanism.weights)
    picked = _some(coefficients)
    curve = predictor(one, picked, {**others, parent: x}) - predictor(one, picked, {**others, parent: middle})
    dots = left = np.empty(0)
    core = mechanism.family.core
    if rows is not None and parent not in spec.latent and (core.linear_gaussian or isinstance(core, Student)):
        dots, left = _partial(one, coefficients.mean(axis=0), rows, node, parent, others, middle)
    terms = tuple(dict.fromkeys(w.typed for w in mechanism.weights if parent in w.parents and not w.absent))
    band = np.quantile(curve, (0.05, 0.95), axis=0)
    return FittedShape(node, parent, terms, x, curve.mean(axis=0), band[0], band[1], dots, left)


def _spread_curve(posterior: Fitted, node: Name, parent: Name, rows: Dataset | None) -> FittedShape:
    """How a node's spread goes with a parent, the others at typical values.

    The dots are sizes of residuals as a normal node has them, times √(π / 2), so that their mean is the sd.
    """
    spec, mechanism = posterior.spec, posterior.spec[node]
    spread, core = mechanism.spread, mechanism.family.core
    assert spread is not None, "asked only where there is one"
    x, _, others = _grid(posterior, node, parent)
    coefficients = flat(posterior.by_node[node])[0]
    curve = np.exp(predictor(mechanism, _some(coefficients), {**others, parent: x})[1])
    dots = left = np.empty(0)
    measured = spec.latent.isdisjoint(mechanism.parents) and not spec[parent].family.has_levels
    if rows is not None and measured and (core.linear_gaussian or isinstance(core, Student)):
        picked = _weighed(rows)
        values = {name: rows.column(name)[picked] for name in mechanism.parents}
        at, log_spread = predictor(mechanism, coefficients.mean(axis=0)[None], values)[:, 0]
        size = np.abs(rows.column(node)[picked] - at) * np.sqrt(np.pi / 2.0)
        # What the other parents do to it is taken off, as in the other panels.
        alone = predictor(mechanism, coefficients.mean(axis=0)[None], {**others, parent: values[parent]})[1, 0]
        dots, left = values[parent], size * np.exp(alone - log_spread)
    band = np.quantile(curve, (0.05, 0.95), axis=0)
    terms = tuple(dict.fromkeys(w.typed for w in spread.weights if parent in w.parents))
    return FittedShape(node, parent, terms, x, curve.mean(axis=0), band[0], band[1], dots, left, spread.parameter)


def _weighed(rows: Dataset) -> IntArray:
    """Some of the rows that count."""
    weighed = np.flatnonzero(rows.weights > 0)
    return weighed[np.linspace(0, len(weighed) - 1, min(MOST_DOTS, len(weighed))).astype(int)]


def _typical(posterior: Fitted, node: Name) -> float:
    if node in posterior.spec.latent:
        family = posterior.spec[node].family
        return family.points[0] if family.points else float(latent_quantiles(posterior.spec[node], np.array([0.5]))[0])
    return posterior.facts.column(node).mean if not posterior.spec[node].family.has_levels else 0.0


def _partial(
    mechanism: Mechanism,
    mean: FloatArray,
    rows: Dataset,
    node: Name,
    parent: Name,
    others: dict[Name, float],
    middle: float,
) -> tuple[FloatArray, FloatArray]:
    """The parent's values, and the node less its predictor, plus what the parent adds with the others at their means."""
    picked = _weighed(rows)
    values = {name: rows.column(name)[picked] if name in rows.names else at for name, at in others.items()}
    x = rows.column(parent)[picked]
    eta = predictor(mechanism, mean[None], {**values, parent: x})[0]
    own = predictor(mechanism, mean[None], {**others, parent: x})[0]
    at_mean = predictor(mechanism, mean[None], {**others, parent: middle})[0]
    return x, rows.column(node)[picked] - eta + own - at_mean


def plot_shapes(posterior: Fitted, data: Dataset | None) -> Any:
    """The axes of the first panel of a figure with one for each shape; `axes.figure` has them all.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from latentdo.plots import ResidualPanel, residual_panels

    panels = []
    for shape in fitted_shapes(posterior, data):
        what = f"{shape.of} of {quote(shape.node)}" if shape.of else quote(shape.node)
        terms = ", ".join(shape.terms)
        panels.append(
            ResidualPanel(
                f"{what} by {terms}",
                quote(shape.parent),
                shape.dots,
                shape.left,
                shape.x,
                shape.mean,
                shape.low,
                shape.high,
                fails=False,
            )
        )
    return residual_panels(panels)[0]


def degrees_of_freedom(posterior: Fitted) -> Iterator[tuple[str, float]]:
    """Each spline by its term and node, and its effective degrees of freedom: 1 for a straight line.

    A coefficient by which it bends counts for what the data say of it: 1 less its posterior variance given the parameters of
    spread, over its prior variance given these. What the spreads explain of it is told from the draws.

    Source:
        Wood (2017), Generalized additive models, 2nd edition, §6.1.2.
    """
    for own in posterior.coordinates:
        mechanism = posterior.spec[own.node]
        if not mechanism.splines:
            continue
        coefficients, parameters = flat(posterior.by_node[own.node])
        sampled = np.linalg.solve(own.to_raw, coefficients.T).T
        for (typed, _), (at, places) in zip(mechanism.splines, own.bends, strict=True):
            wiggle = parameters[own.parameters[at - len(own.coefficients)][0]]
            scores = sampled[:, list(places)] / wiggle[:, None]
            # Of a sign half of a normal law is left.
            bounded = own.coefficients[places[0]].bounded
            scores /= np.sqrt(1.0 - 2.0 / np.pi) if bounded else 1.0
            yield f"{typed} -> {quote(own.node)}", 1.0 + _learned(scores, wiggle, parameters)


def _learned(scores: FloatArray, wiggle: FloatArray, parameters: dict[str, FloatArray]) -> float:
    logs = [np.log(np.maximum(values, 1e-300)) for values in parameters.values()]
    ranks = [np.argsort(np.argsort(values)) / len(wiggle) for values in (wiggle, *parameters.values())]
    terms = [
        np.ones(len(wiggle)),
        wiggle,
        1.0 / wiggle,
        *logs,
        *(rank**power for rank in ranks[:1] for power in (1, 2, 3)),
    ]
    columns = np.column_stack([term for term in terms if np.isfinite(term).all()])
    scale = np.maximum(np.abs(columns).max(axis=0), 1e-300)
    explained = columns / scale @ np.linalg.lstsq(columns / scale, scores, rcond=1e-10)[0]
    left = ((scores - explained) ** 2).mean(axis=0)
    return float(np.clip(1.0 - left, 0.0, 1.0).sum())

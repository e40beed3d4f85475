"""What the sampler moves: the parameters of a node on a scale where they are near one, and the way back to raw units.

The linear predictor is written twice. In raw units it is Σ b_S Π_{p in S} x_p over terms S (the empty one being the
intercept); the sampler works with Σ w_S Π_{p in S} (x_p - centre_p)/scale_p. The two are related by a triangular matrix,
b = T w, so that every statement about b (a fixed number, a bound, a prior) is a statement about w.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name, format_level, quote
from latentdo.models import (
    AbstractFamily,
    AbstractShape,
    Level,
    Mechanism,
    ModelSpec,
    Predictor,
    Prior,
    Sign,
    Spreading,
    Table,
    Weight,
)
from latentdo.models.build import NUMPY, numerics
from latentdo.tables import Dataset

from .beliefs import belief_mean
from .cells import seen_rows
from .default_priors import table_row, weight_widths
from .knots import LATENT_QUANTILES, latent_quantiles

Scale = Literal["sampled", "raw"]
WIGGLE = 0.005
"""Scale of the half-Cauchy default prior of a spline's wiggle, over t: a straight line costs little, a curve is free to bend."""


@dataclass(frozen=True)
class Coordinate:
    """One scalar that the sampler moves, or a fixed number.

    Attributes:
        label: What it is, as summaries print it: `SOS -> Ras`, `intercept(Ras)`, `sd(Ras)`.
        prior: Its prior, in the units of `prior_on`; None where it is fixed.
        unit: Whether the coordinate itself is the sampled or the raw version of a coefficient.
        prior_on: Which version the prior speaks of.
        shift: The prior is of (value - shift): the floor of a residual sd.
        fixed: The number it is fixed at, in raw units.
        start: Where chains start around, and how far: (centre, spread), in the units of the coordinate.
        default: Whether the prior is a default one.
        folded: `+` or `-` where the sampler moves on both sides of 0 and the draws are turned to that side (`unfolded`).
    """

    label: str
    prior: Prior | None
    unit: Scale = "sampled"
    prior_on: Scale = "sampled"
    shift: float = 0.0
    fixed: float | None = None
    start: tuple[float, float] = (0.0, 1.0)
    default: bool = True
    folded: Sign = ""

    @property
    def low(self) -> float:
        """Smallest value of the coordinate."""
        return -math.inf if self.prior is None else self.prior.low + self.shift

    @property
    def high(self) -> float:
        """Largest value of the coordinate."""
        return math.inf if self.prior is None else self.prior.high + self.shift

    @property
    def scale(self) -> float:
        """The coordinate's natural unit, about the posterior's width in ordinary data: how near a bound the constraint acts."""
        return 0.5 * self.start[1]

    @property
    def bounded(self) -> bool:
        """Whether there is a bound, so that the sampler must change the scale."""
        return math.isfinite(self.low) or math.isfinite(self.high)


@dataclass(frozen=True, eq=False)
class NodeCoordinates:
    """The coordinates of one node: the coefficients (intercept first), then the family's parameters.

    A categorical node has the coefficients of each level but the first in turn; one of which a parameter depends on parents those
    of its own predictor and then those of the parameter's, without a label where a term is absent. A table has no terms and no
    coefficients in this sense: per row of the table the share that each level but the last takes of what the levels before it
    left.

    Attributes:
        terms: For each weight the factors that it multiplies: parents, or indicators such as `C[b]`.
        centred: For each weight whether its parents are centred (see `_closed`).
        to_raw: The matrix T of the module's docstring, (1 + terms) x (1 + terms), once per level for a categorical node.
        centres: Centre and scale of each factor.
        coefficients: One coordinate per intercept and term.
        parameters: Name and coordinate of each of the family's own parameters, and of the wiggle of each spline.
        bends: Per spline the place of its wiggle in `all`, and of the coefficients that are in units of it.
    """

    node: Name
    terms: tuple[tuple[Name, ...], ...]
    centred: tuple[bool, ...]
    to_raw: FloatArray
    centres: tuple[tuple[Name, tuple[float, float]], ...]
    coefficients: tuple[Coordinate, ...]
    parameters: tuple[tuple[str, Coordinate], ...]
    bends: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def all(self) -> tuple[Coordinate, ...]:
        """Every coordinate, coefficients first."""
        return (*self.coefficients, *(coordinate for _, coordinate in self.parameters))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The coefficients from the largest term to the intercept: an order in which b = T w can be solved."""
        sizes = [0, *(len(term) for term in self.terms)] * (len(self.coefficients) // (1 + len(self.terms)))
        return tuple(sorted(range(len(sizes)), key=lambda k: -sizes[k]))


@dataclass(frozen=True)
class LinkScale:
    """Mean and sd of a measured node on its link scale, where default priors are stated."""

    mean: float
    sd: float
    column_sd: float


def node_coordinates(
    spec: ModelSpec,
    node: Name,
    scales: Mapping[Name, tuple[float, float]],
    link: LinkScale,
    widths: Sequence[Sequence[float]] = (),
    row: Sequence[float] = (),
) -> NodeCoordinates:
    """The coordinates of a node under the default priors and what the user wrote.

    Args:
        scales: Centre and scale of each factor: mean and sd of a measured parent or of the indicator of its level, prior
            means of a latent one's.
        link: Of the node itself; mean 0 and sd 1 for a latent.
        widths: Per predictor of each weight's default prior, over one per sd of the parent; 1 unless given.
        row: Of a table the pseudo-counts of the levels in every row; its concentration, or 1, unless given.
    """
    mechanism = spec[node]
    family = mechanism.family
    if isinstance(family, Table):
        counts = row or (family.concentration or 1.0,) * len(family.levels)
        sticks = _sticks(family, labels_of(spec, node), counts)
        return NodeCoordinates(node, (), (), np.zeros((0, 0)), (), sticks, ())
    terms = tuple(weight.factors for weight in mechanism.weights)
    centred = closed_terms(terms)
    widths = widths or ((1.0,) * len(terms),) * len(mechanism.predictors)
    matrix = _to_raw(terms, centred, scales)
    spread = link.sd if family.link_sd is None else family.link_sd
    labels = iter(labels_of(spec, node))
    coefficients = tuple(
        coordinate
        for predictor, own in zip(mechanism.predictors, widths, strict=True)
        for coordinate in (
            _intercept(next(labels), mechanism, predictor, link, spread, latent=node in spec.latent),
            *(
                _weight(
                    next(labels),
                    weight,
                    _unit(family, predictor, spread),
                    float(matrix[k + 1, k + 1]),
                    _is_inner(weight, predictor.weights),
                    own[k],
                )
                for k, weight in enumerate(predictor.weights)
            ),
        )
    )
    parameters = tuple(
        (
            name,
            _parameter(next(labels), name, mechanism, link)
            if name in family.parameters
            else _wiggle(next(labels), mechanism.wiggle, spread),
        )
        for name in mechanism.parameter_names
    )
    mixed = mixing(spec, node)
    centres = tuple((factor, scales[factor]) for factor in dict.fromkeys(name for term in terms for name in term))
    whole = np.asarray(np.kron(np.eye(len(coefficients) // (1 + len(terms))), matrix), dtype=np.float64)
    whole = whole if mixed is None else whole @ mixed
    return NodeCoordinates(node, terms, centred, whole, centres, coefficients, parameters, bends_of(mechanism))


def labels_of(spec: ModelSpec, node: Name) -> tuple[str, ...]:
    """What each coordinate of a node is called, coefficients first."""
    mechanism = spec[node]
    family = mechanism.family
    if isinstance(family, Table):
        n = len(family.levels)
        return tuple(f"share of {label}" for k, label in enumerate(table_labels(spec, node)) if (k + 1) % n)
    names = [node] * len(mechanism.predictors)
    if family.per_level:
        names = [f"{quote(node)}[{format_level(level)}]" for level in family.states[1:]]
    coefficients = [
        label for name, predictor in zip(names, mechanism.predictors, strict=True) for label in _labels(name, predictor)
    ]
    wiggles = (f"wiggle({typed} -> {node})" for typed, _ in mechanism.splines)
    return (*coefficients, *(f"{name}({node})" for name in family.parameters), *wiggles)


def _labels(name: str, predictor: Predictor) -> Iterator[str]:
    """Of the coefficients of a predictor; empty where a term is absent from it."""
    prefix = f"{predictor.of} " if predictor.of else ""
    yield f"{prefix}intercept({name})"
    of_weight = f"{prefix}weight " if prefix else ""
    yield from ("" if weight.absent else f"{of_weight}{weight.label} -> {name}" for weight in predictor.weights)


def bends_of(mechanism: Mechanism) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """`NodeCoordinates.bends`."""
    each, n = 1 + len(mechanism.weights), n_coefficients(mechanism) if mechanism.splines else 0
    first = n + len(mechanism.family.parameters)
    # That of a parameter has no splines.
    bent = n if mechanism.spread is None else each
    return tuple(
        (first + at, tuple(block + 1 + k for block in range(0, bent, each) for k in places))
        for at, (_, places) in enumerate(mechanism.splines)
    )


def level_groups(spec: ModelSpec, node: Name) -> tuple[tuple[Name, tuple[int, ...]], ...]:
    """For each discrete latent parent the terms that differ only in its level, in the order of the levels."""
    groups: dict[tuple[Name, Any], list[int]] = {}
    for k, weight in enumerate(spec[node].weights):
        for at, parent in enumerate(weight.parents):
            if parent in spec.latent and spec[parent].family.points:
                rest = tuple(factor for i, factor in enumerate(weight.factors) if i != at)
                groups.setdefault((parent, rest), []).append(k)
    return tuple((parent, tuple(terms)) for (parent, _), terms in groups.items())


def mixing(spec: ModelSpec, node: Name) -> FloatArray | None:
    """The matrix that makes a node's standardised coefficients of what is sampled; None where they are the same.

    What is sampled has independent priors. Differences between a latent's levels and its first have a correlation of 1/2
    under default priors, so that no level is singled out: as if every level had an effect of its own with half the variance.
    """
    mechanism = spec[node]
    if isinstance(mechanism.family, Table):
        return None
    size = 1 + len(mechanism.weights)
    n_blocks = n_coefficients(mechanism) // size
    matrix = np.eye(n_blocks * size)
    groups = [terms for _, terms in level_groups(spec, node) if len(terms) > 1]
    once = len({k for terms in groups for k in terms}) == sum(map(len, groups))
    for terms in groups if once else ():
        for block, predictor in enumerate(mechanism.predictors):
            if all(predictor.weights[k].belief is None for k in terms):
                index = [block * size + 1 + k for k in terms]
                matrix[np.ix_(index, index)] = _equal_correlation(len(terms))
    default = mechanism.intercept is None and all(weight.belief is None for weight in mechanism.weights)
    if node in spec.latent and mechanism.family.per_level and n_blocks > 1 and default:
        matrix = np.kron(_equal_correlation(n_blocks), np.eye(size)) @ matrix
    return None if (matrix == np.eye(len(matrix))).all() else matrix


def _equal_correlation(n: int) -> FloatArray:
    """The Cholesky factor of unit variances with correlations of 1/2."""
    return np.asarray(np.linalg.cholesky(0.5 * (np.eye(n) + np.ones((n, n)))), dtype=np.float64)


def _sticks(family: Table, labels: Sequence[str], row: Sequence[float]) -> tuple[Coordinate, ...]:
    """Row by row of a table the share that each level but the last takes of what the levels before it left.

    With p_j = v_j Π_{k<j} (1 - v_k) and v_j ~ Beta(a_j, sum of a over the levels after j) the row is Dirichlet(a_1, …, a_K).

    Source:
        Connor & Mosimann (1969), Concepts of independence for proportions with a generalization of the Dirichlet distribution.
    """
    sticks = []
    for label, j in zip(labels, list(range(len(row) - 1)) * family.n_rows, strict=True):
        own, after = row[j], math.fsum(row[j + 1 :])
        mean = own / (own + after)
        sd = math.sqrt(mean * (1.0 - mean) / (own + after + 1.0))
        prior = Prior("beta", (own, after))
        sticks.append(Coordinate(label, prior, start=(mean, sd), default=family.concentration is None))
    return tuple(sticks)


def pseudo_counts(own: NodeCoordinates, family: Table) -> FloatArray:
    """The pseudo-counts of a table's Dirichlet priors, (row, level), from the priors of its coordinates."""
    sticks = [coordinate.prior.args for coordinate in own.coefficients if coordinate.prior is not None]
    arguments = np.array(sticks).reshape(family.n_rows, len(family.levels) - 1, 2)
    return np.concatenate([arguments[..., 0], arguments[:, -1:, 1]], axis=-1)


def table_labels(spec: ModelSpec, node: Name) -> tuple[str, ...]:
    """What each probability of a table is, row by row: `P(Y=b | A=0, B=1)`."""
    mechanism = spec[node]
    family = mechanism.family
    assert isinstance(family, Table)
    levels = [_levels_of(spec, parent) for parent in mechanism.parents]
    labels = []
    for configuration in itertools.product(*levels):
        given = ", ".join(
            f"{quote(parent)}={format_level(level)}"
            for parent, level in zip(mechanism.parents, configuration, strict=True)
        )
        labels += [f"P({quote(node)}={format_level(level)}{' | ' + given if given else ''})" for level in family.levels]
    return tuple(labels)


def _levels_of(spec: ModelSpec, node: Name) -> tuple[Level, ...]:
    family = spec[node].family
    return family.states


def n_coefficients(mechanism: Mechanism) -> int:
    """How many coefficients a draw of a node has: as `NodeDraws` keeps them."""
    family = mechanism.family
    if isinstance(family, Table):
        return family.n_rows * len(family.levels)
    each = 1 + len(mechanism.weights)
    return each * family.n_predictors


def row_of(family: Table, values: Sequence[Any], arrays: Any = np) -> Any:
    """The row of a table for its parents' values, as numbers that stand for their levels (any shapes that broadcast).

    Args:
        arrays: NumPy, or JAX's module of the same functions.
    """
    index: Any = arrays.zeros((), dtype=int)
    for points, value in zip(family.given, values, strict=True):
        index = index * len(points) + level_index(points, value, arrays)
    return index


def level_index(points: Sequence[float], values: Any, arrays: Any = np) -> Any:
    """Which of the ascending points each value is: the nearest."""
    edges = np.array([0.5 * (low + high) for low, high in itertools.pairwise(points)])
    return arrays.searchsorted(edges, values, side="right")


def closed_terms(terms: tuple[tuple[Name, ...], ...]) -> tuple[bool, ...]:
    """For each term whether its parents are centred."""
    return tuple(_closed(term, terms) for term in terms)


def _closed(term: tuple[Name, ...], terms: tuple[tuple[Name, ...], ...]) -> bool:
    """Whether every smaller product inside an interaction is a term too.

    Only then does centring its parents leave the family of predictors as it is: x:v alone, centred, would
    bring in main effects that the user left out.
    """
    present = {frozenset(other) for other in terms}
    members = frozenset(term)
    count = sum(1 for other in present if other < members)
    return count == 2 ** len(members) - 2


def _is_inner(weight: Weight, weights: Sequence[Weight]) -> bool:
    """Whether a product among the weights of a predictor has the weight's in it."""
    return any(frozenset(weight.factors) < frozenset(other.factors) for other in weights if not other.absent)


def _to_raw(
    terms: tuple[tuple[Name, ...], ...], centred: tuple[bool, ...], scales: Mapping[Name, tuple[float, float]]
) -> FloatArray:
    """T with b = T w: w_S Π (x_p - m_p)/s_p = (w_S / s_S) Σ_{R in S} Π_{R} x_p Π_{S without R} (-m_p)."""
    members = [frozenset[Name](), *(frozenset(term) for term in terms)]
    matrix = np.zeros((len(members), len(members)))
    for column, (big, whole) in enumerate(zip(members, (True, *centred), strict=True)):
        size = math.prod(scales[name][1] for name in big)
        for row, small in enumerate(members):
            if small == big:
                matrix[row, column] = 1.0 / size
            elif small < big and whole:
                matrix[row, column] = math.prod(-scales[name][0] for name in big - small) / size
    return matrix


def _unit(family: AbstractFamily, predictor: Predictor, spread: float) -> float:
    """The sd of the default priors of a predictor's weights, per sd of the parent."""
    return family.unit if predictor.of and isinstance(family, Spreading) else spread


def _size(family: AbstractFamily, link: LinkScale) -> float:
    """The sd of a node by which the default priors of its spread go."""
    return link.sd if family.noise_on_link else link.column_sd


def _intercept(
    label: str, mechanism: Mechanism, predictor: Predictor, link: LinkScale, spread: float, *, latent: bool
) -> Coordinate:
    belief, family = predictor.intercept, mechanism.family
    if predictor.of and isinstance(family, Spreading):
        own = family.default_log(_size(family, link))
        if belief is None:
            return Coordinate(label, own.prior, start=own.start)
        link, spread = LinkScale(own.start[0], 1.0, 1.0), 1.0
    if isinstance(belief, float | int):
        return Coordinate(label, None, unit="raw", prior_on="raw", fixed=float(belief), default=False)
    if belief is not None:
        return _believed(label, belief, (link.mean, 0.3 * spread))
    default = family.default_intercept(link.mean, spread, latent=latent)
    return Coordinate(label, default.prior, shift=default.shift, start=default.start)


def _weight(label: str, weight: Weight, spread: float, to_raw: float, inner: bool, width: float) -> Coordinate:
    belief = weight.belief
    if weight.absent and not inner:
        # In either unit 0, and what is sampled of the other terms does not depend on it.
        return Coordinate(label, None, fixed=0.0, default=False)
    if isinstance(belief, float | int):
        return Coordinate(label, None, unit="raw", prior_on="raw", fixed=float(belief), default=False)
    if belief is not None:
        return _believed(label, belief, (0.0, 0.5 * spread), to_raw)
    low, high = {"": (-math.inf, math.inf), "+": (0.0, math.inf), "-": (-math.inf, 0.0)}[weight.sign]
    if weight.bends:
        return Coordinate(label, Prior("normal", (0.0, 1.0), low, high), start=(0.0, 1.0))
    prior = Prior("normal", (0.0, width * spread), low, high)
    assert not (inner and weight.sign), "a signed weight beside an interaction is refused by the mechanism"
    return Coordinate(label, prior, start=(0.0, 0.5 * min(width, 1.0) * spread))


def _believed(label: str, prior: Prior, start: tuple[float, float], to_raw: float = 1.0) -> Coordinate:
    """A coefficient with the user's prior, in raw units: moved on the sampled scale unless it is bounded."""
    if math.isfinite(prior.low) or math.isfinite(prior.high):
        raw = (start[0] * to_raw, start[1] * to_raw)
        return Coordinate(label, prior, unit="raw", prior_on="raw", start=raw, default=False)
    return Coordinate(label, prior, unit="sampled", prior_on="raw", start=start, default=False)


def _wiggle(label: str, belief: Prior | float | None, spread: float) -> Coordinate:
    """How far a spline leaves its straight line: the sd of what its coefficients make of the knots."""
    start = (0.1 * spread, 0.05 * spread)
    if isinstance(belief, float | int):
        return Coordinate(label, None, fixed=float(belief), default=False)
    if belief is not None:
        return Coordinate(label, belief, start=start, default=False)
    return Coordinate(label, Prior("cauchy", (0.0, WIGGLE * spread), low=0.0), start=start)


def _parameter(label: str, name: str, mechanism: Mechanism, link: LinkScale) -> Coordinate:
    belief = mechanism.parameter(name)
    default = mechanism.family.default(name, _size(mechanism.family, link))
    if isinstance(belief, float | int):
        return Coordinate(label, None, fixed=float(belief), default=False)
    if belief is not None:
        return Coordinate(label, belief, start=(default.start[0], 0.2 * default.start[0]), default=False)
    return Coordinate(label, default.prior, shift=default.shift, start=default.start)


def parent_scales(
    spec: ModelSpec, measured: Mapping[Name, tuple[float, float]], shares: Mapping[str, float] | None = None
) -> dict[str, tuple[float, float]]:
    """Centre and scale of every factor of a term: of a latent the prior means of its mean and sd.

    Args:
        measured: Mean and sd of each measured node, and of each shape of one.
        shares: The share of rows in which each indicator of a measured node's level (`C[b]`) is 1; each level's equal
            share unless given.
    """
    scales: dict[str, tuple[float, float]] = dict(measured)
    for node in spec.latent:
        scales[node] = _latent_scale(spec[node])
    for _, mechanism in spec.mechanisms:
        for weight in mechanism.weights:
            for factor, (parent, _, shape) in zip(weight.factors, weight.parts, strict=True):
                if factor not in scales and shape is not None:
                    # The columns of a spline are about 0 and of one size already.
                    scales[factor] = (0.0, 1.0) if shape.bends else _shape_scale(spec[parent], shape)
                elif factor not in scales:
                    share = (shares or {}).get(factor, 1.0 / max(len(_levels_of(spec, parent)), 2))
                    scales[factor] = (share, math.sqrt(max(share * (1.0 - share), 1e-4)))
    return scales


def _latent_scale(mechanism: Mechanism) -> tuple[float, float]:
    family = mechanism.family
    if family.points:
        return family.as_parent(0.0, 1.0)
    return family.as_parent(belief_mean(mechanism.intercept), belief_mean(mechanism.parameter(family.noise_scale), 1.0))


def _shape_scale(mechanism: Mechanism, shape: AbstractShape) -> tuple[float, float]:
    """Mean and sd of a shape of a latent, over even quantiles of the latent's law at its prior means."""
    shares = (np.arange(LATENT_QUANTILES) + 0.5) / LATENT_QUANTILES
    values = shape(NUMPY, latent_quantiles(mechanism, shares))
    return float(np.mean(values)), float(np.std(values))


def coordinates_on(spec: ModelSpec, data: Dataset) -> dict[Name, NodeCoordinates]:
    """The coordinates of every node, in node order: centres, scales and default priors are taken from the columns."""
    measured = {node: (data.summary(node).mean, data.summary(node).sd) for node in spec.measured}
    scales = parent_scales(spec, measured | shape_scales(spec, data), _shares(spec, data))
    coordinates = {}
    for node in spec.graph.nodes:
        table = isinstance(spec[node].family, Table)
        centred = closed_terms(tuple(weight.factors for weight in spec[node].weights))
        rows = seen_rows(spec, node, data)
        widths = [
            weight_widths(spec, node, predictor, rows, scales, centred) for predictor in spec[node].predictors[:2]
        ]
        # Those of the levels of a categorical node are alike.
        widths += widths[:1] * (len(spec[node].predictors) - len(widths))
        row = table_row(spec, node, rows) if table else ()
        coordinates[node] = node_coordinates(spec, node, scales, _link_scale(spec, node, data), widths, row)
    return coordinates


def _shares(spec: ModelSpec, data: Dataset) -> dict[str, float]:
    """The share of rows at each level that some weight is an indicator of."""
    return {
        factor: _share(weight, k, data.complete([parent]))
        for _, mechanism in spec.mechanisms
        for weight in mechanism.weights
        for k, (factor, (parent, level, _)) in enumerate(zip(weight.factors, weight.parts, strict=True))
        if level is not None and parent not in spec.latent
    }


def shape_scales(spec: ModelSpec, data: Dataset) -> dict[str, tuple[float, float]]:
    """Mean and sd of each shape of a measured parent."""
    return {
        factor: _moments_of(weight, k, data.complete([parent]))
        for _, mechanism in spec.mechanisms
        for weight in mechanism.weights
        for k, (factor, (parent, _, shape)) in enumerate(zip(weight.factors, weight.parts, strict=True))
        if shape is not None and not shape.bends and parent not in spec.latent
    }


def _moments(values: FloatArray, data: Dataset) -> tuple[float, float]:
    mean = float(np.average(values, weights=data.weights))
    variance = float(np.average((values - mean) ** 2, weights=data.weights)) * data.n_rows / (data.n_rows - 1)
    return mean, float(np.sqrt(variance))


def _moments_of(weight: Weight, k: int, rows: Dataset) -> tuple[float, float]:
    return _moments(weight.factor(k, dict(rows.columns), NUMPY), rows)


def _share(weight: Weight, k: int, rows: Dataset) -> float:
    return float(np.average(weight.factor(k, dict(rows.columns), NUMPY), weights=rows.weights))


def _link_scale(spec: ModelSpec, node: Name, data: Dataset) -> LinkScale:
    if node in spec.latent:
        return LinkScale(0.0, 1.0, 1.0)
    data = data.complete([node])
    values = numerics(spec[node].family).link(data.column(node))
    mean, sd = _moments(values, data)
    column = data.summary(node)
    return LinkScale(*spec[node].family.on_link(mean, sd, column), column.sd)

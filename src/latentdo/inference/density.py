"""The log posterior of one block as array expressions, with everything that varies between data sets as an argument.

A `Layout` is the static half (families, which terms, which transforms): blocks of one layout and shape share a compiled
program. `Numbers` is the other half: data, priors, centres.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from latentdo.graphs import Name
from latentdo.models import AbstractFamily, Linear, ModelSpec
from latentdo.models.build import Arithmetic, numerics

from .blocks import Block
from .coordinates import Coordinate, FloatArray, NodeCoordinates
from .dataset import Dataset

Array = Any


@dataclass(frozen=True)
class CoordinateLayout:
    """How one coordinate is bent (`free`, `half`, `interval`, `fixed`) and which prior it has."""

    transform: str
    prior: str | None
    raw: bool
    prior_on_raw: bool
    folded: str = ""


@dataclass(frozen=True)
class NodeLayout:
    """The static half of one node: family, terms, coordinates.

    Attributes:
        noise: Index of the node's standard normal noise, for a latent with noise; None otherwise.
        terms: For each term the latents in it (their order among the block's latents).
        order: The order in which coefficients are solved (`NodeCoordinates.order`).
    """

    family: AbstractFamily
    latent: int | None
    noise: int | None
    terms: tuple[tuple[int, ...], ...]
    centred: tuple[bool, ...]
    order: tuple[int, ...]
    coefficients: tuple[CoordinateLayout, ...]
    parameters: tuple[tuple[str, CoordinateLayout], ...]


class AbstractForm(abc.ABC):
    """One way to compute a block's log posterior: the static, hashable half, to which a compiled program belongs.

    All forms of a block share its free coordinates u, in one order; they differ in which latents are left as noise z
    and which are integrated or summed out.
    """

    @property
    @abc.abstractmethod
    def n_noise(self) -> int:
        """Number of standard normal latents per row that the sampler moves; 0 where none is left."""

    @abc.abstractmethod
    def log_parts(self, m: Arithmetic, numbers: Any, u: Array, z: Array) -> tuple[Array, Array]:
        """Log prior of `u` (with Jacobians), and the log density of each row with its noise: their sum is the log posterior.

        Args:
            numbers: The numeric half, a tree of arrays: data, weights, priors.
            u: The free coordinates, unbounded, (coordinate,).
            z: (latent, row).
        """


@dataclass(frozen=True)
class Layout(AbstractForm):
    """The static half of a block, node by node: the form that covers every model."""

    nodes: tuple[NodeLayout, ...]

    def log_parts(self, m: Arithmetic, numbers: Any, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        return _log_parts(m, self, numbers, u, z)

    @property
    def n_free(self) -> int:
        """Number of scalars that the sampler moves, latents aside."""
        return sum(coordinate.transform != "fixed" for node in self.nodes for coordinate in coordinates_of(node))

    @property
    def n_noise(self) -> int:
        """Number of standard normal latents per row."""
        return sum(node.noise is not None for node in self.nodes)


def coordinates_of(node: NodeLayout) -> tuple[CoordinateLayout, ...]:
    """Coefficients, then parameters."""
    return (*node.coefficients, *(coordinate for _, coordinate in node.parameters))


class NodeNumbers(NamedTuple):
    """The numeric half of one node.

    Attributes:
        y: Its column, one value per stored row; empty for a latent.
        design: Per term the product of its measured parents, standardised; ones where it has none.
        to_raw: The matrix T of `coordinates`.
        arguments: Per coordinate the arguments of its prior, padded to three.
        low, high, shift, fixed: Per coordinate.
        scale: Per coordinate its natural unit; beside a bound the distance over which it is bent.
        centre: Per coordinate where it is counted from, if it has no bound.
    """

    y: Array
    design: Array
    to_raw: Array
    arguments: Array
    low: Array
    high: Array
    shift: Array
    fixed: Array
    scale: Array
    centre: Array


class Numbers(NamedTuple):
    """The numeric half of a block: its nodes, row weights, and centre and scale of each latent as a parent."""

    nodes: tuple[NodeNumbers, ...]
    weights: Array
    latent_centres: Array
    latent_scales: Array


def assemble(
    spec: ModelSpec, block: Block, coordinates: Mapping[Name, NodeCoordinates], rows: Dataset
) -> tuple[Layout, Numbers]:
    """Both halves of a block's log posterior.

    Args:
        rows: The columns of the block's measured nodes and inputs; rows of weight 0 are padding.
    """
    position = {latent: k for k, latent in enumerate(block.latent)}
    noisy = [node for node in block.latent if not isinstance(spec[node].family, Linear)]
    layouts, numbers = [], []
    for node in block.nodes:
        own = coordinates[node]
        layouts.append(
            NodeLayout(
                family=spec[node].family,
                latent=position.get(node),
                noise=noisy.index(node) if node in noisy else None,
                terms=tuple(tuple(position[name] for name in term if name in position) for term in own.terms),
                centred=own.centred,
                order=own.order,
                coefficients=tuple(_layout_of(coordinate) for coordinate in own.coefficients),
                parameters=tuple((name, _layout_of(coordinate)) for name, coordinate in own.parameters),
            )
        )
        numbers.append(_node_numbers(node, own, position, rows))
    centres = dict(pair for node in block.nodes for pair in coordinates[node].centres)
    latent = [centres.get(name, (0.0, 1.0)) for name in block.latent]
    return Layout(tuple(layouts)), Numbers(
        tuple(numbers),
        np.asarray(rows.weights, dtype=float),
        np.array([centre for centre, _ in latent]),
        np.array([scale for _, scale in latent]),
    )


def _layout_of(coordinate: Coordinate) -> CoordinateLayout:
    if coordinate.fixed is not None:
        transform = "fixed"
    elif math.isfinite(coordinate.low) and math.isfinite(coordinate.high):
        transform = "interval"
    else:
        transform = "half" if coordinate.bounded else "free"
    prior = None if coordinate.prior is None else coordinate.prior.family
    return CoordinateLayout(transform, prior, coordinate.unit == "raw", coordinate.prior_on == "raw", coordinate.folded)


def _node_numbers(node: Name, own: NodeCoordinates, position: Mapping[Name, int], rows: Dataset) -> NodeNumbers:
    centres = dict(own.centres)
    design = np.ones((len(own.terms), rows.n_stored))
    for k, (term, whole) in enumerate(zip(own.terms, own.centred, strict=True)):
        for name in term:
            if name not in position:
                centre, scale = centres[name]
                design[k] *= (rows.column(name) - (centre if whole else 0.0)) / scale
    every = own.all
    arguments = np.ones((len(every), 3))
    for k, coordinate in enumerate(every):
        if coordinate.prior is not None:
            arguments[k, : len(coordinate.prior.args)] = coordinate.prior.args
    return NodeNumbers(
        y=np.empty(0) if node in position else rows.column(node),
        design=design,
        to_raw=own.to_raw,
        arguments=arguments,
        low=np.array([coordinate.low for coordinate in every]),
        high=np.array([coordinate.high for coordinate in every]),
        shift=np.array([coordinate.shift for coordinate in every]),
        fixed=np.array([0.0 if coordinate.fixed is None else coordinate.fixed for coordinate in every]),
        scale=np.array([coordinate.bend for coordinate in every]),
        centre=np.array([coordinate.start[0] for coordinate in every]),
    )


def prior_log_density(m: Arithmetic, family: str, x: Array, arguments: Array) -> Array:
    """The log density of a prior up to a constant, at a value within its bounds."""
    a, b, c = arguments[0], arguments[1], arguments[2]
    match family:
        case "normal":
            return -0.5 * ((x - a) / b) ** 2
        case "halfnormal":
            return -0.5 * (x / a) ** 2
        case "student":
            return -0.5 * (a + 1.0) * m.np.log1p(((x - b) / c) ** 2 / a)
        case "cauchy":
            return -m.np.log1p(((x - a) / b) ** 2)
        case "exponential":
            return -a * x
        case "gamma":
            return (a - 1.0) * m.np.log(x) - b * x
        case "lognormal":
            return -m.np.log(x) - 0.5 * ((m.np.log(x) - a) / b) ** 2
        case "beta":
            return (a - 1.0) * m.np.log(x) + (b - 1.0) * m.np.log1p(-x)
        case "uniform":
            return 0.0 * x
        case _:
            raise AssertionError(f"no density for the prior {family}")


class NodeValues(NamedTuple):
    """A node's parameters at one point: sampled and raw coefficients, own parameters, log prior with Jacobian."""

    sampled: Array
    raw: Array
    parameters: dict[str, Array]
    log_prior: Array


def unpack(m: Arithmetic, layout: Layout, numbers: Numbers, u: Array) -> tuple[NodeValues, ...]:
    """The parameters at the unbounded point `u` (last axis: the free coordinates; leading axes broadcast)."""
    taken = 0
    values = []
    for node, own in zip(layout.nodes, numbers.nodes, strict=True):
        points, log_prior = [], 0.0 * m.np.sum(u[..., :1], axis=-1)
        for k, coordinate in enumerate(coordinates_of(node)):
            if coordinate.transform == "fixed":
                points.append(own.fixed[k] + 0.0 * log_prior)
                continue
            point, log_jacobian = bend(
                m, coordinate.transform, u[..., taken], own.low[k], own.high[k], own.scale[k], own.centre[k]
            )
            taken += 1
            points.append(point)
            log_prior = log_prior + log_jacobian
        n = len(node.coefficients)
        sampled = _solve(node, own, points[:n])
        coefficients = m.np.stack(sampled, axis=-1)
        raw = coefficients @ own.to_raw.T
        for k, coordinate in enumerate(coordinates_of(node)):
            if coordinate.prior is None:
                continue
            value = points[k] - own.shift[k]
            if k < n:
                value = raw[..., k] if coordinate.prior_on_raw else coefficients[..., k]
            log_prior = log_prior + prior_log_density(m, coordinate.prior, value, own.arguments[k])
        names = [name for name, _ in node.parameters]
        values.append(NodeValues(coefficients, raw, dict(zip(names, points[n:], strict=True)), log_prior))
    return tuple(values)


def bend(
    m: Arithmetic, transform: str, u: Array, low: Array, high: Array, scale: Array, centre: Array
) -> tuple[Array, Array]:
    """The value within its bounds, and the log Jacobian of the bend.

    A half-line is bent by softplus: logarithmic within `scale` of the bound, straight beyond. With the logarithm alone a
    coordinate that reaches down to its bound is stiff at the other end: twenty times the gradients for the same draws.
    """
    if transform == "free":
        # In units of its own: a column in 1e-8ths must not look narrower to the sampler than one in thousands.
        return centre + scale * u, m.np.log(scale) + 0.0 * u
    if transform == "half":
        upper = m.np.isinf(low)
        bound = m.np.where(upper, high, low)
        distance = scale * m.np.logaddexp(0.0, u)
        return bound + m.np.where(upper, -1.0, 1.0) * distance, m.np.log(scale) - m.np.logaddexp(0.0, -u)
    share = 0.5 * (1.0 + m.np.tanh(0.5 * u))
    return low + (high - low) * share, -m.np.logaddexp(0.0, u) - m.np.logaddexp(0.0, -u)


def unbend(transform: str, value: float, low: float, high: float, scale: float, centre: float) -> float:
    """The unbounded point of a value: the inverse of `bend`."""
    if transform == "free":
        return (value - centre) / scale
    if transform == "half":
        distance = (value - low if math.isfinite(low) else high - value) / scale
        return distance + math.log(-math.expm1(-distance))
    share = (value - low) / (high - low)
    return math.log(share) - math.log1p(-share)


def _solve(node: NodeLayout, own: NodeNumbers, points: list[Array]) -> list[Array]:
    """The sampled coefficients w where some coordinates are raw ones b: row k of b = T w, from the largest term down."""
    sampled: list[Array] = list(points)
    for rank, k in enumerate(node.order):
        if node.coefficients[k].raw:
            rest = points[k]
            for larger in node.order[:rank]:
                rest = rest - own.to_raw[k, larger] * sampled[larger]
            sampled[k] = rest / own.to_raw[k, k]
    return sampled


def solved_map(node: NodeLayout, own: NodeNumbers) -> FloatArray:
    """The matrix M with w = M p: sampled coefficients w from the points p of `_solve`, which is linear in them."""
    return np.array(_solve(node, own, list(np.eye(len(node.coefficients)))))


def linear_predictor(
    m: Arithmetic,
    node: NodeLayout,
    own: NodeNumbers,
    values: NodeValues,
    numbers: Numbers,
    latents: list[Array],
) -> Array:
    """The predictor in every row, from the node's design and the latents of the block."""
    eta = values.sampled[..., 0] + 0.0 * numbers.weights
    for k, members in enumerate(node.terms):
        term = own.design[k]
        for latent in members:
            centre = numbers.latent_centres[latent] if node.centred[k] else 0.0
            term = term * (latents[latent] - centre) / numbers.latent_scales[latent]
        eta = eta + values.sampled[..., k + 1] * term
    return eta


def log_posterior(m: Arithmetic, form: AbstractForm, numbers: Any, u: Array, z: Array) -> Array:
    """The log posterior of one block up to a constant, at coordinates `u` (free coordinate) and noise `z` (latent, row)."""
    log_prior, rows = form.log_parts(m, numbers, u, z)
    return log_prior + m.np.sum(rows)


def _log_parts(m: Arithmetic, layout: Layout, numbers: Numbers, u: Array, z: Array) -> tuple[Array, Array]:
    """See `AbstractForm.log_parts`.

    The latents' noise is `z` after a change of variables that depends on `u`: centred and scaled, row by row, by a Gaussian
    approximation to its law given `u` and the data. Where that is exact (normal nodes), z is standard normal and independent
    of u in the posterior; elsewhere only the sampler's speed rests on it, for the Jacobian is in the density.

    Source:
        The idea of Papaspiliopoulos, Roberts & Sköld (2007), A general framework for the parametrization of hierarchical
        models, §3 (data-dependent partial non-centring), with the approximation renewed at every `u`.
    """
    values = unpack(m, layout, numbers, u)
    log_prior = sum((at.log_prior for at in values), 0.0 * numbers.weights.sum())
    rows = 0.0 * numbers.weights
    noise = [z[k] for k in range(layout.n_noise)]
    if noise:
        noise, rows = _placed(m, layout, numbers, values, noise)
        rows = rows - 0.5 * sum(e**2 for e in noise)
    etas = _predictors(m, layout, numbers, values, noise)
    for node, own, at, eta in zip(layout.nodes, numbers.nodes, values, etas, strict=True):
        if node.latent is None:
            rows = rows + numbers.weights * numerics(node.family).log_density(m, own.y, eta, at.parameters)
    return log_prior, rows


def _predictors(
    m: Arithmetic, layout: Layout, numbers: Numbers, values: tuple[NodeValues, ...], noise: list[Array]
) -> list[Array]:
    """The linear predictor of each node in every row, given the latents' noise."""
    latents: list[Array] = []
    etas = []
    for node, own, at in zip(layout.nodes, numbers.nodes, values, strict=True):
        eta = linear_predictor(m, node, own, at, numbers, latents)
        etas.append(eta)
        if node.latent is not None:
            latents.append(eta if node.noise is None else eta + at.parameters["sd"] * noise[node.noise])
    return etas


def _placed(
    m: Arithmetic, layout: Layout, numbers: Numbers, values: tuple[NodeValues, ...], z: list[Array]
) -> tuple[list[Array], Array]:
    """The noise that `z` stands for, and the log Jacobian per row.

    With predictors eta = c + Λ e and parabolas (tau, tau · (top - c)) the approximate law of e has precision
    P = I + Λᵀ tau Λ and mean P⁻¹ Λᵀ tau (top - c); e = mean + L⁻ᵀ z with P = L Lᵀ.
    """
    n = len(z)
    zeros = [0.0 * numbers.weights for _ in range(n)]
    base = _predictors(m, layout, numbers, values, zeros)

    def step(j: int, size: float) -> list[Array]:
        noise = [zero + (size if k == j else 0.0) for k, zero in enumerate(zeros)]
        return _predictors(m, layout, numbers, values, noise)

    moved = [step(j, 1.0) for j in range(n)]
    # Where latents are multiplied the predictor may be curved in the noise: its odd part changes sign with a mirrored
    # latent, a one-sided difference does not.
    curved = any(len(term) > 1 for node in layout.nodes for term in node.terms)
    back = [step(j, -1.0) for j in range(n)] if curved else None
    precision = [[zeros[0] + (1.0 if k == j else 0.0) for j in range(n)] for k in range(n)]
    target = list(zeros)
    for i, (node, own, at) in enumerate(zip(layout.nodes, numbers.nodes, values, strict=True)):
        if node.latent is not None:
            continue
        tau, pull = numerics(node.family).working(m, own.y, base[i], at.parameters)
        loadings = [moved[j][i] - base[i] if back is None else 0.5 * (moved[j][i] - back[j][i]) for j in range(n)]
        for k in range(n):
            target[k] = target[k] + numbers.weights * loadings[k] * pull
            for j in range(k + 1):
                precision[k][j] = precision[k][j] + numbers.weights * tau * loadings[k] * loadings[j]
    factor = cholesky_rows(m, precision)
    whitened = list(z)
    for k in range(n):  # L y = target, then y + z
        inner = sum((factor[k][j] * target[j] for j in range(k)), zeros[0])
        target[k] = (target[k] - inner) / factor[k][k]
        whitened[k] = target[k] + z[k]
    for k in reversed(range(n)):  # Lᵀ e = y + z
        inner = sum((factor[j][k] * whitened[j] for j in range(k + 1, n)), zeros[0])
        whitened[k] = (whitened[k] - inner) / factor[k][k]
    return whitened, -sum((m.np.log(factor[k][k]) for k in range(n)), zeros[0])


def cholesky_rows(m: Arithmetic, matrix: list[list[Array]]) -> list[list[Array]]:
    """The lower Cholesky factor of one small matrix per row, unrolled: batched LAPACK calls would cost more."""
    n = len(matrix)
    factor: list[list[Array]] = [[] for _ in range(n)]
    for k in range(n):
        for j in range(k):
            inner = sum((factor[k][i] * factor[j][i] for i in range(j)), 0.0 * matrix[0][0])
            factor[k].append((matrix[k][j] - inner) / factor[j][j])
        inner = sum((factor[k][i] ** 2 for i in range(k)), 0.0 * matrix[0][0])
        factor[k].append(m.np.sqrt(matrix[k][k] - inner))
    return factor


class Mirror(NamedTuple):
    """A latent whose sign means nothing.

    Attributes:
        noise: The index of its noise.
        coordinates: The free coordinates that change sign with it.
        reference: The one whose sign the user gave, and that sign as 1 or -1; None where there is none.
    """

    noise: int
    coordinates: tuple[int, ...]
    reference: tuple[int, float] | None


def mirrors(layout: Layout, numbers: Numbers) -> tuple[Mirror, ...]:
    """The latents whose sign means nothing.

    A standard latent root may be replaced by its negative where every weight on it is unbounded and has a prior that is
    symmetric about 0: the posterior is then the same at both points.
    """
    found = []
    for latent in (node for node in layout.nodes if node.noise is not None):
        assert latent.latent is not None and latent.noise is not None
        if (
            latent.terms
            or float(numbers.latent_centres[latent.latent]) != 0.0
            or not _is_fixed_zero(layout, numbers, latent)
        ):
            continue
        flipped, symmetric, position, reference = [], True, 0, None
        for node, own in zip(layout.nodes, numbers.nodes, strict=True):
            for k, coordinate in enumerate(coordinates_of(node)):
                is_weight = 1 <= k < len(node.coefficients)
                if is_weight and latent.latent in node.terms[k - 1]:
                    zero_mean = coordinate.prior in ("normal", "cauchy") and own.arguments[k, 0] == 0
                    zero_mean |= coordinate.prior == "student" and own.arguments[k, 1] == 0
                    symmetric &= coordinate.transform == "free" and bool(zero_mean)
                    flipped.append(position)
                    if coordinate.folded:
                        reference = (position, 1.0 if coordinate.folded == "+" else -1.0)
                position += coordinate.transform != "fixed"
        if symmetric and flipped:
            found.append(Mirror(latent.noise, tuple(flipped), reference))
    return tuple(found)


def _is_fixed_zero(layout: Layout, numbers: Numbers, latent: NodeLayout) -> bool:
    own = next(own for node, own in zip(layout.nodes, numbers.nodes, strict=True) if node is latent)
    return latent.coefficients[0].transform == "fixed" and float(own.fixed[0]) == 0.0


def turned(u: FloatArray, mirrors: tuple[Mirror, ...], *, to_reference: bool = False) -> FloatArray:
    """Points (…, chain or draw, coordinate) with each mirrored latent turned so that its clearest weight is positive.

    The posterior is the same at a point and at its mirror image, so this changes no statement about what the data pin
    down; it lets weights be compared between draws and chains.

    Args:
        to_reference: Turn by the weight whose sign the user gave, where there is one: for draws that are kept.
    """
    faced = u.copy()
    for mirror in mirrors:
        index = list(mirror.coordinates)
        if to_reference and mirror.reference is not None:
            by, side = mirror.reference
        else:
            size = np.abs(u[..., index])
            axes = tuple(range(u.ndim - 1))
            by, side = index[int(np.argmax(size.mean(axes) / (size.std(axes) + 1e-12)))], 1.0
        signs = np.where(side * faced[..., by] < 0, -1.0, 1.0)
        faced[..., index] *= signs[..., None]
    return faced


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
    return [unbend(transform, float(value), low, high, coordinate.bend, centre) for value in values]

"""The log posterior of one block as array expressions, with everything that varies between data sets as an argument.

A `Layout` is the static half (families, which terms, which transforms): blocks of one layout and shape share a compiled
program. `Numbers` is the other half: data, priors, centres.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from latentdo.laws import LAWS
from latentdo.models import AbstractFamily, AbstractShape, Spreading, Table
from latentdo.models.build import Arithmetic, numerics

from ..blocks.coordinates import FloatArray
from .constraints import constrained, table_logs
from .states import AtLevels, joint_states, log_sum

Array = Any

IMPOSSIBLE = -1e30
"""A log probability below all others, of which no difference is taken that would not be finite."""


@dataclass(frozen=True)
class CoordinateLayout:
    """How one coordinate is constrained (`free`, `half`, `interval`, `fixed`) and which prior it has."""

    transform: str
    prior: str | None
    raw: bool
    prior_on_raw: bool
    folded: str = ""


Curve = tuple[AbstractShape, float, float]
"""A shape of a latent, and the centre and the scale of its values."""


@dataclass(frozen=True)
class NodeLayout:
    """The static half of one node: family, terms, coordinates.

    Attributes:
        noise: Index of the node's standard normal noise, for a latent with noise; None otherwise.
        terms: For each term the latents in it (their order among the block's latents); of a table, for each parent.
        order: The order in which coefficients are solved (`NodeCoordinates.order`).
        indicators: For each latent of each term the level whose indicator it is, None for its value.
        groups: The terms that differ only in the level of a discrete latent (`coordinates.level_groups`).
        curves: For each latent of each term its shape with the centre and the scale of that, None for its value; empty where
            all enter by their values.
        clamped: Whether the latent is a measured node that is latent in some rows alone, where its cell is missing.
        bends: Per spline the coordinate of its wiggle and the coefficients that are in units of it (`NodeCoordinates.bends`).
    """

    family: AbstractFamily
    latent: int | None
    noise: int | None
    terms: tuple[tuple[int, ...], ...]
    centred: tuple[bool, ...]
    order: tuple[int, ...]
    coefficients: tuple[CoordinateLayout, ...]
    parameters: tuple[tuple[str, CoordinateLayout], ...]
    indicators: tuple[tuple[int | None, ...], ...] = ()
    groups: tuple[tuple[int, tuple[int, ...]], ...] = ()
    curves: tuple[tuple[Curve | None, ...], ...] = ()
    clamped: bool = False
    bends: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def bent(self) -> dict[int, int]:
        """The coefficients that are in units of a wiggle, and the coordinate of that."""
        return {k: at for at, places in self.bends for k in places}

    @property
    def is_discrete(self) -> bool:
        """Whether the node has finitely many values, so that as a latent it is summed out."""
        return bool(self.family.points)

    def term_of(self, k: int) -> int | None:
        """Which term a coefficient belongs to, None for an intercept and for entries of a table."""
        at = k % (1 + len(self.terms))
        return None if at == 0 or k >= len(self.coefficients) or isinstance(self.family, Table) else at - 1


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

    @property
    def has_curves(self) -> bool:
        """Whether a latent enters some predictor by a shape."""
        return any(node.curves for node in self.nodes)

    @property
    def n_states(self) -> int:
        """Number of joint states that are summed over in every row."""
        return math.prod(len(node.family.points) for node in self.discrete)

    @property
    def discrete(self) -> tuple[NodeLayout, ...]:
        """The latents that are summed out."""
        return tuple(node for node in self.nodes if node.latent is not None and node.is_discrete)


def coordinates_of(node: NodeLayout) -> tuple[CoordinateLayout, ...]:
    """Coefficients, then parameters."""
    return (*node.coefficients, *(coordinate for _, coordinate in node.parameters))


class NodeNumbers(NamedTuple):
    """The numeric half of one node.

    Attributes:
        y: Its column, one value per stored row; empty for a latent.
        design: Per term the product of its measured parents, standardised; ones where it has none. Of a table, per
            measured parent which of its levels it is at.
        to_raw: The matrix T of `coordinates`.
        arguments: Per coordinate the arguments of its prior, padded to three.
        low, high, shift, fixed: Per coordinate.
        scale: Per coordinate its natural unit; beside a bound the distance over which the constraint acts.
        centre: Per coordinate where it is counted from, if it has no bound.
        mixing: The matrix of `coordinates.mixing`; None where there is none.
        alive: Whether the node's factor counts in a row, 1 or 0; None where it counts in all.
        seen: Of a clamped node whether its cell was seen.
        offsets: Centre and scale of each latent of each term, (term, latent, 2), where some are measured nodes whose cell is
            missing: these have, as measured parents do, centres of their own in each child.
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
    mixing: Array | None = None
    alive: Array | None = None
    seen: Array | None = None
    offsets: Array | None = None


class Numbers(NamedTuple):
    """The numeric half of a block: its nodes, row weights, and centre and scale of each latent as a parent."""

    nodes: tuple[NodeNumbers, ...]
    weights: Array
    latent_centres: Array
    latent_scales: Array


def prior_log_density(m: Arithmetic, family: str, x: Array, arguments: Array) -> Array:
    """The log density of a prior up to a constant, at a value within its bounds."""
    form = LAWS[family]
    return form.formulas.log_density(m.np, x, *(arguments[k] for k in range(len(form.parameters))))


class NodeValues(NamedTuple):
    """A node's parameters at one point: sampled and raw coefficients, own parameters, log prior with Jacobian.

    Of a table `sampled` are the log probabilities (…, row, level), `raw` the probabilities laid end to end.
    """

    sampled: Array
    raw: Array
    parameters: dict[str, Array]
    log_prior: Array


def unpack(m: Arithmetic, layout: Layout, numbers: Numbers, u: Array) -> tuple[NodeValues, ...]:
    """The parameters at the unbounded point `u` (last axis: the free coordinates; leading axes broadcast)."""
    taken = 0
    values = []
    for node, own in zip(layout.nodes, numbers.nodes, strict=True):
        if isinstance(node.family, Table):
            n = len(node.coefficients)
            logs, log_prior = table_logs(m, node.family, u[..., taken : taken + n], own.arguments)
            taken += n
            values.append(NodeValues(logs, m.np.exp(logs).reshape(*u.shape[:-1], -1), {}, log_prior))
            continue
        points, log_prior = [], 0.0 * m.np.sum(u[..., :1], axis=-1)
        for k, coordinate in enumerate(coordinates_of(node)):
            if coordinate.transform == "fixed":
                points.append(own.fixed[k] + 0.0 * log_prior)
                continue
            point, log_jacobian = constrained(
                m, coordinate.transform, u[..., taken], own.low[k], own.high[k], own.scale[k], own.centre[k]
            )
            taken += 1
            points.append(point)
            log_prior = log_prior + log_jacobian
        n, bent = len(node.coefficients), node.bent
        sampled = _solve(node, own, [points[k] * points[bent[k]] if k in bent else points[k] for k in range(n)])
        coefficients = m.np.stack(sampled, axis=-1)
        raw = coefficients @ own.to_raw.T
        for k, coordinate in enumerate(coordinates_of(node)):
            if coordinate.prior is None:
                continue
            value = points[k] - own.shift[k]
            if k < n and k not in bent:
                value = raw[..., k] if coordinate.prior_on_raw else coefficients[..., k]
            log_prior = log_prior + prior_log_density(m, coordinate.prior, value, own.arguments[k])
        names = [name for name, _ in node.parameters]
        coefficients = coefficients if own.mixing is None else coefficients @ own.mixing.T
        values.append(NodeValues(coefficients, raw, dict(zip(names, points[n:], strict=True)), log_prior))
    return tuple(values)


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
    latents: list[Any],
) -> Any:
    """The predictor in every row, from the node's design and the latents of the block.

    Args:
        latents: Per latent its value, or for a discrete one `AtLevels`.

    Returns:
        (row), with the joint states of discrete latents in front where there are any; a list of such for a node with several
        predictors: those of its levels but the first, or a table's log probabilities.
    """
    if isinstance(node.family, Table):
        return _table_predictor(m, node, own, values, numbers, latents)
    products = [_term(m, node, own, numbers, latents, k) for k in range(len(node.terms))]
    size = 1 + len(products)
    etas = []
    for first in range(0, len(node.coefficients), size):
        eta = values.sampled[..., first] + 0.0 * numbers.weights
        for k, product in enumerate(products):
            eta = eta + values.sampled[..., first + k + 1] * product
        etas.append(eta)
    return etas if node.family.has_several else etas[0]


def _term(m: Arithmetic, node: NodeLayout, own: NodeNumbers, numbers: Numbers, latents: list[Any], k: int) -> Array:
    """What a weight is multiplied by, in every row."""
    term = own.design[k]
    curves = node.curves[k] if node.curves else (None,) * len(node.terms[k])
    for at, (latent, level, curve) in enumerate(zip(node.terms[k], node.indicators[k], curves, strict=True)):
        value = latents[latent]
        if curve is not None:
            shape, centre, scale = curve
            bent = value.mean(partial(shape, m)) if isinstance(value, AtLevels) else shape(m, value)
            term = term * (bent - (centre if node.centred[k] else 0.0)) / scale
            continue
        if isinstance(value, AtLevels):
            value = value.mean() if level is None else value.at[level]
        if own.offsets is not None:
            centre, scale = own.offsets[k, at]
        else:
            centre, scale = numbers.latent_centres[latent] if node.centred[k] else 0.0, numbers.latent_scales[latent]
        term = term * (value - centre) / scale
    return term


def _table_predictor(
    m: Arithmetic, node: NodeLayout, own: NodeNumbers, values: NodeValues, numbers: Numbers, latents: list[Any]
) -> list[Array]:
    assert isinstance(node.family, Table)
    row = 0.0 * numbers.weights
    for k, (members, points) in enumerate(zip(node.terms, node.family.given, strict=True)):
        at = own.design[k] + sum(level * latents[j].at[level] for j in members for level in range(1, len(points)))
        row = row * len(points) + at
    row = m.np.rint(row).astype(int)
    if values.sampled.ndim == 2:
        logs = m.np.take(values.sampled, row, axis=0)
    else:  # many draws at once: (draw, 1, row, level) and, with joint states, rows (state, 1, row)
        logs = m.np.take(values.sampled[:, 0], row, axis=1)
        logs = m.np.moveaxis(logs[:, :, 0], 1, 0) if row.ndim > 1 else logs
    return [logs[..., level] for level in range(len(node.family.levels))]


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
    return log_prior, row_logs(m, layout, numbers, values, z)


def row_logs(
    m: Arithmetic,
    layout: Layout,
    numbers: Numbers,
    values: tuple[NodeValues, ...],
    z: Array,
    *,
    by_state: bool = False,
) -> Array:
    """The log density of each row with its noise, (row,), given the nodes' parameters; see `AbstractForm.log_parts`.

    Args:
        values: Per node; for many draws at once with the leading axes (draw, 1).
        by_state: Whether `z` is centred and scaled anew for each joint state of the discrete latents: another density of z,
            with the same integral, and near a Gaussian where the states lie far apart.
    """
    rows = 0.0 * numbers.weights
    noise = [z[k] for k in range(layout.n_noise)]
    discrete = layout.discrete
    states = joint_states([len(node.family.points) for node in discrete], max(np.ndim(values[0].log_prior), 1))
    known = {node.latent: own for node, own in zip(discrete, states, strict=True)}
    if noise:
        noise, rows = _placed(m, layout, numbers, values, noise, known if by_state else None)
        for node, own, at in zip(layout.nodes, numbers.nodes, values, strict=True):
            if node.noise is not None:
                rows = rows + _noise_logs(m, node, own, noise[node.noise], at.parameters)
    etas = _predictors(m, layout, numbers, values, noise, known)
    summed = 0.0
    for node, own, at, eta in zip(layout.nodes, numbers.nodes, values, etas, strict=True):
        if node.latent is None or (node.clamped and not node.is_discrete):
            summed = summed + _counted(m, own, numerics(node.family).log_density(m, own.y, eta, at.parameters))
        elif node.is_discrete:
            logs = _level_logs(m, node, eta, at.parameters)
            if node.clamped:
                logs = _clamped_logs(m, node, own, logs)
            summed = summed + sum(here * log for here, log in zip(known[node.latent], logs, strict=True))
    if by_state and discrete:
        return log_sum(m, rows + numbers.weights * summed)
    return rows + numbers.weights * (log_sum(m, summed) if discrete else summed)


def _counted(m: Arithmetic, own: NodeNumbers, logs: Array) -> Array:
    """The logs of a node's factor in the rows in which it counts and its cell was seen, 0 in the others."""
    for counts in (own.alive, own.seen):
        if counts is not None:
            logs = m.np.where(counts > 0, logs, 0.0)
    return logs


def _noise_logs(m: Arithmetic, node: NodeLayout, own: NodeNumbers, e: Array, parameters: Mapping[str, Array]) -> Array:
    """The log density of a latent's noise; where a clamped node was seen its noise means nothing and is standard normal."""
    logs = node.family.noise_log_density(m, e, parameters)
    if own.seen is None or node.family.has_plain_noise:
        return logs
    # Those of other families come with their constants, and are counted so by whoever integrates them.
    return m.np.where(own.seen > 0, -0.5 * e**2 - 0.5 * math.log(2.0 * math.pi), logs)


def _clamped_logs(m: Arithmetic, node: NodeLayout, own: NodeNumbers, logs: list[Array]) -> list[Array]:
    """The logs of the levels of a clamped node: where it was seen no other level than its own is possible."""
    assert own.seen is not None, "a clamped node says where it was seen"
    found = []
    for point, log in zip(node.family.points, logs, strict=True):
        log = log if own.alive is None else m.np.where(own.alive > 0, log, 0.0)
        found.append(m.np.where((own.seen > 0) & (own.y != point), IMPOSSIBLE, log))
    return found


def _level_logs(m: Arithmetic, node: NodeLayout, eta: Any, parameters: Mapping[str, Array]) -> list[Array]:
    """The log probability of each level of a node."""
    return [node.family.log_density(m, point, eta, parameters) for point in node.family.points]


def _predictors(
    m: Arithmetic,
    layout: Layout,
    numbers: Numbers,
    values: tuple[NodeValues, ...],
    noise: list[Array],
    states: Mapping[int | None, list[Array]] | None = None,
) -> list[Any]:
    """The linear predictor of each node in every row, given the latents' noise.

    Args:
        states: Per discrete latent whether it is at each level, (state, 1), or (state, 1, 1) for many draws; without,
            each counts as its probabilities.
    """
    latents: list[Any] = []
    etas = []
    for node, own, at in zip(layout.nodes, numbers.nodes, values, strict=True):
        eta = linear_predictor(m, node, own, at, numbers, latents)
        etas.append(eta)
        if node.latent is None:
            continue
        if node.is_discrete:
            likely = states is None
            logs = _level_logs(m, node, eta, at.parameters) if likely else []
            found = [m.np.exp(log) for log in logs] if likely else states[node.latent]
            if own.seen is not None and likely:
                points = node.family.points
                found = [m.np.where(own.seen > 0, 1.0 * (own.y == v), f) for v, f in zip(points, found, strict=True)]
            latents.append(AtLevels(node.family.points, tuple(found)))
        elif node.noise is None:
            latents.append(eta)
        else:
            value = node.family.placed(m, eta, noise[node.noise], at.parameters)
            latents.append(m.np.where(own.seen > 0, own.y, value) if own.seen is not None else value)
    return etas


def _placed(
    m: Arithmetic,
    layout: Layout,
    numbers: Numbers,
    values: tuple[NodeValues, ...],
    z: list[Array],
    states: Mapping[int | None, list[Array]] | None = None,
) -> tuple[list[Array], Array]:
    """The noise that `z` stands for, and the log Jacobian per row; with `states` (see `_predictors`) per state and row.

    With predictors eta = c + Λ e and parabolas (tau, tau · (top - c)) the approximate law of e has precision
    P = I + Λᵀ tau Λ and mean P⁻¹ Λᵀ tau (top - c); e = mean + L⁻ᵀ z with P = L Lᵀ.
    """
    n = len(z)
    zeros = [0.0 * numbers.weights for _ in range(n)]
    base = _predictors(m, layout, numbers, values, zeros, states)

    def step(j: int, size: float) -> list[Array]:
        noise = [zero + (size if k == j else 0.0) for k, zero in enumerate(zeros)]
        return _predictors(m, layout, numbers, values, noise, states)

    moved = [step(j, 1.0) for j in range(n)]
    # Where latents are multiplied the predictor may be curved in the noise: its odd part changes sign with a reflected
    # latent, a one-sided difference does not.
    curved = any(len(term) > 1 for node in layout.nodes for term in node.terms) or layout.has_curves
    curved |= any(node.latent is not None and isinstance(node.family, Spreading) for node in layout.nodes)
    back = [step(j, -1.0) for j in range(n)] if curved else None

    def at_level(eta: Any, level: int | None) -> Array:
        return eta if level is None else eta[level]

    def loadings_at(i: int, level: int | None) -> list[Array]:
        here, *there = (at_level(etas[i], level) for etas in (base, *moved, *(back or ())))
        return [there[j] - here if back is None else 0.5 * (there[j] - there[n + j]) for j in range(n)]

    precision = [[zeros[0] + (1.0 if k == j else 0.0) for j in range(n)] for k in range(n)]
    target = list(zeros)
    for i, (node, own, at) in enumerate(zip(layout.nodes, numbers.nodes, values, strict=True)):
        if (node.latent is not None and not node.clamped) or isinstance(node.family, Table):
            continue
        counts = _counted(m, own, numbers.weights)
        if node.family.per_level:
            # Level by level, as if the others stood still: an approximation that only speed rests on.
            chances = node.family.chances(m, base[i], {})
            parts = [
                (level, chance * (1.0 - chance), m.np.where(own.y == node.family.points[level + 1], 1.0, 0.0) - chance)
                for level, chance in enumerate(chances[1:])
            ]
        elif isinstance(node.family, Spreading):
            # Of either predictor as if the other stood still.
            spread = sum((loading**2 for loading in loadings_at(i, 0)), zeros[0])
            given = (m, own.y, base[i], at.parameters, spread)
            parts = [(0, *node.family.working(*given)), (1, *node.family.working_log(*given))]
        else:
            spread = sum((loading**2 for loading in loadings_at(i, None)), zeros[0])
            parts = [(None, *numerics(node.family).working(m, own.y, base[i], at.parameters, spread))]
        for level, tau, pull in parts:
            loadings = loadings_at(i, level)
            for k in range(n):
                target[k] = target[k] + counts * loadings[k] * pull
                for j in range(k + 1):
                    precision[k][j] = precision[k][j] + counts * tau * loadings[k] * loadings[j]
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

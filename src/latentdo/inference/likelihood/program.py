"""The generic block program: one compiled log posterior for every block of the common families.

Signs, masks, families' constants, priors, data and the way coordinates enter the equations are arguments, so that blocks,
data sets and processes of one shape share a compiled program. All nodes of a block are one array, all coordinates one
vector: there is no operation per node or per coordinate, and little to compile.

With free coordinates constrained to v, every coefficient, loading and parameter of the block is an affine function of v: fixed
numbers, raw and standardised units and the place in the equations are one matrix. v, the columns and the parameters are
dimensionless (a column less its centre, in units of its spread), so that the arithmetic may be in float32.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from latentdo.models import AbstractFamily, Bernoulli, Gamma, Hill, Normal, Student
from latentdo.models.build import LINK_CLIP, Arithmetic

from ..blocks.coordinates import FloatArray
from .bends import Bends, BendsWriter, bent
from .density import (
    AbstractForm,
    Layout,
    NodeLayout,
    NodeNumbers,
    Numbers,
    cholesky_rows,
    coordinates_of,
    prior_log_density,
    solved_map,
)

Array = Any

LOCATION, BERNOULLI, GAMMA, STUDENT = "location", "bernoulli", "gamma", "student"
GROUPS = (LOCATION, BERNOULLI, GAMMA, STUDENT)
"""Families that share their arithmetic: normal and hill nodes are one group, a flag apart."""
FAMILY: dict[str, AbstractFamily] = {BERNOULLI: Bernoulli(), GAMMA: Gamma(), STUDENT: Student()}
"""Whose own formulas a group computes with; normal and hill nodes share one here."""

TRANSFORMS = ("free", "half", "interval")
PRIORS = ("normal", "student", "cauchy", "chi", "exponential", "gamma", "lognormal", "beta", "uniform")
_SAME = {"halfnormal": "normal"}


@dataclass(frozen=True)
class Program(AbstractForm):
    """The shape of a block: what a compiled program belongs to.

    Attributes:
        counts: Number of measured nodes in each of `GROUPS`.
        n_latent: Number of latents, each with its noise.
        n_terms: Number of measured terms in each predictor, the intercept included; padded.
        n_coordinates: Number of free coordinates, padded ones included.
        n_products: Number of measured multipliers of a latent in a predictor: 1 where no latent meets one in an interaction.
        deep: Whether a latent has parents.
        priors: The prior families of its coordinates, of `PRIORS`: the formulas of the others are not compiled.
    """

    counts: tuple[int, ...]
    n_latent: int
    n_terms: int
    n_coordinates: int
    n_products: int
    deep: bool
    priors: tuple[str, ...]

    @property
    def n_noise(self) -> int:
        """See `AbstractForm`."""
        return self.n_latent

    def placed(self, m: Arithmetic, numbers: ProgramNumbers, u: Array) -> tuple[Array, Parts]:
        """The log prior of `u` (with Jacobians), and what stands in the equations there; leading axes broadcast."""
        if missing := self.n_coordinates - u.shape[-1]:
            u = m.np.concatenate([u, m.np.zeros((*u.shape[:-1], missing), u.dtype)], axis=-1)
        v, log_jacobian = _constrained(m, numbers, u)
        w, believed = bent(m, numbers.bends, v, numbers.prior_map, numbers.prior_offset)
        log_priors = _log_priors(m, self, numbers, believed)
        return m.np.sum(log_jacobian + log_priors, axis=-1), parts_of(self, w @ numbers.place.T + numbers.place_offset)

    def log_parts(self, m: Arithmetic, numbers: Any, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`; `u` may be shorter than `n_coordinates`: what is missing is padding."""
        return _log_parts(m, self, numbers, u, z)


class ProgramNumbers(NamedTuple):
    """The numeric half of a block, measured nodes in the order of `GROUPS`.

    Attributes:
        transform: Index into `TRANSFORMS` per free coordinate.
        prior: Index into `Program.priors` per coordinate.
        arguments: (coordinate, 3).
        prior_map, prior_offset: Value of each prior as an affine function of v; the offset holds centres, bounds, shifts and
            fixed numbers.
        place, place_offset: Coefficients, loadings and parameters, laid end to end (see `parts_of`), from v.
        y: (node, row).
        design: (node, term, row).
        products: (node, product, row): what a latent is multiplied by.
        latent_design: (latent, term, row).
        latent_centres, latent_scales: As a parent.
        is_hill, maximum, linked, slope: Per location node (and row): its mean function; its column on the link scale and the
            slope of the mean there, for placing latents.
        weights: (row,).
        alive: Whether each factor counts in a row, 1 or 0, (node, row); None where all do in all.
        bends: Of splines; None where there are none.
    """

    transform: Array
    prior: Array
    arguments: Array
    prior_map: Array
    prior_offset: Array
    place: Array
    place_offset: Array
    y: Array
    design: Array
    products: Array
    latent_design: Array
    latent_centres: Array
    latent_scales: Array
    is_hill: Array
    maximum: Array
    linked: Array
    slope: Array
    weights: Array
    alive: Array | None = None
    bends: Bends | None = None


class Parts(NamedTuple):
    """What stands in the equations at one point."""

    coefficients: Array  # (node, term)
    loadings: Array  # (node, product, latent)
    parameters: Array  # (node,): sd, shape or scale
    latent_coefficients: Array  # (latent, term)
    latent_loadings: Array  # (latent, latent)
    latent_sd: Array  # (latent,)
    degrees: Array  # (student node,): degrees of freedom


def _sizes(form: Program) -> tuple[tuple[int, ...], ...]:
    k, latents, terms = sum(form.counts), form.n_latent, form.n_terms
    latent_terms = terms if form.deep else 1
    measured = ((k, terms), (k, form.n_products, latents), (k,))
    return (*measured, (latents, latent_terms), (latents, latents), (latents,), (form.counts[-1],))


def parts_of(form: Program, flat: Array) -> Parts:
    """What stands in the equations, from its numbers laid end to end (…, number)."""
    arrays, taken = [], 0
    for shape in _sizes(form):
        size = int(np.prod(shape))
        arrays.append(flat[..., taken : taken + size].reshape((*flat.shape[:-1], *shape)))
        taken += size
    return Parts(*arrays)


def _log_parts(m: Arithmetic, form: Program, numbers: ProgramNumbers, u: Array, z: Array) -> tuple[Array, Array]:
    log_prior, parts = form.placed(m, numbers, u)
    rows = 0.0 * numbers.weights
    eta = m.np.einsum("kp,kpn->kn", parts.coefficients, numbers.design)
    if form.n_latent:
        base, loadings = latent_paths(m, form, numbers, parts)
        eta = eta + base
        spread = sum((loading**2 for loading in loadings), 0.0)
        tau, pull = _working(m, form, numbers, eta, spread, parts)
        if numbers.alive is not None:
            tau, pull = tau * numbers.alive, pull * numbers.alive
        noise, rows = _placed(m, form, numbers, loadings, tau * numbers.weights, pull * numbers.weights, z)
        for latent in range(form.n_latent):
            eta = eta + loadings[latent] * noise[latent]
            rows = rows - 0.5 * noise[latent] ** 2
    logs = _log_density(m, form, numbers, eta, parts)
    if numbers.alive is not None:
        logs = m.np.where(numbers.alive > 0, logs, 0.0)
    return log_prior, rows + numbers.weights * m.np.sum(logs, axis=0)


def _constrained(m: Arithmetic, numbers: ProgramNumbers, u: Array) -> tuple[Array, Array]:
    """Distances from centres or bounds, in natural units, and the log Jacobians: `constrained` for all at once."""
    soft = m.np.logaddexp(0.0, u)
    log_share = u - soft  # log sigmoid(u)
    kind = numbers.transform
    free, interval = kind == 0, kind == 2
    value = m.np.where(free, u, m.np.where(interval, m.np.exp(log_share), soft))
    return value, m.np.where(free, 0.0, m.np.where(interval, log_share - soft, log_share))


def _log_priors(m: Arithmetic, form: Program, numbers: ProgramNumbers, value: Array) -> Array:
    """The log density of every prior, up to a constant."""
    log_priors = 0.0 * value
    for k, prior in enumerate(form.priors):
        chosen = numbers.prior == k
        # What is not chosen must have finite values and gradients too: 1/2 lies inside every prior's bounds.
        x = m.np.where(chosen, value, 0.5)
        arguments = m.np.where(chosen[:, None], numbers.arguments, 1.0).T
        log_priors = m.np.where(chosen, prior_log_density(m, prior, x, arguments), log_priors)
    return log_priors


def latent_paths(m: Arithmetic, form: Program, numbers: ProgramNumbers, parts: Parts) -> tuple[Array, list[Array]]:
    """What the latents add to each predictor without noise, (node, row), and its slope in each latent's noise.

    A latent as a parent is t = (latent - centre)/scale, and t = t0 + H e in the noises e.
    """
    start, noise = [], []
    means = (
        m.np.einsum("lp,lpn->ln", parts.latent_coefficients, numbers.latent_design)
        if form.deep
        else parts.latent_coefficients + 0.0 * numbers.weights
    )
    for k in range(form.n_latent):
        mean = means[k] - numbers.latent_centres[k]
        row = [0.0 * parts.latent_sd[0]] * form.n_latent
        if form.deep:
            for j in range(k):
                mean = mean + parts.latent_loadings[k, j] * start[j]
                row = [r + parts.latent_loadings[k, j] * h for r, h in zip(row, noise[j], strict=True)]
        row[k] = row[k] + parts.latent_sd[k]
        start.append(mean / numbers.latent_scales[k])
        noise.append([r / numbers.latent_scales[k] for r in row])
    # (node, latent, row): loadings per row where a measured node multiplies a latent.
    if form.n_products == 1:
        own = parts.loadings[:, 0, :, None]
    else:
        own = m.np.einsum("kql,kqn->kln", parts.loadings, numbers.products)
    base = sum((own[:, k] * start[k] for k in range(form.n_latent)), 0.0)
    slopes = []
    for j in range(form.n_latent):
        slope = own[:, j] * noise[j][j]
        if form.deep:
            for k in range(j + 1, form.n_latent):
                slope = slope + own[:, k] * noise[k][j]
        slopes.append(slope)
    return base, slopes


def _placed(
    m: Arithmetic, form: Program, numbers: ProgramNumbers, loadings: list[Array], tau: Array, pull: Array, z: Array
) -> tuple[list[Array], Array]:
    """The noise that `z` stands for and the log Jacobian per row: `density._placed` with all nodes in one array."""
    n = form.n_latent
    zero = 0.0 * numbers.weights
    scaled = [tau * loading for loading in loadings]
    precision = [
        [m.np.sum(scaled[k] * loadings[j], axis=0) + (1.0 if k == j else 0.0) for j in range(k + 1)] for k in range(n)
    ]
    target = [m.np.sum(loadings[k] * pull, axis=0) for k in range(n)]
    factor = cholesky_rows(m, precision)
    whitened = [z[k] for k in range(n)]
    for k in range(n):
        inner = sum((factor[k][j] * target[j] for j in range(k)), zero)
        target[k] = (target[k] - inner) / factor[k][k]
        whitened[k] = target[k] + z[k]
    for k in reversed(range(n)):
        inner = sum((factor[j][k] * whitened[j] for j in range(k + 1, n)), zero)
        whitened[k] = (whitened[k] - inner) / factor[k][k]
    return whitened, -sum((m.np.log(factor[k][k]) for k in range(n)), zero)


def columns_of(form: Program) -> dict[str, slice]:
    """Which of the measured nodes are of each of `GROUPS`."""
    ends = list(itertools.accumulate(form.counts, initial=0))
    return {group: slice(a, b) for group, (a, b) in zip(GROUPS, itertools.pairwise(ends), strict=True)}


def _share(m: Arithmetic, eta: Array) -> Array:
    return 0.5 * (1.0 + m.np.tanh(0.5 * eta))


def _own(group: str, parts: Parts, part: slice) -> dict[str, Array]:
    """The parameters of the nodes of a group, by name, (node, 1)."""
    names = FAMILY[group].parameters
    return dict(zip(names, (parts.parameters[part, None], parts.degrees[:, None]), strict=False))


def _working(
    m: Arithmetic, form: Program, numbers: ProgramNumbers, eta: Array, spread: Array, parts: Parts
) -> tuple[Array, Array]:
    """See `AbstractFamily.working`: precision and pull, (node, row)."""
    tau, pull, parameters = [], [], parts.parameters
    for group, part in columns_of(form).items():
        if part.start == part.stop:
            continue
        if group == LOCATION:
            precision = (numbers.slope / parameters[part, None]) ** 2
            tau.append(precision)
            pull.append(precision * (numbers.linked - eta[part]))
        else:
            own = _own(group, parts, part)
            precision, towards = FAMILY[group].working(m, numbers.y[part], eta[part], own, spread[part])
            tau.append(precision)
            pull.append(towards)
    return m.np.concatenate(tau), m.np.concatenate(pull)


def _log_density(m: Arithmetic, form: Program, numbers: ProgramNumbers, eta: Array, parts: Parts) -> Array:
    """The log density of every measured cell, (node, row), without constants."""
    by_group = []
    for group, part in columns_of(form).items():
        if part.start == part.stop:
            continue
        y, at, own = numbers.y[part], eta[part], parts.parameters[part, None]
        if group == LOCATION:
            mean = m.np.where(numbers.is_hill[:, None], numbers.maximum[:, None] * _share(m, at), at)
            by_group.append(-0.5 * ((y - mean) / own) ** 2 - m.np.log(own))
        else:
            by_group.append(FAMILY[group].log_density(m, y, at, _own(group, parts, part)))
    return m.np.concatenate(by_group)


def group_of(family: AbstractFamily) -> str | None:
    """The group of a family's arithmetic; None where the generic program has none."""
    match family:
        case Normal() | Hill():
            return LOCATION
        case Bernoulli() if family.points == (0.0, 1.0):
            return BERNOULLI
        case Gamma():
            return GAMMA
        case Student():
            return STUDENT
        case _:
            return None


def program_of(layout: Layout, numbers: Numbers, *, dimensionless: bool = True) -> tuple[Program, ProgramNumbers] | str:
    """The generic program of a block, or why it has none.

    Args:
        layout, numbers: The general form of the block; its free coordinates are the program's, in the same order.
        dimensionless: Whether columns and equations are centred and scaled, so that float32 will do.
    """
    if (why := _why_not(layout, numbers)) is not None:
        return why
    latent = [k for k, node in enumerate(layout.nodes) if node.latent is not None]
    groups = {k: group_of(node.family) for k, node in enumerate(layout.nodes)}
    measured = [k for group in GROUPS for k in range(len(layout.nodes)) if k not in latent and groups[k] == group]
    counts = tuple(sum(groups[k] == group for k in measured) for group in GROUPS)
    products = [_products(layout.nodes[k], numbers.nodes[k]) for k in measured]
    n_products = 1 + max(len(columns) for columns in products)
    n_terms = 1 + max(sum(not members for members in node.terms) for node in layout.nodes)
    form = Program(
        counts,
        len(latent),
        _padded(n_terms, 4),
        _padded(layout.n_free, 6),
        n_products,
        deep=any(layout.nodes[k].terms for k in latent),
        priors=_priors(layout),
    )
    writer = _Writer(form, layout, numbers)
    for row, (k, columns) in enumerate(zip(measured, products, strict=True)):
        writer.write_measured(row, k, columns)
    for row, k in enumerate(latent):
        writer.write_latent(row, k)
    return form, writer.finished(
        dimensionless, [numbers.nodes[k] for k in measured], [layout.nodes[k].family for k in measured]
    )


def _padded(n: int, step: int) -> int:
    """The next multiple of `step`: few shapes, few compilations."""
    return -(-n // step) * step


def _priors(layout: Layout) -> tuple[str, ...]:
    """The prior families that occur, in the order of `PRIORS`; padding is normal."""
    used = {coordinate.prior for node in layout.nodes for coordinate in coordinates_of(node)} - {None}
    families = {"normal", *(_SAME.get(prior, prior) for prior in used if prior is not None)}
    return tuple(prior for prior in PRIORS if prior in families)


def _why_not(layout: Layout, numbers: Numbers) -> str | None:
    if any(node.clamped for node in layout.nodes):
        return "cells are missing"
    if all(node.latent is not None for node in layout.nodes):
        return "no node is measured"
    if layout.has_curves:
        return "a latent enters by a shape"
    for node in layout.nodes:
        if node.latent is None and group_of(node.family) is None:
            return f"a node is {node.family.name}"
        if node.latent is not None and (node.noise is None or not node.family.linear_gaussian):
            return f"a latent is {node.family.name}"
        own = numbers.nodes[layout.nodes.index(node)]
        for term, (members, centred, design) in enumerate(zip(node.terms, node.centred, own.design, strict=True)):
            if len(members) > 1:
                return "latents are multiplied with each other"
            if members and node.latent is not None and not (design == 1.0).all():
                return "a latent's latent parent is multiplied by a measured node"
            if members and not centred and numbers.latent_centres[members[0]] != 0.0:
                return "an interaction is not centred"
            if members and not (design == 1.0).all() and _as_parent(numbers, own, term, members[0])[1] != 0.0:
                return "an interaction has a centre of its own"
    return None


def _as_parent(numbers: Numbers, own: NodeNumbers, term: int, latent: int) -> tuple[float, float]:
    """A latent as a parent has one centre and scale in a program; slope and shift by which a term makes its own of that."""
    if own.offsets is None:
        return 1.0, 0.0
    centre, scale = own.offsets[term, 0]
    return numbers.latent_scales[latent] / scale, (numbers.latent_centres[latent] - centre) / scale


def _products(node: NodeLayout, own: NodeNumbers) -> list[FloatArray]:
    """The distinct columns, other than ones, that latents are multiplied by."""
    columns: list[FloatArray] = []
    for members, design in zip(node.terms, own.design, strict=True):
        if members and not (design == 1.0).all() and not any(np.array_equal(design, other) for other in columns):
            columns.append(design)
    return columns


class _Writer:
    """Fills the arrays of a program, node by node."""

    def __init__(self, form: Program, layout: Layout, numbers: Numbers) -> None:
        self.form, self.layout, self.numbers = form, layout, numbers
        n_rows = len(numbers.weights)
        k, d = sum(form.counts), form.n_coordinates
        sizes = [int(np.prod(shape)) for shape in _sizes(form)]
        self.offsets = [0, *itertools.accumulate(sizes)]
        self.place, self.place_offset = np.zeros((self.offsets[-1], d)), np.zeros(self.offsets[-1])
        # A latent without parents multiplies nothing; a padded node's sd would be 0, but there is none.
        self.design = np.zeros((k, form.n_terms, n_rows))
        self.products = np.ones((k, form.n_products, n_rows))
        self.latent_design = np.zeros((form.n_latent, form.n_terms if form.deep else 1, n_rows))
        self.transform = np.zeros(d, dtype=int)
        # Value = anchor + unit · v.
        self.anchor, self.unit = np.zeros(d), np.ones(d)
        # Padding: standard normal coordinates that nothing depends on.
        self.prior, self.arguments = np.full(d, form.priors.index("normal")), np.tile([0.0, 1.0, 1.0], (d, 1))
        self.prior_map, self.prior_offset = np.eye(d), np.zeros(d)
        self.bends = BendsWriter(d)
        self.latent_centres = np.array(numbers.latent_centres, dtype=float)
        self.latent_scales = np.array(numbers.latent_scales, dtype=float)
        starts = itertools.accumulate(
            (sum(c.transform != "fixed" for c in coordinates_of(node)) for node in layout.nodes), initial=0
        )
        self.starts = list(starts)

    def write_measured(self, row: int, k: int, products: list[FloatArray]) -> None:
        """Node `k` of the layout as measured node `row` of the program."""
        node, own = self.layout.nodes[k], self.numbers.nodes[k]
        sampled, offset = self._coordinates(k)
        self.design[row, 0] = 1.0
        self._put(0, (row, 0), sampled[0], offset[0])
        taken = 1
        self.products[row, 1 : 1 + len(products)] = products or 1.0
        for term, (members, design) in enumerate(zip(node.terms, own.design, strict=True)):
            if not members:
                self.design[row, taken] = design
                self._put(0, (row, taken), sampled[term + 1], offset[term + 1])
                taken += 1
                continue
            at = 0
            if not (design == 1.0).all():
                at = 1 + next(i for i, column in enumerate(products) if np.array_equal(column, design))
            slope, shift = _as_parent(self.numbers, own, term, members[0])
            self._put(1, (row, at, members[0]), slope * sampled[term + 1], slope * offset[term + 1])
            self._put(0, (row, 0), shift * sampled[term + 1], shift * offset[term + 1])
        if node.parameters:
            first = len(node.coefficients)
            self._put(2, (row,), sampled[first], offset[first])
        if isinstance(node.family, Student):
            self._put(6, (row - sum(self.form.counts[:-1]),), sampled[-1], offset[-1])

    def write_latent(self, row: int, k: int) -> None:
        """Node `k` of the layout as latent `row`."""
        node, own = self.layout.nodes[k], self.numbers.nodes[k]
        sampled, offset = self._coordinates(k)
        self.latent_design[row, 0] = 1.0
        self._put(3, (row, 0), sampled[0], offset[0])
        taken = 1
        for term, (members, design) in enumerate(zip(node.terms, own.design, strict=True)):
            if members:
                slope, shift = _as_parent(self.numbers, own, term, members[0])
                self._put(4, (row, members[0]), slope * sampled[term + 1], slope * offset[term + 1])
                self._put(3, (row, 0), shift * sampled[term + 1], shift * offset[term + 1])
            else:
                self.latent_design[row, taken] = design
                self._put(3, (row, taken), sampled[term + 1], offset[term + 1])
                taken += 1
        self._put(5, (row,), sampled[-1], offset[-1])
        if len(own.y):
            # A column of its own has a dimension, which is taken out here.
            centre, scale = self.latent_centres[row], self.latent_scales[row]
            for part in (3, 4, 5):
                shape = _sizes(self.form)[part]
                size = int(np.prod(shape[1:]))
                flat = slice(self.offsets[part] + row * size, self.offsets[part] + (row + 1) * size)
                self.place[flat] /= scale
                self.place_offset[flat] /= scale
            self._put(3, (row, 0), np.zeros(self.form.n_coordinates), -centre / scale)
            self.latent_centres[row], self.latent_scales[row] = 0.0, 1.0

    def _put(self, part: int, index: tuple[int, ...], weights: FloatArray, offset: float) -> None:
        flat = self.offsets[part] + int(np.ravel_multi_index(index, _sizes(self.form)[part]))
        self.place[flat] += weights
        self.place_offset[flat] += offset

    def _coordinates(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Fill in node `k`'s coordinates and priors; its sampled coefficients and parameters as maps of v and offsets."""
        node, own = self.layout.nodes[k], self.numbers.nodes[k]
        flat = coordinates_of(node)
        n, size = len(node.coefficients), len(flat)
        points, fixed = np.zeros((size, self.form.n_coordinates)), np.zeros(size)
        free: list[int | None] = []
        position = self.starts[k]
        for i, coordinate in enumerate(flat):
            if coordinate.transform == "fixed":
                fixed[i] = own.fixed[i]
                free.append(None)
                continue
            points[i, position] = 1.0
            self._constrain(position, coordinate.transform, own, i)
            free.append(position)
            position += 1
        solved = np.eye(size)
        solved[:n, :n] = solved_map(node, own)
        sampled, sampled_offset = solved @ points, solved @ fixed
        raw = np.eye(size)
        raw[:n, :n] = own.to_raw
        raw_map, raw_offset = raw @ sampled, raw @ sampled_offset
        for i, (coordinate, at) in enumerate(zip(flat, free, strict=True)):
            if at is None:
                continue
            assert coordinate.prior is not None, "what is not fixed has a prior"
            self.prior[at] = self.form.priors.index(_SAME.get(coordinate.prior, coordinate.prior))
            self.arguments[at] = _arguments(coordinate.prior, own.arguments[i])
            on_raw = i < n and coordinate.prior_on_raw
            self.prior_map[at] = raw_map[i] if on_raw else sampled[i]
            self.prior_offset[at] = (raw_offset[i] if on_raw else sampled_offset[i]) - own.shift[i]
        self.bends.write(node.bent, free, fixed)
        return sampled, sampled_offset

    def _constrain(self, at: int, transform: str, own: NodeNumbers, i: int) -> None:
        self.transform[at] = TRANSFORMS.index(transform)
        if transform == "free":
            self.anchor[at], self.unit[at] = own.centre[i], own.scale[i]
        elif transform == "interval":
            self.anchor[at], self.unit[at] = own.low[i], own.high[i] - own.low[i]
        elif np.isinf(own.low[i]):
            self.anchor[at], self.unit[at] = own.high[i], -own.scale[i]
        else:
            self.anchor[at], self.unit[at] = own.low[i], own.scale[i]

    def finished(self, dimensionless: bool, nodes: list[NodeNumbers], families: list[AbstractFamily]) -> ProgramNumbers:
        """All arrays, anchors and units worked into the maps, measured columns without dimension."""
        y = np.array([own.y for own in nodes])
        groups = columns_of(self.form)
        location, gamma = self.form.counts[0], groups[GAMMA]
        students = range(len(nodes))[groups[STUDENT]]
        is_hill = np.array([isinstance(family, Hill) for family in families[:location]], dtype=bool)
        maximum = np.array([getattr(family, "max", 1.0) for family in families[:location]], dtype=float)
        place, offset = self.place * self.unit, self.place_offset + self.place @ self.anchor
        coefficients = place[: self.offsets[1]].reshape(len(nodes), self.form.n_terms, -1)
        intercepts = offset[: self.offsets[1]].reshape(len(nodes), self.form.n_terms)[:, 0]
        loadings = place[self.offsets[1] : self.offsets[2]].reshape(len(nodes), -1)
        parameters, parameter_offset = (part[self.offsets[2] : self.offsets[3]] for part in (place, offset))
        loading_offset = offset[self.offsets[1] : self.offsets[2]].reshape(len(nodes), -1)
        offsets = offset[: self.offsets[1]].reshape(len(nodes), self.form.n_terms)
        for row in (*range(location), *students) if dimensionless else ():
            size = float(np.std(y[row])) or 1.0
            if row < location and is_hill[row]:
                maximum[row] /= size
                y[row] /= size
            else:
                centre = float(np.mean(y[row]))
                y[row] = (y[row] - centre) / size
                intercepts[row] -= centre
                for part in (coefficients, offsets, loadings, loading_offset):
                    part[row] /= size
            parameters[row] /= size
            parameter_offset[row] /= size
        for row in range(gamma.start, gamma.stop) if dimensionless else ():
            centre = float(np.mean(np.log(y[row])))
            y[row] /= np.exp(centre)
            intercepts[row] -= centre
        share = np.clip(y[:location] / maximum[:, None], 2 * LINK_CLIP, 1 - 2 * LINK_CLIP)
        linked = np.where(is_hill[:, None], np.log(share) - np.log1p(-share), y[:location])
        slope = np.where(is_hill[:, None], maximum[:, None] * share * (1 - share), 1.0)
        return ProgramNumbers(
            self.transform,
            self.prior,
            self.arguments,
            self.prior_map * self.unit,
            self.prior_offset + self.prior_map @ self.anchor,
            place,
            offset,
            y,
            self.design,
            self.products,
            self.latent_design,
            self.latent_centres,
            self.latent_scales,
            is_hill,
            maximum,
            linked,
            slope,
            np.asarray(self.numbers.weights, dtype=float),
            _alive(nodes),
            self.bends.finished(self.anchor, self.unit),
        )


def _alive(nodes: list[NodeNumbers]) -> FloatArray | None:
    """See `ProgramNumbers.alive`."""
    if all(node.alive is None for node in nodes):
        return None
    return np.array([np.ones(len(node.y)) if node.alive is None else node.alive for node in nodes])


def _arguments(prior: str, given: FloatArray) -> FloatArray:
    """The arguments where the program's formula has them: a half-normal is a normal about 0."""
    if prior == "halfnormal":
        return np.array([0.0, given[0], 1.0])
    return np.asarray(given, dtype=float)

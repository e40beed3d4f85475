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
from latentdo.models.build import Arithmetic

from .bends import Bends, bent
from .density import (
    AbstractForm,
    cholesky_rows,
    prior_log_density,
)

Array = Any

LOCATION, BERNOULLI, GAMMA, STUDENT = "location", "bernoulli", "gamma", "student"
GROUPS = (LOCATION, BERNOULLI, GAMMA, STUDENT)
"""Families that share their arithmetic: normal and hill nodes are one group, a flag apart."""
FAMILY: dict[str, AbstractFamily] = {BERNOULLI: Bernoulli(), GAMMA: Gamma(), STUDENT: Student()}
"""Whose own formulas a group computes with; normal and hill nodes share one here."""

PRIORS = ("normal", "student", "cauchy", "chi", "exponential", "gamma", "lognormal", "beta", "uniform")


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
        transform: Index into `writing.TRANSFORMS` per free coordinate.
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


def sizes_of(form: Program) -> tuple[tuple[int, ...], ...]:
    """The shapes of the arrays of `Parts`, in their order."""
    k, latents, terms = sum(form.counts), form.n_latent, form.n_terms
    latent_terms = terms if form.deep else 1
    measured = ((k, terms), (k, form.n_products, latents), (k,))
    return (*measured, (latents, latent_terms), (latents, latents), (latents,), (form.counts[-1],))


def parts_of(form: Program, flat: Array) -> Parts:
    """What stands in the equations, from its numbers laid end to end (…, number)."""
    arrays, taken = [], 0
    for shape in sizes_of(form):
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
    """What the latents add to each predictor without noise, (…, node, row), and its slope in each latent's noise.

    A latent as a parent is t = (latent - centre)/scale, and t = t0 + H e in the noises e.
    """
    start, noise = [], []
    means = (
        m.np.einsum("...lp,lpn->...ln", parts.latent_coefficients, numbers.latent_design)
        if form.deep
        else parts.latent_coefficients + 0.0 * numbers.weights
    )
    for k in range(form.n_latent):
        mean = means[..., k, :] - numbers.latent_centres[k]
        row = [0.0 * parts.latent_sd[..., 0, None]] * form.n_latent
        if form.deep:
            for j in range(k):
                on = parts.latent_loadings[..., k, j, None]
                mean = mean + on * start[j]
                row = [r + on * h for r, h in zip(row, noise[j], strict=True)]
        row[k] = row[k] + parts.latent_sd[..., k, None]
        start.append(mean / numbers.latent_scales[k])
        noise.append([r / numbers.latent_scales[k] for r in row])
    # (…, node, latent, row): loadings per row where a measured node multiplies a latent.
    if form.n_products == 1:
        own = parts.loadings[..., 0, :, None]
    else:
        own = m.np.einsum("...kql,kqn->...kln", parts.loadings, numbers.products)
    base = sum((own[..., k, :] * start[k][..., None, :] for k in range(form.n_latent)), 0.0)
    slopes = []
    for j in range(form.n_latent):
        slope = own[..., j, :] * noise[j][j][..., None, :]
        if form.deep:
            for k in range(j + 1, form.n_latent):
                slope = slope + own[..., k, :] * noise[k][j][..., None, :]
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

"""Coordinates of columns and hidden causes that are nearer to what data see than weights are.

A binary column with intercept a and loadings w looks like one with a / s and w / s, s² = 1 + c² |w|²: where w may be large, a
and w grow together along a ridge. Here the sampler moves a / s, and loadings drawn in towards 0: c |w| = sinh(r) along
their ray, with r = c |t|, so that s = cosh(r).

Of a normal column data see how wide it is in all, S² = sd² + |w|²: a larger loading leaves less to the sd. Here the sampler
moves S, and loadings as a share of it, |w| = S tanh(r), so that sd = S / cosh(r). A hill or student column is much like one, on
the scale of its predictor; a gamma column is as wide as shape^(-1/2) there. What belongs to other columns stays as it is.

Where a column's parent in the block has the same hidden causes, data see the parent's effect together with what it tells of
these, and of their spread what the parent leaves. Here the sampler moves this sum; a parent is reckoned to tell of a hidden
cause what a normal variable in its place would.

Sources:
    Zeger, Liang & Albert (1988), Models for longitudinal data, §3: the attenuation by a normal variable in a logistic model;
    Heckman (1979), Sample selection bias as a specification error, §2: what a switch tells of a normal cause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from latentdo.models.build import NUMPY, Arithmetic

from ..blocks.coordinates import FloatArray
from .density import AbstractForm
from .program import BERNOULLI, GAMMA, LOCATION, STUDENT, Parts, Program, ProgramNumbers, columns_of, parts_of
from .straight import Bend, Moved, Straight, StraightNumbers, bends_of, bent, straightened

Array = Any

SQUARED = (16.0 * np.sqrt(3.0) / (15.0 * np.pi)) ** 2
"""c²: a logistic function is much like a normal one of this scale."""
EXPONENTS = {LOCATION: 1.0, STUDENT: 1.0, GAMMA: -0.5}
"""Per group the power of its parameter that its noise is wide."""
HALF = 1
SMALL, TINY = 1e-2, 1e-30
"""r² below which sinh(r) / r is taken from its series, and what keeps its logarithm finite."""
RARE = 0.01
"""Share of a level from which on it is no rarer for what it tells."""
MOST_TOLD = 0.99
"""Share of a hidden cause's spread that a parent tells at most."""


class Edges(NamedTuple):
    """The effects of columns with hidden causes on others in the block, an edge each.

    Attributes:
        child, parent: 1 for the column that it is, (edge, column).
        told: What the parent's correlation with a hidden cause is where it is nothing but that cause, (edge,).
        spread: What the parent varies by in its own units, (edge,); 0 where that is its column's width.
        place: What an effect of 1 on the child's predictor is in coordinates, per unit of the parent, (edge, coordinate).
    """

    child: Array
    parent: Array
    told: Array
    spread: Array
    place: Array


class AttenuatedNumbers(NamedTuple):
    """The numeric half.

    Attributes:
        inner: That of the form.
        loadings: The loading that a unit of a coordinate is, (column, latent, coordinate); 0 of other coordinates.
        units: c of binary columns, 1 of others, (column,); more where the noise is not on the predictor's scale.
        widths: The sd, scale or shape that a unit of a coordinate is, (column, coordinate); 0 of binary columns.
        powers: The power of cosh(r) that a coordinate is multiplied by, but for what its loading is, (column, coordinate).
        exponents: The power of its sd, scale or shape that a column's width is, (column,); 0 of binary columns.
        shift: What is added to an intercept's coordinate to be 0 where the intercept is, (coordinate,).
        half: Whether a coordinate is bounded on one side, (coordinate,).
    """

    inner: Any
    loadings: Array
    units: Array
    widths: Array
    powers: Array
    exponents: Array
    shift: Array
    half: Array
    edges: Edges

    def counted(self, share: float) -> AttenuatedNumbers:
        """The same with every row counted as `share` rows."""
        return self._replace(inner=self.inner.counted(share))


@dataclass(frozen=True)
class Attenuated(Moved):
    """A form in these coordinates."""

    def log_parts(self, m: Arithmetic, numbers: AttenuatedNumbers, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        at, log_jacobian = usual(m, numbers, u)
        log_prior, rows = self.inner.log_parts(m, numbers.inner, at, z)
        return log_prior + log_jacobian, rows


def attenuated(
    form: AbstractForm, numbers: Any, program: Program, own: ProgramNumbers, n_free: int
) -> tuple[Attenuated, AttenuatedNumbers]:
    """A form in coordinates that are easier to sample.

    Args:
        program, own: Both halves of the program that `form` computes with.
    """
    place, kinds = own.place[:, :n_free], own.transform[:n_free]
    # Coordinates that stand in one equation only, and there as they are.
    alone = (np.count_nonzero(place, axis=0) == 1) & (kinds <= HALF)
    parts = parts_of(program, (place * alone).T)
    columns = columns_of(program)
    exponents, binary = np.zeros(sum(program.counts)), np.zeros(sum(program.counts), dtype=bool)
    for group, exponent in EXPONENTS.items():
        exponents[columns[group]] = exponent
    binary[columns[BERNOULLI]] = True
    # An sd has a coordinate that is bounded by 0, or none.
    widths = np.where((exponents[:, None] != 0) & (kinds == HALF), np.maximum(parts.parameters.T, 0.0), 0.0)
    eased = binary | widths.any(axis=1)
    loadings: FloatArray = np.where(eased[:, None, None], np.moveaxis(parts.loadings.sum(axis=2), 0, -1), 0.0)
    is_loading = np.abs(loadings).sum(axis=1) > 0
    eased = np.count_nonzero(is_loading, axis=1) > 0
    widths, exponents = widths * eased[:, None], exponents * eased
    units = np.where(binary, np.sqrt(SQUARED), 1.0)
    units[columns[LOCATION]] = np.sqrt(np.average(own.slope**2, axis=1, weights=own.weights))
    weights = (parts.coefficients != 0).any(axis=2).T & (kinds != HALF)
    powers = 1.0 * (weights & (binary & eased)[:, None]) - (is_loading & (exponents != 0)[:, None])
    powers = powers - (widths > 0) / np.where(exponents == 0, 1.0, exponents)[:, None]
    offsets = parts_of(program, own.place_offset).coefficients
    size = parts.coefficients.sum(axis=(1, 2))
    at = (parts.coefficients * offsets).sum(axis=(1, 2))
    shift = np.where(size == 0, 0.0, at / np.where(size == 0, 1.0, size) ** 2)
    edges = _edges(own, parts, np.where(kinds == HALF, False, alone), eased, binary, columns[GAMMA])
    return Attenuated(form), AttenuatedNumbers(
        numbers, loadings, units, widths, powers, exponents, shift, kinds == HALF, edges
    )


def _edges(own: ProgramNumbers, parts: Parts, usable: Any, eased: Any, binary: Any, not_linear: slice) -> Edges:
    """The effects of eased columns on eased columns, each by a coordinate of its own."""
    found: list[tuple[int, int, float, float, FloatArray]] = []
    on = own.weights > 0
    likely = np.flatnonzero(eased)
    hills = np.zeros(len(eased), dtype=bool)
    hills[: len(own.is_hill)] = own.is_hill
    hills[not_linear] = True
    for child in likely:
        for term in range(1, own.design.shape[1]):
            places = parts.coefficients[:, child, term] * usable
            if not places.any():
                continue
            design = own.design[child, term][on]
            for parent in likely[(likely != child) & ~hills[likely]]:
                y = own.y[parent][on]
                if np.ptp(y) == 0:
                    continue
                # The parent itself, whatever its centre and scale.
                slope, at = np.polyfit(y, design, 1)
                if slope == 0 or not np.allclose(slope * y + at, design, atol=1e-6 * np.std(design)):
                    continue
                told, spread = np.sqrt(MOST_TOLD), 0.0
                if binary[parent]:
                    share = np.clip(y.mean(), RARE, 1.0 - RARE)
                    spread = np.sqrt(share * (1.0 - share))
                    told = np.exp(-0.5 * ndtri(share) ** 2) / np.sqrt(2.0 * np.pi) / spread
                places = np.where(places == 0, 0.0, 1.0 / (slope * np.where(places == 0, 1.0, places)))
                found.append((int(child), int(parent), told, spread, places))
    one = np.eye(len(eased))
    return Edges(
        one[[edge[0] for edge in found]],
        one[[edge[1] for edge in found]],
        np.array([edge[2] for edge in found]),
        np.array([edge[3] for edge in found]),
        np.array([edge[4] for edge in found]).reshape(len(found), len(usable)),
    )


@dataclass(frozen=True, eq=False)
class Eased:
    """What chains move of a block, and what its own free coordinates are there.

    Attributes:
        form, numbers: Both halves of the form whose coordinates chains move.
        own: How the block's own coordinates follow; None where they are the same.
        bends: What is given off of these on top of it.
    """

    form: AbstractForm
    numbers: Any
    own: AttenuatedNumbers | None
    bends: tuple[Bend, ...] = ()

    @staticmethod
    def of(form: AbstractForm, numbers: Any, inner: AbstractForm, inner_numbers: Any, n_free: int) -> Eased:
        """In easier coordinates if there are any.

        Args:
            inner, inner_numbers: What `form` computes with, a program perhaps.
        """
        if isinstance(inner, Program):
            easy = attenuated(form, numbers, inner, inner_numbers, n_free)
            if easy[1].loadings.any():
                return Eased(*easy, easy[1])
        return Eased(form, numbers, None)

    def easier(self, u: FloatArray) -> FloatArray:
        """Points (…, coordinate) of the block's own coordinates in those that chains move."""
        return straightened(self.bends, u if self.own is None else easier(self.own, u))

    def usual(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The block's own coordinates at points (…, coordinate) of what chains move, and the log Jacobians, (…,)."""
        x = bent(NUMPY, self.bends, x)
        with np.errstate(all="ignore"):
            return (x, np.zeros(x.shape[:-1])) if self.own is None else usual(NUMPY, self.own, x)

    def straight(self, u: FloatArray) -> Eased:
        """The same where a ridge is straight on which draws (draw, coordinate) of the block's own coordinates lie."""
        bends = bends_of(self.easier(u))
        if not bends:
            return self
        return replace(self, form=Straight(self.form), numbers=StraightNumbers(self.numbers, bends), bends=bends)


def usual(m: Arithmetic, numbers: AttenuatedNumbers, x: Array) -> tuple[Array, Array]:
    """The block's own free coordinates at points (…, coordinate), and the log Jacobian."""
    positive = m.np.maximum(x, 0.0) + m.np.log1p(m.np.exp(-m.np.abs(x)))
    t = m.np.where(numbers.half, positive, x)
    rays = _rays(m, numbers, t)
    log_growth, log_s = _grown(m, m.np.sum(rays**2, axis=-1) * numbers.units**2)
    log_left, log_widths = 0.0, _log_widths(m, numbers, t)
    told = _told(m, numbers, rays, log_growth - log_s) if len(numbers.edges.told) else None
    if told is not None:
        log_left = told.log_left(m)
    is_loading = _is_loading(m, numbers)
    stretch = (log_growth + log_widths - 0.5 * log_left) @ is_loading + log_s @ numbers.powers
    v = (t + numbers.shift) * m.np.exp(stretch) - numbers.shift
    if told is not None:
        v = v - told.effects(m, _rays(m, numbers, v), log_widths)
    # The first of a column's loadings grows along the ray, the others across it.
    log_jacobian = stretch.sum(axis=-1) + (is_loading.max(axis=1) * (log_s - log_growth)).sum(axis=-1)
    low = m.np.where(numbers.half, v, 1.0)
    log_share = m.np.log(-m.np.expm1(-low))
    log_jacobian = log_jacobian + m.np.where(numbers.half, x - positive - log_share, 0.0).sum(axis=-1)
    return m.np.where(numbers.half, v + log_share, v), log_jacobian


def easier(numbers: AttenuatedNumbers, u: FloatArray) -> FloatArray:
    """Points (…, coordinate) of the block's own free coordinates in these: what `usual` undoes."""
    v = np.where(numbers.half, np.logaddexp(0.0, u), u)
    rays = _rays(NUMPY, numbers, v)
    # As wide as its own noise is: cosh(r) times that is the whole.
    log_own = _log_widths(NUMPY, numbers, v)
    size = np.sqrt(np.sum(rays**2, axis=-1)) * numbers.units * np.exp(-log_own)

    def inward(log_left: FloatArray) -> tuple[FloatArray, FloatArray, _Told]:
        log_growth, log_s = _grown(NUMPY, np.arcsinh(size * np.exp(0.5 * log_left)) ** 2)
        drawn_in = rays * np.exp(0.5 * log_left - log_growth - log_own)[..., None]
        return log_growth, log_s, _told(NUMPY, numbers, drawn_in, log_growth - log_s)

    log_left = np.zeros_like(size)
    # What a column's parents leave of its hidden causes is known once they are: after as many rounds as there are columns.
    for _ in range(size.shape[-1] if len(numbers.edges.told) else 0):
        log_left = inward(log_left)[2].log_left(NUMPY)
    log_growth, log_s, told = inward(log_left)
    log_widths = log_own + (numbers.exponents != 0.0) * log_s
    stretch = (log_growth + log_widths - 0.5 * log_left) @ _is_loading(NUMPY, numbers) + log_s @ numbers.powers
    v = v + told.effects(NUMPY, rays, log_widths)
    t = (v + numbers.shift) * np.exp(-stretch) - numbers.shift
    low = np.where(numbers.half, t, 1.0)
    return np.where(numbers.half, t + np.log(-np.expm1(-low)), t)


def _rays(m: Arithmetic, numbers: AttenuatedNumbers, t: Array) -> Array:
    """Each column's loadings at coordinates (…, coordinate), (…, column, latent)."""
    return m.np.einsum("jlc,...c->...jl", numbers.loadings, t)


def _is_loading(m: Arithmetic, numbers: AttenuatedNumbers) -> Array:
    """Whether a coordinate is a loading of a column, 1 or 0, (column, coordinate)."""
    return m.np.max(m.np.abs(m.np.sign(numbers.loadings)), axis=1)


def _grown(m: Arithmetic, squares: Array) -> tuple[Array, Array]:
    """log(sinh r / r) and log cosh r, from r²."""
    small = squares < SMALL
    near = squares * (1.0 / 6.0 - squares * (1.0 / 180.0 - squares / 2835.0))
    r = m.np.sqrt(m.np.where(small, 1.0, squares))
    log_growth = m.np.where(small, near, r + m.np.log(-m.np.expm1(-2.0 * r) / (2.0 * r)))
    # cosh² r = 1 + r² (sinh r / r)²
    return log_growth, 0.5 * m.np.logaddexp(0.0, m.np.log(m.np.maximum(squares, TINY)) + 2.0 * log_growth)


def _log_widths(m: Arithmetic, numbers: AttenuatedNumbers, t: Array) -> Array:
    """How wide each column is, by its sd, scale or shape in coordinates (…, coordinate): logs, 0 of binary columns."""
    own = m.np.where(numbers.exponents != 0.0, t @ numbers.widths.T, 1.0)
    return numbers.exponents * m.np.log(m.np.maximum(own, TINY))


class _Told(NamedTuple):
    """What parents tell of their children's hidden causes.

    Attributes:
        pull: The correlation of each edge's parent with each latent, (…, edge, latent).
        along: The square of that with what the child has of all latents, (…, edge).
    """

    edges: Edges
    pull: Array
    along: Array

    def log_left(self, m: Arithmetic) -> Array:
        """The log of the share of its hidden causes' spread that its parents leave to a column, (…, column)."""
        return -m.np.log1p(self.along / (1.0 - self.along) @ self.edges.child)

    def effects(self, m: Arithmetic, loadings: Array, log_widths: Array) -> Array:
        """What hidden causes add to the effects of parents, in coordinates, (…, coordinate).

        Args:
            loadings: Of each column, (…, column, latent).
            log_widths: Of each column, (…, column).
        """
        edges = self.edges
        common = m.np.sum(m.np.einsum("ej,...jl->...el", edges.child, loadings) * self.pull, axis=-1)
        left = m.np.exp(self.log_left(m) @ edges.child.T)
        spread = m.np.where(edges.spread > 0, edges.spread, m.np.exp(log_widths @ edges.parent.T))
        return common * left / (1.0 - self.along) / spread @ edges.place


def _told(m: Arithmetic, numbers: AttenuatedNumbers, rays: Array, log_shares: Array) -> _Told:
    """What parents tell.

    Args:
        rays: Loadings before they are stretched, (…, column, latent).
        log_shares: log(tanh r / r), (…, column).
    """
    edges = numbers.edges
    shares = m.np.exp(log_shares) * numbers.units
    pull = edges.told[:, None] * m.np.einsum("ej,...jl->...el", edges.parent, shares[..., None] * rays)
    own = m.np.einsum("ej,...jl->...el", edges.child, rays)
    along = m.np.sum(own * pull, axis=-1) ** 2 / m.np.maximum(m.np.sum(own**2, axis=-1), TINY)
    return _Told(edges, pull, along)

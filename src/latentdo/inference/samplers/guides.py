"""The laws that variational inference fits to a posterior: one of a block's coordinates, and one of its latents' noise.

Coordinates are u = centre + axes · x, and x is Gaussian. A row's latent noise z, in the coordinates in which the density places
it, is Gaussian with a mean and a scale that all rows share, or that a small network reads off the row: no number belongs to a
single row, so that any batch of rows trains the whole guide.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import numpy as np

from ..blocks.coordinates import FloatArray

Array = Any

NODES = {1: 7, 2: 5, 3: 4}
"""Nodes per dimension of z, for as many dimensions as are integrated."""
HIDDEN = 16
"""Hidden units of the network of an amortised guide."""


@dataclass(frozen=True)
class Guide:
    """The shape of a guide: what a compiled program belongs to.

    Attributes:
        n_coordinates: Length of u.
        n_noise: Latents with noise, per row.
        n_features: What the network reads of a row; 0 without a network.
        rank: Columns of the low-rank part of the covariance of x; None for a full one.
    """

    n_coordinates: int
    n_noise: int
    n_features: int
    rank: int | None

    @property
    def n_normals(self) -> int:
        """Standard normal numbers that a draw of x is made of."""
        return self.n_coordinates + (self.rank or 0)

    def start(self, random: np.random.Generator) -> GuideNumbers:
        """x and z standard normal, or nearly: a low-rank part that is 0 would stay 0."""
        n, k = self.n_coordinates, self.n_noise
        hidden = HIDDEN if self.n_features and k else 0
        columns = n if self.rank is None else self.rank
        factor = np.zeros((n, columns))
        if self.rank is not None:
            factor = 0.1 * random.standard_normal(factor.shape)
        return GuideNumbers(
            mean=np.zeros(n),
            log_scale=np.zeros(n),
            factor=factor,
            inner=random.standard_normal((hidden, self.n_features)) / np.sqrt(max(self.n_features, 1)),
            inner_offset=np.zeros(hidden),
            outer=np.zeros((2 * k, hidden)),
            outer_offset=np.zeros(2 * k),
        )

    def whitened(self, numbers: GuideNumbers, place: Place) -> tuple[GuideNumbers, Place]:
        """The same law with x closer to standard normal: its mean, and what scale can be moved, are worked into the place."""
        centre = place.centre + place.axes @ numbers.mean
        scale = np.exp(numbers.log_scale)
        if self.rank is None:
            moved, factor = np.diag(scale) + np.tril(numbers.factor, -1), np.zeros_like(numbers.factor)
        else:
            moved, factor = np.diag(scale), numbers.factor / scale[:, None]
        still = np.zeros_like(numbers.mean)
        return numbers._replace(mean=still, log_scale=still, factor=factor), Place(centre, place.axes @ moved)

    def draw(self, numbers: GuideNumbers, normals: Array) -> tuple[Array, Array]:
        """A draw of x, and its log density up to a constant.

        The density's gradient is that along the path alone: what it would have through the guide's own numbers is 0 in
        expectation, and noise.

        Source:
            Roeder, Wu & Duvenaud (2017), Sticking the landing, §3.
        """
        scale, n = jnp.exp(numbers.log_scale), self.n_coordinates
        held = jax.lax.stop_gradient
        if self.rank is None:
            lower = jnp.tril(numbers.factor, -1) + jnp.diag(scale)
            step = lower @ normals
            pull = jax.scipy.linalg.solve_triangular(held(lower), normals, lower=True, trans=1)
            log_density = -0.5 * jnp.sum(normals**2) - jnp.sum(numbers.log_scale)
        else:
            step = scale * normals[:n] + numbers.factor @ normals[n:]
            covariance = jnp.diag(held(scale) ** 2) + held(numbers.factor) @ held(numbers.factor).T
            root = jnp.linalg.cholesky(covariance)
            pull = jax.scipy.linalg.cho_solve((root, True), held(step))
            log_density = -0.5 * jnp.sum(held(step) * pull) - jnp.sum(jnp.log(jnp.diagonal(root)))
        x = numbers.mean + step
        return x, held(log_density) - jnp.sum(held(pull) * (x - held(x)))

    def noise(self, numbers: GuideNumbers, features: Array) -> tuple[Array, Array]:
        """Mean and log scale of the latents' noise, each (latent, row) or the same for all rows, (latent, 1)."""
        hidden = jnp.tanh(numbers.inner @ features + numbers.inner_offset[:, None])
        out = numbers.outer @ hidden + numbers.outer_offset[:, None]
        # A scale beyond these bounds never fits; without them a wild early step could not be undone.
        return out[: self.n_noise], jnp.clip(out[self.n_noise :], -4.0, 3.0)

    def draw_many(self, numbers: GuideNumbers, place: Place, random: np.random.Generator, n: int) -> Draws:
        """Draws of u (draw, coordinate), and their log densities up to a constant."""
        normals = random.standard_normal((n, self.n_normals))
        scale = np.exp(numbers.log_scale)
        if self.rank is None:
            lower = np.tril(numbers.factor, -1) + np.diag(scale)
            steps, log_density = normals @ lower.T, -0.5 * (normals**2).sum(axis=1)
        else:
            d = self.n_coordinates
            steps = scale * normals[:, :d] + normals[:, d:] @ numbers.factor.T
            root = np.linalg.cholesky(np.diag(scale**2) + numbers.factor @ numbers.factor.T)
            log_density = -0.5 * (np.linalg.solve(root, steps.T) ** 2).sum(axis=0)
        return Draws(place.centre + (numbers.mean + steps) @ place.axes.T, log_density)


class Nodes(NamedTuple):
    """Where a row's density is computed to integrate it over z, in units of the guide of z, and what each counts for.

    Attributes:
        points: (node, latent).
        log_weights: (node,), the standard normal density at the node taken out.
    """

    points: FloatArray
    log_weights: FloatArray


@functools.lru_cache
def nodes_of(n_noise: int) -> Nodes | None:
    """The nodes of Gauss-Hermite quadrature in so many dimensions; None where they would be too many, or there is nothing to do.

    Source:
        Golub & Welsch (1969), Calculation of Gauss quadrature rules, as in NumPy's `hermegauss`.
    """
    if n_noise not in NODES:
        return None
    points, weights = np.polynomial.hermite_e.hermegauss(NODES[n_noise])
    grid = np.array(list(itertools.product(points, repeat=n_noise)))
    log_weights = np.log(np.array(list(itertools.product(weights / weights.sum(), repeat=n_noise)))).sum(axis=1)
    return Nodes(grid, log_weights + 0.5 * (grid**2).sum(axis=1))


class GuideNumbers(NamedTuple):
    """The numbers of a guide that are learned.

    Attributes:
        mean: Of x, (coordinate,).
        log_scale: Log of the diagonal of the factor of x's covariance, or of the sds beside a low-rank part, (coordinate,).
        factor: The rest of that factor, of which the strict lower triangle counts (coordinate, coordinate); or the low-rank
            part (coordinate, rank).
        inner, inner_offset: The network's first layer, (hidden, feature) and (hidden,).
        outer, outer_offset: Its second, (2 latents, hidden) and (2 latents,): means of z, then log scales.
    """

    mean: Array
    log_scale: Array
    factor: Array
    inner: Array
    inner_offset: Array
    outer: Array
    outer_offset: Array


class Place(NamedTuple):
    """Where and how wide x is in the block's coordinates: u = centre + axes · x."""

    centre: FloatArray
    axes: FloatArray


class Draws(NamedTuple):
    """Draws of u (draw, coordinate) and their log densities (draw,) up to a constant."""

    u: FloatArray
    log_density: FloatArray

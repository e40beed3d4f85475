"""Exchangeable latents: their loadings in lower triangular form, with the same prior on what the data see, and back.

For latents z ~ Normal(0, I) and iid zero-mean normal loadings W (child, latent) the law of everything measured depends on W Wᵀ
alone, and W may be replaced by W Q for any rotation Q. With W = T Q and T lower triangular with a positive diagonal the
rotation is gone: entries of T below the diagonal keep their normal prior, the k-th diagonal entry is chi distributed with
K - k degrees of freedom, those above it are zero. Kept draws are turned back by a random rotation: W then has exactly its
posterior under the prior that the user sees.

Source: Muirhead (1982), Aspects of Multivariate Statistical Theory, theorem 3.2.14 (Bartlett's decomposition); for factor
models Geweke & Zhou (1996), Measuring the pricing error of the arbitrage pricing theory, §2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from latentdo.graphs import Name
from latentdo.models import ModelSpec, Prior
from latentdo.models.build import numerics
from latentdo.tables import Dataset

from .block import Block
from .coordinates import Coordinate, FloatArray, NodeCoordinates


@dataclass(frozen=True)
class Rotation:
    """Latents that may be rotated into each other, and where their loadings are.

    Attributes:
        latents: In the order of the columns of T.
        loadings: Per child, in the order of the rows of T, the index of its coefficient on each latent.
    """

    latents: tuple[Name, ...]
    loadings: tuple[tuple[Name, tuple[int, ...]], ...]

    def turned(self, draws: Mapping[Name, FloatArray], random: np.random.Generator) -> dict[Name, FloatArray]:
        """Raw coefficients (chain, draw, coefficient) of the children, every draw's loadings rotated at random."""
        first = draws[self.loadings[0][0]]
        turns = _haar(len(self.latents), first.shape[:-1], random)
        rotated = {}
        for child, index in self.loadings:
            changed = draws[child].copy()
            changed[..., index] = np.einsum("...k,...kl->...l", draws[child][..., index], turns)
            rotated[child] = changed
        return rotated


def _haar(size: int, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
    """Uniform random orthogonal matrices, (*shape, size, size).

    Source: Mezzadri (2007), How to generate random matrices from the classical compact groups, §5.
    """
    q, r = np.linalg.qr(random.standard_normal((*shape, size, size)))
    return q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]


def rotations(
    spec: ModelSpec, block: Block, coordinates: Mapping[Name, NodeCoordinates], data: Dataset
) -> tuple[Rotation, ...]:
    """The groups of latents of a block that may be rotated into each other: two or more standard roots of equal children."""
    groups: dict[frozenset[Name], list[Name]] = {}
    for latent in block.latent:
        if _is_standard_root(spec, latent):
            groups.setdefault(frozenset(spec.graph.children(latent)), []).append(latent)
    of_block = []
    for children, latents in groups.items():
        if len(latents) < 2 or any(child in spec.latent for child in children):
            continue
        places = {child: _places(coordinates[child], latents) for child in children}
        if all(place is not None for place in places.values()):
            ordered = _strongest_first(spec, [node for node in block.nodes if node in children], len(latents), data)
            loadings = tuple((child, place) for child in ordered if (place := places[child]) is not None)
            of_block.append(Rotation(tuple(latents), loadings))
    return tuple(of_block)


def _is_standard_root(spec: ModelSpec, latent: Name) -> bool:
    mechanism = spec[latent]
    return (
        mechanism.family.linear_gaussian
        and latent not in spec.shaped
        and not mechanism.weights
        and mechanism.intercept == 0.0
        and mechanism.parameter("sd") == 1.0
    )


def _places(own: NodeCoordinates, latents: list[Name]) -> tuple[int, ...] | None:
    """Where a child's loadings are; None unless they are free, iid zero-mean normal, and in no interaction."""
    index = []
    if len(own.coefficients) > 1 + len(own.terms):
        # Loadings in several predictors would have to be turned together.
        return None
    for latent in latents:
        terms = [k for k, term in enumerate(own.terms) if latent in term]
        if len(terms) != 1 or own.terms[terms[0]] != (latent,):
            return None
        index.append(terms[0] + 1)
    loadings = [own.coefficients[k] for k in index]
    first = loadings[0].prior
    for loading in loadings:
        prior = loading.prior
        if prior is None or loading.bounded or loading.folded or loading.unit != "sampled" or prior != first:
            return None
        if prior.family != "normal" or prior.args[0] != 0.0:
            return None
    return tuple(index)


def _strongest_first(spec: ModelSpec, children: list[Name], n_latents: int, data: Dataset) -> list[Name]:
    """The children so that the first have much of what the latents explain: a weak pivot leaves modes that hardly mix.

    Greedy pivots of a Cholesky factorisation of the correlations, squared multiple correlations on the diagonal.
    """
    columns = np.array([numerics(spec[child].family).link(data.column(child)) for child in children], dtype=float)
    counts = data.weights.astype(int)
    correlations = np.atleast_2d(np.corrcoef(np.repeat(columns, counts, axis=1)[:, :100_000]))
    correlations = np.nan_to_num(correlations)
    inverse = np.linalg.pinv(correlations + 1e-6 * np.eye(len(children)))
    rest = correlations.copy()
    np.fill_diagonal(rest, np.clip(1.0 - 1.0 / np.maximum(np.diag(inverse), 1e-9), 0.0, 1.0))
    order: list[int] = []
    for _ in range(min(n_latents, len(children))):
        left = [k for k in range(len(children)) if k not in order]
        pivot = max(left, key=lambda k: rest[k, k])
        order.append(pivot)
        if rest[pivot, pivot] > 1e-9:
            rest = rest - np.outer(rest[:, pivot], rest[pivot]) / rest[pivot, pivot]
    return [children[k] for k in (*order, *(k for k in range(len(children)) if k not in order))]


def triangular(
    coordinates: Mapping[Name, NodeCoordinates], groups: tuple[Rotation, ...]
) -> dict[Name, NodeCoordinates]:
    """The coordinates with the loadings of each group in lower triangular form."""
    changed = dict(coordinates)
    for group in groups:
        for row, (child, index) in enumerate(group.loadings):
            own = changed[child]
            coefficients = list(own.coefficients)
            for column, k in enumerate(index):
                coefficients[k] = _entry(coefficients[k], row, column, len(group.latents))
            changed[child] = replace(own, coefficients=tuple(coefficients))
    return changed


def _entry(loading: Coordinate, row: int, column: int, n_latents: int) -> Coordinate:
    """An entry of T in place of a loading with the prior normal(0, sd)."""
    if row > column:
        return loading
    if row < column:
        return replace(loading, prior=None, fixed=0.0, unit="raw", prior_on="raw")
    assert loading.prior is not None, "a loading that may be rotated has a prior"
    sd = loading.prior.args[1]
    degrees = n_latents - column
    return replace(loading, prior=Prior("chi", (float(degrees), sd)) if degrees > 1 else Prior("halfnormal", (sd,)))

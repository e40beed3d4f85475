"""Symmetries of a model's latents: changes of sign, of names, of axes, of levels after which the posterior is the same.

Weights that such a change moves are not identified, whatever the data; what it leaves as it was may be. That is the one excuse
for a weight whose chains do not agree.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.models import ModelSpec, Spreading, Table
from latentdo.tables import Dataset

from ..blocks.block import blocks_of
from ..blocks.coordinates import Coordinate, NodeCoordinates, level_groups
from ..likelihood.assembly import assemble
from ..likelihood.density import coordinates_of
from ..samplers.sign_symmetry import symmetries_of

Place = tuple[Name, int]
"""A coefficient: its node, and its place among the node's coefficients."""


@dataclass(frozen=True)
class Symmetry:
    """Latents that may change sign, change places or be rotated into each other.

    Attributes:
        kind: `sign`: each of them may be replaced by its negative. `labels`: they may change places. `labels and signs`:
            both. `rotation`: any rotation and reflection. `levels`: the levels of a latent class may change places.
        latents: Which ones.
        rows: Per row the places of corresponding weights, one per latent in their order: `X`'s weights on U1, U2 and U3; of
            tables those of corresponding probabilities, one per level.
        effects: Of a latent class per row the places of what each level but the first has beside it: weights of a child on
            its indicators, its own log odds.
        moved: Of a latent class the places of what a child has at its first level: intercepts, and weights that an
            interaction with the class makes vary. Counted from the mean of the levels they stay as they are.
    """

    kind: Literal["sign", "labels", "labels and signs", "rotation", "levels"]
    latents: tuple[Name, ...]
    rows: tuple[tuple[Place, ...], ...]
    effects: tuple[tuple[Place, ...], ...] = ()
    moved: tuple[Place, ...] = ()

    @property
    def places(self) -> Iterator[Place]:
        """Every coefficient and probability that may change."""
        yield from self.moved
        for row in (*self.rows, *self.effects):
            yield from row

    def __str__(self) -> str:
        kind = "signs" if self.kind == "sign" and len(self.latents) > 1 else self.kind
        return f"{kind} of {', '.join(map(quote, self.latents))}"


def symmetries(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates]) -> tuple[Symmetry, ...]:
    """The symmetries of a model, each latent in one at most.

    Rotations and changes of place of latents with the same children and priors, of each other latent its sign, and the order of
    latent classes.

    Source:
        Bollen (1989), Structural equations with latent variables, ch. 7, on what a factor model leaves open.
    """
    latents = [node for node in spec.graph.nodes if node in spec.latent]
    groups: dict[Hashable, list[Name]] = {}
    for latent in latents:
        groups.setdefault(_signature(spec, coordinates, latent), []).append(latent)
    of_model = list(_classes(spec, coordinates))
    for members in groups.values():
        signed = all(_may_change_sign(spec, coordinates, latent) for latent in members)
        rows = tuple(zip(*(_places(spec, coordinates, latent) for latent in members), strict=True))
        if not rows:
            continue
        if len(members) == 1:
            of_model += [Symmetry("sign", tuple(members), rows)] if signed else []
        elif signed and _may_rotate(spec, coordinates, members):
            of_model.append(Symmetry("rotation", tuple(members), rows))
        else:
            of_model.append(Symmetry("labels and signs" if signed else "labels", tuple(members), rows))
    return tuple(of_model)


def _classes(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates]) -> Iterator[Symmetry]:
    """The latent classes whose levels may change places: those whose draws are relabelled (`symmetries_of`)."""
    for block in blocks_of(spec):
        classes = [node for node in block.latent if spec[node].family.points]
        if not classes:
            continue
        # What may change places is told by priors and terms: any row will do.
        row = Dataset(tuple((name, np.zeros(1)) for name in (*block.measured, *block.inputs)), np.ones(1))
        layout, numbers = assemble(spec, block, coordinates, row)
        free = [
            (node, k)
            for node, own in zip(block.nodes, layout.nodes, strict=True)
            for k, coordinate in enumerate(coordinates_of(own))
            if coordinate.transform != "fixed"
        ]
        relabelled = [
            frozenset(free[k] for k in one.coordinates) for one in symmetries_of(layout, numbers) if one.noise is None
        ]
        for latent in classes:
            if frozenset(_sampled(spec, coordinates, latent)) in relabelled:
                yield _levels(spec, coordinates, latent)


def _sampled(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> Iterator[Place]:
    """The sampled coefficients that change when the levels of a latent class change places."""
    yield from ((latent, k) for k in range(len(coordinates[latent].coefficients)))
    for child in spec.graph.children(latent):
        if isinstance(spec[child].family, Table):
            yield from ((child, k) for k in range(len(coordinates[child].coefficients)))
            continue
        for _, effects in _groups(spec, coordinates[child], latent):
            yield from ((child, k) for k in effects if coordinates[child].coefficients[k].label)


def _levels(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> Symmetry:
    """What changes with the order of a latent class: probabilities, effects, and what children have at its first level."""
    family = spec[latent].family
    n = len(family.points)
    rows: list[tuple[Place, ...]] = []
    effects: list[tuple[Place, ...]] = []
    moved: list[Place] = []
    if isinstance(family, Table):
        rows += [tuple((latent, row * n + k) for k in range(n)) for row in range(family.n_rows)]
    else:
        size = 1 + len(coordinates[latent].terms)
        effects += [tuple((latent, k + size * level) for level in range(n - 1)) for k in range(size)]
    for child in spec.graph.children(latent):
        of_child = spec[child].family
        if isinstance(of_child, Table):
            axes = (*(len(points) for points in of_child.given), len(of_child.levels))
            at = spec[child].parents.index(latent)
            apart = np.moveaxis(np.arange(math.prod(axes)).reshape(axes), at, -1).reshape(-1, n)
            rows += [tuple((child, int(k)) for k in row) for row in apart]
            continue
        for base, group in _groups(spec, coordinates[child], latent):
            if not any(coordinates[child].coefficients[k].label for k in group):
                continue
            moved += [(child, base)] if coordinates[child].coefficients[base].fixed is None else []
            effects.append(tuple((child, k) for k in group))
    return Symmetry("levels", (latent,), tuple(rows), tuple(effects), tuple(dict.fromkeys(moved)))


def _groups(spec: ModelSpec, own: NodeCoordinates, latent: Name) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Of a child the coefficients that differ only in the level of a latent class, and before them the one they add to."""
    size = 1 + len(own.terms)
    terms = [frozenset[Name](), *map(frozenset, own.terms)]
    for parent, group in level_groups(spec, own.node):
        if parent != latent:
            continue
        weight = spec[own.node].weights[group[0]]
        rest = frozenset(factor for factor, name in zip(weight.factors, weight.parents, strict=True) if name != latent)
        base = terms.index(rest) if rest in terms else 0
        for block in range(0, len(own.coefficients), size):
            yield block + base, tuple(block + 1 + k for k in group)


def _weights(own: NodeCoordinates) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The places of a node's weights, and their terms; of a categorical node once per level."""
    size = 1 + len(own.terms)
    for k in range(len(own.coefficients)):
        if own.terms and k % size:
            yield k, own.terms[k % size - 1]


def _touched(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> Iterator[Place]:
    """The weights on a latent, and those into it, in the predictors that have them."""

    def present(node: Name, k: int) -> bool:
        return coordinates[node].coefficients[k].label != ""

    for child in spec.graph.children(latent):
        odd = _odd_factors(spec, child, latent)
        yield from (
            (child, k) for k, term in _weights(coordinates[child]) if not odd.isdisjoint(term) and present(child, k)
        )
    # Its own spread is that of its mirror image.
    n = 1 + len(coordinates[latent].terms) if isinstance(spec[latent].family, Spreading) else math.inf
    yield from ((latent, k) for k, _ in _weights(coordinates[latent]) if present(latent, k) and k < n)


def _odd_factors(spec: ModelSpec, child: Name, latent: Name) -> frozenset[str]:
    """The factors of a child that change sign with a latent: itself, and odd powers of it."""
    return frozenset(
        factor
        for weight in spec[child].weights
        for factor, (name, _, shape) in zip(weight.factors, weight.parts, strict=True)
        if name == latent and (shape is None or shape.parity < 0)
    )


def _role(coordinates: Mapping[Name, NodeCoordinates], latent: Name, place: Place) -> tuple[str, ...]:
    """What a weight is to a latent, without the latent's own name: comparable between latents."""
    node, k = place
    size = 1 + len(coordinates[node].terms)
    term = sorted("" if name == latent else f"n{name}" for name in coordinates[node].terms[k % size - 1])
    return ("" if node == latent else f"n{node}", f"{k // size}", *term)


def _places(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> list[Place]:
    """The weights that a latent touches, in an order that corresponds between latents of one signature."""
    return sorted(_touched(spec, coordinates, latent), key=lambda place: _role(coordinates, latent, place))


def _signature(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> Hashable:
    """Equal for latents that may change places: same family, numbers and priors in the same roles."""
    own = coordinates[latent]
    inner = [*own.coefficients[:1], *(coordinate for _, coordinate in own.parameters)]
    roles = [
        (_role(coordinates, latent, (node, k)), _prior_of(coordinates[node].coefficients[k]))
        for node, k in _places(spec, coordinates, latent)
    ]
    if any(latent_parent in spec.latent for latent_parent in spec.graph.parents(latent)):
        return latent  # chains of latents: no change of places is looked for
    if latent in spec.shaped:
        return latent  # nor of what enters by a shape
    return (spec[latent].family, tuple(map(_prior_of, inner)), tuple(roles))


def _prior_of(coordinate: Coordinate) -> Hashable:
    return (coordinate.prior, coordinate.fixed, coordinate.unit, coordinate.prior_on, coordinate.shift)


def _may_change_sign(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> bool:
    own = coordinates[latent]
    if not spec[latent].family.symmetric_noise or own.coefficients[0].fixed != 0.0:
        return False
    if any(shape.parity == 0 for shape in spec.shaped.get(latent, ())):
        return False
    return all(_even(coordinates[node].coefficients[k]) for node, k in _touched(spec, coordinates, latent))


def _even(coordinate: Coordinate) -> bool:
    """Whether the prior is symmetric about 0 and has no bound."""
    prior = coordinate.prior
    return prior is not None and prior.is_even and math.isinf(prior.low) and math.isinf(prior.high)


def _may_rotate(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], members: list[Name]) -> bool:
    """Whether standard normal roots enter their children one by one, with the same normal priors."""
    for latent in members:
        if not spec[latent].family.linear_gaussian or spec[latent].weights:
            return False
        if any(coordinate.fixed is None for _, coordinate in coordinates[latent].parameters):
            return False
        for node, k in _touched(spec, coordinates, latent):
            prior = coordinates[node].coefficients[k].prior
            term = coordinates[node].terms[k % (1 + len(coordinates[node].terms)) - 1]
            if prior is None or prior.family != "normal" or len(term) > 1:
                return False
    return True

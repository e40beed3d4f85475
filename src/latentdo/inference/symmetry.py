"""Symmetries of a model's latents: changes of sign, of names and of axes after which the posterior is the same.

Weights that such a change moves are not identified, whatever the data; what it leaves as it was may be. That is the one excuse
for a weight whose chains do not agree.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from latentdo.graphs import Name, quote
from latentdo.models import ModelSpec

from .coordinates import Coordinate, NodeCoordinates

Place = tuple[Name, int]
"""A coefficient: its node, and its place among the node's coefficients."""

SYMMETRIC_NOISE = frozenset({"normal", "student", "linear"})


@dataclass(frozen=True)
class Symmetry:
    """Latents that may change sign, change places or be rotated into each other.

    Attributes:
        kind: `sign`: each of them may be replaced by its negative. `labels`: they may change places. `labels and signs`:
            both. `rotation`: any rotation and reflection.
        latents: Which ones.
        rows: Per row the places of corresponding weights, one per latent in their order: `X`'s weights on U1, U2 and U3.
    """

    kind: Literal["sign", "labels", "labels and signs", "rotation"]
    latents: tuple[Name, ...]
    rows: tuple[tuple[Place, ...], ...]

    def __str__(self) -> str:
        kind = "signs" if self.kind == "sign" and len(self.latents) > 1 else self.kind
        return f"{kind} of {', '.join(map(quote, self.latents))}"


def symmetries(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates]) -> tuple[Symmetry, ...]:
    """The symmetries of a model, each latent in one at most.

    Rotations and exchanges of latents with the same children and priors, and of each other latent its sign.

    Source:
        Bollen (1989), Structural equations with latent variables, ch. 7, on what a factor model leaves open.
    """
    latents = [node for node in spec.graph.nodes if node in spec.latent]
    groups: dict[Hashable, list[Name]] = {}
    for latent in latents:
        groups.setdefault(_signature(spec, coordinates, latent), []).append(latent)
    found = []
    for members in groups.values():
        signed = all(_may_change_sign(spec, coordinates, latent) for latent in members)
        rows = tuple(zip(*(_places(spec, coordinates, latent) for latent in members), strict=True))
        if not rows:
            continue
        if len(members) == 1:
            found += [Symmetry("sign", tuple(members), rows)] if signed else []
        elif signed and _may_rotate(spec, coordinates, members):
            found.append(Symmetry("rotation", tuple(members), rows))
        else:
            found.append(Symmetry("labels and signs" if signed else "labels", tuple(members), rows))
    return tuple(found)


def _touched(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> Iterator[Place]:
    """The weights on a latent, and those into it."""
    for child in spec.graph.children(latent):
        yield from ((child, k + 1) for k, term in enumerate(coordinates[child].terms) if latent in term)
    yield from ((latent, k + 1) for k in range(len(coordinates[latent].terms)))


def _role(coordinates: Mapping[Name, NodeCoordinates], latent: Name, place: Place) -> tuple[str, ...]:
    """What a weight is to a latent, without the latent's own name: comparable between latents."""
    node, k = place
    term = sorted("" if name == latent else f"n{name}" for name in coordinates[node].terms[k - 1])
    return ("" if node == latent else f"n{node}", *term)


def _places(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> list[Place]:
    """The weights that a latent touches, in an order that corresponds between latents of one signature."""
    return sorted(_touched(spec, coordinates, latent), key=lambda place: _role(coordinates, latent, place))


def _signature(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> Hashable:
    """Equal for latents that may change places: same family, numbers and priors in the same roles."""
    own = coordinates[latent]
    inner = [own.coefficients[0], *(coordinate for _, coordinate in own.parameters)]
    roles = [
        (_role(coordinates, latent, (node, k)), _prior_of(coordinates[node].coefficients[k]))
        for node, k in _places(spec, coordinates, latent)
    ]
    if any(latent_parent in spec.latent for latent_parent in spec.graph.parents(latent)):
        return latent  # chains of latents: no exchange is looked for
    return (spec[latent].family, tuple(map(_prior_of, inner)), tuple(roles))


def _prior_of(coordinate: Coordinate) -> Hashable:
    return (coordinate.prior, coordinate.fixed, coordinate.unit, coordinate.prior_on, coordinate.shift)


def _may_change_sign(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> bool:
    own = coordinates[latent]
    if str(spec[latent].family) not in SYMMETRIC_NOISE or own.coefficients[0].fixed != 0.0:
        return False
    return all(_even(coordinates[node].coefficients[k]) for node, k in _touched(spec, coordinates, latent))


def _even(coordinate: Coordinate) -> bool:
    """Whether the prior is symmetric about 0 and has no bound."""
    prior = coordinate.prior
    if prior is None or prior.family not in ("normal", "student", "cauchy"):
        return False
    centre = prior.args[1] if prior.family == "student" else prior.args[0]
    return centre == 0.0 and math.isinf(prior.low) and math.isinf(prior.high)


def _may_rotate(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], members: list[Name]) -> bool:
    """Whether standard normal roots enter their children one by one, with the same normal priors."""
    for latent in members:
        if str(spec[latent].family) != "normal" or spec[latent].weights:
            return False
        if any(coordinate.fixed is None for _, coordinate in coordinates[latent].parameters):
            return False
        for node, k in _touched(spec, coordinates, latent):
            prior = coordinates[node].coefficients[k].prior
            if prior is None or prior.family != "normal" or len(coordinates[node].terms[k - 1]) > 1:
                return False
    return True

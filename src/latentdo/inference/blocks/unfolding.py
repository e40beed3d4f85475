"""Where the bound of a signed weight on a hidden cause is lifted: its draws are turned to that side afterwards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from latentdo.graphs import Name
from latentdo.models import AbstractFamily, ModelSpec, Table

from .coordinates import Coordinate, NodeCoordinates


def unfolded(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates]) -> dict[Name, NodeCoordinates]:
    """The coordinates with the bound lifted where a hidden cause has a single signed weight.

    If everything else about a standard latent root, or a root of two levels, is symmetric, its posterior with w > 0 is the
    posterior without that sign, every draw turned so that w > 0. Sampled without the bound no chain is caught on the wrong
    side: with it, a chain that starts in the reflection of the other weights would have to pass through a weight of 0.
    """
    changed = dict(coordinates)
    for latent in spec.latent:
        # Only what `symmetries_of` turns: no other draws would be brought to the side that the user gave.
        family = spec[latent].family
        around_zero = family.symmetric_noise and not family.noiseless and spec[latent].intercept == 0.0
        if (
            latent in spec.shaped
            or spec[latent].weights
            or not (around_zero or _exchangeable(spec, coordinates, latent))
        ):
            continue
        if any(_moves_many_ways(spec[child].family) for child in spec.graph.children(latent)):
            continue
        touched = [
            (child, k + 1)
            for child in spec.graph.children(latent)
            for k, term in enumerate(coordinates[child].terms)
            if not set(_factors_of(spec, child, latent)).isdisjoint(term)
        ]
        bounded = [(c, k) for c, k in touched if changed[c].coefficients[k].bounded]
        if len(bounded) != 1 or not all(_symmetric(changed[c].coefficients[k]) for c, k in touched):
            continue
        child, k = bounded[0]
        own = changed[child]
        coefficients = list(own.coefficients)
        signed = coefficients[k]
        if len(own.terms[k - 1]) > 1 or signed.prior is None:
            continue
        prior = replace(signed.prior, low=-math.inf, high=math.inf)
        coefficients[k] = replace(signed, prior=prior, folded="+" if signed.low == 0.0 else "-")
        changed[child] = replace(own, coefficients=tuple(coefficients))
    return changed


def _moves_many_ways(family: AbstractFamily) -> bool:
    """Whether its levels have predictors of their own."""
    return family.has_several or isinstance(family, Table)


def _exchangeable(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates], latent: Name) -> bool:
    """Whether a latent root has two levels whose names mean nothing but for its weights: as in `symmetries_of`."""
    family = spec[latent].family
    if len(family.points) != 2 or isinstance(family, Table):
        return False
    children = [coordinates[child] for child in spec.graph.children(latent)]
    if any("raw" in (one.unit, one.prior_on) for own in children for one in own.coefficients):
        return False
    levels = {factor for child in spec.graph.children(latent) for factor in _factors_of(spec, child, latent)}
    if any(
        levels & set(term) and not whole for own in children for term, whole in zip(own.terms, own.centred, strict=True)
    ):
        return False
    return all(
        _symmetric(one) and not one.bounded and one.start[0] == 0.0 and "raw" not in (one.unit, one.prior_on)
        for one in coordinates[latent].coefficients
    )


def _factors_of(spec: ModelSpec, child: Name, latent: Name) -> Iterator[Name]:
    """The factors by which a child's terms speak of a latent: its name, or indicators of its levels."""
    for weight in spec[child].weights:
        yield from (factor for factor, name in zip(weight.factors, weight.parents, strict=True) if name == latent)


def _symmetric(coordinate: Coordinate) -> bool:
    """Whether the prior is symmetric about 0, but for a sign."""
    prior = coordinate.prior
    bounds = ((-math.inf, math.inf), (0.0, math.inf), (-math.inf, 0.0))
    return prior is not None and prior.is_even and (prior.low, prior.high) in bounds

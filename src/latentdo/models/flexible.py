"""The same model with curves in the place of straight lines, where columns can tell them apart."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from latentdo.graphs import LatentDag, Name

from .families import Constant, Table
from .family import AbstractFamily
from .mechanism import Mechanism, Weight
from .shape import Spline

Model = Mapping[Name, Mechanism]


def curved(graph: LatentDag, model: Model, interactions: bool | Collection[Name]) -> dict[Name, Mechanism]:
    """The mechanisms with `s()` on every measured numeric parent of a node with a linear predictor.

    A parent with a fixed weight, or with a shape, stays as it is; a sign makes a curve that rises or falls everywhere.

    Args:
        interactions: Whether each pair of a node's measured parents has a product too; or the nodes, such as treatments, of
            which a pair has one.
    """
    for node in () if isinstance(interactions, bool) else interactions:
        graph.require(node)
    mechanisms = {}
    for node, mechanism in model.items():
        changed = mechanism
        if not mechanism.family.noiseless and not isinstance(mechanism.family, Table | Constant):
            weights = tuple(_bent(graph, model, mechanism, weight) for weight in mechanism.weights)
            changed = replace(mechanism, weights=(*weights, *_products(graph, mechanism, interactions)))
        mechanisms[node] = changed
    return mechanisms


def _bent(graph: LatentDag, model: Model, mechanism: Mechanism, weight: Weight) -> Weight:
    parent, *others = weight.parents
    shaped = any(other.shapes and parent in other.parents for other in mechanism.weights)
    if others or shaped or parent in graph.latent or not _is_number(model[parent].family):
        return weight
    return weight if isinstance(weight.belief, float) else replace(weight, shapes=(Spline(),))


def _products(graph: LatentDag, mechanism: Mechanism, interactions: bool | Collection[Name]) -> Iterator[Weight]:
    """The products of pairs that are not there yet; none of a parent whose effect has a sign, or is fixed."""
    if interactions is False:
        return
    present = {frozenset(weight.parents) for weight in mechanism.weights}
    held = {p for w in mechanism.weights for p in w.parents if w.sign or isinstance(w.belief, float)}
    free = [name for name in mechanism.parents if name not in graph.latent and name not in held]
    for pair in itertools.combinations(free, 2):
        chosen = interactions is True or not set(pair).isdisjoint(interactions)
        if chosen and frozenset(pair) not in present:
            yield Weight(pair)


def _is_number(family: AbstractFamily) -> bool:
    return not (family.binary or family.has_levels or isinstance(family, Constant))

"""From mechanisms as they are typed to one weight per column of their predictors: levels, tables and splines written out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

from latentdo.errors import SpecError
from latentdo.graphs import Name, quote

from .families import Constant, Table
from .family import AbstractFamily, Level
from .mechanism import Mechanism, Spread, Weight
from .prior import plain
from .shape import Spline

Knots = Mapping[tuple[Name, int], tuple[float, ...]]
"""Of splines by their parent and the number of knots that was asked for."""


def check_shapes(
    node: Name, mechanism: Mechanism, families: Mapping[Name, AbstractFamily], latent: frozenset[Name]
) -> None:
    """Refuses a shape of a parent that is no number, or of a latent without values for it."""
    for weight in mechanism.weights:
        for parent, _, shape in weight.parts:
            if shape is None:
                continue
            family, typed = families[parent], shape.text(parent)
            if (family.has_levels and not family.enters_by_value) or family.binary:
                raise SpecError(
                    f"{node} has {typed}, and {parent} is {family.name}: only a number has a shape. Write {quote(parent)}.",
                    node=node,
                )
            if parent in latent and family.support[0] < shape.least:
                raise SpecError(
                    f"{node} has {typed}, and {parent} is latent and {family.name}, with values on both sides of "
                    f"{plain(shape.least)}. Write {quote(parent)}, or another shape of it.",
                    node=node,
                )


def levelled(node: Name, mechanism: Mechanism, families: Mapping[Name, AbstractFamily]) -> Mechanism:
    """The mechanism with an indicator per level of its parents, or with the rows of its table."""
    if isinstance(mechanism.family, Constant):
        return mechanism
    if isinstance(mechanism.family, Table):
        return _tabled(node, mechanism, families)
    weights = tuple(new for weight in mechanism.weights for new in _indicators(node, weight, families))
    spread = mechanism.spread
    if spread is not None:
        own = tuple(new for weight in spread.weights for new in _indicators(node, weight, families))
        spread = replace(spread, weights=own)
    if weights == mechanism.weights and not any(weight.shapes for weight in weights):
        return mechanism
    if clash := {
        factor for w in weights for factor, parent in zip(w.factors, w.parents, strict=True) if factor != parent
    } & {*families}:
        raise SpecError(f"The node {min(clash)!r} is called like a level or a shape of another. Rename it.", node=node)
    return replace(mechanism, weights=weights, spread=spread)


def _indicators(node: Name, weight: Weight, families: Mapping[Name, AbstractFamily]) -> tuple[Weight, ...]:
    """One weight per combination of the levels but the first of the parents that have levels."""
    if weight.levels:
        return (weight,)
    choices: list[tuple[tuple[Level, float] | None, ...]] = []
    for parent in weight.parents:
        family = families[parent]
        if family.states and not family.enters_by_value:
            choices.append(tuple(zip(family.states[1:], family.points[1:], strict=True)))
        else:
            choices.append((None,))
    found = tuple(itertools.product(*choices))
    if all(level is None for level in found[0]):
        return (weight,)
    if weight.sign and len(found) > 1:
        raise SpecError(
            f"{weight.sign}{weight.typed} in {node}: a sign has no meaning for the {len(found) + 1} levels of {weight.typed}. "
            f"Remove the {weight.sign}.",
            node=node,
        )
    return tuple(replace(weight, levels=levels) for levels in found)


def _tabled(node: Name, mechanism: Mechanism, families: Mapping[Name, AbstractFamily]) -> Mechanism:
    """The mechanism of a table that knows the levels of its parents; those of parents that were set are kept."""
    family = mechanism.family
    assert isinstance(family, Table)
    given = []
    for k, parent in enumerate(mechanism.parents):
        own = families[parent]
        if family.given and (isinstance(own, Constant) or not own.points):
            given.append(family.given[k])
        elif own.points or own.has_levels:
            given.append(own.points)
        elif isinstance(own, Constant):
            given.append((own.value,))
        else:
            raise SpecError(
                f"{node} is a table and its parent {parent} is {own.name}: the parents of a table have levels. Make {parent} "
                f"bernoulli, categorical or table, or {node} categorical, which takes any parent.",
                node=node,
            )
    return replace(mechanism, family=family.beneath(tuple(given), node))


def bent(weight: Weight, knots: Knots) -> tuple[Weight, ...]:
    """A weight of a spline as that of its straight line and those by which it bends; another as it is."""
    for k, (parent, _, shape) in enumerate(weight.parts):
        if isinstance(shape, Spline) and not shape.knots:
            columns = shape.expanded(knots[parent, shape.n_knots], rising=weight.sign != "")
            shapes = (weight.shapes[:k], weight.shapes[k + 1 :])
            return tuple(
                replace(weight, shapes=(*shapes[0], column, *shapes[1]), belief=None if column.bends else weight.belief)
                for column in columns
            )
    return (weight,)


def of_latent(mechanism: Mechanism, *, typed: bool = False) -> Spread | None:
    """The predictor of spread of a latent, its intercept at that of a fixed spread unless given.

    Args:
        typed: Whether it is to be typed, where that goes without saying.
    """
    spread = mechanism.spread
    fixed = mechanism.family.as_latent.get(spread.parameter) if spread is not None else None
    if spread is None or fixed is None:
        return spread
    if typed:
        return replace(spread, intercept=None) if spread.intercept == math.log(fixed) else spread
    return spread if spread.intercept is not None else replace(spread, intercept=math.log(fixed))

"""How the rows of a node depart from its law in the trained model, and what each departure does to an answer.

A departure is a number per row whose mean given the pillow is zero where the law is right. What it does to the answer is an
average over worlds of the same number, times what is asked there: a change of a law moves a mean by their covariance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name, quote
from latentdo.models.build import NUMPY

from .pillow_laws import PillowLaw
from .worlds import Asked, World, normal_scores, square_of

SURE = 4.0
"""Standard errors of simulation beyond which a curve of a law counts as one that matters."""
LEAST_CHANCE = 1e-6
Part = tuple[FloatArray, FloatArray, FloatArray | None]
"""A number per row, (row,); the same at the draws of the evidence, (draw, row); what each world counts, flat, one if None."""
HERMITE: tuple[Callable[[FloatArray], FloatArray], ...] = (
    lambda z: z,
    lambda z: (z**2 - 1.0) / math.sqrt(2.0),
    lambda z: (z**3 - 3.0 * z) / math.sqrt(6.0),
    lambda z: (z**4 - 6.0 * z**2 + 3.0) / math.sqrt(24.0),
)
"""Hermite polynomials, of mean zero and variance one under the standard normal law."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """The departures of one node.

    Attributes:
        node: The node.
        name: Its factor as it is printed.
        parts: Its departures.
        target: The pillow's columns in the worlds, flat.
        has_levels: Whether there is one a level.
    """

    node: Name
    name: str
    parts: tuple[Part, ...]
    target: Mapping[Name, FloatArray]
    has_levels: bool = False

    @property
    def telling(self) -> list[FloatArray]:
        """The departures that say which learner suits the rows: the first, which is that of the mean, or one a level."""
        return [residuals for residuals, _, _ in (self.parts if self.has_levels else self.parts[:1])]

    @property
    def is_none(self) -> bool:
        """Whether the law cannot be departed from."""
        return all(np.abs(residuals).max() < 1e-10 for residuals, _, _ in self.parts)


def deviations(world: World, asked: Asked, centred: FloatArray) -> Iterator[Deviation]:
    """Those of every node that has a law in the formula and is not as in the rows.

    Args:
        centred: What is asked in each world less its mean, weighted, (draw, world).
    """
    for node in world.plan.order:
        if node in world.plan.natural:
            continue
        pillow = world.plan.pillows[node]
        given = f" | {', '.join(map(quote, pillow))}" if pillow else ""
        shape = (world.draws, world.n)
        target = {k: np.broadcast_to(v, shape).ravel() for k, v in world.given(node).items() if k}
        is_mean = node == world.last and world.term.kind == "mean"
        name = f"{'E[' if is_mean else 'P('}{quote(node)}{given}{']' if is_mean else ')'}"
        parts = _of_outcome(world, asked) if node == world.last else _of_node(world, node, centred)
        yield Deviation(node, name, tuple(parts), target, node != world.last and bool(world.law(node, 1).family.points))


def _of_outcome(world: World, asked: Asked) -> list[Part]:
    """What is asked of each row, less what the law expects of it."""
    evidence, node = world.evidence, world.term.outcome_names[0]
    pillow = world.plan.pillows[node]
    everywhere = Asked(asked.term, *(np.full((1, 1), each.mean()) for each in (asked.at, asked.scale, asked.offset)))
    if asked.term.kind == "mean":
        expected = evidence.means(node, pillow) / everywhere.scale - everywhere.offset
    else:
        expected = world.expected(everywhere, evidence.law(node, pillow), evidence.given(pillow))
    y = evidence.env[node]
    seen = everywhere.of(y, world.event(lambda name: evidence.env[name], everywhere))
    by_draw = seen - expected
    return [(by_draw.mean(axis=0), by_draw, _flat(world.weights))]


def _of_node(world: World, node: Name, centred: FloatArray) -> list[Part]:
    family = world.evidence.posterior.spec[node].family
    if family.points:
        return _of_levels(world, node, centred)
    if family.discrete:
        return _of_counts(world, node, centred)
    return _of_numbers(world, node, centred)


def _of_levels(world: World, node: Name, centred: FloatArray) -> list[Part]:
    """Whether each level is there, less its chance."""
    evidence, pillow = world.evidence, world.plan.pillows[node]
    family, points = world.evidence.posterior.spec[node].family, world.evidence.posterior.spec[node].family.points
    functions = [(lambda eta, own, k=k: family.chances(NUMPY, eta, own)[k]) for k in range(len(points))]
    in_rows = evidence.law(node, pillow).averages(evidence.given(pillow), functions)
    in_worlds = world.law(node).averages(world.given(node), functions)
    y, there = evidence.env[node], np.broadcast_to(world.values[node], centred.shape)
    omegas = [
        centred * (there == point) / np.maximum(chance, LEAST_CHANCE)
        for point, chance in zip(points, in_worlds, strict=True)
    ]
    if len(points) == 2:
        by_draw = (y == points[1]) - in_rows[1]
        return [(by_draw.mean(axis=0), by_draw, _flat(omegas[1] - omegas[0]))]
    found = []
    for point, chance, omega in zip(points, in_rows, omegas, strict=True):
        by_draw = (y == point) - chance
        found.append((by_draw.mean(axis=0), by_draw, _flat(omega)))
    return found


def _of_counts(world: World, node: Name, centred: FloatArray) -> list[Part]:
    """The count less its mean."""
    evidence, pillow = world.evidence, world.plan.pillows[node]
    family = world.law(node).family
    mean, square = world.law(node).averages(world.given(node), [_mean_of(family), square_of(family)])
    there = world.values[node]
    by_draw = evidence.env[node] - evidence.means(node, pillow)
    omega = centred * (there - mean) / np.maximum(square - mean**2, 1e-12)
    return [(by_draw.mean(axis=0), by_draw, _flat(omega))]


def _of_numbers(world: World, node: Name, centred: FloatArray) -> list[Part]:
    """Hermite polynomials of normal scores: the mean, the spread, and the shape of what is asked about."""
    evidence, pillow = world.evidence, world.plan.pillows[node]
    law: PillowLaw = world.law(node)

    def below(y: FloatArray, eta: Any, own: dict[str, FloatArray]) -> FloatArray:
        return law.family.cdf(NUMPY, y, eta, own)

    there = normal_scores(law.averages_at(world.given(node), world.values[node], [below])[0])
    here = normal_scores(evidence.moments(node, pillow).below)
    count = len(HERMITE) if node in world.term.outcome_names or node in world.term.conditions else 2
    found: list[Part] = []
    for order in range(count):
        omega = centred * HERMITE[order](there)
        if order and not _matters(omega, world, node):
            continue
        by_draw = HERMITE[order](here)
        found.append((by_draw.mean(axis=0), by_draw, _flat(omega)))
    return found


def _matters(omega: FloatArray, world: World, node: Name) -> bool:
    """Whether a departure changes the answer by more than simulation errs, on average or along a column."""
    for values in (1.0, *world.given(node).values()):
        own = omega * (values - np.mean(values) if np.ndim(values) else values)
        # The mirrored halves of the worlds err together.
        by_row = own.reshape(own.shape[0], 2, -1).mean(axis=1)
        if abs(by_row.mean()) > SURE * by_row.std() / math.sqrt(by_row.size):
            return True
    return False


def _mean_of(family: Any) -> Any:
    return lambda eta, own: family.mean(NUMPY, eta, own)


def _flat(values: FloatArray) -> FloatArray:
    return np.ascontiguousarray(values).ravel()

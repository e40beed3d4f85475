"""One term as a program over (replicate, draw, unit): the same lines run in NumPy, or are compiled.

Apart from `plan.py`, because a program holds no number of the question: limits, levels and set values are arguments, and node
names are places, so that any number of questions of one shape share a program.

Axes: (combination, replicate, draw, unit). The first is there where discrete nodes are summed out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, NamedTuple

from latentdo.inference import predictor
from latentdo.models import Linear, Mechanism
from latentdo.models.build import Arithmetic, Array, numerics

Statistic = Literal["mean", "spread", "share", "density", "weight"]
"""What is averaged over units: the outcome; it and its square; an event's probability; a density; nothing but the weights."""
Role = Literal["set", "summed", "seen", "drawn", "last"]
"""Of a node: its value is given; all its levels are gone through; its value is evidence; drawn; integrated."""


@dataclass(frozen=True)
class Step:
    """One node of a program, in topological order.

    Attributes:
        place: The name that its children's mechanisms call it by.
        mechanism: How it is generated; None where it is set.
        asked: Comparisons of the outcome, `<` or `<=` or …: their limits are arguments.
        given: Comparisons of the evidence, likewise.
    """

    place: str
    mechanism: Mechanism | None
    role: Role
    asked: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """The steps, what is averaged, and of which step."""

    steps: tuple[Step, ...]
    statistic: Statistic
    target: str | None
    n_summed: int = 0

    @property
    def weighs(self) -> bool:
        """Whether evidence weighs the units."""
        return any(step.role == "seen" or step.given for step in self.steps)

    @property
    def compiles(self) -> bool:
        """Whether every family here is known to compile; of others NumPy draws."""
        return all(step.mechanism is None or step.mechanism.family.split for step in self.steps)


class StepDraws(NamedTuple):
    """What was trained of a node: coefficients (replicate, draw, coefficient), parameters (replicate, draw, 1) by name."""

    coefficients: Array
    parameters: Mapping[str, Array]


class Arguments(NamedTuple):
    """The numbers of a question, per step in order; None where a step has none.

    Attributes:
        draws: Trained parameters of the steps that have a mechanism.
        noise: (replicate, 1 or draw, unit) of the drawn ones.
        values: Of set and seen nodes their values, (replicate or 1, 1, unit or 1); of summed ones (combination, 1, 1, 1).
        asked, given: Limits of the comparisons, each (replicate or 1, 1 or draw, 1).
        point: Where a density is asked for, like a limit.
        centre: What is subtracted from means before they are squared, so that digits are not lost.
    """

    draws: tuple[StepDraws | None, ...]
    noise: tuple[Array | None, ...]
    values: tuple[Array | None, ...]
    asked: tuple[tuple[Array, ...], ...]
    given: tuple[tuple[Array, ...], ...]
    point: Array
    centre: Array


class Sums(NamedTuple):
    """Sums over the units of a chunk, (replicate, draw) each.

    Attributes:
        top: What was subtracted from the log weights.
        weight, square: Sums of the weights, and of their squares, unit by unit.
        first, second: Weighted sums of the statistic, and of its square where spreads are asked for.
    """

    top: Array
    weight: Array
    square: Array
    first: Array
    second: Array


def run(m: Arithmetic, program: Program, arguments: Arguments, shape: tuple[int, int, int]) -> Sums:
    """One chunk of units.

    Args:
        shape: (replicate, draw, unit).

    Source:
        Likelihood weighting: Fung & Chang (1990), in the mutilated model.
    """
    found = _units(m, program, arguments)
    np, first, second = m.np, found.first, found.second
    if program.n_summed:
        # The probabilities of the levels add up to 1 in every unit, but for what evidence takes away.
        chance = found.chance
        assert chance is not None
        if found.log_weight is not None and np.ndim(found.log_weight) > 3:
            least = np.where(np.isfinite(found.log_weight), found.log_weight, -np.inf).max(axis=0)
            share = chance * np.exp(found.log_weight - np.where(np.isfinite(least), least, 0.0))
        else:
            least, share = found.log_weight, chance
        held = share.sum(axis=0)
        first = (share * first).sum(axis=0)
        second = None if second is None else (share * second).sum(axis=0)
    else:
        least, held = found.log_weight, None
    zero = np.zeros(shape[:2])
    if least is None:
        squares = zero if second is None else np.broadcast_to(second, shape).sum(axis=-1)
        return Sums(zero, zero + shape[2], zero + shape[2], np.broadcast_to(first, shape).sum(axis=-1), squares)
    least = np.broadcast_to(least, shape)
    top = least.max(axis=-1)
    top = np.where(np.isfinite(top), top, 0.0)
    scale = np.exp(least - top[..., None])
    weight = scale if held is None else scale * held
    squares = zero if second is None else (np.broadcast_to(second, shape) * scale).sum(axis=-1)
    weighted = (np.broadcast_to(first, shape) * scale).sum(axis=-1)
    return Sums(top, weight.sum(axis=-1), (weight**2).sum(axis=-1), weighted, squares)


class _Units(NamedTuple):
    """What is known unit by unit; axes as far as they matter.

    Attributes:
        log_weight: Of the evidence; None without.
        chance: Of each combination of the summed levels; None where nothing is summed.
        first, second: The statistic, and its square where spreads are asked for.
    """

    log_weight: Array | None
    chance: Array | None
    first: Array
    second: Array | None


def _units(m: Arithmetic, program: Program, arguments: Arguments) -> _Units:
    """Weights, chances and statistics, unit by unit."""
    values: dict[str, Array] = {}
    weights: list[Array] = []
    chances: list[Array] = []
    first: Array = m.np.ones((1, 1, 1))
    second: Array | None = None
    for k, step in enumerate(program.steps):
        given = arguments.values[k]
        if step.mechanism is None:
            values[step.place] = given
            continue
        draws = arguments.draws[k]
        assert draws is not None
        law = _Law(m, step.mechanism, draws, values)
        if step.role == "seen":
            weights.append(law.log_density(given))
            values[step.place] = given
        elif step.role == "summed":
            chances.append(law.chance(given))
            values[step.place] = given
        elif step.role == "drawn":
            values[step.place] = law.drawn(arguments.noise[k])
        value = values.get(step.place)
        if step.asked:
            first = first * law.share(step.asked, arguments.asked[k], value)
        if step.given:
            # JAX has no warnings to silence, and NumPy's are silenced by the caller.
            weights.append(m.np.log(law.share(step.given, arguments.given[k], value)))
        if step.place == program.target:
            first, second = _target(m, program, law, value, arguments)
    return _Units(
        reduce(lambda a, b: a + b, weights) if weights else None,
        reduce(lambda a, b: a * b, chances) if chances else None,
        first,
        second,
    )


def _target(
    m: Arithmetic, program: Program, law: _Law, value: Array | None, arguments: Arguments
) -> tuple[Array, Array | None]:
    """The statistic of the outcome, and its square where spreads are asked for."""
    if program.statistic == "density":
        return m.np.exp(law.log_density(arguments.point)), None
    mean = (law.mean() if value is None else value) - arguments.centre
    if program.statistic == "mean":
        return mean, None
    return mean, mean**2 + (law.variance() if value is None else 0.0)


class _Law:
    """A node's law given its parents, in one arithmetic."""

    def __init__(self, m: Arithmetic, mechanism: Mechanism, draws: StepDraws, values: Mapping[str, Array]) -> None:
        self.m, self.mechanism, self.draws, self.values = m, mechanism, draws, values
        self.parameters = dict(draws.parameters)
        self.arithmetic = numerics(mechanism.family)
        self.eta = predictor(mechanism, draws.coefficients, values, m)

    def log_density(self, value: Array) -> Array:
        return self.arithmetic.log_density(self.m, value, self.eta, self.parameters)

    def chances(self) -> list[Array]:
        return self.mechanism.family.chances(self.m, self.eta, self.parameters)

    def chance(self, level: Array) -> Array:
        """The probability of a level, one of the family's points."""
        points = self.mechanism.family.points
        return reduce(
            lambda a, b: a + b,
            [self.m.np.where(level == at, own, 0.0) for at, own in zip(points, self.chances(), strict=True)],
        )

    def drawn(self, noise: Array) -> Array:
        return self.arithmetic.respond(self.m, self.eta, noise, self.parameters)

    def mean(self) -> Array:
        return self.arithmetic.mean(self.m, self.eta, self.parameters)

    def variance(self) -> Array:
        found = self.arithmetic.variance(self.m, self.eta, self.parameters)
        assert found is not None  # else the node is drawn
        return found

    def share(self, operators: Sequence[str], limits: Sequence[Array], value: Array | None) -> Array:
        """The probability that the node satisfies its comparisons, or whether its drawn value does."""
        m, family = self.m, self.mechanism.family
        if isinstance(family, Linear):
            exact = self.eta if value is None else value
            rounding = 1e-9 * self._magnitude()
            limits = [limit + 0.0 * exact for limit in limits]
            return _all(
                m, [_holds(op, _snapped(m, exact, at, rounding), at) for op, at in zip(operators, limits, strict=True)]
            )
        if value is not None:
            return _all(m, [_holds(op, value, limit) for op, limit in zip(operators, limits, strict=True)])
        if family.points:
            return sum(
                chance * _all(m, [_holds(op, point, limit) for op, limit in zip(operators, limits, strict=True)])
                for point, chance in zip(family.points, self.chances(), strict=True)
            )
        if family.discrete:
            return self._share_of_counts(operators, limits)
        below = [limit for op, limit in zip(operators, limits, strict=True) if op in ("<", "<=")]
        above = [limit for op, limit in zip(operators, limits, strict=True) if op in (">", ">=")]
        upper = self._cdf(reduce(m.np.minimum, below)) if below else 1.0
        lower = self._cdf(reduce(m.np.maximum, above)) if above else 0.0
        return m.np.maximum(upper - lower, 0.0)

    def _cdf(self, limit: Array) -> Array:
        return self.arithmetic.family.cdf(self.m, limit, self.eta, self.parameters)

    def _share_of_counts(self, operators: Sequence[str], limits: Sequence[Array]) -> Array:
        """The probability that a whole number satisfies its comparisons."""
        np = self.m.np
        least: list[Array] = []
        most: list[Array] = []
        for op, limit in zip(operators, limits, strict=True):
            if op in ("<", "<=", "="):
                most.append(np.ceil(limit) - 1.0 if op == "<" else np.floor(limit))
            if op in (">", ">=", "="):
                least.append(np.floor(limit) + 1.0 if op == ">" else np.ceil(limit))
        upper = self._cdf(reduce(np.minimum, most)) if most else 1.0
        lower = self._cdf(reduce(np.maximum, least) - 1.0) if least else 0.0
        return np.maximum(upper - lower, 0.0)

    def _magnitude(self) -> Array:
        """How large the parts of the predictor are: rounding is a share of these, not of what is left of them."""
        sizes = {place: abs(value) for place, value in self.values.items()}
        return predictor(self.mechanism, abs(self.draws.coefficients), sizes, self.m)


def _all(m: Arithmetic, conditions: Sequence[Array]) -> Array:
    return reduce(lambda a, b: a * b, [m.np.where(condition, 1.0, 0.0) for condition in conditions])


def _snapped(m: Arithmetic, values: Array, limit: Array, rounding: Array) -> Array:
    """A noise-free node's values, those within rounding of a limit moved onto it: else 1 would not be <= 1."""
    return m.np.where(abs(values - limit) <= m.np.maximum(rounding, 1e-9 * abs(limit)), limit, values)


def _holds(op: str, value: Any, limit: Array) -> Array:
    match op:
        case "<":
            return value < limit
        case ">":
            return value > limit
        case "<=":
            return value <= limit
        case ">=":
            return value >= limit
        case _:
            return value == limit


def added(sums: Sequence[Sums], m: Arithmetic) -> Sums:
    """The sums of several chunks, on the scale of the largest weight."""
    np = m.np
    top = reduce(np.maximum, [one.top for one in sums])
    shares = [np.exp(one.top - top) for one in sums]
    return Sums(
        top,
        sum(share * one.weight for share, one in zip(shares, sums, strict=True)),
        sum(share**2 * one.square for share, one in zip(shares, sums, strict=True)),
        sum(share * one.first for share, one in zip(shares, sums, strict=True)),
        sum(share * one.second for share, one in zip(shares, sums, strict=True)),
    )


def log_mean_weight(sums: Sums, n_units: int, m: Arithmetic) -> Array:
    """The log of the mean weight: the log density of the evidence."""
    return m.np.log(sums.weight) + sums.top - math.log(n_units)

"""Running the program of a term over (replicate, draw, unit): the same lines run in NumPy, or are compiled.

Axes: (replicate, draw, unit).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from latentdo.inference import predictor
from latentdo.models import Mechanism
from latentdo.models.build import Arithmetic, Array, all_hold, numerics

from ..plan import Program

NEARLY_ALL = 1.0 - 1e-6
"""Probability below a limit from which on values beyond it are found from the upper tail."""
NEWTON_STEPS = 8


class StepDraws(NamedTuple):
    """What was trained of a node: coefficients (replicate, draw, coefficient), parameters (replicate, draw, 1) by name."""

    coefficients: Array
    parameters: Mapping[str, Array]


class Arguments(NamedTuple):
    """The numbers of a question, per step in order; None where a step has none.

    Attributes:
        draws: Trained parameters of the steps that have a mechanism.
        noise: (replicate, 1 or draw, unit) of the drawn ones.
        values: Of set and seen nodes their values, (replicate or 1, 1, unit or 1).
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
        first, second: Weighted sums of the statistic, and of its square where spreads are asked for; of a crossing of the
            tail's probability and of the density at its end.
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
    np, found = m.np, _over_combinations(m, program, arguments)
    zero = np.zeros(shape[:2])

    def total(values: Array | None, scale: Array | float = 1.0) -> Array:
        return zero if values is None else (np.broadcast_to(values, shape) * scale).sum(axis=-1)

    if found.log_weight is None:
        return Sums(zero, zero + shape[2], zero + shape[2], total(found.first), total(found.second))
    log_weight = np.broadcast_to(found.log_weight, shape)
    top = log_weight.max(axis=-1)
    top = np.where(np.isfinite(top), top, 0.0)
    scale = np.exp(log_weight - top[..., None])
    weight = scale if found.chance is None else scale * found.chance
    return Sums(
        top, weight.sum(axis=-1), (weight**2).sum(axis=-1), total(found.first, scale), total(found.second, scale)
    )


class _Units(NamedTuple):
    """What is known unit by unit; axes as far as they matter.

    Attributes:
        log_weight: Of the evidence; None without.
        chance: What the levels' probabilities and the evidence leave; None where nothing is summed.
        first, second: The statistic, and its square where spreads are asked for, times the chance.
    """

    log_weight: Array | None
    chance: Array | None
    first: Array
    second: Array | None


def _over_combinations(m: Arithmetic, program: Program, arguments: Arguments) -> _Units:
    """The units with every combination of summed levels, added up."""
    known: dict[tuple[Any, ...], _Part] = {}
    each = [_units(m, program, arguments, levels, known) for levels in program.combinations]
    if not program.summed:
        return each[0]
    weights = [one.log_weight for one in each if one.log_weight is not None]
    least = weights[0] if weights else None
    shares: list[Array] = [one.chance for one in each]
    if any(weight is not least for weight in weights):
        least = reduce(m.np.maximum, weights)
        floor = m.np.where(m.np.isfinite(least), least, 0.0)
        shares = [chance * m.np.exp(weight - floor) for chance, weight in zip(shares, weights, strict=True)]

    def added_up(parts: Sequence[Array]) -> Array:
        return reduce(lambda a, b: a + b, [share * part for share, part in zip(shares, parts, strict=True)])

    seconds = [one.second for one in each if one.second is not None]
    second = added_up(seconds) if seconds else None
    return _Units(least, reduce(lambda a, b: a + b, shares), added_up([one.first for one in each]), second)


class _Part(NamedTuple):
    """What one step adds: its node's value, and factors of the weight, of the levels' chance and of the statistic."""

    value: Array | None = None
    log_weight: Array | None = None
    chance: Array | None = None
    factor: Array | None = None
    second: Array | None = None


def _units(
    m: Arithmetic,
    program: Program,
    arguments: Arguments,
    levels: Sequence[float],
    known: dict[tuple[Any, ...], _Part],
) -> _Units:
    """The units with one combination of summed levels; what does not depend on it is computed once.

    Args:
        known: Parts of earlier combinations, by step and the levels that it depends on.
    """
    values: dict[str, Array] = {}
    parts = []
    for k, step in enumerate(program.steps):
        key = (k, *(levels[i] for i in program.depends[k]))
        if key not in known:
            level = levels[program.summed.index(step.place)] if step.role == "summed" else None
            known[key] = _part(m, program, k, arguments, values, level)
        parts.append(known[key])
        if parts[-1].value is not None:
            values[step.place] = parts[-1].value
    weights = [part.log_weight for part in parts if part.log_weight is not None]
    chances = [part.chance for part in parts if part.chance is not None]
    factors = [part.factor for part in parts if part.factor is not None]
    # One sum for all combinations that have the same parts, so that it is seen to be the same.
    key = ("weight", *map(id, weights))
    if weights and key not in known:
        known[key] = _Part(log_weight=reduce(lambda a, b: a + b, weights))
    return _Units(
        known[key].log_weight if weights else None,
        reduce(lambda a, b: a * b, chances) if chances else None,
        reduce(lambda a, b: a * b, factors) if factors else m.np.ones((1, 1, 1)),
        next((part.second for part in parts if part.second is not None), None),
    )


def _part(
    m: Arithmetic,
    program: Program,
    k: int,
    arguments: Arguments,
    values: Mapping[str, Array],
    level: float | None,
) -> _Part:
    """What the k-th step adds, given the values of its parents."""
    step, given = program.steps[k], arguments.values[k]
    if step.mechanism is None:
        return _Part(given)
    draws = arguments.draws[k]
    assert draws is not None
    law = _Law(m, step.mechanism, draws, values)
    found = _Part()
    match step.role:
        case "seen":
            found = _Part(given, law.log_density(given))
        case "summed":
            assert level is not None
            place = step.mechanism.family.points.index(level)
            found = _Part(m.np.full((1, 1, 1), level), chance=law.chances()[place])
        case "drawn":
            found = _Part(law.drawn(arguments.noise[k]))
        case "within":
            # JAX has no warnings to silence, and NumPy's are silenced by the caller.
            chance = law.share(step.given, arguments.given[k], None)
            value = law.within(step.given, arguments.given[k], arguments.noise[k], chance)
            found = _Part(value, log_weight=m.np.log(chance))
        case _:
            pass
    if step.asked:
        found = found._replace(factor=law.share(step.asked, arguments.asked[k], found.value))
    if step.given and step.role != "within":
        found = found._replace(log_weight=m.np.log(law.share(step.given, arguments.given[k], found.value)))
    if step.place == program.target:
        if program.statistic == "crossing":
            (limit,) = arguments.asked[k]
            return found._replace(second=m.np.exp(law.log_density(limit)))
        first, second = _target(m, program, law, found.value, arguments)
        found = found._replace(factor=first, second=second)
    return found


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
        if family.noiseless:
            exact = self.eta if value is None else value
            rounding = 1e-9 * self._magnitude()
            limits = [limit + 0.0 * exact for limit in limits]
            values = [_snapped(m, exact, limit, rounding) for limit in limits]
            return all_hold(m, operators, values, limits)
        if value is not None:
            return all_hold(m, operators, [value] * len(limits), limits)
        return self.arithmetic.chance(m, operators, limits, self.eta, self.parameters)

    def within(self, operators: Sequence[str], limits: Sequence[Array], uniform: Array, chance: Array) -> Array:
        """A value that satisfies its comparisons, which have this chance, at a quantile of the law between their limits."""
        np, family = self.m.np, self.mechanism.family
        low = [limit for op, limit in zip(operators, limits, strict=True) if op in (">", ">=")]
        high = [limit for op, limit in zip(operators, limits, strict=True) if op in ("<", "<=")]
        least = reduce(np.maximum, low, np.asarray(family.support[0]))
        most = reduce(np.minimum, high, np.asarray(family.support[1]))
        below = self._cdf(least) if low else np.zeros(())
        quantile = np.clip(below + uniform * chance, 1e-300, 1.0 - 2.0**-53)
        value = family.draw(self.m, quantile, self.eta, self.parameters)
        if (below > NEARLY_ALL).any():
            value = np.where(below > NEARLY_ALL, self._far_out(least, uniform * chance), value)
        return np.clip(value, least, most)

    def _far_out(self, least: Array, passed: Array) -> Array:
        """The value beyond which lies the upper tail of `least` less a probability, by Newton's method on the tail's log."""
        np = self.m.np
        tail = self._survival(least)
        log_target = np.log(tail - passed)
        value, log_tail = least + 0.0 * passed, np.log(tail)
        for _ in range(NEWTON_STEPS):
            value = value + (log_tail - log_target) * np.exp(log_tail - self.log_density(value))
            log_tail = np.log(self._survival(value))
        return value

    def _survival(self, limit: Array) -> Array:
        return self.mechanism.family.survival(self.m, limit, self.eta, self.parameters)

    def _cdf(self, limit: Array) -> Array:
        return self.arithmetic.family.cdf(self.m, limit, self.eta, self.parameters)

    def _magnitude(self) -> Array:
        """How large the parts of the predictor are: rounding is a share of these, not of what is left of them."""
        sizes = {place: abs(value) for place, value in self.values.items()}
        return predictor(self.mechanism, abs(self.draws.coefficients), sizes, self.m)


def _snapped(m: Arithmetic, values: Array, limit: Array, rounding: Array) -> Array:
    """A noise-free node's values, those within rounding of a limit moved onto it: else 1 would not be <= 1."""
    return m.np.where(abs(values - limit) <= m.np.maximum(rounding, 1e-9 * abs(limit)), limit, values)


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

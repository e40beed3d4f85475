"""What is asked of jointly normal variables, some of them seen inside intervals: one number per draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import ndtri

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.query import Term

from ..comparisons import Comparisons, by_name, by_node, complement, holds, limits
from .normal_boxes import Moments, box_moments, log_box, log_density, log_interval, truncated

NO_TIE = 1e-13
"""Correlation up to which two variables are taken as independent: what rounding leaves."""
LEAST_PAIR_SLACK = 1e-6
"""Of two events, the sd of one given the other below which effects of each cannot be told apart in float64."""
ROUNDING = 1e-9
"""Of a noise-free node's value, how far from a limit it counts as on it: else 1 would not be <= 1."""
STEPS = 60


@dataclass(eq=False)
class NormalVariable:
    """A normal variable per draw: its mean (draw,), and its loadings on independent standard normals, (noise, draw)."""

    mean: FloatArray
    loadings: FloatArray

    @cached_property
    def sd(self) -> FloatArray:
        return np.sqrt((self.loadings**2).sum(axis=0))

    def given(self, other: NormalVariable, value: FloatArray | float) -> NormalVariable:
        """This variable where the other has a value; as it was in draws in which the other has no spread."""
        sd = other.sd
        safe = np.where(sd > 0, sd, 1.0)
        direction, surprise = other.loadings / safe, (value - other.mean) / safe
        mean, loadings = self.mean, self.loadings
        # Twice, as rounding of the first time would be large beside what little may be left.
        for shift in (surprise, 0.0):
            gain = (direction * loadings).sum(axis=0)
            mean, loadings = mean + gain * shift, loadings - gain * direction
        return NormalVariable(mean, loadings)


Variables = Mapping[Name, NormalVariable]


def answer(spec: ModelSpec, term: Term, variables: Variables) -> FloatArray | None:
    """The term per draw; None where it has no closed form.

    Args:
        variables: Outcomes, and nodes seen as events, given all that was seen with a value.

    Returns:
        NaN in draws in which the evidence has probability 0.
    """
    evidence = {name: items for name, items in by_node(spec, term.given).items() if name in variables}
    evidence = {name: items for name, items in evidence.items() if all(item.op != "=" for item in items)}
    outcomes = by_node(spec, term.outcomes)
    asked = _Asked(variables, evidence)
    possible = asked.possible(term.outcome_names)
    if possible is None:
        return None
    outcome = term.outcome_names[0]
    match term.kind:
        case "event":
            found = asked.chance(outcomes)
        case "density":
            found = asked.density(outcome, limits(outcomes[outcome])[0])
        case "quantile":
            assert term.level is not None
            found = asked.quantile(outcome, term.level)
        case kind:
            moments = asked.moments(outcome)
            found = None if moments is None else _of_moments(moments, kind)
    return None if found is None else np.where(possible, found, np.nan)


def _of_moments(moments: Moments, kind: str) -> FloatArray:
    match kind:
        case "mean":
            return moments.mean
        case "variance":
            return moments.variance
        case "sd":
            return np.sqrt(moments.variance)
        case _:
            raise AssertionError(kind)


@dataclass(frozen=True, eq=False)
class _Asked:
    variables: Variables
    evidence: Mapping[Name, Comparisons]

    def possible(self, outcomes: Iterable[Name]) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
        """Whether the evidence that no outcome depends on can occur, per draw; None where that has no closed form."""
        tied = {name for outcome in outcomes for name in self.tied(outcome)}
        found = np.ones((), dtype=bool)
        for group in self.groups([name for name in self.evidence if name not in tied]):
            chance = self.log_chance({name: self.evidence[name] for name in group})
            if chance is None:
                return None
            found = found & (chance > -np.inf)
        return found

    def tied(self, outcome: Name) -> list[Name]:
        """The evidence that bears on an outcome."""
        if not self.evidence:
            return []
        names = list(dict.fromkeys((outcome, *self.evidence)))
        return [name for name in self.groups(names)[0] if name != outcome]

    def groups(self, names: Sequence[Name]) -> list[list[Name]]:
        """Names by what hangs together; groups are independent of each other."""
        found: list[list[Name]] = []
        for name in names:
            joined = [group for group in found if any(self._correlated(name, other) for other in group)]
            # The first name stays in the first group.
            kept = [group for group in found if group not in joined]
            merged = [other for group in joined for other in group] + [name]
            at = found.index(joined[0]) if joined else len(found)
            kept.insert(min(at, len(kept)), merged)
            found = kept
        return found

    def _correlated(self, a: Name, b: Name) -> bool:
        return bool((np.abs(self.pair(a, b)[0]) > NO_TIE).any())

    def pair(self, a: Name, b: Name) -> tuple[FloatArray, FloatArray]:
        """The correlation of two variables, and √(1 - correlation²) to full accuracy."""
        first, second = _unit(self.variables[a]), _unit(self.variables[b])
        correlation = (first * second).sum(axis=0)
        rest = second - correlation * first
        # A variable without spread is correlated with nothing.
        there = (second**2).sum(axis=0) > 0
        return correlation, np.where(there, np.sqrt((rest**2).sum(axis=0)), 1.0)

    def log_chance(self, events: Mapping[Name, Comparisons]) -> FloatArray | None:
        """The log probability that some nodes satisfy their comparisons."""
        total = np.zeros(())
        for group in self.groups(list(events)):
            ends = [_ends(self.variables[name], events[name]) for name in group]
            match ends:
                case [(low, high)]:
                    total = total + log_interval(low, high)
                case [(low, high), (low2, high2)]:
                    total = total + log_box((low, low2), (high, high2), *self.pair(*group))
                case _:
                    return None
        return total

    def chance(self, events: Mapping[Name, Comparisons]) -> FloatArray | None:
        """The probability of the events given the evidence."""
        tied = {name for outcome in events for name in self.tied(outcome)}
        evidence = {name: items for name, items in self.evidence.items() if name in tied}
        both, alone = self.log_chance({**events, **evidence}), self.log_chance(evidence)
        if both is None or alone is None:
            return None
        direct = np.exp(both - alone)
        if not (direct > 0.5).any():
            return direct
        # Above a half the digits are those of what the event leaves open.
        items = [item for comparisons in events.values() for item in comparisons]
        left = [self.log_chance({**by_name(piece), **evidence}) for piece in complement(items, {})]
        missed = sum((np.exp(part - alone) for part in left if part is not None), np.zeros(()))
        if any(part is None for part in left):
            return np.minimum(direct, 1.0)
        return np.where(direct > 0.5, 1.0 - np.clip(missed, 0.0, 1.0), direct)

    def moments(self, outcome: Name) -> Moments | None:
        """Mean and variance of an outcome given the evidence."""
        own = self.variables[outcome]
        tied = self.tied(outcome)
        if not tied:
            return Moments(own.mean, (own.loadings**2).sum(axis=0))
        ends = [_ends(self.variables[name], self.evidence[name]) for name in tied]
        first = _unit(self.variables[tied[0]])
        gain = (first * own.loadings).sum(axis=0)
        if len(tied) == 1:
            inside = truncated(*ends[0])
            rest = own.loadings - gain * first
            return Moments(own.mean + gain * inside.mean, (rest**2).sum(axis=0) + gain**2 * inside.variance)
        if len(tied) > 2:
            return None
        correlation, slack = self.pair(*tied)
        if (slack < LEAST_PAIR_SLACK).any():
            return None
        second = _unit(self.variables[tied[1]])
        apart = (second - correlation * first) / slack
        gain2 = (apart * own.loadings).sum(axis=0) / slack
        gain1 = gain - correlation * gain2
        rest = own.loadings - gain1 * first - gain2 * second
        inside = box_moments((ends[0][0], ends[1][0]), (ends[0][1], ends[1][1]), correlation, slack)
        (mean1, mean2), (variance1, variance2) = inside.means, inside.variances
        explained = gain1**2 * variance1 + gain2**2 * variance2 + 2 * gain1 * gain2 * inside.covariance
        return Moments(own.mean + gain1 * mean1 + gain2 * mean2, (rest**2).sum(axis=0) + explained)

    def density(self, outcome: Name, at: float) -> FloatArray | None:
        """The density of an outcome given the evidence, by Bayes' rule; None where it has no spread."""
        own = self.variables[outcome]
        sd = own.sd
        if not (sd > 0).all():
            return None
        evidence = {name: self.evidence[name] for name in self.tied(outcome)}
        there = _Asked({name: self.variables[name].given(own, at) for name in evidence}, evidence)
        ahead, behind = there.log_chance(evidence), self.log_chance(evidence)
        if ahead is None or behind is None:
            return None
        return np.exp(log_density((at - own.mean) / sd) - np.log(sd) + ahead - behind)

    def quantile(self, outcome: Name, level: float) -> FloatArray | None:
        """A quantile of an outcome given the evidence."""
        own = self.variables[outcome]
        tied = self.tied(outcome)
        if not tied:
            return own.mean + own.sd * ndtri(level)
        if len(tied) > 1:
            return None
        seen = self.variables[tied[0]]
        moments = self.moments(outcome)
        assert moments is not None
        # Mirrored where the level is above a half, so that the smaller tail is the one that is matched.
        sign = 1.0 if level <= 0.5 else -1.0
        correlation, slack = self.pair(tied[0], outcome)
        sd = np.where(own.sd > 0, own.sd, 1.0)
        start = sign * ((moments.mean - own.mean) + np.sqrt(moments.variance) * ndtri(level)) / sd
        found = _root(sign * correlation, slack, _ends(seen, self.evidence[tied[0]]), min(level, 1 - level), start)
        return own.mean + own.sd * sign * found


def _root(
    correlation: FloatArray,
    slack: FloatArray,
    ends: tuple[FloatArray, FloatArray],
    level: float,
    start: FloatArray,
) -> FloatArray:
    """Where P(X < x | Z inside) is the level, by Newton's method on its log.

    That log is concave, so that from wherever it starts every step but the first comes from below, and none goes beyond.
    """
    low, high = ends
    total = log_interval(low, high)
    x = np.array(np.broadcast_to(start, np.broadcast_shapes(start.shape, low.shape)))
    rest = np.maximum(slack, 1e-12)
    for _ in range(STEPS):
        log_cdf = log_box((np.full_like(x, -np.inf), low), (x, high), correlation, slack) - total
        centre = correlation * x
        log_slope = log_density(x) + log_interval((low - centre) / rest, (high - centre) / rest) - total
        step = (np.log(level) - log_cdf) * np.exp(log_cdf - log_slope)
        # Far out on the flat side the first step would be far too long.
        step = np.clip(np.nan_to_num(step, nan=0.0), -2.0, 2.0)
        x = x + step
        if (np.abs(step) < 1e-10 * (1 + np.abs(x))).all():
            break
    return np.where(np.isfinite(total), x, np.nan)


def _unit(variable: NormalVariable) -> FloatArray:
    """The loadings of the standardised variable; 0 where it has no spread."""
    sd = variable.sd
    return variable.loadings / np.where(sd > 0, sd, 1.0)


def _ends(variable: NormalVariable, items: Comparisons) -> tuple[FloatArray, FloatArray]:
    """The ends of the interval that comparisons leave, standardised; all or nothing where there is no spread."""
    low, high = limits(items)
    sd = variable.sd
    exact = sd == 0
    safe = np.where(exact, 1.0, sd)
    a, b = (low - variable.mean) / safe, (high - variable.mean) / safe
    if not exact.any():
        return a, b
    inside = np.ones_like(sd, dtype=bool)
    for item in items:
        limit = float(item.value)  # type: ignore[arg-type]
        near = np.abs(variable.mean - limit) <= ROUNDING * np.maximum(abs(limit), np.abs(variable.mean))
        inside &= holds((item,), np.where(near, limit, variable.mean))
    return np.where(exact, np.where(inside, -np.inf, np.inf), a), np.where(exact, np.inf, b)

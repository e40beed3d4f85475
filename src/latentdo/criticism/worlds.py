"""The world that a question describes, simulated from the trained model's laws of measured nodes, row by row and draw by draw.

What an infinitesimal change of one law would do to the answer is then an average over worlds: the derivative of a mean along a
change of a density is a covariance with that change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import ndtri

from latentdo.answers import law_quantile
from latentdo.arrays import FloatArray
from latentdo.errors import UnsupportedError
from latentdo.graphs import Name, quote
from latentdo.models.build import NUMPY, numerics, satisfies
from latentdo.query import Distribution, Outcome, Term

from .evidence import Evidence
from .pillow_laws import PillowLaw
from .plans import Plan

WORK = 3_000_000
"""Draws times worlds times points of a law that are computed."""
MOST_DRAWS, LEAST_DRAWS = 20, 4
NEAR = 0.1
"""The share of rows nearest to a value that say which values of other nodes go with it."""
FARTHEST = 6.0
"""Normal scores are cut there."""
WIDTH = 0.3
"""Standard deviations around a value over which a density is averaged."""


def normal_scores(below: FloatArray) -> FloatArray:
    """Standard normal where the law is right.

    Source:
        Rosenblatt (1952), Remarks on a multivariate transformation.
    """
    return np.clip(ndtri(np.clip(below, 1e-12, 1 - 1e-12)), -FARTHEST, FARTHEST)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is averaged of the outcome, as a function of its value.

    Attributes:
        kind: The kind of the term.
        at: Numbers of the draws, (draw, 1): the mean that a variance is around, the value of a quantile.
        scale: What the average is divided by, per draw.
        offset: What is taken off it.
    """

    term: Term
    at: FloatArray
    scale: FloatArray
    offset: FloatArray

    def of(self, y: FloatArray, event: Any = None) -> FloatArray:
        """The number of a value, (draw, world)."""
        match self.term.kind:
            case "variance" | "sd":
                raw = (y - self.at) ** 2
            case "quantile":
                raw = -1.0 * (y <= self.at)
            case "event" | "density":
                raw = event
            case _:
                raw = y + 0.0 * self.at
        return raw / self.scale - self.offset


@dataclass(frozen=True, eq=False)
class World:
    """The worlds of one term.

    Attributes:
        evidence: The fit and its rows.
        term: The term.
        plan: Which nodes are drawn, set or met.
        index: The draws, by place in the evidence's own order.
    """

    evidence: Evidence
    term: Term
    plan: Plan
    _shared: dict[Name, FloatArray] = field(default_factory=dict)

    @cached_property
    def draws(self) -> int:
        """How many draws."""
        points = max((self.law(node, 1).n_points for node in self.plan.order), default=1)
        return int(np.clip(WORK // (2 * self.evidence.n * points), LEAST_DRAWS, MOST_DRAWS))

    @property
    def n(self) -> int:
        """Worlds per draw: two per row, whose chances mirror each other."""
        return 2 * self.evidence.n

    def law(self, node: Name, draws: int | None = None) -> PillowLaw:
        """The law of a node given its pillow."""
        return self.evidence.law(node, self.plan.pillows[node], self.draws if draws is None else draws)

    @cached_property
    def last(self) -> Name | None:
        """The outcome, where it comes last and is asked of alone: then its law is averaged, and no value drawn."""
        names = set(self.term.outcome_names)
        if len(names) != 1 or not self.plan.order or self.term.kind in ("variance", "sd"):
            return None
        (name,) = names
        kept = {*self.plan.natural, *self.plan.met, *self.term.conditions}
        is_last = self.plan.order[-1] == name and name not in kept
        return name if is_last else None

    @cached_property
    def values(self) -> dict[Name, FloatArray]:
        """Each node as it is in the worlds of its own district, (draw or 1, world or 1)."""
        found: dict[Name, FloatArray] = {}
        for node in self.plan.order:
            if node in self.plan.natural:
                found[node] = np.tile(self.evidence.env[node], 2)
            elif node in self.plan.met:
                found[node] = self._held(node)
            elif node != self.last:
                found[node] = self._drawn(node, found)
        return found

    def _drawn(self, node: Name, known: Mapping[Name, FloatArray]) -> FloatArray:
        place = list(self.evidence.pillows).index(node)
        random = np.random.default_rng([7, place])
        uniforms, picks = random.uniform(size=(2, self.draws, self.evidence.n))
        mirrored = [np.concatenate([each, 1.0 - each], axis=1) for each in (uniforms, picks)]
        return self.law(node).draw(self.given(node, known), *mirrored)

    def given(self, node: Name, known: Mapping[Name, FloatArray] | None = None) -> dict[Name, FloatArray]:
        """The pillow of a node in its worlds, (draw or 1, world)."""
        values = self.values if known is None else known
        found = {}
        for name in self.plan.pillows[node]:
            own = values[name] if self._is_free(node, name) else self._held(name)
            found[name] = np.broadcast_to(own, (len(own), self.n))
        return found or {"": np.zeros((1, self.n))}

    def _is_free(self, node: Name, name: Name) -> bool:
        if name in self.plan.inside[node]:
            return True
        return name not in self.plan.treated and name not in self.plan.anywhere

    def _held(self, name: Name) -> FloatArray:
        """The value at which a node is set, met, or taken for no reason."""
        if name not in self._shared:
            self._shared[name] = self._setting(name)
        return self._shared[name]

    def _setting(self, name: Name) -> FloatArray:
        family = self.evidence.posterior.spec[name].family
        for setting in self.term.do:
            if setting.name != name:
                continue
            if isinstance(setting.value, Distribution):
                n = self.evidence.n
                u = (np.random.default_rng([11, len(name)]).permutation(n) + 0.5) / n
                return law_quantile(setting.value, np.concatenate([u, 1.0 - u]), family.points)[None]
            assert setting.value is not None
            return np.full((1, 1), family.check_value(name, setting.value))
        for item in self.term.given:
            if item.name == name and item.value is not None:
                return np.full((1, 1), family.check_value(name, item.value))
        return np.full((1, 1), self._likely(name))

    def _likely(self, name: Name) -> float:
        """A value that goes with what is met, of a node that the answer does not depend on."""
        column = self.evidence.rows.column(name)
        child = next((node for node in self.plan.met if name in self.plan.pillows.get(node, ())), None)
        near = column
        if child is not None:
            distance = np.abs(self.evidence.rows.column(child) - float(self._held(child).ravel()[0]))
            near = column[np.argsort(distance, kind="stable")[: max(5, int(NEAR * len(column)))]]
        if self.evidence.posterior.spec[name].family.discrete:
            levels, counts = np.unique(near, return_counts=True)
            return float(levels[int(counts.argmax())])
        return float(np.median(near))

    @cached_property
    def weights(self) -> FloatArray:
        """How likely what is met and seen is in each world, (draw, world), one on average per draw."""
        found = np.ones((self.draws, self.n))
        for node in self.plan.met:
            law = self.law(node)
            held = np.broadcast_to(self._held(node), (1, self.n))

            def density(eta: Any, own: dict[str, FloatArray], law: PillowLaw = law, held: FloatArray = held) -> Any:
                return np.exp(law.family.log_density(NUMPY, held, eta, own))

            found = found * law.averages(self.given(node), [density])[0]
        for item in self.term.given:
            if item.op not in ("", "=") and item.name in self.values:
                number = _number(self.evidence, item)
                found = found * satisfies(item.op, self.values[item.name], number)
        total = found.mean(axis=1, keepdims=True)
        if not (total > 0).all():
            raise UnsupportedError("what is seen hardly happens in the worlds that were simulated")
        return found / total

    def asked(self, answer: FloatArray) -> Asked:
        """What is averaged, for answers at the draws of this world, (draw,)."""
        ones = np.ones((self.draws, 1))
        reference = answer[:, None]
        match self.term.kind:
            case "variance" | "sd":
                mean = (self.weights * self._mean()).mean(axis=1, keepdims=True)
                is_sd = self.term.kind == "sd"
                scale = 2.0 * reference if is_sd else ones
                return Asked(self.term, mean, scale, reference**2 / scale if is_sd else reference)
            case "quantile":
                width = WIDTH * self._spread()
                shares = [self._below(reference + by * width) for by in (1.0, -1.0)]
                density = (self.weights * (shares[0] - shares[1])).mean(axis=1, keepdims=True) / (2.0 * width)
                density = np.maximum(density, 1e-12)
                assert self.term.level is not None
                return Asked(self.term, reference, density, -self.term.level / density)
            case "density":
                width = WIDTH * self._spread()
                smooth = (self.weights * self._within(width)).mean(axis=1, keepdims=True) / (2.0 * width)
                return Asked(self.term, ones, 2.0 * width * ones, smooth)
            case _:
                return Asked(self.term, 0.0 * ones, ones, reference)

    def _spread(self) -> float:
        return float(self.evidence.rows.column(self.term.outcome_names[0]).std()) or 1.0

    def _mean(self) -> FloatArray:
        name = self.term.outcome_names[0]
        return self.law(name).mean(self.given(name)) if self.last else self._value(name)

    def _value(self, name: Name) -> FloatArray:
        if name in self.plan.treated and name not in self.values:
            return self._held(name)
        return self.values[name]

    def _below(self, at: FloatArray) -> FloatArray:
        name = self.term.outcome_names[0]
        if self.last is None:
            return (self._value(name) <= at).astype(float)
        law = self.law(name)
        return law.averages_at(self.given(name), at, [lambda y, eta, own: law.family.cdf(NUMPY, y, eta, own)])[0]

    def _within(self, width: float) -> FloatArray:
        at = self._density_at()
        return self._below(np.full((1, 1), at + width)) - self._below(np.full((1, 1), at - width))

    def _density_at(self) -> float:
        value = self.term.outcomes[0].value
        assert isinstance(value, float | int)
        return float(value)

    def numbers(self, asked: Asked) -> FloatArray:
        """What is averaged in each world, (draw, world), its mean taken where the outcome comes last."""
        if self.last is None:
            return np.broadcast_to(self._plain(asked), (self.draws, self.n))
        law, given = self.law(self.last), self.given(self.last)
        return self.expected(asked, law, given)

    def expected(self, asked: Asked, law: PillowLaw, given: Mapping[Name, FloatArray]) -> FloatArray:
        """The mean of what is averaged over a law of the outcome, (draw, world)."""
        family = law.family
        match self.term.kind:
            case "mean":
                raw = law.mean(given)
            case "quantile":
                raw = -law.averages_at(given, asked.at, [lambda y, eta, own: family.cdf(NUMPY, y, eta, own)])[0]
            case "density":
                width, at = float(asked.scale[0, 0]) / 2.0, self._density_at()
                high, low = (
                    law.averages_at(
                        given, np.full((1, 1), at + by), [lambda y, eta, own: family.cdf(NUMPY, y, eta, own)]
                    )[0]
                    for by in (width, -width)
                )
                raw = high - low
            case _:
                raw = law.averages(given, [chance_of(law, self.term.outcomes)])[0]
        found: FloatArray = raw / asked.scale - asked.offset
        return found

    def _plain(self, asked: Asked) -> FloatArray:
        return asked.of(self._value(self.term.outcome_names[0]), self.event(self._value, asked))

    def event(self, value: Any, asked: Asked) -> FloatArray | None:
        """Whether what is asked of happens, for values by name."""
        if self.term.kind == "density":
            width = float(asked.scale.ravel()[0]) / 2.0
            return 1.0 * (np.abs(value(self.term.outcome_names[0]) - self._density_at()) <= width)
        if self.term.kind != "event":
            return None
        found: Any = 1.0
        for item in self.term.outcomes:
            found = found * satisfies(item.op, value(item.name), _number(self.evidence, item))
        return 1.0 * found


def _number(evidence: Evidence, item: Outcome) -> float:
    return _level(evidence.posterior.spec[item.name].family, item)


def _level(family: Any, item: Outcome) -> float:
    """The value of a comparison as a number."""
    assert item.value is not None
    return float(family.check_value(item.name, item.value) if family.points else item.value)


def chance_of(law: PillowLaw, event: Sequence[Outcome]) -> Any:
    """The probability that comparisons of the node hold, as a function of its law."""
    family = law.family

    def chance(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
        limits = [np.asarray(_level(family, item)) for item in event]
        return numerics(family).chance(NUMPY, [item.op for item in event], limits, eta, own)

    return chance


def _mean_of(family: Any) -> Any:
    return lambda eta, own: family.mean(NUMPY, eta, own)


def square_of(family: Any) -> Any:
    """E[node² | parents], as a function of the law."""

    def square(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
        variance = family.variance(NUMPY, eta, own)
        if variance is None:
            raise UnsupportedError(f"{quote(family.name)} has no formula for its variance")
        return np.where(np.isfinite(variance), variance, 1e6) + family.mean(NUMPY, eta, own) ** 2

    return square

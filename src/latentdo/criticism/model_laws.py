"""The trained model's laws of nodes given their pillows, as the estimators' recursions ask for conditional laws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.estimators import AbstractLaw
from latentdo.graphs import Name
from latentdo.models.build import NUMPY, numerics
from latentdo.query import Outcome

from .evidence import Evidence
from .pillow_laws import PillowLaw

Env = Mapping[Name, FloatArray]


@dataclass(frozen=True, eq=False)
class ModelLaws:
    """The laws at some draws: the axis of replicates is that of draws.

    Attributes:
        evidence: The fit and its rows.
        draws: How many draws.
        event: What is asked of the outcome; its law is then that of whether it holds.
    """

    evidence: Evidence
    draws: int
    event: tuple[Outcome, ...] = ()

    def law(self, target: Name, given: Iterable[Name]) -> ModelLaw:
        """P(target | given)."""
        earlier = tuple(name for name in self.evidence.pillows if name in set(given))
        asked = self.event if self.event and target == self.event[0].name else ()
        return ModelLaw(self.evidence.law(target, earlier, self.draws), asked)


@dataclass(frozen=True, eq=False)
class ModelLaw(AbstractLaw):
    """One of them."""

    pillow_law: PillowLaw
    event: tuple[Outcome, ...] = ()

    def mean(self, env: Env) -> FloatArray:
        flat, shape = self._flat(env)
        return self._asked(flat).reshape(-1, *shape[1:])

    def _asked(self, flat: Env) -> FloatArray:
        if not self.event:
            return self.pillow_law.mean(flat)
        return self.pillow_law.averages(flat, [chance_of(self.pillow_law, self.event)])[0]

    def density(self, env: Env, values: FloatArray) -> FloatArray:
        flat, shape = self._flat(env, values)
        y = np.broadcast_to(values, (1, *shape[1:])).reshape(1, -1)
        family = self.pillow_law.family

        def chance(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
            return np.exp(family.log_density(NUMPY, y, eta, own))

        return self.pillow_law.averages(flat, [chance])[0].reshape(-1, *shape[1:])

    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        flat, shape = self._flat(env)
        family = self.pillow_law.family
        if points := family.points:
            functions = [(lambda eta, own, k=k: family.chances(NUMPY, eta, own)[k]) for k in range(len(points))]
            chances = np.stack(self.pillow_law.averages(flat, functions), axis=-1)
            values = np.reshape(points, (1,) * len(shape) + (-1,))
            return values, chances.reshape(-1, *shape[1:], len(points))
        mean, square = self.pillow_law.averages(flat, [_mean(family), _square(family)])
        sd = np.sqrt(np.maximum(square - mean**2, 1e-300))
        x, weights = np.polynomial.hermite_e.hermegauss(count)
        weights = weights / weights.sum()
        if family.linear_gaussian:
            values = mean[..., None] + sd[..., None] * x
        else:
            weights = np.full(count, 1.0 / count)
            places = (np.arange(count) + 0.5) / count
            picks = np.random.default_rng(count).permutation(places)
            n = mean.shape[1]
            drawn = np.stack(
                [
                    self.pillow_law.draw(flat, np.full((1, n), u), np.full((1, n), p))
                    for u, p in zip(places, picks, strict=True)
                ],
                axis=-1,
            )
            # Few places have neither the law's mean nor its variance, which the rows are compared with.
            centred = drawn - drawn.mean(axis=-1, keepdims=True)
            values = mean[..., None] + centred * (sd / np.maximum(drawn.std(axis=-1), 1e-300))[..., None]
        return values.reshape(-1, *shape[1:], count), weights.reshape((1,) * len(shape) + (-1,))

    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        flat, shape = self._flat(env, uniforms)
        u = np.broadcast_to(uniforms, (1, *shape[1:])).reshape(1, -1)
        picks = np.random.default_rng(u.size).uniform(size=u.shape)
        return self.pillow_law.draw(flat, u, picks).reshape(-1, *shape[1:])

    def _flat(self, env: Env, *others: FloatArray) -> tuple[dict[Name, FloatArray], tuple[int, ...]]:
        """The pillow's values, (draw or 1, unit), and the shape they had."""
        own = {name: np.asarray(env[name]) for name in self.pillow_law.pillow}
        if not own:
            own = {"": np.zeros((1,) * (others[0].ndim if others else max(np.ndim(v) for v in env.values())))}
        shape = np.broadcast_shapes(*(v.shape for v in own.values()), *((1, *v.shape[1:]) for v in others))
        return {n: np.broadcast_to(v, (v.shape[0], *shape[1:])).reshape(v.shape[0], -1) for n, v in own.items()}, shape


def _mean(family: Any) -> Any:
    return lambda eta, own: family.mean(NUMPY, eta, own)


def _square(family: Any) -> Any:
    def square(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
        variance = family.variance(NUMPY, eta, own)
        spread = own.get("sd", own.get("scale", 1.0)) ** 2 if variance is None else variance
        return np.where(np.isfinite(spread), spread, 1e6) + family.mean(NUMPY, eta, own) ** 2

    return square


def chance_of(law: PillowLaw, event: tuple[Outcome, ...]) -> Any:
    """The probability that comparisons of the node hold, as a function of its law."""
    family = law.family

    def number(item: Outcome) -> float:
        assert item.value is not None
        return family.check_value(item.name, item.value) if family.points else float(item.value)  # type: ignore[arg-type]

    def chance(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
        limits = [np.asarray(number(item)) for item in event]
        return numerics(family).chance(NUMPY, [item.op for item in event], limits, eta, own)

    return chance

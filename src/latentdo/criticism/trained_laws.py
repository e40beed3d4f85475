"""The laws of a trained model in the form in which estimators ask for laws: one for each draw, latents integrated out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtr

from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import UnsupportedError
from latentdo.estimators import AbstractLaw
from latentdo.graphs import Name, quote
from latentdo.inference import Posterior
from latentdo.models.build import NUMPY
from latentdo.query import Outcome

from .pillow_laws import PillowLaw
from .worlds import chance_of

Env = Mapping[Name, FloatArray]


@dataclass(frozen=True, eq=False)
class TrainedLaws:
    """Where an estimator finds conditional laws of a fit.

    Attributes:
        posterior: The fit.
        index: The draws, chains laid end to end: the replicates of what the laws answer.
        outcome: The node asked about.
        event: The comparisons whose truth stands in the outcome's column; empty where its own values do.
    """

    posterior: Posterior
    index: IntArray
    outcome: Name
    event: Sequence[Outcome] = ()
    _known: dict[tuple[Name, tuple[Name, ...]], AbstractLaw] = field(default_factory=dict)

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        """P(target | given), where what is given is a Markov pillow.

        Raises:
            UnsupportedError: Its latents cannot be integrated here.
        """
        key = (target, tuple(sorted(set(given))))
        if key not in self._known:
            pillow = PillowLaw(self.posterior, *key, self.index)
            event = self.event if target == self.outcome else ()
            self._known[key] = _TrainedLaw(pillow, tuple(event))
        return self._known[key]


@dataclass(frozen=True, eq=False)
class _TrainedLaw(AbstractLaw):
    """The law of one node; of an outcome that is compared, of whether the comparisons hold."""

    pillow: PillowLaw
    event: tuple[Outcome, ...]

    def mean(self, env: Env) -> FloatArray:
        law = self.pillow
        if not self.event:
            return _asked(env, law.pillow, law.mean)
        chance = chance_of(law, self.event)
        return _asked(env, law.pillow, lambda flat: law.averages(flat, [chance])[0])

    def density(self, env: Env, values: FloatArray) -> FloatArray:
        law, own = self.pillow, self.pillow.node
        if self.event:
            chance = self.mean(env)
            return np.where(values == 1.0, chance, 1.0 - chance)
        if not law.has_sure_density:
            raise UnsupportedError(f"the density of {quote(own)} is not known well enough")

        def at(flat: dict[Name, FloatArray]) -> FloatArray:
            def density(y: FloatArray, eta: Any, parameters: dict[str, FloatArray]) -> FloatArray:
                return np.exp(law.family.log_density(NUMPY, y, eta, parameters))

            return law.averages_at(flat, flat[own], [density])[0]

        return _asked({**env, own: values}, (*law.pillow, own), at)

    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        law, own = self.pillow, self.pillow.node
        given = {name: env[name][..., None] for name in law.pillow}
        if points := law.family.points:
            levels = np.array(points, dtype=float)
            shape = np.broadcast_shapes(*(np.shape(each) for each in given.values()), (1, 1, 1))
            values = levels.reshape((1,) * (len(shape) - 1) + (-1,))
            return values, self.density({**given, own: values}, values)
        z, weights = np.polynomial.hermite_e.hermegauss(count)
        lead = (1,) * max([2, *(np.ndim(each) for each in env.values())])
        return self.draw(given, ndtr(z).reshape(*lead, -1)), (weights / weights.sum()).reshape(*lead, -1)

    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        law = self.pillow
        if law.n_points > 1:
            raise UnsupportedError(
                f"values of {quote(law.node)} cannot be placed: it shares hidden causes that are not normal"
            )
        key = f"uniform of {law.node}"

        def drawn(flat: dict[Name, FloatArray]) -> FloatArray:
            return law.draw({name: flat[name] for name in law.pillow} or {"": flat[key]}, flat[key], np.zeros((1, 1)))

        return _asked({**env, key: uniforms}, (*law.pillow, key), drawn)


def _asked(env: Env, names: Sequence[Name], ask: Any) -> FloatArray:
    """What a law says at values with any number of axes behind (draw or 1, row or 1), the same values but once.

    Args:
        ask: From columns (draw or 1, place) to (draw, place).
    """
    wanted = {name: np.asarray(env[name], dtype=float) for name in names}
    ndim = max((each.ndim for each in (*wanted.values(), *env.values())), default=2)
    shape = np.broadcast_shapes(*(each.shape for each in wanted.values()), (1,) * ndim)
    flat = {name: np.broadcast_to(each, shape).reshape(shape[0], -1) for name, each in wanted.items()}
    if not flat:
        found = ask({"": np.zeros((1, 1))})
        return found.reshape(len(found), *shape[1:])
    if shape[0] > 1:
        return ask(flat).reshape(-1, *shape[1:])
    distinct, places = np.unique(np.stack([each[0] for each in flat.values()]), axis=1, return_inverse=True)
    found = ask({name: distinct[k : k + 1] for k, name in enumerate(flat)})
    return found[:, places.ravel()].reshape(len(found), *shape[1:])

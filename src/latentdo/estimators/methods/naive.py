"""The two baselines: what the rows say of those that have the treatment, as if nothing confounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from latentdo.graphs import Name, quote

from ..method import AbstractMethod, Fits, No, Result, Yes, register
from ..sample import FloatArray
from ..task import Task
from ..weighting import average, bandwidths, closeness, effective_size, kernel_notes, rate_of

_NOTHING = 1e-300


@register
@dataclass(frozen=True)
class NaiveMean(AbstractMethod):
    """The mean of the outcome in the rows that have the treatment and what is given: a baseline.

    It is right only where nothing confounds.
    """

    name: ClassVar[str] = "naive mean"
    place: ClassVar[int] = 10
    is_baseline: ClassVar[bool] = True

    def applies(self, task: Task) -> Yes | No:
        reason = _why_not_seen(task)
        return No(reason) if reason else Yes()

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        weights: FloatArray = task.within[None, :]
        places = {**task.evidence, **task.treatments}
        h = bandwidths(task, places)
        for name, value in places.items():
            weights = weights * closeness(task.sample[name], value, h.get(name, 1.0))
        if not weights.any():
            # No row has all of it: a mean of none.
            return Result(np.full(len(fits.weights), np.nan))
        weights = weights * fits.weights
        # In a replicate that drew none of these rows, all rows count alike.
        weights = np.where(weights.max(axis=1, keepdims=True) > _NOTHING, weights, np.maximum(weights, _NOTHING))
        outcome = task.asked[None]
        values = average(weights, outcome)
        influence = values[0] + weights[0] / weights[0].mean() * (outcome[0] - values[0])
        return Result(values, influence, effective_size(weights), notes=kernel_notes(task, h), rate=rate_of(h))


@register
@dataclass(frozen=True)
class NaiveRegression(AbstractMethod):
    """The outcome's regression on what is set and given, and on nothing else: a baseline."""

    name: ClassVar[str] = "naive regression"
    place: ClassVar[int] = 20
    is_baseline: ClassVar[bool] = True

    def applies(self, task: Task) -> Yes | No:
        if reason := _why_not_seen(task):
            return No(reason)
        if not task.is_mean:
            names = ", ".join(map(quote, task.term.outcome_names))
            return No(f"it has no form for an event of {names} given what that causes.")
        return Yes()

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        names = tuple(dict.fromkeys([*task.treatments, *task.term.conditions]))
        places = {**task.evidence, **task.treatments}
        env = {**task.sample.env(names), **{name: np.full((1, 1), value) for name, value in places.items()}}
        mean = fits.plain.law(task.outcome, names).mean(env)
        # Over the rows in a range that is given, each at its own place in it.
        weights = fits.weights * task.within
        if not weights.any():
            return Result(np.full(len(fits.weights), np.nan))
        return Result(average(weights, np.broadcast_to(mean, weights.shape)))


def _why_not_seen(task: Task) -> str | None:
    """Why what is asked cannot be looked up among the rows; None where it can."""
    return task.why_several_outcomes if task.term.do or task.term.given else task.why_not_one_outcome

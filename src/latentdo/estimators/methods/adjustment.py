"""Adjustment: g-formula, inverse weighting, and both together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.special import expit, logit

from latentdo.graphs import Name

from ..adjusting import adjustment_of, checked_set
from ..fitting import fit_logistic
from ..method import AbstractMethod, Fits, No, Result, Yes, register
from ..nuisances import Laws
from ..sample import FloatArray
from ..task import Task
from ..weighting import Weights, average, bandwidths, inverse, weighted_mean, weighted_result
from .plug_in import Evaluator

_EDGE = 1e-4


@dataclass(frozen=True)
class AbstractAdjustment(AbstractMethod):
    """An estimator of an effect that has an adjustment set.

    Attributes:
        adjustment: The nodes to adjust for; None for the set of least variance.
        said: What is to be known of the set, in words.
    """

    adjustment: frozenset[Name] | None = None
    said: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "adjustment", checked_set(self.adjustment))

    @property
    def columns(self) -> frozenset[Name]:
        return self.adjustment or frozenset()

    def adjusting_for(self, nodes: frozenset[Name], note: str) -> AbstractMethod | None:
        return replace(self, adjustment=nodes, said=note) if self.adjustment is None else None

    def applies(self, task: Task) -> Yes | No:
        return adjustment_of(task, self.adjustment, self.said)


@register
@dataclass(frozen=True)
class GFormula(AbstractAdjustment):
    """Outcome regression, averaged over the adjustment set: the mean of m(t, Z); sequential where treatments need it.

    Source:
        Robins (1986), A new approach to causal inference in mortality studies.
    """

    name: ClassVar[str] = "g-formula"
    place: ClassVar[int] = 40

    def applies(self, task: Task) -> Yes | No:
        answer = super().applies(task)
        if isinstance(answer, No) and task.is_sequential and self.adjustment is None:
            return Yes(note="sequential: each later covariate averaged over its own law")
        return answer

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        if "adjustment" not in sets:
            evaluator = Evaluator(task, fits.plain, fits.weights)
            values, _ = evaluator.answer()
            return Result(values, size=evaluator.size, notes=tuple(fits.plain.one_effect()))
        mean, _ = _means(task, fits.plain, sets["adjustment"])
        values = average(fits.weights, np.broadcast_to(mean, fits.weights.shape))
        return Result(values, notes=tuple(fits.plain.one_effect()))


@register
@dataclass(frozen=True)
class Ipw(AbstractAdjustment):
    """Inverse probability weighting, by default with weights that are divided by their sum (Hajek).

    Source:
        Horvitz & Thompson (1952); for continuous treatments Colangelo & Lee (2020), Double debiased machine learning
        nonparametric inference with continuous treatments.
    """

    normalised: bool = True
    name: ClassVar[str] = "ipw"
    place: ClassVar[int] = 50

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        weights = _weights(task, fits.plain, sets["adjustment"])
        outcome = task.sample[task.outcome].values[None]
        values = weighted_mean(fits.weights, weights.values, outcome, normalised=self.normalised)
        whole = weighted_mean(fits.weights[:1], weights.whole[:1], outcome, normalised=self.normalised)[0]
        return weighted_result(task, values, weights, whole=float(whole))


@register
@dataclass(frozen=True)
class Aipw(AbstractAdjustment):
    """Regression plus weighted residuals, both cross-fitted: right if either model is.

    Source:
        Robins, Rotnitzky & Zhao (1994); cross-fitting Chernozhukov et al. (2018); for continuous treatments Kennedy et al.
        (2017) and Colangelo & Lee (2020).
    """

    name: ClassVar[str] = "aipw"
    place: ClassVar[int] = 60

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        given = sets["adjustment"]
        weights = _weights(task, fits.crossed, given)
        mean, fitted = _means(task, fits.crossed, given)
        outcome = task.sample[task.outcome].values[None]
        terms = mean + _levelled(task, weights.values, fits.weights) * (outcome - fitted)
        values = average(fits.weights, terms)
        return weighted_result(task, values, weights, influence=terms[0])


@register
@dataclass(frozen=True)
class Tmle(AbstractAdjustment):
    """Targeted learning: the regression is moved, within the outcome's range, until weighted residuals average to zero.

    The fluctuation has weights in place of a clever covariate, which is steadier. Fluctuations for several values of a
    discrete treatment concern different rows, so that the joint fit of a contrast is these fits side by side.

    Source:
        van der Laan & Rubin (2006), Targeted maximum likelihood learning; cross-fitted: Zheng & van der Laan (2011).
    """

    name: ClassVar[str] = "tmle"
    place: ClassVar[int] = 70

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        given = sets["adjustment"]
        weights = _weights(task, fits.crossed, given)
        outcome = task.sample[task.outcome].values[None]
        low, high = float(outcome.min()), float(outcome.max())
        # Predictions outside the range would have no logit; the range is that of the rows.
        mean, fitted = (
            np.clip((part - low) / (high - low), _EDGE, 1 - _EDGE) for part in _means(task, fits.crossed, given)
        )
        scaled = (outcome - low) / (high - low)
        counts = fits.weights * weights.values
        moved = fit_logistic(
            np.ones((task.sample.n, 1)), scaled, counts / len(counts.T), np.array([1e-9]), offset=logit(fitted)
        )
        mean, fitted = expit(logit(mean) + moved), expit(logit(fitted) + moved)
        values = average(fits.weights, mean)
        terms = mean + _levelled(task, weights.values, fits.weights) * (scaled - fitted)
        influence = low + (high - low) * terms[0]
        return weighted_result(task, low + (high - low) * values, weights, influence=influence)


def _means(task: Task, laws: Laws, given: tuple[Name, ...]) -> tuple[FloatArray, FloatArray]:
    """E[Y | T, Z] of every row with T = t, and with its own T: near t these differ where the treatment is continuous."""
    law = laws.law(task.outcome, (*task.treatments, *given))
    env = task.sample.env((*given, *task.treatments, task.outcome))
    return law.mean(task.set(env)), law.mean(env)


def _weights(task: Task, laws: Laws, given: tuple[Name, ...]) -> Weights:
    return inverse(task.sample, laws, task.treatments, given, bandwidths(task))


def _levelled(task: Task, weights: FloatArray, counts: FloatArray) -> FloatArray:
    """The weights, divided by their mean where a treatment is continuous and density ratios have a long tail."""
    if all(task.sample[name].is_discrete for name in task.treatments):
        return weights
    return weights / np.maximum(average(counts, weights), 1e-300)[:, None]

"""Any identified effect of one treatment, by weights: what the kernels of the graph are against the observed laws.

A kernel q(D | parents) is reached by fixing the other nodes one after the other. To fix a node means to weight the rows
by a law of its own choice over its conditional in the population weighted so far; under all weights together the
district depends on its parents alone, and its conditionals are ordinary weighted fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.identification import Fixability, Fixing, Kernel

from ..features import FAR, Features
from ..laws import Predictor
from ..method import AbstractMethod, Fits, No, Result, Yes, register, set_note
from ..nuisances import Nuisances
from ..sample import FloatArray
from ..task import Task
from ..weighting import (
    LARGEST_SHARE,
    Weights,
    average,
    bandwidths,
    clipped,
    closeness,
    divisor,
    effective_size,
    inverse,
    largest_share,
    middle_density,
    weighted_mean,
    weighted_result,
)

ROWS_PER_MEAN = 10
"""With fewer rows for each mean that weights are to have, they are left as they are."""
MOST_STEPS = 30
BALANCE = 1e-11


@dataclass(frozen=True, eq=False)
class Weighted:
    """A population in which one conditional of a kernel is an ordinary conditional.

    Attributes:
        laws: Conditionals fitted there.
        weights: Of the rows, (replicate, row).
        trimmed: Rows whose weight was cut.
    """

    laws: Nuisances
    weights: FloatArray
    trimmed: int


def weighted(
    task: Task, fits: Fits, kernel: Kernel, target: Name, given: Iterable[Name], count: int | None = None
) -> Weighted:
    """The population in which the law of a node given others is what it is after the steps to a kernel, or `count` of them.

    Fixed are only the nodes that this law needs, `needed_steps`. A weight may be multiplied with any function of what
    is given, so that a node that is given itself is moved to its law given what is given of its blanket, which makes
    steadier weights than its law given nothing.
    """
    sample, given = task.sample, frozenset(given)
    env = sample.env(sample.columns)
    laws, weights, trimmed = fits.plain, np.ones((1, sample.n)), 0
    steps = kernel.fixings[:count]
    needed = needed_steps(task, steps, target, given)
    for place, i in enumerate(needed):
        step = steps[i]
        before = weighted(task, fits, kernel, step.node, step.blanket, i)
        density = before.laws.law(step.node, step.blanket).density(env, env[step.node])
        column = sample[step.node]
        if column.is_discrete or step.node in kernel.parents:
            shared = given & set(step.blanket) if step.node in given else ()
            chosen = fits.plain.law(step.node, shared).density(env, env[step.node])
        else:
            # The law does not depend on the node, so that any part of its range will do.
            chosen = middle_density(column)
        weights = weights * chosen / divisor(column, density)
        trimmed += before.trimmed
        if not column.is_discrete:
            weights, cut = clipped(weights)
            trimmed += cut
        label = (target, tuple(sorted(given)), tuple((steps[j].node, steps[j].blanket) for j in needed[: place + 1]))
        laws = fits.plain.reweighted(weights, label)
    return Weighted(laws, weights, trimmed)


def needed_steps(task: Task, steps: Sequence[Fixing], target: Name, given: frozenset[Name]) -> list[int]:
    """Which steps the law of a node given others needs; the others would only make its weights vary more.

    To fix a node leaves the law of all that it does not cause as it is. A step is also idle if it is a sum over a node that
    is not given, which fits do anyway, and if its weight is a function of what is given and of nodes fixed before,
    on which nothing depends any more that is not given.
    """
    needed: list[int] = []
    arguments = {target, *given}
    sums = {step.node for step in steps if step.is_sum} - given
    causes = task.graph.ancestors(arguments)
    for i in reversed(range(len(steps))):
        node, involved = steps[i].node, {steps[i].node, *steps[i].blanket}
        fixed = causes.intersection(step.node for step in steps[:i]) - sums
        if node in sums or involved <= given | fixed or not task.graph.descendants((node,)) & arguments:
            continue
        needed.insert(0, i)
        arguments |= involved
    return needed


def conditions(fixed: Fixability, kernel: Kernel, node: Name) -> tuple[Name, ...]:
    """What a node of a district depends on under its kernel: all before it of the district and its parents."""
    before = fixed.order[: fixed.order.index(node)]
    return tuple(name for name in before if name in kernel.district or name in kernel.parents)


def kernel_ratio(task: Task, fits: Fits) -> tuple[FloatArray, FloatArray, int]:
    """ρ: the kernels of the districts that meet the treatment's, over the observed laws.

    Returns:
        The ratio, what it was before any was cut, and how many were.
    """
    fixed = task.fixed
    sample = task.sample
    env = sample.env(sample.columns)
    pillows = dict(fixed.pillows)
    ratio: FloatArray = np.ones((1, sample.n))
    whole: FloatArray = ratio
    trimmed = 0
    for kernel in fixed.kernels:
        if not kernel.meets_treatment_district:
            continue
        for node in kernel.district:
            given = conditions(fixed, kernel, node)
            population = weighted(task, fits, kernel, node, given)
            trimmed += population.trimmed
            above = population.laws.law(node, given).density(env, env[node])
            below = fits.plain.law(node, pillows[node]).density(env, env[node])
            part = above / divisor(sample[node], below)
            ratio, whole = ratio * part, whole * part
            if not sample[node].is_discrete:
                ratio, cut = clipped(ratio, ratio_share(task))
                trimmed += cut
    return ratio, whole, trimmed


def ratio_share(task: Task) -> float:
    """What part of all weight one row may have of a product of ratios: log n / (5 sqrt n); less of a continuous treatment.

    Source:
        Gruber, Phillips, Lee & van der Laan (2022), Data-adaptive selection of the propensity score truncation level for
        inverse-probability-weighted and targeted maximum likelihood estimators of marginal point treatment effects.
    """
    if bandwidths(task):
        return LARGEST_SHARE
    return max(LARGEST_SHARE, float(np.log(task.sample.n) / (5 * np.sqrt(task.sample.n))))


class AbstractNested(AbstractMethod):
    """An estimator of any identified effect of one treatment."""

    def applies(self, task: Task) -> Yes | No:
        if reason := task.why_not_one_treatment:
            return No(reason)
        fixed = task.fixed
        if not fixed.nested_fixable:
            return No(f"{quote(fixed.treatment)} is not nested fixable: {dict(fixed.reasons)['nested fixable']}")
        sets = {"pillow": fixed.pillow}
        notes = [set_note(f"weights of {quote(fixed.treatment)} given", fixed.pillow)] if fixed.pillow else []
        for kernel in fixed.kernels:
            if kernel.meets_treatment_district:
                district = ", ".join(map(quote, kernel.district))
                sets[f"kernel {district} given"] = kernel.parents
                notes.append(f"{set_note(f'{district} weighted to depend on', kernel.parents)} alone")
        return Yes(sets, "; ".join(filter(None, [*notes, task.instruments_note])))


@register
@dataclass(frozen=True)
class NestedIpw(AbstractNested):
    """Nested inverse weighting: ρ 1(T = t) / p(T | pillow), by default divided by its sum.

    Source:
        Bhattacharya, Nabi & Shpitser (2022), Semiparametric inference for causal effects in graphical models with hidden
        variables, section 6.
    """

    normalised: bool = True
    name: ClassVar[str] = "nested ipw"
    place: ClassVar[int] = 110

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        ratio, uncut, trimmed = kernel_ratio(task, fits)
        inner = _treated(task, fits)
        weights, more = _cut(task, ratio * inner.values)
        outcome = task.sample[task.outcome].values[None]
        values = weighted_mean(fits.weights, weights, outcome, normalised=self.normalised)
        whole = weighted_mean(fits.weights[:1], (uncut * inner.whole)[:1], outcome, normalised=self.normalised)[0]
        made = replace(inner, values=weights, trimmed=trimmed + inner.trimmed + more)
        return weighted_result(task, values, made, whole=float(whole))


@register
@dataclass(frozen=True)
class NestedAipw(AbstractNested):
    """Nested inverse weighting with a regression, both in the population that ρ makes."""

    name: ClassVar[str] = "nested aipw"
    place: ClassVar[int] = 120

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        fixed = task.fixed
        ratio, uncut, trimmed = kernel_ratio(task, fits)
        inner = _treated(task, fits)
        laws = fits.plain.reweighted(ratio, ("ratio",))
        env = task.sample.env(task.sample.columns)
        law = laws.law(task.outcome, (fixed.treatment, *fixed.pillow))
        mean, seen = law.mean(task.set(env)), law.mean(env)
        weights, more = _cut(task, ratio * inner.values)
        total = average(fits.weights, np.maximum(ratio, 1e-300))
        rest = env[task.outcome] - seen
        values = average(fits.weights, ratio * mean + weights * rest) / total
        whole = average(fits.weights[:1], (uncut * (mean + inner.whole * rest))[:1])
        whole = whole / average(fits.weights[:1], np.maximum(uncut, 1e-300)[:1])
        made = replace(inner, values=weights, trimmed=trimmed + inner.trimmed + more)
        return weighted_result(task, values, made, whole=float(whole[0]))


@register
@dataclass(frozen=True)
class WermId(AbstractNested):
    """Weighted regressions, one for each node after the treatment that lies on the way to the outcome, last one first.

    Each regression runs in the population in which the node's district depends on its parents alone; the last one, on
    the treatment, where the treatment is independent of what comes before it.

    Source:
        Jung, Tian & Bareinboim (2020), Learning causal effects via weighted empirical risk minimization.
    """

    name: ClassVar[str] = "werm-id"
    place: ClassVar[int] = 130

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        fixed = task.fixed
        env = task.sample.env(task.sample.columns)
        arguments = frozenset({task.outcome})
        predictor: Predictor | None = None
        effective, trimmed = float(task.sample.n), 0
        after = fixed.order[fixed.order.index(fixed.treatment) + 1 :]
        kernels = {node: kernel for kernel in fixed.kernels for node in kernel.district}
        pillows = dict(fixed.pillows)
        for node in reversed(after):
            if node not in kernels or node not in arguments:
                continue
            kernel = kernels[node]
            rest = arguments - {node}
            if kernel.fixings:
                given = rest | set(conditions(fixed, kernel, node))
                population = weighted(task, fits, kernel, node, given)
                laws, trimmed = population.laws, trimmed + population.trimmed
                effective = min(effective, effective_size(population.weights))
            else:
                given, laws = rest | set(pillows[node]), fits.plain
            predictor = _regressed(task, laws, env, predictor, given, node)
            arguments = given
        assert predictor is not None
        if arguments != {fixed.treatment}:
            key = ("balanced", fixed.treatment, fixed.pillow)
            if key not in fits.kept:
                # The weights are the same whatever value is set: the terms of a contrast share them.
                fits.kept[key] = balanced(task, fits, inverse_of_treatment(task, fits))
            weights = fits.kept[key]
            effective = min(effective, effective_size(weights))
            laws = fits.plain.reweighted(weights, ("treatment",))
            predictor = _regressed(task, laws, env, predictor, frozenset({fixed.treatment}), fixed.treatment)
        values = predictor(task.set(env))
        return Result(values.mean(axis=1), None, effective, trimmed)


def _regressed(
    task: Task,
    laws: Nuisances,
    env: Mapping[Name, FloatArray],
    predictor: Predictor | None,
    given: frozenset[Name],
    node: Name,
) -> Predictor:
    """The mean, given columns, of the outcome itself or of what the last regression predicts of it."""
    if predictor is None:
        return laws.law(task.outcome, given).mean
    return laws.regress(predictor(env), given, ("after", node))


def inverse_of_treatment(task: Task, fits: Fits) -> FloatArray:
    """P(T) / P(T | pillow) of each row: where the treatment is independent of what comes before it."""
    fixed = task.fixed
    env = task.sample.env(task.sample.columns)
    above = fits.plain.law(fixed.treatment, ()).density(env, env[fixed.treatment])
    below = fits.plain.law(fixed.treatment, fixed.pillow).density(env, env[fixed.treatment])
    weights = above / divisor(task.sample[fixed.treatment], below)
    return weights if task.sample[fixed.treatment].is_discrete else clipped(weights)[0]


def balanced(task: Task, fits: Fits, weights: FloatArray) -> FloatArray:
    """The weights of a continuous treatment, moved as little as it takes to make it uncorrelated with its pillow.

    Ratios of densities have a long tail, of which some hundred rows have little: with the ratios as they are the
    treatment keeps a part of its correlation with the pillow, and the regression on it a bias. The treatment and its
    square, the pillow, and their products have the means that they have where both are independent.

    Returns:
        The weights themselves where no positive weights have these means, or the treatment is discrete.

    Source:
        Fong, Hazlett & Imai (2018), Covariate balancing propensity score for a continuous treatment; the exponential form is
        Hainmueller's (2012), Entropy balancing for causal effects.
    """
    fixed = task.fixed
    column = task.sample[fixed.treatment]
    if column.is_discrete or not fixed.pillow:
        return weights
    z = np.clip((column.values - column.mean) / column.sd, -FAR, FAR)
    pillow = Features(tuple(task.sample[name] for name in fixed.pillow), 1)
    beside = pillow.matrix(task.sample.env(fixed.pillow), task.sample.n)[:, 1:]
    width = beside.shape[1]
    if ROWS_PER_MEAN * (2 + 3 * width) > task.sample.n:
        return weights
    moved = np.empty(np.broadcast_shapes(weights.shape, fits.weights.shape))
    start: FloatArray | None = None
    for b, counts in enumerate(fits.weights):
        share = counts / counts.sum()
        powers, others = np.stack([z, z**2], axis=1), beside - share @ beside
        powers = powers - share @ powers
        terms = np.concatenate([powers, others, (powers[:, :, None] * others[:, None]).reshape(len(z), -1)], axis=1)
        before = weights[b if len(weights) > 1 else 0]
        # Replicates have nearly the same answer.
        factors, slopes = tilted(terms, share * before, share, start)
        moved[b], start = factors * before, slopes if slopes is not None else start
    return moved


def tilted(
    terms: FloatArray, shares: FloatArray, least: FloatArray, start: FloatArray | None = None
) -> tuple[FloatArray, FloatArray | None]:
    """Factors exp(λ · terms) with which the weighted means of the terms are zero, and λ, by Newton's method; ones where none are.

    Args:
        terms: (row, term).
        shares: The weights of the rows.
        least: Of the rows; with these weights the sizes of terms are judged.
        start: The λ to begin with.
    """
    sizes = np.sqrt(least @ terms**2)
    sizes = np.where(sizes > 0, sizes, 1.0)
    scaled = terms / sizes
    slopes = np.zeros(scaled.shape[1]) if start is None else start * sizes

    def point(candidate: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """The logarithm of the mean factor, the factors, and the weights with them."""
        exponents = scaled @ candidate
        factors = np.exp(exponents - exponents.max())
        law = shares * factors
        total = law.sum()
        return float(exponents.max() + np.log(total)), factors, law / total

    value, factors, law = point(slopes)
    for _ in range(MOST_STEPS):
        gradient = law @ scaled
        if np.abs(gradient).max() < BALANCE:
            return factors, slopes / sizes
        spread = (law[:, None] * scaled).T @ scaled - np.outer(gradient, gradient)
        step = np.linalg.solve(spread + 1e-9 * np.eye(len(slopes)), gradient)
        length = 1.0
        # Close to the end values differ by less than their rounding.
        close = np.abs(gradient).max() < 1e-4
        after = point(slopes - step)
        while not close and after[0] > value - 1e-4 * length * float(step @ gradient) and length > 1e-4:
            length /= 2
            after = point(slopes - length * step)
        slopes = slopes - length * step
        value, factors, law = after
    return np.ones(len(shares)), None


def _cut(task: Task, weights: FloatArray) -> tuple[FloatArray, int]:
    """The weights as they are, or cut where ratios of densities are among them; and how many rows that changed."""
    fixed = task.fixed
    nodes = (node for kernel in fixed.kernels if kernel.meets_treatment_district for node in kernel.district)
    if all(task.sample[node].is_discrete for node in nodes):
        return weights, 0
    h = bandwidths(task)
    nearness = closeness(task.sample[fixed.treatment], task.treatments[fixed.treatment], h.get(fixed.treatment, 1.0))
    return clipped(weights, largest_share(nearness, ratio_share(task)))


def _treated(task: Task, fits: Fits) -> Weights:
    """1(T = t) / p(T | pillow)."""
    return inverse(task.sample, fits.plain, task.treatments, task.fixed.pillow, bandwidths(task))

"""Any identified effect of one treatment, by weights: what the kernels of the graph are against the observed laws.

A kernel q(D | parents) is reached by fixing the other nodes one after the other. To fix a node means to weight the rows
by a law of its own choice over its conditional in the population weighted so far; under all weights together the
district depends on its parents alone, and its conditionals are ordinary weighted fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.identification import Fixability, Fixing, Kernel

from .adjusting import instruments_note, no_effect
from .estimate import Result
from .laws import Predictor
from .method import AbstractMethod, Fits, No, Yes
from .nuisances import Nuisances
from .sample import FloatArray
from .task import Task
from .weighting import (
    LARGEST_SHARE,
    Weights,
    average,
    bandwidths,
    clipped,
    closeness,
    effective_size,
    inverse,
    kernel_notes,
    largest_share,
    middle_density,
    rare_caution,
    rate_of,
    weighted_mean,
)


@dataclass(frozen=True, eq=False)
class Weighted:
    """The population in which a district depends on its parents alone.

    Attributes:
        laws: Conditionals fitted there.
        weights: Of the rows, (replicate, row).
        trimmed: Rows whose weight was cut.
        used: The nodes that were fixed.
    """

    laws: Nuisances
    weights: FloatArray
    trimmed: int
    used: tuple[Name, ...]


def weighted(task: Task, fits: Fits, kernel: Kernel, keep: Iterable[Name] = ()) -> Weighted:
    """The population of a kernel.

    Args:
        keep: Nodes that the district must not depend on although they are only summed out: they are fixed too.
    """
    sample, kept = task.sample, frozenset(keep)
    env = sample.env(sample.columns)
    steps = [step for step in needed_steps(kernel) if not step.is_sum or step.node in kept]
    laws, weights, trimmed = fits.plain, np.ones((1, sample.n)), 0
    for i, step in enumerate(steps):
        own = laws.law(step.node, step.blanket).density(env, env[step.node])
        column = sample[step.node]
        if column.is_discrete or step.node in kernel.parents:
            chosen = fits.plain.law(step.node, ()).density(env, env[step.node])
        else:
            # The district does not depend on the node, so that any part of its range will do.
            chosen = middle_density(column)
        weights = weights * chosen / np.maximum(own, 1e-12)
        if not column.is_discrete:
            weights, cut = clipped(weights)
            trimmed += cut
        label = (kernel.district, tuple(step.node for step in steps[: i + 1]))
        laws = fits.plain.reweighted(weights, label)
    return Weighted(laws, weights, trimmed, tuple(step.node for step in steps))


def needed_steps(kernel: Kernel) -> tuple[Fixing, ...]:
    """The fixings without the last ones that only turn a joint law into a conditional one, which fits do anyway."""
    steps = list(kernel.fixings)
    while steps:
        fixed = {step.node for step in steps[:-1] if not step.is_sum}
        if steps[-1].is_sum or not set(steps[-1].blanket) <= fixed:
            break
        steps.pop()
    return tuple(steps)


def conditions(fixed: Fixability, kernel: Kernel, node: Name) -> tuple[Name, ...]:
    """What a node of a district depends on under its kernel: all before it of the district and its parents."""
    before = fixed.order[: fixed.order.index(node)]
    return tuple(name for name in before if name in kernel.district or name in kernel.parents)


def kernel_ratio(task: Task, fits: Fits) -> tuple[FloatArray, int]:
    """ρ: the kernels of the districts that meet the treatment's, over the observed laws; and how many weights were cut."""
    fixed = task.fixability
    assert fixed is not None
    sample = task.sample
    env = sample.env(sample.columns)
    pillows = dict(fixed.pillows)
    found: FloatArray = np.ones((1, sample.n))
    trimmed = 0
    for kernel in fixed.kernels:
        if not kernel.meets_treatment_district:
            continue
        population = weighted(task, fits, kernel)
        trimmed += population.trimmed
        for node in kernel.district:
            above = population.laws.law(node, conditions(fixed, kernel, node)).density(env, env[node])
            below = fits.plain.law(node, pillows[node]).density(env, env[node])
            found = found * above / np.maximum(below, 1e-12)
            if not sample[node].is_discrete:
                found, cut = clipped(found)
                trimmed += cut
    return found, trimmed


@dataclass(frozen=True)
class NestedIpw(AbstractMethod):
    """Nested inverse weighting: ρ 1(T = t) / p(T | pillow), by default divided by its sum.

    Source:
        Bhattacharya, Nabi & Shpitser (2022), Semiparametric inference for causal effects in graphical models with hidden
        variables, section 6.
    """

    normalised: bool = True
    name: ClassVar[str] = "nested ipw"

    def applies(self, task: Task) -> Yes | No:
        return nested_sets(task)

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        ratio, trimmed = kernel_ratio(task, fits)
        inner, notes = _treated(task, fits)
        weights, more = _cut(task, ratio * inner.values)
        outcome = task.sample[task.outcome].values[None]
        values = weighted_mean(fits.weights, weights, outcome, normalised=self.normalised)
        whole = weighted_mean(fits.weights[:1], (ratio * inner.whole)[:1], outcome, normalised=self.normalised)[0]
        return Result(
            values,
            None,
            effective_size(weights),
            trimmed + inner.trimmed + more,
            float(whole),
            notes,
            rare_caution(inner.rare, task.sample.n, continuous=bool(inner.bandwidths)),
            rate=rate_of(notes),
        )


@dataclass(frozen=True)
class NestedAipw(AbstractMethod):
    """Nested inverse weighting with a regression, both in the population that ρ makes."""

    name: ClassVar[str] = "nested aipw"

    def applies(self, task: Task) -> Yes | No:
        return nested_sets(task)

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        fixed = task.fixability
        assert fixed is not None
        ratio, trimmed = kernel_ratio(task, fits)
        inner, notes = _treated(task, fits)
        laws = fits.plain.reweighted(ratio, ("ratio",))
        env = task.sample.env(task.sample.columns)
        law = laws.law(task.outcome, (fixed.treatment, *fixed.pillow))
        mean, seen = law.mean(task.set(env)), law.mean(env)
        weights, more = _cut(task, ratio * inner.values)
        cautions = rare_caution(inner.rare, task.sample.n, continuous=bool(inner.bandwidths))
        total = average(fits.weights, np.maximum(ratio, 1e-300))
        values = average(fits.weights, ratio * mean + weights * (env[task.outcome] - seen)) / total
        return Result(
            values,
            None,
            effective_size(weights),
            trimmed + inner.trimmed + more,
            notes=notes,
            cautions=cautions,
            rate=rate_of(notes),
        )


@dataclass(frozen=True)
class WermId(AbstractMethod):
    """Weighted regressions, one for each node after the treatment that lies on the way to the outcome, last one first.

    Each regression runs in the population in which the node's district depends on its parents alone; the last one, on
    the treatment, where the treatment is independent of what comes before it.

    Source:
        Jung, Tian & Bareinboim (2020), Learning causal effects via weighted empirical risk minimization.
    """

    name: ClassVar[str] = "werm-id"

    def applies(self, task: Task) -> Yes | No:
        return nested_sets(task)

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        fixed = task.fixability
        assert fixed is not None
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
                population = weighted(task, fits, kernel, keep=given)
                laws, trimmed = population.laws, trimmed + population.trimmed
                effective = min(effective, effective_size(population.weights))
            else:
                given, laws = rest | set(pillows[node]), fits.plain
            predictor = _regressed(task, laws, env, predictor, given, node)
            arguments = given
        assert predictor is not None
        if arguments != {fixed.treatment}:
            own = inverse_of_treatment(task, fits)
            effective = min(effective, effective_size(own))
            laws = fits.plain.reweighted(own, ("treatment",))
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
    fixed = task.fixability
    assert fixed is not None
    env = task.sample.env(task.sample.columns)
    above = fits.plain.law(fixed.treatment, ()).density(env, env[fixed.treatment])
    below = fits.plain.law(fixed.treatment, fixed.pillow).density(env, env[fixed.treatment])
    weights = above / np.maximum(below, 1e-12)
    return weights if task.sample[fixed.treatment].is_discrete else clipped(weights)[0]


def nested_sets(task: Task) -> Yes | No:
    """The pillow and the kernels of a nested fixable treatment, or why it is none."""
    if reason := task.why_not_one_outcome:
        return No(reason)
    if not task.has_effect:
        return No(no_effect(task))
    fixed = task.fixability
    if fixed is None:
        return No("it takes one treatment.")
    if not fixed.nested_fixable:
        return No(f"{quote(fixed.treatment)} is not nested fixable: {dict(fixed.reasons)['nested fixable']}")
    sets = {"pillow": fixed.pillow}
    for kernel in fixed.kernels:
        if kernel.meets_treatment_district:
            sets[f"kernel {', '.join(map(quote, kernel.district))} given"] = kernel.parents
    return Yes(sets, instruments_note(task))


def _cut(task: Task, weights: FloatArray) -> tuple[FloatArray, int]:
    """The weights as they are, or cut where ratios of densities are among them; and how many rows that changed."""
    fixed = task.fixability
    assert fixed is not None
    nodes = (node for kernel in fixed.kernels if kernel.meets_treatment_district for node in kernel.district)
    if all(task.sample[node].is_discrete for node in nodes):
        return weights, 0
    h = bandwidths(task)
    nearness = closeness(task.sample[fixed.treatment], task.treatments[fixed.treatment], h.get(fixed.treatment, 1.0))
    return clipped(weights, largest_share(nearness) if h else LARGEST_SHARE)


def _treated(task: Task, fits: Fits) -> tuple[Weights, tuple[str, ...]]:
    """1(T = t) / p(T | pillow), and the bandwidth in words."""
    fixed = task.fixability
    assert fixed is not None
    h = bandwidths(task)
    weights = inverse(task.sample, fits.plain, task.treatments, fixed.pillow, h)
    return weights, kernel_notes(task, h)

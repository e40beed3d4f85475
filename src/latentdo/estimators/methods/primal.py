"""The p-fixable family: primal and dual weighting, and the estimator that is right if either half of the models is.

The recursion runs on whatever conditional laws it is given, so that exact laws make it exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.identification import Fixability

from ..method import AbstractMethod, Fits, No, Result, Yes, register, set_note
from ..nuisances import Laws
from ..sample import FloatArray, Sample
from ..task import Task
from ..weighting import (
    LEAST_PROBABILITY,
    T_NODES,
    Weights,
    average,
    bandwidths,
    closeness,
    divisor,
    effective_size,
    far_off,
    weighted_mean,
    weighted_result,
)

INNER_NODES = 9
"""Over how many values of a continuous mediator a regression is averaged exactly."""
MOST_PATHS = 81
"""With more combinations of mediators, the average runs over a sample of them."""


@dataclass(frozen=True, eq=False)
class PrimalProblem:
    """A p-fixable effect: sets and laws, with the rows that they are asked about.

    Attributes:
        sample: The rows.
        laws: Where the conditionals come from.
        treatment: T.
        value: t.
        outcome: Y, the last of the order.
        order: The nodes from T on, in order.
        joined: L: T, and what comes after it in its district.
        pillows: What the law of each node is given.
        h: The bandwidth of a continuous treatment.
    """

    sample: Sample
    laws: Laws
    treatment: Name
    value: float
    outcome: Name
    order: tuple[Name, ...]
    joined: frozenset[Name]
    pillows: Mapping[Name, tuple[Name, ...]]
    h: float = 1.0

    @property
    def is_discrete(self) -> bool:
        """Whether the treatment has levels."""
        return self.sample[self.treatment].is_discrete

    def env(self, treatment: FloatArray) -> dict[Name, FloatArray]:
        """The rows with these values of the treatment: all with the axes (replicate or 1, row or 1, value)."""
        names = {*self.order, *(name for pillow in self.pillows.values() for name in pillow)}
        env = {name: values[..., None] for name, values in self.sample.env(sorted(names)).items()}
        return {**env, self.treatment: treatment}

    @property
    def seen(self) -> FloatArray:
        """The treatment of the rows."""
        return self.sample[self.treatment].values[None, :, None]

    @property
    def set(self) -> FloatArray:
        """The value that is set."""
        return np.full((1, 1, 1), self.value)

    @property
    def near(self) -> FloatArray:
        """1(T = t), or the kernel, (1, row)."""
        return closeness(self.sample[self.treatment], self.value, self.h)

    def values(self) -> tuple[FloatArray, FloatArray]:
        """All t' with their p(t' | pillow), with the axes (replicate, row, t')."""
        law = self.laws.law(self.treatment, self.pillows[self.treatment])
        flat = {name: values[..., 0] for name, values in self.env(self.seen).items()}
        return law.nodes(flat, T_NODES)

    def density(self, node: Name, treatment: FloatArray) -> FloatArray:
        """p(node | pillow) of the rows, the treatment in the pillow having these values."""
        values = self.sample[node].values[None, :, None]
        return self.laws.law(node, self.pillows[node]).density(self.env(treatment), values)

    def own_density(self) -> FloatArray:
        """p(T | pillow) at the rows' own treatment, (replicate, row)."""
        flat = {name: values[..., 0] for name, values in self.env(self.seen).items()}
        density = self.laws.law(self.treatment, self.pillows[self.treatment]).density(flat, self.seen[..., 0])
        return (
            np.maximum(density, LEAST_PROBABILITY)
            if self.is_discrete
            else divisor(self.sample[self.treatment], density)
        )

    def rarity(self) -> tuple[int, int]:
        """Rows at t whose probability of t was raised to the least allowed, and all rows of that kind."""
        flat = {name: values[..., 0] for name, values in self.env(self.seen).items()}
        law = self.laws.law(self.treatment, self.pillows[self.treatment])
        if not self.is_discrete:
            # Replicates show the same again, and nobody reads theirs.
            is_first = self.pillows[self.treatment] and len(self.own_density()) == 1
            return 0, far_off(law, flat, self.value) if is_first else 0
        chance = law.density(flat, self.set[..., 0])
        small = np.broadcast_to(chance[:1] < LEAST_PROBABILITY, self.near.shape)
        return int((small & (self.near > 0)).sum()), int(small.sum())

    def ratio(self, before: int) -> FloatArray:
        """w_M: the product over mediators before a place of p(M | pillow) at T = t over that of the rows, (replicate, row)."""
        product: FloatArray = np.ones((1, self.sample.n))
        for node in self.order[1:before]:
            if node not in self.joined and self.treatment in self.pillows[node]:
                above, below = self.density(node, self.set), self.density(node, self.seen)
                product = product * (above / divisor(self.sample[node], below))[..., 0]
        return product

    def joint(self, before: int, treatment: FloatArray) -> FloatArray:
        """The product over L without T, before a place, of p(L | pillow) at these values of the treatment."""
        product: FloatArray = np.ones((1, 1, 1))
        for node in self.order[1:before]:
            if node in self.joined:
                product = product * self.density(node, treatment)
        return product

    def regression(self, place: int, treatment: FloatArray, first: FloatArray | None = None) -> FloatArray:
        """q of a place: Y averaged over all from there on, mediators under t, L under these values of the treatment.

        Args:
            first: What the treatment is to the mediator at the place itself; t unless given.

        Returns:
            (replicate, row, value).
        """
        if place == len(self.order):
            return self.sample[self.outcome].values[None, :, None]
        return integrate(self, place, treatment, self.set if first is None else first)


def integrate(problem: PrimalProblem, place: int, treatment: FloatArray, first: FloatArray) -> FloatArray:
    """The backward recursion run forwards: paths of values of the nodes that the outcome's mean depends on, each weighted."""
    env = {name: values[..., None] for name, values in problem.env(treatment).items()}
    in_district, other = treatment[..., None], problem.set[..., None]
    share: FloatArray = np.ones((1, 1, 1, 1))
    n_paths = 1
    for i in range(place, len(problem.order) - 1):
        node = problem.order[i]
        if not _matters(problem, i):
            continue
        law = problem.laws.law(node, problem.pillows[node])
        given = {
            **env,
            problem.treatment: in_district if node in problem.joined else first[..., None] if i == place else other,
        }
        column = problem.sample[node]
        width = len(column.levels) if column.levels is not None else INNER_NODES
        if n_paths * width <= MOST_PATHS:
            values, weights = law.nodes(given, INNER_NODES)
            # A law that was not fitted to the rows may know of more levels.
            width = weights.shape[-1]
            env = {name: _spread(old, width) for name, old in env.items()}
            share = _flat(share[..., None] * weights)
            env[node] = _flat(np.broadcast_to(values, np.broadcast_shapes(values.shape, (1, 1, 1, n_paths, width))))
            n_paths *= width
        else:
            # Every path goes on with one value; the same numbers at every row cancel in differences.
            uniforms = (np.random.default_rng(i).permutation(n_paths) + 0.5) / n_paths
            env[node] = law.draw(given, uniforms.reshape(1, 1, 1, -1))
    law = problem.laws.law(problem.outcome, problem.pillows[problem.outcome])
    if place == len(problem.order) - 1:
        other = first[..., None]
    env[problem.treatment] = in_district if problem.outcome in problem.joined else other
    return (law.mean(env) * share).sum(axis=-1)


def _matters(problem: PrimalProblem, i: int) -> bool:
    """Whether a later law that matters is given the node; nothing else has to be averaged over."""
    needed = set(problem.pillows[problem.outcome])
    for node in reversed(problem.order[i + 1 : -1]):
        if node in needed:
            needed |= set(problem.pillows[node])
    return problem.order[i] in needed


def _flat(values: FloatArray) -> FloatArray:
    return values.reshape(*values.shape[:-2], -1)


def _spread(values: FloatArray, width: int) -> FloatArray:
    """Each path repeated, for what has paths."""
    return np.repeat(values, width, axis=-1) if values.shape[-1] > 1 else values


def primal_terms(problem: PrimalProblem) -> tuple[FloatArray, FloatArray]:
    """β of primal weighting: the weight of each row, and what it multiplies; (replicate, row) each."""
    last = len(problem.order) - 1
    values, shares = problem.values()
    above = shares * problem.joint(last, values)
    below = problem.own_density() * problem.joint(last, problem.seen)[..., 0]
    near = problem.near
    if problem.outcome in problem.joined:
        means = problem.regression(last, values)
        return near / below * above.sum(axis=-1), (above * means).sum(axis=-1) / above.sum(axis=-1)
    return near / below * above.sum(axis=-1), problem.sample[problem.outcome].values[None]


def dual_terms(problem: PrimalProblem) -> tuple[FloatArray, FloatArray]:
    """β of dual weighting: the weight of each row, and what it multiplies; (replicate, row) each."""
    last = len(problem.order) - 1
    if problem.outcome in problem.joined:
        return problem.ratio(last), problem.sample[problem.outcome].values[None]
    return problem.ratio(last), problem.regression(last, problem.set)[..., 0]


def augmented_terms(problem: PrimalProblem, counts: FloatArray, *, levelled: bool) -> FloatArray:
    """The uncentred influence function of the effect, (replicate, row).

    Args:
        counts: What the rows count, (replicate, row).
        levelled: Whether weights are divided by their means.

    Source:
        Bhattacharya, Nabi & Shpitser (2022), Semiparametric inference for causal effects in graphical models with hidden
        variables, theorem 11.
    """

    def level(weights: FloatArray) -> FloatArray:
        return weights / average(counts, weights)[:, None] if levelled else weights

    values, shares = problem.values()
    near, density = problem.near, problem.own_density()
    total = problem.regression(1, problem.seen)[..., 0]
    for i in range(1, len(problem.order)):
        node = problem.order[i]
        # A step over what no later law is given changes nothing.
        if i < len(problem.order) - 1 and not _matters(problem, i):
            continue
        if node in problem.joined:
            step = problem.regression(i + 1, problem.seen) - problem.regression(i, problem.seen)
            total = total + level(problem.ratio(i)) * step[..., 0]
            continue
        # Near t but not at it, a mediator is compared with its own law there, or the kernel's width would be a bias.
        step = problem.regression(i + 1, values) - problem.regression(i, values, problem.seen)
        above = shares * problem.joint(i, values)
        weights = near / (density * problem.joint(i, problem.seen)[..., 0])
        mass = above.sum(axis=-1)
        total = total + level(weights * mass) * (above * step).sum(axis=-1) / mass
    return total


def sets_of_fixed(fixed: Fixability) -> tuple[dict[str, tuple[Name, ...]], str]:
    """What comes before the treatment, what is joined to it and what else comes after it, for programs and for people."""
    treatment = quote(fixed.treatment)
    others = tuple(name for name in fixed.joined if name != fixed.treatment)
    by_words = {
        f"before {treatment}": fixed.before,
        f"hidden causes join {treatment} to": others,
        # An outcome that no hidden cause joins to the treatment is in M too, and mediates nothing.
        "mediators": tuple(name for name in fixed.mediators if name not in fixed.outcomes),
    }
    note = "; ".join(set_note(words, names) for words, names in by_words.items() if names)
    return {"C": fixed.before, "L": fixed.joined, "M": fixed.mediators}, note


class AbstractPrimal(AbstractMethod):
    """An estimator of the effect of a p-fixable treatment: none of its children shares its hidden causes."""

    def applies(self, task: Task) -> Yes | No:
        if reason := task.why_not_one_treatment:
            return No(reason)
        fixed = task.fixed
        if not fixed.p_fixable:
            return No(f"{quote(fixed.treatment)} is not p-fixable: {dict(fixed.reasons)['p-fixable']}")
        sets, note = sets_of_fixed(fixed)
        return Yes(sets, "; ".join(filter(None, [note, task.instruments_note])))


@register
@dataclass(frozen=True)
class Pipw(AbstractPrimal):
    """Primal inverse weighting: right if the models of the treatment and of what shares its hidden causes are."""

    normalised: bool = True
    name: ClassVar[str] = "pipw"
    place: ClassVar[int] = 80

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        problem = primal_problem(task, fits.plain)
        return _weighted(task, problem, fits, *primal_terms(problem), normalised=self.normalised, kernel=True)


@register
@dataclass(frozen=True)
class Dipw(AbstractPrimal):
    """Dual inverse weighting: right if the models of the mediators are, and of the outcome where no hidden cause joins it."""

    normalised: bool = True
    name: ClassVar[str] = "dipw"
    place: ClassVar[int] = 90

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        problem = primal_problem(task, fits.plain)
        return _weighted(task, problem, fits, *dual_terms(problem), normalised=self.normalised, kernel=False)


@register
@dataclass(frozen=True)
class Apipw(AbstractPrimal):
    """Augmented primal weighting, cross-fitted: right if either half of the models is.

    Weights are divided by their means where the treatment is continuous: density ratios have a long tail.
    """

    crossfit: bool = True
    name: ClassVar[str] = "apipw"
    place: ClassVar[int] = 100

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        problem = primal_problem(task, fits.crossed if self.crossfit else fits.plain)
        terms = augmented_terms(problem, fits.weights, levelled=not problem.is_discrete)
        last = len(problem.order) - 1
        effective = effective_size(problem.ratio(last))
        if problem.outcome not in problem.joined or len(problem.joined) < len(problem.order):
            effective = min(effective, effective_size(problem.near / problem.own_density()))
        values = average(fits.weights, terms)
        return _result(task, problem, values, np.ones((1, 1)), influence=terms[0], effective=effective)


def primal_problem(task: Task, laws: Laws, fixed: Fixability | None = None) -> PrimalProblem:
    """The problem that the graph states, with these laws.

    Args:
        fixed: The sets of the treatment; those without instruments unless given.
    """
    fixed = task.fixed if fixed is None else fixed
    return PrimalProblem(
        task.sample,
        laws,
        fixed.treatment,
        task.treatments[fixed.treatment],
        task.outcome,
        fixed.order[fixed.order.index(fixed.treatment) :],
        frozenset(fixed.joined),
        dict(fixed.pillows),
        bandwidths(task).get(fixed.treatment, 1.0),
    )


def primal_size(problem: PrimalProblem) -> int:
    """How many numbers per replicate the recursion holds at once."""
    levels = [problem.sample[name].levels for name in problem.order]
    widths = [INNER_NODES if each is None else len(each) for each in levels]
    values = T_NODES if levels[0] is None else widths[0]
    return min(prod(widths[1:]), MOST_PATHS) * values * problem.sample.n


def _weighted(
    task: Task,
    problem: PrimalProblem,
    fits: Fits,
    weights: FloatArray,
    values: FloatArray,
    *,
    normalised: bool,
    kernel: bool,
) -> Result:
    return _result(
        task, problem, weighted_mean(fits.weights, weights, values, normalised=normalised), weights, kernel=kernel
    )


def _result(
    task: Task, problem: PrimalProblem, values: FloatArray, weights: FloatArray, *, kernel: bool = True, **others: Any
) -> Result:
    """The result with its cautions; without a kernel no weight is that of the treatment."""
    trimmed, rare = problem.rarity() if kernel else (0, 0)
    made = Weights(weights, weights, trimmed, rare, bandwidths(task) if kernel else {})
    return weighted_result(task, values, made, size=primal_size(problem), **others)

"""From the traces of a verdict to the formula: Q[district] carried step by step, never P(V)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from latentdo.graphs import Mask, Name, bits, reach, union

from ..criteria.districts import Trace, markov_pillow
from .expression import Expression, Prob, Quotient, length_of, parts
from .formulas import Factors, Formulas, factors_of
from .merging import conditioned, finished, ratio, telling
from .reduction import Problem
from .simplify import Plan


@dataclass(frozen=True)
class Formula:
    """A formula in P(V) for one problem.

    Attributes:
        expression: The law of the problem's outcomes given its conditions, or for a joint problem a law
            that is in the same proportions.
        evidence: For a joint problem the same law summed over the term's outcomes: what to divide by at last.
        free: The nodes that it mentions although its value does not depend on them.
        merged: Whether a ratio in it was shortened by what the graph separates: without that, the whole may be shorter.
    """

    expression: Expression
    evidence: Expression | None
    free: tuple[Name, ...]
    merged: bool = False

    @property
    def has_ratio(self) -> bool:
        """Whether a fraction stroke stands in it."""
        return any(isinstance(part, Quotient) for part in parts(self.expression))

    @property
    def length(self) -> int:
        """About as many characters as it has in print, shared parts as often as they stand there."""
        return sum(length_of(whole) for whole in (self.expression, self.evidence) if whole)

    @property
    def laws(self) -> Iterator[Prob]:
        """Every P(…) that it mentions; those of experiments with what they set."""
        for whole in (self.expression, self.evidence):
            yield from (part for part in parts(whole) if isinstance(part, Prob)) if whole else ()


def construct(problem: Problem, plan: Plan) -> Formula:
    """The formula of a problem, written as planned."""
    formulas = Formulas(plan.masks, merges=plan.merges)
    expression = whole(formulas, problem, plan)
    factors = factors_of(expression)
    meant = problem.outcomes | problem.conditions | problem.acting | plan.regime & problem.treatments
    evidence = formulas.one(formulas.total(problem.asked, factors)) if problem.is_joint else None
    free = sorted(problem.masks.nodes(formulas.free(factors) & ~meant))
    return Formula(expression, evidence, tuple(free), formulas.merged_in_ratio)


def whole(formulas: Formulas, problem: Problem, plan: Plan) -> Expression:
    """The formula that a plan describes, as one expression."""
    expression = formulas.one(write(formulas, problem, plan))
    return finished(formulas, expression, shorten=formulas.merged)


def write(formulas: Formulas, problem: Problem, plan: Plan) -> Factors:
    """The factors of the formula that a plan describes."""
    match plan.form:
        case "seeing":
            return [shortened(formulas, plan.outcomes, plan.given | plan.seen, plan.regime)]
        case "adjustment":
            seen = plan.given | plan.seen | plan.covariates
            inner = shortened(formulas, plan.outcomes, seen, plan.regime)
            weights = shortened(formulas, plan.covariates, plan.given, plan.regime)
            return formulas.total(plan.covariates, [inner, weights])
        case "districts":
            needed = reach(plan.outcomes, plan.masks.parents, ~plan.treatments)
            factors = [factor for trace in plan.traces for factor in district_factors(formulas, trace)]
            factors = formulas.total(needed & ~plan.outcomes, factors)
            if problem.is_joint or plan.outcomes == problem.outcomes:
                return factors
            return conditioned(formulas, factors, problem.outcomes)


def shortened(formulas: Formulas, outcomes: Mask, given: Mask, do: Mask = 0) -> Expression:
    """P(outcomes | do(do), given) without the conditions that the others shield the outcomes from."""
    return formulas.prob(outcomes, telling(formulas, outcomes, given, do), do)


@dataclass(frozen=True)
class Kernel:
    """Q[nodes] as a sum over `summed` of the product of one factor for each node of `nodes` and `summed`.

    The factor of a node mentions nodes before it, of `nodes` and `summed`, and nodes outside both; it is a
    law of its node, so that a sum over the last node of `summed` that nothing else mentions is one.
    """

    nodes: Mask
    summed: Mask
    factors: dict[int, Expression]


def district_factors(formulas: Formulas, trace: Trace) -> Factors:
    """The factors of Q[district].

    Source:
        Tian & Pearl (2003), On the identification of causal effects, lemmas 3 and 4.
    """
    kernel = observed(formulas, trace)
    for joined, ancestors in trace.steps[1:]:
        kernel = split_off(formulas, kernel, joined, ancestors)
    return formulas.total(kernel.summed, kernel.factors.values())


def observed(formulas: Formulas, trace: Trace) -> Kernel:
    """Where a trace starts: a factor P(v | do(regime), Markov pillow) for each v of its first district."""
    (joined, ancestors), regime, masks = trace.steps[0], trace.regime, formulas.masks
    within = reach(trace.district, masks.parents, ~regime)
    pillows = {i: markov_pillow(masks, i, within & (1 << i) - 1) & ~regime for i in bits(joined)}
    factors = {i: formulas.prob(1 << i, pillow, regime) for i, pillow in pillows.items()}
    return Kernel(ancestors, joined & ~ancestors, factors)


def split_off(formulas: Formulas, kernel: Kernel, joined: Mask, ancestors: Mask) -> Kernel:
    """Q[ancestors] from Q[kernel.nodes], where `joined` is a district of the graph over the latter.

    The factor of v is Q[nodes up to v] / Q[nodes before v]. Nodes outside `joined` that cause nothing in it
    are summed in both, which leaves the ratio as it is and makes both shorter.
    """
    summed = kernel.summed | kernel.nodes & ~(joined | union(formulas.masks.parents, joined))
    factors: dict[int, Expression] = {}
    before: list[tuple[Expression, Mask]] = []
    for i, factor in kernel.factors.items():
        free = formulas.free([factor])
        if joined >> i & 1:
            # A factor that no summed node touches is its own ratio.
            entangled = free & kernel.summed
            factors[i] = ratio(formulas, *ratio_group(factor, free & summed, before)) if entangled else factor
        before.append((factor, free & summed))
    return Kernel(ancestors, joined & ~ancestors, factors)


def ratio_group(
    factor: Expression, names: Mask, before: list[tuple[Expression, Mask]]
) -> tuple[Mask, Expression, Factors]:
    """What is summed in the ratio of a node's factor, the factor, and those it is summed with.

    The ratio is the sum of this factor times those before it, over the sum of those alone. Factors that share no
    summed node with this one, directly or through others, are the same above and below.
    """
    group: Factors = []
    seen = 0
    while seen != names:
        seen = names
        apart: list[tuple[Expression, Mask]] = []
        for pair in before:
            if pair[1] & seen:
                group.append(pair[0])
                names |= pair[1]
            else:
                apart.append(pair)
        before = apart
    return names, factor, group

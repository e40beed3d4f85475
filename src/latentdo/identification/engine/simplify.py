"""Which formula to write: the textbook's form where one applies, else the recursion on as few nodes as it takes.

A formula of a projection of the graph is a formula of the graph, so nodes that identification can do without are
hidden before the recursion starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from latentdo.graphs import Mask, Masks, bits, connected, hidden, reach

from ..criteria.adjustment import adjustment_set
from ..criteria.districts import HedgeMasks, Trace, decide
from .reduction import Problem, exchange

# Up to this many nodes are tried one by one, more of them in blocks.
FEW = 12
# The search for a short formula ends after so many verdicts, with what it has.
MOST_VERDICTS = 100
MOST_IN_VAIN = 24


@dataclass(frozen=True)
class Plan:
    """How a term's formula is written.

    Attributes:
        form: `seeing`: P(outcomes | treatments, conditions); `adjustment`: that, averaged over more nodes;
            `districts`: the recursion of Tian.
        masks: The graph over the nodes that the formula needs; the others have no edges.
        treatments: The treatments that the law of outcomes and conditions can depend on; for `districts`
            with the conditions that are set instead of seen.
        outcomes: The outcomes; for `districts` with the conditions that stay.
        given: The conditions; none for `districts`.
        covariates: For `adjustment`, what is averaged over.
        traces: For `districts`, how each district is reached.
        regime: For `seeing` and `adjustment`, what is set in the experiment that shows it; nothing for P(V).
    """

    form: Literal["seeing", "adjustment", "districts"]
    masks: Masks
    treatments: Mask
    outcomes: Mask
    given: Mask = 0
    covariates: Mask = 0
    traces: tuple[Trace, ...] = ()
    regime: Mask = 0

    @property
    def seen(self) -> Mask:
        """The treatments that are seen in place of being set."""
        return self.treatments & ~self.regime


def plan_of(problem: Problem, traces: tuple[Trace, ...]) -> Plan:
    """The plan of a problem that `decide` found identified by these traces."""
    masks, treatments = problem.masks, problem.acting
    outcomes, given = problem.outcomes, problem.conditions
    if problem.drawn:
        outcomes, given = outcomes | given, 0
    if not treatments or not connected(masks.cut(0, treatments), outcomes, given) & treatments:
        return Plan("seeing", masks, treatments, outcomes, given)
    shown = [regime for regime in problem.regimes if _is_shown(problem, treatments, outcomes, given, regime)]
    for regime in shown:
        # What an experiment sets is out of reach for everything else: it takes its edges along.
        plan = Plan("seeing", masks, treatments | regime & problem.treatments, outcomes, given, regime=regime)
        if not connected(masks.cut(regime, regime | plan.seen), outcomes, given) & plan.seen:
            return plan
    for regime in (0, *shown):
        # Adjustment by what the treatments do not cause has a proof of three lines, with or without conditions.
        plan = Plan("adjustment", masks, treatments | regime & problem.treatments, outcomes, given, regime=regime)
        left = masks.cut(regime, regime) if regime else masks
        apart = ~(reach(plan.seen, left.children) | regime)
        covariates = None if given & ~apart else adjustment_set(left, plan.seen, outcomes, apart, given)
        if covariates is not None:
            return replace(plan, covariates=covariates & ~given)
    treatments, outcomes = exchange(problem)
    masks, traces = shrink(masks, treatments, outcomes, traces, problem.regimes)
    return Plan("districts", masks, treatments, outcomes, traces=traces)


def _is_shown(problem: Problem, treatments: Mask, outcomes: Mask, given: Mask, regime: Mask) -> bool:
    """Whether what an experiment sets beside the treatments makes no difference to the law that is asked for (rule 3)."""
    if regime & (outcomes | given):
        return False
    do = treatments | regime & problem.treatments
    more = regime & ~do
    above = reach(given, problem.masks.cut(do).parents)
    return not connected(problem.masks.cut(do | more & ~above), outcomes, do | given) & more


def shrink(
    masks: Masks, treatments: Mask, outcomes: Mask, traces: tuple[Trace, ...], regimes: tuple[Mask, ...] = ()
) -> tuple[Masks, tuple[Trace, ...]]:
    """The graph without the nodes that P(outcomes | do(treatments)) can do without, and its traces.

    Of few nodes, none can be left out of what stays without the effect being lost or needing more ratios than before;
    of many, the search may end early. Nodes that the treatments cause go first, the late ones before the early ones,
    then the others, the early ones first: so a front door keeps the mediator next to its treatment, and an adjustment
    the nodes next to the outcome.

    Source:
        Tikka & Karvanen (2018), Enhancing identification of causal effects by pruning, whose sets are subsets
        of these.
    """
    needed = reach(outcomes, masks.parents)
    held = 0
    for regime in {trace.regime for trace in traces}:
        held |= regime
    regimes = tuple(regime for regime in regimes if not regime & ~held)
    masks = hidden(masks, masks.all & ~(needed | treatments | held))
    between = needed & ~(treatments | outcomes | held)
    caused = reach(treatments, masks.children) & between
    order = [*reversed(list(bits(caused))), *bits(between & ~caused)]
    # Many nodes are tried in blocks, so that a large graph of which little is needed is done in a few verdicts.
    blocks = [order] if len(order) > FEW else [[i] for i in order]
    blocks.reverse()
    limit, tried, useful = ratios(traces), 0, 0
    while blocks and tried < MOST_VERDICTS and tried - useful < MOST_IN_VAIN:
        block = blocks.pop()
        smaller = hidden(masks, sum(1 << i for i in block))
        decided = decide(smaller, treatments, outcomes, regimes)
        tried += 1
        if not isinstance(decided, HedgeMasks) and ratios(decided) <= limit:
            masks, traces, limit, useful = smaller, decided, ratios(decided), tried
        elif len(block) > 1:
            half = len(block) // 2
            blocks += [block[half:], block[:half]]
    return masks, traces


def ratios(traces: tuple[Trace, ...]) -> int:
    """How often a district has to be split off what is no longer P(V): each time costs a layer of ratios."""
    return sum(len(trace.steps) - 1 for trace in traces)


def name_of(problem: Problem, plan: Plan, is_front_door: Callable[[Masks, Mask, Mask, Mask], bool]) -> str:
    """What the textbooks call the formula that a plan writes."""
    if plan.regime or any(trace.regime for trace in plan.traces):
        return "experiment" if plan.form == "seeing" else "experiment and formula"
    match plan.form:
        case "seeing":
            return "seeing is doing" if plan.treatments else "no effect" if problem.treatments else "P(V)"
        case "adjustment":
            return "back-door"
        case "districts":
            mediators = reach(plan.outcomes, plan.masks.parents, ~plan.treatments) & ~plan.outcomes
            if ratios(plan.traces):
                return "ratio"
            if mediators and is_front_door(plan.masks, plan.treatments, plan.outcomes, mediators):
                return "front-door"
            if all(trace.steps[0][0] == trace.district for trace in plan.traces):
                return "g-formula"
            return "general formula"

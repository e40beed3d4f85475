"""Which formula to write: the textbook's form where one applies, else the recursion on as few nodes as it takes.

A formula of a projection of the graph is a formula of the graph, so nodes that identification can do without are
hidden before the recursion starts.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

from latentdo.graphs import Mask, Masks, bits, connected, hidden, reach, union

from ..criteria.adjustment import smallest_adjustment_set
from ..criteria.districts import HedgeMasks, Trace, decide
from ..criteria.front_door import conditional_front_door, front_door_set, is_conditional_front_door, is_front_door_set
from .reduction import Problem, exchange

# Up to this many nodes are tried one by one, more of them in blocks.
FEW = 12
# Up to this many, every smaller choice of nodes is tried, too.
FEWEST = 8
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
        merges: For `districts`, whether ratios may be shortened by what the graph separates.
    """

    form: Literal["seeing", "adjustment", "districts"]
    masks: Masks
    treatments: Mask
    outcomes: Mask
    given: Mask = 0
    covariates: Mask = 0
    traces: tuple[Trace, ...] = ()
    regime: Mask = 0
    merges: bool = True

    @property
    def seen(self) -> Mask:
        """The treatments that are seen in place of being set."""
        return self.treatments & ~self.regime


def plans_of(problem: Problem, traces: tuple[Trace, ...]) -> list[Plan]:
    """The plans of a problem that `decide` found identified by these traces, of which the shortest formula is to be taken.

    In this order: what is seen, observed or in an experiment; adjustment; then the recursion on different nodes, those of a
    front door first. Several plans are several choices of nodes for the recursion.
    """
    masks, treatments = problem.masks, problem.acting
    outcomes, given = problem.outcomes, problem.conditions
    if problem.drawn:
        outcomes, given = outcomes | given, 0
    if not treatments or not connected(masks.cut(0, treatments), outcomes, given) & treatments:
        return [Plan("seeing", masks, treatments, outcomes, given)]
    shown = [regime for regime in problem.regimes if _is_shown(problem, treatments, outcomes, given, regime)]
    for regime in shown:
        # What an experiment sets is out of reach for everything else: it takes its edges along.
        plan = Plan("seeing", masks, treatments | regime & problem.treatments, outcomes, given, regime=regime)
        if not connected(masks.cut(regime, regime | plan.seen), outcomes, given) & plan.seen:
            return [plan]
    for regime in (0, *shown):
        # Adjustment by what the treatments do not cause has a proof of three lines, with or without conditions.
        plan = Plan("adjustment", masks, treatments | regime & problem.treatments, outcomes, given, regime=regime)
        left = masks.cut(regime, regime) if regime else masks
        apart = ~(reach(plan.seen, left.children) | regime)
        covariates = None if given & ~apart else smallest_adjustment_set(left, plan.seen, outcomes, apart, given)
        if covariates is not None:
            return [replace(plan, covariates=covariates & ~given)]
    treatments, outcomes = exchange(problem)
    return [
        Plan("districts", fewer, treatments, outcomes, traces=ways)
        for fewer, ways in choices(masks, treatments, outcomes, traces, problem.regimes)
    ]


def _is_shown(problem: Problem, treatments: Mask, outcomes: Mask, given: Mask, regime: Mask) -> bool:
    """Whether what an experiment sets beside the treatments makes no difference to the law that is asked for (rule 3)."""
    if regime & (outcomes | given):
        return False
    do = treatments | regime & problem.treatments
    more = regime & ~do
    above = reach(given, problem.masks.cut(do).parents)
    return not connected(problem.masks.cut(do | more & ~above), outcomes, do | given) & more


Choice = tuple[Masks, tuple[Trace, ...]]


def choices(
    masks: Masks, treatments: Mask, outcomes: Mask, traces: tuple[Trace, ...], regimes: tuple[Mask, ...] = ()
) -> list[Choice]:
    """Graphs without nodes that P(outcomes | do(treatments)) can do without, each with its traces: front doors first.

    Of few nodes, none can be left out of what stays without the effect being lost or needing more ratios than before, and
    no smaller number of them does; of many, the search may end early. Nodes that the treatments cause go first, the
    late ones before the early ones, then the others, the early ones first: so a front door keeps the mediator next to its
    treatment, and an adjustment the nodes next to the outcome.

    Source:
        Tikka & Karvanen (2018), Enhancing identification of causal effects by pruning, whose sets are subsets
        of these.
    """
    search = _Search(masks, treatments, outcomes, traces, regimes)
    found = [search.shrunk()]
    if search.refused and (again := search.shrunk_again()):
        found.insert(0, again)
    # Past an arrow from a treatment into an outcome there is no front door.
    direct = union(search.masks.children, treatments) & outcomes
    if not direct and not door_of(found[0][0], treatments, outcomes) and not any(trace.regime for trace in traces):
        doors = front_door_set(search.masks, treatments, outcomes)
        pair = conditional_front_door(search.masks, treatments, outcomes) if doors is None else (doors, 0)
        if pair is not None and (door := search.on(pair[0] | pair[1])):
            found.insert(0, door)
    return found


class _Search:
    """The search for nodes to leave out."""

    def __init__(
        self, masks: Masks, treatments: Mask, outcomes: Mask, traces: tuple[Trace, ...], regimes: tuple[Mask, ...]
    ) -> None:
        held = 0
        for trace in traces:
            held |= trace.regime
        needed = reach(outcomes, masks.parents)
        self.treatments, self.outcomes, self.traces = treatments, outcomes, traces
        self.regimes = tuple(regime for regime in regimes if not regime & ~held)
        self.masks = hidden(masks, masks.all & ~(needed | treatments | held))
        self.between = needed & ~(treatments | outcomes | held)
        caused = reach(treatments, masks.children) & self.between
        self.order = [*reversed(list(bits(caused))), *bits(self.between & ~caused)]
        self.limit, self.tried, self.useful = ratios(traces), 0, 0
        self.best: Choice = (self.masks, traces)
        self.refused: list[int] = []

    def _try(self, masks: Masks) -> bool:
        """Whether the effect is identified in a smaller graph, with no more ratios; then that is the best so far."""
        decided = decide(masks, self.treatments, self.outcomes, self.regimes)
        self.tried += 1
        if isinstance(decided, HedgeMasks) or ratios(decided) > self.limit:
            return False
        self.best, self.limit, self.useful = (masks, decided), ratios(decided), self.tried
        return True

    def shrunk(self) -> Choice:
        """What one round leaves. Many nodes are tried in blocks: a large graph of which little is needed takes few verdicts."""
        blocks = [self.order] if len(self.order) > FEW else [[i] for i in self.order]
        blocks.reverse()
        while blocks and self.tried < MOST_VERDICTS and self.tried - self.useful < MOST_IN_VAIN:
            block = blocks.pop()
            if self._try(hidden(self.best[0], sum(1 << i for i in block))):
                continue
            if len(block) > 1:
                half = len(block) // 2
                blocks += [block[half:], block[:half]]
            else:
                self.refused.append(block[0])
        return self.best

    def shrunk_again(self) -> Choice | None:
        """What further rounds find: a node that had to stay may go once others are gone, or another choice be smaller."""
        first = self.best
        found = len(self.refused) < len(self.order)
        while found and self.tried < MOST_VERDICTS:
            found = False
            for i in list(self.refused):
                if self._try(hidden(self.best[0], 1 << i)):
                    self.refused.remove(i)
                    found = True
        if len(self.order) <= FEWEST:
            self._fewer(len(self.refused))
        return None if self.best is first else self.best

    def _fewer(self, size: int) -> None:
        """The first choice of fewer nodes, if there is one."""
        for count in range(1, size):
            for kept in itertools.combinations(reversed(self.order), count):
                if self.tried >= MOST_VERDICTS:
                    return
                if self._try(hidden(self.masks, self.between & ~sum(1 << i for i in kept))):
                    return

    def on(self, kept: Mask) -> Choice | None:
        """The graph over these nodes, where it identifies the effect."""
        return self.best if self._try(hidden(self.masks, self.between & ~kept)) else None


def door_of(masks: Masks, treatments: Mask, outcomes: Mask, seen: Mask = 0) -> str:
    """Which front door all the nodes of a graph beside treatments and outcomes are, or nothing.

    Args:
        seen: Treatments that the question sees: covariates here.
    """
    treatments &= ~seen
    others = sum(1 << i for i in bits(masks.all) if masks.parents[i] | masks.children[i] | masks.spouses[i])
    others &= ~(treatments | outcomes)
    mediators = others & reach(treatments, masks.children)
    if not mediators:
        return ""
    given = others & ~mediators | seen
    if not seen and is_front_door_set(masks, treatments, outcomes, others):
        return "front-door"
    return "conditional front-door" if is_conditional_front_door(masks, treatments, outcomes, mediators, given) else ""


def ratios(traces: tuple[Trace, ...]) -> int:
    """How often a district has to be split off what is no longer P(V): each time costs a layer of ratios."""
    return sum(len(trace.steps) - 1 for trace in traces)


def name_of(problem: Problem, plan: Plan, *, has_ratio: bool) -> str:
    """What the textbooks call the formula that a plan writes."""
    if plan.regime or any(trace.regime for trace in plan.traces):
        return "experiment" if plan.form == "seeing" else "experiment and formula"
    match plan.form:
        case "seeing":
            return "seeing is doing" if plan.treatments else "no effect" if problem.treatments else "P(V)"
        case "adjustment":
            return "back-door"
        case "districts":
            seen = plan.treatments & ~problem.treatments
            if plan.outcomes == problem.outcomes and (
                door := door_of(plan.masks, plan.treatments, plan.outcomes, seen)
            ):
                return door
            if ratios(plan.traces) and has_ratio:
                return "ratio"
            if all(trace.steps[0][0] == trace.district for trace in plan.traces):
                return "g-formula"
            return "general formula"

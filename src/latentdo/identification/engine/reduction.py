"""From a term to the bare question that the recursion on districts answers.

Evidence that tells nothing is dropped, evidence that can be set instead of seen is set (IDC), treatments
that reach nothing are left out. Everything is a bitset over the sorted nodes of the ADMG.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from latentdo.graphs import Mask, Masks, bits, connected, reach, union
from latentdo.query import Distribution, Term


@dataclass(frozen=True)
class Problem:
    """P(outcomes | do(treatments), conditions): a term without the evidence that tells nothing.

    Attributes:
        asked: The term's outcomes.
        outcomes: The nodes whose joint law is wanted: the term's outcomes, and evidence that is an event.
        treatments: The nodes that are set.
        conditions: Evidence that is a value.
        drawn: Treatments that are drawn from a law and that the evidence tells something about.
        regimes: What is set in each experiment that is known besides P(V).
    """

    masks: Masks
    asked: Mask
    outcomes: Mask
    treatments: Mask
    conditions: Mask
    drawn: Mask = 0
    regimes: tuple[Mask, ...] = ()

    @cached_property
    def acting(self) -> Mask:
        """The treatments that the law of outcomes and conditions can depend on."""
        return acting(self.masks, self.treatments, self.outcomes | self.conditions)

    @property
    def is_joint(self) -> bool:
        """Whether evidence can only be divided by after summing, over an event or over a drawn treatment."""
        return self.outcomes != self.asked or bool(self.drawn)


def acting(masks: Masks, treatments: Mask, targets: Mask) -> Mask:
    """The treatments that a directed path joins to `targets` past the other treatments."""
    return treatments & union(masks.parents, reach(targets, masks.parents, ~treatments))


def problem_of(masks: Masks, term: Term, regimes: tuple[Mask, ...] = ()) -> Problem:
    """The problem that a term states on the graph, with what each experiment sets."""
    treatments = masks.mask(term.treatments)
    evidence = masks.mask(term.conditions)
    asked = masks.mask(term.outcome_names)
    if not evidence:
        return Problem(masks, asked, asked, treatments, 0, 0, regimes)
    events = masks.mask(outcome.name for outcome in term.given if outcome.op not in ("", "="))
    drawn = masks.mask(setting.name for setting in term.do if isinstance(setting.value, Distribution))
    cut = masks.cut(treatments)
    outcomes = asked
    while True:
        conditions = informative(cut, outcomes, evidence & ~outcomes, treatments & ~drawn)
        # P(y | z in A, w) needs the law of z given w: then z is an outcome too, and w may tell of it.
        if not conditions & events:
            break
        outcomes |= conditions & events
    if outcomes | conditions == asked:
        drawn = 0
    for i in bits(drawn):
        # What the outcomes are separated from by the evidence may as well be set to any one value.
        if not connected(cut, outcomes, conditions | treatments & ~drawn) >> i & 1:
            drawn &= ~(1 << i)
    return Problem(masks, asked, outcomes, treatments, conditions, drawn, regimes)


def informative(masks: Masks, outcomes: Mask, evidence: Mask, given: Mask = 0) -> Mask:
    """The evidence without what the rest of it, with `given`, m-separates from the outcomes."""
    for i in bits(evidence):
        if not connected(masks, outcomes, given | evidence & ~(1 << i)) >> i & 1:
            evidence &= ~(1 << i)
    return evidence


def exchange(problem: Problem) -> tuple[Mask, Mask]:
    """The treatments and outcomes of the unconditional question that decides the problem.

    Evidence z moves into do() while the outcome is m-separated from z, given the rest, in the graph without
    edges into the treatments and out of z (rule 2); the conditions that stay become outcomes. A drawn
    treatment is one of the outcomes here: evidence that tells something about it has to stay.

    Source:
        Shpitser & Pearl (2006b), Identification of conditional interventional distributions, IDC and
        theorem 6.
    """
    moved = 0
    for seen in exchanges(problem):
        moved |= seen
    return problem.treatments | moved, problem.outcomes | problem.conditions & ~moved


def exchanges(problem: Problem) -> Iterator[Mask]:
    """The conditions that `exchange` moves into do(), one by one: each supposes that those before it were."""
    treatments, conditions = problem.treatments, problem.conditions
    wanted = problem.outcomes | problem.drawn
    moved = bool(conditions)
    while moved:
        moved = False
        for i in bits(conditions):
            seen = 1 << i
            cut = problem.masks.cut(treatments, seen)
            if not connected(cut, wanted, (treatments | conditions) & ~(seen | problem.drawn)) & seen:
                treatments |= seen
                conditions &= ~seen
                moved = True
                yield seen

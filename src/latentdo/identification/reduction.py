"""From a term to the bare question that the recursion on districts answers.

Evidence that tells nothing is dropped, evidence that can be set instead of seen is set (IDC), treatments that reach
nothing are left out. Everything is a bitset over the sorted nodes of the ADMG.
"""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, bits, connected, reach
from latentdo.query import Distribution, Term


@dataclass(frozen=True)
class Problem:
    """P(outcomes | do(treatments), conditions), as it stands in the term after evidence that tells nothing is gone.

    Attributes:
        asked: The term's outcomes.
        outcomes: The nodes whose joint law is wanted: the term's outcomes, and evidence that is an event.
        treatments: The nodes that are set.
        conditions: Evidence that has to be conditioned on.
        joint: Whether the law of outcomes and conditions together is needed, so that no evidence may be set instead.
    """

    masks: Masks
    asked: Mask
    outcomes: Mask
    treatments: Mask
    conditions: Mask
    joint: bool = False


def problem_of(masks: Masks, term: Term) -> Problem:
    """The problem that a term states on the graph."""
    treatments = masks.mask(term.treatments)
    evidence = masks.mask(term.conditions)
    asked = masks.mask(term.outcome_names)
    if not evidence:
        return Problem(masks, asked, asked, treatments, 0)
    events = masks.mask(outcome.name for outcome in term.given if outcome.op not in ("", "="))
    drawn = masks.mask(setting.name for setting in term.do if isinstance(setting.value, Distribution))
    cut = masks.cut(treatments)
    outcomes = asked
    while True:
        conditions = _telling(cut, outcomes, evidence & ~outcomes, treatments & ~drawn)
        # P(y | z in A, w) needs the law of z given w: then z is an outcome, and w must tell nothing about it either.
        if not conditions & events:
            break
        outcomes |= conditions & events
    mixed = drawn & reach(outcomes | conditions, cut.parents)
    joint = bool(outcomes != asked or (mixed and conditions))
    return Problem(masks, asked, outcomes, treatments, conditions, joint)


def _telling(cut: Masks, outcomes: Mask, evidence: Mask, given: Mask) -> Mask:
    """The evidence that is not m-separated from the outcomes by the rest of it."""
    for i in bits(evidence):
        if not connected(cut, outcomes, given | evidence & ~(1 << i)) >> i & 1:
            evidence &= ~(1 << i)
    return evidence


def exchange(problem: Problem) -> tuple[Mask, Mask]:
    """The treatments and outcomes of the unconditional question that decides the problem.

    Evidence z moves into do() while the outcome is m-separated from z, given the rest, in the graph without edges into
    the treatments and out of z (rule 2); the conditions that stay become outcomes.

    Source:
        Shpitser & Pearl (2006b), Identification of conditional interventional distributions, IDC and theorem 6.
    """
    treatments, conditions = problem.treatments, problem.conditions
    moved = not problem.joint
    while moved:
        moved = False
        for i in bits(conditions):
            seen = 1 << i
            cut = problem.masks.cut(treatments, seen)
            if not connected(cut, problem.outcomes, treatments | conditions & ~seen) & seen:
                treatments |= seen
                conditions &= ~seen
                moved = True
    return treatments, problem.outcomes | conditions

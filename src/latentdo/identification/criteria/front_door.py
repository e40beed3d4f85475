"""Front-door sets: nodes through which all of an effect passes, and which latent causes leave alone, perhaps given covariates.

For such a set Z, P(y | do(x)) = Σ_z P(z | x) Σ_x' P(y | x', z) P(x').
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from latentdo.graphs import Mask, Masks, bits, connected, reach, union


def front_door_set(masks: Masks, treatments: Mask, outcomes: Mask) -> Mask | None:
    """A front-door set for P(outcomes | do(treatments)) of which no proper subset is one, or None.

    Source:
        Jeong, Tian & Bareinboim (2022), Finding and listing front-door adjustment sets; Wienöbst, van der
        Zander & Liśkiewicz (2024), Linear-time algorithms for front-door adjustment in causal graphs.
    """
    chosen = largest_front_door_set(masks, treatments, outcomes)
    if chosen is None:
        return None
    # The causal paths alone often do, and leave little to try; but a set may need nodes beside them.
    below = reach(treatments, masks.children) & reach(outcomes, masks.parents)
    if chosen & ~below:
        fewer = _largest(masks, treatments, outcomes, chosen & below)
        chosen = chosen if fewer is None else fewer
    # If no set is left without a node, then none is left without it in a smaller choice either: one round.
    for i in bits(chosen):
        if chosen >> i & 1:
            fewer = _largest(masks, treatments, outcomes, chosen & ~(1 << i))
            chosen = chosen if fewer is None else fewer
    return chosen


def largest_front_door_set(
    masks: Masks, treatments: Mask, outcomes: Mask, allowed: Mask = -1, required: Mask = 0
) -> Mask | None:
    """The front-door set that contains all others, or None where there is none.

    Source:
        Jeong, Tian & Bareinboim (2022), algorithm 1, with the graph conditions of definition 1 for sets.
    """
    free = _apart_from_causes(masks, treatments, masks.all & allowed & ~(treatments | outcomes))
    return _largest(masks, treatments, outcomes, free, required)


@dataclass(frozen=True)
class FrontDoorObstacle:
    """What stands in the way of every front-door set.

    Attributes:
        kind: `direct`, an arrow from a treatment into an outcome; `treatment` or `outcome`, causes that nodes on the way
            have in common with it.
        nodes: The two ends of the arrow, or the nodes on the way.
    """

    kind: Literal["direct", "treatment", "outcome"]
    nodes: Mask


def front_door_obstacle(masks: Masks, treatments: Mask, outcomes: Mask) -> FrontDoorObstacle:
    """The first condition that no set meets, for an effect that has no front-door set."""
    for i in bits(treatments):
        for j in bits(masks.children[i] & outcomes):
            return FrontDoorObstacle("direct", 1 << i | 1 << j)
    between = reach(treatments, masks.children) & reach(outcomes, masks.parents) & ~(treatments | outcomes)
    free = _apart_from_causes(masks, treatments, masks.all & ~(treatments | outcomes))
    if reach(treatments, masks.children, ~free) & outcomes:
        return FrontDoorObstacle("treatment", between & ~free)
    while reach(treatments, masks.children, ~free) & outcomes == 0:
        free &= ~_leaking(masks, treatments, outcomes, free, 0)
    return FrontDoorObstacle("outcome", between & ~free & _apart_from_causes(masks, treatments, between))


def conditional_front_door(
    masks: Masks, treatments: Mask, outcomes: Mask, *, least: bool = True
) -> tuple[Mask, Mask] | None:
    """A set through which all of an effect passes, and covariates given which it is a front-door set; no node too many.

    Then P(y | do(x)) = Σ_c P(c) Σ_z P(z | x, c) Σ_x' P(y | x', z, c) P(x' | c): the front door within each value of what
    the treatments do not cause. None where neither of two choices of covariates does: all that come before treatments and
    outcomes, or before treatments and the nodes on the way.

    Args:
        least: Whether nodes that are not needed have to be left out.
    """
    if union(masks.children, treatments) & outcomes:
        return None
    below = reach(treatments, masks.children) & ~treatments
    between = below & reach(outcomes, masks.parents) & ~outcomes
    before = [
        reach(ends, masks.parents) & ~(below | treatments | outcomes)
        for ends in (treatments | outcomes, treatments | between)
    ]
    for given in dict.fromkeys(before):
        free = _apart_from_causes(masks, treatments, between, given)
        nodes = _largest(masks, treatments, outcomes, free, 0, given)
        if nodes is not None:
            return _least(masks, treatments, outcomes, nodes, given) if least else (nodes, given)
    return None


def _least(masks: Masks, treatments: Mask, outcomes: Mask, nodes: Mask, given: Mask) -> tuple[Mask, Mask]:
    """The set without nodes, then the covariates without those, that can be left out one at a time."""
    for i in bits(nodes):
        if nodes >> i & 1:
            fewer = _largest(masks, treatments, outcomes, nodes & ~(1 << i), 0, given)
            nodes = nodes if fewer is None else fewer
    for i in bits(given):
        if is_conditional_front_door(masks, treatments, outcomes, nodes, given & ~(1 << i)):
            given &= ~(1 << i)
    return nodes, given


def is_conditional_front_door(masks: Masks, treatments: Mask, outcomes: Mask, nodes: Mask, given: Mask) -> bool:
    """Whether `nodes`, which the treatments cause, are a front-door set given covariates that they do not cause."""
    below = reach(treatments, masks.children) & ~treatments
    if nodes & ~below or given & (below | treatments) or (nodes | given) & outcomes:
        return False
    if nodes & ~_apart_from_causes(masks, treatments, nodes, given):
        return False
    return _largest(masks, treatments, outcomes, nodes, nodes, given) is not None


def _apart_from_causes(masks: Masks, treatments: Mask, free: Mask, given: Mask = 0) -> Mask:
    """Condition 2: the nodes that nothing joins to a treatment by a path that leads into it."""
    return free & ~connected(masks.cut(0, treatments), treatments, given)


def _leaking(masks: Masks, treatments: Mask, outcomes: Mask, free: Mask, given: Mask) -> Mask:
    """Condition 3: the nodes that a path into them, not blocked by the treatments, joins to an outcome."""
    return connected(masks.cut(0, free), outcomes, treatments | given) & free


def _largest(
    masks: Masks, treatments: Mask, outcomes: Mask, free: Mask, required: Mask = 0, given: Mask = 0
) -> Mask | None:
    # Condition 3: the treatments block what leads into the set and on to the outcomes. What a node outside
    # the set lets through, it lets through for every smaller set too: so each that fails can go for good.
    while True:
        if required & ~free or reach(treatments, masks.children, ~free) & outcomes:  # condition 1
            return None
        failing = _leaking(masks, treatments, outcomes, free, given)
        if not failing:
            return free
        free &= ~failing


def is_front_door_set(masks: Masks, treatments: Mask, outcomes: Mask, nodes: Mask) -> bool:
    """Whether `nodes` is a front-door set for P(outcomes | do(treatments)).

    Source:
        Pearl (2009), Causality, definition 3.3.3, for sets as in Jeong, Tian & Bareinboim (2022).
    """
    return largest_front_door_set(masks, treatments, outcomes, nodes, nodes) is not None


def front_door_sets(masks: Masks, treatments: Mask, outcomes: Mask) -> Iterator[Mask]:
    """Every front-door set once, with polynomial delay; there may be exponentially many.

    Source:
        Jeong, Tian & Bareinboim (2022), algorithm 3.
    """
    largest = largest_front_door_set(masks, treatments, outcomes)
    # Each branch (may hold, must hold) has a set in it, the whole of what it may hold: none is in vain.
    branches = [] if largest is None else [(largest, 0)]
    while branches:
        free, must = branches.pop()
        open_nodes = free & ~must
        if not open_nodes:
            yield must
            continue
        node = open_nodes & -open_nodes
        branches.append((free, must | node))
        without = _largest(masks, treatments, outcomes, free & ~node, must)
        if without is not None:
            branches.append((without, must))

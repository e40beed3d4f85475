"""Adjustment sets: whether P(y | do(x)) = Σ_z P(y | x, z) P(z), the sets for which it is, the best of them; instruments.

Everything here lives in the proper back-door graph, the graph without the first edges of the causal paths:
a set of nodes that no causal path forbids is valid exactly if it m-separates treatments and outcomes there. An
instrument moves the treatment and reaches the outcome through it alone, given a set: it is m-separated from the
outcome there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, bits, connected, reach, union

from .separators import Walks, minimal_separator, minimal_separators, smallest_separator


@dataclass(frozen=True)
class BackDoor:
    """The proper back-door graph of treatments and outcomes.

    Attributes:
        walks: The graph.
        causal: The nodes other than treatments on causal paths that leave the treatments at once.
        free: The nodes that an adjustment set may hold: no treatment, no outcome, no descendant of `causal`.
    """

    walks: Walks
    causal: Mask
    free: Mask


def back_door(masks: Masks, treatments: Mask, outcomes: Mask) -> BackDoor:
    """The proper back-door graph, with what it forbids.

    Source:
        van der Zander, Liśkiewicz & Textor (2019), Separators and adjustment sets in causal graphs,
        section 5; Perković et al. (2018), Complete graphical characterization, definition 4.3.
    """
    causal = reach(union(masks.children, treatments), masks.children, ~treatments) & reach(
        outcomes, masks.parents, ~treatments
    )
    parents, children = list(masks.parents), list(masks.children)
    for i in bits(causal):
        parents[i] &= ~treatments
    for i in bits(treatments):
        children[i] &= ~causal
    free = masks.all & ~(treatments | outcomes | reach(causal, masks.children))
    return BackDoor(Walks(parents, children, masks.spouses), causal, free)


def adjustment_set(
    masks: Masks, treatments: Mask, outcomes: Mask, allowed: Mask = -1, required: Mask = 0
) -> Mask | None:
    """An adjustment set for P(outcomes | do(treatments)) that no node can be left out of, or None.

    Of the two that are found at once, the one nearest the outcomes and the one nearest the treatments, it is
    the smaller, the first if they are as large.

    Args:
        allowed: The nodes that it may hold.
        required: Nodes that it must hold.

    Source:
        van der Zander, Liśkiewicz & Textor (2019), Separators and adjustment sets in causal graphs, section 5.
    """
    graph = back_door(masks, treatments, outcomes)
    free = graph.free & allowed
    nearest = minimal_separator(graph.walks, treatments, outcomes, free, required)
    if nearest is None or (nearest & ~required).bit_count() < 2:
        return nearest
    other = minimal_separator(graph.walks, outcomes, treatments, free, required)
    return nearest if other is None or nearest.bit_count() <= other.bit_count() else other


def smallest_adjustment_set(
    masks: Masks, treatments: Mask, outcomes: Mask, allowed: Mask = -1, required: Mask = 0
) -> Mask | None:
    """An adjustment set with as few nodes as there can be, of several the one with the smallest variance, or None."""
    graph = back_door(masks, treatments, outcomes)
    return smallest_separator(graph.walks, treatments, outcomes, graph.free & allowed, required)


def minimal_adjustment_sets(
    masks: Masks, treatments: Mask, outcomes: Mask, allowed: Mask = -1, required: Mask = 0
) -> Iterator[Mask]:
    """Every minimal adjustment set once, the one nearest the outcomes first; there may be exponentially many."""
    graph = back_door(masks, treatments, outcomes)
    return minimal_separators(graph.walks, treatments, outcomes, graph.free & allowed, required)


def is_adjustment_set(masks: Masks, treatments: Mask, outcomes: Mask, nodes: Mask) -> bool:
    """Whether Σ_z P(outcomes | treatments, z) P(z) over `nodes` is P(outcomes | do(treatments)) in every model.

    Source:
        Shpitser, VanderWeele & Robins (2010), On the validity of covariate adjustment; Perković et al. (2018),
        theorem 5.3.
    """
    graph = back_door(masks, treatments, outcomes)
    return not nodes & ~graph.free and graph.walks.separates(treatments, outcomes, nodes)


@dataclass(frozen=True)
class BestMask:
    """The adjustment set that gives estimators their smallest variance: `best` of all, or of the minimal ones."""

    nodes: Mask
    best: bool


def best_adjustment_set(masks: Masks, treatments: Mask, outcomes: Mask) -> BestMask | None:
    """The set with the smallest asymptotic variance in every model of the graph, or None if none is valid.

    With latent causes no set need be the best in every model. Then it is the best of the minimal sets, which
    always exists: the one nearest the outcomes.

    Source:
        Without latents Henckel, Perković & Maathuis (2022), theorem 3.10; with them Runge (2021), Necessary
        and sufficient graphical conditions for optimal adjustment sets, theorem 3; the best of the minimal sets
        is that of Smucler, Sapienza & Rotnitzky (2022), theorem 2.
    """
    graph = back_door(masks, treatments, outcomes)
    nearest = minimal_separator(graph.walks, treatments, outcomes, graph.free)
    if nearest is None:
        return None
    search = _BestSearch(masks, graph, treatments, outcomes)
    if not search.some_holds_more_than(nearest):
        return BestMask(nearest, best=True)
    # Beside an outcome that no treatment affects, its own descendants are free, and the theorem says nothing.
    if not outcomes & ~graph.causal and search.is_best():
        return BestMask(search.rich, best=True)
    return BestMask(nearest, best=False)


# How many paths of colliders are tried before a set is no longer claimed to be the best of all.
MAX_PATHS = 2000


class _BestSearch:
    """The set that explains the outcomes best, and whether another could be better in some model.

    Attributes:
        near: The parents of the causal nodes.
        above: The ancestors of treatments and outcomes.
        colliders: The nodes that paths of colliders join to causal nodes and that conditioning may open.
        rich: Both, and the parents of the colliders.
    """

    def __init__(self, masks: Masks, graph: BackDoor, treatments: Mask, outcomes: Mask) -> None:
        self.masks, self.graph, self.free = masks, graph, graph.free
        free = graph.free
        self.treatments, self.outcomes = treatments, outcomes
        self.near = union(masks.parents, graph.causal) & free
        self.above = reach(treatments | outcomes, masks.parents) & free
        safe = free & (self.above | ~connected(masks, treatments, self.above | self.near))
        self.colliders = reach(graph.causal, masks.spouses, graph.causal | safe) & ~graph.causal
        self.rich = self.near | self.colliders | union(masks.parents, self.colliders)

    def some_holds_more_than(self, nodes: Mask) -> bool:
        """Whether some adjustment set holds a node outside `nodes`."""
        return any(self._some_holds(1 << i) for i in bits(self.free & ~nodes))

    def is_best(self) -> bool:
        """Whether the rich set is valid, and no valid set says more of the outcomes, or less of the treatments."""
        valid = not self.rich & ~self.free and self.graph.walks.separates(self.treatments, self.outcomes, self.rich)
        return valid and not self._more_of_outcomes() and not self._less_of_treatments()

    def _more_of_outcomes(self) -> bool:
        """Condition I: a node outside, with a path of colliders to a causal node, fits into some valid set."""
        causal, spouses = self.graph.causal, self.masks.spouses
        outside = union(spouses, causal | self.colliders) & self.free & ~self.rich
        paths = [(1 << i, 1 << i) for i in bits(outside)]
        seen = set(paths)
        while paths:
            end, path = paths.pop()
            if not self._some_holds(path):
                continue
            along = union(spouses, end)
            if along & causal or len(seen) > MAX_PATHS:
                return True
            new = {(1 << i, path | 1 << i) for i in bits(along & self.rich & ~path)} - seen
            seen |= new
            paths += new
        return False

    def _less_of_treatments(self) -> bool:
        """Condition II: a node that tells of the treatments is joined to the outcomes avoidably."""
        causal, masks = self.graph.causal, self.masks
        inside = reach(causal, masks.spouses, causal | self.rich & self.above)
        joined = inside | union(masks.spouses, inside) | union(masks.parents, inside)
        suspects = self.rich & ~(self.near | joined)
        return any(connected(masks, self.treatments, self.rich & ~(1 << i)) >> i & 1 for i in bits(suspects))

    def _some_holds(self, nodes: Mask) -> bool:
        """Whether some adjustment set holds `nodes`."""
        return minimal_separator(self.graph.walks, self.treatments, self.outcomes, self.free, nodes) is not None


def instruments(masks: Masks, treatment: Mask, outcome: Mask) -> Iterator[tuple[int, Mask]]:
    """Pairs (the instrument's number, conditioning set), one for each node that is an ancestral instrument.

    Ancestral means that what is conditioned on are ancestors of instrument or outcome in the graph without the
    first edges of the causal paths. To find every other set is NP-hard. What the treatment causes is left out: it
    moves no treatment, though the ratio may be right in a linear model.

    Source:
        van der Zander, Textor & Liśkiewicz (2015), Efficiently finding conditional instruments for causal
        inference, theorems 1 and 2; Brito & Pearl (2002), Generalized instrumental variables.
    """
    graph = back_door(masks, treatment, outcome)
    for i in bits(graph.free & ~reach(treatment, masks.children)):
        node = 1 << i
        # Near the outcome, so that as much as may be stays open between the instrument and the treatment.
        given = minimal_separator(graph.walks, node, outcome, graph.free & ~node)
        if given is not None and connected(masks, node, given) & treatment:
            yield i, given

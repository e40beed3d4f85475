"""Adjustment sets: whether P(y | do(x)) = Σ_z P(y | x, z) P(z), the sets for which it is, the best of them.

Everything here lives in the proper back-door graph, the graph without the first edges of the causal paths:
a set of nodes that no causal path forbids is valid exactly if it m-separates treatments and outcomes there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, bits, connected, reach

from .separators import Walks, minimal_separator, minimal_separators


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
    below = 0
    for i in bits(treatments):
        below |= masks.children[i]
    causal = reach(below, masks.children, ~treatments) & reach(outcomes, masks.parents, ~treatments)
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
    found = minimal_separator(graph.walks, treatments, outcomes, free, required)
    if found is None or (found & ~required).bit_count() < 2:
        return found
    other = minimal_separator(graph.walks, outcomes, treatments, free, required)
    return found if other is None or found.bit_count() <= other.bit_count() else other


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


def best_adjustment_set(masks: Masks, treatments: Mask, outcomes: Mask, allowed: Mask = -1) -> BestMask | None:
    """The set with the smallest asymptotic variance in every model, where one is proved to be, or None if none is valid.

    With latent causes no set need be best in every model. Then it is the best of the minimal sets, which
    always exists: the one nearest the outcomes.

    Source:
        Without latents Henckel, Perković & Maathuis (2022), theorem 3.13. With them Runge (2021), Necessary
        and sufficient graphical conditions for optimal adjustment sets, theorem 3, whose first condition is
        checked here as lemma 1 of Rotnitzky & Smucler (2020) needs it; the best of the minimal sets is that
        of Smucler, Sapienza & Rotnitzky (2022), theorem 2.
    """
    graph = back_door(masks, treatments, outcomes)
    free = graph.free & allowed
    nearest = minimal_separator(graph.walks, treatments, outcomes, free)
    if nearest is None:
        return None
    nodes = _rich_set(masks, graph, treatments, outcomes, free)
    if nodes is not None and _is_best(masks, graph, treatments, outcomes, free, nodes):
        return BestMask(nodes, best=True)
    return BestMask(nearest, best=False)


def _rich_set(masks: Masks, graph: BackDoor, treatments: Mask, outcomes: Mask, free: Mask) -> Mask | None:
    """What explains the outcomes best: parents of the causal nodes, colliders joined to them, their parents."""
    if outcomes & ~graph.causal:  # descendants of an outcome that nothing affects would be free
        return None
    near = 0
    for i in bits(graph.causal):
        near |= masks.parents[i]
    near &= free
    above = reach(treatments | outcomes, masks.parents) & free
    safe = free & (above | ~connected(masks, treatments, above | near))
    colliders = reach(graph.causal, masks.spouses, graph.causal | safe) & ~graph.causal
    nodes = near | colliders
    for i in bits(colliders):
        nodes |= masks.parents[i]
    if nodes & ~free or not graph.walks.separates(treatments, outcomes, nodes):
        return None
    return nodes


def _is_best(masks: Masks, graph: BackDoor, treatments: Mask, outcomes: Mask, free: Mask, nodes: Mask) -> bool:
    # What another valid set could hold must tell nothing more about the outcomes.
    for i in bits(connected(masks, outcomes, nodes | treatments) & free & ~nodes):
        if minimal_separator(graph.walks, treatments, outcomes, free, 1 << i) is not None:
            return False
    # What tells of the treatments must be joined to the outcomes in a way that no valid set can avoid.
    near = 0
    for i in bits(graph.causal):
        near |= masks.parents[i]
    above = reach(treatments | outcomes, masks.parents)
    for i in bits(nodes & ~near):
        node = 1 << i
        if not connected(masks, treatments, nodes & ~node) & node:
            continue
        inside = reach(graph.causal, masks.spouses, graph.causal | nodes & above)
        joined = inside
        for j in bits(inside):
            joined |= masks.parents[j] | masks.spouses[j]
        if not joined & node:
            return False
    return True

"""Adjustment sets: whether Σ_z P(y | x, z) P(z) is P(y | do(x)), the sets for which it is, the best of them.

Everything here lives in the proper back-door graph, the graph without the first edges of the causal paths:
a set of nodes that no causal path forbids is valid exactly if it m-separates treatments and outcomes there.
"""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, bits, reach


@dataclass(frozen=True)
class BackDoor:
    """The proper back-door graph of treatments and outcomes.

    Attributes:
        parents: Parents in it, and so on.
        treatments: The nodes that are set.
        outcomes: The nodes asked about.
        causal: The nodes other than treatments on causal paths that leave the treatments at once.
        forbidden: The descendants of those nodes: none of them is in an adjustment set.
    """

    parents: list[Mask]
    children: list[Mask]
    spouses: tuple[Mask, ...]
    treatments: Mask
    outcomes: Mask
    causal: Mask
    forbidden: Mask

    def ancestors(self, nodes: Mask) -> Mask:
        """The nodes with a directed path into `nodes`, themselves included."""
        return reach(nodes, self.parents)

    def border(self, start: Mask, separator: Mask, within: Mask) -> Mask:
        """What `start` touches in the moral graph of the ancestral set `within` without passing `separator`.

        Nodes of the separator are touched, not passed: those in the result are its border to `start`.
        """
        parents, children, spouses = self.parents, self.children, self.spouses
        touched = passed = todo = start
        while todo:
            low = todo & -todo
            i = low.bit_length() - 1
            if low & separator:  # arrived at by an arrowhead: a collider, which leads on by arrowheads only
                up, along = parents[i] & within, spouses[i] & within
            else:
                up, along = parents[i] & within, (children[i] | spouses[i]) & within
            touched |= up | along
            new = (up & ~separator | along) & ~passed
            passed |= new
            todo = (todo ^ low) | new
        return touched


def back_door(masks: Masks, treatments: Mask, outcomes: Mask) -> BackDoor:
    """The proper back-door graph, with what it forbids.

    Source:
        van der Zander, Liśkiewicz & Textor (2019), Separators and adjustment sets in causal graphs,
        definitions 4.1 and 4.6; Perković et al. (2018), Complete graphical characterization, definition 4.3.
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
    forbidden = reach(causal, masks.children)
    return BackDoor(parents, children, masks.spouses, treatments, outcomes, causal, forbidden)


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
        van der Zander, Liśkiewicz & Textor (2019), theorems 4.4 and 4.9; two walks for a minimal separator:
        van der Zander & Liśkiewicz (2020), Finding minimal d-separators in linear time, algorithm 2.
    """
    graph = back_door(masks, treatments, outcomes)
    free = allowed & ~(treatments | outcomes | graph.forbidden)
    if required & ~free:
        return None
    within = graph.ancestors(treatments | outcomes | required)
    free &= within
    near_outcomes = graph.border(outcomes, free, within)
    if near_outcomes & treatments:
        return None
    near_outcomes = near_outcomes & free | required
    found = graph.border(treatments, near_outcomes, within) & near_outcomes | required
    if (found & ~required).bit_count() < 2:
        return found
    near_treatments = graph.border(treatments, free, within) & free | required
    other = graph.border(outcomes, near_treatments, within) & near_treatments | required
    return other if other.bit_count() < found.bit_count() else found

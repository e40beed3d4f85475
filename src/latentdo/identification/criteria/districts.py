"""The recursion on districts that decides P(outcomes | do(treatments)), on bitsets."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, bits, components, reach


@dataclass(frozen=True)
class Trace:
    """How Q[district] is reached from P(V).

    Attributes:
        district: A district of the graph without the treatments, over the ancestors of the outcomes.
        steps: Pairs (S, T), each S a district that contains `district`, T the ancestors of `district`
            within S; the first S lies in the graph over the ancestors of `district`, each later one in its
            T, the last T is `district`.
    """

    district: Mask
    steps: tuple[tuple[Mask, Mask], ...]


@dataclass(frozen=True)
class HedgeMasks:
    """Two bidirected-connected sets, the larger leading into the smaller; treatments in the larger alone."""

    larger: Mask
    smaller: Mask


def decide(masks: Masks, treatments: Mask, outcomes: Mask) -> tuple[Trace, ...] | HedgeMasks:
    """One trace for each district that the outcomes need, or the first hedge.

    Source:
        Tian (2002), Studies in causal reasoning and learning, chapter 5; Huang & Valtorta (2006),
        Identifiability in causal Bayesian networks, theorem 4; the hedge is that of Shpitser & Pearl
        (2006a), theorem 4.
    """
    needed = reach(outcomes, masks.parents, ~treatments)
    traces: list[Trace] = []
    for district in components(needed, masks.spouses):
        trace = _trace(masks, district)
        if isinstance(trace, HedgeMasks):
            return trace
        traces.append(trace)
    return tuple(traces)


def _trace(masks: Masks, district: Mask) -> Trace | HedgeMasks:
    outside = 0
    for i in bits(district):
        outside |= masks.spouses[i] & ~district
    if not outside:  # no need to look for ancestors that nothing latent joins to it
        return Trace(district, ((district, district),))
    within = reach(district, masks.parents)
    steps: list[tuple[Mask, Mask]] = []
    while True:
        joined = reach(district, masks.spouses, within)
        within = reach(district, masks.parents, joined)
        if within == joined != district:
            return HedgeMasks(joined, district)
        steps.append((joined, within))
        if within == district:
            return Trace(district, tuple(steps))

"""Districts on bitsets: the recursion that decides P(outcomes | do(treatments)), pillows, fixing, and hedges."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, bits, components, reach, union


@dataclass(frozen=True)
class Trace:
    """How Q[district] is reached from P(V), or from P(V | do(regime)).

    Attributes:
        district: A district of the graph without the treatments, over the ancestors of the outcomes.
        steps: Pairs (S, T), each S a district that contains `district`, T the ancestors of `district`
            within S; the first S lies in the graph over the ancestors of `district`, without the regime, each
            later one in its T, the last T is `district`.
        regime: What is set in the experiment that the law comes from; nothing for P(V).
    """

    district: Mask
    steps: tuple[tuple[Mask, Mask], ...]
    regime: Mask = 0


@dataclass(frozen=True)
class HedgeMasks:
    """Two bidirected-connected sets, the larger leading into the smaller; treatments in the larger alone.

    Attributes:
        larger: The larger set; experiments that set nothing of the smaller leave all of it alone, where one can.
        smaller: The smaller set.
        thicket: For each experiment that sets nothing of the smaller set, the larger set that it leaves.
    """

    larger: Mask
    smaller: Mask
    thicket: tuple[tuple[Mask, Mask], ...] = ()

    @property
    def is_spared(self) -> bool:
        """Whether no experiment touches the larger set without touching the smaller: one hedge for all laws."""
        return not any(regime & self.larger for regime, _ in self.thicket)


def decide(
    masks: Masks, treatments: Mask, outcomes: Mask, regimes: tuple[Mask, ...] = ()
) -> tuple[Trace, ...] | HedgeMasks:
    """One trace for each district that the outcomes need, or the first hedge, one that all experiments spare if there is one.

    Args:
        regimes: What is set in each experiment that is known besides P(V).

    Source:
        Tian (2002), Studies in causal reasoning and learning, chapter 5; Huang & Valtorta (2006),
        Identifiability in causal Bayesian networks, theorem 4; the hedge is that of Shpitser & Pearl
        (2006a), theorem 4. With experiments Lee, Correa & Bareinboim (2019), General identifiability with arbitrary
        surrogate experiments, theorem 3; Kivva et al. (2022), Revisiting the general identifiability problem,
        theorems 1 and 2: each district has to be identified from one of the laws that set nothing of it.
    """
    needed = reach(outcomes, masks.parents, ~treatments)
    traces: list[Trace] = []
    thicket: HedgeMasks | None = None
    for district in components(needed, masks.spouses):
        trace = _trace(masks, district)
        if regimes and isinstance(trace, HedgeMasks):
            trace = _from_experiments(masks, trace, regimes)
        if not isinstance(trace, HedgeMasks):
            traces.append(trace)
        elif trace.is_spared:
            return trace
        else:
            thicket = thicket or trace
    return thicket or tuple(traces)


def _from_experiments(masks: Masks, hedge: HedgeMasks, regimes: tuple[Mask, ...]) -> Trace | HedgeMasks:
    """The shortest trace from an experiment of a district that P(V) does not identify, or what stands in the way in each."""
    district = hedge.smaller
    apart = [regime for regime in regimes if not regime & district]
    tried = [_trace(masks, district, regime) for regime in apart]
    if found := [trace for trace in tried if isinstance(trace, Trace)]:
        return min(found, key=lambda trace: (len(trace.steps), trace.regime.bit_count()))
    touched = 0
    for regime in apart:
        touched |= regime
    spared = closure(masks, district, masks.all & ~touched)
    if spared != district:
        return HedgeMasks(spared, district, tuple((regime, spared) for regime in apart))
    left = [trace.larger for trace in tried if isinstance(trace, HedgeMasks)]
    return HedgeMasks(hedge.larger, district, tuple(zip(apart, left, strict=True)))


def _trace(masks: Masks, district: Mask, regime: Mask = 0) -> Trace | HedgeMasks:
    # No need to look for ancestors that nothing latent joins to it.
    if not union(masks.spouses, district) & ~(district | regime):
        return Trace(district, ((district, district),), regime)
    within = reach(district, masks.parents, ~regime)
    steps: list[tuple[Mask, Mask]] = []
    while True:
        joined = reach(district, masks.spouses, within)
        within = reach(district, masks.parents, joined)
        if within == joined != district:
            return HedgeMasks(joined, district)
        steps.append((joined, within))
        if within == district:
            return Trace(district, tuple(steps), regime)


def markov_pillow(masks: Masks, node: int, earlier: Mask) -> Mask:
    """The nodes that shield `node` from all else in `earlier`: its district among them, and all the parents.

    Source:
        Richardson et al. (2023), Nested Markov properties for ADMGs, section 2.3: Markov blanket in an ordering.
    """
    district = reach(1 << node, masks.spouses, earlier | 1 << node)
    return (district | union(masks.parents, district)) & ~(1 << node)


def reachable_closure(masks: Masks, wanted: Mask, start: Mask = -1) -> tuple[Mask, list[tuple[int, Mask, bool]]]:
    """The smallest reachable set that holds `wanted`, and the steps to it from `start`.

    A step is the node that is fixed, its Markov blanket then, and whether nothing random depends on it. A node
    can be fixed if nothing else of its district is among what it causes; the order in which nodes are
    fixed makes no difference to the end.

    Source:
        Richardson et al. (2023), Nested Markov properties for ADMGs, sections 2.5 and 2.7.
    """
    random = masks.all & start
    steps: list[tuple[int, Mask, bool]] = []
    todo = random & ~wanted
    while todo:
        # The latest first: what causes nothing that is left is only summed out.
        i = todo.bit_length() - 1
        todo ^= 1 << i
        district = reach(1 << i, masks.spouses, random)
        if reach(1 << i, masks.children, random) & district != 1 << i:
            continue
        blanket = district | union(masks.parents, district)
        steps.append((i, blanket & ~(1 << i), not masks.children[i] & random))
        random ^= 1 << i
        # Fixing one node can free any that come before it or share its district.
        todo = random & ~wanted
    return random, steps


def ways(masks: Masks, goals: Mask, through: Mask) -> dict[int, int]:
    """The next node on a shortest directed path to a goal, for nodes of `through` that have one."""
    following: dict[int, int] = {}
    seen = layer = goals
    while layer:
        new = 0
        for i in bits(layer):
            for j in bits(masks.parents[i] & through & ~(seen | new)):
                following[j] = i
                new |= 1 << j
        seen |= new
        layer = new
    return following


def closure(masks: Masks, small: Mask, within: Mask) -> Mask:
    """The largest set within which `small` is joined to all by bidirected edges and has all as ancestors."""
    while True:
        joined = reach(small, masks.spouses, within)
        within = reach(small, masks.parents, joined)
        if within == joined:
            return within


def shrunk(
    masks: Masks, treatments: Mask, hedge: HedgeMasks, keeps: Callable[[Mask, Mask], bool] = lambda before, after: True
) -> HedgeMasks:
    """A hedge within, from which no node can be left out by itself.

    `keeps(before, after)` says whether the smaller set may be replaced.
    """
    larger, smaller = hedge.larger, hedge.smaller
    for i in itertools.islice(bits(smaller), 50):
        within = closure(masks, 1 << i, larger)
        if within & treatments and keeps(smaller, 1 << i):
            larger, smaller = within, 1 << i
            break
    before = None
    while before != larger:
        before = larger
        for i in bits(before):
            rest = larger & ~(1 << i)
            for part in components(smaller & rest, masks.spouses):
                within = closure(masks, part, rest)
                if within & treatments and keeps(smaller, part):
                    larger, smaller = within, part
                    break
    return HedgeMasks(larger, smaller)


def spanning_tree(masks: Masks, hedge: HedgeMasks) -> list[tuple[int, int]]:
    """Bidirected edges that join the larger set, those within the smaller set joining that one."""
    tree: list[tuple[int, int]] = []
    joined = hedge.smaller & -hedge.smaller
    for within in (hedge.smaller, hedge.larger):
        layer = joined
        while layer:
            new = 0
            for i in bits(layer):
                for j in bits(masks.spouses[i] & within & ~(joined | new)):
                    tree.append((min(i, j), max(i, j)))
                    new |= 1 << j
            joined |= new
            layer = new
    return tree

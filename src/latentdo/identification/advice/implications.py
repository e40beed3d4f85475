"""What data can contradict: the independences that a graph implies, and the constraints of Verma's kind.

Independences come twice: one for every pair that some set separates, which is what to test, and the ordered
local Markov property, which implies all others. A pair that no set separates although nothing joins it can leave
a Verma constraint: some formula in P(V) must not depend on a node that it mentions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from latentdo.graphs import Mask, Masks, bits, connected, reach, union

from ..criteria.districts import HedgeMasks, Trace, decide, markov_pillow, reachable_closure
from ..criteria.separators import Walks, minimal_separator, minimal_separators
from ..engine.construct import district_factors, observed, split_off
from ..engine.expression import Expression
from ..engine.formulas import Formulas


def separable_pairs(masks: Masks) -> Iterator[tuple[int, int, Mask]]:
    """Pairs of nodes that some set m-separates, each with one such set of which no proper subset does.

    The set lies among the ancestors of the two.

    Source:
        van der Zander & Liśkiewicz (2020), Finding minimal d-separators in linear time, algorithm 2.
    """
    walks = Walks.of(masks)
    for i in range(len(masks.names)):
        near = masks.parents[i] | masks.children[i] | masks.spouses[i]
        for j in bits(masks.all >> i + 1 << i + 1 & ~near):
            first, second = 1 << i, 1 << j
            free = masks.all & ~(first | second)
            given = minimal_separator(walks, first, second, free)
            if given is None:
                continue
            if given.bit_count() > 1:
                other = minimal_separator(walks, second, first, free)
                given = given if other is None or given.bit_count() <= other.bit_count() else other
            yield i, j, given


def all_separations(masks: Masks, most: int) -> Iterator[tuple[int, int, Mask]]:
    """Pairs of nodes with every minimal set that m-separates them, at most so many sets of a pair."""
    walks = Walks.of(masks)
    for i, j, _ in separable_pairs(masks):
        free = masks.all & ~(1 << i | 1 << j)
        for given in islice(minimal_separators(walks, 1 << i, 1 << j, free), most):
            yield i, j, given


def instrument_triples(masks: Masks) -> Iterator[tuple[int, int, int]]:
    """Instrument, treatment, outcome: nodes that nothing separates but an intervention on the treatment, by itself.

    Pairs that a set separates, or that a Verma constraint keeps apart, are left out: there the data can say more.

    Source:
        Pearl (1995), On the testability of causal models with latent and instrumental variables; which triples:
        Evans (2012), Graphical methods for inequality constraints in marginalized DAGs, theorem 4.2.
    """
    walks = Walks.of(masks)
    said = set(nested_pairs(masks))
    for j in range(len(masks.names)):
        near = masks.parents[j] | masks.children[j] | masks.spouses[j]
        for i in bits(masks.all & ~(near | 1 << j)):
            first, second = 1 << i, 1 << j
            if (min(i, j), max(i, j)) in said or reach(second, masks.children) & first:
                continue
            if minimal_separator(walks, first, second, masks.all & ~(first | second)) is not None:
                continue
            for k in bits(reach(second, masks.parents) & ~(first | second)):
                # The instrument must be there before the treatment, and reach the outcome through it alone.
                if reach(1 << k, masks.children) & first:
                    continue
                if not connected(masks.cut(0, out_of=1 << k), first, 0) & second:
                    yield i, k, j


def local_markov(masks: Masks) -> Iterator[tuple[int, Mask, Mask]]:
    """The ordered local Markov property: node, others, given; it implies every independence of the graph.

    A node is independent, within each ancestral set of nodes up to it, of what is not in its Markov blanket
    there. Of the ancestral sets with one blanket the largest is taken. In a graph without bidirected edges
    there is at most one statement for each node; with them there can be exponentially many.

    Source:
        Richardson (2003), Markov properties for acyclic directed mixed graphs, section 3.2.
    """
    for node in range(len(masks.names)):
        earlier = (2 << node) - 1
        district = reach(1 << node, masks.spouses, earlier)
        seen, waiting = {district}, [district]
        while waiting:
            district = waiting.pop()
            outside = union(masks.spouses, district) & earlier & ~district
            ancestral = earlier & ~reach(outside, masks.children)
            blanket = (district | union(masks.parents, district)) & ~(1 << node)
            if others := ancestral & ~(blanket | 1 << node):
                yield node, others, blanket
            for i in bits(district & ~(1 << node)):
                # Without i and what it causes the set is ancestral again, unless that takes the node with it.
                left = ancestral & ~reach(1 << i, masks.children)
                smaller = reach(1 << node, masks.spouses, left)
                if left >> node & 1 and smaller not in seen:
                    seen.add(smaller)
                    waiting.append(smaller)


@dataclass(frozen=True)
class VermaMasks:
    """A formula, a law of `nodes` after some interventions, that must not depend on `free`, which it mentions."""

    nodes: Mask
    free: Mask
    expression: Expression


def verma_constraints(masks: Masks) -> Iterator[VermaMasks]:
    """One constraint for each pair that only interventions separate, pairs with the same formula together.

    Such a pair is joined by no edge, separated by no set, and not densely connected: these are the pairs that the
    nested Markov model keeps apart and the independences do not.

    Source:
        Tian & Pearl (2002), On the testable implications of causal models with hidden variables; which pairs:
        Shpitser, Evans & Richardson (2018), Acyclic linear SEMs obey the nested Markov property, section 3.
    """
    formulas = Formulas(masks)
    given_already: list[VermaMasks] = []
    for i, j in nested_pairs(masks):
        first, second = 1 << i, 1 << j
        if any(_says(known, first, second) for known in given_already):
            continue
        closure, _ = reachable_closure(masks, first | second)
        districts = [reachable_closure(masks, second)[0]]
        districts += [reach(node, masks.spouses, closure) for node in (second, first)]
        candidates = [_of_district(formulas, district) for district in districts]
        for constraint in (*candidates, _of_kernel(formulas, closure, i, j)):
            if constraint and _says(constraint, first, second):
                given_already.append(constraint)
                yield constraint
                break


def _says(constraint: VermaMasks, first: Mask, second: Mask) -> bool:
    """Whether the constraint keeps the two nodes apart."""
    nodes, free = constraint.nodes, constraint.free
    return bool((nodes & second and free & first) or (nodes & first and free & second))


def nested_pairs(masks: Masks) -> Iterator[tuple[int, int]]:
    """The pairs, earlier node first, that no edge joins, no set separates, and that are not densely connected."""
    walks = Walks.of(masks)
    for j in range(len(masks.names)):
        above = union(masks.spouses, 1 << j)
        if not above:  # an inducing path needs an arrowhead of a bidirected edge here
            continue
        near = masks.parents[j] | above
        closure: Mask | None = None
        for i in bits((1 << j) - 1 & ~near):
            first, second = 1 << i, 1 << j
            if minimal_separator(walks, first, second, masks.all & ~(first | second)) is not None:
                continue
            closure = reachable_closure(masks, second)[0] if closure is None else closure
            if union(masks.parents, closure) & first:
                continue
            both, _ = reachable_closure(masks, first | second)
            if reach(first, masks.spouses, both) != both:
                yield i, j


def _of_district(formulas: Formulas, district: Mask) -> VermaMasks | None:
    """What the formula of Q[district] mentions beside the district and its parents."""
    masks = formulas.masks
    traces = decide(masks, masks.all & ~district, district)
    if isinstance(traces, HedgeMasks) or len(traces) != 1:
        return None
    factors = district_factors(formulas, traces[0])
    free = formulas.free(factors) & ~(district | union(masks.parents, district))
    return VermaMasks(district, free, formulas.one(factors)) if free else None


def _of_kernel(formulas: Formulas, closure: Mask, i: int, j: int) -> VermaMasks | None:
    """What the later node's conditional mentions beside its pillow, in the last kernel that holds both nodes."""
    masks = formulas.masks
    within = reach(closure, masks.parents)
    joined = reach(1 << j, masks.spouses, within)
    above = reach(closure & joined, masks.parents, joined)
    if not joined >> i & 1:
        return None
    kernel = observed(formulas, Trace(closure, ((joined, above),)))
    while (joined := reach(1 << j, masks.spouses, above)) >> i & 1:
        smaller = reach(closure & joined, masks.parents, joined)
        if smaller == above:
            return None
        kernel = split_off(formulas, kernel, joined, smaller)
        above = smaller
    upto = [factor for node, factor in kernel.factors.items() if node <= j]
    before = [factor for node, factor in kernel.factors.items() if node < j]
    over = kernel.summed
    factors = formulas.divide(formulas.total(over, upto), formulas.total(over, before))
    free = formulas.free(factors) & ~(1 << j | markov_pillow(masks, j, above & (1 << j) - 1))
    return VermaMasks(1 << j, free, formulas.one(factors)) if free else None

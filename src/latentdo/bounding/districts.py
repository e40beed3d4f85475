"""Which districts a question is free in, and which nodes its linear programme needs: no numbers yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from latentdo.graphs import Admg, LatentDag, Mask, Masks, Name, bits, canonical, components, project, reach, union
from latentdo.identification import Estimand, Identified, Prob, identify, parts
from latentdo.query import Query, Term

from .ratio import Ratio, ratio_of


@dataclass(frozen=True, eq=False)
class Plan:
    """How a question is bounded on a graph.

    Attributes:
        masks: The graph over its measured nodes, its bits in topological order.
        query: The question.
        ratio: The same, as a ratio of sums of terms.
        known: The terms that the graph identifies, with their formulas.
        free: The nodes whose response types the programme weighs: the districts that a treatment cuts.
        sharp: Whether every law of those types is one of the graph; else the bounds are valid and may be too wide.
        why: Why they may be too wide; empty where they are sharp.
    """

    masks: Masks
    query: Query
    ratio: Ratio
    known: Mapping[Term, Estimand]
    free: Mask
    sharp: bool
    why: str = ""

    @property
    def terms(self) -> tuple[Term, ...]:
        """What is asked of the law of the types, evidence by itself too."""
        return self.ratio.terms

    @cached_property
    def outer(self) -> Mask:
        """The parents of the free nodes that are not free themselves."""
        return union(self.masks.parents, self.free) & ~self.free

    @cached_property
    def shared(self) -> Mask:
        """The outer nodes that are parents of every free node: the programme falls into one for each of their levels."""
        shared = self.outer
        for node in bits(self.free):
            shared &= self.masks.parents[node]
        return shared

    def reached(self, term: Term) -> Mask:
        """The nodes that a term depends on, without those that it sets."""
        masks = self.masks
        treated = masks.mask(term.treatments)
        asked = masks.mask((*term.outcome_names, *term.conditions))
        return reach(asked, masks.cut(treated).parents) & ~treated

    def fixed_parts(self, term: Term) -> list[tuple[Mask, Mask]]:
        """The nodes outside the free ones that a term depends on, by district, each with what its law is a margin of."""
        masks = self.masks
        if term in self.known:
            return []
        rest = self.reached(term) & ~self.free
        districts = components(masks.all, masks.spouses)
        found = [part for district in districts if (part := district & rest)]
        return [(part, reach(part, masks.spouses, reach(part, masks.parents))) for part in found]

    @cached_property
    def needed(self) -> tuple[Name, ...]:
        """Every node whose column is read."""
        needed = self.free | self.outer
        wholes = [self.free]
        for term in self.terms:
            needed |= self.masks.mask(term.names)
            wholes += [whole for _, whole in self.fixed_parts(term)]
        for estimand in self.known.values():
            needed |= self.masks.mask(names_in(estimand))
        for whole in wholes:
            needed |= whole
            for node in bits(whole):
                needed |= pillow(self.masks, whole, node)
        return self.masks.nodes(needed)


def pillow(masks: Masks, part: Mask, node: int) -> Mask:
    """What a node of a part depends on among what comes before it: its Markov pillow in the graph of the part.

    Source:
        Tian & Pearl (2002), On the testable implications of causal models with hidden variables: a c-factor is the product of
        the laws of its nodes given their pillows.
    """
    district = reach(1 << node, masks.spouses, part & ((2 << node) - 1))
    return (district | union(masks.parents, district)) & ~(1 << node)


def names_in(estimand: Estimand) -> set[Name]:
    """The nodes whose columns a formula needs."""
    (solution,) = estimand.solutions
    found = {*solution.term.names, *solution.formula.free}
    for part in parts(solution.formula.expression):
        if isinstance(part, Prob):
            found.update(part.outcomes, part.given)
    return found


def plan_of(graph: LatentDag | Admg, query: Query, *, ancestors: bool = False) -> Plan:
    """The districts in which a treatment stands beside what it acts on, as one programme.

    Args:
        ancestors: Whether only the ancestors of what is asked are kept: a smaller programme, and other bounds, valid too.
    """
    whole = project(graph)
    query.check(graph)
    answered: dict[Term, Estimand] = {}

    def is_known(term: Term) -> bool:
        verdict = None if term.has_event_evidence else identify(graph, Query(term))
        if isinstance(verdict, Identified):
            answered[term] = verdict.estimand
        return term in answered

    ratio = ratio_of(query.expression, whole.sorted_masks, is_known)
    known = {term: estimand for term, estimand in answered.items() if term in ratio.terms}
    admg = whole
    if ancestors:
        open_names = {name for term in ratio.terms if term not in known for name in term.names}
        admg = whole.induced(whole.ancestors(open_names | {name for each in known.values() for name in names_in(each)}))
    masks = admg.sorted_masks
    districts = components(masks.all, masks.spouses)
    plan = Plan(masks, query, ratio, known, 0, True)
    open_terms = [term for term in plan.terms if term not in known]
    chosen = [district for district in districts if any(_is_free(plan, district, term) for term in open_terms)]
    reasons = []
    if left := set(_districts(whole, masks.nodes(sum(chosen)))) - set(masks.nodes(masks.all)):
        reasons.append(f"{', '.join(sorted(left))} {'is' if len(left) == 1 else 'are'} left out of the programme")
    if len(chosen) > 1:
        reasons.append("hidden causes of different districts are independent, and the programme lets them be related")
    if apart := [part for part in chosen if part.bit_count() > 2 and not _has_one_cause(graph, masks.nodes(part))]:
        nodes = ", ".join(masks.nodes(apart[0]))
        reasons.append(f"one hidden cause behind {nodes} together is allowed, and the graph has separate ones")
    return Plan(masks, query, ratio, known, sum(chosen), not reasons, "; ".join(reasons))


def _is_free(whole: Plan, district: Mask, term: Term) -> bool:
    """Whether what is asked of a district hears a treatment of the same district: its law then is no margin of the c-factor."""
    inside = district & whole.reached(term)
    return reach(inside, whole.masks.parents, district) != inside


def _has_one_cause(graph: LatentDag | Admg, nodes: Sequence[Name]) -> bool:
    """Whether one hidden node of the graph causes all of these."""
    if not isinstance(graph, LatentDag):
        return False
    plain = canonical(graph)
    return any(set(nodes) <= set(plain.children(latent)) for latent in plain.latent)


def _districts(graph: Admg, nodes: Sequence[Name]) -> set[Name]:
    return {other for node in nodes for other in graph.district(node)}

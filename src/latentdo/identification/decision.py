"""`identify`: from a graph and a query to the verdict, and the sentence that explains a "no"."""

from __future__ import annotations

from latentdo.graphs import Admg, LatentDag, Mask, Masks, bits, project, quote
from latentdo.query import Query, Term

from .districts import HedgeMasks, decide
from .estimand import Estimand, Solution
from .reduction import Problem, exchange, problem_of
from .verdict import Identified, NotIdentified


def identify(graph: LatentDag | Admg, query: Query) -> Identified | NotIdentified:
    """Whether the observed law answers the query on this graph, with the formula or the hedge.

    The verdict is complete: a "no" means that no formula exists. It supposes a positive observed law. Of a
    sum, contrast or ratio every term must be identified.

    Raises:
        UnknownNodeError: The query names a node that the graph does not have.
        QueryError: The query makes no sense: a latent is set, or a node plays two parts.
    """
    query.check(graph)
    masks = project(graph).sorted_masks
    solutions: list[Solution] = []
    for term in query.terms:
        problem = problem_of(masks, term)
        unconditional = exchange(problem)
        found = decide(masks, *unconditional)
        if isinstance(found, HedgeMasks):
            hedge = (frozenset(masks.nodes(found.larger)), frozenset(masks.nodes(found.smaller)))
            return NotIdentified(query, hedge, _reason(query, term, problem, unconditional, found), graph)
        solutions.append(Solution(term, problem, found))
    return Identified(query, Estimand(query, tuple(solutions)), graph)


def _reason(query: Query, term: Term, problem: Problem, unconditional: tuple[Mask, Mask], hedge: HedgeMasks) -> str:
    """What can be followed on the picture: who shares causes with whom, and what setting would cut."""
    masks = problem.masks
    treatments, outcomes = unconditional
    sentences: list[str] = []
    if not query.is_single:
        sentences.append(f"The term {term} is at fault.")
    if outcomes != problem.asked or treatments != problem.treatments:
        asked = f"P({_names(masks, outcomes)} | do({_names(masks, treatments)}))"
        sentences.append(f"With its evidence the question is as hard as {asked}.")
    larger, smaller = hedge.larger, hedge.smaller
    causes, cut = larger & ~smaller, larger & treatments
    sentences.append(
        f"Unmeasured causes join {_listed(masks, larger)} ({_bidirected(masks, larger)}), and within this set "
        f"{_listed(masks, causes)} {_verb(causes, 'leads', 'lead')} by arrows to {_listed(masks, smaller)}. "
        f"Setting {_listed(masks, cut)} would cut {_verb(cut, 'it', 'them')} from these causes, but the data "
        "show arrows and causes only together: two models can agree on all the data and differ in the answer."
    )
    return " ".join(sentences)


def _bidirected(masks: Masks, within: Mask) -> str:
    names = masks.names
    edges = [
        f"{quote(names[i])} <-> {quote(names[j])}"
        for i in bits(within)
        for j in bits(masks.spouses[i] & within)
        if i < j
    ]
    return ", ".join(edges[:12] + ["…"] * (len(edges) > 12))


def _verb(nodes: Mask, one: str, several: str) -> str:
    return one if nodes.bit_count() == 1 else several


def _names(masks: Masks, mask: Mask) -> str:
    return ", ".join(quote(name) for name in sorted(masks.nodes(mask)))


def _listed(masks: Masks, mask: Mask) -> str:
    names = [quote(name) for name in masks.nodes(mask)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

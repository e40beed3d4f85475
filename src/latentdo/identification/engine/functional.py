"""Nodes that are functions of their parents: the graph on which a term is decided once they are known to be.

The verdict supposes P(V) > 0, and a function of its parents breaks that. Such a node is written out of the graph,
so that what is left is positive again; what was said of it is kept in the `Reduced` graph of the term.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Name, bits, connected, project, quote, reach
from latentdo.query import Term

from .expression import Prob, Quotient, parts
from .reduction import problem_of

if TYPE_CHECKING:
    from .construct import Formula

Determinants: TypeAlias = Mapping[Name, tuple[Name, ...]]
"""Functional nodes, and the parents that determine each."""


def functions_of(functional: Any) -> dict[Name, tuple[Name, ...]]:
    """What `functional` says: each node, and the parents that determine it; none stands for all of them.

    Raises:
        QueryError: Neither names nor a mapping from names to names.
    """
    what = "`functional`, nodes that are functions of their parents,"
    if not isinstance(functional, Mapping):
        return dict.fromkeys(arguments.names(what, functional, QueryError, lone=True), ())
    stated: Mapping[Any, Any] = functional
    for parents in stated.values():
        if not isinstance(parents, str) and arguments.listed(parents) is None:
            raise QueryError(
                f"{what} takes the parents of each as names, such as {{'M': ['X']}}, got {arguments.shown(parents)}. "
                "For all parents give the names of the nodes alone: ['M']."
            )
    nodes = arguments.names(what, stated, QueryError, lone=True)
    return {node: arguments.names(f"{what} of {node!r}", stated[node], QueryError, lone=True) for node in nodes}


def determinants_of(
    graph: LatentDag | Admg, functional: Mapping[Name, Iterable[Name]] | Iterable[Name]
) -> Determinants:
    """The functional nodes of a graph with what determines them: all their parents, unless fewer are named.

    Raises:
        UnknownNodeError: A name is not a node.
        QueryError: A node is to be determined by nodes that are not its parents, or by none; or these are no names.
    """
    if isinstance(functional, dict | tuple) and not functional:  # most verdicts must not pay for it
        return {}
    dag = _explicit(graph)
    determinants: dict[Name, tuple[Name, ...]] = {}
    for node, named in functions_of(functional).items():
        graph.require(node)
        parents = tuple(sorted(dag.parents(node), key=lambda name: ("<->" in name, name)))
        if strangers := [name for name in named if name not in parents]:
            raise QueryError(
                f"{quote(node)} cannot be a function of {quote(strangers[0])}, which is not its parent in the graph. "
                f"Its parents are {', '.join(map(quote, parents)) or 'none'}."
            )
        if not parents:
            raise QueryError(f"{quote(node)} has no parents in the graph that it could be a function of. Add them.")
        determinants[node] = named or parents
    return determinants


@dataclass(frozen=True)
class Reduced:
    """The question that a term leaves once functional nodes are written out.

    Attributes:
        graph: The graph that decides; every hidden cause is a node of its own.
        term: The term, without the functional treatments that rule 3 removes.
        still_set: Functional nodes that stay in do( ); their parents count as latent in `graph`.
        refused: Why nothing can be decided, or nothing.
        proves: Whether a hedge in the graph is a proof. Not where a functional node is set, and not where one has
            hidden parents: it may tell of them what the graph without it no longer can.
    """

    graph: LatentDag
    term: Term
    still_set: tuple[Name, ...] = ()
    refused: str = ""
    proves: bool = True


def eliminate(graph: LatentDag | Admg, determinants: Determinants, term: Term) -> Reduced:
    """The graph on which the term is decided, given that some nodes are functions of their parents.

    A functional node outside the query goes, and its children inherit its parents, latent ones too: those of `<->`
    among them, even where data show that measured parents alone determine it. (That keeps every "yes" safe: no
    data delete a hidden cause that the graph states.) As outcome or evidence it hands its parents on and stays as
    a leaf. In do( ) it goes if rule 3 removes it, which is asked once all others are written out, so that no
    order of nodes matters; else it stays and its parents count as latent, for what it is set to comes with
    values of theirs that never go with it.

    Source:
        Chen & Darwiche (2024), Identifying causal effects under functional dependencies: functional elimination.
    """
    dag = _explicit(graph)
    # Measured parents that a functional node does not listen to.
    unheard = {
        (parent, node)
        for node, chosen in determinants.items()
        for parent in dag.parents(node)
        if parent not in chosen and parent not in dag.latent
    }
    dag = replace(dag, directed=dag.directed - unheard, inhibiting=dag.inhibiting - unheard)
    reduced = _written_out(dag, determinants, term)
    while shorter := next((left for node in reduced.still_set if (left := _without(reduced, node))), None):
        reduced = _written_out(dag, determinants, shorter)
    reduced = _without_parents(dag, determinants, reduced)
    near = dag.ancestors(reduced.term.names).intersection(determinants)
    hears = any(dag.latent.intersection(dag.parents(node)) for node in near if node not in dag.latent)
    return replace(reduced, proves=not reduced.still_set and not hears)


def _explicit(graph: LatentDag | Admg) -> LatentDag:
    if isinstance(graph, Admg):
        graph = LatentDag(graph.nodes, graph.directed, tuple((a, b, 1) for a, b in graph.bidirected))
    return graph.explicit()


def _written_out(dag: LatentDag, determinants: Determinants, term: Term) -> Reduced:
    """Every functional node that is not set, written out."""
    masks = dag.masks
    still_set = tuple(node for node in term.treatments if node in determinants)
    written = frozenset(determinants).difference(still_set)
    # Those that are written out hand their parents on, the first ones first.
    parents, passed = list(masks.parents), masks.mask(written)
    for i in map(masks.index.__getitem__, dag.topological_order()):
        for j in bits(masks.parents[i] & passed):
            parents[i] = parents[i] & ~(1 << j) | parents[j]
    gone = written.difference(term.names)
    nodes = tuple(node for node in dag.nodes if node not in gone)
    directed = frozenset((parent, node) for node in nodes for parent in masks.nodes(parents[masks.index[node]]))
    return Reduced(LatentDag(nodes, directed, (), dag.latent - gone), term, still_set)


def _without(reduced: Reduced, node: Name) -> Term | None:
    """The term without `node` in do( ), where rule 3 removes it, and without evidence that tells nothing before that.

    Once the node is not set any more, such evidence may tell of it, and so of the outcome. Evidence that is an event,
    and treatments that are drawn, stand with the outcomes here: their law must not depend on the node either.

    Source:
        Pearl (2009), Causality, theorem 3.4.1, rule 3.
    """
    masks = project(reduced.graph).sorted_masks
    problem = problem_of(masks, reduced.term)
    set_node = 1 << masks.index[node]
    others = problem.treatments & ~set_node
    cut = masks.cut(others)
    if not reach(problem.conditions, cut.parents) & set_node:
        cut = masks.cut(others | set_node)
    drawn = problem.drawn & ~set_node
    if connected(cut, problem.outcomes | drawn, others & ~drawn | problem.conditions) & set_node:
        return None
    telling = frozenset(masks.nodes(problem.outcomes | problem.conditions))
    return replace(
        reduced.term,
        do=tuple(setting for setting in reduced.term.do if setting.name != node),
        given=tuple(outcome for outcome in reduced.term.given if outcome.name in telling),
    )


def _without_parents(dag: LatentDag, determinants: Determinants, reduced: Reduced) -> Reduced:
    """The reduced graph with the parents of functional treatments unmeasured, or why that cannot be."""
    hidden: set[Name] = set()
    owner: dict[Name, Name] = {}
    for node in reduced.still_set:
        parents = {*dag.parents(node), *reduced.graph.parents(node)}
        if seen := sorted(parents.intersection(reduced.term.names)):
            return replace(
                reduced,
                refused=f"{quote(seen[0])} is in the question too, and the data never show {quote(node)} vary beside it",
            )
        hidden |= parents.intersection(reduced.graph.nodes)
        for source in sorted(_sources(determinants, node)):
            if owner.setdefault(source, node) != node:
                return replace(
                    reduced,
                    refused=f"{quote(owner[source])} and {quote(node)} both follow from {_named([source])}, and the data "
                    "never show one vary beside the other",
                )
    return replace(reduced, graph=replace(reduced.graph, latent=reduced.graph.latent | hidden))


def _sources(determinants: Determinants, node: Name) -> frozenset[Name]:
    """What determines a functional node, functional nodes among it traced back to what determines them."""
    sources: set[Name] = set()
    seen: set[Name] = set()
    waiting = [node]
    while waiting:
        for name in determinants[waiting.pop()]:
            if name not in determinants:
                sources.add(name)
            elif name not in seen:
                seen.add(name)
                waiting.append(name)
    return frozenset(sources)


def degenerate(dag: LatentDag | Admg, determinants: Determinants, formula: Formula) -> tuple[Name, ...]:
    """The functional nodes on which some conditional of the formula conditions together with what determines them.

    A fraction is a conditional too: on what its denominator is a law of.
    """
    above = {node: _above(dag, determinants, node) for node in determinants}
    conditioned: set[Name] = set()
    for expression in (formula.expression, formula.evidence):
        for part in parts(expression) if expression is not None else ():
            match part:
                case Prob(given=given, do=do):
                    held = frozenset(given + do)
                case Quotient(denominator=denominator):
                    held = denominator.free
                case _:
                    continue
            conditioned |= {node for node in held if node in above and above[node] & held}
    return tuple(sorted(conditioned))


def _above(graph: LatentDag | Admg, determinants: Determinants, node: Name) -> frozenset[Name]:
    """The parents of a functional node, and those of the functional nodes among them."""
    parents: set[Name] = set()
    waiting = [node]
    while waiting:
        new = set(graph.parents(waiting.pop())) - parents
        parents |= new
        waiting += (name for name in new if name in determinants)
    return frozenset(parents)


def stated(determinants: Determinants, nodes: Iterable[Name]) -> str:
    """`ACE2 is a function of SARS_CoV2`, for each of the nodes."""
    return "; ".join(f"{quote(node)} is a function of {_named(determinants[node])}" for node in nodes)


def _named(names: Iterable[Name]) -> str:
    from latentdo.sheet import listed  # a verdict without functional nodes does not pay for it

    # The latents of `<->` have names that nobody wrote.
    return listed(dict.fromkeys("hidden causes" if "<->" in name else quote(name) for name in names))

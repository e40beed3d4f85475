"""From a graph and a query to the bare verdict: one solution for each term, or a hedge with a sentence that explains it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Mask, Masks, Name, bits, project, quote, reach
from latentdo.query import Query, Term

from ..criteria.districts import HedgeMasks, decide
from .estimand import Solution
from .experiments import Experiments
from .functional import Determinants, Reduced, degenerate, determinants_of, eliminate, stated
from .reduction import Problem, exchange, problem_of

Hedge = tuple[frozenset[Name], frozenset[Name]]
Thicket = tuple[tuple[tuple[Name, ...], Hedge], ...]
"""For each experiment that sets nothing of the smaller set of a hedge, what it sets and the hedge that it leaves."""
Functional = Mapping[Name, Iterable[Name]] | Iterable[Name]

# How many bidirected edges a reason spells out.
MOST_EDGES = 12
PROOF = ": two models can agree on all the data and differ in the answer."


@dataclass(frozen=True)
class _Obstacle:
    """The hedge that stands in the way of a term."""

    problem: Problem
    unconditional: tuple[Mask, Mask]
    hedge: HedgeMasks

    @property
    def names(self) -> Hedge:
        return self._named(self.hedge.larger)

    @property
    def thicket(self) -> Thicket:
        nodes = self.problem.masks.nodes
        return tuple((tuple(sorted(nodes(regime))), self._named(larger)) for regime, larger in self.hedge.thicket)

    def _named(self, larger: Mask) -> Hedge:
        nodes = self.problem.masks.nodes
        return frozenset(nodes(larger)), frozenset(nodes(self.hedge.smaller))


@dataclass(frozen=True)
class Solved:
    """Yes: the solution of each term, and what functional nodes changed."""

    solutions: tuple[Solution, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """No: the hedge as names and its sentence; the other attributes are those of `NotIdentified`."""

    hedge: Hedge
    reason: str
    functional: tuple[Name, ...] = ()
    decided_on: Admg | None = None
    decided_term: Term | None = None
    proved: bool = True
    thicket: Thicket = ()


def solve(
    graph: LatentDag | Admg, query: Query, functional: Functional = (), experiments: Experiments = ()
) -> Solved | Refused:
    """The verdict on a query, term by term: a sum, contrast or ratio needs every one of its terms.

    Args:
        functional: Nodes that are functions of their parents, or a mapping from each to the parents that
            determine it. The verdict is then that of the graph without them.
        experiments: What is set in each experiment that is known besides what is observed.

    Raises:
        UnknownNodeError: The query names a node that the graph does not have.
        QueryError: The query makes no sense: a latent is set, or a node plays two parts.
    """
    query.check(graph)
    determinants = determinants_of(graph, functional)
    for name in (name for names in experiments for name in names if name in determinants):
        raise QueryError(
            f"{quote(name)} is a function of its parents, and an experiment that sets it is not that function any more. "
            "Leave out the experiment, or the function."
        )
    masks = project(graph).sorted_masks
    regimes = tuple(map(masks.mask, experiments))
    solutions: list[Solution] = []
    notes: list[str] = []
    for term in query.terms:
        outcome = _solve(masks, term, term, regimes)
        if determinants:
            outcome, note = _with_functions(graph, determinants, query, term, outcome, experiments)
            notes += [note] if note else []
        if isinstance(outcome, Refused):
            return outcome
        if isinstance(outcome, _Obstacle):
            reason = _fault(query, term) + _hedge_sentence(outcome, experiments)
            return Refused(outcome.names, reason, thicket=outcome.thicket)
        solutions.append(outcome)
    return Solved(tuple(solutions), tuple(dict.fromkeys(notes)))


def _solve(masks: Masks, asked: Term, term: Term, regimes: tuple[Mask, ...]) -> Solution | _Obstacle:
    """The solution of `term`, which answers `asked`, or its hedge."""
    problem = problem_of(masks, term, regimes)
    unconditional = exchange(problem)
    decided = decide(masks, *unconditional, regimes)
    return (
        _Obstacle(problem, unconditional, decided)
        if isinstance(decided, HedgeMasks)
        else Solution(asked, problem, decided)
    )


def _reduced(
    graph: LatentDag | Admg, determinants: Determinants, term: Term, experiments: Experiments
) -> Reduced | Solution | _Obstacle:
    """What the graph without its functional nodes says of a term; a refusal as it is."""
    reduced = eliminate(graph, determinants, term)
    if reduced.refused:
        return reduced
    masks = project(reduced.graph).sorted_masks
    # An experiment on what counts as latent there says nothing of the graph that is left.
    left = [names for names in experiments if not set(names) - masks.index.keys()]
    return _solve(masks, term, reduced.term, tuple(map(masks.mask, left)))


def _with_functions(
    graph: LatentDag | Admg,
    determinants: Determinants,
    query: Query,
    term: Term,
    plain: Solution | _Obstacle,
    experiments: Experiments,
) -> tuple[Solution | _Obstacle | Refused, str]:
    """The verdict of a term among functional nodes, and a note on what they changed."""
    eliminated = _reduced(graph, determinants, term, experiments)
    if isinstance(eliminated, Solution):
        if isinstance(plain, _Obstacle):
            nodes = _responsible(graph, determinants, term, experiments, identified=True)
            return eliminated, f"identified because {stated(determinants, nodes)}; the graph alone would not do."
        if nodes := degenerate(graph, determinants, plain.formula):
            return eliminated, f"the formula takes into account that {stated(determinants, nodes)}."
        return plain, ""
    if isinstance(plain, _Obstacle):
        return plain, ""
    nodes = _responsible(graph, determinants, term, experiments, identified=False)
    reduced = eliminate(graph, determinants, term)
    reason = f"functional dependence: {stated(determinants, nodes)}. {_fault(query, term)}"
    reason += " ".join(_undone(reduced, nodes, eliminated, experiments))
    hedge, thicket = (frozenset[Name](), frozenset[Name]()), ()
    if isinstance(eliminated, _Obstacle):
        hedge, thicket = eliminated.names, eliminated.thicket
    return Refused(hedge, reason, nodes, project(reduced.graph), reduced.term, reduced.proves, thicket), ""


def _responsible(
    graph: LatentDag | Admg, determinants: Determinants, term: Term, experiments: Experiments, *, identified: bool
) -> tuple[Name, ...]:
    """Functional nodes that give the verdict, none of which can be left out."""
    near = graph.ancestors(term.names)
    chosen = {node: determinants[node] for node in sorted(determinants) if node in near}
    size = len(chosen)
    while size:
        names = list(chosen)
        for start in range(0, len(names), size):
            rest = {node: chosen[node] for node in chosen if node not in names[start : start + size]}
            if isinstance(_reduced(graph, rest, term, experiments), Solution) == identified:
                chosen = rest
        size //= 2
    return tuple(chosen)


def _undone(
    reduced: Reduced, nodes: tuple[Name, ...], verdict: Reduced | Solution | _Obstacle, experiments: Experiments
) -> Iterator[str]:
    """Why functional nodes undo what the graph alone would promise."""
    if reduced.still_set:
        yield (
            f"The graph alone would identify the question, but do({', '.join(map(quote, reduced.still_set))}) sets what never "
            "varies by itself: not shown identifiable."
        )
    else:
        first, *others = nodes
        apart = "they vary beside their parents" if others else f"{quote(first)} varies beside its parents"
        doubt = "" if reduced.proves else " (hidden parents of a function may change that: not shown identifiable)"
        yield f"The graph alone would identify the question, but only where {apart}{doubt}."
    if reduced.refused:
        yield f"{reduced.refused}."
    if isinstance(verdict, _Obstacle):
        without = (
            "with the causes of what is set left out"
            if reduced.still_set
            else "with functions replaced by their causes"
        )
        hedge = _hedge_sentence(verdict, experiments, proved=reduced.proves)
        yield f"In the graph {without}: {hedge[0].lower()}{hedge[1:]}"


def _fault(query: Query, term: Term) -> str:
    return "" if query.is_single else f"A query is decided term by term, and {term} is at fault. "


def _hedge_sentence(obstacle: _Obstacle, experiments: Experiments = (), *, proved: bool = True) -> str:
    """What can be followed on the picture: who shares causes with whom, and what setting would cut."""
    from latentdo.sheet import listed  # a "yes" does not pay for it

    problem, hedge, masks = obstacle.problem, obstacle.hedge, obstacle.problem.masks

    def quoted(nodes: Mask) -> list[str]:
        return [quote(name) for name in masks.nodes(nodes)]

    treatments, outcomes = obstacle.unconditional
    as_hard = ""
    if outcomes != problem.asked or treatments != problem.treatments:
        asked, done = (", ".join(sorted(quoted(nodes))) for nodes in (outcomes, treatments))
        as_hard = f"With its evidence the question is as hard as P({asked} | do({done})). "
    larger, smaller = hedge.larger, hedge.smaller
    causes, cut = quoted(larger & ~smaller), quoted(larger & treatments)
    reached = reach(larger & ~smaller, masks.children, larger) & smaller
    shown = "the data show arrows and causes only together"
    if experiments:
        shown = f"observation shows arrows and causes only together. {_no_help(obstacle, experiments)}"
    return (
        f"{as_hard}Unmeasured causes join {listed(quoted(larger))} ({_arcs(masks, larger)}), and within this set "
        f"{listed(causes)} {'leads' if len(causes) == 1 else 'lead'} by arrows to {listed(quoted(reached))}. "
        f"Setting {listed(cut)} would cut {'it' if len(cut) == 1 else 'them'} from these causes, but "
        f"{shown}{PROOF if proved else '.'}"
    )


def _arcs(masks: Masks, nodes: Mask) -> str:
    """The bidirected edges within a set, as many as a sentence bears."""
    names = masks.names
    edges = [
        f"{quote(names[i])} <-> {quote(names[j])}" for i in bits(nodes) for j in bits(masks.spouses[i] & nodes) if i < j
    ]
    return ", ".join(edges[:MOST_EDGES] + ["…"] * (len(edges) > MOST_EDGES))


def _no_help(obstacle: _Obstacle, experiments: Experiments) -> str:
    """Why no experiment shows what observation does not."""
    from latentdo.sheet import listed

    hedge, masks = obstacle.hedge, obstacle.problem.masks
    left = dict(hedge.thicket)
    said: list[str] = []
    for names in experiments:
        regime, done = masks.mask(name for name in names if name in masks.index), ", ".join(map(quote, names))
        larger = left.get(regime, 0)
        inside = listed([quote(name) for name in masks.nodes(regime & hedge.smaller)])
        if regime & hedge.smaller:
            said.append(f"do({done}) sets {inside}, and the answer needs how that comes about by itself")
        elif not larger:
            said.append(f"do({done}) sets what the functions leave no room for")
        elif larger == hedge.larger:
            said.append(f"do({done}) sets none of these nodes")
        else:
            joined = listed([quote(name) for name in masks.nodes(larger)])
            said.append(f"do({done}) leaves the same trouble in {joined} ({_arcs(masks, larger)})")
    return f"No experiment helps: {'; '.join(said)}"

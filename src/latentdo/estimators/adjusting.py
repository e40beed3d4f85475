"""Which set an adjustment is for: the best, the one that was asked for, or all; why a set is none; and the columns needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Name, project, quote
from latentdo.identification import Forms, forms_of
from latentdo.query import Query

from .method import AbstractMethod, No, Yes, set_note
from .options import Adjust
from .task import Task

MOST_SETS = 20
"""So many minimal adjustment sets have a row of their own."""


def adjustment_of(task: Task, chosen: frozenset[Name] | None, note: str = "") -> Yes | No:
    """The adjustment set: the chosen one if it is valid, with what is said of it, else the one of least variance."""
    if reason := task.why_no_effect:
        return No(reason)
    forms = task.forms
    assert forms is not None
    nodes = chosen
    if nodes is None:
        if forms.optimal_adjustment is None:
            return No(f"no adjustment set: {forms.why_no_adjustment}")
        nodes = forms.optimal_adjustment.nodes
    elif reason := why_no_adjustment_set(forms, nodes):
        return No(reason)
    names = tuple(sorted(nodes))
    return Yes({"adjustment": names}, "; ".join(filter(None, [set_note("adjustment", names), note])))


def checked_set(adjustment: Any) -> frozenset[Name] | None:
    """The set that a method is made with: names in any collection; None for the set of least variance.

    Raises:
        QueryError: It is a text, or holds something else than names.
    """
    if adjustment is None:
        return None
    return frozenset(arguments.names("adjustment=", adjustment, QueryError, "Write ('Z',) for one."))


def adjustable(graph: Admg, query: Query) -> list[Forms]:
    """The forms of those terms that an adjustment could answer: an effect on one node, given nothing else."""
    asked = [
        forms_of(graph, term)
        for term in query.terms
        if term.do and not term.given and len(term.outcome_names) == 1 and not term.open
    ]
    return [forms for forms in asked if forms.has_effect]


def check_adjustment(graph: Admg, query: Query, names: Sequence[Name]) -> None:
    """Refuses a set that is no adjustment set for some term of the query.

    Raises:
        UnknownNodeError: A name is not a measured node of the graph.
        QueryError: It is no adjustment set, and why.
    """
    for name in names:
        graph.require(name)
    for forms in adjustable(graph, query):
        if reason := why_no_adjustment_set(forms, names):
            best = forms.optimal_adjustment
            if best is None:
                raise QueryError(f"{reason} No set is one here: {forms.why_no_adjustment}")
            raise QueryError(f"{reason} {_listed(best.nodes)} is one.")


def sets_of(graph: Admg, query: Query) -> tuple[list[frozenset[Name]], bool]:
    """The set of least variance and then the minimal sets that are valid for every term, and whether there are more.

    Only the first `MOST_SETS` minimal ones are looked at; there can be exponentially many.
    """
    terms = adjustable(graph, query)
    if not terms:
        return [], False
    best = [terms[0].optimal_adjustment] if terms[0].optimal_adjustment else []
    minimal = list(islice(terms[0].adjustment_sets(), MOST_SETS + 1))
    sets = dict.fromkeys([*(sets.nodes for sets in best), *minimal[:MOST_SETS]])
    valid = [names for names in sets if all(forms.is_adjustment_set(names) for forms in terms[1:])]
    return valid, len(minimal) > MOST_SETS


def why_no_adjustment_set(forms: Forms, names: Iterable[Name]) -> str:
    """The sentence that says why a set is no adjustment set; empty where it is one."""
    nodes = frozenset(names)
    if forms.is_adjustment_set(nodes):
        return ""
    start = f"{_listed(nodes)} is no adjustment set:"
    for name in sorted(nodes):
        if name in (*forms.treatments, *forms.outcomes):
            return f"{start} {quote(name)} is {'set' if name in forms.treatments else 'asked about'}."
    graph, causal = forms.graph, _causal(forms)
    for name in sorted(nodes & graph.descendants(causal)):
        treated = ", ".join(map(quote, forms.treatments))
        return f"{start} {quote(name)} is caused by {treated} on or beside the way to the outcome."
    path = _open_path(forms, causal, nodes)
    return f"{start} it leaves the path {path} open."


def _causal(forms: Forms) -> frozenset[Name]:
    """The nodes on causal paths from the treatments that leave them at once."""
    treated = frozenset(forms.treatments)
    below = forms.graph.without_incoming(treated).descendants(treated)
    return (below & forms.graph.without_outgoing(treated).ancestors(forms.outcomes)) - treated


_Stop = tuple[Name, bool]
"""A node, and whether it was come to along an arrowhead."""


def _open_path(forms: Forms, causal: frozenset[Name], nodes: frozenset[Name]) -> str:
    """A shortest path from a treatment to an outcome that is not causal, and that the set leaves open."""
    graph, treated = forms.graph, frozenset(forms.treatments)
    opened = graph.ancestors(nodes)
    before: dict[_Stop, tuple[_Stop, str] | None] = {(name, False): None for name in forms.treatments}
    waiting = list(before)
    for stop in waiting:
        name, by_head = stop
        if name in forms.outcomes:
            return _written(stop, before)
        for other, arrow, heads in _steps(graph, name, treated, causal):
            leaves_by_head, arrives_by_head = heads
            collider = by_head and leaves_by_head
            start = before[stop] is None
            if not start and (name not in opened if collider else name in nodes):
                continue
            following = (other, arrives_by_head)
            if other not in treated and following not in before:
                before[following] = (stop, arrow)
                waiting.append(following)
    raise AssertionError("a set that is invalid, and holds no forbidden node, leaves a path open")


def _steps(
    graph: Admg, name: Name, treated: frozenset[Name], causal: frozenset[Name]
) -> Iterator[tuple[Name, str, tuple[bool, bool]]]:
    """Each neighbour with its edge and whether that has an arrowhead here and there, without the first causal edges."""
    for other in graph.parents(name):
        if not (other in treated and name in causal):
            yield other, "<-", (True, False)
    for other in graph.children(name):
        if not (name in treated and other in causal):
            yield other, "->", (False, True)
    for other in graph.spouses(name):
        yield other, "<->", (True, True)


def _written(stop: _Stop, before: dict[_Stop, tuple[_Stop, str] | None]) -> str:
    text = quote(stop[0])
    while step := before[stop]:
        stop, arrow = step
        text = f"{quote(stop[0])} {arrow} {text}"
    return text


def _listed(names: Iterable[Name]) -> str:
    return "{" + ", ".join(map(quote, sorted(names))) + "}"


def best_columns(graph: Admg, query: Query) -> set[Name]:
    """The nodes of the best adjustment sets, some of which may cause nothing that the query names."""
    columns: set[Name] = set()
    for forms in adjustable(graph, query):
        if best := forms.optimal_adjustment:
            columns |= best.nodes
    return columns


def needed_columns(
    graph: LatentDag | Admg, queries: Iterable[Query], methods: Sequence[AbstractMethod], adjust: Adjust
) -> tuple[tuple[Name, ...], tuple[Name, ...]]:
    """The measured nodes that have to be columns, and those more that are read where the table has them.

    The first are what is named, its causes, and the sets that are asked for. The others are in the sets of least variance
    without being a cause of what is named: a table may lack them.
    """
    admg, asked = project(graph), list(queries)
    named = {
        name
        for query in asked
        for term in query.terms
        for name in (*term.outcome_names, *term.treatments, *term.conditions)
    }
    must = set(admg.ancestors(named)) | (set(adjust) if isinstance(adjust, tuple) else set())
    for method in methods:
        must |= method.columns
    may = {name for query in asked for name in best_columns(admg, query)} - must
    return tuple(n for n in admg.nodes if n in must), tuple(n for n in admg.nodes if n in may)


def without_columns(graph: Admg, absent: Collection[Name]) -> Admg:
    """The graph over the other nodes, these being latent."""
    if not absent:
        return graph
    bidirected = tuple((a, b, 1) for a, b in graph.bidirected)
    return LatentDag(graph.nodes, graph.directed, bidirected, frozenset(absent)).projection

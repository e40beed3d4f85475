"""What would help where the answer is no: what to measure, which edge to rule out, where to experiment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from latentdo.graphs import Admg, LatentDag, Name, project, quote
from latentdo.query import Query
from latentdo.sheet import AbstractShown, Note, Sheet

from .measuring import Experiments, Limits, Measuring, obstacle, with_arcs_as_nodes


@dataclass(frozen=True, repr=False)
class Remedies(AbstractShown):
    """What would make a question identified; each entry is enough by itself, and no part of it is.

    Attributes:
        query: What was asked.
        measure: Sets of hidden causes to measure, as the graph names them; `A <-> B` is all that is behind that
            edge, measured whole.
        remove: Single edges that would have to be absent, as the graph is drawn.
        experiments: Sets of nodes, none of them set by the question, on which to experiment: the data are then
            P(V) and what is seen when any of them are set.
        cut: How far a list was searched that is not known to be complete, by the name of the list.
    """

    query: Query
    measure: tuple[tuple[str, ...], ...]
    remove: tuple[str, ...]
    experiments: tuple[tuple[Name, ...], ...]
    cut: tuple[tuple[str, str], ...] = ()

    def sheet(self) -> Sheet:
        """What would help, a line for each kind."""
        experiments = [tuple(map(quote, names)) for names in self.experiments]
        measure = [tuple(map(_behind, names)) for names in self.measure]
        lists = [
            ("measure", "Measure", measure),
            ("remove", "Rule out", [(edge,) for edge in self.remove]),
            ("experiments", "Experiment on", experiments),
        ]
        searched = {name: f" (searched: {cut})" for name, cut in self.cut}
        notes = (
            Note(f"{', or '.join(map(' and '.join, sets)) or 'nothing of this kind'}{searched.get(name, '')}.", label)
            for name, label, sets in lists
        )
        return Sheet(f"What would make {self.query} identified:", notes=tuple(notes))

    def to_json(self) -> dict[str, Any]:
        """The remedies as plain strings and lists."""
        return {
            "query": str(self.query),
            "measure": [list(names) for names in self.measure],
            "remove": list(self.remove),
            "experiments": [list(names) for names in self.experiments],
            "cut": dict(self.cut),
        }


def _behind(name: str) -> str:
    """What has to be measured: a node, or all that an edge stands for."""
    is_node = name.count("`") == 2 and name.startswith("`") and name.endswith("`")
    return f"what is behind {name}" if " <-> " in name and not is_node else name


def remedies_of(graph: LatentDag | Admg, query: Query, limits: Limits) -> Remedies:
    """What would make a question identified, on the graph that it was asked of."""
    opened, called = with_arcs_as_nodes(graph)
    measured = Measuring(opened, query.terms, opened.latent).minimal(limits)
    edges, edges_cut = _removable(graph, query, limits)
    surrogates = Experiments(project(graph).sorted_masks, query.terms).minimal(limits)
    cuts = {"measure": measured.cut, "remove": edges_cut, "experiments": surrogates.cut}
    return Remedies(
        query,
        tuple(tuple(sorted(called.get(name) or quote(name) for name in names)) for names in measured.sets),
        edges,
        tuple(tuple(sorted(names)) for names in surrogates.sets),
        tuple((name, cut) for name, cut in cuts.items() if cut),
    )


def _removable(graph: LatentDag | Admg, query: Query, limits: Limits) -> tuple[tuple[str, ...], str]:
    """The edges without which the question is identified, one at a time."""
    end = time.monotonic() + limits.seconds
    labels: list[str] = []
    for label, without in _without_one_edge(graph, {name for term in query.terms for name in term.names}):
        if time.monotonic() > end:
            return tuple(labels), f"the edges that were reached in {limits.seconds:g} s"
        if obstacle(project(without).sorted_masks, query.terms) is None:
            labels.append(label)
    return tuple(labels), ""


def _without_one_edge(graph: LatentDag | Admg, asked: set[Name]) -> Iterator[tuple[str, LatentDag | Admg]]:
    """The graph without each edge that leads into an ancestor of what is asked, and the edge as it is drawn."""
    near = graph.ancestors(asked)
    inhibiting = graph.inhibiting if isinstance(graph, LatentDag) else frozenset[tuple[Name, Name]]()
    for a, b in sorted(edge for edge in graph.directed if edge[1] in near):
        changed: dict[str, Any] = {"directed": graph.directed - {(a, b)}}
        if inhibiting:
            changed["inhibiting"] = inhibiting - {(a, b)}
        yield f"{quote(a)} {'-|' if (a, b) in inhibiting else '->'} {quote(b)}", replace(graph, **changed)
    for edge in sorted(graph.bidirected):
        if near.issuperset(edge[:2]):
            rest: Any = [other for other in graph.bidirected if other != edge]
            yield f"{quote(edge[0])} <-> {quote(edge[1])}", replace(graph, bidirected=rest)

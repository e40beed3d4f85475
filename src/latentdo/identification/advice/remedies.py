"""What would help where the answer is no: what to measure, which edge to rule out, where to experiment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from latentdo.graphs import Admg, LatentDag, Name, project, quote
from latentdo.query import Query
from latentdo.sheet import AbstractShown, Note, Sheet

from ..engine.experiments import Experiments
from .measuring import Experimenting, Limits, Measuring, MinimalSets, obstacles, with_arcs_as_nodes

WHOLE = " (the whole effect that is asked about)"


@dataclass(frozen=True, repr=False)
class Remedies(AbstractShown):
    """What would make a question identified; each entry is enough by itself, and no part of it is.

    Attributes:
        query: What was asked.
        measure: Sets of hidden causes to measure, as the graph names them; `A <-> B` is all that is behind that
            edge, measured whole.
        remove: Single edges that would have to be absent, as the graph is drawn; those of `effect` stand last.
        experiments: Sets of nodes on which to experiment, all of a set at once: the data are then P(V), what is known already,
            and what is seen when these are set. What the question sets is among them where nothing else was found to help.
        series: Where no single experiment on all of a set does: several, each with nodes of its own, that do together.
        cut: How far a list was searched that is not known to be complete, by the name of the list.
        effect: The edges of `remove` without which nothing that is set acts on what is asked: there would be no effect.
    """

    query: Query
    measure: tuple[tuple[str, ...], ...]
    remove: tuple[str, ...]
    experiments: tuple[tuple[Name, ...], ...]
    cut: tuple[tuple[str, str], ...] = ()
    series: tuple[tuple[tuple[Name, ...], ...], ...] = ()
    effect: tuple[str, ...] = ()

    @property
    def words(self) -> dict[str, list[str]]:
        """Each remedy in words, by its kind and in the order of its list; those of `series` stand behind `experiments`."""
        experiments = [" and ".join(map(quote, names)) + self.itself(names) for names in self.experiments]
        experiments += [", and separately ".join(" and ".join(map(quote, n)) for n in names) for names in self.series]
        return {
            "measure": [" and ".join(map(behind, names)) for names in self.measure],
            "remove": [edge + WHOLE * (edge in self.effect) for edge in self.remove],
            "experiments": experiments,
        }

    def sheet(self) -> Sheet:
        """What would help, a line for each kind."""
        labels = {"measure": "Measure", "remove": "Rule out", "experiments": "Experiment on"}
        searched = {name: f" (searched: {cut})" for name, cut in self.cut}
        notes = (
            Note(f"{', or '.join(found) or 'nothing of this kind'}{searched.get(name, '')}.", labels[name])
            for name, found in self.words.items()
        )
        return Sheet(f"What would make {self.query} identified:", notes=tuple(notes))

    def itself(self, names: tuple[Name, ...]) -> str:
        """What to add to the names of an experiment on what the question itself sets; else empty."""
        asked = {name for term in self.query.terms for name in term.treatments}
        return f" {'itself' if len(names) == 1 else 'themselves'} (a trial)" if asked.issuperset(names) else ""

    def to_json(self) -> dict[str, Any]:
        """The remedies as plain strings and lists."""
        return {
            "query": str(self.query),
            "measure": [list(names) for names in self.measure],
            "remove": list(self.remove),
            "effect": list(self.effect),
            "experiments": [list(names) for names in self.experiments],
            "series": [list(map(list, names)) for names in self.series],
            "cut": dict(self.cut),
        }


def behind(name: str) -> str:
    """What has to be measured: a node, or all that an edge stands for."""
    is_node = name.count("`") == 2 and name.startswith("`") and name.endswith("`")
    return f"what is behind {name}" if " <-> " in name and not is_node else name


def remedies_of(graph: LatentDag | Admg, query: Query, limits: Limits, known: Experiments = ()) -> Remedies:
    """What would make a question identified, on the graph that it was asked of, beside the experiments that are known."""
    opened, called = with_arcs_as_nodes(graph)
    measured = Measuring(opened, query.terms, opened.latent, known).minimal(limits)
    edges, effect, edges_cut = _removable(graph, query, limits, known)
    masks = project(graph).sorted_masks
    experimenting = Experimenting(masks, query.terms, known)
    surrogates = experimenting.minimal(limits)
    if not surrogates.sets:
        experimenting = Experimenting(masks, query.terms, known, itself=True)
        surrogates = MinimalSets(experimenting.minimal(limits).sets, surrogates.cut)
    series = [experimenting.series(names) for names in surrogates.sets]
    cuts = {"measure": measured.cut, "remove": edges_cut, "experiments": surrogates.cut}
    return Remedies(
        query,
        tuple(tuple(sorted(called.get(name) or quote(name) for name in names)) for names in measured.sets),
        (*edges, *effect),
        tuple(experiments[0] for experiments in series if len(experiments) == 1),
        tuple((name, cut) for name, cut in cuts.items() if cut),
        tuple(experiments for experiments in series if len(experiments) > 1),
        effect,
    )


def _removable(
    graph: LatentDag | Admg, query: Query, limits: Limits, known: Experiments
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """The edges without which the question is identified, one at a time; apart, those that are the whole effect."""
    end = time.monotonic() + limits.seconds
    labels: dict[str, bool] = {}
    acts, cut = _acts(graph, query), ""
    for label, without in _without_one_edge(graph, {name for term in query.terms for name in term.names}):
        if time.monotonic() > end:
            cut = f"the edges that were reached in {limits.seconds:g} s"
            break
        if not obstacles(project(without).sorted_masks, query.terms, known):
            labels[label] = acts and not _acts(without, query)
    apart = tuple(label for label, whole in labels.items() if whole)
    return tuple(label for label, whole in labels.items() if not whole), apart, cut


def _acts(graph: LatentDag | Admg, query: Query) -> bool:
    """Whether something that is set has a way along arrows to what is asked."""
    return any(not graph.descendants(term.treatments).isdisjoint(term.outcome_names) for term in query.terms)


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

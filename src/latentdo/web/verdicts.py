"""What can be answered: the verdict on each question, with what a page lights up and the edits that its remedies are."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from latentdo.errors import LatentdoError, UnsupportedError
from latentdo.graphs import LatentDag, Name, quote, source_of
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.query import Query

from .marks import Marks
from .reading import Reading, edges_of, reading_of
from .request import Request

MEANINGS = {
    "no effect": "What is set has no effect on what is asked about.",
    "seeing is doing": "Nothing that was not measured stands between them: what is seen is what setting does.",
    "back-door": "Adjusting for measured causes gives the answer (back-door).",
    "front-door": "What lies between them gives the answer (front-door).",
    "conditional front-door": "What lies between them gives the answer, adjusted for other nodes (conditional front-door).",
    "g-formula": "Averaging step by step over what comes between gives the answer (g-formula).",
    "ratio": "A ratio of two formulas gives the answer, as in the napkin.",
    "general formula": "A general formula gives the answer.",
    "experiment": "An experiment that you have shows the answer.",
    "experiment and formula": "An experiment that you have and a formula give the answer together.",
}
"""What the name of a formula's form says."""
_LIMITS: dict[str, Any] = {"max_size": 2, "max_count": 6, "seconds": math.inf}
"""How far remedies are searched: by size and not by time, so that the same text gives the same bytes."""
MOST_NODES = 300
"""Nodes of a graph in which remedies are searched at every stroke."""


def verdict(request: Request) -> dict[str, Any]:
    """The verdict on each question; a question that cannot be read or asked has its own error in its place."""
    reading = reading_of(request.text("text"))
    queries = request.texts("queries")
    experiments = experiments_of(request)
    remedies = request.flag("remedies", True)
    return {
        "nodes": list(reading.graph.nodes),
        "verdicts": [_row(reading, text, experiments, remedies=remedies) for text in queries],
    }


def experiments_of(request: Request) -> tuple[tuple[Name, ...], ...]:
    """What is set in each experiment that is known too."""
    return tuple(map(tuple, request.groups("experiments")))


def asked(reading: Reading, text: str, experiments: tuple[tuple[Name, ...], ...]) -> Identified | NotIdentified:
    """The verdict on one question.

    Raises:
        LatentdoError: It cannot be read, or makes no sense for the graph.
    """
    return _verdict(reading.graph, tuple(reading.functional.items()), reading.query_of(text), experiments)


@lru_cache(maxsize=256)
def _verdict(
    graph: LatentDag,
    functional: tuple[tuple[Name, tuple[Name, ...]], ...],
    query: Query,
    experiments: tuple[tuple[Name, ...], ...],
) -> Identified | NotIdentified:
    return identify(graph, query, functional=dict(functional), experiments=experiments)


def _row(reading: Reading, text: str, experiments: tuple[tuple[Name, ...], ...], *, remedies: bool) -> dict[str, Any]:
    try:
        found = asked(reading, text, experiments)
    except LatentdoError as error:
        told = error.to_json()
        return {
            "asked": text,
            "ok": False,
            "error": {**told, "message": _with_backticks(reading, text, told["message"])},
        }
    row: dict[str, Any] = {"asked": text, "ok": True, **found.to_json(proof=False), "roles": _roles(found.query)}
    match found:
        case Identified(estimand=estimand):
            words = [MEANINGS.get(form, f"{form}.") for form in estimand.form.split(", ")]
            sets = {letter: sorted(names) for letter, names in estimand.sets.items()}
            row |= {"words": " ".join(words), "marked": estimand.marked_latex(Marks(reading.graph.nodes).mark)}
            row |= {"sets": sets, "free": list(estimand.free), "lit": None, "remedies": None}
        case NotIdentified():
            row |= {
                "words": found.reason,
                "marked": None,
                "form": None,
                "sets": {},
                "free": [],
                "lit": _lit(reading, found),
            }
            searched = remedies and len(reading.graph.nodes) <= MOST_NODES
            row |= {"proved": found.proved, "remedies": _remedies(reading, found) if searched else None}
    return row


def _with_backticks(reading: Reading, text: str, message: str) -> str:
    """What is wrong with a question, with the name of a node as it has to be typed, where it was typed as it is."""
    odd = [name for name in reading.graph.nodes if quote(name) != name and name in text and quote(name) not in text]
    if not odd:
        return message
    advice = f"The name {max(odd, key=len)} stands in backticks: {quote(max(odd, key=len))}."
    first, *rest = message.split("\n")
    first = re.sub(r"A name with a hyphen stands in backticks: `[^`]*`\.", "", first).rstrip()
    return "\n".join([f"{first} {advice}", *rest])


def _roles(query: Query) -> dict[Name, str]:
    """The part that each node plays in a question."""
    roles: dict[Name, str] = {}
    for part, role in (("conditions", "given"), ("outcome_names", "outcome"), ("treatments", "treatment")):
        roles |= {name: role for term in query.terms for name in getattr(term, part)}
    return dict(sorted(roles.items()))


def _lit(reading: Reading, verdict: NotIdentified) -> dict[str, Any]:
    """The hedge in the drawing: its nodes, and the edges among them, through hidden nodes too."""
    graph = reading.graph
    hedges = [verdict.hedge, *(around for _, around in verdict.thicket)]
    larger, smaller = (set(graph.nodes).intersection(set[Name]().union(*sides)) for sides in zip(*hedges, strict=True))
    lit = larger | _joining(graph, larger)
    edges = [edge for edge in edges_of(reading) if edge["tail"] in lit and edge["head"] in lit]
    return {
        "nodes": [node for node in graph.nodes if node in lit],
        "smaller": [node for node in graph.nodes if node in smaller],
        "edges": [{key: edge[key] for key in ("tail", "head", "kind")} for edge in edges],
    }


def _joining(graph: LatentDag, nodes: set[Name]) -> set[Name]:
    """The hidden nodes that lie between some of the nodes: those that reach two of them, and those on such a way."""
    order = graph.topological_order()
    reached: dict[Name, set[Name]] = {}
    for node in reversed(order):
        if node in graph.latent:
            reached[node] = set()
            for child in graph.children(node):
                reached[node] |= reached.get(child, {child} & nodes)
    found: set[Name] = set()
    for node in order:
        if reached.get(node) and (len(reached[node]) > 1 or any(p in nodes | found for p in graph.parents(node))):
            found.add(node)
    return found


# --- what would help


def _remedies(reading: Reading, verdict: NotIdentified) -> list[dict[str, Any]]:
    """What would help, each with the edits of the text, or with the experiment, that it is."""
    try:
        found = verdict.remedies(**_LIMITS)
    except UnsupportedError:
        return []
    words = found.words
    offers = [
        _offer("measure", f"measure {label}", [edit for name in names for edit in _measuring(reading, name)])
        for label, names in zip(words["measure"], found.measure, strict=True)
    ]
    offers += [
        _offer("remove", f"rule out {label}", [_removing(edge)])
        for label, edge in zip(words["remove"], found.remove, strict=True)
    ]
    runs = [*((names,) for names in found.experiments), *found.series]
    for label, names in zip(words["experiments"], runs, strict=True):
        offers.append(_offer("experiment", f"experiment on {label}", [], list(map(list, names))))
    return offers


def _offer(
    kind: str, words: str, edits: list[dict[str, Any]], experiments: list[list[Name]] | None = None
) -> dict[str, Any]:
    return {"kind": kind, "words": words, "edits": edits, "experiments": experiments or []}


def _removing(edge: str) -> dict[str, Any]:
    """The edit that rules an edge out, which is named as it is typed."""
    (statement,) = source_of(edge).statements
    (tail, head), (arrow,) = statement.names, statement.arrows
    return {"op": "remove_edge", "tail": tail.text, "head": head.text, "kind": arrow.text}


def _measuring(reading: Reading, name: str) -> list[dict[str, Any]]:
    """The edits after which a hidden cause is measured: the node is shown, or what is behind an edge becomes a node."""
    (statement,) = source_of(name).statements
    if statement.kind == "node":
        return [{"op": "set_latent", "name": statement.names[0].text, "latent": False}]
    ends = [token.text for token in statement.names]
    cause = "_".join(ends)
    while cause in reading.graph.nodes:
        cause += "_"
    edits = [_removing(name), {"op": "add_node", "name": cause, "latent": False}]
    return edits + [{"op": "add_edge", "tail": cause, "head": end, "kind": "->"} for end in ends]

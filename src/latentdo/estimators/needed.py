"""Which columns a question needs, and which only make answers more precise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from latentdo.graphs import Admg, LatentDag, Name, project
from latentdo.query import Query

from .adjusting import best_columns
from .options import Adjust


def needed_columns(
    graph: LatentDag | Admg, queries: Iterable[Query], methods: Sequence[Any], adjust: Adjust
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
        must |= getattr(method, "adjustment", None) or frozenset()
    may = {name for query in asked for name in best_columns(admg, query)} - must
    return tuple(n for n in admg.nodes if n in must), tuple(n for n in admg.nodes if n in may)


def without_columns(graph: Admg, absent: Collection[Name]) -> Admg:
    """The graph over the other nodes, these being latent."""
    if not absent:
        return graph
    bidirected = tuple((a, b, 1) for a, b in graph.bidirected)
    return LatentDag(graph.nodes, graph.directed, bidirected, frozenset(absent)).projection

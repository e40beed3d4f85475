"""Experiments beside observation: what setting a node cannot change, by the graph, tested on the rows of both.

A node that says in which experiment a row was made is a cause of what was set there, and of nothing else. What the graph then
keeps apart from it has to be alike in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from latentdo.graphs import Admg, Name, quote
from latentdo.identification import Independence, testable_implications
from latentdo.sheet import listed
from latentdo.tables import Dataset

from .values import CheckRow, Layer, Word

LEAST_ROWS = 30
"""Rows that observation and an experiment need each."""
Rows = Callable[[Admg, Dataset, list[Independence]], Iterator[CheckRow]]
"""Tests statements of a graph on rows."""


def regime_rows(graph: Admg, data: Dataset, test: Rows) -> Iterator[CheckRow]:
    """A row for each thing that an experiment cannot have changed; the p values are not yet adjusted.

    Args:
        graph: Its measured nodes are columns of the data.
        data: All rows, with what was set in them.
        test: Tests independences of a wider graph on a table.

    Source:
        Pearl (2009), Causality, section 3.2.2, for the node that says how another comes about; Mooij, Magliacane & Claassen
        (2020), Joint causal inference from multiple contexts.
    """
    if data.pattern is None:
        return
    rows = data.expanded(graph.nodes)
    assert rows.pattern is not None or not data.patterns
    if rows.pattern is None:
        return
    sets = [each.held if not each.missing else None for each in rows.patterns]
    seen = np.isin(rows.pattern, [k for k, held in enumerate(sets) if held == ()])
    for k, held in enumerate(sets):
        there = rows.pattern == k
        if not held or there.sum() < LEAST_ROWS or seen.sum() < LEAST_ROWS:
            continue
        yield from _compared(graph, rows, seen, there, held, test)


def _compared(
    graph: Admg, rows: Dataset, seen: np.ndarray, there: np.ndarray, held: tuple[Name, ...], test: Rows
) -> Iterator[CheckRow]:
    label = f"do({', '.join(held)})"
    wider = Admg((label, *graph.nodes), graph.directed | {(label, name) for name in held}, graph.bidirected)
    both = np.flatnonzero(seen | there)
    columns = {name: rows.column(name)[both] for name in graph.nodes}
    table = replace(Dataset.of({label: there[both].astype(float), **columns}), levels=rows.levels)
    said = [each for each in testable_implications(wider).independences if label in (*each.first, *each.second)]
    for row in test(wider, table, said):
        others = [name for name in row.nodes if name != label]
        fixed = [name for name in row.about.given if name != label]
        given = f" given {listed(map(quote, fixed))}" if fixed else ""
        what = f"law of {listed(map(quote, others))}{given}, where {listed(map(quote, held))} was set and where not"
        advice = row.advice or (
            f"setting {listed(map(quote, held))} changed {listed(map(quote, others))}{given}, and the graph says that it does "
            "not: an arrow is missing, or the experiment did more than it was meant to"
        )
        yield replace(
            row, layer=Layer.GRAPH, what=what, advice=advice, nodes=tuple(others), pairs=(), latex="", about=None
        )


def joined(
    rows: list[CheckRow], more: list[CheckRow], level: float, holm: Callable[[list[float]], list[float]]
) -> list[CheckRow]:
    """All rows with p values adjusted together, those that were not tested last."""
    tested = sorted((row for row in (*rows, *more) if row.p is not None), key=lambda row: row.p or 0.0)
    out = []
    for row, p in zip(tested, holm([row.p or 0.0 for row in tested]), strict=True):
        fails = p <= level
        out.append(
            replace(
                row,
                adjusted=p,
                word=Word.CONTRADICTED if fails else Word.NO_MISFIT,
                advice=row.advice if fails else "",
            )
        )
    return [*out, *(row for row in (*rows, *more) if row.p is None)]

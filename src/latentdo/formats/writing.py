"""`write`: a graph to a file, with the report of what the format has no place for."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from latentdo.errors import DataError, UsageError
from latentdo.files import write_table
from latentdo.graphs import folded, quote
from latentdo.sheet import counted

from .catalogue import FORMATS, Format, format_named
from .foreign.probabilities import network_of
from .reading import read
from .report import Read, Report


def write(graph: Any, path: str | os.PathLike[str], format: str | None = None) -> Report:
    """Write a graph to a file, whole or not at all, and report what the format has no place for.

    Args:
        graph: Whatever `read` takes, what it gave, or a fit.
        path: Where to; the suffix tells the format unless it is given.
        format: One of `latentdo.formats.FORMATS`.

    Raises:
        UsageError: A suffix or format that is not written.
        UnsupportedError: The format cannot hold the graph at all; says why.
        DataError: The file cannot be written.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"A graph is written under a path, not under a {type(path).__name__}.")
    name = format or _told(str(path))
    content, report = written(graph, name, str(path))
    try:
        write_table(path, content.encode("utf-8") if isinstance(content, str) else content)
    except DataError as problem:
        raise UsageError(str(problem)) from None
    return report


def written(graph: Any, name: str, target: str = "text") -> tuple[str | bytes, Report]:
    """The content of the file, and the report."""
    chosen = format_named(name, write=True)
    assert chosen.write is not None
    found = graph if isinstance(graph, Read) else read(graph)
    if chosen.tables and found.network is None:
        # Of a fit the tables stand in its draws.
        found = replace(found, network=network_of(graph if hasattr(graph, "blocks") else found))
    found = replace(found, graph=folded(found.graph))
    return chosen.write(found, target), _report(found, chosen, target)


def _told(path: str) -> str:
    """The format that a suffix names for writing."""
    for name, format in FORMATS.items():
        if format.write is not None and path.lower().endswith(tuple(format.suffixes)) and format.suffixes:
            return name
    known = ", ".join(end for format in FORMATS.values() if format.write is not None for end in format.suffixes)
    raise UsageError(
        f"{path}: its end does not say in which format it is to be written. Known ends are {known}; or give format=."
    )


def _report(found: Read, chosen: Format, target: str) -> Report:
    """What the format has no place for."""
    graph, keeps, title = found.graph, chosen.keeps, chosen.title
    lost: list[str] = []
    if graph.latent and "latent" not in keeps:
        names = ", ".join(quote(node) for node in graph.nodes if node in graph.latent)
        stands = "stands" if len(graph.latent) == 1 else "stand"
        lost.append(f"{title} cannot say that a node is latent: {names} {stands} there as if measured")
    if graph.bidirected and "arcs" not in keeps:
        arcs = ", ".join(f"{quote(a)} <-> {quote(b)}" for a, b, _ in graph.bidirected)
        lost.append(
            f"{title} has no hidden common causes: {arcs} {'is' if len(graph.bidirected) == 1 else 'are'} left out"
        )
    elif any(count > 1 for *_, count in graph.bidirected) and "counts" not in keeps:
        lost.append(
            f"{title} cannot say that several latents stand behind one <->; one is written, with the same verdicts"
        )
    signs = dict(found.signs)
    if "inhibiting" in keeps:
        signs = {edge: sign for edge, sign in signs.items() if sign == "+"}
    if signs and "signs" not in keeps:
        lost.append(f"{title} has no signs: those of {counted(len(signs), 'edge')} are left out")
    joined = {node for edge in (*graph.directed, *(arc[:2] for arc in graph.bidirected)) for node in edge}
    if chosen is FORMATS["omnipath"] and (lone := [node for node in graph.nodes if node not in joined]):
        lost.append(
            f"{title} has no nodes without edges: {', '.join(map(quote, lone))} {'is' if len(lone) == 1 else 'are'} left out"
        )
    behind = () if chosen in (FORMATS["model"],) else found.report.dropped
    edges = len(graph.directed) + len(graph.bidirected)
    return Report(
        title, target, len(graph.nodes), edges, (*lost, *(each for each in behind if "no part of a graph" in each))
    )

"""Graphs of other programs in, and what is on the page out: texts, studies, drawings, each with a report of what was lost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from latentdo.drawings import drawing_of
from latentdo.errors import GraphError, UnsupportedError
from latentdo.formats import FORMATS, Report, read, read_named, written
from latentdo.graphs import normalised

from .reading import Reading, edges_of, reading_of
from .request import Request

MEDIA = {"svg": "image/svg+xml", "graphml": "application/xml", "xmlbif": "application/xml", "study": "application/yaml"}
"""What a browser calls the content of a file, where it is not plain text."""
DRAWINGS = {"svg": ".svg", "tikz": ".tikz", "mermaid": ".mmd"}
_OURS = ("arrows", "a model")


def import_(request: Request) -> dict[str, Any]:
    """The text of a graph, a model or a study in any format that is read, with a report of what it does not hold.

    Raises:
        NotationError: The content cannot be read; says where.
        UnsupportedError: A format that is not read, here or at all.
    """
    content = request.text("content")
    try:
        found = read_named(content, request.text("name", ""), request.text("format", "") or None)
    except ImportError as problem:
        raise UnsupportedError(
            f"A study file is YAML, and what reads YAML is not here ({problem}): pip install pyyaml. Or paste what stands below "
            "`model:` in it."
        ) from None
    if found.report.format in _OURS:
        # Comments and order are the user's, and nothing is left out.
        text, found = normalised(content), replace(found, report=replace(found.report, dropped=()))
    elif found.model is not None:
        text = f"{found.model}\n"
        left = "its data and its engine stay behind; priors of single weights stand in comments"
        found = replace(found, report=replace(found.report, dropped=(), notes=(left,)))
    else:
        text = str(written(found, "text")[0])
    if found.model is not None:
        # As many as the page shows: a common cause that has no name is an edge there, and no node.
        shown = reading_of(text)
        counts = {"nodes": len(shown.graph.nodes), "edges": len(edges_of(shown))}
        found = replace(found, report=replace(found.report, **counts))
    queries = [query for _, query in found.questions]
    return {"text": text, "queries": queries, "report": _told(found.report)}


def _told(report: Report) -> dict[str, Any]:
    return {**report.to_json(), "text": str(report)}


def export(request: Request) -> dict[str, Any]:
    """What is on the page as a file of another format: its content, name and media type, and what it has no place for.

    Raises:
        UsageError: A format that is not written.
        GraphError: A study or a model of a graph alone.
    """
    reading = reading_of(request.text("text"))
    queries, stem = request.texts("queries"), request.text("name", "") or "graph"
    format = request.choice("format", tuple(name for name in FORMATS if name in (*DRAWINGS, "study") or _is_text(name)))
    suffix = FORMATS[format].suffixes[0] if FORMATS[format].suffixes else ".txt"
    report: Report | None = None
    if format == "text":
        # As it was typed.
        content: str | bytes = reading.source.text
    elif format == "study":
        content = study_text(reading, queries)
    else:
        asked = tuple((f"q{k}", str(reading.query_of(query))) for k, query in enumerate(queries, 1))
        content, report = written(replace(read(reading.value), questions=asked), format, f"{stem}{suffix}")
    return {
        "content": content if isinstance(content, str) else content.decode("utf-8"),
        "name": f"{stem}{suffix}",
        "media_type": MEDIA.get(format, "text/plain"),
        "report": None if report is None or report.lossless else _told(report),
    }


def _is_text(name: str) -> bool:
    """Whether a format is written as text."""
    return FORMATS[name].write is not None and name not in ("png", "pdf")


def study_text(reading: Reading, queries: list[str]) -> str:
    """The text of a study file: the model as it was typed, and the questions.

    Raises:
        GraphError: The text is a graph alone, and a study has a model.
    """
    if reading.spec is None:
        raise GraphError(
            "A study has a model, and a graph alone says of no node how it is generated. Write each node's family: "
            "X ~ normal(Z)."
        )
    lines = reading.source.text.rstrip("\n").split("\n")
    # YAML tells the indentation by the first line, unless that starts with a blank.
    mark = "|2" if lines[0][:1].isspace() else "|"
    text = "\n".join([f"model: {mark}", *(f"  {line}".rstrip() for line in lines)])
    asked = [f"  - {json.dumps(query, ensure_ascii=False)}" for query in queries]
    return "\n".join([text, *(["queries:", *asked] if asked else []), ""])


def draw(request: Request) -> dict[str, Any]:
    """The graph as a drawing, with what a question marks in it.

    Raises:
        UnsupportedError: More nodes than can be seen.
    """
    reading = reading_of(request.text("text"))
    format = request.choice("format", tuple(DRAWINGS))
    query, title = request.text("query", ""), request.text("title", "")
    made = drawing_of(reading.value, query or None, title=title)
    content = made.content(DRAWINGS[format]).decode("utf-8")
    return {"content": content, "name": f"graph{DRAWINGS[format]}", "media_type": MEDIA.get(format, "text/plain")}


def formats(request: Request) -> dict[str, Any]:
    """What can be imported and exported."""
    rows = [
        {
            "name": name,
            "title": each.title,
            "suffixes": list(each.suffixes),
            "reads": each.read is not None and each.content != "value" and name != "fit",
            "writes": _is_text(name) or name == "study",
        }
        for name, each in FORMATS.items()
    ]
    return {"formats": [row for row in rows if row["reads"] or row["writes"]]}

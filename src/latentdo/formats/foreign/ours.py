"""Our own files and texts as graphs: arrows, models, studies, saved fits; and what of them a graph does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo.errors import GraphError
from latentdo.graphs import Admg, LatentDag, MechanismStatement, Name, folded, graph_of, parse_statements

from ..report import Read, Report

if TYPE_CHECKING:
    from latentdo.models import ModelSpec


def read_own(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of a text of arrows, or of a model in the model language.

    Raises:
        NotationError: The text cannot be read; says where.
        GraphError: What it states together cannot be.
    """
    statements = parse_statements(text)
    if any(isinstance(statement, MechanismStatement) for statement in statements):
        from latentdo.models import ModelSpec

        return of_model(ModelSpec.stated(statements, text), "a model", source)
    return of_graph(graph_of(statements, text), "arrows", source)


def read_study(content: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of a study's model.

    Raises:
        StudyError: The study cannot be read; says where.
    """
    from latentdo.models.study import load_study

    study = load_study(Path(source)) if source != "text" else load_study(content)
    read = of_model(study.model, "a study", source, ("data", "engine"))
    return Read(read.graph, read.report, read.signs, tuple((k, str(q)) for k, q in study.queries), model=study.model)


def read_fit(path: Path) -> Read:
    """The graph of a saved fit.

    Raises:
        ArchiveError: The file cannot be opened.
    """
    from latentdo.inference import read_archive

    posterior = read_archive(path)
    read = of_model(posterior.spec, "a saved fit", str(path), ("draws",))
    return Read(
        read.graph, read.report, read.signs, tuple((k, str(q)) for k, q in posterior.queries), model=posterior.spec
    )


def of_graph(graph: LatentDag, format: str, source: str, dropped: tuple[str, ...] = ()) -> Read:
    """A graph that was there as a whole, with a report that names nothing but `dropped`."""
    # What `<->` stands for is one edge, and no node.
    shown = folded(graph)
    report = Report(format, source, len(shown.nodes), len(shown.directed) + len(shown.bidirected), dropped)
    return Read(graph, report, dict.fromkeys(graph.inhibiting, "-"))


def of_model(spec: ModelSpec, format: str, source: str, more: tuple[str, ...] = ()) -> Read:
    """The graph of a model, with what stays behind."""
    read = of_graph(spec.graph, format, source, _behind(format, "a graph", ("families", "priors", *more)))
    return Read(read.graph, read.report, signs_of(spec), model=spec)


def as_model(read: Read) -> Read:
    """What was read, with what a model does not hold of it: more than a graph does."""
    more = {"a study": ("data", "engine"), "a saved fit": ("draws",)}.get(read.report.format, ())
    return replace(read, report=replace(read.report, dropped=_behind(read.report.format, "a model", more)))


def _behind(format: str, what: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    return (f"{format}: {', '.join(parts)} are no part of {what}",) if parts else ()


def signs_of(spec: ModelSpec) -> dict[tuple[Name, Name], str]:
    """The edges whose weight is constrained to a sign, or that are drawn as inhibiting."""
    found = dict.fromkeys(spec.graph.inhibiting, "-")
    for node, mechanism in spec.mechanisms:
        for weight in mechanism.weights:
            if weight.sign and len(weight.parents) == 1:
                found[weight.parents[0], node] = weight.sign
    return found


def of_object(value: Any) -> Read | None:
    """The graph that a value of ours is or has; None of any other."""
    from latentdo.models import ModelSpec

    if isinstance(value, Read):
        return value
    if isinstance(value, LatentDag):
        return of_graph(value, "a graph", "value")
    if isinstance(value, Admg):
        arcs = tuple((a, b, 1) for a, b in value.bidirected)
        return of_graph(LatentDag(value.nodes, value.directed, arcs), "a graph", "value")
    for found in (value, getattr(value, "model", None), getattr(value, "spec", None)):
        if isinstance(found, ModelSpec):
            return of_model(found, "a model", "value")
    return None


def write_arrows(graph: LatentDag, signs: Mapping[tuple[Name, Name], str]) -> str:
    """The graph as text of arrows, one statement a line; an edge of sign - inhibits."""
    inhibiting = graph.inhibiting | {edge for edge, sign in signs.items() if sign == "-" and edge in graph.directed}
    graph = replace(graph, inhibiting=frozenset(inhibiting))
    # A name may hold a semicolon: it stands in backticks.
    pieces, quoted = [""], False
    for char in str(graph):
        quoted ^= char == "`"
        if char == ";" and not quoted:
            pieces.append("")
        else:
            pieces[-1] += char
    return "\n".join(piece.strip() for piece in pieces) + "\n"


def write_model(read: Read) -> str:
    """The model as text.

    Raises:
        GraphError: There is no model, but a graph alone.
    """
    if read.model is None:
        raise GraphError(
            "A graph alone says of no node how it is generated, and a model does. Write --to text, its arrows."
        )
    return f"{read.model}\n"

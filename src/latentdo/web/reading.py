"""What a text on the page says: a graph or a model, with the place of everything in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from latentdo.errors import CycleError, LatentdoError, NotationError, SpecError, UsageError
from latentdo.formats import FORMATS, guess
from latentdo.graphs import (
    EdgeStatement,
    LatentDag,
    LinearPredictor,
    MeasureStatement,
    MechanismStatement,
    Name,
    Option,
    Parent,
    Position,
    Source,
    graph_of,
    normalised,
    source_of,
)
from latentdo.models import ModelSpec
from latentdo.query import Query, query_of

from .request import Request

LARGEST = 1_000_000
"""Characters of a text, at most."""
NOTHING = LatentDag(())
Edge = tuple[Name, Name]


@dataclass(frozen=True)
class Reading:
    """A text that could be read.

    Attributes:
        source: The text as it was typed.
        graph: What it states, `<->` as it was written.
        spec: The model, where the text has mechanisms.
    """

    source: Source
    graph: LatentDag
    spec: ModelSpec | None

    @property
    def functional(self) -> dict[Name, tuple[Name, ...]]:
        """The nodes that are functions of their parents."""
        return {} if self.spec is None else self.spec.functional

    @property
    def value(self) -> LatentDag | ModelSpec:
        """The model, or the graph where there is none."""
        return self.spec or self.graph

    def query_of(self, text: str) -> Query:
        """The question of a text; an outcome without a value is at the level that counts as the 1."""
        query = query_of(text)
        return query if self.spec is None else query.settled(self.spec.ones)

    @cached_property
    def canonical(self) -> str:
        """What the text means, in the shortest form: the same for texts that differ in comments and blanks alone."""
        if self.spec is not None:
            return self.spec.source[0]
        return str(self.graph) if self.graph.nodes else ""


@lru_cache(maxsize=32)
def reading_of(text: str) -> Reading:
    """The graph or the model that a text states, parsed once for all that is asked of it.

    Raises:
        NotationError: It cannot be read.
        GraphError: What it states together cannot be; with its place in the text.
        UsageError: It is in another program's format.
    """
    if len(text) > LARGEST:
        raise UsageError(f"The text has {len(text):,} characters, and the page reads at most {LARGEST:,}.")
    text = normalised(text)
    try:
        return _read(text)
    except LatentdoError:
        # What the model language can read is ours, whatever else it looks like: `X <-> Y` is a line of SIF too.
        if format := guess(text):
            title = FORMATS[format].title if format in FORMATS else "XML"
            problem = f"this is {title}, and the page holds arrows or a model. Import it."
            raise NotationError(problem, text, 1, 1) from None
        raise


def _read(text: str) -> Reading:
    source = source_of(text)
    with _placed(source):
        # A page begins empty, and its last node can be taken away.
        graph = graph_of(source.parsed, text) if source.parsed else NOTHING
        has_mechanisms = any(isinstance(each, MechanismStatement) for each in source.parsed)
        return Reading(source, graph, ModelSpec.stated(source.parsed, text) if has_mechanisms else None)


@contextmanager
def _placed(source: Source) -> Iterator[None]:
    """Gives an error about what the text states the place of the node or the edge that it is about."""
    try:
        yield
    except NotationError:
        raise
    except LatentdoError as error:
        position = _place_of(error, source)
        error.line, error.column = position.line, position.column  # type: ignore[attr-defined]
        raise


def _place_of(error: LatentdoError, source: Source) -> Position:
    """Where in the text an error arose; the start of the text where nothing tells."""
    if isinstance(error, CycleError):
        ways = {edge: place for edge, (place, *_) in edge_places(source).items()}
        pairs = zip(error.cycle, (*error.cycle[1:], error.cycle[0]), strict=True)
        # The last edge of the cycle that was written closed it.
        written = [ways[pair] for pair in pairs if pair in ways]
        return max(written, key=lambda place: (place.line, place.column), default=Position(1, 1))
    if isinstance(error, SpecError) and error.node is not None:
        return source.place(error.node) or Position(1, 1)
    loops = (token for left, token in _neighbours(source) if left == token.text)
    return next((token.position for token in loops), Position(1, 1))


def _neighbours(source: Source) -> Iterator[tuple[Name, Any]]:
    """Each name in the text with the name in front of it in its statement."""
    for statement in source.statements:
        names = tuple(statement.mentions)
        yield from ((left.text, right) for left, right in pairwise(names))


def edge_places(source: Source) -> dict[Edge, tuple[Position, str, tuple[str, ...]]]:
    """Where each directed edge stands, the sign that it has, and as which terms it enters a model."""
    found: dict[Edge, tuple[Position, str, tuple[str, ...]]] = {}

    def stated(edge: Edge, position: Position, sign: str, *terms: str) -> None:
        old_position, old_sign, old_terms = found.get(edge, (position, "", ()))
        found[edge] = old_position, old_sign or sign, (*old_terms, *terms)

    for statement in source.parsed:
        match statement:
            case EdgeStatement(kind="->" | "<-" | "-|" as kind, position=position):
                stated(statement.edge, position, "-" if kind == "-|" else "")
            case MeasureStatement(latent=latent, indicators=indicators, position=position):
                for name in indicators:
                    stated((latent, name), position, "")
            case MechanismStatement(names=names, parents=parents, options=options):
                for parent in parents:
                    for cause in parent.names:
                        sign = parent.sign if len(parent.names) == 1 else ""
                        for name in names:
                            stated((cause, name), parent.position, sign, str(parent))
                for parameter, parent in _of_spread(options):
                    for edge in ((cause, name) for cause in parent.names for name in names):
                        stated(edge, parent.position, "", f"{parameter}: {parent}")
            case _:
                pass
    return found


def _of_spread(options: Iterable[Option]) -> Iterator[tuple[str, Parent]]:
    """What a parameter depends on, `sd=loglinear(X)`, with its name."""
    for option in options:
        if isinstance(option.value, LinearPredictor):
            yield from ((option.key, parent) for parent in option.value.parents)


def arc_places(source: Source) -> dict[frozenset[Name], Position]:
    """Where each `<->` stands."""
    return {
        frozenset(each.edge): each.position
        for each in source.parsed
        if isinstance(each, EdgeStatement) and each.kind == "<->"
    }


def read(request: Request) -> dict[str, Any]:
    """What a text says, node by node and edge by edge."""
    reading = reading_of(request.text("text"))
    source, graph = reading.source, reading.graph
    return {
        "kind": "graph" if reading.spec is None else "model",
        "nodes": [_node(reading, name) for name in graph.nodes],
        "edges": edges_of(reading),
        "measured": list(graph.measured),
        "functional": {node: list(parents) for node, parents in reading.functional.items()},
        "canonical": reading.canonical,
        "text": source.text,
    }


def _node(reading: Reading, name: Name) -> dict[str, Any]:
    source, spec = reading.source, reading.spec
    place, statement = source.place(name), source.declared(name)
    assert place is not None and statement is not None, "the text names its nodes"
    levels = None
    if spec is not None and (states := spec[name].family.states):
        levels = list(states)
    return {
        "name": name,
        "latent": name in reading.graph.latent,
        "family": None if spec is None else spec[name].family.name,
        "levels": levels,
        "line": place.line,
        "column": place.column,
        "declared": source.typed(statement),
    }


def edges_of(reading: Reading) -> list[dict[str, Any]]:
    """The edges in node order, those with two heads last."""
    graph = reading.graph
    index = {node: k for k, node in enumerate(graph.nodes)}
    places, arcs = edge_places(reading.source), arc_places(reading.source)
    edges: list[dict[str, Any]] = []
    for tail, head in sorted(graph.directed, key=lambda edge: (index[edge[0]], index[edge[1]])):
        place, sign, terms = places[tail, head]
        edges.append(
            {
                "tail": tail,
                "head": head,
                "kind": "-|" if sign == "-" else "->",
                "sign": sign,
                "latents": 0,
                "terms": list(terms),
                "line": place.line,
                "column": place.column,
            }
        )
    for a, b, count in graph.bidirected:
        place = arcs[frozenset((a, b))]
        more = {"sign": "", "latents": count, "terms": [], "line": place.line, "column": place.column}
        edges.append({"tail": a, "head": b, "kind": "<->", **more})
    return edges

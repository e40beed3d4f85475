"""networkx graphs, in and out; and GML and GraphML, which networkx reads and writes.

An edge attribute `sign` (`+` or `-`) and `kind="bidirected"` carry what a directed graph has no place for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from latentdo.errors import CycleError, GraphError, MissingExtraError
from latentdo.graphs import LatentDag, Name

from ..draft import Draft
from ..markup import parsed
from ..pairs import check_name
from ..report import Read
from .edge_list import SIGNS

if TYPE_CHECKING:
    import networkx as nx

_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0", ""})
MISTAKES = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, SyntaxError)
"""What networkx raises of a spoilt file beside its own exceptions."""


def is_networkx(value: object) -> bool:
    """Whether it is a graph of networkx, or of a library that is built like it."""
    return all(hasattr(value, verb) for verb in ("is_directed", "nodes", "edges"))


def from_networkx(
    graph: Any,
    source: str = "the networkx graph",
    *,
    cycles: str = "refuse",
    what: str = "networkx",
    notes: Sequence[str] = (),
) -> Read:
    """The graph of a directed networkx graph; node attributes `latent`, `hidden` or `observed` say what was measured.

    Raises:
        GraphError: It is undirected, empty, or a node's name is no text.
    """
    draft = Draft(what, source, notes=list(notes))
    if not graph.is_directed():
        raise GraphError(
            f"{_begun(source)} is undirected, and a cause points at its effect. Build a networkx.DiGraph; a "
            "hidden common cause is a node with the attribute latent=True."
        )
    for node, attributes in graph.nodes(data=True):
        if not isinstance(node, str):
            raise GraphError(
                f"The networkx node {node!r} is of type {type(node).__name__}, and a node's name is text. "
                "Use networkx.relabel_nodes(graph, str)."
            )
        check_name(node, f"in {source}")
        draft.node(node, source, latent=_is_latent(node, attributes))
    if not draft.nodes:
        raise GraphError(f"{_begun(source)} has no node.")
    for a, b, attributes in graph.edges(data=True):
        where = f"the edge from {a!r} to {b!r}"
        if attributes.get("kind") == "bidirected":
            draft.arc(a, b, where, _count(attributes.get("latents", 1), where))
        else:
            # What others call a sign may be a number, or no sign at all.
            draft.edge(a, b, where, SIGNS.get(str(attributes.get("sign", "")).lower(), ""))
    return draft.read(cycles)


def _begun(source: str) -> str:
    return source[0].upper() + source[1:] if source.startswith("the ") else source


def _count(value: object, where: str) -> int:
    try:
        count = int(str(value))
    except ValueError:
        count = 0
    if not 1 <= count <= 10_000:
        raise GraphError(f"{where}: latents={value!r} is no whole number from 1.")
    return count


def to_networkx(graph: LatentDag, signs: Mapping[tuple[Name, Name], str] | None = None) -> nx.DiGraph[Any]:
    """The graph as a networkx.DiGraph, a MultiDiGraph where it holds `<->`; `ld.graph` reads it back.

    Latent nodes have `latent=True`, inhibiting edges `sign="-"`; a `<->` is an edge with `kind="bidirected"`.

    Raises:
        MissingExtraError: networkx is not installed.
    """
    nx = _networkx("A networkx graph")
    made = nx.MultiDiGraph() if graph.bidirected else nx.DiGraph()
    for node in graph.nodes:
        made.add_node(node, **({"latent": True} if node in graph.latent else {}))
    signs = dict.fromkeys(graph.inhibiting, "-") if signs is None else signs
    order = {node: k for k, node in enumerate(graph.nodes)}
    for a, b in sorted(graph.directed, key=lambda edge: (order[edge[0]], order[edge[1]])):
        made.add_edge(a, b, **({"sign": signs[a, b]} if signs.get((a, b)) else {}))
    for a, b, count in graph.bidirected:
        made.add_edge(a, b, kind="bidirected", **({"latents": count} if count > 1 else {}))
    return made


def _networkx(what: str) -> Any:
    try:
        import networkx
    except ImportError:
        raise MissingExtraError(what, "networkx", "interop") from None
    return networkx


def read_gml(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of a file in GML; nodes are called by their labels, or by their numbers where there are none.

    Raises:
        MissingExtraError: networkx is not installed.
        GraphError: It cannot be read.
    """
    nx = _networkx("A GML file")
    label = "label" if re.search(r"\blabel\s", text) else "id"
    return _foreign(lambda: nx.parse_gml(text, label=label), text, source, "GML", cycles)


def read_graphml(content: str | bytes, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of a file in GraphML; nodes are called by `name` or `label` where each has one of its own, else by their ids.

    Raises:
        MissingExtraError: networkx is not installed.
        GraphError: It cannot be read, or declares entities.
    """
    nx = _networkx("A GraphML file")
    parsed(content)  # networkx would expand what it declares
    return _foreign(lambda: nx.parse_graphml(content), content, source, "GraphML", cycles)


def _foreign(parse: Callable[[], Any], content: str | bytes, source: str, what: str, cycles: str) -> Read:
    import networkx

    count = content.count("\n" if isinstance(content, str) else b"\n") + 1  # pyright: ignore[reportArgumentType]
    where = f"{source}, lines 1 to {count}"
    try:
        with warnings.catch_warnings(record=True) as said_by_networkx:
            warnings.simplefilter("always")
            graph = parse()
        for key in ("name", "label"):
            called = {node: attributes.get(key) for node, attributes in graph.nodes(data=True)}
            is_named = all(isinstance(name, str) and name for name in called.values())
            if called and is_named and len(set(called.values())) == len(called):
                graph = networkx.relabel_nodes(graph, called)
                break
        graph = networkx.relabel_nodes(graph, {node: str(node) for node in graph.nodes})
    except (networkx.NetworkXException, *MISTAKES) as problem:
        said = " ".join(str(problem).split())[:300] or type(problem).__name__
        raise GraphError(f"{where}: this {what} cannot be read: {said.rstrip('.')}.") from None
    notes = tuple(dict.fromkeys(str(warning.message) for warning in said_by_networkx))
    try:
        return from_networkx(graph, source, cycles=cycles, what=what, notes=notes)
    except CycleError:
        raise
    except GraphError as problem:
        raise problem if "line" in str(problem) else GraphError(f"{where}: {problem}") from None


def write_gml(graph: LatentDag, signs: Mapping[tuple[Name, Name], str]) -> str:
    """The graph in GML."""
    nx = _networkx("A GML file")
    return "\n".join(nx.generate_gml(to_networkx(graph, signs))) + "\n"


def write_graphml(graph: LatentDag, signs: Mapping[tuple[Name, Name], str]) -> str:
    """The graph in GraphML."""
    nx = _networkx("A GraphML file")
    return "\n".join(nx.generate_graphml(to_networkx(graph, signs))) + "\n"


def _is_latent(node: Name, attributes: Mapping[str, object]) -> bool:
    said: dict[str, bool] = {}
    for key, means_latent in (("latent", True), ("hidden", True), ("unobserved", True), ("observed", False)):
        if key in attributes:
            said[key] = _truth(node, key, attributes[key]) is means_latent
    if len(set(said.values())) > 1:
        raise GraphError(f"The attributes of node {node!r} disagree: {', '.join(said)}. Keep one of them.")
    return any(said.values())


def _truth(node: Name, key: str, value: object) -> bool:
    # A GML file holds "yes" and "no" as text, and the text "no" is true in Python.
    if isinstance(value, str):
        if value.casefold() in _YES | _NO:
            return value.casefold() in _YES
    elif value is None or isinstance(value, (bool, int, float)) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise GraphError(f"Node {node!r} has {key}={value!r}. Write True or False.")

"""Graphs from elsewhere: text in our notation or dagitty's, networkx objects, pairs of names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import GraphError, UnknownNodeError, UnsupportedError
from latentdo.graphs import Admg, LatentDag, Name, parse_graph

from .dagitty import is_dagitty, read_dagitty

if TYPE_CHECKING:
    import networkx as nx

_READ = (
    "Read are text of arrows ('X -> Y; X <-> Y'), dagitty text, networkx graphs, pairs (directed=[('X', 'Y')]), studies (.yaml) "
    "and fits (.ldo)."
)
_BY_NETWORKX = "With networkx: ld.graph(networkx.read_{}({!r})) takes what it reads."
_BY_ARROWS = "Write its arrows as text or pairs."
FOREIGN = {
    **dict.fromkeys((".dot", ".gv"), ("a graph in the language of Graphviz (DOT)", _BY_ARROWS)),
    ".sif": ("a network of Cytoscape (SIF)", _BY_ARROWS),
    **dict.fromkeys((".bif", ".xdsl", ".dsc", ".net"), ("a Bayesian network with its tables", _BY_ARROWS)),
    ".graphml": ("a graph in GraphML", _BY_NETWORKX.format("graphml", "PATH")),
    ".gml": ("a graph in GML", _BY_NETWORKX.format("gml", "PATH")),
    ".gexf": ("a graph of Gephi (GEXF)", _BY_NETWORKX.format("gexf", "PATH")),
    ".json": ("a file of JSON, as INDRA and networkx write graphs", _BY_ARROWS),
    ".bel": ("a text of BEL", _BY_ARROWS),
    **dict.fromkeys((".sbml", ".xml", ".owl", ".cx", ".cx2"), ("a pathway or network in XML or CX", _BY_ARROWS)),
    **dict.fromkeys((".txt", ".dagitty"), ("a file of text", "")),
}
"""Files of graphs and texts by the ends of their names: what they are, and what to do as this version does not open them."""

_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0", ""})
_FOREIGN = re.compile(r"\s*+(?:strict\s++)?(digraph|graph)\b\s*+(?:\"[^\"\n]*\"|[\w.]++)?\s*+\{", re.IGNORECASE)


def read_graph(source: str | LatentDag | Admg | nx.DiGraph[Any] | nx.MultiDiGraph[Any]) -> LatentDag:
    """The graph that a text or a foreign object states.

    Args:
        source: Text in the model language, dagitty text (`dag { … }`), a directed networkx graph whose node
            attributes `latent`, `hidden` or `observed` say what was measured, or a graph of ours.

    Raises:
        NotationError: The text cannot be read.
        GraphError: The source states something that a latent DAG cannot hold.
    """
    match source:
        case LatentDag():
            return source
        case Admg():
            return LatentDag(source.nodes, source.directed, tuple((a, b, 1) for a, b in source.bidirected))
        case str() if is_dagitty(source):
            return read_dagitty(source)
        case str() if found := _FOREIGN.match(source):
            raise GraphError(
                f"This reads like DOT ({found.group(1)} {{ … }}), which is not read in this version. Write "
                "dag { … } as dagitty does, or plain arrows: X -> Y; latent U."
            )
        case str() if sentence := foreign(source):
            raise UnsupportedError(sentence)
        case str():
            return parse_graph(source)
        case list() | tuple() | set() | frozenset():
            raise GraphError(
                "Edges in a list are given by name, as they may be arrows or hidden causes: "
                "ld.graph(directed=[('X', 'Y')], bidirected=[('X', 'Z')])."
            )
        case _ if all(hasattr(source, verb) for verb in ("is_directed", "nodes", "edges")):
            return _from_networkx(source)
        case _:
            raise GraphError(
                f"{type(source).__name__} is not read as a graph. Give text such as 'X -> Y', dagitty text, "
                "a networkx.DiGraph, or pairs: directed=[('X', 'Y')]."
            )


def foreign(name: str, repair: str = "") -> str:
    """What a file is that this version does not open, and what it reads; empty where its name says nothing.

    Args:
        name: The name of the file.
        repair: What to do with a text, which is read once it is handed in as one.
    """
    if len(name.splitlines()) != 1 or re.search(r"->|<-|~|;|[{}]", name):
        return ""
    end = next((end for end in FOREIGN if name.lower().endswith(end)), None)
    if end is None:
        return ""
    kind, advice = FOREIGN[end]
    advice = advice.replace("'PATH'", repr(name)) or repair or f"Hand in its text: Path({name!r}).read_text()."
    return f"{name} is {kind}, which this version does not open. {_READ} {advice}"


def graph_from_pairs(
    directed: Iterable[tuple[Name, Name]] = (),
    bidirected: Iterable[tuple[Name, Name] | tuple[Name, Name, int]] = (),
    latent: Iterable[Name] = (),
    nodes: Iterable[Name] = (),
) -> LatentDag:
    """The graph with these edges.

    Args:
        directed: Pairs (cause, effect).
        bidirected: Pairs of nodes with a hidden common cause; a third entry is the number of latents.
        latent: The nodes that nobody measured; each is named in an edge or in `nodes` too.
        nodes: Nodes without edges, or all nodes to fix their order.

    Raises:
        GraphError: Something is not a pair of names, or the graph cannot be.
    """
    named = _names("nodes", nodes)
    arrows = [_edge("directed", pair, (2,)) for pair in _items("directed", directed)]
    arcs = [_edge("bidirected", pair, (2, 3)) for pair in _items("bidirected", bidirected)]
    known = dict.fromkeys((*named, *(name for edge in (*arrows, *arcs) for name in edge[:2])))
    if not known:
        raise GraphError("The graph has no node. Give directed=[('X', 'Y')], or nodes=['X'].")
    hidden = _names("latent", latent)
    for name in hidden:
        if name not in known:
            raise UnknownNodeError(name, known)
    return LatentDag(tuple(known), frozenset(arrows), tuple(arcs), frozenset(hidden))


def _items(what: str, given: Any) -> tuple[Any, ...]:
    example = "['U', 'V']" if what in ("latent", "nodes") else "[('X', 'Y')]"
    # Edges of networkx are a mapping too.
    is_mapping = isinstance(given, Mapping) and not isinstance(given, Set) and what in ("directed", "bidirected")
    items = None if is_mapping else arguments.listed(given)
    if items is None:
        raise GraphError(f"`{what}` is a list, got {given!r}. Write {what}={example}.")
    return tuple(items)


def _names(what: str, given: Any) -> tuple[Name, ...]:
    names = (given,) if isinstance(given, str) else _items(what, given)
    for name in names:
        _check_name(name, f"in `{what}`")
    return tuple(dict.fromkeys(names))


def _edge(what: str, pair: Any, lengths: tuple[int, ...]) -> Any:
    entries = arguments.listed(pair)
    if entries is None:
        raise GraphError(f"`{what}` is a list of pairs, found {pair!r} in it. Write {what}=[('X', 'Y')].")
    edge = tuple(entries)
    if len(edge) not in lengths:
        raise GraphError(
            f"`{what}` is a list of pairs, found {edge!r} with {len(edge)} entries. Write one pair per edge."
        )
    for name in edge[:2]:
        _check_name(name, f"in the pair {edge!r} of `{what}`")
    if len(edge) == 3 and (not isinstance(edge[2], int) or isinstance(edge[2], bool)):
        raise GraphError(f"{edge!r} in `{what}`: the third entry is the number of latents, a whole number.")
    return edge


def _check_name(name: object, where: str) -> None:
    if not isinstance(name, str):
        raise GraphError(
            f"{name!r} {where} is of type {type(name).__name__}, and a node's name is text: {str(name)!r}."
        )
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise GraphError(f"{name!r} {where} holds a control character. Name the node without it.")


def _from_networkx(graph: Any) -> LatentDag:
    if not graph.is_directed():
        raise GraphError(
            "The networkx graph is undirected, and a cause points at its effect. Build a networkx.DiGraph; a "
            "hidden common cause is a node with the attribute latent=True."
        )
    latent: set[Name] = set()
    nodes: list[Name] = []
    for node, attributes in graph.nodes(data=True):
        if not isinstance(node, str):
            raise GraphError(
                f"The networkx node {node!r} is of type {type(node).__name__}, and a node's name is text. "
                "Use networkx.relabel_nodes(graph, str)."
            )
        _check_name(node, "in the networkx graph")
        nodes.append(node)
        if _is_latent(node, attributes):
            latent.add(node)
    if not nodes:
        raise GraphError("The networkx graph has no node.")
    return LatentDag(tuple(nodes), frozenset((a, b) for a, b in graph.edges()), (), frozenset(latent))


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

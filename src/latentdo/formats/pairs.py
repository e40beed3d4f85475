"""Graphs from pairs of names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Set
from typing import Any

from latentdo import arguments
from latentdo.errors import GraphError, UnknownNodeError
from latentdo.graphs import LatentDag, Name


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


def edges_of(what: str, given: Any) -> tuple[tuple[Name, Name], ...]:
    """The pairs (cause, effect) of a list.

    Raises:
        GraphError: Something in it is no pair of names.
    """
    if not (found := tuple(_edge(what, pair, (2,)) for pair in _items(what, given))):
        raise GraphError("The list of edges is empty. Give [('X', 'Y')].")
    return found


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
        check_name(name, f"in `{what}`")
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
        check_name(name, f"in the pair {edge!r} of `{what}`")
    if len(edge) == 3 and (not isinstance(edge[2], int) or isinstance(edge[2], bool)):
        raise GraphError(f"{edge!r} in `{what}`: the third entry is the number of latents, a whole number.")
    return edge


def check_name(name: object, where: str) -> None:
    if not isinstance(name, str):
        raise GraphError(
            f"{name!r} {where} is of type {type(name).__name__}, and a node's name is text: {str(name)!r}."
        )
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise GraphError(f"{name!r} {where} holds a control character. Name the node without it.")

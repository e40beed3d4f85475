"""Other latent structures with the same projection: latents without parents, merged, or left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .bitset import Name, bits, topological
from .dag import LatentDag


def exogenise(graph: LatentDag) -> LatentDag:
    """The graph in which no latent has a cause: its parents cause its children instead.

    The projection stays the same. A `<->` that ends at a latent is written out as a latent first, as by
    `LatentDag.explicit`. An edge that stands for a path through a latent has no sign.

    Source:
        Evans (2016), Graphs for margins of Bayesian networks, lemma 1 (exogenised DAG).
    """
    graph = _without_arcs_at_latents(graph)
    masks = graph.masks
    parents, children = list(masks.parents), list(masks.children)
    latent = masks.mask(graph.latent)
    unsigned: set[tuple[Name, Name]] = set()
    for i in topological(masks.parents, masks.children):
        if not latent >> i & 1:
            continue
        for j in bits(parents[i]):
            children[j] = children[j] & ~(1 << i) | children[i]
            unsigned.update((masks.names[j], masks.names[k]) for k in bits(children[i]))
        for k in bits(children[i]):
            parents[k] |= parents[i]
        parents[i] = 0
    edges = frozenset((masks.names[i], masks.names[k]) for i, mask in enumerate(children) for k in bits(mask))
    return LatentDag(graph.nodes, edges, graph.bidirected, graph.latent, graph.inhibiting & edges - unsigned)


def merge_latents(graph: LatentDag) -> LatentDag:
    """The graph without each latent whose work another latent does: it has the same children and more.

    Its parents must be parents of the other too. A `<->` between two children of one latent goes as well,
    and so do the further latents of `[latents=k]`: one common cause gives the same projection as several.

    Source:
        Evans (2016), Graphs for margins of Bayesian networks, lemma 2.
    """
    while (merged := _merged(graph)) != graph:
        graph = merged  # a latent that went may have been all that told two others apart
    return graph


def _merged(graph: LatentDag) -> LatentDag:
    masks = graph.masks
    latent = needed = masks.mask(graph.latent)

    def covers(i: int, j: int) -> bool:
        """Whether latent i does the work of latent j."""
        return not any(steps[j] & ~steps[i] for steps in (masks.children, masks.parents, masks.spouses))

    for j in bits(latent):
        # Of latents that are alike the first one stays.
        if any(covers(i, j) and (i < j or not covers(j, i)) for i in bits(needed & ~(1 << j))):
            needed &= ~(1 << j)
    graph = _without(graph, masks.nodes(latent & ~needed))
    families = [set(graph.children(node)) for node in graph.latent]
    arcs = tuple((a, b, 1) for a, b, _ in graph.bidirected if not any({a, b} <= family for family in families))
    return LatentDag(graph.nodes, graph.directed, arcs, graph.latent, graph.inhibiting)


def prune_latents(graph: LatentDag) -> LatentDag:
    """The graph without the latents that have fewer than two children; parents of one cause its child instead.

    The projection stays the same. A `<->` that ends at such a latent leads to its child.

    Source:
        Evans (2016), Graphs for margins of Bayesian networks, lemma 3.
    """
    while True:
        short = [node for node in graph.nodes if node in graph.latent and len(graph.children(node)) < 2]
        if not short:
            return graph
        graph = _bypassed(graph, short[0])


def canonical(graph: LatentDag) -> LatentDag:
    """The graph with its latent structure at its smallest: each latent a common cause, none of them superfluous.

    Latents have no causes, two children at least, and no two of them nested children. The projection, and
    with it every verdict and estimand, stays the same.

    Source:
        Evans (2016), Graphs for margins of Bayesian networks, section 3: the canonical DAG.
    """
    return merge_latents(prune_latents(exogenise(graph)))


def _bypassed(graph: LatentDag, node: Name) -> LatentDag:
    """The graph without a latent that has one child or none, and with its causes at the child."""
    child = next(iter(graph.children(node)), None)
    counts = {(a, b): k for a, b, k in graph.bidirected if node not in (a, b)}
    edges, unsigned = set(graph.directed), set[tuple[Name, Name]]()
    if child is not None:
        unsigned = {(parent, child) for parent in graph.parents(node)}
        for a, b, k in graph.bidirected:
            other = b if a == node else a
            if node in (a, b) and other != child:
                pair = (other, child) if (other, child) in counts or (child, other) not in counts else (child, other)
                counts[pair] = counts.get(pair, 0) + k
    edges = frozenset(edge for edge in edges | unsigned if node not in edge)
    return LatentDag(
        tuple(other for other in graph.nodes if other != node),
        edges,
        tuple((a, b, k) for (a, b), k in counts.items()),
        graph.latent - {node},
        graph.inhibiting & edges - unsigned,
    )


def _without(graph: LatentDag, nodes: Iterable[Name]) -> LatentDag:
    gone = set(nodes)
    edges = frozenset(edge for edge in graph.directed if not gone.intersection(edge))
    return LatentDag(
        tuple(node for node in graph.nodes if node not in gone),
        edges,
        tuple(arc for arc in graph.bidirected if not gone.intersection(arc[:2])),
        graph.latent - gone,
        graph.inhibiting & edges,
    )


def _without_arcs_at_latents(graph: LatentDag) -> LatentDag:
    """The graph with each `<->` that ends at a latent written out."""
    outer = tuple(arc for arc in graph.bidirected if not graph.latent.intersection(arc[:2]))
    if len(outer) == len(graph.bidirected):
        return graph
    inner = tuple(arc for arc in graph.bidirected if arc not in outer)
    full = LatentDag(graph.nodes, graph.directed, inner, graph.latent, graph.inhibiting).explicit()
    return LatentDag(full.nodes, full.directed, outer, full.latent, full.inhibiting)


_IMPLICIT = re.compile(r"(.+)<->(.+)\.[0-9]+", re.DOTALL)


def folded(graph: LatentDag) -> LatentDag:
    """The graph with the latents that `LatentDag.explicit` wrote out as `<->` again."""
    counts: dict[tuple[Name, Name], int] = {}
    gone: set[Name] = set()
    for node in graph.latent:
        children = graph.children(node)
        match = _IMPLICIT.fullmatch(node)
        alone = not graph.parents(node) and not graph.spouses(node)
        if match and alone and len(children) == 2 and set(children) == {match[1], match[2]}:
            counts[children[0], children[1]] = counts.get((children[0], children[1]), 0) + 1
            gone.add(node)
    kept = {frozenset(arc[:2]) for arc in graph.bidirected}
    if not gone or any(frozenset(pair) in kept for pair in counts):
        return graph
    return LatentDag(
        tuple(node for node in graph.nodes if node not in gone),
        frozenset(edge for edge in graph.directed if edge[0] not in gone),
        (*graph.bidirected, *((a, b, count) for (a, b), count in counts.items())),
        graph.latent - gone,
        graph.inhibiting,
    )

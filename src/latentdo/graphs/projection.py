"""The latent projection: a latent DAG seen from its measured nodes."""

from __future__ import annotations

from .admg import Admg
from .bitset import Mask, Masks, bits, topological
from .dag import LatentDag


def project(graph: LatentDag | Admg) -> Admg:
    """The ADMG over the measured nodes of `graph`, in its node order; an `Admg` is its own projection."""
    return graph if isinstance(graph, Admg) else graph.projection


def latent_projection(graph: LatentDag) -> Admg:
    """The ADMG over the measured nodes of `graph`.

    a -> b where a directed path from a to b runs through latent nodes only. a <-> b where such paths lead to
    a and to b from one latent node, or from the two ends of a bidirected edge.

    Source:
        Verma (1993), as in Pearl (2009), Causality, definition 2.6.1; Richardson et al. (2023), definition 2.
    """
    masks = graph.masks
    latent = masks.mask(graph.latent)
    lit: list[Mask] = [0] * len(graph.nodes)  # the measured nodes that each node reaches through latents
    for i in reversed(topological(masks.parents, masks.children)):
        lit[i] = masks.children[i] & ~latent
        for j in bits(masks.children[i] & latent):
            lit[i] |= lit[j]
    spouses: list[Mask] = [0] * len(graph.nodes)
    for i in bits(latent):
        for j in bits(lit[i]):
            spouses[j] |= lit[i]
    for i, mask in enumerate(masks.spouses):
        other = 0
        for j in bits(mask):
            other |= lit[j] if latent >> j & 1 else 1 << j
        for j in bits(lit[i]) if latent >> i & 1 else (i,):
            spouses[j] |= other
    names = graph.nodes
    return Admg(
        graph.measured,
        frozenset((names[i], names[j]) for i in bits(masks.all & ~latent) for j in bits(lit[i])),
        frozenset((names[i], names[j]) for i, mask in enumerate(spouses) for j in bits(mask) if i < j),
    )


def hidden(masks: Masks, nodes: Mask) -> Masks:
    """The projection of a graph after more of its nodes went unmeasured: their bits stay, without edges.

    Source:
        Richardson et al. (2023), Nested Markov properties for ADMGs, proposition 3: nodes may be hidden in
        any order.
    """
    parents, children, spouses = list(masks.parents), list(masks.children), list(masks.spouses)
    for node in bits(nodes):
        gone = 1 << node
        above, below, beside = parents[node], children[node], spouses[node]
        for i in bits(below):
            parents[i] = parents[i] & ~gone | above
            spouses[i] = (spouses[i] | below | beside) & ~(1 << i | gone)
        for i in bits(above):
            children[i] = children[i] & ~gone | below
        for i in bits(beside):
            spouses[i] = (spouses[i] | below) & ~(1 << i | gone)
        parents[node] = children[node] = spouses[node] = 0
    return Masks(masks.names, masks.index, tuple(parents), tuple(children), tuple(spouses))

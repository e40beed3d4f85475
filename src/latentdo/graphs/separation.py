"""m-separation: which independences a graph implies."""

from __future__ import annotations

from collections.abc import Iterable

from .admg import Admg, as_names
from .bitset import Mask, Masks, Name, reach
from .dag import LatentDag


def m_separated(graph: LatentDag | Admg, a: Iterable[Name], b: Iterable[Name], given: Iterable[Name] = ()) -> bool:
    """Whether every path between `a` and `b` is blocked by `given`.

    `a`, `b` and `given` are names or sets of names; latent nodes may be named. A node that is given is a
    constant, so it is left out of `a` and `b`.

    Source:
        Richardson (2003), Markov properties for ADMGs, section 2.1; the walk is Shachter's Bayes-ball with
        spouses, linear in the graph.
    """
    masks = graph.masks
    first, second, known = (masks.mask(as_names(graph, nodes)) for nodes in (a, b, given))
    return not connected(masks, first, known) & second & ~known


def connected(masks: Masks, start: Mask, given: Mask) -> Mask:
    """The nodes outside `given` that some open path joins to `start`, `start` included."""
    parents, children, spouses = masks.parents, masks.children, masks.spouses
    open_colliders = reach(given, parents)
    from_tail = start & ~given  # nodes reached against an arrow, or where the walk starts
    from_head = 0  # nodes reached along an arrow or a bidirected edge
    todo_tail, todo_head = from_tail, 0
    while todo_tail or todo_head:
        if todo_tail:
            low = todo_tail & -todo_tail
            todo_tail ^= low
            i = low.bit_length() - 1
            up, along = parents[i], children[i] | spouses[i]
        else:
            low = todo_head & -todo_head
            todo_head ^= low
            i = low.bit_length() - 1
            up = along = 0
            if not low & given:
                along = children[i]
            if low & open_colliders:
                up, along = parents[i], along | spouses[i]
        # A given node lets nothing through that arrives at its tail.
        new = up & ~from_tail & ~given
        from_tail |= new
        todo_tail |= new
        new = along & ~from_head
        from_head |= new
        todo_head |= new
    return (from_tail | from_head) & ~given

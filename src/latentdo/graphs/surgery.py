"""Surgery: the graph that an intervention leaves behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from .admg import Admg
from .checks import Name
from .dag import LatentDag

Graph = TypeVar("Graph", LatentDag, Admg)


def mutilate(graph: Graph, *, into: Iterable[Name] = (), out_of: Iterable[Name] = ()) -> Graph:
    """The graph without the edges into `into` (bidirected ones too) and the directed edges out of `out_of`.

    Source:
        Pearl (2009), Causality, section 3.4: the graphs with bars above and below.
    """
    return graph.without_incoming(into).without_outgoing(out_of)

"""A causal graph in a page, as SVG: causes on the left, what was cut in grey, a separation in colour."""

from __future__ import annotations

from collections.abc import Collection

from latentdo.graphs import Admg, Name

from .layout import laid
from .scene import MOST_NODES, Role, scene_of
from .svg import svg


def diagram(
    graph: Admg,
    *,
    into: Collection[Name] = (),
    out_of: Collection[Name] = (),
    first: Collection[Name] = (),
    second: Collection[Name] = (),
    given: Collection[Name] = (),
    broken: Collection[tuple[Name, Name]] = (),
) -> str:
    """The graph as an SVG element, with the edges that a step cuts in grey and the nodes that it separates in colour.

    Nodes that lead to none of the named ones are left out, so that the part of the graph that is touched is seen.

    Args:
        into: Nodes whose incoming edges are cut.
        out_of: Nodes whose outgoing edges are cut.
        first: One side of the separation, blue.
        second: The other side, orange.
        given: What separates them, green and boxed.
        broken: Pairs that the graph keeps apart and data do not: an orange line each. Every node is shown then.
    """
    named = {*into, *out_of, *first, *second, *given}
    chosen = [node for node in graph.nodes if not named or node in graph.ancestors(named)]
    if len(chosen) > MOST_NODES:
        return f"<p>{len(chosen)} nodes: too many to draw here.</p>"
    roles: dict[Name, Role] = {
        **dict.fromkeys(given, "given"),
        **dict.fromkeys(second, "second"),
        **dict.fromkeys(first, "first"),
    }
    part = graph.induced(chosen)
    kept: dict[Name, Role] = {node: role for node, role in roles.items() if node in chosen}
    # The page says what the colours mean.
    scene = scene_of(part, roles=kept, into=into, out_of=out_of, broken=broken)
    return svg(scene, laid(scene), bare=True)

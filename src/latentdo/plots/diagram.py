"""A causal graph as SVG, drawn in layers: causes on the left, what was cut in grey, a separation in colour."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from latentdo.graphs import Admg, Name

COLUMN, ROW, MARGIN = 96, 58, 34
HEIGHT_OF_NODE = 26
# Okabe and Ito's palette: told apart by people who are colour-blind.
FIRST, SECOND, GIVEN, PLAIN, CUT, ARC = "#0072b2", "#d55e00", "#009e73", "#333333", "#bbbbbb", "#8a5a9e"
MOST_NODES = 40


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float


def diagram(
    graph: Admg,
    *,
    into: Collection[Name] = (),
    out_of: Collection[Name] = (),
    first: Collection[Name] = (),
    second: Collection[Name] = (),
    given: Collection[Name] = (),
) -> str:
    """The graph as an SVG element, with the edges that a step cuts in grey and the nodes that it separates in colour.

    Nodes that lead to none of the named ones are left out, so that the part of the graph that is touched is seen.

    Args:
        into: Nodes whose incoming edges are cut.
        out_of: Nodes whose outgoing edges are cut.
        first: One side of the separation, blue.
        second: The other side, orange.
        given: What separates them, green and boxed.
    """
    named = {*into, *out_of, *first, *second, *given}
    shown = [node for node in graph.nodes if not named or node in graph.ancestors(named)]
    if len(shown) > MOST_NODES:
        return f"<p>{len(shown)} nodes: too many to draw here.</p>"
    part = graph.induced(shown)
    boxes = _places(part)
    lines: list[str] = []
    for a, b in sorted(part.directed):
        lines.append(_arrow(boxes[a], boxes[b], gone=b in into or a in out_of))
    for a, b in sorted(part.bidirected):
        lines.append(_arc(boxes[a], boxes[b], gone=a in into or b in into))
    for node, box in boxes.items():
        colour = FIRST if node in first else SECOND if node in second else GIVEN if node in given else PLAIN
        lines.append(_node(node, box, colour, boxed=node in given))
    width = max((box.x + box.width / 2 for box in boxes.values()), default=0) + MARGIN
    height = max((box.y for box in boxes.values()), default=0) + MARGIN + 10
    described = html.escape(", ".join(sorted(part.nodes)), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="graph over {described}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="sans-serif" font-size="13" style="display:block;max-width:100%">{_MARKERS}{"".join(lines)}</svg>'
    )


def _heads(colours: Iterable[str]) -> str:
    return "".join(
        f'<marker id="head{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>'
        for colour in colours
    )


_MARKERS = f"<defs>{_heads((PLAIN, CUT, ARC))}</defs>"


def _places(graph: Admg) -> dict[Name, _Box]:
    """One column per length of the longest path to a node; within it, near the mean of its parents."""
    depth: dict[Name, int] = {}
    for node in graph.topological_order():
        depth[node] = max((depth[parent] + 1 for parent in graph.parents(node)), default=0)
    columns: dict[int, list[Name]] = {}
    for node, level in depth.items():
        columns.setdefault(level, []).append(node)
    widest = max((len(nodes) for nodes in columns.values()), default=0)
    boxes: dict[Name, _Box] = {}
    x = MARGIN / 2
    for level in sorted(columns):
        nodes = columns[level]
        nodes.sort(key=lambda node: (_mean([boxes[p].y for p in graph.parents(node)], widest), node))
        width = max(_width(node) for node in nodes)
        for row, node in enumerate(nodes):
            # Every second column is shifted, so that an edge over two columns does not run through a node.
            y = MARGIN + 18 + ROW * (row + (widest - len(nodes)) / 2) + 14 * (level % 2)
            boxes[node] = _Box(x + width / 2, y, _width(node))
        x += width + COLUMN / 1.8
    return boxes


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _width(node: Name) -> float:
    return 16 + 8.2 * min(len(node), 24)


def _node(node: Name, box: _Box, colour: str, *, boxed: bool) -> str:
    shown = node if len(node) <= 24 else node[:23] + "…"
    corner = 2 if boxed else HEIGHT_OF_NODE / 2
    stroke = 1.2 if colour == PLAIN else 2
    return (
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y - HEIGHT_OF_NODE / 2:.1f}" width="{box.width:.1f}" '
        f'height="{HEIGHT_OF_NODE}" rx="{corner:g}" fill="white" stroke="{colour}" stroke-width="{stroke:g}"/>'
        f'<text x="{box.x:.1f}" y="{box.y + 4.5:.1f}" text-anchor="middle" fill="{colour}">{html.escape(shown)}</text>'
    )


def _arrow(a: _Box, b: _Box, *, gone: bool) -> str:
    colour = CUT if gone else PLAIN
    dash = ' stroke-dasharray="2 4"' if gone else ""
    x1, x2 = a.x + a.width / 2, b.x - b.width / 2 - 1
    # An edge that jumps over columns bends away from the row of nodes between its ends.
    bend = 0.0 if x2 - x1 < COLUMN else 16.0 + (x2 - x1) / 14
    return (
        f'<path d="M{x1:.1f} {a.y:.1f} Q{(x1 + x2) / 2:.1f} {(a.y + b.y) / 2 + bend:.1f} {x2:.1f} {b.y:.1f}" '
        f'fill="none" stroke="{colour}"{dash} marker-end="url(#head{colour[1:]})"/>'
    )


def _arc(a: _Box, b: _Box, *, gone: bool) -> str:
    colour = CUT if gone else ARC
    dash = "2 5" if gone else "6 3"
    if b.x < a.x:
        a, b = b, a
    top = HEIGHT_OF_NODE / 2 + 1
    if abs(a.x - b.x) < 1:
        x, low, high = a.x - a.width / 2, min(a.y, b.y), max(a.y, b.y)
        path = f"M{x:.1f} {low:.1f} Q{x - 26:.1f} {(low + high) / 2:.1f} {x:.1f} {high:.1f}"
    else:
        rise = min(a.y, b.y) - top - 22 - abs(b.x - a.x) / 12
        path = f"M{a.x:.1f} {a.y - top:.1f} Q{(a.x + b.x) / 2:.1f} {rise:.1f} {b.x:.1f} {b.y - top:.1f}"
    marker = f'marker-start="url(#head{colour[1:]})" marker-end="url(#head{colour[1:]})"'
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-dasharray="{dash}" {marker}/>'

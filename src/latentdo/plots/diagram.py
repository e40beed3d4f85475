"""A causal graph as SVG, drawn in layers: causes on the left, what was cut in grey, a separation in colour."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from latentdo.errors import visible
from latentdo.graphs import Admg, Name

from .colours import BLUE, GREEN, VERMILION

COLUMN, ROW, MARGIN = 96, 58, 34
HEIGHT_OF_NODE = 26
FIRST, SECOND, GIVEN, PLAIN, CUT, ARC = BLUE, VERMILION, GREEN, "#333333", "#bbbbbb", "#8a5a9e"
MOST_NODES = 40
ARROWS = (0, 22, -22, 44, -44, 70, -70, 100, -100, 140)
"""How far an arrow may bend, the least first."""
BREAKS = (50, 75, 100, 130, 160, 30)
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Where a node stands: its middle and its width."""

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
    shown = [node for node in graph.nodes if not named or node in graph.ancestors(named)]
    if len(shown) > MOST_NODES:
        return f"<p>{len(shown)} nodes: too many to draw here.</p>"
    part = graph.induced(shown)
    boxes = places(part)
    lines: list[str] = []
    for a, b in sorted(part.directed):
        others = [box for node, box in boxes.items() if node not in (a, b)]
        lines.append(_arrow(boxes[a], boxes[b], others, gone=b in into or a in out_of))
    for a, b in sorted(part.bidirected):
        others = [box for node, box in boxes.items() if node not in (a, b)]
        lines.append(_arc(boxes[a], boxes[b], others, gone=a in into or b in into))
    for a, b in broken:
        others = [box for node, box in boxes.items() if node not in (a, b)]
        lines.append(_break(boxes[a], boxes[b], others))
    for node, box in boxes.items():
        colour = FIRST if node in first else SECOND if node in second else GIVEN if node in given else PLAIN
        lines.append(_node(node, box, colour, boxed=node in given))
    width = max((box.x + box.width / 2 for box in boxes.values()), default=0) + MARGIN
    top, height = _extent(lines, boxes)
    described = html.escape(visible(", ".join(sorted(part.nodes))))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="graph over {described}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 {top:.0f} {width:.0f} {height:.0f}" '
        f'font-family="sans-serif" font-size="13" style="display:block;max-width:100%">{_MARKERS}{"".join(lines)}</svg>'
    )


def _extent(lines: list[str], boxes: dict[Name, Box]) -> tuple[float, float]:
    """Where the drawing begins, and how high it is: nodes, and how far the curves rise above or fall below them."""
    ys = [box.y + side * HEIGHT_OF_NODE / 2 for box in boxes.values() for side in (-1, 1)] or [0.0]
    for line in lines:
        if curve := re.search(r"M\S+ (\S+) Q\S+ (\S+) \S+ (\S+)\"", line):
            start, control, end = map(float, curve.groups())
            ys.append(start / 4 + control / 2 + end / 4)
    return min(ys) - 10, max(ys) - min(ys) + 20


def _heads(colours: Iterable[str]) -> str:
    return "".join(
        f'<marker id="head{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>'
        for colour in colours
    )


_MARKERS = f"<defs>{_heads((PLAIN, CUT, ARC))}</defs>"


def places(graph: Admg) -> dict[Name, Box]:
    """One column per length of the longest path to a node; within it, near the mean of its parents."""
    depth: dict[Name, int] = {}
    for node in graph.topological_order():
        depth[node] = max((depth[parent] + 1 for parent in graph.parents(node)), default=0)
    columns: dict[int, list[Name]] = {}
    for node, level in depth.items():
        columns.setdefault(level, []).append(node)
    widest = max((len(nodes) for nodes in columns.values()), default=0)
    boxes: dict[Name, Box] = {}
    x = MARGIN / 2
    for level in sorted(columns):
        nodes = columns[level]
        nodes.sort(key=lambda node: (_mean([boxes[p].y for p in graph.parents(node)], widest), node))
        width = max(_width(node) for node in nodes)
        for row, node in enumerate(nodes):
            # Every second column is shifted, so that an edge over two columns does not run through a node.
            y = MARGIN + 18 + ROW * (row + (widest - len(nodes)) / 2) + 14 * (level % 2)
            boxes[node] = Box(x + width / 2, y, _width(node))
        x += width + COLUMN / 1.8
    return boxes


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _width(node: Name) -> float:
    return 16 + 8.2 * min(len(node), 24)


def _node(node: Name, box: Box, colour: str, *, boxed: bool) -> str:
    shown = node if len(node) <= 24 else node[:23] + "…"
    corner = 2 if boxed else HEIGHT_OF_NODE / 2
    stroke = 1.2 if colour == PLAIN else 2
    return (
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y - HEIGHT_OF_NODE / 2:.1f}" width="{box.width:.1f}" '
        f'height="{HEIGHT_OF_NODE}" rx="{corner:g}" fill="white" stroke="{colour}" stroke-width="{stroke:g}"/>'
        f'<text x="{box.x:.1f}" y="{box.y + 4.5:.1f}" text-anchor="middle" fill="{colour}">{html.escape(visible(shown))}</text>'
    )


def _arrow(a: Box, b: Box, others: list[Box], *, gone: bool) -> str:
    colour = CUT if gone else PLAIN
    dash = ' stroke-dasharray="2 4"' if gone else ""
    start, end = (a.x + a.width / 2, a.y), (b.x - b.width / 2 - 1, b.y)
    path = _clear(start, end, ARROWS, others)
    return f'<path d="{path}" fill="none" stroke="{colour}"{dash} marker-end="url(#head{colour[1:]})"/>'


def _arc(a: Box, b: Box, others: list[Box], *, gone: bool) -> str:
    colour = CUT if gone else ARC
    dash = "2 5" if gone else "6 3"
    if b.x < a.x:
        a, b = b, a
    top = HEIGHT_OF_NODE / 2 + 1
    if abs(a.x - b.x) < 1:
        x, low, high = a.x - a.width / 2, min(a.y, b.y), max(a.y, b.y)
        path = f"M{x:.1f} {low:.1f} Q{x - 26:.1f} {(low + high) / 2:.1f} {x:.1f} {high:.1f}"
    else:
        first = -44 - abs(b.x - a.x) / 6
        path = _clear((a.x, a.y - top), (b.x, b.y - top), (first, 1.6 * first, 2.3 * first, 3 * first), others)
    marker = f'marker-start="url(#head{colour[1:]})" marker-end="url(#head{colour[1:]})"'
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-dasharray="{dash}" {marker}/>'


def _break(a: Box, b: Box, others: list[Box]) -> str:
    x, y = control(*ends_of_break(a, b), BREAKS, others)
    (x0, y0), (x1, y1) = ends_of_break(a, b)
    return (
        f'<path d="M{x0:.1f} {y0:.1f} Q{x:.1f} {y:.1f} {x1:.1f} {y1:.1f}" fill="none" stroke="{SECOND}" stroke-width="4" '
        f'stroke-opacity="0.75"/>'
    )


def ends_of_break(a: Box, b: Box) -> tuple[Point, Point]:
    """Where a line between two nodes that are kept apart begins and ends: below them."""
    bottom = HEIGHT_OF_NODE / 2 + 2
    return (a.x, a.y + bottom), (b.x, b.y + bottom)


def _clear(start: Point, end: Point, bends: tuple[float, ...], others: list[Box]) -> str:
    """The least bent curve that runs through no other node, as a path."""
    x, y = control(start, end, bends, others)
    return f"M{start[0]:.1f} {start[1]:.1f} Q{x:.1f} {y:.1f} {end[0]:.1f} {end[1]:.1f}"


def control(start: Point, end: Point, bends: tuple[float, ...], others: list[Box]) -> Point:
    """The control point of the least bent curve through no other node: no edge seems to touch one that it passes."""

    def point(bend: float) -> Point:
        return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + bend

    def hits(bend: float) -> int:
        middle = point(bend)
        count = 0
        for step in range(1, 20):
            t = step / 20
            x, y = (
                (1 - t) ** 2 * first + 2 * t * (1 - t) * second + t**2 * third
                for first, second, third in zip(start, middle, end, strict=True)
            )
            count += any(
                abs(x - box.x) < box.width / 2 + 4 and abs(y - box.y) < HEIGHT_OF_NODE / 2 + 4 for box in others
            )
        return count

    return point(min(bends, key=hits))  # the first of the best: they are in the order of how much they bend

"""A causal graph as matplotlib axes, in the layers of `diagram`, with what data contradict in colour."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from latentdo.graphs import Admg, Name

from .canvas import headline, home, plain
from .diagram import ARC, ARROWS, BREAKS, HEIGHT_OF_NODE, PLAIN, SECOND, Box, Point, control, ends_of_break, places

INCH = 72.0
"""Units of the layout in an inch."""
LARGEST = 22.0
"""Inches of a side beyond which everything is drawn smaller."""


def network(graph: Admg, broken: Collection[tuple[Name, Name]] = (), *, ax: Any = None, title: str = "") -> Any:
    """The graph, causes on the left; the axes.

    Args:
        graph: Its nodes are all drawn.
        broken: Pairs that the graph keeps apart and data do not: a thick orange line each.
        ax: matplotlib axes to draw into; a figure of its own unless given.
        title: What stands above it.

    Raises:
        MissingExtraError: matplotlib is not installed.
        QueryError: These are no axes.
    """
    boxes = places(graph)
    right = max((box.x + box.width / 2 for box in boxes.values()), default=100.0) + 20
    ys = [box.y for box in boxes.values()] or [0.0]
    low, high = min(ys) - 70, max(ys) + 80
    scale = min(1.0, LARGEST * INCH / max(right, high - low))
    ax, alone = home(ax, max(4.5, right * scale / INCH), max(2.0, (high - low) * scale / INCH))
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    def curve(start: Point, end: Point, middle: Point, **style: Any) -> None:
        path = Path([start, middle, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
        ax.add_patch(FancyArrowPatch(path=path, shrinkA=0, shrinkB=0, **style))

    def others(a: Name, b: Name) -> list[Box]:
        return [box for node, box in boxes.items() if node not in (a, b)]

    head = {"mutation_scale": 11 * scale, "linewidth": 1.2 * scale}
    for a, b in broken:
        start, end = ends_of_break(boxes[a], boxes[b])
        middle = control(start, end, BREAKS, others(a, b))
        curve(start, end, middle, arrowstyle="-", color=SECOND, linewidth=3.5 * scale, alpha=0.8, zorder=1)
    for a, b in sorted(graph.directed):
        start, end = (boxes[a].x + boxes[a].width / 2, boxes[a].y), (boxes[b].x - boxes[b].width / 2, boxes[b].y)
        curve(start, end, control(start, end, ARROWS, others(a, b)), arrowstyle="-|>", color=PLAIN, zorder=2, **head)
    for a, b in sorted(graph.bidirected):
        start, end = sorted((boxes[node].x, boxes[node].y - HEIGHT_OF_NODE / 2) for node in (a, b))
        first = -44 - (end[0] - start[0]) / 6
        middle = control(start, end, (first, 1.6 * first, 2.3 * first, 3 * first), others(a, b))
        curve(start, end, middle, arrowstyle="<|-|>", color=ARC, linestyle="--", zorder=2, **head)
    for node, box in boxes.items():
        shown = node if len(node) <= 24 else node[:23] + "…"
        frame = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": PLAIN, "linewidth": 1.1 * scale}
        ax.text(
            box.x, box.y, plain(shown), ha="center", va="center", fontsize=10 * scale, color=PLAIN, bbox=frame, zorder=3
        )
    if broken:
        ax.text(
            4, high - 6, "orange: the graph keeps apart, the rows do not", fontsize=8 * scale, color=SECOND, va="bottom"
        )
    ax.set_xlim(0, right)
    ax.set_ylim(high, low)
    ax.set_aspect("equal")
    ax.axis("off")
    if title:
        headline(ax, title, alone=alone)
    return ax

"""A drawing as matplotlib axes, in the places of its layout; and as a PNG or PDF file."""

from __future__ import annotations

import io
from typing import Any

from .canvas import headline, home, plain
from .layout import HEIGHT, LINE, Box, Curve, Layout, shown
from .notebook import leave
from .scene import Link, Node, Scene
from .svg import COLOURS, PAPER, TEXT, WORDS, colour_of, fill_of, printable

INCH = 72.0
"""Units of the layout in an inch."""
LARGEST = 22.0
"""Inches of a side beyond which everything is drawn smaller."""
DPI = 160.0


def network(scene: Scene, layout: Layout, *, ax: Any = None) -> Any:
    """The drawing, causes on the left; the axes.

    Args:
        ax: matplotlib axes to draw into; a figure of its own unless given.

    Raises:
        MissingExtraError: matplotlib is not installed.
        QueryError: These are no axes.
    """
    lines = _lines(scene)
    width, height = max(layout.width, 60.0), max(layout.height, 40.0) + LINE * len(lines)
    scale = min(1.0, LARGEST * INCH / max(width, height))
    ax, alone = home(ax, max(2.5, width * scale / INCH), max(1.2, height * scale / INCH))
    if not alone:
        shape = ax.get_window_extent()
        dpi = ax.figure.dpi
        scale = min(1.0, shape.width / dpi * INCH / width, shape.height / dpi * INCH / height)
    for link, curve in zip(scene.links, layout.curves, strict=True):
        _draw(ax, link, curve, scale)
    for node in scene.nodes:
        _node(ax, node, layout.boxes[node.name], scale)
    for link, curve in zip(scene.links, layout.curves, strict=True):
        _label(ax, link, curve, scale)
    for k, line in enumerate(lines):
        y = layout.height + LINE * (k + 0.3)
        ax.text(12, y, plain(printable(line)), fontsize=8 * scale, color="#555555", va="center")
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_aspect("equal")
    ax.axis("off")
    if scene.title:
        headline(ax, scene.title, alone=alone)
    return ax


def _lines(scene: Scene) -> list[str]:
    names = {"treatment": "blue", "outcome": "orange", "given": "green, boxed", "adjusted": "yellow, boxed"}
    roles = [f"{names[role]}: {WORDS[role]}" for role in WORDS if any(node.role == role for node in scene.nodes)]
    apart = ["orange line: the graph keeps apart, the rows do not"] if any(k.kind == "--" for k in scene.links) else []
    return [*([" · ".join(roles)] if roles else []), *apart, *scene.notes]


def _draw(ax: Any, link: Link, curve: Curve, scale: float) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    points = [curve.start, *(point for piece in curve.pieces for point in piece)]
    path = Path(points, [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1)])
    match link.kind:
        case "--":
            style: dict[str, Any] = {"arrowstyle": "-", "linewidth": 3.5 * scale, "alpha": 0.8}
        case "<->":
            style = {"arrowstyle": "<|-|>", "linestyle": "--", "linewidth": 1.2 * scale}
        case _:
            head = "|-|,widthA=0,widthB=0.45" if link.sign == "-" else "-|>"
            style = {"arrowstyle": head, "linewidth": 1.2 * scale, "linestyle": ":" if link.gone else "-"}
    patch = FancyArrowPatch(
        path=path, shrinkA=0, shrinkB=0, color=colour_of(link), zorder=2, mutation_scale=9 * scale, **style
    )
    ax.add_patch(patch)
    if link.count > 1:
        x, y = curve.middle
        ax.text(x, y - 5, str(link.count), fontsize=8 * scale, color=colour_of(link), ha="center", va="bottom")


def _node(ax: Any, node: Node, box: Box, scale: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = 3 if node.role in ("given", "adjusted") else HEIGHT / 2
    corner = min(corner, box.width / 2)
    patch = FancyBboxPatch(
        (box.x - box.width / 2, box.y - HEIGHT / 2),
        box.width,
        HEIGHT,
        boxstyle=f"round,pad=0,rounding_size={corner:g}",
        facecolor=fill_of(node),
        edgecolor=COLOURS[node.role],
        linewidth=(2.0 if node.role else 1.1) * scale,
        linestyle="--" if node.latent else "-",
        zorder=3,
    )
    ax.add_patch(patch)
    ink = COLOURS[node.role] if node.role in ("first", "second") else TEXT
    ax.text(
        box.x,
        box.y,
        plain(printable(shown(node.name))),
        ha="center",
        va="center",
        fontsize=9.2 * scale,
        color=ink,
        zorder=4,
        clip_on=True,
    )


def _label(ax: Any, link: Link, curve: Curve, scale: float) -> None:
    if link.label:
        box = {"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.92}
        x, y = curve.label
        ax.text(
            x,
            y,
            plain(printable(link.label)),
            ha="center",
            va="center",
            fontsize=7.6 * scale,
            color=TEXT,
            bbox=box,
            zorder=5,
        )


def picture(scene: Scene, layout: Layout, kind: str) -> bytes:
    """The drawing as the content of a PNG or PDF file.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    axes = network(scene, layout)
    leave(axes.figure)
    content = io.BytesIO()
    axes.figure.savefig(content, format=kind, dpi=DPI)
    return content.getvalue()

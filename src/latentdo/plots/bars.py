"""Bounds: a bar between two ends, with the interval that holds both as a thin line."""

from __future__ import annotations

import math
from typing import Any

from .canvas import WIDTH, bare, headline, home, plain
from .colours import COLOURS

ARROW = 0.15
"""The share of the picture that is drawn of what has no end."""


def bounds_bar(
    label: str,
    ends: tuple[float, float],
    interval: tuple[float, float] | None = None,
    *,
    null: float | None = None,
    title: str = "",
    ax: Any = None,
) -> Any:
    """One question's bounds; returns the matplotlib axes.

    Args:
        ends: The lower and the upper end; one that is infinite runs out of the picture.
        interval: What holds both ends.
        null: The value of no effect, drawn as a dotted line.
        ax: Axes to draw into; a figure of its own unless given.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    ax, alone = home(ax, WIDTH, 1.5)
    finite = [x for x in (*ends, *(interval or ()), *(() if null is None else (null,))) if math.isfinite(x)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    room = ARROW * (high - low or 1.0)
    low, high = low - room, high + room

    def inside(x: float) -> float:
        return min(max(x, low), high)

    if interval is not None:
        ax.plot([inside(x) for x in interval], [0, 0], color=COLOURS["lvm"], linewidth=1.2, solid_capstyle="butt")
    left, right = map(inside, ends)
    ax.barh(0, right - left, left=left, height=0.28, color=COLOURS["lvm"], alpha=0.75)
    # Ends that are all but the same are a point.
    ax.plot([left, right], [0, 0], "|", color=COLOURS["lvm"], markersize=14, markeredgewidth=2)
    if null is not None:
        ax.axvline(null, color="0.4", linestyle=":", linewidth=1)
    ax.set_xlim(low, high)
    ax.set_ylim(-0.6, 0.6)
    ax.set_yticks([])
    ax.set_xlabel(plain(label))
    bare(ax, sides=("top", "right", "left"))
    if title:
        headline(ax, title, alone=alone)
    return ax

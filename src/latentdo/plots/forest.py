"""A forest plot: one row per number, point and interval, from any answer or rival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from latentdo.errors import MissingExtraError
from latentdo.query import Summary

# Okabe & Ito (2008): told apart by people with any kind of colour vision, and in grey.
COLOURS = {"lvm": "#0072B2", "reference": "#000000", "baseline": "#D55E00"}
LABEL_WIDTH = 42
"""Characters of a label per line."""


def forest(
    rows: Sequence[Summary],
    *,
    ax: Any = None,
    references: Mapping[str, float] | None = None,
    xlabel: str = "",
    title: str = "",
) -> Any:
    """Each row's point with its interval, from top to bottom; returns the matplotlib axes.

    Args:
        rows: What to draw; a row without an interval is a point alone.
        ax: Where to draw; a new figure if None.
        references: Label of a row and a number to mark beside it, such as a known truth.
        xlabel: What the numbers are, with their unit.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("A plot", "matplotlib", "plot") from None
    own = ax is None
    # Folded, or a long question would leave no room for the axes.
    labels = [fill(row.label, LABEL_WIDTH) for row in rows]
    if own:
        # A figure of its own, not pyplot's: no global state, and no window where there is no screen.
        row_height = 0.22 + 0.2 * max((label.count("\n") + 1 for label in labels), default=1)
        ax = Figure(figsize=(7.0, 0.9 + row_height * max(len(rows), 1)), layout="constrained").add_subplot()
    marks = dict(references or {})
    for k, row in enumerate(rows):
        colour = COLOURS.get(row.method, COLOURS["baseline"])
        if row.lower is not None and row.upper is not None:
            ax.plot([row.lower, row.upper], [k, k], color=colour, linewidth=2, solid_capstyle="butt", zorder=2)
        if row.estimate is not None:
            marker = "o" if row.method == "lvm" else "s"
            ax.plot([row.estimate], [k], marker=marker, color=colour, markersize=6, linestyle="none", zorder=3)
        if row.label in marks:
            ax.plot([marks[row.label]], [k], marker="|", color=COLOURS["reference"], markersize=16, markeredgewidth=2)
    ax.set_yticks(range(len(rows)), [_plain(label) for label in labels])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel(_plain(xlabel))
    if own and title:
        # Over the whole figure, labels included: a title over the axes alone would run out of the picture.
        ax.figure.suptitle(_plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
    elif title:
        ax.set_title(_plain(title), fontsize="medium", loc="left")
    ax.grid(axis="x", color="0.9", zorder=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _plain(text: str) -> str:
    """User text without matplotlib's mathematics: a dollar sign is a dollar sign."""
    return text.replace("$", r"\$")

"""A forest plot: one row per number, point and interval, from any answer or rival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from latentdo.errors import MissingExtraError, QueryError
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

    Rows in different units get a panel each in a figure of their own; the axes returned are those of the first.

    Args:
        rows: What to draw; a row without an interval is a point alone. A label with [brackets], as for an answer that is not
            identified or approximate, has a hollow marker.
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
    marks = dict(references or {})
    if ax is not None:
        if not hasattr(ax, "plot"):
            raise QueryError(
                f"A plot is drawn into matplotlib axes, not into {ax!r}. Save one with .plot().figure.savefig(…)."
            )
        _draw(ax, rows, marks, xlabel)
        ax.set_title(_plain(title), fontsize="medium", loc="left")
        return ax
    panels: dict[str, list[Summary]] = {}
    for row in rows:
        panels.setdefault(row.unit or "", []).append(row)
    heights = [
        0.55 + sum(0.22 + 0.2 * (_folded(row.label).count("\n") + 1) for row in panel) for panel in panels.values()
    ]
    # A figure of its own, not pyplot's: no global state, and no window where there is no screen.
    figure = Figure(figsize=(7.0, 0.4 + sum(heights or [1.0])), layout="constrained")
    drawn = figure.subplots(max(len(panels), 1), 1, squeeze=False, gridspec_kw={"height_ratios": heights or [1.0]})[
        :, 0
    ]
    for axes, (unit, panel) in zip(drawn, (panels or {"": []}).items(), strict=True):
        _draw(axes, panel, marks, unit if len(panels) > 1 else ", ".join(part for part in (xlabel, unit) if part))
    if len(panels) > 1 and xlabel:
        figure.supxlabel(_plain(xlabel), fontsize="medium")
    if title:
        # Over the whole figure, labels included: a title over the axes alone would run out of the picture.
        figure.suptitle(_plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
    return drawn[0]


def _draw(ax: Any, rows: Sequence[Summary], marks: Mapping[str, float], xlabel: str) -> None:
    """One panel: rows from top to bottom, and a thin line at no effect where they are differences or ratios."""
    for k, row in enumerate(rows):
        colour = COLOURS.get(row.method, COLOURS["baseline"])
        if row.lower is not None and row.upper is not None:
            ax.plot([row.lower, row.upper], [k, k], color=colour, linewidth=2, solid_capstyle="butt", zorder=2)
        if row.estimate is not None:
            marker = "o" if row.method == "lvm" else "s"
            fill_colour = "white" if row.label.endswith("]") and " [" in row.label else colour
            ax.plot(
                [row.estimate],
                [k],
                marker=marker,
                color=colour,
                markerfacecolor=fill_colour,
                markersize=6,
                linestyle="none",
                zorder=3,
            )
        if row.label in marks:
            ax.plot([marks[row.label]], [k], marker="|", color=COLOURS["reference"], markersize=16, markeredgewidth=2)
    unit = rows[0].unit or "" if rows else ""
    if unit == "ratio" or unit.startswith("difference"):
        ax.axvline(1.0 if unit == "ratio" else 0.0, color="0.6", linewidth=0.8, zorder=1)
    ax.set_yticks(range(len(rows)), [_plain(_folded(row.label)) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel(_plain(xlabel))
    ax.grid(axis="x", color="0.9", zorder=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _folded(label: str) -> str:
    """A label in lines, or a long question would leave no room for the axes."""
    return fill(label, LABEL_WIDTH)


def _plain(text: str) -> str:
    """User text without matplotlib's mathematics: a dollar sign is a dollar sign."""
    return text.replace("$", r"\$")

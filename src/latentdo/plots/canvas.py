"""What all pictures share: a figure without pyplot, the check of the axes that a caller hands in, limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from latentdo.errors import MissingExtraError, QueryError

from .notebook import show_at_end

WIDTH = 7.0
"""Inches of a column of panels."""
HIGHEST = 20.0
"""Inches beyond which panels go on in a further column."""
MOST_COLUMNS = 3
SHOWN_PRIOR = 1.6
"""How many times as wide as the rest what belongs to the prior may make a picture."""


def own_figure(width: float, height: float, *, dpi: float | None = None) -> Any:
    """A figure of its own, not pyplot's: no global state, and no window where there is no screen.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("A plot", "matplotlib", "plot") from None
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    show_at_end(figure)
    return figure


def stacked(heights: Sequence[float]) -> list[Any]:
    """Axes one below the other, so many inches high, in a figure of their own; many in columns side by side."""
    return laid_out(own_figure(WIDTH, 1.0), heights)


def laid_out(figure: Any, heights: Sequence[float], *, margin: float = 0.0) -> list[Any]:
    """Axes one below the other, so many inches high, in columns no higher than need be; the figure takes their size.

    Args:
        margin: Inches that the figure needs beside them.
    """
    columns = _columns(heights)
    highest = max(sum(heights[k] for k in column) for column in columns)
    figure.set_size_inches(WIDTH * len(columns), highest + margin)
    drawn = []
    for column, place in zip(columns, figure.add_gridspec(1, len(columns)), strict=True):
        shares = [heights[k] for k in column]
        spare = highest - sum(shares)
        shares += [spare] if spare > 0.01 else []
        rows = place.subgridspec(len(shares), 1, height_ratios=shares)
        drawn += [figure.add_subplot(rows[k]) for k in range(len(column))]
    return drawn


def _columns(heights: Sequence[float]) -> list[list[int]]:
    """The panels by column, in order; one column where that is not too high."""
    total = sum(heights)
    share = total / min(MOST_COLUMNS, max(1, math.ceil(total / HIGHEST)))
    columns: list[list[int]] = [[]]
    used = 0.0
    for k, height in enumerate(heights):
        # A panel belongs where its middle lies.
        if columns[-1] and used + height / 2 > share * len(columns):
            columns.append([])
        columns[-1].append(k)
        used += height
    return columns


def check_axes(ax: Any) -> None:
    """Raise unless something can be drawn into it.

    Raises:
        QueryError: These are no axes.
    """
    if not hasattr(ax, "plot"):
        raise QueryError(
            f"A plot is drawn into matplotlib axes, not into {ax!r}. Save one with .plot().figure.savefig(…)."
        )


def home(ax: Any, width: float, height: float, *, dpi: float | None = None) -> tuple[Any, bool]:
    """The axes to draw into, and whether they are alone in a figure of their own: where none were handed in.

    Raises:
        MissingExtraError: matplotlib is not installed.
        QueryError: These are no axes.
    """
    if ax is None:
        return own_figure(width, height, dpi=dpi).subplots(), True
    check_axes(ax)
    return ax, False


def headline(ax: Any, title: str, *, alone: bool) -> None:
    """The title, of axes that are alone over the whole figure: over the axes it would run out of the picture."""
    if alone:
        ax.figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
    else:
        ax.set_title(plain(title), fontsize="medium", loc="left")


def plain(text: str) -> str:
    """User text without matplotlib's mathematics: a dollar sign is a dollar sign."""
    return text.replace("$", r"\$")


def bare(ax: Any, *, sides: tuple[str, ...] = ("top", "right")) -> None:
    """The axes without the sides that carry no scale."""
    for side in sides:
        ax.spines[side].set_visible(False)


def reach(
    ends: list[float], wider: list[float], *, share: float = SHOWN_PRIOR, pad: float = 0.05
) -> tuple[float, float] | None:
    """Limits that show `ends` whole, and of `wider` as much as leaves the rest readable; None where there is nothing.

    A prior may be thousands of times as wide as the posterior, which would then be a dot.
    """
    if not ends:
        return None
    low, high = min(ends), max(ends)
    spread = (high - low) or abs(high) or 1.0
    low_limit, high_limit = low - share * spread / 2, high + share * spread / 2
    low = min([low, *(max(value, low_limit) for value in wider)])
    high = max([high, *(min(value, high_limit) for value in wider)])
    return low - pad * (high - low or spread), high + pad * (high - low or spread)

"""What all pictures share: colours, a figure without pyplot, the check of the axes that a caller hands in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latentdo.errors import MissingExtraError, QueryError

from .notebook import show_at_end

# Okabe & Ito (2008): told apart by people with any kind of colour vision, and in grey.
COLOURS = {"lvm": "#0072B2", "reference": "#000000", "baseline": "#D55E00", "seeing": "#D55E00", "prior": "#8C8C8C"}
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
"""Colours of several curves in one picture; vermilion is left to what a curve is compared with."""
SHOWN_PRIOR = 1.6
"""How many times as wide as the rest what belongs to the prior may make a picture."""


def own_figure(width: float, height: float) -> Any:
    """A figure of its own, not pyplot's: no global state, and no window where there is no screen.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("A plot", "matplotlib", "plot") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    show_at_end(figure)
    return figure


def stacked(heights: Sequence[float]) -> list[Any]:
    """Axes one below the other, so many inches high, in a figure of their own."""
    figure = own_figure(7.0, sum(heights))
    drawn = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": list(heights)})
    return list(drawn[:, 0])


def check_axes(ax: Any) -> None:
    """Raise unless something can be drawn into it.

    Raises:
        QueryError: These are no axes.
    """
    if not hasattr(ax, "plot"):
        raise QueryError(
            f"A plot is drawn into matplotlib axes, not into {ax!r}. Save one with .plot().figure.savefig(…)."
        )


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

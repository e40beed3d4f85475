"""How long things take, on a scale of seconds, minutes and hours: a row each, a published time beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latentdo.plots import COLOURS, WIDTH, bare, own_figure, plain

UNITS = (("ms", 0.001, (1, 2, 5, 10, 20, 50, 100, 200, 500)), ("s", 1.0, (1, 2, 5, 10, 20, 30)),
         ("min", 60.0, (1, 2, 5, 10, 20, 30)), ("h", 3600.0, (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)))  # fmt: skip
STEPS = tuple((size * unit, f"{size} {name}") for name, unit, sizes in UNITS for size in sizes)
"""Seconds and their words, at about equal distances on a log scale."""
COARSE = tuple(step for step in STEPS if step[1].split()[0] in ("1", "10", "100"))
FEWEST, MOST = 3, 8
"""Ticks between the ends of an axis: as many at least, where the scale must widen for it, and no more than are read easily."""


@dataclass(frozen=True)
class Span:
    """Seconds of one thing.

    Attributes:
        middle: The median.
        low: The shortest.
        high: The longest.
        published: The shortest and the longest published time.
    """

    label: str
    middle: float
    low: float
    high: float
    published: tuple[float, float] | None = None


def spans(rows: Sequence[Span], *, xlabel: str = "", title: str = "") -> Any:
    """The rows from top to bottom, seconds on a log scale; returns the matplotlib axes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from matplotlib.ticker import NullLocator

    figure = own_figure(WIDTH, 1.2 + 0.3 * len(rows))
    axes = figure.add_subplot()
    for k, row in enumerate(rows):
        axes.plot([row.low, row.high], [k, k], color=COLOURS["lvm"], linewidth=2, solid_capstyle="butt")
        axes.plot([row.middle], [k], marker="o", color=COLOURS["lvm"], linestyle="none")
        if row.published:
            axes.plot(row.published, [k, k], color=COLOURS["baseline"], linewidth=2, marker="D", markersize=5)
    axes.set_xscale("log")
    ends = [end for row in rows for end in (row.low, row.high, *(row.published or ()))]
    low, high = min(ends, default=1.0) / 1.6, max(ends, default=1.0) * 1.6
    while len(_between(STEPS, low, high)) < FEWEST:
        low, high = low / 1.1, high * 1.1
    ticks = _between(STEPS, low, high)
    ticks = ticks if len(ticks) <= MOST else _between(COARSE, low, high)
    axes.set_xticks([place for place, _ in ticks], [words for _, words in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(low, high)
    axes.set_yticks(range(len(rows)), [plain(row.label) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(plain(xlabel))
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    bare(axes, sides=("top", "right", "left"))
    if title:
        axes.set_title(plain(title), fontsize="medium", loc="left")
    if any(row.published for row in rows):
        _key(figure)
    return axes


def _between(steps: Sequence[tuple[float, str]], low: float, high: float) -> list[tuple[float, str]]:
    return [(place, words) for place, words in steps if low <= place <= high]


def _key(figure: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", color=COLOURS["lvm"], label="here: median, shortest to longest"),
        Line2D([], [], marker="D", color=COLOURS["baseline"], label="published"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize="small")

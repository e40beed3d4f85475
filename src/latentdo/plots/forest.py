"""A forest plot: one row per number, point and interval, from any answer or rival."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from latentdo.query import Summary

from .canvas import HIGHEST, bare, check_axes, laid_out, own_figure, plain, reach
from .colours import COLOURS

LABEL_WIDTH = 42
"""Characters of a label per line."""
WHOLE = 56
"""Characters of a term that is never broken, though it is longer than a line."""
LEGEND = {"lvm": "doing", "seeing": "seeing", "prior": "prior alone"}
OFFSET = 0.24
"""How far below a row, in rows, stands what is beside it."""
LOG_SPAN = 4.0
"""Ratios that span this factor are drawn on a log scale, where 2 and 1/2 are equally far from 1."""

TICKS_PER_INCH = 1.3
"""Numbers on a log scale; more of them would run into each other."""
CLOSEST = 0.45
"""The share of their height to which the rows of a high panel may shrink: below it nobody could read their names."""
FONT = 10.0

Panel = tuple[list[Summary], list[Sequence[Summary]]]


@dataclass(frozen=True)
class ForestPanel:
    """Rows that share a scale: their places among all rows, the inches that they take, and the size of their names."""

    places: tuple[int, ...]
    height: float
    font: float


def forest_panels(
    rows: Sequence[Summary], beside: Sequence[Sequence[Summary]] | None = None
) -> tuple[ForestPanel, ...]:
    """The rows by what they are counted in, their value of no effect, and whether they are spreads or not."""
    others = [()] * len(rows) if beside is None else beside
    by_scale: dict[tuple[str, float | None, bool], list[int]] = {}
    for k, row in enumerate(rows):
        spread = "standard deviation" in (row.scale or "")
        by_scale.setdefault((row.unit or row.scale or "", row.null, spread), []).append(k)
    full = [
        0.55 + sum(0.22 + 0.2 * max(_folded(rows[k].label).count("\n") + 1, len(others[k])) for k in places)
        for places in by_scale.values()
    ]
    return tuple(
        ForestPanel(tuple(places), _shrunk(height) * height, _shrunk(height) * FONT)
        for places, height in zip(by_scale.values(), full, strict=True)
    )


def _shrunk(height: float) -> float:
    """The share of their height that rows have, of a panel that would be so many inches high."""
    return max(CLOSEST, min(1.0, HIGHEST / max(height, 1.0)))


def forest(
    rows: Sequence[Summary],
    *,
    ax: Any = None,
    beside: Sequence[Sequence[Summary]] | None = None,
    references: Mapping[str, float] | None = None,
    xlabel: str = "",
    title: str = "",
) -> Any:
    """Each row's point with its interval, from top to bottom; returns the matplotlib axes.

    Rows in different units get a panel each in a figure of their own; the axes returned are those of the first.

    Args:
        rows: What to draw; a row without an interval is a point alone. A label with [brackets], as for an answer that is not
            identified or approximate, has a half-full marker. By their methods rivals (`rival`) are dark squares, and
            baselines (`naive`) hollow grey ones.
        ax: Where to draw; a new figure if None.
        beside: For each row what stands right below it, by its method: `seeing` a hollow square, `prior` in grey.
        references: Label of a row and a number to mark beside it, such as a known truth.
        xlabel: What the points and bars are.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = own_figure(7.0, 1.0)
    marks = dict(references or {})
    companions: list[Sequence[Summary]] = [()] * len(rows) if beside is None else list(beside)
    if ax is not None:
        check_axes(ax)
        _draw(ax, (list(rows), companions), marks, _two_lines(_scale(rows), xlabel))
        _key(ax, companions, loc="best")
        ax.set_title(plain(title), fontsize="medium", loc="left")
        return ax
    parts = forest_panels(rows, companions)
    panels = [([rows[k] for k in part.places], [companions[k] for k in part.places]) for part in parts]
    heights = [part.height for part in parts]
    drawn = laid_out(figure, heights or [1.0], margin=0.6 + 0.3 * any(companions))
    nothing: Panel = ([], [])
    sizes = [part.font for part in parts] or [FONT]
    for axes, panel in zip(drawn, panels or [nothing], strict=True):
        scale = _scale(panel[0])
        _draw(axes, panel, marks, scale if len(panels) > 1 else _two_lines(scale, xlabel))
        axes.tick_params(axis="y", labelsize=sizes.pop(0))
    if len(panels) > 1 and xlabel:
        figure.supxlabel(plain(xlabel), fontsize="medium")
    if title:
        # Over the whole figure, labels included: a title over the axes alone would run out of the picture.
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
    _key(figure, companions, loc="outside upper right")
    return drawn[0]


def _scale(rows: Sequence[Summary]) -> str:
    """What the numbers of a panel are: their scale where they have one in common, else their unit."""
    scales = {row.scale for row in rows}
    if len(scales) == 1 and (scale := next(iter(scales))):
        return scale
    unit = next((row.unit for row in rows if row.unit), "") or ""
    return f"in {unit}" if unit and not unit.startswith("per ") else unit


def _two_lines(*parts: str) -> str:
    """What the numbers are, and below it what is drawn of them: in one line they would run out of a narrow picture."""
    return "\n".join(part for part in parts if part)


def _draw(ax: Any, panel: Panel, marks: Mapping[str, float], xlabel: str) -> None:
    """One panel: rows from top to bottom, and a thin line at no effect where they are differences or ratios."""
    rows, companions = panel
    for k, (row, others) in enumerate(zip(rows, companions, strict=True)):
        for j, each in enumerate((row, *others)):
            _point(ax, each, k + j * OFFSET)
        if row.label in marks:
            ax.plot([marks[row.label]], [k], marker="|", color=COLOURS["reference"], markersize=16, markeredgewidth=2)
    null = rows[0].null if rows else None
    if null is not None:
        ax.axvline(null, color="0.4", linewidth=1.0, zorder=1)
    everything = [*rows, *(other for others in companions for other in others)]
    near = [end for each in everything if each.method != "prior" for end in _ends(each)]
    near += [marks[row.label] for row in rows if row.label in marks]
    far = [end for each in everything if each.method == "prior" for end in _ends(each)]
    limits = reach([*near, *([] if null is None else [null])], far)
    if null is not None and null == 1.0 and near and min(near) > 0 and max(near) / min(near) > LOG_SPAN:
        limits = reach([math.log(end) for end in (*near, null)], [math.log(end) for end in far if end > 0])
        assert limits is not None, "there is something near"
        _logarithmic(ax, *map(math.exp, limits))
    elif limits is not None:
        ax.set_xlim(*limits)
    depth = max((len(others) for others in companions), default=0) * OFFSET
    ax.set_yticks(range(len(rows)), [plain(_folded(row.label)) for row in rows])
    ax.set_ylim(len(rows) - 0.4 + max(0.0, depth - OFFSET), -0.6)
    ax.set_xlabel(plain(xlabel))
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    bare(ax, sides=("top", "right", "left"))
    ax.tick_params(axis="y", length=0)


def _point(ax: Any, row: Summary, y: float) -> None:
    colour = COLOURS.get(row.method, COLOURS["baseline"])
    if row.lower is not None and row.upper is not None:
        ax.plot([row.lower, row.upper], [y, y], color=colour, linewidth=2, solid_capstyle="butt", zorder=2)
    if row.estimate is None:
        return
    hollow = row.method in ("seeing", "naive")
    doubtful = not hollow and row.label.endswith("]") and " [" in row.label
    ax.plot(
        [row.estimate],
        [y],
        marker={"lvm": "o", "prior": "D"}.get(row.method, "s"),
        color=colour,
        markerfacecolor="white" if hollow else colour,
        # Half full, and not hollow as what is no answer at all.
        fillstyle="left" if doubtful else "full",
        markerfacecoloralt="white",
        markersize=(7 if doubtful else 6) if row.method != "prior" else 5,
        linestyle="none",
        zorder=3,
    )


def _ends(row: Summary) -> list[float]:
    return [end for end in (row.estimate, row.lower, row.upper) if end is not None]


def _logarithmic(ax: Any, low: float, high: float) -> None:
    """A log scale between two ends, with as many numbers as stand side by side."""
    from matplotlib.ticker import FixedLocator, NullLocator

    inches = ax.get_position().width * ax.figure.get_figwidth()
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.xaxis.set_major_locator(FixedLocator(log_ticks(low, high, max(3, int(TICKS_PER_INCH * inches)))))
    ax.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    ax.xaxis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two ends of a log scale, so many at most: 1, 2, 5, 10, …, or only 1, 3, 10, … or powers of ten."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits: Sequence[float]
    for step in range(1, len(powers) + 1):
        for digits in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)) if step == 1 else ((1.0,),):
            # Counted from 1, which is where a ratio says that there is no effect.
            ticks = [float(f"{digit}e{power}") for power in powers if power % step == 0 for digit in digits]
            ticks = [tick for tick in ticks if low <= tick <= high]
            if len(ticks) <= most:
                return ticks
    return []


def _key(home: Any, companions: Sequence[Sequence[Summary]], **place: Any) -> None:
    """A legend, where something stands beside the answers."""
    from matplotlib.lines import Line2D

    methods = dict.fromkeys(other.method for others in companions for other in others)
    if not methods:
        return
    handles = [
        Line2D(
            [],
            [],
            color=COLOURS.get(method, COLOURS["baseline"]),
            marker={"lvm": "o", "prior": "D"}.get(method, "s"),
            markerfacecolor="white" if method == "seeing" else COLOURS.get(method, COLOURS["baseline"]),
            linewidth=2,
            markersize=6,
            label=plain(LEGEND.get(method, method)),
        )
        for method in ("lvm", *methods)
    ]
    home.legend(handles=handles, frameon=False, fontsize="small", ncols=len(handles), **place)


_BRACKETS = re.compile(r"[\[(](?:[^\[\]()]|\([^()]*\))*[\])]")


def _folded(label: str) -> str:
    """A label in lines, or a long question would leave no room for the axes.

    A term that fits a line stays whole; a longer one is broken behind commas.
    """
    space = "\N{NO-BREAK SPACE}"

    def kept(part: re.Match[str]) -> str:
        whole = part[0].replace(" ", space)
        return whole if len(whole) <= WHOLE else whole.replace(f",{space}", ", ")

    folded = _BRACKETS.sub(kept, label)
    longest = max((len(word) for word in folded.split(" ") if space in word), default=0)
    return fill(folded, max(LABEL_WIDTH, min(longest, WHOLE))).replace(space, " ")

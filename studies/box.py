"""Box plots of errors over data sets: a panel per question, a group per size, a colour per method, published values beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np

from latentdo.plots import WIDTH, bare, laid_out, own_figure, plain

METHODS = {
    "lvm": "#0072B2",
    "lvm misspecified": "#56B4E9",
    "mean": "#6E6E6E",
    "naive mean": "#9A9A9A",
    "naive regression": "#C8C8C8",
    "floor": "#FFFFFF",
}
"""Colours that a method has in every picture; the rivals take the next free one."""
RIVALS = ("#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#000000")
PANEL_HEIGHT = 3.3
LEGEND_LINE = 0.26
PER_LINE = 4
WHISKER = 1.5
"""Whiskers reach the last error within so many interquartile ranges of the box (Tukey 1977)."""
TALLEST = 3.0
"""How many times as high as the middle of the upper whiskers a panel is, if it would be twice that to show all of them."""
SLOT = 0.86
"""The share of a group that boxes take."""
WIDEST = 0.22
"""The share of a group that one of them takes at most."""


@dataclass(frozen=True)
class Box:
    """Values of one series in one group, and what was published of them.

    Attributes:
        series: The method.
        group: What stands below on the axis, such as a size.
        values: One per data set; may be empty.
        published: Median, lower and upper quartile, the quartiles None where they are not known.
    """

    series: str
    group: str
    values: tuple[float, ...] = ()
    published: tuple[float, float | None, float | None] | None = None

    @property
    def whisker(self) -> float:
        """How high the upper whisker reaches."""
        low, high = np.quantile(self.values, (0.25, 0.75))
        return max(value for value in self.values if value <= high + WHISKER * (high - low))


@dataclass(frozen=True)
class BoxPanel:
    """The boxes of one question."""

    title: str
    boxes: tuple[Box, ...]

    @cached_property
    def top(self) -> float:
        """How high the panel is, in the values' units; what lies above is marked at its upper edge."""
        ends = [box.whisker for box in self.boxes if box.values]
        ends += [high if high is not None else middle for box in self.boxes if box.published
                 for middle, _, high in (box.published,)]  # fmt: skip
        if not ends or max(ends) <= 0:
            return 1.0
        usual = TALLEST * median(ends)
        return 1.08 * (max(ends) if max(ends) <= 2 * usual or not usual else usual)

    @property
    def above(self) -> tuple[int, int, float]:
        """How many values and how many published medians lie above the panel, and the largest of them all."""
        values = [value for box in self.boxes for value in box.values if value > self.top]
        medians = [box.published[0] for box in self.boxes if box.published and box.published[0] > self.top]
        return len(values), len(medians), max([*values, *medians], default=0.0)


def method_colours(series: Sequence[str]) -> Mapping[str, str]:
    """A colour for each method, of the palette of Okabe & Ito."""
    rivals = iter(RIVALS * (1 + len(series) // len(RIVALS)))
    return {name: METHODS[name] if name in METHODS else next(rivals) for name in dict.fromkeys(series)}


def slot_of(count: int) -> float:
    """The share of a group that each of so many series takes."""
    return min(WIDEST, SLOT / max(1, count))


def boxes_caption(panels: Sequence[BoxPanel]) -> str:
    """What is drawn, and what lies above it, in words."""
    words = (
        "Box: quartiles and median over data sets; whiskers: to the last within 1.5 interquartile ranges; dots: beyond."
    )
    if any(box.published for panel in panels for box in panel.boxes):
        words += " Diamond: published median, bar: its quartiles."
    for panel in panels:
        values, medians, largest = panel.above
        parts = [f"{values} error{'s' * (values != 1)}"] * bool(values)
        parts += [f"{medians} published median{'s' * (medians != 1)}"] * bool(medians)
        if parts:
            lie = "lies" if values + medians == 1 else "lie"
            words += f" {panel.title}: {' and '.join(parts)} {lie} above the picture (▲, up to {largest:.3g})."
    return words


def boxes(panels: Sequence[BoxPanel], *, xlabel: str = "", ylabel: str = "", title: str = "") -> Any:
    """The panels one below the other, errors from 0 upwards; returns the matplotlib axes of the first.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    series = tuple(dict.fromkeys(box.series for panel in panels for box in panel.boxes))
    colours = method_colours(series)
    figure = own_figure(WIDTH, 1.0)
    lines = -(-(len(series) + 1) // PER_LINE)
    drawn = laid_out(figure, [PANEL_HEIGHT] * len(panels), margin=0.5 + LEGEND_LINE * lines)
    for axes, panel in zip(drawn, panels, strict=True):
        _panel(axes, panel, series, colours)
        axes.set_ylabel(plain(ylabel))
    drawn[-1].set_xlabel(plain(xlabel))
    if title:
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium")
    _key(figure, series, colours, any(box.published for panel in panels for box in panel.boxes))
    return drawn[0]


def _panel(axes: Any, panel: BoxPanel, series: Sequence[str], colours: Mapping[str, str]) -> None:
    groups = tuple(dict.fromkeys(box.group for box in panel.boxes))
    own = [name for name in series if any(box.series == name for box in panel.boxes)]
    slot = slot_of(len(own))
    for box in panel.boxes:
        middle = groups.index(box.group) + (own.index(box.series) + 0.5 - len(own) / 2) * slot
        left = middle - (0.12 * slot if box.published else 0)
        if box.values:
            _box(axes, box, left, 0.6 * slot, colours[box.series], panel.top)
        if box.published:
            _published(axes, box.published, middle + 0.36 * slot, colours[box.series], panel.top)
    for k in range(1, len(groups)):
        axes.axvline(k - 0.5, color="0.85", linewidth=0.8)
    axes.set_xlim(-0.5, max(1, len(groups)) - 0.5)
    axes.set_ylim(0, panel.top)
    axes.set_xticks(range(len(groups)), [plain(group) for group in groups])
    axes.tick_params(axis="x", length=0)
    axes.set_title(plain(panel.title), fontsize="medium", loc="left")
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    bare(axes)


def _box(axes: Any, box: Box, x: float, width: float, colour: str, top: float) -> None:
    edge = edge_of(colour)
    axes.boxplot(
        [box.values],
        positions=[x],
        widths=[width],
        whis=WHISKER,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": colour, "alpha": 0.55, "edgecolor": edge, "linewidth": 1.0},
        medianprops={"color": "black", "linewidth": 1.6},
        whiskerprops={"color": edge, "linewidth": 1.0},
        capprops={"color": edge, "linewidth": 1.0},
        flierprops={"marker": ".", "markersize": 3, "markerfacecolor": edge, "markeredgecolor": "none"},
    )
    if any(value > top for value in box.values):
        _beyond(axes, x, top, edge, median(box.values))


def _published(axes: Any, found: tuple[float, float | None, float | None], x: float, colour: str, top: float) -> None:
    middle, low, high = found
    edge = edge_of(colour)
    if low is not None and high is not None:
        axes.plot([x, x], [low, high], color=edge, linewidth=1.4, zorder=4, solid_capstyle="butt")
    axes.plot(
        [x], [middle], marker="D", markersize=4.5, color=edge, markerfacecolor="white", linestyle="none", zorder=5
    )
    if middle > top:
        _beyond(axes, x, top, edge, middle)


def _beyond(axes: Any, x: float, top: float, colour: str, middle: float) -> None:
    """A mark at the upper edge, and the median where it lies above too."""
    axes.plot([x], [top], marker="^", markersize=5, color=colour, linestyle="none", clip_on=False, zorder=6)
    if middle > top:
        axes.annotate(
            f"{middle:.2g}",
            (x, top),
            xytext=(-6, -6),
            textcoords="offset points",
            rotation=90,
            fontsize=7,
            ha="center",
            va="top",
        )


def edge_of(colour: str) -> str:
    """The colour of lines: that of the box, or black where the box is too light for a line."""
    return "#404040" if colour in ("#FFFFFF", "#F0E442", "#C8C8C8") else colour


def _key(figure: Any, series: Sequence[str], colours: Mapping[str, str], published: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(facecolor=colours[name], edgecolor=edge_of(colours[name]), alpha=0.55, label=plain(name))
        for name in series
    ]
    if published:
        mark = Line2D([], [], marker="D", color="0.25", markerfacecolor="white", markersize=5, label="published")
        handles.append(mark)
    figure.legend(handles=handles, loc="outside lower left", ncols=PER_LINE, frameon=False, fontsize="small")

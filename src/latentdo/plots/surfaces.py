"""Answers over two axes: the number as a heat map with contour lines, and beside it how uncertain it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray

from .canvas import check_axes, own_figure, plain

RISING = "cividis"
"""Made for people with any kind of colour vision (Nuñez, Anderton & Renslow 2018)."""
DIVERGING = "PuOr_r"
WIDTHS = "Greys"
BEYOND = "outside the data: an extrapolation"
FADED, STROKES = (1.0, 1.0, 1.0, 0.4), (0.15, 0.15, 0.15, 0.6)
FLAT = 0.1
"""Share of the colour scale that numbers must span for contour lines."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A number at each point of a grid.

    Attributes:
        x, y: The places on the axes: numbers, or names of levels.
        estimate: (y, x).
        width: Of the interval at each point, (y, x); None where there is none.
        within: Of numeric axes, the smallest and largest value in the data, x first.
    """

    x: tuple[float | str, ...]
    y: tuple[float | str, ...]
    estimate: FloatArray
    width: FloatArray | None = None
    within: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)


def surface(
    grid: Surface,
    *,
    ax: Any = None,
    xlabel: str = "",
    ylabel: str = "",
    scale: str = "",
    spread: str = "",
    title: str = "",
    null: float | None = None,
) -> Any:
    """The number as colour; returns the matplotlib axes of its panel.

    A figure of its own has a second panel for the interval's width. What lies outside the data is hatched, and said to be.

    Args:
        ax: Where to draw, the first panel alone; a new figure if None.
        scale: What the number is.
        spread: What the second panel shows.
        null: The value that means no effect: colours diverge from it where it lies among the numbers.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = own_figure(10.0 if grid.width is not None else 5.6, 4.4)
    if ax is not None:
        check_axes(ax)
        _panel(ax, grid, grid.estimate, *_map_of(grid.estimate, null), scale)
        _frame(ax, grid, xlabel, ylabel)
        ax.set_title(plain(title), fontsize="medium", loc="left")
        return ax
    panels = figure.subplots(1, 2 if grid.width is not None else 1, squeeze=False)[0]
    _panel(panels[0], grid, grid.estimate, *_map_of(grid.estimate, null), scale)
    _frame(panels[0], grid, xlabel, ylabel)
    if grid.width is not None:
        _panel(panels[1], grid, grid.width, WIDTHS, (0.0, 1.3 * float(grid.width.max()) or 1.0), spread)
        _frame(panels[1], grid, xlabel, ylabel)
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
    return panels[0]


def _map_of(values: FloatArray, null: float | None) -> tuple[str, tuple[float, float]]:
    low, high = float(values.min()), float(values.max())
    if null is not None and low < null < high:
        away = max(high - null, null - low)
        return DIVERGING, (null - away, null + away)
    return RISING, (low, high) if low < high else (low - 0.5, high + 0.5)


def _panel(ax: Any, grid: Surface, values: FloatArray, cmap: str, limits: tuple[float, float], label: str) -> None:
    x, y = _places(grid.x), _places(grid.y)
    mesh = ax.pcolormesh(
        _edges(x), _edges(y), values, cmap=cmap, vmin=limits[0], vmax=limits[1], shading="flat", rasterized=True
    )
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02)
    bar.set_label(plain(label))
    bar.outline.set_visible(False)
    numeric = not any(isinstance(value, str) for value in (*grid.x, *grid.y))
    # Lines through what hardly differs would show noise.
    if numeric and min(values.shape) > 2 and np.ptp(values) > FLAT * (limits[1] - limits[0]):
        # White under black: lines can be read on dark and on light colours.
        for colour, width in (("white", 2.2), ("black", 0.8)):
            lines = ax.contour(x, y, values, levels=6, colors=colour, linewidths=width, linestyles="solid")
        step = float(np.diff(lines.levels).min())
        decimals = max(0, 1 - math.floor(math.log10(step)))
        for text in ax.clabel(lines, fontsize=7, fmt=f"%.{decimals}f"):
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8})


def _frame(ax: Any, grid: Surface, xlabel: str, ylabel: str) -> None:
    for places, axis in ((grid.x, ax.xaxis), (grid.y, ax.yaxis)):
        if any(isinstance(value, str) for value in places):
            axis.set_ticks(range(len(places)), [plain(str(value)) for value in places])
    ax.set_xlabel(plain(xlabel))
    ax.set_ylabel(plain(ylabel))
    ax.tick_params(length=2)
    beyond = _beyond(ax, grid)
    if not beyond:
        return
    from matplotlib.patches import Patch, Rectangle

    (left, right), (low, high) = _covered(ax, grid)
    for x, y, width, height in beyond:
        ax.add_patch(Rectangle((x, y), width, height, facecolor=FADED, edgecolor=STROKES, hatch="//", linewidth=0.0))
    for colour, width in (("white", 2.4), ("black", 1.2)):
        box = Rectangle(
            (left, low), right - left, high - low, fill=False, edgecolor=colour, linewidth=width, linestyle="--"
        )
        ax.add_patch(box)
    sign = Patch(facecolor="white", edgecolor=STROKES, hatch="////", linewidth=0.5, label=BEYOND)
    ax.legend(handles=[sign], loc="upper left", bbox_to_anchor=(-0.02, -0.14), frameon=False, fontsize="small")


def _covered(ax: Any, grid: Surface) -> tuple[tuple[float, float], tuple[float, float]]:
    """What of the axes the data cover: all of one whose range is not known."""
    ends = (ax.get_xlim(), ax.get_ylim())
    pairs = [
        own if within is None else (min(max(own[0], within[0]), own[1]), max(min(own[1], within[1]), own[0]))
        for own, within in zip(ends, grid.within, strict=True)
    ]
    return pairs[0], pairs[1]


def _beyond(ax: Any, grid: Surface) -> list[tuple[float, float, float, float]]:
    """The parts of the picture outside the data: left, bottom, width, height of each."""
    (start, end), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    (left, right), (low, high) = _covered(ax, grid)
    found = [
        (start, bottom, left - start, top - bottom),
        (right, bottom, end - right, top - bottom),
        (left, bottom, right - left, low - bottom),
        (left, high, right - left, top - high),
    ]
    return [part for part in found if part[2] > 0 and part[3] > 0]


def _places(values: Sequence[float | str]) -> FloatArray:
    if any(isinstance(value, str) for value in values):
        return np.arange(len(values), dtype=np.float64)
    return np.array(values, dtype=np.float64)


def _edges(places: FloatArray) -> FloatArray:
    """Borders of the tiles, half-way between the places."""
    if len(places) == 1:
        return np.array([places[0] - 0.5, places[0] + 0.5])
    middle = (places[1:] + places[:-1]) / 2
    return np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])

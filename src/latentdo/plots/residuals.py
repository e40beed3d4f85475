"""What a model leaves of a column, beside each column that it should not depend on any more: dots, a smooth with its band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latentdo.arrays import FloatArray

from .canvas import WIDTH, bare, own_figure, plain
from .colours import BLUE, GREY, VERMILION

COLUMNS = 3
HIGH = 2.1
"""Inches of a panel."""
GRAPH_HIGH = 2.6


@dataclass(frozen=True, eq=False)
class ResidualPanel:
    """One column's residuals beside another column.

    Attributes:
        title: What is tested.
        label: The other column.
        x: Its values.
        y: The residuals.
        grid: Where the smooth is drawn.
        smooth: Its values there.
        low: The lower end of its band.
        high: The upper end of its band.
        fails: Whether the test of the node fails.
    """

    title: str
    label: str
    x: FloatArray
    y: FloatArray
    grid: FloatArray
    smooth: FloatArray
    low: FloatArray
    high: FloatArray
    fails: bool


def residual_panels(panels: Sequence[ResidualPanel], *, title: str = "", with_graph: bool = False) -> list[Any]:
    """A figure with a panel each; the axes, in front those of a graph where one is to be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    n_columns = min(COLUMNS, max(1, len(panels)))
    n_rows = math.ceil(len(panels) / n_columns)
    figure = own_figure(WIDTH * max(n_columns, 2) / COLUMNS, HIGH * n_rows + GRAPH_HIGH * with_graph + 0.4)
    heights = [GRAPH_HIGH] * with_graph + [HIGH] * n_rows
    grid = figure.add_gridspec(len(heights), n_columns, height_ratios=heights)
    axes = [figure.add_subplot(grid[0, :])] if with_graph else []
    for k, panel in enumerate(panels):
        ax = figure.add_subplot(grid[k // n_columns + with_graph, k % n_columns])
        colour = VERMILION if panel.fails else BLUE
        ax.axhline(0.0, color=GREY, linewidth=0.8)
        ax.plot(panel.x, panel.y, ".", color=GREY, markersize=2.5, alpha=0.5, zorder=1)
        ax.fill_between(panel.grid, panel.low, panel.high, color=colour, alpha=0.25, linewidth=0, zorder=2)
        ax.plot(panel.grid, panel.smooth, color=colour, linewidth=1.8, zorder=3)
        ax.set_title(plain(panel.title), fontsize="small", loc="left", color=colour if panel.fails else "black")
        ax.set_xlabel(plain(panel.label), fontsize="small")
        ax.tick_params(labelsize="x-small")
        bare(ax)
        axes.append(ax)
    if title:
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
    return axes

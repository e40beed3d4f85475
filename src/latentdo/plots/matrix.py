"""A table of letters as a picture: one colour and one letter per kind of cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latentdo.errors import MissingExtraError, QueryError

from .notebook import show_at_end

# Okabe & Ito (2008), from calm to alarming; dark letters can be read on each, and grey keeps the order.
TINTS = {"·": "#EDEDED", "=": "#B9DDF3", "B": "#56B4E9", "F": "#3DBE95", "G": "#F0E442", "x": "#E2703A"}
OTHER = "#CC79A7"
"""The colour of a letter that has none of its own."""


def matrix(
    rows: Sequence[str],
    columns: Sequence[str],
    letters: Sequence[Sequence[str]],
    legend: Sequence[tuple[str, str]],
    *,
    ax: Any = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
) -> Any:
    """Each cell in the colour of its letter, from top left to bottom right; returns the matplotlib axes.

    Args:
        rows: Names of the rows.
        columns: Names of the columns.
        letters: One per cell, `""` for an empty cell.
        legend: Letter and meaning of each kind of cell, in the order of the legend.
        ax: Where to draw; a new figure, as large as the table needs, if None.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("A plot", "matplotlib", "plot") from None
    if ax is not None and not hasattr(ax, "scatter"):
        raise QueryError(
            f"A plot is drawn into matplotlib axes, not into {ax!r}. Save one with .plot().figure.savefig(…)."
        )
    figure = None
    if ax is None:
        # A figure of its own, not pyplot's: no global state, and no window where there is no screen.
        cell = _cell(len(rows), len(columns))
        names = 0.09 * max(map(len, (*rows, *columns)), default=0) * min(1.0, cell / 0.22)
        size = (max(5.0, names + cell * len(columns) + 0.6), max(2.2, names + cell * len(rows) + 1.6))
        figure = Figure(figsize=size, dpi=100 if cell > 0.3 else 160, layout="constrained")
        show_at_end(figure)
        ax = figure.subplots()
    side = _side(ax, len(rows), len(columns))
    _tiles(ax, letters)
    _marks(ax, letters, side)
    _frame(ax, rows, columns, side)
    ax.set_xlabel(_plain(xlabel))
    ax.set_ylabel(_plain(ylabel))
    if figure is None:
        ax.set_title(_plain(title), fontsize="medium", loc="left")
        _key(ax, legend, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=2)
    else:
        # Over and under the whole figure, names included: beside a small table there is room for them.
        figure.suptitle(_plain(title), x=0.01, ha="left", fontsize="medium")
        _key(figure, legend, loc="outside lower center", ncols=3 if figure.get_figwidth() >= 6.0 else 2)
    return ax


def _cell(n_rows: int, n_columns: int) -> float:
    """The side of a cell in inches: smaller in a large table, never too small for a letter."""
    return min(0.42, max(0.13, 9.0 / max(n_rows, n_columns, 1)))


def _side(ax: Any, n_rows: int, n_columns: int) -> float:
    """About the side of a cell in points, once names and legend have their room."""
    width, height = ax.figure.get_size_inches()
    box = ax.get_position()
    inches = min(
        0.9 * width * box.width / max(n_columns, 1),
        0.9 * height * box.height / max(n_rows, 1),
        _cell(n_rows, n_columns),
    )
    return 72 * inches


def _tiles(ax: Any, letters: Sequence[Sequence[str]]) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    kinds = [letter for row in letters for letter in row if letter]
    squares = [
        Rectangle((j - 0.5, i - 0.5), 1, 1) for i, row in enumerate(letters) for j, letter in enumerate(row) if letter
    ]
    colours = [TINTS.get(letter, OTHER) for letter in kinds]
    ax.add_collection(PatchCollection(squares, facecolors=colours, edgecolors="white", linewidths=0.6))


def _marks(ax: Any, letters: Sequence[Sequence[str]], side: float) -> None:
    """The letters, all of a kind in one go: ten thousand texts would take seconds."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    for kind in dict.fromkeys(letter for row in letters for letter in row if letter):
        places = [(j, i) for i, row in enumerate(letters) for j, letter in enumerate(row) if letter == kind]
        path = TextPath((0, 0), _plain(kind), size=1, prop=FontProperties(weight="bold" if side < 20 else "normal"))
        box = path.get_extents()
        path = path.transformed(_shift(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2))
        ax.scatter(
            [x for x, _ in places],
            [y for _, y in places],
            # A marker is scaled to its outermost point: each kind by its own, so that all letters are of one size.
            s=(0.7 * side * 2 * _outermost(path)) ** 2,
            marker=path,
            color="#111111" if kind != "·" else "#9A9A9A",
            linewidths=0,
            zorder=3,
            snap=False,
        )


def _outermost(path: Any) -> float:
    return float(abs(path.vertices).max())


def _shift(x: float, y: float) -> Any:
    from matplotlib.transforms import Affine2D

    return Affine2D().translate(x, y)


def _frame(ax: Any, rows: Sequence[str], columns: Sequence[str], side: float) -> None:
    size = min(10.0, max(4.5, 0.62 * side))
    ax.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    ax.set_aspect("equal")
    upright = 90 if max(map(len, columns), default=0) * 0.6 * size > side else 0
    ax.set_xticks(range(len(columns)), [_plain(name) for name in columns], rotation=upright, fontsize=size)
    ax.set_yticks(range(len(rows)), [_plain(name) for name in rows], fontsize=size)
    ax.xaxis.set_ticks_position("top")
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _key(home: Any, legend: Sequence[tuple[str, str]], **place: Any) -> None:
    """The legend, with the letters in their colours."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker="s", markersize=11, color=TINTS.get(letter, OTHER))
        for letter, _ in legend
    ]
    labels = [f"{_plain(letter)}  {_plain(name)}" for letter, name in legend]
    if handles:
        home.legend(handles, labels, frameon=False, fontsize="small", handletextpad=0.4, **place)


def _plain(text: str) -> str:
    """User text without matplotlib's mathematics: a dollar sign is a dollar sign."""
    return text.replace("$", r"\$")

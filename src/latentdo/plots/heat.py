"""A heat map of signed numbers: blue below 0, red above, with the number in each cell and hatching where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from latentdo.errors import MissingExtraError, QueryError

from .notebook import show_at_end

# ColorBrewer's RdBu (Harrower & Brewer 2003), reversed: told apart with any kind of colour vision, and centred at white.
DIVERGING = ("#2166AC", "#4393C3", "#92C5DE", "#D1E5F0", "#F7F7F7", "#FDDBC7", "#F4A582", "#D6604D", "#B2182B")
DARK, LIGHT = "#111111", "#FFFFFF"
PLAIN = "#FFFFFF"
EMPTY, DOT = "#EDEDED", "#8A8A8A"
SMALLEST_TEXT = 4.0
"""Points below which numbers could not be read, and are left out."""

Kind = Literal["empty", "number", "insisted", "none", "hatched", "blank"]


@dataclass(frozen=True)
class Tile:
    """One cell.

    Attributes:
        text: What is written into it; a certain 0 has a dot.
        colour: Where it stands on the scale, 0 being white; None without a colour.
        kind: A `number`; `insisted`, one that is hatched all the same; `none` for a certain 0; `hatched` or `blank` without a
            number; `empty` where there is no cell.
        bold: Whether the text stands out.
    """

    text: str = ""
    colour: float | None = None
    kind: Kind = "empty"
    bold: bool = False


def tint(value: float | None, limit: float) -> tuple[str, str]:
    """The colour of a number between -limit and limit, and that of letters which can be read on it."""
    if value is None or not math.isfinite(value):
        return PLAIN, DARK
    place = (min(1.0, max(-1.0, value / limit)) + 1.0) / 2.0 * (len(DIVERGING) - 1)
    k = min(int(place), len(DIVERGING) - 2)
    below, above = (_channels(colour) for colour in DIVERGING[k : k + 2])
    mixed = [round(a + (place - k) * (b - a)) for a, b in zip(below, above, strict=True)]
    return "#" + "".join(f"{channel:02X}" for channel in mixed), LIGHT if _luminance(mixed) < 0.25 else DARK


def limit_of(tiles: Sequence[Sequence[Tile]]) -> float:
    """The end of the colour scale: the largest number's size, so that 0 stays in the middle."""
    sizes = [abs(t.colour) for row in tiles for t in row if t.colour is not None and math.isfinite(t.colour)]
    return max(sizes, default=0.0) or 1.0


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    tiles: Sequence[Sequence[Tile]],
    legend: Sequence[tuple[str, str]],
    *,
    ax: Any = None,
    colours: str = "",
    title: str = "",
) -> Any:
    """Each cell in the colour of its number, from top left to bottom right; returns the matplotlib axes.

    Args:
        rows: Names of the rows.
        columns: Names of the columns.
        tiles: The cells, row by row.
        legend: Sign (`bold`, `dot`, `hatched`, `blank`, or a text as it stands) and meaning, in the order of the legend.
        ax: Where to draw; a new figure, as large as the table needs, if None.
        colours: What the colours show, with their unit.

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
    width, height = _cell(len(rows), len(columns), tiles)
    figure = None
    if ax is None:
        size = (
            max(5.5, 1.7 + 0.085 * max(map(len, rows), default=0) + width * len(columns)),
            max(2.6, 1.7 + 0.05 * max(map(len, columns), default=0) + height * len(rows)),
        )
        # A figure of its own, not pyplot's: no global state, and no window where there is no screen.
        figure = Figure(figsize=size, dpi=110, layout="constrained")
        show_at_end(figure)
        ax = figure.subplots()
    limit = limit_of(tiles)
    _tiles(ax, tiles, limit)
    _numbers(ax, tiles, limit, _text_size(width, height, tiles))
    _frame(ax, rows, columns, width)
    _scale(ax, limit, colours)
    labels = [(sign, _plain(meaning)) for sign, meaning in legend]
    if figure is None:
        ax.set_title(_plain(title), fontsize="medium", loc="left")
        _key(ax, labels, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=2)
    else:
        figure.suptitle(_plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
        _key(figure, labels, loc="outside lower center", ncols=max(2, int(figure.get_figwidth() / 1.8)))
    return ax


def _cell(n_rows: int, n_columns: int, tiles: Sequence[Sequence[Tile]]) -> tuple[float, float]:
    """Width and height of a cell in inches: room for its number, less in a large table."""
    longest = max((len(tile.text) for row in tiles for tile in row), default=1)
    width = min(max(0.5, 0.14 + 0.085 * longest), max(0.13, 14.0 / max(n_columns, 1)))
    return width, min(0.42, max(0.13, 12.0 / max(n_rows, 1)))


def _text_size(width: float, height: float, tiles: Sequence[Sequence[Tile]]) -> float:
    """Points, so that the longest number fits its cell; digits are about 0.62 of the size wide, bold ones included."""
    longest = max((len(tile.text) for row in tiles for tile in row), default=1) or 1
    return min(10.0, 0.55 * 72 * height, 0.92 * 72 * width / (0.64 * longest))


def _tiles(ax: Any, tiles: Sequence[Sequence[Tile]], limit: float) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    drawn = [(i, j, tile) for i, row in enumerate(tiles) for j, tile in enumerate(row) if tile.kind != "empty"]
    squares = [Rectangle((j - 0.5, i - 0.5), 1, 1) for i, j, _ in drawn]
    faces = [EMPTY if tile.kind == "none" else tint(tile.colour, limit)[0] for _, _, tile in drawn]
    ax.add_collection(PatchCollection(squares, facecolors=faces, edgecolors="white", linewidths=0.8))
    hatched = [
        square for square, (_, _, tile) in zip(squares, drawn, strict=True) if tile.kind in ("hatched", "insisted")
    ]
    if hatched:
        ax.add_collection(
            PatchCollection(hatched, facecolors="none", edgecolors="#9A9A9A", hatch="////", linewidths=0.0, zorder=2)
        )


def _numbers(ax: Any, tiles: Sequence[Sequence[Tile]], limit: float, size: float) -> None:
    places = [(i, j, tile) for i, row in enumerate(tiles) for j, tile in enumerate(row)]
    dots = [(j, i) for i, j, tile in places if tile.kind == "none"]
    # All dots in one go: thousands of texts would take seconds.
    ax.scatter([x for x, _ in dots], [y for _, y in dots], s=max(1.0, 0.1 * size**2), color=DOT, linewidths=0, zorder=3)
    for i, j, tile in places:
        if not tile.text or size < SMALLEST_TEXT:
            continue
        colour, ink = tint(tile.colour, limit)
        # Hatching must not run through digits.
        box = {"facecolor": colour, "edgecolor": "none", "pad": 1.2} if tile.kind == "insisted" else None
        weight = "bold" if tile.bold else "normal"
        style = {"ha": "center", "va": "center", "fontsize": size, "fontweight": weight, "zorder": 3}
        ax.text(j, i, _plain(tile.text), color=ink, bbox=box, **style)


def _frame(ax: Any, rows: Sequence[str], columns: Sequence[str], width: float) -> None:
    ax.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    size = min(10.0, max(5.0, 20 * width))
    upright = 90 if max(map(len, columns), default=0) * 0.62 * size > 72 * width else 0
    ax.set_xticks(range(len(columns)), [_plain(name) for name in columns], rotation=upright, fontsize=size)
    ax.set_yticks(range(len(rows)), [_plain(name) for name in rows], fontsize=size)
    ax.xaxis.set_ticks_position("top")
    ax.xaxis.set_label_position("top")
    ax.set_xlabel("outcome")
    ax.set_ylabel("treatment, and its change", labelpad=8)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _scale(ax: Any, limit: float, label: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colours = LinearSegmentedColormap.from_list("effects", list(DIVERGING))
    bar = ax.figure.colorbar(
        ScalarMappable(Normalize(-limit, limit), colours), ax=ax, fraction=0.05, pad=0.02, aspect=25
    )
    bar.outline.set_visible(False)
    bar.set_label(_plain(label), fontsize="small")
    bar.ax.tick_params(labelsize="small")


def _key(home: Any, legend: Sequence[tuple[str, str]], **place: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    labels = []
    for sign, meaning in legend:
        label = meaning
        match sign:
            case "hatched" | "blank":
                hatch = "////" if sign == "hatched" else None
                handles.append(Patch(facecolor="white", edgecolor="#9A9A9A", hatch=hatch, linewidth=0.5))
            case "dot":
                handles.append(Line2D([], [], linestyle="none", marker="o", markersize=3.5, color=DOT))
            case _:
                # The sign itself is the key: letters in a row with the others.
                handles.append(Patch(facecolor="none", edgecolor="none", linewidth=0))
                label = rf"$\mathbf{{0.1}}$  {meaning}" if sign == "bold" else f"{sign}  {meaning}"
        labels.append(label)
    if handles:
        home.legend(handles, labels, frameon=False, fontsize="small", handletextpad=0.5, **place)


def _channels(colour: str) -> list[int]:
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def _luminance(channels: Sequence[float]) -> float:
    """Relative luminance. Source: WCAG 2.2, relative luminance."""
    linear = [c / 255 / 12.92 if c <= 10.3 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _plain(text: str) -> str:
    """User text without matplotlib's mathematics: a dollar sign is a dollar sign."""
    return text.replace("$", r"\$")

"""Tables as pictures, a tile per cell: numbers about 0 from blue to red, or letters in a colour each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .canvas import headline, home, plain
from .colours import PURPLE, SKY, YELLOW

# ColorBrewer's RdBu (Harrower & Brewer 2003), reversed: told apart with any kind of colour vision, and centred at white.
DIVERGING = ("#2166AC", "#4393C3", "#92C5DE", "#D1E5F0", "#F7F7F7", "#FDDBC7", "#F4A582", "#D6604D", "#B2182B")
# Okabe & Ito (2008), from calm to alarming; dark letters can be read on each, and grey keeps the order.
LETTERS = {"·": "#EDEDED", "=": "#B9DDF3", "B": SKY, "F": "#3DBE95", "G": YELLOW, "x": "#E2703A"}
OTHER = PURPLE
"""The colour of a letter that has none of its own."""
DARK, LIGHT, WHITE = "#111111", "#FFFFFF", "#FFFFFF"
EMPTY, DOT, HATCHING = "#EDEDED", "#8A8A8A", "#9A9A9A"
SMALLEST_TEXT = 4.0
"""Points below which numbers could not be read, and are left out."""

Kind = Literal["empty", "number", "insisted", "none", "hatched", "blank"]
Legend = Sequence[tuple[str, str]]


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
        return WHITE, DARK
    place = (min(1.0, max(-1.0, value / limit)) + 1.0) / 2.0 * (len(DIVERGING) - 1)
    k = min(int(place), len(DIVERGING) - 2)
    below, above = ([int(colour[j : j + 2], 16) for j in (1, 3, 5)] for colour in DIVERGING[k : k + 2])
    mixed = [round(a + (place - k) * (b - a)) for a, b in zip(below, above, strict=True)]
    return "#" + "".join(f"{channel:02X}" for channel in mixed), LIGHT if _luminance(mixed) < 0.25 else DARK


def _luminance(channels: Sequence[float]) -> float:
    """Relative luminance. Source: WCAG 2.2, relative luminance."""
    linear = [c / 255 / 12.92 if c <= 10.3 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def limit_of(tiles: Sequence[Sequence[Tile]]) -> float:
    """The end of the colour scale: the largest number's size, so that 0 stays in the middle."""
    sizes = [abs(t.colour) for row in tiles for t in row if t.colour is not None and math.isfinite(t.colour)]
    return max(sizes, default=0.0) or 1.0


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    tiles: Sequence[Sequence[Tile]],
    legend: Legend,
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
    longest = max((len(tile.text) for row in tiles for tile in row), default=1) or 1
    # Room for the longest number, less in a large table.
    width = min(max(0.5, 0.14 + 0.085 * longest), max(0.13, 14.0 / max(len(columns), 1)))
    height = min(0.42, max(0.13, 12.0 / max(len(rows), 1)))
    size = (
        max(5.5, 1.7 + 0.085 * max(map(len, rows), default=0) + width * len(columns)),
        max(2.6, 1.7 + 0.05 * max(map(len, columns), default=0) + height * len(rows)),
    )
    ax, alone = home(ax, *size, dpi=110)
    limit = limit_of(tiles)
    places = [(i, j, tile) for i, row in enumerate(tiles) for j, tile in enumerate(row) if tile.kind != "empty"]
    faces = [EMPTY if tile.kind == "none" else tint(tile.colour, limit)[0] for _, _, tile in places]
    _squares(ax, [(i, j) for i, j, _ in places], linewidths=0.8, facecolors=faces, edgecolors="white")
    hatched = [(i, j) for i, j, tile in places if tile.kind in ("hatched", "insisted")]
    _squares(ax, hatched, linewidths=0.0, facecolors="none", edgecolors=HATCHING, hatch="////", zorder=2)
    # Digits are about 0.62 of the size wide, bold ones included.
    _numbers(ax, places, limit, min(10.0, 0.55 * 72 * height, 0.92 * 72 * width / (0.64 * longest)))
    _frame(ax, rows, columns, font=min(10.0, max(5.0, 20 * width)), side=72 * width)
    ax.set_xlabel("outcome")
    ax.set_ylabel("treatment, and its change", labelpad=8)
    _scale(ax, limit, colours)
    n_columns = max(2, int(ax.figure.get_figwidth() / 1.8))
    headline(ax, title, alone=alone)
    _key(ax, *_signs(legend), alone=alone, ncols=n_columns, handletextpad=0.5)
    return ax


def matrix(
    rows: Sequence[str],
    columns: Sequence[str],
    letters: Sequence[Sequence[str]],
    legend: Legend,
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
    # Smaller cells in a large table, never too small for a letter.
    cell = min(0.42, max(0.13, 9.0 / max(len(rows), len(columns), 1)))
    names = 0.09 * max(map(len, (*rows, *columns)), default=0) * min(1.0, cell / 0.22)
    size = (max(5.0, names + cell * len(columns) + 0.6), max(2.2, names + cell * len(rows) + 1.6))
    ax, alone = home(ax, *size, dpi=100 if cell > 0.3 else 160)
    (width, height), box = ax.figure.get_size_inches(), ax.get_position()
    # About the side of a cell in points, once names and legend have their room.
    side = 72 * min(0.9 * width * box.width / max(len(columns), 1), 0.9 * height * box.height / max(len(rows), 1), cell)
    places = {(i, j): letter for i, row in enumerate(letters) for j, letter in enumerate(row) if letter}
    faces = [LETTERS.get(letter, OTHER) for letter in places.values()]
    _squares(ax, list(places), linewidths=0.6, facecolors=faces, edgecolors="white")
    for letter in dict.fromkeys(places.values()):
        _letters(ax, letter, [place for place, other in places.items() if other == letter], side)
    _frame(ax, rows, columns, font=min(10.0, max(4.5, 0.62 * side)), side=side)
    ax.set_aspect("equal")
    ax.set_xlabel(plain(xlabel))
    ax.set_ylabel(plain(ylabel))
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker="s", markersize=11, color=LETTERS.get(letter, OTHER))
        for letter, _ in legend
    ]
    words = [f"{plain(letter)}  {plain(name)}" for letter, name in legend]
    n_columns = 3 if ax.figure.get_figwidth() >= 6.0 else 2
    headline(ax, title, alone=alone)
    _key(ax, handles, words, alone=alone, ncols=n_columns, handletextpad=0.4)
    return ax


def _squares(ax: Any, places: Sequence[tuple[int, int]], **style: Any) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    if places:
        ax.add_collection(PatchCollection([Rectangle((j - 0.5, i - 0.5), 1, 1) for i, j in places], **style))


def _numbers(ax: Any, places: Sequence[tuple[int, int, Tile]], limit: float, size: float) -> None:
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
        ax.text(j, i, plain(tile.text), color=ink, bbox=box, **style)


def _letters(ax: Any, letter: str, places: Sequence[tuple[int, int]], side: float) -> None:
    """A letter in all its cells in one go: ten thousand texts would take seconds."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    path: Any = TextPath((0, 0), plain(letter), size=1, prop=FontProperties(weight="bold" if side < 20 else "normal"))
    box = path.get_extents()
    path = path.transformed(Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2))
    # A marker is scaled to its outermost point: each letter by its own, so that all are of one size.
    scale = 2 * float(abs(path.vertices).max())
    colour = DARK if letter != "·" else HATCHING
    x, y = [j for _, j in places], [i for i, _ in places]
    ax.scatter(x, y, s=(0.7 * side * scale) ** 2, marker=path, color=colour, linewidths=0, zorder=3, snap=False)


def _frame(ax: Any, rows: Sequence[str], columns: Sequence[str], *, font: float, side: float) -> None:
    """Names of rows and columns; those of columns upright where they are wider than a cell."""
    ax.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    upright = 90 if max(map(len, columns), default=0) * 0.61 * font > side else 0
    ax.set_xticks(range(len(columns)), [plain(name) for name in columns], rotation=upright, fontsize=font)
    ax.set_yticks(range(len(rows)), [plain(name) for name in rows], fontsize=font)
    ax.xaxis.set_ticks_position("top")
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _scale(ax: Any, limit: float, label: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colours = LinearSegmentedColormap.from_list("effects", list(DIVERGING))
    mappable = ScalarMappable(Normalize(-limit, limit), colours)
    bar = ax.figure.colorbar(mappable, ax=ax, fraction=0.05, pad=0.02, aspect=25)
    bar.outline.set_visible(False)
    bar.set_label(plain(label), fontsize="small")
    bar.ax.tick_params(labelsize="small")


def _signs(legend: Legend) -> tuple[list[Any], list[str]]:
    """Handles and words of the signs of a heat map."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    words: list[str] = []
    for sign, meaning in legend:
        match sign:
            case "hatched" | "blank":
                hatch = "////" if sign == "hatched" else None
                handles.append(Patch(facecolor="white", edgecolor=HATCHING, hatch=hatch, linewidth=0.5))
            case "dot":
                handles.append(Line2D([], [], linestyle="none", marker="o", markersize=3.5, color=DOT))
            case _:
                # The sign itself is the key: letters in a row with the others.
                handles.append(Patch(facecolor="none", edgecolor="none", linewidth=0))
        front = {"bold": r"$\mathbf{0.1}$  ", "hatched": "", "blank": "", "dot": ""}.get(sign, f"{sign}  ")
        words.append(front + plain(meaning))
    return handles, words


def _key(ax: Any, handles: list[Any], words: list[str], *, alone: bool, **style: Any) -> None:
    """The legend under the whole figure; of axes that were handed in, under those."""
    style |= {"frameon": False, "fontsize": "small"}
    if handles and alone:
        ax.figure.legend(handles, words, loc="outside lower center", **style)
    elif handles:
        ax.legend(handles, words, loc="upper center", bbox_to_anchor=(0.5, -0.02), **{**style, "ncols": 2})

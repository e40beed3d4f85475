"""A table in plain text: columns under their headings, the last one folded, wide ones in panels below each other."""

from __future__ import annotations

from collections.abc import Sequence

from .cells import Column, Row
from .words import LEAST_PROSE, folded, visible

GAP = "  "
CONTINUED = "the same rows, further columns:"


def table(columns: Sequence[Column], rows: Sequence[Row], width: int | None, *, headed: bool = True) -> list[str]:
    """The lines of a table.

    Args:
        columns: Its columns.
        rows: Its cells.
        width: Characters of a line; without, lines are as long as they need be.
        headed: Whether the headings are printed.
    """
    if not columns:
        return []
    cells = [[visible(cell.text) for cell in row] for row in rows]
    lines = [[visible(column.title) for column in columns], *cells] if headed else cells
    sizes = [max((len(line[k]) for line in lines), default=0) for k in range(len(columns))]
    whole = sum(sizes) + len(GAP) * (len(columns) - 1)
    if width is None or whole <= width:
        return [_line(line, sizes, columns) for line in lines]
    if columns[-1].kind == "prose":
        return _with_prose(columns, lines, sizes, width, headed=headed)
    return _panels(columns, lines, sizes, width)


def _line(cells: Sequence[str], sizes: Sequence[int], columns: Sequence[Column]) -> str:
    set_cells = (
        cell.rjust(size) if column.is_right else cell.ljust(size)
        for cell, size, column in zip(cells, sizes, columns, strict=True)
    )
    return GAP.join(set_cells).rstrip()


def _with_prose(
    columns: Sequence[Column], lines: Sequence[Sequence[str]], sizes: Sequence[int], width: int, *, headed: bool
) -> list[str]:
    """The last column folded beside the others, or below them where it has too little room."""
    start = sum(sizes[:-1]) + len(GAP) * (len(columns) - 1)
    front = [_line(line[:-1], sizes[:-1], columns[:-1]) for line in lines]
    printed: list[str] = []
    for k, (before, line) in enumerate(zip(front, lines, strict=True)):
        if width - start >= LEAST_PROSE:
            first, *rest = folded(line[-1], width - start)
            printed += [f"{before.ljust(start)}{first}".rstrip(), *(" " * start + piece for piece in rest)]
        elif k == 0 and headed:
            printed.append(before)
        else:
            printed += [before, *(f"    {piece}" for piece in folded(line[-1], width - 4) if piece)]
    return printed


def _panels(columns: Sequence[Column], lines: Sequence[Sequence[str]], sizes: Sequence[int], width: int) -> list[str]:
    """The first column again and again, each time beside as many of the others as fit a line."""
    panels: list[list[int]] = [[]]
    used = sizes[0]
    for k in range(1, len(columns)):
        if panels[-1] and used + len(GAP) + sizes[k] > width:
            panels.append([])
            used = sizes[0]
        panels[-1].append(k)
        used += len(GAP) + sizes[k]
    printed: list[str] = []
    for place, panel in enumerate(panels):
        printed += [CONTINUED] if place else []
        chosen = [0, *panel]
        printed += [
            _line([line[k] for k in chosen], [sizes[k] for k in chosen], [columns[k] for k in chosen]) for line in lines
        ]
    return printed


def markdown(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    """The lines of a table in Markdown; cells that stand out are bold."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    body = [
        [
            f"**{visible(cell.text)}**" if "strong" in (cell.mark, column.mark) else visible(cell.text)
            for cell, column in zip(row, columns, strict=True)
        ]
        for row in rows
    ]
    rule = ["---:" if column.is_right else "---" for column in columns]
    return [line([visible(column.title) for column in columns]), line(rule), *map(line, body)]

"""Columns of names: the levels of `table` and `categorical` nodes, as the numbers that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from latentdo.errors import DataError, nearest
from latentdo.models import MAX_LEVELS, Level, listed, named

from .cells import BOOLEANS, is_missing, parse_cell
from .dataset import FloatArray
from .sources import Source

_MAX_SHOWN = 4


def read_levels(
    source: Source, levels: Mapping[str, Sequence[Level]]
) -> tuple[dict[str, FloatArray], dict[str, tuple[str, ...]], list[DataError]]:
    """The columns whose levels are names, each cell as its level's place, NaN where missing.

    Args:
        levels: The nodes that have levels, with those that the model states (none where it leaves them to the column).

    Returns:
        Columns, the names of their levels, and faults. Columns of numbers are left out: they are read like any other.
    """
    columns: dict[str, FloatArray] = {}
    found: dict[str, tuple[str, ...]] = {}
    faults: list[DataError] = []
    for name, stated in levels.items():
        if stated and not named(stated):
            continue
        cells = source.texts(name)
        if cells is None or (not stated and all(map(_is_number, cells))):
            continue
        present = [cell for cell in cells if not is_missing(cell)]
        known = tuple(str(level) for level in stated) or tuple(sorted(set(present)))
        if len(known) > MAX_LEVELS:
            faults.append(_too_many(name, known))
            continue
        place = {level: float(k) for k, level in enumerate(known)}
        if unknown := [(row, cell) for row, cell in enumerate(cells) if cell not in place and not is_missing(cell)]:
            faults.append(_unknown(name, unknown, known, source))
            continue
        columns[name] = np.array([place.get(cell, np.nan) for cell in cells])
        found[name] = known
    return columns, found, faults


def _is_number(cell: str) -> bool:
    return parse_cell(cell) is not None or cell.casefold() in BOOLEANS


def _too_many(name: str, known: Sequence[str]) -> DataError:
    return DataError(
        f"Column {name!r} holds {len(known)} different names, and a node has at most {MAX_LEVELS} levels. If it is an "
        "identifier, remove its node from the model.",
        column=name,
    )


def _meant(cell: str, known: Sequence[str]) -> str:
    """The level that was meant, where one is close; all of them are listed anyway."""
    found = nearest(cell, known)
    return f"{found} " if found.startswith("Did") else ""


def _unknown(name: str, unknown: Sequence[tuple[int, str]], known: Sequence[str], source: Source) -> DataError:
    row, cell = unknown[0]
    where, line = source.place(row)
    others = [*dict.fromkeys(other for _, other in unknown)]
    more = f" and {len(others) - 1} other unknown level{'s' if len(others) > 2 else ''}" if len(others) > 1 else ""
    return DataError(
        f"Column {name!r} has the level {cell!r} in {where}{more}, but the model's levels are {listed(known)}. "
        f"{_meant(cell, known)}Add it to levels=[…], or correct the cell.",
        column=name,
        line=line,
    )

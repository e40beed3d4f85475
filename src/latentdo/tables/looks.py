"""A table as its columns look, before any model says what they should be: nothing is refused, and every fault is a column's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import DataError
from latentdo.graphs import Name
from latentdo.sheet import finite

from .cells import is_missing, parse_cell
from .experimental import named_in
from .sources import Source, open_source

BINS = 20
MOST_LEVELS = 50
"""Names of a column that are listed."""


@dataclass(frozen=True)
class ColumnLook:
    """What one column holds.

    Attributes:
        kind: `numbers`, `names`, or `unreadable`, which has a problem and nothing else.
        n_missing: Cells that stand for nothing.
        n_distinct: Different values.
        values: Of numbers, those that are there.
        counts: Of names, the most frequent first.
        problem: Why it cannot be read.
    """

    name: str
    kind: str
    n_missing: int = 0
    n_distinct: int = 0
    values: FloatArray | None = None
    counts: tuple[tuple[str, int], ...] = ()
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The column as plain values, with null for what is not there."""
        seen = self.values if self.values is not None and len(self.values) else None
        return finite(
            {
                "name": self.name,
                "kind": self.kind,
                "missing": self.n_missing,
                "distinct": self.n_distinct,
                "minimum": None if seen is None else float(seen.min()),
                "maximum": None if seen is None else float(seen.max()),
                "mean": None if seen is None else float(seen.mean()),
                "quartiles": None if seen is None else np.quantile(seen, (0.25, 0.75)).tolist(),
                "sd": None if seen is None or len(seen) < 2 else float(seen.std(ddof=1)),
                "bins": [] if seen is None else _bins(seen),
                "levels": [{"level": level, "count": count} for level, count in self.counts[:MOST_LEVELS]],
                "regimes": self._regimes(),
                "problem": self.problem,
            }
        )

    def _regimes(self) -> list[dict[str, Any]] | None:
        """How many rows have what set, if this is a column that says so; None where it cannot be one."""
        if self.kind != "names" or self.n_distinct > MOST_LEVELS:
            return None
        found: Counter[tuple[Name, ...]] = Counter({(): self.n_missing} if self.n_missing else {})
        try:
            for text, count in self.counts:
                found[tuple(sorted(named_in(text)))] += count
        except DataError:
            return None
        return [{"do": list(names), "rows": count} for names, count in found.items()]


@dataclass(frozen=True)
class Overview:
    """A table's rows and columns."""

    name: str
    n_rows: int
    columns: tuple[ColumnLook, ...]

    def to_json(self) -> dict[str, Any]:
        """The table as plain values."""
        return {"name": self.name, "rows": self.n_rows, "columns": [column.to_json() for column in self.columns]}


def overview(path: Path) -> Overview:
    """How the columns of a table look.

    Raises:
        DataError: It is no table at all.
        MissingExtraError: A Parquet file, and no library that reads it.
    """
    source = open_source(path)
    names = [str(name) for name in source.names]
    repeated = {name for name, count in Counter(names).items() if count > 1}
    alone = [name for name in names if name not in repeated]
    numbers, faults = source.read(alone)
    if not numbers and faults and all(fault.column is None for fault in faults):
        raise faults[0]
    told = {fault.column: str(fault) for fault in faults}
    looks = []
    for name in dict.fromkeys(names):
        if name in repeated:
            problem = f"{names.count(name)} columns have this name. Rename or remove all but one."
            looks.append(ColumnLook(name, "unreadable", problem=problem))
        elif name in numbers:
            looks.append(_of_numbers(name, numbers[name]))
        else:
            looks.append(_of_names(name, source, told.get(name)))
    return Overview(path.name, _n_rows(numbers, looks), tuple(looks))


def _n_rows(numbers: dict[str, FloatArray], looks: Sequence[ColumnLook]) -> int:
    if numbers:
        return max(map(len, numbers.values()))
    return max((look.n_missing + sum(count for _, count in look.counts) for look in looks), default=0)


def _of_numbers(name: str, column: FloatArray) -> ColumnLook:
    missing = np.isnan(column)
    seen = column[~missing]
    if not np.isfinite(seen).all():
        return ColumnLook(name, "unreadable", problem="Some cells are infinite. Drop their rows, or replace them.")
    return ColumnLook(name, "numbers", int(missing.sum()), len(np.unique(seen)), seen)


def _of_names(name: str, source: Source, fault: str | None) -> ColumnLook:
    cells = source.texts(name)
    if cells is None:
        return ColumnLook(name, "unreadable", problem=fault or "Its cells are neither numbers nor names.")
    seen = Counter(cell for cell in cells if not is_missing(cell))
    n_numbers = sum(count for cell, count in seen.items() if parse_cell(cell) is not None)
    if n_numbers and n_numbers >= seen.total() / 2:
        # Numbers with some cells that are none: what is wrong with these is more use than a list of them.
        return ColumnLook(name, "unreadable", problem=fault or "Some of its cells are no numbers.")
    counts = sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))
    return ColumnLook(name, "names", len(cells) - seen.total(), len(seen), None, tuple(counts))


def _bins(seen: FloatArray) -> list[dict[str, Any]]:
    """Equally wide bins; one per value where these are few whole numbers."""
    values = np.unique(seen)
    if len(values) <= BINS and (values == np.round(values)).all() and np.ptp(values) <= BINS:
        edges = np.arange(values[0] - 0.5, values[-1] + 1.0)
    elif np.ptp(values) == 0:
        edges = np.array([values[0] - 0.5, values[0] + 0.5])
    else:
        edges = np.linspace(values[0], values[-1], BINS + 1)
    counts, _ = np.histogram(seen, edges)
    ends = edges.tolist()
    return [
        {"from": low, "to": high, "count": int(count)}
        for low, high, count in zip(ends[:-1], ends[1:], counts.tolist(), strict=True)
    ]

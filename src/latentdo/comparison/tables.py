"""A comparison as a flat table: a header and rows of numbers, strings and None, for CSV files and data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latentdo.graphs import quote

from .row import ComparisonRow

_NESTED = ("warnings", "sets", "at")


def flat_rows(rows: Sequence[ComparisonRow]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The header, and one row per row; axes of sweeps have a column each, in front."""
    if not rows:
        return ("query", "method"), []
    found = [_flat(row) for row in rows]
    axes = list(dict.fromkeys(name for row in rows for name, _ in row.at))
    # A node may be called like a column of ours.
    heading = [f"{name} (axis)" if name in found[0] else name for name in axes]
    return (*heading, *found[0]), [
        (*(dict(row.at).get(name) for name in axes), *flat.values()) for row, flat in zip(rows, found, strict=True)
    ]


def _flat(row: ComparisonRow) -> dict[str, Any]:
    found = {key: value for key, value in row.to_json().items() if key not in _NESTED}
    sets = (f"{purpose} {{{', '.join(map(quote, names))}}}" for purpose, names in row.sets.items())
    return {**found, "sets": "; ".join(sets), "warnings": " ".join(row.warnings)}

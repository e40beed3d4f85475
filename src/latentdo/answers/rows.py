"""Answers as a flat table: a header and rows of numbers, strings and None, for CSV files and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answer import Answer

_NESTED = ("interval", "at", "naive", "prior", "warnings", "notes")


def flat_rows(answers: Sequence[Answer], level: float) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The header, and one row per answer."""
    rows = [_row(answer, level) for answer in answers]
    keys = dict.fromkeys(key for row in rows for key in row)
    if not answers:
        return ("query",), []
    axes = list(dict.fromkeys(name for answer in answers for name, _ in answer.at))
    # A node may be called like a column of ours.
    heading = {name: f"{name} (axis)" if name in keys else name for name in axes}
    return (
        (*heading.values(), *keys),
        [
            (*(dict(answer.at).get(name) for name in axes), *(row.get(key) for key in keys))
            for answer, row in zip(answers, rows, strict=True)
        ],
    )


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The table as CSV in UTF-8, with empty cells for None."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    # A character that UTF-8 does not have must not cost the numbers beside it.
    return text.getvalue().encode("utf-8", "replace")


def _row(answer: Answer, level: float) -> dict[str, Any]:
    found = answer.to_json(level)
    low, high = found["interval"] or (None, None)
    row = {key: value for key, value in found.items() if key not in _NESTED}
    row |= {"lower": low, "upper": high}
    row |= {key: "; ".join(found[key]) for key in ("warnings", "notes")}
    for key in ("naive", "prior"):
        if (other := found[key]) is not None:
            ends = other["interval"] or (None, None)
            row |= {f"{key}_mean": other["mean"], f"{key}_lower": ends[0], f"{key}_upper": ends[1]}
    return row

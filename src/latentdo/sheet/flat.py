"""A table for programs: rows of plain values, comma-separated text, a data frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from latentdo.errors import MissingExtraError

from .cells import Value
from .words import visible

if TYPE_CHECKING:
    import pandas

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that a spreadsheet takes for a formula (OWASP, "CSV Injection")."""


def finite(value: Any) -> Any:
    """The value with null in place of every number that is not finite, in lists and dicts too, as JSON needs it."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: finite(each) for key, each in value.items()}
        case list() | tuple():
            return [finite(each) for each in value]
        case _:
            return value


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """The table as comma-separated text with empty cells for None; no text in it is a formula to a spreadsheet."""
    import csv  # what prints only does not pay for it
    import io

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([[_safe(cell) for cell in row] for row in (header, *rows)])
    return text.getvalue()


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """The table as comma-separated text in UTF-8."""
    # A character that UTF-8 does not have must not cost the numbers beside it.
    return csv_text(header, rows).encode("utf-8", "replace")


def _safe(cell: Value) -> Value:
    """A cell of text that a spreadsheet reads as text: one that looks like a formula gets an apostrophe in front."""
    if not isinstance(cell, str):
        return cell
    shown = visible(cell)
    if not shown.startswith(_FORMULA):
        return shown
    try:
        float(shown)
    except ValueError:
        return f"'{shown}"
    return shown


def data_frame(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> pandas.DataFrame:
    """The table as a pandas DataFrame.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("to_pandas", "pandas", "interop") from None
    return pandas.DataFrame([dict(zip(header, row, strict=True)) for row in rows], columns=list(header))

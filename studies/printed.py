"""How numbers of many data sets are printed, and the table that they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from latentdo.sheet import Cell, Column, Note, Sheet


def table(
    title: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    words: int,
    notes: Sequence[str] = (),
    strong: Sequence[str] = (),
) -> Sheet:
    """A sheet of cells that are printed as they are.

    Args:
        words: How many columns from the left are words; the others are numbers.
        notes: What has to be known to read it, a sentence each.
        strong: Cells that must not be overlooked.
    """
    return Sheet.of(
        title,
        [Column(head, "words" if k < words else "number") for k, head in enumerate(heads)],
        [[Cell(cell, mark="strong" if cell in strong else "") for cell in row] for row in rows],
        notes=tuple(map(Note, notes)),
    )


def figure(value: float | None, *, signed: bool = False) -> str:
    """A number with three decimals, fewer where it is large; a dash for none."""
    if value is None:
        return "–"
    sign = "+" if signed else ""
    size = abs(value)
    if size >= 1e5:
        return f"{value:{sign}.2e}"
    return f"{value:{sign}.{3 if size < 10 else 2 if size < 100 else 1}f}"


def with_error(value: float | None, error: float | None, *, signed: bool = False) -> str:
    """A number and its standard error, `0.033 ± 0.004`."""
    shown = figure(value, signed=signed)
    return shown if value is None or error is None else f"{shown} ± {figure(error)}"


def with_quartiles(median: float, low: float | None, high: float | None, error: float | None = None) -> str:
    """A median with its standard error and its quartiles, `0.033 ± 0.004 [0.016, 0.055]`."""
    shown = with_error(median, error)
    return shown if low is None or high is None else f"{shown} [{figure(low)}, {figure(high)}]"


def percent(share: float) -> str:
    """A share as whole per cent."""
    return f"{100 * share:.0f} %"

"""Which rows are units of their own: copies of a row say nothing new."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name

from .dataset import Dataset

CONTINUOUS = 0.9
"""Share of different values among different rows from which on a column does not repeat by chance."""
COPIES = 0.02
"""Share of rows that repeat others up to which nothing is done."""
ROOM = 50
"""Numbers as fine as a column's between its least and its largest, per row, from which on it does not repeat by rounding."""
DIGITS = 6
"""Digits behind the point up to which a column is looked at as rounded."""


def without_copies(data: Dataset, names: Iterable[Name]) -> tuple[Dataset, FloatArray | None]:
    """The rows, copies left out, and how many rows of the table each stands for; None where it has no copies.

    Numbers of which hardly any two are equal, and with digits enough, do not repeat whole rows by chance: these are copies, and
    no evidence.
    """
    distinct = data.collapsed(names)
    if distinct.n_stored >= (1.0 - COPIES) * data.n_rows:
        return data, None
    if not any(_is_fine(values, data.n_rows) for _, values in distinct.columns):
        return data, None
    return distinct.counted_once(), distinct.weights


def _is_fine(values: FloatArray, n_rows: int) -> bool:
    """Whether a column of different rows has hardly any value twice, and room for so many rows without."""
    if len(np.unique(values)) <= CONTINUOUS * len(values):
        return False
    width = float(np.ptp(values))
    for digits in range(DIGITS + 1):
        scaled = values * 10.0**digits
        if np.abs(scaled - scaled.round()).max() < 1e-6 * max(1.0, float(np.abs(scaled).max()) * 1e-8):
            return width * 10.0**digits >= ROOM * n_rows
    return True


def copies_note(n_units: int, n_rows: int) -> str:
    """What is to be said of a table with copies."""
    return f"equal rows count once: {n_units:,} of {n_rows:,} were tested"

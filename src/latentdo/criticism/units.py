"""Which rows are units of their own: copies of a row say nothing new."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.tables import Dataset

CONTINUOUS = 0.9
"""Share of different values among different rows from which on a column does not repeat by chance."""
COPIES = 0.02
"""Share of rows that repeat others up to which nothing is done."""


def without_copies(data: Dataset, names: Iterable[Name]) -> tuple[Dataset, FloatArray | None]:
    """The rows, copies left out, and how many rows of the table each stands for; None where it has no copies.

    Numbers of which hardly any two are equal do not repeat whole rows by chance: these are copies, and no evidence.
    """
    distinct = data.collapsed(names)
    is_continuous = any(len(np.unique(values)) > CONTINUOUS * distinct.n_stored for _, values in distinct.columns)
    if not is_continuous or distinct.n_stored >= (1.0 - COPIES) * data.n_rows:
        return data, None
    return distinct.counted_once(), distinct.weights


def copies_note(n_units: int, n_rows: int) -> str:
    """What is to be said of a table with copies."""
    return f"equal rows count once: {n_units:,} of {n_rows:,} were tested"

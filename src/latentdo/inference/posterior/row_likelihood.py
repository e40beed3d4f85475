"""The log likelihood of the rows of a table at the draws of a fit: which rows, which draws, and whether there is memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentdo import arguments
from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import DataError, SpecError, UnsupportedError
from latentdo.tables import Dataset, as_before, read_table

from ..blocks.fitted import Fitted
from ..likelihood import pointwise

MOST_NUMBERS = 2**28
"""Draws times rows that are given at once: 2 GiB."""


def log_likelihood(posterior: Fitted, data: Any, draws: Any) -> FloatArray:
    """See `Posterior.log_likelihood`."""
    index = _index(posterior, draws)
    rows = rows_of(posterior, data)
    if len(index) * rows.n_rows > MOST_NUMBERS:
        fewer = max(1, MOST_NUMBERS // rows.n_rows)
        raise UnsupportedError(
            f"The log likelihood of {rows.n_rows:,} rows at {len(index):,} draws is {len(index) * rows.n_rows / 2**27:.3g} GiB "
            f"of numbers; at most {MOST_NUMBERS / 2**27:.0f} GiB are given at once. Ask for fewer draws "
            f"(log_likelihood(draws={min(fewer, 200)})) or for some of the rows (data=)."
        )
    return pointwise.log_likelihood(posterior, rows, index).values


def rows_of(posterior: Fitted, data: Any) -> Dataset:
    """The rows of the fit, or of a table, whose values the families allow."""
    spec = posterior.spec
    if data is None:
        if posterior.data is None:
            raise DataError(
                "This fit holds no rows of its data, as it was saved without. Give the table: "
                'posterior.log_likelihood("data.csv"), or save it with posterior.save(path, data=True).'
            )
        return posterior.data
    facts = posterior.facts
    tables = as_before(data, facts.origins, facts.do_column)
    rows = read_table(tables, spec.measured, spec.latent, spec.levels, missing=facts.handled, learning=False)
    for node in spec.measured:
        # What was set is checked too, and what is missing has no value.
        seen = rows.complete([node], held=True)
        if seen.n_rows:
            spec[node].family.check(seen.summary(node))
    return rows


def _index(posterior: Fitted, draws: Any) -> IntArray:
    """Places of draws, chains laid end to end."""
    n = posterior.n_chains * posterior.n_draws
    if draws is None:
        return np.arange(n)
    if np.ndim(draws) == 0:
        few = arguments.whole("draws", draws, SpecError, most=n, repair=f"The fit has {n:,} draws.")
        return np.linspace(0, n - 1, few).round().astype(int)
    index = np.asarray(draws)
    if index.ndim != 1 or not len(index) or index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= n:
        raise SpecError(f"draws is how many draws, or a list of their places from 0 to {n - 1:,}.")
    return index.astype(int)

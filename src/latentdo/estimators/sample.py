"""The rows as estimators read them: columns of numbers, each with its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import DataError, nearest
from latentdo.graphs import Name
from latentdo.tables import Dataset, too_narrow

Env = Mapping[Name, FloatArray]
"""Values of columns that broadcast against each other: axes (replicate, row, then whatever is integrated over)."""

MOST_LEVELS = 8
"""Whole numbers with at most so many values are levels; with more they are a number."""
ROWS_PER_LEVEL = 5
"""With fewer rows per value, a column of whole numbers is a number."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Attributes:
        name: What it is called.
        values: One number per row.
        levels: The values in order where they are few: two, whole numbers, or the places of names. None of a
            continuous column.
        labels: The names of the levels, where it is a column of names.
        ordered: Whether these names have an order, that of the levels.
        whole: Of whether a column with more than two levels has one of some, that column.
    """

    name: Name
    values: FloatArray
    levels: FloatArray | None = None
    labels: tuple[str, ...] = ()
    whole: Column | None = None
    ordered: bool = False

    @property
    def is_discrete(self) -> bool:
        """Whether single values have a probability of their own."""
        return self.levels is not None

    @cached_property
    def mean(self) -> float:
        """The mean of the rows."""
        return float(self.values.mean())

    @cached_property
    def sd(self) -> float:
        """The standard deviation of the rows; 1 of a constant column."""
        return float(self.values.std()) or 1.0

    @property
    def all_levels(self) -> FloatArray:
        """The levels, of a discrete column."""
        assert self.levels is not None
        return self.levels

    def codes(self, values: FloatArray) -> IntArray:
        """The place of each value among the levels, that of the nearest above for what is none."""
        return np.minimum(np.searchsorted(self.all_levels, values), len(self.all_levels) - 1)

    def part(self, rows: IntArray) -> Column:
        """The column of some rows; levels stay what they are."""
        whole = None if self.whole is None else self.whole.part(rows)
        return replace(self, values=self.values[rows], whole=whole)


@dataclass(frozen=True, eq=False)
class Sample:
    """The columns of a table, each row once.

    Attributes:
        columns: By name.
        n: The number of rows.
        weights: What the rows count, with mean one; all one of an ordinary table.
    """

    columns: Mapping[Name, Column]
    n: int
    weights: FloatArray

    def __getitem__(self, name: Name) -> Column:
        try:
            return self.columns[name]
        except KeyError:
            raise DataError(f"There is no column {name!r}. {nearest(name, self.columns)}", column=name) from None

    def env(self, names: Iterable[Name]) -> dict[Name, FloatArray]:
        """The values of these columns with the axes (1, row)."""
        return {name: self[name].values[None, :] for name in names}

    def part(self, rows: IntArray) -> Sample:
        """The sample of some rows; levels stay what they are."""
        columns = {name: column.part(rows) for name, column in self.columns.items()}
        weights = self.weights[rows]
        return Sample(columns, len(rows), weights / weights.mean())

    def with_column(self, column: Column) -> Sample:
        """The sample with this column in place of the one of its name."""
        return Sample({**self.columns, column.name: column}, self.n, self.weights)


def sample_of(
    data: Dataset | Mapping[Name, Any],
    names: Iterable[Name],
    *,
    numbers: Iterable[Name] = (),
    ordered: Iterable[Name] = (),
    weighted: bool = False,
) -> Sample:
    """The sample of a table.

    Args:
        names: The columns that are needed.
        numbers: Columns that are continuous whatever their values look like.
        ordered: Columns of names that have an order.
        weighted: Keep the stored rows of a data set with their weights, instead of repeating each.

    Raises:
        DataError: A column is missing or constant, or there are fewer than two rows.
    """
    dataset = data if isinstance(data, Dataset) else Dataset.of(data)
    wanted = tuple(dict.fromkeys(names))
    dataset = dataset.collapsed(wanted) if weighted else dataset.expanded(wanted)
    if dataset.n_rows < 2:
        raise DataError(f"There are {dataset.n_rows} rows. Estimators need two at least.")
    labels, continuous = dict(dataset.levels), frozenset(numbers)
    columns = {
        name: column_of(name, dataset.column(name), labels.get(name, ()), continuous=name in continuous)
        for name in wanted
    }
    columns |= {name: replace(columns[name], ordered=True) for name in ordered if name in columns}
    weights = dataset.weights / dataset.weights.mean()
    return Sample(columns, dataset.n_stored, weights)


def column_of(name: Name, values: FloatArray, labels: tuple[str, ...] = (), *, continuous: bool = False) -> Column:
    """The column with its kind: levels where there are two values, names, or a few whole numbers.

    Raises:
        DataError: It is constant, so that nothing can be learned of it, or all but constant.
    """
    distinct = np.unique(values[:: max(1, len(values) // 1000)])
    if len(distinct) <= MOST_LEVELS or labels:
        distinct = np.unique(values)
    if len(distinct) < 2:
        raise DataError(
            f"Column {name!r} is constant ({distinct[0]:g}). Leave it out of the graph, or give rows in which it varies.",
            column=name,
        )
    few = len(distinct) <= MOST_LEVELS and len(values) >= ROWS_PER_LEVEL * len(distinct)
    whole = few and bool((distinct == np.floor(distinct)).all())
    if labels or (not continuous and (len(distinct) == 2 or whole)):
        return Column(name, values, distinct, labels)
    if (fault := too_narrow(name, values.min(), values.max(), values.std())) is not None:
        raise fault
    return Column(name, values)

"""The rows that a model is trained on, as a value: columns of numbers and how often each row occurs.

NumPy only. Foreign tables become a `Dataset` in `reading`, which also makes the checks that need names and
lines; here only the shape is checked, and that every number is finite.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import DataError, nearest
from latentdo.models import ColumnSummary

MAX_LISTED_VALUES = 20
SMALL_RANGE = 4_096
"""Whole numbers in a range of fewer are told apart without sorting."""

SMALLEST_SPREAD = 1e-100
"""Standard deviation of a column below which squares of its numbers leave what a float can hold."""


def too_narrow(name: str, low: float, high: float, sd: float) -> DataError | None:
    """What is wrong with a column whose spread is too small to compute with; None of others."""
    if sd >= SMALLEST_SPREAD:
        return None
    return DataError(
        f"Column {name} runs from {low:g} to {high:g}: its spread is too small to compute with. Change its unit.",
        column=name,
    )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of numbers whose rows have counts.

    Attributes:
        columns: Name and values of each column, one value per stored row.
        weights: How often each stored row occurs: whole numbers, 0 for padding.
        ignored: Columns of the source that no node names.
        unread: Columns of the source that have a latent node's name; their cells were never looked at.
        source: How the table was given, for messages and summaries.
        levels: Of columns of names the names in order: the column holds their places, counted from 0.
    """

    columns: tuple[tuple[str, FloatArray], ...]
    weights: FloatArray
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    source: str = "table"
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        weights = _frozen(self.weights)
        if weights.ndim != 1 or not np.all((weights >= 0) & (weights == np.floor(weights)) & np.isfinite(weights)):
            raise DataError("Row weights are counts: one whole number of at least 0 per stored row.")
        columns = tuple((name, _frozen(values)) for name, values in self.columns)
        if len({name for name, _ in columns}) < len(columns):
            raise DataError(f"A column name occurs twice among {[name for name, _ in columns]}.")
        for name, values in columns:
            if values.shape != weights.shape:
                raise DataError(
                    f"Column {name!r} has the shape {values.shape}; expected {weights.shape}, like weights.",
                    column=name,
                )
            if not np.isfinite(values).all():
                raise DataError(f"Column {name!r} has a missing or infinite number.", column=name)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "columns", columns)

    @staticmethod
    def of(columns: Mapping[str, npt.ArrayLike], source: str = "table") -> Dataset:
        """The rows of these columns, each occurring once."""
        arrays = tuple((name, np.asarray(values, dtype=np.float64)) for name, values in columns.items())
        n = len(arrays[0][1]) if arrays else 0
        return Dataset(arrays, np.ones(n), source=source)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(name for name, _ in self.columns)

    @property
    def n_stored(self) -> int:
        """Number of stored rows, padding included."""
        return len(self.weights)

    @cached_property
    def n_rows(self) -> int:
        """Number of rows of the table: the sum of the weights."""
        return int(self.weights.sum())

    @cached_property
    def _by_name(self) -> dict[str, FloatArray]:
        return dict(self.columns)

    def has(self, name: str) -> bool:
        """Whether there is a column of this name."""
        return name in self._by_name

    def column(self, name: str) -> FloatArray:
        """The values of a column, one per stored row; read-only."""
        try:
            return self._by_name[name]
        except KeyError:
            raise DataError(f"There is no column {name!r}. {nearest(name, self.names)}", column=name) from None

    @cached_property
    def hash(self) -> str:
        """SHA-256 over names, numbers and weights, as stored: it depends on the order of columns and rows."""
        digest = hashlib.sha256()
        for name, levels in self.levels:
            digest.update(repr((name, levels)).encode())
        for name, values in (*self.columns, ("", self.weights)):
            label = name.encode()
            # Lengths keep ("ab", …) apart from ("a", b…).
            digest.update(len(label).to_bytes(8, "little") + label + len(values).to_bytes(8, "little"))
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()

    @cached_property
    def rows_digest(self) -> str:
        """A digest of the rows as a multiset: whatever the order of rows and columns, and of numbers 30 binary digits.

        So many are the same after a table was written and read by another program.
        """
        kept = self.weights > 0
        found = ""
        for seed in (1, 2):
            own = np.full(int(kept.sum()), seed, dtype=np.uint64)
            for name, values in sorted(self.columns, key=lambda column: column[0]):
                label = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
                mantissa, power = np.frexp(values[kept])
                bits = np.ldexp(np.rint(np.ldexp(mantissa, 30)), power - 30) + 0.0
                own = _mixed(own ^ _mixed(bits.view(np.uint64) ^ np.uint64(label)))
            # Sums do not depend on the order; they wrap around.
            counted = _mixed(own) * self.weights[kept].astype(np.uint64)
            found += f"{int(counted.sum(dtype=np.uint64)):016x}"
        return found

    def collapsed(self, names: Iterable[str]) -> Dataset:
        """Only these columns, equal rows merged and their weights added up, in the order of first occurrence.

        Rows of weight 0 are left out.
        """
        return self.grouped(names)[0]

    def grouped(self, names: Iterable[str]) -> tuple[Dataset, IntArray]:
        """See `collapsed`; and for every stored row of positive weight which of the merged rows it is."""
        chosen = tuple((name, self.column(name)) for name in names)
        kept = np.flatnonzero(self.weights > 0)
        first, group = _distinct_rows([values[kept] for _, values in chosen], len(kept))
        weights = np.bincount(group, weights=self.weights[kept], minlength=len(first))
        rows = kept[first]
        merged = replace(self, columns=tuple((name, values[rows]) for name, values in chosen), weights=weights)
        return merged, group

    def picked(self, index: IntArray) -> Dataset:
        """Some of the stored rows, by their places, each with its weight."""
        columns = tuple((name, values[index]) for name, values in self.columns)
        return replace(self, columns=columns, weights=self.weights[index])

    def expanded(self, names: Iterable[str]) -> Dataset:
        """Only these columns, each stored row repeated as often as its weight says, all weights one."""
        counts = self.weights.astype(np.intp)
        columns = tuple((name, np.repeat(self.column(name), counts)) for name in names)
        return replace(self, columns=columns, weights=np.ones(self.n_rows))

    def padded(self, n: int) -> Dataset:
        """The same rows followed by copies of the first with weight 0, `n` stored rows in all.

        Equal shapes let one compiled program serve tables of different sizes.
        """
        extra = n - self.n_stored
        if extra < 0 or not self.n_stored:
            raise DataError(f"{self.n_stored} stored rows cannot be padded to {n}.")
        columns = tuple((name, np.append(values, np.repeat(values[:1], extra))) for name, values in self.columns)
        return replace(self, columns=columns, weights=np.append(self.weights, np.zeros(extra)))

    @cached_property
    def summaries(self) -> tuple[ColumnSummary, ...]:
        """What each column looks like, in order."""
        return tuple(_summarise(name, values, self.weights) for name, values in self.columns)

    def summary(self, name: str) -> ColumnSummary:
        """What one column looks like, each row counted as often as its weight says."""
        self.column(name)
        return self.summaries[self.names.index(name)]

    def to_summary(self) -> dict[str, Any]:
        """What an archive keeps of the table instead of its rows: plain dicts, lists, numbers and strings."""
        return {
            "source": self.source,
            "hash": self.hash,
            "n_rows": self.n_rows,
            "ignored": list(self.ignored),
            "unread": list(self.unread),
            "columns": {summary.name: summary.to_json() for summary in self.summaries},
        }

    def __repr__(self) -> str:
        return f"Dataset({self.source}: {self.n_rows} rows of {', '.join(self.names)})"


def _mixed(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each number as one that looks like chance.

    Source:
        Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators: the last steps of SplitMix64.
    """
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _frozen(values: npt.ArrayLike) -> FloatArray:
    """The values as a read-only float64 array; a copy only where the caller could still write to them."""
    array = np.asarray(values, dtype=np.float64)
    if array.flags.writeable:
        array = array.copy() if array is values or array.base is not None else array
        array.flags.writeable = False
    return array


def _distinct_rows(columns: list[FloatArray], n: int) -> tuple[IntArray, IntArray]:
    """Where each distinct row first occurs, and for every row which of those it equals.

    Columns are folded into one integer code each in turn, and recoded so that the code stays below the number
    of rows: no product can overflow. Once all codes differ, no further column can split them.
    """
    codes = np.zeros(n, dtype=np.intp)
    first = np.arange(min(n, 1))
    for values in columns:
        code, size = _coded(values)
        codes, first = _recoded(codes * size + code, size * max(len(first), 1))
        if len(first) == n:
            break
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[codes]


def _coded(values: FloatArray) -> tuple[IntArray, int]:
    """A column as integers below a number: small whole numbers as they are, others by their rank."""
    if len(values):
        low, high = values.min(), values.max()
        if high - low < SMALL_RANGE and (values == np.floor(values)).all():
            return (values - low).astype(np.intp), int(high - low) + 1
    distinct, code = np.unique(values, return_inverse=True)
    return code, max(len(distinct), 1)


def _recoded(codes: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Codes below `size` numbered anew without gaps, and where each first occurs."""
    n = len(codes)
    if size > max(n, SMALL_RANGE):
        _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
        return codes, first
    # Without sorting: of several places the one that is written last, the first row, stays.
    place = np.full(size, -1, dtype=np.intp)
    place[codes[::-1]] = np.arange(n - 1, -1, -1)
    seen = np.flatnonzero(place >= 0)
    rank = np.empty(size, dtype=np.intp)
    rank[seen] = np.arange(len(seen))
    return rank[codes], place[seen]


def _summarise(name: str, values: FloatArray, weights: FloatArray) -> ColumnSummary:
    counted = weights > 0
    x, w = values[counted], weights[counted]
    if not len(x):
        raise DataError(f"Column {name!r} has no rows.", column=name)
    n = int(w.sum())
    mean = float((w * x).sum() / n)
    # Rounding must not push the mean out of the range or give a constant column a spread.
    mean = min(max(mean, float(x.min())), float(x.max()))
    sd = float(np.sqrt((w * (x - mean) ** 2).sum() / (n - 1))) if n > 1 else 0.0
    distinct = np.unique(x)
    return ColumnSummary(
        name=name,
        n=n,
        mean=mean,
        sd=sd,
        minimum=float(distinct[0]),
        maximum=float(distinct[-1]),
        n_distinct=len(distinct),
        integral=bool((distinct == np.floor(distinct)).all()),
        values=tuple(distinct.tolist()) if len(distinct) <= MAX_LISTED_VALUES else (),
    )

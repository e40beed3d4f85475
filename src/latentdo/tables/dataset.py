"""The rows that a model is trained on, as a value: columns of numbers and how often each row occurs.

NumPy only. Foreign tables become a `Dataset` in `reading`, which also makes the checks that need names and
lines; here only the shape is checked, and that every number is finite.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from latentdo.arrays import BoolArray, FloatArray, IntArray
from latentdo.errors import DataError, nearest
from latentdo.models import ColumnSummary

from .pattern import PLAIN, Origin, Pattern

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
        patterns: The patterns of missing and set cells that rows may have; empty where every cell was measured.
        pattern: Which of them each stored row has; None where there are none.
        dropped: Rows of the source that were left out because a cell was missing.
        do_column: The column of the source that named, row by row, the nodes that were set.
        origins: How each of several tables was given, or the one of an experiment; empty of any other table.
    """

    columns: tuple[tuple[str, FloatArray], ...]
    weights: FloatArray
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    source: str = "table"
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    patterns: tuple[Pattern, ...] = ()
    pattern: IntArray | None = None
    dropped: int = 0
    do_column: str = ""
    origins: tuple[Origin, ...] = ()

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
        if self.pattern is not None:
            pattern = np.asarray(self.pattern, dtype=np.intp)
            if pattern.shape != weights.shape or (
                len(pattern) and not 0 <= pattern.min() <= pattern.max() < len(self.patterns)
            ):
                raise DataError("Each stored row has the place of one of the patterns.")
            object.__setattr__(self, "pattern", pattern)

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
        if self.pattern is not None:
            digest.update(repr([(each.missing, each.held) for each in self.patterns]).encode())
            digest.update(np.ascontiguousarray(self.pattern, dtype="<i8").tobytes())
        return digest.hexdigest()

    @cached_property
    def rows_digest(self) -> str:
        """A digest of the rows as a multiset: whatever the order of rows and columns, and of numbers 30 binary digits.

        So many are the same after a table was written and read by another program.
        """
        kept = self.weights > 0
        found = ""
        marks = np.array([_mark(each) for each in self.patterns], dtype=np.uint64)
        for seed in (1, 2):
            own = np.full(int(kept.sum()), seed, dtype=np.uint64)
            if self.pattern is not None:
                own = own ^ marks[self.pattern[kept]]
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
        own = self if self.pattern is None else self.restricted([name for name, _ in chosen])
        kept = np.flatnonzero(self.weights > 0)
        patterns = [] if own.pattern is None else [own.pattern.astype(np.float64)]
        first, group = _distinct_rows(
            [values[kept] for values in (*patterns, *(values for _, values in chosen))], len(kept)
        )
        weights = np.bincount(group, weights=self.weights[kept], minlength=len(first))
        merged = replace(own, columns=chosen).picked(kept[first])
        return replace(merged, weights=weights), group

    def picked(self, index: IntArray | slice) -> Dataset:
        """Some of the stored rows, by their places, each with its weight."""
        columns = tuple((name, values[index]) for name, values in self.columns)
        pattern = None if self.pattern is None else self.pattern[index]
        return replace(self, columns=columns, weights=self.weights[index], pattern=pattern)

    def counted_once(self) -> Dataset:
        """The same stored rows, each with the weight one, padding too."""
        return replace(self, weights=np.ones(self.n_stored))

    def expanded(self, names: Iterable[str]) -> Dataset:
        """Only these columns, each stored row repeated as often as its weight says, all weights one."""
        names = tuple(names)
        rows = replace(self.restricted(names), columns=tuple((name, self.column(name)) for name in names))
        return rows.picked(np.repeat(np.arange(self.n_stored), self.weights.astype(np.intp))).counted_once()

    def restricted(self, names: Iterable[str]) -> Dataset:
        """Only these columns, with what patterns say of them; the rows as they are stored."""
        names = tuple(names)
        rows = replace(self, columns=tuple((name, self.column(name)) for name in names))
        return rows if self.pattern is None else rows.patterned([each.among(names) for each in self.patterns])

    def patterned(self, patterns: Sequence[Pattern]) -> Dataset:
        """The same rows with other patterns in the places of their own; equal ones are merged."""
        assert self.pattern is not None, "rows without patterns have none to change"
        used = np.zeros(len(patterns), dtype=bool)
        used[self.pattern] = True
        distinct = tuple(sorted({each for each, is_used in zip(patterns, used, strict=True) if is_used}))
        if not any(each != PLAIN for each in distinct):
            return replace(self, patterns=(), pattern=None)
        place = np.array([distinct.index(each) if is_used else 0 for each, is_used in zip(patterns, used, strict=True)])
        return replace(self, patterns=distinct, pattern=place[self.pattern])

    def _marked(self, marks: Callable[[Pattern], bool]) -> BoolArray:
        """Which stored rows have a pattern that is marked."""
        if self.pattern is None:
            return np.zeros(self.n_stored, dtype=bool)
        return np.array([marks(each) for each in self.patterns], dtype=bool)[self.pattern]

    def missing(self, name: str) -> BoolArray:
        """In which stored rows the cell of a column is missing."""
        return self._marked(lambda each: name in each.missing)

    def held(self, name: str) -> BoolArray:
        """In which stored rows a column's node was set."""
        return self._marked(lambda each: name in each.held)

    def complete(self, names: Iterable[str] | None = None, *, held: bool = False) -> Dataset:
        """The rows that have every one of these columns (all of the table unless given), without patterns.

        Args:
            held: Whether rows in which one of them was set count too.
        """
        names = self.names if names is None else tuple(names)
        rows = replace(self, columns=tuple((name, self.column(name)) for name in names))
        if self.pattern is None:
            return rows
        own = [each.among(names) for each in self.patterns]
        kept = np.array([not each.missing and (held or not each.held) for each in own])[self.pattern]
        return replace(rows.picked(np.flatnonzero(kept)), patterns=(), pattern=None)

    def untouched(self) -> Dataset:
        """The rows in which no node was set, of this table's columns or of others."""
        return self.picked(np.flatnonzero(~self._marked(lambda each: bool(each.held)))) if self.patterns else self

    @property
    def n_missing(self) -> dict[str, int]:
        """How many rows lack a cell, by column; columns that lack none are left out."""
        if self.pattern is None:
            return {}
        counts = {name: int(self.weights[self.missing(name)].sum()) for name in self.names}
        return {name: count for name, count in counts.items() if count}

    @property
    def regimes(self) -> dict[tuple[str, ...], int]:
        """How many rows there are of each set of nodes that were set, none among them; empty where none was set anywhere."""
        if not any(each.held for each in self.patterns):
            return {}
        sets = sorted({each.held for each in self.patterns}, key=lambda held: (len(held), held))
        return {held: int(self.weights[self._marked(lambda each, held=held: each.held == held)].sum()) for held in sets}

    def padded(self, n: int) -> Dataset:
        """The same rows followed by copies of the first with weight 0, `n` stored rows in all.

        Equal shapes let one compiled program serve tables of different sizes.
        """
        extra = n - self.n_stored
        if extra < 0 or not self.n_stored:
            raise DataError(f"{self.n_stored} stored rows cannot be padded to {n}.")
        rows = self.picked(np.append(np.arange(self.n_stored), np.zeros(extra, dtype=np.intp)))
        return replace(rows, weights=np.append(self.weights, np.zeros(extra)))

    @cached_property
    def summaries(self) -> tuple[ColumnSummary, ...]:
        """What each column looks like, in order: mean and sd where its node was left alone, range wherever it was seen."""
        return tuple(
            _summarise(name, values, np.where(self.missing(name), 0.0, self.weights), self.held(name))
            for name, values in self.columns
        )

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


def _summarise(name: str, values: FloatArray, weights: FloatArray, held: BoolArray) -> ColumnSummary:
    counted = weights > 0
    seen = values[counted]
    own = counted & ~held
    x, w = values[own], weights[own]
    if not len(x):
        raise DataError(f"Column {name!r} has no rows.", column=name)
    n = int(w.sum())
    mean = float((w * x).sum() / n)
    # Rounding must not push the mean out of the range or give a constant column a spread.
    mean = min(max(mean, float(x.min())), float(x.max()))
    sd = float(np.sqrt((w * (x - mean) ** 2).sum() / (n - 1))) if n > 1 else 0.0
    distinct = np.unique(seen)
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


def _mark(pattern: Pattern) -> int:
    """A number of 64 bits that tells a pattern from others; 0 of rows without one."""
    if pattern == PLAIN:
        return 0
    return int.from_bytes(hashlib.sha256(repr((pattern.missing, pattern.held)).encode()).digest()[:8], "little")


def stacked(parts: Sequence[Dataset]) -> Dataset:
    """The rows of several tables with the same columns and levels, one after the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    patterns: tuple[Pattern, ...] = ()
    pattern = None
    if any(each.pattern is not None for each in parts):
        patterns = tuple(dict.fromkeys(own for each in parts for own in each.patterns or (PLAIN,)))
        places = [np.array([patterns.index(own) for own in each.patterns or (PLAIN,)]) for each in parts]
        pattern = np.concatenate(
            [
                place[np.zeros(each.n_stored, dtype=np.intp) if each.pattern is None else each.pattern]
                for each, place in zip(parts, places, strict=True)
            ]
        )
    return replace(
        first,
        columns=tuple((name, np.concatenate([each.column(name) for each in parts])) for name in first.names),
        weights=np.concatenate([each.weights for each in parts]),
        ignored=tuple(dict.fromkeys(name for each in parts for name in each.ignored)),
        unread=tuple(dict.fromkeys(name for each in parts for name in each.unread)),
        source=" and ".join(dict.fromkeys(each.source for each in parts)),
        patterns=patterns,
        pattern=pattern,
        dropped=sum(each.dropped for each in parts),
        do_column=next((each.do_column for each in parts if each.do_column), ""),
    )

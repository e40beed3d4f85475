"""Where a table comes from, a file, a dict or a data frame: its names known, its cells not yet read."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from latentdo.errors import DataError, MissingExtraError
from latentdo.files import open_file

from .cells import as_numbers, as_texts
from .dataset import FloatArray
from .delimited import DELIMITERS, DelimitedFile

PARQUET = (".parquet", ".pq")
SUFFIXES = (*DELIMITERS, *PARQUET)


class Source(Protocol):
    """A foreign table, opened: its names are known, its cells not yet read."""

    @property
    def label(self) -> str:
        """How messages call the table."""
        ...

    @property
    def names(self) -> Sequence[Any]:
        """The column names as they stand there, repeated ones included."""
        ...

    def place(self, row: int) -> tuple[str, int | None]:
        """Where a data row stands, in words and, in a text file, as a line number."""
        ...

    def read(self, names: Sequence[str]) -> tuple[dict[str, FloatArray], list[DataError]]:
        """These columns, NaN for missing cells, without those that have a fault; and the faults."""
        ...

    def texts(self, name: str) -> list[str] | None:
        """The cells of one column as text, without blanks around them; None where it holds no text."""
        ...


@dataclass(frozen=True)
class Columns:
    """A table in memory, one column at a time."""

    label: str
    names: Sequence[Any]
    get: Callable[[str], Any]

    def place(self, row: int) -> tuple[str, int | None]:
        """The row's index."""
        return f"row {row}, counting from 0", None

    def read(self, names: Sequence[str]) -> tuple[dict[str, FloatArray], list[DataError]]:
        """These columns as numbers, and what is wrong with the others."""
        columns: dict[str, FloatArray] = {}
        faults: list[DataError] = []
        for name in names:
            try:
                columns[name] = as_numbers(name, self.get(name))
            except DataError as fault:
                faults.append(fault)
        return columns, faults

    def texts(self, name: str) -> list[str] | None:
        """One column as text; None where it holds numbers."""
        return as_texts(self.get(name))


def is_path(text: str) -> bool:
    """Whether a string names a table file: one line that ends in a known suffix."""
    return len(text.splitlines()) == 1 and text.lower().endswith(SUFFIXES)


def open_source(data: Any) -> Source:
    match data:
        case Path():
            return _file(data)
        case str() if is_path(data):
            return _file(Path(data))
        case str():
            shown = repr(data if len(data) <= 60 else data[:57] + "…")
            raise DataError(
                f"The data are given as the text {shown}. A text is read as a path only if it is one line "
                f"and ends in {', '.join(SUFFIXES)}; read other tables first, for example with pandas."
            )
        case Mapping():
            return Columns("the table", list(data), data.__getitem__)
        case np.ndarray() | list() | tuple():
            raise DataError(
                f"The data are a bare {type(data).__name__}, whose columns have no names. "
                'Give a dict: {"X": x, "Y": y}, or a table with named columns.'
            )
        case _:
            return _frame(data)


def _file(path: Path) -> Source:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path}: tables are read from {', '.join(SUFFIXES)} files, not from "
            f"{suffix or 'files without a suffix'}. Rename it, or read it first, for example with pandas."
        )
    with open_file(path, DataError) as file:
        start = file.read(4)
    return DelimitedFile(path) if suffix in DELIMITERS else _parquet(path, start)


def _parquet(path: Path, start: bytes) -> Source:
    if start != b"PAR1":
        raise DataError(f"{path.name} is not a Parquet file: it does not start with PAR1.")
    for library, opened in (("pyarrow", _pyarrow_columns), ("polars", _polars_columns)):
        if importlib.util.find_spec(library) is not None:
            with _damage_told(path):
                columns = opened(path)
            return replace(columns, get=_damage_told(path)(columns.get))
    raise MissingExtraError("Reading a Parquet file", "pyarrow or polars", "interop")


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Whatever a library says about a file that it cannot read, at once or at one of its columns."""
    try:
        yield
    # The libraries share no error class.
    except Exception as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {error}") from error


def _pyarrow_columns(path: Path) -> Columns:
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    return Columns(path.name, file.schema_arrow.names, lambda name: file.read(columns=[name]).column(0))


def _polars_columns(path: Path) -> Columns:
    import polars

    names = list(polars.read_parquet_schema(path))
    return Columns(path.name, names, lambda name: polars.read_parquet(path, columns=[name])[name])


def _frame(data: Any) -> Columns:
    import narwhals.stable.v2 as nw

    # narwhals refuses repeated and odd names itself, but not in our words: look before asking.
    if nw.dependencies.is_pandas_like_dataframe(data):
        names = list(data.columns)
        return Columns(f"{_library(data)} table", names, lambda name: data[name])
    if nw.dependencies.is_pyarrow_table(data):
        return Columns("pyarrow table", list(data.column_names), data.column)
    frame: Any = nw.from_native(data, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        names = frame.collect_schema().names()
        return Columns(
            f"{_library(data)} query",
            names,
            lambda name: frame.select(name).collect()[name].to_native(),
        )
    if isinstance(frame, nw.DataFrame):
        return Columns(f"{_library(data)} table", frame.columns, lambda name: frame[name].to_native())
    kind = type(data).__name__
    article = "an" if kind[0].lower() in "aeiou" else "a"
    raise DataError(
        f"The data are {article} {kind}; expected a path, a dict of columns, or a pandas, polars or pyarrow table."
    )


def _library(data: Any) -> str:
    return type(data).__module__.partition(".")[0]

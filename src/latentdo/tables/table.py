"""What a simulation returns: named columns, to look at, to hand on and to write to a file."""

from __future__ import annotations

import csv
import html
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from latentdo.errors import DataError, MissingExtraError

from .delimited import DELIMITERS
from .sources import PARQUET, SUFFIXES

_PREVIEW = 5


class Table(Mapping[str, npt.NDArray[Any]]):
    """Columns of equal length by name; `len` is the number of columns, `n_rows` that of rows.

    It is read like a dict of arrays, by pandas and polars too: `pandas.DataFrame(dict(table))`.
    """

    def __init__(self, columns: Mapping[str, npt.ArrayLike]) -> None:
        self._columns = {name: np.asarray(values) for name, values in columns.items()}
        lengths = {name: values.shape for name, values in self._columns.items()}
        if len(set(lengths.values())) > 1 or any(len(shape) != 1 for shape in lengths.values()):
            raise DataError(f"The columns of a table are one-dimensional and equally long, not {lengths}.")

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self._columns.values()), ()))

    def to_pandas(self) -> Any:
        """The table as a pandas DataFrame."""
        if importlib.util.find_spec("pandas") is None:
            raise MissingExtraError("A pandas table", "pandas", "interop")
        import pandas

        return pandas.DataFrame(dict(self._columns))

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to a `.csv`, `.tsv` or `.parquet` file and return its path.

        Numbers are written so that they read back equal. An existing file is replaced only once the new one
        is whole; behind a link that is the file it leads to.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in SUFFIXES:
            raise DataError(
                f"{target}: tables are written to {', '.join(SUFFIXES)} files, not to "
                f"{suffix or 'files without a suffix'}."
            )
        write = _parquet_writer() if suffix in PARQUET else _write_text
        try:
            _replace(target, lambda beside: write(self, beside))
        except OSError as error:
            raise DataError(f"{target} cannot be written: {error.strerror or error}.") from error
        return target

    def __repr__(self) -> str:
        return f"Table({self.n_rows} rows: {', '.join(self)})"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self)
        shown = [values[:_PREVIEW].tolist() for values in self._columns.values()]
        rows = "".join(
            "<tr>" + "".join(f"<td>{_shown(cell)}</td>" for cell in row) + "</tr>" for row in zip(*shown, strict=True)
        )
        hidden = self.n_rows - _PREVIEW
        more = f"<p>… and {hidden} more rows</p>" if hidden > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _shown(cell: Any) -> str:
    return html.escape(f"{cell:.6g}" if isinstance(cell, float) else str(cell))


def _replace(given: Path, write: Callable[[Path], None]) -> None:
    """Write beside the target and rename, so that nobody ever meets half a file; a link stays a link to what is replaced."""
    target = Path(os.path.realpath(given))
    if target.exists() and not target.is_file():
        # A device or a pipe is written to as it is.
        write(given)
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=given.suffix)
    os.close(handle)
    beside = Path(name)
    try:
        write(beside)
        # mkstemp makes files that only their owner reads; ours are ordinary files.
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o666 & ~mask)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _write_text(table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITERS[path.suffix.lower()], lineterminator="\n")
        writer.writerow(table)
        # tolist() makes Python numbers, whose repr is the shortest text that reads back equal.
        writer.writerows(zip(*(values.tolist() for values in table.values()), strict=True))


def _parquet_writer() -> Callable[[Table, Path], None]:
    for library, writer in (("pyarrow", _write_pyarrow), ("polars", _write_polars)):
        if importlib.util.find_spec(library) is not None:
            return writer
    raise MissingExtraError("Writing a Parquet file", "pyarrow or polars", "interop")


def _write_pyarrow(table: Table, path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(dict(table)), path)


def _write_polars(table: Table, path: Path) -> None:
    import polars

    polars.DataFrame(dict(table)).write_parquet(path)

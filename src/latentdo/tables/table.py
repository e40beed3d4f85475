"""What a simulation returns: named columns, to look at, to hand on and to write to a file."""

from __future__ import annotations

import csv
import html
import importlib.util
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from latentdo.errors import DataError, MissingExtraError
from latentdo.files import write_table

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
        content = _parquet(self) if suffix in PARQUET else self.text(DELIMITERS[suffix]).encode()
        return write_table(target, content)

    def text(self, delimiter: str = ",") -> str:
        """The table as lines of cells, the names of the columns in the first."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self)
        # tolist() makes Python numbers, whose repr is the shortest text that reads back equal.
        writer.writerows(zip(*(values.tolist() for values in self.values()), strict=True))
        return text.getvalue()

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


def _parquet(table: Table) -> bytes:
    content = io.BytesIO()
    if importlib.util.find_spec("pyarrow") is not None:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table(dict(table)), content)
    elif importlib.util.find_spec("polars") is not None:
        import polars

        polars.DataFrame(dict(table)).write_parquet(content)
    else:
        raise MissingExtraError("Writing a Parquet file", "pyarrow or polars", "interop")
    return content.getvalue()

"""Strict reading of CSV and TSV files: a fault is reported with its line and column, never guessed away."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from latentdo.errors import DataError
from latentdo.files import read_bytes

from .cells import BOOLEANS, LARGEST_INTEGER, NO_NUMBER, parse_cell, repair
from .dataset import FloatArray

DELIMITERS = {".csv": ",", ".tsv": "\t"}
_DELIMITER_NAMES = {",": "commas", "\t": "tabs", ";": "semicolons"}
LARGEST_CELL = 2**31 - 1
"""Characters of a cell at most: the largest number that the reader of every platform takes."""
_CHUNK = 5_000
_MAX_SHOWN = 3
_DECIMAL_COMMA = re.compile(r"(?:^|;)\s*[+-]?\d+,\d+\s*(?:;|$)", re.MULTILINE)
_JSON = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{"])')


@dataclass(frozen=True)
class DelimitedFile:
    """A text file of cells, read when first asked.

    Args:
        path: The file; its suffix says what separates the cells.
    """

    path: Path

    @cached_property
    def text(self) -> str:
        """The whole file, without blank lines at its end."""
        return _decoded(self.path)

    @property
    def label(self) -> str:
        """How messages call the file."""
        return self.path.name

    @cached_property
    def delimiter(self) -> str:
        """What separates the cells."""
        return DELIMITERS[self.path.suffix.lower()]

    def place(self, row: int) -> tuple[str, int | None]:
        """Where a data row stands, in words and as a line number."""
        line, _ = next(islice(self._rows(), row + 1, None))
        return f"line {line}", line

    def read(self, names: Sequence[str]) -> tuple[dict[str, FloatArray], list[DataError]]:
        """These columns, NaN for missing cells, and every fault of form in the file.

        Columns with a fault are left out.
        """
        positions = {name: self.names.index(name) for name in names}
        pieces: dict[str, list[FloatArray]] = {name: [] for name in names}
        kinds: dict[str, set[str]] = {name: set() for name in names}
        reader = self._reader()
        try:
            next(reader)
            while rows := list(islice(reader, _CHUNK)):
                if set(map(len, rows)) != {len(self.names)}:
                    return {}, self._faults(positions)
                cells = list(zip(*rows, strict=True))
                for name, position in positions.items():
                    numbers, kind = _numbers(cells[position])
                    pieces[name].append(numbers)
                    kinds[name] |= {kind} - {"missing"}
        except csv.Error:
            return {}, self._faults(positions)
        suspects = [name for name in names if len(kinds[name]) > 1 or "text" in kinds[name]]
        faults = self._faults({name: positions[name] for name in suspects}) if suspects else []
        return {
            name: np.concatenate(piece or [np.empty(0)]) for name, piece in pieces.items() if name not in suspects
        }, faults

    def texts(self, name: str) -> list[str] | None:
        """The cells of one column; None where the rows are not all of one length (`read` says where)."""
        position, width = self.names.index(name), len(self.names)
        try:
            rows = list(islice(self._reader(), 1, None))
        except csv.Error:
            return None
        return None if any(len(row) != width for row in rows) else [row[position].strip() for row in rows]

    def _reader(self) -> Iterator[list[str]]:
        # newline="" keeps every line end as it is, so that line numbers are those of an editor.
        lines = io.StringIO(self.text, newline="")
        # Python refuses cells of more than 131,072 characters, in columns too that nobody uses.
        csv.field_size_limit(max(csv.field_size_limit(), LARGEST_CELL))
        return csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=True)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row with the line it starts in; a blank line is an empty row."""
        reader: Any = self._reader()
        start = 1
        try:
            for row in reader:
                yield start, row
                start = reader.line_num + 1
        except csv.Error as error:
            problem = "a quoted cell is never closed" if "end of data" in str(error) else str(error)
            raise DataError(
                f"Line {start}: {problem}. A quote inside a quoted cell is written twice.", line=start
            ) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The cells of the header, without blanks around them."""
        return self._header

    @cached_property
    def _header(self) -> tuple[str, ...]:
        if not self.text.strip():
            raise DataError(f"{self.label} is empty; expected a header line with the names of the columns.")
        if _JSON.match(self.text):
            raise DataError(
                f"{self.label} holds JSON, and {self.path.suffix} files are read as cells. With pandas: "
                "pd.read_json(path, lines=True) reads one object per line, and the table can be given as it is.",
                line=1,
            )
        _, cells = next(self._rows())
        if not cells:
            raise DataError(f"{self.label}, line 1 is blank; the first line holds the names of the columns.", line=1)
        self._check_delimiter(cells)
        return tuple(cell.strip() or f"(column {i}, unnamed)" for i, cell in enumerate(cells, start=1))

    def _check_delimiter(self, header: list[str]) -> None:
        """Refuse a file whose header is one cell that another separator would split."""
        if len(header) > 1:
            return
        for other in _DELIMITER_NAMES:
            if other == self.delimiter or other not in header[0]:
                continue
            expected = _DELIMITER_NAMES[self.delimiter]
            if other == ";":
                comma = _DECIMAL_COMMA.search(self.text) is not None
                points, decimal = (", and with a point in numbers", ", decimal=','") if comma else ("", "")
                advice = (
                    f"Save it with commas between cells{points}. Or with pandas: pd.read_csv(path, sep=';'{decimal}) reads it, "
                    "and the table can be given as it is."
                )
            else:
                suffix = next(suffix for suffix, delimiter in DELIMITERS.items() if delimiter == other)
                advice = f"Rename the file to end in {suffix}."
            raise DataError(
                f"{self.label}, line 1: cells are separated by {_DELIMITER_NAMES[other]}, but "
                f"{self.path.suffix} files are read with {expected}. {advice}",
                line=1,
            )

    def _faults(self, positions: dict[str, int]) -> list[DataError]:
        """Every row of the wrong length and every cell that is no number, by reading row by row."""
        width = len(self.names)
        ragged: list[tuple[int, int]] = []
        wrong: dict[str, list[tuple[int, str]]] = {}
        kinds: dict[str, dict[str, int]] = {name: {} for name in positions}
        broken: list[DataError] = []
        try:
            for line, row in islice(self._rows(), 1, None):
                if len(row) != width:
                    ragged.append((line, len(row)))
                    continue
                for name, position in positions.items():
                    kind = _kind(row[position])
                    if kind == "text":
                        wrong.setdefault(name, []).append((line, row[position]))
                    elif kind != "missing":
                        kinds[name].setdefault(kind, line)
        except DataError as error:
            broken.append(error)
        # Behind a quote that is never closed nothing was read: what else is wrong stands before it.
        faults = [*([self._ragged(ragged)] if ragged else []), *broken]
        faults += [self._text(name, cells) for name, cells in wrong.items()]
        faults += [
            DataError(
                f"Column {name!r} mixes true/false (line {found['boolean']}) with numbers (line "
                f"{found['number']}). Write 1 and 0 instead.",
                column=name,
                line=max(found.values()),
            )
            for name, found in kinds.items()
            if len(found) > 1
        ]
        assert faults, "the fast reader refused what the slow one accepts"
        return faults

    def _ragged(self, ragged: list[tuple[int, int]]) -> DataError:
        width = len(self.names)
        shown = ", ".join(
            f"line {line} " + (f"has {cells}" if cells else "is blank") for line, cells in ragged[:_MAX_SHOWN]
        )
        more = f" and {len(ragged) - _MAX_SHOWN} more lines" if len(ragged) > _MAX_SHOWN else ""
        if width == 1 and len({cells for _, cells in ragged}) == 1 and ragged[0][1] > 1:
            advice = "Is line 1 a title? Delete what stands above the names of the columns."
        elif all(cells == 0 for _, cells in ragged):
            advice = "Delete blank lines between rows."
        elif all(cells == width + 1 for _, cells in ragged) and len(ragged) > 1:
            advice = (
                "One cell too many in each: row names without a header (in R: row.names=FALSE), a trailing "
                "comma, or a decimal comma that splits a number (write 1.5)."
            )
        elif any(cells > width for _, cells in ragged):
            advice = "A comma inside a number (1,5 or 1,000) splits its cell: write 1.5 and 1000."
        else:
            advice = "Write a missing cell as nothing between two separators."
        cells = "1 cell" if width == 1 else f"{width} cells"
        return DataError(f"The header has {cells}, but {shown}{more}. {advice}", line=ragged[0][0])

    def _text(self, name: str, cells: list[tuple[int, str]]) -> DataError:
        line, first = cells[0]
        shown = ", ".join(f"{_short(cell)} in line {line}" for line, cell in cells[:_MAX_SHOWN])
        more = f" and {len(cells) - _MAX_SHOWN} more" if len(cells) > _MAX_SHOWN else ""
        advice = repair(first) or NO_NUMBER
        place = f"column {self.names.index(name) + 1}"
        return DataError(
            f"Column {name!r} ({place}) holds text where numbers are expected: {shown}{more}. {advice}",
            column=name,
            line=line,
        )


def _decoded(path: Path) -> str:
    """The text of a file, without a byte order mark and without blank lines at its end."""
    raw = read_bytes(path, DataError)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path.name} is written in UTF-16; save it as UTF-8.", line=1)
    if raw.startswith(b"PK\x03\x04"):
        raise DataError(
            f"{path.name} is no text but a workbook, as spreadsheet programs write it, or another zip archive. Save the sheet "
            "with the rows as CSV (UTF-8), and give that file.",
            line=1,
        )
    if b"\0" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise DataError(f"{path.name}, line {line}: a NUL byte; this is not a text file.", line=line)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise DataError(
            f"{path.name}, line {line}, byte {column}: not UTF-8 (byte 0x{raw[error.start]:02x}). "
            "Save the file as UTF-8.",
            line=line,
        ) from None
    return text.rstrip("\r\n")


def _numbers(cells: tuple[str, ...]) -> tuple[FloatArray, str]:
    """The cells as numbers, NaN where missing, and their common kind; "text" where they have none."""
    joined = "\n".join(cells)
    # float() accepts 1_000 and digits of any script; a strict reader does not.
    if joined.isascii() and "_" not in joined:
        try:
            values = np.array(list(map(float, cells)))
        except ValueError:
            pass
        else:
            if not (np.abs(values) >= LARGEST_INTEGER).any():
                return values, "number"
    kinds = {_kind(cell) for cell in cells} - {"missing"} or {"missing"}
    if len(kinds) > 1 or "text" in kinds:
        return np.empty(0), "text"
    read = parse_cell if kinds != {"boolean"} else lambda cell: BOOLEANS.get(cell.strip().casefold(), np.nan)
    return np.array([read(cell) for cell in cells], dtype=np.float64), kinds.pop()


def _kind(cell: str) -> str:
    value = parse_cell(cell)
    if value is None:
        return "boolean" if cell.strip().casefold() in BOOLEANS else "text"
    return "missing" if value != value else "number"


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "…")

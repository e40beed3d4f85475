"""The finished tasks of a study in one file, a line each: what a run that was stopped goes on from."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentdo.errors import StudyError
from latentdo.inference import write_table

Row = Mapping[str, Any]

COLUMNS: Mapping[str, type] = {
    "study": str,
    "dataset": int,
    "n": int,
    "query": str,
    "method": str,
    "estimate": float,
    "sd": float,
    "lower": float,
    "upper": float,
    "level": float,
    "applies": bool,
    "note": str,
    "seconds": float,
    "fit_seconds": float,
    "truth": float,
    "truth_error": float,
    "sample_truth": float,
    "converged": bool,
    "rhat": float,
    "ess": float,
    "mcse": float,
    "error": str,
}
"""The fields of a row and their types; each but the first five may be None."""

_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_log = logging.getLogger("latentdo")


@dataclass(frozen=True)
class Entry:
    """A finished task.

    Attributes:
        definition: What the study was when it was done.
        task: Its fields, as JSON.
        failed: Whether every attempt failed; it is begun again by the next run.
        attempts: How often it was begun.
    """

    definition: str
    task: Mapping[str, Any]
    rows: tuple[Row, ...]
    failed: bool = False
    attempts: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """What makes two entries the same task of the same definition."""
        return self.definition, json.dumps(self.task, sort_keys=True)

    def line(self) -> bytes:
        """The entry as a line of JSON, with null for numbers that are not finite."""
        fields = {
            "definition": self.definition,
            "task": dict(self.task),
            "failed": self.failed,
            "attempts": self.attempts,
            "rows": [{key: finite(value) for key, value in row.items()} for row in self.rows],
        }
        return json.dumps(fields, ensure_ascii=True, allow_nan=False).encode() + b"\n"


class Records:
    """A file of entries, open to be added to by this process alone."""

    def __init__(self, path: Path, number: int, entries: Mapping[tuple[str, str], Entry]) -> None:
        self.path = path
        self._number = number
        self.entries = dict(entries)

    def add(self, entry: Entry) -> None:
        """Keep an entry: when this returns, it is on the disk."""
        line = memoryview(entry.line())
        while line:
            line = line[os.write(self._number, line) :]
        os.fsync(self._number)
        self.entries[entry.key] = entry


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Records]:
    """The records in a file, which is made if it is not there; a last line that was cut short is taken away, and said.

    Raises:
        StudyError: The file cannot be written, another run writes to it, or a line of it is no entry.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {error.strerror or error}. Give another folder.") from None
    try:
        _lock(number, path)
        whole = _repaired(number, path)
        yield Records(path, number, _entries(whole, path))
    finally:
        os.close(number)


def read(path: Path, *, tell: bool = True) -> tuple[Entry, ...]:
    """The entries of a file, the last of each task; nothing where there is no file.

    Args:
        tell: Whether to say which lines are not used.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    whole = content[: content.rfind(b"\n") + 1]
    return tuple(_entries(whole, path, tell=tell).values())


def _lock(number: int, path: Path) -> None:
    if importlib.util.find_spec("fcntl") is None:
        # Windows has no such locks.
        return
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StudyError(f"Another run writes to {path}. Wait until it is done, or give another folder.") from None
    except OSError as error:
        # Some network disks have no locks either.
        _log.warning("%s cannot be locked (%s): see to it that no other run writes there.", path, error.strerror)


def _repaired(number: int, path: Path) -> bytes:
    """The whole lines of a file, from which what follows them is taken away."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        _log.warning(
            "The last line of %s was cut short (%d bytes): it is taken away, and its task is done again.",
            path,
            len(content) - end,
        )
        os.ftruncate(number, end)
    return content[:end]


def _entries(content: bytes, path: Path, *, tell: bool = True) -> dict[tuple[str, str], Entry]:
    """The last entry of each task; one whose rows are no rows of numbers is not there, so that its task is done again."""
    found: dict[tuple[str, str], Entry] = {}
    faults: dict[tuple[str, str], str] = {}
    for count, line in enumerate(content.splitlines(), start=1):
        try:
            fields = json.loads(line)
            entry = Entry(
                fields["definition"], dict(fields["task"]), tuple(fields["rows"]), fields["failed"], fields["attempts"]
            )
        except (ValueError, KeyError, TypeError) as problem:
            raise StudyError(
                f"{path}, line {count}: this is no result of a run ({type(problem).__name__}: {problem}). Remove the "
                "line, and its task is done again; or give another folder."
            ) from None
        faults.pop(entry.key, None)
        if fault := next((fault for row in entry.rows if (fault := _fault(row))), ""):
            found.pop(entry.key, None)
            faults[entry.key] = f"line {count}: {fault}"
        else:
            found[entry.key] = entry
    if tell:
        for fault in faults.values():
            _log.warning("%s, %s. The line is not used, and its task is done again when it is asked for.", path, fault)
    return found


def _fault(row: Any) -> str:
    """What is wrong with the types of a row; empty where nothing is."""
    if not isinstance(row, dict):
        return f"{row!r} is no row"
    for name, value in row.items():
        kind = COLUMNS.get(name)
        if kind is None or value is None or type(value) is kind or (kind is float and type(value) is int):
            continue
        return f"{name} is {value!r}, expected {_KINDS[kind]}"
    return ""


def finite(value: Any) -> Any:
    """The value, or None for a number that is infinite or not a number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_rows(folder: Path, rows: Sequence[Row]) -> tuple[Path, ...]:
    """Write `results.csv` and, where pyarrow is there, `results.parquet`, and return their paths.

    Raises:
        DataError: A file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row.get(name)) for name in COLUMNS] for row in rows)
    paths = [write_table(folder / "results.csv", text.getvalue().encode())]
    if importlib.util.find_spec("pyarrow") is not None:
        paths.append(write_table(folder / "results.parquet", _parquet(rows)))
    return tuple(paths)


def _cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
        case _:
            return value


def _parquet(rows: Sequence[Row]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), buffer)
    return buffer.getvalue()

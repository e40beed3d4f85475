"""The folder of a run: a file of finished tasks for each study, from which a stopped run goes on, and the table of all rows."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import io
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Required, TypedDict, get_type_hints

import msgspec

from latentdo.errors import DataError, StudyError
from latentdo.files import write_table
from latentdo.sheet import csv_text, finite

from .cases import STUDIES

CSV, PARQUET, REPORT, LOCK = "results.csv", "results.parquet", "report.html", ".reproduce.lock"
_OTHER = "Give another folder (-o, or folder= in Python)."
_TOLD = 5
"""Lines of a file that are named one by one."""
_log = logging.getLogger("latentdo")

Row = Mapping[str, Any]


class _Fields(TypedDict, total=False):
    """The fields of a row as a file holds them."""

    study: Required[str]
    dataset: Required[int]
    n: Required[int]
    query: Required[str]
    method: Required[str]
    estimate: float | None
    sd: float | None
    lower: float | None
    upper: float | None
    level: float | None
    applies: bool | None
    note: str | None
    seconds: float | None
    fit_seconds: float | None
    truth: float | None
    truth_error: float | None
    sample_truth: float | None
    formula_truth: float | None
    converged: bool | None
    rhat: float | None
    ess: float | None
    mcse: float | None
    error: str | None


COLUMNS: Mapping[str, type] = {
    name: getattr(kind, "__args__", (kind,))[0] for name, kind in get_type_hints(_Fields).items()
}
"""The fields of a row and their types; each but the first five may be None."""


class Entry(msgspec.Struct, frozen=True):
    """A finished task.

    Attributes:
        definition: What the study was when it was done.
        task: Its fields, as JSON.
        failed: Whether every attempt failed; it is begun again by the next run.
        attempts: How often it was begun.
    """

    definition: str
    task: dict[str, Any]
    failed: bool
    attempts: int
    rows: tuple[_Fields, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What makes two entries the same task of the same definition."""
        return self.definition, json.dumps(self.task, sort_keys=True)

    def line(self) -> bytes:
        """The entry as a line of JSON, with null for numbers that are not finite."""
        return msgspec.json.encode(self) + b"\n"


def entry_of(definition: str, task: Mapping[str, Any], rows: Any, failed: bool, attempts: int) -> Entry:
    """The entry of a task that was done.

    Raises:
        msgspec.ValidationError: The rows are none; says why.
    """
    return Entry(definition, dict(task), failed, attempts, msgspec.convert(finite(rows), tuple[_Fields, ...]))


class Records:
    """A file of entries, open to be added to."""

    def __init__(self, path: Path, number: int, entries: Mapping[tuple[str, str], Entry]) -> None:
        self.path = path
        self._number = number
        self.entries = dict(entries)

    def add(self, entry: Entry) -> None:
        """Keep an entry: when this returns, it is on the disk.

        Raises:
            StudyError: It cannot be written; the entries before it stay.
        """
        line = memoryview(entry.line())
        size = os.fstat(self._number).st_size
        try:
            while line:
                line = line[os.write(self._number, line) :]
            os.fsync(self._number)
        except OSError as problem:
            with contextlib.suppress(OSError):
                os.ftruncate(self._number, size)
            raise StudyError(
                f"{self.path} cannot be written: {problem.strerror or problem}. The tasks that were finished before are kept "
                "there. Once it can be written, the same command goes on from there.",
                key="folder",
            ) from None
        self.entries[entry.key] = entry


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Records]:
    """The records in a file, which is made if it is not there; a last line that was cut short is taken away, and said.

    Lines that are no entries are named and not used.

    Raises:
        StudyError: The file cannot be written, or is somebody else's: none of its lines is an entry.
    """
    try:
        if path.exists() and not path.is_file():
            raise StudyError(f"{path} is no file that results can be kept in. {_OTHER}", key="folder")
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    except OSError as problem:
        raise StudyError(f"{path} cannot be written: {problem.strerror or problem}. {_OTHER}", key="folder") from None
    try:
        content = path.read_bytes()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            _log.warning(
                "The last line of %s was cut short (%d bytes): it is taken away, and its task is done again.",
                path,
                len(content) - end,
            )
            os.ftruncate(number, end)
        entries, faults = _entries(content[:end])
        if faults and not entries:
            raise StudyError(f"{path}, {faults[0]}. The file is not one of a reproduction. {_OTHER}", key="folder")
        _tell(path, faults)
        yield Records(path, number, entries)
    finally:
        os.close(number)


def read(path: Path, *, tell: bool = True) -> tuple[Entry, ...]:
    """The entries of a file, the last of each task; nothing where there is no file.

    Args:
        tell: Whether to say which lines are not used, and why.
    """
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as problem:
        _log.warning("%s is not used: %s.", path, problem.strerror or problem)
        return ()
    entries, faults = _entries(content[: content.rfind(b"\n") + 1])
    if tell:
        _tell(path, faults)
    return tuple(entries.values())


def _tell(path: Path, faults: Sequence[str]) -> None:
    for fault in faults[:_TOLD]:
        _log.warning("%s, %s. The line is not used, and its task is done again when it is asked for.", path, fault)
    if len(faults) > _TOLD:
        _log.warning("%s: %d more lines are not used either.", path, len(faults) - _TOLD)


def _entries(content: bytes) -> tuple[dict[tuple[str, str], Entry], list[str]]:
    """The last entry of each task, and what is wrong with lines that are none."""
    entries: dict[tuple[str, str], Entry] = {}
    faults = []
    decoder = msgspec.json.Decoder(Entry)
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = decoder.decode(line)
            if isinstance(methods := entry.task.get("methods"), list):
                # Older files have them in the order of tables.
                entry.task["methods"] = sorted(map(str, methods))
            fault = _foreign(entry)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
            entry, fault = None, str(problem)
        if entry is None or fault:
            faults.append(f"line {number}: this is no result of a run ({fault})")
        else:
            entries[entry.key] = entry
    return entries, faults


def _foreign(entry: Entry) -> str:
    """Why the rows are not those of the entry's task; empty where they are."""
    if not entry.rows:
        return "it has no rows"
    for row in entry.rows:
        for name in ("study", "dataset", "n"):
            if row[name] != entry.task.get(name):
                return f"{name} is {row[name]!r} in a row and {entry.task.get(name)!r} in its task"
    return ""


# --- the folder


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """While this is open no other run writes into the folder, which is made if it is not there.

    Raises:
        StudyError: It cannot be made, another run writes there, or a file would be written over that no run wrote.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _require_ours(folder)
        number = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise StudyError(f"{folder} cannot be a folder of results: {reason}. {_OTHER}", key="folder") from None
    try:
        _lock(number, folder)
        yield
    finally:
        os.close(number)


def _require_ours(folder: Path) -> None:
    """Raise where a table or a page would be written over that no run wrote."""
    if any((folder / f"{name}.jsonl").exists() for name in STUDIES):
        return
    for file in (folder / name for name in (CSV, PARQUET, REPORT)):
        if os.path.lexists(file):
            raise StudyError(
                f"{file} was not written by a reproduction, and would be written over. Give another folder, such as "
                f"{folder}-2 (-o, or folder= in Python), or move the file away.",
                key="folder",
            )


def _lock(number: int, folder: Path) -> None:
    if importlib.util.find_spec("fcntl") is None:
        # Windows has no such locks.
        return
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StudyError(
            f"Another run writes into {folder}. Wait until it is done, or give another folder (-o, or folder= in Python).",
            key="folder",
        ) from None
    except OSError as problem:
        # Some network disks have no locks either.
        if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _log.warning("%s cannot be locked (%s): see to it that no other run writes there.", folder, problem.strerror)


def write_rows(folder: Path, rows: Sequence[Row]) -> tuple[Path, ...]:
    """Write `results.csv` and, where pyarrow is there, `results.parquet`, and return the paths of what was written.

    A `results.parquet` of other rows does not stay beside a new `results.csv`.

    Raises:
        StudyError: They cannot be written; finished tasks are kept all the same.
    """
    table = csv_text(tuple(COLUMNS), [[_cell(row.get(name)) for name in COLUMNS] for row in rows])
    files = {CSV: table.encode()}
    if importlib.util.find_spec("pyarrow") is not None:
        files[PARQUET] = _parquet(rows)
    try:
        (folder / PARQUET).unlink(missing_ok=True)
        return tuple(write_table(folder / name, content) for name, content in files.items())
    except (DataError, OSError) as problem:
        raise StudyError(
            f"{str(problem).removesuffix(' Write elsewhere.')} Every finished task is kept in {folder}: once there is room, the "
            "same command writes it.",
            key="folder",
        ) from None


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _parquet(rows: Sequence[Row]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), buffer)
    return buffer.getvalue()

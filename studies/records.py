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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentdo.errors import DataError, StudyError
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
    "formula_truth": float,
    "converged": bool,
    "rhat": float,
    "ess": float,
    "mcse": float,
    "error": str,
}
"""The fields of a row and their types; each but the first five may be None."""

CSV, PARQUET = "results.csv", "results.parquet"
KINDS: Mapping[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_FIELDS = ("definition", "task", "failed", "attempts", "rows")
_CLOCKS = ("seconds", "fit_seconds")
_LARGEST = 2**53
"""Whole numbers up to here are the same number in every program that reads JSON."""
_TOLD = 5
"""Lines of a file that are named one by one."""
_log = logging.getLogger("latentdo")


@dataclass(frozen=True)
class Entry:
    """A finished task.

    Attributes:
        definition: What the study was when it was done.
        task: Its fields, as JSON.
        failed: Whether every attempt failed; it is begun again by the next run.
        attempts: How often it was begun.
        number: Of its line, where it was read from a file.
    """

    definition: str
    task: Mapping[str, Any]
    rows: tuple[Row, ...]
    failed: bool = False
    attempts: int = 1
    number: int = field(default=0, compare=False)

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


Check = Callable[[Entry], str]
"""What is wrong with an entry whose fields are of the right types; empty where nothing is."""


def _anything(_: Entry) -> str:
    return ""


class Records:
    """A file of entries, open to be added to by this process alone."""

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
def opened(path: Path, check: Check = _anything) -> Iterator[Records]:
    """The records in a file, which is made if it is not there; a last line that was cut short is taken away, and said.

    Args:
        check: Says which entries are not used.

    Raises:
        StudyError: The file cannot be written, another run writes to it, or a line of it is no entry.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise StudyError(f"{path} is no file that results can be kept in. Give another folder.", key="folder")
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {error.strerror or error}. Give another folder.") from None
    try:
        _lock(number, path)
        whole = _repaired(number, path)
        yield Records(path, number, _entries(whole, path, check, own=True))
    finally:
        os.close(number)


def read(path: Path, check: Check = _anything, *, tell: bool = True) -> tuple[Entry, ...]:
    """The entries of a file, the last of each task; nothing where there is no file.

    Args:
        check: Says which entries are not used.
        tell: Whether to say what is not used: lines, or a file that is none or cannot be read.
    """
    try:
        if not path.exists():
            return ()
        content = path.read_bytes() if path.is_file() else None
        reason = "it is no file"
    except OSError as problem:
        content, reason = None, problem.strerror or str(problem)
    if content is None:
        if tell:
            _log.warning("%s is not used: %s.", path, reason)
        return ()
    whole = content[: content.rfind(b"\n") + 1]
    return tuple(_entries(whole, path, check, own=False, tell=tell).values())


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


def _entries(content: bytes, path: Path, check: Check, *, own: bool, tell: bool = True) -> dict[tuple[str, str], Entry]:
    """The last entry of each task; one with a fault is not there, so that its task is done again.

    Args:
        own: Whether entries will be added: then a line that is none at all is refused, because it may be somebody else's file.
    """
    found: dict[tuple[str, str], Entry] = {}
    faults: dict[tuple[str, str], str] = {}
    doubled: dict[tuple[str, str], str] = {}
    for count, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        fields, reason = _fields(line)
        if own and reason:
            raise StudyError(
                f"{path}, line {count}: this is no result of a run ({reason}). Remove the line, and its task is done again; "
                "or give another folder.",
                key="folder",
            )
        if fault := f"this is no result of a run ({reason})" if reason else _field_fault(fields):
            faults[f"{count}", ""] = f"line {count}: {fault}"
            continue
        entry = Entry(
            fields["definition"], fields["task"], tuple(fields["rows"]), fields["failed"], fields["attempts"], count
        )
        faults.pop(entry.key, None)
        if fault := next((fault for row in entry.rows if (fault := _fault(row))), "") or check(entry):
            found.pop(entry.key, None)
            faults[entry.key] = f"line {count}: {fault}"
        else:
            if (before := found.get(entry.key)) is not None and _differ(before, entry):
                doubled[entry.key] = f"lines {before.number} and {count}"
            found[entry.key] = entry
    if tell:
        _tell(path, list(faults.values()))
        _tell_doubled(path, list(doubled.values()))
    return found


def _differ(one: Entry, other: Entry) -> bool:
    """Whether two entries of one task, neither of which failed, have other numbers; how long it took may differ."""
    both = [[{k: v for k, v in row.items() if k not in _CLOCKS} for row in entry.rows] for entry in (one, other)]
    return not one.failed and not other.failed and both[0] != both[1]


def _tell_doubled(path: Path, places: Sequence[str]) -> None:
    for place in places[:_TOLD]:
        _log.warning("%s, %s: both are of one task and differ. The last of them is used.", path, place)
    if len(places) > _TOLD:
        _log.warning("%s: of %d more tasks there are lines that differ; the last is used.", path, len(places) - _TOLD)


def _tell(path: Path, faults: Sequence[str]) -> None:
    for fault in faults[:_TOLD]:
        _log.warning("%s, %s. The line is not used, and its task is done again when it is asked for.", path, fault)
    if len(faults) > _TOLD:
        _log.warning("%s: %d more lines are not used either.", path, len(faults) - _TOLD)


def _fields(line: bytes) -> tuple[dict[str, Any], str]:
    """What a line holds, and why it is no entry at all; empty where it may be one."""
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        return {}, f"byte {problem.start + 1} of it, 0x{line[problem.start]:02x}, belongs to no text"
    except json.JSONDecodeError as problem:
        return {}, f"it is not JSON, from character {problem.pos + 1} on"
    except RecursionError:
        return {}, "it has brackets within brackets without end"
    except ValueError:
        # The only other one: Python makes no whole number of so many digits.
        return {}, "it has a number of thousands of digits"
    if not isinstance(fields, dict):
        return {}, f"{_short(fields)} is no object"
    missing = [name for name in _FIELDS if name not in fields]
    return fields, f"it has no {missing[0]}" if missing else ""


def _field_fault(fields: Mapping[str, Any]) -> str:
    """What is wrong with the types of an entry's fields; empty where nothing is."""
    kinds = {"definition": (str, "a text"), "task": (dict, "an object"), "rows": (list, "a list")}
    for name, (kind, words) in kinds.items():
        if type(fields[name]) is not kind:
            return f"{name} is {_short(fields[name])}, expected {words}"
    if type(fields["failed"]) is not bool:
        return f"failed is {_short(fields['failed'])}, expected true or false"
    return value_fault("attempts", fields["attempts"], int)


def _fault(row: Any) -> str:
    """What is wrong with the types of a row; empty where nothing is."""
    if not isinstance(row, dict):
        return f"{_short(row)} is no row"
    faults = (value_fault(name, row[name], kind) for name, kind in COLUMNS.items() if row.get(name) is not None)
    return next((fault for fault in faults if fault), "")


def value_fault(name: str, value: Any, kind: type) -> str:
    """What is wrong with a value that is to be of a kind; empty where nothing is."""
    if type(value) is not kind and not (kind is float and type(value) is int):
        return f"{name} is {_short(value)}, expected {KINDS[kind]}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name} is {value!r}, expected a finite number"
    if type(value) is int and abs(value) > _LARGEST:
        return f"{name} is {_short(value)}, expected a number below {_LARGEST:,}"
    return ""


def _short(value: Any) -> str:
    """A value as a message can hold it."""
    try:
        shown = repr(value)
    except ValueError:
        # A whole number of thousands of digits has no text.
        return "a number of thousands of digits"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def fault_of(rows: Any) -> str:
    """What is wrong with what a task gave, which is to be rows; empty where nothing is."""
    if not isinstance(rows, tuple | list):
        return f"{_short(rows)}, which is no list of rows"
    return next((fault for row in rows if (fault := _fault(row))), "")


def finite(value: Any) -> Any:
    """The value, or None for a number that is infinite or not a number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_rows(folder: Path, rows: Sequence[Row]) -> tuple[Path, ...]:
    """Write `results.csv` and, where pyarrow is there, `results.parquet`, and return the paths of what was written.

    A `results.parquet` of other rows does not stay beside a new `results.csv`.

    Raises:
        StudyError: `results.csv` cannot be written; finished tasks are kept all the same.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row.get(name)) for name in COLUMNS] for row in rows)
    try:
        first = write_table(folder / CSV, text.getvalue().encode())
    except DataError as problem:
        raise StudyError(
            f"{str(problem).removesuffix(' Write elsewhere.')} Every finished task is kept in {folder}: once there is room, the "
            "same command writes it.",
            key="folder",
        ) from None
    second = folder / PARQUET
    if importlib.util.find_spec("pyarrow") is not None:
        try:
            return first, write_table(second, _parquet(rows))
        except DataError as problem:
            _log.warning("%s The same rows are in %s.", str(problem).removesuffix(" Write elsewhere."), first)
    _remove_older(second, first)
    return (first,)


def _remove_older(path: Path, newer: Path) -> None:
    """Take away a table that was made from other rows than the newer one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as problem:
        _log.warning("%s is older than %s and cannot be removed: %s.", path, newer, problem.strerror or problem)
        return
    _log.warning("%s was of an earlier run, without what is in %s: it is removed.", path, newer)


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

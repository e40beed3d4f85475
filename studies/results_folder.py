"""The folder of a run's results: what it may be, whose files are in it, and one run's settings at a time."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from latentdo.errors import StudyError

from .cases import STUDIES
from .records import CSV, PARQUET

REPORT = "report.html"
LOCK = ".reproduce.lock"
GENERATOR = '<meta name="generator" content="latentdo'
"""How a report says who made it; the version follows."""
PICTURES = ("errors", "intervals")
"""A report's figures of each study."""
FIGURES, TABLES = ("png", "svg", "pdf"), ("csv", "md", "tex")
"""The formats of a report's figures and tables."""
_HEADER = b"study,dataset,n,query,method,"
_OTHER = "Give another folder (-o, or folder= in Python)."
_TRIES, _PAUSE = 200, 0.05
"""How often, and after how many seconds, a folder is asked for that another run is just looking at."""


def folder_of(given: Any) -> Path:
    """The path of a folder, once it is sure that it is one or can be made.

    Raises:
        StudyError: It is no path, is or lies in a file, or leads nowhere.
    """
    name = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(name, str):
        raise StudyError(f"folder is the path of a folder, a text or a Path, got {given!r}.", key="folder")
    if not name:
        raise StudyError(
            "The name of the folder is empty. Give one, such as results, or . for this folder.", key="folder"
        )
    if "\0" in name:
        raise StudyError(f"folder={name!r}: no path holds a zero character.", key="folder")
    path = Path(name)
    try:
        _require_way(path)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise StudyError(f"{_shown(path)} cannot be a folder: {reason}. {_OTHER}", key="folder") from None
    return path


def _require_way(path: Path) -> None:
    """Raise unless what is there of the path are folders."""
    for part in (path, *path.parents):
        try:
            part.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not part.exists():
            target = os.path.realpath(part)
            raise StudyError(
                f"{part} is a link to {target}, which is not there. Make that folder, or give another.", key="folder"
            )
        if not part.is_dir():
            inside = "" if part == path else f" {_shown(path)} cannot be in it."
            raise StudyError(f"{part} is a file.{inside} Give the name of a folder.", key="folder")
        return


def _shown(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 100 else f"{text[:60]}...{text[-20:]}"


def check_folder(folder: str | os.PathLike[str], names: Sequence[str] = (), *, report: bool = False) -> Path:
    """The folder, once it is sure that a run writes over nothing in it that is somebody else's.

    Args:
        names: The studies of the run.
        report: Whether there will be a report with its figures and tables too.

    Raises:
        StudyError: It cannot be a folder, or a file in it would be written over that no run of latentdo wrote.
    """
    place = folder_of(folder)
    files = [CSV, PARQUET, *(_report_files(names) if report else ())]
    ours = None
    for file in map(place.joinpath, files):
        if not os.path.lexists(file):
            continue
        if file.exists() and not file.is_file():
            raise StudyError(f"{file} is no file, and one of that name would be written. {_OTHER}", key="folder")
        ours = _is_ours(place) if ours is None else ours
        if not ours and not _is_marked(file):
            raise StudyError(
                f"{file} was not written by a reproduction, and would be written over. Give another folder, such as "
                f"{place}-2 (-o, or folder= in Python), or move the file away.",
                key="folder",
            )
    return place


def _report_files(names: Sequence[str]) -> list[str]:
    from .report import SHEETS

    pictures = ["times", *(f"{name}-{part}" for name in names for part in PICTURES)]
    return [
        REPORT,
        *(f"figures/{picture}.{suffix}" for picture in pictures for suffix in FIGURES),
        *(f"tables/{name}-{sheet}.{suffix}" for name in names for sheet in SHEETS for suffix in TABLES),
    ]


def _is_ours(folder: Path) -> bool:
    """Whether a run has kept results in the folder."""
    return any(_begins_with_a_result(folder / f"{name}.jsonl") for name in STUDIES)


def _begins_with_a_result(path: Path) -> bool:
    try:
        fields = json.loads(_beginning(path).lstrip().split(b"\n", 1)[0]) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and {"definition", "task", "rows"} <= fields.keys()


def _is_marked(file: Path) -> bool:
    """Whether a file without results beside it is a run's: the table by its columns, the page by its maker, all else by these."""
    if file.name == CSV:
        return _beginning(file).startswith(_HEADER)
    if file.name == REPORT:
        return GENERATOR.encode() in _beginning(file)[:4096]
    folder = file.parent if file.name == PARQUET else file.parent.parent
    return any(_is_marked(beside) for name in (CSV, REPORT) if (beside := folder / name).is_file())


def _beginning(path: Path) -> bytes:
    """Enough of a file for the longest line of results."""
    try:
        with path.open("rb") as file:
            return file.read(2**20)
    except OSError:
        return b""


@contextlib.contextmanager
def claimed(folder: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """While this is open no run with other settings can open it too. Where there are no file locks, nothing is held.

    Raises:
        StudyError: A run with other settings has it open, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as problem:
        raise StudyError(f"{folder} cannot be written: {problem.strerror or problem}. {_OTHER}", key="folder") from None
    try:
        _hold(number, folder, json.dumps(settings, sort_keys=True).encode())
        yield
    finally:
        os.close(number)


def _hold(number: int, folder: Path, own: bytes) -> None:
    """Hold the file together with runs of the same settings, which stand in it.

    A lock of one's own becomes a shared one in two steps, between which another may come: so what stands there is read again.
    """
    if importlib.util.find_spec("fcntl") is None:
        # Windows has no such locks.
        return
    import fcntl

    for _ in range(_TRIES):
        try:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(number, 0)
                os.pwrite(number, own, 0)
            fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
            continue
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
                raise StudyError(f"{folder} cannot be written: {problem.strerror}. {_OTHER}", key="folder") from None
            # Some network disks have no locks; the file of a study warns of it.
            return
        there = os.pread(number, 2**16, 0)
        if there != own:
            raise StudyError(
                f"Another run writes into {folder} with other settings: {_differing(there, own)}. Wait until it is done, or "
                "give another folder (-o, or folder= in Python).",
                key="folder",
            )
        return
    raise StudyError(f"Another run holds {folder}. Wait until it is done, or give another folder.", key="folder")


def _differing(there: bytes, here: bytes) -> str:
    try:
        theirs, ours = json.loads(there), json.loads(here)
        return differing(theirs, ours)
    except (ValueError, AttributeError):
        return "they cannot be read"


def differing(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """The settings that are not the same, in words; empty where all are."""
    return ", ".join(
        f"{key} is {there.get(key)!r} there and {here[key]!r} here" for key in here if there.get(key) != here[key]
    )

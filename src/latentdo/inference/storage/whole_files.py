"""Files that are there whole or not at all; and the end of what killed processes left half written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentdo.errors import DataError

SUFFIX = ".tmp"
OLD = 24 * 3600.0
"""Seconds after which a half-written file belongs to nobody, whoever began it."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside the target, renamed to it at the end: what stands there is the old file or the whole new one.

    Raises:
        OSError: It cannot be written or renamed; nothing is left beside.
    """
    beside = target.with_name(f"{_begin(target)}{_host()}-{os.getpid()}.{secrets.token_hex(4)}{SUFFIX}")
    try:
        yield beside
        beside.replace(target)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def write_table(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a table as a whole file in place of what stands there, and return the path as it was given.

    A link stays a link; a device or a pipe is written to as it is.

    Raises:
        DataError: It cannot be written; says why. What stood there still does.
    """
    given = Path(path)
    try:
        target = Path(os.path.realpath(given))
        if target.is_dir():
            raise DataError(f"{given} cannot be written: it is a folder. Give the name of a file in it.")
        if not target.parent.is_dir():
            raise DataError(
                f"{given} cannot be written: there is no folder {given.parent}. Make it first, or write elsewhere."
            )
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return given
        # A rename would not ask: a file that must not be changed is replaced as easily as any other.
        if target.exists() and not os.access(target, os.W_OK):
            raise DataError(f"{given} cannot be written: the file is read-only. Write elsewhere.")
        with replacing(target) as beside, beside.open("xb") as file:
            file.write(content)
    except FileNotFoundError:
        raise DataError(f"{given} cannot be written: no file can be made in {given.parent}. Write elsewhere.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise DataError(f"{given} cannot be written: {reason}. Write elsewhere.") from None
    return given


def sweep(folder: Path, target: Path | None = None) -> None:
    """Remove what processes that are gone began to write in place of this file, or of any file in the folder."""
    begin = "." if target is None else _begin(target)
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(begin) and path.name.endswith(SUFFIX) and _is_stale(path):
                path.unlink(missing_ok=True)


def _begin(target: Path) -> str:
    """What the names of its half-written files begin with: short, however long its own name is."""
    return f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]}."


def _host() -> str:
    """A word for this machine: process numbers of another, on a shared disk, say nothing here."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_stale(path: Path) -> bool:
    maker = re.fullmatch(r"\.[0-9a-f]{8}\.([0-9a-f]{8})-(\d+)\.[0-9a-f]{8}\.tmp", path.name)
    if maker is None:
        return False
    if time.time() - path.stat().st_mtime > OLD:
        return True
    host, pid = maker.groups()
    return host == _host() and not _is_running(int(pid))


def _is_running(pid: int) -> bool:
    if os.name == "nt":
        # There, asking a process for its life by signal 0 would end it.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True

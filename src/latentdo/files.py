"""Files that users name: read where they are files, and refused in one style where they are not; written whole or not at all.

What killed processes left half written is found and removed.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .arguments import Raised
from .errors import DataError, nearest

HALF_WRITTEN = ".tmp"
OLD = 24 * 3600.0
"""Seconds after which a half-written file belongs to nobody, whoever began it."""
_WEB_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}


def open_file(path: Path, error: Raised, *, what: str = "", suffixes: Sequence[str] = ()) -> BinaryIO:
    """A file, open for reading.

    A pipe or a device is refused: it may have no end, and nobody may write to it.

    Args:
        path: Where it is.
        error: Makes the error of a message.
        what: What messages call the file, before its path: `The study file`.
        suffixes: How the names of files end that are proposed where there is none of this name; empty for any.
    """
    named = f"{what} {path}".strip()
    if scheme := _WEB_ADDRESS.match(str(path)):
        # A path has lost one of its two slashes.
        address = f"{scheme[0]}/{str(path)[scheme.end() :].lstrip('/')}"
        raise error(f"{address} is an address on the web, and only files are read. Download it, and give its path.")
    try:
        # A pipe that nobody writes to would keep a blocking `open` waiting for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        if path.is_symlink():
            raise error(f"{named} is a link to {path.readlink()}, which does not exist.") from None
        raise error(_missing(named, path, suffixes)) from None
    except IsADirectoryError:
        raise error(f"{named} is a folder; expected a file.") from None
    except (OSError, ValueError) as problem:
        raise error(f"{named} cannot be read: {getattr(problem, 'strerror', None) or problem}.") from None
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise error(f"{named} is a folder; expected a file.")
    kind = _KINDS.get(stat.S_IFMT(mode), "no ordinary file")
    raise error(f"{named} is {kind}, and reading it might never end. Save what it gives in a file, and give its path.")


def read_bytes(path: Path, error: Raised, *, what: str = "", suffixes: Sequence[str] = ()) -> bytes:
    """The content of a file; the arguments are those of `open_file`."""
    with open_file(path, error, what=what, suffixes=suffixes) as file:
        try:
            return file.read()
        except OSError as problem:
            raise error(f"{what} {path}".strip() + f" cannot be read: {problem.strerror or problem}.") from None


def is_file(path: Path) -> bool:
    """Whether there is a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether anything is there; nothing has a name that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _missing(named: str, path: Path, suffixes: Sequence[str]) -> str:
    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    names = [name for name in names if not suffixes or name.lower().endswith(tuple(suffixes))]
    close = difflib.get_close_matches(path.name, names, n=1)
    repair = f" Did you mean {str(folder / close[0])!r}?" if close else ""
    if suffixes and names and not close:
        # Of few kinds of files there are few: all of them are named.
        repair = f" {nearest(path.name, sorted(names))}"
    return f"{named} does not exist (looked from {Path.cwd()}).{repair}"


@contextmanager
def replacing(target: Path, *, rename: bool = True) -> Iterator[Path]:
    """A path beside the target, renamed to it at the end: what stands there is the old file or the whole new one.

    Args:
        rename: False removes what was written beside, and leaves the target as it is.

    Raises:
        OSError: It cannot be written or renamed; nothing is left beside.
    """
    beside = target.with_name(f"{_begin(target)}{host()}-{os.getpid()}.{os.urandom(4).hex()}{HALF_WRITTEN}")
    try:
        yield beside
        if rename:
            beside.replace(target)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def unwritable(path: Path) -> str:
    """Why no file can be written at this path, as the end of a sentence; empty if one can: ask before long work, not after.

    A file is made in its folder and removed again, as rights alone do not say it: nobody can write in `/proc`.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            return "it is a folder. Give the name of a file in it."
        if not target.parent.is_dir():
            return f"there is no folder {path.parent}. Make it first, or write elsewhere."
        if target.exists():
            mode = target.stat().st_mode
            if not stat.S_ISREG(mode):
                # Opening a pipe would wait for its reader, and renaming a file to it would take its place.
                return f"it is {_KINDS.get(stat.S_IFMT(mode), 'no ordinary file')}. Write an ordinary file."
            # A rename would not ask: a file that must not be changed is replaced as easily as any other.
            if not os.access(target, os.W_OK):
                return "the file is read-only. Write elsewhere."
        with replacing(target, rename=False) as beside, beside.open("xb"):
            pass
    except FileNotFoundError:
        return f"no file can be made in {path.parent}. Write elsewhere."
    except (OSError, ValueError) as problem:
        return f"{getattr(problem, 'strerror', None) or problem}. Write elsewhere."
    return ""


def write_table(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a table as a whole file in place of what stands there, and return the path as it was given.

    A link stays a link; a device such as a terminal is written to as it is.

    Raises:
        DataError: It cannot be written; says why. What stood there still does.
    """
    given = Path(path)
    is_device = exists(given) and given.is_char_device()
    if not is_device and (why := unwritable(given)):
        raise DataError(f"{given} cannot be written: {why}")
    try:
        if is_device:
            given.write_bytes(content)
            return given
        with replacing(Path(os.path.realpath(given))) as beside, beside.open("xb") as file:
            file.write(content)
    except OSError as problem:
        raise DataError(f"{given} cannot be written: {problem.strerror or problem}. Write elsewhere.") from None
    return given


def sweep(folder: Path, target: Path | None = None) -> None:
    """Remove what processes that are gone began to write in place of this file, or of any file in the folder."""
    begin = "." if target is None else _begin(target)
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(begin) and path.name.endswith(HALF_WRITTEN) and _is_stale(path):
                path.unlink(missing_ok=True)


def _begin(target: Path) -> str:
    """What the names of its half-written files begin with: short, however long its own name is."""
    # Loaded here: a verdict writes no file, and what hashes takes a tenth of its time to load.
    import hashlib

    return f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]}."


def host() -> str:
    """A word for this machine: process numbers of another, on a shared disk, say nothing here."""
    import hashlib
    import platform

    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_stale(path: Path) -> bool:
    maker = re.fullmatch(r"\.[0-9a-f]{8}\.([0-9a-f]{8})-(\d+)\.[0-9a-f]{8}\.tmp", path.name)
    if maker is None:
        return False
    if time.time() - path.stat().st_mtime > OLD:
        return True
    made_on, pid = maker.groups()
    return made_on == host() and not is_running(int(pid))


def is_running(pid: int) -> bool:
    """Whether a process of this machine is there, as far as that can be told."""
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

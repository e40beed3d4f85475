"""Files that users name: read whole where they are files, and refused in one style where they are not."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from .arguments import Raised

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
    return f"{named} does not exist (looked from {Path.cwd()}).{repair}"

"""What went wrong, as the page reads it: one word, a message and a place; never a traceback."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

from latentdo.errors import LatentdoError, visible


def error_of(error: BaseException, folder: Path | None = None) -> dict[str, Any]:
    """The error object of an exception.

    Args:
        folder: Whose path is taken out of the message: people know the files in it by their names alone.
    """
    match error:
        case LatentdoError():
            found = error.to_json()
        case MemoryError():
            found = _object("memory", "There is not enough memory for this. Take fewer rows or draws.")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
            found = _object("output", f"The disk of the temporary folder is full ({error.strerror}). Make room on it.")
        case _:
            what = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            said = f"This is a fault of latentdo, not of your input ({what}). Please report it with what you did."
            found = _object("bug", said)
    if folder is not None:
        shown = re.sub(rf"{re.escape(str(folder))}[/\\\\](?:[\w-]+[/\\\\])*", "", found["message"])
        found["message"] = shown.replace(str(folder), "the session")
    return found


def _object(kind: str, message: str) -> dict[str, Any]:
    return {"kind": kind, "message": visible(message), "line": None, "column": None, "hedge": None}

"""Files that the page brings: streamed into a private folder under a name of our own making, never too large."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from latentdo.errors import UsageError
from latentdo.files import replacing

LARGEST = 512 * 2**20
"""Bytes of a file at most."""
NAME_HEADER = "x-name"
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


class TooLarge(UsageError):
    """A file beyond what is taken."""


def safe_name(given: str, suffixes: tuple[str, ...], default: str) -> str:
    """A name for a file, made of the last part of what a browser calls it, of plain letters, digits, `-` and `_`.

    Args:
        given: As it came in the header.
        suffixes: Those that are known; the first is taken where it has none of them.
        default: The name, without suffix, where nothing is left of it.
    """
    last = re.split(r"[/\\]", unquote(given, errors="replace"))[-1].strip()
    suffix = next((each for each in suffixes if last.lower().endswith(each)), None)
    stem = last if suffix is None else last[: -len(suffix)]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:60]
    if not stem or _DEVICES.fullmatch(stem):
        stem = default
    return f"{stem}{suffix or suffixes[0]}"


def given_name(given: str, default: str) -> str:
    """The last part of what a browser calls a file, for people to read and for what is written for them: never a path of ours.

    Args:
        given: As it came in the header.
        default: The name where nothing is left of it.
    """
    last = re.split(r"[/\\]", unquote(given, errors="replace"))[-1]
    shown = "".join(char for char in last if char.isprintable()).strip()[:200]
    return shown if shown.strip(".") else default


async def received(request: Request, target: Path) -> None:
    """Write the body of a request into a file, which is there whole or not at all.

    Raises:
        TooLarge: It has more than `LARGEST` bytes, or says so.
    """
    why = (
        f"The file has more than {LARGEST // 2**20} MiB, which is the most that the page takes. Use latentdo fit on it."
    )
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > LARGEST:
        raise TooLarge(why)
    size = 0
    with replacing(target) as beside, beside.open("xb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > LARGEST:
                raise TooLarge(why)
            file.write(piece)
        if said.isdecimal() and size < int(said):
            raise ClientDisconnect
    if not size:
        target.unlink()
        raise UsageError("The file is empty.")

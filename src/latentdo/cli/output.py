"""Where results go: text and JSON on stdout, messages on stderr, and files that are there whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import errno
import importlib.util
import io
import json
import logging
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from latentdo import files
from latentdo.errors import MissingExtraError, UsageError, visible

WIDEST = 100
"""Columns beyond which prose is hard to read."""

PICTURES = (".png", ".svg", ".pdf")

_PLAIN = str.maketrans(
    {"Σ": "sum", "∏": "prod", "·": "-", "–": "-", "—": "-", "…": "...", "−": "-", "≤": "<=", "≥": ">="}
)
_ERRORS = "latentdo.plain"


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Characters that an output cannot show: our own signs in ASCII, those of users as escapes that JSON reads."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    piece = error.object[error.start : error.end].translate(_PLAIN)
    spelt = (c if c.isascii() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}" for c in piece)
    return "".join(spelt), error.end


class _Closed(io.TextIOWrapper):
    """Standard output that was closed before the program began."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def prepare_streams() -> None:
    """Make sure that no character in a result or message can stop it from being shown."""
    codecs.register_error(_ERRORS, _spell)
    # A stream that was closed before the program began is None in Python. A message to it is not missed, and a result is.
    for name, kind in (("stdout", _Closed), ("stderr", io.TextIOWrapper)):
        if getattr(sys, name) is None:
            setattr(sys, name, kind(io.FileIO(os.open(os.devnull, os.O_WRONLY), "w"), encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors=_ERRORS)


def say(text: str) -> None:
    """Print a result on stdout; a reader that went away, as `head` does, changes nothing else."""
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        close_stdout()


def close_stdout() -> None:
    """Point stdout nowhere, so that Python's own last flush finds nothing to complain about."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(text: str) -> None:
    """Print a message on stderr."""
    _write(sys.stderr, text)


@contextmanager
def notes_told() -> Iterator[None]:
    """While this is open, what is logged as a warning is told on stderr as a note."""

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(f"note: {record.getMessage()}")

    handler = Notes(logging.WARNING)
    log = logging.getLogger("latentdo")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value on stdout as JSON, with null for numbers that are not finite."""
    from latentdo.sheet import finite

    # Programs read JSON as UTF-8: an output in another encoding gets escapes, which read the same everywhere.
    ascii_only = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name != "utf-8"
    say(json.dumps(finite(value), ensure_ascii=ascii_only, allow_nan=False, indent=indent))


def _write(stream: TextIO, text: str) -> None:
    # A name may hold any character; one that moves the cursor or turns the line around must not reach a terminal.
    print(visible(text), file=stream)


def folded(text: str, indent: str = "  ") -> str:
    """Prose in lines that fit the terminal."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return textwrap.fill(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def output_path(option: str, given: str, what: str, suffixes: Sequence[str]) -> Path:
    """The path behind an option, once it is sure that a file can be written there: asked before work starts.

    Raises:
        UsageError: An unknown suffix, or a place that cannot be written.
    """
    path = Path(given)
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{option} {given}: expected a name that ends in {', '.join(suffixes)}, such as {path.stem or what}{suffixes[0]}."
        )
    if why := files.unwritable(path):
        raise UsageError(f"{option} {given} cannot be written: {why}")
    return path


def picture_path(option: str, given: str) -> Path:
    """The path of a picture behind an option, once it is sure that it can be drawn and written.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: As for `output_path`.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError(option, "matplotlib", "plot")
    return output_path(option, given, "picture", PICTURES)


def save_picture(axes: Any, path: Path) -> None:
    """The figure of these axes as a file, there whole or not at all."""
    with replacing(path) as beside:
        axes.figure.savefig(beside, format=path.suffix[1:].lower(), dpi=200)


def one_form(*, latex: bool, json: bool) -> None:
    """Refuse two forms of one result, before work starts.

    Raises:
        UsageError: Both are asked for.
    """
    if latex and json:
        raise UsageError("--latex and --json are two forms of one result. Keep one of them.")


def say_result(found: Any, *, json: bool, latex: bool = False) -> None:
    """Print a result on stdout as text, or in another form that is asked for."""
    if json:
        say_json(found.to_json())
    else:
        say(found.latex() if latex else found.text())


RESULTS = (".html", ".tex", ".csv", *PICTURES)
"""What a result that can be shown is written as."""


def result_path(given: str | None, what: str) -> Path | None:
    """Where the page, table or picture of a result goes, checked before work starts; None where none is wanted.

    Raises:
        MissingExtraError: A picture, and matplotlib is not installed.
        UsageError: As for `output_path`.
    """
    if given is None:
        return None
    is_picture = given.lower().endswith(PICTURES)
    return picture_path("-o", given) if is_picture else output_path("-o", given, what, RESULTS)


def write_result(found: Any, path: Path | None, what: str) -> None:
    """A result as the page, table or picture that the path's suffix asks for; nothing without a path."""
    if path is None:
        return
    match path.suffix.lower():
        case ".html" | ".tex" | ".csv" as suffix:
            text = {".html": found.html, ".tex": found.latex, ".csv": found.csv}[suffix]()
            with replacing(path) as beside:
                beside.write_text(text, encoding="utf-8")
        case _:
            save_picture(found.plot(), path)
    tell(f"Wrote the {what} to {path}.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside the one given, renamed to it at the end: whatever happens, no half-written file replaces an old one."""
    try:
        with files.replacing(path) as beside:
            yield beside
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from None

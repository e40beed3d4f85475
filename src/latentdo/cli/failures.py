"""What went wrong, as the command line tells it: an exit code, a message, and an object for programs.

Ctrl-C during training too: compiled code in other threads cannot be interrupted, so that the process ends without waiting.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentdo.errors import LatentdoError, NotIdentifiedError

from .output import say_json, tell

DONE = 0
BUG = 1
BAD_INPUT = 2
NOT_IDENTIFIED = 3
NOT_CONVERGED = 4
MISFIT = 5
INTERRUPTED = 130

_SHOW_CURSOR = "\x1b[?25h"


@dataclass(frozen=True)
class Failure:
    """One failure.

    Attributes:
        code: The exit code.
        kind: One word for programs.
        message: What is wrong, where, and what to do.
        hint: A further line for people at a terminal.
        hedge: The proof that a question is not identified: two sorted lists of names, the larger first.
    """

    code: int
    kind: str
    message: str
    hint: str = ""
    line: int | None = None
    column: int | None = None
    hedge: list[list[str]] | None = None

    def to_json(self) -> dict[str, Any]:
        """The error object of `--json`."""
        keys = ("kind", "message", "line", "column", "hedge")
        return {"error": {key: getattr(self, key) for key in keys}}

    def __str__(self) -> str:
        label = {BUG: "bug", NOT_IDENTIFIED: "not identified", INTERRUPTED: "interrupted"}.get(self.code, "error")
        message = self.message.removeprefix("Not identified: ")
        return "\n".join([f"{label}: {message}", *([self.hint] if self.hint else [])])


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception means."""
    match error:
        case NotIdentifiedError(verdict=verdict):
            # Its advice is meant for Python, unless nothing helps.
            hint = error.advice
            if not error.hopeless:
                hint = _insisting(error.askable, computable=error.computable)
                leads = verdict.leads
                hint += f"\n{leads.cheapest}" * bool(leads.cheapest)
                hint += f'\nWhat would help: latentdo identify GRAPH "{verdict.query}" --remedies --witness'
                hint += f'\nKnown all the same, for columns of levels: latentdo bounds GRAPH DATA "{verdict.query}"'
                if leads.assumptions:
                    hint += f"\n{leads.assumptions}: latentdo compare GRAPH DATA QUERY --allow-unidentified"
            return Failure(NOT_IDENTIFIED, hint=hint, **error.to_json())
        case LatentdoError():
            return Failure(error.exit_code, **error.to_json())
        case KeyboardInterrupt(args=where):
            what = "stopped by Ctrl-C; no file was left half written."
            return Failure(INTERRUPTED, "interrupted", " ".join([what, *filter(None, where)]))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG | errno.EBADF):
            return Failure(BAD_INPUT, "output", f"The result cannot be written: {error.strerror}.")
        case MemoryError():
            return Failure(BAD_INPUT, "memory", "There is not enough memory for this. Ask for fewer rows or draws.")
        case _:
            return _bug(error)


def _insisting(askable: int, *, computable: bool) -> str:
    """What can be done where a question is not identified, some of those beside it being so."""
    option = "--allow-unidentified computes what is not identified too, from the prior and the functional form."
    if not computable:
        option = "--allow-unidentified gives what is not identified rows without numbers."
    if not askable:
        return option
    others, alone = ("1 question is", "it") if askable == 1 else (f"{askable} questions are", "them")
    return f"Nothing was computed. {others} identified: ask {alone} without the rest. Or: {option}"


def _bug(error: BaseException) -> Failure:
    what = " ".join(str(error).split())
    shown = f"{type(error).__name__}: {what}" if what else type(error).__name__
    return Failure(
        BUG,
        "bug",
        f"This is a fault of latentdo, not of your input ({shown}). Please report it with what you typed and what "
        "LATENTDO_DEBUG=1 shows.",
    )


@contextmanager
def stop_at_once(*, as_json: bool, kept: Path | None = None, workers: int = 1) -> Iterator[None]:
    """While this is open, Ctrl-C tells what happened and ends the process at once; keep it closed while files are written.

    Args:
        kept: The folder where training keeps what it has done, if it has done anything; None where nothing is kept.
        workers: Processes that do the work: where they are others, these are ended before this one.
    """

    def place() -> str:
        there = kept is not None and kept.is_dir()
        return f"What was done is kept in {kept}: the same command goes on from there." if there else ""

    if workers > 1:
        try:
            yield
        except KeyboardInterrupt:
            raise KeyboardInterrupt(place()) from None
        return

    def stop(*_: object) -> None:
        # People press it twice.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # While progress bars are shown these write above them and draw them again.
        sys.stdout, sys.stderr = sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr
        if sys.stderr.isatty():
            # The progress bars have hidden the cursor, and nobody else will show it again.
            sys.stderr.write(f"{_SHOW_CURSOR}\n")
        failure = failure_of(KeyboardInterrupt(place()))
        if as_json:
            say_json(failure.to_json())
            sys.stdout.flush()
        tell(str(failure))
        sys.stderr.flush()
        os._exit(failure.code)

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # Somebody else has decided what Ctrl-C means: `nohup`, or a program that calls `main`.
        yield
        return
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

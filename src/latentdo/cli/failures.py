"""What went wrong, as the command line tells it: an exit code, a message, and an object for programs."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any

from latentdo.errors import LatentdoError, NotIdentifiedError

DONE = 0
BUG = 1
BAD_INPUT = 2
NOT_IDENTIFIED = 3
NOT_CONVERGED = 4
INTERRUPTED = 130


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
    hedge: tuple[list[str], list[str]] | None = None

    def to_json(self) -> dict[str, Any]:
        """The error object of `--json`."""
        hedge = None if self.hedge is None else list(self.hedge)
        error = {"kind": self.kind, "message": self.message, "line": self.line, "column": self.column, "hedge": hedge}
        return {"error": error}

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
                hint += f'\nWhat would help: latentdo identify GRAPH "{verdict.query}" --remedies --witness'
            larger, smaller = verdict.hedge
            return Failure(
                NOT_IDENTIFIED,
                error.kind,
                str(error).removesuffix(error.advice).rstrip(),
                hint,
                getattr(error, "line", None),
                hedge=(sorted(larger), sorted(smaller)) if larger else None,
            )
        case LatentdoError():
            # In a table `column` is a name, and the message says it.
            line, column = getattr(error, "line", None), getattr(error, "column", None)
            return Failure(
                error.exit_code, error.kind, str(error), "", line, column if isinstance(column, int) else None
            )
        case KeyboardInterrupt():
            return Failure(INTERRUPTED, "interrupted", "stopped by Ctrl-C; no file was left half written.")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
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

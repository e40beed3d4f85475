"""Every exception that latentdo raises on purpose, each with its evidence as attributes.

LatentdoError
├── NotationError          text that cannot be read: `.line`, `.column`, `.source`
├── GraphError             a graph that cannot be
│   ├── CycleError         `.cycle`
│   └── UnknownNodeError   `.node`, `.known`
├── QueryError             a question that makes no sense for this graph or model
│   └── SupportError       a value that the node cannot take: `.node`
├── SpecError              a model that cannot be: `.node`
├── DataError              a table that cannot be used: `.column`
├── StudyError             a study file that cannot be used: `.key`
├── ArchiveError           a saved fit that cannot be opened or written: `.path`
├── FitError               training that cannot go on
├── ExtensionError         a family, engine or estimator of the user's own that failed: `.name`, `.method`
├── MissingExtraError      an optional dependency that is not installed: `.extra`
├── UnsupportedError       a valid request that this version does not answer
├── UsageError             a command line, or an option of a call, that cannot be carried out
└── NotIdentifiedError     the data cannot answer the question: `.verdict`
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Any, ClassVar


def nearest(name: str, known: Iterable[str]) -> str:
    """A half-sentence that offers the known name closest to `name`, or lists the known names."""
    names = list(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {folded[close[0]]!r}?"
    if not names:
        return "There are none."
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"Known are: {shown}."


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LAID_OUT = frozenset("\n\t")
_LONGEST = 2000


def visible(text: str) -> str:
    """The text with every character that is not seen, or that turns the line around, as an escape: `\\u202e`.

    Names, levels and units come from users' files. An escape sequence would colour or rewrite a terminal, and a
    right-to-left mark would show a name that it is not (Boucher & Anderson 2023, "Trojan Source").
    """
    if text.isprintable():
        # Nearly every text, and tables have thousands of them.
        return text
    unseen = [sign for sign in set(text) if unicodedata.category(sign) in _UNSEEN and sign not in _LAID_OUT]
    return text.translate({ord(sign): sign.encode("unicode_escape").decode("ascii") for sign in unseen})


class LatentdoError(Exception):
    """The root of the tree: catch this to catch everything raised on purpose."""

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        # Users' names are in it: one must not turn the line around in a terminal, or fill a hundred screens.
        message = visible(super().__str__())
        return message if len(message) <= _LONGEST else f"{message[: _LONGEST - 600]} … {message[-597:]}"

    def to_json(self) -> dict[str, Any]:
        """The error as programs get it: one word, the message, and the place in the text where there is one."""
        # In a table `column` is a name, and the message says it.
        line, column = getattr(self, "line", None), getattr(self, "column", None)
        column = column if isinstance(column, int) else None
        return {"kind": self.kind, "message": str(self), "line": line, "column": column, "hedge": None}

    def __reduce__(self) -> tuple[Any, ...]:
        # An error comes back from another process as it was raised, whatever its constructor takes.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[LatentdoError], arguments: tuple[Any, ...], evidence: dict[str, Any]) -> LatentdoError:
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(evidence)
    return error


class NotationError(LatentdoError):
    """A text that cannot be read, with the place and a caret under it."""

    kind = "syntax"

    def __init__(self, problem: str, source: str, line: int, column: int) -> None:
        self.problem = problem
        self.source = source
        self.line = line
        self.column = column
        lines = source.split("\n")
        shown = lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
        # A very long line is cut around the caret, or the caret would point at nothing readable.
        start = max(0, column - 1 - 60)
        piece = shown[start : start + 100].replace("\t", " ")
        caret = " " * _columns(visible(piece[: column - 1 - start])) + "^"
        super().__init__(f"line {line}, column {column}: {problem}\n  {visible(piece)}\n  {caret}")


def _columns(text: str) -> int:
    """How many columns of a terminal the text fills."""
    if text.isascii():
        return len(text)
    narrow = sum(unicodedata.category(char) not in ("Mn", "Me") for char in text)
    return narrow + sum(unicodedata.east_asian_width(char) in ("W", "F") for char in text)


class GraphError(LatentdoError):
    """A graph that cannot be."""

    kind = "graph"


class CycleError(GraphError):
    """The directed part has a cycle; `.cycle` lists its nodes in order."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        self.cycle = cycle
        super().__init__(
            f"The graph has a directed cycle: {' -> '.join((*cycle, cycle[0]))}. Causal graphs must "
            "be acyclic. If this is feedback, unroll it over time (X_0 -> Y_1 -> X_2)."
        )


class UnknownNodeError(GraphError):
    """A name that is not a node of the graph."""

    kind = "unknown_node"

    def __init__(self, node: str, known: Iterable[str]) -> None:
        self.node = node
        self.known = tuple(known)
        super().__init__(f"{node!r} is not a node of the graph. {nearest(node, self.known)}")


class QueryError(LatentdoError):
    """A question that makes no sense for this graph or model."""

    kind = "query"


class SupportError(QueryError):
    """A value that the node cannot take."""

    kind = "support"

    def __init__(self, node: str, message: str) -> None:
        self.node = node
        super().__init__(message)


class SpecError(LatentdoError):
    """A model that cannot be; `.node` is the node at fault, where there is one."""

    kind = "model"

    def __init__(self, message: str, node: str | None = None) -> None:
        self.node = node
        super().__init__(message)


class DataError(LatentdoError):
    """A table that cannot be used; `.column`, `.line` where there is one."""

    kind = "data"

    def __init__(self, message: str, column: str | None = None, line: int | None = None) -> None:
        self.column = column
        self.line = line
        super().__init__(message)


class StudyError(LatentdoError):
    """A study file that cannot be used; `.key` is the key at fault."""

    kind = "study"

    def __init__(
        self, message: str, key: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        self.key = key
        self.line = line
        self.column = column
        super().__init__(message)


class ArchiveError(LatentdoError):
    """A saved fit that cannot be opened or written; `.path` is the file."""

    kind = "archive"

    def __init__(self, path: object, problem: str) -> None:
        self.path = str(path)
        super().__init__(f"{path}: {problem}")


class FitError(LatentdoError):
    """Training that cannot go on."""

    kind = "fit"


class ExtensionError(LatentdoError):
    """An error inside a family, an engine or an estimator of the user's own; `.name` and `.method` say where.

    What was raised there is its `__cause__`.
    """

    kind = "extension"

    def __init__(self, what: str, name: str, method: str, cause: str, place: str) -> None:
        self.what = what
        self.name = name
        self.method = method
        super().__init__(
            f"The {what} {name!r} failed in {method}: {cause}. It is code of your own: mend it there ({place})."
        )


class MissingExtraError(LatentdoError):
    """An optional dependency that is not installed; `.extra` names the extra that brings it."""

    kind = "missing_extra"

    def __init__(self, what: str, package: str, extra: str) -> None:
        self.extra = extra
        self.package = package
        super().__init__(f"{what} needs {package}. Install it with: pip install 'latentdo[{extra}]'")


class UnsupportedError(LatentdoError):
    """A valid request that this version does not answer."""

    kind = "unsupported"


class UsageError(LatentdoError):
    """A command line, or an option of a call, that cannot be carried out."""

    kind = "usage"


class NotIdentifiedError(LatentdoError):
    """The data cannot answer the question; `.verdict` holds the hedge that proves it.

    Where questions were asked together, `.askable` counts those that are identified; `.advice`, the last line of the message,
    says in Python's words what can be done; `.computable` says whether a model could compute it all the same, and `.hopeless`
    that for what was asked nothing would help: the advice then holds everywhere.
    """

    kind = "not_identified"
    exit_code = 3

    def __init__(
        self,
        message: str,
        verdict: Any,
        *,
        advice: str = "",
        askable: int = 0,
        computable: bool = True,
        hopeless: bool = False,
    ) -> None:
        self.verdict = verdict
        self.hopeless = hopeless
        self.computable = computable
        self.advice = advice
        self.askable = askable
        super().__init__(f"{message}\n{advice}" if advice else message)

    def to_json(self) -> dict[str, Any]:
        """The error as programs get it: without Python's advice, with the hedge as two sorted lists, the larger first."""
        larger, smaller = self.verdict.hedge
        message = str(self).removesuffix(self.advice).rstrip()
        return {**super().to_json(), "message": message, "hedge": [sorted(larger), sorted(smaller)] if larger else None}

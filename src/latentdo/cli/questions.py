"""Questions as lines of text: `name: query`, one a line, with comments; and where in a file a mistake stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from latentdo.errors import LatentdoError, NotationError, NotIdentifiedError, UsageError
from latentdo.query import Query

from .sources import standard_input

if TYPE_CHECKING:
    from latentdo.types import LatentDag, Posterior

QUOTES = "`'"


@dataclass(frozen=True)
class Question:
    """One line that asks something.

    Attributes:
        line: Its number, from 1.
        name: What it is called, if anything.
        text: The query as it is typed.
        column: Where the query begins in the line, from 1.
        whole: The whole line.
    """

    line: int
    name: str | None
    text: str
    column: int
    whole: str

    def query(self, named: Mapping[str, Query]) -> Query:
        """The query, in which the names of other queries may stand.

        Raises:
            NotationError: It cannot be read; the place is that in the whole line.
        """
        try:
            return Query.parse(self.text, named)
        except NotationError as error:
            before = "\n" * (self.line - 1)
            raise NotationError(error.problem, before + self.whole, self.line, self.column - 1 + error.column) from None


def question_of(line: str, number: int) -> Question | None:
    """What a line asks; None if it is blank or a comment.

    Raises:
        NotationError: A name without a query, or a colon without a name.
    """
    code = line[: _first("#", line)]
    if not code.strip():
        return None
    colon = _first(":", code)
    if colon == len(code):
        start = len(code) - len(code.lstrip())
        return Question(number, None, code.strip(), start + 1, line)
    name, text = code[:colon].strip().strip("`").strip(), code[colon + 1 :]
    before = "\n" * (number - 1)
    if not name:
        raise NotationError("a name stands before ':', as in low: E[Y | do(X=0)].", before + line, number, colon + 1)
    if not text.strip():
        raise NotationError(
            f"{name!r} has no query. Write one behind ':', as in low: E[Y | do(X=0)].", before + line, number, colon + 1
        )
    start = colon + 1 + len(text) - len(text.lstrip())
    return Question(number, name, text.strip(), start + 1, line)


def _first(char: str, text: str) -> int:
    """Where a character first stands outside quotes; the length of the text if it does not."""
    quote = ""
    for place, found in enumerate(text):
        if quote:
            quote = "" if found == quote else quote
        elif found in QUOTES:
            quote = found
        elif found == char:
            return place
    return len(text)


@dataclass(frozen=True)
class QuestionFile:
    """The questions of a file.

    Attributes:
        source: What messages call it.
        asked: Name and query of each, in order.
        places: The line of each.
        named: The queries that have names, those of the study among them.
    """

    source: str
    asked: tuple[tuple[str | None, Query], ...]
    places: tuple[Question, ...]
    named: Mapping[str, Query]

    def blame(self, posterior: Posterior, error: LatentdoError, *, allow_unidentified: bool) -> LatentdoError:
        """The error of a call that asked all of them, with the place of the first question that is at fault."""
        return self._blamed(error, partial(_can_be_asked, posterior, allow_unidentified=allow_unidentified))

    def blame_graph(self, graph: LatentDag, error: LatentdoError, *, allow_unidentified: bool) -> LatentdoError:
        """The same for questions of which no more is known than the graph."""
        return self._blamed(error, partial(_makes_sense, graph, allow_unidentified=allow_unidentified))

    def _blamed(self, error: LatentdoError, can_be_asked: Callable[[Query], bool]) -> LatentdoError:
        for question, (_, query) in zip(self.places, self.asked, strict=True):
            if not can_be_asked(query):
                return _placed(error, self.source, question.line)
        return error


def read_questions(path: str, known: Mapping[str, Query]) -> QuestionFile:
    """The questions of a file, or of standard input if the path is `-`.

    Args:
        path: One question per line: `E[Y | do(X=1)]`, `name: E[Y | do(X=1)]`, or `# a comment`.
        known: Queries whose names may be used.

    Raises:
        UsageError: No such file, bytes that are not UTF-8, or a file without questions.
        NotationError: A line that cannot be read; says which.
    """
    source = "standard input" if path == "-" else path
    named, places = dict(known), dict[str, int]()
    asked: list[tuple[str | None, Query]] = []
    questions: list[Question] = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            question = question_of(line, number)
            if question is None:
                continue
            if question.name is not None:
                check_new(question, places, known)
            query = question.query(named)
        except LatentdoError as error:
            raise _placed(error, source, number) from None
        name = question.name or (question.text if question.text in named else None)
        if question.name is not None:
            named[question.name], places[question.name] = query, number
        asked.append((name, query))
        questions.append(question)
    if not asked:
        raise UsageError(
            f"{source} asks nothing. Write one query per line, such as E[Y | do(X=1)] or low: E[Y | do(X=0)]."
        )
    return QuestionFile(source, tuple(asked), tuple(questions), named)


def check_new(question: Question, places: Mapping[str, int], known: Mapping[str, Query]) -> None:
    """Raise `UsageError` where a question has the name of another, on an earlier line or of the study."""
    name = question.name or ""
    if name in places:
        raise UsageError(f"{name!r} is already the query of line {places[name]}. Give this one another name.")
    if name in known:
        raise UsageError(f"{name!r} is already a query of the study. Give this one another name.")


def _placed(error: LatentdoError, source: str, line: int) -> LatentdoError:
    """The same error, whose message and line say where in a file it was made."""
    where = f"{source}, " if isinstance(error, NotationError) else f"{source}, line {line}: "
    verdict = "Not identified: " if isinstance(error, NotIdentifiedError) else ""
    error.args = (verdict + where + str(error).removeprefix(verdict),)
    # Programs read it beside the message, whatever kind of error it is.
    error.__dict__["line"] = line
    return error


def _lines(path: str) -> Iterator[str]:
    if path == "-":
        yield from _split(standard_input())
        return
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"--file {path} cannot be read: {why}. Give the path of a file with one query per line."
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"--file {path} is not UTF-8 (line {line}). Save it as UTF-8.") from None
    yield from _split(text)


def _split(text: str) -> Iterator[str]:
    # Not `splitlines`: a name may hold any of the characters that it takes for line ends.
    return (line.removesuffix("\r") for line in text.split("\n"))


def _can_be_asked(posterior: Posterior, query: Query, *, allow_unidentified: bool) -> bool:
    """Whether a question passes all checks that come before any number is computed."""
    from latentdo.answers import check_complete, check_values
    from latentdo.identification import identify

    try:
        query.check(posterior.spec.graph)
        check_values(posterior.spec, query)
        check_complete(posterior.spec, query)
        return allow_unidentified or identify(posterior.spec.graph, query, functional=posterior.functional).identified
    except LatentdoError:
        return False


def _makes_sense(graph: LatentDag, query: Query, *, allow_unidentified: bool) -> bool:
    from latentdo.identification import identify

    try:
        query.check(graph)
        return allow_unidentified or identify(graph, query).identified
    except LatentdoError:
        return False

"""What a command reads: a text, standard input or a study file as its source; questions as lines, each with its place."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo.errors import DataError, LatentdoError, NotationError, NotIdentifiedError, UsageError
from latentdo.files import is_file, read_bytes
from latentdo.formats import guess, read
from latentdo.graphs import STUDY_SUFFIXES, is_fit_path, is_study_path
from latentdo.query import Query

from .output import tell

if TYPE_CHECKING:
    from latentdo.models.study import Study
    from latentdo.types import LatentDag, Posterior

QUOTES = "`'"


def source_text(given: str, *, fits: bool = False) -> str:
    """The argument itself, or what stands on standard input if it is `-`.

    Args:
        fits: Whether the path of a saved fit is read too.

    Raises:
        UsageError: A folder, a study on standard input, or bytes that are not UTF-8.
        LatentdoError: A file in no format that is read; names those that are.
    """
    if given == "-":
        text = standard_input()
        if re.search(r"^model[ \t]*:", text, re.MULTILINE):
            raise UsageError(
                "Standard input holds a study, and - reads the text of a model or graph. A study is read from its file: "
                "give its path."
            )
        return text
    if not given.strip():
        raise UsageError('The model is an empty text. Write for example "X -> Y", or the name of a study file.')
    if ("/" in given or os.sep in given or not given.strip(".")) and Path(given).is_dir():
        raise UsageError(f'{given} is a folder. Name a study file (.yaml, .yml) in it, or type a graph: "X -> Y".')
    if _is_other_file(given) and not (fits and is_fit_path(given)):
        if is_fit_path(given):
            raise UsageError(f"{given} is a saved fit, and this command reads models and graphs.")
        return _foreign_text(given)
    return given


def _foreign_text(path: str) -> str:
    """The model or the graph of a file in another format as our text; what it does not hold is told on stderr."""
    found = read(Path(path))
    if found.report.format == "a study":
        raise UsageError(f"{path} is a study, and studies are read from files that end in .yaml or .yml. Rename it.")
    if found.report.telling:
        tell(f"note: {found.report}")
    return str(found.graph if found.model is None else found.model)


def questions_in(given: str) -> list[tuple[str | None, Query]]:
    """The questions that a saved fit, or a file or text of another program, states; none of anything else."""
    is_file = _is_other_file(given)
    if not is_file and (given == "-" or not guess(given)):
        return []
    return [(name, Query.parse(text)) for name, text in read(Path(given) if is_file else given).questions]


def study_of(text: str) -> Study:
    """The study that a path names, or one around the text of a model."""
    from latentdo.api import load_study, model
    from latentdo.models.study import Study

    return load_study(text) if is_study_path(text) else Study("model", model(text))


def variant_of(study: Study, name: str | None) -> Study:
    """The study, or that of its variant; queries that the variant cannot be asked are told on stderr.

    Raises:
        StudyError: The study has no such variant.
        SpecError: The variant states no model.
    """
    if name is None:
        return study
    chosen = study.variant(name)
    kept = {key for key, _ in chosen.queries}
    for key in (key for key, _ in study.queries if key not in kept):
        tell_left_out(key, name)
    return chosen


def no_variants(variant: str | None) -> None:
    """Raise `UsageError` where a variant is named of what is no study."""
    if variant is not None:
        raise UsageError(f"--variant {variant} names a variant of a study, and this is no study file.")


def tell_left_out(key: str, variant: str) -> None:
    """Say on stderr that a query of the study makes no sense for its variant."""
    tell(f"note: the query {key} cannot be asked of the variant {variant} and is left out.")


def standard_input() -> str:
    """All that stands on standard input.

    Raises:
        UsageError: It is closed, or its bytes are not UTF-8.
    """
    if sys.stdin is None:
        raise UsageError("There is no standard input to read the text from. Put it on the command line.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"Standard input is not UTF-8 (byte {error.start + 1}). Save the text as UTF-8.") from None


def _is_other_file(text: str) -> bool:
    if "\n" in text or "." not in text or text.lower().endswith(STUDY_SUFFIXES):
        return False
    return is_file(Path(text))


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
    colon = _first(":", code, outside="[(")
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


def _first(char: str, text: str, outside: str = "") -> int:
    """Where a character first stands outside quotes, and these brackets; the length of the text if it does not."""
    quote, depth = "", 0
    for place, found in enumerate(text):
        if quote:
            quote = "" if found == quote else quote
        elif found in QUOTES:
            quote = found
        elif found == char and not depth:
            return place
        elif outside:
            depth += (found in outside) - (found in "])" and depth > 0)
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

    def blame(self, subject: Posterior | LatentDag, error: LatentdoError, *, allow_unidentified: bool) -> LatentdoError:
        """The error of a call that asked all of them, with the place of the first question that is at fault.

        Args:
            subject: What was asked: a fit, or a graph of which no more is known.
        """
        for question, (_, query) in zip(self.places, self.asked, strict=True):
            if not _can_be_asked(subject, query, allow_unidentified=allow_unidentified):
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
    data = read_bytes(Path(path), UsageError, what="--file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"--file {path} is not UTF-8 (line {line}). Save it as UTF-8.") from None
    yield from _split(text)


def _split(text: str) -> Iterator[str]:
    # Not `splitlines`: a name may hold any of the characters that it takes for line ends.
    return (line.removesuffix("\r") for line in text.split("\n"))


def _can_be_asked(subject: Posterior | LatentDag, query: Query, *, allow_unidentified: bool) -> bool:
    """Whether a question passes all checks that come before any number is computed."""
    from latentdo.identification import identify

    spec = getattr(subject, "spec", None)
    graph: Any = subject if spec is None else spec.graph
    try:
        query.check(graph)
        if spec is not None:
            from latentdo.answers import check_complete, check_values

            check_values(spec, query)
            check_complete(spec, query)
        functional = getattr(subject, "functional", ())
        regimes = getattr(subject, "regimes", ())
        return allow_unidentified or identify(graph, query, functional=functional, experiments=regimes).identified
    except LatentdoError:
        return False


def table_first(data: str | None, queries: Sequence[str]) -> tuple[list[str], list[str]]:
    """The table, if one was named, or the study that names it; and the queries, the first of which may stand in its place."""
    from latentdo.tables import is_path

    if data is None or is_path(data) or is_study_path(data):
        return [] if data is None else [data], list(queries)
    return [], [data, *queries]


def kept_rows(subject: Any, source: str, purpose: str, call: str) -> list[Path]:
    """The tables that a fit without rows was trained on, where they still are; none of what is no such fit.

    Args:
        source: The path of the fit.
        purpose: What the rows are for: `rivals estimate from them`.
        call: The command with a table.

    Raises:
        DataError: It is nowhere to be found.
    """
    from latentdo.inference import Posterior
    from latentdo.opening import kept_tables, said_of_kept

    if not isinstance(subject, Posterior) or subject.data is not None:
        return []
    found, why = kept_tables(subject, Path(source).parent)
    if not found:
        raise DataError(
            f"{source} holds no rows of its data, and {purpose}{why}. Give the table that it was trained on: {call}."
        )
    tell(said_of_kept(found))
    return list(found)

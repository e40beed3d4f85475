"""A warm fit that answers questions as they come in, line by line, each before the next is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from latentdo.errors import LatentdoError, NotationError, UsageError
from latentdo.query import Query

from .failures import BAD_INPUT, BUG, DONE, INTERRUPTED, NOT_CONVERGED, NOT_IDENTIFIED, Failure, failure_of
from .output import say, say_json, tell
from .questions import Question, check_new, question_of

if TYPE_CHECKING:
    from latentdo.types import Answers, Posterior

ENDINGS = ("quit", "exit")
WORST_FIRST = (BUG, BAD_INPUT, NOT_IDENTIFIED, NOT_CONVERGED, DONE)


@dataclass
class Stream:
    """One session: the fit, how it is asked, the queries that have names, and the codes of the replies."""

    posterior: Posterior
    seed: int
    level: float
    allow_unidentified: bool
    naive: bool
    json: bool
    named: dict[str, Query] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    """The line of each name that was given here."""
    codes: set[int] = field(default_factory=lambda: {DONE})

    def run(self) -> int:
        """Reply to every line until the end of input or `quit`; the worst exit code of all replies, 130 after Ctrl-C."""
        self.named |= dict(self.posterior.queries)
        if sys.stdin is not None and sys.stdin.isatty():
            tell("One question per line, such as E[Y | do(X=1)] or low: E[Y | do(X=0)]; quit or end of input ends.")
        try:
            for number, line in enumerate(_lines(), start=1):
                if isinstance(line, str) and line.strip() in ENDINGS and line.strip() not in self.named:
                    break
                self.codes.add(self._reply(line, number))
                # The reader waits for this answer before it asks on.
                sys.stdout.flush()
        except KeyboardInterrupt:
            tell("interrupted: stopped by Ctrl-C.")
            return INTERRUPTED
        return next(code for code in WORST_FIRST if code in self.codes)

    def _reply(self, line: str | LatentdoError, number: int) -> int:
        """Answer one line, or say what is wrong with it."""
        if isinstance(line, LatentdoError):
            return self._refuse(line, "", number)
        typed = line.strip()
        try:
            question = question_of(line, 1)
            if question is None:
                return DONE
            typed = question.text
            answers = self._answers(question, number)
        # A question that cannot be answered must not end the session, not even by a fault of ours.
        except Exception as error:  # noqa: BLE001
            return self._refuse(error, typed, number)
        if self.json:
            rows = answers.to_json(self.level)
            say_json({"query": typed, "number": number, "answers": rows}, indent=None)
        else:
            for answer in answers:
                # Of a sweep or a law all answers have one name.
                label = answer.name if answer.name and len(answers) == 1 else answer.query
                say(f"{label} = {answer.text(self.level)}")
        return DONE if all(answer.converged for answer in answers) else NOT_CONVERGED

    def _refuse(self, error: BaseException, typed: str, number: int) -> int:
        failure = failure_of(error)
        if self.json:
            say_json({"query": typed, "number": number, **failure.to_json()}, indent=None)
        else:
            say(_one_line(failure, error))
        return failure.code

    def _answers(self, question: Question, number: int) -> Answers:
        from latentdo.answers import Answer, Answers
        from latentdo.api import ask

        self._check_name(question)
        query = question.query(self.named)
        found = ask(self.posterior, query, seed=self.seed, allow_unidentified=self.allow_unidentified, naive=self.naive)
        answers = (found,) if isinstance(found, Answer) else tuple(found)
        if question.name is not None:
            self.named[question.name], self.places[question.name] = query, number
        name = question.name or (question.text if question.text in self.named else None)
        return Answers(tuple(replace(answer, name=name) for answer in answers))

    def _check_name(self, question: Question) -> None:
        """Raise where a name is taken: what it stands for on later lines must not change."""
        if question.name in ENDINGS:
            raise UsageError(
                f"{question.name!r} ends the session, and so cannot be a name. Give this one another name."
            )
        check_new(question, self.places, self.named)


def _lines() -> Iterator[str | LatentdoError]:
    """Standard input line by line as it comes; in place of a line that cannot be decoded, what is wrong with it."""
    if sys.stdin is None:
        raise UsageError("There is no standard input to read questions from. Put them on the command line.")
    for data in iter(sys.stdin.buffer.readline, b""):
        try:
            yield data.decode("utf-8").removeprefix("\ufeff").rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield UsageError(f"The line is not UTF-8 (byte {error.start + 1}).")


def _one_line(failure: Failure, error: BaseException) -> str:
    """The failure in a line of its own, without the text and caret under it that the asker has just typed."""
    message = failure.message
    if isinstance(error, NotationError):
        message = f"column {error.column}: {error.problem}"
    return " ".join(str(replace(failure, message=message, hint="")).split())

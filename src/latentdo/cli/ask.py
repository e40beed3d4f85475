"""`latentdo ask`: questions answered from a saved fit, typed, from a file, from standard input, or for every pair of nodes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from latentdo.errors import LatentdoError, NotationError, UsageError
from latentdo.query import Query

from .failures import BAD_INPUT, BUG, DONE, INTERRUPTED, NOT_CONVERGED, NOT_IDENTIFIED, Failure, failure_of
from .options import Flag, Names, Whole, name_groups
from .output import one_form, output_path, picture_path, save_picture, say, say_json, tell
from .sources import Question, check_new, question_of, read_questions

if TYPE_CHECKING:
    from latentdo.types import Answers, EffectMatrix, Posterior

USAGE = "latentdo ask FIT.ldo [QUERY ...] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo ask fit.ldo "E[Y | do(X=1)]"
  latentdo ask fit.ldo "E[Y | do(X=1)] - E[Y | do(X=0)]" --json
  latentdo ask fit.ldo "E[Y | do(X)] for X in 0..10" --plot curve.png
  latentdo ask fit.ldo --file queries.txt --csv answers.csv
  latentdo ask fit.ldo --effects --plot effects.png
  latentdo ask fit.ldo --stdin --json"""

CODES = """\
Exit codes: 0 done, 3 some query is not identified (nothing is computed),
4 an answer did not converge (but is printed), 2 bad input."""

TABLES = (".csv",)

ENDINGS = ("quit", "exit")
WORST_FIRST = (BUG, BAD_INPUT, NOT_IDENTIFIED, NOT_CONVERGED, DONE)


def command(
    fit: str,
    /,
    *queries: str,
    file: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    stdin: Flag = False,
    effects: Flag = False,
    treatment: Names = None,
    outcome: Names = None,
    levels: Names = None,
    standardised: Flag = False,
    seed: Whole = 0,
    level: float = 0.9,
    allow_unidentified: Flag = False,
    naive: Flag = False,
    methods: Flag = False,
    latex: Flag = False,
    csv: str | None = None,
    plot: str | None = None,
    json: Flag = False,
) -> int:
    """Answer causal questions from one saved fit, each with its uncertainty.

    The nodes in do( ) are cut from their causes and set, and everything
    downstream is drawn afresh. Conditions beside do( ) are seen after it.

    Args:
        fit: A fit that `latentdo fit` saved (.ldo).
        queries: Such as "E[Y | do(X=0)]", "P(Y > 1 | do(X=1), Z=0)" or a contrast; left out, those of the study.
        file: A file of queries, one per line, "name: query" or query alone, # before comments; - for standard input.
        stdin: Answer each line of standard input as it comes, until its end or "quit"; with --json one object per line.
        effects: The effect of every measured node on every other, as a table.
        treatment: With --effects, a node that is set, several together with commas (X,Z); again for more.
        outcome: With --effects, a node that is asked about; again for more.
        levels: With --effects, what a node changes from and to: X=0,10 (otherwise first to last level, or one sd).
        standardised: With --effects, in sds of the outcome.
        seed: A whole number; the same seed gives the same numbers.
        level: Probability of the intervals, between 0 and 1.
        allow_unidentified: Compute what the measured nodes cannot answer, and label it so.
        naive: Beside each answer, what seeing in place of doing gives.
        methods: Add a paragraph for a paper: graph, questions, model, priors, sampler, diagnostics, software.
        latex: Print a LaTeX table in place of text.
        csv: Write one row per answer into this file (.csv).
        plot: Draw the answers into this file (.png, .svg, .pdf).
        json: Print {"answers": […]}: query, mean, sd, interval, level, mcse, rhat, ess, identified, warnings, approximate, …
    """
    if not 0 < level < 1:
        raise UsageError(f"--level {level:g}: the level of an interval lies between 0 and 1. Write 0.9 for 90 %.")
    shared = {"--csv": csv, "--plot": plot}
    alone = {"a query": queries, "--file": file, "--naive": naive, "--methods": methods, "--latex": latex}
    only_effects = {"--treatment": treatment, "--outcome": outcome, "--levels": levels, "--standardised": standardised}
    if stdin:
        _refuse(
            "--stdin answers the lines of standard input one by one",
            {key: value for key, value in alone.items() if key != "--naive"}
            | {"--effects": effects}
            | only_effects
            | shared,
        )
    elif effects:
        _refuse("--effects asks for a table of effects, and for nothing else", alone)
    else:
        for option, value in only_effects.items():
            if value:
                raise UsageError(f"{option} chooses what the table of --effects shows. Add --effects, or leave it out.")
    one_form(latex=latex, json=json)
    table = None if csv is None else output_path("--csv", csv, "answers", TABLES)
    picture = None if plot is None else picture_path("--plot", plot)
    changes = _levels(levels or [])
    rows, columns = name_groups("--treatment", treatment), _outcomes(outcome)

    from latentdo.api import load

    posterior = load(Path(fit))
    if stdin:
        return Stream(posterior, seed, level, allow_unidentified, naive, json).run()
    if effects:
        from latentdo.api import ask
        from latentdo.types import Effects

        found: Any = ask(
            posterior,
            Effects(rows, columns, levels=changes, standardised=standardised),
            seed=seed,
            allow_unidentified=allow_unidentified,
        )
        said = found.to_json(level) if json else found.text(level)
        converged = found.converged
    else:
        found = _asked(posterior, queries, file, seed, allow_unidentified=allow_unidentified, naive=naive)
        said = _said(found, level, methods=methods, latex=latex, json=json)
        converged = all(answer.converged for answer in found)
    if json:
        say_json(said)
    else:
        say(said)
    _write(found, level, table, picture)
    return DONE if converged else NOT_CONVERGED


def _refuse(what: str, others: dict[str, Any]) -> None:
    """Say which options cannot stand beside another."""
    for option, value in others.items():
        if value:
            raise UsageError(f"{what}: leave out {option}.")


def _asked(
    posterior: Posterior, queries: Sequence[str], file: str | None, seed: int, *, allow_unidentified: bool, naive: bool
) -> Answers:
    """The answers to what was typed, then to what stands in the file; to the study's queries if there is neither."""
    from latentdo.answers import Answer, Answers
    from latentdo.api import ask

    asked: list[Any] = list(queries)
    listed = None
    if file is not None:
        listed = read_questions(file, dict(posterior.queries))
        # By their names, under which the answers then stand.
        posterior = replace(posterior, queries=tuple(listed.named.items()))
        asked += [query if name is None else name for name, query in listed.asked]
    try:
        found = ask(posterior, *asked, seed=seed, allow_unidentified=allow_unidentified, naive=naive)
    except LatentdoError as error:
        if listed is None:
            raise
        raise listed.blame(posterior, error, allow_unidentified=allow_unidentified) from None
    return Answers((found,)) if isinstance(found, Answer) else found


def _said(answers: Answers, level: float, *, methods: bool, latex: bool, json: bool) -> Any:
    """What is printed: an object for programs, a LaTeX table, or text."""
    if json:
        found: dict[str, Any] = {"answers": answers.to_json(level)}
        return {**found, "methods": answers.methods(level)} if methods else found
    shown = answers.latex(level) if latex else "\n\n".join(_texts(answers, level))
    if not methods:
        return shown
    paragraph = answers.methods_latex(level) if latex else answers.methods(level)
    return f"{shown}\n\n{paragraph}"


def _texts(answers: Answers, level: float) -> Iterator[str]:
    """Each question with its answer below it; of a sweep, one table of all points."""
    from latentdo.answers import Answers as Several

    for (source, _), group in groupby(answers, lambda a: (a.source, None if a.source is not None else id(a))):
        found = Several(tuple(group))
        query = str(source if source is not None else found[0].query)
        label = query if found[0].name in (None, query) else f"{query}   ({found[0].name})"
        text = found[0].text(level) if source is None else found.text(level)
        yield "\n".join([label, *("  " + line for line in text.splitlines())])


_CHANGE = re.compile(r"\s*(`[^`]+`|[^=]*[^=\s])\s*=(.*)", re.DOTALL)
_VALUE = re.compile(r"\s*'[^']*'\s*(?=,|$)|[^,]+")


def _levels(given: Sequence[str]) -> dict[str, tuple[float | str, float | str]]:
    """The values of `--levels`."""
    found: dict[str, tuple[float | str, float | str]] = {}
    for text in given:
        match = _CHANGE.fullmatch(text)
        ends = [] if match is None else [part.strip() for part in _VALUE.findall(match[2])]
        if match is None or len(ends) != 2 or not all(ends):
            raise UsageError(
                f"--levels {text}: expected a node with two values, low and high, such as --levels X=0,10; a value that holds "
                "a comma stands in quotes, 'a, b'."
            )
        node = match[1].strip("`")
        if node in found:
            raise UsageError(f"--levels gives those of {node} twice. Keep one.")
        low, high = (_value(end) for end in ends)
        found[node] = low, high
    return found


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.strip("'")


def _outcomes(given: list[str] | None) -> list[str] | None:
    groups = name_groups("--outcome", given)
    return None if groups is None else [name for group in groups for name in group]


def _write(found: Answers | EffectMatrix, level: float, table: Path | None, picture: Path | None) -> None:
    """The files that were asked for, each there whole or not at all."""
    if table is not None:
        found.to_csv(table, level)
        tell(f"Wrote {len(found)} {'rows' if len(found) != 1 else 'row'} to {table}.")
    if picture is not None:
        axes = found.plot(level=level)
        save_picture(axes, picture)
        tell(f"Drawn in {picture}.")


@dataclass
class Stream:
    """A warm fit that answers questions as they come in, each before the next is read."""

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

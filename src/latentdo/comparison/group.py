"""`Group`: the rows of one question, or of all points of a sweep, which share a table and a picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from latentdo.models import Units
from latentdo.query import Query

from .agreement import Difference, difference_of
from .row import ComparisonRow, Question

MOST_POINTS = 7
"""Points of a sweep that a table shows, and values that a caution lists."""
MANY_PLACES = 3
_NUMBER = re.compile(r"(?<![\w`])[-+]?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
"""A number in a caution; digits within names are none."""


@dataclass(frozen=True, eq=False)
class Group:
    """The rows of one question, or of all points of a sweep.

    Attributes:
        rows: The rows, question by question.
        units: Nodes and what they are measured in, where that is known.
    """

    rows: tuple[ComparisonRow, ...]
    units: Units = ()

    @property
    def first(self) -> Question:
        """The question, of a sweep that of its first point."""
        return self.rows[0].question

    @property
    def source(self) -> Query | None:
        """The sweep; None of a single question."""
        return self.first.source

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The questions in order: of a sweep every point."""
        return tuple(dict.fromkeys(row.question for row in self.rows))

    @cached_property
    def labels(self) -> dict[ComparisonRow, str]:
        """What each row is called."""
        return labels_of(self.rows)

    @cached_property
    def numbered(self) -> tuple[ComparisonRow, ...]:
        """The rows that have a number."""
        return tuple(row for row in self.rows if row.estimate is not None)

    @cached_property
    def folded(self) -> dict[ComparisonRow, str]:
        """The rows of a table with what each is called: methods that are here the same computation are one row."""
        known = {row.method: row for row in reversed(self.numbered)}
        names: dict[ComparisonRow, list[str]] = {}
        for row in self.numbered:
            twin = known.get(row.same_as)
            names.setdefault(row if twin is None or twin not in names else twin, []).append(self.labels[row])
        return {row: ", ".join(labels) for row, labels in names.items()}

    @property
    def level(self) -> float:
        """The probability of the intervals."""
        return self.rows[0].level

    @property
    def heading(self) -> str:
        """The question, with its name."""
        asked = str(self.source or self.first.query)
        if level := _level(self.first):
            asked = f"{level} of {asked}"
        return asked if self.first.name in (None, asked) else f"{asked}   ({self.first.name})"

    @property
    def scale(self) -> str:
        """What the number is, and whether it is identified."""
        identified = "identified" if self.first.verdict.identified else "NOT nonparametrically identified"
        return f"{self.first.scale} · {identified}"

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """What the model's numbers must not be taken for, each once."""
        return tuple(dict.fromkeys(doubt for row in self.rows for doubt in row.doubts))

    @cached_property
    def spread(self) -> float:
        """What decides how many digits all numbers have: the smallest standard error but for wide outliers."""
        spreads = sorted(row.sd for row in self.numbered if row.sd)
        return spreads[len(spreads) // 4] if spreads else 0.0

    @cached_property
    def cautions(self) -> list[tuple[list[ComparisonRow], str]]:
        """Each caution once, behind the rows that it belongs to.

        Cautions that differ in numbers alone are one, with the range of each number.
        """
        owners: dict[str, list[ComparisonRow]] = {}
        alike: dict[str, dict[str, None]] = {}
        for row in self.rows:
            for words in row.warnings:
                form = _NUMBER.sub("#", words)
                owners.setdefault(form, []).append(row)
                alike.setdefault(form, {})[words] = None
        return [(rows, _merged(list(alike[form]))) for form, rows in owners.items()]

    def owners(self, rows: Sequence[ComparisonRow]) -> str:
        """Whose a caution is: the methods, and of a sweep the points."""
        names = ", ".join(dict.fromkeys(self.labels[row] for row in rows))
        places = list(dict.fromkeys(row.question.place for row in rows if row.at))
        if not places or len(places) == len(self.questions):
            return names
        if len(places) > MANY_PLACES:
            return f"{names}, at {len(places)} of {len(self.questions)} points"
        return f"{names} at {'; '.join(places)}"

    @cached_property
    def difference(self) -> Difference | None:
        """Whether the methods differ by more than chance; of a sweep nothing is said."""
        return None if self.source is not None else difference_of(self.rows)

    @cached_property
    def silent(self) -> dict[str, list[str]]:
        """The methods without a number at any point, by the reason."""
        known = {self.labels[row] for row in self.numbered}
        by_reason: dict[str, list[str]] = {}
        for row in self.rows:
            if (name := self.labels[row]) not in known:
                by_reason.setdefault(row.note, []).append(name)
                known.add(name)
        return by_reason

    @cached_property
    def by_method(self) -> dict[str, list[ComparisonRow]]:
        """The rows of each method that has a number at some point, by its name."""
        by_name: dict[str, list[ComparisonRow]] = {}
        for row in self.rows:
            by_name.setdefault(self.labels[row], []).append(row)
        return {name: rows for name, rows in by_name.items() if any(row.estimate is not None for row in rows)}


def groups_of(rows: Iterable[ComparisonRow], units: Units) -> list[Group]:
    """The rows by question, those of a sweep together."""
    by_question: dict[object, list[ComparisonRow]] = {}
    for row in rows:
        question = row.question
        # Equal sweeps under different names are two.
        key = (question.name, question.source, _level(question)) if question.source is not None else id(question)
        by_question.setdefault(key, []).append(row)
    return [Group(tuple(together), units) for together in by_question.values()]


def labels_of(rows: Iterable[ComparisonRow]) -> dict[ComparisonRow, str]:
    """What each row is called in tables and plots: its method, and its set where a method has a row for several."""
    rows = list(rows)
    counts = Counter((row.method, row.question) for row in rows)
    return {row: row.label(alone=counts[row.method, row.question] == 1) for row in rows}


def _level(question: Question) -> str:
    """Of a law in a sweep the level that the question is about: each has a curve of its own."""
    source = question.source
    if source is None or not source.is_single or source.term.kind != "law":
        return ""
    return ", ".join(map(str, question.query.term.outcomes))


def _merged(alike: Sequence[str]) -> str:
    """Sentences that differ in their numbers as one: `3 to 12 of 600 rows`."""
    numbers = [_NUMBER.findall(words) for words in alike]
    ranges = iter([_range(values) for values in zip(*numbers, strict=True)])
    return _NUMBER.sub(lambda match: next(ranges)[match.string[match.start() - 1 : match.start()] == "="], alike[0])


def _range(values: Sequence[str]) -> tuple[str, str]:
    """Values as a range, and those that something is set to, which may lie at both ends of its axis, as a list."""
    ordered = sorted(dict.fromkeys(values), key=lambda value: float(value.replace(",", "")))
    if len(ordered) == 1:
        return ordered[0], ordered[0]
    listed = ordered if len(ordered) <= MOST_POINTS else [*ordered[:2], "…", *ordered[-2:]]
    return f"{ordered[0]} to {ordered[-1]}", ", ".join(listed)

"""`Comparison`: the rows of one or several questions, in tables, pictures and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from latentdo.errors import QueryError, nearest
from latentdo.files import write_table
from latentdo.graphs import Name
from latentdo.identification import Identified, NotIdentified
from latentdo.models import Units
from latentdo.query import Query, Summary
from latentdo.sheet import Sheet, bodies, counted, csv_bytes, data_frame, page, terminal_width

from . import pictures
from .agreement import Difference
from .group import Group, groups_of, labels_of
from .row import ComparisonRow, Question
from .sheets import latex_of, sheets_of, text_of

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Comparison(Sequence[ComparisonRow]):
    """The model beside its rivals: one row per method, question after question.

    Rows go by number, by the name of a method (`comparison["aipw"]`) or by the name of a question (`comparison["effect"]`).

    Attributes:
        items: The rows.
        units: Nodes and what they are measured in, where that is known.
        said: What is to be known of the rows of the data, as a sentence: where they were found, if nobody handed them in.
    """

    items: tuple[ComparisonRow, ...]
    units: Units = field(default=(), repr=False)
    said: str = field(default="", repr=False)

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> ComparisonRow: ...
    @overload
    def __getitem__(self, index: slice) -> Comparison: ...
    @overload
    def __getitem__(self, index: str) -> Any: ...
    def __getitem__(self, index: int | slice | str) -> Any:
        if isinstance(index, str):
            return self._named(index)
        return Comparison(self.items[index], self.units) if isinstance(index, slice) else self.items[index]

    def __iter__(self) -> Iterator[ComparisonRow]:
        return iter(self.items)

    def _named(self, name: str) -> ComparisonRow | Comparison:
        """The row of that method; of several questions, or with several adjustment sets, all of them; or a question's rows."""
        rows = [row for row in self.items if row.method == name]
        if rows:
            return rows[0] if len(rows) == 1 else Comparison(tuple(rows), self.units)
        rows = [row for row in self.items if name in (row.name, str(row.query), str(row.question.source))]
        if not rows:
            known = dict.fromkeys([*self.methods, *(row.name for row in self.items if row.name)])
            raise QueryError(f"No method and no question is called {name!r}. {nearest(name, known)}")
        return Comparison(tuple(rows), self.units)

    def row(self, method: str) -> ComparisonRow:
        """The row of a method, of a comparison with one question; with several adjustment sets that of the best.

        Raises:
            QueryError: There is no such method, or more than one question.
        """
        if len(self.questions) > 1:
            raise QueryError(
                f"There are {len(self.questions)} questions here. Take one first: comparison[name].row({method!r})."
            )
        rows = [row for row in self.items if row.method == method]
        if not rows:
            raise QueryError(f"No method is called {method!r} here. {nearest(method, self.methods)}")
        return rows[0]

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """What was asked, in order: of a sweep every point, of a law every level."""
        return tuple(dict.fromkeys(row.question for row in self.items))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods, in order."""
        return tuple(dict.fromkeys(row.method for row in self.items))

    @cached_property
    def parts(self) -> tuple[Comparison, ...]:
        """The rows question by question."""
        by_question: dict[Question, list[ComparisonRow]] = {}
        for row in self.items:
            by_question.setdefault(row.question, []).append(row)
        return tuple(Comparison(tuple(rows), self.units) for rows in by_question.values())

    @cached_property
    def labels(self) -> dict[ComparisonRow, str]:
        """What each row is called in tables and plots: its method, and its set where a method has a row for several."""
        return labels_of(self.items)

    @cached_property
    def _groups(self) -> list[Group]:
        return groups_of(self.items, self.units)

    @property
    def _question(self) -> Question:
        if len(self.questions) != 1:
            raise QueryError(
                f"There are {len(self.questions)} questions here. Go through .questions, or take the rows of one: .parts[0]."
            )
        return self.questions[0]

    @property
    def query(self) -> Query:
        """The question, of a comparison with one; of a sweep the whole sweep."""
        sources = {question.source for question in self.questions}
        if len(sources) == 1 and (source := next(iter(sources))) is not None:
            return source
        return self._question.query

    @property
    def verdict(self) -> Identified | NotIdentified:
        """Whether it is identified, with `.estimand`, the formula."""
        verdicts = {id(question.verdict): question.verdict for question in self.questions}
        return next(iter(verdicts.values())) if len(verdicts) == 1 else self._question.verdict

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The rows that plots and tables read."""
        return tuple(row.summary for row in self.items)

    @property
    def converged(self) -> bool:
        """Whether the model's answers have converged; nothing to judge without a model."""
        return all(row.answer.converged for row in self.items if row.answer is not None)

    @cached_property
    def axes(self) -> tuple[Name, ...]:
        """The nodes that a sweep runs over, where all rows are points of sweeps over the same ones; else none."""
        axes = {tuple(name for name, _ in question.at) for question in self.questions}
        return next(iter(axes)) if len(axes) == 1 else ()

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Of each question whose methods differ by more than chance which side each is on, and what sets the sides apart."""
        return tuple(group.difference for group in self._groups if group.difference is not None)

    def rows(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The header and one row per method and question, of numbers, strings and None; axes of sweeps stand in front."""
        if not self.items:
            return ("query", "method"), []
        records = [row.record() for row in self.items]
        axes = list(dict.fromkeys(name for row in self.items for name, _ in row.at))
        # A node may be called like a column of ours.
        heading = [f"{name} (axis)" if name in records[0] else name for name in axes]
        return (*heading, *records[0]), [
            (*(dict(row.at).get(name) for name in axes), *record.values())
            for row, record in zip(self.items, records, strict=True)
        ]

    def to_json(self) -> list[dict[str, Any]]:
        """One dict per row, with null for what is not there."""
        return [row.to_json() for row in self.items]

    def to_pandas(self) -> pandas.DataFrame:
        """One row per method and question.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return data_frame(*self.rows())

    def to_csv(self, path: str | Path) -> Path:
        """Write one row per method and question as CSV (UTF-8, a header, empty cells for what is not there); the path.

        A file that stands there is replaced once the new one is whole.

        Raises:
            DataError: The file cannot be written; says why.
        """
        return write_table(path, csv_bytes(*self.rows()))

    def latex(self) -> str:
        """A LaTeX table of the methods that apply, with the packages booktabs and amssymb."""
        return latex_of(self._groups)

    def text(self, width: int | None = None) -> str:
        """A table per question; below it what is to be said of the numbers, and why other methods have none.

        Args:
            width: Characters of a line; those of the terminal unless given, or of COLUMNS, or 120. Where there is little
                room, notes stand on lines of their own.
        """
        return text_of(self._groups, self.said, terminal_width() if width is None else width)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return bodies(self._sheets(pictured=False))

    def to_html(self) -> str:
        """A page with a picture and a table per question, that needs no other file; without matplotlib no pictures."""
        title = self._groups[0].heading if self.items else "Nothing compared"
        # The title is what a tab shows, which has little room.
        more = len(self._groups) - 1
        return page(title + (f" and {counted(more, 'more question')}" if more > 0 else ""), self._sheets(pictured=True))

    def _sheets(self, *, pictured: bool) -> list[Sheet]:
        sheets: list[Sheet] = []
        for group in self._groups:
            picture, remark = pictures.embedded(group) if pictured else ("", "")
            sheets += sheets_of(group, picture=picture, remark=remark)
        return [*sheets, *([Sheet(lead=(self.said,))] if self.said else [])]

    def plot(self, ax: Any = None) -> Any:
        """The methods as a picture; returns the matplotlib axes.

        A forest per question: the model in colour, rivals in grey, baselines hollow; methods without a number are counted
        below. A sweep over one node is a curve per method, with the band of the model.

        Several questions get a panel each; the axes returned are then those of the first, and `axes.figure` has them all.

        Raises:
            MissingExtraError: matplotlib is not installed.
            QueryError: A sweep over two nodes, or several questions for the axes that were handed in.
        """
        return pictures.picture_of(self._groups, ax)

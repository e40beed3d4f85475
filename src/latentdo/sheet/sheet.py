"""`Sheet`: a table for people and programs, which prints itself in every form."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import text
from .cells import Cell, Column, Note, Row, Value
from .words import folded, hanging, terminal_width, visible

if TYPE_CHECKING:
    import pandas

Shown = Cell | str
"""What is taken for a cell: one, or its words."""
INDENT = "  "


@dataclass(frozen=True)
class Sheet:
    """A table with what stands above and below it.

    A value that can be shown gives one, and prints nothing itself.

    Attributes:
        title: What it shows, in a line.
        columns: The columns; none where there are sentences alone.
        rows: The cells, as many in a row as there are columns; words stand for a cell that is nothing else.
        lead: Lines between the title and the table.
        notes: Sentences below the table: cautions, signs and what they mean.
        headed: Whether the headings are printed: names beside values need none.
        indented: Whether text stands to the right of its title.
        picture: An image above the table in HTML, as a data URI or as SVG.
        folded: In HTML, whether the part is folded away under its title: `open`, `closed`, or empty for neither.
    """

    title: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    lead: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    headed: bool = True
    indented: bool = True
    picture: str = ""
    folded: str = ""

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), "each row has a cell per column"

    @classmethod
    def of(cls, title: str, columns: Iterable[Column | str], rows: Iterable[Iterable[Shown]], **others: Any) -> Sheet:
        """A sheet from words and cells; a string among the columns is a column of words."""
        return cls(
            title,
            tuple(Column(column) if isinstance(column, str) else column for column in columns),
            tuple(tuple(Cell(cell) if isinstance(cell, str) else cell for cell in row) for row in rows),
            **others,
        )

    @classmethod
    def of_records(cls, records: Sequence[Mapping[str, Value]]) -> Sheet:
        """A sheet from rows of plain values, for CSV files and data frames; a column for each key, in order of appearance."""
        keys = list(dict.fromkeys(key for record in records for key in record))
        rows = (
            tuple(Cell("" if record.get(key) is None else str(record[key]), record.get(key)) for key in keys)
            for record in records
        )
        return cls("", tuple(map(Column, keys)), tuple(rows))

    def without(self, *titles: str) -> Sheet:
        """The sheet without the columns of these headings."""
        places = [k for k, column in enumerate(self.columns) if column.title not in titles]
        return replace(
            self,
            columns=tuple(self.columns[k] for k in places),
            rows=tuple(tuple(row[k] for k in places) for row in self.rows),
        )

    def text(self, width: int | None = None) -> str:
        """Plain text: the title, the table in columns, the notes.

        Args:
            width: Characters of a line, to which prose is folded; as long as need be unless given.
        """
        margin = INDENT if self.indented and self.title else ""
        room = None if width is None else width - len(margin)
        lines = [*self.lead_lines(room), *text.table(self.columns, self.rows, room, headed=self.headed)]
        lines += self.note_lines(room)
        title = [visible(self.title)] if width is None else folded(visible(self.title), width)
        return "\n".join([*(title if self.title else []), *((margin + line).rstrip() for line in lines)])

    def lead_lines(self, width: int | None) -> list[str]:
        """The lines above the table in plain text."""
        lines = [visible(line) for line in self.lead]
        return lines if width is None else [piece for line in lines for piece in folded(line, width)]

    def note_lines(self, width: int | None) -> list[str]:
        """The notes in plain text, folded behind their labels."""
        lines: list[str] = []
        for note in self.notes:
            if width is None:
                lines.append(visible(str(note)))
            else:
                label = f"{note.sign} " * bool(note.sign) + f"{note.label}: " * bool(note.label)
                lines += hanging(visible(label), visible(note.words), width)
        return lines

    def markdown(self) -> str:
        """A table of Markdown without the title; the notes are a list below."""
        parts = ["\n".join(text.markdown(self.columns, self.rows))] if self.columns else []
        parts = [*(visible(line) for line in self.lead), *parts]
        parts += ["\n".join(f"- {visible(str(note))}" for note in self.notes)] if self.notes else []
        return "\n\n".join(parts)

    def html(self) -> str:
        """A piece of HTML that stands alone, with its style."""
        from . import web

        return web.styled(self.body())

    def page(self) -> str:
        """A whole page for a browser."""
        from . import web

        return web.page(self.title, self.body())

    def body(self) -> str:
        """A piece of HTML without its style, for a page of several."""
        from . import web

        table = web.table(self.columns, self.rows, headed=self.headed)
        picture = web.picture(self.picture, self.title) if self.picture else ""
        inside = web.paragraphs(self.lead) + picture + table + web.listed(self.notes)
        if self.folded:
            return web.details(self.title, inside, unfolded=self.folded == "open")
        heading = f"<p><b>{web.escape(self.title)}</b></p>" if self.title else ""
        return f"<section>{heading}{inside}</section>"

    def latex(self) -> str:
        """A `tabular` in the manner of booktabs, the notes below its rule."""
        from . import latex

        return latex.table(self.columns, self.rows, self.notes, headed=self.headed)

    # --- for programs

    def flat(self) -> tuple[tuple[str, ...], list[tuple[Value, ...]]]:
        """The names of the columns, and rows of plain values."""
        return tuple(column.name for column in self.columns), [tuple(cell.content for cell in row) for row in self.rows]

    def csv(self) -> str:
        """Comma-separated text: a line of names, empty cells for what is not there."""
        from .flat import csv_text

        return csv_text(*self.flat())

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        from .flat import data_frame

        return data_frame(*self.flat())


class AbstractShown(abc.ABC):
    """A value that can be shown: it gives a sheet, and prints nothing itself."""

    @abc.abstractmethod
    def sheet(self) -> Sheet:
        """The value as a table with its title and notes."""

    def __str__(self) -> str:
        return self.sheet().text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.sheet().html()


class AbstractSheets(abc.ABC):
    """A value that is shown as several sheets below each other."""

    @property
    @abc.abstractmethod
    def sheets(self) -> Sequence[Sheet]:
        """The value in parts."""

    @property
    @abc.abstractmethod
    def _title(self) -> str:
        """What a page about it is called."""

    @abc.abstractmethod
    def _table(self) -> Sheet:
        """The part that stands in a paper."""

    @abc.abstractmethod
    def _records(self) -> Sheet:
        """One flat row for each thing that it tells, for programs."""

    def text(self, width: int | None = None) -> str:
        """Plain text, folded to the terminal.

        Args:
            width: Characters of a line; those of the terminal unless given.
        """
        return texts(self.sheets, terminal_width() if width is None else width)

    def html(self) -> str:
        """A whole page for a browser."""
        return page(self._title, self.sheets)

    def latex(self) -> str:
        """A `tabular` in the manner of booktabs."""
        return self._table().latex()

    def csv(self) -> str:
        """Comma-separated text, one line for each thing that it tells behind the line of names."""
        return self._records().csv()

    def to_pandas(self) -> pandas.DataFrame:
        """The lines of `csv` as a data frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return self._records().to_pandas()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return bodies(self.sheets)


def texts(sheets: Iterable[Sheet], width: int | None = None) -> str:
    """Several sheets below each other in plain text."""
    return "\n\n".join(sheet.text(width) for sheet in sheets)


def bodies(sheets: Iterable[Sheet]) -> str:
    """Several sheets below each other in a piece of HTML with its style."""
    from . import web

    return web.styled("".join(sheet.body() for sheet in sheets))


def page(title: str, sheets: Iterable[Sheet]) -> str:
    """Several sheets as a whole page for a browser."""
    from . import web

    return web.page(title, "".join(sheet.body() for sheet in sheets))

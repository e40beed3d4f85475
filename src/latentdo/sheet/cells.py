"""The parts of a sheet: cells, columns, notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["words", "number", "prose", "code", "formula", "tile"]
"""How a column is set.

`words` and `code` to the left and never broken, `formula` like `code` with what is summed over below its sign, `number` to the
right and never broken, `prose` to the left and folded where a line would be too long, `tile` as a small coloured cell under an
upright heading.
"""
Mark = Literal["", "strong", "faint", "good", "rough", "bad"]
Value = str | int | float | bool | None


@dataclass(frozen=True)
class Cell:
    """One cell: what people read, and what programs read where that is something else.

    Attributes:
        text: The words or the rounded number that are printed.
        value: What CSV files and data frames hold; the text unless given.
        latex: What a LaTeX table holds; the text, escaped, unless given.
        formula: The text as LaTeX for math mode, where it is a formula that HTML may typeset.
        mark: How it stands out where a form can show it: `strong`, `faint`, or `good`, `rough` and `bad` as a coloured word.
        colour: The background in HTML, `#rrggbb`.
        hint: What a pointer over the cell reads in HTML.
    """

    text: str
    value: Value | Literal["the text"] = "the text"
    latex: str = ""
    formula: str = ""
    mark: Mark = ""
    colour: str = ""
    hint: str = ""

    @property
    def content(self) -> Value:
        """What CSV files and data frames hold."""
        return self.text if self.value == "the text" else self.value


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes:
        title: Its heading.
        kind: How its cells are set.
        key: Its name in CSV files and data frames; the title unless given.
        mark: How all its cells stand out.
    """

    title: str
    kind: Kind = "words"
    key: str = ""
    mark: Mark = ""

    @property
    def name(self) -> str:
        """Its name in CSV files and data frames."""
        return self.key or self.title

    @property
    def is_right(self) -> bool:
        """Whether its cells are set to the right."""
        return self.kind == "number"


@dataclass(frozen=True)
class Note:
    """A sentence below a table.

    Attributes:
        words: The sentence.
        label: What it is, and whose: `caution`, `note (Y)`; empty for a plain sentence.
        sign: The sign in the cells that it explains: `*`, `†`.
    """

    words: str
    label: str = ""
    sign: str = ""

    def __str__(self) -> str:
        front = f"{self.sign} " if self.sign else ""
        return f"{front}{self.label}: {self.words}" if self.label else f"{front}{self.words}"

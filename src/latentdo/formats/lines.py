"""Files of lines: their rows, split at what they are split at, each with its number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from latentdo.errors import GraphError, NotationError, nearest


def rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells without blanks around them) of each row that is not blank.

    Raises:
        NotationError: A quote is never closed, or a cell has no end.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise NotationError(f"the row cannot be read ({problem}).", text, start, 1) from None
        if any(cell.strip() for cell in cells):
            yield start, [cell.strip() for cell in cells]
        start = reader.line_num + 1


def table(
    text: str, needed: Sequence[str], delimiter: str = ""
) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """The names of the columns in lower case, and (line, cell by column) of each row.

    Args:
        delimiter: What stands between cells; a tab where the head has one and a comma else, unless given.

    Raises:
        GraphError: A column that is needed is not there, or a row has another number of cells than the head.
    """
    first = text.lstrip("\n\r ").split("\n", 1)[0]
    found = rows(text, delimiter or ("\t" if "\t" in first else ";" if ";" in first and "," not in first else ","))
    line, head = next(found, (1, []))
    names = [name.lower() for name in head]
    for name in needed:
        if name not in names:
            raise GraphError(
                f"line {line}: the head of the table has no column {name!r}. {nearest(name, names[:30])} "
                f"Columns {', '.join(needed)} are needed."
            )

    def records() -> Iterator[tuple[int, dict[str, str]]]:
        for line, cells in found:
            if len(cells) != len(names):
                raise GraphError(f"line {line}: the row has {len(cells)} cells, and the head {len(names)}.")
            yield line, dict(zip(names, cells, strict=True))

    return names, records()


def choice(where: str, column: str, cell: str, words: Mapping[str, str]) -> str:
    """What a cell means, by its words in any case.

    Raises:
        GraphError: It is none of them.
    """
    if (found := words.get(cell.lower())) is None:
        shown = ", ".join(repr(word) for word in words if word)
        raise GraphError(f"{where}, column {column}: {cell!r} is none of {shown}. {nearest(cell, words)}")
    return found


def written(head: Sequence[str], lines: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    """A table as text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([head, *lines])
    return out.getvalue()

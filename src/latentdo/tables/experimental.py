"""Rows in which nodes were set from outside: a table of such rows, or a column that says, row by row, which nodes were."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentdo.arrays import IntArray
from latentdo.errors import DataError, nearest
from latentdo.graphs import Name

from .cells import is_missing
from .pattern import Origin, Pattern
from .sources import Source, is_path

_ENTRY = re.compile(r"\s*(?:`([^`]*)`|([^,`]+?))\s*(?:,|$)")
"""A name among others with commas between them; one that holds a comma stands in backticks."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """A table whose rows come from an experiment; `ld.experiment` makes it.

    Attributes:
        table: As `ld.fit` takes it.
        do: The nodes that were set in every row.
        do_column: A column that names the nodes that were set in each row; empty where `do` says it.
    """

    table: Any
    do: tuple[Name, ...] = ()
    do_column: str = ""


def experiment(table: Any, do: Iterable[Name]) -> Experiment:
    """The table as one in which these nodes were set in every row.

    Raises:
        DataError: No list of names, or an empty one.
    """
    if isinstance(do, str) or not isinstance(do, Iterable):
        raise DataError(f"do= takes a list of the nodes that were set, got {do!r}. Write do=[{str(do)!r}].")
    names = tuple(do)
    if not names or not all(isinstance(name, str) for name in names):
        raise DataError(
            f"do= takes the names of the nodes that were set, got {list(names)!r}. Rows in which nothing was set need no "
            "ld.experiment(…): give the table itself."
        )
    if isinstance(table, Experiment):
        raise DataError("The table is an experiment already. Give the table itself to ld.experiment(…).")
    return Experiment(table, tuple(dict.fromkeys(names)))


def as_before(data: Any, origins: Sequence[Origin], do_column: str) -> list[Experiment]:
    """The tables of a fit, each to be read as it was then, where it does not say itself what was set.

    Args:
        data: A table, or a list of tables in the order of then.
        origins: How they were given then; empty of one table without an experiment.
        do_column: The column that named what was set, of that table.
    """
    given = [*data] if is_several(data) else [data]
    parts = [each if isinstance(each, Experiment) else Experiment(each) for each in given]
    if len(origins) == len(parts):
        known = [(origin.do, origin.do_column) for origin in origins]
    else:
        says_itself = bool(origins) or any(part.do or part.do_column for part in parts)
        known = [((), "" if says_itself else do_column)] * len(parts)
    return [
        part if part.do or part.do_column else Experiment(part.table, *before)
        for part, before in zip(parts, known, strict=True)
    ]


def is_several(data: Any) -> bool:
    """Whether this is a list of tables, some of which may be experiments, and not a list of numbers or of rows."""
    return isinstance(data, list | tuple) and bool(data) and all(map(_is_table, data))


def _is_table(value: Any) -> bool:
    match value:
        case Experiment() | Path():
            return True
        case str():
            return is_path(value)
        case Mapping():
            return bool(value) and not all(np.ndim(each) == 0 for each in value.values())
        case _:
            return hasattr(value, "columns") or hasattr(value, "column_names") or hasattr(value, "collect_schema")


def checked_do(names: Collection[Name], measured: Sequence[Name], latent: Collection[Name], where: str = "") -> None:
    """Raise unless nodes that were set are measured ones.

    Args:
        where: In which row they stand, in words that end in a blank; of a whole table empty.
    """
    for name in names:
        if name in latent:
            raise DataError(
                f"{where}do names {name!r}, which nobody measured: to what it was set stands in no column. Write the value into "
                f"a column {name}, and declare the node as measured.",
                column=name,
            )
        if name not in measured:
            raise DataError(
                f"{where}do names {name!r}, which is no node of the model. {nearest(name, measured)}", column=name
            )


def set_by_column(
    source: Source, column: str, measured: Sequence[Name], latent: Collection[Name]
) -> tuple[tuple[Pattern, ...], IntArray]:
    """The distinct sets of nodes that a column names, and which of them each row has.

    Raises:
        DataError: There is no such column, it holds numbers, or it names what is no measured node; says in which row.
    """
    if column in measured or column in latent:
        raise DataError(
            f"do={column!r} is a node of the model: its column has values. A column of its own names, row by row, the nodes "
            'that were set: "", "fur", "fur, crp".',
            column=column,
        )
    if column not in source.names:
        raise DataError(
            f"There is no column {column!r}, which is to name the nodes that were set in each row. "
            f"{nearest(column, [str(name) for name in source.names])}",
            column=column,
        )
    texts = source.texts(column)
    if texts is None:
        raise DataError(
            f"Column {column!r} holds no text; expected names of nodes with commas between them, and nothing where none was set.",
            column=column,
        )
    patterns: dict[Pattern, int] = {}
    known: dict[str, int] = {}
    for row, text in enumerate(texts):
        if text in known:
            continue
        where, line = source.place(row)
        try:
            names = () if is_missing(text) else named_in(text)
            checked_do(names, measured, latent, f"Column {column!r}, {where}: ")
        except DataError as fault:
            raise DataError(str(fault), column=column, line=line) from None
        known[text] = patterns.setdefault(Pattern.of(held=names), len(patterns))
    return tuple(patterns), np.array([known[text] for text in texts], dtype=np.intp)


def named_in(text: str) -> tuple[Name, ...]:
    """The nodes that a cell names, with commas between them.

    Raises:
        DataError: It is no such list.
    """
    found, at = [], 0
    while at < len(text):
        entry = _ENTRY.match(text, at)
        if entry is None or entry.end() == at:
            raise DataError(f"do is {text!r}; expected names of nodes with commas between them: 'fur, crp'.")
        found.append(entry[1] if entry[1] is not None else entry[2])
        at = entry.end()
    return tuple(dict.fromkeys(found))

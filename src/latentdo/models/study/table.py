"""The tables that a study names, some of them from experiments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from latentdo.graphs import Name

from .form import TableForm


@dataclass(frozen=True)
class StudyTable:
    """A table that a study names beside others.

    Attributes:
        file: Where it is.
        do: The nodes that were set in every row.
        do_column: A column that names the nodes that were set in each row.
    """

    file: Path
    do: tuple[Name, ...] = ()
    do_column: str = ""


def tables_of(given: object, place: Callable[[str], Path]) -> Path | tuple[StudyTable, ...] | None:
    """What stands under `data:` as a path, or as tables where it is more than that; None where nothing stands there.

    Args:
        given: A text, a form, a list of either, or nothing.
        place: Where a file is that the study names.
    """
    match given:
        case str():
            return place(given)
        case TableForm():
            return (_table(given, place),)
        case list():
            return tuple(_table(each if isinstance(each, TableForm) else TableForm(str(each)), place) for each in given)
        case _:
            return None


def _table(form: TableForm, place: Callable[[str], Path]) -> StudyTable:
    do = tuple(form.do) if isinstance(form.do, list) else ()
    return StudyTable(place(form.file), do, form.do_column if isinstance(form.do_column, str) else "")

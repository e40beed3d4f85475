"""`Bounds`: the smallest and the largest value that a question can have, as a value to read, print and draw."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from latentdo import arguments
from latentdo.errors import QueryError, UnsupportedError
from latentdo.plots import bounds_bar
from latentdo.query import Query
from latentdo.sheet import (
    AbstractSheets,
    Cell,
    Column,
    Note,
    Sheet,
    counted,
    number,
    percent,
)

from .spread import Reach

NO_EFFECT = {"-": 0.0, "/": 1.0}
CHANCE = 0.01
"""The p value below which rows contradict the graph."""


@dataclass(frozen=True)
class Assuming:
    """A number instead of bounds, for those who assume more than the graph says.

    Attributes:
        method: How it was estimated.
        note: What it assumes.
        estimate: The number.
        lower: The lower end of its interval.
        upper: The upper end.
    """

    method: str
    note: str
    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False, repr=False)
class Bounds(AbstractSheets):
    """What the data and the graph leave open of a question: every value between two ends, and no other.

    Attributes:
        query: The question.
        lower: The smallest value that some model of the graph with these frequencies gives it.
        upper: The largest.
        sharp: Whether both are reached by models of the graph; else the true value lies between them, and narrower bounds may
            hold.
        identified: Whether the graph identifies the question, so that both ends are the same but for chance.
        n_rows: Rows of the table; None of an exact law.
        level: The probability of the interval that is printed.
        assumed: Directions that were assumed: `Z -> X` means that Z never lowers X.
        types: How many response types the programme weighs.
        violated: The inequality that the rows break, in words; empty where they break none.
        p: How likely rows would break one so much if the graph were right; None where they break none, and of an exact law.
        notes: What to know of the bounds, a sentence each.
        assuming: Under an instrument, estimates that need more than the graph.
    """

    query: Query
    lower: float
    upper: float
    sharp: bool = True
    identified: bool = False
    n_rows: int | None = None
    level: float = 0.9
    assumed: tuple[str, ...] = ()
    types: int = 0
    violated: str = ""
    p: float | None = None
    notes: tuple[str, ...] = ()
    assuming: tuple[Assuming, ...] = ()
    reaches: tuple[Reach, Reach] | None = field(default=None, repr=False)

    @property
    def width(self) -> float:
        """How far the ends are apart."""
        return self.upper - self.lower

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Two numbers that hold both ends between them, and so the true value, with this probability.

        Raises:
            UnsupportedError: The bounds are those of an exact law, which has no rows to be uncertain of.
            QueryError: A level that is no probability.
        """
        level = arguments.number("level=", level, QueryError, above=0, below=1, repair="0.9 is usual.")
        if self.reaches is None:
            raise UnsupportedError("These are the bounds of an exact law: there is no chance in them.")
        low, high = (reach.limit((1 + level) / 2) for reach in self.reaches)
        return min(low, high), max(low, high)

    @property
    def excludes(self) -> float | None:
        """The value of no effect, of a difference or a ratio, where the interval leaves it out; None elsewhere."""
        null = _null(self.query)
        low, high = self.interval(self.level) if self.reaches else (self.lower, self.upper)
        return null if null is not None and not low <= null <= high else None

    # --- for people

    def sheet(self) -> Sheet:
        """The ends, with their interval, and what they rest on."""
        interval = None if self.reaches is None else self.interval(self.level)
        widths = [
            width for width in (self.width, interval[1] - interval[0] if interval else 0.0) if math.isfinite(width)
        ]
        spread = max(*widths, 0.01) / 20 if widths else 0.01
        columns = [Column("question", "code"), Column("lower", "number"), Column("upper", "number")]
        cells = [Cell(str(self.query)), *(Cell(number(end, spread), end) for end in (self.lower, self.upper))]
        if interval is not None:
            columns.append(Column(f"{percent(self.level)} interval", key="interval"))
            cells.append(Cell(" to ".join(number(end, spread) for end in interval)))
        rows = "" if self.n_rows is None else f" from {counted(self.n_rows, 'row')}"
        return Sheet(self._kind + rows, tuple(columns), (tuple(cells),), notes=tuple(self._notes()))

    @property
    def _kind(self) -> str:
        if self.is_contradicted:
            return "Bounds of the nearest law"
        return "Sharp bounds" if self.sharp else "Bounds, valid and perhaps too wide,"

    @property
    def is_contradicted(self) -> bool:
        """Whether the frequencies break what the graph implies, by more than chance."""
        return bool(self.violated) and (self.p is None or self.p < CHANCE)

    @property
    def sheets(self) -> list[Sheet]:
        """The bounds, and below them what needs more than the graph."""
        return [self.sheet(), *([self._assuming_sheet()] if self.assuming else [])]

    def _assuming_sheet(self) -> Sheet:
        columns = (
            Column("method"),
            Column("estimate", "number"),
            Column(f"{percent(self.level)} interval", key="interval"),
            Column("assumes", "prose"),
        )
        rows = []
        for each in self.assuming:
            spread = (each.upper - each.lower) / 3.3
            ends = " to ".join(number(end, spread) for end in (each.lower, each.upper))
            rows.append(
                (Cell(each.method), Cell(number(each.estimate, spread), each.estimate), Cell(ends), Cell(each.note))
            )
        return Sheet("Needs more than the graph:", columns, tuple(rows))

    def _notes(self) -> list[Note]:
        notes = []
        if self.assumed:
            notes.append(Note(", ".join(self.assumed), "assumed, in each unit"))
        if self.violated:
            by_chance = "" if self.p is None else f" (p {'<' if self.p <= 0.001 else '='} {max(self.p, 0.001):.2g})"
            word = "The rows contradict the graph" if self.is_contradicted else "No more than chance may do"
            notes.append(
                Note(f"{self.violated}{by_chance}. {word}; the bounds are those of the nearest law.", "caution")
            )
        return [*notes, *map(Note, self.notes)]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers, strings and lists; null for an end that is not finite."""
        interval = None if self.reaches is None else list(self.interval(self.level))
        return {
            "query": str(self.query),
            "lower": self.lower,
            "upper": self.upper,
            "interval": interval,
            "level": self.level,
            "sharp": self.sharp,
            "identifiable": self.identified,
            "n_rows": self.n_rows,
            "assumed": list(self.assumed),
            "types": self.types,
            "violated": self.violated or None,
            "p": self.p,
            "notes": list(self.notes),
            "assuming": [dict(vars(each)) for each in self.assuming],
        }

    @property
    def _title(self) -> str:
        return f"Bounds of {self.query}"

    def _table(self) -> Sheet:
        return self.sheet()

    def _records(self) -> Sheet:
        interval = self.interval(self.level) if self.reaches is not None else (None, None)
        row = {"query": str(self.query), "lower": self.lower, "upper": self.upper}
        return Sheet.of_records(
            [
                {
                    **row,
                    "interval_lower": interval[0],
                    "interval_upper": interval[1],
                    "level": self.level,
                    "sharp": self.sharp,
                }
            ]
        )

    def plot(self, ax: Any = None) -> Any:
        """The ends as a bar, with their interval as a thin line; the axes.

        Args:
            ax: matplotlib axes to draw into; a figure of its own unless given.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        interval = self.interval(self.level) if self.reaches is not None else None
        return bounds_bar(
            str(self.query), (self.lower, self.upper), interval, null=_null(self.query), title=self.sheet().title, ax=ax
        )


def _null(query: Query) -> float | None:
    """The value of no effect of a difference or a ratio of two parts."""
    return NO_EFFECT.get(getattr(query.expression, "op", ""))

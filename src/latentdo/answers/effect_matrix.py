"""`EffectMatrix`: the effect of every treatment on every outcome, as a table, a picture and plain numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.errors import MissingExtraError, QueryError
from latentdo.graphs import Name, format_level, quote
from latentdo.identification import Nodes
from latentdo.inference import write_table
from latentdo.models import Units
from latentdo.query import Query, Value

from . import effect_sheet
from .answer import Answer, FloatArray
from .effect_sheet import asked, listed, name_of
from .rows import csv_bytes
from .text import number

if TYPE_CHECKING:
    import pandas

LONGEST = 8
"""Characters of a number that is written out; others have an exponent."""
CLEAR = 0.9
"""The level of the intervals that mark clear effects."""


@dataclass(frozen=True, eq=False)
class Effect:
    """One cell: the effect of one treatment on one outcome.

    Attributes:
        treatment: What is set: a name, or several set together.
        outcome: What is asked about.
        low: The value that each node of the treatment changes from.
        high: The value that it changes to.
        query: The difference that is asked for.
        form: By which form it is identified, `no effect`, or `not identified`.
        answer: The difference, in units of the outcome whatever `standardised` is; None where there is none, or it is 0 since
            no path leads from treatment to outcome.
        reason: Why it is not identified, or why it has no number.
        own_unit: What the answer is counted in.
        outcome_sd: The sd of the outcome: that of its column, or of whether its last level occurs.
        standardised: Whether the numbers below are divided by it.
    """

    treatment: Nodes
    outcome: Name
    low: tuple[Value, ...]
    high: tuple[Value, ...]
    query: Query
    form: str
    answer: Answer | None
    reason: str | None
    own_unit: str
    outcome_sd: float
    standardised: bool = False

    @property
    def identified(self) -> bool:
        """Whether the measured nodes can answer it."""
        return self.form != "not identified"

    @property
    def is_zero(self) -> bool:
        """Whether the effect is 0 for certain: no path leads from treatment to outcome."""
        return self.form == "no effect"

    @property
    def scale(self) -> float:
        """What the answer is divided by."""
        return self.outcome_sd if self.standardised else 1.0

    @property
    def unit(self) -> str:
        """What the numbers are counted in."""
        if self.standardised:
            return f"sd of {asked(self.query)}"
        return self.own_unit

    @property
    def estimate(self) -> float | None:
        """The posterior mean, the median where there is no trustworthy mean, 0 where there is no effect, else None."""
        if self.answer is None:
            return 0.0 if self.is_zero else None
        return self.answer.point / self.scale

    @property
    def sd(self) -> float | None:
        """Posterior standard deviation; None where there is no number, or one draw alone."""
        if self.answer is None or self.answer.sd is None:
            return 0.0 if self.is_zero else None
        return self.answer.sd / self.scale

    def interval(self, level: float = 0.9) -> tuple[float, float] | None:
        """The equal-tailed posterior interval; None where there is no number, or one draw alone."""
        ends = None if self.answer is None else self.answer.interval(level)
        if ends is None:
            return (0.0, 0.0) if self.is_zero else None
        return ends[0] / self.scale, ends[1] / self.scale

    def excludes_zero(self, level: float = CLEAR) -> bool:
        """Whether the interval leaves 0 out."""
        ends = None if self.answer is None else self.interval(level)
        return ends is not None and (ends[0] > 0 or ends[1] < 0)

    @property
    def converged(self) -> bool:
        """Whether the number converged; true where none was computed."""
        return self.answer is None or self.answer.converged

    @property
    def warnings(self) -> tuple[str, ...]:
        """The answer's cautions."""
        return () if self.answer is None else self.answer.warnings

    @property
    def shown(self) -> str:
        """The estimate with the digits that mean something, empty where there is none; short, whatever its size."""
        if self.answer is None or self.estimate is None:
            return ""
        text = number(self.estimate, self.answer.grain / self.scale)
        return text if len(text) <= LONGEST else f"{self.estimate:.2g}"

    def text(self, level: float = CLEAR) -> str:
        """The number as a cell of a table: `·` no effect, `x` not identified, `–` no number, `*` an interval without 0."""
        if self.answer is None or self.estimate is None:
            return "·" if self.is_zero else "x" if not self.identified else "–"
        marks = ("" if self.identified else "x") + ("" if self.converged else "!")
        return f"{self.shown}{'*' if self.excludes_zero(level) else ''}{marks}"

    def to_json(self, level: float = 0.9) -> dict[str, Any]:
        """The effect as plain numbers and strings, with null for what is not there."""
        answer, ends = self.answer, self.interval(level)
        row = {
            "treatment": listed(self.treatment),
            "outcome": self.outcome,
            "low": list(self.low),
            "high": list(self.high),
            "query": str(self.query),
            "form": self.form,
            "identified": self.identified,
            "estimate": self.estimate,
            "sd": self.sd,
            "interval": None if ends is None else list(ends),
            "level": level,
            "unit": self.unit,
            "excludes_zero": self.excludes_zero(level),
            "mcse": (0.0 if self.is_zero else None) if answer is None else answer.mcse / self.scale,
            "rhat": None if answer is None else answer.rhat,
            "ess": None if answer is None else answer.ess,
            "converged": self.converged,
            "approximate": None if answer is None else answer.approximate,
            "reason": self.reason,
            "warnings": list(self.warnings),
        }
        return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}

    def __str__(self) -> str:
        if self.answer is None or self.estimate is None:
            return f"{self.query}: {self.reason or 'no effect, since no path leads there'}"
        ends, grain = self.interval(), self.answer.grain / self.scale
        spread = "" if ends is None else f" (90 % interval {' to '.join(number(end, grain) for end in ends)})"
        standing = "" if self.identified else ", NOT nonparametrically identified"
        return f"{self.query}: {number(self.estimate, grain)} {self.unit}{spread}{standing}"

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(frozen=True, eq=False)
class EffectMatrix:
    """The effect of every treatment (rows) on every outcome (columns); `effects["X", "Y"]` is one of them.

    Attributes:
        treatments: The rows: names, or tuples of names that are set together.
        outcomes: The columns.
        rows: The cells, one tuple per treatment; None where a node would be set and asked about at once.
        standardised: Whether effects are in sds of their outcomes; otherwise each is in the outcome's own units.
        units: Nodes and what they are measured in, where that is known.
    """

    treatments: tuple[Nodes, ...]
    outcomes: tuple[Name, ...]
    rows: tuple[tuple[Effect | None, ...], ...]
    standardised: bool = False
    units: Units = ()

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every effect, row by row."""
        return tuple(effect for row in self.rows for effect in row if effect is not None)

    def effect(self, treatment: Nodes, outcome: Name) -> Effect:
        """One cell.

        Raises:
            QueryError: The matrix does not have this row or column, or the cell is empty.
        """
        wanted = frozenset(listed(treatment))
        places = [i for i, x in enumerate(self.treatments) if frozenset(listed(x)) == wanted]
        if not places or outcome not in self.outcomes:
            raise QueryError(
                f"There is no effect of {name_of(treatment)} on {outcome!r} in this matrix: its rows are "
                f"{'; '.join(map(name_of, self.treatments))}, its columns {', '.join(map(quote, self.outcomes))}."
            )
        found = self.rows[places[0]][self.outcomes.index(outcome)]
        if found is None:
            raise QueryError(f"{outcome!r} cannot be set and asked about at once: this cell is empty.")
        return found

    def __getitem__(self, pair: tuple[Nodes, Name]) -> Effect:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise QueryError(f'A cell is named by treatment and outcome, effects["X", "Y"], not by {pair!r}.')
        return self.effect(*pair)

    def __iter__(self) -> Iterator[Effect]:
        return iter(self.effects)

    def __len__(self) -> int:
        return len(self.effects)

    @property
    def converged(self) -> bool:
        """Whether every number converged."""
        return all(effect.converged for effect in self.effects)

    def matrix(self) -> FloatArray:
        """The estimates, (treatment, outcome): 0 where there is no effect, NaN where there is no number."""
        return np.array(
            [
                [math.nan if cell is None or cell.estimate is None else cell.estimate for cell in row]
                for row in self.rows
            ],
            dtype=float,
        ).reshape(len(self.treatments), len(self.outcomes))

    def to_json(self, level: float = 0.9) -> dict[str, Any]:
        """The matrix as plain strings, numbers and lists."""
        return {
            "treatments": [listed(x) for x in self.treatments],
            "outcomes": list(self.outcomes),
            "standardised": self.standardised,
            "level": level,
            "effects": [effect.to_json(level) for effect in self.effects],
        }

    def to_pandas(self, level: float = 0.9) -> pandas.DataFrame:
        """One row per effect.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_pandas", "pandas", "interop") from None
        return pandas.DataFrame(self._flat(level))

    def to_csv(self, path: str | Path, level: float = 0.9) -> Path:
        """Write one row per effect as CSV (UTF-8, a header, empty cells for what is not there), and return the path.

        A file that stands there is replaced once the new one is whole.

        Raises:
            DataError: The file cannot be written; says why.
        """
        rows = self._flat(level)
        header = tuple(rows[0]) if rows else ("treatment", "outcome")
        return write_table(path, csv_bytes(header, (tuple(row.values()) for row in rows)))

    def _flat(self, level: float) -> list[dict[str, Any]]:
        rows = []
        for effect in self.effects:
            row = effect.to_json(level)
            lower, upper = row.pop("interval") or (None, None)
            flat = {
                "treatment": name_of(effect.treatment),
                "low": ", ".join(format_level(value) for value in effect.low),
                "high": ", ".join(format_level(value) for value in effect.high),
                "warnings": "; ".join(effect.warnings),
            }
            rows.append({**row, **flat, "lower": lower, "upper": upper})
        return rows

    def text(self, level: float = CLEAR) -> str:
        """The numbers under the names of the outcomes, marked where the interval of that level leaves 0 out."""
        return effect_sheet.text(self, level)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def to_html(self, level: float = CLEAR) -> str:
        """The table as a page for a browser."""
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Effects</title></head>\n'
            f'<body style="font-family:sans-serif">\n{effect_sheet.html(self, level)}\n</body></html>\n'
        )

    def _repr_html_(self) -> str:
        return effect_sheet.html(self, CLEAR)

    def plot(self, ax: Any = None, *, level: float = CLEAR) -> Any:
        """A heat map: blue below 0, red above, in sds of each outcome so that columns compare; returns the matplotlib axes.

        The numbers are the estimates, bold where the interval of that level leaves 0 out; a dot is no effect, hatched what is
        not identified. Save it with `axes.figure.savefig("effects.png")`.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        return effect_sheet.picture(self, ax, level)

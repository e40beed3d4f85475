"""`EffectMatrix`: the effect of every treatment on every outcome, as a table, a picture and plain numbers."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.errors import MissingExtraError, QueryError
from latentdo.graphs import Name, format_level, quote
from latentdo.identification import Nodes
from latentdo.query import Binary, Query, Value

from .answer import Answer, FloatArray
from .text import number

if TYPE_CHECKING:
    import pandas

    from latentdo.plots import Tile

LINE = 100
"""Characters of a line of text, after which columns go on below."""
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
            return f"sd of {_asked(self.query)}"
        return self.own_unit

    @property
    def estimate(self) -> float | None:
        """The posterior mean, the median where there is no trustworthy mean, 0 where there is no effect, else None."""
        if self.answer is None:
            return 0.0 if self.is_zero else None
        return (self.answer.mean if self.answer.has_mean else self.answer.median) / self.scale

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

    def text(self, level: float = CLEAR) -> str:
        """The number as a cell of a table: `·` no effect, `x` not identified, `–` no number, `*` an interval without 0."""
        if self.answer is None or self.estimate is None:
            return "·" if self.is_zero else "x" if not self.identified else "–"
        marks = ("" if self.identified else "x") + ("" if self.converged else "!")
        shown = number(self.estimate, self.answer.grain / self.scale)
        return f"{shown}{'*' if self.excludes_zero(level) else ''}{marks}"

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
    """

    treatments: tuple[Nodes, ...]
    outcomes: tuple[Name, ...]
    rows: tuple[tuple[Effect | None, ...], ...]
    standardised: bool = False

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
                f"There is no effect of {_name(treatment)} on {outcome!r} in this matrix: its rows are "
                f"{'; '.join(map(_name, self.treatments))}, its columns {', '.join(map(quote, self.outcomes))}."
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
        """Write one row per effect as CSV (UTF-8, a header, empty cells for what is not there), and return the path."""
        rows, target = self._flat(level), Path(path)
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else ["treatment", "outcome"])
            writer.writeheader()
            writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
        return target

    def _flat(self, level: float) -> list[dict[str, Any]]:
        rows = []
        for effect in self.effects:
            row = effect.to_json(level)
            lower, upper = row.pop("interval") or (None, None)
            flat = {
                "treatment": _name(effect.treatment),
                "low": ", ".join(format_level(value) for value in effect.low),
                "high": ", ".join(format_level(value) for value in effect.high),
                "warnings": "; ".join(effect.warnings),
            }
            rows.append({**row, **flat, "lower": lower, "upper": upper})
        return rows

    def to_html(self, level: float = 0.9) -> str:
        """The table as a page for a browser."""
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Effects</title></head>\n'
            f'<body style="font-family:sans-serif">\n{self._html(level)}\n</body></html>\n'
        )

    def plot(self, ax: Any = None, *, level: float = CLEAR) -> Any:
        """A heat map: blue below 0, red above, in sds of each outcome so that columns compare; returns the matplotlib axes.

        The numbers are the estimates, bold where the interval of that level leaves 0 out; a dot is no effect, hatched what is not
        identified. Save it with `axes.figure.savefig("effects.png")`.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from latentdo.plots import heat

        tiles = self._tiles(level)
        kinds = {tile.kind for row in tiles for tile in row}
        legend = []
        if any(effect.excludes_zero(level) for effect in self.effects):
            legend.append(("bold", f"{100 * level:g} % interval leaves 0 out"))
        legend += [("·", "no effect")] if "none" in kinds else []
        legend += [("hatched", "not identified")] if {"hatched", "insisted"} & kinds else []
        legend += [("blank", "no number")] if "blank" in kinds else []
        legend += [] if self.converged else [("!", "not converged")]
        return heat(
            self._row_labels,
            self._column_names,
            tiles,
            legend,
            ax=ax,
            colours="effect in sds of the outcome",
            title=self._headline,
        )

    def _tiles(self, level: float) -> list[list[Tile]]:
        from latentdo.plots import Tile

        return [[Tile() if cell is None else _tile(cell, level) for cell in row] for row in self.rows]

    @property
    def _headline(self) -> str:
        kinds = dict.fromkeys(
            e.answer.approximate for e in self.effects if e.answer is not None and e.answer.approximate
        )
        approximate = f" APPROXIMATE: {', '.join(map(str, kinds))}" if kinds else ""
        return f"Effect of each row on each column, {self._units}.{approximate}"

    @property
    def _units(self) -> str:
        return "in sds of the outcome" if self.standardised else "in the outcome's own units"

    @cached_property
    def _column_names(self) -> list[str]:
        """What is asked of each outcome: its mean by its name, a probability as P(Y = level)."""
        first = {effect.outcome: effect.query for effect in self.effects}
        return [_asked(first[outcome]) if outcome in first else quote(outcome) for outcome in self.outcomes]

    @property
    def _row_names(self) -> list[tuple[str, str]]:
        """Each treatment, and its change."""
        cells = [next((cell for cell in row if cell is not None), None) for row in self.rows]
        return [
            (_name(x), "" if cell is None else _change(cell)) for x, cell in zip(self.treatments, cells, strict=True)
        ]

    @property
    def _row_labels(self) -> list[str]:
        return [f"{name}: {change}" if change else name for name, change in self._row_names]

    def _notes(self, level: float) -> list[str]:
        """What the signs mean, in the order in which they are likely to be asked about."""
        kinds = Counter(
            sign
            for effect in self.effects
            for sign in ({"·", "x", "–"} & {effect.text(level)} or set(effect.text(level)) & {"*", "x", "!"})
        )
        meanings = {
            "*": f"the {100 * level:g} % interval leaves 0 out",
            "·": "no effect: no path leads there",
            "x": "not identified"
            + (
                ": a number rests on the prior and on the functional form"
                if any(e.answer is not None and not e.identified for e in self.effects)
                else ""
            ),
            "–": "no number",
            "!": "not converged",
        }
        return [f"{sign} {meaning}" for sign, meaning in meanings.items() if kinds[sign]]

    def _cautions(self) -> list[str]:
        """Reasons and cautions, each once, with the effects that it belongs to unless it belongs to all."""
        owners: dict[tuple[str, str], list[Effect]] = {}
        for effect in self.effects:
            if effect.answer is None and effect.reason:
                kind = "no number" if effect.identified else "not identified"
                owners.setdefault((kind, effect.reason), []).append(effect)
            for warning in effect.warnings:
                owners.setdefault(("caution", warning), []).append(effect)
        n_computed = sum(effect.answer is not None for effect in self.effects)
        lines = []
        for (kind, what), found in owners.items():
            places = [f"{_name(effect.treatment)} on {quote(effect.outcome)}" for effect in found]
            shown = ", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")
            lines.append(
                f"{kind}: {what}" if kind == "caution" and len(found) == n_computed else f"{kind} ({shown}): {what}"
            )
        return lines

    def text(self, level: float = CLEAR) -> str:
        """The numbers under the names of the outcomes, marked where the interval of that level leaves 0 out."""
        width = max((len(name) for name, _ in self._row_names), default=0)
        names = [f"{name:<{width}}  {change}" for name, change in self._row_names]
        margin = max(map(len, ("do", *names)))
        cells = [["" if cell is None else cell.text(level) for cell in row] for row in self.rows]
        columns = [[name, *(row[j] for row in cells)] for j, name in enumerate(self._column_names)]
        lines = [self._headline]
        for panel in _panels(columns, LINE - margin - 2):
            widths = [max(map(len, column)) for column in panel]
            for k, name in enumerate(("do", *names)):
                row = "  ".join(column[k].rjust(width) for column, width in zip(panel, widths, strict=True))
                lines.append(f"  {name:<{margin}}  {row}".rstrip())
        return "\n".join([*lines, *(f"  {note}" for note in [*self._notes(level), *self._cautions()])])

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self._html(0.9)

    def _html(self, level: float) -> str:
        from latentdo.plots import limit_of

        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self._column_names)
        limit = limit_of(self._tiles(level))
        body = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            + "".join(_html_cell(cell, level, limit) for cell in row)
            + "</tr>"
            for name, row in zip(self._row_labels, self.rows, strict=True)
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in [*self._notes(level), *self._cautions()])
        return (
            '<div style="overflow:auto"><table style="border-collapse:separate;border-spacing:1px">'
            f'<caption style="text-align:left">{escape(self._headline)}</caption>'
            f"<thead><tr><th>do(row), outcome</th>{head}</tr></thead><tbody>{body}</tbody></table>"
            f'<ul style="list-style:none;padding:0">{notes}</ul></div>'
        )


def listed(nodes: Nodes) -> list[Name]:
    """The names of a row or a column."""
    return [nodes] if isinstance(nodes, str) else list(nodes)


def _name(nodes: Nodes) -> str:
    return ", ".join(map(quote, listed(nodes)))


def _change(effect: Effect) -> str:
    return ", ".join(f"{format_level(a)} to {format_level(b)}" for a, b in zip(effect.low, effect.high, strict=True))


def _asked(query: Query) -> str:
    """What an effect is on: the outcome's name, or P(Y=level)."""
    assert isinstance(query.expression, Binary)
    term = query.terms[0]
    return quote(term.outcomes[0].name) if term.kind == "mean" else f"P({term.outcomes[0]})"


def _panels(columns: list[list[str]], width: int) -> list[list[list[str]]]:
    """The columns in as many groups as it takes for each to fit a line."""
    panels: list[list[list[str]]] = [[]]
    used = 0
    for column in columns:
        size = max(map(len, column)) + 2
        if panels[-1] and used + size > width:
            panels.append([])
            used = 0
        panels[-1].append(column)
        used += size
    return panels


def _tile(effect: Effect, level: float) -> Tile:
    """How a cell is drawn: its colour is the effect in sds of the outcome, whatever its number is in."""
    from latentdo.plots import Tile

    estimate = effect.estimate
    if effect.answer is None or estimate is None:
        return Tile(
            "·" if effect.is_zero else "",
            None,
            "none" if effect.is_zero else "blank" if effect.identified else "hatched",
        )
    sds = effect.answer.mean if effect.answer.has_mean else effect.answer.median
    colour = sds / effect.outcome_sd if effect.outcome_sd > 0 else None
    shown = number(estimate, effect.answer.grain / effect.scale) + ("" if effect.converged else "!")
    return Tile(shown, colour, "number" if effect.identified else "insisted", effect.excludes_zero(level))


def _html_cell(effect: Effect | None, level: float, limit: float) -> str:
    if effect is None:
        return "<td></td>"
    from latentdo.plots import tint

    tile = _tile(effect, level)
    ends = effect.interval(level)
    background, ink = tint(tile.colour, limit)
    spread = "" if ends is None or effect.is_zero else f", {100 * level:g} % interval {ends[0]:.4g} to {ends[1]:.4g}"
    told = escape(f"{effect.query}: {effect.reason or f'{effect.estimate:.4g} {effect.unit}{spread}'}", quote=True)
    hatch = (
        ";background-image:repeating-linear-gradient(45deg,#bbb 0 1px,transparent 1px 6px)"
        if not effect.identified
        else ""
    )
    weight = ";font-weight:bold" if tile.bold else ""
    return (
        f'<td style="background-color:{background};color:{ink};text-align:right;padding:0 .4em{weight}{hatch}" '
        f'title="{told}">{escape(tile.text)}</td>'
    )

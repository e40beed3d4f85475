"""`EffectMatrix`: the effect of every treatment on every outcome, as a table, a picture and plain numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.files import write_table
from latentdo.graphs import Name, format_level, quote
from latentdo.identification import Nodes
from latentdo.models import Units
from latentdo.sheet import Cell, Column, Note, Sheet, listed

from .effect import CLEAR, Effect, asked_of, name_of, names_in
from .estimate import FloatArray
from .sheets import text_of

if TYPE_CHECKING:
    import pandas

    from latentdo.plots import Tile

LINE = 100
"""Characters of a line of text, after which columns go on below."""
MOST_NOTES = 8
"""Reasons and cautions below a table; the others are counted."""
MOST_PLACES = 4
"""Effects that a reason or a caution names."""


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
        wanted = frozenset(names_in(treatment))
        places = [i for i, x in enumerate(self.treatments) if frozenset(names_in(x)) == wanted]
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

    @arguments.with_level
    def to_json(self, level: float = 0.9) -> dict[str, Any]:
        """The matrix as plain strings, numbers and lists."""
        return {
            "treatments": [names_in(x) for x in self.treatments],
            "outcomes": list(self.outcomes),
            "standardised": self.standardised,
            "level": level,
            "effects": [effect.to_json(level) for effect in self.effects],
        }

    def _flat(self, level: float) -> Sheet:
        """One record per effect."""
        if not self.effects:
            return Sheet("", (Column("treatment"), Column("outcome")))
        return Sheet.of_records([_record(effect, level) for effect in self.effects])

    @arguments.with_level
    def to_pandas(self, level: float = 0.9) -> pandas.DataFrame:
        """One row per effect.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return self._flat(level).to_pandas()

    @arguments.with_level
    def to_csv(self, path: str | Path, level: float = 0.9) -> Path:
        """Write one row per effect as CSV (UTF-8, a header, empty cells for what is not there), and return the path.

        A file that stands there is replaced once the new one is whole.

        Raises:
            DataError: The file cannot be written; says why.
        """
        return write_table(path, self._flat(level).csv().encode("utf-8", "replace"))

    @arguments.with_level
    def sheet(self, level: float = CLEAR) -> Sheet:
        """The numbers under the names of the outcomes, marked where their interval leaves 0 out, and what the signs mean."""
        from latentdo.plots import limit_of

        tiles = self._tiles(level)
        # Half of the scale of colours: dark letters can be read on all of it.
        limit = 2.0 * limit_of(tiles)
        names = self._row_names()
        widest = max((len(name) for name, _ in names), default=0)
        rows = [
            [
                f"{name:<{widest}}  {change}",
                *(_cell(cell, tile, level, limit) for cell, tile in zip(row, drawn, strict=True)),
            ]
            for (name, change), row, drawn in zip(names, self.rows, tiles, strict=True)
        ]
        columns = [Column("do"), *(Column(name, "number") for name in self._column_names())]
        return Sheet.of(self._headline(), columns, rows, notes=(*self._signs(level), *self._notes()))

    @arguments.with_level
    def text(self, level: float = CLEAR) -> str:
        """The table in plain text, in as many panels as it takes for lines to fit."""
        return text_of(self.sheet(level), LINE)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    @arguments.with_level
    def to_html(self, level: float = CLEAR) -> str:
        """The table as a page for a browser."""
        return self.sheet(level).page()

    def _repr_html_(self) -> str:
        return self.sheet().html()

    @arguments.with_level
    def plot(self, ax: Any = None, *, level: float = CLEAR) -> Any:
        """A heat map: blue below 0, red above, in sds of each outcome so that columns compare; returns the matplotlib axes.

        The numbers are the estimates, bold where the interval of that level leaves 0 out; a dot is no effect, hatched what is
        not identified. Save it with `axes.figure.savefig("effects.png")`.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from latentdo.plots import heat

        tiles = self._tiles(level)
        kinds = {tile.kind for row in tiles for tile in row}
        legend = []
        if any(effect.excludes_zero(level) for effect in self.effects):
            legend.append(("bold", f"{100 * level:g} % interval leaves 0 out"))
        legend += [("dot", "no effect")] if "none" in kinds else []
        legend += [("hatched", "not identified")] if {"hatched", "insisted"} & kinds else []
        legend += [("blank", "no number")] if "blank" in kinds else []
        legend += [] if self.converged else [("!", "not converged")]
        return heat(
            [f"{name}: {change}" if change else name for name, change in self._row_names()],
            self._column_names(),
            tiles,
            legend,
            ax=ax,
            colours="effect in sds of the outcome",
            title=self._headline(),
        )

    # --- the parts of the table

    def _headline(self) -> str:
        units = "in sds of the outcome" if self.standardised else "in the outcome's own units"
        kinds = dict.fromkeys(effect.answer.approximate for effect in self.effects if effect.answer is not None)
        approximate = listed((kind for kind in kinds if kind), "")
        return f"Effect of each row on each column, {units}." + (f" APPROXIMATE: {approximate}" if approximate else "")

    def _column_names(self) -> list[str]:
        """What is asked of each outcome: its mean by its name, with its unit where that is known, a probability as P(Y=level)."""
        first = {effect.outcome: effect.query for effect in self.effects}
        units = {} if self.standardised else dict(self.units)
        names = [asked_of(first[outcome]) if outcome in first else quote(outcome) for outcome in self.outcomes]
        return [
            f"{name} ({units[outcome]})" if outcome in units else name
            for outcome, name in zip(self.outcomes, names, strict=True)
        ]

    def _row_names(self) -> list[tuple[str, str]]:
        """Each treatment, and its change."""
        cells = [next((cell for cell in row if cell is not None), None) for row in self.rows]
        return [
            (name_of(x), "" if cell is None else _change(cell, dict(self.units)))
            for x, cell in zip(self.treatments, cells, strict=True)
        ]

    def _tiles(self, level: float) -> list[list[Tile]]:
        from latentdo.plots import Tile

        return [[Tile() if cell is None else _tile(cell, level) for cell in row] for row in self.rows]

    def _signs(self, level: float) -> list[Note]:
        """What the signs in the table mean."""
        met: set[str] = set()
        for effect in self.effects:
            cell = effect.text(level)
            met |= {cell} if effect.answer is None else {"*", "x", "!"} & set(cell)
        insisted = any(effect.answer is not None and not effect.identified for effect in self.effects)
        meanings = {
            "*": f"the {100 * level:g} % interval leaves 0 out",
            "·": "no effect: no path leads there",
            "x": "not identified" + (": a number rests on the prior and on the functional form" if insisted else ""),
            "–": "no number",
            "!": "not converged",
        }
        return [Note(meaning, sign=sign) for sign, meaning in meanings.items() if sign in met]

    def _notes(self) -> list[Note]:
        """Reasons and cautions, those that differ only in their figures once, with the effects that they belong to."""
        owners: dict[tuple[str, str], list[tuple[str, Effect]]] = {}
        for effect in self.effects:
            remarks = [("caution", warning) for warning in effect.warnings]
            if effect.answer is None and effect.reason:
                remarks.append(("no number" if effect.identified else "not identified", effect.reason))
            for kind, words in remarks:
                owners.setdefault((kind, re.sub(r"[0-9][0-9.,]*", "0", words)), []).append((words, effect))
        n_computed = sum(effect.answer is not None for effect in self.effects)
        notes = []
        for (kind, _), alike in owners.items():
            words = alike[0][0]
            if kind == "caution" and len(alike) == n_computed:
                notes.append(Note(words, kind))
                continue
            places = [f"{name_of(effect.treatment)} on {quote(effect.outcome)}" for _, effect in alike]
            more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
            notes.append(Note(words, f"{kind} ({', '.join(places[:MOST_PLACES])}{more})"))
        if len(notes) <= MOST_NOTES:
            return notes
        rest = f"and {len(notes) - MOST_NOTES} more: see the reason and the warnings of each effect"
        return [*notes[:MOST_NOTES], Note(rest)]


def _record(effect: Effect, level: float) -> dict[str, Any]:
    row = effect.to_json(level)
    lower, upper = row.pop("interval") or (None, None)
    flat = {
        "treatment": name_of(effect.treatment),
        "low": ", ".join(format_level(value) for value in effect.low),
        "high": ", ".join(format_level(value) for value in effect.high),
        "warnings": "; ".join(effect.warnings),
    }
    return {**row, **flat, "lower": lower, "upper": upper}


def _change(effect: Effect, units: Mapping[Name, str]) -> str:
    ends = zip(names_in(effect.treatment), effect.low, effect.high, strict=True)
    shown = [(f"{format_level(low)} to {format_level(high)}", units.get(node)) for node, low, high in ends]
    return ", ".join(f"{change} {unit}" if unit else change for change, unit in shown)


def _tile(effect: Effect, level: float) -> Tile:
    """How a cell is drawn: its colour is the effect in sds of the outcome, whatever its number is in."""
    from latentdo.plots import Tile

    if effect.answer is None or effect.estimate is None:
        if effect.is_zero:
            return Tile(kind="none")
        return Tile(kind="blank" if effect.identified else "hatched")
    own = effect.estimate * effect.scale
    colour = own / effect.outcome_sd if effect.outcome_sd > 0 else None
    shown = effect.shown + ("" if effect.converged else "!")
    return Tile(shown, colour, "number" if effect.identified else "insisted", effect.excludes_zero(level))


def _cell(effect: Effect | None, tile: Tile, level: float, limit: float) -> Cell:
    """A number in its colour, with its question, interval or reason to read."""
    if effect is None:
        return Cell("")
    from latentdo.plots import tint

    ends = None if effect.answer is None else effect.interval(level)
    spread = "" if ends is None else f" ({100 * level:g} % interval {ends[0]:.4g} to {ends[1]:.4g})"
    value = "" if effect.estimate is None else f"{effect.estimate:.4g} {effect.unit}{spread}"
    return Cell(
        effect.text(level),
        effect.estimate,
        mark="strong" if tile.bold else "" if effect.identified else "faint",
        colour=tint(tile.colour, limit)[0] if tile.colour is not None else "",
        hint=f"{effect.query}: {'; '.join(part for part in (value, effect.reason) if part)}",
    )

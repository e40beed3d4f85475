"""Foreign tables → `Dataset`: the door at which a table is refused, by column and line, or trusted.

All faults of one table are told at once.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from latentdo.arrays import BoolArray, FloatArray, IntArray
from latentdo.errors import DataError
from latentdo.graphs import quote
from latentdo.models import Level

from .cells import NUMBER
from .dataset import Dataset, stacked
from .delimited import DelimitedFile
from .experimental import Experiment, checked_do, is_several, set_by_column
from .level_columns import read_levels
from .pattern import PLAIN, Origin, Pattern
from .sources import Columns, Source, open_source

LARGEST = 1e100
_MAX_LISTED = 12
MISSING = ("latent", "drop")
"""What may be done about missing cells."""
DROP_OR_FILL = "Drop the rows that have them, or fill them in."
"""What to do about them where nothing else can be done."""
LATENT_OR_DROP = (
    'Say missing="latent" (--missing latent): each is averaged over like a hidden node of its row, as if missing at random given '
    'the rest of the model; or missing="drop" (--missing drop): such rows are left out, which assumes more.'
)
_WRONG_CELLS: tuple[tuple[str, Callable[[FloatArray], Any], str], ...] = (
    ("Infinite cells", np.isinf, "Drop the rows that have them, or replace them by what was measured."),
    (
        f"Cells beyond ±{LARGEST:g}",
        lambda values: np.isfinite(values) & (np.abs(values) > LARGEST),
        "Change the unit of the column, or remove codes that stand for something else.",
    ),
)
"""Cells that no node can have: what they are, which they are, and what to do."""


def read_table(
    data: Any,
    measured: Sequence[str],
    latent: Collection[str] = (),
    levels: Mapping[str, Sequence[Level]] | None = None,
    *,
    optional: Collection[str] = (),
    missing: str | None = None,
    do: str = "",
    advice: str = DROP_OR_FILL,
    others: Collection[str] = (),
    learning: bool = True,
) -> Dataset:
    """The columns of the measured nodes, checked; other columns are listed and not read.

    Args:
        data: A path to a `.csv`, `.tsv` or `.parquet` file, a dict of columns, or a pandas, polars or pyarrow
            table; an `Experiment`; or a list of these, whose rows are put together.
        measured: The nodes that need a column, in the order wanted.
        latent: The nodes that nobody measured; a column of that name is never read.
        levels: The nodes that have levels, whose columns may hold names, with the levels that the model states.
        optional: Those of the nodes that the table may lack.
        missing: `latent` keeps rows with missing cells, `drop` leaves them out; None refuses them.
        do: A column that names the nodes that were set in each row.
        advice: What to do about missing cells where they are refused.
        others: Measured nodes that need no column here, and may have been set.
        learning: Whether something is to be learnt from the rows: then one row, or a column that never varies, is refused.

    Raises:
        DataError: The table cannot be used; the message has every fault found, `.column` and `.line` are
            those of the first.
        MissingExtraError: A Parquet file, and no library that reads it.
    """
    given = [*data] if is_several(data) else [data]
    parts = [each if isinstance(each, Experiment) else Experiment(each, (), do) for each in given]
    parts = [replace(each, do_column=each.do_column or do) for each in parts]
    stated = dict(levels or {})
    sources = [None if isinstance(each.table, Dataset) else open_source(each.table) for each in parts]
    if len(parts) > 1:
        stated |= _common_levels([source for source in sources if source is not None], stated)
    settable = tuple(dict.fromkeys((*measured, *others)))
    for each in parts:
        checked_do(each.do, settable, latent)
    reading = _Reading(
        measured, latent, stated, optional, missing, advice, settable, alone=learning and len(parts) == 1
    )
    tables = []
    for place, (part, source) in enumerate(zip(parts, sources, strict=True), 1):
        with _placed(place, part, source, alone=len(parts) == 1):
            tables.append(reading.of(part, source))
    origins = tuple(Origin(table.source, part.do, part.do_column) for part, table in zip(parts, tables, strict=True))
    if len(tables) == 1:
        return replace(tables[0], origins=origins) if parts[0].do else tables[0]
    for place, (part, table) in enumerate(zip(parts, tables, strict=True), 1):
        if not table.n_rows and not table.dropped:
            raise DataError(
                f"{_called(place, part)} has no rows. Leave it out of the list, or see what became of its rows before."
            )
    if len({table.names for table in tables}) > 1:
        raise DataError("Of the columns that a table may lack, each of several tables needs the same.")
    whole = stacked(tables)
    _refuse(whole.source, _whole_faults(whole) if learning else [])
    return replace(whole, origins=origins)


def _called(place: int, part: Experiment) -> str:
    """One of several tables, at the beginning of a sentence."""
    return f"Table {place}" + (f", the experiment do({', '.join(map(quote, part.do))})," if part.do else "")


@contextmanager
def _placed(place: int, part: Experiment, source: Source | None, *, alone: bool) -> Iterator[None]:
    """Says of a fault in which of several tables it is, where these have no names of their own."""
    try:
        yield
    except DataError as fault:
        if alone or (source is not None and isinstance(part.table, str | Path)):
            raise
        own = "The table" if source is None else source.label.replace("the ", "The ", 1)
        said = str(fault).removeprefix(own).removeprefix(": ").removeprefix(" ")
        glue = " " if str(fault).startswith(f"{own} ") else ": "
        where = _called(place, part)
        raise DataError(
            f"{where if glue == ' ' else where.rstrip(',')}{glue}{said}", column=fault.column, line=fault.line
        ) from None


def _common_levels(sources: Sequence[Source], levels: Mapping[str, Sequence[Level]]) -> dict[str, tuple[Level, ...]]:
    """The levels that the columns of several tables show together, for nodes whose levels nobody states."""
    common: dict[str, tuple[Level, ...]] = {}
    for name in (name for name, stated in levels.items() if not stated):
        found: set[str] = set()
        for source in sources:
            if name in source.names:
                found.update(read_levels(source, {name: ()})[1].get(name, ()))
        if found:
            common[name] = tuple(sorted(found))
    return common


@dataclass(frozen=True)
class _Reading:
    """How each table is read, see `read_table`; `settable` nodes may have been set, `alone` where its rows are all rows."""

    measured: Sequence[str]
    latent: Collection[str]
    levels: Mapping[str, Sequence[Level]]
    optional: Collection[str]
    missing: str | None
    advice: str
    settable: Sequence[str]
    alone: bool

    def of(self, part: Experiment, source: Source | None) -> Dataset:
        """The rows of one table."""
        if source is None:
            measured = [name for name in self.measured if name not in self.optional or part.table.has(name)]
            rows = _selected(part.table, measured, self.latent, self.levels, alone=self.alone)
            rows = _patterned(rows, (Pattern.of(held=part.do),), np.zeros(rows.n_stored, dtype=np.intp), {})
            return _dropped(rows) if self.missing == "drop" else rows
        measured = [name for name in self.measured if name not in self.optional or name in source.names]
        _refuse(source.label, _header_faults(source))
        faults = [_missing_column(name, source, measured) for name in measured if name not in source.names]
        if faults:
            _refuse(source.label, _no_header(source))
        columns, names, wrong = self._columns(source, [name for name in measured if name in source.names])
        if wrong and len(source.names) == 1:
            # A title above the table: that no column was found follows from it.
            faults = []
        n = len(next(iter(columns.values()), ()))
        patterns, pattern = (Pattern.of(held=part.do),), np.zeros(n, dtype=np.intp)
        if part.do_column and not wrong:
            patterns, pattern = set_by_column(source, part.do_column, self.settable, self.latent)
        held = {name: np.array([name in each.held for each in patterns])[pattern] for name in columns}
        _refuse(source.label, [*faults, *wrong, *self._value_faults(columns, names, held, source)])
        rows = self._dataset(columns, names, source, measured, part.do_column)
        rows = _patterned(rows, patterns, pattern, {name: np.isnan(values) for name, values in columns.items()})
        return _dropped(rows) if self.missing == "drop" else rows

    def _columns(
        self, source: Source, present: Sequence[str]
    ) -> tuple[dict[str, FloatArray], dict[str, tuple[str, ...]], list[DataError]]:
        """The columns, NaN in missing cells; the names of their levels; and what is wrong with the others."""
        own = {node: self.levels[node] for node in present if node in self.levels}
        places, names, unknown = read_levels(source, own) if own else ({}, {}, [])
        refused = {fault.column for fault in unknown}
        numbers, wrong = source.read([name for name in present if name not in places and name not in refused])
        read = {**places, **numbers}
        return {name: read[name] for name in present if name in read}, names, [*wrong, *unknown]

    def _value_faults(
        self,
        columns: Mapping[str, FloatArray],
        names: Mapping[str, Sequence[str]],
        held: Mapping[str, BoolArray],
        source: Source,
    ) -> list[DataError]:
        """Everything that no family could have made, or from which nothing could be learnt.

        Args:
            names: The levels of columns that hold the places of names.
        """
        if (uneven := _uneven(columns)) is not None:
            return [uneven]
        gaps = {name: np.isnan(values) for name, values in columns.items()}
        n = len(next(iter(columns.values()), ()))
        if columns and self.alone and (few := _few(n)) is not None:
            return [few]
        some = {name: values for name, values in columns.items() if not (self.alone and gaps[name].all())}
        missing = [_cells_fault("Missing cells", np.isnan, self.advice, some, source)] if self.missing is None else []
        found = [*missing, *(_cells_fault(*kind, columns, source) for kind in _WRONG_CELLS)]
        found += [_all_missing(gaps)] if self.alone else []
        found += [_set_to_nothing(gaps, held, source)] if self.missing is not None else []
        if columns and self.alone:
            kept = ~np.any([*gaps.values()], axis=0) if self.missing == "drop" else np.ones(n, dtype=bool)
            whole = [name for name in some if self.missing is not None or not gaps[name].any()]
            seen = {name: columns[name][kept & ~gaps[name] & ~held[name]] for name in whole}
            found += [] if any(found) and not kept.any() else [_few(int(kept.sum())), _constant(seen, names)]
        return [fault for fault in found if fault is not None]

    def _dataset(
        self,
        columns: Mapping[str, FloatArray],
        names: Mapping[str, tuple[str, ...]],
        source: Source,
        measured: Sequence[str],
        do_column: str,
    ) -> Dataset:
        """The columns as rows that each count once; a number that some row has stands in missing cells."""
        others = [name for name in source.names if name not in measured and name != do_column]
        filled = {}
        for name, values in columns.items():
            gaps = np.isnan(values)
            filled[name] = np.where(gaps, 0.0 if gaps.all() else values[~gaps][0], values) if gaps.any() else values
            filled[name].flags.writeable = False
        return Dataset(
            columns=tuple(filled.items()),
            weights=np.ones(len(next(iter(filled.values()), ()))),
            ignored=tuple(name for name in others if name not in self.latent),
            unread=tuple(name for name in others if name in self.latent),
            source=source.label,
            levels=tuple(names.items()),
            do_column=do_column,
        )


def _patterned(rows: Dataset, patterns: Sequence[Pattern], pattern: IntArray, gaps: Mapping[str, BoolArray]) -> Dataset:
    """The rows with what was set in them, and what is missing, beside the patterns that they have already."""
    before = rows.patterns or (PLAIN,)
    of_before = np.zeros(rows.n_stored, dtype=np.intp) if rows.pattern is None else rows.pattern
    code: IntArray = pattern * len(before) + of_before
    for missing in gaps.values():
        if missing.any():
            code = np.unique(2 * code + missing, return_inverse=True)[1].reshape(-1)
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    found = []
    for row in first.tolist():
        own, now = before[int(of_before[row])], patterns[int(pattern[row])]
        missing = [name for name, each in gaps.items() if each[row]]
        found.append(Pattern.of({*own.missing, *missing}, {*own.held, *now.held}))
    return replace(rows, patterns=tuple(found), pattern=place.reshape(-1)).patterned(found)


def _dropped(rows: Dataset) -> Dataset:
    """The rows without missing cells; the others are counted."""
    if rows.pattern is None or not any(each.missing for each in rows.patterns):
        return rows
    kept = np.flatnonzero(np.array([not each.missing for each in rows.patterns])[rows.pattern])
    left = rows.picked(kept)
    return replace(left.patterned(left.patterns), dropped=rows.dropped + rows.n_rows - left.n_rows)


def _selected(
    data: Dataset,
    measured: Sequence[str],
    latent: Collection[str],
    levels: Mapping[str, Sequence[Level]],
    *,
    alone: bool = True,
) -> Dataset:
    """The measured columns of a dataset, weights and all, checked like any other table."""
    source = Columns(data.source, data.names, data.column)
    faults = [_missing_column(name, source, measured) for name in measured if not data.has(name)]
    chosen = {name: data.column(name) for name in measured if data.has(name)}
    names = {name: own for name, own in data.levels if name in chosen}
    counted = {name: values[data.weights > 0] for name, values in chosen.items()}
    cells = [_cells_fault(*kind, counted, source) for kind in _WRONG_CELLS]
    faults += [fault for fault in cells if fault is not None]
    faults += _whole_faults(replace(data.restricted(chosen), levels=tuple(names.items()))) if alone and chosen else []
    _refuse(data.source, faults)
    for name, own in tuple(names.items()):
        stated = tuple(map(str, levels.get(name, ())))
        if stated and stated != own:
            chosen[name], names[name] = _recoded(data, name, own, stated), stated
    others = [*(name for name in data.names if name not in measured), *data.ignored, *data.unread]
    return replace(
        data.restricted(chosen),
        columns=tuple(chosen.items()),
        ignored=tuple(name for name in others if name not in latent),
        unread=tuple(name for name in others if name in latent),
        levels=tuple(names.items()),
    )


def _recoded(data: Dataset, name: str, own: Sequence[str], stated: Sequence[str]) -> FloatArray:
    """A column of names in the order that the model states."""
    texts = [own[int(place)] for place in data.column(name)]
    columns, _, unknown = read_levels(Columns(data.source, data.names, lambda column: texts), {name: stated})
    _refuse(data.source, unknown)
    return columns[name]


def _header_faults(source: Source) -> list[DataError]:
    line = 1 if isinstance(source, DelimitedFile) else None
    if not len(source.names):
        return [DataError("The table has no columns.")]
    odd = [name for name in source.names if not isinstance(name, str)]
    if odd:
        return [
            DataError(
                f"Column names must be text; {', '.join(map(repr, odd[:_MAX_LISTED]))} "
                f"{'is' if len(odd) == 1 else 'are'} not. Rename the columns after the nodes of the graph."
            )
        ]
    repeated = [name for name, count in Counter(source.names).items() if count > 1]
    return [
        DataError(
            f"The column name {name!r} occurs {list(source.names).count(name)} times (columns "
            f"{', '.join(str(i + 1) for i, other in enumerate(source.names) if other == name)}). "
            "Rename or remove all but one.",
            column=name,
            line=line,
        )
        for name in repeated
    ]


def _missing_column(node: str, source: Source, measured: Collection[str]) -> DataError:
    free = [name for name in source.names if name not in measured]
    same = [name for name in free if name.strip().casefold() == node.casefold()]
    close = difflib.get_close_matches(node, free, n=1, cutoff=0.6)
    plain = unicodedata.normalize("NFC", node)
    if alike := [name for name in free if unicodedata.normalize("NFC", name.strip()) == plain and name.strip() != node]:
        hint = f"Column {alike[0]!r} looks the same, but is written with other code points (Unicode normal forms): rename it."
    elif same:
        hint = f"Column {same[0]!r} differs only in case or blanks, which count: rename it."
    elif close:
        hint = f"Is it the column {close[0]!r}? Then rename that one."
    else:
        listed = [*map(repr, source.names[:_MAX_LISTED])]
        hint = f"The columns are {', '.join(listed)}{', …' if len(source.names) > _MAX_LISTED else ''}."
    return DataError(
        f"There is no column for the node {node!r}. {hint} If nobody measured it, write {_as_latent(node)}.",
        column=node,
    )


def _as_latent(node: str) -> str:
    """The statement that a node is latent, as it is shown; a name in backticks has no others around it."""
    words = f"latent {quote(node)}"
    return words if "`" in words else f"`{words}`"


def _no_header(source: Source) -> list[DataError]:
    """Why none of the column names can be meant as one, if that is so: then no name is said to be missing."""
    if all(NUMBER.fullmatch(name) for name in source.names):
        return [DataError("Line 1 holds numbers only; expected the names of the columns: write them above it.", line=1)]
    if source.names[0].lower().startswith(("<!doctype", "<html", "<?xml")):
        return [DataError("This is a web page, not a table. Save the file itself, not the page that shows it.", line=1)]
    return []


def _uneven(columns: Mapping[str, FloatArray]) -> DataError | None:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) <= 1:
        return None
    listed = ", ".join(f"{name!r} {n}" for name, n in lengths.items())
    return DataError(
        f"The columns have different lengths: {listed}. Each needs one value per row.",
        column=min(lengths, key=lengths.__getitem__),
    )


def _few(n: int) -> DataError | None:
    if n >= 2:
        return None
    rows = "no rows" if n == 0 else "only one row"
    return DataError(f"The table has {rows}; at least 2 are needed to learn anything.")


def _whole_faults(rows: Dataset) -> list[DataError]:
    """What is wrong with all rows together, of which each part was checked."""
    if (few := _few(rows.n_rows)) is not None:
        return [few]
    counted = rows.weights > 0
    gaps = {name: rows.missing(name)[counted] for name in rows.names}
    some = [name for name, missing in gaps.items() if not missing.all()]
    seen = {name: rows.column(name)[counted & ~rows.missing(name) & ~rows.held(name)] for name in some}
    faults = [_all_missing(gaps), _constant(seen, dict(rows.levels))]
    return [fault for fault in faults if fault is not None]


def _all_missing(gaps: Mapping[str, BoolArray]) -> DataError | None:
    """Nothing of a column was seen: it is a latent, and no missing cell."""
    names = [name for name, missing in gaps.items() if len(missing) and missing.all()]
    if not names:
        return None
    return DataError(
        f"Missing in every row: {', '.join(map(repr, names))}. What nobody measured is no missing cell but a latent node: write "
        f"{_as_latent(names[0])} in the model.",
        column=names[0],
    )


def _set_to_nothing(gaps: Mapping[str, BoolArray], held: Mapping[str, BoolArray], source: Source) -> DataError | None:
    for name, missing in gaps.items():
        if (both := missing & held[name]).any():
            place, line = source.place(int(np.flatnonzero(both)[0]))
            return DataError(
                f"{name!r} was set in {place}, and its cell there is missing. Write the value at which it was held.",
                column=name,
                line=line,
            )
    return None


def _cells_fault(
    what: str, wrong: Callable[[FloatArray], Any], advice: str, columns: Mapping[str, FloatArray], source: Source
) -> DataError | None:
    """One message on all columns that have such cells, with their counts and the first place."""
    found = {name: np.flatnonzero(wrong(values)) for name, values in columns.items()}
    hit = {name: rows for name, rows in found.items() if len(rows)}
    if not hit:
        return None
    n = len(next(iter(columns.values())))
    first = min(hit, key=lambda name: hit[name][0])
    place, line = source.place(int(hit[first][0]))
    counts = ", ".join(f"{name!r} {len(rows)}" for name, rows in hit.items())
    return DataError(
        f"{what}: {counts} (of {n} rows; the first is {first!r} in {place}). {advice}",
        column=first,
        line=line,
    )


def _constant(columns: Mapping[str, FloatArray], names: Mapping[str, Sequence[str]]) -> DataError | None:
    """Columns that never vary, of those cells in which their nodes were seen and left alone."""
    alone = [name for name, values in columns.items() if not len(values)]
    if alone:
        return DataError(
            f"Set in every row: {', '.join(map(repr, alone))}. Nothing says how such a node comes about by itself. Add rows in "
            f"which it was not set; or leave out do= for it, and write it as a node without causes: {alone[0]} ~ normal.",
            column=alone[0],
        )
    same = {
        name: values[0] for name, values in columns.items() if np.isfinite(values).all() and (values == values[0]).all()
    }
    if not same:
        return None
    shown = {name: repr(names[name][int(value)]) if name in names else f"{value:.6g}" for name, value in same.items()}
    listed = ", ".join(f"{name!r} is {value}" for name, value in shown.items())
    return DataError(
        f"Constant in every row: {listed}. Nothing can be learnt about a node that never varies: "
        "remove it from the model, or add rows in which it differs.",
        column=next(iter(same)),
    )


def _refuse(label: str, faults: Sequence[DataError]) -> None:
    """Raise one error that tells all faults, if there are any."""
    if not faults:
        return
    first = faults[0]
    label = label.replace("the ", "The ", 1) if label.startswith("the ") else label
    if len(faults) == 1:
        raise DataError(f"{label}: {first}", column=first.column, line=first.line)
    listed = "\n".join(f"- {fault}" for fault in faults)
    raise DataError(
        f"{label} cannot be used, for {len(faults)} reasons:\n{listed}", column=first.column, line=first.line
    )

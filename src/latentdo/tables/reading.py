"""Foreign tables → `Dataset`: the door at which a table is refused, by column and line, or trusted.

All faults of one table are told at once.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from latentdo.errors import DataError
from latentdo.models import Level

from .cells import NUMBER
from .dataset import Dataset, FloatArray
from .delimited import DelimitedFile
from .level_columns import read_levels
from .sources import Columns, Source, open_source

LARGEST = 1e100
_MAX_LISTED = 12
_WRONG_CELLS: tuple[tuple[str, Callable[[FloatArray], Any], str], ...] = (
    ("Missing cells", np.isnan, "Drop the rows that have them, or fill them in, before the fit."),
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
) -> Dataset:
    """The columns of the measured nodes, checked; other columns are listed and not read.

    Args:
        data: A path to a `.csv`, `.tsv` or `.parquet` file, a dict of columns, or a pandas, polars or pyarrow
            table.
        measured: The nodes that need a column, in the order wanted.
        latent: The nodes that nobody measured; a column of that name is never read.
        levels: The nodes that have levels, whose columns may hold names, with the levels that the model states.
        optional: Those of the nodes that the table may lack.

    Raises:
        DataError: The table cannot be used; the message has every fault found, `.column` and `.line` are
            those of the first.
        MissingExtraError: A Parquet file, and no library that reads it.
    """
    if isinstance(data, Dataset):
        measured = [name for name in measured if name not in optional or data.has(name)]
        return _selected(data, measured, latent, levels or {})
    source = open_source(data)
    measured = [name for name in measured if name not in optional or name in source.names]
    _refuse(source.label, _header_faults(source))
    present = [name for name in measured if name in source.names]
    faults = [_missing_column(name, source, measured) for name in measured if name not in source.names]
    if faults:
        _refuse(source.label, _no_header(source))
    places, names, unknown = read_levels(
        source, {node: levels[node] for node in present if node in levels} if levels else {}
    )
    refused = {fault.column for fault in unknown}
    numbers, wrong = source.read([name for name in present if name not in places and name not in refused])
    columns = {
        name: places[name] if name in places else numbers[name] for name in present if name in {**places, **numbers}
    }
    if wrong and len(source.names) == 1:
        # A title above the table: that no column was found follows from it.
        faults = []
    _refuse(source.label, [*faults, *wrong, *unknown, *_value_faults(columns, names, source)])
    others = [name for name in source.names if name not in measured]
    for values in columns.values():
        values.flags.writeable = False
    n = len(next(iter(columns.values()), ()))
    return Dataset(
        columns=tuple(columns.items()),
        weights=np.ones(n),
        ignored=tuple(name for name in others if name not in latent),
        unread=tuple(name for name in others if name in latent),
        source=source.label,
        levels=tuple(names.items()),
    )


def _selected(
    data: Dataset, measured: Sequence[str], latent: Collection[str], levels: Mapping[str, Sequence[Level]]
) -> Dataset:
    """The measured columns of a dataset, weights and all, checked like any other table."""
    source = Columns(data.source, data.names, data.column)
    faults = [_missing_column(name, source, measured) for name in measured if not data.has(name)]
    chosen = {name: data.column(name) for name in measured if data.has(name)}
    counted = {name: values[data.weights > 0] for name, values in chosen.items()}
    names = {name: own for name, own in data.levels if name in chosen}
    faults += _value_faults(counted, names, source, data.n_rows)
    _refuse(data.source, faults)
    for name, own in tuple(names.items()):
        stated = tuple(map(str, levels.get(name, ())))
        if stated and stated != own:
            chosen[name], names[name] = _recoded(data, name, own, stated), stated
    others = [*(name for name in data.names if name not in measured), *data.ignored, *data.unread]
    return Dataset(
        columns=tuple(chosen.items()),
        weights=data.weights,
        ignored=tuple(name for name in others if name not in latent),
        unread=tuple(name for name in others if name in latent),
        source=data.source,
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
        f"There is no column for the node {node!r}. {hint} If nobody measured it, write `latent {node}`.",
        column=node,
    )


def _no_header(source: Source) -> list[DataError]:
    """Why none of the column names can be meant as one, if that is so: then no name is said to be missing."""
    if all(NUMBER.fullmatch(name) for name in source.names):
        return [DataError("Line 1 holds numbers only; expected the names of the columns: write them above it.", line=1)]
    if source.names[0].lower().startswith(("<!doctype", "<html", "<?xml")):
        return [DataError("This is a web page, not a table. Save the file itself, not the page that shows it.", line=1)]
    return []


def _value_faults(
    columns: Mapping[str, FloatArray], names: Mapping[str, Sequence[str]], source: Source, n_rows: int | None = None
) -> list[DataError]:
    """Everything that no family could have made, or from which nothing could be learnt.

    Args:
        names: The levels of columns that hold the places of names.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} {n}" for name, n in lengths.items())
        return [
            DataError(
                f"The columns have different lengths: {listed}. Each needs one value per row.",
                column=min(lengths, key=lengths.__getitem__),
            )
        ]
    n = next(iter(lengths.values()), None)
    n = n if n_rows is None else n_rows
    if n is not None and n < 2:
        rows = "no rows" if n == 0 else "only one row"
        return [DataError(f"The table has {rows}; at least 2 are needed to learn anything.")]
    found = [*(_cells_fault(*kind, columns, source) for kind in _WRONG_CELLS), _constant(columns, names)]
    return [fault for fault in found if fault is not None]


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

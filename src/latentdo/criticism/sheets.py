"""A check as sheets: its word, what fails, what would remove it, the questions, and what found nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from latentdo.sheet import Cell, Column, Mark, Note, Row, Sheet, counted, listed

from .values import CheckedQuery, CheckRow, Layer, Repair, Word

MOST_QUIET = 20
"""Rows that are printed of those that found nothing."""
MOST_FAILED = 40
MOST_REPAIRS = 10
NONE = "–"
SAME_FORMULA = (
    "Same formula, the number may change: a model with the edge trains its factors anew, with one parent more."
)
TOGETHER = "Several of these edges may be true at once, and questions may then fare otherwise: draw them together, and ask again."
BESIDE = (
    "Where several repairs are named, train each: latentdo check FIT DATA --beside OTHER.ldo, or ld.check(posterior, data, "
    'beside={"other": fit}), says which describes the rows better.'
)
"""Repairs of one node give different answers."""


def mark_of(word: Word) -> Mark:
    """How a word stands out."""
    if word.is_alarm:
        return "bad"
    if word.fails or word is Word.UNSURE:
        return "rough"
    return "good" if word in (Word.NO_MISFIT, Word.SAME_FORMULA) else "faint"


def chance(p: float | None) -> str:
    """A p value: two digits, and no more than it can mean."""
    if p is None:
        return NONE
    if p < 1e-10:
        return "< 1e-10"
    return f"{p:.3f}" if p >= 0.0095 else f"{p:.1g}"


def failed_sheet(failed: Sequence[CheckRow]) -> Sheet:
    """What fails; where there is a choice of laws for a node, also how to choose."""
    sheet = rows_sheet("Fails:", failed, most=MOST_FAILED)
    of_laws: dict[tuple[str, ...], set[str]] = {}
    for row in failed:
        if row.layer is Layer.NODE and row.word is Word.LAW_ONLY and ": write " in row.advice:
            repairs = row.advice.partition(": write ")[2].split(" or ")
            of_laws.setdefault(row.nodes, set()).update(repairs)
    choice = any(len(repairs) > 1 for repairs in of_laws.values())
    return replace(sheet, notes=(*sheet.notes, Note(BESIDE))) if choice else sheet


def rows_sheet(title: str, rows: Sequence[CheckRow], *, most: int | None = None, folded: str = "") -> Sheet:
    """A table of what was tested; of very many rows the first."""
    shown = rows if most is None else rows[:most]
    columns = (
        Column("checked"),
        Column("p", "number"),
        Column("after Holm", "number", "adjusted"),
        Column("effect"),
        Column("word"),
        Column("advice", "prose"),
    )
    notes = (
        (Note(f"… {counted(len(rows) - len(shown), 'row')} more: .to_pandas() has them all"),)
        if len(shown) < len(rows)
        else ()
    )
    sheet = Sheet(title, columns, tuple(map(_row, shown)), notes=notes, folded=folded)
    empty = [
        column.title
        for column, is_empty in (
            (columns[1], all(row.p is None for row in shown)),
            (columns[2], all(row.adjusted is None for row in shown)),
            (columns[3], all(row.effect is None for row in shown)),
            (columns[5], not any(row.advice for row in shown)),
        )
        if is_empty
    ]
    return sheet.without(*empty)


def _row(row: CheckRow) -> Row:
    effect = NONE if row.effect is None else f"{row.effect:.2g} {row.scale}".rstrip()
    return (
        Cell(row.what, latex=f"${row.latex}$" if row.latex else ""),
        Cell(chance(row.p), row.p),
        Cell(chance(row.adjusted), row.adjusted),
        Cell(effect, row.effect),
        Cell(row.word, str(row.word), mark=mark_of(row.word)),
        Cell(row.advice),
    )


def repairs_sheet(repairs: Sequence[Repair], n_failed: int) -> Sheet:
    """The edges that would remove what fails, each with what it does to the questions."""
    complete = [repair for repair in repairs if repair.removes == n_failed]
    what = "it" if n_failed == 1 else f"all {n_failed}"
    clean = any(repair.fails_then == 0 for repair in complete)
    if complete and not clean and all(repair.fails_then for repair in complete[:MOST_REPAIRS]):
        title = f"One edge more in the graph would remove {what}, but the graph with it says other things that fail:"
    elif complete:
        title = f"One edge more in the graph would remove {what}:"
    else:
        title = f"No single edge would remove all {n_failed}; these remove most:"
    chosen = (complete or list(repairs))[:MOST_REPAIRS]
    asked = [query for query, _, _ in chosen[0].verdicts] if chosen else []
    columns = (
        Column("edge"),
        *((Column("removes", "number"),) if not complete else ()),
        Column("fails then", "number", "fails_then"),
        Column("gives up", "number", "gives_up"),
        *(Column(query) for query in asked),
    )
    rows = []
    for repair in chosen:
        # What cannot be answered any more is said first, whatever the form.
        verdicts = [Cell(says, mark="" if identified else "bad") for _, identified, says in repair.verdicts]
        removes = [] if complete else [Cell(f"{repair.removes}", repair.removes)]
        then = NONE if repair.fails_then is None else f"{repair.fails_then}"
        counts = (Cell(then, repair.fails_then), Cell(f"{repair.gives_up}", repair.gives_up))
        rows.append((Cell(repair.edge), *removes, *counts, *verdicts))
    more = len(complete or repairs) - len(chosen)
    notes = [Note(f"… {counted(more, 'edge')} more: `.repairs` has them all")] if more > 0 else []
    for place, query in enumerate(asked):
        lost = [repair.edge for repair in chosen if repair.verdicts and not repair.verdicts[place][1]]
        known = [repair for repair in chosen if repair.verdicts and repair.verdicts[place][1]]
        if lost and known:
            # What can be answered no more comes before all else.
            notes.insert(0, Note(f"with {listed(lost, 'or')} no table could answer {query}", "caution"))
    notes.append(
        Note(
            "Which edge is true is for you to say: rows can only rule some out. `fails then` counts constraints of the graph "
            "with the edge that fail on the same rows, `gives up` those that hold and that it would no longer say."
        )
    )
    if any("same formula" in says for repair in chosen for _, _, says in repair.verdicts):
        notes.append(Note(SAME_FORMULA))
    if len(chosen) > 1:
        notes.append(Note(TOGETHER))
    return Sheet(title, columns, tuple(rows), notes=tuple(notes))


def queries_sheet(queries: Sequence[CheckedQuery]) -> Sheet:
    """What is said of each question."""
    columns = (
        Column("question"),
        Column("word"),
        Column("could move", "number", "could_move"),
        Column("move", "number"),
        Column("z", "number"),
        Column("by"),
        Column("sd by rows", "number", "sd_by_rows"),
        Column("advice", "prose"),
    )
    rows = tuple(
        (
            Cell(
                f"{asked.name}: {asked.query}" if asked.name not in (None, "", str(asked.query)) else str(asked.query)
            ),
            Cell(asked.word, str(asked.word), mark=mark_of(asked.word)),
            _figure(asked.could_move, "±"),
            _figure(asked.move),
            _figure(asked.z),
            Cell(asked.worst),
            _figure(asked.sd_by_rows),
            Cell("; ".join(asked.advice)),
        )
        for asked in queries
    )
    sheet = Sheet("Questions", columns, rows)
    unused = [
        column.title
        for column, cells in zip(columns, zip(*rows, strict=True), strict=True)
        if all(cell.content in (None, "") for cell in cells)
    ]
    return sheet.without(*unused)


def _figure(value: float | None, sign: str = "") -> Cell:
    return Cell(NONE if value is None else f"{sign}{value:.2g}", value)


def headline(word: Word, rows: Sequence[CheckRow], n_rows: int, level: float) -> Sheet:
    """The word and what it rests on."""
    tested = [row for row in rows if row.p is not None]
    failed = [row for row in tested if row.word.fails]
    on = f"on {counted(n_rows, 'row')}"
    match word:
        case Word.CONTRADICTED:
            graph = [row for row in tested if row.layer is Layer.GRAPH]
            wrong = [row for row in graph if row.word is Word.CONTRADICTED]
            fail = "fails" if len(wrong) == 1 else "fail"
            said = f"{len(wrong)} of {counted(len(graph), 'constraint')} of the graph {fail} {on}"
        case _ if not tested:
            said = f"nothing was tested {on}"
        case _ if failed:
            said = f"{len(failed)} of {counted(len(tested), 'check')} {'fails' if len(failed) == 1 else 'fail'} {on}"
        case _:
            said = f"{counted(len(tested), 'check')} {on}, none fails"
    return Sheet(
        f"{word}: {said}", lead=(f"level {level:g} for each layer, after Holm's correction",) if tested else ()
    )


def reasons(rows: Sequence[CheckRow]) -> list[Note]:
    """Why rows were not checked, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(row.advice, []).append(row.what)
    notes = []
    for reason, what in by_reason.items():
        more = f", … ({len(what)} in all)" if len(what) > 3 else ""
        notes.append(Note(reason, listed(what[:3], "") + more))
    return notes

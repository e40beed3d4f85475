"""Estimates as sheets: the table that people read, the one that papers print, and flat records for programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from latentdo.sheet import Cell, Column, Note, Row, Sheet, counted, latex, number, through_infinity, visible

from .estimate import Estimate
from .latex import latex_question

SEEING = "seeing instead of doing"
PRIOR_ALONE = "the prior alone"
UNCHECKED, STANDS = "not checked", "misfit, answer stands"
TOLD_SIMULATION = 0.01
"""Share of the posterior sd above which the text says how many units were simulated."""
MOST_ROWS = 60
"""Answers of which a table shows every one."""
HEAD, TAIL = 25, 5
MOST_ALIKE = 3
"""Cautions alike that are given one by one."""
_MARKS = {
    "identified": (r"\dagger", "Not nonparametrically identified: rests on the prior and on the functional form."),
    "converged": (r"\ddagger", "Not converged."),
    "approximate": (r"\ast", "Draws of an approximation, not of the posterior."),
    "median": (r"\circ", "Median of the draws, as they have no trustworthy mean."),
    "level": (r"\bullet", "Median of the draws, each of which is a level."),
}
_NESTED = ("interval", "at", "naive", "prior", "warnings", "notes", "fit")


# --- one answer in words


def one(answer: Estimate, level: float) -> str:
    """One line with the number, its interval and its standing; what it is, what stands beside it and warnings below."""
    spread = interval_text(answer, level)
    standing = [f"identified{answer.with_rows}" if answer.identified else "NOT nonparametrically identified"]
    if spread is None:
        spread = "no interval: one draw"
    else:
        spread = f"{100 * level:g} % interval {spread}"
        judged = f"{'converged' if answer.converged else 'NOT converged'} (R-hat {answer.rhat or 0:.2f})"
        standing.append(f"ESS {answer.ess:.0f}" if answer.rhat is None else judged)
    if answer.approximate:
        standing.append(f"APPROXIMATE ({answer.approximate})")
    if answer.fit is not None:
        standing.append(fit_text(answer))
    lines = [f"{point_text(answer)}  ({spread})   {' · '.join(standing)}", f"  {what(answer)}"]
    pairs = ((SEEING, answer.naive), (PRIOR_ALONE, answer.prior))
    lines += [f"  {words}: {estimate_text(other, level)}" for words, other in pairs if other is not None]
    if answer.fit is not None and answer.fit.word == UNCHECKED:
        lines += [f"  {reason}" for reason in answer.fit.advice[-1:]]
    lines += [f"  note: {note}" for note in answer.notes]
    return visible("\n".join([*lines, *(f"  caution: {warning}" for warning in answer.warnings)]))


def fit_text(answer: Estimate) -> str:
    """What the check of the fit says of it: `no misfit found (could move by ±0.21)`; empty where nobody checked."""
    if answer.fit is None:
        return ""
    reach, bound = answer.fit.could_move, answer.fit.tolerance
    if reach is None:
        return str(answer.fit.word)
    # That an answer stands is said of a tolerance, which may be wider than the interval beside it.
    within = f", less than the tolerance ±{bound:.2g}" if answer.fit.word == STANDS and bound is not None else ""
    return f"{answer.fit.word} (could move by ±{reach:.2g}{within})"


def point_text(answer: Estimate) -> str:
    """The number that is reported: the mean, or the median where the draws have no trustworthy mean or are levels."""
    return f"{'median ' if answer.is_median else ''}{number(answer.point, answer.rounding)}"


def interval_text(answer: Estimate, level: float) -> str | None:
    """The ends of the interval, `0.55 to 0.90`; None of one draw. One through infinity is in two parts."""
    interval = answer.interval(level)
    if (gap := answer.gap(level)) is not None:
        return through_infinity(gap, answer.rounding)
    return None if interval is None else " to ".join(number(end, answer.rounding) for end in interval)


def estimate_text(answer: Estimate, level: float) -> str:
    """The number with its interval: `0.72 (0.55 to 0.90)`."""
    spread = interval_text(answer, level)
    return point_text(answer) if spread is None else f"{point_text(answer)} ({spread})"


def what(answer: Estimate) -> str:
    """What the number is, and how it was computed where that is worth knowing."""
    said = answer.is_exact or (answer.sd is not None and answer.simulation_error > TOLD_SIMULATION * answer.sd)
    return " · ".join([str(answer.scale), *([answer.method] if said and answer.method else [])])


def checked(answers: Sequence[Estimate]) -> Iterator[str]:
    """Sentences on what the check of the fit says of the questions; none where nobody checked."""
    words: dict[str, list[Estimate]] = {}
    for answer in answers:
        if answer.fit is not None and answer.fit.word != UNCHECKED:
            words.setdefault(str(answer.fit.word), []).append(answer)
    if not words:
        return
    yield (
        "The rows were set against the constraints of the graph, the law of each variable given its Markov pillow, and the "
        "formula with flexible factors in place of the model's, each layer at 1 % after Holm's correction."
    )
    for word, owners in words.items():
        reaches = [own.fit.could_move for own in owners if own.fit is not None and own.fit.could_move is not None]
        most = f", where another shape could move the answer by up to {max(reaches):.2g}" if reaches else ""
        yield f"Result for {counted(len(owners), 'question')}: {word}{most}."


# --- several in a table


def table(answers: Sequence[Estimate], level: float) -> Sheet:
    """A row per answer, and what is to be said of them below; of very many their first and last ones."""
    numbers = ["mean", "sd", f"{100 * level:g} % interval", "MCSE", "R-hat", "ESS"]
    columns = [Column("query"), *(Column(title, "number") for title in numbers), Column("identified"), Column("scale")]
    shown = answers if len(answers) <= MOST_ROWS else [*answers[:HEAD], *answers[-TAIL:]]
    rows = [_row(answer, level) for answer in shown]
    # What not every table needs has a column only where some answer has it.
    extra = {
        Column("seeing", "number"): [_other(answer.naive, level) for answer in shown],
        Column(PRIOR_ALONE.removeprefix("the "), "number"): [_other(answer.prior, level) for answer in shown],
        Column("APPROXIMATE"): [answer.approximate or "" for answer in shown],
        Column("fit"): [fit_text(answer) for answer in shown],
    }
    for column, cells in extra.items():
        if any(cells):
            columns.append(column)
            rows = [(*row, Cell(cell or "–")) for row, cell in zip(rows, cells, strict=True)]
    if len(answers) > MOST_ROWS:
        gap = Cell(f"… {len(answers) - HEAD - TAIL:,} more: .to_pandas() has them all")
        rows.insert(HEAD, (gap, *(Cell("") for _ in columns[1:])))
    return Sheet("", tuple(columns), tuple(rows), notes=remarks(answers))


def _other(answer: Estimate | None, level: float) -> str:
    return "" if answer is None else estimate_text(answer, level)


def _row(answer: Estimate, level: float) -> Row:
    return (
        _question(answer),
        Cell(point_text(answer)),
        Cell("–" if answer.sd is None else number(answer.sd, answer.sd)),
        Cell(interval_text(answer, level) or "–"),
        Cell(f"{answer.mcse:.2g}"),
        Cell("–" if answer.rhat is None else f"{answer.rhat:.3f}", mark="" if answer.converged else "bad"),
        Cell(f"{answer.ess:.0f}"),
        Cell(f"yes{answer.with_rows.replace(' rows of', '')}") if answer.identified else Cell("NO", mark="bad"),
        Cell(str(answer.scale)),
    )


def _question(answer: Estimate) -> Cell:
    """The question, with its name; without one of its own HTML typesets it."""
    if answer.name and answer.name != str(answer.query):
        return Cell(f"{answer.name}: {answer.query}")
    return Cell(str(answer.query), formula=latex_question(answer.query.expression))


def text_of(sheet: Sheet, width: int | None = None) -> str:
    """A table in plain text, with what is to be said of it indented below, each in one line.

    Args:
        width: Characters of a line of the table; as long as need be unless given.
    """
    return "\n".join([replace(sheet, notes=()).text(width), *(visible(f"  {note}") for note in sheet.notes)])


def pictured(answers: Sequence[Estimate], level: float, picture: str) -> list[Sheet]:
    """The table for notebooks; below an image of the answers, as a data URI, it is folded away."""
    sheet = table(answers, level)
    if not picture:
        return [sheet]
    numbers = replace(sheet, title=f"{len(answers):,} numbers", notes=(), folded="closed")
    return [Sheet(str(answers[0].source or answers[0].query), picture=picture), numbers, Sheet(notes=sheet.notes)]


def remarks(answers: Sequence[Estimate]) -> tuple[Note, ...]:
    """Each note and caution once with its label, which names the answers it belongs to unless it belongs to all.

    Of several that differ in numbers alone, as those of a curve beyond the data do, the first and the last are given.
    """
    alike: dict[str, list[Note]] = {}
    for kind, field in (("note", "notes"), ("caution", "warnings")):
        for words, owners in _collected(answers, field):
            form = kind + re.sub(r"[-+]?\d[\d.,e+-]*", "#", words)
            alike.setdefault(form, []).append(Note(words, f"{kind}{_whose(owners, len(answers))}"))
    return tuple(note for notes in alike.values() for note in _ends(notes))


def _ends(alike: Sequence[Note]) -> Sequence[Note]:
    if len(alike) <= MOST_ALIKE:
        return alike
    last = replace(alike[-1], words=f"{alike[-1].words} (and {len(alike) - 2} more between them)")
    return [alike[0], last]


def _collected(answers: Iterable[Estimate], field: str) -> list[tuple[str, list[Estimate]]]:
    owners: dict[str, list[Estimate]] = {}
    for answer in answers:
        for words in getattr(answer, field):
            owners.setdefault(words, []).append(answer)
    return list(owners.items())


def _whose(owners: Sequence[Estimate], n: int) -> str:
    if len(owners) == n:
        return ""
    # Of a long curve it is enough to name a few points.
    named = [owner.label for owner in owners]
    shown = named if len(named) <= 4 else [*named[:2], f"{len(named) - 3} more", named[-1]]
    return f" ({'; '.join(shown)})"


# --- in a paper


def printed(answers: Sequence[Estimate], level: float) -> Sheet:
    """The table of a paper: its cells are LaTeX, and each mark that occurs is explained below."""
    also = [field for field in ("naive", "prior") if any(getattr(answer, field) is not None for answer in answers)]
    spread = f"{100 * level:g} % interval"
    columns = [Column("Question"), Column("Quantity"), Column("Estimate", "number"), Column(spread, "number")]
    for field in also:
        columns += [Column({"naive": "Seeing", "prior": "Prior alone"}[field], "number"), Column(spread, "number")]
    everyone = [*answers, *(other for answer in answers for field in also if (other := getattr(answer, field)))]
    used = {key for answer in everyone for key in _marks(answer)}
    notes = tuple(Note(words, sign=sign) for key, (sign, words) in _MARKS.items() if key in used)
    return Sheet("", tuple(columns), tuple(printed_row(answer, level, also) for answer in answers), notes=notes)


def printed_row(answer: Estimate, level: float, also: Sequence[str] = ()) -> Row:
    """Question, what the number is, the number, its interval; those of answers beside this one, `naive` and `prior`."""
    asked = f"${latex_question(answer.query.expression)}$"
    label = f"{latex.escaped(answer.name)}: {asked}" if answer.name else asked
    cells = [Cell(str(answer.query), latex=label), Cell(str(answer.scale)), *_printed_number(answer, level)]
    for field in also:
        other: Estimate | None = getattr(answer, field)
        cells += [Cell(""), Cell("")] if other is None else _printed_number(other, level)
    return tuple(cells)


def printed_line(answer: Estimate, level: float) -> str:
    r"""One row of such a table, with its `\\`."""
    return latex.line([cell.latex or latex.prose(cell.text) for cell in printed_row(answer, level)])


def _printed_number(answer: Estimate, level: float) -> list[Cell]:
    """The number with its marks, and its interval; a dash where there is none."""
    marks = "".join(_MARKS[key][0] for key in _marks(answer))
    shown = f"${latex.figure(answer.point, answer.rounding)}{f'^{{{marks}}}' if marks else ''}$"
    ends = answer.interval(level)
    interval = "--" if ends is None else latex.interval(ends[0], ends[1], answer.rounding)
    if (gap := answer.gap(level)) is not None:
        low, high = (latex.figure(end, answer.rounding) for end in gap)
        interval = rf"${high}$ to $\infty$, and $-\infty$ to ${low}$"
    return [Cell(point_text(answer), latex=shown), Cell(interval_text(answer, level) or "–", latex=interval)]


def _marks(answer: Estimate) -> list[str]:
    present = {
        "identified": not answer.identified,
        "converged": not answer.converged,
        "approximate": answer.approximate is not None,
        "median": answer.is_median and not answer.is_level,
        "level": answer.is_level,
    }
    return [key for key, is_present in present.items() if is_present]


# --- for programs


def flat(answers: Sequence[Estimate], level: float) -> Sheet:
    """One record per answer, with a column in front for each axis of a sweep."""
    if not answers:
        return Sheet("", (Column("query"),))
    records = [_record(answer, level) for answer in answers]
    keys = {key for record in records for key in record}
    axes = dict.fromkeys(name for answer in answers for name, _ in answer.at)
    # A node may be called like a column of ours.
    title = {name: f"{name} (axis)" if name in keys else name for name in axes}
    places = [{title[name]: dict(answer.at).get(name) for name in axes} for answer in answers]
    return Sheet.of_records([{**place, **record} for place, record in zip(places, records, strict=True)])


def _record(answer: Estimate, level: float) -> dict[str, Any]:
    values = answer.to_json(level)
    low, high = values["interval"] or (None, None)
    record = {key: value for key, value in values.items() if key not in _NESTED}
    record |= {"lower": low, "upper": high}
    record |= {key: "; ".join(values[key]) for key in ("warnings", "notes")}
    if values["fit"] is not None:
        record |= {"fit": values["fit"]["word"], "could_move": values["fit"]["could_move"]}
    for key in ("naive", "prior"):
        if (other := values[key]) is not None:
            ends = other["interval"] or (None, None)
            record |= {f"{key}_mean": other["mean"], f"{key}_lower": ends[0], f"{key}_upper": ends[1]}
    return record

"""A comparison in words: a table per question, cautions and what does not apply below it; in text and in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from latentdo.answers import number

from .row import ComparisonRow, Question

if TYPE_CHECKING:
    from .comparison import Comparison

WIDTH = 118
"""Characters of a line, beyond which notes go on below."""
LEAST_NOTE = 34
"""Characters that a column of notes has at least."""
LABEL = 44
"""Characters of a label beyond which its sentence stands below it."""
MOST_POINTS = 7
"""Points of a sweep that a table of text shows."""
BASELINE = "baseline"
MANY_PLACES = 3


def several(comparison: Comparison) -> str:
    """A table per question; of a sweep one for all its points, with the methods below each other."""
    return "\n\n".join(_one(group) for group in groups(comparison))


def groups(comparison: Comparison) -> list[Comparison]:
    """The rows by question, those of a sweep together."""
    found: dict[object, list[ComparisonRow]] = {}
    for row in comparison:
        question = row.question
        # Equal sweeps under different names are two.
        key = (question.name, question.source, _level(question)) if question.source is not None else id(question)
        found.setdefault(key, []).append(row)
    return [type(comparison)(tuple(rows), comparison.units) for rows in found.values()]


def _level(question: Question) -> str:
    """Of a law in a sweep the level that the question is about: each has a curve of its own."""
    source = question.source
    if source is None or not source.is_single or source.term.kind != "law":
        return ""
    return ", ".join(map(str, question.query.term.outcomes))


def heading(comparison: Comparison) -> str:
    """The question, with its name."""
    question = comparison.questions[0]
    asked = str(question.source if question.source is not None else question.query)
    level = _level(question)
    asked = f"{level} of {asked}" if level else asked
    return asked if question.name in (None, asked) else f"{asked}   ({question.name})"


def what(comparison: Comparison) -> str:
    """What the number is, and by which formula it is identified."""
    verdict = comparison.questions[0].verdict
    return f"{comparison.questions[0].scale} · {'identified' if verdict.identified else 'NOT nonparametrically identified'}"


def grain(rows: Iterable[ComparisonRow]) -> float:
    """What decides how many digits all numbers of a question have: the smallest standard error but for wide outliers."""
    spreads = sorted(row.sd for row in rows if row.sd)
    return spreads[len(spreads) // 4] if spreads else 0.0


def table(part: Comparison) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of the methods that have a number, of one question."""
    shown = [row for row in part if row.estimate is not None]
    fine = grain(shown)
    level = part[0].level if len(part) else 0.9
    header = ("method", "estimate", "sd", f"{100 * level:g} % interval", "time", "note")
    rows = []
    for row in shown:
        assert row.estimate is not None
        ends = (
            "–" if row.lower is None or row.upper is None else f"{number(row.lower, fine)} to {number(row.upper, fine)}"
        )
        note = "; ".join([*([BASELINE] if row.is_baseline else []), *([row.note] if row.note else [])])
        sd = "–" if row.sd is None else number(row.sd, fine or row.sd)
        rows.append((part.labels[row], number(row.estimate, fine), sd, ends, _seconds(row.seconds), note))
    return header, rows


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"


def sweep_table(part: Comparison) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of a sweep: a column per point, a row per method, with standard errors in brackets."""
    questions = list(part.questions)
    if len(questions) > MOST_POINTS:
        places = [round(k * (len(questions) - 1) / (MOST_POINTS - 1)) for k in range(MOST_POINTS)]
        questions = [questions[k] for k in places]
    fine = grain(part)
    by_place: dict[tuple[str, int], ComparisonRow] = {}
    names: dict[str, bool] = {}
    for row in part:
        name = part.labels[row]
        by_place[name, id(row.question)] = row
        names[name] = names.get(name, False) or row.estimate is not None
    header = ("method", *(question.place for question in questions))
    rows = []
    for name in (name for name, known in names.items() if known):
        own = [by_place.get((name, id(question))) for question in questions]
        rows.append((name, *(_cell(row, fine) for row in own)))
    return header, rows


def _cell(row: ComparisonRow | None, fine: float) -> str:
    if row is None or row.estimate is None:
        return "–"
    return number(row.estimate, fine) + ("" if row.sd is None else f" ({number(row.sd, fine or row.sd)})")


def _one(part: Comparison) -> str:
    is_sweep = part.questions[0].source is not None
    header, rows = sweep_table(part) if is_sweep else table(part)
    lines = [heading(part), f"  {what(part)}"]
    if rows:
        lines += ["", *_aligned(header, rows, folds=not is_sweep)]
    if is_sweep and len(part.questions) > MOST_POINTS:
        lines.append(
            f"{MOST_POINTS} of {len(part.questions)} points, standard errors in brackets: .to_pandas() has them all"
        )
    elif is_sweep and rows:
        lines.append("standard errors in brackets; .to_pandas() has intervals and notes")
    if said := [line for owners, words in remarks(part) for line in _hanging(f"caution ({owners}): ", words)]:
        lines += ["", *said]
    if silent := without_number(part):
        lines += ["", "Without a number:"]
        wide = max([len(names) for names, _ in silent if len(names) <= LABEL], default=0)
        for names, reason in silent:
            lines += _hanging(f"  {names.ljust(wide)}  ", reason)
    return "\n".join(lines)


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]], *, folds: bool) -> Iterator[str]:
    """Columns of equal width; the last one folded where it would run too far."""
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    start = sum(widths[:-1]) + 2 * (len(widths) - 1)
    room = max(LEAST_NOTE, WIDTH - start)
    for row in (header, *rows):
        before = "  ".join(
            cell.ljust(width) if k in (0, len(header) - 1) else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row[:-1], widths[:-1], strict=True))
        )
        last = row[-1] if folds else row[-1].rjust(widths[-1])
        pieces = (wrap(last, room, break_long_words=False, break_on_hyphens=False) if folds else [last]) or [""]
        yield f"{before}  {pieces[0]}".rstrip()
        yield from (" " * start + piece for piece in pieces[1:])


def _hanging(label: str, words: str) -> list[str]:
    """A sentence behind a label, in lines that are indented to where it begins; below a label that is too long."""
    if len(label) > LABEL + 4:
        above = wrap(label.strip(), WIDTH - 4, break_long_words=False, break_on_hyphens=False)
        start = label[: len(label) - len(label.lstrip())]
        below = wrap(words, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
        return [start + above[0], *(f"{start}  {line}" for line in above[1:]), *(f"    {line}" for line in below)]
    room = max(LEAST_NOTE, WIDTH - len(label))
    pieces = wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [(label if k == 0 else " " * len(label)) + piece for k, piece in enumerate(pieces)]


def remarks(part: Comparison) -> list[tuple[str, str]]:
    """Each caution once, with the methods (of a sweep, and the points) that it belongs to."""
    found: dict[str, list[ComparisonRow]] = {}
    shown: dict[str, dict[str, None]] = {}
    for row in part:
        for words in row.warnings:
            # Of a sweep's points, what differs in numbers alone is said once.
            form = re.sub(r"[-+]?\d[\d.,e+-]*", "#", words) if row.at else words
            found.setdefault(form, []).append(row)
            shown.setdefault(form, {})[words] = None
    return [(_owners(rows, part), _first(list(shown[form]))) for form, rows in found.items()]


def _first(alike: Sequence[str]) -> str:
    return alike[0] if len(alike) == 1 else f"{alike[0]} (and {len(alike) - 1} with other numbers)"


def _owners(rows: Sequence[ComparisonRow], part: Comparison) -> str:
    names = ", ".join(dict.fromkeys(part.labels[row] for row in rows))
    places = list(dict.fromkeys(row.question.place for row in rows if row.at))
    if not places or len(places) == len(part.questions):
        return names
    if len(places) > MANY_PLACES:
        return f"{names}, at {len(places)} of {len(part.questions)} points"
    return f"{names} at {'; '.join(places)}"


def without_number(part: Comparison) -> list[tuple[str, str]]:
    """Methods without a number at any point, those with the same reason together."""
    with_number = {part.labels[row] for row in part if row.estimate is not None}
    found: dict[str, dict[str, None]] = {}
    for row in part:
        if (name := part.labels[row]) not in with_number:
            found.setdefault(row.note, {})[name] = None
            with_number.add(name)
    return [(", ".join(names), reason) for reason, names in found.items()]


STRONG = 4
"""Cells of the model's row that are set in bold: its name and its numbers."""
_STYLE = "text-align:left;vertical-align:top"


def html(comparison: Comparison) -> str:
    """The tables as HTML, for notebooks and pages; names are escaped."""
    return "".join(section(part) for part in groups(comparison))


def section(part: Comparison, picture: str = "") -> str:
    """One question with its table.

    Args:
        picture: HTML that stands above the table.
    """
    is_sweep = part.questions[0].source is not None
    header, rows = sweep_table(part) if is_sweep else table(part)
    kinds = {part.labels[row]: row for row in part}
    head = "".join(f"<th style='{_STYLE}'>{escape(cell)}</th>" for cell in header)
    body = "".join(_html_row(row, kinds[row[0]]) for row in rows)
    numbers = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
    said = "".join(f"<li>caution ({escape(owners)}): {escape(words)}</li>" for owners, words in remarks(part))
    silent = "".join(
        f"<tr><td style='{_STYLE}'>{escape(names)}</td><td style='{_STYLE}'>{escape(reason)}</td></tr>"
        for names, reason in without_number(part)
    )
    count = len(part.methods) - len({row.method for row in part if row.estimate is not None})
    word = "method" if count == 1 else "methods"
    silent = (
        f"<details><summary>{count} {word} without a number</summary><table>{silent}</table></details>"
        if silent
        else ""
    )
    note = "<p>Standard errors in brackets.</p>" if is_sweep and rows else ""
    said = f"<ul>{said}</ul>" if said else ""
    title = f"<p><strong>{escape(heading(part))}</strong><br>{escape(what(part))}</p>"
    return f"<section>{title}{picture}{numbers}{note}{said}{silent}</section>"


def _html_row(cells: Sequence[str], row: ComparisonRow) -> str:
    colour = ";color:#777" if row.is_baseline else ""
    weights = [";font-weight:bold" if row.answer is not None and k < STRONG else "" for k in range(len(cells))]
    return (
        "<tr>"
        + "".join(
            f"<td style='{_STYLE}{colour}{weight}'>{escape(cell)}</td>"
            for cell, weight in zip(cells, weights, strict=True)
        )
        + "</tr>"
    )

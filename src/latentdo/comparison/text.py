"""A comparison in words: a table per question, cautions and what does not apply below it; in text and in HTML."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from latentdo.answers import number

from .row import ComparisonRow, Question

if TYPE_CHECKING:
    from .comparison import Comparison

WIDTH = 120
"""Characters of a line where there is no terminal that has a width."""
MARGIN = 2
"""Characters of a line that stay free: terminals break a full line."""
NARROW = 100
"""Characters of a line below which notes stand on lines of their own."""
NARROWEST = 40
LEAST_NOTE = 34
"""Characters that a column of notes has at least."""
LABEL = 44
"""Characters of a label beyond which its sentence stands below it."""
MOST_POINTS = 7
"""Points of a sweep that a table of text shows."""
BASELINE = "baseline"
MANY_PLACES = 3


def terminal_width() -> int:
    """Characters of a line: what COLUMNS says, or those of the terminal that is written to; 120 where there is neither."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        # The terminal that a notebook or a pipe was started from is not where the text is read.
        return WIDTH
    return shutil.get_terminal_size((WIDTH, 24)).columns


def several(comparison: Comparison, width: int | None = None) -> str:
    """A table per question; of a sweep one for all its points, with the methods below each other.

    Args:
        width: Characters of a line; those of the terminal unless given.
    """
    room = max(NARROWEST, (terminal_width() if width is None else width) - MARGIN)
    blocks = [_one(group, room) for group in groups(comparison)]
    if comparison.said:
        blocks.append("\n".join(_folded(comparison.said, room)))
    return "\n\n".join(blocks)


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
    header = ("method", "estimate", "SE", f"{100 * level:g} % interval", "time", "note")
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


def sweep_table(part: Comparison, most: int = MOST_POINTS) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of a sweep: a column per point, a row per method, with standard errors in brackets.

    Args:
        most: How many points are shown, evenly.
    """
    questions = list(part.questions)
    if len(questions) > most:
        places = [round(k * (len(questions) - 1) / (most - 1)) for k in range(most)]
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


def _one(part: Comparison, width: int) -> str:
    is_sweep = part.questions[0].source is not None
    lines = [*_folded(heading(part), width), *(f"  {line}" for line in _folded(what(part), width - 2))]
    lines += _sweep(part, width) if is_sweep else _table(part, width)
    if said := [line for owners, words in remarks(part) for line in _hanging(f"caution ({owners}): ", words, width)]:
        lines += ["", *said]
    if silent := without_number(part):
        lines += ["", "Without a number:"]
        label = min(LABEL, width // 3)
        wide = max([len(names) for names, _ in silent if len(names) <= label], default=0)
        for names, reason in silent:
            lines += _hanging(f"  {names.ljust(wide)}  ", reason, width)
    return "\n".join(lines)


def _table(part: Comparison, width: int) -> list[str]:
    """The numbers with their notes beside them, or below them where there is no room; empty without a number."""
    header, rows = table(part)
    if not rows:
        return []
    if width + MARGIN >= NARROW:
        return ["", *_aligned(header, rows, width)]
    lines = [""]
    numbers = _aligned(header[:-1], [row[:-1] for row in rows])
    lines.append(next(numbers))
    for line, row in zip(numbers, rows, strict=True):
        lines += [line, *(f"    {words}" for words in _folded(row[-1], width - 4) if words)]
    return lines


def _sweep(part: Comparison, width: int) -> list[str]:
    """As many points as there is room for, and what stands in brackets; empty without a number."""
    count = len(part.questions)
    for most in range(min(count, MOST_POINTS), 1, -1):
        header, rows = sweep_table(part, most)
        lines = list(_aligned(header, rows))
        if max(map(len, lines)) <= width:
            break
    else:
        most, (header, rows) = min(2, count), sweep_table(part, min(2, count))
        lines = list(_aligned(header, rows))
    if not rows:
        return []
    brackets = "SE in brackets" if any(row.sd is not None for row in part) else ""
    if most < count:
        said = f"{most} of {count} points{', ' if brackets else ''}{brackets}: .to_pandas() has them all"
    else:
        said = f"{brackets}; " if brackets else ""
        said += ".to_pandas() has intervals and notes"
    return ["", *lines, *_folded(said, width)]


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]], room: int | None = None) -> Iterator[str]:
    """Columns of equal width; with a width of lines the last column is one of words, folded where it would run too far."""
    folds = room is not None
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    start = sum(widths[:-1]) + 2 * (len(widths) - 1)
    for row in (header, *rows):
        before = "  ".join(
            cell.ljust(width) if k in (0, len(header) - 1) else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row[:-1], widths[:-1], strict=True))
        )
        last = row[-1] if folds else row[-1].rjust(widths[-1])
        pieces = _folded(last, max(LEAST_NOTE, room - start)) if room is not None else [last]
        yield f"{before}  {pieces[0]}".rstrip()
        yield from (" " * start + piece for piece in pieces[1:])


def _folded(words: str, width: int) -> list[str]:
    """The words in lines, one at least; a number stays with its unit or its name."""
    # wrap() takes a no-break space for a letter.
    glued = re.sub(
        r"(?<=\d) (?=(?:s|sd|%)(?!\w))|(?:(?<=R-hat)|(?<=MCSE)|(?<=ESS)) (?=\d)", "\N{NO-BREAK SPACE}", words
    )
    lines = wrap(glued, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] or [""]


def _hanging(label: str, words: str, width: int) -> list[str]:
    """A sentence behind a label, in lines that are indented to where it begins; below a label that is too long."""
    if len(label) > min(LABEL, width // 3) + 4:
        above = _folded(label.strip(), width - 4)
        start = label[: len(label) - len(label.lstrip())]
        return [
            start + above[0],
            *(f"{start}  {line}" for line in above[1:]),
            *(f"    {line}" for line in _folded(words, width - 4)),
        ]
    pieces = _folded(words, max(LEAST_NOTE, width - len(label)))
    return [(label if k == 0 else " " * len(label)) + piece for k, piece in enumerate(pieces)]


_NUMBER = re.compile(r"(?<![\w`])[-+]?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
"""A number in a caution; digits within names are none."""


def remarks(part: Comparison) -> list[tuple[str, str]]:
    """Each caution once, with the methods (of a sweep, and the points) that it belongs to."""
    return [(_owners(rows, part), words) for rows, words in cautions(part)]


def cautions(part: Comparison) -> list[tuple[list[ComparisonRow], str]]:
    """Each caution once, behind the rows that it belongs to.

    Cautions that differ in numbers alone are one, with the range of each number.
    """
    found: dict[str, list[ComparisonRow]] = {}
    shown: dict[str, dict[str, None]] = {}
    for row in part:
        for words in row.warnings:
            form = _NUMBER.sub("#", words)
            found.setdefault(form, []).append(row)
            shown.setdefault(form, {})[words] = None
    return [(rows, _merged(list(shown[form]))) for form, rows in found.items()]


def _merged(alike: Sequence[str]) -> str:
    """Sentences that differ in their numbers as one: `3 to 12 of 600 rows`."""
    numbers = [_NUMBER.findall(words) for words in alike]
    ranges = iter([_range(values) for values in zip(*numbers, strict=True)])
    return _NUMBER.sub(lambda found: next(ranges)[found.string[found.start() - 1 : found.start()] == "="], alike[0])


def _range(values: Sequence[str]) -> tuple[str, str]:
    """Values as a range, and those that something is set to, which may lie at both ends of its axis, as a list."""
    ordered = sorted(dict.fromkeys(values), key=lambda value: float(value.replace(",", "")))
    if len(ordered) == 1:
        return ordered[0], ordered[0]
    listed = ordered if len(ordered) <= MOST_POINTS else [*ordered[:2], "…", *ordered[-2:]]
    return f"{ordered[0]} to {ordered[-1]}", ", ".join(listed)


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
_STYLE = "text-align:left;vertical-align:top;padding-right:0.9em"
_WHOLE = ";white-space:nowrap"
"""A cell that is never broken: a number with its unit."""


def html(comparison: Comparison) -> str:
    """The tables as HTML, for notebooks and pages; names are escaped."""
    said = f"<p>{escape(comparison.said)}</p>" if comparison.said else ""
    return "".join(section(part) for part in groups(comparison)) + said


def section(part: Comparison, picture: str = "", no_picture: str = "") -> str:
    """One question with its table.

    Args:
        picture: HTML that stands above the table.
        no_picture: Why there is none, in words.
    """
    is_sweep = part.questions[0].source is not None
    header, rows = sweep_table(part) if is_sweep else table(part)
    kinds = {part.labels[row]: row for row in part}
    # Of a sweep with two axes the places are long, and may be broken.
    head = "".join(f"<th style='{_STYLE}{'' if is_sweep else _WHOLE}'>{escape(cell)}</th>" for cell in header)
    whole = len(header) if is_sweep else len(header) - 1
    strong = len(header) if is_sweep else STRONG
    body = "".join(_html_row(row, kinds[row[0]], whole, strong) for row in rows)
    numbers = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
    # Rather than out of the page, a wide table goes on below a bar of its own.
    numbers = f"<div style='overflow-x:auto'>{numbers}</div>" if numbers else ""
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
    notes = ["SE in brackets."] if is_sweep and rows else []
    notes += [no_picture] if no_picture else []
    note = f"<p>{escape(' '.join(notes))}</p>" if notes else ""
    said = f"<ul>{said}</ul>" if said else ""
    title = f"<p><strong>{escape(heading(part))}</strong><br>{escape(what(part))}</p>"
    return f"<section>{title}{picture}{numbers}{note}{said}{silent}</section>"


def _html_row(cells: Sequence[str], row: ComparisonRow, whole: int, strong: int) -> str:
    """A row of a table, its first `whole` cells in one line each, of the model the first `strong` in bold."""
    colour = ";color:#777" if row.is_baseline else ""
    styles = [
        colour + (";font-weight:bold" if row.answer is not None and k < strong else "") + (_WHOLE if k < whole else "")
        for k in range(len(cells))
    ]
    return (
        "<tr>"
        + "".join(f"<td style='{_STYLE}{own}'>{escape(cell)}</td>" for cell, own in zip(cells, styles, strict=True))
        + "</tr>"
    )

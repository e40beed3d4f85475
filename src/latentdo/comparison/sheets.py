"""A comparison as sheets: per question its heading, a table of numbers, its cautions, and what has no number."""

from __future__ import annotations

from collections.abc import Sequence

from latentdo.answers import latex_question
from latentdo.sheet import Cell, Column, Note, Sheet, duration, latex, number, texts

from .group import MOST_POINTS, Group
from .row import NOT_CONVERGED, NOT_IDENTIFIED, ComparisonRow

BASELINE = "baseline"
NARROWEST = 40
MARGIN = 2
"""Characters of a line that stay free: terminals break a full line."""
NONE = "–"


def sheets_of(group: Group, width: int | None = None, picture: str = "", remark: str = "") -> list[Sheet]:
    """The sheets of one question, or of a sweep.

    Args:
        width: Characters of a line that the table of a sweep has to fit; any unless given.
        picture: A picture as a data URI.
        remark: A line above the table.
    """
    title = Sheet(group.heading, lead=(group.scale, *([remark] if remark else [])), picture=picture)
    table = _numbers(group) if group.source is None else _sweep(group, width)
    cautions = tuple(Note(words, f"caution ({group.owners(rows)})") for rows, words in group.cautions)
    if group.difference is not None:
        cautions = (Note(group.difference.text, "caution (methods)"), *cautions)
    silent = tuple(Note(reason, ", ".join(names)) for reason, names in group.silent.items())
    return [
        title,
        *([table] if table.rows else []),
        *([Sheet(notes=cautions)] if cautions else []),
        *([Sheet("Without a number:", notes=silent, folded="closed")] if silent else []),
    ]


def text_of(groups: Sequence[Group], remark: str, width: int) -> str:
    """All groups in plain text, in lines of so many characters."""
    room = max(NARROWEST, width - MARGIN)
    sheets = [sheet for group in groups for sheet in sheets_of(group, room)]
    return texts([*sheets, *([Sheet(lead=(remark,))] if remark else [])], room)


def _numbers(group: Group) -> Sheet:
    """The methods that have a number, of one question."""
    columns = (
        Column("method"),
        *(Column(title, "number") for title in ("estimate", "SE", f"{100 * group.level:g} % interval", "time")),
        Column("note", "prose"),
    )
    rows = []
    for row, label in group.folded.items():
        mark = "strong" if row.answer is not None else "faint" if row.is_baseline else ""
        words = [label, *_figures(row, group.spread)]
        note = "; ".join(filter(None, [BASELINE if row.is_baseline else "", row.note]))
        faint = "faint" if row.is_baseline else ""
        rows.append(
            (
                *(Cell(each, mark=mark) for each in words),
                Cell(duration(row.seconds), mark=faint),
                Cell(note, mark=faint),
            )
        )
    return Sheet(columns=columns, rows=tuple(rows))


def _figures(row: ComparisonRow, spread: float) -> tuple[str, str, str]:
    """Estimate, standard error and interval in words."""
    assert row.estimate is not None
    sd = NONE if row.sd is None else number(row.sd, spread or row.sd)
    if row.lower is None or row.upper is None:
        return number(row.estimate, spread), sd, NONE
    return number(row.estimate, spread), sd, f"{number(row.lower, spread)} to {number(row.upper, spread)}"


def _sweep(group: Group, width: int | None) -> Sheet:
    """A column per point, as many as there is room for, with standard errors in brackets."""
    count = len(group.questions)
    for most in range(min(count, MOST_POINTS), 0, -1):
        sheet = _points(group, most)
        if width is None or most <= 2 or max(map(len, sheet.text().splitlines())) <= width:
            break
    else:
        return Sheet()
    brackets = "SE in brackets" if any(row.sd is not None for row in group.rows) else ""
    if most < count:
        words = f"{most} of {count} points{', ' if brackets else ''}{brackets}: .to_pandas() has them all"
    else:
        words = f"{brackets}; .to_pandas() has intervals and notes".removeprefix("; ")
    return Sheet(columns=sheet.columns, rows=sheet.rows, notes=(Note(words),))


def _points(group: Group, most: int) -> Sheet:
    """The table of so many points, evenly."""
    questions = list(group.questions)
    if most < len(questions):
        questions = [questions[round(k * (len(questions) - 1) / max(1, most - 1))] for k in range(most)]
    rows = []
    for name, answers in group.by_method.items():
        by_question = {row.question: row for row in answers}
        cells = [_point(by_question.get(question), group.spread) for question in questions]
        mark = "strong" if answers[0].answer is not None else "faint" if answers[0].is_baseline else ""
        rows.append(tuple(Cell(words, mark=mark) for words in (name, *cells)))
    columns = (Column("method"), *(Column(question.place, "number") for question in questions))
    return Sheet(columns=columns, rows=tuple(rows))


def _point(row: ComparisonRow | None, spread: float) -> str:
    if row is None or row.estimate is None:
        return NONE
    estimate, sd, _ = _figures(row, spread)
    return estimate if row.sd is None else f"{estimate} ({sd})"


# --- LaTeX: one table of all questions, with a group of rows each

SIGNS = {
    NOT_IDENTIFIED: (r"\dagger", "Not nonparametrically identified: rests on the prior and on the functional form"),
    NOT_CONVERGED: (r"\ddagger", "Not converged"),
}
APPROXIMATE = (r"\ast", "Draws of an approximation, not of the posterior")


def latex_of(groups: Sequence[Group]) -> str:
    """A whole `tabular`: of each question the methods that have a number, and below them the names of the others.

    Cautions are footnotes with letters.
    """
    level = groups[0].level if groups else 0.9
    columns = [*("Method", "Estimate", "SE"), f"{100 * level:g} % interval", "Interval by"]
    lines = [r"\begin{tabular}{lrrll}", r"\toprule", latex.line(list(map(latex.heading, columns)))]
    footnotes: list[str] = []
    for group in groups:
        letters: dict[ComparisonRow, list[str]] = {}
        for owners, words in group.cautions:
            if words not in footnotes:
                footnotes.append(words)
            for row in dict.fromkeys(owners):
                letters.setdefault(row, []).append(_letter(footnotes.index(words)))
        question = group.first
        asked = f"${latex_question(question.query.expression)}$"
        title = f"{latex.escaped(question.name)}: {asked}" if question.name else asked
        lines += [
            r"\midrule",
            latex.spanning(f"{title}, {latex.escaped(str(question.scale))}", len(columns), small=False),
        ]
        lines += [_latex_row(row, group, letters.get(row, [])) for row in group.folded]
        if names := [name for listed in group.silent.values() for name in listed]:
            lines.append(latex.spanning(latex.prose(f"Without a number: {', '.join(names)}."), len(columns)))
    lines.append(r"\bottomrule")
    signs = dict.fromkeys(SIGNS.get(doubt, APPROXIMATE) for group in groups for doubt in group.doubts)
    lines += [latex.spanning(f"$^{{{sign}}}$ {words}.", len(columns)) for sign, words in signs]
    lines += [
        latex.spanning(f"$^{{{_letter(k)}}}$ {latex.prose(words)}", len(columns)) for k, words in enumerate(footnotes)
    ]
    return "\n".join([*lines, r"\end{tabular}"]) + "\n"


def _letter(place: int) -> str:
    """a, b, …, z, aa, ab, …"""
    letters = ""
    while place >= 0:
        letters = chr(ord("a") + place % 26) + letters
        place = place // 26 - 1
    return letters


def _latex_row(row: ComparisonRow, group: Group, letters: Sequence[str]) -> str:
    assert row.estimate is not None
    name = latex.escaped(group.folded[row]) + (f" ({BASELINE})" if row.is_baseline else "")
    name += f"$^{{{','.join(letters)}}}$" if letters else ""
    sd = "--" if row.sd is None else f"${latex.figure(row.sd, group.spread or row.sd)}$"
    ends = "--"
    if row.lower is not None and row.upper is not None:
        ends = latex.interval(row.lower, row.upper, group.spread)
    marks = "".join(sign for sign, _ in dict.fromkeys(SIGNS.get(doubt, APPROXIMATE) for doubt in row.doubts))
    estimate = latex.figure(row.estimate, group.spread) + (f"^{{{marks}}}" if marks else "")
    return latex.line([name, f"${estimate}$", sd, ends, row.interval or "--"])

"""An answer in words: one line with its number and standing, what it is, cautions below; several as a table, in text or HTML."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answer import Answer

SEEING = "seeing instead of doing"
PRIOR_ALONE = "the prior alone"
TOLD_SIMULATION = 0.01
"""Share of the posterior sd above which the text tells how many units were simulated."""
MOST_ROWS = 60
"""Answers of which a table shows every one."""
HEAD, TAIL = 25, 5
MOST_ALIKE = 3
"""Cautions alike that are given one by one."""


def number(value: float, spread: float) -> str:
    """A number with as many digits as its spread gives meaning: two of the spread."""
    if not math.isfinite(value):
        return str(value)
    # Without a spread, or with one that is rounding, six digits; z, so that nothing is printed as -0.00.
    if not math.isfinite(spread) or abs(spread) <= 1e-12 * abs(value):
        return f"{value:z.6g}"
    decimals = 1 - math.floor(math.log10(abs(spread))) if spread else 0
    if decimals < 12 and abs(value) < 1e12:
        return f"{value:z.{max(0, decimals)}f}"
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(15, max(2, size + decimals + 1))}g}"


def point_text(answer: Answer) -> str:
    """The number that is reported: the mean, or the median where the draws have no trustworthy mean or are levels."""
    return f"{'median ' if answer.is_median else ''}{number(answer.point, answer.grain)}"


def interval_text(answer: Answer, level: float) -> str | None:
    """The ends of the interval, `0.55 to 0.90`; None of one draw."""
    interval = answer.interval(level)
    return None if interval is None else " to ".join(number(end, answer.grain) for end in interval)


def estimate_text(answer: Answer, level: float) -> str:
    """The number with its interval: `0.72 (0.55 to 0.90)`."""
    spread = interval_text(answer, level)
    return point_text(answer) if spread is None else f"{point_text(answer)} ({spread})"


def one(answer: Answer, level: float) -> str:
    """One line with the number, its interval and its standing; what it is, what stands beside it and warnings below."""
    spread = interval_text(answer, level)
    standing = ["identified" if answer.identified else "NOT nonparametrically identified"]
    if spread is None:
        spread = "no interval: one draw"
    else:
        spread = f"{100 * level:g} % interval {spread}"
        judged = f"{'converged' if answer.converged else 'NOT converged'} (R-hat {answer.rhat or 0:.2f})"
        standing.append(f"ESS {answer.ess:.0f}" if answer.rhat is None else judged)
    if answer.approximate:
        standing.append(f"APPROXIMATE ({answer.approximate})")
    lines = [f"{point_text(answer)}  ({spread})   {' · '.join(standing)}", f"  {what(answer)}"]
    lines += [f"  {words}: {estimate_text(other, level)}" for words, other in beside(answer)]
    lines += [f"  note: {note}" for note in answer.notes]
    return "\n".join([*lines, *(f"  caution: {warning}" for warning in answer.warnings)])


def what(answer: Answer) -> str:
    """What the number is, and how it was computed where that is worth knowing."""
    told = answer.is_exact or (answer.sd is not None and answer.simulation_error > TOLD_SIMULATION * answer.sd)
    return " · ".join([str(answer.scale), *([answer.method] if told and answer.method else [])])


def beside(answer: Answer) -> list[tuple[str, Answer]]:
    """The answers that stand beside this one, with their headings."""
    pairs = ((SEEING, answer.naive), (PRIOR_ALONE, answer.prior))
    return [(words, other) for words, other in pairs if other is not None]


def table(answers: Sequence[Answer], level: float) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows; what not every table needs has a column only where some answer has it."""
    header = ["query", "mean", "sd", f"{100 * level:g} % interval", "MCSE", "R-hat", "ESS", "identified", "scale"]
    rows = [_row(answer, level) for answer in answers]
    extra = {
        "seeing": [_other(answer.naive, level) for answer in answers],
        PRIOR_ALONE.removeprefix("the "): [_other(answer.prior, level) for answer in answers],
        "APPROXIMATE": [answer.approximate for answer in answers],
    }
    for heading, cells in extra.items():
        if any(cells):
            header.append(heading)
            rows = [(*row, cell or "–") for row, cell in zip(rows, cells, strict=True)]
    return tuple(header), rows


def _other(answer: Answer | None, level: float) -> str | None:
    return None if answer is None else estimate_text(answer, level)


def _row(answer: Answer, level: float) -> tuple[str, ...]:
    return (
        f"{answer.name}: {answer.query}" if answer.name else str(answer.query),
        point_text(answer),
        "–" if answer.sd is None else number(answer.sd, answer.sd),
        interval_text(answer, level) or "–",
        f"{answer.mcse:.2g}",
        "–" if answer.rhat is None else f"{answer.rhat:.3f}",
        f"{answer.ess:.0f}",
        "yes" if answer.identified else "NO",
        str(answer.scale),
    )


def remarks(answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """Each note and caution once with its heading, which names the answers it belongs to unless it belongs to all.

    Of several that differ in numbers alone, as those of a curve beyond the data do, the first and the last are given.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, field in (("note", "notes"), ("caution", "warnings")):
        for words, owners in _collected(answers, field):
            form = kind + re.sub(r"[-+]?\d[\d.,e+-]*", "#", words)
            found.setdefault(form, []).append((f"{kind}{_whose(owners, len(answers))}", words))
    return [remark for alike in found.values() for remark in _ends(alike)]


def _ends(alike: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    if len(alike) <= MOST_ALIKE:
        return alike
    heading, words = alike[-1]
    return [alike[0], (heading, f"{words} (and {len(alike) - 2} more between them)")]


def _collected(answers: Iterable[Answer], field: str) -> list[tuple[str, list[Answer]]]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        for words in getattr(answer, field):
            found.setdefault(words, []).append(answer)
    return list(found.items())


def _whose(owners: Sequence[Answer], n: int) -> str:
    if len(owners) == n:
        return ""
    # Of a long curve it is enough to name a few points.
    named = [owner.label for owner in owners]
    shown = named if len(named) <= 4 else [*named[:2], f"{len(named) - 3} more", named[-1]]
    return f" ({'; '.join(shown)})"


def _shortened(answers: Sequence[Answer], level: float) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table; of a long one its beginning and its end, and between them how many were left out."""
    if len(answers) <= MOST_ROWS:
        return table(answers, level)
    header, rows = table([*answers[:HEAD], *answers[-TAIL:]], level)
    gap = (f"… {len(answers) - HEAD - TAIL:,} more: .to_pandas() has them all", *("" for _ in header[1:]))
    return header, [*rows[:HEAD], gap, *rows[HEAD:]]


def several(answers: Sequence[Answer], level: float) -> str:
    """A table with a row per answer, and what is to be said of them below."""
    header, rows = _shortened(answers, level)
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)]
    said = [f"  {heading}: {words}" for heading, words in remarks(answers)]
    return "\n".join([*(line.rstrip() for line in lines), *said])


def html(answers: Sequence[Answer], level: float, picture: str = "") -> str:
    """The table as HTML, for notebooks; names are escaped.

    Args:
        picture: An image of the answers, as a data URI: it then stands above, and the table is folded away.
    """
    header, rows = _shortened(answers, level)
    left = " style='text-align:left'"
    head = "".join(f"<th{left}>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td{left}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    said = "".join(f"<li>{escape(heading)}: {escape(words)}</li>" for heading, words in remarks(answers))
    notes = f"<ul>{said}</ul>" if said else ""
    numbers = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if not picture:
        return f"{numbers}{notes}"
    what = escape(str(answers[0].source or answers[0].query))
    image = f'<img src="{picture}" alt="{what}" style="max-width:100%">'
    return f"{image}<details><summary>{len(answers):,} numbers</summary>{numbers}</details>{notes}"

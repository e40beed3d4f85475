"""A comparison in LaTeX: a table in the manner of booktabs, with a group of rows per question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from latentdo.answers import Answer, latex_number, latex_prose, latex_question, latex_words

from .row import ComparisonRow
from .text import cautions, grain, without_number

if TYPE_CHECKING:
    from .comparison import Comparison

HEADINGS = 5
FOOTNOTE = r"0.9\linewidth"
"""How wide a footnote is: longer ones go on below."""


def table(comparison: Comparison) -> str:
    """A whole `tabular`: of each question the methods that have a number, and below them the names of the others.

    Cautions are footnotes with letters.
    """
    level = comparison[0].level if len(comparison) else 0.9
    lines = [
        r"\begin{tabular}{lrrll}",
        r"\toprule",
        rf"Method & Estimate & SE & {100 * level:g}\,\% interval & Interval by \\",
    ]
    footnotes: list[str] = []
    for part in comparison.parts:
        question = part.questions[0]
        asked = f"${latex_question(question.query.expression)}$"
        label = f"{latex_words(question.name)}: {asked}" if question.name else asked
        lines += [r"\midrule", rf"\multicolumn{{{HEADINGS}}}{{l}}{{{label}, {latex_words(str(question.scale))}}} \\"]
        fine = grain(part)
        letters: dict[ComparisonRow, list[str]] = {}
        for owners, words in cautions(part):
            if words not in footnotes:
                footnotes.append(words)
            for row in dict.fromkeys(owners):
                letters.setdefault(row, []).append(_letter(footnotes.index(words)))
        lines += [_row(row, part, fine, letters.get(row, [])) for row in part if row.estimate is not None]
        if silent := [names for names, _ in without_number(part)]:
            words = latex_prose(f"Without a number: {', '.join(silent)}.")
            lines.append(rf"\multicolumn{{{HEADINGS}}}{{l}}{{\footnotesize {words}}} \\")
    lines.append(r"\bottomrule")
    for sign, words in _marks(comparison):
        lines.append(rf"\multicolumn{{{HEADINGS}}}{{l}}{{\footnotesize $^{{{sign}}}$ {words}.}} \\")
    for k, words in enumerate(footnotes):
        lines.append(
            rf"\multicolumn{{{HEADINGS}}}{{p{{{FOOTNOTE}}}}}{{\footnotesize $^{{{_letter(k)}}}$ {latex_prose(words)}}} \\"
        )
    lines.append(r"\end{tabular}")
    return "\n".join(lines) + "\n"


def _letter(place: int) -> str:
    """a, b, …, z, aa, ab, …"""
    letters = ""
    while place >= 0:
        letters = chr(ord("a") + place % 26) + letters
        place = place // 26 - 1
    return letters


def _row(row: ComparisonRow, part: Comparison, fine: float, letters: Sequence[str]) -> str:
    assert row.estimate is not None
    name = latex_words(part.labels[row]) + (" (baseline)" if row.is_baseline else "")
    name += f"$^{{{','.join(letters)}}}$" if letters else ""
    sd = "--" if row.sd is None else f"${latex_number(row.sd, fine or row.sd)}$"
    ends = "--"
    if row.lower is not None and row.upper is not None:
        ends = f"$[{latex_number(row.lower, fine)},\\ {latex_number(row.upper, fine)}]$"
    marks = "".join(sign for sign, (_, holds) in _SIGNS.items() if row.answer is not None and holds(row.answer))
    raised = f"^{{{marks}}}" if marks else ""
    return rf"{name} & ${latex_number(row.estimate, fine)}{raised}$ & {sd} & {ends} & {row.interval or '--'} \\"


def _marks(comparison: Comparison) -> list[tuple[str, str]]:
    """The signs that occur, and what they mean."""
    answers = [row.answer for row in comparison if row.answer is not None]
    return [(sign, words) for sign, (words, holds) in _SIGNS.items() if any(map(holds, answers))]


_SIGNS: dict[str, tuple[str, Callable[[Answer], bool]]] = {
    r"\dagger": (
        "Not nonparametrically identified: rests on the prior and on the functional form",
        lambda answer: not answer.identified,
    ),
    r"\ddagger": ("Not converged", lambda answer: not answer.converged),
    r"\ast": ("Draws of an approximation, not of the posterior", lambda answer: answer.approximate is not None),
}

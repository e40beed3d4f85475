"""A matrix of forms for people: as aligned text, as a coloured table, as comma-separated text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from html import escape

from .engine.matrix import FORMS, Form

WIDEST_TEXT = 30
"""Rows or columns beyond which the text is a summary."""
LINE = 100
WORST = 8
"""Treatments that the summary names."""

_COLOURS: dict[Form, str] = {
    "no effect": "#f2f2f2",
    "seeing is doing": "#cfe8f7",
    "back-door": "#8fc3e8",
    "front-door": "#9fdcc8",
    "general formula": "#f5e58f",
    "not identified": "#f0b08c",
}
"""Light tints of the colours of Okabe & Ito, on which dark letters can be read."""
_UPRIGHT = "writing-mode:vertical-rl;text-align:right"


@dataclass(frozen=True)
class Sheet:
    """Names of the rows (what is set) and columns (what is asked about), and the form in each cell.

    Attributes:
        given: The names of what is seen, joined by commas.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    forms: tuple[tuple[Form | None, ...], ...]
    given: str = ""

    @cached_property
    def counts(self) -> dict[Form, int]:
        """How many cells have each form, in the order of `FORMS`; forms without any are left out."""
        found = Counter(form for row in self.forms for form in row if form is not None)
        return {form: found[form] for form in FORMS if found[form]}

    @property
    def headline(self) -> str:
        """How many questions there are, and how many of them are identified."""
        asked = sum(self.counts.values())
        behind = f"do(treatment){', ' if self.given else ''}{self.given}"
        identified = asked - self.counts.get("not identified", 0)
        return f"{identified} of {asked} questions P(outcome | {behind}) are identified"

    @property
    def letters(self) -> list[list[str]]:
        """The letter in each cell, empty where there is no question."""
        return [["" if form is None else FORMS[form] for form in row] for row in self.forms]

    @property
    def text(self) -> str:
        """The letters under the names with a legend, or a summary where they would be too many."""
        legend = [f"  {FORMS[form]} {form}: {count}" for form, count in self.counts.items()]
        if max(len(self.rows), len(self.columns)) > WIDEST_TEXT:
            return "\n".join([self.headline, *legend, *self._hardest()])
        return "\n".join([self.headline, *self._matrix(), *legend])

    def _matrix(self) -> list[str]:
        """Rows of letters under the names of the columns, or under their numbers where names take too much room."""
        rows, columns = self.rows, self.columns
        legend: list[str] = []
        margin = max(map(len, ("do", *rows)))
        if margin + sum(len(name) + 2 for name in columns) > LINE:
            numbers = tuple(str(j + 1) for j in range(len(columns)))
            if rows == columns:
                rows = tuple(f"{number:>2} {name}" for number, name in zip(numbers, rows, strict=True))
                margin += 3
            else:
                legend = ["  columns: " + ", ".join(map(" ".join, zip(numbers, columns, strict=True)))]
            columns = numbers
        widths = [max(2, len(name)) for name in columns]
        lines = [f"  {'do':<{margin}}  " + "  ".join(map(str.ljust, columns, widths))]
        for name, letters in zip(rows, self.letters, strict=True):
            lines.append(f"  {name:<{margin}}  " + "  ".join(map(str.ljust, letters, widths)))
        return [*(line.rstrip() for line in lines), *legend]

    def _hardest(self) -> list[str]:
        """The treatments whose effects are least often identified."""
        lost = Counter({name: row.count("not identified") for name, row in zip(self.rows, self.forms, strict=True)})
        worst = [f"{name} ({count})" for name, count in lost.most_common() if count]
        if not worst:
            return []
        return ["  effects not identified, by treatment: " + ", ".join(worst[:WORST] + ["…"] * (len(worst) > WORST))]

    @property
    def html(self) -> str:
        """The letters in their colours, each with its question and form to read."""
        legend = "".join(
            f'<li><span style="{_style(form)}">{FORMS[form]}</span> {form}: {count}</li>'
            for form, count in self.counts.items()
        )
        head = "".join(f'<th scope="col" style="{_UPRIGHT}">{escape(name)}</th>' for name in self.columns)
        body = "".join(
            f'<tr><th scope="row" style="text-align:right">{escape(x)}</th>'
            + "".join(self._cell(x, y, form) for y, form in zip(self.columns, row, strict=True))
            + "</tr>"
            for x, row in zip(self.rows, self.forms, strict=True)
        )
        return (
            '<div style="overflow:auto"><table style="border-collapse:separate;border-spacing:1px">'
            f'<caption style="text-align:left">{escape(self.headline)}</caption>'
            f"<thead><tr><th>do(row), outcome</th>{head}</tr></thead><tbody>{body}</tbody></table>"
            f'<ul style="list-style:none;padding:0">{legend}</ul></div>'
        )

    def _cell(self, x: str, y: str, form: Form | None) -> str:
        if form is None:
            return "<td></td>"
        told = escape(f"P({y} | do({x}){', ' if self.given else ''}{self.given}): {form}")
        return f'<td style="{_style(form)}" title="{told}" aria-label="{told}">{FORMS[form]}</td>'

    @property
    def page(self) -> str:
        """The coloured table as a file for a browser."""
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Answerable questions</title></head>\n'
            f'<body style="font-family:sans-serif">\n{self.html}\n</body></html>\n'
        )

    @property
    def csv(self) -> str:
        """The forms as comma-separated text: a line per row."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["do", *self.columns])
        writer.writerows([name, *(form or "" for form in row)] for name, row in zip(self.rows, self.forms, strict=True))
        return text.getvalue()


def _style(form: Form) -> str:
    return f"background:{_COLOURS[form]};color:#000;text-align:center;min-width:1.2em;padding:0 .25em"

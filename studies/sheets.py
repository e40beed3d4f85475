"""A table of words and numbers for people: as aligned text, Markdown, HTML, LaTeX and comma-separated text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from html import escape


@dataclass(frozen=True)
class Sheet:
    """Cells that are printed as they are.

    Attributes:
        title: What the table shows.
        heads: A name for each column.
        rows: The cells.
        labels: How many columns from the left are words; the others are numbers and set to the right.
        notes: What has to be known to read it, a sentence each.
        marked: Cells that must not be overlooked.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1
    notes: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.heads) for row in self.rows), "each row has a cell per column"

    def without(self, *heads: str) -> Sheet:
        """The table without the columns of these names."""
        kept = [k for k, head in enumerate(self.heads) if head not in heads]
        rows = tuple(tuple(row[k] for k in kept) for row in self.rows)
        labels = sum(k < self.labels for k in kept)
        return replace(self, heads=tuple(self.heads[k] for k in kept), rows=rows, labels=labels)

    @property
    def text(self) -> str:
        """The cells in columns under their names."""
        lines = (self.heads, *self.rows)
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.heads))]
        shown = [
            "  ".join(
                cell.ljust(width) if k < self.labels else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, "", *shown, *(f"  {note}" for note in self.notes)])

    @property
    def markdown(self) -> str:
        """A table of Markdown, without its title; the notes are a list below."""
        rule = ["---" if k < self.labels else "---:" for k in range(len(self.heads))]
        lines = [self.heads, rule, *([f"**{c}**" if c in self.marked else c for c in row] for row in self.rows)]
        grid = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
        return "\n\n".join([grid, *(["\n".join(f"- {note}" for note in self.notes)] if self.notes else [])])

    @property
    def html(self) -> str:
        """A table of HTML with its title as a caption; every cell is escaped."""
        return self.grid.replace("<table>", f"<table><caption>{escape(self.title)}</caption>", 1)

    @property
    def grid(self) -> str:
        """A table of HTML without its title."""
        words = [k < self.labels for k in range(len(self.heads))]
        kinds = ["" if each else ' class="n"' for each in words]
        head = "".join(
            f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(self.heads, kinds, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f"<td{kind}>{self._cell(cell, words=each)}</td>"
                for cell, kind, each in zip(row, kinds, words, strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        notes = f'<p class="small">{"<br>".join(map(escape, self.notes))}</p>' if self.notes else ""
        return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{notes}'

    def _cell(self, cell: str, *, words: bool) -> str:
        # Several numbers of one cell go below each other, or the table would be too wide for its page.
        shown = escape(cell) if words else escape(cell).replace("; ", ";<br>")
        return f"<b>{shown}</b>" if cell in self.marked else shown

    @property
    def latex(self) -> str:
        """A `tabular` in the manner of booktabs."""
        from latentdo.sheet import latex

        def line(cells: tuple[str, ...]) -> str:
            return " & ".join(map(latex.prose, cells)) + r" \\"

        columns = "l" * self.labels + "r" * (len(self.heads) - self.labels)
        notes = [
            rf"\multicolumn{{{len(self.heads)}}}{{p{{0.9\textwidth}}}}{{\footnotesize {latex.prose(note)}}} \\"
            for note in self.notes
        ]
        parts = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", line(self.heads), r"\midrule", *map(line, self.rows)]
        return "\n".join([*parts, r"\bottomrule", *notes, r"\end{tabular}", ""])

    @property
    def csv(self) -> str:
        """The cells as comma-separated text under a line of names."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.heads)
        writer.writerows(self.rows)
        return text.getvalue()


def figure(value: float | None, *, signed: bool = False) -> str:
    """A number with three decimals, fewer where it is large; a dash for none."""
    if value is None:
        return "–"
    sign = "+" if signed else ""
    size = abs(value)
    if size >= 1e5:
        return f"{value:{sign}.2e}"
    return f"{value:{sign}.{3 if size < 10 else 2 if size < 100 else 1}f}"


def with_error(value: float | None, error: float | None, *, signed: bool = False) -> str:
    """A number and its standard error, `0.033 ± 0.004`."""
    shown = figure(value, signed=signed)
    return shown if value is None or error is None else f"{shown} ± {figure(error)}"


def with_quartiles(median: float, low: float | None, high: float | None, error: float | None = None) -> str:
    """A median with its standard error and its quartiles, `0.033 ± 0.004 [0.016, 0.055]`."""
    shown = with_error(median, error)
    return shown if low is None or high is None else f"{shown} [{figure(low)}, {figure(high)}]"


def percent(share: float) -> str:
    """A share as whole per cent."""
    return f"{100 * share:.0f} %"


def duration(seconds: float | None) -> str:
    """Seconds, minutes or hours, whichever is short; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"

"""Words, numbers and tables for LaTeX; tables in the manner of booktabs, which is the one package that they need."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from .cells import Cell, Column, Note, Row
from .words import number, visible

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        **{sign: f"\\{sign}" for sign in "_{}$&#%"},
        # The micro sign is in every font of text; the Greek letter, which looks the same, in none.
        "μ": "µ",
    }
)
# pdfLaTeX has no sign for most of these.
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
# Signs of prose that text fonts lack, as mathematics. Greek letters go by their names.
_MATH = {
    "→": r"\to",
    "↔": r"\leftrightarrow",
    "·": r"\cdot",
    "×": r"\times",
    "±": r"\pm",
    "√": r"\surd",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "∞": r"\infty",
    "∫": r"\int",
    "∏": r"\prod",
    "−": "-",
}
_SUMMED = re.compile(r"Σ_(?:\{([^}]*)\}|(\w+'*))")
_GREEK = re.compile("[Α-Ωα-ωϵ]")
_LATIN_CAPITALS = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True))
NOTE_WIDTH = r"0.9\linewidth"
"""How wide a note below a table is: a longer one goes on in the next line."""


def escaped(words: str) -> str:
    """Words for text mode."""
    safe = _RAISED.sub(
        lambda match: rf"\textsuperscript{{{match[0].translate(_LOWERED)}}}", visible(words).translate(_SPECIAL)
    )
    # TeX would read -- and `` as other signs.
    safe = safe.replace("--", "-{}-").replace("``", "`{}`").replace("''", "'{}'")
    return _GREEK.sub(lambda match: _greek(match[0]), safe)


def prose(paragraphs: str) -> str:
    """Paragraphs for text mode: escaped, and sums and signs that text fonts lack as mathematics."""
    pieces = _SUMMED.split(paragraphs.replace("->", "→"))
    # What the pattern holds in its groups stands between the pieces that it splits: names in braces, or one without.
    words = [_plain(pieces[0])]
    for several, one, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        words += [_sum_over(several or one), _plain(rest)]
    return "".join(words)


def _sum_over(names: str) -> str:
    """The sign of a sum with what is summed over below it."""
    style = "mathrm" if re.fullmatch(r"[A-Za-z0-9', ]+", names) else "textrm"
    return rf"$\sum_{{\{style}{{{escaped(names).replace(', ', ',' + chr(92) + ' ')}}}}}$"


def _plain(words: str) -> str:
    safe = escaped(words)
    for sign, command in _MATH.items():
        safe = safe.replace(sign, f"${command}$")
    return safe


def _greek(letter: str) -> str:
    if letter in _LATIN_CAPITALS:
        return _LATIN_CAPITALS[letter]
    name = unicodedata.name(letter).removeprefix("GREEK ").replace("LAMDA", "LAMBDA").split()
    words = {"FINAL": "varsigma", "LUNATE": "epsilon"}.get(name[2] if len(name) > 3 else "", name[-1].lower())
    if words == "omicron":
        return "o"
    return rf"$\{words.capitalize() if name[0] == 'CAPITAL' else words}$"


def greek_commands() -> dict[str, str]:
    """The letter of each command that stands for one: `\\alpha`."""
    letters = filter(str.isalpha, map(chr, (*range(ord("Α"), ord("Ω") + 1), *range(ord("α"), ord("ω") + 1), ord("ϵ"))))
    return {shown.strip("$"): letter for letter in letters if (shown := _greek(letter)).startswith("$")}


def mathematical(shown: str) -> str:
    """A printed number for math mode; 1e-05 becomes a power of ten."""
    mantissa, e, exponent = shown.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if e else shown


def figure(value: float, spread: float) -> str:
    """A number for math mode, with as many digits as its spread gives meaning."""
    shown = number(value, spread)
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\textrm{--}"}.get(shown) or mathematical(shown)


def interval(low: float, high: float, spread: float) -> str:
    """An interval for text mode: `$[0.62,\\ 0.90]$`."""
    return rf"$[{figure(low, spread)},\ {figure(high, spread)}]$"


def heading(title: str) -> str:
    """A heading of a column, for text mode: `90\\,\\% interval` stays in one line."""
    return escaped(title).replace(r" \%", r"\,\%")


def line(cells: Sequence[str]) -> str:
    r"""A row of a table, with its `\\`."""
    return " & ".join(cells) + r" \\"


def spanning(words: str, n_columns: int, *, small: bool = True) -> str:
    r"""A row that is one cell, for text mode, with its `\\`; folded where it is long."""
    size = r"\footnotesize " if small else ""
    return rf"\multicolumn{{{n_columns}}}{{p{{{NOTE_WIDTH}}}}}{{{size}{words}}} \\"


def table(columns: Sequence[Column], rows: Sequence[Row], notes: Sequence[Note], *, headed: bool = True) -> str:
    """A whole `tabular`."""
    kinds = "".join("r" if column.is_right else "l" for column in columns)
    head = [line([heading(column.title) for column in columns]), r"\midrule"] if headed else []
    below = [
        spanning(
            (rf"$^{{{note.sign}}}$ " if note.sign else "") + prose(str(Note(note.words, note.label))), len(columns)
        )
        for note in notes
    ]
    body = [line([_content(cell) for cell in row]) for row in rows]
    parts = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", *head, *body, r"\bottomrule", *below, r"\end{tabular}"]
    return "\n".join(parts) + "\n"


def _content(cell: Cell) -> str:
    shown = cell.latex or prose(cell.text)
    return rf"\textbf{{{shown}}}" if cell.mark == "strong" and not cell.latex else shown

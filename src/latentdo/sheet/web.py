"""A table in HTML, and whole pages that need nothing else: no script, nothing from elsewhere, every cell escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape as _escape

from .cells import Cell, Column, Note, Row
from .words import visible

STYLE = """
.latentdo { font: 14px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; padding: 0.5em 1em; }
.latentdo h3 { font-size: 1.15em; margin: 0.2em 0 0.5em; }
.latentdo p { max-width: 62em; margin: 0.4em 0; }
.latentdo ul { margin: 0.3em 0; padding-left: 1.4em; max-width: 62em; }
.latentdo details { margin: 0.7em 0; border-top: 1px solid #d0d0d0; padding-top: 0.4em; }
.latentdo summary { font-weight: 600; cursor: pointer; }
.latentdo .wide { overflow-x: auto; }
.latentdo table { border-collapse: collapse; margin: 0.4em 0; font: inherit; color: inherit; }
.latentdo caption { text-align: left; padding-bottom: 0.3em; }
.latentdo th, .latentdo td { text-align: left; padding: 0.12em 0.9em 0.12em 0; vertical-align: top; background: none; }
.latentdo thead th { border-bottom: 1px solid #999; }
.latentdo td.n { padding-left: 0.4em; }
.latentdo thead ~ tbody td:not([class]) { min-width: 16em; }
.latentdo .n { text-align: right; font-variant-numeric: tabular-nums; }
.latentdo .w { white-space: nowrap; }
.latentdo th.u { writing-mode: vertical-rl; text-align: right; }
.latentdo td.t { text-align: center; color: #000; min-width: 1.2em; padding: 0.05em 0.25em; border: 1px solid #fff; }
.latentdo code { font-family: ui-monospace, monospace; font-size: 0.93em; white-space: pre-wrap; }
.latentdo .small { color: #555; font-size: 0.92em; }
.latentdo .faint { color: #777; }
.latentdo .good, .latentdo .bad, .latentdo .rough { border-radius: 0.3em; padding: 0.1em 0.5em; font-weight: 600; }
.latentdo .good { background: #d9efdc; color: #0b4f1c; }
.latentdo .bad { background: #f9dcd9; color: #7d1410; }
.latentdo .rough { background: #fbeac4; color: #6b4500; }
.latentdo img, .latentdo svg { max-width: 100%; height: auto; }
@media print {
.latentdo { font-size: 9pt; padding: 0; }
.latentdo .wide { overflow: visible; }
.latentdo .wide table { font-size: 0.84em; }
.latentdo thead ~ tbody td:not([class]) { min-width: 8em; }
.latentdo .w, .latentdo th { white-space: normal; overflow-wrap: break-word; }
.latentdo td.n { white-space: nowrap; }
.latentdo th, .latentdo td { padding-right: 0.5em; }
.latentdo tr, .latentdo img, .latentdo svg { break-inside: avoid; }
.latentdo h3, .latentdo summary { break-after: avoid; }
.latentdo details::details-content { content-visibility: visible; block-size: auto; }
}
"""
"""The one style of everything that is shown in notebooks and pages; it wins over a notebook's own, dark ones too."""

# What stands below a sum's sign: names in braces, or one with its primes, which are escaped already.
_SUMMED = re.compile(r"Σ_(?:\{([^}]*)\}|(\w+(?:&#x27;)*))")

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light; }}
body {{ max-width: 80rem; margin: 2rem auto; padding: 0 1rem; font-family: system-ui, sans-serif; }}
@media print {{ body {{ max-width: none; margin: 0; padding: 0; }} }}
@page {{ margin: 14mm; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def escape(text: str) -> str:
    """Text for HTML, with its unseen characters as escapes."""
    return _escape(visible(text))


def prose(text: str) -> str:
    """Words for HTML; in a formula such as `Σ_{M, Z} P(…)` with what is summed over below its sign."""
    return _SUMMED.sub(_below, escape(text))


def formula(text: str) -> str:
    """A formula in plain text, as one."""
    return f"<code>{prose(text)}</code>"


def typeset(latex: str, text: str) -> str:
    """A formula as mathematics, from its LaTeX for math mode; as text where that is beyond what is typeset here."""
    from .mathml import NotTypeset, mathml

    try:
        return mathml(latex, visible(text))
    except NotTypeset:
        return formula(text)


def _below(match: re.Match[str]) -> str:
    return f"Σ<sub>{match[1] or match[2]}</sub>"


def page(title: str, body: str) -> str:
    """A whole page for a browser around a piece of HTML."""
    return _PAGE.format(title=escape(title), body=styled(body))


def styled(body: str) -> str:
    """A piece of HTML that stands alone, with its style."""
    return f'<div class="latentdo"><style>{STYLE}</style>{body}</div>'


def table(columns: Sequence[Column], rows: Sequence[Row], *, headed: bool = True) -> str:
    """The table; one that is wider than its page gets a bar of its own."""
    if not columns or not (rows or headed):
        return ""
    head = "".join(f'<th scope="col"{_class(column, head=True)}>{escape(column.title)}</th>' for column in columns)
    head = f"<thead><tr>{head}</tr></thead>" if headed else ""
    body = "".join(
        "<tr>" + "".join(_td(cell, column) for cell, column in zip(row, columns, strict=True)) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def _class(column: Column, *, head: bool = False) -> str:
    names = {"number": "n w", "prose": "", "tile": "u" if head else "t"}.get(column.kind, "w")
    return f' class="{names}"' if names else ""


def _td(cell: Cell, column: Column) -> str:
    shown = prose(cell.text)
    if cell.formula:
        shown = typeset(cell.formula, cell.text)
    elif column.kind in ("code", "formula") and shown:
        shown = f"<code>{escape(cell.text) if column.kind == 'code' else shown}</code>"
    match cell.mark or column.mark:
        case "":
            pass
        case "strong":
            shown = f"<b>{shown}</b>"
        case mark:
            shown = f'<span class="{mark}">{shown}</span>'
    colour = f' style="background:{cell.colour}"' if cell.colour else ""
    said = escape(cell.hint)
    hint = f' title="{said}" aria-label="{said}"' if said else ""
    return f"<td{_class(column)}{colour}{hint}>{shown}</td>"


def listed(notes: Sequence[Note]) -> str:
    """Notes as a list; nothing for none."""
    items = "".join(f"<li>{prose(str(note))}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else ""


def paragraphs(lines: Sequence[str]) -> str:
    """Lines as paragraphs."""
    return "".join(f"<p>{prose(line)}</p>" for line in lines)


def picture(source: str, what: str) -> str:
    """An image that is held in the page itself.

    Args:
        source: A data URI, or the text of an SVG image.
        what: What it shows, for those who cannot see it.
    """
    if source.lstrip().startswith("<svg"):
        return f'<div role="img" aria-label="{escape(what)}">{source}</div>'
    return f'<img src="{escape(source)}" alt="{escape(what)}">'


def details(summary: str, body: str, *, unfolded: bool = False) -> str:
    """A part that is folded away under a line."""
    return f"<details{' open' if unfolded else ''}><summary>{escape(summary)}</summary>{body}</details>"

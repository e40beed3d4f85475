"""A matrix of effects for people: as aligned text, as a coloured table, as a heat map."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from latentdo.graphs import Name, format_level, quote
from latentdo.identification import Nodes
from latentdo.query import Binary, Query

if TYPE_CHECKING:
    from latentdo.plots import Tile

    from .effect_matrix import Effect, EffectMatrix

LINE = 100
"""Characters of a line of text, after which columns go on below."""
CONTINUED = "  the same rows, further columns:"
MOST_NOTES = 8
"""Reasons and cautions below a table; the others are counted."""
MOST_PLACES = 4
"""Effects that a reason or a caution names."""


def listed(nodes: Nodes) -> list[Name]:
    """The names of a row or a column."""
    return [nodes] if isinstance(nodes, str) else list(nodes)


def name_of(nodes: Nodes) -> str:
    """The names of a row, as they are typed."""
    return ", ".join(map(quote, listed(nodes)))


def asked(query: Query) -> str:
    """What an effect is on: the outcome's name, or P(Y=level)."""
    assert isinstance(query.expression, Binary)
    term = query.terms[0]
    return quote(term.outcomes[0].name) if term.kind == "mean" else f"P({term.outcomes[0]})"


def text(matrix: EffectMatrix, level: float) -> str:
    """The numbers under the names of the outcomes, in as many panels as it takes for lines to fit, and what the signs mean."""
    names = _row_names(matrix)
    widest = max((len(name) for name, _ in names), default=0)
    rows = [f"{name:<{widest}}  {change}" for name, change in names]
    margin = max(map(len, ("do", *rows)))
    cells = [["" if cell is None else cell.text(level) for cell in row] for row in matrix.rows]
    columns = [[name, *(row[j] for row in cells)] for j, name in enumerate(_column_names(matrix))]
    lines = [_headline(matrix)]
    for k, panel in enumerate(_panels(columns, LINE - margin - 2)):
        lines += [CONTINUED] if k else []
        widths = [max(map(len, column)) for column in panel]
        for i, name in enumerate(("do", *rows)):
            row = "  ".join(column[i].rjust(width) for column, width in zip(panel, widths, strict=True))
            lines.append(f"  {name:<{margin}}  {row}".rstrip())
    return "\n".join([*lines, *(f"  {note}" for note in [*_signs(matrix, level), *_notes(matrix)])])


def html(matrix: EffectMatrix, level: float) -> str:
    """The numbers in their colours, each with its question, interval or reason to read."""
    from latentdo.plots import limit_of

    tiles = _tiles(matrix, level)
    limit = limit_of(tiles)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in _column_names(matrix))
    body = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(label)}</th>'
        + "".join(_html_cell(cell, tile, level, limit) for cell, tile in zip(row, drawn, strict=True))
        + "</tr>"
        for label, row, drawn in zip(_row_labels(matrix), matrix.rows, tiles, strict=True)
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in [*_signs(matrix, level), *_notes(matrix)])
    return (
        '<div style="overflow:auto"><table style="border-collapse:separate;border-spacing:1px">'
        f'<caption style="text-align:left">{escape(_headline(matrix))}</caption>'
        f"<thead><tr><th>do(row), outcome</th>{head}</tr></thead><tbody>{body}</tbody></table>"
        f'<ul style="list-style:none;padding:0">{notes}</ul></div>'
    )


def picture(matrix: EffectMatrix, ax: Any, level: float) -> Any:
    """The numbers as a heat map, with a legend of what occurs in it; returns the matplotlib axes."""
    from latentdo.plots import heat

    tiles = _tiles(matrix, level)
    kinds = {tile.kind for row in tiles for tile in row}
    legend = []
    if any(effect.excludes_zero(level) for effect in matrix.effects):
        legend.append(("bold", f"{100 * level:g} % interval leaves 0 out"))
    legend += [("dot", "no effect")] if "none" in kinds else []
    legend += [("hatched", "not identified")] if {"hatched", "insisted"} & kinds else []
    legend += [("blank", "no number")] if "blank" in kinds else []
    legend += [] if matrix.converged else [("!", "not converged")]
    return heat(
        _row_labels(matrix),
        _column_names(matrix),
        tiles,
        legend,
        ax=ax,
        colours="effect in sds of the outcome",
        title=_headline(matrix),
    )


def _headline(matrix: EffectMatrix) -> str:
    units = "in sds of the outcome" if matrix.standardised else "in the outcome's own units"
    kinds = dict.fromkeys(effect.answer.approximate for effect in matrix.effects if effect.answer is not None)
    said = ", ".join(kind for kind in kinds if kind)
    return f"Effect of each row on each column, {units}." + (f" APPROXIMATE: {said}" if said else "")


def _column_names(matrix: EffectMatrix) -> list[str]:
    """What is asked of each outcome: its mean by its name, with its unit where that is known, a probability as P(Y=level)."""
    first = {effect.outcome: effect.query for effect in matrix.effects}
    units = {} if matrix.standardised else dict(matrix.units)
    names = [asked(first[outcome]) if outcome in first else quote(outcome) for outcome in matrix.outcomes]
    return [
        f"{name} ({units[outcome]})" if outcome in units else name
        for outcome, name in zip(matrix.outcomes, names, strict=True)
    ]


def _row_names(matrix: EffectMatrix) -> list[tuple[str, str]]:
    """Each treatment, and its change."""
    cells = [next((cell for cell in row if cell is not None), None) for row in matrix.rows]
    return [
        (name_of(x), "" if cell is None else _change(cell, dict(matrix.units)))
        for x, cell in zip(matrix.treatments, cells, strict=True)
    ]


def _row_labels(matrix: EffectMatrix) -> list[str]:
    return [f"{name}: {change}" if change else name for name, change in _row_names(matrix)]


def _change(effect: Effect, units: Mapping[Name, str]) -> str:
    ends = zip(listed(effect.treatment), effect.low, effect.high, strict=True)
    shown = [(f"{format_level(low)} to {format_level(high)}", units.get(node)) for node, low, high in ends]
    return ", ".join(f"{change} {unit}" if unit else change for change, unit in shown)


def _panels(columns: Sequence[list[str]], width: int) -> list[list[list[str]]]:
    """The columns in as many groups as it takes for each to fit a line."""
    panels: list[list[list[str]]] = [[]]
    used = 0
    for column in columns:
        size = max(map(len, column)) + 2
        if panels[-1] and used + size > width:
            panels.append([])
            used = 0
        panels[-1].append(column)
        used += size
    return panels


def _signs(matrix: EffectMatrix, level: float) -> list[str]:
    """What the signs in the table mean."""
    met: set[str] = set()
    for effect in matrix.effects:
        cell = effect.text(level)
        met |= {cell} if effect.answer is None else {"*", "x", "!"} & set(cell)
    insisted = any(effect.answer is not None and not effect.identified for effect in matrix.effects)
    meanings = {
        "*": f"the {100 * level:g} % interval leaves 0 out",
        "·": "no effect: no path leads there",
        "x": "not identified" + (": a number rests on the prior and on the functional form" if insisted else ""),
        "–": "no number",
        "!": "not converged",
    }
    return [f"{sign} {meaning}" for sign, meaning in meanings.items() if sign in met]


def _notes(matrix: EffectMatrix) -> list[str]:
    """Reasons and cautions, those that differ only in their figures once, with the effects that they belong to."""
    owners: dict[tuple[str, str], list[tuple[str, Effect]]] = {}
    for effect in matrix.effects:
        said = [("caution", warning) for warning in effect.warnings]
        if effect.answer is None and effect.reason:
            said.append(("no number" if effect.identified else "not identified", effect.reason))
        for kind, what in said:
            owners.setdefault((kind, re.sub(r"[0-9][0-9.,]*", "0", what)), []).append((what, effect))
    n_computed = sum(effect.answer is not None for effect in matrix.effects)
    lines = []
    for (kind, _), found in owners.items():
        what = found[0][0]
        if kind == "caution" and len(found) == n_computed:
            lines.append(f"{kind}: {what}")
            continue
        places = [f"{name_of(effect.treatment)} on {quote(effect.outcome)}" for _, effect in found]
        more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
        lines.append(f"{kind} ({', '.join(places[:MOST_PLACES])}{more}): {what}")
    if len(lines) <= MOST_NOTES:
        return lines
    return [*lines[:MOST_NOTES], f"and {len(lines) - MOST_NOTES} more: see the reason and the warnings of each effect"]


def _tiles(matrix: EffectMatrix, level: float) -> list[list[Tile]]:
    from latentdo.plots import Tile

    return [[Tile() if cell is None else _tile(cell, level) for cell in row] for row in matrix.rows]


def _tile(effect: Effect, level: float) -> Tile:
    """How a cell is drawn: its colour is the effect in sds of the outcome, whatever its number is in."""
    from latentdo.plots import Tile

    if effect.answer is None or effect.estimate is None:
        if effect.is_zero:
            return Tile(kind="none")
        return Tile(kind="blank" if effect.identified else "hatched")
    own = effect.estimate * effect.scale
    colour = own / effect.outcome_sd if effect.outcome_sd > 0 else None
    shown = effect.shown + ("" if effect.converged else "!")
    return Tile(shown, colour, "number" if effect.identified else "insisted", effect.excludes_zero(level))


def _html_cell(effect: Effect | None, tile: Tile, level: float, limit: float) -> str:
    if effect is None:
        return "<td></td>"
    from latentdo.plots import tint

    ends = None if effect.answer is None else effect.interval(level)
    spread = "" if ends is None else f" ({100 * level:g} % interval {ends[0]:.4g} to {ends[1]:.4g})"
    value = "" if effect.estimate is None else f"{effect.estimate:.4g} {effect.unit}{spread}"
    told = escape(f"{effect.query}: {'; '.join(part for part in (value, effect.reason) if part)}")
    background, ink = tint(tile.colour, limit)
    hatch = (
        "" if effect.identified else ";background-image:repeating-linear-gradient(45deg,#bbb 0 1px,transparent 1px 6px)"
    )
    weight = ";font-weight:bold" if tile.bold else ""
    return (
        f'<td style="background-color:{background};color:{ink};text-align:right;padding:0 .4em{weight}{hatch}" '
        f'title="{told}">{escape(effect.text(level))}</td>'
    )

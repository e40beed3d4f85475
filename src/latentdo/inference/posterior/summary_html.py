"""A fit on one page for notebooks and browsers: the rows of the text page as tables, what is wrong in colour and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from ..blocks.diagnostics import ESS_LIMIT, RHAT_LIMIT
from ..blocks.fitted import Fitted
from .account import (
    MEANING,
    SHORT,
    block_row,
    header,
    judged,
    kept,
    kinds,
    node_row,
    parameter_rows,
    shown_rhat,
    state,
    title,
)
from .summary import LATENT_NOTE, LISTED, UNITS_NOTE

_STYLE = """
.latentdo-fit { font: 14px/1.45 system-ui, sans-serif; max-width: 72em; color: #1b1b1b; background: #fff; padding: 0.5em 1em; }
.latentdo-fit h3 { font-size: 1.15em; margin: 0.2em 0 0.5em; }
.latentdo-fit details { margin: 0.7em 0; border-top: 1px solid #d0d0d0; padding-top: 0.4em; }
.latentdo-fit summary { font-weight: 600; cursor: pointer; }
.latentdo-fit table { border-collapse: collapse; margin: 0.4em 0; }
.latentdo-fit th, .latentdo-fit td { text-align: left; padding: 0.12em 0.9em 0.12em 0; vertical-align: top; background: none; }
.latentdo-fit thead th { border-bottom: 1px solid #999; }
.latentdo-fit td.n, .latentdo-fit th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.latentdo-fit code { font-family: ui-monospace, monospace; font-size: 0.93em; white-space: pre-wrap; }
.latentdo-fit .state { border-radius: 0.3em; padding: 0.1em 0.5em; font-weight: 600; }
.latentdo-fit .good { background: #d9efdc; color: #0b4f1c; }
.latentdo-fit .bad { background: #f9dcd9; color: #7d1410; }
.latentdo-fit .rough { background: #fbeac4; color: #6b4500; }
.latentdo-fit .small { color: #555; font-size: 0.92em; max-width: 62em; }
"""


def posterior_html(posterior: Fitted) -> str:
    """The fit as a piece of HTML that stands alone: no script, nothing from elsewhere, every name escaped."""
    parts = [
        _header(posterior),
        _section("Parameters, in raw units", _parameters(posterior), unfolded=True),
        _section("Training", _training(posterior), unfolded=True),
        _section("Convergence", _convergence(posterior), unfolded=not posterior.converged),
        _section("Model and priors", _model(posterior), unfolded=False),
        _section("Warnings", _warnings(posterior), unfolded=True) if posterior.warnings else "",
    ]
    return f'<div class="latentdo-fit"><style>{_STYLE}</style>{"".join(parts)}</div>'


def _section(heading: str, parts: Iterable[str], *, unfolded: bool) -> str:
    return f"<details{' open' if unfolded else ''}><summary>{escape(heading)}</summary>{''.join(parts)}</details>"


def _header(posterior: Fitted) -> str:
    kind = "bad" if not posterior.converged else "rough" if posterior.approximate else "good"
    words = escape(state(posterior))
    heading = escape(title(posterior).rpartition(f": {state(posterior)}")[0])
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{_marked(escape(text))}</td></tr>'
        for name, text in header(posterior)
    )
    return f'<h3>{heading} <span class="state {kind}">{words}</span></h3><table>{rows}</table>'


def _marked(text: str) -> str:
    """A line in which what is written in capitals to be seen is seen."""
    for word, kind in (("FAILED", "bad"), ("NOT TRUSTED", "bad"), ("NOT CERTIFIED", "bad"), ("APPROXIMATE", "rough")):
        text = text.replace(word, f'<span class="state {kind}">{word}</span>')
    return text


def _table(columns: Iterable[tuple[str, bool]], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already; a column is its heading and whether it holds numbers."""
    kinds_of = [(escape(name), ' class="n"' if number else "") for name, number in columns]
    head = "".join(f'<th scope="col"{kind}>{name}</th>' for name, kind in kinds_of)
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for cell, (_, kind) in zip(row, kinds_of, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _parameters(posterior: Fitted) -> Iterator[str]:
    rows = parameter_rows(posterior)
    if not rows:
        yield "<p>None is free.</p>"
        return
    columns = [
        ("", False),
        *((name, True) for name in ("mean", "sd", "5 %", "95 %", "R-hat", "ESS")),
        ("status", False),
    ]
    cells = []
    for row in rows:
        label = ""
        if row.label is not None:
            kind = "" if row.label.harmless else ' class="state bad"'
            label = f'<span{kind} title="{escape(str(row.label))}">{escape(SHORT[row.label.kind])}</span>'
        cells.append([_code(row.name), *map(escape, (*row.numbers, row.rhat, row.ess)), label])
    yield _table(columns, cells)
    items = []
    for kind, reasons in kinds(rows).items():
        told = f" ({'; '.join(reasons)})" if reasons else ""
        items.append(f"<b>{escape(SHORT[kind])}</b>: {escape(MEANING[kind] + told)}")
    yield f'<p class="small">{"<br>".join(items)}</p>' if items else ""
    if posterior.spec.latent:
        yield f'<p class="small">{escape(LATENT_NOTE)}</p>'


def _training(posterior: Fitted) -> Iterator[str]:
    yield f"<p>{_code(posterior.engine)}, seed {posterior.seed}: {kept(posterior)}, {posterior.seconds:.1f} s</p>"
    rows = []
    for block in map(block_row, posterior.blocks):
        given = f"<br>given {escape(block.given)}" if block.given else ""
        why = f'<br><span class="small">{escape(block.why)}</span>' if block.why else ""
        findings = _marked(escape("; ".join(block.findings)))
        rows.append([f"{escape(block.name)}{given}", f"{escape(block.method)}{why}", findings])
    yield _table([("block", False), ("method", False), ("diagnostics", False)], rows)


def _convergence(posterior: Fitted) -> Iterator[str]:
    yield (
        f"<p>{_marked(escape(judged(posterior)))}. Each must reach R-hat ≤ {RHAT_LIMIT:g} and ESS ≥ {ESS_LIMIT:g}: moments of "
        "what was measured, densities, identified effects between measured nodes, and the study's queries.</p>"
    )
    notes = [*posterior.shortfalls, *(f"Left out to save time: {text}" for text in posterior.unjudged)]
    yield "".join(f"<p>{escape(note)}</p>" for note in notes)
    ranked = sorted(posterior.diagnostics, key=lambda diagnostic: diagnostic.badness, reverse=True)
    failed = [diagnostic for diagnostic in ranked if not diagnostic.passed]
    rows = [
        [
            escape(diagnostic.name),
            shown_rhat(diagnostic.rhat),
            f"{diagnostic.ess:,.0f}",
            "passed" if diagnostic.passed else '<span class="state bad">not passed</span>',
        ]
        for diagnostic in (failed or ranked)[:LISTED]
    ]
    yield _table([("the worst", False), ("R-hat", True), ("ESS", True), ("", False)], rows)


def _model(posterior: Fitted) -> Iterator[str]:
    equations = {mechanism.family.name: mechanism.family.equation for _, mechanism in posterior.spec.mechanisms}
    items = "".join(f"<tr><td>{escape(name)}</td><td>{_code(text)}</td></tr>" for name, text in equations.items())
    yield f"<table>{items}</table>"
    rows = []
    for own in posterior.coordinates:
        node = node_row(posterior, own)
        scale = f'<br><span class="small">{escape(node.scale)}</span>' if node.scale else ""
        equation = f"{_code(node.equation)}{scale}"
        if node.note:
            rows.append([equation, "", escape(node.note), ""])
        for k, (name, prior, unit) in enumerate(node.beliefs):
            rows.append([equation if k == 0 else "", _code(name), _code(prior), escape(unit)])
    yield _table([("node", False), ("parameter", False), ("prior", False), ("unit", False)], rows)
    yield f'<p class="small">{escape(UNITS_NOTE)}</p>'


def _warnings(posterior: Fitted) -> Iterator[str]:
    yield f"<ul>{''.join(f'<li>{escape(warning)}</li>' for warning in posterior.warnings)}</ul>"

"""A fit on one page of plain text: what it is, model and priors in force, plan, convergence, parameters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from latentdo.graphs import Name

from ..blocks.diagnostics import ESS_LIMIT, RHAT_LIMIT
from ..blocks.fitted import Fitted
from .account import MEANING, SHORT, block_row, header, judged, kept, kinds, node_row, parameter_rows, shown_rhat, title

WIDTH = 110
LISTED = 10
LABEL = 34
"""Widest label that stands in the same line as its numbers."""
UNITS_NOTE = (
    "Default priors are stated where parents are centred and divided by their sd (the numbers shown as mean and sd). "
    "Priors and numbers that you wrote are in raw units: weights per unit of the parent, intercepts at parents = 0."
)
LATENT_NOTE = (
    "Parameters of a model with hidden causes need not be identified, and may then have a high R-hat and few effective draws. "
    "That is not a fault: queries that the do-calculus identifies are pinned down, and each answer is judged by its own R-hat "
    "and ESS."
)


def posterior_text(posterior: Fitted) -> str:
    """The fit on one page, at most 110 columns wide."""
    sections = (
        _header(posterior),
        _model(posterior),
        _training(posterior),
        _convergence(posterior),
        _parameters(posterior),
        _warnings(posterior),
    )
    return "\n\n".join("\n".join(_fitted(section)) for section in sections)


def _fitted(lines: Iterable[str]) -> Iterator[str]:
    """The lines with control characters made visible, and long ones folded under their own beginning."""
    for line in lines:
        # A name may hold any character; one that moves the cursor must not reach a terminal.
        shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in line).rstrip()
        if len(shown) <= WIDTH:
            yield shown
            continue
        indent = " " * min(len(shown) - len(shown.lstrip()) + 4, WIDTH // 2)
        yield from textwrap.wrap(shown, WIDTH, subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False)


def _header(posterior: Fitted) -> Iterator[str]:
    first = title(posterior)
    yield first
    yield "=" * min(len(first), WIDTH)
    before: Name = ""
    for heading, text in header(posterior):
        yield f"{heading if heading != before else '':<11}{' ' if len(heading) >= 11 else ''}{text}"
        before = heading


def _titled(text: str) -> Iterator[str]:
    yield text
    yield "-" * len(text)


def _model(posterior: Fitted) -> Iterator[str]:
    """Every node's equation, and the prior of each of its parameters with its unit."""
    yield from _titled("Model and priors")
    equations = {mechanism.family.name: mechanism.family.equation for _, mechanism in posterior.spec.mechanisms}
    for name, equation in equations.items():
        yield f"  {name:<10} {equation}"
    yield ""
    for own in posterior.coordinates:
        row = node_row(posterior, own)
        line = f"  {row.equation}"
        yield f"{line:<34}  {row.scale}" if row.scale else line
        if row.note:
            yield f"      {row.note}"
        width = max(20, min(max((len(name) for name, _, _ in row.beliefs), default=0), LABEL))
        for name, belief, unit in row.beliefs:
            yield f"      {name:<{width}}  {belief:<28}  {unit}"
    yield ""
    yield from _note(UNITS_NOTE)


def _note(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, WIDTH - 2):
        yield f"  {line}"


def _training(posterior: Fitted) -> Iterator[str]:
    yield from _titled("Training")
    yield f"  {posterior.engine}, seed {posterior.seed}: {kept(posterior)}, {posterior.seconds:.1f} s"
    for block in posterior.blocks:
        row = block_row(block)
        given = f" given {row.given}" if row.given else ""
        yield f"  {row.name}{given}: {'; '.join([row.method, *row.findings])}"
        if row.why:
            yield f"      {row.why}"


def _convergence(posterior: Fitted) -> Iterator[str]:
    """What was judged, and how it came out."""
    failed = [diagnostic for diagnostic in posterior.diagnostics if not diagnostic.passed]
    short = posterior.shortfalls
    verdict = "not judged, there is one draw" if posterior.is_point else "passed"
    if failed:
        verdict = f"FAILED for {len(failed)} of {len(posterior.diagnostics)}"
    elif short:
        verdict = "NOT CERTIFIED, the run is too short"
    yield from _titled(f"Convergence: {verdict}")
    yield f"  Each must reach R-hat <= {RHAT_LIMIT:g} and ESS >= {ESS_LIMIT:g}: moments of what was measured, densities,"
    yield "  identified effects between measured nodes, and the study's queries."
    yield f"  Judged        {judged(posterior)}"
    for left_out in posterior.unjudged:
        yield f"  Left out      {left_out}, to save time"
    divergent = sum(block.n_divergent for block in posterior.blocks)
    if made := sum(block.n_transitions for block in posterior.blocks):
        yield f"  Divergences   {divergent:,} of {made:,} transitions"
    for reason in short:
        yield f"  Too short     {reason}"
    for diagnostic in failed[:LISTED]:
        yield f"  Not passed    {shown_rhat(diagnostic.rhat):>8}  {diagnostic.name}, ESS {diagnostic.ess:,.0f}"
    if len(failed) > LISTED:
        yield f"  and {len(failed) - LISTED} more"
    if failed or short:
        yield "  Answers from this fit carry a warning. Give the engine more steps, or look for parameters that run away."


def _parameters(posterior: Fitted) -> Iterator[str]:
    """Means, spreads and intervals in raw units, and what the data say of each."""
    yield from _titled("Parameters, in raw units")
    rows = parameter_rows(posterior)
    if not rows:
        yield "  none is free"
        return
    width = min(max(len(row.name) for row in rows), LABEL)
    yield (
        f"  {'':<{width}}"
        + "".join(f"{name:>{size}}" for name, size in zip(_COLUMNS, _SIZES, strict=True))
        + "  status"
    )
    for row in rows:
        cells = zip((*row.numbers, row.rhat, row.ess), _SIZES, strict=True)
        numbers = "".join(f" {text:>{size - 1}}" for text, size in cells)
        if len(row.name) > width:
            yield f"  {row.name}"
        short = "" if row.label is None else SHORT[row.label.kind]
        yield f"  {row.name if len(row.name) <= width else '':<{width}}{numbers}  {short}"
    yield ""
    for kind, reasons in kinds(rows).items():
        told = f" ({'; '.join(reasons)})" if reasons else ""
        yield f"  {SHORT[kind]:<10} {MEANING[kind]}{told}"
    if posterior.spec.latent:
        yield from _note(LATENT_NOTE)


_COLUMNS = ("mean", "sd", "5 %", "95 %", "R-hat", "ESS")
_SIZES = (12, 11, 12, 12, 7, 8)


def _warnings(posterior: Fitted) -> Iterator[str]:
    yield from _titled("Warnings")
    if not posterior.warnings:
        yield "  none"
    for warning in posterior.warnings:
        yield f"  - {warning}"

"""A fit on one page, as sheets: what it is, model and priors in force, training, convergence, parameters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.sheet import Cell, Column, Mark, Note, Sheet, counted, listed

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import ESS_LIMIT, RHAT_LIMIT
from ..blocks.fitted import Fitted
from .account import account_of, block_name, extremes, node_row, shown_rhat, widened
from .labels import Kind, ParameterLabel, parameter_labels
from .shapes import degrees_of_freedom

WIDTH = 110
LISTED = 10
"""Failed diagnostics that are named; the others are counted."""
LONG = 44
"""Characters beyond which the label of a parameter is shortened in its table."""
TRUSTED_DRAWS = 4
"""Draws per chain below which R-hat says nothing."""
UNITS_NOTE = (
    "Default priors are stated where parents are centred and divided by their sd (the numbers shown as mean and sd). "
    "Priors and numbers that you wrote are in raw units: weights per unit of the parent, intercepts at parents = 0."
)
WIDTH_NOTE = (
    "No default prior of a weight says more than one row of the data would: it is wider where measured parents are correlated. A "
    "parent with two values counts by half of their difference where the node's mean has bounds."
)
LATENT_NOTE = (
    "Parameters of a model with hidden causes need not be identified, and may then have a high R-hat and few effective draws. "
    "That is not a fault: queries that the do-calculus identifies are pinned down, and each answer is judged by its own R-hat "
    "and ESS."
)
STATUS: dict[Kind, tuple[str, str]] = {
    "pinned down": ("data", "pinned down by the data: a stronger or weaker prior would hardly move it"),
    "narrowed": ("narrowed", "the posterior is not the prior; that is no proof of identification"),
    "prior only": ("prior", "the posterior is the prior: the data say nothing of it"),
    "not identified": ("symmetry", "not identified, and harmless: what the symmetry leaves as it was has mixed"),
    "did not mix": ("NOT MIXED", "the chains do not agree, and no symmetry of the hidden causes excuses it"),
    "not judged": ("–", "not judged: the run is too short"),
}
"""The labels of parameters as they stand in the table, and what they mean."""


def sheets(posterior: Fitted) -> list[Sheet]:
    """The parts of the page; in HTML the long ones can be folded away."""
    return [
        _header(posterior),
        _model(posterior),
        _priors_in_force(posterior),
        _training(posterior),
        _convergence(posterior),
        _parameters(posterior),
        *_curves(posterior),
        Sheet("Warnings", notes=tuple(map(Note, _warnings(posterior))) or (Note("none"),), folded="open"),
    ]


def _warnings(posterior: Fitted) -> tuple[str, ...]:
    return (*([posterior.misfit] if posterior.misfit else []), *posterior.folded_warnings)


def _names(nodes: Iterable[Name]) -> str:
    return listed(map(quote, nodes), "")


# --- the top


def _header(posterior: Fitted) -> Sheet:
    """What was fitted, and whether it can be relied on; an approximation says so here."""
    spec = posterior.spec
    latent = counted(len(spec.latent), "latent node") if spec.latent else "no latent nodes"
    state = "one draw" if posterior.is_point else "converged" if posterior.converged else "NOT CONVERGED"
    state += f", APPROXIMATE ({', '.join(posterior.approximate)})" if posterior.approximate else ""
    title = f"Fit of a model with {len(spec.measured)} measured and {latent}: {state}"
    # A name of a file or of a column that was ignored may hold tabs and ends of lines.
    rows = [(heading, " ".join(text.split())) for heading, text in _facts(posterior)]
    # A heading stands once.
    headings = [heading if k == 0 or heading != rows[k - 1][0] else "" for k, (heading, _) in enumerate(rows)]
    mark: Mark = "bad" if not posterior.converged else "rough" if posterior.approximate else "good"
    cells = [
        (Cell(heading), Cell(text, mark=mark if heading == "Judged" else ""))
        for heading, (_, text) in zip(headings, rows, strict=True)
    ]
    return Sheet.of(title, (Column("", mark="strong"), Column("", "prose")), cells, headed=False)


def _facts(posterior: Fitted) -> Iterator[tuple[str, str]]:
    """The first rows, each with its heading: nodes, families, data, priors, plan, diagnostics."""
    spec, facts = posterior.spec, posterior.facts
    yield "Measured", _names(spec.measured)
    if spec.latent:
        yield "Latent", _names(node for node in spec.graph.nodes if node in spec.latent)
    families: dict[str, list[Name]] = {}
    for node, mechanism in spec.mechanisms:
        families.setdefault(mechanism.family.title, []).append(node)
    yield "Families", "; ".join(f"{family} {_names(nodes)}" for family, nodes in families.items())
    if posterior.units:
        yield "Units", "; ".join(f"{quote(node)} in {unit}" for node, unit in posterior.units)
    yield "Data", f"{counted(facts.n_rows, 'row')} from {facts.source} (SHA-256 {facts.hash[:12]}…)"
    if facts.regimes:
        yield "Rows", facts.shown_regimes
    if facts.missing:
        cells = ", ".join(f"{quote(name)} {count:,}" for name, count in facts.missing)
        yield "Missing cells", f"{cells}: averaged over, assumed missing at random given what the model holds"
    if facts.dropped:
        yield "Left out", facts.left_out
    if facts.ignored:
        yield "Ignored", f"{_names(facts.ignored)}: no node has this name"
    if facts.unread:
        yield "Never read", f"{_names(facts.unread)}: named like a latent node"
    for node, parents in posterior.functional.items():
        yield "Functions", f"{quote(node)} of {_names(parents)}: verdicts treat it as one"
    yield "Priors", _priors(posterior)
    methods = Counter(block.method.head for block in posterior.blocks)
    yield "Plan", "; ".join(f"{method} ({counted(n, 'block')})" for method, n in methods.items())
    yield "Judged", _judged(posterior)
    for block in posterior.approximated():
        yield "APPROXIMATE", f"{block.block.name}: {block.approximate}, not draws of the posterior"
    for name, query in posterior.queries:
        yield "Queries", f"{name}: {query}" if name not in ("", str(query)) else str(query)


def _priors(posterior: Fitted) -> str:
    """How many parameters have which kind of prior."""
    kinds = Counter(
        "fixed" if coordinate.fixed is not None else "default" if coordinate.default else "yours"
        for own in posterior.coordinates
        for k, coordinate in enumerate(own.all)
        if coordinate.label and not any(k in places for _, places in own.bends)
        if coordinate.fixed is None or not coordinate.default
        # The fixed location and scale of a latent are nobody's choice.
        if not (coordinate.fixed is not None and own.node in posterior.spec.latent and coordinate.fixed in (0.0, 1.0))
    )
    words = {
        "default": f"default for {counted(kinds['default'], 'parameter')}",
        "yours": f"yours for {kinds['yours']:,}",
        "fixed": f"{kinds['fixed']:,} fixed",
    }
    return ", ".join(words[kind] for kind in words if kinds[kind]) or "no parameter is free"


def _judged(posterior: Fitted) -> str:
    """How what was judged came out, in one line."""
    diagnostics = posterior.diagnostics
    if not diagnostics:
        return "nothing: of one draw R-hat and ESS say nothing" if posterior.is_point else "nothing"
    lucky = sum(not each.passed for each in diagnostics) - len(posterior.failed)
    verdict = f"{len(posterior.failed):,} FAILED" if posterior.failed else "all passed"
    verdict += f" ({lucky:,} by no more than chance allows among so many)" if lucky else ""
    return f"{counted(len(diagnostics), 'functional')}, {verdict}: {extremes(diagnostics)}"


# --- model, training, convergence


def _model(posterior: Fitted) -> Sheet:
    """Every node's equation, and what the families in it mean."""
    rows = [node_row(posterior, own) for own in posterior.coordinates]
    formulas = {mechanism.family.title: mechanism.family.equation for _, mechanism in posterior.spec.mechanisms}
    return Sheet.of(
        "Model",
        (Column("", "prose"),),
        [(f"{row.equation}  {row.scale}".rstrip(),) for row in rows],
        notes=tuple(Note(equation, name) for name, equation in formulas.items()),
        headed=False,
        folded="closed",
    )


def _priors_in_force(posterior: Fitted) -> Sheet:
    """The prior of each parameter with its unit."""
    rows: list[tuple[str, str, str]] = []
    for own in posterior.coordinates:
        row = node_row(posterior, own)
        rows += [(quote(own.node), "", row.note)] * bool(row.note)
        rows += [(_short(name), prior, unit) for name, prior, unit in row.beliefs]
    columns = (Column("parameter", "code"), Column("prior", "code"), Column("whose, and in which unit", "prose"))
    notes = (Note(UNITS_NOTE), *([Note(WIDTH_NOTE)] if any(widened(posterior)) else []))
    return Sheet.of("Priors in force", columns, rows, notes=notes, folded="closed")


def _training(posterior: Fitted) -> Sheet:
    chains = f"{counted(posterior.n_chains, 'chain')} x "
    if posterior.n_chains == 1 and posterior.independent():
        chains = ""
    kept = f"{chains}{counted(posterior.n_draws, 'draw')} kept"
    rows = [
        (
            _short(block_name(block), 2 * LONG),
            Cell(account_of(block), mark="" if block.certified else "rough" if block.approximate else "bad"),
        )
        for block in posterior.blocks
    ]
    return Sheet.of(
        "Training",
        ("block", Column("how it was trained", "prose")),
        rows,
        lead=(f"{posterior.engine}, seed {posterior.seed}: {kept}, {posterior.seconds:.1f} s",),
        folded="open",
    )


def _convergence(posterior: Fitted) -> Sheet:
    """What was judged, and how it came out."""
    failed = list(posterior.failed)
    failed.sort(key=lambda diagnostic: diagnostic.badness, reverse=True)
    verdict = "not judged, there is one draw" if posterior.is_point else "passed"
    if failed:
        verdict = f"FAILED for {len(failed)} of {len(posterior.diagnostics)}"
    elif posterior.shortfalls:
        verdict = "NOT CERTIFIED, the run is too short"
    rows = [("Judged", _judged(posterior))]
    rows += [("Left out", f"{left_out}, to save time") for left_out in posterior.unjudged]
    if made := sum(block.n_transitions for block in posterior.blocks):
        divergent = sum(block.n_divergent for block in posterior.blocks)
        rows.append(("Divergences", f"{divergent:,} of {made:,} transitions"))
    rows += [("Too short", reason) for reason in posterior.shortfalls]
    rows += [
        ("Not passed", f"{each.name}: R-hat {shown_rhat(each.rhat)}, ESS {each.ess:,.0f}") for each in failed[:LISTED]
    ]
    rows += [("", f"and {len(failed) - LISTED} more")] * (len(failed) > LISTED)
    trouble = "Answers from this fit carry a warning. Give the engine more steps, or look for parameters that run away."
    return Sheet.of(
        f"Convergence: {verdict}",
        ("", Column("", "prose")),
        rows,
        lead=(
            f"Each must reach R-hat <= {RHAT_LIMIT:g}{_allowed(posterior)} and ESS >= {ESS_LIMIT:g}: moments of what was "
            "measured, densities, identified effects between measured nodes, and the study's queries.",
        ),
        notes=(Note(trouble),) if failed or posterior.shortfalls else (),
        headed=False,
        folded="closed" if posterior.converged else "open",
    )


def _allowed(posterior: Fitted) -> str:
    """What chance adds to the limit, in words; empty where few are judged."""
    limit = posterior.rhat_limit
    return "" if limit <= RHAT_LIMIT else f" ({limit:.4f} with what chance does among {len(posterior.diagnostics):,})"


# --- parameters


def _parameters(posterior: Fitted) -> Sheet:
    """Means, spreads and intervals in raw units, and what the data say of each parameter."""
    named = posterior.parameters
    enough = posterior.n_draws >= TRUSTED_DRAWS
    labels = parameter_labels(posterior) if enough else ()
    judged = [("–", "–")] * len(named)
    if enough:
        judged = [(shown_rhat(each.rhat), f"{each.ess:,.0f}") for each in posterior.parameter_diagnostics]
    statuses = [_status(label) for label in labels] or [Cell("")] * len(named)
    columns_of_splines = {own.all[k].label for own in posterior.coordinates for _, places in own.bends for k in places}
    rows = [
        (Cell(_short(name), name), *map(Cell, (*_numbers(draws), *numbers)), status)
        for (name, draws), numbers, status in zip(named, judged, statuses, strict=True)
        if name not in columns_of_splines
    ]
    columns = (
        Column("", "code", key="parameter"),
        *(Column(name, "number") for name in ("mean", "sd", "5 %", "95 %", "R-hat", "ESS")),
        Column("status"),
    )
    notes = [*_meanings(labels), *([Note(LATENT_NOTE)] if posterior.spec.latent else [])]
    title = "Parameters, in raw units"
    if not rows:
        return Sheet(title, lead=("none is free",), folded="open")
    return Sheet.of(title, columns, rows, notes=tuple(notes), folded="open")


def _curves(posterior: Fitted) -> Iterator[Sheet]:
    """How much each spline bends; nothing where there is none."""
    rows = [] if posterior.is_point else [(term, f"{number:.1f}") for term, number in degrees_of_freedom(posterior)]
    if rows:
        yield Sheet.of(
            "Splines",
            (Column("", "code", key="term"), Column("effective degrees of freedom", "number")),
            rows,
            notes=(
                Note(
                    "1 is a straight line, which the default prior draws to; posterior.plot_shapes() draws the curves."
                ),
            ),
            folded="open",
        )


def _short(name: str, most: int = LONG) -> str:
    """The label of a parameter or block, its middle left out where it is long."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[1 - most // 2 :]}"


def _status(label: ParameterLabel) -> Cell:
    return Cell(STATUS[label.kind][0], mark="" if label.harmless else "bad", hint=str(label))


def _meanings(labels: Sequence[ParameterLabel]) -> Iterator[Note]:
    """What the labels that occur mean, with their different reasons that do not name a single parameter."""
    reasons: dict[Kind, dict[str, None]] = {}
    for label in labels:
        of_kind = reasons.setdefault(label.kind, {})
        if label.kind in ("not identified", "not judged") and label.reason:
            of_kind[label.reason] = None
    for kind, (short, meaning) in STATUS.items():
        if kind in reasons:
            added = f" ({'; '.join(reasons[kind])})" if reasons[kind] else ""
            yield Note(f"{meaning}{added}", short)


def _numbers(draws: FloatArray) -> tuple[str, str, str, str]:
    """Mean, sd and quantiles, each with as many decimals as the sd asks for; of one draw the number alone."""
    values = draws.reshape(-1)
    if values.size == 1:
        return f"{values[0]:.6g}", "–", "–", "–"
    sd = float(values.std(ddof=1))
    low, high = np.quantile(values, (0.05, 0.95))
    mean, spread, lower, upper = (_decimal(float(value), sd) for value in (values.mean(), sd, low, high))
    return mean, spread, lower, upper


def _decimal(value: float, sd: float) -> str:
    if not math.isfinite(value) or not math.isfinite(sd):
        return f"{value:g}"
    size = sd if sd > 0 else abs(value)
    decimals = 2 - math.floor(math.log10(size)) if size > 0 else 2
    # Outside this range zeros would hide the digits.
    if decimals > 6 or abs(value) >= 1e7:
        return f"{value:.3g}"
    return f"{value:.{max(decimals, 0)}f}"

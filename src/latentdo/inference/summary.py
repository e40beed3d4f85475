"""A fit on one page of plain text: model, data, priors in force, plan, convergence, parameters."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.models import Bernoulli, Gamma, Hill, Mechanism, Prior, plain

from .coordinates import Coordinate, FloatArray, NodeCoordinates
from .diagnostics import ESS_LIMIT, RHAT_LIMIT, Diagnostic
from .posterior import DataFacts, Posterior

WIDTH = 110
LISTED = 10
LABEL = 42
"""Widest label that stands in the same line as its numbers."""
TRUSTED_DRAWS = 4
"""Draws per chain below which R-hat says nothing."""


def posterior_text(posterior: Posterior) -> str:
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


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _header(posterior: Posterior) -> Iterator[str]:
    spec, facts = posterior.spec, posterior.facts
    state = "converged" if posterior.converged else "NOT CONVERGED"
    latent = f"{len(spec.latent)} latent" if spec.latent else "no latent"
    title = f"Fit of a model with {len(spec.measured)} measured and {latent} {_nodes(len(spec.latent))}: {state}"
    yield title
    yield "=" * min(len(title), WIDTH)
    yield f"Measured   {_listed(spec.measured)}"
    if spec.latent:
        yield f"Latent     {_listed(node for node in spec.graph.nodes if node in spec.latent)}"
    yield from _data(facts)
    for k, (node, parents) in enumerate(posterior.functional.items()):
        yield f"{'Functions' if k == 0 else '':<11}{quote(node)} of {_listed(parents)}: verdicts treat it as one"
    for k, (name, query) in enumerate(posterior.queries):
        named = f"{name}: " if name else ""
        yield f"{'Queries' if k == 0 else '':<11}{named}{query}"


def _nodes(n: int) -> str:
    return "node" if n == 1 else "nodes"


def _listed(names: Iterable[Name]) -> str:
    return ", ".join(quote(name) for name in names)


def _data(facts: DataFacts) -> Iterator[str]:
    yield f"Data       {_count(facts.n_rows, 'row')} from {facts.source} (SHA-256 {facts.hash[:12]}…)"
    if facts.ignored:
        yield f"Ignored    {_listed(facts.ignored)}: no node has this name"
    if facts.unread:
        yield f"Never read {_listed(facts.unread)}: named like a latent node"


def _model(posterior: Posterior) -> Iterator[str]:
    """Every node's equation, and the prior of each of its parameters with its unit."""
    yield from _titled("Model and priors")
    families = dict.fromkeys(mechanism.family.name for _, mechanism in posterior.spec.mechanisms)
    equations = {mechanism.family.name: mechanism.family.equation for _, mechanism in posterior.spec.mechanisms}
    for name in families:
        yield f"  {name:<10} {equations[name]}"
    yield ""
    for own in posterior.coordinates:
        yield from _node(posterior, own)
    yield ""
    yield "  Default priors are stated where parents are centred and divided by their sd (the numbers shown as mean"
    yield "  and sd). Priors and numbers that you wrote are in raw units: weights per unit of the parent, intercepts"
    yield "  at parents = 0."


def _node(posterior: Posterior, own: NodeCoordinates) -> Iterator[str]:
    mechanism = posterior.spec[own.node]
    latent = own.node in posterior.spec.latent
    line = f"  {'latent ' if latent else ''}{quote(own.node)} ~ {mechanism.text(with_beliefs=False)}"
    scale = _scale(own.node, mechanism)
    yield f"{line:<34}  {scale}" if scale else line
    if latent and not own.terms and [coordinate.fixed for coordinate in own.all] == [0.0, 1.0]:
        yield "      fixed at mean 0 and sd 1: a latent node has no scale of its own"
        return
    units = [
        _intercept_unit(own),
        *(_weight_unit(own, k, weight.sign) for k, weight in enumerate(mechanism.weights)),
        *(_parameter_unit(own.node, name, coordinate) for name, coordinate in own.parameters),
    ]
    width = min(max(len(coordinate.label) for coordinate in own.all), LABEL)
    for coordinate, unit in zip(own.all, units, strict=True):
        yield f"      {coordinate.label:<{max(width, 20)}}  {_belief(coordinate):<28}  {unit}"


def _belief(coordinate: Coordinate) -> str:
    """The prior in force, or the fixed number; numbers of default priors are rounded."""
    if coordinate.fixed is not None:
        return f"fixed at {plain(coordinate.fixed)}"
    assert coordinate.prior is not None, "what is not fixed has a prior"
    if not coordinate.default:
        return str(coordinate.prior)
    text = str(_rounded(coordinate.prior))
    return f"{coordinate.shift:.4g} + {text}" if coordinate.shift else text


def _rounded(prior: Prior) -> Prior:
    """A default prior with four digits; its bounds are 0 or none."""
    return Prior(prior.family, tuple(float(f"{arg:.4g}") for arg in prior.args), prior.low, prior.high)


def _scale(node: Name, mechanism: Mechanism) -> str:
    """Where the linear predictor of a node lives, if not on the node's own scale."""
    match mechanism.family:
        case Gamma():
            return f"(intercept and weights on log {quote(node)})"
        case Bernoulli():
            return f"(intercept and weights on logit P({quote(node)} = 1))"
        case Hill(max=maximum):
            return f"(intercept and weights on logit({quote(node)}/{plain(maximum)}))"
        case _:
            return ""


def _origin(coordinate: Coordinate, unit: str) -> str:
    who = "" if coordinate.fixed is not None else "default" if coordinate.default else "yours"
    return ", ".join(part for part in (who, unit) if part)


def _intercept_unit(own: NodeCoordinates) -> str:
    coordinate = own.coefficients[0]
    if not own.terms:
        return _origin(coordinate, "")
    centred = {name for term, whole in zip(own.terms, own.centred, strict=True) if whole for name in term}
    at = ", ".join(f"{quote(name)} = {centre:.4g}" for name, (centre, _) in own.centres if name in centred)
    return _origin(coordinate, f"at {at}" if at and coordinate.default else "at parents = 0")


def _weight_unit(own: NodeCoordinates, k: int, sign: str) -> str:
    coordinate, term = own.coefficients[k + 1], own.terms[k]
    sds = {name: sd for name, (_, sd) in own.centres}
    if not coordinate.default:
        unit = f"per unit of {quote(term[0])}" if len(term) == 1 else "per unit of the raw product"
    elif len(term) == 1:
        unit = f"per sd of {quote(term[0])} ({sds[term[0]]:.4g})"
    else:
        product = " · ".join(f"{sds[name]:.4g}" for name in term)
        unit = f"per product of sds ({product}), {'centred' if own.centred[k] else 'not centred'}"
    kept = {"+": ", kept positive", "-": ", kept negative"}.get(sign, "")
    return _origin(coordinate, unit) + kept


def _parameter_unit(node: Name, name: str, coordinate: Coordinate) -> str:
    return _origin(coordinate, f"in units of {quote(node)}" if name == "sd" else "")


def _titled(title: str) -> Iterator[str]:
    yield title
    yield "-" * len(title)


def _training(posterior: Posterior) -> Iterator[str]:
    yield from _titled("Training")
    kept = f"{_count(posterior.n_chains, 'chain')} x {_count(posterior.n_draws, 'draw')} kept"
    yield f"  {posterior.engine}, seed {posterior.seed}: {kept}, {posterior.seconds:.1f} s"
    for line in posterior.plan.split("\n"):
        yield f"  {line}"


def _convergence(posterior: Posterior) -> Iterator[str]:
    """What was judged, and how it came out."""
    judged = posterior.diagnostics
    failed = [diagnostic for diagnostic in judged if not diagnostic.passed]
    verdict = "passed" if not failed else f"FAILED for {len(failed)} of {len(judged)}"
    yield from _titled(f"Convergence: {verdict}")
    yield (
        f"  Judged: {_count(len(judged), 'functional')} of what was measured (means, sds, covariances), each by "
        f"R-hat <= {RHAT_LIMIT:g} and ESS >= {ESS_LIMIT:g}"
    )
    if judged:
        worst = max(judged, key=lambda diagnostic: diagnostic.badness)
        least = min(judged, key=lambda diagnostic: diagnostic.ess)
        yield f"  Worst R-hat   {_rhat(worst.rhat):>8}  {worst.name}"
        yield f"  Lowest ESS    {least.ess:>8,.0f}  {least.name}"
    divergent = sum(block.n_divergent for block in posterior.blocks)
    made = sum(block.n_made * posterior.n_chains for block in posterior.blocks)
    yield f"  Divergences   {divergent:>8,}  of {made:,} transitions"
    for diagnostic in failed[:LISTED]:
        yield f"  Not passed    {_rhat(diagnostic.rhat):>8}  {diagnostic.name}, ESS {diagnostic.ess:,.0f}"
    if len(failed) > LISTED:
        yield f"  and {len(failed) - LISTED} more"
    if failed:
        yield "  Answers from this fit carry a warning. Give the engine more steps, or look for parameters that run away."


def _rhat(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if math.isfinite(value) else "inf"


def _parameters(posterior: Posterior) -> Iterator[str]:
    """Means, spreads and intervals in raw units."""
    yield from _titled("Parameters, in raw units")
    named = posterior.parameters
    if not named:
        yield "  none is free"
        return
    width = min(max(len(label) for label, _ in named), LABEL)
    columns = ("mean", "sd", "5 %", "95 %", "R-hat", "ESS")
    yield f"  {'':<{width}}" + "".join(f"{title:>{size}}" for title, size in zip(columns, _SIZES, strict=True))
    enough = posterior.n_draws >= TRUSTED_DRAWS
    judged: tuple[Diagnostic | None, ...] = posterior.parameter_diagnostics if enough else (None,) * len(named)
    for (label, draws), diagnostic in zip(named, judged, strict=True):
        numbers = _numbers(draws, diagnostic)
        if len(label) > width:
            yield f"  {label}"
        yield f"  {label if len(label) <= width else '':<{width}}{numbers}"
    if posterior.spec.latent:
        yield ""
        yield "  Weights and priors of latent nodes need not be pinned down by the data, and may then have a high R-hat and"
        yield "  few effective draws. That is not a fault: parameters of a model with hidden causes need not be identified;"
        yield "  queries that the do-calculus identifies are, and each answer is judged by its own R-hat and ESS."


_SIZES = (12, 11, 12, 12, 9, 9)


def _numbers(draws: FloatArray, diagnostic: Diagnostic | None) -> str:
    """One row of the table; every number shows as many decimals as its sd asks for."""
    values = draws.reshape(-1)
    sd = float(values.std(ddof=1)) if values.size > 1 else 0.0
    low, high = np.quantile(values, (0.05, 0.95))
    shown = [_decimal(float(value), sd) for value in (values.mean(), sd, low, high)]
    judged = ("–", "–") if diagnostic is None else (_rhat(diagnostic.rhat), f"{diagnostic.ess:,.0f}")
    return "".join(f" {text:>{size - 1}}" for text, size in zip((*shown, *judged), _SIZES, strict=True))


def _decimal(value: float, sd: float) -> str:
    if not math.isfinite(value) or not math.isfinite(sd):
        return f"{value:g}"
    size = sd if sd > 0 else abs(value)
    decimals = 2 - math.floor(math.log10(size)) if size > 0 else 2
    # Outside this range zeros would hide the digits.
    if decimals > 6 or abs(value) >= 1e7:
        return f"{value:.3g}"
    return f"{value:.{max(decimals, 0)}f}"


def _warnings(posterior: Posterior) -> Iterator[str]:
    yield from _titled("Warnings")
    if not posterior.warnings:
        yield "  none"
    for warning in posterior.warnings:
        yield f"  - {warning}"

"""What a fit's summary says, as rows: the text page and the HTML page set the same ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.models import Prior, plain

from ..blocks.coordinates import Coordinate, FloatArray, NodeCoordinates
from ..blocks.diagnostics import KHAT_LIMIT, Diagnostic
from ..blocks.draws import BlockDraws
from ..blocks.fitted import Fitted
from .labels import Kind, ParameterLabel, parameter_labels

TRUSTED_DRAWS = 4
"""Draws per chain below which R-hat says nothing."""

SHORT: dict[Kind, str] = {
    "pinned down": "data",
    "narrowed": "narrowed",
    "prior only": "prior",
    "not identified": "symmetry",
    "did not mix": "NOT MIXED",
    "not judged": "–",
}
"""The labels of parameters as they stand in the table."""
MEANING: dict[Kind, str] = {
    "pinned down": "pinned down by the data: a regression on measured columns alone",
    "narrowed": "the posterior is not the prior; that is no proof of identification",
    "prior only": "the posterior is the prior: the data say nothing of it",
    "not identified": "not identified, and harmless: what the symmetry leaves as it was has mixed",
    "did not mix": "the chains do not agree, and no symmetry of the hidden causes excuses it",
    "not judged": "not judged: the run is too short",
}


def plan(posterior: Fitted) -> str:
    """What was trained how, block by block, in words."""
    return "\n".join(str(block_row(block)) for block in posterior.blocks)


def count(n: int, noun: str) -> str:
    """A number with its noun: `1 row`, `2,000 rows`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def listed(names: Iterable[Name]) -> str:
    """Names with commas, quoted as they are typed."""
    return ", ".join(quote(name) for name in names)


def title(posterior: Fitted) -> str:
    """What was fitted, and whether it can be relied on; an approximation says so here."""
    spec = posterior.spec
    latent = f"{len(spec.latent)} latent" if spec.latent else "no latent"
    nodes = "node" if len(spec.latent) == 1 else "nodes"
    return f"Fit of a model with {len(spec.measured)} measured and {latent} {nodes}: {state(posterior)}"


def state(posterior: Fitted) -> str:
    """`converged` or `NOT CONVERGED`, and in capitals whatever else the draws are."""
    converged = "one draw" if posterior.is_point else "converged" if posterior.converged else "NOT CONVERGED"
    if not posterior.approximate:
        return converged
    return f"{converged}, APPROXIMATE ({', '.join(posterior.approximate)})"


def header(posterior: Fitted) -> Iterator[tuple[str, str]]:
    """The first rows, each with its heading: nodes, families, data, priors, plan, diagnostics."""
    spec, facts = posterior.spec, posterior.facts
    yield "Measured", listed(spec.measured)
    if spec.latent:
        yield "Latent", listed(node for node in spec.graph.nodes if node in spec.latent)
    yield "Families", _families(posterior)
    if posterior.units:
        yield "Units", "; ".join(f"{quote(node)} in {unit}" for node, unit in posterior.units)
    yield "Data", f"{count(facts.n_rows, 'row')} from {facts.source} (SHA-256 {facts.hash[:12]}…)"
    if facts.ignored:
        yield "Ignored", f"{listed(facts.ignored)}: no node has this name"
    if facts.unread:
        yield "Never read", f"{listed(facts.unread)}: named like a latent node"
    for node, parents in posterior.functional.items():
        yield "Functions", f"{quote(node)} of {listed(parents)}: verdicts treat it as one"
    yield "Priors", _priors(posterior)
    yield "Plan", _methods(posterior)
    yield "Judged", judged(posterior)
    for block in posterior.blocks:
        if block.approximate is not None:
            yield "APPROXIMATE", f"{block.block.name}: {block.approximate}, not draws of the posterior"
    for name, query in posterior.queries:
        yield "Queries", f"{name}: {query}" if name not in ("", str(query)) else str(query)


def _families(posterior: Fitted) -> str:
    nodes: dict[str, list[Name]] = {}
    for node, mechanism in posterior.spec.mechanisms:
        nodes.setdefault(mechanism.family.name, []).append(node)
    return "; ".join(f"{family} {listed(names)}" for family, names in nodes.items())


def _priors(posterior: Fitted) -> str:
    """How many parameters have which kind of prior."""
    kinds = Counter(
        "fixed" if coordinate.fixed is not None else "default" if coordinate.default else "yours"
        for own in posterior.coordinates
        for coordinate in own.all
        if coordinate.fixed is None or not coordinate.default
        # The fixed location and scale of a latent are nobody's choice.
        if not (coordinate.fixed is not None and own.node in posterior.spec.latent and coordinate.fixed in (0.0, 1.0))
    )
    said = {
        "default": f"default for {count(kinds['default'], 'parameter')}",
        "yours": f"yours for {kinds['yours']:,}",
        "fixed": f"{kinds['fixed']:,} fixed",
    }
    return ", ".join(said[kind] for kind in said if kinds[kind]) or "no parameter is free"


def _methods(posterior: Fitted) -> str:
    """Which method trained how many blocks."""
    methods = Counter(block.method.head for block in posterior.blocks)
    return "; ".join(f"{method} ({count(n, 'block')})" for method, n in methods.items())


def kept(posterior: Fitted) -> str:
    """How many draws there are; chains are named where there are any."""
    if posterior.n_chains == 1 and posterior.independent():
        return f"{count(posterior.n_draws, 'draw')} kept"
    return f"{count(posterior.n_chains, 'chain')} x {count(posterior.n_draws, 'draw')} kept"


def judged(posterior: Fitted) -> str:
    """How what was judged came out, in one line."""
    found = posterior.diagnostics
    if not found:
        return "nothing: of one draw R-hat and ESS say nothing" if posterior.is_point else "nothing"
    failed = sum(not diagnostic.passed for diagnostic in found)
    verdict = "all passed" if not failed else f"{failed} FAILED"
    return f"{count(len(found), 'functional')}, {verdict}: {extremes(found)}"


def extremes(found: Sequence[Diagnostic]) -> str:
    """The worst R-hat and the lowest ESS, which need not be of the same functional."""
    worst = max(found, key=lambda diagnostic: diagnostic.badness)
    least = min(found, key=lambda diagnostic: diagnostic.ess)
    mixing = "" if worst.rhat is None else f"worst R-hat {shown_rhat(worst.rhat)} ({worst.name}), "
    return f"{mixing}lowest ESS {least.ess:,.0f} ({least.name})"


@dataclass(frozen=True)
class NodeRow:
    """A node's equation, on which scale its predictor is, and its parameters' priors with their units; or a note instead."""

    equation: str
    scale: str
    beliefs: tuple[tuple[str, str, str], ...]
    note: str = ""


def node_row(posterior: Fitted, own: NodeCoordinates) -> NodeRow:
    """One node's equation with the priors in force."""
    mechanism = posterior.spec[own.node]
    latent = own.node in posterior.spec.latent
    equation = f"{'latent ' if latent else ''}{quote(own.node)} ~ {mechanism.text(with_beliefs=False)}"
    predicted = mechanism.family.predicted(quote(own.node))
    scale = f"(intercept and weights on {predicted})" if predicted else ""
    if latent and not own.terms and [coordinate.fixed for coordinate in own.all] == [0.0, 1.0]:
        return NodeRow(equation, scale, (), "fixed at mean 0 and sd 1: a latent node has no scale of its own")
    concentration = getattr(mechanism.family, "concentration", None)
    if concentration is not None:
        whose = "default" if concentration == 1.0 else "yours"
        note = f"each row of the table: Dirichlet with concentration {plain(concentration)} ({whose})"
        return NodeRow(equation, scale, (), note)
    size = 1 + len(own.terms)
    signs = [weight.sign for weight in mechanism.weights]
    units = [
        _intercept_unit(own, coordinate)
        if k % size == 0
        else _weight_unit(own, coordinate, k % size - 1, signs[k % size - 1])
        for k, coordinate in enumerate(own.coefficients)
    ]
    units += [_parameter_unit(own.node, name, coordinate) for name, coordinate in own.parameters]
    rows = zip(own.all, units, strict=True)
    return NodeRow(equation, scale, tuple((coordinate.label, belief(coordinate), unit) for coordinate, unit in rows))


def belief(coordinate: Coordinate) -> str:
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


def _origin(coordinate: Coordinate, unit: str) -> str:
    who = "" if coordinate.fixed is not None else "default" if coordinate.default else "yours"
    return ", ".join(part for part in (who, unit) if part)


def _intercept_unit(own: NodeCoordinates, coordinate: Coordinate) -> str:
    if not own.terms:
        return _origin(coordinate, "")
    centred = {name for term, whole in zip(own.terms, own.centred, strict=True) if whole for name in term}
    at = ", ".join(f"{_factor(name)} = {centre:.4g}" for name, (centre, _) in own.centres if name in centred)
    return _origin(coordinate, f"at {at}" if at and coordinate.default else "at parents = 0")


def _weight_unit(own: NodeCoordinates, coordinate: Coordinate, k: int, sign: str) -> str:
    term = own.terms[k]
    sds = {name: sd for name, (_, sd) in own.centres}
    if not coordinate.default:
        unit = f"per unit of {_factor(term[0])}" if len(term) == 1 else "per unit of the raw product"
    elif len(term) == 1:
        unit = f"per sd of {_factor(term[0])} ({sds[term[0]]:.4g})"
    else:
        product = " · ".join(f"{sds[name]:.4g}" for name in term)
        unit = f"per product of sds ({product}), {'centred' if own.centred[k] else 'not centred'}"
    kept = {"+": ", kept positive", "-": ", kept negative"}.get(sign, "")
    return _origin(coordinate, unit) + kept


def _factor(name: str) -> str:
    """A parent's name as it is typed; the indicator of a level is so already."""
    return name if name.endswith("]") and "[" in name else quote(name)


def _parameter_unit(node: Name, name: str, coordinate: Coordinate) -> str:
    return _origin(coordinate, f"in units of {quote(node)}" if name in ("sd", "scale") else "")


@dataclass(frozen=True)
class BlockRow:
    """How one block was trained: its nodes, the method, what its diagnostics say, why, and whether it can be relied on."""

    name: str
    given: str
    method: str
    findings: tuple[str, ...]
    why: str
    sound: bool

    def __str__(self) -> str:
        given = f" given {self.given}" if self.given else ""
        return f"{self.name}{given}: {'; '.join([self.method, *self.findings, *([self.why] if self.why else [])])}"


def block_row(block: BlockDraws) -> BlockRow:
    """One block's line of the plan, in parts."""
    findings = []
    if block.approximate is not None:
        findings.append(f"APPROXIMATE: {block.approximate}")
    if block.khat is not None:
        limit = "" if block.khat < KHAT_LIMIT else f" (above {KHAT_LIMIT:g}: NOT TRUSTED)"
        findings.append(f"Pareto k-hat {block.khat:.2f}{limit}")
    if block.weight_ess is not None:
        findings.append(f"{block.weight_ess:,.0f} effective draws")
    if any(diagnostic.rhat is not None for diagnostic in block.diagnostics):
        findings.append(extremes(block.diagnostics))
    if block.divergences:
        findings.append(block.divergences)
    if block.shortfall is not None:
        findings.append(f"NOT CERTIFIED: {block.shortfall}")
    return BlockRow(
        block.block.name,
        ", ".join(block.block.inputs),
        str(block.method),
        tuple(findings),
        block.why,
        block.certified,
    )


@dataclass(frozen=True)
class ParameterRow:
    """A parameter in raw units: mean, sd, 5 % and 95 % quantiles, R-hat and ESS as they are printed, and its label."""

    name: str
    numbers: tuple[str, str, str, str]
    rhat: str
    ess: str
    label: ParameterLabel | None


def parameter_rows(posterior: Fitted) -> list[ParameterRow]:
    """Every free parameter; without R-hat, ESS and labels where there are too few draws to judge."""
    named = posterior.parameters
    enough = posterior.n_draws >= TRUSTED_DRAWS
    judged_ones: tuple[Diagnostic | None, ...] = posterior.parameter_diagnostics if enough else (None,) * len(named)
    labels: tuple[ParameterLabel | None, ...] = parameter_labels(posterior) if enough else (None,) * len(named)
    rows = []
    for (name, draws), diagnostic, label in zip(named, judged_ones, labels, strict=True):
        rhat, ess = ("–", "–") if diagnostic is None else (shown_rhat(diagnostic.rhat), f"{diagnostic.ess:,.0f}")
        rows.append(ParameterRow(name, _numbers(draws), rhat, ess, label))
    return rows


def shown_rhat(value: float | None) -> str:
    """R-hat with three decimals; a dash where it does not apply."""
    if value is None:
        return "–"
    return f"{value:.3f}" if math.isfinite(value) else "inf"


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


def kinds(rows: Iterable[ParameterRow]) -> dict[Kind, tuple[str, ...]]:
    """The kinds of label that occur, each with its different reasons that do not name a single parameter."""
    found: dict[Kind, dict[str, None]] = {}
    for row in rows:
        if row.label is not None:
            reasons = found.setdefault(row.label.kind, {})
            if row.label.kind in ("not identified", "not judged") and row.label.reason:
                reasons[row.label.reason] = None
    return {kind: tuple(found[kind]) for kind in MEANING if kind in found}

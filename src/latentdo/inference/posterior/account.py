"""What a fit says of its nodes and blocks, in words: equations, priors in force with their units, how a block was trained."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from latentdo.graphs import quote
from latentdo.models import Prior, Spreading, Table, plain

from ..blocks.coordinates import Coordinate, NodeCoordinates, pseudo_counts
from ..blocks.diagnostics import KHAT_LIMIT, Diagnostic
from ..blocks.draws import BlockDraws
from ..blocks.fitted import Fitted

SHOWN = 6
"""Pseudo-counts of a table's row that are printed."""
ROUNDING = 1e-6
"""Share by which equal widths of priors may differ."""


def plan(posterior: Fitted) -> str:
    """What was trained how, block by block, in words."""
    return "\n".join(f"{block_name(block)}: {account_of(block)}" for block in posterior.blocks)


def block_name(block: BlockDraws) -> str:
    """The nodes of a block, and what they were given."""
    given = f" given {', '.join(block.block.inputs)}" if block.block.inputs else ""
    return f"{block.block.name}{given}"


def account_of(block: BlockDraws) -> str:
    """How a block was trained, what its diagnostics say, and why it was trained so."""
    parts = [str(block.method)]
    if block.approximate is not None:
        parts.append(f"APPROXIMATE: {block.approximate}")
    if block.khat is not None:
        limit = "" if block.khat < KHAT_LIMIT else f" (above {KHAT_LIMIT:g}: NOT TRUSTED)"
        parts.append(f"Pareto k-hat {block.khat:.2f}{limit}")
    if block.weight_ess is not None:
        parts.append(f"{block.weight_ess:,.0f} effective draws")
    if any(diagnostic.rhat is not None for diagnostic in block.diagnostics):
        # Without names: the fit judges moments of the same names over all of its blocks, and has other numbers for them.
        parts.append(extremes(block.diagnostics, named=False))
    if block.divergences:
        parts.append(block.divergences)
    if block.shortfall is not None:
        parts.append(f"NOT CERTIFIED: {block.shortfall}")
    return "; ".join([*parts, *([block.why] if block.why else [])])


def extremes(found: Sequence[Diagnostic], *, named: bool = True) -> str:
    """The worst R-hat and the lowest ESS, which need not be of the same functional.

    Args:
        named: Whether to say of which functionals they are.
    """
    worst = max(found, key=lambda diagnostic: diagnostic.badness)
    least = min(found, key=lambda diagnostic: diagnostic.ess)
    of_worst, of_least = (f" ({each.name})" if named else "" for each in (worst, least))
    mixing = "" if worst.rhat is None else f"worst R-hat {shown_rhat(worst.rhat)}{of_worst}, "
    return f"{mixing}lowest ESS {least.ess:,.0f}{of_least}"


def shown_rhat(value: float | None) -> str:
    """R-hat with three decimals; a dash where it does not apply."""
    if value is None:
        return "–"
    return f"{value:.3f}" if math.isfinite(value) else "inf"


@dataclass(frozen=True)
class NodeRow:
    """A node's equation, on which scale its predictor is, and its parameters' priors with their units; or a note instead.

    Attributes:
        table_row: The prior of every row of a table, in words for a paper; empty for other nodes.
    """

    equation: str
    scale: str
    beliefs: tuple[tuple[str, str, str], ...]
    note: str = ""
    table_row: str = ""


_WRITTEN = re.compile(r".+\[.+\]|(log|s)\(.+\).*|.+\^[0-9]")
"""A level of a parent, or its shape."""


def node_row(posterior: Fitted, own: NodeCoordinates) -> NodeRow:
    """One node's equation with the priors in force."""
    mechanism = posterior.spec[own.node]
    latent = own.node in posterior.spec.latent
    equation = f"{'latent ' if latent else ''}{quote(own.node)} ~ {mechanism.text(with_beliefs=False)}"
    predicted = mechanism.family.predicted(quote(own.node))
    scale = f"(intercept and weights on {predicted})" if predicted else ""
    if mechanism.spread is not None:
        of = mechanism.spread.parameter
        scale = f"{scale} ({of} intercept and {of} weights on log {of})".strip()
    if latent and not own.terms and [coordinate.fixed for coordinate in own.all] == [0.0, 1.0]:
        return NodeRow(equation, scale, (), "fixed at mean 0 and sd 1: a latent node has no scale of its own")
    if isinstance(mechanism.family, Table):
        numbers, words = _table_prior(own, mechanism.family)
        return NodeRow(equation, scale, (), f"each row of the table: {numbers}", words)
    size = 1 + len(own.terms)
    signs = [weight.sign for predictor in mechanism.predictors for weight in predictor.weights]
    units = [
        _intercept_unit(own, coordinate, [term.label != "" for term in own.coefficients[k + 1 : k + size]])
        if k % size == 0
        else _weight_unit(own, coordinate, k % size - 1, signs[k - k // size - 1])
        for k, coordinate in enumerate(own.coefficients)
    ]
    units += [_origin(coordinate, _parameter_unit(own, name, predicted)) for name, coordinate in own.parameters]
    # How a spline bends is told by its wiggle: its columns' coefficients are in units of that.
    hidden = {k for _, places in own.bends for k in places}
    rows = [(c, unit) for k, (c, unit) in enumerate(zip(own.all, units, strict=True)) if k not in hidden and c.label]
    return NodeRow(equation, scale, tuple((coordinate.label, belief(coordinate), unit) for coordinate, unit in rows))


def _parameter_unit(own: NodeCoordinates, name: str, predicted: str) -> str:
    if name.startswith("wiggle "):
        return f"sd of the curve about its straight line, {f'on {predicted}' if predicted else f'in units of {quote(own.node)}'}"
    return f"in units of {quote(own.node)}" if name in ("sd", "scale") else ""


def _table_prior(own: NodeCoordinates, family: Table) -> tuple[str, str]:
    """The prior of every row of a table: with its numbers, and in words for a paper."""
    counts = pseudo_counts(own, family)[0]
    whose = "default" if own.coefficients[0].default else "yours"
    if (counts == counts[0]).all():
        number = plain(float(counts[0]))
        return f"Dirichlet with concentration {number} ({whose})", f"Dirichlet({number}, …, {number})"
    shown = [f"{count:.3g}" for count in counts[:SHOWN]] + ["…"] * (len(counts) > SHOWN)
    return (
        f"Dirichlet({', '.join(shown)}), worth one row of the data at the shares of {quote(own.node)} ({whose})",
        "Dirichlet, its pseudo-counts the variable's shares in the data, each level counted once more, which sum to 1",
    )


def widened(posterior: Fitted) -> tuple[bool, bool]:
    """Whether some default prior of a weight is wider, and whether some is narrower, than t per sd of the parent."""
    widths = [width for own in posterior.coordinates if own.terms for width in _widths(posterior, own)]
    return any(width > 1.0 + ROUNDING for width in widths), any(width < 1.0 - ROUNDING for width in widths)


def _widths(posterior: Fitted, own: NodeCoordinates) -> list[float]:
    """Of each default prior of a weight its sd over t, where t can be told from the priors in force."""
    size, family, found = 1 + len(own.terms), posterior.spec[own.node].family, list[float]()
    for start, predictor in zip(
        range(0, len(own.coefficients), size), posterior.spec[own.node].predictors, strict=True
    ):
        intercept, *weights = own.coefficients[start : start + size]
        t = family.unit if predictor.of and isinstance(family, Spreading) else family.link_sd
        if t is None and intercept.default and intercept.prior is not None and intercept.prior.family == "normal":
            t = 0.5 * intercept.prior.args[1]
        found += [] if t is None else [w.prior.args[1] / t for w in weights if w.default and w.prior is not None]
    return found


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


def _intercept_unit(own: NodeCoordinates, coordinate: Coordinate, present: Sequence[bool]) -> str:
    """Of an intercept, which terms stand in whose predictor is said by `present`."""
    if not any(present):
        return _origin(coordinate, "")
    centred = {
        name
        for term, whole, here in zip(own.terms, own.centred, present, strict=True)
        if whole and here
        for name in term
    }
    # A spline's columns are about 0 wherever its parent is.
    centred -= {name for _, places in own.bends for k in places if k <= len(own.terms) for name in own.terms[k - 1]} - {
        name for k, term in enumerate(own.terms) for name in term if not any(k + 1 in places for _, places in own.bends)
    }
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
    """A parent's name as it is typed; the indicator of a level and a shape are so already."""
    return name if _WRITTEN.fullmatch(name) else quote(name)

"""Whether an effect is the same in every subgroup because the model has no interaction: then the evidence changes no digit."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.graphs import Name, quote
from latentdo.models import ModelSpec
from latentdo.query import Binary, Expression, Term
from latentdo.sheet import listed

IDENTITY = ("normal", "student", "linear")
"""Families whose mean is the linear predictor itself."""


def same_in_all(spec: ModelSpec, expression: Expression) -> str:
    """The sentence for a difference among units with some evidence that no evidence could change; empty of any other question."""
    path = _straight(spec, expression)
    if path is None or not path.term.given or set(path.term.conditions) & path.below:
        return ""
    seen = [quote(name) for name in path.term.conditions]
    verb = "is" if len(seen) == 1 else "are"
    outcome = quote(path.term.outcome_names[0])
    return (
        f"the same whatever {listed(seen)} {verb}: the model has no interaction that lets the effect "
        f"of {listed(path.treated)} differ from unit to unit. {path.treated[0]}:{seen[0]} among the parents of {outcome} would"
    )


def one_for_all(spec: ModelSpec, expression: Expression) -> str:
    """The sentence for a difference among all units that measured causes could change, if the model let them; empty of others.

    Source:
        Angrist (1998), Estimating the labor market impact of voluntary military service: where effects differ, a regression
        without products gives their mean weighted by how much the treatment varies, and not that over all units.
    """
    path = _straight(spec, expression)
    if path is None or path.term.given:
        return ""
    beside = {parent for node in path.moved for parent in spec.graph.parents(node)}
    if not beside - path.below - path.held - spec.latent:
        return ""
    return f"no interaction with {listed(path.treated)}: one effect for all units"


@dataclass(frozen=True)
class _Path:
    """A difference whose effect is the same in every unit, as no product and no curve lies between treatment and outcome.

    Attributes:
        term: The first of its terms.
        treated: The treatments that differ between the terms.
        moved: What lies between them and the outcome, itself included.
        below: All that they cause, and they themselves.
        held: The other treatments.
    """

    term: Term
    treated: tuple[Name, ...]
    moved: frozenset[Name]
    below: frozenset[Name]
    held: frozenset[Name]


def _straight(spec: ModelSpec, expression: Expression) -> _Path | None:
    match expression:
        case Binary(op="-", left=Term(kind="mean") as new, right=Term(kind="mean") as old):
            pass
        case _:
            return None
    first, second = ({setting.name: setting.value for setting in term.do} for term in (new, old))
    varied = {name for name in first if first[name] != second.get(name)}
    alike = (new.outcomes, new.given, set(first)) == (old.outcomes, old.given, set(second))
    if not alike or not varied or new.is_stochastic or old.is_stochastic:
        return None
    outcome, held = new.outcome_names[0], set(first) - varied
    cut = spec.graph.without_incoming(first)
    below = set(cut.descendants(varied))
    moved = below & set(cut.ancestors([outcome])) - varied
    if outcome not in moved or not all(_is_straight(spec, node, varied, moved, held) for node in moved):
        return None
    treated = tuple(quote(name) for name in first if name in varied)
    return _Path(new, treated, frozenset(moved), frozenset(below | varied), frozenset(held))


def _is_straight(spec: ModelSpec, node: Name, varied: set[Name], moved: set[Name], held: set[Name]) -> bool:
    """Whether a node moves by the same amount in all units: no product with what differs between them, no curve on the way."""
    mechanism = spec[node]
    if mechanism.family.name not in IDENTITY:
        return False
    for weight in mechanism.weights:
        movers = [part for part in weight.parts if part[0] in varied | moved]
        others = {name for name in weight.parents if name not in varied | moved}
        if movers and (len(movers) > 1 or not others <= held):
            return False
        if any(name in moved and (level is not None or shape is not None) for name, level, shape in movers):
            return False
    return True

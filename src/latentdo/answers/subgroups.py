"""Whether an effect is the same in every subgroup because the model has no interaction: then the evidence changes no digit."""

from __future__ import annotations

from latentdo.graphs import Name, quote
from latentdo.models import ModelSpec
from latentdo.query import Binary, Expression, Term
from latentdo.sheet import listed

IDENTITY = ("normal", "student", "linear")
"""Families whose mean is the linear predictor itself."""


def same_in_all(spec: ModelSpec, expression: Expression) -> str:
    """The sentence for a difference among units with some evidence that no evidence could change; empty of any other question."""
    match expression:
        case Binary(op="-", left=Term(kind="mean") as new, right=Term(kind="mean") as old) if new.given:
            pass
        case _:
            return ""
    first, second = ({setting.name: setting.value for setting in term.do} for term in (new, old))
    varied = {name for name in first if first[name] != second.get(name)}
    alike = (new.outcomes, new.given, set(first)) == (old.outcomes, old.given, set(second))
    if not alike or not varied or new.is_stochastic or old.is_stochastic:
        return ""
    outcome = new.outcome_names[0]
    cut = spec.graph.without_incoming(first)
    moved = set(cut.descendants(varied)) & set(cut.ancestors([outcome])) - varied
    if outcome not in moved or set(new.conditions) & set(cut.descendants(varied)):
        return ""
    if not all(_is_straight(spec, node, varied, moved, set(first) - varied) for node in moved):
        return ""
    seen = [quote(name) for name in new.conditions]
    treated = [quote(name) for name in first if name in varied]
    verb = "is" if len(seen) == 1 else "are"
    return (
        f"the same whatever {listed(seen)} {verb}: the model has no interaction that lets the effect "
        f"of {listed(treated)} differ from unit to unit. {treated[0]}:{seen[0]} among the parents of {quote(outcome)} would"
    )


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

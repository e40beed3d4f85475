"""What is believed of a parameter, from what was typed: a number, or a prior cut to where the parameter can be."""

from __future__ import annotations

import math
from dataclasses import replace

from latentdo.errors import SpecError, nearest
from latentdo.graphs import Call, Name, quote

from .families import Table
from .family import AbstractFamily
from .mechanism import Belief, Weight
from .prior import Prior, plain
from .registry import FAMILIES
from .spreading import varying

OF_SPREAD = (" weight", " intercept")
"""How the keys of priors of a parameter that depends on parents end: `sd weight`."""


def belief_of(value: object, key: str, what: str, family: AbstractFamily | None = None) -> Belief:
    """A fixed number or a prior; priors of a family's parameters, which are positive, are cut at 0 or where it needs."""
    positive = key not in ("weight", "intercept", "mean") and not key.endswith(OF_SPREAD)
    least = 0.0 if family is None else family.needs.get(key, 0.0)
    most = math.inf if family is None else family.ceilings.get(key, math.inf)
    if isinstance(value, float | int):
        if not math.isfinite(value) or (positive and not least < value < most):
            kind = "finite" if not positive else f"above {plain(least)}" if least else "positive"
            kind = f"between {plain(least)} and {plain(most)}" if positive and math.isfinite(most) else kind
            raise SpecError(f"{what} must be {kind}, got {plain(value)}.")
        return float(value)
    if isinstance(value, Call):
        prior = Prior.of(value)
        return prior.cut(low=least, high=most) if positive else prior
    raise SpecError(f"{what} takes a number or a prior such as normal(0, 1), got {typed(value)}.")


def signed(weight: Weight, belief: Belief, node: Name) -> Weight:
    """The weight with a belief that respects its sign."""
    if weight.sign and isinstance(belief, float) and (belief < 0 if weight.sign == "+" else belief > 0):
        raise SpecError(
            f"The weight of {weight.label} in {node} is fixed at {plain(belief)}, against its sign {weight.sign}. "
            "Change one of the two.",
            node=node,
        )
    if weight.sign and isinstance(belief, Prior):
        belief = belief.cut(low=0.0) if weight.sign == "+" else belief.cut(high=0.0)
    return replace(weight, belief=belief)


def option_key(key: str, family: AbstractFamily, node: Name, *, has_parents: bool) -> str:
    """The parameter that an option writes; `mean` of a normal root is its intercept."""
    known = [] if isinstance(family, Table) else ["intercept", *(["weight"] if has_parents else [])]
    known += [*dict.fromkeys((*type(family).parameters, *family.parameters)), *family.option_keys]
    if key == "mean" and not has_parents and family.takes_mean:
        return "intercept"
    if key == "mean":
        why = "has parents" if has_parents else f"is {family.name}, whose intercept is on the link scale"
        raise SpecError(f"mean is for a normal node without parents; {node} {why}. Write intercept=…", node=node)
    if key not in known:
        extra = " (it has no parents)" if key == "weight" else ""
        raise SpecError(f"{family.name} has no option {key!r} for {node}{extra}. {nearest(key, known)}", node=node)
    if key in family.switches and key not in family.parameters:
        raise SpecError(
            f"{node} has no {key}: its model does not turn it on. Write {quote(node)} ~ {family.name}(…, {key}=true).",
            node=node,
        )
    return key


def known_spreads() -> tuple[str, ...]:
    """The parameters that may depend on parents in some family."""
    return tuple(dict.fromkeys(name for family in FAMILIES.values() for name in varying(family)))


def typed(value: object) -> str:
    """The value of an option as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return plain(value) if isinstance(value, float | int) else f"{value}"

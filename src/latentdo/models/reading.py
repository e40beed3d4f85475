"""From statements to a graph and its mechanisms: families, options, priors; the form was checked by the notation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from latentdo.errors import NotationError, SpecError, nearest
from latentdo.extensions import HOW_KNOWN
from latentdo.graphs import (
    EdgeStatement,
    LatentDag,
    LinearPredictor,
    MechanismStatement,
    Name,
    Option,
    Parent,
    Position,
    Statement,
    graph_of,
    normalised,
    quote,
)

from .belief import belief_of, known_spreads, option_key, signed, typed
from .family import AbstractFamily
from .mechanism import Belief, Mechanism, Spread, Weight
from .registry import FAMILIES, family_named
from .shape import shape_of
from .spreading import varying


def read_model(statements: Sequence[Statement], text: str) -> tuple[LatentDag, dict[Name, Mechanism]]:
    """The graph and the mechanisms that the statements of a text in the model language write.

    Raises:
        NotationError: With line and column: an unknown family, an option out of place, a bad prior.
        SpecError: A node without a mechanism.
    """
    graph = graph_of(statements, text)
    text = normalised(text)
    mechanisms: dict[Name, Mechanism] = {}
    for statement in statements:
        if isinstance(statement, MechanismStatement):
            for node in statement.names:
                with _located(text, statement.position):
                    mechanisms[node] = _mechanism(statement, node, graph, text)
    if not mechanisms:
        raise SpecError(
            "The text has no mechanism (`Y ~ normal(X)`), so it states a graph, not a model. "
            "Say how each node is generated, or use `ld.graph`."
        )
    for statement in statements:
        if isinstance(statement, EdgeStatement) and statement.kind == "-|" and statement.right in mechanisms:
            node = statement.right
            with _located(text, statement.position):
                mechanisms[node] = _inhibited(mechanisms[node], statement.left, node)
    return graph, mechanisms


class _located:
    """Gives an error about the model the place in the text where it was written."""

    def __init__(self, text: str, position: Position) -> None:
        self.text, self.position = text, position

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SpecError):
            raise NotationError(str(error), self.text, self.position.line, self.position.column) from None


def _mechanism(statement: MechanismStatement, node: Name, graph: LatentDag, text: str) -> Mechanism:
    options: dict[str, Option] = {}
    for option in statement.options:
        with _located(text, option.position):
            if option.key in options:
                raise SpecError(f"{option.key} is given twice for {node}. Keep one.", node=node)
            options[option.key] = option
    with _located(text, statement.family_position):
        named = family_named(statement.family)
        if named is None:
            raise SpecError(f"No family is called {statement.family!r}. {_offer(statement.family)}", node=node)
        family = named()
    beliefs: dict[str, Belief] = {}
    spread: Spread | None = None
    # What a family is comes before what is believed of it: a parameter may be there only with an option.
    for option in sorted(options.values(), key=lambda option: option.key not in family.option_keys):
        with _located(text, option.position):
            if option.key == "wiggle" and any(own and own.kind == "s" for p in statement.parents for own in p.forms):
                beliefs["wiggle"] = belief_of(option.value, "wiggle", f"wiggle of {node}")
                continue
            if isinstance(option.value, LinearPredictor):
                spread = _spread(option, option.value, family, node, text, earlier=spread)
                continue
            family, key, belief = _optioned(family, option, node, has_parents=bool(graph.parents(node)))
            if key in beliefs:
                raise SpecError(f"mean and intercept of {node} are the same parameter. Keep one.", node=node)
            if key:
                beliefs[key] = belief
    weights = []
    for parent in statement.parents:
        with _located(text, parent.position):
            weights.append(_weight(parent, beliefs.get("weight"), node))
    return Mechanism(
        family,
        tuple(weights),
        beliefs.get("intercept"),
        tuple((name, beliefs.get(name)) for name in family.parameters),
        beliefs.get("wiggle"),
        spread,
    )


def _spread(
    option: Option, value: LinearPredictor, family: AbstractFamily, node: Name, text: str, *, earlier: Spread | None
) -> Spread:
    """The predictor of a parameter that depends on parents, `sd=loglinear(X)`."""
    if earlier is not None:
        raise SpecError(
            f"{node} has loglinear(…) for {earlier.parameter} and for {option.key}. Only one parameter of a node may depend on "
            "parents: keep one.",
            node=node,
        )
    if option.key not in (free := varying(family)):
        if free and option.key not in family.parameters and option.key in known_spreads():
            raise SpecError(
                f"{family.name} has no {option.key}, but {free[0]}: write {free[0]}={value} for {quote(node)}.",
                node=node,
            )
        option_key(option.key, family, node, has_parents=True)
        what = f"{family.name} has it for {' or '.join(free)}" if free else f"no parameter of {family.name} does"
        raise SpecError(f"{option.key} of {node} does not depend on parents: {what}.", node=node)
    beliefs: dict[str, Belief] = {}
    for own in value.options:
        with _located(text, own.position):
            if own.key not in ("weight", "intercept"):
                raise SpecError(
                    f"loglinear has no option {own.key!r} for {node}. It takes weight and intercept.", node=node
                )
            beliefs[own.key] = belief_of(own.value, own.key, f"{own.key} of {option.key} of {node}")
    weights = []
    for parent in value.parents:
        with _located(text, parent.position):
            weights.append(_weight(parent, beliefs.get("weight"), node))
    return Spread(option.key, tuple(weights), beliefs.get("intercept"))


def _optioned(
    family: AbstractFamily, option: Option, node: Name, *, has_parents: bool
) -> tuple[AbstractFamily, str, Belief]:
    """The family with an option, and the parameter that this is with what was written of it; no parameter of a mere option."""
    value, switch = option.value, option.key in family.switches
    if isinstance(value, bool) and not switch:
        option_key(option.key, family, node, has_parents=has_parents)
        raise SpecError(
            f"{option.key} of {node} takes a number or a prior, and is not on or off: got {typed(value)}.", node
        )
    changed = family.with_option(option.key, value, node)
    if switch and isinstance(value, bool):
        return changed or family, "", None
    if changed is not None and not switch:
        return changed, "", None
    family = changed or family
    key = option_key(option.key, family, node, has_parents=has_parents)
    return family, key, belief_of(value, key, f"{option.key} of {node}", family)


_ELSEWHERE = {
    "gaussian": "normal",
    "binomial": "bernoulli",
    "binary": "bernoulli",
    "logistic": "bernoulli",
    "logit": "bernoulli",
    "sigmoid": "hill",
    "deterministic": "linear",
}
"""What other programs call the families."""


def _offer(family: str) -> str:
    known = _ELSEWHERE.get(family.casefold())
    # A longer name is no slip of the hand: `lognormal` is another family, not a normal one.
    near = [name for name in FAMILIES if abs(len(name) - len(family)) <= 2]
    offered = f"Did you mean {known!r}?" if known else nearest(family, near or FAMILIES)
    if offered.startswith("Did"):
        return offered
    return f"Known are: {', '.join(FAMILIES)}. {HOW_KNOWN}"


def _weight(parent: Parent, belief: Belief, node: Name) -> Weight:
    shapes = tuple(shape_of(form) for form in parent.forms)
    return signed(Weight(parent.names, parent.sign, shapes=shapes), belief, node)


def _inhibited(mechanism: Mechanism, parent: Name, node: Name) -> Mechanism:
    """The mechanism after `parent -| node`: the parent's weight is negative."""
    if not any(weight.parents == (parent,) and not weight.absent for weight in mechanism.weights):
        of_spread = parent in mechanism.spread_parents
        within, place = ("loglinear(…)", "there") if of_spread else ("an interaction", "on the interaction")
        raise SpecError(
            f"{parent} -| {node} constrains a weight that {node} does not have: {parent} is a parent only within "
            f"{within}. Write the sign {place}, or use ->.",
            node=node,
        )
    weights = []
    for weight in mechanism.weights:
        changed = weight
        if weight.parents == (parent,) and not weight.absent:
            if any(shape is not None and not shape.is_monotone for shape in weight.shapes):
                raise SpecError(
                    f"{parent} -| {node} says that {parent} inhibits, but {weight.typed} both rises and falls with it. Write ->.",
                    node=node,
                )
            if weight.sign == "+":
                raise SpecError(f"{parent} -| {node} says that {parent} inhibits, but the parent is written +{parent}.")
            changed = signed(replace(weight, sign="-"), weight.belief, node)
        weights.append(changed)
    return replace(mechanism, weights=tuple(weights))

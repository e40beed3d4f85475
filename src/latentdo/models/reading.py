"""From statements to a graph and its mechanisms: families, options, priors; the form was checked by the notation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from latentdo.errors import NotationError, SpecError, UnknownNodeError, nearest
from latentdo.extensions import HOW_KNOWN
from latentdo.graphs import (
    Call,
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
    parse_weight_key,
    quote,
)

from .families import Table
from .family import AbstractFamily
from .mechanism import Belief, Mechanism, Spread, Weight
from .prior import Prior, plain
from .registry import FAMILIES, family_named
from .shape import shape_of
from .spreading import varying

OF_SPREAD = (" weight", " intercept")
"""How the keys of priors of a parameter that depends on parents end: `sd weight`."""


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
                beliefs["wiggle"] = _belief(option.value, "wiggle", f"wiggle of {node}")
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
            f"{node} has loglinear(…) for {earlier.parameter} and for {option.key}, and one of its parameters may depend on "
            "parents. Keep one.",
            node=node,
        )
    if option.key not in (free := varying(family)):
        if free and option.key not in family.parameters and option.key in known_spreads():
            raise SpecError(
                f"{family.name} has no {option.key}, but {free[0]}: write {free[0]}={value} for {quote(node)}.",
                node=node,
            )
        _option_key(option.key, family, node, has_parents=True)
        what = f"{family.name} has it for {' or '.join(free)}" if free else f"no parameter of {family.name} does"
        raise SpecError(f"{option.key} of {node} does not depend on parents: {what}.", node=node)
    beliefs: dict[str, Belief] = {}
    for own in value.options:
        with _located(text, own.position):
            if own.key not in ("weight", "intercept"):
                raise SpecError(
                    f"loglinear has no option {own.key!r} for {node}. It takes weight and intercept.", node=node
                )
            beliefs[own.key] = _belief(own.value, own.key, f"{own.key} of {option.key} of {node}")
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
        _option_key(option.key, family, node, has_parents=has_parents)
        raise SpecError(
            f"{option.key} of {node} takes a number or a prior, and is not on or off: got {_typed(value)}.", node
        )
    changed = family.with_option(option.key, value, node)
    if switch and isinstance(value, bool):
        return changed or family, "", None
    if changed is not None and not switch:
        return changed, "", None
    family = changed or family
    key = _option_key(option.key, family, node, has_parents=has_parents)
    return family, key, _belief(value, key, f"{option.key} of {node}", family)


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


def _option_key(key: str, family: AbstractFamily, node: Name, *, has_parents: bool) -> str:
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


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return plain(value) if isinstance(value, float | int) else f"{value}"


def _belief(value: object, key: str, what: str, family: AbstractFamily | None = None) -> Belief:
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
    raise SpecError(f"{what} takes a number or a prior such as normal(0, 1), got {_typed(value)}.")


def _weight(parent: Parent, belief: Belief, node: Name) -> Weight:
    shapes = tuple(shape_of(form) for form in parent.forms)
    return _signed(Weight(parent.names, parent.sign, shapes=shapes), belief, node)


def _signed(weight: Weight, belief: Belief, node: Name) -> Weight:
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
            changed = _signed(replace(weight, sign="-"), weight.belief, node)
        weights.append(changed)
    return replace(mechanism, weights=tuple(weights))


def apply_priors(
    graph: LatentDag, given: Mapping[Name, Mechanism], priors: Mapping[str, Call | float]
) -> dict[Name, Mechanism]:
    """The mechanisms with the `priors:` of a study file: one weight > one node > the text > the whole model."""
    parsed = [(key, *parse_weight_key(key), value) for key, value in priors.items()]
    broad = {kind: (key, value) for key, kind, parents, node, value in parsed if node is None and parents is None}
    _check_distinct(parsed)
    mechanisms = dict(given)
    used: set[str] = set()
    # Which key has the last word on each parameter: one that has it nowhere would be silently without effect.
    last_word: dict[tuple[Name, str], str] = {}
    for node, mechanism in given.items():
        mechanisms[node] = _with_broad(mechanism, node, broad, used, latent=node in graph.latent)
        filled = _stated(mechanisms[node]) - _stated(mechanism)
        last_word |= {(node, place): broad[_kind_of(place)][0] for place in filled}
    # Weights after nodes, and of them those of single levels last.
    order = sorted(parsed, key=lambda entry: entry[2] is not None and 1 + any(own.endswith("]") for own in entry[2]))
    for key, kind, parents, node, value in order:
        if node is None:
            continue
        if node not in mechanisms:
            raise UnknownNodeError(node, graph.nodes)
        _check_levels_known(given, key, parents or ())
        mechanisms[node] = _with_narrow(mechanisms[node], node, key, kind, parents, value)
        used.add(key)
        last_word |= {(node, place): key for place in _places(mechanisms[node], kind, parents)}
    if unused := [key for key in priors if key not in used]:
        raise SpecError(f"The prior {unused[0]!r} reaches no parameter of the model. Remove it, or name a node: sd(Y).")
    learned = {
        "weight",
        "intercept",
        "mean",
        "wiggle",
        *(name for family in FAMILIES.values() for name in family.parameters),
        *(f"{name}{of}" for name in known_spreads() for of in OF_SPREAD),
    }
    if idle := [key for key, kind, *_ in parsed if key not in last_word.values() and kind in learned]:
        raise SpecError(
            f"The prior {idle[0]!r} has no effect: whatever it reaches is stated more narrowly, in the model's text or by "
            "another prior. Remove one of the two."
        )
    return mechanisms


def _kind_of(place: str) -> str:
    """The kind of a parameter among `_places`, whose weights are numbered."""
    kind, _, number = place.rpartition(" ")
    return kind if kind and number.isdigit() else place


def _places(mechanism: Mechanism, kind: str, parents: tuple[Name, ...] | None) -> set[str]:
    """The parameters of a node that a key reaches, by name; weights are numbered."""
    if kind == "weight":
        return {
            f"weight {k}"
            for k, w in enumerate(mechanism.weights)
            if not w.absent and (parents is None or _is_named(w, parents))
        }
    if kind.endswith(" weight") and mechanism.spread is not None:
        named = enumerate(mechanism.spread.weights)
        return {f"{kind} {k}" for k, w in named if parents is None or _is_named(w, parents)}
    return {"intercept" if kind == "mean" else kind}


def _is_named(weight: Weight, parents: tuple[Name, ...]) -> bool:
    """Whether a key is of this weight: by its parents in their shapes, which is all of their levels, or by one level."""
    return not weight.bends and set(parents) in ({*weight.keys}, {*weight.factors})


def _check_levels_known(given: Mapping[Name, Mechanism], key: str, parents: tuple[Name, ...]) -> None:
    """Refuses a key of one level of a node whose levels its column will tell: no weight is called so yet."""
    for node, mechanism in given.items():
        family = mechanism.family
        if family.has_levels and not family.states and any(own.startswith(f"{quote(node)}[") for own in parents):
            raise SpecError(
                f"The prior {key!r}: the levels of {node} are told by its column. To name one here, state them in the model: "
                f"{quote(node)} ~ {family.name}(…, levels=[…]).",
                node=node,
            )


def _stated(mechanism: Mechanism) -> set[str]:
    """The parameters of a node of which something is stated."""
    stated = {
        f"weight {k}" for k, weight in enumerate(mechanism.weights) if weight.belief is not None and not weight.absent
    }
    if (spread := mechanism.spread) is not None:
        own = f"{spread.parameter} weight"
        stated |= {f"{own} {k}" for k, weight in enumerate(spread.weights) if weight.belief is not None}
        stated |= {f"{spread.parameter} intercept"} if spread.intercept is not None else set()
    stated |= {name for name, belief in mechanism.parameters if belief is not None}
    stated |= set() if mechanism.wiggle is None else {"wiggle"}
    return stated | ({"intercept"} if mechanism.intercept is not None else set())


def _check_distinct(parsed: Sequence[tuple[str, str, tuple[Name, ...] | None, Name | None, Call | float]]) -> None:
    """Refuses two keys of one parameter: which of them would win depends on their order."""
    seen: dict[object, str] = {}
    for key, kind, parents, node, _ in parsed:
        own = kind if parents is None or kind.endswith(OF_SPREAD) else ""
        target = ("intercept" if kind == "mean" else own, frozenset(parents or ()), node)
        if target in seen:
            raise SpecError(f"The priors {seen[target]!r} and {key!r} are of the same parameter. Keep one.", node=node)
        seen[target] = key


def _with_broad(
    mechanism: Mechanism,
    node: Name,
    broad: Mapping[str, tuple[str, Call | float]],
    used: set[str],
    *,
    latent: bool,
) -> Mechanism:
    """The mechanism with the priors of the whole model where nothing was written."""
    changed = mechanism
    for kind, (key, value) in broad.items():
        belief = _belief(value, kind, key, mechanism.family)
        if kind == "weight" and isinstance(mechanism.family, Table):
            continue
        if kind.endswith(OF_SPREAD):
            if changed.spread is not None and kind.startswith(f"{changed.spread.parameter} "):
                changed = replace(
                    changed, spread=_believed_spread(changed.spread, kind, None, belief, node, broad=True)
                )
                used.add(key)
            elif kind.partition(" ")[0] not in known_spreads():
                raise SpecError(f"No parameter is called {kind!r}. {nearest(kind, _parameter_names())}")
        elif kind == "weight":
            weights = tuple(
                _signed(w, belief, node) if w.belief is None and not w.bends else w for w in changed.weights
            )
            used.update([key] if weights else [])
            changed = replace(changed, weights=weights)
        elif kind == "wiggle":
            used.update([key] if changed.has_splines else [])
            changed = replace(changed, wiggle=belief if changed.wiggle is None else changed.wiggle)
        elif latent or (kind == "intercept" and isinstance(mechanism.family, Table)):
            continue
        elif kind == "intercept":
            used.add(key)
            changed = replace(changed, intercept=belief if changed.intercept is None else changed.intercept)
        elif kind in mechanism.family.parameters:
            used.add(key)
            filled = tuple((n, belief if n == kind and b is None else b) for n, b in changed.parameters)
            changed = replace(changed, parameters=filled)
        elif kind in mechanism.family.option_keys:
            changed = _with_option(changed, node, key, kind, value)
            used.add(key)
        elif kind not in (known := _parameter_names()):
            raise SpecError(f"No parameter is called {kind!r}. {nearest(kind, known)}")
    return changed


def _with_narrow(
    mechanism: Mechanism,
    node: Name,
    key: str,
    kind: str,
    parents: tuple[Name, ...] | None,
    value: Call | float,
) -> Mechanism:
    """The mechanism with a prior that names the node, or one of its weights."""
    if kind.endswith(OF_SPREAD):
        spread = mechanism.spread
        if spread is None or not kind.startswith(f"{spread.parameter} "):
            own = kind.partition(" ")[0]
            raise SpecError(
                f"The prior {key!r}: {own} of {node} does not depend on parents. Write {own}=loglinear(…) in its model.",
                node=node,
            )
        return replace(
            mechanism, spread=_believed_spread(spread, kind, parents, _belief(value, kind, key), node, key=key)
        )
    if parents is not None:
        present = [weight for weight in mechanism.weights if not weight.absent]
        if not any(_is_named(weight, parents) for weight in present):
            known = [weight.label for weight in present]
            raise SpecError(
                f"The prior {key!r}: {node} has no parent {':'.join(parents)}. {nearest(':'.join(parents), known)}"
            )
        weights = tuple(
            _signed(w, _belief(value, "weight", key), node) if _is_named(w, parents) and not w.absent else w
            for w in mechanism.weights
        )
        return replace(mechanism, weights=weights)
    if kind == "max":
        raise SpecError(f"max of {node} is a fixed number: write it in the model, {node} ~ hill(…, max=…).", node=node)
    if kind in mechanism.family.option_keys:
        return _with_option(mechanism, node, key, kind, value)
    if mechanism.spread is not None and kind == mechanism.spread.parameter:
        raise SpecError(
            f"The prior {key!r}: {kind} of {node} depends on parents. Write '{kind} intercept({quote(node)})' or "
            f"'{kind} weight({quote(node)})'.",
            node=node,
        )
    if kind == "wiggle" and mechanism.has_splines:
        return replace(mechanism, wiggle=_belief(value, kind, key))
    kind = _option_key(kind, mechanism.family, node, has_parents=bool(mechanism.weights))
    belief = _belief(value, kind, key, mechanism.family)
    if kind == "weight":
        weights = tuple(w if w.bends or w.absent else _signed(w, belief, node) for w in mechanism.weights)
        return replace(mechanism, weights=weights)
    if kind == "intercept":
        return replace(mechanism, intercept=belief)
    return replace(mechanism, parameters=tuple((n, belief if n == kind else b) for n, b in mechanism.parameters))


def _with_option(mechanism: Mechanism, node: Name, key: str, kind: str, value: Call | float) -> Mechanism:
    """The mechanism with an option of its family that is stated among the priors, as `concentration(Y): 0.5`."""
    if isinstance(value, Call):
        raise SpecError(f"The prior {key!r}: {kind} of {node} is a number, not a distribution.", node=node)
    family = mechanism.family.with_option(kind, value, node)
    assert family is not None, "asked only for the family's own options"
    return replace(mechanism, family=family)


def _parameter_names() -> tuple[str, ...]:
    """What a prior of the whole model may be of."""
    own = (name for family in FAMILIES.values() for name in (*family.parameters, *family.option_keys))
    spreads = (f"{name}{of}" for name in known_spreads() for of in OF_SPREAD)
    return tuple(
        dict.fromkeys(
            ("weight", "intercept", *(name for name in own if name not in ("max", "levels")), "wiggle", *spreads)
        )
    )


def known_spreads() -> tuple[str, ...]:
    """The parameters that may depend on parents in some family."""
    return tuple(dict.fromkeys(name for family in FAMILIES.values() for name in varying(family)))


def _believed_spread(
    spread: Spread,
    kind: str,
    parents: tuple[Name, ...] | None,
    belief: Belief,
    node: Name,
    *,
    key: str = "",
    broad: bool = False,
) -> Spread:
    """A predictor of spread with a prior of its intercept, of all its weights, or of one.

    Args:
        broad: Whether what was written stands.
    """
    if kind.endswith(" intercept"):
        return spread if broad and spread.intercept is not None else replace(spread, intercept=belief)
    if parents is not None and not any(_is_named(weight, parents) for weight in spread.weights):
        known = [weight.label for weight in spread.weights]
        raise SpecError(
            f"The prior {key!r}: {spread.parameter} of {node} does not depend on {':'.join(parents)}. "
            f"{nearest(':'.join(parents), known)}"
        )
    chosen = [
        (parents is None or _is_named(w, parents)) and not (broad and w.belief is not None) for w in spread.weights
    ]
    weights = tuple(_signed(w, belief, node) if c else w for w, c in zip(spread.weights, chosen, strict=True))
    return replace(spread, weights=weights)

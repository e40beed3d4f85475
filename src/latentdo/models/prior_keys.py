"""The `priors:` of a study file, laid over the mechanisms of a model: one weight > one node > the text > the whole model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from latentdo.errors import SpecError, UnknownNodeError, nearest
from latentdo.graphs import Call, LatentDag, Name, parse_weight_key, quote

from .belief import OF_SPREAD, belief_of, known_spreads, option_key, signed
from .families import Table
from .mechanism import Belief, Mechanism, Spread, Weight
from .registry import FAMILIES


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
        belief = belief_of(value, kind, key, mechanism.family)
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
            weights = tuple(signed(w, belief, node) if w.belief is None and not w.bends else w for w in changed.weights)
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
        return _with_narrow_spread(mechanism, node, key, kind, parents, value)
    if parents is not None:
        return _with_one_weight(mechanism, node, key, parents, value)
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
        return replace(mechanism, wiggle=belief_of(value, kind, key))
    kind = option_key(kind, mechanism.family, node, has_parents=bool(mechanism.weights))
    belief = belief_of(value, kind, key, mechanism.family)
    if kind == "weight":
        weights = tuple(w if w.bends or w.absent else signed(w, belief, node) for w in mechanism.weights)
        return replace(mechanism, weights=weights)
    if kind == "intercept":
        return replace(mechanism, intercept=belief)
    return replace(mechanism, parameters=tuple((n, belief if n == kind else b) for n, b in mechanism.parameters))


def _with_narrow_spread(
    mechanism: Mechanism, node: Name, key: str, kind: str, parents: tuple[Name, ...] | None, value: Call | float
) -> Mechanism:
    """The mechanism with a prior of what its spread depends on, `sd weight X -> Y`."""
    spread = mechanism.spread
    if spread is None or not kind.startswith(f"{spread.parameter} "):
        own = kind.partition(" ")[0]
        raise SpecError(
            f"The prior {key!r}: {own} of {node} does not depend on parents. Write {own}=loglinear(…) in its model.",
            node=node,
        )
    return replace(
        mechanism, spread=_believed_spread(spread, kind, parents, belief_of(value, kind, key), node, key=key)
    )


def _with_one_weight(
    mechanism: Mechanism, node: Name, key: str, parents: tuple[Name, ...], value: Call | float
) -> Mechanism:
    """The mechanism with a prior of the weight of these parents, `X:V -> Y`."""
    present = [weight for weight in mechanism.weights if not weight.absent]
    if not any(_is_named(weight, parents) for weight in present):
        known = [weight.label for weight in present]
        raise SpecError(
            f"The prior {key!r}: {node} has no parent {':'.join(parents)}. {nearest(':'.join(parents), known)}"
        )
    weights = tuple(
        signed(w, belief_of(value, "weight", key), node) if _is_named(w, parents) and not w.absent else w
        for w in mechanism.weights
    )
    return replace(mechanism, weights=weights)


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
    weights = tuple(signed(w, belief, node) if c else w for w, c in zip(spread.weights, chosen, strict=True))
    return replace(spread, weights=weights)

"""Whether the values in a question are possible, and whether it says enough to be answered with a number."""

from __future__ import annotations

from latentdo.errors import QueryError, SupportError
from latentdo.graphs import Name, format_level, quote
from latentdo.models import ModelSpec, listed, named
from latentdo.query import Distribution, Outcome, Query, Setting, Term

DRAWN = {"normal": (-0.5,), "bernoulli": (0.0, 1.0)}
"""By law, values that it may give: a node that cannot take one of them cannot be drawn from the law."""


def check_values(spec: ModelSpec, query: Query) -> None:
    """Whether every value that the question states lies in its node's family.

    Raises:
        SupportError: A value that a node cannot take, an exact value of a continuous outcome.
    """
    for term in query.terms:
        for setting in term.do:
            if setting.value is not None:
                _check_setting(spec, setting)
        for item in (*term.given, *term.outcomes):
            if item.value is not None:
                _check_comparison(spec, item)
        if term.kind == "mean":
            _check_mean(spec, term.outcomes[0].name)
        for outcome in term.outcomes:
            if outcome.op == "=" and not spec[outcome.name].family.discrete:
                raise SupportError(
                    outcome.name,
                    f"P({outcome}) is 0 for a continuous node: {outcome.name} is {spec[outcome.name].family}. Ask for an "
                    f"interval, P({outcome.name} > …, {outcome.name} < …).",
                )


def _check_mean(spec: ModelSpec, node: Name) -> None:
    """A mean needs numbers."""
    levels = spec.levels.get(node, ())
    if named(levels):
        raise SupportError(
            node,
            f"E[{node}] has no meaning: the levels of {node} are names ({listed(levels)}). Ask for the probability of one, "
            f"P({quote(node)} = {format_level(levels[-1])}).",
        )


def check_complete(spec: ModelSpec, query: Query) -> None:
    """Whether the question says enough to be answered with a number.

    Raises:
        QueryError: A `do` or a condition without a value; a law in arithmetic.
        SupportError: The law of a continuous node.
    """
    for term in query.terms:
        for setting in term.do:
            if setting.value is None:
                raise QueryError(
                    f"do({setting.name}) in {term} has no value, so there is no number to compute. "
                    f"Write do({setting.name}=…)."
                )
        for condition in term.given:
            if condition.value is None:
                raise QueryError(
                    f"The condition {condition.name} in {term} has no value, so there is no number to compute. "
                    f"Write {condition.name}=…."
                )
        if term.kind == "law":
            _check_law(spec, query, term)


def _check_setting(spec: ModelSpec, setting: Setting) -> None:
    """What a node is set to must be possible, and so must what it is drawn from."""
    family = spec[setting.name].family
    if not isinstance(setting.value, Distribution):
        assert setting.value is not None
        family.check_value(setting.name, setting.value)
        return
    for value in DRAWN.get(setting.value.family, ()):
        try:
            family.check_value(setting.name, value)
        except SupportError as problem:
            raise SupportError(
                setting.name,
                f"do({setting}) draws numbers that {setting.name} cannot take: {problem} Draw from another law, or set "
                f"it, do({setting.name}=…).",
            ) from None


def _check_comparison(spec: ModelSpec, item: Outcome) -> None:
    """A value must be possible; a limit of an inequality only has to be a number."""
    assert item.value is not None
    family = spec[item.name].family
    levels = spec.levels.get(item.name, ())
    if item.op == "=":
        family.check_value(item.name, item.value)
    elif named(levels):
        raise SupportError(
            item.name,
            f"The levels of {item.name} are names ({listed(levels)}), which have no order: {item} cannot be told. Ask for "
            f"P({quote(item.name)} = {format_level(levels[-1])}).",
        )
    elif isinstance(item.value, str):
        raise SupportError(item.name, f"{item.name} is {family}: {item} needs a number, not the level {item.value!r}.")


def _check_law(spec: ModelSpec, query: Query, term: Term) -> None:
    """A law is answered level by level, so it must be the whole query and its outcomes must have levels."""
    for outcome in term.outcomes:
        family = spec[outcome.name].family
        if not outcome.op and not (family.points or outcome.name in spec.levels):
            raise SupportError(
                outcome.name,
                f"{term} is a whole law, and {outcome.name} is {family}, with infinitely many values. Ask for a mean, "
                f"E[{outcome.name} | …], or for an event, P({outcome.name} > … | …).",
            )
    if not query.is_single:
        raise QueryError(
            f"{term} is a law of several numbers and cannot stand in arithmetic. Give its outcome a value."
        )

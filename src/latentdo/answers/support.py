"""Whether a question can be answered: its values are possible, it says enough, and graph and rows decide it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from latentdo.errors import QueryError, SupportError
from latentdo.graphs import LatentDag, Name, format_level, quote
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.models import ModelSpec, listed, named
from latentdo.query import Axis, Distribution, Law, Outcome, Query, Setting, Term, Value, form_of, law_of

SHOWN = 6
TOO_LARGE = 1e100
"""Beyond what data may hold."""


def check_values(spec: ModelSpec, query: Query) -> None:
    """Whether every value that the question states lies in its node's family; of a sweep the values of its axes too.

    Raises:
        SupportError: A value that a node cannot take, an exact value of a continuous outcome, a number that the levels
            of a node do not have, a law that gives what a node cannot take.
    """
    for term in query.terms:
        for setting in term.do:
            if setting.value is not None:
                _check_setting(spec, setting)
        for item in (*term.given, *term.outcomes):
            if item.value is not None:
                _check_comparison(spec, item)
        if term.needs_numbers:
            _check_numbers(spec, term)
        if term.kind == "density":
            _check_density(spec, term.outcomes[0])
            continue
        for outcome in term.outcomes:
            if outcome.op == "=":
                _check_exact(spec, outcome)
    for axis in query.axes:
        _check_axis(spec, query, axis)


def check_complete(spec: ModelSpec, query: Query) -> None:
    """Whether the question says enough to be answered with a number at each of its points.

    Raises:
        QueryError: A `do` or a condition without a value, and no axis that gives it one; a law in arithmetic.
        SupportError: The law of a continuous node.
    """
    first = {axis.name: axis.values[0] for axis in query.axes}
    for asked in query.terms:
        term = asked.filled(first)
        for setting in term.do:
            if setting.value is None:
                raise QueryError(
                    f"do({quote(setting.name)}) in {asked} has no value, so there is no number to compute. "
                    f"Write do({quote(setting.name)}=…), or sweep it: {_sweep(spec, query, setting.name)}."
                )
        for condition in term.given:
            if condition.value is None:
                raise QueryError(
                    f"The condition {quote(condition.name)} in {asked} has no value, so there is no number to compute. "
                    f"Write {quote(condition.name)}=…, or sweep it: {_sweep(spec, query, condition.name)}."
                )
        if term.kind == "density" and not term.outcomes[0].op:
            name = term.outcomes[0].name
            raise QueryError(
                f"{asked} has no value at which the density is taken. Write density({quote(name)}=… | …), or sweep it: "
                f"{_sweep(spec, query, name)}."
            )
        if term.kind == "law":
            _check_law(spec, query, term)


def _sweep(spec: ModelSpec, query: Query, name: Name) -> str:
    """The end of the query with an axis for the node, over values that it can have."""
    family = spec[name].family
    levels = spec.levels.get(name) or family.points
    if levels:
        shown = [*map(format_level, levels[:SHOWN]), *(["…"] if len(levels) > SHOWN else [])]
        values = f"[{', '.join(shown)}]"
    else:
        low, high = family.support
        # A count is swept by whole numbers, and a share between its ends.
        values = "0.1..0.9" if (low, high) == (0.0, 1.0) else f"{1 if low == 0 else 0}..10"
        values += " by 1" if family.discrete else ""
    before = ", ".join(str(axis) for axis in query.axes if axis.name != name)
    return f"for {before + ', ' if before else ''}{quote(name)} in {values}"


def _check_numbers(spec: ModelSpec, term: Term) -> None:
    """Means, spreads, quantiles and densities need numbers."""
    node = term.outcomes[0].name
    levels = spec.levels.get(node, ())
    if named(levels):
        raise SupportError(
            node,
            f"{_opened(term, node)} has no meaning: the levels of {node} are names ({listed(levels)}). Ask for the "
            f"probability of one, P({quote(node)} = {format_level(levels[-1])}).",
        )


def _opened(term: Term, node: Name) -> str:
    """The term without its conditions: `E[Y]`, `density(Y)`."""
    return f"density({node})" if term.kind == "density" else f"{term.word}[{node}]"


def _check_density(spec: ModelSpec, outcome: Outcome) -> None:
    family, name = spec[outcome.name].family, quote(outcome.name)
    if family.discrete or outcome.name in spec.levels:
        raise SupportError(
            outcome.name,
            f"{outcome.name} is {family} and has no density: single values have a probability of their own. Ask for "
            f"P({outcome if outcome.op else f'{name}=…'} | …).",
        )
    if family.noiseless:
        raise SupportError(
            outcome.name,
            f"{outcome.name} is linear (no noise) and may have no density: where its parents are set it is one number. Ask "
            f"for E[{name} | …], Quantile[{name}, 0.9 | …] or P({name} > … | …).",
        )


def _check_exact(spec: ModelSpec, outcome: Outcome) -> None:
    """A probability of one value needs values with a probability of their own."""
    family, name = spec[outcome.name].family, quote(outcome.name)
    if not family.discrete:
        raise SupportError(
            outcome.name,
            f"P({outcome}) is 0 for a continuous node: {outcome.name} is {family}. Ask for an interval, "
            f"P({name} > …, {name} < …), or for the density, density({outcome} | …).",
        )


def _check_axis(spec: ModelSpec, query: Query, axis: Axis) -> None:
    """Each value of a sweep wherever it is filled in."""
    family, name = spec[axis.name].family, axis.name
    as_outcome = [term for term in query.terms if name in term.open and name in term.outcome_names]
    for value in axis.values:
        try:
            spec.check_shaped(name, family.check_value(name, value))
        except SupportError as problem:
            known = spec.levels.get(name) or family.points or family.discrete
            repair = f" Sweep its values: {_sweep(spec, query, name)}." if known else ""
            message = f"{quote(name)}={format_level(value)} in the sweep: {problem}{repair}"
            raise SupportError(name, message) from None
        for term in as_outcome:
            if term.kind == "law":
                _check_exact(spec, Outcome(name, "=", value))


def _check_setting(spec: ModelSpec, setting: Setting) -> None:
    """What a node is set to must be possible, and so must what it is drawn from."""
    if isinstance(setting.value, Distribution):
        _check_drawn(spec, setting, law_of(setting.value))
    else:
        assert setting.value is not None
        spec.check_shaped(setting.name, spec[setting.name].family.check_value(setting.name, setting.value))


def _check_drawn(spec: ModelSpec, setting: Setting, law: Law) -> None:
    """A law must give nothing that the node cannot take."""
    node, family = setting.name, spec[setting.name].family
    levels = spec.levels.get(node, family.points)
    if law.family == "categorical":
        _check_categorical(spec, setting, law)
        return
    if node in spec.levels and not levels:
        # Its levels are told by its column, which nobody has seen yet.
        return
    _check_size(setting)
    problem = ""
    for value in _given_by(law):
        try:
            spec.check_shaped(node, family.check_value(node, value))
        except SupportError as error:
            problem = str(error)
            break
    low, high = family.support
    low = max([low, *(shape.least for shape in spec.shaped.get(node, ()))])
    if not problem and not law.is_discrete and not low <= law.low < law.high <= high:
        problem = (
            f"{node} is {family} and takes {family.takes if low == family.support[0] else 'here positive numbers'}."
        )
    if problem:
        raise SupportError(
            node,
            f"do({setting}) draws numbers that {node} cannot take: {problem} {_other_law(levels, (low, high))}, or set it, "
            f"do({quote(node)}=…).",
        )


def _check_size(setting: Setting) -> None:
    """A law must give numbers that can be computed with."""
    from .laws import law_range  # which loads SciPy, and few questions draw from laws

    assert isinstance(setting.value, Distribution)
    ends = law_range(setting.value)
    if not all(abs(end) < TOO_LARGE for end in ends):
        raise SupportError(
            setting.name,
            f"do({setting}) draws numbers that are too large to compute with, or is cut where the law has next to no "
            "probability. Move its arguments, or its low= and high=, nearer to each other.",
        )


def _given_by(law: Law) -> Iterator[float]:
    """Values that a law gives: of a continuous one some near its ends, none of them whole."""
    if law.is_discrete:
        yield from (0.0, 1.0) if law.family == "bernoulli" else (0.0, 1.0, 2.0)
        return
    width = min(law.high - law.low, 1.0)
    if law.low > -math.inf:
        yield law.low + 0.01 * width
    else:
        yield min(-0.5, law.high - 0.5)
    yield law.high - 0.01 * width if law.high < math.inf else max(law.low, 0.0) + 1000.5


def _other_law(levels: tuple[Value, ...], support: tuple[float, float]) -> str:
    """What else the node may be drawn from."""
    if len(levels) == 2 and tuple(levels) == (0.0, 1.0):
        return f"Draw it from {form_of('bernoulli')}"
    if levels:
        return f"Draw it from {form_of('categorical')}, a probability for each of its {len(levels)} levels"
    positive = support == (0.0, math.inf)
    return f"Draw it from a law of positive numbers, {form_of('lognormal')}" if positive else "Draw from another law"


def _check_categorical(spec: ModelSpec, setting: Setting, law: Law) -> None:
    node, family = setting.name, spec[setting.name].family
    levels = spec.levels.get(node, family.points)
    if not levels and node not in spec.levels:
        raise SupportError(
            node,
            f"do({setting}) gives a probability to each level, and {node} is {family}, without levels. Draw from a law of "
            f"numbers, {form_of('normal')}, or set it, do({quote(node)}=…).",
        )
    if levels and len(levels) != len(law.args):
        raise SupportError(
            node,
            f"{node} has {len(levels)} levels ({listed(levels)}), and do({setting}) gives {len(law.args)} probabilities. "
            "Give one for each level, in that order.",
        )


def _check_comparison(spec: ModelSpec, item: Outcome) -> None:
    """A value must be possible; a limit of an inequality only has to be a number."""
    assert item.value is not None
    family = spec[item.name].family
    levels = spec.levels.get(item.name, ())
    item.check_assumed(levels)
    if item.op == "=" or (named(levels) and family.ordered):
        spec.check_shaped(item.name, family.check_value(item.name, item.value))
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
        family, name = spec[outcome.name].family, quote(outcome.name)
        if not outcome.op and not (family.points or outcome.name in spec.levels):
            density = "" if family.discrete else f", or for its density, density({name}=… | …)"
            event = f"P({name} = … | …)" if family.discrete else f"P({name} > … | …)"
            raise SupportError(
                outcome.name,
                f"{term} is a whole law, and {outcome.name} is {family}, with infinitely many values. Ask for a mean, "
                f"E[{name} | …], for a quantile, Quantile[{name}, 0.9 | …], for an event, {event}{density}.",
            )
    if not query.is_single:
        raise QueryError(
            f"{term} is a law of several numbers and cannot stand in arithmetic. Give its outcome a value."
        )


def verdict_on(
    graph: LatentDag, query: Query, functional: Mapping[Name, tuple[Name, ...]], regimes: Sequence[Sequence[Name]] = ()
) -> Identified | NotIdentified:
    """The verdict; experiments are used only where observation alone does not answer.

    Args:
        regimes: What is set in the experiments whose rows there are.
    """
    observed = identify(graph, query, functional=functional)
    if observed.identified or not regimes:
        return observed
    return identify(graph, query, functional=functional, experiments=regimes)

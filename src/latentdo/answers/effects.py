"""What of every pair of nodes is asked when their effects are asked at once, and how: `Effects` and `effects_of`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from latentdo import arguments
from latentdo.errors import LatentdoError, QueryError
from latentdo.graphs import Name, quote
from latentdo.identification import Answerable, Nodes, NotIdentified, Pair, answerable
from latentdo.inference import Posterior
from latentdo.models import ModelSpec, named
from latentdo.query import Binary, Outcome, Query, Setting, Term, Value

from .answer import Answer
from .ask import ask_all
from .effect import Effect, names_in
from .effect_matrix import EffectMatrix

Change = tuple[Value, Value]
"""The values that a treatment is set to: low and high, or the first and the last level."""


@dataclass(frozen=True)
class Effects:
    """The question for the effect of every treatment on every outcome: E[Y | do(X=high)] - E[Y | do(X=low)].

    A value of its own, so that `ld.ask(posterior, ld.types.Effects(standardised=True))` stays a call with a question and
    nothing else: an option that only matrices know would stand in the way of all other questions. `ld.ask(posterior, table)`
    with a table from `ld.answerable` asks for its rows and columns with the defaults.

    Attributes:
        treatments: The rows: names, or tuples of names that are set together; every measured node if None.
        outcomes: The columns, names; every measured node if None. Of one whose levels are names the probability of the last
            level is asked for.
        levels: Low and high value per treatment, `{"X": (0, 10)}`. Otherwise a treatment with levels goes from the first to
            the last, and any other by one sd of its column, half of it to each side of the mean.
        standardised: Whether effects are divided by the sd of the outcome, so that they can be compared across columns.
    """

    treatments: tuple[Nodes, ...] | None = None
    outcomes: tuple[Name, ...] | None = None
    levels: tuple[tuple[Name, Change], ...] = ()
    standardised: bool = False

    def __init__(
        self,
        treatments: Iterable[Nodes] | None = None,
        outcomes: Iterable[Name] | None = None,
        *,
        levels: Mapping[Name, Sequence[Value]] | None = None,
        standardised: bool = False,
    ) -> None:
        """Checks what can be checked without a model.

        Raises:
            QueryError: Several outcomes in one column, or levels that are no pair of different values.
        """
        object.__setattr__(self, "treatments", None if treatments is None else _rows(treatments))
        object.__setattr__(self, "outcomes", None if outcomes is None else _columns(outcomes))
        object.__setattr__(self, "levels", _levels(levels))
        object.__setattr__(self, "standardised", arguments.flag("standardised", standardised, QueryError))


def effects_of(
    posterior: Posterior, asked: Effects | Answerable, seed: int, *, allow_unidentified: bool = False
) -> EffectMatrix:
    """Every effect that is asked for, computed in one call; what cannot be answered has its reason in its cell.

    Raises:
        UnknownNodeError: A name that is not a node of the model.
        QueryError: A latent node; levels of a node that is not set; a table of another graph, or one with evidence.
        SupportError: A level that its node cannot take.
    """
    asked = _questions(posterior, asked)
    spec = posterior.spec
    known = {"functional": posterior.functional, "experiments": posterior.regimes}
    table = answerable(spec.graph, asked.treatments, asked.outcomes, **known)
    outcomes = _columns(table.outcomes)
    changes = _changes(posterior, table.treatments, dict(asked.levels))
    wanted = {
        (pair.treatment, pair.outcome): _contrast(spec, names_in(pair.treatment), cast(Name, pair.outcome), changes)
        for pair in table.pairs
    }
    computed = [
        wanted[pair.treatment, pair.outcome]
        for pair in table.pairs
        if pair.form != "no effect" and (pair.identified or allow_unidentified)
    ]
    chances = {
        outcome: Query(_outcome(spec, outcome, ())) for outcome in outcomes if named(spec.levels.get(outcome, ()))
    }
    found = _answers(posterior, [*computed, *chances.values()], seed, allow_unidentified=allow_unidentified)
    scales = {outcome: _sd(posterior, outcome, found.get(chances.get(outcome))) for outcome in outcomes}

    def effect(pair: Pair) -> Effect:
        x, y = pair.treatment, cast(Name, pair.outcome)
        query = wanted[x, y]
        answer = found.get(query)
        return Effect(
            treatment=x,
            outcome=y,
            low=tuple(changes[node][0] for node in names_in(x)),
            high=tuple(changes[node][1] for node in names_in(x)),
            query=query,
            form=pair.form,
            answer=answer if isinstance(answer, Answer) else None,
            reason=_reason(pair, answer),
            own_unit=_unit(posterior, query.terms[0]),
            outcome_sd=scales[y],
            standardised=asked.standardised,
        )

    return EffectMatrix(
        table.treatments,
        outcomes,
        tuple(
            tuple(
                None if verdict is None else effect(table[x, y]) for y, verdict in zip(outcomes, verdicts, strict=True)
            )
            for x, verdicts in zip(table.treatments, table.verdicts, strict=True)
        ),
        asked.standardised,
        posterior.units,
    )


def _questions(posterior: Posterior, asked: Effects | Answerable) -> Effects:
    """A table of verdicts as a question, once it is one of the fit's own graph."""
    if isinstance(asked, Effects):
        return asked
    if asked.graph != posterior.spec.graph:
        raise QueryError(
            "The table of verdicts is of another graph than the fit's. Make it from the fit: ld.answerable(posterior)."
        )
    if asked.given:
        raise QueryError(
            f"The table of verdicts has evidence ({', '.join(map(quote, asked.given))}) without values, so there are no numbers "
            f"to compute. Leave `given` out, or ask one by one, such as E[Y | do(X=1), {quote(asked.given[0])}=0]."
        )
    return Effects(asked.treatments, _columns(asked.outcomes))


def _answers(
    posterior: Posterior, queries: Sequence[Query], seed: int, *, allow_unidentified: bool
) -> dict[Query | None, Answer | LatentdoError]:
    """Each question's answer, or why it has none: one that has no number must not hide the others."""
    distinct = list(dict.fromkeys(queries))
    if not distinct:
        return {}
    try:
        answers = ask_all(posterior, [(None, query) for query in distinct], seed, allow_unidentified=allow_unidentified)
        return dict(zip(distinct, answers, strict=True))
    except LatentdoError as problem:
        if len(distinct) == 1:
            return {distinct[0]: problem}
    # Halves, not one by one: there is seldom more than one that has no number.
    middle = len(distinct) // 2
    return _answers(posterior, distinct[:middle], seed, allow_unidentified=allow_unidentified) | _answers(
        posterior, distinct[middle:], seed, allow_unidentified=allow_unidentified
    )


def _reason(pair: Pair, answer: Answer | LatentdoError | None) -> str | None:
    """Why a cell has no number, or rests on more than the data."""
    if isinstance(answer, LatentdoError):
        return str(answer)
    if pair.identified:
        return None
    verdict = pair.verdict
    return verdict.reason if isinstance(verdict, NotIdentified) else None


def _changes(posterior: Posterior, treatments: Sequence[Nodes], levels: dict[Name, Change]) -> dict[Name, Change]:
    """Low and high of every node that is set, checked to be values that it can take."""
    nodes = list(dict.fromkeys(node for treatment in treatments for node in names_in(treatment)))
    for node in levels:
        posterior.spec.graph.require(node)
        if node not in nodes:
            raise QueryError(
                f"There are levels for {node!r}, which is not set. Name it among the treatments, or leave it out."
            )
    found = {node: levels.get(node) or default_change(posterior, node) for node in nodes}
    for node, values in found.items():
        for value in values:
            posterior.spec[node].family.check_value(node, value)
    return found


def default_change(posterior: Posterior, node: Name) -> Change:
    """From the first to the last level, else one sd of the column around its mean, within what the node can take.

    Counts are rounded outwards to whole numbers, other values to about a hundredth of the sd.
    """
    spec, family = posterior.spec, posterior.spec[node].family
    if levels := spec.levels.get(node, ()) or family.points:
        return levels[0], levels[-1]
    column = posterior.facts.column(node)
    low, high = column.mean - column.sd / 2, column.mean + column.sd / 2
    if family.discrete:
        low, high = float(math.floor(low)), float(math.ceil(high))
    else:
        digits = 2 - math.floor(math.log10(column.sd)) if column.sd > 0 else 6
        low, high = round(low, digits), round(high, digits)
    least, most = family.support
    # An end that the node cannot reach gives way to the outermost value that was measured, which it can.
    return low if low > least else column.minimum, high if high < most else column.maximum


def _contrast(spec: ModelSpec, nodes: Sequence[Name], outcome: Name, changes: Mapping[Name, Change]) -> Query:
    low, high = (_outcome(spec, outcome, tuple(Setting(node, changes[node][end]) for node in nodes)) for end in (0, 1))
    return Query(Binary("-", high, low))


def _outcome(spec: ModelSpec, outcome: Name, do: tuple[Setting, ...]) -> Term:
    """The mean of an outcome, or the probability of its last level where levels are names."""
    levels = spec.levels.get(outcome, ())
    if named(levels):
        return Term("event", (Outcome(outcome, "=", levels[-1]),), do)
    return Term("mean", (Outcome(outcome),), do)


def _unit(posterior: Posterior, term: Term) -> str:
    """Of a mean the outcome's own, unless its values are 0 and 1."""
    outcome = term.outcomes[0].name
    is_mean = term.kind == "mean" and not posterior.spec[outcome].family.binary
    return dict(posterior.units).get(outcome, f"units of {quote(outcome)}") if is_mean else "probability"


def _sd(posterior: Posterior, outcome: Name, chance: Answer | LatentdoError | None) -> float:
    """The sd of the outcome's column; of a level, that of whether it occurs, by its chance in the fitted model."""
    if isinstance(chance, Answer):
        return math.sqrt(max(0.0, chance.mean * (1.0 - chance.mean)))
    return posterior.facts.column(outcome).sd if chance is None else math.nan


def _rows(treatments: Any) -> tuple[Nodes, ...]:
    groups = _items(treatments, "treatments")
    return tuple(group if isinstance(group, str) else tuple(_items(group, "treatments")) for group in groups)


def _columns(outcomes: Any) -> tuple[Name, ...]:
    found = []
    for outcome in _items(outcomes, "outcomes"):
        if not isinstance(outcome, str):
            raise QueryError(
                f"An effect is one on one outcome, got {outcome!r}. Name outcomes one by one: outcomes=['Y', 'Z']."
            )
        found.append(outcome)
    return tuple(found)


def _items(given: Any, what: str) -> list[Any]:
    """A lone name as a list of one."""
    if isinstance(given, str):
        return [given]
    items = arguments.listed(given)
    if items is None:
        raise QueryError(f"{what}= takes names of nodes, such as ['X', 'M'], got {given!r}.")
    return items


def _levels(levels: Any) -> tuple[tuple[Name, Change], ...]:
    """Low and high by name, sorted by name."""
    if levels is None:
        return ()
    if not isinstance(levels, Mapping):
        raise QueryError(f"levels= takes low and high per treatment, such as {{'X': (0, 10)}}, got {levels!r}.")
    found: list[tuple[Name, Change]] = []
    for node, values in levels.items():
        pair = tuple(arguments.listed(values) or ())
        if len(pair) != 2 or pair[0] == pair[1]:
            raise QueryError(
                f"levels= takes two different values per treatment, low and high, such as {{{node!r}: (0, 10)}}; for "
                f"{node!r} it has {values!r}."
            )
        for value in pair:
            if not isinstance(value, str) and not arguments.is_number(value):
                raise QueryError(f"levels= takes numbers or names of levels; for {node!r} it has {value!r}.")
        low, high = (value if isinstance(value, str) else float(value) for value in pair)
        found.append((node, (low, high)))
    return tuple(sorted(found, key=lambda item: item[0]))

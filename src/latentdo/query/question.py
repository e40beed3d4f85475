"""The question as a value: arithmetic over terms like E[Y | do(X=1)], at one point or along axes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from latentdo.errors import LatentdoError, QueryError
from latentdo.graphs import Admg, LatentDag, Name, format_number, quote

from .reading import places_of, read_query
from .sweep import Axis, axis_fault, swept_text
from .term import Expression, Outcome, Term, Value, filled, renamed, settled, terms_of


@dataclass(frozen=True)
class Query:
    """A question: arithmetic over terms.

    Attributes:
        expression: What is asked.
        axes: The nodes whose values are swept, two at most: each is filled in wherever the expression leaves it open.
    """

    expression: Expression
    axes: tuple[Axis, ...] = ()

    def __post_init__(self) -> None:
        for count in range(1, len(self.axes) + 1):
            if fault := axis_fault(self.expression, self.axes[:count]):
                raise QueryError(fault)

    @staticmethod
    def parse(text: str, named: Mapping[str, Query] | None = None) -> Query:
        """The query that a text states.

        Args:
            named: Other queries: a bare word that is one of these names stands for its expression, `high - low`.

        Raises:
            NotationError: The text cannot be read; says where, and what would be read.
        """
        known = {name: (query.expression, query.axes) for name, query in (named or {}).items()}
        parts, _ = read_query(text, known, known)
        return Query(*parts)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms in the order asked, each once."""
        return tuple(dict.fromkeys(terms_of(self.expression)))

    @property
    def is_single(self) -> bool:
        """Whether the query is one term, without arithmetic."""
        return isinstance(self.expression, Term)

    @property
    def term(self) -> Term:
        """The only term of a query without arithmetic."""
        if not isinstance(self.expression, Term):
            raise QueryError(f"{self} is more than one term. Ask its terms one by one.")
        return self.expression

    def at(self, values: Mapping[Name, Value]) -> Query:
        """The query with these values wherever their nodes stand open, without axes."""
        return Query(filled(self.expression, values))

    @cached_property
    def points(self) -> tuple[tuple[tuple[Value, ...], Query], ...]:
        """The values of each point, one per axis, and the query there, without axes; one point where nothing is swept.

        The last axis runs fastest.
        """
        if not self.axes:
            return (((), self),)
        names = [axis.name for axis in self.axes]
        return tuple(
            (values, self.at(dict(zip(names, values, strict=True))))
            for values in itertools.product(*(axis.values for axis in self.axes))
        )

    def by_levels(self, levels_of: Callable[[Name], Iterable[Value]]) -> list[Query]:
        """The query itself, or of a law one event per combination of levels of the outcomes that it leaves open."""
        if not self.is_single or self.term.kind != "law":
            return [self]
        term = self.term
        names = [outcome.name for outcome in term.outcomes if not outcome.op]
        events: list[Query] = []
        for levels in itertools.product(*map(levels_of, names)):
            chosen = dict(zip(names, levels, strict=True))
            outcomes = tuple(o if o.op else Outcome(o.name, "=", chosen[o.name]) for o in term.outcomes)
            events.append(Query(replace(term, kind="event", outcomes=outcomes)))
        return events

    def renamed(self, names: Mapping[Name, Name]) -> Query:
        """The query with new names for nodes."""
        axes = tuple(replace(axis, name=names.get(axis.name, axis.name)) for axis in self.axes)
        return Query(renamed(self.expression, names), axes)

    @property
    def assumes(self) -> bool:
        """Whether some outcome was written without a value and counts as 1."""
        return any(outcome.assumed for term in self.terms for outcome in term.outcomes)

    def settled(self, ones: Mapping[Name, Value]) -> Query:
        """The query with the level that counts as the 1 of each of these nodes, where an outcome was written without a value."""
        return Query(settled(self.expression, ones), self.axes) if self.assumes else self

    def check(self, graph: LatentDag | Admg) -> None:
        """Raise unless the query makes sense for the graph.

        Raises:
            UnknownNodeError: A name is not a node of the graph.
            QueryError: A latent node is set, asked about or seen; a node plays two parts at once; an interval has no
                values; a node is drawn from what is no law.
        """
        latent = graph.latent if isinstance(graph, LatentDag) else frozenset[Name]()
        if not self.terms:
            raise QueryError(f"{self} asks nothing. A query has at least one E[ ] or P( ).")
        for term in self.terms:
            for name in term.names:
                graph.require(name)
            _check_latent(term, latent)
            _check_parts(term)
            if term.is_stochastic:
                from .laws import check_setting  # a question without laws does not pay for their formulas

                for setting in term.do:
                    check_setting(setting)

    def __str__(self) -> str:
        return swept_text(self.expression, self.axes)

    def __repr__(self) -> str:
        return f"Query({str(self)!r})"


def draft_query(text: str, names: Collection[str]) -> tuple[Query | None, tuple[str, ...]]:
    """The query that a text states, or None and the names of the other queries that it needs first.

    Raises:
        NotationError: The text cannot be read.
    """
    parts, missing = read_query(text, {}, names)
    return (None if missing else Query(*parts)), missing


def renamed_query(text: str, names: Mapping[Name, Name]) -> str:
    """The text of a query with new names for nodes, typed as it was otherwise.

    Raises:
        NotationError: The text cannot be read.
    """
    wanted = Query.parse(text).renamed(names)
    made, at = "", 0
    for place in places_of(text):
        if place.text in names:
            made, at = made + text[at : place.start] + quote(names[place.text]), place.end
    made += text[at:]
    try:
        return made if Query.parse(made) == wanted else str(wanted)
    except LatentdoError:
        return str(wanted)


def query_of(query: Any, named: Mapping[str, Query] | None = None) -> Query:
    """The query, read where it is a text, in which the names of other queries may stand.

    Raises:
        NotationError: The text cannot be read.
        QueryError: It is neither.
    """
    if isinstance(query, Query):
        return query
    if not isinstance(query, str):
        raise QueryError(f"A query is a text such as 'E[Y | do(X=1)]', got {type(query).__name__}.")
    return Query.parse(query, named)


def _check_latent(term: Term, latent: frozenset[Name]) -> None:
    roles = (
        (term.treatments, "be set", "Intervene on a measured node."),
        (term.outcome_names, "be an outcome", "Ask about a measured node."),
        (term.conditions, "be a condition", "Condition on measured nodes."),
    )
    for names, role, repair in roles:
        for name in names:
            if name in latent:
                raise QueryError(f"{name!r} is latent and cannot {role} in {term}: nobody measured it. {repair}")


def _check_parts(term: Term) -> None:
    treatments, outcomes = set(term.treatments), set(term.outcome_names)
    for setting, count in Counter(setting.name for setting in term.do).items():
        if count > 1:
            raise QueryError(f"{setting!r} is set {count} times in {term}. Set it once.")
    for name in term.outcome_names:
        if name in treatments:
            raise QueryError(
                f"{name!r} is both set and asked about in {term}. What is set is known: ask about another."
            )
    for name in term.conditions:
        if name in treatments:
            raise QueryError(
                f"{name!r} is both set by do( ) and a condition in {term}. Setting it leaves nothing to see: "
                "keep one of the two."
            )
        if name in outcomes:
            raise QueryError(
                f"{name!r} is both an outcome and a condition in {term}. Keep one, or ask a ratio such as "
                f"P(Y > 2) / P(Y > 1)."
            )
    for listed, role in ((term.outcomes, "an outcome"), (term.given, "a condition")):
        counts = Counter(item.name for item in listed)
        for item in listed:
            # Y > 1, Y < 2 is an interval; with a value or the bare node beside it nothing is left to compare.
            if counts[item.name] > 1 and item.op in ("", "="):
                raise QueryError(
                    f"{item.name!r} is {role} {counts[item.name]} times in {term}. Only the two ends of an "
                    f"interval may name a node twice: {quote(item.name)} > 1, {quote(item.name)} < 2."
                )
        ends: dict[Name, list[Outcome]] = {}
        for item in listed:
            ends.setdefault(item.name, []).append(item)
        for several in ends.values():
            if len(several) > 1:
                _check_interval(term, several)


def _check_interval(term: Term, ends: list[Outcome]) -> None:
    """Raise where no number satisfies all comparisons of a node."""
    numbers = [(item.value, item.op) for item in ends if isinstance(item.value, float | int)]
    above = [(value, op == ">") for value, op in numbers if op in (">", ">=")]
    below = [(value, op != "<") for value, op in numbers if op in ("<", "<=")]
    if not above or not below:
        return
    (low, open_below), (high, closed_above) = max(above), min(below)
    if low < high or (low == high and closed_above and not open_below):
        return
    name, (least, most) = quote(ends[0].name), (format_number(end) for end in sorted((low, high)))
    # One value alone has a probability of 0 wherever the node is continuous: no repair.
    why = (
        f"An interval from {least} to {most} that leaves an end out is empty: give it two different ends."
        if low == high
        else f"Did you mean {name} > {least}, {name} < {most}?"
    )
    raise QueryError(f"No value of {ends[0].name!r} satisfies {', '.join(map(str, ends))} in {term}. {why}")


def queries_of(asked: Iterable[Any], named: Mapping[str, Query]) -> list[tuple[str | None, Query]]:
    """(name, query) of each text, query, or pair of a name and either; the names of other queries are read too.

    Raises:
        NotationError: A text cannot be read.
        QueryError: One is neither a text nor a query.
    """
    queries: list[tuple[str | None, Query]] = []
    for query in asked:
        match query:
            # A list is rather two questions in brackets than a name with one.
            case (str(name), text) if not isinstance(query, list):
                queries.append((name, query_of(text, named)))
            case str() if query in named:
                queries.append((query, named[query]))
            case _:
                queries.append((None, query_of(query, named)))
    return queries

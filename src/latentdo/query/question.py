"""The question as a value: arithmetic over terms like E[Y | do(X=1)], at one point or along axes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from latentdo.errors import QueryError
from latentdo.graphs import (
    Admg,
    LatentDag,
    Name,
    format_level,
    format_number,
    quote,
)

Value = float | str
Comparison = Literal["", "=", "<", ">", "<=", ">="]


@dataclass(frozen=True)
class Distribution:
    """The law that a stochastic intervention draws from: `normal(70, 5)`."""

    family: str
    args: tuple[float, ...] = ()
    named: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        named = (f"{quote(key)}={format_number(value)}" for key, value in self.named)
        return f"{quote(self.family)}({', '.join((*map(format_number, self.args), *named))})"


@dataclass(frozen=True)
class Setting:
    """One node inside `do( )`; without a value it is free, as in P(Y | do(X))."""

    name: Name
    value: Value | Distribution | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.value, Distribution):
            _check_value(self.name, self.value)

    def __str__(self) -> str:
        match self.value:
            case None:
                return quote(self.name)
            case Distribution():
                return f"{quote(self.name)} ~ {self.value}"
            case _:
                return f"{quote(self.name)}={format_level(self.value)}"


@dataclass(frozen=True)
class Outcome:
    """A node that is asked about or seen, compared with a value or left open."""

    name: Name
    op: Comparison = ""
    value: Value | None = None

    def __post_init__(self) -> None:
        if (self.op == "") != (self.value is None):
            raise QueryError(f"{self.name!r} has a comparison or a value without the other. Give both or none.")
        _check_value(self.name, self.value)

    def __str__(self) -> str:
        if self.value is None:
            return quote(self.name)
        space = "" if self.op == "=" else " "
        return f"{quote(self.name)}{space}{self.op}{space}{format_level(self.value)}"


@dataclass(frozen=True)
class Term:
    """One E[…] or P(…).

    Attributes:
        kind: `mean` for E[…]; `event` for P(…) with every outcome compared; `law` for any other P(…).
        outcomes: What is asked about.
        do: What is set.
        given: What is seen in the world after the intervention.
    """

    kind: Literal["mean", "law", "event"]
    outcomes: tuple[Outcome, ...]
    do: tuple[Setting, ...] = ()
    given: tuple[Outcome, ...] = ()

    @cached_property
    def outcome_names(self) -> tuple[Name, ...]:
        """The nodes asked about, each once, in order."""
        return tuple(dict.fromkeys(outcome.name for outcome in self.outcomes))

    @cached_property
    def treatments(self) -> tuple[Name, ...]:
        """The nodes that are set, in order."""
        return tuple(dict.fromkeys(setting.name for setting in self.do))

    @cached_property
    def conditions(self) -> tuple[Name, ...]:
        """The nodes that are seen, each once, in order."""
        return tuple(dict.fromkeys(outcome.name for outcome in self.given))

    @property
    def is_stochastic(self) -> bool:
        """Whether some treatment is drawn from a distribution."""
        return any(isinstance(setting.value, Distribution) for setting in self.do)

    @property
    def has_event_evidence(self) -> bool:
        """Whether some evidence is an event such as Z > 0 rather than a value."""
        return any(outcome.op not in ("", "=") for outcome in self.given)

    def __str__(self) -> str:
        outcomes = ", ".join(map(str, self.outcomes))
        settings = ", ".join(map(str, self.do))
        conditions = ", ".join((*([f"do({settings})"] if self.do else []), *map(str, self.given)))
        inside = f"{outcomes} | {conditions}" if conditions else outcomes
        return f"E[{inside}]" if self.kind == "mean" else f"P({inside})"


@dataclass(frozen=True)
class Number:
    """A number in the arithmetic of a query."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise QueryError(f"{self.value} cannot stand in a query. Numbers are finite.")

    def __str__(self) -> str:
        return format_number(self.value)


@dataclass(frozen=True)
class Binary:
    """Two parts joined by an operator; ratios and products are formed within each posterior draw."""

    op: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression

    def __str__(self) -> str:
        left, right = str(self.left), str(self.right)
        if _strength(self.left) < _strength(self):
            left = f"({left})"
        # Operators lead from left to right, so that a right side of the same strength needs its parentheses.
        if _strength(self.right) <= _strength(self):
            right = f"({right})"
        return f"{left} {self.op} {right}"


Expression = Term | Number | Binary


@dataclass(frozen=True)
class Query:
    """A question: arithmetic over terms."""

    expression: Expression

    @staticmethod
    def parse(text: str) -> Query:
        """The query that a text states.

        Raises:
            NotationError: The text cannot be read; says where, and what would be read.
        """
        from .reading import Parser  # which makes queries, and so is above them

        return Query(Parser(text).query())

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms in the order asked, each once."""
        return tuple(dict.fromkeys(_terms(self.expression)))

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

    def check(self, graph: LatentDag | Admg) -> None:
        """Raise unless the query makes sense for the graph.

        Raises:
            UnknownNodeError: A name is not a node of the graph.
            QueryError: A latent node is set, asked about or seen; a node plays two parts at once.
        """
        latent = graph.latent if isinstance(graph, LatentDag) else frozenset[Name]()
        if not self.terms:
            raise QueryError(f"{self} asks nothing. A query has at least one E[ ] or P( ).")
        for term in self.terms:
            for name in (*term.outcome_names, *term.treatments, *term.conditions):
                graph.require(name)
            _check_latent(term, latent)
            _check_parts(term)

    def __str__(self) -> str:
        return str(self.expression)

    def __repr__(self) -> str:
        return f"Query({str(self)!r})"


def query_of(query: Any) -> Query:
    """The query, read where it is a text.

    Raises:
        NotationError: The text cannot be read.
        QueryError: It is neither.
    """
    if isinstance(query, Query):
        return query
    if not isinstance(query, str):
        raise QueryError(f"A query is a text such as 'E[Y | do(X=1)]', got {type(query).__name__}.")
    return Query.parse(query)


def _strength(expression: Expression) -> int:
    match expression:
        case Binary(op="+" | "-"):
            return 1
        case Binary():
            return 2
        case _:
            return 3


def _terms(expression: Expression) -> Iterator[Term]:
    waiting: list[Expression] = [expression]
    while waiting:
        match waiting.pop():
            case Binary(left=left, right=right):
                waiting += (right, left)
            case Term() as term:
                yield term
            case Number():
                pass


def _check_value(name: Name, value: Value | None) -> None:
    if value is not None and not isinstance(value, str) and not math.isfinite(value):
        raise QueryError(f"{name!r} cannot be compared with or set to {value}. Values are finite.")


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

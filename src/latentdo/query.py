"""The question as a value, arithmetic over terms like E[Y | do(X=1)]; and the row every answer reduces to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NoReturn

from latentdo.errors import NotationError, QueryError
from latentdo.graphs import (
    Admg,
    LatentDag,
    Lexicon,
    Name,
    Token,
    Tokens,
    format_level,
    format_number,
    quote,
)

Value = float | str
Comparison = Literal["", "=", "<", ">", "<=", ">="]

MAX_TERMS = 200

_ARROW = "a query has no arrows: they belong in the graph. A query is like E[Y | do(X=1)]."
_AND = "parts of a list are separated by commas."
_BRACES = "a term is written E[Y | do(X=1)] or P(Y | do(X=1))."
QUERY = Lexicon(
    "[ ] ( ) , | = < > <= >= + - * / ~",
    {
        "->": _ARROW,
        "-->": _ARROW,
        "<->": _ARROW,
        "<-->": _ARROW,
        "~~": _ARROW,
        "=~": "a query sets values with '=' or '~', as in do(X=1).",
        "==": "write one '=', as in do(X=1).",
        ":=": "write '=', as in do(X=1).",
        "=<": "write <=.",
        "=>": "write >=.",
        "<>": "'not equal' is not read: ask 1 - P(Y=1).",
        "!=": "'not equal' is not read: ask 1 - P(Y=1).",
        "&": _AND,
        "&&": _AND,
        "||": "one '|' separates the outcome from the conditions.",
        "{": _BRACES,
        "}": _BRACES,
        ";": "a text holds one query; conditions are separated by commas.",
        ":": "unexpected ':'. A name that is not a plain word stands in backticks: `a:b`.",
        "#": "a query holds no comments.",
        "^": "powers are not read: a query adds, subtracts, multiplies and divides.",
        "**": "powers are not read: a query adds, subtracts, multiplies and divides.",
        "%": "'%' is not read: write a share as 0.05.",
    },
    by_line=False,
)
_COMPARISONS: tuple[Comparison, ...] = ("=", "<", ">", "<=", ">=")
_LIKE_E = frozenset({"e", "exp", "expectation", "mean", "expected"})
_LIKE_P = frozenset({"p", "pr", "prob", "probability"})
_NOT_YET = frozenset({"var", "sd", "std", "median", "quantile", "q", "cov", "cor"})


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
        return Query(_Parser(text).query())

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


@dataclass(frozen=True)
class Summary:
    """One number with its interval: all that plots and tables read of an answer or a rival.

    Attributes:
        label: What the row is called.
        estimate: The point, None where the method does not apply.
        sd: Its standard deviation or standard error.
        lower: The lower end of the interval.
        upper: The upper end.
        level: The interval's probability, 0.9 for instance.
        unit: The unit of the outcome, where one is known.
        method: How the number was made.
    """

    label: str
    estimate: float | None
    sd: float | None
    lower: float | None
    upper: float | None
    level: float
    unit: str | None
    method: str


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


class _Parser:
    """Reads one query; parentheses around queries are the only recursion, and they are bounded."""

    def __init__(self, text: str) -> None:
        self.tokens = Tokens(text, QUERY)
        self.count = 0

    def query(self) -> Expression:
        if self.tokens.at_end():
            raise self.tokens.error("the query is empty. A query is like E[Y | do(X=1)].")
        expression = self.sum()
        if not self.tokens.at_end():
            raise self.after_query()
        return expression

    def sum(self) -> Expression:
        left = self.product()
        while sign := self.tokens.accept("+", "-"):
            left = Binary("+" if sign.text == "+" else "-", left, self.product())
        return left

    def product(self) -> Expression:
        left = self.factor()
        while sign := self.tokens.accept("*", "/"):
            left = Binary("*" if sign.text == "*" else "/", left, self.factor())
        return left

    def factor(self) -> Expression:
        tokens = self.tokens
        here = tokens.current
        self.count += 1
        if self.count > MAX_TERMS:
            raise tokens.error(f"a query has at most {MAX_TERMS} terms and numbers.")
        if tokens.accept("("):
            inner = self.sum()
            tokens.expect(")", "')'")
            return inner
        if here.kind == "number":
            return Number(tokens.number())
        if here.is_symbol("+", "-"):
            repair = "A sign belongs to a number: write 0 - E[Y] or -1 * E[Y]." if here.text == "-" else ""
            return Number(tokens.number("a number after the sign", repair))
        if here.kind == "name" and here.bare:
            return self.term(tokens.advance())
        raise tokens.unexpected("a term, E[…] or P(…)")

    def term(self, word: Token) -> Term:
        tokens = self.tokens
        opening = tokens.current
        if word.text not in ("E", "P") or not opening.is_symbol("[", "("):
            raise self.not_a_term(word)
        if word.text == "E" and opening.text == "(":
            raise tokens.error("E takes square brackets: E[Y | do(X=1)].")
        if word.text == "P" and opening.text == "[":
            raise tokens.error("P takes parentheses: P(Y | do(X=1)).")
        tokens.advance()
        closing = "]" if word.text == "E" else ")"
        outcomes = self.outcomes(word, closing)
        do: list[Setting] = []
        given: list[Outcome] = []
        if tokens.accept("|"):
            self.condition(do, given)
            while tokens.accept(","):
                self.condition(do, given)
            if not tokens.current.is_symbol(closing):
                raise self.after_condition(closing)
        tokens.advance()
        compared = all(outcome.op for outcome in outcomes)
        kind = "mean" if word.text == "E" else "event" if compared else "law"
        return Term(kind, outcomes, tuple(do), tuple(given))

    def outcomes(self, word: Token, closing: str) -> tuple[Outcome, ...]:
        tokens = self.tokens
        found = [self.outcome("an outcome")]
        if word.text == "E":
            self.check_mean(found[0])
        while tokens.accept(","):
            found.append(self.outcome("an outcome after the comma"))
        if not tokens.current.is_symbol("|", closing):
            if tokens.current.is_symbol(*_COMPARISONS):
                raise tokens.error("one comparison per part: an interval is P(Y > 1, Y < 2).")
            raise tokens.unexpected(f"',', '|' or {closing!r}")
        return tuple(found)

    def check_mean(self, outcome: Outcome) -> None:
        tokens = self.tokens
        if outcome.op:
            raise tokens.error(f"E takes an outcome without comparison: for a probability write P({outcome} | …).")
        if tokens.current.is_symbol(","):
            raise tokens.error(f"E takes one outcome: ask E[{quote(outcome.name)}] and the other as two queries.")
        if tokens.current.is_symbol("+", "-", "*", "/"):
            raise tokens.error("arithmetic stands outside the brackets: E[Y] - E[X].")

    def outcome(self, expected: str) -> Outcome:
        tokens = self.tokens
        if tokens.current.kind == "number":
            raise tokens.error("the node comes first in a comparison: P(Y > 1); an interval is P(Y > 1, Y < 2).")
        if tokens.current.is_word("do"):
            word = tokens.advance()
            if tokens.current.is_symbol("("):
                raise tokens.error("do( ) stands after '|': E[Y | do(X=1)].", word)
            name = word
        else:
            name = tokens.name(expected, self.comma_repair())
        if tokens.current.is_symbol("("):
            raise tokens.error(
                f"only do( ) has parentheses inside a term, found {name.text}(. An intervention is written do(X=1)."
            )
        for op in _COMPARISONS:
            if tokens.accept(op):
                return Outcome(name.text, op, self.value(op))
        if tokens.current.is_symbol("~"):
            raise tokens.error("a distribution stands only inside do( ): do(X ~ normal(0, 1)).")
        return Outcome(name.text)

    def comma_repair(self) -> str:
        return "Remove the comma or name a node." if self.tokens.current.is_symbol(")", "]", "|") else ""

    def value(self, op: str) -> Value:
        tokens = self.tokens
        if op == "<" and tokens.current.is_symbol("-"):
            sign = tokens.advance()
            if tokens.current.kind != "number":
                raise tokens.error(_ARROW, sign)
            return -tokens.number()
        return tokens.level(f"a number or a level after {op!r}")

    def condition(self, do: list[Setting], given: list[Outcome]) -> None:
        tokens = self.tokens
        word = tokens.current
        if word.kind == "name" and word.bare and word.text.casefold() == "do":
            tokens.advance()
            if word.text == "do" and tokens.accept("("):
                self.settings(do)
                return
            if not tokens.current.is_symbol("|", ",", ")", "]", *_COMPARISONS):
                raise tokens.error("an intervention is written do(X=1), in small letters and parentheses.", word)
            raise tokens.error(f"a node that is called {word.text!r} stands in backticks: `{word.text}`.", word)
        given.append(self.outcome("a condition"))

    def settings(self, do: list[Setting]) -> None:
        tokens = self.tokens
        do.append(self.setting())
        while tokens.accept(","):
            do.append(self.setting())
        if tokens.current.is_symbol("+", "-", "*", "/"):
            self.refuse_policy("a shift such as do(X = X + 1)")
        tokens.expect(")", "',' or ')'")

    def setting(self) -> Setting:
        tokens = self.tokens
        repair = "Name what is set: do(X=1)." if tokens.current.is_symbol(")") else ""
        name = tokens.name("a node inside do( )", repair)
        if tokens.accept("="):
            here = tokens.current
            value = tokens.level("a number or a level after '='")
            if tokens.current.is_symbol("+", "-", "*", "/", "("):
                self.refuse_policy("a shift such as do(X = X + 1)", here)
            return Setting(name.text, value)
        if tokens.accept("~"):
            return Setting(name.text, self.distribution())
        if tokens.current.is_symbol("<", ">", "<=", ">="):
            raise tokens.error(
                f"do( ) sets a value: do({quote(name.text)}=1) or do({quote(name.text)} ~ normal(0, 1))."
            )
        return Setting(name.text)

    def distribution(self) -> Distribution:
        tokens = self.tokens
        family = tokens.name("a family after '~'")
        if not tokens.current.is_symbol("("):
            raise tokens.error(f"a distribution has its parameters in parentheses: {family.text}(0, 1).", family)
        args, named = tokens.arguments(
            "policies such as do(X ~ normal(W)) are not supported: the parameters are numbers, found {!r}."
        )
        return Distribution(family.text, args, named)

    def refuse_policy(self, what: str, at: Token | None = None) -> NoReturn:
        raise self.tokens.error(f"{what} is not supported: do( ) sets a number, a level or a distribution.", at)

    def not_a_term(self, word: Token) -> NotationError:
        tokens, typed = self.tokens, word.text.casefold()
        if tokens.current.is_symbol("[", "("):
            if word.text == "do":
                return tokens.error("do( ) stands inside a term: E[Y | do(X=1)].", word)
            if typed in _NOT_YET:
                return tokens.error(f"{word.text} is not read: a term is E[…] or P(…).", word)
            if typed in _LIKE_E:
                return tokens.error(f"a mean is written E[…], found {word.text!r}.", word)
            if typed in _LIKE_P:
                return tokens.error(f"a probability is written P(…), found {word.text!r}.", word)
            return tokens.error(f"a term is E[…] or P(…), found {word.text!r}.", word)
        return tokens.error(
            f"expected a term, found {word.text!r}. Write E[{quote(word.text)}] for its mean, "
            f"P({quote(word.text)} > 1) for a probability.",
            word,
        )

    def after_condition(self, closing: str) -> NotationError:
        tokens = self.tokens
        if tokens.current.is_symbol("|"):
            return tokens.error("a term has one '|': conditions are separated by commas.")
        if tokens.current.is_symbol(*_COMPARISONS):
            return tokens.error("one comparison per part: an interval is Z > 1, Z < 2.")
        if tokens.current.kind == "name":
            return tokens.unexpected(f"',' or {closing!r}", "Conditions are separated by commas.")
        return tokens.unexpected(f"',' or {closing!r}")

    def after_query(self) -> NotationError:
        tokens = self.tokens
        if tokens.current.is_symbol(*_COMPARISONS):
            return tokens.error("a query is a number to estimate, not a comparison: ask a difference or a ratio.")
        if tokens.current.is_symbol(","):
            return tokens.error("a text holds one query: ask several as several texts.")
        return tokens.unexpected("an operator or the end of the query")

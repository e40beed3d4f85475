"""The parts of a question: one E[…] or P(…), and arithmetic over them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeVar

from latentdo.errors import QueryError
from latentdo.graphs import Name, format_level, format_number, quote

Value = float | str
Comparison = Literal["", "=", "<", ">", "<=", ">="]
Kind = Literal["mean", "law", "event", "variance", "sd", "quantile", "density"]

_WORDS: dict[Kind, str] = {"mean": "E", "variance": "Var", "sd": "SD", "quantile": "Quantile"}
MEDIAN = 0.5
Measure = Literal["RD", "RR", "OR", "NNT"]
"""How two risks are compared: risk difference, risk ratio, odds ratio, number needed to treat."""


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
            check_value(self.name, self.value)

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
    """A node that is asked about or seen, compared with a value or left open.

    Attributes:
        assumed: Whether the value is the 1 that counts where none was written, as in `RD[Y | X: 0 -> 1]`.
    """

    name: Name
    op: Comparison = ""
    value: Value | None = None
    assumed: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if (self.op == "") != (self.value is None):
            raise QueryError(f"{self.name!r} has a comparison or a value without the other. Give both or none.")
        check_value(self.name, self.value)

    def check_assumed(self, levels: Sequence[Value]) -> None:
        """Refuse a 1 that was taken for granted, where a node has two other values.

        Raises:
            QueryError: It has.
        """
        if self.assumed and len(levels) == 2 and set(levels) != {0.0, 1.0}:
            first, second = map(format_level, levels)
            raise QueryError(
                f"{quote(self.name)} stands without a value, which counts as {self}, and its values are {first} and {second}. "
                f"Write which of them is meant: {quote(self.name)}={second}."
            )

    def __str__(self) -> str:
        if self.value is None:
            return quote(self.name)
        space = "" if self.op == "=" else " "
        return f"{quote(self.name)}{space}{self.op}{space}{format_level(self.value)}"


@dataclass(frozen=True)
class Term:
    """One E[…], P(…) or any other number that the law of an outcome has.

    Attributes:
        kind: `mean` for E[…]; `event` for P(…) with every outcome compared; `law` for any other P(…); `variance`, `sd`
            and `quantile` for Var[…], SD[…] and Quantile[…]; `density` for density(…).
        outcomes: What is asked about.
        do: What is set.
        given: What is seen in the world after the intervention.
        level: The probability of a quantile, 0.5 for the median; None of any other kind.
    """

    kind: Kind
    outcomes: tuple[Outcome, ...]
    do: tuple[Setting, ...] = ()
    given: tuple[Outcome, ...] = ()
    level: float | None = None

    def __post_init__(self) -> None:
        if (self.level is not None) != (self.kind == "quantile"):
            raise QueryError(f"A quantile has a level, and no other term has one; got {self.kind} with {self.level}.")
        if self.level is not None and not 0 < self.level < 1:
            raise QueryError(f"The level of a quantile lies between 0 and 1, got {format_number(self.level)}.")
        if self.kind in _WORDS and (len(self.outcomes) != 1 or self.outcomes[0].op):
            raise QueryError(f"{self.word} takes one outcome without comparison, got {_listed(self.outcomes)}.")
        if self.kind == "density" and (len(self.outcomes) != 1 or self.outcomes[0].op not in ("", "=")):
            raise QueryError(f"density takes one outcome at a value, Y=1.3, got {_listed(self.outcomes)}.")

    @property
    def word(self) -> str:
        """What the term starts with: `E`, `P`, `Var`, `SD`, `Median`, `Quantile` or `density`."""
        if self.level == MEDIAN:
            return "Median"
        return "density" if self.kind == "density" else _WORDS.get(self.kind, "P")

    @property
    def needs_numbers(self) -> bool:
        """Whether the outcome's values are taken as numbers, so that they must not be names of levels."""
        return self.kind not in ("law", "event")

    @property
    def takes_numbers(self) -> bool:
        """Whether it is one number of the whole law of its outcome, as a mean is, and not a share of the law."""
        return self.kind in _WORDS

    @property
    def law(self) -> Term:
        """The law that the term is a number of; the event itself of a probability, and of a density at a value."""
        if self.kind not in _WORDS and self.kind != "density":
            return self
        kind = "event" if self.outcomes[0].op else "law"
        return replace(self, kind=kind, level=None)

    @property
    def open(self) -> tuple[Name, ...]:
        """The nodes without a value: in do( ), among the conditions, and as outcomes of a law or density."""
        nodes = [setting.name for setting in self.do if setting.value is None]
        nodes += [outcome.name for outcome in self.given if not outcome.op]
        nodes += [outcome.name for outcome in self.outcomes if not outcome.op and self.kind in ("law", "density")]
        return tuple(dict.fromkeys(nodes))

    def filled(self, values: Mapping[Name, Value]) -> Term:
        """The term with these values wherever their nodes stand open."""
        if not any(name in values for name in self.open):
            return self

        def value(item: Outcome) -> Outcome:
            return Outcome(item.name, "=", values[item.name]) if not item.op and item.name in values else item

        do = tuple(
            Setting(item.name, values[item.name]) if item.value is None and item.name in values else item
            for item in self.do
        )
        outcomes = self.outcomes if self.kind in _WORDS else tuple(map(value, self.outcomes))
        kind = "event" if self.kind == "law" and all(item.op for item in outcomes) else self.kind
        return replace(self, kind=kind, outcomes=outcomes, do=do, given=tuple(map(value, self.given)))

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

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """Every node that the term names, each once: outcomes, treatments, conditions."""
        return tuple(dict.fromkeys((*self.outcome_names, *self.treatments, *self.conditions)))

    @property
    def is_stochastic(self) -> bool:
        """Whether some treatment is drawn from a distribution."""
        return any(isinstance(setting.value, Distribution) for setting in self.do)

    @property
    def has_event_evidence(self) -> bool:
        """Whether some evidence is an event such as Z > 0 rather than a value."""
        return any(outcome.op not in ("", "=") for outcome in self.given)

    def __str__(self) -> str:
        outcomes = _listed(self.outcomes)
        if self.level is not None and self.level != MEDIAN:
            outcomes += f", {format_number(self.level)}"
        settings = ", ".join(map(str, self.do))
        conditions = ", ".join((*([f"do({settings})"] if self.do else []), *map(str, self.given)))
        inside = f"{outcomes} | {conditions}" if conditions else outcomes
        return f"{self.word}[{inside}]" if self.kind in _WORDS else f"{self.word}({inside})"


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
    """Two parts joined by an operator; ratios and products are formed within each posterior draw.

    Attributes:
        word: What it was written as, where that is one word: `RD[Y=1 | X: 0 -> 1]`.
    """

    op: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression
    word: Measure | None = None

    @property
    def odds_of(self) -> Term | None:
        """The event whose odds this is, P / (1 - P); None of any other arithmetic."""
        match self:
            case Binary("/", Term(kind="event") as event, Binary("-", Number(1), other)) if other == event:
                return event
            case _:
                return None

    @property
    def risks(self) -> tuple[Term, Term] | None:
        """The events that a word compares, under the new values and under the old ones; None of arithmetic without a word."""
        match self:
            case Binary(word="RD" | "RR", left=Term() as new, right=Term() as old):
                return new, old
            case Binary(word="OR", left=Binary(odds_of=Term() as new), right=Binary(odds_of=Term() as old)):
                return new, old
            case Binary(word="NNT", right=Binary(left=Term() as new, right=Term() as old)):
                return new, old
            case _:
                return None

    def __str__(self) -> str:
        if (event := self.odds_of) is not None:
            return f"odds{str(event).removeprefix(event.word)}"
        if (risks := self.risks) is not None:
            changes = (f"{quote(new.name)}: {_shown(old)} -> {_shown(new)}" for new, old in changes_of(*risks))
            return f"{self.word}[{_listed(risks[0].outcomes)} | {', '.join((*changes, *_beside(risks[0], risks[1])))}]"
        left, right = str(self.left), str(self.right)
        if _strength(self.left) < _strength(self):
            left = f"({left})"
        # Operators lead from left to right, so that a right side of the same strength needs its parentheses.
        if _strength(self.right) <= _strength(self):
            right = f"({right})"
        return f"{left} {self.op} {right}"


Expression = Term | Number | Binary
Named = TypeVar("Named", Setting, Outcome)


def filled(expression: Expression, values: Mapping[Name, Value]) -> Expression:
    """The expression with these values wherever their nodes stand open."""
    match expression:
        case Term():
            return expression.filled(values)
        case Number():
            return expression
        case Binary(left=left, right=right):
            return replace(expression, left=filled(left, values), right=filled(right, values))


def measure(word: Measure, new: Term, old: Term) -> Binary:
    """What a word stands for: arithmetic over the probabilities of one event under new and under old values."""
    match word:
        case "RD":
            return Binary("-", new, old, word)
        case "RR":
            return Binary("/", new, old, word)
        case "OR":
            return Binary("/", odds(new), odds(old), word)
        case "NNT":
            return Binary("/", Number(1.0), Binary("-", new, old), word)


def odds(event: Term) -> Binary:
    """P / (1 - P) of an event."""
    return Binary("/", event, Binary("-", Number(1.0), event))


def changes_of(new: Term, old: Term) -> list[tuple[Setting, Setting]]:
    """What two terms set to different values: each setting of the first beside that of the second."""
    return [(one, other) for one, other in zip(new.do, old.do, strict=True) if one != other]


def _beside(new: Term, old: Term) -> tuple[str, ...]:
    """What both terms set and see alike, as it is typed."""
    held = [str(one) for one, other in zip(new.do, old.do, strict=True) if one == other]
    return (*([f"do({', '.join(held)})"] if held else []), *map(str, new.given))


def _shown(setting: Setting) -> str:
    assert setting.value is not None and not isinstance(setting.value, Distribution), "a change is between values"
    return format_level(setting.value)


def renamed(expression: Expression, names: Mapping[Name, Name]) -> Expression:
    """The expression with new names for nodes."""
    match expression:
        case Term():

            def new(parts: tuple[Named, ...]) -> tuple[Named, ...]:
                return tuple(replace(part, name=names.get(part.name, part.name)) for part in parts)

            given, do = new(expression.given), new(expression.do)
            return replace(expression, outcomes=new(expression.outcomes), do=do, given=given)
        case Number():
            return expression
        case Binary(left=left, right=right):
            return replace(expression, left=renamed(left, names), right=renamed(right, names))


def settled(expression: Expression, ones: Mapping[Name, Value]) -> Expression:
    """The expression with the level that counts as the 1 of a node wherever that was taken for granted."""
    match expression:
        case Term():
            outcomes = tuple(
                Outcome(each.name, "=", ones[each.name]) if each.assumed and each.name in ones else each
                for each in expression.outcomes
            )
            return replace(expression, outcomes=outcomes)
        case Number():
            return expression
        case Binary(left=left, right=right):
            return replace(expression, left=settled(left, ones), right=settled(right, ones))


def _listed(outcomes: tuple[Outcome, ...]) -> str:
    return ", ".join(map(str, outcomes))


def _strength(expression: Expression) -> int:
    match expression:
        case Binary(op="+" | "-") if expression.risks is None:
            return 1
        case Binary() if expression.odds_of is None and expression.risks is None:
            return 2
        case _:
            return 3


def operations_of(expression: Expression) -> Iterator[Binary]:
    """The operations of the arithmetic, each before those within it."""
    waiting: list[Expression] = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Binary):
            yield part
            waiting += (part.right, part.left)


def terms_of(expression: Expression) -> Iterator[Term]:
    """The terms from left to right, equal ones again and again."""
    waiting: list[Expression] = [expression]
    while waiting:
        match waiting.pop():
            case Binary(left=left, right=right):
                waiting += (right, left)
            case Term() as term:
                yield term
            case Number():
                pass


def size_of(expression: Expression) -> int:
    """How many terms and numbers the expression has."""
    waiting, count = [expression], 0
    while waiting:
        part = waiting.pop()
        if isinstance(part, Binary):
            waiting += (part.left, part.right)
        else:
            count += 1
    return count


def check_value(name: Name, value: Value | None) -> None:
    """Raise `QueryError` for a number that is not finite."""
    if value is not None and not isinstance(value, str) and not math.isfinite(value):
        raise QueryError(f"{name!r} cannot be compared with or set to {value}. Values are finite.")

"""Formulas as values: `Prob | Sum | Product | Quotient`. An estimand is one in P(V) alone, without a `do`.

Scoping is lexical and by node name: a `Sum` binds its names in its body, and a name inside may therefore
stand for another copy than the same name outside (printing adds the primes). Formulas share their parts, so
every walk here visits a part once, and none recurses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from latentdo.graphs import Name


class AbstractExpression:
    """Equality by value, identity first; the hash is made once, or shared parts would be walked for ever."""

    _hash: int

    def __post_init__(self) -> None:
        key = (type(self).__name__, *vars(self).values())
        object.__setattr__(self, "_hash", hash(key))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, AbstractExpression):
            return NotImplemented
        return self._hash == other._hash and _equal(self, other)

    def __reduce__(self) -> tuple[Any, ...]:
        # The hash of a text differs between processes, so that a pickle may carry the fields alone.
        fields = self.__dataclass_fields__  # pyright: ignore[reportAttributeAccessIssue]
        return type(self), tuple(getattr(self, field) for field in fields)

    @cached_property
    def free(self) -> frozenset[Name]:
        """The names that no sum binds: what the value is a function of."""
        for part in parts(self):  # parts come before what is made of them, so this does not recurse
            if "free" not in vars(part):
                vars(part)["free"] = _free(part)
        return vars(self)["free"]


@dataclass(frozen=True, eq=False)
class Prob(AbstractExpression):
    """P(outcomes | do(do), given), each in name order; without `do`, a conditional of the observed law."""

    outcomes: tuple[Name, ...]
    given: tuple[Name, ...] = ()
    do: tuple[Name, ...] = ()


@dataclass(frozen=True, eq=False)
class Sum(AbstractExpression):
    """The sum of `body` over all values of the names in `over`, which it binds."""

    over: tuple[Name, ...]
    body: Expression


@dataclass(frozen=True, eq=False)
class Product(AbstractExpression):
    """The product of `factors`; without any, 1."""

    factors: tuple[Expression, ...] = ()


@dataclass(frozen=True, eq=False)
class Quotient(AbstractExpression):
    """`numerator` over `denominator`."""

    numerator: Expression
    denominator: Expression


Expression: TypeAlias = Prob | Sum | Product | Quotient


def operands(expression: AbstractExpression) -> tuple[Expression, ...]:
    """The expressions that this one is made of."""
    match expression:
        case Sum(body=body):
            return (body,)
        case Product(factors=factors):
            return factors
        case Quotient(numerator=numerator, denominator=denominator):
            return (numerator, denominator)
        case _:
            return ()


def parts(expression: AbstractExpression, known: Collection[int] = ()) -> Iterator[AbstractExpression]:
    """Every part of `expression` once, operands before what is made of them, `expression` last.

    Args:
        known: Identities of parts that are left out, with what is inside them.
    """
    seen: set[int] = set(known)
    waiting: list[tuple[AbstractExpression, bool]] = [(expression, False)]
    while waiting:
        part, ready = waiting.pop()
        if ready:
            yield part
        elif id(part) not in seen:
            seen.add(id(part))
            waiting.append((part, True))
            waiting += ((operand, False) for operand in reversed(operands(part)))


def length_of(expression: AbstractExpression) -> int:
    """About as many characters as an expression has in print."""
    lengths: dict[int, int] = {}
    for part in parts(expression):
        match part:
            case Prob(outcomes=outcomes, given=given, do=do):
                names = outcomes + given + do
                mine = 2 + sum(len(name) + 2 for name in names) + 2 * bool(given or do) + 4 * bool(do)
            case Sum(over=over):
                mine = 4 + sum(len(name) + 2 for name in over)
            case Product(factors=factors):
                mine = len(factors)
            case _:
                mine = 7
        lengths[id(part)] = mine + sum(lengths[id(operand)] for operand in operands(part))
    return lengths[id(expression)]


def _free(expression: AbstractExpression) -> frozenset[Name]:
    match expression:
        case Prob(outcomes=outcomes, given=given, do=do):
            return frozenset(outcomes + given + do)
        case Sum(over=over, body=body):
            return body.free.difference(over)
        case _:
            return frozenset().union(*(operand.free for operand in operands(expression)))


def _equal(first: AbstractExpression, second: AbstractExpression) -> bool:
    seen: set[tuple[int, int]] = set()
    waiting = [(first, second)]
    while waiting:
        a, b = waiting.pop()
        if a is b or (id(a), id(b)) in seen:
            continue
        seen.add((id(a), id(b)))
        if type(a) is not type(b) or hash(a) != hash(b):
            return False
        match a, b:
            case Prob(), Prob():
                if (a.outcomes, a.given, a.do) != (b.outcomes, b.given, b.do):
                    return False
            case Sum(), Sum() if a.over != b.over:
                return False
            case _:
                inside = operands(a), operands(b)
                if len(inside[0]) != len(inside[1]):
                    return False
                waiting += zip(*inside, strict=True)
    return True

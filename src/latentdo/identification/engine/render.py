"""Formulas as text and LaTeX: values where they are set, means and events where they are asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from latentdo.graphs import Name
from latentdo.query import Binary, Distribution, Number, Outcome, Query, Term
from latentdo.query import Expression as Arithmetic

from .construct import Formula
from .expression import AbstractExpression, Prob, Product, Quotient, Sum, length_of, operands, parts
from .expression import Expression as FormulaExpression
from .scripts import Latex, Mark, Piece, Text

# A formula that would be longer than this many characters is printed with names for the parts that it shares.
FLAT_LENGTH = 1500
# Shared parts shorter than this are repeated: a name would be no easier to read.
PART_LENGTH = 40
# Nodes that always stand together are printed as a set where there are at least so many of them.
SET_SIZE = 4

Copies: TypeAlias = Mapping[Name, int]
Sets: TypeAlias = Mapping[str, frozenset[Name]]
"""Letters with the nodes that they stand for."""
NO_SETS: Sets = {}
Walk: TypeAlias = Generator[Any, Piece, Piece]  # yields further walks, is sent their pieces


def text(query: Query, formulas: Mapping[Term, Formula], sets: Sets = NO_SETS) -> str:
    """The formula as one line of plain text."""
    return _whole(Text(), query, formulas, sets)


def latex(query: Query, formulas: Mapping[Term, Formula], mark: Mark | None = None, sets: Sets = NO_SETS) -> str:
    """The formula in LaTeX, each node as `mark` wraps it."""
    return _whole(Latex(mark), query, formulas, sets)


def line(expression: FormulaExpression, sets: Sets = NO_SETS) -> str:
    """One side of an equation in plain text; what the letters of `sets` stand for has to be said beside it."""
    return _bare(Text(), expression, sets)


def latex_line(expression: FormulaExpression, mark: Mark | None = None, sets: Sets = NO_SETS) -> str:
    """One side of an equation in LaTeX, each node as `mark` wraps it."""
    return _bare(Latex(mark), expression, sets)


def listed_names(names: Iterable[Name], sets: Sets = NO_SETS) -> str:
    """Nodes in plain text, separated by commas."""
    return _listed(Text(), names, sets)


def latex_names(names: Iterable[Name], sets: Sets = NO_SETS) -> str:
    """Nodes in LaTeX, separated by commas."""
    return _listed(Latex(), names, sets)


def _listed(script: Text, names: Iterable[Name], sets: Sets) -> str:
    return _Reader(script, frozenset(), {}, {}, None, sets).nodes(tuple(names), {}, ordered=False)


def where(sets: Sets) -> str:
    """What letters stand for, as the end of a line of plain text; empty where there are none."""
    return _where(Text(), _meanings(Text(), sets))


def latex_where(sets: Sets, mark: Mark | None = None) -> str:
    """The same in LaTeX."""
    return _where(Latex(mark), _meanings(Latex(mark), sets))


def _meanings(script: Text, sets: Sets) -> list[str]:
    return [f"{script.letter(word)} = {script.braced(sorted(names, key=natural))}" for word, names in sets.items()]


def _where(script: Text, notes: list[str]) -> str:
    return script.where + "; ".join(notes) if notes else ""


def _bare(script: Text, expression: FormulaExpression, sets: Sets) -> str:
    formula = Formula(expression, None, ())
    notes = _Notes(_letter([formula]), sets)
    reader = _Reader(script, expression.free, _shared(script, formula, notes), {}, None, sets)
    piece = _run(reader.show(expression, {}))
    return piece.text + _where(script, notes.parts)


@dataclass
class _Notes:
    """What is said once after the formula: shared parts, and the laws of stochastic interventions."""

    letter: str
    sets: Sets
    parts: list[str] = field(default_factory=list[str])
    laws: dict[tuple[Name, Distribution], str] = field(default_factory=dict[tuple[Name, Distribution], str])

    def law(self, name: Name, law: Distribution) -> str:
        """The letter of a stochastic intervention's law: q, or q2 where q is another law of that node."""
        others = sum(known == name and other != law for known, other in self.laws)
        return self.laws.setdefault((name, law), f"q{others + 1}" if others else "q")


def _whole(script: Text, query: Query, formulas: Mapping[Term, Formula], sets: Sets) -> str:
    notes = _Notes(_letter(formulas.values()), sets)

    def arithmetic(expression: Arithmetic) -> Piece:
        match expression:
            case Term():
                return _of_term(script, expression, formulas[expression], notes)
            case Number():
                return Piece(str(expression))
            case Binary(op=op, left=left, right=right):
                return _joined(script, op, arithmetic(left), arithmetic(right))

    shown = arithmetic(query.expression).text
    if free := sorted({name for formula in formulas.values() for name in formula.free}):
        shown += script.for_any + ", ".join(map(script.name, free))
    laws = [f"{letter}({script.name(name)}) = {script.words(str(law))}" for (name, law), letter in notes.laws.items()]
    return shown + _where(script, notes.parts + laws + _meanings(script, sets))


def sets_of(query: Query, formulas: tuple[Formula, ...], nodes: Iterable[Name]) -> dict[str, frozenset[Name]]:
    """A letter for each large set of nodes that stand together wherever they stand, the question's own nodes apart.

    Args:
        nodes: Those of the graph: none is called like a letter.
    """
    wholes = [whole for formula in formulas for whole in (formula.expression, formula.evidence) if whole]
    if any(length_of(whole) > FLAT_LENGTH for whole in wholes):
        return {}  # its parts have names already
    places: dict[Name, list[int]] = {}
    asked = {name for term in query.terms for name in term.names}
    lists = [names for whole in wholes for part in parts(whole) for names in _lists(part)]
    for place, names in enumerate(lists):
        for name in set(names) - asked:
            places.setdefault(name, []).append(place)
    together: dict[tuple[int, ...], set[Name]] = {}
    for name, where in places.items():
        together.setdefault(tuple(where), set()).add(name)
    found = [names for where, names in together.items() if len(names) >= SET_SIZE and len(where) > 1]
    taken = {*places, *asked, *nodes}
    numbers = range(1, len(found) + 1) if len(found) > 1 else ("",)
    words = (letter * count for count in range(1, len(taken) + 2) for letter in "ZCSK")
    called = next(each for word in words if taken.isdisjoint(each := [f"{word}{number}" for number in numbers]))
    return dict(zip(called, map(frozenset, found), strict=False))


def _lists(part: AbstractExpression) -> Iterable[tuple[Name, ...]]:
    """The lists of names that a part prints."""
    match part:
        case Prob(outcomes=outcomes, given=given, do=do):
            return outcomes, given, do
        case Sum(over=over):
            return (over,)
        case _:
            return ()


def _joined(script: Text, op: str, left: Piece, right: Piece) -> Piece:
    """Two sides of an operator of the query, in parentheses wherever they could be misread."""
    if op == "/" and isinstance(script, Latex):
        return script.fraction(left, right)
    if op in ("+", "-"):
        first = left.text
        second = script.closed(right) if right.kind == "difference" else right.text
        return Piece(f"{first} {op} {second}", "difference")
    first, second = (piece.text if piece.kind == "atom" else script.closed(piece) for piece in (left, right))
    return Piece(f"{first} {script.times if op == '*' else op} {second}", "fraction")


def _letter(formulas: Iterable[Formula]) -> str:
    """A letter that, with a number, is no node of the formulas: shared parts are called Q1, Q2, …"""
    names = {
        name
        for formula in formulas
        for part in parts(formula.expression)
        if isinstance(part, Prob)
        for name in part.outcomes + part.given + part.do
    }
    letters = (letter * count for count in range(1, len(names) + 2) for letter in "QFG")
    return next(word for word in letters if not any(re.fullmatch(rf"{word}\d+", name) for name in names))


def _of_term(script: Text, term: Term, formula: Formula, notes: _Notes) -> Piece:
    taken = formula.expression.free.union(term.outcome_names, term.treatments, term.conditions)
    named = _shared(script, formula, notes)
    labels = {outcome.name: script.compared(outcome) for outcome in term.outcomes + term.given if outcome.op == "="}
    drawn: dict[Name, Distribution] = {}
    for setting in term.do:
        if isinstance(setting.value, Distribution):
            drawn[setting.name] = setting.value
        elif setting.value is not None:
            labels[setting.name] = script.compared(Outcome(setting.name, "=", setting.value))
    weights = [
        (name, f"{notes.law(name, law)}({script.name(name)})")
        for name, law in drawn.items()
        if name in formula.expression.free
    ]
    asked, seen = _events(script, term.outcomes), _events(script, term.given)
    mean = term.outcome_names[0] if term.kind == "mean" else None

    def reading(expression: AbstractExpression, events: dict[Name, str], mean: Name | None) -> Piece:
        reader = _Reader(script, taken, named, dict(labels), None, notes.sets)
        piece = reader.read(expression, events, mean)
        for name, weight in weights:
            piece = script.sum(script.name(name), script.product([Piece(weight), piece]))
        return piece

    piece = reading(formula.expression, asked | seen, mean)
    piece = script.fraction(piece, reading(formula.evidence, seen, None)) if formula.evidence else piece
    if mean or not term.takes_numbers:
        return piece
    return script.number_of(term.word, script.name(term.outcome_names[0]), piece, term.level)


def _events(script: Text, outcomes: Iterable[Outcome]) -> dict[Name, str]:
    """The comparisons of each node that is compared with more than one value."""
    events: dict[Name, str] = {}
    for outcome in outcomes:
        if outcome.op not in ("", "="):
            before = f"{events[outcome.name]}, " if outcome.name in events else ""
            events[outcome.name] = before + script.compared(outcome)
    return events


def _shared(script: Text, formula: Formula, notes: _Notes) -> dict[int, tuple[str, tuple[Name, ...]]]:
    """Names and arguments for the parts that occur more than once, where the flat formula would be long."""
    lengths: dict[int, int] = {}
    uses: Counter[int] = Counter()
    unique: list[AbstractExpression] = []
    for whole in (formula.expression, formula.evidence):
        for part in parts(whole) if whole else ():
            if id(part) in lengths:
                continue
            unique.append(part)
            inside = [id(operand) for operand in operands(part)]
            names = part.outcomes + part.given + part.do if isinstance(part, Prob) else ()
            lengths[id(part)] = 4 + sum(len(name) + 2 for name in names) + sum(lengths[key] for key in inside)
            uses.update(inside)
    if sum(lengths[id(whole)] for whole in (formula.expression, formula.evidence) if whole) <= FLAT_LENGTH:
        return {}
    named: dict[int, tuple[str, tuple[Name, ...]]] = {}
    for part in unique:
        if uses[id(part)] < 2 or lengths[id(part)] < PART_LENGTH or isinstance(part, Prob):
            continue
        arguments = tuple(sorted(part.free))
        body = _Reader(script, part.free, dict(named), {}, None, notes.sets).read(part, {}, None)
        word = f"{notes.letter}{len(notes.parts) + 1}"
        notes.parts.append(f"{word}({', '.join(map(script.name, arguments))}) = {body.text}")
        named[id(part)] = (word, arguments)
    return named


@dataclass
class _Reader:
    """Prints one expression.

    Attributes:
        taken: Names that mean themselves, so that a bound copy of them takes a prime.
        named: Parts that are printed by name.
        labels: What stands for a node where it is free, such as X=70.
        mean: The node whose probability is printed as an expectation.
        sets: Letters for nodes that stand together.
    """

    script: Text
    taken: frozenset[Name]
    named: Mapping[int, tuple[str, tuple[Name, ...]]]
    labels: dict[Name, str]
    mean: Name | None = None
    sets: Sets = field(default_factory=dict[str, frozenset[Name]])

    def read(self, expression: AbstractExpression, events: Mapping[Name, str], mean: Name | None) -> Piece:
        """The expression, summed over `events` and averaged over `mean`: inside P where it occurs once."""
        counts = _occurrences(expression, {*events, *([mean] if mean else [])})
        self.labels.update((name, event) for name, event in events.items() if counts[name] == 1)
        self.mean = mean if mean and counts[mean] == 1 else None
        piece = _run(self.show(expression, {}))
        if mean and not self.mean:
            weight = Piece(self.script.name(mean))
            piece = self.script.sum(self.script.name(mean), self.script.product([weight, piece]))
        outside = [event for name, event in events.items() if counts[name] > 1]
        return self.script.sum(", ".join(outside), piece) if outside else piece

    def show(self, expression: AbstractExpression, copies: Copies) -> Walk:
        """A walk that ends with the piece of an expression; `copies` counts the primes of bound names."""
        if known := self.named.get(id(expression)):
            word, arguments = known
            return Piece(f"{word}({', '.join(self.node(name, copies) for name in arguments)})")
        match expression:
            case Sum(over=over, body=body):
                inner = {**copies, **{name: self.fresh(name, copies) for name in over}}
                return self.script.sum(self.nodes(over, inner, ordered=False), (yield self.show(body, inner)))
            case Product(factors=factors):
                pieces: list[Piece] = []
                for factor in factors:
                    pieces.append((yield self.show(factor, copies)))
                return self.script.product(pieces)
            case Quotient(numerator=numerator, denominator=denominator):
                above = yield self.show(numerator, copies)
                below = yield self.show(denominator, copies)
                return self.script.fraction(above, below)
            case Prob(outcomes=outcomes, given=given, do=do):
                return self.prob(outcomes, given, copies, do)
            case _:
                raise AssertionError(expression)

    def prob(
        self, outcomes: tuple[Name, ...], given: tuple[Name, ...], copies: Copies, do: tuple[Name, ...] = ()
    ) -> Piece:
        """P(…), or E[…] with what stands beside the mean's node in a P of its own."""
        show = self.nodes
        if self.mean is None or self.mean not in outcomes or self.mean in copies:
            behind = [self.script.surgery(show(do, copies))] if do else []
            behind += [show(given, copies)] if given else []
            return Piece(self.script.conditional("P", show(outcomes, copies), ", ".join(behind)))
        rest = tuple(name for name in outcomes if name != self.mean)
        set_ = [self.script.surgery(show(do, copies))] if do else []
        seen, all_seen = ([*set_, *([show(names, copies)] if names else [])] for names in (given, rest + given))
        mean = self.script.conditional("E", self.script.name(self.mean), ", ".join(all_seen))
        if not rest:
            return Piece(mean)
        beside = self.script.conditional("P", show(rest, copies), ", ".join(seen))
        return Piece(f"{mean} {beside}", "product")

    def nodes(self, names: Iterable[Name], copies: Copies, *, ordered: bool = True) -> str:
        """The nodes in natural order, so that X2 stands before X10; sets of them last, each by its letter."""
        left, shown = set(names), list[str]()
        for letter, together in self.sets.items():
            primes = {copies.get(name, 0) for name in together}
            if together <= left and len(primes) == 1:
                left -= together
                shown.append(self.script.letter(letter, *primes))
        rest = [name for name in names if name in left] if self.sets else names
        return ", ".join(
            [*(self.node(name, copies) for name in (sorted(rest, key=natural) if ordered else rest)), *shown]
        )

    def node(self, name: Name, copies: Copies) -> str:
        """A node: a copy where a sum around it binds it, else its label."""
        if name in copies:
            return self.script.name(name, copies[name])
        return self.labels.get(name) or self.script.name(name)

    def fresh(self, name: Name, copies: Copies) -> int:
        """How many primes tell a new copy from those around it and from the node itself."""
        return copies[name] + 1 if name in copies else int(name in self.taken)


@lru_cache(maxsize=4096)
def natural(name: Name) -> tuple[tuple[int, str], ...]:
    """A sorting key that reads digits as numbers."""
    return tuple((int(piece or 0) if piece.isdecimal() else -1, piece) for piece in re.split(r"(\d+)", name))


def _run(walk: Walk) -> Piece:
    """The piece that a walk ends with; the stack is a list, so that depth costs no recursion."""
    stack: list[Walk] = [walk]
    sent: Any = None
    while True:
        try:
            stack.append(stack[-1].send(sent))
            sent = None
        except StopIteration as end:
            stack.pop()
            sent = end.value
            if not stack:
                return sent


def _occurrences(expression: AbstractExpression, names: Iterable[Name]) -> dict[Name, int]:
    """How often each name occurs free, along every path: 0, 1 or 2 for more.

    A place where an average cannot be taken inside (behind the bar, below a fraction stroke) counts as 2.
    """
    counts: dict[int, dict[Name, int]] = {}
    names = tuple(names)
    if not names:
        return {}
    for part in parts(expression):
        match part:
            case Prob(outcomes=outcomes, given=given, do=do):
                occurring = {name: (name in outcomes) + 2 * (name in given + do) for name in names}
            case Sum(over=over, body=body):
                occurring = {name: 0 if name in over else counts[id(body)][name] for name in names}
            case Quotient(numerator=above, denominator=below):
                occurring = {name: counts[id(above)][name] + 2 * counts[id(below)][name] for name in names}
            case _:
                occurring = {name: sum(counts[id(factor)][name] for factor in operands(part)) for name in names}
        counts[id(part)] = {name: min(2, count) for name, count in occurring.items()}
    return counts[id(expression)]

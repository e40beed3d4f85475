"""What a text in the model language says, statement by statement, and the graph that follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from latentdo.errors import NotationError

from .bitset import Name
from .dag import LatentDag
from .tokens import Level, Position, format_number, normalised, quote

LOGLINEAR = "loglinear"
"""What is written around the parents that a parameter depends on, `sd=loglinear(X)`."""


@dataclass(frozen=True)
class Call:
    """A family with numbers, as a prior or a law: `normal(0, 10, low=-2)`."""

    family: str
    args: tuple[float, ...] = ()
    named: tuple[tuple[str, float], ...] = ()
    position: Position = field(default=Position(1, 1), compare=False, repr=False)

    def __str__(self) -> str:
        named = (f"{quote(key)}={format_number(value)}" for key, value in self.named)
        return f"{quote(self.family)}({', '.join((*map(format_number, self.args), *named))})"


@dataclass(frozen=True)
class Form:
    """What is written around a parent: `log(X)` has the kind `log`, `X^2` the kind `^` with the number 2."""

    kind: Literal["log", "s", "^"]
    options: tuple[tuple[str, float], ...] = ()

    def around(self, name: Name) -> str:
        """The parent in this form, as it is typed."""
        if self.kind == "^":
            return f"{quote(name)}^{format_number(self.options[0][1])}"
        options = (f"{key}={format_number(value)}" for key, value in self.options)
        return f"{self.kind}({', '.join((quote(name), *options))})"

    def key(self, name: Name) -> str:
        """What priors call it: without options, but for the power."""
        return self.around(name) if self.kind == "^" else f"{self.kind}({quote(name)})"


@dataclass(frozen=True)
class Parent:
    """One item between a mechanism's parentheses: a node, or the nodes of an interaction.

    `.forms` has a form or None for each of the names; it is empty where all enter as they are.
    """

    names: tuple[Name, ...]
    sign: Literal["", "+", "-"] = ""
    position: Position = field(default=Position(1, 1), compare=False, repr=False)
    forms: tuple[Form | None, ...] = ()

    @property
    def factors(self) -> tuple[str, ...]:
        """Each name in its form, as it is typed."""
        forms = self.forms or (None,) * len(self.names)
        return tuple(
            quote(name) if form is None else form.around(name) for name, form in zip(self.names, forms, strict=True)
        )

    def __str__(self) -> str:
        return self.sign + ":".join(self.factors)


@dataclass(frozen=True)
class LinearPredictor:
    """`loglinear(X, -V, weight=normal(0, 1))` as the value of an option: a parameter that depends on parents."""

    parents: tuple[Parent, ...]
    options: tuple[Option, ...] = ()

    def __str__(self) -> str:
        return f"{LOGLINEAR}({', '.join(map(str, self.parents))})"


@dataclass(frozen=True)
class Option:
    """`key=value` between a mechanism's parentheses; a value may be `true` or `false`."""

    key: str
    value: bool | float | Call | LinearPredictor | tuple[Level, ...]
    position: Position = field(default=Position(1, 1), compare=False, repr=False)


@dataclass(frozen=True)
class MechanismStatement:
    """`X, Y ~ family(parents, options)`; `.has_list` is whether the parentheses were typed."""

    names: tuple[Name, ...]
    latent: bool
    family: str
    parents: tuple[Parent, ...]
    options: tuple[Option, ...]
    position: Position = field(compare=False, repr=False)
    family_position: Position = field(compare=False, repr=False)
    has_list: bool = field(default=True, compare=False, repr=False)

    @property
    def causes(self) -> tuple[Name, ...]:
        """The nodes that the statement names as causes: parents, then those that only an option depends on."""
        values = (option.value for option in self.options)
        spread = (parent for value in values if isinstance(value, LinearPredictor) for parent in value.parents)
        return tuple(dict.fromkeys(name for parent in (*self.parents, *spread) for name in parent.names))


@dataclass(frozen=True)
class LatentStatement:
    """`latent U, V`."""

    names: tuple[Name, ...]
    position: Position = field(compare=False, repr=False)


@dataclass(frozen=True)
class NodeStatement:
    """A bare name: a node, whatever its edges."""

    name: Name
    position: Position = field(compare=False, repr=False)


@dataclass(frozen=True)
class EdgeStatement:
    """One link of a chain, as typed (`<-` is kept, `~~` reads as `<->`); `.position` is the arrow's."""

    left: Name
    kind: Literal["->", "<-", "-|", "<->"]
    right: Name
    latents: int
    position: Position = field(compare=False, repr=False)

    @property
    def edge(self) -> tuple[Name, Name]:
        """The two ends, the cause first where there is one."""
        return (self.right, self.left) if self.kind == "<-" else (self.left, self.right)


@dataclass(frozen=True)
class MeasureStatement:
    """`U =~ X + Y`: a latent and what it is seen by."""

    latent: Name
    indicators: tuple[Name, ...]
    position: Position = field(compare=False, repr=False)


Statement = MechanismStatement | LatentStatement | NodeStatement | EdgeStatement | MeasureStatement


def graph_of(statements: Sequence[Statement], text: str) -> LatentDag:
    """The graph that the statements of a text state, nodes in order of first mention.

    Raises:
        NotationError: Two statements disagree, or there is no node at all; the caret points into `text`.
        GraphError: What they state together cannot be, as with a cycle.
    """
    text = normalised(text)
    if not statements:
        raise NotationError("the text states no node. A graph is written like X -> Y.", text, 1, 1)
    reader = _Reader(text)
    for statement in statements:
        reader.read(statement)
    return reader.graph(statements)


class _Reader:
    """What the statements so far say about the graph."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes: dict[Name, None] = {}
        self.latent: set[Name] = set()
        self.mechanisms: dict[Name, Position] = {}
        self.parents: dict[tuple[Name, Name], None] = {}
        self.arrows: dict[tuple[Name, Name], tuple[str, Position]] = {}
        self.bidirected: dict[frozenset[Name], tuple[Name, Name, int]] = {}

    def read(self, statement: Statement) -> None:
        match statement:
            case NodeStatement(name=name):
                self.mention(name)
            case LatentStatement(names=names):
                self.mention(*names)
                self.latent.update(names)
            case MeasureStatement(latent=latent, indicators=indicators, position=position):
                self.mention(latent, *indicators)
                self.latent.add(latent)
                for name in indicators:
                    self.arrow((latent, name), "->", position)
            case EdgeStatement(left=left, kind="<->", right=right, latents=count, position=position):
                self.mention(left, right)
                self.spouses((left, right, count), position)
            case EdgeStatement(left=left, kind=kind, right=right, position=position):
                self.mention(left, right)
                self.arrow(statement.edge, "-|" if kind == "-|" else "->", position)
            case MechanismStatement():
                self.mechanism(statement)

    def mention(self, *names: Name) -> None:
        self.nodes.update(dict.fromkeys(names))

    def arrow(self, edge: tuple[Name, Name], kind: str, position: Position) -> None:
        earlier = self.arrows.setdefault(edge, (kind, position))
        if earlier[0] != kind:
            raise self.error(
                f"{edge[0]} {kind} {edge[1]} contradicts {edge[0]} {earlier[0]} {edge[1]} of line "
                f"{earlier[1].line}. Keep one of them.",
                position,
            )

    def spouses(self, entry: tuple[Name, Name, int], position: Position) -> None:
        left, right, _ = entry
        if self.bidirected.setdefault(frozenset((left, right)), entry) is not entry:
            raise self.error(
                f"{left} <-> {right} is stated twice. Several latents behind one pair are "
                f"{quote(left)} <-> {quote(right)} [latents=2].",
                position,
            )

    def mechanism(self, statement: MechanismStatement) -> None:
        self.mention(*statement.names)
        for name in statement.names:
            if earlier := self.mechanisms.get(name):
                raise self.error(
                    f"{name!r} has a second mechanism: the first is in line {earlier.line}. Keep one.",
                    statement.position,
                )
            self.mechanisms[name] = statement.position
        if statement.latent:
            self.latent.update(statement.names)
        self.mention(*statement.causes)
        self.parents.update(dict.fromkeys((cause, name) for cause in statement.causes for name in statement.names))

    def graph(self, statements: Iterable[Statement]) -> LatentDag:
        """The graph, once what needs the whole text has been checked."""
        if self.mechanisms:
            self.check_arrows()
        for statement in statements:
            if isinstance(statement, MechanismStatement) and not statement.has_list:
                self.check_family(statement)
        return LatentDag(
            tuple(self.nodes),
            frozenset((*self.parents, *self.arrows)),
            tuple(self.bidirected.values()),
            frozenset(self.latent),
            frozenset(edge for edge, (kind, _) in self.arrows.items() if kind == "-|"),
        )

    def check_arrows(self) -> None:
        for edge, (kind, position) in self.arrows.items():
            if edge not in self.parents:
                cause, effect = map(quote, edge)
                raise self.error(
                    f"{cause} {kind} {effect} repeats no parent. Beside mechanisms an arrow only repeats "
                    f"what they say: add {cause} to the parents, {effect} ~ family(…, {cause}), or remove "
                    "the arrow.",
                    position,
                )

    def check_family(self, statement: MechanismStatement) -> None:
        # `Y ~ X` would otherwise pass as a node Y of a family X, and lose its edge without a word.
        if statement.family in self.nodes:
            child, parent = quote(statement.names[0]), quote(statement.family)
            raise self.error(
                f"{parent} is a node, and '~' is followed by a family: {child} ~ normal({parent}). A family that is "
                f"called like a node has parentheses: {child} ~ {statement.family}().",
                statement.family_position,
            )

    def error(self, problem: str, position: Position) -> NotationError:
        return NotationError(problem, self.text, position.line, position.column)

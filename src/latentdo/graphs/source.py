"""A text in the model language as the words that were typed, each with its place, so that a stroke changes these and no others.

The grammar is that of `notation`, which has read the text before: here nothing is checked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from .bitset import Name
from .notation import MODEL, OF_PREDICTORS, SHAPES, parse_statements, parse_weight_key
from .statements import LOGLINEAR, Statement
from .tokens import Position, Token, Tokens, normalised, quote

_ARROWS = ("->", "<-", "-|", "<->", "~~")


@dataclass(frozen=True)
class SourceItem:
    """What stands between two commas of a mechanism's parentheses.

    Attributes:
        tokens: All its words.
        names: The nodes among them: one of a parent, several of an interaction, none of an option.
        parts: Of `sd=loglinear(X, Z)` what stands between its commas.
    """

    tokens: tuple[Token, ...]
    names: tuple[Token, ...]
    parts: tuple[SourceItem, ...] = ()

    @property
    def sign(self) -> Token | None:
        """The sign in front of a parent."""
        return self.tokens[0] if self.names and self.tokens[0].is_symbol("+", "-") else None

    def has(self, name: Name) -> bool:
        """Whether the node is in it."""
        return any(token.text == name for token in self.names)


@dataclass(frozen=True)
class SourceStatement:
    """One statement as it was typed.

    Attributes:
        kind: `node` for a bare name, `latent` for a list of latent nodes, `chain` of arrows, `measure` with `=~`, `mechanism`.
        tokens: All its words.
        names: The nodes in front: those of the list or of the chain; of a measurement the latent node and what it is seen by.
        arrows: The arrows of a chain, one fewer than its names.
        items: What stands between a mechanism's parentheses.
        family: The family of a mechanism.
        parentheses: The two of a mechanism that has them.
    """

    kind: Literal["node", "latent", "chain", "measure", "mechanism"]
    tokens: tuple[Token, ...]
    names: tuple[Token, ...]
    arrows: tuple[Token, ...] = ()
    items: tuple[SourceItem, ...] = ()
    family: Token | None = None
    parentheses: tuple[Token, Token] | None = None

    @property
    def start(self) -> int:
        """Where it starts in the text."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.tokens[-1].end

    @property
    def latent(self) -> Token | None:
        """The word `latent` in front."""
        return self.tokens[0] if self.tokens[0].is_word("latent") else None

    @property
    def mentions(self) -> Iterator[Token]:
        """Each place where it names a node, in order."""
        yield from self.names
        for item in self.items:
            for each in (item, *item.parts):
                yield from each.names


@dataclass(frozen=True)
class Source:
    """A text and its statements, as they were typed and as they were read; line ends are `\\n`."""

    text: str
    statements: tuple[SourceStatement, ...]
    parsed: tuple[Statement, ...]

    @property
    def mentions(self) -> Iterator[Token]:
        """Each place where the text names a node, in order."""
        for statement in self.statements:
            yield from statement.mentions

    def place(self, name: Name) -> Position | None:
        """Where a node is declared: at its mechanism, else where it is named first."""
        found = self._declared.get(name)
        return None if found is None else found[0].position

    def declared(self, name: Name) -> SourceStatement | None:
        """The statement that says most of a node: its mechanism, else the first that names it."""
        found = self._declared.get(name)
        return None if found is None else found[1]

    @cached_property
    def _declared(self) -> dict[Name, tuple[Token, SourceStatement]]:
        named: dict[Name, tuple[Token, SourceStatement]] = {}
        own: dict[Name, tuple[Token, SourceStatement]] = {}
        for statement in self.statements:
            for token in statement.mentions:
                named.setdefault(token.text, (token, statement))
            if statement.kind == "mechanism":
                own |= {token.text: (token, statement) for token in statement.names}
        return named | own

    def typed(self, part: SourceStatement | SourceItem) -> str:
        """A part of the text as it was typed."""
        return self.text[part.tokens[0].start : part.tokens[-1].end]


def source_of(text: str) -> Source:
    """The statements of a text as they were typed.

    Raises:
        NotationError: The text cannot be read.
    """
    parsed = parse_statements(text)
    tokens = Tokens(text, MODEL)
    statements: list[SourceStatement] = []
    line: list[Token] = []
    depth = 0
    while True:
        ended = tokens.at_end()
        token = tokens.advance()
        depth += token.is_symbol("(", "[") - token.is_symbol(")", "]")
        if not (ended or token.kind == "newline" or (token.is_symbol(";") and not depth)):
            line.append(token)
            continue
        if line:
            statements.append(_statement(tuple(line)))
        line = []
        if ended:
            return Source(normalised(text), tuple(statements), parsed)


def _statement(tokens: tuple[Token, ...]) -> SourceStatement:
    """The statement that these words are."""
    rest = tokens[1:] if tokens[0].is_word("latent") else tokens
    tilde = next((k for k, token in enumerate(rest) if token.is_symbol("~")), None)
    if tilde is not None:
        names = tuple(token for token in rest[:tilde] if token.kind == "name")
        return _with_items(SourceStatement("mechanism", tokens, names, family=rest[tilde + 1]), rest[tilde + 2 :])
    arrows = tuple(token for token in rest if token.is_symbol(*_ARROWS))
    if arrows:
        # `[latents=2]` holds a word that is no node.
        bracket = next((k for k, token in enumerate(rest) if token.is_symbol("[")), len(rest))
        names = tuple(token for token in rest[:bracket] if token.kind == "name")
        return SourceStatement("chain", tokens, names, arrows)
    names = tuple(token for token in rest if token.kind == "name")
    if any(token.is_symbol("=~") for token in rest):
        return SourceStatement("measure", tokens, names)
    return SourceStatement("latent" if len(rest) < len(tokens) else "node", tokens, names)


def _with_items(statement: SourceStatement, tail: Sequence[Token]) -> SourceStatement:
    """The mechanism with what stands between its parentheses."""
    if not tail:
        return statement
    return replace(statement, items=_between(tail), parentheses=(tail[0], tail[-1]))


def _between(tail: Sequence[Token]) -> tuple[SourceItem, ...]:
    """What stands between two parentheses, which are the first and the last of these words."""
    items: list[SourceItem] = []
    piece: list[Token] = []
    depth = 0
    for token in tail[1:]:
        at_end = depth == 0 and token.is_symbol(",", ")")
        depth += token.is_symbol("(", "[") - token.is_symbol(")", "]")
        if not at_end:
            piece.append(token)
        elif piece:
            items.append(_item(tuple(piece)))
            piece = []
    return tuple(items)


def _item(tokens: tuple[Token, ...]) -> SourceItem:
    """A parent, with the nodes that it names, or an option, which names none."""
    rest = tokens[1:] if tokens[0].is_symbol("+", "-") else tokens
    if len(rest) > 1 and rest[1].is_symbol("="):
        spread = len(rest) > 3 and rest[2].is_word(LOGLINEAR) and rest[3].is_symbol("(")
        return SourceItem(tokens, (), _between(rest[3:]) if spread else ())
    names: list[Token] = []
    for k, token in enumerate(rest):
        if token.kind != "name":
            continue
        shape = token.bare and token.text in SHAPES and rest[k + 1 : k + 2] and rest[k + 1].is_symbol("(")
        option = rest[k + 1 : k + 2] and rest[k + 1].is_symbol("=")
        if not shape and not option:
            names.append(token)
    return SourceItem(tokens, tuple(names))


def renamed_key(key: str, names: Mapping[Name, Name]) -> str:
    """A key of priors, `X:V -> Y` or `sd(Y)`, with the new names of its nodes.

    Raises:
        NotationError: It is no such key.
    """
    parse_weight_key(key)
    tokens, words, depth = Tokens(key, MODEL), list[Token](), 0
    while not tokens.at_end():
        words.append(tokens.advance())
    made, at = "", 0
    # `sd weight` is no node, whatever nodes are called.
    first = 2 if len(words) > 2 and any(map(words[1].is_word, OF_PREDICTORS)) else 0
    for k, token in enumerate(words):
        if k < first:
            continue
        depth += token.is_symbol("[") - token.is_symbol("]")
        # `sd(` and `log(` are no nodes, nor is a parameter alone, nor a level in brackets.
        called = token.bare and words[k + 1 : k + 2] and words[k + 1].is_symbol("(")
        if token.kind == "name" and not depth and not called and len(words) > 1 and token.text in names:
            made, at = made + key[at : token.start] + quote(names[token.text]), token.end
    return made + key[at:]

"""A foreign text as tokens with their places, one at a time, so that the first mistake is the one reported."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from latentdo.errors import NotationError


class Token(NamedTuple):
    """A piece of the text: its kind as the pattern names it, the text itself, and where it starts."""

    kind: str
    text: str
    at: int


class Scanner:
    """The tokens of a text by the groups of a pattern; those called `blank` are stepped over.

    Args:
        text: The whole text.
        pattern: Alternatives with names, none of which matches nothing.
        source: The file, for messages; empty for a text.
        hint: What is said where no token can begin.
        at: Where the first token may begin.
    """

    def __init__(self, text: str, pattern: re.Pattern[str], source: str = "", hint: str = "", at: int = 0) -> None:
        self.text = text
        self.pattern = pattern
        self.source = source
        self.hint = hint
        self.at = at
        self.current = self.scan()

    def scan(self) -> Token:
        """The next token."""
        while self.at < len(self.text):
            match = self.pattern.match(self.text, self.at)
            if match is None:
                self.fail(f"{self.text[self.at]!r} is not read here. {self.hint}".rstrip(), self.at)
            start, self.at = self.at, match.end()
            if match.lastgroup != "blank":
                return Token(match.lastgroup or "", match.group(), start)
        return Token("end", "", len(self.text))

    def advance(self) -> Token:
        """The current token, consumed."""
        token, self.current = self.current, self.scan()
        return token

    def accept(self, symbol: str) -> bool:
        """Whether this symbol stood here; it is consumed then."""
        if self.current.kind == "symbol" and self.current.text == symbol:
            self.advance()
            return True
        return False

    def expect(self, symbol: str, where: str) -> None:
        """Consume the symbol, or fail."""
        if not self.accept(symbol):
            self.unexpected(f"{symbol!r} {where}")

    def unexpected(self, expected: str) -> NoReturn:
        """Fail at the current token."""
        found = "the end of the text" if self.current.kind == "end" else repr(self.current.text[:40])
        self.fail(f"expected {expected}, found {found}.")

    def line(self, at: int | None = None) -> int:
        """The line of a place, from 1."""
        return self.text.count("\n", 0, self.current.at if at is None else at) + 1

    def fail(self, problem: str, at: int | None = None) -> NoReturn:
        """Raise with the place, that of the current token unless given."""
        at = self.current.at if at is None else at
        raise NotationError(
            f"{self.source}: {problem}" if self.source else problem,
            self.text,
            self.line(at),
            at - self.text.rfind("\n", 0, at),
        )

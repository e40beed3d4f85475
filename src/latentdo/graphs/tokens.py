"""Text to tokens, each with its place, for the model language and for queries.

Apart from the grammars because both share names, numbers, levels, brackets and the wording of mistakes.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from latentdo.errors import NotationError

from .bitset import Name

Level = float | str
Kind = Literal["name", "number", "level", "symbol", "newline", "end"]

MAX_DEPTH = 100
_CLOSING = {"(": ")", "[": "]"}
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LOOKALIKES = {
    "→": "->", "⟶": "->", "⇒": "->", "➔": "->", "➜": "->", "←": "<-", "⟵": "<-", "⇐": "<-",
    "↔": "<->", "⟷": "<->", "⇔": "<->", "⊣": "-|", "⟞": "-|", "∼": "~", "≈": "~", "˜": "~",
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "≤": "<=", "≥": ">=", "⩽": "<=", "⩾": ">=",
    "×": "*", "·": "*", "∗": "*", "÷": "/", "∣": "|", "❘": "|", "…": "..", "‥": "..",
    "‘": "'", "’": "'", "‚": "'", "“": "'", "”": "'", "„": "'", "«": "'", "»": "'", "´": "'",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text, both numbers counted from 1."""

    line: int
    column: int


class Token(NamedTuple):
    """One word of a text; `.text` is the name or level without its quotes."""

    kind: Kind
    text: str
    line: int
    column: int
    start: int
    end: int
    bare: bool = True

    @property
    def position(self) -> Position:
        """Where the token starts."""
        return Position(self.line, self.column)

    def is_word(self, word: str) -> bool:
        """Whether this is the bare word, typed without backticks."""
        return self.kind == "name" and self.bare and self.text == word

    def is_symbol(self, *symbols: str) -> bool:
        """Whether this is one of the symbols."""
        return self.kind == "symbol" and self.text in symbols


class Lexicon:
    """The symbols of one language, the slips it explains, and whether a line's end ends a statement."""

    def __init__(self, symbols: str, slips: Mapping[str, str], *, by_line: bool) -> None:
        self.symbols = frozenset(symbols.split())
        self.slips = slips
        self.by_line = by_line
        spelled = sorted({*self.symbols, *slips}, key=len, reverse=True)
        self.pattern = re.compile(
            r"(?P<blank>[ \t\f\v]+)|(?P<newline>\n)"
            + (r"|(?P<comment>\#[^\n]*)" if by_line else "")
            + r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
            + f"|(?P<symbol>{'|'.join(map(re.escape, spelled))})"
        )


class Tokens:
    """The tokens of a text, read one at a time, so that the first mistake is the one reported.

    `current` is the token not yet consumed. Line ends inside brackets are blanks, and so are all line
    ends in a language that is not read by the line.

    Attributes:
        tolerated: Slips that are symbols in what is scanned from here on.
    """

    tolerated: tuple[str, ...] = ()

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self._text = normalised(text)
        self._lexicon = lexicon
        self._at = 0
        self._line = 1
        self._line_start = 0
        self._open: list[Token] = []
        self.current = self._scan()

    def at_end(self) -> bool:
        """Whether the whole text is consumed."""
        return self.current.kind == "end"

    def advance(self) -> Token:
        """The current token, consumed."""
        token = self.current
        self.current = self._scan()
        return token

    def accept(self, *symbols: str) -> Token | None:
        """The current token, consumed, if it is one of the symbols."""
        return self.advance() if self.current.is_symbol(*symbols) else None

    def expect(self, symbol: str, expected: str, repair: str = "") -> Token:
        """The symbol, consumed, or a `NotationError`."""
        if self.current.is_symbol(symbol):
            return self.advance()
        raise self.unexpected(expected, repair)

    def name(self, expected: str = "a name", repair: str = "") -> Token:
        """The name that stands here, consumed, or a `NotationError`."""
        token = self.current
        if token.kind == "name":
            return self.advance()
        if token.kind == "level":
            raise self.error(
                f"expected {expected}, found {token.text!r} in quotes. A node's name that is not a plain "
                f"word stands in backticks: {quote(token.text)}.",
                token,
            )
        raise self.unexpected(expected, repair)

    def number(self, expected: str = "a number", repair: str = "") -> float:
        """The number that stands here, with its sign, consumed, or a `NotationError`."""
        sign = self.accept("+", "-")
        if self.current.kind != "number":
            raise self.unexpected(expected, repair)
        token = self.advance()
        value = float(token.text)
        if not math.isfinite(value):
            raise self.error(f"{_shorten(token.text)} is too large for a number.", token)
        return -value if sign is not None and sign.text == "-" else value

    def arguments(self, named_what: str) -> tuple[tuple[float, ...], tuple[tuple[str, float], ...]]:
        """The numbers in the parentheses that open here: those by position, those by name.

        Args:
            named_what: What to say where a name stands in the place of a number.
        """
        opening = self.expect("(", "'('")
        args: list[float] = []
        named: dict[str, float] = {}
        while True:
            if self.current.kind == "name":
                key = self.advance()
                if not self.accept("="):
                    raise self.error(named_what.format(key.text), key)
                if key.text in named:
                    raise self.error(f"{key.text!r} is given twice.", key)
                named[key.text] = self.number(f"a number after '{key.text}='")
            elif named and (self.current.kind == "number" or self.current.is_symbol("+", "-")):
                raise self.error("a number by position cannot follow one by name: put it first.")
            else:
                args.append(self.number("a number", self._trailing_comma(opening)))
            if self.accept(")"):
                return tuple(args), tuple(named.items())
            self.expect(",", "',' or ')'")

    def _trailing_comma(self, opening: Token) -> str:
        if not self.current.is_symbol(")"):
            return ""
        empty = self._text[opening.end : self.current.start].isspace() or opening.end == self.current.start
        return "Give the parameters, as in normal(0, 1)." if empty else "Remove the comma before ')'."

    def levels(self) -> tuple[Level, ...]:
        """The values in the square brackets that open here, all different."""
        self.expect("[", "'['")
        levels: dict[Level, None] = {}
        while True:
            token = self.current
            level = self.level("a level (a number, a word, or text in quotes)")
            if level in levels:
                raise self.error(f"the level {format_level(level)} is listed twice.", token)
            levels[level] = None
            if self.accept("]"):
                return tuple(levels)
            self.expect(",", "',' or ']'")

    def level(self, expected: str) -> Level:
        """The number, word or quoted text that stands here, consumed."""
        if self.current.kind in ("name", "level"):
            return self.advance().text
        return self.number(expected)

    def error(self, problem: str, at: Token | None = None) -> NotationError:
        """A problem at a token (the current one unless given), to be raised."""
        at = at or self.current
        return self._error(problem, at.line, at.column)

    def unexpected(self, expected: str, repair: str = "") -> NotationError:
        """The error that the current token is not what should stand here, to be raised."""
        token = self.current
        opener = self._open[-1] if self._open else None
        if token.kind == "end" and opener:
            return self.error(f"{opener.text!r} is never closed: {_CLOSING[opener.text]!r} is missing.", opener)
        problem = f"expected {expected}, found {describe(token)}."
        if repair:
            problem = f"{problem} {repair}"
        if opener and opener.line < token.line:
            problem += f" The {opener.text!r} of line {opener.line}, column {opener.column} is not closed before it."
        return self.error(problem)

    def _error(self, problem: str, line: int, column: int) -> NotationError:
        return NotationError(problem, self._text, line, column)

    def _fault(self, problem: str, at: int) -> NotationError:
        return self._error(problem, self._line, at - self._line_start + 1)

    def _token(self, kind: Kind, text: str, end: int, *, bare: bool = True) -> Token:
        token = Token(kind, text, self._line, self._at - self._line_start + 1, self._at, end, bare)
        self._at = end
        return token

    def _scan(self) -> Token:
        text, pattern = self._text, self._lexicon.pattern
        while self._at < len(text):
            match = pattern.match(text, self._at)
            if match is None:
                token = self._scan_rare()
                if token is not None:
                    return token
                continue
            piece, end = match.group(), match.end()
            match match.lastgroup:
                case "blank" | "comment":
                    self._at = end
                case "newline":
                    token = self._token("newline", piece, end)
                    self._line += 1
                    self._line_start = end
                    if self._lexicon.by_line and not self._open:
                        return token
                case "symbol":
                    return self._scan_symbol(piece, end)
                case "number":
                    return self._scan_number(piece, end)
                case _:
                    if end < len(text) and text[end] > "\x7f":
                        return self._scan_name()
                    return self._token("name", piece, end)
        return self._token("end", "", self._at)

    def _scan_symbol(self, symbol: str, end: int) -> Token:
        if symbol not in self.tolerated and (problem := self._lexicon.slips.get(symbol)):
            raise self._fault(problem, self._at)
        token = self._token("symbol", symbol, end)
        if symbol in _CLOSING:
            if len(self._open) >= MAX_DEPTH:
                raise self.error(f"brackets are nested deeper than {MAX_DEPTH}.", token)
            self._open.append(token)
        elif symbol in _CLOSING.values():
            self._close(token)
        return token

    def _close(self, token: Token) -> None:
        if not self._open:
            raise self.error(f"{token.text!r} closes nothing: remove it.", token)
        opener = self._open.pop()
        if _CLOSING[opener.text] != token.text:
            raise self.error(
                f"brackets do not pair: the {opener.text!r} of line {opener.line}, column {opener.column} "
                f"needs {_CLOSING[opener.text]!r}, found {token.text!r}.",
                token,
            )

    def _scan_number(self, digits: str, end: int) -> Token:
        after = self._text[end : end + 1]
        is_range = ".." in self._lexicon.symbols and self._text.startswith("..", end)
        if is_range or not after or not (after.isalnum() or after in "_`."):
            return self._token("number", digits, end)
        match = re.compile(r"[\w.]+").match(self._text, self._at)
        chunk = _shorten(match.group()) if match else digits
        if re.fullmatch(r"[0-9.]+[EP]", chunk) and self._text[end + 1 : end + 2] in ("[", "("):
            problem = f"{chunk!r} is neither a number nor a name: a factor is written 2 * E[Y]."
        elif re.fullmatch(r"[0-9.]+(?:[eE][0-9.+-]*)?", chunk):
            problem = f"{chunk!r} is not a number: write it like 5, 0.5 or 1e-3."
        elif re.match(r"[0-9]+_[0-9_]+", chunk):
            problem = f"{chunk!r} is not a number: write it without '_'."
        else:
            problem = f"{chunk!r} is neither a number nor a name: a name starts with a letter, or stands in "
            problem += "backticks."
        raise self._fault(problem, self._at)

    def _scan_rare(self) -> Token | None:
        char = self._text[self._at]
        if char > "\x7f" and char.isspace():
            self._at += 1
            return None
        if char == "`":
            return self._scan_quoted("name", char)
        if char in "'\"":
            return self._scan_quoted("level", char)
        if char.isalpha():
            return self._scan_name()
        before, after = self._text[max(0, self._at - 1) : self._at], self._text[self._at + 1 : self._at + 2]
        raise self._fault(_about_character(char, before, after), self._at)

    def _scan_quoted(self, kind: Kind, mark: str) -> Token:
        what = "backtick" if mark == "`" else "quote"
        # A quote inside a level is doubled, so that every level can be written; no name holds a backtick.
        body = "[^`\n]*" if mark == "`" else f"(?:[^{mark}\n]|{mark}{mark})*"
        match = re.compile(f"{mark}({body}){mark}").match(self._text, self._at)
        if match is None:
            raise self._fault(f"the {what} {mark} that opens here is not closed on this line.", self._at)
        content = match.group(1).replace(mark + mark, mark)
        if kind == "name" and not content:
            raise self._fault("the name between the backticks is empty.", self._at)
        for offset, char in enumerate(match.group()):
            if unicodedata.category(char) in ("Cc", "Cs"):
                raise self._fault(f"{name_character(char)} cannot stand between {what}s.", self._at + offset)
        return self._token(kind, content, match.end(), bare=False)

    def _scan_name(self) -> Token:
        text, end = self._text, self._at
        while end < len(text) and (
            (char := text[end]).isalpha()
            or (char.isascii() and (char.isdigit() or char == "_"))
            or unicodedata.category(char).startswith("M")
        ):
            plain = unicodedata.normalize("NFKC", char)
            if not char.isascii() and plain.isascii():
                raise self._fault(
                    f"{char!r} looks like {plain!r} and is another letter: write {plain!r}, or put the name "
                    "in backticks.",
                    end,
                )
            end += 1
        if end < len(text) and text[end].isnumeric():
            raise self._fault(_about_character(text[end], "", ""), end)
        return self._token("name", text[self._at : end], end)


def normalised(text: str) -> str:
    """The text that lines and columns are counted in: without a byte order mark, line ends as `\\n`."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def quote(name: Name) -> str:
    """The name as it is typed in the notation: in backticks unless it is a plain word."""
    # A query takes Do for a slip of do.
    if name != "latent" and name.casefold() != "do" and _is_plain(name):
        return name
    return f"`{name}`"


def format_level(value: Level) -> str:
    """A value as typed: a number, a plain word, or text in single quotes."""
    if not isinstance(value, str):
        return format_number(value)
    return value if _is_plain(value) else "'" + value.replace("'", "''") + "'"


def format_number(value: float) -> str:
    """The shortest text that reads back as the same number, whole numbers without a point."""
    return repr(float(value)).removesuffix(".0") if value else "0"


def describe(token: Token) -> str:
    """What a token is called in a message."""
    match token.kind:
        case "end":
            return "the end of the text"
        case "newline":
            return "the end of the line"
        case "number":
            return f"the number {_shorten(token.text)}"
        case "level":
            return f"the quoted text {_shorten(token.text)!r}"
        case "name" | "symbol":
            return repr(_shorten(token.text))


def name_character(char: str) -> str:
    """What a character is called in a message, also one that cannot be seen."""
    if char.isprintable() and not char.isspace():
        return repr(char)
    known = unicodedata.name(char, "")
    what = "control character" if unicodedata.category(char) == "Cc" else "character"
    return f"the invisible {what} U+{ord(char):04X}" + (f" ({known})" if known else "")


def _is_plain(name: str) -> bool:
    if name.isascii():
        return _PLAIN.fullmatch(name) is not None
    return name[0].isalpha() and all(
        char.isalpha() and not unicodedata.normalize("NFKC", char).isascii()
        if not char.isascii()
        else char.isalnum() or char == "_"
        for char in name
    )


def _about_character(char: str, before: str, after: str) -> str:
    plain = _LOOKALIKES.get(char) or unicodedata.normalize("NFKC", char)
    if not char.isascii() and plain != char and plain.isascii() and plain.strip():
        return f"{name_character(char)} is not read: write {plain!r}" + (
            ", or put the name in backticks." if plain.isalnum() else "."
        )
    if char == "." and after.isdigit() and not before.isalnum():
        return f"a number starts with a digit: write 0.{after}…"
    if char in "._@$\\%?!":
        return (
            f"unexpected {char!r}. A name starts with a letter and has letters, digits and '_'; any other "
            "name stands in backticks: `IL-6`."
        )
    return f"{name_character(char)} is not read here."


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"

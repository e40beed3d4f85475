"""How the signs of a formula look: as plain text, and in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from latentdo.errors import visible
from latentdo.graphs import Name, format_level, quote
from latentdo.query import Outcome

Mark: TypeAlias = Callable[[Name, str], str]
"""What stands in LaTeX for a node, from its name and how that is written."""


@dataclass(frozen=True)
class Piece:
    """A piece of a formula and how tightly it holds together."""

    text: str
    kind: Literal["atom", "product", "sum", "fraction", "difference"] = "atom"


class Text:
    """Plain text."""

    for_any = ", for any "
    where = ", where "
    times = "*"

    def name(self, name: Name, copies: int = 0) -> str:
        """A node, with a prime for each copy."""
        return quote(name) + "'" * copies

    def letter(self, word: str, copies: int = 0) -> str:
        """What stands for several nodes, and is none."""
        return self.name(word, copies)

    def compared(self, outcome: Outcome) -> str:
        """A node with its comparison."""
        return str(outcome)

    def words(self, words: str) -> str:
        """Something that is no formula."""
        return words

    def conditional(self, letter: str, inside: str, given: str) -> str:
        """P(…) or E[…]."""
        left, right = "[]" if letter == "E" else "()"
        return f"{letter}{left}{inside}{f' | {given}' if given else ''}{right}"

    def number_of(self, word: str, name: str, law: Piece, level: float | None) -> Piece:
        """A number that the law of a node has: `Var[Y ~ …]`."""
        behind = "" if level is None or word == "Median" else f", {format_level(level)}"
        return Piece(f"{word}[{name} ~ {law.text}{behind}]")

    def surgery(self, names: str) -> str:
        """do(…)."""
        return f"do({names})"

    def braced(self, names: Iterable[Name]) -> str:
        """A set of nodes."""
        return f"{{{', '.join(map(self.name, names))}}}"

    def sum(self, over: str, body: Piece) -> Piece:
        """A sum sign with its names and its body."""
        sign = f"Σ_{over}" if re.fullmatch(r"\w+'*", over) else f"Σ_{{{over}}}"
        return Piece(f"{sign} {self.closed(body) if body.kind == 'fraction' else body.text}", "sum")

    def product(self, pieces: list[Piece]) -> Piece:
        """Factors side by side; a sum reaches as far as it can, so only the last may stand open."""
        if len(pieces) == 1:
            return pieces[0]
        if not pieces:
            return Piece("1")
        shown = [self.closed(piece) if piece.kind in ("sum", "fraction") else piece.text for piece in pieces[:-1]]
        last = pieces[-1]
        shown.append(self.closed(last) if last.kind == "fraction" else last.text)
        return Piece(" ".join(shown), "product")

    def fraction(self, above: Piece, below: Piece) -> Piece:
        """A quotient."""
        # One sum over the stroke is read as the whole numerator; with further sums it could be read otherwise.
        plain = above.kind == "atom" or above.text.count("Σ") == (above.kind == "sum")
        top = above.text if plain and above.kind != "fraction" else self.closed(above)
        bottom = below.text if below.kind in ("atom", "sum") else self.closed(below)
        return Piece(f"{top} / {bottom}", "fraction")

    def closed(self, piece: Piece) -> str:
        """The piece in parentheses."""
        return f"({piece.text})"


class Latex(Text):
    """LaTeX, without dollar signs; each node as `mark` wraps it, where that is given."""

    for_any = r",\quad \text{for any } "
    where = r",\quad \text{where } "
    times = r"\cdot"

    def __init__(self, mark: Mark | None = None) -> None:
        self.mark = mark

    def name(self, name: Name, copies: int = 0) -> str:
        word = _italic(name)
        return (word if self.mark is None else self.mark(name, word)) + "'" * copies

    def letter(self, word: str, copies: int = 0) -> str:
        return _italic(word) + "'" * copies

    def compared(self, outcome: Outcome) -> str:
        sign = {"<=": r"\le", ">=": r"\ge"}.get(outcome.op, outcome.op)
        value = outcome.value
        shown = rf"\text{{{_escaped(value)}}}" if isinstance(value, str) else format_level(value or 0.0)
        return f"{self.name(outcome.name)} {sign} {shown}"

    def words(self, words: str) -> str:
        return rf"\text{{{_escaped(words)}}}"

    def conditional(self, letter: str, inside: str, given: str) -> str:
        left, right = "[]" if letter == "E" else "()"
        bar = r" \mid " if given else ""
        return f"{letter}{left}{inside}{bar}{given}{right}"

    def number_of(self, word: str, name: str, law: Piece, level: float | None) -> Piece:
        behind = "" if level is None or word == "Median" else rf",\ {format_level(level)}"
        return Piece(rf"\mathrm{{{word}}}\left[{name} \sim {law.text}{behind}\right]")

    def braced(self, names: Iterable[Name]) -> str:
        return rf"\{{{', '.join(map(self.name, names))}\}}"

    def surgery(self, names: str) -> str:
        return rf"\mathrm{{do}}({names})"

    def sum(self, over: str, body: Piece) -> Piece:
        return Piece(rf"\sum_{{{over}}} {body.text}", "sum")

    def fraction(self, above: Piece, below: Piece) -> Piece:
        return Piece(rf"\frac{{{above.text}}}{{{below.text}}}")

    def closed(self, piece: Piece) -> str:
        return rf"\left({piece.text}\right)"


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    " ": r"\ ",
    **{sign: f"\\{sign}" for sign in "_{}$&#%"},
}


def _italic(name: Name) -> str:
    if re.fullmatch(r"[A-Za-z]", name):
        return name
    # Mathematics has no accents, and a hyphen would be a minus.
    return rf"\{'mathit' if name.isascii() and '-' not in name else 'textit'}{{{_escaped(name)}}}"


def _escaped(words: str) -> str:
    if not words.isascii():
        from latentdo.sheet import latex  # a formula of plain names does not pay for it

        return latex.escaped(words)
    return "".join(_SPECIAL.get(sign, sign) for sign in visible(words))

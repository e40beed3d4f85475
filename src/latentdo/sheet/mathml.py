"""A formula in LaTeX as MathML, which browsers and notebooks typeset without a script: the commands that formulas are made of."""

from __future__ import annotations

import re
from html import escape

from .latex import greek_commands

_TOKENS = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\s+|.", re.DOTALL)
_SIGNS = {
    r"\mid": "∣", r"\le": "≤", r"\ge": "≥", r"\sim": "∼", r"\cdot": "·", r"\to": "→", r"\colon": ":", r"\infty": "∞",
    r"\times": "×", r"\{": "{", r"\}": "}", r"\sum": "∑", "-": "−",
}  # fmt: skip
_SPACES = {r"\quad": "1em", r"\ ": "0.3em", r"\,": "0.2em", r"\;": "0.3em"}
_WORDS = {r"\text": "mtext", r"\textrm": "mtext", r"\mathrm": "mi", r"\mathit": "mi", r"\textit": "mi"}
_ITALIC = ' style="font-style:italic"'
_WITHIN = {
    r"\textbackslash": "\\", r"\textasciicircum": "^", r"\textasciitilde": "~", r"\textless": "<", r"\textgreater": ">",
    r"\textbar": "|", r"\textquotedbl": '"', **greek_commands(),
}  # fmt: skip
_WIDE = {r"\mid": ' lspace="0.35em" rspace="0.35em"', r"\colon": ' lspace="0" rspace="0.3em"'}


class NotTypeset(Exception):
    """The LaTeX has something that is not typeset here."""


def mathml(latex: str, plain: str) -> str:
    """The formula as a piece of HTML.

    Args:
        plain: The same as text, for who cannot see it or copies it.

    Raises:
        NotTypeset: A command that is not known.
    """
    reader = _Reader(latex)
    body = reader.row("")
    return f'<math displaystyle="true" alttext="{escape(plain)}">{body}</math>'


class _Reader:
    """Reads LaTeX token by token."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKENS.findall(latex)
        self.at = 0

    def next(self) -> str:
        """The next token that is no blank; empty at the end."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def row(self, closing: str) -> str:
        """What stands before the closing brace, or the end, as one row."""
        pieces: list[str] = []
        while (token := self.next()) != closing:
            if not token or token == "}":
                raise NotTypeset("braces do not pair")
            if token == "'" and pieces:
                primes = 1
                while self.at < len(self.tokens) and self.tokens[self.at] == "'":
                    self.at += 1
                    primes += 1
                pieces.append(f"<msup>{pieces.pop()}<mo>{'′' * primes}</mo></msup>")
            elif token in "_^" and pieces:
                base, below = pieces.pop(), self.argument()
                tag = "munder" if "∑" in base else "msub" if token == "_" else "msup"
                pieces.append(f"<{tag}>{base}{below}</{tag}>")
            else:
                pieces.append(self.piece(token))
        return f"<mrow>{''.join(pieces)}</mrow>"

    def argument(self) -> str:
        """A group in braces, or one token."""
        token = self.next()
        return self.row("}") if token == "{" else self.piece(token)

    def piece(self, token: str) -> str:
        """One token with its arguments."""
        if token in (r"\left", r"\right"):
            token = self.next()
        if token == r"\frac":
            return f"<mfrac>{self.argument()}{self.argument()}</mfrac>"
        if token == r"\mathbb":
            return f"<mi>{'𝔼' if self.words() == 'E' else ''}</mi>"
        if token in _WORDS:
            tag = _WORDS[token]
            # Blanks at the ends of words would be lost.
            words = escape(self.words()).replace(" ", "\N{NO-BREAK SPACE}")
            return f"<{tag}{_ITALIC if token.endswith('it') else ''}>{words}</{tag}>"
        if token in _SPACES:
            return f'<mspace width="{_SPACES[token]}"></mspace>'
        if token == r"\sum":
            return '<mo largeop="true" movablelimits="false">∑</mo>'
        if token in _SIGNS:
            return f"<mo{_WIDE.get(token, '')}>{_SIGNS[token]}</mo>"
        if token == "{":
            return self.row("}")
        if token.startswith("\\"):
            raise NotTypeset(token)
        if token[:1].isdigit():
            return f"<mn>{token}</mn>"
        return f"<mi>{escape(token)}</mi>" if token.isalpha() else f'<mo stretchy="false">{escape(token)}</mo>'

    def words(self) -> str:
        """The group in braces that follows as text, its escapes undone."""
        if self.next() != "{":
            raise NotTypeset("a command without its argument")
        found: list[str] = []
        while self.at < len(self.tokens) and (token := self.tokens[self.at]) != "}":
            self.at += 1
            if token in _WITHIN:
                found.append(_WITHIN[token])
                # {} ends the command's name.
                self.at += 2 if self.tokens[self.at : self.at + 2] == ["{", "}"] else 0
            elif token == "$":
                continue  # a Greek letter stands between two
            elif token in ("{",) or (token.startswith("\\") and token[1:].isalpha()):
                raise NotTypeset(token)
            else:
                found.append(token[1:] if token.startswith("\\") else token)
        if self.at >= len(self.tokens):
            raise NotTypeset("a brace is missing")
        self.at += 1
        return "".join(found)

"""Options that several commands share, as annotations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from cyclopts import Parameter, Token

from latentdo.errors import UsageError


def _whole(_: object, tokens: Sequence[Token]) -> int:
    """Digits alone: `int` as cyclopts reads it rounds 1.5, and a seed or a count is never meant so."""
    text = tokens[0].value.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        raise ValueError(f"expected a whole number, got {text!r}")
    return int(text)


Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
"""On or off, without a `--no-…`."""

Source = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A text, a path, or `-` for standard input."""

Output = Annotated[str | None, Parameter(name=["-o", "--output"])]

Whole = Annotated[int, Parameter(converter=_whole)]
WholeOrNone = Annotated[int | None, Parameter(converter=_whole)]

EngineChoice = Literal["auto", "nuts", "svi", "laplace", "map"]
GuideChoice = Literal["full-rank", "low-rank", "amortised"]

Names = Annotated[list[str] | None, Parameter(negative=())]


def name_groups(option: str, given: list[str] | None) -> list[tuple[str, ...]] | None:
    """Each text as the names that it joins with commas; a name that holds a comma stands in backticks."""
    if given is None:
        return None
    groups = []
    for text in given:
        names = tuple(name.strip() for name in _split(text))
        if not all(names):
            raise UsageError(f"{option} {text!r}: expected a node, or several with commas between them.")
        groups.append(names)
    return groups


def _split(text: str) -> list[str]:
    pieces, quoted = [""], False
    for char in text:
        if char == "`":
            quoted = not quoted
        elif char == "," and not quoted:
            pieces.append("")
        else:
            pieces[-1] += char
    return pieces

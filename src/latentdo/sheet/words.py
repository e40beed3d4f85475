"""Words and numbers as they are printed anywhere: rounding, lists, folding, and characters that must not reach a terminal."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterable

from latentdo.errors import visible

WIDTH = 120
"""Characters of a line where there is no terminal that has a width."""
LABEL = 44
"""Characters of a label, beyond which its sentence stands below it."""
LEAST_PROSE = 34
"""Characters of a line that prose has at least; with less room it stands below what it belongs to."""

__all__ = [
    "counted",
    "duration",
    "folded",
    "hanging",
    "in_braces",
    "listed",
    "number",
    "percent",
    "terminal_width",
    "through_infinity",
    "visible",
]


def number(value: float, spread: float) -> str:
    """A number with as many digits as its spread gives meaning: two of the spread."""
    if not math.isfinite(value):
        return str(value)
    # Without a spread, or with one that is rounding, six digits; z, so that nothing is printed as -0.00.
    if not math.isfinite(spread) or abs(spread) <= 1e-12 * abs(value):
        return f"{value:z.6g}"
    decimals = 1 - math.floor(math.log10(abs(spread))) if spread else 0
    if decimals < 12 and abs(value) < 1e12:
        return f"{value:z.{max(0, decimals)}f}"
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(15, max(2, size + decimals + 1))}g}"


def through_infinity(gap: tuple[float, float], spread: float) -> str:
    """An interval that goes through infinity, of which the gap is the numbers that it does not hold."""
    low, high = (number(end, spread) for end in gap)
    return f"{high} to ∞, and −∞ to {low}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """A list in a sentence: `A, B and C`.

    Args:
        last: The word before the last one; empty for commas alone.
    """
    shown = list(words)
    if len(shown) < 2 or not last:
        return ", ".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def in_braces(words: Iterable[str]) -> str:
    """A set: `{A, B}`."""
    return "{" + ", ".join(words) + "}"


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number of things: `1 row`, `2,000 rows`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    """A share in per cent: `90 %`."""
    return f"{100 * share:.3g} %"


def duration(seconds: float | None) -> str:
    """A time in the unit that makes it short: `0.024 s`, `12.3 s`, `4.5 min`, `1.2 h`; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def terminal_width() -> int:
    """Characters of a line: what COLUMNS says, or those of the terminal that is written to; 120 where there is neither."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        # The terminal that a notebook or a pipe was started from is not where the text is read.
        return WIDTH
    import shutil  # with all that compresses: a verdict that prints a list does not pay for it

    return shutil.get_terminal_size((WIDTH, 24)).columns


def folded(words: str, width: int) -> list[str]:
    """The words in lines, one at least; a number stays with its unit or its name."""
    from textwrap import wrap  # with patterns of its own: what is printed as it is does not pay for them

    # wrap() takes a no-break space for a letter.
    glued = re.sub(
        r"(?<=\d) (?=(?:s|sd|%)(?!\w))|(?:(?<=R-hat)|(?<=MCSE)|(?<=ESS)) (?=\d)", "\N{NO-BREAK SPACE}", words
    )
    lines = wrap(glued, max(1, width), break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] or [""]


def hanging(label: str, words: str, width: int) -> list[str]:
    """A sentence behind a label, in lines that are indented to where it begins; below a label that is too long."""
    if len(label) > min(LABEL, width // 3) + 4:
        first, *rest = folded(label.strip(), width - 4)
        margin = label[: len(label) - len(label.lstrip())]
        return [
            margin + first,
            *(f"{margin}  {line}" for line in rest),
            *(f"    {line}" for line in folded(words, width - 4)),
        ]
    pieces = folded(words, max(LEAST_PROSE, width - len(label)))
    return [(label if k == 0 else " " * len(label)) + piece for k, piece in enumerate(pieces)]

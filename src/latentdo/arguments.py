"""What callers hand in, checked once and in one style: each check returns the value, or raises the error that its caller names.

Standard library only. NumPy's numbers and truth values are told by their protocols.
"""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from .errors import LatentdoError, SpecError, nearest

MAX_SEED = 2**32 - 1

Raised = Callable[[str], LatentdoError]
"""An error class, or whatever else makes an error of a message."""


def shown(value: Any) -> str:
    """What somebody passed, short enough for a message."""
    try:
        return reprlib.repr(value)
    except ValueError:  # a whole number of more than 4,300 digits has no text
        return f"something of type {type(value).__name__}"


def is_flag(value: Any) -> bool:
    """Whether it is a truth value, of Python or of NumPy."""
    # A NumPy boolean is called "bool", and "bool_" before NumPy 2.
    return type(value).__name__ in ("bool", "bool_")


def is_number(value: Any) -> bool:
    """Whether it is a real number, of whatever library; a truth value is none."""
    return isinstance(value, Real) and not is_flag(value)


def is_whole(value: Any) -> bool:
    """Whether it is an integer, of whatever library; a truth value is none, and neither is 3.0."""
    return _index(value) is not None


def flag(what: str, value: Any, error: Raised) -> bool:
    """True or False. A text such as "no" would count as true, and is refused like every other value."""
    if not is_flag(value):
        raise error(f"{what} is True or False, got {shown(value)}.")
    return bool(value)


def whole(what: str, value: Any, error: Raised, *, least: int = 1, most: int | None = None, repair: str = "") -> int:
    """The value as an integer within bounds, both of them allowed.

    Args:
        what: What the message calls it: `draws`.
        error: Makes the error of the message.
        repair: A sentence that ends the message.
    """
    number = _index(value)
    if number is not None and least <= number and (most is None or number <= most):
        return number
    span = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"
    if not repair and number is None and _is_finite(value) and value == int(value):
        meant = int(value)
        repair = f"Write {meant}." if least <= meant and (most is None or meant <= most) else ""
    raise error(_sentence(f"{what} is a whole number {span}, got {shown(value)}.", repair))


def number(
    what: str,
    value: Any,
    error: Raised,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    repair: str = "",
) -> float:
    """The value as a finite float within bounds: `least` and `most` are allowed themselves, `above` and `below` are not."""
    fits = (
        _is_finite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    )
    if fits:
        return float(value)
    if (above, below, least, most) == (0, 1, None, None):
        raise error(_sentence(f"{what} lies between 0 and 1, got {shown(value)}.", repair))
    limits = [
        f"{word} {bound:g}"
        for word, bound in (("of at least", least), ("above", above), ("at most", most), ("below", below))
        if bound is not None
    ]
    kind = f"a number {' and '.join(limits)}" if limits else "a finite number"
    raise error(_sentence(f"{what} is {kind}, got {shown(value)}.", repair))


def level(value: Any, error: Raised, what: str = "The level of an interval") -> float:
    """The probability of an interval."""
    return number(what, value, error, above=0, below=1, repair="Write 0.9 for 90 %.")


def seed(value: Any, error: Raised = SpecError) -> int:
    """The seed as an integer."""
    found = _index(value)
    if found is None or not 0 <= found <= MAX_SEED:
        raise error(f"A seed is a whole number from 0 to {MAX_SEED}, got {shown(value)}.")
    return found


def choice(what: str, value: Any, known: Iterable[str], error: Raised) -> str:
    """The value, which is one of the known names: `No guide is called 'ful-rank'. Did you mean 'full-rank'?`"""
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    raise error(f"No {what} is called {shown(value)}. {nearest(str(value), names)}")


def names(what: str, value: Any, error: Raised, repair: str = "", *, lone: bool = False) -> tuple[str, ...]:
    """The names of nodes in a list, a tuple, a set, an array or a Series, as a tuple.

    Args:
        lone: Whether a text is one name.
    """
    if isinstance(value, str) and lone:
        return (str(value),)
    if isinstance(value, str) or not isinstance(value, Iterable):
        repair = repair or ("Leave it out for none." if value is None else "")
        raise error(_sentence(f"{what} takes names of nodes, such as ['M'], got {shown(value)}.", repair))
    given = list(value)
    for name in given:
        if not isinstance(name, str):
            raise error(_sentence(f"{what} takes names of nodes, such as ['M'], and {shown(name)} is no name.", repair))
    # A NumPy text prints otherwise than Python's.
    return tuple(map(str, given))


def _is_finite(value: Any) -> bool:
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:  # a whole number beyond float64
        return False


def _index(value: Any) -> int | None:
    if is_flag(value):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _sentence(message: str, repair: str) -> str:
    return f"{message} {repair}" if repair else message

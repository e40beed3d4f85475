"""Checks of what users hand in: whole numbers, numbers, names; each error says which option, which value, and what else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, SupportsIndex

import numpy as np

from latentdo.errors import QueryError
from latentdo.graphs import Name


def whole_number(option: str, value: Any, least: int, repair: str) -> int:
    """The value as an int.

    Raises:
        QueryError: It is no whole number, or below the least.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, SupportsIndex) or value.__index__() < least:
        raise QueryError(f"{option} takes a whole number of at least {least}, got {value!r}. {repair}")
    return value.__index__()


def number(option: str, value: Any, above: float, below: float, repair: str, *, closed: bool = False) -> float:
    """The value as a float that lies between two others, the lower one allowed where the range is closed.

    Raises:
        QueryError: It is no number, or out of range.
    """
    fits = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not fits or not (above < value < below or (closed and value == above)):
        edge = f"of at least {above:g}" if closed else f"above {above:g}"
        upper = f" and below {below:g}" if math.isfinite(below) else ""
        raise QueryError(f"{option} takes a number {edge}{upper}, got {value!r}. {repair}")
    return float(value)


def checked_names(option: str, value: Any, repair: str) -> tuple[Name, ...]:
    """The names in a list, a tuple, a set, an array or a Series, each once.

    Raises:
        QueryError: It is a text, or holds something else than texts.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise QueryError(f"{option} takes names of nodes in a list, got {value!r}. {repair}")
    found = list(value)
    for name in found:
        if not isinstance(name, str):
            raise QueryError(f"{option} takes names of nodes in a list, and {name!r} is no name. {repair}")
    # np.str_ prints otherwise than str.
    return tuple(dict.fromkeys(str(name) for name in found))

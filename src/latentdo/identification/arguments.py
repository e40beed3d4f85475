"""What callers pass to the verbs, checked once to be of the kind that the verb takes."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, SupportsIndex

from latentdo.errors import QueryError
from latentdo.graphs import Name


def shown(thing: Any) -> str:
    """What somebody passed, short enough for a message."""
    try:
        return reprlib.repr(thing)
    except ValueError:  # a whole number of more than 4,300 digits has no text
        return f"something of type {type(thing).__name__}"


def names_of(names: Any, what: str) -> tuple[Name, ...]:
    """The names as a tuple, a lone text being one name; `what` says who takes them.

    Raises:
        QueryError: Something else than names.
    """
    if isinstance(names, str):
        return (names,)
    if not isinstance(names, Iterable):
        raise QueryError(f"{what} takes names of nodes, such as ['M'], got {shown(names)}. Leave it out for none.")
    found: list[Any] = list(names)
    for name in found:
        if not isinstance(name, str):
            raise QueryError(f"{what} takes names of nodes, such as ['M'], and {shown(name)} is no name.")
    return tuple(found)


def functions_of(functional: Any) -> dict[Name, tuple[Name, ...]]:
    """What `functional` says: each node, and the parents that determine it; none stands for all of them.

    Raises:
        QueryError: Neither names nor a mapping from names to names.
    """
    what = "`functional`, nodes that are functions of their parents,"
    if not isinstance(functional, Mapping):
        return dict.fromkeys(names_of(functional, what), ())
    stated: Mapping[Any, Any] = functional
    for parents in stated.values():
        if not isinstance(parents, Iterable):
            raise QueryError(
                f"{what} takes the parents of each as names, such as {{'M': ['X']}}, got {shown(parents)}. "
                "For all parents give the names of the nodes alone: ['M']."
            )
    nodes = names_of(stated, what)
    return {node: names_of(stated[node], f"{what} of {node!r}") for node in nodes}


def whole_number(value: Any, what: str) -> int:
    """A whole number from 1 upwards.

    Raises:
        QueryError: Anything else.
    """
    if isinstance(value, bool) or not isinstance(value, SupportsIndex) or value.__index__() < 1:
        raise QueryError(f"{what} is a whole number from 1 upwards, got {shown(value)}.")
    return value.__index__()


def is_number(value: Any) -> bool:
    """Whether it is a real number, of whatever library; a truth value is none."""
    return isinstance(value, Real) and not isinstance(value, bool)

"""Nodes with finitely many values: levels as they are typed, the numbers that stand for them, and their arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from latentdo.errors import DataError, SpecError, SupportError, nearest
from latentdo.graphs import Name, format_level

from .arithmetic import Arithmetic, Array
from .column import ColumnSummary
from .family import Level
from .prior import plain

MAX_LEVELS = 1_000
"""Of one node: beyond this a column is an identifier or a measurement, not a class."""


def points_of(levels: Sequence[Level]) -> tuple[float, ...]:
    """The numbers that stand for the levels in columns: numeric levels for themselves, named ones counted from 0."""
    if named(levels):
        return tuple(float(k) for k in range(len(levels)))
    return tuple(float(level) for level in levels)


def named(levels: Sequence[Level]) -> bool:
    """Whether the levels are names, so that they have no mean."""
    return any(isinstance(level, str) for level in levels)


def settled(levels: Sequence[Level], node: Name) -> tuple[Level, ...]:
    """The levels in their order: numbers ascending, names as given.

    Raises:
        SpecError: Fewer than two levels, too many, equal ones, or names beside numbers.
    """
    if len({isinstance(level, str) for level in levels}) > 1:
        numeric = next(level for level in levels if not isinstance(level, str))
        raise SpecError(
            f"The levels of {node} mix names and numbers. Put the numbers in quotes, '{plain(float(numeric))}', or use "
            "numbers only.",
            node=node,
        )
    found = tuple(levels) if named(levels) else tuple(sorted(float(level) for level in levels))
    if len(set(found)) < len(found):
        raise SpecError(f"The levels of {node} name a level twice. Keep one.", node=node)
    if not 2 <= len(found) <= MAX_LEVELS:
        raise SpecError(
            f"{node} has {len(found)} level{'s' if len(found) != 1 else ''}; a node with levels has 2 to {MAX_LEVELS}.",
            node=node,
        )
    return found


def stated(value: object, node: Name) -> tuple[Level, ...]:
    """The levels of an option `levels=[a, b, c]`, settled.

    Raises:
        SpecError: It is no list of levels that a node can have.
    """
    if not isinstance(value, tuple):
        raise SpecError(f"levels of {node} is a list: levels=[a, b, c].", node=node)
    return settled(value, node)


def typed(levels: Sequence[Level]) -> str:
    """The levels as they are typed: `[low, high]`."""
    return f"[{', '.join(map(format_level, levels))}]"


def listed(levels: Sequence[Level], most: int = 8) -> str:
    """The levels for a message."""
    shown = ", ".join(map(format_level, levels[:most]))
    return shown + (f", … ({len(levels)} in all)" if len(levels) > most else "")


def check_levels(column: ColumnSummary, levels: Sequence[Level], family: str) -> None:
    """Raise `DataError` unless every value of the column stands for a level."""
    points = points_of(levels)
    if not levels:
        return
    unknown = [value for value in column.values if value not in points]
    if unknown or not points[0] <= column.minimum <= column.maximum <= points[-1] or column.n_distinct > len(points):
        seen = f"{plain(unknown[0])}" if unknown else f"{plain(column.minimum)} to {plain(column.maximum)}"
        raise DataError(
            f"Column {column.name} is declared {family} with the levels {listed(levels)}, but it has {seen}. Add it to "
            "levels=[…], or recode the column.",
            column=column.name,
        )


def point(node: Name, value: Level, levels: Sequence[Level], family: str) -> float:
    """The number that stands for a level; raises `SupportError` for one that the node does not have."""
    if not levels:
        # Before data are seen nothing can be said but that names have no numbers yet.
        return 0.0 if isinstance(value, str) else float(value)
    if value not in levels:
        repair = nearest(value, [str(level) for level in levels]) if isinstance(value, str) and named(levels) else ""
        raise SupportError(
            node, f"{node} is {family} with the levels {listed(levels)}, not {format_level(value)}. {repair}".rstrip()
        )
    return points_of(levels)[list(levels).index(value)]


def selected(m: Arithmetic, points: Sequence[float], y: Array, logs: Sequence[Array]) -> Array:
    """Of each level's log probability the one of the level that `y` is."""
    total = m.np.where(y == points[0], logs[0], 0.0)
    for at, log in zip(points[1:], logs[1:], strict=True):
        total = total + m.np.where(y == at, log, 0.0)
    return total


def quantile(m: Arithmetic, points: Sequence[float], uniform: Array, chances: Sequence[Array]) -> Array:
    """The level at the quantile `uniform`: the first whose cumulative probability reaches it."""
    reached = chances[0]
    value = points[0] + 0.0 * (uniform + reached)
    for before, at, chance in zip(points[:-1], points[1:], chances[1:], strict=True):
        value = value + (at - before) * (uniform > reached)
        reached = reached + chance
    return value


def expected(points: Sequence[float], chances: Sequence[Array]) -> Array:
    """The mean of the numbers that stand for the levels."""
    total = points[0] * chances[0]
    for at, chance in zip(points[1:], chances[1:], strict=True):
        total = total + at * chance
    return total


def below(m: Arithmetic, points: Sequence[float], y: Array, chances: Sequence[Array]) -> Array:
    """P(value <= y)."""
    total = m.np.where(y >= points[0], chances[0], 0.0)
    for at, chance in zip(points[1:], chances[1:], strict=True):
        total = total + m.np.where(y >= at, chance, 0.0)
    return m.np.minimum(total, 1.0)


def spread(points: Sequence[float], chances: Sequence[Array]) -> Array:
    """The variance of the numbers that stand for the levels."""
    middle = expected(points, chances)
    total = (points[0] - middle) ** 2 * chances[0]
    for at, chance in zip(points[1:], chances[1:], strict=True):
        total = total + (at - middle) ** 2 * chance
    return total

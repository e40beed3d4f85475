"""A table, or an exact law, as frequencies of levels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from latentdo import arguments
from latentdo.errors import DataError, QueryError
from latentdo.graphs import Name, quote
from latentdo.query import Outcome, Value
from latentdo.tables import Dataset

from .districts import Plan
from .frequencies import Frequencies, Levels, cut_codes

MOST_LEVELS = 20
"""Levels of a column beyond which it counts as a number."""


def frequencies_of(data: Dataset, plan: Plan, ordered: Collection[Name] = ()) -> Frequencies:
    """The levels of the columns that the bounds need.

    Args:
        ordered: The columns of names whose levels are in an order that someone stated.

    Raises:
        DataError: A column has too many values for levels, or missing cells that may not be any level.
    """
    labels = dict(data.levels)
    levels: dict[Name, Levels] = {}
    codes = []
    kept = data.weights > 0
    for name in plan.needed:
        gaps = data.missing(name)[kept]
        is_open = bool(gaps.any())
        if is_open:
            _check_open(plan, name)
        values = data.column(name)[kept][~gaps]
        if name not in labels and len(np.unique(values)) > MOST_LEVELS:
            cuts = _cuts(plan, name, len(np.unique(values)))
            places, patterns = cut_codes(values, cuts)
            levels[name] = Levels(name, patterns, cuts, is_open=is_open)
        else:
            found, places = np.unique(values, return_inverse=True)
            named = labels.get(name)
            written: tuple[Value, ...] = tuple(named[int(k)] for k in found) if named else tuple(map(float, found))
            levels[name] = Levels(name, written, ordered=name in ordered, is_open=is_open)
        own = np.full(len(gaps), levels[name].count - 1, dtype=np.intp)
        own[~gaps] = places
        codes.append(own)
    stacked = np.stack(codes, axis=1) if codes else np.zeros((int(kept.sum()), 0), np.intp)
    return Frequencies.of(levels, stacked, data.weights[kept], data.n_rows)


def _is_last(plan: Plan, name: Name) -> bool:
    """Whether nothing else that counts depends on a node: no node that is needed, and no term that sets it."""
    children = plan.masks.children[plan.masks.index[name]] & plan.masks.mask(plan.needed)
    return not children and not any(name in term.treatments for term in plan.terms)


def _check_open(plan: Plan, name: Name) -> None:
    """Refuse missing cells of a node that is no outcome alone: what they may be would matter to others.

    Raises:
        DataError: It is none.
    """
    if not _is_last(plan, name) or any(name in term.conditions for term in plan.terms):
        raise DataError(
            f"Column {name!r} has missing cells. Those of an outcome may be any level, and {quote(name)} is set, given, or a "
            'cause of other columns that count. Leave out the rows, missing="drop", or give the cells a level of their own.',
            column=name,
        )


def _cuts(plan: Plan, name: Name, count: int) -> tuple[Outcome, ...]:
    """Where a column of numbers is cut: at the values that the question compares it with, if nothing else needs more of it.

    Raises:
        DataError: Something does.
    """
    cuts: list[Outcome] = []
    is_mean = False
    for term in plan.terms:
        is_mean = is_mean or (term.kind == "mean" and term.outcome_names == (name,))
        cuts += [each for each in (*term.outcomes, *term.given) if each.name == name and each.op not in ("", "=")]
    if cuts and not is_mean and _is_last(plan, name):
        return tuple(dict.fromkeys(cuts))
    asked = f"P({quote(name)} > 1 | …)"
    repair = (
        f"Ask for the probability of an event, {asked}, which cuts it in two, or"
        if is_mean and _is_last(plan, name)
        else "Bounds are those of levels:"
    )
    raise DataError(
        f"Column {name!r} has {count} values, and bounds are found for at most {MOST_LEVELS} levels. {repair} cut it into a few "
        f"levels first: table[{name!r}] = (table[{name!r}] > 1).astype(int).",
        column=name,
    )


def frequencies_in(
    joint: Any, names: Sequence[Name], levels: Mapping[Name, Sequence[Value | None]], plan: Plan
) -> Frequencies:
    """The cells of an exact law, as rows whose weights are probabilities.

    Args:
        joint: An array with an axis per name, of probabilities that sum to one.
        levels: What the levels of a node are called; 0, 1, … unless given. A last one of None are missing cells.

    Raises:
        DataError: It is no such array, or lacks a node.
    """
    axes = arguments.names("`names`, the axes of the joint,", names, QueryError, lone=True)
    table = np.asarray(joint, dtype=float)
    if table.ndim != len(axes) or len(set(axes)) < len(axes):
        raise DataError(f"The joint has {table.ndim} axes, and names= gives {len(axes)}: one name per axis, each once.")
    if not np.isfinite(table).all() or (table < 0).any() or not abs(table.sum() - 1) <= 1e-6:
        raise DataError(
            "The joint holds what are no probabilities, or they do not sum to 1: each cell at least 0, all together 1."
        )
    for name in plan.needed:
        if name not in axes:
            raise DataError(f"The joint has no axis for {name!r}. The bounds need {', '.join(plan.needed)}.", name)
    made: dict[Name, Levels] = {}
    for name in plan.needed:
        size = table.shape[axes.index(name)]
        written = tuple(levels.get(name, tuple(map(float, range(size)))))
        if len(written) != size:
            raise DataError(f"levels= gives {name!r} {len(written)} levels, and its axis has {size}.", name)
        known = tuple(value for value in written if value is not None)
        if len(known) < size:
            if written[: len(known)] != known or len(known) != size - 1 or not known:
                raise DataError(f"levels= of {name!r} may have one None, missing cells, behind its levels.", name)
            _check_open(plan, name)
        made[name] = Levels(name, known, ordered=True, is_open=len(known) < size)
    rest = tuple(k for k, name in enumerate(axes) if name not in plan.needed)
    small = table.sum(axis=rest)
    order = [name for name in axes if name in plan.needed]
    small = small.transpose([order.index(name) for name in plan.needed])
    cells = np.argwhere(small > 0)
    return Frequencies.of(made, cells, small[small > 0], None)

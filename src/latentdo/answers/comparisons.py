"""What the comparisons of a question say of a node: numbers that stand for levels, the interval that is left, the opposite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.query import Comparison, Outcome, Value

Comparisons = tuple[Outcome, ...]


def number_of(spec: ModelSpec, name: Name, value: float | str) -> float:
    """The number that stands for a value in columns."""
    return spec[name].family.check_value(name, value) if isinstance(value, str) else float(value)


def limit_of(spec: ModelSpec, item: Outcome) -> float:
    """The value of a comparison as the number that stands for it in columns."""
    assert item.value is not None
    return number_of(spec, item.name, item.value)


def by_node(spec: ModelSpec, items: Iterable[Outcome]) -> dict[Name, Comparisons]:
    """The comparisons of each node, levels as numbers; what is not compared is left out."""
    return by_name(replace(item, value=limit_of(spec, item)) for item in items if item.op)


def by_name(items: Iterable[Outcome]) -> dict[Name, Comparisons]:
    """The comparisons of each node."""
    found: dict[Name, Comparisons] = {}
    for item in items:
        found[item.name] = (*found.get(item.name, ()), item)
    return found


def limits(items: Iterable[Outcome]) -> tuple[float, float]:
    """The ends of the interval that inequalities leave; the lower lies above the upper where they leave nothing."""
    low, high = -math.inf, math.inf
    for item in items:
        limit = float(item.value)  # type: ignore[arg-type]
        if item.op in (">", ">=", "="):
            low = max(low, limit)
        if item.op in ("<", "<=", "="):
            high = min(high, limit)
    return low, high


def holds(items: Iterable[Outcome], values: Any) -> Any:
    """Whether each value satisfies all comparisons."""
    found = np.ones(np.shape(values), dtype=bool)
    for item in items:
        limit = float(item.value)  # type: ignore[arg-type]
        match item.op:
            case "<":
                found = found & (values < limit)
            case ">":
                found = found & (values > limit)
            case "<=":
                found = found & (values <= limit)
            case ">=":
                found = found & (values >= limit)
            case _:
                found = found & (values == limit)
    return found


_OPPOSITE: Mapping[str, Comparison] = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}


def complement(items: Sequence[Outcome], levels: Mapping[Name, Sequence[Value]]) -> list[tuple[Outcome, ...]]:
    """Disjoint events that hold, one of them, exactly where not all comparisons do.

    Args:
        levels: Of nodes with finitely many values these values; of a node with any other values "=" leaves what lies below and
            what lies above.
    """
    found = []
    for k, item in enumerate(items):
        if item.op == "=" and item.name in levels:
            others = [replace(item, value=level) for level in levels[item.name] if level != item.value]
        elif item.op == "=":
            others = [replace(item, op="<"), replace(item, op=">")]
        else:
            others = [replace(item, op=_OPPOSITE[item.op])]
        found += [(*items[:k], other) for other in others]
    return found

"""What the comparisons of a question say of a node: numbers that stand for levels, and the interval that is left."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.query import Outcome

from ..plan import numbers_of

Comparisons = tuple[Outcome, ...]


def number_of(spec: ModelSpec, item: Outcome) -> float:
    """The value of a comparison as the number that stands for it in columns."""
    (number,) = numbers_of(spec, [item])
    return number


def by_node(spec: ModelSpec, items: Iterable[Outcome]) -> dict[Name, Comparisons]:
    """The comparisons of each node, levels as numbers; what is not compared is left out."""
    found: dict[Name, Comparisons] = {}
    for item in items:
        if item.op:
            found[item.name] = (*found.get(item.name, ()), replace(item, value=number_of(spec, item)))
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

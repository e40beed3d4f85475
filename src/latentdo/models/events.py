"""How likely a node satisfies comparisons with numbers, whatever values it has; and whether values do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from .arithmetic import Arithmetic, Array
from .family import AbstractFamily


def satisfies(op: str, value: Any, limit: Any) -> Any:
    """Whether a value satisfies a comparison."""
    match op:
        case "<":
            return value < limit
        case ">":
            return value > limit
        case "<=":
            return value <= limit
        case ">=":
            return value >= limit
        case _:
            return value == limit


def all_hold(m: Arithmetic, operators: Sequence[str], values: Sequence[Any], limits: Sequence[Any]) -> Array:
    """Whether each value satisfies its comparison, all of them, as 1 and 0."""
    conditions = [satisfies(*each) for each in zip(operators, values, limits, strict=True)]
    return reduce(lambda a, b: a * b, [m.np.where(condition, 1.0, 0.0) for condition in conditions])


def probability(
    family: AbstractFamily,
    m: Arithmetic,
    operators: Sequence[str],
    limits: Sequence[Any],
    eta: Array,
    parameters: Mapping[str, Array],
) -> Array:
    """P(the comparisons hold | parents) of a node with noise; its arithmetic is the family's."""
    if points := family.points:
        chances = zip(points, family.chances(m, eta, parameters), strict=True)
        return sum(chance * all_hold(m, operators, [point] * len(limits), limits) for point, chance in chances)
    np = m.np
    if list(operators) == ["="]:
        # Its own digits, far out too; a count that is no whole number never occurs, nor does a single number of the others.
        (limit,) = limits
        if not family.discrete:
            return 0.0 * eta
        return np.where(limit == np.floor(limit), np.exp(family.log_density(m, limit, eta, parameters)), 0.0)
    least, most = _ends(m, operators, limits, whole=family.discrete)
    if most is None:
        return family.survival(m, least, eta, parameters)
    if least is None:
        return family.cdf(m, most, eta, parameters)
    lower = family.cdf(m, least, eta, parameters)
    # The nearer tail has the digits.
    above = family.survival(m, least, eta, parameters) - family.survival(m, most, eta, parameters)
    found = np.where(lower > 0.5, above, family.cdf(m, most, eta, parameters) - lower)
    return np.maximum(found, 0.0)


def _ends(m: Arithmetic, operators: Sequence[str], limits: Sequence[Any], *, whole: bool) -> tuple[Any, Any]:
    """Above which number and up to which one a node lies; None without an end. Of counts both are whole."""
    np = m.np
    least, most = [], []
    for op, limit in zip(operators, limits, strict=True):
        if op in ("<", "<=", "="):
            most.append(limit if not whole else np.ceil(limit) - 1.0 if op == "<" else np.floor(limit))
        if op in (">", ">=", "="):
            least.append(limit if not whole else np.floor(limit) if op == ">" else np.ceil(limit) - 1.0)
    return reduce(np.maximum, least) if least else None, reduce(np.minimum, most) if most else None

"""The interventional law, computed from a finite observational joint; the one place here that needs NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import DataError, QueryError
from latentdo.graphs import Name
from latentdo.query import Term

from .construct import Formula
from .expression import AbstractExpression, Expression, Prob, Product, Quotient, Sum, parts

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Law:
    """A conditional law as a table.

    Attributes:
        values: One axis per name; sums to one over the outcomes, NaN where P does not say (0/0).
        names: The axes: treatments, outcomes, conditions.
    """

    values: np.ndarray[Any, Any]
    names: tuple[Name, ...]


def evaluate(term: Term, formula: Formula, joint: Any, names: Sequence[Name]) -> Law:
    """P(outcomes | do(treatments), conditions) for every value of each, comparisons in the term set aside.

    Where a probability is zero, what is multiplied by it counts for nothing, even if it is undefined.

    Raises:
        DataError: The joint is no probability table over `names`, or a node is not among them.
        QueryError: `names` are no names.
    """
    import numpy as np

    axes = term.treatments + term.outcome_names + term.conditions
    names = arguments.names("`names`, the axes of the joint,", names, QueryError, lone=True)
    table = _checked(np, joint, names)
    needed = set(axes).union(formula.free)
    for part in parts(formula.expression):
        if isinstance(part, Prob):
            needed.update(part.outcomes, part.given)
    if missing := sorted(needed.difference(names)):
        raise DataError(
            f"The joint has no axis for {', '.join(missing)}. The formula needs {', '.join(sorted(needed))}.",
            missing[0],
        )
    axis = {name: i for i, name in enumerate(names)}
    # A 0/0 is an answer here: the observed law does not say.
    with np.errstate(divide="ignore", invalid="ignore"):
        values = tabulate(formula.expression, table, axis)
        if formula.evidence is not None:
            values = _ratio(np, values, tabulate(formula.evidence, table, axis))
        values = _averaged(np, values, table, [axis[name] for name in formula.free])
    shape = [table.shape[i] if name in axes else values.shape[i] for i, name in enumerate(names)]
    values = np.broadcast_to(values, shape)
    rest = [i for i, name in enumerate(names) if name not in axes]
    order = [axis[name] for name in axes]
    return Law(np.transpose(values, order + rest).reshape([table.shape[i] for i in order]).copy(), axes)


def _checked(np: Any, joint: Any, names: tuple[Name, ...]) -> Any:
    # NumPy would drop the imaginary parts with no more than a warning.
    if getattr(getattr(joint, "dtype", None), "kind", "") == "c":
        raise DataError("The joint holds complex numbers. Probabilities are real: give their real parts.")
    try:
        table = np.asarray(joint, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"The joint is not an array of numbers: {error}") from error
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{repeated[0]!r} names two axes of the joint. Name each axis once.", repeated[0])
    if table.ndim != len(names):
        raise DataError(f"The joint has {table.ndim} axes, but {len(names)} names came with it: one per axis.")
    if np.isnan(table).any():
        raise DataError("The joint holds NaN. Every cell needs a probability; an impossible one is 0.")
    if (table < 0).any():
        raise DataError(f"The joint holds {table.min():g}. Probabilities are not negative.")
    if not abs(table.sum() - 1) <= 1e-6:
        raise DataError(f"The joint sums to {table.sum():.8g}. Divide it by its sum, so that it sums to 1.")
    return table


def tabulate(expression: Expression, table: Any, axis: Mapping[Name, int]) -> Any:
    """The value of an expression in P(V), with all axes of the table, of length one where it is constant."""
    import numpy as np

    def margin(names: Sequence[Name]) -> Any:
        keep = {axis[name] for name in names}
        return table.sum(axis=tuple(i for i in range(table.ndim) if i not in keep), keepdims=True)

    return tabulated(
        expression, axis, lambda law: _ratio(np, margin(law.outcomes + law.given), margin(law.given)), table.ndim
    )


def tabulated(expression: AbstractExpression, axis: Mapping[Name, int], law: Callable[[Prob], Any], ndim: int) -> Any:
    """The value of an expression for every value of its free names, with `ndim` axes, of length one where it is constant.

    Args:
        axis: The axis of each name; one that has none has a single value.
        law: The value of a P(…), with all axes.
    """
    import numpy as np

    known: dict[int, Any] = {}

    def product(factors: Sequence[AbstractExpression]) -> Any:
        value = np.ones((1,) * ndim)
        for factor in factors:
            other = known[id(factor)]
            value = np.where((value == 0) | (other == 0), 0.0, value * other)
        return value

    for part in parts(expression):
        match part:
            case Prob():
                known[id(part)] = law(part)
            case Sum(over=over, body=body):
                summed = tuple(axis[name] for name in over if name in axis)
                known[id(part)] = known[id(body)].sum(axis=summed, keepdims=True)
            case Product(factors=factors):
                known[id(part)] = product(factors)
            case Quotient(numerator=numerator, denominator=denominator):
                known[id(part)] = _ratio(np, known[id(numerator)], known[id(denominator)])
            case _:
                raise AssertionError(part)
    return known[id(expression)]


def _ratio(np: Any, above: Any, below: Any) -> Any:
    # Rounding may leave 1e-20 above a zero: that is 0/0 too, not infinity.
    return np.where(below == 0, np.nan, above / below)


def _averaged(np: Any, values: Any, table: Any, free: list[int]) -> Any:
    """The mean, where defined, over the axes that the value does not depend on, weighted by their law."""
    if not free:
        return values
    weights = table.sum(axis=tuple(i for i in range(table.ndim) if i not in free), keepdims=True)
    defined = ~np.isnan(values) & (weights > 0)
    mass = np.where(defined, weights, 0.0).sum(axis=tuple(free), keepdims=True)
    return np.where(defined, values * weights, 0.0).sum(axis=tuple(free), keepdims=True) / mass

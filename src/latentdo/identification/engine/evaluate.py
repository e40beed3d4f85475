"""The interventional law, computed from a finite observational joint, which is an array of NumPy."""

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
from .tables import FLOATS, Numbers

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


def evaluate(
    term: Term,
    formula: Formula,
    joint: Any,
    names: Sequence[Name],
    experiments: Mapping[Name | tuple[Name, ...], tuple[Any, Sequence[Name]]] | None = None,
) -> Law:
    """P(outcomes | do(treatments), conditions) for every value of each, comparisons in the term set aside.

    Where a probability is zero, what is multiplied by it counts for nothing, even if it is undefined.

    Raises:
        DataError: The joint is no probability table over `names`, a node is not among them, or an experiment is missing.
        QueryError: `names` are no names.
    """
    import numpy as np

    axes = term.treatments + term.outcome_names + term.conditions
    names = arguments.names("`names`, the axes of the joint,", names, QueryError, lone=True)
    table = _checked(np, joint, names)
    laws = tuple(formula.laws)
    needed = set(axes).union(formula.free, *(law.outcomes + law.given + law.do for law in laws))
    if missing := sorted(needed.difference(names)):
        raise DataError(
            f"The joint has no axis for {', '.join(missing)}. The formula needs {', '.join(sorted(needed))}.",
            missing[0],
        )
    axis = {name: i for i, name in enumerate(names)}
    used = {law.do for law in laws if law.do}
    tables = {(): table, **_experiments(np, experiments, used, laws, dict(zip(names, table.shape, strict=True)))}
    # A 0/0 is an answer here: the observed law does not say.
    with np.errstate(divide="ignore", invalid="ignore"):
        values = tabulate(formula.expression, tables, axis)
        if formula.evidence is not None:
            values = FLOATS.over(values, tabulate(formula.evidence, tables, axis))
        # What was set in an experiment may be so rare in the observed law that it has no weight there.
        chosen = {axis[name] for do in used for name in do}
        weights = table if not chosen else table.sum(axis=tuple(chosen), keepdims=True)
        values = _averaged(np, values, weights, [axis[name] for name in formula.free])
    shape = [table.shape[i] if name in axes else values.shape[i] for i, name in enumerate(names)]
    values = np.broadcast_to(values, shape)
    rest = [i for i, name in enumerate(names) if name not in axes]
    order = [axis[name] for name in axes]
    return Law(np.transpose(values, order + rest).reshape([table.shape[i] for i in order]).copy(), axes)


def _checked(np: Any, joint: Any, names: tuple[Name, ...], what: str = "The joint", do: tuple[Name, ...] = ()) -> Any:
    """The table as an array; with `do`, one law for each value of these nodes, all NaN where that was never tried."""
    # NumPy would drop the imaginary parts with no more than a warning.
    if getattr(getattr(joint, "dtype", None), "kind", "") == "c":
        raise DataError(f"{what} holds complex numbers. Probabilities are real: give their real parts.")
    try:
        table = np.asarray(joint, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} is not an array of numbers: {error}") from error
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"{repeated[0]!r} names two axes of {what[0].lower()}{what[1:]}. Name each axis once.", repeated[0]
        )
    if table.ndim != len(names):
        raise DataError(f"{what} has {table.ndim} axes, but {len(names)} names came with it: one per axis.")
    rest = tuple(i for i, name in enumerate(names) if name not in do)
    untried = np.isnan(table).all(axis=rest, keepdims=True) if do else False
    if (np.isnan(table) & ~np.asarray(untried)).any() or np.all(untried):
        raise DataError(f"{what} holds NaN. Every cell needs a probability; an impossible one is 0.")
    if (table < 0).any():
        raise DataError(f"{what} holds {np.nanmin(table):g}. Probabilities are not negative.")
    sums = np.where(untried, 1.0, table.sum(axis=rest, keepdims=True)).ravel()
    off = sums[~(abs(sums - 1) <= 1e-6)]
    if off.size:
        where = f" for some value of {', '.join(do)}" if do else ""
        raise DataError(f"{what} sums to {off[0]:.8g}{where}. Divide it by its sum, so that it sums to 1{where}.")
    return table


def _experiments(
    np: Any, given: Any, used: set[tuple[Name, ...]], laws: Sequence[Prob], sizes: Mapping[Name, int]
) -> dict[tuple[Name, ...], Any]:
    """The table of each experiment that the formula uses, by what it sets."""
    if given is not None and not isinstance(given, Mapping):
        raise DataError(
            "`experiments` takes a mapping from what each sets to its law and the axes of that, such as "
            f"{{('Z',): (law, names)}}, got {arguments.shown(given)}."
        )
    what = "A key of `experiments`, what is set,"
    stated = {
        tuple(sorted(arguments.names(what, key, QueryError, lone=True))): value for key, value in (given or {}).items()
    }
    found: dict[tuple[Name, ...], Any] = {}
    for do in sorted(used):
        if do not in stated:
            raise DataError(
                f"The formula uses the experiment do({', '.join(do)}), whose law is not given. Give it: "
                f"experiments={{{do!r}: (law, names)}}.",
                do[0],
            )
        needed = set(do).union(*(law.outcomes + law.given for law in laws if law.do == do))
        found[do] = _experiment(np, do, stated[do], needed, sizes)
    return found


def _experiment(np: Any, do: tuple[Name, ...], stated: Any, needed: set[Name], sizes: Mapping[Name, int]) -> Any:
    """The table of one experiment, its axes those of the joint, of length one where it has none."""
    what = f"The law of the experiment do({', '.join(do)})"
    if not isinstance(stated, tuple | list) or len(stated) != 2:
        raise DataError(f"{what} comes as a pair, with the names of its axes, got {arguments.shown(stated)}.")
    names = arguments.names(f"The axes of the experiment do({', '.join(do)})", stated[1], QueryError, lone=True)
    if missing := sorted(needed.difference(names)):
        raise DataError(f"{what} has no axis for {', '.join(missing)}.", missing[0])
    table = _checked(np, stated[0], names, what, do)
    table = table.sum(axis=tuple(i for i, name in enumerate(names) if name not in sizes))
    names = tuple(name for name in names if name in sizes)
    for name, count in zip(names, table.shape, strict=True):
        if count != sizes[name]:
            raise DataError(
                f"{what} has {count} values of {name}, and the joint {sizes[name]}. Give both the same values, in the "
                "same order.",
                name,
            )
    order = list(sizes)
    table = table.transpose(sorted(range(len(names)), key=lambda i: order.index(names[i])))
    return table.reshape([sizes[name] if name in names else 1 for name in order])


def tabulate(expression: Expression, tables: Mapping[tuple[Name, ...], Any], axis: Mapping[Name, int]) -> Any:
    """The value of an expression, with all axes of the tables, of length one where it is constant.

    Args:
        tables: The law of each experiment by what it sets, that of P(V) under nothing.
    """

    def law(part: Prob) -> Any:
        table = tables[part.do]

        def margin(names: Sequence[Name]) -> Any:
            keep = {axis[name] for name in names}
            return table.sum(axis=tuple(i for i in range(table.ndim) if i not in keep), keepdims=True)

        return FLOATS.over(margin(part.outcomes + part.given + part.do), margin(part.given + part.do))

    return tabulated(expression, axis, law, tables[()].ndim, FLOATS)


def tabulated(
    expression: AbstractExpression, axis: Mapping[Name, int], law: Callable[[Prob], Any], ndim: int, numbers: Numbers
) -> Any:
    """The value of an expression for every value of its free names, with `ndim` axes, of length one where it is constant.

    Args:
        axis: The axis of each name; one that has none has a single value.
        law: The value of a P(…), with all axes.
        numbers: What the laws are tables of.
    """
    known: dict[int, Any] = {}

    def product(factors: Sequence[AbstractExpression]) -> Any:
        value = numbers.table((1,) * ndim, [1])
        for factor in factors:
            value = numbers.times(value, known[id(factor)])
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
                known[id(part)] = numbers.over(known[id(numerator)], known[id(denominator)])
            case _:
                raise AssertionError(part)
    return known[id(expression)]


def _averaged(np: Any, values: Any, table: Any, free: list[int]) -> Any:
    """The mean, where defined, over the axes that the value does not depend on, weighted by their law."""
    if not free:
        return values
    weights = table.sum(axis=tuple(i for i in range(table.ndim) if i not in free), keepdims=True)
    defined = ~np.isnan(values) & (weights > 0)
    mass = np.where(defined, weights, 0.0).sum(axis=tuple(free), keepdims=True)
    return np.where(defined, values * weights, 0.0).sum(axis=tuple(free), keepdims=True) / mass

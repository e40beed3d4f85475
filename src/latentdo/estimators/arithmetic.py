"""The arithmetic of a query over its terms' numbers, with its slopes for the delta method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from latentdo.query import Binary, Expression, Number, Term

from .sample import FloatArray

Linear = tuple[FloatArray, dict[Term, FloatArray]]
"""A value, and its derivative with respect to every term."""


def linearised(expression: Expression, values: Mapping[Term, FloatArray]) -> Linear:
    """The value of the expression and its derivatives, one per replicate; infinite or NaN where a divisor is zero."""
    match expression:
        case Term():
            return values[expression], {expression: np.ones_like(values[expression])}
        case Number(value=value):
            return np.asarray(value), {}
        case Binary(op=op, left=left, right=right):
            (a, above), (b, below) = linearised(left, values), linearised(right, values)
            with np.errstate(divide="ignore", invalid="ignore"):
                match op:
                    case "+":
                        return a + b, _joined(above, 1.0, below, 1.0)
                    case "-":
                        return a - b, _joined(above, 1.0, below, -1.0)
                    case "*":
                        return a * b, _joined(above, b, below, a)
                    case "/":
                        return a / b, _joined(above, 1 / b, below, -a / b**2)


def _joined(
    above: dict[Term, FloatArray], by: FloatArray | float, below: dict[Term, FloatArray], and_by: FloatArray | float
) -> dict[Term, FloatArray]:
    terms = dict.fromkeys([*above, *below])
    zero = np.zeros(())
    return {term: above.get(term, zero) * by + below.get(term, zero) * and_by for term in terms}

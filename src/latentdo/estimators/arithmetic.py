"""The arithmetic of a query over its terms' numbers: its value, its slopes for the delta method, and its intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from latentdo.query import Binary, Expression, Number, Term

from .sample import FloatArray

Linear = tuple[FloatArray, dict[Term, FloatArray]]
"""A value, and its derivative with respect to every term."""
Range = tuple[float, float]
LEAST_REPLICATES = 20
"""With fewer replicates a bootstrap's interval is too short as often as not, and none is given."""
_FARTHEST = 700.0
"""The logarithm of the largest factor between an estimate and an end of its interval: a larger one is no number."""


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


def is_positive_ratio(expression: Expression, ranges: Mapping[Term, Range]) -> bool:
    """Whether the expression is a ratio, or a product with one, that cannot be negative: a risk ratio, odds.

    Args:
        ranges: Between which numbers each term lies.
    """
    match expression:
        case Binary(op="/", left=left, right=right):
            is_ratio = not isinstance(right, Number) or is_positive_ratio(left, ranges)
            return is_ratio and _range(left, ranges)[0] >= 0 and _range(right, ranges)[0] >= 0
        case Binary(op="*", left=left, right=right):
            pairs = ((left, right), (right, left))
            return any(is_positive_ratio(a, ranges) and _range(b, ranges)[0] >= 0 for a, b in pairs)
        case _:
            return False


def _range(expression: Expression, ranges: Mapping[Term, Range]) -> Range:
    """Between which numbers an expression lies, by interval arithmetic."""
    match expression:
        case Term():
            return ranges[expression]
        case Number(value=value):
            return value, value
        case Binary(op=op, left=left, right=right):
            (a, b), (c, d) = _range(left, ranges), _range(right, ranges)
            match op:
                case "+":
                    return a + c, b + d
                case "-":
                    return a - d, b - c
                case _:
                    return (0.0 if a >= 0 and c >= 0 else -math.inf), math.inf


@dataclass(frozen=True)
class Interval:
    """A standard error with the interval that goes with it.

    Attributes:
        how: `influence function` or `bootstrap`.
        is_log: Whether it was made on the log scale, so that it holds no number below zero.
    """

    sd: float
    lower: float
    upper: float
    how: str
    is_log: bool = False


def normal_interval(estimate: float, sd: float, level: float, *, is_log: bool) -> Interval:
    """The interval of a normal law: of the logarithm, if that is asked for and the estimate has one.

    Source:
        Katz, Baptista, Azen & Pike (1978), Obtaining confidence intervals for the risk ratio in cohort studies.
    """
    half = float(norm.ppf((1 + level) / 2)) * sd
    if not is_log or not 0 < estimate < math.inf:
        return Interval(sd, estimate - half, estimate + half, "influence function")
    factor = math.exp(min(half / estimate, _FARTHEST))
    return Interval(sd, estimate / factor, estimate * factor, "influence function", is_log=True)


def bootstrap_interval(estimate: float, replicates: FloatArray, level: float, *, is_log: bool) -> Interval:
    """The ends of the percentile or of the normal interval, whichever lie farther out.

    With weights that have long tails both are too short, and not on the same side: the replicates know only the tails that
    the rows have.
    """
    sd = _spread(replicates)
    if not is_log or not 0 < estimate < math.inf:
        return Interval(sd, *_ends(estimate, sd, replicates, level), "bootstrap")
    # A replicate below zero counts as the farthest that has a logarithm.
    logs = np.log(np.maximum(replicates, estimate * math.exp(-_FARTHEST)))
    lower, upper = _ends(math.log(estimate), _spread(logs), logs, level)
    return Interval(sd, math.exp(lower), math.exp(min(upper, _FARTHEST)), "bootstrap", is_log=True)


def _ends(estimate: float, sd: float, replicates: FloatArray, level: float) -> Range:
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    half = float(norm.ppf((1 + level) / 2)) * sd
    return min(float(low), estimate - half), max(float(high), estimate + half)


def _spread(replicates: FloatArray) -> float:
    """The standard deviation, with far replicates drawn in: a ratio may have one whose divisor is next to zero."""
    low, middle, high = np.quantile(replicates, [0.25, 0.5, 0.75])
    reach = 4 * (high - low)
    return float(np.clip(replicates, middle - reach, middle + reach).std(ddof=1))

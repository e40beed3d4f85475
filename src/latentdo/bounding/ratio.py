"""A question as one ratio of sums of terms: what a linear programme can bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from latentdo.errors import QueryError
from latentdo.graphs import Masks, quote, reach
from latentdo.query import Binary, Expression, Number, Term


@dataclass(frozen=True)
class Ratio:
    """A question as sums of terms: (above + top) over (below + bottom).

    Attributes:
        above: Terms with their coefficients.
        top: A number added to them.
        below: Those of the denominator; none where the question is linear.
        bottom: A number added to them.
    """

    above: tuple[tuple[Term, float], ...]
    top: float = 0.0
    below: tuple[tuple[Term, float], ...] = ()
    bottom: float = 1.0

    @property
    def terms(self) -> tuple[Term, ...]:
        """Every term, each once."""
        return tuple(dict.fromkeys(term for term, _ in (*self.above, *self.below)))

    @property
    def is_linear(self) -> bool:
        """Whether nothing is divided by what is not known."""
        return not self.below


def ratio_of(expression: Expression, masks: Masks, is_known: Callable[[Term], bool]) -> Ratio:
    """The question as one ratio of sums of terms.

    Args:
        masks: The graph.
        is_known: Whether a term is a number that the graph identifies; what else has evidence is itself a ratio.

    Raises:
        QueryError: It is none, such as a product of two terms.
    """
    match expression:
        case Number(value=value):
            return Ratio((), value)
        case Term() as term:
            _check_kind(term)
            if is_known(term) or not term.given:
                return Ratio(((term, 1.0),))
            evidence = _evidence(term, masks)
            is_known(evidence)
            return Ratio(((term, 1.0),), 0.0, ((evidence, 1.0),), 0.0)
        case Binary(op=op, left=left, right=right):
            one, other = ratio_of(left, masks, is_known), ratio_of(right, masks, is_known)
            made = _joined(op, one, other)
            if made is None:
                raise QueryError(
                    f"{expression} is no ratio of sums of probabilities, and bounds are found for such ratios alone. Ask its "
                    "parts one by one."
                )
            return made


def _check_kind(term: Term) -> None:
    if term.kind == "law":
        name = next(outcome.name for outcome in term.outcomes if not outcome.op)
        raise QueryError(f"{term} is a law, and bounds are of a number. Ask P({quote(name)}=1 | …).")
    if term.kind not in ("mean", "event"):
        name = quote(term.outcome_names[0])
        raise QueryError(
            f"{term} is not linear in probabilities, and has no bounds here. Ask E[{name} | …], or P({name} > 1 | …)."
        )


def _evidence(term: Term, masks: Masks) -> Term:
    """P(evidence | do(…)), what a term with evidence is divided by, without treatments that do not act on the evidence."""
    treated = masks.mask(term.treatments)
    near = reach(masks.mask(term.conditions), masks.cut(treated).parents)
    # A cut node keeps no parent, and what it acts on keeps it as one.
    kept = tuple(setting for setting in term.do if near >> masks.index[setting.name] & 1)
    return Term("event", term.given, kept)


def _joined(op: str, one: Ratio, other: Ratio) -> Ratio | None:
    match op:
        case "+" | "-":
            sign = 1.0 if op == "+" else -1.0
            if one.is_linear and not other.is_linear:
                # k + a/b = (k b + a) / b where k is a number.
                return None if one.above else _plus(_times(other, sign), one.top / one.bottom)
            if not one.is_linear and other.is_linear:
                return None if other.above else _plus(one, sign * other.top / other.bottom)
            if not one.is_linear and (one.below, one.bottom) != (other.below, other.bottom):
                return None
            return Ratio(_sum(one.above, other.above, sign), one.top + sign * other.top, one.below, one.bottom)
        case "*":
            if not other.above and other.is_linear:
                return _times(one, other.top)
            return _times(other, one.top) if not one.above and one.is_linear else None
        case _:
            if not other.is_linear:
                # a / (b/c) = a c / b, where a is a number.
                return _over(one.top, other) if not one.above and one.is_linear else None
            if not other.above:
                if not other.top:
                    return None
                return _times(one, 1 / other.top)
            return Ratio(one.above, one.top, other.above, other.top) if one.is_linear else None


def _sum(
    one: tuple[tuple[Term, float], ...], other: tuple[tuple[Term, float], ...], sign: float
) -> tuple[tuple[Term, float], ...]:
    found: dict[Term, float] = dict(one)
    for term, factor in other:
        found[term] = found.get(term, 0.0) + sign * factor
    return tuple((term, factor) for term, factor in found.items() if factor)


def _times(ratio: Ratio, factor: float) -> Ratio:
    above = tuple((term, each * factor) for term, each in ratio.above)
    return Ratio(above, ratio.top * factor, ratio.below, ratio.bottom)


def _plus(ratio: Ratio, number: float) -> Ratio:
    return Ratio(_sum(ratio.above, ratio.below, number), ratio.top + number * ratio.bottom, ratio.below, ratio.bottom)


def _over(number: float, ratio: Ratio) -> Ratio:
    return Ratio(
        tuple((term, each * number) for term, each in ratio.below), ratio.bottom * number, ratio.above, ratio.top
    )

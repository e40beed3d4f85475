"""Along which values a question is asked again and again: curves and surfaces."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from latentdo.errors import QueryError, nearest
from latentdo.graphs import Name, format_level, format_number, quote

from .term import Expression, Term, Value, check_value, terms_of

RANGE_POINTS = 21
"""Points of a range without a step: its ends, and 19 between them."""
MAX_AXES = 2
MAX_POINTS = 100_000
"""Points of a sweep, all axes together."""
MAX_COMPUTED = 1_000_000
"""Terms of a sweep at all its points."""


@dataclass(frozen=True)
class Axis:
    """A node and the values that it takes in turn wherever the query leaves it open."""

    name: Name
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise QueryError(f"The axis of {self.name!r} has no values. List some: for {quote(self.name)} in [0, 1].")
        if len(self.values) > MAX_POINTS:
            raise QueryError(_too_many(len(self.values)))
        for value in self.values:
            check_value(self.name, value)
        if len(set(self.values)) < len(self.values):
            again = next(value for value, count in Counter(self.values).items() if count > 1)
            raise QueryError(f"The axis of {self.name!r} has {format_level(again)} twice. Keep one.")

    def __hash__(self) -> int:
        # Each of a hundred thousand answers names its whole sweep: the hash must not walk through all values.
        return hash((self.name, len(self.values), self.values[0], self.values[-1]))

    @staticmethod
    def of_range(name: Name, low: float, high: float, step: float | None = None) -> Axis:
        """The values from `low` on, a step apart, none above `high`; without a step 21 of them, both ends included.

        Raises:
            QueryError: Ends that do not ascend, a step that is not positive or longer than the range, too many values.
        """
        for end in (low, high, *([] if step is None else [step])):
            check_value(name, end)
        if low == high:
            raise QueryError(f"The range has one value. List it: for {quote(name)} in [{format_number(low)}].")
        if low > high:
            raise QueryError(f"A range ascends: write {format_number(high)}..{format_number(low)}.")
        if step is not None and step <= 0:
            raise QueryError(f"A step is positive, got {format_number(step)}.")
        if step is not None and step > high - low:
            raise QueryError(f"The step {format_number(step)} is longer than the range.")
        values = _spaced(low, high, step)
        if len(set(values)) < len(values):
            raise QueryError("The step is too short for numbers of that size. Take a longer one.")
        return Axis(name, values)

    def __str__(self) -> str:
        listed = ", ".join(map(format_level, self.values))
        return f"{quote(self.name)} in {_range_text(self.values) or f'[{listed}]'}"


def swept_text(expression: Expression, axes: Sequence[Axis]) -> str:
    """A question with its axes, as it is typed."""
    return f"{expression} for {', '.join(map(str, axes))}" if axes else str(expression)


def axis_fault(expression: Expression, axes: Sequence[Axis]) -> str:
    """What is wrong with the last of a query's axes, or nothing."""
    *before, axis = axes
    if len(axes) > MAX_AXES:
        return f"A sweep has at most {MAX_AXES} axes. Ask for the values of {axis.name!r} one by one."
    if any(axis.name == other.name for other in before):
        return f"{axis.name!r} has two axes. Keep one."
    terms = list(dict.fromkeys(terms_of(expression)))
    if not any(axis.name in term.open for term in terms):
        return _nowhere_open(axis.name, terms)
    count = math.prod(len(each.values) for each in axes)
    if count > MAX_POINTS:
        return _too_many(count)
    if (computed := count * len(terms)) > MAX_COMPUTED:
        return f"A sweep computes at most {MAX_COMPUTED:,} terms in all, and this one {computed:,}. Take a longer step."
    return ""


def _nowhere_open(name: Name, terms: Sequence[Term]) -> str:
    role = next((repair for term in terms if (repair := _role(name, term))), "")
    if not role:
        opened = dict.fromkeys(other for term in terms for other in term.open)
        role = (
            nearest(name, opened).replace("Known are:", "Open are:")
            if opened
            else f"Leave it without a value in the query: do({quote(name)})."
        )
    return f"{name!r} stands nowhere open in the query, so that there is nothing to sweep. {role}"


def _role(name: Name, term: Term) -> str:
    """Where a term names the node, and what would open it there; or nothing."""
    if name in term.treatments:
        return f"Leave out the value that is set: do({quote(name)})."
    if name in term.conditions:
        return f"Leave out the value of the condition: {term.word}… | {quote(name)}."
    if name in term.outcome_names:
        return f"It is what {term} asks about: sweep what is set or seen."
    return ""


def _too_many(count: int) -> str:
    return f"A sweep has at most {MAX_POINTS:,} points in all, and this one {count:,}. Take a longer step."


def _spaced(low: float, high: float, step: float | None) -> tuple[float, ...]:
    """Evenly spaced numbers, each the nearest to its exact decimal value, so that 0..1 by 0.1 has 0.3.

    Raises:
        QueryError: They are too many.
    """
    first, last = Fraction(repr(low)), Fraction(repr(high))
    apart = (last - first) / (RANGE_POINTS - 1) if step is None else Fraction(repr(step))
    count = (last - first) // apart + 1
    if count > MAX_POINTS:
        raise QueryError(_too_many(count))
    # Whole numbers over one denominator: reducing a fraction for each value would take most of the time.
    below = first.denominator * apart.denominator
    start, stride = first.numerator * apart.denominator, apart.numerator * first.denominator
    return tuple((start + k * stride) / below for k in range(count))


def _range_text(values: tuple[Value, ...]) -> str:
    """The range that has just these values, if one has."""
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values) or len(numbers) < 3 or not all(a < b for a, b in itertools.pairwise(numbers)):
        return ""
    low, high = float(numbers[0]), float(numbers[-1])
    ends = f"{format_number(low)}..{format_number(high)}"
    if len(numbers) == RANGE_POINTS and _spaced(low, high, None) == values:
        return ends
    step = float((Fraction(repr(high)) - Fraction(repr(low))) / (len(numbers) - 1))
    if not 0 < step <= high - low:
        return ""
    # Counted before they are written down: a step that was rounded to next to nothing would give millions.
    count = (Fraction(repr(high)) - Fraction(repr(low))) // Fraction(repr(step)) + 1
    return f"{ends} by {format_number(step)}" if count == len(numbers) and _spaced(low, high, step) == values else ""

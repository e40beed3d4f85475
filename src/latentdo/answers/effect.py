"""`Effect`: what one treatment does to one outcome, a cell of a matrix of effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from latentdo import arguments
from latentdo.graphs import Name, quote
from latentdo.identification import Nodes
from latentdo.query import Binary, Query, Value
from latentdo.sheet import finite, number

from .answer import Answer
from .estimate import MaybeNone

LONGEST = 8
"""Characters of a number that is written out; others have an exponent."""
CLEAR = 0.9
"""The level of the intervals that mark clear effects."""


def names_in(nodes: Nodes) -> list[Name]:
    """The names of a row or a column."""
    return [nodes] if isinstance(nodes, str) else list(nodes)


def name_of(nodes: Nodes) -> str:
    """The names of a row, as they are typed."""
    return ", ".join(map(quote, names_in(nodes)))


def asked_of(query: Query) -> str:
    """What an effect is on: the outcome's name, or P(Y=level)."""
    assert isinstance(query.expression, Binary)
    term = query.terms[0]
    return quote(term.outcomes[0].name) if term.kind == "mean" else f"P({term.outcomes[0]})"


@dataclass(frozen=True, eq=False)
class Effect:
    """One cell: the effect of one treatment on one outcome.

    Attributes:
        treatment: What is set: a name, or several set together.
        outcome: What is asked about.
        low: The value that each node of the treatment changes from.
        high: The value that it changes to.
        query: The difference that is asked for.
        form: By which form it is identified, `no effect`, or `not identified`.
        answer: The difference, in units of the outcome whatever `standardised` is; None where there is none, or it is 0 since
            no path leads from treatment to outcome.
        reason: Why it is not identified, or why it has no number.
        own_unit: What the answer is counted in.
        outcome_sd: The sd of the outcome: that of its column, or of whether its last level occurs.
        standardised: Whether the numbers below are divided by it.
    """

    treatment: Nodes
    outcome: Name
    low: tuple[Value, ...]
    high: tuple[Value, ...]
    query: Query
    form: str
    answer: Answer | None
    reason: str | None
    own_unit: str
    outcome_sd: float
    standardised: bool = False

    @property
    def identified(self) -> bool:
        """Whether the measured nodes can answer it."""
        return self.form != "not identified"

    @property
    def is_zero(self) -> bool:
        """Whether the effect is 0 for certain: no path leads from treatment to outcome."""
        return self.form == "no effect"

    @property
    def scale(self) -> float:
        """What the answer is divided by."""
        return self.outcome_sd if self.standardised else 1.0

    @property
    def unit(self) -> str:
        """What the numbers are counted in."""
        if self.standardised:
            return f"sd of {asked_of(self.query)}"
        return self.own_unit

    @property
    def estimate(self) -> float | None:
        """The posterior mean, the median where there is no trustworthy mean, 0 where there is no effect, else None."""
        if self.answer is None:
            return 0.0 if self.is_zero else None
        return self.answer.point / self.scale

    @property
    def sd(self) -> float | None:
        """Posterior standard deviation; None where there is no number, or one draw alone."""
        if self.answer is None or self.answer.sd is None:
            return 0.0 if self.is_zero else None
        return self.answer.sd / self.scale

    @arguments.with_level
    def interval(self, level: float = 0.9) -> tuple[float, float] | MaybeNone:
        """The equal-tailed posterior interval; None where there is no number, or one draw alone."""
        ends = None if self.answer is None else self.answer.interval(level)
        if ends is None:
            return (0.0, 0.0) if self.is_zero else None
        return ends[0] / self.scale, ends[1] / self.scale

    @arguments.with_level
    def excludes_zero(self, level: float = CLEAR) -> bool:
        """Whether the interval leaves 0 out."""
        ends = None if self.answer is None else self.interval(level)
        return ends is not None and (ends[0] > 0 or ends[1] < 0)

    @property
    def converged(self) -> bool:
        """Whether the number converged; true where none was computed."""
        return self.answer is None or self.answer.converged

    @property
    def warnings(self) -> tuple[str, ...]:
        """The answer's cautions."""
        return () if self.answer is None else self.answer.warnings

    @property
    def shown(self) -> str:
        """The estimate with the digits that mean something, empty where there is none; short, whatever its size."""
        if self.answer is None or self.estimate is None:
            return ""
        text = number(self.estimate, self.answer.rounding / self.scale)
        return text if len(text) <= LONGEST else f"{self.estimate:.2g}"

    @arguments.with_level
    def text(self, level: float = CLEAR) -> str:
        """The number as a cell of a table: `·` no effect, `x` not identified, `–` no number, `*` an interval without 0."""
        if self.answer is None or self.estimate is None:
            return "·" if self.is_zero else "x" if not self.identified else "–"
        marks = ("" if self.identified else "x") + ("" if self.converged else "!")
        return f"{self.shown}{'*' if self.excludes_zero(level) else ''}{marks}"

    @arguments.with_level
    def to_json(self, level: float = 0.9) -> dict[str, Any]:
        """The effect as plain numbers and strings, with null for what is not there."""
        answer, ends = self.answer, self.interval(level)
        row = {
            "treatment": names_in(self.treatment),
            "outcome": self.outcome,
            "low": list(self.low),
            "high": list(self.high),
            "query": str(self.query),
            "form": self.form,
            "identified": self.identified,
            "estimate": self.estimate,
            "sd": self.sd,
            "interval": None if ends is None else list(ends),
            "level": level,
            "unit": self.unit,
            "excludes_zero": self.excludes_zero(level),
            "mcse": (0.0 if self.is_zero else None) if answer is None else answer.mcse / self.scale,
            "rhat": None if answer is None else answer.rhat,
            "ess": None if answer is None else answer.ess,
            "converged": self.converged,
            "approximate": None if answer is None else answer.approximate,
            "reason": self.reason,
            "warnings": list(self.warnings),
        }
        return finite(row)

    def __str__(self) -> str:
        if self.answer is None or self.estimate is None:
            return f"{self.query}: {self.reason or 'no effect, since no path leads there'}"
        ends, fine = self.interval(), self.answer.rounding / self.scale
        spread = "" if ends is None else f" (90 % interval {' to '.join(number(end, fine) for end in ends)})"
        standing = "" if self.identified else ", NOT nonparametrically identified"
        return f"{self.query}: {number(self.estimate, fine)} {self.unit}{spread}{standing}"

    def __repr__(self) -> str:
        return f"<{self}>"

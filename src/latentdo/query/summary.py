"""The row that every answer reduces to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """One number with its interval: all that plots and tables read of an answer or a rival.

    Attributes:
        label: What the row is called.
        estimate: The point, None where the method does not apply.
        sd: Its standard deviation or standard error.
        lower: The lower end of the interval.
        upper: The upper end.
        level: The interval's probability, 0.9 for instance.
        unit: The unit of the outcome, where one is known.
        method: How the number was made.
        scale: What the number is: `mean of Erk, in its units`, `risk ratio`.
        null: The value that means no effect: 0 of a difference, 1 of a ratio.
    """

    label: str
    estimate: float | None
    sd: float | None
    lower: float | None
    upper: float | None
    level: float
    unit: str | None
    method: str
    scale: str | None = None
    null: float | None = None

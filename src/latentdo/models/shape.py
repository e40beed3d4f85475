"""The shape in which a parent enters a linear predictor: its logarithm, a power or a spline."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass

from latentdo.errors import SpecError
from latentdo.graphs import Form, Name, quote

from .arithmetic import Arithmetic, Array

HIGHEST_POWER = 5
"""Beyond, a power of a column is all but told by its largest values."""
KNOTS, FEWEST_KNOTS, MOST_KNOTS = 10, 4, 40
"""Of a spline: unless given, at least, at most."""


class AbstractShape(abc.ABC):
    """A function of one parent, in whose place it stands in a linear predictor."""

    @abc.abstractmethod
    def text(self, name: Name) -> str:
        """The shape of a parent as it is typed: `log(X)`."""

    def key(self, name: Name) -> str:
        """What priors call it."""
        return self.text(name)

    def factor(self, name: Name) -> str:
        """What tells it from other factors of the node."""
        return self.text(name)

    def label(self, name: Name) -> str:
        """What is printed of it."""
        return self.factor(name)

    @abc.abstractmethod
    def __call__(self, m: Arithmetic, x: Array) -> Array:
        """The value at the parent's value."""

    @property
    def is_identity(self) -> bool:
        """Whether it is the parent itself, however it is typed."""
        return False

    @property
    def bends(self) -> bool:
        """Whether its weight is one of those by which a spline leaves its straight line."""
        return False

    @property
    def least(self) -> float:
        """The number that the parent must be above."""
        return -math.inf

    @property
    def is_monotone(self) -> bool:
        """Whether it rises with the parent wherever it is defined, so that a sign of its weight is a sign of the effect."""
        return True

    @property
    def parity(self) -> int:
        """-1 where it changes sign with the parent, 1 where it stays as it is, 0 where neither holds."""
        return 0


@dataclass(frozen=True)
class Log(AbstractShape):
    """The natural logarithm of a positive parent."""

    def text(self, name: Name) -> str:
        """`log(X)`."""
        return f"log({quote(name)})"

    def __call__(self, m: Arithmetic, x: Array) -> Array:
        """Of what a model's own law gives below 0 the logarithm of its mirror image: no column has such values, nor any `do`."""
        return m.np.log(m.np.abs(x))

    @property
    def least(self) -> float:
        """0."""
        return 0.0


@dataclass(frozen=True)
class Power(AbstractShape):
    """A whole power of the parent, from the square on."""

    degree: int

    def __post_init__(self) -> None:
        if not 2 <= self.degree <= HIGHEST_POWER:
            raise SpecError(
                f"A power of a parent is a whole number from 2 to {HIGHEST_POWER}, got {self.degree}. For a curve of any other "
                "form write s(X)."
            )

    def text(self, name: Name) -> str:
        """`X^2`."""
        return f"{quote(name)}^{self.degree}"

    def __call__(self, m: Arithmetic, x: Array) -> Array:
        """By products: exact for whole numbers, in either arithmetic."""
        total = x
        for _ in range(self.degree - 1):
            total = total * x
        return total

    @property
    def is_monotone(self) -> bool:
        """Odd powers are."""
        return self.degree % 2 == 1

    @property
    def parity(self) -> int:
        """That of the number."""
        return -1 if self.degree % 2 else 1


@dataclass(frozen=True)
class Spline(AbstractShape):
    """A smooth curve: as it is typed, its straight line, or one of the columns by which it bends.

    Attributes:
        size: Number of knots that are asked for; None where `k=` was not typed.
        knots: Empty until the column, or the prior of a latent, tells them.
        part: Which column; None for the straight line.
        rising: Whether the columns rise, for a weight of one sign.
    """

    size: int | None = None
    knots: tuple[float, ...] = ()
    part: int | None = None
    rising: bool = False

    def __post_init__(self) -> None:
        if self.size is not None and not FEWEST_KNOTS <= self.size <= MOST_KNOTS:
            raise SpecError(
                f"k of s(X, k=…) is a whole number from {FEWEST_KNOTS} to {MOST_KNOTS}, the number of knots, got {self.size}."
            )

    @property
    def n_knots(self) -> int:
        """Number of knots that are asked for."""
        return KNOTS if self.size is None else self.size

    def text(self, name: Name) -> str:
        """`s(X)`, `s(X, k=12)`."""
        return f"s({quote(name)})" if self.size is None else f"s({quote(name)}, k={self.size})"

    def key(self, name: Name) -> str:
        """`s(X)`, whatever its options."""
        return f"s({quote(name)})"

    def factor(self, name: Name) -> str:
        """The parent itself for the straight line, `s(X)[1]` for a column."""
        return name if self.part is None else f"{self.text(name)}[{self.part + 1}]"

    def label(self, name: Name) -> str:
        """The spline for its straight line."""
        return self.text(name) if self.part is None else self.factor(name)

    @property
    def is_identity(self) -> bool:
        """That of the straight line is, once there are others beside it."""
        return self.part is None and bool(self.knots)

    @property
    def bends(self) -> bool:
        """All columns but the straight line."""
        return self.part is not None

    def expanded(self, knots: tuple[float, ...], *, rising: bool) -> tuple[Spline, ...]:
        """The straight line and the columns beside it."""
        from .splines import n_columns

        parts = (None, *range(n_columns(len(knots), rising=rising)))
        return tuple(Spline(self.size, knots, part, rising) for part in parts)

    def __call__(self, m: Arithmetic, x: Array) -> Array:
        """By its polynomials; straight outside the knots.

        Raises:
            SpecError: The knots are not known yet.
        """
        if not self.knots:
            raise SpecError("s(X) has no knots yet: they come from the column of its parent. Fit the model first.")
        if self.part is None:
            return x
        from .splines import pieces

        at = m.np.asarray(self.knots)
        constant, slope, square, cube = m.np.asarray(pieces(self.knots, rising=self.rising)[self.part])
        interval = m.np.searchsorted(at, x, side="right")
        t = x - at[m.np.maximum(interval - 1, 0)]
        return ((cube[interval] * t + square[interval]) * t + slope[interval]) * t + constant[interval]


def shape_of(form: Form | None) -> AbstractShape | None:
    """The shape that a form in the text of a model writes; None for a parent as it is.

    Raises:
        SpecError: It has an option that it cannot have, or a number out of range.
    """
    match form:
        case None:
            return None
        case Form(kind="log"):
            return Log()
        case Form(kind="s", options=options):
            return Spline(int(dict(options)["k"]) if options else None)
        case _:
            return Power(int(form.options[0][1]))

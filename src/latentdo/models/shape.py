"""The shape in which a parent enters a linear predictor: its logarithm or a power, where it is not the parent itself."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass

from latentdo.errors import SpecError
from latentdo.graphs import Form

from .arithmetic import Arithmetic, Array

HIGHEST_POWER = 5
"""Beyond, a power of a column is all but told by its largest values."""


class AbstractShape(abc.ABC):
    """A function of one parent, in whose place it stands in a linear predictor."""

    @abc.abstractmethod
    def text(self, name: str) -> str:
        """The shape of a parent as it is typed: `log(X)`."""

    def key(self, name: str) -> str:
        """What priors call it."""
        return self.text(name)

    def factor(self, name: str) -> str:
        """What tells it from other factors of the node."""
        return self.text(name)

    @abc.abstractmethod
    def __call__(self, m: Arithmetic, x: Array) -> Array:
        """The value at the parent's value."""

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

    def text(self, name: str) -> str:
        """`log(X)`."""
        return f"log({name})"

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

    def text(self, name: str) -> str:
        """`X^2`."""
        return f"{name}^{self.degree}"

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
        case _:
            return Power(int(form.options[0][1]))

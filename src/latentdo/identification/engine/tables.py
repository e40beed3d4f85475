"""Tables of numbers: those of NumPy where it is there, and exact ones of the standard library where it is not.

What computes with laws is written once, for tables that add, multiply, divide and sum along axes; both kinds do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice, product
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int, ...]
Real: TypeAlias = Fraction | float
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Table:
    """Whole numbers and fractions, the last axis changing fastest: of a NumPy array the few operations that laws need.

    Attributes:
        shape: How long each axis is; an axis of length one stretches to that of the other operand.
        cells: The numbers.
    """

    shape: Shape
    cells: list[Any]

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    def __add__(self, other: Any) -> Table:
        return self._with(other, lambda a, b: a + b)

    def __radd__(self, other: Any) -> Table:
        return self + other

    def __sub__(self, other: Any) -> Table:
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Table:
        return self._with(other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Table:
        return self * other

    def __truediv__(self, other: Any) -> Table:
        # The quotient of whole numbers is a fraction, not a rounded number; 0/0 is no number, as in NumPy.
        return self._with(other, lambda a, b: Fraction(a) / b if b else NAN)

    def times(self, other: Table) -> Table:
        """The product; zero wherever one of the two is, even if the other is no number."""
        return self._with(other, lambda a, b: a * b if a and b else 0)

    def __lt__(self, bound: Any) -> Table:
        return Table(self.shape, [int(cell < bound) for cell in self.cells])

    def __abs__(self) -> Table:
        return Table(self.shape, list(map(abs, self.cells)))

    def __getitem__(self, place: tuple[int, ...]) -> Any:
        at = 0
        for length, index in zip(self.shape, place, strict=True):
            at = at * length + index
        return self.cells[at]

    def _with(self, other: Any, make: Callable[[Any, Any], Any]) -> Table:
        if not isinstance(other, Table):
            return Table(self.shape, [make(cell, other) for cell in self.cells])
        shape = tuple(max(pair) for pair in zip(self.shape, other.shape, strict=True))
        return Table(shape, list(map(make, self._stretched(shape), other._stretched(shape))))

    def _stretched(self, shape: Shape) -> Iterable[Any]:
        return self.cells if shape == self.shape else map(self.cells.__getitem__, _places(self.shape, shape))

    def sum(self, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Any:
        """The sum along some axes, or of all cells."""
        if axis is None:
            return sum(self.cells)
        gone = {k % self.ndim for k in ([axis] if isinstance(axis, int) else axis)}
        kept = tuple(1 if k in gone else length for k, length in enumerate(self.shape))
        sums: list[Any] = [0] * math.prod(kept)
        for place, cell in zip(_places(kept, self.shape), self.cells, strict=True):
            sums[place] += cell
        return Table(kept if keepdims else tuple(n for k, n in enumerate(kept) if k not in gone), sums)

    def max(self) -> Any:
        """The largest number."""
        return max(self.cells)

    def min(self) -> Any:
        """The smallest number."""
        return min(self.cells)

    def transpose(self, order: Sequence[int]) -> Table:
        """The table with its axes in another order."""
        steps = [math.prod(self.shape[k + 1 :]) for k in range(self.ndim)]
        shape = tuple(self.shape[k] for k in order)
        cells = [self.cells[sum(i * steps[k] for i, k in zip(at, order, strict=True))] for at in _every(shape)]
        return Table(shape, cells)

    def reshape(self, shape: Sequence[int]) -> Table:
        """The same numbers along other axes."""
        return Table(tuple(shape), self.cells)

    def tolist(self) -> list[Any]:
        """The numbers as lists of lists; of a table without axes its number."""
        if not self.shape:
            return self.cells[0]
        rows: list[Any] = self.cells
        for length in reversed(self.shape[1:]):
            rows = [rows[k : k + length] for k in range(0, len(rows), length)]
        return rows


def _every(shape: Shape) -> Iterator[tuple[int, ...]]:
    return product(*map(range, shape))


@lru_cache(maxsize=512)
def _places(small: Shape, large: Shape) -> tuple[int, ...]:
    """For each cell of a large table the cell of a small one, whose axes are as long or of length one."""
    places = [0]
    for own, length in zip(small, large, strict=True):
        places = [at * own + (k if own > 1 else 0) for at in places for k in range(length)]
    return tuple(places)


class Exact:
    """Numbers of the standard library: every result is what it is, without rounding."""

    def table(self, shape: Sequence[int], cells: Iterable[Real]) -> Any:
        """A table of these numbers."""
        return Table(tuple(shape), list(cells))

    def times(self, first: Any, second: Any) -> Any:
        """The product; where one of two probabilities is zero the other counts for nothing, even if it is undefined."""
        return first.times(second)

    def over(self, above: Any, below: Any) -> Any:
        """The quotient, no number where it is divided by zero."""
        return above / below

    def root(self, table: Any) -> Any:
        """The square root of each number, of one below zero 0."""
        return Table(table.shape, [math.sqrt(max(cell, 0)) for cell in table.cells])

    def ratio(self, part: Any, whole: Any) -> Real:
        """The quotient of two numbers, as Python has it."""
        return part / whole if isinstance(part, float) else Fraction(part) / whole

    def share(self, value: float) -> Real:
        """A probability as it was written: 0.1 is a tenth."""
        return Fraction(repr(value))

    def at_least(self, table: Any, bound: Any, most: int) -> list[tuple[int, ...]]:
        """The places of the first numbers that are no smaller."""
        every = zip(_every(table.shape), table.cells, strict=True)
        return list(islice((at for at, cell in every if cell >= bound), most))

    def flipped(self, start: int, count: int, sources: Iterable[tuple[float, int]]) -> Any:
        """The law of `count` cells when each source, with its probability, flips the bits of its mask, from one cell on.

        It is a law times a whole number, which is the sum of its cells: whole numbers add much faster than fractions.
        """
        law = [0] * count
        law[start] = 1
        for probability, mask in sources:
            one = Fraction(probability)
            two = one.denominator - one.numerator
            law = [two * cell + one.numerator * law[at ^ mask] for at, cell in enumerate(law)]
        return Table((count,), law)


class Floats:
    """Numbers of NumPy."""

    def table(self, shape: Sequence[int], cells: Iterable[Real]) -> Any:
        """A table of these numbers."""
        import numpy as np

        return np.array(list(cells), dtype=float).reshape(shape)

    def times(self, first: Any, second: Any) -> Any:
        """The product; where one of two probabilities is zero the other counts for nothing, even if it is undefined."""
        import numpy as np

        return np.where((first == 0) | (second == 0), 0.0, first * second)

    def over(self, above: Any, below: Any) -> Any:
        """The quotient, no number where it is divided by zero."""
        import numpy as np

        # Rounding may leave 1e-20 above a zero: that is 0/0 too, not infinity.
        return np.where(below == 0, np.nan, above / below)

    def root(self, table: Any) -> Any:
        """The square root of each number, of one below zero 0."""
        import numpy as np

        return np.sqrt(np.maximum(table, 0.0))

    def ratio(self, part: Any, whole: Any) -> Real:
        """The quotient of two numbers, as Python has it."""
        return float(part / whole)

    def share(self, value: float) -> Real:
        """A probability as it was written."""
        return value

    def at_least(self, table: Any, bound: Any, most: int) -> list[tuple[int, ...]]:
        """The places of the first numbers that are no smaller."""
        import numpy as np

        return [tuple(map(int, cell)) for cell in np.argwhere(table >= bound)[:most]]

    def flipped(self, start: int, count: int, sources: Iterable[tuple[float, int]]) -> Any:
        """The law of `count` cells when each source, with its probability, flips the bits of its mask, from one cell on."""
        import numpy as np

        cells = np.arange(count)
        law = np.zeros(count)
        law[start] = 1.0
        for probability, mask in sources:
            law = (1 - probability) * law + probability * law[cells ^ mask]
        return law


Numbers: TypeAlias = Exact | Floats
EXACT, FLOATS = Exact(), Floats()


def numbers() -> Numbers:
    """Those of NumPy where it is installed, which are faster; else exact ones."""
    return FLOATS if _has_numpy() else EXACT


def numbers_of(table: Any) -> Numbers:
    """What made a table."""
    return EXACT if isinstance(table, Table) else FLOATS


@lru_cache(maxsize=1)
def _has_numpy() -> bool:
    try:
        return find_spec("numpy") is not None
    except ImportError:  # somebody forbids it
        return False

"""`Constant`: what an intervention leaves of a node. It has no name in the model language."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.errors import DataError, SupportError
from latentdo.graphs import Name

from ..column import ColumnSummary
from ..family import Level, finite
from ..prior import plain
from .noiseless import AbstractNoiseless


@dataclass(frozen=True)
class Constant(AbstractNoiseless):
    """`node = value`, whatever its parents: what `do(node = value)` leaves behind.

    It computes like a node without noise that has its value as the predictor.
    """

    name = "constant"
    equation = "Y = value"

    value: float

    def check(self, column: ColumnSummary) -> None:
        """No column belongs to a node that was set."""
        raise DataError(f"{column.name} was set by an intervention and has no data.", column=column.name)

    def check_value(self, node: Name, value: Level) -> float:
        """Only the value itself."""
        number = finite(node, value, "set", plain(self.value))
        if number != self.value:
            raise SupportError(node, f"{node} was set to {plain(self.value)}, it cannot be {plain(number)}.")
        return number

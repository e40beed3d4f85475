"""`Constant`: what an intervention leaves of a node. It has no name in the model language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from latentdo.errors import DataError, SupportError
from latentdo.graphs import Name

from ..arithmetic import Arithmetic, Array
from ..column import ColumnSummary
from ..family import AbstractFamily, Level, finite
from ..prior import plain


@dataclass(frozen=True)
class Constant(AbstractFamily):
    """`node = value`, whatever its parents: what `do(node = value)` leaves behind.

    It computes like a node without noise that has its value as the predictor.
    """

    name = "constant"
    equation = "Y = value"
    split = True
    has_predictor = False

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

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor."""
        return eta

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """None: there is no noise."""
        return 0.0 * eta

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """None: evidence on a point mass would be an equation, not a weight."""
        raise AssertionError("a noise-free node has no density")

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """None, as there is no density."""
        del spread
        raise AssertionError("a noise-free node has no density")

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor, whatever the noise."""
        return eta + 0.0 * noise

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """A step at the predictor."""
        return 1.0 * (eta <= y)

"""What families of positive values with a log link have in common."""

from __future__ import annotations

import math

from latentdo.errors import DataError, SupportError
from latentdo.graphs import Name, quote

from ..arithmetic import Arithmetic, Array
from ..column import ColumnSummary
from ..family import AbstractFamily, Level, finite
from ..prior import plain


class AbstractPositive(AbstractFamily):
    """A family of positive values whose predictor is on the log scale."""

    support = (0.0, math.inf)
    takes = "positive numbers"
    split = True
    log_link = True

    def check(self, column: ColumnSummary) -> None:
        """Only positive numbers are possible."""
        if column.minimum <= 0:
            shown, name = plain(column.minimum), quote(column.name)
            raise DataError(
                f"Column {column.name} is declared {self.name}, whose values are positive, but its smallest value is {shown}. "
                f"Remove or shift such rows, or give the node another family, such as {name} ~ normal(…).",
                column=column.name,
            )

    def check_value(self, node: Name, value: Level) -> float:
        """A positive number."""
        number = finite(node, value, self.name, self.takes)
        if number <= 0:
            raise SupportError(node, f"{node} is {self.name}: its values are positive numbers, not {plain(number)}.")
        return number

    def predicted(self, node: str) -> str:
        """The log."""
        return f"log {node}"

    def link(self, m: Arithmetic, values: Array) -> Array:
        """The log."""
        return m.np.log(values)

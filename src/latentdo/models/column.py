"""What a measured column looks like: all that a family needs to judge whether it can have made it.

Standard library only, so that families check a column, and archives keep it, without NumPy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ColumnSummary:
    """One column in numbers; every number counts a row as often as its weight says.

    Attributes:
        n: Number of rows.
        sd: Standard deviation with n - 1 in the denominator; 0 for a single row.
        integral: Whether all values are whole numbers.
        values: The distinct values in ascending order where there are at most 20, else empty.
    """

    name: str
    n: int
    mean: float
    sd: float
    minimum: float
    maximum: float
    n_distinct: int
    integral: bool
    values: tuple[float, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether all rows have the same value."""
        return self.n_distinct == 1

    def to_json(self) -> dict[str, Any]:
        """The summary as plain numbers, strings and lists, without the name."""
        fields = dataclasses.asdict(self)
        del fields["name"]
        return {**fields, "values": list(self.values)}

    @staticmethod
    def from_json(name: str, fields: Mapping[str, Any]) -> ColumnSummary:
        """The summary that `to_json` wrote."""
        values = tuple(float(value) for value in fields["values"])
        return ColumnSummary(name=name, **{**fields, "values": values})

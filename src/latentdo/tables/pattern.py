"""What is known of the cells of a row: which were never seen, and which were set from outside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from latentdo.graphs import Name


@dataclass(frozen=True, order=True)
class Pattern:
    """The cells of a row that are not simply measured; names in the order of the alphabet.

    Attributes:
        missing: Columns whose cell nobody saw: a number stands in it that means nothing.
        held: Columns whose cell was set: in this row the node did not answer to its causes.
    """

    missing: tuple[Name, ...] = ()
    held: tuple[Name, ...] = ()

    @staticmethod
    def of(missing: Collection[Name] = (), held: Collection[Name] = ()) -> Pattern:
        """The pattern of these columns, in whatever order."""
        return Pattern(tuple(sorted(missing)), tuple(sorted(held)))

    def among(self, names: Collection[Name]) -> Pattern:
        """What of it concerns these columns."""
        return Pattern(
            tuple(name for name in self.missing if name in names), tuple(name for name in self.held if name in names)
        )


PLAIN = Pattern()
"""Every cell was measured, and none was set."""

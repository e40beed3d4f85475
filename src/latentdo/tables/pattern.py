"""What is known of the cells of a row: which were never seen, and which were set from outside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from latentdo.graphs import Name, quote


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


@dataclass(frozen=True)
class Origin:
    """How one of the tables was given whose rows were put together.

    Attributes:
        file: Its name, as messages call it.
        do: The nodes that were set in every row.
        do_column: A column that names the nodes that were set in each row.
    """

    file: str
    do: tuple[Name, ...] = ()
    do_column: str = ""

    def __str__(self) -> str:
        if self.do:
            return f"{self.file} (do({', '.join(map(quote, self.do))}))"
        return f"{self.file} (do: {self.do_column})" if self.do_column else self.file


PLAIN = Pattern()
"""Every cell was measured, and none was set."""

"""`table`: a saturated conditional probability table, as in a Bayesian network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from latentdo.errors import SpecError
from latentdo.graphs import Name

from ..arithmetic import Arithmetic, Array
from ..family import AbstractFamily, Level
from ..prior import plain
from ..registry import register
from .levelled import AbstractLevelled

MAX_ENTRIES = 100_000
"""Of one table: beyond this there are more probabilities than any data could tell."""


@register
@dataclass(frozen=True)
class Table(AbstractLevelled):
    """`P(node = level | parents)` is a probability of its own for every combination of the parents' levels.

    Args:
        levels: Numbers or names; empty until a column tells.
        concentration: Of the symmetric Dirichlet prior of every row of the table; None for the default prior.
        given: The numbers that stand for each parent's levels, in the order of the parents; filled in by the model.
    """

    name = "table"
    equation = "P(Y = k | parents) = p_k(parents), each row p(parents) ~ Dirichlet"
    may_be_latent = True
    option_keys = ("levels", "concentration")

    levels: tuple[Level, ...] = ()
    concentration: float | None = None
    given: tuple[tuple[float, ...], ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of combinations of the parents' levels."""
        return math.prod(len(points) for points in self.given)

    @property
    def configurations(self) -> tuple[tuple[float, ...], ...]:
        """The combinations of the parents' levels, the last parent varying fastest: one row of the table each."""
        return tuple(itertools.product(*self.given))

    def beneath(self, given: tuple[tuple[float, ...], ...], node: Name) -> Table:
        """The table with the levels of its parents.

        Raises:
            SpecError: A table with more entries than can be learned.
        """
        found = replace(self, given=given)
        if found.n_rows * max(len(self.levels), 2) > MAX_ENTRIES:
            raise SpecError(
                f"The table of {node} has {found.n_rows} rows of {len(self.levels)} probabilities, and at most "
                f"{MAX_ENTRIES} entries are learned. Give it fewer parents, or make it categorical.",
                node=node,
            )
        return found

    def with_option(self, key: str, value: object, node: Name) -> AbstractFamily | None:
        """`levels=[a, b, c]` or `concentration=0.5`."""
        if key != "concentration":
            return super().with_option(key, value, node)
        if not isinstance(value, float | int) or not 0 < value < math.inf:
            raise SpecError(
                f"concentration of {node} is one positive number for its whole table, such as concentration=1.",
                node=node,
            )
        return replace(self, concentration=float(value))

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The levels, once they are known, and the concentration where one was given."""
        levels = super().options
        return levels if self.concentration is None else (*levels, ("concentration", plain(self.concentration)))

    def logs(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The log probability of each level, as `eta` has it on its leading axis."""
        return [eta[k] for k in range(len(self.levels))]

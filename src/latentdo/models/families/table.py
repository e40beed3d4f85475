"""`table`: a saturated conditional probability table, as in a Bayesian network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from latentdo.errors import SpecError
from latentdo.graphs import Name

from .. import levels as _levels
from ..arithmetic import Arithmetic, Array
from ..column import ColumnSummary
from ..family import AbstractFamily, Level, register
from ..prior import plain

MAX_ENTRIES = 100_000
"""Of one table: beyond this there are more probabilities than any data could tell."""


@register
@dataclass(frozen=True)
class Table(AbstractFamily):
    """`P(node = level | parents)` is a probability of its own for every combination of the parents' levels.

    Args:
        levels: Numbers or names; empty until a column tells.
        concentration: Of the symmetric Dirichlet prior of every row of the table; None for the default prior.
        given: The numbers that stand for each parent's levels, in the order of the parents; filled in by the model.
    """

    name = "table"
    equation = "P(Y = k | parents) = p_k(parents), each row p(parents) ~ Dirichlet"
    discrete = True
    may_be_latent = True
    option_keys = ("levels", "concentration")
    takes = "one of its levels"
    split = True
    has_predictor = False
    has_levels = True

    levels: tuple[Level, ...] = ()
    concentration: float | None = None
    given: tuple[tuple[float, ...], ...] = ()

    @property
    def points(self) -> tuple[float, ...]:
        """The numbers that stand for the levels."""
        return _levels.points_of(self.levels)

    @property
    def states(self) -> tuple[Level, ...]:
        """The levels."""
        return self.levels

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

    def check(self, column: ColumnSummary) -> None:
        """Only levels are possible."""
        _levels.check_levels(column, self.levels, "table")

    def check_value(self, node: Name, value: Level) -> float:
        """The number that stands for the level."""
        return _levels.point(node, value, self.levels, "table")

    def with_option(self, key: str, value: object, node: Name) -> Table | None:
        """`levels=[a, b, c]` or `concentration=0.5`."""
        match key, value:
            case "levels", tuple():
                return replace(self, levels=_levels.settled(value, node))
            case "levels", _:
                raise SpecError(f"levels of {node} is a list: levels=[a, b, c].", node=node)
            case "concentration", float() | int() if 0 < value < math.inf:
                return replace(self, concentration=float(value))
            case "concentration", _:
                raise SpecError(
                    f"concentration of {node} is a positive number, that of every level of every row of its table.",
                    node=node,
                )
            case _:
                return None

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The levels, once they are known, and the concentration where one was given."""
        levels = (("levels", _levels.typed(self.levels)),) if self.levels else ()
        return levels if self.concentration is None else (*levels, ("concentration", plain(self.concentration)))

    def chances(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The probability of each level; `eta` has the log probabilities of the levels on its leading axis."""
        return [m.np.exp(eta[k]) for k in range(len(self.levels))]

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The mean of the numbers that stand for the levels."""
        return _levels.expected(self.points, self.chances(m, eta, parameters))

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Of the numbers that stand for the levels."""
        return _levels.spread(self.points, self.chances(m, eta, parameters))

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log probability of the level."""
        return _levels.selected(m, self.points, y, [eta[k] for k in range(len(self.levels))])

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The level at the quantile; the noise is uniform."""
        return _levels.quantile(m, self.points, noise, self.chances(m, eta, parameters))

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Steps at the levels."""
        return _levels.below(m, self.points, y, self.chances(m, eta, parameters))

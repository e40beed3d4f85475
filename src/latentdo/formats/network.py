"""A Bayesian network with its tables, as BIF and XMLBIF state one; and the model of tables that it is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentdo.graphs import Level, Name, format_level, quote

if TYPE_CHECKING:
    from latentdo.models import ModelSpec

Row = tuple[float, ...]


@dataclass(frozen=True)
class Variable:
    """A node with its states, its parents in the order of its table, and a row of probabilities per combination of theirs."""

    name: Name
    states: tuple[str, ...]
    parents: tuple[Name, ...] = ()
    rows: tuple[tuple[tuple[str, ...], Row], ...] = ()


@dataclass(frozen=True)
class Network:
    """Nodes with tables of probabilities, in the order of the source."""

    name: str
    variables: tuple[Variable, ...]

    @property
    def by_name(self) -> dict[Name, Variable]:
        """Variable by name."""
        return {variable.name: variable for variable in self.variables}

    def model_text(self) -> str:
        """The network as a model whose nodes are tables; their probabilities are what a fit learns."""
        lines = []
        for variable in self.variables:
            items = [*map(quote, variable.parents), f"levels=[{', '.join(map(format_level, levels(variable.states)))}]"]
            lines.append(f"{quote(variable.name)} ~ table({', '.join(items)})")
        return "\n".join(lines)

    def model(self) -> ModelSpec:
        """The model of these tables.

        Raises:
            SpecError: A table that is too large to be learned.
        """
        from latentdo.models import ModelSpec

        return ModelSpec.parse(self.model_text())


def levels(states: Sequence[str]) -> tuple[Level, ...]:
    """The states as levels: numbers where all are numbers that differ, else names."""
    try:
        numbers = [float(state) for state in states]
    except ValueError:
        return tuple(states)
    is_plain = all(math.isfinite(n) for n in numbers) and len(set(numbers)) == len(numbers)
    return tuple(numbers) if is_plain and not any("_" in state for state in states) else tuple(states)


def combinations(parents: Sequence[Name], states: Mapping[Name, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """The combinations of the parents' states, the last parent varying fastest."""
    return itertools.product(*(states[parent] for parent in parents))

"""Random discrete models with latents, small enough to enumerate: the numbers that a proof is checked against.

Needs NumPy, which is imported where numbers are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from latentdo.graphs import Admg, Name

from ..engine.evaluate import tabulated
from ..engine.expression import AbstractExpression, Prob

# A model enumerates at most 2 to this many cells over its measured nodes, and as many latents join them.
MOST_BINARY = 10
MOST_LATENTS = 12


@dataclass(eq=False)
class RandomModel:
    """A model of the graph in which some nodes are binary and all others constant.

    Every node is drawn from a table given its parents and one binary latent per bidirected edge, every probability
    positive. A constant node is a node with one level: what is an identity of laws holds for such models too.

    Attributes:
        graph: Whose model it is.
        binary: The nodes with two levels: the axes of its laws.
    """

    graph: Admg
    binary: tuple[Name, ...]
    random: Any
    _laws: dict[frozenset[Name], Any] = field(default_factory=dict[frozenset[Name], Any])

    def __post_init__(self) -> None:
        self._axis = {name: i for i, name in enumerate(self.binary)}
        arcs = sorted(pair for pair in self.graph.bidirected if set(pair) <= self._axis.keys())
        chosen = sorted(self.random.choice(len(arcs), min(len(arcs), MOST_LATENTS), replace=False)) if arcs else []
        arcs = [arcs[i] for i in chosen]
        self._inputs: dict[Name, list[int]] = {}
        self._tables: dict[Name, Any] = {}
        for name in self.binary:
            latents = [len(self.binary) + i for i, pair in enumerate(arcs) if name in pair]
            parents = [self._axis[parent] for parent in self.graph.parents(name) if parent in self._axis]
            self._inputs[name] = [*parents, *latents, self._axis[name]]
            table = self.random.uniform(0.1, 1.0, (2,) * len(self._inputs[name]))
            self._tables[name] = table / table.sum(axis=-1, keepdims=True)
        self._coins = [(len(self.binary) + i, self.random.uniform(0.2, 0.8)) for i in range(len(arcs))]

    def law(self, do: Iterable[Name]) -> Any:
        """P(V | do), one axis per binary node; a node that is set is an axis of settings."""
        import numpy as np

        key = frozenset(do)
        if key not in self._laws:
            operands: list[Any] = []
            for name in self.binary:
                if name in key:
                    operands += [np.ones(2), [self._axis[name]]]
                else:
                    operands += [self._tables[name], self._inputs[name]]
            for axis, coin in self._coins:
                operands += [np.array([coin, 1 - coin]), [axis]]
            self._laws[key] = np.einsum(*operands, list(range(len(self.binary))), optimize="greedy")
        return self._laws[key]

    def value(self, expression: AbstractExpression, laws: RandomModel | FreeLaws | None = None) -> Any:
        """The expression for every value of its free names, with all axes, of length one where it is constant.

        Args:
            laws: Whose laws to use in place of the model's own.
        """
        source = laws or self

        def conditional(part: Prob) -> Any:
            active = frozenset(part.do).intersection(self._axis)
            law = source.law(active)
            return self._margin(law, active, part.outcomes + part.given) / self._margin(law, active, part.given)

        # A summed node that the body does not mention would count its levels: no step leaves one.
        return tabulated(expression, self._axis, conditional, len(self.binary))

    def _margin(self, law: Any, do: frozenset[Name], names: Sequence[Name]) -> Any:
        axes = do.union(names)
        return law.sum(axis=tuple(i for i, name in enumerate(self.binary) if name not in axes), keepdims=True)


@dataclass(eq=False)
class FreeLaws:
    """A random law for every intervention, none tied to another by any graph: what holds for these holds for every law.

    Attributes:
        binary: The nodes with two levels: the axes of the laws.
    """

    binary: tuple[Name, ...]
    random: Any
    _laws: dict[frozenset[Name], Any] = field(default_factory=dict[frozenset[Name], Any])

    def law(self, do: frozenset[Name]) -> Any:
        """P(V | do), one axis per node; a node that is set is an axis of settings."""
        import numpy as np

        if do not in self._laws:
            weights = np.asarray(self.random.standard_exponential((2,) * len(self.binary)))
            axes = tuple(i for i, name in enumerate(self.binary) if name not in do)
            self._laws[do] = weights / weights.sum(axis=axes, keepdims=True)
        return self._laws[do]

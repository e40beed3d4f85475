"""Random discrete models with latents, small enough to enumerate: the numbers that a proof is checked against.

Their probabilities are whole numbers over `WHOLE`, so that they are exact in either kind of table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from latentdo.graphs import Admg, Name

from ..engine.evaluate import tabulated
from ..engine.expression import AbstractExpression, Prob
from ..engine.tables import Numbers

# A model enumerates at most 2 to this many cells over its measured nodes, and as many latents join them.
MOST_BINARY = 10
MOST_LATENTS = 12
WHOLE = 64


@dataclass(eq=False)
class RandomModel:
    """A model of the graph in which some nodes are binary and all others constant.

    Every node is drawn from a table given its parents and one binary latent per bidirected edge, every probability
    positive. A constant node is a node with one level: what is an identity of laws holds for such models too.

    Attributes:
        graph: Whose model it is.
        binary: The nodes with two levels: the axes of its laws.
        random: What draws it.
        numbers: What its laws are tables of.
    """

    graph: Admg
    binary: tuple[Name, ...]
    random: Random
    numbers: Numbers
    _laws: dict[frozenset[Name], Any] = field(default_factory=dict[frozenset[Name], Any])

    def __post_init__(self) -> None:
        self._axis = {name: i for i, name in enumerate(self.binary)}
        arcs = sorted(pair for pair in self.graph.bidirected if set(pair) <= self._axis.keys())
        arcs = sorted(self.random.sample(arcs, min(len(arcs), MOST_LATENTS)))
        self._ndim = len(self.binary) + len(arcs)
        self._tables: dict[Name, Any] = {}
        for name in self.binary:
            latents = [len(self.binary) + i for i, pair in enumerate(arcs) if name in pair]
            parents = [self._axis[parent] for parent in self.graph.parents(name) if parent in self._axis]
            self._tables[name] = self._drawn([*parents, *latents], self._axis[name])
        self._coins = [self._drawn([], len(self.binary) + i) for i in range(len(arcs))]

    def _drawn(self, given: Sequence[int], axis: int) -> Any:
        """A random table of one axis given others, of all axes, in whole numbers that sum to `WHOLE`."""
        ones = iter([self.random.randrange(1, WHOLE) for _ in range(1 << len(given))])
        inside = {*given, axis}
        after = sum(other > axis for other in given)
        cells = [0] * (2 << len(given))
        for k in range(len(cells)):
            if not k >> after & 1:
                cells[k] = next(ones)
                cells[k | 1 << after] = WHOLE - cells[k]
        return self.numbers.table([2 if k in inside else 1 for k in range(self._ndim)], cells)

    def law(self, do: Iterable[Name]) -> Any:
        """P(V | do) times a whole number, one axis per binary node; a node that is set is an axis of settings."""
        key = frozenset(do)
        if key not in self._laws:
            factors = [self._tables[name] for name in self.binary if name not in key] + self._coins
            hidden = set(range(len(self.binary), self._ndim))
            while hidden:
                # First what leaves the smallest table.
                axis = min(sorted(hidden), key=lambda axis: _width(factors, axis))
                hidden.remove(axis)
                factors = _summed_out(factors, axis)
            settings = [2 if k < len(self.binary) and self.binary[k] in key else 1 for k in range(self._ndim)]
            law = self.numbers.table(settings, [1] * math.prod(settings))
            for factor in factors:
                law = law * factor
            self._laws[key] = law.reshape(law.shape[: len(self.binary)])
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
            margins = (self._margin(law, active, names) for names in (part.outcomes + part.given, part.given))
            return self.numbers.over(*margins)

        # A summed node that the body does not mention would count its levels: no step leaves one.
        return tabulated(expression, self._axis, conditional, len(self.binary), self.numbers)

    def _margin(self, law: Any, do: frozenset[Name], names: Sequence[Name]) -> Any:
        axes = do.union(names)
        return law.sum(axis=tuple(i for i, name in enumerate(self.binary) if name not in axes), keepdims=True)


def _width(factors: Sequence[Any], axis: int) -> int:
    """How many axes the product of the factors with this axis has."""
    shapes = [factor.shape for factor in factors if factor.shape[axis] > 1]
    return sum(max(lengths) > 1 for lengths in zip(*shapes, strict=True))


def _summed_out(factors: Sequence[Any], axis: int) -> list[Any]:
    """The factors of a law once an axis is summed out of those that have it."""
    inside = [factor for factor in factors if factor.shape[axis] > 1]
    if not inside:
        return list(factors)
    joined, *others = inside
    for factor in others:
        joined = joined * factor
    return [*(factor for factor in factors if factor.shape[axis] == 1), joined.sum(axis=(axis,), keepdims=True)]


@dataclass(eq=False)
class FreeLaws:
    """A random law for every intervention, none tied to another by any graph: what holds for these holds for every law.

    Attributes:
        binary: The nodes with two levels: the axes of the laws.
        random: What draws them.
        numbers: What they are tables of.
    """

    binary: tuple[Name, ...]
    random: Random
    numbers: Numbers
    _laws: dict[frozenset[Name], Any] = field(default_factory=dict[frozenset[Name], Any])

    def law(self, do: frozenset[Name]) -> Any:
        """P(V | do) times a number for each setting, one axis per node; a node that is set is an axis of settings."""
        if do not in self._laws:
            cells = self.random.choices(range(1, WHOLE), k=1 << len(self.binary))
            self._laws[do] = self.numbers.table((2,) * len(self.binary), cells)
        return self._laws[do]

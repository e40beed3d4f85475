"""Models whose nodes are sums of bits modulo 2: the kind that proves a "no", with its laws by enumeration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, SupportsIndex

from latentdo import arguments
from latentdo.errors import QueryError, UnknownNodeError
from latentdo.graphs import Admg, Name, quote

from ..engine.tables import EXACT, Numbers, Table, numbers

Level = int


@dataclass(frozen=True)
class Coin:
    """A coin that nobody measures, tossed for each unit: a common cause of two nodes.

    Attributes:
        number: Which coin: c1, c2, …
        ends: The two nodes that see it, joined by `<->` in the graph.
        probability: How probable it is that it shows 1.
    """

    number: int
    ends: tuple[Name, Name]
    probability: float = 0.5

    def __str__(self) -> str:
        return f"c{self.number}"


@dataclass(frozen=True)
class Bit:
    """One bit of a measured node: the sum modulo 2 of what it reads, then flipped with a small probability.

    Attributes:
        node: The node.
        place: Which of the node's bits, from 0, highest first.
        reads: Bits of the node's parents, as pairs (node, place).
        coins: The coins that it sees.
        error: The probability of the flip; 1/2 makes the bit a fair coin of its own.
    """

    node: Name
    place: int
    reads: tuple[tuple[Name, int], ...] = ()
    coins: tuple[Coin, ...] = ()
    error: float = 0.0


@dataclass(frozen=True)
class ParityModel:
    """A model of some nodes of a graph, each made of bits; what it does not name is an independent fair coin.

    Attributes:
        bits: Every bit, parents before children.
    """

    bits: tuple[Bit, ...]

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """The nodes, which are the axes of its laws: parents before children."""
        return tuple(dict.fromkeys(bit.node for bit in self.bits))

    @cached_property
    def widths(self) -> dict[Name, int]:
        """How many bits each node has; a node of k bits has the levels 0 to 2^k - 1."""
        counts = dict.fromkeys(self.names, 0)
        for bit in self.bits:
            counts[bit.node] += 1
        return counts

    @property
    def coins(self) -> tuple[Coin, ...]:
        """The coins that some node sees, in order."""
        return tuple(sorted({coin for bit in self.bits for coin in bit.coins}, key=lambda coin: coin.number))

    def observational(self) -> Any:
        """P(V) as an array, one axis for each of `names`; without NumPy as a table of fractions."""
        return self.interventional({})

    def interventional(self, do: Mapping[Name, Level | tuple[float, ...]]) -> Any:
        """P(V | do) as `observational` gives P(V), one axis for each of `names`; a node that is set keeps its axis.

        Args:
            do: The level of each node that is set, or one probability per level for a node that is drawn.

        Raises:
            UnknownNodeError: A name is not a node of the model.
            QueryError: A level that the node does not have, or no mapping from names to levels.
        """
        if not isinstance(do, Mapping):
            raise QueryError(
                f"`do` takes a mapping from nodes to levels, such as {{'X': 1}}, got {arguments.shown(do)}."
            )
        arguments.names("`do`", do, QueryError)
        for name, value in do.items():
            self._check(name, value)
        law = self.law(do)
        return law / law.sum() if isinstance(law, Table) else law

    def exact_law(self) -> Table:
        """P(V) as a table of fractions, whatever is installed."""
        law = self.law({}, EXACT)
        return law / law.sum()

    def law(self, do: Mapping[Name, Level | tuple[float, ...]], made_of: Numbers | None = None) -> Any:
        """P(V | do) as a table of either kind, of exact numbers times a whole one: that is their sum."""
        made_of = made_of or numbers()
        drawn = [(name, value) for name, value in do.items() if isinstance(value, tuple)]
        fixed = {name: value for name, value in do.items() if not isinstance(value, tuple)}
        total: Any = 0
        for levels in itertools.product(*(range(len(weights)) for _, weights in drawn)):
            weight = math.prod(made_of.share(weights[level]) for (_, weights), level in zip(drawn, levels, strict=True))
            setting = dict(zip((name for name, _ in drawn), levels, strict=True))
            total = self._law({**fixed, **setting}, made_of) * weight + total
        return total

    def _check(self, name: Name, value: Level | tuple[float, ...]) -> None:
        if name not in self.widths:
            raise UnknownNodeError(name, self.names)
        count = 1 << self.widths[name]
        if isinstance(value, tuple):
            if len(value) != count or not abs(sum(value) - 1) < 1e-9 or min(value) < 0:
                raise QueryError(f"{name!r} is drawn from {value}. It has {count} levels: give them probabilities.")
        elif not isinstance(value, SupportsIndex) or value not in range(count):
            raise QueryError(f"{name!r} cannot be set to {arguments.shown(value)}. Its levels are 0 to {count - 1}.")

    def _law(self, do: Mapping[Name, Level], made_of: Numbers) -> Any:
        """The law by enumeration: each independent source, one after the other, flips the bits that hear it."""
        heard, start = self._sources(do)
        law = made_of.flipped(start, 1 << len(self.bits), heard.values())
        return law.reshape([1 << self.widths[name] for name in self.names])

    def _sources(self, do: Mapping[Name, Level]) -> tuple[dict[object, tuple[float, int]], int]:
        """For each source its probability and the bits that it flips, and where all sources are 0."""
        errors: dict[object, float] = {(bit.node, bit.place): bit.error for bit in self.bits}
        heard: dict[object, tuple[float, int]] = {}
        inside: dict[tuple[Name, int], tuple[frozenset[object], int]] = {}
        start = 0
        for cell, bit in self._cells():
            sources: frozenset[object] = frozenset()
            value = 0
            if bit.node in do:
                value = do[bit.node] >> (self.widths[bit.node] - 1 - bit.place) & 1
            else:
                for read in bit.reads:
                    sources ^= inside[read][0]
                    value ^= inside[read][1]
                sources ^= frozenset(bit.coins) | (frozenset([(bit.node, bit.place)]) if bit.error else frozenset())
            inside[bit.node, bit.place] = sources, value
            start |= cell if value else 0
            for source in sources:
                probability = source.probability if isinstance(source, Coin) else errors[source]
                heard[source] = probability, heard.get(source, (0.0, 0))[1] | cell
        return heard, start

    def _cells(self) -> list[tuple[int, Bit]]:
        """Each bit with its weight in the number of a cell: the first axis changes slowest."""
        order = {name: i for i, name in enumerate(self.names)}
        ranked = sorted(self.bits, key=lambda bit: (order[bit.node], bit.place))
        return [(1 << len(ranked) - 1 - i, bit) for i, bit in enumerate(ranked)]

    def fits(self, graph: Admg) -> bool:
        """Whether every bit reads parents only, and every coin stands for a bidirected edge of its node."""
        for bit in self.bits:
            if any((name, bit.node) not in graph.directed for name, _ in bit.reads):
                return False
            for coin in bit.coins:
                a, b = coin.ends
                if bit.node not in coin.ends or not graph.bidirected & {(a, b), (b, a)}:
                    return False
        return True

    def equations(self) -> dict[Name, tuple[str, ...]]:
        """How each node is made, one line for each of its bits."""
        lines: dict[Name, tuple[str, ...]] = dict.fromkeys(self.names, ())
        for bit in sorted(self.bits, key=lambda bit: bit.place):
            lines[bit.node] += (f"{self._bit(bit.node, bit.place)} = {self._sum(bit)}",)
        return lines

    def _bit(self, name: Name, place: int) -> str:
        return quote(name) if self.widths[name] == 1 else f"{quote(name)}.{place + 1}"

    def _sum(self, bit: Bit) -> str:
        if bit.error == 0.5:
            return "a fair coin of its own"
        terms = [*(self._bit(*read) for read in bit.reads), *map(str, bit.coins)]
        error = f"flipped in 1 of {round(1 / bit.error)} units" if bit.error else ""
        return ", ".join(filter(None, [" + ".join(terms) or "0", error]))

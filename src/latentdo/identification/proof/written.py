"""The sides of an equation and the cut graphs of a proof, as values that print."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latentdo.graphs import Admg, Name, mutilate, quote

from ..engine import render
from ..engine.expression import Expression


@dataclass(frozen=True)
class Written:
    """A formula as it stands in a proof, with `do` where it still has one."""

    expression: Expression

    @cached_property
    def text(self) -> str:
        """The formula in one line; bound copies are primed."""
        return render.line(self.expression)

    @cached_property
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        return render.latex_line(self.expression)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Written: {self.text}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Written, (self.expression,)


@dataclass(frozen=True)
class CutGraph:
    """A graph without the edges into some nodes and out of others.

    Attributes:
        whole: The graph before the cut.
        into: Nodes that no edge points into any more, as after an intervention on them.
        out_of: Nodes that no directed edge leaves any more.
    """

    whole: Admg
    into: tuple[Name, ...] = ()
    out_of: tuple[Name, ...] = ()

    @cached_property
    def graph(self) -> Admg:
        """What is left."""
        return mutilate(self.whole, into=self.into, out_of=self.out_of)

    @cached_property
    def text(self) -> str:
        """What is left, in the notation that `ld.graph` reads."""
        return str(self.graph)

    @property
    def label(self) -> str:
        """The graph in a few words."""
        cuts = [f"{side} {_listed(nodes)}" for side, nodes in self._cuts if nodes]
        return f"the graph without the edges {' and '.join(cuts)}" if cuts else "the graph"

    @property
    def latex(self) -> str:
        """The usual symbol: a bar over nodes whose incoming edges are cut, under nodes whose outgoing edges are."""
        bars = [rf"\{bar}{{{render.latex_names(nodes)}}}" for bar, nodes in self._bars if nodes]
        return f"G_{{{' '.join(bars)}}}" if bars else "G"

    @property
    def _cuts(self) -> tuple[tuple[str, tuple[Name, ...]], ...]:
        return ("into", self.into), ("out of", self.out_of)

    @property
    def _bars(self) -> tuple[tuple[str, tuple[Name, ...]], ...]:
        return ("overline", self.into), ("underline", self.out_of)

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Any, ...]:
        return CutGraph, (self.whole, self.into, self.out_of)


@dataclass(frozen=True)
class Separation:
    """`first` and `second` are m-separated by `given` in the graph of the step."""

    first: tuple[Name, ...]
    second: tuple[Name, ...]
    given: tuple[Name, ...] = ()

    @property
    def text(self) -> str:
        """The statement in one line."""
        given = f" | {_listed(self.given)}" if self.given else ""
        return f"({_listed(self.first)} ⊥⊥ {_listed(self.second)}{given})"

    @property
    def latex(self) -> str:
        """The statement in LaTeX."""
        given = rf" \mid {render.latex_names(self.given)}" if self.given else ""
        first, second = render.latex_names(self.first), render.latex_names(self.second)
        return rf"({first} \perp\!\!\!\perp {second}{given})"

    def __str__(self) -> str:
        return self.text


def _listed(nodes: tuple[Name, ...]) -> str:
    return ", ".join(map(quote, nodes))

"""Formulas for the page: as text, in LaTeX, and with every node marked, so that the page can light it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from latentdo.graphs import Name
from latentdo.identification import Written


class Marks:
    """Wraps a node in LaTeX so that the page knows which it is: by its number, as a name may hold any sign."""

    def __init__(self, nodes: Iterable[Name]) -> None:
        self.nodes = tuple(nodes)
        self._index = {name: k for k, name in enumerate(self.nodes)}

    def mark(self, name: Name, latex: str) -> str:
        """The node's LaTeX as a span with `data-node`; of what is no node of the graph the LaTeX alone."""
        number = self._index.get(name)
        return latex if number is None else rf"\htmlData{{node={number}}}{{{latex}}}"

    def formula(
        self, written: Written, sets: Mapping[str, frozenset[Name]], *, explained: bool = False
    ) -> dict[str, Any]:
        """A formula of a proof, large sets of nodes by their letters, explained behind it or elsewhere."""
        return {
            "text": written.line(sets, explained=explained),
            "latex": written.latex_line(sets, explained=explained),
            "marked": written.latex_line(sets, self.mark, explained=explained),
        }

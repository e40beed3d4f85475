"""Formulas for the page: as text, in LaTeX, and with every node marked, so that the page can light it."""

from __future__ import annotations

from collections.abc import Iterable
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

    def formula(self, written: Written) -> dict[str, Any]:
        """A formula of a proof."""
        return {"text": written.text, "latex": written.latex, "marked": written.marked_latex(self.mark)}

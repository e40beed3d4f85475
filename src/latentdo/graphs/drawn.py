"""What can be looked at: graphs and models are drawn alike, as a figure, a file, or in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from .bitset import Name

MAKER = "latentdo.drawings"
"""The file that knows what a question and a fit mark in a drawing. It stands on rooms above this one, and is loaded by name
when something is drawn, so that no import of this room runs up."""


class AbstractDrawn:
    """A value with a graph that is drawn."""

    def drawing(
        self, query: Any = None, *, adjustment: Iterable[Name] | None = None, posterior: Any = None, title: str = ""
    ) -> Any:
        """The drawing, as a value with `.svg`, `.tikz`, `.mermaid`, `.save(path)` and `.plot()`.

        Args:
            query: A question: what is set, asked about and seen is marked, and the best set to adjust for, where there is one.
            adjustment: Nodes to mark as adjusted for, in place of that set.
            posterior: A fit whose weights stand beside the edges, each with its 90 % interval.
            title: What stands above it.

        Raises:
            NotationError: The query cannot be read.
            QueryError: The query makes no sense for the graph.
            UnsupportedError: More than 150 nodes, once it is shown.
        """
        maker = import_module(MAKER).drawing_of
        return maker(self, query, adjustment=adjustment, posterior=posterior, title=title)

    def plot(
        self,
        query: Any = None,
        *,
        adjustment: Iterable[Name] | None = None,
        posterior: Any = None,
        title: str = "",
        ax: Any = None,
    ) -> Any:
        """The drawing as matplotlib axes: causes on the left, latent nodes dashed, hidden common causes as dashed curves.

        What inhibits ends in a T. Files without matplotlib (SVG, TikZ, Mermaid) come from `drawing(…).save(path)`.

        Args:
            query: A question: what is set, asked about and seen is marked, and the best set to adjust for, where there is one.
            adjustment: Nodes to mark as adjusted for, in place of that set.
            posterior: A fit whose weights stand beside the edges, each with its 90 % interval.
            title: What stands above it.
            ax: Axes to draw into; a figure of its own unless given.

        Raises:
            MissingExtraError: matplotlib is not installed.
            UnsupportedError: More than 150 nodes.
        """
        return self.drawing(query, adjustment=adjustment, posterior=posterior, title=title).plot(ax=ax)

    def _repr_svg_(self) -> str | None:
        return import_module(MAKER).notebook_svg(self)

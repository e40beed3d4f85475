"""`Drawing`: a graph with what is marked in it, laid out once, and shown as SVG, TikZ, Mermaid or matplotlib axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from latentdo.errors import UnsupportedError, UsageError
from latentdo.files import write_table
from latentdo.graphs import Admg, LatentDag

from .layout import Layout, laid
from .mermaid import mermaid
from .network import network, picture
from .scene import MOST_NODES, Scene, scene_of
from .svg import svg
from .tikz import document, tikz

SUFFIXES = (".svg", ".png", ".pdf", ".tikz", ".tex", ".mmd", ".mermaid")


@dataclass(frozen=True)
class Drawing:
    """A graph to look at.

    Attributes:
        scene: Its nodes and edges with their marks.
    """

    scene: Scene

    @cached_property
    def layout(self) -> Layout:
        """Where everything stands.

        Raises:
            UnsupportedError: More nodes than can be seen.
        """
        if len(self.scene.nodes) > MOST_NODES:
            raise UnsupportedError(
                f"The graph has {len(self.scene.nodes)} nodes, and at most {MOST_NODES} are drawn. Draw a part of it, such as "
                "the ancestors of an outcome, or export it to a program for large networks: latentdo convert GRAPH g.graphml."
            )
        return laid(self.scene)

    @property
    def svg(self) -> str:
        """The drawing as an SVG element."""
        return svg(self.scene, self.layout)

    @property
    def tikz(self) -> str:
        """The drawing as a `tikzpicture`."""
        return tikz(self.scene, self.layout)

    @property
    def mermaid(self) -> str:
        """The graph as a flowchart of Mermaid, which lays it out anew."""
        return mermaid(self.scene)

    def _repr_svg_(self) -> str:
        return self.svg

    def plot(self, *, ax: Any = None) -> Any:
        """The drawing as matplotlib axes.

        Args:
            ax: Axes to draw into; a figure of its own unless given.

        Raises:
            MissingExtraError: matplotlib is not installed.
            QueryError: These are no axes.
        """
        return network(self.scene, self.layout, ax=ax)

    def content(self, suffix: str) -> bytes:
        """The drawing as the content of a file that ends in this suffix.

        Raises:
            UsageError: A suffix that no drawing has.
            MissingExtraError: A `.png` or `.pdf` without matplotlib.
        """
        match suffix.lower():
            case ".svg":
                return f'<?xml version="1.0" encoding="UTF-8"?>\n{self.svg}\n'.encode()
            case ".tikz":
                return self.tikz.encode()
            case ".tex":
                return document(self.scene, self.layout).encode()
            case ".mmd" | ".mermaid":
                return self.mermaid.encode()
            case ".png" | ".pdf":
                return picture(self.scene, self.layout, suffix[1:].lower())
            case _:
                raise UsageError(f"A drawing ends in {', '.join(SUFFIXES)}, not in {suffix!r}.")

    def save(self, path: str | Path) -> Path:
        """Write the drawing to a file, in the form that its end names, and return the path.

        Raises:
            UsageError: A suffix that no drawing has.
            MissingExtraError: A `.png` or `.pdf` without matplotlib.
            DataError: The file cannot be written.
        """
        return write_table(path, self.content(Path(path).suffix))


def drawing(graph: LatentDag | Admg, **marks: Any) -> Drawing:
    """The drawing of a graph; the marks are those of `scene_of`."""
    return Drawing(scene_of(graph, **marks))

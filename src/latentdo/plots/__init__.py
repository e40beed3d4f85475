"""Rows, graphs and arrays as matplotlib axes. NumPy and matplotlib are loaded when something that needs them is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .canvas import COLOURS, stacked
from .diagram import diagram
from .figure_files import inlined, write_figure
from .forest import forest, forest_panels
from .heat import Tile, heat, limit_of, matrix, tint
from .notebook import leave, png

if TYPE_CHECKING:
    from .box import Box, BoxPanel, boxes, boxes_caption
    from .curve import Band, Curve, curves
    from .density import Law, densities
    from .share import Share, SharePanel, shares
    from .sizes import Planned, size_curve
    from .span import Span, spans
    from .surfaces import Surface, surface

# A derivation is drawn without NumPy.
_LAZY = {
    "Band": "curve",
    "Box": "box",
    "BoxPanel": "box",
    "Curve": "curve",
    "Law": "density",
    "Planned": "sizes",
    "Share": "share",
    "SharePanel": "share",
    "Span": "span",
    "Surface": "surfaces",
    "boxes": "box",
    "boxes_caption": "box",
    "curves": "curve",
    "densities": "density",
    "shares": "share",
    "spans": "span",
    "size_curve": "sizes",
    "surface": "surfaces",
}

__all__ = [
    "COLOURS",
    "Band",
    "Box",
    "BoxPanel",
    "Curve",
    "Law",
    "Planned",
    "Share",
    "SharePanel",
    "Span",
    "Surface",
    "Tile",
    "boxes",
    "boxes_caption",
    "curves",
    "densities",
    "diagram",
    "forest",
    "forest_panels",
    "heat",
    "inlined",
    "leave",
    "limit_of",
    "matrix",
    "png",
    "shares",
    "size_curve",
    "spans",
    "stacked",
    "surface",
    "tint",
    "write_figure",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)

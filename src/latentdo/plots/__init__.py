"""Rows, graphs and arrays as matplotlib axes. NumPy and matplotlib are loaded when something that needs them is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .bars import bounds_bar
from .canvas import WIDTH, bare, laid_out, own_figure, plain, stacked
from .colours import COLOURS
from .diagram import diagram
from .drawing import SUFFIXES, Drawing, drawing
from .forest import forest, forest_panels
from .heat import Tile, heat, limit_of, matrix, tint
from .notebook import data_uri, leave
from .scene import MOST_NODES, Role

if TYPE_CHECKING:
    from .curve import Band, Curve, curves
    from .density import Law, densities
    from .residuals import ResidualPanel, residual_panels
    from .sizes import Planned, size_curve
    from .surfaces import Surface, surface

# A derivation is drawn without NumPy.
_LAZY = {
    "Band": "curve",
    "Curve": "curve",
    "Law": "density",
    "Planned": "sizes",
    "ResidualPanel": "residuals",
    "Surface": "surfaces",
    "curves": "curve",
    "densities": "density",
    "residual_panels": "residuals",
    "size_curve": "sizes",
    "surface": "surfaces",
}

__all__ = [
    "COLOURS",
    "MOST_NODES",
    "SUFFIXES",
    "WIDTH",
    "Band",
    "Curve",
    "Drawing",
    "Law",
    "Planned",
    "ResidualPanel",
    "Role",
    "Surface",
    "Tile",
    "bare",
    "bounds_bar",
    "curves",
    "data_uri",
    "densities",
    "diagram",
    "drawing",
    "forest",
    "forest_panels",
    "heat",
    "laid_out",
    "leave",
    "limit_of",
    "matrix",
    "own_figure",
    "plain",
    "residual_panels",
    "size_curve",
    "stacked",
    "surface",
    "tint",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)

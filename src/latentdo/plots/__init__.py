"""Rows, graphs and arrays as matplotlib axes. NumPy and matplotlib are loaded when something that needs them is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .canvas import COLOURS, stacked
from .diagram import diagram
from .forest import forest, forest_panels
from .heat import Tile, heat, limit_of, tint
from .matrix import matrix
from .notebook import leave, png

if TYPE_CHECKING:
    from .curve import Band, Curve, curves
    from .density import Law, densities
    from .methods import MethodCurve, method_curves
    from .surfaces import Surface, surface

# A derivation is drawn without NumPy.
_LAZY = {
    "Band": "curve",
    "Curve": "curve",
    "Law": "density",
    "MethodCurve": "methods",
    "Surface": "surfaces",
    "curves": "curve",
    "densities": "density",
    "method_curves": "methods",
    "surface": "surfaces",
}

__all__ = [
    "COLOURS",
    "Band",
    "Curve",
    "Law",
    "MethodCurve",
    "Surface",
    "Tile",
    "curves",
    "densities",
    "diagram",
    "forest",
    "forest_panels",
    "heat",
    "leave",
    "limit_of",
    "matrix",
    "method_curves",
    "png",
    "stacked",
    "surface",
    "tint",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)

"""Rows, graphs and arrays as matplotlib axes. matplotlib is loaded when something is drawn."""

from .diagram import diagram
from .forest import forest
from .matrix import matrix

__all__ = ["diagram", "forest", "matrix"]

"""Rows, graphs and arrays as matplotlib axes. matplotlib is loaded when something is drawn."""

from .forest import forest

__all__ = ["forest"]

"""A table for people and programs, and the words, numbers and signs that every printed form has in common.

The standard library alone: the symbolic half prints with it, in a browser too.
"""

from __future__ import annotations

from . import latex, web
from .cells import Cell, Column, Mark, Note, Row, Value
from .flat import csv_bytes, csv_text, data_frame, finite
from .sheet import AbstractShown, Sheet, bodies, page, texts
from .words import (
    counted,
    duration,
    folded,
    hanging,
    in_braces,
    listed,
    number,
    percent,
    terminal_width,
    visible,
)

__all__ = [
    "AbstractShown",
    "Cell",
    "Column",
    "Mark",
    "Note",
    "Row",
    "Sheet",
    "Value",
    "bodies",
    "counted",
    "csv_bytes",
    "csv_text",
    "data_frame",
    "duration",
    "finite",
    "folded",
    "hanging",
    "in_braces",
    "latex",
    "listed",
    "number",
    "page",
    "percent",
    "terminal_width",
    "texts",
    "visible",
    "web",
]

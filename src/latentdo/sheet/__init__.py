"""A table for people and programs, and the words, numbers and signs that every printed form has in common.

The standard library alone: the symbolic half prints with it, in a browser too. Plain text is loaded at once, HTML, LaTeX and what
programs read on first use (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cells import Cell, Column, Mark, Note, Row, Value
from .sheet import AbstractSheets, AbstractShown, Sheet, bodies, page, texts
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
    through_infinity,
    visible,
)

if TYPE_CHECKING:
    from . import latex, web
    from .flat import csv_bytes, csv_text, data_frame, finite

__all__ = [
    "AbstractSheets",
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
    "through_infinity",
    "visible",
    "web",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in ("latex", "web"):
        return import_module(f".{name}", __name__)
    if name in ("csv_bytes", "csv_text", "data_frame", "finite"):
        return getattr(import_module(".flat", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Foreign tables ↔ values; loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dataset import Dataset, FloatArray, IntArray, too_narrow
    from .reading import read_table
    from .sources import is_path
    from .table import Table

__all__ = [
    "Dataset",
    "FloatArray",
    "IntArray",
    "Table",
    "is_path",
    "read_table",
    "too_narrow",
]

_HOMES = {
    "Dataset": "dataset",
    "FloatArray": "dataset",
    "IntArray": "dataset",
    "Table": "table",
    "is_path": "sources",
    "read_table": "reading",
    "too_narrow": "dataset",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

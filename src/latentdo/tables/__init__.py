"""Foreign formats ↔ values: graphs and tables in, tables out; loaded on first use, as graphs need no NumPy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dagitty import is_dagitty
    from .dataset import Dataset, FloatArray, IntArray, too_narrow
    from .graphs import foreign, graph_from_pairs, read_graph
    from .reading import read_table
    from .sources import is_path
    from .table import Table

__all__ = [
    "Dataset",
    "FloatArray",
    "IntArray",
    "Table",
    "foreign",
    "graph_from_pairs",
    "is_dagitty",
    "is_path",
    "read_graph",
    "read_table",
    "too_narrow",
]

_HOMES = {
    "Dataset": "dataset",
    "FloatArray": "dataset",
    "IntArray": "dataset",
    "Table": "table",
    "foreign": "graphs",
    "graph_from_pairs": "graphs",
    "is_dagitty": "dagitty",
    "is_path": "sources",
    "read_graph": "graphs",
    "read_table": "reading",
    "too_narrow": "dataset",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

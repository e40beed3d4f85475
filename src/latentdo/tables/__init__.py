"""Foreign tables ↔ values; loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .copies import copies_note, without_copies
    from .dataset import Dataset, FloatArray, IntArray, stacked, too_narrow
    from .experimental import Experiment, as_before, experiment, is_several
    from .looks import Overview, overview
    from .pattern import PLAIN, Origin, Pattern
    from .reading import LATENT_OR_DROP, MISSING, read_table
    from .sources import is_path
    from .table import Table

__all__ = [
    "LATENT_OR_DROP",
    "MISSING",
    "PLAIN",
    "Dataset",
    "Experiment",
    "FloatArray",
    "IntArray",
    "Origin",
    "Overview",
    "Pattern",
    "Table",
    "as_before",
    "copies_note",
    "experiment",
    "is_path",
    "is_several",
    "overview",
    "read_table",
    "stacked",
    "too_narrow",
    "without_copies",
]

_HOMES = {
    "LATENT_OR_DROP": "reading",
    "MISSING": "reading",
    "PLAIN": "pattern",
    "Dataset": "dataset",
    "Experiment": "experimental",
    "FloatArray": "dataset",
    "IntArray": "dataset",
    "Origin": "pattern",
    "Overview": "looks",
    "Pattern": "pattern",
    "Table": "table",
    "as_before": "experimental",
    "copies_note": "copies",
    "experiment": "experimental",
    "is_path": "sources",
    "is_several": "experimental",
    "overview": "looks",
    "read_table": "reading",
    "stacked": "dataset",
    "too_narrow": "dataset",
    "without_copies": "copies",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

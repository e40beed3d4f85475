"""From a model and rows to a posterior, and its archive. Names that need JAX are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .blocks import Block, blocks
from .dataset import Dataset
from .engines import Auto, Engine, Nuts

if TYPE_CHECKING:
    from .checks import check_columns
    from .diagnostics import Diagnostic, diagnose
    from .posterior import BlockDraws, DataFacts, NodeDraws, Posterior
    from .progress import watch
    from .train import fit_model

_LAZY = {
    "BlockDraws": "posterior",
    "DataFacts": "posterior",
    "Diagnostic": "diagnostics",
    "NodeDraws": "posterior",
    "Posterior": "posterior",
    "check_columns": "checks",
    "diagnose": "diagnostics",
    "fit_model": "train",
    "watch": "progress",
}

__all__ = [
    "Auto",
    "Block",
    "BlockDraws",
    "DataFacts",
    "Dataset",
    "Diagnostic",
    "Engine",
    "NodeDraws",
    "Nuts",
    "Posterior",
    "blocks",
    "check_columns",
    "diagnose",
    "fit_model",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)

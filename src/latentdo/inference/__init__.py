"""From a model and rows to a posterior, and its archive. Names that need JAX are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .blocks import Block, blocks
from .dataset import Dataset, FloatArray
from .engines import Auto, Engine, Laplace, Map, Nuts, Svi

if TYPE_CHECKING:
    from .account import KHAT_LIMIT, block_row, node_row
    from .archive import read_archive, require_writable, write_archive
    from .checks import check_columns, functional_nodes, levelled
    from .diagnostics import Diagnostic, diagnose
    from .forward import even_uniforms, node_parameters, predictor, simulate_nodes
    from .importance import pareto_k
    from .labels import ParameterLabel
    from .manifest import versions
    from .posterior import BlockDraws, DataFacts, NodeDraws, Posterior, flat
    from .prior_check import PriorCheck, PriorNode, check_priors_on, prior_draws
    from .progress import watch
    from .resume import FitCheckpoint, Identity, checkpoint_folder
    from .runtime import compile_cache, float64
    from .scales import coordinates_on
    from .train import Fit, fit_model, train_all
    from .whole_files import write_table

_LAZY = {
    "KHAT_LIMIT": "account",
    "BlockDraws": "posterior",
    "DataFacts": "posterior",
    "Diagnostic": "diagnostics",
    "Fit": "train",
    "FitCheckpoint": "resume",
    "Identity": "resume",
    "NodeDraws": "posterior",
    "ParameterLabel": "labels",
    "PriorCheck": "prior_check",
    "PriorNode": "prior_check",
    "Posterior": "posterior",
    "block_row": "account",
    "check_columns": "checks",
    "check_priors_on": "prior_check",
    "checkpoint_folder": "resume",
    "compile_cache": "runtime",
    "coordinates_on": "scales",
    "diagnose": "diagnostics",
    "even_uniforms": "forward",
    "fit_model": "train",
    "flat": "posterior",
    "float64": "runtime",
    "functional_nodes": "checks",
    "levelled": "checks",
    "node_parameters": "forward",
    "node_row": "account",
    "pareto_k": "importance",
    "prior_draws": "prior_check",
    "predictor": "forward",
    "read_archive": "archive",
    "require_writable": "archive",
    "simulate_nodes": "forward",
    "train_all": "train",
    "versions": "manifest",
    "watch": "progress",
    "write_archive": "archive",
    "write_table": "whole_files",
}

__all__ = [
    "KHAT_LIMIT",
    "Auto",
    "Block",
    "BlockDraws",
    "DataFacts",
    "Dataset",
    "Diagnostic",
    "Engine",
    "Fit",
    "FitCheckpoint",
    "FloatArray",
    "Identity",
    "Laplace",
    "Map",
    "NodeDraws",
    "Nuts",
    "ParameterLabel",
    "Posterior",
    "PriorCheck",
    "PriorNode",
    "Svi",
    "block_row",
    "blocks",
    "check_columns",
    "check_priors_on",
    "checkpoint_folder",
    "compile_cache",
    "coordinates_on",
    "diagnose",
    "even_uniforms",
    "fit_model",
    "flat",
    "float64",
    "functional_nodes",
    "levelled",
    "node_parameters",
    "node_row",
    "pareto_k",
    "predictor",
    "prior_draws",
    "read_archive",
    "require_writable",
    "simulate_nodes",
    "train_all",
    "versions",
    "watch",
    "write_archive",
    "write_table",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)

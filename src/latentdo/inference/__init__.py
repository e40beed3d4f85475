"""From a model and rows to a posterior, and its archive. Names that need JAX are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .blocks.block import blocks_of
from .blocks.engines import ENGINES, AbstractEngine, Auto, Engine, Laplace, Map, Nuts, Svi, Trains

if TYPE_CHECKING:
    from .blocks.checks import check_columns, functional_nodes, levelled
    from .blocks.coordinates import coordinates_on, row_of
    from .blocks.diagnostics import KHAT_LIMIT, Diagnostic, diagnose
    from .blocks.draws import BlockDraws, DataFacts, NodeDraws, flat
    from .blocks.method import Method
    from .likelihood.forward import even_uniforms, node_parameters, predictor, simulate_nodes
    from .posterior.account import node_row, widened
    from .posterior.labels import ParameterLabel, log_prior_of
    from .posterior.left_out import left_out
    from .posterior.posterior import Posterior, read_archive
    from .posterior.power_scaling import SENSITIVE, PowerScaled
    from .posterior.prior_check import PriorCheck, PriorNode, check_priors_on, prior_draws
    from .progress import Course, Watcher, watch
    from .runtime import compile_cache, float64
    from .samplers.importance import pareto_k
    from .storage.archive import write_archive
    from .storage.manifest import versions
    from .storage.resume import FitCheckpoint, Identity, checkpoint_folder, checkpoints
    from .train import Fit, train_all

_NAMES = {
    "blocks.checks": "check_columns functional_nodes levelled",
    "blocks.coordinates": "coordinates_on row_of",
    "blocks.diagnostics": "KHAT_LIMIT Diagnostic diagnose",
    "blocks.draws": "BlockDraws DataFacts NodeDraws flat",
    "blocks.method": "Method",
    "likelihood.forward": "even_uniforms node_parameters predictor simulate_nodes",
    "posterior.account": "node_row widened",
    "posterior.labels": "ParameterLabel log_prior_of",
    "posterior.left_out": "left_out",
    "posterior.posterior": "Posterior read_archive",
    "posterior.power_scaling": "SENSITIVE PowerScaled",
    "posterior.prior_check": "PriorCheck PriorNode check_priors_on prior_draws",
    "progress": "Course Watcher watch",
    "runtime": "compile_cache float64",
    "samplers.importance": "pareto_k",
    "storage.archive": "write_archive",
    "storage.manifest": "versions",
    "storage.resume": "FitCheckpoint Identity checkpoint_folder checkpoints",
    "train": "Fit train_all",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = [
    "ENGINES",
    "KHAT_LIMIT",
    "SENSITIVE",
    "AbstractEngine",
    "Auto",
    "BlockDraws",
    "Course",
    "DataFacts",
    "Diagnostic",
    "Engine",
    "Fit",
    "FitCheckpoint",
    "Identity",
    "Laplace",
    "Map",
    "Method",
    "NodeDraws",
    "Nuts",
    "ParameterLabel",
    "Posterior",
    "PowerScaled",
    "PriorCheck",
    "PriorNode",
    "Svi",
    "Trains",
    "Watcher",
    "blocks_of",
    "check_columns",
    "check_priors_on",
    "checkpoint_folder",
    "checkpoints",
    "compile_cache",
    "coordinates_on",
    "diagnose",
    "even_uniforms",
    "flat",
    "float64",
    "functional_nodes",
    "left_out",
    "levelled",
    "log_prior_of",
    "node_parameters",
    "node_row",
    "pareto_k",
    "predictor",
    "prior_draws",
    "read_archive",
    "row_of",
    "simulate_nodes",
    "train_all",
    "versions",
    "watch",
    "widened",
    "write_archive",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)

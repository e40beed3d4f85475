"""Blocks ready to be trained, for tests of the methods one by one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import latentdo as ld
from latentdo.inference import Engine, Fit
from latentdo.inference.likelihood.task import Task
from latentdo.tables import read_table


def task_of(
    model: str, rows: Mapping[str, Any], node: str, engine: Engine | None = None, seed: int = 0, **reading: Any
) -> Task:
    """The block of a model that holds the node, as `ld.fit` would train it; `reading` is `missing` and `do` of `read_table`."""
    spec = ld.model(model)
    data = read_table(rows, spec.measured, spec.latent, spec.levels, **reading)
    fit = Fit.of(spec, data, ld.Auto() if engine is None else engine, seed)
    (task,) = (task for task in fit.tasks(lambda *_: None, threading.Event()) if node in task.block.nodes)
    return task


def raw_draws(draws: Any, node: str) -> tuple[Any, dict[str, Any]]:
    """Coefficients (draw, coefficient) and own parameters (draw) of a node of `BlockDraws`."""
    own = dict(draws.draws)[node]
    coefficients = own.coefficients.reshape(-1, own.coefficients.shape[-1])
    return coefficients, {name: values.reshape(-1) for name, values in own.parameters}

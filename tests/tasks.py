"""Blocks ready to be trained, for tests of the methods one by one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

import latentdo as ld
from latentdo.inference import Engine, Fit
from latentdo.inference.likelihood.task import Task
from latentdo.tables import read_table

REGRESSION = "X ~ normal; Y ~ normal(X, weight=normal(0, 2), intercept=normal(1, 5), sd=1.5)"


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


def regression_rows(n: int = 40) -> dict[str, np.ndarray]:
    """Rows of `REGRESSION`."""
    random = np.random.default_rng(0)
    x = random.normal(3.0, 2.0, size=n)
    return {"X": x, "Y": 2.0 - 0.7 * x + 1.5 * random.normal(size=n)}


def regression_truth(rows: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of intercept and weight under the priors of `REGRESSION`, in closed form."""
    design = np.column_stack([np.ones(len(rows["X"])), rows["X"]])
    covariance = np.linalg.inv(design.T @ design / 1.5**2 + np.diag([1 / 25, 1 / 4]))
    return covariance @ (design.T @ rows["Y"] / 1.5**2 + [1 / 25, 0.0]), covariance

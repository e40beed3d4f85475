"""Training: a model and its rows become a `Posterior`, block by block, each judged by what its data pin down."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from latentdo.errors import SpecError
from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.models.build import numerics

from .blocks import blocks
from .checks import check_columns, functional_nodes
from .coordinates import LinkScale, NodeCoordinates, node_coordinates, parent_scales, unfolded
from .dataset import Dataset
from .diagnostics import Diagnostic
from .engines import Engine
from .forward import moments, simulate_nodes
from .planner import kept_draws, train_block
from .posterior import DataFacts, Posterior
from .runtime import compile_cache
from .task import Progress, Task

JUDGED_UNITS = 256


def fit_model(spec: ModelSpec, data: Dataset, engine: Engine, seed: int, progress: Progress) -> Posterior:
    """A posterior of every parameter of the model.

    Args:
        data: At least the measured nodes' columns.
        progress: Told how far each block is.

    Raises:
        DataError: The table cannot have come from the model.
        FitError: A log density that is nowhere finite.
    """
    begun = time.perf_counter()
    if not spec.measured:
        raise SpecError("Every node of the model is latent, so no data can teach it anything. Measure some node.")
    cautions = check_columns(spec, data)
    coordinates = _coordinates(spec, data)
    moved = unfolded(spec, coordinates)
    stopped = threading.Event()
    shape = kept_draws(engine)
    tasks = [Task(spec, block, moved, data, seed, shape, progress, stopped) for block in blocks(spec)]
    pool = ThreadPoolExecutor(max_workers=min(len(tasks), os.cpu_count() or 1), thread_name_prefix="latentdo")
    with compile_cache():
        futures = [pool.submit(train_block, task, engine) for task in tasks]
        try:
            trained = [future.result() for future in futures]
        finally:
            # After an error or Ctrl-C the other blocks end at their next report; nobody waits for them.
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
    posterior = Posterior(
        spec=spec,
        blocks=tuple(trained),
        facts=DataFacts.of(data, functional_nodes(spec, data)),
        coordinates=tuple(coordinates.values()),
        diagnostics=(),
        engine=repr(engine),
        seed=seed,
        warnings=cautions,
        data=data,
    )
    posterior = replace(posterior, diagnostics=_judge_all(posterior))
    return replace(posterior, seconds=time.perf_counter() - begun)


def _coordinates(spec: ModelSpec, data: Dataset) -> dict[Name, NodeCoordinates]:
    scales = parent_scales(spec, {node: (data.summary(node).mean, data.summary(node).sd) for node in spec.measured})
    return {node: node_coordinates(spec, node, scales, _link_scale(spec, node, data)) for node in spec.graph.nodes}


def _link_scale(spec: ModelSpec, node: Name, data: Dataset) -> LinkScale:
    if node in spec.latent:
        return LinkScale(0.0, 1.0, 1.0)
    values = numerics(spec[node].family).link(data.column(node))
    mean = float(np.average(values, weights=data.weights))
    variance = float(np.average((values - mean) ** 2, weights=data.weights)) * data.n_rows / (data.n_rows - 1)
    return LinkScale(mean, float(np.sqrt(variance)), data.summary(node).sd)


def _judge_all(posterior: Posterior) -> tuple[Diagnostic, ...]:
    """The functionals of P(V) that a fit is judged on: mean and sd of each measured node, pairwise covariances."""
    random = np.random.default_rng([posterior.seed, 1])
    spec = posterior.spec
    values = simulate_nodes(
        spec,
        spec.graph.topological_order(),
        posterior.by_node,
        lambda node: random.uniform(size=JUDGED_UNITS),
        {},
    )
    found = moments({node: values[node] for node in spec.measured}, spec.measured, posterior.n_chains)
    return tuple(posterior.diagnose(name, value) for name, value in found.items())

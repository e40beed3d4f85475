"""Training: a model and its rows become a `Posterior`, block by block, each judged by what its data pin down."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from latentdo.errors import FitError, SpecError
from latentdo.graphs import Name
from latentdo.models import Linear, ModelSpec
from latentdo.models.build import NUMPY, numerics

from .blocks import Block, blocks
from .checks import check_columns, functional_nodes, least_squares
from .coordinates import FloatArray, LinkScale, NodeCoordinates, node_coordinates, parent_scales, unfolded
from .dataset import Dataset
from .density import Layout, Numbers, assemble, starting_points, unpack
from .diagnostics import Diagnostic, diagnose
from .engines import Auto, Engine, Nuts
from .ensemble import CHAINS, CHUNK, ChainDraws, Ensemble
from .forward import moments, simulate_nodes
from .posterior import BlockDraws, DataFacts, NodeDraws, Posterior, constant_draws
from .runtime import compile_cache, float64

KEPT = 250
"""Draws per chain that are kept of an ensemble run, taken evenly: 4,000 in all."""
FIRST_RUN = 500
JUDGED_ROWS = 100
JUDGED_UNITS = 256

Progress = Callable[[str, float], None]
"""Called with a block's name and the share of its first run that is done (above 1 where a run is extended)."""


@dataclass(frozen=True, eq=False)
class Task:
    """One block, ready to be trained."""

    spec: ModelSpec
    block: Block
    coordinates: Mapping[Name, NodeCoordinates]
    data: Dataset
    seed: int
    progress: Progress
    stopped: threading.Event

    def tell(self, share: float) -> None:
        """Tell how far the block is; the place where a fit that was interrupted ends."""
        if self.stopped.is_set():
            raise FitError(f"Training of {self.block.name} was interrupted.")
        self.progress(self.block.name, share)

    @property
    def names(self) -> tuple[Name, ...]:
        """The columns that the block reads."""
        return (*self.block.measured, *self.block.inputs)

    def rows(self) -> Dataset:
        """The block's rows: equal ones merged where rows have no latents of their own; padded to a common size."""
        if self.block.latent or not self.names:
            rows = self.data.expanded(self.names) if self.names else self.data
        else:
            rows = self.data.collapsed(self.names)
        return rows.padded(padded_size(rows.n_stored))

    @property
    def code(self) -> int:
        """A number of the block's own, so that blocks draw independently whatever order they run in."""
        return zlib.crc32(self.block.name.encode())

    def key(self) -> Any:
        """The block's JAX key."""
        return jax.random.fold_in(jax.random.key(self.seed), self.code)

    def random(self) -> np.random.Generator:
        """The block's NumPy generator."""
        return np.random.default_rng([self.seed, self.code])


def padded_size(n: int) -> int:
    """The smallest size of the form 2^k or 3 · 2^k, at least 16, that holds n rows: few shapes, few compilations."""
    size = 16
    while size < n:
        if size * 3 // 2 >= n:
            return size * 3 // 2
        size *= 2
    return size


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
    tasks = [Task(spec, block, moved, data, seed, progress, stopped) for block in blocks(spec)]
    pool = ThreadPoolExecutor(max_workers=min(len(tasks), os.cpu_count() or 1), thread_name_prefix="latentdo")
    with compile_cache():
        futures = [pool.submit(_train, task, engine) for task in tasks]
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


def _train(task: Task, engine: Engine) -> BlockDraws:
    """One block by the engine; nodes whose parameters are all known need none."""
    with float64():
        n_chains, n_draws = kept_draws(engine)
        exact = [node for node in task.block.measured if isinstance(task.spec[node].family, Linear)]
        if exact:
            (node,) = task.block.nodes
            regression = least_squares(task.spec, node, task.data)
            assert regression is not None, "checked with the columns"
            draws = ((node, constant_draws(regression.coefficients, n_chains, n_draws)),)
            return BlockDraws(task.block, "exact: solved by least squares, no noise", draws)
        rows = task.rows()
        layout, numbers = assemble(task.spec, task.block, task.coordinates, rows)
        if layout.n_free == 0:
            draws = _node_draws(task, layout, numbers, np.zeros((n_chains, n_draws, 0)))
            return BlockDraws(task.block, "fixed: nothing to learn", draws)
        if isinstance(engine, Nuts):
            return _train_nuts(task, engine, layout, numbers, rows.n_stored)
        return _train_ensemble(task, engine, layout, numbers, rows.n_stored)


def _first_run(engine: Auto) -> int:
    return min(FIRST_RUN, engine.max_steps // 2 // CHUNK * CHUNK)


def kept_draws(engine: Engine) -> tuple[int, int]:
    """Chains, and draws per chain, of every block: the same in all, so that they can be paired."""
    return (engine.chains, engine.draws) if isinstance(engine, Nuts) else (CHAINS, min(KEPT, _first_run(engine)))


def _train_ensemble(task: Task, engine: Auto, layout: Layout, numbers: Numbers, n_rows: int) -> BlockDraws:
    """Run, judge, and run longer from what was learned, until judged well or the budget is spent."""
    own = tuple(task.coordinates[node] for node in task.block.nodes)
    begun = time.perf_counter()
    start = starting_points(layout, own, CHAINS, task.random())
    ensemble = Ensemble.start(layout, numbers, start, n_rows, task.key())
    first_run = _first_run(engine)
    timing: list[float] = []

    def report(steps: int) -> None:
        timing.append(time.perf_counter())
        task.tell(ensemble.made / (2.0 * first_run))

    ensemble.warm_up(first_run, report)
    length = first_run
    while True:
        run = ensemble.draw(length, report)
        result = _block_draws(task, layout, numbers, run, kept_draws(engine)[1])
        converged = all(diagnostic.passed for diagnostic in result.diagnostics)
        if converged or ensemble.made + 2 * length > engine.max_steps:
            break
        ensemble.learn_from(run)
        ensemble.warm_up_again(report)
        length *= 2
    task.tell(1.0)
    compiling = timing[0] - begun
    method = f"ensemble HMC, {CHAINS} chains x {length} of {ensemble.made} transitions"
    return replace(
        result,
        method=method,
        compile_seconds=compiling,
        sample_seconds=time.perf_counter() - begun - compiling,
    )


def _train_nuts(task: Task, engine: Nuts, layout: Layout, numbers: Numbers, n_rows: int) -> BlockDraws:
    from .nuts import run_nuts

    own = tuple(task.coordinates[node] for node in task.block.nodes)
    begun = time.perf_counter()
    start = starting_points(layout, own, engine.chains, task.random())
    run = run_nuts(layout, numbers, start, n_rows, engine, task.key())
    task.tell(1.0)
    result = _block_draws(task, layout, numbers, run, engine.draws)
    method = f"NUTS, {engine.chains} chains x {engine.draws} draws after {engine.warmup}"
    return replace(result, method=method, sample_seconds=time.perf_counter() - begun)


def _block_draws(task: Task, layout: Layout, numbers: Numbers, run: ChainDraws, kept: int) -> BlockDraws:
    """A run in raw units, thinned evenly to `kept` draws per chain, and judged."""
    if not np.isfinite(run.log_posterior[:, -1]).any():
        raise FitError(
            f"The log density of {task.block.name} is not finite anywhere the sampler went. A prior or a fixed "
            "number is far from the data: check those of these nodes."
        )
    n_made = run.u.shape[1]
    picked = np.linspace(0, n_made - 1, min(kept, n_made)).round().astype(int)
    draws = _node_draws(task, layout, numbers, run.u[:, picked])
    result = BlockDraws(
        task.block,
        "",
        draws,
        acceptance=run.acceptance,
        n_divergent=run.n_divergent,
        n_warmup=run.n_warmup,
        n_made=n_made,
    )
    return replace(result, diagnostics=_judge_block(task, dict(draws), run.u.shape[0]))


def _node_draws(task: Task, layout: Layout, numbers: Numbers, u: FloatArray) -> tuple[tuple[Name, NodeDraws], ...]:
    values = unpack(NUMPY, layout, numbers, u)
    return tuple(
        (
            node,
            NodeDraws(
                np.ascontiguousarray(np.broadcast_to(at.raw, (*u.shape[:2], at.raw.shape[-1]))),
                tuple((name, np.broadcast_to(value, u.shape[:2]).copy()) for name, value in at.parameters.items()),
            ),
        )
        for node, at in zip(task.block.nodes, values, strict=True)
    )


def _judge_block(task: Task, draws: Mapping[Name, NodeDraws], n_chains: int) -> tuple[Diagnostic, ...]:
    """What the block's data pin down: moments of its measured nodes given its inputs, over a sample of rows."""
    random = task.random()
    weights = task.data.weights / task.data.weights.sum()
    rows = random.choice(len(weights), size=min(JUDGED_ROWS, task.data.n_rows), p=weights)
    values: dict[Name, FloatArray] = {name: task.data.column(name)[rows][None] for name in task.block.inputs}
    simulate_nodes(task.spec, task.block.nodes, draws, lambda node: random.uniform(size=len(rows)), values)
    found = moments(values, (*task.block.inputs, *task.block.measured), n_chains)
    return tuple(diagnose(name, value) for name, value in found.items())


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
    return tuple(diagnose(name, value) for name, value in found.items())

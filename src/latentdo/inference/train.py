"""Training: a model and its rows become a `Posterior`, block by block, each judged by what its data pin down."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from latentdo.errors import SpecError
from latentdo.models import ModelSpec

from .blocks import blocks
from .certify import judged
from .checks import check_columns, functional_nodes
from .coordinates import unfolded
from .dataset import Dataset
from .engines import Engine
from .planner import kept_draws, train_block
from .posterior import DataFacts, Posterior
from .runtime import compile_cache
from .scales import coordinates_on
from .task import Progress, Task


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
    coordinates = coordinates_on(spec, data)
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
    posterior = replace(posterior, diagnostics=judged(posterior))
    return replace(posterior, seconds=time.perf_counter() - begun)

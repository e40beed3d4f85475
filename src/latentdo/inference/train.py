"""Training: models and their rows become posteriors, block by block, each judged by what its data pin down."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields, replace

import jax
import numpy as np

from latentdo.errors import FitError, SpecError
from latentdo.graphs import Name
from latentdo.models import ModelSpec, checked_units
from latentdo.tables import Dataset

from .blocks.block import Block, blocks_of
from .blocks.checks import check_columns, functional_nodes, levelled
from .blocks.coordinates import NodeCoordinates, coordinates_on, unfolded
from .blocks.draws import BlockDraws, DataFacts
from .blocks.engines import Engine
from .blocks.rotation import rotations, triangular
from .likelihood.certify import judged
from .likelihood.memory import release
from .likelihood.task import Progress, Task
from .posterior.posterior import Posterior
from .progress import BEGUN
from .runtime import compile_cache, require_backend
from .samplers.planner import train_block
from .storage.checkpoint import Checkpoint
from .storage.manifest import versions
from .storage.resume import FitCheckpoint

KEPT = "kept from the earlier fit"


@dataclass(frozen=True, eq=False)
class Fit:
    """A table that was checked against a model, ready to be trained on.

    Attributes:
        label: What its blocks are called in progress, before their own names.
        checkpoint: Where its blocks are kept as they are finished.
        start: An earlier fit, whose blocks are kept where training them again would give the same draws.
    """

    spec: ModelSpec
    data: Dataset
    engine: Engine
    seed: int
    cautions: tuple[str, ...]
    coordinates: dict[Name, NodeCoordinates]
    label: str = ""
    checkpoint: FitCheckpoint | None = None
    start: Posterior | None = None

    @staticmethod
    def of(spec: ModelSpec, data: Dataset, engine: Engine, seed: int, units: Mapping[Name, str] | None = None) -> Fit:
        """The fit of a table that has at least the measured nodes' columns.

        Raises:
            DataError: The table cannot have come from the model.
            SpecError: Nothing of the model was measured, or a node has a unit whose column shows that its levels are names.
        """
        if not spec.measured:
            raise SpecError("Every node of the model is latent, so no data can teach it anything. Measure some node.")
        spec = levelled(spec, data)
        checked_units(spec, units or {})
        return Fit(spec, data, engine, seed, check_columns(spec, data), coordinates_on(spec, data))

    def tasks(self, progress: Progress, stopped: threading.Event) -> list[Task]:
        """Its blocks, ready to be trained."""
        moved = unfolded(self.spec, self.coordinates)
        shape = self.engine.shape

        def told(block: str, share: float) -> None:
            progress(f"{self.label}{block}", share)

        def kept(block: Block) -> Checkpoint:
            return Checkpoint() if self.checkpoint is None else self.checkpoint.block(block)

        tasks = []
        for block in blocks_of(self.spec):
            groups = rotations(self.spec, block, moved, self.data)
            own = triangular(moved, groups)
            tasks.append(Task(self.spec, block, own, self.data, self.seed, shape, told, stopped, kept(block), groups))
        return tasks

    def known(self, task: Task) -> BlockDraws | str:
        """The draws of a block that need no training; or why it is trained although there is an earlier fit, in words."""
        if self.checkpoint is not None and (finished := self.checkpoint.finished(task.block)) is not None:
            return finished
        if self.start is None:
            return ""
        own = tuple(self.coordinates[node] for node in task.block.nodes)
        return kept_block(self.start, task, own, self.engine)

    def train(self, task: Task, because: str) -> BlockDraws:
        """One block, kept on disk as soon as it is finished."""
        task.tell(BEGUN)
        try:
            trained = replace(train_block(task, self.engine), rows_hash=task.rows_hash)
        finally:
            release(task)
        if because:
            trained = replace(
                trained, why="; ".join([f"trained anew because {because}", *([trained.why] * bool(trained.why))])
            )
        if self.checkpoint is not None:
            self.checkpoint.finish(trained)
        return trained

    def posterior(self, trained: Sequence[BlockDraws], begun: float) -> Posterior:
        """The posterior that these blocks make, judged; `begun` is when its training began."""
        posterior = Posterior(
            spec=self.spec,
            blocks=tuple(trained),
            facts=DataFacts.of(self.data, functional_nodes(self.spec, self.data)),
            coordinates=tuple(self.coordinates.values()),
            diagnostics=(),
            engine=repr(self.engine),
            seed=self.seed,
            warnings=(*self.cautions, *(block.caution for block in trained if block.caution)),
            versions=tuple(versions().items()),
            data=self.data,
        )
        posterior = replace(posterior, diagnostics=judged(posterior))
        earlier = 0.0 if self.checkpoint is None else self.checkpoint.earlier
        return replace(posterior, seconds=earlier + time.perf_counter() - begun)


def train_all(fits: Sequence[Fit], progress: Progress) -> list[Posterior]:
    """The posteriors of these fits, in their order; the blocks of all share one pool of threads.

    Args:
        progress: Told how far each block is; all are announced, with the share 0, before the first begins.

    Raises:
        FitError: Training cannot go on. What was finished stays in the checkpoints.
    """
    begun = time.perf_counter()
    require_backend()
    stopped = threading.Event()
    jobs = [[(task, fit.known(task)) for task in fit.tasks(progress, stopped)] for fit in fits]
    for task, known in (pair for job in jobs for pair in job):
        if isinstance(known, str):
            task.tell(0.0)
        else:
            task.end()
    waiting = [
        (fit, task, known) for fit, job in zip(fits, jobs, strict=True) for task, known in job if isinstance(known, str)
    ]
    # The longest first, as far as that can be told, so that none of them is left alone at the end.
    waiting.sort(key=lambda entry: (-len(entry[1].block.latent), -len(entry[1].block.nodes)))
    pool = ThreadPoolExecutor(max_workers=min(max(len(waiting), 1), _n_cores()), thread_name_prefix="latentdo")
    with compile_cache():
        try:
            futures = {task: pool.submit(_trained, fit, task, because) for fit, task, because in waiting}
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            trained = [
                [futures[task].result() if isinstance(known, str) else known for task, known in job] for job in jobs
            ]
            return list(pool.map(lambda fit, blocks: fit.posterior(blocks, begun), fits, trained))
        finally:
            # After an error or Ctrl-C the other blocks end at their next report; nobody waits for them.
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _trained(fit: Fit, task: Task, because: str) -> BlockDraws:
    """One trained block; an error says of which table and block."""
    try:
        return fit.train(task, because)
    except FitError as problem:
        raise FitError(f"{fit.label}{problem}") from problem.__cause__
    except (MemoryError, jax.errors.JaxRuntimeError) as problem:
        # What a block needs is asked for before it is trained, but others take memory too.
        if not isinstance(problem, MemoryError) and "RESOURCE_EXHAUSTED" not in str(problem):
            raise
        raise FitError(
            f"{fit.label}Training {task.block.name} ran out of memory ({task.data.n_stored:,} rows). Fit a sample of the "
            "rows, ask for fewer chains or draws, or end what else needs memory on this machine."
        ) from problem


def _n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def kept_block(start: Posterior, task: Task, own: tuple[NodeCoordinates, ...], engine: Engine) -> BlockDraws | str:
    """The block's draws in the earlier fit; or why it has to be trained anew, in words that complete "… because".

    Args:
        own: The coordinates of the block's nodes, in its order, as a fit keeps them.
    """
    if start.engine != repr(engine):
        return f"the earlier fit was trained by {start.engine}"
    if start.seed != task.seed:
        return f"the earlier fit has the seed {start.seed}"
    if start.shape != task.shape:
        return f"the earlier fit has {start.shape[0]} chains of {start.shape[1]} draws"
    block_before = next((block for block in start.blocks if block.block == task.block), None)
    if block_before is None:
        return "the earlier fit has no such block"
    for node in task.block.nodes:
        if start.spec[node] != task.spec[node]:
            return f"the mechanism of {node} or its priors changed"
    if block_before.rows_hash is None:
        return "the earlier fit does not say what data it had"
    if block_before.rows_hash != task.rows_hash:
        return "its data changed"
    for now in own:
        before = next(coordinates for coordinates in start.coordinates if coordinates.node == now.node)
        if not _equal(before, now):
            return f"the scales of {now.node} changed"
    return replace(
        block_before, why="; ".join(dict.fromkeys([KEPT, *([block_before.why] if block_before.why else [])]))
    )


def _equal(a: NodeCoordinates, b: NodeCoordinates) -> bool:
    names = [field.name for field in fields(NodeCoordinates) if field.name != "to_raw"]
    return np.array_equal(a.to_raw, b.to_raw) and all(getattr(a, name) == getattr(b, name) for name in names)

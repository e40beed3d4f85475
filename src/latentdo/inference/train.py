"""Training: models and their rows become posteriors, block by block, each judged by what its data pin down."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields, replace
from typing import Any

import jax
import numpy as np

from latentdo.errors import FitError, LatentdoError, SpecError, StudyError
from latentdo.executor import packed, require_version, spreading, version
from latentdo.graphs import Name
from latentdo.models import ModelSpec, checked_units
from latentdo.tables import Dataset

from .blocks.block import Block, blocks_of
from .blocks.cautions import ColumnCaution
from .blocks.cells import check_cells, hidden_nodes, trained_rows
from .blocks.checks import column_cautions, empty_rows, functional_nodes, levelled
from .blocks.coordinates import NodeCoordinates, coordinates_on
from .blocks.draws import BlockDraws, DataFacts
from .blocks.engines import Engine
from .blocks.rotation import rotations, triangular
from .blocks.unfolding import unfolded
from .likelihood.certify import judged
from .likelihood.memory import release
from .likelihood.task import Progress, Task
from .posterior.posterior import Posterior
from .progress import BEGUN
from .runtime import compile_cache, in_turn, require_backend
from .samplers.planner import train_block
from .storage.checkpoint import Checkpoint
from .storage.manifest import versions
from .storage.resume import FitCheckpoint
from .workers import Place, board, ticking

KEPT = "kept from the earlier fit"
NOTED = 1.0
"""Seconds between two notes of how long a fit has taken; of more than ten fits they are rarer."""

_log = logging.getLogger("latentdo")


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
    cautions: tuple[ColumnCaution, ...]
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
        check_cells(spec, data)
        return Fit(spec, data, engine, seed, column_cautions(spec, data), coordinates_on(spec, data))

    def tasks(self, progress: Progress, stopped: threading.Event) -> list[Task]:
        """Its blocks, ready to be trained."""
        moved = unfolded(self.spec, self.coordinates)
        shape = self.engine.shape

        def told(block: str, share: float) -> None:
            progress(f"{self.label}{block}", share)

        def kept(block: Block) -> Checkpoint:
            return Checkpoint() if self.checkpoint is None else self.checkpoint.block(block)

        tasks = []
        for block in blocks_of(self.spec, hidden_nodes(self.spec, self.data)):
            groups = rotations(self.spec, block, moved, self.data)
            own = triangular(moved, groups)
            rows = trained_rows(self.spec, block, self.data)
            tasks.append(Task(self.spec, block, own, rows, self.seed, shape, told, stopped, kept(block), groups))
        return tasks

    def known(self, task: Task) -> BlockDraws | str:
        """The draws of a block that need no training; or why it is trained although there is an earlier fit, in words."""
        if self.checkpoint is not None and (finished := self.checkpoint.finished(task.block)) is not None:
            return finished
        if self.start is None:
            return ""
        own = tuple(self.coordinates[node] for node in task.block.nodes)
        return kept_block(self.start, task, own, self.engine)

    def finished(self, trained: BlockDraws, because: str) -> BlockDraws:
        """A block that was trained for a reason, kept on disk."""
        if because:
            trained = replace(
                trained, why="; ".join([f"trained anew because {because}", *([trained.why] * bool(trained.why))])
            )
        if self.checkpoint is not None:
            self.checkpoint.finish(trained)
        return trained

    def posterior(self, trained: Sequence[BlockDraws], begun: float) -> Posterior:
        """The posterior that these blocks make, judged; `begun` is when its training began."""
        facts = DataFacts.of(self.data, functional_nodes(self.spec, self.data), empty_rows(self.spec, self.data))
        posterior = Posterior(
            spec=self.spec,
            blocks=tuple(trained),
            facts=facts,
            coordinates=tuple(self.coordinates.values()),
            diagnostics=(),
            engine=repr(self.engine),
            seed=self.seed,
            warnings=(
                *(each.words for each in self.cautions),
                *([facts.left_out] if facts.left_out else []),
                *(block.caution for block in trained if block.caution),
            ),
            versions=tuple(versions().items()),
            data=self.data,
            concerns=tuple(each.node for each in self.cautions if each.node),
        )
        posterior = replace(posterior, diagnostics=judged(posterior))
        earlier = 0.0 if self.checkpoint is None else self.checkpoint.earlier
        return replace(posterior, seconds=earlier + time.perf_counter() - begun)


def train_all(fits: Sequence[Fit], progress: Progress, executor: Any = None, workers: int = 1) -> list[Posterior]:
    """The posteriors of these fits, in their order; the blocks of all share one pool of threads, or those of an executor.

    Args:
        progress: Told how far each block is; all are announced, with the share 0, before the first begins.
        executor: Who trains the blocks: an executor or a Dask client, to the same numbers. The rest is done in this process.
        workers: Without an executor, how many processes train the blocks; 1 for the threads of this one.

    Raises:
        FitError: Training cannot go on. What was finished stays in the checkpoints.
        StudyError: An executor that forks or that is shut down too early, or no process can be started.
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
        _Waiting(fit, task, known)
        for fit, job in zip(fits, jobs, strict=True)
        for task, known in job
        if isinstance(known, str)
    ]
    # The longest first, as far as that can be told, so that none of them is left alone at the end.
    waiting.sort(key=lambda block: (-len(block.task.block.latent), -len(block.task.block.nodes)))
    pool = ThreadPoolExecutor(max_workers=min(max(len(waiting), 1), _n_cores()), thread_name_prefix="latentdo")
    with compile_cache(), ticking(lambda: _note_all(fits), NOTED * max(1.0, len(fits) / 10)):
        try:
            trained: dict[Task, BlockDraws] = {}
            if waiting and (executor is not None or workers > 1):
                _note_all(fits)
                trained = _trained_elsewhere(waiting, executor, workers)
            futures = {block.task: pool.submit(block.trained) for block in waiting if block.task not in trained}
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            trained |= {task: future.result() for task, future in futures.items() if future in done}
            complete = [[trained[task] if isinstance(known, str) else known for task, known in job] for job in jobs]
            return list(pool.map(lambda fit, blocks: fit.posterior(blocks, begun), fits, complete))
        finally:
            # After an error or Ctrl-C the other blocks end at their next report; nobody waits for them.
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _note_all(fits: Sequence[Fit]) -> None:
    """How long it has taken so far, for whoever goes on after a crash."""
    for fit in fits:
        if fit.checkpoint is not None:
            fit.checkpoint.note()


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A block that is to be trained for a fit, and why although there is an earlier one."""

    fit: Fit
    task: Task
    because: str

    def trained(self) -> BlockDraws:
        """It, trained by this thread and kept on disk as soon as it is finished."""
        return self.fit.finished(trained_block(self.task, self.fit.engine, self.fit.label), self.because)

    def sent(self, number: int, place: Place, *, packs: bool) -> _Job:
        """It, as a value for others: with the columns that the block reads, and without what belongs to this process."""
        task = replace(self.task, data=self.task.data.restricted(self.task.names), progress=place.tell, stopped=place)
        content = task, self.fit.engine, self.fit.label
        if packs:
            return _Job(number, version(), packed("the model", content, "leave out executor= (--workers)"))
        return _Job(number, version(), content)


@dataclass(frozen=True, eq=False)
class _Job:
    """A block for others to train.

    Attributes:
        number: Its place among those that were sent.
        version: Of latentdo, where it was sent from.
        content: Task, engine and label of the fit; packed for processes of Python, which cannot say what they cannot open.
    """

    number: int
    version: str
    content: bytes | tuple[Task, Engine, str]


def _done(job: _Job) -> BlockDraws | LatentdoError:
    """The draws of a block that was sent; an error that another attempt would not change is handed back."""
    try:
        require_version(job.version)
        task, engine, label = job.content if isinstance(job.content, tuple) else pickle.loads(job.content)
        with compile_cache():
            require_backend()
            return trained_block(task, engine, label)
    except LatentdoError as problem:
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            # Whoever owned the pool was killed: its processes would wait for more work for ever.
            os._exit(1)
        return problem


def _trained_elsewhere(waiting: Sequence[_Waiting], executor: Any, workers: int) -> dict[Task, BlockDraws]:
    """The blocks that an executor has trained; those are missing whose workers ended without a word.

    Raises:
        LatentdoError: That of a block which cannot be trained, or which failed wherever it was tried.
    """
    packs = executor is None or isinstance(executor, ProcessPoolExecutor)
    folders = [block.fit.checkpoint.own_folder for block in waiting if block.fit.checkpoint is not None]
    seen = next((folder for folder in folders if folder.is_dir()), None)
    trained: dict[Task, BlockDraws] = {}
    lost: list[str] = []
    with (
        board([block.task.tell for block in waiting], seen) as told,
        spreading(executor, workers) as spread,
    ):
        jobs = [block.sent(k, told.place(k), packs=packs) for k, block in enumerate(waiting)]
        try:
            with contextlib.closing(spread(_done, jobs)) as outcomes:  # type: ignore[type-var]
                for outcome in outcomes:
                    block = waiting[outcome.task.number]
                    if isinstance(outcome.value, LatentdoError):
                        raise outcome.value
                    told.finish(outcome.task.number)
                    if outcome.value is not None:
                        trained[block.task] = block.fit.finished(outcome.value, block.because)
                        block.task.end()
                    elif outcome.lost:
                        lost.append(outcome.error)
                    else:
                        raise FitError(
                            f"{block.fit.label}{block.task.block.name} failed at each of {outcome.attempts} attempts where the "
                            f"executor trained it: {outcome.error.rstrip('.')}. See that its workers can import latentdo and "
                            f"what the model is made of, or leave out executor= (--workers).{_kept(block.fit)}"
                        )
        except StudyError as problem:
            raise StudyError(f"{problem}{_kept(waiting[0].fit)}", key=problem.key) from None
    if lost:
        _log.warning(
            "%d of %d blocks are left to this process: those who trained them ended (%s).",
            len(lost),
            len(waiting),
            lost[0].rstrip("."),
        )
    return trained


def _kept(fit: Fit) -> str:
    """How to go on after an executor has failed, as a sentence."""
    if fit.checkpoint is None:
        return ""
    return f" What is finished is kept in {fit.checkpoint.folder}: the same call goes on from there."


def trained_block(task: Task, engine: Engine, label: str) -> BlockDraws:
    """The draws of a block; an error says of which table and block.

    Args:
        label: What the table is called, before the block's own name.
    """
    task.tell(BEGUN)
    try:
        with in_turn(lambda: task.rows.n_stored):
            trained = train_block(task, engine)
            why = "; ".join(each for each in (_joined(task), trained.why) if each)
            return replace(trained, why=why, rows_hash=task.rows_hash)
    except FitError as problem:
        raise FitError(f"{label}{problem}") from problem.__cause__
    except (MemoryError, jax.errors.JaxRuntimeError) as problem:
        # What a block needs is asked for before it is trained, but others take memory too.
        if not isinstance(problem, MemoryError) and "RESOURCE_EXHAUSTED" not in str(problem):
            raise
        raise FitError(
            f"{label}Training {task.block.name} ran out of memory ({task.data.n_stored:,} rows). Fit a sample of the "
            "rows, ask for fewer chains or draws, or end what else needs memory on this machine."
        ) from problem
    finally:
        release(task)


def _joined(task: Task) -> str:
    """Which blocks are trained as one because of missing cells, for the plan; empty where none are."""
    own = [block for block in blocks_of(task.spec) if set(block.nodes) <= set(task.block.nodes)]
    if len(own) < 2:
        return ""
    hidden = [node for node in task.block.measured if node in task.unseen]
    return f"{' and '.join(block.name for block in own)} are one where cells of {', '.join(hidden)} are missing"


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

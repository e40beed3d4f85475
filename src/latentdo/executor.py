"""Tasks spread over an executor: each is done, whatever happens to those who do it, or it is said why not.

Any `concurrent.futures.Executor` will do, and a Dask client. Our own processes are spawned, because JAX has threads, which do
not survive a fork.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import platform
import queue
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import metadata
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from latentdo.errors import SpecError, StudyError

T = TypeVar("T")
R = TypeVar("R")

Spread = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator["Outcome[Any, Any]"]]
"""The outcomes of tasks, as they come."""

MOST_WORKERS = 10**4
ATTEMPTS = 3
"""How often a task is begun before it counts as failed."""


@dataclass(frozen=True)
class Outcome(Generic[T, R]):
    """What became of a task.

    Attributes:
        value: What it returned; None where it failed.
        error: Why it failed at its last attempt; empty where it did not.
        attempts: How often it was begun.
        lost: Whether it failed because those who did it ended, and not by itself.
    """

    task: T
    value: R | None
    error: str
    attempts: int
    lost: bool = False


@contextlib.contextmanager
def spreading(executor: Any, workers: int) -> Iterator[Spread]:
    """A function of work and tasks that gives the outcome of each task, as they come; processes of its own end with it.

    A task that fails is begun again, up to twice. Work for other processes must be a function of a module.

    Args:
        executor: Where tasks are done: an executor or a Dask client; None makes `workers` processes, or for one worker does
            them here, in order.

    Raises:
        StudyError: The executor forks, or no process can be started.
    """
    if executor is not None:
        chosen = executor_of(executor)
        yield lambda work, tasks: _elsewhere(work, tasks, chosen)
    elif workers == 1:
        yield _here
    else:
        with _Processes(workers) as processes:
            yield lambda work, tasks: _by(processes, work, tasks)


def executor_of(given: Any) -> Executor:
    """The executor that was given, or that of a Dask client.

    Raises:
        StudyError: It is neither, or it forks.

    Source:
        https://docs.jax.dev: JAX is multithreaded, and so incompatible with `os.fork()`.
    """
    executor = given.get_executor() if callable(getattr(given, "get_executor", None)) else given
    if not isinstance(executor, Executor):
        raise StudyError(
            f"An executor is a concurrent.futures.Executor or a Dask client, got {type(given).__name__}.",
            key="executor",
        )
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise StudyError(
            "This executor forks its processes, and JAX, which has threads, would stand still in them. Make it so: "
            "ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn')).",
            key="executor",
        )
    return executor


def packed(what: str, value: Any, repair: str) -> bytes:
    """A value for other processes: what cannot be opened there then fails like any task, and does not end the process.

    Args:
        repair: What to do if it cannot be sent, as the end of a sentence.

    Raises:
        SpecError: It cannot be sent.
    """
    try:
        return pickle.dumps(value)
    # What pickle raises depends on what it meets.
    except (pickle.PicklingError, AttributeError, TypeError, ValueError) as problem:
        raise SpecError(
            f"{what[0].upper()}{what[1:]} cannot be sent to other processes: {problem}. Write functions and classes with `def` "
            f"or `class` at the top of a module, a file that can be imported; or {repair}."
        ) from problem


def version() -> str:
    """The version of latentdo in this process."""
    return metadata.version("latentdo")


def require_version(sent: str) -> None:
    """Nothing, unless the machine that sent a task has another version: that may give other numbers.

    Raises:
        StudyError: It has.
    """
    if (here := version()) != sent:
        raise StudyError(
            f"{platform.node()} has latentdo {here}, and the machine that asks has {sent}. Install the same version on both.",
            key="executor",
        )


def _here(work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[Outcome[T, R]]:
    for task in tasks:
        error = ""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                value = work(task)
            # Whatever went wrong with one task must not end the others; it is in the outcome.
            except Exception as problem:  # noqa: BLE001
                error = described(problem)
                continue
            yield Outcome(task, value, "", attempt)
            break
        else:
            yield Outcome(task, None, error, ATTEMPTS)


def _elsewhere(work: Callable[[T], R], tasks: Sequence[T], executor: Executor) -> Iterator[Outcome[T, R]]:
    """All tasks are handed over at once: a cluster knows best who does which.

    Raises:
        StudyError: What is submitted comes back as no future, or the executor is shut down before all is done.
    """
    done: queue.SimpleQueue[Future[R]] = queue.SimpleQueue()
    running: dict[Future[R], tuple[T, int]] = {}
    gone = False

    def begin(task: T, attempt: int) -> Exception | None:
        nonlocal gone
        try:
            future = executor.submit(work, task)
        except Exception as problem:  # noqa: BLE001
            gone = gone or (isinstance(problem, RuntimeError) and "shutdown" in str(problem))
            return problem
        if not hasattr(future, "add_done_callback"):
            raise StudyError(
                f"submit of {type(executor).__name__} gave {type(future).__name__}; expected a concurrent.futures.Future.",
                key="executor",
            )
        running[future] = (task, attempt)
        future.add_done_callback(done.put)
        return None

    try:
        for task in tasks:
            problem = begin(task, 1)
            if gone:
                break
            if problem is not None:
                yield _failed(task, problem, 1)
        while running:
            future = done.get()
            task, attempt = running.pop(future)
            outcome = _outcome(future, task, attempt)
            if outcome.error and attempt < ATTEMPTS:
                # An executor that takes no more tasks says so; what failed before is the better reason.
                if begin(task, attempt + 1) is not None:
                    gone = gone or future.cancelled()
                    if not future.cancelled():
                        yield outcome
                continue
            yield outcome
        if gone:
            raise StudyError(
                "The executor was shut down before all tasks were done. Give one that runs until the end.",
                key="executor",
            )
    finally:
        for future in running:
            future.cancel()


def _outcome(future: Future[R], task: T, attempt: int) -> Outcome[T, R]:
    # A future of Dask may be cancelled from elsewhere, which is a BaseException.
    try:
        return Outcome(task, future.result(), "", attempt)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as problem:  # noqa: BLE001
        return _failed(task, problem, attempt)


def _failed(task: T, problem: BaseException, attempt: int) -> Outcome[T, Any]:
    # Those of Dask come from a package that need not be installed: KilledWorker, CancelledError, closed connections.
    gone = isinstance(problem, BrokenExecutor | CancelledError) or type(problem).__module__.startswith("distributed.")
    return Outcome(task, None, described(problem), attempt, lost=gone)


def _by(processes: _Processes, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[Outcome[T, R]]:
    """As many tasks at a time as there are processes, so that it is known which were begun when one of them ends.

    Those then are begun again alone, one after the other: the one that ends its process takes no other with it twice.
    """
    waiting = deque((task, 1) for task in tasks)
    suspects: deque[tuple[T, int]] = deque()
    running: dict[Future[R], tuple[T, int]] = {}
    while waiting or suspects or running:
        while len(running) < (1 if suspects else processes.workers) and (suspects or waiting):
            alone = bool(suspects)
            task, attempt = suspects.popleft() if alone else waiting.popleft()
            running[processes.submit(work, task)] = (task, attempt)
            if alone:
                break
        future = processes.next_done()
        task, attempt = running.pop(future)
        if isinstance(future.exception(), BrokenProcessPool):
            broken = [(task, attempt), *running.values()]
            running.clear()
            processes.renew()
            for task, attempt in broken:
                if attempt < ATTEMPTS:
                    suspects.append((task, attempt + 1))
                else:
                    yield Outcome(
                        task, None, "The process that did it ended without a word (killed?).", attempt, lost=True
                    )
            continue
        outcome = _outcome(future, task, attempt)
        if outcome.error and attempt < ATTEMPTS:
            waiting.appendleft((task, attempt + 1))
            continue
        yield outcome


class _Processes:
    """Spawned processes that end with this one, however it ends; renewed when one of them died."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._context = multiprocessing.get_context("spawn")
        self._done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def __enter__(self) -> _Processes:
        self._start()
        try:
            self._pool.submit(os.getpid).result()
        except BrokenProcessPool:
            self._stop()
            raise StudyError(
                "No process could be started to compute in. A script that asks for several workers must hold its "
                "calls under `if __name__ == '__main__':`, because each process reads it again; in a session "
                "without a file, ask for workers=1.",
                key="workers",
            ) from None
        return self

    def __exit__(self, *problem: object) -> None:
        if problem[0] is None:
            self._pool.shutdown()
        self._stop()

    def _start(self) -> None:
        reader, self._held = self._context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self.workers, self._context, _prepare, (reader,))
        self._reader = reader

    def _stop(self) -> None:
        """End the processes at once: none waits for a task that nobody wants any more."""
        self._held.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._reader.close()

    def submit(self, work: Callable[[T], R], task: T) -> Future[R]:
        """The future of a task; one that a broken pool does not take has failed as if it had broken it."""
        try:
            future = self._pool.submit(work, task)
        except BrokenProcessPool as problem:
            future = Future()
            future.set_exception(problem)
        future.add_done_callback(self._done.put)
        return future

    def next_done(self) -> Future[Any]:
        """The next future that is done."""
        return self._done.get()

    def renew(self) -> None:
        """Fresh processes in place of those that are left; what was running is forgotten."""
        self._stop()
        self._done = queue.SimpleQueue()
        self._start()


def _prepare(reader: Connection) -> None:
    """In a new process: leave Ctrl-C to the first one, and end when that closes its end of the pipe, or ends itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        wait([reader])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def described(problem: BaseException) -> str:
    """An exception in one line, with the place where it was raised: what a row of a table can hold."""
    frames = traceback.extract_tb(problem.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(problem).__name__}: {' '.join(str(problem).split())}{place}"

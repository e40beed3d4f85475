"""Whether a block fits into memory, asked before it is trained: a sentence in place of a process that the system kills.

Blocks are trained side by side. One that fits alone waits until enough others are done; one that does not is refused.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from latentdo.errors import FitError

from .density import AbstractForm
from .task import Task

GIB = 2.0**30
_SPARE = 0.95
"""Share of the available memory that may be asked for."""
PROGRAMS = 400 * 2.0**20
"""Bytes that compiling takes, as measured: 360 to 480 MiB in processes of their own, whatever the rows."""

# Weak: a block that is gone, however it ended, holds nothing that another would wait for.
_claims: weakref.WeakKeyDictionary[Task, float] = weakref.WeakKeyDictionary()
_changed = threading.Condition()
_before: list[float] = []
"""The most that this process held before its first block was trained."""


def claim(task: Task, needed: float, repair: str) -> None:
    """Reserve memory for a block until `release`; waits for other blocks where they hold what it needs.

    Args:
        needed: Bytes.
        repair: A sentence: what to do if there will never be enough.

    Raises:
        FitError: There is not so much memory, others or not.
    """
    with _changed:
        _claims.pop(task, None)
        whole = needed + programs_ahead()
        # What others have taken already counts twice here: better one block too few at a time than one too many.
        while (free := available_bytes()) is not None and whole > _SPARE * free - sum(_claims.values()):
            if not _claims:
                raise FitError(
                    f"Training {task.block.name} needs about {_gib(whole)} of memory ({task.rows.n_stored:,} rows, "
                    f"{len(task.block.latent)} latent and {len(task.block.measured)} measured nodes), and "
                    f"{_gib(free)} are available. {repair}"
                )
            _changed.wait(timeout=0.5)
            task.check()
        _claims[task] = needed


def programs_ahead() -> float:
    """Bytes that compiling will take in this process, less what it came to hold since its first block."""
    held = _most_held()
    if not _before:
        _before.append(held)
    return max(0.0, PROGRAMS - (held - _before[0]))


def _most_held() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    most = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return most if sys.platform == "darwin" else 1024.0 * most


def release(task: Task) -> None:
    """Give back what a block has reserved, if anything."""
    with _changed:
        _claims.pop(task, None)
        _changed.notify_all()


def chains_bytes(task: Task, form: AbstractForm, numbers: Any, n_chains: int, n_draws: int, n_points: int = 0) -> float:
    """Bytes that Markov chains on a form of a block need at most.

    The numbers of doubles were fitted to what XLA reports for its gradients: blocks of 3 to 9 nodes with 1 to 3 latents.

    Args:
        numbers: The numeric half of the form: one that needs only sums over rows holds no rows.
        n_draws: Draws per chain of the longest run that is kept at once.
        n_points: Points like the present one that the sampler itself keeps per chain.
    """
    n_latent, n_measured = form.n_noise, len(task.block.measured)
    summed_out = task.layout.n_states * getattr(form, "n_points", 1)
    gradient = 7.0 + 8.0 * n_measured * summed_out + 4.0 * n_measured * n_latent + 7.0 * n_latent**2
    per_row = gradient + (10.0 + n_points) * n_latent
    n_rows = max((size for leaf in jax.tree.leaves(numbers) for size in np.shape(leaf)), default=0)
    table = 8.0 * n_rows * (4.0 * len(task.names) + 10.0)
    kept = 8.0 * n_chains * n_draws * (task.layout.n_free + 1.0) * 4.0
    return 8.0 * n_chains * n_rows * per_row + table + kept


def available_bytes() -> float | None:
    """Memory that this process may still take without swapping, in bytes; None where the system does not say."""
    limits = [*_of_system(), *_of_control_groups(), *_of_limits()]
    return max(0.0, min(limits)) if limits else None


def _of_system() -> Iterator[float]:
    if sys.platform == "linux":
        for line in _lines(Path("/proc/meminfo")):
            if line.startswith("MemAvailable:"):
                yield 1024.0 * float(line.split()[1])
    elif hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        # Elsewhere only the memory of the whole machine is known without other packages.
        yield float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")


def _of_control_groups() -> Iterator[float]:
    """What the limits of containers and batch systems leave: of each group up to the root, versions 1 and 2."""
    for entry in _lines(Path("/proc/self/cgroup")):
        _, controllers, path = entry.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = Path("/sys/fs/cgroup") / ("memory" if controllers else "")
        limit, used = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
        )
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder != root and root not in folder.parents:
                break
            numbers = [next(iter(_lines(folder / name)), "max") for name in (limit, used)]
            if all(number.isdigit() for number in numbers):
                yield float(numbers[0]) - float(numbers[1]) + _file_cache(folder)


def _file_cache(group: Path) -> float:
    """File pages that the system gives up before it kills anyone."""
    for line in _lines(group / "memory.stat"):
        name, _, number = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            return float(number)
    return 0.0


def _of_limits() -> Iterator[float]:
    """What `ulimit -v` leaves."""
    if sys.platform == "win32":
        return
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = next(iter(_lines(Path("/proc/self/statm"))), "").split()
    if soft != resource.RLIM_INFINITY and used:
        yield float(soft) - float(used[0]) * resource.getpagesize()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _gib(number: float) -> str:
    return f"{number / GIB:.2g} GiB"

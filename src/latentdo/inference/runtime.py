"""What surrounds a JAX computation: float64 by a local context, a compile cache for the time of a fit, the devices."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
from jax.experimental.compilation_cache import compilation_cache

from latentdo.errors import FitError
from latentdo.models.build import Arithmetic

JAX = Arithmetic(jnp, jax.scipy.special)
SPREAD_ROWS = 4_096
"""Rows from which on they are spread over devices: fewer cost less than what devices have to tell each other."""

_lock = threading.Lock()
_spread = threading.Lock()
_users = 0
_process: int | None = None
"""The process in which JAX was first used."""


def cache_folder() -> Path:
    """`LATENTDO_CACHE`, else `latentdo` in the user's cache folder."""
    if chosen := os.environ.get("LATENTDO_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "latentdo" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "latentdo"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "latentdo"


@contextmanager
def compile_cache() -> Iterator[None]:
    """Compiled programs are kept on disk while this is open, unless the user has set a folder of their own.

    Several threads may have it open at once; the setting goes back when the last one leaves.
    """
    global _users
    require_own_process()
    with _lock:
        if _users == 0 and jax.config.values["jax_compilation_cache_dir"] is not None:
            ours = False
        else:
            ours = True
            _users += 1
            if _users == 1:
                _set(str(cache_folder()))
    try:
        yield
    finally:
        if ours:
            with _lock:
                _users -= 1
                if _users == 0:
                    _set(None)


def _set(folder: str | None) -> None:
    jax.config.update("jax_compilation_cache_dir", folder)
    # JAX decides once per process whether there is a cache; a new folder must be looked at anew.
    compilation_cache.reset_cache()


def float64() -> AbstractContextManager[None]:
    """A context in which JAX computes in float64, for this thread only."""
    require_own_process()
    return jax.enable_x64(True)


def require_own_process() -> None:
    """Nothing, unless this process was forked from one in which JAX has computed: its threads do not survive a fork.

    Raises:
        FitError: It was; anything that JAX is asked here would stand still.
    """
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise FitError(
            "This process was forked from one that has already computed with JAX, whose threads do not survive a fork: "
            'training would stand still. Start processes by multiprocessing.get_context("spawn").'
        )


def require_backend() -> None:
    """Nothing, if JAX has something to compute on.

    Raises:
        FitError: It was told to use a device that is not there, or in a process that cannot use it.
    """
    require_own_process()
    try:
        jax.devices()
    # For a platform that it knows and that is not installed, JAX has an assertion of its own.
    except (RuntimeError, AssertionError) as problem:
        asked = os.environ.get("JAX_PLATFORMS", "")
        reason = f" ({' '.join(str(problem).split())})" if str(problem) else ""
        repair = f" JAX_PLATFORMS is {asked!r}: unset it, or set it to cpu." if asked else ""
        raise FitError(f"JAX has no device to compute on{reason}.{repair}") from None


def devices_named() -> str:
    """What it computes on, where that is not one processor: `2 cpu devices`; numbers of others agree to rounding alone."""
    require_backend()
    devices = jax.devices()
    usual = len(devices) == 1 and devices[0].platform == "cpu"
    return "" if usual else f"{len(devices)} {devices[0].platform} device{'s' if len(devices) > 1 else ''}"


def devices_for(n_rows: int) -> tuple[Any, ...]:
    """The devices that so many rows are spread over: as many of those that JAX sees as divide them evenly; one of few rows."""
    devices = jax.devices()
    if len(devices) == 1 or n_rows < SPREAD_ROWS:
        return tuple(devices[:1])
    return tuple(devices[: max(k for k in range(1, len(devices) + 1) if n_rows % k == 0)])


def converted(tree: Any, dtype: Any) -> Any:
    """A tree of NumPy arrays as those of JAX, what is in float64 in this type: a weak type would be another program."""

    def one(part: Any) -> Any:
        part = np.asarray(part)
        # `jnp.asarray` would compile a program for each shape.
        return jax.device_put(part.astype(dtype) if part.dtype == np.float64 else part)

    return jax.tree.map(one, tree)


def placed(tree: Any, n_rows: int) -> Any:
    """A tree of arrays for compiled programs: those whose last axis is the rows are spread over devices, the others are on each.

    What is computed of them is the same to rounding. A tree for one device is left as it is.

    Args:
        n_rows: Stored rows, padding included.
    """
    devices = devices_for(n_rows)
    if len(devices) == 1:
        return tree
    mesh = jax.sharding.Mesh(np.array(devices), ("row",))

    def put(array: Any) -> Any:
        axes = [None] * (np.ndim(array) - 1) + ["row"] if np.shape(array)[-1:] == (n_rows,) else []
        return jax.device_put(array, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes)))

    return jax.tree.map(put, tree)


@contextmanager
def in_turn(n_rows: Callable[[], int]) -> Iterator[None]:
    """While this is open, rows may be spread over devices: one block at a time, because programs that wait for each other's
    devices stand still.

    Args:
        n_rows: Gives the number of rows; asked only where there are several devices.
    """
    with _spread if len(jax.devices()) > 1 and len(devices_for(n_rows())) > 1 else nullcontext():
        yield

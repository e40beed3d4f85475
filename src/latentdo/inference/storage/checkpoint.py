"""The running state of a block on disk, so that a fit that was killed goes on where it was, to the same numbers.

A state is a flat mapping from names to arrays and plain values. Its file is there whole or not at all, and what is not whole
(a disk that was full, a file that was cut) is noticed by its hash and left aside.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from latentdo.files import replacing

State = Mapping[str, Any]
"""Names and their values: NumPy arrays of numbers, floats, whole numbers, truth values, texts, None."""

EVERY = 5.0
"""Seconds between two saves of one block's running state."""
SHARE = 0.05
"""Largest share of a block's time that saving may take: large states are saved less often."""

_MAGIC = b"latentdo state 1 "
_VALUES = "values"
_log = logging.getLogger("latentdo")


class Checkpoint:
    """Where one block keeps its running state; one without a file keeps nothing.

    A loop that can be resumed asks `load` once, and calls `save` wherever it could start again:

        state = task.checkpoint.load()
        ensemble = Ensemble.start(…) if state is None else Ensemble.restore(…, state)
        while …:
            …
            task.checkpoint.save(ensemble.state_dict)

    Args:
        path: The file; None keeps nothing.
        every: Seconds between two saves; 0 keeps every state.
        written: Called when a state was written.
    """

    def __init__(
        self, path: Path | None = None, every: float | None = None, written: Callable[[], None] = lambda: None
    ) -> None:
        self._path = path
        self._written = written
        self._every = EVERY if every is None else every
        self._due = time.monotonic() + self._every

    def __reduce__(self) -> tuple[Any, ...]:
        # Sent to another machine, whose clock is another, and which may not see the file.
        return _sent, (None if self._path is None else self._path.absolute(), self._every)

    def part(self, name: str) -> Checkpoint:
        """The checkpoint of one of several methods that train the block in turn, in a file of its own."""
        if self._path is None:
            return self
        return Checkpoint(
            self._path.with_name(f"{self._path.stem}.{name}{self._path.suffix}"), self._every, self._written
        )

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last: each value as it was, arrays bit by bit; None where there is none."""
        return None if self._path is None else read_state(self._path)

    def save(self, state: Callable[[], State]) -> None:
        """Keep the state, if the last one is old enough; a place that cannot be written costs no fit, only the checkpoint.

        Args:
            state: Makes the state; called only if it is to be kept.
        """
        if self._path is None or time.monotonic() < self._due:
            return
        begun = time.monotonic()
        if not write_state(self._path, state()):
            self._path = None
            return
        self._written()
        ended = time.monotonic()
        self._due = ended + (max(self._every, (ended - begun) / SHARE) if self._every else 0.0)


def _sent(path: Path | None, every: float) -> Checkpoint:
    """A checkpoint that came from another process; one without a file where the folder of its fit is not seen."""
    return Checkpoint(path if path is not None and path.parent.is_dir() else None, every)


def write_state(path: Path, state: State) -> bool:
    """Write a state as one file, and say whether that worked; what stood there is replaced by the whole new file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            beside.write_bytes(state_bytes(state))
    except OSError as problem:
        _log.warning("The checkpoint %s cannot be written (%s); training goes on without it.", path, problem.strerror)
        return False
    return True


def read_state(path: Path) -> dict[str, Any] | None:
    """The state in a file; None where there is no file, and, with a note, where it is damaged."""
    try:
        return state_of(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as problem:
        _log.warning("The checkpoint %s cannot be read (%s) and is left aside.", path, problem.strerror)
    except ValueError as problem:
        _log.warning("The checkpoint %s is damaged (%s) and is left aside.", path, problem)
    return None


def state_bytes(state: State) -> bytes:
    """A state as bytes: its hash, then arrays in the NumPy format, the plain values as JSON among them. No pickle."""
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    values = {name: value for name, value in state.items() if name not in arrays}
    text = json.dumps({"arrays": list(arrays), "values": values})
    numbered = {str(k): array for k, array in enumerate(arrays.values())}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(_VALUES, text)
        for name, array in numbered.items():
            with archive.open(name, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    body = stream.getvalue()
    return _MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def state_of(raw: bytes) -> dict[str, Any]:
    """The state in these bytes.

    Raises:
        ValueError: They are not a whole state.
    """
    head, _, body = raw.partition(b"\n")
    if not head.startswith(_MAGIC):
        raise ValueError("not the state of a block")
    if head[len(_MAGIC) :] != hashlib.sha256(body).hexdigest().encode():
        raise ValueError("cut short or changed: its hash differs")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        header = json.loads(archive.read(_VALUES))
        arrays = {
            name: np.lib.format.read_array(io.BytesIO(archive.read(str(k))), allow_pickle=False)
            for k, name in enumerate(header["arrays"])
        }
    return {**arrays, **header["values"]}

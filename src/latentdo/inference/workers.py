"""Blocks trained elsewhere: how a fit and the processes that train for it hear of each other, by small files in a folder.

Progress and interruption are no part of what an executor carries. Where the folder is seen, each worker writes how far its block
is, and ends when the folder goes; where it is not, a block is trained to its end, and its progress is told then.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from latentdo.errors import ArchiveError
from latentdo.files import host, is_running, replacing

BETWEEN = 0.5
"""Seconds between two looks at the folder."""


@dataclass(eq=False)
class Place:
    """Where the progress of one block is written: called like progress, asked like an event. It can be pickled.

    Attributes:
        path: The file.
        made_on, pid: Machine and process of the fit.
    """

    path: Path
    made_on: str = field(default_factory=host)
    pid: int = field(default_factory=os.getpid)
    _seen: bool = False
    _due: float = 0.0
    _restarts: int = 0
    _shown: str = ""

    def __getstate__(self) -> dict[str, object]:
        # Clocks of other machines begin elsewhere.
        return {**vars(self), "_due": 0.0}

    def tell(self, block: str, share: float) -> None:
        """Write how far the block is, now and then; that it was begun anew is not lost in between."""
        del block
        self._restarts += share == 0.0
        shown = f"{self._restarts} {share!r}"
        if self._is_due() and shown != self._shown and self.path.parent.is_dir():
            self._shown = shown
            with contextlib.suppress(OSError), replacing(self.path) as beside:
                beside.write_text(shown, encoding="utf-8")

    def is_set(self) -> bool:
        """Whether the fit has ended: its folder is gone, or its process."""
        here = self.made_on == host()
        if self.path.parent.is_dir():
            self._seen = True
            return here and not is_running(self.pid)
        return here or self._seen

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + BETWEEN
        return True


class Board:
    """The folder of a fit, as the fit reads it.

    Args:
        tells: Per block whom to tell how far it is.
    """

    def __init__(self, folder: Path, tells: list[Callable[[float], None]]) -> None:
        self._folder = folder
        self._tells = tells
        self._restarts = [0] * len(tells)
        self._done: set[int] = set()
        self._lock = threading.Lock()

    def place(self, number: int) -> Place:
        """Where the progress of a block is written."""
        return Place(self._folder / f"{number}")

    def finish(self, number: int) -> None:
        """What is still written of this block is not told any more."""
        with self._lock:
            self._done.add(number)

    def read(self) -> None:
        """Tell what was written."""
        for number, tell in enumerate(self._tells):
            try:
                restarts, share = self.place(number).path.read_text(encoding="utf-8").split()
            except (OSError, ValueError):
                continue
            with self._lock:
                if number not in self._done:
                    if int(restarts) > self._restarts[number]:
                        self._restarts[number] = int(restarts)
                        tell(0.0)
                    tell(float(share))


@contextmanager
def board(tells: list[Callable[[float], None]], within: Path | None) -> Iterator[Board]:
    """A board that is read while this is open; those who train elsewhere end when it closes.

    Args:
        within: The folder to make it in: of a checkpoint, which other machines may see; that for temporary files unless given.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=".progress-", dir=within, ignore_cleanup_errors=True)
    except OSError as problem:
        place = within or Path(tempfile.gettempdir())
        raise ArchiveError(place, f"no folder can be made there ({problem.strerror}). Free some space.") from None
    with folder as name:
        made = Board(Path(name).absolute(), tells)
        with ticking(made.read, BETWEEN):
            yield made


@contextmanager
def ticking(act: Callable[[], None], every: float) -> Iterator[None]:
    """While this is open, something is done every so many seconds by a thread of its own."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every):
            act()

    thread = threading.Thread(target=run, name="latentdo-tick", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

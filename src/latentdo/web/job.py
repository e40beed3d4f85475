"""A fit that runs in a process of its own, seen from the server: how far it is, and how it is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

from .training import FIT, KEPT, LOG

State = Literal["running", "stopped", "failed", "done"]
PATIENCE = 5.0
"""Seconds that a process may take to end when it is told to."""


class Job:
    """One run of training.

    Attributes:
        folder: Its files, as `training` reads and writes them.
        error: Why it failed.

    Args:
        told: Called after each change, from a thread of its own.
    """

    def __init__(self, folder: Path, told: Callable[[], None]) -> None:
        self.folder = folder
        self.error: dict[str, Any] | None = None
        self.notes: list[str] = []
        self.state: State = "running"
        self._told = told
        self._course: dict[str, Any] = {"left": None, "blocks": [], "step": None}
        self._begun = time.monotonic()
        self._ended: float | None = None
        self._stopped = False
        with (folder / LOG).open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.training", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                # The package is found there where this one was.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                # Ctrl-C at the terminal is told to the server, which tells it here.
                start_new_session=True,
            )
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def stop(self) -> None:
        """End it now; what was done is kept in its folder."""
        self._stopped = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self.state == "running":
            # It may have been done in the same moment.
            self._end("done" if (self.folder / FIT).is_file() else "stopped")

    def to_json(self) -> dict[str, Any]:
        """How far it is."""
        blocks = self._course["blocks"]
        share = sum(block["share"] for block in blocks) / len(blocks) if blocks else 0.0
        return {
            "state": self.state,
            "seconds": (self._ended or time.monotonic()) - self._begun,
            "left": self._course["left"] if self.state == "running" else None,
            "share": 1.0 if self.state == "done" else share,
            "blocks": blocks,
            "step": self._course["step"] if self.state == "running" else None,
            "notes": list(self.notes),
            "error": self.error,
        }

    def _listen(self, stream: IO[str]) -> None:
        """Take in what the process tells, until it ends."""
        with stream:
            self._take(stream)
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._stopped:
            return
        if self.error is None and not (self.folder / FIT).is_file():
            what = f"signal {-code}" if code < 0 else f"code {code}"
            said = f"Training ended without a word ({what}), perhaps for lack of memory. What was done is kept: go on."
            self.error = {"kind": "fit", "message": said, "line": None, "column": None, "hedge": None}
        self._end("done" if self.error is None else "failed")

    def _take(self, stream: IO[str]) -> None:
        for line in stream:
            told = json.loads(line)
            if "course" in told:
                self._course = told["course"]
            elif "note" in told:
                # People need not know where it is kept.
                self.notes.append(told["note"].replace(f"{self.folder / KEPT}", "what was kept"))
            elif "failed" in told:
                self.error = told["failed"]
            self._told()

    def _end(self, state: State) -> None:
        self._ended = time.monotonic()
        self.state = state
        self._told()

"""Engines that do something to the process which trains a block: a module of its own, so that other processes can import it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from latentdo.errors import FitError
from latentdo.inference import AbstractEngine, BlockDraws, Method
from latentdo.inference.samplers.outcome import node_draws


@dataclass(frozen=True)
class Eventful(AbstractEngine):
    """Draws from the seed alone; on the way, something happens to the block of M.

    Args:
        home: The process in which nothing happens.
        event: What happens to M elsewhere: `killed`, `fails`, `breaks`, `slow`.
        folder: A file per attempt at M.
        times: How often it happens.
    """

    home: int
    event: str = ""
    folder: str = ""
    times: int = 99

    @property
    def shape(self) -> tuple[int, int]:
        return 2, 200

    def train(self, task) -> BlockDraws:
        if "M" in task.block.nodes and os.getpid() != self.home:
            self._happen(task)
        u = 0.1 * task.random().normal(size=(*task.shape, task.layout.n_free))
        return BlockDraws(task.block, Method("other", of="made up"), node_draws(task, u), independent=True)

    def _happen(self, task) -> None:
        attempts = len(list(Path(self.folder).iterdir()))
        (Path(self.folder) / f"{attempts}-{os.getpid()}").touch()
        if attempts >= self.times:
            return
        match self.event:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "fails":
                raise FitError(f"The log density of {task.block.name} is not finite.")
            case "breaks":
                raise ZeroDivisionError("one\nfault")
            case "slow":
                for k in range(3000):
                    task.tell(k / 3000)
                    time.sleep(0.1)
            case _:
                pass

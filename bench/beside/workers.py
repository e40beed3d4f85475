"""The side that asks: workers that are killed when they run past the cap, and the outcome of every case."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from beside.cases import Case
from beside.libraries import REPEAT_SECONDS, REPEATS, high_water

# Starting a worker imports a library: that is measured elsewhere, and only bounded here.
START_SECONDS = 120.0
SCRIPT = Path(__file__).resolve().parent.parent / "identification.py"


class OutOfTimeError(Exception):
    """A worker did not reply within the cap; it has been killed."""


class WorkerDiedError(Exception):
    """A worker ended without a reply."""


class Worker:
    """A process that holds one library, started when it is first asked."""

    def __init__(self, name: str, python: str, gibibytes: float) -> None:
        self.command = [python, str(SCRIPT), "--worker", name, "--gibibytes", str(gibibytes)]
        self.name, self.peak, self.at_start, self.version = name, 0, 0, ""
        self.process: subprocess.Popen[str] | None = None
        self.lines: queue.Queue[str] = queue.Queue()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The reply, or `OutOfTimeError`, `WorkerDiedError`."""
        if self.process is None:
            self.start()
        assert self.process is not None and self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except OSError:
            self.stop()
            raise WorkerDiedError(self.name) from None
        return self.reply(seconds)

    def start(self) -> None:
        """Start the process and wait until its library is loaded."""
        # Some libraries follow the order of sets: the same seed makes the same run.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"PYTHONHASHSEED": "0"},
        )  # fmt: skip
        self.lines = queue.Queue()
        threading.Thread(target=listen, args=(self.process.stdout, self.lines), daemon=True).start()
        try:
            ready = self.reply(START_SECONDS)
        except (OutOfTimeError, WorkerDiedError):
            sys.exit(f"The worker of {self.name} does not start. To see why: {' '.join(self.command)}")
        self.version, self.at_start = ready["version"], ready["peak"]

    def reply(self, seconds: float) -> dict[str, Any]:
        """The next line, decoded."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            self.stop()
            raise OutOfTimeError(self.name) from None
        if not line:
            self.stop()
            raise WorkerDiedError(self.name)
        found = json.loads(line)
        self.peak = max(self.peak, found["peak"])
        return found

    def stop(self) -> None:
        """End the process; the next request starts another."""
        if self.process is None:
            return
        self.peak = max(self.peak, high_water(self.process.pid))
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except (OSError, ValueError):
                continue
        self.process = None


def listen(pipe: Any, lines: queue.Queue[str]) -> None:
    """Pass on each line, then an empty one."""
    try:
        for line in pipe:
            lines.put(line)
    except ValueError:  # closed under way
        pass
    lines.put("")


@dataclass
class Outcome:
    """What one library made of one case: seconds are None, and `fate` says why, where there is no answer."""

    fate: str = "answered"
    identified: bool | None = None
    seconds: float | None = None
    printed_seconds: float | None = None
    size: int | None = None
    error: str = ""


def attempt(worker: Worker, case: Case, cap: float) -> Outcome:
    """One library's answer to one case, within the cap for the call, and again for printing."""
    found = Outcome()
    try:
        first = worker.ask({"do": "answer", "case": asdict(case)}, cap)
        if "error" in first:
            return Outcome("crashed", error=first["error"])
        found.identified, found.seconds = first["identified"], first["seconds"]
        if first["seconds"] < REPEAT_SECONDS:
            again = worker.ask({"do": "repeat"}, cap + REPEATS * REPEAT_SECONDS)
            found.seconds = again.get("seconds", found.seconds)
    except (OutOfTimeError, WorkerDiedError) as error:
        return Outcome("out of time" if isinstance(error, OutOfTimeError) else "crashed", error=repr(error))
    if found.identified:
        try:
            shown = worker.ask({"do": "print"}, cap + REPEAT_SECONDS)
            found.error = f"printing: {shown['error']}" if "error" in shown else ""
            found.size = shown.get("size")
            found.printed_seconds = found.seconds + shown["seconds"] if "seconds" in shown else None
        except (OutOfTimeError, WorkerDiedError) as error:
            found.error = f"printing: {error!r}"
    return found


@dataclass
class Record:
    """One case with the outcome of each library."""

    case: Case
    outcomes: dict[str, Outcome]

    def ratio(self, peer: str, what: str = "seconds") -> float | None:
        """How many times as long the peer took, where both answered."""
        ours, theirs = (getattr(self.outcomes[name], what) for name in ("latentdo", peer))
        return theirs / ours if ours and theirs else None


def run_class(kind: str, cases: Iterable[Case], workers: list[Worker], cap: float) -> list[Record]:
    """Every case with every library, by turns; after a time-out the larger cases of its family are not asked."""
    records: list[Record] = []
    given_up: set[tuple[str, str]] = set()
    for worker in workers:
        worker.stop()
        worker.peak = 0
        worker.start()
    for k, case in enumerate(cases):
        found: dict[str, Outcome] = {}
        for worker in workers if k % 2 == 0 else reversed(workers):
            if (worker.name, case.family) in given_up:
                found[worker.name] = Outcome("not asked")
                continue
            found[worker.name] = attempt(worker, case, cap)
            if case.family and found[worker.name].fate == "out of time":
                given_up.add((worker.name, case.family))
        records.append(Record(case, found))
        if sys.stderr.isatty():
            print(f"\r{kind}: {k + 1} cases ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
    return records

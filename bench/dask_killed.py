"""A reproduction on a local Dask cluster, one of whose workers is killed in the middle, beside the same in this process.

Run: `PYTHONPATH=. python bench/dask_killed.py --datasets 8`. The cluster has two workers, each a process with a nanny. Once
a third of the
tasks are kept on disk, a worker is killed (SIGKILL) while it computes. Every number must be the same, bit for bit; only
how long it took may differ.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import distributed

from studies import Reproduction, reproduce

SHARE = 1 / 3
"""Of the tasks that are done before a worker is killed."""


def killed_in_the_middle(name: str, workers: int, **asked: Any) -> tuple[Reproduction, dict[str, Any]]:
    """A reproduction on a cluster that loses a worker, and what happened to it."""
    happened: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        before = client.run(os.getpid)

        def kill() -> None:
            kept = Path(folder) / f"{name}.jsonl"
            while not kept.exists() or kept.read_bytes().count(b"\n") < asked["tasks"] * SHARE:
                time.sleep(0.05)
            happened["kept_when_killed"] = kept.read_bytes().count(b"\n")
            happened["computing_when_killed"] = sum(map(len, client.processing().values()))
            os.kill(next(iter(before.values())), signal.SIGKILL)

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        settings = {key: value for key, value in asked.items() if key != "tasks"}
        found = reproduce(name, executor=client.get_executor(), folder=folder, progress=False, **settings)
        killer.join()
        # The nanny starts another worker in its place.
        client.wait_for_workers(workers)
        happened["replaced"] = len(set(client.run(os.getpid).values()) - set(before.values()))
    return found, happened


def numbers(found: Reproduction) -> list[dict[str, Any]]:
    """The rows without how long they took."""
    return [{key: value for key, value in row.items() if "seconds" not in key} for row in found.rows]


def main(arguments: Sequence[str]) -> int:
    """1 if a number differs or a task was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="napkin")
    parser.add_argument("--datasets", type=int, default=8)
    parser.add_argument("--size", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args(arguments)
    asked = {"datasets": given.datasets, "sizes": [given.size]}
    started = time.perf_counter()
    here = reproduce(given.study, workers=1, progress=False, **asked)
    between = time.perf_counter()
    there, happened = killed_in_the_middle(given.study, given.workers, tasks=here.n_done, **asked)
    facts = {
        "study": given.study,
        "tasks": here.n_done,
        "rows": len(here.rows),
        **happened,
        "failed": list(there.failed),
        "same": numbers(here) == numbers(there),
        "seconds_here": round(between - started, 1),
        "seconds_cluster": round(time.perf_counter() - between, 1),
        "versions": {"python": platform.python_version(), "distributed": distributed.__version__},
    }
    print(json.dumps(facts, indent=2))
    if given.output is not None:
        given.output.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return 0 if facts["same"] and not facts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fits whose process or worker is ended at random moments: gone on from, they give the same numbers and count all time."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from latentdo.inference.storage import checkpoint

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

MODEL = "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ bernoulli(M, U)"
SCRIPT = """
import json, sys
import numpy as np
import latentdo as ld
from latentdo.fitting import fit_resumably
from latentdo.inference.storage import checkpoint

def main(table, folder, engine, every, workers):
    rows = dict(np.load(table))
    checkpoint.EVERY = every
    real = checkpoint.Checkpoint.save
    def save(self, state):
        real(self, state)
        print("saved", flush=True)
    checkpoint.Checkpoint.save = save
    fit_resumably(sys.argv[2], rows, eval(engine), progress=False, checkpoint=folder, workers=workers)
    print("done", flush=True)

if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
"""


def table(n: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    u, e, f, g = random.normal(size=(4, n))
    x = (u + e > 0).astype(float)
    m = x + f
    return {"X": x, "M": m, "Y": (m + u + g > 0).astype(float)}


def draws(posterior: ld.Posterior) -> dict[str, bytes]:
    """Every number that was drawn, by node."""
    return {
        node: own.coefficients.tobytes() + b"".join(values.tobytes() for _, values in own.parameters)
        for node, own in posterior.by_node.items()
    }


def seconds(folder: Path) -> float:
    """What the checkpoint says the fit has taken so far; 0 where there is none."""
    return sum(float(path.read_text()) for path in folder.glob("*/seconds"))


def processor_seconds(pid: int) -> float:
    """What a process and its worker have used of the processor, so that moments mean the same on a busy machine."""
    used = 0
    for one in filter(None, (pid, worker_of(pid))):
        try:
            used += sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:13]))
        except OSError:
            continue
    return used / os.sysconf("SC_CLK_TCK")


def worker_of(parent: int) -> int | None:
    """A process that trains for another."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            command = (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"spawn_main" in command:
            return int(path.parent.name)
    return None


class Runs:
    """One fit, begun again and again by a script."""

    def __init__(
        self, folder: Path, rows: dict[str, np.ndarray], engine: str, every: float, workers: int = 1, model: str = MODEL
    ) -> None:
        np.savez(folder / "table.npz", **rows)  # pyright: ignore[reportArgumentType] - one of the columns is no option
        (folder / "script.py").write_text(SCRIPT)
        self._folder = folder
        self.kept = folder / "fit.part"
        self._options = {"table": str(folder / "table.npz"), "folder": str(self.kept), "engine": engine, "every": every}
        self._options["workers"] = workers
        self._model = model

    def begin(self) -> subprocess.Popen[str]:
        line = [sys.executable, str(self._folder / "script.py"), json.dumps(self._options), self._model]
        return subprocess.Popen(line, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def end_after(process: subprocess.Popen[str], saves: int, sent: signal.Signals) -> bool:
    """End it after so many states were saved, or anywhere soon after; whether that came before its own end."""
    assert process.stdout is not None
    for _ in range(saves):
        if process.stdout.readline() != "saved\n":
            process.communicate()
            return False
    process.send_signal(sent)
    process.communicate(timeout=60)
    return True


def test_a_fit_that_is_ended_at_random_moments_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    engine = "ld.Auto(max_steps=200)"
    model = MODEL.replace("Y ~ bernoulli", "Y ~ gamma")  # which chains are needed for
    rows = table(60)
    rows["Y"] = np.exp(0.3 * rows["M"] + np.random.default_rng(1).normal(size=60))
    runs = Runs(tmp_path, rows, engine, 0.0, model=model)
    chance = random.Random(3)
    spent = 0.0
    for sent in (signal.SIGKILL, signal.SIGINT):
        begun = time.monotonic()
        assert end_after(runs.begin(), chance.randint(1, 3), sent)
        assert seconds(runs.kept) > spent, "the time of this run counts as well"
        assert seconds(runs.kept) < spent + time.monotonic() - begun
        spent = seconds(runs.kept)
    resumed = ld.fit(model, rows, eval(engine), progress=False, checkpoint=runs.kept)
    assert resumed.seconds > spent
    assert f"{resumed.seconds:.1f} s" in resumed.summary()
    assert draws(resumed) == draws(ld.fit(model, rows, eval(engine), progress=False))
    assert not runs.kept.exists()


def test_time_is_noted_though_nothing_can_be_kept_yet(tmp_path, monkeypatch):
    from latentdo.inference import train

    monkeypatch.setattr(train, "NOTED", 0.01)
    monkeypatch.setattr(checkpoint, "EVERY", 60.0)
    real, noted = train.train_block, []

    def train_block(task, engine):
        time.sleep(0.3)
        noted.append(seconds(tmp_path / "fit.part"))
        return real(task, engine)

    monkeypatch.setattr(train, "train_block", train_block)
    monkeypatch.setattr(train, "_n_cores", lambda: 1)
    ld.fit("X ~ normal; M ~ normal(X)", table(30), ld.Laplace(), progress=False, checkpoint=tmp_path / "fit.part")
    assert 0.1 < noted[0] < noted[1]
    assert not (tmp_path / "fit.part").exists()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ld.Svi(steps=4000)", "ld.Auto()"])
@pytest.mark.parametrize("workers", [1, 2])
def test_ten_random_moments_of_a_fit_of_20_000_rows(tmp_path, engine, workers):
    """Ended by signal 9 and by Ctrl-C in turn; with workers, in every third run one of these is killed, and the fit goes on."""
    rows = table(20_000)
    alone = draws(ld.fit(MODEL, rows, eval(engine), progress=False))
    runs = Runs(tmp_path, rows, engine, 1.0, workers)
    chance, ended = random.Random(11), 0
    while ended < 10:
        process = runs.begin()
        wait = chance.uniform(4.0, 12.0)
        if workers > 1 and ended % 3 == 2:
            time.sleep(wait)
            if (worker := worker_of(process.pid)) is not None:
                os.kill(worker, signal.SIGKILL)
        while process.poll() is None and processor_seconds(process.pid) < wait:
            time.sleep(0.05)
        before = time.monotonic()
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if ended % 2 else signal.SIGINT)
            ended += 1
        process.communicate(timeout=60)
        assert time.monotonic() - before < 30
        if process.returncode == 0:
            assert draws(ld.fit(MODEL, rows, eval(engine), progress=False, checkpoint=runs.kept)) == alone
    spent = seconds(runs.kept)
    resumed = ld.fit(MODEL, rows, eval(engine), progress=False, checkpoint=runs.kept)
    assert resumed.seconds > spent > 10.0
    assert draws(resumed) == alone

"""Memory asked for before it is taken: what is available, what a block needs, who waits and who is refused."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import FitError
from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import coordinates_on
from latentdo.inference.blocks.unfolding import unfolded
from latentdo.inference.likelihood import memory
from latentdo.inference.likelihood.memory import GIB, available_bytes, chains_bytes, claim, release
from latentdo.inference.likelihood.task import Task
from shared_fits import napkin_rows
from small_blocks import random_rows

MIXED = "latent U ~ normal; X ~ normal(U); Y ~ bernoulli(U)"


def tasks(model: str, n: int = 40) -> list[Task]:
    spec = ld.model(model)
    data = random_rows(spec, n)
    moved = unfolded(spec, coordinates_on(spec, data))
    stopped = threading.Event()
    return [Task(spec, block, moved, data, 0, (16, 10), lambda *_: None, stopped) for block in blocks_of(spec)]


def files(monkeypatch: pytest.MonkeyPatch, content: dict[str, str]) -> None:
    """The system's files, as some machine would have them."""
    monkeypatch.setattr(memory, "_lines", lambda path: content.get(str(path), "").splitlines())
    monkeypatch.setattr(memory.sys, "platform", "linux")


def test_the_tightest_of_machine_container_and_limit_counts(monkeypatch):
    system = {"/proc/meminfo": "MemTotal: 8000 kB\nMemAvailable:    4000 kB\n"}
    files(monkeypatch, system)
    monkeypatch.setattr(memory, "_of_limits", lambda: iter(()))
    assert available_bytes() == 4000 * 1024
    group = "/sys/fs/cgroup/batch"
    files(
        monkeypatch,
        {
            **system,
            "/proc/self/cgroup": "0::/batch/job",
            f"{group}/job/memory.max": "max",
            f"{group}/job/memory.current": "900",
            f"{group}/memory.max": "3000000",
            f"{group}/memory.current": "1000000",
            f"{group}/memory.stat": "anon 5\ninactive_file 250000\n",
        },
    )
    assert available_bytes() == 2_250_000
    old = "/sys/fs/cgroup/memory/docker"
    files(
        monkeypatch,
        {
            **system,
            "/proc/self/cgroup": "5:cpu:/docker\n4:memory:/docker\n0::/",
            f"{old}/memory.limit_in_bytes": "2000000",
            f"{old}/memory.usage_in_bytes": "1500000",
        },
    )
    assert available_bytes() == 500_000
    files(monkeypatch, {})
    assert available_bytes() is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads the system's own files")
def test_this_machine_has_some_memory():
    found = available_bytes()
    assert found is not None
    assert 0 < found < 1e15


@pytest.mark.sample
@pytest.mark.parametrize(
    "model",
    [
        MIXED,
        "latent U, V ~ normal; X ~ normal(U, V); Y ~ bernoulli(U, V, X); Z ~ gamma(U, V); A ~ hill(U, V)",
        "latent U ~ normal; " + "; ".join(f"X{k} ~ gamma(U)" for k in range(6)),
    ],
)
def test_a_block_needs_about_what_its_program_needs(model):
    """Against what XLA says of the compiled transition."""
    from latentdo.inference.runtime import float64
    from latentdo.inference.samplers import ensemble

    (task,) = tasks(model, 20_000)
    with float64():
        chains = ensemble.Ensemble.start(task.layout, task.numbers, task.starts(16), task.rows.n_stored, (0,))
        k, (n_chains, n) = chains._chunk, chains.x.shape
        randoms = ensemble.Randoms(
            *(np.zeros(shape) for shape in ((k, n_chains, n), (k, n_chains), (k,), (k, 2))),
        )
        control = ensemble.Control(*(np.asarray(value) for value in (2.5, 32.0, 1.0)))
        lowered = ensemble._advance.lower(
            task.layout, chains.numbers, chains.metric, chains.tuning, chains.x, control, randoms
        )
        analysis = lowered.compile().memory_analysis()
    assert analysis is not None
    found = analysis.temp_size_in_bytes + analysis.argument_size_in_bytes + analysis.output_size_in_bytes
    assert found / 1.5 < chains_bytes(task, task.layout, task.numbers, 16, 0) < 2 * found


def test_sums_over_rows_take_no_room_for_rows():
    (task,) = tasks(MIXED, 20_000)
    whole, sums = (chains_bytes(task, task.layout, numbers, 16, 0) for numbers in (task.numbers, [np.eye(3)]))
    assert sums < whole / 10


@pytest.mark.parametrize(
    ("engine", "repair"),
    [
        (ld.Auto(max_steps=200), r"Fit a sample of the rows, or train by ld\.Nuts\(chains=1\)"),
        (ld.Nuts(draws=4, warmup=4, chains=2), "Ask for fewer chains, or fit a sample of the rows"),
    ],
)
def test_a_block_that_does_not_fit_is_refused_by_name(engine, repair, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1e6)
    rows = {name: values for name, values in napkin_rows(2000).items() if name in "WX"}
    with pytest.raises(
        FitError, match=rf"^Training \{{U, W, X\}} needs about 0\.\d+ GiB of memory .*2,048 rows.*{repair}"
    ):
        ld.fit("latent U ~ normal; W ~ gamma(U); X ~ bernoulli(U)", rows, engine, progress=False)
    assert not dict(memory._claims)


def test_what_fits_alone_waits_for_the_others(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10 * GIB)
    (one,), (two,) = tasks(MIXED), tasks(MIXED)
    claim(one, 6 * GIB, "")
    done = threading.Event()

    def second() -> None:
        claim(two, 6 * GIB, "")
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    try:
        assert not done.wait(0.1)
        release(one)
        assert done.wait(10)
    finally:
        release(one)
        thread.join()
        release(two)
    with pytest.raises(FitError, match=r"needs about 11 GiB .* and 10 GiB are available\. Less\."):
        claim(one, 11 * GIB, "Less.")


def test_compiling_is_counted_once_and_not_again_in_a_process_that_has_compiled(monkeypatch):
    monkeypatch.setattr(memory, "_before", [])
    held = [1.0 * GIB]
    monkeypatch.setattr(memory, "_most_held", lambda: held[0])
    assert memory.programs_ahead() == memory.PROGRAMS
    monkeypatch.setattr(memory, "available_bytes", lambda: memory.PROGRAMS)
    (one,) = tasks(MIXED)
    with pytest.raises(FitError, match=r"needs about 0\.39 GiB"):
        claim(one, 1e6, "")
    held[0] += 2 * memory.PROGRAMS
    claim(one, 1e6, "")
    release(one)


def test_a_block_that_waits_hears_that_the_fit_was_interrupted(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10 * GIB)
    (one,), (two,) = tasks(MIXED), tasks(MIXED)
    claim(one, 6 * GIB, "")
    two.stopped.set()
    with pytest.raises(FitError, match="interrupted"):
        claim(two, 6 * GIB, "")
    release(one)


@pytest.mark.sample
@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space")
def test_a_process_with_little_memory_refuses_rather_than_dies(tmp_path: Path):
    code = """
import resource, numpy as np, latentdo as ld
random = np.random.default_rng(0)
model = ld.model("latent U ~ normal; X ~ gamma(U); Y ~ bernoulli(U)")
def rows(n):
    return {"X": random.gamma(2.0, 1.0, n), "Y": random.integers(0, 2, n).astype(float)}
ld.fit(model, rows(50), ld.Auto(max_steps=200), progress=False)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, -1))
try:
    ld.fit(model, rows(400_000), ld.Nuts(), progress=False)
except ld.LatentdoError as refused:
    print(refused)
print(ld.fit(model, rows(50), ld.Auto(max_steps=200), progress=False).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, cwd=tmp_path, env={**os.environ}, check=False
    )
    assert done.returncode == 0, done.stderr
    refused, shape = done.stdout.splitlines()
    assert refused.startswith("Training {U, X, Y} needs about ")
    assert "GiB of memory (458,752 rows" in refused
    assert shape.startswith("(16, ")


FITS = {
    "normal and bernoulli": (MIXED, 60_000),
    "gamma": ("latent U ~ normal; X ~ gamma(U); Y ~ gamma(X, U)", 60_000),
    "hill": ("latent U ~ normal; X ~ hill(U); Y ~ bernoulli(X, U); Z ~ hill(U)", 40_000),
    "two causes": ("latent U, V ~ normal; X ~ normal(U, V); Y ~ bernoulli(U, V, X); Z ~ gamma(U)", 40_000),
    "classes": ("latent C ~ bernoulli; X ~ normal(C); Y ~ gamma(C, X); Z ~ bernoulli(C)", 60_000),
}

PEAK = """
import resource, sys
from latentdo.inference.likelihood.memory import chains_bytes
from latentdo.inference.runtime import float64
from latentdo.inference.samplers.ensemble import Ensemble
from test_memory import tasks
def peak():
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def moved(task):
    with float64():
        chains = Ensemble.start(task.layout, task.numbers, task.starts(16), task.rows.n_stored, (0,))
        chains.advance()
moved(tasks(sys.argv[1], 60)[0])
before = peak()
(task,) = tasks(sys.argv[1], int(sys.argv[2]))
moved(task)
print(chains_bytes(task, task.layout, task.numbers, 16, 0), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are counted in KiB")
@pytest.mark.parametrize(("model", "n"), FITS.values(), ids=FITS)
def test_what_is_asked_for_is_what_a_process_takes(model: str, n: int):
    """Within a factor of three, over what the same program takes of few rows."""
    path = os.pathsep.join([*map(str, Path(__file__).parents[:2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", PEAK, model, str(n)],
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked, taken = map(float, done.stdout.split())
    assert taken / 3 < asked < 3 * taken


def test_a_block_that_is_gone_holds_nothing(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10 * GIB)
    (one,), (two,) = tasks(MIXED), tasks(MIXED)
    claim(one, 6 * GIB, "")
    del one
    gc.collect()
    # It would wait for ever for the first one's memory.
    claim(two, 6 * GIB, "")
    release(two)

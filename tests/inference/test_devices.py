"""Rows spread over the devices that JAX sees: the same numbers to rounding, and blocks that do not wait for each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from latentdo.inference import runtime

TWO = """
import json, sys, threading
import jax, numpy as np
import latentdo as ld
from latentdo.inference import Fit, compile_cache, float64, runtime
from latentdo.inference.likelihood.writing import program_of
from latentdo.inference.samplers import ensemble
from latentdo.tables import Dataset

runtime.SPREAD_ROWS = 48
random = np.random.default_rng(0)
n, u, v = 60, *random.normal(size=(2, 60))
rows = {name: part + random.normal(size=n) for name, part in {"A": u, "B": u, "C": v, "D": v}.items()}
rows = {name: column if name in "AC" else (column > 0).astype(float) for name, column in rows.items()}
spec = ld.model("latent U, V ~ normal; A ~ normal(U); B ~ bernoulli(U); C ~ normal(V); D ~ bernoulli(V)")
with float64(), compile_cache():
    fit = Fit.of(spec, Dataset.of(rows), ld.Auto(), 0)
    task = fit.tasks(lambda block, share: None, threading.Event())[0]
    form, numbers = program_of(task.layout, task.numbers)
    places, shards = [], []
    for n_placed in (0, task.rows.n_stored):
        chains = ensemble.Ensemble.start(
            form, numbers, task.starts(4), task.rows.n_stored, (0, 1), warm_up=40, n_placed=n_placed
        )
        chains.advance()
        shards += [max(len(leaf.sharding.device_set) for leaf in jax.tree.leaves(chains.numbers))]
        places += [chains.x.tolist()]
told = {
    "stored": task.rows.n_stored,
    "shards": shards,
    "places": places,
    "named": runtime.devices_named(),
    "used": [len(runtime.devices_for(k)) for k in (47, 48, 61, 64)],
}
if "fit" in sys.argv:
    # Two programs at once whose devices wait for each other would stand still.
    told["plan"] = ld.fit(spec, rows, ld.Auto(max_steps=200), progress=False).plan
print(json.dumps(told))
"""


def on_two_devices(*arguments: str) -> dict[str, Any]:
    """What a process tells that sees one processor as two devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2".strip()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TWO, *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "XLA_FLAGS": flags},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def two() -> dict[str, Any]:
    return on_two_devices()


def test_rows_on_two_devices_give_the_same_numbers_to_rounding(two):
    assert two["shards"] == [1, 2]
    one, both = np.array(two["places"])
    assert one.shape[1] > two["stored"], "weights and a latent per row"
    np.testing.assert_allclose(both, one, rtol=1e-8, atol=1e-8)


@pytest.mark.slow
def test_blocks_that_are_spread_do_not_wait_for_each_other():
    assert on_two_devices("fit")["plan"].count("{") >= 2


def test_few_rows_and_rows_that_do_not_divide_stay_on_one_device(two):
    assert two["used"] == [1, 2, 1, 2]


def test_a_checkpoint_knows_what_it_was_computed_on(two):
    assert two["named"] == "2 cpu devices"
    assert runtime.devices_named() == ""


def test_one_device_leaves_arrays_as_they_are():
    tree = {"y": np.zeros(10**5)}
    assert runtime.placed(tree, 10**5) is tree
    assert len(runtime.devices_for(10**7)) == 1

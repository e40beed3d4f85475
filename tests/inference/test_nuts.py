"""NumPyro's sampler in pieces: what is drawn does not depend on how the run was cut, nor on where it was killed."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from latentdo.inference import Nuts
from latentdo.inference.runtime import compile_cache, float64
from latentdo.inference.samplers import nuts
from latentdo.inference.samplers.nuts import run_nuts
from latentdo.inference.storage.checkpoint import Checkpoint
from small_blocks import only_block

ENGINE = Nuts(draws=9, warmup=8, chains=2)


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.fixture(scope="module")
def run():
    """Runs the sampler on a small block with a latent; takes what `run_nuts` takes beside."""
    block = only_block("latent U ~ normal; X ~ normal(U); Y ~ bernoulli(U)", "X")
    start = np.array([block.point(np.random.default_rng(k)) for k in range(2)])

    def with_options(*options: Any):
        with float64(), compile_cache():
            return run_nuts(
                block.layout, block.numbers, start, block.rows.n_stored, ENGINE, jax.random.key(3), *options
            )

    return with_options


def same(a, b) -> bool:
    return a.u.tobytes() == b.u.tobytes() and a.log_posterior.tobytes() == b.log_posterior.tobytes()


@pytest.mark.sample
def test_a_run_is_the_same_however_it_is_cut_and_wherever_it_was_killed(run, monkeypatch, tmp_path):
    told: list[float] = []
    whole = run(told.append)
    assert (whole.u.shape[:2], whole.log_posterior.shape) == ((2, 9), (2, 9))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len({tuple(u) for u in whole.u[0]}) > 4, "the chain moves"

    monkeypatch.setattr(nuts, "PIECE", 0.0)  # every piece is one transition
    kept = Checkpoint(tmp_path / "0.state", every=0.0)
    for stop in (3 / 17, 8 / 17, 13 / 17):

        def report(share: float, stop: float = stop) -> None:
            if share > stop:
                raise Killed

        with pytest.raises(Killed):
            run(report, kept)
        state = kept.load()
        assert state is not None
        assert state["made"] == round(17 * stop)
    told.clear()
    resumed = run(told.append, kept)
    assert told[:3] == [0.0, 13 / 17, 14 / 17], "it went on where it was"
    assert same(resumed, whole)
    assert resumed.acceptance == whole.acceptance

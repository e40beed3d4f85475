"""The judgement of ranks: uniform ones pass, those of intervals too narrow and of biased fits do not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from calibrated import CELLS
from calibration import LEVELS, Ranks, envelope, smallest_tail


def ranks_of(values: np.ndarray) -> Ranks:
    result = Ranks("a cell", "an engine")
    for value in values:
        result.add({"ranks": {"mean(Y)": int(value)}, "redrawn": 0, "converged": True, "seconds": 1.0})
    return result


def test_uniform_ranks_pass() -> None:
    found = ranks_of(np.random.default_rng(1).integers(0, LEVELS + 1, 100))
    assert found.n == 100
    assert found.corrected() > 0.05
    assert sum(found.bins("mean(Y)")) == 100


@pytest.mark.parametrize(
    "quantiles", [lambda q: 0.5 + 0.5 * np.sign(q - 0.5) * np.sqrt(abs(2 * q - 1)), lambda q: q**0.5]
)
def test_ranks_of_narrow_intervals_and_of_bias_do_not(quantiles) -> None:
    shares = quantiles(np.random.default_rng(2).uniform(size=200))
    found = ranks_of((shares * (LEVELS + 1)).astype(int))
    assert found.corrected() < 0.001
    assert found.tests()["mean(Y)"][2]


def test_five_of_a_hundred_uniform_samples_leave_the_envelope() -> None:
    random = np.random.default_rng(3)
    outside = [smallest_tail(random.integers(0, LEVELS + 1, 50)) < envelope(50) for _ in range(1000)]
    # Three standard errors, those of the envelope's own simulation included.
    assert abs(np.mean(outside) - 0.05) < 3 * np.sqrt(0.05 * 0.95 * (1 / 1000 + 1 / 2000))


def test_failed_fits_are_counted_and_have_no_ranks() -> None:
    found = ranks_of(np.arange(10))
    found.add({"redrawn": 2, "error": "no mode"})
    assert (found.n, found.failed, found.redrawn) == (10, 1, 2)


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_has_finite_functionals(name: str) -> None:
    cell, random = CELLS[name], np.random.default_rng(4)
    theta = cell.draw_parameters(random)
    simulated = cell.simulate(theta, random.uniform(size=(len(cell.nodes), 40)))
    found = cell.functionals(theta, {node.name: simulated[node.name][0] for node in cell.measured})
    assert all(np.isfinite(values).all() and values.shape == (1,) for values in found.values())
    assert found.keys() >= {"log likelihood", "cov(X, Y)"}


SUMMED = [name for name in CELLS if not CELLS[name].hidden or name in ("latent bernoulli", "latent categorical")]


@pytest.mark.parametrize("name", [name for name in SUMMED if name != "table"])
def test_simulated_rows_have_the_law_that_their_likelihood_says(name: str) -> None:
    # The score has mean 0 at the true parameters, and its variance is the information.
    cell, random = CELLS[name], np.random.default_rng(5)
    theta = cell.draw_parameters(random)
    simulated = cell.simulate(theta, random.uniform(size=(len(cell.nodes), 4000)))
    rows = {node.name: simulated[node.name][0] for node in cell.measured}
    step = 1e-3
    shifted = {label: value + step * random.normal() * np.array([-1.0, 0.0, 1.0]) for label, value in theta.items()}
    below, here, above = cell.log_likelihood(shifted, rows)
    score, information = (above - below) / (2 * step), -(above - 2 * here + below) / step**2
    assert information > 0
    assert abs(score) < 4 * np.sqrt(information)

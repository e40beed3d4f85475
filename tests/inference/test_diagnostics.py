"""R-hat and effective sample size against theory, and against ArviZ as a witness."""

from __future__ import annotations

import numpy as np
import pytest

from latentdo.inference.blocks.diagnostics import diagnose, ess, rhat


def autoregressive(phi: float, chains: int, draws: int, seed: int) -> np.ndarray:
    """Stationary AR(1) chains, whose effective share is (1 - phi) / (1 + phi)."""
    random = np.random.default_rng(seed)
    x = np.empty((chains, draws))
    x[:, 0] = random.normal(size=chains) / np.sqrt(1 - phi**2)
    for t in range(1, draws):
        x[:, t] = phi * x[:, t - 1] + random.normal(size=chains)
    return x


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, -0.4])
def test_ess_is_that_of_an_autoregression(phi):
    x = autoregressive(phi, 8, 4000, 1)
    expected = min(x.size * (1 - phi) / (1 + phi), x.size * np.log10(x.size))
    # The estimator's own relative sd here is about 5 %; the bulk version is bounded by the mean's.
    assert ess(x) == pytest.approx(expected, rel=0.25)


def test_rhat_of_independent_draws_is_one():
    x = np.random.default_rng(2).normal(size=(16, 500))
    assert rhat(x) == pytest.approx(1.0, abs=0.005)
    assert diagnose("x", x).passed


def test_rhat_sees_a_shifted_chain_and_a_chain_of_another_spread():
    x = np.random.default_rng(3).normal(size=(4, 500))
    shifted, spread = x.copy(), x.copy()
    shifted[0] += 2
    spread[0] *= 8
    assert rhat(shifted) > 1.2
    assert rhat(spread) > 1.1, "folding sees what the means do not"
    assert not diagnose("x", shifted).passed


def test_rhat_sees_a_drift_common_to_all_chains():
    x = np.random.default_rng(4).normal(size=(4, 500)) + np.linspace(0, 3, 500)
    assert rhat(x) > 1.2


def test_chains_that_stand_still_apart_are_infinitely_far():
    assert rhat(np.repeat([[1.0], [2.0]], 10, axis=1)) == float("inf")


def test_a_constant_is_converged_and_a_nan_is_not():
    assert rhat(np.ones((4, 100))) == 1.0
    assert ess(np.ones((4, 100))) == 400
    broken = np.ones((4, 100))
    broken[1, 3] = np.nan
    assert rhat(broken) == float("inf")
    assert ess(broken) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_arviz_agrees(seed):
    arviz_stats = pytest.importorskip("arviz_stats")
    x = autoregressive(0.6, 4, 1000, seed)
    functions = arviz_stats.base.array_stats
    assert rhat(x) == pytest.approx(float(functions.rhat(x, chain_axis=0, draw_axis=1, method="rank")), abs=1e-6)
    witness = min(float(functions.ess(x, chain_axis=0, draw_axis=1, method=method)) for method in ("bulk", "mean"))
    # The last, half-empty pair of lags is treated a little differently.
    assert ess(x) == pytest.approx(witness, rel=0.01)

"""R-hat and effective sample size against theory, and against ArviZ as a witness."""

from __future__ import annotations

import numpy as np
import pytest

from latentdo.inference.blocks.diagnostics import ESS_LIMIT, RHAT_LIMIT, Diagnostic, diagnose, ess, limit_among, rhat


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


def test_the_limit_of_many_r_hats_is_what_chance_allows_among_them():
    # Chains that agree, whose draws have an autocorrelation time of 5/3; the largest of so many R-hats.
    random = np.random.default_rng(0)
    n, step, largest = 2_000, 0.25, []
    for _ in range(12):
        chains = random.standard_normal((n, 16, 250), dtype=np.float32)
        for k in range(1, 250):
            chains[..., k] = step * chains[..., k - 1] + np.sqrt(1.0 - step**2) * chains[..., k]
        half = chains.reshape(n, 32, 125)
        within, between = half.var(axis=2, ddof=1).mean(axis=1), half.mean(axis=2).var(axis=1, ddof=1)
        largest.append(float(np.sqrt(124 / 125 + between / within).max()))
    assert limit_among(1, 16) == limit_among(50, 16) == RHAT_LIMIT
    assert limit_among(n, 16) < 1.015
    assert sum(one > RHAT_LIMIT for one in largest) >= 4
    assert sum(one > limit_among(n, 16) for one in largest) <= 1


def test_few_effective_draws_never_pass_among_however_many():
    assert not Diagnostic("mean(Y)", 1.0, ESS_LIMIT - 1.0).passed_among(10**6, 16)
    assert Diagnostic("mean(Y)", 1.0105, ESS_LIMIT).passed_among(1_000, 16)
    assert not Diagnostic("mean(Y)", 1.0105, ESS_LIMIT).passed_among(50, 16)

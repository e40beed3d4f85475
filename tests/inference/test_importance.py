"""Pareto k-hat: known shapes, scipy's fit, and ArviZ as a witness."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from latentdo.inference.samplers.importance import pareto_k


def quantiles(law: object, n: int = 4000) -> np.ndarray:
    """An even sample: the same on every machine."""
    return law.ppf((np.arange(n) + 0.5) / n)


@pytest.mark.parametrize("k", [0.1, 0.5, 0.9, 1.5])
def test_a_generalised_pareto_sample_gives_its_shape(k):
    found = [
        pareto_k(scipy.stats.genpareto(k).rvs(4000, random_state=np.random.default_rng(seed))) for seed in range(40)
    ]
    # The sd of the estimate is about (1 + k)/sqrt(190 tail draws); the prior at 0.5 shrinks it by 10 in 200.
    expected = (k * 190 + 0.5 * 10) / 200
    assert abs(np.mean(found) - expected) < 5 * (1 + k) / np.sqrt(190 * 40)


def test_both_tails_are_looked_at():
    heavy = scipy.stats.genpareto(1.2).rvs(4000, random_state=np.random.default_rng(1))
    assert pareto_k(-heavy) == pytest.approx(pareto_k(heavy), rel=1e-9)
    assert pareto_k(heavy) > 0.7


@pytest.mark.parametrize(("law", "low", "high"), [
    (scipy.stats.norm(), -0.3, 0.2),
    (scipy.stats.uniform(), -1.2, 0.0),
    (scipy.stats.t(3), 0.1, 0.5),
    (scipy.stats.cauchy(), 0.8, 1.2),
    (scipy.stats.t(0.6), 1.3, 2.0),
])  # fmt: skip
def test_laws_of_known_tails(law, low, high):
    assert low < pareto_k(quantiles(law)) < high


def test_a_change_of_unit_changes_nothing():
    draws = scipy.stats.t(2).rvs(1000, random_state=np.random.default_rng(0))
    assert pareto_k(1e6 * draws - 3e5) == pytest.approx(pareto_k(draws), abs=1e-6)
    assert pareto_k(1e-9 * draws) == pytest.approx(pareto_k(draws), abs=1e-6)


@pytest.mark.parametrize("k", [0.3, 0.7, 1.1])
def test_scipy_fits_the_same_shape_by_likelihood(k):
    draws = scipy.stats.genpareto(k).rvs(20_000, random_state=np.random.default_rng(7))
    size = int(np.ceil(3 * np.sqrt(len(draws))))
    ordered = np.sort(draws)
    shape, _, _ = scipy.stats.genpareto.fit(ordered[-size:] - ordered[-size - 1], floc=0)
    expected = (shape * size + 0.5 * 10) / (size + 10)
    # The two are different estimators of one number: close beside their sd of (1 + k)/sqrt(size).
    assert abs(pareto_k(draws) - expected) < 0.3 * (1 + k) / np.sqrt(size)


def test_arviz_agrees():
    base = pytest.importorskip("arviz_stats.base")
    for law in (scipy.stats.norm(), scipy.stats.t(2), scipy.stats.cauchy(), scipy.stats.expon()):
        draws = law.rvs(1000, random_state=np.random.default_rng(5))
        witness = float(np.ravel(base.array_stats.pareto_khat(draws[None, :], r_eff=1.0))[-1])
        assert pareto_k(draws) == pytest.approx(witness, abs=0.02)


@pytest.mark.parametrize(
    "draws",
    [
        np.ones(1000),
        np.zeros(1000),
        np.arange(30.0),
        np.repeat([0.0, 1.0], 500),
        np.r_[np.zeros(990), np.ones(10)],
        np.r_[np.zeros(900), np.linspace(0, 1, 100)],
    ],
    ids=["constant", "zero", "few", "two values", "nearly constant", "half tied"],
)
def test_draws_without_a_tail_have_no_index_and_no_warning(draws):
    assert pareto_k(draws) <= 0.7

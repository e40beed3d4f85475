"""Who meets which noise, how noise that depends on a parameter is interpolated, and what the simulation error says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from latentdo.answers.simulation.noise import CHUNK, COMMON, CROSSED, REPLICATES, Layout, Noise
from latentdo.models import ModelSpec

CHAIN = ModelSpec.parse("A ~ normal; B ~ gamma(A); C ~ bernoulli(B); D ~ student(C)")


def layout(n: int, seed: int = 0) -> Layout:
    return Layout.of(n, np.random.default_rng(seed))


@pytest.mark.parametrize("n", [CROSSED + 1, 100, 1000, 1001])
def test_every_draw_has_a_replicate_of_its_own(n):
    found = layout(n)
    width = found.columns.shape[1] - COMMON
    assert width == -(-n // REPLICATES)
    assert found.own is not None
    np.testing.assert_array_equal(found.columns[found.own], np.arange(n))
    assert np.bincount(found.own[0], minlength=REPLICATES).max() <= width
    # Draws of one chain, neighbours in the order of draws, are dealt over replicates.
    assert len(np.unique(found.own[0][:50])) > REPLICATES // 2
    # The last columns are the same draws everywhere.
    assert (found.columns[:, width:] == found.columns[0, width:]).all()
    assert len(set(found.columns[0, width:])) == COMMON


@pytest.mark.parametrize("n", [1, 2, 30, CROSSED])
def test_few_draws_are_in_every_replicate(n):
    found = layout(n)
    assert found.columns.shape == (REPLICATES, n)
    values = np.random.default_rng(1).normal(size=(REPLICATES, n))
    np.testing.assert_allclose(found.gathered(values), values.mean(axis=0))
    assert found.error(values) == pytest.approx(values.mean(axis=1).std(ddof=1) / math.sqrt(REPLICATES))


def test_what_is_spread_is_gathered_again():
    for n in (10, 500):
        values = np.random.default_rng(0).normal(size=n)
        found = layout(n)
        np.testing.assert_allclose(found.gathered(found.spread(values)), values, rtol=1e-14)


def test_the_error_is_that_of_the_replicates_and_not_of_the_draws():
    found = layout(2000)
    draws = np.random.default_rng(1).normal(size=2000)
    assert found.error(found.spread(draws)) == 0
    shifts = np.random.default_rng(2).normal(0, 0.01, size=(REPLICATES, 1))
    assert found.error(found.spread(draws) + shifts) == pytest.approx(shifts.std(ddof=1) / 4, rel=1e-9)


@pytest.mark.parametrize(("n", "of_one"), [(2000, 1.0), (50, 0.25)])
def test_what_units_add_to_a_draw_is_seen_where_they_mean_something_else_to_each(n, of_one):
    random, found = np.random.default_rng(3), layout(n)
    draws = found.spread(random.normal(size=n))
    assert found.widening(draws) == pytest.approx(0.0, abs=1e-12)
    noisy = draws + random.normal(0, 0.5, size=draws.shape)
    assert found.widening(noisy) == pytest.approx(0.5 * of_one, rel=0.1)
    # The mean over draws does not show it.
    assert found.error(noisy) < 0.1 * found.widening(noisy) / of_one


def test_chunks_are_evenly_spread_and_so_are_they_together():
    noise = Noise(CHAIN, 5)
    chunks = [noise.uniforms("C", k)[:, 0] for k in range(4)]
    for chunk in chunks:
        assert chunk.shape == (REPLICATES, CHUNK)
        for row in chunk:
            np.testing.assert_array_equal(np.sort((row * CHUNK).astype(int)), np.arange(CHUNK))
    together = np.concatenate(chunks, axis=1)
    for row in together:
        np.testing.assert_array_equal(np.sort((row * 4 * CHUNK).astype(int)), np.arange(4 * CHUNK))
    assert len(np.unique(together[:, 0])) == REPLICATES
    # Asked in another order they are the same.
    np.testing.assert_array_equal(Noise(CHAIN, 5).uniforms("C", 3)[:, 0], chunks[3])


@pytest.mark.parametrize(
    ("node", "name", "exact"),
    [
        ("B", "shape", lambda u, own: scipy.stats.gamma.ppf(u, own) / own),
        ("D", "df", lambda u, own: scipy.stats.t.ppf(u, own)),
    ],
)
@pytest.mark.parametrize("spread", [0.0, 0.05, 1.5])
def test_noise_of_a_parameter_is_its_quantile_in_every_draw(node, name, exact, spread):
    own = 3.0 * np.exp(spread * np.random.default_rng(0).uniform(-1, 1, size=(REPLICATES, 7, 1)))
    noise = Noise(CHAIN, 0)
    found = np.broadcast_to(noise.of(node, 0, {name: own}), (REPLICATES, 7, CHUNK))
    expected = exact(noise.uniforms(node, 0), own)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * expected.std())

"""Quantiles found from distribution functions, against SciPy's own."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from latentdo.answers.simulation.roots import smallest_level, where_reached, where_tail

SHAPE = (3, 5)
CENTRES = np.random.default_rng(0).normal(size=SHAPE) * 30


@pytest.mark.parametrize("level", [0.001, 0.1, 0.5, 0.975])
@pytest.mark.parametrize("start", [(-1.0, 1.0), (500.0, 501.0), (-2.0, -2.0)])
def test_a_continuous_law_is_inverted_from_wherever_it_starts(level, start):
    found = where_reached(lambda at: scipy.stats.norm.cdf(at, CENTRES, 2.0), level, start, SHAPE, whole=False)
    np.testing.assert_allclose(found, scipy.stats.norm.ppf(level, CENTRES, 2.0), atol=1e-6)


def test_a_law_that_begins_at_zero_and_has_a_long_tail_is_inverted():
    shape = np.linspace(0.3, 5, 15).reshape(SHAPE)
    found = where_reached(lambda at: scipy.stats.gamma.cdf(at, shape), 0.9, (0.5, 0.6), SHAPE, whole=False)
    np.testing.assert_allclose(found, scipy.stats.gamma.ppf(0.9, shape), atol=1e-7)


@pytest.mark.parametrize("level", [1e-9, 0.01, 0.5, 0.9, 0.999, 1 - 1e-9])
@pytest.mark.parametrize("start", [-300.0, 0.5, 40.0])
@pytest.mark.parametrize(
    "law",
    [
        scipy.stats.norm(CENTRES, 2.0),
        scipy.stats.gumbel_l(CENTRES, 0.5),
        scipy.stats.t(4.0, CENTRES),
    ],
    ids=["normal", "gumbel", "student"],
)
def test_tails_are_inverted_from_wherever_it_starts_with_few_looks(law, start, level):
    upper, looks = level > 0.5, 0

    def tail(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nonlocal looks
        looks += 1
        return (law.sf if upper else law.cdf)(at), law.pdf(at)

    found = where_tail(tail, level, np.full(SHAPE, start), 10.0, upper=upper)
    right = law.isf(1 - level) if upper else law.ppf(level)
    np.testing.assert_allclose(found, right, atol=1e-6, rtol=1e-6)
    assert looks < 50


def test_a_tail_that_is_no_number_has_no_quantile():
    found = where_tail(lambda at: (np.full_like(at, np.nan), np.ones_like(at)), 0.3, CENTRES, 1.0, upper=False)
    assert np.isnan(found).all()


def test_a_step_is_found_where_it_steps():
    found = where_reached(lambda at: np.where(at >= CENTRES, 0.8, 0.3), 0.5, (-1.0, 1.0), SHAPE, whole=False)
    np.testing.assert_allclose(found, CENTRES, atol=1e-7)


@pytest.mark.parametrize("level", [0.01, 0.5, 0.99])
def test_whole_numbers_are_whole(level):
    rate = np.linspace(0.2, 40, 15).reshape(SHAPE)
    found = where_reached(lambda at: scipy.stats.poisson.cdf(at, rate), level, (0.0, 3.0), SHAPE, whole=True)
    np.testing.assert_array_equal(found, scipy.stats.poisson.ppf(level, rate))


def test_a_level_that_is_never_reached_has_no_value():
    found = where_reached(lambda at: np.where(CENTRES > 0, 0.4, 0.0 * at), 0.5, (0.0, 1.0), SHAPE, whole=False)
    assert np.isnan(found).all()


def test_the_first_level_that_reaches_is_taken_rounding_aside():
    chances = np.array([0.1, 0.2, 0.7])
    points = (0.0, 2.0, 5.0)

    def share(at: np.ndarray) -> np.ndarray:
        return sum(np.where(at >= point, chance, 0.0) for point, chance in zip(points, chances, strict=True))

    assert (smallest_level(share, points, 0.3, SHAPE) == 2.0).all()
    assert (smallest_level(share, points, 0.31, SHAPE) == 5.0).all()
    assert (smallest_level(share, points, 0.05, SHAPE) == 0.0).all()

"""The law of sizes against lines that are known, a check loss minimised by linear programming, and its own bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linprog

from latentdo.planning.size_law import fit_law


def by_linear_programming(x, y, weights, tau) -> tuple[float, float]:
    """Height and slope of the weighted quantile line: Koenker & Bassett's own formulation."""
    n = len(x)
    cost = np.concatenate([np.zeros(2), tau * weights, (1 - tau) * weights])
    equal = np.hstack([np.ones((n, 1)), -x[:, None], np.eye(n), -np.eye(n)])
    found = linprog(cost, A_eq=equal, b_eq=y, bounds=[(None, None)] * 2 + [(0, None)] * (2 * n))
    return found.x[0], found.x[1]


def loss(x, y, weights, tau, height, slope) -> float:
    above = y - height + slope * x
    return float((weights * above * (tau - (above < 0))).sum())


def test_the_line_minimises_the_check_loss() -> None:
    random, tau = np.random.default_rng(1), 0.5
    x = np.repeat(np.log([50.0, 100.0, 200.0, 400.0]), 9)
    y = 1.0 - 0.5 * x + 0.1 * random.standard_normal(len(x))
    weights = random.uniform(0.2, 1.0, len(x))
    law = fit_law(x, y, weights, tau, random, n=0)
    least = loss(x, y, weights, tau, *by_linear_programming(x, y, weights, tau))
    assert loss(x, y, weights, tau, law.heights[0], law.slopes[0]) == pytest.approx(least, rel=1e-4)


def test_other_quantiles_are_those_of_what_the_median_line_leaves() -> None:
    random = np.random.default_rng(1)
    x = np.repeat(np.log([50.0, 100.0, 200.0, 400.0]), 20)
    y = 1.0 - 0.5 * x + 0.1 * random.standard_normal(len(x))
    middle, high = (fit_law(x, y, np.ones(len(x)), tau, random, n=0) for tau in (0.5, 0.8))
    assert not high.by_moments
    assert high.slopes[0] == middle.slopes[0]
    assert np.mean(y <= high.heights[0] - high.slopes[0] * x + 1e-12) == pytest.approx(0.8)


@pytest.mark.parametrize(("tau", "seeds"), [(0.5, 120), (0.9, 120), (0.99, 120)])
def test_lines_hold_the_quantile_as_often_as_they_say(tau, seeds) -> None:
    x = np.repeat(np.log([70.0, 100.0, 140.0]), 15)
    held = 0
    for seed in range(seeds):
        random = np.random.default_rng([seed, 31])
        y = 1.0 - 0.5 * x + 0.2 * random.standard_normal(len(x))
        found = fit_law(x, y, np.ones(len(x)), tau, random, n=100).value(np.log(100.0))
        low, high = np.quantile(found[1:], [0.05, 0.95])
        held += low <= 1.0 - 0.5 * np.log(100.0) + 0.2 * stats.norm.ppf(tau) <= high
    # Three binomial standard errors below 90 %.
    assert held / seeds > 0.9 - 3 * np.sqrt(0.09 / seeds)


@pytest.mark.parametrize("shape", [4.0, 60.0])
def test_a_quantile_that_nothing_shows_follows_from_moments(shape) -> None:
    # Log of a gamma variable of shape 60 is nearly normal; gamma variables themselves are skewed by 2 / √shape.
    random = np.random.default_rng(5)
    x = np.repeat(np.log([70.0, 100.0, 140.0]), 100)
    y = 1.0 - 0.5 * x + 0.1 * (random.gamma(shape, size=len(x)) - shape) / np.sqrt(shape)
    law = fit_law(x, y, np.ones(len(x)), 0.99, random, n=200)
    assert law.by_moments
    wanted = 1.0 - 0.5 * np.log(100.0) + 0.1 * (stats.gamma.ppf(0.99, shape) - shape) / np.sqrt(shape)
    low, high = np.quantile(law.value(np.log(100.0))[1:], [0.005, 0.995])
    assert low < wanted < high
    assert high - low < 0.12


def test_experiments_without_a_result_do_not_tilt_the_line() -> None:
    random = np.random.default_rng(6)
    x = np.repeat(np.log([50.0, 100.0, 200.0]), 20)
    y = 1.0 - 0.5 * x + 0.02 * random.standard_normal(len(x))
    y[:4] = np.inf
    law = fit_law(x, y, np.ones(len(x)), 0.5, random, n=20)
    assert law.slopes[0] == pytest.approx(0.5, abs=0.02)
    assert np.isfinite(law.heights).all()
    y[:35] = np.inf
    assert np.isinf(fit_law(x, y, np.ones(len(x)), 0.5, random, n=0).heights[0])


def test_an_exact_line_is_found_and_read_both_ways() -> None:
    x = np.repeat(np.log([10.0, 20.0, 80.0]), 4)
    law = fit_law(x, 2.0 - 0.5 * x, np.ones(12), 0.5, np.random.default_rng(0), n=20)
    assert law.slopes == pytest.approx(np.full(21, 0.5), abs=1e-6)
    assert law.place(law.value(4.0)[0])[0] == pytest.approx(4.0, abs=1e-5)


def test_odd_experiments_do_not_move_the_line() -> None:
    random = np.random.default_rng(3)
    x = np.repeat(np.log([50.0, 100.0, 200.0]), 21)
    y = 1.0 - 0.5 * x + 0.02 * random.standard_normal(len(x))
    y[[3, 30, 50]] += 1e3
    law = fit_law(x, y, np.ones(len(x)), 0.5, random, n=0)
    assert law.value(float(np.log(100)))[0] == pytest.approx(1.0 - 0.5 * np.log(100), abs=0.03)


def test_a_line_that_does_not_fall_reaches_nothing() -> None:
    x = np.repeat(np.log([50.0, 100.0, 200.0]), 4)
    law = fit_law(x, 0.1 * x, np.ones(12), 0.5, np.random.default_rng(0), n=5)
    assert np.isinf(law.place(-1.0)).all()


def test_the_bootstrap_is_as_wide_as_the_estimates_spread() -> None:
    x = np.repeat(np.log([50.0, 100.0, 200.0, 400.0]), 15)
    found, told = [], []
    for seed in range(80):
        random = np.random.default_rng([seed, 8])
        y = 1.0 - 0.5 * x + 0.1 * random.standard_normal(len(x))
        law = fit_law(x, y, np.ones(len(x)), 0.5, random, n=60)
        values = law.value(5.0)
        found.append(values[0])
        told.append(values[1:].std())
    # The relative standard error of an sd over 80 is 8 %; the bootstrap of a median is a little too wide in small samples.
    assert 0.8 < np.mean(told) / np.std(found) < 1.4


def test_shares_follow_from_experiments_moved_along_the_line() -> None:
    x = np.repeat([5.0, 10.0, 20.0], 200)
    random = np.random.default_rng(4)
    y = 1.0 - 0.2 * x + random.standard_normal(len(x))
    law = fit_law(x, y, np.ones(len(x)), 0.8, random, n=0)
    # At x = 12 y is normal around -1.4: P(y <= -1) = Φ(0.4) = 0.655, with a standard error of 0.02.
    assert law.share_below(12.0, -1.0)[0] == pytest.approx(0.655, abs=0.06)

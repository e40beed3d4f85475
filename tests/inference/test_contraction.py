"""Contracted draws against quadrature, on a ridge that the data leave open."""

from __future__ import annotations

import numpy as np
import pytest

from latentdo.inference.samplers.contraction import contracted
from latentdo.inference.samplers.importance import smoothed

N_ROWS, SHARE = 20_000.0, 0.01


def log_density(u: np.ndarray, n: float = N_ROWS) -> np.ndarray:
    """A product that n rows pin down at 1, a number that they pin down at 0.3, and standard normal priors of all three."""
    return -0.5 * n * ((u[:, 0] * u[:, 1] - 1.0) ** 2 + 2.0 * (u[:, 2] - 0.3) ** 2) - 0.5 * (u**2).sum(axis=1)


def features(u: np.ndarray) -> np.ndarray:
    return np.column_stack([u[:, 0] * u[:, 1], np.sqrt(2.0) * u[:, 2]])


def draws_of_few(n_draws: int, random: np.random.Generator) -> np.ndarray:
    """Exact draws with u0, u1 > 0: u0 and the product from a fine grid."""
    n = SHARE * N_ROWS
    first, product = np.meshgrid(np.exp(np.linspace(-2.5, 1.8, 800)), np.linspace(0.4, 1.6, 600), indexing="ij")
    points = np.column_stack([first.ravel(), (product / first).ravel(), np.zeros(first.size)])
    # In (log u0, product) the volume element is 1.
    log_weights = log_density(points, n)
    weights = np.exp(log_weights - log_weights.max())
    chosen = points[random.choice(len(points), size=n_draws, p=weights / weights.sum())]
    precision = 2.0 * n + 1.0
    chosen[:, 2] = 0.6 * n / precision + random.standard_normal(n_draws) / np.sqrt(precision)
    return chosen


def test_moved_draws_have_the_law_of_all_rows():
    u = draws_of_few(4_000, np.random.default_rng(1))
    found = contracted(features, log_density, u, log_density(u, SHARE * N_ROWS), N_ROWS, SHARE)
    assert not isinstance(found, str), found
    weights, khat = smoothed(found.log_weights)
    assert found.n_pinned == 2 and khat < 0.5 and 1.0 / (weights**2).sum() > 3_500
    product, free = found.u[:, 0] * found.u[:, 1], np.log(found.u[:, 0])
    mean = weights @ product
    assert mean == pytest.approx(1.0, abs=4e-4)
    assert np.sqrt(weights @ (product - mean) ** 2) == pytest.approx(N_ROWS**-0.5, rel=0.06)
    assert np.sqrt(weights @ (found.u[:, 2] - 0.3) ** 2) == pytest.approx((2 * N_ROWS) ** -0.5, rel=0.06)
    # Along the ridge u1 = 1/u0 the prior alone decides: log u0 has a density like exp(-cosh(2 log u0)).
    grid = np.linspace(-4, 4, 4_001)
    law = np.exp(-np.cosh(2 * grid))
    sd = np.sqrt((law * grid**2).sum() / law.sum())
    assert np.sqrt(weights @ (free - weights @ free) ** 2) == pytest.approx(sd, rel=0.06)
    assert np.corrcoef(free, product)[0, 1] == pytest.approx(0.0, abs=0.07)


def test_what_cannot_be_moved_says_why():
    u = np.random.default_rng(1).standard_normal((500, 3))
    prior = -0.5 * (u**2).sum(axis=1)
    still = np.where(np.arange(3) == 1, 0.0, u)
    assert contracted(features, log_density, still, prior, N_ROWS, SHARE) == "a coordinate of the draws does not move"
    nothing = contracted(lambda u: 0.0 * u, lambda u: -0.5 * (u**2).sum(axis=1), u, prior, N_ROWS, SHARE)
    assert nothing == "the data pin nothing down"

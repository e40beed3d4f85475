"""Proposals: densities that integrate to one, draws that follow them, widths that follow the target."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from latentdo.inference.samplers.importance import Mixture, SplitStudent, around, fitted
from latentdo.inference.samplers.modes import Mode


def split(point=0.5, axis=2.0, below=0.4, above=1.7, freedom=5.0):
    return SplitStudent(np.array([point]), np.array([[axis]]), np.array([below]), np.array([above]), freedom)


def in_three():
    random = np.random.default_rng(2)
    axes = np.eye(3) + 0.5 * random.normal(size=(3, 3))
    return SplitStudent(np.array([1.0, -1.0, 2.0]), axes, np.array([0.3, 1.0, 2.0]), np.array([1.0, 1.5, 0.5]), 7.0)


def mass(proposal, low, high):
    return scipy.integrate.quad(lambda u: float(np.exp(proposal.log_density(np.array([[u]])))[0]), low, high)[0]


def test_the_density_of_one_coordinate_integrates_to_one_and_has_no_step():
    proposal = split()
    assert mass(proposal, -np.inf, 0.5) + mass(proposal, 0.5, np.inf) == pytest.approx(1.0, abs=1e-8)
    low, high = proposal.log_density(np.array([[0.5 - 1e-9], [0.5 + 1e-9]]))
    assert low == pytest.approx(high, abs=1e-6)


def test_draws_of_one_coordinate_follow_the_density():
    proposal = split()
    draws = proposal.draw(4000, np.random.default_rng(0))[:, 0]
    grid = np.linspace(-60, 200, 200_001)
    density = np.exp(proposal.log_density(grid[:, None]))
    cumulative = scipy.integrate.cumulative_trapezoid(density, grid, initial=0.0)
    assert scipy.stats.kstest(draws, lambda u: np.interp(u, grid, cumulative)).pvalue > 1e-3


def test_equal_sides_are_the_multivariate_t():
    axes = np.array([[1.0, 0.3], [0.0, 2.0]])
    proposal = SplitStudent(np.array([1.0, 2.0]), axes, np.ones(2), np.ones(2), 4.0)
    points = np.random.default_rng(1).normal(size=(20, 2)) * 5
    truth = scipy.stats.multivariate_t([1.0, 2.0], axes @ axes.T, df=4.0).logpdf(points)
    np.testing.assert_allclose(proposal.log_density(points), truth, atol=1e-10)


@pytest.mark.parametrize("proposal", [in_three(), Mixture((in_three(), in_three()), np.array([0.3, 0.7]))])
def test_weights_of_a_known_density_average_to_its_mass(proposal):
    # E_q[p / q] = 1 holds for no wrong constant and no draws that do not follow q; p lies well inside.
    target = scipy.stats.multivariate_normal([1.2, -1.0, 1.8], 0.2 * np.eye(3))
    u = proposal.draw(20_000, np.random.default_rng(3))
    weights = np.exp(target.logpdf(u) - proposal.log_density(u))
    error = weights.std() / np.sqrt(len(weights))
    assert error < 0.05
    assert weights.mean() == pytest.approx(1.0, abs=4 * error)
    np.testing.assert_allclose(weights @ u / weights.sum(), target.mean, atol=5 * error)


def test_a_mixture_takes_from_each_part_its_share():
    apart = Mixture((split(point=-1e6), split(point=1e6)), np.array([0.25, 0.75]))
    draws = apart.draw(1000, np.random.default_rng(0))
    assert (draws > 0).sum() == 750
    joined = apart.joined(split(point=0.0))
    assert joined.shares == pytest.approx([0.125, 0.375, 0.5])
    assert joined.draw(1001, np.random.default_rng(0)).shape == (1001, 1)
    low = float(np.exp(joined.log_density(np.array([[0.0]])))[0])
    assert low == pytest.approx(0.5 * float(np.exp(split(point=0.0).log_density(np.array([[0.0]])))[0]))


def test_each_side_is_as_wide_as_the_density_is_there():
    def skewed(u):
        return np.where(u[:, 0] > 0, -0.5 * (u[:, 0] / 3.0) ** 2, -0.5 * (u[:, 0] / 0.5) ** 2)

    (part,) = around((Mode(np.zeros(1), 0.0, np.array([[1.0]])),), skewed).parts
    assert (part.below.item(), part.above.item()) == pytest.approx((0.5, 3.0), rel=1e-6)


def test_no_mode_is_left_with_next_to_nothing():
    modes = (Mode(np.zeros(1), 0.0, np.eye(1)), Mode(np.full(1, 50.0), -30.0, np.eye(1)))
    proposal = around(modes, lambda u: -0.5 * u[:, 0] ** 2)
    assert proposal.shares.sum() == pytest.approx(1.0)
    assert proposal.shares.min() > 0.04


def test_a_refit_has_the_moments_of_what_it_was_fitted_to_somewhat_widened():
    random = np.random.default_rng(0)
    u = random.normal(size=(50_000, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]])
    part = fitted(u, np.full(len(u), 1 / len(u)), freedom=5.0, widen=1.2)
    assert part is not None
    covariance = part.axes @ part.axes.T * 5.0 / 3.0 / 1.2**2
    np.testing.assert_allclose(covariance, np.cov(u.T), rtol=1e-3)
    assert fitted(np.column_stack([u[:, 0], u[:, 0]]), np.full(len(u), 1 / len(u))) is None

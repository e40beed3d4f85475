"""A cubic in place of a log likelihood: exact for cubics, honest about all else."""

import numpy as np
import pytest

from latentdo.inference.samplers.importance import fit_surrogate
from latentdo.inference.samplers.modes import Mode

AXES = np.array([[0.01, 0.004], [0.0, 20.0]])
MODE = Mode(np.array([3.0, -100.0]), 0.0, AXES)


def whitened(u):
    return np.linalg.solve(AXES, (u - MODE.point).T).T


def cubic(u):
    x, y = whitened(u).T
    return 7.0 - 0.5 * (x**2 + y**2) + 0.1 * x**3 - 0.2 * x * y + 0.05 * x**2 * y - 0.3 * y + 0.02 * y**3


def test_a_cubic_is_reproduced_anywhere_and_is_zero_at_the_mode():
    found = fit_surrogate(cubic, MODE, np.random.default_rng(0))
    assert found is not None
    assert found.error < 1e-9
    points = MODE.point + 4.0 * np.random.default_rng(1).normal(size=(50, 2)) @ AXES.T
    np.testing.assert_allclose(found(points), cubic(points) - cubic(MODE.point[None]), atol=1e-8)
    assert found(MODE.point[None]) == pytest.approx([0.0])


def test_the_error_is_that_of_points_it_has_not_seen():
    def quartic(u):
        return cubic(u) - 0.01 * (whitened(u) ** 4).sum(axis=1)

    found = fit_surrogate(quartic, MODE, np.random.default_rng(0))
    assert found is not None
    assert 0.01 < found.error < 3.0
    # The values of the likelihood are what costs: it says how many it took.
    counted = []
    fit_surrogate(lambda u: counted.append(len(u)) or cubic(u), MODE, np.random.default_rng(0))
    assert counted == [found.n_points]


def test_where_the_likelihood_ends_there_is_no_cubic():
    def cut(u):
        return np.where(whitened(u)[:, 0] > 2.0, -np.inf, cubic(u))

    assert fit_surrogate(cut, MODE, np.random.default_rng(0)) is None


@pytest.mark.parametrize("n", [1, 3])
def test_any_number_of_coordinates_will_do(n):
    mode = Mode(np.zeros(n), 0.0, np.eye(n))
    found = fit_surrogate(lambda u: -0.5 * (u**2).sum(axis=1) + u.sum(axis=1) ** 3, mode, np.random.default_rng(0))
    assert found is not None
    assert found.error < 1e-9

"""Modes of densities whose highest point and width are known in closed form."""

import numpy as np
import pytest

from latentdo.inference.blocks.engines import CHAINS
from latentdo.inference.samplers.marginal import _heavy
from latentdo.inference.samplers.modes import Mode, climb, refined
from latentdo.inference.samplers.sampling import _shared


def gaussian(mean, covariance):
    precision = np.linalg.inv(covariance)
    constant = -0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]

    def log_density(u):
        moved = u - mean
        return constant - 0.5 * np.einsum("ki,ij,kj->k", moved, precision, moved)

    return log_density


@pytest.mark.parametrize("spread", [1e-4, 1.0, 1e4])
def test_a_gaussian_is_found_with_its_width_and_its_mass_whatever_its_units(spread):
    random = np.random.default_rng(0)
    root = random.normal(size=(4, 4)) * np.array([1.0, 10.0, 0.01, 3.0])
    covariance = spread**2 * (root.T @ root)
    mean = spread * np.array([1.0, -2.0, 0.5, 3.0])
    density = gaussian(mean, covariance)
    mode = climb(density, np.zeros(4))
    assert mode is not None
    sds = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((mode.point - mean) / sds, 0, atol=2e-3)
    axes, n_flat = refined(density, mode)
    assert n_flat == 0
    for found in (mode.axes, axes):
        np.testing.assert_allclose(found @ found.T / np.outer(sds, sds), covariance / np.outer(sds, sds), atol=1e-3)
    # All the mass lies around the only mode: height times width is the constant that makes the density one.
    assert mode.log_mass() == pytest.approx(-2.0 * np.log(2 * np.pi), abs=1e-3)


@pytest.mark.parametrize("start", [(-5.0, 4.0), (-5.0, -5.0), (0.0, 0.0)], ids=str)
def test_nearly_collinear_directions_cost_no_accuracy(start):
    ridge = np.array([[1.0, 1.0 - 1e-7], [1.0 - 1e-7, 1.0]])
    mode = climb(gaussian(np.array([3.0, 3.0]), ridge), np.array(start))
    assert mode is not None
    assert mode.point == pytest.approx([3.0, 3.0], abs=0.01)
    assert np.linalg.slogdet(mode.axes @ mode.axes.T)[1] == pytest.approx(np.log(2e-7), abs=0.01)


def test_a_bent_valley_is_followed_to_its_end():
    def banana(u):
        return -0.5 * ((u[:, 0] - 1.0) ** 2 / 0.25 + (u[:, 1] - u[:, 0] ** 2) ** 2 / 0.0025)

    mode = climb(banana, np.array([-3.0, 5.0]))
    assert mode is not None
    assert mode.point == pytest.approx([1.0, 1.0], abs=1e-2)


def test_a_saddle_is_left():
    def wells(u):
        return -2.0 * (u[:, 0] ** 2 - 4.0) ** 2 / 4.0 - 0.5 * u[:, 1] ** 2

    mode = climb(wells, np.array([0.01, 1.0]))
    assert mode is not None
    assert np.abs(mode.point) == pytest.approx([2.0, 0.0], abs=1e-2)


def test_bounds_where_the_density_ends_are_kept_off():
    def half(u):
        with np.errstate(invalid="ignore", divide="ignore"):
            values = 3.0 * np.log(u[:, 0]) - u[:, 0]
        return np.where(np.isnan(values), -np.inf, values)

    mode = climb(half, np.array([0.05]))
    assert mode is not None
    assert mode.point == pytest.approx([3.0], abs=1e-2)
    assert climb(half, np.array([-1.0])) is None


def test_what_only_ever_rises_has_no_mode():
    assert climb(lambda u: u[:, 0], np.zeros(1)) is None
    assert climb(lambda u: np.zeros(len(u)), np.zeros(1)) is None


def test_a_direction_that_changes_nothing_is_flat_and_stays():
    # The loadings of two exchangeable latents in one child: only their length matters.
    def ring(u):
        return -0.5 * (np.hypot(u[:, 0], u[:, 1]) - 2.0) ** 2 / 0.01 - 0.5 * u[:, 2] ** 2

    mode = climb(ring, np.array([1.5, 0.5, 1.0]))
    assert mode is not None
    assert np.hypot(*mode.point[:2]) == pytest.approx(2.0, abs=0.02)
    axes, n_flat = refined(ring, mode)
    assert n_flat == 1
    lengths = np.sort(np.linalg.norm(axes, axis=0))
    assert lengths == pytest.approx([0.0, 0.1, 1.0], abs=0.02)
    # What is left points outwards, not along the ring.
    outwards = axes[:2, np.argsort(np.linalg.norm(axes, axis=0))[1]]
    assert abs(outwards @ mode.point[:2]) == pytest.approx(np.linalg.norm(outwards) * 2.0, rel=0.02)


def test_axes_are_kept_where_the_neighbourhood_cannot_be_seen():
    mode = Mode(np.zeros(1), 0.0, np.array([[1.0]]))
    axes, n_flat = refined(lambda u: np.where(u[:, 0] == 0, 0.0, -np.inf), mode)
    assert (axes.item(), n_flat) == (1.0, 0)


def of_mass(height: float, at: float) -> Mode:
    return Mode(np.full(2, at), height, np.diag([2.0, 0.5]))


def test_chains_are_shared_among_modes_by_mass_and_none_starts_at_one_that_weighs_next_to_nothing():
    modes = (of_mass(0.0, 1.0), of_mass(-0.6, 2.0), of_mass(-6.0, 3.0), of_mass(-8.0, 4.0))
    starts = [mode.point[0] for mode in _shared(_heavy(modes))]
    assert len(starts) == CHAINS
    assert [starts.count(at) for at in (1.0, 2.0, 3.0, 4.0)] == [9, 6, 1, 0]
    assert [mode.point[0] for mode in _shared(modes[:1])] == [1.0] * CHAINS

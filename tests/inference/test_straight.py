"""Straight coordinates of a bent ridge: a bijection that keeps volumes, found where draws lie along a bend and only there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest

from latentdo.inference.likelihood.density import AbstractForm
from latentdo.inference.likelihood.straight import Straight, StraightNumbers, bends_of, bent, straightened
from latentdo.inference.runtime import JAX
from latentdo.models.build import NUMPY

WIDTH = 0.05


def ridge(n: int, bend: float) -> np.ndarray:
    """Draws (draw, 4) about a curve that is `bend` sds off a straight line, `WIDTH` wide."""
    random = np.random.default_rng(1)
    along, open_too = random.standard_normal((2, n))
    curve = [2.0 * along, 0.3 * along + bend * along**2, 0.2 * open_too, 2.0 + 0.2 * bend * along**3]
    return np.stack(curve, axis=1) + WIDTH * random.standard_normal((n, 4))


def test_they_go_there_and_back_and_keep_volumes():
    draws = ridge(1_000, 0.3)
    bends = bends_of(draws)
    assert len(bends) == 2
    far = 3.0 * draws[:5]
    straight = straightened(bends, far)
    assert np.abs(straight - far).max() > 0.5
    assert bent(NUMPY, bends, straight) == pytest.approx(far, abs=1e-9)
    with jax.enable_x64(True):
        slopes = [np.asarray(jax.jacobian(lambda at: bent(JAX, bends, at))(point)) for point in straight]
    assert [np.linalg.slogdet(slope)[1] for slope in slopes] == pytest.approx([0.0] * 5, abs=1e-9)


@dataclass(frozen=True)
class Plain(AbstractForm):
    """A log likelihood of two rows that is linear in the coordinates."""

    @property
    def n_noise(self) -> int:
        return 0

    def log_parts(self, m: Any, numbers: Any, u: Any, z: Any) -> Any:
        return -0.5 * (u**2).sum(), numbers @ u


def test_the_density_is_that_of_the_usual_coordinates():
    draws = ridge(1_000, 0.3)
    bends = bends_of(draws)
    numbers = np.arange(8.0).reshape(2, 4)
    form = Straight(Plain())
    for point in draws[:4]:
        there = form.log_parts(NUMPY, StraightNumbers(numbers, bends), straightened(bends, point), np.empty((0, 1)))
        here = Plain().log_parts(NUMPY, numbers, point, np.empty((0, 1)))
        assert there[0] == pytest.approx(here[0])
        assert there[1] == pytest.approx(here[1])


def test_a_bent_ridge_is_straight_there_also_at_draws_that_it_was_not_found_by():
    draws = ridge(2_000, 0.3)
    straight = straightened(bends_of(draws[:1_000]), draws[1_000:])

    def local(points: np.ndarray) -> float:
        """How wide the neighbourhood of a point is where it is narrowest, in units of all points' covariance there."""
        white = np.linalg.solve(np.linalg.cholesky(np.cov(points.T)), (points - points.mean(axis=0)).T).T
        widths = []
        for point in white[::50]:
            near = white[np.argsort(((white - point) ** 2).sum(axis=1))[:40]]
            widths.append(np.sqrt(np.linalg.eigvalsh(np.cov(near.T))[0]))
        return float(np.median(widths))

    # Of a Gaussian of so many draws it is about 0.3.
    assert local(draws[1_000:]) < 0.1
    assert local(straight) > 0.18


@pytest.mark.parametrize(
    "draws",
    [ridge(1_000, 0.0), ridge(100, 0.5), ridge(1_000, 0.5)[:, :1], ridge(1_000, 0.5) * [1.0, 1.0, 1.0, 0.0]],
    ids=["straight", "few", "one coordinate", "one that does not move"],
)
def test_nothing_is_given_off_where_nothing_bends_or_draws_are_few(draws):
    assert bends_of(draws) == ()

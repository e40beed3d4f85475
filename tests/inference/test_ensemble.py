"""The ensemble on densities with two modes that are far apart: chains leave the one that has next to no mass, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.inference.likelihood.density import AbstractForm
from latentdo.inference.runtime import float64
from latentdo.inference.samplers import sampling
from latentdo.inference.samplers.ensemble import Ensemble
from latentdo.inference.samplers.modes import Mode


@dataclass(frozen=True)
class TwoModes(AbstractForm):
    """Gaussians at -20 and at 20, in every coordinate; `numbers` are the sd of the second, and how much lower it is."""

    @property
    def n_noise(self) -> int:
        return 0

    def log_parts(self, m, numbers: Any, u, z):
        wide, lower = numbers
        first, second = -0.5 * ((u + 20.0) ** 2).sum(), -0.5 * (((u - 20.0) / wide) ** 2).sum() - lower
        return m.np.logaddexp(first, second), m.np.zeros(1)


def ended(wide: float, lower: float, *, longer: bool = False) -> np.ndarray:
    """In which mode each of eight chains was in each transition, when half of them began in each; (chain, transition)."""
    signs = np.repeat([-1.0, 1.0], 4)[:, None]
    starts = 20.0 * signs + 0.1 * np.random.default_rng(0).standard_normal((8, 3))
    with float64():
        chains = Ensemble.start(
            TwoModes(), (np.asarray(wide), np.asarray(lower)), starts, 0, (1,), warm_up=200, length=40
        )
        while not chains.advance():
            pass
        if longer:
            chains.extend(40)
            while not chains.advance():
                pass
    return chains.run().u.mean(axis=2) > 0


def test_chains_leave_a_mode_without_mass():
    assert not ended(1.0, 200.0).any()


def test_chains_stay_where_a_wider_mode_may_have_as_much_mass():
    lower = 3.0 * np.log(50.0)
    assert ended(50.0 / 10.0, lower).mean() == 0.5
    assert ended(50.0 / 10.0, lower, longer=True).mean() == 0.5


def test_axes_at_a_mode_end_where_the_density_does():
    """Where a ridge is flat at the mode its curvature makes an axis endless, and chains would start where there is nothing."""

    class Form:
        n_noise = 0

        def log_parts(self, m, numbers, u, z):
            return -0.5 * u[0] ** 2 - (u[1] / 10.0) ** 4, np.zeros(1)

    found = sampling._bounded(Form(), None, Mode(np.zeros(2), 0.0, np.diag([1.0, 1e6])))
    assert found.axes[0, 0] == 1.0
    # (2 a / 10)⁴ = 8 at a = 8.4.
    assert 4.2 < found.axes[1, 1] <= 8.41

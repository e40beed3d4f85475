"""Hamiltonian Monte Carlo for densities that are nearly Gaussian: it turns on the ellipses of Laplace's approximation.

Along these the Gaussian part is solved exactly, and only what the density differs by pushes: a quarter turn gives draws that
are independent as far as the approximation holds, for a gradient or a few. In NumPy: there is nothing to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..blocks.coordinates import FloatArray
from .ensemble import ChainDraws
from .modes import Mode

Slopes = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Log density, up to a constant, and gradient at many points: (point, coordinate) -> (point,) and (point, coordinate)."""

TARGET = 0.9
"""Acceptance that the step size aims at."""
TURN = 0.5 * np.pi
JITTER = 0.25
"""Share by which a turn is shorter or longer, so that no direction keeps a period."""
LARGEST_STEP = float(np.log(0.5 * TURN * (1.0 + JITTER)))
"""Its log: a turn has two steps at least, for the tails, where no approximation holds."""
MOST_STEPS = 64
APART = 2.0
"""How far apart chains start, in units of the approximation's sd."""
MEASURED = 0.6
"""Share of the warm-up after which the widths are measured: until then they are Laplace's."""

_CHANGING = ("centre", "factor", "x", "value", "push", "drawn", "values", "acceptance")
_COUNTED = ("step", "calls", "n_warmup", "n_divergent")


@dataclass(eq=False)
class NearGaussian:
    """Chains around a mode: `warm_up`, then `advance` as often as needed; `run` gives what was drawn since.

    Attributes:
        centre, factor: u = centre + factor x for the chains' places x (chain, coordinate), about standard normal.
        seed: Words from which the random numbers of call k are drawn, with k: a run that is taken up again draws the same.
        step: Largest angle between two gradients.

    Source:
        Shahbaba, Lan, Johnson & Neal (2014), Split Hamiltonian Monte Carlo, §3.1: the Gaussian part solved exactly.
    """

    slopes: Slopes
    centre: FloatArray
    factor: FloatArray
    x: FloatArray
    seed: tuple[int, ...]
    step: float = 0.5
    calls: int = 0
    n_warmup: int = 0
    n_divergent: int = 0
    drawn: list[FloatArray] = field(default_factory=list)
    values: list[FloatArray] = field(default_factory=list)
    acceptance: list[float] = field(default_factory=list)

    @staticmethod
    def start(slopes: Slopes, mode: Mode, n_chains: int, seed: tuple[int, ...]) -> NearGaussian:
        """Chains all around a mode."""
        x = APART * np.random.default_rng([*seed, 0]).standard_normal((n_chains, len(mode.point)))
        return NearGaussian(slopes, mode.point, mode.axes, x, seed)

    def __post_init__(self) -> None:
        self.value, self.push = self._at(self.x)

    @property
    def length(self) -> int:
        """Transitions since the warm-up."""
        return len(self.values)

    def warm_up(self, n: int) -> None:
        """Learn the step size, and along each axis how wide the density is; then forget the way there."""
        first = round(MEASURED * n)
        self._learn(first)
        recent = np.concatenate(self.drawn[first // 2 :])
        whitened = np.linalg.solve(self.factor, (recent - self.centre).T).T
        self._whiten(whitened.mean(axis=0), np.clip(whitened.std(axis=0), 0.1, 10.0))
        self._learn(n - first)
        self.n_warmup, self.n_divergent = n, 0
        self.drawn, self.values, self.acceptance = [], [], []

    def _whiten(self, mean: FloatArray, sd: FloatArray) -> None:
        """Move the centre and widen the axes, in units of the present ones."""
        self.centre, self.factor, self.x = self.centre + self.factor @ mean, self.factor * sd, (self.x - mean) / sd
        self.value, self.push = self._at(self.x)

    def _learn(self, n: int) -> None:
        """Transitions that find the step size (Hoffman & Gelman 2014, eq. 6: gamma .05, t0 10, kappa .75)."""
        start, lacking, mean = np.log(2.0 * self.step), 0.0, np.log(self.step)
        for k in range(1, n + 1):
            self.advance(1)
            lacking += (TARGET - self.acceptance[-1] - lacking) / (k + 10.0)
            log_step = min(start - np.sqrt(k) / 0.05 * lacking, LARGEST_STEP)
            mean += k**-0.75 * (log_step - mean)
            self.step = float(np.exp(log_step))
        self.step = float(np.exp(mean))

    def advance(self, n: int) -> None:
        """Transitions of every chain."""
        self.calls += 1
        random = np.random.default_rng([*self.seed, self.calls])
        for _ in range(n):
            momentum = random.standard_normal(self.x.shape)
            turn = TURN * random.uniform(1.0 - JITTER, 1.0 + JITTER)
            n_steps = int(np.clip(np.ceil(turn / self.step), 1, MOST_STEPS))
            x, value, push, p = self._trajectory(momentum, min(turn / n_steps, self.step), n_steps)
            error = self.value - value + 0.5 * ((p**2).sum(axis=1) - (momentum**2).sum(axis=1))
            error = np.where(np.isfinite(error), error, np.inf)
            chance = np.exp(np.minimum(0.0, -error))
            accepted = random.uniform(size=len(x)) < chance
            self.x = np.where(accepted[:, None], x, self.x)
            self.push = np.where(accepted[:, None], push, self.push)
            self.value = np.where(accepted, value, self.value)
            self.drawn.append(self.centre + self.x @ self.factor.T)
            self.values.append(self.value)
            self.acceptance.append(float(chance.mean()))
            self.n_divergent += int((error > 1000.0).sum())

    def _trajectory(
        self, p: FloatArray, step: float, n_steps: int
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Places, log densities, pushes and momenta at the end of a turn."""
        x, value, push = self.x, self.value, self.push
        for _ in range(n_steps):
            p = p + 0.5 * step * push
            x, p = np.cos(step) * x + np.sin(step) * p, np.cos(step) * p - np.sin(step) * x
            value, push = self._at(x)
            p = p + 0.5 * step * push
        return x, value, push, p

    def _at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log densities, and the slopes of what they differ from a standard normal one by."""
        value, gradient = self.slopes(self.centre + x @ self.factor.T)
        return value, np.nan_to_num(gradient @ self.factor + x, posinf=0.0, neginf=0.0)

    def state(self) -> dict[str, Any]:
        """Everything that changes after the warm-up, as arrays and numbers: with it `restore` goes on to the same draws."""
        kept = {name: np.array(getattr(self, name)) for name in _CHANGING}
        return kept | {name: getattr(self, name) for name in _COUNTED}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for name in _CHANGING:
            setattr(self, name, list(state[name]) if isinstance(getattr(self, name), list) else state[name])
        self.acceptance = [float(chance) for chance in self.acceptance]
        self.step = float(state["step"])
        self.calls, self.n_warmup, self.n_divergent = (int(state[name]) for name in _COUNTED[1:])

    def run(self) -> ChainDraws:
        """What was drawn since the warm-up."""
        u, values = np.stack(self.drawn, axis=1), np.stack(self.values, axis=1)
        return ChainDraws(u, values, float(np.mean(self.acceptance)), self.n_divergent, self.n_warmup)

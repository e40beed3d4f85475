"""Ensemble Hamiltonian Monte Carlo: many chains that share a dense mass matrix, one compiled transition per block layout.

Weights are whitened by the pooled covariance of all chains, latents scaled one by one; all chains take the same jittered
number of leapfrog steps, so that the work is one batched gradient. Warm-up logic runs outside, in NumPy.

Sources: Neal (2011), MCMC using Hamiltonian dynamics, §5.2 and §5.5 (leapfrog, jittered path length); Hoffman & Gelman (2014),
The No-U-Turn sampler, §3.2 (dual averaging).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

from latentdo.models.build import Arithmetic

from .coordinates import FloatArray
from .density import Layout, Mirror, Numbers, log_posterior, mirrors, turned

JAX = Arithmetic(jnp, jax.scipy.special)

CHAINS = 16
CHUNK = 20
"""Transitions per call of the compiled program: every run length is a multiple of it, so that one program serves all."""
WINDOWS = (40, 80, 140, 220, 320, 420)
"""Shares of 500 warm-up steps after which the mass matrix is estimated again."""
TARGET = 0.85
PATH = 2.5
"""Longest path length, in posterior standard deviations."""
RAMP = 150
"""Steps over which the path length grows to its full value: early paths run far from where they should be."""

Report = Callable[[int], None]
"""Called with the number of transitions just made."""


class Metric(NamedTuple):
    """The shared geometry: centre-free Cholesky factor of the weights, scales of the latents."""

    factor: Any
    scale: Any


class Tuning(NamedTuple):
    """Step size and the state of its dual averaging (names of Hoffman & Gelman 2014, eq. 6)."""

    log_step: Any
    log_step_mean: Any
    h_mean: Any
    count: Any
    mu: Any


@dataclass(frozen=True, eq=False)
class ChainDraws:
    """What a run leaves: the free coordinates of every kept transition, and how the run went.

    Attributes:
        u: (chain, draw, coordinate), unbounded.
        log_posterior: (chain, draw).
        acceptance: Mean acceptance probability.
        n_divergent: Transitions whose energy error was above 1000 or not a number.
        n_warmup: Transitions per chain that were thrown away.
    """

    u: FloatArray
    log_posterior: FloatArray
    acceptance: float
    n_divergent: int
    n_warmup: int


def _trajectory(
    layout: Layout, numbers: Numbers, metric: Metric, state: Any, momenta: Any, step: Any, n_steps: Any
) -> Any:
    """Leapfrog for all chains. The gradient stands once in the loop body, so that it is compiled once."""

    def energy(u: Any, z: Any) -> Any:
        return -log_posterior(JAX, layout, numbers, u, z)

    gradient = jax.vmap(jax.value_and_grad(energy, argnums=(0, 1)))

    def body(i: Any, carry: Any) -> Any:
        u, z, p, q, first, _ = carry
        value, (du, dz) = gradient(u, z)
        kick = step * jnp.where((i == 0) | (i == n_steps), 0.5, 1.0)
        p = p - kick * (du @ metric.factor)
        q = q - kick * dz * metric.scale
        move = jnp.where(i < n_steps, step, 0.0)
        u = u + move * (p @ metric.factor.T)
        z = z + move * q * metric.scale
        return u, z, p, q, jnp.where(i == 0, value, first), value

    u, z = state
    p, q = momenta
    start = jnp.zeros(u.shape[0])
    return jax.lax.fori_loop(0, n_steps + 1, body, (u, z, p, q, start, start))


@partial(jax.jit, static_argnames=("layout",))
def _advance(
    layout: Layout,
    numbers: Numbers,
    metric: Metric,
    tuning: Tuning,
    state: Any,
    path: Any,
    cap: Any,
    adapt: Any,
    key: Any,
) -> Any:
    """`CHUNK` transitions of every chain; `adapt` is 1 while the step size is being learned, else 0."""

    def transition(carry: Any, key: Any) -> Any:
        (u, z), tuning = carry
        key_p, key_q, key_length, key_accept, key_short = jax.random.split(key, 5)
        p = jax.random.normal(key_p, u.shape)
        q = jax.random.normal(key_q, z.shape)
        step = jnp.exp(jnp.where(adapt > 0, tuning.log_step, tuning.log_step_mean))
        # A few much shorter steps during warm-up free a chain whose neighbourhood is far stiffer than the others'.
        u_short, u_when = jax.random.uniform(key_short, (2,))
        step = step * jnp.where((adapt > 0) & (u_when < 0.2), 10.0 ** (-2.0 * u_short), 1.0)
        length = path * jax.random.uniform(key_length, (), minval=0.3, maxval=1.0)
        n_steps = jnp.clip(jnp.ceil(length / step), 1, cap).astype(int)
        u1, z1, p1, q1, before, after = _trajectory(layout, numbers, metric, (u, z), (p, q), step, n_steps)
        error = (after + _kinetic(p1, q1)) - (before + _kinetic(p, q))
        sound = jnp.isfinite(error)
        acceptance = jnp.where(sound, jnp.exp(jnp.minimum(0.0, -jnp.where(sound, error, 0.0))), 0.0)
        accepted = jax.random.uniform(key_accept, acceptance.shape) < acceptance
        u = jnp.where(accepted[:, None], u1, u)
        z = jnp.where(accepted[:, None, None], z1, z)
        divergent = jnp.sum(~sound | (error > 1000.0))
        value = -jnp.where(accepted, after, before)
        return ((u, z), _tuned(tuning, jnp.mean(acceptance), jnp.where(u_when < 0.2, 0.0, adapt))), (
            u,
            z.sum(0),
            (z**2).sum(0),
            value,
            acceptance.mean(),
            divergent,
        )

    (state, tuning), (u, z1, z2, value, acceptance, divergent) = jax.lax.scan(
        transition, (state, tuning), jax.random.split(key, CHUNK)
    )
    return state, tuning, u, z1.sum(0), z2.sum(0), value, acceptance.mean(), divergent.sum()


def _kinetic(p: Any, q: Any) -> Any:
    return 0.5 * (p**2).sum(-1) + 0.5 * (q**2).sum((-2, -1))


def _tuned(tuning: Tuning, acceptance: Any, adapt: Any) -> Tuning:
    """One dual-averaging update of the step size (Hoffman & Gelman 2014, eq. 6: gamma .05, t0 10, kappa .75)."""
    count = tuning.count + adapt
    h_mean = jnp.where(
        adapt > 0,
        (1 - 1 / (count + 10.0)) * tuning.h_mean + (TARGET - acceptance) / (count + 10.0),
        tuning.h_mean,
    )
    log_step = tuning.mu - jnp.sqrt(jnp.maximum(count, 1.0)) / 0.05 * h_mean
    weight = jnp.maximum(count, 1.0) ** -0.75
    return Tuning(
        jnp.where(adapt > 0, log_step, tuning.log_step),
        jnp.where(adapt > 0, weight * log_step + (1 - weight) * tuning.log_step_mean, tuning.log_step_mean),
        h_mean,
        count,
        tuning.mu,
    )


def _fresh_tuning(log_step: float) -> Tuning:
    # Dual averaging pulls towards mu: a little above the present step, so that it errs on the bold side.
    return Tuning(*(jnp.asarray(value) for value in (log_step, log_step, 0.0, 0.0, log_step + np.log(2.0))))


@dataclass(eq=False)
class Ensemble:
    """A running ensemble of one block; `run` moves it on."""

    layout: Layout
    numbers: Numbers
    state: Any
    metric: Metric
    tuning: Tuning
    key: Any
    mirrors: tuple[Mirror, ...] = ()
    made: int = 0

    @staticmethod
    def start(layout: Layout, numbers: Numbers, u: FloatArray, n_rows: int, key: Any) -> Ensemble:
        """An ensemble at dispersed points `u` (chain, coordinate), its latents drawn from half their prior."""
        key, key_z = jax.random.split(key)
        z = 0.5 * jax.random.normal(key_z, (len(u), layout.n_noise, n_rows), dtype=jnp.float64)
        metric = Metric(jnp.eye(u.shape[1]) * 0.3, jnp.ones((layout.n_noise, n_rows)))
        found = mirrors(layout, numbers)
        numbers = jax.tree.map(jnp.asarray, numbers)
        return Ensemble(layout, numbers, (jnp.asarray(u), z), metric, _fresh_tuning(np.log(0.1)), key, found)

    def _chunk(self, adapt: float, cap: float) -> Any:
        self.key, key = jax.random.split(self.key)
        path = PATH * min(1.0, (self.made + CHUNK) / RAMP)
        self.state, self.tuning, *rest = _advance(
            self.layout, self.numbers, self.metric, self.tuning, self.state, path, cap, adapt, key
        )
        self.made += CHUNK
        return rest

    def warm_up(self, steps: int, report: Report) -> None:
        """Find the posterior, its covariance and a step size; nothing is kept."""
        ends = sorted({max(CHUNK, round(share * steps / 500 / CHUNK) * CHUNK) for share in WINDOWS})
        window: list[Any] = []
        for end in range(CHUNK, steps + 1, CHUNK):
            window.append(self._chunk(adapt=1.0, cap=32.0)[:3])
            report(CHUNK)
            if end in ends:
                self._measure(window[len(window) // 2 :])
                self._face_one_way(window[-1][0])
                window = []

    def warm_up_again(self, report: Report) -> None:
        """A step size for a mass matrix that was just changed."""
        for _ in range(5):
            self._chunk(adapt=1.0, cap=64.0)
            report(CHUNK)

    def draw(self, steps: int, report: Report) -> ChainDraws:
        """`steps` kept transitions per chain with everything frozen."""
        u, values, acceptance, divergent = [], [], [], 0
        for _ in range(0, steps, CHUNK):
            kept, _, _, value, accepted, diverged = self._chunk(adapt=0.0, cap=64.0)
            u.append(np.asarray(kept))
            values.append(np.asarray(value))
            acceptance.append(float(accepted))
            divergent += int(diverged)
            report(CHUNK)
        return ChainDraws(
            turned(np.concatenate(u).swapaxes(0, 1), self.mirrors, to_reference=True),
            np.concatenate(values).T,
            float(np.mean(acceptance)),
            divergent,
            self.made - steps,
        )

    def learn_from(self, draws: ChainDraws) -> None:
        """Take the mass matrix of the weights from a whole run, before a longer one."""
        flat = turned(draws.u, self.mirrors).reshape(-1, draws.u.shape[-1])
        self._set_metric(flat, np.asarray(self.metric.scale))

    def _measure(self, chunks: list[Any]) -> None:
        """Estimate mass matrix and scales from the last half of a window, and restart the step-size search."""
        whole = turned(np.concatenate([np.asarray(u) for u, _, _ in chunks]), self.mirrors)
        flat = whole.reshape(-1, whole.shape[-1])
        n = len(flat)
        first = sum(np.asarray(z1) for _, z1, _ in chunks) / n
        second = sum(np.asarray(z2) for _, _, z2 in chunks) / n
        variance = np.maximum(second - first**2, 1e-4)
        # Towards the prior's variance of one, as five draws' worth of evidence.
        self._set_metric(flat, np.sqrt((n * variance + 5.0) / (n + 5.0)))

    def _face_one_way(self, recent: Any) -> None:
        """Turn the chains themselves: the posterior is the same on both sides, their pooled covariance is not."""
        u, z = (np.array(part) for part in self.state)
        faced = turned(np.concatenate([np.asarray(recent), u[None]]), self.mirrors)[-1]
        for mirror in self.mirrors:
            changed = faced[:, mirror.coordinates[0]] != u[:, mirror.coordinates[0]]
            if mirror.noise is not None:
                z[changed, mirror.noise] *= -1.0
        self.state = (jnp.asarray(faced), jnp.asarray(z))

    def _set_metric(self, flat: FloatArray, scale: FloatArray) -> None:
        n, p = flat.shape
        covariance = np.cov(flat.T).reshape(p, p) if p else np.zeros((0, 0))
        shrunk = n / (n + 20.0) * covariance + 20.0 / (n + 20.0) * 1e-4 * np.eye(p)
        self.metric = Metric(jnp.asarray(np.linalg.cholesky(shrunk)), jnp.asarray(scale))
        self.tuning = _fresh_tuning(float(self.tuning.log_step_mean))

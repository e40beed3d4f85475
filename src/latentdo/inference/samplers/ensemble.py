"""Ensemble Hamiltonian Monte Carlo: many chains that share a dense mass matrix, one compiled transition per shape of block.

Weights are whitened by the pooled covariance of all chains, latents scaled one by one; all chains take the same jittered
number of leapfrog steps, so that the work is one batched gradient. Warm-up logic and random numbers are NumPy's: what is
compiled is the transition alone, and what it draws does not depend on the device.

Sources: Neal (2011), MCMC using Hamiltonian dynamics, §5.2 and §5.5 (leapfrog, jittered path length); Hoffman & Gelman (2014),
The No-U-Turn sampler, §3.2 (dual averaging).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..blocks.coordinates import FloatArray
from ..blocks.engines import CHUNK
from ..likelihood.density import AbstractForm, log_posterior
from ..runtime import JAX, converted, placed
from .label_switching import LabelSwitching
from .sign_symmetry import SignSymmetry, turned, turns

LONG_CHUNK_ROWS = 4_096
"""Rows beyond which a call makes only `SHORT_CHUNK` transitions, so that progress is told and Ctrl-C heard in time."""
SHORT_CHUNK = 4
WARM_UP = 400
FIRST_RUN = 260
AGAIN = 100
"""Transitions that learn a step size after the mass matrix was taken from a whole run."""
WINDOWS = (0.08, 0.16, 0.28, 0.44, 0.64, 0.84)
"""Shares of the warm-up after which the mass matrix is estimated again."""
TARGET = 0.85
PATH = 2.5
"""Longest path length, in posterior standard deviations."""
RAMP = 0.3
"""Share of the warm-up over which the path length grows to its full value: early paths run far from where they should be."""
SHORT_SHARE = 0.2
SETTLED = 0.6
"""Share of the warm-up from which on a chain that lies far below the others is caught."""
WIDER, NOISE = 5.0, 4.0
"""How far below: nats per coordinate, in each of which the density may be so many times as wide there, and in sds of a chain's
log posterior."""


class Metric(NamedTuple):
    """The shared geometry: centre and Cholesky factor of the weights, scales of the latents (latent, row)."""

    centre: Any
    factor: Any
    scale: Any


class Tuning(NamedTuple):
    """Step size and the state of its dual averaging (names of Hoffman & Gelman 2014, eq. 6)."""

    log_step: Any
    log_step_mean: Any
    h_mean: Any
    count: Any
    mu: Any


class Control(NamedTuple):
    """What a phase asks of the transitions: longest path, most steps, whether the step size is being learned (1 or 0)."""

    path: Any
    cap: Any
    adapt: Any


class Randoms(NamedTuple):
    """The random numbers of a call: momenta (transition, chain, coordinate), uniforms (transition, chain) and (transition,)."""

    momenta: Any
    accept: Any
    length: Any
    short: Any


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


@partial(jax.jit, static_argnames=("form",))
def _advance(
    form: AbstractForm, numbers: Any, metric: Metric, tuning: Tuning, x: Any, control: Control, randoms: Randoms
) -> Any:
    """A transition of every chain per row of `randoms`. `x` (chain, coordinate): whitened weights, then scaled latents."""
    n_weights = metric.centre.shape[0]
    shape = (x.shape[0], *metric.scale.shape)

    def energy(u: Any, z: Any) -> Any:
        return -log_posterior(JAX, form, numbers, u, z)

    batched = jax.vmap(jax.value_and_grad(energy, argnums=(0, 1)))

    def gradient(x: Any) -> Any:
        u = metric.centre + x[:, :n_weights] @ metric.factor.T
        z = x[:, n_weights:].reshape(shape) * metric.scale
        value, (du, dz) = batched(u, z)
        return value, jnp.concatenate([du @ metric.factor, (dz * metric.scale).reshape(x.shape[0], -1)], axis=1)

    def trajectory(x: Any, p: Any, step: Any, n_steps: Any) -> Any:
        # The gradient stands once in the loop body, so that it is compiled once.
        def body(i: Any, carry: Any) -> Any:
            x, p, first, _ = carry
            value, slope = gradient(x)
            p = p - step * jnp.where((i == 0) | (i == n_steps), 0.5, 1.0) * slope
            return x + jnp.where(i < n_steps, step, 0.0) * p, p, jnp.where(i == 0, value, first), value

        none = jnp.zeros(x.shape[0], x.dtype)
        return jax.lax.fori_loop(0, n_steps + 1, body, (x, p, none, none))

    def transition(carry: Any, drawn: Randoms) -> Any:
        x, tuning = carry
        learning = control.adapt > 0
        step = jnp.exp(jnp.where(learning, tuning.log_step, tuning.log_step_mean))
        # A few much shorter steps during warm-up free a chain whose neighbourhood is far stiffer than the others'.
        shorter = learning & (drawn.short[0] < SHORT_SHARE)
        step = step * jnp.where(shorter, 10.0 ** (-2.0 * drawn.short[1]), 1.0)
        n_steps = jnp.clip(jnp.ceil(control.path * (0.3 + 0.7 * drawn.length) / step), 1, control.cap).astype(jnp.int32)
        moved, p, before, after = trajectory(x, drawn.momenta, step, n_steps)
        error = (after + 0.5 * (p**2).sum(1)) - (before + 0.5 * (drawn.momenta**2).sum(1))
        error = jnp.where(jnp.isfinite(error), error, jnp.inf)
        acceptance = jnp.exp(jnp.minimum(0.0, -error))
        accepted = drawn.accept < acceptance
        x = jnp.where(accepted[:, None], moved, x)
        tuning = _tuned(tuning, acceptance.mean(), jnp.where(shorter, 0.0, control.adapt))
        latents = x[:, n_weights:]
        kept = (
            x[:, :n_weights],
            -jnp.where(accepted, after, before),
            acceptance.mean(),
            (error > 1000.0).sum(),
            latents.sum(0),
            (latents**2).sum(0),
        )
        return (x, tuning), kept

    (x, tuning), (kept, value, acceptance, divergent, first, second) = jax.lax.scan(transition, (x, tuning), randoms)
    return x, tuning, kept, value, acceptance.mean(), divergent.sum(), first.sum(0), second.sum(0)


def _tuned(tuning: Tuning, acceptance: Any, adapt: Any) -> Tuning:
    """One dual-averaging update of the step size (Hoffman & Gelman 2014, eq. 6: gamma .05, t0 10, kappa .75)."""
    count = tuning.count + adapt
    share = 1.0 / (count + 10.0)
    h_mean = jnp.where(adapt > 0, (1.0 - share) * tuning.h_mean + share * (TARGET - acceptance), tuning.h_mean)
    log_step = tuning.mu - jnp.sqrt(jnp.maximum(count, 1.0)) / 0.05 * h_mean
    weight = jnp.maximum(count, 1.0) ** -0.75
    mean = weight * log_step + (1.0 - weight) * tuning.log_step_mean
    return Tuning(
        jnp.where(adapt > 0, log_step, tuning.log_step),
        jnp.where(adapt > 0, mean, tuning.log_step_mean),
        h_mean,
        count,
        tuning.mu,
    )


@dataclass(eq=False)
class _Window:
    """Transitions since the mass matrix was last estimated (or since draws are kept)."""

    u: list[FloatArray] = field(default_factory=list)
    values: list[FloatArray] = field(default_factory=list)
    acceptance: list[float] = field(default_factory=list)
    divergent: list[int] = field(default_factory=list)
    first: list[FloatArray] = field(default_factory=list)
    second: list[FloatArray] = field(default_factory=list)


@dataclass(eq=False)
class Ensemble:
    """A running ensemble of one block; `advance` moves it on by one call of the compiled program.

    Attributes:
        x: (chain, coordinate): whitened weights, padding included, then scaled latents.
        seed: Words from which the random numbers of call k are drawn, with k: a run that is taken up again draws the same.
        phase: `warm up`, `again` (a step size for a mass matrix that was just changed) or `draw`.
        left: Transitions left in the phase.
        length: Draws per chain of the present run.
        made: Transitions per chain made so far.
        longest: Most leapfrog steps of a transition; half as many while the mass matrix is being learned.
    """

    form: AbstractForm
    numbers: Any
    n_free: int
    seed: tuple[int, ...]
    symmetries: tuple[SignSymmetry | LabelSwitching, ...]
    warm_up: int
    length: int
    x: np.ndarray[Any, Any]
    metric: Metric
    tuning: Tuning
    phase: str = "warm up"
    left: int = 0
    made: int = 0
    calls: int = 0
    longest: int = 64
    window: _Window = field(default_factory=_Window)

    @staticmethod
    def start(
        form: AbstractForm,
        numbers: Any,
        u: FloatArray,
        n_rows: int,
        seed: tuple[int, ...],
        symmetries: tuple[SignSymmetry | LabelSwitching, ...] = (),
        *,
        warm_up: int = WARM_UP,
        length: int = FIRST_RUN,
        single: bool = False,
        axes: FloatArray | None = None,
        n_placed: int = 0,
        longest: int = 64,
    ) -> Ensemble:
        """An ensemble at dispersed points.

        Args:
            u: (chain, free coordinate), unbounded.
            n_rows: Stored rows, padding included.
            seed: Words of the block's own.
            symmetries: The latents whose sign means nothing.
            single: Whether the arithmetic is float32: only for forms without dimension.
            axes: How wide the density is around the points' mean, as in `modes.Mode`, where that is known.
            n_placed: Rows of `numbers`, which are spread over devices where they are many; 0 leaves them on one.
            longest: Most leapfrog steps of a transition.
        """
        random = np.random.default_rng([*seed, 0])
        n_chains, n_free = u.shape
        padding = max(0, getattr(form, "n_coordinates", n_free) - n_free)
        u = np.concatenate([u, random.standard_normal((n_chains, padding))], axis=1)
        dtype = np.float32 if single else np.float64
        numbers = placed(converted(numbers, dtype), n_placed)
        centre, factor = u.mean(axis=0), 0.3 * np.eye(u.shape[1])
        if axes is not None:
            factor = np.eye(u.shape[1])
            factor[:n_free, :n_free] = axes
        latents = 0.5 * random.standard_normal((n_chains, form.n_noise * n_rows))
        x = np.concatenate([np.linalg.solve(factor, (u - centre).T).T, latents], axis=1).astype(dtype)
        metric = Metric(centre.astype(dtype), factor.astype(dtype), np.ones((form.n_noise, n_rows), dtype))
        tuning = _fresh_tuning(np.log(0.1), dtype)
        return Ensemble(
            form, numbers, n_free, seed, symmetries, warm_up, length, x, metric, tuning, left=warm_up, longest=longest
        )

    @property
    def _chunk(self) -> int:
        return CHUNK if self.metric.scale.shape[1] <= LONG_CHUNK_ROWS else SHORT_CHUNK

    @property
    def share(self) -> float:
        """How much of the transitions that are planned is made, those of earlier runs included."""
        return self.share_of(0)

    def share_of(self, more: float) -> float:
        """How much is made, if so many transitions will follow the present run."""
        ahead = self.left + (0 if self.phase == "draw" else self.length)
        return self.made / (self.made + ahead + more)

    @property
    def left_of_run(self) -> float:
        """The share of the present run's draws that is still to be made."""
        return self.left / self.length if self.phase == "draw" else 1.0

    @property
    def drawn(self) -> int:
        """Draws per chain that the present run has made."""
        return self.length - self.left if self.phase == "draw" else 0

    def advance(self) -> bool:
        """One call of the compiled program; True once the present run is complete (`run` gives it)."""
        learning = self.phase != "draw"
        ramp = min(1.0, (self.made + self._chunk) / max(1.0, RAMP * self.warm_up))
        cap = self.longest / 2 if self.phase == "warm up" else self.longest
        control = Control(PATH * ramp, cap, 1.0 if learning else 0.0)
        self._call(control)
        self.left -= self._chunk
        if self.phase == "warm up" and self.made in self._ends():
            self._measure()
        if self.left > 0:
            return False
        if learning:
            self.phase, self.left, self.window = "draw", self.length, _Window()
            return False
        return True

    def _ends(self) -> list[int]:
        step = self._chunk
        return sorted({max(step, round(share * self.warm_up / step) * step) for share in WINDOWS})

    def _call(self, control: Control) -> None:
        dtype = self.x.dtype
        random = np.random.default_rng([*self.seed, 1, self.calls])
        n_chains, n = self.x.shape
        randoms = Randoms(
            random.standard_normal((self._chunk, n_chains, n), dtype=dtype),
            random.uniform(size=(self._chunk, n_chains)).astype(dtype),
            random.uniform(size=self._chunk).astype(dtype),
            random.uniform(size=(self._chunk, 2)).astype(dtype),
        )
        # Strictly typed scalars: a weak type would be another program.
        control = Control(*(np.asarray(value, dtype) for value in control))
        x, tuning, kept, value, acceptance, divergent, first, second = _advance(
            self.form, self.numbers, self.metric, self.tuning, self.x, control, randoms
        )
        self.x, self.tuning = np.asarray(x), Tuning(*(np.asarray(part) for part in tuning))
        whitened = np.asarray(kept, dtype=np.float64)
        u = self.metric.centre.astype(np.float64) + whitened @ self.metric.factor.astype(np.float64).T
        self.window.u.append(u[..., : self.n_free])
        self.window.values.append(np.asarray(value, dtype=np.float64))
        self.window.acceptance.append(float(acceptance))
        self.window.divergent.append(int(divergent))
        self.window.first.append(np.asarray(first, dtype=np.float64))
        self.window.second.append(np.asarray(second, dtype=np.float64))
        self.calls += 1
        self.made += self._chunk

    def run(self) -> ChainDraws:
        """The run that is complete."""
        u = np.concatenate(self.window.u).swapaxes(0, 1)
        return ChainDraws(
            turned(u, self.symmetries, to_reference=True),
            np.concatenate(self.window.values).T,
            float(np.mean(self.window.acceptance)),
            sum(self.window.divergent),
            self.made - self.length,
        )

    def go_on(self, length: int) -> None:
        """Lengthen the run that is complete to `length` draws per chain: the same transitions go on."""
        self.left, self.length = length - self.length, length

    def extend(self, length: int) -> None:
        """Another run, its mass matrix taken from the whole of the last one."""
        self._free()
        self._learn(turned(np.concatenate(self.window.u), self.symmetries), np.asarray(self.metric.scale, np.float64))
        self.phase, self.left, self.length, self.window = "again", AGAIN, length, _Window()

    def _free(self) -> None:
        """Take chains that are caught where next to none of the posterior is to the places of others.

        A chain is caught if its log posterior, over the last half of a window, lies so far below that of the best chain that no
        difference in how wide the density is could make up for it. All that it has drawn in the window is forgotten.
        """
        values = np.concatenate(self.window.values[len(self.window.values) // 2 :])
        mean, variance = values.mean(axis=0), values.var(axis=0)
        best = int(np.argmax(np.where(np.isfinite(mean), mean, -np.inf)))
        if not np.isfinite(mean[best]):
            return
        noise = np.sqrt(np.nan_to_num(variance, posinf=0.0) + variance[best])
        caught = ~(mean >= mean[best] - WIDER * self.n_free - NOISE * noise)
        random, places = np.random.default_rng([*self.seed, 2, self.calls]), np.arange(len(caught))
        places[caught] = random.choice(np.flatnonzero(~caught), size=int(caught.sum()))
        self.x, self.window.u = self.x[places], [u[:, places] for u in self.window.u]

    def _measure(self) -> None:
        """Estimate mass matrix and scales from the last half of a window, and restart the step-size search."""
        if self.made >= SETTLED * self.warm_up:
            self._free()
        recent = slice(len(self.window.u) // 2, None)
        whole = turned(np.concatenate(self.window.u[recent]), self.symmetries)
        n = whole.shape[0] * whole.shape[1]
        first = np.sum(self.window.first[recent], axis=0) / n
        variance = np.maximum(np.sum(self.window.second[recent], axis=0) / n - first**2, 1e-4)
        scale = np.asarray(self.metric.scale, np.float64) * np.sqrt(variance).reshape(self.metric.scale.shape)
        # Towards the prior's variance of one, as five draws' worth of evidence.
        self._learn(whole, np.sqrt((n * scale**2 + 5.0) / (n + 5.0)))
        self.window = _Window()

    def _learn(self, whole: FloatArray, scale: FloatArray) -> None:
        """Take the geometry from draws (transition, chain, coordinate), and write the chains' places in it.

        Chains are turned to one side too: the posterior is the same on both sides, their pooled covariance is not.
        """
        u, latents = self._places()
        last, taken = turns(np.concatenate([whole, u[None, :, : self.n_free]]), self.symmetries)
        for noise, signs in taken.items():
            # In forms that integrate the latents out there is no noise to turn.
            if noise < latents.shape[1]:
                latents[:, noise] *= signs[-1][:, None]
        u[:, : self.n_free] = last[-1]
        flat = whole.reshape(-1, whole.shape[-1])
        n, p = flat.shape
        centre, factor = np.zeros(u.shape[1]), np.eye(u.shape[1])
        centre[:p] = flat.mean(axis=0)
        covariance = np.cov(flat.T).reshape(p, p) if p else np.zeros((0, 0))
        factor[:p, :p] = np.linalg.cholesky(n / (n + 20.0) * covariance + 20.0 / (n + 20.0) * 1e-4 * np.eye(p))
        whitened = np.linalg.solve(factor, (u - centre).T).T
        dtype = self.x.dtype
        self.x = np.concatenate([whitened, (latents / scale).reshape(len(u), -1)], axis=1).astype(dtype)
        self.metric = Metric(centre.astype(dtype), factor.astype(dtype), scale.astype(dtype))
        self.tuning = _fresh_tuning(float(self.tuning.log_step_mean), dtype)

    def _places(self) -> tuple[FloatArray, FloatArray]:
        """Where the chains are: weights (chain, coordinate) and latents' noise (chain, latent, row)."""
        x = self.x.astype(np.float64)
        n = len(self.metric.centre)
        u = self.metric.centre.astype(np.float64) + x[:, :n] @ self.metric.factor.astype(np.float64).T
        return u, x[:, n:].reshape(len(x), *self.metric.scale.shape) * self.metric.scale.astype(np.float64)

    def state(self) -> dict[str, Any]:
        """Everything that changes, as arrays and numbers: with it `restore` goes on to the same draws, bit by bit."""
        window = {name: np.array(part) for name, part in vars(self.window).items()}
        return {
            "x": self.x,
            **{f"metric.{name}": part for name, part in self.metric._asdict().items()},
            **{f"tuning.{name}": part for name, part in self.tuning._asdict().items()},
            **{f"window.{name}": part for name, part in window.items()},
            "phase": self.phase,
            "left": self.left,
            "made": self.made,
            "calls": self.calls,
            "length": self.length,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.x = state["x"]
        self.metric = Metric(*(state[f"metric.{name}"] for name in Metric._fields))
        self.tuning = Tuning(*(state[f"tuning.{name}"] for name in Tuning._fields))
        self.phase, self.length = str(state["phase"]), int(state["length"])
        self.left, self.made, self.calls = int(state["left"]), int(state["made"]), int(state["calls"])
        u, values, first, second = (list(state[f"window.{name}"]) for name in ("u", "values", "first", "second"))
        acceptance = [float(value) for value in state["window.acceptance"]]
        divergent = [int(value) for value in state["window.divergent"]]
        self.window = _Window(u, values, acceptance, divergent, first, second)


def _fresh_tuning(log_step: float, dtype: Any) -> Tuning:
    # Dual averaging pulls towards mu: a little above the present step, so that it errs on the bold side.
    return Tuning(*(np.asarray(value, dtype) for value in (log_step, log_step, 0.0, 0.0, log_step + np.log(2.0))))

"""The No-U-Turn sampler of NumPyro on one block: the reference that the ensemble is compared with.

NumPyro's transitions are run in pieces of about a second, so that progress shows, Ctrl-C is heard and a killed run can go on;
what is drawn does not depend on how the run was cut.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.infer.hmc import hmc

from ..blocks.coordinates import FloatArray
from ..blocks.engines import Nuts
from ..likelihood.density import AbstractForm, Layout, Numbers, log_posterior
from ..progress import BEGUN
from ..runtime import JAX, converted
from ..storage.checkpoint import Checkpoint, State
from .ensemble import ChainDraws
from .sign_symmetry import symmetries_of, turned

MOST = 50
"""Transitions of the longest piece."""
PIECE = 0.5
"""Seconds that a piece should take."""


def run_nuts(
    layout: Layout,
    numbers: Numbers,
    start: FloatArray,
    n_rows: int,
    engine: Nuts,
    key: Any,
    report: Callable[[float], None] = lambda share: None,
    checkpoint: Checkpoint | None = None,
) -> ChainDraws:
    """Chains from dispersed points `start` (chain, coordinate), all in one compiled program.

    Args:
        report: Told the share of the run that is done, after each piece; what it raises ends the run.
        checkpoint: Where the run is kept, and found again.
    """
    arrays = converted(numbers, np.float64)
    begin, advance = _program(layout, engine.warmup)
    key_z, key_run = jax.random.split(key)
    z = 0.5 * jax.random.normal(key_z, (len(start), layout.n_noise, n_rows))
    keys = jax.random.split(key_run, engine.chains)
    run = _Run(engine, begin(arrays, {"u": jax.device_put(start), "z": z}, keys), start.shape[1])
    if checkpoint is not None and (saved := checkpoint.load()) is not None:
        run.restore(saved)
        # As at its beginning: what was done before says nothing of the speed.
        report(0.0)
    # Compiling cannot be interrupted: an interruption is heard at least between the two programs.
    report(max(BEGUN, run.made / (engine.warmup + engine.draws)))
    n_piece = 1
    while run.made < engine.warmup + engine.draws:
        begun = time.monotonic()
        run.take(*advance(arrays, run.state, min(n_piece, run.before_stop)))
        seconds = time.monotonic() - begun
        report(run.made / (engine.warmup + engine.draws))
        if checkpoint is not None:
            checkpoint.save(run.state_dict)
        # The first piece compiles; after it a piece is doubled or halved towards its time.
        if run.n_pieces > 1:
            n_piece = (
                min(MOST, 2 * n_piece) if seconds < PIECE else max(1, n_piece // 2) if seconds > 2 * PIECE else n_piece
            )
    return ChainDraws(
        turned(run.u.swapaxes(0, 1), symmetries_of(layout, numbers), to_reference=True),
        run.log_posterior.T,
        float(np.mean(run.acceptance)),
        int(np.sum(run.divergent)),
        engine.warmup,
    )


@lru_cache(maxsize=64)
def _program(form: AbstractForm, warmup: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """How chains of blocks of this form start, and how they go on: compiled once for all of their tables."""

    def potential_of(numbers: Any) -> Callable[[dict[str, Any]], Any]:
        return lambda point: -log_posterior(JAX, form, numbers, point["u"], point["z"])

    init_kernel, sample_kernel = hmc(potential_fn_gen=potential_of, algo="NUTS")

    def start(numbers: Any, point: dict[str, Any], key: Any) -> Any:
        return init_kernel(
            point,
            warmup,
            dense_mass=[("u",)],  # pyright: ignore[reportArgumentType] - it takes groups of sites
            target_accept_prob=0.9,
            model_args=(numbers,),
            rng_key=key,
        )

    def advance(numbers: Any, state: Any, n: Any) -> Any:
        """At most `MOST` transitions, and what each left; their number is an argument, so that one program serves all."""
        n_chains, n_free = state.z["u"].shape
        u = jnp.zeros((MOST, n_chains, n_free))
        one = jnp.zeros((MOST, n_chains))
        sample = jax.vmap(lambda state: sample_kernel(state, (numbers,), {}))

        def body(i: Any, carry: Any) -> Any:
            state, u, value, acceptance, divergent = carry
            state = sample(state)
            return (
                state,
                u.at[i].set(state.z["u"]),
                value.at[i].set(-state.potential_energy),
                acceptance.at[i].set(state.accept_prob),
                divergent.at[i].set(state.diverging),
            )

        return n, *jax.lax.fori_loop(0, n, body, (state, u, one, one, one))

    return jax.jit(jax.vmap(start, in_axes=(None, 0, 0))), jax.jit(advance)


class _Run:
    """What a run has done so far: the sampler's state, and what its kept transitions left, (draw, chain, …)."""

    def __init__(self, engine: Nuts, state: Any, n_free: int) -> None:
        self._engine = engine
        self.state = state
        self.made = 0
        self.n_pieces = 0
        self.u = np.zeros((engine.draws, engine.chains, n_free))
        self.log_posterior, self.acceptance, self.divergent = np.zeros((3, engine.draws, engine.chains))

    @property
    def before_stop(self) -> int:
        """Transitions until warm-up or the run ends: a piece belongs to one of them."""
        end = self._engine.warmup if self.made < self._engine.warmup else self._engine.warmup + self._engine.draws
        return end - self.made

    def take(self, n: int, state: Any, *left: Any) -> None:
        """Keep what a piece of n transitions left."""
        self.state = state
        first = self.made - self._engine.warmup
        if first >= 0:
            kept = (self.u, self.log_posterior, self.acceptance, self.divergent)
            for array, values in zip(kept, left, strict=True):
                array[first : first + n] = np.asarray(values)[:n]
        self.made += int(n)
        self.n_pieces += 1

    def state_dict(self) -> State:
        """Everything that the rest of the run depends on, and what was kept."""
        n = max(0, self.made - self._engine.warmup)
        kept = {
            "u": self.u,
            "log_posterior": self.log_posterior,
            "acceptance": self.acceptance,
            "divergent": self.divergent,
        }
        leaves = {f"state.{k}": np.asarray(_plain(leaf)) for k, leaf in enumerate(jax.tree.leaves(self.state))}
        return {"made": self.made, **{name: values[:n] for name, values in kept.items()}, **leaves}

    def restore(self, saved: State) -> None:
        """Go on from a state that `state_dict` gave."""
        leaves, tree = jax.tree.flatten(self.state)
        self.state = jax.tree.unflatten(tree, [_like(leaf, saved[f"state.{k}"]) for k, leaf in enumerate(leaves)])
        self.made = saved["made"]
        for name in ("u", "log_posterior", "acceptance", "divergent"):
            getattr(self, name)[: len(saved[name])] = saved[name]


def _plain(leaf: Any) -> Any:
    """A leaf as an array of numbers: keys have a type of their own."""
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _like(leaf: Any, saved: Any) -> Any:
    return jax.random.wrap_key_data(saved) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else jnp.asarray(saved)

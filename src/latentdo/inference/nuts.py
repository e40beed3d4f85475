"""The No-U-Turn sampler of NumPyro on one block: the reference that the ensemble is compared with."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.infer import MCMC, NUTS

from .coordinates import FloatArray
from .density import Layout, Numbers, log_posterior, mirrors, turned
from .engines import Nuts
from .ensemble import JAX, ChainDraws


def run_nuts(layout: Layout, numbers: Numbers, start: FloatArray, n_rows: int, engine: Nuts, key: Any) -> ChainDraws:
    """Chains from dispersed points `start` (chain, coordinate), all in one compiled program."""
    arrays = jax.tree.map(jnp.asarray, numbers)

    def potential(point: dict[str, Any]) -> Any:
        return -log_posterior(JAX, layout, arrays, point["u"], point["z"])

    key_z, key_run = jax.random.split(key)
    z = 0.5 * jax.random.normal(key_z, (len(start), layout.n_noise, n_rows))
    points = {"u": jnp.asarray(start), "z": z}
    if engine.chains == 1:
        points = {name: value[0] for name, value in points.items()}
    mcmc = MCMC(
        # NumPyro takes a list of site groups here, whatever its annotation says.
        NUTS(potential_fn=potential, target_accept_prob=0.9, dense_mass=[("u",)]),  # pyright: ignore[reportArgumentType]
        num_warmup=engine.warmup,
        num_samples=engine.draws,
        num_chains=engine.chains,
        chain_method="vectorized",
        progress_bar=False,
    )
    mcmc.run(key_run, init_params=points, extra_fields=("potential_energy", "diverging", "accept_prob"))
    extra = mcmc.get_extra_fields(group_by_chain=True)
    return ChainDraws(
        turned(np.asarray(mcmc.get_samples(group_by_chain=True)["u"]), mirrors(layout, numbers), to_reference=True),
        -np.asarray(extra["potential_energy"]),
        float(np.mean(extra["accept_prob"])),
        int(np.sum(extra["diverging"])),
        engine.warmup,
    )

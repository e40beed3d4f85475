"""NumPyro's NUTS on the hand-written models."""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from pathlib import Path

import numpy as np
from calling import Draws, serve

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def run(options: argparse.Namespace, rows: dict[str, np.ndarray]) -> tuple[Draws, float]:
    """All chains in one program: faster than one after another on few cores."""
    import jax
    from numpyro.infer import MCMC, NUTS
    from references.models import WHOLE

    if folder := os.environ.get("PEER_CACHE"):
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    mcmc = MCMC(
        NUTS(functools.partial(WHOLE[options.study], rows), target_accept_prob=0.9),
        num_warmup=options.warmup,
        num_samples=options.draws,
        num_chains=options.chains,
        chain_method="vectorized",
        progress_bar=False,
    )
    key_warmup, key_run = jax.random.split(jax.random.key(options.seed))
    mcmc.warmup(key_warmup)
    begun = time.perf_counter()
    mcmc.run(key_run)
    samples = {name: np.asarray(values) for name, values in mcmc.get_samples(group_by_chain=True).items()}
    named = {
        name.replace(".+", "_").replace(".-", "_").replace(".", "_"): values
        for name, values in samples.items()
        if values.ndim == 2
    }
    return named, time.perf_counter() - begun


if __name__ == "__main__":
    serve(run)

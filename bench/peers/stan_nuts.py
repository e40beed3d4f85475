"""Stan's NUTS on the programs beside this file, by CmdStan where it is installed, else by PyStan."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

import numpy as np
from calling import Draws, serve

HERE = Path(__file__).resolve().parent


def run(options: argparse.Namespace, rows: dict[str, np.ndarray]) -> tuple[Draws, float]:
    """Two chains at a time, as many as there are cores."""
    program = HERE / f"{options.study}.stan"
    text = program.read_text(encoding="utf8")
    data = {
        "n": len(next(iter(rows.values()))),
        **{name: (v.astype(int) if f"int {name};" in text else v).tolist() for name, v in rows.items()},
    }
    if os.environ.get("CMDSTAN") or _has_cmdstan():
        return _cmdstan(options, program, data)
    return _pystan(options, text, data)


def _has_cmdstan() -> bool:
    try:
        import cmdstanpy

        cmdstanpy.cmdstan_path()
    except (ImportError, ValueError):
        return False
    return True


def _cmdstan(options: argparse.Namespace, program: Path, data: dict) -> tuple[Draws, float]:
    import cmdstanpy

    folder = Path(os.environ.get("PEER_CACHE", "."))
    model = cmdstanpy.CmdStanModel(stan_file=str(program), exe_file=str(folder / program.stem))
    begun = time.perf_counter()
    fit = model.sample(
        data, chains=options.chains, parallel_chains=2, iter_warmup=options.warmup, iter_sampling=options.draws,
        seed=options.seed + 1, adapt_delta=0.9, show_progress=False,
    )  # fmt: skip
    draws = {name: values for name, values in fit.stan_variables().items() if values.ndim == 1}
    shaped = {name: values.reshape(options.chains, options.draws) for name, values in draws.items()}
    return shaped, time.perf_counter() - begun


def _pystan(options: argparse.Namespace, text: str, data: dict) -> tuple[Draws, float]:
    os.environ.setdefault("XDG_CACHE_HOME", os.environ.get("PEER_CACHE", ""))
    # PyStan talks on both streams; the reply of this process is one line on the first.
    with contextlib.redirect_stdout(sys.stderr):
        import stan

        posterior = stan.build(text, data=data, random_seed=options.seed + 1)
        begun = time.perf_counter()
        fit = posterior.sample(
            num_chains=options.chains, num_warmup=options.warmup, num_samples=options.draws, delta=0.9
        )
    draws = {
        name: fit[name][0].reshape(options.draws, options.chains).T
        for name, dimensions in zip(fit.param_names, fit.dims, strict=True)
        if not dimensions
    }
    return draws, time.perf_counter() - begun


if __name__ == "__main__":
    serve(run)

"""Long NUTS runs of the hand-written models on one data set per study, and the answers of their draws.

`python -m references.make napkin --draws 5000 --warmup 2000 --chains 4 [--n 100] [--data-seed 1] [--keep FOLDER]` from
`bench/` writes `references/napkin.json`. The chains run one after another; with `--keep` each is stored as it ends, and a
run that was cut off goes on from what it stored. Covid runs by blocks: they share no parameter and no latent, so that their
posteriors multiply exactly; draws are paired by index.
"""

from __future__ import annotations

import argparse
import functools
import json
import platform
import sys
import time
from pathlib import Path

import jax
import numpy as np
import numpyro
from cases import CASES
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS
from numpyro.infer.util import initialize_model

from .models import PARTS, Model
from .queries import ANSWERS

HERE = Path(__file__).parent


def run_chain(
    model: Model, rows: dict[str, np.ndarray], options: argparse.Namespace, chain: int
) -> dict[str, np.ndarray]:
    """One chain of one part of a study: every site but the latents, and which transitions diverged."""
    # The rows are part of the program, not its arguments: what the model computes of them is computed once.
    bound = functools.partial(model, rows)
    sites = initialize_model(jax.random.key(0), bound).param_info.z
    scalars = tuple(name for name, value in sites.items() if value.ndim == 0)
    kernel = NUTS(bound, dense_mass=[scalars], target_accept_prob=options.target_accept, max_tree_depth=10)
    mcmc = MCMC(kernel, num_warmup=options.warmup, num_samples=options.draws, progress_bar=False)
    mcmc.run(jax.random.fold_in(jax.random.key(options.seed), chain), extra_fields=("diverging", "num_steps"))
    draws = {name: np.asarray(mcmc.get_samples()[name]) for name in scalars}
    extra = mcmc.get_extra_fields()
    return {**draws, "diverging": np.asarray(extra["diverging"]), "num_steps": np.asarray(extra["num_steps"])}


def moments(values: np.ndarray) -> dict[str, float]:
    """Mean and sd of an answer, (chain, draw), each with its Monte Carlo error."""
    mean, sd = values.mean(), values.std(ddof=1)
    ess = float(effective_sample_size(values))
    squared = (values - mean) ** 2
    ess_of_square = float(effective_sample_size(squared))
    return {
        "mean": float(mean),
        "sd": float(sd),
        "mcse_mean": float(sd / np.sqrt(ess)),
        "mcse_sd": float(squared.std(ddof=1) / np.sqrt(ess_of_square) / (2 * sd)),
        "ess": ess,
        "rhat": float(split_gelman_rubin(values)),
        **{f"q{level:02d}": float(np.quantile(values, level / 100)) for level in (5, 50, 95)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=tuple(CASES))
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--data-seed", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=5000)
    parser.add_argument("--target-accept", type=float, default=0.99)
    parser.add_argument("--keep", type=Path, help="folder for the draws of each chain")
    parser.add_argument("--output", type=Path, help="the JSON file; beside this script unless given")
    options = parser.parse_args()
    numpyro.enable_x64()

    case = CASES[options.study]
    rows = {name: np.asarray(column) for name, column in case.draw(options.n, options.data_seed).items()}
    begun = time.perf_counter()
    draws: dict[str, np.ndarray] = {}
    divergent: dict[str, int] = {}
    for model in PARTS[options.study]:
        chains = []
        for chain in range(options.chains):
            stored = (
                options.keep
                and options.keep
                / f"{model.__name__}-{options.n}-{options.data_seed}-{options.warmup}-{options.draws}-{chain}.npz"
            )
            if stored and stored.exists():
                chains.append(dict(np.load(stored)))
                continue
            since = time.perf_counter()
            chains.append(run_chain(model, rows, options, chain))
            print(
                f"{model.__name__}, chain {chain}: {time.perf_counter() - since:.0f} s, "
                f"{int(chains[-1]['diverging'].sum())} divergent, {chains[-1]['num_steps'].mean():.0f} steps",
                file=sys.stderr,
                flush=True,
            )
            if stored:
                stored.parent.mkdir(parents=True, exist_ok=True)
                np.savez(stored, **chains[-1])
        divergent[model.__name__] = int(sum(chain.pop("diverging").sum() for chain in chains))
        for chain in chains:
            chain.pop("num_steps")
        draws |= {name: np.concatenate([chain[name] for chain in chains]) for name in chains[0]}
    answers = ANSWERS[options.study](rows, draws)
    result = {
        "study": options.study,
        "n": options.n,
        "data_seed": options.data_seed,
        "data_digest": case.digest(options.n, options.data_seed),
        "parts": [model.__name__ for model in PARTS[options.study]],
        "chains": options.chains,
        "warmup": options.warmup,
        "draws": options.draws,
        "target_accept": options.target_accept,
        "seed": options.seed,
        "sites": list(draws),
        "divergent": divergent,
        "seconds": round(time.perf_counter() - begun),
        "versions": {
            "python": platform.python_version(),
            **{module.__name__: module.__version__ for module in (jax, numpyro, np)},
        },
        "answers": {query: moments(values.reshape(options.chains, -1)) for query, values in answers.items()},
    }
    path = options.output or HERE / f"{options.study}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    for query, found in result["answers"].items():
        print(f"{query:<60}{found['mean']:>10.4f} ({found['mcse_mean']:.4f}){found['sd']:>9.4f} ({found['mcse_sd']:.4f})"
              f"  ESS {found['ess']:>7.0f}  R-hat {found['rhat']:.4f}")  # fmt: skip


if __name__ == "__main__":
    main()

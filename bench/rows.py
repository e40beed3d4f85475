"""What many rows cost: two models whose rows are merged or summed up, from ten thousand rows to a million.

Run with `python bench/rows.py`, or some: `python bench/rows.py frontdoor --sizes 1000000`. Every run is a process of its own:
seconds and processor seconds of fit and answer (not of drawing the data), the error against the population's value, the posterior
sd, and the most memory that the process ever held. The first run compiles; `--warm` repeats each with what was compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIZES = (10_000, 100_000, 1_000_000)
MODELS = {
    "frontdoor": "E[Y | do(X=1)] - E[Y | do(X=0)]",
    "multicause": "E[Y | do(X1=1, X2=1, X3=1, X4=1, X5=1)]",
}

RUN = """
import json, resource, sys, time
import numpy as np
import latentdo as ld
from cases import CASES
name, query, n, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
case = CASES[name]
rows = case.draw(n, seed)
begun, spent = time.perf_counter(), time.process_time()
posterior = ld.fit(case.model, rows, seed=seed, progress=False)
answer = ld.ask(posterior, query)
print(json.dumps({
    "seconds": time.perf_counter() - begun,
    "processor": time.process_time() - spent,
    "mean": answer.mean,
    "sd": answer.sd,
    "truth": case.truths[query],
    "rhat": answer.rhat,
    "ess": answer.ess,
    "converged": posterior.converged,
    "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    "table": sum(np.asarray(column).nbytes for column in rows.values()) / 2**30,
    "plan": posterior.plan.splitlines()[0],
}))
"""


def run(name: str, n: int, seed: int, cache: str) -> dict[str, object] | str:
    """One process; what it found, or why it found nothing."""
    command = [sys.executable, "-c", RUN, name, MODELS[name], str(n), str(seed)]
    environment = os.environ | {"LATENTDO_CACHE": cache, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:200]
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"any of {', '.join(MODELS)}; both by default")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warm", action="store_true", help="repeat each run with the programs that it compiled")
    options = parser.parse_args()
    if unknown := set(options.models) - MODELS.keys():
        parser.error(f"no model is called {sorted(unknown)[0]!r}; there are {', '.join(MODELS)}")
    print("| model | rows | seconds | processor seconds | error | posterior sd | R-hat | ESS | converged | peak GiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    plans = []
    for name in options.models or MODELS:
        for n in options.sizes:
            with tempfile.TemporaryDirectory() as cache:
                for kind in ("", " (warm)")[: 1 + options.warm]:
                    found = run(name, n, options.seed, cache)
                    if isinstance(found, str):
                        print(f"| {name}{kind} | {n:,} | {found} |", flush=True)
                        continue
                    rhat = "–" if found["rhat"] is None else f"{found['rhat']:.3f}"
                    print(
                        f"| {name}{kind} | {n:,} | {found['seconds']:.1f} | {found['processor']:.1f} "
                        f"| {found['mean'] - found['truth']:+.5f} | {found['sd']:.5f} | {rhat} | {found['ess']:,.0f} "
                        f"| {'yes' if found['converged'] else 'NO'} | {found['gib']:.2f} |",
                        flush=True,
                    )
                    plans.append(f"{name}, {n:,} rows: {found['plan']}")
    print("\n" + "\n".join(plans))


if __name__ == "__main__":
    main()

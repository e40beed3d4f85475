"""What many rows cost: models whose hidden causes are integrated out, from two hundred rows to a million.

Run with `python bench/rows.py`, or some: `python bench/rows.py front-binary --sizes 2000 20000`. Every run is a process of its
own with nothing compiled: seconds and processor seconds of fit and answer (not of drawing the data), the error against the
population's value in posterior sds, R-hat or k-hat, and the most memory that the process ever held. `--datasets 20` repeats each
with other data and prints mean and sd of the error in posterior sds, and how often the 90 % interval covers. `--peer` runs
NumPyro's NUTS with the latents of each row (`ld.Nuts`) beside it and says how long it takes to 400 effective draws.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIZES = (200, 2_000, 20_000)
NAMES = (
    "front-binary",
    "front-normal-outcome",
    "front-gamma-outcome",
    "front-student-outcome",
    "seven",
    "latent-class-mixed",
    "factor-mixed",
    "frontdoor",
    "multicause",
)

RUN = """
import json, resource, sys, time
import numpy as np
import latentdo as ld
from cases import CASES
from cases.many_rows import cases
name, n, seed, engine = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
case = (CASES | cases())[name]
query = list(case.truths)[-1]
rows = case.draw(n, seed)
begun, spent = time.perf_counter(), time.process_time()
posterior = ld.fit(case.model, rows, getattr(ld, engine)(), seed=seed, progress=False)
answer = ld.ask(posterior, query)
low, high = answer.interval(0.9)
khats = [block.khat for block in posterior.blocks if block.block.latent and block.khat is not None]
print(json.dumps({
    "seconds": time.perf_counter() - begun,
    "processor": time.process_time() - spent,
    "mean": answer.mean,
    "sd": answer.sd,
    "z": (answer.mean - case.truths[query]) / answer.sd,
    "covers": bool(low <= case.truths[query] <= high),
    "rhat": answer.rhat,
    "ess": answer.ess,
    "khat": max(khats, default=None),
    "converged": posterior.converged,
    "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    "plan": posterior.plan.splitlines()[0],
}))
"""


def run(name: str, n: int, seed: int, engine: str = "Auto", limit: float = 3_600.0) -> dict[str, object] | str:
    """One process; what it found, or why it found nothing."""
    command = [sys.executable, "-c", RUN, name, str(n), str(seed), engine]
    with tempfile.TemporaryDirectory() as cache:
        path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | {"LATENTDO_CACHE": cache, "PYTHONPATH": path}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=limit)
        except subprocess.TimeoutExpired:
            return f"not done in {limit:,.0f} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:200]
    return json.loads(done.stdout.strip().splitlines()[-1])


def row(name: str, n: int, of: dict[str, object]) -> str:
    """One line of the table."""
    shown = [f"{of[key]:.3f}" if of[key] is not None else "–" for key in ("rhat", "khat")]
    return (
        f"| {name} | {n:,} | {of['seconds']:.1f} | {of['processor']:.1f} | {of['gib']:.2f} | {of['mean']:.4f} "
        f"| {of['sd']:.4f} | {of['z']:+.2f} | {shown[0]} | {shown[1]} | {of['ess']:,.0f} | {'yes' if of['converged'] else 'NO'} |"
    )


def compared(name: str, n: int, seed: int, limit: float) -> None:
    """The line of NUTS, and what it takes to 400 effective draws of the question."""
    peer = run(name, n, seed, "Nuts", limit)
    if isinstance(peer, str):
        print(f"| {name}, NUTS | {n:,} | {peer} |", flush=True)
        return
    print(row(f"{name}, NUTS", n, peer))
    print(
        f"NUTS takes {peer['processor'] * 400 / max(peer['ess'], 1):.0f} processor seconds to 400 effective draws",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"any of {', '.join(NAMES)}; all by default")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--datasets", type=int, default=1, help="data sets of each size")
    parser.add_argument("--peer", action="store_true", help="NUTS with latents per row beside it")
    parser.add_argument("--limit", type=float, default=3_600.0, help="seconds by the clock after which a run is ended")
    options = parser.parse_args()
    if unknown := set(options.models) - set(NAMES):
        parser.error(f"no model is called {sorted(unknown)[0]!r}; there are {', '.join(NAMES)}")
    print("| model | rows | seconds | processor seconds | peak GiB | mean | sd | z | R-hat | k-hat | ESS | converged |")
    print("| --- " + "| ---: " * 10 + "| --- |")
    for name in options.models or NAMES:
        for n in options.sizes:
            good = []
            for k in range(options.datasets):
                one = run(name, n, options.seed + k, limit=options.limit)
                print(f"| {name} | {n:,} | {one} |" if isinstance(one, str) else row(name, n, one), flush=True)
                good += [] if isinstance(one, str) else [one]
            if len(good) > 1:
                z, spent = [one["z"] for one in good], [one["processor"] for one in good]
                print(
                    f"{name}, {n:,} rows, {len(good)} data sets: z {statistics.mean(z):+.2f} (sd {statistics.stdev(z):.2f}), "
                    f"{sum(one['covers'] for one in good)} covered by 90 %, processor seconds median "
                    f"{statistics.median(spent):.1f}, most {max(spent):.1f}, {sum(one['converged'] for one in good)} certified",
                    flush=True,
                )
            if options.peer:
                compared(name, n, options.seed, options.limit)


if __name__ == "__main__":
    main()

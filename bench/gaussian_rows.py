"""What rows cost where all nodes are normal, and so nothing: the network `ecoli70` with three of its 46 genes hidden.

Run with `python bench/gaussian_rows.py [--sizes 300 1000 …] [--seeds 0 1 …] [--hidden sucA fixC cspG] [--nuts]`. Every fit is a
process of its own. Printed are its seconds and processor seconds, how each block with hidden nodes was trained, the worst R-hat
and k-hat that it is judged by, and z of some answers against the truth. With `--nuts` the same rows are trained by `ld.Nuts` too,
and the table says how far means (in posterior sds) and sds (as a share) of the answers are apart.

With `--hidden b1191 fixC sucA --sizes 1000` a block of 18 nodes and 55 coordinates has an open direction. Importance draws along
its ridge differed by a factor of two in some sds between seeds, at a k-hat of 0.29: up to 5,000 rows chains go on from them.

Source:
    Schäfer & Strimmer (2005), A shrinkage approach to large-scale covariance matrix estimation; its graph as in the repository
    of bnlearn. Weights and noise are drawn anew per seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

NAMES = """
aceB asnA atpD atpG b1191 b1583 b1963 cchB cspA cspG dnaG dnaJ dnaK eutG fixC flgD folK ftsJ gltA hupB
ibpB icdA lacA lacY lacZ lpdA mopB nmpC nuoM pspA pspB sucA sucD tnaA yaeM yceP ycfC ycgX yecO yedE yfaD
yfiA ygbD ygcE yheI yjbO
"""
GENES: tuple[str, ...] = tuple(NAMES.split())
PARENTS = (
    "21;42;31 42;31;;22 24 35;44;14;9;;36 44;31;44;;4;31;44;26;31;8 40;13 35;1 42;1 9;1 9 13 22;1 22 23;38;12 24;29;23;9 30 38;"
    "9 38;13;31;4 14 31;9 22 24;13 14;14 44;9;9;13 31 35;8;14;4 31;31;2 38;14"
)
"""Numbers of the parents of each gene."""
HIDDEN = ("sucA", "fixC", "cspG")


def parents() -> dict[str, list[str]]:
    """Each gene's parents."""
    return {gene: [GENES[int(k)] for k in at.split()] for gene, at in zip(GENES, PARENTS.split(";"), strict=True)}


def model_text(hidden: tuple[str, ...]) -> str:
    """The network in the model language."""
    lines = [
        f"latent {gene} ~ normal({', '.join(ps)})" if gene in hidden else f"{gene} ~ normal({', '.join(ps)})"
        for gene, ps in parents().items()
    ]
    return "\n".join(line.replace("()", "") for line in lines)


def network(seed: int) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Weights and noise, in units in which every gene has about the sd 1."""
    random = np.random.default_rng([seed, 70])
    weights = {
        gene: {parent: float(random.choice([-1, 1]) * random.uniform(0.1, 0.9)) for parent in ps}
        for gene, ps in parents().items()
    }
    return weights, {gene: float(random.uniform(0.3, 1.0)) for gene in GENES}


def order() -> list[str]:
    """Causes first."""
    done: list[str] = []
    while len(done) < len(GENES):
        done += [gene for gene, ps in parents().items() if gene not in done and set(ps) <= set(done)]
    return done


def rows(n: int, seed: int) -> dict[str, np.ndarray]:
    """Rows of all genes."""
    weights, noise = network(seed)
    random = np.random.default_rng([seed, 71])
    values: dict[str, np.ndarray] = {}
    for gene in order():
        values[gene] = sum((w * values[p] for p, w in weights[gene].items()), noise[gene] * random.standard_normal(n))
    return values


def effect(seed: int, cause: str, outcome: str) -> float:
    """The total effect of one unit."""
    weights, _ = network(seed)
    change: dict[str, float] = dict.fromkeys(GENES, 0.0)
    for gene in order():
        change[gene] = 1.0 if gene == cause else sum(w * change[p] for p, w in weights[gene].items())
    return change[outcome]


EFFECTS = (("b1191", "tnaA"), ("b1191", "ygbD"), ("eutG", "yceP"), ("ygbD", "lacZ"), ("lacA", "lacZ"), ("asnA", "yaeM"))

RUN = """
import json, resource, sys, time
import gaussian_rows as bench
import latentdo as ld
n, seed, hidden, engine = int(sys.argv[1]), int(sys.argv[2]), tuple(sys.argv[3].split(",")), sys.argv[4]
table = {name: column for name, column in bench.rows(n, seed).items() if name not in hidden}
model = ld.model(bench.model_text(hidden))
begun, spent = time.perf_counter(), time.process_time()
posterior = ld.fit(model, table, eval(engine, {"ld": ld}), seed=seed, progress=False)
seconds, processor = time.perf_counter() - begun, time.process_time() - spent
answers = {}
for cause, outcome in bench.EFFECTS:
    if {cause, outcome} & set(hidden):
        continue
    query = f"E[{outcome} | do({cause}=1)] - E[{outcome} | do({cause}=0)]"
    if ld.identify(model, query).identified:
        answer = ld.ask(posterior, query)
        answers[f"{cause} on {outcome}"] = [answer.mean, answer.sd, bench.effect(seed, cause, outcome), answer.rhat]
blocks = [
    {"block": b.block.name, "method": str(b.method), "khat": b.khat, "seconds": b.compile_seconds + b.sample_seconds,
     "rhat": max([d.rhat or 1.0 for d in b.diagnostics], default=1.0), "ess": min([d.ess for d in b.diagnostics], default=0.0),
     "certified": b.certified, "why": b.why}
    for b in posterior.blocks if b.block.latent
]
print(json.dumps({"seconds": seconds, "processor": processor, "converged": posterior.converged, "blocks": blocks,
    "worst": max([d.rhat or 1.0 for d in posterior.diagnostics]), "answers": answers,
    "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}))
"""


def run(n: int, seed: int, hidden: tuple[str, ...], engine: str) -> dict | str:
    """One process; what it found, or why it found nothing."""
    command = [sys.executable, "-c", RUN, str(n), str(seed), ",".join(hidden), engine]
    path = os.pathsep.join([str(Path(__file__).resolve().parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:300]
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="*", type=int, default=(300, 1_000, 3_000, 1_000_000))
    parser.add_argument("--seeds", nargs="*", type=int, default=(0,))
    parser.add_argument("--hidden", nargs="*", default=HIDDEN)
    parser.add_argument("--nuts", action="store_true")
    options = parser.parse_args()
    for n in options.sizes:
        for seed in options.seeds:
            found = run(n, seed, tuple(options.hidden), "ld.Auto()")
            if isinstance(found, str):
                print(f"{n:>9,} rows, seed {seed}: {found}", flush=True)
                continue
            print(
                f"{n:>9,} rows, seed {seed}: {found['seconds']:5.1f} s, {found['processor']:5.1f} processor s, "
                f"converged {found['converged']}, worst {found['worst']:.3f}, {found['gib']:.2f} GiB"
            )
            for block in found["blocks"]:
                khat = "" if block["khat"] is None else f", k-hat {block['khat']:.2f}"
                print(
                    f"    {block['block']}: {block['seconds']:.1f} s, R-hat {block['rhat']:.3f}, ESS {block['ess']:.0f}{khat}: "
                    f"{block['method']}{'; ' + block['why'] if block['why'] else ''}"
                )
            other = run(n, seed, tuple(options.hidden), "ld.Nuts(draws=2000)") if options.nuts else None
            if isinstance(other, dict):
                print(f"    NUTS {other['processor']:.0f} processor s, worst R-hat {other['worst']:.3f}")
            for name, (mean, sd, truth, rhat) in found["answers"].items():
                told = f"    {name}: {mean:+.4f} ({sd:.4f}), z {(mean - truth) / sd:+.1f}, R-hat {rhat or 1.0:.3f}"
                if isinstance(other, dict):
                    theirs = other["answers"][name]
                    apart = f"{(mean - theirs[0]) / theirs[1]:+.2f} sd, {100 * (sd / theirs[1] - 1):+.0f} %"
                    told += f"; NUTS {theirs[0]:+.4f} ({theirs[1]:.4f}): {apart}"
                print(told, flush=True)


if __name__ == "__main__":
    main()

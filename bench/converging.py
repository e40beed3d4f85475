"""How often fits of large networks are called not converged though they are, and short runs are caught.

Run `python bench/converging.py --networks FOLDER`; the folder holds the files of bnlearn's repository that the wheel of pgmpy
1.1.2 has in `pgmpy/utils/example_models`: `ecoli70.json`, `magic-irri.json`, `arth150.json`, `hailfinder.bif.gz`,
`hepar2.bif.gz`. Rows are drawn from each network, two or three nodes with two or more effects are hidden, and the rest is
trained by default. Every fit is a process of its own, so that processor seconds include what compiling took. With `--short` the
same fits get few transitions: those whose chains had too few are to be called not converged.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from networks import Network

import latentdo as ld

CASES: tuple[tuple[str, int, int, int], ...] = (
    ("ecoli70", 300, 3, 0),
    ("ecoli70", 1_000, 3, 1),
    ("ecoli70", 300, 2, 2),
    ("magic-irri", 500, 3, 3),
    ("magic-irri", 1_000, 2, 4),
    ("arth150", 300, 3, 5),
    ("arth150", 1_000, 2, 6),
    ("hailfinder", 1_000, 2, 7),
    ("hepar2", 500, 2, 8),
    ("hepar2", 2_000, 3, 9),
)
"""Network, rows, hidden nodes, seed."""
SHORT = ("ld.Auto(max_steps=200)", "ld.Auto(max_steps=320)")
MOST_LEVELS = 4
"""Of a node that is hidden."""

Rows = dict[str, np.ndarray]


def gaussian(path: Path) -> tuple[dict[str, dict[str, float]], dict[str, tuple[float, float]]]:
    """Weights by node and parent, and intercept and sd by node, of a linear network; names that are identifiers."""
    cpds: Mapping[str, Any] = json.loads(path.read_text())["cpds"]

    def named(node: str) -> str:
        return re.sub(r"\W", "_", node if node[0].isalpha() else f"G{node}")

    weights, own = {}, {}
    waiting = dict(cpds)
    while waiting:
        for node in [node for node, cpd in waiting.items() if not waiting.keys() & {*cpd["parents"]}]:
            cpd = waiting.pop(node)
            numbers = {name: float(np.ravel(value)[0]) for name, value in cpd["coefficients"].items()}
            weights[named(node)] = {named(parent): numbers[parent] for parent in cpd["parents"]}
            own[named(node)] = (numbers["(Intercept)"], float(np.ravel(cpd["variance"])[0]) ** 0.5)
    return weights, own


def picked(parents: Mapping[str, tuple[str, ...]], n_hidden: int, random: np.random.Generator) -> tuple[str, ...]:
    """Some nodes to hide, each with two effects or more, no two of them cause and effect."""
    effects = {node: [child for child, ps in parents.items() if node in ps] for node in parents}
    chosen: list[str] = []
    for node in random.permutation(sorted(node for node, children in effects.items() if len(children) > 1)).tolist():
        near = {*parents[node], *effects[node]}
        if len(chosen) < n_hidden and not near & {*chosen}:
            chosen.append(node)
    return tuple(chosen)


def case(folder: Path, name: str, n: int, n_hidden: int, seed: int) -> tuple[str, Rows, tuple[str, ...]]:
    """Model, columns, and what is hidden."""
    random = np.random.default_rng([seed, n])
    if (folder / f"{name}.json").exists():
        weights, own = gaussian(folder / f"{name}.json")
        hidden = picked({node: tuple(ps) for node, ps in weights.items()}, n_hidden, random)
        rows: Rows = {}
        for node, ps in weights.items():
            centre, sd = own[node]
            rows[node] = centre + sum(w * rows[p] for p, w in ps.items()) + sd * random.standard_normal(n)
        model = "\n".join(
            f"{'latent ' if node in hidden else ''}{node} ~ normal" + (f"({', '.join(ps)})" if ps else "")
            for node, ps in weights.items()
        )
    else:
        network = Network.read(folder / f"{name}.bif.gz")
        few = {node: ps for node, (ps, table) in network.tables.items() if table.shape[-1] <= MOST_LEVELS}
        hidden = picked({node: tuple(p for p in ps if p in few) for node, ps in few.items()}, n_hidden, random)
        rows = {node: column.astype(float) for node, column in network.simulate(n, random).items()}
        model = network.model(hidden)
    return model, {node: column for node, column in rows.items() if node not in hidden}, hidden


def fitted(folder: Path, number: int, engine: str) -> dict[str, Any]:
    """What one fit came to."""
    model, rows, hidden = case(folder, *CASES[number])
    begun = time.process_time()
    posterior = ld.fit(ld.model(model), rows, eval(engine, {"ld": ld}), seed=number, progress=False, check=False)
    return {
        "hidden": ", ".join(hidden),
        "nodes": len(posterior.spec.graph.nodes),
        "converged": posterior.converged,
        "doubt": posterior.doubt,
        "rhat": max([one.rhat or 1.0 for one in posterior.diagnostics], default=1.0),
        "limit": posterior.rhat_limit,
        "ess": min([one.ess for one in posterior.diagnostics], default=0.0),
        "judged": len(posterior.diagnostics),
        "methods": sorted({str(b.method) for b in posterior.blocks if b.block.latent}),
        "chains": any(not block.independent for block in posterior.blocks),
        "processor": time.process_time() - begun,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", type=Path, required=True, help="the folder of the networks")
    parser.add_argument("--cases", nargs="*", type=int, default=range(len(CASES)))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(fitted(given.networks, given.cases[0], given.one)))
        return
    counts = {True: 0, False: 0}
    for number in given.cases:
        name, n, *_ = CASES[number]
        for engine in SHORT if given.short else ("ld.Auto()",):
            command = [sys.executable, __file__, "--networks", given.networks, "--cases", str(number), "--one", engine]
            done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
            if done.returncode:
                print(
                    f"{name}, {n:,} rows, {engine}: {(done.stderr.strip().splitlines() or ['failed'])[-1][:300]}",
                    flush=True,
                )
                continue
            one = json.loads(done.stdout.strip().splitlines()[-1])
            counts[one["converged"]] += 1
            print(
                f"{name} ({one['nodes']} nodes, hidden {one['hidden']}), {n:,} rows, {engine}: "
                f"converged {'yes' if one['converged'] else 'NO'}, worst R-hat {one['rhat']:.4f} "
                f"(limit {one['limit']:.4f} among {one['judged']:,}), least ESS {one['ess']:.0f}, "
                f"{one['processor']:.1f} processor s, {one['gib']:.1f} GiB"
                + (f": {one['doubt']}" if one["doubt"] else "")
                + "".join(f"\n    {method}" for method in one["methods"])
                + ("" if one["chains"] else "\n    no chains: all draws are independent"),
                flush=True,
            )
    print(f"converged: {counts[True]} of {sum(counts.values())}")


if __name__ == "__main__":
    main()

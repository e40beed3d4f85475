"""How fast latentdo and another library identify the same queries on the same graphs, and how long their formulas are.

Run with `make bench`, or some classes: `python bench/identification.py "100 nodes" ladders --peer-python PATH --json FILE`.
Each library works in a process of its own, which is killed and started anew when a call runs past the cap; the two take
turns. A time is that of the call alone, on a graph already in the library's own form and new for each repeat. The other
library is a witness: where verdicts differ, that is said, and nothing more. `--profile CASE` shows where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import random
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from beside.cases import RANDOM, SERIES, cases_of, random_case
from beside.libraries import LOADERS, load_latentdo, serve
from beside.tables import HEADER, joined, print_table, report, row, short
from beside.workers import OutOfTimeError, Record, Worker, run_class

PEERS = ("y0", "causaleffect")
NAPKIN = "W -> R -> X -> Y; W <-> X; W <-> Y"


def time_pairs(worker: Worker, seed: int) -> None:
    """Every pair of a graph of 100 nodes."""
    case = random_case(random.Random(f"{seed} pairs 1"), "", 100)
    print(f"\nEvery ordered pair of 100 nodes, {len(case.directed)} arrows and {len(case.bidirected)} latent causes:")
    try:
        found = worker.ask({"do": "pairs", "case": asdict(case)}, 120.0)
    except OutOfTimeError:
        print("  more than 120 s")
        return
    if "error" in found:
        print(f"  {found['error']}")
        return
    print(f"  {found['pairs']:,} verdicts, {found['identified']:,} of them yes: {short(found['one_by_one'])} one by one, "
          f"{short(found['table'])} as a table, {short(found['forms'])} for the form of each"
          f"{'' if found['agree'] else '; THE TWO DIFFER'}")  # fmt: skip


NAPKIN_CODE = {
    "latentdo": f"import latentdo as ld; ld.identify('{NAPKIN}', 'P(Y | do(X))')",
    "y0": "from y0.graph import NxMixedGraph as G; from y0.algorithm.identify import identify_outcomes as f; "
    "from y0.dsl import W, R, X, Y; f(G.from_edges(directed=[(W, R), (R, X), (X, Y)], undirected=[(W, X), (W, Y)]), X, Y)",
    "causaleffect": "from causaleffect import createGraph as g, ID; "
    "ID({'Y'}, {'X'}, g(['W->R', 'R->X', 'X->Y', 'W<->X', 'W<->Y']))",
}


def time_import(workers: list[Worker], repeats: int = 10) -> None:
    """A first verdict from nothing, against an interpreter that does nothing."""
    print(f"\nImport and a first napkin verdict (median of {repeats} new processes):")
    for worker in workers:
        python = worker.command[0]
        taken: dict[str, list[float]] = {"pass": [], NAPKIN_CODE[worker.name]: []}
        failed = False
        for code in [*taken] * (repeats + 1):  # the first of each warms the disk
            begun = time.perf_counter()
            failed |= subprocess.run([python, "-c", code], capture_output=True).returncode != 0
            taken[code].append(time.perf_counter() - begun)
        bare, whole = (statistics.median(values[1:]) for values in taken.values())
        print(
            f"  {worker.name}: {short(whole)}, of which the bare interpreter {short(bare)}: {short(whole - bare)} more"
            f"{', AND IT FAILS' if failed else ''}"
        )


def profile(name: str, count: int, seed: int) -> None:
    """Where latentdo spends its time on one case, by the name that the tables print."""
    kinds = [*RANDOM, *SERIES]
    case = next((c for kind in kinds for c in cases_of(kind, count, seed) if c.name == name), None)
    if case is None:
        sys.exit(f"No case is called {name!r}. Names are like '500 nodes #3' or 'dense ladder of 50 rungs'.")
    library = load_latentdo()
    prepared = library.prepare(case)
    profiler = cProfile.Profile()
    found = profiler.runcall(library.solve, *prepared)
    if found is not None:
        profiler.runcall(library.show, found)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(30)


def has(python: str, module: str) -> bool:
    """Whether an interpreter can import a module."""
    done = subprocess.run([python, "-c", f"import {module}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def chosen_workers(options: argparse.Namespace) -> list[Worker]:
    """latentdo's, and the peer's where it is installed."""
    workers = [Worker("latentdo", sys.executable, options.gibibytes)]
    if has(options.peer_python, options.peer):
        return [*workers, Worker(options.peer, options.peer_python, options.gibibytes)]
    print(f"{options.peer} is not installed for {options.peer_python}, so latentdo runs alone. To have both, in an environment\n"
          f"of its own: python -m venv .venv-peer && .venv-peer/bin/pip install {options.peer}, then\n"
          f"python bench/identification.py --peer {options.peer} --peer-python .venv-peer/bin/python\n")  # fmt: skip
    return workers


def main() -> None:
    kinds = [*RANDOM, *SERIES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("classes", nargs="*", metavar="CLASS", help=f"any of {', '.join(kinds)}; all by default")
    parser.add_argument(
        "--cases", type=int, default=40, help="random cases per class; more of the small, fewer of the large"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="the cap on a call, and on printing its formula")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", choices=PEERS, default="y0")
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has the peer")
    parser.add_argument("--gibibytes", type=float, default=4.0, help="the cap on a worker's address space")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every case and outcome")
    parser.add_argument(
        "--profile", metavar="CASE", help="where latentdo spends its time on one case, and nothing else"
    )
    parser.add_argument("--worker", choices=LOADERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.classes) - set(kinds):
        parser.error(f"no class is called {sorted(unknown)[0]!r}; there are {', '.join(kinds)}")
    if options.worker:
        serve(options.worker, options.gibibytes)
    elif options.profile:
        profile(options.profile, options.cases, options.seed)
    else:
        bench(options.classes or kinds, options)


def bench(kinds: list[str], options: argparse.Namespace) -> None:
    """Run the classes, and print."""
    workers = chosen_workers(options)
    found: dict[str, list[Record]] = {}
    rows = [list(HEADER)]
    begun = time.perf_counter()
    for kind in kinds:
        found[kind] = run_class(kind, cases_of(kind, options.cases, options.seed), workers, options.seconds)
        rows.append(row(kind, found[kind], workers))
        print(f"{kind}: {len(found[kind])} cases, {time.perf_counter() - begun:.0f} s since the start", flush=True)
    print(f"\n{' / '.join(f'{worker.name} {worker.version}' for worker in workers)}; cap {options.seconds:g} s")
    if len(workers) > 1:
        print(f"ratio: median of {workers[1].name}'s time over latentdo's, case by case, where both answered")
        print("time-outs +k: larger cases of the same family, no longer asked after one")
    print(f"peak MiB: right after the import {joined(worker.at_start // 1024 for worker in workers)}\n")
    print_table(rows)
    report(found, workers)
    time_pairs(workers[0], options.seed)
    time_import(workers)
    for worker in workers:
        worker.stop()
    if options.json:
        records = [{"class": kind, **asdict(record)} for kind, part in found.items() for record in part]
        options.json.write_text(json.dumps(records), encoding="utf8")


if __name__ == "__main__":
    main()

"""Simulation-based calibration: parameters from the prior, data from the parameters, and their ranks in the posterior.

Run some cells: `python bench/calibration.py normal "normal, latent" --engine auto nuts laplace svi --datasets 100 --output FILE`;
`--resume` goes on with a run that was cut off. A cell is a model with explicit fixed priors on everything. Its parameters are
drawn from them, data are simulated from the parameters (by code of `calibrated/`, not latentdo's), a fit gives posterior draws,
and functionals of the parameters are ranked among those of the draws: means, variances and a covariance of measured nodes, an
effect that is identified, the log likelihood with latents integrated out. If the fit is right the ranks are uniform. Weights
of latents are not ranked: their signs need not be identified.

Source:
    Talts, Betancourt, Simpson, Vehtari & Gelman (2018), Validating Bayesian inference algorithms with simulation-based
    calibration; Modrák et al. (2023), Simulation-based calibration checking for Bayesian computation, for the likelihood;
    Säilynoja, Bürkner & Vehtari (2022), Graphical test for discrete uniformity, for the simultaneous envelope of the ranks' cdf.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from calibrated import CELLS, Cell
from scipy import stats

import latentdo as ld

N_ROWS = 30
LEVELS = 99
"""Posterior draws among which a parameter is ranked: ranks run from 0 to this."""
BINS = 10
TURN = 20
"""Data sets of a cell before the next cell has its turn: a run that is cut off has some of every cell."""
ENVELOPE = 0.95
ALPHA = 0.01
EXACT = ("auto", "nuts")
ENGINES: Mapping[str, Callable[[], Any]] = {
    "auto": lambda: ld.Auto(),
    "nuts": lambda: ld.Nuts(draws=250, warmup=500),
    "laplace": lambda: ld.Laplace(),
    "svi": lambda: ld.Svi(),
}
# Of a table that no engine takes: its parameters are drawn anew. This depends on the data alone, so that ranks stay uniform.
UNFIT = re.compile(r"constant|too small|one end|rescale|the same value", re.IGNORECASE)


@dataclass
class Ranks:
    """The ranks of one cell under one engine.

    Attributes:
        ranks: Per functional, one from 0 to `LEVELS` per data set.
        redrawn: Data sets that were drawn anew, because no such table can be fitted (a constant column).
        unsure: Fits that did not claim to have converged; they count like the others.
        failed: Fits that ended in an error, which have no ranks.
        seconds: Of each fit.
    """

    cell: str
    engine: str
    ranks: dict[str, list[int]] = field(default_factory=dict)
    redrawn: int = 0
    unsure: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, record: Mapping[str, Any]) -> None:
        """One data set."""
        self.redrawn += record["redrawn"]
        if "error" in record:
            self.failed += 1
            return
        for name, value in record["ranks"].items():
            self.ranks.setdefault(name, []).append(value)
        self.unsure += not record["converged"]
        self.seconds.append(record["seconds"])

    @property
    def n(self) -> int:
        """Number of data sets that were fitted."""
        return len(self.seconds)

    def bins(self, name: str) -> list[int]:
        """How many ranks of a functional fall into each tenth."""
        return np.bincount(np.array(self.ranks[name]) * BINS // (LEVELS + 1), minlength=BINS).tolist()

    def tests(self) -> dict[str, tuple[float, float, bool]]:
        """Per functional: p of chi-square over ten bins, p of Kolmogorov and Smirnov, whether the cdf leaves the envelope."""
        found = {}
        for name, ranks in self.ranks.items():
            # Ranks are spread evenly within their step, so that the test for continuous laws holds.
            spread = (np.array(ranks) + np.random.default_rng(3).uniform(size=len(ranks))) / (LEVELS + 1)
            outside = smallest_tail(np.array(ranks)) < envelope(len(ranks))
            found[name] = (
                float(stats.chisquare(self.bins(name)).pvalue),
                float(stats.kstest(spread, "uniform").pvalue),
                bool(outside),
            )
        return found

    def corrected(self) -> float:
        """The smallest p of both tests of all functionals, times their number (Bonferroni)."""
        pairs = self.tests().values()
        return min(1.0, 2 * len(pairs) * min(min(p[:2]) for p in pairs))

    def summary(self) -> dict[str, Any]:
        """What the tables of the documentation are made from."""
        tests = self.tests()
        return {
            "cell": self.cell,
            "engine": self.engine,
            "datasets": self.n,
            "failed": self.failed,
            "unsure": self.unsure,
            "redrawn": self.redrawn,
            "seconds": float(np.median(self.seconds)),
            "p": self.corrected(),
            "functionals": {
                name: {"chi_square_p": chi, "ks_p": ks, "outside": outside, "bins": self.bins(name)}
                for name, (chi, ks, outside) in tests.items()
            },
        }


def smallest_tail(ranks: np.ndarray) -> float:
    """How far the cdf of ranks strays: the smallest two-sided tail probability of its value at any rank, were they uniform."""
    below = np.searchsorted(np.sort(ranks), np.arange(1, LEVELS + 1))
    lower, upper = _tails(len(ranks))
    at = np.arange(LEVELS)
    return float(2 * np.minimum(lower[below, at], upper[below, at]).min())


@functools.cache
def _tails(n: int) -> tuple[np.ndarray, np.ndarray]:
    """P(at most k of n ranks are below each level) and P(at least k are), (k, level)."""
    k, share = np.arange(n + 1)[:, None], np.arange(1, LEVELS + 1) / (LEVELS + 1)
    return stats.binom.cdf(k, n, share), stats.binom.sf(k - 1, n, share)


@functools.cache
def envelope(n: int) -> float:
    """The tail probability that the cdf of n uniform ranks stays above at every level, in 95 of 100 samples."""
    random = np.random.default_rng(5)
    return float(np.quantile([smallest_tail(random.integers(0, LEVELS + 1, n)) for _ in range(2000)], 1 - ENVELOPE))


def rank(cell: Cell, engine: str, seed: int, n_rows: int) -> dict[str, Any]:
    """One data set of so many rows: its ranks, or the error that its fit ended in."""
    redrawn = 0
    while True:
        random = np.random.default_rng([seed, redrawn, 77])
        theta = cell.draw_parameters(random)
        simulated = cell.simulate(theta, random.uniform(size=(len(cell.nodes), n_rows)))
        rows = {node.name: simulated[node.name][0] for node in cell.measured}
        begun = time.perf_counter()
        try:
            posterior = ld.fit(ld.model(cell.text), rows, ENGINES[engine](), seed=seed, progress=False, check=False)
            break
        except ld.LatentdoError as error:
            if not UNFIT.search(str(error)) or redrawn > 100:
                return {"redrawn": redrawn, "error": str(error)}
            redrawn += 1
        except Exception as error:  # noqa: BLE001 - a fault of the engine is a result, and must not end hours of fits
            return {"redrawn": redrawn, "error": f"{type(error).__name__}: {error}"}
    seconds = time.perf_counter() - begun
    draws = {label: values.reshape(-1) for label, values in posterior.parameters}
    picked = np.linspace(0, len(next(iter(draws.values()))) - 1, LEVELS).round().astype(int)
    true = cell.functionals(theta, rows)
    found = cell.functionals({label: values[picked] for label, values in draws.items()}, rows)
    ranks = {}
    for name, values in found.items():
        below = int((values < true[name][0]).sum())
        # Equal values (of a discrete functional) share their ranks at random.
        ranks[name] = below + int(random.integers(0, int((values == true[name][0]).sum()) + 1))
    return {
        "ranks": ranks,
        "redrawn": redrawn,
        "converged": posterior.converged,
        "method": posterior.plan,
        "seconds": seconds,
    }


def code_version() -> str:
    """The commit of the latentdo that is measured: results of a run that goes on after a change can be told apart."""
    folder = Path(ld.__file__).parent
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def gathered(records: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Ranks]:
    """The ranks by cell and engine."""
    found: dict[tuple[str, str], Ranks] = {}
    for record in records:
        key = (record["cell"], record["engine"])
        found.setdefault(key, Ranks(*key)).add(record)
    return {key: ranks for key, ranks in found.items() if ranks.n}


def print_result(result: Ranks, n_rows: int) -> None:
    """One line per functional."""
    print(
        f"\n{result.cell}, {result.engine}: {result.n} data sets of {n_rows} rows, {np.median(result.seconds):.2f} s per fit "
        f"(median), {result.unsure} did not claim convergence, {result.failed} failed, {result.redrawn} tables drawn anew"
    )
    print(f"  {'':<44}{'chi-square p':>13}{'KS p':>8}{'envelope':>10}   ranks in ten bins")
    for name, (chi, ks, outside) in result.tests().items():
        bins = " ".join(f"{count:>3}" for count in result.bins(name))
        print(f"  {name:<44}{chi:>13.3f}{ks:>8.3f}{'outside' if outside else 'inside':>10}   {bins}")
    print(f"  smallest p, corrected for {2 * len(result.ranks)} tests: {result.corrected():.4f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"any of {', '.join(CELLS)}; all by default")
    parser.add_argument("--engine", nargs="+", choices=tuple(ENGINES), default=["auto"])
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument(
        "--rows", type=int, default=N_ROWS, help="of a data set; with more than 400 latents are integrated out"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="start no fit after this")
    parser.add_argument(
        "--output", type=Path, help="a file for the results, one line of JSON per data set, as they come"
    )
    parser.add_argument("--resume", action="store_true", help="keep what the file has, and go on")
    parser.add_argument("--summary", type=Path, help="a JSON file for the tests of all that is in the output file")
    options = parser.parse_args()
    if unknown := set(options.cells) - CELLS.keys():
        parser.error(f"no cell is called {sorted(unknown)[0]!r}; there are {', '.join(CELLS)}")
    kept: list[dict[str, Any]] = []
    if options.output and options.output.exists():
        if not options.resume:
            parser.error(f"{options.output} exists: go on with --resume, or name another file")
        # A run that was killed may have left half a line.
        lines = options.output.read_text(encoding="utf8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        options.output.write_text("".join(whole), encoding="utf8")
        kept = [json.loads(line) for line in whole]
    done = {(record["cell"], record["engine"], record["seed"]) for record in kept}
    begun, version = time.perf_counter(), code_version()
    wanted = [
        (name, engine, seed)
        for first in range(0, options.datasets, TURN)
        for engine in options.engine
        for name in options.cells or CELLS
        for seed in range(first, min(first + TURN, options.datasets))
        if (name, engine, seed) not in done
    ]
    for k, (name, engine, seed) in enumerate(wanted):
        if time.perf_counter() - begun > 60 * options.minutes:
            break
        record = {
            "cell": name,
            "engine": engine,
            "seed": seed,
            "code": version,
            **rank(CELLS[name], engine, seed, options.rows),
        }
        kept.append(record)
        if "error" in record:
            print(f"{name}, {engine}, {seed}: {record['error']}", file=sys.stderr, flush=True)
        if options.output:
            with options.output.open("a", encoding="utf8") as file:
                file.write(json.dumps(record) + "\n")
        if k + 1 == len(wanted) or wanted[k + 1][:2] != (name, engine):
            print(f"{name}, {engine}: to {seed}, {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    results = gathered(kept)
    for result in results.values():
        print_result(result, options.rows)
    if options.summary:
        lines = ",\n".join(json.dumps(result.summary()) for result in results.values())
        options.summary.write_text(f"[\n{lines}\n]\n", encoding="utf8")
    exact = [result.corrected() for (_, engine), result in results.items() if engine in EXACT]
    if not exact:
        return 0
    smallest = min(1.0, min(exact) * len(exact))
    print(
        f"\nengines that claim to be exact: the smallest p of {len(exact)} cells, corrected for all, is {smallest:.4f}"
    )
    return 1 if smallest < ALPHA else 0


if __name__ == "__main__":
    sys.exit(main())

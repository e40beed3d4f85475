"""How often 90 % intervals hold the truth, over hundreds of data sets of four studies, and how wide they are.

Run with `python bench/coverage.py --output FILE`, or some studies: `python bench/coverage.py frontdoor napkin --output FILE`. A
run that is cut off goes on where it was. `--fits FOLDER` keeps every fit: a later run with another FILE only asks them anew.
The yardstick of the width is what a careful analyst would do without the latent model: the study's formula with linear and
logistic regressions, its interval from 200 bootstrap samples of the same data set.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from cases import COVERED, Case
from cases.formulas import bootstrap

import latentdo as ld

LEVEL = 0.9
SHORT = 3.0
"""Binomial standard errors below the level from which on intervals are too short."""


def fit_path(folder: Path, case: Case, n: int, seed: int) -> Path:
    """Where the fit of a data set is kept."""
    return folder / f"{case.name}-{n}-{seed}.ldo"


def fits_of(case: Case, seeds: list[int], n: int, folder: Path | None) -> Iterator[tuple[int, Any]]:
    """The fit of each data set, or the error that it ended in; kept and taken from a folder where there is one."""
    kept = {} if folder is None else {seed: fit_path(folder, case, n, seed) for seed in seeds}
    ready = {seed: ld.load(kept[seed]) for seed in seeds if seed in kept and kept[seed].exists()}
    missing = [seed for seed in seeds if seed not in ready]
    for seed, posterior in trained(case, missing, n):
        if seed in kept and not isinstance(posterior, ld.LatentdoError):
            posterior.save(kept[seed])
        ready[seed] = posterior
    yield from ((seed, ready[seed]) for seed in seeds)


def trained(case: Case, seeds: list[int], n: int) -> Iterator[tuple[int, Any]]:
    """All tables in one call, or one by one if some of them cannot be used."""
    tables = {str(seed): case.draw(n, seed) for seed in seeds}
    try:
        for seed, posterior in ld.fit_many(case.model, tables, seed=0, progress=False).items() if tables else ():
            yield int(seed), posterior
    except ld.LatentdoError as error:
        if len(seeds) == 1:
            yield seeds[0], error
            return
        for seed in seeds:
            yield from trained(case, [seed], n)


def record(case: Case, seed: int, posterior: Any) -> dict[str, Any]:
    """What one data set gave: per question mean, sd, interval and diagnostics."""
    if isinstance(posterior, ld.LatentdoError):
        return {"study": case.name, "seed": seed, "error": str(posterior)}
    begun = time.perf_counter()
    answers = ld.ask(posterior, *case.queries, seed=0)
    return {
        "study": case.name,
        "seed": seed,
        "converged": posterior.converged,
        "seconds": time.perf_counter() - begun,
        "answers": [
            {"mean": a.mean, "sd": a.sd, "interval": a.interval(LEVEL), "rhat": a.rhat, "ess": a.ess, "mcse": a.mcse}
            for a in answers
        ],
    }


def measured(case: Case, records: list[Mapping[str, Any]], n: int, samples: int) -> list[dict[str, Any]]:
    """What came out, one row per question: coverage, width, and both of the plug-in's bootstrap."""
    good = [r for r in records if "answers" in r]
    plug_in = [bootstrap(case.name, case.draw(n, r["seed"]), samples, r["seed"]) for r in good] if samples else []
    rows = []
    for k, (query, truth) in enumerate(case.truths.items()):
        ends = np.array([r["answers"][k]["interval"] for r in good])
        row = {
            "study": case.name,
            "query": query,
            "truth": truth,
            "n": n,
            "datasets": len(good),
            "failed": len(records) - len(good),
            "unsure": sum(not r["converged"] for r in good),
            "bias": float(np.mean([r["answers"][k]["mean"] for r in good])) - truth,
            **_coverage(ends[:, 0], ends[:, 1], truth),
        }
        if plug_in:
            tails = np.quantile([p[:, k] for p in plug_in], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
            row |= {f"plug_in_{key}": value for key, value in _coverage(*tails, truth).items()}
        rows.append(row)
    return rows


def _coverage(low: np.ndarray, high: np.ndarray, truth: float) -> dict[str, float]:
    return {"covered": float(np.mean((low <= truth) & (truth <= high))), "width": float(np.mean(high - low))}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| study | question | truth | data sets | bias | 90 % covers | its SE | width | plug-in covers | width / its |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        # A bar would end the cell of the table.
        query = row["query"].replace("|", "\\|")
        failed = f" ({row['failed']} could not be fitted)" if row["failed"] else ""
        beside = "– | –"
        if "plug_in_width" in row:
            beside = f"{row['plug_in_covered']:.1%} | {row['width'] / row['plug_in_width']:.2f}"
        lines.append(
            f"| {row['study']} | `{query}` | {row['truth']:.4f} | {row['datasets']}{failed} | {row['bias']:+.4f} "
            f"| {row['covered']:.1%}{' TOO SHORT' if too_short(row) else ''} | {binomial_error(row):.1%} "
            f"| {row['width']:.3f} | {beside} |"
        )
    return "\n".join(lines)


def binomial_error(row: Mapping[str, Any]) -> float:
    """The standard error that a coverage of just 90 % would have."""
    return float(np.sqrt(LEVEL * (1 - LEVEL) / row["datasets"]))


def too_short(row: Mapping[str, Any]) -> bool:
    """Whether chance does not explain that so few intervals hold the truth."""
    return row["covered"] < LEVEL - SHORT * binomial_error(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"any of {', '.join(COVERED)}; all by default")
    parser.add_argument("--datasets", type=int, default=400)
    parser.add_argument("--n", type=int, default=100, help="rows of each data set")
    parser.add_argument("--batch", type=int, default=20, help="data sets that are fitted in one call")
    parser.add_argument("--bootstraps", type=int, default=200, help="of the plug-in; 0 leaves it out")
    parser.add_argument("--fits", type=Path, help="a folder that keeps the fits, and gives those that it has")
    parser.add_argument("--only-kept", action="store_true", help="train nothing: ask the fits that the folder has")
    parser.add_argument("--summary", type=Path, help="a file for the table, as JSON")
    parser.add_argument("--output", type=Path, required=True, help="one line of JSON per data set, as they come")
    options = parser.parse_args()
    if unknown := set(options.studies) - COVERED.keys():
        parser.error(f"no study is called {sorted(unknown)[0]!r}; there are {', '.join(COVERED)}")
    if options.only_kept and options.fits is None:
        parser.error("--only-kept needs the folder of --fits")
    if options.fits is not None:
        options.fits.mkdir(parents=True, exist_ok=True)
    kept = options.output.read_text(encoding="utf8").splitlines() if options.output.exists() else []
    records = [json.loads(line) for line in kept]
    chosen = [COVERED[name] for name in options.studies or COVERED]
    for case in chosen:
        done = {r["seed"] for r in records if r["study"] == case.name}
        left = [seed for seed in range(options.datasets) if seed not in done]
        if options.only_kept:
            left = [seed for seed in left if fit_path(options.fits, case, options.n, seed).exists()]
        for first in range(0, len(left), options.batch):
            batch = left[first : first + options.batch]
            begun = time.perf_counter()
            for seed, posterior in fits_of(case, batch, options.n, options.fits):
                records.append(record(case, seed, posterior))
                with options.output.open("a", encoding="utf8") as file:
                    file.write(json.dumps(records[-1]) + "\n")
            print(f"{case.name}: {batch[-1] + 1} data sets; {time.perf_counter() - begun:.0f} s", flush=True)
    rows = [
        row
        for case in chosen
        if (mine := [r for r in records if r["study"] == case.name and r["seed"] < options.datasets])
        for row in measured(case, mine, options.n, options.bootstraps)
    ]
    print("\n" + table(rows))
    if options.summary is not None:
        options.summary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

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
from studies.formulas import bootstrap

import latentdo as ld
from studies import COVERED, Case

LEVEL = 0.9
SHORT = 3.0
"""Binomial standard errors below the level from which on intervals are too short."""


def fits_of(case: Case, seeds: list[int], n: int, folder: Path | None) -> Iterator[tuple[int, Any]]:
    """The fit of each data set, or the error that it ended in; kept and taken from a folder where there is one."""
    kept = {} if folder is None else {seed: folder / f"{case.name}-{n}-{seed}.ldo" for seed in seeds}
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


def table(case: Case, records: list[Mapping[str, Any]], n: int, samples: int) -> str:
    """Rows of a Markdown table, one per question."""
    good = [r for r in records if "answers" in r]
    plug_in = [bootstrap(case.name, case.draw(n, r["seed"]), samples, r["seed"]) for r in good] if samples else []
    failed = f" ({len(records) - len(good)} could not be fitted)" if len(good) < len(records) else ""
    lines = []
    for k, (query, truth) in enumerate(case.truths.items()):
        # A bar would end the cell of the table.
        shown = "`" + query.replace("|", "\\|") + "`"
        ends = np.array([r["answers"][k]["interval"] for r in good])
        rate = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        error = np.sqrt(LEVEL * (1 - LEVEL) / len(good))
        width = np.mean(ends[:, 1] - ends[:, 0])
        means = np.array([r["answers"][k]["mean"] for r in good])
        other = ""
        if plug_in:
            rival = np.array([p[:, k] for p in plug_in])
            tails = np.quantile(rival, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
            held = np.mean((tails[0] <= truth) & (truth <= tails[1]))
            other = f" {held:.1%} | {width / np.mean(tails[1] - tails[0]):.2f} |"
        verdict = "TOO SHORT" if rate < LEVEL - SHORT * error else ""
        lines.append(
            f"| {case.name} | {shown} | {truth:.4f} | {len(good)}{failed} | {means.mean() - truth:+.4f} | {rate:.1%} "
            f"| {np.sqrt(rate * (1 - rate) / len(good)):.1%} | {width:.3f} |{other} {verdict}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"any of {', '.join(COVERED)}; all by default")
    parser.add_argument("--datasets", type=int, default=400)
    parser.add_argument("--n", type=int, default=100, help="rows of each data set")
    parser.add_argument("--batch", type=int, default=20, help="data sets that are fitted in one call")
    parser.add_argument("--bootstraps", type=int, default=200, help="of the plug-in; 0 leaves it out")
    parser.add_argument("--fits", type=Path, help="a folder that keeps the fits, and gives those that it has")
    parser.add_argument("--output", type=Path, required=True, help="one line of JSON per data set, as they come")
    options = parser.parse_args()
    if unknown := set(options.studies) - COVERED.keys():
        parser.error(f"no study is called {sorted(unknown)[0]!r}; there are {', '.join(COVERED)}")
    if options.fits is not None:
        options.fits.mkdir(parents=True, exist_ok=True)
    kept = options.output.read_text(encoding="utf8").splitlines() if options.output.exists() else []
    records = [json.loads(line) for line in kept]
    chosen = [COVERED[name] for name in options.studies or COVERED]
    for case in chosen:
        done = {r["seed"] for r in records if r["study"] == case.name}
        left = [seed for seed in range(options.datasets) if seed not in done]
        for first in range(0, len(left), options.batch):
            batch = left[first : first + options.batch]
            begun = time.perf_counter()
            for seed, posterior in fits_of(case, batch, options.n, options.fits):
                records.append(record(case, seed, posterior))
                with options.output.open("a", encoding="utf8") as file:
                    file.write(json.dumps(records[-1]) + "\n")
            print(f"{case.name}: {batch[-1] + 1} data sets; {time.perf_counter() - begun:.0f} s", flush=True)
    print(
        "\n| study | question | truth | data sets | bias | covered | its SE | width | plug-in covers | width / its width |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for case in chosen:
        mine = [r for r in records if r["study"] == case.name and r["seed"] < options.datasets]
        print(table(case, mine, options.n, options.bootstraps), flush=True)


if __name__ == "__main__":
    main()

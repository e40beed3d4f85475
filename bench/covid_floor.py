"""Errors of the default fit on the Covid study over many simulated data sets, beside what no inference could do better.

Run: `python bench/covid_floor.py --datasets 100 --n 100`. The floor of a data set is the answer of one who knows everything but
the last equation: the true law of IL6_AMP under the intervention, with Cytokine given IL6_AMP fitted to the same rows under
the same priors (by quadrature, without latentdo). Differences are paired: same rows, fit against floor.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cases import COVID, Rows
from cases.case import sigmoid
from cases.covid import draw

import latentdo as ld

ARMS = {"E[Cytokine | do(sIL6R=20)]": {"sIL6R": 20.0}, "E[Cytokine | do(EGFR=20)]": {"EGFR": 20.0}}
SIMULATED = 400_000
GRID = 2000


def true_levels(do: dict[str, float]) -> np.ndarray:
    """IL6_AMP under an intervention: equally spaced quantiles of a large simulation of the true process."""
    return np.quantile(draw(SIMULATED, 10**6, do)["IL6_AMP"], (np.arange(GRID) + 0.5) / GRID)


def last_equation(rows: Rows, points: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The posterior of Cytokine's intercept and weight, raw units, as points with weights.

    The default priors: intercept normal(0, 3) at the mean of IL6_AMP, weight half-normal(2) per sd.
    """
    x, y = rows["IL6_AMP"], rows["Cytokine"]
    z = (x - x.mean()) / x.std(ddof=1)
    intercept, weight = np.meshgrid(np.linspace(-5, 4, 2 * points), np.linspace(0, 7, 2 * points), indexing="ij")
    eta = intercept[..., None] + weight[..., None] * z
    log = (y * eta - np.logaddexp(0, eta)).sum(-1) - 0.5 * (intercept / 3) ** 2 - 0.5 * (weight / 2) ** 2
    mass = np.exp(log - log.max())
    slope = weight / x.std(ddof=1)
    keep = mass > 1e-9
    return (intercept - slope * x.mean())[keep], slope[keep], (mass / mass.sum())[keep]


def floors(rows: Rows, levels: dict[str, np.ndarray]) -> dict[str, tuple[float, float, float]]:
    """The posterior mean of each answer when all but the last equation is known, and its 90 % interval."""
    intercept, slope, mass = last_equation(rows)
    found = {}
    for query, amounts in levels.items():
        answers = sigmoid(intercept[:, None] + slope[:, None] * amounts[None, ::10]).mean(axis=1)
        order = np.argsort(answers)
        low, high = np.interp((0.05, 0.95), np.cumsum(mass[order]), answers[order])
        found[query] = (float(mass @ answers), float(low), float(high))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=20)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--first", type=int, default=100, help="seed of the first data set")
    parser.add_argument("--minutes", type=float, default=math.inf, help="start no data set after this")
    parser.add_argument("--json", type=Path, help="a file for the results of each data set; those that it has are kept")
    options = parser.parse_args()
    levels = {query: true_levels(do) for query, do in ARMS.items()}
    model = ld.model(COVID.model)
    done = json.loads(options.json.read_text(encoding="utf8")) if options.json and options.json.exists() else {}
    begun = time.perf_counter()
    for seed in range(options.first, options.first + options.datasets):
        key = f"{options.n} {seed}"
        if key in done or time.perf_counter() - begun > 60 * options.minutes:
            continue
        rows = draw(options.n, seed)
        since = time.perf_counter()
        posterior = ld.fit(model, rows, seed=seed, progress=False)
        answers = ld.ask(posterior, *ARMS, seed=seed)
        seconds, floor = time.perf_counter() - since, floors(rows, levels)
        done[key] = {
            "seconds": seconds,
            "converged": posterior.converged,
            "doubt": posterior.doubt,
            "floor": {query: found[0] for query, found in floor.items()},
            "floor_interval": {query: found[1:] for query, found in floor.items()},
            "fit": {query: a.mean for query, a in zip(ARMS, answers, strict=True)},
            "interval": {query: a.interval(0.9) for query, a in zip(ARMS, answers, strict=True)},
            "rhat": {query: a.rhat for query, a in zip(ARMS, answers, strict=True)},
            "ess": {query: a.ess for query, a in zip(ARMS, answers, strict=True)},
            "mean": float(rows["Cytokine"].mean()),
        }
        if options.json:
            options.json.write_text(json.dumps(done) + "\n", encoding="utf8")
    records = [record for key, record in done.items() if key.startswith(f"{options.n} ")]
    report(options.n, records)


class Errors(NamedTuple):
    """Errors of one question over data sets.

    Attributes:
        fit, floor, naive: Estimate less truth: of the fit, of one who knows all but the last equation, of the column's mean.
        covers, floor_covers: How many 90 % intervals hold the truth: of the fit, of the floor.
        sure: How many answers have R-hat <= 1.01 and ESS >= 400.
    """

    fit: np.ndarray
    floor: np.ndarray
    naive: np.ndarray
    covers: int
    floor_covers: int
    sure: int

    @property
    def more(self) -> np.ndarray:
        """How much farther off the fit is than the floor, data set by data set."""
        return abs(self.fit) - abs(self.floor)


def errors(query: str, records: list[dict]) -> Errors:
    """The errors of a question over stored data sets."""
    truth = COVID.truths[query]
    assert truth is not None
    fit, floor = (np.array([record[kind][query] for record in records]) - truth for kind in ("fit", "floor"))
    naive = np.array([record["mean"] for record in records]) - truth
    covers, floor_covers = (
        sum(record[kind][query][0] <= truth <= record[kind][query][1] for record in records)
        for kind in ("interval", "floor_interval")
    )
    sure = sum((record["rhat"][query] or 1.0) <= 1.01 and record["ess"][query] >= 400 for record in records)
    return Errors(fit, floor, naive, covers, floor_covers, sure)


def report(n: int, records: list[dict]) -> None:
    """Medians, means and paired differences with their standard errors."""
    k = len(records)
    seconds = [record["seconds"] for record in records]
    print(
        f"covid, n = {n}, {k} data sets: {np.median(seconds):.1f} s for fit and answers (median), "
        f"{sum(record['converged'] for record in records)} fits converged"
    )
    print(
        f"  {'query':<30}{'median |error|':>15}{'floor':>8}{'mean(Cytokine)':>16}{'mean |error| less floor (SE)':>31}"
        f"{'bias (SE)':>18}{'90 % covers':>13}{'floor':>8}{'R-hat <= 1.01, ESS >= 400':>27}"
    )
    for query in ARMS:
        e = errors(query, records)
        error = (lambda values: values.std(ddof=1) / math.sqrt(k)) if k > 1 else (lambda values: math.nan)
        print(
            f"  {query:<30}{np.median(abs(e.fit)):>15.4f}{np.median(abs(e.floor)):>8.4f}{np.median(abs(e.naive)):>16.4f}"
            f"{f'{e.more.mean():+.4f} ({error(e.more):.4f})':>31}{f'{e.fit.mean():+.4f} ({error(e.fit):.4f})':>18}"
            f"{f'{e.covers}/{k}':>13}{f'{e.floor_covers}/{k}':>8}{f'{e.sure}/{k}':>27}"
        )


if __name__ == "__main__":
    main()

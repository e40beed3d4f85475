"""A million rows of mixed columns by minibatches: how long, how much memory, and how far from the truth.

Run with `python bench/minibatch.py`, or one: `python bench/minibatch.py "front door" -n 100000 --guide amortised`. Every fit is
a process of its own, whose time is taken from outside and whose memory is the most that it held, the rows themselves, Python
and JAX included. Truths are integrals over the model that made the rows, by quadrature. The weights of these models are hardly
pinned down even by a million rows, their questions are.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A model, rows of it, and questions with their true answers."""

    model: str
    rows: Callable[[int, np.random.Generator], Columns]
    truths: dict[str, float]


def share(eta: np.ndarray) -> np.ndarray:
    """The probability of 1 at a logit."""
    return 1.0 / (1.0 + np.exp(-eta))


def front_door_rows(n: int, random: np.random.Generator) -> Columns:
    """A binary treatment, a gamma mediator, a normal outcome: Y = 1 + 0.5 M + U + e."""
    u = random.normal(size=n)
    x = (random.uniform(size=n) < share(1.5 * u)) * 1.0
    m = random.gamma(3.0, np.exp(0.5 + 0.7 * x) / 3.0)
    return {"X": x, "M": m, "Y": 1.0 + 0.5 * m + u + random.normal(0.0, 0.5, n)}


def pathway_rows(n: int, random: np.random.Generator) -> Columns:
    """As in the signaling study a latent drives both ends of a chain of saturating nodes; the last is binary."""
    u = random.normal(size=n)
    x = 100.0 * share(0.8 * u) + random.normal(0.0, 5.0, n)
    m = 100.0 * share(0.04 * (x - 50.0)) + random.normal(0.0, 8.0, n)
    r = random.gamma(4.0, np.exp(0.5 + 0.02 * (m - 50.0)) / 4.0)
    return {"X": x, "M": m, "R": r, "Y": (random.uniform(size=n) < share(0.6 * (r - 2.0) + u)) * 1.0}


def pathway_truth(x: float) -> float:
    """P(Y = 1 | do(X = x)), over the noise of M and R and over the latent."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    m = 100.0 * share(np.array(0.04 * (x - 50.0))) + 8.0 * points
    quantiles = (np.arange(4_000) + 0.5) / 4_000
    from scipy.stats import gamma

    r = np.exp(0.5 + 0.02 * (m[:, None] - 50.0)) * gamma(4.0, scale=0.25).ppf(quantiles)
    found = share(0.6 * (r[..., None] - 2.0) + points) @ weights
    return float(weights @ found.mean(axis=1))


CASES = {
    "front door": Case(
        "latent U ~ normal; X ~ bernoulli(U); M ~ gamma(X); Y ~ normal(M, U)",
        front_door_rows,
        {"E[Y | do(X=1)] - E[Y | do(X=0)]": 0.5 * (np.exp(1.2) - np.exp(0.5)), "E[Y | do(X=1)]": 1 + 0.5 * np.exp(1.2)},
    ),
    "pathway": Case(
        "latent U ~ normal; X ~ hill(U); M ~ hill(X); R ~ gamma(M); Y ~ bernoulli(R, U)",
        pathway_rows,
        {
            "P(Y = 1 | do(X=80)) - P(Y = 1 | do(X=20))": pathway_truth(80.0) - pathway_truth(20.0),
            "P(Y = 1 | do(X=80))": pathway_truth(80.0),
        },
    ),
}


def main() -> None:
    """One process per case, and a line per question."""
    parser = argparse.ArgumentParser(description="A million rows of mixed columns by minibatches.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("-n", type=int, default=1_000_000, help="rows")
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--guide", default="full-rank")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where the numbers are kept")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(fitted(given.inside, given)))
        return
    kept = {}
    for name in given.cases or CASES:
        with tempfile.TemporaryDirectory() as folder:
            kept[name] = outside(name, folder)
        report(name, given.n, kept[name])
    if given.json:
        given.json.write_text(json.dumps(kept, indent=1))


def outside(name: str, cache: str) -> dict:
    """What a process of its own says of one case, with an empty compilation cache; and its time from outside."""
    begun = time.perf_counter()
    command = [sys.executable, __file__, *sys.argv[1:], "--inside", name]
    told = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "LATENTDO_CACHE": cache}
    ).stdout
    return {**json.loads(told), "process_seconds": time.perf_counter() - begun}


def fitted(name: str, given: argparse.Namespace) -> dict:
    """Fit and ask, in this process."""
    case = CASES[name]
    rows = case.rows(given.n, np.random.default_rng([given.seed, given.n]))
    import latentdo as ld

    engine = ld.Svi(steps=given.steps, guide=given.guide, batch=given.batch)
    begun, worked = time.perf_counter(), time.process_time()
    posterior = ld.fit(ld.model(case.model), rows, engine, seed=given.seed, progress=False)
    fit_seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - worked
    answers: list[Any] = [ld.ask(posterior, query) for query in case.truths]
    return {
        "fit_seconds": fit_seconds,
        "cpu_seconds": cpu_seconds,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "plan": posterior.plan,
        "answers": [
            {"query": query, "truth": float(truth), "mean": answer.mean, "sd": answer.sd}
            for (query, truth), answer in zip(case.truths.items(), answers, strict=True)
        ],
    }


def report(name: str, n: int, found: dict) -> None:
    """The case in words."""
    print(
        f"{name}, {n:,} rows: {found['process_seconds']:.0f} s for the whole process, {found['fit_seconds']:.0f} s for the fit "
        f"({found['cpu_seconds']:.0f} s of processor time), {found['peak_gib']:.2f} GiB at most"
    )
    for answer in found["answers"]:
        error = answer["mean"] - answer["truth"]
        print(
            f"  {answer['query']}: {answer['mean']:.5f} (sd {answer['sd']:.5f}), truth {answer['truth']:.5f}: "
            f"error {error:+.5f}, {error / answer['sd']:+.1f} sd"
        )
    print(*(f"  {line}" for line in found["plan"].splitlines()), sep="\n")


if __name__ == "__main__":
    main()

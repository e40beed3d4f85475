"""How far the answers are from known truths over simulated data sets, how often the intervals cover, and how long it took.

Run with `make bench`, or one study: `python bench/accuracy.py signaling --datasets 10 --n 100 [--engine nuts]`.
Studies: signaling (the pathway's own simulator), napkin and front-door (exact truths), evidence (a conditional query in
closed form). Numbers are over fresh data sets; the standard error of a coverage over 20 of them is about 7 points.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import latentdo as ld

Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A model, a way to make data, and questions with their exact answers."""

    model: str
    rows: Callable[[int, int], Rows]
    truths: tuple[tuple[str, float], ...]


def signaling_rows(n: int, seed: int) -> Rows:
    """Cells from the simulator."""
    return ld.simulate("signaling", n=n, seed=1000 + seed)


def napkin_rows(n: int, seed: int) -> Rows:
    """U, V hidden; W gamma, R and Y normal, X bernoulli."""
    r = np.random.default_rng([seed, 2])
    u, v = r.normal(size=n), r.normal(1.0, 1.0, n)
    w = r.gamma(6.0, np.exp(0.2 + 0.4 * u + 0.5 * v) / 6.0)
    cause = 0.5 + 0.8 * w + r.normal(0.0, 0.7, n)
    x = (r.uniform(size=n) < 1.0 / (1.0 + np.exp(1.7 - cause - 1.2 * u))).astype(float)
    return {"W": w, "R": cause, "X": x, "Y": 0.2 + 1.5 * x + 1.5 * v + r.normal(size=n)}


def front_door_rows(n: int, seed: int) -> Rows:
    """X = U + e, M = 0.8 X + e, Y = 0.9 M + U + e, all standard normal noise."""
    r = np.random.default_rng([seed, 3])
    u = r.normal(size=n)
    x = u + r.normal(size=n)
    m = 0.8 * x + r.normal(size=n)
    return {"X": x, "M": m, "Y": 0.9 * m + u + r.normal(size=n)}


def evidence_rows(n: int, seed: int) -> Rows:
    """The front door with a child of Y: Z = 0.7 Y + e."""
    rows = front_door_rows(n, seed)
    noise = np.random.default_rng([seed, 4]).normal(size=n)
    return {**rows, "Z": 0.7 * rows["Y"] + noise}


def evidence_truth(x: float, z: float) -> float:
    """E[Y | do(X=x), Z=z]: given do(X=x), Y ~ Normal(0.72 x, 0.81 + 1 + 1) and Z = 0.7 Y + Normal(0, 1)."""
    mean, variance = 0.72 * x, 0.81 + 2.0
    return mean + variance * 0.7 / (0.49 * variance + 1.0) * (z - 0.7 * mean)


SIGNALING = (Path(__file__).parent.parent / "examples" / "signaling.py").read_text(encoding="utf8").split('"""')[3]
FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
CASES = {
    # The estimand's own value at SOS = 20 is 88.5: snapshots do not tell what holding SOS there would do (87.66).
    "signaling": Case(SIGNALING, signaling_rows, (("E[Erk | do(SOS=70)]", 88.862), ("E[Erk | do(SOS=20)]", 88.5))),
    "napkin": Case(
        "latent U, V ~ normal; W ~ gamma(U, V); R ~ normal(W); X ~ bernoulli(R, U); Y ~ normal(X, V)",
        napkin_rows,
        (("E[Y | do(X=0)]", 1.7), ("E[Y | do(X=1)]", 3.2), ("E[Y | do(X=1)] - E[Y | do(X=0)]", 1.5)),
    ),
    "front-door": Case(
        FRONT_DOOR, front_door_rows, (("E[Y | do(X=1)]", 0.72), ("E[Y | do(X=1)] - E[Y | do(X=0)]", 0.72))
    ),
    "evidence": Case(
        FRONT_DOOR + "; Z ~ normal(Y)",
        evidence_rows,
        (("E[Y | do(X=1), Z=2]", evidence_truth(1.0, 2.0)), ("E[Y | do(X=-1), Z=0.5]", evidence_truth(-1.0, 0.5))),
    ),
}


def run(name: str, case: Case, datasets: int, n: int, engine: object) -> None:
    """Fit every data set, ask, and print one table."""
    model = ld.model(case.model)
    records = []
    for seed in range(datasets):
        begun = time.perf_counter()
        posterior = ld.fit(model, case.rows(n, seed), engine, seed=seed, progress=False)
        fitted = time.perf_counter() - begun
        answers = ld.ask(posterior, *(query for query, _ in case.truths), seed=seed)
        worst = max((d.rhat for d in posterior.parameter_diagnostics if d.rhat is not None), default=np.nan)
        compiling = max(block.compile_seconds for block in posterior.blocks)
        records.append((answers, fitted, compiling, worst, posterior.converged, time.perf_counter() - begun - fitted))
        print(f"  {name} {seed}: {fitted:.1f} s, converged {posterior.converged}", flush=True)
    seconds, compiling, worst, converged, asking = (
        np.array([record[k] for record in records]) for k in (1, 2, 3, 4, 5)
    )
    print(f"{name}, n = {n}, {datasets} data sets")
    print(
        f"  seconds per fit: first {seconds[0]:.1f} (of which {compiling[0]:.1f} to the first step of the slowest block), "
        f"median of the others {np.median(seconds[1:] if datasets > 1 else seconds):.1f}; asking {np.median(asking):.1f}"
    )
    print(
        f"  converged: {int(converged.sum())} of {datasets}; worst parameter R-hat: median {np.median(worst):.3f}, "
        f"max {worst.max():.3f}"
    )
    print(
        f"  {'query':<34}{'truth':>9}{'median error':>14}{'RMSE':>8}{'bias (SE)':>17}{'90 % covers':>13}"
        f"{'max R-hat':>11}{'min ESS':>9}"
    )
    for k, (query, truth) in enumerate(case.truths):
        found = [record[0][k] for record in records]
        error = np.array([answer.mean - truth for answer in found])
        worst_asked = max(
            (answer.rhat for answer in found if answer.rhat is not None), default=np.nan
        )  # none: no chains
        covers = sum(answer.interval(0.9)[0] <= truth <= answer.interval(0.9)[1] for answer in found)
        bias = (
            f"{error.mean():.3f} ({error.std(ddof=1) / np.sqrt(datasets):.3f})" if datasets > 1 else f"{error[0]:.3f}"
        )
        print(
            f"  {query:<34}{truth:>9.3f}{np.median(abs(error)):>14.3f}{np.sqrt((error**2).mean()):>8.3f}{bias:>17}"
            f"{f'{covers} of {datasets}':>13}{worst_asked:>11.3f}{min(a.ess for a in found):>9.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"any of {', '.join(CASES)}; all by default")
    parser.add_argument("--datasets", type=int, default=10)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--engine", choices=("auto", "nuts"), default="auto")
    options = parser.parse_args()
    if unknown := set(options.studies) - CASES.keys():
        parser.error(f"no study is called {sorted(unknown)[0]!r}; there are {', '.join(CASES)}")
    engine = ld.Auto() if options.engine == "auto" else ld.Nuts()
    for name in options.studies or CASES:
        run(name, CASES[name], options.datasets, options.n, engine)


if __name__ == "__main__":
    main()

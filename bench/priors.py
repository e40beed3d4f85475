"""What the default priors do: bias, and how many 90 % intervals hold the truth, where default priors are known to pull.

Run with `python bench/priors.py suppression rare` or `python bench/priors.py tables --networks FOLDER`. The folder holds
`sachs.bif.gz` and `child.bif.gz` of the bnlearn repository, which the wheel of pgmpy 0.1.26 has in `pgmpy/utils/example_models`.
*as before* are the priors of the first version: weights normal(0, t) per sd of the parent alone, Dirichlet(1, …, 1) for every row
of a table. Standard errors are over data sets.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from networks import Network
from scipy.special import expit

import latentdo as ld

LEVEL = 0.9
Z = 1.6449
HIDDEN = {"sachs": ("PKA", "Plcg"), "child": ("HypoxiaInO2", "LungParench")}
"""Nodes that are hidden: with two or more effects each, and questions that stay identified."""
PAIRS = 20
"""Pairs of treatment and outcome that are asked about."""


class Result(NamedTuple):
    """What one data set gave for one question."""

    case: str
    method: str
    data_set: int
    truth: float
    mean: float
    low: float
    high: float


def of_answer(case: str, method: str, data_set: int, truth: float, answer: ld.Answer) -> Result:
    low, high = answer.interval(LEVEL)
    return Result(case, method, data_set, truth, answer.mean, low, high)


def least_squares(columns: np.ndarray, y: np.ndarray, effect: np.ndarray) -> tuple[float, float, float]:
    """An effect of the coefficients (intercept first) by least squares with the usual interval."""
    x = np.column_stack([np.ones(len(y)), columns])
    best, *_ = np.linalg.lstsq(x, y, rcond=None)
    variance = np.sum((y - x @ best) ** 2) / (len(y) - x.shape[1])
    error = np.sqrt(variance * effect @ np.linalg.inv(x.T @ x) @ effect)
    mean = float(effect @ best)
    return mean, mean - Z * error, mean + Z * error


def suppression(n_sets: int) -> Iterator[Result]:
    """Two nearly collinear parents whose effects cancel: x = r z + √(1 - r²) e, y = 5x - 5z + e."""
    model = "Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)"
    query = "E[Y | do(X=1)] - E[Y | do(X=0)]"
    for correlation in (0.95, 0.99):
        for n in (30, 100):
            for k in range(n_sets):
                random = np.random.default_rng([k, n])
                z = random.standard_normal(n)
                x = correlation * z + np.sqrt(1 - correlation**2) * random.standard_normal(n)
                y = 5 * x - 5 * z + random.standard_normal(n)
                case, data = f"normal, correlation {correlation:g}, n = {n}", {"Z": z, "X": x, "Y": y}
                yield of_answer(case, "latentdo", k, 5.0, asked(model, data, query))
                yield of_answer(case, "as before", k, 5.0, asked(before(model, data, "Y", y.std(ddof=1)), data, query))
                yield Result(case, "least squares", k, 5.0, *least_squares(np.stack([x, z], 1), y, np.array([0, 1, 0])))


def rare(n_sets: int) -> Iterator[Result]:
    """A parent that is 1 in 2 of 100 rows, beside a common cause."""
    w = np.random.default_rng(0).standard_normal(1_000_000)
    for n in (100, 500):
        for k in range(n_sets):
            for outcome in ("bernoulli", "normal"):
                columns = _rare_rows(n, k, outcome)
                eta = -0.5 + 1.0 + 0.5 * w
                truth = float(expit(eta).mean() if outcome == "bernoulli" else eta.mean())
                model = f"W ~ normal; X ~ bernoulli(W); Y ~ {outcome}(X, W)"
                query = "P(Y=1 | do(X=1))" if outcome == "bernoulli" else "E[Y | do(X=1)]"
                case, t = f"{outcome}, 2 % ones, n = {n}", 2.0 if outcome == "bernoulli" else columns["Y"].std(ddof=1)
                yield of_answer(case, "latentdo", k, truth, asked(model, columns, query))
                yield of_answer(case, "as before", k, truth, asked(before(model, columns, "Y", t), columns, query))
                x = np.stack([columns["X"], columns["W"]], 1)
                effect = np.array([1.0, 1.0, columns["W"].mean()])
                yield Result(case, "least squares", k, truth, *least_squares(x, columns["Y"], effect))


def _rare_rows(n: int, seed: int, outcome: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng([seed, n, 7])
    while True:
        w = random.standard_normal(n)
        x = (random.uniform(size=n) < expit(-3.95 + 0.3 * w)).astype(float)
        eta = -0.5 + x + 0.5 * w
        y = (random.uniform(size=n) < expit(eta)) if outcome == "bernoulli" else eta + random.standard_normal(n)
        if 0 < x.sum() < n:
            return {"W": w, "X": x, "Y": y.astype(float)}


def before(model: str, data: dict[str, np.ndarray], node: str, t: float) -> str:
    """The study with the weights of a node per sd of each parent alone."""
    parents = [name for name in data if name != node]
    lines = [f'  "{parent} -> {node}": normal(0, {t / data[parent].std(ddof=1):.6g})' for parent in parents]
    return "\n".join([f"model: {model}", "priors:", *lines])


def asked(model: str, data: dict[str, np.ndarray], query: str) -> ld.Answer:
    study = ld.load_study(model) if model.startswith("model:") else ld.model(model)
    return ld.ask(ld.fit(study, data, seed=0, progress=False), query, seed=0)


def tables(
    n_sets: int, folder: Path, name: str, sizes: list[int], hidden: tuple[str, ...], old: bool
) -> Iterator[Result]:
    """Effects in a network of tables, contrasts and probabilities."""
    network = Network.read(folder / f"{name}.bif.gz")
    graph = ld.model(network.model(hidden)).graph
    pairs = [(x, y) for y in network.tables for x in sorted(network.ancestors(y)) if not {x, y} & {*hidden}]
    np.random.default_rng(0).shuffle(pairs)
    pairs = [(x, y) for x, y in pairs if not hidden or ld.identify(graph, f"P({y} | do({x}))").identified][:PAIRS]
    questions: dict[str, float] = {}
    for x, y in pairs:
        law = network.law(y, x)
        last = len(law) - 1
        for k in range(law.shape[1]):
            chance = f"P({y}={k} | do({x}={last}))"
            questions[chance] = law[-1, k]
            questions[f"{chance} - P({y}={k} | do({x}=0))"] = law[-1, k] - law[0, k]
    for n in sizes:
        case = f"{name}, n = {n}" + (f", {' and '.join(hidden)} hidden" if hidden else "")
        for seed in range(n_sets):
            columns = network.simulate(n, np.random.default_rng(1000 + seed))
            data = {node: column.astype(float) for node, column in columns.items() if node not in hidden}
            for method, options in (("latentdo", ""), ("as before", ", concentration=1"))[: 1 + old]:
                try:
                    posterior = ld.fit(
                        ld.model(network.model(hidden, options)), data, seed=0, progress=False, check=False
                    )
                except ld.LatentdoError as error:
                    print(f"{case}, data set {seed}: {error}")
                    continue
                print(
                    f"{case}, data set {seed}, {method}: {posterior.seconds:.0f} s, {posterior.doubt or 'converged'}",
                    flush=True,
                )
                for answer, truth in zip(ld.ask(posterior, *questions, seed=0), questions.values(), strict=True):
                    leans = any("has no row of data" in warning for warning in answer.warnings)
                    yield of_answer(case, method, seed, truth, answer)
                    yield of_answer(f"{case}: {'' if leans else 'not '}cautioned", method, seed, truth, answer)


def printed(results: list[Result]) -> str:
    """A table: bias, root mean square error, width and coverage with standard errors over data sets."""
    lines = [
        "| case | method | data sets | bias (SE) | RMSE | mean width | 90 % intervals that hold the truth (SE) |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for case, method in dict.fromkeys((result.case, result.method) for result in results):
        own = [result for result in results if (result.case, result.method) == (case, method)]
        sets = sorted({result.data_set for result in own})
        errors = [np.mean([r.mean - r.truth for r in own if r.data_set == k]) for k in sets]
        held = [np.mean([r.low - 1e-9 <= r.truth <= r.high + 1e-9 for r in own if r.data_set == k]) for k in sets]
        root = np.sqrt(np.mean([(r.mean - r.truth) ** 2 for r in own]))
        width = np.mean([r.high - r.low for r in own])
        by = np.sqrt(max(len(sets) - 1, 1))
        lines.append(
            f"| {case} | {method} | {len(sets)} | {np.mean(errors):+.4f} ({np.std(errors) / by:.4f}) | {root:.4f} | "
            f"{width:.4f} | {100 * np.mean(held):.1f} % ({100 * np.std(held) / by:.1f}) |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=["suppression", "rare", "tables"])
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--networks", type=Path, help="the folder of the networks")
    parser.add_argument("--network", nargs="+", default=list(HIDDEN))
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--hidden", action="store_true", help="with two nodes hidden")
    parser.add_argument("--alone", action="store_true", help="without the priors of the first version")
    given = parser.parse_args()
    results: list[Result] = []
    if "suppression" in given.parts:
        results += suppression(given.datasets)
    if "rare" in given.parts:
        results += rare(given.datasets)
    if "tables" in given.parts:
        for name in given.network:
            hidden = HIDDEN[name] if given.hidden else ()
            for n in given.rows:
                results += tables(given.datasets, given.networks, name, [n], hidden, not given.alone)
                print(printed(results), flush=True)
    print(printed(results))


if __name__ == "__main__":
    main()

"""Bias and coverage of every rival on four graphs whose effects are known, with right and with wrong nuisance models.

Run with `python bench/rivals.py --output FILE`, or some graphs: `python bench/rivals.py napkin --output FILE`. A run that is cut
off goes on where it was; with more `--datasets` it adds to what it has. A model is wrong where it does not see a column that it
should: which ones is printed above each table.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

import latentdo as ld
from latentdo.estimators import Models, Options, estimates
from latentdo.query import Query

LEVEL = 0.9
Columns = dict[str, np.ndarray]
Seen = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rivalry:
    """A graph with a known effect.

    Attributes:
        graph: The graph.
        query: The question.
        truth: Its answer.
        draw: Rows from (n, generator).
        wrong: By name, which columns the models of some nodes see.
    """

    graph: str
    query: str
    truth: float
    draw: Callable[[int, np.random.Generator], Columns]
    wrong: Mapping[str, Seen]


def coin(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One with these probabilities."""
    return (rng.random(len(p)) < p).astype(float)


def back_door(n: int, rng: np.random.Generator) -> Columns:
    """A measured confounder that also changes the effect, and a cause of the treatment alone; the effect is 1."""
    z, w, noise = rng.normal(size=(3, n))
    t = coin(expit(z + 0.5 * w), rng)
    return {"W": w, "Z": z, "T": t, "Y": 1 + t * (1 + 0.5 * z) + z + noise}


def front_door(n: int, rng: np.random.Generator) -> Columns:
    """A binary mediator, a measured and a hidden confounder."""
    c, u, noise = rng.normal(size=(3, n))
    t = coin(expit(0.5 * c + u), rng)
    m = coin(expit(-1 + 2 * t + 0.8 * c), rng)
    return {"C": c, "T": t, "M": m, "Y": 1 + 1.5 * m + 0.7 * c + 1.2 * u + noise}


def primal(n: int, rng: np.random.Generator) -> Columns:
    """Treatment, a later cause and the outcome share hidden causes in a chain."""
    c, u, v, e, f, noise = rng.normal(size=(6, n))
    t = coin(expit(0.5 * c + u), rng)
    r = t + e
    p = 0.7 * r + u + v + f
    q = coin(expit(p), rng)
    return {"C": c, "T": t, "R": r, "P": p, "Q": q, "Y": 0.5 * r + q + 0.5 * c + v + noise}


def napkin(n: int, rng: np.random.Generator) -> Columns:
    """The napkin with two values for each column."""
    u, v = coin(np.full(n, 0.5), rng), coin(np.full(n, 0.5), rng)
    w = coin(expit(-1.5 + 2 * u + 2 * v), rng)
    r = coin(expit(-1 + 2 * w), rng)
    x = coin(expit(-2 + 2 * r + 2 * u), rng)
    return {"W": w, "R": r, "X": x, "Y": coin(expit(-1.5 + x + 2.5 * v), rng)}


def normal_mean(function: Callable[[np.ndarray], np.ndarray], mean: float, sd: float) -> float:
    """The mean of a function of a normal number."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(weights @ function(mean + sd * nodes) / weights.sum())


CONTRAST = "E[Y | do(T=1)] - E[Y | do(T=0)]"
RIVALRIES: dict[str, Rivalry] = {
    "back-door": Rivalry(
        "W -> T; Z -> T -> Y; Z -> Y",
        CONTRAST,
        1.0,
        back_door,
        {"T wrong": {"T": ()}, "Y wrong": {"Y": ("T",)}, "both wrong": {"T": (), "Y": ("T",)}},
    ),
    "front-door": Rivalry(
        "C -> T; C -> M; C -> Y; T -> M -> Y; T <-> Y",
        CONTRAST,
        1.5 * (normal_mean(expit, 1, 0.8) - normal_mean(expit, -1, 0.8)),
        front_door,
        {
            "M wrong": {"M": ("T",)},
            "L wrong": {"T": (), "Y": ("M",)},
            "both wrong": {"M": ("T",), "T": (), "Y": ("M",)},
        },
    ),
    "p-fixable": Rivalry(
        "C -> T; C -> Y; T -> R; R -> P; P -> Q; Q -> Y; R -> Y; T <-> P; P <-> Y",
        CONTRAST,
        0.5 + normal_mean(expit, 0.7, float(np.sqrt(3.49))) - normal_mean(expit, 0, float(np.sqrt(3.49))),
        primal,
        {
            "M wrong": {"R": (), "Q": ()},
            "L wrong": {"T": (), "P": ("R",), "Y": ("Q",)},
            "both wrong": {"R": (), "Q": (), "T": (), "P": ("R",), "Y": ("Q",)},
        },
    ),
    "napkin": Rivalry(
        "W -> R -> X -> Y; W <-> X; W <-> Y",
        "E[Y | do(X=1)]",
        float(expit(-0.5) + expit(2)) / 2,
        napkin,
        {"R wrong": {"R": ()}, "X and Y wrong": {"X": ("R",), "Y": ("X",)}},
    ),
}


def record(name: str, label: str, seed: int, n: int, replicates: int) -> dict[str, Any]:
    """What every method says of one data set: estimate, standard error, interval."""
    rivalry = RIVALRIES[name]
    seen = rivalry.wrong.get(label, {})
    rows = estimates(
        ld.graph(rivalry.graph),
        rivalry.draw(n, np.random.default_rng([seed, n])),
        Query.parse(rivalry.query),
        options=Options(models=Models(seen=seen), level=LEVEL, replicates=replicates),
        seed=seed,
    )
    found = {row.method: [row.estimate, row.sd, row.lower, row.upper, row.seconds] for row in rows if row.applies}
    return {"graph": name, "models": label, "seed": seed, "n": n, "rows": found}


def table(name: str, label: str, records: list[dict[str, Any]]) -> str:
    """One line per method: bias with its standard error, sd, mean standard error, coverage."""
    rivalry = RIVALRIES[name]
    seen = {node: list(columns) for node, columns in rivalry.wrong.get(label, {}).items()}
    told = "; ".join(f"{node} sees {', '.join(columns) or 'nothing'}" for node, columns in seen.items())
    lines = [
        f"\n{name}, {label}{f' ({told})' if told else ''}; truth {rivalry.truth:.4f}; {len(records)} data sets",
        "| method | bias | its SE | sd | standard error | covered | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    methods = [] if not records else list(records[0]["rows"])
    # The baselines' own models are not what is wrong.
    for method in [method for method in methods if not (seen and method.startswith("naive"))]:
        own = np.array([r["rows"][method] for r in records], dtype=float)
        error = own[:, 0] - rivalry.truth
        covered = ((own[:, 2] <= rivalry.truth) & (rivalry.truth <= own[:, 3])).mean()
        lines.append(
            f"| {method} | {error.mean():+.3f} | {error.std() / np.sqrt(len(error)):.3f} | {error.std():.3f} | "
            f"{np.median(own[:, 1]):.3f} | {covered:.3f} | {own[:, 4].mean():.2f} |"
        )
    return "\n".join(lines)


def summary(name: str, records: list[dict[str, Any]]) -> str:
    """One line per method, one column per set of models: bias, and how often the interval holds the truth."""
    rivalry = RIVALRIES[name]
    labels = ["all right", *rivalry.wrong]
    lines = [f"\n| {name} | {' | '.join(labels)} |", f"| --- |{' ---: |' * len(labels)}"]
    first = next(r for r in records if r["models"] == "all right")
    for method in first["rows"]:
        cells: list[str] = []
        for label in labels:
            own = np.array([r["rows"][method] for r in records if r["models"] == label], dtype=float)
            covered = ((own[:, 2] <= rivalry.truth) & (rivalry.truth <= own[:, 3])).mean()
            baseline = method.startswith("naive") and label != "all right"
            cells.append("" if baseline else f"{own[:, 0].mean() - rivalry.truth:+.3f} ({100 * covered:.0f} %)")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("graphs", nargs="*", metavar="GRAPH", help=f"any of {', '.join(RIVALRIES)}; all by default")
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--n", type=int, default=1000, help="rows of each data set")
    parser.add_argument("--replicates", type=int, default=200, help="of each bootstrap")
    parser.add_argument("--output", type=Path, help="one line of JSON per data set, as they come")
    options = parser.parse_args()
    if unknown := set(options.graphs) - RIVALRIES.keys():
        parser.error(f"no graph is called {sorted(unknown)[0]!r}; there are {', '.join(RIVALRIES)}")
    path: Path | None = options.output
    records = [json.loads(line) for line in path.read_text("utf8").splitlines()] if path and path.exists() else []
    done = {(r["graph"], r["models"], r["seed"], r["n"]) for r in records}
    for name in options.graphs or RIVALRIES:
        for label in ("all right", *RIVALRIES[name].wrong):
            begun = time.perf_counter()
            for seed in range(options.datasets):
                if (name, label, seed, options.n) not in done:
                    records.append(record(name, label, seed, options.n, options.replicates))
                    if path:
                        with path.open("a", encoding="utf8") as file:
                            file.write(json.dumps(records[-1]) + "\n")
            own = [r for r in records if (r["graph"], r["models"], r["n"]) == (name, label, options.n)]
            print(table(name, label, own), flush=True)
            print(f"{time.perf_counter() - begun:.0f} s", flush=True)
        print(summary(name, [r for r in records if (r["graph"], r["n"]) == (name, options.n)]), flush=True)


if __name__ == "__main__":
    main()

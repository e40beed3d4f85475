"""What the graph's formula gives for the signaling study with very many rows: the answer that snapshots of cells can give.

Run: `python bench/snapshots.py [--cells 200000] [--seed 77]` (the cells take minutes). Rows are snapshots of fluctuating
cells, so that the formula's value is not the mean of Erk with SOS held. Two ways to compute it: each protein given its parents
a sigmoid with normal noise, simulated in turn; and the front door through Ras with linear regressions. The standard error is
that over twenty parts of the cells.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import least_squares

from latentdo.simulators import STUDIES, simulate

HELD = (20.0, 30.0, 46.0, 60.0, 70.0, 90.0)
CHAIN = {
    "Ras": ("SOS",),
    "PI3K": ("Ras", "SOS"),
    "AKT": ("PI3K",),
    "Raf": ("Ras", "AKT"),
    "Mek": ("Raf",),
    "Erk": ("Mek",),
}
SIMULATED = 400_000
PARTS = 20

Cells = Mapping[str, np.ndarray]
Law = tuple[Callable[..., np.ndarray], float]


def hill(z: np.ndarray) -> np.ndarray:
    """100 times the sigmoid."""
    return 50.0 * (1.0 + np.tanh(0.5 * z))


def regression(outcome: np.ndarray, causes: list[np.ndarray]) -> Law:
    """The sigmoid of weighted causes that is closest to an outcome by least squares, and the spread around it."""
    centres = [cause.mean() for cause in causes]
    design = np.column_stack([np.ones(len(outcome)), *((c - m) / 10 for c, m in zip(causes, centres, strict=True))])
    start = np.zeros(design.shape[1])
    start[0] = math.log(outcome.mean() / (100 - outcome.mean()))
    found = least_squares(lambda b: hill(design @ b) - outcome, start, method="lm").x

    def mean(*values: np.ndarray) -> np.ndarray:
        return hill(found[0] + sum(b * (v - m) / 10 for b, v, m in zip(found[1:], values, centres, strict=True)))

    return mean, float((outcome - hill(design @ found)).std())


def chain(cells: Cells, held: float) -> float:
    """The mean of Erk along the chain with Ras given the held SOS, PI3K given an SOS drawn as it was seen."""
    random = np.random.default_rng(5)
    laws = {node: regression(cells[node], [cells[cause] for cause in causes]) for node, causes in CHAIN.items()}
    drawn = {"SOS": random.choice(cells["SOS"], SIMULATED)}
    for node, causes in CHAIN.items():
        mean, sd = laws[node]
        given = [np.full(SIMULATED, held)] if node == "Ras" else [drawn[cause] for cause in causes]
        drawn[node] = mean(*given) + sd * random.normal(size=SIMULATED)
    return float(drawn["Erk"].mean())


def linear(cells: Cells, held: float) -> float:
    """The front door through Ras with linear regressions."""
    slope, intercept = np.polyfit(cells["SOS"], cells["Ras"], 1)
    design = np.column_stack([np.ones(len(cells["SOS"])), cells["Ras"], cells["SOS"]])
    a, b, c = np.linalg.lstsq(design, cells["Erk"], rcond=None)[0]
    return float(a + b * (intercept + slope * held) + c * cells["SOS"].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=77)
    options = parser.parse_args()
    cells = {name: np.asarray(v, float) for name, v in simulate("signaling", options.cells, seed=options.seed).items()}
    true = {value.query: value for value in STUDIES["signaling"].population}
    print(f"{'SOS':>5}{'chain':>10}{'SE':>8}{'linear':>10}{'SOS held':>10}")
    for held in HELD:
        parts = [chain({name: values[k::PARTS] for name, values in cells.items()}, held) for k in range(PARTS)]
        error = np.std(parts, ddof=1) / math.sqrt(PARTS)
        truth = true[f"E[Erk | do(SOS={held:g})]"].value
        print(
            f"{held:>5g}{chain(cells, held):>10.3f}{error:>8.3f}{linear(cells, held):>10.3f}{truth:>10.3f}", flush=True
        )


if __name__ == "__main__":
    main()

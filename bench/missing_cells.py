"""Bias and coverage where cells are missing: averaged over, left out, and beside the table without holes.

`python bench/missing_cells.py --sets 100 --output FILE` writes a line per data set and cell; `--report FILE` prints the table.
Cells are missing at random: of the mediator and the confounder the more often the larger the outcome is, of the outcome the more
often the larger the treatment is. "By itself": the more often the larger the cell itself is, which no method here can mend.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

import latentdo as ld

MODELS = {
    "normal": "C ~ normal; X ~ normal(C); M ~ normal(X); Y ~ normal(M, C)",
    "binary": "C ~ normal; X ~ normal(C); M ~ bernoulli(X); Y ~ normal(M, C)",
}
TRUTH = {"normal": 0.7, "binary": 2.0 * (1.0 / (1.0 + np.exp(-1.2)) - 0.5)}
QUERY = "E[Y | do(X=1)] - E[Y | do(X=0)]"
CELLS = (("normal", "M"), ("normal", "Y"), ("normal", "C"), ("binary", "M"))
DRIVERS = {"M": "Y", "Y": "X", "C": "Y"}
ROWS, STEEPNESS, LEVEL = 300, 2.0, 0.9

Table = dict[str, np.ndarray]


def table(kind: str, seed: int) -> Table:
    """Rows of a confounded chain without holes."""
    random = np.random.default_rng(seed)
    c = random.normal(size=ROWS)
    x = 0.8 * c + 0.6 * random.normal(size=ROWS)
    if kind == "normal":
        m = 0.7 * x + 0.7 * random.normal(size=ROWS)
    else:
        m = 1.0 * (random.random(ROWS) < 1.0 / (1.0 + np.exp(-1.2 * x)))
    y = (1.0 if kind == "normal" else 2.0) * m + 0.8 * c + 0.7 * random.normal(size=ROWS)
    return {"C": c, "X": x, "M": m, "Y": y}


def with_holes(rows: Table, name: str, driver: str, share: float, seed: int) -> Table:
    """The rows with a share of the cells of one column missing, the more often the larger another column is."""
    z = (rows[driver] - rows[driver].mean()) / rows[driver].std()
    low, high = -12.0, 12.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        found = (1.0 / (1.0 + np.exp(-STEEPNESS * z - middle))).mean()
        low, high = (middle, high) if found < share else (low, middle)
    gone = np.random.default_rng([seed, 9]).random(ROWS) < 1.0 / (1.0 + np.exp(-STEEPNESS * z - low))
    return {**rows, name: np.where(gone, np.nan, rows[name])}


def measured(
    kind: str, name: str, share: float, seed: int, *, own: bool, engine: ld.Auto | ld.Laplace
) -> dict[str, list[float]]:
    """Error, sd, and whether the interval holds the truth, by what was done about the holes."""
    whole = table(kind, seed)
    holes = with_holes(whole, name, name if own else DRIVERS[name], share, seed)
    found = {}
    for how in ("latent", "drop", "full"):
        rows, missing = (whole, None) if how == "full" else (holes, how)
        posterior = ld.fit(MODELS[kind], rows, engine, seed=seed, check=False, missing=missing)
        answer = ld.ask(posterior, QUERY, seed=seed)
        low, high = answer.interval(LEVEL)
        found[how] = [answer.mean - TRUTH[kind], answer.sd, float(low <= TRUTH[kind] <= high)]
    return found


def report(path: Path) -> None:
    """Print bias with its standard error, the mean sd and the coverage of each cell."""
    cells = defaultdict(list)
    for line in path.read_text().splitlines():
        kind, name, share, _, own, found = json.loads(line)
        for how, numbers in found.items():
            cells[kind, name, share, own, how].append(numbers)
    for (kind, name, share, own, how), numbers in sorted(cells.items()):
        error, sd, held = np.array(numbers)[:, :3].T
        of_bias = error.std(ddof=1) / np.sqrt(len(error)) if len(error) > 1 else float("nan")
        where = f"{kind} {name} {100 * share:.0f} %{' by itself' if own else ''}"
        numbers_shown = f"bias {error.mean():+.3f} ({of_bias:.3f}) sd {sd.mean():.3f} coverage {held.mean():.2f}"
        print(f"{where:26} {how:7} n={len(error):3} {numbers_shown}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--output", type=Path, default=Path("missing_cells.jsonl"))
    parser.add_argument("--laplace", action="store_true", help="quick: Laplace's approximation in place of Auto")
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    if given.report is not None:
        report(given.report)
        return
    engine = ld.Laplace(draws=400) if given.laplace else ld.Auto()
    with given.output.open("a") as file:
        for seed in range(given.sets):
            for kind, name in CELLS:
                for share, own in ((0.1, False), (0.3, False), (0.3, True)):
                    found = measured(kind, name, share, seed, own=own, engine=engine)
                    file.write(json.dumps([kind, name, share, seed, own, found]) + "\n")
                    file.flush()


if __name__ == "__main__":
    main()

"""How often a comparison says that methods differ: where all are right, where the graph leaves out an edge, and at a threshold.

    python comparisons.py [DATA SETS]

The rivals alone, on tables of 500 rows.
"""

from __future__ import annotations

import sys

import numpy as np

import latentdo as ld

N = 500
FRONT = "X -> M -> Y; X <-> Y"
BACK = "Z -> X -> Y; Z -> Y"
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"


def logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def front_door(rng: np.random.Generator, *, direct: float = 0.0) -> dict[str, np.ndarray]:
    """All of two levels but the outcome; with `direct` an edge X -> Y that the graph leaves out."""
    u = rng.normal(size=N)
    x = (rng.random(N) < logistic(1.5 * u)).astype(int)
    m = (rng.random(N) < logistic(-1 + 2 * x)).astype(int)
    return {"X": x, "M": m, "Y": 1.5 * m + direct * x + 1.2 * u + rng.normal(size=N)}


def numbers(rng: np.random.Generator, *, threshold: bool = False) -> dict[str, np.ndarray]:
    """A front door whose mediator is a number, in the outcome by a straight line or by a step."""
    u = rng.normal(size=N)
    x = (rng.random(N) < logistic(1.5 * u)).astype(int)
    m = 0.8 * x + rng.normal(size=N)
    return {"X": x, "M": m, "Y": (3.0 * (m > 1.5) if threshold else m) + 1.2 * u + rng.normal(size=N)}


def back_door(rng: np.random.Generator, *, bend: float = 0.0) -> dict[str, np.ndarray]:
    """A confounder that is measured; with `bend` the outcome and the treatment bend in it."""
    z = rng.normal(size=N)
    x = (rng.random(N) < logistic(z)).astype(int)
    return {"Z": z, "X": x, "Y": x + z + bend * np.maximum(z, 0) ** 2 + rng.normal(size=N)}


CASES = {
    "front door, right": (FRONT, front_door, {}),
    "front door of numbers, right": (FRONT, numbers, {}),
    "back door, right": (BACK, back_door, {}),
    "edge left out": (FRONT, front_door, {"direct": 2.0}),
    "weak edge left out": (FRONT, front_door, {"direct": 0.7}),
    "threshold mediator": (FRONT, numbers, {"threshold": True}),
    "back door, bend": (BACK, back_door, {"bend": 1.0}),
}


def main(count: int) -> None:
    for name, (graph, simulate, options) in CASES.items():
        said = 0
        sides: dict[str, int] = {}
        for k in range(count):
            rows = simulate(np.random.default_rng(5_000 + k), **options)
            found = ld.compare(ld.graph(graph), rows, EFFECT, seed=k)
            said += bool(found.differences)
            for difference in found.differences:
                words = " | ".join(", ".join(side.methods) for side in difference.sides)
                sides[words] = sides.get(words, 0) + 1
        share = said / count
        usual = max(sides, key=lambda words: sides[words]) if sides else ""
        print(f"{name:30s} said in {share:.3f} (se {np.sqrt(share * (1 - share) / count):.3f}) {usual}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)

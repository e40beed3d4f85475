"""How far off `lvm, corrected` is, and how often its interval holds the truth, beside `lvm` and the doubly robust rival.

    python corrected.py [DATA SETS [CASE …]]

The model of the outcome is right or leaves out a product, with those of treatment and mediator right; or the model of the
mediator leaves out a product, with those of treatment and outcome right.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import latentdo as ld

N = 300
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
BACK = "Z ~ table; W ~ table; X ~ table(Z, W); Y ~ normal(X, Z, W)"
FRONT = "latent U ~ normal; X ~ bernoulli(U); M ~ bernoulli(X); Y ~ normal(M, U)"
BETWEEN = """latent U ~ normal; Z ~ table; W ~ table
X ~ bernoulli(Z, W, Z:W, U); M ~ bernoulli(X, Z, W); Y ~ normal(M, Z, W, U)"""
Rows = dict[str, np.ndarray]


def logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def back_door(rng: np.random.Generator, product: float) -> Rows:
    """Two confounders; E[Y | do(X=x)] moves by 1, whatever their product does to Y."""
    z, w = rng.integers(0, 2, (2, N))
    x = (rng.random(N) < np.array([0.1, 0.2, 0.3, 0.8])[2 * z + w]).astype(int)
    return {"Z": z, "W": w, "X": x, "Y": x + z + 0.5 * w + product * z * w + rng.normal(size=N)}


def front_door(rng: np.random.Generator, product: float) -> Rows:
    """Y given what X and M are, with a product of M and the hidden cause; the effect is 1.5 (s(1) - s(-1)) at 0 of both."""
    u = rng.normal(size=N)
    x = (rng.random(N) < logistic(1.5 * u)).astype(int)
    m = (rng.random(N) < logistic(-1 + 2 * x)).astype(int)
    return {"X": x, "M": m, "Y": 1.5 * m + (1.2 + product * m) * u + rng.normal(size=N)}


def mediator(x: np.ndarray | int, z: np.ndarray, w: np.ndarray, product: float) -> np.ndarray:
    return logistic(0.5 + 1.5 * x + product * z * w)


def front_door_among(rng: np.random.Generator, product: float) -> Rows:
    """A front door with two causes of all three, whose product moves the treatment, and the mediator too."""
    z, w = rng.integers(0, 2, (2, N))
    u = rng.normal(size=N)
    x = (rng.random(N) < logistic(-1.5 + 3.5 * z * w + u)).astype(int)
    m = (rng.random(N) < mediator(x, z, w, product)).astype(int)
    return {"Z": z, "W": w, "X": x, "M": m, "Y": 1.5 * m + z + 0.5 * w + 1.2 * u + rng.normal(size=N)}


def effect_among(product: float) -> float:
    """Its effect: over the four equally likely cells of its causes."""
    z, w = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    return float(1.5 * (mediator(1, z, w, product) - mediator(0, z, w, product)).mean())


@dataclass(frozen=True)
class Case:
    model: str
    simulate: Callable[[np.random.Generator, float], Rows]
    option: float
    truth: float
    rival: str


S = float(logistic(np.array(1.0)) - logistic(np.array(-1.0)))
CASES = {
    "back door, right": Case(BACK, back_door, 0.0, 1.0, "aipw"),
    "back door, outcome wrong": Case(BACK, back_door, 2.0, 1.0, "aipw"),
    "front door, right": Case(FRONT, front_door, 0.0, 1.5 * S, "apipw"),
    "front door, outcome wrong": Case(FRONT, front_door, 2.0, 1.5 * S, "apipw"),
    "front door with causes, right": Case(BETWEEN, front_door_among, 0.0, effect_among(0.0), "apipw"),
    "front door, mediator wrong": Case(BETWEEN, front_door_among, -4.0, effect_among(-4.0), "apipw"),
}


@dataclass
class Tally:
    errors: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)

    def __str__(self) -> str:
        errors, n = np.array(self.errors), len(self.errors)
        share = float(np.mean(self.held))
        return (
            f"bias {errors.mean():+.3f} ({errors.std() / n**0.5:.3f})  rms error {np.sqrt((errors**2).mean()):.3f}  "
            f"90 % interval holds {share:.3f} ({np.sqrt(share * (1 - share) / n):.3f})  width {np.mean(self.widths):.3f}  n {n}"
        )


def main(count: int, names: list[str]) -> None:
    for name in names or CASES:
        case = CASES[name]
        tallies: dict[str, Tally] = {}
        for k in range(count):
            rows = case.simulate(np.random.default_rng(9_000 + k), case.option)
            posterior = ld.fit(ld.model(case.model), rows, seed=k, progress=False, check=False)
            found = ld.compare(posterior, EFFECT, seed=k, methods=["lvm", "lvm, corrected", case.rival], progress=False)
            for row in found:
                if row.estimate is None or row.lower is None or row.upper is None:
                    continue
                tally = tallies.setdefault(row.method, Tally())
                tally.errors.append(row.estimate - case.truth)
                tally.widths.append(row.upper - row.lower)
                tally.held.append(row.lower <= case.truth <= row.upper)
            if k % 20 == 19 or k == count - 1:
                for method, tally in tallies.items():
                    print(f"{name:28s} {method:15s} {tally}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, sys.argv[2:])

"""What rows of experiments are worth: error and coverage with them and without; whether one that contradicts the graph is said.

    python experiments.py [DATA SETS [CASE …]]

`knock-out`: the effect of the gene needs rows in which its regulator was set. `front door`: observation identifies the effect;
rows in which the treatment was set make the answer narrower. `moves others`: the experiment also moves the outcome past the
mediator, which the graph denies, and `moves a cause` one of the outcome's causes that is no effect of the treatment.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import latentdo as ld

OBSERVED, SET = 200, 100
KNOCK_OUT = """
latent Batch, Stress ~ normal
R ~ bernoulli(Batch, Stress)
G ~ normal(R, Batch)
Y ~ normal(G, Stress)
"""
FRONT = "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ normal(M, U)"
BACK = "C ~ normal; X ~ bernoulli(C); Y ~ normal(X, C)"
Rows = dict[str, np.ndarray]


def knock_out(rng: np.random.Generator, n: int, arm: np.ndarray | None, leak: float) -> Rows:
    """The built-in study `knockout`: E[Y | do(G)] rises by .5 for 1. There is no leak to choose."""
    batch, stress = rng.normal(size=(2, n))
    chance = 1 / (1 + np.exp(-0.4 - 1.2 * batch - 1.2 * stress))
    r = 1.0 * (rng.random(n) < chance) if arm is None else 0.0 * arm
    g = -0.5 + 3.0 * r + 0.9 * batch + 0.7 * rng.normal(size=n)
    return {"R": r, "G": g, "Y": 1.0 + 0.5 * g - 1.5 * stress + 0.6 * rng.normal(size=n)}


def front_door(rng: np.random.Generator, n: int, arm: np.ndarray | None, leak: float) -> Rows:
    """E[Y | do(X)] moves by .8 x .9; where X is set by hand, the hand may move Y as well."""
    u = rng.normal(size=n)
    x = 1.0 * (rng.random(n) < 1 / (1 + np.exp(-1.5 * u))) if arm is None else arm
    m = 0.8 * x + 0.6 * rng.normal(size=n)
    by_hand = 0.0 if arm is None else leak
    return {"X": x, "M": m, "Y": 0.9 * m + 0.8 * u + by_hand + 0.6 * rng.normal(size=n)}


def confounded(rng: np.random.Generator, n: int, arm: np.ndarray | None, leak: float) -> Rows:
    """E[Y | do(X)] moves by .8; where X is set by hand, the hand may move the confounder as well."""
    c = rng.normal(size=n) + (0.0 if arm is None else leak)
    x = 1.0 * (rng.random(n) < 1 / (1 + np.exp(-1.5 * c))) if arm is None else arm
    return {"C": c, "X": x, "Y": 0.8 * x + 0.9 * c + 0.6 * rng.normal(size=n)}


@dataclass(frozen=True)
class Case:
    model: str
    simulate: Callable[[np.random.Generator, int, np.ndarray | None, float], Rows]
    treatment: str
    query: str
    truth: float
    leak: float = 0.0
    alone: bool = True


CASES = {
    "knock-out": Case(KNOCK_OUT, knock_out, "R", "E[Y | do(G=3)] - E[Y | do(G=0)]", 1.5, alone=False),
    "front door": Case(FRONT, front_door, "X", "E[Y | do(X=1)] - E[Y | do(X=0)]", 0.72),
    "moves others": Case(FRONT, front_door, "X", "E[Y | do(X=1)] - E[Y | do(X=0)]", 0.72, leak=1.0, alone=False),
    "moves a cause": Case(BACK, confounded, "X", "E[Y | do(X=1)] - E[Y | do(X=0)]", 0.8, leak=0.7, alone=False),
    "moves nothing": Case(BACK, confounded, "X", "E[Y | do(X=1)] - E[Y | do(X=0)]", 0.8, alone=False),
}


@dataclass
class Tally:
    errors: list[float] = field(default_factory=list)
    sds: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)

    def add(self, answer: ld.Answer, truth: float) -> None:
        low, high = answer.interval(0.9)
        self.errors.append(answer.mean - truth)
        self.sds.append(answer.sd)
        self.held.append(bool(low <= truth <= high))
        self.words[str(answer.fit.word)] += 1

    def __str__(self) -> str:
        errors, n = np.array(self.errors), len(self.errors)
        share = float(np.mean(self.held))
        said = ", ".join(f"{word} {count}" for word, count in self.words.most_common())
        return (
            f"bias {errors.mean():+.3f} ({errors.std(ddof=1) / n**0.5:.3f})  sd {np.mean(self.sds):.3f}  "
            f"90 % interval holds {share:.2f} ({np.sqrt(share * (1 - share) / n):.2f})  n {n}  check: {said}"
        )


def main(count: int, names: list[str]) -> None:
    for name in names or CASES:
        case = CASES[name]
        tallies = {"both": Tally()} | ({"observation alone": Tally()} if case.alone else {})
        for k in range(count):
            rng = np.random.default_rng(7_000 + k)
            observed = case.simulate(rng, OBSERVED, None, case.leak)
            arm = 1.0 * (np.arange(SET) % 2)
            by_hand = ld.experiment(case.simulate(rng, SET, arm, case.leak), do=[case.treatment])
            for kind, tally in tallies.items():
                table = [observed, by_hand] if kind == "both" else observed
                posterior = ld.fit(ld.model(case.model), table, seed=k, progress=False)
                tally.add(ld.ask(posterior, case.query, seed=k), case.truth)
        for kind, tally in tallies.items():
            print(f"{name:14s} {kind:18s} {tally}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2:])

"""The few models that tests really train, each once per test run, shared between worker processes as saved fits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import latentdo as ld

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
NAPKIN = "latent U, V ~ normal; W ~ gamma(U, V); R ~ normal(W); X ~ bernoulli(R, U); Y ~ normal(X, V)"


def front_door_rows(n: int = 200, seed: int = 5) -> dict[str, np.ndarray]:
    """X = U + e, M = 0.8 X + e, Y = 0.9 M + U + e; E[Y | do(X=x)] = 0.72 x."""
    random = np.random.default_rng(seed)
    u = random.normal(size=n)
    x = u + random.normal(size=n)
    m = 0.8 * x + random.normal(size=n)
    return {"X": x, "M": m, "Y": 0.9 * m + u + random.normal(size=n)}


def napkin_rows(n: int = 60, seed: int = 5) -> dict[str, np.ndarray]:
    """The napkin with a gamma, two normal and a binary node; E[Y | do(X=x)] = 1.7 + 1.5 x."""
    random = np.random.default_rng(seed)
    u, v = random.normal(size=n), random.normal(1.0, 1.0, n)
    w = random.gamma(6.0, np.exp(0.2 + 0.4 * u + 0.5 * v) / 6.0)
    r = 0.5 + 0.8 * w + random.normal(0.0, 0.7, n)
    x = (random.uniform(size=n) < 1.0 / (1.0 + np.exp(1.7 - r - 1.2 * u))).astype(float)
    return {"W": w, "R": r, "X": x, "Y": 0.2 + 1.5 * x + 1.5 * v + random.normal(size=n)}


MAKERS: dict[str, Callable[[], ld.Posterior]] = {
    "front door": lambda: ld.fit(ld.model(FRONT_DOOR), front_door_rows(), seed=0, progress=False),
    "napkin": lambda: ld.fit(ld.model(NAPKIN), napkin_rows(), seed=0, progress=False),
}


def saved(name: str, folder: Path) -> Path:
    """The file of a shared fit, trained by whichever worker comes first."""
    path = folder / f"{name.replace(' ', '-')}.ldo"
    claim = path.with_suffix(".claim")
    try:
        os.close(os.open(claim, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        deadline = time.monotonic() + 300
        while not path.exists():
            assert time.monotonic() < deadline, f"the worker that trains {name} left no fit"
            time.sleep(0.2)
        return path
    return MAKERS[name]().save(path, data=True)

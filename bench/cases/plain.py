"""Small problems whose planner methods the four studies do not use."""

from __future__ import annotations

import numpy as np

from .case import Case, Rows


def linear(n: int, seed: int) -> Rows:
    """X = U + e, M = 0.8 X + e, Y = 0.9 M + U + e, all standard normal noise."""
    random = np.random.default_rng([seed, 3])
    u = random.normal(size=n)
    x = u + random.normal(size=n)
    m = 0.8 * x + random.normal(size=n)
    return {"X": x, "M": m, "Y": 0.9 * m + u + random.normal(size=n)}


FRONT_DOOR = Case(
    "frontdoor",
    "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)",
    linear,
    {"E[Y | do(X=1)]": 0.72, "E[Y | do(X=1)] - E[Y | do(X=0)]": 0.72},
    (100,),
)


def classes(n: int, seed: int) -> Rows:
    """Half of the rows are of a hidden class that is behind all but M; Y = M + 1.2 C + e."""
    random = np.random.default_rng([seed, 4])
    c = (random.uniform(size=n) < 0.5).astype(float)
    a = (random.uniform(size=n) < np.where(c > 0, 0.85, 0.15)).astype(float)
    b = 1.5 * c + random.normal(size=n)
    x = (random.uniform(size=n) < np.where(c > 0, 0.75, 0.25)).astype(float)
    m = (random.uniform(size=n) < np.where(x > 0, 0.8, 0.2)).astype(float)
    return {"A": a, "B": b, "X": x, "M": m, "Y": m + 1.2 * c + random.normal(size=n)}


LATENT_CLASS = Case(
    "latentclass",
    "latent C ~ bernoulli; A ~ bernoulli(C); B ~ normal(C); X ~ bernoulli(C); M ~ bernoulli(X); Y ~ normal(M, C)",
    classes,
    {"E[Y | do(M=1)]": 1.6, "E[Y | do(M=1)] - E[Y | do(M=0)]": 1.0},
    (100,),
)


def tables(n: int, seed: int) -> Rows:
    """Three binary nodes: B depends on A, D on both."""
    random = np.random.default_rng([seed, 5])
    a = (random.uniform(size=n) < 0.4).astype(float)
    b = (random.uniform(size=n) < 0.3 + 0.4 * a).astype(float)
    return {"A": a, "B": b, "D": (random.uniform(size=n) < 0.1 + 0.3 * a + 0.4 * b).astype(float)}


NETWORK = Case(
    "network",
    "A ~ table; B ~ table(A); D ~ table(A, B)",
    tables,
    {"E[D | do(B=1)]": 0.62, "E[D | do(B=1)] - E[D | do(B=0)]": 0.4},
    (100,),
)

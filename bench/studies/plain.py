"""Small problems whose planner methods the four studies do not use."""

from __future__ import annotations

import numpy as np

from .case import Case, Rows


def draw(n: int, seed: int) -> Rows:
    """X = U + e, M = 0.8 X + e, Y = 0.9 M + U + e, all standard normal noise."""
    random = np.random.default_rng([seed, 3])
    u = random.normal(size=n)
    x = u + random.normal(size=n)
    m = 0.8 * x + random.normal(size=n)
    return {"X": x, "M": m, "Y": 0.9 * m + u + random.normal(size=n)}


FRONT_DOOR = Case(
    "frontdoor",
    "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)",
    draw,
    {"E[Y | do(X=1)]": 0.72, "E[Y | do(X=1)] - E[Y | do(X=0)]": 0.72},
    (100,),
)

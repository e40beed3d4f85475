"""The napkin with a gamma, two normal and a binary node: W -> R -> X -> Y, U behind W and X, V behind W and Y."""

from __future__ import annotations

import numpy as np

from .case import Case, Rows, sigmoid

MODEL = """\
latent U, V ~ normal
W ~ gamma(U, V)
R ~ normal(W)
X ~ bernoulli(R, U)
Y ~ normal(X, V)
"""


def draw(n: int, seed: int) -> Rows:
    """Rows of the true process."""
    random = np.random.default_rng([seed, 2])
    u, v = random.normal(size=n), random.normal(1.0, 1.0, n)
    w = random.gamma(6.0, np.exp(0.2 + 0.4 * u + 0.5 * v) / 6.0)
    r = 0.5 + 0.8 * w + random.normal(0.0, 0.7, n)
    x = (random.uniform(size=n) < sigmoid(-1.7 + r + 1.2 * u)).astype(float)
    return {"W": w, "R": r, "X": x, "Y": 0.2 + 1.5 * x + 1.5 * v + random.normal(size=n)}


NAPKIN = Case(
    "napkin",
    MODEL,
    draw,
    {
        "E[Y | do(X=0)]": 1.7,
        "E[Y | do(X=1)]": 3.2,
        "E[Y | do(X=1)] - E[Y | do(X=0)]": 1.5,
        "E[Y | do(X=0)] - E[Y]": 1.7 - 2.562,
    },
    (60, 100),
)

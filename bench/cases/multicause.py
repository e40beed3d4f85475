"""Five binary causes of one mediator, three hidden causes behind them and the outcome.

Source:
    Taheri, Ness, Zucker & Vitek (arXiv 2102.06626), first study; the numbers are those of its code.
"""

from __future__ import annotations

import numpy as np

from .case import Case, Rows, sigmoid

MODEL = """\
latent U1, U2, U3 ~ normal
X1, X2, X3, X4, X5 ~ bernoulli(U1, U2, U3)
M ~ bernoulli(X1, X2, X3, X4, X5)
Y ~ bernoulli(M, U1, U2, U3)
"""

# Rows: X1 to X5. Columns: intercept, then the weights of U1, U2, U3.
CAUSES = np.array(
    [
        [2.00, 0.23, 0.33, 0.12],
        [1.59, 0.23, 0.34, 0.15],
        [1.52, 0.21, 0.32, 0.13],
        [1.49, 0.24, 0.35, 0.16],
        [1.38, 0.28, 0.38, 0.10],
    ]
)
MEDIATOR = np.array([0.36, 0.12, 0.10, 0.11, 0.26])


def draw(n: int, seed: int) -> Rows:
    """Rows of the true process."""
    random = np.random.default_rng([seed, 5])
    u = random.normal(size=(n, 3)) * (10.0, 8.0, 7.0) + (-8.0, 6.0, -5.0)
    x = (random.uniform(size=(n, 5)) < sigmoid(CAUSES[:, 0] + u @ CAUSES[:, 1:].T)).astype(float)
    m = (random.uniform(size=n) < sigmoid(-1.4 + x @ MEDIATOR)).astype(float)
    y = (random.uniform(size=n) < sigmoid(-1.1 + 0.26 * m + u @ (0.22, 0.15, 0.11))).astype(float)
    return {**{f"X{j + 1}": x[:, j] for j in range(5)}, "M": m, "Y": y}


def set_all(value: int) -> str:
    """All five causes set to one value."""
    return "do(" + ", ".join(f"X{j}={value}" for j in range(1, 6)) + ")"


MULTICAUSE = Case(
    "multicause",
    MODEL,
    draw,
    # From 4 000 000 draws: standard error 0.0002.
    {
        f"E[Y | {set_all(0)}]": 0.2179,
        f"E[Y | {set_all(1)}]": 0.2226,
        f"E[Y | {set_all(0)}] - E[Y]": 0.2179 - 0.2220,
    },
    (60, 100),
)

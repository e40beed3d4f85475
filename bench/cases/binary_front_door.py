"""The front door of binary nodes with a binary hidden cause, its true answers by enumeration."""

from __future__ import annotations

import itertools

import numpy as np

from .case import Case, Rows, sigmoid

MODEL = "latent U ~ bernoulli; X ~ bernoulli(U); M ~ bernoulli(X); Y ~ bernoulli(M, U)"


def chance_of_m(x: np.ndarray | float) -> np.ndarray:
    """P(M=1 | x)."""
    return sigmoid(-1.4 + 2.8 * np.asarray(x))


def chance_of_y(m: np.ndarray | float, u: np.ndarray | float) -> np.ndarray:
    """P(Y=1 | m, u)."""
    return sigmoid(-1.5 + 1.6 * np.asarray(m) + 1.4 * np.asarray(u))


def draw(n: int, seed: int) -> Rows:
    """Rows of the true process: half of the units have the hidden cause."""
    random = np.random.default_rng([seed, 7])
    u, *uniform = random.uniform(size=(4, n))
    u = (u < 0.5).astype(float)
    x = (uniform[0] < sigmoid(-1.0 + 2.0 * u)).astype(float)
    m = (uniform[1] < chance_of_m(x)).astype(float)
    return {"X": x, "M": m, "Y": (uniform[2] < chance_of_y(m, u)).astype(float)}


def truth(x: float) -> float:
    """E[Y | do(X=x)]: the sum over the hidden cause and M."""
    cells = itertools.product((0.0, 1.0), repeat=2)
    return float(sum(0.5 * (m * chance_of_m(x) + (1 - m) * (1 - chance_of_m(x))) * chance_of_y(m, u) for m, u in cells))


BINARY_FRONT_DOOR = Case(
    "frontdoor-binary",
    MODEL,
    draw,
    {
        "E[Y | do(X=0)]": truth(0),
        "E[Y | do(X=1)]": truth(1),
        "E[Y | do(X=1)] - E[Y | do(X=0)]": truth(1) - truth(0),
    },
    (100,),
)

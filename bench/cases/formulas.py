"""The studies' formulas with linear and logistic regressions in them, and their bootstrap: what intervals are set beside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .case import Rows, sigmoid

PRIOR_SD = 10.0
"""Of every logistic coefficient, so that a separated bootstrap sample has a finite fit: its posterior mode is taken."""
NEWTON_STEPS = 30


def linear(features: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Least squares, (sample, feature): `features` (unit, feature), `counts` (sample, unit) how often each unit counts."""
    gram = np.einsum("bn,ni,nj->bij", counts, features, features, optimize=True)
    return np.linalg.solve(gram, ((counts * target) @ features)[..., None])[..., 0]


def logistic(features: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Posterior modes of logistic regressions, shapes as for `linear`, by Newton steps that are halved where they climb."""
    width = features.shape[1]
    weights = np.zeros((len(counts), width))
    ridge = np.eye(width) / PRIOR_SD**2

    def loss(weights: np.ndarray) -> np.ndarray:
        z = weights @ features.T
        return (counts * (np.logaddexp(0.0, z) - target * z)).sum(axis=1) + 0.5 * (weights**2).sum(axis=1) / PRIOR_SD**2

    for _ in range(NEWTON_STEPS):
        chance = sigmoid(weights @ features.T)
        gradient = (counts * (chance - target)) @ features + weights / PRIOR_SD**2
        curvature = (
            np.einsum("bn,ni,nj->bij", counts * chance * (1 - chance), features, features, optimize=True) + ridge
        )
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        size, before = np.ones(len(counts)), loss(weights)
        for _ in range(20):
            worse = loss(weights - size[:, None] * step) > before + 1e-9
            if not worse.any():
                break
            size = np.where(worse, size / 2, size)
        weights = weights - size[:, None] * step
    return weights


def columns(*values: np.ndarray | float) -> np.ndarray:
    """A matrix of features, an intercept first."""
    return np.stack(np.broadcast_arrays(1.0, *values), axis=-1)


def linear_front_door(rows: Rows, counts: np.ndarray) -> np.ndarray:
    """E[Y | do(X=1)] and the contrast with X=0, (sample, question)."""
    x, m, y = rows["X"], rows["M"], rows["Y"]
    a, b = linear(columns(x), m, counts).T
    c, d, e = linear(columns(m, x), y, counts).T
    seen = (counts * x).sum(axis=1) / counts.sum(axis=1)
    return np.stack([c + d * (a + b) + e * seen, d * b], axis=-1)


def binary_front_door(causes: np.ndarray, m: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """E[Y | do(all causes 0)], E[Y | do(all causes 1)] and their contrast; `causes` (unit, cause)."""
    of_m = logistic(columns(*causes.T), m, counts)
    of_y = logistic(columns(m, *causes.T), y, counts)
    # P(Y=1 | m, the causes that each unit had), averaged over units: (sample,) for m = 0 and 1.
    means = [
        (counts * sigmoid(of_y @ columns(np.full_like(m, value), *causes.T).T)).sum(axis=1) / counts.sum(axis=1)
        for value in (0.0, 1.0)
    ]
    chances = [sigmoid(of_m[:, 0] + value * of_m[:, 1:].sum(axis=1)) for value in (0.0, 1.0)]
    low, high = (means[0] + chance * (means[1] - means[0]) for chance in chances)
    return np.stack([low, high, high - low], axis=-1)


def napkin(rows: Rows, counts: np.ndarray) -> np.ndarray:
    """E[Y | do(X=0)], E[Y | do(X=1)], their contrast, and the first less E[Y]; the formula taken at the mean of R.

    Source:
        Pearl & Mackenzie (2018), The Book of Why, chapter 7: sum_w P(y, x | r, w) P(w) / sum_w P(x | r, w) P(w), for any r.
    """
    w, r, x, y = (rows[name] for name in "WRXY")
    of_x = logistic(columns(r, w), x, counts)
    of_y = linear(columns(r, w, x), y, counts)
    total = counts.sum(axis=1)
    at = ((counts * r).sum(axis=1) / total)[:, None]
    chance = sigmoid(of_x[:, :1] + of_x[:, 1:2] * at + of_x[:, 2:] * w)
    effects = []
    for value in (0.0, 1.0):
        weights = counts * (chance if value else 1 - chance)
        expected = of_y[:, :1] + of_y[:, 1:2] * at + of_y[:, 2:3] * w + of_y[:, 3:] * value
        effects.append((weights * expected).sum(axis=1) / weights.sum(axis=1))
    return np.stack([*effects, effects[1] - effects[0], effects[0] - (counts * y).sum(axis=1) / total], axis=-1)


FORMULAS: dict[str, Callable[[Rows, np.ndarray], np.ndarray]] = {
    "frontdoor": linear_front_door,
    "frontdoor-binary": lambda rows, counts: binary_front_door(rows["X"][:, None], rows["M"], rows["Y"], counts),
    "multicause-strong": lambda rows, counts: binary_front_door(
        np.stack([rows[f"X{j}"] for j in range(1, 6)], axis=1), rows["M"], rows["Y"], counts
    ),
    "napkin": napkin,
}


def bootstrap(study: str, rows: Rows, samples: int, seed: int) -> np.ndarray:
    """The formula's answers in bootstrap samples of the units, (sample, question)."""
    n = len(next(iter(rows.values())))
    counts = np.random.default_rng([seed, 9]).multinomial(n, np.full(n, 1.0 / n), size=samples).astype(float)
    return FORMULAS[study](rows, counts)

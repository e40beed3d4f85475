"""The published estimators that were coded wrong, with their mistakes.

Source:
    Taheri, Ness, Zucker & Vitek (arXiv 2102.06626) and its code (srtaheri/LVMwithDoCalculus).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from latentdo.arrays import FloatArray

Rows = Mapping[str, FloatArray]

CAUSES = ("X1", "X2", "X3", "X4", "X5")
PIPW_CELLS = 300
SOS = 70.0
# Of the formula of the paper: each protein, and what its conditional is given.
CONDITIONALS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Ras", ("SOS",)),
    ("PI3K", ("Ras", "SOS")),
    ("AKT", ("PI3K", "Ras", "SOS")),
    ("Raf", ("AKT", "PI3K", "Ras", "SOS")),
    ("Mek", ("Raf", "AKT", "PI3K", "Ras", "SOS")),
    ("Erk", ("Mek", "Raf", "AKT", "PI3K", "Ras", "SOS")),
)
_PRIOR_SD = 10.0


def _features(rows: Rows, names: tuple[str, ...]) -> FloatArray:
    return np.column_stack([np.ones(len(rows[names[0]])), *(rows[name] for name in names)])


def logistic_mode(features: FloatArray, target: FloatArray) -> FloatArray:
    """The posterior mode of a logistic regression whose coefficients are normal(0, 10)."""

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        z = features @ weights
        value = np.logaddexp(0, z).sum() - target @ z + 0.5 * weights @ weights / _PRIOR_SD**2
        return float(value), features.T @ (expit(z) - target) + weights / _PRIOR_SD**2

    return minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x


def multicause_plug_in(rows: Rows) -> float:
    """Σ_m P(m | X=0) P(Y=1 | m, X=0): X stays 0 where the front door averages over the X that was observed."""
    of_m = logistic_mode(_features(rows, CAUSES), rows["M"])
    of_y = logistic_mode(_features(rows, ("M", *CAUSES)), rows["Y"])
    chance = float(expit(of_m[0]))
    return chance * float(expit(of_y[0] + of_y[1])) + (1 - chance) * float(expit(of_y[0]))


def nonnegative_hill(features: FloatArray, target: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Least squares of 100 sigmoid(features @ weights) with weights of at least 0, from a start like the code's sampler's.

    Such a sampler starts at weights of about 1, where proteins near 50 take the sigmoid to 100 within rounding. No slope
    leads away from there, and no weight may turn it down.
    """

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        mean = expit(features @ weights)
        error = 100 * mean - target
        return float(error @ error) / 2, features.T @ (error * 100 * mean * (1 - mean))

    # Stan draws the logarithm of a positive parameter between -2 and 2.
    start = np.exp(rng.uniform(-2, 2, features.shape[1]))
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start)).x


def signaling_plug_in(rows: Rows, seed: int) -> float:
    """The long formula with regressions that may not slope down, and with SOS = 70 in every conditional."""
    rng = np.random.default_rng([seed, 11])
    values = {"SOS": np.array([SOS])}
    for protein, given in CONDITIONALS:
        weights = nonnegative_hill(_features(rows, given), rows[protein], rng)
        values[protein] = 100 * expit(_features(values, given) @ weights)
    return float(values["Erk"][0])


def signaling_pipw(cells: Rows) -> float:
    """The plain mean of Erk over 300 cells, whatever the size of the data set: what the published errors are those of."""
    return float(cells["Erk"][:PIPW_CELLS].mean())


def signaling_dipw(rows: Rows) -> float:
    """The mean of Erk times p(Ras | SOS=70) / p(Ras | SOS), linear and normal, with weights that are not normalised."""
    features = _features(rows, ("SOS",))
    weights, *_ = np.linalg.lstsq(features, rows["Ras"], rcond=None)
    residual = rows["Ras"] - features @ weights
    variance = residual @ residual / len(residual)
    away = rows["Ras"] - (weights[0] + weights[1] * SOS)
    ratio = np.exp(0.5 * (residual**2 - away**2) / variance)
    return float((ratio * rows["Erk"]).mean())

"""Bands around a curve: point by point, or such that the whole curve lies inside with the stated probability."""

from __future__ import annotations

import numpy as np

from latentdo.arrays import FloatArray


def band(draws: FloatArray, level: float, *, simultaneous: bool) -> tuple[FloatArray, FloatArray] | None:
    """Lower and upper ends, one per point; None of one draw.

    Args:
        draws: (point, draw), the same posterior draw in each column.
        level: The probability of the band.
        simultaneous: Whether it is that of the whole curve.
    """
    if draws.ndim != 2 or draws.shape[1] < 2:
        return None
    tail = _joint_tail(draws, level) if simultaneous else (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=1)
    return low, high


def _joint_tail(draws: FloatArray, level: float) -> float:
    """The tail to cut off on each side of every point, so that a share `level` of the draws stays inside everywhere.

    Quantiles are widened alike at all points, so that the band keeps to a probability's 0 and 1 and does not change with
    the scale on which the curve is drawn.

    Source:
        Montiel Olea & Plagborg-Møller (2019), Simultaneous confidence bands: theory, implementation, and an application to
        SVARs; the band of pointwise quantiles of Bayesian draws, calibrated to the joint probability.
    """
    moving = draws[np.ptp(draws, axis=1) > 0]
    n = draws.shape[1]
    if not len(moving):
        return (1 - level) / 2
    ranks = moving.argsort(axis=1).argsort(axis=1)
    # How many draws lie beyond a draw's most extreme point, on its side.
    depth = np.minimum(ranks, n - 1 - ranks).min(axis=0)
    kept = np.sort(depth)[int(np.floor((1 - level) * n))]
    return float(kept / (n - 1))

"""Where a log density is highest and how wide it is there, found from its values alone, many points at a time.

Derivatives are differences in coordinates in which the density is about one unit wide; these are renewed at every step, so
that collinear columns, extreme units and a million rows cost no accuracy. No family has to supply a derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..blocks.coordinates import FloatArray

LogDensity = Callable[[FloatArray], FloatArray]
"""Log density, up to a constant, of many points: (point, coordinate) -> (point,); -inf where it is 0 or not a number."""

Derivatives = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]
"""Log density, gradient and Hessian at a point, (coordinate,) and (coordinate, coordinate)."""

STEP = 0.1
"""Step of the differences, in units of the density's width."""
NEAR = 0.005
NEARLY_FLAT = 0.02
"""Curvature at steps of `NEAR` below which a direction is flat: that of a rotation, of the fourth order, is then 0.0025."""
LONGEST = 20.0
"""Longest Newton step along one axis, in the same units."""
FLAT = 1e-4
"""Curvature, with axes already as wide as `WIDEST`, below which a direction counts as flat."""
WIDEST = 1e6
ITERATIONS = 100
STILL, STILLEST = 1e-3, 1e-9
"""Squared distances to the mode, in units of the density's width: near enough if no step is higher, and near enough anyway."""
UNDAMPED = 15
"""Iterations after which the widths are changed by half as much as the curvature says."""
PATIENCE = 8
CREEP = 0.003
"""Gain over the last `PATIENCE` iterations below which a climb along a nearly flat ridge ends."""
LENGTHS = (np.array([1.0, 0.5]), np.append([2.0, 4.0], 0.5 ** np.arange(2, 20)))
"""Shares of the Newton step that are tried: the second lot where none of the first is higher up."""


@dataclass(frozen=True, eq=False)
class Mode:
    """A highest point.

    Attributes:
        point: (coordinate,).
        height: The log density there.
        axes: (coordinate, axis): the density falls by a half along each, as a standard normal one does along its axes.
    """

    point: FloatArray
    height: float
    axes: FloatArray

    def log_mass(self) -> float:
        """Laplace's approximation to the log of the mass around the mode, up to a constant of the dimension."""
        return self.height + float(np.linalg.slogdet(self.axes)[1])


def numbers_only(values: FloatArray) -> FloatArray:
    """Log densities, -inf for those that are no numbers."""
    return np.where(np.isnan(values), -np.inf, values)


def climb(log_density: LogDensity, start: FloatArray, axes: FloatArray | None = None) -> Mode | None:
    """The mode reached from a start, or None where none is found.

    Saddle-free Newton: along each axis of the Hessian the step is gradient / |curvature|, shortened until the density rises.

    Args:
        axes: First guess of `Mode.axes`.

    Source:
        Dauphin et al. (2014), Identifying and attacking the saddle point problem, algorithm 1; the Hessian by central
        differences (Abramowitz & Stegun 1964, 25.3.23 and 25.3.27).
    """
    point = np.array(start, dtype=float)
    axes = 0.3 * np.eye(len(point)) if axes is None else axes
    height = float(log_density(point[None])[0])
    if not np.isfinite(height):
        return None
    heights: list[float] = []
    for iteration in range(ITERATIONS):
        heights.append(height)
        derivatives = _derivatives(log_density, point, height, axes)
        if derivatives is None:
            axes = 0.2 * axes
            continue
        gradient, hessian = derivatives
        curvature, turn = np.linalg.eigh(-hessian)
        size = np.maximum(np.abs(curvature), FLAT)
        along = turn.T @ gradient
        move = np.clip(along / size, -LONGEST, LONGEST)
        axes = axes @ turn
        still = float(np.abs(along) @ np.abs(move)) < 1e-6
        narrow = np.clip(1.0 / np.sqrt(size), 0.02, 50.0)
        settled = np.all((narrow > 0.7) & (narrow < 1.5) & (curvature > 0))
        creeping = iteration >= 2 * PATIENCE and height - heights[-PATIENCE] < CREEP
        if (still and settled) or creeping:
            return Mode(point, height, axes * narrow)
        higher = _higher(log_density, point, height, axes @ move)
        if higher is not None:
            point, height = higher
        elif settled:
            # Rounding hides what is left to climb.
            return Mode(point, height, axes * narrow)
        # Where a direction is flat but for its fourth power (a rotation of latents) full steps would go to and fro.
        axes = axes * (narrow if iteration < UNDAMPED else np.sqrt(narrow))
        if np.max(np.linalg.norm(axes, axis=0)) > WIDEST:
            return None
    return None


def newton(log_density: LogDensity, derivatives: Derivatives, start: FloatArray) -> Mode | None:
    """The mode reached from a start by exact derivatives, or None where none is found: for hundreds of coordinates.

    Where the density curves upwards along some axis of the Hessian, the step there is gradient / |curvature| as in `climb`.
    """
    point = np.array(start, dtype=float)
    for _ in range(ITERATIONS):
        height, gradient, hessian = derivatives(point)
        if not (np.isfinite(height) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return None
        move, axes = _newton_step(gradient, hessian)
        # Twice what is left to climb, where the density is a parabola.
        left = np.inf if axes is None else float(gradient @ move)
        if axes is not None and left < STILLEST:
            return Mode(point, height, axes)
        higher = _higher(log_density, point, height, move)
        if higher is not None:
            point, height = higher
        else:
            # Rounding hides what is left to climb.
            return Mode(point, height, axes) if axes is not None and left < STILL else None
    return None


def _newton_step(gradient: FloatArray, hessian: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """The step to the top, and `Mode.axes`; where the density curves upwards somewhere a step uphill, and no axes."""
    try:
        lower = np.linalg.cholesky(-hessian)
    except np.linalg.LinAlgError:
        curvature, turn = np.linalg.eigh(-hessian)
        return np.asarray(turn @ (turn.T @ gradient / np.maximum(np.abs(curvature), FLAT)), dtype=float), None
    axes = np.asarray(np.linalg.inv(lower).T, dtype=float)
    return np.asarray(axes @ (axes.T @ gradient), dtype=float), axes


def refined(log_density: LogDensity, mode: Mode) -> tuple[FloatArray, int]:
    """The axes once more, from much nearer differences, and how many directions turn out flat: these have axes of length 0.

    Along a direction in which the density does not change at all (a rotation of latents) wider differences leave the curve of
    constant density, and see a curvature that is not there.
    """
    derivatives = _derivatives(log_density, mode.point, mode.height, mode.axes, NEAR)
    if derivatives is None:
        return mode.axes, 0
    curvature, turn = np.linalg.eigh(-derivatives[1])
    flat = curvature < NEARLY_FLAT
    return mode.axes @ turn * np.where(flat, 0.0, 1.0 / np.sqrt(np.where(flat, 1.0, curvature))), int(flat.sum())


def _higher(
    log_density: LogDensity, point: FloatArray, height: float, move: FloatArray
) -> tuple[FloatArray, float] | None:
    """The highest point along a step, and its height; None where none is higher than the point itself."""
    for lengths in LENGTHS:
        candidates = point + lengths[:, None] * move
        values = log_density(candidates)
        best = int(np.argmax(values))
        if values[best] > height:
            return candidates[best], float(values[best])
    return None


def _derivatives(
    log_density: LogDensity, point: FloatArray, height: float, axes: FloatArray, step: float = STEP
) -> tuple[FloatArray, FloatArray] | None:
    """Gradient and Hessian along the axes; None where a neighbour's density is 0."""
    n = len(point)
    first, second = np.triu_indices(n, 1)
    single = np.eye(n)
    pairs = single[first] + single[second]
    values = log_density(point + step * np.concatenate([single, -single, pairs, -pairs]) @ axes.T)
    if not np.isfinite(values).all():
        return None
    up, down = values[:n], values[n : 2 * n]
    both = values[2 * n :].reshape(2, -1).sum(axis=0)
    hessian = np.diag((up + down - 2.0 * height) / step**2)
    hessian[first, second] = (both - (up + down)[first] - (up + down)[second] + 2.0 * height) / (2.0 * step**2)
    hessian[second, first] = hessian[first, second]
    return (up - down) / (2.0 * step), hessian

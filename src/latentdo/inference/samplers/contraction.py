"""Draws of a posterior of many rows, from draws of the same posterior with every row counted less.

Where the data leave directions open, a posterior of a million rows is a thin curved sheet, along which no sampler gets far:
its steps must be as short as the sheet is thin. With every row counted for a thousandth the sheet is thirty times as thick, and
chains mix. Each of their draws is then moved onto the thin sheet: what the data pin down is drawn together around its best
value, what they leave open stays where it is. That is a change of variables whose Jacobian is known, so that importance weights
correct what it gets wrong, and say how much that is.

Source:
    Jarzynski (2002), Targeted free energy perturbation, eq. 11: importance weights of draws that a map has moved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..blocks.coordinates import FloatArray
from .modes import LogDensity, Mode, climb

Features = Callable[[FloatArray], FloatArray]
"""(point, coordinate) -> (point, feature): numbers that the law of the rows depends on, in which the Fisher information of n rows
is about n times the identity."""


STEP = 1e-5
NEWTON_STEPS = 8
CHORDS = 6
"""Steps that are taken with one Jacobian: another costs as many values of the features as there are coordinates."""
POINTS_AT_ONCE = 20_000
CLOSE = 1e-4
"""Distance from its target, in units of the width of the thin sheet, at which a draw has arrived."""
OPEN = 0.3
"""Information of all rows, in units of the posterior of few, below which a direction is left as it is."""
LOOKED_AT = 200
"""Draws from which the directions that the data leave open are taken."""
LARGEST_FOLD = 0.01
"""Share of draws on the far side of a fold of the change of variables beyond which it is given up."""


@dataclass(frozen=True, eq=False)
class Contracted:
    """Moved draws and the log of their importance weights; -inf for those that could not be moved.

    Attributes:
        n_pinned: Number of directions that were drawn together.
    """

    u: FloatArray
    log_weights: FloatArray
    n_pinned: int


def information(features: Features, mode: Mode, n_rows: float) -> FloatArray:
    """What the rows say along each direction at the mode, in units of what rows and priors say together, (coordinate,).

    A direction that the data leave open has next to nothing; of the log of an sd the features tell a half.
    """
    whitened = np.asarray(np.linalg.solve(mode.axes, mode.point), dtype=float)
    singular = np.linalg.svd(_slopes(features, whitened[None], mode.axes)[0], compute_uv=False)
    told = np.zeros(len(mode.point))
    told[: len(singular)] = n_rows * singular**2
    return told


def contracted(
    features: Features, density: LogDensity, u: FloatArray, log_density: FloatArray, n_rows: float, share: float
) -> Contracted | str:
    """The draws moved onto the posterior of all rows, or why that cannot be done, in words.

    Args:
        density: Log posterior with all rows.
        u: Draws of the posterior with every row counted as `share` rows, (draw, coordinate).
        log_density: Of that posterior, at these draws.
        n_rows: Number of rows.
    """
    axes = np.diag(u.std(axis=0))
    if not axes.diagonal().all():
        return "a coordinate of the draws does not move"
    start = u[int(np.argmax(log_density))]
    chart = _Chart.at(features, start, axes, n_rows)
    k = chart.n_pinned
    if not k:
        return "the data pin nothing down"
    # The best point of all rows, from there along what the data pin down alone.
    pinned = axes @ chart.right[:, :k] / np.sqrt(chart.information[:k])
    best = climb(lambda y: density(start + y @ pinned.T), np.zeros(k), np.eye(k))
    if best is None:
        return "no mode of the posterior was found"
    chart = _Chart.at(features, start + pinned @ best.point, axes, n_rows, k)
    x = u / axes.diagonal()
    chart = chart.facing(x[:: max(1, len(x) // LOOKED_AT)])
    wide = chart.positions(x)
    # What s is at the best point, and how wide there, along the same slice.
    slopes = chart.jacobian((start + pinned @ best.point)[None] / axes.diagonal())[0, :k]
    narrow = slopes / axes.diagonal() @ pinned @ best.axes
    spread = np.linalg.cholesky(np.cov(wide.T).reshape(k, k))
    width = np.linalg.cholesky(narrow @ narrow.T)
    target = chart.reference + (wide - np.median(wide, axis=0)) @ np.linalg.solve(spread.T, width.T)
    jacobian = chart.jacobian(x)
    moved, arrived = chart.solve(x, jacobian, target, np.sqrt((width**2).sum(axis=1)))
    sign, log_volume = np.linalg.slogdet(jacobian)
    sign_moved, log_volume_moved = np.linalg.slogdet(chart.jacobian(moved))
    usual = np.sign(np.median(sign_moved[arrived])) if arrived.any() else 1.0
    regular = arrived & (sign == usual) & (sign_moved == usual)
    points = moved @ axes.T
    with np.errstate(all="ignore"):
        log_weights = density(points) - log_density + log_volume - log_volume_moved
    log_weights = np.where(regular & np.isfinite(log_weights), log_weights, -np.inf)
    folded = arrived & ~regular
    if folded.mean() > LARGEST_FOLD:
        return f"{100 * folded.mean():.0f} % of the draws lie beyond a fold"
    return Contracted(points, log_weights, k)


@dataclass(frozen=True, eq=False)
class _Chart:
    """Coordinates (s, t) around a point: s the features along their k leading directions, t linear in the rest.

    Attributes:
        axes: What one unit of the whitened coordinates x is, u = axes x.
        left: (feature, coordinate), leading directions of the features.
        right: (coordinate, coordinate), the directions in x that move them.
        rest: (open, coordinate): t of x.
        information: Of all rows, per direction of `right`.
        reference: s at the point, (pinned,).
    """

    features: Features
    axes: FloatArray
    left: FloatArray
    right: FloatArray
    rest: FloatArray
    information: FloatArray
    n_pinned: int
    reference: FloatArray
    n_rows: float

    @staticmethod
    def at(features: Features, point: FloatArray, axes: FloatArray, n_rows: float, k: int | None = None) -> _Chart:
        slopes = _slopes(features, (point / axes.diagonal())[None], axes)[0]
        left, singular, transposed = np.linalg.svd(slopes, full_matrices=True)
        right = transposed.T
        information = np.zeros(axes.shape[1])
        information[: len(singular)] = n_rows * singular**2
        k = int((information > OPEN).sum()) if k is None else k
        reference = features(point[None])[0] @ left[:, :k]
        return _Chart(features, axes, left, right, right[:, k:].T, information, k, reference, n_rows)

    def facing(self, x: FloatArray) -> _Chart:
        """The same with t along what the features leave open on the average of these points: a curved sheet that turns by less
        than a right angle to either side of it has no fold."""
        slopes = _slopes(self.features, x, self.axes, self.left[:, : self.n_pinned])
        transposed = np.linalg.svd(slopes, full_matrices=True)[2]
        normal = transposed[:, self.n_pinned :]
        mean = np.mean(np.swapaxes(normal, 1, 2) @ normal, axis=0)
        return replace(self, rest=np.linalg.eigh(mean)[1][:, self.n_pinned :].T)

    def positions(self, x: FloatArray) -> FloatArray:
        """s of points, (point, pinned)."""
        return self.features(x @ self.axes.T) @ self.left[:, : self.n_pinned]

    def jacobian(self, x: FloatArray) -> FloatArray:
        """d(s, t)/dx, (point, coordinate, coordinate)."""
        slopes = _slopes(self.features, x, self.axes, self.left[:, : self.n_pinned])
        rest = np.broadcast_to(self.rest, (len(x), *self.rest.shape))
        return np.concatenate([slopes, rest], axis=1)

    def solve(
        self, x: FloatArray, jacobian: FloatArray, target: FloatArray, width: FloatArray
    ) -> tuple[FloatArray, np.ndarray]:
        """The points with the same t and these s, from x by Newton's method with Jacobians that are kept for some steps.

        Args:
            jacobian: At x.

        Returns:
            The points, and which of them were found.
        """
        moved = x.copy()
        with np.errstate(all="ignore"):
            missing = target - self.positions(moved)
            for step in range(NEWTON_STEPS):
                going = np.flatnonzero(_distance(missing, width) >= CLOSE)
                going = going[np.isfinite(missing[going]).all(axis=1)]
                if not len(going):
                    break
                at = self.jacobian(moved[going]) if step else jacobian[going]
                regular = np.abs(np.linalg.det(at))[:, None, None] > 0
                inverse = np.linalg.inv(np.where(regular, at, np.eye(len(self.axes))))[..., : self.n_pinned]
                for _ in range(CHORDS):
                    before = _distance(missing[going], width)
                    move = (inverse @ missing[going, :, None])[..., 0]
                    # A step beyond the whole posterior of few rows leads nowhere.
                    length = np.linalg.norm(move, axis=1, keepdims=True)
                    moved[going] += move * np.minimum(1.0, 3.0 / np.maximum(length, 1e-300))
                    missing[going] = target[going] - self.positions(moved[going])
                    after = _distance(missing[going], width)
                    worthwhile = (after >= CLOSE) & (after < 0.5 * before)
                    going, inverse = going[worthwhile], inverse[worthwhile]
                    if not len(going):
                        break
            return moved, _distance(missing, width) < CLOSE


def _distance(missing: FloatArray, width: FloatArray) -> FloatArray:
    """How far points are from their targets, in units of the thin sheet's width."""
    return (np.abs(missing) / width).max(axis=1)


def _slopes(features: Features, x: FloatArray, axes: FloatArray, left: FloatArray | None = None) -> FloatArray:
    """Derivatives of the features (or of their components along `left`) in x, (point, feature, coordinate)."""
    n, p = x.shape
    steps = STEP * np.eye(p + 1, p)[[p, *range(p)]]
    size, parts = max(1, POINTS_AT_ONCE // (p + 1)), []
    for at in range(0, n, size):
        values = features((x[at : at + size, None, :] + steps).reshape(-1, p) @ axes.T)
        values = values if left is None else values @ left
        values = values.reshape(-1, p + 1, values.shape[-1])
        parts.append(np.swapaxes(values[:, 1:] - values[:, :1], 1, 2) / STEP)
    return np.concatenate(parts)

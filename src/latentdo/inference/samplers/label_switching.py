"""Latent classes that mean nothing by their order: draws relabelled so that they can be compared.

Where the levels of a discrete latent may be permuted without changing the posterior, each draw is given the permutation that
brings it nearest to a common reference. That changes no statement about what was measured.

Source:
    Stephens (2000), Dealing with label switching in mixture models, §4 (relabelling by assignment).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..blocks.coordinates import FloatArray

ROUNDS = 3
"""Times that the reference is taken anew as the mean of the relabelled draws."""


@dataclass(frozen=True)
class LabelSwitching:
    """A discrete latent whose levels may be permuted, and the free coordinates that change with them.

    Attributes:
        n_levels: Number of its levels.
        effects: Per group of weights the coordinates of the levels but the first: what a child, or the latent's own log odds,
            have of each level, the first being 0.
        mixings: Per group the matrix that makes these effects of the coordinates, rows being tuples.
        shares: Per table that has the latent as a parent (index and number of levels of the parents' axis, sticks per row) the
            coordinates of its rows.
        own: Coordinates of the latent's own table, row by row; empty where it has none.
    """

    n_levels: int
    effects: tuple[tuple[int, ...], ...]
    mixings: tuple[tuple[tuple[float, ...], ...], ...]
    shares: tuple[tuple[tuple[int, ...], tuple[int, ...], int], ...]
    own: tuple[int, ...]

    noise = None
    """No noise changes with it: it is summed out."""

    @property
    def coordinates(self) -> tuple[int, ...]:
        """Every free coordinate that may change."""
        grouped = [k for group in self.effects for k in group]
        return (*grouped, *(k for coordinates, _, _ in self.shares for k in coordinates), *self.own)

    def relabelled(self, u: FloatArray) -> FloatArray:
        """Points (…, coordinate), each with the permutation of levels that brings it nearest to the others."""
        flat = u.reshape(-1, u.shape[-1])
        signatures = self._signatures(flat)
        scale = signatures.std(axis=(0, 1)) + 1e-9
        signatures = signatures / scale
        reference = signatures[-1]
        orders = np.tile(np.arange(self.n_levels), (len(flat), 1))
        for _ in range(ROUNDS):
            # (draw, level of the reference, level of the draw)
            costs = ((signatures[:, None, :, :] - reference[None, :, None, :]) ** 2).sum(axis=-1)
            assigned = np.array([linear_sum_assignment(cost)[1] for cost in costs])
            orders = assigned
            reference = np.take_along_axis(signatures, orders[:, :, None], axis=1).mean(axis=0)
        orders = orders[:, _ascending(np.take_along_axis(signatures, orders[:, :, None], axis=1))]
        changed = flat.copy()
        for order in np.unique(orders, axis=0):
            if (order != np.arange(self.n_levels)).any():
                chosen = (orders == order).all(axis=1)
                changed[chosen] = self._permuted(flat[chosen], order)
        return changed.reshape(u.shape)

    def _by_level(self, flat: FloatArray, k: int) -> FloatArray:
        """A group's effects, (draw, level), the first level's being 0."""
        effects = flat[:, list(self.effects[k])] @ np.array(self.mixings[k]).T
        return np.concatenate([np.zeros((len(flat), 1)), effects], axis=1)

    def _signatures(self, flat: FloatArray) -> FloatArray:
        """What tells the levels apart: (draw, level, feature), each centred over the levels."""
        features = [self._by_level(flat, k)[:, :, None] for k in range(len(self.effects))]
        for coordinates, axes, at in self.shares:
            table = flat[:, list(coordinates)].reshape(len(flat), *axes)
            features.append(np.moveaxis(table, 1 + at, 1).reshape(len(flat), self.n_levels, -1))
        if self.own:
            features.append(np.swapaxes(self._own_logs(flat), 1, 2))
        joined = np.concatenate(features, axis=2)
        return joined - joined.mean(axis=1, keepdims=True)

    def _own_logs(self, flat: FloatArray) -> FloatArray:
        """Log probabilities of the latent's own table, (draw, row, level)."""
        u = flat[:, list(self.own)].reshape(len(flat), -1, self.n_levels - 1)
        share, rest = -np.logaddexp(0.0, -u), np.cumsum(-np.logaddexp(0.0, u), axis=-1)
        nothing = np.zeros((*u.shape[:2], 1))
        return np.concatenate([share, nothing], axis=-1) + np.concatenate([nothing, rest], axis=-1)

    def _permuted(self, flat: FloatArray, order: Any) -> FloatArray:
        """The points with level order[k] called k."""
        changed = flat.copy()
        for k, group in enumerate(self.effects):
            effects = self._by_level(flat, k)[:, order]
            changed[:, list(group)] = np.linalg.solve(np.array(self.mixings[k]), (effects[:, 1:] - effects[:, :1]).T).T
        for coordinates, axes, at in self.shares:
            table = flat[:, list(coordinates)].reshape(len(flat), *axes)
            changed[:, list(coordinates)] = np.take(table, order, axis=1 + at).reshape(len(flat), -1)
        if self.own:
            logs = self._own_logs(flat)[:, :, order]
            # Back to shares of what the levels before left: log v / (1 - v).
            left = np.logaddexp.accumulate(logs[:, :, ::-1], axis=-1)[:, :, ::-1]
            changed[:, list(self.own)] = (logs[:, :, :-1] - left[:, :, 1:]).reshape(len(flat), -1)
        return changed


def _ascending(signatures: FloatArray) -> Any:
    """The order of the levels by the feature that tells them apart best: the same whichever draw was the reference.

    Args:
        signatures: (draw, level, feature), all draws labelled alike.
    """
    means, spreads = signatures.mean(axis=0), signatures.std(axis=0).mean(axis=0)
    gaps = np.diff(np.sort(means, axis=0), axis=0).min(axis=0)
    return np.argsort(means[:, int(np.argmax(gaps / (spreads + 1e-9)))])

"""Coefficients of splines in the generic program: products of two coordinates, where all others are affine in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from latentdo.models.build import Arithmetic

from ..blocks.coordinates import FloatArray

Array = Any


class Bends(NamedTuple):
    """The coefficients by which splines bend, which count in units of another coordinate, their spline's wiggle.

    Attributes:
        bent: 1 for such a coefficient, else 0, (coordinate,).
        by, offset: Its wiggle, as a map of v, (coordinate, coordinate).
        unit: What its prior speaks of, over v.
    """

    bent: Array
    by: Array
    offset: Array
    unit: Array


def bent(m: Arithmetic, bends: Bends | None, v: Array, prior_map: Array, prior_offset: Array) -> tuple[Array, Array]:
    """What stands in the equations at v (…, coordinate), and what the priors speak of there."""
    if bends is None:
        return v, v @ prior_map.T + prior_offset
    w = v * (1.0 - bends.bent + bends.offset + v @ bends.by.T)
    return w, m.np.where(bends.bent > 0, v * bends.unit, w @ prior_map.T + prior_offset)


class BendsWriter:
    """Fills in the bends of a block, node by node."""

    def __init__(self, n_coordinates: int) -> None:
        self.bent, self.offset = np.zeros(n_coordinates), np.zeros(n_coordinates)
        self.by = np.zeros((n_coordinates, n_coordinates))

    def write(self, bent: Mapping[int, int], free: Sequence[int | None], fixed: FloatArray) -> None:
        """The bends of one node.

        Args:
            bent: Of its coordinates the coefficients that bend, and the wiggle of each.
            free: Of its coordinates the places in the block; None where one is a number, `fixed`.
        """
        for k, wiggle in bent.items():
            at, by = free[k], free[wiggle]
            assert at is not None, "nobody writes a number for how a spline bends"
            self.bent[at] = 1.0
            if by is None:
                self.offset[at] = fixed[wiggle]
            else:
                self.by[at, by] = 1.0

    def finished(self, anchor: FloatArray, unit: FloatArray) -> Bends | None:
        """The bends of coordinates whose values are anchor + unit · v; None where there are none."""
        return Bends(self.bent, self.by * unit, self.offset + self.by @ anchor, unit) if self.bent.any() else None

"""The joint states of a block's discrete latents, over which its density is summed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.errors import UnsupportedError
from latentdo.graphs import Name
from latentdo.models.build import Arithmetic, Array

MAX_STATES = 4_096
MAX_CELLS = 4_000_000
"""States times rows: each is a number for every chain, node and step of the sampler."""


@dataclass(frozen=True)
class AtLevels:
    """A discrete latent.

    Attributes:
        points: The numbers that stand for its levels.
        at: Per level whether it is at it, or how likely.
    """

    points: tuple[float, ...]
    at: tuple[Array, ...]

    def mean(self, function: Callable[[Any], Array] = float) -> Array:
        """Its value, or the mean of its values, or of a function of them."""
        values = [function(point) for point in self.points]
        if values == [0.0, 1.0]:
            return self.at[1]
        total = values[0] * self.at[0]
        for value, here in zip(values[1:], self.at[1:], strict=True):
            total = total + value * here
        return total


def joint_states(sizes: Sequence[int], n_axes: int = 1) -> list[list[Array]]:
    """Per latent and level whether it is at the level in each joint state: 0 or 1, (state, and `n_axes` axes of length 1)."""
    states = np.array(list(itertools.product(*map(range, sizes))), dtype=int).reshape(math.prod(sizes), len(sizes))
    shape = (-1, *(1,) * n_axes)
    return [[1.0 * (states[:, k].reshape(shape) == level) for level in range(size)] for k, size in enumerate(sizes)]


def log_sum(m: Arithmetic, values: Array) -> Array:
    """The log of the sum of the exponentials over the first axis."""
    top = m.np.max(values, axis=0)
    # Where every state is impossible the sum is 0, not undefined.
    top = m.np.where(m.np.isfinite(top), top, 0.0)
    return top + m.np.log(m.np.sum(m.np.exp(values - top), axis=0))


def check_states(latents: Sequence[tuple[Name, int]], n_rows: int) -> None:
    """Refuses a block whose discrete latents have more joint states than can be summed over.

    Raises:
        UnsupportedError: With the number of states.
    """
    n = math.prod(size for _, size in latents)
    if n > MAX_STATES or n * n_rows > MAX_CELLS:
        names = ", ".join(f"{name} ({size})" for name, size in latents)
        raise UnsupportedError(
            f"The discrete latents {names} have {n:,} joint states, in each of {n_rows:,} rows: summing them out takes at "
            f"most {MAX_STATES:,} states and {MAX_CELLS:,} states times rows. Give them fewer levels, or make them normal."
        )

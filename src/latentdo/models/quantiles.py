"""Quantiles of counts: the smallest whole number whose distribution function reaches a probability, many at once (NumPy)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .arithmetic import Array

Numbers = Any
"""NumPy, or what computes like it."""
_LONGEST = 64
"""Counts up to which probabilities are added up; larger ones are searched for."""
_FEW = 0.7
"""Share of the cells left below which the others are dropped."""
_FARTHEST = 200
"""Doublings and halvings of the search for a quantile."""


def added_up(np: Numbers, uniform: Array, found: Array, none: Array, a: Array, b: Array) -> Array:
    """Fills in the quantiles of flat cells by adding up their probabilities; the cells whose quantile is not reached.

    Args:
        found: Where they are written.
        none: P(0).
        a, b: P(k + 1) / P(k) is (a k + b) / (k + 1).
    """
    left, rest, chance = np.flatnonzero(uniform > none), uniform - none, none
    rest, chance, a, b = (values[left] for values in (rest, chance, a, b))
    # A law that hardly begins within these counts is not worth the walk.
    far = b > _LONGEST * (1.0 - a)
    skipped, near = left[far], ~far
    left, rest, chance, a, b = (values[near] for values in (left, rest, chance, a, b))
    for count in range(1, _LONGEST + 1):
        chance = chance * (a * (count - 1.0) + b) / count
        found[left] += rest > 0.0
        rest = rest - chance
        still = rest > 0.0
        if still.sum() <= _FEW * len(left):
            left, rest, chance, a, b = (values[still] for values in (left, rest, chance, a, b))
        if not len(left):
            break
    return np.concatenate([skipped, left[rest > 0.0]])


def searched(np: Any, reached: Callable[[Array, Array], Array], guess: Array, step: Array) -> Array:
    """The smallest whole number from 0 that reaches its quantile, (cell,): outwards from a guess, then by halves.

    Args:
        reached: Whether some numbers do, given the cells that they belong to.
        step: How far to go at first; whole.
    """
    high, low = guess.copy(), guess - 1.0
    up, down = step.copy(), step.copy()
    left = np.arange(len(guess))
    for _ in range(_FARTHEST):
        if not len(left):
            break
        short = ~reached(high[left], left)
        over = ~short & (low[left] >= 0.0)
        over[over] = reached(low[left[over]], left[over])
        rising, falling = left[short], left[over]
        low[rising] = high[rising]
        high[rising] += up[rising]
        up[rising] *= 2.0
        high[falling] = low[falling]
        low[falling] = np.maximum(low[falling] - down[falling], -1.0)
        down[falling] *= 2.0
        left = left[short | over]
    for _ in range(_FARTHEST):
        left = np.flatnonzero(high - low > 1.0)
        middle = np.floor(0.5 * (low[left] + high[left]))
        # Numbers so large that the next one is more than 1 away have nothing between them.
        inside = (middle > low[left]) & (middle < high[left])
        left, middle = left[inside], middle[inside]
        if not len(left):
            break
        found = reached(middle, left)
        high[left[found]], low[left[~found]] = middle[found], middle[~found]
    return high

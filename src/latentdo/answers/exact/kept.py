"""What both exact engines start from: the draws of a fit, and what they compute from these, kept for later terms."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from latentdo.graphs import Name
from latentdo.inference import NodeDraws

KEPT_BYTES = 256 * 2**20
"""Of what one call keeps: beyond it the oldest is made again when it is needed."""


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


_Value = TypeVar("_Value", bound=_Sized)


class Kept(Generic[_Value]):
    """Arrays by key; beyond `KEPT_BYTES` those that were not used for longest are forgotten."""

    def __init__(self) -> None:
        self._values: OrderedDict[object, _Value] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: object, make: Callable[[], _Value]) -> _Value:
        """The value of a key, made if there is none."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        found = self._values[key] = make()
        self._bytes += found.nbytes
        while self._bytes > KEPT_BYTES and len(self) > 1:
            self._bytes -= self._values.popitem(last=False)[1].nbytes
        return found


def n_draws_of(draws: Mapping[Name, NodeDraws]) -> int:
    """The number of draws of all chains, of which every node has as many."""
    n_chains, n_each = next(iter(draws.values())).coefficients.shape[:2]
    return n_chains * n_each

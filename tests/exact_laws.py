"""Exact conditional laws of a finite joint: what estimators are given where their algebra is checked, not their fits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from latentdo.estimators.features import Features
from latentdo.estimators.laws import TableLaw
from latentdo.estimators.sample import Column, Sample


def cells_of(joint: np.ndarray, names: tuple[str, ...]) -> Sample:
    """Every combination of levels as one row, whose weight is its probability."""
    index = np.indices(joint.shape).reshape(joint.ndim, -1).astype(float)
    columns = {
        name: Column(name, values, np.arange(joint.shape[i], dtype=float))
        for i, (name, values) in enumerate(zip(names, index, strict=True))
    }
    weights = joint.ravel() * joint.size
    return Sample(columns, joint.size, weights)


class ExactLaws:
    """P(target | given) of a joint; those of the `wrong` targets are disturbed by up to `by`."""

    def __init__(
        self, joint: np.ndarray, names: tuple[str, ...], wrong: Iterable[str] = (), by: float = 0.35, seed: int = 0
    ) -> None:
        self.joint, self.names, self.wrong, self.by, self.seed = joint, names, frozenset(wrong), by, seed
        self.sample = cells_of(joint, names)
        self._known: dict[tuple[str, tuple[str, ...]], TableLaw] = {}

    def law(self, target: str, given: Iterable[str]) -> TableLaw:
        """The conditional as a table."""
        key = (target, tuple(sorted(set(given))))
        if key not in self._known:
            self._known[key] = self._table(*key)
        return self._known[key]

    def _table(self, target: str, given: tuple[str, ...]) -> TableLaw:
        columns = tuple(self.sample[name] for name in given)
        axes = [self.names.index(name) for name in (*given, target)]
        rest = tuple(i for i in range(self.joint.ndim) if i not in axes)
        table = np.transpose(self.joint.sum(axis=rest, keepdims=True), (*axes, *rest)).reshape(
            *(self.joint.shape[i] for i in axes)
        )
        table = (table / table.sum(axis=-1, keepdims=True)).reshape(-1, self.joint.shape[axes[-1]])
        if target in self.wrong:
            rng = np.random.default_rng([self.seed, self.names.index(target)])
            table = np.clip(table + rng.uniform(-self.by, self.by, table.shape), 0.05, None)
            table = table / table.sum(axis=-1, keepdims=True)
        return TableLaw(self.sample[target], Features(columns, "cells"), table[None])

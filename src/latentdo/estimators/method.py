"""What all methods have in common: a name, whether the graph lets them answer, and the fit."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from latentdo.graphs import Name, quote

from .estimate import Result
from .nuisances import CrossFitted, Nuisances
from .sample import FloatArray, IntArray
from .task import Task

ROWS_PER_TERM = 3
"""With fewer rows for each term of a model, the answer is cautioned against."""


@dataclass(frozen=True)
class Yes:
    """The method answers the term, with these sets of nodes, by what they are for."""

    sets: Mapping[str, tuple[Name, ...]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class No:
    """The method does not answer the term, and why."""

    reason: str


class Fits:
    """The nuisance models of one set of replicates, shared by all methods that ask for them.

    Attributes:
        plain: Fitted to all rows.
        weights: (replicate, row).
        kept: What methods made for one term and need for another.
    """

    def __init__(self, plain: Nuisances, folds: IntArray) -> None:
        self.plain, self._folds = plain, folds
        self.kept: dict[Any, FloatArray] = {}

    @property
    def weights(self) -> FloatArray:
        """The weights of the rows, (replicate, row)."""
        return self.plain.weights

    @cached_property
    def crossed(self) -> CrossFitted:
        """Fitted for each row to the rows of other folds."""
        return self.plain.crossfitted(self._folds)


class AbstractMethod(abc.ABC):
    """An estimator of one term; `name` is what tables call it."""

    name: ClassVar[str]

    @abc.abstractmethod
    def applies(self, task: Task) -> Yes | No:
        """Whether the graph lets the method answer the term."""

    @abc.abstractmethod
    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        """The number, one per replicate, with the sets that `applies` found."""


def support_cautions(task: Task) -> list[str]:
    """Cautions about treatment values that the data hardly have."""
    found: list[str] = []
    for name, value in task.treatments.items():
        column = task.sample[name]
        if column.is_discrete:
            rows = int((column.values == value).sum())
            if rows < 10:
                have = "1 row has" if rows == 1 else f"{rows} rows have"
                found.append(f"{have} {name}={_shown(task, name, value)}: the answer rests on so few.")
            continue
        low, high = np.quantile(column.values, [0.01, 0.99])
        if not low <= value <= high:
            found.append(
                f"{name}={value:g} lies outside the middle 98 % of its column, {low:.4g} to {high:.4g}: "
                "the answer is an extrapolation."
            )
    if task.treatments and all(task.sample[name].is_discrete for name in task.treatments):
        own = np.ones(task.sample.n, dtype=bool)
        for name, value in task.treatments.items():
            own &= task.sample[name].values == value
        if own.sum() > 1 and np.ptp(task.asked[own]) == 0:
            places = ", ".join(f"{quote(name)}={_shown(task, name, value)}" for name, value in task.treatments.items())
            found.append(f"all rows with {places} have the same outcome: intervals that rest on them are too narrow.")
    n_terms = 1 + max(len(task.graph.parents(name)) for name in (task.outcome, *task.treatments))
    if n_terms * ROWS_PER_TERM > task.sample.n:
        found.append(
            f"a model has {n_terms} terms for {task.sample.n} rows: its errors may be as large as what it explains."
        )
    return found


def levels_notes(task: Task) -> list[str]:
    """Which columns of whole numbers are set as levels, each value by itself, and not as numbers."""
    columns = (task.sample[name] for name in task.treatments)
    return [
        f"{quote(column.name)} as {len(column.levels)} levels"
        for column in columns
        if column.levels is not None and len(column.levels) > 2 and not column.labels
    ]


def _shown(task: Task, name: Name, value: float) -> str:
    labels = task.sample[name].labels
    return labels[int(value)] if labels else f"{value:g}"

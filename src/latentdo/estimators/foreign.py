"""scikit-learn's models as conditional laws."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .laws import FLOOR, AbstractDiscreteLaw
from .learners import AbstractLearner, Boosted, Foreign
from .sample import Column, Env, FloatArray

MANY_ROWS = 100_000


@dataclass(frozen=True, eq=False)
class ClassifierLaw(AbstractDiscreteLaw):
    """The probabilities of a scikit-learn classifier, one classifier per replicate."""

    column: Column
    given: tuple[Column, ...]
    classifiers: Sequence[Any]

    @property
    def levels(self) -> FloatArray:
        assert self.column.levels is not None
        return self.column.levels

    def probabilities(self, env: Env) -> FloatArray:
        rows, shape = raw_matrix(self.given, env)
        found = np.full((len(self.classifiers), *shape[1:], len(self.levels)), FLOOR)
        for b, classifier in enumerate(self.classifiers):
            own = rows[0 if shape[0] == 1 else b]
            law = np.full((len(own), len(self.levels)), FLOOR)
            # A level without rows in a fold is unknown to its classifier.
            known = self.column.codes(np.asarray(classifier.classes_, dtype=float))
            with one_thread(len(own)):
                law[:, known] = classifier.predict_proba(own)
            found[b] = np.maximum(law, FLOOR).reshape(*shape[1:], -1)
        return found / found.sum(axis=-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class RegressorMean:
    """The mean of a scikit-learn regressor, one regressor per replicate."""

    given: tuple[Column, ...]
    regressors: Sequence[Any]

    def __call__(self, env: Env) -> FloatArray:
        rows, shape = raw_matrix(self.given, env)
        with one_thread(rows.shape[1]):
            found = [
                np.asarray(regressor.predict(rows[0 if shape[0] == 1 else b]), dtype=float).reshape(shape[1:])
                for b, regressor in enumerate(self.regressors)
            ]
        return np.stack(found)


def raw_matrix(given: Sequence[Column], env: Env) -> tuple[FloatArray, tuple[int, ...]]:
    """What a foreign learner sees: (replicate or 1, row, column), levels coded one by one; and the env's shape."""
    shape = np.broadcast_shapes(*(np.shape(env[column.name]) for column in given)) if given else (1, 1)
    parts: list[FloatArray] = []
    for column in given:
        values = np.broadcast_to(env[column.name], shape).reshape(shape[0], -1)
        if column.levels is None or len(column.levels) == 2:
            parts.append(values)
        else:
            parts += [(values == level).astype(float) for level in column.levels]
    if not parts:
        parts = [np.zeros((shape[0], int(np.prod(shape[1:]))))]
    return np.stack(parts, axis=-1), shape


def foreign_model(column: Column, learner: AbstractLearner) -> Any:
    """The scikit-learn model of a learner for a column, unfitted; None where it has none for the column's kind."""
    match learner:
        case Foreign():
            return learner.classifier if column.is_discrete else learner.regressor
        case Boosted():
            from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

            kind: Any = HistGradientBoostingClassifier if column.is_discrete else HistGradientBoostingRegressor
            return kind(
                max_iter=learner.trees,
                learning_rate=learner.rate,
                max_leaf_nodes=learner.leaves,
                min_samples_leaf=learner.rows_per_leaf,
                early_stopping=False,
                random_state=0,
            )
        case _:
            return None


def fitted_copy(model: Any, rows: FloatArray, target: FloatArray, weights: FloatArray) -> Any:
    """A copy of the model, fitted to the rows that have weight."""
    from sklearn.base import clone

    own: Any = clone(model) if hasattr(model, "get_params") else copy.deepcopy(model)
    kept = weights > 0
    with one_thread(len(rows)):
        return own.fit(rows[kept], target[kept], weights[kept])


def one_thread(n_rows: int) -> contextlib.AbstractContextManager[Any]:
    """OpenMP with one thread for few rows: on a busy machine threads that wait for each other take forty times as long."""
    if n_rows >= MANY_ROWS:
        return contextlib.nullcontext()
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    return threadpool_limits(limits=1, user_api="openmp")

"""scikit-learn's models as conditional laws."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.errors import FitError

from .laws import FLOOR, AbstractDiscreteLaw
from .learners import AbstractLearner, Boosted, Foreign, Models
from .sample import Column, Env, FloatArray, IntArray

MANY_ROWS = 100_000
_SLACK = 1e-3
_REPAIR = "Correct it, or leave it out of models= for the usual models."


@dataclass(frozen=True, eq=False)
class ClassifierLaw(AbstractDiscreteLaw):
    """The probabilities of a scikit-learn classifier, one classifier per replicate."""

    column: Column
    given: tuple[Column, ...]
    classifiers: Sequence[Any]

    @property
    def levels(self) -> FloatArray:
        return self.column.all_levels

    def probabilities(self, env: Env) -> FloatArray:
        rows, shape = raw_matrix(self.given, env)
        laws = np.full((len(self.classifiers), *shape[1:], len(self.levels)), FLOOR)
        for b, classifier in enumerate(self.classifiers):
            asked = rows[0 if shape[0] == 1 else b]
            law = np.full((len(asked), len(self.levels)), FLOOR)
            # A level without rows in a fold is unknown to its classifier.
            known = self.column.codes(np.asarray(classifier.classes_, dtype=float))
            with one_thread(len(asked)), blamed(classifier, self.column, "predict_proba"):
                shares = np.asarray(classifier.predict_proba(asked), dtype=float)
            expected = f"one row of {len(known)} probabilities for each of {len(asked)} rows"
            if shares.shape != (len(asked), len(known)):
                raise _wrong(classifier, self.column, "predict_proba", f"an array of shape {shares.shape}", expected)
            if not np.isfinite(shares).all() or np.abs(shares.sum(axis=1) - 1).max() > _SLACK or shares.min() < -_SLACK:
                odd = shares[
                    np.argmax(~(np.isfinite(shares).all(axis=1)) | (np.abs(shares - 0.5) > 0.5 + _SLACK).any(axis=1))
                ]
                raise _wrong(
                    classifier, self.column, "predict_proba", f"a row {odd.tolist()}", f"{expected}, that add up to 1"
                )
            law[:, known] = shares
            laws[b] = np.maximum(law, FLOOR).reshape(*shape[1:], -1)
        return laws / laws.sum(axis=-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class RegressorMean:
    """The mean of a scikit-learn regressor, one regressor per replicate."""

    column: Column
    given: tuple[Column, ...]
    regressors: Sequence[Any]

    def __call__(self, env: Env) -> FloatArray:
        rows, shape = raw_matrix(self.given, env)
        means: list[FloatArray] = []
        n = rows.shape[1]
        for b, regressor in enumerate(self.regressors):
            with one_thread(n), blamed(regressor, self.column, "predict"):
                values = np.asarray(regressor.predict(rows[0 if shape[0] == 1 else b]), dtype=float)
            if values.shape not in ((n,), (n, 1)):
                got = f"an array of shape {values.shape}"
                raise _wrong(regressor, self.column, "predict", got, f"one number for each of {n} rows")
            if not np.isfinite(values).all():
                got = f"{values[~np.isfinite(values)][0]} for {int((~np.isfinite(values)).sum())} of {n} rows"
                raise _wrong(regressor, self.column, "predict", got, "finite numbers")
            means.append(values.reshape(shape[1:]))
        return np.stack(means)


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


def fitted_copy(model: Any, column: Column, rows: FloatArray, weights: FloatArray) -> Any:
    """A copy of the model, fitted to the rows that have weight.

    A model that takes no weights is fitted to rows that are drawn: as often as their weight says, rounded up or down by chance.

    Raises:
        FitError: It cannot be fitted.
    """
    from sklearn.base import clone

    copied: Any = clone(model) if hasattr(model, "get_params") else copy.deepcopy(model)
    used, option = np.flatnonzero(weights > 0), weight_option(model)
    extra: dict[str, FloatArray] = {}
    if option:
        extra = {option: weights[used]}
    elif np.ptp(weights[used]) > _SLACK * weights[used].mean():
        used = _drawn(used, weights[used])
    with one_thread(len(rows)), blamed(model, column, "fit"):
        copied.fit(rows[used], column.values[used], **extra)
    if column.is_discrete and not hasattr(copied, "classes_"):
        raise _wrong(model, column, "fit", "a classifier without classes_", "the levels that it has seen in classes_")
    return copied


def weight_option(model: Any) -> str | None:
    """The name under which `fit` takes the rows' weights, that of a pipeline for its last step; None where it takes none."""
    steps = getattr(model, "steps", None)
    if steps:
        name, last = steps[-1]
        inner = weight_option(last)
        return inner and f"{name}__{inner}"
    try:
        parameters = inspect.signature(model.fit).parameters
    except (AttributeError, TypeError, ValueError):
        return None
    several = [part for _, part in getattr(model, "estimators", None) or () if hasattr(part, "fit")]
    if several:
        return "sample_weight" if all(weight_option(part) == "sample_weight" for part in several) else None
    if "sample_weight" in parameters:
        return "sample_weight"
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        inside = getattr(model, "estimator", None) or getattr(model, "regressor", None)
        return weight_option(inside) if inside is not None else None
    return None


def unweighted_notes(models: Models) -> list[str]:
    """A note where a learner takes no weights."""
    learners = [learner for learner in (models.learner, *models.own.values()) if isinstance(learner, Foreign)]
    parts = [part for learner in learners for part in (learner.classifier, learner.regressor) if part is not None]
    lacking = dict.fromkeys(type(part).__name__ for part in parts if weight_option(part) is None)
    return [f"{' and '.join(lacking)} without weights: rows are drawn as often as theirs say"] if lacking else []


def _drawn(rows: IntArray, weights: FloatArray) -> IntArray:
    """The rows, each as often as its weight says in the mean: systematic sampling in a random order."""
    rng = np.random.default_rng(len(rows))
    order = rng.permutation(len(rows))
    ends = np.floor(np.cumsum(weights[order]) * (len(rows) / weights.sum()) + rng.random())
    counts = np.diff(ends, prepend=0.0).astype(np.intp)
    return np.repeat(rows[order], counts)


@contextlib.contextmanager
def blamed(model: Any, column: Column, method: str) -> Iterator[None]:
    """Errors inside are told as those of a learner.

    Raises:
        FitError: Something failed.
    """
    try:
        yield
    except Exception as fault:
        who = f"{type(model).__name__}, the learner of {column.name!r}"
        raise FitError(f"{who}, failed in {method}. {_REPAIR} It says: {type(fault).__name__}: {fault}") from fault


def _wrong(model: Any, column: Column, method: str, got: str, expected: str) -> FitError:
    return FitError(
        f"{type(model).__name__}, the learner of {column.name!r}, gives {got} in {method}; expected: {expected}. {_REPAIR}"
    )


def one_thread(n_rows: int) -> contextlib.AbstractContextManager[Any]:
    """OpenMP with one thread for few rows: on a busy machine threads that wait for each other take forty times as long."""
    if n_rows >= MANY_ROWS:
        return contextlib.nullcontext()
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    return threadpool_limits(limits=1, user_api="openmp")

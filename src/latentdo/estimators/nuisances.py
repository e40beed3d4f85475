"""Nuisance models: which learner fits P(target | given), one fit for each pair wherever it recurs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from latentdo.graphs import Name

from .features import Degree, Features
from .fitting import fit_linear, fit_logistic, fit_multinomial
from .laws import (
    AbstractLaw,
    ClassifierLaw,
    ContinuousLaw,
    LinearMean,
    LogisticLaw,
    LogLinearScale,
    Predictor,
    RegressorMean,
    Residuals,
    Shape,
    TableLaw,
    raw_matrix,
)
from .sample import Column, Env, FloatArray, IntArray, Sample

ROWS_PER_CELL = 20
"""With so many rows for each combination of levels, each has a parameter of its own."""
ROWS_PER_TERM = 10
BOOSTING_FROM = 5_000
BETTER = 0.99
"""What boosting's loss must stay below, relative to the linear model's, to be preferred."""


class AbstractLearner:
    """How a conditional law is fitted."""


@dataclass(frozen=True)
class Glm(AbstractLearner):
    """Penalised generalised linear models: least squares, logistic, multinomial logistic.

    Attributes:
        degree: 1: one term per column; 2: with squares and products; `cells`: one parameter for each combination of
            levels, relative frequencies where the target has levels; None: cells where all that is given has levels
            and there are rows enough for each combination, else 1 or 2 by Schwarz's criterion (BIC).
        penalty: What the square of a coefficient costs, in rows: a column's terms have standard deviation one. Of
            frequencies the rows that are added, in the proportions of the whole table.
    """

    degree: Degree | None = None
    penalty: float = 0.1


@dataclass(frozen=True)
class Boosted(AbstractLearner):
    """Gradient-boosted trees on binned columns (scikit-learn), for thousands of rows and surfaces that are not smooth."""

    trees: int = 150
    rate: float = 0.08
    leaves: int = 15
    rows_per_leaf: int = 40


@dataclass(frozen=True)
class Auto(AbstractLearner):
    """The linear models, or from 5000 rows boosted trees where these predict a quarter of the rows clearly better."""


@dataclass(frozen=True)
class Foreign(AbstractLearner):
    """Your own learners with the interface of scikit-learn, cloned before each fit.

    Attributes:
        classifier: For columns with levels; needs `fit(X, y, sample_weight)` and `predict_proba`.
        regressor: For continuous columns; needs `fit(X, y, sample_weight)` and `predict`.
    """

    classifier: Any = None
    regressor: Any = None


@dataclass(frozen=True)
class Models:
    """Which learners are used.

    Attributes:
        learner: For every column that `own` does not name.
        own: The learner of single columns.
        seen: What the model of a column is a function of, in place of all that it should be: to see what a wrong model
            does.
        normal: Whether residuals are normal with one standard deviation, instead of what the data prefer.
    """

    learner: AbstractLearner = Glm()
    own: Mapping[Name, AbstractLearner] = field(default_factory=dict)
    seen: Mapping[Name, tuple[Name, ...]] = field(default_factory=dict)
    normal: bool = False


class Laws(Protocol):
    """Where estimators find conditional laws, fitted or known."""

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        """P(target | given), the same object for the same pair."""
        ...


@dataclass(frozen=True)
class _Choice:
    """What was decided for a pair on the unweighted rows and is kept for all replicates."""

    learner: AbstractLearner
    degree: Degree


class Nuisances:
    """Conditional laws fitted to weighted rows, each pair once.

    Args:
        weights: (replicate, row), each row with mean one.
        choices: Decisions that are shared with other weightings of the same sample.
    """

    def __init__(
        self, sample: Sample, weights: FloatArray, models: Models, choices: dict[Any, Any] | None = None
    ) -> None:
        self.sample, self.weights, self.models = sample, weights, models
        self._choices: dict[Any, Any] = {} if choices is None else choices
        self._known: dict[tuple[Name, tuple[Name, ...]], AbstractLaw] = {}

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        """P(target | given)."""
        names = set(given)
        if target in self.models.seen:
            names &= set(self.models.seen[target])
        key = (target, tuple(sorted(names)))
        if key not in self._known:
            self._known[key] = self._fit(*key)
        return self._known[key]

    def reweighted(self, factors: FloatArray, label: Any) -> Nuisances:
        """The laws in the population in which each row counts `factors` times as much, (replicate or 1, row)."""
        weights = self.weights * factors
        weights = weights / weights.mean(axis=1, keepdims=True)
        return Nuisances(self.sample, weights, self.models, self._choices.setdefault(("reweighted", label), {}))

    def crossfitted(self, folds: IntArray) -> CrossFitted:
        """The laws for each row from the rows of the other folds."""
        parts = [
            Nuisances(self.sample, self.weights * (folds != k), self.models, self._choices)
            for k in range(int(folds.max()) + 1)
        ]
        return CrossFitted(parts, [np.flatnonzero(folds == k) for k in range(len(parts))], self.sample.n)

    def regress(self, values: FloatArray, given: Iterable[Name], label: Any) -> Predictor:
        """The mean, given columns, of numbers that are no column: (replicate, row)."""
        columns = tuple(self.sample[name] for name in sorted(given))
        env = self.sample.env(column.name for column in columns)
        mean = float(np.average(values, weights=np.broadcast_to(self.weights, values.shape)))
        scale = float(values.std()) or 1.0
        target = (values - mean) / scale
        glm = self.models.learner if isinstance(self.models.learner, Glm) else Glm()
        key = ("regress", label, tuple(column.name for column in columns))
        if key not in self._choices:
            self._choices[key] = glm.degree or _linear_degree(columns, env, target[0], self.weights[0], glm)
        features = Features(columns, self._choices[key])
        coefficients = fit_linear(
            features.matrix(env, self.sample.n), target, self.weights, features.penalty(glm.penalty)
        )
        return LinearMean(features, coefficients, mean, scale)

    def _fit(self, target: Name, given: tuple[Name, ...]) -> AbstractLaw:
        column, columns = self.sample[target], tuple(self.sample[name] for name in given)
        env = self.sample.env(given)
        if (target, given) not in self._choices:
            self._choices[target, given] = self._choose(column, columns, env)
        choice: _Choice = self._choices[target, given]
        match choice.learner:
            case Glm() as glm:
                return self._fit_glm(column, Features(columns, choice.degree), env, glm)
            case learner:
                return self._fit_foreign(column, columns, env, learner)

    def _choose(self, column: Column, columns: tuple[Column, ...], env: Env) -> _Choice:
        learner = self.models.own.get(column.name, self.models.learner)
        glm = learner if isinstance(learner, Glm) else Glm()
        degree = glm.degree or _degree(column, columns, env, self.weights.mean(axis=0), glm)
        if isinstance(learner, Auto):
            learner = glm
            if columns and self.sample.n >= BOOSTING_FROM and degree != "cells":
                learner = self._better(column, columns, env, degree)
        return _Choice(learner, degree)

    def _better(self, column: Column, columns: tuple[Column, ...], env: Env, degree: Degree) -> AbstractLearner:
        """The learner that predicts a quarter of the rows better."""
        held = np.random.default_rng(self.sample.n).random(self.sample.n) < 0.25
        part = Nuisances(self.sample, (self.sample.weights * ~held)[None, :], self.models)
        losses: list[float] = []
        for law in (
            part._fit_glm(column, Features(columns, degree), env, Glm()),
            part._fit_foreign(column, columns, env, Boosted()),
        ):
            if column.is_discrete:
                losses.append(-float(np.log(np.maximum(law.density(env, column.values[None]), 1e-12))[0, held].mean()))
            else:
                losses.append(float(((law.mean(env)[0] - column.values)[held] ** 2).mean()))
        return Boosted() if losses[1] < BETTER * losses[0] else Glm()

    def _fit_glm(self, column: Column, features: Features, env: Env, glm: Glm) -> AbstractLaw:
        if column.levels is None:
            target = ((column.values - column.mean) / column.sd)[None, :]
            coefficients = fit_linear(
                features.matrix(env, self.sample.n), target, self.weights, features.penalty(glm.penalty)
            )
            return self._continuous(column, features, env, LinearMean(features, coefficients, column.mean, column.sd))
        codes = column.codes(column.values)
        if features.degree == "cells":
            return TableLaw(column, features, self._table(column, features, env, glm.penalty))
        matrix, penalty = features.matrix(env, self.sample.n), features.penalty(glm.penalty)
        if column.is_binary:
            found = fit_logistic(matrix, codes[None, :].astype(float), self.weights, penalty)[:, None]
        else:
            found = fit_multinomial(matrix, codes, len(column.levels), self.weights, penalty)
        return LogisticLaw(column, features, found)

    def _table(self, column: Column, features: Features, env: Env, added: float) -> FloatArray:
        assert column.levels is not None
        n_levels, n_cells = len(column.levels), features.size - 1
        cells = np.broadcast_to(features.cells(env)[0], self.sample.n) if features.columns else np.zeros(1, np.intp)
        code = cells * n_levels + column.codes(column.values)
        counts = np.stack([np.bincount(code, own, n_cells * n_levels) for own in self.weights])
        counts = counts.reshape(-1, n_cells, n_levels)
        whole = counts.sum(axis=1, keepdims=True)
        # A combination that no row has is given the proportions of the whole table.
        added = max(added, 1e-12)
        return (counts + added * whole / whole.sum(axis=2, keepdims=True)) / (counts.sum(axis=2, keepdims=True) + added)

    def _fit_foreign(
        self, column: Column, columns: tuple[Column, ...], env: Env, learner: AbstractLearner
    ) -> AbstractLaw:
        model = _foreign(column, learner)
        if model is None or not columns:
            return self._fit_glm(column, Features(columns, 1), env, Glm())
        rows = raw_matrix(columns, env)[0][0]
        fitted = [_clone(model).fit(rows[own > 0], column.values[own > 0], own[own > 0]) for own in self.weights]
        if column.is_discrete:
            return ClassifierLaw(column, columns, fitted)
        return self._continuous(column, Features(columns, 1), env, RegressorMean(columns, fitted))

    def _continuous(self, column: Column, features: Features, env: Env, mean: Predictor) -> ContinuousLaw:
        def residuals() -> Residuals:
            return _residuals(
                column.values - mean(env), self.weights, features, env, self._choices, column.name, self.models.normal
            )

        return ContinuousLaw(mean, residuals)


class CrossFitted:
    """Conditional laws in which no row is judged by a model that it trained."""

    def __init__(self, parts: list[Nuisances], rows: list[IntArray], n: int) -> None:
        self._parts, self._rows, self._n = parts, rows, n

    @property
    def folds(self) -> tuple[tuple[Nuisances, IntArray], ...]:
        """The laws of each fold, fitted to the other rows, and its rows."""
        return tuple(zip(self._parts, self._rows, strict=True))

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        """P(target | given)."""
        given = tuple(given)
        return _ByFold([part.law(target, given) for part in self._parts], self._rows, self._n)


@dataclass(frozen=True, eq=False)
class _ByFold(AbstractLaw):
    """One law per fold, each asked about its own rows."""

    laws: list[AbstractLaw]
    rows: list[IntArray]
    n: int

    def mean(self, env: Env) -> FloatArray:
        return self._gathered(lambda law, own, _: law.mean(own), env)

    def density(self, env: Env, values: FloatArray) -> FloatArray:
        return self._gathered(lambda law, own, values: law.density(own, values), env, values)

    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        return (
            self._gathered(lambda law, own, _: law.nodes(own, count)[0], env),
            self._gathered(lambda law, own, _: law.nodes(own, count)[1], env),
        )

    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        return self._gathered(lambda law, own, uniforms: law.draw(own, uniforms), env, uniforms)

    def _gathered(self, ask: Any, env: Env, extra: FloatArray | None = None) -> FloatArray:
        found: FloatArray | None = None
        for law, rows in zip(self.laws, self.rows, strict=True):
            own = {name: self._part(values, rows) for name, values in env.items()}
            answer = np.asarray(ask(law, own, None if extra is None else self._part(extra, rows)))
            answer = np.broadcast_to(answer, (answer.shape[0], len(rows), *answer.shape[2:]))
            if found is None:
                found = np.empty((answer.shape[0], self.n, *answer.shape[2:]))
            found[:, rows] = answer
        assert found is not None
        return found

    def _part(self, values: FloatArray, rows: IntArray) -> FloatArray:
        return values[:, rows] if values.shape[1] == self.n else values


def _degree(column: Column, columns: tuple[Column, ...], env: Env, weights: FloatArray, glm: Glm) -> Degree:
    if column.levels is None:
        return _linear_degree(columns, env, (column.values - column.mean) / column.sd, weights, glm)
    n = len(weights)
    discrete = all(given.is_discrete for given in columns)
    if discrete and (Features(columns, "cells").size - 1) * ROWS_PER_CELL <= n:
        return "cells"
    richer = Features(columns, 2)
    width = len(column.levels) - 1
    if not columns or richer.size == Features(columns, 1).size or n < ROWS_PER_TERM * richer.size * width:
        return 1
    codes = column.codes(column.values)
    scores: list[float] = []
    for features in (Features(columns, 1), richer):
        matrix, penalty = features.matrix(env, n), features.penalty(glm.penalty)
        if width == 1:
            found = fit_logistic(matrix, codes[None, :].astype(float), weights[None], penalty)[:, None]
        else:
            found = fit_multinomial(matrix, codes, width + 1, weights[None], penalty)
        law = LogisticLaw(column, features, found).density(env, column.values[None])[0]
        scores.append(-2 * float(weights @ np.log(np.maximum(law, 1e-12))) + width * features.size * np.log(n))
    return 2 if scores[1] < scores[0] else 1


def _linear_degree(columns: tuple[Column, ...], env: Env, target: FloatArray, weights: FloatArray, glm: Glm) -> Degree:
    n = len(weights)
    discrete = bool(columns) and all(column.is_discrete for column in columns)
    if discrete and (Features(columns, "cells").size - 1) * ROWS_PER_CELL <= n:
        return "cells"
    richer = Features(columns, 2)
    if not columns or richer.size == Features(columns, 1).size or n < ROWS_PER_TERM * richer.size:
        return 1
    scores: list[float] = []
    for features in (Features(columns, 1), richer):
        found = fit_linear(features.matrix(env, n), target[None], weights[None], features.penalty(glm.penalty))
        spread = np.average((target - features.predict(env, found)[0]) ** 2, weights=weights)
        scores.append(n * float(np.log(max(spread, 1e-300))) + features.size * np.log(n))
    return 2 if scores[1] < scores[0] else 1


def _residuals(
    residuals: FloatArray,
    weights: FloatArray,
    features: Features,
    env: Env,
    choices: dict[Any, Any],
    target: Name,
    normal: bool,
) -> Residuals:
    """The law of the residuals: spread, constant or not, and shape, normal or not, by Schwarz's criterion."""
    totals = weights.sum(axis=1)
    sd = np.sqrt(np.maximum((weights * residuals**2).sum(axis=1) / totals, 1e-300))
    constant = LogLinearScale(Features(()), np.log(sd)[:, None])
    if normal:
        return Residuals(constant, None)
    linear = Features(features.columns, 1 if features.degree != "cells" else "cells")
    key = ("residuals", target, tuple(column.name for column in features.columns))
    n = residuals.shape[1]
    scale = constant
    if features.columns and n >= ROWS_PER_TERM * linear.size and choices.get((key, "scale"), True):
        # The mean of the logarithm of a squared standard normal is -1.27; the last line makes up for other laws.
        squared = np.log(np.maximum(residuals**2, 1e-12 * sd[:, None] ** 2)) + 1.2704
        found = fit_linear(linear.matrix(env, n), squared / 2, weights, linear.penalty(0.1))
        z2 = (residuals / np.exp(linear.predict(env, found))) ** 2
        found[:, 0] += np.log((weights * z2).sum(axis=1) / totals) / 2
        varying = LogLinearScale(linear, found)
        gain = (weights[0] * (np.log(sd[0]) - np.log(varying(env)[0]))).sum()
        if choices.setdefault((key, "scale"), bool(gain > 0.5 * (linear.size - 1) * np.log(n) + 2)):
            scale = varying
    z = residuals / scale(env)
    if not choices.get((key, "shape"), True):
        return Residuals(scale, None)
    shape = Shape.of(z, weights)
    gain = weights[0] @ (np.log(shape.density(z)[0]) + 0.5 * z[0] ** 2 + 0.5 * np.log(2 * np.pi))
    # A kernel estimate has about as many parameters as kernels lie side by side.
    if choices.setdefault((key, "shape"), bool(gain > 6 * np.log(n))):
        return Residuals(scale, shape)
    return Residuals(scale, None)


def _foreign(column: Column, learner: AbstractLearner) -> Any:
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


def _clone(model: Any) -> Any:
    from sklearn.base import clone

    return clone(model) if hasattr(model, "get_params") else copy.deepcopy(model)

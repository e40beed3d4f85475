"""Nuisance models: which learner fits P(target | given), one fit for each pair wherever it recurs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from latentdo.errors import QueryError
from latentdo.graphs import Name, quote
from latentdo.sheet import listed

from .choices import Numbers, Target, features_of, has_room, penalty_of, residuals_of, target_of
from .features import PENALTY, Features
from .foreign import ClassifierLaw, RegressorMean, fitted_copy, foreign_model, raw_matrix
from .laws import (
    AbstractDiscreteLaw,
    AbstractLaw,
    ContinuousLaw,
    EventLaw,
    LinearMean,
    LogisticLaw,
    Predictor,
    Residuals,
    TableLaw,
)
from .learners import AbstractLearner, Auto, Boosted, Glm, Models
from .sample import Column, Env, FloatArray, IntArray, Sample

BOOSTING_FROM = 5_000
BETTER = 0.99
"""What boosting's loss must stay below, relative to the linear model's, to be preferred."""


class Laws(Protocol):
    """Where estimators find conditional laws, fitted or known."""

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        """P(target | given), the same object for the same pair."""
        ...


@dataclass(frozen=True)
class _Choice:
    """What was decided for a pair on the unweighted rows and is kept for all replicates."""

    learner: AbstractLearner
    features: Features
    penalty: float


class Nuisances:
    """Conditional laws fitted to weighted rows, each pair once.

    Attributes:
        used: How the laws were fitted that were asked for, until somebody clears it.

    Args:
        weights: (replicate, row), each row with mean one.
        choices: Decisions that are shared with other weightings of the same sample.
        spared: Columns whose coefficients are not made small where there are few rows: the treatments.
    """

    def __init__(
        self,
        sample: Sample,
        weights: FloatArray,
        models: Models,
        choices: dict[Any, Any] | None = None,
        spared: Collection[Name] = (),
    ) -> None:
        self.sample, self.weights, self.models, self.spared = sample, weights, models, spared
        self._choices: dict[Any, Any] = {} if choices is None else choices
        self._known: dict[tuple[Name, tuple[Name, ...]], AbstractLaw] = {}
        self.used: dict[tuple[Name, tuple[Name, ...]], _Choice] = {}

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        """P(target | given)."""
        names = set(given)
        if target in self.models.seen:
            names &= set(self.models.seen[target])
        key = (target, tuple(sorted(names)))
        if key not in self._known:
            self._known[key] = self._fit(*key)
        self.used[key] = self._choices[key]
        return self._known[key]

    def products(self) -> list[str]:
        """The products that the rows chose for the laws that were asked for, in words: `Y: + A·B`."""
        chosen = {
            f"{quote(name)}: + {choice.features.added}": None
            for (name, _), choice in self.used.items()
            if choice.features.added and isinstance(choice.learner, Glm) and self._glm(name).degree is None
        }
        return list(chosen)

    def one_effect(self) -> list[str]:
        """The laws in which what is set has no product with another column because none was tried, in words."""
        n = float(self.weights[0].sum() ** 2 / (self.weights[0] ** 2).sum())
        left_out: dict[Name, list[Name]] = {}
        for (name, given), choice in self.used.items():
            treated = [each for each in given if each in self.spared]
            is_plain = isinstance(choice.learner, Glm) and choice.features.degree == 1
            if name in self.spared or not treated or len(treated) == len(given) or not is_plain:
                continue
            if self._glm(name).degree == 1 or not has_room(choice.features, n, target_of(self.sample[name]).width):
                left_out.setdefault(name, []).extend(treated)
        return [
            f"no product with {listed(dict.fromkeys(map(quote, treated)))} in the law of {quote(name)}: one effect for all units"
            for name, treated in left_out.items()
        ]

    @property
    def is_linear(self) -> bool:
        """Whether a law that was asked for is a linear model of a column of numbers, so that it can see no threshold."""
        return any(
            isinstance(choice.learner, Glm) and not all(given.is_discrete for given in choice.features.columns)
            for choice in self.used.values()
        )

    def reweighted(self, factors: FloatArray, label: Any) -> Nuisances:
        """The laws in the population in which each row counts `factors` times as much, (replicate or 1, row)."""
        weights = self.weights * factors
        weights = weights / weights.mean(axis=1, keepdims=True)
        choices = self._choices.setdefault(("reweighted", label), {})
        laws = Nuisances(self.sample, weights, self.models, choices, self.spared)
        laws.used = self.used
        return laws

    def crossfitted(self, folds: IntArray) -> CrossFitted:
        """The laws for each row from the rows of the other folds."""
        parts = [
            Nuisances(self.sample, self.weights * (folds != k), self.models, self._choices, self.spared)
            for k in range(int(folds.max()) + 1)
        ]
        for part in parts:
            part.used = self.used
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
            self._choices[key] = self._terms(Numbers(target[:1]), columns, env, self.weights[0], glm)
        features, penalty = self._choices[key]
        return LinearMean(features, self._coefficients(Numbers(target), features, env, penalty, glm), mean, scale)

    def _terms(
        self, target: Target, columns: tuple[Column, ...], env: Env, weights: FloatArray, glm: Glm
    ) -> tuple[Features, float]:
        """The terms of a model, and its penalty."""
        features = (
            Features(columns, glm.degree)
            if glm.degree
            else features_of(target, columns, env, weights, glm, self.spared)
        )
        return features, penalty_of(target, features, env, weights, glm, self.spared)

    def _coefficients(self, target: Target, features: Features, env: Env, penalty: float, glm: Glm) -> FloatArray:
        costs = features.penalty(penalty, self.spared if glm.penalty is None else ())
        return target.fit(features.matrix(env, self.sample.n), self.weights, costs)

    def _glm(self, target: Name) -> Glm:
        learner = self.models.own.get(target, self.models.learner)
        return learner if isinstance(learner, Glm) else Glm()

    def _fit(self, target: Name, given: tuple[Name, ...]) -> AbstractLaw:
        column, columns = self.sample[target], tuple(self.sample[name] for name in given)
        event, env = column, self.sample.env(given)
        if column.whole is not None:
            column = column.whole
        if (target, given) not in self._choices:
            self._choices[target, given] = self._choose(column, columns, env)
        choice: _Choice = self._choices[target, given]
        match choice.learner:
            case Glm():
                law = self._fit_glm(column, choice.features, env, choice.penalty)
            case learner:
                law = self._fit_foreign(column, columns, env, learner)
        if event.whole is None:
            return law
        assert isinstance(law, AbstractDiscreteLaw)
        members = {level for level in column.all_levels if (event.values[column.values == level] == 1).any()}
        return EventLaw(law, np.isin(column.all_levels, list(members)).astype(float))

    def _choose(self, column: Column, columns: tuple[Column, ...], env: Env) -> _Choice:
        learner = self.models.own.get(column.name, self.models.learner)
        glm = self._glm(column.name)
        if continuous := [given.name for given in columns if not given.is_discrete] if glm.degree == "cells" else []:
            raise QueryError(
                f'Glm(degree="cells") has a parameter for each combination of levels, and {continuous[0]!r}, which the model of '
                f"{column.name!r} is given, is continuous. Take degree=None, which decides by itself."
            )
        features, penalty = self._terms(target_of(column), columns, env, self.weights.mean(axis=0), glm)
        if isinstance(learner, Auto):
            learner = glm
            if columns and self.sample.n >= BOOSTING_FROM and features.degree != "cells":
                learner = self._better(column, columns, env, features)
        return _Choice(learner, features, penalty)

    def _better(self, column: Column, columns: tuple[Column, ...], env: Env, features: Features) -> AbstractLearner:
        """The learner that predicts a quarter of the rows better."""
        held = np.random.default_rng(self.sample.n).random(self.sample.n) < 0.25
        part = Nuisances(self.sample, (self.sample.weights * ~held)[None, :], self.models)
        losses: list[float] = []
        for law in (
            part._fit_glm(column, features, env, PENALTY),
            part._fit_foreign(column, columns, env, Boosted()),
        ):
            if column.is_discrete:
                losses.append(-float(np.log(np.maximum(law.density(env, column.values[None]), 1e-12))[0, held].mean()))
            else:
                losses.append(float(((law.mean(env)[0] - column.values)[held] ** 2).mean()))
        return Boosted() if losses[1] < BETTER * losses[0] else Glm()

    def _fit_glm(self, column: Column, features: Features, env: Env, strength: float) -> AbstractLaw:
        if features.degree == "cells" and column.is_discrete:
            return TableLaw(column, features, self._table(column, features, env, strength))
        coefficients = self._coefficients(target_of(column), features, env, strength, self._glm(column.name))
        if column.is_discrete:
            return LogisticLaw(column, features, coefficients)
        return self._continuous(column, features, env, LinearMean(features, coefficients, column.mean, column.sd))

    def _table(self, column: Column, features: Features, env: Env, added: float) -> FloatArray:
        n_levels, n_cells = len(column.all_levels), features.size - 1
        cells = np.broadcast_to(features.cells(env)[0], self.sample.n) if features.columns else np.zeros(1, np.intp)
        code = cells * n_levels + column.codes(column.values)
        counts = np.stack([np.bincount(code, row_weights, n_cells * n_levels) for row_weights in self.weights])
        counts = counts.reshape(-1, n_cells, n_levels)
        whole = counts.sum(axis=1, keepdims=True)
        # A combination that no row has is given the proportions of the whole table.
        added = max(added, 1e-12)
        return (counts + added * whole / whole.sum(axis=2, keepdims=True)) / (counts.sum(axis=2, keepdims=True) + added)

    def _fit_foreign(
        self, column: Column, columns: tuple[Column, ...], env: Env, learner: AbstractLearner
    ) -> AbstractLaw:
        model = foreign_model(column, learner)
        if model is None and column.name in self.models.own:
            kind, lacks = ("levels", "classifier") if column.is_discrete else ("numbers", "regressor")
            raise QueryError(
                f"Models(own=…): the learner of {column.name!r}, a column of {kind}, has no {lacks}. Give it one: "
                f"Foreign({lacks}=…)."
            )
        if model is None or not columns:
            return self._fit_glm(column, Features(columns, 1), env, PENALTY)
        rows = raw_matrix(columns, env)[0][0]
        fitted = [fitted_copy(model, column, rows, row_weights) for row_weights in self.weights]
        if column.is_discrete:
            return ClassifierLaw(column, columns, fitted)
        return self._continuous(column, Features(columns, 1), env, RegressorMean(column, columns, fitted))

    def _continuous(self, column: Column, features: Features, env: Env, mean: Predictor) -> ContinuousLaw:
        def residuals() -> Residuals:
            return residuals_of(
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
        return self._gathered(lambda law, env_of, _: law.mean(env_of), env)

    def density(self, env: Env, values: FloatArray) -> FloatArray:
        return self._gathered(lambda law, env_of, values: law.density(env_of, values), env, values)

    def nodes(self, env: Env, count: int) -> tuple[FloatArray, FloatArray]:
        return (
            self._gathered(lambda law, env_of, _: law.nodes(env_of, count)[0], env),
            self._gathered(lambda law, env_of, _: law.nodes(env_of, count)[1], env),
        )

    def draw(self, env: Env, uniforms: FloatArray) -> FloatArray:
        return self._gathered(lambda law, env_of, uniforms: law.draw(env_of, uniforms), env, uniforms)

    def _gathered(self, ask: Any, env: Env, extra: FloatArray | None = None) -> FloatArray:
        gathered: FloatArray | None = None
        for law, rows in zip(self.laws, self.rows, strict=True):
            env_of = {name: self._part(values, rows) for name, values in env.items()}
            answer = np.asarray(ask(law, env_of, None if extra is None else self._part(extra, rows)))
            answer = np.broadcast_to(answer, (answer.shape[0], len(rows), *answer.shape[2:]))
            if gathered is None:
                gathered = np.empty((answer.shape[0], self.n, *answer.shape[2:]))
            gathered[:, rows] = answer
        assert gathered is not None
        return gathered

    def _part(self, values: FloatArray, rows: IntArray) -> FloatArray:
        return values[:, rows] if values.shape[1] == self.n else values

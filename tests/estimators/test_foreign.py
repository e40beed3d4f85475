"""Learners of users: weights where they take any, drawn rows where they do not, and one clear error for each fault."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from latentdo.errors import FitError, QueryError
from latentdo.estimators import Aipw, Boosted, Foreign, GFormula, Glm, Ipw, Models, Options, estimates
from latentdo.estimators.foreign import fitted_copy, weight_option
from latentdo.estimators.sample import Column
from latentdo.graphs import parse_graph
from latentdo.query import Query

GRAPH = parse_graph("Z -> X -> Y; Z -> Y")
EFFECT = Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")


def rows(n: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    z = rng.normal(size=n)
    x = (rng.random(n) < 1 / (1 + np.exp(-z))) * 1.0
    return {"Z": z, "X": x, "Y": x + z + rng.normal(size=n)}


def said(models: object, replicates: int = 20):
    options = Options(models=models, replicates=replicates)  # pyright: ignore[reportArgumentType]
    return estimates(GRAPH, rows(), EFFECT, methods=[GFormula(), Ipw(), Aipw()], options=options)


@pytest.mark.parametrize(
    ("model", "option"),
    [
        (LinearRegression(), "sample_weight"),
        (KNeighborsRegressor(), None),
        (make_pipeline(StandardScaler(), LinearRegression()), "linearregression__sample_weight"),
        (make_pipeline(StandardScaler(), KNeighborsRegressor()), None),
        (VotingRegressor([("a", LinearRegression())]), "sample_weight"),
        (VotingRegressor([("a", LinearRegression()), ("b", KNeighborsRegressor())]), None),
        (GridSearchCV(LinearRegression(), {"fit_intercept": [True]}), "sample_weight"),
        (RandomForestRegressor(), "sample_weight"),
    ],
)
def test_weights_are_given_where_a_learner_takes_them(model, option):
    assert weight_option(model) == option


@pytest.mark.parametrize(
    "model",
    [make_pipeline(StandardScaler(), LinearRegression()), VotingRegressor([("a", LinearRegression())])],
    ids=["pipeline", "voting"],
)
def test_an_ordinary_learner_in_another_is_itself(model):
    plain, wrapped = said(Models(LinearRegression())), said(model)
    for one, other in zip(plain, wrapped, strict=True):
        assert other.estimate == pytest.approx(one.estimate, rel=1e-9)
        assert other.sd == pytest.approx(one.sd, rel=1e-9)
        assert "without weights" not in other.note


def test_a_learner_without_weights_is_given_drawn_rows():
    class Mean(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            self.mean_, self.n_ = y.mean(), len(y)

        def predict(self, X):
            return np.full(len(X), self.mean_)

    rng = np.random.default_rng(1)
    values, weights = rng.normal(size=5000), rng.exponential(size=5000)
    fitted = fitted_copy(Mean(), Column("Y", values), np.zeros((5000, 1)), weights)
    # Rounding adds at most sqrt(1/4 / n).
    assert fitted.mean_ == pytest.approx(np.average(values, weights=weights), abs=4 * 0.5 / np.sqrt(5000))
    assert abs(fitted.n_ - 5000) <= 1
    exact = fitted_copy(Mean(), Column("Y", values), np.zeros((5000, 1)), (values > 0) * 2.0)
    assert exact.mean_ == pytest.approx(values[values > 0].mean(), rel=1e-12)
    row = said(KNeighborsRegressor(50))[0]
    assert row.sd is not None and row.sd > 0.02
    assert "KNeighborsRegressor without weights: rows are drawn" in row.note


class Odd(RegressorMixin, BaseEstimator):
    """Predicts what it is told to."""

    def __init__(self, what="nan"):
        self.what = what

    def fit(self, X, y, sample_weight=None):
        if self.what == "raises":
            raise RuntimeError("boo")

    def predict(self, X):
        return {"nan": np.full(len(X), np.nan), "short": np.zeros(len(X) // 2), "text": ["a"] * len(X)}[self.what]


class OddClassifier(ClassifierMixin, BaseEstimator):
    def __init__(self, what="nan"):
        self.what = what

    def fit(self, X, y, sample_weight=None):
        if self.what != "bare":
            self.classes_ = np.unique(y)

    def predict_proba(self, X):
        row = {"nan": [np.nan, 1], "three": [0.2, 0.3, 0.5], "beyond": [-5, 6], "sum": [0.2, 0.2]}[self.what]
        return np.tile(np.array(row, dtype=float), (len(X), 1))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Odd("nan"), "Odd, the learner of 'Y', gives nan for"),
        (Odd("short"), r"'Y', gives an array of shape .* in predict; expected: one number for each of"),
        (Odd("raises"), "Odd, the learner of 'Y', failed in fit.*RuntimeError: boo"),
        (Odd("text"), "'Y', failed in predict.*could not convert"),
        (OddClassifier("nan"), r"'X', gives a row \[nan, 1.0\] in predict_proba"),
        (OddClassifier("three"), r"'X', gives an array of shape \(400, 3\)"),
        (OddClassifier("beyond"), r"gives a row \[-5.0, 6.0\].*add up to 1"),
        (OddClassifier("sum"), "gives a row .*add up to 1"),
        (OddClassifier("bare"), "without classes_"),
    ],
)
def test_a_learner_that_fails_is_named_with_its_column(model, message):
    with pytest.raises(FitError, match=message):
        said(model, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Foreign(regressor=LogisticRegression()), "is a classifier"),
        (lambda: Foreign(classifier=LinearRegression()), "no method predict_proba"),
        (lambda: Foreign(), "holds no learner"),
        (lambda: Foreign(regressor=LinearRegression), r"got the class LinearRegression. Write LinearRegression\(\)"),
        (lambda: Models(LinearSVC()), "without predict_proba"),
        (lambda: Models("glm"), "takes a learner such as"),
        (lambda: Models(own={"Y": "glm"}), r"own=\{'Y': …\} takes a learner"),
        (lambda: Models(own=LinearRegression()), "takes a dict"),
        (lambda: Models(seen={"Y": "Z"}), "names of nodes, such as .*, got 'Z'"),
        (lambda: Models(seen={"Y": [3]}), "3 is no name"),
        (lambda: Glm(degree=3), 'takes 1, 2, "cells" or None, got 3'),
        (lambda: Glm(degree="x"), "got 'x'"),
        (lambda: Glm(penalty=-1), "of at least 0, got -1"),
        (lambda: Glm(penalty=float("nan")), "got nan"),
        (lambda: Boosted(trees=0), r"Boosted\(trees=…\) is a whole number of at least 1, got 0"),
        (lambda: Boosted(rate=0), "above 0, got 0"),
        (lambda: Ipw(adjustment="Z"), "names of nodes, such as .*, got 'Z'"),
        (lambda: said(Models(own={"Q": Glm()})), "'Q' is no measured node"),
        (lambda: said(Models(seen={"Yy": ("Z",)})), "Did you mean 'Y'"),
        (lambda: said(Models(seen={"Y": ("Zz",)})), "Did you mean 'Z'"),
        (lambda: said(Models(own={"Y": LogisticRegression()})), "'Y', a column of numbers, has no regressor"),
        (lambda: said(Glm(degree="cells")), "'Z', which the model of .* is given, is continuous"),
    ],
)
def test_models_that_cannot_be(make, message):
    with pytest.raises(QueryError, match=message):
        make()


def test_estimators_of_scikit_learn_are_wrapped():
    models = Models(LinearRegression(), own={"X": LogisticRegression()})
    assert isinstance(models.learner, Foreign) and isinstance(models.own["X"], Foreign)
    assert Ipw(adjustment=["Z", "Z"]).adjustment == frozenset({"Z"})  # pyright: ignore[reportArgumentType]

"""Nuisance models: against scikit-learn, many weightings at once against one, laws that sum to one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from latentdo.errors import DataError
from latentdo.estimators import Auto, Boosted, Foreign, Glm, Models
from latentdo.estimators.nuisances import Nuisances
from latentdo.estimators.sample import Sample, column_of, sample_of


def _sample(n: int = 600, seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    k = rng.integers(0, 3, n).astype(float)
    t = (rng.random(n) < 1 / (1 + np.exp(-a + 0.5 * (k == 2)))) * 1.0
    scores = np.exp(np.stack([0 * a, a, b], 1))
    m = (rng.random(n)[:, None] > np.cumsum(scores / scores.sum(1, keepdims=True), 1)).sum(1)
    y = 1 + a - b + t + (k == 1) + rng.normal(size=n) * np.exp(0.4 * a)
    return sample_of({"A": a, "B": b, "K": k, "T": t, "M": m * 1.0, "Y": y}, ["A", "B", "K", "T", "M", "Y"])


def _coded(sample: Sample) -> np.ndarray:
    a, b = sample["A"], sample["B"]
    k = sample["K"].values
    return np.stack([(a.values - a.mean) / a.sd, (b.values - b.mean) / b.sd, k == 1, k == 2], 1).astype(float)


@pytest.mark.parametrize("target", ["T", "M"])
def test_logistic_models_are_those_of_scikit_learn(target):
    sample = _sample()
    weights = np.random.default_rng(1).exponential(size=(3, sample.n))
    law = Nuisances(sample, weights, Models(Glm(1, 0.5))).law(target, ["A", "B", "K"])
    env = sample.env(["A", "B", "K"])
    for own, found in zip(weights, law.probabilities(env), strict=True):
        if target == "T":
            truth = LogisticRegression(C=2.0, tol=1e-10).fit(_coded(sample), sample[target].values, own)
            assert found == pytest.approx(truth.predict_proba(_coded(sample)), abs=1e-4)
        # scikit-learn penalises the first level's coefficients too, so that only the likelihood can be compared.
        else:
            truth = LogisticRegression(C=1e6, tol=1e-10, max_iter=2000).fit(_coded(sample), sample[target].values, own)
            picked = sample[target].values.astype(int)[:, None]
            ours, theirs = (np.take_along_axis(law, picked, 1) for law in (found, truth.predict_proba(_coded(sample))))
            assert own @ np.log(ours) == pytest.approx(own @ np.log(theirs), rel=1e-3)


def test_least_squares_is_ridge_regression():
    sample = _sample()
    law = Nuisances(sample, np.ones((1, sample.n)), Models(Glm(1, 0.5))).law("Y", ["A", "B", "K"])
    truth = Ridge(0.5).fit(_coded(sample), sample["Y"].values).predict(_coded(sample))
    assert law.mean(sample.env(["A", "B", "K"]))[0] == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize(
    ("target", "given"), [("Y", "ABKT"), ("T", "ABK"), ("M", "AB"), ("T", "K"), ("Y", "KT"), ("A", ""), ("K", "")]
)
def test_many_weightings_at_once_are_each_alone(target, given):
    sample = _sample()
    weights = np.random.default_rng(2).exponential(size=(3, sample.n))
    shared: dict = {}
    together = Nuisances(sample, weights, Models(), shared).law(target, given)
    env, values = sample.env("ABKT"), sample[target].values[None]
    for i in range(3):
        alone = Nuisances(sample, weights[i : i + 1], Models(), shared).law(target, given)
        for ask in (lambda law: law.mean(env), lambda law: law.density(env, values)):
            ours, theirs = (np.broadcast_to(ask(law), (rows, sample.n)) for law, rows in ((together, 3), (alone, 1)))
            assert ours[i] == pytest.approx(theirs[0], rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("given", ["", "A", "AK"])
def test_densities_integrate_to_one_and_nodes_have_the_mean(given):
    sample = _sample()
    law = Nuisances(sample, np.ones((1, sample.n)), Models()).law("Y", given)
    env = {name: values[:, :20] for name, values in sample.env("AK").items()}
    grid = np.linspace(-40, 40, 8001)
    values = law.density({name: old[..., None] for name, old in env.items()}, grid.reshape(1, 1, -1))
    assert np.trapezoid(values, grid, axis=-1) == pytest.approx(1, abs=5e-3)
    nodes, weights = law.nodes(env, 9)
    assert (nodes * weights).sum(-1) == pytest.approx(np.broadcast_to(law.mean(env), (1, nodes.shape[1])), abs=0.15)


def test_draws_follow_the_law():
    sample = _sample()
    law = Nuisances(sample, np.ones((1, sample.n)), Models()).law("M", "AB")
    env = {name: np.full((1, 1), 0.5) for name in "AB"}
    even = ((np.arange(4000) + 0.5) / 4000)[None]
    drawn = law.draw(env, even)
    assert [(drawn == level).mean() for level in range(3)] == pytest.approx(law.probabilities(env)[0, 0], abs=1e-3)


def test_spread_that_depends_on_a_column_is_found():
    sample = _sample(3000)
    law = Nuisances(sample, np.ones((1, sample.n)), Models()).law("Y", "ABKT")
    low, high = (
        law.residuals.scale({**{name: np.zeros((1, 1)) for name in "BKT"}, "A": np.full((1, 1), a)}) for a in (-1, 1)
    )
    assert float(high[0, 0] / low[0, 0]) == pytest.approx(np.exp(0.8), rel=0.12)
    assert Nuisances(sample, np.ones((1, sample.n)), Models(normal=True)).law("Y", "A").residuals.shape is None


def test_one_law_is_fitted_once():
    sample = _sample()
    laws = Nuisances(sample, np.ones((1, sample.n)), Models())
    assert laws.law("Y", "AB") is laws.law("Y", ("B", "A"))


def test_no_row_is_judged_by_a_model_that_it_trained():
    sample = _sample(200)
    folds = np.arange(200) % 4
    laws = Nuisances(sample, np.ones((1, 200)), Models(Glm(1))).crossfitted(folds)
    env = sample.env("AB")
    before = laws.law("Y", "AB").mean(env)
    moved = sample["Y"].values.copy()
    moved[folds == 2] += 100
    other = sample.with_column(column_of("Y", moved))
    after = Nuisances(other, np.ones((1, 200)), Models(Glm(1))).crossfitted(folds).law("Y", "AB").mean(env)
    # The penalty is in units of the column, whose spread the moved rows change.
    assert after[0, folds == 2] == pytest.approx(before[0, folds == 2], abs=0.1)
    assert np.abs(after - before)[0, folds == 1].min() > 5


@pytest.mark.parametrize(
    "learner",
    [Boosted(trees=30), Foreign(RandomForestClassifier(20, random_state=0), LinearRegression()), Auto()],
)
def test_other_learners_have_the_same_laws(learner):
    sample = _sample(400)
    laws = Nuisances(sample, np.ones((2, sample.n)), Models(learner))
    env = sample.env("ABKT")
    assert laws.law("M", "AB").probabilities(env).sum(-1) == pytest.approx(1)
    assert laws.law("Y", "ABT").density(env, sample["Y"].values[None]).shape == (2, 400)
    wide = {name: values[..., None] for name, values in env.items()} | {"T": np.array([0.0, 1.0]).reshape(1, 1, 2)}
    assert np.broadcast_to(laws.law("Y", "AT").mean(wide), (2, 400, 2)).shape == (2, 400, 2)


def test_columns_are_told_apart():
    rng = np.random.default_rng(0)
    assert column_of("X", rng.integers(0, 2, 50) * 3.0).all_levels.tolist() == [0.0, 3.0]
    assert column_of("X", rng.integers(0, 5, 500) * 1.0).is_discrete
    assert not column_of("X", rng.integers(0, 5, 500) * 1.0, continuous=True).is_discrete
    assert not column_of("X", rng.integers(0, 5, 12) * 1.0).is_discrete
    assert not column_of("X", rng.integers(0, 100, 500) * 1.0).is_discrete
    assert column_of("X", np.arange(12) % 10.0, tuple("abcdefghij")).is_discrete
    with pytest.raises(DataError, match=r"Column 'X' is constant \(2\)"):
        column_of("X", np.full(9, 2.0))
    with pytest.raises(DataError, match="There is no column 'Z'"):
        _sample(50)["Z"]
    with pytest.raises(DataError, match="There are 1 rows"):
        sample_of({"X": np.ones(1)}, ["X"])


def test_a_model_with_too_many_terms_is_made_small_save_of_the_treatment():
    rng = np.random.default_rng(4)
    z = rng.normal(size=(60, 2000))
    columns = {**{f"Z{i}": own for i, own in enumerate(z)}, "T": (rng.random(2000) < 0.5) * 1.0}
    columns["Y"] = 2 * columns["T"] + z[0] + rng.normal(size=2000)
    given = [name for name in columns if name != "Y"]

    def error(n: int, learner: Glm, spared: tuple[str, ...] = ()) -> tuple[float, float]:
        """Of the mean of the rows that were not seen, in standard deviations of the noise; and the effect of T."""
        sample = sample_of({name: values[:n] for name, values in columns.items()}, tuple(columns))
        law = Nuisances(sample, np.ones((1, n)), Models(learner), spared=spared).law("Y", given)
        others = {name: columns[name][None, 1000:] for name in given}
        low, high = (law.mean({**others, "T": np.full((1, 1000), t)}) for t in (0.0, 1.0))
        truth = 2 * others["T"] + others["Z0"]
        return float(np.sqrt(((law.mean(others) - truth) ** 2).mean())), float((high - low).mean())

    loose, chosen = error(50, Glm(1, 0.1)), error(50, Glm(1))
    assert chosen[0] < 0.75 * loose[0]
    assert error(50, Glm(1), ("T",))[1] > chosen[1] + 0.2
    assert error(50, Glm(1, 30.0), ("T",)) == error(50, Glm(1, 30.0))
    assert error(1000, Glm(1)) == error(1000, Glm(1, 0.1))

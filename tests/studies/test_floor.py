"""The floor of a study: the posterior of its last equation, and what follows from it under an intervention."""

from __future__ import annotations

import numpy as np
import pytest

from latentdo.errors import StudyError
from latentdo.tables import Table
from studies import STUDIES, Study, study
from studies.floor import floor_rows, last_cause, last_equation

MODEL = """\
model: |
  latent U ~ normal
  T ~ normal(U)
  X ~ normal(+T, U)
  Y ~ bernoulli(+X)
queries:
  low: E[Y | do(T=-1)]
  gap: E[Y | do(T=1)] - E[Y | do(T=0)]
"""


def draw(n, *, seed, do, latents, progress):
    """X = T + U + e with standard normal noise; P(Y = 1) is the sigmoid of X - 1."""
    random = np.random.default_rng(seed)
    u = random.normal(size=n)
    t = np.full(n, do["T"]) if "T" in do else u + random.normal(size=n)
    x = t + u + random.normal(size=n)
    y = (random.uniform(size=n) < 1 / (1 + np.exp(1 - x))).astype(float)
    return Table({"T": t, "X": x, "Y": y})


def made(main=("low",), file=MODEL) -> Study:
    return Study("made", "Made", "", file, (), "", "", draw, 200, (60,), main, "Y")


def test_posterior_of_the_last_equation_is_that_of_weighted_draws_from_the_prior():
    data = draw(40, seed=3, do={}, latents=False, progress=None)
    intercept, weight, mass = last_equation(data["X"], data["Y"])
    random = np.random.default_rng(1)
    a, b = random.normal(0, 3, 400_000), np.abs(random.normal(0, 2, 400_000))
    z = (data["X"] - data["X"].mean()) / data["X"].std(ddof=1)
    log = np.zeros_like(a)
    for unit, value in zip(z, data["Y"], strict=True):
        log += value * (a + b * unit) - np.logaddexp(0, a + b * unit)
    likely = np.exp(log - log.max())
    likely /= likely.sum()
    error = 5 / np.sqrt(1 / (likely**2).sum())
    slope = b / data["X"].std(ddof=1)
    for grid, drawn in ((weight, slope), (intercept, a - slope * data["X"].mean())):
        mean, sd = likely @ drawn, np.sqrt(likely @ drawn**2 - (likely @ drawn) ** 2)
        assert mass @ grid == pytest.approx(mean, abs=error * sd)
        assert np.sqrt(mass @ grid**2 - (mass @ grid) ** 2) == pytest.approx(sd, rel=error)


def test_with_many_rows_the_floor_is_the_truth_within_its_interval():
    data = draw(1200, seed=5, do={}, latents=False, progress=None)
    truth = draw(400_000, seed=8, do={"T": -1.0}, latents=False, progress=None)["Y"].mean()
    (row,) = floor_rows(made(), data, 1200)
    assert (row["query"], row["method"], row["level"]) == ("low", "floor", 0.9)
    assert row["lower"] < row["estimate"] < row["upper"]
    assert row["estimate"] == pytest.approx(truth, abs=3 * row["sd"])
    assert row["sd"] < 0.03
    assert row["upper"] - row["lower"] == pytest.approx(2 * 1.645 * row["sd"], rel=0.05)


def test_only_the_first_rows_count():
    data = draw(200, seed=5, do={}, latents=False, progress=None)
    short = {name: values[:60] for name, values in data.items()}
    assert floor_rows(made(), data, 60)[0]["estimate"] == floor_rows(made(), short, 60)[0]["estimate"]
    assert floor_rows(made(), data, 60)[0]["estimate"] != floor_rows(made(), data, 200)[0]["estimate"]


def test_a_study_whose_outcome_is_not_binary_with_one_measured_cause_has_no_floor():
    assert last_cause(made()) == "X"
    signaling = study("signaling")
    assert last_cause(signaling) is None
    with pytest.raises(StudyError, match="bernoulli outcome with one measured cause"):
        floor_rows(signaling, signaling.simulate(60, seed=0, do={}, latents=False, progress=None), 60)


@pytest.mark.parametrize("name", STUDIES)
def test_of_the_built_in_studies_covid_has_one(name):
    assert last_cause(STUDIES[name]) == ("IL6_AMP" if name == "covid" else None)


@pytest.mark.parametrize(
    "outcome", ["Y ~ bernoulli(X)", "Y ~ bernoulli(+U)", "Y ~ bernoulli(+X, +T)", "Y ~ normal(+X)"]
)
def test_a_cause_of_unknown_sign_a_latent_one_and_several_have_none(outcome):
    assert last_cause(made(file=MODEL.replace("Y ~ bernoulli(+X)", outcome))) is None


def test_a_question_that_is_no_mean_under_do_is_refused():
    with pytest.raises(StudyError, match="'gap' asks"):
        floor_rows(made(main=("gap",)), draw(60, seed=0, do={}, latents=False, progress=None), 60)

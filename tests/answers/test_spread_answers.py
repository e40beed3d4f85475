"""Answers of models with `sd=loglinear(X)` beside their closed forms, draw by draw."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import lognorm, norm, t

import latentdo as ld
from posteriors import numbers, posterior_of

SEEN = "X ~ normal; Y ~ normal(X, sd=loglinear(X))"
HIDDEN = "latent U ~ normal; X ~ normal; Y ~ normal(X, U, sd=loglinear(U))"
"""U is no confounder: what it does to the spread of Y is averaged over."""


@pytest.fixture(scope="module")
def seen() -> ld.Posterior:
    return posterior_of(SEEN, {"sd weight X -> Y": 0.4, "sd intercept(Y)": -0.2})


def close(answer: ld.Answer, expected: np.ndarray, rel: float = 1e-6) -> None:
    assert answer.draws.reshape(-1) == pytest.approx(expected, rel=rel, abs=rel)


def test_questions_about_a_law_are_those_of_a_normal_one_with_the_sd_of_that_place(seen):
    own = numbers(seen)
    mean = own["intercept(Y)"] + 1.5 * own["X -> Y"]
    sd = np.exp(own["sd intercept(Y)"] + 1.5 * own["sd weight X -> Y"])
    at = "do(X=1.5)"
    close(ld.ask(seen, f"E[Y | {at}]"), mean)
    close(ld.ask(seen, f"Var[Y | {at}]"), sd**2)
    close(ld.ask(seen, f"SD[Y | {at}]"), sd)
    close(ld.ask(seen, f"P(Y > 1 | {at})"), norm(mean, sd).sf(1.0))
    close(ld.ask(seen, f"P(Y > 0, Y < 2 | {at})"), norm(mean, sd).cdf(2.0) - norm(mean, sd).cdf(0.0))
    close(ld.ask(seen, f"Quantile[Y, 0.9 | {at}]"), norm(mean, sd).ppf(0.9), 1e-4)
    close(ld.ask(seen, f"density(Y=0.5 | {at})"), norm(mean, sd).pdf(0.5))


def test_the_variance_over_a_law_of_the_cause_has_both_parts(seen):
    own = numbers(seen)
    slope, of_spread = own["X -> Y"], own["sd weight X -> Y"]
    # Var = slope² + E[exp(2 (s + w X))], X standard normal.
    expected = slope**2 + np.exp(2.0 * own["sd intercept(Y)"] + 2.0 * of_spread**2)
    answer = ld.ask(seen, "Var[Y | do(X ~ normal(0, 1))]")
    assert answer.draws.reshape(-1).mean() == pytest.approx(expected.mean(), rel=0.01)


def test_evidence_weighs_by_the_spread_of_each_unit(seen):
    own = numbers(seen)
    x = np.linspace(-9.0, 9.0, 4_001)[None]
    mean, sd = own["intercept(X)"][:, None], own["sd(X)"][:, None]
    y_mean = own["intercept(Y)"][:, None] + own["X -> Y"][:, None] * x
    y_sd = np.exp(own["sd intercept(Y)"][:, None] + own["sd weight X -> Y"][:, None] * x)
    weight = norm(mean, sd).pdf(x) * norm(y_mean, y_sd).pdf(2.0)
    expected = (weight * x).sum(axis=1) / weight.sum(axis=1)
    answer = ld.ask(seen, "E[X | Y=2]")
    assert answer.mean == pytest.approx(expected.mean(), abs=0.01)


def test_a_spread_by_a_hidden_cause_is_averaged_over():
    fit = posterior_of(HIDDEN)
    own = numbers(fit)
    expected = own["U -> Y"] ** 2 + np.exp(2.0 * own["sd intercept(Y)"] + 2.0 * own["sd weight U -> Y"] ** 2)
    answer = ld.ask(fit, "Var[Y | do(X=1)]")
    assert answer.mean == pytest.approx(expected.mean(), rel=0.01)
    assert ld.ask(fit, "E[Y | do(X=1)]").mean == pytest.approx((own["intercept(Y)"] + own["X -> Y"]).mean(), abs=0.01)


def test_other_families_have_their_laws_with_the_parameter_of_that_place():
    fit = posterior_of("X ~ normal; Y ~ student(X, scale=loglinear(X), df=5); P ~ lognormal(X, sd=loglinear(X))")
    own = numbers(fit)
    scale = np.exp(own["scale intercept(Y)"] + own["scale weight X -> Y"])
    law = t(5.0, own["intercept(Y)"] + own["X -> Y"], scale)
    close(ld.ask(fit, "P(Y > 2 | do(X=1))"), law.sf(2.0))
    close(ld.ask(fit, "Var[Y | do(X=1)]"), law.var())
    sd = np.exp(own["sd intercept(P)"] + own["sd weight X -> P"])
    positive = lognorm(sd, scale=np.exp(own["intercept(P)"] + own["X -> P"]))
    close(ld.ask(fit, "E[P | do(X=1)]"), positive.mean())
    close(ld.ask(fit, "P(P > 2 | do(X=1))"), positive.sf(2.0))
    close(ld.ask(fit, "Quantile[P, 0.9 | do(X=1)]"), positive.ppf(0.9), 1e-4)


def test_noise_that_depends_on_the_parameter_is_drawn_row_by_row():
    """The noise of a gamma node is not the same for all shapes: its quantiles are found for each."""
    fit = posterior_of("X ~ normal; P ~ gamma(X, shape=loglinear(X)); Y ~ normal(P)", spread=0.05)
    own = numbers(fit)
    mean = np.exp(own["intercept(P)"] + own["X -> P"])
    shape = np.exp(own["shape intercept(P)"] + own["shape weight X -> P"])
    expected = own["P -> Y"] ** 2 * mean**2 / shape + own["sd(Y)"] ** 2
    answer = ld.ask(fit, "Var[Y | do(X=1)]")
    assert answer.mean == pytest.approx(expected.mean(), rel=0.02)

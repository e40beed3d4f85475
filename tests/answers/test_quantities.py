"""Variances, quantiles, densities, drawn treatments and joint evidence, simulated, against laws known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import latentdo as ld
from latentdo.inference import Posterior
from posteriors import Binary, Gaussian, numbers, posterior_of

pytestmark = pytest.mark.usefixtures("simulated")

GAUSSIAN = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U); C ~ normal(Y)"
BINARY = "latent U ~ normal; X ~ bernoulli(U); M ~ bernoulli(X); Y ~ bernoulli(M, U)"
COUNTED = "X ~ normal; K ~ categorical(X, levels=[0, 1, 2, 5]); G ~ gamma(X); T ~ student(X, df=5)"
FEW = (4, 25)


@pytest.fixture(scope="module")
def gaussian() -> Posterior:
    return posterior_of(GAUSSIAN, {"X -> M": 0.8, "M -> Y": 0.9}, shape=FEW)


def draws(posterior: Posterior, query: str) -> np.ndarray:
    answer = ld.ask(posterior, query, allow_unidentified=True)
    assert isinstance(answer, ld.Answer)
    assert answer.n_units > 0
    return answer.draws


@pytest.mark.parametrize("given", [{}, {"C": 1.0}])
def test_moments_quantiles_and_densities_of_a_normal_law(gaussian, given):
    behind = "do(X=1)" + "".join(f", {node}={value}" for node, value in given.items())
    mean, sd = Gaussian(gaussian, {"X": 1.0}).given("Y", given)
    # Evidence below Y weighs drawn values, which are steps.
    near = 0.08 if not given else 0.3
    np.testing.assert_allclose(draws(gaussian, f"SD[Y | {behind}]"), sd, atol=near)
    np.testing.assert_allclose(draws(gaussian, f"Var[Y | {behind}]"), sd**2, atol=4 * near)
    np.testing.assert_allclose(draws(gaussian, f"Median[Y | {behind}]"), mean, atol=2 * near)
    z = scipy.stats.norm.ppf(0.9)
    np.testing.assert_allclose(draws(gaussian, f"Quantile[Y, 0.9 | {behind}]"), mean + z * sd, atol=3 * near)
    np.testing.assert_allclose(
        draws(gaussian, f"density(Y=1.5 | {behind})"), scipy.stats.norm.pdf(1.5, mean, sd), atol=near / 2
    )


def test_a_quantile_is_where_the_probability_is_its_level(gaussian):
    at = draws(gaussian, "Quantile[Y, 0.25 | do(X=0), C > 0]")
    law = Gaussian(gaussian, {"X": 0.0})
    mean, cov = law.of("Y", "C")
    share = [
        scipy.stats.multivariate_normal([-m[1], m[0]], [[c[1, 1], -c[0, 1]], [-c[0, 1], c[0, 0]]]).cdf([0.0, y])
        / scipy.stats.norm.cdf(m[1] / np.sqrt(c[1, 1]))
        for m, c, y in zip(mean, cov, at, strict=True)
    ]
    assert abs(np.mean(share) - 0.25) < 0.02


def test_binary_outcomes_have_variances_and_quantiles():
    posterior = posterior_of(BINARY, {"X -> M": 1.5, "M -> Y": 2.0, "intercept(Y)": -1.0}, shape=FEW)
    one = Binary(posterior, {"X": 1.0}).chance(Y=1)
    np.testing.assert_allclose(draws(posterior, "P(Y=1 | do(X=1))"), one, atol=5e-3)
    np.testing.assert_allclose(draws(posterior, "Var[Y | do(X=1)]"), one * (1 - one), atol=2e-3)
    np.testing.assert_array_equal(draws(posterior, "Median[Y | do(X=1)]"), 1.0)
    np.testing.assert_allclose(draws(posterior, "odds(Y=1 | do(X=1))"), one / (1 - one), rtol=0.02)


def test_levels_counts_and_tails_have_theirs():
    posterior = posterior_of(COUNTED, shape=FEW)
    own = numbers(posterior)
    at = draws(posterior, "Quantile[K, 0.6 | do(X=1)]")
    assert set(np.unique(at)) <= {0.0, 1.0, 2.0, 5.0}
    share = draws(posterior, "P(K <= 2 | do(X=1))")
    assert (at[share < 0.6] == 5.0).all()
    assert (at[share >= 0.6] <= 2.0).all()
    eta = own["intercept(G)"] + own["X -> G"]
    shape, scale = own["shape(G)"], np.exp(eta) / own["shape(G)"]
    np.testing.assert_allclose(
        draws(posterior, "Median[G | do(X=1)]"), scipy.stats.gamma.median(shape, scale=scale), rtol=1e-6
    )
    np.testing.assert_allclose(draws(posterior, "Var[G | do(X=1)]"), shape * scale**2, rtol=1e-9)
    np.testing.assert_allclose(
        draws(posterior, "density(G=2 | do(X=1))"), scipy.stats.gamma.pdf(2, shape, scale=scale), rtol=1e-9
    )
    np.testing.assert_allclose(draws(posterior, "SD[T | do(X=1)]"), own["scale(T)"] * np.sqrt(5 / 3), rtol=1e-9)


@pytest.mark.parametrize(
    ("law", "mean"),
    [
        ("normal(1, 0.5)", 1.0),
        ("uniform(-1, 2)", 0.5),
        ("gamma(2, 4)", 0.5),
        ("lognormal(0, 0.5)", np.exp(0.125)),
        ("exponential(2)", 0.5),
        ("student(5, 1, 0.5)", 1.0),
        ("beta(2, 2)", 0.5),
        ("poisson(3)", 3.0),
        ("normal(0, 1, low=0)", np.sqrt(2 / np.pi)),
    ],
)
def test_a_treatment_is_drawn_from_its_law(gaussian, law, mean):
    own = numbers(gaussian)
    exact = own["intercept(M)"] + own["X -> M"] * mean
    np.testing.assert_allclose(draws(gaussian, f"E[M | do(X ~ {law})]"), exact, atol=0.15)


def test_a_drawn_treatment_shows_in_the_spread(gaussian):
    own = numbers(gaussian)
    exact = np.sqrt(own["sd(M)"] ** 2 + (own["X -> M"] * 2.0) ** 2)
    np.testing.assert_allclose(draws(gaussian, "SD[M | do(X ~ normal(0, 2))]"), exact, rtol=0.08)


def test_digits_are_not_lost_far_from_zero():
    posterior = posterior_of(
        "X ~ normal; Y ~ normal(X)", {"intercept(Y)": 1e7}, spread=1e-9, shape=FEW, ranges={"Y": (1e7 - 5, 1e7 + 5)}
    )
    np.testing.assert_allclose(draws(posterior, "Var[Y | do(X=1)]"), 1.0, rtol=1e-6)
    np.testing.assert_allclose(draws(posterior, "Var[Y]"), 2.0, rtol=0.02)


NO_MOMENTS = [
    ("E[Y | do(X ~ student(1, 0, 1))]", "student(1, 0, 1) has no mean"),
    ("Var[Y | do(X ~ student(2, 0, 1))]", "student(2, 0, 1) has an infinite variance"),
    ("E[G | do(X ~ lognormal(0, 1))]", "tails too heavy for the exponential of a log link"),
]
TAILED = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U); G ~ gamma(X); H ~ hill(X); B ~ bernoulli(Y)"


@pytest.mark.parametrize(("query", "why"), NO_MOMENTS)
def test_moments_that_do_not_exist_are_refused(query, why):
    with pytest.raises(ld.LatentdoError) as caught:
        ld.ask(posterior_of(TAILED, shape=(4, 5)), query, allow_unidentified=True)
    assert why in str(caught.value)
    assert "Ask for the median" in str(caught.value)


def test_bounded_responses_and_cut_laws_have_moments():
    posterior = posterior_of(TAILED, shape=(4, 20))
    for query in (
        "E[H | do(X ~ student(1, 0, 1))]",
        "E[B | do(X ~ student(1, 0, 1))]",
        "Median[Y | do(X ~ student(1, 0, 1))]",
        "E[Y | do(X ~ student(1, 0, 1, low=-9, high=9))]",
    ):
        answer = ld.ask(posterior, query, allow_unidentified=True)
        assert np.isfinite(answer.mean)
        assert not any("heavy tails, which" in warning for warning in answer.warnings)
    heavy = ld.ask(posterior, "E[Y | do(X ~ student(3, 0, 1))]", allow_unidentified=True)
    assert any("has heavy tails, which a mean may hang on" in warning for warning in heavy.warnings)

"""Laws of stochastic interventions, against `scipy.stats`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from latentdo.answers.laws import law_moments, law_quantile, law_range
from latentdo.query import OFFERED, Distribution, Query

LEVELS = np.array([1e-9, 1e-6, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-6, 1 - 1e-9])


def law(text: str) -> Distribution:
    """The law that is written behind `~`."""
    value = Query.parse(f"E[Y | do(X ~ {text})]").term.do[0].value
    assert isinstance(value, Distribution)
    return value


KNOWN = {
    "normal(1, 2)": stats.norm(1, 2),
    "student(4, 1, 2)": stats.t(4, 1, 2),
    "student(1.5, 0, 1)": stats.t(1.5),
    "lognormal(0.5, 0.4)": stats.lognorm(0.4, scale=np.exp(0.5)),
    "gamma(2.5, 3)": stats.gamma(2.5, scale=1 / 3),
    "exponential(0.7)": stats.expon(scale=1 / 0.7),
    "halfnormal(2)": stats.halfnorm(scale=2),
    "beta(2, 5)": stats.beta(2, 5),
    "uniform(-1, 3)": stats.uniform(-1, 4),
    "bernoulli(0.3)": stats.bernoulli(0.3),
    "categorical(0.2, 0.5, 0.3)": stats.rv_discrete(values=([0, 1, 2], [0.2, 0.5, 0.3])),
    "poisson(2.5)": stats.poisson(2.5),
    "poisson(1e4)": stats.poisson(1e4),
}


def test_every_law_is_tested():
    assert {text.split("(")[0] for text in KNOWN} == set(OFFERED)


@pytest.mark.parametrize("text", KNOWN)
def test_quantiles_are_those_of_the_law(text: str):
    np.testing.assert_allclose(law_quantile(law(text), LEVELS), KNOWN[text].ppf(LEVELS), rtol=1e-5)


@pytest.mark.parametrize("text", KNOWN)
def test_mean_and_sd_are_those_of_the_law(text: str):
    mean, sd = law_moments(law(text))
    np.testing.assert_allclose((mean, sd), (KNOWN[text].mean(), KNOWN[text].std()), rtol=1e-12)


@pytest.mark.parametrize("text", KNOWN)
def test_the_range_of_a_law_lies_between_its_tails(text: str):
    assert law_range(law(text)) == pytest.approx(tuple(KNOWN[text].ppf([0.025, 0.975])), rel=1e-8)


@pytest.mark.parametrize("mean", [1e-9, 0.3, 7.0, 300.0, 1e6])
def test_counts_are_the_smallest_that_reach_the_quantile(mean: float):
    levels = np.array([0.0, 1e-12, 0.2, stats.poisson(mean).cdf(np.floor(mean)), 0.9, 1 - 1e-12])
    found = law_quantile(law(f"poisson({mean!r})"), levels)
    np.testing.assert_array_equal(found[1:], stats.poisson(mean).ppf(levels[1:]))
    assert np.isfinite(law_quantile(law(f"poisson({mean!r})"), 1.0))


def test_no_warning_is_given_where_a_law_is_too_large():
    assert law_range(law("lognormal(1000, 1)"))[1] == np.inf


def test_a_student_law_without_moments_says_so():
    assert np.isnan(law_moments(law("student(1, 0, 1)"))[0])
    assert law_moments(law("student(1, 0, 1)"))[1] == np.inf


@pytest.mark.parametrize(
    ("text", "whole", "low", "high"),
    [
        ("normal(70, 5, low=0)", stats.norm(70, 5), 0, np.inf),
        ("normal(0, 1, low=-1, high=2)", stats.norm(), -1, 2),
        ("normal(0, 1, low=10)", stats.norm(), 10, np.inf),
        ("normal(0, 1, high=-10)", stats.norm(), -np.inf, -10),
        ("student(3, 0, 1, low=1)", stats.t(3), 1, np.inf),
        ("student(2, 0, 1, low=-3, high=30)", stats.t(2), -3, 30),
        ("gamma(2, 1, high=3)", stats.gamma(2), 0, 3),
        ("exponential(2, low=1)", stats.expon(scale=0.5), 1, np.inf),
        ("lognormal(0, 1, low=0.5, high=9)", stats.lognorm(1), 0.5, 9),
        ("halfnormal(1, low=3)", stats.halfnorm(), 3, np.inf),
        ("beta(0.5, 0.5, low=0.2)", stats.beta(0.5, 0.5), 0.2, 1),
    ],
)
def test_a_law_is_cut(text: str, whole: Any, low: float, high: float):
    cut = law(text)
    levels = np.array([0.001, 0.3, 0.5, 0.9, 0.999])
    values = law_quantile(cut, levels)
    # The share of what lies below, told by the tail that has the digits.
    below = (
        (whole.sf(low) - whole.sf(values)) / (whole.sf(low) - whole.sf(high))
        if whole.sf(low) < 0.5
        else (whole.cdf(values) - whole.cdf(low)) / (whole.cdf(high) - whole.cdf(low))
    )
    np.testing.assert_allclose(below, levels, rtol=1e-7)
    mass = integrate.quad(whole.pdf, low, high, epsabs=0, epsrel=1e-10, limit=200)[0]
    mean = integrate.quad(lambda x: x * whole.pdf(x) / mass, low, high, epsabs=1e-12, epsrel=1e-10, limit=200)[0]
    variance = integrate.quad(
        lambda x: (x - mean) ** 2 * whole.pdf(x) / mass, low, high, epsabs=1e-12, epsrel=1e-8, limit=200
    )[0]
    np.testing.assert_allclose(law_moments(cut), (mean, np.sqrt(variance)), rtol=1e-4)


def test_a_cut_student_law_may_have_no_sd():
    mean, sd = law_moments(law("student(1.5, 0, 1, low=0)"))
    assert np.isfinite(mean)
    assert sd == np.inf
    assert law_moments(law("student(1, 0, 1, low=0)"))[0] == np.inf


def test_a_categorical_law_gives_the_numbers_of_the_levels():
    chosen = law("categorical(0.2, 0.5, 0.3)")
    assert law_quantile(chosen, np.array([[0.1, 0.5], [0.9, 1.0]]), (2.0, 5.0, 9.0)).tolist() == [[2, 5], [9, 9]]
    assert law_moments(chosen, (2.0, 5.0, 9.0)) == pytest.approx(
        (5.6, np.sqrt(0.2 * 3.6**2 + 0.5 * 0.6**2 + 0.3 * 3.4**2))
    )


def test_arguments_go_by_name_too():
    assert law_quantile(law("normal(sd=2, mean=1)"), 0.5) == pytest.approx(1.0)
    assert law_quantile(law("gamma(2, rate=4)"), 0.5) == pytest.approx(stats.gamma(2, scale=0.25).median())

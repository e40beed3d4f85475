"""Priors: what is refused, means by two ways, and printing that reads back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdo.errors import SpecError
from latentdo.graphs import parse_call
from latentdo.models import Prior, plain
from strategies import TAME_PRIORS, priors


def read(text: str) -> Prior:
    call = parse_call(text)
    assert not isinstance(call, float)
    return Prior.of(call)


def law(prior: Prior):
    """The same distribution without its bounds, in SciPy."""
    a = prior.args
    match prior.family:
        case "normal":
            return scipy.stats.norm(*a)
        case "student":
            return scipy.stats.t(*a)
        case "cauchy":
            return scipy.stats.cauchy(*a)
        case "halfnormal":
            return scipy.stats.halfnorm(scale=a[0])
        case "exponential":
            return scipy.stats.expon(scale=1 / a[0])
        case "gamma":
            return scipy.stats.gamma(a[0], scale=1 / a[1])
        case "lognormal":
            return scipy.stats.lognorm(a[1], scale=math.exp(a[0]))
        case "beta":
            return scipy.stats.beta(*a)
        case _:
            return scipy.stats.uniform(a[0], a[1] - a[0])


def mean_by_quantiles(prior: Prior) -> float:
    """The mean of the law cut to its bounds, as the integral of its quantile function."""
    uncut = law(prior)
    low, high = uncut.cdf(prior.low), uncut.cdf(prior.high)
    with np.errstate(all="ignore"):
        value, _ = scipy.integrate.quad(lambda u: uncut.ppf(low + u * (high - low)), 0, 1, limit=500, epsabs=1e-10)
    return value


@pytest.mark.parametrize(
    "text",
    [
        "normal(2, 3)",
        "normal(0, 1, low=0)",
        "normal(5, 2, low=-1, high=4.5)",
        "normal(-3, 1, high=-5)",
        "student(4, 1, 2)",
        "student(3, 1, 2, low=0)",
        "student(1, 0, 1, low=-2, high=5)",
        "cauchy(0, 2, low=-1, high=30)",
        "halfnormal(2)",
        "halfnormal(2, low=1, high=3)",
        "exponential(0.25)",
        "exponential(2, low=3)",
        "gamma(0.1, 1)",
        "gamma(3, 2)",
        "gamma(0.5, 1, high=2)",
        "gamma(50, 2, low=20)",
        "lognormal(0, 1)",
        "lognormal(1, 0.5, low=1, high=9)",
        "beta(0.5, 3)",
        "beta(2, 2, low=0.4)",
        "beta(0.5, 0.5, high=0.3)",
        "uniform(-1, 4)",
    ],
)
def test_means_agree_with_the_quantile_function(text):
    prior = read(text)
    assert prior.mean() == pytest.approx(mean_by_quantiles(prior), rel=1e-5)


def test_means_at_poles_and_in_far_tails():
    gamma, beta = scipy.special.gammainc, scipy.special.betainc
    assert read("gamma(0.1, 1, high=2)").mean() == pytest.approx(0.1 * gamma(1.1, 2) / gamma(0.1, 2), rel=1e-6)
    assert read("beta(0.1, 5, low=0.001)").mean() == pytest.approx(
        0.1 / 5.1 * (1 - beta(1.1, 5, 0.001)) / (1 - beta(0.1, 5, 0.001)), rel=1e-6
    )
    assert read("beta(5, 0.1, low=0.2)").mean() == pytest.approx(
        5 / 5.1 * (1 - beta(6, 0.1, 0.2)) / (1 - beta(5, 0.1, 0.2)), rel=1e-6
    )
    assert read("normal(0, 1, low=30, high=31)").mean() == pytest.approx(30.0332, abs=1e-4)
    assert read("normal(0, 1, low=50)").mean() == pytest.approx(50.02, abs=0.03)
    assert read("normal(0, 1, high=-50)").mean() == pytest.approx(-50.02, abs=0.03)


@settings(max_examples=100, deadline=None)
@given(prior=priors())
def test_a_mean_lies_within_the_bounds(prior):
    unbounded = math.inf in (prior.high, -prior.low)
    if unbounded and (prior.family == "cauchy" or (prior.family == "student" and prior.args[0] <= 1)):
        with pytest.raises(SpecError, match=r"has no mean\. Give bounds"):
            prior.mean()
        return
    assert prior.low <= prior.mean() <= prior.high


def test_a_prior_without_a_mean_says_so():
    with pytest.raises(SpecError) as caught:
        read("cauchy(0, 1, low=0)").mean()
    assert str(caught.value) == (
        "The prior cauchy(0, 1, low=0) has no mean. Give bounds (low=, high=) or another family."
    )


@pytest.mark.parametrize("prior", TAME_PRIORS, ids=str)
def test_log_densities_differ_as_scipy_says(prior):
    uncut = law(prior)
    low, high = uncut.cdf(prior.low), uncut.cdf(prior.high)
    points = uncut.ppf(low + np.array([0.02, 0.3, 0.5, 0.9]) * (high - low))
    found = [prior.log_density(float(x)) for x in points]
    assert np.diff(found) == pytest.approx(np.diff(uncut.logpdf(points)), abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(prior=priors())
def test_printing_reads_back(prior):
    assert read(str(prior)) == prior


@settings(max_examples=100, deadline=None)
@given(prior=priors(), low=st.floats(-2, 0.3), high=st.floats(0.46, 2))
def test_a_cut_prior_prints_and_reads_back(prior, low, high):
    cut = prior.cut(low, high)
    assert cut.low == max(prior.low, low)
    assert cut.high == min(prior.high, high)
    assert read(str(cut)) == cut
    assert cut.cut(low, high) == cut


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("normal(mean=0.50, sd=10)", "normal(0.5, 10)"),
        ("normal(0, sd=1, low=-2)", "normal(0, 1, low=-2)"),
        ("halfnormal(2, low=0)", "halfnormal(2)"),
        ("beta(1, 2, high=1, low=0.25)", "beta(1, 2, low=0.25)"),
        ("uniform(high=3, low=-1)", "uniform(-1, 3)"),
        ("gamma(rate=2, shape=1e-3)", "gamma(0.001, 2)"),
    ],
)
def test_priors_print_as_people_type_them(text, shown):
    assert str(read(text)) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nromal(0, 1)", "No prior is called 'nromal'. Did you mean 'normal'?"),
        ("normal(0, 1, 2)", "normal(mean, sd) takes 2 numbers, got 3."),
        ("normal(0)", "The prior normal(0) lacks sd: write normal(mean, sd)."),
        ("student(mean=3)", "The prior student(mean=3) lacks df, sd: write student(df, mean, sd)."),
        (
            "normal(0, 1, scale=2)",
            "The prior normal(mean, sd) has no argument 'scale'. Known are: mean, sd, low, high.",
        ),
        ("normal(0, 1, hihg=2)", "The prior normal(mean, sd) has no argument 'hihg'. Did you mean 'high'?"),
        ("normal(0, 1, sd=2)", "sd is given twice in the prior normal(0, 1, sd=2)."),
        ("uniform(0, 1, low=2)", "low is given twice in the prior uniform(0, 1, low=2)."),
        ("normal(0, 0)", "sd of the prior normal must be positive, got 0."),
        ("gamma(1, -2)", "rate of the prior gamma must be positive, got -2."),
        ("uniform(2, 1)", "The prior uniform leaves no values: low=2 is not below high=1."),
        ("normal(0, 1, low=1, high=1)", "The prior normal leaves no values: low=1 is not below high=1."),
        ("halfnormal(1, high=-1)", "The prior halfnormal leaves no values: low=0 is not below high=-1."),
        ("beta(1, 1, low=2)", "The prior beta leaves no values: low=2 is not below high=1."),
    ],
)
def test_a_prior_that_cannot_be_is_explained(text, message):
    with pytest.raises(SpecError) as caught:
        read(text)
    assert str(caught.value) == message


def test_priors_made_by_hand_are_checked_too():
    with pytest.raises(SpecError, match="No prior is called 'gauss'"):
        Prior("gauss", (0.0, 1.0))
    with pytest.raises(SpecError, match=r"normal\(mean, sd\) takes 2 numbers, got 1"):
        Prior("normal", (0.0,))
    with pytest.raises(SpecError, match="mean of the prior normal must be finite, got inf"):
        Prior("normal", (math.inf, 1.0))


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.0, "0"), (-0.0, "0"), (5.0, "5"), (-2.5, "-2.5"), (1e15, "1000000000000000"), (1e22, "1e+22"), (1e-5, "1e-05")],
)
def test_numbers_print_plainly(number, shown):
    assert plain(number) == shown
    assert float(shown) == number


def test_infinite_bounds_have_a_name():
    assert plain(math.inf) == "inf"

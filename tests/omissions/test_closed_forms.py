"""Robustness values, bias and E-values: the published examples."""

from __future__ import annotations

import numpy as np
import pytest

from latentdo.omissions import as_strong_as, bias, e_value, partial_r2, robustness_of, robustness_value

# The regression of peace on being directly harmed: Cinelli & Hazlett (2020), table 1; digits as the R package sensemakr prints.
ESTIMATE, SE, DF = 0.09731582, 0.02325654, 783


def test_the_darfur_example_has_its_published_numbers():
    t = ESTIMATE / SE
    assert partial_r2(t, DF) == pytest.approx(0.02187309, abs=5e-9)
    assert robustness_value(t, DF) == pytest.approx(0.13877637, abs=5e-8)
    assert robustness_value(t, DF, alpha=0.05) == pytest.approx(0.07625797, abs=5e-8)


@pytest.mark.parametrize(
    ("shares", "adjusted"),
    [
        ((0.009164287, 0.1246409), 0.0752203),
        ((0.018328573, 0.2493240), 0.0529152),
        ((0.027492860, 0.3740514), 0.030396),
    ],
)
def test_the_darfur_bounds_by_being_female_have_their_published_numbers(shares, adjusted):
    assert ESTIMATE - bias(SE, DF, *shares) == pytest.approx(adjusted, abs=5e-7)


def test_a_cause_that_is_several_times_as_strong_grows_as_published():
    treatment = 0.009164287 / 1.009164287
    # The share of the outcome follows from once the strength; twice and three times it are then predictions.
    outcome = next(r2 for r2 in np.linspace(0.1085, 0.1095, 100_001) if as_strong_as(treatment, r2)[1] >= 0.1246409)
    assert as_strong_as(treatment, outcome, 2) == pytest.approx((0.018328573, 0.2493240), abs=1e-6)
    assert as_strong_as(treatment, outcome, 3) == pytest.approx((0.027492860, 0.3740514), abs=1e-6)


def test_a_hidden_cause_as_strong_as_the_robustness_value_takes_the_estimate_away():
    value = robustness_value(ESTIMATE / SE, DF)
    assert bias(SE, DF, value, value) == pytest.approx(ESTIMATE)


def test_the_bias_of_a_cause_that_was_left_out_is_the_difference_of_two_regressions():
    rng = np.random.default_rng(0)
    n = 400
    z, hidden = rng.normal(size=(2, n))
    x = 0.5 * z + 0.7 * hidden + rng.normal(size=n)
    y = 0.4 * x + 0.6 * z + 0.8 * hidden + rng.normal(size=n)
    weights = np.ones(n)
    short = robustness_of(y, x, {"Z": z}, weights)
    long = robustness_of(y, x, {"Z": z, "H": hidden}, weights)
    shares = robustness_of(y, hidden, {"Z": z, "X": x}, weights).r2, robustness_of(x, hidden, {"Z": z}, weights).r2
    off = bias(short.se, short.df, shares[1], shares[0])
    assert short.estimate - off == pytest.approx(long.estimate, rel=1e-9)


@pytest.mark.parametrize(("ratio", "value"), [(3.9, 7.26), (1.8, 3.0), (0.80, 1.81)])
def test_e_values_are_the_published_ones(ratio, value):
    """VanderWeele & Ding (2017), Sensitivity analysis in observational research; Ding & VanderWeele's smoking example."""
    assert e_value(ratio) == pytest.approx(value, abs=0.005)


def test_rows_may_have_weights():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 50))
    twice = robustness_of(np.tile(y, 2), np.tile(x, 2), {}, np.ones(100))
    assert robustness_of(y, x, {}, np.full(50, 2.0)).value == pytest.approx(twice.value)

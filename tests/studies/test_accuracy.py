"""Errors over data sets: statistics of rows made by hand, known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from latentdo.errors import StudyError
from studies.accuracy import (
    Coverage,
    accuracies,
    in_order,
    is_yes,
    matches,
    number,
    ratios,
    root_mean_square,
)

TRUTH = 10.0


def row(dataset: int, error: float | None, method: str = "lvm", **others) -> dict:
    estimate = None if error is None else TRUTH + error
    base = {"study": "made", "dataset": dataset, "n": 60, "query": "q", "method": method, "estimate": estimate}
    base |= {"lower": None, "upper": None, "level": 0.9, "applies": True, "truth": TRUTH, "sample_truth": TRUTH + 1.0}
    return base | others


def rows_of(errors, method="lvm", **others) -> list[dict]:
    return [row(k, error, method, **others) for k, error in enumerate(errors)]


def test_median_quartiles_rmse_and_bias_of_known_errors():
    (found,) = accuracies(rows_of([1.0, -2.0, 3.0, -4.0, 5.0]))
    assert found.n_datasets == 5
    assert found.quartiles == (2.0, 3.0, 4.0)
    assert found.rmse == pytest.approx(math.sqrt(11))
    assert found.bias == pytest.approx(0.6)
    assert found.bias_error == pytest.approx(math.sqrt(13.3 / 5))  # sample variance of 1 -2 3 -4 5 is 13.3
    # Squares 1 4 9 16 25 have sample variance 93.5.
    assert found.rmse_error == pytest.approx(math.sqrt(93.5 / 5) / (2 * math.sqrt(11)))


def test_error_of_the_median_is_that_of_the_exact_bootstrap():
    errors = np.random.default_rng(3).normal(size=41)
    (found,) = accuracies(rows_of(errors))
    ordered, m = np.sort(np.abs(errors)), 20
    # A resampled median is at most the k-th smallest if more than m of 41 draws are.
    at_most = binom.sf(m, 41, np.arange(1, 42) / 41)
    weights = np.diff(at_most, prepend=0.0)
    exact = math.sqrt(weights @ ordered**2 - (weights @ ordered) ** 2)
    assert found.median_error == pytest.approx(exact, rel=0.06)


def test_errors_are_against_the_population_or_the_sample():
    (population,) = accuracies(rows_of([1.0, 1.0]))
    (sample,) = accuracies(rows_of([1.0, 1.0]), "sample")
    assert (population.bias, sample.bias) == (1.0, 0.0)


def test_one_data_set_has_errors_and_no_standard_errors():
    (found,) = accuracies(rows_of([2.0]))
    assert found.quartiles == (2.0, 2.0, 2.0)
    assert (found.median_error, found.rmse_error, found.bias_error) == (None, None, None)


@pytest.mark.parametrize("nothing", [None, math.nan, "", math.inf])
def test_what_has_no_estimate_is_counted_and_left_out(nothing):
    rows = [*rows_of([1.0, 3.0]), row(2, None) | {"estimate": nothing, "error": "it broke"}]
    (found,) = accuracies(rows)
    assert (found.n_datasets, found.n_missing, found.bias) == (2, 1, 2.0)


def test_a_method_that_does_not_apply_is_not_missing():
    assert accuracies(rows_of([None, None], "tmle", applies=False)) == ()
    (found,) = accuracies([row(0, 1.0, "tmle"), row(1, None, "tmle", applies=False)])
    assert found.n_missing == 0


def test_results_read_back_from_text_are_the_same():
    as_text = [
        {k: "" if v is None else str(v) for k, v in each.items()} for each in [*rows_of([1.0, 3.0]), row(2, None)]
    ]
    (found,) = accuracies(as_text)
    assert (found.cell.n, found.bias, found.n_missing) == (60, 2.0, 1)
    assert not is_yes({"applies": "False"}, "applies")
    assert is_yes({"applies": "True"}, "applies")
    assert number({"x": "nan"}, "x") is None


def test_intervals_are_counted_and_their_median_width_told():
    rows = [row(k, 0.0, lower=TRUTH - 1, upper=TRUTH + k) for k in range(-4, 6)]
    (found,) = accuracies(rows)
    # The intervals reach up to truth + k: they hold the truth for k = 0 … 5.
    assert found.coverage is not None
    assert (found.coverage.held, found.coverage.n) == (6, 10)
    assert found.width == pytest.approx(1.5)


@pytest.mark.parametrize(("n", "level"), [(10, 0.9), (20, 0.5), (100, 0.9), (997, 0.95)])
def test_coverage_falls_short_where_the_exact_binomial_law_does_not_explain_it(n, level):
    for held in range(n + 1):
        assert Coverage(held, n, level).falls_short == (binom.cdf(held, n, level) < 0.00135)


def test_the_error_of_a_share_and_the_least_that_chance_explains():
    assert Coverage(90, 100, 0.9).error == pytest.approx(0.03)
    # Three standard errors below 0.9 is 0.81. The law is skew: of so many intervals 80 hold it with the probability 0.002.
    assert Coverage(90, 100, 0.9).least == 0.8
    assert Coverage(79, 100, 0.9).falls_short


def test_few_intervals_are_not_judged():
    assert not Coverage(0, 9, 0.9).falls_short
    assert not Coverage(0, 9, 0.9).is_judged
    assert Coverage(4, 10, 0.9).falls_short
    assert not Coverage(5, 10, 0.9).falls_short


def test_intervals_of_several_levels_are_refused():
    rows = [row(0, 0.0, lower=9, upper=11), row(1, 0.0, lower=9, upper=11, level=0.5)]
    with pytest.raises(StudyError, match=r"levels \[0.5, 0.9\]"):
        accuracies(rows)


def test_a_match_is_paired_by_data_set():
    ours, theirs = rows_of(4 * [1.0, 2.0, 3.0]), rows_of([*(4 * [2.0, 3.0, 4.0]), 50.0], "plug-in")
    (found,) = matches([*theirs, *ours])
    # Squares 1 4 9 against 4 9 16: differences -3 -5 -7, mean -5, sample variance 8 * 4 / 11.
    assert found.n_datasets == 12
    assert found.difference == pytest.approx(-5)
    assert found.error == pytest.approx(math.sqrt(32 / 11 / 12))
    assert found.distance == pytest.approx(-5 / math.sqrt(32 / 11 / 12))
    assert (found.rival, found.verdict) == ("plug-in", "wins")
    (turned,) = matches([*theirs, *ours], method="plug-in")
    assert turned.verdict == "loses"


def test_equal_errors_tie_and_few_data_sets_decide_nothing():
    (found,) = matches([*rows_of(5 * [1.0, -1.0]), *rows_of(5 * [-1.0, 1.0], "ipw")])
    assert (found.distance, found.verdict) == (0.0, "ties")
    (found,) = matches([*rows_of([1.0]), *rows_of([5.0], "ipw")])
    assert (found.distance, found.verdict) == (None, "not known")
    (found,) = matches([*rows_of(9 * [1.0]), *rows_of(9 * [5.0], "ipw")])
    assert (found.distance, found.verdict) == (-math.inf, "not known")


def test_a_difference_within_two_standard_errors_is_a_tie():
    # Squares less those of the rival: 3, -3, 3, -3, 1, twice: mean 0.2, far within chance.
    ours, theirs = 2 * [2.0, 1.0, 2.0, 1.0, 1.0], 2 * [1.0, 2.0, 1.0, 2.0, 0.0]
    assert matches([*rows_of(ours), *rows_of(theirs, "aipw")])[0].verdict == "ties"


def test_ratio_of_errors_that_are_in_proportion_has_no_spread():
    errors = np.random.default_rng(1).normal(size=30)
    (found,) = ratios([*rows_of(1.5 * errors), *rows_of(-errors, "floor")], "lvm", "floor")
    assert (found.n_datasets, found.reference) == (30, "floor")
    assert found.value == pytest.approx(1.5)
    assert (found.low, found.high) == pytest.approx((1.5, 1.5))


def test_interval_of_a_ratio_is_that_of_the_theory():
    random = np.random.default_rng(2)
    ours, floor = random.normal(size=(2, 400))
    (found,) = ratios([*rows_of(ours), *rows_of(floor, "floor")], "lvm", "floor", statistic=root_mean_square)
    # log rmse of normal errors has variance 1 / (2 n), and the two are independent.
    half = 1.96 * math.sqrt(2 / (2 * 400))
    assert math.log(found.high / found.value) == pytest.approx(half, rel=0.15)
    assert math.log(found.value / found.low) == pytest.approx(half, rel=0.15)


def test_two_rows_about_the_same_thing_are_refused():
    with pytest.raises(StudyError, match="Two rows are about data set 0, n = 60, 'q' and 'lvm' of made"):
        accuracies([row(0, 1.0), row(0, 2.0)])


def test_a_row_of_something_else_is_refused():
    with pytest.raises(StudyError, match="no field 'study'"):
        accuracies([{"method": "lvm"}])


def test_names_come_in_the_order_wanted_then_as_they_are():
    assert in_order(["b", "z", "a", "b", "y"], ["a", "b", "c"]) == ("a", "b", "z", "y")

"""What follows from simulated experiments, made by hand so that the answer is known."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest

from latentdo.errors import QueryError
from latentdo.planning.planned_size import Experiments, Goal, SampleSize
from latentdo.query import Query

QUERY = Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")
SIZES = (100, 150, 220, 330, 470)


def experiments(spread: float = 0.05, power: float = 0.5, repeats: int = 16, seed: int = 0, **changes) -> Experiments:
    """Widths 4 n^(-power), log-normal around it; distances as of an effect that is √n/8 standard errors."""
    n = np.repeat(np.array(SIZES, dtype=float), repeats)
    random = np.random.default_rng(seed)
    found = {
        "n": n,
        "width": 4 * n**-power * np.exp(spread * random.standard_normal(len(n))),
        "distance": np.abs(np.sqrt(n) / 8 + random.standard_normal(len(n))) / 1.6449,
        "covered": np.ones(len(n)),
        "converged": np.ones(len(n), dtype=bool),
        "failed": np.zeros(len(n), dtype=bool),
    }
    return Experiments(**{**found, **changes})


def plan(goal: Goal | None = None, **changes) -> SampleSize:
    goal = goal or Goal(0.9, 0.5, width=0.25)
    return SampleSize(QUERY, goal, "a model of fixed numbers", "Auto()", experiments(**changes), 0.1, 0)


def test_the_number_of_samples_solves_the_law() -> None:
    # 4 / √n = 0.25 at n = 256.
    found = plan()
    assert found.n is not None
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower <= 256 <= found.upper
    assert found.n == pytest.approx(256, rel=0.06)
    assert found.spread < 0.1
    assert found.warnings == ()


def test_intervals_of_n_hold_the_truth_as_often_as_they_say() -> None:
    held = [own.lower <= 256 <= own.upper for own in (plan(seed=seed, repeats=10) for seed in range(20))]
    # 90 %: of 20 fewer than 13 come by chance once in 400 draws of seeds, and the seeds are fixed.
    assert sum(held) >= 13


def test_more_assurance_takes_more_samples() -> None:
    # The 80 % quantile of the width is exp(0.2 * 0.8416) times its median.
    found = plan(Goal(0.9, 0.8, width=0.25), spread=0.2, repeats=40)
    assert found.lower <= 256 * math.exp(2 * 0.2 * 0.8416) <= found.upper


def test_excluding_a_value_is_power() -> None:
    # P(z > 1.6449) = 0.8 for z around √n/8: √n = 8 (1.6449 + 0.8416).
    found = plan(Goal(0.9, 0.8, excludes=0.0), repeats=60)
    assert found.lower <= (8 * 2.4865) ** 2 <= found.upper
    assert "that excludes 0 in 80 % of experiments" in str(found)
    predicted = found.at(300)
    assert predicted.lower <= 0.698 <= predicted.upper  # Φ(√300/8 - 1.6449)
    assert found.curve[0].excluding == pytest.approx(0.346, abs=0.2)  # Φ(10/8 - 1.6449)


def test_a_size_is_predicted_with_its_interval() -> None:
    predicted = plan().at(400)
    # Of 40 % of 80 experiments, each 5 % off: 1.1 % of standard error.
    assert predicted.value == pytest.approx(0.2, rel=0.04)
    assert predicted.lower < predicted.value < predicted.upper
    assert not predicted.extrapolated
    assert plan().at(1000).extrapolated
    with pytest.raises(QueryError, match="a whole number of at least 2, got 1"):
        plan().at(1)


def test_another_width_is_read_off_the_same_experiments() -> None:
    wider = plan().for_width(0.3)
    assert wider.lower <= (4 / 0.3) ** 2 <= wider.upper
    assert wider.width == 0.3
    with pytest.raises(QueryError, match="a number above 0, got 0"):
        plan().for_width(0)


def test_extrapolation_is_said() -> None:
    far = plan().for_width(0.05)
    assert far.n == pytest.approx(6400, rel=0.4)
    assert any("beyond the 470 of the largest data sets" in warning for warning in far.warnings)


def test_sizes_that_are_too_small_to_go_on_from_give_a_bound() -> None:
    # Priors that hold widths together, say: the law n^(-1/2) is not there yet.
    early = plan(power=0.25).for_width(0.05)
    assert (early.n, early.lower, early.upper) == (None, 470, None)
    assert early.headline == "more than 470 samples"
    assert any("only a bound: with 470 samples" in own for own in early.warnings)
    assert early.to_json()["lower"] == 470


def test_beyond_the_largest_size_only_the_large_ones_and_the_final_slope_count() -> None:
    # Small samples that are not there yet, and a truth that is: 4 / √n from 400 on.
    sizes = np.repeat([25.0, 100.0, 400.0, 800.0, 1600.0], 16)
    noise = 0.05 * np.random.default_rng(7).standard_normal(len(sizes))
    width = np.minimum(4 / np.sqrt(sizes), 0.25) * np.exp(noise)
    far = plan(n=sizes, width=width).for_width(0.04)
    assert far.lower < 10_000 < far.upper
    assert far.n == pytest.approx(10_000, rel=0.1)


def test_tables_that_fail_at_the_largest_sizes_give_a_bound() -> None:
    failed = np.arange(80) % 8 == 0
    found = plan(failed=failed, width=np.where(failed, np.inf, experiments().width)).for_width(0.02)
    assert (found.n, found.lower) == (None, 470)


def test_experiments_above_n_that_miss_the_goal_are_told() -> None:
    # All experiments of 330 samples are as wide as those of 180.
    own = experiments()
    width = np.where(own.n == 330, own.width * np.sqrt(330 / 180), own.width)
    found = plan(width=width)
    assert found.n < 330
    assert any(
        "the experiments contradict the number: 0 of 16 with 330 samples reach" in each for each in found.warnings
    )
    assert not any("contradict" in each for each in plan().warnings)


def test_what_moments_tell_is_said() -> None:
    found = plan(Goal(0.9, 0.99, width=0.25))
    assert any("about 800 data sets (datasets=, --datasets) would show it" in each for each in found.warnings)
    assert found.lower <= 256 * math.exp(2 * 0.05 * 2.326) <= found.upper


def test_what_the_smallest_size_reaches_is_said() -> None:
    near = plan().for_width(1.0)
    assert (near.n, near.lower, near.upper) == (100, None, 100)
    assert near.headline == "at most 100 samples"
    assert str(near).startswith("at most 100 samples\n")
    assert "<b>at most 100 samples</b>" in near._repr_html_()
    assert (near.to_json()["n"], near.to_json()["lower"], near.to_json()["upper"]) == (100, None, 100)
    assert "at most 100 samples" in [line.get_label() for line in near.plot().lines]
    assert any("100 samples are enough, and fewer were not simulated" in warning for warning in near.warnings)


def test_an_interval_that_reaches_below_the_smallest_size_has_no_lower_end() -> None:
    # The line says 120, give or take 20, and sizes start at 100.
    found = plan(spread=0.2)
    near = found.for_width(found.at(120).value)
    assert near.n > 100
    assert near.lower is None
    assert near.headline == f"{near.n} samples  (90 % interval up to {near.upper})"
    assert 0 < near.spread < 1
    assert any("fewer than 100 samples may be enough" in warning for warning in near.warnings)


def test_that_laplace_is_too_narrow_with_few_samples_is_said() -> None:
    few = replace(plan(n=np.repeat([20.0, 27.0, 39.0, 56.0, 80.0], 16)), laplace=True)
    at_20 = few.for_width(float(few.curve[0].width))
    assert any("fewer than 50 samples" in own and "ld.Auto()" in own for own in at_20.warnings)
    assert not any("Laplace" in own for own in replace(at_20, laplace=False).warnings)
    assert not any("Laplace" in own for own in replace(plan(), laplace=True).warnings)


def test_a_value_to_exclude_that_the_truth_answers_is_said() -> None:
    hopeless = replace(plan(Goal(0.9, 0.8, excludes=1.0), distance=np.full(80, 0.4)), answer=1.0)
    assert any("the truth's own answer is 1, the value to be excluded" in own for own in hopeless.warnings)
    assert not any("own answer" in own for own in replace(hopeless, answer=1.1).warnings)


def test_a_width_that_does_not_shrink_reaches_nothing() -> None:
    stuck = plan(power=0.0)
    assert stuck.n is stuck.lower is stuck.upper is None
    assert "no number of samples is enough" in str(stuck)
    assert any("out of reach: from 100 to 470 samples the width does not shrink" in own for own in stuck.warnings)
    assert stuck.to_json()["n"] is None


def test_a_width_of_zero_takes_no_more_than_the_smallest_size() -> None:
    # A model without a free parameter knows its answer.
    found = plan(width=np.zeros(80))
    assert (found.n, found.lower, found.upper) == (100, None, 100)
    assert any("100 samples are enough" in own for own in found.warnings)


def test_intervals_that_miss_the_truth_too_often_are_told() -> None:
    missed = (np.arange(80) % 10 > 2).astype(float)
    (warning,) = plan(covered=missed).warnings
    assert "hold the true answer in 70 % of 80 experiments, not in 90 %" in warning
    # 85 % is 1.5 standard errors below 90 %.
    assert plan(covered=(np.arange(80) % 20 > 2).astype(float)).warnings == ()


def test_fits_that_did_not_converge_are_told() -> None:
    (warning,) = plan(converged=np.arange(80) % 4 > 0).warnings
    assert "25 % of the fits did not converge" in warning


def test_a_wide_interval_of_n_asks_for_more_data_sets() -> None:
    warnings = plan(spread=0.8, repeats=6).warnings
    assert any("more of them (datasets=, --datasets) narrow it" in own for own in warnings)


def test_tables_that_could_not_be_analysed_miss_the_goal() -> None:
    failed = np.arange(80) % 16 < 5
    width = np.where(failed, np.inf, experiments().width)
    some = plan(failed=failed, width=width)
    assert some.n > plan().n
    assert some.curve[0].failed == 5
    assert math.isinf(some.curve[0].high)


def test_text_page_and_rows_say_the_same() -> None:
    found = plan()
    assert str(found).startswith(f"{found.n} samples  (90 % interval {found.lower} to {found.upper})")
    assert "for a 90 % interval of E[Y | do(X=1)] - E[Y | do(X=0)] at most 0.25 wide in 50 % of experiments" in str(
        found
    )
    page = found._repr_html_()
    assert found.headline in page
    assert "data:image/png;base64," in page
    assert page.count("<tr>") == 1 + len(SIZES)
    frame = found.to_pandas()
    assert list(frame["n"]) == list(SIZES)
    assert frame["width"][0] == pytest.approx(0.4, rel=0.1)
    assert found.to_json()["curve"][0]["coverage"] == 1.0


def test_text_folds_to_a_width_and_goes_on_below_where_there_is_no_room() -> None:
    found = plan(converged=np.arange(80) % 4 > 0)
    lines = found.text(60).splitlines()
    assert max(map(len, lines)) <= 60
    narrow = found.text(44)
    assert max(map(len, narrow.splitlines())) <= 44
    assert "the same rows, further columns:" in narrow
    words = " ".join(narrow.split())
    assert "at most 0.25 wide in 50 % of experiments" in words
    assert "caution: 25 % of the fits did not converge" in words
    # A number and its % are never parted.
    assert not any(line.strip().startswith("%") for width in range(40, 100) for line in found.text(width).splitlines())


def test_rows_are_written_with_empty_cells_for_what_is_not_finite(tmp_path) -> None:
    failed = np.arange(80) % 16 < 5
    found = plan(failed=failed, width=np.where(failed, np.inf, experiments().width))
    path = found.to_csv(tmp_path / "sizes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["n"]) for row in rows] == list(SIZES)
    assert [float(row["width"]) for row in rows] == [point.width for point in found.curve]
    assert {row["high"] for row in rows} == {""}
    assert {row["failed"] for row in rows} == {"5"}


def test_it_has_converged_where_the_fits_have_and_none_was_lost() -> None:
    assert plan().converged
    assert not plan(converged=np.arange(80) % 4 > 0).converged
    lost = replace(plan(), n_lost=1)
    assert not lost.converged
    assert (lost.to_json()["n_lost"], lost.to_json()["converged"]) == (1, False)


def test_names_in_a_page_are_escaped() -> None:
    query = Query.parse("E[`<b>` | do(X=1)]")
    own = SampleSize(query, Goal(0.9, 0.5, width=0.25), "truth", "Auto()", experiments(), 0.1, 0)
    assert "<b>`" not in own._repr_html_().replace("<p><b>", "")


def test_the_picture_shows_experiments_law_goal_and_number() -> None:
    found = plan()
    axes = found.plot()
    dots = next(line for line in axes.lines if line.get_label() == "simulated experiments")
    assert len(dots.get_xdata()) == 80
    assert axes.get_xscale() == axes.get_yscale() == "log"
    law = next(line for line in axes.lines if line.get_label() == "width that 50 % of experiments stay below")
    at_n = np.interp(found.n, law.get_xdata(), law.get_ydata())
    assert at_n == pytest.approx(0.25, rel=0.01)
    assert f"{found.n} samples, with 90 % interval" in [line.get_label() for line in axes.lines]


def test_the_picture_of_shares_has_an_axis_of_shares() -> None:
    axes = plan(Goal(0.9, 0.8, excludes=0.0)).plot()
    assert axes.get_yscale() == "linear"
    assert axes.get_ylabel() == "share that excludes 0"

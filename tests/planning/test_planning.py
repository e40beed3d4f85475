"""Planning from end to end, against closed forms of the width; and what is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import DataError, NotationError, NotIdentifiedError, QueryError, SpecError
from latentdo.planning import plan as planning

MODEL = "X ~ bernoulli; Y ~ normal(X)"
TRUTH = {"intercept(X)": 0, "intercept(Y)": 0, "X -> Y": 1, "sd(Y)": 1}
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
LAPLACE = ld.Laplace(draws=400)


@pytest.fixture(scope="module")
def plan() -> ld.types.SampleSize:
    return ld.sample_size(MODEL, TRUTH, EFFECT, width=0.5, engine=LAPLACE, datasets=60, seed=1)


def test_a_randomised_contrast_needs_what_the_closed_form_says(plan) -> None:
    # The posterior sd of the difference of two means is 2 sd(Y) / √n: width 2 * 1.6449 * 2 / √n.
    assert plan.n == pytest.approx((4 * 1.6449 / 0.5) ** 2, rel=0.12)
    assert plan.lower <= plan.n <= plan.upper
    assert len(plan.experiments) <= 60


def test_the_intervals_hold_the_true_answer(plan) -> None:
    assert plan.answer == pytest.approx(1.0)
    assert plan.coverage[0] > 0.7
    assert plan.truth == "a model of fixed numbers"


def test_the_same_seed_gives_the_same_numbers(plan) -> None:
    again = ld.sample_size(MODEL, TRUTH, EFFECT, width=0.5, engine=LAPLACE, datasets=60, seed=1)
    assert np.array_equal(again.experiments.width, plan.experiments.width)
    assert (again.n, again.lower, again.upper) == (plan.n, plan.lower, plan.upper)


def test_experiments_share_no_chance(plan) -> None:
    assert len(np.unique(plan.experiments.width)) == len(plan.experiments)


def test_a_function_draws_rows_and_coverage_is_not_judged() -> None:
    def rows(n: int, seed: int) -> dict:
        random = np.random.default_rng(seed)
        x = random.integers(0, 2, n)
        return {"X": x, "Y": x + random.standard_normal(n)}

    found = ld.sample_size(
        MODEL, rows, EFFECT, width=0.8, engine=LAPLACE, datasets=60, smallest=20, largest=100, progress=False
    )
    assert found.coverage is None
    assert "coverage is not judged: nothing says what the true answer is" in found.warnings
    assert found.n == pytest.approx((4 * 1.6449 / 0.8) ** 2, rel=0.3)
    assert found.simulated[1] <= 100


def test_tables_that_cannot_be_analysed_are_counted() -> None:
    # One X in twenty: of 20 rows a third have none, so that the column is constant.
    truth = {**TRUTH, "intercept(X)": -3}
    found = ld.sample_size(MODEL, truth, EFFECT, width=3, engine=LAPLACE, datasets=60, smallest=20, largest=100)
    assert found.experiments.failed.any()
    assert any("could not be analysed, and count as missing the goal" in own for own in found.warnings)
    assert any("Constant in every row: 'X' is 0" in own for own in found.warnings)


def test_data_that_never_can_be_analysed_are_refused() -> None:
    with pytest.raises(DataError, match="No data set of up to 80 rows from the function <lambda> could be analysed"):
        ld.sample_size(
            MODEL,
            lambda n, seed: {"X": np.ones(n), "Y": np.arange(n)},
            EFFECT,
            width=1,
            engine=LAPLACE,
            smallest=20,
            largest=80,
        )


def test_a_column_that_the_truth_holds_constant_is_named() -> None:
    with pytest.raises(
        DataError, match=r"of up to 80 rows from a model of fixed numbers could be analysed: .*'X' is 0"
    ):
        ld.sample_size(MODEL, {**TRUTH, "intercept(X)": -100}, EFFECT, width=1, engine=LAPLACE, largest=80)


def test_a_function_that_ignores_its_seed_is_told_so() -> None:
    def rows(n: int, seed: int) -> dict:
        return {"X": np.arange(n) % 2, "Y": np.arange(n) % 7 + 0.5}

    with pytest.raises(
        SpecError, match=r"gave the same table of 100 rows for each of 6 seeds \(\d+, \d+, …\): .*default_rng"
    ):
        ld.sample_size(MODEL, rows, EFFECT, width=1, engine=LAPLACE)


def test_what_the_smallest_stated_size_reaches_is_only_a_bound() -> None:
    # With 24 samples the interval is 1.3 wide: fewer would do, and 24, which is no round size, is the fewest that may be made.
    found = ld.sample_size(MODEL, TRUTH, EFFECT, width=100, engine=LAPLACE, datasets=60, smallest=24, largest=100)
    assert found.simulated[0] == 24
    assert (found.n, found.lower, found.upper) == (24, None, 24)
    assert found.headline == "at most 24 samples"
    assert any("ld.Laplace() gives intervals that are too narrow" in own for own in found.warnings)


def test_a_truth_that_answers_the_value_to_exclude_is_told_so() -> None:
    found = ld.sample_size(MODEL, TRUTH, EFFECT, excludes=1, engine=LAPLACE, datasets=60, largest=100)
    assert found.warnings[0].startswith("out of reach: the truth's own answer is 1, the value to be excluded, so no")


@pytest.mark.parametrize("width", [1e-9, 1e-300])
def test_a_width_beyond_all_reach_is_told_from_one_that_does_not_shrink(width) -> None:
    found = ld.sample_size(MODEL, TRUTH, EFFECT, width=width, engine=LAPLACE, datasets=60, largest=100)
    assert (found.n, found.lower, found.upper) == (None, 10**12, None)
    assert found.headline == "more than 1,000,000,000,000 samples"
    assert any("the width shrinks as it should, and at that pace the goal takes more" in own for own in found.warnings)


def test_a_function_that_gives_too_few_rows_is_told_so() -> None:
    with pytest.raises(SpecError, match="gave 10 rows where 100 were asked for"):
        ld.sample_size(
            MODEL, lambda n, seed: {"X": np.arange(10) % 2, "Y": np.arange(10)}, EFFECT, width=1, engine=LAPLACE
        )


def rows_with(**columns):
    """A function that draws X and Y, with other columns in their place; None leaves one out."""

    def rows(n: int, seed: int) -> dict:
        random = np.random.default_rng(seed)
        drawn = {"X": random.integers(0, 2, n), "Y": random.standard_normal(n)}
        return {
            name: value
            for name, value in {**drawn, **{k: v and v(n) for k, v in columns.items()}}.items()
            if value is not None
        }

    return rows


def failing(n, seed):
    raise ZeroDivisionError("no rows today")


@pytest.mark.parametrize(
    ("truth", "error", "message"),
    [
        (rows_with(Y=None), DataError, r"the function rows, gives .* for n=100, seed=\d+ the column 'Y' is not there"),
        (rows_with(Y=lambda n: np.full(n, np.nan)), DataError, "the column 'Y' has 100 missing cells of 100"),
        (rows_with(X=lambda n: [None, *([1, 0] * n)[: n - 1]]), DataError, "the column 'X' has 1 missing cells of 100"),
        ("signaling", SpecError, "the simulator of the study signaling, does not measure X, Y, .* it measures SOS, "),
        (lambda n: {}, SpecError, r"failed for n=100, seed=\d+: TypeError: .* takes 1 positional argument"),
        (
            failing,
            SpecError,
            r"the function failing, which failed for n=100, seed=\d+: ZeroDivisionError: no rows today\. It takes",
        ),
        (lambda n, seed: [1, 2], SpecError, r"which gave list for n=100, seed="),
        (lambda n, seed: None, SpecError, r"which gave NoneType for n=100, seed="),
    ],
)
def test_a_truth_that_gives_no_usable_table_is_refused_at_its_first_one(truth, error, message) -> None:
    with pytest.raises(error, match=message):
        ld.sample_size(MODEL, truth, EFFECT, width=1, engine=LAPLACE)


def test_a_truth_that_can_never_be_analysed_ends_without_training() -> None:
    # No warning of NumPy about means of nothing: warnings are errors here.
    with pytest.raises(DataError, match=r"No data set of up to 20,000 rows from the function rows could be .*'X' is 1"):
        ld.sample_size(MODEL, rows_with(X=np.ones), EFFECT, width=1, engine=LAPLACE)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({}, QueryError, "State one goal: width=0.2"),
        ({"width": 1, "excludes": 0}, QueryError, "State one goal"),
        ({"width": -1}, QueryError, "a number above 0, got -1"),
        ({"excludes": float("nan")}, QueryError, r"excludes= \(the value that the interval must not contain\)"),
        (
            {"excludes": "a"},
            QueryError,
            r"excludes= \(the value that the interval must not contain\) is a finite number, got 'a'",
        ),
        ({"width": "1"}, QueryError, "a number above 0, got '1'"),
        ({"width": 1, "precision": 0}, QueryError, r"precision= \(relative to n\) lies between 0 and 1, got 0"),
        (
            {"width": 1, "level": 90},
            QueryError,
            r"level= .* lies between 0 and 1, got 90. Write 0.9 for 90 %",
        ),
        ({"width": 1, "level": "a"}, QueryError, "level= .*lies between 0 and 1, got 'a'"),
        ({"width": 1, "assurance": 1.0}, QueryError, "assurance= .*lies between 0 and 1, got 1.0"),
        (
            {"width": 1, "assurance": 0.9999},
            QueryError,
            r"about one experiment of 10,000, of which 200 .* datasets=5000 .*0.9975",
        ),
        ({"width": 1, "datasets": 10}, QueryError, "datasets= is a whole number from 60"),
        ({"width": 1, "smallest": 100, "largest": 200}, QueryError, "largest=200 is less than 4 times smallest=100"),
        ({"width": 1, "engine": ld.Map()}, SpecError, r"ld.Map\(\) gives one draw"),
        ({"width": 1, "engine": "laplace"}, SpecError, "An engine is a value"),
        ({"width": 1, "query": "E[Y | do(X=2)]"}, QueryError, "X"),
        ({"width": float("inf")}, QueryError, "a number above 0, got inf"),
        ({"width": 1, "query": "efect"}, QueryError, "The study 'model' has no query 'efect'. It has none. Or give"),
        ({"width": 1, "query": "Y"}, NotationError, r"found 'Y'\. Write E\[Y\] for its mean"),
        ({"width": 1, "query": "P(X)"}, QueryError, "has several answers, and an experiment is planned for one"),
        ({"width": 1, "seed": -1}, SpecError, "A seed is a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_simulated(changes, error, message) -> None:
    arguments = {"query": EFFECT, **changes}
    with pytest.raises(error, match=message):
        ld.sample_size(MODEL, TRUTH, **arguments)


def test_no_number_of_samples_answers_what_is_not_identified() -> None:
    model = ld.model("latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)")
    with pytest.raises(NotIdentifiedError, match="No number of samples answers it"):
        ld.sample_size(model, "X ~ normal(mean=0, sd=1); Y ~ normal(mean=0, sd=1)", EFFECT, width=1)


def test_a_saved_pilot_plans_with_what_it_leaves_open(tmp_path) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 2, 40)
    pilot = ld.fit(MODEL, {"X": x, "Y": x + 1.5 * random.standard_normal(40)}, LAPLACE, seed=0)
    path = pilot.save(tmp_path / "pilot.ldo")
    found = ld.sample_size(MODEL, path or tmp_path / "pilot.ldo", EFFECT, width=1, engine=LAPLACE, datasets=60)
    assert found.truth == "the posterior predictive of a pilot of 40 rows"
    # Each data set has an sd of its own, drawn around the pilot's: widths spread more than the 8 % of one sd.
    sd = float(np.median(dict(pilot.parameters)["sd(Y)"]))
    assert found.n == pytest.approx((4 * 1.6449 * sd) ** 2, rel=0.3)
    assert found.coverage is not None


def test_a_truth_that_cannot_be_asked_leaves_coverage_unjudged() -> None:
    model = "X ~ normal; Y ~ normal(X)"
    truth = "X ~ bernoulli(intercept=0); Y ~ normal(X, weight=1, intercept=0, sd=1)"
    found = ld.sample_size(model, truth, "E[Y | do(X=0.5)]", width=0.4, engine=LAPLACE, datasets=60)
    assert found.coverage is None
    assert any("the truth has no answer to the question" in own for own in found.warnings)


def test_progress_is_told_before_the_first_data_set_is_done(monkeypatch) -> None:
    monkeypatch.setattr(planning, "PULSE", 0.01)
    told: list[tuple[str, float]] = []
    with planning._pulse(lambda block, share: told.append((block, share))) as pulse:
        assert told[0] == ("data sets", 1e-6)
        time.sleep(0.1)
        pulse(0.5)
        time.sleep(0.1)
    shares = [share for _, share in told]
    assert shares.count(1e-6) > 1
    assert shares[-1] == 0.5
    assert shares == sorted(shares)


@pytest.mark.slow
@pytest.mark.parametrize("engine", [ld.Auto(), ld.Laplace()])
def test_the_interval_of_n_holds_the_closed_form_over_seeds(engine) -> None:
    plans = [ld.sample_size(MODEL, TRUTH, EFFECT, width=0.4, engine=engine, seed=seed) for seed in range(12)]
    # Three approximations move n together: the laws of the engine, the finite sample, the quantiles of 1,000 draws.
    assert np.mean([plan.n for plan in plans]) == pytest.approx((4 * 1.6449 / 0.4) ** 2, rel=0.035)
    assert np.mean([plan.spread for plan in plans]) < 0.1


@pytest.mark.slow
def test_the_front_door_needs_what_the_delta_method_says() -> None:
    model = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
    truth = {"U -> X": 1, "X -> M": 1, "M -> Y": 0.5, "U -> Y": 1}
    truth |= {f"{key}({node})": value for node in "XMY" for key, value in (("intercept", 0), ("sd", 1))}
    plans = [
        ld.sample_size(model, truth, EFFECT, width=0.2, engine=ld.Laplace(), datasets=100, seed=seed)
        for seed in range(4)
    ]
    # Effect a b: Var = b² Var(a) + a² Var(b); Var(a) = 1 / (2 n), Var(b) = Var(Y | M, X) / Var(M | X) / n = 1.5 / n.
    wanted = (0.25 * 0.5 + 1.5) * (2 * 1.6449 / 0.2) ** 2
    assert np.mean([plan.n for plan in plans]) == pytest.approx(wanted, rel=0.06)

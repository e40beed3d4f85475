"""What more training tells of a check, and what the prior has to say."""

import numpy as np
import pytest

import latentdo as ld
from latentdo.criticism.variants import stacked
from latentdo.inference import left_out

CONTRAST = "E[Y | do(X=1)] - E[Y | do(X=0)]"
MODEL = "X ~ normal; Y ~ normal(X)"
N = 80


def rows(seed=0, n=N):
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    return {"X": x, "Y": 0.5 * x + random.normal(size=n)}


@pytest.fixture(scope="module")
def line():
    return ld.fit(MODEL, rows(), progress=False, check=False)


def test_the_sd_by_rows_and_by_folds_are_those_of_least_squares(line):
    (asked,) = ld.check(line, None, CONTRAST, folds=10).queries
    x, y = rows()["X"], rows()["Y"]
    slope, level = np.polyfit(x, y, 1)
    left, away = y - slope * x - level, x - x.mean()
    robust = np.sqrt(((left * away) ** 2).sum()) / (away**2).sum()
    assert asked.sd_by_rows == pytest.approx(robust, rel=0.15)
    assert asked.sd_by_folds == pytest.approx(robust, rel=0.5)
    assert "trained 10 times without a part of the rows" in asked.advice[-1]


def test_an_sd_that_the_rows_do_not_share_is_said_with_the_answer():
    random = np.random.default_rng(1)
    x = random.normal(size=400)
    data = {"X": x, "Y": x + x**2 / 2 * random.normal(size=400)}
    answer = ld.ask(ld.fit(MODEL, data, progress=False), CONTRAST)
    assert answer.fit.sd_by_rows > 1.25 * answer.sd
    assert f"its sd is {answer.fit.sd_by_rows:.2g} by the rows and {answer.sd:.2g} by the model" in str(answer)


def test_words_are_counted_on_tables_from_the_fit(line):
    (asked,) = ld.check(line, None, CONTRAST, calibrate=4).queries
    assert sum(share for _, share in asked.calibration) == pytest.approx(1)
    assert 0.2 <= asked.p_calibrated <= 1
    assert asked.to_json()["calibration"] == dict(asked.calibration)


def test_a_prior_that_has_a_say_is_told_with_what_it_does():
    model = "X ~ normal; Y ~ normal(X, weight=normal(3, 0.2), sd=1.2)"
    check = ld.check(ld.fit(model, rows(), progress=False), None, CONTRAST, tolerance=0.1)
    (row,) = [row for row in check.rows if row.layer == "prior"]
    assert row.effect > 0.05
    assert row.word == "cannot tell"
    # Of a normal mean with prior precision a and data precision b the derivative of the mean in log2 a is known.
    x, y = rows()["X"], rows()["Y"]
    a, b = 1 / 0.04, ((x - x.mean()) ** 2).sum() / 1.2**2
    slope = np.polyfit(x, y, 1)[0]
    shift = float(row.advice.rsplit(" ", 1)[1])
    assert shift == pytest.approx(a * b * (3 - slope) / (a + b) ** 2 * np.log(2), rel=0.1)


def test_a_default_prior_has_next_to_none(line):
    (row,) = [row for row in ld.check(line, None, CONTRAST).rows if row.layer == "prior"]
    assert row.word == "no misfit found"


def test_fits_that_look_the_same_are_set_beside_each_other_and_stacked(line):
    random = np.random.default_rng(2)
    x = random.normal(size=N)
    data = {"X": x, "Y": x + random.standard_t(2, size=N)}
    here, heavy = (ld.fit(model, data, progress=False, check=False) for model in (MODEL, "X ~ normal; Y ~ student(X)"))
    check = ld.check(here, None, CONTRAST, beside={"heavy tails": heavy}, stack=True)
    (row,) = [row for row in check.rows if row.layer == "variant"]
    assert row.word == "misfit"
    assert "heavy tails predicts rows that it has not seen better" in row.advice
    mean, _ = check.queries[0].stacked
    ends = sorted(ld.ask(fit, CONTRAST).mean for fit in (here, heavy))
    assert ends[0] <= mean <= ends[1]
    with pytest.raises(ld.LatentdoError, match="looks different from the measured nodes"):
        other = ld.fit("Y ~ normal; X ~ normal(Y)", data, progress=False, check=False)
        ld.check(here, None, CONTRAST, beside=[other])
    with pytest.raises(ld.LatentdoError, match="trained on other rows"):
        ld.check(here, None, CONTRAST, beside=[line])


def test_leaving_a_row_out_changes_the_density_as_training_without_it_does(line):
    values, _ = left_out(line, line.data)
    x, y = rows()["X"], rows()["Y"]
    kept = np.arange(N) != 3
    other = ld.fit(MODEL, {"X": x[kept], "Y": y[kept]}, progress=False, check=False)
    single = other.log_likelihood({"X": x[3:5], "Y": y[3:5]})[:, 0]
    assert values[3] == pytest.approx(np.log(np.exp(single).mean()), abs=0.05)


def test_another_library_says_the_same_of_rows_left_out(line):
    stats = pytest.importorskip("arviz_stats")
    values, khat = left_out(line, line.data)
    loo = stats.loo(line.to_arviz(), pointwise=True)
    assert values.sum() == pytest.approx(float(loo.elpd), abs=0.05)
    assert khat == pytest.approx(float(loo.pareto_k.max()), abs=0.1)


def test_stacking_finds_the_better_of_two_and_mixes_where_each_is_better_somewhere():
    low, high = np.full(10, -2.0), np.full(10, -1.0)
    assert stacked({"a": low, "b": high})["b"] > 0.99
    mixed = np.where(np.arange(10) < 5, -1.0, -3.0)
    assert stacked({"a": mixed, "b": mixed[::-1]})["a"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "folds="),
        ({"calibrate": 0}, "calibrate="),
        ({"stack": True}, "needs other fits"),
        ({"beside": {"b": MODEL}}, "beside= takes fits"),
    ],
)
def test_options_out_of_range_are_refused(line, options, message):
    with pytest.raises(ld.LatentdoError, match=message):
        ld.check(line, None, CONTRAST, **options)


def test_a_study_says_whether_fits_are_checked_and_by_which_tolerance():
    text = 'model: "X ~ normal; Y ~ normal(X)"\n'
    assert ld.fit(ld.load_study(text + "check: false\n"), rows(), progress=False).checked == ""
    narrow = ld.fit(ld.load_study(text + "check:\n  tolerance: 0.001\n"), rows(), progress=False)
    assert ld.ask(narrow, CONTRAST).fit.word == "cannot tell"
    assert ld.check(narrow, None, CONTRAST).tolerance == 0.001
    with pytest.raises(ld.LatentdoError, match="tolerance"):
        ld.load_study(text + "check:\n  tolerance: 0\n")


def test_many_fits_keep_their_words_where_that_is_wanted():
    fits = ld.fit_many(MODEL, [rows(1), rows(2)], progress=False, check=True)
    assert all(ld.ask(fit, CONTRAST).fit is not None for fit in fits)
    assert ld.fit_many(MODEL, [rows(1)], progress=False)[0].checked == ""

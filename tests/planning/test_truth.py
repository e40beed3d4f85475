"""What rows are drawn from: numbers against closed forms, refusals with their repair, pilots world by world."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import SpecError, StudyError
from latentdo.planning import truth_of
from latentdo.planning.truth import Pilot
from latentdo.query import Query

MODEL = ld.model("latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)")
NUMBERS = {
    "U -> X": 2,
    "X -> Y": 0.5,
    "U -> Y": -1,
    "intercept(X)": 1,
    "intercept(Y)": 3,
    "sd(X)": 1.5,
    "sd(Y)": np.float64(0.5),
}


def test_a_mapping_of_numbers_draws_the_law_that_it_says() -> None:
    columns = truth_of(NUMBERS, MODEL).draw(40_000, 5).columns
    assert set(columns) == {"X", "Y"}
    # Var X = 4 + 2.25; Y = 3 + 0.5 X - U + e: mean 3.5, Cov(X, Y) = 0.5 * 6.25 - 2, Var Y = 0.25 * 6.25 - 2 + 1 + 0.25.
    x, y = np.asarray(columns["X"]), np.asarray(columns["Y"])
    covariance = np.cov(x, y)
    assert x.mean() == pytest.approx(1, abs=4 * np.sqrt(6.25 / 40_000))
    assert y.mean() == pytest.approx(3.5, abs=4 * np.sqrt(0.8125 / 40_000))
    assert covariance[0, 0] == pytest.approx(6.25, rel=4 * np.sqrt(2 / 40_000))
    assert covariance[1, 1] == pytest.approx(0.8125, rel=4 * np.sqrt(2 / 40_000))
    assert covariance[0, 1] == pytest.approx(1.125, abs=4 * np.sqrt((6.25 * 0.8125 + 1.125**2) / 40_000))


def test_the_same_seed_draws_the_same_rows_and_another_seed_others() -> None:
    truth = truth_of(NUMBERS, MODEL)
    assert np.array_equal(truth.draw(5, 1).columns["Y"], truth.draw(5, 1).columns["Y"])
    assert not np.array_equal(truth.draw(5, 1).columns["Y"], truth.draw(5, 2).columns["Y"])


def test_the_true_answer_needs_no_identification() -> None:
    known = truth_of(NUMBERS, MODEL).answer(Query.parse("E[Y | do(X=2)]"), 0)
    assert known is not None
    assert known.values == pytest.approx([4.0])


def test_another_model_of_the_same_nodes_is_a_truth_too() -> None:
    text = "X ~ bernoulli(intercept=0); Y ~ gamma(X, weight=0.7, intercept=1, shape=3)"
    truth = truth_of(text, MODEL)
    columns = truth.draw(20_000, 0).columns
    for x in (0, 1):
        values = columns["Y"][columns["X"] == x]
        assert values.mean() == pytest.approx(np.exp(1 + 0.7 * x), rel=4 * np.sqrt(1 / 3 / len(values)))
    known = truth.answer(Query.parse("E[Y | do(X=1)]"), 0)
    assert known is not None
    assert known.values == pytest.approx([np.exp(1.7)], rel=0.01)


def test_levels_are_drawn_by_their_names() -> None:
    model = ld.model("C ~ categorical(levels=[low, high]); Y ~ normal(C)")
    truth = truth_of({"intercept(C)": 1, "intercept(Y)": 0, "C -> Y": 2, "sd(Y)": 1}, model)
    columns = truth.draw(4000, 3).columns
    share = (columns["C"] == "high").mean()
    assert share == pytest.approx(1 / (1 + np.exp(-1)), abs=4 * np.sqrt(0.2 / 4000))
    assert columns["Y"][columns["C"] == "high"].mean() == pytest.approx(2, abs=4 / np.sqrt(2900))


def test_a_node_that_was_set_is_drawn_as_set() -> None:
    spec = ld.model("X ~ normal(mean=0, sd=1); Y ~ normal(X, weight=1, intercept=0, sd=1)").do({"X": 2.0})
    columns = truth_of(spec, ld.model("Y ~ normal; X ~ normal")).draw(10, 0).columns
    assert (columns["X"] == 2.0).all()


def test_a_pilot_draws_each_data_set_from_one_of_its_draws() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal(40)
    model = ld.model("X ~ normal; Y ~ normal(X)")
    pilot = ld.fit(model, {"X": x, "Y": 2 * x + random.standard_normal(40)}, ld.Laplace(draws=50), seed=0)
    truth = truth_of(pilot, model)
    assert isinstance(truth, Pilot)
    samples = [truth.draw(4000, seed) for seed in range(20)]
    worlds = {sample.world for sample in samples}
    assert len(worlds) > 10
    slopes = np.asarray(dict(pilot.parameters)["X -> Y"]).ravel()
    for sample in samples[:5]:
        slope = np.polyfit(sample.columns["X"], sample.columns["Y"], 1)[0]
        assert slope == pytest.approx(slopes[sample.world], abs=0.1)
    known = truth.answer(Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]"), 0)
    assert known is not None
    assert known.values == pytest.approx(slopes)


def test_a_built_in_study_draws_from_its_simulator_and_states_its_population() -> None:
    truth = truth_of("signaling", ld.model("SOS ~ normal; Erk ~ normal(SOS)"))
    assert np.array_equal(truth.draw(3, 1).columns["Erk"], ld.simulate("signaling", 3, seed=1)["Erk"])
    stated = truth.answer(Query.parse("E[Erk | do(SOS=70)]"), 0)
    assert stated is not None
    assert stated.values == pytest.approx([88.862])
    assert truth.answer(Query.parse("E[Erk | do(SOS=71)]"), 0) is None


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ({"U -> X": 2}, SpecError, r"6 parameters without a number: intercept\(X\), sd\(X\), intercept\(Y\), X -> Y"),
        ({"foo": 1}, SpecError, r"truth= says 'foo', which is no parameter .* Known are: .*U -> X.*sd\(Y\)"),
        ({"sd(y)": 1}, SpecError, r"truth= says 'sd\(y\)', .* Did you mean 'sd\(Y\)'\?"),
        ({"sd(Y)": -1}, SpecError, r"^truth= says 'sd\(Y\)': -1\. sd\(Y\) must be positive, got -1\.$"),
        ({"U -> X": 2, "sd(Y)": 0.0}, SpecError, r"truth= says 'sd\(Y\)': 0\. sd\(Y\) must be positive, got 0"),
        ("Signaling", StudyError, r"of a file with a number for every parameter .*\. Did you mean 'signaling'\?$"),
        ("xyz", StudyError, r"\(\.yaml, \.json\)\. Built-in studies are: multicause, "),
        ({"X": [1, 2]}, SpecError, "A table of data is no truth: fit it, and give the posterior"),
        ({"U -> X": True}, SpecError, "a parameter of the truth is a number"),
        ("X ~ normal; Y ~ normal(X)", SpecError, "5 parameters without a number"),
        ("X ~ normal(mean=0, sd=1)", SpecError, "The truth, a model of fixed numbers, does not measure Y"),
        ("X ~ table; Y ~ normal(mean=0, sd=1)", SpecError, "X is a table, whose probabilities cannot be fixed"),
        ("X ~ categorical(intercept=0); Y ~ normal(mean=0, sd=1)", SpecError, "X has levels that only a column could tell"),
        ("signalling", StudyError, "Did you mean 'signaling'?"),
        (ld.graph("X -> Y"), SpecError, "a graph draws no rows"),
        (3, SpecError, "truth= is int. It is a mapping"),
    ],
)  # fmt: skip
def test_what_is_no_truth_is_refused_with_a_repair(source, error, message) -> None:
    with pytest.raises(error, match=message):
        truth_of(source, MODEL)


def test_a_function_that_gives_no_columns_is_told_so() -> None:
    with pytest.raises(SpecError, match="gave int for n=4, seed=1"):
        truth_of(lambda n, seed: 7, MODEL).draw(4, 1)


def test_a_rare_value_may_be_missing_from_the_rows_that_scales_are_taken_from() -> None:
    model = ld.model("X ~ bernoulli; Y ~ normal(X)")
    source = truth_of({"intercept(X)": -100, "X -> Y": 1, "intercept(Y)": 2, "sd(Y)": 1}, model)
    known = source.answer(Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]"), 0)
    assert known is not None
    assert known.values == pytest.approx(1.0)

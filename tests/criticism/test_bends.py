"""What a check advises for a curve and for a jump, by what the model has already."""

import numpy as np
import pytest

import latentdo as ld
from latentdo.criticism.bends import follows, shape_advice

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(65, 6, 400).round(1)
E = RANDOM.normal(size=400)
QUESTION = "E[Y | do(X=74.5)] - E[Y | do(X=73)]"


def advised(parents, residuals, name="X", values=X):
    model = ld.model(f"{name} ~ normal; Y ~ normal({parents})")
    return shape_advice(model, "Y", [(name.strip("`"), values)], residuals)


@pytest.mark.parametrize(
    ("parents", "says"),
    [
        ("X", "Y bends with X: write s(X) or X^2 among its parents"),
        ("X, X^2", "Y bends with X in another way than its powers: write s(X) in their place"),
        ("s(X)", "Y bends with X more than s(X) can: write s(X, k=40), which has more knots"),
        ("s(X, k=12)", "Y bends with X more than s(X, k=12) can: write s(X, k=40), which has more knots"),
        (
            "s(X, k=40)",
            "Y bends with X more than s(X, k=40) can: look for a jump, or for a parent that the model lacks",
        ),
    ],
)
def test_a_bend_is_told_what_the_model_does_not_have_yet(parents, says):
    assert advised(parents, (X - 65) ** 2 / 20 + 0.1 * E) == says


def test_a_bend_along_what_is_no_parent_is_not_told_to_make_it_one():
    model = ld.model("latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)")
    assert "which is no parent of it: a hidden cause" in shape_advice(model, "Y", [("X", X)], (X - 65) ** 2 / 20 + E)


@pytest.mark.parametrize(("parents", "many"), [("X", True), ("s(X)", True), ("s(X, k=40)", False)])
def test_a_jump_is_told_its_place_its_column_its_line_and_how_it_is_asked(parents, many):
    says = advised(parents, np.where(X > 68, 3.0, -1.0) + 0.3 * E)
    assert says.startswith(
        'Y jumps at X = 68: make a column, table["X_above"] = table["X"] > 68, write X_above ~ bernoulli(X)'
    )
    assert "set both in a question, do(X=…, X_above=…)" in says
    assert says.endswith(", or write s(X, k=40)") == many


def test_a_jump_of_a_column_with_blanks_is_quoted_as_the_model_needs_it():
    says = advised("`a b`", np.where(X > 68, 3.0, -1.0) + 0.3 * E, "`a b`")
    assert 'table["a b_above"] = table["a b"] > 68, write `a b_above` ~ bernoulli(`a b`)' in says


def test_the_place_of_a_jump_has_all_rows_on_their_side():
    values = RANDOM.normal(size=500)
    values = values[np.abs(values - 0.123456) > 1e-4]
    says = advised("X", np.where(values > 0.123456, 1.0, 0.0) - 0.4, values=values)
    place = float(says.split("X = ")[1].split(":")[0])
    assert ((values > place) == (values > 0.123456)).all()


@pytest.mark.parametrize("often", [0, 3])
@pytest.mark.parametrize("above", [0, 1, 2])
def test_a_jump_is_found_between_any_two_of_few_values(often, above):
    values = np.concatenate([np.repeat(np.arange(4), 20), np.repeat(often, 320)]).astype(float)
    says = advised("X", np.where(values > above, 1.0, -1.0) + 0.1 * E, values=values)
    # Where nearly all rows have one value, a curve and a jump next to it say the same.
    assert f"jumps at X = {above}:" in says or (abs(often - above) > 1 and "bends with X" in says), says


def test_a_node_that_is_a_cut_of_its_parent_is_seen():
    model = ld.model("X ~ normal; B ~ bernoulli(X); Y ~ normal(X, B)")
    above, at_most = (X > 68).astype(np.float64), (X <= 68).astype(np.float64)
    assert follows(model, "B", above, [("X", X)]).startswith(
        "B is X cut at 68 (1 where it is above that), without chance"
    )
    assert "1 where it is at most that" in follows(model, "B", at_most, [("X", X)])
    assert follows(model, "B", np.where(np.arange(400) == 7, 1 - above, above), [("X", X)]) == ""
    assert follows(model, "Y", above, [("Z", X)]) == ""


def test_the_advised_column_repairs_the_answer_and_is_not_advised_again():
    rows = {"X": X, "Y": 0.2 * X + 6 * (X > 68) + E, "X_above": X > 68}
    fit = ld.fit("X ~ normal; X_above ~ bernoulli(X); Y ~ normal(X, X_above)", rows, seed=0, progress=False)
    question = "E[Y | do(X=70, X_above=1)] - E[Y | do(X=66, X_above=0)]"
    answer = ld.ask(fit, question)
    low, high = answer.interval(0.99)
    assert low < 6.8 < high
    assert answer.fit.word == "no misfit found"
    assert fit.misfit == ""
    row = next(row for row in ld.check(fit, None, question).rows if "X_above given X" in row.what)
    assert (row.word, row.advice.split(" (")[0]) == ("not checked", "X_above is X cut at 68")


def test_a_move_by_a_jump_under_a_spline_says_where_it_is_and_what_to_write():
    rows = {"X": X, "Y": 0.2 * X + 25 * (X > 74) + np.random.default_rng(1).normal(size=400)}
    fit = ld.fit("X ~ normal; Y ~ normal(s(X))", rows, seed=0, progress=False)
    answer = ld.ask(fit, QUESTION)
    assert answer.fit.word == "misfit moves the answer"
    (caution,) = [each for each in answer.warnings if each.startswith("misfit moves")]
    assert "Y jumps at X = 74: make a column" in caution

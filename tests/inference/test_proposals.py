"""What a look at a table proposes: another family, and rows that are no independent units."""

from __future__ import annotations

import re

import numpy as np
import pytest

import latentdo as ld
from latentdo.inference import check_columns
from latentdo.models import ModelSpec
from latentdo.tables import Dataset

N = 400
RANDOM = np.random.default_rng(7)
X = RANDOM.normal(5, 1, N)
NOISE = RANDOM.normal(size=N)


def said(text: str, **columns) -> tuple[str, ...]:
    return check_columns(ModelSpec.parse(text), Dataset.of(columns))


def of_y(y, family: str = "normal") -> tuple[str, ...]:
    return said(f"X ~ normal; Y ~ {family}(X)", X=X, Y=y)


@pytest.mark.parametrize(("family", "parameter"), [("normal", "sd"), ("student", "scale")])
def test_a_spread_that_changes_with_a_parent_is_met_with_its_equation(family, parameter):
    (words,) = of_y(X + np.exp(0.5 * (X - 5)) * NOISE - 9, family)
    assert words.startswith("what parents leave of Y is larger where X is large (correlation 0.")
    assert words.endswith(f"if its spread changes so, write Y ~ {family}(…, {parameter}=loglinear(X))")
    written = f"X ~ normal; Y ~ {family}(X, {parameter}=loglinear(X))"
    assert said(written, X=X, Y=X + np.exp(0.5 * (X - 5)) * NOISE - 9) == ()


@pytest.mark.parametrize("y", [X + NOISE - 9, (X - 5) ** 2 + NOISE, NOISE * np.exp(0.1 * (X - 5))])
def test_noise_of_one_size_and_curves_are_no_spread_that_changes(y):
    assert of_y(y) == ()


@pytest.mark.parametrize("family", ["normal", "student"])
@pytest.mark.parametrize(
    ("y", "proposed"),
    [
        (np.exp(0.3 * X + 0.6 * NOISE), r"Y ~ lognormal\(…\), and log\(Y\)"),
        (RANDOM.poisson(np.exp(0.2 * X - 0.2)), r"Y ~ poisson\(…\)$"),
        (RANDOM.negative_binomial(2, 0.3, N), r"Y ~ negbin\(…\), as it varies more"),
        (RANDOM.poisson(4, N) * (RANDOM.uniform(size=N) < 0.6), r"Y ~ poisson\(…, zi=true\), as \d+ % are 0"),
        (
            RANDOM.negative_binomial(6, 0.3, N) * (RANDOM.uniform(size=N) < 0.5),
            r"Y ~ negbin\(…, zi=true\), as \d+ % are 0",
        ),
        (RANDOM.beta(2, 2, N), r"Y ~ beta\(…\)$"),
        (np.exp(0.5 * NOISE - 2.5), r"Y ~ beta\(…\); if it is none, it is skewed: Y ~ lognormal\(…\)"),
        (np.clip(np.round(0.6 * X + NOISE), 1, 5), r"values 1 to 5 alone: .* Y ~ ordinal\(…\)"),
        (RANDOM.integers(0, 2, N), r"two values alone, 0 and 1: write Y ~ bernoulli\(…\)$"),
        (RANDOM.integers(0, 3, N), r"values 0 to 2 alone: .* Y ~ ordinal\(…\)"),
        (RANDOM.integers(0, 5, N), r"Y ~ poisson\(…\); if 0 to 4 are ordered levels, Y ~ ordinal\(…\)"),
    ],
)
def test_a_column_of_another_kind_is_met_with_the_family_of_that_kind(family, y, proposed):
    (words,) = of_y(y, family)
    assert re.search(proposed, words), words


@pytest.mark.parametrize(
    "y",
    [
        10 + X + NOISE,
        np.round(170 + 10 * NOISE),
        np.round(RANDOM.uniform(20, 70, N)),
        0.5 + 0.03 * NOISE,
    ],
)
def test_a_column_that_a_normal_law_describes_as_well_brings_no_proposal(y):
    assert of_y(y) == ()


def test_skewness_that_comes_from_a_parent_is_no_reason_for_another_family():
    x = np.exp(NOISE)
    assert said("X ~ lognormal; Y ~ normal(X)", X=x, Y=3 * x + 5 + RANDOM.uniform(size=N)) == ()


def test_other_families_and_few_rows_bring_no_proposal():
    assert of_y(np.exp(NOISE), "gamma") == ()
    assert said("X ~ normal; Y ~ normal(X)", X=X[:30], Y=np.exp(0.4 * NOISE[:30])) == ()


@pytest.mark.parametrize(
    ("node", "values", "words"),
    [
        ("Key", RANDOM.permutation(N) + 1, "Key has each whole number from 1 to 400 once: if it is an identifier"),
        (
            "patient_id",
            RANDOM.choice(10**6, N, replace=False),
            "patient_id has 400 whole numbers: if it is an identifier",
        ),
        (
            "Day",
            20240100 + RANDOM.integers(1, 29, N) + 100 * RANDOM.integers(0, 12, N),
            "Day looks like dates written as",
        ),
    ],
)
def test_identifiers_and_dates_among_the_nodes_are_told(node, values, words):
    (caution,) = said(f"{node} ~ normal; Y ~ normal({node})", **{node: values, "Y": 10 + NOISE})
    assert caution.startswith(words)


def test_whole_numbers_with_another_name_and_gaps_are_no_identifiers():
    assert said("Paid ~ normal", Paid=20_000 + RANDOM.choice(5_000, N, replace=False)) == ()


def test_rows_that_repeat_others_are_counted():
    some = RANDOM.integers(0, 320, 80)
    index = np.concatenate([np.arange(320), some])
    (words,) = said("X ~ normal; Y ~ normal(X)", X=X[index], Y=(X + NOISE)[index] + 10)
    assert words.startswith("80 of 400 rows repeat another one")


def test_rows_that_repeat_by_rounding_or_by_a_function_are_no_copies():
    x = np.round(X, 1)
    assert said("X ~ normal; Y ~ normal(X)", X=np.round(X, 2), Y=np.round(10 + NOISE, 2)) == ()
    (words,) = said("X ~ normal; Y ~ normal(X)", X=np.round(X, 2), Y=2 * np.round(X, 2))
    assert "exact function" in words
    assert said("X ~ normal; B ~ bernoulli(X)", X=x, B=(X + NOISE > 5) * 1.0) == ()


def walk() -> np.ndarray:
    series = np.zeros(N)
    for k in range(1, N):
        series[k] = 0.6 * series[k - 1] + NOISE[k]
    return series


def test_a_series_is_told_and_a_sorted_table_is_not():
    series = 20 + walk()
    (words,) = said("X ~ normal; Y ~ normal(X)", X=X, Y=series)
    assert words.startswith("neighbouring rows are alike in Y (correlation 0.5") or "in Y (correlation 0.6" in words
    order = np.argsort(X)
    assert said("X ~ normal; Y ~ normal(X)", X=X[order], Y=(X**2 + NOISE)[order]) == ()
    assert said("X ~ normal; Y ~ normal(X)", X=RANDOM.permutation(series), Y=X) == ()


def test_what_a_series_passes_on_to_its_children_is_not_told_of_them():
    series = 20 + walk()
    (words,) = said("X ~ normal; Y ~ normal(X)", X=series, Y=2 * series + RANDOM.normal(size=N))
    assert "alike in X (" in words


def test_what_is_proposed_of_many_columns_is_said_once_with_their_names():
    columns = {f"Y{k}": np.exp(0.6 * np.roll(NOISE, 37 * k)) for k in range(12)}
    (words,) = said("; ".join(f"{name} ~ normal" for name in columns), **columns)
    assert words.startswith("Y0 is positive and skewed to the right, its logarithm is not: write Y0 ~ lognormal(…)")
    assert words.endswith("where it is a parent. The like is true of Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8 and 3 more")
    assert len(said("A ~ normal; B ~ normal", A=columns["Y0"], B=columns["Y1"])) == 2


def test_a_fit_carries_the_proposals_to_the_answers_that_touch_their_nodes():
    y = np.exp(0.3 * X + 0.6 * NOISE)
    posterior = ld.fit("X ~ normal; Y ~ normal(X)", {"X": X, "Y": y}, ld.Laplace(), check=False)
    (caution,) = said("X ~ normal; Y ~ normal(X)", X=X, Y=y)
    assert posterior.warnings == (caution,)
    answers = ld.ask(posterior, "E[Y | do(X=5)]", "E[Y | do(X=6)]", "E[X]")
    assert [caution in answer.warnings for answer in answers] == [True, True, False]
    assert str(answers).count(caution) == 1 and str(posterior).count(caution.split(":")[0]) == 1

"""Which products a linear model has: those that the rows speak for, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax

from latentdo.estimators import GFormula, Glm, Options, estimates
from latentdo.estimators.choices import features_of, target_of
from latentdo.estimators.sample import Sample, sample_of
from latentdo.graphs import parse_graph
from latentdo.query import Query

SEQUENCE = parse_graph("L0 -> A0; L0 -> L1; A0 -> L1; A0 -> A1; L1 -> A1; L0 -> Y; A0 -> Y; A1 -> Y; L1 -> Y; L1 <-> Y")


def _added(sample: Sample, target: str, given: str, treated: tuple[str, ...] = ()) -> str:
    columns = tuple(sample[name] for name in given)
    return features_of(target_of(sample[target]), columns, sample.env(given), np.ones(sample.n), Glm(), treated).added


def _covariates(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.random.Generator]:
    """A and B with two levels, C to F normal."""
    rng = np.random.default_rng(seed)
    columns = {name: (rng.random(n) < 0.5) * 1.0 for name in "AB"}
    return {**columns, **{name: rng.normal(size=n) for name in "CDEF"}}, rng


@pytest.mark.parametrize("kind", ["numbers", "two levels", "three levels"])
def test_one_strong_product_is_found_among_many(kind):
    columns, rng = _covariates(3000, 1)
    signal = 0.5 * columns["A"] + columns["C"] + columns["A"] * columns["D"]
    if kind == "numbers":
        columns["Y"] = signal + rng.normal(size=3000)
    elif kind == "two levels":
        columns["Y"] = (rng.random(3000) < expit(signal)) * 1.0
    else:
        chances = softmax(np.stack([0 * signal, signal, -signal], axis=-1), axis=-1)
        columns["Y"] = (rng.random(3000)[:, None] > chances.cumsum(axis=1)).sum(axis=1) * 1.0
    assert _added(sample_of(columns, "ABCDEFY"), "Y", "ABCDEF") == "A·D"


def test_squares_and_products_are_found_together_and_noise_is_not():
    columns, rng = _covariates(1000, 2)
    columns["Y"] = columns["C"] ** 2 / 2 + columns["A"] * columns["B"] + rng.normal(size=1000)
    assert set(_added(sample_of(columns, "ABCDEFY"), "Y", "ABCDEF").split(", ")) == {"C²", "A·B"}
    found = 0
    for seed in range(20):
        columns, rng = _covariates(1000, seed)
        columns["Y"] = columns["A"] + columns["C"] + rng.normal(size=1000)
        found += bool(_added(sample_of(columns, "ABCDEFY"), "Y", "ABCDEF"))
    # A product passes if a chi square exceeds log 1000 + log 19, in 0.17 %: of 19 in 20 tables 0.6.
    assert found <= 3


def test_with_few_rows_only_products_of_what_is_set_are_offered():
    columns, rng = _covariates(150, 3)
    columns["Y"] = 2 * columns["A"] * columns["B"] + columns["C"] + rng.normal(size=150)
    sample = sample_of(columns, "ABCDEFY")
    assert _added(sample, "Y", "ABCDEF") == ""
    assert _added(sample, "Y", "ABCDEF", ("A",)) == "A·B"


def test_a_product_that_repeats_a_column_is_never_new():
    columns, rng = _covariates(400, 4)
    columns["B"] = columns["A"] * (rng.random(400) < 0.7)
    columns["Y"] = 5 * columns["A"] + 3 * columns["B"] + columns["A"] * columns["C"] + 0.1 * rng.normal(size=400)
    assert _added(sample_of(columns, "ABCY"), "Y", "ABC") == "A·C"


def test_two_treatments_that_act_together_leave_no_bias():
    """E[Y | do(A0=1, A1=0)] is 1.95; without the product of the treatments the estimate is 0.25 more."""
    errors: list[float] = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        u, l0 = rng.normal(size=(2, 1000))
        a0 = (rng.random(1000) < expit(0.6 * l0)) * 1.0
        l1 = 0.5 * l0 + 0.7 * a0 + 0.6 * u + 0.7 * rng.normal(size=1000)
        a1 = (rng.random(1000) < expit(-0.3 + 0.7 * l1 + 0.5 * a0)) * 1.0
        y = 1 + 0.6 * a0 + 0.9 * a1 + 0.8 * a0 * a1 + 0.5 * l1 + 0.3 * l0 + 0.8 * u + rng.normal(size=1000)
        query = Query.parse("E[Y | do(A0=1, A1=0)]")
        table = {"L0": l0, "A0": a0, "L1": l1, "A1": a1, "Y": y}
        (row,) = estimates(SEQUENCE, table, query, methods=[GFormula()], options=Options(replicates=0))
        assert row.estimate is not None
        errors.append(row.estimate - 1.95)
        assert "Y: + A0·A1" in row.note
    assert abs(np.mean(errors)) < 0.06

"""Experiments beside observation in the check of a fit."""

import numpy as np
import pytest

import latentdo as ld

MODEL = "latent U ~ normal; W ~ normal; Z ~ normal(W, U); M ~ normal(Z); Y ~ normal(M, U)"


def rows(n, random, *, knocked=False, off_target=False):
    u, w = random.normal(size=(2, n))
    z = 2 * random.normal(size=n) if knocked else w + u + random.normal(size=n)
    if off_target:
        w = w + 1
    m = z + random.normal(size=n)
    return {"W": w, "Z": z, "M": m, "Y": m + u + random.normal(size=n)}


def fitted(seed, *, off_target):
    random = np.random.default_rng(seed)
    arm = ld.experiment(rows(150, random, knocked=True, off_target=off_target), do=["Z"])
    return ld.fit(MODEL, [rows(300, random), arm], progress=False, check=False)


@pytest.fixture(scope="module")
def clean():
    return fitted(0, off_target=False)


def test_an_experiment_that_did_what_it_says_is_no_contradiction(clean):
    check = ld.check(clean, None, "E[Y | do(Z=1)]")
    assert check.failed == ()
    told = [row.what for row in check.rows if "was set and where not" in row.what]
    assert sorted(told) == [
        "law of M given Z, where Z was set and where not",
        "law of W, where Z was set and where not",
    ]
    assert "150 others are left out there" in " ".join(check.notes)


def test_the_question_is_checked_where_observation_alone_identifies_it(clean):
    (asked,) = ld.check(clean, None, "E[Y | do(Z=1)]", tolerance=5.0).queries
    assert asked.word == "no misfit found"
    assert abs(asked.z) < 3


def test_an_experiment_that_moves_what_is_no_effect_contradicts_and_is_named():
    check = ld.check(fitted(1, off_target=True), None, "E[Y | do(Z=1)]")
    assert check.word == "contradicted"
    (row,) = [row for row in check.failed if row.layer == "graph"]
    assert row.what == "law of W, where Z was set and where not"
    assert "the experiment did more than it was meant to" in row.advice

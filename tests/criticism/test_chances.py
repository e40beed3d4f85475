"""The chance of no more than a value, from tables: beside SciPy's distribution function."""

import numpy as np
import pytest
from scipy.stats import norm, t

from latentdo.criticism.chances import LARGEST_ERROR, MANY, chances_below
from latentdo.models import Normal, Student


@pytest.mark.parametrize("degrees", [1.2, 2.0, 4.0, 300.0])
def test_chances_of_many_values_are_those_of_scipy_in_the_middle_and_in_the_tails(degrees):
    random = np.random.default_rng(0)
    df, scale = np.array([[degrees], [degrees + 0.7]]), np.array([[0.5], [2.0]])
    eta = random.normal(size=(5, 2, 1_000))
    y = np.concatenate([random.standard_t(2, size=980), 10.0 ** np.arange(-5, 15)])[None]

    found = chances_below(Student(), y, eta, {"scale": scale, "df": df})

    assert eta[:, 0].size > MANY
    assert np.abs(found - t.cdf((y - eta) / scale, df)).max() < LARGEST_ERROR


def test_laws_that_are_quick_to_compute_have_no_table():
    y, eta = np.linspace(-3, 3, 6_000)[None], np.zeros((1, 1, 6_000))

    found = chances_below(Normal(), y, eta, {"sd": np.array([[2.0]])})

    assert found == pytest.approx(norm.cdf(y[None] / 2.0), abs=1e-14)

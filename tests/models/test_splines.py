"""The columns of a spline: against SciPy's natural splines, against integrals, outside the knots; and where the knots are."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate

from latentdo.errors import DataError, LatentdoError
from latentdo.inference.blocks.knots import knotted
from latentdo.models import ModelSpec, Spline
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

RANDOM = np.random.default_rng(3)
KNOTS = tuple(np.sort(RANDOM.gamma(3.0, 1.0, 9)).tolist())
X = np.linspace(-3.0, 14.0, 4_001)


def columns(at: np.ndarray, *, rising: bool) -> np.ndarray:
    return np.stack([part(NUMPY, at) for part in Spline().expanded(KNOTS, rising=rising)])


def test_the_first_column_is_the_parent_itself():
    for rising in (False, True):
        np.testing.assert_array_equal(columns(X, rising=rising)[0], X)


def test_columns_are_natural_splines_that_go_on_straight():
    inside = (KNOTS[0] <= X) & (KNOTS[-1] >= X)
    values = columns(np.array(KNOTS), rising=False)[1:]
    assert len(values) == len(KNOTS) - 2
    for found, at_knots in zip(columns(X, rising=False)[1:], values, strict=True):
        natural = scipy.interpolate.CubicSpline(KNOTS, at_knots, bc_type="natural")
        np.testing.assert_allclose(found[inside], natural(X[inside]), atol=1e-10)
        for end, outside in ((KNOTS[0], KNOTS[0] > X), (KNOTS[-1], KNOTS[-1] < X)):
            straight = natural(end) + natural(end, 1) * (X[outside] - end)
            np.testing.assert_allclose(found[outside], straight, atol=1e-9)


def test_columns_are_orthogonal_to_lines_and_bend_ever_more():
    values = columns(np.array(KNOTS), rising=False)[1:]
    np.testing.assert_allclose(values @ np.column_stack([np.ones(9), KNOTS]), 0.0, atol=1e-12)
    assert (values**2).sum(axis=0).mean() == pytest.approx(1.0)
    # With independent coefficients of one sd the log prior is the penalty ∫ f''²: each column bends as much as the others.
    bent = []
    for at_knots in values:
        second = scipy.interpolate.CubicSpline(KNOTS, at_knots, bc_type="natural").derivative(2)
        bent.append(scipy.integrate.quad(lambda x, f=second: f(x) ** 2, KNOTS[0], KNOTS[-1], points=KNOTS[1:-1])[0])
    np.testing.assert_allclose(bent, bent[0], rtol=1e-8)


def test_rising_columns_rise_everywhere_and_add_up_to_a_straight_line():
    found = columns(X, rising=True)[1:]
    assert len(found) == len(KNOTS)
    assert (np.diff(found, axis=1) >= -1e-12).all()
    line = found.sum(axis=0)
    np.testing.assert_allclose(np.diff(line, 2), 0.0, atol=1e-9)


def test_slopes_at_the_knots_are_the_coefficients_of_rising_columns():
    coefficients = RANDOM.uniform(0.0, 2.0, len(KNOTS))
    step = 1e-6
    for sign in (1.0, -1.0):
        at = np.array(KNOTS)
        apart = columns(at + step, rising=True)[1:] - columns(at - step, rising=True)[1:]
        slopes = sign * coefficients @ apart / (2 * step)
        np.testing.assert_allclose(slopes / slopes[0], coefficients / coefficients[0], rtol=1e-4)
        # Straight outside: no slope turns.
        ends = np.array([KNOTS[0] - 5.0, KNOTS[0] - 1.0, KNOTS[-1] + 1.0, KNOTS[-1] + 5.0])
        curve = sign * coefficients @ columns(ends, rising=True)[1:]
        assert (np.sign(np.diff(curve)) == sign).all()


@pytest.mark.parametrize(
    "line", ["Y ~ normal(s(X), V, s(X):V)", "Y ~ gamma(+s(X, k=6), -s(V), wiggle=halfnormal(0.2))"]
)
def test_splines_print_as_they_are_typed_before_and_after_their_knots_are_known(line):
    spec = ModelSpec.parse("X ~ gamma; V ~ normal; " + line)
    rows = Dataset.of({"X": RANDOM.gamma(2.0, 1.0, 60), "V": RANDOM.normal(size=60), "Y": RANDOM.gamma(2.0, 1.0, 60)})
    settled = knotted(spec, rows)
    for each in (spec, settled):
        assert str(each).splitlines()[-1] == line
        assert ModelSpec.parse(str(each)) == spec
    assert ModelSpec.parse(str(settled)).with_knots(settled.knots) == settled
    assert settled.unknotted == ()


def test_priors_name_the_straight_line_and_the_wiggle():
    spec = ModelSpec.parse("X ~ normal; Y ~ normal(s(X, k=6))").with_priors({"s(X) -> Y": 2.0, "wiggle(Y)": 0.3})
    assert (spec["Y"].weights[0].belief, spec["Y"].wiggle) == (2.0, 0.3)
    assert "wiggle=0.3" in str(spec)
    with pytest.raises(LatentdoError, match="no option 'wiggle'"):
        ModelSpec.parse("X ~ normal; Y ~ normal(X, wiggle=1)")


def test_knots_are_quantiles_of_the_column_counted_by_weights():
    spec = ModelSpec.parse("X ~ normal; Y ~ normal(s(X, k=5))")
    values = np.arange(101.0)
    rows = Dataset.of({"X": values, "Y": values})
    assert list(knotted(spec, rows).knots.values()) == [(0.0, 25.0, 50.0, 75.0, 100.0)]
    counted = Dataset(rows.columns, np.where(values < 50, 3, 1))
    (knots,) = knotted(spec, counted).knots.values()
    assert knots[2] < 40


@pytest.mark.parametrize(
    ("values", "n_knots"),
    [(RANDOM.integers(0, 5, 80), 5), (np.append(np.zeros(70), np.arange(1.0, 11.0)), 10), (RANDOM.normal(size=8), 8)],
)
def test_few_or_repeated_values_have_fewer_knots(values, n_knots):
    spec = ModelSpec.parse("X ~ normal; Y ~ normal(s(X))")
    rows = Dataset.of({"X": np.asarray(values, dtype=float), "Y": RANDOM.normal(size=len(values))})
    (knots,) = knotted(spec, rows).knots.values()
    assert 4 <= len(knots) <= n_knots
    assert len(set(knots)) == len(knots)


def test_a_column_of_three_values_has_no_spline():
    rows = Dataset.of({"X": np.arange(60.0) % 3, "Y": RANDOM.normal(size=60)})
    with pytest.raises(DataError, match=r"Column X has 3 different values, and s\(X\) needs 4 at least. Write X"):
        knotted(ModelSpec.parse("X ~ normal; Y ~ normal(s(X))"), rows)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Y ~ normal(s(X, k=2))", "whole number from 4 to 40"),
        ("Y ~ normal(s(X, k=4.5))", "k is a whole number"),
        ("Y ~ normal(s(X, m=2))", "the only option of a spline is k"),
        ("Y ~ normal(s(X), X)", "listed twice"),
        ("Y ~ normal(s(X):s(V))", "multiplies two splines"),
        ("Y ~ linear(s(X))", "linear has no noise"),
        ("Y ~ normal(+s(X), X:V)", "The sign of s"),
        ("Y ~ normal(+s(X), s(X):V)", "The sign of s"),
        ("Y ~ categorical(+s(X), levels=[a, b])", "has no sign of s"),
        ("Y ~ table(s(X))", "A table has no shape"),
    ],
)
def test_what_cannot_be_is_refused(line, said):
    with pytest.raises(LatentdoError, match=said):
        ModelSpec.parse("X ~ normal; V ~ normal; " + line)

"""Tests of independence: against classical tests where these are right, and where they are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from latentdo.criticism.constraints.independence import covariance_test
from latentdo.criticism.smooth import Predictor, Variable


def number(name, values):
    return Variable.of(name, np.asarray(values, float), has_levels=False, ordered=True)


def levels(name, values, *, ordered=True):
    return Variable.of(name, np.asarray(values, float), has_levels=True, ordered=ordered)


def p_value(x, y, given, *, closer=False):
    predictor = Predictor(given, len(x.values))
    sides = [predictor.closer(side, 0) if closer else predictor.residuals(side) for side in (x, y)]
    return covariance_test(*sides).p


def ols_partial(x, y, z):
    """The p value of the partial correlation, by least squares."""
    design = np.stack([np.ones(len(z)), z], axis=1)
    rx, ry = (v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (x, y))
    return stats.pearsonr(rx, ry).pvalue


def test_of_two_numbers_it_is_near_pearsons_correlation():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=300)
        y = 0.15 * x + rng.normal(size=300)
        expected, found = stats.pearsonr(x, y).pvalue, p_value(number("x", x), number("y", y), [])
        # A tenth of the level is spent on other products; the spread is that of the rows. In standard errors:
        assert stats.norm.isf(0.9 * found / 2) == pytest.approx(stats.norm.isf(expected / 2), rel=0.12)


def test_of_levels_it_is_near_pearsons_chi_square():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 3, size=400)
        y = np.where(rng.random(400) < 0.12, x, rng.integers(0, 3, size=400))
        table = np.zeros((3, 3))
        np.add.at(table, (x, y), 1)
        expected = stats.chi2_contingency(table, correction=False).pvalue
        found = p_value(levels("x", x, ordered=False), levels("y", y, ordered=False), [])
        assert np.log(found) == pytest.approx(np.log(expected), abs=1.0)


@pytest.mark.parametrize("kind", ["normal", "curved", "unequal", "levels", "rare"])
def test_right_independences_are_rejected_as_often_as_the_level_says(kind):
    rng = np.random.default_rng(1)
    ps = []
    for _ in range(200):
        z = rng.normal(size=200)
        e, f = rng.normal(size=(2, 200))
        match kind:
            case "normal":
                ps.append(p_value(number("x", z + e), number("y", z + f), [number("z", z)]))
            case "curved":
                ps.append(p_value(number("x", z**2 + e), number("y", np.exp(0.7 * z) + f), [number("z", z)]))
            case "unequal":
                x, y = z + np.exp(0.5 * z) * e, z + np.exp(0.5 * z) * f
                ps.append(p_value(number("x", x), number("y", y), [number("z", z)]))
            case "levels":
                x, y = np.digitize(z + e, [-1, 1]), np.digitize(z + f, [0])
                ps.append(p_value(levels("x", x, ordered=False), levels("y", y), [number("z", z)]))
            case _:
                w = z > 0
                x, y = rng.random(200) < 0.03 + 0.05 * w, rng.random(200) < 0.03 + 0.05 * w
                if min(x.sum(), y.sum()) >= 5:
                    ps.append(p_value(levels("x", x), levels("y", y), [levels("w", w)]))
    assert np.mean(np.array(ps) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(ps))


def test_partial_correlation_errs_on_curved_links_and_this_does_not():
    rng = np.random.default_rng(2)
    z, e, f = rng.normal(size=(3, 500))
    x, y = z**2 + e, z**2 + f
    assert ols_partial(x, y, z) < 1e-10
    assert p_value(number("x", x), number("y", y), [number("z", z)]) > 0.05


def test_an_empty_cell_of_two_rare_levels_is_no_proof():
    # Of 1,000 rows 50 have either level by chance and none both: e^-2.5, not the 1e-7 that the rows' variance says.
    x, y = np.zeros(1000), np.zeros(1000)
    x[:50], y[50:100] = 1, 1
    assert p_value(levels("x", x), levels("y", y), []) > 0.05


def test_other_learners_see_a_threshold_and_a_logistic_surface():
    rng = np.random.default_rng(3)
    first, second = [], []
    for _ in range(6):
        z, w = rng.normal(size=(2, 1500))
        x, y = (rng.random(1500) < 1 / (1 + np.exp(-2 * (z + w))) for _ in range(2))
        sides = levels("x", x), levels("y", y), [number("z", z), number("w", w)]
        first.append(p_value(*sides))
        second.append(p_value(*sides, closer=True))
    assert np.median(first) < 0.1 < np.median(second)


@pytest.mark.parametrize("power", ["line", "square", "product"])
def test_left_out_edges_are_seen_whatever_their_shape(power):
    rng = np.random.default_rng(4)
    z, e, f = rng.normal(size=(3, 600))
    x = 0.7 * z + e
    y = 0.7 * z + f + {"line": 0.3 * x, "square": 0.3 * x**2, "product": 0.4 * x * z}[power]
    assert p_value(number("x", x), number("y", y), [number("z", z)]) < 1e-3


def test_the_scale_of_a_column_makes_no_difference():
    rng = np.random.default_rng(5)
    z, e, f = rng.normal(size=(3, 300))
    x, y = z + e, z + f + 0.1 * e
    found = p_value(number("x", x), number("y", y), [number("z", z)])
    other = p_value(number("x", 1e6 - 3e4 * x), number("y", 1e-5 * y), [number("z", 7 + z)])
    assert other == pytest.approx(found, rel=1e-6)


def test_each_row_is_predicted_without_itself():
    rng = np.random.default_rng(6)
    z = rng.normal(size=60)
    x = z + rng.normal(size=60)
    predictor = Predictor([number("z", z)], 60)
    target = number("x", x)
    found = predictor._penalised(target, (1.0, np.inf))
    # Truth: the same penalised regression again without the row.
    matrix, y = predictor.matrix[:, :], target.targets[:, 0]
    costs = np.full(matrix.shape[1], 1e-8)
    costs[predictor._curves] = 1.0
    for row in (0, 17, 59):
        kept = np.arange(60) != row
        gram = matrix[kept].T @ matrix[kept] + np.diag(60 * costs)
        beta = np.linalg.solve(gram, matrix[kept].T @ y[kept])
        assert found.values[row, 0] == pytest.approx(y[row] - matrix[row] @ beta, rel=1e-6)

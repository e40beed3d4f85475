"""Verma constraints and instrumental inequalities on rows, against closed forms and enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from latentdo.criticism.constraints.inequality import inequality_test
from latentdo.criticism.constraints.verma import NotTestable, verma_test
from latentdo.criticism.smooth import Variable
from latentdo.estimators import sample_of
from latentdo.graphs import parse_graph
from latentdo.identification import testable_implications

(VERMA,) = testable_implications(parse_graph("W -> X -> M -> Y; X <-> Y")).verma
(NAPKIN,) = testable_implications(parse_graph("W -> R -> X -> Y; W <-> X; W <-> Y")).verma
(INEQUALITY,) = testable_implications(parse_graph("Z -> X -> Y; X <-> Y")).inequalities


def variables(columns):
    sample = sample_of({name: np.asarray(values, float) for name, values in columns.items()}, columns)
    return {
        name: Variable.of(name, column.values, has_levels=column.is_discrete, ordered=True)
        for name, column in sample.columns.items()
    }


def rows(rng, n, edge, kind="numbers"):
    u, w = rng.normal(size=(2, n))
    match kind:
        case "numbers":
            x = w + u + rng.normal(size=n)
            m = 0.8 * x + rng.normal(size=n)
            return {"W": w, "X": x, "M": m, "Y": 0.8 * m + u + edge * w + rng.normal(size=n)}
        case "treatment of levels":
            x = (w + u + rng.normal(size=n) > 0) * 1.0
            m = 1.2 * x + rng.normal(size=n)
            return {"W": w, "X": x, "M": m, "Y": 0.8 * m + u + edge * w + rng.normal(size=n)}
        case _:
            w, u = (rng.random((2, n)) < 0.5) * 1.0
            x = (rng.random(n) < 0.2 + 0.3 * w + 0.3 * u) * 1.0
            m = (rng.random(n) < 0.2 + 0.6 * x) * 1.0
            return {"W": w, "X": x, "M": m, "Y": (rng.random(n) < 0.1 + 0.3 * m + 0.3 * u + edge * w) * 1.0}


@pytest.mark.parametrize("kind", ["numbers", "treatment of levels", "levels"])
def test_a_right_constraint_is_rejected_as_often_as_the_level_says(kind):
    rng = np.random.default_rng(1)
    ps = []
    for _ in range(120):
        found = variables(rows(rng, 300, 0.0, kind))
        # As the check of a graph does: what is suspect is looked at again.
        plain = verma_test(VERMA, found).p
        ps.append(max(plain, verma_test(VERMA, found, rich=True).p) if plain < 0.1 else plain)
    assert np.mean(np.array(ps) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)


def test_the_deviation_is_the_edge_that_was_left_out():
    # In a linear model Σ_x E[Y | w, m, x] P(x | w) has the slope of the edge W -> Y in w, whatever X <-> Y does.
    columns = rows(np.random.default_rng(2), 4000, 0.5)
    found = verma_test(VERMA, variables(columns))
    assert found.p < 1e-8
    assert found.effect == pytest.approx(0.5 * columns["W"].std() / columns["Y"].std(), abs=0.05)


def test_a_hundred_rows_tell_an_edge_as_often_as_a_linear_model_would():
    rng = np.random.default_rng(4)
    ps = [verma_test(VERMA, variables(rows(rng, 100, 0.6))).p for _ in range(60)]
    # With the delta method on least squares, which knows that all is linear, it is 0.70.
    assert np.mean(np.array(ps) < 0.005) == pytest.approx(0.64, abs=3 * np.sqrt(0.64 * 0.36 / 60))


def napkin_of_levels(rng, n, edge):
    """W -> R -> X -> Y, W <-> X, W <-> Y, all of two levels, and R -> Y by so much."""
    u, v = rng.random((2, n)) < 0.5
    w = rng.random(n) < 0.1 + 0.4 * u + 0.4 * v
    r = rng.random(n) < 0.3 + 0.4 * w
    x = rng.random(n) < 0.1 + 0.4 * r + 0.4 * u
    y = rng.random(n) < 0.1 + 0.3 * x + 0.3 * v + edge * r
    return {name: column * 1.0 for name, column in zip("WRXY", (w, r, x, y), strict=True)}


def test_a_ratio_of_levels_is_computed_from_their_frequencies():
    columns = napkin_of_levels(np.random.default_rng(3), 4000, 0.3)
    found = verma_test(NAPKIN, variables(columns))
    w, r, x, y = (columns[name].astype(int) for name in "WRXY")

    def average(event, a):
        return sum(event[(r == a) & (w == b)].mean() * (w == b).mean() for b in (0, 1))

    deviations = []
    for b in (0, 1):
        values = [average((x == b) & (y == 1), a) / average(x == b, a) for a in (0, 1)]
        deviations += [abs(value - values[0] * (r == 0).mean() - values[1] * (r == 1).mean()) for value in values]
    assert found.effect == pytest.approx(max(deviations), rel=1e-6)
    assert found.p < 1e-4
    assert verma_test(NAPKIN, variables(napkin_of_levels(np.random.default_rng(4), 4000, 0.0))).p > 0.05


def test_a_constraint_with_a_ratio_of_numbers_says_that_it_has_no_test():
    rng = np.random.default_rng(4)
    found = verma_test(NAPKIN, variables(dict(zip("WRXY", rng.normal(size=(4, 100)), strict=True))))
    assert isinstance(found, NotTestable)
    assert "a ratio of averages has no test" in found.reason
    coins = dict(zip("WRXY", (rng.random((4, 200)) < 0.5) * 1.0, strict=True))
    assert "16 combinations of levels needs 20 rows for each" in verma_test(NAPKIN, variables(coins)).reason


def test_the_inequality_finds_the_largest_sum_and_rejects_an_instrument_that_is_none():
    rng = np.random.default_rng(5)
    z = rng.integers(0, 3, size=600)
    x = (rng.random(600) < 0.8) * 1
    y = np.where(rng.random(600) < 0.9, z % 2, 1 - z % 2)
    columns = sample_of({"Z": z * 1.0, "X": x * 1.0, "Y": y * 1.0}, "ZXY").columns
    found = inequality_test(INEQUALITY, columns, 0)
    sums = [
        sum(((x == b) & (y == c))[z == choice[c]].mean() for c in (0, 1))
        for b in (0, 1)
        for choice in itertools.product(range(3), repeat=2)
    ]
    assert found.effect == pytest.approx(max(sums) - 1)
    assert found.p < 1e-6
    assert inequality_test(INEQUALITY, columns, 0) == found


def test_an_instrument_is_next_to_never_rejected():
    rng = np.random.default_rng(6)
    for _ in range(30):
        u, z = (rng.random((2, 200)) < 0.5) * 1.0
        x = (rng.random(200) < 0.1 + 0.4 * z + 0.4 * u) * 1.0
        y = x + u + rng.normal(size=200)
        columns = sample_of({"Z": z, "X": x, "Y": y}, "ZXY").columns
        assert inequality_test(INEQUALITY, columns, 0).p > 0.05

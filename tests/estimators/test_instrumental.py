"""Two-stage least squares and the Wald ratio: closed forms, known truths, what they say they assume."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.estimators import with_instrument
from latentdo.graphs import parse_graph
from latentdo.query import Query
from latentdo.tables import Dataset

IV = parse_graph("Z -> X -> Y; X <-> Y")
EFFECT = Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")


def numbers(n: int, seed: int) -> dict[str, np.ndarray]:
    """Y = 0.7 X + U + e, X = 0.8 Z + 0.5 W + U + e."""
    z, w, u, e, f = np.random.default_rng(seed).normal(size=(5, n))
    x = 0.8 * z + 0.5 * w + u + e
    return {"W": w, "Z": z + 0.6 * w, "X": x, "Y": 0.7 * x + 0.4 * w + u + f}


def test_without_anything_given_it_is_the_ratio_of_covariances():
    rows = numbers(400, 0)
    (found,) = with_instrument(IV, Dataset.of(rows), EFFECT)
    ratio = np.cov(rows["Z"], rows["Y"])[0, 1] / np.cov(rows["Z"], rows["X"])[0, 1]
    assert found.method == "2sls"
    assert found.estimate == pytest.approx(ratio)
    assert found.note.startswith("needs more than the graph: effects are linear")
    twice = Query.parse("E[Y | do(X=3)] - E[Y | do(X=1)]")
    assert with_instrument(IV, Dataset.of(rows), twice)[0].estimate == pytest.approx(2 * ratio)


def test_what_is_given_enters_both_stages():
    rows = numbers(4_000, 1)
    graph = parse_graph("W -> Z -> X -> Y; W -> X; W -> Y; X <-> Y")
    (found,) = with_instrument(graph, Dataset.of(rows), EFFECT)
    assert found.sets["given"] == ("W",)
    # Frisch & Waugh: what W leaves of each column.
    design = np.stack([rows["W"], np.ones(4_000)], axis=1)
    left = {k: v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for k, v in rows.items()}
    assert found.estimate == pytest.approx(left["Z"] @ left["Y"] / (left["Z"] @ left["X"]))
    assert abs(found.estimate - 0.7) < 4 * found.sd


def test_its_standard_error_is_the_spread_over_tables():
    made = [with_instrument(IV, Dataset.of(numbers(300, seed)), EFFECT)[0] for seed in range(200)]
    # W is no part of this graph, and moves all three: its own effect is in the ratio.
    spread = np.std([each.estimate for each in made])
    assert np.mean([each.sd for each in made]) == pytest.approx(spread, rel=4 / np.sqrt(2 * 200))


def test_the_wald_ratio_is_the_effect_in_those_whom_the_instrument_moves():
    rng = np.random.default_rng(2)
    n = 20_000
    z = rng.integers(0, 2, n)
    kind = rng.choice(3, n, p=[0.2, 0.5, 0.3])  # never, complier, always
    x = np.where(kind == 1, z, (kind == 2).astype(int))
    gain = np.array([0.0, 0.3, 0.6])[kind]
    y = (rng.random(n) < 0.2 + gain * x).astype(int)
    query = Query.parse("P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))")
    two, wald = with_instrument(IV, Dataset.of({"Z": z, "X": x, "Y": y}), query)
    assert abs(wald.estimate - 0.3) < 4 * wald.sd
    assert wald.estimate == two.estimate
    assert wald.same_as == "2sls"
    assert "in the 50 % of units whom it moves" in wald.note


def test_a_weak_instrument_is_told():
    rows = numbers(100, 3)
    (found,) = with_instrument(IV, Dataset.of({**rows, "Z": np.random.default_rng(0).normal(size=100)}), EFFECT)
    assert "is a weak instrument" in found.cautions[0]


@pytest.mark.parametrize(
    ("graph", "query"),
    [
        ("X -> Y; X <-> Y", "E[Y | do(X=1)] - E[Y | do(X=0)]"),
        ("Z -> X -> Y; X <-> Y", "E[Y | do(X=1)]"),
        ("Z -> X -> Y; X <-> Y", "E[Y | do(X=1)] / E[Y | do(X=0)]"),
        ("Z -> X -> Y; X <-> Y; Z -> Y", "E[Y | do(X=1)] - E[Y | do(X=0)]"),
    ],
)
def test_without_an_instrument_or_a_difference_there_is_no_row(graph, query):
    assert with_instrument(parse_graph(graph), Dataset.of(numbers(50, 0)), Query.parse(query)) == ()


def test_a_comparison_shows_it_as_what_needs_more_than_the_graph():
    table = ld.compare(ld.graph("Z -> X -> Y; X <-> Y"), numbers(200, 0), EFFECT, allow_unidentified=True)
    assert table["2sls"].estimate is not None
    assert not table["2sls"].identified
    assert table["aipw"].estimate is None
    assert "needs more than the graph" in str(table)
    assert "NOT nonparametrically identified" in str(table)


def test_bounds_show_it_below_the_range():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 300)
    x = (rng.random(300) < 0.1 + 0.7 * z).astype(int)
    rows = {"Z": z, "X": x, "Y": (rng.random(300) < 0.2 + 0.4 * x).astype(int)}
    found = ld.bounds("Z -> X -> Y; X <-> Y", rows, "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))")
    assert [each.method for each in found.assuming] == ["2sls", "wald"]
    assert found.lower < found.assuming[0].estimate < found.upper
    assert "Needs more than the graph:" in str(found)
    assert found.to_json()["assuming"][0]["method"] == "2sls"

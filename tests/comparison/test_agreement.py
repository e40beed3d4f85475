"""Methods that differ by more than chance: who says what, and why; and that right ones are left alone."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.answers import scale_of
from latentdo.comparison.agreement import difference_of
from latentdo.comparison.row import ComparisonRow, Question
from latentdo.estimators import moves_of
from latentdo.query import Query

FRONT = "X -> M -> Y; X <-> Y"
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
QUESTION = Question(
    Query.parse(EFFECT), ld.identify("X -> M -> Y; X <-> Y", EFFECT), scale_of(Query.parse(EFFECT)), None
)


def front_door(direct: float, seed: int = 0, n: int = 500) -> dict[str, np.ndarray]:
    """X -> M -> Y with a hidden cause; with `direct` an edge that the graph leaves out."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=n)
    x = (u + rng.normal(size=n) > 0).astype(int)
    m = (rng.random(n) < 1 / (1 + np.exp(1 - 2 * x))).astype(int)
    return {"X": x, "M": m, "Y": 1.5 * m + direct * x + 1.2 * u + rng.normal(size=n)}


def row(method: str, estimate: float, by_rows: np.ndarray | None, sd: float = 0.1, laws=()) -> ComparisonRow:
    """A rival's row whose error is the sum over rows of their parts."""
    moves = None if by_rows is None else moves_of(by_rows[None], 0, 400)[0]
    return ComparisonRow(
        *(method, estimate, sd, estimate - sd, estimate + sd, 0.9, 0.0, True, "", QUESTION),
        laws=tuple(laws),
        moves=moves,
    )


def test_an_edge_left_out_sets_methods_apart():
    found = ld.compare(ld.graph(FRONT), front_door(2.0, seed=5), EFFECT)
    (difference,) = found.differences
    first, second = difference.sides
    assert {"plug-in", "dipw", "apipw"} <= set(first.methods)
    assert second.methods == ("nested ipw", "nested aipw")
    assert second.laws == (("Y", ("X",)),)
    assert difference.p < 0.001
    text = found.text(300)
    assert "caution (methods): they differ by more than chance (p < 0.001): plug-in" in text
    assert "only nested ipw and nested aipw use the law of Y given X. Or the graph leaves out an edge" in text
    assert difference.to_json()["sides"][1]["methods"] == ["nested ipw", "nested aipw"]


def test_where_all_are_right_nothing_is_said():
    found = ld.compare(ld.graph(FRONT), front_door(0.0), EFFECT)
    assert found.differences == ()
    assert "more than chance" not in str(found)


def test_the_same_rows_make_a_small_difference_a_sure_one():
    shared = np.random.default_rng(0).normal(size=400) * 0.1 / 20
    own = np.random.default_rng(1).normal(size=400) * 0.001 / 20
    # Each error is 0.1, and nearly all of it is shared: 0.12 apart is much.
    paired = difference_of([row("a", 1.0, shared), row("b", 1.12, shared + own)])
    assert paired is not None
    assert paired.p < 0.001
    other = np.random.default_rng(2).normal(size=400) * 0.1 / 20
    assert difference_of([row("a", 1.0, shared), row("b", 1.12, other)]) is None


def test_a_model_without_rows_at_hand_is_taken_as_efficient():
    parts = np.random.default_rng(0).normal(size=400) * 0.1 / 20
    model = row("lvm", 1.0, None, sd=0.08)
    # The difference then has the variance 0.1² - 0.08² = 0.06².
    assert difference_of([model, row("aipw", 1.12, parts)]) is None
    apart = difference_of([model, row("aipw", 1.30, parts)])
    assert apart is not None
    assert "The model stands alone, and on more rows than its rivals" in apart.text


def test_the_level_is_the_chance_that_right_methods_are_told_apart():
    rng = np.random.default_rng(3)
    said = 0
    for _ in range(200):
        parts = rng.normal(size=(3, 300)) / 300 * [[1.0], [1.2], [1.0]]
        errors = parts.sum(axis=1) * 0 + [rng.normal(0, np.sqrt((part**2).sum())) for part in parts]
        rows = [row(name, 1 + error, part, sd=0.06) for name, error, part in zip("abc", errors, parts, strict=True)]
        said += difference_of(rows) is not None
    assert said <= 200 * 0.01 + 3 * np.sqrt(200 * 0.01 * 0.99)


def test_a_wide_error_is_on_no_side_and_each_side_has_its_own_numbers():
    rng = np.random.default_rng(0)

    def told(*estimates: tuple[str, float, float]):
        parts = rng.normal(size=(len(estimates), 400)) / 20
        rows = [row(name, value, sd * own, sd) for (name, value, sd), own in zip(estimates, parts, strict=True)]
        return difference_of(rows)

    found = told(("a", 1.0, 0.05), ("wide", 0.6, 0.3), ("b", 0.5, 0.05), ("c", 0.45, 0.05))
    assert [side.methods for side in found.sides] == [("a",), ("b", "c")]
    assert found.between.methods == ("wide",)
    assert "a says 1.000; b and c say 0.450 to 0.500; on no side: wide with 0.600." in found.text
    assert found.to_json()["on_no_side"] == ["wide"]
    assert found.to_json()["sides"][1]["estimates"] == [0.5, 0.45]
    far = told(("a", 1.0, 0.05), ("b", 0.0, 0.05), ("wide", -0.5, 0.3))
    assert [side.methods for side in far.sides] == [("a",), ("b", "wide")]
    three = told(("a", 1.0, 0.05), ("b", 0.0, 0.05), ("c", -1.0, 0.05))
    assert [side.methods for side in three.sides] == [("a",), ("b",), ("c",)]


def test_in_a_wrong_graph_no_method_lends_a_side_a_number_that_is_not_its_own():
    rng = np.random.default_rng(2)
    w = rng.normal(size=300)
    x = 0.8 * w + rng.normal(size=300)
    rows = {"X": x, "W": w, "Y": 0.5 * x + w + rng.normal(size=300)}
    (difference,) = ld.compare(
        ld.graph("X -> Y; W -> Y"), rows, EFFECT, methods=["plug-in", "g-formula", "aipw"]
    ).differences
    assert [side.methods for side in difference.sides] == [("plug-in",), ("g-formula",)]
    assert difference.between.methods == ("aipw",)


def test_baselines_and_doubles_are_no_side():
    found = ld.compare(ld.graph(FRONT), front_door(2.0, seed=5), EFFECT)
    named = {method for difference in found.differences for side in difference.sides for method in side.methods}
    assert not named & {"naive mean", "naive regression", "dml-id"}


def test_methods_that_are_the_same_computation_are_one_line():
    found = ld.compare(ld.graph(FRONT), front_door(0.0), EFFECT)
    assert found["dml-id"].same_as == "apipw"
    assert found["dml-id"].estimate == pytest.approx(found["apipw"].estimate)
    lines = found.text(300).splitlines()
    assert sum(line.startswith("apipw, dml-id ") for line in lines) == 1
    assert not any(line.startswith("dml-id") for line in lines)
    assert "apipw, dml-id &" in found.latex()

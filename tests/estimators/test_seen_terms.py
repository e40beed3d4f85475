"""Terms that set nothing, and baselines: what can be looked up among the rows is what the rows have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import latentdo as ld
from latentdo.estimators import AbstractMethod, Aipw, Options, all_methods, estimates
from latentdo.query import Query

GRAPH = "Z -> X; Z -> Y; X -> Y"


def rows(n: int = 400, seed: int = 0) -> dict[str, np.ndarray]:
    """Z confounds; three levels of X."""
    random = np.random.default_rng(seed)
    z = random.normal(size=n)
    x = np.clip(np.round(1 + 0.6 * z + 0.7 * random.normal(size=n)), 0, 2)
    c = (z + random.normal(size=n) > 0).astype(float)
    return {"Z": z, "C": c, "X": x, "Y": x + z + 0.3 * c + random.normal(size=n)}


def asked(
    query: str, table: dict[str, np.ndarray], graph: str = GRAPH, methods: Sequence[AbstractMethod] | None = None
):
    """The rows by method."""
    found = estimates(ld.graph(graph), table, Query.parse(query), methods=methods, options=Options(replicates=30))
    return {row.method: row for row in found}


def test_every_method_takes_the_mean_of_the_rows_for_a_term_that_sets_nothing():
    table = rows()
    both, alone = asked("E[Y | do(X=2)] - E[Y]", table), asked("E[Y | do(X=2)]", table)
    turned = asked("E[Y] - E[Y | do(X=2)]", table)
    assert len(both) == len(all_methods())
    for method, row in both.items():
        assert row.estimate == pytest.approx(alone[method].estimate - table["Y"].mean(), abs=1e-9), method
        assert turned[method].estimate == pytest.approx(-row.estimate, abs=1e-9)
        assert turned[method].sets == row.sets == alone[method].sets
        assert row.sd is not None and row.sd > 0
        assert (row.interval == "influence function") == (alone[method].interval == "influence function")


def test_the_interval_knows_that_both_terms_are_of_the_same_rows():
    # Where nothing confounds, and everyone is treated alike but for noise, the two means differ by what half of the rows say.
    random = np.random.default_rng(1)
    errors, reached = [], []
    for _ in range(200):
        x = (random.uniform(size=200) < 0.5).astype(float)
        table = {"X": x, "Y": x + random.normal(size=200)}
        row = asked("E[Y | do(X=1)] - E[Y]", table, "X -> Y", [Aipw()])["aipw"]
        errors.append(row.estimate - 0.5)
        reached.append(row.sd)
    assert np.mean(reached) == pytest.approx(np.std(errors), rel=0.15)


def test_an_event_of_several_nodes_is_counted():
    table = rows()
    found = asked("P(Y > 1, Z > 0) - P(Y > 1 | do(X=2))", table)
    alone = asked("P(Y > 1 | do(X=2))", table)
    share = ((table["Y"] > 1) & (table["Z"] > 0)).mean()
    for method in ("naive mean", "g-formula", "aipw", "plug-in"):
        assert found[method].estimate == pytest.approx(share - alone[method].estimate, abs=1e-9)


def test_a_question_that_sets_nothing_at_all_has_no_effect_to_estimate():
    found = asked("E[Y]", rows())
    assert found["plug-in"].estimate == pytest.approx(rows()["Y"].mean(), abs=1e-3)
    assert found["aipw"].estimate is None and "nothing is set in E[Y]" in found["aipw"].note


def test_a_refusal_names_the_term():
    found = asked("E[Y | do(X=1)] - E[Y | C=1]", rows(), "Z -> X; Z -> Y; X -> Y; Z -> C; C -> Y")
    assert "nothing is set in E[Y | C=1]" in found["aipw"].note
    given = asked("E[Y | do(X=1)] - E[Y | do(X=1), C=1]", rows(), "Z -> X; Z -> Y; X -> Y; Z -> C; C -> Y")
    assert given["aipw"].note.startswith("of E[Y | do(X=1), C=1]: it has no form for conditions after do( ), here on C")
    one = asked("E[Y | do(X=1)] - E[Y]", {**rows(), "X": rows()["X"]}, "X -> C -> Y; X <-> Y")
    assert one["aipw"].note.startswith("no adjustment set:")


def test_baselines_look_at_the_rows_that_have_what_is_given():
    table, graph = rows(), "Z -> X; Z -> Y; X -> Y; Z -> C; C -> Y"
    x, y, c, z = (table[name] for name in ("X", "Y", "C", "Z"))
    cell = asked("E[Y | do(X=1), C=1]", table, graph)
    assert cell["naive mean"].estimate == pytest.approx(y[(x == 1) & (c == 1)].mean())
    # Frequencies and cell means are shrunk by a tenth of a row.
    assert cell["naive regression"].estimate == pytest.approx(y[(x == 1) & (c == 1)].mean(), abs=0.05)
    ranged = asked("E[Y | do(X=1), Z > 0]", table, graph)
    assert ranged["naive mean"].estimate == pytest.approx(y[(x == 1) & (z > 0)].mean())
    # A line in X and Z by least squares, at X = 1 and the Z of each row in the range.
    slopes = np.linalg.lstsq(np.column_stack([np.ones_like(x), x, z]), y, rcond=None)[0]
    by_hand = slopes[0] + slopes[1] + slopes[2] * z[z > 0].mean()
    assert ranged["naive regression"].estimate == pytest.approx(by_hand, abs=0.25)
    both = asked("P(Y > 1 | do(X=1), C=1)", table, graph)["naive mean"]
    assert both.estimate == pytest.approx((y[(x == 1) & (c == 1)] > 1).mean())


def test_a_mean_of_no_rows_is_no_number():
    table = rows()
    table["C"] = np.where(table["X"] == 2, 0.0, table["C"])
    found = asked("E[Y | do(X=2), C=1]", table, "Z -> X; Z -> Y; X -> Y; Z -> C; C -> Y")["naive mean"]
    assert found.estimate is None and found.sd is None and found.lower is None


def test_rows_with_one_outcome_have_no_interval():
    random = np.random.default_rng(0)
    x = random.integers(0, 2, 100).astype(float)
    table = {"X": x, "Y": np.where(x == 1, 0.0, random.integers(0, 2, 100))}
    found = asked("E[Y | do(X=1)]", table, "X -> Y")
    assert abs(found["naive mean"].estimate) < 1e-12
    assert found["naive mean"].sd is None and found["naive mean"].lower is None
    assert found["naive mean"].interval == ""
    assert any(words.startswith("no interval") for words in found["naive mean"].cautions)
    for row in found.values():
        assert any("all rows with X=1 have the same outcome" in words for words in row.cautions), row.method
    other = asked("E[Y | do(X=0)]", table, "X -> Y")
    assert other["naive mean"].sd > 0 and not any("same outcome" in words for words in other["naive mean"].cautions)


def test_a_contrast_says_its_formula_once():
    found = asked("E[Y | do(X=2)] - E[Y | do(X=1)]", rows())["plug-in"]
    assert "Σ_Z E[Y | X, Z] P(Z); linear models" in found.note and "X=" not in found.note
    single = asked("E[Y | do(X=2)]", rows())["plug-in"]
    assert "Σ_Z E[Y | X=2, Z] P(Z); linear models" in single.note
    different = asked("E[Y | do(X=2)] - E[Y | do(Z=1)]", rows())["plug-in"]
    assert "E[Y | X=2, Z]" in different.note and "Z=1" in different.note

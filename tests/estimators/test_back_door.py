"""Adjustment against enumeration, double robustness, and treatments of every kind."""

from __future__ import annotations

import numpy as np
import pytest

import oracles
from exact_laws import cells_of
from latentdo.estimators import Aipw, Fits, GFormula, Glm, Ipw, Models, No, Options, Tmle, Yes, estimates
from latentdo.estimators.nuisances import Nuisances
from latentdo.estimators.task import task_of
from latentdo.graphs import parse_graph
from latentdo.query import Query

METHODS = (GFormula(), Ipw(), Ipw(normalised=False), Aipw(), Tmle())


def _exact(text: str, query: str, methods=METHODS, seen=None, levels: int = 2):
    """Each method's number where every combination of levels is a row, and the truth."""
    graph = parse_graph(text)
    scm = oracles.random_scm(graph, 4, levels)
    sample = cells_of(scm.law(), scm.graph.measured)
    term = Query.parse(query).term
    task = task_of(graph, term, sample)
    fits = Fits(
        Nuisances(sample, sample.weights[None], Models(Glm("cells", 0.0), seen=seen or {})), np.zeros(sample.n, int)
    )
    # The laws of all rows: with one fold none would be left to train on.
    fits.__dict__["crossed"] = fits.plain
    law = scm.answer(Query.parse(f"P(Y | do({', '.join(term.treatments)}))").term)
    truth = float(law[tuple(int(task.treatments[name]) for name in term.treatments)] @ np.arange(levels))
    found = []
    for method in methods:
        answer = method.applies(task)
        assert isinstance(answer, Yes)
        found.append(float(method.fit(task, fits, answer.sets).values[0]))
    return found, truth


@pytest.mark.parametrize("levels", [2, 3])
def test_every_method_is_surgery_with_exact_laws(levels):
    found, truth = _exact("Z -> X -> Y; Z -> Y; W -> X; V -> Y", "E[Y | do(X=1)]", levels=levels)
    assert found == pytest.approx([truth] * len(METHODS), abs=1e-4)


def test_several_treatments_are_set_together():
    found, truth = _exact("Z -> A; Z -> B; A -> B; A -> Y; B -> Y; Z -> Y", "E[Y | do(A=1, B=0)]")
    assert found == pytest.approx([truth] * len(METHODS), abs=1e-4)


@pytest.mark.parametrize(("wrong", "exact"), [({"X": ()}, (0, 3, 4)), ({"Y": ("X",)}, (1, 2, 3, 4))])
def test_one_right_model_is_enough_for_the_augmented(wrong, exact):
    found, truth = _exact("Z -> X -> Y; Z -> Y", "E[Y | do(X=1)]", seen=wrong)
    for i, value in enumerate(found):
        assert (value == pytest.approx(truth, abs=1e-4)) == (i in exact), METHODS[i].name


def test_the_set_of_least_variance_is_the_default_and_others_come_on_request():
    graph = parse_graph("I -> Z -> X -> Y; Z -> W -> Y")
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=200) for name in ("I", "Z", "X", "W", "Y")}
    query = Query.parse("E[Y | do(X=0)]")
    methods = [GFormula(), GFormula(frozenset({"Z"})), GFormula(frozenset({"I"}))]
    best, other, wrong = estimates(graph, columns, query, methods=methods, options=Options(replicates=0))
    assert best.sets == {"adjustment": ("W",)}
    assert other.sets == {"adjustment": ("Z",)}
    assert not wrong.applies and "{I} is no adjustment set" in wrong.note


def test_a_continuous_treatment_is_weighted_by_nearness():
    rng = np.random.default_rng(1)
    z = rng.normal(size=4000)
    x = 0.5 * z + rng.normal(size=4000)
    columns = {"Z": z, "X": x, "Y": 1 + 2 * x + z + rng.normal(size=4000)}
    rows = estimates(
        parse_graph("Z -> X -> Y; Z -> Y"),
        columns,
        Query.parse("E[Y | do(X=1)]"),
        methods=[Ipw(), Aipw(), Tmle()],
        options=Options(replicates=30),
    )
    for row in rows:
        assert abs(row.estimate - 3) < 4 * row.sd + 0.02, row
        assert "bandwidth" in row.note
        assert row.effective < 2000


def test_a_bandwidth_that_is_asked_for_is_used_and_said():
    rng = np.random.default_rng(2)
    z = rng.normal(size=2000)
    x = 0.5 * z + rng.normal(size=2000)
    columns = {"Z": z, "X": x, "Y": 2 * x**2 + z + rng.normal(size=2000)}
    graph, query = parse_graph("Z -> X -> Y; Z -> Y"), Query.parse("E[Y | do(X=0)]")
    found = {}
    for width in (0.1, 1.0):
        options = Options(replicates=0, bandwidth=width)
        (row,) = estimates(graph, columns, query, methods=[Ipw()], options=options)
        assert f"bandwidth {width * x.std():.3g} on X, {width:.2g} sd" in row.note
        found[width] = row.estimate
    # A kernel averages the parabola over its width: 2 h².
    assert found[0.1] == pytest.approx(2 * 0.01 * x.var(), abs=0.2)
    assert found[1.0] == pytest.approx(2 * x.var(), abs=0.4)


def test_no_set_is_a_sentence():
    task = task_of(
        parse_graph("X -> M -> Y; X <-> Y"),
        Query.parse("E[Y | do(X=1)]").term,
        cells_of(np.full((2, 2, 2), 1 / 8), ("X", "M", "Y")),
    )
    answer = Ipw().applies(task)
    assert isinstance(answer, No)
    assert answer.reason == "no adjustment set: bidirected edges join X to what it causes, {Y}."

"""The plug-in against enumeration, against closed forms, and its trapdoors."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

import oracles
from exact_laws import ExactLaws
from latentdo.estimators import Options, PlugIn, estimates
from latentdo.estimators.methods.plug_in import Evaluator, gathered, panels
from latentdo.estimators.sample import Column
from latentdo.estimators.task import task_of
from latentdo.graphs import parse_graph
from latentdo.identification import NotIdentified
from latentdo.query import Query

WIDE = parse_graph("Z -> X -> Y; Z -> Y -> W")
NO_INTERVAL = Options(replicates=0)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("conditions", [0, 1])
def test_formula_with_exact_laws_is_surgery(seed, conditions):
    rng = random.Random(seed)
    graph = oracles.random_napkin(rng) if seed % 4 == 0 else oracles.random_admg(rng, (3, 5))
    scm = oracles.random_scm(graph, seed)
    law = Query.parse(oracles.random_term(rng, graph.nodes, conditions)).term
    names = (*law.treatments, *law.outcome_names, *law.conditions)
    text = ", ".join([f"do({', '.join(f'{name}=1' for name in law.treatments)})"] * bool(law.do))
    given = ", ".join(filter(None, [text, *(f"{name}=1" for name in law.conditions)]))
    events = ", ".join(f"{name}=1" for name in law.outcome_names)
    term = Query.parse(f"P({events} | {given})" if given else f"P({events})").term
    laws = ExactLaws(scm.law(), scm.graph.measured)
    task = task_of(graph, term, laws.sample)
    if isinstance(task, NotIdentified):
        pytest.skip("not identified")
    value, _ = Evaluator(task, laws, laws.sample.weights[None]).answer()
    assert value[0] == pytest.approx(scm.answer(law)[(1,) * len(names)], abs=1e-9)


def _wide(n: int, seed: int) -> dict[str, np.ndarray]:
    """Z -> X -> Y <- Z -> W, Y -> W: Z and Y normal, X and W two levels."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = (rng.random(n) < expit(z)) * 1.0
    y = x + z + rng.normal(size=n)
    return {"Z": z, "X": x, "Y": y, "W": (rng.random(n) < expit(2 * y - 1)) * 1.0}


@pytest.mark.parametrize("threshold", [0.95, 1.0, 1.03, 1.1])
def test_an_event_of_a_continuous_outcome_given_what_it_causes_moves_with_its_threshold(threshold):
    """P(Y > c | do(X=1), W=1) with Y = X + normal of variance 2, by quadrature."""
    columns = _wide(40_000, 0)
    query = Query.parse(f"P(Y>{threshold} | do(X=1), W=1)")
    (row,) = estimates(WIDE, columns, query, methods=[PlugIn()], options=Options(replicates=0))

    def above(low: float) -> float:
        return quad(lambda y: norm.pdf(y, 1, np.sqrt(2)) * expit(2 * y - 1), low, 12)[0]

    assert row.estimate == pytest.approx(above(threshold) / above(-12), abs=0.008)


def test_thresholds_of_an_outcome_given_what_it_causes_are_no_steps():
    """With fitted laws held still, the probability falls by the density times the distance."""
    columns = _wide(3000, 1)
    at = [1.0, 1.01, 1.02, 1.03]
    found = [
        estimates(WIDE, columns, Query.parse(f"P(Y>{c} | do(X=1), W=1)"), methods=[PlugIn()], options=NO_INTERVAL)
        for c in at
    ]
    falls = -np.diff(np.array([row.estimate for (row,) in found], dtype=float))
    assert (falls > 0.002).all() and falls.max() < 1.05 * falls.min()


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("P(Y>1, Z>1 | do(X=1))", quad(lambda z: norm.pdf(z) * norm.sf(-z), 1, 9)[0]),
        ("E[Y | do(X=1), Z>1]", 1 + norm.pdf(1) / norm.sf(1)),
        ("E[Y | do(X=1), Z>=1, Z<1.01]", 2.005),
        ("P(Y>1 | do(X=1), Z<-1)", quad(lambda z: norm.pdf(z) * norm.sf(-z), -9, -1)[0] / norm.cdf(-1)),
        ("P(Z>0.3 | do(X=1))", norm.sf(0.3)),
    ],
)
def test_events_of_a_continuous_covariate_hold_for_the_rows_that_satisfy_them(text, truth):
    (row,) = estimates(WIDE, _wide(40_000, 2), Query.parse(text), methods=[PlugIn()], options=NO_INTERVAL)
    assert row.estimate == pytest.approx(truth, abs=0.015)


def test_a_condition_far_from_the_data_is_cautioned_against():
    for value, far in ((0.5, False), (9.0, True)):
        query = Query.parse(f"E[Y | do(X=1), Z={value}]")
        (row,) = estimates(WIDE, _wide(500, 3), query, methods=[PlugIn()], options=NO_INTERVAL)
        assert any(f"Z={value:g} lies outside the middle 98 %" in said for said in row.cautions) is far


def test_groups_of_rows_lie_on_one_side_of_every_threshold():
    values = np.random.default_rng(0).choice([0.1, 0.3, 0.7, 1.1], 500)
    weights = np.random.default_rng(1).exponential(size=(3, 500))
    means, mass = gathered(values, weights, [0.3, 0.7])
    for op in (np.less, np.less_equal, np.equal):
        counted = (weights * op(values, 0.3)).sum(axis=1) / weights.sum(axis=1)
        np.testing.assert_allclose((mass * op(means, 0.3)).sum(axis=1), counted, atol=1e-12)
    assert gathered(np.arange(40_000.0), np.ones((1, 40_000)))[0].shape == (1, 140)


def test_panels_integrate_what_lies_above_a_threshold():
    column = Column("Y", np.linspace(-4, 4, 100))
    for spread in (0.3, 1.0):
        values, weights = panels(column, [0.77, 9.0], spread)
        assert (weights * norm.pdf(values, 0, spread) * (values > 0.77)).sum() == pytest.approx(
            norm.sf(0.77, 0, spread), abs=1e-5
        )

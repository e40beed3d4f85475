"""The p-fixable family against enumeration: the recursion is exact where its laws are, and doubly robust."""

from __future__ import annotations

import numpy as np
import pytest

import oracles
from exact_laws import ExactLaws
from latentdo.estimators.methods.primal import PrimalProblem, augmented_terms, dual_terms, primal_terms
from latentdo.graphs import parse_graph, project
from latentdo.identification import forms_of
from latentdo.query import Query

GRAPHS = (
    "C -> T; C -> M; C -> Y; T -> M; M -> Y; T <-> Y",
    "T -> R; R -> P; P -> A; R -> Y; A -> Y; T <-> P",
    "C -> T; C -> Y; T -> R; R -> P; P -> Q; Q -> Y; R -> Y; T <-> P; P <-> Y",
    "C -> T; C -> P; T -> R; R -> P; P -> Y; R -> Y; T <-> P; C <-> T; R <-> Y",
)


def _case(text: str, seed: int, levels: int, wrong: str):
    scm = oracles.random_scm(parse_graph(text), seed, levels)
    graph = project(parse_graph(text))
    fixed = forms_of(graph, Query.parse("E[Y | do(T=1)]").term).fixability
    joint, names = scm.law(), scm.graph.measured
    halves = {"L": set(fixed.joined), "M": set(fixed.mediators), "": set()}
    laws = ExactLaws(joint, names, halves[wrong], seed=seed)
    order = fixed.order[fixed.order.index("T") :]
    problem = PrimalProblem(laws.sample, laws, "T", 1.0, "Y", order, frozenset(fixed.joined), dict(fixed.pillows))
    return problem, scm


def _do_mean(scm, value: int) -> float:
    law = scm.answer(Query.parse("P(Y | do(T))").term)[value]
    return float(law @ np.arange(len(law)))


@pytest.mark.parametrize("text", GRAPHS)
@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("wrong", ["", "L", "M"])
def test_terms_average_to_surgery_with_the_laws_that_they_need(text, levels, wrong):
    problem, scm = _case(text, 3, levels, wrong)
    truth, mass = _do_mean(scm, 1), problem.sample.weights / problem.sample.n
    augmented = augmented_terms(problem, problem.sample.weights[None], levelled=False)
    assert (mass * augmented).sum() == pytest.approx(truth, abs=1e-6)
    primal, dual = (
        float((mass * weights * values).sum()) for weights, values in (primal_terms(problem), dual_terms(problem))
    )
    assert (primal == pytest.approx(truth, abs=1e-6)) == (wrong != "L")
    assert (dual == pytest.approx(truth, abs=1e-6)) == (wrong != "M")

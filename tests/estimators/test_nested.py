"""The nested family against enumeration: with every combination of levels as a row, its fits are exact."""

from __future__ import annotations

import random

import numpy as np
import pytest

import oracles
from exact_laws import cells_of
from latentdo.estimators import Glm, Models
from latentdo.estimators.method import Fits, No
from latentdo.estimators.nested import NestedAipw, NestedIpw, WermId, needed_steps
from latentdo.estimators.nuisances import Nuisances
from latentdo.estimators.task import task_of
from latentdo.graphs import parse_graph
from latentdo.identification import NotIdentified
from latentdo.query import Query


def _exact(graph, treatment: str, outcome: str, seed: int, methods) -> list[tuple[str, float, float]]:
    scm = oracles.random_scm(graph, seed)
    sample = cells_of(scm.law(), scm.graph.measured)
    task = task_of(graph, Query.parse(f"E[{outcome} | do({treatment}=1)]").term, sample)
    if isinstance(task, NotIdentified):
        return []
    models = Models(Glm("cells", penalty=0.0))
    fits = Fits(Nuisances(sample, sample.weights[None], models), np.zeros(sample.n, dtype=np.intp))
    truth = scm.answer(Query.parse(f"P({outcome} | do({treatment}))").term)[1, 1]
    found = []
    for method in methods:
        answer = method.applies(task)
        if not isinstance(answer, No):
            found.append((method.name, float(method.fit(task, fits, answer.sets).values[0]), truth))
    return found


METHODS = (NestedIpw(normalised=False), NestedIpw(), NestedAipw(), WermId())


@pytest.mark.parametrize(
    "text",
    [
        "W -> R -> X -> Y; W <-> X; W <-> Y",
        "C -> X; C -> M; C -> Y; X -> M; M -> Y; X <-> Y",
        "Z -> X -> Y; Z -> Y",
        "C -> X; C -> Y; X -> R; R -> P; P -> Q; Q -> Y; R -> Y; X <-> P; P <-> Y",
    ],
)
def test_nested_family_is_surgery_on_the_graphs_of_the_literature(text):
    found = _exact(parse_graph(text), "X", "Y", 5, METHODS)
    assert len(found) == 4
    for name, value, truth in found:
        assert value == pytest.approx(truth, abs=1e-6), name


@pytest.mark.parametrize("seed", range(60))
def test_nested_family_is_surgery_on_random_graphs(seed):
    rng = random.Random(seed)
    graph = oracles.random_napkin(rng) if seed % 3 == 0 else oracles.random_admg(rng, (3, 6))
    for treatment in graph.nodes:
        for outcome in graph.nodes:
            if outcome != treatment:
                for name, value, truth in _exact(graph, treatment, outcome, seed, METHODS):
                    assert value == pytest.approx(truth, abs=1e-6), (str(graph), treatment, outcome, name)


def test_only_the_nodes_that_a_conditional_needs_are_fixed():
    """Q lies after P, and its weight is a function of what Y is given: with it the weights had long tails for nothing."""
    text = "C -> T; C -> Y; T -> R; R -> P; P -> Q; Q -> Y; R -> Y; T <-> P; P <-> Y"
    graph = parse_graph(text)
    sample = cells_of((scm := oracles.random_scm(graph, 1)).law(), scm.graph.measured)
    task = task_of(graph, Query.parse("E[Y | do(T=1)]").term, sample)
    assert not isinstance(task, NotIdentified) and task.fixability is not None
    (kernel,) = (kernel for kernel in task.fixability.kernels if kernel.meets_treatment_district)
    assert [step.node for step in kernel.fixings] == ["Q", "R", "T", "C"]
    for node, given in (("P", {"C", "R"}), ("Y", {"C", "R", "P", "Q"})):
        kept = needed_steps(task, kernel.fixings, node, frozenset(given))
        assert [kernel.fixings[i].node for i in kept] == ["R"], node

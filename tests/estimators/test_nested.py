"""The nested family against enumeration: with every combination of levels as a row, its fits are exact."""

from __future__ import annotations

import random

import numpy as np
import pytest

import oracles
from exact_laws import cells_of
from latentdo.estimators import Fits, Glm, Models, NestedAipw, NestedIpw, No, Options, WermId, estimates
from latentdo.estimators.methods.nested import needed_steps, tilted
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


def test_the_weights_of_a_continuous_treatment_balance_what_comes_before_it():
    graph, query = parse_graph("Z -> T; Z -> Y; T -> Y"), Query.parse("E[Y | do(T=6)] - E[Y | do(T=5)]")
    errors = []
    for seed in range(40):
        z, a, b = np.random.default_rng([seed, 5]).normal(size=(3, 500))
        t = 5 + 0.8 * z + a
        rows = {"Z": z, "T": t, "Y": 10 + 2 * t + 1.5 * z + b}
        (row,) = estimates(graph, rows, query, methods=[WermId()], options=Options(replicates=0))
        assert row.estimate is not None
        errors.append(row.estimate - 2)
    # Ratios of densities alone leave 0.15 of the confounding.
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(len(errors))
    assert np.std(errors) < 0.07


def test_tilted_weights_have_the_means_that_are_asked_for():
    terms = np.random.default_rng(3).normal([0.3, -0.2, 0.0], 1.0, (200, 3))
    shares = np.full(200, 1 / 200)
    law, slopes = tilted(terms, shares, shares)
    assert slopes is not None
    assert tilted(terms, shares, shares, slopes + 0.1)[1] == pytest.approx(slopes, abs=1e-7)
    law = law / law.sum()
    assert law @ terms == pytest.approx(0, abs=1e-7)
    # The entropy is the largest: the logarithm of each weight is linear in the terms.
    design = np.column_stack([np.ones(200), terms])
    assert np.log(law) == pytest.approx(design @ np.linalg.lstsq(design, np.log(law), rcond=None)[0], abs=1e-9)
    none, slopes = tilted(np.abs(terms), shares, shares)
    assert slopes is None and (none == 1).all()


def test_what_is_cut_is_told_by_both_of_the_nested_family():
    rng = np.random.default_rng(0)
    u, a, b, c = rng.normal(size=(4, 300))
    t = (u + a > 0) * 1.0
    m = 2.5 * t + b
    rows = {"T": t, "M": m, "Y": m + u + c}
    graph, query = parse_graph("T -> M -> Y; T <-> Y"), Query.parse("E[Y | do(T=1)]")
    found = estimates(graph, rows, query, methods=[NestedIpw(), NestedAipw()], options=Options(replicates=0))
    for row in found:
        assert row.trimmed > 0
        assert any("with all of their weight the estimate would be" in said for said in row.cautions)


def test_few_weights_of_a_front_door_are_cut():
    graph = parse_graph("C -> T; C -> M; C -> Y; T -> M -> Y; T <-> Y")
    query = Query.parse("E[Y | do(T=1)] - E[Y | do(T=0)]")
    trimmed = []
    for seed in range(5):
        rng = np.random.default_rng([seed, 8])
        c, u = rng.normal(size=(2, 600))
        t = (rng.random(600) < 1 / (1 + np.exp(-0.6 * c - 1.2 * u))) * 1.0
        m = (rng.random(600) < 1 / (1 + np.exp(0.7 - 1.6 * t - 0.5 * c))) * 1.0
        rows = {"C": c, "T": t, "M": m, "Y": 1 + 1.4 * m + 0.6 * c + u + 0.8 * rng.normal(size=600)}
        (row,) = estimates(graph, rows, query, methods=[NestedIpw()], options=Options(replicates=0))
        trimmed.append(row.trimmed)
    assert np.mean(trimmed) < 0.5

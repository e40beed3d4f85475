"""Double machine learning against enumeration: exact laws give surgery, slopes give influence."""

from __future__ import annotations

import random

import numpy as np
import pytest

import oracles
from exact_laws import ExactLaws, cells_of
from latentdo.estimators import DmlId, Fits, Glm, Models, No
from latentdo.estimators.methods.dml import one_step, ratio_of_adjustments
from latentdo.estimators.methods.plug_in import Evaluator
from latentdo.estimators.nuisances import Nuisances
from latentdo.estimators.task import task_of
from latentdo.graphs import parse_graph
from latentdo.identification import NotIdentified
from latentdo.query import Query

NAPKIN = "W -> R -> X -> Y; W <-> X; W <-> Y"


def _task(graph, treatment: str, outcome: str, joint: np.ndarray, names: tuple[str, ...]):
    return task_of(graph, Query.parse(f"E[{outcome} | do({treatment}=1)]").term, cells_of(joint, names))


@pytest.mark.parametrize("seed", range(12))
def test_influence_function_is_the_slope_of_the_formula(seed):
    rng = random.Random(seed)
    graph = oracles.random_napkin(rng) if seed % 2 == 0 else oracles.random_admg(rng, (3, 4))
    scm = oracles.random_scm(graph, seed)
    joint, names = scm.law(), scm.graph.measured
    for treatment, outcome in [(a, b) for a in graph.nodes for b in graph.nodes if a != b]:
        task = _task(graph, treatment, outcome, joint, names)
        if isinstance(task, NotIdentified) or not task.has_effect or len(names) > 5:
            continue
        terms = one_step(task, ExactLaws(joint, names), np.arange(task.sample.n))
        truth = scm.answer(Query.parse(f"P({outcome} | do({treatment}))").term)[1, 1]
        assert (terms * joint.ravel()).sum() == pytest.approx(truth, abs=1e-6)
        for cell in (0, joint.size // 2):
            point = np.zeros(joint.size)
            point[cell] = 1

            def moved(by: float, point: np.ndarray = point, task=task) -> float:
                law = (1 - by) * joint + by * point.reshape(joint.shape)
                return float(Evaluator(task, ExactLaws(law, names), np.ones((1, 1))).answer()[0][0])

            slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
            # Combinations rarer than one in a thousand are weighted as if they were that.
            if joint.min() > 2e-3:
                assert terms[cell] - truth == pytest.approx(slope, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("more", ["", "; C -> X; C -> Y", "; C -> W; C -> R; C -> X; C -> Y"])
def test_ratio_is_surgery_and_forgives_either_wrong_law(more):
    graph = parse_graph(NAPKIN + more)
    scm = oracles.random_scm(graph, 1)
    joint, names = scm.law(), scm.graph.measured
    task = _task(graph, "X", "Y", joint, names)
    ratio = ratio_of_adjustments(task)
    assert ratio is not None
    assert (ratio.moved, ratio.seen, ratio.covariates, ratio.outer) == ("R", "X", ("W",), ("C",) if more else ())
    truth = scm.answer(Query.parse("P(Y | do(X))").term)[1, 1]

    class Known(Fits):
        crossed = None  # pyright: ignore[reportAssignmentType]

    for wrong in ((), ("R",), ("X", "Y")):
        fits = Known(Nuisances(task.sample, task.sample.weights[None], Models(Glm("cells", 0.0))), np.zeros(1, int))
        fits.crossed = ExactLaws(joint, names, wrong)
        answer = DmlId().applies(task)
        assert not isinstance(answer, No)
        result = DmlId().fit(task, fits, answer.sets)
        assert result.values[0] == pytest.approx(truth, abs=1e-6), wrong

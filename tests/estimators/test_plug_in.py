"""The plug-in against enumeration, against closed forms, and its trapdoors."""

from __future__ import annotations

import random

import pytest

import oracles
from exact_laws import ExactLaws
from latentdo.estimators.plug_in import Evaluator
from latentdo.estimators.task import task_of
from latentdo.identification import NotIdentified
from latentdo.query import Query


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

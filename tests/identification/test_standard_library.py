"""Proofs and witnesses without NumPy: the same verdicts and the same numbers, exactly."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import latentdo as ld
from known_graphs import ALL
from latentdo.identification.engine.tables import EXACT, FLOATS
from without_packages import run_alone

# A mean, a contrast, a ratio, a spread, a quantile, a stochastic intervention, evidence, an event.
BOW = "X -> Y; X <-> Y; X -> Z; Z <-> Y"
QUESTIONS = [
    (BOW, "E[Y | do(X=1)] - E[Y | do(X=0)]"),
    (BOW, "2.5 * E[Y | do(X=1)] / E[Y | do(X=0)]"),
    (BOW, "SD[Y | do(X=1)]"),
    (BOW, "Quantile[Y, 0.3 | do(X=1)]"),
    (BOW, "E[Y | do(X ~ bernoulli(0.3))]"),
    (BOW, "P(Y | do(X), Z)"),
    (BOW, "P(Y=1 | do(X=0), Z > 0)"),
    *((known.text, known.question) for known in ALL),
]
CODE = """
import json, sys
import latentdo as ld
made = []
for graph, question in json.load(sys.stdin):
    verdict = ld.identify(graph, question)
    if verdict:
        made.append([verdict.derivation.check(), verdict.derivation.explain()])
    else:
        witness = verdict.witness()
        made.append([witness.to_json(), str(witness), list(map(str, witness.exact_values))])
print(json.dumps(made))
"""


def here(graph: str, question: str) -> list[Any]:
    """The same with NumPy."""
    verdict = ld.identify(graph, question)
    if isinstance(verdict, ld.Identified):
        return [verdict.derivation.check(), verdict.derivation.explain()]
    witness = verdict.witness()
    return [witness.to_json(), str(witness), list(map(str, witness.exact_values))]


def test_proofs_and_witnesses_are_the_same_without_numpy() -> None:
    alone = json.loads(run_alone(CODE, json.dumps(QUESTIONS)))
    for (graph, question), found in zip(QUESTIONS, alone, strict=True):
        assert found == here(graph, question), f"{graph}: {question}"
    assert any(found[0] is True for found in alone)
    assert all(found[0] is True or found[0]["checked"] for found in alone)


def test_a_witness_tells_its_values_as_fractions() -> None:
    verdict = ld.identify("X -> Y; X <-> Y", "E[Y | do(X=1)] - E[Y | do(X=0)]")
    assert isinstance(verdict, ld.NotIdentified)
    witness = verdict.witness()
    assert witness.exact_values == (Fraction(7, 16), 0)
    assert witness.values == (7 / 16, 0.0)


def test_equations_that_numbers_alone_can_tell_are_told_apart_without_numpy() -> None:
    code = """
from dataclasses import replace
import latentdo as ld
from latentdo.identification import Prob, Product
from latentdo.identification.proof.verify import _fault_by_numbers
derivation = ld.identify("X -> M -> Y; X <-> Y", "P(Y | do(X))").derivation
step = next(step for step in derivation.steps if step.rule == "chain rule")
part, becomes = step.part.expression, step.becomes.expression
wrong = Product(tuple(replace(law, given=law.given[:-1]) if law.given else law for law in becomes.factors))
for other in (becomes, wrong):
    print(_fault_by_numbers(derivation.theorems[0], step, part, other, 1))
"""
    right, wrong = run_alone(code).splitlines()
    assert right == "None"
    assert "differ by" in wrong


SHAPES = st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4).map(tuple)


@given(SHAPES, st.data())
def test_exact_tables_do_what_arrays_do(shape: tuple[int, ...], data: st.DataObject) -> None:
    other = tuple(data.draw(st.sampled_from([1, length])) for length in shape)
    cells = [data.draw(st.lists(st.integers(0, 9), min_size=(n := math.prod(s)), max_size=n)) for s in (shape, other)]
    tables = [EXACT.table(s, c) for s, c in zip((shape, other), cells, strict=True)]
    arrays = [FLOATS.table(s, c) for s, c in zip((shape, other), cells, strict=True)]
    axes = tuple(data.draw(st.sets(st.sampled_from(range(len(shape))))))
    order = data.draw(st.permutations(range(len(shape))))
    for made, wanted in [
        (tables[0] + tables[1], arrays[0] + arrays[1]),
        (tables[1] - tables[0], arrays[1] - arrays[0]),
        (EXACT.times(*tables), FLOATS.times(*arrays)),
        (abs(tables[0] - 4), abs(arrays[0] - 4)),
        (tables[0].sum(axis=axes, keepdims=True), arrays[0].sum(axis=axes, keepdims=True)),
        (tables[0].sum(axis=-1), arrays[0].sum(axis=-1)),
        (tables[0].transpose(order), arrays[0].transpose(order)),
        (tables[0] < 5, arrays[0] < 5),
    ]:
        assert made.shape == wanted.shape
        assert made.tolist() == wanted.tolist()
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = FLOATS.over(*arrays)
    np.testing.assert_array_equal(np.array(EXACT.over(*tables).tolist(), dtype=float), quotient)
    assert EXACT.at_least(tables[0], 5, 4) == FLOATS.at_least(arrays[0], 5, 4)


def test_a_model_is_checked_without_numpy() -> None:
    code = "import latentdo as ld; print(ld.check('latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)'))"
    assert run_alone(code) == "model: 2 measured nodes, 1 never measured (U)\n"

"""Fixability: the definitions by enumeration, kernels by numbers, and the graphs of the papers."""

from __future__ import annotations

import random

import numpy as np
import pytest

import oracles
from latentdo.graphs import Admg, parse_graph, project
from latentdo.identification import Fixability, Forms, forms_of, identify
from latentdo.query import Query


def forms(graph: Admg, x: str, y: str) -> Forms:
    return forms_of(graph, Query.parse(f"P({y} | do({x}))").term)


def fixed(graph: Admg, x: str, y: str) -> Fixability:
    found = forms(graph, x, y).fixability
    assert found is not None
    return found


def effects(count, seed, sizes=(3, 7)):
    """Graphs in which a treatment causes an outcome."""
    rng = random.Random(seed)
    for number in range(count):
        graph = oracles.random_napkin(rng) if number % 3 == 0 else oracles.random_admg(rng, sizes)
        x, y = ("X1", "Y") if number % 6 == 0 else rng.sample(graph.nodes, 2)
        if x in graph.ancestors([y]):
            yield number, graph, x, y


def test_the_kinds_are_those_of_the_definitions_in_the_graph_over_the_ancestors():
    counts = {"a": 0, "p": 0, "nested": 0, "none": 0}
    for _, graph, x, y in effects(700, seed=1):
        found = fixed(graph, x, y)
        small = graph.induced(graph.ancestors([y]))
        district, after = small.district(x), small.descendants([x])
        assert found.a_fixable == (district & after == {x})
        assert found.p_fixable == (not district.intersection(small.children(x)))
        assert found.nested_fixable == identify(graph, Query.parse(f"P({y} | do({x}))")).identified
        assert found.nested_fixable or not found.p_fixable
        assert found.p_fixable or not found.a_fixable
        assert {kind for kind, _ in found.reasons} == {
            kind
            for kind, holds in (
                ("a-fixable", found.a_fixable),
                ("p-fixable", found.p_fixable),
                ("nested fixable", found.nested_fixable),
            )
            if not holds
        }
        assert bool(found.estimators) == found.nested_fixable
        counts[
            "a" if found.a_fixable else "p" if found.p_fixable else "nested" if found.nested_fixable else "none"
        ] += 1
    assert min(counts.values()) > 10


def test_the_sets_are_those_of_the_definitions():
    for _, graph, x, y in effects(300, seed=2):
        found = fixed(graph, x, y)
        small = graph.induced(graph.ancestors([y]))
        after = small.descendants([x])
        order = found.order
        assert set(order) == set(small.nodes)
        assert all(order.index(a) < order.index(b) for a, b in small.directed)
        assert set(order[: order.index(x)]) == set(small.nodes) - after == set(found.before)
        assert set(found.district) == small.district(x)
        assert set(found.joined) == small.district(x) & after
        assert set(found.mediators) == after - small.district(x)
        for node, pillow in found.pillows:
            upto = small.induced(order[: order.index(node) + 1])
            district = upto.district(node)
            assert set(pillow) == district.union(*map(small.parents, district)) - {node}
        district = small.district(x)
        assert set(found.blanket) == district.union(*map(small.parents, district)) - {x}


def test_a_treatment_is_a_fixable_exactly_where_adjustment_works_and_its_pillow_is_a_set():
    for _, graph, x, y in effects(500, seed=3):
        found, sets = fixed(graph, x, y), forms(graph, x, y)
        assert (sets.optimal_adjustment is not None) == found.a_fixable, f"{graph} | {x} {y}"
        if found.a_fixable:
            assert sets.is_adjustment_set(found.pillow)


def factor(law, names, node, given):
    return oracles.margin(law, names, {node, *given}) / oracles.margin(law, names, set(given))


def test_the_primal_and_dual_weights_have_the_mean_of_surgery():
    """PIPW and DIPW by enumeration, with the sets C, L, M and pillows that the value holds."""
    checked = 0
    for number, graph, x, y in effects(300, seed=4, sizes=(3, 5)):
        found = fixed(graph, x, y)
        if not found.p_fixable:
            continue
        scm = oracles.random_scm(graph, number)
        names = scm.graph.measured
        law = oracles.margin(scm.law(), names, found.order)
        truth = scm.answer(Query.parse(f"P({y} | do({x}))").terms[0])
        pillows = dict(found.pillows)
        axis = names.index(x)
        for t in (0, 1):
            set_to = law.take([t], axis=axis)
            primal, dual = np.ones_like(law), np.ones_like(law)
            for node in found.joined:
                primal = primal * factor(law, names, node, pillows[node])
            kept = [node for node in found.order if node not in found.joined]
            rest = np.ones_like(set_to)
            for node in kept:
                own = factor(law, names, node, pillows[node])
                rest = rest * (own.take([t], axis=axis) if own.shape[axis] > 1 else own)
            # The weight sums the L-factors over t', beside the M- and C-factors at t: the law after surgery.
            after = oracles.margin(primal.sum(axis=axis, keepdims=True) * rest, names, {y})
            assert after.ravel() == pytest.approx(truth[t], abs=1e-10), f"{graph} | {x} {y}"
            for node in found.mediators:
                own = factor(law, names, node, pillows[node])
                if own.shape[axis] > 1:
                    dual = dual * own.take([t], axis=axis) / own
            weighted = oracles.margin(law * dual, names, {y}).ravel()
            assert weighted == pytest.approx(truth[t], abs=1e-10), f"{graph} | {x} {y}"
        checked += 1
    assert checked > 30


def test_the_kernels_of_a_nested_fixable_treatment_multiply_to_the_effect():
    """Each kernel by its own steps: q is divided by q(node | blanket), or summed where the step says so."""
    checked = stepped = 0
    for number, graph, x, y in effects(500, seed=5, sizes=(3, 6)):
        found = fixed(graph, x, y)
        if not found.nested_fixable:
            continue
        scm = oracles.random_scm(graph, number)
        names = scm.graph.measured
        law = oracles.margin(scm.law(), names, found.order)
        pillows = dict(found.pillows)
        product = np.ones((1,) * law.ndim)
        for kernel in found.kernels:
            if kernel.fixings:
                q = law
                for step in kernel.fixings:
                    axis = names.index(step.node)
                    random = [n for n in found.order if n not in {s.node for s in kernel.fixings}]
                    random += [s.node for s in kernel.fixings[kernel.fixings.index(step) :]]
                    apart = tuple(names.index(n) for n in random if n not in {step.node, *step.blanket})
                    near = q.sum(axis=apart, keepdims=True)
                    q = (
                        q.sum(axis=axis, keepdims=True)
                        if step.is_sum
                        else q * near.sum(axis=axis, keepdims=True) / near
                    )
                    stepped += 1
            else:
                q = np.ones((1,) * law.ndim)
                for node in kernel.district:
                    q = q * factor(law, names, node, pillows[node])
            product = product * q
        gone = tuple(names.index(node) for node in found.order if node not in (x, y))
        # A node that no kernel has as random is an argument that does not matter: any value will do.
        inside = {node for kernel in found.kernels for node in kernel.district}
        summed = tuple(names.index(node) for node in inside if node != y)
        value = product.sum(axis=summed, keepdims=True)
        for i in gone:
            value = value.take([0], axis=i)
        value = np.broadcast_to(value, [2 if names[i] in (x, y) else 1 for i in range(law.ndim)])
        order = [names.index(x), names.index(y)]
        value = value.transpose(order + [i for i in range(law.ndim) if i not in order]).reshape(2, 2)
        truth = scm.answer(Query.parse(f"P({y} | do({x}))").terms[0])
        assert np.abs(value - truth).max() < 1e-9, f"{graph} | {x} {y}"
        checked += 1
    assert checked > 100 and stepped > 50


@pytest.mark.parametrize(
    ("graph", "joined"),
    [
        ("C -> T; C -> M; C -> Y; T -> M; M -> Y; T <-> Y", "T Y"),
        ("T -> R; R -> P; P -> A; R -> Y; A -> Y; T <-> P", "T P"),
        ("C -> T; C -> Y; T -> R; R -> P; P -> Q; Q -> Y; R -> Y; T <-> P; P <-> Y", "T P Y"),
        ("C -> T; C -> P; T -> R; R -> P; P -> Y; R -> Y; T <-> P; C <-> T; R <-> Y", "T P"),
    ],
)
def test_the_four_p_fixable_graphs_have_the_known_districts(graph, joined):
    found = fixed(project(parse_graph(graph)), "T", "Y")
    assert (found.a_fixable, found.p_fixable) == (False, True)
    assert set(found.joined) == set(joined.split())
    assert "apipw" in found.estimators and "aipw" not in found.estimators


def test_the_napkin_is_nested_fixable_and_says_why_nothing_less():
    found = fixed(project(parse_graph("W -> R -> X -> Y; W <-> X; W <-> Y")), "X", "Y")
    assert [(step.node, step.blanket, step.is_sum) for step in found.kernels[0].fixings] == [
        ("R", ("W",), False),
        ("W", ("R", "X", "Y"), True),
        ("X", ("R",), False),
    ]
    assert "p-fixable: no, bidirected edges join X to its child {Y}." in str(found)
    assert found.to_json()["estimators"][0] == "nested ipw"


def test_what_the_outcome_does_not_descend_from_plays_no_part():
    # In the whole graph the treatment's district meets its child D; D is no ancestor of the outcome.
    found = fixed(project(parse_graph("X -> D; X <-> D; X -> Y")), "X", "Y")
    assert found.a_fixable and found.order == ("X", "Y")
    nothing = fixed(project(parse_graph("X; Y")), "X", "Y")
    assert not nothing.has_effect and not nothing.estimators and "nothing to fix" in str(nothing)

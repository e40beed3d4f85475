"""`Forms`: what users read of the criteria, from a verdict and on its own."""

from __future__ import annotations

import json
import random

import pytest

import oracles
from latentdo.errors import QueryError, UnknownNodeError
from latentdo.graphs import parse_graph
from latentdo.identification import forms_of, identify
from latentdo.query import Query


def forms(graph: str, query: str = "P(Y | do(X))"):
    return identify(parse_graph(graph), Query.parse(query)).forms


def test_sets_come_lazily_as_names_and_can_be_limited_required_and_forbidden():
    found = forms("X -> Y; X <- A -> B -> Y; X <- C -> D -> Y; `E<` -> X; `E<` -> Y")
    first = next(found.adjustment_sets())
    assert first == {"B", "D", "E<"}
    assert len(list(found.adjustment_sets())) == 4 and len(list(found.adjustment_sets(limit=2))) == 2
    assert list(found.adjustment_sets(required=["A"], forbidden="D")) == [{"A", "C", "E<"}]
    assert not list(found.adjustment_sets(forbidden=["E<"]))
    assert found.is_adjustment_set(["A", "D", "E<"]) and not found.is_adjustment_set(["A"])
    assert (found.optimal_adjustment.nodes, found.optimal_adjustment.optimal) == ({"B", "D", "E<"}, True)
    with pytest.raises(UnknownNodeError, match="Did you mean"):
        found.adjustment_sets(required=["e<"])


def test_front_door_sets_and_instruments_come_from_both_kinds_of_verdict():
    front = forms("X -> A -> B -> Y; X <-> Y")
    assert front.front_door == {"B"}
    assert set(front.front_door_sets()) == {frozenset("A"), frozenset("B"), frozenset("AB")}
    assert front.is_front_door_set(["A"]) and not front.is_front_door_set([])
    refused = forms("A -> Z -> X -> Y; X <-> Y; A -> Y")
    (instrument,) = refused.instruments()
    assert (instrument.node, instrument.given, str(instrument)) == ("Z", {"A"}, "Z given {A}")
    assert refused.front_door is None and refused.optimal_adjustment is None


def test_what_is_printed_says_what_applies_and_why_the_rest_does_not():
    assert str(forms("A -> Z -> X -> Y; X <-> Y; A -> Y")).split("\n") == [
        "P(Y | do(X))",
        "  Adjustment:      no: bidirected edges join X to what it causes, {Y}.",
        "  Front door:      no: X -> Y is direct, and goes through no other measured node.",
        "  Instruments:     Z given {A} (not nonparametric: needs linear effects, or monotonicity)",
        "  a-fixable:       no: bidirected edges join X to what it causes, {Y}.",
        "  p-fixable:       no: bidirected edges join X to its child {Y}.",
        "  nested fixable:  no: the effect is not identified.",
        "  Estimators:      none",
    ]
    best = str(forms("X -> Y; X <- A -> C; C <-> Y"))
    assert "{} (optimal among the minimal sets; none is known to be best in every model)" in best
    assert "cause no outcome" in str(forms("Y -> X"))
    assert "Adjustment:       {Z}" in str(forms("X1 -> Y; X2 -> Y; Z -> X1; Z -> Y", "P(Y | do(X1, X2))"))


def test_a_contrast_has_the_forms_of_its_terms_and_other_queries_are_refused():
    assert forms("X -> Y; X <- Z -> Y", "E[Y | do(X=1)] - E[Y | do(X=0)]").treatments == ("X",)
    assert forms("X -> Y", "E[Y | do(X=1)] - E[Y]").outcomes == ("Y",)
    with pytest.raises(QueryError, match="sets nothing"):
        _ = forms("X -> Y", "E[Y]")
    with pytest.raises(QueryError, match="differ in treatments"):
        _ = forms("X -> Y -> W", "E[Y | do(X=1)] - E[W | do(X=0)]")
    graph = parse_graph("X -> Y")
    with pytest.raises(QueryError, match="sets nothing"):
        forms_of(graph, Query.parse("P(Y)").terms[0])
    with pytest.raises(UnknownNodeError):
        forms_of(graph, Query.parse("P(Q | do(X))").terms[0])


def test_html_and_json_never_fail_and_say_the_same():
    rng = random.Random(0)
    for _ in range(150):
        graph = oracles.random_admg(rng)
        query = Query.parse(oracles.random_term(rng, graph.nodes))
        if not query.terms[0].do:
            continue
        found = forms_of(graph, query.terms[0])
        data = json.loads(json.dumps(found.to_json()))
        assert data["adjustment_sets"] == [sorted(nodes) for nodes in found.adjustment_sets(10)]
        assert (data["best_adjustment"] is None) == (not data["adjustment_sets"])
        html = found._repr_html_()
        assert html.startswith('<div class="latentdo">') and ("<table>" in html) == data["has_effect"]
        assert repr(found).startswith("<Forms of P(")
    assert "&lt;" in forms("X -> Y; X <- `E<` -> Y")._repr_html_()


@pytest.mark.parametrize(
    ("graph", "obstacle"),
    [
        ("Z -> X -> Y; Z -> Y", "X -> Y is direct, and goes through no other measured node."),
        ("X -> M -> Y; X <-> Y; C -> X; C -> M", "{M}, on the way to Y, has causes in common with X."),
        ("X -> M -> Y; X <-> Y; X <-> M", "{M}, on the way to Y, has causes in common with X."),
        (
            "X -> M -> N -> Y; M <-> Y; X <-> N",
            "{M}, on the way to Y, has causes in common with Y that X does not block.",
        ),
    ],
)
def test_the_obstacle_to_a_front_door_is_the_one_that_stands_there(graph, obstacle):
    found = forms(graph)
    assert found.why_no_front_door == obstacle
    assert (f"no: {obstacle}\n" in str(found)) == (found.conditional_front_door is None)


def test_every_effect_without_a_front_door_names_an_obstacle_that_the_graph_has():
    rng = random.Random(3)
    seen = set()
    for _ in range(400):
        graph = oracles.random_admg(rng)
        order = graph.topological_order()
        found = forms_of(graph, Query.parse(f"P({order[-1]} | do({order[0]}))").term)
        if not found.has_effect or found.front_door is not None:
            continue
        kind = found.why_no_front_door
        seen.add(kind.rsplit("in common")[-1][:8])
        if "is direct" in kind:
            assert (order[0], order[-1]) in graph.directed
        else:
            assert (order[0], order[-1]) not in graph.directed and not kind.startswith("{}")
    assert len(seen) > 2


def test_a_front_door_may_need_covariates():
    found = forms("age -> X; age -> M; age -> Y; X -> M -> Y; X <-> Y")
    assert found.front_door is None
    assert found.conditional_front_door == ({"M"}, {"age"})
    assert "Front door:      {M} given {age} (conditional)" in str(found)
    assert found.to_json()["conditional_front_door"] == {"nodes": ["M"], "given": ["age"]}
    assert forms("X -> Y; X <-> Y").conditional_front_door is None

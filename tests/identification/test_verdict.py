"""The verdict: known graphs, the recursive ID and IDC as oracles, hedges by definition, and laws."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace

import numpy as np
import pytest

import known_graphs
import oracles
import reference_graphs
from latentdo.errors import NotIdentifiedError, QueryError, UnknownNodeError, UnsupportedError
from latentdo.graphs import Admg, LatentDag, parse_graph, project
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.query import Outcome, Query, Term


def verdict(graph: str, query: str) -> Identified | NotIdentified:
    return identify(parse_graph(graph), Query.parse(query))


@pytest.mark.parametrize("case", known_graphs.IDENTIFIED, ids=lambda case: case.name)
def test_identifies_the_graphs_of_the_literature(case):
    found = identify(case.graph, case.query)
    assert isinstance(found, Identified) and found.identified
    assert found.estimand.text == case.formula
    assert identify(case.admg, case.query) == found


@pytest.mark.parametrize("case", known_graphs.NOT_IDENTIFIED, ids=lambda case: case.name)
def test_refuses_what_the_literature_proves_impossible(case):
    found = identify(case.graph, case.query)
    assert isinstance(found, NotIdentified) and not found.identified
    assert found.hedge == tuple(frozenset(names.split()) for names in case.hedge)


def random_cases(count, seed, sizes=(3, 5), conditions=2):
    rng = random.Random(seed)
    for number in range(count):
        graph = oracles.random_admg(rng, sizes)
        seen = rng.randint(0, min(conditions, len(graph.nodes) - 2)) if conditions else 0
        yield number, graph, Query.parse(oracles.random_term(rng, graph.nodes, seen))


def reduced(graph: Admg, query: Query):
    term = query.term
    return oracles.idc_sets(graph, set(term.outcome_names), set(term.treatments), set(term.conditions))


def test_agrees_with_the_recursion_of_the_paper():
    refused = 0
    for number, graph, query in random_cases(500, seed=1):
        outcomes, treatments = reduced(graph, query)
        joint = oracles.random_scm(graph, number).law()
        try:
            oracles.id_value(outcomes, treatments, joint, graph, graph.nodes)
            expected = True
        except oracles.Fail:
            expected, refused = False, refused + 1
        assert identify(graph, query).identified == expected, f"{graph} | {query}"
    assert refused > 50


def test_a_hedge_is_a_hedge_by_definition_and_its_two_models_differ():
    checked = 0
    for _, graph, query in random_cases(700, seed=2, sizes=(3, 7)):
        found = identify(graph, query)
        if isinstance(found, Identified):
            continue
        outcomes, treatments = reduced(graph, query)
        larger, smaller = found.hedge
        assert oracles.hedge_is_valid(graph, outcomes, treatments, larger, smaller), f"{graph} | {query}"
        assert oracles.hedge_models_differ(graph, treatments, larger, smaller), f"{graph} | {query}"
        checked += 1
    assert checked > 100


def test_does_not_depend_on_the_order_or_the_names_of_nodes():
    rng = random.Random(3)
    for _, graph, query in random_cases(150, seed=3, sizes=(3, 6)):
        shuffled = Admg(tuple(rng.sample(graph.nodes, len(graph.nodes))), graph.directed, graph.bidirected)
        assert identify(shuffled, query) == identify(graph, query)
        assert str(identify(shuffled, query)) == str(identify(graph, query))
        new = dict(zip(graph.nodes, rng.sample("ABCDEFGHIJ", len(graph.nodes)), strict=True))
        renamed = Admg(
            tuple(new[node] for node in graph.nodes),
            frozenset((new[a], new[b]) for a, b in graph.directed),
            frozenset((new[a], new[b]) for a, b in graph.bidirected),
        )
        text = str(query)
        for old in graph.nodes:
            text = text.replace(old, new[old])
        assert identify(renamed, Query.parse(text)).identified == identify(graph, query).identified


def test_a_further_latent_never_turns_no_into_yes():
    rng = random.Random(4)
    for _, graph, query in random_cases(300, seed=4):
        pair = tuple(rng.sample(graph.nodes, 2))
        more = Admg(graph.nodes, graph.directed, graph.bidirected | {pair})
        assert identify(graph, query).identified or not identify(more, query).identified


def test_a_latent_dag_and_its_projection_agree():
    rng = random.Random(5)
    for _ in range(150):
        graph = oracles.random_latent_dag(rng)
        query = Query.parse(oracles.random_term(rng, graph.measured, rng.randint(0, 1)))
        assert identify(graph, query) == identify(project(graph), query)


def test_measuring_a_latent_never_turns_yes_into_no():
    rng = random.Random(6)
    for _ in range(200):
        graph = oracles.random_latent_dag(rng)
        query = Query.parse(oracles.random_term(rng, graph.measured))
        node = rng.choice(sorted(graph.latent))
        more = LatentDag(graph.nodes, graph.directed, graph.bidirected, graph.latent - {node})
        assert not identify(graph, query).identified or identify(more, query).identified


@pytest.mark.parametrize(
    ("graph", "query", "identified"),
    [
        # Y is independent of W given Z, but not given that Z is positive: the law of Z needs W, and do(X).
        ("W -> Z -> Y; X -> W; X <-> W", "P(Y | do(X), Z > 0, W=1)", True),
        ("W -> Z -> Y; X -> W; X <-> W", "P(Y | do(X), Z > 0)", False),
        ("X -> Z -> W; Z -> Y; X <-> W; Z <-> W", "P(Y | do(X), Z > 0)", True),
        ("X -> Z -> W; Z -> Y; X <-> W; Z <-> W; X -> W", "P(Y | do(X), Z > 0, W=1)", False),
        ("X -> Z -> W; Z -> Y; X <-> W; Z <-> W; X -> W", "P(Y | do(X), Z=1, W=1)", True),
        ("X -> Y; X -> Z; X <-> Z", "P(Y | do(X), Z > 0)", True),
        ("X -> Z; X <-> Z; X -> Y; Z -> Y", "P(Y | do(X), Z)", True),
        ("X -> Z; X <-> Z; X -> Y; Z -> Y", "P(Y | do(X), Z > 0)", False),
        ("X -> Z; X <-> Z; X -> Y; Z -> Y", "P(Y | do(X ~ normal(0, 1)), Z)", False),
        ("X -> Z; X <-> Z; X -> Y; Z -> Y", "P(Z | do(X ~ normal(0, 1)))", False),
        # A drawn treatment that reaches nothing mixes nothing.
        ("X; W -> Z; W <-> Z; W -> Y; Z -> Y", "P(Y | do(X ~ normal(0, 1), W), Z)", True),
        ("X -> Z; X -> Y; Z -> Y", "E[Y | do(X ~ normal(0, 1)), Z > 1]", True),
        # Given Z the drawn X tells nothing of Y, so that it need not be mixed over.
        ("X -> Z -> Y; X <-> Z", "P(Y | do(X ~ normal(0, 1)), Z)", True),
        ("X -> Z -> Y; X <-> Z", "P(Y | do(X ~ normal(0, 1)), Z > 0)", False),
    ],
)
def test_event_evidence_and_drawn_treatments_need_the_law_of_the_evidence(graph, query, identified):
    assert verdict(graph, query).identified is identified


@pytest.mark.parametrize("case", [*known_graphs.IDENTIFIED, *known_graphs.NOT_IDENTIFIED], ids=lambda case: case.name)
def test_a_number_of_a_law_has_the_verdict_of_the_law(case):
    term = case.query.terms[0]
    if len(term.outcome_names) > 1:
        return
    law = Query(Term("law", (Outcome(term.outcome_names[0]),), term.do, term.given))
    plain = identify(case.graph, law)
    for kind, level in (("variance", None), ("sd", None), ("quantile", 0.9), ("density", None)):
        asked = replace(law.term, kind=kind, level=level)
        assert identify(case.graph, Query(asked)).identified is plain.identified


def test_a_sweep_has_the_verdict_of_the_query_with_the_axis_left_open():
    for graph in (known_graphs.BACK_DOOR, known_graphs.BOW):
        plain = verdict(graph, "E[Y | do(X)]")
        swept = verdict(graph, "E[Y | do(X)] for X in 0..10")
        assert swept.identified is plain.identified
        assert "E[Y | do(X)] for X in 0..10" in str(swept)


def test_of_a_contrast_every_term_must_be_identified():
    graph = "A -> B -> C; A <-> B"
    assert verdict(graph, "E[C | do(B=1)] - E[C | do(B=0)]").identified
    found = verdict(graph, "E[C | do(B=1)] - E[C | do(A=1)]")
    assert found.hedge == (frozenset("AB"), frozenset("B"))
    assert "A query is decided term by term, and E[C | do(A=1)] is at fault." in found.reason


def test_a_no_says_why_on_the_picture():
    found = verdict(known_graphs.BOW, "P(Y | do(X))")
    assert str(found) == (
        "Not identified: P(Y | do(X)). Unmeasured causes join X and Y (X <-> Y), and within this set X leads "
        "by arrows to Y. Setting X would cut it from these causes, but the data show arrows and causes only "
        "together: two models can agree on all the data and differ in the answer."
    )
    assert (
        "With its evidence the question is as hard as P(B, C, D | do(A))."
        in verdict("A -> B; A <-> B; B <-> D; C <-> D", "P(C | do(A), B, D)").reason
    )
    with pytest.raises(NotIdentifiedError, match="Unmeasured causes join X and Y") as caught:
        found.unwrap()
    assert caught.value.verdict is found


def test_a_yes_unwraps_to_its_estimand_and_prints_it():
    found = verdict(known_graphs.BACK_DOOR, "P(Y | do(X))")
    assert found.unwrap() is found.estimand
    assert str(found) == "Identified: P(Y | do(X)) = Σ_Z P(Y | X, Z) P(Z)"
    again = pickle.loads(pickle.dumps(found))
    assert again == found and hash(again) == hash(found)


def test_html_holds_no_markup_of_the_user():
    found = verdict("`<b>` -> Y; `<b>` <-> Y", "P(Y | do(`<b>`))")
    assert "<b>`" not in found._repr_html_() and "&lt;b&gt;" in found._repr_html_()
    found = verdict("`<i>` -> Y", "P(Y | do(`<i>`))")
    assert "<i>" not in found._repr_html_() and "&lt;i&gt;" in found.estimand._repr_html_()


def test_asks_only_what_the_graph_has():
    with pytest.raises(UnknownNodeError, match=r"'Sos' is not a node of the graph. Did you mean 'SOS'"):
        verdict("SOS -> Erk", "P(Erk | do(Sos))")
    with pytest.raises(QueryError, match="both set and asked about"):
        verdict("X -> Y", "P(X | do(X))")


def test_large_graphs_do_not_meet_the_recursion_limit():
    rng = random.Random(7)
    for size in (300, 500):
        names = [f"V{i}" for i in range(size)]
        directed = frozenset((names[rng.randint(max(0, i - 5), i - 1)], names[i]) for i in range(1, size) for _ in "ab")
        bidirected = frozenset((names[i], names[i + 2]) for i in range(0, size - 2, 3))
        graph = Admg(tuple(names), directed, bidirected)
        for query in (f"P(V{size - 1} | do(V{size // 2}))", f"P(V{size - 1} | do(V3), V{size // 2})"):
            found = identify(graph, Query.parse(query))
            assert not found.identified or found.estimand.latex


if reference_graphs.CASES:

    @pytest.mark.parametrize("case", reference_graphs.CASES, ids=lambda case: case.name)
    def test_reference_graphs(case):
        graph, query = case.graph, Query.parse(case.question)
        found = identify(graph, query)
        assert found.identified is case.identified
        if found.identified:
            scm = oracles.random_scm(graph, seed=8)
            law = found.estimand.evaluate(scm.law(), scm.graph.measured)
            assert np.abs(law.values - scm.answer(query.term)).max() < 1e-9
            assert found.derivation.check(), found.derivation.explain()
        else:
            assert found.witness().check()


def test_the_reason_names_only_what_arrows_reach():
    found = verdict("Z -> Y; X -> Y; X <-> Z; Z <-> Y", "P(Y | do(X))")
    assert found.hedge == (frozenset("XYZ"), frozenset("YZ"))
    assert "X leads by arrows to Y." in found.reason


def test_what_a_verdict_does_not_have_says_why():
    yes = identify(parse_graph("X -> Y"), Query.parse("P(Y | do(X))"))
    for ask in (lambda: yes.hedge, lambda: yes.reason, yes.witness, yes.remedies):
        with pytest.raises(UnsupportedError, match="is identified on this graph"):
            ask()
    no = identify(parse_graph("X -> Y; X <-> Y"), Query.parse("P(Y | do(X))"))
    for ask in (lambda: no.estimand, lambda: no.derivation, no.measurements, no.unwrap):
        with pytest.raises(NotIdentifiedError, match="Not identified") as caught:
            ask()
        assert caught.value.verdict is no
    # What looks at all attributes of a value passes over these.
    assert not any(hasattr(yes, name) for name in ("hedge", "reason"))
    assert not any(hasattr(no, name) for name in ("estimand", "derivation"))

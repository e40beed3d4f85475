"""Functional nodes: the examples of the Covid study, enumerated models with exact functions, hedges where functions refuse."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
import oracles
from latentdo.errors import QueryError, UnknownNodeError
from latentdo.graphs import Admg, parse_graph, project
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.query import Query

DEFENCE = "S -> A -> G; S <-> G"


def verdict(graph: str, query: str, functional=()) -> Identified | NotIdentified:
    return identify(parse_graph(graph), Query.parse(query), functional=functional)


# Known answers


def test_a_front_door_whose_mediator_is_a_function_is_a_bow():
    found = verdict("X -> M -> Y; X <-> Y", "P(Y | do(X))", ["M"])
    assert isinstance(found, NotIdentified)
    assert found.reason.startswith("functional dependence: M is a function of X. ")
    assert "two models can agree" in found.reason
    assert found.hedge == (frozenset("XY"), frozenset("Y"))
    assert found.decided_on == Admg(("X", "Y"), frozenset({("X", "Y")}), frozenset({("X", "Y")}))
    assert found.functional == ("M",)
    assert found.proved
    assert found.graph == parse_graph("X -> M -> Y; X <-> Y")


def test_a_function_that_is_set_comes_without_its_parents():
    found = verdict(DEFENCE, "P(G | do(A))", ["A"])
    assert isinstance(found, NotIdentified)
    assert found.reason.startswith("functional dependence: A is a function of S. ")
    assert "not shown identifiable" in found.reason
    assert "two models" not in found.reason
    assert not found.proved
    assert verdict("S -> A -> G", "P(G | do(A))", ["A"]).unwrap().text == "P(G | A)"
    other_way = verdict("P -> F -> Y; P -> K -> Y", "P(Y | do(F))", ["F"])
    assert other_way.unwrap().text == "Σ_K P(Y | F, K) P(K)"


def test_a_function_that_is_set_and_reaches_nothing_is_dropped_by_rule_3():
    found = verdict("S -> A; S -> G; G -> A", "P(G | do(A), S)", ["A"])
    assert found.unwrap().text == "P(G | S)"


@pytest.mark.parametrize("query", ["P(G | do(A, S))", "P(G, S | do(A))", "P(G | do(A), S)"])
def test_a_function_that_is_set_beside_its_parent_is_refused(query):
    found = verdict("S -> A -> G; S -> G", query, ["A"])
    assert isinstance(found, NotIdentified)
    assert "not shown identifiable. S is in the question too, and the data never show A vary beside it." in found.reason
    assert found.hedge == (frozenset(), frozenset())
    assert not found.proved


def test_two_functions_of_one_node_cannot_be_set_apart():
    found = verdict("P -> A -> Y; P -> B -> Y", "P(Y | do(A, B))", ["A", "B"])
    assert isinstance(found, NotIdentified)
    assert found.reason.startswith("functional dependence: A is a function of P; B is a function of P. ")
    assert "A and B both follow from P" in found.reason


def test_hidden_parents_of_a_function_are_handed_on():
    graph, query = "X -> Y; Z -> F -> Y; X <-> F", "P(Y | do(X))"
    assert verdict(graph, query).identified
    found = verdict(graph, query, ["F"])
    assert isinstance(found, NotIdentified)
    assert found.hedge == (frozenset("XY"), frozenset("Y"))
    assert "F is a function of Z and hidden causes" in found.reason
    # F may tell of its hidden cause what the graph without F cannot.
    assert "not shown identifiable" in found.reason
    assert not found.proved


def test_a_formula_that_conditions_on_a_function_and_its_parent_is_replaced():
    graph = "A -> F; A -> Y; F -> Y; A -> X; F -> X; X -> Y"
    plain, found = verdict(graph, "P(Y | do(X))"), verdict(graph, "P(Y | do(X))", ["F"])
    assert plain.unwrap().text == "Σ_{A, F} P(Y | A, F, X) P(A, F)"
    assert found.unwrap().text == "Σ_A P(Y | A, X) P(A)"
    assert str(found).endswith("\nNote: the formula takes into account that F is a function of A.")
    assert "<li>Note: the formula takes into account that F is a function of A.</li>" in found._repr_html_()


def test_a_fraction_over_a_function_and_its_parent_is_replaced_too():
    graph = "B -> A; B -> R -> X -> Y; W -> A; W -> R; B <-> W; B <-> Y; W <-> X; W <-> Y"
    plain, found = verdict(graph, "P(B, X | do(W), Y, R)"), verdict(graph, "P(B, X | do(W), Y, R)", ["X"])
    scm = oracles.functional_scm(parse_graph(graph), ["X"], 3, deaf=True)
    names = scm.graph.measured
    truth = scm.answer(Query.parse("P(B, X | do(W), Y, R)").term)
    assert np.isnan(plain.unwrap().evaluate(scm.law(), names).values).any()
    assert np.abs(found.unwrap().evaluate(scm.law(), names).values - truth).max() < 1e-9


def test_evidence_that_told_nothing_goes_with_the_function_that_is_not_set():
    # Set, V5 does not listen to V3, and V1 tells nothing of it; unset it would.
    found = verdict("V3 -> V5 -> V1; V0 -> V1; V0 -> V4", "P(V4, V3 | do(V5), V0, V1)", ["V1", "V5"])
    assert found.unwrap().text == "P(V3, V4 | V0)"


def test_a_formula_that_stays_right_stays_as_it_was():
    graph, query = "P -> F -> Y; F -> X; X -> Y", "P(Y | do(X))"
    assert verdict(graph, query, ["F"]) == verdict(graph, query)


def test_a_chain_of_functions_is_traced_back():
    found = verdict("X -> L -> M -> Y; X <-> Y", "P(Y | do(X))", {"L": ["X"], "M": ["L"]})
    assert isinstance(found, NotIdentified)
    assert found.functional == ("L", "M")
    assert "L is a function of X; M is a function of L" in found.reason
    # Only the whole chain ties the last link to the first.
    assert verdict("X -> L -> M -> Y; X <-> Y", "P(Y | do(X))", ["M"]).identified


def test_each_term_has_a_verdict_of_its_own():
    found = verdict(DEFENCE, "E[A | do(S=1)] - E[G | do(S=1)]", ["A"])
    assert isinstance(found, NotIdentified)
    assert "A query is decided term by term, and E[G | do(S=1)] is at fault." in found.reason


def test_what_only_a_function_identifies_is_noted():
    # L is a function of A alone: seen A, nothing hidden joins X and Y.
    graph = parse_graph("latent L; A -> L; L -> X; L -> Y; X -> Y")
    assert not identify(graph, Query.parse("P(Y | do(X))")).identified
    found = identify(graph, Query.parse("P(Y | do(X))"), functional=["L"])
    assert isinstance(found, Identified)
    assert found.estimand.text == "Σ_A P(Y | A, X) P(A)"
    assert found.notes == ("identified because L is a function of A; the graph alone would not do.",)


def test_linear_nodes_of_a_model_count_by_themselves():
    text = "latent U ~ normal; X ~ normal(U); M ~ linear(X); Y ~ normal(M, U)"
    for model in (text, ld.model(text)):
        assert "functional dependence: M is a function of X" in str(ld.identify(model, "P(Y | do(X))"))
    assert ld.identify(text.replace("linear", "normal"), "P(Y | do(X))").identified
    assert not ld.identify(text.replace("linear", "normal"), "P(Y | do(X))", functional="M").identified


@pytest.mark.parametrize(
    ("functional", "error", "message"),
    [
        (["N"], UnknownNodeError, "N"),
        (["X"], QueryError, "X has no parents in the graph that it could be a function of"),
        (
            {"Y": ["X"]},
            QueryError,
            "Y cannot be a function of X, which is not its parent in the graph. Its parents are M",
        ),
    ],
)
def test_a_function_needs_parents_in_the_graph(functional, error, message):
    with pytest.raises(error, match=message):
        verdict("X -> M -> Y", "P(Y | do(X))", functional)


# Enumerated models


def random_cases(count: int, seed: int, biggest: int = 5):
    rng = random.Random(seed)
    while count:
        graph = oracles.random_admg(rng, (3, biggest)) if rng.random() < 0.8 else oracles.random_napkin(rng)
        hears = rng.random() < 0.5
        able = [node for node in graph.nodes if graph.parents(node) and (hears or not graph.spouses(node))]
        if not able or len(graph.nodes) > 6:
            continue
        functional = rng.sample(able, rng.randint(1, min(3, len(able))))
        seen = rng.randint(0, min(2, len(graph.nodes) - 2))
        yield count, graph, Query.parse(oracles.random_term(rng, graph.nodes, seen)), functional
        count -= 1


def test_formulas_equal_surgery_in_models_with_exact_functions():
    """Whatever has a truth must come out; functions of hidden parents too, and functions that ignore them."""
    roles: dict[str, int] = {}
    changed = 0
    for number, graph, query, functional in random_cases(900, seed=5):
        found = identify(graph, query, functional=functional)
        if isinstance(found, NotIdentified):
            continue
        term = query.term
        for role, names in (("do", term.treatments), ("asked", term.outcome_names), ("seen", term.conditions)):
            roles[role] = roles.get(role, 0) + bool(set(functional).intersection(names))
        changed += bool(found.notes)
        for deaf in (False, True):
            scm = oracles.functional_scm(graph, functional, number, deaf=deaf)
            joint = scm.law()
            if any(not joint.sum(axis=tuple({*range(joint.ndim)} - {i})).all() for i in range(joint.ndim)):
                continue  # a function of functions that misses one of its values
            with np.errstate(all="ignore"):
                truth = scm.answer(term)
            law = found.estimand.evaluate(joint, graph.nodes)
            assert law.names == (*term.treatments, *term.outcome_names, *term.conditions)
            defined = np.isfinite(truth)
            assert np.all(np.abs(law.values - truth)[defined] < 1e-9), (graph, query, functional)
    assert min(roles.values()) > 100
    assert changed > 20


def test_hedges_lie_in_the_graph_without_the_functions():
    refused = proved = 0
    for _, graph, query, functional in random_cases(4000, seed=6):
        found = identify(graph, query, functional=functional)
        if found.identified or not found.functional or not found.hedge[0]:
            continue
        refused += 1
        assert identify(graph, query).identified
        assert set(found.functional) <= set(functional)
        decided = found.decided_on
        term = found.decided_term
        y, x = oracles.idc_sets(decided, set(term.outcome_names), set(term.treatments), set(term.conditions))
        assert oracles.hedge_is_valid(decided, y, x, *found.hedge)
        assert oracles.hedge_models_differ(decided, x, *found.hedge)
        if found.proved:
            proved += 1
            assert found.witness().check()
    assert refused > 50
    assert proved > 15


def test_what_is_refused_has_no_formula():
    """Two models with these functions, equal P(V) and different answers: the hedge's, the function carrying its parents."""
    found = verdict("X -> M -> Y; X <-> Y", "P(Y | do(X))", ["M"])
    assert isinstance(found, NotIdentified)
    laws = []
    for deaf in (False, True):
        coin = np.array([0.5, 0.5])
        x_given_u = np.eye(2)
        y_given_mu = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])  # [m, u, y]: parity
        if deaf:  # Y ignores both, and is 0: as the parity of X and its own cause always is
            y_given_mu = np.broadcast_to(np.array([1.0, 0.0]), (2, 2, 2))
        seen = np.einsum("u,ux,xm,muy->xmy", coin, x_given_u, np.eye(2), y_given_mu)
        done = np.einsum("u,xm,muy->xy", coin, np.eye(2), y_given_mu)
        laws.append((seen, done))
    assert np.array_equal(laws[0][0], laws[1][0])
    assert not np.allclose(laws[0][1], laws[1][1])


def test_the_verdict_does_not_depend_on_the_order_of_nodes():
    rng = random.Random(9)
    for _, graph, query, functional in random_cases(150, seed=7):
        shuffled = Admg(tuple(rng.sample(graph.nodes, len(graph.nodes))), graph.directed, graph.bidirected)
        first = identify(graph, query, functional=functional)
        second = identify(shuffled, query, functional=rng.sample(functional, len(functional)))
        assert str(first) == str(second)


def test_a_latent_dag_and_its_projection_agree():
    agreed = 0
    for _, graph, query, functional in random_cases(150, seed=8):
        latent = parse_graph(str(graph))
        assert project(latent).bidirected == Admg(latent.nodes, graph.directed, graph.bidirected).bidirected
        first = identify(latent, query, functional=functional)
        agreed += first.identified
        assert first.identified == identify(graph, query, functional=functional).identified
    assert agreed > 50


def test_long_chains_of_functions_are_decided():
    size = 400
    names = [f"V{i}" for i in range(size)]
    graph = Admg(tuple(names), frozenset(itertools.pairwise(names)), frozenset({(names[0], names[-1])}))
    query = Query.parse(f"P(V{size - 1} | do(V0))")
    assert identify(graph, query, functional=names[1:-2]).identified
    found = identify(graph, query, functional=names[1:-1])
    assert isinstance(found, NotIdentified)
    assert found.hedge == (frozenset({names[0], names[-1]}), frozenset({names[-1]}))


# The Covid study

REFERENCE = os.environ.get("LATENTDO_REFERENCE")

if REFERENCE:  # a folder with the data of the study, where one is at hand

    @pytest.mark.parametrize("number", range(1, 6))
    def test_the_covid_study_on_its_own_data(number):
        study = ld.load_study(Path(__file__).parents[2] / "examples" / "studies" / "covid.yaml")
        report = ld.check(study, Path(REFERENCE) / "covid" / f"observational_{number:02d}.csv")
        functional = dict(report.functional)
        assert functional == {"ACE2": ("SARS_CoV2",), "AGTR1": ("AngII",), "IL6_AMP": ("NFkB", "IL6_STAT3")}
        assert report.identified
        for cause in ("sIL6R=20", "EGFR=20", "sIL6R=20, EGFR=20", "AGTR1=20", "IL6_AMP=20"):
            assert ld.identify(study, f"E[Cytokine | do({cause})]", functional=functional).identified, cause
        for query in ("E[Cytokine | do(SARS_CoV2=20)]", "E[AngII | do(SARS_CoV2=20)]"):
            found = ld.identify(study, query, functional=functional)
            assert isinstance(found, NotIdentified)
            assert found.proved
            assert "functional dependence: ACE2 is a function of SARS_CoV2" in found.reason
        for query in ("E[Cytokine | do(ACE2=20)]", "E[AngII | do(ACE2=20)]"):
            found = ld.identify(study, query, functional=functional)
            assert isinstance(found, NotIdentified)
            assert not found.proved
            assert "functional dependence: ACE2 is a function of SARS_CoV2" in found.reason
            assert "not shown identifiable" in found.reason
            assert ld.identify(study, query).identified

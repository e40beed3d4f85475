"""General identification: formulas that use experiments equal the truth, and every "no" is one in all laws that are known."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

import oracles
from latentdo.errors import DataError, NotIdentifiedError, QueryError, UnknownNodeError
from latentdo.graphs import Admg, Name, parse_graph
from latentdo.identification import Identified, NotIdentified, answerable, identify
from latentdo.query import Query

Regimes = list[tuple[Name, ...]]
SURROGATE = "Z -> X -> Y; Z <-> X; Z <-> Y"
BOW = "X -> Y; X <-> Y"


@dataclass(frozen=True)
class Case:
    """A question on a random graph, with random experiments."""

    graph: Admg
    query: Query
    regimes: Regimes

    def __str__(self) -> str:
        return f"{self.graph} | {self.query} | {self.regimes}"

    def verdict(self) -> Identified | NotIdentified:
        return identify(self.graph, self.query, experiments=self.regimes)


def random_cases(count: int, seed: int) -> Iterator[Case]:
    """Questions that observation alone often does not answer."""
    rng = random.Random(seed)
    for number in range(count):
        match number % 4:
            case 0:
                graph, query = _disturbed_napkin(rng), "P(Y | do(X))"
            case 1:
                graph = oracles.random_admg(rng, (3, 6))
                query = oracles.random_term(rng, graph.nodes, rng.choice([0, 1]) if len(graph.nodes) > 3 else 0)
            case _:
                graph = _dense(rng)
                *rest, outcome = graph.nodes
                query = f"P({outcome} | do({', '.join(rng.sample(rest, min(len(rest), rng.choice([1, 2, 3]))))}))"
        asked = Query.parse(query)
        # An experiment on what is asked about tells little, one on a part of what is set much.
        weights = [
            0.2 if name in asked.term.outcome_names else 1 + (name in asked.term.treatments) for name in graph.nodes
        ]
        groups = (
            tuple(sorted(set(rng.choices(graph.nodes, weights, k=rng.choice([1, 1, 2])))))
            for _ in range(rng.choice([1, 2, 2, 3]))
        )
        yield Case(graph, asked, list(dict.fromkeys(groups)))


def _dense(rng: random.Random) -> Admg:
    """A graph with as many hidden causes as arrows, many of them behind the last node."""
    names = [f"V{i}" for i in range(rng.randint(3, 6))]
    pairs = list(itertools.combinations(names, 2))
    directed = frozenset(pair for pair in pairs if rng.random() < 0.5)
    bidirected = frozenset(pair for pair in pairs if rng.random() < (0.5 if pair[1] == names[-1] else 0.3))
    return Admg(tuple(names), directed, bidirected)


def _disturbed_napkin(rng: random.Random) -> Admg:
    """A napkin with a node more, whose hidden causes and arrows often make an experiment on it the only way."""
    order = ["W", "R", "X", "Y"]
    directed = {("W", "R"), ("R", "X"), ("X", "Y")}
    bidirected = {("W", "X"), ("W", "Y")}
    for name in ["A", "B"][: rng.choice([1, 1, 2])]:
        order.insert(rng.randint(0, 3), name)
        for other in order:
            if other != name and rng.random() < 0.6:
                ends = (name, other) if order.index(name) < order.index(other) else (other, name)
                (directed if rng.random() < 0.5 else bidirected).add(ends)
    return Admg(tuple(order), frozenset(directed), frozenset(bidirected))


def check_yes(case: Case, found: Identified, seed: int) -> None:
    """The formula, on the laws of a random model, is that model with the treatments really set."""
    scm = oracles.random_scm(case.graph, seed)
    laws = {names: (scm.law(names), case.graph.nodes) for names in case.regimes}
    value = found.estimand.evaluate(scm.law(), case.graph.nodes, laws)
    np.testing.assert_allclose(value.values, scm.answer(case.query.term), rtol=0, atol=1e-9, err_msg=str(case))
    assert set(found.estimand.experiments) <= set(case.regimes), str(case)


def check_no(case: Case, found: NotIdentified) -> None:
    """ID fails on every law that is known; the hedge and those of the thicket are hedges in them."""
    term = case.query.term
    y, x = oracles.idc_sets(case.graph, set(term.outcome_names), set(term.treatments), set(term.conditions))
    assert not oracles.identified_from(case.graph, y, x, case.regimes), str(case)
    larger, smaller = found.hedge
    assert oracles.hedge_is_valid(case.graph, y, x, larger, smaller), str(case)
    left = dict(found.thicket)
    for names in case.regimes:
        if smaller.isdisjoint(names):
            around, within = left.pop(names)
            assert within == smaller and around.isdisjoint(names), str(case)
            assert oracles.hedge_is_valid(case.graph, y, x, around, within), str(case)
    assert not left


def check_random(count: int, seed: int) -> tuple[int, int, int]:
    helped = refused = 0
    for number, case in enumerate(random_cases(count, seed)):
        found = case.verdict()
        if isinstance(found, Identified):
            check_yes(case, found, number)
            helped += bool(found.estimand.experiments)
        else:
            check_no(case, found)
            refused += 1
    return count, helped, refused


def test_formulas_and_refusals_on_random_graphs_with_random_experiments():
    _, helped, refused = check_random(250, seed=81)
    assert helped > 40 and refused > 40


@pytest.mark.slow
def test_formulas_and_refusals_on_five_thousand_random_graphs_with_random_experiments():
    _, helped, refused = check_random(5000, seed=82)
    assert helped > 800 and refused > 800


def test_every_step_of_a_proof_with_experiments_holds():
    proofs = 0
    for case in random_cases(220, seed=83):
        found = case.verdict()
        if isinstance(found, Identified) and found.estimand.experiments:
            assert found.derivation.check(), f"{case}: {found.derivation.explain()}"
            assert found.derivation.theorems[0].formula.expression == found.estimand.expression
            proofs += 1
    assert proofs > 40


def test_every_no_that_one_hedge_proves_has_two_models_that_agree_on_all_that_is_known():
    shown = 0
    for case in random_cases(200, seed=84):
        found = case.verdict()
        if isinstance(found, NotIdentified) and all(around == found.hedge for _, around in found.thicket):
            witness = found.witness()
            assert witness.check(), str(case)
            shown += 1
    assert shown > 20


@pytest.mark.parametrize(
    ("graph", "query", "experiments", "formula"),
    [
        # Bareinboim & Pearl (2012), Causal inference by surrogate experiments, figure 1b.
        (SURROGATE, "P(Y | do(X))", [["Z"]], "P(Y | do(Z), X), for any Z"),
        (BOW, "P(Y | do(X))", [["X"]], "P(Y | do(X))"),
        (BOW, "E[Y | do(X=1)] - E[Y | do(X=0)]", [["X"]], "E[Y | do(X=1)] - E[Y | do(X=0)]"),
        (BOW, "E[Y | do(X ~ bernoulli(0.3))]", ["X"], "Σ_X q(X) E[Y | do(X)], where q(X) = bernoulli(0.3)"),
        # Each half from an experiment of its own.
        (
            "X1 -> M -> Y; X1 <-> M; X2 -> Y; X2 <-> Y; X1 -> X2",
            "P(Y | do(X1, X2))",
            [["X1"], ["X2"]],
            "Σ_M P(Y | do(X2), M) P(M | do(X1))",
        ),
        # An experiment and what is observed.
        ("X -> M -> Y; X <-> M; C -> M; C -> Y; M <-> C", "P(Y | do(X))", [["X"]], "P(Y | do(X))"),
        ("A -> X -> Y; X <-> Y; A <-> Y", "P(Y > 1 | do(X=0), A > 1)", [["X"]],
         "P(A > 1, Y > 1 | do(X=0)) / P(A > 1 | do(X=0))"),
        ("C -> X -> Y; C -> Y; X <-> Y; Z -> Y; Z <-> C", "E[Y | do(X=1), C=0]", [["X"]], "E[Y | do(X=1), C=0]"),
        # What observation shows needs no experiment.
        ("C -> X -> Y; C -> Y; Z", "P(Y | do(X))", [["Z"]], "Σ_C P(Y | C, X) P(C)"),
    ],
)  # fmt: skip
def test_known_formulas(graph, query, experiments, formula):
    found = identify(parse_graph(graph), Query.parse(query), experiments=experiments)
    assert found.estimand.text == formula
    assert found.derivation.check(), found.derivation.explain()


def test_a_thicket_says_of_each_experiment_what_it_leaves():
    found = identify(
        parse_graph("A -> Y; B -> Y; A <-> Y; B <-> Y"), Query.parse("P(Y | do(A, B))"), experiments=["A", "B"]
    )
    assert found.hedge == ({"A", "B", "Y"}, {"Y"})
    assert found.thicket == ((("A",), ({"B", "Y"}, {"Y"})), (("B",), ({"A", "Y"}, {"Y"})))
    assert (
        "do(A) leaves the same trouble in B and Y (B <-> Y); do(B) leaves the same trouble in A and Y" in found.reason
    )
    assert identify(found.graph, found.query, experiments=[["A", "B"]]).identified


def test_a_no_says_why_each_experiment_does_not_help():
    found = identify(parse_graph(f"{BOW}; Z"), Query.parse("P(Y | do(X))"), experiments=["Z", "Y"])
    assert "do(Z) sets none of these nodes; do(Y) sets Y, and the answer needs how that comes about" in found.reason
    assert found.thicket == ((("Z",), found.hedge),)
    with pytest.raises(NotIdentifiedError, match="No experiment helps"):
        found.unwrap()


@pytest.mark.parametrize(
    ("experiments", "error", "message"),
    [
        ([["Q"]], UnknownNodeError, "'Q' is not a node"),
        ([["U"]], QueryError, "U is latent, and an experiment cannot set what nobody can measure"),
        ([[]], QueryError, "sets no node is observation"),
        ([["X"], ["X"]], QueryError, r"do\(X\) is there twice"),
        ([["X", "Y"], ["Y", "X"]], QueryError, r"do\(Y, X\) is there twice"),
        ([["X", "X"]], QueryError, "X is named twice in one experiment"),
        (7, QueryError, r"such as \[\['Z'\], \['A', 'B'\]\], got 7"),
        ([7], QueryError, "Each of `experiments`"),
    ],
)
def test_experiments_that_make_no_sense_are_refused_by_name(experiments, error, message):
    graph = parse_graph(f"{BOW}; latent U; U -> X; U -> Y")
    with pytest.raises(error, match=message):
        identify(graph, Query.parse("P(Y | do(X))"), experiments=experiments)
    with pytest.raises(error, match=message):
        answerable(graph, experiments=experiments)


def test_experiments_beside_functional_nodes():
    graph, query = parse_graph("X -> M -> Y; X <-> Y"), Query.parse("P(Y | do(X))")
    assert not identify(graph, query, functional=["M"]).identified
    assert identify(graph, query, functional=["M"], experiments=["X"]).estimand.text == "P(Y | do(X))"
    with pytest.raises(QueryError, match="M is a function of its parents, and an experiment that sets it is not"):
        identify(graph, query, functional=["M"], experiments=["M"])


def test_proof_that_an_experiment_shows_as_it_stands_counts_no_steps():
    derivation = identify(parse_graph(BOW), Query.parse("P(Y | do(X))"), experiments=["X"]).derivation
    assert derivation.check()
    assert derivation.explain() == "There is no step to check: what is asked for is known as it stands."


def law(*shape: int) -> np.ndarray:
    table = np.random.default_rng(0).uniform(0.1, 1, shape)
    return table / table.sum()


def test_laws_of_experiments_are_checked():
    found = identify(parse_graph(SURROGATE), Query.parse("P(Y | do(X))"), experiments=["Z"]).estimand
    joint, names = law(2, 2, 2), ["X", "Y", "Z"]
    done = joint / joint.sum(axis=(0, 1), keepdims=True)
    value = found.evaluate(joint, names, {"Z": (done, names)})
    assert value.names == ("X", "Y") and value.values.sum(axis=1) == pytest.approx(1)
    once = done.copy()
    once[:, :, 1] = np.nan  # one setting was never tried: the answer is that of the other
    seen = found.evaluate(joint, names, {("Z",): (once, names)}).values
    np.testing.assert_allclose(seen, done[:, :, 0] / done[:, :, 0].sum(axis=1, keepdims=True))
    order = found.evaluate(joint, names, {"Z": (done.transpose(2, 0, 1), ["Z", "X", "Y"])}).values
    np.testing.assert_array_equal(order, value.values)
    for experiments, message in [
        (None, r"uses the experiment do\(Z\), whose law is not given"),
        ({"Z": done}, "comes as a pair"),
        ({"Z": (joint, names)}, "for some value of Z"),
        ({"Z": (done[0] / done[0].sum(axis=0), ["Y", "Z"])}, "has no axis for X"),
        ({"Z": (np.full((2, 2, 2), np.nan), names)}, "holds NaN"),
        ({"Z": (np.stack([done, done]) / 2, ["A", *names])}, None),
        ({"Z": (law(2, 2, 3) / law(2, 2, 3).sum(axis=(0, 1)), names)}, "has 3 values of Z, and the joint 2"),
        ([done], "takes a mapping"),
    ]:  # fmt: skip
        if message is None:
            np.testing.assert_allclose(found.evaluate(joint, names, experiments).values, value.values)
            continue
        with pytest.raises(DataError, match=message):
            found.evaluate(joint, names, experiments)


def test_every_pair_of_a_table_has_the_verdict_of_identify():
    rng = random.Random(85)
    helped = 0
    for case in random_cases(25, seed=85):
        given = [rng.choice(case.graph.nodes)] if rng.random() < 0.3 else []
        table = answerable(case.graph, given=given, experiments=case.regimes)
        for pair in table.pairs:
            found = identify(case.graph, pair.query, experiments=case.regimes)
            assert pair.identified == found.identified == pair.verdict.identified
            alone = identify(case.graph, pair.query).identified
            assert (pair.form == "experiment") == (found.identified and not alone), f"{case} {pair}"
            helped += pair.form == "experiment"
        assert json.loads(json.dumps(table.to_json()))["experiments"] == list(map(list, case.regimes))
    assert helped > 15


def test_without_experiments_nothing_is_different():
    graph, query = parse_graph(SURROGATE), Query.parse("P(Y | do(X))")
    assert identify(graph, query, experiments=[]) == identify(graph, query)
    assert "experiments" not in answerable(graph).to_json()


def test_a_forged_proof_may_not_use_an_experiment_that_was_not_made():
    derivation = identify(parse_graph(SURROGATE), Query.parse("P(Y | do(X))"), experiments=["Z"]).derivation
    assert derivation.check()
    (theorem,) = derivation.theorems
    without = replace(derivation, theorems=(replace(theorem, experiments=()),))
    assert not without.check() and "a do that is none of the experiments" in without.explain()

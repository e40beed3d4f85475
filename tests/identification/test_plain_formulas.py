"""The formula is the shortest that is right: front doors with covariates, fewest nodes, laws in place of sums, named sets."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest

import oracles
from latentdo.graphs import Admg, bits, parse_graph
from latentdo.identification import Identified, answerable, identify
from latentdo.identification.criteria.adjustment import back_door
from latentdo.identification.criteria.front_door import conditional_front_door, is_conditional_front_door
from latentdo.identification.criteria.separators import minimal_separators, smallest_separator
from latentdo.query import Query

AGE = "age -> X; age -> M; age -> Y; X -> M -> Y; X <-> Y"


@pytest.mark.parametrize(
    ("graph", "query", "formula", "form"),
    [
        # What causes the treatment is no part of a front door, though it is in the way at first.
        (
            "PI3K -> Akt -> Erk; PI3K <-> Erk; SOS -> Ras -> Erk; SOS -> PI3K; Ras -> PI3K",
            "E[Erk | do(PI3K=1)]",
            "Σ_Akt P(Akt | PI3K=1) Σ_PI3K' E[Erk | Akt, PI3K'] P(PI3K')",
            "front-door",
        ),
        (
            AGE,
            "P(Y | do(X))",
            "Σ_{M, age} P(M | X, age) P(age) Σ_X' P(Y | M, X', age) P(X' | age)",
            "conditional front-door",
        ),
        (
            AGE,
            "E[Y | do(X=1), age=3]",
            "Σ_M P(M | X=1, age=3) Σ_X' E[Y | M, X', age=3] P(X' | age=3)",
            "conditional front-door",
        ),
        # Two confounders stand for three.
        (
            "A -> X; B -> X; A -> C -> Y; B -> C; B -> D -> Y; A -> D; X -> Y; A -> E; B -> E; E -> Y",
            "P(Y | do(X))",
            "Σ_{A, B} P(Y | A, B, X) P(A, B)",
            "back-door",
        ),
        # A denominator that is one law goes into the sum, or cancels.
        (
            "V2 -> V4; V0 -> V3; V3 -> V2; V1 -> V2; V1 -> V0; V1 -> V4; V1 -> V3; V2 <-> V4; V2 <-> V1; V0 <-> V4",
            "P(V4 | do(V3, V0), V2, V1)",
            "Σ_V0' P(V4 | V0', V1, V2, V3) P(V0' | V1)",
            "general formula",
        ),
        (
            "V5 -> V3; V5 -> V1; V4 -> V0; V5 -> V0; V3 -> V2; V4 -> V3; V4 -> V1; V0 -> V2",
            "P(V2, V5 | do(V3), V0, V4)",
            "P(V2 | V0, V3) P(V5 | V0, V4)",
            "g-formula",
        ),
        (
            "V6 -> V5; V4 -> V2; V6 -> V4; V5 -> V4; V5 -> V2; V3 -> V6; V0 -> V4; V1 -> V4; V1 -> V6; V1 -> V3; V1 -> V2; "
            "V4 <-> V3; V5 <-> V0; V0 <-> V2",
            "P(V2 | do(V0))",
            "Σ_{V1, V4, V5, V6} P(V4 | V0, V1, V5, V6) P(V5 | V6) P(V1, V6) Σ_V0' P(V2 | V0', V1, V4, V5, V6) P(V0' | V5, V6)",
            "conditional front-door",
        ),
    ],
)  # fmt: skip
def test_known_forms(graph, query, formula, form):
    found = identify(parse_graph(graph), Query.parse(query))
    assert (found.estimand.text, found.estimand.form) == (formula, form)
    assert found.derivation.check(), found.derivation.explain()


def test_a_table_of_verdicts_names_the_conditional_front_door():
    table = answerable(parse_graph(AGE))
    assert table["X", "Y"].form == "conditional front-door" and "C conditional front-door: 1" in str(table)


def with_hidden_cause(rng: random.Random) -> tuple[Admg, str, str]:
    """A graph in which a hidden cause joins treatment and outcome, and none joins the treatment to what it acts on."""
    graph = oracles.random_admg(rng, (4, 6))
    order = graph.topological_order()
    x, y = order[rng.randrange(len(order) - 2)], order[-1]
    below = set(graph.children(x))
    arcs = frozenset(pair for pair in graph.bidirected if not (x in pair and below & set(pair)))
    return Admg(graph.nodes, graph.directed - {(x, y)}, arcs | {(x, y)}), x, y


def test_a_conditional_front_door_is_found_exactly_where_there_is_one():
    rng = random.Random(7)
    found = 0
    for _ in range(400):
        graph, x, y = with_hidden_cause(rng)
        masks = graph.sorted_masks
        treatment, outcome = masks.mask([x]), masks.mask([y])
        if x not in graph.ancestors([y]):
            continue
        rest = list(bits(masks.all & ~(treatment | outcome)))
        roles = itertools.product("mc-", repeat=len(rest))
        some = any(
            is_conditional_front_door(
                masks,
                treatment,
                outcome,
                *(sum(1 << i for i, r in zip(rest, role, strict=True) if r == w) for w in "mc"),
            )
            for role in roles
        )
        door = conditional_front_door(masks, treatment, outcome)
        assert (door is not None) == some, f"{graph} | {x} {y}"
        if door is not None:
            assert is_conditional_front_door(masks, treatment, outcome, *door)
            found += 1
    assert found > 60


def test_the_smallest_separator_is_smallest_and_of_those_nearest_to_the_outcome():
    rng = random.Random(3)
    smaller = 0
    for _ in range(600):
        graph = oracles.random_admg(rng, (4, 9))
        masks = graph.sorted_masks
        x, y = 1 << rng.randrange(len(graph.nodes) - 1), 1 << len(graph.nodes) - 1
        free, walks = masks.all & ~(x | y), back_door(masks, x, y).walks
        found = smallest_separator(walks, x, y, free)
        listed = list(minimal_separators(walks, x, y, free))
        assert (found is None) == (not listed)
        if found is None:
            continue
        least = min(nodes.bit_count() for nodes in listed)
        assert found in listed and found.bit_count() == least
        inside = walks.ancestors(x | y)
        sides = [walks.touched(y, nodes, inside) & ~nodes for nodes in listed if nodes.bit_count() == least]
        assert all(not (walks.touched(y, found, inside) & ~found) & ~side for side in sides)
        smaller += least < listed[0].bit_count()
    assert smaller > 3


def check_formulas(count: int, seed: int) -> int:
    """Values against the truth, on questions that often need more than adjustment; conditions in half of them."""
    rng = random.Random(seed)
    checked = 0
    for number in range(count):
        match number % 3:
            case 0:
                graph, query = oracles.random_napkin(rng), "P(Y | do(X1))"
            case 1:
                graph = oracles.random_admg(rng, (4, 8))
                query = oracles.random_term(rng, graph.nodes, rng.choice([0, 1, 2]))
            case _:
                graph, x, y = with_hidden_cause(rng)
                query = f"P({y} | do({x}))"
        asked = Query.parse(query)
        found = identify(graph, asked)
        if not isinstance(found, Identified):
            continue
        scm = oracles.random_scm(graph, number)
        value = found.estimand.evaluate(scm.law(), graph.nodes).values
        np.testing.assert_allclose(value, scm.answer(asked.term), rtol=0, atol=1e-9, err_msg=f"{graph} | {query}")
        checked += 1
    return checked


def test_short_formulas_are_right():
    assert check_formulas(240, seed=91) > 150


@pytest.mark.slow
def test_short_formulas_are_right_on_five_thousand_random_questions():
    assert check_formulas(8000, seed=92) > 5000


def test_long_sets_are_named_once():
    graph = parse_graph("; ".join(f"C{i} -> X; C{i} -> Y" for i in range(1, 12)) + "; X -> Y")
    found = identify(graph, Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")).estimand
    listed = ", ".join(f"C{i}" for i in range(1, 12))
    assert found.text == f"Σ_Z E[Y | X=1, Z] P(Z) - Σ_Z E[Y | X=0, Z] P(Z), where Z = {{{listed}}}"
    assert r"\sum_{Z} E[Y \mid X = 1, Z] P(Z)" in found.latex and r"Z = \{\mathit{C1}, " in found.latex
    # A letter that is no node.
    graph = parse_graph("; ".join(f"C{i} -> X; C{i} -> Y" for i in range(1, 5)) + "; X -> Y; Z -> X; Z -> Y")
    assert identify(graph, Query.parse("P(Y | do(X))")).estimand.text == (
        "Σ_C P(Y | X, C) P(C), where C = {C1, C2, C3, C4, Z}"
    )
    few = parse_graph("; ".join(f"C{i} -> X; C{i} -> Y" for i in range(1, 4)) + "; X -> Y")
    assert "where" not in identify(few, Query.parse("P(Y | do(X))")).estimand.text


def test_a_letter_is_no_node_of_the_graph():
    causes = "; ".join(f"C{i} -> X; C{i} -> Y" for i in range(1, 5))
    graph = parse_graph(f"{causes}; X -> Y; X -> Z")
    found = identify(graph, Query.parse("P(Y | do(X))")).estimand
    assert found.text == "Σ_C P(Y | X, C) P(C), where C = {C1, C2, C3, C4}"
    # Of two sets neither has the name of a node.
    two = "; ".join(f"{name}{i} -> X; {name}{i} -> {to}" for name, to in (("A", "Y"), ("B", "W")) for i in range(4))
    graph = parse_graph(f"{two}; X -> Y; X -> W; Y -> Z2")
    found = identify(graph, Query.parse("E[Y | do(X=1)] - E[W | do(X=1)]")).estimand
    assert set(found.sets) == {"C1", "C2"} and ", where C1 = {A0, A1, A2, A3}; C2 = {B0, B1, B2, B3}" in found.text


def test_proofs_name_long_sets_as_their_formula_does():
    graph = parse_graph("; ".join(f"C{i} -> X; C{i} -> Y" for i in range(1, 6)) + "; X -> Y")
    found = identify(graph, Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]"))
    proof = found.derivation
    assert str(proof).splitlines() == [
        "P(Y | do(X)), where Z = {C1, C2, C3, C4, C5}",
        "  = Σ_Z P(Y, Z | do(X))",
        "      1. marginalise: a law is the sum of a larger one",
        "  = Σ_Z P(Y | do(X), Z) P(Z | do(X))",
        "      2. chain rule: P(a, b | c) = P(a | b, c) P(b | c)",
        "  = Σ_Z P(Y | do(X), Z) P(Z)",
        "      3. rule 3: (Z ⊥⊥ X) in the graph without the edges into X",
        "  = Σ_Z P(Y | X, Z) P(Z)",
        "      4. rule 2: (Y ⊥⊥ X | Z) in the graph without the edges out of X",
    ]
    page = re.sub("<svg.*?</svg>", "", proof._repr_html_(), flags=re.DOTALL)
    assert proof.latex.count("C5") == 1 and page.count(">C5<") == 1 and "\\sum_{Z}" in proof.latex
    # A step that stands alone has no letter.
    assert "C5" in proof.steps[-1].latex and "C5" in proof.steps[-1].reason and "Z" not in str(proof.steps[-1].after)
    assert proof.check()

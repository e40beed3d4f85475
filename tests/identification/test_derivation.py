"""The proof: every step holds, the steps end with the estimand, and whatever is tampered with is found."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
import random
from collections.abc import Iterator

import pytest

import known_graphs
import oracles
from latentdo.graphs import parse_graph
from latentdo.identification import (
    CutGraph,
    Derivation,
    Identified,
    Prob,
    Product,
    Separation,
    Step,
    Sum,
    Written,
    identify,
)
from latentdo.query import Query


def proof(graph: str, query: str) -> Derivation:
    found = identify(parse_graph(graph), Query.parse(query))
    assert isinstance(found, Identified)
    return found.derivation


def random_proofs(count: int, seed: int) -> Iterator[tuple[str, Identified]]:
    """Identified questions on random graphs, half of them in need of a ratio."""
    rng = random.Random(seed)
    for number in range(count):
        if number % 2:
            graph = oracles.random_admg(rng, (3, 9))
            seen = rng.choice([0, 0, 1, 2]) if len(graph.nodes) > 3 else 0
            query = oracles.random_term(rng, graph.nodes, seen)
        else:
            graph, query = oracles.random_napkin(rng), "P(Y | do(X1))"
        found = identify(graph, Query.parse(query))
        if isinstance(found, Identified):
            yield f"{graph} | {query}", found


@pytest.mark.parametrize("case", known_graphs.IDENTIFIED, ids=lambda case: case.name)
def test_proves_the_formulas_of_the_literature(case):
    found = identify(case.graph, case.query).derivation
    assert found.check() is True, found.explain()


def test_the_napkin_reads_line_by_line():
    lines = str(proof(known_graphs.NAPKIN, "P(Y | do(X))")).splitlines()
    assert lines[:7] == [
        "P(Y | do(X))",
        "  = P(Y | do(R, X))",
        "      1. rule 3: (Y ⊥⊥ R | X) in the graph without the edges into R, X",
        "  = P(Y | do(R), X)",
        "      2. rule 2: (Y ⊥⊥ X | R) in the graph without the edges into R and out of X",
        "  = P(X, Y | do(R)) / P(X | do(R))",
        "      3. condition: P(a | b, c) = P(a, b | c) / P(b | c)",
    ]
    assert lines[-2] == "  = Σ_W P(X, Y | R, W) P(W) / Σ_W P(X | R, W) P(W)"


def test_the_front_door_reads_like_the_book():
    found = proof(known_graphs.FRONT_DOOR, "P(Y | do(X))")
    assert [step.rule for step in found.steps] == [
        "marginalise", "chain rule", "rule 2", "rule 2", "rule 3", "marginalise", "chain rule", "rule 3", "rule 2",
    ]  # fmt: skip
    assert found.steps[3].after.text == "Σ_M P(Y | do(M, X)) P(M | X)"
    assert found.steps[4].separation.text == "(Y ⊥⊥ X | M)" and found.steps[4].graph.into == ("M", "X")


def check_random(count: int, seed: int) -> tuple[int, int]:
    proofs = closing = 0
    for name, found in random_proofs(count, seed):
        derivation = found.derivation
        assert derivation.check(), f"{name}: {derivation.explain()}"
        assert derivation.theorems[0].formula.expression == found.estimand.expression, name
        steps = derivation.steps
        if steps:
            assert steps[-1].after.expression == found.estimand.expression
            assert all(a.after is b.before or a.after == b.before for a, b in itertools.pairwise(steps))
            closing += steps[-1].part == steps[-1].before and steps[-1].rule in ("rearrange", "sum out")
        proofs += 1
    return proofs, closing


def test_every_step_holds_on_random_graphs():
    proofs, closing = check_random(250, seed=31)
    assert proofs > 150
    assert closing < 0.05 * proofs


@pytest.mark.slow
def test_every_step_holds_on_ten_thousand_random_graphs():
    proofs, closing = check_random(14_000, seed=32)
    assert proofs > 10_000
    assert closing < 0.05 * proofs


def tampered(derivation: Derivation, rng: random.Random) -> tuple[str, Derivation]:
    """A derivation with one thing changed that makes it no proof of its theorem."""
    steps = derivation.steps
    at = rng.randrange(len(steps))
    step = steps[at]
    ways = {
        "a step is left out": lambda: (*steps[:at], *steps[at + 1 :]),
        "a step is there twice": lambda: (*steps[: at + 1], step, *steps[at + 1 :]),
        "after is before": lambda: with_step(after=step.before),
        "before is the last formula": lambda: with_step(before=steps[-1].after),
        "another rule": lambda: with_step(rule=rng.choice([rule for rule in RULES if rule != step.rule])),
        "no rule at all": lambda: with_step(rule="rule 4"),
        "an edge more is cut": lambda: with_step(graph=cut_more()),
        "part and outcome changed": lambda: with_step(part=step.becomes, becomes=step.part),
        "a factor more": lambda: with_step(after=Written(Product((step.after.expression, Prob(("Y",)))))),
        "another theorem": lambda: with_step(theorem=step.theorem + 1),
        "a wrong separation": lambda: with_step(separation=other_separation()),
        "another graph": lambda: with_step(graph=dataclasses.replace(step.graph, whole=step.graph.whole.induced(()))),
    }

    def with_step(**changes: object) -> tuple[Step, ...]:
        return (*steps[:at], dataclasses.replace(step, **changes), *steps[at + 1 :])

    def cut_more() -> CutGraph:
        node = rng.choice([node for node in step.graph.whole.nodes if node not in step.graph.into])
        return dataclasses.replace(step.graph, into=(*step.graph.into, node))

    def other_separation() -> Separation:
        old = step.separation
        return Separation(("Y",), ("X1",)) if old is None else Separation(old.second, old.first, old.given)

    way = rng.choice(list(ways))
    return way, dataclasses.replace(derivation, steps=ways[way]())


RULES = (
    "rule 1", "rule 2", "rule 3", "marginalise", "chain rule", "condition", "sum out", "cancel", "rearrange",
)  # fmt: skip


def find_tampering(count: int, seed: int) -> int:
    rng = random.Random(seed)
    found = 0
    for name, verdict in random_proofs(count, seed):
        derivation = verdict.derivation
        if not derivation.steps:
            continue
        way, broken = tampered(derivation, rng)
        assert broken.check() is False, f"{name}: {way} was not found"
        assert broken.explain().startswith(("Step ", "The step", "The steps")), broken.explain()
        found += 1
    return found


def test_every_tampered_proof_is_found():
    assert find_tampering(400, seed=33) > 250


@pytest.mark.slow
def test_every_one_of_ten_thousand_tampered_proofs_is_found():
    assert find_tampering(15_000, seed=34) > 10_000


@pytest.mark.parametrize("name", ["rule", "graph", "before", "after", "part", "becomes", "theorem"])
@pytest.mark.parametrize("value", [None, "P(Y)", 3, Prob(("Y",)), Written(Prob(("nobody",))), object()])
def test_anything_at_all_may_be_put_into_a_step(name, value):
    found = proof(known_graphs.NAPKIN, "P(Y | do(X))")
    for at in range(len(found.steps)):
        steps = list(found.steps)
        steps[at] = dataclasses.replace(steps[at], **{name: value})
        assert dataclasses.replace(found, steps=tuple(steps)).check() is False


def test_a_proof_is_one_of_its_own_query():
    found = proof(known_graphs.FRONT_DOOR, "E[Y | do(X=1)] - E[M | do(X=0)]")
    for query in (Query.parse("P(Q)"), Query.parse("E[Y | do(X=1)]"), "P(Y)", None):
        assert dataclasses.replace(found, query=query).check() is False
    for number, theorem in enumerate(found.theorems):
        steps = tuple(dataclasses.replace(step, theorem=0) for step in found.of_theorem(number))
        assert not dataclasses.replace(found, theorems=(theorem,), steps=steps).check()
    simple = proof("X -> Y", "P(Y)")
    other = proof("X -> Y", "P(X)").theorems[0]
    for theorems in ((), (other,), simple.theorems * 2, (dataclasses.replace(other, terms=simple.theorems[0].terms),)):
        assert dataclasses.replace(simple, theorems=theorems).check() is False
    for change in ({"graph": None}, {"law": None}, {"law": "P(Y)"}, {"formula": 3}, {"note": None}, {"terms": ()}):
        assert not dataclasses.replace(simple, theorems=(dataclasses.replace(simple.theorems[0], **change),)).check()


def test_a_wrong_formula_is_found_by_the_numbers():
    found = proof(known_graphs.BACK_DOOR, "P(Y | do(X))")
    wrong = Written(Sum(("Z",), Product((Prob(("Y",), ("X", "Z")), Prob(("Z",), ("X",))))))
    theorem = dataclasses.replace(found.theorems[0], formula=wrong)
    assert not dataclasses.replace(found, theorems=(theorem,)).check()
    last = dataclasses.replace(
        found.steps[2], after=Written(Sum(("Z",), Product((Prob(("Y",), ("Z",), ("X",)), Prob(("Z",), ("X",))))))
    )
    broken = dataclasses.replace(found, steps=(*found.steps[:2], last, *found.steps[3:]))
    assert "Step 3 (rule 3) does not hold" in broken.explain()


def test_rules_that_look_right_on_the_wrong_graph_are_found():
    right = proof("Z -> X -> Y; Z -> Y", "P(Y | do(X))")
    bow = parse_graph("Z -> X -> Y; Z -> Y; X <-> Y").projection
    theorem = dataclasses.replace(right.theorems[0], graph=bow)
    steps = tuple(dataclasses.replace(step, graph=dataclasses.replace(step.graph, whole=bow)) for step in right.steps)
    broken = dataclasses.replace(right, theorems=(theorem,), steps=steps)
    assert not broken.check()
    assert "(Y ⊥⊥ X | Z) does not hold in the graph without the edges out of X" in broken.explain()


def test_what_is_in_the_data_as_it_stands_needs_no_step():
    found = proof("Z -> X -> Y", "P(Y)")
    assert found.steps == () and found.check() and "is in P(V) as it stands" in str(found)


def test_arms_of_a_contrast_share_one_proof():
    found = proof(known_graphs.FRONT_DOOR, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    assert len(found.theorems) == 1 and found.check()


def test_each_different_law_of_a_query_is_a_theorem():
    found = proof(known_graphs.FRONT_DOOR, "E[Y | do(X=1)] / E[M | do(X=1)]")
    assert len(found.theorems) == 2 and found.check(), found.explain()
    assert {step.theorem for step in found.steps} == {0, 1}
    assert list(found.steps) == [*found.of_theorem(0), *found.of_theorem(1)]


@pytest.mark.parametrize(
    ("graph", "query"),
    [
        ("X -> Z; X -> Y; Z -> Y; X <-> W; W -> X", "P(Y | do(X=1), Z > 0)"),
        ("X -> Y; W -> X; W -> Y; Y -> Z", "E[Y | do(X ~ normal(0, 1)), Z=1]"),
        ("W -> X -> Y; W -> Y", "E[Y | do(X ~ normal(0, 1))]"),
        ("A <-> B; A <-> C; D", "P(B | do(D), A, C)"),
        ("X -> Y -> Z; X <-> Z", "E[Y | do(X), Z]"),
        ("X -> M -> Y; X <-> Y; M -> Z", "P(Y | do(X), Z)"),
    ],
)
def test_events_and_drawn_treatments_are_proved_as_laws(graph, query):
    found = proof(graph, query)
    assert found.check(), found.explain()
    stochastic_or_event = "~" in query.split("do")[-1] or ">" in query
    assert bool(found.theorems[0].note) == stochastic_or_event


def test_a_proof_is_a_value_that_prints():
    found = proof(known_graphs.NAPKIN, "P(Y | do(X))")
    assert pickle.loads(pickle.dumps(found)) == found
    assert pickle.loads(pickle.dumps(found)).check()
    page = found._repr_html_()
    assert page.count("<li>") == len(found.steps) and page.count("<svg") == 6
    assert r"\perp" in found.latex and found.latex.count(r"\\") == len(found.steps)
    assert all(set(step) >= {"rule", "graph", "before", "after"} for step in found.to_json())
    assert parse_graph(found.steps[0].graph.text).projection.nodes == ("W", "R", "X", "Y")


def test_nodes_of_any_name_are_proved_and_escaped():
    found = proof("`a b` -> `<x>`; `a b` -> Y; `<x>` -> Y", "P(Y | do(`<x>`))")
    assert found.check()
    assert "<x>" not in found._repr_html_().replace("&lt;x&gt;", "")
    assert "`a b`" in found.text


def test_a_proof_on_a_large_graph_is_checked_on_few_nodes_at_a_time():
    chain = " -> ".join(f"V{i}" for i in range(60))
    found = proof(f"{chain}; V0 <-> V59; V0 <-> V20; V3 <-> V30", "P(V59 | do(V40))")
    assert found.check(), found.explain()

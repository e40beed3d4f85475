"""The two models that prove a "no": enumerated coin by coin, on random graphs and questions of every kind."""

from __future__ import annotations

import json
import random

import pytest

import known_graphs
import oracles
import reference_graphs
from latentdo.errors import QueryError, UnknownNodeError, UnsupportedError
from latentdo.graphs import connected, parse_graph, project
from latentdo.identification import NotIdentified, Witness, identify, witness_of
from latentdo.query import Query


def verdict(graph: str, query: str, **options) -> NotIdentified:
    found = identify(parse_graph(graph), Query.parse(query), **options)
    assert isinstance(found, NotIdentified)
    return found


def random_question(rng: random.Random, nodes: tuple[str, ...]) -> str:
    """A law, with evidence that is a value or an event, and treatments that are set or drawn."""
    term = Query.parse(oracles.random_term(rng, nodes, rng.randint(0, min(3, len(nodes) - 2)))).term
    do = [f"{x} ~ normal(0, 1)" if rng.random() < 0.2 else x for x in term.treatments]
    seen = [f"{z} > 0" if rng.random() < 0.3 else z for z in term.conditions]
    behind = ", ".join(([f"do({', '.join(do)})"] if do else []) + seen)
    return f"P({', '.join(term.outcome_names)}{' | ' if behind else ''}{behind})"


def random_refusals(count: int, seed: int):
    rng = random.Random(seed)
    makers = [lambda: oracles.random_admg(rng, (3, 7)), lambda: oracles.random_napkin(rng)]
    while count:
        graph = rng.choice(makers)()
        query = Query.parse(random_question(rng, graph.nodes))
        if not identify(graph, query).identified:
            count -= 1
            yield graph, query


def random_contrast(rng: random.Random, nodes: tuple[str, ...]) -> tuple[str, str]:
    """A difference, ratio, odds ratio or sum of two terms, and the treatment at which they differ."""
    y, *rest = rng.sample(nodes, len(nodes))
    count = rng.randint(1, min(3, len(rest)))
    changed = rest[rng.randrange(count)]
    levels = {x: rng.randint(0, 1) for x in rest[:count]}
    seen = [f", {z}={rng.randint(0, 1)}" for z in rest[count : count + (rng.random() < 0.4)]]
    form = rng.choice(("E[{}]", "P({})"))
    asked = y if form == "E[{}]" else f"{y}=1"
    a, b = (
        form.format(f"{asked} | do({', '.join(f'{x}={level}' for x, level in do.items())}){''.join(seen)}")
        for do in (levels, levels | {changed: 1 - levels[changed]})
    )
    return rng.choice((f"{a} - {b}", f"{a} / {b}", f"{a} / (1 - {a}) / ({b} / (1 - {b}))", f"2 * {a} + {b}")), changed


def refused_contrasts(count: int, seed: int):
    """Contrasts that are not identified, and whether the graph lets the changed treatment matter at all."""
    rng = random.Random(seed)
    makers = [lambda: oracles.random_admg(rng, (3, 7)), lambda: oracles.random_napkin(rng)]
    while count:
        graph = rng.choice(makers)()
        text, changed = random_contrast(rng, graph.nodes)
        query = Query.parse(text)
        if not identify(graph, query).identified:
            count -= 1
            masks, term = project(graph).sorted_masks, query.terms[0]
            do, one = masks.mask(term.treatments), masks.mask([changed])
            given = do & ~one | masks.mask(term.conditions)
            yield graph, query, bool(connected(masks.cut(do), masks.mask(term.outcome_names), given) & one)


def has_proof(found: Witness, graph, query) -> None:
    assert found.check() and found.agree() == 0, f"{graph} | {query}"
    assert found.term in query.terms
    named = {*found.term.outcome_names, *found.term.treatments, *found.term.conditions}
    assert named <= set(found.names)
    assert set(found.names).isdisjoint(found.bystanders)
    assert set(found.names).union(found.bystanders) == set(found.graph.nodes)


def test_every_no_has_two_models_with_one_law_and_two_answers():
    for graph, query in random_refusals(600, seed=1):
        found = identify(graph, query).witness()
        has_proof(found, graph, query)
        assert found.difference > 0.01


def test_coin_by_coin_the_two_models_agree_on_the_data_and_differ_in_what_was_asked():
    conditional = checked = 0
    for graph, query in random_refusals(800, seed=2):
        found = identify(graph, query).witness()
        first, second = found.models
        if len(first.coins) + sum(bit.error > 0 for bit in first.bits) > 8:
            continue  # each coin doubles what is enumerated here
        laws = [oracles.parity_law(model, {}) for model in (first, second)]
        assert laws[0] == laws[1], f"{graph} | {query}"
        cells = 1
        for width in first.widths.values():
            cells *= 2**width
        assert len(laws[0]) == cells  # no cell is impossible
        answers = [oracles.parity_answer(model, found.case) for model in (first, second)]
        assert answers == pytest.approx(found.values, abs=1e-12)
        assert abs(answers[0] - answers[1]) > 0.01
        checked += 1
        conditional += bool(query.term.given)
    assert checked >= 500 and conditional >= 250


def test_the_models_are_models_of_the_graph():
    for graph, query in random_refusals(200, seed=3):
        for model in identify(graph, query).witness().models:
            for bit in model.bits:
                assert all((name, bit.node) in graph.directed for name, _ in bit.reads)
                for coin in bit.coins:
                    assert bit.node in coin.ends and set(coin.ends) in [set(pair) for pair in graph.bidirected]


@pytest.mark.parametrize("case", known_graphs.NOT_IDENTIFIED, ids=lambda case: case.name)
def test_the_graphs_of_the_literature_have_a_witness(case):
    has_proof(identify(case.graph, case.query).witness(), case.graph, case.query)


def test_reads_like_an_explanation():
    assert str(verdict(known_graphs.BOW, "P(Y | do(X))").witness()) == (
        "Two models agree on all that is measured and disagree on P(Y=1 | do(X=0)).\n"
        "Every bit is 0 or 1, sums are modulo 2, and c1, c2, … are fair coins that nobody measures:\n"
        "  c1 is behind X and Y.\n"
        "In both models:\n"
        "  X = c1\n"
        "In model 1:\n"
        "  Y = X + c1, flipped in 1 of 16 units\n"
        "In model 2:\n"
        "  Y = 0, flipped in 1 of 16 units\n"
        "P(V) is the same in both models (largest difference 0), and nowhere zero.\n"
        "P(Y=1 | do(X=0)) is 0.5 in model 1 and 0.0625 in model 2."
    )


@pytest.mark.parametrize(
    ("graph", "query", "said"),
    [
        # The hedge is only in the law of the evidence; the answer differs all the same.
        ("X -> Z; X <-> Z; X -> Y; Z -> Y", "P(Y | do(X), Z > 0)", "P(Y=1 | do(X=0), Z > 0) is"),
        ("X -> Z; X <-> Z; X -> Y; Z -> Y", "E[Y | do(X ~ normal(0, 1)), Z=3]", "Here Z=3 stands for Z = 0"),
        ("X -> Z; X <-> Z; A -> Z; A -> Y", "P(Y | do(X), Z)", "P(Y=1 | do(X=0), Z=0) is"),
        ("A -> B; A <-> B; B <-> D; C <-> D", "P(C | do(A), B, D)", "P(C=1 | do(A=0), B=0, D=0) is"),
        ("X -> Y; X <-> Y; Z", "P(Y > 2 | do(X=70))", "Here Y > 2 stands for Y = 1; X=70 stands for X = 0."),
        ("X -> Y; X <-> Y; B", "E[Y | do(X=1)]", "In both, what else is measured is a fair coin of its own: B."),
    ],
)
def test_differs_in_the_conditional_that_was_asked(graph, query, said):
    found = verdict(graph, query).witness()
    assert found.check() and said in str(found)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("Var[Y | do(X=1)]", "Var[Y | do(X=1)] is 0.25 in model 1 and 0.05859 in model 2."),
        ("SD[Y | do(X)]", "SD[Y | do(X=0)] is 0.5 in model 1"),
        ("Quantile[Y, 0.9 | do(X)]", "Quantile[Y, 0.9 | do(X=0)] is 1 in model 1 and 0 in model 2."),
        # Both medians are 0, and the laws differ.
        ("Median[Y | do(X=1)]", "disagree on P(Y=1 | do(X=1))."),
        ("density(Y=1.3 | do(X=1))", "Here Y=1.3 stands for Y = 1."),
        ("E[Y | do(X)] for X in 0..10", "E[Y | do(X=0)] is 0.5 in model 1 and 0.0625 in model 2."),
        ("density(Y | do(X=1)) for Y in 0..1", "P(Y=1 | do(X=1)) is 0.5 in model 1"),
        ("Quantile[Y, 0.9 | do(X)] - Median[Y | do(X=0)]", "- Median[Y | do(X=0)] is 1 in model 1 and 0 in model 2."),
    ],
)
def test_a_number_of_a_law_has_a_witness(query, said):
    found = verdict(known_graphs.BOW, query).witness()
    assert found.check() and said in str(found)


def test_an_altered_witness_is_no_proof():
    from dataclasses import replace

    found = verdict(known_graphs.BOW, "P(Y | do(X))").witness()
    first, second = found.models
    assert not replace(found, models=(first, first)).check()
    bits = (*second.bits[:-1], replace(second.bits[-1], error=0.25))
    assert not replace(found, models=(first, replace(second, bits=bits))).check()
    assert not replace(found, graph=parse_graph("X -> Y").projection).check()


def test_of_several_terms_the_witness_is_that_of_the_term_at_fault():
    found = verdict("A -> B -> C; A <-> B", "E[C | do(B=1)] - E[C | do(A=1)]").witness()
    assert str(found.term) == "E[C | do(A=1)]" and found.check()


def arithmetic(found: Witness, answer) -> list[float]:
    """The whole query in each model by Python's own arithmetic, from the answers to its terms."""
    values: list[float] = []
    for model in found.models:
        text = str(found.query)
        for term, case in sorted(zip(found.query.terms, found.cases, strict=True), key=lambda pair: -len(str(pair[0]))):
            value = answer(model, case)
            text = text.replace(f"odds{str(term)[1:]}", f"({value!r} / (1 - {value!r}))").replace(
                str(term), repr(value)
            )
        values.append(eval(text, {"__builtins__": {}}))  # numbers and operators only
    return values


def test_contrasts_and_ratios_differ_as_a_whole_where_they_can():
    whole = possible = 0
    for graph, query, matters in refused_contrasts(250, seed=4):
        found = identify(graph, query).witness()
        assert found.check() and found.agree() < 1e-15, f"{graph} | {query}"
        if found.cases:
            values = arithmetic(found, lambda model, case: case.answer(model))
            assert values == pytest.approx(found.values, rel=1e-9, abs=1e-12)
            assert abs(found.term_values[0] - found.term_values[1]) > 1e-9
        else:
            assert "is decided term by term: the two models differ in that term only" in str(found)
        possible += matters or "2 *" in str(query)
        whole += bool(found.cases)
    assert possible >= 180 and whole >= 0.97 * possible


def test_coin_by_coin_the_whole_differs_and_the_data_do_not():
    checked = 0
    for graph, query, _ in refused_contrasts(150, seed=5):
        found = identify(graph, query).witness()
        first, second = found.models
        if not found.cases or len(first.coins) + sum(bit.error > 0 for bit in first.bits) > 8:
            continue  # each coin doubles what is enumerated here
        laws = [oracles.parity_law(model, {}) for model in (first, second)]
        assert laws[0] == pytest.approx(laws[1], abs=1e-15) and min(laws[0].values()) > 0
        values = arithmetic(found, oracles.parity_answer)
        assert values == pytest.approx(found.values, rel=1e-9)
        assert abs(values[0] - values[1]) > 1e-6
        checked += 1
    assert checked >= 60


def test_the_average_effect_behind_a_bow_is_shown_as_a_whole():
    found = verdict(known_graphs.BOW, "E[Y | do(X=1)] - E[Y | do(X=0)]").witness()
    assert found.check() and found.values == (0.4375, 0.0)
    assert str(found) == (
        "Two models agree on all that is measured and disagree on E[Y | do(X=1)] - E[Y | do(X=0)].\n"
        "Every bit is 0 or 1, sums are modulo 2, and c1, c2, … are coins that nobody measures, fair where nothing else "
        "is said:\n"
        "  c1 is behind X and Y, and 1 in 1 of 4 units.\n"
        "In both models:\n"
        "  X = c1\n"
        "In model 1:\n"
        "  Y = X + c1, flipped in 1 of 16 units\n"
        "In model 2:\n"
        "  Y = 0, flipped in 1 of 16 units\n"
        "P(V) is the same in both models (largest difference 0), and nowhere zero.\n"
        "E[Y | do(X=1)] - E[Y | do(X=0)] is 0.4375 in model 1 and 0 in model 2.\n"
        "Of its terms, E[Y | do(X=1)] is 0.7188 in model 1 and 0.0625 in model 2."
    )
    row = json.loads(json.dumps(found.to_json()))
    assert row["whole"] and row["probabilities"] == {"c1": 0.25} and row["values"] == [0.4375, 0.0]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("E[Y | do(X=70)] - E[Y | do(X=40)]", "Here X=70 stands for X = 1; X=40 stands for X = 0."),
        ("E[Y | do(X=high)] - E[Y | do(X=low)]", "Here X=high stands for X = 0; X=low stands for X = 1."),
        ("P(Y > 2 | do(X=1)) / P(Y > 2 | do(X=0))", "Here Y > 2 stands for Y = 1."),
        ("P(Y > 2, Y < 5 | do(X=1)) - P(Y > 5 | do(X=0))", "stands for Y = "),
        ("P(Y | do(X=1)) - P(Y | do(X=0))", "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0)) is 0.4375 in model 1"),
        ("P(Y | do(X)) / (1 - P(Y | do(X)))", "odds(Y=1 | do(X=0)) is"),
        ("E[Y | do(X=2)] - 2 * E[Y | do(X=1)] + E[Y | do(X=0)]", "X has the bits X.1 and X.2"),
        ("E[Y | do(X ~ normal(1, 1))] - E[Y | do(X ~ normal(0, 1))]", "with the probabilities 0.75, 0.25"),
        ("E[Y | do(X=1, B=1)] - E[Y | do(X=1, B=0)]", "  Y = X + B + c1, flipped in 1 of 16 units"),
    ],
)
def test_two_values_of_a_node_stand_for_two_levels_in_the_whole_question(query, said):
    found = verdict("X -> Y; X <-> Y; B -> Y", query).witness()
    assert found.cases and found.check() and said in str(found)


def test_an_odds_ratio_differs_as_a_whole():
    one, zero = "P(Y=1 | do(X=1))", "P(Y=1 | do(X=0))"
    found = verdict(known_graphs.BOW, f"({one} / (1 - {one})) / ({zero} / (1 - {zero}))").witness()
    assert found.check() and found.values == pytest.approx(((23 / 9) ** 2, 1.0))


def test_where_the_whole_cannot_differ_the_term_does_and_the_text_says_so():
    found = verdict(known_graphs.BOW, "E[Y | do(X=1)] - E[Y | do(X=1)]").witness()
    assert found.check() and not found.cases and found.values == found.term_values == (0.5, 0.0625)
    assert str(found).endswith(
        "E[Y | do(X=1)] is 0.5 in model 1 and 0.0625 in model 2.\n"
        "E[Y | do(X=1)] - E[Y | do(X=1)] is decided term by term: the two models differ in that term only, and none "
        "were found that differ in the whole."
    )
    assert not found.to_json()["whole"]


def test_what_has_no_witness_is_refused_with_the_reason():
    with pytest.raises(UnsupportedError, match="is identified on this graph"):
        witness_of(parse_graph("X -> Y"), Query.parse("P(Y | do(X))"))
    chain = " -> ".join(f"V{i}" for i in range(40))
    with pytest.raises(UnsupportedError, match=r"have 40 bits(.|\n)*In model 2:\n  V1 = 0, flipped"):
        verdict(f"{chain}; V0 <-> V1", "P(V39 | do(V0))").witness()


def test_functional_nodes_are_written_out_or_refused():
    found = verdict("X -> M -> Y; X <-> Y", "P(Y | do(X))", functional=["M"])
    assert found.functional and found.witness().check()
    with pytest.raises(UnsupportedError, match="only not shown identifiable"):
        verdict("X -> M -> Y; X <-> Y", "P(Y | do(M))", functional=["M"]).witness()


def test_a_model_is_asked_only_for_what_it_has():
    model = verdict(known_graphs.BOW, "P(Y | do(X))").witness().models[0]
    assert model.interventional({"X": (0.25, 0.75)}).sum(axis=1).tolist() == [0.25, 0.75]
    with pytest.raises(UnknownNodeError, match="'Z' is not a node"):
        model.interventional({"Z": 1})
    with pytest.raises(QueryError, match="Its levels are 0 to 1"):
        model.interventional({"X": 2})
    with pytest.raises(QueryError, match="It has 2 levels"):
        model.interventional({"X": (0.5, 0.6)})


def test_json_and_html_hold_what_the_text_holds():
    found = verdict("`<b>` -> Y; `<b>` <-> Y", "P(Y | do(`<b>`))").witness()
    row = json.loads(json.dumps(found.to_json()))
    assert row["checked"] and row["values"] == list(found.values) and row["coins"] == {"c1": ["<b>", "Y"]}
    assert "<b>" not in found._repr_html_()


if reference_graphs.CASES:

    @pytest.mark.parametrize(
        "case", [case for case in reference_graphs.CASES if not case.identified], ids=lambda case: case.name
    )
    def test_reference_graphs(case):
        graph, query = case.graph, Query.parse(case.question)
        has_proof(identify(graph, query).witness(), graph, query)

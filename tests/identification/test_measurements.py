"""What could be left unmeasured: all minimal sets and the cheapest, by trying every subset."""

from __future__ import annotations

import itertools
import json
import math
import random

import pytest

import oracles
from latentdo.errors import NotIdentifiedError, QueryError, UnknownNodeError
from latentdo.graphs import Admg, LatentDag, parse_graph
from latentdo.identification import Identified, Measurements, identify, measurements_of
from latentdo.query import Query


def measured(graph: str, *queries: str, costs=None) -> Measurements:
    return measurements_of(parse_graph(graph), *map(Query.parse, queries), costs=costs)


def hiding(graph: LatentDag | Admg, names) -> LatentDag:
    latent = getattr(graph, "latent", frozenset()) | frozenset(names)
    return LatentDag(graph.nodes, graph.directed, tuple(graph.bidirected), latent)


def random_design(rng: random.Random) -> tuple[LatentDag | Admg, list[Query]]:
    """A graph with one or two questions; often of one node on the last one, where several nodes can adjust."""
    makers = [oracles.random_latent_dag, oracles.random_napkin, oracles.random_admg, oracles.sparse_admg]
    if rng.random() < 0.5:
        graph = rng.choice(makers)(rng)
        asked = [oracles.random_term(rng, graph.measured, rng.randint(0, 1)) for _ in range(rng.choice([1, 2]))]
    else:
        graph = oracles.sparse_admg(rng, (6, 8))
        order = graph.topological_order()
        asked = [f"P({order[-1]} | do({order[len(order) // 2]}))"]
    return graph, [Query.parse(text) for text in asked]


def test_lists_all_minimal_sets_and_a_cheapest_by_all_subsets():
    rng = random.Random(1)
    done = several = 0
    while done < 300:
        graph, queries = random_design(rng)
        if not all(identify(graph, query).identified for query in queries) or len(graph.measured) > 8:
            continue
        asked = {n for q in queries for n in (*q.term.outcome_names, *q.term.treatments, *q.term.conditions)}
        rest = sorted(set(graph.measured) - asked)
        good = [
            frozenset(names) | asked
            for size in range(len(rest) + 1)
            for names in itertools.combinations(rest, size)
            if all(identify(hiding(graph, set(rest) - set(names)), query).identified for query in queries)
        ]
        best = {names for names in good if not any(other < names for other in good)}
        costs = {node: rng.choice([0, 1, 2.5, 7]) for node in graph.measured}
        found = measurements_of(graph, *queries, costs=costs)
        assert set(found.minimal) == best and not found.cut, f"{graph} | {queries}"
        assert found.proved and found.cheapest in good
        least = min(sum(costs[node] for node in names) for names in good)
        assert found.cost == pytest.approx(least) == pytest.approx(sum(costs[node] for node in found.cheapest))
        assert found.needed == frozenset.intersection(*good)
        assert found.unneeded == frozenset(graph.measured).difference(*best, found.cheapest)
        done += 1
        several += len(best) > 1
    assert several > 15


def test_experiments_help_those_who_measure_what_they_set():
    rng = random.Random(2)
    done = helped = 0
    while done < 60:
        graph, (query, *_) = random_design(rng)
        asked = {*query.term.outcome_names, *query.term.treatments, *query.term.conditions}
        near = sorted(graph.ancestors(asked) & set(graph.measured))
        drawn = (tuple(sorted(rng.sample(near, min(len(near), rng.choice([1, 1, 2]))))) for _ in range(2))
        regimes = tuple(dict.fromkeys(drawn))
        verdict = identify(graph, query, experiments=regimes)
        alone = identify(graph, query).identified
        # Every other case is one that observation does not answer.
        if not isinstance(verdict, Identified) or len(graph.measured) > 7 or alone == bool(done % 2):
            continue
        rest = sorted(set(graph.measured) - asked)

        def works(names, graph=graph, query=query, rest=rest, regimes=regimes):
            hidden = set(rest) - set(names)
            usable = [each for each in regimes if hidden.isdisjoint(each)]
            return identify(hiding(graph, hidden), query, experiments=usable).identified

        good = [frozenset(n) | asked for k in range(len(rest) + 1) for n in itertools.combinations(rest, k) if works(n)]
        best = {names for names in good if not any(other < names for other in good)}
        found = verdict.measurements()
        assert set(found.minimal) == best and not found.cut, f"{graph} | {query} | {regimes}"
        assert found.cost == min(map(len, good))
        done += 1
        helped += not alone
    assert helped == 30


def test_measurements_say_which_experiments_they_count_on():
    verdict = identify(
        parse_graph("Z -> X -> Y; Z <-> X; Z <-> Y; W -> Y"), Query.parse("P(Y | do(X))"), experiments=["Z"]
    )
    assert isinstance(verdict, Identified)
    found = verdict.measurements()
    assert str(found).startswith("To identify P(Y | do(X)) with rows of do(Z) too:")
    assert found.cheapest == set("XYZ") and found.unneeded == {"W"}
    assert found.to_json()["experiments"] == [["Z"]]


def test_costs_decide_between_two_ways():
    graph = "Z1 -> X -> Y; Z1 -> Z2 -> Y; X2 -> Y"
    assert measured(graph, "P(Y | do(X))", costs={"Z1": 3}).cheapest == {"X", "Y", "Z2"}
    assert measured(graph, "P(Y | do(X))", costs={"Z2": 3}).cheapest == {"X", "Y", "Z1"}
    found = measured(graph, "P(Y | do(X))")
    assert (found.cost, found.needed, found.unneeded) == (3, {"X", "Y"}, {"X2"})


def test_several_questions_share_their_measurements():
    graph = "Z -> X -> Y; Z -> Y; W -> A -> B; W -> B"
    found = measured(graph, "P(Y | do(X))", "P(B | do(A))")
    assert found.minimal == (frozenset("ZXYWAB"),)
    verdict = identify(parse_graph(graph), Query.parse("P(Y | do(X))"))
    assert isinstance(verdict, Identified)
    assert verdict.measurements("P(B | do(A))").minimal == found.minimal
    assert verdict.measurements().unneeded == set("WAB")


@pytest.mark.parametrize(
    ("costs", "error", "said"),
    [
        ({"Xx": 1}, UnknownNodeError, "'Xx' is not a node of the graph"),
        ({"U": 1}, QueryError, "'U' has a cost but is latent"),
        ({"Z": -1}, QueryError, "The cost of 'Z' is -1. A cost is a number from 0 to 1e"),
        ({"Z": math.nan}, QueryError, "The cost of 'Z' is nan"),
        ({"Z": math.inf}, QueryError, "The cost of 'Z' is inf"),
        ({"Z": "2"}, QueryError, "The cost of 'Z' is '2'"),
    ],
)
def test_costs_are_numbers_of_measured_nodes(costs, error, said):
    with pytest.raises(error, match=said):
        measured("latent U; U -> Z; U -> Y; Z -> X -> Y; Z -> Y", "P(Y | do(X))", costs=costs)


def test_what_is_not_identified_has_nothing_to_leave_out():
    with pytest.raises(NotIdentifiedError, match="Not identified"):
        identify(parse_graph("X -> Y; X <-> Y"), Query.parse("P(Y | do(X))")).measurements()
    verdict = identify(parse_graph("X -> Y; A -> B; A <-> B"), Query.parse("P(Y | do(X))"))
    with pytest.raises(NotIdentifiedError, match=r"Not identified: P\(B"):
        verdict.measurements("P(B | do(A))")
    with pytest.raises(QueryError, match="There is no question"):
        measured("X -> Y")


def test_what_only_a_function_makes_identified_has_nothing_to_leave_out():
    graph = parse_graph("latent U; A -> U; U -> X; U -> Y; X -> Y")
    verdict = identify(graph, Query.parse("P(Y | do(X))"), functional=["U"])
    assert isinstance(verdict, Identified)
    with pytest.raises(NotIdentifiedError, match="Unmeasured causes join X and Y"):
        verdict.measurements()


def test_text_html_and_json():
    found = measured("Z1 -> X -> Y; Z1 -> Z2 -> Y; X2 -> Y", "P(Y | do(X))", costs={"Z1": 3})
    assert str(found) == (
        "To identify P(Y | do(X)):\n"
        "  Cheapest: measure X, Y, Z2 (cost 3).\n"
        "  Needed in any case: X, Y.\n"
        "  Minimal sets:\n"
        "    X, Y, Z1\n"
        "    X, Y, Z2\n"
        "  In none of these sets: X2."
    )
    assert json.loads(json.dumps(found.to_json()))["cheapest"] == ["X", "Y", "Z2"]
    assert "<p>Needed in any case: X, Y.</p>" in found._repr_html_()


def test_without_time_a_sufficient_set_is_given_and_not_called_the_cheapest():
    rng = random.Random(2)
    for _ in range(40):
        graph = oracles.sparse_admg(rng, (6, 8))
        order = graph.topological_order()
        query = Query.parse(f"P({order[-1]} | do({order[2]}))")
        if not identify(graph, query).identified:
            continue
        costs = {node: rng.choice([1, 2, 5]) for node in graph.nodes}
        found = measurements_of(graph, query, costs=costs, seconds=0)
        assert not found.proved and found.cut and "the best that was found in the time given" in str(found)
        assert identify(hiding(graph, set(graph.nodes) - found.cheapest), query).identified
        for node in found.cheapest - {order[-1], order[2]}:
            assert not identify(hiding(graph, set(graph.nodes) - found.cheapest | {node}), query).identified


def test_large_graphs_are_planned_in_time():
    rng = random.Random(3)
    names = [f"V{i}" for i in range(200)]
    directed = frozenset((names[rng.randint(max(0, i - 5), i - 1)], names[i]) for i in range(1, 200) for _ in "ab")
    graph = Admg(tuple(names), directed, frozenset((names[i], names[i + 2]) for i in range(0, 198, 9)))
    found = measurements_of(graph, Query.parse("P(V199 | do(V190))"))
    assert found.proved and len(found.cheapest) < 20

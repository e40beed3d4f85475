"""What would help: every minimal set, by trying all subsets of all hidden causes, edges and experiments."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace

import pytest

import oracles
from latentdo.errors import UnsupportedError
from latentdo.graphs import Admg, LatentDag, parse_graph, project
from latentdo.identification import Identified, NotIdentified, Remedies, identify
from latentdo.query import Query


def refused(graph: str, query: str, **options) -> NotIdentified:
    found = identify(parse_graph(graph), Query.parse(query), **options)
    assert isinstance(found, NotIdentified)
    return found


def random_refusals(count: int, seed: int):
    rng = random.Random(seed)
    while count:
        graph = oracles.random_latent_dag(rng) if rng.random() < 0.6 else oracles.random_admg(rng, (3, 6))
        query = Query.parse(oracles.random_term(rng, graph.measured, rng.randint(0, 1)))
        found = identify(graph, query)
        if isinstance(found, NotIdentified):
            count -= 1
            yield graph, query, found


def surrogate_refusals(count: int, seed: int):
    """As above, of one node on another that no bidirected edge joins to what it causes: an experiment may help."""
    rng = random.Random(seed)
    while count:
        graph = oracles.random_admg(rng, (4, 5))
        order = graph.topological_order()
        x, y = order[rng.randrange(1, len(order) - 1)], order[-1]
        below = graph.descendants({x})
        graph = replace(
            graph, bidirected=frozenset(p for p in graph.bidirected if not (x in p and below.issuperset(p)))
        )
        query = Query.parse(f"P({y} | do({x}))")
        found = identify(graph, query)
        if isinstance(found, NotIdentified):
            count -= 1
            yield graph, query, found


def measured_too(graph: LatentDag | Admg, names: frozenset[str]) -> LatentDag:
    """The graph after measuring latents by name, and whole edges `A <-> B` by what is drawn there."""
    nodes, directed, bidirected = list(graph.nodes), set(graph.directed), []
    for edge in graph.bidirected:
        label = f"{edge[0]} <-> {edge[1]}"
        if label in names:
            nodes.append(f"behind {label}")
            directed |= {(nodes[-1], edge[0]), (nodes[-1], edge[1])}
        else:
            bidirected.append(tuple(edge))
    latent = getattr(graph, "latent", frozenset()) - names
    return LatentDag(tuple(nodes), frozenset(directed), tuple(bidirected), latent)


def minimal(candidates, works) -> set[frozenset[str]]:
    """All sets that work while none of their proper subsets does, by trying every subset."""
    good = [
        frozenset(names)
        for size in range(len(candidates) + 1)
        for names in itertools.combinations(sorted(candidates), size)
        if works(frozenset(names))
    ]
    return {names for names in good if not any(other < names for other in good)}


def everything(found: NotIdentified) -> Remedies:
    return found.remedies(max_size=99, max_count=10_000, seconds=60)


def test_measures_all_minimal_sets_of_hidden_causes_and_no_others():
    several = 0
    for graph, query, found in random_refusals(250, seed=1):
        hidden = {f"{edge[0]} <-> {edge[1]}" for edge in graph.bidirected} | getattr(graph, "latent", frozenset())
        if len(hidden) > 8:
            continue

        def works(names, graph=graph, query=query):
            return identify(measured_too(graph, names), query).identified

        listed = everything(found).measure
        assert set(map(frozenset, listed)) == minimal(hidden, works), f"{graph} | {query}"
        assert [len(names) for names in listed] == sorted(len(names) for names in listed)
        several += any(len(names) > 1 for names in listed)
    assert several > 40


def test_names_all_single_edges_whose_absence_would_do_and_no_others():
    for graph, query, found in random_refusals(250, seed=2):
        expected = set()
        for a, b in graph.directed:
            if identify(replace(graph, directed=graph.directed - {(a, b)}), query).identified:
                expected.add(f"{a} -> {b}")
        for edge in graph.bidirected:
            left = type(graph.bidirected)(other for other in graph.bidirected if other != edge)
            if identify(replace(graph, bidirected=left), query).identified:
                expected.add(f"{edge[0]} <-> {edge[1]}")
        assert set(everything(found).remove) == expected, f"{graph} | {query}"


def test_lists_all_minimal_surrogate_experiments_and_no_others():
    helped = trials = 0
    for graph, query, found in itertools.chain(random_refusals(40, seed=3), surrogate_refusals(240, seed=3)):
        admg = project(graph)
        if len(admg.nodes) > 6:
            continue
        term = query.term
        y, x = oracles.idc_sets(admg, set(term.outcome_names), set(term.treatments), set(term.conditions))

        def works(names, admg=admg, y=y, x=x):
            return oracles.identified_with_experiments(admg, y, x, names)

        remedies = everything(found)
        ways = [(names,) for names in remedies.experiments] + list(remedies.series)
        listed = {frozenset().union(*way) for way in ways}
        others = minimal(set(admg.nodes) - set(term.treatments), works)
        assert listed == (others or minimal(term.treatments, works)), f"{graph} | {query}"
        for way in ways:
            assert identify(graph, query, experiments=way).identified, f"{graph} | {query} | {way}"
        helped += bool(others)
        trials += not others and bool(listed)
    assert helped > 20 and trials > 20


def test_a_no_with_experiments_is_mended_by_what_its_remedies_say_and_by_nothing_less():
    rng = random.Random(5)
    measured = removed = more = 0
    for graph, query, _ in itertools.chain(random_refusals(120, seed=5), surrogate_refusals(200, seed=5)):
        admg = project(graph)
        names = tuple(sorted(rng.sample(admg.nodes, rng.choice([1, 1, 2]))))
        found = identify(graph, query, experiments=[names])
        hidden = {f"{edge[0]} <-> {edge[1]}" for edge in graph.bidirected} | getattr(graph, "latent", frozenset())
        if isinstance(found, Identified) or len(hidden) > 6 or len(admg.nodes) > 6:
            continue

        def works(names, graph=graph, query=query, known=found.experiments):
            return identify(measured_too(graph, names), query, experiments=known).identified

        remedies = everything(found)
        assert set(map(frozenset, remedies.measure)) == minimal(hidden, works), f"{graph} | {query} | {names}"
        ways = [(names,) for names in remedies.experiments] + list(remedies.series)
        for way in ways:
            known = dict.fromkeys((*found.experiments, *way))
            assert identify(graph, query, experiments=known).identified, f"{graph} | {query} | {known}"
        measured, removed, more = measured + bool(remedies.measure), removed + bool(remedies.remove), more + bool(ways)
    assert measured > 40 and removed > 20 and more > 10


def test_where_no_single_experiment_does_several_are_named():
    text = "B -> C; A -> D -> E; D -> F; C -> D; E -> F; A <-> B; A <-> C; A <-> F; B <-> D; C <-> E"
    found = refused(text, "P(F, E | do(C))").remedies()
    assert (("D",), ("A",), ("A", "D")) in found.series
    assert not identify(found_graph := parse_graph(text), found.query, experiments=[["A", "D"]]).identified
    assert identify(found_graph, found.query, experiments=found.series[0]).identified
    assert "D, and separately A, and separately A and D" in str(found)


@pytest.mark.parametrize(
    ("graph", "query", "measure", "remove", "experiments"),
    [
        # Measuring L gives the front door, though L is behind no bidirected edge.
        ("latent L; X -> L -> Y; X <-> Y", "P(Y | do(X))", {"L", "X <-> Y"}, {"X -> L", "L -> Y", "X <-> Y"}, {"X"}),
        # Where no other experiment helps, one on X itself is named.
        ("Z -> X -> Y; X <-> Y; Z <-> Y", "P(Y | do(X))", {"X <-> Y"}, {"X -> Y", "X <-> Y"}, {"X"}),
        # Bareinboim & Pearl (2012), figure 1: P(y | do(x)) from P(V) and P(V | do(z)).
        (
            "Z -> Y; X -> Z; X <-> Z; X <-> Y",
            "P(Y | do(X))",
            {"X <-> Z"},
            {"X -> Z", "Z -> Y", "X <-> Z"},
            {"X"},
        ),
        # An experiment on a cause of X stands in for one on X.
        ("X -> Y; Z -> X; X <-> Z; Z <-> Y", "P(Y | do(X))", {"X <-> Z", "Y <-> Z"}, None, {"Z"}),
    ],
)
def test_known_remedies(graph, query, measure, remove, experiments):
    found = refused(graph, query).remedies()
    swapped = {" <-> ".join(sorted(name.split(" <-> "))) for (name,) in found.measure}
    assert swapped == measure
    assert (
        remove is None or {" <-> ".join(sorted(e.split(" <-> "))) if "<->" in e else e for e in found.remove} == remove
    )
    assert {name for (name,) in found.experiments} == experiments


def test_several_terms_are_mended_together():
    found = refused("X -> Y; X <-> Y; A -> B; A <-> B", "P(Y=1 | do(X=1)) - P(B=1 | do(A=1))").remedies()
    assert found.measure == (("A <-> B", "X <-> Y"),)
    assert found.remove == ()


def test_an_effect_that_is_asked_about_is_ruled_out_last_and_tried_where_nothing_else_helps():
    found = refused("X -> Y; X <-> Y", "E[Y | do(X=1)]").remedies()
    assert (
        found.remove == ("X <-> Y", "X -> Y")
        and found.effect == ("X -> Y",)
        and found.to_json()["effect"] == ["X -> Y"]
    )
    assert found.experiments == (("X",),)
    assert "Rule out: X <-> Y, or X -> Y (the whole effect that is asked about)." in str(found)
    assert "Experiment on: X itself (a trial)." in str(found)
    assert identify(parse_graph("X -> Y; X <-> Y"), found.query, experiments=found.experiments).identified
    # A direct effect beside another path is not the whole effect, and a part of what is set may be enough.
    assert refused("X -> M -> Y; X -> Y; X <-> Y", "P(Y | do(X))").remedies().effect == ()
    both = refused("A -> Y; B -> Y; A <-> Y", "P(Y | do(A, B))").remedies()
    assert both.experiments == (("A",),)


def test_a_common_cause_of_several_dimensions_is_measured_whole():
    assert refused("X -> Y; X <-> Y [latents=3]", "P(Y | do(X))").remedies().measure == (("X <-> Y",),)


def test_says_where_the_list_was_cut():
    text = "; ".join(["X -> Y", *(f"latent L{i}; L{i} -> X; L{i} -> Y" for i in range(4))])
    found = refused(text, "P(Y | do(X))")
    assert found.remedies(max_size=4).measure == (("L0", "L1", "L2", "L3"),)
    assert found.remedies(max_size=4).cut == ()
    short = found.remedies(max_size=3)
    assert short.measure == () and dict(short.cut) == {"measure": "sets of up to 3"}
    assert "Measure: nothing of this kind (searched: sets of up to 3)." in str(short)
    many = refused("X -> Y; X <-> Y; latent L; X -> L -> Y", "P(Y | do(X))").remedies(max_count=1)
    assert len(many.measure) <= 1


def test_text_html_and_json():
    found = refused("latent L; X -> L -> Y; X <-> Y", "P(Y | do(X))").remedies()
    assert str(found) == (
        "What would make P(Y | do(X)) identified:\n"
        "  Measure: L, or what is behind X <-> Y.\n"
        "  Rule out: X <-> Y, or L -> Y (the whole effect that is asked about), "
        "or X -> L (the whole effect that is asked about).\n"
        "  Experiment on: X itself (a trial)."
    )
    assert json.loads(json.dumps(found.to_json()))["measure"] == [["L"], ["X <-> Y"]]
    marked = refused("`<b>` -> Y; `<b>` <-> Y", "P(Y | do(`<b>`))").remedies()._repr_html_()
    assert "`<b>`" not in marked and "&lt;b&gt;" in marked


def test_a_functional_node_is_mended_by_no_list():
    with pytest.raises(UnsupportedError, match="M is a function of its parents"):
        refused("X -> M -> Y; X <-> Y", "P(Y | do(X))", functional=["M"]).remedies()


def test_a_large_graph_is_answered_in_time():
    rng = random.Random(4)
    names = [f"V{i}" for i in range(200)]
    directed = frozenset((names[rng.randint(max(0, i - 5), i - 1)], names[i]) for i in range(1, 200) for _ in "ab")
    graph = Admg(tuple(names), directed, frozenset((names[i], names[i + 2]) for i in range(0, 198, 3)))
    graph = replace(graph, bidirected=graph.bidirected | {("V150", "V199")})
    graph = replace(graph, directed=graph.directed | {("V150", "V199")})
    found = identify(graph, Query.parse("P(V199 | do(V150))"))
    assert found.remedies(seconds=1).measure

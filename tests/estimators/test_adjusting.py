"""Which set is adjusted for: the best, the one asked for, all of them; and the sentence for a set that is none."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest
from scipy.special import expit

import latentdo as ld
import oracles
from exact_laws import cells_of
from latentdo.errors import DataError, QueryError, UnknownNodeError
from latentdo.estimators import (
    Aipw,
    Apipw,
    Dipw,
    DmlId,
    Fits,
    GFormula,
    Glm,
    Ipw,
    Models,
    NestedAipw,
    NestedIpw,
    Options,
    Pipw,
    WermId,
    estimates,
)
from latentdo.estimators.adjusting import MOST_SETS, why_no_adjustment_set
from latentdo.estimators.nuisances import Nuisances
from latentdo.estimators.task import task_of
from latentdo.graphs import Admg, parse_graph, project
from latentdo.identification import forms_of
from latentdo.query import Query

CHAIN = parse_graph("I -> Z -> X -> Y; Z -> W -> Y; X -> M -> Y; B -> A; A <-> Y; A <-> X; B -> X")
CONTRAST = Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")
POINTS = Options(replicates=0)


def chain(n: int, seed: int) -> dict[str, np.ndarray]:
    """Rows of the graph without its bidirected edges; the effect of X is 2."""
    rng = np.random.default_rng(seed)
    i, b, e, f, g, h, k = rng.normal(size=(7, n))
    z = i + e
    x = (rng.random(n) < expit(0.7 * z + 0.5 * b)) * 1.0
    w, m = z + f, x + g
    return {"I": i, "B": b, "A": b + k, "Z": z, "X": x, "W": w, "M": m, "Y": x + m + w + h}


DAG = parse_graph("I -> Z -> X -> Y; Z -> W -> Y; X -> M -> Y; B -> A; B -> X")


def test_all_sets_have_a_row_each_the_best_first():
    options = Options(replicates=0, adjust="all")
    rows = estimates(DAG, chain(4000, 0), CONTRAST, methods=[GFormula(), Ipw(), Aipw()], options=options)
    for method in ("g-formula", "ipw", "aipw"):
        own = [row for row in rows if row.method == method]
        assert [row.sets["adjustment"] for row in own] == [("W",), ("Z",)]
        for row in own:
            assert row.estimate == pytest.approx(2, abs=0.25), row


def test_without_a_choice_every_other_method_keeps_its_row():
    rows = estimates(DAG, chain(300, 1), CONTRAST, options=Options(replicates=0, adjust="all"))
    names = [row.method for row in rows]
    assert names.count("tmle") == 2 and names.count("plug-in") == 1 and names.count("naive mean") == 1


def test_a_set_that_is_asked_for_is_used_as_it_is():
    rows = estimates(DAG, chain(4000, 2), CONTRAST, options=Options(replicates=0, adjust=("W", "I")))
    for row in rows:
        if row.method in ("g-formula", "ipw", "aipw", "tmle"):
            assert row.sets == {"adjustment": ("I", "W")}
            assert row.estimate == pytest.approx(2, abs=0.25), row


def test_too_many_sets_are_cut_with_a_note():
    roads = "; ".join(f"X <- A{k} -> B{k} -> Y" for k in range(5))
    graph = parse_graph(f"{roads}; X -> Y")
    rng = np.random.default_rng(3)
    columns = {name: rng.normal(size=60) for name in graph.nodes if name != "X"}
    columns["X"] = np.arange(60) % 2.0
    options = Options(replicates=0, adjust="all")
    rows = estimates(graph, columns, CONTRAST, methods=[GFormula()], options=options)
    assert len(rows) == MOST_SETS
    assert all(f"one of the first {MOST_SETS} minimal sets; there are more" in row.note for row in rows)


def test_a_best_set_may_hold_what_causes_nothing_that_is_asked_about():
    """Z shares a hidden cause with the outcome and makes the interval shorter."""
    rng = np.random.default_rng(4)
    u, e = rng.normal(size=(2, 3000))
    x = (rng.random(3000) < 0.5) * 1.0
    rows = estimates(
        parse_graph("X -> Y; Z <-> Y"), {"X": x, "Z": u, "Y": x + 3 * u + e}, CONTRAST, methods=[Aipw()], options=POINTS
    )
    assert rows[0].sets == {"adjustment": ("Z",)}
    assert rows[0].sd < 0.06


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("W", "M"), r"{M, W} is no adjustment set: M is caused by X on or beside the way to the outcome."),
        (("I",), r"{I} is no adjustment set: it leaves the path X <- Z -> W -> Y open. {W} is one."),
        (("W", "X"), r"{W, X} is no adjustment set: X is set."),
        (("Y",), r"{Y} is no adjustment set: Y is asked about."),
    ],
)
def test_a_set_that_is_none_is_refused_with_the_reason(names, message):
    with pytest.raises(QueryError, match=re.escape(message)):
        estimates(DAG, chain(50, 0), CONTRAST, options=Options(adjust=names))


def test_a_collider_in_the_set_is_shown_as_the_open_path():
    graph = parse_graph("X -> Y; X <-> A; A <-> Y")
    forms = forms_of(project(graph), CONTRAST.terms[0])
    assert why_no_adjustment_set(forms, ["A"]) == "{A} is no adjustment set: it leaves the path X <-> A <-> Y open."
    assert why_no_adjustment_set(forms, []) == ""


def test_names_that_are_no_nodes_are_refused():
    with pytest.raises(UnknownNodeError, match="'Q' is not a node"):
        estimates(DAG, chain(50, 0), CONTRAST, options=Options(adjust=("Q",)))
    with pytest.raises(QueryError, match=r"adjust takes names of nodes"):
        Options(adjust="W")
    with pytest.raises(QueryError, match=r"bandwidth is a number above 0, got 0"):
        Options(bandwidth=0)


def _is_open(graph: Admg, path: str, nodes: set[str]) -> bool:
    """Whether a path as it is printed exists and is open: each inner node by the textbook."""
    steps = path.split(" ")
    names, arrows = steps[::2], steps[1::2]
    for (a, b), arrow in zip(itertools.pairwise(names), arrows, strict=True):
        edge = {"->": (a, b) in graph.directed, "<-": (b, a) in graph.directed}
        if not edge.get(arrow, (a, b) in graph.bidirected or (b, a) in graph.bidirected):
            return False
    for k in range(1, len(names) - 1):
        collider = arrows[k - 1].endswith(">") and arrows[k].startswith("<")
        below = graph.descendants([names[k]])
        if not (below & nodes if collider else names[k] not in nodes):
            return False
    return True


def test_reasons_are_true_on_random_graphs():
    told = 0
    rng = random.Random(0)
    for seed in range(60):
        graph = oracles.random_admg(rng, (6, 7))
        names = list(graph.topological_order())
        treated, asked = names[:1] if seed % 2 else names[:2], names[-1]
        term = Query.parse(f"E[{asked} | do({', '.join(f'{name}=0' for name in treated)})]").term
        forms = forms_of(graph, term)
        if not forms.has_effect:
            continue
        rest = [name for name in names if name not in (*treated, asked)]
        for size in range(len(rest) + 1):
            for chosen in itertools.combinations(rest, size):
                reason = why_no_adjustment_set(forms, chosen)
                assert bool(reason) == (not forms.is_adjustment_set(chosen))
                if match := re.search("the path (.*) open", reason):
                    path = match[1]
                    first, last = path.split(" ")[0], path.split(" ")[-1]
                    assert first in treated and last == asked and _is_open(graph, path, set(chosen)), (graph, reason)
                    told += 1
                elif reason:
                    name = re.search(r": (\w+) is caused", reason)[1]
                    assert name in chosen and name in graph.descendants(treated)
    assert told > 50


@pytest.mark.parametrize(
    ("text", "left", "pillow"),
    [
        ("W -> T; Z -> T -> Y; Z -> Y", ("W",), ("Z",)),
        ("A -> W -> T -> Y; A -> Y; W -> After", ("W",), ("A",)),
        ("V -> W -> T -> Y", ("W", "V"), ()),
        ("W -> T -> Y; W <-> Y", (), ("W",)),
        ("W -> T -> M -> Y; T <-> Y", (), ("W",)),
        ("W -> T -> Y; W -> Z -> Y", (), ("W",)),
    ],
)
def test_what_moves_the_treatment_alone_is_in_no_set(text, left, pillow):
    graph = parse_graph(text)
    sample = cells_of(np.full((2,) * len(graph.nodes), 0.5 ** len(graph.nodes)), graph.nodes)
    task = task_of(graph, Query.parse("E[Y | do(T=1)]").term, sample)
    assert task.instruments == left
    assert task.fixability.pillow == pillow


def test_effects_are_surgery_without_what_moves_the_treatment_alone():
    """Enumeration: weights without the instrument, of a model in which it is strong."""
    graph = parse_graph("A -> W -> T -> Y; A -> Y; V -> T; A -> T")
    scm = oracles.random_scm(graph, 5)
    query = Query.parse("E[Y | do(T=1)]")
    truth = float(scm.answer(Query.parse("P(Y | do(T))").term)[1] @ [0, 1])
    sample = cells_of(scm.law(), scm.graph.measured)
    task = task_of(graph, query.term, sample)
    fits = Fits(Nuisances(sample, sample.weights[None], Models(Glm("cells", 0.0))), np.zeros(sample.n, int))
    fits.__dict__["crossed"] = fits.plain
    for method in (Pipw(), Dipw(), Apipw(), NestedIpw(), NestedAipw(), WermId(), DmlId()):
        answer = method.applies(task)
        assert "without W, V, which move T alone" in answer.note or method.name == "dml-id"
        assert float(method.fit(task, fits, answer.sets).values[0]) == pytest.approx(truth, abs=1e-4), method.name


def test_a_column_that_only_makes_answers_precise_may_be_missing() -> None:
    rng = np.random.default_rng(0)
    x, c = (rng.random(400) < 0.5) * 1.0, rng.normal(size=400)
    columns = {"X": x, "Y": x + c + 0.1 * rng.normal(size=400), "C": c}
    with_it = ld.compare("X -> Y; Y <-> C", columns, "E[Y | do(X=1)]", methods=["g-formula", "ipw"], replicates=20)
    assert [row.sets["adjustment"] for row in with_it] == [("C",)] * 2
    del columns["C"]
    without = ld.compare("X -> Y; Y <-> C", columns, "E[Y | do(X=1)]", methods=["g-formula", "ipw"], replicates=20)
    assert [row.sets["adjustment"] for row in without] == [()] * 2
    assert without[0].estimate == pytest.approx(columns["Y"][x == 1].mean(), abs=1e-3)
    assert without[0].sd is not None and with_it[0].sd is not None and without[0].sd > with_it[0].sd
    with pytest.raises(DataError, match="'C'"):
        ld.compare("X -> Y; Y <-> C", columns, "E[Y | do(X=1)]", methods=["ipw"], adjust=["C"], replicates=20)

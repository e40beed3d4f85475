"""Bounds: published numbers, closed forms, models that reach both ends, and what rows say of them."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy.optimize import linprog

import latentdo as ld
from latentdo.bounding import plan_of, solved_on
from latentdo.errors import QueryError
from latentdo.graphs import LatentDag
from latentdo.query import Query
from latentdo.tables import read_table
from oracles import Scm, random_scm

IV = "Z -> X -> Y; X <-> Y"
ACE = "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))"
NAMES = ("Z", "X", "Y")


def law_of(by_z: list[dict[str, float]]) -> np.ndarray:
    """P(Z, X, Y) with equal shares of Z, from P(y, x | z) under the keys `yx`, as Balke and Pearl write them."""
    law = np.zeros((2, 2, 2))
    for z, cells in enumerate(by_z):
        for key, share in cells.items():
            law[z, int(key[1]), int(key[0])] = share / 2
    return law


VITAMIN_A = law_of([{"00": 0.0064, "10": 0.9936}, {"00": 0.0028, "01": 0.001, "10": 0.1972, "11": 0.799}])
LIPID = law_of([{"00": 0.919, "10": 0.081}, {"00": 0.315, "01": 0.139, "10": 0.073, "11": 0.473}])


@pytest.mark.parametrize(("law", "ends"), [(VITAMIN_A, (-0.1946, 0.0054)), (LIPID, (0.392, 0.780))])
def test_published_bounds_of_an_instrument(law, ends):
    """Balke & Pearl (1997), Bounds on treatment effects from studies with imperfect compliance, section 4."""
    found = ld.bounds(IV, law, ACE, names=NAMES)
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-6)
    assert found.sharp
    assert not found.identified


def balke_pearl(law: np.ndarray) -> tuple[float, float]:
    """The bounds of ACE in closed form, ibid., equations 14 and 15."""
    p = {f"{y}{x}{z}": law[z, x, y] / law[z].sum() for z, x, y in np.ndindex(2, 2, 2)}
    lower = (
        p["111"] + p["000"] - 1,
        p["110"] + p["001"] - 1,
        p["110"] - p["111"] - p["101"] - p["010"] - p["100"],
        p["111"] - p["110"] - p["100"] - p["011"] - p["101"],
        -p["011"] - p["101"],
        -p["010"] - p["100"],
        p["001"] - p["011"] - p["101"] - p["010"] - p["000"],
        p["000"] - p["010"] - p["100"] - p["011"] - p["001"],
    )
    upper = (
        1 - p["011"] - p["100"],
        1 - p["010"] - p["101"],
        -p["010"] + p["011"] + p["001"] + p["110"] + p["000"],
        -p["011"] + p["111"] + p["001"] + p["010"] + p["000"],
        p["111"] + p["001"],
        p["110"] + p["000"],
        -p["101"] + p["111"] + p["001"] + p["110"] + p["100"],
        -p["100"] + p["110"] + p["000"] + p["111"] + p["101"],
    )
    return max(lower), min(upper)


@pytest.mark.parametrize("seed", range(12))
def test_an_instrument_has_the_bounds_of_the_closed_form(seed):
    law = random_scm(ld.graph(IV), seed).law()
    found = ld.bounds(IV, law, ACE, names=NAMES)
    assert (found.lower, found.upper) == pytest.approx(balke_pearl(law), abs=1e-6)


def test_without_an_instrument_the_bounds_are_manskis():
    law = random_scm(ld.graph("X -> Y; X <-> Y"), 3).law()
    found = ld.bounds("X -> Y; X <-> Y", law, ACE, names=("X", "Y"))
    ends = -law[0, 1] - law[1, 0], law[0, 0] + law[1, 1]
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-9)


def test_a_front_door_with_a_direct_effect_tells_no_more_than_treatment_and_outcome():
    graph = "X -> M -> Y; X -> Y; X <-> Y"
    law = random_scm(ld.graph(graph), 5).law()
    found = ld.bounds(graph, law, "P(Y=1 | do(X=1))", names=("X", "M", "Y"))
    small = law.sum(axis=1)
    assert (found.lower, found.upper) == pytest.approx((small[1, 1], small[1, 1] + small[0].sum()), abs=1e-9)


def test_without_defiers_the_bounds_are_the_natural_ones():
    by_z = random_scm(ld.graph(IV), 1).law()
    by_z = by_z / by_z.sum(axis=(1, 2), keepdims=True)
    # Nobody takes the treatment less under Z=1: a mixture of always-takers, compliers and never-takers.
    rng = np.random.default_rng(0)
    always, comply, never = rng.dirichlet(np.ones(3))
    gain = {kind: rng.uniform(0.1, 0.9, 2) for kind in "acn"}
    law = np.zeros((2, 2, 2))
    for z, (kind, share) in itertools.product((0, 1), (("a", always), ("c", comply), ("n", never))):
        x = {"a": 1, "n": 0, "c": z}[kind]
        law[z, x, 1] += 0.5 * share * gain[kind][x]
        law[z, x, 0] += 0.5 * share * (1 - gain[kind][x])
    p = law / law.sum(axis=(1, 2), keepdims=True)
    ends = p[1, 1, 1] - p[0, 0, 1] - p[0, 1].sum(), p[1, 1, 1] + p[1, 0].sum() - p[0, 0, 1]
    found = ld.bounds(IV, law, ACE, names=NAMES, monotone="Z -> X")
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-6)
    assert found.assumed == ("Z -> X",)
    wide = ld.bounds(IV, law, ACE, names=NAMES)
    assert wide.lower <= found.lower + 1e-9
    assert found.upper <= wide.upper + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_a_controlled_direct_effect_has_the_bounds_of_the_closed_form(seed):
    """Cai, Kuroki, Pearl & Tian (2008), Bounds on direct effects in the presence of confounded intermediate variables, eq. 6.

    One of the examples of causaloptim (Sachs, Jonzon, Gabriel & Sjölander 2023).
    """
    graph = "X -> M -> Y; X -> Y; M <-> Y"
    law = random_scm(ld.graph(graph), seed).law()
    found = ld.bounds(graph, law, "P(Y=1 | do(X=1, M=1)) - P(Y=1 | do(X=0, M=1))", names=("X", "M", "Y"))
    p = law / law.sum(axis=(1, 2), keepdims=True)
    ends = p[1, 1, 1] + p[0, 1, 0] - 1, 1 - p[1, 1, 0] - p[0, 1, 1]
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-6)
    assert found.sharp


def by_response_types(law: np.ndarray, n_instruments: int) -> tuple[float, float]:
    """The ends of P(Y=1 | do(X=1)), by enumeration of what units do: their X at each value of the instruments, their Y at each X.

    Args:
        law: P(instruments, X, Y).
    """
    places = list(np.ndindex(*law.shape[:n_instruments]))
    n_x, n_y = law.shape[n_instruments:]
    types = list(
        itertools.product(itertools.product(range(n_x), repeat=len(places)), itertools.product(range(n_y), repeat=n_x))
    )
    rows, right = [], []
    for k, place in enumerate(places):
        for x, y in np.ndindex(n_x, n_y):
            rows.append([float(of_x[k] == x and of_y[x] == y) for of_x, of_y in types])
            right.append(law[place][x, y] / law[place].sum())
    asked = np.array([float(of_y[1] == 1) for _, of_y in types])
    ends = [linprog(sign * asked, A_eq=np.array(rows), b_eq=right, method="highs").fun * sign for sign in (1, -1)]
    return ends[0], ends[1]


@pytest.mark.parametrize("seed", range(3))
def test_two_instruments_have_the_bounds_of_all_response_types(seed):
    """An example of causaloptim; the types are enumerated here by themselves."""
    graph = "A; B; A -> X; B -> X; X -> Y; X <-> Y"
    law = random_scm(ld.graph(graph), seed).law()
    found = ld.bounds(graph, law, "P(Y=1 | do(X=1))", names=("A", "B", "X", "Y"))
    assert (found.lower, found.upper) == pytest.approx(by_response_types(law, 2), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_a_treatment_of_three_levels_has_the_bounds_of_all_response_types(seed):
    """An instrument, as in the examples of autobounds (Duarte, Finkelstein, Knox, Mummolo & Shpitser 2024)."""
    rng = np.random.default_rng(seed)
    hidden, z = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(2))
    x, y = rng.dirichlet(np.ones(3), size=(2, 5)), rng.dirichlet(np.ones(2), size=(3, 5))
    law = np.einsum("u,z,zux,xuy->zxy", hidden, z, x, y)
    found = ld.bounds(IV, law, "P(Y=1 | do(X=1))", names=NAMES)
    ends = by_response_types(law, 1)
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-6)
    assert ends[0] - 1e-9 <= hidden @ y[1, :, 1] <= ends[1] + 1e-9


# --- the ends are reached, and nothing lies beyond them


def drawn_graph(rng: random.Random) -> LatentDag:
    """A graph whose hidden causes act on two nodes each, or one on three."""
    count = rng.randint(2, 4)
    names = [f"V{i}" for i in range(count)]
    directed = [pair for pair in itertools.combinations(names, 2) if rng.random() < 0.55]
    order = rng.sample(names, count)
    if count == 4 and rng.random() < 0.3:
        directed += [("U", node) for node in order[:3]]
        return LatentDag((*names, "U"), frozenset(directed), (), frozenset({"U"}))
    arcs = tuple((*order[2 * k : 2 * k + 2], 1) for k in range(count // 2) if rng.random() < 0.8)
    return LatentDag(tuple(names), frozenset(directed), arcs)


def drawn_question(rng: random.Random, names: tuple[str, ...]) -> str:
    outcome, treatment, *rest = rng.sample(names, len(names))
    evidence = f", {rest[0]}=1" if rest and rng.random() < 0.35 else ""
    return f"P({outcome}=1 | do({treatment}=1){evidence})"


def model_of(programme, scm: Scm, law_of_types: np.ndarray) -> Scm:
    """The model in which one hidden cause per block decides what each free node does, by these probabilities."""
    graph, free, types = scm.graph, programme.nodes, programme.per_block
    causes = [f"T{block}" for block in range(programme.blocks)]
    nodes = [n for n in graph.nodes if n not in graph.latent or not set(graph.children(n)) <= set(free)]
    directed = [edge for edge in graph.directed if set(edge) <= set(nodes)]
    directed += [(cause, node) for cause in causes for node in free]
    made = LatentDag(
        (*nodes, *causes), frozenset(directed), (), frozenset({*causes, *graph.latent} & {*nodes, *causes})
    )
    tables = dict(scm.tables)
    weights = np.maximum(law_of_types.reshape(programme.blocks, types), 0)
    tables |= {cause: each / each.sum() for cause, each in zip(causes, weights, strict=True)}
    for node in free:
        parents = made.parents(node)
        table = np.zeros([types if parent in causes else 2 for parent in parents] + [2])
        later = free[free.index(node) + 1 :]
        stride = int(np.prod([len(programme.functions[other]) for other in later]))
        for place in np.ndindex(*table.shape[:-1]):
            codes = dict(zip(parents, place, strict=True))
            type_ = codes[causes[int(programme.rows.place(programme.shared, codes))]]
            function = programme.functions[node][type_ // stride % len(programme.functions[node])]
            table[(*place, function[programme.rows.place(programme.parents[node], codes)])] = 1
        tables[node] = table
    return Scm(made, {node: tables[node] for node in made.nodes})


def test_explicit_models_with_the_same_law_reach_both_ends_and_none_lies_beyond():
    reached = 0
    for seed in range(60):
        rng = random.Random(seed)
        graph = drawn_graph(rng)
        scm = random_scm(graph, seed)
        law, names = scm.law(), scm.graph.measured
        query = drawn_question(rng, names)
        if ld.identify(graph, query).identified:
            continue
        found = ld.bounds(graph, law, query, names=names)
        term = Query.parse(query).term
        place = (1,) * (len(term.names))
        assert found.lower - 1e-7 <= scm.answer(term)[place] <= found.upper + 1e-7
        if not found.sharp or found.types > 70:
            continue
        programme, ends = solved_on(plan_of(graph, Query.parse(query)), law, names)
        for end, value in zip(ends, (found.lower, found.upper), strict=True):
            twin = model_of(programme, scm, end.law)
            axes = [twin.graph.measured.index(name) for name in names]
            assert np.abs(twin.law().transpose(axes) - law).max() < 1e-6
            assert twin.answer(term)[place] == pytest.approx(value, abs=1e-6)
            reached += 1
    assert reached >= 12


def test_no_end_is_called_sharp_where_hidden_causes_are_separate():
    graph = "X -> M -> Y; X <-> M; M <-> Y"
    law = random_scm(ld.graph(graph), 0).law()
    found = ld.bounds(graph, law, "P(Y=1 | do(M=1))", names=("X", "M", "Y"))
    assert not found.sharp
    assert "one hidden cause behind X, M, Y together is allowed" in found.notes[0]
    one = ld.bounds("latent U; U -> X; U -> M; U -> Y; X -> M -> Y", law, "P(Y=1 | do(M=1))", names=("X", "M", "Y"))
    assert one.sharp
    assert found.lower >= one.lower - 1e-9


def test_an_identified_question_has_no_gap():
    graph = "X -> M -> Y; X <-> Y"
    scm = random_scm(ld.graph(graph), 2)
    found = ld.bounds(graph, scm.law(), "P(Y=1 | do(X=1))", names=("X", "M", "Y"))
    truth = scm.answer(Query.parse("P(Y=1 | do(X=1))").term)[1, 1]
    assert found.lower == pytest.approx(truth) == found.upper
    assert found.identified
    assert "identifies this question" in str(found)


def test_a_mean_of_levels_and_a_ratio_have_bounds():
    law = random_scm(ld.graph(IV), 4, levels=3).law()
    mean = ld.bounds(IV, law, "E[Y | do(X=1)]", names=NAMES, levels={"Y": (0.0, 1.0, 10.0)})
    parts = [ld.bounds(IV, law, f"P(Y={k} | do(X=1))", names=NAMES) for k in range(3)]
    assert 0 <= mean.lower <= mean.upper <= 10
    assert mean.lower <= parts[1].upper + 10 * parts[2].upper
    plain = ld.bounds(IV, VITAMIN_A, "P(Y=1 | do(X=1)) / P(Y=1 | do(X=0))", names=NAMES)
    low, high = (ld.bounds(IV, VITAMIN_A, f"P(Y=1 | do(X={x}))", names=NAMES) for x in (1, 0))
    assert plain.lower >= low.lower / high.upper - 1e-9
    assert plain.upper <= low.upper / high.lower + 1e-9


# --- missing outcomes


def gappy(law: np.ndarray, seed: int) -> np.ndarray:
    """A law of Y, its last axis, in which cells of Y are missing, depending on everything: its last level then."""
    missing = np.random.default_rng(seed).uniform(0.05, 0.4, law.shape)
    return np.concatenate([law * (1 - missing), (law * missing).sum(axis=-1, keepdims=True)], axis=-1)


@pytest.mark.parametrize("seed", range(3))
def test_missing_outcomes_of_a_trial_have_the_bounds_of_the_closed_form(seed):
    """Manski (1989), Anatomy of the selection problem; the example of attrition in autobounds (Duarte and others 2024)."""
    law = gappy(random_scm(ld.graph("X -> Y"), seed, levels=3).law()[:2], seed)
    law /= law.sum()
    options = {"names": ("X", "Y"), "levels": {"Y": (0.0, 1.0, 5.0, None)}}
    p = law / law.sum(axis=1, keepdims=True)
    least, most = (p[:, :3] @ [0, 1, 5] + end * p[:, 3] for end in (0, 5))
    mean = ld.bounds("X -> Y", law, "E[Y | do(X=1)]", **options)
    assert (mean.lower, mean.upper) == pytest.approx((least[1], most[1]), abs=1e-9)
    ratio = ld.bounds("X -> Y", law, "E[Y | do(X=1)] / E[Y | do(X=0)]", **options)
    assert (ratio.lower, ratio.upper) == pytest.approx((least[1] / most[0], most[1] / least[0]), abs=1e-6)
    found = ld.bounds("X -> Y", law, "E[Y | do(X=1)] - E[Y | do(X=0)]", **options)
    assert (found.lower, found.upper) == pytest.approx((least[1] - most[0], most[1] - least[0]), abs=1e-9)
    assert found.sharp
    assert not found.identified
    assert "of the cells of Y are missing, and may be any level that was seen" in str(found)


@pytest.mark.parametrize("seed", range(3))
def test_missing_outcomes_under_an_instrument_have_the_bounds_of_all_response_types(seed):
    law = gappy(random_scm(ld.graph(IV), seed).law(), seed)
    # What a unit does: X at each Z; at each X what Y is, and whether it is seen.
    kinds = [(0, 1), (1, 1), (0, 0), (1, 0)]
    types = list(itertools.product(itertools.product((0, 1), repeat=2), itertools.product(kinds, repeat=2)))
    rows, right = [], []
    for z, x, y in np.ndindex(2, 2, 3):
        rows.append([float(of_x[z] == x and (of_y[x][0] if of_y[x][1] else 2) == y) for of_x, of_y in types])
        right.append(law[z, x, y] / law[z].sum())
    asked = np.array([float(of_y[1][0] - of_y[0][0]) for _, of_y in types])
    ends = [linprog(sign * asked, A_eq=np.array(rows), b_eq=right, method="highs").fun * sign for sign in (1, -1)]
    found = ld.bounds(IV, law, ACE, names=NAMES, levels={"Y": (0, 1, None)})
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-6)
    assert found.sharp


def test_a_missing_outcome_has_one_level_in_all_parts_of_a_question():
    law = gappy(random_scm(ld.graph("X -> Y"), 0, levels=3).law()[:2], 0)
    law /= law.sum()
    options = {"names": ("X", "Y"), "levels": {"Y": (0, 1, 2, None)}}
    within = ld.bounds("X -> Y", law, "P(Y > 0, Y < 2 | do(X=1))", **options)
    alone = ld.bounds("X -> Y", law, "P(Y=1 | do(X=1))", **options)
    assert (within.lower, within.upper) == pytest.approx((alone.lower, alone.upper))
    assert within.sharp
    twice = ld.bounds("X -> Y", law, "P(Y=1 | do(X=1)) + P(Y=2 | do(X=1))", **options)
    assert not twice.sharp
    assert "here it may have several" in str(twice)
    through = ld.bounds(
        "X -> M -> Y", np.full((2, 2, 3), 1 / 12), ACE, names=("X", "M", "Y"), levels={"Y": (0, 1, None)}
    )
    assert not through.sharp


def test_missing_cells_of_a_table_are_read_as_asked():
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 2, (2, 500))
    seen = rng.random(500) < 0.8 - 0.3 * y
    table = {"X": x, "Y": np.where(seen, y, np.nan)}
    found = ld.bounds("X -> Y", table, ACE, missing="any")
    treated = x == 1
    most = (y[treated & seen].sum() + (treated & ~seen).sum()) / treated.sum() - (y * seen)[~treated].mean()
    assert found.upper == pytest.approx(most)
    low, high = found.interval(0.9)
    assert low < found.lower < found.upper < high
    assert found.n_rows == 500
    dropped = ld.bounds("X -> Y", table, ACE, missing="drop")
    assert dropped.lower == pytest.approx(y[treated & seen].mean() - y[~treated & seen].mean())
    with pytest.raises(ld.LatentdoError, match=r"missing=.any."):
        ld.bounds("X -> Y", table, ACE)
    with pytest.raises(ld.LatentdoError, match=r"Column 'X' has missing cells\. Those of an outcome may be any level"):
        ld.bounds("X -> Y", {"X": np.where(seen, x, np.nan), "Y": y}, ACE, missing="any")
    with pytest.raises(ld.LatentdoError, match="no direction can be assumed"):
        ld.bounds("X -> Y; X <-> Y", table, ACE, missing="any", monotone="X -> Y")
    with pytest.raises(ld.LatentdoError, match="one by one"):
        ld.bounds("X -> Y", table, f"({ACE}) / P(Y=1 | do(X=0))", missing="any")
    with pytest.raises(ld.LatentdoError, match="No missing is called"):
        ld.bounds("X -> Y", table, ACE, missing="latent")
    with pytest.raises(ld.LatentdoError, match="may have one None"):
        ld.bounds("X -> Y", np.full((2, 3), 1 / 6), ACE, names=("X", "Y"), levels={"Y": (0, None, 1)})


# --- rows


def rows_of(law: np.ndarray, n: int, seed: int) -> dict[str, np.ndarray]:
    cells = np.random.default_rng(seed).choice(law.size, n, p=law.ravel())
    return dict(zip(NAMES, np.unravel_index(cells, law.shape), strict=True))


def test_an_interval_holds_the_ends_of_rows_and_shrinks_with_them():
    law = random_scm(ld.graph(IV), 0).law()
    exact = ld.bounds(IV, law, ACE, names=NAMES)
    few, many = (ld.bounds(IV, rows_of(law, n, 1), ACE) for n in (300, 30_000))
    for found in (few, many):
        low, high = found.interval(0.9)
        assert low <= found.lower <= found.upper <= high
    low, high = few.interval(0.9)
    assert low <= exact.lower
    assert exact.upper <= high
    excess = [found.interval(0.9)[1] - found.upper for found in (few, many)]
    assert excess[1] < excess[0] / 4
    assert few.interval(0.99)[0] < few.interval(0.5)[0]
    assert ld.bounds(IV, rows_of(law, 300, 1), ACE).interval(0.9) == few.interval(0.9)
    with pytest.raises(ld.LatentdoError, match="exact law: there is no chance"):
        exact.interval(0.9)


def test_rows_that_no_instrument_could_give_are_named():
    law = np.zeros((2, 2, 2))
    # Under X=1 the outcome copies the instrument.
    law[0, 1, 0] = law[1, 1, 1] = 0.4
    law[0, 0, 0] = law[1, 0, 1] = 0.1
    found = ld.bounds(IV, rows_of(law, 500, 0), ACE)
    assert "P(X=1, Y=0 | Z=0) + P(X=1, Y=1 | Z=1)" in found.violated
    assert "which no law of the graph lets be over 1" in found.violated
    assert found.p is not None
    assert found.p < 0.01
    assert found.is_contradicted
    assert "The rows contradict the graph" in found.text(200)
    assert ld.bounds(IV, law, ACE, names=NAMES).violated


def test_names_and_counts_print_in_every_form():
    law = random_scm(ld.graph(IV), 0).law()
    rows = rows_of(law, 400, 0)
    table = {**rows, "Y": np.where(rows["Y"] == 1, "alive", "dead")}
    found = ld.bounds(IV, table, "P(Y=alive | do(X=1)) - P(Y=alive | do(X=0))")
    assert (found.lower, found.upper) == pytest.approx((lambda b: (b.lower, b.upper))(ld.bounds(IV, rows, ACE)))
    tree = found.to_json()
    assert tree["lower"] == found.lower
    assert tree["interval"] == list(found.interval(0.9))
    assert "Sharp bounds from 400 rows" in str(found)
    assert "tabular" in found.latex()
    assert "<html" in found.html()
    assert found.csv().startswith("query,lower,upper")
    assert found.plot().get_xlabel() == str(found.query)


@pytest.mark.parametrize(
    ("graph", "table", "query", "said"),
    [
        (IV, {"X": 0}, "P(Y=2 | do(X=1))", "'Y' is never 2 in the table. Its levels are 0, 1"),
        (IV, {"X": 0}, "P(Y=1 | do(X=7))", "'X' is never 7"),
        (IV, {"X": 1}, "P(Y=1 | do(X=1))", "Column 'X' has 200 values, and bounds are found for at most 20 levels"),
        (IV, {"Y": 1}, "E[Y | do(X=1)]", "Ask for the probability of an event, P\\(Y > 1"),
        (IV, {"X": 0}, "P(Y | do(X=1))", "is a law, and bounds are of a number. Ask P\\(Y=1"),
        (IV, {"X": 0}, "Var[Y | do(X=1)]", "is not linear in probabilities"),
        (IV, {"X": 0}, "P(Y=1 | do(X=1)) * P(Y=1 | do(X=0))", "is no ratio of sums of probabilities"),
        (IV, {"X": 0}, "P(Y=1 | do(X))", "'X' has no value"),
        (
            IV,
            {"X": 0},
            "NNT[Y | X: 0 -> 1]",
            "may lie on either side of 0, from -0.349 to 0.433: .*Ask for the denominator",
        ),
        (IV, {"X": 0}, "P(Y=1 | do(X=1)) for X in 0, 1", "along an axis|has no value|X"),
    ],
)
def test_what_has_no_bounds_is_refused(graph, table, query, said):
    law = random_scm(ld.graph(IV), 0).law()
    rows: dict[str, np.ndarray] = dict(rows_of(law, 200, 0))
    for name, is_number in table.items():
        if is_number:
            rows[name] = np.random.default_rng(0).normal(size=200)
    with pytest.raises(ld.LatentdoError, match=said):
        ld.bounds(graph, rows, query)


def test_an_outcome_of_numbers_is_cut_where_the_question_says():
    law = random_scm(ld.graph(IV), 0).law()
    rows = rows_of(law, 400, 0)
    numbers = np.where(rows["Y"] == 1, 2.0, 0.0) + np.random.default_rng(0).uniform(size=400)
    found = ld.bounds(IV, {**rows, "Y": numbers}, "P(Y > 1.5 | do(X=1)) - P(Y > 1.5 | do(X=0))")
    plain = ld.bounds(IV, rows, ACE)
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper))
    assert not found.sharp
    assert "Y was cut at 1.5" in str(found)


def test_a_programme_that_is_too_large_says_how_large():
    rng = np.random.default_rng(0)
    table = {name: rng.integers(0, 6, 400) for name in ("Z", "X", "Y")}
    with pytest.raises(ld.LatentdoError, match=r"response types \(6\^6 of X times 6\^6 of Y\)"):
        ld.bounds(IV, table, "P(Y=1 | do(X=1))")


@pytest.mark.parametrize(
    ("monotone", "said"),
    [
        ("Z -> Y", "the graph has no such edge"),
        ("Z", "monotone= takes edges such as"),
        ("W -> Z", "does not narrow the bounds"),
    ],
)
def test_a_direction_that_cannot_be_assumed_is_refused(monotone, said):
    law = random_scm(ld.graph("W -> Z; " + IV), 0).law()
    with pytest.raises(ld.LatentdoError, match=said):
        ld.bounds("W -> Z; " + IV, law, ACE, names=("W", *NAMES), monotone=monotone)


def named_rows(law: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Rows whose values are names that the alphabet puts the wrong way round."""
    rows = rows_of(law, 800, seed)
    words = {"Z": ("few", "best"), "X": ("placebo", "drug"), "Y": ("worse", "better")}
    return {name: np.array(words[name])[values] for name, values in rows.items()}


NAMED_ACE = "P(Y=better | do(X=drug)) - P(Y=better | do(X=placebo))"
NAMED_MODEL = "latent U ~ bernoulli; Z ~ bernoulli(levels=[few, best]); X ~ bernoulli(Z, U, levels=[placebo, drug]);"
DIRECTIONS = ["Z -> X", "X -> Y"]


def test_a_direction_between_names_without_an_order_is_refused():
    table = named_rows(LIPID, 3)
    for edge in DIRECTIONS:
        with pytest.raises(QueryError, match=r"are names .*, which have no order\. State one in a model"):
            ld.bounds(IV, table, NAMED_ACE, monotone=edge)
    with pytest.raises(QueryError, match=r"the levels of Y are names \(better, worse\)"):
        ld.bounds(f"{NAMED_MODEL} Y ~ categorical(X, U, levels=[better, worse])", table, NAMED_ACE, monotone="X -> Y")


def test_a_direction_between_names_follows_the_order_that_a_model_states_and_says_which():
    model = f"{NAMED_MODEL} Y ~ ordinal(X, U, levels=[worse, better])"
    found = ld.bounds(model, named_rows(LIPID, 3), NAMED_ACE, monotone=DIRECTIONS)
    plain = ld.bounds(IV, rows_of(LIPID, 800, 3), ACE, monotone=DIRECTIONS)
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper))
    assert found.notes[0] == "The order of the levels is Z: few < best; X: placebo < drug; Y: worse < better."
    assert found.notes[0] in " ".join(str(found).split())


def test_names_that_a_model_puts_in_order_are_compared_as_their_places_are():
    random = np.random.default_rng(2)
    rows = {**rows_of(LIPID, 800, 3), "Y": random.integers(0, 3, 800)}
    names = {**rows, "Y": np.array(["none", "mild", "bad"])[rows["Y"]]}
    model = "latent U ~ bernoulli; Z ~ bernoulli; X ~ bernoulli(Z, U); Y ~ ordinal(X, U, levels=[none, mild, bad])"
    found = ld.bounds(model, names, "RD[Y > none | X: 0 -> 1]")
    plain = ld.bounds(IV, rows, "RD[Y > 0 | X: 0 -> 1]")
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper))
    with pytest.raises(QueryError, match="they are names"):
        ld.bounds(IV, names, "RD[Y > none | X: 0 -> 1]")


def test_a_direction_of_an_outcome_that_is_cut_does_not_depend_on_how_the_question_is_put():
    rows = rows_of(LIPID, 800, 3)
    numbers = {**rows, "Y": rows["Y"] + np.random.default_rng(0).uniform(size=800)}
    above, below = (
        ld.bounds(IV, numbers, f"P({event} | do(X=1)) - P({event} | do(X=0))", monotone="X -> Y")
        for event in ("Y > 1", "Y <= 1")
    )
    assert above.lower >= -1e-9
    assert (below.lower, below.upper) == pytest.approx((-above.upper, -above.lower))
    between = ld.bounds(IV, numbers, "P(Y > 0.5, Y < 1.5 | do(X=1))", monotone="X -> Y")
    assert between.lower < between.upper
    assert not between.is_contradicted
    broken = ld.bounds(IV, numbers, "P(Y <= 1 | do(X=1))", monotone="X -| Y")
    assert "Y > 1" in broken.violated
    assert "Y <= 1" in broken.violated


def test_rows_in_which_something_was_set_or_is_missing_are_no_frequencies():
    rows, other = rows_of(LIPID, 400, 3), rows_of(LIPID, 300, 4)
    plain = ld.bounds(IV, rows, ACE)
    trial = ld.experiment({**other, "X": np.random.default_rng(0).integers(0, 2, 300)}, do=["X"])
    # What was set need not be what is asked about: the rows of a fit have columns that bounds do not need.
    coin = np.random.default_rng(1).integers(0, 2, 400)
    forced = ld.experiment({**other, "W": coin[:300]}, do=["W"])
    mixed = [{**rows, "W": coin}, forced]
    kept = read_table(mixed, ("W", *NAMES))
    for graph, table in ((IV, [rows, trial]), ("W -> Z; " + IV, mixed), ("W -> Z; " + IV, kept)):
        found = ld.bounds(graph, table, ACE)
        assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper))
        assert found.notes[0] == "The bounds see 400 of the 700 rows: in 300 some node was set."
    gaps = read_table({**rows, "X": np.where(np.arange(400) < 100, np.nan, rows["X"])}, NAMES, missing="latent")
    with pytest.raises(ld.LatentdoError, match="Column 'X' has missing cells"):
        ld.bounds(IV, gaps, ACE)
    found = ld.bounds(IV, gaps, ACE, missing="drop")
    complete = ld.bounds(IV, {name: values[100:] for name, values in rows.items()}, ACE)
    assert (found.lower, found.upper) == pytest.approx((complete.lower, complete.upper))


def test_an_array_needs_the_names_of_its_axes():
    with pytest.raises(ld.LatentdoError, match="needs names="):
        ld.bounds(IV, VITAMIN_A, ACE)
    with pytest.raises(ld.LatentdoError, match="has no axis for 'Z'"):
        ld.bounds(IV, VITAMIN_A, ACE, names=("W", "X", "Y"))
    with pytest.raises(ld.LatentdoError, match="do not sum to 1"):
        ld.bounds(IV, 2 * VITAMIN_A, ACE, names=NAMES)


def test_the_advice_for_a_column_of_numbers_is_code_that_runs():
    rows = {"Z val": np.random.default_rng(0).normal(size=200), **rows_of(LIPID, 200, 3)}
    with pytest.raises(ld.LatentdoError, match=r"table\['Z val'\] = \(table\['Z val'\] > 1\)"):
        ld.bounds("`Z val` -> X -> Y; X <-> Y", rows, "P(Y=1 | do(X=1))")

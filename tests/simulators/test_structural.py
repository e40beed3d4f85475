"""The studies that are equations: each node against a transcription of its law, and what every process must do."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from latentdo.errors import StudyError, SupportError, UnknownNodeError
from latentdo.graphs import parse_graph
from latentdo.identification import identify
from latentdo.query import Query
from latentdo.query.term import Binary, Term
from latentdo.simulators import (
    STUDIES,
    covid,
    knockout,
    multicause,
    multicause_strong,
    napkin,
    signaling_strong,
    simulate,
    structural,
)

PROCESSES = {
    "multicause": multicause.PROCESS,
    "napkin": napkin.PROCESS,
    "covid": covid.PROCESS,
    "multicause-strong": multicause_strong.PROCESS,
    "signaling-strong": signaling_strong.PROCESS,
    "knockout": knockout.PROCESS,
}
# A node that is set, and the value, in the middle of each graph.
CUTS = {
    "multicause": ("M", 1),
    "napkin": ("R", 2.5),
    "covid": ("EGFR", 20),
    "multicause-strong": ("X3", 0),
    "signaling-strong": ("PI3K", 70),
    "knockout": ("R", 0),
}


def s(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def multicause_laws(r, m, y):
    """Each node's law given its parents: (kind, location, spread), written out for one row."""
    u = r["U1"], r["U2"], r["U3"]
    total = 0.36 * r["X1"] + 0.12 * r["X2"] + 0.10 * r["X3"] + 0.11 * r["X4"] + 0.26 * r["X5"]
    return {
        "U1": ("normal", -8, 10),
        "U2": ("normal", 6, 8),
        "U3": ("normal", -5, 7),
        "X1": ("coin", s(2.00 + 0.23 * u[0] + 0.33 * u[1] + 0.12 * u[2]), None),
        "X2": ("coin", s(1.59 + 0.23 * u[0] + 0.34 * u[1] + 0.15 * u[2]), None),
        "X3": ("coin", s(1.52 + 0.21 * u[0] + 0.32 * u[1] + 0.13 * u[2]), None),
        "X4": ("coin", s(1.49 + 0.24 * u[0] + 0.35 * u[1] + 0.16 * u[2]), None),
        "X5": ("coin", s(1.38 + 0.28 * u[0] + 0.38 * u[1] + 0.10 * u[2]), None),
        "M": ("coin", m(r, total), None),
        "Y": ("coin", y(r, 0.22 * u[0] + 0.15 * u[1] + 0.11 * u[2]), None),
    }


def napkin_laws(r):
    return {
        "U": ("normal", 0, 1),
        "V": ("normal", 1, 1),
        "W": ("gamma", math.exp(0.2 + 0.4 * r["U"] + 0.5 * r["V"]), 6),
        "R": ("normal", 0.5 + 0.8 * r["W"], 0.7),
        "X": ("coin", s(-1.7 + 1.0 * r["R"] + 1.2 * r["U"]), None),
        "Y": ("normal", 0.2 + 1.5 * r["X"] + 1.5 * r["V"], 1),
    }


def covid_laws(r):
    roots = {"Ua1": 22, "Ua2": 22, "Ub1": 25, "Ub2": 25, "Uc": 50, "Ud": 45, "Ue": 40, "Uf1": 20, "Uf2": 20}
    exact = {
        "SARS_CoV2": 100 * s(-2 + 0.05 * r["Ua1"] + 0.06 * r["Ua2"]),
        "ACE2": 20 - 0.1 * r["SARS_CoV2"],
        "AngII": 25 - 0.8 * r["ACE2"] + 0.5 * r["Ua1"] + 0.6 * r["Ua2"],
        "AGTR1": 100 * s(-1.5 + 0.08 * r["AngII"]),
        "ADAM17": 100 * s(-3.8 + 0.04 * r["AGTR1"] + 0.04 * r["Ub1"] + 0.03 * r["Ub2"]),
        "sIL6R": 100 * s(-3 + 0.03 * r["ADAM17"] + 0.05 * r["Ub1"] + 0.06 * r["Ub2"] - 0.04 * r["Toci"]),
        "EGF": 100 * s(-3 + 0.03 * r["ADAM17"] + 0.05 * r["Uc"]),
        "TNF": 100 * s(-4.1 + 0.05 * r["ADAM17"] + 0.06 * r["Ud"]),
        "EGFR": 100 * s(-6 + 0.03 * r["EGF"] + 0.05 * r["Ue"] + 0.02 * r["Ud"] + 0.04 * r["Uc"] - 0.04 * r["Gefi"]),
        "PRR": 100 * s(-3.4 + 0.05 * r["SARS_CoV2"] + 0.02 * r["Uf1"] + 0.03 * r["Uf2"]),
        "NFkB": 100 * s(-5 + 0.01 * r["PRR"] + 0.02 * r["Uf1"] + 0.03 * r["Uf2"] + 0.02 * r["EGFR"] + 0.03 * r["TNF"]),
        "IL6_STAT3": 100 * s(-4.6 + 0.05 * r["Ue"] + 0.04 * r["sIL6R"]),
        "IL6_AMP": 100 * s(-3.7 + 0.02 * r["NFkB"] + 0.03 * r["IL6_STAT3"]),
    }
    return {
        **{name: ("normal", mean, 10) for name, mean in {**roots, "Toci": 45, "Gefi": 40}.items()},
        **{name: ("exact", value, None) for name, value in exact.items()},
        "Cytokine": ("coin", s(-2 + 0.06 * r["IL6_AMP"]), None),
    }


def signaling_strong_laws(r):
    return {
        "EGF": ("normal", 37, 3),
        "IGF": ("normal", 5, 1),
        "SOS": ("normal", 100 * s(-8.9 + 0.2 * r["EGF"] + 0.3 * r["IGF"]), 5),
        "Ras": ("normal", 100 * s(-3 + 0.06 * r["SOS"]), 5),
        "PI3K": ("normal", 100 * s(-9.9 + 0.2 * r["EGF"] + 0.3 * r["IGF"] + 0.02 * r["Ras"]), 5),
        "AKT": ("normal", 100 * s(-3 + 0.06 * r["PI3K"]), 5),
        "Raf": ("normal", 100 * s(-0.5 + 0.06 * r["Ras"] - 0.05 * r["AKT"]), 5),
        "Mek": ("normal", 100 * s(-2.5 + 0.05 * r["Raf"]), 5),
        "Erk": ("normal", 100 * s(-2.5 + 0.05 * r["Mek"]), 3),
    }


def knockout_laws(r):
    return {
        "Batch": ("normal", 0, 1),
        "Stress": ("normal", 0, 1),
        "R": ("coin", s(0.4 + 1.2 * r["Batch"] + 1.2 * r["Stress"]), None),
        "G": ("normal", -0.5 + 3 * r["R"] + 0.9 * r["Batch"], 0.7),
        "Y": ("normal", 1 + 0.5 * r["G"] - 1.5 * r["Stress"], 0.6),
    }


LAWS = {
    "multicause": functools.partial(
        multicause_laws, m=lambda _, total: s(-1.4 + total), y=lambda r, u: s(-1.1 + 0.26 * r["M"] + u)
    ),
    "napkin": napkin_laws,
    "covid": covid_laws,
    "multicause-strong": functools.partial(
        multicause_laws,
        m=lambda r, _: s(-2 + 0.8 * (r["X1"] + r["X2"] + r["X3"] + r["X4"] + r["X5"])),
        y=lambda r, u: s(-2 + 2.5 * r["M"] + u),
    ),
    "signaling-strong": signaling_strong_laws,
    "knockout": knockout_laws,
}


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("cut", [False, True], ids=["untouched", "set"])
def test_every_node_has_the_law_of_the_transcription_given_its_parents(name, cut):
    """Noise recovered row by row: exact, or uniform by a Kolmogorov-Smirnov test and unrelated to the parents' part."""
    node, value = CUTS[name]
    table = simulate(name, 3000, seed=11, do={node: value} if cut else {}, latents=True)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*(c.tolist() for c in table.values()), strict=True)]
    laws = [LAWS[name](row) for row in rows]
    assert set(laws[0]) == set(table)
    for column in table:
        kinds, places, spreads = zip(*(law[column] for law in laws), strict=True)
        seen, place = table[column], np.array(places, dtype=float)
        if cut and column == node:
            assert set(seen) == {value}
        elif kinds[0] == "exact":
            assert seen == pytest.approx(place, rel=1e-9)
        elif kinds[0] == "coin":
            error = (seen - place) / math.sqrt((place * (1 - place)).sum())
            assert abs(error.sum()) < 4, column
            lean = (seen - place) * (place - place.mean())
            assert abs(lean.sum()) < 4 * math.sqrt(max((lean**2).sum(), 1e-12)), column
        else:
            law = stats.norm(0, 1) if kinds[0] == "normal" else stats.gamma(spreads[0])
            noise = (seen - place) / spreads[0] if kinds[0] == "normal" else seen * spreads[0] / place
            assert stats.kstest(noise, law.cdf).pvalue > 1e-4, column
            if np.ptp(place) > 0:
                assert abs(np.corrcoef(noise, place)[0, 1]) < 4 / math.sqrt(3000), column


@pytest.mark.parametrize("name", PROCESSES)
def test_setting_a_node_moves_its_descendants_only(name):
    node, value = CUTS[name]
    graph = parse_graph(STUDIES[name].graph)
    below = graph.descendants({node})
    plain = simulate(name, 400, seed=3, latents=True)
    held = simulate(name, 400, seed=3, latents=True, do={node: value})
    for column in plain:
        same = bool((plain[column] == held[column]).all())
        assert same == (column not in below), column


@pytest.mark.parametrize("name", PROCESSES)
def test_every_node_can_be_set_to_its_own_values(name):
    """Setting a node, root or hidden, to what one row has gives that row again: nothing but the node was cut."""
    plain = simulate(name, 6, seed=4, latents=True)
    for column in plain:
        held = simulate(name, 6, seed=4, latents=True, do={column: plain[column][5]})
        assert all(held[other][5] == pytest.approx(plain[other][5], rel=1e-12) for other in plain), column


@pytest.mark.parametrize("name", PROCESSES)
def test_prefixes_are_smaller_data_sets(name, monkeypatch):
    node, value = CUTS[name]
    monkeypatch.setattr(structural, "_CHUNK", 16)
    told = []
    long = simulate(name, 40, seed=5, progress=told.append)
    assert told == [0.4, 0.8, 1.0]
    monkeypatch.undo()
    for do in ({}, {node: value}):
        whole, short = simulate(name, 40, seed=5, do=do), simulate(name, 9, seed=5, do=do)
        assert all((whole[column][:9] == short[column]).all() for column in whole)
        if not do:
            assert all((whole[column] == long[column]).all() for column in whole)
    other = simulate(name, 40, seed=6)
    assert any((other[column] != long[column]).any() for column in long)


@pytest.mark.parametrize("name", PROCESSES)
def test_columns_are_the_measured_nodes_of_graph_and_model(name):
    chosen = STUDIES[name]
    graph = parse_graph(chosen.graph)
    table, more = simulate(name, 5), simulate(name, 5, latents=True)
    assert set(table) == set(graph.measured) == set(chosen.model.measured)
    assert set(more) == set(graph.nodes)
    assert list(more)[-len(table) :] == list(table)
    assert all((more[column] == table[column]).all() for column in table)
    binary = {"X1", "X2", "X3", "X4", "X5", "M", "Y"} if name.startswith("multi") else {"X", "Cytokine"}
    binary |= {"R"} if name == "knockout" else set()
    assert {column for column in table if table[column].dtype == np.int64} == binary & set(table)


@pytest.mark.parametrize("name", PROCESSES)
def test_equations_read_the_parents_of_the_graph(name):
    class Watched(dict):
        def __getitem__(self, key):
            self.read.add(key)
            return super().__getitem__(key)

    graph = parse_graph(STUDIES[name].graph)
    table = Watched(simulate(name, 3, latents=True))
    for equation in PROCESSES[name].equations:
        table.read = set()
        equation.value(table, np.full(3, 0.5))
        assert table.read == set(graph.parents(equation.node)), equation.node


def test_the_studies_do_not_share_their_noise():
    """Otherwise the errors of two studies under one seed would go together."""
    plain, strong = (simulate(name, 500, seed=1, latents=True) for name in ("multicause", "multicause-strong"))
    assert abs(np.corrcoef(plain["U1"], strong["U1"])[0, 1]) < 4 / math.sqrt(500)
    numbers = [process.number for process in PROCESSES.values()]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > 1  # Signaling's cells have the streams 0 and 1.


@pytest.mark.parametrize(
    ("name", "node", "value", "says"),
    [
        ("multicause", "X1", 0.5, "X1 is 0 or 1"),
        ("multicause", "X1", True, "X1 is 0 or 1"),
        ("multicause", "U1", math.nan, "U1 is a number from -1e9 to 1e9"),
        ("napkin", "W", 0, "W is a number above 0, at most 1e9"),
        ("napkin", "X", 2, "X is 0 or 1"),
        ("napkin", "R", "3", "R is a number from -1e9 to 1e9"),
        ("covid", "sIL6R", 100.5, "sIL6R is an amount, a number from 0 to 100"),
        ("covid", "EGFR", -1, "EGFR is an amount, a number from 0 to 100"),
        ("covid", "ACE2", math.inf, "ACE2 is a number from -1e9 to 1e9"),
        ("napkin", "U", 1e100, "U is a number from -1e9 to 1e9"),
        ("napkin", "W", 1e308, "W is a number above 0, at most 1e9"),
        ("signaling-strong", "SOS", None, "SOS is a number from -1e9 to 1e9"),
    ],
)
def test_a_node_takes_only_what_it_can_take(name, node, value, says):
    with pytest.raises(SupportError, match=rf"do\({node}=.*\): {says}\.") as caught:
        simulate(name, 5, do={node: value})
    assert caught.value.node == node


def test_what_takes_another_node_beyond_all_numbers_is_refused():
    # W = exp(0.2 + 0.4 U + 0.5 V) e: exp(710) is more than a number can hold.
    with pytest.raises(SupportError, match=r"do\(U=2000\): W is then no finite number\. Set U nearer") as caught:
        simulate("napkin", 5, do={"U": 2000})
    assert caught.value.node == "U"
    assert np.isfinite(simulate("napkin", 5, do={"U": 1000})["Y"]).all()


@pytest.mark.parametrize("name", PROCESSES)
def test_the_largest_values_are_drawn_or_refused(name):
    """Without warnings, which are errors here."""
    for node in PROCESSES[name].nodes:
        for value in (-1e9, 1e9):
            try:
                table = simulate(name, 5, do={node: value})
            except SupportError:
                continue
            assert all(np.isfinite(table[column]).all() for column in table)


def test_values_that_are_set_may_be_a_text():
    assert set(simulate("covid", 4, do="sIL6R = 20, EGFR=30.5")["EGFR"].tolist()) == {30.5}
    with pytest.raises(StudyError, match=r"do= SOS: expected a node and a number"):
        simulate("signaling", 4, do="SOS")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((3, 3), "No study is called 3. Known are: multicause, napkin"),
        ((["napkin"], 3), r"No study is called \['napkin'\]"),
        (("napkin", 3, {1: 0}), "a node is named by a text, got 1"),
        (("napkin", 3, [("X", 0)]), "do= is list; expected a mapping from nodes to values"),
        (("napkin", 3, 0), "do= is int; expected a mapping"),
        (("napkin", 3.0), r"n is a whole number from 1 to 10,000,000, got 3\.0\. Write 3\."),
        (("napkin", 3.5), r"n is a whole number from 1 to 10,000,000, got 3\.5\.$"),
    ],
)
def test_what_is_no_study_and_no_intervention_is_refused(arguments, says):
    name, n, do = (*arguments, None)[:3]
    with pytest.raises(StudyError, match=says):
        simulate(name, n, do=do)


def test_a_number_that_is_a_text_is_shown_as_one():
    with pytest.raises(SupportError, match=r"do\(X='0'\): X is 0 or 1\. Give a number, not a text"):
        simulate("napkin", 3, do={"X": "0"})


def test_unknown_names_get_the_nearest():
    with pytest.raises(UnknownNodeError, match=r"Did you mean 'sIL6R'\?"):
        simulate("covid", 5, do={"SIL6R": 20})
    with pytest.raises(StudyError, match=r"Did you mean 'multicause-strong'\?"):
        simulate("multicause-stron", 5)


def terms(query: str) -> list[tuple[float, Term]]:
    """Sign and term of a term or a difference of two."""
    match Query.parse(query).expression:
        case Binary(op="-", left=Term() as left, right=Term() as right):
            return [(1.0, left), (-1.0, right)]
        case Term() as term:
            return [(1.0, term)]
    raise AssertionError(query)


def mean_by_simulation(name: str, term: Term, n: int, seed: int) -> tuple[float, float]:
    rows = simulate(name, n, seed=seed, do={setting.name: setting.value for setting in term.do})
    (outcome,) = term.outcomes
    kept = np.full(n, True)
    for given in term.given:
        kept &= rows[given.name] == given.value
    seen = rows[outcome.name][kept].astype(float)
    if term.kind == "P":
        seen = (seen == outcome.value).astype(float)
    return float(seen.mean()), float(seen.std(ddof=1)) / math.sqrt(kept.sum())


@pytest.mark.parametrize("name", PROCESSES)
def test_stored_answers_agree_with_a_simulation(name):
    """Single terms within 4 standard errors; differences are those of the stored terms, up to their last digit."""
    stored = {truth.query: truth for truth in STUDIES[name].population}
    singles = {}
    for truth in stored.values():
        match terms(truth.query):
            case [(_, term)]:
                mean, error = mean_by_simulation(name, term, 100_000, 21)
                assert abs(mean - truth.value) < 4 * math.hypot(error, truth.error) + 5e-5, truth.query
                singles[str(term)] = truth.value
    for truth in stored.values():
        match terms(truth.query):
            case [(_, first), (_, second)]:
                assert truth.value == pytest.approx(singles[str(first)] - singles[str(second)], abs=2e-4)


@pytest.mark.parametrize("name", STUDIES)
def test_every_question_of_a_study_has_its_true_answer(name):
    stored = {truth.query for truth in STUDIES[name].population}
    assert {str(query) for _, query in STUDIES[name].queries} <= stored


@pytest.mark.parametrize(
    ("name", "of_m", "of_y"),
    [
        ("multicause", (-1.4, (0.36, 0.12, 0.10, 0.11, 0.26)), (-1.1, 0.26)),
        ("multicause-strong", (-2, (0.8,) * 5), (-2, 2.5)),
    ],
)
def test_multicause_by_quadrature(name, of_m, of_y):
    """The hidden causes reach Y through one normal sum, so that an integral over a line is enough."""
    mean = 0.22 * -8 + 0.15 * 6 + 0.11 * -5
    sd = math.hypot(0.22 * 10, 0.15 * 8, 0.11 * 7)
    law = stats.norm(mean, sd)
    y = [
        integrate.quad(lambda u, m=m: s(of_y[0] + of_y[1] * m + u) * law.pdf(u), mean - 12 * sd, mean + 12 * sd)[0]
        for m in (0, 1)
    ]
    stored = {truth.query: truth for truth in STUDIES[name].population}
    for value in (0, 1):
        m = s(of_m[0] + value * sum(of_m[1]))
        query = "E[Y | do(" + ", ".join(f"X{j}={value}" for j in range(1, 6)) + ")]"
        assert stored[query].value == pytest.approx((1 - m) * y[0] + m * y[1], abs=5.1e-6)
        assert stored[query].error == 0


def test_the_napkin_in_closed_form():
    """0.2 + 1.5 x + 1.5 E[V], with E[V] = 1."""
    stored = {truth.query: truth.value for truth in napkin.STUDY.population}
    assert stored["E[Y | do(X=0)]"] == 1.7
    assert stored["E[Y | do(X=1)]"] == 3.2
    assert stored["E[Y]"] == pytest.approx(0.2 + 1.5 * stored["P(X=1)"] + 1.5, abs=2e-5)


def test_the_strong_signaling_effect_is_large_and_well_confounded():
    """More than one standard deviation of Erk, and the regression on SOS off by more than half of it."""
    rows = simulate("signaling-strong", 50_000, seed=9)
    contrast = {truth.query: truth.value for truth in signaling_strong.STUDY.population}[
        "E[Erk | do(SOS=70)] - E[Erk | do(SOS=20)]"
    ]
    assert contrast > rows["Erk"].std()
    slope = np.polyfit(rows["SOS"], rows["Erk"], 1)[0]
    assert abs(50 * slope - contrast) > contrast / 2
    assert 0.02 < (rows["SOS"] < 20).mean() < 0.1  # Both levels lie within the data.
    assert 0.02 < (rows["SOS"] > 70).mean() < 0.2


def test_knockout_by_quadrature_and_its_effect_needs_the_rows_in_which_the_regulator_was_set():
    chosen = STUDIES["knockout"]
    share = integrate.quad(lambda t: s(0.4 + 1.2 * math.sqrt(2) * t) * stats.norm.pdf(t), -12, 12)[0]
    stored = {truth.query: truth.value for truth in chosen.population}
    assert stored["P(R=1)"] == pytest.approx(share, abs=5.1e-6)
    assert stored["E[Y]"] == pytest.approx(1 + 0.5 * (3 * share - 0.5), abs=5.1e-6)
    for _, query in chosen.queries:
        assert not identify(chosen.model.graph, query)
        verdict = identify(chosen.model.graph, query, experiments=[["R"]])
        assert verdict and verdict.estimand.experiments == (("R",),)
    # What the rows of the experiment show: a regression among them is the effect, one among all others is not.
    seen, done = (simulate("knockout", 20_000, seed=3, do=do) for do in ({}, {"R": 0}))
    slopes = [stats.linregress(table["G"], table["Y"]) for table in (seen, done)]
    assert abs(slopes[1].slope - 0.5) < 4 * slopes[1].stderr
    assert abs(slopes[0].slope - 0.5) > 10 * slopes[0].stderr

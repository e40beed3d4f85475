"""The signaling simulator against hand-written chemistry, closed forms and the published population."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from latentdo.errors import StudyError, SupportError, UnknownNodeError
from latentdo.graphs import parse_graph
from latentdo.simulators import STUDIES, signaling, simulate, study
from latentdo.tables import read_table

PROTEINS = ["SOS", "Ras", "PI3K", "AKT", "Raf", "Mek", "Erk"]


def scalar_gillespie(egf, igf, held, end, rng: random.Random) -> dict[str, int]:
    """One cell, one reaction at a time, every propensity written out: slow and obviously right."""
    a = dict.fromkeys(PROTEINS, 0) | held
    now = 0.0
    while True:
        table = [
            ("SOS", +1, 0.01 * (100 - a["SOS"]) * egf),
            ("SOS", +1, 0.01 * (100 - a["SOS"]) * igf),
            ("SOS", -1, 0.5 * a["SOS"]),
            ("Ras", +1, 0.01 * (100 - a["Ras"]) * a["SOS"]),
            ("Ras", -1, 0.5 * a["Ras"]),
            ("PI3K", +1, 0.01 * (100 - a["PI3K"]) * egf),
            ("PI3K", +1, 0.01 * (100 - a["PI3K"]) * igf),
            ("PI3K", +1, 0.01 * (100 - a["PI3K"]) * a["Ras"]),
            ("PI3K", -1, 0.5 * a["PI3K"]),
            ("AKT", +1, 0.01 * (100 - a["AKT"]) * a["PI3K"]),
            ("AKT", -1, 0.5 * a["AKT"]),
            ("Raf", +1, 0.01 * (100 - a["Raf"]) * a["Ras"]),
            ("Raf", -1, 0.01 * a["Raf"] * a["AKT"]),
            ("Raf", -1, 0.3 * a["Raf"]),
            ("Mek", +1, 0.05 * (100 - a["Mek"]) * a["Raf"]),
            ("Mek", -1, 0.5 * a["Mek"]),
            ("Erk", +1, 0.05 * (100 - a["Erk"]) * a["Mek"]),
            ("Erk", -1, 0.5 * a["Erk"]),
        ]
        rates = [0.0 if name in held else 20 * rate for name, _, rate in table]
        now += rng.expovariate(sum(rates))
        if now > end:
            return a
        ((name, change, _),) = rng.choices(table, rates)
        a[name] += change


@pytest.mark.parametrize(("held", "end"), [({}, 0.05), ({}, 0.15), ({"SOS": 70}, 0.05)])
def test_agrees_with_a_scalar_transcription_on_the_way_to_equilibrium(held, end):
    """Early times tell the rates apart; means and variances agree within 4 standard errors, 14 of them."""
    n, many = 120, 2000
    rng = random.Random(5)
    rows = [scalar_gillespie(37.0, 5.0, held, end, rng) for _ in range(n)]
    slow = np.array([[row[name] for name in PROTEINS] for row in rows], dtype=float)
    growth = {"EGF": np.full(many, 37.0), "IGF": np.full(many, 5.0)}
    fast = signaling.gillespie(growth, held, np.random.default_rng(5), end).T
    for column, name in enumerate(PROTEINS):
        x, y = slow[:, column], fast[:, column]
        if name in held:
            assert set(x) == set(y) == {float(held[name])}
            continue
        error = math.hypot(x.std(ddof=1) / math.sqrt(n), y.std(ddof=1) / math.sqrt(many))
        assert abs(x.mean() - y.mean()) < 4 * error, name
        ratio_error = math.sqrt(2 / (n - 1) + 2 / (many - 1))
        assert abs(math.log(x.var(ddof=1) / y.var(ddof=1))) < 4 * ratio_error, name


@pytest.mark.parametrize(
    ("protein", "on", "off"),
    [
        ("SOS", 0.01 * (37 + 5), 0.5),
        ("Ras", 0.01 * 46, 0.5),
        ("PI3K", 0.01 * (37 + 5 + 48), 0.5),
        ("AKT", 0.01 * 64, 0.5),
        ("Raf", 0.01 * 48, 0.01 * 56 + 0.3),
        ("Mek", 0.05 * 36, 0.5),
        ("Erk", 0.05 * 78, 0.5),
    ],
)
def test_a_protein_with_held_drivers_is_binomial(protein, on, off):
    """100 independent two-state molecules: Binomial(100, on / (on + off)), by a chi-square test."""
    values = {"SOS": 46, "Ras": 48, "PI3K": 64, "AKT": 56, "Raf": 36, "Mek": 78, "Erk": 89}
    n = 3000
    held = {name: value for name, value in values.items() if name != protein}
    growth = {"EGF": np.full(n, 37.0), "IGF": np.full(n, 5.0)}
    counts = signaling.gillespie(growth, held, np.random.default_rng(11))[PROTEINS.index(protein)]
    law = stats.binom(100, on / (on + off))
    # Fifteen bins of about equal probability.
    edges = np.unique(law.ppf(np.linspace(0, 1, 16)[1:-1]))
    observed = np.bincount(np.searchsorted(edges, counts), minlength=len(edges) + 1)
    expected = n * np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]]))
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_600_cells_have_the_population_means_and_spreads():
    """Within 4 standard errors, and half a unit of the last published digit."""
    n = 600
    cells = simulate("signaling", n, seed=3)
    for name, (mean, sd) in signaling.STATIONARY.items():
        assert abs(cells[name].mean() - mean) < 4 * sd / math.sqrt(n) + 0.05, name
        assert abs(cells[name].std(ddof=1) - sd) < 4 * sd / math.sqrt(2 * n) + 0.05, name
    held = simulate("signaling", n, seed=3, do={"SOS": 20})
    assert abs(held["Erk"].mean() - 87.659) < 4 * 3.3 / math.sqrt(n)
    assert set(held["SOS"]) == {20}


@pytest.mark.slow
@pytest.mark.parametrize(
    "truth", [truth for truth in signaling.STUDY.population if " - " not in truth.query], ids=lambda truth: truth.query
)
def test_20_000_cells_agree_with_the_population_values(truth):
    """Within 3 standard errors of the difference; both sides are simulations of 20 000 cells."""
    n = 20_000
    _, _, setting = truth.query.partition("SOS=")
    do = {"SOS": int(setting.rstrip(")]"))} if setting else {}
    erk = simulate("signaling", n, seed=0, do=do)["Erk"]
    error = math.hypot(erk.std(ddof=1) / math.sqrt(n), truth.error)
    assert abs(erk.mean() - truth.value) < 3 * error


def test_setting_the_growth_factors_cuts_what_they_share():
    cells = simulate("signaling", 300, seed=2, do={"EGF": 0, "IGF": 0.0}, latents=True)
    assert set(cells["EGF"]) == set(cells["IGF"]) == set(cells["SOS"]) == {0}
    strong = simulate("signaling", 300, seed=2, do={"EGF": 1e4, "IGF": 5})
    assert strong["SOS"].mean() > 99


def test_a_cell_in_which_everything_is_held_stays_as_it_is():
    cells = simulate("signaling", 3, do=dict.fromkeys(PROTEINS, 7))
    assert all(set(cells[name]) == {7} for name in PROTEINS)


def test_columns_are_the_measured_nodes_as_integers():
    cells = simulate("signaling", 5)
    assert list(cells) == PROTEINS
    assert all(cells[name].dtype == np.int64 for name in PROTEINS)
    assert cells.n_rows == 5
    with_latents = simulate("signaling", 5, latents=True)
    assert list(with_latents) == ["EGF", "IGF", *PROTEINS]
    assert all((with_latents[name] == cells[name]).all() for name in PROTEINS)


def test_the_same_seed_gives_the_same_numbers():
    first, again, other = (simulate("signaling", 20, seed=seed) for seed in (1, 1, 2))
    assert all((first[name] == again[name]).all() for name in PROTEINS)
    assert any((first[name] != other[name]).any() for name in PROTEINS)


def test_growth_factors_depend_on_seed_and_cell_only():
    plain = simulate("signaling", 20, seed=1, latents=True)
    for cells in (
        simulate("signaling", 12, seed=1, latents=True),
        simulate("signaling", 20, seed=1, do={"SOS": 70}, latents=True),
    ):
        assert (cells["EGF"] == plain["EGF"][: cells.n_rows]).all()
    half = simulate("signaling", 20, seed=1, do={"EGF": 30}, latents=True)
    assert (half["IGF"] == plain["IGF"]).all()


def test_full_blocks_do_not_depend_on_the_cells_that_follow(monkeypatch):
    monkeypatch.setattr(signaling, "_BLOCK", 8)
    told = []
    long = simulate("signaling", 20, seed=1, progress=told.append)
    short = simulate("signaling", 8, seed=1)
    assert all((long[name][:8] == short[name]).all() for name in PROTEINS)
    assert told == [0.4, 0.8, 1.0]


def test_cells_survive_a_csv_file(tmp_path):
    cells = simulate("signaling", 30, seed=4, latents=True)
    data = read_table(cells.write(tmp_path / "cells.csv"), PROTEINS, latent=["EGF", "IGF"])
    assert all((data.column(name) == cells[name]).all() for name in PROTEINS)
    assert data.unread == ("EGF", "IGF")


@pytest.mark.parametrize("value", [70.5, -1, 101, math.nan, math.inf, True, "70", None])
def test_a_protein_takes_whole_numbers_from_0_to_100(value):
    message = r"do\(SOS=.*\): SOS counts active molecules, a whole number from 0 to 100\."
    with pytest.raises(SupportError, match=message) as caught:
        simulate("signaling", 5, do={"SOS": value})
    assert caught.value.node == "SOS"


@pytest.mark.parametrize("value", [-0.5, math.nan, math.inf, True, "a", 1e10, 1e308])
def test_a_growth_factor_takes_amounts(value):
    with pytest.raises(SupportError, match=r"do\(EGF=.*\): EGF is an amount, a number of at least 0, at most 1e9"):
        simulate("signaling", 5, do={"EGF": value})


def test_whole_numbers_may_be_of_any_type():
    for value in (70, 70.0, np.int64(70), np.float32(70)):
        assert set(simulate("signaling", 2, do={"SOS": value})["SOS"]) == {70}


def test_an_unknown_node_gets_the_nearest_name():
    with pytest.raises(UnknownNodeError, match=r"'sos' is not a node of the graph\. Did you mean 'SOS'\?"):
        simulate("signaling", 5, do={"sos": 70})


def test_an_unknown_study_gets_the_nearest_name():
    with pytest.raises(StudyError, match=r"No study is called 'signalling'\. Did you mean 'signaling'\?") as caught:
        simulate("signalling", 5)
    assert caught.value.key == "study"


@pytest.mark.parametrize("n", [0, -3, 10**7 + 1, 2.0, True, "5", None])
def test_the_number_of_units_is_checked(n):
    with pytest.raises(StudyError, match=r"n is a whole number from 1 to 10,000,000") as caught:
        simulate("signaling", n)
    assert caught.value.key == "n"


@pytest.mark.parametrize("seed", [-1, 1.5, None, True])
def test_the_seed_is_checked(seed):
    with pytest.raises(StudyError, match=r"seed is a whole number of at least 0") as caught:
        simulate("signaling", 5, seed=seed)
    assert caught.value.key == "seed"


def test_graph_and_model_are_the_same_picture():
    graph, model = parse_graph(signaling.GRAPH), study("signaling").model.graph
    assert graph.directed == model.directed
    assert graph.latent == model.latent == {"EGF", "IGF"}
    assert set(graph.measured) == set(PROTEINS)
    assert len(graph.directed) == 11


def test_the_study_offers_what_a_demo_needs():
    chosen = study("signaling")
    assert chosen is STUDIES["signaling"]
    assert str(dict(chosen.queries)["erk"]) == "E[Erk | do(SOS=70)]"
    assert {truth.query: truth.value for truth in chosen.population}["E[Erk | do(SOS=70)]"] == 88.862
    assert "88.5" in chosen.caution
    assert chosen.source

"""Sweeps and names: the points of a curve as arrays, bands around it, answers by name, flat rows and files."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from handmade_answers import answer_of, line_draws, sweep_of
from latentdo.answers import Answer, Answers, Computation
from latentdo.answers.estimate import band
from latentdo.errors import QueryError, SupportError
from posteriors import posterior_of

START, SLOPE = line_draws()


@pytest.fixture(scope="module")
def sweep() -> Answers:
    return sweep_of()


def ends_of(answer: Answer) -> tuple[float, float]:
    interval = answer.interval()
    assert interval is not None
    return interval


def band_of(draws: np.ndarray, level: float, *, simultaneous: bool) -> tuple[np.ndarray, np.ndarray]:
    found = band(draws, level, simultaneous=simultaneous)
    assert found is not None
    return found


def test_a_sweep_has_its_axes_and_numbers_as_arrays(sweep):
    assert sweep.axes == ("X",)
    assert list(sweep.at["X"]) == list(range(-2, 7))
    assert sweep.draws.shape == (9, 400)
    assert np.array_equal(sweep.draws[2], START)
    assert np.array_equal(sweep.means, sweep.draws.mean(axis=1))
    assert sweep[3:].axes == ("X",)


def test_what_is_no_sweep_has_no_axes(sweep):
    alone = answer_of("E[Y]", START)
    assert Answers((alone,)).axes == ()
    assert Answers((alone,)).at == {}
    assert Answers((*sweep, alone)).axes == ()
    assert Answers(()).axes == ()
    two = sweep_of("E[Y | do(X, M)] for X in [0, 1], M in [2, 3, 4]")
    assert two.axes == ("X", "M")
    assert list(two.at["X"]) == [0, 0, 0, 1, 1, 1]
    assert list(two.at["M"]) == [2, 3, 4, 2, 3, 4]


def test_answers_with_different_numbers_of_draws_have_no_array():
    with pytest.raises(QueryError, match="different numbers of draws"):
        _ = Answers((answer_of("E[Y]", START), answer_of("E[Y]", START[:9]))).draws


def test_answers_are_found_by_name_or_question(sweep):
    named = Answers((answer_of("E[Y]", START, name="level"), answer_of("E[M]", SLOPE), *sweep))
    assert named["level"] is named[0]
    assert named["E[M]"] is named[1]
    assert list(named[str(sweep[0].source)]) == list(sweep)
    with pytest.raises(QueryError) as caught:
        named["levl"]
    assert str(caught.value).startswith("No answer is called 'levl'.")
    assert "level" in str(caught.value)
    with pytest.raises(IndexError):
        named[99]


def test_the_points_of_a_named_sweep_are_told_apart():
    named = sweep_of("E[Y | do(X)] for X in [0, 0.5]", name="curve")
    assert [answer.label for answer in named] == ["curve at X=0", "curve at X=0.5"]
    assert len(named["curve"]) == 2
    assert named[0].summary().label == "curve at X=0"


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_a_simultaneous_band_holds_the_whole_curve_that_often(level):
    random = np.random.default_rng([7])
    draws = random.normal(size=(30, 2000)) * np.linspace(0.1, 3, 30)[:, None] + random.normal(size=2000)
    low, high = band_of(draws, level, simultaneous=True)
    inside = ((draws >= low[:, None]) & (draws <= high[:, None])).all(axis=0)
    assert abs(inside.mean() - level) <= 0.02
    narrow_low, narrow_high = band_of(draws, level, simultaneous=False)
    assert (low <= narrow_low).all()
    assert (high >= narrow_high).all()


def test_a_simultaneous_band_keeps_to_the_values_that_occur_and_to_points_without_spread():
    shares = np.random.default_rng([8]).beta(0.5, 0.5, size=(4, 500))
    shares[2] = 0.25
    low, high = band_of(shares, 0.9, simultaneous=True)
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert low[2] == high[2] == 0.25
    flat = band_of(np.ones((3, 50)), 0.9, simultaneous=True)
    assert all((ends == 1).all() for ends in flat)
    assert band(np.ones((3, 1)), 0.9, simultaneous=True) is None


def test_bands_of_answers_agree_with_their_intervals(sweep):
    found, wide = sweep.band(0.8), sweep.band(0.8, simultaneous=True)
    assert found is not None
    assert wide is not None
    low, high = found
    assert (low[4], high[4]) == pytest.approx(sweep[4].interval(0.8))
    assert (wide[0] <= low).all()
    with pytest.raises(QueryError, match="lies between 0 and 1"):
        sweep.band(90)


def test_flat_rows_have_the_axes_in_front_and_what_stands_beside():
    naive = answer_of("E[Y | X=1]", START + 1)
    answers = Answers((replace(sweep_of()[3], naive=naive, warnings=("a", "b")), answer_of("E[M]", SLOPE, name="m")))
    header, rows = answers.rows(0.5)
    assert header[:2] == ("X", "query")
    first, second = (dict(zip(header, row, strict=True)) for row in rows)
    assert (first["X"], second["X"]) == (1, None)
    assert (first["lower"], first["upper"]) == answers[0].interval(0.5)
    assert first["warnings"] == "a; b"
    assert first["naive_mean"] == naive.mean
    assert second["naive_mean"] is None
    assert (first["scale"], first["unit"]) == ("mean of Y", "units of Y")
    assert all(value is None or isinstance(value, str | float | int) for row in rows for value in row)


def test_a_node_that_is_called_like_a_column_keeps_its_own():
    (answer,) = sweep_of("E[Y | do(X)] for X in [1]")
    header, rows = Answers((replace(answer, at=(("mean", 1.0),)),)).rows()
    assert header[0] == "mean (axis)"
    assert rows[0][0] == 1.0
    assert header.count("mean") == 1


def test_csv_files_have_empty_cells_for_what_is_not_there(tmp_path: Path):
    answers = Answers((answer_of("E[Y]", [1.0], name='say, "one"'), answer_of("E[M]", SLOPE)))
    path = answers.to_csv(tmp_path / "answers.csv")
    with path.open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert first["name"] == 'say, "one"'
    assert (first["sd"], first["lower"]) == ("", "")
    assert float(second["mean"]) == SLOPE.mean()


def test_frames_have_a_column_per_axis():
    pytest.importorskip("pandas")
    frame = sweep_of("E[Y | do(X)] for X in [1, 2, 4]").to_pandas()
    assert list(frame["X"]) == [1, 2, 4]
    assert list(frame["scale"].unique()) == ["mean of Y"]
    assert Answers(()).to_pandas().empty


def test_json_holds_scale_place_and_what_stands_beside():
    prior = answer_of("E[Y]", SLOPE, ess=0.0)
    answer = replace(sweep_of()[0], prior=prior, naive=answer_of("E[Y | X=-2]", START))
    row = answer.to_json()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert row["at"] == {"X": -2}
    assert (row["scale"], row["unit"], row["method"]) == ("mean of Y", "units of Y", "exact: linear-Gaussian")
    assert row["naive"]["mean"] == START.mean()
    assert row["prior"]["mcse"] is None
    assert answer_of("P(Y > 1)", [0.5]).to_json()["unit"] is None
    assert answer_of("P(Y > 1)", [0.5]).to_json()["at"] is None


def test_text_shows_what_stands_beside_and_how_it_was_computed():
    naive, prior = answer_of("E[Y | X=1]", START + 1), answer_of("E[Y]", START * 50)
    text = str(answer_of("E[Y | do(X=1)]", START, naive=naive, prior=prior))
    (low, high), (far, farther) = ends_of(naive), ends_of(prior)
    assert text.splitlines()[1:] == [
        "  mean of Y, in its units · exact: linear-Gaussian",
        f"  seeing instead of doing: {naive.mean:.2f} ({low:.2f} to {high:.2f})",
        f"  the prior alone: {prior.mean:.0f} ({far:.0f} to {farther:.0f})",
    ]
    simulated = {"computation": Computation("simulated", "256 units per draw"), "simulation_error": 1e-6}
    assert str(answer_of("E[Y]", START, **simulated)).splitlines()[1:] == ["  mean of Y, in its units"]
    assert str(answer_of("E[Y]", START, **{**simulated, "simulation_error": 0.01})).endswith("256 units per draw")
    table = Answers((answer_of("E[Y | do(X=1)]", START, naive=naive), answer_of("E[M]", SLOPE)))
    assert str(table).splitlines()[0].endswith("seeing")
    assert table._repr_html_().count("<th") == 10 + 1


@pytest.mark.parametrize(
    ("question", "draws", "note"),
    [
        ("E[X | do(Y=1)] - E[X | do(Y=0)]", 0.0, "no effect: no path of arrows leads from Y to X"),
        ("P(X > 0 | do(Y=1)) / P(X > 0 | do(Y=0))", 1.0, "no effect: no path of arrows leads from Y to X"),
        (
            "E[Y | do(X=1, M=0)] - E[Y | do(X=0, M=0)]",
            0.0,
            "no effect: no path of arrows leads from X to Y once M is set",
        ),
        ("E[Y | do(X=1)] - E[Y | do(X=1)]", 0.0, "both sides ask the same"),
        ("E[Y | do(X=1)] - E[Y | do(X=0)]", 0.0, None),
        ("E[X | do(Y=1)] - E[X | do(Y=0)]", 1e-9, None),
        ("E[X | do(Y=1)] - E[M | do(Y=0)]", 0.0, None),
        ("E[X | do(Y=1)]", 0.0, None),
    ],
)
def test_no_effect_is_said_where_the_graph_has_no_path(question, draws, note):
    answer = answer_of(question, np.full(50, draws))
    assert answer.notes == (() if note is None else (note,))
    if note is not None:
        assert str(answer).startswith(f"{draws:g}  (90 % interval")
        assert f"  note: {note}" in str(answer)
        assert f"note: {note}" in Answers((answer,))._repr_html_()
        assert answer.to_json()["notes"] == [note]


def test_cautions_of_a_long_curve_name_a_few_points(sweep):
    points = [replace(answer, warnings=("far out",)) for answer in sweep]
    text = str(Answers((*points, answer_of("E[M]", SLOPE))))
    assert "caution (E[Y | do(X=-2)]; E[Y | do(X=-1)]; 6 more; E[Y | do(X=6)]): far out" in text


def test_a_notebook_shows_a_sweep_as_a_picture_above_its_numbers(sweep, monkeypatch):
    pytest.importorskip("matplotlib")
    html = sweep._repr_html_()
    assert html.index('<img src="data:image/png;base64,') < html.index("<table>")
    assert 'alt="E[Y | do(X)] for X in -2..6 by 1"' in html
    assert "<details><summary>9 numbers</summary>" in html
    assert "<img" not in sweep[:2]._repr_html_()
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert "<img" not in sweep._repr_html_()


def test_a_long_table_shows_its_beginning_and_its_end():
    many = Answers(tuple(answer_of("E[Y]", START + k, name=f"q{k}") for k in range(80)))
    lines = str(many).splitlines()
    assert len(lines) == 1 + 25 + 1 + 5
    assert lines[26] == "… 50 more: .to_pandas() has them all"
    assert lines[27].startswith("q75:")
    assert many._repr_html_().count("<tr>") == 32
    assert len(many.rows()[1]) == len(many.to_json()) == 80


def test_cautions_that_differ_in_numbers_alone_are_given_once_at_each_end(sweep):
    points = [replace(answer, warnings=(f"X = {k} lies outside", "rare")) for k, answer in enumerate(sweep)]
    said = str(Answers(tuple(points))).splitlines()[10:]
    assert said == [
        "  caution (E[Y | do(X=-2)]): X = 0 lies outside",
        "  caution (E[Y | do(X=6)]): X = 8 lies outside (and 7 more between them)",
        "  caution: rare",
    ]


def test_a_range_over_a_node_of_two_values_proposes_the_two():
    posterior = posterior_of("X ~ bernoulli; Y ~ normal(X)")
    with pytest.raises(SupportError, match=r"X=0.05 in the sweep: .* Sweep its values: for X in \[0, 1\]\."):
        ld.ask(posterior, "E[Y | do(X)] for X in 0..1")
    assert len(ld.ask(posterior, "E[Y | do(X)] for X in [0, 1]")) == 2

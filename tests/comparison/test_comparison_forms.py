"""A comparison as text, HTML, LaTeX, tables, JSON and pictures."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.answers import Scale, scale_of
from latentdo.comparison import Comparison, ComparisonRow, Question
from latentdo.errors import QueryError
from latentdo.identification import identify
from latentdo.query import Query

EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"


def row(question: Question, method: str, estimate: float | None, sd: float | None = 0.1, **more) -> ComparisonRow:
    ends = (None, None) if estimate is None or sd is None else (estimate - 2 * sd, estimate + 2 * sd)
    given = {"applies": estimate is not None, "note": "a note" if estimate is not None else "no way through.", **more}
    return ComparisonRow(
        method, estimate, sd if estimate is not None else None, *ends, 0.9, 0.01, question=question, **given
    )


def question(text: str = EFFECT, **more) -> Question:
    query = Query.parse(text)
    return Question(query, identify(ld.graph("X -> M -> Y; X <-> Y"), query), scale_of(query), **more)


def swept(values=(0.0, 1.0, 2.0), name: str | None = None) -> Comparison:
    source = Query.parse(f"E[Y | do(X)] for X in [{', '.join(map(str, values))}]")
    rows = []
    for at, point in source.points:
        asked = question(str(point), at=(("X", at[0]),), source=source, name=name)
        rows += [
            row(asked, "lvm", 0.5 * at[0]),
            row(asked, "naive mean", at[0]),
            row(asked, "plug-in", 0.5 * at[0] + 0.01, warnings=(f"{at[0]:g} rows are few.",)),
            row(asked, "aipw", None),
        ]
    return Comparison(tuple(rows))


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    """Text as wide as where there is no terminal, whatever the tests are started from."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def single() -> Comparison:
    asked = question(name="effect")
    return Comparison(
        (
            row(asked, "lvm", 0.7254, 0.0812),
            row(asked, "naive mean", 1.4),
            row(
                asked, "plug-in", 0.7, warnings=("few rows decide.",), effective=12.5, sets={"adjustment": ("Z", "A b")}
            ),
            row(asked, "aipw", None),
            row(asked, "tmle", None),
            row(asked, "werm-id", None, note="another reason."),
        )
    )


def test_the_text_has_a_table_and_what_has_no_number_below(single):
    lines = single.text().splitlines()
    assert lines[0] == f"{EFFECT}   (effect)"
    assert lines[1] == "  difference in means of Y, in its units · identified"
    assert lines[3].split() == ["method", "estimate", "SE", "90", "%", "interval", "time", "note"]
    assert lines[4].split()[:3] == ["lvm", "0.725", "0.081"]
    assert "naive mean" in lines[5] and "baseline; a note" in lines[5]
    assert len({line.index("a note") for line in lines[4:7] if "baseline" not in line}) == 1
    assert "caution (plug-in): few rows decide." in lines
    assert lines[-3:] == ["Without a number:", "  aipw, tmle: no way through.", "  werm-id: another reason."]
    assert str(single) == repr(single) == single.text()


def test_long_notes_are_folded_below_themselves(single):
    words = " ".join(f"word{k}" for k in range(60))
    lines = Comparison((replace(single[0], note=words),)).text().splitlines()[4:]
    assert max(map(len, lines)) <= 118
    assert [line.index("word") for line in lines] == [lines[0].index("word")] * len(lines)
    assert " ".join(" ".join(lines).split()).endswith(words)


def test_the_text_of_a_sweep_has_a_column_per_point():
    lines = swept().text().splitlines()
    assert lines[3].split() == ["method", "X=0", "X=1", "X=2"]
    assert lines[4].split() == ["lvm", "0.00", "(0.10)", "0.50", "(0.10)", "1.00", "(0.10)"]
    assert "caution (plug-in): 0 to 2 rows are few." in lines
    assert lines[-1] == "  aipw: no way through."
    many = swept(tuple(float(k) for k in range(20)))
    assert "7 of 20 points" in many.text()
    assert len([cell for cell in many.text().splitlines()[3].split() if cell.startswith("X=")]) == 7


def test_lines_are_as_wide_as_the_terminal(single, monkeypatch):
    wide = Comparison(tuple(replace(each, note=" ".join(f"word{k}" for k in range(40))) for each in single))
    assert max(map(len, wide.text().splitlines())) <= 118
    for width in (60, 80, 99, 140):
        assert max(map(len, wide.text(width).splitlines())) <= width
        monkeypatch.setenv("COLUMNS", str(width))
        assert str(wide) == wide.text(width) != wide.text(120)
    monkeypatch.delenv("COLUMNS")
    assert str(wide) == wide.text(120)
    # At a terminal that says how wide it is.
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda *_: os.terminal_size((90, 30)))
    assert str(wide) == wide.text(90) != wide.text(120)
    lines = wide.text(80).splitlines()
    # A note without room beside its numbers stands below them.
    assert lines[4].split()[:3] == ["lvm", "0.725", "0.081"] and lines[4].endswith("s")
    assert lines[5].startswith("    word0 word1")
    many = swept(tuple(float(k) for k in range(20)))
    assert max(map(len, many.text(70).splitlines())) <= 70
    assert "4 of 20 points, SE in brackets" in many.text(70)


def test_cautions_that_differ_in_numbers_are_one_and_names_are_not_numbers(single):
    words = (
        "for 2 of 800 rows P38 says little.",
        "for 14 of 800 rows P38 says little.",
        "for 3 of 800 rows P39 says little.",
    )
    rows = [replace(each, warnings=(said,)) for each, said in zip(single, words, strict=False)]
    text = Comparison(tuple(rows)).text()
    assert "caution (lvm, naive mean): for 2 to 14 of 800 rows P38 says little." in text
    assert "caution (plug-in): for 3 of 800 rows P39 says little." in text


def test_a_row_shows_its_number_with_the_interval(single):
    assert repr(single[0]) == f"<lvm of {EFFECT}: 0.725 units of Y, SE 0.081, 90 % interval 0.563 to 0.888>"
    assert repr(single[3]) == f"<aipw of {EFFECT}: no number. no way through.>"


def test_html_escapes_what_users_typed(single):
    evil = "<script>alert(1)</script>"
    asked = replace(single[0].question, name=evil)
    rows = [replace(each, question=asked, note=evil, warnings=(evil,)) for each in single]
    for shown in (Comparison(tuple(rows))._repr_html_(), Comparison(tuple(rows)).to_html()):
        assert "<script" not in shown
        assert shown.count("&lt;script&gt;") >= 4
    assert "<summary>Without a number:</summary><ul><li>aipw, tmle: no way through.</li>" in single._repr_html_()


def test_the_page_has_a_picture_per_question(single):
    both = Comparison((*single, *swept()))
    assert both.to_html().count('<img src="data:image/png;base64,') == 2
    assert both.to_html().startswith("<!doctype html>")
    assert f"<title>{EFFECT}   (effect) and 1 more question</title>" in both.to_html()
    assert "No picture" not in both.to_html()


def test_rows_as_json_and_csv_have_no_nan(single, tmp_path):
    odd = Comparison((*single, replace(single[1], effective=float("nan"))))
    found = json.loads(json.dumps(odd.to_json(), allow_nan=False))
    assert found[0]["method"] == "lvm" and found[0]["estimate"] == 0.7254 and found[0]["name"] == "effect"
    assert found[3]["estimate"] is None and found[3]["applies"] is False and found[3]["note"] == "no way through."
    assert found[2]["sets"] == {"adjustment": ["Z", "A b"]} and found[2]["effective"] == 12.5
    assert found[-1]["effective"] is None
    path = odd.to_csv(tmp_path / "rows.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [each["method"] for each in rows] == [each.method for each in odd]
    assert float(rows[0]["estimate"]) == 0.7254 and rows[3]["estimate"] == ""
    assert rows[2]["sets"] == "adjustment {Z, `A b`}" and rows[2]["warnings"] == "few rows decide."


def test_data_frames_have_a_column_per_axis(single):
    frame = swept().to_pandas()
    assert list(frame["X"].unique()) == [0.0, 1.0, 2.0]
    assert frame.shape[0] == 12 and frame[frame.method == "aipw"].estimate.isna().all()
    assert list(single.to_pandas().columns[:4]) == ["query", "name", "method", "estimate"]
    assert list(Comparison(()).to_pandas().columns) == ["query", "method"]


def test_latex_is_a_booktabs_table(single):
    lines = single.latex().splitlines()
    assert lines[:2] == [r"\begin{tabular}{lrrll}", r"\toprule"] and lines[-1] == r"\end{tabular}"
    assert r"lvm & $0.725$ & $0.081$ & $[0.563,\ 0.888]$ & -- \\" in lines
    assert any(line.startswith("naive mean (baseline) & $1.400$") for line in lines)
    assert any("Without a number: aipw, tmle, werm-id." in line for line in lines)
    assert lines.count(r"\midrule") == 1
    odd = Comparison((replace(single[0], question=replace(single[0].question, name="50 % & more_")),))
    assert r"50 \% \& more\_" in odd.latex()


def test_cautions_are_footnotes_of_latex(single):
    asked = [replace(single[0].question), replace(single[0].question)]
    both = "50 % of the rows decide."
    rows = [
        row(asked[0], "lvm", 0.7, warnings=(both, "another.")),
        row(asked[0], "plug-in", 0.7),
        row(asked[1], "plug-in", 0.7, warnings=(both,)),
    ]
    lines = Comparison(tuple(rows)).latex().splitlines()
    assert [line.split(" & ")[0] for line in lines if " & $0.70$" in line] == [
        "lvm$^{a,b}$",
        "plug-in",
        "plug-in$^{a}$",
    ]
    notes = [line for line in lines if r"\footnotesize $^" in line]
    assert len(notes) == 2 and r"$^{a}$ 50 \% of the rows decide." in notes[0] and "$^{b}$ another." in notes[1]


def test_a_fit_that_must_not_be_overlooked_has_a_mark_with_its_meaning():
    found = ld.compare(handmade(n_draws=6), EFFECT, methods="plug-in", replicates=0)
    assert r"^{\ddagger}" in found.latex()
    assert "Not converged" in found.latex()


# --- pictures


def labels(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def colours(axes) -> dict[float, tuple[str, bool]]:
    """By height: the colour of a point's marker, and whether it is hollow."""
    points = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    return {float(line.get_ydata()[0]): (line.get_color(), line.get_markerfacecolor() == "white") for line in points}


def test_the_forest_shows_what_has_a_number_and_counts_the_rest(single):
    axes = single.plot()
    assert labels(axes) == ["lvm", "naive mean (baseline)", "plug-in"]
    assert "3 methods are not drawn" in axes.get_xlabel()
    assert "difference in means of Y" in axes.get_xlabel() and "90 % interval" in axes.get_xlabel()
    found = colours(axes)
    assert found[0.0] == ("#0072B2", False) and found[1.0][1] and not found[2.0][1]
    assert len({colour for colour, _ in found.values()}) == 3
    # The line of no effect.
    assert any(line.get_xdata()[0] == line.get_xdata()[-1] == 0.0 and len(line.get_xdata()) == 2 for line in axes.lines)
    assert EFFECT in axes.figure.get_suptitle()


def test_a_picture_is_drawn_into_given_axes(single):
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    assert single.plot(axes) is axes
    with pytest.raises(QueryError, match="2 questions, and one pair of axes"):
        Comparison((*single, *swept())).plot(axes)


def test_a_sweep_is_a_curve_per_method_with_the_models_band():
    axes = swept().plot()
    drawn = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert list(drawn) == ["lvm", "naive mean (baseline)", "plug-in"]
    np.testing.assert_allclose(drawn["plug-in"].get_ydata(), [0.01, 0.51, 1.01])
    (band,) = [
        each
        for each in axes.collections
        if type(each).__name__.startswith("FillBetween") or "Poly" in type(each).__name__
    ]
    assert band.get_paths()[0].vertices[:, 1].min() == pytest.approx(-0.2)
    assert "aipw" in axes.get_xlabel()
    assert axes.get_legend() is not None


def test_several_questions_have_a_panel_each(single):
    figure = Comparison((*single, *swept())).plot().figure
    assert len(figure.axes) == 2


def approximate(questions: list[Question]) -> Comparison:
    """Of each question the row of a model that is an approximation, and a baseline."""
    posterior = handmade()
    blocks = tuple(replace(block, approximate="Laplace approximation") for block in posterior.blocks)
    answer = ld.ask(replace(posterior, blocks=blocks), EFFECT)
    rows = [(row(each, "lvm", 0.7, answer=answer), row(each, "naive regression", 1.4)) for each in questions]
    return Comparison(tuple(itertools.chain.from_iterable(rows)))


def test_what_must_not_be_overlooked_stands_whole_in_every_title():
    source = Query.parse("E[Y | do(X)] for X in [0, 1]")
    points = [question(str(point), at=(("X", at[0]),), source=source) for at, point in source.points]
    found = approximate([question(name="a name of an effect that is long enough to need a line of its own"), *points])
    figure = found.plot().figure
    figure.draw_without_rendering()
    right = figure.bbox.width
    for axes in figure.axes:
        title = axes.get_title(loc="left")
        assert title.splitlines()[-1].endswith("APPROXIMATE: Laplace approximation")
        assert axes._left_title.get_window_extent().x1 < right
    alone = found.parts[0].plot().figure
    assert alone.get_suptitle().splitlines()[-1].endswith("APPROXIMATE: Laplace approximation")


def test_an_approximate_model_does_not_look_like_a_baseline():
    source = Query.parse("E[Y | do(X)] for X in [0, 1]")
    points = [question(str(point), at=(("X", at[0]),), source=source) for at, point in source.points]
    for found in (approximate([question()]), approximate(points)):
        axes = found.plot()
        model, baseline = (line for line in axes.lines if line.get_marker() not in ("None", None, ""))
        assert model.get_fillstyle() == "left" and model.get_markerfacecolor() != "white"
        assert baseline.get_fillstyle() == "full" and baseline.get_markerfacecolor() == "white"


def test_curves_say_which_intervals_they_have():
    found = swept()
    assert "band: 90 % interval of lvm; bars: 90 % intervals" in found.plot().get_xlabel()
    rivals = Comparison(tuple(each for each in found if each.method != "lvm"))
    assert "\nbars: 90 % intervals" in rivals.plot().get_xlabel()
    bare = Comparison(tuple(replace(each, lower=None, upper=None) for each in rivals))
    assert "interval" not in bare.plot().get_xlabel()


def test_two_axes_have_no_picture_of_several_methods(tmp_path):
    source = Query.parse("E[Y | do(X, M)] for X in [0, 1], M in [0, 1]")
    rows = [
        row(question(str(point), at=tuple(zip(("X", "M"), at, strict=True)), source=source), "lvm", 1.0)
        for at, point in source.points
    ]
    with pytest.raises(QueryError, match="two axes"):
        Comparison(tuple(rows)).plot()
    page = Comparison(tuple(rows)).to_html()
    assert "<table>" in page and "No picture: a sweep over two nodes" in page
    assert "X=0, M=1" in Comparison(tuple(rows)).text()


def test_scales_are_those_of_answers(front_door):
    found = ld.compare(front_door.with_units({"Y": "mmHg"}), EFFECT, methods="plug-in", replicates=0)
    assert isinstance(found[0].scale, Scale) and {each.unit for each in found} == {"mmHg"}
    assert "in mmHg" in found.text() and "in mmHg" in found.plot().get_xlabel()


def test_levels_have_points_side_by_side():
    source = Query.parse("E[Y | do(X)] for X in [low, high]")
    rows = []
    for at, point in source.points:
        asked = question(str(point), at=(("X", at[0]),), source=source)
        rows += [row(asked, method, 1.0 + k) for k, method in enumerate(["lvm", "naive mean", "plug-in", "ipw"])]
    axes = Comparison(tuple(rows)).plot()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["low", "high"]
    places = [float(line.get_xdata()[0]) for line in axes.lines if not line.get_label().startswith("_")]
    assert len(places) == 4 and places == sorted(set(places)) and max(map(abs, places)) < 0.5

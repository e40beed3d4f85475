"""Forest plots: what is drawn, where, and that any text a user brings can be drawn."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from latentdo.errors import MissingExtraError
from latentdo.plots import forest
from latentdo.query import Summary

matplotlib = pytest.importorskip("matplotlib")


def row(label: str, estimate: float | None = 1.0, half: float | None = 0.5, method: str = "lvm") -> Summary:
    low, high = (None, None) if half is None or estimate is None else (estimate - half, estimate + half)
    return Summary(label, estimate, half, low, high, 0.9, None, method)


def segments(axes) -> list[tuple[list[float], list[float]]]:
    return [([float(x) for x in line.get_xdata()], [float(y) for y in line.get_ydata()]) for line in axes.lines]


def test_each_row_is_a_point_on_its_interval_from_top_to_bottom():
    axes = forest([row("first", 1.0), row("second", 3.0, 1.0)])
    assert segments(axes) == [
        ([0.5, 1.5], [0, 0]),
        ([1.0], [0]),
        ([2.0, 4.0], [1, 1]),
        ([3.0], [1]),
    ]
    bottom, top = axes.get_ylim()
    assert bottom > top
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]


def test_a_row_without_an_interval_is_a_point_and_one_without_a_number_is_empty():
    axes = forest([row("point", 2.0, None, "aipw"), row("nothing", None, None, "tmle")])
    assert segments(axes) == [([2.0], [0])]
    assert len(axes.get_yticks()) == 2


def test_ours_and_rivals_are_told_apart_by_shape_and_colour():
    ours, rival = forest([row("a", half=None), row("b", half=None, method="aipw")]).lines
    assert ours.get_marker() != rival.get_marker()
    assert ours.get_color() != rival.get_color()


def test_a_reference_is_marked_beside_its_row_alone():
    axes = forest([row("a", 1.0, None), row("b", 2.0, None)], references={"b": 2.5, "elsewhere": 9.0})
    assert segments(axes) == [([1.0], [0]), ([2.0], [1]), ([2.5], [1])]


def test_an_axes_of_the_users_is_drawn_on():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert forest([row("a")], ax=axes, title="Here", xlabel="µg") is axes
    assert axes.get_title(loc="left") == "Here"
    assert axes.get_xlabel() == "µg"


def test_a_plot_leaves_no_global_state():
    import matplotlib.pyplot

    forest([row("a")])
    assert matplotlib.pyplot.get_fignums() == []


HARD = ["$x_1$", "a $ b", r"\alpha \$ $", "<b>&", "100 % of {it}", "x" * 300, "a long question " * 20, "ÅΣμ↔≤", ""]


@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.parametrize("text", HARD, ids=[str(k) for k in range(len(HARD))])
def test_any_text_can_be_drawn(text: str, kind: str, tmp_path: Path):
    target = tmp_path / f"plot.{kind}"
    forest([row(text), row("b")], title=text, xlabel=text[:40]).figure.savefig(target)
    assert target.stat().st_size > 1000


def test_a_dollar_sign_is_a_dollar_sign(tmp_path: Path):
    target = tmp_path / "plot.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        forest([row("cost in $ and $")]).figure.savefig(target)
    assert "cost in $ and $" in target.read_text(encoding="utf-8")


def test_long_labels_are_folded_and_leave_room_for_the_axes(tmp_path: Path):
    axes = forest([row("E[Y | do(X=1)] - " * 12), row("b")])
    axes.figure.savefig(tmp_path / "plot.png")
    width = axes.get_position().width
    assert width > 0.3
    lines = axes.get_yticklabels()[0].get_text().splitlines()
    assert max(map(len, lines)) <= 42
    assert len(lines) > 3


def test_many_rows_make_a_taller_figure():
    few, many = (forest([row(str(k)) for k in range(n)]).figure.get_figheight() for n in (2, 40))
    assert many > 5 * few


def test_very_many_rows_stand_closer():
    few, many = (forest([row(str(k)) for k in range(n)]).figure for n in (40, 110))
    assert many.get_figheight() < 1.5 * few.get_figheight()
    size = [figure.axes[0].get_yticklabels()[0].get_fontsize() for figure in (few, many)]
    assert size[1] < 0.7 * size[0]


def test_many_panels_stand_in_columns():
    rows = [Summary(str(k), 1.0, 0.1, 0.8, 1.2, 0.9, f"unit {k}", "lvm") for k in range(40)]
    axes = forest(rows)
    figure = axes.figure
    figure.canvas.draw()
    assert len(figure.axes) == 40
    assert figure.get_figheight() < 21
    assert len({round(panel.get_subplotspec().get_topmost_subplotspec().colspan.start) for panel in figure.axes}) == 2


def test_no_rows_make_an_empty_plot(tmp_path: Path):
    forest([]).figure.savefig(tmp_path / "plot.png")


def test_a_missing_matplotlib_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError) as caught:
        forest([row("a")])
    assert str(caught.value) == "A plot needs matplotlib. Install it with: pip install 'latentdo[plot]'"


def test_labels_break_between_terms_and_not_inside_them():
    label = "P(Y > 1.5 | do(X=1), Z=2) - P(Y > 1.5 | do(X=0), Z=2)"
    axes = forest([Summary(label, 0.1, 0.05, 0.0, 0.2, 0.9, None, "lvm")])
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "P(Y > 1.5 | do(X=1), Z=2) -\nP(Y > 1.5 | do(X=0), Z=2)"
    ]


@pytest.mark.parametrize(("low", "high"), [(0.5, 12.0), (0.002, 400.0), (1e-6, 1e6), (1e-40, 1e50)])
@pytest.mark.parametrize("narrow", [False, True])
def test_numbers_of_a_log_scale_do_not_run_into_each_other(low: float, high: float, narrow: bool):
    from matplotlib.figure import Figure

    ratio = Summary("odds", 1.0, None, low, high, 0.9, None, "lvm", "odds ratio", 1.0)
    wide = Summary("odds", 1.0, None, 1e-90, 1e90, 0.9, None, "prior", "odds ratio", 1.0)
    axes = forest(
        [ratio], beside=[[wide]], ax=Figure((6, 2), layout="constrained").subplots(1, 3)[0] if narrow else None
    )
    axes.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    assert len(boxes) >= 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert axes.get_xlim()[0] < low and high < axes.get_xlim()[1]


def test_a_label_is_broken_within_a_term_only_behind_commas():
    from latentdo.plots.forest import _folded

    label = "E[wt82_71 | do(qsmk=1), smokeintensity > 20] - E[wt82_71 | do(qsmk=0), smokeintensity > 20]"
    assert all(line.count("[") == line.count("]") for line in _folded(label).split("\n"))
    long = "RD[Y=1 | X: 0 -> 1, do(W=1), " + ", ".join(f"Covariate{k}=1" for k in range(6)) + "]"
    assert all(line.endswith((",", "]")) for line in _folded(long).split("\n"))

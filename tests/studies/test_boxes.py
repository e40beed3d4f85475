"""Pictures of many data sets: boxes of errors, shares of intervals, times."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from latentdo.errors import MissingExtraError
from studies.box import Box, BoxPanel, boxes, boxes_caption, method_colours
from studies.figure_files import inlined, write_figure
from studies.share import Share, SharePanel, shares
from studies.span import Span, spans

matplotlib = pytest.importorskip("matplotlib")

FIVE = (1.0, 2.0, 3.0, 4.0, 5.0)
PANEL = BoxPanel(
    "q", (Box("lvm", "n = 15", FIVE, (2.5, 2.0, 3.5)), Box("plug-in", "n = 15", FIVE), Box("lvm", "n = 60", FIVE))
)


def medians(axes) -> list[tuple[float, float]]:
    """Place and height of the black lines in the boxes."""
    lines = [line for line in axes.lines if line.get_color() == "black" and len(line.get_xdata())]
    return [(float(np.mean(line.get_xdata())), float(line.get_ydata()[0])) for line in lines]


def test_a_box_has_its_median_and_stands_in_its_group():
    axes = boxes([PANEL])
    found = medians(axes)
    assert [height for _, height in found] == [3.0, 3.0, 3.0]
    assert [round(place) for place, _ in found] == [0, 0, 1]
    assert found[0][0] < found[1][0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["n = 15", "n = 60"]


def test_published_median_and_quartiles_stand_beside_the_box():
    axes = boxes([PANEL])
    (mark,) = (line for line in axes.lines if line.get_marker() == "D")
    assert float(mark.get_ydata()[0]) == 2.5
    assert any(list(line.get_ydata()) == [2.0, 3.5] for line in axes.lines)
    assert float(mark.get_xdata()[0]) > medians(axes)[0][0]


def test_axis_begins_at_zero_and_holds_the_whiskers():
    low, high = boxes([PANEL]).get_ylim()
    assert low == 0
    assert high == pytest.approx(5 * 1.08)


def test_what_would_flatten_the_others_is_marked_at_the_edge_and_told():
    wild = Box("dipw", "n = 15", tuple(100 * value for value in FIVE), (250.0, 200.0, 350.0))
    panel = BoxPanel("q", (*PANEL.boxes, wild))
    axes = boxes([panel])
    assert axes.get_ylim()[1] < 20
    marks = [line for line in axes.lines if line.get_marker() == "^"]
    assert len(marks) == 2
    assert {text.get_text() for text in axes.texts} == {"3e+02", "2.5e+02"}
    assert boxes_caption([panel]).endswith("q: 5 errors and 1 published median lie above the picture (▲, up to 500).")


def test_caption_of_a_picture_that_shows_everything_says_nothing_of_an_edge():
    assert "above the picture" not in boxes_caption([PANEL])
    assert "published" in boxes_caption([PANEL])
    assert "published" not in boxes_caption([BoxPanel("q", (Box("lvm", "n = 15", FIVE),))])


def test_an_outlier_is_beyond_one_and_a_half_interquartile_ranges():
    assert Box("lvm", "g", (1.0, 2.0, 3.0, 4.0, 7.0)).whisker == 7.0
    assert Box("lvm", "g", (1.0, 2.0, 3.0, 4.0, 7.1)).whisker == 4.0


def test_each_method_has_a_colour_of_its_own():
    names = (
        "lvm",
        "lvm misspecified",
        "plug-in",
        "g-formula",
        "aipw",
        "tmle",
        "pipw",
        "dipw",
        "naive mean",
        "naive regression",
        "floor",
    )
    assert len(set(method_colours(names).values())) == len(names)
    assert method_colours(names)["lvm"] == method_colours(names[:1])["lvm"]


def test_errors_of_zero_and_one_data_set_and_none_can_be_drawn():
    boxes(
        [
            BoxPanel("zero", (Box("lvm", "g", (0.0, 0.0)),)),
            BoxPanel("one", (Box("lvm", "g", (0.3,)),)),
            BoxPanel("none", ()),
        ]
    )
    assert BoxPanel("none", ()).top == 1.0


def test_legend_names_methods_and_what_was_published():
    (legend,) = boxes([PANEL]).figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["lvm", "plug-in", "published"]


def test_a_share_that_falls_short_is_a_triangle_and_a_method_without_intervals_a_cross():
    panel = SharePanel("q", 0.9, (Share("lvm", "g", 0.92, 0.03, 0.81), Share("plug-in", "g", 0.5, 0.03, 0.81),
                                   Share("mean", "g", 0.7, 0.1, None, "7"), Share("naive mean", "g", None)))  # fmt: skip
    axes = shares([panel])
    signs = [(line.get_marker(), float(line.get_ydata()[0])) for line in axes.lines if line.get_marker() in "ovx"]
    bottom = axes.get_ylim()[0]
    assert signs == [("o", 0.92), ("v", 0.5), ("o", 0.7), ("x", bottom)]
    assert [text.get_text() for text in axes.texts] == ["7"]
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()][-2:] == ["falls short", "no intervals"]
    assert bottom < 0.47
    assert any(list(line.get_ydata()) == [0.9, 0.9] for line in axes.lines)


def test_times_stand_on_a_log_scale_with_the_published_ones():
    axes = spans([Span("a", 3.0, 1.0, 6.0, (99.0, 99.0)), Span("b", 40.0, 20.0, 80.0)])
    assert axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    assert low < 1.0
    assert high > 99.0
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert len(axes.figure.legends) == 1
    assert not spans([Span("b", 40.0, 20.0, 80.0)]).figure.legends


def test_files_are_of_their_kind_and_always_the_same(tmp_path):
    paths = write_figure(boxes([PANEL]).figure, tmp_path / "a.b")
    again = write_figure(boxes([PANEL]).figure, tmp_path / "again")
    assert [path.name for path in paths] == ["a.b.png", "a.b.svg", "a.b.pdf"]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    for path, sign in zip(paths, (b"\x89PNG", b"<?xml", b"%PDF"), strict=True):
        assert path.read_bytes().startswith(sign)
    assert inlined(paths[1]).startswith("data:image/svg+xml;base64,")


def test_dollars_in_names_are_dollars(tmp_path):
    axes = boxes([BoxPanel("$q$", (Box("$x$", "$1$", FIVE),))], title="$t$", xlabel="$", ylabel="$")
    write_figure(axes.figure, tmp_path / "dollars")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="plot"):
        boxes([PANEL])


@pytest.mark.parametrize("seconds", [0.002, 3.0, 45.0, 400.0, 20_000.0])
def test_a_time_scale_has_ticks_wherever_it_lies(seconds):
    axes = spans([Span("a", seconds, seconds, seconds)])
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert 3 <= len(ticks) <= 8
    wide = spans([Span("a", seconds, seconds / 1000, seconds * 1000)])
    assert 3 <= len(wide.get_xticks()) <= 8

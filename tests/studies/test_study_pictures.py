"""Pictures of many data sets: boxes of errors, shares of intervals, times."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from made_rows import STUDY, made_rows

from latentdo.errors import MissingExtraError
from studies.pictures import inlined, method_colours, picture_of_times, pictures_of, write_figure

matplotlib = pytest.importorskip("matplotlib")


def axes_of(name, rows=None, study=STUDY):
    found = {picture.name: picture for picture in pictures_of(study, made_rows() if rows is None else rows)}
    return found[name], found[name].figure.axes[0]


def test_a_box_has_its_median_and_stands_in_the_group_of_its_size():
    _, axes = axes_of("made-errors", made_rows(["lvm"]))
    lines = [line for line in axes.lines if line.get_color() == "black" and len(line.get_xdata())]
    assert [round(float(line.get_ydata()[0]), 9) for line in lines if np.ptp(line.get_ydata()) == 0][:2] == [3.0, 0.3]
    assert [round(float(np.mean(line.get_xdata()))) for line in lines] == [0, 1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["n = 15", "n = 60"]
    assert axes.get_ylim()[0] == 0


def test_published_median_and_quartiles_stand_beside_the_box():
    picture, axes = axes_of("made-errors", made_rows(["lvm"]))
    (mark,) = (line for line in axes.lines if line.get_marker() == "D")
    assert float(mark.get_ydata()[0]) == 0.4
    assert any([round(float(y), 9) for y in line.get_ydata()] == [0.2, 0.6] for line in axes.lines)
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["lvm", "published"]


def test_what_would_flatten_the_others_is_marked_at_the_edge_and_told():
    wild = [{**row, "method": "dipw", "estimate": 1e3 + row["estimate"]} for row in made_rows(["lvm"])]
    picture, axes = axes_of("made-errors", [*made_rows(["lvm", "lvm misspecified", "mean"]), *wild])
    assert axes.get_ylim()[1] < 100
    assert any(line.get_marker() == "^" for line in axes.lines)
    assert "effect: 24 errors above the picture" in picture.caption


def test_a_share_that_falls_short_is_a_triangle_and_a_method_without_intervals_a_cross():
    none = [{**row, "method": "mean", "lower": None, "upper": None} for row in made_rows(["lvm"])]
    _, axes = axes_of("made-intervals", [*made_rows(["lvm", "plug-in"]), *none])
    signs = [line.get_marker() for line in axes.lines if line.get_marker() in ("o", "v", "x")]
    assert signs == ["o", "v", "o", "v", "x", "x"]
    assert any(list(line.get_ydata()) == [0.9, 0.9] for line in axes.lines)


def test_times_stand_on_a_log_scale_with_the_published_ones():
    study = dataclasses.replace(STUDY, name="signaling")
    found = picture_of_times([study], [{**row, "study": "signaling"} for row in made_rows(["lvm"])])
    assert found is not None
    (axes,) = found.figure.axes
    assert axes.get_xscale() == "log"
    assert any(list(line.get_xdata()) == [99.0, 99.0] for line in axes.lines)
    assert "49.5 minutes for 30 fits" in found.caption
    assert picture_of_times([STUDY], made_rows(["plug-in"])) is None


def test_each_method_has_a_colour_of_its_own():
    names = ("lvm", "plug-in", "g-formula", "aipw", "tmle", "pipw", "dipw", "naive mean", "naive regression", "floor")
    assert len(set(method_colours(names).values())) == len(names)
    assert method_colours(names)["lvm"] == method_colours(names[:1])["lvm"]


def test_files_are_of_their_kind_and_always_the_same(tmp_path):
    paths, again = (
        write_figure(axes_of("made-errors", made_rows(["lvm"]))[0].figure, tmp_path / name) for name in ("a.b", "again")
    )
    assert [path.name for path in paths] == ["a.b.png", "a.b.svg", "a.b.pdf"]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    assert inlined(paths[1]).startswith("data:image/svg+xml;base64,")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="plot"):
        pictures_of(STUDY, made_rows())

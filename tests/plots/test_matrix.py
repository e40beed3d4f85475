"""The matrix of letters: what is drawn where, for any size and any name."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from latentdo.errors import MissingExtraError, QueryError
from latentdo.plots import matrix

matplotlib = pytest.importorskip("matplotlib")

LEGEND = [("B", "back-door (1)"), ("x", "not identified (2)")]


def test_each_letter_is_a_tile_in_its_colour_and_a_mark():
    axes = matrix(["r", "s"], ["a", "b", "c"], [["B", "", "x"], ["x", "B", ""]], LEGEND)
    tiles = axes.collections[0]
    assert len(tiles.get_paths()) == 4
    colours = [matplotlib.colors.to_hex(colour) for colour in tiles.get_facecolors()]
    assert colours[0] == colours[3] != colours[1] == colours[2]
    marks = axes.collections[1:]
    assert [mark.get_offsets().tolist() for mark in marks] == [[[0, 0], [1, 1]], [[2, 0], [0, 1]]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_the_legend_names_letter_and_meaning():
    axes = matrix(["r"], ["a"], [["B"]], LEGEND, title="told")
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["B  back-door (1)", "x  not identified (2)"]
    assert axes.figure.get_suptitle() == "told"


def test_draws_into_axes_that_are_given():
    from matplotlib.figure import Figure

    given = Figure().subplots()
    assert matrix(["r"], ["a"], [["B"]], LEGEND, ax=given, title="told") is given
    assert given.get_legend() is not None
    assert given.get_title(loc="left") == "told"
    with pytest.raises(QueryError, match="drawn into matplotlib axes, not into 3"):
        matrix(["r"], ["a"], [["B"]], LEGEND, ax=3)


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_any_size_can_be_saved_without_a_warning(count: int, tmp_path: Path):
    names = [f"node number {i} $x" for i in range(count)]
    letters = [["B" if i != j else "" for j in range(count)] for i in range(count)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix(names, names, letters, LEGEND).figure.savefig(tmp_path / "m.png", dpi=30)
    assert (tmp_path / "m.png").stat().st_size > 0


def test_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"A plot needs matplotlib"):
        matrix([], [], [], [])

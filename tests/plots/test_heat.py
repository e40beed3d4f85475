"""The heat map of signed numbers: colours around 0, numbers that can be read, any size and any name."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from latentdo.errors import MissingExtraError, QueryError
from latentdo.plots import Tile, heat, limit_of, tint

matplotlib = pytest.importorskip("matplotlib")

TILES = [
    [Tile(), Tile("1.0", 2.0, "number", bold=True), Tile("-0.5", -1.0, "insisted")],
    [Tile(kind="none"), Tile(kind="hatched"), Tile(kind="blank")],
]


def test_zero_is_in_the_middle_of_the_colours():
    assert limit_of(TILES) == 2.0
    assert tint(0.0, 2.0)[0] == "#F7F7F7"
    assert tint(2.0, 2.0)[0] == tint(5.0, 2.0)[0] == "#B2182B"
    assert tint(-2.0, 2.0)[0] == "#2166AC"
    assert tint(None, 2.0) == tint(float("nan"), 2.0) == ("#FFFFFF", "#111111")
    assert limit_of([[Tile()]]) == 1.0


@pytest.mark.parametrize("value", [-1.0, -0.6, -0.2, 0.0, 0.2, 0.6, 1.0])
def test_letters_stand_out_from_their_tile(value: float):
    def luminance(colour: str) -> float:
        channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted(map(luminance, tint(value, 1.0)))
    # Contrast ratio of large text, WCAG 2.2, 1.4.3.
    assert (light + 0.05) / (dark + 0.05) >= 4.0


def test_draws_numbers_dots_and_hatching():
    axes = heat(
        ["r", "s"], ["a", "b", "c"], TILES, [("bold", "clear"), ("dot", "none"), ("hatched", "unknown")], title="told"
    )
    texts = {text.get_text(): text for text in axes.texts}
    assert set(texts) == {"1.0", "-0.5"}
    assert texts["1.0"].get_fontweight() == "bold"
    assert texts["-0.5"].get_fontweight() == "normal"
    squares, hatched, dots = axes.collections
    assert dots.get_offsets().tolist() == [[0, 1]]
    assert len(squares.get_paths()) == 5
    assert len(hatched.get_paths()) == 2
    assert hatched.get_hatch()
    assert axes.figure.get_suptitle() == "told"
    (legend,) = axes.figure.legends
    assert [text.get_text().split()[-1] for text in legend.get_texts()] == ["clear", "none", "unknown"]


def test_draws_into_axes_that_are_given():
    from matplotlib.figure import Figure

    given = Figure().subplots()
    assert heat(["r", "s"], ["a", "b", "c"], TILES, [("dot", "none")], ax=given, title="told") is given
    assert given.get_legend() is not None
    assert given.get_title(loc="left") == "told"
    with pytest.raises(QueryError, match="drawn into matplotlib axes, not into 3"):
        heat(["r"], ["a"], [[Tile()]], [], ax=3)


@pytest.mark.parametrize("count", [0, 1, 5, 30])
def test_any_size_can_be_saved_without_a_warning(count: int, tmp_path: Path):
    names = [f"node number {i} $x" for i in range(count)]
    tiles = [
        [Tile("0.12", i - j, "number") if i > j else Tile(kind="none") for j in range(count)] for i in range(count)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heat(names, names, tiles, []).figure.savefig(tmp_path / "m.png", dpi=20)
    assert (tmp_path / "m.png").stat().st_size > 0


def test_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="latentdo\\[plot\\]"):
        heat(["r"], ["a"], [[Tile()]], [])

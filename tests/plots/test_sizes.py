"""The picture of a planned size: what is dashed, and what has no number to show."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

from latentdo.plots import Planned, size_curve
from latentdo.plots.sizes import log_ticks

AT = np.array([50.0, 100.0, 200.0, 400.0, 800.0])
PLANNED = Planned(
    at=AT,
    value=4 / np.sqrt(AT),
    lower=3.8 / np.sqrt(AT),
    upper=4.2 / np.sqrt(AT),
    target=0.2,
    n=400,
    interval=(380.0, 420.0),
    simulated=(100.0, 400.0),
    points=(np.array([100.0, 400.0]), np.array([0.4, 0.2])),
)


def test_the_law_is_dashed_beyond_what_was_simulated() -> None:
    axes = size_curve(PLANNED, law="width")
    dashed = [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert dashed == [[50.0, 100.0], [400.0, 800.0]]
    assert "extrapolated" in [line.get_label() for line in axes.lines]


def test_without_a_number_the_goal_stands_alone() -> None:
    axes = size_curve(dataclasses.replace(PLANNED, n=None, interval=None))
    labels = [str(line.get_label()) for line in axes.lines]
    assert "goal: 0.2" in labels
    assert not any("samples, with" in label for label in labels)


def test_shares_have_wilson_intervals_and_stay_within_0_and_1() -> None:
    shares = dataclasses.replace(PLANNED, points=None, shares=((100, 0.5, 20), (200, 1.0, 20)), target=0.8)
    axes = Figure().subplots()
    assert size_curve(shares, ax=axes, ylabel="share", title="$") is axes
    segments = [collection.get_segments()[0] for collection in axes.collections if hasattr(collection, "get_segments")]
    ends = [(segment[0, 1], segment[-1, 1]) for segment in segments]
    # Wilson (1927) at 0.5 of 20: 0.5 ± z √(1/4n + z²/4n²) / (1 + z²/n).
    half = 1.645 * np.sqrt(0.25 / 20 + 1.645**2 / 1600) / (1 + 1.645**2 / 20)
    assert np.allclose(ends[0], (0.5 - half, 0.5 + half))
    assert ends[1][1] <= 1
    assert axes.get_title(loc="left") == r"\$"


@pytest.mark.parametrize(
    "ends", [(60, 300), (90, 12_000), (0.38, 0.85), (0.41, 0.95), (0.05, 0.8), (1e-6, 1e5), (100, 130), (20, 45)]
)
def test_a_logarithmic_axis_has_three_to_twelve_round_ticks(ends) -> None:
    ticks = log_ticks(*ends)
    assert 3 <= len(ticks) <= 12
    assert all(ends[0] <= tick <= ends[1] for tick in ticks)


def test_every_tick_of_the_picture_has_its_number() -> None:
    axes = size_curve(PLANNED)
    for axis in (axes.xaxis, axes.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert len(labels) >= 3
        assert all(labels)

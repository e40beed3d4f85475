"""Curves of tens of thousands of points: what is drawn of them is what a picture can show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from handmade_answers import answer_of, line_draws, sweep_of
from latentdo.answers import Answers
from latentdo.answers.pictures import _spread
from latentdo.query import Axis, Query

N = 30_000
START, SLOPE = line_draws(n=40)
(POINT,) = sweep_of("E[Y | do(X)] for X in [0]")


def long_sweep(places: np.ndarray) -> Answers:
    """A line at many places; of every third also what the prior says."""
    source = Query(Query.parse("E[Y | do(X)] for X in [0]").expression, (Axis("X", tuple(places.tolist())),))
    prior = answer_of("E[Y]", 10 * START)
    draws = START + SLOPE * places[:, None]
    return Answers(
        tuple(
            replace(POINT, draws=own, at=(("X", x),), source=source, prior=None if k % 3 else prior)
            for k, (x, own) in enumerate(zip(places.tolist(), draws, strict=True))
        )
    )


@pytest.mark.parametrize("spacing", ["even", "uneven", "backwards"])
def test_a_long_curve_is_drawn_from_ends_to_ends_in_small_steps(spacing: str):
    even = np.linspace(-2, 6, N)
    uneven = np.concatenate([np.linspace(-2, -1.999, N - 2000), np.linspace(-1.99, 6, 2000)])
    places = {"even": even, "uneven": uneven, "backwards": even[::-1]}[spacing]
    axes = long_sweep(places).plot()
    axes.figure.canvas.draw()
    solid = [line for line in axes.lines if line.get_linestyle() in ("-", "--") and len(line.get_xdata()) > 2]
    assert max(len(line.get_xdata()) for line in solid) <= 2001
    # The ends of the curve: its parts inside and outside the data.
    curve = [line for line in solid if line.get_linewidth() == 2.0]
    x = np.unique(np.concatenate([line.get_xdata() for line in curve]))
    y = np.concatenate([line.get_ydata() for line in curve])
    assert (x[0], x[-1]) == (-2, 6)
    assert np.diff(x).max() < 0.015
    assert np.allclose(y, START.mean() + SLOPE.mean() * np.concatenate([line.get_xdata() for line in curve]))
    assert all(len(path.vertices) < 4100 for patch in axes.collections for path in patch.get_paths())
    assert any(line.get_linestyle() == "-." for line in axes.lines)


def test_a_curve_of_two_thousand_points_is_drawn_as_it_is():
    axes = long_sweep(np.linspace(-1.0, 1.0, 2000)).plot()
    assert max(len(line.get_xdata()) for line in axes.lines) == 2000


def test_the_widest_range_keeps_both_ends():
    places = np.concatenate([[1e308], np.linspace(-1.0, 1.0, 2999), [-1e308]])
    shown = places[_spread(places.tolist())]
    assert (shown.min(), shown.max(), len(shown)) == (-1e308, 1e308, 3)


def test_a_long_surface_is_drawn_in_small_steps_along_its_axis():
    source = Query.parse("E[Y | do(X, M)] for X in 0..1 by 0.0001, M in [0, 1]")
    found = [replace(POINT, at=(("X", x), ("M", m)), source=source) for (x, m), _ in source.points]
    axes = Answers(tuple(found)).plot()
    (mesh,) = axes.collections
    assert mesh.get_array().size <= 2 * 2001
    assert axes.get_xlim()[1] >= 1

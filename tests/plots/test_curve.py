"""Pictures of sweeps: curves with bands, points over levels, several in one picture, surfaces; and laws of single answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from handmade_answers import answer_of, line_draws, sweep_of
from latentdo.answers import Answers
from latentdo.errors import QueryError
from latentdo.plots import COLOURS
from latentdo.plots.canvas import reach
from latentdo.plots.density import smooth
from latentdo.tables import Dataset
from posteriors import posterior_of

START, SLOPE = line_draws()
FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"


def legend_of(axes: Any) -> list[str]:
    """What the legends of a figure say, wherever they stand."""
    figure = axes.figure
    legends = [*figure.legends, *(panel.get_legend() for panel in figure.axes if panel.get_legend() is not None)]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def line_with(axes: Any, style: str) -> list[Any]:
    return [line for line in axes.lines if line.get_linestyle() == style and len(line.get_xdata()) > 1]


def drawn(axes: Any) -> Any:
    """The figure, drawn: what cannot be laid out fails here."""
    axes.figure.canvas.draw()
    return axes


def test_a_curve_has_two_bands_a_band_of_the_whole_and_dashes_outside_the_data():
    axes = drawn(sweep_of().plot(level=0.8))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("X", "mean of Y, in its units")
    assert axes.figure._suptitle.get_text() == "E[Y | do(X)]"
    assert legend_of(axes) == [
        "80 % interval",
        "50 % interval",
        "80 % band of the whole curve",
        "outside the data: extrapolated",
    ]
    (dashed,) = line_with(axes, "--")
    assert min(dashed.get_xdata()) == 5.0  # the columns of the posterior end here
    assert max(dashed.get_xdata()) == 6.0


def test_the_rows_are_marked_where_the_fit_still_has_them():
    posterior = posterior_of(FRONT_DOOR)
    rows = {node: np.linspace(-5, 5, 100) for node in ("X", "M", "Y")}
    data = Dataset(tuple(rows.items()), np.ones(100))
    axes = drawn(sweep_of(posterior=replace(posterior, data=data)).plot())
    ticks = [len(part.get_segments()) for part in axes.collections if hasattr(part, "get_segments")]
    assert int((rows["X"] >= -2.16).sum()) in ticks


def test_seeing_and_the_prior_are_drawn_beside_doing():
    posterior = posterior_of("X ~ normal; Y ~ normal(X); X <-> Y")
    sweep = sweep_of("E[Y | do(X)] for X in 0..1", posterior)
    both = Answers(
        tuple(
            replace(
                answer,
                naive=answer_of("E[Y | X=0]", answer.draws + 1, posterior),
                prior=answer_of("E[Y]", (answer.draws - 0.5) * 500, posterior),
            )
            for answer in sweep
        )
    )
    axes = drawn(both.plot())
    assert legend_of(axes)[:3] == ["doing", "seeing", "prior alone (beyond the picture)"]
    assert axes.figure._suptitle.get_text() == "E[Y | do(X)]   NOT nonparametrically identified"
    (seeing,) = line_with(axes, ":")
    assert seeing.get_color() == COLOURS["seeing"]
    assert seeing.get_markerfacecolor() == "white"
    # The prior, hundreds of times as wide, leaves the rest readable.
    low, high = axes.get_ylim()
    assert high - low < 10


def test_sweeps_over_one_axis_share_it_and_have_a_legend():
    first, second = sweep_of(), sweep_of("E[Y | do(X, M=2)] for X in -2..6 by 1")
    axes = drawn(Answers((*first, *second)).plot())
    assert legend_of(axes)[:2] == ["E[Y | do(X)]", "E[Y | do(X, M=2)]"]
    assert axes.get_ylabel() == "mean of Y, in its units"


def test_sweeps_in_different_units_have_a_panel_each():
    chances = [
        replace(answer, draws=1 / (1 + np.exp(-answer.draws))) for answer in sweep_of("P(Y > 1 | do(X)) for X in 0..1")
    ]
    axes = drawn(Answers((*sweep_of("E[Y | do(X)] for X in 0..1"), *chances)).plot())
    assert [panel.get_ylabel() for panel in axes.figure.axes] == ["mean of Y, in its units", "probability"]


def test_sweeps_over_different_axes_have_a_panel_each():
    answers = Answers((*sweep_of("E[Y | do(X)] for X in 0..1"), *sweep_of("E[Y | do(M)] for M in 0..1")))
    axes = drawn(answers.plot())
    assert [panel.get_xlabel() for panel in axes.figure.axes] == ["X", "M"]


def test_sweeps_and_single_questions_have_panels_of_their_own():
    sweep = sweep_of()
    mean, spread = answer_of("E[Y | do(X=1)]", SLOPE), answer_of("SD[Y | do(X=1)]", SLOPE)
    figure = drawn(Answers((mean, *sweep, spread)).plot()).figure
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "X",
        "mean of Y, in its units",
        "standard deviation of Y, in its units",
    ]
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["E[Y | do(X=1)]"]


def test_many_sweeps_are_curves_still():
    sweeps = [sweep_of(f"E[Y | do(X, M={k})] for X in -2..6 by 4") for k in range(8)]
    axes = drawn(Answers(tuple(answer for sweep in sweeps for answer in sweep)).plot())
    assert len(axes.figure.axes) == 2
    assert legend_of(axes)[:6] == [f"E[Y | do(X, M={k})]" for k in range(6)]


def test_a_curve_has_one_statistic_at_all_points():
    sweep = sweep_of()
    draws = [np.exp(3 * (answer.draws - answer.mean)) for answer in sweep]
    tails = [0.0] * 5 + [0.8] * 4
    mixed = Answers(
        tuple(replace(a, draws=own, tail_index=tail) for a, own, tail in zip(sweep, draws, tails, strict=True))
    )
    axes = drawn(mixed.plot())
    shown = np.concatenate([line.get_ydata() for line in axes.lines if line.get_linewidth() == 2.0])
    for each in draws:
        assert np.isclose(shown, np.median(each)).any()
    assert legend_of(axes)[0] == "median"
    row = drawn(mixed[5].plot())
    assert [label.get_text() for label in row.get_yticklabels()] == ["E[Y | do(X=3)] (median)"]


def test_seeing_may_lack_points():
    sweep = sweep_of("E[Y | do(X)] for X in 0..1 by 0.25")
    some = [replace(answer, naive=answer_of("E[Y]", START)) if k < 3 else answer for k, answer in enumerate(sweep)]
    (seeing,) = line_with(drawn(Answers(tuple(some)).plot()), ":")
    assert list(seeing.get_xdata()) == [0, 0.25, 0.5]


def test_levels_are_points_with_intervals():
    places = [answer_of("E[Y]", START + k, at=(("C", level),), name="by class") for k, level in enumerate("abc")]
    axes = drawn(Answers(tuple(places)).plot())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert len(axes.lines[-1].get_xdata()) == 3
    assert legend_of(axes) == ["90 % interval", "50 % interval", "90 % for all at once"]


def test_a_level_axis_beside_a_number_axis_makes_a_curve_per_level():
    points = [
        answer_of("E[Y]", START + x + (level == "b"), at=(("X", float(x)), ("C", level)), name="both")
        for x in range(4)
        for level in ("a", "b")
    ]
    axes = drawn(Answers(tuple(points)).plot())
    assert legend_of(axes)[:2] == ["C = a", "C = b"]
    assert axes.get_xlabel() == "X"


def test_two_number_axes_are_a_surface_with_its_uncertainty():
    answers = sweep_of("E[Y | do(X, M)] for X in -6..6 by 2, M in 0..1 by 0.25")
    axes = drawn(answers.plot())
    labels = [panel.get_ylabel() for panel in axes.figure.axes]
    assert labels.count("M") == 2
    assert "mean of Y, in its units" in labels
    assert "width of the 90 % interval" in labels
    mesh = axes.collections[0]
    assert mesh.get_array().shape == (5, 7)
    assert mesh.get_array()[0, 6] == answers[30].mean
    # The data go from -5 to 5 in X, and beyond both ends of M: what lies outside is hatched, and said to be.
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert sorted((patch.get_x(), patch.get_x() + patch.get_width()) for patch in hatched) == [(-7, -5), (5, 7)]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["outside the data: an extrapolation"]


def test_a_surface_within_the_data_has_no_hatching():
    axes = drawn(sweep_of("E[Y | do(X, M)] for X in -2..2 by 2, M in 0..1 by 0.5").plot())
    assert not axes.patches and axes.get_legend() is None


def test_a_point_of_a_sweep_alone_is_a_forest():
    (label,) = sweep_of()[3].plot().get_yticklabels()
    assert label.get_text() == "E[Y | do(X=1)]"


def test_a_part_of_a_grid_is_a_forest():
    answers = sweep_of("E[Y | do(X, M)] for X in [0, 1], M in [0, 1]")
    assert len(answers[:3].plot().get_yticks()) == 3


def test_one_draw_has_a_curve_without_bands():
    points = Answers(tuple(replace(answer, draws=answer.draws[:1]) for answer in sweep_of()))
    axes = drawn(points.plot())
    assert not axes.collections or all("interval" not in text for text in legend_of(axes))
    surface = sweep_of("E[Y | do(X, M)] for X in [0, 1], M in [0, 1]")
    drawn(Answers(tuple(replace(answer, draws=answer.draws[:1]) for answer in surface)).plot())


def test_pictures_go_into_axes_that_are_given():
    from matplotlib.figure import Figure

    for answers in (sweep_of(), sweep_of("E[Y | do(X, M)] for X in [0, 1], M in [0, 1]"), sweep_of()[:1]):
        axes = Figure().subplots()
        assert answers.plot(axes) is axes
        with pytest.raises(QueryError, match="not into 'a file'"):
            answers.plot("a file")


def test_a_density_is_drawn_with_what_stands_beside_it():
    answer = answer_of("E[Y | do(X=1)] - E[Y | do(X=0)]", SLOPE, naive=answer_of("E[Y]", SLOPE + 1))
    axes = drawn(answer.plot_density())
    assert legend_of(axes) == ["posterior, 90 % interval shaded", "seeing"]
    assert axes.get_xlabel() == "difference in means of Y, in its units"
    drawn(answer_of("E[Y]", np.ones(50)).plot_density())
    with pytest.raises(QueryError, match="one draw alone"):
        answer_of("E[Y]", [1.0]).plot_density()


def test_densities_hold_one_and_stay_inside_their_support():
    draws = np.random.default_rng([3]).beta(0.8, 4, size=4000)
    x = np.linspace(-0.5, 1.5, 4001)
    y = smooth(draws, x, (0.0, 1.0))
    assert np.trapezoid(y, x) == pytest.approx(1, abs=0.01)
    assert (y[(x < 0) | (x > 1)] == 0).all()


def test_limits_show_answers_whole_and_priors_as_far_as_they_leave_room():
    limits = reach([0.0, 1.0], [-1000.0, 1000.0])
    assert limits is not None
    low, high = limits
    assert -2 < low < 0
    assert 1 < high < 3
    assert reach([], [1.0]) is None


def test_axes_have_their_units_and_say_what_was_set():
    posterior = posterior_of(FRONT_DOOR).with_units({"X": "$/kg", "M": "ml", "Y": "µg$"})
    axes = drawn(sweep_of(posterior=posterior).plot())
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"X set to (\$/kg)", r"mean of Y, in µg\$")
    assert drawn(sweep_of("E[Y | M] for M in 0..1", posterior).plot()).get_xlabel() == "M (ml)"
    axes = drawn(sweep_of("E[Y | do(X, M)] for X in 0..1 by 0.5, M in 0..1 by 0.5", posterior).plot())
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"X set to (\$/kg)", "M set to (ml)")


def test_densities_and_forests_have_units():
    posterior = posterior_of(FRONT_DOOR).with_units({"M": "m$", "Y": "m$"})
    answers = Answers(tuple(answer_of(f"E[{node}]", START, posterior) for node in ("M", "Y")))
    assert drawn(answers[0].plot_density()).get_xlabel() == r"mean of M, in m\$"
    panels = drawn(answers.plot()).figure.axes
    assert [panel.get_xlabel().splitlines()[0] for panel in panels] == [r"in m\$"], "one unit, one panel"

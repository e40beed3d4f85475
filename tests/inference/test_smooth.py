"""Normal nodes with splines, their coefficients integrated out: against the general density, a grid, and what a line costs."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import latentdo as ld
from latentdo.inference.runtime import float64
from latentdo.inference.samplers.regression import equation_of, log_density_of
from latentdo.inference.samplers.smooth import Integrated, smooth
from tasks import raw_draws, task_of

RANDOM = np.random.default_rng(5)
X, V = RANDOM.normal(size=80), RANDOM.gamma(3.0, 1.0, 80)
NOISE = 0.5 * RANDOM.normal(size=80)
ROWS = {"X": X, "V": V, "Y": X**2 - np.log(V) + NOISE}
HEAD = "X ~ normal; V ~ gamma; "


@pytest.mark.parametrize(
    "line",
    [
        "Y ~ normal(s(X), V)",
        "Y ~ normal(s(X, k=5), s(V), X:V, intercept=normal(1, 2))",
        "Y ~ normal(s(X), log(V), s(X):V, sd=0.6, wiggle=uniform(0.01, 3))",
        "Y ~ normal(s(X, k=6), s(V), weight=normal(0.5, 1), wiggle=0.4)",
    ],
)
def test_the_coefficients_are_integrated_out_of_the_general_density(line):
    """p(θ | rows) = p(θ, β | rows) / p(β | θ, rows), whatever β."""
    with float64():
        task = task_of(HEAD + line, ROWS, "Y")
        found = Integrated.of(equation_of(task, task.rows))
        assert not isinstance(found, str)
        outer = task.starts(6)[:, found.outer]
        u = found.completed(outer, np.random.default_rng(1))
        precision, slope, *_ = found._systems(found._outer_values(outer)[0])
        bounds = found.equation.bounds
        value = bounds.anchor[found.inner] + bounds.unit[found.inner] * u[:, found.inner]
        laws = [
            scipy.stats.multivariate_normal(np.linalg.solve(p, b), np.linalg.inv(p), allow_singular=True)
            for p, b in zip(precision, slope, strict=True)
        ]
        given = np.array([law.logpdf(own) for law, own in zip(laws, value, strict=True)])
        apart = log_density_of(task)(u) - given - found.log_density(outer)
    assert np.ptp(apart) < 1e-6


def test_draws_are_those_of_a_grid_over_noise_and_wiggle():
    with float64():
        task = task_of(HEAD + "Y ~ normal(s(X, k=5), V)", ROWS, "Y")
        drawn = smooth(task, ld.Auto())
        found = Integrated.of(equation_of(task, task.rows))
        assert not isinstance(found, str) and not isinstance(drawn, str)
        # In units of the coordinates: the sd, and the wiggle, which comes last.
        axes = [np.linspace(-9.0, 12.0, 120), np.linspace(-9.0, 160.0, 700)]
        grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)
        logs = found.log_density(grid)
        weights = np.exp(logs - logs.max())
        values = found._outer_values(grid)[0][:, found.outer]
    _, parameters = raw_draws(drawn, "Y")
    for k, name in enumerate(("sd", "wiggle s(X, k=5)")):
        column = values[:, k]
        mean = weights @ column / weights.sum()
        sd = np.sqrt(weights @ (column - mean) ** 2 / weights.sum())
        own = parameters[name]
        assert own.mean() == pytest.approx(mean, abs=0.08 * sd)
        assert own.std() == pytest.approx(sd, rel=0.1)
    assert drawn.khat is not None and drawn.khat < 0.5


@pytest.mark.parametrize(
    "line", ["Y ~ normal(+s(X))", "Y ~ normal(s(X), weight=cauchy(0, 1))", "Y ~ normal(X, V)", "Y ~ student(s(X))"]
)
def test_what_is_not_gaussian_given_the_spreads_is_left_to_others(line):
    with float64():
        assert isinstance(smooth(task_of(HEAD + line, ROWS, "Y"), ld.Auto()), str)


@pytest.fixture(scope="module")
def curved():
    return ld.fit(HEAD + "Y ~ normal(s(X), s(V), wiggle=cauchy(0, 0.01))", ROWS, seed=1, check=False)


def test_a_curve_is_found_and_kept(curved, tmp_path):
    query = "E[Y | do(X=1.5, V=2)] - E[Y | do(X=0, V=2)]"
    answer = ld.ask(curved, query)
    assert answer.is_exact
    assert answer.mean == pytest.approx(2.25, abs=4 * answer.sd)
    assert answer.sd < 0.4
    curved.save(tmp_path / "curved.ldo")
    again = ld.load(tmp_path / "curved.ldo")
    assert again.spec == curved.spec
    assert ld.ask(again, query).draws == pytest.approx(answer.draws)
    assert str(again.summary()) == str(curved.summary())


def test_the_summary_tells_how_much_a_spline_bends_and_hides_its_columns(curved):
    text = str(curved.summary())
    assert "effective degrees of freedom" in text
    assert "s(X)[1]" not in text
    assert "wiggle(s(X) -> Y)" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("s(X) -> Y") and len(line.split()) == 4)
    assert 2.0 < float(line.split()[-1]) < 9.0


def test_beyond_the_rows_a_curve_goes_on_straight_with_a_caution(curved):
    far = [ld.ask(curved, f"E[Y | do(X={x}, V=2)]") for x in (6, 8, 10)]
    means = [answer.mean for answer in far]
    assert means[2] - means[1] == pytest.approx(means[1] - means[0], rel=1e-9)
    assert any("splines go on straight" in caution for caution in far[0].warnings)


def test_every_parent_in_a_shape_has_a_picture_with_its_rows(curved, tmp_path):
    pytest.importorskip("matplotlib")
    axes = curved.plot_shapes().figure.axes
    assert [ax.get_title(loc="left") for ax in axes] == ["Y by s(X)", "Y by s(V)"]
    assert all(len(ax.lines) == 3 for ax in axes)
    dots = axes[0].lines[1].get_xydata()
    line = axes[0].lines[2].get_xydata()
    # What is left of the rows lies about the curve.
    left = dots[:, 1] - np.interp(dots[:, 0], line[:, 0], line[:, 1])
    assert abs(left.mean()) < 0.15
    assert left.std() == pytest.approx(0.5, rel=0.25)
    with pytest.raises(ld.LatentdoError, match="No parent enters by a shape"):
        ld.fit("X ~ normal", {"X": X}, check=False).plot_shapes()


def test_a_signed_spline_is_monotone_in_every_draw():
    falling = ld.fit("X ~ normal; Y ~ normal(-s(X))", {"X": X, "Y": -np.tanh(2 * X) + NOISE}, check=False)
    curve = ld.ask(falling, "E[Y | do(X)] for X in -4..4 by 0.25")
    values = np.stack([point.draws for point in curve])
    assert (np.diff(values, axis=0) <= 1e-9).all()

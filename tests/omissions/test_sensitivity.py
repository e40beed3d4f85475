"""Sensitivity: curves against closed forms, what they print, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.omissions import Measured, Omitted, Point, Sensitivity, Unit
from latentdo.query import Query

EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
MODEL = "Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)"


def slopes(outcome: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """Of least squares, without the intercept."""
    design = np.stack([*columns, np.ones(len(outcome))], axis=1)
    return np.linalg.lstsq(design, outcome, rcond=None)[0][:-1]


@pytest.fixture(scope="module")
def chain():
    """X -> M -> Y with a direct effect that the graph leaves out."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=300)
    m = 0.8 * x + rng.normal(size=300)
    rows = {"X": x, "M": m, "Y": 0.7 * m + 0.5 * x + rng.normal(size=300)}
    return ld.fit(ld.model("X ~ normal; M ~ normal(X); Y ~ normal(M)"), rows, check=False, progress=False), rows


def test_a_direct_effect_of_fixed_strength_gives_the_regression_without_it(chain):
    posterior, rows = chain
    x, m, y = (rows[name] for name in "XMY")
    found = ld.sensitivity(posterior, EFFECT, edge="X -> Y", strengths=[-0.3, 0.3], progress=False)
    assert [point.strength for point in found.points] == [-0.3, 0, 0.3]
    for point in found.points:
        direct = point.strength * y.std() / x.std()
        truth = slopes(m, x)[0] * slopes(y - direct * x, m)[0] + direct
        assert point.estimate == pytest.approx(truth, abs=0.2 * point.sd)
    assert found.at(0) == (found.answer.estimate, found.answer.lower, found.answer.upper)


def test_a_hidden_cause_of_fixed_strength_takes_its_bias_away():
    rng = np.random.default_rng(4)
    z, hidden = rng.normal(size=(2, 400))
    x = 0.7 * z + 0.6 * hidden + rng.normal(size=400)
    rows = {"Z": z, "X": x, "Y": 0.4 * x + 0.5 * z + 0.6 * hidden + rng.normal(size=400)}
    model = ld.model("Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)")
    posterior = ld.fit(model, rows, check=False, progress=False)
    found = ld.sensitivity(posterior, EFFECT, strengths=[0.5], progress=False)
    assert str(found.edge) == "X <-> Y"
    units = dict(found.units)
    left = x - slopes(x, z)[0] * z
    assert units["X"].size == pytest.approx(left.std(), rel=0.01)
    # Both load on the hidden cause by half their unit: cov / var is the bias.
    bias = 0.25 * units["X"].size * units["Y"].size / left.var()
    (point,) = (point for point in found.points if point.strength == 0.5)
    assert point.estimate == pytest.approx(found.answer.estimate - bias, abs=0.2 * point.sd)
    assert [each.node for each in found.measured] == ["Z"]
    assert found.robustness is not None
    assert found.robustness.adjusted == ("Z",)
    assert found.robustness.estimate == pytest.approx(slopes(rows["Y"], x, z)[0])


@pytest.fixture(scope="module")
def adjusted():
    """A back door whose hidden cause the graph leaves out."""
    rng = np.random.default_rng(4)
    hidden, a = rng.normal(size=(2, 200))
    x = 0.7 * a + hidden + rng.normal(size=200)
    rows = {"A": a, "X": x, "Y": 0.2 * x + 0.5 * a + 0.6 * hidden + rng.normal(size=200)}
    model = ld.model("A ~ normal; X ~ normal(A); Y ~ normal(X, A)")
    return ld.fit(model, rows, check=False, progress=False)


def test_any_grid_finds_the_tipping_point_between_two_near_fits(adjusted):
    tips, then = [], []
    for strengths in ([0.95], [0.4, 0.9]):
        found = ld.sensitivity(adjusted, EFFECT, strengths=strengths, progress=False)
        before, after = (
            max(point.strength for point in found.points if point.lower > 0),
            min(point.strength for point in found.points if point.lower <= 0 and point.strength > 0),
        )
        assert before < found.tipping <= after
        assert after - before <= 0.0101
        tips.append(found.tipping)
        (measured,) = found.measured
        assert min(abs(found.strengths - measured.strength)) < 0.001
        then.append(found.at(measured.strength)[0])
    assert np.ptp(tips) < 0.02
    assert np.ptp(then) < 0.1 * found.answer.sd


def test_a_hidden_cause_that_would_leave_nothing_else_is_refused(adjusted):
    for strength in (1, -1.5, 5):
        with pytest.raises(ld.LatentdoError, match=rf"A strength of {strength} of X <-> Y is impossible: 1 is all"):
            ld.sensitivity(adjusted, EFFECT, strengths=[0.3, strength], progress=False)


def curve(*, target: float | None = 0.0, low: float = -1.0, slope: float = 1.0) -> Sensitivity:
    """Answers on a straight line, 0.5 at no strength, with intervals of width 0.4."""
    points = tuple(
        Point(float(s), 0.5 + slope * s, 0.3 + slope * s, 0.7 + slope * s, 0.12, True)
        for s in (low, low / 2, 0, 0.5, 1)
    )
    edge = Omitted("X", "Y", False)
    measured = (Measured("Z", 0.4), Measured("W", 3.0))
    return Sensitivity(Query.parse(EFFECT), edge, (("Y", Unit(1.0, "sd of Y")),), points, target, 0.9, measured)


@pytest.mark.parametrize(
    ("target", "slope", "tips"), [(0.0, 1.0, -0.3), (0.0, -1.0, 0.3), (0.9, 1.0, 0.2), (-0.9, 1.0, None)]
)
def test_the_tipping_point_is_where_the_interval_reaches_the_target(target, slope, tips):
    found = curve(target=target, slope=slope)
    assert found.tipping == (None if tips is None else pytest.approx(tips, abs=1e-6))
    assert not found.holds_target


def test_an_interval_that_holds_the_target_tips_where_it_leaves_it():
    found = curve(target=0.5)
    assert found.holds_target
    assert abs(found.tipping) == pytest.approx(0.2, abs=1e-6)
    assert "The interval holds 0.5; from a strength of" in str(found)


def test_what_was_measured_is_set_beside_the_curve():
    text = curve().text(120)
    assert "a strength of 1: 1 sd of Y, per sd of X" in text
    assert "Z" in text
    # Towards the target, down the line.
    assert "-0.4  0.10 (90 % interval -0.10 to 0.30)" in text
    assert "beyond -1, not tried" in text


def test_prints_in_every_form():
    found = curve()
    tree = found.to_json()
    assert tree["tipping"] == found.tipping
    assert [point["strength"] for point in tree["points"]] == [-1, -0.5, 0, 0.5, 1]
    assert found.csv().splitlines()[0] == "strength,estimate,lower,upper,sd,converged"
    assert "tabular" in found.latex()
    assert "Sensitivity to X -&gt; Y" in found.html()
    axes = found.plot()
    assert axes.get_xlabel() == "strength of X -> Y"
    assert {text.get_text().strip() for text in axes.texts} >= {"as Z", "tips"}
    doubtful = replace(found, points=(*found.points[:-1], replace(found.points[-1], converged=False)))
    assert "! this answer did not converge" in str(doubtful)


@pytest.mark.parametrize(
    ("edge", "said"),
    [
        ("X -> M", "The graph has X -> M, whose weight is estimated"),
        ("X <-> Y", "has a hidden cause of X and Y, whose strength is estimated"),
        ("Y -> X", "would close a cycle"),
        ("U -> Y", "'U' is latent"),
        ("X -> Y -> M", "takes one edge"),
        ("X", "takes one edge"),
        ("X ->", "takes one edge"),
        ("X -> Q", "Q"),
    ],
)
def test_an_edge_that_cannot_be_added_is_refused(edge, said):
    with pytest.raises(ld.LatentdoError, match=said):
        ld.sensitivity(handmade(), EFFECT, edge=edge)


def test_a_table_has_no_strength():
    posterior = handmade("X ~ bernoulli; M ~ normal(X); Y ~ table(X, levels=[0, 1])")
    with pytest.raises(ld.LatentdoError, match=r"Y is a table node, which has no single weight"):
        ld.sensitivity(posterior, "P(Y=1 | do(X=1))", edge="M -> Y")


def test_levels_with_names_are_as_strong_as_0_and_1():
    random = np.random.default_rng(6)
    z = random.normal(size=150)
    x = (random.random(150) < 1 / (1 + np.exp(-z))).astype(int)
    y = (random.random(150) < 1 / (1 + np.exp(0.5 - x - z))).astype(int)
    words = {"Z": z, "X": np.array(["no", "yes"])[x], "Y": np.array(["ill", "well"])[y]}
    plain, named, other = (
        ld.fit(f"Z ~ normal; X ~ bernoulli(Z{of_x}); Y ~ bernoulli(X, Z{of_y})", rows, ld.Laplace(), check=False)
        for of_x, of_y, rows in (
            ("", "", {"Z": z, "X": x, "Y": y}),
            (", levels=[no, yes]", ", levels=[ill, well]", words),
            (", levels=[1, 5]", ", levels=[1, 2]", {"Z": z, "X": 1 + 4 * x, "Y": 1 + y}),
        )
    )
    options = {"strengths": [0.8], "engine": ld.Laplace()}
    found = ld.sensitivity(plain, "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))", **options)
    again = ld.sensitivity(named, "P(Y=well | do(X=yes)) - P(Y=well | do(X=no))", **options)
    third = ld.sensitivity(other, "P(Y=2 | do(X=5)) - P(Y=2 | do(X=1))", **options)
    for each in (again, third):
        assert [point.strength for point in each.points] == pytest.approx([p.strength for p in found.points], rel=1e-3)
        for point, own in zip(each.points, found.points, strict=True):
            assert point.estimate == pytest.approx(own.estimate, abs=0.02 * own.sd)
        assert each.measured[0].strength == pytest.approx(found.measured[0].strength, rel=1e-3)
    assert "log odds of Y=well" in str(again)
    # A cause with levels has the strength of its indicator.
    direct = [
        ld.sensitivity(ld.fit(text, rows, ld.Laplace(), check=False), query, edge="X -> M", **options)
        for text, rows, query in (
            ("X ~ bernoulli; M ~ bernoulli; Y ~ bernoulli(M, X)", {"X": x, "M": y, "Y": y[::-1]}, "RD[Y | X: 0 -> 1]"),
            (
                "X ~ bernoulli(levels=[1, 5]); M ~ bernoulli; Y ~ bernoulli(M, X)",
                {"X": 1 + 4 * x, "M": y, "Y": y[::-1]},
                "RD[Y | X: 1 -> 5]",
            ),
        )
    ]
    assert direct[0].points[-1].estimate == pytest.approx(
        direct[1].points[-1].estimate, abs=0.02 * direct[0].points[-1].sd
    )
    assert direct[0].points[-1].estimate != pytest.approx(direct[0].answer.estimate, abs=1e-6)


def test_a_question_that_is_not_identified_has_no_answer_to_move():
    posterior = handmade("latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)")
    with pytest.raises(ld.NotIdentifiedError, match="Sensitivity is that of an answer, and the data give none here"):
        ld.sensitivity(posterior, EFFECT)


def test_missing_and_set_cells_say_nothing_of_how_strong_an_edge_could_be():
    random = np.random.default_rng(3)
    z, noise, other = random.normal(size=(3, 300))
    x = 0.5 * z + noise
    rows = {"Z": z, "X": x, "Y": x + 0.5 * z + other}
    holes = {**rows, "Y": np.where(np.arange(300) < 100, np.nan, rows["Y"])}
    chosen = 50 + noise[:100]
    trial = ld.experiment({"Z": z[:100], "X": chosen, "Y": chosen + 0.5 * z[:100] + other[:100]}, do=["X"])
    complete = {name: values[100:] for name, values in rows.items()}
    found, plain = (
        ld.sensitivity(
            ld.fit(MODEL, table, ld.Laplace(), missing="latent", check=False, progress=False),
            *(EFFECT,),
            edge="X <-> Y",
            strengths=[0.3],
            engine=ld.Laplace(),
        )
        for table in ([holes, trial], complete)
    )
    assert found.robustness is not None and plain.robustness is not None
    assert found.robustness.estimate == plain.robustness.estimate
    for (_, unit), (_, own) in zip(found.units, plain.units, strict=True):
        assert unit.size == pytest.approx(own.size, rel=0.1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strengths": []}, "strengths= takes numbers"),
        ({"strengths": ["a"]}, "A strength"),
        ({"level": 2}, "level="),
        ({"value": float("nan")}, "value="),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ld.LatentdoError, match=said):
        ld.sensitivity(handmade(), EFFECT, **options)


def test_only_one_number_can_be_moved():
    with pytest.raises(ld.LatentdoError, match="asks for several numbers"):
        ld.sensitivity(handmade(), "E[Y | do(X)] for X in 0..2")
    with pytest.raises(ld.LatentdoError, match="takes a trained model"):
        ld.sensitivity("X -> Y", EFFECT)

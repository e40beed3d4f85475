"""Answers of models with shapes of parents, against closed forms: nothing may count a curve as a straight line."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

import latentdo as ld
from latentdo.errors import DataError, QueryError, SupportError
from posteriors import posterior_of

KNOWN = {"X -> M": 1.5, "intercept(M)": 0.5, "sd(M)": 0.8, "intercept(Y)": 1.0, "sd(Y)": 0.6}


def known(model: str, **numbers: float):
    """A posterior whose draws are all the same."""
    own = {label: number for label, number in KNOWN.items() if "M" not in label or "M ~" in model}
    own = {label: number for label, number in own.items() if label != "X -> M" or "M ~ normal(X)" in model}
    return posterior_of(model, own | numbers, spread=0.0)


def asked(posterior, query: str):
    return ld.ask(posterior, query, seed=3)


def test_what_is_held_is_the_parent_and_not_its_logarithm():
    posterior = known(
        "X ~ gamma; V ~ normal; Y ~ normal(log(X), V, log(X):V)", **{"log(X) -> Y": 2.0, "log(X):V -> Y": 3.0}
    )
    answer = asked(posterior, "E[Y | do(X=3, V=0.5)] - E[Y | do(X=1, V=0.5)]")
    assert answer.is_exact
    assert answer.mean == pytest.approx((2.0 + 3.0 * 0.5) * np.log(3.0), rel=1e-12)


@pytest.mark.parametrize(
    ("query", "power", "expected"),
    [
        # M | do(X=1) is Normal(2, 0.8²): its moments are known.
        ("E[Y | do(X=1)]", 2, 1.0 + 2.0 * (2.0**2 + 0.8**2)),
        ("E[Y | do(X=1)]", 3, 1.0 + 2.0 * (2.0**3 + 3 * 2.0 * 0.8**2)),
        ("Var[Y | do(X=1)]", 2, 0.6**2 + 4.0 * (2 * 0.8**4 + 4 * 2.0**2 * 0.8**2)),
        ("E[Y | do(X=1)] - E[Y | do(X=0)]", 2, 2.0 * (2.0**2 - 0.5**2)),
    ],
)
def test_a_power_of_a_random_mediator_is_not_taken_for_a_straight_line(query, power, expected):
    posterior = known(f"X ~ normal; M ~ normal(X); Y ~ normal(M^{power})", **{f"M^{power} -> Y": 2.0})
    answer = asked(posterior, query)
    assert not answer.is_exact
    assert abs(answer.mean - expected) < 5 * answer.mcse + 1e-9
    assert answer.mcse < 0.02 * abs(expected)


def test_probabilities_beyond_a_curve_are_integrated():
    posterior = known("X ~ normal; M ~ normal(X); Y ~ normal(M^2)", **{"M^2 -> Y": 2.0})
    answer = asked(posterior, "P(Y > 8 | do(X=1))")

    def beyond(m: float) -> float:
        return scipy.stats.norm.sf(8.0, 1.0 + 2.0 * m**2, 0.6) * scipy.stats.norm.pdf(m, 2.0, 0.8)

    expected = scipy.integrate.quad(beyond, -3, 8, limit=200)[0]
    assert abs(answer.mean - expected) < 5 * answer.mcse
    assert answer.mcse < 0.01


def test_evidence_on_the_outcome_of_a_curve_is_weighed():
    posterior = known("M ~ normal; Y ~ normal(M^2)", **{"M^2 -> Y": 2.0, "intercept(M)": 1.0})
    answer = asked(posterior, "E[M | Y=4]")
    m = np.linspace(-6, 6, 40_001)
    weight = scipy.stats.norm.pdf(m, 1.0, 0.8) * scipy.stats.norm.pdf(4.0, 1.0 + 2.0 * m**2, 0.6)
    assert abs(answer.mean - (m @ weight) / weight.sum()) < 5 * answer.mcse
    assert answer.mcse < 0.02


def test_a_law_of_a_treatment_under_a_square_counts_by_its_second_moment():
    posterior = known("X ~ normal; Y ~ normal(X^2)", **{"X^2 -> Y": 2.0})
    for law, square in (("uniform(0, 3)", 3.0), ("normal(1, 2)", 5.0)):
        answer = asked(posterior, f"E[Y | do(X ~ {law})]")
        assert abs(answer.mean - (1.0 + 2.0 * square)) < 5 * answer.mcse + 1e-9
    with pytest.raises(QueryError, match="no moment of order 2"):
        asked(posterior, "E[Y | do(X ~ student(1.5, 0, 1))]")


def test_a_hidden_cause_may_enter_by_a_square():
    posterior = known("latent U ~ normal; X ~ normal(U); Y ~ normal(X, U^2)", **{"U^2 -> Y": 2.0, "X -> Y": 1.0})
    answer = ld.ask(posterior, "E[Y | do(X=1)]", seed=3, allow_unidentified=True)
    assert abs(answer.mean - (1.0 + 1.0 + 2.0)) < 5 * answer.mcse + 1e-9


def test_the_likelihood_of_a_row_integrates_over_the_square_of_a_hidden_cause():
    numbers = "intercept=0.3, sd=0.5"
    model = f"latent U ~ normal; X ~ normal(U, weight=1.2, {numbers}); Y ~ normal(U^2, weight=0.8, {numbers})"
    data = {"X": np.array([-1.5, 0.1, 0.4, 2.0]), "Y": np.array([1.0, -0.2, 2.5, 4.0])}
    found = ld.fit(model, data, check=False).log_likelihood(data, draws=1)[0]
    u = np.linspace(-9, 9, 20_001)
    law = scipy.stats.norm
    joint = [
        law.pdf(u) * law.pdf(x, 0.3 + 1.2 * u, 0.5) * law.pdf(y, 0.3 + 0.8 * u**2, 0.5)
        for x, y in zip(data["X"], data["Y"], strict=True)
    ]
    assert found == pytest.approx(np.log(scipy.integrate.simpson(joint, x=u)), abs=2e-3)


def test_values_that_a_logarithm_cannot_take_are_refused():
    posterior = known("X ~ normal; Y ~ normal(log(X))")
    for query in ("E[Y | do(X=-1)]", "E[Y | do(X=0)]", "E[Y | X=-2]", "E[Y | do(X)] for X in -1..2"):
        with pytest.raises(SupportError, match=r"depends on log\(X\), which needs a value above 0"):
            asked(posterior, query)
    with pytest.raises(SupportError, match="Draw it from a law of positive numbers"):
        asked(posterior, "E[Y | do(X ~ normal(0, 1))]")
    assert asked(posterior, "E[Y | do(X ~ gamma(2, 1))]").mean


def rows(n: int = 120, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    x, v = random.gamma(3.0, 1.0, n), random.normal(size=n)
    return {"X": x, "V": v, "Y": 1.0 + 2.0 * np.log(x) - v**2 + 0.3 * random.normal(size=n)}


@pytest.mark.parametrize(
    ("change", "model", "said"),
    [
        (lambda x: x - 1.0, "log(X)", r"values at or below 0 .*log\(X\) needs values above it.*add a constant"),
        (lambda x: 1e40 * x, "X^3", "too large to compute with.*Divide the column"),
        (lambda x: np.sign(x - 2.0), "X^2", "the same value in every row of column X"),
    ],
)
def test_columns_that_a_shape_cannot_take_are_refused(change, model, said):
    data = rows()
    with pytest.raises(DataError, match=said):
        ld.fit(f"X ~ normal; V ~ normal; Y ~ normal({model}, V)", {**data, "X": change(data["X"])})


def test_a_law_that_reaches_below_a_logarithm_is_cautioned():
    report = ld.check("X ~ normal; V ~ normal; Y ~ normal(log(X), V)", rows())
    assert "enters by log(X), but about" in str(report)
    assert "enters by log(X)" not in str(ld.check("X ~ gamma; V ~ normal; Y ~ normal(log(X), V)", rows()))


@pytest.fixture(scope="module")
def fitted():
    return ld.fit("X ~ gamma; V ~ normal; Y ~ normal(log(X), V, V^2)", rows(), seed=0, check=False)


def test_a_fit_finds_the_weights_of_shapes_and_keeps_them(fitted, tmp_path):
    best = np.column_stack([np.ones(120), np.log(rows()["X"]), rows()["V"], rows()["V"] ** 2])
    expected = np.linalg.lstsq(best, rows()["Y"], rcond=None)[0]
    found = fitted.by_node["Y"].coefficients.reshape(-1, 4).mean(axis=0)
    assert found == pytest.approx(expected, abs=0.02)
    fitted.save(tmp_path / "shapes.ldo")
    again = ld.load(tmp_path / "shapes.ldo")
    query = "E[Y | do(X=4, V=1)] - E[Y | do(X=1, V=0)]"
    assert ld.ask(again, query).mean == ld.ask(fitted, query).mean == pytest.approx(2 * np.log(4.0) - 1.0, abs=0.2)
    summary = str(fitted.summary())
    assert "Y ~ normal(log(X), V, V^2)" in summary
    assert "per sd of log(X)" in summary

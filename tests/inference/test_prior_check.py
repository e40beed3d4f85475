"""What priors alone say, against the laws that they state and against rows that they cannot have made."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import latentdo as ld
from latentdo.errors import SpecError, StudyError
from latentdo.inference.blocks.coordinates import coordinates_on
from latentdo.inference.posterior.prior_check import check_priors, check_priors_on, prior_draws
from latentdo.models import ModelSpec
from latentdo.tables import Dataset

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(10.0, 2.0, 300)
V = RANDOM.normal(-3.0, 0.5, 300)
ROWS = Dataset.of({"X": X, "V": V, "Y": 4.0 + 0.5 * X - V + RANDOM.normal(size=300)})
BASE = "X ~ normal; V ~ normal; "


def drawn(text: str, node: str = "Y", n: int = 4000):
    spec = ModelSpec.parse(BASE + text)
    own = coordinates_on(spec, ROWS)[node]
    return prior_draws(spec, own, n, np.random.default_rng(9))


def agrees(values: np.ndarray, law: object) -> bool:
    return scipy.stats.kstest(values, law.cdf).pvalue > 1e-3  # type: ignore[attr-defined]


def test_draws_follow_the_priors_that_were_written_in_raw_units():
    found = drawn("Y ~ normal(X, V, X:V, intercept=normal(1, 5), sd=exponential(2))")
    assert agrees(found.coefficients[0, :, 0], scipy.stats.norm(1, 5))
    found = drawn("Y ~ normal(+X, V, weight=student(3, 1, 2), intercept=normal(1, 5), sd=exponential(2))")
    b, x, v = np.moveaxis(found.coefficients[0], -1, 0)
    assert agrees(b, scipy.stats.norm(1, 5))
    positive = scipy.stats.t(3, 1, 2)
    assert x.min() > 0
    assert agrees(positive.cdf(x), scipy.stats.uniform(positive.cdf(0), positive.sf(0)))
    assert agrees(v, positive)
    assert agrees(dict(found.parameters)["sd"][0], scipy.stats.expon(scale=0.5))


def test_draws_follow_the_default_priors_at_the_centre():
    y = ROWS.column("Y")
    t = y.std(ddof=1)
    found = drawn("Y ~ normal(X, V, X:V)")
    b, x, v, xv = np.moveaxis(found.coefficients[0], -1, 0)
    mx, mv, sx, sv = X.mean(), V.mean(), X.std(ddof=1), V.std(ddof=1)
    assert agrees(b + x * mx + v * mv + xv * mx * mv, scipy.stats.norm(y.mean(), 2 * t))
    assert agrees((x + xv * mv) * sx, scipy.stats.norm(0, t))
    assert agrees((v + xv * mx) * sv, scipy.stats.norm(0, t))
    assert agrees(xv * sx * sv, scipy.stats.norm(0, t))
    assert agrees(dict(found.parameters)["sd"][0] - 0.05 * t, scipy.stats.halfnorm(scale=t))


def test_fixed_numbers_stay_and_bounds_hold():
    found = drawn("Y ~ normal(X, V, weight=normal(0, 1, low=-1, high=2), intercept=3, sd=0.5)")
    assert (found.coefficients[0, :, 0] == pytest.approx(3.0)) and (dict(found.parameters)["sd"] == 0.5).all()
    weights = found.coefficients[0, :, 1:]
    assert -1 <= weights.min() < -0.95 and 1.9 < weights.max() <= 2


def test_the_check_of_a_root_is_the_law_of_its_mean_and_sd():
    check = check_priors_on(ModelSpec.parse("X ~ normal"), ROWS, 0)
    (row,) = check.nodes
    m, s = X.mean(), X.std(ddof=1)
    # The mean of 200 rows: the prior's 2 s, and a little noise from rows with sd 0.05 s + |N(0, s)|.
    spread = np.sqrt((2 * s) ** 2 + ((0.05 * s) ** 2 + 0.1 * s * s * np.sqrt(2 / np.pi) + s**2) / 200)
    assert row.prior_mean == pytest.approx((m - 1.645 * spread, m + 1.645 * spread), abs=0.15 * spread)
    low, high = (0.05 * s + s * scipy.stats.halfnorm.ppf(q) for q in (0.05, 0.95))
    assert row.prior_sd == pytest.approx((low, high), abs=0.1 * s)
    assert row.below_mean == pytest.approx(0.5, abs=0.06)
    inside = scipy.stats.norm(m, spread).cdf(X.max()) - scipy.stats.norm(m, spread).cdf(X.min())
    assert row.means_within == pytest.approx(inside, abs=0.05)
    assert check.warnings == ()


def test_default_priors_raise_no_alarm_down_a_chain():
    random = np.random.default_rng(3)
    columns, text = {"A0": random.normal(size=100)}, "A0 ~ normal"
    for k in range(1, 10):
        columns[f"A{k}"] = 0.8 * columns[f"A{k - 1}"] + random.normal(size=100)
        text += f"; A{k} ~ normal(A{k - 1})"
    assert check_priors_on(ModelSpec.parse(text), Dataset.of(columns), 0).warnings == ()


def test_levels_that_are_seen_equally_often_raise_no_alarm():
    halves = Dataset.of({"B": np.tile([0.0, 1.0], 40)})
    assert check_priors_on(ModelSpec.parse("B ~ bernoulli"), halves, 0).warnings == ()
    table = check_priors_on(ModelSpec.parse("B ~ table(levels=[0, 1], concentration=2)"), halves, 0)
    assert table.warnings == ()
    # The mean of a beta(2, 2) and of 200 rows.
    low, high = scipy.stats.beta(2, 2).ppf([0.05, 0.95])
    assert table.nodes[0].prior_mean == pytest.approx((low, high), abs=0.03)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Y ~ normal(X, V, intercept=normal(5000, 1))", "the priors all but exclude the mean of Y"),
        ("Y ~ normal(sd=exponential(1000), intercept=normal(12, 1))", "the priors all but exclude the sd of Y"),
        (
            "Y ~ normal(X, V, weight=normal(0, 1000))",
            "times as wide as its column. Narrow the priors on Y and its causes",
        ),
    ],
)
def test_priors_in_the_wrong_units_are_found(text, said):
    (warning,) = check_priors_on(ModelSpec.parse(BASE + text), ROWS, 0).warnings
    assert said in warning
    assert warning in str(check_priors_on(ModelSpec.parse(BASE + text), ROWS, 0))


def test_numbers_that_overflow_are_said_and_not_raised():
    text = "X ~ normal; Y ~ gamma(X, weight=normal(0, 100))"
    check = check_priors_on(ModelSpec.parse(text), ROWS, 0)
    assert "wide" in check.warnings[0]
    assert all(np.isfinite(v) or v is None for v in check.to_json()["nodes"][1]["prior_mean"] if v is not None)


def test_a_fit_and_a_check_before_it_say_the_same(front_door: ld.Posterior):
    assert front_door.data is not None
    rows = {name: front_door.data.column(name) for name in front_door.spec.measured}
    before = ld.check(front_door.spec, rows, prior=True, seed=4)
    after = front_door.prior_check(seed=4)
    assert before.prior is not None
    assert before.prior == after
    assert str(after) in str(before)
    assert before.to_json()["prior"] == after.to_json()
    assert ld.check(front_door.spec, rows).prior is None
    assert front_door.prior_check(seed=5) != after


def test_the_page_of_a_check_is_escaped():
    spec = ModelSpec.parse("`a<b` ~ normal")
    rows = Dataset.of({"a<b": X})
    page = check_priors(spec, tuple(coordinates_on(spec, rows).values()), rows.summaries, 0)._repr_html_()
    assert "a&lt;b" in page and "a<b" not in page


def test_what_cannot_be_checked_is_explained(front_door: ld.Posterior):
    with pytest.raises(StudyError, match="needs the data"):
        ld.check("X ~ normal", prior=True)
    with pytest.raises(SpecError, match="a whole number from 100 to 100,000, got 3"):
        front_door.prior_check(n_draws=3)

"""Means and variances of linear models under any law of a treatment, and evidence that never occurs, exactly."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.answers.laws import law_moments
from latentdo.errors import QueryError
from latentdo.query import Query
from posteriors import numbers, posterior_of

MODEL = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"


@pytest.mark.parametrize(
    "law", ["lognormal(0, 3)", "student(3, 1, 2)", "uniform(-1, 2)", "gamma(2, 4)", "poisson(3)", "normal(0, 1, low=0)"]
)
def test_moments_follow_from_those_of_the_law(law):
    posterior = posterior_of(MODEL, shape=(4, 10))
    own = numbers(posterior)
    (setting,) = Query.parse(f"E[Y | do(X ~ {law})]").term.do
    mean, sd = law_moments(setting.value)
    slope = own["X -> M"] * own["M -> Y"]
    base = own["intercept(Y)"] + own["M -> Y"] * own["intercept(M)"]
    # The hidden cause has mean 0 and sd 1.
    rest = own["sd(Y)"] ** 2 + (own["M -> Y"] * own["sd(M)"]) ** 2 + own["U -> Y"] ** 2
    first, spread = ld.ask(posterior, f"E[Y | do(X ~ {law})]", f"Var[Y | do(X ~ {law})]")
    assert first.is_exact
    assert spread.is_exact
    np.testing.assert_allclose(first.draws, base + slope * mean, rtol=1e-9)
    np.testing.assert_allclose(spread.draws, rest + (slope * sd) ** 2, rtol=1e-9)


@pytest.mark.parametrize("query", ["P(Y > 1 | do(X ~ uniform(-1, 2)))", "E[Y | do(X ~ gamma(2, 4)), M > 0]"])
def test_what_depends_on_more_than_moments_is_simulated(query):
    assert not ld.ask(posterior_of(MODEL, shape=(4, 10)), query).is_exact


def test_evidence_that_never_occurs_is_said_to_be_that():
    posterior = posterior_of("Z ~ bernoulli; C ~ categorical(Z, levels=[0, 1, 2])", shape=(4, 10))
    with pytest.raises(QueryError, match="has no value in 40 of 40 posterior draws: its evidence never occurs there"):
        ld.ask(posterior, "P(Z=1 | C > 2)")


def test_limits_beyond_what_can_be_squared_are_far_out_and_no_more():
    posterior = posterior_of(MODEL, shape=(4, 10))
    assert ld.ask(posterior, "P(Y > 1e160)").mean == 0
    assert ld.ask(posterior, "P(Y < 1e300)").mean == 1


def test_rare_exact_evidence_is_said_with_its_rows():
    posterior = posterior_of("Z ~ normal; Y ~ normal(Z)", spread=0.001, shape=(4, 250))
    (said,) = [w for w in ld.ask(posterior, "E[Y | Z > 3.5]").warnings if "rare" in w]
    assert said.startswith(
        "the evidence is rare: its probability in the trained model is 0.0002, about 0.02 of 100 rows"
    )

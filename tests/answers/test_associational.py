"""What stands beside an answer: seeing in place of doing, and the priors alone."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.answers.associational import prior_of, seeing
from latentdo.errors import QueryError
from latentdo.models import ModelSpec
from latentdo.query import Query
from posteriors import posterior_of

CONFOUNDED = "Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)"
SPEC = ModelSpec.parse("Z ~ normal; X ~ normal(Z); S ~ linear(X); Y ~ normal(X, Z)")


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("E[Y | do(X=1)]", "E[Y | X=1]"),
        ("E[Y | do(X=1), Z=2]", "E[Y | X=1, Z=2]"),
        ("2 * (E[Y | do(X=1)] - E[Y | do(X=0)])", "2 * (E[Y | X=1] - E[Y | X=0])"),
        ("Quantile[Y, 0.9 | do(X=1, Z=0)]", "Quantile[Y, 0.9 | X=1, Z=0]"),
        ("E[Y | do(X=1)] - E[Y]", "E[Y | X=1] - E[Y]"),
        ("E[Y]", None),
        ("E[Y | do(X ~ normal(0, 1))]", None),
        ("E[Y | do(S=1)]", None),
    ],
)
def test_seeing_puts_conditions_in_the_place_of_settings(query, seen):
    found = seeing(SPEC, Query.parse(query))
    assert (None if found is None else str(found)) == seen


def test_the_naive_answer_is_that_of_the_association():
    posterior = posterior_of(CONFOUNDED, {"Z -> X": 1.0, "X -> Y": 0.0, "Z -> Y": 1.0}, spread=0.01)
    done = ld.ask(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]", naive=True)
    assert abs(done.mean) < 0.01
    assert done.naive is not None
    # cov(X, Y) / var(X) = 1/2.
    assert done.naive.mean == pytest.approx(0.5, abs=0.01)
    assert str(done.naive.query) == "E[Y | X=1] - E[Y | X=0]"
    assert ld.ask(posterior, "E[Y]", naive=True).naive is None
    assert ld.ask(posterior, "E[Y | do(X=1)]").naive is None


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("E[Y | do(X ~ normal(0, 1))]", "no naive answer: X is drawn from a law"),
        ("E[Y | do(X ~ normal(0, 1))] - E[Y | do(X=0)]", "no naive answer: X is drawn from a law"),
        ("E[Y | do(S=1)]", "no naive answer: S has no noise of its own"),
    ],
)
def test_why_there_is_no_naive_answer_is_said(query, why):
    posterior = posterior_of("X ~ normal; S ~ linear(X); Y ~ normal(S, X)", shape=(4, 20))
    # The graph does not answer questions about S, a function of X.
    answer = ld.ask(posterior, query, naive=True, allow_unidentified=True)
    assert answer.naive is None
    assert why in " ".join(answer.warnings)
    assert "naive" not in " ".join(ld.ask(posterior, query, allow_unidentified=True).warnings)
    assert "naive" not in " ".join(ld.ask(posterior, "E[Y]", naive=True).warnings)


def test_a_sweep_has_a_naive_answer_at_every_point():
    posterior = posterior_of(CONFOUNDED, shape=(4, 20))
    found = ld.ask(posterior, "E[Y | do(X)] for X in [0, 1]", naive=True)
    assert [str(answer.naive.query) for answer in found] == ["E[Y | X=0]", "E[Y | X=1]"]


def test_what_is_not_identified_stands_beside_what_the_priors_say():
    posterior = posterior_of("X ~ normal; Y ~ normal(X); X <-> Y", shape=(4, 20))
    insisted, fine = ld.ask(posterior, "E[Y | do(X=1)]", "E[Y | X=1]", allow_unidentified=True)
    assert fine.prior is None
    assert insisted.prior is not None
    prior = prior_of(posterior, 0)
    coefficients = prior.by_node["Y"].coefficients[0]
    np.testing.assert_allclose(insisted.prior.draws, coefficients[:, 0] + coefficients[:, 1], rtol=1e-9)
    assert insisted.prior.rhat is None
    assert insisted.prior.sd > insisted.sd


def test_priors_that_reach_numbers_too_large_to_hold_have_no_answer_of_their_own():
    posterior = posterior_of("X ~ normal; Y ~ gamma(X, weight=normal(0, 1e6)); X <-> Y", {"X -> Y": 0.1}, shape=(4, 20))
    answer = ld.ask(posterior, "E[Y | do(X=1)]", allow_unidentified=True)
    assert answer.prior is None
    assert np.isfinite(answer.mean)


def test_naive_does_not_go_with_a_table_of_effects():
    posterior = posterior_of(CONFOUNDED, shape=(4, 20))
    with pytest.raises(QueryError, match="A table of effects has no naive estimates beside it"):
        ld.ask(posterior, ld.types.Effects(), naive=True)


def test_a_list_of_questions_gives_answers():
    posterior = posterior_of(CONFOUNDED, shape=(4, 20))
    assert len(ld.ask(posterior, ["E[Y]", "E[X]"])) == 2
    (only,) = ld.ask(posterior, ["E[Y]"])
    assert only.mean == ld.ask(posterior, "E[Y]").mean


def test_a_naive_answer_that_has_no_number_does_not_lose_the_others():
    model = "latent U ~ normal; X ~ bernoulli(U); G ~ gamma(U, X); Y ~ normal(G, X)"
    posterior = posterior_of(model, {"U -> G": 1.0, "shape(G)": 50.0}, shape=(4, 20), ranges={"G": (0.01, 40.0)})
    fine, lost = ld.ask(posterior, "E[Y | do(X=1)]", "E[Y | do(G=1e-9)]", naive=True, allow_unidentified=True)
    assert fine.naive is not None
    assert lost.naive is None
    assert any("what seeing says in place of doing has no number: E[Y | G=" in warning for warning in lost.warnings)


def test_a_dict_of_questions_gives_answers_with_names():
    posterior = posterior_of(CONFOUNDED, shape=(4, 20))
    found = ld.ask(posterior, {"low": "E[Y | do(X=0)]", "high": "E[Y | do(X=1)]"})
    assert [answer.name for answer in found] == ["low", "high"]
    assert found["high"].mean == ld.ask(posterior, "E[Y | do(X=1)]").mean

"""Probabilities near 1 and what is left of them: none above 1, and odds from what the event leaves open."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit, log_ndtr

import latentdo as ld
from latentdo.answers.comparisons import complement
from latentdo.query import Outcome
from posteriors import numbers, posterior_of

CHAIN = "X ~ normal; M ~ normal(X); Y ~ normal(M); B ~ bernoulli(Y)"


@pytest.fixture(scope="module")
def chain() -> ld.Posterior:
    return posterior_of(CHAIN, {"intercept(B)": 0.3}, shape=(4, 250))


def draws(posterior: ld.Posterior, query: str) -> np.ndarray:
    answer = ld.ask(posterior, query)
    assert isinstance(answer, ld.Answer)
    return answer.draws


@pytest.mark.parametrize("evidence", ["Y > 6", "Y > 20", "Y > 3, Y < 3.5"])
@pytest.mark.parametrize("event", ["M > -3", "M > 0", "M > -4, M < 30"])
def test_no_probability_is_above_one_and_no_odds_are_negative(chain, event, evidence):
    chance = draws(chain, f"P({event} | do(X=1), {evidence})")
    odds = draws(chain, f"odds({event} | do(X=1), {evidence})")
    assert chance.min() >= 0 and chance.max() <= 1
    assert odds.min() > 0
    assert odds / (1 + odds) == pytest.approx(chance, abs=1e-9)


def test_odds_in_the_far_tail_keep_their_digits(chain):
    own = numbers(chain)
    z = (9.0 - own["intercept(M)"] - own["X -> M"]) / own["sd(M)"]
    assert np.log(draws(chain, "odds(M < 9 | do(X=1))")) == pytest.approx(log_ndtr(z) - log_ndtr(-z), rel=1e-9)


def test_odds_of_one_level_are_those_against_the_other_however_sure_it_is(chain):
    own = numbers(chain)
    logit = own["intercept(B)"] + own["Y -> B"] * 45
    assert np.log(draws(chain, "odds(B=1 | do(Y=45))")) == pytest.approx(logit)
    ratio = draws(chain, "odds(B=1 | do(Y=45)) / odds(B=1 | do(Y=44))")
    assert np.log(ratio) == pytest.approx(own["Y -> B"])
    assert 1 / draws(chain, "odds(B=0 | do(Y=45)) / odds(B=0 | do(Y=44))") == pytest.approx(ratio)


@pytest.mark.usefixtures("simulated")
def test_simulated_odds_come_from_the_opposite_event_too(chain):
    own = numbers(chain)
    logit = own["intercept(B)"] + own["Y -> B"] * 45
    assert np.log(draws(chain, "odds(B=1 | do(Y=45))")) == pytest.approx(logit)
    assert np.log(draws(chain, "1 - P(B=1 | do(Y=45))")) == pytest.approx(log_expit(-logit))


def test_a_number_that_can_be_held_is_answered_however_large_it_is(chain):
    answer = ld.ask(chain, "E[M | do(X=1e300)]")
    assert isinstance(answer, ld.Answer)
    assert answer.mean / 1e300 == pytest.approx(numbers(chain)["X -> M"].mean())
    assert answer.sd is not None and answer.sd / 1e300 == pytest.approx(numbers(chain)["X -> M"].std(ddof=1))
    assert np.isfinite(answer.mcse) and "e+" in answer.text()


def test_what_an_event_leaves_open_is_a_sum_of_events_that_exclude_each_other():
    items = [Outcome("A", ">", 1.0), Outcome("A", "<", 2.0), Outcome("B", "=", "b"), Outcome("C", "=", 3.0)]
    found = complement(items, {"B": ("a", "b", "c")})
    words = [", ".join(map(str, event)) for event in found]
    assert words == [
        "A <= 1",
        "A > 1, A >= 2",
        "A > 1, A < 2, B=a",
        "A > 1, A < 2, B=c",
        "A > 1, A < 2, B=b, C < 3",
        "A > 1, A < 2, B=b, C > 3",
    ]


def test_the_mean_of_numbers_near_the_largest_one_is_a_number(chain):
    answer = ld.ask(chain, "E[M | do(X=1e308)]")
    assert answer.mean / 1e308 == pytest.approx(numbers(chain)["X -> M"].mean())

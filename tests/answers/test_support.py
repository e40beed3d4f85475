"""Values in questions: those that a node cannot take are refused by name, before anything is computed."""

from __future__ import annotations

import pytest

import latentdo as ld
from latentdo.answers.support import check_complete, check_values
from latentdo.errors import LatentdoError, QueryError, SupportError
from latentdo.query import Query

MODEL = ld.model(
    """
    latent U ~ normal
    Z ~ normal
    B ~ bernoulli(Z)
    G ~ gamma(Z)
    H ~ hill(Z, U)
    C ~ categorical(Z, levels=[a, b, c])
    T ~ table(B, levels=[0, 1, 5])
    K ~ categorical(Z)
    L ~ linear(Z)
    `a b` ~ normal(Z)
    Y ~ normal(B, G, H, C, U)
    """
)


def check(text: str) -> None:
    query = Query.parse(text)
    query.check(MODEL.graph)
    check_values(MODEL, query)
    check_complete(MODEL, query)


@pytest.mark.parametrize(
    "text",
    [
        "Var[Y | do(B=1)]",
        "SD[G | do(B=0)]",
        "Median[B | do(Z=0)]",
        "Quantile[T, 0.9 | do(B=1)]",
        "Var[L | do(Z=1)]",
        "density(Y=1.3 | do(B=1), G=2)",
        "odds(B=1 | do(Z=1)) / odds(B=1 | do(Z=0))",
        "E[Y | do(Z)] for Z in -3..3",
        "E[Y | do(B), G=1] for B in [0, 1]",
        "E[Y | do(C), G] for C in [a, b, c], G in 1..2",
        "density(Y | do(B=1)) for Y in -1..1",
        "density(G | do(Z)) for G in 0.1..5, Z in [0, 1]",
        "P(B | do(Z)) for Z in 0..1",
        "P(C | do(Z=1)) for C in [a, b]",
        "P(B, T | do(Z)) for Z in 0..1",
        "E[Y | do(K=whatever)]",
        "E[Y | do(K ~ categorical(0.5, 0.5))]",
        *(
            f"E[Y | do(Z ~ {law})]"
            for law in (
                "normal(0, 1)", "student(4, 0, 1)", "lognormal(0, 1)", "gamma(2, 1)", "exponential(1)", "halfnormal(1)",
                "beta(2, 3)", "uniform(-1, 1)", "bernoulli(0.5)", "poisson(3)", "normal(0, 1, low=-1)",
            )
        ),
        "E[Y | do(B ~ bernoulli(0.5))]",
        "E[Y | do(B ~ categorical(0.5, 0.5))]",
        "E[Y | do(T ~ categorical(0.2, 0.3, 0.5))]",
        "E[Y | do(T ~ bernoulli(0.5))]",
        "E[Y | do(C ~ categorical(0.2, 0.3, 0.5))]",
        *(
            f"E[Y | do(G ~ {law})]"
            for law in ("lognormal(0, 1)", "gamma(2, 1)", "uniform(0, 2)", "beta(1, 1)", "normal(5, 1, low=0)")
        ),
    ],
)  # fmt: skip
def test_what_makes_sense_passes(text: str):
    check(text)


REFUSED = {
    "Var[C | do(Z=1)]": "Var[C] has no meaning: the levels of C are names (a, b, c). Ask for the probability of one, P(C = c).",
    "SD[C]": "SD[C] has no meaning",
    "Median[C]": "Median[C] has no meaning",
    "Quantile[C, 0.9]": "Quantile[C] has no meaning",
    "density(C=a)": "density(C) has no meaning",
    "density(B=1 | do(Z=1))": "B is bernoulli and has no density: single values have a probability of their own. Ask for "
    "P(B=1 | …).",
    "density(T=5)": "T is table and has no density",
    "density(B | do(Z=1)) for B in [0, 1]": "Ask for P(B=… | …).",
    "density(L=1)": "L is linear (no noise) and may have no density",
    "density(G=-1)": "G is gamma: its values are positive numbers, not -1.",
    "P(Y=1)": "Ask for an interval, P(Y > …, Y < …), or for the density, density(Y=1 | …).",
    "P(Y | do(B=1)) for Y in 0..1": "P(Y=0) is 0 for a continuous node",
    "P(Y | do(B=1))": "for a quantile, Quantile[Y, 0.9 | …], for an event, P(Y > … | …), or for its density, density(Y=… | …).",
    "E[Y | do(G)] for G in 0..1": "G=0 in the sweep: G is gamma: its values are positive numbers, not 0.",
    "E[Y | do(Z=1), G] for G in [1, -2]": "G=-2 in the sweep: G is gamma",
    "E[Y | do(B)] for B in 0..1": "B=0.05 in the sweep: B is bernoulli: its values are 0 and 1, not 0.05.",
    "E[Y | do(C)] for C in [a, d]": "C=d in the sweep: C is categorical with the levels a, b, c, not d.",
    "E[Y | do(Z)] for Z in [a]": "Z=a in the sweep: Z is normal and takes any number, not the level 'a'.",
    "E[Y | do(B ~ normal(1, 0.5))]": "do(B ~ normal(1, 0.5)) draws numbers that B cannot take: B is bernoulli: its values are "
    "0 and 1, not -0.5. Draw it from bernoulli(p), or set it, do(B=…).",
    "E[Y | do(B ~ beta(1, 1))]": "B is bernoulli: its values are 0 and 1, not 0.01.",
    "E[Y | do(B ~ poisson(1))]": "B is bernoulli: its values are 0 and 1, not 2.",
    "E[Y | do(G ~ normal(5, 1))]": "Draw it from a law of positive numbers, lognormal(mean, sd), or set it, do(G=…).",
    "E[Y | do(G ~ uniform(-0.001, 1))]": "do(G ~ uniform(-0.001, 1)) draws numbers that G cannot take",
    "E[Y | do(G ~ poisson(3))]": "its values are positive numbers, not 0.",
    "E[Y | do(C ~ bernoulli(0.5))]": "Draw it from categorical(p1, …, pk), a probability for each of its 3 levels, or set it",
    "E[Y | do(T ~ poisson(1))]": "T is table with the levels 0, 1, 5, not 2.",
    "E[Y | do(C ~ categorical(0.5, 0.5))]": "C has 3 levels (a, b, c), and do(C ~ categorical(0.5, 0.5)) gives 2 probabilities.",
    "E[Y | do(Z ~ normal(0, 1, low=50))]": "or is cut where the law has next to no probability.",
    "E[Y | do(Z ~ lognormal(1000, 1))]": "draws numbers that are too large to compute with",
    "E[Y | do(Z ~ categorical(0.5, 0.5))]": "Z is normal, without levels. Draw from a law of numbers, normal(mean, sd), or set",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_a_node_cannot_be_is_refused_with_a_repair(text: str):
    with pytest.raises(SupportError) as caught:
        check(text)
    assert REFUSED[text] in str(caught.value)


INCOMPLETE = {
    "E[Y | do(Z)]": "do(Z) in E[Y | do(Z)] has no value, so there is no number to compute. Write do(Z=…), or sweep it: for Z in "
    "0..10.",
    "E[Y | do(B)]": "or sweep it: for B in [0, 1].",
    "E[Y | do(C)]": "or sweep it: for C in [a, b, c].",
    "E[Y | do(G)]": "or sweep it: for G in 1..10.",
    "E[Y | do(Z=1), B]": "The condition B in E[Y | do(Z=1), B] has no value, so there is no number to compute. Write B=…, or "
    "sweep it: for B in [0, 1].",
    "E[Y | do(Z, B)] for B in [0, 1]": "sweep it: for B in [0, 1], Z in 0..10.",
    "E[`a b` | do(Z)]": "for Z in 0..10.",
    "E[Y | do(`a b`)]": "Write do(`a b`=…), or sweep it: for `a b` in 0..10.",
    "P(B | do(Z)) - P(B) for Z in 0..1": "P(B | do(Z=0)) is a law of several numbers and cannot stand in arithmetic.",
}  # fmt: skip


@pytest.mark.parametrize("text", INCOMPLETE)
def test_a_question_without_a_number_is_refused_and_offered_a_sweep(text: str):
    with pytest.raises(QueryError) as caught:
        check(text)
    assert INCOMPLETE[text] in str(caught.value)


def test_only_the_values_of_a_report_are_checked():
    # A verdict needs no values, and no levels that only data can tell.
    report = ld.check("X ~ normal; Y ~ normal(X)")
    assert report.identified
    with pytest.raises(LatentdoError, match="No law is called 'foo'"):
        ld.identify(MODEL, "E[Y | do(Z ~ foo(1))]")

"""`sd=loglinear(X)`: what a text says, what it prints, what priors name, and which slips are met with which repair."""

from __future__ import annotations

import pytest

import latentdo as ld
from latentdo.errors import LatentdoError
from latentdo.graphs import parse_call
from latentdo.models import ModelSpec, Variant, vary

TEXTS = (
    "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U, sd=loglinear(X, -U))",
    "A ~ gamma; Y ~ normal(sd=loglinear(log(A), A^2))",
    "A ~ gamma; Z ~ normal; Y ~ student(A, scale=loglinear(A, Z, A:Z), df=4)",
    "C ~ categorical(levels=[a, b, c]); Y ~ lognormal(C, sd=loglinear(C, weight=normal(0, 1), intercept=0.5))",
    "Z ~ normal; X ~ normal; latent U ~ normal(Z, sd=loglinear(X)); Y ~ normal(U)",
    "X ~ normal; Y ~ hill(X, max=50, sd=loglinear(+X)); X <-> Y",
    "X ~ normal; Y ~ gamma(X, shape=loglinear(X)); Z ~ negbin(X, zi=true, shape=loglinear(Y))",
    "X ~ normal; Z ~ normal; Y ~ normal(s(X), Z, sd=loglinear(X, Z))",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_model_is_the_one_that_its_text_says(text):
    model = ld.model(text)
    assert ModelSpec.parse(str(model)) == model


def test_what_only_the_spread_depends_on_is_a_cause():
    model = ld.model("X ~ normal; Z ~ normal; Y ~ normal(X, sd=loglinear(Z, X:Z))")
    assert model.graph.parents("Y") == ("X", "Z")
    hidden = ld.model("latent U ~ normal; X ~ normal(U); Y ~ normal(X, sd=loglinear(U))")
    assert not ld.identify(hidden, "Var[Y | do(X=1)]").identified


def test_priors_are_named_as_they_are_printed():
    model = ld.model("X ~ normal; Z ~ normal; Y ~ normal(X, sd=loglinear(X, Z))")
    one = model.with_priors({"sd weight X -> Y": parse_call("normal(0, 2)"), "sd intercept(Y)": 0.5})
    assert str(one).splitlines()[-2:] == [
        "Y ~ normal(X, sd=loglinear(X, Z, intercept=0.5))",
        "# prior of sd weight X -> Y: normal(0, 2)",
    ]
    both = model.with_priors({"sd weight(Y)": parse_call("normal(0, 2)"), "weight": parse_call("normal(0, 3)")})
    assert str(both).splitlines()[-1] == "Y ~ normal(X, sd=loglinear(X, Z, weight=normal(0, 2)), weight=normal(0, 3))"
    all_ = model.with_priors({"sd weight": parse_call("normal(0, 2)"), "sd intercept": 1.0})
    assert str(all_).splitlines()[-1] == "Y ~ normal(X, sd=loglinear(X, Z, intercept=1, weight=normal(0, 2)))"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sd weight Q -> Y", "sd of Y does not depend on Q. Known are: X, Z."),
        ("sd weight(X)", "sd of X does not depend on parents. Write sd=loglinear(…) in its model."),
        ("sd(Y)", "sd of Y depends on parents. Write 'sd intercept(Y)' or 'sd weight(Y)'."),
        ("scale weight(Y)", "scale of Y does not depend on parents."),
        ("Z -> Y", "Y has no parent Z. Known are: X."),
        ("sd weight X", "Such a weight is named sd weight X -> Y."),
        ("foo weight", "No parameter is called 'foo weight'."),
    ],
)
def test_a_key_that_names_nothing_is_met_with_what_there_is(key, message):
    model = ld.model("X ~ normal; Z ~ normal; Y ~ normal(X, sd=loglinear(X, Z))")
    with pytest.raises(LatentdoError) as caught:
        model.with_priors({key: 1.0})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("mechanism", "message"),
    [
        ("bernoulli(X, sd=loglinear(X))", "bernoulli has no option 'sd' for Y."),
        ("student(X, sd=loglinear(X))", "student has no sd, but scale: write scale=loglinear(X) for Y."),
        ("student(X, df=loglinear(X))", "df of Y does not depend on parents: student has it for scale."),
        ("normal(X, weight=loglinear(X))", "weight of Y does not depend on parents: normal has it for sd."),
        ("normal(X, sd=loglinear())", "loglinear needs a parent, as in sd=loglinear(X)."),
        ("normal(X, sd=loglinear)", "loglinear has in parentheses what sd depends on: sd=loglinear(X)."),
        ("normal(X, sd=loglinear(s(X)))", "s(X) is a spline, and loglinear(…) takes none"),
        ("normal(X, sd=loglinear(X, sd=1))", "loglinear has no option 'sd' for Y. It takes weight and intercept."),
        ("normal(X, sd=loglinear(X, weight=loglinear(X)))", "takes a number or a prior such as normal(0, 1)"),
        ("normal(X, sd=loglinear(X), sd=2)", "'sd' is given twice."),
        ("normal(X, sd=loglinear(X, X))", "'X' is given twice."),
        ("normal(X, sd=loglinear(2))", "a number cannot stand among the parents."),
        ("negbin(X, zi=loglinear(X))", "Y has no zi"),
        (
            "normal(X, sd=loglinear(+Z, Z:X))",
            "The sign of Z in loglinear(…) cannot be constrained beside an interaction",
        ),
    ],
)
def test_a_slip_is_met_with_its_repair(mechanism, message):
    with pytest.raises(LatentdoError) as caught:
        ld.model(f"X ~ normal; Z ~ normal; Y ~ {mechanism}")
    assert message in str(caught.value)


def test_an_inhibiting_arrow_needs_a_weight_of_its_own():
    with pytest.raises(LatentdoError, match=r"X is a parent only within loglinear\(…\)\. Write the sign there"):
        ld.model("X ~ normal; Y ~ normal(sd=loglinear(X)); X -| Y")


def test_without_what_it_depends_on_a_spread_is_a_number_again():
    model = ld.model("latent U, V ~ normal; X ~ normal(U, V); Y ~ normal(X, sd=loglinear(U, V))")
    assert str(vary(model, Variant("v", drop=("U", "V"))).model).splitlines()[-1] == "Y ~ normal(X)"
    merged = vary(model, Variant("v", merge=(("W", ("U", "V")),))).model
    assert str(merged).splitlines()[-1] == "Y ~ normal(X, sd=loglinear(W))"
    split = vary(merged, Variant("v", split=(("W", ("P", "Q")),))).model
    assert str(split).splitlines()[-1] == "Y ~ normal(X, sd=loglinear(P, Q))"


def test_curves_in_place_of_lines_leave_the_spread_as_it_is():
    model = ld.model("X ~ normal; Z ~ normal; Y ~ normal(X, sd=loglinear(Z))").flexible()
    assert str(model).splitlines()[-1] == "Y ~ normal(s(X), sd=loglinear(Z))"


def test_a_latent_has_a_spread_of_one_where_its_parents_are_at_zero():
    model = ld.model("Z ~ normal; latent U ~ normal(Z, sd=loglinear(Z)); Y ~ normal(U)")
    assert model["U"].predictors[1].intercept == 0.0

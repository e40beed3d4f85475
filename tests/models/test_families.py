"""Families as data: which columns and which values a node can have."""

from __future__ import annotations

import math

import pytest

from latentdo.errors import DataError, LatentdoError, SupportError
from latentdo.models import (
    FAMILIES,
    Bernoulli,
    ColumnSummary,
    Constant,
    Gamma,
    Hill,
    Linear,
    ModelSpec,
    Normal,
    Poisson,
)


def column(*values: float) -> ColumnSummary:
    distinct = tuple(sorted({float(value) for value in values}))
    mean = sum(values) / len(values)
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / max(len(values) - 1, 1))
    whole = all(v == int(v) for v in distinct)
    listed = distinct if len(distinct) <= 20 else ()
    return ColumnSummary("Y", len(values), mean, sd, distinct[0], distinct[-1], len(distinct), whole, listed)


def test_the_families_go_by_their_names():
    assert list(FAMILIES) == [
        *(
            "normal",
            "student",
            "bernoulli",
            "categorical",
            "ordinal",
            "gamma",
            "lognormal",
            "beta",
            "poisson",
            "negbin",
        ),
        *("hill", "linear", "table"),
    ]
    for name, family in FAMILIES.items():
        assert family.name == name == str(family())
        assert family.equation
    assert {name for name, family in FAMILIES.items() if not family.may_be_latent} == {
        "ordinal",
        "gamma",
        "lognormal",
        "beta",
        "poisson",
        "negbin",
    }
    assert {name for name, family in FAMILIES.items() if family.discrete} == {
        "bernoulli",
        "categorical",
        "negbin",
        "ordinal",
        "poisson",
        "table",
    }
    assert {name: family.parameters for name, family in FAMILIES.items()} == {
        "normal": ("sd",),
        "student": ("scale", "df"),
        "bernoulli": (),
        "categorical": (),
        "gamma": ("shape",),
        "poisson": ("zi", "hurdle"),
        "negbin": ("shape", "zi", "hurdle"),
        "lognormal": ("sd",),
        "beta": ("shape",),
        "ordinal": (),
        "hill": ("sd",),
        "linear": (),
        "table": (),
    }


@pytest.mark.parametrize(
    ("family", "values"),
    [
        (Normal(), (-1e9, 0, 3)),
        (Linear(), (-1e9, 0, 3)),
        (Bernoulli(), (0, 1, 1)),
        (Bernoulli(), (1, 1)),
        (Gamma(), (1e-9, 4)),
        (Poisson(), (0, 4, 1e6)),
        (Hill(), (-3, 50, 120)),
        (Hill(2.0), (0.1, 1.9)),
    ],
)
def test_possible_columns_pass(family, values):
    family.check(column(*values))


@pytest.mark.parametrize(
    ("family", "values", "message"),
    [
        (
            Bernoulli(),
            (0, 1, 2),
            "Column Y is declared bernoulli, whose values are 0 and 1, but it has 0, 1, 2. Recode it to 0/1, or give "
            "the node another family.",
        ),
        (Bernoulli(), (0, 0.5, 1), "Column Y is declared bernoulli, whose values are 0 and 1, but it has 0, 0.5, 1."),
        (
            Bernoulli(),
            tuple(range(30)),
            "Column Y is declared bernoulli, whose values are 0 and 1, but it runs from 0 to 29.",
        ),
        (
            Gamma(),
            (0, 1),
            "Column Y is declared gamma, whose values are positive, but its smallest value is 0. Remove or shift such "
            "rows, or give the node another family, such as Y ~ normal(…).",
        ),
        (
            Poisson(),
            (-1, 3),
            "Column Y is declared poisson, whose values are whole numbers from 0, but its smallest value is -1. Remove such "
            "rows, or give the node another family, such as Y ~ normal(…).",
        ),
        (
            Poisson("zi"),
            (0, 2.5),
            "Column Y is declared poisson, whose values are whole numbers from 0, but it has 2.5. If it is a rate, use the count "
            "that it was made of; else give the node another family, such as normal.",
        ),
        (
            Hill(),
            (0.1, 0.9),
            "Column Y is declared hill with max=100, but its values run from 0.1 to 0.9: most lie at one end of (0, 100) or "
            "outside it. "
            "Give the true maximum with max=…, or another family.",
        ),
        (
            Hill(),
            (-3, 0.2, 4),
            "Column Y is declared hill with max=100, but its values run from -3 to 4: most lie at one end",
        ),
        (
            Hill(2.5),
            (3, 4),
            "Column Y is declared hill with max=2.5, but its values run from 3 to 4: most lie at one end",
        ),
        (Constant(1.0), (1, 1), "Y was set by an intervention and has no data."),
    ],
)
def test_impossible_columns_are_explained(family, values, message):
    with pytest.raises(DataError) as caught:
        family.check(column(*values))
    assert str(caught.value).startswith(message)
    assert caught.value.column == "Y"


@pytest.mark.parametrize(
    ("family", "value", "message"),
    [
        (Bernoulli(), 0.5, "Y is bernoulli: its values are 0 and 1, not 0.5."),
        (Bernoulli(), "yes", "Y is bernoulli and takes 0 or 1, not the level 'yes'."),
        (Gamma(), 0, "Y is gamma: its values are positive numbers, not 0."),
        (Gamma(), -1.5, "Y is gamma: its values are positive numbers, not -1.5."),
        (Gamma(), "high", "Y is gamma and takes positive numbers, not the level 'high'."),
        (Poisson(), 2.5, "Y is poisson: its values are whole numbers from 0, not 2.5."),
        (Poisson(), -1, "Y is poisson: its values are whole numbers from 0, not -1."),
        (Poisson(), "many", "Y is poisson and takes whole numbers from 0, not the level 'many'."),
        (Normal(), "high", "Y is normal and takes any number, not the level 'high'."),
        (Normal(), math.nan, "Y is normal and takes any number, not nan."),
        (Hill(), math.inf, "Y is hill and takes any number, not inf."),
        (Linear(), "a", "Y is linear and takes any number, not the level 'a'."),
        (Hill(), "a", "Y is hill and takes any number, not the level 'a'."),
        (Constant(2.0), 3, "Y was set to 2, it cannot be 3."),
        (Constant(2.0), "a", "Y is set and takes 2, not the level 'a'."),
    ],
)
def test_impossible_values_are_explained(family, value, message):
    with pytest.raises(SupportError) as caught:
        family.check_value("Y", value)
    assert str(caught.value) == message
    assert caught.value.node == "Y"


def test_possible_values_are_numbers():
    assert Bernoulli().check_value("Y", 1) == 1.0
    assert Gamma().check_value("Y", 1e-9) == 1e-9
    assert Hill().check_value("Y", -5) == -5.0
    assert Linear().check_value("Y", 0) == 0.0
    assert Constant(2.0).check_value("Y", 2) == 2.0


def test_a_hill_value_outside_its_range_gets_a_caution():
    assert Hill(80.0).caution("Y", 40.0) is None
    assert Hill(80.0).caution("Y", 80.0) == "Y = 80 lies outside (0, 80), the range of its mean."
    assert Hill().caution("Y", -1.0) == "Y = -1 lies outside (0, 100), the range of its mean."
    assert Normal().caution("Y", 1e9) is None


@pytest.mark.parametrize(
    "text",
    [
        "Y ~ poisson(X, zi=true)",
        "Y ~ poisson(X, intercept=normal(0, 1), hurdle=beta(2, 8))",
        "Y ~ poisson(X, zi=0.2, weight=normal(0, 1))",
    ],
)
def test_zeros_of_counts_are_typed_as_they_are_printed(text):
    spec = ModelSpec.parse(f"X ~ normal\n{text}")
    assert str(spec).splitlines()[1] == text
    assert ModelSpec.parse(str(spec)) == spec
    assert spec["Y"].family.parameters == (("zi",) if "zi" in text else ("hurdle",))


def test_zeros_may_be_left_as_they_are():
    assert ModelSpec.parse("Y ~ poisson(zi=false)") == ModelSpec.parse("Y ~ poisson")
    assert ModelSpec.parse("Y ~ poisson")["Y"].family.parameters == ()


def test_a_prior_of_extra_zeros_may_stand_among_the_priors():
    spec = ModelSpec.parse("Y ~ poisson(zi=true)")
    assert spec.with_priors({"zi(Y)": 0.25}) == ModelSpec.parse("Y ~ poisson(zi=0.25)")
    assert spec.with_priors({"zi": 0.25}) == ModelSpec.parse("Y ~ poisson(zi=0.25)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Y ~ poisson(zi=true, hurdle=true)", "line 1, column 22: Y has both zi and hurdle."),
        ("Y ~ poisson(zi=1.5)", "zi of Y must be between 0 and 1, got 1.5."),
        ("Y ~ poisson(zi=normal(3, 1, low=2))", "The prior normal leaves no values: low=2 is not below high=1."),
        (
            "Y ~ normal(sd=true)",
            "line 1, column 12: sd of Y takes a number or a prior, and is not on or off: got true.",
        ),
        ("Y ~ hill(max=true)", "max of Y takes a number or a prior, and is not on or off: got true."),
        ("Y ~ normal(zi=true)", "normal has no option 'zi' for Y."),
        ("Y ~ poisson(zeros=true)", "poisson has no option 'zeros' for Y. Known are: intercept, zi, hurdle."),
        ("latent Y ~ poisson", "Y is latent and declared poisson; the families of latent nodes are"),
    ],
)
def test_options_of_counts_that_cannot_be_are_explained(text, message):
    with pytest.raises(LatentdoError) as caught:
        ModelSpec.parse(text)
    assert message in str(caught.value)


def test_a_prior_of_zeros_that_are_not_modelled_is_refused_with_the_repair():
    with pytest.raises(LatentdoError) as caught:
        ModelSpec.parse("Y ~ poisson").with_priors({"zi(Y)": 0.2})
    assert str(caught.value) == "Y has no zi: its model does not turn it on. Write Y ~ poisson(…, zi=true)."


def test_default_priors_of_rare_counts_say_no_more_than_a_row():
    rare = column(0, 0, 0, 1)
    assert Poisson().on_link(-0.42, 0.55, rare) == (-0.42, 2.0)
    assert Poisson().on_link(1.0, 0.9, column(1, 3, 8)) == (1.0, 0.9)

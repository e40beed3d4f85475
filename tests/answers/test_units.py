"""What a number is: its name, its unit, and the value that means no effect."""

from __future__ import annotations

import pytest

from latentdo.answers.units import scale_of
from latentdo.query import Query

A, B = "E[Y | do(X=1)]", "E[Y | do(X=0)]"
P, Q = "P(Y > 1 | do(X=1))", "P(Y > 1 | do(X=0))"


@pytest.mark.parametrize(
    ("question", "shown", "unit", "null"),
    [
        (A, "mean of Y, in its units", "units of Y", None),
        ("E[`my node`]", "mean of `my node`, in its units", "units of `my node`", None),
        (P, "probability", None, None),
        (f"1 - {P}", "probability", None, None),
        ("Var[Y | do(X=1)]", "variance of Y, in squared units", "squared units of Y", None),
        ("SD[Y | do(X=1)]", "standard deviation of Y, in its units", "units of Y", None),
        ("Median[Y | do(X=1)]", "median of Y, in its units", "units of Y", None),
        ("Quantile[Y, 0.9 | do(X=1)]", "0.9 quantile of Y, in its units", "units of Y", None),
        ("density(Y=1.3 | do(X=1))", "density of Y, per unit of Y", "per unit of Y", None),
        ("odds(Y=1 | do(X=1))", "odds", None, None),
        (f"{A} - {B}", "difference in means of Y, in its units", "units of Y", 0.0),
        (f"{P} - {Q}", "risk difference", None, 0.0),
        (f"(1 - {P}) - (1 - {Q})", "risk difference", None, 0.0),
        (f"{P} / {Q}", "risk ratio", None, 1.0),
        (f"{A} / {B}", "ratio of means of Y", None, 1.0),
        ("odds(Y=1 | do(X=1)) / odds(Y=1 | do(X=0))", "odds ratio", None, 1.0),
        ("odds(Y=1 | do(X=1)) - odds(Y=1 | do(X=0))", "difference in odds", None, 0.0),
        ("Var[Y | do(X=1)] / Var[Y]", "ratio of variances of Y", None, 1.0),
        ("Median[Y | do(X=1)] - Median[Y]", "difference in medians of Y, in its units", "units of Y", 0.0),
        ("Quantile[Y, 0.9] - Quantile[Y, 0.1]", "number, in its units", "units of Y", None),
        (f"({A} - {B}) / SD[Y]", "standardised difference in means of Y (in sd of Y)", None, 0.0),
        (f"({A} - {B}) / {B}", "relative change in the mean of Y", None, 0.0),
        (f"{A} / {B} - 1", "relative change in the mean of Y", None, 0.0),
        (f"1 - {P} / {Q}", "relative reduction of risk", None, 0.0),
        (f"({A} - {B}) / 2", "difference in means of Y, divided by 2, in its units", "units of Y", 0.0),
        (f"{P} / {Q} * 2", "risk ratio, times 2", None, None),
        (f"({A} + {B}) / 2", "sum of means of Y, divided by 2, in its units", "units of Y", None),
        (f"{A} - {B} - ({A} - E[Y])", "difference between differences in means of Y, in its units", "units of Y", 0.0),
        ("SD[Y] / E[Y]", "coefficient of variation of Y", None, None),
        ("E[Y] / E[M]", "ratio, in units of Y per unit of M", "units of Y per unit of M", None),
        ("E[Y] * E[M]", "product, in units of M times units of Y", "units of M times units of Y", None),
        ("E[Y] * P(M > 1)", "product, in units of Y", "units of Y", None),
        ("E[Y] - E[M]", "difference of a number in units of Y and one in units of M", None, None),
        ("1 / E[Y]", "1 divided by the mean of Y, per unit of Y", "per unit of Y", None),
        ("0 - E[Y]", "minus the mean of Y, in its units", "units of Y", None),
        ("P(A=1, B=1) / P(B=1)", "ratio of probabilities", None, None),
        ("P(Y | do(X=1))", "probability", None, None),
    ],
)
def test_every_number_names_what_it_is(question, shown, unit, null):
    scale = scale_of(Query.parse(question))
    assert (str(scale), scale.unit, scale.null) == (shown, unit, null)


def test_the_mean_of_a_node_of_zeros_and_ones_is_a_probability():
    assert str(scale_of(Query.parse(A), {"Y"})) == "probability"
    assert str(scale_of(Query.parse(f"{A} - {B}"), {"Y"})) == "risk difference"
    assert str(scale_of(Query.parse(f"{A} / {B}"), {"Y"})) == "risk ratio"
    assert (
        str(scale_of(Query.parse(f"{A} - E[M]"), {"Y"}))
        == "difference of a number without a unit and one in units of M"
    )


BLOOD = (("SBP", "mmHg"), ("DBP", "mmHg"), ("dose", "mg/kg"))


@pytest.mark.parametrize(
    ("question", "shown", "unit"),
    [
        ("E[SBP | do(dose=1)]", "mean of SBP, in mmHg", "mmHg"),
        ("Var[SBP]", "variance of SBP, in mmHg²", "mmHg²"),
        ("SD[SBP]", "standard deviation of SBP, in mmHg", "mmHg"),
        ("Var[dose]", "variance of dose, in (mg/kg)²", "(mg/kg)²"),
        ("Var[SBP] * Var[SBP]", "product, in mmHg⁴", "mmHg⁴"),
        ("density(SBP=120 | do(dose=1))", "density of SBP, in 1/mmHg", "1/mmHg"),
        ("density(dose=1)", "density of dose, in 1/(mg/kg)", "1/(mg/kg)"),
        ("E[SBP | do(dose=1)] - E[SBP | do(dose=0)]", "difference in means of SBP, in mmHg", "mmHg"),
        ("E[SBP | do(dose=1)] / E[SBP | do(dose=0)]", "ratio of means of SBP", None),
        (
            "(E[SBP | do(dose=1)] - E[SBP | do(dose=0)]) / SD[SBP]",
            "standardised difference in means of SBP (in sd of SBP)",
            None,
        ),
        ("P(SBP > 140 | do(dose=1))", "probability", None),
        # Two outcomes in one unit can be subtracted, and their ratio has none.
        ("E[SBP] - E[DBP]", "number, in mmHg", "mmHg"),
        ("E[SBP] / E[DBP]", "ratio", None),
        ("E[SBP] * E[DBP]", "product, in mmHg²", "mmHg²"),
        ("E[SBP] / E[dose]", "ratio, in mmHg/(mg/kg)", "mmHg/(mg/kg)"),
        ("E[SBP] - E[dose]", "difference of a number in mmHg and one in mg/kg", None),
        ("E[SBP] + E[Y]", "sum of a number in mmHg and one in units of Y", None),
        ("E[SBP] / E[Y]", "ratio, in mmHg per unit of Y", "mmHg per unit of Y"),
        ("E[SBP] * E[Y]", "product, in mmHg times units of Y", "mmHg times units of Y"),
        ("E[Y]", "mean of Y, in its units", "units of Y"),
    ],
)
def test_known_units_take_the_place_of_the_units_of_a_node(question, shown, unit):
    scale = scale_of(Query.parse(question), units=BLOOD)
    assert (str(scale), scale.unit) == (shown, unit)


def test_a_difference_between_known_units_that_differ_is_cautioned():
    assert scale_of(Query.parse("E[SBP] - E[dose]"), units=BLOOD).caution == (
        "the question takes the difference of a number in mmHg and one in mg/kg: the result has no unit"
    )
    for fine in ("E[SBP] - E[DBP]", "E[SBP] / E[dose]", "E[SBP] - E[Y]"):
        assert not scale_of(Query.parse(fine), units=BLOOD).caution

"""Queries: what is read, what is said about mistakes, and what makes sense for a graph."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdo.errors import LatentdoError, NotationError, QueryError, UnknownNodeError
from latentdo.graphs import parse_graph, project
from latentdo.query import Axis, Binary, Distribution, Expression, Number, Outcome, Query, Setting, Term, measure

# What is read


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("E[Y]", Term("mean", (Outcome("Y"),))),
        ("P(Y | do(X))", Term("law", (Outcome("Y"),), (Setting("X"),))),
        ("P(Y > 1 | do(X=1))", Term("event", (Outcome("Y", ">", 1.0),), (Setting("X", 1.0),))),
        (
            "P(Y > 1, Y < 2 | do(X=-1), Z)",
            Term("event", (Outcome("Y", ">", 1), Outcome("Y", "<", 2)), (Setting("X", -1),), (Outcome("Z"),)),
        ),
        ("P(Y, Z > 1)", Term("law", (Outcome("Y"), Outcome("Z", ">", 1.0)))),
        ("P(Y<-1)", Term("event", (Outcome("Y", "<", -1.0),))),
        (
            "E[Y | Z=high, do(X='very high')]",
            Term("mean", (Outcome("Y"),), (Setting("X", "very high"),), (Outcome("Z", "=", "high"),)),
        ),
        ("E[Y | do(X=1), do(W)]", Term("mean", (Outcome("Y"),), (Setting("X", 1.0), Setting("W")))),
        (
            "E[Y | do(X ~ normal(70, 5, low=0))]",
            Term("mean", (Outcome("Y"),), (Setting("X", Distribution("normal", (70, 5), (("low", 0),))),)),
        ),
        ("E[`IL-6` | do(`do`=1e-5)]", Term("mean", (Outcome("IL-6"),), (Setting("do", 1e-05),))),
        ("E[E | do(P=1)]", Term("mean", (Outcome("E"),), (Setting("P", 1.0),))),
    ],
)  # fmt: skip
def test_a_term_is_read(text: str, term: Term):
    query = Query.parse(text)
    assert query.is_single
    assert query.term == term
    assert query.terms == (term,)


def test_arithmetic_has_the_usual_precedence_and_leads_from_left_to_right():
    query = Query.parse("E[Y] - 1 - 2 * (E[X] + -3) / 4")
    y, x = Term("mean", (Outcome("Y"),)), Term("mean", (Outcome("X"),))
    product = Binary("/", Binary("*", Number(2.0), Binary("+", x, Number(-3.0))), Number(4.0))
    assert query.expression == Binary("-", Binary("-", y, Number(1.0)), product)
    assert query.terms == (y, x)
    assert str(query) == "E[Y] - 1 - 2 * (E[X] + -3) / 4"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("  E[ Y|do( X = 0.0 ) ,Z=1 ]\n", "E[Y | do(X=0), Z=1]"),
        ("E[Y | X=1, do(Z)]", "E[Y | do(Z), X=1]"),
        ("P(Y>1,Y<=2|do(X=1e0))", "P(Y > 1, Y <= 2 | do(X=1))"),
        ("((E[Y])) - (E[Y] - E[X])", "E[Y] - (E[Y] - E[X])"),
        ("(E[Y] * 2) / 3 + (1 + 2)", "E[Y] * 2 / 3 + (1 + 2)"),
        ("P(Y='it''s' | do(X='1'), Z=\"a b\")", "P(Y='it''s' | do(X='1'), Z='a b')"),
        ("0.00001 * E[Y]", "1e-05 * E[Y]"),
        ("E[Y\n  | do(X ~\n normal(0,1))]", "E[Y | do(X ~ normal(0, 1))]"),
    ],
)
def test_the_printed_form_is_canonical(text: str, printed: str):
    assert str(Query.parse(text)) == printed


def test_a_term_tells_its_parts():
    term = Query.parse("P(Y > 1, Y < 2, W = 1 | do(X ~ normal(0, 1)), Z > 0, Z < 3)").term
    assert term.outcome_names == ("Y", "W")
    assert term.treatments == ("X",)
    assert term.conditions == ("Z",)
    assert term.is_stochastic
    assert term.has_event_evidence
    assert not Query.parse("E[Y | do(X), Z=1]").term.has_event_evidence


@pytest.mark.parametrize(
    ("text", "printed", "means"),
    [
        ("RD[Y | X: 0 -> 1]", "RD[Y=1 | X: 0 -> 1]", "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))"),
        ("rr[Y>2,Y<3|X:a->'b c']", "RR[Y > 2, Y < 3 | X: a -> 'b c']",
         "P(Y > 2, Y < 3 | do(X='b c')) / P(Y > 2, Y < 3 | do(X=a))"),
        ("OR[Y=yes | Z, X: -1 -> 1]", "OR[Y=yes | X: -1 -> 1, Z]", "odds(Y=yes | do(X=1), Z) / odds(Y=yes | do(X=-1), Z)"),
        ("NNT[Y | X: 0 -> 1, do(W=2), V: 3 -> 4]", "NNT[Y=1 | X: 0 -> 1, V: 3 -> 4, do(W=2)]",
         "1 / (P(Y=1 | do(X=1, V=4, W=2)) - P(Y=1 | do(X=0, V=3, W=2)))"),
    ],
)  # fmt: skip
def test_a_word_compares_two_risks(text: str, printed: str, means: str):
    query, spelled = Query.parse(text), Query.parse(means)
    assert str(query) == printed
    assert Query.parse(printed) == query
    assert query.terms == spelled.terms
    assert str(_without_word(query.expression)) == means


def _without_word(expression: Expression) -> Expression:
    if not isinstance(expression, Binary):
        return expression
    return Binary(expression.op, _without_word(expression.left), _without_word(expression.right))


def test_a_word_stands_in_arithmetic_and_sweeps():
    assert str(Query.parse("1 - RR[Y | X: 0 -> 1] * 2")) == "1 - RR[Y=1 | X: 0 -> 1] * 2"
    assert str(Query.parse("(RD[Y | X: 0 -> 1] - RD[Y | X: 0 -> 2]) / 2")).startswith("(RD[Y=1 | X: 0 -> 1] - RD[")
    points = Query.parse("RD[Y | X: 0 -> 1, Z] for Z in [2, 3]").points
    assert [str(point) for _, point in points] == ["RD[Y=1 | X: 0 -> 1, Z=2]", "RD[Y=1 | X: 0 -> 1, Z=3]"]


def test_equal_terms_are_kept_once():
    assert len(Query.parse("E[Y] - E[Y | do(X=1)] / E[Y]").terms) == 2


def test_a_contrast_has_no_single_term():
    query = Query.parse("E[Y] - E[X]")
    assert not query.is_single
    with pytest.raises(QueryError, match="is more than one term"):
        _ = query.term


# What is said


MISTAKES = {
    "": (1, 1, "the query is empty. A query is like E[Y | do(X=1)]."),
    " \n ": (2, 2, "the query is empty."),
    "Y": (1, 1, "Write E[Y] for its mean, P(Y > 1) for a probability."),
    "E(Y | do(X=1))": (1, 2, "E takes square brackets"),
    "P[Y]": (1, 2, "P takes parentheses"),
    "E[Y": (1, 2, "'[' is never closed: ']' is missing."),
    "E[Y)": (1, 4, "brackets do not pair: the '[' of line 1, column 2 needs ']', found ')'."),
    "E[Y | do(X=1, Z=2]": (1, 18, "brackets do not pair"),
    "E[Y]]": (1, 5, "']' closes nothing: remove it."),
    "(E[Y]": (1, 1, "'(' is never closed"),
    "E[Y > 1]": (1, 8, "for a probability write P(Y > 1 | …)."),
    "E[X, Y]": (1, 4, "E takes one outcome: ask E[X] and the other as two queries."),
    "E[Y - X]": (1, 5, "arithmetic stands outside the brackets"),
    "E[]": (1, 3, "expected an outcome, found ']'."),
    "E[Y | ]": (1, 7, "expected a condition, found ']'."),
    "E[Y | do(X=1),]": (1, 15, "Remove the comma or name a node."),
    "P(Y,)": (1, 5, "Remove the comma or name a node."),
    "E[Y | do()]": (1, 10, "Name what is set: do(X=1)."),
    "E[Y | do(X==1)]": (1, 11, "write one '=', as in do(X=1)."),
    "E[Y | do(X:=1)]": (1, 11, "write '=', as in do(X=1)."),
    "E[Y | do(X>1)]": (1, 11, "do( ) sets a value: do(X=1) or do(X ~ normal(0, 1))."),
    "E[Y | do(X=)]": (1, 12, "expected a number or a level after '='"),
    "E[Y | do(X=1; Z=2)]": (1, 13, "conditions are separated by commas"),
    "E[Y | do(X=1) Z]": (1, 15, "Conditions are separated by commas."),
    "E[Y | do(X=1) | Z]": (1, 15, "a term has one '|'"),
    "E[Y || Z]": (1, 5, "one '|' separates the outcome from the conditions."),
    "E[Y | do X=1]": (1, 7, "an intervention is written do(X=1)"),
    "E[Y | do[X=1]]": (1, 7, "an intervention is written do(X=1)"),
    "E[Y | Do(X=1)]": (1, 7, "in small letters"),
    "E[Y | do]": (1, 7, "a node that is called 'do' stands in backticks"),
    "E[Y | set(X=1)]": (1, 10, "only do( ) has parentheses inside a term"),
    "E[do(X=1)]": (1, 3, "do( ) stands after '|'"),
    "do(X=1)": (1, 1, "do( ) stands inside a term"),
    "E[Y | do(X = X + 1)]": (1, 14, "a shift such as do(X = X + 1) is not supported"),
    "E[Y | do(IL-6=1)]": (1, 12, "A name with a hyphen stands in backticks: `IL-6`."),
    "E[IL-6 | do(X=1)]": (1, 5, "A name with a hyphen stands in backticks: `IL-6`."),
    "E[Y | do(X + 1)]": (1, 12, "a shift such as do(X = X + 1) is not supported"),
    "E[Y | do(X = f(W))]": (1, 14, "is not supported: do( ) sets a number, a level or a distribution."),
    "E[Y | do(X ~ normal(W))]": (1, 21, "policies such as do(X ~ normal(W)) are not supported"),
    "E[Y | do(X ~ normal)]": (1, 14, "a distribution has its parameters in parentheses: normal(0, 1)."),
    "E[Y | do(X ~ normal())]": (1, 21, "Give the parameters, as in normal(0, 1)."),
    "E[Y | Z ~ normal(0, 1)]": (1, 9, "a distribution stands only inside do( )"),
    "P(Y <- X)": (1, 6, "a query has no arrows"),
    "P(Y -> X)": (1, 5, "a query has no arrows"),
    "P(Y | X → Z)": (1, 9, "'→' is not read"),
    "P(1 < Y)": (1, 3, "the node comes first in a comparison"),
    "P(Y > 1 < 3)": (1, 9, "an interval is P(Y > 1, Y < 2)."),
    "E[Y | Z > 1 < 3]": (1, 13, "an interval is Z > 1, Z < 2."),
    "P(Y ≥ 1)": (1, 5, "write '>='."),
    "P(Y => 1)": (1, 5, "write >=."),
    "P(Y != 1)": (1, 5, "ask 1 - P(Y=1)"),
    "P(Y > 1 & Z)": (1, 9, "separated by commas"),
    "P(Y > 1 and Z)": (1, 9, "expected ',', '|' or ')', found 'and'."),
    "-E[Y]": (1, 2, "write 0 - E[Y] or -1 * E[Y]."),
    "2E[Y]": (1, 1, "a factor is written 2 * E[Y]."),
    "2 E[Y]": (1, 3, "expected an operator or the end of the query, found 'E'."),
    "E[Y] > 1": (1, 6, "not a comparison: ask a difference or a ratio."),
    "E[Y], E[X]": (1, 5, "a text holds one query"),
    "E[Y]; E[X]": (1, 5, "a text holds one query"),
    "E[Y]^2": (1, 5, "powers are not read"),
    "E[Y] +": (1, 7, "expected a term, E[…] or P(…), found the end of the text."),
    "E{Y}": (1, 2, "a term is written E[Y | do(X=1)]"),
    "Pr(Y)": (1, 1, "a probability is written P(…), found 'Pr'."),
    "mean(Y)": (1, 1, "a mean is written E[…], found 'mean'."),
    "Var(Y)": (1, 4, "Var takes square brackets: Var[Y | do(X=1)]."),
    "q(Y, 0.5)": (1, 2, "Quantile takes square brackets: Quantile[Y, 0.9 | do(X=1)]."),
    "density[Y=1]": (1, 8, "density takes parentheses: density(Y=1.3 | do(X=1))."),
    "odds[Y=1]": (1, 5, "odds takes parentheses: odds(Y=1 | do(X=1))."),
    "Var[Y > 1]": (1, 10, "Var takes an outcome without comparison: for a probability write P(Y > 1 | …)."),
    "SD[Y, Z]": (1, 5, "SD takes one outcome: ask SD[Y] and the other as two queries."),
    "Var[Y - X]": (1, 7, "arithmetic stands outside the brackets: Var[Y] - Var[X]."),
    "Quantile[Y - X, 0.9]": (1, 12, "Quantile[Y, 0.9] - Quantile[X, 0.9]."),
    "Median[Y, 0.9]": (1, 9, "another quantile is Quantile[Y, 0.9 | …]."),
    "Quantile[Y]": (1, 11, "A quantile has its level behind the outcome: Quantile[Y, 0.9 | …]."),
    "Quantile[Y | do(X=1), 0.9]": (1, 12, "A quantile has its level behind the outcome"),
    "Quantile[0.9, Y]": (1, 10, "the outcome comes first: Quantile[Y, 0.9 | …]."),
    "Quantile[Y, Z]": (1, 13, "expected a level between 0 and 1, found 'Z'. A quantile is written Quantile[Y, 0.9 | …]."),
    "Quantile[Y, 90]": (1, 13, "The 90 % quantile has the level 0.9."),
    "Quantile[Y, 90%]": (1, 15, "write a share as 0.05."),
    "Quantile[Y, 1]": (1, 13, "the level of a quantile lies between 0 and 1"),
    "Quantile[Y, -0.5]": (1, 13, "the level of a quantile lies between 0 and 1"),
    "Quantile[Y, 0.1, 0.9]": (1, 16, "Quantile takes one outcome and one level"),
    "density(Y)": (1, 9, "density(Y=1.3 | …), or along an axis: density(Y | …) for Y in 0..10."),
    "density(Y | do(X)) for X in 0..1": (1, 9, "a density is taken at a value"),
    "density(Y > 1)": (1, 14, "a density is taken at a value, density(Y=1.3): an event is P(Y > 1)."),
    "density(Y=1, Z=2)": (1, 12, "a density has one outcome"),
    "odds(Y | do(X=1))": (1, 6, "odds are those of an event: odds(Y=1 | …) or odds(Y > 1 | …)."),
    "odds(Y=1, Z)": (1, 11, "odds are those of an event: odds(Z=1 | …)"),
    "Cov[X, Y]": (1, 1, "Cov is not read: a query has one outcome at a time."),
    "cor(X, Y)": (1, 1, "cor is not read: a query has one outcome at a time."),
    "ATE(X, Y)": (1, 1, "write the contrast, E[Y | do(X=1)] - E[Y | do(X=0)]."),
    "IQR[Y]": (1, 1, "Quantile[Y, 0.75 | …] - Quantile[Y, 0.25 | …]"),
    "f(Y)": (1, 1, "a term is E[…] or P(…), found 'f'. Others are Var[…], SD[…], Median[…],"),
    "`Var`[Y]": (1, 1, "expected a term, E[…] or P(…)"),
    "E[Y | do(X)] for": (1, 17, "expected a node to sweep, found the end of the text. A sweep is written for X in 0..10."),
    "E[Y | do(X)] for X": (1, 19, "expected 'in', found the end of the text. A sweep is written for X in 0..10 or"),
    "E[Y | do(X)] for X = 0..10": (1, 20, "A sweep is written for X in 0..10 or for X in [0, 1, 5]."),
    "E[Y | do(X)] for X in 0": (1, 24, "expected '..', found the end of the text."),
    "E[Y | do(X)] for X in 0 to 10": (1, 25, "expected '..', found 'to'."),
    "E[Y | do(X)] for X in 10..0": (1, 23, "a range ascends: write 0..10."),
    "E[Y | do(X)] for X in 1..1": (1, 23, "the range has one value. List it: for X in [1]."),
    "E[Y | do(X)] for X in 0..1 by 0": (1, 23, "a step is positive, got 0."),
    "E[Y | do(X)] for X in 0..1 by 2": (1, 23, "the step 2 is longer than the range."),
    "E[Y | do(X)] for X in 0..1 step 2": (1, 28, "A step is written for X in 0..10 by 0.5."),
    "E[Y | do(X)] for X in 1e17..1.0000000000000002e17 by 1": (1, 23, "the step is too short for numbers of that size."),
    "E[Y | do(X)] for X in a..b": (1, 23, "levels are listed: for X in [a, b]."),
    "E[Y | do(X)] for X in [1, 1]": (1, 27, "the level 1 is listed twice."),
    "E[Y | do(X)] for X in [0..10]": (1, 25, "a range has no brackets: for X in 0..10."),
    "E[Y | do(X)] for X in 0:10": (1, 24, "a range is written 0..10."),
    "E[Y | do(X)] for X in {0, 1}": (1, 23, "values are listed as [0, 1]."),
    "E[Y | do(X)] over X in 0..1": (1, 14, "a sweep begins with the word for"),
    "E[Y | do(X)] for X in []": (1, 24, "expected a level"),
    "E[Y | do(X)] for X in 0..1, X in 0..2": (1, 29, "'X' has two axes. Keep one."),
    "E[Y | do(X, W, V)] for X in 0..1, W in 0..1, V in 0..1": (1, 46, "a sweep has at most 2 axes."),
    "E[Y | do(X)] for Z in 0..1": (1, 18, "'Z' stands nowhere open in the query, so that there is nothing to sweep. Open are:"),
    "E[Y] for Z in 0..1": (1, 10, "Leave it without a value in the query: do(Z)."),
    "E[Y | do(X=1)] for X in 0..1": (1, 20, "Leave out the value that is set: do(X)."),
    "E[Y | Z=1] for Z in 0..1": (1, 16, "Leave out the value of the condition"),
    "E[Y] for Y in 0..1": (1, 10, "It is what E[Y] asks about"),
    "E[Y | do(X)] for X in 0..1e5 by 1": (1, 23, "a sweep has at most 100,000 points in all, and this one 100,001."),
    "E[Y | do(X, W)] for X in 0..999 by 1, W in 0..999 by 1": (1, 39, "and this one 1,000,000."),
    " + ".join(f"E[Y | do(X), Z={k}]" for k in range(20)) + " for X in 1..1e5 by 1": (1, 413, "at most 1,000,000 terms in all"),
    "E[Y | do(X)] for X in 0..1 - E[Y]": (1, 28, "arithmetic comes before 'for'."),
    "(E[Y | do(X)] for X in 0..1) - E[Y]": (1, 15, "a sweep stands at the end of the query"),
    "E[Y | do(X in 0..10)]": (1, 12, "E[Y | do(X)] for X in 0..10."),
    "E[Y | do(X=0..10)]": (1, 13, "E[Y | do(X)] for X in 0..10."),
    "E[Y | do(X=[0, 1])]": (1, 12, "E[Y | do(X)] for X in 0..10."),
    "E[Y | do(X)] FOR X in 0..10": (1, 14, "in small letters"),
    "E[Y | do(X)] for X in 0…": (1, 24, "write '..'."),
    "E[Y | do(X=‘a’)]": (1, 12, "'‘' is not read: write \"'\"."),
    "E[Y | do(X='a)]": (1, 12, "is not closed on this line"),
    "E[Y | do(X=5%)]": (1, 13, "write a share as 0.05."),
    "E[Y] # mean": (1, 6, "a query holds no comments."),
    "RD[Y]": (1, 5, "RD compares two values of what is set: RD[Y=1 | X: 0 -> 1]."),
    "RD[Y | X]": (1, 9, "RD compares two values of what is set: RD[Y=1 | X: 0 -> 1]."),
    "RR(Y | X: 0 -> 1)": (1, 3, "RR takes square brackets: RR[Y=1 | X: 0 -> 1]."),
    "OR[Y | X -> 1]": (1, 10, "what changes is written with both values, as in OR[Y=1 | X: 0 -> 1]."),
    "OR[Y | X=1 -> 2]": (1, 12, "what changes is written with both values"),
    "NNT[Y | X: 0]": (1, 13, "expected '->', found ']'. Both values are given, as in NNT[Y=1 | X: 0 -> 1]."),
    "RD[Y | X: 0 -> ]": (1, 16, "expected the value to which it changes, found ']'."),
    "RD[Y | X: 1 -> 1]": (1, 9, "'X' changes from a value to the same one."),
    "RD[Y | X: 0 -> 1": (1, 3, "'[' is never closed"),
    "RD[Y | X: 0 -> 1] -> Z": (1, 19, "a query has no arrows"),
    "E[Y | X: 0 -> 1]": (1, 8, "unexpected ':'."),
    "ARR[Y | X: 0 -> 1]": (1, 1, "ARR is not read: write RD[Y=1 | X: 0 -> 1]."),
    "E[Y\x00]": (1, 4, "the invisible control character U+0000"),
    "(" * 101 + "1": (1, 101, "brackets are nested deeper than 100."),
    "1" + "+1" * 300: (1, 401, "a query has at most 200 terms and numbers."),
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: ascii(text)[:40])
def test_a_mistake_is_told_with_its_place_and_a_repair(text: str):
    line, column, said = MISTAKES[text]
    with pytest.raises(NotationError) as caught:
        Query.parse(text)
    assert said in caught.value.problem
    assert (caught.value.line, caught.value.column) == (line, column)


# Numbers beside means and probabilities


def test_every_number_of_a_law_is_read():
    y, do = (Outcome("Y"),), (Setting("X", 1.0),)
    for text, term in {
        "Var[Y | do(X=1)]": Term("variance", y, do),
        "variance[Y | do(X=1)]": Term("variance", y, do),
        "SD[Y | do(X=1)]": Term("sd", y, do),
        "std[Y | do(X=1)]": Term("sd", y, do),
        "MEDIAN[Y | do(X=1)]": Term("quantile", y, do, level=0.5),
        "Quantile[Y, 0.9 | do(X=1)]": Term("quantile", y, do, level=0.9),
        "q[Y, 0.9 | do(X=1)]": Term("quantile", y, do, level=0.9),
        "pdf(Y=1.3 | do(X=1))": Term("density", (Outcome("Y", "=", 1.3),), do),
    }.items():
        assert Query.parse(text).term == term


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("VAR[Y|do(X=1),Z=2]", "Var[Y | do(X=1), Z=2]"),
        ("stdev[`IL-6`]", "SD[`IL-6`]"),
        ("Quantile[Y, 0.50 | Z]", "Median[Y | Z]"),
        ("Q[Y, 9e-1]", "Quantile[Y, 0.9]"),
        ("Density(Y = 1.30)", "density(Y=1.3)"),
        ("Odds(Y=1 | do(X=1))", "odds(Y=1 | do(X=1))"),
        ("P(Y=1 | do(X=1)) / (1 - P(Y=1 | do(X=1)))", "odds(Y=1 | do(X=1))"),
        ("P(Y=1) / (1 - P(Y=2))", "P(Y=1) / (1 - P(Y=2))"),
        ("2 / odds(Y=1) - (1 - odds(Y > 1))", "2 / odds(Y=1) - (1 - odds(Y > 1))"),
        (
            "ODDS(Y=1 | X=1) / odds(Y=1 | X=0)",
            "odds(Y=1 | X=1) / odds(Y=1 | X=0)",
        ),
        ("(E[Y | do(X=1)] - E[Y | do(X=0)]) / SD[Y]", "(E[Y | do(X=1)] - E[Y | do(X=0)]) / SD[Y]"),
    ],
)
def test_numbers_of_a_law_are_printed_in_one_way(text: str, printed: str):
    assert str(Query.parse(text)) == printed
    assert Query.parse(printed) == Query.parse(text)


def test_odds_of_a_joint_event_are_read():
    assert len(Query.parse("odds(Y=1, Z > 2 | do(X=1))").terms) == 1


def test_terms_are_checked_where_they_are_made():
    y = (Outcome("Y"),)
    with pytest.raises(QueryError, match="A quantile has a level"):
        Term("quantile", y)
    with pytest.raises(QueryError, match="no other term has one"):
        Term("mean", y, level=0.5)
    with pytest.raises(QueryError, match=r"lies between 0 and 1, got 1\."):
        Term("quantile", y, level=1.0)
    with pytest.raises(QueryError, match="Var takes one outcome without comparison, got Y=1"):
        Term("variance", (Outcome("Y", "=", 1.0),))
    with pytest.raises(QueryError, match="density takes one outcome at a value"):
        Term("density", (Outcome("Y", ">", 1.0),))


# Sweeps


@pytest.mark.parametrize(
    ("text", "printed", "values"),
    [
        ("X in 0..10", "X in 0..10", tuple(k / 2 for k in range(21))),
        ("X in -1..1 by 0.5", "X in -1..1 by 0.5", (-1.0, -0.5, 0.0, 0.5, 1.0)),
        ("X in 0..1 by 0.3", "X in 0..0.9 by 0.3", (0.0, 0.3, 0.6, 0.9)),
        ("X in 0.1..0.3 by 1e-1", "X in 0.1..0.3 by 0.1", (0.1, 0.2, 0.3)),
        ("X in 0..1 by 1", "X in [0, 1]", (0.0, 1.0)),
        ("X in [5, 0, 1]", "X in [5, 0, 1]", (5.0, 0.0, 1.0)),
        ("X in [1, 2, 3]", "X in 1..3 by 1", (1.0, 2.0, 3.0)),
        ("X in [low, 'very high', 3]", "X in [low, 'very high', 3]", ("low", "very high", 3.0)),
        ("X in [-2]", "X in [-2]", (-2.0,)),
    ],
)
def test_an_axis_has_exact_values_and_is_printed_as_short_as_can_be(text: str, printed: str, values: tuple[float, ...]):
    query = Query.parse(f"E[Y | do(X)] for {text}")
    assert query.axes == (Axis("X", values),)
    assert str(query) == f"E[Y | do(X)] for {printed}"
    assert Query.parse(str(query)) == query


def test_a_sweep_fills_what_stands_open_and_nothing_else():
    query = Query.parse("E[Y | do(X), Z] - E[Y | do(X=0), Z] for Z in [a, b], X in [1, 2]")
    texts = [str(point) for _, point in query.points]
    assert [values for values, _ in query.points] == [("a", 1.0), ("a", 2.0), ("b", 1.0), ("b", 2.0)]
    assert texts[1] == "E[Y | do(X=2), Z=a] - E[Y | do(X=0), Z=a]"
    assert all(not point.axes for _, point in query.points)


def test_outcomes_of_densities_and_laws_can_be_swept():
    density = Query.parse("density(Y | do(X=1)) for Y in [1, 2]")
    assert [str(point) for _, point in density.points] == ["density(Y=1 | do(X=1))", "density(Y=2 | do(X=1))"]
    law = Query.parse("P(Y | do(X=1)) for Y in [a, b]")
    assert [point.term.kind for _, point in law.points] == ["event", "event"]


def test_a_query_without_axes_is_its_only_point():
    query = Query.parse("E[Y | do(X=1)]")
    assert query.points == (((), query),)


def test_words_of_a_sweep_are_names_elsewhere():
    query = Query.parse("E[by | do(for), in=1] for for in 0..1")
    assert query.axes[0].name == "for"
    assert Query.parse(str(query)) == query


def test_the_largest_sweep_is_read_and_its_points_made():
    query = Query.parse("E[Y | do(X)] for X in 1..1e5 by 1")
    assert len(query.points) == 100_000
    assert str(query.points[-1][1]) == "E[Y | do(X=100000)]"


def test_sweeps_are_told_apart_by_all_their_values():
    axes = [Axis("X", values) for values in ((0.0, 1.0, 3.0), (0.0, 2.0, 3.0), (0.0, 1.0, 3.0))]
    assert hash(axes[0]) == hash(axes[2])
    assert len(set(axes)) == 2
    assert len({Query(Term("mean", (Outcome("Y"),), (Setting("X"),)), (axis,)) for axis in axes}) == 2


def test_axes_are_checked_where_they_are_made():
    expression = Term("mean", (Outcome("Y"),), (Setting("X"),))
    with pytest.raises(QueryError, match="has no values"):
        Axis("X", ())
    with pytest.raises(QueryError, match="Values are finite"):
        Axis("X", (float("nan"),))
    with pytest.raises(QueryError, match="has 1 twice"):
        Axis("X", (1.0, 2.0, 1.0))
    with pytest.raises(QueryError, match="at most 100,000 points"):
        Axis("X", tuple(map(float, range(100_001))))
    with pytest.raises(QueryError, match="'Z' stands nowhere open"):
        Query(expression, (Axis("Z", (1.0,)),))
    with pytest.raises(QueryError, match="A range ascends"):
        Axis.of_range("X", 1, 0)


# Queries that name queries


NAMED = {
    "low": Query.parse("E[Y | do(X=0)]"),
    "high": Query.parse("E[Y | do(X=1)]"),
    "gain": Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]"),
    "slope": Query.parse("E[Y | do(X)]"),
    "curve": Query.parse("E[Y | do(X)] for X in 0..10"),
    "high dose": Query.parse("E[Y | do(X=9)]"),
    "E": Query.parse("E[Y]"),
}


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("high - low", "E[Y | do(X=1)] - E[Y | do(X=0)]"),
        ("1 - gain / 2", "1 - (E[Y | do(X=1)] - E[Y | do(X=0)]) / 2"),
        ("`high dose` - low", "E[Y | do(X=9)] - E[Y | do(X=0)]"),
        ("slope - low for X in [1, 2]", "E[Y | do(X)] - E[Y | do(X=0)] for X in [1, 2]"),
        ("curve", "E[Y | do(X)] for X in 0..10"),
        ("E - E[Z]", "E[Y] - E[Z]"),
    ],
)
def test_a_word_stands_for_the_query_that_it_names(text: str, printed: str):
    assert str(Query.parse(text, NAMED)) == printed


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("high - lwo", 8, "Did you mean the query 'low'?"),
        ("curve - low", 1, "'curve' is a sweep, and stands for itself alone"),
        ("low - curve", 7, "'curve' is a sweep, and stands for itself alone"),
        ("(curve)", 2, "'curve' is a sweep"),
        ("low[Y]", 1, "a term is E[…] or P(…), found 'low'."),
        (" + ".join(["gain"] * 101), 701, "at most 200 terms and numbers."),
    ],
)
def test_a_wrong_use_of_a_named_query_is_told(text: str, column: int, said: str):
    with pytest.raises(NotationError) as caught:
        Query.parse(text, NAMED)
    assert said in caught.value.problem
    assert caught.value.column == column


# What makes sense for a graph


GRAPH = parse_graph("latent U; U -> X -> M -> Y; U -> Y; Z -> Y")


@pytest.mark.parametrize(
    "text",
    ["E[Y | do(X=1)]", "P(Y > 1, Y < 2 | do(X), Z > 0, Z < 1)", "E[Y] - E[M] / 2", "P(Y, Z | do(X=a))"],
)
def test_a_sensible_query_passes(text: str):
    Query.parse(text).check(GRAPH)
    Query.parse(text).check(project(GRAPH))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("E[Y | do(U=1)]", "'U' is latent and cannot be set in E[Y | do(U=1)]: nobody measured it."),
        ("E[U | do(X=1)]", "'U' is latent and cannot be an outcome"),
        ("E[Y | U=1]", "'U' is latent and cannot be a condition"),
        ("E[Y | do(X=1), X=1]", "'X' is both set by do( ) and a condition"),
        ("E[X | do(X=1)]", "'X' is both set and asked about"),
        ("P(Y > 1 | Y > 0)", "'Y' is both an outcome and a condition"),
        ("E[Y | do(X=1, X=2)]", "'X' is set 2 times"),
        ("P(Y, Y)", "'Y' is an outcome 2 times"),
        ("P(Y=1, Y=2)", "Only the two ends of an interval may name a node twice: Y > 1, Y < 2."),
        ("E[Y | Z=1, Z]", "'Z' is a condition 2 times"),
        ("1 + 2", "asks nothing"),
        ("P(Y > 1, Y < 0)", "No value of 'Y' satisfies Y > 1, Y < 0 in P(Y > 1, Y < 0). Did you mean Y > 0, Y < 1?"),
        (
            "E[Y | do(X=1), Z >= 2, Z < 2]",
            "No value of 'Z' satisfies Z >= 2, Z < 2 in E[Y | do(X=1), Z >= 2, Z < 2]. "
            "An interval from 2 to 2 that leaves an end out is empty: give it two different ends.",
        ),
        ("P(Y > 1, Y <= 1)", "in P(Y > 1, Y <= 1). An interval from 1 to 1 that leaves an end out is empty"),
        ("P(Y > 1, Y > 3, Y <= 2)", "No value of 'Y' satisfies Y > 1, Y > 3, Y <= 2"),
        ("E[Y | do(X ~ normal(0, -1))]", "do(X ~ normal(0, -1)): sd of normal(mean, sd) must be positive, got -1."),
        ("E[Y | do(X ~ norm(0, 1))]", "do(X ~ norm(0, 1)): No law is called 'norm'. Did you mean 'normal'?"),
        ("E[Y | do(X ~ `a b`(0, 1))]", "Known are: normal(mean, sd), student(df, mean, sd), lognormal(mean, sd),"),
        ("E[Y | do(X ~ normal(0))]", "normal(0) lacks sd: write normal(mean, sd)."),
        ("E[Y | do(X ~ normal(0, 1, 2))]", "normal(mean, sd) takes 2 numbers, got 3."),
        ("E[Y | do(X ~ exponential(1, 2))]", "exponential(rate) takes 1 number, got 2."),
        ("E[Y | do(X ~ normal(0, 1, mean=1))]", "mean is given twice in normal(0, 1, mean=1)."),
        ("E[Y | do(X ~ normal(0, 1, lw=1))]", "normal(mean, sd) has no argument 'lw'. Did you mean 'low'?"),
        ("E[Y | do(X ~ bernoulli(0.5, low=0))]", "bernoulli(p) has no argument 'low'."),
        ("E[Y | do(X ~ bernoulli(1))]", "p of bernoulli(p) lies between 0 and 1, got 1."),
        ("E[Y | do(X ~ poisson(0))]", "mean of poisson(mean) must be positive, got 0."),
        (
            "E[Y | do(X ~ poisson(4e6))]",
            "is at most 1,000,000, got 4000000. Above, draw from normal(mean, sd) with the sd 2000.",
        ),
        ("E[Y | do(X ~ uniform(1, 0))]", "low of uniform(low, high) must be below high, got 1 and 0."),
        ("E[Y | do(X ~ gamma(1, 1, high=-1))]", "gamma(1, 1, high=-1) leaves no values between 0 and -1."),
        ("E[Y | do(X ~ categorical(0.5, 0.6))]", "have the sum 1, got 0.5, 0.6."),
        ("E[Y | do(X ~ categorical(1))]", "categorical takes a probability for each of two levels at least, got 1."),
        ("E[Y | do(X ~ categorical(p1=1))]", "categorical takes the probabilities of the levels in order"),
    ],
)
def test_a_query_that_makes_no_sense_is_explained(text: str, said: str):
    with pytest.raises(QueryError) as caught:
        Query.parse(text).check(GRAPH)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "law",
    [
        "normal(0, 1)", "normal(mean=0, sd=1)", "normal(0, 1, low=0, high=2)", "student(4, 0, 1)", "lognormal(0, 1)",
        "gamma(2, 1)", "exponential(1)", "halfnormal(1)", "beta(2, 3)", "uniform(0, 1)", "bernoulli(0.5)",
        "categorical(0.2, 0.3, 0.5)", "poisson(3)",
    ],
)  # fmt: skip
def test_every_law_is_read(law: str):
    Query.parse(f"E[Y | do(X ~ {law})]").check(GRAPH)


def test_intervals_of_one_value_and_open_ones_pass():
    for text in ("P(Y >= 1, Y <= 1)", "P(Y > 1, Y > 2)", "P(Y < 1, Y > 0)", "P(Y > a, Y < b)"):
        Query.parse(text).check(GRAPH)


def test_an_unknown_node_is_named_with_the_nearest():
    with pytest.raises(UnknownNodeError, match=r"'y' is not a node of the graph\. Did you mean 'Y'"):
        Query.parse("E[M] - E[y | do(X=1)]").check(GRAPH)


def test_values_are_checked_where_they_are_made():
    with pytest.raises(QueryError, match="Numbers are finite"):
        Number(float("nan"))
    with pytest.raises(QueryError, match="Values are finite"):
        Setting("X", float("inf"))
    with pytest.raises(QueryError, match="a comparison or a value without the other"):
        Outcome("X", "=")


# Laws


nodes = st.sampled_from(["X", "Y", "IL-6", "do", "E", "P", "größe", "a b"])
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(numbers, st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))))
outcomes = st.one_of(
    st.builds(Outcome, nodes), st.builds(Outcome, nodes, st.sampled_from(["=", "<", ">", "<=", ">="]), values)
)
distributions = st.builds(
    Distribution, st.just("normal"), st.tuples(numbers, numbers), st.sampled_from([(), (("low", 0.5),)])
)
settings_of_do = st.builds(Setting, nodes, st.one_of(st.none(), values, distributions))


@st.composite
def terms(draw: st.DrawFn) -> Term:
    """A term whose kind follows from its outcomes, as the parser's does."""
    do = tuple(draw(st.lists(settings_of_do, max_size=2)))
    given = tuple(draw(st.lists(outcomes, max_size=2)))
    kind = draw(st.sampled_from(["mean", "variance", "sd", "quantile", "density", "other"]))
    if kind == "density":
        return Term(kind, (Outcome(draw(nodes), "=", draw(values)),), do, given)
    if kind != "other":
        level = draw(st.one_of(st.just(0.5), st.floats(1e-300, 0.999))) if kind == "quantile" else None
        return Term(kind, (Outcome(draw(nodes)),), do, given, level)  # pyright: ignore[reportArgumentType]
    asked = tuple(draw(st.lists(outcomes, min_size=1, max_size=2)))
    return Term("event" if all(outcome.op for outcome in asked) else "law", asked, do, given)


@st.composite
def compared(draw: st.DrawFn) -> Binary:
    """A comparison of two risks under a word."""
    asked = draw(st.lists(outcomes.filter(lambda outcome: outcome.op != ""), min_size=1, max_size=2))
    pair = draw(st.lists(values, min_size=2, max_size=2, unique=True))
    held, given_values = tuple(draw(st.lists(settings_of_do, max_size=1))), tuple(draw(st.lists(outcomes, max_size=1)))
    new, old = (Term("event", tuple(asked), (Setting("X", value), *held), given_values) for value in pair)
    return measure(draw(st.sampled_from(["RD", "RR", "OR", "NNT"])), new, old)


expressions = st.recursive(
    st.one_of(terms(), st.builds(Number, numbers)),
    lambda parts: st.one_of(st.builds(Binary, st.sampled_from(["+", "-", "*", "/"]), parts, parts), compared()),
    max_leaves=8,
)


ranges = st.builds(
    lambda low, width, step: Axis.of_range("X", low, low + width, step and width / step).values,
    st.one_of(st.integers(-50, 50), st.floats(-1e6, 1e6)),
    st.one_of(st.integers(1, 50), st.floats(0.1, 1e6)),
    st.one_of(st.none(), st.integers(2, 60), st.floats(1.01, 60)),
)
axis_values = st.one_of(ranges, st.lists(values, min_size=1, max_size=4, unique=True).map(tuple))


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """A query with axes over some of what it leaves open."""
    query = Query(draw(expressions))
    opened = sorted({name for term in query.terms for name in term.open})
    swept = draw(st.lists(st.sampled_from(opened), max_size=2, unique=True)) if opened else []
    return Query(query.expression, tuple(Axis(name, draw(axis_values)) for name in swept))


@settings(max_examples=300)
@given(queries())
def test_a_printed_query_reads_back_equal(query: Query):
    assert Query.parse(str(query)) == query


VALID = [
    "P(Y > 1, Y < 2 | do(X=-1, W ~ normal(0, 1, low=-2)), Z)",
    "(E[`IL-6` | do(X='very high')] - E[Y]) / (1 - 2e-3) * P(Y <= 0 | Z > 3)",
    "Quantile[Y, 0.9 | do(X)] - SD[Y | do(X=0)] for X in -1..2.5 by 0.5",
    "density(Y | do(X), Z=1) for Y in 0..1, X in [a, 'b c']",
    "1 - RR[Y > 2 | X: -1 -> 'b c', do(W=1), Z] / OR[`IL-6` | X: 0 -> 1] for Z in 0..1",
    "odds(Y=1 | do(X=1)) / odds(Y=1 | do(X=0)) - Median[`IL-6` | Z]",
]


def test_no_mutation_of_a_valid_query_breaks_the_reader():
    chance = random.Random(2)
    pieces = [
        *"()[]{}~=-<>|+:;,.#'`\"\n\t\0 1eEP_&*/",
        "->",
        "do(",
        "E[",
        "P(",
        "..",
        " for X in ",
        " by ",
        "Var[",
        "odds(",
        "==",
        "−",
        "１",
        "é",
        "\ud800",
    ]
    for _ in range(3000):
        text = chance.choice(VALID)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text) + 1)
            cut = at + chance.choice([0, 0, 1, 2, 5])
            text = text[:at] + chance.choice(["", *pieces]) + text[cut:]
        try:
            query = Query.parse(text)
        except NotationError as error:
            assert 1 <= error.line <= error.source.count("\n") + 1, text
            assert 1 <= error.column <= len(error.source.split("\n")[error.line - 1]) + 1, text
            assert error.problem.endswith((".", "…", "?")), error.problem
        except LatentdoError:
            pass
        else:
            assert Query.parse(str(query)) == query


@pytest.mark.parametrize("text", ["E[Y | do(`Do`=1), `DO`=2]", "E[Y | do(X ~ `a b`(0, 1))]", "P(`do`=do | X='2')"])
def test_names_that_need_backticks_are_printed_with_them(text: str):
    assert str(Query.parse(text)) == text

"""Queries: what is read, what is said about mistakes, and what makes sense for a graph."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdo.errors import LatentdoError, NotationError, QueryError, UnknownNodeError
from latentdo.graphs import parse_graph, project
from latentdo.query import Binary, Distribution, Number, Outcome, Query, Setting, Term

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
    "Var(Y)": (1, 1, "Var is not read: a term is E[…] or P(…)."),
    "Q(Y)": (1, 1, "Q is not read"),
    "f(Y)": (1, 1, "a term is E[…] or P(…), found 'f'."),
    "E[Y | do(X=‘a’)]": (1, 12, "'‘' is not read: write \"'\"."),
    "E[Y | do(X='a)]": (1, 12, "is not closed on this line"),
    "E[Y | do(X=5%)]": (1, 13, "write a share as 0.05."),
    "E[Y] # mean": (1, 6, "a query holds no comments."),
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
    ],
)
def test_a_query_that_makes_no_sense_is_explained(text: str, said: str):
    with pytest.raises(QueryError) as caught:
        Query.parse(text).check(GRAPH)
    assert said in str(caught.value)


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
    if draw(st.booleans()):
        return Term("mean", (Outcome(draw(nodes)),), do, given)
    asked = tuple(draw(st.lists(outcomes, min_size=1, max_size=2)))
    return Term("event" if all(outcome.op for outcome in asked) else "law", asked, do, given)


expressions = st.recursive(
    st.one_of(terms(), st.builds(Number, numbers)),
    lambda parts: st.builds(Binary, st.sampled_from(["+", "-", "*", "/"]), parts, parts),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.builds(Query, expressions))
def test_a_printed_query_reads_back_equal(query: Query):
    assert Query.parse(str(query)) == query


VALID = [
    "P(Y > 1, Y < 2 | do(X=-1, W ~ normal(0, 1, low=-2)), Z)",
    "(E[`IL-6` | do(X='very high')] - E[Y]) / (1 - 2e-3) * P(Y <= 0 | Z > 3)",
]


def test_no_mutation_of_a_valid_query_breaks_the_reader():
    chance = random.Random(2)
    pieces = [
        *"()[]{}~=-<>|+:;,.#'`\"\n\t\0 1eEP_&*/",
        "->",
        "do(",
        "E[",
        "P(",
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
            assert error.problem.endswith((".", "…")), error.problem
        except LatentdoError:
            pass
        else:
            assert Query.parse(str(query)) == query


@pytest.mark.parametrize("text", ["E[Y | do(`Do`=1), `DO`=2]", "E[Y | do(X ~ `a b`(0, 1))]", "P(`do`=do | X='2')"])
def test_names_that_need_backticks_are_printed_with_them(text: str):
    assert str(Query.parse(text)) == text

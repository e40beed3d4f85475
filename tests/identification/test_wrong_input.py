"""Arguments of the wrong kind: each is refused with a sentence that says what is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import latentdo as ld
from known_graphs import BACK_DOOR, BOW, NAPKIN
from latentdo.errors import DataError, GraphError, LatentdoError, QueryError, StudyError
from latentdo.models.study import load_study

QUERY = "P(Y | do(X))"
CHAIN = "X -> M -> Y; X <-> Y"


def refused(call: Callable[[], Any], kind: type[LatentdoError] = QueryError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return str(caught.value)


def verdict_on(graph: str) -> Any:
    return ld.identify(graph, QUERY)


@pytest.mark.parametrize(
    ("functional", "said"),
    [
        (None, "takes names of nodes, such as ['M'], got None. Leave it out for none."),
        (3, "takes names of nodes, such as ['M'], got 3."),
        ([1], "takes names of nodes, such as ['M'], and 1 is no name."),
        ([None], "and None is no name."),
        ([["M"]], "and ['M'] is no name."),
        ({"M": None}, "takes the parents of each as names, such as {'M': ['X']}, got None. For all parents give"),
        ({"M": [None]}, "of 'M' takes names of nodes, such as ['M'], and None is no name."),
        ({1: ["X"]}, "and 1 is no name."),
        ([10**5000], "and something of type int is no name."),
    ],
)
@pytest.mark.parametrize("verb", [lambda f: ld.identify(CHAIN, QUERY, functional=f),
                                  lambda f: ld.answerable(CHAIN, functional=f)])  # fmt: skip
def test_functional_takes_names(verb: Callable[[Any], Any], functional: Any, said: str):
    message = refused(lambda: verb(functional))
    assert message.startswith("`functional`, nodes that are functions of their parents,")
    assert said in message


@pytest.mark.parametrize("functional", [["M"], "M", {"M": ["X"]}, {"M": "X"}, {"M": ()}, iter(["M"]), {"M"}])
def test_functional_takes_any_kind_of_names(functional: Any):
    found = ld.identify(CHAIN, QUERY, functional=functional)
    assert not found
    assert str(found) == str(ld.identify(CHAIN, QUERY, functional=["M"]))


@pytest.mark.parametrize("name", ["treatments", "outcomes"])
@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([None], "Each of `{}` takes names of nodes, such as ['M'], got None."),
        ([1], "Each of `{}` takes names of nodes, such as ['M'], got 1."),
        (3, "`{}` takes names, or tuples of names, such as ['X', ('X', 'Z')], got 3."),
        ([("X", ("Y",))], "Each of `{}` takes names of nodes, such as ['M'], and ('Y',) is no name."),
    ],
)
def test_rows_and_columns_are_names(name: str, groups: Any, said: str):
    assert said.format(name) in refused(lambda: ld.answerable(CHAIN, **{name: groups}))


@pytest.mark.parametrize("given", [None, 3, [1]])
def test_given_takes_names(given: Any):
    assert "`given` takes names of nodes" in refused(lambda: ld.answerable(CHAIN, given=given))


@pytest.mark.parametrize("query", [3, None, ["P(Y | do(X))"]])
def test_a_further_question_is_a_text(query: Any):
    verdict = verdict_on(BACK_DOOR)
    assert "A query is a text such as" in refused(lambda: verdict.measurements(query))


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        (3, "`costs` takes a mapping from nodes to numbers, such as {'X': 3}, got 3."),
        ("Z", "takes a mapping from nodes to numbers, such as {'X': 3}, got 'Z'."),
        ([("Z", 3)], "takes a mapping from nodes to numbers"),
        ([], "takes a mapping from nodes to numbers"),
        ({1: 1}, "`costs` takes names of nodes, such as ['M'], and 1 is no name."),
        ({"Z": 1e308, "X": 1e308}, "The cost of 'Z' is 1e+308. A cost is a number from 0 to 1e+100."),
        ({"Z": 10**400}, "A cost is a number from 0 to 1e+100."),
        ({"Z": 10**5000}, "The cost of 'Z' is something of type int."),
        ({"Z": math.nan}, "The cost of 'Z' is nan."),
        ({"Z": -1}, "The cost of 'Z' is -1."),
        ({"Z": True}, "The cost of 'Z' is True."),
        ({"Z": "3"}, "The cost of 'Z' is '3'."),
    ],
)
def test_costs_are_numbers_by_node(costs: Any, said: str):
    verdict = verdict_on(BACK_DOOR)
    assert said in refused(lambda: verdict.measurements(costs=costs))


def test_large_costs_add_up():
    assert verdict_on(BACK_DOOR).measurements(costs={"Z": 1e100, "X": np.int64(3)}).cost == 1e100


@pytest.mark.parametrize(
    ("bound", "values"),
    [
        ("max_size", ["a", None, -1, 0, 1.5, True]),
        ("max_count", [-1, None, 0]),
        ("seconds", ["x", None, -1, math.nan, 10**400, 10**5000]),
    ],
)
def test_bounds_of_a_search_are_numbers(bound: str, values: list[Any]):
    verdict = verdict_on(BOW)
    for value in values:
        message = refused(lambda value=value: verdict.remedies(**{bound: value}))
        assert message.startswith(f"`{bound}`, the most ")
        assert "of at least" in message
    assert verdict.remedies(max_size=np.int64(2), seconds=math.inf).measure


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda f: f.adjustment_sets(limit=-1), "`limit`, how many sets at most, is a whole number of at least 1"),
        (lambda f: f.adjustment_sets(limit="x"), "got 'x'."),
        (lambda f: f.front_door_sets(limit=-1), "got -1."),
        (lambda f: f.is_adjustment_set(None), "A set takes names of nodes, such as ['M'], got None."),
        (lambda f: f.is_adjustment_set(3), "got 3."),
        (lambda f: f.is_front_door_set([1]), "and 1 is no name."),
        (lambda f: f.adjustment_sets(required=3), "`required` takes names of nodes"),
        (lambda f: f.adjustment_sets(forbidden=[None]), "`forbidden` takes names of nodes"),
        (lambda f: f.adjustment_sets(required=["Z"], forbidden="Z"), "'Z' is both required and forbidden."),
        (lambda f: f.adjustment_sets(required=["Y"]), "'Y' is asked about, and no adjustment set can hold it."),
        (lambda f: f.adjustment_sets(required="X"), "'X' is set, and no adjustment set can hold it."),
    ],
)
def test_forms_take_names_that_can_be_in_a_set(call: Callable[[Any], Any], said: str):
    forms = verdict_on(BACK_DOOR).forms
    assert said in refused(lambda: call(forms))


@pytest.mark.parametrize("names", [None, 3, [["Z"], "X", "Y"]])
def test_axes_are_names(names: Any):
    estimand = verdict_on(BACK_DOOR).unwrap()
    assert "the axes of the joint, takes names" in refused(lambda: estimand.evaluate(np.full((2, 2, 2), 0.125), names))


@pytest.mark.parametrize(
    ("joint", "said"),
    [
        (np.full((2, 2, 2), 0.125 + 0j), "The joint holds complex numbers. Probabilities are real"),
        ([[[0.125 + 0j] * 2] * 2] * 2, "The joint is not an array of numbers"),
    ],
)
def test_a_complex_joint_is_refused(joint: Any, said: str):
    estimand = verdict_on(BACK_DOOR).unwrap()
    assert said in refused(lambda: estimand.evaluate(joint, ["X", "Y", "Z"]), DataError)


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (None, "`do` takes a mapping from nodes to levels, such as {'X': 1}, got None."),
        ([("X", 1)], "takes a mapping from nodes to levels"),
        ({1: 1}, "and 1 is no name."),
        ({"X": 1.0}, "'X' cannot be set to 1.0."),
        ({"X": [0]}, "'X' cannot be set to [0]."),
    ],
)
def test_an_intervention_is_a_mapping(do: Any, said: str):
    model = verdict_on(BOW).witness().models[0]
    assert said in refused(lambda: model.interventional(do))


def test_a_name_that_is_no_node_is_still_an_unknown_node():
    with pytest.raises(LatentdoError, match="is not a node of the graph"):
        ld.identify(NAPKIN, QUERY, functional=["x"])


def test_a_latent_may_not_have_the_name_of_an_automatic_one():
    graph = ld.graph("latent `X<->Y.1`; `X<->Y.1` -> Z; X <-> Y; X -> Z")
    said = refused(lambda: ld.identify(graph, "P(Z | do(X))", functional=["Z"]), GraphError)
    assert said == (
        "The graph has a node 'X<->Y.1', and latentdo gives this name to the cause behind X <-> Y. Rename the node."
    )


STUDY = "model: |\n  latent U, V ~ normal\n  X ~ normal(U, V)\n  Y ~ normal(X, U)\n"


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ("v: {drop: [U, V, X, Y]}", "`variants.v.drop`: no measured node would be left."),
        ("v: {drop: [X], hide: [Y]}", "`variants.v.drop`: no measured node would be left."),
        ("v: {drop: [U, U]}", "`variants.v.drop[1]`: 'U' is listed twice. Keep one."),
        ("v: {hide: [X, X]}", "`variants.v.hide[1]`: 'X' is listed twice. Keep one."),
        ("v: {merge: {W: [U]}}", "`variants.v.merge.W`: a merged latent replaces two at least, and this is 'U' alone."),
        ("v: {drop: [U], merge: {W: [U, V]}}", "`variants.v.merge`: 'U' stands under `drop` and `merge`."),
        ("v: {drop: [U], split: {U: [A, B]}}", "`variants.v.split`: 'U' stands under `drop` and `split`."),
        ("v: {merge: {W: [U, V]}, split: {U: [A, B]}}", "'U' stands under `merge` and `split`. Keep one of the two."),
        ("v: {drop: [X], hide: [X]}", "`variants.v.hide`: 'X' stands under `drop` and `hide`."),
        ('"": {drop: [U]}', "this variant has no name. Write one before the colon."),
    ],
)
def test_changes_of_a_variant_that_cannot_be(variants: str, said: str):
    with pytest.raises(StudyError) as caught:
        load_study(f"{STUDY}variants:\n  {variants}\n")
    assert said in str(caught.value)
    assert caught.value.line == 6


def test_a_study_without_variants_says_so():
    said = refused(lambda: load_study(STUDY).variant("a"), StudyError)
    assert said == "study has no variant 'a'. It has no variants at all: they stand under `variants:`."

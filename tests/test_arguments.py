"""Checks of what callers hand in: each value or one message in one style, with the error that the caller names."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdo as ld
from latentdo import arguments
from latentdo.errors import FitError, LatentdoError, QueryError, SpecError, StudyError
from posteriors import posterior_of

GOOD: list[tuple[Callable[[], Any], Any]] = [
    (lambda: arguments.whole("draws", 4, FitError), 4),
    (lambda: arguments.whole("draws", np.int64(4), FitError), 4),
    (lambda: arguments.whole("draws", 0, FitError, least=0, most=0), 0),
    (lambda: arguments.number("rate", np.float32(0.5), FitError), 0.5),
    (lambda: arguments.number("rate", 1, FitError, above=0, most=1), 1.0),
    (lambda: arguments.level(0.9, QueryError), 0.9),
    (lambda: arguments.seed(2**32 - 1), 2**32 - 1),
    (lambda: arguments.flag("naive", np.True_, SpecError), True),
    (lambda: arguments.flag_or_none("progress", None, SpecError), None),
    (lambda: arguments.flag_or_none("progress", np.False_, SpecError), False),
    (lambda: arguments.level(Fraction(9, 10), QueryError), 0.9),
    (lambda: arguments.listed(np.array([1, 2])), [1, 2]),
    (lambda: arguments.listed(np.array(5)), None),
    (lambda: arguments.listed("ab"), None),
    (lambda: arguments.choice("guide", "b", "abc", FitError), "b"),
    (lambda: arguments.names("given", np.array(["a", "b"]), QueryError), ("a", "b")),
    (lambda: arguments.names("given", "ab", QueryError, lone=True), ("ab",)),
]


@pytest.mark.parametrize(("check", "value"), GOOD)
def test_what_fits_comes_back_as_pythons_own(check: Callable[[], Any], value: Any) -> None:
    found = check()
    assert found == value
    assert type(found) is type(value)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: arguments.whole("draws", 0, FitError), "draws is a whole number of at least 1, got 0."),
    (lambda: arguments.whole("draws", True, FitError), "draws is a whole number of at least 1, got True."),
    (lambda: arguments.whole("draws", 3.0, FitError), "draws is a whole number of at least 1, got 3.0. Write 3."),
    (lambda: arguments.whole("draws", 3.5, FitError), "draws is a whole number of at least 1, got 3.5."),
    (
        lambda: arguments.whole("n", 9, FitError, most=5, repair="2 do."),
        "n is a whole number from 1 to 5, got 9. 2 do.",
    ),
    (lambda: arguments.whole("draws", 10**12, FitError, cap=10**6), "draws is at most 1,000,000, got 1000000000000."),
    (lambda: arguments.flag_or_none("progress", "no", SpecError), "progress is True, False or None, got 'no'."),
    (
        lambda: arguments.names("given", np.array("X"), QueryError),
        "given takes names of nodes, such as ['M'], got array(",
    ),
    (lambda: arguments.number("rate", 0, FitError, above=0, most=1), "rate is a number above 0 and at most 1, got 0."),
    (lambda: arguments.number("rate", 10**400, FitError, least=0), "rate is a number of at least 0, got 1000"),
    (lambda: arguments.number("rate", math.nan, FitError), "rate is a finite number, got nan."),
    (lambda: arguments.number("rate", "1", FitError), "rate is a finite number, got '1'."),
    (lambda: arguments.level(90, QueryError), "The level of an interval lies between 0 and 1, got 90. Write 0.9"),
    (lambda: arguments.seed(-1), "A seed is a whole number from 0 to 4294967295, got -1."),
    (lambda: arguments.flag("naive", "no", SpecError), "naive is True or False, got 'no'."),
    (lambda: arguments.choice("guide", "ful", ["full"], FitError), "No guide is called 'ful'. Did you mean 'full'?"),
    (lambda: arguments.choice("guide", 3, ["full"], FitError), "No guide is called 3. Known are: full."),
    (lambda: arguments.names("given", "ab", QueryError), "given takes names of nodes, such as ['M'], got 'ab'."),
    (lambda: arguments.names("given", [1], QueryError), "given takes names of nodes, such as ['M'], and 1 is no name."),
    (lambda: arguments.names("given", None, QueryError), "got None. Leave it out for none."),
]


@pytest.mark.parametrize(("check", "message"), BAD)
def test_what_does_not_fit_is_refused_with_its_name_its_bounds_and_its_value(
    check: Callable[[], Any], message: str
) -> None:
    with pytest.raises((FitError, QueryError, SpecError)) as caught:
        check()
    assert message in str(caught.value)


def test_the_error_is_the_callers_with_its_evidence() -> None:
    with pytest.raises(StudyError) as caught:
        arguments.whole("n", -1, partial(StudyError, key="n"))
    assert caught.value.key == "n"


FRONT_DOOR = ld.graph("X -> M -> Y; X <-> Y")
LONE, SEVERAL = np.array("X"), np.array([True, False])
ROWS = {"X": [0.0, 1.0, 2.0, 4.0], "Y": [1.0, 0.0, 3.0, 2.0]}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ld.graph(directed=5), "`directed` is a list, got 5. Write directed=[('X', 'Y')]."),
        (lambda: ld.graph(nodes=LONE), "`nodes` is a list, got array("),
        (lambda: ld.graph("X -> Y", directed=5), "ld.graph takes a source or pairs, not both"),
        (lambda: ld.answerable(FRONT_DOOR, given=LONE), "`given` takes names of nodes"),
        (lambda: ld.answerable(FRONT_DOOR, [LONE]), "Each of `treatments` takes names of nodes"),
        (lambda: ld.identify(FRONT_DOOR, "P(Y | do(X))", functional={"M": LONE}), "takes the parents of each as names"),
        (lambda: ld.types.Effects(LONE), "treatments= takes names of nodes"),
        (lambda: ld.types.Effects(["X"], levels={"X": np.array(5)}), "levels= takes two different values"),
        (lambda: ld.types.Effects(["X"], standardised=SEVERAL), "standardised is True or False, got array("),
        (
            lambda: ld.fit("X ~ normal; Y ~ normal(X)", ROWS, progress=SEVERAL),
            "progress is True, False or None, got array(",
        ),
        (lambda: ld.fit_many("X ~ normal", LONE), "ld.fit_many takes tables in a list or a dict, got ndarray."),
        (lambda: ld.compare("X -> Y", ROWS, "E[Y | do(X=1)]", methods=LONE), "A method is a name such as 'aipw'"),
        (lambda: posterior_of("X ~ normal").save("fit.ldo", data="no"), "data is True or False, got 'no'."),
    ],
)
def test_arrays_and_texts_in_places_of_lists_and_flags_are_refused_by_name(
    call: Callable[[], Any], message: str
) -> None:
    with pytest.raises(LatentdoError) as caught:
        call()
    assert message in str(caught.value)


def test_any_real_number_is_a_level_wherever_one_is_taken(tmp_path: Path) -> None:
    posterior = posterior_of("X ~ normal; Y ~ normal(X)")
    answers = ld.ask(posterior, "E[Y | do(X=1)]", "E[Y | do(X=0)]")
    effects = ld.ask(posterior, ld.types.Effects(["X"], ["Y"]))
    for level, same in ((Fraction(9, 10), 0.9), (np.float64(0.5), 0.5)):
        assert answers[0].interval(level) == answers[0].interval(same)
        assert answers.text(level) == answers.text(same)
        assert answers.latex(level=level) == answers.latex(same)
        assert effects.text(level) == effects.text(same)
        assert json.dumps(answers.to_json(level)) == json.dumps(answers.to_json(same))
        answers.to_csv(tmp_path / "a.csv", level)
    for call in (answers.text, answers[0].text, effects.text):
        with pytest.raises(QueryError, match=r"The level of an interval lies between 0 and 1, got '0.9'"):
            call("0.9")

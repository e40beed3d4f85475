"""Checks of what callers hand in: each value or one message in one style, with the error that the caller names."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from latentdo import arguments
from latentdo.errors import FitError, QueryError, SpecError, StudyError

GOOD: list[tuple[Callable[[], Any], Any]] = [
    (lambda: arguments.whole("draws", 4, FitError), 4),
    (lambda: arguments.whole("draws", np.int64(4), FitError), 4),
    (lambda: arguments.whole("draws", 0, FitError, least=0, most=0), 0),
    (lambda: arguments.number("rate", np.float32(0.5), FitError), 0.5),
    (lambda: arguments.number("rate", 1, FitError, above=0, most=1), 1.0),
    (lambda: arguments.level(0.9, QueryError), 0.9),
    (lambda: arguments.seed(2**32 - 1), 2**32 - 1),
    (lambda: arguments.flag("naive", np.True_, SpecError), True),
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

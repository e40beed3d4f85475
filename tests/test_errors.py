"""What every message keeps to: a caret under the right character, nothing that cannot be seen, no thousand lines."""

from __future__ import annotations

import pickle

import pytest

import latentdo as ld
from latentdo.errors import (
    ArchiveError,
    CycleError,
    DataError,
    GraphError,
    LatentdoError,
    MissingExtraError,
    NotationError,
    NotIdentifiedError,
    StudyError,
    SupportError,
    UnknownNodeError,
)


@pytest.mark.parametrize(
    ("source", "column", "shown", "caret"),
    [
        ("X => Y", 3, "X => Y", "  ^"),
        ("X\t=> Y", 3, "X => Y", "  ^"),
        # A terminal gives these two columns each, and none to an accent that follows its letter.
        ("变量 => Y", 4, "变量 => Y", "     ^"),
        ("`🧬` => Y", 5, "`🧬` => Y", "     ^"),
        ("e\u0301 => Y", 4, "e\u0301 => Y", "  ^"),
        ("X\u202e => Y", 4, "X\\u202e => Y", "        ^"),
        ("X", 2, "X", " ^"),
    ],
)
def test_the_caret_stands_under_its_character(source: str, column: int, shown: str, caret: str):
    message = str(NotationError("an arrow is written ->.", source, 1, column))
    assert message.split("\n")[1:] == [f"  {shown}", f"  {caret}"]


def test_a_long_line_is_cut_around_the_caret():
    message = str(NotationError("here.", "变" * 500 + "X" + "变" * 500, 1, 501))
    shown, caret = message.split("\n")[1:]
    assert shown.index("X") == 62
    assert len(caret) - 1 == 2 + 2 * 60


@pytest.mark.parametrize(
    "char", ["\x00", "\x1b", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\ud800", "\U000e0041"]
)
def test_no_message_holds_a_character_that_nobody_sees(char: str):
    for error in (
        GraphError(f"A{char}B"),
        NotationError(f"A{char}B.", f"X{char}", 1, 2),
        CycleError((f"A{char}", "B")),
    ):
        assert char not in str(error)
        assert char.encode("unicode_escape").decode() in str(error)


def test_a_message_about_thousands_of_names_is_short():
    cycle = CycleError(tuple(f"A{i}" for i in range(10_000)))
    assert len(str(cycle)) < 2100
    assert str(cycle).startswith("The graph has a directed cycle: A0 -> A1 -> ")
    assert str(cycle).endswith("unroll it over time (X_0 -> Y_1 -> X_2).")
    assert len(cycle.cycle) == 10_000
    assert len(str(UnknownNodeError("A" * 100_000, ["B"]))) < 2100


@pytest.mark.parametrize(
    "error",
    [
        NotationError("an arrow is written ->.", "X => Y", 1, 3),
        CycleError(("A", "B")),
        UnknownNodeError("Z", ["X", "Y"]),
        SupportError("X", "no."),
        DataError("no.", column="X", line=3),
        StudyError("no.", "data", 1, 2),
        ArchiveError("fit.ldo", "no."),
        MissingExtraError("plot", "matplotlib", "plot"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_from_another_process_as_it_was_raised(error: LatentdoError):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_a_proof_comes_back_with_its_error():
    verdict = ld.identify("X -> Y; X <-> Y", "P(Y | do(X=1))")
    error = NotIdentifiedError(str(verdict), verdict, advice="Measure more.", askable=2, hopeless=True)
    back = pickle.loads(pickle.dumps(error))
    assert str(back) == str(error)
    assert back.verdict.hedge == verdict.hedge
    assert (back.advice, back.askable, back.computable, back.hopeless) == ("Measure more.", 2, True, True)

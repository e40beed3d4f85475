"""How numbers of many data sets are printed."""

from __future__ import annotations

import pytest

from studies.printed import figure, percent, table, with_error, with_quartiles


def test_words_stand_left_numbers_right_and_what_must_be_seen_is_bold():
    sheet = table("Errors", ("question", "n", "error"), [("P(a | b)", "60", "missed")], 1, ("A note.",), ("missed",))
    assert sheet.markdown().splitlines() == [
        "| question | n | error |",
        "| --- | ---: | ---: |",
        "| P(a \\| b) | 60 | **missed** |",
        "",
        "- A note.",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0333, "0.033"),
        (-0.5, "-0.500"),
        (11.144, "11.14"),
        (123.46, "123.5"),
        (2.5e6, "2.50e+06"),
        (None, "–"),
        (0, "0.000"),
    ],
)
def test_numbers_have_the_decimals_that_their_size_needs(value, shown):
    assert figure(value) == shown


def test_errors_and_quartiles_stand_behind_a_number():
    assert with_error(0.1, 0.02) == "0.100 ± 0.020"
    assert with_error(0.1, None) == "0.100"
    assert with_error(0.1, 0.02, signed=True) == "+0.100 ± 0.020"
    assert with_quartiles(0.1, 0.05, 0.2, 0.01) == "0.100 ± 0.010 [0.050, 0.200]"
    assert with_quartiles(0.1, None, None) == "0.100"


def test_shares_are_whole_per_cent():
    assert percent(0.904) == "90 %"

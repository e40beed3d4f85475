"""Tables of words and numbers in five notations."""

from __future__ import annotations

import csv
import io

import pytest

from latentdo.sheet import latex
from studies.sheets import Sheet, duration, figure, percent, with_error, with_quartiles

SHEET = Sheet(
    "Errors",
    ("question", "n", "error"),
    (("P(a | b) < 50 %", "60", "0.1"), ("q_2 & <b>", "100", "missed")),
    1,
    ("A note & more.",),
    ("missed",),
)


def test_text_has_its_columns_under_their_names():
    assert SHEET.text.splitlines() == [
        "Errors",
        "",
        "question           n   error",
        "P(a | b) < 50 %   60     0.1",
        "q_2 & <b>        100  missed",
        "  A note & more.",
    ]


def test_markdown_keeps_bars_inside_their_cells_and_marks_what_must_be_seen():
    assert SHEET.markdown.splitlines() == [
        "| question | n | error |",
        "| --- | ---: | ---: |",
        "| P(a \\| b) < 50 % | 60 | 0.1 |",
        "| q_2 & <b> | 100 | **missed** |",
        "",
        "- A note & more.",
    ]


def test_html_escapes_every_cell():
    assert "<td>q_2 &amp; &lt;b&gt;</td>" in SHEET.html
    assert '<td class="n"><b>missed</b></td>' in SHEET.html
    assert "<caption>Errors</caption>" in SHEET.html
    assert "<caption>" not in SHEET.grid


def test_latex_is_a_tabular_of_booktabs_with_every_sign_escaped():
    lines = SHEET.latex.splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}"
    assert r"P(a \textbar{} b) \textless{} 50 \% & 60 & 0.1 \\" in lines
    assert rf"{latex.prose('q_2 & <b>')} & 100 & missed \\" in lines
    assert lines[1] == r"\toprule"
    assert lines[-1] == r"\end{tabular}"


def test_comma_separated_text_reads_back_the_same():
    assert list(csv.reader(io.StringIO(SHEET.csv))) == [list(SHEET.heads), *map(list, SHEET.rows)]


def test_a_column_can_be_left_out():
    less = SHEET.without("question", "error")
    assert (less.heads, less.rows, less.labels) == (("n",), (("60",), ("100",)), 0)
    assert SHEET.without("n").labels == 1


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


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0123, "12 ms"), (3.21, "3.2 s"), (119.0, "119.0 s"), (2970.0, "49.5 min"), (14 * 3600, "14.0 h"), (None, "–")],
)
def test_durations_are_in_the_unit_that_is_short(seconds, shown):
    assert duration(seconds) == shown


def test_shares_are_whole_per_cent():
    assert percent(0.904) == "90 %"

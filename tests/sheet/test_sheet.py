"""`Sheet`: one table in every form, with nothing of a user's names taken for a command."""

from __future__ import annotations

import csv
import io
import math

import pytest

from latentdo.sheet import (
    AbstractShown,
    Cell,
    Column,
    Note,
    Sheet,
    counted,
    csv_text,
    duration,
    finite,
    folded,
    hanging,
    latex,
    listed,
    number,
    page,
    percent,
    texts,
    visible,
)

SHEET = Sheet.of(
    "Effects",
    ["node", Column("mean", "number", key="mean_of_node"), Column("why", "prose")],
    [["Erk", Cell("0.72", 0.7231, latex="$0.72$"), "measured"], ["Raf_1", Cell("10.00", 10.0), "not measured"]],
    lead=("Two nodes.",),
    notes=(Note("few rows", "caution (Erk)"), Note("no effect", sign="·")),
)


def test_text_has_numbers_to_the_right_and_notes_below() -> None:
    assert SHEET.text() == (
        "Effects\n"
        "  Two nodes.\n"
        "  node    mean  why\n"
        "  Erk     0.72  measured\n"
        "  Raf_1  10.00  not measured\n"
        "  caution (Erk): few rows\n"
        "  · no effect"
    )


def test_a_column_of_prose_is_folded_beside_the_others() -> None:
    long = Sheet.of("", ["node", Column("why", "prose")], [["Erk", "one two three four five six seven eight nine"]])
    assert long.text(44) == "node  why\nErk   one two three four five six seven\n      eight nine"


def test_prose_without_room_stands_below_its_row() -> None:
    long = Sheet.of("", ["a node with a name", Column("why", "prose")], [["Erk", "one two three four five six"]])
    assert long.text(30) == "a node with a name\nErk\n    one two three four five\n    six"


def test_a_wide_table_goes_on_in_panels_with_its_first_column() -> None:
    wide = Sheet.of("", ["do", *(Column(f"node{k}", "number") for k in range(6))], [["X", *"123456"]])
    lines = wide.text(28).splitlines()
    assert lines[2] == "the same rows, further columns:"
    assert max(map(len, lines)) <= 31
    assert lines[1].split() == ["X", "1", "2", "3"]
    assert lines[4].split() == ["X", "4", "5", "6"]


def test_html_escapes_and_shows_marks_colours_and_hints() -> None:
    cell = Cell("<b>", mark="bad", colour="#f2f2f2", hint='say "x"')
    html = Sheet.of("<t>", [Column("a&b", "tile")], [[cell]], notes=(Note("<n>"),)).html()
    assert "<b>&lt;t&gt;</b>" in html
    assert "a&amp;b" in html
    assert '<td class="t" style="background:#f2f2f2" title="say &quot;x&quot;"' in html
    assert '<span class="bad">&lt;b&gt;</span>' in html
    assert "<li>&lt;n&gt;</li>" in html


def test_html_may_be_folded_and_holds_a_picture() -> None:
    html = Sheet.of("Numbers", ["a"], [["1"]], picture="data:image/png;base64,AA", folded="closed").html()
    assert "<details><summary>Numbers</summary>" in html
    assert '<img src="data:image/png;base64,AA" alt="Numbers">' in html


def test_a_page_stands_alone() -> None:
    written = page("Two", [SHEET, SHEET])
    assert written.startswith("<!doctype html>")
    assert written.count("<table>") == 2
    assert written.count("<style>.latentdo") + written.count("<style>\n.latentdo") == 1
    assert "http" not in written
    assert "<script" not in written


def test_markdown_has_a_rule_that_sets_numbers_right() -> None:
    assert SHEET.markdown().splitlines()[2:6] == [
        "| node | mean | why |",
        "| --- | ---: | --- |",
        "| Erk | 0.72 | measured |",
        "| Raf_1 | 10.00 | not measured |",
    ]


def test_latex_is_escaped_unless_it_was_given() -> None:
    written = SHEET.latex()
    assert r"\begin{tabular}{lrl}" in written
    assert r"Raf\_1 & 10.00 & not measured \\" in written
    assert r"Erk & $0.72$ & measured \\" in written
    assert r"$^{·}$ no effect" in written
    assert latex.figure(1e-5, 0.0) == r"1 \times 10^{-5}"
    assert latex.interval(0.621, 0.899, 0.1) == r"$[0.62,\ 0.90]$"


def test_programs_read_values_and_keys() -> None:
    assert SHEET.flat()[0] == ("node", "mean_of_node", "why")
    assert list(csv.reader(io.StringIO(SHEET.csv())))[1] == ["Erk", "0.7231", "measured"]
    frame = SHEET.to_pandas()
    assert frame["mean_of_node"].tolist() == [0.7231, 10.0]


def test_records_have_a_column_for_each_key_and_none_where_it_is_missing() -> None:
    sheet = Sheet.of_records([{"a": 1, "b": None}, {"a": 2.5, "c": "x"}])
    assert sheet.flat() == (("a", "b", "c"), [(1, None, None), (2.5, None, "x")])
    assert sheet.csv() == "a,b,c\n1,,\n2.5,,x\n"


@pytest.mark.parametrize("name", ["=1+1", "+A", "-A", "@cmd", "\t=1"])
def test_no_text_of_a_csv_file_is_a_formula_to_a_spreadsheet(name: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([name], [])))
    assert row[0].startswith("'")


def test_numbers_of_a_csv_file_stay_numbers() -> None:
    assert csv_text(["a", "b", "c"], [[-1.5, "-1.5", "+2e3"]]) == "a,b,c\n-1.5,-1.5,+2e3\n"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("abc\u202edef", r"abc\u202edef"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("Größe α", "Größe α"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_characters_that_are_not_seen_are_shown_as_escapes(raw: str, shown: str) -> None:
    assert visible(raw) == shown
    sheet = Sheet.of(raw, [raw], [[raw]], notes=(Note(raw),))
    for form in (sheet.text(), sheet.html(), sheet.latex(), sheet.csv(), sheet.markdown()):
        assert not {"\x1b", "\u202e", "\u200b"} & set(form)


def test_columns_can_be_left_out() -> None:
    assert SHEET.without("why").flat()[0] == ("node", "mean_of_node")


def test_several_sheets_stand_below_each_other() -> None:
    assert texts([Sheet("a"), Sheet("b")]) == "a\n\nb"


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (0.7512, 0.083, "0.751"),
        (-0.0001, 0.08, "0.000"),
        (1234567.0, 1000.0, "1234567"),
        (3.0, 0.0, "3"),
        (math.inf, 1.0, "inf"),
        (1.2345e-20, 1e-22, "1.234e-20"),
    ],
)
def test_numbers_have_two_digits_of_their_spread(value: float, spread: float, shown: str) -> None:
    assert number(value, spread) == shown


def test_words() -> None:
    assert listed(["A"]) == "A"
    assert listed(["A", "B", "C"]) == "A, B and C"
    assert listed(["A", "B"], "or") == "A or B"
    assert counted(1, "row") == "1 row"
    assert counted(2000, "query", "queries") == "2,000 queries"
    assert percent(0.9) == "90 %"
    assert [duration(each) for each in (None, 0.0236, 17.21, 300, 9000)] == [
        "–",
        "0.024 s",
        "17.2 s",
        "5.0 min",
        "2.5 h",
    ]
    assert finite({"a": [1.0, math.nan], "b": math.inf}) == {"a": [1.0, None], "b": None}
    assert folded("takes about 3 s", 13) == ["takes about", "3 s"]
    assert hanging("caution: ", "one two three four five six seven eight nine", 44)[1].startswith("         ")


def test_what_gives_a_sheet_prints_by_it() -> None:
    class Shown(AbstractShown):
        def sheet(self) -> Sheet:
            return SHEET

    assert str(Shown()) == repr(Shown()) == SHEET.text()
    assert Shown()._repr_html_() == SHEET.html()


def test_sums_in_prose_and_notes_are_set_as_sums() -> None:
    formula = "is Σ_{M, Z} P(M | X) Σ_X' P(Y | M, X'), and Σ weight"
    sheet = Sheet.of("", (Column("note", "prose"),), [(formula,)], lead=(formula,), notes=(Note(formula),))
    html = sheet.html().partition("</style>")[2]
    assert html.count("Σ<sub>M, Z</sub> P(M | X) Σ<sub>X&#x27;</sub> P(Y | M, X&#x27;), and Σ weight") == 3
    assert sheet.latex().count(r"$\sum_{\mathrm{M,\ Z}}$ P(M \textbar{} X) $\sum_{\mathrm{X'}}$ P(Y") == 2
    assert r"and $\Sigma$ weight" in sheet.latex()


def test_a_formula_has_what_is_summed_over_below_its_sign() -> None:
    html = Sheet.of("", [Column("is", "formula")], [["Σ_{M, Z} P(M | `<X>`) Σ_X' P(Y | M, X')"]], headed=False).html()
    assert "<code>Σ<sub>M, Z</sub> P(M | `&lt;X&gt;`) Σ<sub>X&#x27;</sub> P(Y | M, X&#x27;)</code>" in html

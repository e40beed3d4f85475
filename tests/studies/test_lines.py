"""The tables of a reproduction on one screen: judged and explained as in the report."""

from __future__ import annotations

import dataclasses

from made_rows import STUDY, TRUTH, made_rows

from latentdo.sheet import texts
from latentdo.simulators import PopulationValue
from studies.lines import lines, overview
from studies.tables import TOO_FEW, errors_sheet, intervals_sheet, others_sheet


def shown(study, rows, **options):
    return texts(overview(study, rows, **options))


def test_coverage_is_judged_as_in_the_report_where_the_formula_gives_another_answer():
    study = dataclasses.replace(STUDY, formula=(PopulationValue("effect", TRUTH - 0.7, 0.01),))
    (found,) = (line for line in lines(study, made_rows()) if line.cell[2:] == (60, "lvm"))
    assert found.coverage is not None
    # Errors 0.1, -0.2, 0.4 and -0.5, each ± 0.45: only that of -0.5 holds truth - 0.7.
    assert (found.coverage.held, found.coverage.n) == (3, 12)
    assert found.to_json()["coverage"] == {"held": 3, "n": 12, "level": 0.9, "falls_short": True}
    (told,) = (row for row in intervals_sheet(study, made_rows()).flat()[1] if row[1:3] == ("60", "lvm"))
    assert "3 of 12 (25 % ± 9 %)" in told
    text = shown(study, made_rows())
    assert "25 % ! *" in text
    assert found.to_json()["biased"] is True
    assert (found.to_json()["judged_against"], found.to_json()["formula_truth"]) == ("formula", TRUTH - 0.7)
    assert "hold what the graph's formula gives with endless rows" in text


def test_the_legend_says_what_each_column_is_against():
    text = shown(STUDY, made_rows())
    assert "Absolute errors over 12 data sets: median [quartiles]." in text
    assert "published (a): First release.\npublished (b): Second release." in text
    assert "0.400 [0.200, 0.600] (a); 0.500 (b)" in text
    assert "hold: how many intervals hold the population's answer; – without intervals." in text
    assert "6 of 24 fits of lvm had not converged" in text
    assert (
        "! falls short: intervals of just that level would hold it so seldom with a probability below 0.00135" in text
    )


def test_few_data_sets_are_not_judged_and_it_is_said():
    text = shown(STUDY, [row for row in made_rows() if row["dataset"] < 4])
    assert "!" not in text
    assert TOO_FEW in text
    assert lines(STUDY, made_rows()[:3])[0].to_json()["coverage"]["falls_short"] is None


def test_a_method_that_does_not_apply_is_named_with_its_reason():
    unfit = [
        {**row, "method": "tmle", "estimate": None, "applies": False, "note": "five treatments."}
        for row in made_rows(["lvm"])
    ]
    assert "tmle does not apply to effect: five treatments." in shown(STUDY, [*made_rows(["lvm"]), *unfit])


def test_a_narrow_terminal_has_the_other_columns_below():
    narrow = texts(overview(STUDY, made_rows()), 80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert "the same rows, further columns:" in narrow
    assert "[0.175, 0.425]" in narrow


def test_intervals_that_are_missing_are_counted():
    rows = [
        {**row, "lower": None, "upper": None} if row["method"] == "mean" and row["dataset"] > 10 else row
        for row in made_rows(["lvm", "mean"])
    ]
    found = {line.cell.method: line for line in lines(STUDY, rows) if line.cell.n == 60}
    assert found["mean"].to_json()["without_interval"] == 2
    assert found["lvm"].to_json()["without_interval"] == 0
    text = shown(STUDY, rows)
    # 3 of 4 errors are small enough: of the first ten 8.
    assert "80 % of 10" in text
    assert "mean gives an estimate and no interval on 2 of 12 data sets" in text


def test_one_data_set_has_neither_quartiles_nor_plurals():
    text = shown(STUDY, [row for row in made_rows() if row["dataset"] == 1])
    assert "Absolute errors over 1 data set: median" in text
    assert "[0.100, 0.100]" not in text
    assert "0.100 [" not in text


def test_rows_of_the_published_code_are_said_to_be_that():
    assert shown(STUDY, made_rows(), as_published=True).startswith(
        "A <made> study (made), done as published, errors included\n"
    )


def test_a_method_without_any_answer_keeps_its_lines_and_its_reason():
    reason = "Column 'X' is constant (0). Leave it out."
    none = [{**row, "method": "tmle", "estimate": None, "error": reason} for row in made_rows(["lvm"])]
    for rows in (none, [*made_rows(["lvm"]), *none]):
        (found,) = (line for line in lines(STUDY, rows) if line.cell[2:] == (60, "tmle"))
        assert found.population is None
        assert (found.to_json()["missing"], found.to_json()["missing_because"]) == (12, [reason])
        text = shown(STUDY, rows)
        assert f"24 answers are missing: {reason.rstrip('.')} (24)." in text
        (row,) = (line for line in text.splitlines() if line.strip().startswith("60") and "tmle" in line)
        assert row.split() == ["60", "tmle", "12"]
        assert ("effect", "60", "tmle", "0 (+12 failed)") in [
            line[:4] for line in intervals_sheet(STUDY, rows).flat()[1]
        ]
        assert ("other", "60", "tmle", "0 (+12 failed)") in [line[:4] for line in others_sheet(STUDY, rows).flat()[1]]
        assert ("effect", "60", "tmle", "–", *["12 failed"] * 2, "–") in errors_sheet(STUDY, rows).flat()[1]
    assert "missing" not in shown(STUDY, made_rows())


def test_reasons_are_counted_and_the_rarest_left_to_the_rows():
    rows = [{**row, "estimate": None, "error": f"reason {row['dataset'] % 7}"} for row in made_rows(["lvm"])]
    # Twelve data sets at two sizes: seven reasons, of which five are given twice per size.
    assert (
        "24 answers are missing: reason 1 (4); reason 2 (4); reason 3 (4); reason 4 (4); reason 5 (4); other reasons (4)."
        in shown(STUDY, rows)
    )
    assert "1 answer is missing: reason 1 (1)." in shown(STUDY, [*made_rows(["lvm"])[1:], rows[0]])

"""The tables of a study and the sentences about it, from rows made by hand."""

from __future__ import annotations

import dataclasses

import pytest
from made_rows import STUDY, TRUTH, made_rows

from latentdo.simulators import PopulationValue
from studies.findings import about_convergence, findings
from studies.tables import (
    NO_SPREAD,
    PUBLISHED_TIMES,
    TOO_FEW,
    errors_sheet,
    failures_sheet,
    intervals_sheet,
    main_rows,
    methods_of,
    others_sheet,
    ratios_sheet,
    rivals_sheet,
    targets_sheet,
    times,
    times_sheet,
    unfit,
)


def line(sheet, *labels: str) -> dict[str, str]:
    """The cells of the row with these labels, by column."""
    heads, rows = sheet.flat()
    (found,) = (row for row in rows if row[: len(labels)] == labels)
    return dict(zip(heads, found, strict=True))


def rows_of(sheet) -> list[tuple[str, ...]]:
    return sheet.flat()[1]


def notes(sheet) -> list[str]:
    return [note.words for note in sheet.notes]


def strong(sheet) -> set[str]:
    return {cell.text for row in sheet.rows for cell in row if cell.mark == "strong"}


def test_published_ours_and_reference_stand_in_one_line():
    sheet = errors_sheet(STUDY, made_rows())
    ours = line(sheet, "effect", "60", "lvm")
    assert ours["published"] == "0.400 [0.200, 0.600] (a); 0.500 (b)"
    assert ours["ours, population"].startswith("0.300 ± ")
    assert ours["ours, population"].endswith("[0.175, 0.425]")
    assert ours["reference"] == "–"
    plug_in = line(sheet, "effect", "60", "plug-in")
    assert (plug_in["published"], plug_in["reference"]) == ("11.00 [10.00, 12.00] (a)", "0.300")
    assert notes(sheet)[1:] == ["Published (a): First release.", "Published (b): Second release."]


def test_the_truth_that_a_reported_error_is_against_stands_in_the_head_or_beside_the_letter():
    first, second, third = STUDY.published
    mixed = (
        dataclasses.replace(first, against="sample"),
        dataclasses.replace(second, against="population"),
        dataclasses.replace(third, against="sample"),
    )
    study = dataclasses.replace(
        STUDY, published=mixed, reference=(dataclasses.replace(STUDY.reference[0], against="population"),)
    )
    sheet = errors_sheet(study, made_rows(), quartiles=False)
    ours = line(sheet, "effect", "60", "lvm")
    assert ours["published"] == "0.400 (a, sample value); 0.500 (b, population)"
    assert line(sheet, "effect", "60", "plug-in")["reference, population"] == "0.300"


def test_a_narrow_page_has_medians_alone():
    ours = line(errors_sheet(STUDY, made_rows(), quartiles=False), "effect", "60", "lvm")
    assert ours["published"] == "0.400 (a); 0.500 (b)"
    assert ours["ours, population"].startswith("0.300 ± ")
    assert "[" not in ours["ours, population"]


def test_only_main_questions_and_sizes_that_were_run_have_lines():
    sheet = errors_sheet(STUDY, [row for row in made_rows() if row["n"] == 15])
    assert {row[:2] for row in rows_of(sheet)} == {("effect", "15")}
    assert len(main_rows(STUDY, made_rows())) == len(made_rows()) / 2


def test_a_method_that_was_only_published_has_a_line():
    sheet = errors_sheet(STUDY, made_rows(["lvm"]))
    assert line(sheet, "effect", "60", "plug-in")["ours, population"] == "–"


def test_the_model_comes_first_and_what_needs_no_method_last():
    wanted = ("lvm", "lvm misspecified", "plug-in", "aipw", "mean", "floor")
    assert methods_of(["floor", "aipw", "mean", "lvm misspecified", "plug-in", "lvm"]) == wanted


def test_intervals_are_counted_with_their_binomial_error():
    found = line(intervals_sheet(STUDY, made_rows()), "effect", "60", "lvm")
    # 9 of 12 hold; sqrt(0.9 * 0.1 / 12) = 0.0866
    assert found["intervals hold"] == "9 of 12 (75 % ± 9 %)"
    assert found["verdict"] == "within chance"
    assert found["width"] == "0.900"
    assert found["not converged"] == "3"
    assert line(intervals_sheet(STUDY, made_rows()), "effect", "60", "mean")["not converged"] == ""
    assert line(intervals_sheet(STUDY, made_rows()), "effect", "60", "plug-in")["verdict"] == "falls short"


def test_a_method_without_intervals_on_some_data_sets_says_on_how_many():
    rows = [
        {**row, "lower": None, "upper": None} if row["method"] == "mean" and row["dataset"] > 4 else row
        for row in made_rows(["lvm", "mean"])
    ]
    sheet = intervals_sheet(STUDY, rows)
    assert line(sheet, "effect", "60", "mean")["intervals hold"] == "3 of 4 (75 %); none in 8 of 12"
    assert (
        "mean gives an estimate and no interval on 8 of 12 data sets (effect, n = 15); 8 of 12 data sets (effect, n = 60): "
        "its share is of the others." in notes(sheet)
    )
    none = [{**row, "lower": None, "upper": None} for row in made_rows(["lvm"])]
    without = line(intervals_sheet(STUDY, none), "effect", "60", "lvm")
    assert (without["intervals hold"], without["verdict"]) == ("none in 12 of 12", "–")
    assert "lvm gives estimates and no intervals (effect, n = 15; effect, n = 60)." in findings(STUDY, none)


def test_a_mean_error_beyond_three_of_its_standard_errors_is_a_bias():
    """Errors 0.3 ± 0.1 of which 12 have a standard error of 0.03, and of which each interval holds the truth."""
    rows = made_rows(["lvm"])
    for row in rows:
        row["estimate"] = TRUTH + (0.4 if row["dataset"] % 2 else 0.2)
        row |= {"lower": row["estimate"] - 0.45, "upper": row["estimate"] + 0.45}
    found = line(intervals_sheet(STUDY, rows), "effect", "60", "lvm")
    assert (found["bias"], found["verdict"]) == ("+0.300 ± 0.030", "within chance; biased")
    assert "within chance; biased" in strong(intervals_sheet(STUDY, rows))
    assert (
        "lvm is biased at effect, n = 15; effect, n = 60: the mean error is more than 3 of its standard errors away from 0."
        in findings(STUDY, rows)
    )


def test_the_other_questions_have_a_table_of_their_own():
    rows = [{**row, "estimate": TRUTH + 1} if row["query"] == "other" else row for row in made_rows(["lvm"])]
    sheet = others_sheet(STUDY, rows)
    assert {row[:3] for row in rows_of(sheet)} == {("other", "15", "lvm"), ("other", "60", "lvm")}
    assert line(sheet, "other", "60", "lvm")["RMSE"] == "1.000 ± 0.000"
    assert not rows_of(others_sheet(STUDY, [row for row in rows if row["query"] == "effect"]))


def test_the_model_wins_and_ties():
    sheet = rivals_sheet(STUDY, made_rows())
    assert line(sheet, "effect", "60", "plug-in")["lvm"] == "wins"
    tied = line(sheet, "effect", "60", "mean")
    assert (tied["difference, SE"], tied["lvm"]) == ("+0.0", "ties")
    assert {row[2] for row in rows_of(sheet)} == {"plug-in", "mean"}
    assert findings(STUDY, made_rows())[:2] == [
        "Against plug-in the model wins 2 of 2 comparisons.",
        "Against mean the model ties 2 of 2 comparisons.",
    ]


def test_where_the_rival_is_closer_the_model_loses():
    rows = [
        {**row, "method": {"lvm": "plug-in", "plug-in": "lvm"}[row["method"]]} for row in made_rows(["lvm", "plug-in"])
    ]
    assert findings(STUDY, rows)[0] == "Against plug-in the model loses 2 of 2 comparisons."
    assert "loses" in strong(rivals_sheet(STUDY, rows))


def test_ratios_are_those_of_the_errors():
    sheet = ratios_sheet(STUDY, made_rows())
    assert line(sheet, "lvm / floor", "effect", "60")["median absolute error"] == "2.00 [2.00, 2.00]"
    assert line(sheet, "lvm misspecified / lvm", "effect", "15")["RMSE"] == "2.00 [2.00, 2.00]"
    floor = line(sheet, "lvm / floor", "effect", "60")
    assert (floor["wanted"], floor["verdict"]) == ("median ≤ 1.1", "missed")
    assert line(sheet, "lvm misspecified / lvm", "effect", "60")["wanted"] == "median ≤ 1.5"
    assert line(sheet, "lvm / plug-in", "effect", "60")["wanted"] == ""


def test_a_ratio_is_met_where_its_interval_stays_below_what_was_wanted_and_open_where_that_lies_within():
    half = [{**row, "estimate": TRUTH + (row["estimate"] - TRUTH) / 2} for row in made_rows(["lvm"])]
    met = line(ratios_sheet(STUDY, [*half, *made_rows(["floor"])]), "lvm / floor", "effect", "60")
    assert (met["median absolute error"], met["verdict"]) == ("1.00 [1.00, 1.00]", "met")
    # In every second data set three times the error of the true model, in the others the same.
    other = [
        {
            **row,
            "method": "lvm misspecified",
            "estimate": TRUTH + (row["estimate"] - TRUTH) * (1 + row["dataset"] % 2 * 2),
        }
        for row in made_rows(["lvm"])
    ]
    sheet = ratios_sheet(STUDY, [*made_rows(["lvm"]), *other])
    assert line(sheet, "lvm misspecified / lvm", "effect", "60")["verdict"] == "open"


def test_targets_that_are_ratios_are_met_or_missed():
    study = dataclasses.replace(STUDY, name="multicause-strong")
    sheet = ratios_sheet(study, [{**row, "study": study.name} for row in made_rows(["lvm", "plug-in", "mean"])])
    plug_in, mean = (line(sheet, f"lvm / {rival}", "effect", "60") for rival in ("plug-in", "mean"))
    assert (plug_in["wanted"], plug_in["verdict"]) == ("RMSE ≤ 1", "met")
    assert (mean["wanted"], mean["verdict"]) == ("RMSE ≤ 0.5", "missed")


def test_targets_are_met_missed_or_not_measured():
    sheet = targets_sheet(STUDY, made_rows())
    met, missed, absent = (line(sheet, "effect", n) for n in ("60", "15", "200"))
    assert (met["verdict"], met["distance"]) == ("met", "-0.200")
    assert missed["distance"] == "+2.500"
    assert missed["verdict"].startswith("missed by ")
    assert (absent["verdict"], absent["reached"]) == ("not measured", "–")
    assert "Of 3 targets for the median error 1 is met." in findings(STUDY, made_rows())


def test_where_only_rivals_were_run_nothing_was_wanted_of_the_model():
    rows = made_rows(["plug-in", "mean"])
    assert not [sentence for sentence in findings(STUDY, rows) if "target" in sentence]
    assert not rows_of(targets_sheet(STUDY, rows))


def test_few_data_sets_have_no_verdicts_and_it_is_said():
    rows = [row for row in made_rows() if row["dataset"] < 10]
    sheet = intervals_sheet(STUDY, rows)
    assert {line(sheet, *row[:3])["verdict"] for row in rows_of(sheet)} == {"too few"}
    assert TOO_FEW in notes(intervals_sheet(STUDY, rows))
    assert {row[-1] for row in rows_of(rivals_sheet(STUDY, rows))} == {"too few"}
    assert {row[-1] for row in rows_of(targets_sheet(STUDY, rows))} == {"too few data sets", "not measured"}
    found = findings(STUDY, rows)
    assert found[0] == "Against plug-in the model is not judged in 2 of 2 comparisons."
    assert TOO_FEW in found
    assert TOO_FEW not in findings(STUDY, made_rows())


def test_nothing_is_said_of_the_spread_of_very_few_data_sets():
    rows = [row for row in made_rows() if row["dataset"] < 5]
    sheet = intervals_sheet(STUDY, rows)
    found = line(sheet, "effect", "60", "lvm")
    assert (found["RMSE"], found["bias"], found["intervals hold"]) == ("0.339", "-0.050", "3 of 4 (75 %)")
    errors = errors_sheet(STUDY, rows)
    assert line(errors, "effect", "60", "lvm")["ours, population"] == "0.300"
    assert notes(errors)[0] == "Median over data sets."
    assert line(ratios_sheet(STUDY, rows), "lvm / floor", "effect", "60")["RMSE"] == "2.00"
    assert {row[-2] for row in rows_of(rivals_sheet(STUDY, rows))} == {"–"}
    assert all(NO_SPREAD in notes(each(STUDY, rows)) for each in (intervals_sheet, errors_sheet, ratios_sheet))
    one = [row for row in rows if row["dataset"] == 1 and row["n"] == 60]
    assert "1 fit of the true model took 2.000 s one after the other." in findings(STUDY, one)


def test_a_fit_that_answers_several_questions_counts_once():
    found = {(each.n, each.method): each for each in times(STUDY, made_rows())}
    assert found[60, "lvm"].fits == (2.0,) * 12
    assert found[60, "lvm"].answers == (0.5,) * 24
    assert found[60, "lvm"].total == 36.0
    assert line(times_sheet(STUDY, made_rows()), "lvm", "60")["a fit, median"] == "2.000 s"
    assert line(times_sheet(STUDY, made_rows()), "lvm", "60")["longest fit"] == "2.000 s"
    assert "24 fits of the true model took 48.0 s one after the other." in findings(STUDY, made_rows())


def test_time_stands_beside_the_published_time_for_as_many_fits():
    study = dataclasses.replace(STUDY, name="signaling")
    rows = [{**row, "study": "signaling"} for row in made_rows(["lvm"])]
    # 30 fits of 2 s are a minute, 49.5 minutes were published.
    assert "Published: 49.5 minutes for 30 fits. As many fits take 60.0 s here: 50 times as fast." in findings(
        study, rows
    )
    assert line(times_sheet(study, rows), "lvm", "60")["published, a fit"] == "99.0 s"
    assert PUBLISHED_TIMES["covid"].seconds_per_fit == (5040.0, 7200.0)


def test_failures_are_listed_and_counted():
    rows = made_rows()
    for row in rows:
        if row["method"] == "plug-in" and row["n"] == 60 and row["dataset"] < 3 and row["query"] == "effect":
            row |= {"estimate": None, "lower": None, "upper": None, "error": "A | B is singular."}
    assert rows_of(failures_sheet(STUDY, rows)) == [("plug-in", "effect", "60", "2", "A | B is singular.")]
    assert line(intervals_sheet(STUDY, rows), "effect", "60", "plug-in")["data sets"] == "10 (+2 failed)"


def test_a_method_that_does_not_apply_has_not_failed():
    rows = made_rows(["lvm"]) + [
        {
            **row,
            "method": "tmle",
            "estimate": None,
            "lower": None,
            "upper": None,
            "applies": False,
            "note": "five treatments",
        }
        for row in made_rows(["lvm"])
    ]
    assert not rows_of(failures_sheet(STUDY, rows))

    sheet = errors_sheet(STUDY, rows)
    assert line(sheet, "effect", "60", "tmle")["ours, population"] == "does not apply"
    assert "tmle does not apply to effect: five treatments." in notes(sheet)
    assert "tmle does not apply to effect: five treatments." in notes(intervals_sheet(STUDY, rows))


def test_a_method_that_applies_and_fails_now_and_then_is_not_said_to_be_unfit():
    rows = made_rows(["lvm"])
    rows[0] |= {"estimate": None, "applies": False, "note": "not here"}
    assert unfit(STUDY, rows) == []


def test_sentences_about_intervals_name_those_that_fall_short():
    found = findings(STUDY, made_rows())
    assert "The 90 % intervals of lvm hold the population's answer in 75 % of the data sets." in found
    assert about_convergence(STUDY, made_rows()) == [
        "6 of 24 fits of lvm had not converged for some question; they are counted like the others.",
        "6 of 24 fits of lvm misspecified had not converged for some question; they are counted like the others.",
    ]
    wide = findings(STUDY, [{**row, "upper": row["lower"]} for row in made_rows(["lvm"])])
    assert "They hold it more seldom than chance explains at effect, n = 15; effect, n = 60." in wide


def test_intervals_are_judged_by_the_formula_where_data_cannot_tell_the_truth():
    # Errors 0.1, -0.2, 0.4 and -0.5, each ± 0.45: only that of -0.5 holds truth - 0.7.
    study = dataclasses.replace(STUDY, formula=(PopulationValue("effect", TRUTH - 0.7, 0.01),))
    found = line(intervals_sheet(study, made_rows()), "effect", "60", "lvm")
    assert found["hold the population's answer"].startswith("9 of 12")
    assert found["hold the formula's"].startswith("3 of 12")
    # The mean of the four errors is -0.05, from the formula's answer it is 0.65; its standard error is 0.1.
    assert found["verdict"] == "falls short; biased"
    assert found["bias, population"].startswith("-0.050 ± ")
    assert found["bias, formula"].startswith("+0.650 ± ")
    assert findings(study, made_rows(["lvm"]))[1].startswith(
        "With endless rows the graph's formula gives 1.3 ± 0.01 for effect"
    )
    assert found["bias, population"] == line(intervals_sheet(STUDY, made_rows()), "effect", "60", "lvm")["bias"]


@pytest.mark.parametrize("methods", [["lvm"], ["lvm", "plug-in"]])
def test_whatever_was_run_there_are_sentences_about_it(methods):
    assert findings(STUDY, made_rows(methods))

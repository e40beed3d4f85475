"""`Answer` and `Answers`: numbers, intervals, text, HTML, JSON, tables, plots, and the manners of a sequence."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from handmade_answers import answer_of
from latentdo.answers import Answers, one_for_all
from latentdo.answers.ask import ask_all
from latentdo.errors import MissingExtraError, QueryError
from latentdo.query import Query
from latentdo.sheet import number
from posteriors import posterior_of

MODEL = "latent U ~ normal; X ~ normal(U); M ~ normal(X); `<b>Y</b>` ~ normal(M, U)"
ARM = "E[`<b>Y</b>` | do(X=1)]"
CONTRAST = "E[`<b>Y</b>` | do(X=1)] - E[`<b>Y</b>` | do(X=0)]"


@pytest.fixture(scope="module")
def answers() -> Answers:
    posterior = posterior_of(MODEL)
    questions = [("treated", Query.parse(ARM)), ("effect & more", Query.parse(CONTRAST)), (None, Query.parse("E[M]"))]
    return ask_all(posterior, questions, 0, allow_unidentified=False)


@pytest.fixture(scope="module")
def answer(answers: Answers) -> ld.Answer:
    return answers[0]


def test_numbers_of_the_table_stand_to_the_right_in_every_form():
    draws = np.linspace(0.5, 1.5, 1000)
    sheet = Answers((answer_of("E[Y | do(X=1)]", draws), answer_of("E[Y | do(X=0)]", 100 * draws))).sheet()
    right = [column.title for column in sheet.columns if column.is_right]
    assert right == ["mean", "sd", "90 % interval", "MCSE", "R-hat", "ESS"]
    head, *rows = sheet.text().splitlines()
    for title in right:
        end = head.index(title) + len(title)
        assert all(row[end - 1] != " " and row[end] == " " for row in rows[:2])
    assert sheet.html().count('<td class="n w">') == 12


def test_an_answer_is_the_law_of_its_draws(answer):
    draws = answer.draws
    assert answer.mean == draws.mean()
    assert answer.sd == draws.std(ddof=1)
    assert answer.median == np.median(draws)
    assert answer.mcse == pytest.approx(math.sqrt(answer.sd**2 / answer.ess + answer.simulation_error**2), rel=1e-12)
    assert replace(answer, ess=0.0).mcse == math.inf


@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.999])
def test_intervals_are_equal_tailed(answer, level):
    low, high = answer.interval(level)
    n = len(answer.draws)
    assert abs((answer.draws < low).sum() - n * (1 - level) / 2) <= 1
    assert abs((answer.draws > high).sum() - n * (1 - level) / 2) <= 1
    assert isinstance(low, float)
    assert isinstance(high, float)


def test_an_interval_is_90_percent_unless_said(answer):
    assert answer.interval() == answer.interval(0.9)


@pytest.mark.parametrize("level", [0, 1, 90, -0.1, float("nan")])
def test_a_level_lies_between_0_and_1(answer, level):
    with pytest.raises(QueryError) as caught:
        answer.interval(level)
    assert str(caught.value) == f"The level of an interval lies between 0 and 1, got {level}. Write 0.9 for 90 %."


@pytest.mark.parametrize(
    ("rhat", "ess", "converged"),
    [
        (1.0, 400.0, True),
        (1.01, 400.0, True),
        (1.0101, 4000.0, False),
        (1.0, 399.9, False),
        (None, 400.0, True),
        (None, 10.0, False),
    ],
)
def test_a_question_converges_by_rhat_and_effective_draws(answer, rhat, ess, converged):
    judged = replace(answer, rhat=rhat, ess=ess)
    assert judged.converged is converged
    assert str(judged)
    assert f"{judged!r}"


def test_text_has_the_number_its_interval_and_its_standing(answer):
    low, high = answer.interval(0.5)
    text = answer.text(0.5)
    assert text == (
        f"{answer.mean:.2f}  (50 % interval {low:.2f} to {high:.2f})   identified · converged (R-hat {answer.rhat:.2f})\n"
        f"  mean of `<b>Y</b>`, in its units{' · exact: linear-Gaussian' * answer.is_exact}"
    )
    assert str(answer).startswith(f"{answer.mean:.2f}  (90 % interval")
    assert repr(answer) == f"{ARM} = {answer}"
    assert len(repr(answer)) < 200


def test_text_says_what_is_not_well(answer):
    poor = replace(answer, rhat=1.2, warnings=("first thing", "second thing"), tail_index=0.9)
    assert "NOT converged (R-hat 1.20)" in str(poor)
    assert str(poor).startswith(f"median {poor.median:.2f}  (")
    assert str(poor).splitlines()[2:] == ["  caution: first thing", "  caution: second thing"]
    assert f"ESS {answer.ess:.0f}" in str(replace(answer, rhat=None))


def test_a_summary_is_the_row_that_plots_read(answer):
    row = answer.summary(0.5)
    assert (row.label, row.estimate, row.sd, row.level, row.method) == ("treated", answer.mean, answer.sd, 0.5, "lvm")
    assert (row.lower, row.upper) == answer.interval(0.5)
    assert replace(answer, name=None).summary().label == ARM
    assert replace(answer, tail_index=0.71).summary().estimate == answer.median


def test_json_is_plain_and_complete(answer):
    row = answer.to_json()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert row["query"] == ARM
    assert row["name"] == "treated"
    assert row["mean"] == answer.mean
    assert row["interval"] == list(answer.interval())
    assert row["level"] == 0.9
    assert row["identified"] is True
    assert row["warnings"] == []
    assert row["evidence_units"] is None


def test_json_has_null_for_what_is_not_finite(answer):
    broken = replace(answer, rhat=math.inf, ess=0.0)
    row = json.loads(json.dumps(broken.to_json(), allow_nan=False))
    assert row["rhat"] is None
    assert row["mcse"] is None


def test_answers_are_a_sequence_in_the_order_asked(answers):
    assert isinstance(answers, Sequence)
    assert len(answers) == 3
    assert [a.name for a in answers] == ["treated", "effect & more", None]
    assert answers[-1] is answers[2]
    assert isinstance(answers[:2], Answers)
    assert list(answers[:2]) == [answers[0], answers[1]]
    assert answers[1] in answers
    assert answers.index(answers[1]) == 1
    assert next(reversed(answers)) is answers[2]
    with pytest.raises(IndexError):
        answers[3]
    first, *rest = answers
    assert first is answers[0]
    assert len(rest) == 2


def test_the_table_has_a_row_per_answer(answers):
    lines = str(answers).splitlines()
    assert lines[0].split("  ")[0] == "query"
    assert len(lines) == 4
    assert lines[1].startswith(f"treated: {ARM}  ")
    assert lines[3].startswith("E[M]  ")
    assert all(line == line.rstrip() for line in lines)
    assert lines[1].endswith("yes         mean of `<b>Y</b>`, in its units")
    assert repr(answers) == str(answers)
    columns = {line.rindex("yes") for line in lines[1:]}
    assert columns == {lines[0].rindex("identified")}


def test_a_caution_is_printed_once_with_the_answers_that_it_belongs_to(answers):
    items = (
        replace(answers[0], warnings=("shared", "all")),
        replace(answers[1], warnings=("shared", "all")),
        replace(answers[2], warnings=("all",)),
    )
    lines = str(Answers(items)).splitlines()[4:]
    assert lines == ["  caution (treated; effect & more): shared", "  caution: all"]


def test_html_escapes_names_and_cautions(answers):
    bad = Answers((replace(answers[1], warnings=("<script>alert(1)</script>",)), answers[0]))
    html = bad._repr_html_()
    assert "<b>" not in html
    assert "<script>" not in html
    assert "&lt;b&gt;Y&lt;/b&gt;" in html
    assert "effect &amp; more" in html
    assert "caution (effect &amp; more): &lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("<tr>") == 3
    assert answers[0]._repr_html_().count("<tr>") == 2


def test_html_and_text_of_no_answers():
    none = Answers(())
    assert str(none).startswith("query")
    assert "<tbody></tbody>" in none._repr_html_()
    assert none.to_json() == []
    assert len(none.plot().get_yticks()) == 0


def test_a_data_frame_has_a_row_per_answer(answers):
    pytest.importorskip("pandas")
    frame = answers.to_pandas(0.5)
    assert list(frame["name"])[:2] == ["treated", "effect & more"]
    assert list(frame["mean"]) == [a.mean for a in answers]
    assert list(frame["lower"]) == [a.interval(0.5)[0] for a in answers]
    assert list(frame["upper"]) == [a.interval(0.5)[1] for a in answers]
    assert {"query", "sd", "level", "mcse", "rhat", "ess", "identified", "warnings", "median"} <= set(frame.columns)
    assert "interval" not in frame.columns
    two = Answers((replace(answers[0], warnings=("a", "b")),)).to_pandas()
    assert two["warnings"][0] == "a; b"


def test_a_missing_pandas_is_named(answers, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtraError) as caught:
        answers.to_pandas()
    assert str(caught.value) == "to_pandas needs pandas. Install it with: pip install 'latentdo[interop]'"


def test_plots_show_every_answer(answers, tmp_path: Path):
    pytest.importorskip("matplotlib")
    axes = answers.plot()
    drawn = [label.get_text() for panel in axes.figure.axes for label in panel.get_yticklabels()]
    assert drawn == ["treated", "effect & more", "E[M]"]
    assert [panel.get_xlabel() for panel in axes.figure.axes] == [
        "mean of `<b>Y</b>`, in its units",
        "difference in means of `<b>Y</b>`, in its units",
        "mean of M, in its units",
    ]
    with pytest.raises(QueryError, match=r"not into 'answers\.png'\. Save one with"):
        answers.plot("answers.png")
    target = tmp_path / "answers.svg"
    axes.figure.savefig(target)
    assert target.stat().st_size > 1000
    one = answers[0].plot()
    assert len(one.get_yticks()) == 1


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (0.0, 0.0, "0"),
        (1.5, 0.0, "1.5"),
        (1.23456, 0.1, "1.23"),
        (123.456, 21.0, "123"),
        (123456.7, 1e5, "123457"),
        (-0.001, 1.0, "0.0"),
        (-0.0, 0.0, "0"),
        (0.00012345, 2e-5, "0.000123"),
        (5.123456789, 1e-15, "5.12346"),
        (5.12345678912, 3e-10, "5.12345678912"),
        (3.21e-20, 1e-20, "3.2e-20"),
        (1e300, 1e299, "1e+300"),
        (0.0, 1e300, "0"),
        (2.0, math.nan, "2"),
        (math.inf, 1.0, "inf"),
        (math.nan, 1.0, "nan"),
    ],
)
def test_numbers_have_the_digits_that_their_spread_gives_meaning(value, spread, text):
    assert number(value, spread) == text


def test_known_units_are_in_every_form_of_an_answer(answers, tmp_path):
    known = answers[0].posterior.with_units({"<b>Y</b>": "<mm>Hg"})
    counted = Answers((replace(answers[0], posterior=known),))
    (answer,) = counted
    assert str(answer).splitlines()[1].startswith("  mean of `<b>Y</b>`, in <mm>Hg")
    assert answer.summary().unit == answer.to_json()["unit"] == "<mm>Hg"
    assert answer.to_json()["scale"] == "mean of `<b>Y</b>`"
    header, row = counted.to_csv(tmp_path / "a.csv").read_text(encoding="utf8").splitlines()
    assert row.split(",")[header.split(",").index("unit")] == "<mm>Hg"
    assert "in &lt;mm&gt;Hg" in counted._repr_html_() and "<mm>" not in counted._repr_html_()


def test_a_quantile_of_a_discrete_node_is_a_level():
    posterior = posterior_of("X ~ normal; Y ~ bernoulli(X)")
    answer = answer_of("Median[Y | do(X=1)]", [0.0] * 999 + [1.0], posterior, tail_index=0.9)
    assert (answer.point, answer.interval(), answer.mean) == (0.0, (0.0, 0.0), 0.001)
    assert str(answer).startswith("median 0  (90 % interval 0 to 0)")
    assert answer.notes == ("each draw is a level: 0 in 99.9 % of the draws",)
    halves = answer_of("Median[Y | do(X=1)] - Median[Y | do(X=0)]", [0.0, 1.0] * 500, posterior)
    assert halves.point in (0.0, 1.0)
    mean = answer_of("Median[X | do(Y=1)]", [0.0, 1.0] * 500, posterior)
    assert (mean.point, mean.is_median) == (0.5, False)


def test_a_number_needed_to_treat_is_the_difference_turned_over():
    posterior = posterior_of("X ~ bernoulli; Y ~ bernoulli(X)")
    random = np.random.default_rng(3)
    difference = random.normal(0.2, 0.04, 4000)
    answer = answer_of("NNT[Y | X: 0 -> 1]", 1 / difference, posterior)
    low, high = np.quantile(difference, [0.05, 0.95])
    assert answer.interval() == pytest.approx((1 / high, 1 / low))
    assert answer.gap() is None
    assert answer.point == pytest.approx(1 / np.median(difference))
    assert answer.sd == pytest.approx(0.04 / 0.2**2, rel=0.05)
    assert (answer.scale.name, answer.scale.unit) == ("number needed to treat", None)
    assert answer.notes == ("so many units set to X=1 in place of X=0 for one more with Y=1; below 0, for one fewer",)


def test_a_number_needed_to_treat_may_go_through_infinity():
    posterior = posterior_of("X ~ bernoulli; Y ~ bernoulli(X)")
    difference = np.random.default_rng(3).normal(0.02, 0.04, 4000)
    answer = answer_of("NNT[Y | X: 0 -> 1]", 1 / difference, posterior)
    low, high = np.quantile(difference, [0.05, 0.95])
    assert answer.interval() == (-math.inf, math.inf)
    assert answer.gap() == pytest.approx((1 / low, 1 / high))
    # Every draw lies in the interval or in its gap, and a tenth in the gap.
    inside = (answer.draws < answer.gap()[0]) | (answer.draws > answer.gap()[1])
    assert inside.mean() == pytest.approx(0.9, abs=0.001)
    assert answer.to_json()["interval"] == [None, None]
    assert answer.to_json()["gap"] == list(answer.gap())
    assert "90 % interval 12 to ∞, and −∞ to -22" in str(answer)
    assert r"$12$ to $\infty$, and $-\infty$ to $-22$" in answer.latex()
    assert answer.summary().lower is None and "[interval through infinity]" in answer.summary().label
    sure = answer_of("NNT[Y | X: 0 -> 1]", 1 / np.full(400, 0.25), posterior)
    assert (sure.interval(), sure.point) == ((4.0, 4.0), 4.0)
    lower, upper = Answers((answer, sure)[:1]).band()
    assert (lower[0], upper[0]) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("Z ~ normal; X ~ bernoulli(Z); Y ~ normal(X, Z)", True),
        ("Z ~ normal; X ~ bernoulli(Z); Y ~ normal(X, Z, X:Z)", False),
        ("Z ~ normal; X ~ bernoulli(Z); Y ~ bernoulli(X, Z)", False),
        ("latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)", False),
        ("X ~ normal; M ~ normal(X); Y ~ normal(M, X)", False),
    ],
)
def test_one_effect_for_all_units_is_said_of_models_that_leave_out_interactions_with_measured_causes(
    model: str, says: bool
):
    query = Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")
    said = one_for_all(ld.model(model), query.expression)
    assert said == ("no interaction with X: one effect for all units" if says else "")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("Z ~ normal; X ~ bernoulli(Z); M ~ normal(X, Z); Y ~ normal(M, X, Z)", True),
        ("Z ~ normal; X ~ bernoulli(Z); M ~ normal(X, Z); Y ~ normal(M, X, Z, X:Z)", False),
        ("Z ~ normal; X ~ bernoulli(Z); M ~ normal(X, Z); Y ~ normal(M^2, X, Z)", False),
        ("Z ~ normal; X ~ bernoulli(Z); M ~ bernoulli(X, Z); Y ~ normal(M, X, Z)", False),
        ("Z ~ normal; X ~ bernoulli(Z); M ~ normal(X, Z); Y ~ bernoulli(M, X, Z)", False),
        ("X ~ bernoulli; Z ~ normal(X); M ~ normal(X, Z); Y ~ normal(M, X, Z)", False),
    ],
)
def test_an_effect_that_no_subgroup_changes_says_so(model: str, says: bool):
    posterior = posterior_of(model, shape=(2, 50))
    effects = [f"E[Y | do(X=1), Z={z}] - E[Y | do(X=0), Z={z}]" for z in (0, 2)]
    answers = ld.ask(posterior, *effects)
    words = "the same whatever Z is: the model has no interaction"
    assert [any(note.startswith(words) for note in answer.notes) for answer in answers] == [says, says]
    if says:
        assert answers[0].draws == pytest.approx(answers[1].draws)
        assert not ld.ask(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]").notes
    elif "Z ~ normal(X)" not in model:
        assert abs(answers[0].draws - answers[1].draws).max() > 1e-3

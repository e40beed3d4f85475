"""The matrix of effects: what of every pair is asked, what is left blank and why, and how it is shown."""

from __future__ import annotations

import csv
import itertools
import json
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import QueryError, SupportError, UnknownNodeError
from latentdo.types import Effects
from posteriors import Gaussian, posterior_of

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
BOW = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U); B ~ bernoulli(Y)"


@pytest.fixture(scope="module")
def front_door() -> ld.Posterior:
    return posterior_of(FRONT_DOOR, {"X -> M": 0.8, "M -> Y": 0.9})


@pytest.fixture(scope="module")
def bow() -> ld.Posterior:
    return posterior_of(BOW)


def test_every_effect_is_the_contrast_that_ask_gives(front_door):
    effects = ld.ask(front_door, ld.answerable(front_door), seed=3)
    # One sd of the column, half of it to each side of the mean: the columns run from -5 to 5 with an sd of 2.5.
    answer = ld.ask(front_door, "E[Y | do(X=1.25)] - E[Y | do(X=-1.25)]", seed=3)
    effect = effects["X", "Y"]
    assert str(effect.query) == str(answer.query)
    assert effect.estimate == pytest.approx(answer.mean)
    assert effect.interval() == pytest.approx(answer.interval())
    assert effect.unit == "units of Y"
    assert effect.excludes_zero()


def test_effects_of_a_gaussian_model_are_those_in_closed_form(front_door):
    effects = ld.ask(front_door, Effects(levels={"X": (0, 2), "M": (-1, 1)}))
    for x, low, high, y in (("X", 0, 2, "M"), ("X", 0, 2, "Y"), ("M", -1, 1, "Y")):
        ends = [Gaussian(front_door, {x: value}).of(y)[0].mean() for value in (low, high)]
        assert effects[x, y].estimate == pytest.approx(ends[1] - ends[0], abs=1e-6)


def test_what_no_path_leads_to_is_zero_for_certain(front_door):
    effect = ld.ask(front_door, Effects())["Y", "X"]
    assert effect.is_zero
    assert effect.answer is None
    assert (effect.estimate, effect.sd, effect.interval()) == (0.0, 0.0, (0.0, 0.0))
    assert not effect.excludes_zero()
    assert "no path" in str(effect)


def test_what_is_not_identified_is_blank_with_its_reason(bow):
    effects = ld.ask(bow, Effects())
    effect = effects["X", "Y"]
    assert not effect.identified
    assert effect.estimate is None
    assert effect.interval() is None
    assert "Unmeasured causes join X and Y" in effect.reason
    assert "Unmeasured causes join X and Y" in str(effect)
    assert "not identified (X on Y, X on B): Unmeasured" in str(effects)
    assert effects["Y", "B"].estimate is not None


def test_what_is_insisted_upon_is_computed_and_labelled(bow):
    effects = ld.ask(bow, Effects(["X"], ["Y"]), allow_unidentified=True)
    effect = effects["X", "Y"]
    assert effect.estimate is not None
    assert not effect.identified
    assert effect.text().endswith("x")
    assert "rests on the prior" in str(effects)
    assert "NOT nonparametrically identified" in str(effect)


def test_matrix_has_zeros_without_a_path_and_nan_without_a_number(bow):
    effects = ld.ask(bow, Effects())
    matrix = effects.matrix()
    assert effects.treatments == effects.outcomes == ("X", "Y", "B")
    assert np.isnan(matrix[0]).all()
    assert matrix[1, 0] == 0.0
    assert matrix[1, 2] == effects["Y", "B"].estimate
    assert np.isnan(np.diag(matrix)).all()


def test_standardised_effects_are_in_sds_of_the_outcome(front_door):
    plain = ld.ask(front_door, Effects())["X", "Y"]
    scaled = ld.ask(front_door, Effects(standardised=True))["X", "Y"]
    sd = front_door.facts.column("Y").sd
    assert scaled.unit == "sd of Y"
    assert scaled.estimate == pytest.approx(plain.estimate / sd)
    assert scaled.sd == pytest.approx(plain.sd / sd)
    assert scaled.interval(0.5) == pytest.approx([end / sd for end in plain.interval(0.5)])
    assert scaled.to_json()["mcse"] == pytest.approx(plain.to_json()["mcse"] / sd)


def test_levels_go_from_the_first_to_the_last(bow):
    effect = ld.ask(bow, Effects(["B"], ["X"]))["B", "X"]
    assert (effect.low, effect.high) == ((0.0,), (1.0,))


def test_positive_nodes_stay_positive_and_binary_outcomes_are_probabilities():
    model = "A ~ gamma; B ~ bernoulli(A)"
    effects = ld.ask(posterior_of(model, ranges={"A": (0.01, 0.02)}), Effects())
    low, high = effects["A", "B"].low[0], effects["A", "B"].high[0]
    assert 0 < low < high
    assert effects["A", "B"].unit == "probability"


def test_an_end_that_cannot_be_reached_gives_way_to_the_data():
    posterior = posterior_of("A ~ gamma; B ~ normal(A)", ranges={"A": (0.5, 100.0)})
    first, second = posterior.facts.columns
    facts = replace(posterior.facts, columns=(replace(first, mean=2.0, sd=9.0), second))
    effect = ld.ask(replace(posterior, facts=facts), Effects())["A", "B"]
    assert effect.low == (0.5,)
    assert effect.high == (6.5,)


def test_several_nodes_are_set_together(front_door):
    effects = ld.ask(front_door, Effects([("X", "M")], ["Y"], levels={"X": (0, 1), "M": (0, 2)}))
    effect = effects[("M", "X"), "Y"]
    assert str(effect.query) == "E[Y | do(X=1, M=2)] - E[Y | do(X=0, M=0)]"
    assert "X, M  0 to 1, 0 to 2" in effects.to_html()


def test_a_question_without_a_number_does_not_hide_the_others(front_door, monkeypatch):
    from latentdo.answers import effects as module

    ask_all = module.ask_all

    def failing(posterior, queries, seed, **options):
        if any("E[M" in str(query) for _, query in queries):
            raise QueryError("it has no value")
        return ask_all(posterior, queries, seed, **options)

    monkeypatch.setattr(module, "ask_all", failing)
    effects = ld.ask(front_door, Effects())
    assert effects["X", "M"].estimate is None
    assert effects["X", "M"].reason == "it has no value"
    assert effects["X", "Y"].estimate is not None
    assert "no number (X on M): it has no value" in str(effects)
    assert np.isnan(effects.matrix()[0, 1])


def test_a_function_in_the_data_undoes_an_effect(front_door):
    facts = replace(front_door.facts, functional=(("M", ("X",)),))
    effect = ld.ask(replace(front_door, facts=facts), Effects())["X", "Y"]
    assert not effect.identified
    assert effect.estimate is None


REFUSED = [
    (lambda: Effects(levels={"X": 3}), "two different values"),
    (lambda: Effects(levels={"X": (None, 1)}), "numbers or names of levels"),
    (lambda: Effects(3), "treatments= takes names of nodes"),
    (lambda: Effects(levels={"X": (1, 1)}), "two different values per treatment"),
    (lambda: Effects(levels=[1, 2]), "low and high per treatment"),
    (lambda: Effects(outcomes=[("X", "Y")]), "one outcome"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_refuses_questions_that_make_no_sense(make, message):
    with pytest.raises(QueryError, match=message):
        make()


def test_refuses_what_does_not_fit_the_model(front_door):
    for asked, kind, message in (
        (Effects(["Q"]), UnknownNodeError, "'Q'"),
        (Effects(["U"]), QueryError, "latent"),
        (Effects(["X"], levels={"M": (0, 1)}), QueryError, "which is not set"),
        (Effects(levels={"Q": (0, 1)}), UnknownNodeError, "'Q'"),
        (Effects(levels={"X": ("a", "b")}), SupportError, "X"),
        (ld.answerable("X -> M -> Y"), QueryError, "another graph"),
        (ld.answerable(front_door, ["X"], ["Y"], given=["M"]), QueryError, "evidence"),
        (ld.answerable(front_door, ["X"], [("M", "Y")]), QueryError, "one outcome"),
    ):
        with pytest.raises(kind, match=message):
            ld.ask(front_door, asked)
    with pytest.raises(QueryError, match="asked for alone"):
        ld.ask(front_door, Effects(), "E[Y]")  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_refuses_cells_that_are_not_there(front_door):
    effects = ld.ask(front_door, Effects(["X"], ["X", "Y"]))
    for pair, message in ((("M", "Y"), "no effect of M"), (("X", "X"), "cell is empty"), ("XY", "named by")):
        with pytest.raises(QueryError, match=message):
            effects[pair]
    assert len(effects) == 1
    assert [effect.outcome for effect in effects] == ["Y"]


def test_table_text_and_json_say_the_same(bow, tmp_path):
    effects = ld.ask(bow, Effects(["X", "Y"], ["X", "B"]))
    text = str(effects)
    assert text.splitlines()[0] == "Effect of each row on each column, in the outcome's own units."
    for sign in ("* the 90 % interval leaves 0 out", "· no effect", "x not identified"):
        assert sign in text
    assert "* the 50 % interval" in effects.text(0.5)
    # The signs of the legend are those of the cells, in the page too.
    for effect in effects:
        assert f">{effect.text()}<" in effects.to_html()
    rows = json.loads(json.dumps(effects.to_json(0.5), allow_nan=False))["effects"]
    assert [row["level"] for row in rows] == [0.5] * 3
    assert rows[0]["estimate"] is None
    assert rows[0]["reason"]
    found = list(csv.DictReader(effects.to_csv(tmp_path / "effects.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["treatment"], row["outcome"]) for row in found] == [("X", "B"), ("Y", "X"), ("Y", "B")]
    assert found[0]["estimate"] == ""
    assert math.isclose(float(found[2]["estimate"]), effects["Y", "B"].estimate)
    assert "Unmeasured causes" in effects.to_html()


def test_to_pandas_has_a_row_per_effect(bow):
    pytest.importorskip("pandas")
    table = ld.ask(bow, Effects()).to_pandas()
    assert len(table) == 6
    assert {"treatment", "outcome", "low", "high", "estimate", "lower", "upper", "form", "reason"} <= set(table.columns)


def test_many_columns_go_on_below(front_door):
    names = [f"a_node_with_a_long_name_{i}" for i in range(9)]
    chain = "; ".join([f"{names[0]} ~ normal", *(f"{b} ~ normal({a})" for a, b in itertools.pairwise(names))])
    text = str(ld.ask(posterior_of(chain, shape=(2, 10)), Effects([names[0]])))
    lines = text.splitlines()
    assert max(len(line) for line in lines if not line.startswith("  caution")) <= 102
    assert sum("  do " in line for line in lines) > 1


def test_the_picture_shows_numbers_and_blanks(bow, tmp_path):
    pytest.importorskip("matplotlib")
    axes = ld.ask(bow, Effects()).plot()
    texts = {text.get_text(): text for text in axes.texts}
    shown = ld.ask(bow, Effects())["Y", "B"].text().rstrip("*!")
    assert texts[shown].get_fontweight() == "bold"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["X", "Y", "B"]
    hatched = [c for c in axes.collections if c.get_hatch()]
    assert len(hatched[0].get_paths()) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes.figure.savefig(tmp_path / "effects.png", dpi=40)


def test_named_levels_are_asked_by_the_probability_of_the_last(shared_levels):
    effects = ld.ask(shared_levels, Effects(["K"], ["A", "C"], standardised=True))
    assert str(effects["K", "C"].query) == "P(C=high | do(K=5)) - P(C=high | do(K=1))"
    assert effects["K", "C"].unit == "sd of P(C=high)"
    chance = ld.ask(shared_levels, "P(C=high)").mean
    assert effects["K", "C"].outcome_sd == pytest.approx(math.sqrt(chance * (1 - chance)))
    assert "P(C=high)" in str(effects)


@pytest.fixture(scope="module")
def shared_levels() -> ld.Posterior:
    random = np.random.default_rng(2)
    k = random.choice([1, 2, 5], size=200)
    a = random.choice(["low", "high"], size=200)
    c = np.where(random.uniform(size=200) < 0.15 * k, "high", np.where(random.uniform(size=200) < 0.5, "mid", "low"))
    model = "A ~ table(levels=[low, high]); K ~ table(A, levels=[1, 2, 5]); C ~ table(K, levels=[low, mid, high])"
    return ld.fit(model, {"A": a, "K": k, "C": c}, progress=False)


def test_known_units_stand_on_columns_changes_and_effects(front_door):
    posterior = front_door.with_units({"X": "mg/kg", "Y": "<mmHg>"})
    effects = ld.ask(posterior, Effects(["X"], ["M", "Y"], levels={"X": (0, 2)}))
    assert (effects["X", "M"].unit, effects["X", "Y"].unit) == ("units of M", "<mmHg>")
    header, row = str(effects).splitlines()[1:3]
    assert header.split() == ["do", "M", "Y", "(<mmHg>)"]
    assert row.split()[:5] == ["X", "0", "to", "2", "mg/kg"]
    assert str(effects["X", "Y"]).split(": ")[1].split(" ")[1] == "<mmHg>"
    assert [cell["unit"] for cell in effects.to_json()["effects"]] == ["units of M", "<mmHg>"]
    assert ">Y (&lt;mmHg&gt;)</th>" in effects.to_html()
    assert "<mmHg>" not in effects.to_html()


def test_sds_take_the_place_of_units(front_door):
    posterior = front_door.with_units({"X": "mg/kg", "Y": "mmHg"})
    effects = ld.ask(posterior, Effects([("X", "M")], ["Y"], levels={"X": (0, 2), "M": (0, 1)}, standardised=True))
    assert "mmHg" not in str(effects)
    assert "X, M  0 to 2 mg/kg, 0 to 1" in str(effects)
    assert next(iter(effects)).unit == "sd of Y"


def test_a_wide_table_says_that_its_rows_go_on(bow, monkeypatch):
    monkeypatch.setattr("latentdo.answers.effect_matrix.LINE", 20)
    lines = str(ld.ask(bow, Effects(["X", "Y"], ["X", "B"]))).splitlines()
    place = lines.index("  the same rows, further columns:")
    assert lines[place + 1].split() == ["do", "B"]

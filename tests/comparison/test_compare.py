"""`ld.compare`: the model's row is its answer, the rivals' rows are their estimates, and what has no number says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.comparison import method_names
from latentdo.errors import DataError, NotIdentifiedError, QueryError, SpecError, SupportError, UnknownNodeError
from latentdo.estimators import Glm, Ipw, Options, all_methods, estimates
from latentdo.models.study.form import METHODS
from latentdo.query import Query
from latentdo.types import Comparison, ComparisonRow, Models
from posteriors import posterior_of
from shared_fits import FRONT_DOOR, front_door_rows

GRAPH = "X -> M -> Y; X <-> Y"
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
QUICK = {"methods": ["plug-in", "dipw", "aipw"], "replicates": 20}
BACK_DOOR = "Z -> X -> Y; Z -> Y"


def back_door_rows(n: int = 2000, seed: int = 3) -> dict[str, np.ndarray]:
    """Three binary columns; Z confounds."""
    random = np.random.default_rng(seed)
    z = random.uniform(size=n) < 0.4
    x = random.uniform(size=n) < np.where(z, 0.8, 0.3)
    y = random.uniform(size=n) < 0.2 + 0.3 * x + 0.4 * z
    return {"Z": z.astype(float), "X": x.astype(float), "Y": y.astype(float)}


def standardised(rows: dict[str, np.ndarray], x: float) -> float:
    """Σ_z P(Y=1 | x, z) P(z) by relative frequencies."""
    z, treated, y = rows["Z"], rows["X"] == x, rows["Y"]
    return sum(y[treated & (z == level)].mean() * (z == level).mean() for level in (0.0, 1.0))


def test_the_order_is_that_of_the_study_file():
    assert method_names() == METHODS


# --- numbers


def test_a_model_without_interactions_says_that_its_effect_is_one_for_all_units():
    random = np.random.default_rng(2)
    z, x, y = random.normal(size=(3, 60))
    rows = {"Z": z, "X": x + z, "Y": y + x + z}
    said = []
    for parents in ("X, Z", "X, Z, X:Z"):
        posterior = ld.fit(f"Z ~ normal; X ~ normal(Z); Y ~ normal({parents})", rows, ld.Laplace(), check=False)
        found = ld.compare(posterior, EFFECT, methods=["plug-in"], replicates=0)
        said.append(["no interaction with X: one effect for all units" in row.note for row in found])
    assert said == [[True, False], [False, False]]


def test_the_models_row_is_its_answer(front_door):
    found = ld.compare(front_door, EFFECT, seed=3, level=0.8, **QUICK)
    answer = ld.ask(front_door, EFFECT, seed=3)
    row = found.row("lvm")
    assert (row.estimate, row.sd, (row.lower, row.upper)) == (answer.mean, answer.sd, answer.interval(0.8))
    assert row.level == 0.8
    assert row.answer is not None and row.answer.rhat == answer.rhat
    assert row.warnings == answer.warnings
    for words in ("4,000 draws", "R-hat", "MCSE", "trained in"):
        assert words in row.note


def test_the_rivals_rows_are_their_estimates(front_door):
    found = ld.compare(front_door, EFFECT, seed=3, level=0.8, **QUICK)
    methods = [method for method in all_methods() if method.name in QUICK["methods"]]
    alone = estimates(
        front_door.spec.graph,
        front_door.data,
        Query.parse(EFFECT),
        methods=methods,
        options=Options(level=0.8, replicates=20),
        seed=3,
    )
    for each in alone:
        row = found[each.method]
        assert (row.estimate, row.sd, row.lower, row.upper, row.applies, row.note) == (
            *(each.estimate, each.sd, each.lower, each.upper, each.applies, each.note),
        )


def test_methods_agree_with_the_truth_of_the_front_door(front_door):
    found = ld.compare(front_door, EFFECT, methods=["plug-in"], replicates=50)
    for row in found:
        assert row.sd is not None and row.estimate is not None
        assert abs(row.estimate - 0.72) < 4 * row.sd < 0.5


def test_rivals_alone_standardise_by_hand():
    rows = back_door_rows()
    found = ld.compare(
        BACK_DOOR, rows, "E[Y | do(X=1)]", "E[Y | do(X=0)]", methods=["g-formula", "plug-in"], replicates=0
    )
    for part, x in zip(found.parts, (1.0, 0.0), strict=True):
        for row in part:
            # Frequencies are shrunk by a tenth of a row.
            assert row.estimate == pytest.approx(standardised(rows, x), abs=1e-3)


def test_the_same_seed_gives_the_same_numbers():
    first, again, other = (
        ld.compare(GRAPH, front_door_rows(), EFFECT, methods="plug-in", replicates=20, seed=seed) for seed in (1, 1, 2)
    )
    assert first[0].sd == again[0].sd != other[0].sd
    assert first[0].estimate == other[0].estimate


def test_replicates_and_folds_are_handed_on():
    rows = back_door_rows()
    assert ld.compare(BACK_DOOR, rows, EFFECT, methods="plug-in", replicates=0)[0].sd is None
    three, five = (ld.compare(BACK_DOOR, rows, EFFECT, methods="aipw", folds=folds)[0] for folds in (3, 5))
    assert three.estimate != five.estimate


# --- rows


def test_rows_stand_in_the_order_of_the_contract(front_door):
    found = ld.compare(front_door, EFFECT, replicates=5)
    assert isinstance(found, Comparison) and isinstance(found[0], ComparisonRow)
    assert found.methods == method_names() == tuple(row.method for row in found)
    assert [row.method for row in found if row.is_baseline] == ["naive mean", "naive regression"]
    assert all(row.applies or (row.estimate is None and row.note) for row in found)
    assert not found.row("aipw").applies
    assert "no adjustment set" in found.row("aipw").note
    assert found.query == Query.parse(EFFECT)
    assert found.verdict.identified and found.verdict.estimand.text
    assert found.row("plug-in").unit == "units of Y"


def test_an_unknown_row_offers_the_nearest(front_door):
    found = ld.compare(front_door, EFFECT, **QUICK)
    with pytest.raises(QueryError, match="Did you mean 'aipw'"):
        found["aipv"]
    with pytest.raises(QueryError, match="Did you mean 'aipw'"):
        found.row("aipv")


def test_every_minimal_adjustment_set_has_a_row():
    graph = "A -> B -> X -> Y; A -> Y"
    random = np.random.default_rng(0)
    a = random.normal(size=300)
    b = a + random.normal(size=300)
    x = b + random.normal(size=300)
    rows = {"A": a, "B": b, "X": x, "Y": x + a + random.normal(size=300)}
    found = ld.compare(graph, rows, EFFECT, methods="g-formula", adjust="all", replicates=0)
    assert [row.sets["adjustment"] for row in found] == [("A",), ("B",)]
    assert list(found.labels.values()) == ["g-formula {A}", "g-formula {B}"]
    assert len(found["g-formula"]) == 2
    assert found.row("g-formula").sets == {"adjustment": ("A",)}
    assert ld.compare(graph, rows, EFFECT, methods="g-formula", adjust=["B"], replicates=0)[0].sets["adjustment"] == (
        "B",
    )
    with pytest.raises(QueryError, match="no adjustment set"):
        ld.compare(graph, rows, EFFECT, methods="g-formula", adjust=["Y"], replicates=0)
    with pytest.raises(UnknownNodeError, match="'Q' is not a node"):
        ld.compare(graph, rows, EFFECT, adjust=["Q"])
    with pytest.raises(QueryError, match="takes names of nodes, such as"):
        ld.compare(graph, rows, EFFECT, adjust="every")


# --- questions


def test_several_questions_by_name_and_by_text(front_door):
    named = replace(front_door, queries=(("effect", Query.parse(EFFECT)), ("high", Query.parse("P(Y > 1 | do(X=1))"))))
    found = ld.compare(named, **QUICK)
    assert [question.name for question in found.questions] == ["effect", "high"]
    assert [row.method for row in found["high"]] == ["lvm", "plug-in", "aipw", "dipw"]
    assert found["high"].query == Query.parse("P(Y > 1 | do(X=1))")
    assert [row.name for row in found["plug-in"]] == ["effect", "high"]
    only = ld.compare(named, {"half": "effect / 2"}, **QUICK)
    assert only.questions[0].label == "half"
    assert only.row("lvm").estimate == pytest.approx(found["effect"].row("lvm").estimate / 2)
    with pytest.raises(QueryError, match="2 questions here"):
        found.row("lvm")
    with pytest.raises(QueryError, match="2 questions here"):
        _ = found.query


def test_a_sweep_has_rows_for_each_point(front_door):
    found = ld.compare(front_door, "E[Y | do(X)] for X in 0..2 by 1", **QUICK)
    assert found.axes == ("X",)
    assert [dict(question.at)["X"] for question in found.questions] == [0, 1, 2]
    assert len(found) == 3 * 4
    single = ld.compare(front_door, "E[Y | do(X=2)]", **QUICK)
    assert found.parts[2].row("plug-in").estimate == single.row("plug-in").estimate
    assert str(found.query) == "E[Y | do(X)] for X in 0..2 by 1"


def test_a_swept_column_is_a_number_at_all_points_or_at_none():
    # X has the levels 0, 1, 2; half-way between them it can only be a number, and then at 0, 1 and 2 too.
    random = np.random.default_rng(0)
    x = random.integers(0, 3, 200).astype(float)
    rows = {"X": x, "Y": x**2 + random.normal(size=200)}
    found = ld.compare("X -> Y", rows, "E[Y | do(X)] for X in 0..2 by 0.5", methods="naive mean", replicates=0)
    assert all("bandwidth" in row.note for row in found[::2])
    assert all(row.estimate is None and "no row lies near" in row.note for row in found[1::2])
    levels = ld.compare("X -> Y", rows, "E[Y | do(X)] for X in 0..2 by 1", methods="naive mean", replicates=0)
    for row, level in zip(levels, (0, 1, 2), strict=True):
        assert row.estimate == pytest.approx(rows["Y"][x == level].mean())


def test_a_law_has_rows_for_each_level():
    rows = back_door_rows()
    found = ld.compare(BACK_DOOR, rows, "P(Y | do(X=1))", methods="plug-in", replicates=0)
    assert [str(row.query) for row in found] == ["P(Y=0 | do(X=1))", "P(Y=1 | do(X=1))"]
    assert sum(row.estimate for row in found) == pytest.approx(1.0)
    with pytest.raises(QueryError, match="continuous"):
        ld.compare(GRAPH, front_door_rows(), "P(Y | do(X=1))", methods="plug-in")


def test_columns_of_names_are_read():
    rows = back_door_rows()
    rows["X"] = np.where(rows["X"] == 1, "drug", "placebo")
    found = ld.compare(BACK_DOOR, rows, "E[Y | do(X=drug)]", methods="g-formula", replicates=0)
    assert found[0].estimate == pytest.approx(standardised(back_door_rows(), 1.0), abs=1e-3)
    with pytest.raises(SupportError, match="no level dru"):
        ld.compare(BACK_DOOR, rows, "E[Y | do(X=dru)]", methods="g-formula")
    rows["X"] = np.where(np.arange(2000) == 7, "x", back_door_rows()["X"].astype(str))
    with pytest.raises(DataError, match=r"'X' holds numbers, such as 0.0, and other texts, such as 'x'"):
        ld.compare(BACK_DOOR, rows, "E[Y | do(X=1)]", methods="g-formula")


# --- what has no number


def test_names_that_a_model_puts_in_order_are_compared_without_a_fit():
    rows = back_door_rows()
    grade = rows["Y"] + (np.random.default_rng(1).uniform(size=2000) < 0.3)
    names = {**rows, "Y": np.array(["none", "some pain", "bad"])[grade.astype(int)]}
    model = "Z ~ bernoulli; X ~ bernoulli(Z); Y ~ ordinal(X, Z, levels=[none, 'some pain', bad])"
    found = ld.compare(model, names, "P(Y >= 'some pain' | do(X=1))", methods="g-formula", replicates=0)[0]
    plain = ld.compare(BACK_DOOR, {**rows, "Y": grade}, "P(Y >= 1 | do(X=1))", methods="g-formula", replicates=0)[0]
    assert found.estimate == pytest.approx(plain.estimate)
    with pytest.raises(SupportError, match="which have no order"):
        ld.compare(BACK_DOOR, names, "P(Y >= 'some pain' | do(X=1))", methods="g-formula")


def test_what_only_the_model_answers_has_rows_that_say_so(front_door):
    for query, why in (
        ("Var[Y | do(X=1)]", "means and probabilities"),
        ("Quantile[Y, 0.9 | do(X=1)]", "means and probabilities"),
        ("E[Y | do(X ~ normal(0, 1))]", "draws a treatment"),
    ):
        found = ld.compare(front_door, query, **QUICK)
        assert found[0].estimate == ld.ask(front_door, query).mean
        assert all(row.estimate is None and not row.applies and why in row.note for row in found[1:])


def test_a_question_that_rivals_have_no_form_for_does_not_stop_the_others():
    rows, asked = front_door_rows(), {"methods": "plug-in", "replicates": 0}
    others = ("SD[Y | do(X=1)]", "Quantile[Y, 0.5 | do(X=1)]", "E[Y | do(X ~ normal(5, 1))]")
    found = ld.compare(GRAPH, rows, *others, EFFECT, **asked)
    assert found[3].estimate == ld.compare(GRAPH, rows, EFFECT, **asked)[0].estimate
    for row, why in zip(found, ("a standard deviation is", "a quantile is", "draws a treatment"), strict=False):
        assert row.estimate is None and not row.applies and why in row.note and "Median" not in row.note
    for query in others:
        with pytest.raises(QueryError, match="There is nothing to compare"):
            ld.compare(GRAPH, rows, query)


def test_a_row_that_is_another_one_says_so():
    found = ld.compare("X -> Y", back_door_rows(), EFFECT, methods=["plug-in", "g-formula", "aipw"], replicates=20)
    same = found["g-formula"].estimate == pytest.approx(found["plug-in"].estimate, rel=1e-12)
    assert same and found["g-formula"].note.startswith("here the same as plug-in; ")
    assert "same as" not in found["aipw"].note


def test_values_that_no_row_has_leave_the_model_alone():
    model = "X ~ categorical(levels=[1, 2, 3]); Y ~ normal(X)"
    random = np.random.default_rng(0)
    rows = {"X": random.integers(1, 3, 60).astype(float), "Y": random.normal(size=60)}
    posterior = posterior_of(model)
    columns = tuple((name, rows[name]) for name in ("X", "Y"))
    data = replace(handmade("X ~ normal; Y ~ normal(X)").data, columns=columns, weights=np.ones(60))
    posterior = replace(posterior, data=data, facts=type(posterior.facts).of(data))
    found = ld.compare(posterior, "E[Y | do(X=3)]", methods="plug-in")
    assert found[0].estimate is not None
    assert found[1].estimate is None and "No row has X = 3" in found[1].note


def test_a_question_that_is_not_identified_is_refused_before_anything_is_computed():
    bow = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)"
    posterior = handmade(bow)
    with pytest.raises(NotIdentifiedError) as caught:
        ld.compare(posterior, "E[Y]", "E[Y | do(X=1)]")
    assert not caught.value.verdict.identified
    with pytest.raises(NotIdentifiedError, match="rows without numbers"):
        ld.compare("X -> Y; X <-> Y", posterior.data, "E[Y | do(X=1)]")
    found = ld.compare(posterior, "E[Y | do(X=1)]", allow_unidentified=True, methods="plug-in")
    assert found[0].estimate is not None and not found[0].identified
    assert found[0].note.startswith("NOT nonparametrically identified") and found[0].warnings
    assert found[1].estimate is None and found[1].note.startswith("not identified")
    blank = ld.compare("X -> Y; X <-> Y", posterior.data, "E[Y | do(X=1)]", allow_unidentified=True)
    assert len(blank) == 14 and all(row.estimate is None and "not identified" in row.note for row in blank)


def test_a_mediator_that_is_a_function_of_the_treatment_is_no_front_door():
    rows = front_door_rows(100)
    exact = {**rows, "M": 2 * rows["X"]}
    model = "latent U ~ normal; X ~ normal(U); M ~ linear(X); Y ~ normal(M, U)"
    with pytest.raises(NotIdentifiedError, match="M is a function of X"):
        ld.compare(model, exact, EFFECT)
    # The graph alone does not know, and its front door would give a number.
    found = ld.compare(model, exact, EFFECT, allow_unidentified=True, methods="plug-in")
    assert found[0].estimate is None and "M is a function of X" in found[0].note


# --- tables


def test_a_loaded_fit_asks_for_its_rows(tmp_path):
    posterior = handmade()
    loaded = ld.load(posterior.save(tmp_path / "fit.ldo"))
    with pytest.raises(DataError, match=r'data="data\.csv"'):
        ld.compare(loaded, EFFECT)
    rows = dict(posterior.data.columns)
    asked = {"methods": "plug-in", "replicates": 5}
    first, second, third = (
        ld.compare(loaded, EFFECT, data=rows, **asked),
        ld.compare(loaded, rows, EFFECT, **asked),
        ld.compare(posterior, EFFECT, **asked),
    )
    assert first.to_json()[1]["estimate"] == second.to_json()[1]["estimate"] == third.to_json()[1]["estimate"]
    with pytest.raises(QueryError, match="given twice"):
        ld.compare(loaded, rows, EFFECT, data=rows)


def test_other_rows_than_those_of_training_are_refused():
    posterior = handmade()
    rows = dict(posterior.data.columns)
    asked = {"methods": "plug-in", "replicates": 0}
    with pytest.raises(DataError, match=r"29 rows, and the fit has 30"):
        ld.compare(posterior, EFFECT, data={name: values[:-1] for name, values in rows.items()}, **asked)
    with pytest.raises(DataError, match=r"not the rows that the fit was trained on: the column 'M'"):
        ld.compare(posterior, EFFECT, data={**rows, "M": rows["M"] * 1.0001}, **asked)
    turned = ld.compare(posterior, EFFECT, data={name: values[::-1] for name, values in rows.items()}, **asked)
    assert turned[1].estimate == pytest.approx(ld.compare(posterior, EFFECT, **asked)[1].estimate, rel=1e-6)


def test_rows_whose_columns_were_shuffled_apart_are_other_rows(tmp_path):
    posterior = handmade()
    rows = dict(posterior.data.columns)
    asked = {"methods": "plug-in", "replicates": 0}
    apart = {**rows, "M": np.roll(rows["M"], 1)}
    for fit in (posterior, ld.load(posterior.save(tmp_path / "fit.ldo", data=False))):
        with pytest.raises(DataError, match="other rows have them together"):
            ld.compare(fit, EFFECT, data=apart, **asked)
        # As another program may write and read them, in another order, with a column more.
        again = {name: np.nextafter(values, np.inf)[::-1] for name, values in reversed(rows.items())}
        found = ld.compare(fit, EFFECT, data={**again, "more": np.arange(30)}, **asked)
        assert "digest" not in str(found[0].warnings)
    # What an older version saved says too little to tell.
    older = replace(posterior, data=None, facts=replace(posterior.facts, rows_digest=None))
    assert "digest" in ld.compare(older, EFFECT, data=apart, **asked)[0].warnings[-1]


def test_a_column_that_is_missing_is_named_and_one_that_is_not_needed_is_not():
    rows = front_door_rows()
    with pytest.raises(DataError, match="'M'"):
        ld.compare(GRAPH, {name: rows[name] for name in ("X", "Y")}, EFFECT, methods="plug-in")
    found = ld.compare(f"{GRAPH}; Y -> After", rows, EFFECT, methods="plug-in", replicates=0)
    assert found[0].estimate == ld.compare(GRAPH, rows, EFFECT, methods="plug-in", replicates=0)[0].estimate
    with pytest.raises(DataError, match="There is no data"):
        ld.compare(GRAPH, None, EFFECT)


def test_a_latent_outcome_is_refused_as_it_is_by_ask(front_door):
    for subject in ((front_door,), (front_door.spec.graph, front_door.data)):
        with pytest.raises(QueryError, match="'U' is latent and cannot be an outcome"):
            ld.compare(*subject, "E[U | do(X=1)]")
    with pytest.raises(QueryError, match="nothing to ask"):
        ld.compare(GRAPH, front_door_rows())


# --- methods and models


def test_a_study_says_which_rivals(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        f"model: |\n  {FRONT_DOOR}\ndata: data.csv\nunits:\n  Y: mmHg\nqueries:\n  effect: {EFFECT}\ncompare: [plug-in, dipw]\n"
    )
    rows = front_door_rows(60)
    lines = [",".join(rows), *(",".join(map(str, row)) for row in zip(*rows.values(), strict=True))]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    found = ld.compare(path, replicates=5)
    assert found.methods == ("naive mean", "naive regression", "plug-in", "dipw")
    assert found[0].name == "effect" and found[0].unit == "mmHg"
    path.write_text(path.read_text().replace("[plug-in, dipw]", "[lvm, plug-in, dipw]"))
    assert ld.compare(path, replicates=5).methods == found.methods, "the model is named before it is trained"
    assert ld.compare(path, "effect", methods=["tmle", "naive mean"], replicates=5).methods == ("naive mean", "tmle")
    posterior = replace(handmade(), compare=("dipw",))
    kept = ld.load(posterior.save(tmp_path / "fit.ldo", data=True))
    assert kept.compare == ("dipw",)
    assert ld.compare(kept, replicates=5).methods == ("lvm", "naive mean", "naive regression", "dipw")


def test_methods_by_value_and_by_wrong_name(front_door):
    rows = back_door_rows()
    found = ld.compare(BACK_DOOR, rows, EFFECT, methods=["plug-in", Ipw(normalised=False)], replicates=0)
    assert found.methods == ("plug-in", "ipw")
    assert found.row("ipw").estimate != ld.compare(BACK_DOOR, rows, EFFECT, methods="ipw", replicates=0)[0].estimate
    assert ld.compare(front_door, EFFECT, methods=["lvm"]).methods == ("lvm",)
    for methods, message in (
        ("aip", "Did you mean 'aipw'"),
        (["ipw", "ipw"], "listed twice"),
        ([3], "A method is a name"),
        (["lvm"], "no trained one here"),
    ):
        with pytest.raises(QueryError, match=message):
            ld.compare(BACK_DOOR, rows, EFFECT, methods=methods)


def test_models_of_ones_own():
    from sklearn.linear_model import LogisticRegression

    rows = back_door_rows(400)
    plain, wrong, foreign = (
        ld.compare(BACK_DOOR, rows, EFFECT, methods="ipw", models=models, replicates=0)[0].estimate
        for models in (None, Models(seen={"X": ()}), LogisticRegression())
    )
    # Without Z among its causes X is as if drawn by lot, and weighting changes nothing.
    seen = rows["Y"][rows["X"] == 1].mean() - rows["Y"][rows["X"] == 0].mean()
    assert wrong == pytest.approx(seen, abs=1e-6)
    assert foreign == pytest.approx(plain, abs=0.02)
    assert ld.compare(BACK_DOOR, rows, EFFECT, methods="ipw", models=Glm(degree=1), replicates=0)[0].estimate != wrong
    with pytest.raises(QueryError, match="takes a learner such as"):
        ld.compare(BACK_DOOR, rows, EFFECT, models="boosted")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"level": 2}, QueryError),
        ({"replicates": -1}, QueryError),
        ({"folds": 1}, QueryError),
        ({"seed": -1}, SpecError),
    ],
)
def test_options_that_make_no_sense_are_refused(options, error):
    with pytest.raises(error):
        ld.compare(BACK_DOOR, back_door_rows(), EFFECT, **options)


def test_a_fit_that_has_not_converged_says_so():
    posterior = handmade(n_draws=6)
    found = ld.compare(posterior, EFFECT, methods="plug-in", replicates=0)
    assert not found.converged
    assert any("did not converge" in words for words in found[0].warnings)
    assert "[not converged]" in found[0].summary.label


def test_progress_is_told_on_stderr(capsys):
    ld.compare(BACK_DOOR, back_door_rows(), EFFECT, methods="plug-in", replicates=0, progress=True)
    captured = capsys.readouterr()
    assert captured.out == "" and "rivals: E[Y | do(X=1)] - E[Y | do(X=0)] done in" in captured.err


@pytest.mark.parametrize("effect", [0.0, 2.0])
def test_a_number_needed_to_treat_is_compared_as_the_difference_turned_over(effect: float):
    random = np.random.default_rng(2)
    z = random.normal(size=300)
    x = (random.uniform(size=300) < 1 / (1 + np.exp(-z))).astype(int)
    y = (random.uniform(size=300) < 1 / (1 + np.exp(-z - effect * x))).astype(int)
    graph, rows = "Z -> X -> Y; Z -> Y", {"Z": z, "X": x, "Y": y}
    difference, needed = (
        ld.compare(graph, rows, f"{word}[Y | X: 0 -> 1]", methods=["g-formula", "aipw"], replicates=40)
        for word in ("RD", "NNT")
    )
    for one, other in zip(difference, needed, strict=True):
        assert other.estimate == pytest.approx(1 / one.estimate)
        assert other.sd == pytest.approx(one.sd / one.estimate**2)
        if one.lower > 0:
            assert (other.lower, other.upper) == pytest.approx((1 / one.upper, 1 / one.lower))
        else:
            assert (other.lower, other.upper) == (None, None)
            assert other.note.startswith(f"interval {1 / one.upper:.0f} to ∞, and −∞ to {1 / one.lower:.0f}; ")
    assert {row.lower is None for row in needed} == {effect == 0}

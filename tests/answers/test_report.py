"""`ld.check`: verdicts and columns before anything is trained."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld
from latentdo.answers import check_model
from latentdo.errors import DataError, QueryError, SpecError
from latentdo.models import ModelSpec
from latentdo.query import Query
from latentdo.tables import Dataset

MODEL = "latent U ~ normal; X ~ normal(U); M ~ bernoulli(X); Y ~ normal(M, U)"
QUESTIONS = (("effect", "E[Y | do(X=1)]"), ("E[M]", "E[M]"))


def rows(n: int = 60, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    u, x = random.normal(size=(2, n))
    m = (random.uniform(size=n) < 1 / (1 + np.exp(-x))).astype(float)
    return {"X": x + u, "M": m, "Y": m + u + random.normal(size=n)}


def data(**changes: np.ndarray) -> Dataset:
    columns = {**rows(), **changes}
    return Dataset(tuple(columns.items()), np.ones(60), ignored=("site", "sex"), unread=("U",), source="trial.csv")


def check(model: str = MODEL, questions=QUESTIONS, table: Dataset | None = None):
    return check_model(ModelSpec.parse(model), [(name, Query.parse(text)) for name, text in questions], table)


def test_without_data_there_are_verdicts_alone():
    report = check()
    assert report.identified
    assert report.columns == ()
    assert report.n_rows is None
    assert str(report) == (
        "model: 3 measured nodes, 1 never measured (U)\n"
        "effect:\n"
        "  Identified: E[Y | do(X=1)] = Σ_M P(M | X=1) Σ_X' E[Y | M, X'] P(X')\n"
        "  Identified: E[M] = E[M]"
    )
    assert repr(report) == str(report)


def test_what_the_data_show_to_be_a_function_decides_the_verdict():
    model = MODEL.replace("M ~ bernoulli", "M ~ normal")
    assert check(model, table=data()).identified
    report = check(model, table=data(M=2 * rows()["X"] + 1))
    assert report.functional == (("M", ("X",)),)
    assert [verdict.identified for _, verdict in report.verdicts] == [False, True]
    assert "functional dependence: M is a function of X" in str(report)
    assert "  M is a function of X: verdicts treat it as one" in str(report)
    assert report.to_json()["functional"] == {"M": ["X"]}
    assert report.to_json()["verdicts"][0]["hedge"] == [["X", "Y"], ["Y"]]
    # Nothing can be decided here, so that there is no hedge either.
    report = check(model, [("held", "E[Y | do(M=1), X=0]")], data(M=2 * rows()["X"] + 1))
    assert report.to_json()["verdicts"][0]["hedge"] is None


def test_a_linear_node_decides_without_data():
    report = check("latent U ~ normal; X ~ normal(U); M ~ linear(X); Y ~ normal(M, U)")
    assert not report.identified
    assert report.functional == (("M", ("X",)),)


def test_a_question_that_is_not_identified_is_reported_not_raised():
    report = check("X ~ normal; Y ~ normal(X); X <-> Y", [("effect", "E[Y | do(X=1)]"), ("seen", "E[Y | X=1]")])
    assert not report.identified
    assert [verdict.identified for _, verdict in report.verdicts] == [False, True]
    assert "Not identified: E[Y | do(X=1)]" in str(report)
    assert "never measured (X<->Y.1)" in str(report)
    row, other = report.to_json()["verdicts"]
    assert row["name"] == "effect"
    assert row["identifiable"] is False
    assert row["estimand"] is None
    assert row["hedge"] == [["X", "Y"], ["Y"]]
    assert other["identifiable"] is True
    assert other["estimand"] == "E[Y | X=1]"
    assert other["hedge"] is None


def test_columns_are_described_beside_their_families():
    report = check(table=data())
    lines = str(report).splitlines()
    start = lines.index("data: 60 rows")
    summary = data().summary("X")
    assert lines[start + 1].startswith(f"  X  normal     mean {summary.mean:.4g}, sd {summary.sd:.4g}, ")
    assert lines[start + 2].startswith("  M  bernoulli  mean ")
    assert lines[start + 4 :] == [
        "  columns that no node names, ignored: site, sex",
        "  columns with a latent's name, never read: U",
    ]
    assert report.n_rows == 60
    assert [column.name for column in report.columns] == ["X", "M", "Y"]


def test_json_is_plain():
    report = check(table=data())
    row = report.to_json()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert row["measured"] == ["X", "M", "Y"]
    assert row["latent"] == ["U"]
    assert row["n_rows"] == 60
    assert set(row["columns"]) == {"X", "M", "Y"}
    assert row["ignored"] == ["site", "sex"]
    assert row["unread"] == ["U"]


def test_cautions_are_told():
    report = replace(check(table=data()), cautions=("Y is nearly a function of M.",))
    assert str(report).endswith("  caution: Y is nearly a function of M.")


def test_a_table_that_cannot_have_come_from_the_model_is_refused():
    with pytest.raises(DataError, match="Column M is declared bernoulli, whose values are 0 and 1"):
        check(table=data(M=np.arange(60.0)))


def test_a_senseless_question_is_refused():
    with pytest.raises(QueryError, match="'U' is latent and cannot be set"):
        check(questions=[("odd", "E[Y | do(U=1)]")])


def test_html_is_escaped():
    report = check("`<b>` ~ normal; Y ~ normal(`<b>`)", [("<i>", "E[Y | do(`<b>`=1)]")])
    html = report._repr_html_()
    assert "<section>" in html
    assert "<b>`" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;" in html


def test_the_verb_takes_text_and_a_table():
    report = ld.check(MODEL, {**rows(), "site": np.ones(60)})
    assert report.n_rows == 60
    assert report.verdicts == ()
    assert report.identified
    assert report.ignored == ("site",)
    assert ld.check(ModelSpec.parse(MODEL)).n_rows is None


def test_units_stand_beside_the_nodes(tmp_path):
    path = tmp_path / "trial.yaml"
    path.write_text(
        "model: |\n  X ~ normal; `a dose` ~ normal(X); A ~ categorical(X)\nunits: {a dose: mg/kg, X: mm<Hg>}\n",
        encoding="utf8",
    )
    table = {"X": [1.0, 2.0, 4.0], "a dose": [0.5, 0.25, 1.5], "A": ["a", "b", "a"]}
    report = ld.check(path, table)
    lines = str(report).splitlines()
    assert lines[:2] == ["model: 3 measured nodes", "  units: X in mm<Hg>; `a dose` in mg/kg"]
    assert "  X       normal       mean 2.333, sd 1.528, 1 to 4 mm<Hg>" in lines
    assert any(line.startswith("  A ") and line.endswith("  a 2, b 1") for line in lines)
    assert report.to_json()["units"] == {"X": "mm<Hg>", "a dose": "mg/kg"}
    assert "1 to 4 mm&lt;Hg&gt;" in report._repr_html_()
    assert ld.check("X ~ normal").to_json()["units"] == {}


def test_only_the_column_may_tell_that_a_node_has_no_unit(tmp_path):
    path = tmp_path / "trial.yaml"
    path.write_text("model: X ~ normal; A ~ categorical(X)\nunits: {A: kg}\n", encoding="utf8")
    assert ld.check(path, {"X": [1.0, 2.0, 4.0], "A": [1, 2, 1]}).units == (("A", "kg"),)
    with pytest.raises(SpecError, match=r"levels of A are names \(a, b\): it has no unit"):
        ld.check(path, {"X": [1.0, 2.0, 4.0], "A": ["a", "b", "a"]})


def test_of_named_levels_each_is_counted():
    table = {"Sex": ["male", "female", "male", "male"], "Dose": [0, 2, 1, 2], "Y": [0.5, 1.0, -1.0, 2.0]}
    model = "Sex ~ categorical; Dose ~ categorical(Sex, levels=[0, 1, 2]); Y ~ normal(Dose)"
    report = ld.check(model, table)
    assert report.counts == (("Sex", (("female", 1), ("male", 3))),)
    assert "Sex   categorical  female 1, male 3\n" in str(report)
    assert "Dose  categorical  mean 1.25, sd" in str(report)
    assert report.to_json()["counts"] == {"Sex": {"female": 1, "male": 3}}
    declared = ld.check("Sex ~ categorical(levels=[male, female, other]); Y ~ normal(Sex)", table)
    assert "male 3, female 1, other 0" in str(declared)


def test_of_many_levels_some_are_shown():
    names = [f"city{k:02}" for k in range(15)]
    report = ld.check("City ~ categorical; Y ~ normal(City)", {"City": names * 2, "Y": np.arange(30.0)})
    assert "city00 2, city01 2" in str(report)
    assert "city11 2, … (15 levels in all)" in str(report)
    assert len(report.to_json()["counts"]["City"]) == 15

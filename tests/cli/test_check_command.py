"""`latentdo check`: verdicts and columns before anything is trained."""

from __future__ import annotations

import numpy as np

import latentdo as ld
from handmade_fits import handmade


def test_says_that_a_study_is_ready(command, study):
    result = command("check", study)
    assert result.code == 0
    assert "model: 3 measured nodes, 1 never measured (U)" in result.out
    assert "Identified: P(Y > 1 | do(X=1))" in result.out
    assert "data: 40 rows" in result.out
    assert result.err == ""


def test_prints_the_report_as_an_object(command, study):
    report = command("check", study, "--json").json
    assert report["n_rows"] == 40
    assert list(report["columns"]) == ["X", "M", "Y"]
    assert [row["identifiable"] for row in report["verdicts"]] == [True, True]


def test_reads_the_table_of_the_command_line(command, study, tmp_path):
    (tmp_path / "other.csv").write_text("X,M,Y,site\n1,2,3,a\n2,4,1,b\n3,3,2,a\n", encoding="utf-8")
    report = command("check", study, "other.csv", "--json").json
    assert report["n_rows"] == 3
    assert report["ignored"] == ["site"]


def test_says_that_the_data_are_not_there_yet(command, study, tmp_path):
    (tmp_path / "data.csv").unlink()
    result = command("check", study)
    assert result.code == 0
    assert "data.csv does not exist yet, so no column was checked" in result.err
    assert command("check", study, "data.csv").code == 2


def test_a_query_that_is_not_identified_is_exit_code_3(command, tmp_path):
    (tmp_path / "bow.yaml").write_text(
        "model: |\n  X ~ normal\n  Y ~ normal(X)\n  X <-> Y\nqueries: ['E[Y | do(X=1)]']\n"
    )
    result = command("check", "bow.yaml", "--json")
    assert result.code == 3
    assert result.json["verdicts"][0]["hedge"] == [["X", "Y"], ["Y"]]
    (tmp_path / "bad.csv").write_text("X,Y\n1,2\n1,3\n")
    assert command("check", "bow.yaml", "bad.csv").code == 2, "bad input comes first"


def test_takes_the_text_of_a_model(command, study):
    result = command("check", "-", "data.csv", stdin=b"X ~ normal\nY ~ normal(X)\n")
    assert result.code == 0
    assert "columns that no node names, ignored: M" in result.out


def test_sets_the_priors_beside_the_columns(command, study, tmp_path):
    result = command("check", study, "--prior", "--seed", "3")
    assert result.code == 0
    assert "Under the priors alone (1,000 draws of all parameters" in result.out
    found = command("check", study, "--prior", "--seed", "3", "--json").json["prior"]
    assert [row["node"] for row in found["nodes"]] == ["X", "M", "Y"]
    assert command("check", study, "--json").json["prior"] is None
    assert command("check", study, "--prior", "--json").json["prior"] != found, "another seed, other draws"
    (tmp_path / "data.csv").unlink()
    assert command("check", study, "--prior").code == 2


VARIANTS = """\
model: |
  latent U ~ normal
  X ~ normal(U)
  M ~ normal(X)
  Y ~ normal(M, U)
queries:
  effect: E[Y | do(X=1)]
  through: E[Y | do(M=1)]
variants:
  split: {split: {U: [A, B]}}
  hidden: {hide: [M]}
"""


def test_tells_what_the_variants_change(command, tmp_path):
    (tmp_path / "v.yaml").write_text(VARIANTS)
    result = command("check", "v.yaml")
    assert result.code == 0, "verdicts of variants are told, and are no failure"
    assert "variants:\n  split: same projection" in result.out
    assert [row["name"] for row in command("check", "v.yaml", "--json").json["variants"]] == ["split", "hidden"]


def test_checks_a_variant_in_place_of_the_model(command, tmp_path):
    (tmp_path / "v.yaml").write_text(VARIANTS)
    assert "3 measured nodes, 2 never measured (A, B)" in command("check", "v.yaml", "--variant", "split").out
    hidden = command("check", "v.yaml", "--variant", "hidden")
    assert hidden.code == 3
    assert "the query through cannot be asked of the variant hidden" in hidden.err
    assert "v has no variant 'spilt'. Did you mean 'split'" in command("check", "v.yaml", "--variant", "spilt").err


def test_a_function_in_the_data_can_undo_a_verdict(command, study, tmp_path):
    rows = [f"{x},{2 * x + 1},{(-1) ** x + x}" for x in range(12)]
    (tmp_path / "exact.csv").write_text("\n".join(["X,M,Y", *rows]), encoding="utf-8")
    result = command("check", study, "exact.csv")
    assert result.code == 3
    assert "functional dependence: M is a function of X" in result.out
    assert "caution: M is an exact function of X in these data" in result.out
    assert command("check", study, "exact.csv", "--json").json["functional"] == {"M": ["X"]}


def test_checks_the_model_of_a_saved_fit_and_a_table_against_it(command, bow_fit, tmp_path):
    result = command("check", bow_fit)
    assert result.code == 0
    assert result.out.startswith("model: 2 measured nodes, 1 never measured (U)")
    (tmp_path / "new.csv").write_text("X,Y\n1,2\n2,4\n3,3\n", encoding="utf-8")
    assert command("check", bow_fit, "new.csv", "--json").json["n_rows"] == 3
    result = command("check", bow_fit, "--variant", "other")
    assert result.code == 2
    assert "--variant other names a variant of a study, and this is no study file." in result.err


def test_checks_what_the_study_of_a_fit_asks_and_the_rows_that_it_holds(command, tmp_path):
    fit = handmade()
    fit.save(tmp_path / "fit.ldo", data=True)
    report = command("check", "fit.ldo", "--json").json
    assert [row["name"] for row in report["verdicts"]] == [name for name, _ in fit.queries]
    assert report["n_rows"] == fit.facts.n_rows


def test_a_saved_fit_that_is_not_there_is_named(command):
    result = command("check", "nowhere.ldo")
    assert result.code == 2
    assert "nowhere.ldo: there is no such file." in result.err


def chain_table(tmp_path, edge):
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 200))
    b += a
    c += b + edge * a
    table = "\n".join(["A,B,C", *(f"{x:.6f},{y:.6f},{z:.6f}" for x, y, z in zip(a, b, c, strict=True))])
    (tmp_path / "rows.csv").write_text(table, encoding="utf-8")


def test_a_graph_is_checked_against_rows(command, tmp_path):
    chain_table(tmp_path, edge=0.0)
    result = command("check", "A -> B -> C", "rows.csv", "--strict")
    assert result.code == 0
    assert result.out.startswith("no misfit found: 1 check on 200 rows, none fails")


def test_a_graph_that_is_contradicted_is_exit_code_5_if_it_is_strict(command, tmp_path):
    chain_table(tmp_path, edge=1.0)
    line = ("check", "A -> B -> C", "rows.csv", "E[C | do(A=1)]")
    assert command(*line).code == 0
    result = command(*line, "--strict")
    assert result.code == 5
    assert "A ⊥⊥ C | B" in result.out
    assert command(*line, "--json").json["word"] == "contradicted"


def test_the_check_of_a_graph_is_written_in_every_form(command, tmp_path):
    chain_table(tmp_path, edge=1.0)
    for name, begin in (
        ("a.html", b"<!doctype html>"),
        ("a.tex", b"\\begin{tabular}"),
        ("a.csv", b"layer,"),
        ("a.png", b"\x89PNG"),
    ):
        assert command("check", "A -> B -> C", "rows.csv", "-o", name).code == 0
        assert (tmp_path / name).read_bytes().startswith(begin)


def test_what_belongs_to_a_graph_is_refused_of_a_model(command, study, tmp_path):
    chain_table(tmp_path, edge=1.0)
    result = command("check", study, "--strict")
    assert result.code == 2
    assert "--strict belongs to the check of a graph" in result.err
    assert "A graph is checked against rows" in command("check", "A -> B -> C").err
    assert "a graph has no priors" in command("check", "A -> B -> C", "rows.csv", "--prior").err


def test_prints_the_check_of_a_fit_and_is_strict_where_asked(command, tmp_path):
    random = np.random.default_rng(1)
    z = random.normal(size=300)
    x = z**2 + random.normal(size=300)
    columns = {"Z": z, "X": x, "Y": 0.5 * x + z**2 + random.normal(size=300)}
    ld.fit("Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)", columns, progress=False).save(tmp_path / "bent.ldo")
    lines = [",".join(columns), *(",".join(map(repr, map(float, row))) for row in zip(*columns.values(), strict=True))]
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    contrast = "E[Y | do(X=1)] - E[Y | do(X=0)]"
    assert command("check", "bent.ldo", "rows.csv", contrast).out.startswith("misfit moves the answer")
    result = command("check", "bent.ldo", "rows.csv", contrast, "--strict", "--json")
    assert result.code == 5
    assert {"word", "queries", "rows"} <= set(result.json)
    assert result.json["queries"][0]["word"] == "misfit moves the answer"
    assert command("check", "bent.ldo", "rows.csv", contrast, "--tolerance", "50", "--strict").code == 0
    assert "belongs to the check of a graph" in command("check", "bent.ldo", "rows.csv", "--every").err

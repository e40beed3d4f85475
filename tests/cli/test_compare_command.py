"""`latentdo compare`: a saved fit or a graph beside its rivals, for people, for programs, as files."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.tables import read_table
from shared_fits import front_door_rows

GRAPH = "X -> M -> Y; X <-> Y"
QUERY = "E[Y | do(X=1)]"
QUICK = ("--methods", "plug-in,dipw", "--replicates", "5")
FIELDS = [
    "query",
    "name",
    "method",
    "estimate",
    "sd",
    "lower",
    "upper",
    "level",
    "seconds",
    "applies",
    "note",
    "warnings",
]


def write(path: Path, rows: dict[str, np.ndarray]) -> Path:
    """The columns as CSV."""
    lines = [",".join(rows), *(",".join(repr(float(cell)) for cell in row) for row in zip(*rows.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path) -> Path:
    return write(tmp_path / "data.csv", front_door_rows(60))


@pytest.fixture
def fit(tmp_path) -> Path:
    """A fit without rows, whose chains are too short, and beside it the table that it was trained on."""
    posterior = handmade()
    write(tmp_path / "trial.csv", dict(posterior.data.columns))
    return posterior.save(tmp_path / "fit.ldo")


@pytest.mark.parametrize("typed", ["data.csv", "./data.csv"])
def test_never_writes_over_what_it_reads(command, table, monkeypatch, typed):
    monkeypatch.chdir(table.parent)
    before = table.read_bytes()
    result = command("compare", GRAPH, "data.csv", QUERY, *QUICK, "--csv", typed)
    assert result.code == 2 and "is what the rows or questions are read from" in result.err
    assert table.read_bytes() == before


def test_prints_the_table_of_python(command, table):
    result = command("compare", GRAPH, table, QUERY, *QUICK, "--seed", 3)
    found = ld.compare(GRAPH, table, QUERY, methods=["plug-in", "dipw"], replicates=5, seed=3)
    assert result.code == 0 and result.err == ""
    # Seconds differ from call to call.
    words = [[line.split()[:2] for line in text.splitlines()] for text in (result.out.rstrip("\n"), found.text())]
    assert words[0] == words[1]


def test_prints_the_fields_of_the_contract(command, fit):
    result = command("compare", fit, "trial.csv", QUERY, *QUICK, "--level", "0.8", "--json")
    rows = result.json["rows"]
    assert list(result.json) == ["rows", "differences"] and [row["method"] for row in rows] == [
        "lvm",
        "plug-in",
        "dipw",
    ]
    assert all(list(row)[: len(FIELDS)] == FIELDS and row["level"] == 0.8 for row in rows)
    assert rows[0]["estimate"] == ld.ask(ld.load(fit), QUERY).mean


def test_a_fit_that_did_not_converge_is_printed_first(command, fit):
    result = command("compare", fit, "trial.csv", QUERY, *QUICK)
    assert result.code == 4
    assert "did not converge" in result.out and "plug-in" in result.out


def test_without_a_query_asks_those_of_the_fit(command, fit):
    rows = command("compare", fit, "trial.csv", *QUICK, "--json").json["rows"]
    assert {row["name"] for row in rows} == {"effect"}


def test_a_fit_needs_its_table_and_no_other(command, fit, table):
    (fit.parent / "trial.csv").rename(fit.parent / "moved.csv")
    without = command("compare", fit, QUERY)
    assert without.code == 2 and f"latentdo compare {fit} data.csv" in without.err and "ld.compare" not in without.err
    other = command("compare", fit, table, QUERY, "--json")
    assert other.code == 2 and other.error["kind"] == "data"
    assert "not the rows that the fit was trained on" in other.err


def test_finds_the_table_that_the_fit_was_trained_on_if_it_holds_the_same_rows(command, tmp_path):
    posterior = handmade()
    (tmp_path / "fits").mkdir()
    written = write(tmp_path / "fits" / "kept.csv", dict(posterior.data.columns))
    rows = read_table(written, posterior.spec.measured, posterior.spec.latent, posterior.spec.levels)
    facts = type(posterior.facts).of(rows)
    path = replace(posterior, data=rows, facts=facts).save(tmp_path / "fits" / "fit.ldo")
    found = command("compare", path, QUERY, *QUICK)
    assert found.code == 4 and "The rows are those of" in found.err and "plug-in" in found.out
    same = ld.compare(path, QUERY, methods="plug-in", replicates=5)
    assert same.text(500).splitlines()[-1] == f"The rows are those of {written}, which the fit was trained on."
    assert (
        same["plug-in"].estimate
        == ld.compare(path, written, QUERY, methods="plug-in", replicates=5)["plug-in"].estimate
    )
    write(written, {name: values[:-1] for name, values in posterior.data.columns})
    other = command("compare", path, QUERY, *QUICK)
    assert other.code == 2 and "holds other rows now" in other.err and "plug-in" not in other.out
    written.unlink()
    gone = command("compare", path, QUERY, *QUICK)
    assert gone.code == 2 and "kept.csv, which it was trained on, is neither here nor beside it" in gone.err


def test_a_picture_that_there_is_none_of_is_refused_before_anything_is_computed(command, table, tmp_path):
    sweep = "E[Y | do(X, M)] for X in [0, 1], M in [0, 1]"
    # A column is missing, which would be told if it had been looked at.
    result = command("compare", "X -> M -> Y; X -> Q -> Y", table, sweep, "-o", "two.png")
    assert result.code == 2 and "has two axes" in result.err and "--csv rows.csv" in result.err
    assert not (tmp_path / "two.png").exists()


def test_a_study_names_its_table_its_queries_and_its_rivals(command, study):
    study.write_text(study.read_text() + "compare: [plug-in]\n")
    result = command("compare", study, "--replicates", 5, "--json")
    assert result.code == 0
    rows = result.json["rows"]
    assert [(row["name"], row["method"]) for row in rows] == [
        (name, method) for name in ("effect", "high") for method in ("naive mean", "naive regression", "plug-in")
    ]
    single = command("compare", study, "high / 2", "--methods", "plug-in", "--replicates", 0, "--json").json["rows"]
    assert single[0]["estimate"] == rows[-1]["estimate"] / 2


def test_files_of_questions(command, table, study, tmp_path):
    (tmp_path / "q.txt").write_text("# two\nlow: E[Y | do(X=0)]\nP(Y > 1 | do(X=0))\n")
    for subject in ((GRAPH, table), (study,)):
        rows = command(
            "compare", *subject, QUERY, "--file", "q.txt", "--methods", "plug-in", "--replicates", 0, "--json"
        )
        assert [row["query"] for row in rows.json["rows"]] == [QUERY, "E[Y | do(X=0)]", "P(Y > 1 | do(X=0))"]
        assert [row["name"] for row in rows.json["rows"]] == [None, "low", None]
    (tmp_path / "q.txt").write_text("E[Y | do(X=0)]\nE[Q | do(X=0)]\n")
    for subject in ((GRAPH, table), (study,)):
        wrong = command("compare", *subject, "--file", "q.txt", "--json")
        assert wrong.code == 2 and wrong.error["line"] == 2 and "q.txt, line 2: 'Q' is not a node" in wrong.err


def test_a_question_that_is_not_identified_is_refused_with_its_hedge(command, table):
    result = command("compare", "X -> Y; X <-> Y", table, QUERY, "--json")
    assert result.code == 3
    assert result.error["kind"] == "not_identified" and result.error["hedge"] == [["X", "Y"], ["Y"]]
    assert "--allow-unidentified gives what is not identified rows without numbers" in result.err
    assert "allow_unidentified=" not in result.err
    insisted = command("compare", "X -> Y; X <-> Y", table, QUERY, "--allow-unidentified", "--json")
    assert insisted.code == 0 and all(row["estimate"] is None for row in insisted.json["rows"])


def test_writes_tables_pages_and_pictures(command, table, tmp_path):
    result = command("compare", GRAPH, table, QUERY, *QUICK, "--csv", "rows.csv", "-o", "page.html")
    assert result.err.splitlines() == ["Wrote 2 rows to rows.csv.", "Wrote page.html."]
    with (tmp_path / "rows.csv").open(encoding="utf-8") as file:
        assert [row["method"] for row in csv.DictReader(file)] == ["plug-in", "dipw"]
    assert "data:image/png" in (tmp_path / "page.html").read_text(encoding="utf-8")
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF"), ("a.tex", rb"\begin{tabular}")):
        assert command("compare", GRAPH, table, QUERY, *QUICK, "-o", name).code == 0
        assert (tmp_path / name).read_bytes().startswith(start)


def test_prints_latex(command, table):
    result = command("compare", GRAPH, table, QUERY, *QUICK, "--latex")
    assert result.out.startswith(r"\begin{tabular}")


def test_adjusts_for_what_is_asked(command, tmp_path):
    random = np.random.default_rng(0)
    a = random.normal(size=100)
    b = a + random.normal(size=100)
    x = b + random.normal(size=100)
    data = write(tmp_path / "d.csv", {"A": a, "B": b, "X": x, "Y": x + a + random.normal(size=100)})
    asked = ("compare", "A -> B -> X -> Y; A -> Y", data, QUERY, "--methods", "g-formula", "--replicates", 0, "--json")
    for adjust, sets in (("B", [["B"]]), ("A,B", [["A", "B"]]), ("all", [["A"], ["B"]])):
        rows = command(*asked, "--adjust", adjust).json["rows"]
        assert [row["sets"]["adjustment"] for row in rows] == sets
    assert command(*asked, "--learner", "boosted").json["rows"][0]["estimate"] != rows[0]["estimate"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--methods", "aip"), "No method is called 'aip'. Did you mean 'aipw'?"),
        (("--level", "2"), "lies between 0 and 1"),
        (("--folds", "1"), "a whole number of at least 2"),
        (("--adjust", "Q"), "'Q' is not a node"),
        (("--latex", "--json"), "two forms of one result"),
        (("-o", "page.txt"), ".html, .png, .svg, .pdf, .tex"),
        (("--csv", "no/rows.csv"), "no folder no"),
        (("--methods", "lvm"), "no trained one"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_message(command, table, arguments, message):
    result = command("compare", GRAPH, table, QUERY, *arguments)
    assert result.code == 2 and message in result.err
    assert "bug" not in result.err


def test_a_text_comes_from_standard_input(command, table):
    result = command("compare", "-", table, QUERY, *QUICK, "--json", stdin=GRAPH.encode())
    assert [row["method"] for row in result.json["rows"]] == ["plug-in", "dipw"]
    missing = command("compare", GRAPH, QUERY)
    assert missing.code == 2 and "There is no data" in missing.err

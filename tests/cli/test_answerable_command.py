"""`latentdo answerable`: every pair at once, as text, object or file."""

from __future__ import annotations

import csv

import pytest

NAPKIN = "W -> R -> X -> Y; W <-> X; W <-> Y; Y -> Z; Y <-> Z"


def test_prints_the_matrix_and_ends_well_whatever_the_verdicts(command):
    result = command("answerable", NAPKIN)
    assert result.code == 0
    assert result.out.splitlines()[0] == (
        "9 of 10 effects P(outcome | do(treatment)) are identified; 10 more pairs have no effect in this graph"
    )
    assert "  x not identified: 1" in result.out
    assert result.err == ""


def test_prints_an_object_of_the_pairs_that_were_asked(command):
    told = command("answerable", NAPKIN, "--treatment", "X", "--treatment", "W,R", "--outcome", "Y", "--json").json
    assert told["treatments"] == [["X"], ["W", "R"]]
    assert told["outcomes"] == [["Y"]]
    assert [(pair["query"], pair["form"]) for pair in told["pairs"]] == [
        ("P(Y | do(X))", "general formula"),
        ("P(Y | do(W, R))", "back-door"),
    ]
    assert (told["asked"], told["identified"], told["forms"]) == (2, 2, {"back-door": 1, "general formula": 1})


def test_takes_a_study_a_text_and_what_is_given(command, study):
    assert command("answerable", study, "--treatment", "X").out.startswith("2 of 2 effects")
    told = command("answerable", "-", "--given", "M", "--json", stdin=b"X -> M -> Y; X <-> Y").json
    assert told["given"] == ["M"]
    assert {pair["query"] for pair in told["pairs"]} == {"P(Y | do(X), M)", "P(X | do(Y), M)"}


def test_writes_a_table(command, tmp_path):
    result = command("answerable", NAPKIN, "-o", "matrix.csv")
    assert result.code == 0
    assert result.out == ""
    assert result.err == "Wrote 5 rows and 5 columns to matrix.csv.\n"
    rows = list(csv.reader((tmp_path / "matrix.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["do", "W", "R", "X", "Y", "Z"]
    assert rows[3] == ["X", "no effect", "no effect", "", "general formula", "general formula"]
    assert command("answerable", NAPKIN, "-o", "matrix.html").code == 0
    page = (tmp_path / "matrix.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert 'title="P(Y | do(X)): general formula"' in page


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_writes_a_picture(command, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    assert command("answerable", NAPKIN, "-o", f"matrix.{suffix}", "--json").json["asked"] == 20
    start = (tmp_path / f"matrix.{suffix}").read_bytes()[:5]
    assert start == {"png": b"\x89PNG\r", "svg": b"<?xml"}[suffix]


def test_tells_bad_input(command):
    assert (
        "'Q' is not a node of the graph"
        in command("answerable", "X -> Y", "--treatment", "Q", "--json").error["message"]
    )
    assert "expected a node, or several with commas" in command("answerable", "X -> Y", "--outcome", "X,,Y").err
    assert "expected a name that ends in .png" in command("answerable", "X -> Y", "-o", "m.txt").err
    assert command("answerable", "X -> Y", "-o", "m.txt").code == 2


def test_a_name_with_a_comma_stands_in_backticks(command):
    told = command("answerable", "`a, b` -> Y; Z", "--treatment", "`a, b`,Z", "--json").json
    assert told["treatments"] == [["a, b", "Z"]]

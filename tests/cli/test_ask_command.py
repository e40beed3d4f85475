"""`latentdo ask`: answers from a saved fit, for people, for programs and as a picture."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.query import Query

MEAN = "E[Y | do(X=1)]"
KEYS = ["query", "mean", "sd", "interval", "level", "mcse", "rhat", "ess", "identified", "warnings"]


def test_prints_each_answer_under_its_question(command, napkin_fit):
    result = command("ask", napkin_fit, MEAN, "P(Y > 1 | do(X=0))")
    assert result.code == 0
    blocks = result.out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [MEAN, "P(Y > 1 | do(X=0))"]
    assert "90 % interval" in blocks[0]
    assert "identified · converged" in blocks[0]


def test_prints_the_object_of_the_contract(command, napkin_fit):
    result = command("ask", napkin_fit, MEAN, "--json")
    (answer,) = result.json["answers"]
    assert list(answer)[: len(KEYS)] == KEYS
    assert answer["query"] == MEAN
    assert answer["interval"][0] < answer["mean"] < answer["interval"][1]
    assert answer["level"] == 0.9
    assert answer["identified"] is True
    assert result.err == ""


def test_the_numbers_are_those_of_python(command, napkin_fit):
    row = command("ask", napkin_fit, MEAN, "--json", "--seed", 3, "--level", 0.5).json["answers"][0]
    answer = ld.ask(ld.load(napkin_fit), MEAN, seed=3)
    assert row["mean"] == answer.mean
    assert row["interval"] == list(answer.interval(0.5))
    assert row["level"] == 0.5


def test_a_level_changes_the_interval_and_its_name(command, napkin_fit):
    assert "50 % interval" in command("ask", napkin_fit, MEAN, "--level", "0.5").out


def test_without_a_query_asks_those_of_the_study(command, napkin_fit, tmp_path):
    posterior = ld.load(napkin_fit)
    named = replace(posterior, queries=(("effect", Query.parse(MEAN)), ("E[Y]", Query.parse("E[Y]"))))
    named.save(tmp_path / "named.ldo")
    result = command("ask", "named.ldo", "--json")
    assert [row["name"] for row in result.json["answers"]] == ["effect", "E[Y]"]
    assert "E[Y | do(X=1)]   (effect)\n" in command("ask", "named.ldo").out
    without = command("ask", napkin_fit)
    assert without.code == 2
    assert "There is nothing to ask" in without.err


def test_a_law_gives_one_answer_per_level(command, napkin_fit):
    answers = command("ask", napkin_fit, "P(X | do(W=1))", "--json").json["answers"]
    assert [row["query"] for row in answers] == ["P(X=0 | do(W=1))", "P(X=1 | do(W=1))"]


def test_a_question_that_is_not_identified_is_refused_with_its_hedge(command, bow_fit):
    result = command("ask", bow_fit, "E[Y]", MEAN, "--json")
    assert result.code == 3
    assert result.error["kind"] == "not_identified"
    assert result.error["hedge"] == [["X", "Y"], ["Y"]]
    assert result.err.startswith("not identified: E[Y | do(X=1)]. Unmeasured causes join")
    assert "--allow-unidentified" in result.err


def test_a_question_that_a_function_in_the_data_undoes_is_refused(command, tmp_path):
    posterior = handmade()
    facts = replace(posterior.facts, functional=(("M", ("X",)),))
    replace(posterior, facts=facts).save(tmp_path / "exact.ldo")
    result = command("ask", "exact.ldo", MEAN, "--json")
    assert result.code == 3
    assert "functional dependence: M is a function of X" in result.error["message"]
    assert result.error["hedge"] == [["X", "Y"], ["Y"]]
    held = command("ask", "exact.ldo", "E[Y | do(M=1), X=0]", "--json")
    assert held.code == 3
    assert held.error["hedge"] is None
    assert command("ask", "exact.ldo", MEAN, "--allow-unidentified").code == 4


def test_an_unidentified_answer_is_labelled_when_it_was_insisted_upon(command, bow_fit):
    result = command("ask", bow_fit, MEAN, "--allow-unidentified")
    assert result.code == 0
    assert "NOT nonparametrically identified" in result.out
    assert "rests on the prior" in result.out


def test_an_answer_that_did_not_converge_is_printed_and_exit_code_4(command, tmp_path):
    handmade().save(tmp_path / "short.ldo")
    result = command("ask", "short.ldo", "--json")
    assert result.code == 4
    assert any("did not converge" in warning for warning in result.json["answers"][0]["warnings"])


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_draws_a_picture(command, napkin_fit, tmp_path, suffix, start):
    result = command("ask", napkin_fit, MEAN, "--plot", f"answers{suffix}")
    assert result.code == 0
    assert (tmp_path / f"answers{suffix}").read_bytes().startswith(start)
    assert f"Drawn in answers{suffix}." in result.err
    assert [path.name for path in tmp_path.iterdir()] == [f"answers{suffix}"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("answers.jpg", "expected a name that ends in .png, .svg, .pdf"),
        ("answers", "expected a name that ends in .png, .svg, .pdf, such as answers.png"),
        ("nowhere/answers.png", "there is no folder nowhere"),
    ],
)
def test_the_place_of_a_picture_is_checked_first(command, place, message):
    result = command("ask", "never-opened.ldo", MEAN, "--plot", place)
    assert result.code == 2
    assert message in result.err


def test_a_picture_needs_matplotlib(command, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    result = command("ask", "never-opened.ldo", MEAN, "--plot", "a.png", "--json")
    assert result.code == 2
    assert result.error["kind"] == "missing_extra"
    assert "pip install 'latentdo[plot]'" in result.err


def test_an_old_picture_survives_a_new_one_that_fails(command, napkin_fit, tmp_path, monkeypatch):
    (tmp_path / "answers.png").write_bytes(b"old")

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full_disk)
    result = command("ask", napkin_fit, MEAN, "--plot", "answers.png")
    assert result.code == 2
    assert "answers.png cannot be written: No space left on device" in result.err
    assert (tmp_path / "answers.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["answers.png"]


REFUSED = [
    ("a value between the levels", "E[Y | do(X=0.5)]", "support", "its values are 0 and 1"),
    ("an unknown level", "E[Y | do(X=high)]", "support", "high"),
    ("a negative gamma value", "E[Y | do(W=-1)]", "support", "W"),
    ("evidence that cannot be", "E[Y | do(W=1), X=2]", "support", "its values are 0 and 1"),
    ("a point of a continuous node", "P(Y=1 | do(X=1))", "support", "Ask for an interval"),
    ("a law of a continuous node", "P(Y | do(X=1))", "support", "Ask for a mean"),
    ("a law in a sum", "P(X | do(W=1)) - 0.5", "query", "cannot stand in arithmetic"),
    ("do on a latent", "E[Y | do(U=1)]", "query", "latent"),
    ("a latent outcome", "E[U | do(X=1)]", "query", "latent"),
    ("a latent condition", "E[Y | do(X=1), V=0]", "query", "latent"),
    ("a node in do and evidence", "E[Y | do(X=1), X=1]", "query", "X"),
    ("an outcome that is set", "E[Y | do(Y=1)]", "query", "Y"),
    ("a do without a value", "E[Y | do(X)]", "query", "has no value"),
    ("evidence without a value", "E[Y | do(X=1), R]", "query", "has no value"),
    ("an unknown node", "E[Z | do(X=1)]", "unknown_node", "'Z'"),
    ("a policy", "E[Y | do(X ~ f(W))]", None, "olic"),
    ("a shift", "E[Y | do(X = X + 1)]", None, "hift"),
    ("bad syntax", "E[Y | do(X=1)", "syntax", "line 1, column"),
]


@pytest.mark.parametrize(
    ("query", "kind", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refuses_a_question_that_makes_no_sense(command, napkin_fit, query, kind, message):
    result = command("ask", napkin_fit, "E[Y]", query, "--json")
    assert result.code == 2
    assert kind in (None, result.error["kind"])
    assert message in result.err
    assert result.err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--level", "90"), "Write 0.9 for 90 %"),
        (("--level", "0"), "between 0 and 1"),
        (("--level", "nan"), "between 0 and 1"),
        (("--seed", "-1"), "A seed is a whole number"),
        (("--seed", "1.5"), "--seed"),
    ],
)
def test_refuses_bad_options(command, napkin_fit, arguments, message):
    result = command("ask", napkin_fit, MEAN, *arguments)
    assert result.code == 2
    assert message in result.err


def test_files_that_are_no_fits_are_refused_by_name(command, napkin_fit, tmp_path):
    (tmp_path / "cut.ldo").write_bytes(napkin_fit.read_bytes()[:400])
    (tmp_path / "text.ldo").write_text("X -> Y")
    for name in ("cut.ldo", "text.ldo", "missing.ldo"):
        result = command("ask", name, MEAN, "--json")
        assert result.code == 2
        assert result.error["kind"] == "archive"
        assert name in result.err

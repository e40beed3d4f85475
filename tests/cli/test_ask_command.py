"""`latentdo ask`: answers from a saved fit, for people, for programs and as a picture."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.query import Query
from posteriors import posterior_of

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
    assert "1 question is identified: ask it without the rest. Or: --allow-unidentified computes" in result.err
    assert 'What would help: latentdo identify GRAPH "E[Y | do(X=1)]" --remedies --witness' in result.err
    assert "allow_unidentified" not in result.err + result.error["message"]
    assert "Nothing was computed" not in command("ask", bow_fit, MEAN).err


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


FILE = """\
# one query per line
low:  E[Y | do(X=0)]
high: E[Y | do(X=1)]   # with a comment

high - low
"""


def test_reads_queries_from_a_file(command, napkin_fit, tmp_path):
    (tmp_path / "queries.txt").write_text(FILE)
    answers = command("ask", napkin_fit, "E[Y]", "--file", "queries.txt", "--json").json["answers"]
    assert [row["name"] for row in answers] == [None, "low", "high", None]
    assert answers[3]["query"] == "E[Y | do(X=1)] - E[Y | do(X=0)]"
    alone = command("ask", napkin_fit, "E[Y | do(X=1)]", "--json").json["answers"][0]
    assert answers[2]["mean"] == alone["mean"]


def test_reads_queries_from_standard_input_at_once(command, napkin_fit):
    result = command("ask", napkin_fit, "--file", "-", "--json", stdin="\ufefflow: E[Y | do(X=0)]\r\nlow\r\n".encode())
    assert [row["name"] for row in result.json["answers"]] == ["low", "low"]


def test_the_names_of_a_study_stand_in_a_file(command, napkin_fit, tmp_path):
    posterior = replace(ld.load(napkin_fit), queries=(("effect", Query.parse(MEAN)),))
    posterior.save(tmp_path / "named.ldo")
    (tmp_path / "queries.txt").write_text("effect\neffect - E[Y]\n")
    answers = command("ask", "named.ldo", "--file", "queries.txt", "--json").json["answers"]
    assert [row["query"] for row in answers] == [MEAN, f"{MEAN} - E[Y]"]
    (tmp_path / "queries.txt").write_text("effect: E[Y]\n")
    assert (
        "line 1: 'effect' is already a query of the study" in command("ask", "named.ldo", "--file", "queries.txt").err
    )


def test_signs_inside_quotes_do_not_end_a_line():
    from latentdo.cli.sources import question_of

    for line, name, text in (
        ("P(`a:b`=1 | do(`c#d`=0))", None, "P(`a:b`=1 | do(`c#d`=0))"),
        ("x: P(A='lo#w: 1')  # said", "x", "P(A='lo#w: 1')"),
        ("`my name`: E[Y]", "my name", "E[Y]"),
    ):
        question = question_of(line, 1)
        assert question is not None
        assert (question.name, question.text) == (name, text)
    assert question_of("   # nothing", 1) is None
    assert question_of("", 1) is None


BAD_FILES = [
    ("a syntax error", "E[Y]\n\nlow: E[Y | do(X=0)\n", 2, "queries.txt, line 3, column 7", "syntax", 3),
    ("an unknown node", "E[Y]\nE[Q]\n", 2, "queries.txt, line 2: 'Q' is not a node", "unknown_node", 2),
    ("a value that cannot be", "E[Y]\n\nE[Y | do(X=3)]\n", 2, "queries.txt, line 3: ", "support", 3),
    ("a do without a value", "E[Y]\nE[Y | do(X)]\n", 2, "queries.txt, line 2: ", "query", 2),
    ("a name twice", "a: E[Y]\na: E[X]\n", 2, "line 2: 'a' is already the query of line 1", "usage", 2),
    ("no name", ": E[Y]\n", 2, "a name stands before ':'", "syntax", 1),
    ("no query", "a:\n", 2, "'a' has no query", "syntax", 1),
    ("nothing", "# nothing\n\n", 2, "queries.txt asks nothing", "usage", None),
]


@pytest.mark.parametrize(
    ("text", "code", "message", "kind", "line"), [case[1:] for case in BAD_FILES], ids=[case[0] for case in BAD_FILES]
)
def test_says_in_which_line_of_a_file_a_mistake_stands(command, napkin_fit, tmp_path, text, code, message, kind, line):
    (tmp_path / "queries.txt").write_text(text)
    result = command("ask", napkin_fit, "--file", "queries.txt", "--json")
    assert result.code == code
    assert message in result.err
    assert result.error["kind"] == kind
    assert result.error["line"] == line


def test_says_which_line_of_a_file_is_not_identified(command, bow_fit, tmp_path):
    (tmp_path / "queries.txt").write_text("E[Y]\n# a comment\nE[Y | do(X=1)]\n")
    result = command("ask", bow_fit, "--file", "queries.txt", "--json")
    assert result.code == 3
    assert result.error["line"] == 3
    assert result.error["hedge"] == [["X", "Y"], ["Y"]]
    assert result.err.startswith("not identified: queries.txt, line 3: E[Y | do(X=1)]. Unmeasured")
    assert command("ask", bow_fit, "--file", "queries.txt", "--allow-unidentified").code == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"E[Y]\n\xff"), "queries.txt is not UTF-8 (line 2)"),
        (lambda path: path.mkdir(), "queries.txt is a folder; expected a file"),
        (lambda path: None, "queries.txt does not exist"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(command, napkin_fit, tmp_path, make, message):
    make(tmp_path / "queries.txt")
    result = command("ask", napkin_fit, "--file", "queries.txt")
    assert result.code == 2
    assert message in result.err


def test_a_thousand_lines_are_asked_at_once(command, napkin_fit, tmp_path):
    (tmp_path / "queries.txt").write_text("\n".join(f"q{k}: E[Y | do(X=1)] - {k}" for k in range(1000)))
    answers = command("ask", napkin_fit, "--file", "queries.txt", "--json").json["answers"]
    assert [row["name"] for row in answers] == [f"q{k}" for k in range(1000)]
    assert answers[7]["mean"] == pytest.approx(answers[0]["mean"] - 7)


def test_writes_a_row_per_answer(command, napkin_fit, tmp_path):
    result = command("ask", napkin_fit, MEAN, "P(X | do(W=1))", "--csv", "answers.csv", "--json")
    assert result.code == 0
    assert "Wrote 3 rows to answers.csv." in result.err
    rows = list(csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text(encoding="utf-8"))))
    assert [row["query"] for row in rows] == [row["query"] for row in result.json["answers"]]
    assert float(rows[0]["mean"]) == result.json["answers"][0]["mean"]
    assert float(rows[0]["lower"]) == result.json["answers"][0]["interval"][0]


def test_prints_a_latex_table(command, napkin_fit):
    result = command("ask", napkin_fit, MEAN, "--latex")
    assert result.out.startswith("\\begin{tabular}")
    assert result.out.rstrip().endswith("\\end{tabular}")


def test_a_sweep_is_one_table_and_its_rows_hold_the_axis(command, napkin_fit, tmp_path):
    query = "E[Y | do(X)] for X in [0, 1]"
    result = command("ask", napkin_fit, query, MEAN, "--csv", "curve.csv", "--plot", "curve.png")
    assert result.code == 0
    blocks = result.out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [query, MEAN]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "curve.csv").read_text(encoding="utf-8"))))
    assert [float(row["X"]) for row in rows[:2]] == [0.0, 1.0]
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_shows_what_seeing_gives_beside_doing(command, napkin_fit):
    row = command("ask", napkin_fit, MEAN, "--naive", "--json").json["answers"][0]
    seen = command("ask", napkin_fit, "E[Y | X=1]", "--json").json["answers"][0]
    assert row["naive"]["query"] == "E[Y | X=1]"
    assert row["naive"]["mean"] == pytest.approx(seen["mean"])


def test_adds_a_paragraph_for_a_paper(command, napkin_fit):
    text = command("ask", napkin_fit, MEAN, "--methods").out
    assert "latentdo" in text.split("\n\n", 1)[1]
    found = command("ask", napkin_fit, MEAN, "--methods", "--json").json
    assert "latentdo" in found["methods"]
    assert len(found["answers"]) == 1


STREAM = b"""low: E[Y | do(X=0)]

# a comment
E[Y | do(X=1)
E[Q]
E[Y | do(X=1)] - low
quit
E[Y]
"""


def test_answers_a_stream_line_by_line(command, napkin_fit):
    result = command("ask", napkin_fit, "--stdin", stdin=STREAM)
    assert result.code == 2
    replies = [line for line in result.out.splitlines() if not line.startswith(" ")]
    assert replies[0].startswith("low = ")
    assert replies[1].startswith("error: column 2: '[' is never closed")
    assert replies[2].startswith("error: 'Q' is not a node")
    assert replies[3].startswith("E[Y | do(X=1)] - E[Y | do(X=0)] = ")
    assert len(replies) == 4


def test_a_sweep_in_a_stream_has_a_reply_per_point(command, napkin_fit):
    result = command("ask", napkin_fit, "--stdin", stdin=b"curve: E[Y | do(X)] for X in [0, 1]\n")
    replies = [line for line in result.out.splitlines() if not line.startswith(" ")]
    assert [reply.partition(" = ")[0] for reply in replies] == ["E[Y | do(X=0)]", "E[Y | do(X=1)]"]


def test_a_stream_of_json_has_an_object_per_question(command, napkin_fit):
    result = command("ask", napkin_fit, "--stdin", "--json", "--level", "0.5", stdin=STREAM)
    replies = [json.loads(line) for line in result.out.splitlines()]
    assert [reply["query"] for reply in replies] == ["E[Y | do(X=0)]", "E[Y | do(X=1)", "E[Q]", "E[Y | do(X=1)] - low"]
    assert [reply["number"] for reply in replies] == [1, 4, 5, 6]
    assert [reply["error"]["kind"] for reply in replies if "error" in reply] == ["syntax", "unknown_node"]
    (answer,) = replies[0]["answers"]
    assert (answer["name"], answer["level"]) == ("low", 0.5)
    assert answer["mean"] == command("ask", napkin_fit, "E[Y | do(X=0)]", "--json").json["answers"][0]["mean"]


def test_a_name_stands_for_one_question_of_a_stream(command, napkin_fit, tmp_path):
    lines = ("low: E[Y | do(X=", "low: E[Y]", "low: E[X]", "low", "quit: E[Y]", "`exit`: E[Y]", "quit", "E[X]")
    result = command("ask", napkin_fit, "--stdin", "--json", stdin="\n".join(lines).encode())
    syntax, first, second, again, quit_, exit_ = (json.loads(line) for line in result.out.splitlines())
    assert syntax["error"]["kind"] == "syntax"  # gives no name
    assert second["error"]["kind"] == "usage"
    assert second["error"]["message"] == "'low' is already the query of line 2. Give this one another name."
    assert again["answers"] == first["answers"]
    for reply, name in ((quit_, "quit"), (exit_, "exit")):
        assert reply["error"]["message"].startswith(f"'{name}' ends the session, and so cannot be a name.")
    replace(ld.load(napkin_fit), queries=(("low", Query.parse("E[X]")),)).save(tmp_path / "named.ldo")
    result = command("ask", "named.ldo", "--stdin", stdin=b"low: E[Y]\n")
    assert result.out.startswith("error: 'low' is already a query of the study.")


def test_a_stream_goes_on_after_bytes_that_are_no_text(command, napkin_fit):
    result = command("ask", napkin_fit, "--stdin", stdin=b"\xff\nE[Y]\n")
    assert result.out.startswith("error: The line is not UTF-8 (byte 1).\nE[Y] = ")
    assert result.code == 2


def test_a_stream_that_was_answered_ends_well(command, napkin_fit):
    assert command("ask", napkin_fit, "--stdin", stdin=b"E[Y]\n").code == 0
    assert command("ask", napkin_fit, "--stdin", stdin=b"").code == 0


def test_a_refusal_in_a_stream_is_its_exit_code(command, bow_fit):
    result = command("ask", bow_fit, "--stdin", "--json", stdin=b"E[Y | do(X=1)]\nE[Y]\n")
    assert result.code == 3
    assert json.loads(result.out.splitlines()[0])["error"]["hedge"] == [["X", "Y"], ["Y"]]


def test_a_fault_of_ours_does_not_end_a_stream(command, napkin_fit, monkeypatch):
    from latentdo import api

    ask = api.ask

    def faulty(posterior, query, **options):
        if "W" in str(query):
            raise ZeroDivisionError
        return ask(posterior, query, **options)

    monkeypatch.setattr(api, "ask", faulty)
    result = command("ask", napkin_fit, "--stdin", stdin=b"E[W]\nE[Y]\n")
    assert result.code == 1
    assert result.out.startswith("bug: This is a fault of latentdo")
    assert "\nE[Y] = " in result.out


def test_ctrl_c_ends_a_stream(command, napkin_fit, monkeypatch):
    from latentdo import api

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "ask", stopped)
    result = command("ask", napkin_fit, "--stdin", "--json", stdin=b"E[Y]\nE[Y]\n")
    assert result.code == 130
    assert result.out == ""
    assert "Ctrl-C" in result.err


def test_each_answer_of_a_stream_is_there_before_the_next_question(napkin_fit):
    line = [sys.executable, "-m", "latentdo", "ask", str(napkin_fit), "--stdin", "--json"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for query in ("E[Y]", "E[X]"):
            process.stdin.write(query + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["query"] == query
        process.stdin.write("quit\n")
        process.stdin.flush()
        assert process.wait(20) == 0


def test_shows_the_effects_of_all_pairs(command, napkin_fit, tmp_path):
    rows = ("--treatment", "X", "--treatment", "R")
    result = command("ask", napkin_fit, "--effects", *rows, "--csv", "effects.csv", "--plot", "effects.svg")
    assert result.code == 0
    assert result.out.startswith("Effect of each row on each column")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "effects.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 6
    assert (tmp_path / "effects.svg").read_bytes().startswith(b"<?xml")


def test_chooses_rows_columns_and_levels_of_effects(command, napkin_fit):
    options = ("--treatment", "X,R", "--outcome", "Y", "--levels", "R=0,2", "--standardised", "--level", "0.5")
    found = command("ask", napkin_fit, "--effects", *options, "--json").json
    (effect,) = found["effects"]
    assert effect["treatment"] == ["X", "R"]
    assert (effect["low"], effect["high"]) == ([0.0, 0.0], [1.0, 2.0])
    assert effect["unit"] == "sd of Y"
    assert effect["level"] == 0.5


def test_effects_that_are_not_identified_are_blank(command, bow_fit):
    result = command("ask", bow_fit, "--effects")
    assert result.code == 0
    assert "x not identified" in result.out
    assert "rests on the prior" in command("ask", bow_fit, "--effects", "--allow-unidentified").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--stdin", "E[Y]"), "--stdin answers the lines of standard input one by one: leave out a query"),
        (("--stdin", "--csv", "a.csv"), "leave out --csv"),
        (("--stdin", "--effects"), "leave out --effects"),
        (("--stdin", "--methods"), "leave out --methods"),
        (("--effects", "E[Y]"), "--effects asks for a table of effects, and for nothing else: leave out a query"),
        (("--effects", "--latex"), "leave out --latex"),
        (("--effects", "--naive"), "leave out --naive"),
        (("E[Y]", "--standardised"), "Add --effects"),
        (("E[Y]", "--levels", "X=0,1"), "Add --effects"),
        (("E[Y]", "--latex", "--json"), "two forms of one result"),
        (("--effects", "--levels", "X=1"), "expected a node with two values"),
        (("--effects", "--levels", "X=0,1", "--levels", "X=1,0"), "gives those of X twice"),
        (("E[Y]", "--csv", "answers.txt"), "expected a name that ends in .csv"),
        (("E[Y]", "--csv", "nowhere/answers.csv"), "there is no folder nowhere"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_read(command, arguments, message):
    result = command("ask", "never-opened.ldo", *arguments)
    assert result.code == 2
    assert message in result.err


def test_the_help_loads_neither_jax_nor_numpy():
    code = (
        "import sys; from latentdo.cli import main; main(['ask', '--help'])\n"
        "assert not {'jax', 'numpy', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_file_and_standard_input_hold_changes_with_their_colon(command, tmp_path):
    fit = posterior_of("Z ~ bernoulli; K ~ bernoulli(Z, levels=[1, 2])").save(tmp_path / "change.ldo")
    (tmp_path / "queries.txt").write_text("RD[K=2 | Z: 0 -> 1]  # a difference\nratio: RR[K | Z: 0 -> 1]\n")
    typed = command("ask", fit, "RD[K=2 | Z: 0 -> 1]", "--json").json["answers"][0]
    listed = command("ask", fit, "--file", "queries.txt", "--json").json["answers"]
    assert [row["name"] for row in listed] == [None, "ratio"]
    assert listed[0]["mean"] == typed["mean"]
    assert listed[1]["query"] == "RR[K=2 | Z: 0 -> 1]"
    told = command("ask", fit, "--stdin", "--json", stdin=b"RD[K=2 | Z: 0 -> 1]\n")
    assert f'"mean": {typed["mean"]!r}' in told.out


def test_a_level_that_holds_a_comma_stands_in_quotes(command, tmp_path):
    model = "L ~ bernoulli(levels=['no pain', 'mild, a bit']); Y ~ bernoulli(L)"
    fit = posterior_of(model).save(tmp_path / "pain.ldo")
    for typed in ("L='no pain','mild, a bit'", "L=no pain,'mild, a bit'"):
        result = command("ask", fit, "--effects", "--levels", typed, "--json")
        assert result.code == 0, result.err
    assert "stands in quotes" in command("ask", fit, "--effects", "--levels", "L=no pain,mild, a bit").err

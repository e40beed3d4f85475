"""`latentdo identify`: texts, studies, standard input; verdicts for people and for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import latentdo as ld
from known_graphs import BOW, FRONT_DOOR, NAPKIN
from latentdo.query import Query

QUERY = "P(Y | do(X))"


def test_prints_the_formula(command):
    result = command("identify", FRONT_DOOR, QUERY)
    assert result.code == 0
    assert result.out == "Identified: P(Y | do(X))\n  = Σ_M P(M | X) Σ_X' P(Y | M, X') P(X')\n"
    assert result.err == ""


def test_the_napkin_is_a_ratio_for_any_value_of_r(command):
    estimand = command("identify", NAPKIN, QUERY, "--json").json["estimand"]
    assert "/" in estimand
    assert "for any R" in estimand
    assert estimand != "P(Y | X)"


def test_one_query_gives_the_object_of_the_contract(command):
    result = command("identify", FRONT_DOOR, QUERY, "--json")
    assert list(result.json) == ["query", "identifiable", "estimand", "latex", "derivation", "hedge", "form"]
    assert result.json["query"] == QUERY
    assert result.json["identifiable"] is True
    assert result.json["latex"].startswith("\\sum_{M}")
    assert [step["rule"] for step in result.json["derivation"]][:3] == ["marginalise", "chain rule", "rule 2"]
    assert {"rule", "graph", "before", "after"} <= result.json["derivation"][0].keys()
    assert result.json["derivation"][0]["before"] == QUERY
    assert result.json["derivation"][-1]["after"] == result.json["estimand"]
    assert result.json["form"] == "front-door"
    assert result.json["hedge"] is None
    assert "Σ_M" in result.out, "JSON shows characters as they are"


def test_a_no_is_printed_with_its_sentence_and_hedge(command):
    result = command("identify", BOW, QUERY)
    assert result.code == 3
    assert result.out.startswith("Not identified: P(Y | do(X))\n  Unmeasured causes join X and Y")
    assert "Hedge: {X, Y} around {Y}" in result.out
    assert result.err == ""
    assert max(len(line) for line in result.out.splitlines()) <= 80


def test_a_no_for_programs_is_the_normal_object_and_nothing_more(command):
    result = command("identify", BOW, QUERY, "--json")
    assert result.code == 3
    assert result.json["identifiable"] is False
    assert result.json["estimand"] is None
    assert result.json["latex"] is None
    assert result.json["hedge"] == [["X", "Y"], ["Y"]]
    assert result.err == ""


def test_several_queries_give_verdicts_in_order(command):
    result = command("identify", "X -> Y; X <-> Y; Z", "P(Y | do(Z))", "P(Y | do(X))", "--json")
    assert result.code == 3
    assert [row["identifiable"] for row in result.json["verdicts"]] == [True, False]
    assert [row["name"] for row in result.json["verdicts"]] == [None, None]


def test_a_study_gives_the_verdicts_of_its_queries(command, study):
    result = command("identify", study, "--json")
    assert result.code == 0
    assert [row["name"] for row in result.json["verdicts"]] == ["effect", "high"]
    text = command("identify", study).out
    assert "Identified: P(Y > 1 | do(X=1))   (high)" in text


def test_a_study_answers_a_query_of_the_command_line(command, study):
    result = command("identify", study, QUERY, "--json")
    assert result.json["estimand"] == "Σ_M P(M | X) Σ_X' P(Y | M, X') P(X')"


def test_a_study_with_one_query_still_gives_verdicts(command, tmp_path):
    (tmp_path / "one.yaml").write_text("model: X ~ normal\nqueries:\n  mean: E[X]\n")
    assert [row["query"] for row in command("identify", "one.yaml", "--json").json["verdicts"]] == ["E[X]"]


def test_a_study_without_queries_needs_one(command, tmp_path):
    (tmp_path / "bare.yml").write_text("model: X ~ normal\n")
    result = command("identify", "bare.yml")
    assert result.code == 2
    assert "bare.yml has no queries" in result.err


def test_a_model_is_a_graph_too(command):
    model = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
    assert command("identify", model, QUERY).code == 0


def test_a_dash_reads_standard_input(command):
    result = command("identify", "-", QUERY, "--json", stdin=b"\xef\xbb\xbfX -> M -> Y\nX <-> Y\n")
    assert result.json["identifiable"] is True


def test_standard_input_must_be_utf8(command):
    result = command("identify", "-", QUERY, stdin=b"X -> \xff")
    assert result.code == 2
    assert "Standard input is not UTF-8 (byte 6)" in result.err


def test_a_text_that_begins_with_a_dash_goes_behind_two(command):
    refused = command("identify", "X -> Y", "-E[Y]")
    assert refused.code == 2
    assert "behind a lone --" in refused.err
    assert command("identify", "X -> Y", "--json", "--", "-1 * E[Y | do(X=1)]").json["identifiable"] is True


def test_markup_in_user_text_is_printed_whole(command):
    result = command("identify", "`[red]X[/red]` -> Y; `[red]X[/red]` <-> Y [latents=2]", "P(Y | do(`[red]X[/red]`))")
    assert "`[red]X[/red]` <-> Y" in result.out
    assert command("identify", "X -> Y [latents=2]", "E[Y]").err.count("[latents=2]") >= 1


def test_characters_that_move_the_cursor_do_not_reach_the_terminal(command):
    result = command("identify", "`\x1b[2JX` -> Y", "P(Y | do(`\x1b[2JX`))")
    assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("X -> -> Y", QUERY), "syntax", "line 1, column 6: expected a name after '->'"),
        (("X -> Y", "P(Y | do(X)"), "syntax", "line 1, column"),
        (("X -> Y -> X", QUERY), "graph", "directed cycle: X -> Y -> X"),
        (("X -> Y", "P(Z | do(X))"), "unknown_node", "'Z' is not a node"),
        (("X -> Y; latent X", QUERY), "query", "latent"),
        (("X -> Y",), "usage", "There is no question"),
        (("", QUERY), "usage", "empty text"),
        (("missing.yaml",), "study", "missing.yaml does not exist"),
        (("digraph { X -> }", QUERY), "syntax", "line 1"),
        (("X -> Y", "P(Y | do(X ~ f(W)))"), None, "olic"),
        (("X -> Y", "P(Y | do(X = X + 1))"), None, "hift"),
    ],
)
def test_refuses_bad_input_with_one_message(command, arguments, kind, message):
    plain = command("identify", *arguments)
    assert plain.code == 2
    assert plain.out == ""
    assert plain.err.startswith("error: ")
    assert message in plain.err
    told = command("identify", *arguments, "--json")
    assert told.code == 2
    assert kind in (None, told.error["kind"])
    assert message in told.error["message"]
    assert told.err == plain.err


def test_errors_say_where_for_programs_too(command):
    error = command("identify", "X -> Y;\nY -> -> Z", QUERY, "--json").error
    assert (error["line"], error["column"]) == (2, 6)
    assert error["hedge"] is None


def test_errors_in_a_study_are_told_with_their_line_in_the_file(command, tmp_path):
    (tmp_path / "bad.yaml").write_text("model: |\n  X ~ normal\n  Y ~ normul(X)\n")
    result = command("identify", "bad.yaml", "E[Y]", "--json")
    assert result.code == 2
    assert result.error["line"] == 3
    assert "bad.yaml" in result.err


@pytest.mark.parametrize("text", ["X -> Y", "digraph { X -> Y }"])
def test_a_graph_is_read_from_a_file_and_from_text(command, tmp_path: Path, text: str):
    (tmp_path / "graph.txt").write_text(text)
    for source in ("graph.txt", text):
        result = command("identify", source, QUERY)
        assert (result.code, "= P(Y | X)" in result.out) == (0, True)


def test_prints_the_proof_where_it_is_asked_for(command):
    result = command("identify", NAPKIN, QUERY, "--proof")
    assert "Proof:\nP(Y | do(X))\n  = P(Y | do(R, X))\n      1. rule 3: (Y ⊥⊥ R | X) in the graph" in result.out


@pytest.mark.parametrize(
    ("option", "graph", "text"),
    [
        ("--forms", FRONT_DOOR, "Front door:      {M}"),
        ("--measurements", FRONT_DOOR, "Needed in any case: M, X, Y"),
        ("--remedies", BOW, "Measure: what is behind X <-> Y."),
        ("--witness", BOW, "Two models agree on all that is measured"),
        ("--implications", "A -> B -> C", "A ⊥⊥ C | B"),
    ],
)
def test_says_what_else_is_asked_for(command, option, graph, text):
    query = "P(C | do(A))" if option == "--implications" else QUERY
    result = command("identify", graph, query, option)
    assert text in result.out
    assert command("identify", graph, query, option, "--json").json[option.removeprefix("--")]


def test_a_question_that_no_option_fits_is_answered_plainly(command):
    assert command("identify", FRONT_DOOR, QUERY, "--remedies", "--witness").code == 0
    assert command("identify", BOW, QUERY, "--proof", "--measurements").code == 3


def test_implications_need_no_question(command):
    result = command("identify", "A -> B -> C", "--implications")
    assert result.code == 0 and "A ⊥⊥ C | B" in result.out
    assert set(command("identify", "A -> B -> C", "--implications", "--json").json) == {"implications"}


def test_functional_nodes_are_named(command):
    result = command("identify", FRONT_DOOR, QUERY, "--functional", "M")
    assert result.code == 3 and "functional dependence: M is a function of X" in result.out
    both = command("identify", "X -> F -> Y", "P(Y | do(X, F))", "--functional", "F", "--json")
    assert both.code == 3 and both.json["hedge"] is None and both.json["reason"]
    some = command("identify", "X -> M -> Y; G -> M; X <-> Y", QUERY, "--functional", "M=G")
    assert some.code == 0, "a function of G alone leaves X without effect"
    wrong = command("identify", FRONT_DOOR, QUERY, "--functional", "N")
    assert wrong.code == 2 and "'N' is not a node of the graph" in wrong.err


@pytest.mark.parametrize("suffix", [".html", ".tex", ".txt"])
def test_writes_the_proof_as_a_file(command, tmp_path, suffix):
    result = command("identify", NAPKIN, QUERY, "-o", f"proof{suffix}")
    assert result.code == 0 and result.out == "" and f"Wrote 1 verdict to proof{suffix}." in result.err
    text = (tmp_path / f"proof{suffix}").read_text(encoding="utf-8")
    assert "rule 3" in text and ("</html>" in text) == (suffix == ".html")
    assert command("identify", BOW, QUERY, "-o", f"no{suffix}").code == 3
    command("identify", BOW, QUERY, "-o", f"why{suffix}", "--witness", "--remedies", "--implications")
    why = (tmp_path / f"why{suffix}").read_text(encoding="utf-8")
    assert "Two models agree" in why and "Rule out" in why and "Hedge" in why.replace("verbatim", "Hedge")
    assert "Unmeasured causes join" in (tmp_path / f"no{suffix}").read_text(encoding="utf-8")


def test_a_proof_goes_to_a_known_kind_of_file(command):
    result = command("identify", NAPKIN, QUERY, "-o", "proof.pdf")
    assert result.code == 2 and "expected a name that ends in .html, .tex, .txt" in result.err


def test_a_variant_belongs_to_a_study(command):
    result = command("identify", NAPKIN, QUERY, "--variant", "small")
    assert result.code == 2 and "this is no study file" in result.err


def test_a_long_proof_is_left_out_unless_asked_for(command, monkeypatch):
    monkeypatch.setattr("latentdo.identification.verdict.LONG_PROOF", 2)
    result = command("identify", NAPKIN, QUERY, "--json")
    assert result.json["derivation"] == [] and "--proof" in result.json["derivation_left_out"]
    assert command("identify", NAPKIN, QUERY, "--json", "--proof").json["derivation"]


@pytest.mark.parametrize(
    ("source", "typed", "said"),
    [
        ("/", b"", "/ is a folder. Name a study file (.yaml, .yml) in it"),
        (".", b"", ". is a folder."),
        (
            "-",
            b"# mine\nmodel: |\n  X ~ normal\n",
            "Standard input holds a study, and - reads the text of a model or graph.",
        ),
    ],
)
def test_what_is_no_text_of_a_graph_is_told(command, source, typed, said):
    result = command("identify", source, QUERY, stdin=typed)
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_queries_that_a_variant_lacks_are_left_out(command, tmp_path):
    study = tmp_path / "study.yaml"
    text = "model: |\n  latent U ~ normal\n  X ~ normal(U)\n  Z ~ normal(X)\n  Y ~ normal(Z, U)\nqueries:\n"
    rest = "variants:\n  small: {drop: [Z]}\n"
    study.write_text(f"{text}  first: P(Z | do(X))\n  second: P(Y | do(X))\n{rest}")
    result = command("identify", str(study), "--variant", "small")
    assert result.err == "note: the query first cannot be asked of the variant small and is left out.\n"
    assert "P(Y | do(X))" in result.out and "P(Z" not in result.out
    study.write_text(f"{text}  first: P(Z | do(X))\n{rest}")
    result = command("identify", str(study), "--variant", "small")
    assert result.code == 2
    assert "The first, first: 'Z' is not a node of the graph." in " ".join(result.err.split())


def test_a_saved_fit_is_a_source_like_its_study(command, napkin_fit):
    assert command("identify", str(napkin_fit), QUERY).out.startswith("Identified: ")
    assert "effects P(outcome | do(treatment)) are identified" in command("answerable", str(napkin_fit)).out


SURROGATE = "Z -> X -> Y; Z <-> X; Z <-> Y"


def test_experiments_are_known_beside_observation(command, tmp_path: Path):
    assert command("identify", SURROGATE, QUERY).code == 3
    result = command("identify", SURROGATE, QUERY, "--experiment", "Z")
    assert result.code == 0 and "= P(Y | do(Z), X), for any Z" in result.out
    found = json.loads(command("identify", SURROGATE, QUERY, "--experiment", "Z", "--json").out)
    assert found["experiments"] == found["uses_experiments"] == [["Z"]] and found["form"] == "experiment"
    for suffix, part in ((".html", "P(Y | do(Z), X)"), (".tex", r"\mathrm{do}(Z), X"), (".txt", "for any Z")):
        path = tmp_path / f"proof{suffix}"
        assert command("identify", SURROGATE, QUERY, "--experiment", "Z", "-o", str(path)).code == 0
        assert part in path.read_text(encoding="utf-8")
    assert "experiments" not in json.loads(command("identify", "X -> Y", QUERY, "--json").out)


STUDY = """\
model: "latent A ~ normal; latent B ~ normal; Z ~ normal(A, B); X ~ normal(Z, A); Y ~ normal(X, B)"
queries: {effect: "P(Y | do(X=1))"}
data: [cells.csv, {file: knockout.csv, do: [Z]}]
variants: {split: {split: {A: [A1, A2]}}, joined: {merge: {H: [A, B]}}, blind: {hide: [Z]}}
"""


def test_the_experiments_of_a_study_are_known_to_every_verb_before_its_tables_are_there(command, tmp_path: Path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY, encoding="utf-8")
    assert command("identify", SURROGATE, QUERY).code == 3
    assert command("identify", str(path)).code == command("identify", str(path), "--variant", "split").code == 0
    assert json.loads(command("identify", str(path), "--json").out)["verdicts"][0]["uses_experiments"] == [["Z"]]
    assert command("check", str(path)).code == 0
    table = json.loads(command("answerable", str(path), "--treatment", "X", "--outcome", "Y", "--json").out)
    study = ld.load_study(path)
    assert table["identified"] == ld.answerable(study, "X", "Y").to_json()["identified"] == 1
    assert ld.identify(study, QUERY).estimand.experiments == (("Z",),)
    report = ld.check(study)
    assert report.verdicts[0][1].identified
    assert [dict(each.verdicts)["effect"].identified for each in report.variants] == [True, False, False]
    # An experiment on what a variant does not measure is none that it knows of.
    assert command("identify", str(path), "--variant", "blind").code == 3


def test_each_experiment_of_a_no_has_its_hedge(command, tmp_path: Path):
    arguments = (
        "identify",
        "A -> Y; B -> Y; A <-> Y; B <-> Y",
        "P(Y | do(A, B))",
        "--experiment",
        "A",
        "--experiment",
        "B",
    )
    result = command(*arguments)
    assert result.code == 3 and "Hedge left by do(A): {B, Y} around {Y}" in result.out
    found = json.loads(command(*arguments, "--json").out)
    assert found["thicket"][1] == {"experiment": ["B"], "hedge": [["A", "Y"], ["Y"]]}
    path = tmp_path / "no.html"
    command(*arguments, "-o", str(path))
    assert "Hedge left by do(B)" in path.read_text(encoding="utf-8")
    assert command(*arguments[:3], "--experiment", "A,B").code == 0
    unknown = command(*arguments[:3], "--experiment", "Q")
    assert unknown.code == 2 and "'Q' is not a node" in unknown.err


def test_the_question_that_a_file_states_is_asked_where_no_other_is(command, tmp_path: Path):
    (tmp_path / "c.dagitty").write_text("dag { X [exposure]; Y [outcome]; Z -> X; Z -> Y; X -> Y }", encoding="utf-8")
    result = command("identify", "c.dagitty")
    assert result.code == 0
    assert "P(Y | do(X))" in result.out
    assert command("identify", "c.dagitty", "P(Y | do(Z))", "--json").json["query"] == "P(Y | do(Z))"
    assert "There is no question" in command("identify", "dag { X -> Y }").err


def test_a_saved_fit_is_asked_its_own_questions(command, napkin_fit):
    asked = (("effect", Query.parse("E[Y | do(X=1)]")),)
    replace(ld.load(napkin_fit), queries=asked).save("own.ldo")
    result = command("identify", "own.ldo")
    assert result.code == 0
    assert "effect" in result.out

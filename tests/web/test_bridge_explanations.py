"""What the page is told of a verdict: proofs, witnesses, the matrix, implications; how a question goes on; files in and out."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

import latentdo as ld
from bridge_replies import answered, asked

NAPKIN = "W -> R -> X -> Y  # the napkin\nW <-> X; W <-> Y\n"
MODEL = "latent U ~ normal\nX ~ bernoulli(U, levels=[no, yes])\nY ~ normal(X, U)  # the end\n"


def unmarked(latex: str) -> str:
    """LaTeX without the marks of its nodes."""
    return re.sub(r"\\htmlData\{node=\d+\}\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", latex)


def test_a_proof_has_every_step_with_its_cut_graph_and_its_check() -> None:
    found = answered("proof", text=NAPKIN, query="P(Y | do(X))")
    verdict = ld.identify(NAPKIN, "P(Y | do(X))")
    assert isinstance(verdict, ld.Identified)
    (theorem,) = found["theorems"]
    assert [step["after"]["text"] for step in theorem["steps"]] == [
        step.after.text for step in verdict.derivation.steps
    ]
    assert theorem["steps"][-1]["after"]["text"] == theorem["formula"]["text"]
    assert found["check"]
    first = theorem["steps"][0]
    assert first["rule"] == "rule 3"
    assert first["separation"]["text"] == "(Y ⊥⊥ R | X)"
    cut = [f"{edge['tail']} {edge['kind']} {edge['head']}" for edge in first["graph"]["edges"] if edge["cut"]]
    assert cut == ["R -> X", "W -> R", "W <-> X"]
    for step in theorem["steps"]:
        assert unmarked(step["after"]["marked"]) == step["after"]["latex"]


def test_a_contrast_has_a_chapter_for_each_law() -> None:
    found = answered("proof", text="Z -> X -> Y; Z -> Y; W -> Y", query="E[Y | do(X=1)] - E[Y | do(W=1)]")
    assert [theorem["terms"] for theorem in found["theorems"]] == [["E[Y | do(X=1)]"], ["E[Y | do(W=1)]"]]
    numbers = [step["number"] for theorem in found["theorems"] for step in theorem["steps"]]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_witness_is_two_models_in_exact_numbers() -> None:
    found = answered("witness", text=MODEL, query="E[Y | do(X=yes)] - E[Y | do(X=no)]")
    assert found["values"] == ["7/16", "0"]
    assert found["coins"] == {"c1": {"ends": ["X", "Y"], "probability": "1/4"}}
    assert found["models"][1]["mechanisms"]["Y"] == ["Y = 0, flipped in 1 of 16 units"]
    assert sum(Fraction(row["probability"]) for row in found["observed"]["rows"]) == 1
    assert found["checked"]
    assert answered("witness", text=MODEL, query="SD[Y | do(X=yes)]")["values"] == ["0.5", "0.242061"]


def test_there_is_no_witness_of_a_yes_and_no_proof_of_a_no() -> None:
    assert asked("witness", text=NAPKIN, query="P(Y | do(X))")["error"]["kind"] == "unsupported"
    error = asked("proof", text=MODEL, query="P(Y | do(X))")["error"]
    assert (error["kind"], error["hedge"]) == ("not_identified", [["X", "Y"], ["Y"]])


def test_the_matrix_has_a_sign_for_every_pair() -> None:
    found = answered("answerable", text="Z -> X -> Y; X <-> Z; X <-> Y")
    known = answered("answerable", text="Z -> X -> Y; X <-> Z; X <-> Y", experiments=[["X"]])
    signs = {(*pair["treatment"], *pair["outcome"]): pair["sign"] for pair in found["pairs"]}
    assert signs["X", "Y"] == "x"
    assert found["legend"]["x"].startswith("not identified")
    assert known["identified"] > found["identified"]


def test_implications_measurements_and_forms_are_those_of_the_command() -> None:
    chain = answered("implications", text="A -> B -> C")
    assert [each["text"] for each in chain["independences"]] == ["A ⊥⊥ C | B"]
    verma = answered("implications", text="A -> B -> C -> D; B <-> D")["verma"]
    assert unmarked(verma[0]["marked"]) == verma[0]["latex"]
    needed = answered("measurements", text="Z -> X -> Y; Z -> Y; X -> M -> Y", query="P(Y | do(X))", costs={"Z": 9})
    assert needed["cheapest"] == ["X", "Y", "Z"]
    forms = answered("forms", text="Z -> X -> Y; Z -> Y", query="P(Y | do(X))")
    assert forms["adjustment_sets"] == [["Z"]]
    assert asked("forms", text="Z -> X -> Y", query="P(Y | X)")["error"]["kind"] == "query"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", "E[]"),
        ("qu", "Quantile[]"),
        ("E[", "Y"),
        ("E[Y", " | do()"),
        ("E[Y | ", "do()"),
        ("E[Y | do(", "X"),
        ("E[Y | do(X", "="),
        ("E[Y | do(X=", "yes"),
        ("E[Y | do(X=y", "yes"),
        ("E[Y | do(X=yes)]", " - "),
        ("P(X", "="),
        ("P(X=yes | ", "do()"),
        ("RD[X=yes | Y", ": 0 -> 1"),
        ("E[Y | do(X=yes)] - ", "E[]"),
    ],
)
def test_a_question_can_be_completed_wherever_it_ends(typed: str, offered: str) -> None:
    found = answered("complete", text=MODEL, query=typed, cursor=len(typed))
    assert offered in [each["insert"] for each in found["candidates"]]


def test_a_question_typed_by_taking_candidates_can_be_read() -> None:
    typed = ""
    for wanted in ("E[]", "Y", " | do()", "X", "=", "yes"):
        cursor = len(typed.rstrip(")]")) if typed.endswith((")", "]")) else len(typed)
        found = answered("complete", text=MODEL, query=typed, cursor=cursor)
        chosen = next(each for each in found["candidates"] if each["insert"] == wanted)
        typed = typed[: found["from"]] + chosen["insert"] + typed[found["to"] :]
    assert typed == "E[Y | do(X=yes)]"
    assert answered("verdict", text=MODEL, queries=[typed])["verdicts"][0]["ok"]


def test_a_name_that_is_no_word_is_completed_in_backticks() -> None:
    found = answered("complete", text="`IL-6` -> Y", query="E[`IL", cursor=5)
    assert (found["from"], [each["insert"] for each in found["candidates"]]) == (2, ["`IL-6`"])


@pytest.mark.parametrize("format", ["dagitty", "dot", "sif", "edges", "text", "lavaan"])
def test_what_is_exported_can_be_imported(format: str) -> None:
    text = "Z -> X -> Y\nZ -> Y\n"
    made = answered("export", text=text, format=format, queries=["E[Y | do(X=1)]"])
    back = answered("import", content=made["content"], name=made["name"])
    assert ld.graph(back["text"]) == ld.graph(text) or format == "lavaan"
    assert set(ld.graph(back["text"]).directed) == set(ld.graph(text).directed)


def test_a_study_goes_out_and_comes_back_with_its_questions() -> None:
    made = answered("export", text=MODEL, format="study", queries=["E[Y | do(X=yes)]"], name="mine")
    assert made["name"] == "mine.yaml"
    study = ld.load_study(made["content"])
    assert study.model == ld.model(MODEL)
    back = answered("import", content=made["content"], name=made["name"])
    assert back["queries"] == ["E[Y | do(X=yes)]"]
    assert "a graph alone" in asked("export", text="X -> Y", format="study")["error"]["message"]


def test_our_own_text_comes_back_as_it_was_typed() -> None:
    assert answered("import", content=MODEL)["text"] == MODEL
    assert answered("import", content=NAPKIN, name="napkin.txt")["text"] == NAPKIN


def test_no_text_is_followed_as_a_path(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("model: |\n  Secret ~ normal\n")
    secret = str(study)
    for fields in (
        {"content": secret},
        {"content": secret, "name": "study.yaml"},
        {"content": secret, "format": "study"},
    ):
        found = asked("import", **fields)
        assert not found["ok"]
        assert "Secret" not in str(found)


def test_a_drawing_is_an_svg_that_marks_the_question() -> None:
    found = answered("draw", text=NAPKIN, format="svg", query="P(Y | do(X))")
    assert found["media_type"] == "image/svg+xml"
    assert "P(Y | do(X))" in found["content"]
    assert answered("draw", text=NAPKIN, format="mermaid")["content"].startswith("flowchart")


def test_a_study_is_said_to_have_as_many_nodes_as_the_page_shows() -> None:
    study = "model: |\n  X ~ normal\n  Y ~ normal(X)\n  X <-> Y\n"
    found = answered("import", content=study, name="study.yaml")
    shown = answered("read", text=found["text"])
    assert (found["report"]["nodes"], found["report"]["edges"]) == (2, 2) == (len(shown["nodes"]), len(shown["edges"]))
    assert "2 nodes, 2 edges" in found["report"]["text"]


@pytest.mark.parametrize("query", ["E[LDL-drop % | do(dose=1)]", "P(LDL-drop % | do(dose))"])
def test_a_question_says_how_a_name_with_signs_in_it_is_typed(query: str) -> None:
    (row,) = answered("verdict", text="dose -> `LDL-drop %`", queries=[query])["verdicts"]
    assert "The name LDL-drop % stands in backticks: `LDL-drop %`." in row["error"]["message"]
    assert "`LDL-drop`" not in row["error"]["message"]

"""The bridge of the page: requests and replies as JSON text."""

from __future__ import annotations

import json

from bridge_replies import asked, edited
from latentdo.web import reply

NAPKIN = "W -> R -> X -> Y  # the napkin\nW <-> X; W <-> Y\n"


def test_a_text_is_read_with_the_place_of_each_node_and_edge() -> None:
    found = asked("read", text=NAPKIN)
    assert [(node["name"], node["line"], node["column"]) for node in found["nodes"]] == [
        ("W", 1, 1),
        ("R", 1, 6),
        ("X", 1, 11),
        ("Y", 1, 16),
    ]
    assert [(edge["tail"], edge["kind"], edge["head"], edge["line"]) for edge in found["edges"]] == [
        ("W", "->", "R", 1),
        ("R", "->", "X", 1),
        ("X", "->", "Y", 1),
        ("W", "<->", "X", 2),
        ("W", "<->", "Y", 2),
    ]


def test_a_model_is_read_with_its_families_and_the_terms_of_its_edges() -> None:
    found = asked(
        "read", text="latent U ~ normal\nX ~ bernoulli(-U, levels=[no, yes])\nY ~ normal(log(Z), X:Z)\nZ ~ gamma"
    )
    assert found["kind"] == "model"
    assert [(node["name"], node["family"], node["levels"]) for node in found["nodes"]][:2] == [
        ("U", "normal", None),
        ("X", "bernoulli", ["no", "yes"]),
    ]
    assert {(edge["tail"], edge["head"]): (edge["kind"], edge["terms"]) for edge in found["edges"]} == {
        ("U", "X"): ("-|", ["-U"]),
        ("X", "Y"): ("->", ["X:Z"]),
        ("Z", "Y"): ("->", ["log(Z)", "X:Z"]),
    }


def test_a_verdict_has_its_formula_with_every_node_marked() -> None:
    found = asked("verdict", text="Z -> X -> Y; Z -> Y", queries=["E[Y | do(X=1)]"])
    (row,) = found["verdicts"]
    assert row["estimand"] == "Σ_Z E[Y | X=1, Z] P(Z)"
    node = {name: rf"\htmlData{{node={k}}}{{{name}}}" for k, name in enumerate(found["nodes"])}
    z, x, y = node["Z"], node["X"], node["Y"]
    assert row["marked"] == rf"\sum_{{{z}}} E[{y} \mid {x} = 1, {z}] P({z})"
    assert row["roles"] == {"X": "treatment", "Y": "outcome"}


def test_a_no_lights_its_hedge_and_each_remedy_is_edits_that_make_it_a_yes() -> None:
    text = "latent U\nU -> X -> Y; U -> Y"
    (row,) = asked("verdict", text=text, queries=["P(Y | do(X))"])["verdicts"]
    assert row["hedge"] == [["X", "Y"], ["Y"]]
    assert row["lit"]["nodes"] == ["U", "X", "Y"]
    for remedy in row["remedies"]:
        mended = text
        for edit in remedy["edits"]:
            mended = edited(mended, **edit)
        again = asked("verdict", text=mended, queries=["P(Y | do(X))"], experiments=remedy["experiments"])
        assert again["verdicts"][0]["identifiable"], remedy["words"]


def test_a_bad_question_has_its_error_in_its_place() -> None:
    rows = asked("verdict", text=NAPKIN, queries=["P(Y | do(X))", "P(Y |", "P(Q | do(X))"])["verdicts"]
    assert [row["ok"] for row in rows] == [True, False, False]
    assert rows[1]["error"]["column"] == 2
    assert "'Q' is not a node" in rows[2]["error"]["message"]


def test_edits_of_a_graph_keep_comments_and_order() -> None:
    assert edited(NAPKIN, "remove_node", name="R") == "W; X -> Y  # the napkin\nW <-> X; W <-> Y\n"
    assert edited(NAPKIN, "rename", name="X", to="IL-6") == (
        "W -> R -> `IL-6` -> Y  # the napkin\nW <-> `IL-6`; W <-> Y\n"
    )
    assert edited(NAPKIN, "remove_edge", tail="W", head="X", kind="<->") == "W -> R -> X -> Y  # the napkin\nW <-> Y\n"
    assert edited(NAPKIN, "flip", tail="W", head="R").startswith("W <- R -> X")
    assert edited(NAPKIN, "sign", tail="X", head="Y", sign="-").startswith("W -> R -> X -| Y")
    assert edited(NAPKIN, "add_node", name="Z", latent=True) == NAPKIN + "latent Z\n"


def test_edits_of_a_model_change_its_terms() -> None:
    model = "latent U ~ normal  # hidden\nX ~ normal(U)\nY ~ normal(X, X:U, sd=2)  # the end\n"
    assert "Y ~ normal(X, X:U, -Z, sd=2)  # the end\nZ ~ normal" in edited(
        edited(model, "add_node", name="Z"), "add_edge", tail="Z", head="Y", kind="-|"
    )
    assert "Y ~ normal(X, sd=2)  # the end" in edited(model, "remove_edge", tail="U", head="Y")
    assert edited(model, "set_latent", name="U", latent=False).startswith("U ~ normal  # hidden")
    assert edited(model, "remove_node", name="U") == "# hidden\nX ~ normal()\nY ~ normal(X, sd=2)  # the end\n"


SPREAD = "X ~ normal; Z ~ normal; Y ~ normal(X, sd=loglinear(X, Z, weight=normal(0, 1)))"


def test_a_cause_of_a_spread_alone_is_an_edge_with_its_place() -> None:
    edges = {(edge["tail"], edge["head"]): edge for edge in asked("read", text=SPREAD)["edges"]}
    assert edges["X", "Y"]["terms"] == ["X", "sd: X"]
    assert edges["Z", "Y"]["terms"] == ["sd: Z"] and edges["Z", "Y"]["column"] == SPREAD.index("Z, weight") + 1


def test_edits_reach_into_what_a_spread_depends_on() -> None:
    request = {"text": SPREAD, "queries": [], "priors": {"sd weight Z -> Y": "normal(0, 2)"}}
    renamed = asked("edit", **request, edit={"op": "rename", "name": "Z", "to": "Q"})
    assert renamed["text"] == SPREAD.replace("Z", "Q") and list(renamed["priors"]) == ["sd weight Q -> Y"]
    without = SPREAD.replace("X, Z, weight", "X, weight")
    assert edited(SPREAD, "remove_edge", tail="Z", head="Y") == without
    assert edited(SPREAD, "remove_node", name="Z") == without.replace(" Z ~ normal;", "")
    gone = edited(SPREAD, "remove_edge", tail="X", head="Y")
    assert gone == "X ~ normal; Z ~ normal; Y ~ normal(sd=loglinear(Z, weight=normal(0, 1)))"
    assert edited(gone, "remove_edge", tail="Z", head="Y") == "X ~ normal; Z ~ normal; Y ~ normal()"


def test_a_new_name_reaches_questions_and_priors() -> None:
    found = asked(
        "edit",
        text=NAPKIN,
        edit={"op": "rename", "name": "X", "to": "dose"},
        queries=["E[Y | do(X=1)]", "P(Y|do(R))", "no question"],
        priors={"R -> X": "normal(0, 1)", "sd(X)": 2, "log(X):W -> Y": 1, "C[X] -> Y": 3},
    )
    assert found["queries"] == ["E[Y | do(dose=1)]", "P(Y|do(R))", "no question"]
    assert list(found["priors"]) == ["R -> dose", "sd(dose)", "log(dose):W -> Y", "C[X] -> Y"]


def test_a_new_name_leaves_questions_as_they_were_typed() -> None:
    typed = [
        "NNT[Y=1 | X: 0 -> 1]",
        "rr[ Y=1|X: 0->1, Z = 'Z' ]",
        "E[Y|do( `Z`=1)] for Y in 0..1",
        "P( Z=Z | do(X = 1.0) )",
    ]
    typed += ["E[Y|do(Z),Y2>0]  for Z in 0..1 by 0.50", "OR[Z | X: 0 -> 1]"]
    found = asked("edit", text="Z -> X -> Y", queries=typed, edit={"op": "rename", "name": "Z", "to": "W"})
    assert found["queries"] == [
        "NNT[Y=1 | X: 0 -> 1]",
        "rr[ Y=1|X: 0->1, W = 'Z' ]",
        typed[2],
        "P( W=Z | do(X = 1.0) )",
        "E[Y|do(W),Y2>0]  for W in 0..1 by 0.50",
        "OR[W | X: 0 -> 1]",
    ]
    found = asked(
        "edit", text="E -> X -> Y", queries=["E[E|do(X=1)]"], edit={"op": "rename", "name": "E", "to": "IL-6"}
    )
    assert found["queries"] == ["E[`IL-6`|do(X=1)]"]


def test_a_request_that_makes_no_sense_says_so() -> None:
    for text, words in [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ('{"verb": "verdicts"}', "Did you mean 'verdict'?"),
        ('{"verb": "read"}', "needs the field 'text'"),
        ('{"verb": "read", "text": "X", "txt": 1}', "has no field 'txt'"),
    ]:
        assert words in json.loads(reply(text))["error"]["message"]


def test_a_page_begins_empty_and_its_last_node_can_go() -> None:
    assert asked("read", text="")["nodes"] == []
    assert asked("read", text="# nothing yet\n")["canonical"] == ""
    assert edited("", "add_node", name="X") == "X"
    assert edited("X  # the only one\n", "remove_node", name="X") == "# the only one\n"
    (row,) = asked("verdict", text="", queries=["P(Y | do(X))"])["verdicts"]
    assert row["error"]["message"] == "'Y' is not a node of the graph. There are none."


def test_new_statements_stand_on_lines_of_their_own_unless_all_is_in_one() -> None:
    assert edited("X", "add_node", name="Y") == "X\nY"
    assert edited("X -> Y; X <-> Y", "add_node", name="Z") == "X -> Y; X <-> Y; Z"
    assert edited("X -> Y;\n", "add_node", name="Z") == "X -> Y;\nZ\n"


def test_hidden_causes_alone_are_a_graph_and_other_formats_are_named() -> None:
    found = asked("read", text="X\nY\nX <-> Y\n")
    assert [edge["kind"] for edge in found["edges"]] == ["<->"]
    for text, title in (
        ("A activates B\nB inhibits C\n", "SIF"),
        ("dag { X -> Y }", "dagitty"),
        ("Y ~ a*X + Z\n", "lavaan"),
    ):
        assert asked("read", text=text)["error"]["message"].startswith(
            f"line 1, column 1: this is {title}, and the page"
        )

"""Study files: what is read, and what is said about mistakes."""

from __future__ import annotations

import json
import random
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from latentdo.errors import LatentdoError, NotationError, StudyError
from latentdo.graphs import Call
from latentdo.models import ModelSpec, Variant
from latentdo.models.document import plain, read_document
from latentdo.models.study import InferenceSettings, Study, load_study
from latentdo.models.study.form import fit_form, study_schema
from latentdo.query import Query

EXAMPLES = Path(__file__).parents[2] / "examples" / "studies"
MODEL = "model: |\n  latent U, V ~ normal\n  X ~ normal(U, V)\n  Y ~ normal(X, U)\n  X <-> Y\n"
FULL = (
    MODEL
    + """\
data: tables/trial.csv
priors:
  weight: normal(0, 10)
  "X -> Y": normal(0, 1, low=-2)
  sd(Y): 5.4
inference:
  engine: nuts
  draws: 500
  chains: 2
queries:
  effect: E[Y | do(X=1)] - E[Y | do(X=0)]
  "1": P(Y > 1 | do(X=0))
variants:
  fewer: {drop: [V], latents: {"Y <-> X": 2}}
  merged: {merge: {W: [U, V]}}
  split: {split: {U: [U1, U2]}}
  hidden: {hide: [X]}
compare: [plug-in, naive mean]
"""
)


def failure(text: str) -> StudyError | NotationError:
    with pytest.raises((StudyError, NotationError)) as caught:
        load_study(text)
    return caught.value


# What is read


def test_a_full_study_is_read():
    study = load_study(FULL)
    priors = (
        ("weight", Call("normal", (0.0, 10.0))),
        ("X -> Y", Call("normal", (0.0, 1.0), (("low", -2.0),))),
        ("sd(Y)", 5.4),
    )
    text = read_document(MODEL, "it").root.entries["model"]
    assert study == Study(
        name="study",
        model=ModelSpec.parse(plain(text)).with_priors(dict(priors)),
        data=Path("tables/trial.csv"),
        priors=priors,
        inference=InferenceSettings("nuts", draws=500, chains=2),
        queries=(
            ("effect", Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")),
            ("1", Query.parse("P(Y > 1 | do(X=0))")),
        ),
        variants=(
            Variant("fewer", drop=("V",), latents=(("X", "Y", 2),)),
            Variant("merged", merge=(("W", ("U", "V")),)),
            Variant("split", split=(("U", ("U1", "U2")),)),
            Variant("hidden", hide=("X",)),
        ),
        compare=("plug-in", "naive mean"),
    )
    assert study.inference.arguments == {"draws": 500, "chains": 2}


def test_only_the_model_is_required():
    study = load_study("model: X ~ normal; Y ~ normal(X)")
    assert study == Study("study", ModelSpec.parse("X ~ normal; Y ~ normal(X)"))


def test_queries_may_name_queries_before_and_behind_them():
    study = load_study(
        MODEL + "queries:\n  twice: 2 * gain\n  gain: high - low\n  low: E[Y | do(X=0)]\n  high: E[Y | do(X=1)]\n"
        "  curve: E[Y | do(X)] for X in 0..10\n  same: curve\n"
    )
    assert {name: str(query) for name, query in study.queries} == {
        "twice": "2 * (E[Y | do(X=1)] - E[Y | do(X=0)])",
        "gain": "E[Y | do(X=1)] - E[Y | do(X=0)]",
        "low": "E[Y | do(X=0)]",
        "high": "E[Y | do(X=1)]",
        "curve": "E[Y | do(X)] for X in 0..10",
        "same": "E[Y | do(X)] for X in 0..10",
    }
    assert [name for name, _ in study.queries] == ["twice", "gain", "low", "high", "curve", "same"]


def test_a_long_chain_of_queries_is_read():
    chain = "".join(f"  q{i}: q{i + 1}\n" for i in range(2000))
    assert str(load_study(MODEL + f"queries:\n{chain}  q2000: E[Y]\n").queries[0][1]) == "E[Y]"


def test_queries_in_a_list_go_by_their_text():
    study = load_study(MODEL + "queries:\n  - E[ Y|do(X=1) ]\n  - E[Y]\n")
    assert [name for name, _ in study.queries] == ["E[Y | do(X=1)]", "E[Y]"]


def test_paths_start_at_the_study_file(tmp_path: Path):
    file = tmp_path / "trial.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode())
    study = load_study(file)
    assert study.name == "trial"
    assert study.data == tmp_path / "tables" / "trial.csv"
    assert study == load_study(str(file))
    assert load_study(file, data="other.csv").data == Path("other.csv")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_examples_load(file: Path):
    study = load_study(file)
    assert study.name == file.stem
    assert study.queries
    assert study.variants


def test_there_are_the_four_case_studies():
    assert {file.stem for file in EXAMPLES.glob("*.yaml")} >= {"multicause", "napkin", "signaling", "covid"}


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("true", True), ("false", False), ("True", "True"), ("yes", "yes"), ("NO", "NO"), ("on", "on"),
        ("y", "y"), ("null", None), ("~", None), ("12", 12), ("-3", -3), ("0", 0), ("0x1F", 31),
        ("010", "010"), ("0o17", "0o17"), ("1:30", "1:30"), ("1_000", "1_000"), ("1e3", 1000.0), ("1.", 1.0),
        (".5", 0.5), ("-1.5E-2", -0.015),
        ("2020-01-01", "2020-01-01"), ("=", "="), ("'12'", "12"), ('"a\\tb"', "a\tb"), (".inf", float("inf")),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_rules_of_yaml_1_2(typed: str, value: object):
    read = plain(read_document(f"key: {typed}", "it").root)["key"]
    assert read == value
    assert type(read) is type(value)


def test_a_node_may_be_called_no():
    study = load_study("model: |\n  latent NO, y ~ normal\n  on ~ normal(NO, y)\nvariants:\n  a: {drop: [NO, y]}\n")
    assert study.variants[0].drop == ("NO", "y")


# What is said


MISTAKES = {
    # YAML
    "priors: {weight: normal(0, 10)}": (6, 18, "without the braces, or put the text in quotes"),
    "queries: {a: E[Y | do(X=1)]}": (6, 15, "write one entry per line without the braces"),
    "queries: [P(Y > 1 | do(X=0, U=1))]": (6, 11, "write one entry per line without the braces"),
    "queries:\n\ta: E[Y]": (7, 1, "A tab indents this line, and YAML is indented with blanks"),
    "data: a\ndata: b": (7, 1, "the key 'data' is there twice, first in line 6. Keep one."),
    "queries: {a: 'E[Y]', a: 'E[X]'}": (6, 22, "the key 'a' is there twice"),
    "priors: &a\n  weight: 1": (6, 9, "the anchor or alias 'a' is not read: write the value out."),
    "data: *a": (6, 7, "the anchor or alias 'a' is not read"),
    "data: !!python/object:os.system x": (6, 7, "a tag (a text that starts with '!') is not read"),
    "data: ! x": (6, 7, "a tag"),
    "<<: {data: a}": (6, 1, "`<<`: there is no such key."),
    "data: a\x00b": (6, 8, "the character U+0000 is no text."),
    "data: a: b": (6, 8, "A text that holds ': ' stands in quotes"),
    "data: 'abc": (6, 7, "Close the quote."),
    "queries:\n  a: `x`": (7, 6, "Put the text in quotes."),
    "queries:\n  a: E[Y]\n b: E[X]": (8, 2, "Lines of one mapping start in the same column."),
    "queries: - E[Y]": (6, 10, "A list starts on a line of its own"),
    "[a]: b": (6, 1, "a key is a text, not a list or a mapping."),
    "---\nmodel: X ~ normal": (6, 1, "a second document starts here"),
    "data: " + "[" * 500: (6, 26, "the file is nested deeper than 20."),
    # Form
    "querys: [a]": (6, 1, "`querys`: there is no such key. Did you mean 'queries'?"),
    "data: true": (6, 1, "`data`: expected a text or a mapping or a list, found true."),
    "data: [{fil: a.csv}]": (6, 9, "`data[0].fil`: there is no such key. Did you mean 'file'?"),
    "check: {tolerence: 1}": (6, 9, "`check.tolerence`: there is no such key. Did you mean 'tolerance'?"),
    "data: ''": (6, 1, "`data`: expected a text of length at least 1, found ''."),
    "queries:": (6, 1, "`queries`: nothing stands here: fill it in, or remove the line."),
    "queries: E[Y]": (6, 1, "Write one query per line: `- E[Y | do(X=1)]`, or `name: E[Y | do(X=1)]`."),
    "queries:\n  a: 5": (7, 3, "`queries.a`: expected a text, found 5."),
    "queries:\n  - 5": (7, 5, "`queries[0]`: expected a text, found 5."),
    "inference: nuts": (6, 1, "`inference`: expected a mapping, found 'nuts'."),
    "inference: {engine: nutz}": (6, 13, "no engine is called 'nutz'. Did you mean 'nuts'?"),
    "inference: {engine: nuts, drows: 5}": (6, 27, "`inference.drows`: there is no such key. Did"),
    "inference: {engine: nuts, draws: 1e3}": (6, 27, "expected a whole number, found 1000.0. Write 1000."),
    "inference: {engine: nuts, draws: 1_000}": (6, 27, "found '1_000'. Write 1000."),
    "inference: {engine: nuts, draws: 0}": (6, 27, "expected a whole number of at least 4, found 0."),
    "inference: {engine: nuts, chains: true}": (6, 27, "expected a whole number, found true."),
    "inference: {engine: svi, steps: 1000000000}": (6, 26, "expected a whole number of at most 100000000"),
    "inference: {max_steps: 100}": (6, 13, "expected a whole number of at least 200"),
    "inference: {engine: nuts, max_steps: 400}": (6, 38, "nuts has no argument max_steps. It belongs to engine: auto."),
    "inference: {draws: 100}": (6, 20, "auto has no argument draws. It belongs to engine: nuts or svi"),
    "missing: zzz": (6, 1, "'zzz' is no way to treat missing cells: write latent or drop"),
    "inference: {engine: svi, guide: full}": (6, 26, "no guide is called 'full'. Did you mean 'full-rank'"),
    "inference: {engine: svi, learning_rate: 0}": (6, 26, "expected a number above 0"),
    "inference: {engine: laplace, batch: 100}": (6, 37, "laplace has no argument batch. It belongs to engine: svi."),
    "inference: {engine: map, steps: 100}": (6, 33, "map has no argument steps. It belongs to engine: svi."),
    "compare: [plugin]": (6, 11, "`compare[0]`: no method is called 'plugin'. Did you mean 'plug-in'?"),
    "compare: plug-in": (6, 1, "expected a list, found 'plug-in'. Write it as a list: [plug-in]."),
    "compare: [ipw, ipw]": (6, 16, "ipw is listed twice."),
    "queries:\n  a: b + 1\n  b: 2 * c\n  c: a": (7, 6, "`queries.a`: the query needs itself: a -> b -> c -> a."),
    "queries:\n  a: 1 - a": (7, 6, "`queries.a`: the query needs itself: a -> a. Write out one of them."),
    "queries:\n  a: hihg - 1\n  high: E[Y]": (7, 6, "expected a term, found 'hihg'. Did you mean the query 'high'?"),
    "queries:\n  a: curve - 1\n  curve: E[Y | do(X)] for X in 0..1": (7, 6, "'curve' is a sweep"),
    "queries:\n  a: b for Z in 0..1\n  b: E[Y | do(X)]": (7, 12, "'Z' stands nowhere open in the query"),
    # Model, priors and queries
    "queries:\n  eff: E[Y | do(X==1)]": (7, 18, "in `queries.eff` of the study: write one '='"),
    "queries:\n  - 'E[Y | do(X==1)]'": (7, 16, "in `queries[0]` of the study"),
    "queries:\n  eff: E[Y | do(U=1)]": (7, 8, "`queries.eff`: 'U' is latent and cannot be set"),
    "queries:\n  eff: E[YY | do(X=1)]": (7, 8, "'YY' is not a node of the graph. Did you mean 'Y'?"),
    "queries:\n  eff: 1 + 2": (7, 8, "asks nothing"),
    "queries: ['E[Y]', 'E[ Y ]']": (6, 19, "`queries[1]`: E[Y] is listed twice."),
    "priors:\n  sd(: 1": (7, 3, "the key 'sd(' under `priors` names no parameter: '(' is never closed"),
    "priors:\n  weight: normal(0 1)": (7, 20, "in `priors.weight` of the study: expected ',' or ')'"),
    "priors:\n  sd(Q): 1": (7, 10, "`priors.sd(Q)`: 'Q' is not a node of the graph."),
    "priors:\n  weight: .inf": (7, 11, "a fixed parameter is a finite number."),
    "priors:\n  weight: [1]": (7, 3, "`priors.weight`: expected a number or a text, found a list."),
    # Variants
    "variants: [a]": (6, 1, "`variants`: expected a mapping, found a list."),
    "variants:\n  v: {}": (7, 6, "`variants.v`: the variant changes nothing."),
    "variants:\n  a: {drop: [U]}\n  v: {drp: [U]}": (8, 7, "`variants.v.drp`: there is no such key."),
    "variants:\n  v: {drop: U}": (7, 7, "expected a list, found 'U'. Write it as a list: [U]."),
    "variants:\n  v: {drop: [W]}": (7, 14, "`variants.v.drop[0]`: 'W' is not a node of the graph."),
    "variants:\n  v: {drop: [true]}": (7, 14, "expected a text, found true. Put it in quotes"),
    "variants:\n  v: {drop: []}": (7, 7, "expected a list of length at least 1, found an empty list."),
    "variants:\n  v: {hide: [U]}": (7, 14, "'U' is latent already. Name a measured node."),
    "variants:\n  v: {merge: {W: [X]}}": (7, 19, "'X' is measured. Only latents are merged or split."),
    "variants:\n  v: {merge: {W: [U, U]}}": (7, 22, "'U' is merged twice."),
    "variants:\n  v: {merge: {X: [U]}}": (7, 18, "'X' is a node already. Give the merged latent a new name."),
    "variants:\n  v: {split: {X: [A, B]}}": (7, 18, "'X' is measured."),
    "variants:\n  v: {split: {U: [X, B]}}": (7, 19, "'X' is a node already. Give each part a new name."),
    "variants:\n  v: {latents: {'X <-> Y': x}}": (7, 17, "latents.X <-> Y`: expected a whole number"),
    "variants:\n  v: {latents: {'X <-> U': 2}}": (7, 28, "the model has no X <-> U. Did you mean 'X <-> Y'?"),
    "variants:\n  v: {latents: {'X <-> Q': 2}}": (7, 28, "'Q' is not a node of the graph."),
    "variants:\n  v: {latents: {'X -> Y': 2}}": (7, 27, "the key is written A <-> B."),
    "variants:\n  v: {latents: {'X <->': 2}}": (7, 26, "the key is written A <-> B: expected a name"),
}  # fmt: skip


@pytest.mark.parametrize("addition", MISTAKES, ids=lambda text: ascii(text)[:50])
def test_a_mistake_is_told_with_its_place_in_the_file(addition: str):
    line, column, said = MISTAKES[addition]
    error = failure(MODEL + addition + "\n")
    assert said in str(error)
    assert (error.line, error.column) == (line, column)
    assert f"line {line}, column {column}" in str(error)


WHOLE = {
    "": (None, "the study is empty. A study file has at least the key `model`."),
    "# nothing\n": (None, "the study is empty."),
    "- a\n- b": (1, "expected keys such as `model:`, found a list."),
    "study.yml2": (1, "A path is given as a pathlib.Path, or ends in .yaml or .yml."),
    "data: a.csv": (1, "the key `model` is missing."),
    "model: 5": (1, "`model`: expected a text, found 5."),
    "model:\n  X ~ normal\n  Y ~ normal(X)": (2, "Write `model: |` and the statements below it, indented."),
    "model: >\n  X ~ normal\n  Y ~ normal(X)": (1, "YAML joins the lines of this text into one."),
    "model: X -> Y": (1, "The text has no mechanism"),
    "model: |\n  X ~ normal(Y)\n  Y ~ normal(X)": (1, "The graph has a directed cycle"),
    "model: |\n  # first\n\n  X ~ norml": (4, "No family is called 'norml'. Did you mean 'normal'?"),
    "model: |\n  X ~ normal(U\n  Y -> Z\n": (3, "The '(' of line 2, column 13 is not closed before it."),
    "model: |\n  X ~ normal\n  X ~ normal\n": (3, "the first is in line 2."),
    "model: |\n    X ~ normal\n    1Y ~ normal\ndata: x": (3, "a name starts with a letter"),
    "model: 'X ~ normal(U'": (1, "'(' is never closed"),
    "model: |\n" + "  # long\n" * 120_000: (None, "a study file has at most 1000000."),
}


@pytest.mark.parametrize("text", WHOLE, ids=lambda text: ascii(text)[:40])
def test_a_text_that_is_no_study_is_explained(text: str):
    line, said = WHOLE[text]
    error = failure(text)
    assert said in str(error)
    assert error.line == line


def test_a_syntax_error_in_the_model_points_into_the_file():
    error = failure("data: a.csv\nmodel: |\n\n    X ~ normal\n    Y ~ normal(X + Z)\n")
    assert isinstance(error, NotationError)
    assert str(error).splitlines()[1:] == ["      Y ~ normal(X + Z)", "                   ^"]
    assert (error.line, error.column) == (5, 18)


def test_a_place_in_joined_lines_is_told_in_the_joined_text():
    error = failure(MODEL + "queries:\n  a: E[Y |\n    do(X==1)]\n")
    assert isinstance(error, NotationError)
    assert "in `queries.a` of the study, which starts in line 7: write one '='" in str(error)
    assert "E[Y | do(X==1)]" in str(error)


def test_files_that_cannot_be_read_are_explained(tmp_path: Path):
    (tmp_path / "trial.yaml").write_bytes(b"model: X ~ normal\ndata: \xe9.csv\n")
    with pytest.raises(StudyError, match=r"trial\.yaml, line 2: the byte 0xe9 is not UTF-8\. Save the file as UTF-8"):
        load_study(tmp_path / "trial.yaml")
    with pytest.raises(StudyError, match=r"does not exist .*Did you mean '.*trial\.yaml'"):
        load_study(tmp_path / "trail.yaml")
    with pytest.raises(StudyError, match="is a folder; expected a file"):
        load_study(tmp_path)
    with pytest.raises(StudyError, match="cannot be read"):
        load_study(Path("a\x00b.yaml"))
    with pytest.raises(StudyError, match="A study is a path or a YAML text, got dict"):
        load_study({"model": "X ~ normal"})  # type: ignore[arg-type]


def test_a_message_names_the_file_and_the_key(tmp_path: Path):
    file = tmp_path / "trial.yaml"
    file.write_text(MODEL + "inference: {engine: nutz}\n")
    with pytest.raises(StudyError, match=r"^trial\.yaml, line 6, column 13: `inference\.engine`") as caught:
        load_study(file)
    assert caught.value.key == "inference.engine"


# The schema, and laws


def test_the_schema_in_the_wheel_is_the_one_of_the_code():
    stored = files("latentdo.models").joinpath("study.schema.json").read_text()
    # After a change of the form, write json.dumps(study_schema(), indent=2) and a line end there.
    assert stored == json.dumps(study_schema(), indent=2) + "\n"


def test_the_schema_names_every_key():
    definitions: dict[str, Any] = study_schema()["$defs"]
    keys = {"model", "data", "missing", "priors", "units", "inference", "queries", "variants", "compare", "check"}
    assert set(definitions["StudyForm"]["properties"]) == keys
    assert definitions["StudyForm"]["required"] == ["model"]
    assert not definitions["StudyForm"]["additionalProperties"]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_examples_have_the_form_of_the_schema(file: Path):
    fit_form(plain(read_document(file.read_text(), file.name).root))


def test_no_mutation_of_a_study_breaks_the_reader():
    chance = random.Random(4)
    pieces = [
        "",
        *"{}[]()\"':,|>-&*!#%@`~?=\n\t\0 01.e",
        "\n  ",
        "- ",
        ": ",
        "<<: ",
        "true",
        "1e999",
        "\ud800",
        "\x85",
    ]
    for _ in range(1200):
        text = FULL
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(pieces) + text[at + chance.choice([0, 0, 1, 4]) :]
        try:
            load_study(text)
        except LatentdoError as error:
            assert str(error).isprintable() or "\n" in str(error)


@pytest.mark.parametrize(
    ("addition", "line", "column", "said"),
    [
        # The first entry is right, and something else is wrong below.
        (
            "priors:\n  weight: 1\n  sd: [1]\nqueries: 5\n",
            8,
            3,
            "`priors.sd`: expected a number or a text, found a list.",
        ),
        ('"a - at `$.b": 1\n', 6, 1, "`a - at `$.b`: there is no such key."),
        ('"a\\nb": 1\n', 6, 1, "there is no such key."),
        ("?\n", 6, 2, "``: there is no such key."),
        # The end of a block is the end of its last line.
        ("queries:\n  a: |\n    E[X] +\n  b: E[X]\n", 8, 11, "found the end of the text."),
        ("queries:\n  a: \x85 E[X]\n", 7, 6, "the character U+0085 is no text."),
        ("queries:\n  a: E[X] # \u2028\n", 7, 13, "the character U+2028 is no text."),
        ("queries:\n  \ufeffa: E[X] +\n", 7, 3, "the character U+FEFF is no text."),
        # A name that reads like a place is none.
        ("queries:\n  a: E[X] `line 1`\n", 7, 11, "found 'line 1'."),
        (
            "priors:\n  weight: 1\n  sd(X): normal(0)\n  sd(Y): []\n",
            9,
            3,
            "`priors.sd(Y)`: expected a number or a text",
        ),
        ("priors:\n  weight: 1\n  sd(X): normal(0)\n  sd(Z): 1\n", 8, 10, "The prior normal(0) lacks sd"),
        ("priors:\n  intercept(X): 1\n  mean(X): 1\n", 8, 12, "are of the same parameter."),
    ],
)
def test_a_mistake_among_others_is_told_where_it_stands(addition: str, line: int, column: int, said: str):
    error = failure(MODEL + addition)
    assert said in str(error)
    assert (error.line, error.column) == (line, column)


def test_priors_of_hundreds_of_nodes_are_applied_together():
    nodes = range(800)
    text = "model: |\n" + "".join(f"  A{i} ~ normal\n" for i in nodes) + "priors:\n"
    begun = time.process_time()
    study = load_study(text + "".join(f"  sd(A{i}): 2\n" for i in nodes))
    assert time.process_time() - begun < 2  # one by one it takes minutes
    assert study.model["A799"].parameter("sd") == 2

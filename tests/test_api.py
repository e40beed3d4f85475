"""The public verbs where they do more than call a room."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import UsageError
from posteriors import posterior_of
from studies import reproduce

ROOT = Path(__file__).parent.parent


def test_a_verdict_is_true_or_false():
    assert ld.identify("X -> M -> Y; X <-> Y", "P(Y | do(X))")
    assert not ld.identify("X -> Y; X <-> Y", "P(Y | do(X))")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("X ~ foo; Y ~ normal(X)", "No family is called 'foo'"),
        ("X ~ binomial; Y ~ normal(X)", "Did you mean 'bernoulli'"),
        ("X ~ normal(sd=-1); Y ~ normal(X)", "sd of X must be positive"),
        ("Y ~ normal(W)", "No mechanism for W"),
        ("X ~ normal; Y ~ normal(+X); X -| Y", "says that X inhibits, but the parent is written"),
    ],
)
def test_a_text_with_mechanisms_is_read_as_a_model_before_a_verdict(text, said):
    with pytest.raises(ld.LatentdoError, match=said):
        ld.identify(text, "P(Y)")


def test_a_study_question_is_asked_by_its_name():
    from dataclasses import replace

    from latentdo.types import Query

    effect = Query.parse("E[Y | do(X=1)] - E[Y | do(X=0)]")
    posterior = replace(posterior_of("X ~ normal; Y ~ normal(X)"), queries=(("effect", effect),))
    answer = ld.ask(posterior, "effect")
    assert answer.query == effect
    assert answer.name == "effect"
    assert [a.name for a in ld.ask(posterior, "E[Y]", "effect")] == [None, "effect"]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "1", None])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ld.LatentdoError, match="A seed is a whole number from 0 to"):
        ld.ask(posterior_of("X ~ normal"), "E[X]", seed=seed)


def test_a_numpy_integer_is_a_whole_number():
    posterior = posterior_of("X ~ normal")
    assert ld.ask(posterior, "E[X]", seed=np.int64(3)).mean == ld.ask(posterior, "E[X]", seed=3).mean


@pytest.mark.parametrize("path", [3, None])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(ld.LatentdoError, match="by a path, not by a"):
        ld.load(path)
    with pytest.raises(ld.LatentdoError, match="under a path, not under a"):
        posterior_of("X ~ normal").save(path)


def test_graphs_come_from_text_or_pairs_not_both():
    with pytest.raises(ld.LatentdoError, match="takes a source or pairs, not both"):
        ld.graph("X -> Y", nodes=["Z"])


def test_submodules_with_types_are_there_without_an_import():
    assert ld.types.Query is not None
    assert ld.families.Hill is not None
    assert ld.errors.LatentdoError is ld.LatentdoError


def test_a_model_whose_first_node_is_called_like_a_format_is_a_model():
    model = "dagger ~ nomal; Y ~ normal(dagger)"
    with pytest.raises(ld.LatentdoError, match="No family is called 'nomal'"):
        ld.identify(model, "P(Y | do(dagger))")


def test_dagitty_text_behind_a_comment_has_a_verdict():
    assert ld.identify("# mine\ndag { X -> Y }", "P(Y | do(X))").identified


STUDY = """\
model: |
  latent U ~ normal
  X ~ normal(U)
  M ~ normal(X)
  Y ~ normal(M, U)
queries:
  effect: E[Y | do(X=1)] - E[Y | do(X=0)]
"""


@pytest.mark.parametrize("typed", [str, Path], ids=["text", "path"])
def test_a_study_path_goes_wherever_a_graph_goes(tmp_path, typed):
    path = tmp_path / "lung.yaml"
    path.write_text(STUDY)
    source, study = typed(path), ld.load_study(path)
    assert str(ld.identify(source, "effect")) == str(ld.identify(study, "effect"))
    assert ld.answerable(source).to_json() == ld.answerable(study).to_json()
    assert ld.same_admg(source, study.model)
    assert ld.graph(source) == ld.graph(study) == study.model.graph


def test_a_saved_fit_goes_by_its_path_where_its_graph_is_meant(tmp_path):
    posterior = posterior_of("X ~ normal; Y ~ normal(X)")
    path = tmp_path / "fit.ldo"
    posterior.save(path)
    assert ld.identify(str(path), "P(Y | do(X))").identified
    assert ld.answerable(path).treatments == ld.answerable(posterior).treatments


@pytest.mark.parametrize("verb", [ld.answerable, ld.graph, ld.check])
def test_a_path_that_leads_nowhere_is_no_notation_error(verb):
    with pytest.raises(ld.LatentdoError, match=r"nowhere\.yaml does not exist"):
        verb("nowhere.yaml")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (
            lambda: ld.ask(posterior_of("X ~ normal; Y ~ normal(X)"), "E[Y]", allow_unidentified="no"),
            "allow_unidentified",
        ),
        (lambda: ld.ask(posterior_of("X ~ normal; Y ~ normal(X)"), "E[Y]", naive=0), "naive"),
        (lambda: ld.compare("X -> Y", "E[Y | do(X=0)]", data={}, allow_unidentified="no"), "allow_unidentified"),
        (lambda: ld.check("X ~ normal; Y ~ normal(X)", prior="no"), "prior"),
        (lambda: ld.simulate("napkin", 5, latents="no"), "latents"),
        (lambda: reproduce("napkin", quick="no"), "quick"),
        (lambda: reproduce("napkin", as_published=None), "as_published"),
    ],
)
def test_a_word_in_place_of_true_or_false_is_refused(call, name):
    with pytest.raises(ld.LatentdoError, match=f"{name} is True or False, got "):
        call()


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("weights", "Repeat a row that stands for several|copies of a row count once"),
        ("cluster", "Make what units of a cluster share a node"),
        ("random_state", "seed=0"),
        ("common_causes", "The query says what is set"),
        ("robust", "Intervals come from the posterior"),
        ("target_units", "The query says in whom"),
        ("progres", "Did you mean|Known are"),
    ],
)
@pytest.mark.parametrize("verb", sorted(name for name in ld.__all__ if name.islower()))
def test_an_option_that_a_verb_does_not_have_is_told_in_one_sentence(verb, option, instead):
    with pytest.raises(UsageError, match=rf"^ld\.{verb} has no option {option}=\. ") as caught:
        getattr(ld, verb)(**{option: 1})
    assert re.search(instead, str(caught.value))


def test_a_slip_in_an_option_is_told_before_a_neighbours_word():
    with pytest.raises(UsageError, match="Did you mean 'methods'"):
        ld.compare("X -> Y", {}, method="aipw")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda folder: ld.graph(folder / "g.dot"), r"g\.dot: line 1, column 9: expected|g\.dot: expected"),
        (
            lambda folder: ld.graph(folder / "g.gexf"),
            r"g\.gexf is a graph of Gephi; export GraphML there.*Read are .*BIF",
        ),
        (lambda folder: ld.graph(folder / "g.foo"), r"g\.foo is in no format that is read\. Read are .*DOT.*lavaan"),
        (lambda folder: ld.graph(folder / "g.bin"), r"g\.bin is no text in UTF-8 \(line 2\).*Read are .*DOT"),
        (lambda folder: ld.identify("g.bif", "P(Y | do(X))"), r"g\.bif does not exist"),
        (lambda folder: ld.model(str(folder / "g.dot")), r"g\.dot is the path of a graph, which ld\.graph reads"),
        (lambda folder: ld.model("dag { X -> Y }"), "dagitty text, a graph without mechanisms, which ld.graph reads"),
        (lambda folder: ld.fit("dag { X -> Y }", {}), "dagitty text, a graph without mechanisms"),
        (lambda folder: ld.model("study.yaml"), r"Its model is ld\.load_study\('study\.yaml'\)\.model"),
        (lambda folder: ld.model(folder / "study.yaml"), r"is read by ld\.load_study"),
        (lambda folder: ld.graph([("X", "Y", "Z")]), r"with 3 entries. Write one pair per edge"),
        (lambda folder: ld.graph(folder / "none.dot"), r"none\.dot does not exist"),
    ],
)
def test_what_is_not_read_is_named_with_what_is(call, said, tmp_path):
    (tmp_path / "g.dot").write_text("digraph X -> Y }")
    (tmp_path / "g.foo").write_text("who knows what this is")
    (tmp_path / "g.bin").write_bytes(b"a\n\xff\x00")
    with pytest.raises(ld.LatentdoError, match=said):
        call(tmp_path)


def test_a_study_may_have_a_name_that_says_nothing(tmp_path):
    (tmp_path / "study.txt").write_text("model: X ~ normal; Y ~ normal(X)")
    assert ld.graph(tmp_path / "study.txt").nodes == ("X", "Y")


FORMS_OF_ASK = """
from collections.abc import Mapping

import latentdo as ld
from latentdo.types import Answers, Effects

posterior = ld.load("fit.ldo")
print(ld.ask(posterior, "E[Y | do(X=1)]").mean)
print([answer.mean for answer in ld.ask(posterior, "P(Y | do(X=1))")])
low, high = ld.ask(posterior, "E[Y | do(X)] for X in 0..10").band(0.9)
several: Answers = ld.ask(posterior, "E[Y]", "E[X]")
several = ld.ask(posterior, ["E[Y]", "E[X]"], seed=1)
named: Mapping[str, str] = {"low": "E[Y | do(X=0)]"}
several = ld.ask(posterior, named)
print([answer.sd for answer in ld.ask(posterior)])
print(ld.ask(posterior, Effects()).to_csv("effects.csv"))
start, end = ld.ask(posterior, "E[Y]").interval(0.9)
print(end - start)
"""


PARTS_OF_VERDICTS = """
import latentdo as ld

verdict = ld.identify("X -> M -> Y; X <-> Y", "P(Y | do(X))")
print(verdict.derivation.check(), verdict.derivation.steps[0].rule, verdict.estimand.text, verdict.forms.front_door)
print(verdict.witness().values, verdict.remedies().measure, verdict.measurements(costs={"M": 3}).cheapest)
larger, smaller = verdict.hedge
print(sorted(larger - smaller), verdict.reason)
"""


def test_type_checkers_accept_the_tutorial_and_every_form_of_a_question(tmp_path):
    pages = [*(ROOT / "docs" / "tutorials").glob("*.md"), ROOT / "README.md"]
    for page in pages:
        blocks = re.findall(r"^```python[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        (tmp_path / f"{page.stem}.py").write_text("\n".join(blocks), "utf-8")
    (tmp_path / "forms.py").write_text(FORMS_OF_ASK, "utf-8")
    (tmp_path / "verdicts.py").write_text(PARTS_OF_VERDICTS, "utf-8")
    checker = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    found = subprocess.run([*checker, str(tmp_path)], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert found.returncode == 0, found.stdout


# Texts are read once


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each text that is taken apart in the model language from now on."""
    from latentdo.graphs import notation

    taken: list[str] = []

    def tokens(text, *arguments):
        taken.append(text)
        return original(text, *arguments)

    original = notation.Tokens
    monkeypatch.setattr(notation, "Tokens", tokens)
    return taken


MODEL_TEXT = "latent `a~b` ~ normal; X ~ normal(`a~b`); Y ~ normal(X, `a~b`)"


@pytest.mark.parametrize(
    "call",
    [
        lambda text: ld.identify(text, "P(Y | do(X))"),
        lambda text: ld.answerable(text),
        lambda text: ld.model(text),
        lambda text: ld.check(text),
        lambda text: ld.compare(text, COLUMNS, "E[Y]", methods="naive mean", replicates=0),
    ],
)
@pytest.mark.parametrize("text", [MODEL_TEXT, "X -> Y; latent `a~b`; `a~b` -> Y"])
def test_a_text_is_taken_apart_once(call, text, readings):
    try:
        call(text)
    except ld.LatentdoError:
        assert "->" in text, "a graph states no model"
    assert readings.count(text) == 1


COLUMNS = {"X": np.array([0.0, 1.0, 2.0, 1.5]), "Y": np.array([1.0, 0.0, 1.0, 3.0])}


def test_a_study_and_a_saved_fit_take_their_models_apart_once(readings, tmp_path):
    study = "model: |\n  X ~ normal\n  X <-> Y\n  Y ~ normal(X)\nvariants:\n  other:\n    hide: [X]\n"
    ld.load_study(study)
    assert readings.count("X ~ normal\nX <-> Y\nY ~ normal(X)\n") == 1
    path = posterior_of("X ~ normal; Y ~ normal(X)").save(tmp_path / "fit.ldo")
    readings.clear()
    ld.load(path)
    assert readings == ["X ~ normal\nY ~ normal(X)"]


def test_the_levels_of_a_table_are_looked_for_once(monkeypatch):
    from latentdo.types import ModelSpec

    calls: list[object] = []
    original = ModelSpec.with_levels
    monkeypatch.setattr(ModelSpec, "with_levels", lambda spec, levels: calls.append(levels) or original(spec, levels))
    study = ld.load_study("model: |\n  C ~ categorical\n  Y ~ normal(C)\nunits:\n  Y: mmHg\n")
    rows = {"C": [1.0, 2.0, 3.0] * 10, "Y": np.random.default_rng(0).normal(size=30)}
    ld.check(study, rows)
    assert len(calls) == 1
    ld.fit(study, rows, ld.Map(), progress=False)
    assert len(calls) == 2


def test_a_unit_of_a_column_of_names_is_refused_before_anything_is_trained():
    study = ld.load_study("model: |\n  C ~ categorical\n  Y ~ normal(C)\nunits:\n  C: mg\n")
    rows = {"C": ["low", "high", "mid"] * 10, "Y": np.random.default_rng(0).normal(size=30)}
    for call in (lambda: ld.check(study, rows), lambda: ld.fit(study, rows), lambda: ld.fit_many(study, [rows])):
        with pytest.raises(ld.LatentdoError, match="The levels of C are names"):
            call()


def test_rivals_of_a_model_know_its_levels_whether_it_is_a_text_or_a_value():
    text = "D ~ categorical(levels=[low, high]); Y ~ normal(D)"
    rows = {"D": ["low", "high"] * 20, "Y": np.arange(40.0) % 7}
    asked = "E[Y | do(D=high)] - E[Y | do(D=low)]"
    found = [ld.compare(model, rows, asked, methods="plug-in", replicates=0) for model in (text, ld.model(text))]
    assert found[0][0].estimate == found[1][0].estimate
    for model in (text, ld.model(text)):
        with pytest.raises(ld.LatentdoError, match="mid"):
            ld.compare(model, {**rows, "D": ["low", "mid"] * 20}, asked, methods="plug-in", replicates=0)

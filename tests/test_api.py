"""The public verbs where they do more than call a room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from posteriors import posterior_of
from studies import reproduce


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
